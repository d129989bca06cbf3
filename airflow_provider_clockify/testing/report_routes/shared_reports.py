# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Answer the list of shared reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.testing.exchange import ApiError, Request, Response, Route, domain_error

if TYPE_CHECKING:
    from airflow_provider_clockify.testing.workspace.kinds import SharedReport

MAX_PAGE_SIZE = 200
_FILTERS = ("ALL", "ALL_ADMIN", "CREATED_BY_ME", "SHARED_WITH_ME")


def list_shared_reports(request: Request) -> Response:
    """
    Answer ``GET W/shared-reports``: a page in an envelope, with ``pageSize`` in camel case.

    Paid plans only (Clockify help centre 2026). An unknown ``sharedReportsFilter`` is a 500, and ALL_ADMIN is
    accepted though not documented (observed 2026-08-07); it shows everything to administrators here, where
    ALL is what the caller made or was shown.
    """
    if request.workspace.is_free:
        raise ApiError(403, 403, "Shared reports are not available on the Free plan")
    wanted = request.query.text("sharedReportsFilter") or "ALL"
    if wanted not in _FILTERS:
        raise ApiError(500, 500, "Internal Server Error")
    page, size = request.query.integer("page", 1), request.query.integer("pageSize", 50)
    shown = request.behaviour.rows_of_page(page, size, MAX_PAGE_SIZE, "pageSize")
    found = [r for r in request.workspace.shared_reports.values() if _is_wanted(request, r, wanted)]
    return Response(
        200,
        {
            "count": len(found),
            "reports": [_document(request, report) for report in found[shown]],
        },
    )


def visible_report(request: Request) -> SharedReport:
    """
    Return the shared report of the path, which has no workspace: it is looked for in the caller's active one.

    That a missing or hidden one is a 400/501 is assumed from the others.
    """
    if request.workspace.is_free:
        raise ApiError(403, 403, "Shared reports are not available on the Free plan")
    report = request.workspace.shared_reports.get(request.path["id"])
    if report is None or not (report.public or _is_wanted(request, report, "ALL_ADMIN")):
        raise domain_error("Shared report doesn't belong to Workspace")
    return report


def _is_wanted(request: Request, report: SharedReport, wanted: str) -> bool:
    if wanted == "ALL_ADMIN" and request.caller.is_admin:
        return True
    user_id = request.caller.user.id
    groups = request.workspace.user_groups
    mine = report.author_id == user_id
    shown = user_id in report.user_ids or any(
        group_id in groups and user_id in groups[group_id].user_ids for group_id in report.group_ids
    )
    if wanted == "CREATED_BY_ME":
        return mine
    return shown and not mine if wanted == "SHARED_WITH_ME" else mine or shown


def _document(request: Request, report: SharedReport) -> dict[str, Any]:
    workspace = request.workspace
    return {
        "id": report.id,
        "name": report.name,
        "type": report.type,
        "link": f"https://app.clockify.me/shared/{report.id}",
        "isPublic": report.public,
        "fixedDate": report.fixed_date,
        "reportAuthor": report.author_id,
        "visibleToUsers": [{"id": key, "name": workspace.users[key].name} for key in report.user_ids],
        "visibleToUserGroups": [
            {"id": key, "name": workspace.user_groups[key].name}
            for key in report.group_ids
            if key in workspace.user_groups
        ],
    }


ROUTES = (
    Route(
        "reports",
        "GET",
        "/workspaces/{workspaceId}/shared-reports",
        list_shared_reports,
        frozenset({"page", "pageSize", "sharedReportsFilter"}),
    ),
)
