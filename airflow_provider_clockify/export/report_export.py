# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The export of a report from end to end: read, check, write, publish.

Rows of a chunk first go to private spools, one per output file, and are only written in their final format once the
chunk is proven complete. Nothing gets a final name before everything is proven and written. Of several chunks, each
proven one is kept for the next attempt, should this one be interrupted.

Files that the service renders are taken as they come.
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

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_clockify.columns.tables import Table
    from airflow_provider_clockify.export.keeping import Keeper
    from airflow_provider_clockify.export.plan import Output, Plan
    from airflow_provider_clockify.reading.budget import Budget
    from airflow_provider_clockify.reading.reader import Reader
    from airflow_provider_clockify.window import Window

    Ready = tuple[HashingFile, Output, int]


@dataclass(frozen=True, slots=True)
class Export:
    """
    What every export of a report has.

    :param report: Name of the report.
    :param workspace_id: Workspace.
    :param plan: Chunks to read and files to write.
    :param target: Where to.
    :param kind: Format of the files.
    :param on_empty: ``write`` publishes files without rows; anything else raises.
    :param budget: Keeps the job within the hourly quota.
    :param keeper: Keeps finished chunks for the next attempt.
    :param reconcile: Whether to compare with the files that are there, and to write tombstones.
    """

    report: str
    workspace_id: str
    plan: Plan
    target: Target
    kind: FileKind
    on_empty: str = "write"
    budget: Budget | None = None
    keeper: Keeper | None = None
    reconcile: bool = False

    def files(self, staging: Staging, result: ExportResult) -> tuple[Sequence[Ready], bool]:
        """
        Read everything, proven, and write it to private files.

        :param staging: Private folder.
        :param result: Counts what is read.
        :return: Each file, what it is of the plan, and its rows; and whether it is known that there are no rows.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportExport(Export):
    """
    An export of the rows of a report.

    :param reader: Reads it.
    :param table: Columns of the file of a window.
    """

    reader: Reader
    table: Callable[[Window], Table]

    def files(self, staging: Staging, result: ExportResult) -> tuple[Sequence[Ready], bool]:
        """Read all chunks into spools, prove them together, and write each file from them."""
        plan, kept = self.plan, _KeptChunks(self, staging)
        reading = ChunkReads(
            self.reader,
            plan.window,
            plan.chunks,
            kept.spool,
            budget=self.budget,
            restored=kept.restored(),
            keep=kept.keep,
        )
        chunks = reading.read()
        for chunk in chunks:
            result.add(chunk.result)
        if self.keeper is not None:
            result.requests_before = self.keeper.requests_before
        ready: list[Ready] = []
        for number, output in enumerate(plan.outputs):
            metadata = {
                "clockify.report": self.report,
                "clockify.workspace_id": self.workspace_id,
                "clockify.window_start": output.window.start_iso,
                "clockify.window_end": output.window.end_iso,
            }
            # A report of weeks has several windows in one file, each with rows of its own.
            parts = [
                (self.table(window if len(plan.outputs) == 1 else output.window), spool)
                for window, chunk in zip(plan.chunks, chunks, strict=True)
                if (spool := chunk.spool.path(output)) is not None
            ]
            finished = next((found for chunk in chunks if (found := chunk.spool.finished(output))), None)
            if finished is not None:
                file, rows = finished
            else:
                file = HashingFile(staging.path(f"{number}.done"))
                rows = write_file(file, parts, self.kind, metadata)
            ready.append((file, output, rows))
        return ready, not any(chunk.result.rows for chunk in chunks)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedExport(Export):
    """
    An export of files that the service renders: one request (and one for the count) per file.

    :param download: From a window to the file and the number of its rows, where the service says it.
    """

    download: Callable[[Window], tuple[bytes, int | None]]

    def files(self, staging: Staging, result: ExportResult) -> tuple[Sequence[Ready], bool]:
        """Download each file; rows are 0 where the service does not say how many there are."""
        ready: list[Ready] = []
        counts: list[int | None] = []
        for number, output in enumerate(self.plan.outputs):
            if self.budget is not None:
                self.budget.begin(len(self.plan.outputs) - number)
            content, rows = self.download(output.window)
            file = HashingFile(staging.path(f"{number}.done"))
            file.write(content)
            file.close()
            ready.append((file, output, rows or 0))
            counts.append(rows)
        return ready, not any(counts) and counts != [None] * len(counts)


class _KeptChunks:
    """The spools of a plan's chunks, and what an interrupted attempt has left of them."""

    def __init__(self, job: ReportExport, staging: Staging) -> None:
        self._plan = job.plan
        # One chunk has nothing to go on after.
        self._keeper = job.keeper if len(job.plan.chunks) > 1 else None
        self._staging = staging
        # Rows that stay as they came need no second writing, if no file is put together from several chunks.
        self._is_final = job.kind.is_as_sent and (
            len(job.plan.chunks) == 1 or job.plan.partition_by is not None
        )

    def spool(self, number: int) -> Spools:
        """Make an empty spool for a chunk."""
        window = self._plan.chunks[number]
        outputs = [output for output in self._plan.outputs if output.window.overlaps(window)]
        return Spools(self._staging, str(number), outputs, self._plan.partition_by, is_final=self._is_final)

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


def export_report(job: Export) -> ExportResult:
    """
    Export a report.

    :param job: What to export.
    :return: What was read and published.
    :raises ClockifyNoRowsError: there are no rows, and ``on_empty`` is not ``write``.
    :raises ClockifyError: the export could not be made; nothing was published.
    """
    plan, kind, is_base = job.plan, job.kind, job.plan.partition_by is not None
    result = ExportResult(plan.window, job.report, job.workspace_id, kind.file_format, job.target.output_path)
    with job.keeper or nullcontext(), Staging(job.target, is_base=is_base) as staging:
        ready, is_empty = job.files(staging, result)
        if is_empty and job.on_empty != "write":
            raise ClockifyNoRowsError(f"The {job.report} report of {plan.window} holds no rows.")
        if job.reconcile:
            deleted = [write_tombstones(staging, output.parts, file.path, kind) for file, output, _ in ready]
            result.deleted = sum(deleted)
        for file, output, rows in ready:
            path = staging.publish(file.path, *output.parts)
            result.published(path, file, rows=rows, window=output.window, is_partition=is_base)
    return result
