# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Read one window of a paged report completely, and prove it.

The service pages by offset over living data: rows added or removed between two pages shift the rest, so that a plain
loop over pages repeats rows or misses them without a sign. Every page also carries the service's own count and sums
over everything that matches. A read counts as complete when the distinct rows received equal those figures; otherwise
the end of the report is read again (new rows have the highest ids and land there), then the whole of it, and after a
few attempts the read fails. An undisturbed read of n rows costs ``ceil(n / page size)`` requests, and at least one.
"""

from __future__ import annotations

import logging
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import compress, islice
from operator import lt, not_, or_
from typing import TYPE_CHECKING, Protocol

from airflow_provider_clockify.api.fetching import Fetched
from airflow_provider_clockify.api.progress import Progress
from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyIncompleteError,
    ClockifyNotFoundError,
    ClockifyResponseError,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
    from datetime import datetime

    from airflow_provider_clockify.api.messages import ApiRequest, ApiResponse
    from airflow_provider_clockify.api.page_rows import PageRows
    from airflow_provider_clockify.api.reports import PagedReport, ReportPage, Totals
    from airflow_provider_clockify.window import Window

log = logging.getLogger(__name__)

MAX_READS = 4
# However many rows the service counts: after so many pages without any, no more are asked for.
MAX_EMPTY_PAGES = 5
# Two sums of the same fractional amounts may differ in their last digits, never by half a minor unit or second.
TOLERANCE = Decimal("0.5")


class Send(Protocol):
    """Sends a request and decodes its answer, retries included; called from several threads."""

    def __call__(
        self,
        request: ApiRequest,
        decode: Callable[[ApiResponse], ReportPage],
        abandoned: threading.Event | None = None,
        /,
    ) -> ReportPage:
        """Send, unless and until the request is given up."""


class RowSink(Protocol):
    """Where the rows of one window go."""

    def write(self, ids: Sequence[str], rows: Sequence[bytes], starts: Sequence[datetime]) -> None:
        """
        Take rows: lists of the same length.

        :param ids: Ids of the entries.
        :param rows: The JSON objects as the service sent them; bytes, or ``msgspec.Raw``.
        :param starts: Starts of the entries, aware, in UTC.
        """

    def restart(self) -> None:
        """Forget all rows taken so far: the window is read again."""


@dataclass(slots=True)
class ReadResult:
    """
    What was read and handed to the sink.

    :param rows: Rows handed over.
    :param seconds: Their duration.
    :param money: Their amounts in minor units per currency; empty where amounts are hidden.
    :param running: Timers without an end that the report held; left out.
    :param outside: Rows that the service gave although they start outside the window; left out.
    :param duplicates: Rows that came twice; left out.
    :param pages: Pages read, repeated ones included.
    :param reads: Times the window was read from its first page.
    :param users: Ids of up to two users whose rows were received.
    :param money_hidden: Whether the service showed no amounts although there are rows.
    """

    rows: int = 0
    seconds: Decimal = Decimal(0)
    money: dict[str, Decimal] = field(default_factory=dict)
    running: int = 0
    outside: int = 0
    duplicates: int = 0
    pages: int = 0
    reads: int = 0
    users: set[str] = field(default_factory=set)
    money_hidden: bool = False


class _NotSortedError(Exception):
    """The service does not sort by id, so that duplicates can only be told from a set of all ids."""


class _Tally:
    """Rows received in one read, compared with the service's own figures."""

    def __init__(self, report: PagedReport, window: Window, sink: RowSink, *, remember_ids: bool) -> None:
        self.result = ReadResult()
        self._report = report
        self._window = window
        self._sink = sink
        self._all_ids: set[str] | None = set() if remember_ids else None
        self._recent: tuple[set[str], set[str]] = (set(), set())
        self._last_id = ""
        self.count = 0  # Distinct rows, whether they are wanted or not.
        self._seconds = Decimal(0)
        self._break_seconds = Decimal(0)
        self._money: dict[str, Decimal] = {}
        self._seconds_left_out = Decimal(0)
        self._money_left_out: dict[str, Decimal] = {}
        self.disturbed = False

    def take(self, page: PageRows) -> None:
        """Count a page's rows and hand the wanted ones to the sink."""
        if not all(page.ids):
            operation = self._report.operation
            raise ClockifyResponseError(f"A row of {operation} has no id.", operation=operation)
        if self._all_ids is None and page and page.ids[0] > self._last_id and _ascend(page.ids):
            self._last_id = page.ids[-1]
            self._add(page)
        else:
            self._add(page.only(self._are_new(page.ids)))
        self._recent = (self._recent[1], set(page.ids))
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
                raise _NotSortedError
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
        self.result.running += sum(left_out) - sum(outside)
        others = rows.only(left_out)
        self._seconds_left_out += sum(others.seconds)
        _add_money(self._money_left_out, others)
        return rows.only(map(not_, left_out))

    def finish(self) -> ReadResult:
        """Give what was handed over, its sums included."""
        self.result.seconds = self._seconds - self._seconds_left_out
        self.result.money = {
            currency: amount - self._money_left_out.get(currency, Decimal(0))
            for currency, amount in self._money.items()
            if currency  # Amounts of unknown, perhaps different currencies are never added up.
        }
        return self.result

    def difference(self, totals: Totals) -> str | None:
        """Compare with the service's figures: ``None`` when they agree, else what differs."""
        self.result.money_hidden = bool(self.count) and totals.money() is None
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
        # Whether breaks count into the service's total is not documented: accept both, to the second.
        return any(
            abs(total - own) < TOLERANCE for own in (self._seconds, self._seconds - self._break_seconds)
        )

    def _same_money(self, total: Mapping[str, Decimal]) -> bool:
        own = dict(self._money)
        if "" in own and len(total) == 1:  # Rows without a currency are in the workspace's only one.
            nameless, only = own.pop(""), next(iter(total))
            own[only] = own.get(only, Decimal(0)) + nameless
        if "" in own or "" in total:  # Money without a currency can only be compared as a part of the whole.
            return abs(sum(own.values(), Decimal(0)) - sum(total.values(), Decimal(0))) < TOLERANCE
        return all(
            abs(own.get(currency, Decimal(0)) - total.get(currency, Decimal(0))) < TOLERANCE
            for currency in {*own, *total}
        )


@dataclass(frozen=True, slots=True)
class _Ahead:
    """The first page of the window that is read next, on its way already."""

    window: Window
    size: int
    page: Fetched[ReportPage]


class ReportReader:
    """
    Reads windows of a paged report.

    :param send: Sends a request and decodes its answer, retries included; called from several threads.
    :param report: Which report, and how it is asked and read.
    :param concurrency: Pages asked for at the same time.
    :param first_page: Told after the first page of a window how many more there are, if any; may raise.
    :ivar sorted_by_id: Whether the service has sorted by id, as asked, so far.
    """

    def __init__(
        self,
        send: Send,
        report: PagedReport,
        *,
        concurrency: int,
        first_page: Callable[[int], None] | None = None,
    ) -> None:
        self._send = send
        self._report = report
        self._concurrency = concurrency
        self._after_first_page = first_page
        self._then: Window | None = None
        self._ahead: _Ahead | None = None
        self._page_size = report.page_sizes[0]
        self.sorted_by_id = True

    def read(self, window: Window, sink: RowSink) -> ReadResult:
        """
        Hand every finished row that starts in the window to the sink, once, ordered by id.

        :param window: At most 31 days.
        :param sink: Takes the rows; told to restart when the data changed under the read.
        :return: What was read.
        :raises ClockifyIncompleteError: completeness could not be proven after several reads.
        """
        difference: str | None = None
        pages = 0
        for number in range(1, MAX_READS + 1):
            sink.restart()
            tally = self._tally(window, sink)
            try:
                difference = self._read_once(window, tally)
            except _NotSortedError:
                log.warning(
                    "%s is not sorted by id as asked: ids are kept in memory from here on.",
                    self._report.operation,
                )
                self.sorted_by_id = False
                sink.restart()
                tally = self._tally(window, sink)
                difference = self._read_once(window, tally)
            pages += tally.result.pages
            if not difference:
                result = tally.finish()
                result.pages = pages
                result.reads = number
                return result
            if tally.disturbed:
                # Rows moved, or another order showed only between two pages: a set of all ids copes with both.
                self.sorted_by_id = False
            log.warning(
                "The data of %s to %s changed while they were read (%s); read %d of %d.",
                window.start_iso,
                window.end_iso,
                difference,
                number,
                MAX_READS,
            )
        raise ClockifyIncompleteError(
            f"{self._report.operation} of {window.start_iso} to {window.end_iso} could not be read completely in "
            f"{MAX_READS} attempts: {difference}. Nothing was published. Run again when fewer people edit this window, "
            "or report it if nobody does.",
            operation=self._report.operation,
        )

    def _tally(self, window: Window, sink: RowSink) -> _Tally:
        return _Tally(self._report, window, sink, remember_ids=not self.sorted_by_id)

    def _read_once(self, window: Window, tally: _Tally) -> str | None:
        first = self._first_page(window)
        tally.take(first.rows)
        count = first.totals.entries_count or 0
        if not first.rows and count:
            return f"an empty first page, the service counts {count}"
        # A service that gives fewer rows than asked pages by what it gave; so do we from here on.
        if len(first.rows) < min(self._page_size, count):
            self._page_size = len(first.rows)
            log.warning("The service gives %d rows a page; continuing with that size.", self._page_size)
        size = self._page_size
        last = max(1, -(-count // size))
        if last > 1 and self._after_first_page is not None:
            self._after_first_page(last - 1)
        totals, received = first.totals, len(first.rows)
        full, stable, empty = True, True, 0
        # Rows that nobody needs any more make room, near the processor, for those that are decoded next.
        del first
        progress = Progress(str(window), last, count)
        # Closed at once when a page is refused here, not when somebody has done with the error.
        with closing(self._pages(window, range(2, last + 1), size)) as pages:
            for number, page in pages:
                tally.take(page.rows)
                progress.at(number, tally.count)
                stable = stable and page.totals == totals
                received = len(page.rows)
                full = full and (number == last or received == size)
                empty = 0 if received else empty + 1
                del page
                if empty == MAX_EMPTY_PAGES:
                    break
        if stable:
            return tally.difference(totals)
        if not full:
            return "pages became shorter"
        number = last if received < size else last + 1
        while True:
            page = self._page(window, number, size)
            tally.take(page.rows)
            if len(page.rows) < size or (page.totals.entries_count or 0) <= number * size:
                return tally.difference(page.totals)
            number += 1

    def _first_page(self, window: Window) -> ReportPage:
        ahead, self._ahead = self._ahead, None
        if ahead is not None and (ahead.window, ahead.size) == (window, self._page_size):
            with suppress(ClockifyBadRequestError):  # Refused again below, where it is looked into.
                return ahead.page.wait()
        smaller = [size for size in self._report.page_sizes if size < self._page_size]
        try:
            return self._page(window, 1, self._page_size)
        except ClockifyBadRequestError as error:
            if error.status != 400 or isinstance(error, ClockifyNotFoundError):
                raise
            # Nothing but the message tells a refused page size from another mistake, and its text is not
            # documented: what a smaller page does not mend was not about the size.
            for size in smaller:
                try:
                    page = self._page(window, 1, size)
                except ClockifyBadRequestError:
                    continue
                log.warning(
                    "The service refused pages of %d rows; continuing with %d.", self._page_size, size
                )
                self._page_size = size
                return page
            raise

    def _page(self, window: Window, number: int, size: int) -> ReportPage:
        return self._send(self._report.request(window, number, size), self._report.decode)

    def _fetch(self, pool: ThreadPoolExecutor, window: Window, number: int, size: int) -> Fetched[ReportPage]:
        """Fetch a page in a worker, to be decoded here when it is waited for."""
        request, decode = self._report.request(window, number, size), self._report.decode
        return Fetched(pool, partial(self._send, request), decode)

    def _pages(
        self, window: Window, numbers: Iterable[int], size: int
    ) -> Generator[tuple[int, ReportPage], None, None]:
        """
        Fetch pages ahead, at most one more per worker than are in flight; decode and yield them in order.

        When one fails, or nobody wants more, the others are given up: what is on the wire is awaited, and nothing is
        sent after that.
        """
        waiting: deque[tuple[int, Fetched[ReportPage]]] = deque()
        remaining = iter(numbers)
        pool: ThreadPoolExecutor | None = None
        done = False
        try:
            while True:
                while len(waiting) < 2 * self._concurrency and (number := next(remaining, None)) is not None:
                    pool = pool or self._workers()
                    waiting.append((number, self._fetch(pool, window, number, size)))
                if len(waiting) < 2 * self._concurrency and self._then is not None:
                    pool = pool or self._workers()
                    self._begin_next(pool, self._then)
                if not waiting:
                    done = True
                    return
                number, fetched = waiting.popleft()
                yield number, fetched.wait()
        finally:
            for _, fetched in waiting:
                fetched.abandon()
            if not done:
                self.give_up()
            if pool is not None:
                pool.shutdown(wait=self._ahead is None, cancel_futures=not done)

    def _workers(self) -> ThreadPoolExecutor:
        # One more than there may be requests at a time, which the transport sees to: its page is decoded meanwhile.
        return ThreadPoolExecutor(self._concurrency + 1, thread_name_prefix="clockify-page")

    def announce(self, window: Window | None) -> None:
        """
        Say which window will be read after the next one: its first page is asked for as soon as a worker is free.

        :param window: ``None`` if none will.
        """
        self._then = window

    def give_up(self) -> None:
        """Give up what has been asked for in advance."""
        self._then = None
        if self._ahead is not None:
            self._ahead.page.abandon()
            self._ahead = None

    def _begin_next(self, pool: ThreadPoolExecutor, window: Window) -> None:
        page = self._fetch(pool, window, 1, self._page_size)
        self._ahead, self._then = _Ahead(window, self._page_size, page), None


def _ascend(ids: Sequence[str]) -> bool:
    """Tell whether each id is larger than the one before."""
    return all(map(lt, ids, islice(ids, 1, None)))


def _add_money(money: dict[str, Decimal], rows: PageRows) -> None:
    """Add the rows' amounts to the sums per currency."""
    for currency, amount in zip(rows.currencies, rows.amounts, strict=True):
        if amount:
            money[currency] = money[currency] + amount if currency in money else amount


def _amounts(money: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in sorted(money.items())) or "nothing"
