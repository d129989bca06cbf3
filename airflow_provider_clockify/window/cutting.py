# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Windows cut into what one report covers, and into what one file holds (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from airflow_provider_clockify.exceptions import ClockifyWindowError
from airflow_provider_clockify.window.interval import Window
from airflow_provider_clockify.window.units import (
    PARTITION_UNITS,
    UNITS,
    expand_to_units,
    floor_to,
    in_zone,
    next_unit,
    partition_of,
    unknown_unit,
)

if TYPE_CHECKING:
    from airflow_provider_clockify.types import PartitionUnit, Unit

_LONGEST_UNIT_DAYS: Final[dict[str, int]] = {"hour": 1, "day": 1, "week": 7, "month": 31}
_PARTITION_DIRECTORY: Final[dict[str, str]] = {"day": "dt", "month": "month"}


@dataclass(frozen=True, slots=True)
class Partition:
    """
    One day or month of an export that is stored in one file.

    :param window: The whole unit, of its zone.
    :param key: ``YYYY-MM-DD`` or ``YYYY-MM``, equal to :func:`.units.partition_of` of each instant of the window.
    :param name: Name of the folder, Hive-style: ``dt=YYYY-MM-DD`` or ``month=YYYY-MM``.
    """

    window: Window
    key: str
    name: str


def chunks(window: Window, *, max_days: int = 31, align: Unit | None = None) -> list[Window]:
    """
    Cut a window into as few pieces as possible that one report may cover each.

    The reports of a Free workspace refuse bounds that are more than 31 days (of 24 hours) apart.

    :param window: What to cut.
    :param max_days: Greatest length of a piece, in days of 24 hours.
    :param align: Cut only at the starts of this unit of the window's zone; ``None``, ``"hour"`` and ``"day"`` all mean
        at midnights. A unit that is too long because clocks were set back in it (a month of 31 days and an hour, a
        day of 25 hours) is cut at smaller ones.
    :return: Pieces in order of time that tile the window exactly; the first and the last may start and end
        anywhere.
    :raises ClockifyWindowError: ``max_days`` is not a positive number of days, or shorter than the longest
        ``align`` unit.
    """
    unit: Unit = "day" if align is None or align == "hour" else align
    if unit not in UNITS:
        raise unknown_unit(unit, UNITS)
    if isinstance(max_days, bool) or not isinstance(max_days, int) or not 1 <= max_days <= timedelta.max.days:
        raise ClockifyWindowError(f"max_days={max_days!r} must be a whole number of days, at least 1.")
    if max_days < _LONGEST_UNIT_DAYS[unit]:
        raise ClockifyWindowError(
            f'max_days={max_days} is too short for align="{unit}": a {unit} has up to '
            f'{_LONGEST_UNIT_DAYS[unit]} days. Raise max_days or use align="day".'
        )
    limit = timedelta(days=max_days)
    pieces = []
    start = window.start
    while window.end - start > limit:
        # The latest cut allowed, which is later than the start for at least the smallest of the units.
        units: tuple[Unit, ...] = (unit, "day", "hour")
        cuts = (floor_to(start + limit, each, window.zone) for each in units)
        cut = next(each for each in cuts if each > start)
        pieces.append(Window(start, cut, window.zone))
        start = cut
    pieces.append(Window(start, window.end, window.zone))
    return pieces


def partitions(window: Window, unit: PartitionUnit) -> list[Partition]:
    """
    List the partitions of a window that is made of whole days or months of its zone.

    :param window: Whole units; see :func:`.units.expand_to_units`.
    :param unit: ``day`` or ``month``.
    :return: Partitions in order of time that tile the window exactly.
    :raises ClockifyWindowError: The window cuts a unit in two, or the unit is unknown.
    """
    if unit not in PARTITION_UNITS:
        raise unknown_unit(unit, PARTITION_UNITS)
    whole = expand_to_units(window, unit)
    if whole != window:
        raise ClockifyWindowError(
            f"The window {window} is not made of whole {in_zone(unit + 's', window.zone)}, so its first or last "
            f'partition would be replaced by a part of itself. Expand it first: expand_to_units(window, "{unit}") '
            f"gives {whole}."
        )
    result = []
    start = window.start
    while start < window.end:
        end = next_unit(start, unit, window.zone)
        key = partition_of(start, unit, window.zone)
        result.append(Partition(Window(start, end, window.zone), key, f"{_PARTITION_DIRECTORY[unit]}={key}"))
        start = end
    return result
