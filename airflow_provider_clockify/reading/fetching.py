# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Pages fetched ahead, of one window after the other.

Threads fetch and do nothing else: they need nobody to come back to them, so that none can be left waiting. The thread
that reads decodes, since Python runs one thread at a time and bytes that wait cost next to nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.http.errors import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from typing import Any

    from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse
    from airflow_provider_clockify.service.report_kinds import PagedReport, ReportPage
    from airflow_provider_clockify.window import Window

THREAD_NAME = "clockify-page"

# Enough that nothing stands still while the reader writes a chunk, or asks something else, and so few that they stay
# small: a full page has some 750 KB.
PAGES_AHEAD = 3


class AbandonableSend(Protocol):
    """Sends a request and reads its answer, retries included; called from several threads."""

    def __call__(
        self,
        request: ApiRequest,
        decode: Callable[[ApiResponse], Any],
        abandoned: threading.Event | None = None,
        /,
    ) -> Any:
        """Send, unless and until the request is given up."""


class _Page(NamedTuple):
    number: int
    request: ApiRequest
    answer: Future[ApiResponse]


@dataclass(slots=True)
class _Queue:
    """
    The pages of one window.

    :param waiting: Those that were asked for and not read yet, in order.
    :param asked: How many were asked for.
    :param last: Number of the last one, once known.
    :param first: The first one, if it was read before its turn, to know the last.
    """

    window: Window
    size: int
    waiting: deque[_Page] = field(default_factory=deque)
    asked: int = 0
    last: int | None = None
    first: ReportPage | None = None


class PagesAhead:
    """
    Fetches the pages of one window, and those of the next windows while it would otherwise stand idle.

    :param send: Sends a request and reads its answer.
    :param report: How the report is asked and read.
    :param concurrency: Requests at the same time; ``PAGES_AHEAD`` times as many pages are fetched ahead.
    """

    def __init__(self, send: AbandonableSend, report: PagedReport, concurrency: int) -> None:
        self._send = send
        self._report = report
        self._concurrency = concurrency
        self._pool: ThreadPoolExecutor | None = None
        self._abandoned = threading.Event()
        self._current: _Queue | None = None
        self._upcoming: list[_Queue] = []

    def begin(self, window: Window, size: int, upcoming: Sequence[Window]) -> None:
        """
        Go to a window; what was fetched ahead of others is kept while they are still to come.

        :param window: Read now.
        :param size: Rows per page.
        :param upcoming: Read next, in order.
        """
        ahead = {queue.window: queue for queue in self._upcoming if queue.size == size}
        for queue in self._upcoming:
            if ahead.get(queue.window) is not queue or queue.window not in (window, *upcoming):
                _drop(queue)
        if self._current is not None:
            _drop(self._current)
        self._current = ahead.pop(window, None) or _Queue(window, size)
        self._upcoming = [ahead.get(each) or _Queue(each, size) for each in upcoming]

    def first(self) -> ReportPage | None:
        """
        Return the first page of the window if it was fetched ahead.

        :raises ClockifyApiError: the service refused it.
        """
        queue = self._now()
        if queue.first is None and not queue.waiting:
            return None
        first, queue.first = queue.first or self._take(queue), None
        return first

    def rest(self, last: int) -> Iterator[tuple[int, ReportPage]]:
        """
        Go through the pages after the first, in order.

        :param last: Number of the last page.
        """
        queue = self._now()
        queue.last, queue.asked = last, max(queue.asked, 1)
        self._fill()
        for number in range(2, last + 1):
            yield number, self._take(queue)
            self._fill()

    def aside(self, request: ApiRequest) -> Callable[[], ReportPage]:
        """
        Ask for a page that belongs to no window that is read.

        :param request: Asks for it.
        :return: Waits for it, until :meth:`close`.
        """
        return partial(self._read, _Page(1, request, self._fetch(request)))

    def close(self) -> None:
        """Drop what nobody has read: what is on the wire is awaited, to its next piece, and nothing more is sent."""
        self._abandoned.set()
        pool, self._pool = self._pool, None
        self._current, self._upcoming = None, []
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
        self._abandoned = threading.Event()

    def _now(self) -> _Queue:
        if self._current is None:
            raise RuntimeError("begin() comes first.")
        return self._current

    def _fill(self) -> None:
        """Ask for as many pages as may wait: those of the window, and then of the next ones."""
        queues = [self._now(), *self._upcoming[: self._concurrency]]
        free = PAGES_AHEAD * self._concurrency - sum(len(queue.waiting) for queue in queues)
        for queue in queues:
            if queue.last is None and queue.waiting and queue.waiting[0].answer.done():
                self._learn(queue)
            # The window that is read never stands still for those that come after it.
            is_urgent = queue is queues[0] and not queue.waiting
            while queue.asked < (queue.last or 1) and (free > 0 or is_urgent):
                is_urgent = False
                queue.asked += 1
                self._ask(queue, queue.asked)
                free -= 1

    def _ask(self, queue: _Queue, number: int) -> None:
        request = self._report.request(queue.window, number, queue.size)
        queue.waiting.append(_Page(number, request, self._fetch(request)))

    def _fetch(self, request: ApiRequest) -> Future[ApiResponse]:
        if self._pool is None:
            # As many as there may be requests at a time. One more would wait for the wire behind those who come back
            # for it, and the reader would wait for its page.
            self._pool = ThreadPoolExecutor(self._concurrency, thread_name_prefix=THREAD_NAME)
        return self._pool.submit(self._send, request, _as_it_came, self._abandoned)

    def _learn(self, queue: _Queue) -> None:
        """Read a first page before its turn, to know how many there are; what is wrong with it shows at its turn."""
        queue.last = 1
        if queue.waiting[0].answer.exception() is not None:
            return
        queue.first = self._read(queue.waiting.popleft())
        queue.last = queue.first.pages(queue.size)

    def _take(self, queue: _Queue) -> ReportPage:
        """Wait for the next page of a window; meanwhile learn about the next windows, and ask for their pages."""
        page = queue.waiting.popleft()
        while not page.answer.done():
            firsts = [each.waiting[0].answer for each in self._upcoming if each.last is None and each.waiting]
            wait([page.answer, *firsts], return_when=FIRST_COMPLETED)
            if not page.answer.done():
                self._fill()
        return self._read(page)

    def _read(self, page: _Page) -> ReportPage:
        response = page.answer.result()
        try:
            return self._report.decode(response)
        except (*UNREADABLE, ClockifyResponseError):
            # Broken on its way, perhaps. Asked again here, by the way that repeats and that names what is wrong.
            again: ReportPage = self._send(page.request, self._report.decode)
            return again


def _as_it_came(response: ApiResponse) -> ApiResponse:
    return response


def _drop(queue: _Queue) -> None:
    for page in queue.waiting:
        page.answer.cancel()
