# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Answer requests to the core service about time entries."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.testing.answers.documents import entry_document, written_entry
from airflow_provider_clockify.testing.core_routes.common import (
    PAGING,
    W,
    is_own,
    path_user,
    require,
    required,
    sees,
)
from airflow_provider_clockify.testing.exchange import (
    ApiError,
    Request,
    Response,
    Route,
    conversion_error,
    domain_error,
    flag,
    unreadable_body,
)
from airflow_provider_clockify.testing.workspace.times import (
    from_epoch,
    load_zone,
    parse_instant,
    wall_clock_in_zone,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_clockify.testing.workspace.kinds import TimeEntry, User

_MAX_DESCRIPTION = 3_000
_NEW_ENTRY_FIELDS = frozenset(
    {
        "billable",
        "customAttributes",
        "customFields",
        "description",
        "end",
        "projectId",
        "start",
        "tagIds",
        "taskId",
        "type",
    }
)


def list_user_entries(request: Request) -> Response:
    """
    Answer ``GET W/user/{userId}/time-entries``, newest start first.

    The instant given as bound is read again as wall clock in the profile zone of the caller, so a UTC window
    is shifted by that zone's offset (observed 2026-08-08). Both bounds are inclusive.
    """
    user = path_user(request)
    if not sees(request, user.id):
        return request.page([], lambda entry: entry)
    tests = list(_tests(request))
    first, last = _bound(request, "start", -(2**40)), _bound(request, "end", 2**40)
    found = [
        entry
        for entry in request.workspace.entries_between(first, last)
        if entry.user_id == user.id and all(test(entry) for test in tests)
    ]
    found.reverse()
    hydrated = request.query.flag("hydrated") or False
    return request.page(found, lambda entry: entry_document(request.workspace, entry, hydrated=hydrated))


def get_entry(request: Request) -> Response:
    """Answer ``GET W/time-entries/{id}``; a missing one is a 400/501 and no 404 (observed 2026-08-08)."""
    entry = request.workspace.entries.get(request.path["id"])
    if entry is None or not sees(request, entry.user_id):
        raise domain_error("Time entry doesn't belong to Workspace")
    hydrated = request.query.flag("hydrated") or False
    return Response(200, entry_document(request.workspace, entry, hydrated=hydrated))


def list_running_entries(request: Request) -> Response:
    """Answer ``GET W/time-entries/status/in-progress``; pages have 10 rows by default (Clockify OpenAPI)."""
    found = [entry for entry in request.workspace.running_timers() if sees(request, entry.user_id)]
    found.reverse()
    return request.page(found, lambda entry: entry_document(request.workspace, entry), size=10, maximum=1000)


def create_own_entry(request: Request) -> Response:
    """Answer ``POST W/time-entries``: a new entry of the caller."""
    return _create(request, request.caller.user)


def create_entry_for(request: Request) -> Response:
    """Answer ``POST W/user/{userId}/time-entries``: for others only by administrators on paid plans."""
    user = path_user(request)
    foreign = user.id != request.caller.user.id
    require(allowed=not foreign or (request.caller.is_admin and request.workspace.plan != "FREE"))
    return _create(request, user)


def read_entries(request: Request) -> Response:
    """
    Answer ``POST W/time-entries/batch``: the entries with the given ids (observed 2026-08-05).

    Ids that do not exist are left out; what the service does with them was not recorded.
    """
    body = request.json_object({"timeEntryIds", "hydrated"})
    ids = body.get("timeEntryIds")
    if not isinstance(ids, list) or not ids:
        raise domain_error("timeEntryIds must not be empty")
    hydrated = flag(body, "hydrated") or False
    known = [request.workspace.entries.get(str(entry_id)) for entry_id in dict.fromkeys(ids)]
    found = [entry for entry in known if entry is not None and sees(request, entry.user_id)]
    return Response(200, [entry_document(request.workspace, entry, hydrated=hydrated) for entry in found])


def replace_entry(request: Request) -> Response:
    """Answer ``PUT W/time-entries/{id}``: what the body leaves out is cleared (Clockify OpenAPI)."""
    changed = _replace(request, _writable(request), _new_state(request))
    return Response(200, written_entry(request.workspace, changed))


def _replace(request: Request, entry: TimeEntry, state: tuple[int, int | None, dict[str, Any]]) -> TimeEntry:
    workspace = request.workspace
    start, end, fields = state
    running = workspace.running_timer(entry.user_id)
    if end is None and running is not None and running.id != entry.id:
        raise domain_error("Another time entry is running")
    if fields["project_id"] != entry.project_id:
        user = workspace.users[entry.user_id]
        rates = workspace.rates(user, fields["project_id"])
        fields |= dict(zip(("hourly_rate", "cost_rate", "currency"), rates, strict=True))
    return workspace.update_entry(
        entry.id,
        at=request.behaviour.now(),
        start=from_epoch(start),
        end=None if end is None else from_epoch(end),
        **fields,
    )


def delete_entry(request: Request) -> Response:
    """Answer ``DELETE W/time-entries/{id}`` with 204 (Clockify OpenAPI)."""
    request.workspace.delete_entry(_writable(request).id, at=request.behaviour.now())
    return Response(204)


def duplicate_entry(request: Request) -> Response:
    """Answer ``POST W/user/{userId}/time-entries/{id}/duplicate`` with 201: a copy, also of its times."""
    user, entry = path_user(request), _writable(request)
    if entry.user_id != user.id:
        raise domain_error("Time entry doesn't belong to User")
    copied = (
        "billable",
        "currency",
        "description",
        "hourly_rate",
        "cost_rate",
        "project_id",
        "task_id",
        "type",
    )
    end = entry.end if entry.end is not None else int(request.behaviour.now().timestamp())
    copy = request.workspace.add_entry(
        start=from_epoch(entry.start),
        end=from_epoch(max(end, entry.start)),
        user_id=user.id,
        at=request.behaviour.now(),
        tag_ids=entry.tag_ids,
        custom_values=entry.custom_values,
        **{name: getattr(entry, name) for name in copied},
    )
    return Response(201, written_entry(request.workspace, copy))


def replace_entries(request: Request) -> Response:
    """
    Answer ``PUT W/user/{userId}/time-entries``: each entry of the body is replaced as by ``PUT W/time-entries/{id}``.

    One that cannot be refuses all of them.
    """
    user = path_user(request)
    try:
        given = msgspec.json.decode(request.body, type=list[dict[str, Any]])
    except msgspec.DecodeError as error:
        raise unreadable_body(f"Failed to read request: {error}") from None
    changes = []
    for body in given:
        entry = _writable(request, str(body.get("id")))
        if entry.user_id != user.id:
            raise domain_error("Time entry doesn't belong to User")
        changes.append((entry, _state_of(request, body)))
    changed = [_replace(request, entry, state) for entry, state in changes]
    if request.query.flag("hydrated"):
        return Response(200, [entry_document(request.workspace, each, hydrated=True) for each in changed])
    return Response(200, [written_entry(request.workspace, each) for each in changed])


def delete_entries(request: Request) -> Response:
    """Answer ``DELETE W/user/{userId}/time-entries``: those whose ids are in the query, with 200 and the entries."""
    user = path_user(request)
    required(request, "time-entry-ids")
    found = [_writable(request, entry_id) for entry_id in request.query.many("time-entry-ids")]
    if any(entry.user_id != user.id for entry in found):
        raise domain_error("Time entry doesn't belong to User")
    answer = [written_entry(request.workspace, entry) for entry in found]
    for entry in found:
        request.workspace.delete_entry(entry.id, at=request.behaviour.now())
    return Response(200, answer)


def stop_timer(request: Request) -> Response:
    """Answer ``PATCH W/user/{userId}/time-entries``; without a running timer 404/404 (observed 2026-06)."""
    user = path_user(request)
    require(allowed=is_own(request, user.id))
    end = _moment(request.json_object({"end"}), "end")
    if end is None:
        raise domain_error("end must not be null")
    running = request.workspace.running_timer(user.id)
    if running is None:
        raise ApiError(404, 404, "Currently running time entry doesn't exist on Workspace")
    if end < running.start:
        raise domain_error("Start must be before end")
    entry = request.workspace.stop_timer(user.id, end=from_epoch(end), at=request.behaviour.now())
    return Response(200, written_entry(request.workspace, entry))


def _writable(request: Request, entry_id: str | None = None) -> TimeEntry:
    entry = request.workspace.entries.get(request.path["id"] if entry_id is None else entry_id)
    if entry is None or not sees(request, entry.user_id):
        raise domain_error("Time entry doesn't belong to Workspace")
    require(allowed=is_own(request, entry.user_id))
    if entry.approval_request_id is not None:
        # The web app does not let it be changed either; the words are ours.
        raise domain_error("Time entry is approved and cannot be changed")
    return entry


def _create(request: Request, user: User) -> Response:
    workspace, at = request.workspace, request.behaviour.now()
    start, end, fields = _new_state(request)
    if end is None:
        entry = workspace.start_timer(user.id, start=from_epoch(start), at=at, **fields)
    else:
        entry = workspace.add_entry(
            start=from_epoch(start), end=from_epoch(end), user_id=user.id, at=at, **fields
        )
    return Response(201, written_entry(workspace, entry))


def _new_state(request: Request) -> tuple[int, int | None, dict[str, Any]]:
    """Return start, end and the other fields of the entry that the body describes."""
    return _state_of(request, request.json_object(_NEW_ENTRY_FIELDS))


def _state_of(request: Request, body: dict[str, Any]) -> tuple[int, int | None, dict[str, Any]]:
    start, end = _moment(body, "start"), _moment(body, "end")
    if start is None:
        raise domain_error("start must not be null")
    if end is not None and end < start:
        raise domain_error("Start must be before end")
    description = body.get("description") or ""
    if not isinstance(description, str) or len(description) > _MAX_DESCRIPTION:
        raise domain_error(f"description must have at most {_MAX_DESCRIPTION} characters")
    fields: dict[str, Any] = {
        "description": description,
        "billable": body.get("billable") is True,
        "type": _type(body),
        "project_id": body.get("projectId") or None,
        "task_id": body.get("taskId") or None,
        "tag_ids": body.get("tagIds"),
        # The key of the answer, customFieldValues, is accepted and dropped (observed 2026-08-08).
        "custom_values": _custom_values(request, body.get("customFields") or []),
    }
    _check_references(request, fields)
    _check_required(request, fields)
    return start, end, fields


def _moment(body: dict[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    try:
        return parse_instant(str(value))
    except ValueError as error:
        raise unreadable_body(f"{name}: {error}") from None


def _type(body: dict[str, Any]) -> str:
    value = body.get("type") or "REGULAR"
    if value not in ("REGULAR", "BREAK"):
        raise unreadable_body(f"type: {value!r} is not one of the values accepted: [REGULAR, BREAK]")
    return str(value)


def _custom_values(request: Request, given: Any) -> list[tuple[str, Any]]:
    if not isinstance(given, list) or len(given) > 50:
        raise unreadable_body("customFields: an array of at most 50 objects is expected")
    values = []
    for item in given:
        field_id = item.get("customFieldId") if isinstance(item, dict) else None
        if field_id not in request.workspace.custom_fields:
            raise domain_error("Custom field doesn't belong to Workspace")
        values.append((str(field_id), item.get("value")))
    return values


def _check_references(request: Request, fields: dict[str, Any]) -> None:
    workspace = request.workspace
    project_id, task_id, tag_ids = fields["project_id"], fields["task_id"], fields["tag_ids"]
    if project_id is not None and project_id not in workspace.projects:
        raise domain_error("Project doesn't belong to Workspace")
    if task_id is not None:
        task = workspace.tasks.get(task_id)
        if task is None or task.project_id != project_id:
            raise domain_error("Task doesn't belong to Project")
    if tag_ids is not None and not isinstance(tag_ids, list):
        raise unreadable_body("tagIds: an array is expected")
    if any(tag_id not in workspace.tags for tag_id in tag_ids or ()):
        raise domain_error("Tag doesn't belong to Workspace")


def _check_required(request: Request, fields: dict[str, Any]) -> None:
    settings = request.workspace.settings
    for forced, name, label in (
        (settings.force_projects, "project_id", "Project"),
        (settings.force_tasks, "task_id", "Task"),
        (settings.force_tags, "tag_ids", "Tag"),
        (settings.force_description, "description", "Description"),
    ):
        if forced and not fields[name]:
            raise domain_error(f"Time entry couldn't be created. {label} is a required field.")


def _bound(request: Request, name: str, default: int) -> int:
    value = request.query.text(name)
    if value is None:
        return default * 1000
    try:
        instant = parse_instant(value)
    except ValueError:
        raise conversion_error(name, value) from None
    return wall_clock_in_zone(instant * 1000, load_zone(request.caller.user.time_zone))


def _tests(request: Request) -> Iterable[Callable[[TimeEntry], bool]]:
    query = request.query
    text, project, task = query.text("description"), query.text("project"), query.text("task")
    tags = frozenset(query.many("tags"))
    running, week_before = query.flag("in-progress"), query.text("get-week-before")
    if text is not None:
        yield lambda entry: text.casefold() in entry.description.casefold()
    if project is not None:
        yield lambda entry: entry.project_id == project
    if task is not None:
        yield lambda entry: entry.task_id == task
    if tags:
        yield lambda entry: bool(tags & frozenset(entry.tag_ids or ()))
    if query.flag("project-required"):
        yield lambda entry: entry.project_id is not None
    if query.flag("task-required"):
        yield lambda entry: entry.task_id is not None
    if running is not None:
        yield lambda entry: (entry.end is None) is running
    if week_before is not None:
        try:
            last = parse_instant(week_before)
        except ValueError:
            raise conversion_error("get-week-before", week_before) from None
        first = last - timedelta(weeks=1) // timedelta(seconds=1)
        yield lambda entry: first <= entry.start <= last and bool(entry.project_id or entry.task_id)


ROUTES = (
    Route(
        "core",
        "GET",
        f"{W}/user/{{userId}}/time-entries",
        list_user_entries,
        PAGING
        | {
            "description",
            "end",
            "get-week-before",
            "hydrated",
            "in-progress",
            "project",
            "project-required",
            "start",
            "tags",
            "task",
            "task-required",
        },
    ),
    Route("core", "GET", f"{W}/time-entries/status/in-progress", list_running_entries, PAGING),
    Route("core", "GET", f"{W}/time-entries/{{id}}", get_entry, frozenset({"hydrated"})),
    Route("core", "POST", f"{W}/time-entries", create_own_entry),
    Route("core", "POST", f"{W}/time-entries/batch", read_entries),
    Route("core", "PUT", f"{W}/time-entries/{{id}}", replace_entry),
    Route("core", "DELETE", f"{W}/time-entries/{{id}}", delete_entry),
    Route("core", "PATCH", f"{W}/user/{{userId}}/time-entries", stop_timer),
    Route("core", "PUT", f"{W}/user/{{userId}}/time-entries", replace_entries, frozenset({"hydrated"})),
    Route(
        "core", "DELETE", f"{W}/user/{{userId}}/time-entries", delete_entries, frozenset({"time-entry-ids"})
    ),
    Route("core", "POST", f"{W}/user/{{userId}}/time-entries/{{id}}/duplicate", duplicate_entry),
    Route("core", "POST", f"{W}/user/{{userId}}/time-entries", create_entry_for, frozenset({"from-entry"})),
)
