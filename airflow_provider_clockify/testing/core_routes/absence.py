# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Answer requests to the core service about holidays and time off."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.testing.answers.business_documents import (
    balance_document,
    holiday_document,
    policy_document,
    time_off_document,
)
from airflow_provider_clockify.testing.core_routes.common import (
    PAGING,
    W,
    enveloped,
    path_user,
    required,
    required_instant,
    rows_of_body,
    sees,
)
from airflow_provider_clockify.testing.core_routes.core import SORT_ORDERS, contains
from airflow_provider_clockify.testing.exchange import (
    ApiError,
    Request,
    Response,
    Route,
    choice,
    domain_error,
    integer,
    require_paid,
    unreadable_body,
)
from airflow_provider_clockify.testing.workspace.times import (
    iso_day,
    load_zone,
    parse_wall_clock,
    wall_clock_in_zone,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_clockify.testing.workspace.business import Balance, Holiday, TimeOffRequest

_MAX_PAGE = 1_000
_MAX_SIZE = 200


def list_holidays(request: Request) -> Response:
    """Answer ``GET W/holidays``: all of them, page parameters are ignored (observed 2026-08-07)."""
    user_id = request.query.text("assigned-to")
    return Response(
        200,
        [
            holiday_document(request.workspace, holiday)
            for holiday in request.workspace.holidays.values()
            if user_id is None or _is_assigned(request, holiday, user_id)
        ],
    )


def list_holidays_in_period(request: Request) -> Response:
    """
    Answer ``GET W/holidays/in-period``, unpaged: holidays of a user that touch the days of the period.

    All three parameters are required (400/3001); an unknown user is a 500 each time (observed 2026-08).
    """
    user_id = required(request, "assigned-to")
    first, last = required_instant(request, "start"), required_instant(request, "end")
    if user_id not in request.workspace.users:
        raise ApiError(500, 500, "Internal server error")
    return Response(
        200,
        [
            holiday_document(request.workspace, holiday)
            for holiday in request.workspace.holidays.values()
            if _is_assigned(request, holiday, user_id) and _touches(holiday, iso_day(first), iso_day(last))
        ],
    )


def _is_assigned(request: Request, holiday: Holiday, user_id: str) -> bool:
    groups = request.workspace.user_groups
    return (
        holiday.everyone
        or user_id in holiday.user_ids
        or any(user_id in groups[key].user_ids for key in holiday.group_ids if key in groups)
    )


def _touches(holiday: Holiday, first: str, last: str) -> bool:
    if not holiday.annually:
        return holiday.first_day <= last and first <= holiday.last_day
    begin, finish = date.fromisoformat(holiday.first_day), date.fromisoformat(holiday.last_day)
    for year in range(int(first[:4]) - 1, int(last[:4]) + 1):
        # 29 February has no other year; the service's way is not known.
        start = begin.replace(year=year, day=min(begin.day, 28) if begin.month == 2 else begin.day)
        if start.isoformat() <= last and first <= (start + (finish - begin)).isoformat():
            return True
    return False


def list_time_off_requests(request: Request) -> Response:
    """
    Answer ``POST W/time-off/requests``, which is the list, newest first; GET is a 405 (observed 2026-06).

    ``start`` and ``end`` select by creation, read as wall clock in the zone of who asks for time off
    (Clockify OpenAPI). WITHDRAWN is refused as status (observed 2026-06).
    """
    require_paid(request, "TIME_OFF")
    body = request.json_object(_REQUESTS)
    workspace = request.workspace
    statuses = {
        choice({"statuses": status}, "statuses", ("PENDING", "APPROVED", "REJECTED", "ALL"), "ALL")
        for status in body.get("statuses") or ("ALL",)
    }
    users, groups = frozenset(body.get("users") or ()), frozenset(body.get("userGroups") or ())
    members = {
        user_id
        for group in workspace.user_groups.values()
        if group.id in groups
        for user_id in group.user_ids
    }
    first, last = _wall_clock(body, "start"), _wall_clock(body, "end")
    if integer(body, "page", 1) > _MAX_PAGE:
        raise domain_error(f"page must be less than or equal to {_MAX_PAGE}")

    def fits(row: TimeOffRequest) -> bool:
        zone = load_zone(workspace.users[row.user_id].time_zone)
        created = row.created_at * 1000
        return (
            ("ALL" in statuses or row.status in statuses)
            and (not (users or groups) or row.user_id in users | members)
            and (first is None or wall_clock_in_zone(first, zone) <= created)
            and (last is None or created <= wall_clock_in_zone(last, zone))
            and sees(request, row.user_id)
        )

    found = [row for row in workspace.time_off_requests.values() if fits(row)]
    found.sort(key=lambda row: (row.created_at, row.id), reverse=True)
    shown = rows_of_body(request, body, maximum=_MAX_SIZE)
    return Response(
        200,
        {"count": len(found), "requests": [time_off_document(workspace, row) for row in found[shown]]},
        headers=request.behaviour.last_page(shown, len(found)),
    )


def _wall_clock(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    try:
        return parse_wall_clock(str(value))
    except ValueError as error:
        raise unreadable_body(f"{name}: {error}") from None


def list_policies(request: Request) -> Response:
    """Answer ``GET W/time-off/policies``; pages have at most 200 rows (Clockify OpenAPI)."""
    require_paid(request, "TIME_OFF")
    query, workspace = request.query, request.workspace
    name = query.text("name")
    status = query.choice("status", ("ACTIVE", "ARCHIVED", "ALL"), "ALL")
    found = [
        policy
        for policy in workspace.policies.values()
        if contains(policy.name, name) and (status == "ALL" or policy.archived is (status == "ARCHIVED"))
    ]
    descending = query.choice("sort-order", SORT_ORDERS, "ASCENDING") == "DESCENDING"
    found.sort(key=lambda policy: (policy.name.lower(), policy.id), reverse=descending)
    return _small_page(request, found, lambda policy: policy_document(workspace, policy))


def get_policy(request: Request) -> Response:
    """Answer ``GET W/time-off/policies/{id}`` (Clockify OpenAPI); that a missing one is a 400/501 is assumed."""
    require_paid(request, "TIME_OFF")
    policy = request.workspace.policies.get(request.path["id"])
    if policy is None:
        raise domain_error("Policy doesn't belong to Workspace")
    return Response(200, policy_document(request.workspace, policy))


def list_policy_balances(request: Request) -> Response:
    """Answer ``GET W/time-off/balance/policy/{policyId}``: ``{"count", "balances"}`` (Clockify OpenAPI)."""
    require_paid(request, "TIME_OFF")
    policy_id = request.path["policyId"]
    if policy_id not in request.workspace.policies:
        raise domain_error("Policy doesn't belong to Workspace")
    return _balances(request, lambda balance: balance.policy_id == policy_id)


def list_user_balances(request: Request) -> Response:
    """Answer ``GET W/time-off/balance/user/{userId}``: ``{"count", "balances"}`` (Clockify OpenAPI)."""
    require_paid(request, "TIME_OFF")
    user = path_user(request)
    return _balances(request, lambda balance: balance.user_id == user.id)


def _balances(request: Request, fits: Callable[[Balance], bool]) -> Response:
    query, workspace = request.query, request.workspace
    columns: Mapping[str, Callable[[Balance], Any]] = {
        "USER": lambda balance: workspace.users[balance.user_id].name or "",
        "POLICY": lambda balance: workspace.policies[balance.policy_id].name,
        "USED": lambda balance: balance.used,
        "BALANCE": lambda balance: balance.total - balance.used,
        "TOTAL": lambda balance: balance.total,
    }
    key = columns[query.choice("sort", tuple(columns), "USER")]
    descending = query.choice("sort-order", SORT_ORDERS, "ASCENDING") == "DESCENDING"
    found = [
        balance
        for balance in workspace.balances.values()
        if balance.policy_id in workspace.policies and fits(balance)
    ]
    found.sort(key=lambda balance: (key(balance), balance.id), reverse=descending)
    page = _small_page(request, found, lambda balance: balance_document(workspace, balance))
    return enveloped(page, lambda rows: {"count": len(found), "balances": rows})


def _small_page(request: Request, found: list[Any], render: Callable[[Any], Any]) -> Response:
    """Return a page of at most 200 rows whose number is at most 1000 (Clockify OpenAPI)."""
    if request.query.integer("page", 1) > _MAX_PAGE:
        raise domain_error(f"page must be less than or equal to {_MAX_PAGE}")
    return request.page(found, render, maximum=_MAX_SIZE)


_REQUESTS = frozenset({"end", "page", "pageSize", "start", "statuses", "userGroups", "users"})

ROUTES = (
    Route("core", "GET", f"{W}/holidays", list_holidays, frozenset({"assigned-to"})),
    Route(
        "core",
        "GET",
        f"{W}/holidays/in-period",
        list_holidays_in_period,
        frozenset({"assigned-to", "end", "start"}),
    ),
    Route("core", "POST", f"{W}/time-off/requests", list_time_off_requests),
    Route(
        "core",
        "GET",
        f"{W}/time-off/policies",
        list_policies,
        PAGING | {"name", "sort-column", "sort-order", "status"},
    ),
    Route("core", "GET", f"{W}/time-off/policies/{{id}}", get_policy),
    Route(
        "core",
        "GET",
        f"{W}/time-off/balance/policy/{{policyId}}",
        list_policy_balances,
        PAGING | {"sort", "sort-order"},
    ),
    Route(
        "core",
        "GET",
        f"{W}/time-off/balance/user/{{userId}}",
        list_user_balances,
        PAGING | {"sort", "sort-order"},
    ),
)
