# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Answer requests to the experimental feeds of the core service: what was created, updated and deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from airflow_provider_clockify.testing.answers.business_documents import (
    approval_document,
    assignment_document,
    balance_document,
    client_document,
    custom_field_document,
    group_document,
    holiday_document,
    invoice_document,
    policy_document,
    time_off_document,
)
from airflow_provider_clockify.testing.answers.documents import (
    entry_document,
    project_document,
    tag_document,
    task_document,
    user_document,
)
from airflow_provider_clockify.testing.core_routes.common import W, is_visible, query_instant, sees
from airflow_provider_clockify.testing.exchange import (
    ApiError,
    Request,
    Response,
    Route,
    conversion_error,
    domain_error,
    unreadable_body,
)
from airflow_provider_clockify.testing.workspace.times import epoch_seconds, format_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airflow_provider_clockify.testing.workspace.data import EmulatedWorkspace
    from airflow_provider_clockify.testing.workspace.kinds import Deletion

_DEFAULT_RANGE = timedelta(days=30) // timedelta(seconds=1)

# Documented ones first, then those that the service accepts too (observed 2026-08).
ACCEPTED_TYPES = (
    "CLIENTS",
    "PROJECTS",
    "TAGS",
    "TASKS",
    "SCHEDULED_ASSIGNMENT",
    "TIME_ENTRY",
    "TIME_ENTRY_RATE",
    "TIME_ENTRY_CUSTOM_FIELD_VALUE",
    "APPROVAL_REQUESTS",
    "BALANCE",
    "CUSTOM_FIELDS",
    "HOLIDAYS",
    "INVOICES",
    "PTO_POLICY",
    "TIME_OFF_REQUEST",
    "USER",
    "USER_GROUPS",
)


class _Kind(NamedTuple):
    table: Callable[[EmulatedWorkspace], Mapping[str, Any]]
    render: Callable[[EmulatedWorkspace, Any], dict[str, Any]]


_KINDS: Mapping[str, _Kind] = {
    "CLIENTS": _Kind(lambda workspace: workspace.clients, client_document),
    "PROJECTS": _Kind(
        lambda workspace: workspace.projects,
        lambda workspace, project: project_document(workspace, project, seconds=0, hydrated=False),
    ),
    "TAGS": _Kind(lambda workspace: workspace.tags, tag_document),
    "TASKS": _Kind(lambda workspace: workspace.tasks, lambda _, task: task_document(task)),
    "SCHEDULED_ASSIGNMENT": _Kind(lambda workspace: workspace.assignments, assignment_document),
    "TIME_ENTRY": _Kind(lambda workspace: workspace.entries, entry_document),
    "TIME_ENTRY_RATE": _Kind(
        lambda workspace: workspace.entry_rates(),
        # Nobody recorded such a row: the rates as an entry has them, and whose they are as field values say it.
        lambda _, rate: {
            "timeEntryId": rate.entry_id,
            "hourlyRate": {"amount": rate.hourly_rate, "currency": rate.currency},
            "costRate": {"amount": rate.cost_rate, "currency": rate.currency},
        },
    ),
    "TIME_ENTRY_CUSTOM_FIELD_VALUE": _Kind(
        lambda workspace: workspace.field_values(),
        lambda _, value: {
            "timeEntryId": value.entry_id,
            "customFieldId": value.field_id,
            "value": value.value,
            "sourceType": "TIMEENTRY",
        },
    ),
    "BALANCE": _Kind(lambda workspace: workspace.balances, balance_document),
    "APPROVAL_REQUESTS": _Kind(lambda workspace: workspace.approval_requests, approval_document),
    "CUSTOM_FIELDS": _Kind(lambda workspace: workspace.custom_fields, custom_field_document),
    "HOLIDAYS": _Kind(lambda workspace: workspace.holidays, holiday_document),
    "INVOICES": _Kind(lambda workspace: workspace.invoices, invoice_document),
    "PTO_POLICY": _Kind(lambda workspace: workspace.policies, policy_document),
    "TIME_OFF_REQUEST": _Kind(lambda workspace: workspace.time_off_requests, time_off_document),
    "USER": _Kind(lambda workspace: workspace.users, user_document),
    "USER_GROUPS": _Kind(
        lambda workspace: workspace.user_groups,
        lambda workspace, group: group_document(workspace, group, managers=True),
    ),
}


def list_created(request: Request) -> Response:
    """Answer ``GET W/entities/created``: whatever came to be in the window, in its state of now."""
    first, last = _window(request)
    return _answer(
        request,
        [
            (entity.created_at, kind, entity)
            for kind in _types(request)
            for entity in _entities(request, kind)
            if first <= entity.created_at <= last
        ],
        _live_row,
    )


def list_updated(request: Request) -> Response:
    """
    Answer ``GET W/entities/updated``: whatever was last changed in the window and is older than it.

    What was created in the window is left out (Clockify OpenAPI).
    """
    first, last = _window(request)
    return _answer(
        request,
        [
            (entity.updated_at, kind, entity)
            for kind in _types(request)
            for entity in _entities(request, kind)
            if first <= entity.updated_at <= last and entity.created_at < first
        ],
        _live_row,
    )


def list_deleted(request: Request) -> Response:
    """
    Answer ``GET W/entities/deleted``: the last states of what was deleted in the window.

    A deletion shows about a minute late, and never when the thing was created in the window too (Clockify
    OpenAPI).
    """
    first, last = _window(request)
    kinds = _types(request)
    shown_until = request.behaviour.now().timestamp() - request.behaviour.entities.deletion_delay
    return _answer(
        request,
        [
            (deletion.deleted_at, deletion.document_type, deletion)
            for deletion in request.workspace.deletion_bin
            if deletion.document_type in kinds
            and first <= deletion.deleted_at <= last
            and deletion.deleted_at <= shown_until
            and not first <= deletion.document.created_at <= last
            and _shows(request, deletion.document_type, deletion.document)
        ],
        _deleted_row,
    )


def _types(request: Request) -> tuple[str, ...]:
    """Return the wanted types, of which there must be one; an unknown one is a 400/3002 (observed 2026-08)."""
    wanted = tuple(dict.fromkeys(request.query.many("type")))
    if not wanted:
        raise ApiError(
            400, 3001, "Required request parameter 'type' for method parameter type List is not present"
        )
    for kind in wanted:
        if kind not in ACCEPTED_TYPES:
            raise unreadable_body(f"type: '{kind}' is not one of the values accepted: {list(ACCEPTED_TYPES)}")
    return wanted


def _window(request: Request) -> tuple[int, int]:
    """
    Return the bounds in epoch seconds, both inclusive.

    A missing one is 30 days from the other; without both it is the 30 days up to now (Clockify OpenAPI). They
    are taken literally: nobody has tested whether the profile zone shifts them.
    """
    start, end = request.query.text("start"), request.query.text("end")
    first = None if start is None else query_instant("start", start)
    last = None if end is None else query_instant("end", end)
    if last is None:
        last = epoch_seconds(request.behaviour.now()) if first is None else first + _DEFAULT_RANGE
    if first is None:
        first = last - _DEFAULT_RANGE
    if first > last:
        raise domain_error("Start date must be before end date")
    return first, last


def _entities(request: Request, kind: str) -> Iterable[Any]:
    workspace = request.workspace
    found = list(_KINDS[kind].table(workspace).values())
    if request.behaviour.entities.created_lists_deleted:
        found += [row.document for row in workspace.deletion_bin if row.document_type == kind]
    return (entity for entity in found if _shows(request, kind, entity))


def _shows(request: Request, kind: str, entity: Any) -> bool:
    if kind.startswith("TIME_ENTRY"):
        return sees(request, entity.user_id)
    return kind != "PROJECTS" or is_visible(request, entity)


def _live_row(request: Request, kind: str, entity: Any) -> dict[str, Any]:
    return {request.behaviour.entities.type_key: kind} | _document(request, kind, entity)


def _document(request: Request, kind: str, entity: Any) -> dict[str, Any]:
    audit = {"createdAt": format_utc(entity.created_at), "updatedAt": format_utc(entity.updated_at)}
    # An approval request has its id deeper inside; a feed whose rows cannot be told apart is not believable.
    return {"id": entity.id} | _KINDS[kind].render(request.workspace, entity) | {"auditMetadata": audit}


def _deleted_row(request: Request, kind: str, deletion: Deletion) -> dict[str, Any]:
    # The guide shows these instants, and no others, with milliseconds.
    return {
        "id": deletion.document.id,
        "deletionBinId": deletion.id,
        "deletedAt": format_utc(deletion.deleted_at)[:-1] + ".000Z",
        request.behaviour.entities.type_key: kind,
        "document": _document(request, kind, deletion.document),
    }


def _answer(
    request: Request,
    found: list[tuple[int, str, Any]],
    render: Callable[[Request, str, Any], dict[str, Any]],
) -> Response:
    """
    Return one page, oldest change first; ``page`` and ``limit`` are strings (Clockify OpenAPI).

    A page past the end is empty. There is no ``Last-Page``.
    """
    feeds = request.behaviour.entities
    page, limit = _number(request, "page", 0), _number(request, "limit", 50)
    limit = min(limit, feeds.max_limit or limit)
    shown = request.behaviour.rows_of_page(max(page - feeds.page_base, 0) + 1, limit, limit, "limit")
    found.sort(key=lambda row: (row[0], row[2].id))
    rows = [render(request, kind, entity) for _, kind, entity in found[shown]]
    if feeds.shape == "envelope":
        return Response(200, {"response": rows})
    return Response(200, msgspec.json.encode(rows).decode() if feeds.shape == "json_string" else rows)


def _number(request: Request, name: str, default: int) -> int:
    value = request.query.integer(name, default)
    if value < 0:
        raise conversion_error(name, value)
    return value


_QUERY = frozenset({"end", "limit", "page", "start", "type"})

ROUTES = (
    Route("core", "GET", f"{W}/entities/created", list_created, _QUERY),
    Route("core", "GET", f"{W}/entities/updated", list_updated, _QUERY),
    Route("core", "GET", f"{W}/entities/deleted", list_deleted, _QUERY),
)
