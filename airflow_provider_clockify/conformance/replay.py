# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Run the readers of reports, lists and feeds over recorded answers: a recording is a test case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.exceptions import ClockifyError
from airflow_provider_clockify.http.errors import read_answer
from airflow_provider_clockify.reading.client import ClockifyClient
from airflow_provider_clockify.reading.report_reader import ReportReader
from airflow_provider_clockify.reading.sum_readers import AttendanceReader, summary_reader, weekly_reader
from airflow_provider_clockify.service.change_feeds import read_feed
from airflow_provider_clockify.service.lists import LISTS
from airflow_provider_clockify.service.messages import ApiResponse
from airflow_provider_clockify.service.report_kinds import detailed, expenses
from airflow_provider_clockify.window import Window

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_clockify.conformance.answers import Answer, Found
    from airflow_provider_clockify.reading.reader import Reader
    from airflow_provider_clockify.service.messages import ApiRequest

T = TypeVar("T")

_MILLISECOND = timedelta(milliseconds=1)
_LISTS = {
    "users": "users",
    "projects": "projects",
    "expense_list": "expenses",
    "user_entries": "time_entries",
    "running": "in_progress_time_entries",
}
_SETTINGS = ClockifySettings("recording", "no key is needed", base_url="http://localhost")


class NotRecordedError(ClockifyError):
    """A reader asked for a page that was not recorded."""


@dataclass(frozen=True, slots=True)
class ReplayedRead:
    """
    What a reader made of a recorded answer.

    :param name: Reader and try.
    :param is_good: Whether it took it.
    :param what: Rows, or why it was refused.
    """

    name: str
    is_good: bool
    what: str


class _Recorded:
    """Gives one recorded answer for its page, in place of a transport."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._page = _page(answer.request)

    def send(
        self,
        request: ApiRequest,
        decode: Callable[[ApiResponse], T],
        abandoned: threading.Event | None = None,
    ) -> T:
        """Answer a request of the same page as the recorded one does, errors included."""
        if _page(request)[0] != self._page[0]:
            raise NotRecordedError("more pages follow, which are not recorded", operation=request.operation)
        answer = self._answer
        response = ApiResponse(answer.status, answer.headers, answer.body)
        return read_answer(_SETTINGS, answer.request, response, decode, 1)


def _page(request: ApiRequest) -> tuple[int, int]:
    """Return number and size of the page that is asked for."""
    body = request.json if isinstance(request.json, dict) else {}
    own = next((each for name, each in body.items() if name.endswith("Filter") and "page" in each), body)
    number = request.params.get("page", own.get("page", 1))
    size = request.params.get("page-size", own.get("pageSize", 0))
    return int(str(number)), int(str(size))


def _window(request: ApiRequest) -> Window:
    """Return the window that a report was asked for, in UTC."""
    zone = ZoneInfo(request.json["timeZone"])
    start, end = (
        datetime.fromisoformat(request.json[name]).replace(tzinfo=zone).astimezone(UTC)
        for name in ("dateRangeStart", "dateRangeEnd")
    )
    return Window(start, end + _MILLISECOND)


class _Count:
    """Takes rows and counts them."""

    def __init__(self) -> None:
        self.rows = 0

    def write(self, ids: Sequence[str], rows: Sequence[bytes], starts: Sequence[datetime]) -> None:
        self.rows += len(rows)

    def restart(self) -> None:
        self.rows = 0


def read_all(found: Found) -> list[ReplayedRead]:
    """
    Run every reader over the recorded answers that it would have asked for.

    :param found: What a recording holds.
    """
    return [
        _read(name, answer, found.workspace_id)
        for name, answer in found.answers.items()
        if _reads(name, answer)
    ]


def _reads(name: str, answer: Answer) -> bool:
    is_page_of_ours = name in _READERS and (name not in _PAGED or _page(answer.request)[0] == 1)
    return (is_page_of_ours or name in _LISTS or name in ("created", "deleted")) and not answer.is_refusal


def _read(name: str, answer: Answer, workspace_id: str) -> ReplayedRead:
    what = f"{answer.request.operation} ({name})"
    try:
        rows = _rows_read(name, answer, workspace_id)
    except NotRecordedError as error:
        return ReplayedRead(what, True, f"the first page is read; {error}")
    except ClockifyError as error:
        return ReplayedRead(what, False, f"{type(error).__name__}: {error}")
    return ReplayedRead(what, True, f"{rows} rows")


def _rows_read(name: str, answer: Answer, workspace_id: str) -> int:
    recorded = _Recorded(answer)
    if name in _READERS:
        count = _Count()
        with _READERS[name](recorded, workspace_id, answer.request) as reader:
            reader.read(_window(answer.request), count)
        return count.rows
    if name in _LISTS:
        return sum(1 for _ in _items(recorded, LISTS[_LISTS[name]], answer.request))
    return len(recorded.send(answer.request, read_feed).items)


def _items(recorded: _Recorded, resource: Any, request: ApiRequest) -> Iterator[dict[str, Any]]:
    client = ClockifyClient(_SETTINGS, recorded)  # type: ignore[arg-type]  # it sends as a transport does
    return client.iterate_request(resource, request, _page(request)[1] or None)


def _detailed(recorded: _Recorded, workspace_id: str, request: ApiRequest) -> Reader:
    filters = {"users": request.json["users"]} if "users" in request.json else {}
    return ReportReader(recorded.send, detailed(workspace_id, filters), concurrency=1)


_READERS: dict[str, Callable[[_Recorded, str, ApiRequest], Reader]] = {
    "month": _detailed,
    "empty": _detailed,
    "week": _detailed,
    "users_filter": _detailed,
    "running_report": _detailed,
    "year": lambda recorded, workspace, request: summary_reader(recorded.send, workspace, {}, ("MONTH",)),
    "summary": lambda recorded, workspace, request: summary_reader(
        recorded.send, workspace, {}, ("USER", "DATE")
    ),
    "weekly": lambda recorded, workspace, request: weekly_reader(recorded.send, workspace, {}, "USER"),
    "attendance": lambda recorded, workspace, request: AttendanceReader(recorded.send, workspace, {}),
    "expenses": lambda recorded, workspace, request: ReportReader(
        recorded.send, expenses(workspace, {}), concurrency=1
    ),
}
_PAGED = frozenset({"month", "empty", "week", "users_filter", "running_report", "attendance", "expenses"})
