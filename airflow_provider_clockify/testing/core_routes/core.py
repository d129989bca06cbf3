# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Answer requests to the core service: the key's user, workspaces, users and projects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.testing.answers.documents import (
    membership_documents,
    project_document,
    user_document,
    workspace_document,
)
from airflow_provider_clockify.testing.core_routes.common import (
    PAGING,
    SORTING,
    W,
    is_visible,
    path_project,
    require,
)
from airflow_provider_clockify.testing.exchange import (
    Query,
    Request,
    Response,
    Route,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from airflow_provider_clockify.testing.workspace.kinds import Client, Project, User

SORT_ORDERS = ("ASCENDING", "DESCENDING")
_DEFAULT_ACCOUNTS = ("ACTIVE", "PENDING_EMAIL_VERIFICATION", "NOT_REGISTERED")
_MEMBERSHIP_STATUS = ("PENDING", "ACTIVE", "DECLINED", "INACTIVE", "ALL")
USER_COLUMNS: Mapping[str, Callable[[User], Any]] = {
    "ID": lambda user: user.id,
    "EMAIL": lambda user: user.email,
    "NAME": lambda user: user.name or "",
    "NAME_LOWERCASE": lambda user: (user.name or "").lower(),
    "ACCESS": lambda user: user.role,
    "HOURLYRATE": lambda user: user.hourly_rate or 0,
    "COSTRATE": lambda user: user.cost_rate or 0,
}
_ROLE_NAMES = {"WORKSPACE_ADMIN": "ADMIN", "OWNER": "OWNER", "TEAM_MANAGER": "", "PROJECT_MANAGER": ""}


def get_user(request: Request) -> Response:
    """Answer ``GET /user``: whom the key belongs to, with the profile zone in ``settings.timeZone``."""
    user = request.caller.user
    document = user_document(request.workspace, user)
    if request.query.flag("include-memberships"):
        document["memberships"] = membership_documents(request.workspace, user, "ALL")
    return Response(200, document)


def list_workspaces(request: Request) -> Response:
    """Answer ``GET /workspaces``: all of the key's user, unpaged; closed to add-ons (observed 2026-08)."""
    require(allowed=not request.caller.addon)
    wanted = request.query.many("roles")
    for name in wanted:
        request.query.choice("roles", _ROLE_NAMES, name)
    roles = {_ROLE_NAMES[name] for name in wanted if name in _ROLE_NAMES}
    user_id = request.caller.user.id
    return Response(
        200,
        [
            workspace_document(workspace)
            for workspace in request.workspaces
            if user_id in workspace.users
            and workspace.users[user_id].membership_status == "ACTIVE"
            and (not wanted or workspace.users[user_id].role in roles)
        ],
    )


def get_workspace(request: Request) -> Response:
    """Answer ``GET /workspaces/{workspaceId}``."""
    return Response(200, workspace_document(request.workspace))


def list_users(request: Request) -> Response:
    """
    Answer ``GET W/users``.

    LIMITED and deleted accounts are left out unless ``account-statuses`` asks for them, and memberships are
    empty unless ``memberships`` does (Clockify OpenAPI).
    """
    query = request.query
    kind = query.choice("memberships", ("ALL", "NONE", "WORKSPACE", "PROJECT", "USERGROUP"), "NONE")
    roles = query.flag("include-roles") or False
    return request.page(select_users(request, query), lambda user: user_row(request, user, kind, roles))


def select_users(request: Request, query: Query) -> list[User]:
    """Return the users that pass the filters of the users list, in its order."""
    workspace = request.workspace
    status = query.choice("status", _MEMBERSHIP_STATUS, "ALL")
    accounts = query.many("account-statuses") or _DEFAULT_ACCOUNTS
    email, name, project_id = query.text("email"), query.text("name"), query.text("project-id")
    people: Iterable[User] = [
        user
        for user in workspace.users.values()
        if user.account_status in accounts
        and (status == "ALL" or user.membership_status == status)
        and contains(user.email, email)
        and contains(user.name, name)
        and (project_id is None or _has_access(workspace.projects.get(project_id), user))
    ]
    return in_order(people, query, USER_COLUMNS, "EMAIL")


def user_row(request: Request, user: User, memberships: str, roles: bool) -> dict[str, Any]:
    """Return a row of the users list."""
    document = user_document(request.workspace, user)
    document["memberships"] = membership_documents(request.workspace, user, memberships)
    if roles:
        document["roles"] = [] if user.role == "USER" else [{"role": user.role}]
    return document


def list_projects(request: Request) -> Response:
    """Answer ``GET W/projects``; without ``archived`` it shows archived ones too (observed 2026-08-09)."""
    query, workspace = request.query, request.workspace
    tests = list(_project_tests(request))
    found = [project for project in workspace.projects.values() if all(test(project) for test in tests)]
    hydrated = query.flag("hydrated") or False
    seconds = _tracked_seconds(request)
    columns: Mapping[str, Callable[[Project], Any]] = {
        "ID": lambda project: project.id,
        "NAME": lambda project: project.name.lower(),
        "CLIENT_NAME": lambda project: _client_name(request, project),
        "DURATION": lambda project: seconds.get(project.id, 0),
        "BUDGET": lambda project: 0,
        "PROGRESS": lambda project: 0,
    }
    return request.page(
        in_order(found, query, columns, "NAME"),
        lambda project: project_document(
            workspace, project, seconds=seconds.get(project.id, 0), hydrated=hydrated
        ),
    )


def get_project(request: Request) -> Response:
    """Answer ``GET W/projects/{projectId}``; a missing one is a 400/501 and no 404 (observed 2026-08-08)."""
    project = path_project(request)
    seconds = _tracked_seconds(request).get(project.id, 0)
    hydrated = request.query.flag("hydrated") or False
    return Response(200, project_document(request.workspace, project, seconds=seconds, hydrated=hydrated))


def contains(value: str | None, wanted: str | None, *, strict: bool = False) -> bool:
    """Tell whether a name contains (strict: is) the wanted text, ignoring case; no wanted text fits all."""
    if wanted is None:
        return True
    if strict:
        return value == wanted
    return wanted.casefold() in (value or "").casefold()


def in_order(
    items: Iterable[Any], query: Query, columns: Mapping[str, Callable[[Any], Any]], default: str
) -> list[Any]:
    """Sort the items of a list as ``sort-column`` and ``sort-order`` say; ids break ties."""
    key = columns[query.choice("sort-column", tuple(columns), default)]
    descending = query.choice("sort-order", SORT_ORDERS, "ASCENDING") == "DESCENDING"
    return sorted(items, key=lambda item: (key(item), item.id), reverse=descending)


def _has_access(project: Project | None, user: User) -> bool:
    return project is not None and (project.public or user.id in project.member_ids)


def _client_name(request: Request, project: Project) -> str:
    client = request.workspace.clients.get(project.client_id or "")
    return client.name.lower() if client else ""


def _tracked_seconds(request: Request) -> Mapping[str, int]:
    return request.rows.seconds_by_project()


def _project_tests(request: Request) -> Iterable[Callable[[Project], bool]]:
    query, workspace = request.query, request.workspace
    yield lambda project: is_visible(request, project)
    name, strict = query.text("name"), query.flag("strict-name-search") or False
    yield lambda project: contains(project.name, name, strict=strict)
    flags: Sequence[tuple[str, Callable[[Project], bool]]] = (
        ("archived", lambda project: project.archived),
        ("billable", lambda project: project.billable),
        ("is-template", lambda project: project.template),
    )
    for parameter, value_of in flags:
        wanted = query.flag(parameter)
        # billable=false does not mean "only non-billable" (Clockify OpenAPI names no such use).
        if wanted is not None and not (parameter == "billable" and not wanted):
            yield _is(value_of, wanted)
    access = query.choice("access", ("PUBLIC", "PRIVATE", ""), "")
    if access:
        yield lambda project: project.public is (access == "PUBLIC")
    yield from _client_tests(query, workspace.clients)
    yield from _member_tests(query, workspace.users)
    groups = frozenset(query.many("userGroups"))
    if groups:
        wanted_group = query.flag("contains-group") is not False
        yield lambda project: bool(groups & frozenset(project.group_ids)) is wanted_group


def _is(value_of: Callable[[Project], bool], wanted: bool) -> Callable[[Project], bool]:
    return lambda project: value_of(project) is wanted


def _client_tests(query: Query, clients: Mapping[str, Client]) -> Iterable[Callable[[Project], bool]]:
    status = query.choice("client-status", ("ACTIVE", "ARCHIVED", "ALL"), "ALL")
    if status != "ALL":
        fitting = frozenset(key for key, c in clients.items() if c.archived is (status == "ARCHIVED"))
        yield lambda project: project.client_id in fitting
    ids = frozenset(query.many("clients"))
    if ids:
        wanted = query.flag("contains-client") is not False
        yield lambda project: (project.client_id in ids) is wanted


def _member_tests(query: Query, users: Mapping[str, User]) -> Iterable[Callable[[Project], bool]]:
    status = query.choice("user-status", _MEMBERSHIP_STATUS, "ALL")
    ids = frozenset(query.many("users"))
    if not ids:
        return
    fitting = frozenset(
        key for key in ids if key in users and status in ("ALL", users[key].membership_status)
    )
    wanted = query.flag("contains-user") is not False
    yield lambda project: bool(fitting & frozenset(project.member_ids)) is wanted


ROUTES = (
    Route("core", "GET", "/user", get_user, frozenset({"include-memberships"})),
    Route("core", "GET", "/workspaces", list_workspaces, frozenset({"roles"})),
    Route("core", "GET", W, get_workspace),
    Route(
        "core",
        "GET",
        f"{W}/users",
        list_users,
        PAGING
        | SORTING
        | {"email", "name", "project-id", "status", "account-statuses", "memberships", "include-roles"},
    ),
    Route(
        "core",
        "GET",
        f"{W}/projects",
        list_projects,
        PAGING
        | SORTING
        | {
            "access",
            "archived",
            "billable",
            "client-status",
            "clients",
            "contains-client",
            "contains-group",
            "contains-user",
            "expense-date",
            "expense-limit",
            "hydrated",
            "is-template",
            "name",
            "strict-name-search",
            "user-status",
            "userGroups",
            "users",
        },
    ),
    Route(
        "core",
        "GET",
        f"{W}/projects/{{projectId}}",
        get_project,
        frozenset({"hydrated", "custom-field-entity-type", "expense-limit", "expense-date"}),
    ),
)
