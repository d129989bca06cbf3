# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The export of items that are simply listed: snapshots of entities, and change files."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.api.values import exact_line
from airflow_provider_clockify.exceptions import ClockifyNoRowsError
from airflow_provider_clockify.exports.files import FileKind, write_file
from airflow_provider_clockify.exports.result import ExportResult
from airflow_provider_clockify.sinks.storage import HashingFile, Staging, Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_clockify.records.tables import Table
    from airflow_provider_clockify.window import Window

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ListExport:
    """
    What to export.

    :param report: Name of the list.
    :param workspace_id: Workspace.
    :param items: One dict per item, in a stable order.
    :param table: Columns of the file.
    :param target: The file.
    :param kind: Its format.
    :param window: Time that the items belong to; ``None`` for a snapshot.
    :param on_empty: ``write`` publishes a file without rows; anything else raises.
    :param metadata: Further facts for the file's own metadata.
    """

    report: str
    workspace_id: str
    items: Iterable[Mapping[str, Any]]
    table: Table
    target: Target
    kind: FileKind
    window: Window | None = None
    on_empty: str = "write"
    metadata: Mapping[str, str] = field(default_factory=dict)


def export_list(job: ListExport) -> ExportResult:
    """
    Export a list to one file; the list is read to its end before the file appears.

    :param job: What to export.
    :return: What was read and published.
    :raises ClockifyNoRowsError: there are no rows, and ``on_empty`` is not ``write``.
    :raises ClockifyError: the export could not be made; nothing was published.
    """
    result = ExportResult(job.window, job.report, job.workspace_id, job.kind.file_format)
    with Staging(job.target, is_base=False) as staging:
        spool = staging.path("items.rows")
        found = False
        with spool.open("wb") as lines:
            for item in job.items:
                lines.write(exact_line(item))
                found = True
        if job.on_empty != "write" and not found:
            raise ClockifyNoRowsError(f"There are no {job.report} to export.")
        file = HashingFile(staging.path("items.done"))
        metadata = {"clockify.report": job.report, "clockify.workspace_id": job.workspace_id, **job.metadata}
        if job.window is not None:
            metadata["clockify.window_start"] = job.window.start_iso
            metadata["clockify.window_end"] = job.window.end_iso
        result.rows = write_file(file, [(job.table, spool)], job.kind, metadata)
        result.published(staging.publish(file.path), file)
    log.info("Exported %d %s, %d bytes.", result.rows, job.report, result.bytes)
    return result
