# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The export of a report from end to end: read, check, write, publish.

Rows of a chunk first go to private spools, one per output file, and are only written in their final format once the
chunk is proven complete. Nothing gets a final name before everything is proven and written. Of several chunks, each
proven one is kept for the next attempt, should this one be interrupted.
"""

from __future__ import annotations

from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_clockify.exceptions import ClockifyNoRowsError
from airflow_provider_clockify.export.result import ExportResult
from airflow_provider_clockify.export.spools import Spools
from airflow_provider_clockify.export.storage import Staging, Target
from airflow_provider_clockify.export.tombstones import write_tombstones
from airflow_provider_clockify.export.writing import FileKind, OutputFile
from airflow_provider_clockify.reading.chunk_reading import ChunkRead, ChunkReads
from airflow_provider_clockify.reading.reader import ReadResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_clockify.columns.tables import Table
    from airflow_provider_clockify.export.keeping import Keeper
    from airflow_provider_clockify.export.plan import Output, Plan
    from airflow_provider_clockify.export.storage import HashingFile
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
    :param budget: Keeps the export within the hourly quota.
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


class _Chunks:
    """
    The spools of a plan's chunks, what an interrupted attempt has left of them, and the files that they become.

    Of several chunks, each is written as soon as it is proven, while pages of the next ones are on their way. A file
    with a chunk that is read again later is written anew.
    """

    def __init__(self, export: ReportExport, staging: Staging, still_open: ExitStack) -> None:
        self._export = export
        self._plan = export.plan
        self._is_one = len(export.plan.chunks) == 1
        # One chunk has nothing to go on after.
        self._keeper = None if self._is_one else export.keeper
        self._staging = staging
        self._still_open = still_open
        # Rows that stay as they came need no second writing, if no file is put together from several chunks.
        self._is_final = export.kind.is_as_sent and (self._is_one or export.plan.partition_by is not None)
        self._reads: dict[int, ChunkRead[Spools]] = {}
        self._written = 0
        # By the key of the output: its file, and which reads are in it.
        self._files: dict[str, tuple[OutputFile, list[int]]] = {}

    def spool(self, number: int) -> Spools:
        """Make an empty spool for a chunk."""
        window = self._plan.chunks[number]
        outputs = [output for output in self._plan.outputs if output.window.overlaps(window)]
        return Spools(self._staging, str(number), outputs, self._plan.partition_by, is_final=self._is_final)

    def restored(self) -> Mapping[int, ChunkRead[Spools]]:
        """Bring back the chunks that an earlier attempt has read."""
        if self._keeper is not None:
            for number in range(len(self._plan.chunks)):
                spools = self.spool(number)
                facts = self._keeper.take(str(number), spools.paths)
                if facts is not None:
                    result = msgspec.convert(facts["result"], ReadResult)
                    self._reads[number] = ChunkRead(spools, result, facts["order"])
            self._keeper.say(len(self._plan.chunks))
        return dict(self._reads)

    def keep(self, number: int, chunk: ChunkRead[Spools]) -> None:
        """Keep a chunk, and write all that come before the first one that is still to be read."""
        if self._keeper is not None:
            facts = {"result": msgspec.to_builtins(chunk.result), "order": chunk.order}
            self._keeper.put(str(number), chunk.spool.paths, facts)
        self._reads[number] = chunk
        while not self._is_one and self._written in self._reads:
            spool = self._reads[self._written].spool
            for output in spool.outputs:
                if spool.finished(output) is None:
                    self._write(output, self._written)
            self._written += 1

    def file(self, output: Output) -> tuple[HashingFile, int]:
        """Return the finished file of an output, and the number of its rows."""
        reads = {n: read for n, read in sorted(self._reads.items()) if read.spool.path(output) is not None}
        for read in reads.values():
            if (finished := read.spool.finished(output)) is not None:
                return finished
        file, orders = self._files.get(output.key, (None, []))
        if file is None or orders != [read.order for read in reads.values()]:
            if file is not None:
                file.close()
                del self._files[output.key]
            for number in reads:
                self._write(output, number)
            file, _ = self._files[output.key]
        file.close()
        return file.file, file.rows

    def _write(self, output: Output, number: int) -> None:
        """Append a chunk's rows to the file of an output."""
        export, window, read = self._export, self._plan.chunks[number], self._reads[number]
        spool = read.spool.path(output)
        if spool is None:
            return
        if output.key not in self._files:
            metadata = {
                "clockify.report": export.report,
                "clockify.workspace_id": export.workspace_id,
                "clockify.window_start": output.window.start_iso,
                "clockify.window_end": output.window.end_iso,
            }
            private = OutputFile(self._staging.path(f"{output.key}.done"), export.kind, metadata)
            self._files[output.key] = self._still_open.enter_context(closing(private)), []
        file, orders = self._files[output.key]
        # A report of weeks has several windows in one file, each with rows of its own.
        table = export.table(window if len(self._plan.outputs) == 1 else output.window)
        file.add(table, spool)
        orders.append(read.order)
        if self._plan.partition_by is not None:
            file.close()  # A partition never spans two chunks.


def export_report(export: ReportExport) -> ExportResult:
    """
    Export a report.

    :param export: What to export.
    :return: What was read and published.
    :raises ClockifyNoRowsError: there are no rows, and ``on_empty`` is not ``write``.
    :raises ClockifyError: the export could not be made; nothing was published.
    """
    plan = export.plan
    result = ExportResult(
        plan.window, export.report, export.workspace_id, export.kind.file_format, export.target.output_path
    )
    with (
        export.keeper or nullcontext(),
        Staging(export.target, is_base=plan.partition_by is not None) as staging,
        ExitStack() as still_open,
    ):
        chunks = _Chunks(export, staging, still_open)
        reading = ChunkReads(
            export.reader,
            plan.window,
            plan.chunks,
            chunks.spool,
            budget=export.budget,
            restored=chunks.restored(),
            keep=chunks.keep,
        )
        reads = reading.read()
        for chunk in reads:
            result.add(chunk.result)
        if export.keeper is not None:
            result.requests_before = export.keeper.requests_before
        if export.on_empty != "write" and not any(chunk.result.rows for chunk in reads):
            raise ClockifyNoRowsError(f"The {export.report} report of {plan.window} holds no rows.")
        ready = [(*chunks.file(output), output) for output in plan.outputs]
        if export.reconcile:
            deleted = [
                write_tombstones(staging, output.parts, file.path, export.kind) for file, _, output in ready
            ]
            result.deleted = sum(deleted)
        for file, rows, output in ready:
            path = staging.publish(file.path, *output.parts)
            result.published(
                path, file, rows=rows, window=output.window, is_partition=plan.partition_by is not None
            )
    return result
