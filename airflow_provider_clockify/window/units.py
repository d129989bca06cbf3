# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Hours, days, ISO weeks and months of a time zone (pure).

Each begins at its first instant and ends where the next one begins. So they tile time, whatever clocks do: a day has 23
to 25 hours, and of a day that a zone has left out there is none.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final, get_args

from airflow_provider_clockify.exceptions import ClockifyWindowError
from airflow_provider_clockify.types import PartitionUnit, Unit
from airflow_provider_clockify.window.instants import DAY, MICROSECOND, to_utc, within_calendar, z
from airflow_provider_clockify.window.interval import Window
from airflow_provider_clockify.window.zones import day_start, hour_end, hour_start, wall_clock, zone_name

UNITS: Final[tuple[Unit, ...]] = get_args(Unit)
PARTITION_UNITS: Final[tuple[PartitionUnit, ...]] = get_args(PartitionUnit)

_KEY_LENGTH: Final[dict[str, int]] = {"day": len("YYYY-MM-DD"), "month": len("YYYY-MM")}


def floor_to(instant: datetime, unit: Unit, zone: tzinfo = UTC) -> datetime:
    """
    Return the start of the unit that contains an instant; weeks start on Monday (ISO).

    :param instant: Aware datetime of any time zone.
    :param unit: ``hour``, ``day``, ``week`` or ``month``.
    :param zone: Time zone of the unit.
    :return: Its first instant, in UTC.
    :raises ClockifyWindowError: The instant is naive, or the unit unknown.
    """
    utc = to_utc(instant)
    _check_unit(unit)
    with within_calendar(f"The {in_zone(unit, zone)} of {z(utc)}"):
        return hour_start(utc, zone) if unit == "hour" else day_start(_first_day(utc, unit, zone), zone)


def next_unit(instant: datetime, unit: Unit, zone: tzinfo = UTC) -> datetime:
    """
    Return the first start of a unit strictly after an instant.

    :param instant: Aware datetime of any time zone.
    :param unit: ``hour``, ``day``, ``week`` or ``month``.
    :param zone: Time zone of the unit.
    :return: Its first instant, in UTC.
    :raises ClockifyWindowError: The instant is naive, the unit unknown, or the result after the year 9999.
    """
    utc = to_utc(instant)
    _check_unit(unit)
    with within_calendar(f"The end of the {in_zone(unit, zone)} of {z(utc)}"):
        if unit == "hour":
            return hour_end(utc, zone)
        after = _following(_first_day(utc, unit, zone), unit)
        while day_start(after, zone) <= utc:  # A day that was left out begins with the one after it.
            after = _following(after, unit)
        return day_start(after, zone)


def is_unit_start(instant: datetime, unit: Unit, zone: tzinfo = UTC) -> bool:
    """
    Tell whether an aware instant is exactly the start of a unit.

    :raises ClockifyWindowError: The instant is naive, or the unit unknown.
    """
    return floor_to(instant, unit, zone) == to_utc(instant)


def unit_containing(instant: datetime, unit: Unit, zone: tzinfo = UTC) -> Window:
    """
    Return the unit that contains an aware instant.

    :raises ClockifyWindowError: The instant is naive, or the unit unknown.
    """
    return Window(floor_to(instant, unit, zone), next_unit(instant, unit, zone), zone)


def unit_starting_at(instant: datetime, unit: Unit, zone: tzinfo = UTC) -> Window:
    """
    Return the unit that starts exactly at an instant.

    :raises ClockifyWindowError: The instant is naive or no start of a unit, or the unit unknown.
    """
    if not is_unit_start(instant, unit, zone):
        raise ClockifyWindowError(f"{z(to_utc(instant))} is not the start of a {in_zone(unit, zone)}.")
    return unit_containing(instant, unit, zone)


def last_complete_unit(point: datetime, unit: Unit, zone: tzinfo = UTC) -> Window:
    """
    Return the last unit that is over at a point in time; at midnight, that is the day that just ended.

    :param point: Aware datetime of any time zone.
    :param unit: ``hour``, ``day``, ``week`` or ``month``.
    :param zone: Time zone of the unit.
    :raises ClockifyWindowError: The point is naive, the unit unknown, or the result before the year 1.
    """
    end = floor_to(point, unit, zone)
    with within_calendar(f"The {in_zone(unit, zone)} before {z(end)}"):
        return Window(floor_to(end - MICROSECOND, unit, zone), end, zone)


def expand_to_units(window: Window, unit: Unit) -> Window:
    """
    Grow a window outward to the smallest one that is made of whole units of its zone.

    A partitioned export needs this, because the file of a partition is always replaced as a whole: written
    from a window that covers only part of the unit, it would lose the rows of the rest.

    :raises ClockifyWindowError: The unit is unknown, or the result ends after the year 9999.
    """
    zone = window.zone
    end = window.end if is_unit_start(window.end, unit, zone) else next_unit(window.end, unit, zone)
    return Window(floor_to(window.start, unit, zone), end, zone)


def are_whole_days(window: Window) -> bool:
    """Tell whether a window begins and ends with days of its zone."""
    return is_unit_start(window.start, "day", window.zone) and is_unit_start(window.end, "day", window.zone)


def calendar_days(window: Window) -> int:
    """
    Count the days of the calendar from the start of a window to its end, in its zone; a day left out counts as well.

    :param window: Whole days.
    """
    return (local_day(window.end, window.zone) - local_day(window.start, window.zone)).days


def is_exact_days(window: Window, n: int) -> bool:
    """
    Tell whether a window is exactly ``n`` whole days of the calendar in its zone.

    A weekly report takes nothing but 7, and counts calendar days: 168 hours from noon would touch eight.
    """
    return are_whole_days(window) and calendar_days(window) == n


def partition_of(instant: datetime, unit: PartitionUnit, zone: tzinfo = UTC) -> str:
    """
    Return the key of the partition that contains an instant: ``YYYY-MM-DD`` or ``YYYY-MM``.

    :param instant: Aware datetime of any time zone.
    :param unit: ``day`` or ``month``.
    :param zone: Time zone of the unit.
    :raises ClockifyWindowError: The instant is naive, or the unit unknown.
    """
    if unit not in _KEY_LENGTH:
        raise unknown_unit(unit, PARTITION_UNITS)
    return local_day(floor_to(instant, unit, zone), zone).isoformat()[: _KEY_LENGTH[unit]]


def local_day(instant: datetime, zone: tzinfo) -> date:
    """Return the day that clocks of a zone show at an instant in UTC."""
    return wall_clock(instant, zone).date()


def in_zone(unit: str, zone: tzinfo) -> str:
    """Return what a unit of a zone is called in messages: ``UTC day``, ``day in Europe/Berlin``."""
    return f"UTC {unit}" if zone is UTC else f"{unit} in {zone_name(zone)}"


def unknown_unit(unit: object, allowed: tuple[str, ...]) -> ClockifyWindowError:
    """Return the error for a unit that there is not."""
    return ClockifyWindowError(f"The unit {unit!r} is unknown. Use one of: {quoted(allowed)}.")


def quoted(names: tuple[str, ...]) -> str:
    """Return choices for a message."""
    return ", ".join(f'"{name}"' for name in names)


def _check_unit(unit: object) -> None:
    if unit not in UNITS:
        raise unknown_unit(unit, UNITS)


def _first_day(utc: datetime, unit: str, zone: tzinfo) -> date:
    """Return the first day of the unit that contains an instant."""
    shown = local_day(utc, zone)
    first = shown.replace(day=1) if unit == "month" else shown
    if unit == "week":
        first -= timedelta(days=shown.weekday())  # Never before year 1: 0001-01-01 is a Monday.
    if zone is not UTC and wall_clock(utc, zone).fold:
        # Clocks may have been set back over midnight, after the next unit had begun (St John's until 2011).
        after = _following(first, unit)
        return after if day_start(after, zone) <= utc else first
    return first


def _following(first: date, unit: str) -> date:
    if unit == "month":
        # Day 1 plus 31 days is in the following month for every length of month.
        return (first + timedelta(days=31)).replace(day=1)
    return first + (DAY if unit == "day" else timedelta(days=7))
