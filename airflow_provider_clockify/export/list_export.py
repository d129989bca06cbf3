# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The export of items that are simply listed: snapshots of entities, and change files."""

from __future__ import annotations

import logging
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.columns.list_columns import OF_PARENT, PARENTS, SECRETS
from airflow_provider_clockify.exceptions import ClockifyNoRowsError, ClockifyResponseError
from airflow_provider_clockify.export.result import ExportResult
from airflow_provider_clockify.export.storage import Staging, Target
from airflow_provider_clockify.export.writing import FileKind, OutputFile
from airflow_provider_clockify.service.filters import read_filters
from airflow_provider_clockify.service.lists import chosen, resource
from airflow_provider_clockify.service.values import exact_line, window_between
from airflow_provider_clockify.window import zone_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from airflow_provider_clockify.columns.tables import Table
    from airflow_provider_clockify.export.keeping import Keeper
    from airflow_provider_clockify.export.plan import Output
    from airflow_provider_clockify.reading.budget import Budget
    from airflow_provider_clockify.window import Window

    Item = dict[str, Any]
    # The hook's ``iter_as_sent``: name of a list, filters, and ids of what it belongs to.
    AsSent = Callable[..., Iterator[Item]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """
    Items that are read together, for example those of one parent.

    :param name: Names the part among those of the list; part of file names.
    :param items: Reads them: one dict per item, in a stable order.
    """

    name: str
    items: Callable[[], Iterable[Mapping[str, Any]]]


def list_filters(name: str, filters: Mapping[str, Any] | str | None) -> dict[str, Any]:
    """
    Return filters of a list, with those without which it would leave something out; costs no request.

    :param name: Name of the list.
    :param filters: What was asked for; these win.
    :raises ClockifyConfigError: the list or a filter is unknown, or a filter is missing or of the wrong kind.
    """
    found = resource(name)
    complete = {**found.everything, **read_filters(filters)}
    found.request(complete, workspace_id="w", **dict.fromkeys(found.arguments, "x"))
    return complete


def list_parts(as_sent: AsSent, name: str, filters: Mapping[str, Any]) -> list[Part]:
    """
    Return what is read: the whole list, or the items of each parent, whose list is read now.

    :param as_sent: Goes through a list, items as the service sent them.
    :param name: Name of the list.
    :param filters: What :func:`list_filters` returned.
    :raises ClockifyResponseError: a parent has no id.
    """
    if name not in PARENTS:
        return [Part("items", partial(_items, as_sent, name, filters))]
    parents, argument = PARENTS[name]
    own = OF_PARENT.get(name, {})
    found: list[Item] = [
        {key: parent.get(key) for key in {"id", *own.values()}}
        for parent in as_sent(parents, resource(parents).everything)
    ]
    if not all(isinstance(parent["id"], str) and parent["id"] for parent in found):
        raise ClockifyResponseError(
            f"One of the {parents} has no id, so that its {name} cannot be listed; the service may have changed."
        )
    log.info("%s are listed for each of %d %s: at least %d requests.", name, len(found), parents, len(found))
    parts = [
        # By its id: what is kept for a later attempt must not depend on how many parents come before it.
        Part(
            parent["id"] if parent["id"].isalnum() else parent["id"].encode().hex(),
            partial(
                _items,
                as_sent,
                name,
                filters,
                {argument: parent["id"]},
                {key: parent[field] for key, field in own.items()},
            ),
        )
        for parent in found
    ]
    return parts or [Part("none", tuple)]


def _items(
    as_sent: AsSent,
    name: str,
    filters: Mapping[str, Any],
    parent: Mapping[str, str] | None = None,
    own: Mapping[str, Any] | None = None,
) -> Iterator[Mapping[str, Any]]:
    """
    Go through the items of a list or of one parent, without their secrets.

    :param as_sent: As in :func:`list_parts`.
    :param name: Name of the list.
    :param filters: Its filters.
    :param parent: Argument with the id of the parent.
    :param own: Keys that items get because they do not name their parent.
    """
    found, window = resource(name), None
    if "start" in found.required:
        # The service may shift the bounds of a list that is always one of a period.
        window = window_between(filters["start"], filters["end"])
        filters = {**filters, **found.bounds(window)}
    secrets = SECRETS.get(name, ())
    for item in chosen(as_sent(name, filters, **(parent or {})), found, window, None):
        yield {**{key: value for key, value in item.items() if key not in secrets}, **(own or {})}


@dataclass(frozen=True, slots=True)
class ListExport:
    """
    What to export.

    :param report: Name of the list.
    :param workspace_id: Workspace.
    :param parts: The items, part by part.
    :param table: Columns of the file.
    :param target: The file.
    :param kind: Its format.
    :param window: Time that the items belong to; ``None`` for a snapshot.
    :param partition: The file below the target, if that is the base folder of partitions.
    :param on_empty: ``write`` publishes a file without rows; anything else raises.
    :param metadata: Further facts for the file's own metadata.
    :param budget: Keeps the export within the hourly quota.
    :param keeper: Keeps finished parts for the next attempt.
    """

    report: str
    workspace_id: str
    parts: Sequence[Part]
    table: Table
    target: Target
    kind: FileKind
    window: Window | None = None
    partition: Output | None = None
    on_empty: str = "write"
    metadata: Mapping[str, str] = field(default_factory=dict)
    budget: Budget | None = None
    keeper: Keeper | None = None


def export_list(export: ListExport) -> ExportResult:
    """
    Export a list to one file; the list is read to its end before the file appears.

    :param export: What to export.
    :return: What was read and published.
    :raises ClockifyNoRowsError: there are no rows, and ``on_empty`` is not ``write``.
    :raises ClockifyError: the export could not be made; nothing was published.
    """
    result = ExportResult(
        export.window, export.report, export.workspace_id, export.kind.file_format, export.target.output_path
    )
    own = export.partition
    with export.keeper or nullcontext(), Staging(export.target, is_base=own is not None) as staging:
        spools = _read(export, staging)
        if export.keeper is not None:
            result.requests_before = export.keeper.requests_before
        if export.on_empty != "write" and not any(spool.stat().st_size for spool in spools):
            raise ClockifyNoRowsError(f"There are no {export.report} to export.")
        metadata = {
            "clockify.report": export.report,
            "clockify.workspace_id": export.workspace_id,
            **export.metadata,
        }
        if export.window is not None:
            metadata["clockify.window_start"] = export.window.start_iso
            metadata["clockify.window_end"] = export.window.end_iso
            metadata["clockify.timezone"] = zone_name(export.window.zone)
        with closing(OutputFile(staging.path("items.done"), export.kind, metadata)) as output:
            for spool in spools:
                output.add(export.table, spool)
        path = staging.publish(output.file.path, *(own.parts if own else ()))
        window = own.window if own else export.window
        result.published(path, output.file, rows=output.rows, window=window, is_partition=own is not None)
    return result


def _read(export: ListExport, staging: Staging) -> list[Path]:
    """Read every part into a private file of its own; those of the last attempt are brought back."""
    paths = [staging.path(f"{part.name}.rows") for part in export.parts]
    keeper = export.keeper if len(export.parts) > 1 else None
    missing = [
        (part, path)
        for part, path in zip(export.parts, paths, strict=True)
        if keeper is None or keeper.take(part.name, [path]) is None
    ]
    if keeper is not None:
        keeper.say(len(paths))
    for number, (part, path) in enumerate(missing):
        if export.budget is not None:
            export.budget.begin(len(missing) - number)
        with path.open("wb") as lines:
            for item in part.items():
                lines.write(exact_line(item))
        if keeper is not None:
            keeper.put(part.name, [path], {})
    return paths
