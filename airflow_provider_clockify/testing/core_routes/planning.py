# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Answer requests to the core service about approvals and scheduled work."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.testing.answers.business_documents import (
    approval_document,
    assignment_document,
)
from airflow_provider_clockify.testing.core_routes.common import (
    PAGING,
    SORTING,
    W,
    body_page,
    path_project,
    path_user,
    required_instant,
    sees,
)
from airflow_provider_clockify.testing.core_routes.core import contains, in_order
from airflow_provider_clockify.testing.exchange import (
    Request,
    Response,
    Route,
    choice,
    conversion_error,
    domain_error,
    require_paid,
    unreadable_body,
)
from airflow_provider_clockify.testing.workspace.times import iso_day, parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airflow_provider_clockify.testing.workspace.business import ApprovalRequest, Assignment
    from airflow_provider_clockify.testing.workspace.kinds import Project, User

_DAY = 86_400
_MEMBERSHIPS = ("PENDING", "ACTIVE", "DECLINED", "INACTIVE", "ALL")
_TYPES = ("TIMESHEET", "EXPENSE", "TIMESHEET_AND_EXPENSE")


def list_approval_requests(request: Request) -> Response:
    """
    Answer ``GET W/approval-requests``.

    Parameters for users and dates are ignored, ``status`` knows three of the five states (observed
    2026-08-11). Without it all states are shown.
    """
    query, workspace = request.query, request.workspace
    status = query.choice("status", ("PENDING", "APPROVED", "WITHDRAWN_APPROVAL", ""), "")
    types = query.many("types")
    for kind in types:
        if kind not in _TYPES:
            raise conversion_error("types", kind)
    found = [
        approval
        for approval in workspace.approval_requests.values()
        if status in ("", approval.state)
        and (not types or approval.type in types)
        and sees(request, approval.owner_id)
    ]
    columns: Mapping[str, Callable[[ApprovalRequest], Any]] = {
        "ID": lambda approval: approval.id,
        "USER_ID": lambda approval: approval.owner_id,
        "START": lambda approval: approval.start,
        "UPDATED_AT": lambda approval: approval.updated_at,
    }
    return request.page(
        in_order(found, query, columns, "START"), lambda approval: approval_document(workspace, approval)
    )


def list_assignments(request: Request) -> Response:
    """
    Answer ``GET W/scheduling/assignments/all``: what touches the window.

    Both bounds are required; a missing one is a 400/3001 (observed 2026-06).
    """
    require_paid(request, "SCHEDULING")
    query, workspace = request.query, request.workspace
    name = query.text("name")
    found = [
        assignment
        for assignment in _within(request, *_window(request))
        if contains(workspace.users[assignment.user_id].name, name)
        or contains(_project_name(request, assignment), name)
    ]
    columns: Mapping[str, Callable[[Assignment], Any]] = {
        "ID": lambda assignment: assignment.id,
        "PROJECT": lambda assignment: _project_name(request, assignment),
        "USER": lambda assignment: workspace.users[assignment.user_id].name or "",
    }
    return request.page(
        in_order(found, query, columns, "USER"),
        lambda assignment: assignment_document(workspace, assignment),
    )


def get_user_totals(request: Request) -> Response:
    """Answer ``GET W/scheduling/assignments/users/{userId}/totals``; nothing is an empty 200 (observed 2026)."""
    require_paid(request, "SCHEDULING")
    user, (first, last) = path_user(request), _window(request)
    own = [row for row in _within(request, first, last) if row.user_id == user.id]
    return Response(200, _user_row(request, user, own, first, last) if own else b"")


def filter_user_totals(request: Request) -> Response:
    """Answer ``POST W/scheduling/assignments/user-filter/totals``: of each chosen member (Clockify OpenAPI)."""
    require_paid(request, "SCHEDULING")
    body, workspace = request.json_object(_TOTALS | {"userFilter", "userGroupFilter"}), request.workspace
    first, last = _bound(body, "start"), _bound(body, "end")
    rows = _published(body, _within(request, first, last))
    search = body.get("search") or None
    tests = list(_people_tests(request, body))
    shown = [
        user
        for user in workspace.users.values()
        if contains(user.name, search) and all(test(user) for test in tests)
    ]
    return Response(
        200,
        [
            _user_row(request, user, [row for row in rows if row.user_id == user.id], first, last)
            for user in body_page(request, body, shown, maximum=200)
        ],
    )


def _people_tests(request: Request, body: Mapping[str, Any]) -> Iterable[Callable[[User], bool]]:
    groups = request.workspace.user_groups
    for name in ("userFilter", "userGroupFilter"):
        given = body.get(name) or {}
        ids = frozenset(given.get("ids") or ())
        if name == "userGroupFilter" or given.get("sourceType") == "USER_GROUP":
            members = frozenset(user for key in ids if key in groups for user in groups[key].user_ids)
        else:
            members = ids
        wanted = choice(given, "contains", ("CONTAINS", "DOES_NOT_CONTAIN", "CONTAINS_ONLY"), "CONTAINS")
        if ids:
            yield _is_member(members, wanted != "DOES_NOT_CONTAIN")
        states = {choice(given, "status", _MEMBERSHIPS, "ALL"), *(given.get("statuses") or ())} - {"ALL"}
        if states:
            yield _has_status(frozenset(states))


def _is_member(members: frozenset[str], wanted: bool) -> Callable[[User], bool]:
    return lambda user: (user.id in members) is wanted


def _has_status(states: frozenset[str]) -> Callable[[User], bool]:
    return lambda user: user.membership_status in states


def _user_row(
    request: Request, user: User, rows: Iterable[Assignment], first: int, last: int
) -> dict[str, Any]:
    return {
        "userId": user.id,
        "userName": user.name,
        "userStatus": user.membership_status,
        "userImage": "https://img.clockify.me/no-user-image.png",
        "workspaceId": request.workspace.id,
        "capacityPerDay": 28_800.0,
        "workingDays": ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"],
        "totalHoursPerDay": [
            {"date": f"{day}T00:00:00Z", "totalHours": total}
            for day, total in sorted(_hours_by_day(rows, first, last).items())
        ],
    }


def list_project_totals(request: Request) -> Response:
    """
    Answer ``POST W/scheduling/assignments/projects/totals``; pages in the body.

    ``pageSize`` is at most 200 (Clockify OpenAPI), ``page-size`` is ignored (observed 2026-06).
    """
    require_paid(request, "SCHEDULING")
    body, workspace = request.json_object(_TOTALS), request.workspace
    first, last = _bound(body, "start"), _bound(body, "end")
    by_project: dict[str, list[Assignment]] = defaultdict(list)
    for row in _published(body, _within(request, first, last)):
        by_project[row.project_id].append(row)
    search = body.get("search") or None
    shown = [
        project
        for project in workspace.projects.values()
        if project.id in by_project and contains(project.name, search)
    ]
    page = body_page(request, body, shown, maximum=200)
    return Response(
        200, [_project_row(request, project, by_project[project.id], first, last) for project in page]
    )


def get_project_totals(request: Request) -> Response:
    """Answer ``GET W/scheduling/assignments/projects/totals/{projectId}`` (Clockify OpenAPI)."""
    require_paid(request, "SCHEDULING")
    project, (first, last) = path_project(request), _window(request)
    rows = [row for row in _within(request, first, last) if row.project_id == project.id]
    return Response(200, _project_row(request, project, rows, first, last))


def _project_row(
    request: Request, project: Project, rows: Iterable[Assignment], first: int, last: int
) -> dict[str, Any]:
    client = request.workspace.clients.get(project.client_id or "")
    hours = _hours_by_day(rows, first, last)
    return {
        "projectId": project.id,
        "projectName": project.name,
        "projectColor": project.color,
        "projectArchived": project.archived,
        "projectBillable": project.billable,
        "clientName": client.name if client else None,
        "taskId": None,
        "taskName": None,
        "workspaceId": request.workspace.id,
        "totalHours": sum(hours.values()),
        "milestones": [],
        "assignments": [{"date": f"{day}T00:00:00Z", "hasAssignment": True} for day in sorted(hours)],
    }


def _published(body: Mapping[str, Any], rows: Iterable[Assignment]) -> list[Assignment]:
    wanted = choice(body, "statusFilter", ("PUBLISHED", "UNPUBLISHED", "ALL"), "ALL")
    return [row for row in rows if wanted == "ALL" or row.published is (wanted == "PUBLISHED")]


def _window(request: Request) -> tuple[int, int]:
    return required_instant(request, "start"), required_instant(request, "end")


def _bound(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if value is None:
        raise domain_error(f"{name} must not be null")
    try:
        return parse_instant(str(value))
    except ValueError as error:
        raise unreadable_body(f"{name}: {error}") from None


def _within(request: Request, first: int, last: int) -> list[Assignment]:
    rows = request.workspace.assignments.values()
    return [row for row in rows if row.start <= last and first <= row.end]


def _hours_by_day(rows: Iterable[Assignment], first: int, last: int) -> dict[str, float]:
    hours: dict[str, float] = defaultdict(float)
    for row in rows:
        day = max(row.start, first)
        while day < min(row.end, last):
            hours[iso_day(day)] += row.hours_per_day
            day = day - day % _DAY + _DAY
    return hours


def _project_name(request: Request, assignment: Assignment) -> str:
    project = request.workspace.projects.get(assignment.project_id)
    return project.name if project else ""


_TOTALS = frozenset({"end", "page", "pageSize", "search", "start", "statusFilter"})

ROUTES = (
    Route(
        "core",
        "GET",
        f"{W}/approval-requests",
        list_approval_requests,
        PAGING | SORTING | {"status", "types"},
    ),
    Route(
        "core",
        "GET",
        f"{W}/scheduling/assignments/all",
        list_assignments,
        PAGING | SORTING | {"end", "name", "start"},
    ),
    Route(
        "core",
        "GET",
        f"{W}/scheduling/assignments/users/{{userId}}/totals",
        get_user_totals,
        PAGING | {"end", "start"},
    ),
    Route("core", "POST", f"{W}/scheduling/assignments/user-filter/totals", filter_user_totals),
    Route("core", "POST", f"{W}/scheduling/assignments/projects/totals", list_project_totals),
    Route(
        "core",
        "GET",
        f"{W}/scheduling/assignments/projects/totals/{{projectId}}",
        get_project_totals,
        frozenset({"end", "start"}),
    ),
)
