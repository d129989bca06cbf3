# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Answer requests to the core service about clients, tags, tasks, groups, custom fields and webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.testing.answers.business_documents import (
    client_document,
    custom_field_document,
    group_document,
    webhook_document,
)
from airflow_provider_clockify.testing.answers.documents import (
    tag_document,
    task_document,
    user_document,
    user_fields,
)
from airflow_provider_clockify.testing.core_routes.common import (
    PAGING,
    SORTING,
    W,
    body_page,
    path_client,
    path_project,
    path_tag,
    path_task,
    path_user,
    require,
)
from airflow_provider_clockify.testing.core_routes.core import (
    SORT_ORDERS,
    USER_COLUMNS,
    contains,
    in_order,
    select_users,
    user_row,
)
from airflow_provider_clockify.testing.exchange import (
    ApiError,
    Query,
    Request,
    Response,
    Route,
    choice,
    domain_error,
    flag,
    require_paid,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_clockify.testing.workspace.kinds import CustomField

_FIELD_STATUS = ("INACTIVE", "VISIBLE", "INVISIBLE", "")
# Owners do not count as administrators (Clockify OpenAPI).
_ROLES = {
    "WORKSPACE_ADMIN": "ADMIN",
    "OWNER": "OWNER",
    "TEAM_MANAGER": "TEAM_MANAGER",
    "PROJECT_MANAGER": "PROJECT_MANAGER",
}


def list_clients(request: Request) -> Response:
    """Answer ``GET W/clients``; without ``archived`` it shows archived ones too (observed 2026-08-09)."""
    query, workspace = request.query, request.workspace
    name, archived = query.text("name"), query.flag("archived")
    found = [
        client
        for client in workspace.clients.values()
        if contains(client.name, name) and (archived is None or client.archived is archived)
    ]
    columns = {
        "NAME": lambda client: client.name.lower(),
        "EMAIL": lambda client: client.email or "",
        "NOTE": lambda client: client.note or "",
    }
    return request.page(
        in_order(found, query, columns, "NAME"), lambda client: client_document(workspace, client)
    )


def get_client(request: Request) -> Response:
    """Answer ``GET W/clients/{id}`` (Clockify OpenAPI)."""
    return Response(200, client_document(request.workspace, path_client(request)))


def get_tag(request: Request) -> Response:
    """Answer ``GET W/tags/{id}`` (Clockify OpenAPI)."""
    return Response(200, tag_document(request.workspace, path_tag(request)))


def get_task(request: Request) -> Response:
    """Answer ``GET W/projects/{projectId}/tasks/{taskId}`` (Clockify OpenAPI)."""
    _, task = path_task(request)
    return Response(200, task_document(task))


def list_tags(request: Request) -> Response:
    """Answer ``GET W/tags``; without ``archived`` it shows archived ones too (observed 2026-08-09)."""
    query, workspace = request.query, request.workspace
    name, strict = query.text("name"), query.flag("strict-name-search") or False
    archived, excluded = query.flag("archived"), frozenset(query.many("excluded-ids"))
    found = [
        tag
        for tag in workspace.tags.values()
        if contains(tag.name, name, strict=strict)
        and tag.id not in excluded
        and (archived is None or tag.archived is archived)
    ]
    return request.page(_by_name(found, query), lambda tag: tag_document(workspace, tag))


def list_tasks(request: Request) -> Response:
    """
    Answer ``GET W/projects/{projectId}/tasks`` (Clockify OpenAPI).

    Without ``is-active`` it shows done ones too; that is assumed from the other lists.
    """
    query, project = request.query, path_project(request)
    name, strict = query.text("name"), query.flag("strict-name-search") or False
    active = query.flag("is-active")
    found = [
        task
        for task in request.workspace.tasks.values()
        if task.project_id == project.id
        and contains(task.name, name, strict=strict)
        and (active is None or (task.status == "ACTIVE") is active)
    ]
    return request.page(_by_name(found, query), task_document)


def list_user_groups(request: Request) -> Response:
    """Answer ``GET W/user-groups``; managers only when ``includeTeamManagers`` asks for them (Clockify OpenAPI)."""
    query, workspace = request.query, request.workspace
    name, project_id = query.text("name"), query.text("project-id")
    managers = query.flag("includeTeamManagers") or False
    found = list(workspace.user_groups.values())
    if project_id is not None:
        project = workspace.projects.get(project_id)
        wanted = project.group_ids if project else ()
        found = [group for group in found if group.id in wanted]
    found = [group for group in found if contains(group.name, name)]
    return request.page(
        _by_name(found, query), lambda group: group_document(workspace, group, managers=managers)
    )


def list_custom_fields(request: Request) -> Response:
    """
    Answer ``GET W/custom-fields``: the whole list each time.

    Page parameters are ignored and there is no ``Last-Page`` (observed 2026-08-07). The Free plan has none.
    """
    require_paid(request, "CUSTOM_FIELDS")
    fields = [
        field
        for field in request.workspace.custom_fields.values()
        if contains(field.name, request.query.text("name")) and _fits(request.query, field, field.status)
    ]
    return Response(200, [custom_field_document(request.workspace, field) for field in fields])


def list_project_custom_fields(request: Request) -> Response:
    """Answer ``GET W/projects/{projectId}/custom-fields``, unpaged too (observed 2026-08-07)."""
    require_paid(request, "CUSTOM_FIELDS")
    project = path_project(request)
    found = []
    for field in request.workspace.custom_fields.values():
        own = {project_id: status for project_id, status, _ in field.project_defaults}
        if field.entity_type == "TIMEENTRY" and _fits(
            request.query, field, own.get(project.id, field.status)
        ):
            found.append(custom_field_document(request.workspace, field))
    return Response(200, found)


def list_webhooks(request: Request) -> Response:
    """
    Answer ``GET W/webhooks``, unpaged; closed to add-ons (observed 2026-08).

    ``type=SYSTEM`` is a 500 each time (observed 2026-08).
    """
    require(allowed=not request.caller.addon)
    kind = request.query.choice("type", ("USER_CREATED", "SYSTEM", "ADDON", ""), "")
    if kind == "SYSTEM":
        raise ApiError(500, 500, "Internal server error")
    found = [hook for hook in request.workspace.webhooks.values() if kind in ("", hook.type)]
    rows = [webhook_document(request.workspace, hook) for hook in found]
    return Response(200, {"workspaceWebhookCount": len(request.workspace.webhooks), "webhooks": rows})


def get_webhook(request: Request) -> Response:
    """Answer ``GET W/webhooks/{webhookId}``; a missing one is a 400/501 (observed 2026-08-08)."""
    require(allowed=not request.caller.addon)
    hook = request.workspace.webhooks.get(request.path["webhookId"])
    if hook is None:
        raise domain_error("Webhook doesn't belong to Workspace")
    return Response(200, webhook_document(request.workspace, hook))


def filter_users(request: Request) -> Response:
    """Answer ``POST W/users/info``: the users list with its filters in the body (Clockify OpenAPI)."""
    body = request.json_object(_USERS_INFO)
    workspace = request.workspace
    choice(body, "status", ("PENDING", "ACTIVE", "DECLINED", "INACTIVE", "ALL"), "ALL")
    kind = choice(body, "memberships", ("ALL", "NONE", "WORKSPACE", "PROJECT", "USERGROUP"), "NONE")
    choice(body, "sortColumn", USER_COLUMNS, "EMAIL")
    choice(body, "sortOrder", SORT_ORDERS, "ASCENDING")
    roles = {_ROLES[choice({"roles": role}, "roles", _ROLES, "")] for role in body.get("roles") or ()}
    groups = frozenset(body.get("userGroups") or ())
    members = {
        user_id
        for group in workspace.user_groups.values()
        if group.id in groups
        for user_id in group.user_ids
    }
    found = [
        user
        for user in select_users(request, Query(_as_query(body)))
        if (not roles or user.role in roles) and (not groups or user.id in members)
    ]
    with_roles = flag(body, "includeRoles") or False
    return Response(
        200, [user_row(request, user, kind, with_roles) for user in body_page(request, body, found)]
    )


def list_managers(request: Request) -> Response:
    """Answer ``GET W/users/{userId}/managers``: the team managers of the user's groups (Clockify OpenAPI)."""
    workspace, user = request.workspace, path_user(request)
    ids = {
        manager_id
        for group in workspace.user_groups.values()
        if user.id in group.user_ids
        for manager_id in group.manager_ids
    }
    found = [workspace.users[manager_id] for manager_id in ids]
    return request.page(
        in_order(found, request.query, USER_COLUMNS, "EMAIL"),
        lambda manager: user_document(workspace, manager),
    )


def get_member_profile(request: Request) -> Response:
    """Answer ``GET W/member-profile/{userId}``: week start, working days, capacity (Clockify OpenAPI)."""
    user, workspace = path_user(request), request.workspace
    return Response(
        200,
        {
            "name": user.name,
            "email": user.email,
            "imageUrl": "https://img.clockify.me/no-user-image.png",
            "hasPassword": True,
            "hasPendingApprovalRequest": any(
                approval.owner_id == user.id and approval.state == "PENDING"
                for approval in request.workspace.approval_requests.values()
            ),
            "weekStart": "MONDAY",
            "workCapacity": "PT8H",
            "workingDays": ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"],
            "workspaceNumber": 1,
            "userCustomFieldValues": [
                {
                    "customFieldId": row["customFieldId"],
                    "customField": custom_field_document(
                        workspace, workspace.custom_fields[row["customFieldId"]]
                    ),
                    "name": row["customFieldName"],
                    "sourceType": "USER",
                    "type": row["customFieldType"],
                    "userId": user.id,
                    "value": row["value"],
                }
                for row in user_fields(workspace, user)
            ],
        },
    )


def _by_name(found: list[Any], query: Query) -> list[Any]:
    return in_order(
        found, query, {"ID": lambda item: item.id, "NAME": lambda item: item.name.lower()}, "NAME"
    )


def _fits(query: Query, field: CustomField, status: str) -> bool:
    wanted, kind = query.choice("status", _FIELD_STATUS, ""), query.text("entity-type")
    return wanted in ("", status) and kind in (None, field.entity_type)


def _as_query(body: Mapping[str, Any]) -> dict[str, list[str]]:
    names = {
        "accountStatuses": "account-statuses",
        "email": "email",
        "name": "name",
        "projectId": "project-id",
        "sortColumn": "sort-column",
        "sortOrder": "sort-order",
        "status": "status",
    }
    given = {query: body[name] for name, query in names.items() if body.get(name) is not None}
    return {
        name: [str(item) for item in value] if isinstance(value, list) else [str(value)]
        for name, value in given.items()
    }


_USERS_INFO = frozenset(
    {
        "accountStatuses",
        "email",
        "includeRoles",
        "memberships",
        "name",
        "page",
        "pageSize",
        "projectId",
        "roles",
        "sortColumn",
        "sortOrder",
        "status",
        "userGroups",
    }
)

ROUTES = (
    Route("core", "GET", f"{W}/clients", list_clients, PAGING | SORTING | {"archived", "name"}),
    Route("core", "GET", f"{W}/clients/{{id}}", get_client),
    Route("core", "GET", f"{W}/tags/{{id}}", get_tag),
    Route("core", "GET", f"{W}/projects/{{projectId}}/tasks/{{taskId}}", get_task),
    Route(
        "core",
        "GET",
        f"{W}/tags",
        list_tags,
        PAGING | SORTING | {"archived", "excluded-ids", "name", "strict-name-search"},
    ),
    Route(
        "core",
        "GET",
        f"{W}/projects/{{projectId}}/tasks",
        list_tasks,
        PAGING | SORTING | {"is-active", "name", "strict-name-search"},
    ),
    Route(
        "core",
        "GET",
        f"{W}/user-groups",
        list_user_groups,
        PAGING | SORTING | {"includeTeamManagers", "name", "project-id"},
    ),
    Route(
        "core", "GET", f"{W}/custom-fields", list_custom_fields, frozenset({"entity-type", "name", "status"})
    ),
    Route(
        "core",
        "GET",
        f"{W}/projects/{{projectId}}/custom-fields",
        list_project_custom_fields,
        frozenset({"entity-type", "status"}),
    ),
    Route("core", "GET", f"{W}/webhooks", list_webhooks, frozenset({"type"})),
    Route("core", "GET", f"{W}/webhooks/{{webhookId}}", get_webhook),
    Route("core", "POST", f"{W}/users/info", filter_users),
    Route("core", "GET", f"{W}/users/{{userId}}/managers", list_managers, PAGING | SORTING),
    Route("core", "GET", f"{W}/member-profile/{{userId}}", get_member_profile),
)
