# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The proof that a read is complete: its distinct rows have the count and the sums that the service says (pure).

:class:`Tally` proves one window while it is read. :func:`add_up` proves what was read of one window or of several, from
what the service says later.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import compress, islice
from operator import lt, not_, or_
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.reading.reader import TOLERANCE, ReadResult
from airflow_provider_clockify.service.money import text_in_units
from airflow_provider_clockify.service.report_kinds import DETAILED, Totals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_clockify.reading.reader import RowSink
    from airflow_provider_clockify.service.page_rows import PageRows
    from airflow_provider_clockify.service.report_kinds import PagedReport
    from airflow_provider_clockify.window import Window

# The service may round the amount of each row and not their sum, or the other way round (recorded 2026-08-07).
ROUNDING = Decimal("0.5")
# Seconds that rows may lie outside of bounds, which count to the millisecond and are inclusive (assumptions 13 and 14).
_SLACK = 1.0
_NOTHING = Decimal(0)


class NotSortedError(Exception):
    """The service does not sort by id, so that duplicates can only be told from a set of all ids."""


class Tally:
    """
    Rows received in one read, compared with the service's own figures.

    :param report: The report.
    :param window: The window that is read.
    :param sink: Takes the rows that are wanted.
    :param remember_ids: Whether all ids are kept in memory, for a service that does not sort by id.
    :ivar count: Distinct rows, whether they are wanted or not.
    :ivar disturbed: Whether rows moved by more than a page.
    """

    def __init__(self, report: PagedReport, window: Window, sink: RowSink, *, remember_ids: bool) -> None:
        self.result = ReadResult()
        self._report = report
        self._window = window
        self._sink = sink
        self._all_ids: set[str] | None = set() if remember_ids else None
        self._recent: tuple[set[str], set[str]] = (set(), set())
        self._last_id = ""
        self.count = 0
        self._seconds = Decimal(0)
        self._break_seconds = Decimal(0)
        self._money: dict[str, Decimal] = {}
        self._paid_rows: dict[str, int] = {}
        self._seconds_left_out = Decimal(0)
        self._money_left_out: dict[str, Decimal] = {}
        self.disturbed = False
        self._strays: set[str] = set()

    def take(self, page: PageRows) -> None:
        """
        Count a page's rows and hand the wanted ones to the sink.

        :raises ClockifyResponseError: a row has no id, or is of a user who was not asked for.
        :raises NotSortedError: a row comes after one with a larger id.
        """
        if not all(page.ids):
            operation = self._report.operation
            raise ClockifyResponseError(f"A row of {operation} has no id.", operation=operation)
        if self._all_ids is None and page and page.ids[0] > self._last_id and _ascend(page.ids):
            self._last_id = page.ids[-1]
            self._add(page)
        else:
            self._add(page.only(self._are_new(page.ids)))
        self._recent = (self._recent[1], set(page.ids))
        self.result.ids = None if self.result.pages else list(page.ids)
        self.result.pages += 1

    def _are_new(self, ids: Sequence[str]) -> list[bool]:
        before: set[str] = set()
        new = []
        for row_id in ids:
            new.append(self._is_new(row_id, before))
            before.add(row_id)
        return new

    def _is_new(self, row_id: str, page_ids: set[str]) -> bool:
        # Sorted ids make a repeated row visible by comparison with the last one, in flat memory.
        if self._all_ids is not None:
            known = row_id in self._all_ids
            self._all_ids.add(row_id)
        elif row_id > self._last_id:
            self._last_id = row_id
            known = False
        else:
            known = row_id in page_ids or row_id in self._recent[0] or row_id in self._recent[1]
            if not known and page_ids:
                raise NotSortedError
            # A page that begins before its predecessor's end: rows moved by more than a page.
            self.disturbed = self.disturbed or not known
            known = True
        self.result.duplicates += known
        return not known

    def _add(self, rows: PageRows) -> None:
        self._check_users(rows)
        self.count += len(rows)
        self._seconds += sum(rows.seconds)
        self._break_seconds += sum(compress(rows.seconds, rows.breaks))
        _add_money(self._money, rows)
        for currency in set(rows.currencies):
            self._paid_rows[currency] = self._paid_rows.get(currency, 0) + rows.currencies.count(currency)
        users = self.result.users
        if len(users) < 2:
            users.update(
                [user for user in dict.fromkeys(rows.users) if user and user not in users][: 2 - len(users)]
            )
        window = self._window
        if rows and (any(rows.running) or min(rows.starts) not in window or max(rows.starts) not in window):
            rows = self._finished_inside(rows)
        if rows:
            self._sink.write(rows.ids, rows.rows, rows.starts)
            self.result.rows += len(rows)

    def _check_users(self, rows: PageRows) -> None:
        asked = self._report.users
        if asked is None or asked.issuperset(rows.users):
            return
        row_id, user = next(
            (row_id, user) for row_id, user in zip(rows.ids, rows.users, strict=True) if user not in asked
        )
        raise ClockifyResponseError(
            f"{self._report.operation} gave {row_id} of user {user}, whom filters['users'] does not name: the service "
            "ignored the filter. Leave it out and select by userId afterwards.",
            operation=self._report.operation,
        )

    def _finished_inside(self, rows: PageRows) -> PageRows:
        """Leave out what starts outside the window, and what has no end."""
        outside = [start not in self._window for start in rows.starts]
        left_out = list(map(or_, outside, rows.running))
        self.result.outside += sum(outside)
        self._note_strays(
            rows.only([out and not runs for out, runs in zip(outside, rows.running, strict=True)])
        )
        self.result.running += sum(left_out) - sum(outside)
        others = rows.only(left_out)
        self._seconds_left_out += sum(others.seconds)
        _add_money(self._money_left_out, others)
        return rows.only(map(not_, left_out))

    def _note_strays(self, rows: PageRows) -> None:
        """Note finished rows that have nothing of their time in the window, and on which side of it they lie."""
        first, last = self._window.start.timestamp() - _SLACK, self._window.end.timestamp() + _SLACK
        for start, seconds in zip(rows.starts, rows.seconds, strict=True):
            begin = start.timestamp()
            if begin + float(seconds) < first:
                self._strays.add("before")
            elif begin > last:
                self._strays.add("after")

    def _check_bounds(self) -> None:
        """Refuse a window that was moved: as many rows as came from one side of it are missing on the other."""
        if self._report.operation == DETAILED and len(self._strays) == 1:
            side = next(iter(self._strays))
            raise ClockifyResponseError(
                f"{DETAILED} gave {self.result.outside} rows from outside of {self._window}, all {side} it: the "
                "service reads the bounds in another time zone than UTC, so that rows are missing at the other end. "
                "Run python -m airflow_provider_clockify.conformance --only 11, and report it.",
                operation=DETAILED,
            )

    def finish(self) -> ReadResult:
        """
        Return what was handed over, its sums included.

        :raises ClockifyResponseError: the service gave another window than it was asked for.
        """
        self._check_bounds()
        self.result.seconds = self._seconds - self._seconds_left_out
        self.result.money = {
            currency: amount - self._money_left_out.get(currency, _NOTHING)
            for currency, amount in self._money.items()
            if currency  # Amounts of unknown, perhaps different currencies are never added up.
        }
        return self.result

    def difference(self, totals: Totals) -> str | None:
        """
        Compare with the service's figures.

        :param totals: What the service says of everything that matches.
        :return: ``None`` when they agree, else what differs.
        """
        self.result.money_hidden = bool(self.count) and totals.money() is None
        self.result.rounded = {}
        if self.disturbed:
            return "rows moved between pages"
        if self.count != totals.entries_count:
            return f"{self.count} distinct rows received, the service counts {totals.entries_count}"
        if totals.total_time is not None and not self._same_time(totals.total_time):
            return f"the entries received last {self._seconds} s, the service counts {totals.total_time} s"
        money = totals.money()
        if money is not None and not self._same_money(money):
            return (
                f"the entries received amount to {_amounts(self._money)}, the service says {_amounts(money)}"
            )
        return None

    def _same_time(self, total: Decimal) -> bool:
        if self.result.running:
            return total >= self._seconds  # The service may count the time that open timers have run so far.
        # Whether breaks count into the service's total is not documented (assumption 6): accept both, to the second.
        return any(
            abs(total - own) < TOLERANCE for own in (self._seconds, self._seconds - self._break_seconds)
        )

    def _same_money(self, total: Mapping[str, Decimal]) -> bool:
        own, rows = dict(self._money), dict(self._paid_rows)
        if "" in own and len(total) == 1:  # Rows without a currency are in the workspace's only one.
            only, nameless, count = next(iter(total)), own.pop(""), rows.pop("", 0)
            own[only] = own.get(only, _NOTHING) + nameless
            rows[only] = rows.get(only, 0) + count
        if "" in own or "" in total:  # Money without a currency can only be compared as a part of the whole.
            own, rows = {"": sum(own.values(), _NOTHING)}, {"": sum(rows.values())}
            total = {"": sum(total.values(), _NOTHING)}
        for currency in {*own, *total}:
            differs = own.get(currency, _NOTHING) - total.get(currency, _NOTHING)
            if abs(differs) < TOLERANCE:
                continue
            if abs(differs) > ROUNDING * rows.get(currency, 0):
                return False
            self.result.rounded[currency] = differs
        return True


def add_up(results: Sequence[ReadResult], whole: Totals, *, running: bool) -> bool:
    """
    Tell whether the sums of what was read, in one window or in several, are those of the whole time now.

    :param results: What was read, with what the service said of each window then.
    :param whole: What it says of all.
    :param running: Whether timers run in one of them, whose time and money grow.
    """
    return same_sums([msgspec.convert(result.totals, Totals) for result in results], whole, running=running)


def same_sums(parts: Sequence[Totals], whole: Totals, *, running: bool) -> bool:
    """
    Tell whether sums that the service gave of several times, or of one in another way, are those of the whole.

    :param parts: What it said of each.
    :param whole: What it says of all.
    :param running: Whether timers run, whose time and money grow.
    """
    if sum(part.entries_count or 0 for part in parts) != (whole.entries_count or 0):
        return False
    times = [part.total_time for part in parts]
    known = [time for time in times if time is not None]
    total = sum(known, _NOTHING) if len(known) == len(times) else None
    return running or (_close(total, whole.total_time) and _close_money(parts, whole))


def _close(one: Decimal | None, other: Decimal | None) -> bool:
    return one is None or other is None or abs(one - other) < TOLERANCE


def _close_money(parts: Sequence[Totals], whole: Totals) -> bool:
    total = whole.money()
    moneys = [money for part in parts if (money := part.money()) is not None or part.entries_count]
    if total is None or None in moneys:
        return True  # Amounts that are not shown prove nothing.
    currencies = {*total, *(currency for money in moneys if money for currency in money)}
    differences = [
        sum((money.get(currency, _NOTHING) for money in moneys if money), -total.get(currency, _NOTHING))
        for currency in currencies
    ]
    # Each of the sums may have been rounded.
    return all(abs(difference) < ROUNDING * max(len(parts), 1) for difference in differences)


def _ascend(ids: Sequence[str]) -> bool:
    """Tell whether each id is larger than the one before."""
    return all(map(lt, ids, islice(ids, 1, None)))


def _add_money(money: dict[str, Decimal], rows: PageRows) -> None:
    """Add the rows' amounts to the sums per currency."""
    for currency, amount in zip(rows.currencies, rows.amounts, strict=True):
        if amount:
            money[currency] = money[currency] + amount if currency in money else amount


def _amounts(money: Mapping[str, Decimal]) -> str:
    return (
        ", ".join(f"{text_in_units(amount)} {currency}" for currency, amount in sorted(money.items()))
        or "nothing"
    )
