# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The export of items that are simply listed: snapshots of entities, and change files."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.exceptions import ClockifyNoRowsError
from airflow_provider_clockify.export.result import ExportResult
from airflow_provider_clockify.export.storage import HashingFile, Staging, Target
from airflow_provider_clockify.export.writing import FileKind, write_file
from airflow_provider_clockify.service.values import exact_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from airflow_provider_clockify.columns.tables import Table
    from airflow_provider_clockify.export.keeping import Keeper
    from airflow_provider_clockify.export.plan import Output
    from airflow_provider_clockify.reading.budget import Budget
    from airflow_provider_clockify.window import Window


@dataclass(frozen=True, slots=True)
class Part:
    """
    Items that are read together, for example those of one parent.

    :param name: Names the part among those of the list; part of file names.
    :param items: Reads them: one dict per item, in a stable order.
    """

    name: str
    items: Callable[[], Iterable[Mapping[str, Any]]]


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
    :param budget: Keeps the job within the hourly quota.
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


def export_list(job: ListExport) -> ExportResult:
    """
    Export a list to one file; the list is read to its end before the file appears.

    :param job: What to export.
    :return: What was read and published.
    :raises ClockifyNoRowsError: there are no rows, and ``on_empty`` is not ``write``.
    :raises ClockifyError: the export could not be made; nothing was published.
    """
    result = ExportResult(
        job.window, job.report, job.workspace_id, job.kind.file_format, job.target.output_path
    )
    own = job.partition
    with job.keeper or nullcontext(), Staging(job.target, is_base=own is not None) as staging:
        spools = _read(job, staging)
        if job.keeper is not None:
            result.requests_before = job.keeper.requests_before
        if job.on_empty != "write" and not any(spool.stat().st_size for spool in spools):
            raise ClockifyNoRowsError(f"There are no {job.report} to export.")
        file = HashingFile(staging.path("items.done"))
        metadata = {"clockify.report": job.report, "clockify.workspace_id": job.workspace_id, **job.metadata}
        if job.window is not None:
            metadata["clockify.window_start"] = job.window.start_iso
            metadata["clockify.window_end"] = job.window.end_iso
        rows = write_file(file, [(job.table, spool) for spool in spools], job.kind, metadata)
        path = staging.publish(file.path, *(own.parts if own else ()))
        window = own.window if own else job.window
        result.published(path, file, rows=rows, window=window, is_partition=own is not None)
    return result


def _read(job: ListExport, staging: Staging) -> list[Path]:
    """Read every part into a private file of its own; those of the last attempt are brought back."""
    paths = [staging.path(f"{part.name}.rows") for part in job.parts]
    keeper = job.keeper if len(job.parts) > 1 else None
    missing = [
        (part, path)
        for part, path in zip(job.parts, paths, strict=True)
        if keeper is None or keeper.take(part.name, [path]) is None
    ]
    if keeper is not None:
        keeper.say(len(paths))
    for number, (part, path) in enumerate(missing):
        if job.budget is not None:
            job.budget.begin(len(missing) - number)
        with path.open("wb") as lines:
            for item in part.items():
                lines.write(exact_line(item))
        if keeper is not None:
            keeper.put(part.name, [path], {})
    return paths
