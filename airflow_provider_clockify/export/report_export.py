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

from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_clockify.exceptions import ClockifyNoRowsError
from airflow_provider_clockify.export.result import ExportResult
from airflow_provider_clockify.export.spools import Spools
from airflow_provider_clockify.export.storage import HashingFile, Staging, Target
from airflow_provider_clockify.export.tombstones import write_tombstones
from airflow_provider_clockify.export.writing import FileKind, OutputFile
from airflow_provider_clockify.reading.chunk_reading import ChunkRead, ChunkReads
from airflow_provider_clockify.reading.reader import ReadResult
from airflow_provider_clockify.window import zone_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_clockify.columns.tables import Table
    from airflow_provider_clockify.export.keeping import Keeper
    from airflow_provider_clockify.export.plan import Output, Plan
    from airflow_provider_clockify.reading.budget import Budget
    from airflow_provider_clockify.reading.reader import Reader
    from airflow_provider_clockify.window import Window

    Ready = tuple[HashingFile, int, Output]


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
    :param budget: Keeps the export within the hourly quota.
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
        :return: Each file, the number of its rows, and what it is of the plan; and whether it is known that there are
            no rows.
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
        """Read all chunks into spools, prove them together, and write each file; none if it is to have rows."""
        with ExitStack() as still_open:
            chunks = _WrittenChunks(self, staging, still_open)
            reads = chunks.read()
            for chunk in reads:
                result.add(chunk.result)
            if self.keeper is not None:
                result.requests_before = self.keeper.requests_before
            is_empty = not any(chunk.result.rows for chunk in reads)
            if is_empty and self.on_empty != "write":
                return (), True
            return [(*chunks.file(output), output) for output in self.plan.outputs], is_empty


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
            ready.append((file, rows or 0, output))
            counts.append(rows)
        return ready, not any(counts) and counts != [None] * len(counts)


class KeptChunks:
    """
    Reads the chunks of a plan into spools, and goes on after what an interrupted attempt has left of them.

    :param export: What is exported.
    :param staging: Private folder; entered.
    :ivar began: When the reading began, that of chunks which an earlier attempt had kept included; aware.
    """

    def __init__(self, export: ReportExport, staging: Staging) -> None:
        self._export = export
        self._plan = export.plan
        self._is_one = len(export.plan.chunks) == 1
        # One chunk has nothing to go on after.
        self._keeper = None if self._is_one else export.keeper
        self._staging = staging
        self._reads: dict[int, ChunkRead[Spools]] = {}
        self.began = datetime.now(UTC)

    def read(self) -> Sequence[ChunkRead[Spools]]:
        """
        Read the chunks, in order, and prove all of them together.

        :raises ClockifyError: one could not be read, or not be proven complete.
        """
        reading = ChunkReads(
            self._export.reader,
            self._plan.window,
            self._plan.chunks,
            self._spool,
            budget=self._export.budget,
            restored=self._restored(),
            keep=self._keep,
        )
        return reading.read()

    def _spool(self, number: int) -> Spools:
        """Make an empty spool for a chunk."""
        window = self._plan.chunks[number]
        outputs = [output for output in self._plan.outputs if output.window.overlaps(window)]
        # Rows that stay as they came need no second writing, if no file is put together from several chunks.
        is_final = self._export.kind.is_as_sent and all(
            window.start <= output.window.start and output.window.end <= window.end for output in outputs
        )
        return Spools(self._staging, str(number), outputs, is_final=is_final)

    def _restored(self) -> Mapping[int, ChunkRead[Spools]]:
        """Bring back the chunks that an earlier attempt has read."""
        if self._keeper is not None:
            for number in range(len(self._plan.chunks)):
                spools = self._spool(number)
                facts = self._keeper.take(str(number), spools.paths)
                if facts is not None:
                    result = msgspec.convert(facts["result"], ReadResult)
                    self._reads[number] = ChunkRead(spools, result, facts["order"])
                    self.began = min(self.began, datetime.fromisoformat(facts["began"]))
            self._keeper.say(len(self._plan.chunks))
        return dict(self._reads)

    def _keep(self, number: int, chunk: ChunkRead[Spools]) -> None:
        """Keep a chunk."""
        if self._keeper is not None:
            facts = {
                "result": msgspec.to_builtins(chunk.result),
                "order": chunk.order,
                "began": self.began.isoformat(),
            }
            self._keeper.put(str(number), chunk.spool.paths, facts)
        self._reads[number] = chunk


def read_report(export: ReportExport, staging: Staging) -> tuple[Sequence[ChunkRead[Spools]], datetime]:
    """
    Read a report into private files, proven, and write nothing of it.

    :param export: What to read.
    :param staging: Private folder; entered.
    :return: Its chunks, in order, and when their reading began (aware).
    :raises ClockifyError: it could not be read, or not be proven complete.
    """
    kept = KeptChunks(export, staging)
    return kept.read(), kept.began


class _WrittenChunks(KeptChunks):
    """
    Reads the chunks of a plan, and writes the files that they become.

    Of several chunks, each is written as soon as it is proven, while pages of the next ones are on their way. A file
    with a chunk that is read again later is written anew.
    """

    def __init__(self, export: ReportExport, staging: Staging, still_open: ExitStack) -> None:
        super().__init__(export, staging)
        self._still_open = still_open
        self._written = 0
        # By the key of the output: its file, and which reads are in it.
        self._files: dict[str, tuple[OutputFile, list[int]]] = {}

    def _keep(self, number: int, chunk: ChunkRead[Spools]) -> None:
        """Keep a chunk, and write all that come before the first one that is still to be read."""
        super()._keep(number, chunk)
        while not self._is_one and self._written in self._reads:
            spool = self._reads[self._written].spool
            for output in spool.outputs:
                if spool.finished(output) is None:
                    self._write(output, self._written)
            self._written += 1

    def file(self, output: Output) -> tuple[HashingFile, int]:
        """Return the finished file of an output, and the number of its rows."""
        reads = {n: read for n, read in sorted(self._reads.items()) if output in read.spool}
        for read in reads.values():
            if (finished := read.spool.finished(output)) is not None:
                return finished
        file, orders = self._files.pop(output.key, (None, []))
        if file is None or orders != [read.order for read in reads.values()]:
            if file is not None:
                file.close()
            for number in reads:
                file = self._write(output, number)
        assert file is not None, "the chunks tile the window of every output"
        file.close()
        return file.file, file.rows

    def _write(self, output: Output, number: int) -> OutputFile:
        """Append a chunk's rows to the file of an output."""
        export, window, read = self._export, self._plan.chunks[number], self._reads[number]
        if output.key not in self._files:
            metadata = {
                "clockify.report": export.report,
                "clockify.workspace_id": export.workspace_id,
                "clockify.window_start": output.window.start_iso,
                "clockify.window_end": output.window.end_iso,
                "clockify.timezone": zone_name(output.window.zone),
            }
            private = OutputFile(self._staging.path(f"{output.key}.done"), export.kind, metadata)
            self._files[output.key] = self._still_open.enter_context(closing(private)), []
        file, orders = self._files[output.key]
        # A report of weeks has several windows in one file, each with rows of its own.
        table = export.table(window if len(self._plan.outputs) == 1 else output.window)
        file.add(table, read.spool.path(output))
        orders.append(read.order)
        if output.window.end <= window.end:
            file.close()
        return file


def export_report(export: Export) -> ExportResult:
    """
    Export a report.

    :param export: What to export.
    :return: What was read and published.
    :raises ClockifyNoRowsError: there are no rows, and ``on_empty`` is not ``write``.
    :raises ClockifyError: the export could not be made; nothing was published.
    """
    plan, kind, is_base = export.plan, export.kind, export.plan.partition_by is not None
    result = ExportResult(
        plan.window, export.report, export.workspace_id, kind.file_format, export.target.output_path
    )
    with export.keeper or nullcontext(), Staging(export.target, is_base=is_base) as staging:
        ready, is_empty = export.files(staging, result)
        if is_empty and export.on_empty != "write":
            raise ClockifyNoRowsError(f"The {export.report} report of {plan.window} holds no rows.")
        if export.reconcile:
            deleted = [write_tombstones(staging, output.parts, file.path, kind) for file, _, output in ready]
            result.deleted = sum(deleted)
        for file, rows, output in ready:
            path = staging.publish(file.path, *output.parts)
            result.published(path, file, rows=rows, window=output.window, is_partition=is_base)
    return result
