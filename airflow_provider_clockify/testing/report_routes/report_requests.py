# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Answer requests to the reports service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.testing.answers.report_rows import report_totals
from airflow_provider_clockify.testing.exchange import (
    Request,
    Response,
    Route,
    choice,
    integer,
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
)
