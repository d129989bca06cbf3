# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Answer requests to the reports service."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.testing.answers.report_rows import report_totals
from airflow_provider_clockify.testing.exchange import (
    JSON,
    Request,
    Response,
    Route,
    choice,
    integer,
    not_emulated,
)
from airflow_provider_clockify.testing.report_routes import (
    attendance_report,
    expense_report,
    shared_reports,
    summary_report,
    weekly_report,
)
from airflow_provider_clockify.testing.report_routes.detailed_file import detailed_table
from airflow_provider_clockify.testing.report_routes.report_files import file_response
from airflow_provider_clockify.testing.report_routes.selection import (
    COMMON_FIELDS,
    ReportQuery,
    read_report_query,
    select,
)
from airflow_provider_clockify.testing.report_routes.shared_reports import visible_report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_clockify.testing.workspace.kinds import TimeEntry

DEFAULT_PAGE_SIZE = 50
_DETAILED_KEYS = frozenset({"auditFilter", "options", "page", "pageSize", "sortColumn"})


def detailed_report(request: Request) -> Response:
    """
    Answer ``POST reports/detailed``: one page of entries and the totals of all matching ones.

    Keys are ``timeentries`` and ``_id`` (observed 2026-06-19), durations are seconds, money is minor units,
    timestamps carry the offset of the request's zone. Nothing found gives ``totals: [null]``. Whether CSV and
    XLSX end with the page is an option of the emulator; a PDF does not.
    """
    body = request.json_object(COMMON_FIELDS | {"detailedFilter"})
    query = read_report_query(request, body, "detailedFilter", "detailed")
    own: dict[str, Any] = body["detailedFilter"]
    for name in own.keys() - _DETAILED_KEYS:
        request.report_unknown(f"body detailedFilter.{name}")
    page, size, behaviour = (
        integer(own, "page", 1),
        integer(own, "pageSize", DEFAULT_PAGE_SIZE),
        request.behaviour,
    )
    shown = behaviour.rows_of_page(page, size, behaviour.detailed_max_page_size, "pageSize")
    column = choice(own, "sortColumn", tuple(_SORT_KEYS), "DATE")
    totals_mode = choice(_part(own, "options"), "totals", ("CALCULATE", "EXCLUDE"), "CALCULATE")

    style = query.style
    entries, totals = request.rows.selection(
        _question(request, query, own, column),
        lambda: _sorted(request, select(request, query, _part(own, "auditFilter")), column, query),
        lambda found: msgspec.json.encode(report_totals(found, style, request.workspace.settings)),
    )
    rows = entries[shown]
    if query.is_file:
        paged = behaviour.csv_paged and query.export_type != "PDF"
        table = detailed_table(request, query, rows if paged else entries)
        return file_response(request, query, "Detailed", table)
    head = b"" if totals_mode == "EXCLUDE" else b'"totals":' + totals + b","
    lines = b",".join(request.rows.encoded(rows, style))
    return Response(
        200,
        b"{" + head + b'"timeentries":[' + lines + b"]}",
        headers=behaviour.last_page(shown, len(entries)),
    )


_RENDERED: Mapping[str, tuple[Callable[[Request], Response], str | None, Mapping[str, Any]]] = {
    "DETAILED": (detailed_report, "detailedFilter", {}),
    "SUMMARY": (summary_report.summary_report, "summaryFilter", {"groups": ["PROJECT"]}),
    "WEEKLY": (weekly_report.weekly_report, "weeklyFilter", {"group": "USER", "subgroup": "TIME"}),
    "ATTENDANCE": (attendance_report.attendance_report, "attendanceFilter", {}),
    "EXPENSE_DETAILED": (expense_report.expense_report, None, {}),
}


def render_shared_report(request: Request) -> Response:
    """
    Answer ``GET /shared-reports/{id}``: the report of its type, as JSON or as a file (Clockify OpenAPI).

    The query has the range, the order, the page and the export type in camel case; what it leaves out comes from the
    filter that was saved. JSON has that filter as ``filters`` besides (observed 2026-08-07).
    """
    report = visible_report(request)
    if report.type not in _RENDERED:
        raise not_emulated(f"A shared report of the type {report.type}")
    handler, part, own = _RENDERED[report.type]
    saved = dict(report.filter)
    given: dict[str, Any] = {name: request.query.text(name) for name in _SHARED - {"page", "pageSize"}}
    given |= {name: request.query.integer(name, 0) or None for name in ("page", "pageSize")}
    given = {name: value for name, value in given.items() if value is not None}
    body = saved | {name: given[name] for name in given.keys() & _AT_THE_TOP}
    inner = {name: given[name] for name in given.keys() - _AT_THE_TOP}
    body |= inner if part is None else {part: {**own, **saved.get(part, {}), **inner}}
    response = handler(replace(request, body=msgspec.json.encode(body)))
    if response.content_type != JSON or response.status != 200:
        return response
    return replace(response, payload=msgspec.json.decode(response.body()) | {"filters": saved})


_AT_THE_TOP = frozenset({"dateRangeEnd", "dateRangeStart", "exportType", "sortOrder"})
_SHARED = _AT_THE_TOP | {"page", "pageSize", "sortColumn"}


def _part(own: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = own.get(name)
    return part if isinstance(part, dict) else {}


def _question(request: Request, query: ReportQuery, own: Mapping[str, Any], column: str) -> bytes:
    """Return what makes two requests ask for the same list, whatever page of it they want."""
    kept = {key: value for key, value in own.items() if key not in ("page", "pageSize", "options")}
    caller = (request.caller.user.id, request.caller.is_admin, str(query.zone))
    return msgspec.json.encode(
        (
            caller,
            request.behaviour.report_running,
            request.behaviour.select_overlapping,
            column,
            (query.first_ms, query.last_ms),
            query.body | {"detailedFilter": kept},
        )
    )


def _sorted(request: Request, entries: list[TimeEntry], column: str, query: ReportQuery) -> list[TimeEntry]:
    key = _SORT_KEYS[column](request)
    return sorted(entries, key=lambda entry: (key(entry), entry.id), reverse=query.descending)


def _user_name(request: Request) -> Callable[[TimeEntry], str]:
    users = request.workspace.users
    return lambda entry: users[entry.user_id].name or ""


def _user_then_start(request: Request) -> Callable[[TimeEntry], tuple[str, int]]:
    name = _user_name(request)
    return lambda entry: (name(entry), entry.start)


def _start(request: Request) -> Callable[[TimeEntry], int]:
    return lambda entry: entry.start


_SORT_KEYS: Mapping[str, Callable[[Request], Callable[[TimeEntry], Any]]] = {
    "ID": lambda request: lambda entry: entry.id,
    "DESCRIPTION": lambda request: lambda entry: entry.description,
    "USER": _user_name,
    "DURATION": lambda request: lambda entry: entry.seconds,
    "DATE": _start,
    "ZONED_DATE": _start,
    "NATURAL": _start,
    "USER_DATE": _user_then_start,
}

ROUTES = (
    Route("reports", "POST", "/workspaces/{workspaceId}/reports/detailed", detailed_report),
    *summary_report.ROUTES,
    *weekly_report.ROUTES,
    *attendance_report.ROUTES,
    *expense_report.ROUTES,
    *shared_reports.ROUTES,
    Route("reports", "GET", "/shared-reports/{id}", render_shared_report, _SHARED),
)
