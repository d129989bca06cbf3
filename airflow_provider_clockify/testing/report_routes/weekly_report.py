# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Answer the weekly report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.testing.answers.report_rows import report_totals
from airflow_provider_clockify.testing.exchange import ApiError, Request, Response, Route, choice
from airflow_provider_clockify.testing.report_routes.report_files import (
    Table,
    file_response,
    hours,
    money_header,
)
from airflow_provider_clockify.testing.report_routes.report_groups import (
    Group,
    Key,
    Sums,
    group_entries,
    group_kinds,
    shown_amount,
    sum_fields,
)
from airflow_provider_clockify.testing.report_routes.selection import (
    COMMON_FIELDS,
    ReportQuery,
    read_report_query,
    select,
)
from airflow_provider_clockify.testing.workspace.times import wall_clock_in_zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KEYS = frozenset({"group", "subgroup"})
_WEEK_MS = 7 * 86_400_000
_SECOND_MS = 1000


def weekly_report(request: Request) -> Response:
    """
    Answer ``POST reports/weekly``: exactly 7 days of one level of groups, with a sum per day.

    The range may end in the last second of the seventh day or at the first instant of the eighth (observed
    2026-08-07); that instant itself is not part of the week here. Chosen where nothing was recorded: all
    seven days are listed, those without time with zeros, and people without time only when people are the
    groups.
    """
    body = request.json_object(COMMON_FIELDS | {"weeklyFilter"})
    query = read_report_query(request, body, "weeklyFilter", "weekly")
    own: dict[str, Any] = body["weeklyFilter"]
    for name in own.keys() - _KEYS:
        request.report_unknown(f"body weeklyFilter.{name}")
    by = choice(own, "group", ("USER", "PROJECT"), "USER")
    choice(own, "subgroup", ("TIME",), "TIME")
    if not _WEEK_MS - _SECOND_MS <= query.last_wall_ms - query.first_wall_ms <= _WEEK_MS:
        status = request.behaviour.weekly_refusal_status
        raise ApiError(status, 501, "Please select date range of exactly 7 days for weekly report")
    last_wall_ms = min(query.last_wall_ms, query.first_wall_ms + _WEEK_MS - 1)
    query.last_ms = wall_clock_in_zone(last_wall_ms, query.zone)
    days = _days(query.first_wall_ms, last_wall_ms)

    workspace = request.workspace
    entries = select(request, query, {})
    kinds = group_kinds(workspace, query.zone, "MONDAY")
    root = group_entries(workspace, entries, query.rounding, [kinds[by], kinds["DATE"]])
    by_day = group_entries(workspace, entries, query.rounding, [kinds["DATE"]])
    rows = []
    for key, group in root.children.items():
        fields = kinds[by].describe(key)
        name = fields["name"]
        fields["nameLowerCase"] = None if name is None else name.lower()
        fields |= sum_fields(workspace, group.sums, query)
        fields["days"] = _day_rows(days, group.children, query)
        rows.append(fields)
    rows.sort(key=lambda row: (row["nameLowerCase"] or "", row["_id"] or ""), reverse=query.descending)
    if query.is_file:
        return file_response(request, query, "Weekly", _table(request, query, by, days, rows, root))
    idle = _without_time(request, root.children) if by == "USER" else []
    return Response(
        200,
        {
            "totals": report_totals(entries, query.style, workspace.settings),
            "groupOne": rows,
            "totalsByDay": _day_rows(days, by_day.children, query),
            "usersWithoutTime": idle,
            "includeUsersWithoutTime": by == "USER",
            "decimalFormat": False,
            "trackTimeDownToSeconds": True,
        },
    )


def _days(first_wall_ms: int, last_wall_ms: int) -> list[str]:
    first = datetime.fromtimestamp(first_wall_ms // 1000, UTC).date()
    last = datetime.fromtimestamp(last_wall_ms // 1000, UTC).date()
    return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]


def _day_rows(days: Sequence[str], groups: Mapping[Key, Group], query: ReportQuery) -> list[dict[str, Any]]:
    sums = [(day, groups[day].sums if day in groups else Sums()) for day in days]
    return [
        {"date": day, "duration": found.seconds, "amount": shown_amount(found, query)} for day, found in sums
    ]


def _without_time(request: Request, groups: Mapping[Key, Group]) -> list[dict[str, Any]]:
    own_only = request.workspace.settings.only_admins_see_all_time_entries and not request.caller.is_admin
    return [
        {
            "id": user.id,
            "name": user.name,
            "email": user.email,
            "timeZone": user.time_zone,
            "weekStart": "MONDAY",
            "dateFormat": user.date_format,
            "timeFormat": user.time_format,
        }
        for user in request.workspace.users.values()
        if user.membership_status == "ACTIVE" and user.id not in groups
        if not own_only or user.id == request.caller.user.id
    ]


def _table(
    request: Request,
    query: ReportQuery,
    by: str,
    days: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    root: Group,
) -> Table:
    columns = [by.title(), *days, "Total (h)"]
    lines: list[list[str | float]] = [
        [row["name"] or "", *(hours(day["duration"]) for day in row["days"]), hours(row["duration"])]
        for row in rows
    ]
    if query.amount_types[0] != "HIDE_AMOUNT":
        columns.append(f"Amount ({money_header(request.workspace, root.sums.money)})")
        for line, row in zip(lines, rows, strict=True):
            line.append(round(row["amount"] / 100, 2))
    return Table(columns, lines)


ROUTES = (Route("reports", "POST", "/workspaces/{workspaceId}/reports/weekly", weekly_report),)
