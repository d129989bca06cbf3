# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The requests that settle the assumptions, as one table, in the order in which they are sent.

Each is a read, and is asked as exports ask where they do. What one needs of others, it takes from their answers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_clockify.conformance.answers import (
    DAY,
    OFFSET,
    PAGE,
    ZONE,
    Found,
    NotTriedError,
    anchor_of,
    created,
    created_together,
    deactivated,
    lone_start,
    month_of,
    week_of,
)
from airflow_provider_clockify.service.change_feeds import LIMITS as FEED_LIMITS
from airflow_provider_clockify.service.change_feeds import feed_request
from airflow_provider_clockify.service.filters import report_filters
from airflow_provider_clockify.service.lists import (
    LISTS,
    USERS,
    logged_user,
    project,
    workspace,
)
from airflow_provider_clockify.service.report_kinds import (
    attendance_request,
    detailed_request,
    expenses,
    summary_request,
    weekly_request,
)
from airflow_provider_clockify.window import Window, last_complete_unit, next_unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from airflow_provider_clockify.service.messages import ApiRequest

# So many fit into an hour of a Free workspace, which has 30.
MOST_REQUESTS = 25

# An id that no service has given to anything.
NOBODY = "0" * 23 + "1"
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Try:
    """
    One request.

    :param name: Its name.
    :param asks: What is asked, for people.
    :param request: Makes it, from what is known; raises :class:`.answers.NotTriedError` where data lack.
    :param needs: Names of the tries whose answers it takes.
    """

    name: str
    asks: str
    request: Callable[[Found], ApiRequest]
    needs: tuple[str, ...] = ()


def _detailed(found: Found, window: Window, page: int = 1, size: int = PAGE, **filters: Any) -> ApiRequest:
    return detailed_request(found.workspace_id, window, report_filters(filters), page, size)


def _in_zone(request: ApiRequest, window: Window) -> ApiRequest:
    """Ask for the same in the other zone, with the window's bounds as its wall clock."""
    last = window.end - _MILLISECOND
    bounds = [
        (moment + OFFSET).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
        for moment in (window.start, last)
    ]
    return _changed(request, timeZone=ZONE, dateRangeStart=bounds[0], dateRangeEnd=bounds[1])


def _changed(request: ApiRequest, **fields: Any) -> ApiRequest:
    return replace(request, json={**request.json, **fields})


def half(found: Found) -> int:
    """
    Return the size of a page that holds half of the fullest month's known rows.

    :raises NotTriedError: there are not two of them.
    """
    rows = len(found.known_rows())
    if rows < 2:
        raise NotTriedError("The fullest month has one entry. Track some time.")
    return rows // 2


def _year(found: Found) -> ApiRequest:
    end = found.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + DAY
    window = Window(end - 366 * DAY, end)
    return summary_request(found.workspace_id, window, {}, ("MONTH",))


def _empty(found: Found) -> ApiRequest:
    start = lone_start(found)
    return _detailed(found, Window(start + _MILLISECOND, start + timedelta(seconds=1)))


def _users_filter(found: Found) -> ApiRequest:
    first, last = anchor_of(found)
    # The window's end is exclusive, that of the request is the millisecond before it.
    return _detailed(found, Window(first.start, last.start + _MILLISECOND), users=[first.user])


def _summary(found: Found) -> ApiRequest:
    week = week_of(found)
    return _in_zone(summary_request(found.workspace_id, week, {}, ("USER", "DATE")), week)


def _weekly(found: Found) -> ApiRequest:
    week = week_of(found)
    return _in_zone(weekly_request(found.workspace_id, week, {}, "USER"), week)


def _attendance(found: Found) -> ApiRequest:
    week = week_of(found)
    return _in_zone(attendance_request(found.workspace_id, week, {}, 1, 200), week)


def _expenses(found: Found) -> ApiRequest:
    listed = found.good("expense_list").json["expenses"]["expenses"]
    if not listed:
        raise NotTriedError("The workspace has no expenses. Add some, in two currencies.")
    months = Counter(str(each["date"])[:7] for each in listed)
    start = datetime.fromisoformat(max(months, key=lambda month: (months[month], month)) + "-01").replace(
        tzinfo=UTC
    )
    return expenses(found.workspace_id, {}).request(Window(start, next_unit(start, "month")), 1, 200)


def _csv(found: Found) -> ApiRequest:
    return _changed(_detailed(found, month_of(found), 1, half(found)), exportType="CSV")


def _list(found: Found, name: str, page: int, size: int, **filters: Any) -> ApiRequest:
    resource = LISTS[name]
    return resource.page(resource.request(filters, workspace_id=found.workspace_id), page, size)


def _running_report(found: Found) -> ApiRequest:
    timers = found.good("running").json
    if not timers:
        raise NotTriedError("No timer is running. Start one and run again.")
    start = datetime.fromisoformat(timers[0]["timeInterval"]["start"])
    return _detailed(found, Window(start, start + timedelta(seconds=1)))


def _user_entries(found: Found) -> ApiRequest:
    gone = deactivated(found) if "workspace" in found.answers else []
    user = gone[0] if gone else anchor_of(found)[0].user
    entries = LISTS["time_entries"]
    bounds = entries.bounds(month_of(found))
    request = entries.request(bounds, workspace_id=found.workspace_id, user_id=user)
    return entries.page(request, 1, entries.page_size or PAGE)


def _created(found: Found) -> ApiRequest:
    first, _, last = created_together(found)
    bounds = created(first) - OFFSET, created(last) + OFFSET
    request = feed_request("created", "TIME_ENTRY", found.workspace_id, *bounds)
    return request.with_values({"page": "0", "limit": str(FEED_LIMITS[0])})


def _deleted(found: Found) -> ApiRequest:
    month = last_complete_unit(found.now, "day").end
    request = feed_request("deleted", "TIME_ENTRY", found.workspace_id, month - 29 * DAY, month)
    return request.with_values({"page": "0", "limit": "50"})


TRIES: tuple[Try, ...] = (
    Try("user", "whom the key belongs to", lambda found: logged_user()),
    Try("workspace", "the workspace, its plan and members", lambda found: workspace(found.workspace_id)),
    Try("year", "which month of the last year is the fullest", _year),
    Try(
        "month",
        "the first 1,000 entries of that month",
        lambda found: _detailed(found, month_of(found)),
        ("year",),
    ),
    Try(
        "second_page",
        "the second page, with half the size",
        lambda found: _detailed(found, month_of(found), 2, half(found)),
        ("month",),
    ),
    Try(
        "too_large",
        "a page that is too large",
        lambda found: _detailed(found, month_of(found), 1, PAGE + 1),
        ("year",),
    ),
    Try("empty", "a second without entries", _empty, ("month",)),
    Try(
        "week",
        "a week in another time zone",
        lambda found: _in_zone(_detailed(found, week_of(found)), week_of(found)),
        ("month",),
    ),
    Try("users_filter", "the entries of one user, to the millisecond", _users_filter, ("month",)),
    Try("summary", "the summary of that week by user and day", _summary, ("month",)),
    Try("weekly", "the weekly report of that week", _weekly, ("month",)),
    Try("attendance", "the attendance of that week", _attendance, ("month",)),
    Try("expense_list", "the newest expenses", lambda found: _list(found, "expenses", 1, 50)),
    Try("expenses", "the expense report of their month", _expenses, ("expense_list",)),
    Try("csv", "the first half of the month as a CSV file", _csv, ("month",)),
    Try(
        "projects",
        "projects with all details",
        lambda found: _list(found, "projects", 1, PAGE, hydrated=True),
    ),
    Try("projects_page", "the second project alone", lambda found: _list(found, "projects", 2, 1)),
    Try(
        "users",
        "all users",
        lambda found: _list(found, "users", 1, USERS.page_size or PAGE, **USERS.everything),
    ),
    Try(
        "user_entries",
        "the list of one user's entries, of somebody who left if there is one",
        _user_entries,
        ("workspace", "month"),
    ),
    Try("created", "which entries were created around three that are known", _created, ("month",)),
    Try("deleted", "which entries were deleted in a month", _deleted),
    Try(
        "wrong_project",
        "a project that does not exist",
        lambda found: project(found.workspace_id, NOBODY, hydrated=False),
    ),
    Try(
        "wrong_workspace",
        "a workspace that does not exist",
        lambda found: LISTS["tags"].request(workspace_id=NOBODY),
    ),
    Try("running", "timers that are running", lambda found: _list(found, "in_progress_time_entries", 1, 50)),
    Try(
        "running_report",
        "the report of the second in which a timer was started",
        _running_report,
        ("running",),
    ),
)

BY_NAME = {each.name: each for each in TRIES}


def needed(names: Iterable[str]) -> list[Try]:
    """
    Return the tries of these names and all that they need, in their order.

    :param names: Names of tries.
    """
    wanted: set[str] = set()
    open_names = list(names)
    while open_names:
        name = open_names.pop()
        if name not in wanted:
            wanted.add(name)
            open_names += BY_NAME[name].needs
    return [each for each in TRIES if each.name in wanted]
