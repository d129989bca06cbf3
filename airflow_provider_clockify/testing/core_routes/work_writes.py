# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Create, change and delete clients, projects, tasks and tags for clients of the core service.

Lengths, required fields and defaults are those of the Clockify OpenAPI. That no two things have the same name is a rule
of the web app; the words of that refusal are ours.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.testing.answers.business_documents import client_document
from airflow_provider_clockify.testing.answers.documents import (
    currency_id,
    tag_document,
    task_document,
    written_project,
)
from airflow_provider_clockify.testing.core_routes.common import (
    W,
    path_client,
    path_project,
    path_tag,
    path_task,
    require,
)
from airflow_provider_clockify.testing.exchange import (
    Request,
    Response,
    Route,
    choice,
    domain_error,
    flag,
    integer,
    unreadable_body,
)
from airflow_provider_clockify.testing.workspace.times import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_clockify.testing.workspace.kinds import Client, Project, Task

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_NEW_CLIENT = frozenset({"address", "ccEmails", "currencyId", "email", "name", "note"})
_CLIENT = _NEW_CLIENT | {"archived"}
_TAG = frozenset({"archived", "name"})
_TASK = frozenset(
    {
        "assigneeId",
        "assigneeIds",
        "billable",
        "budgetEstimate",
        "costRate",
        "estimate",
        "hourlyRate",
        "id",
        "name",
        "projectId",
        "status",
        "userGroupIds",
    }
)
_CHANGED_PROJECT = frozenset(
    {"archived", "billable", "clientId", "color", "costRate", "hourlyRate", "isPublic", "name", "note"}
)
_PROJECT = (_CHANGED_PROJECT - {"archived"}) | {"estimate", "memberships", "tasks"}


# --- clients ----------------------------------------------------------------------------------------------------------


def create_client(request: Request) -> Response:
    """Answer ``POST W/clients`` with 201."""
    _may(request, only_admins=request.workspace.settings.only_admins_create_projects)
    body = request.json_object(_NEW_CLIENT)
    fields = _client_fields(request, body)
    _is_free_name(request.workspace.clients.values(), fields["name"], "Client")
    client = request.workspace.add_client(at=request.behaviour.now(), **fields)
    return Response(201, client_document(request.workspace, client))


def update_client(request: Request) -> Response:
    """
    Answer ``PUT W/clients/{id}``: what the body leaves out is cleared (observed 2026-08), the name excepted.

    ``archive-projects`` and ``mark-tasks-as-done`` go with a client that is archived.
    """
    client, workspace, at = path_client(request), request.workspace, request.behaviour.now()
    _may(request, only_admins=workspace.settings.only_admins_create_projects)
    body = {"name": client.name} | request.json_object(_CLIENT)
    fields = _client_fields(request, body) | {"archived": flag(body, "archived") or False}
    _is_free_name(
        (other for other in workspace.clients.values() if other is not client), body["name"], "Client"
    )
    fields.setdefault("currency", client.currency)
    workspace.change(client, at=at, **fields)
    if client.archived:
        projects = [project for project in workspace.projects.values() if project.client_id == client.id]
        for project in projects if request.query.flag("archive-projects") else ():
            workspace.change(project, at=at, archived=True)
        ids = {project.id for project in projects}
        for task in workspace.tasks.values() if request.query.flag("mark-tasks-as-done") else ():
            if task.project_id in ids:
                workspace.change(task, at=at, status="DONE")
    return Response(200, _written(request, client))


def delete_client(request: Request) -> Response:
    """Answer ``DELETE W/clients/{id}``: only archived ones, as of projects; that this holds for both is assumed."""
    client = path_client(request)
    _may(request, only_admins=True)
    if not client.archived:
        raise domain_error("Cannot delete an active client")
    answer = _written(request, client)
    request.workspace.delete(client, at=request.behaviour.now())
    return Response(200, answer)


def _written(request: Request, client: Client) -> dict[str, Any]:
    """Return a client as changes answer it: without the code of its currency (Clockify OpenAPI)."""
    document = client_document(request.workspace, client)
    del document["currencyCode"]
    return document


def _client_fields(request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    emails = _texts(body, "ccEmails")
    if emails is not None and len(emails) > 3:
        raise domain_error("ccEmails must have at most 3 items")
    fields: dict[str, Any] = {
        "name": _name(body, 100),
        "email": _text(body, "email", 320) or None,
        "address": _text(body, "address", 3000) or None,
        "note": _text(body, "note", 3000) or None,
        "cc_emails": None if emails is None else tuple(emails),
    }
    if body.get("currencyId"):
        workspace = request.workspace
        codes = {workspace.currency, *(client.currency for client in workspace.clients.values())}
        known = {currency_id(workspace, code): code for code in codes}
        if body["currencyId"] not in known:
            raise domain_error("Currency doesn't belong to Workspace")
        fields["currency"] = known[body["currencyId"]]
    return fields


# --- tags -------------------------------------------------------------------------------------------------------------


def create_tag(request: Request) -> Response:
    """Answer ``POST W/tags`` with 201."""
    _may(request, only_admins=request.workspace.settings.only_admins_create_tags)
    name = _name(request.json_object({"name"}), 100)
    _is_free_name(request.workspace.tags.values(), name, "Tag")
    tag = request.workspace.add_tag(name, at=request.behaviour.now())
    return Response(201, tag_document(request.workspace, tag))


def update_tag(request: Request) -> Response:
    """Answer ``PUT W/tags/{id}``: without ``archived`` a tag is active again (observed 2026-08)."""
    tag, workspace = path_tag(request), request.workspace
    _may(request, only_admins=workspace.settings.only_admins_create_tags)
    body = {"name": tag.name} | request.json_object(_TAG)
    name = _name(body, 100)
    _is_free_name((other for other in workspace.tags.values() if other is not tag), name, "Tag")
    workspace.change(tag, at=request.behaviour.now(), name=name, archived=flag(body, "archived") or False)
    return Response(200, tag_document(workspace, tag))


def delete_tag(request: Request) -> Response:
    """Answer ``DELETE W/tags/{id}``."""
    tag = path_tag(request)
    _may(request, only_admins=True)
    answer = tag_document(request.workspace, tag)
    request.workspace.delete(tag, at=request.behaviour.now())
    return Response(200, answer)


# --- projects ---------------------------------------------------------------------------------------------------------


def create_project(request: Request) -> Response:
    """Answer ``POST W/projects`` with 201; its tasks are made with it."""
    workspace, at = request.workspace, request.behaviour.now()
    _may(request, only_admins=workspace.settings.only_admins_create_projects)
    body = request.json_object(_PROJECT)
    fields = {"billable": False, "public": False} | _project_fields(request, body)
    fields["member_ids"] = tuple(_members(request, body))
    tasks = [_task_fields(request, given) for given in body.get("tasks") or ()]
    _is_free_name(_of_client(request, fields.get("client_id")), fields["name"], "Project")
    project = workspace.add_project(at=at, **fields)
    for task in tasks:
        workspace.add_task(project.id, at=at, **task)
    return _project_answer(request, project, 201)


def update_project(request: Request) -> Response:
    """
    Answer ``PUT W/projects/{projectId}``.

    What the body leaves out stays as it is: public scripts archive a project with nothing but ``archived``.
    """
    project, workspace = path_project(request), request.workspace
    _may(request, only_admins=workspace.settings.only_admins_create_projects)
    body = request.json_object(_CHANGED_PROJECT)
    fields = _project_fields(request, {"name": project.name} | body)
    others = _of_client(request, fields.get("client_id", project.client_id))
    _is_free_name((other for other in others if other is not project), fields["name"], "Project")
    if (archived := flag(body, "archived")) is not None:
        fields["archived"] = archived
    workspace.change(project, at=request.behaviour.now(), **fields)
    return _project_answer(request, project, 200)


def delete_project(request: Request) -> Response:
    """Answer ``DELETE W/projects/{projectId}``: only archived ones (the refusal was observed 2026-08-08)."""
    project = path_project(request)
    _may(request, only_admins=True)
    if not project.archived:
        raise domain_error("Cannot delete an active project")
    answer = _project_answer(request, project, 200)
    request.workspace.delete(project, at=request.behaviour.now())
    return answer


def change_template(request: Request) -> Response:
    """Answer ``PATCH W/projects/{projectId}/template``."""
    project = path_project(request)
    _may(request, only_admins=True)
    template = flag(request.json_object({"isTemplate"}), "isTemplate") or False
    request.workspace.change(project, at=request.behaviour.now(), template=template)
    return _project_answer(request, project, 200)


def change_members(request: Request) -> Response:
    """Answer ``POST W/projects/{projectId}/memberships``: adds people and groups, or removes them."""
    project = path_project(request)
    _may(request, only_admins=True)
    body = request.json_object({"remove", "userGroups", "userIds"})
    people = _known(_texts(body, "userIds"), request.workspace.users, "User")
    groups = _known(_texts(body.get("userGroups") or {}, "ids"), request.workspace.user_groups, "User group")
    if flag(body, "remove"):
        members = tuple(key for key in project.member_ids if key not in people)
        teams = tuple(key for key in project.group_ids if key not in groups)
    else:
        members = tuple(dict.fromkeys((*project.member_ids, *people)))
        teams = tuple(dict.fromkeys((*project.group_ids, *groups)))
    request.workspace.change(project, at=request.behaviour.now(), member_ids=members, group_ids=teams)
    return _project_answer(request, project, 200)


def replace_members(request: Request) -> Response:
    """Answer ``PATCH W/projects/{projectId}/memberships``: whoever is not in the body is no member any more."""
    project = path_project(request)
    _may(request, only_admins=True)
    body = request.json_object({"memberships", "userGroups"})
    if not isinstance(body.get("memberships"), list):
        raise domain_error("memberships must not be null")
    request.workspace.change(project, at=request.behaviour.now(), member_ids=tuple(_members(request, body)))
    return _project_answer(request, project, 200)


def _members(request: Request, body: Mapping[str, Any]) -> list[str]:
    given = body.get("memberships") or []
    ids = [each.get("userId") if isinstance(each, dict) else None for each in given]
    return _known(ids, request.workspace.users, "User")


def _project_answer(request: Request, project: Project, status: int) -> Response:
    seconds = request.rows.seconds_by_project().get(project.id, 0)
    return Response(status, written_project(request.workspace, project, seconds=seconds))


def _of_client(request: Request, client_id: str | None) -> Iterable[Project]:
    return (project for project in request.workspace.projects.values() if project.client_id == client_id)


def _project_fields(request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": _name(body, 250, least=2)}
    if "clientId" in body:
        fields["client_id"] = body["clientId"] or None
        _known([fields["client_id"]] if fields["client_id"] else [], request.workspace.clients, "Client")
    if body.get("color") is not None:
        if not _COLOR.fullmatch(str(body["color"])):
            raise domain_error("color must be a # and six hexadecimal digits")
        fields["color"] = body["color"]
    if body.get("note") is not None:
        fields["note"] = _text(body, "note", 16_384)
    for theirs, ours in (("billable", "billable"), ("isPublic", "public"), ("public", "public")):
        if (value := flag(body, theirs)) is not None:
            fields[ours] = value
    for theirs, ours in (("hourlyRate", "hourly_rate"), ("costRate", "cost_rate")):
        if body.get(theirs) is not None:
            fields[ours] = _rate(body, theirs)
    return fields


# --- tasks ------------------------------------------------------------------------------------------------------------


def create_task(request: Request) -> Response:
    """Answer ``POST W/projects/{projectId}/tasks`` with 201."""
    project, workspace = path_project(request), request.workspace
    _may(request, only_admins=workspace.settings.only_admins_create_tasks)
    fields = _task_fields(request, request.json_object(_TASK))
    _is_free_name(_tasks_of(request, project), fields["name"], "Task")
    task = workspace.add_task(project.id, at=request.behaviour.now(), **fields)
    return Response(201, task_document(task))


def update_task(request: Request) -> Response:
    """Answer ``PUT W/projects/{projectId}/tasks/{taskId}``: what the body leaves out is cleared, as of other things."""
    project, task = path_task(request)
    _may(request, only_admins=request.workspace.settings.only_admins_create_tasks)
    fields = _task_fields(request, request.json_object(_TASK))
    _is_free_name(
        (other for other in _tasks_of(request, project) if other is not task), fields["name"], "Task"
    )
    request.workspace.change(task, at=request.behaviour.now(), **fields)
    return Response(200, task_document(task))


def delete_task(request: Request) -> Response:
    """Answer ``DELETE W/projects/{projectId}/tasks/{taskId}``."""
    _, task = path_task(request)
    _may(request, only_admins=request.workspace.settings.only_admins_create_tasks)
    answer = task_document(task)
    request.workspace.delete(task, at=request.behaviour.now())
    return Response(200, answer)


def _tasks_of(request: Request, project: Project) -> Iterable[Task]:
    return (task for task in request.workspace.tasks.values() if task.project_id == project.id)


def _task_fields(request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    assignees = _texts(body, "assigneeIds") or ([body["assigneeId"]] if body.get("assigneeId") else [])
    estimate = body.get("estimate")
    try:
        seconds = None if estimate is None else parse_duration(str(estimate))
    except ValueError as error:
        raise unreadable_body(f"estimate: {error}") from None
    return {
        "name": _name(body, 1000),
        "status": choice(body, "status", ("ACTIVE", "DONE"), "ACTIVE"),
        "billable": flag(body, "billable") or False,
        "assignee_ids": tuple(_known(assignees, request.workspace.users, "User")),
        "group_ids": tuple(_known(_texts(body, "userGroupIds"), request.workspace.user_groups, "User group")),
        "estimate_seconds": seconds,
    }


# --- what they share --------------------------------------------------------------------------------------------------


def _may(request: Request, *, only_admins: bool) -> None:
    require(allowed=not only_admins or request.caller.is_admin)


def _is_free_name(others: Iterable[Any], name: str, kind: str) -> None:
    if any(other.name.casefold() == name.casefold() for other in others):
        raise domain_error(f"{kind} with name '{name}' already exists")


def _name(body: Mapping[str, Any], most: int, *, least: int = 1) -> str:
    name = _text(body, "name", most).strip()
    if len(name) < least:
        raise domain_error(f"name must have between {least} and {most} characters")
    return name


def _text(body: Mapping[str, Any], name: str, most: int) -> str:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise unreadable_body(f"{name}: {value!r} is not a text")
    if value is not None and len(value) > most:
        raise domain_error(f"{name} must have at most {most} characters")
    return value or ""


def _texts(body: Mapping[str, Any], name: str) -> list[str] | None:
    value = body.get(name)
    if value is not None and not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
        raise unreadable_body(f"{name}: an array of texts is expected")
    return value


def _known(ids: Iterable[str | None] | None, table: Mapping[str, Any], kind: str) -> list[str]:
    found = []
    for key in ids or ():
        if key not in table:
            raise domain_error(f"{kind} doesn't belong to Workspace")
        found.append(str(key))
    return found


def _rate(body: Mapping[str, Any], name: str) -> int:
    given = body[name]
    amount = integer(given, "amount", 0) if isinstance(given, dict) else -1
    if amount < 0:
        raise unreadable_body(f"{name}: an object with an amount is expected")
    return amount


_ONE_TASK = f"{W}/projects/{{projectId}}/tasks/{{taskId}}"

ROUTES = (
    Route("core", "POST", f"{W}/clients", create_client),
    Route(
        "core",
        "PUT",
        f"{W}/clients/{{id}}",
        update_client,
        frozenset({"archive-projects", "mark-tasks-as-done"}),
    ),
    Route("core", "DELETE", f"{W}/clients/{{id}}", delete_client),
    Route("core", "POST", f"{W}/tags", create_tag),
    Route("core", "PUT", f"{W}/tags/{{id}}", update_tag),
    Route("core", "DELETE", f"{W}/tags/{{id}}", delete_tag),
    Route("core", "POST", f"{W}/projects", create_project),
    Route("core", "PUT", f"{W}/projects/{{projectId}}", update_project),
    Route("core", "DELETE", f"{W}/projects/{{projectId}}", delete_project),
    Route("core", "PATCH", f"{W}/projects/{{projectId}}/template", change_template),
    Route("core", "POST", f"{W}/projects/{{projectId}}/memberships", change_members),
    Route("core", "PATCH", f"{W}/projects/{{projectId}}/memberships", replace_members),
    Route(
        "core",
        "POST",
        f"{W}/projects/{{projectId}}/tasks",
        create_task,
        frozenset({"contains-assignee"}),
    ),
    Route("core", "PUT", _ONE_TASK, update_task, frozenset({"contains-assignee", "membership-status"})),
    Route("core", "DELETE", _ONE_TASK, delete_task),
)
