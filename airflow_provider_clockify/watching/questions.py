# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
"Has enough time been tracked?" as a value, and how to answer it, without I/O.

A question names everything that its answer depends on, as JSON values, so that it can cross to a triggerer and be
asked again after a restart. :func:`look` yields the requests of one look and returns the answer; the synchronous
sensor and the asynchronous trigger drive the same generator.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyIncompleteError,
    ClockifyResponseError,
)
from airflow_provider_clockify.rendered import one_of
from airflow_provider_clockify.service.change_feeds import (
    LIMITS,
    feed_limit,
    feed_request,
    feed_rows,
    instant_of,
    pieces,
)
from airflow_provider_clockify.service.filters import report_filters
from airflow_provider_clockify.service.lists import LISTS, WALL_CLOCK_MARGIN
from airflow_provider_clockify.service.pagination import (
    Page,
    PageSize,
    Step,
    all_items,
    last_page,
    pages,
    steps,
)
from airflow_provider_clockify.service.report_kinds import DETAILED, detailed_request, read_detailed
from airflow_provider_clockify.service.values import instant, utc_text
from airflow_provider_clockify.types import Detect, TimeEntryResult
from airflow_provider_clockify.window import Window, chunks, parse_instant

if TYPE_CHECKING:
    from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse

DETECT = get_args(Detect)
MAX_IDS = 100
# A look costs one request: a page of a feed with fewer rows than the service gives without being asked for a number is
# taken for the last. Any longer one may be cut by a maximum that nobody knows.
FEED_END = LIMITS[-1]
TIMERS_PER_PAGE = 1000
# What the list of timers gives without being asked for a number (Clockify OpenAPI).
TIMERS_BY_DEFAULT = 10
# People may date entries ahead; a day covers every time zone.
AHEAD = timedelta(days=1)

Look = Generator[Step, Any, "Answer"]
Entries = list[tuple[datetime, str]]

# Filters that can be decided from an entry itself, and where it says so.
_ENTRY_KEYS = {"users": "userId", "projects": "projectId", "tasks": "taskId"}
_ENTRY_FILTERS = (*_ENTRY_KEYS, "tags", "billable", "description")


@dataclass(frozen=True, slots=True)
class Question:
    """
    What is waited for, in JSON values.

    :param workspace_id: Workspace.
    :param since: First instant, ISO 8601 with offset: of starts, or of creations and changes.
    :param until: First instant after; ``None`` for no end.
    :param detect: ``started`` (entries that start in the time), ``created`` or ``changed`` (also back-dated and edited
        ones, by the entity feeds).
    :param min_entries: How many entries are enough.
    :param filters: What :func:`.filters.report_filters` returned.
    :param include_running: Whether running timers count.
    """

    workspace_id: str
    since: str
    until: str | None = None
    detect: str = "started"
    min_entries: int = 1
    filters: Mapping[str, Any] = field(default_factory=dict)
    include_running: bool = False

    def requests_per_look(self, now: datetime) -> int:
        """
        Return the requests that one look costs while little is found.

        :param now: Aware current time; a wait without end grows with it.
        """
        window = _window(self, now)
        if self.detect == "started":
            return len(chunks(window)) + self.include_running
        return sum(len(list(pieces(asked_of(feed, window)))) for feed in feeds_of(self.detect))


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What one look found.

    :param count: Entries found.
    :param latest: Latest of their instants (starts, creations or changes), UTC; ``None`` without entries.
    :param ids: Ids of up to :data:`MAX_IDS` of them, the latest first.
    :param enough: Whether the wait is over.
    """

    count: int = 0
    latest: str | None = None
    ids: tuple[str, ...] = ()
    enough: bool = False

    def to_xcom(self) -> TimeEntryResult:
        """Return the result of the sensor: ``{"count": int, "latest": "…Z", "ids": [str]}``."""
        return {"count": self.count, "latest": self.latest, "ids": list(self.ids)}


def make_question(
    *,
    workspace_id: str,
    since: datetime | str,
    until: datetime | str | None,
    detect: str,
    min_entries: int,
    filters: Mapping[str, Any] | str | None,
    include_running: bool,
) -> Question:
    """
    Check and fix a question.

    :raises ClockifyConfigError: a parameter is wrong; the message names it.
    """
    one_of("detect", detect, DETECT)
    if isinstance(min_entries, bool) or not isinstance(min_entries, int) or min_entries < 1:
        raise ClockifyConfigError(f"min_entries is {min_entries!r}; it must be a whole number of at least 1.")
    checked = report_filters(filters)
    by_feed = detect != "started"
    first = parse_instant(since, "since")
    last = None if until is None else Window(first, parse_instant(until, "until")).end
    if by_feed or include_running:
        check_entry_filters(checked, detect, include_running)
    return Question(
        workspace_id=workspace_id,
        since=utc_text(first),
        until=None if last is None else utc_text(last),
        detect=detect,
        min_entries=min_entries,
        filters=checked,
        include_running=include_running,
    )


def look(question: Question, now: datetime) -> Look:
    """
    Look once.

    :param question: The question.
    :param now: Aware current time.
    :return: Generator of requests, each with what reads its answer; returns the :class:`Answer`.
    """
    window = _window(question, now)
    if question.detect == "started":
        found = yield from _started(question, window)
    else:
        found = yield from _fed(question, window)
    total, entries = found
    newest = sorted(entries, key=lambda entry: (entry[0], entry[1]), reverse=True)
    return Answer(
        count=total,
        latest=utc_text(newest[0][0]) if newest else None,
        ids=tuple(entry_id for _, entry_id in newest[:MAX_IDS]),
        enough=total >= question.min_entries,
    )


def _started(question: Question, window: Window) -> Generator[Step, Any, tuple[int, Entries]]:
    """Count finished entries by the report, newest first, with as few rows as the answer shows."""
    total, entries = 0, []
    size = PageSize(MAX_IDS)
    for chunk in chunks(window):
        matching, rows = yield from _newest(question, chunk, size)
        ended = sum(not running for _, _, running in rows)
        if ended > matching:
            raise ClockifyIncompleteError(
                f"{DETAILED} gave {ended} entries and counts {matching}: one of the two is wrong.",
                operation=DETAILED,
            )
        # Seen among the newest only: timers, should the service show them, and what a fraction of a second let in.
        finished = [(start, row_id) for start, row_id, running in rows if not running and start in window]
        total += matching - (len(rows) - len(finished))
        entries += finished
    if question.include_running:
        running = yield from _running(question.workspace_id)
        timers = [
            (start, entry["id"])
            for entry in running
            if (start := instant(entry["timeInterval"]["start"], entry["id"])) in window
            and matches(entry, question.filters)
        ]
        total += len(timers)
        entries += timers
    return total, entries


def _newest(
    question: Question, window: Window, size: PageSize
) -> Generator[Step, Any, tuple[int, list[Any]]]:
    """Read how many entries the report counts, and of the newest rows as many as the answer shows."""

    def ask(page: int, rows: int) -> ApiRequest:
        request = detailed_request(question.workspace_id, window, question.filters, page, rows)
        by_date = {**request.json["detailedFilter"], "sortColumn": "DATE"}
        return replace(request, json={**request.json, "sortOrder": "DESCENDING", "detailedFilter": by_date})

    return report_rows(size, ask, _read_rows, id_of=lambda row: row[1], most=MAX_IDS)


def report_rows(
    size: PageSize,
    request: Callable[[int, int], ApiRequest],
    read: Callable[[ApiResponse], Page],
    *,
    id_of: Callable[[Any], str],
    most: float = inf,
) -> Generator[Step, Any, tuple[int, list[Any]]]:
    """
    Read rows of a report: as many as it counts, or as are wanted, each once.

    They may be on several pages even where one would do, since the service may give fewer rows at a time: what is
    found does not depend on how many it gives.

    :param size: The size to begin with.
    :param request: From number and size of a page to its request.
    :param read: Reads a page, with the count of all rows.
    :param id_of: Gives the id of a row.
    :param most: Rows that are wanted.
    :return: Generator of requests; returns the count and the rows.
    """
    rows: dict[str, Any] = {}
    count = 0

    def take(page: Page) -> Page:
        nonlocal count
        rows.update({id_of(row): row for row in page.items})
        if page.count is None:
            return page
        count = page.count
        return replace(page, last=True if len(rows) >= min(count, most) else None)

    yield from steps(pages(size, id_of=id_of), request, read, take)
    return count, list(rows.values())


def _running(workspace_id: str) -> Generator[Step, Any, list[dict[str, Any]]]:
    """List the timers that run."""
    resource = LISTS["in_progress_time_entries"]
    request = resource.request(workspace_id=workspace_id)
    asks = pages(PageSize(TIMERS_PER_PAGE), last_below=TIMERS_BY_DEFAULT)
    timers = yield from all_items(asks, partial(resource.page, request), _read_list)
    return list({timer["id"]: timer for timer in timers}.values())


def _fed(question: Question, window: Window) -> Generator[Step, Any, tuple[int, Entries]]:
    """Count entries by the entity feeds."""
    entries: dict[str, datetime] = {}
    changes = yield from changes_in(question.detect, question.workspace_id, window)
    for feed, moment, row in changes:
        running = _interval(row).get("end") is None and feed != "deleted"
        if matches(row.get("document") or row, question.filters) and (
            question.include_running or not running
        ):
            entries[row["id"]] = max(moment, entries.get(row["id"], moment))
    return len(entries), [(moment, entry_id) for entry_id, moment in entries.items()]


def changes_in(
    detect: str, workspace_id: str, window: Window
) -> Generator[Step, Any, list[tuple[str, datetime, dict[str, Any]]]]:
    """
    Read the changes of entries in a window.

    :param detect: ``created`` or ``changed``.
    :param workspace_id: Workspace.
    :param window: Of the instants that ``detect`` means.
    :return: Generator of requests; returns feeds, instants and rows.
    """
    found = []
    limit = feed_limit()
    for feed, instants in feeds_of(detect).items():
        for first, last in pieces(asked_of(feed, window)):
            request = feed_request(feed, "TIME_ENTRY", workspace_id, first, last)
            for row in (yield from feed_rows(request, limit, last_below=FEED_END)):
                moment = instant_of(row, *instants)
                if moment in window:
                    found.append((feed, moment, row))
    return found


def asked_of(feed: str, window: Window) -> tuple[datetime, datetime]:
    """
    Return the bounds that a feed is asked with: wider, since the service may shift them by a time zone.

    Not at the start of ``deleted``, which leaves out what was created in the time that is asked for: an entry of the
    hours before the window that is deleted in it would never show.
    """
    margin = timedelta(0) if feed == "deleted" else WALL_CLOCK_MARGIN
    return window.start - margin, window.end + WALL_CLOCK_MARGIN


def _window(question: Question, now: datetime) -> Window:
    since = parse_instant(question.since, "since")
    until = parse_instant(question.until, "until") if question.until else max(now, since) + AHEAD
    return Window(since, until)


def feeds_of(detect: str) -> Mapping[str, tuple[str, ...]]:
    """Return the feeds that answer, each with which instant of its rows counts, the best first."""
    if detect == "created":
        return {"created": ("created",)}
    return {"created": ("updated", "created"), "updated": ("updated",), "deleted": ("deleted",)}


def _interval(row: Mapping[str, Any]) -> Mapping[str, Any]:
    found = (row.get("document") or row).get("timeInterval")
    return found if isinstance(found, Mapping) else {}


class _Interval(msgspec.Struct, frozen=True):
    start: str
    end: str | None = None


class _Row(msgspec.Struct, frozen=True, rename="camel"):
    time_interval: _Interval
    mongo_id: str | None = msgspec.field(default=None, name="_id")
    plain_id: str | None = msgspec.field(default=None, name="id")


# Only what is needed: whatever else a row may hold cannot be in the way.
_decode_row = msgspec.json.Decoder(_Row).decode


def _read_rows(response: ApiResponse) -> Page:
    page = read_detailed(response.body)
    rows: list[tuple[datetime, str, bool]] = []
    for row in map(_decode_row, page.rows):
        row_id = row.mongo_id or row.plain_id or ""
        rows.append((instant(row.time_interval.start, row_id), row_id, row.time_interval.end is None))
    total = page.totals.entries_count if page.totals else None
    if total is None:
        raise ClockifyResponseError("The detailed report has no entriesCount; the service may have changed.")
    return Page(rows, last_page(response), total)


def _read_list(response: ApiResponse) -> Page:
    return Page(msgspec.json.decode(response.body, type=list[dict[str, Any]]), last_page(response))


def check_entry_filters(filters: Mapping[str, Any], detect: str, include_running: bool) -> None:
    """
    Refuse filters that an entry cannot decide itself.

    :raises ClockifyConfigError: there is one.
    """
    why = f"detect={detect!r}" if detect != "started" else f"include_running={include_running}"
    for name, value in filters.items():
        details = (
            {key: text for key, text in value.items() if key != "ids"} if isinstance(value, Mapping) else {}
        )
        if name not in _ENTRY_FILTERS or set(details.values()) - {"CONTAINS", "ALL"}:
            raise ClockifyConfigError(
                f"filters[{name!r}] does not fit {why}: it is decided from the entries themselves, which know "
                f"{', '.join(_ENTRY_FILTERS)} (ids that are contained, of any status)."
            )


def matches(entry: Mapping[str, Any], filters: Mapping[str, Any]) -> bool:
    """Decide the filters that an entry can decide itself."""
    for name, value in filters.items():
        if name == "billable":
            fits = bool(entry.get("billable")) is value
        elif name == "description":
            fits = value.lower() in (entry.get("description") or "").lower()
        elif name == "tags":
            fits = bool(set(value["ids"]) & set(entry.get("tagIds") or ()))
        else:
            fits = entry.get(_ENTRY_KEYS[name]) in value["ids"]
        if not fits:
            return False
    return True
