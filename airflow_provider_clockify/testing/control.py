# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Let other processes watch and change a running emulator; these requests are neither logged nor limited."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from airflow_provider_clockify.testing.answers.documents import entry_document
from airflow_provider_clockify.testing.exchange import Response
from airflow_provider_clockify.testing.workspace.times import from_epoch, parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_clockify.testing.request_log import RequestRecord
    from airflow_provider_clockify.testing.switches import Switches
    from airflow_provider_clockify.testing.workspace.data import EmulatedWorkspace
    from airflow_provider_clockify.testing.workspace.kinds import TimeEntry

PREFIX = "/__emulator__/"

# As the service spells them, and as Python does.
_FIELDS = {
    "billable": "billable",
    "costRate": "cost_rate",
    "currency": "currency",
    "description": "description",
    "hourlyRate": "hourly_rate",
    "isLocked": "locked",
    "projectId": "project_id",
    "tagIds": "tag_ids",
    "taskId": "task_id",
    "type": "type",
}
_FIELDS |= {ours: ours for ours in _FIELDS.values()}


class Controls(NamedTuple):
    """
    What can be controlled of an emulator.

    :param workspaces: Its workspaces.
    :param requests: What it was asked.
    :param facts: What it measured besides, by name.
    :param reset: Forgets requests, limits and faults, and turns switches off.
    :param switches: What is otherwise than clients assume.
    """

    workspaces: Sequence[EmulatedWorkspace]
    requests: Sequence[RequestRecord]
    facts: Mapping[str, Any]
    reset: Callable[[], None]
    switches: Switches


def handle(controls: Controls, method: str, target: str, body: bytes) -> Response:
    """
    Answer a control request; ``?workspace=ID`` chooses another workspace than the first.

    ``GET stats``, ``POST reset``, ``GET truth?start=&end=``, ``POST entries``, ``PATCH entries/{id}``,
    ``DELETE entries/{id}``, ``PUT switches/{name}``, ``DELETE switches/{name}``.
    Instants are ISO 8601, UTC unless they have an offset. Fields of entries may be spelt as the service
    does or as Python does; counts stand before ids.
    """
    parts = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    action, _, entry_id = parts.path.removeprefix(PREFIX).partition("/")
    try:
        workspace = _workspace(controls.workspaces, query.get("workspace"))
        match (method, action, bool(entry_id)):
            case ("GET", "stats", False):
                return Response(200, {**_stats(controls.requests), **controls.facts})
            case ("POST", "reset", False):
                controls.reset()
                return Response(204)
            case ("PUT" | "DELETE", "switches", True):
                controls.switches.turn(entry_id, method == "PUT")
                return Response(200, {"on": controls.switches.names})
            case ("GET", "truth", False):
                return Response(200, _truth(workspace, query))
            case ("POST", "entries", False):
                added = _add(workspace, _object(body))
                return Response(201, {"count": len(added), "ids": added})
            case ("PATCH", "entries", True):
                entry = workspace.update_entry(entry_id, **_changes(_object(body)))
                return Response(200, entry_document(workspace, entry))
            case ("DELETE", "entries", True):
                workspace.delete_entry(entry_id)
                return Response(204)
    except (KeyError, TypeError, ValueError, msgspec.DecodeError) as error:
        return Response(400, {"message": f"{type(error).__name__}: {error}", "code": 400})
    return Response(404, {"message": f"no control endpoint {method} {parts.path}", "code": 404})


def _workspace(workspaces: Sequence[EmulatedWorkspace], workspace_id: str | None) -> EmulatedWorkspace:
    if workspace_id is None:
        return workspaces[0]
    return {workspace.id: workspace for workspace in workspaces}[workspace_id]


def _stats(records: Sequence[RequestRecord]) -> dict[str, Any]:
    return {
        "requests": len(records),
        "by_service": Counter(record.service for record in records),
        "by_path": Counter(f"{record.method} {record.path}" for record in records),
        "by_status": Counter(str(record.status) for record in records),
        "bytes_sent": sum(record.sent for record in records),
    }


def _truth(workspace: EmulatedWorkspace, query: Mapping[str, str]) -> dict[str, Any]:
    truth = workspace.truth(_instant(query["start"]), _instant(query["end"]))
    return {"count": len(truth.ids), "seconds": truth.seconds, "amounts": truth.amounts, "ids": truth.ids}


def _instant(text: str) -> datetime:
    return from_epoch(parse_instant(text))


def _object(body: bytes) -> dict[str, Any]:
    return msgspec.json.decode(body, type=dict[str, Any])


def _changes(given: Mapping[str, Any]) -> dict[str, Any]:
    given = {**given, **_inside(given, "timeInterval"), **_inside(given, "time_interval")}
    changes = {_FIELDS[name]: value for name, value in given.items() if name in _FIELDS}
    for name in ("hourly_rate", "cost_rate"):
        if isinstance(changes.get(name), dict):
            changes[name] = changes[name]["amount"]
    for name in ("start", "end"):
        if name in given:
            changes[name] = None if given[name] is None else _instant(given[name])
    for name in ("customFields", "customFieldValues", "custom_values"):
        if name in given:
            values = given[name]
            changes["custom_values"] = (
                values
                if isinstance(values, dict)
                else {each["customFieldId"]: each["value"] for each in values}
            )
    unknown = given.keys() - _FIELDS.keys() - _NOT_JUST_NAMES
    if unknown:
        raise ValueError(f"unknown fields {sorted(unknown)}")
    return changes


_NOT_JUST_NAMES = {
    "customFieldValues",
    "customFields",
    "custom_values",
    "end",
    "start",
    "timeInterval",
    "time_interval",
}


def _inside(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return start and end of an interval as the service writes it; its duration follows from them."""
    return {key: value for key, value in (given.get(name) or {}).items() if key in ("start", "end")}


def _add(workspace: EmulatedWorkspace, body: Mapping[str, Any]) -> list[str]:
    """Add the given ``entries``, or ``count`` quarter hours of the owner from ``start`` to ``end``."""
    with workspace.lock:
        if "entries" in body:
            added = [_add_one(workspace, given) for given in body["entries"]]
        else:
            start, end, count = _instant(body["start"]), _instant(body["end"]), int(body["count"])
            added = [
                workspace.add_entry(
                    start=start + (end - start) * number / count,
                    end=start + (end - start) * number / count + timedelta(minutes=15),
                    description=f"Added {number + 1}",
                )
                for number in range(count)
            ]
        return [entry.id for entry in added]


def _add_one(workspace: EmulatedWorkspace, given: Mapping[str, Any]) -> TimeEntry:
    fields = dict(given)
    user_id = fields.pop("user_id", fields.pop("userId", None))
    return workspace.add_entry(user_id=user_id, **_changes(fields))
