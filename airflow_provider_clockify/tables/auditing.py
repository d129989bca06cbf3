# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Which days of a table are no longer what the service has (pure).

An audit compares sums: for each day what the table holds with what a summary by day says. The feeds of changes name
entries; their days are those that the entries have now, and those that the table has them on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.columns.tables import parse
from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.reading.proof import ROUNDING
from airflow_provider_clockify.reading.reader import TOLERANCE
from airflow_provider_clockify.service.money import in_units, sums_of
from airflow_provider_clockify.service.values import instant, shown
from airflow_provider_clockify.tables.ledger import Sums
from airflow_provider_clockify.window import Window, floor_to, is_unit_start, local_day, next_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_HUNDREDTH = in_units(Decimal(1))
# Sums of binary fractions differ in digits that nobody pays.
_NOISE = _HUNDREDTH / 100


@dataclass(frozen=True, slots=True)
class Difference:
    """
    A day that differs.

    :param day: The day.
    :param why: In which way, for people; sums only.
    """

    day: Window
    why: str


def audited_time(window: Window, audit: timedelta) -> Window | None:
    """
    Return the whole days before a window, of its zone, that are audited.

    :param window: Window of the run, which is replaced anyway.
    :param audit: How far back from its end.
    :return: ``None`` if the window reaches further back.
    """
    zone = window.zone
    start = floor_to(window.end - audit, "day", zone)
    # A window that begins within a day does not replace all of it.
    is_start = is_unit_start(window.start, "day", zone)
    end = window.start if is_start else next_unit(window.start, "day", zone)
    return Window(start, end, zone) if start < end else None


def service_days(groups: Iterable[bytes], amount_shown: str) -> dict[date, Sums]:
    """
    Read the groups of a summary by day.

    :param groups: The JSON of each group, as the service sent it.
    :param amount_shown: Kind of amount that was asked for.
    :return: Sums by day; ``rows`` are unknown and 0.
    :raises ClockifyResponseError: a group is not of a day.
    """
    found: dict[date, Sums] = {}
    for raw in groups:
        group = parse(raw)
        text = next((each for each in (group.get("_id"), group.get("name")) if isinstance(each, str)), "")
        try:
            day = date.fromisoformat(text[:10])
        except ValueError as error:
            raise ClockifyResponseError(
                f"A group of the summary by day is called {shown(text)}, which is not a day."
            ) from error
        amounts = {code: in_units(amount) for code, amount in sums_of(group, amount_shown).items()}
        found[day] = Sums(0, Decimal(str(group.get("duration") or 0)), amounts)
    return found


def differences(
    days: Sequence[Window],
    table: Mapping[date, Sums],
    service: Mapping[date, Sums],
    *,
    with_money: bool = True,
) -> list[Difference]:
    """
    Compare day by day.

    The service may round the amount of each row and not their sum, or the other way round. Where that can explain a
    difference in money (one of the sums is whole hundredths, the other is not), half a hundredth per row is no
    difference; a day that was never touched is then not read every night.

    :param days: The audited days.
    :param table: What the table holds, by day.
    :param service: What the service says, by day.
    :param with_money: Whether the table has amounts.
    """
    found = []
    nothing = Sums()
    for day in days:
        date_of = local_day(day.start, day.zone)
        own, said = table.get(date_of, nothing), service.get(date_of, nothing)
        why = []
        if abs(own.seconds - said.seconds) >= TOLERANCE:
            why.append(f"{own.seconds:f} s in the table, {said.seconds:f} s in Clockify")
        if with_money:
            for code in sorted({*own.amounts, *said.amounts}):
                mine, theirs = own.amounts.get(code, Decimal(0)), said.amounts.get(code, Decimal(0))
                if _differ(mine, theirs, own.rows):
                    why.append(
                        f"{mine:.2f} {code or 'without a currency'} in the table, {theirs:.2f} in Clockify"
                    )
        if own.rows and not why and date_of not in service:
            why.append(f"{own.rows:,} rows in the table, none in Clockify")
        if why:
            found.append(Difference(day, "; ".join(why)))
    return found


def _differ(mine: Decimal, theirs: Decimal, rows: int) -> bool:
    difference = abs(mine - theirs)
    if difference < _NOISE:
        return False
    if _is_whole(mine) == _is_whole(theirs):
        return True
    return difference > ROUNDING * _HUNDREDTH * rows


def _is_whole(amount: Decimal) -> bool:
    hundredths = amount / _HUNDREDTH
    return abs(hundredths - hundredths.to_integral_value()) < Decimal("0.001")


def touched(changes: Iterable[Mapping[str, Any]]) -> tuple[set[str], set[datetime]]:
    """
    Return what changes have touched: ids, and the starts that they give them.

    :param changes: What :func:`~airflow_provider_clockify.service.change_feeds.changes_of_window` returned.
    """
    ids: set[str] = set()
    starts: set[datetime] = set()
    for change in changes:
        ids.add(change["id"])
        interval = (change.get("document") or {}).get("timeInterval") or {}
        if isinstance(interval, dict) and isinstance(interval.get("start"), str):
            starts.add(instant(interval["start"], change["id"]))
    return ids, starts
