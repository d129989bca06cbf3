# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The lists and entities of the core service, as one table: a new list is a row.

Names of operations, parameters and page parameters follow the Clockify OpenAPI description.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.api.messages import ApiRequest, ParamValue, path
from airflow_provider_clockify.exceptions import ClockifyConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_clockify.window import Window

# The service re-reads a bound's UTC wall clock in the account's zone (observed 2026-08-08); offsets reach from
# -12 h to +14 h, and this much on both sides is right whichever way the shift goes.
WALL_CLOCK_MARGIN = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Resource:
    """
    One list of the service.

    :param operation: Operation name of the API.
    :param parts: Path segments; ``{name}`` stands for an argument.
    :param page_size: Rows asked for per page, the maximum of the endpoint; ``None`` where it ignores paging and
        must be asked once.
    :param filters: Filter names of this package to names on the wire.
    :param durations: Where items hold ISO 8601 durations; they are turned into seconds.
    :param order: Parameters that give an append-only order, so that rows added while paging land at the end.
    """

    operation: str
    parts: tuple[str, ...]
    page_size: int | None = 5000
    filters: Mapping[str, str] = field(default_factory=dict)
    durations: tuple[tuple[str, ...], ...] = ()
    order: Mapping[str, ParamValue] = field(default_factory=dict)

    def request(self, filters: Mapping[str, Any] | None = None, **arguments: str) -> ApiRequest:
        """
        Build the request of the list, without page parameters.

        :param filters: Filter values by the names of this package; ``None`` values are left out.
        :param arguments: Values for the path.
        :raises ClockifyConfigError: a filter is unknown or of the wrong type.
        """
        params: dict[str, ParamValue] = dict(self.order)
        for name, value in (filters or {}).items():
            if name not in self.filters:
                raise ClockifyConfigError(_unknown_filter(self.operation, name, self.filters))
            if value is not None:
                params[self.filters[name]] = _param(name, value)
        parts = [part.format(**arguments) for part in self.parts]
        return ApiRequest(self.operation, "core", "GET", path(*parts), params)


_BY_ID: Mapping[str, ParamValue] = {"sort-column": "ID", "sort-order": "ASCENDING"}

WORKSPACES = Resource("getWorkspacesOfUser", ("workspaces",), page_size=None, filters={"roles": "roles"})
USERS = Resource(
    "getUsersOfWorkspace",
    ("workspaces", "{workspace_id}", "users"),
    filters={
        "email": "email",
        "name": "name",
        "project_id": "project-id",
        "status": "status",
        "account_statuses": "account-statuses",
        "memberships": "memberships",
        "include_roles": "include-roles",
    },
    order=_BY_ID,
)
PROJECTS = Resource(
    "getProjects",
    ("workspaces", "{workspace_id}", "projects"),
    filters={
        "name": "name",
        "strict_name_search": "strict-name-search",
        "archived": "archived",
        "billable": "billable",
        "clients": "clients",
        "contains_client": "contains-client",
        "client_status": "client-status",
        "users": "users",
        "contains_user": "contains-user",
        "user_status": "user-status",
        "user_groups": "userGroups",
        "contains_group": "contains-group",
        "is_template": "is-template",
        "access": "access",
        "hydrated": "hydrated",
        "expense_limit": "expense-limit",
        "expense_date": "expense-date",
    },
    durations=(("duration",), ("timeEstimate", "estimate"), ("estimate", "estimate")),
    order=_BY_ID,
)
TIME_ENTRIES = Resource(
    "getTimeEntries",
    ("workspaces", "{workspace_id}", "user", "{user_id}", "time-entries"),
    filters={
        "description": "description",
        "project": "project",
        "task": "task",
        "tags": "tags",
        "project_required": "project-required",
        "task_required": "task-required",
        "in_progress": "in-progress",
        "hydrated": "hydrated",
    },
    durations=(("timeInterval", "duration"),),
)


def logged_user() -> ApiRequest:
    """Ask who the key belongs to: id, e-mail, active workspace, profile time zone."""
    return ApiRequest("getLoggedUser", "core", "GET", path("user"))


def workspace(workspace_id: str) -> ApiRequest:
    """Ask for one workspace."""
    return ApiRequest("getWorkspaceOfUser", "core", "GET", path("workspaces", workspace_id))


def project(workspace_id: str, project_id: str, *, hydrated: bool) -> ApiRequest:
    """Ask for one project; ``hydrated`` adds memberships, tasks and custom fields."""
    return ApiRequest(
        "getProject",
        "core",
        "GET",
        path("workspaces", workspace_id, "projects", project_id),
        {"hydrated": hydrated},
    )


def time_entries(
    workspace_id: str, user_id: str, window: Window, filters: Mapping[str, Any] | None = None
) -> ApiRequest:
    """
    Ask for one user's entries around a window, wide enough for any profile time zone.

    Keep of the answer what :meth:`Window.__contains__` accepts.
    """
    request = TIME_ENTRIES.request(filters, workspace_id=workspace_id, user_id=user_id)
    return request.with_params(
        start=_seconds(window.start - WALL_CLOCK_MARGIN),
        end=_seconds(window.end + WALL_CLOCK_MARGIN + timedelta(seconds=1)),
    )


def new_time_entry(
    workspace_id: str,
    *,
    start: datetime,
    end: datetime | None,
    user_id: str | None,
    description: str | None,
    project_id: str | None,
    task_id: str | None,
    tag_ids: list[str] | None,
    billable: bool | None,
    entry_type: str | None,
    custom_fields: Mapping[str, Any] | list[Mapping[str, Any]] | None,
) -> ApiRequest:
    """
    Create a time entry; never repeated after an ambiguous failure, since the service has no idempotency key.

    Custom fields go under the write key ``customFields``; the read key is accepted and dropped (observed 2026-08-08).
    """
    body: dict[str, Any] = {"start": _seconds(start)}
    optional: dict[str, Any] = {
        "end": _seconds(end) if end is not None else None,
        "description": description,
        "projectId": project_id,
        "taskId": task_id,
        "tagIds": tag_ids,
        "billable": billable,
        "type": entry_type,
        "customFields": _custom_fields(custom_fields),
    }
    body.update({name: value for name, value in optional.items() if value is not None})
    if user_id is None:
        where, operation = path("workspaces", workspace_id, "time-entries"), "createTimeEntry"
    else:
        where = path("workspaces", workspace_id, "user", user_id, "time-entries")
        operation = "createForOthers"
    return ApiRequest(operation, "core", "POST", where, json=body, idempotent=False)


def _custom_fields(
    values: Mapping[str, Any] | list[Mapping[str, Any]] | None,
) -> list[Mapping[str, Any]] | None:
    if values is None or isinstance(values, list):
        return values
    return [
        {"customFieldId": field_id, "sourceType": "TIMEENTRY", "value": value}
        for field_id, value in values.items()
    ]


def _seconds(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _param(name: str, value: Any) -> ParamValue:
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(item, str) for item in value):
        return sorted(value) if isinstance(value, (set, frozenset)) else list(value)
    raise ClockifyConfigError(f"Filter {name}={value!r}: give text, a number, a bool or a list of texts.")


def _unknown_filter(operation: str, name: str, known: Mapping[str, str]) -> str:
    close = get_close_matches(name, known, 1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"{operation} has no filter {name!r}.{hint} It has: {', '.join(sorted(known)) or 'none'}."
