# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What handlers of several areas share: who sees what, required parameters, pages of bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.testing.exchange import ApiError, Request, Response, domain_error, integer
from airflow_provider_clockify.testing.workspace.times import parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_clockify.testing.workspace.kinds import Client, Project, Tag, Task, User

W = "/workspaces/{workspaceId}"
PAGING = frozenset({"page", "page-size"})
SORTING = frozenset({"sort-column", "sort-order"})


def sees(request: Request, user_id: str) -> bool:
    """Tell whether the caller may see what belongs to a user; what it may not see is left out silently."""
    hidden = request.workspace.settings.only_admins_see_all_time_entries and not request.caller.is_admin
    return not hidden or user_id == request.caller.user.id


def is_visible(request: Request, project: Project) -> bool:
    """Tell whether the caller has access to a project; others are left out silently."""
    return request.caller.is_admin or project.public or request.caller.user.id in project.member_ids


def require(*, allowed: bool) -> None:
    """Refuse with a 403/403 what the caller may not do."""
    if not allowed:
        raise ApiError(403, 403, "Access denied")


def is_own(request: Request, user_id: str) -> bool:
    """Tell whether the caller may change what belongs to a user: people their own, administrators everybody's."""
    return request.caller.is_admin or user_id == request.caller.user.id


def path_user(request: Request) -> User:
    """Return the user of the path; a missing one is a 400/501 (observed 2026-08-08)."""
    user = request.workspace.users.get(request.path["userId"])
    if user is None:
        raise domain_error("User doesn't belong to Workspace")
    return user


def path_project(request: Request) -> Project:
    """Return the project of the path; a missing or inaccessible one is a 400/501 (observed 2026-08-08)."""
    project = request.workspace.projects.get(request.path["projectId"])
    if project is None or not is_visible(request, project):
        raise domain_error("Project doesn't belong to Workspace")
    return project


def path_client(request: Request) -> Client:
    """Return the client of the path; that a missing one is a 400/501 is assumed from the others."""
    client = request.workspace.clients.get(request.path["id"])
    if client is None:
        raise domain_error("Client doesn't belong to Workspace")
    return client


def path_tag(request: Request) -> Tag:
    """Return the tag of the path; a missing one is a 400/501 (observed 2026-08-08)."""
    tag = request.workspace.tags.get(request.path["id"])
    if tag is None:
        raise domain_error("Tag doesn't belong to Workspace")
    return tag


def path_task(request: Request) -> tuple[Project, Task]:
    """
    Return project and task of the path.

    That a missing one, or one of another project, is a 400/501 is assumed from the others.
    """
    project, task = path_project(request), request.workspace.tasks.get(request.path["taskId"])
    if task is None or task.project_id != project.id:
        raise domain_error("Task doesn't belong to Project")
    return project, task


def required(request: Request, name: str) -> str:
    """Return a query parameter; a missing one is a 400/3001 (observed 2026-06)."""
    value = request.query.text(name)
    if value is None:
        raise ApiError(
            400, 3001, f"Required request parameter '{name}' for method parameter type String is not present"
        )
    return value


def required_instant(request: Request, name: str) -> int:
    """Return a required query parameter as epoch seconds."""
    return query_instant(name, required(request, name))


def query_instant(name: str, value: str) -> int:
    """Read the instant of a query parameter as epoch seconds."""
    try:
        return parse_instant(value)
    except ValueError:
        raise ApiError(400, 3000, f"Method parameter '{name}': Failed to convert value: {value}") from None


def enveloped(page: Response, wrap: Callable[[Any], Mapping[str, Any]]) -> Response:
    """Put the rows of a page into an envelope; the header ``Last-Page`` stays."""
    return Response(page.status, wrap(page.payload), headers=page.headers)


def body_page(
    request: Request, body: Mapping[str, Any], items: Sequence[Any], *, maximum: int = 5000
) -> Sequence[Any]:
    """Return the page that ``page`` and ``pageSize`` of a body ask for; 50 rows by default."""
    return items[rows_of_body(request, body, maximum=maximum)]


def rows_of_body(request: Request, body: Mapping[str, Any], *, maximum: int = 5000) -> slice:
    """Return which rows are on the page that a body asks for."""
    page, size = integer(body, "page", 1), integer(body, "pageSize", 50)
    return request.behaviour.rows_of_page(page, size, maximum, "pageSize")
