# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The export of a report from end to end: read, check, write, publish.

Rows of a chunk first go to private spools, one per output file, and are only written in their final format once the
chunk is proven complete. Nothing gets a final name before everything is proven and written. Of several chunks, each
proven one is kept for the next attempt, should this one be interrupted.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_clockify.exceptions import ClockifyNoRowsError
from airflow_provider_clockify.export.result import ExportResult
from airflow_provider_clockify.export.spools import Spools
from airflow_provider_clockify.export.storage import HashingFile, Staging, Target
from airflow_provider_clockify.export.tombstones import write_tombstones
from airflow_provider_clockify.export.writing import FileKind, write_file
from airflow_provider_clockify.reading.chunk_reading import ChunkRead, ChunkReads
from airflow_provider_clockify.reading.reader import ReadResult
from airflow_provider_clockify.window import zone_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_clockify.columns.tables import Table
    from airflow_provider_clockify.export.keeping import Keeper
    from airflow_provider_clockify.export.plan import Output, Plan
    from airflow_provider_clockify.reading.budget import Budget
    from airflow_provider_clockify.reading.reader import Reader
    from airflow_provider_clockify.window import Window


@dataclass(frozen=True, slots=True)
class ReportExport:
    """
    What to export.

    :param report: Name of the report.
    :param workspace_id: Workspace.
    :param reader: Reads it.
    :param plan: Chunks to read and files to write.
    :param table: Columns of the file of a window.
    :param target: Where to.
    :param kind: Format of the files.
    :param on_empty: ``write`` publishes files without rows; anything else raises.
    :param reconcile: Whether to compare with the files that are there, and to write tombstones.
    :param budget: Keeps the job within the hourly quota.
    :param keeper: Keeps finished chunks for the next attempt.
    """

    report: str
    workspace_id: str
    reader: Reader
    plan: Plan
    table: Callable[[Window], Table]
    target: Target
    kind: FileKind
    on_empty: str = "write"
    reconcile: bool = False
    budget: Budget | None = None
    keeper: Keeper | None = None


class _KeptChunks:
    """The spools of a plan's chunks, and what an interrupted attempt has left of them."""

    def __init__(self, job: ReportExport, staging: Staging) -> None:
        self._plan = job.plan
        # One chunk has nothing to go on after.
        self._keeper = job.keeper if len(job.plan.chunks) > 1 else None
        self._staging = staging
        self._is_as_sent = job.kind.is_as_sent

    def spool(self, number: int) -> Spools:
        """Make an empty spool for a chunk."""
        window = self._plan.chunks[number]
        outputs = [output for output in self._plan.outputs if output.window.overlaps(window)]
        # Rows that stay as they came need no second writing, if no file is put together from several chunks.
        is_final = self._is_as_sent and all(
            window.start <= output.window.start and output.window.end <= window.end for output in outputs
        )
        return Spools(self._staging, str(number), outputs, is_final=is_final)

    def restored(self) -> dict[int, ChunkRead[Spools]]:
        """Bring back the chunks that an earlier attempt has read."""
        found: dict[int, ChunkRead[Spools]] = {}
        if self._keeper is None:
            return found
        for number in range(len(self._plan.chunks)):
            spools = self.spool(number)
            facts = self._keeper.take(str(number), spools.paths)
            if facts is not None:
                result = msgspec.convert(facts["result"], ReadResult)
                found[number] = ChunkRead(spools, result, facts["order"])
        self._keeper.say(len(self._plan.chunks))
        return found

    def keep(self, number: int, chunk: ChunkRead[Spools]) -> None:
        """Keep a chunk."""
        if self._keeper is not None:
            facts = {"result": msgspec.to_builtins(chunk.result), "order": chunk.order}
            self._keeper.put(str(number), chunk.spool.paths, facts)


def export_report(job: ReportExport) -> ExportResult:
    """
    Export a report.

    :param job: What to export.
    :return: What was read and published.
    :raises ClockifyNoRowsError: there are no rows, and ``on_empty`` is not ``write``.
    :raises ClockifyError: the export could not be made; nothing was published.
    """
    plan = job.plan
    result = ExportResult(
        plan.window, job.report, job.workspace_id, job.kind.file_format, job.target.output_path
    )
    with job.keeper or nullcontext(), Staging(job.target, is_base=plan.partition_by is not None) as staging:
        kept = _KeptChunks(job, staging)
        reading = ChunkReads(
            job.reader,
            plan.window,
            plan.chunks,
            kept.spool,
            budget=job.budget,
            restored=kept.restored(),
            keep=kept.keep,
        )
        chunks = reading.read()
        for chunk in chunks:
            result.add(chunk.result)
        if job.keeper is not None:
            result.requests_before = job.keeper.requests_before
        if job.on_empty != "write" and not any(chunk.result.rows for chunk in chunks):
            raise ClockifyNoRowsError(f"The {job.report} report of {plan.window} holds no rows.")
        ready: list[tuple[HashingFile, Output, int]] = []
        for number, output in enumerate(plan.outputs):
            metadata = {
                "clockify.report": job.report,
                "clockify.workspace_id": job.workspace_id,
                "clockify.window_start": output.window.start_iso,
                "clockify.window_end": output.window.end_iso,
                "clockify.timezone": zone_name(output.window.zone),
            }
            # A report of weeks has several windows in one file, each with rows of its own.
            parts = [
                (job.table(window if len(plan.outputs) == 1 else output.window), spool)
                for window, chunk in zip(plan.chunks, chunks, strict=True)
                if (spool := chunk.spool.path(output)) is not None
            ]
            finished = next((found for chunk in chunks if (found := chunk.spool.finished(output))), None)
            if finished is not None:
                file, rows = finished
            else:
                file = HashingFile(staging.path(f"{number}.done"))
                rows = write_file(file, parts, job.kind, metadata)
            ready.append((file, output, rows))
        if job.reconcile:
            deleted = [
                write_tombstones(staging, output.parts, file.path, job.kind) for file, output, _ in ready
            ]
            result.deleted = sum(deleted)
        for file, output, rows in ready:
            path = staging.publish(file.path, *output.parts)
            result.published(
                path, file, rows=rows, window=output.window, is_partition=plan.partition_by is not None
            )
    return result
