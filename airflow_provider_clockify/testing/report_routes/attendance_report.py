# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Answer the attendance report."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.testing.exchange import (
    ApiError,
    Request,
    Response,
    Route,
    choice,
    flag,
    integer,
    unreadable_body,
)
from airflow_provider_clockify.testing.report_routes.detailed_file import format_time
from airflow_provider_clockify.testing.report_routes.report_files import (
    Table,
    file_response,
    format_date,
    hours,
)
from airflow_provider_clockify.testing.report_routes.selection import (
    COMMON_FIELDS,
    ReportQuery,
    read_report_query,
    select,
)
from airflow_provider_clockify.testing.workspace.times import format_zoned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from airflow_provider_clockify.testing.workspace.kinds import TimeEntry, User

MAX_PAGE_SIZE = 200
DAILY_CAPACITY = 8 * 3600
_PLANS = ("STANDARD", "PRO", "ENTERPRISE")
_COMPARISONS = ("EXACTLY", "LARGER_THAN", "SMALLER_THAN")
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_SUMMED = ("break", "totalDuration", "capacity", "remainingCapacity", "overtime", "timeOff")


@dataclass(slots=True)
class _Day:
    """What one person did on one day; durations are seconds."""

    user: User
    day: date
    entries: list[TimeEntry] = field(default_factory=list)

    def _seconds(self, *types: str) -> int:
        return sum(entry.seconds for entry in self.entries if entry.type in types)

    @property
    def pause(self) -> int:
        return self._seconds("BREAK")

    @property
    def work(self) -> int:
        return self._seconds("REGULAR")

    @property
    def time_off(self) -> int:
        return self._seconds("HOLIDAY", "TIME_OFF")

    @property
    def capacity(self) -> int:
        return DAILY_CAPACITY if self.day.weekday() < 5 else 0

    @property
    def spare(self) -> int:
        """Capacity less work and time off; negative is overtime."""
        return self.capacity - self.work - self.time_off

    @property
    def start(self) -> int:
        return min(entry.start for entry in self.entries)

    @property
    def end(self) -> int | None:
        """End of the last entry, None while a timer runs."""
        ends = [entry.end for entry in self.entries if entry.end is not None]
        return max(ends) if len(ends) == len(self.entries) else None


def attendance_report(request: Request) -> Response:
    """
    Answer ``POST reports/attendance``: one page of days on which somebody tracked time.

    It needs the Standard plan and the rights of an administrator (Clockify help centre; team managers are
    not emulated). Running timers are in it, as ``hasRunningEntry`` says. Chosen where nothing was recorded:
    integers are seconds, ``totalDuration`` is without breaks, ``date`` is the day in the zone of the request
    and times are written as in the detailed report; everybody has 8 hours of capacity from Monday to Friday;
    ``totals`` sums up all pages.
    """
    body = request.json_object((COMMON_FIELDS - {"userCustomFields"}) | {"attendanceFilter"})
    if request.workspace.plan not in _PLANS:
        raise ApiError(403, 403, "The attendance report is not available on this plan")
    if not request.caller.is_admin:
        raise ApiError(403, 403, "You don't have permission to see the attendance report")
    query = read_report_query(request, body, "attendanceFilter", "attendance")
    own: dict[str, Any] = body["attendanceFilter"]
    for name in own.keys() - _KEYS:
        request.report_unknown(f"body attendanceFilter.{name}")
    page, size = integer(own, "page", 1), integer(own, "pageSize", 50)
    shown = request.behaviour.rows_of_page(page, size, MAX_PAGE_SIZE, "pageSize")
    key = _SORT_KEYS[choice(own, "sortColumn", tuple(_SORT_KEYS), "DATE")]
    tests = list(_tests(own, query))
    found = [day for day in _days(request, query) if all(test(day) for test in tests)]
    found.sort(key=lambda day: (key(day), day.day, day.user.id), reverse=query.descending)
    if query.is_file:
        return file_response(request, query, "Attendance", _table(request, query, found))
    rows = [_row(day, query) for day in found]
    return Response(
        200,
        {
            "entities": rows[shown],
            "totals": {"entitiesCount": len(rows)} | {name: sum(r[name] for r in rows) for name in _SUMMED},
        },
        headers=request.behaviour.last_page(shown, len(rows)),
    )


def _days(request: Request, query: ReportQuery) -> Sequence[_Day]:
    users = request.workspace.users
    grouped: dict[tuple[str, date], list[TimeEntry]] = defaultdict(list)
    for entry in select(request, query, {}, running=True):
        grouped[entry.user_id, datetime.fromtimestamp(entry.start, query.zone).date()].append(entry)
    return [_Day(users[user_id], day, entries) for (user_id, day), entries in grouped.items()]


def _row(day: _Day, query: ReportQuery) -> dict[str, Any]:
    return {
        "userId": day.user.id,
        "userName": day.user.name,
        "date": day.day.isoformat(),
        "startTime": format_zoned(day.start, query.zone),
        "endTime": None if day.end is None else format_zoned(day.end, query.zone),
        "break": day.pause,
        "totalDuration": day.work,
        "capacity": day.capacity,
        "remainingCapacity": max(day.spare, 0),
        "overtime": max(-day.spare, 0),
        "timeOff": day.time_off,
        "hasRunningEntry": day.end is None,
        "imageUrl": "https://img.clockify.me/no-user-image.png",
    }


def _table(request: Request, query: ReportQuery, days: Sequence[_Day]) -> Table:
    reader = request.caller.user
    columns = ["User", "Date", "Start", "End", "Break", "Work", "Capacity", "Overtime", "Time Off"]
    rows: list[list[str | float]] = []
    for day in days:
        start = datetime.fromtimestamp(day.start, query.zone)
        end = None if day.end is None else datetime.fromtimestamp(day.end, query.zone)
        seconds = (day.pause, day.work, day.capacity, max(-day.spare, 0), day.time_off)
        rows.append(
            [
                day.user.name or "",
                format_date(start, reader.date_format),
                format_time(start, reader),
                format_time(end, reader) if end else "",
                *(hours(value) for value in seconds),
            ]
        )
    return Table(columns, rows)


def _tests(own: Mapping[str, Any], query: ReportQuery) -> Iterator[Callable[[_Day], bool]]:
    has_time_off = flag(own, "hasTimeOff")
    if has_time_off is not None:
        yield lambda day: (day.time_off > 0) is has_time_off
    for name, value_of in _NUMBER_FILTERS.items():
        for comparison, value in _comparisons(own, name):
            if not value.isdecimal():
                raise unreadable_body(f"{name}: {value!r} is not a number of hours times 100")
            yield _compare(value_of, comparison, int(value) * 36)

    def minute(instant: int | None) -> int | None:
        if instant is None:
            return None
        moment = datetime.fromtimestamp(instant, query.zone)
        return moment.hour * 60 + moment.minute

    for name, instant_of in _TIME_FILTERS.items():
        for comparison, value in _comparisons(own, name):
            match = _TIME_OF_DAY.fullmatch(value)
            if match is None:
                raise unreadable_body(f"{name}: {value!r} is not a time as HH:mm")
            limit = int(match[1]) * 60 + int(match[2])
            yield _compare(_after(instant_of, minute), comparison, limit)


def _after(
    first: Callable[[_Day], int | None], then: Callable[[int | None], int | None]
) -> Callable[[_Day], int | None]:
    return lambda day: then(first(day))


def _comparisons(own: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    given = own.get(name) or []
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise unreadable_body(f"{name}: an array of objects is expected")
    for item in given:
        yield choice(item, "filtrationType", _COMPARISONS, "EXACTLY"), str(item.get("value"))


def _compare(value_of: Callable[[_Day], int | None], comparison: str, limit: int) -> Callable[[_Day], bool]:
    def test(day: _Day) -> bool:
        value = value_of(day)
        if value is None:
            return False
        if comparison == "EXACTLY":
            return value == limit
        return value > limit if comparison == "LARGER_THAN" else value < limit

    return test


_NUMBER_FILTERS: Mapping[str, Callable[[_Day], int]] = {
    "breakFilters": lambda day: day.pause,
    "workFilters": lambda day: day.work,
    "capacityFilters": lambda day: day.capacity,
    "overtimeFilters": lambda day: max(-day.spare, 0),
}
_TIME_FILTERS: Mapping[str, Callable[[_Day], int | None]] = {
    "startFilters": lambda day: day.start,
    "endFilters": lambda day: day.end,
}
_SORT_KEYS: Mapping[str, Callable[[_Day], Any]] = {
    "USER": lambda day: day.user.name or "",
    "DATE": lambda day: day.day,
    "START": lambda day: day.start,
    "END": lambda day: day.end or day.start,
    "BREAK": lambda day: day.pause,
    "WORK": lambda day: day.work,
    "CAPACITY": lambda day: day.capacity,
    "OVERTIME": lambda day: max(-day.spare, 0),
    "TIME_OFF": lambda day: day.time_off,
}
_KEYS = _NUMBER_FILTERS.keys() | _TIME_FILTERS.keys() | {"page", "pageSize", "sortColumn", "hasTimeOff"}

ROUTES = (Route("reports", "POST", "/workspaces/{workspaceId}/reports/attendance", attendance_report),)
