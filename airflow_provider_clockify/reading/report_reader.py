# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Read one window of a paged report completely, and prove it.

The service pages by offset over living data: rows added or removed between two pages shift the rest, so that a plain
loop over pages repeats rows or misses them without a sign. Every page also carries the service's own count and sums
over everything that matches. A read counts as complete when the distinct rows received equal those figures. If they
change between two pages, the end of the report is read again, where new rows land, since they have the highest ids, and
one request of a single row tells whether the rows before the change still have their places. Otherwise the whole of it
is read again, and after a few attempts the read fails. An undisturbed read of n rows costs ``ceil(n / page size)``
requests, and at least one.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_clockify.exceptions import ClockifyIncompleteError
from airflow_provider_clockify.reading.fetching import PagesAhead
from airflow_provider_clockify.reading.progress import Progress
from airflow_provider_clockify.reading.proof import NotSortedError, Tally, add_up
from airflow_provider_clockify.reading.reader import MAX_READS, Reader, ReadResult
from airflow_provider_clockify.service.pagination import PageSize, first_page, run, steps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_clockify.reading.fetching import AbandonableSend
    from airflow_provider_clockify.reading.reader import RowSink
    from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse
    from airflow_provider_clockify.service.report_kinds import PagedReport, ReportPage, Totals
    from airflow_provider_clockify.window import Window

log = logging.getLogger(__name__)

# However many rows the service counts: after so many pages without any, no more are asked for.
MAX_EMPTY_PAGES = 5


class _Seams:
    """
    Where the data changed between two pages that follow each other.

    :param size: Rows per page.
    :ivar found: How many rows come before each of these places, and the id of the last one.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._totals: Totals | None = None
        self._ends: dict[int, str] = {0: ""}
        self.found: dict[int, str] = {}

    def add(self, number: int, page: ReportPage) -> None:
        """
        Go on to a page.

        :param number: The number after that of the last page, or, if it is read again, the same.
        :param page: The page.
        """
        if number > 1 and page.totals != self._totals:
            self.found[(number - 1) * self._size] = self._ends[number - 1]
        self._totals = page.totals
        self._ends[number] = page.rows.ids[-1] if page.rows else ""


class ReportReader(Reader):
    """
    Reads windows of a paged report.

    :param send: Sends a request and reads its answer, retries included; called from several threads.
    :param report: Which report, and how it is asked and read.
    :param concurrency: Pages asked for at the same time.
    :param first_page: Told after the first page of a window how many more there are, if any; may raise.
    :ivar sorted_by_id: Whether the service has sorted by id, as asked, so far.
    """

    def __init__(
        self,
        send: AbandonableSend,
        report: PagedReport,
        *,
        concurrency: int,
        first_page: Callable[[int], None] | None = None,
    ) -> None:
        self._send = send
        self._report = report
        self._after_first_page = first_page
        self._pages = PagesAhead(send, report, concurrency)
        self._size = PageSize(report.page_size)
        self.sorted_by_id = True

    def close(self) -> None:
        """Drop what has been asked for in advance, and end all threads."""
        self._pages.close()

    def read(self, window: Window, sink: RowSink, upcoming: Sequence[Window] = ()) -> ReadResult:
        """
        Hand every finished row that starts in the window to the sink, once, ordered by id.

        :param window: At most 31 days.
        :param sink: Takes the rows; told to restart when the data changed under the read.
        :param upcoming: Windows that will be read next.
        :return: What was read.
        :raises ClockifyIncompleteError: completeness could not be proven after several reads.
        """
        try:
            result = self._read(window, sink, upcoming)
        except BaseException:
            self.close()
            raise
        if not upcoming:
            self.close()
        return result

    def _read(self, window: Window, sink: RowSink, upcoming: Sequence[Window]) -> ReadResult:
        pages = 0
        for number in range(1, MAX_READS + 1):
            tally, difference = self._read_once(window, sink, upcoming)
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
            f"{MAX_READS} attempts: {difference}. Run again when fewer people edit this window, "
            "or report it if nobody does.",
            operation=self._report.operation,
        )

    def is_unchanged(self, window: Window, results: Sequence[ReadResult]) -> bool:
        """
        Ask the service whether its sums still are those of what was read; if all rows fit a page, for the rows, too.

        :param window: The time that was read.
        :param results: What was read of it, in one window or in several that tile it.
        :raises ClockifyBadRequestError: it gives no sums of so much time at once, as on the Free plan.
        """
        return self.ask_unchanged(window, results)()

    def ask_unchanged(self, window: Window, results: Sequence[ReadResult]) -> Callable[[], bool]:
        """
        Ask what :meth:`is_unchanged` asks, while the thread that reads does something else.

        :param window: The time that was read.
        :param results: What was read of it.
        :return: Waits for the answer.
        """
        ids = {row_id for result in results for row_id in result.ids or ()}
        with_rows = all(result.ids is not None for result in results) and len(ids) <= self._size.rows
        answer = self._pages.aside(self._report.request(window, 1, self._size.rows if with_rows else 1))

        def is_unchanged() -> bool:
            page = answer()
            if with_rows and set(page.rows.ids) != ids:
                return False
            return add_up(results, page.totals, running=any(result.running for result in results))

        return is_unchanged

    def _read_once(
        self, window: Window, sink: RowSink, upcoming: Sequence[Window]
    ) -> tuple[Tally, str | None]:
        while True:
            sink.restart()
            tally = Tally(self._report, window, sink, remember_ids=not self.sorted_by_id)
            try:
                return tally, self._read_pages(window, tally, upcoming)
            except NotSortedError:  # Not with all ids in memory, and so only once.
                log.warning(
                    "%s is not sorted by id as asked: ids are kept in memory from here on.",
                    self._report.operation,
                )
                self.sorted_by_id = False

    def _read_pages(self, window: Window, tally: Tally, upcoming: Sequence[Window]) -> str | None:
        """Read all pages once; say what is missing, if anything is."""
        first = self._first_page(window, upcoming)
        tally.take(first.rows)
        count = first.totals.entries_count or 0
        if not first.rows and count:
            return f"an empty first page, the service counts {count}"
        # A service that gives fewer rows than asked pages by what it gave; so do we from here on.
        if len(first.rows) < min(self._size.rows, count):
            self._size.rows = len(first.rows)
            log.warning("The service gives %d rows a page; continuing with that size.", self._size.rows)
            self._pages.begin(window, self._size.rows, upcoming)
        size = self._size.rows
        last = first.pages(size)
        if last > 1 and self._after_first_page is not None:
            self._after_first_page(last - 1)
        totals, received = first.totals, len(first.rows)
        full, stable, empty = True, True, 0
        seams = _Seams(size)
        seams.add(1, first)
        # Rows that nobody needs any more make room, near the processor, for those that are decoded next.
        del first
        progress = Progress(str(window), last, count)
        for number, page in self._pages.rest(last):
            tally.take(page.rows)
            progress.at(number, tally.count)
            stable = stable and page.totals == totals
            seams.add(number, page)
            received = len(page.rows)
            full = full and (number == last or received == size)
            empty = 0 if received else empty + 1
            del page
            if empty == MAX_EMPTY_PAGES:
                break
        if stable:
            return self._difference(tally, totals)
        if not full:
            return "pages became shorter"
        number = last if received < size else last + 1
        while True:
            page = self._page(window, number, size)
            tally.take(page.rows)
            seams.add(number, page)
            if len(page.rows) < size or (page.totals.entries_count or 0) <= number * size:
                break
            number += 1
        difference = self._difference(tally, page.totals)
        if not difference and not all(self._is_still_there(window, *seam) for seam in seams.found.items()):
            return "rows moved between pages"
        return difference

    def _is_still_there(self, window: Window, count: int, row_id: str) -> bool:
        """
        Tell whether a row still has its place: if one before it was removed, the row after it was missed.

        New rows, which have the highest ids, and changed ones move nobody.
        """
        if not self.sorted_by_id:
            return False  # New rows may be anywhere.
        return self._page(window, count, 1).rows.ids == [row_id]

    def _difference(self, tally: Tally, totals: Totals) -> str | None:
        tally.result.totals = msgspec.to_builtins(totals)
        return tally.difference(totals)

    def _first_page(self, window: Window, upcoming: Sequence[Window]) -> ReportPage:
        asked = self._size.rows
        self._pages.begin(window, asked, upcoming)

        def send(request: ApiRequest, decode: Callable[[ApiResponse], ReportPage]) -> ReportPage:
            return self._pages.first() or self._send(request, decode)

        request = partial(self._report.request, window)
        page: ReportPage = run(send, steps(first_page(self._size), request, self._report.decode))
        if self._size.rows != asked:
            self._pages.begin(window, self._size.rows, upcoming)
        return page

    def _page(self, window: Window, number: int, size: int) -> ReportPage:
        page: ReportPage = self._send(self._report.request(window, number, size), self._report.decode)
        return page
