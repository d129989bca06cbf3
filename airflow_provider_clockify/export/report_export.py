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
from datetime import UTC, datetime
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
class _Export:
    """
    What every export of a report has.

    :param report: Name of the report.
    :param workspace_id: Workspace.
    :param plan: Chunks to read and files to write.
    :param target: Where to.
    :param kind: Format of the files.
    :param on_empty: ``write`` publishes files without rows; anything else raises.
    :param budget: Keeps the job within the hourly quota.
    """

    report: str
    workspace_id: str
    plan: Plan
    target: Target
    kind: FileKind
    on_empty: str = "write"
    budget: Budget | None = None

    def publish(self, staging: Staging, result: ExportResult, ready: Sequence[Ready]) -> None:
        """
        Publish finished private files.

        :param ready: Each file, what it is of the plan, and its rows.
        """
        for file, output, rows in ready:
            path = staging.publish(file.path, *output.parts)
            is_partition = self.plan.partition_by is not None
            result.published(path, file, rows=rows, window=output.window, is_partition=is_partition)

    def refuse_empty(self) -> None:
        """
        Refuse an export without rows, if it is to be refused.

        :raises ClockifyNoRowsError: ``on_empty`` is not ``write``.
        """
        if self.on_empty != "write":
            raise ClockifyNoRowsError(f"The {self.report} report of {self.plan.window} holds no rows.")

    def result(self) -> ExportResult:
        """Return a result in which nothing has been published yet."""
        return ExportResult(
            self.plan.window, self.report, self.workspace_id, self.kind.file_format, self.target.output_path
        )

    def staging(self) -> Staging:
        """Return the private folder of the export."""
        return Staging(self.target, is_base=self.plan.partition_by is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportExport(_Export):
    """
    An export of the rows of a report.

    :param reader: Reads it.
    :param table: Columns of the file of a window.
    :param reconcile: Whether to compare with the files that are there, and to write tombstones.
    :param keeper: Keeps finished chunks for the next attempt.
    """

    reader: Reader
    table: Callable[[Window], Table]
    reconcile: bool = False
    keeper: Keeper | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedExport(_Export):
    """
    An export of files that the service renders.

    :param download: From a window to the file and the number of its rows, where the service says it.
    """

    download: Callable[[Window], tuple[bytes, int | None]]


class _KeptChunks:
    """The spools of a plan's chunks, and what an interrupted attempt has left of them."""

    def __init__(self, job: ReportExport, staging: Staging) -> None:
        self._plan = job.plan
        # One chunk has nothing to go on after.
        self._keeper = job.keeper if len(job.plan.chunks) > 1 else None
        self._staging = staging
        self.began = datetime.now(UTC)
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
                self.began = min(self.began, datetime.fromisoformat(facts["began"]))
        self._keeper.say(len(self._plan.chunks))
        return found

    def keep(self, number: int, chunk: ChunkRead[Spools]) -> None:
        """Keep a chunk."""
        if self._keeper is not None:
            facts = {
                "result": msgspec.to_builtins(chunk.result),
                "order": chunk.order,
                "began": self.began.isoformat(),
            }
            self._keeper.put(str(number), chunk.spool.paths, facts)


@dataclass(frozen=True, slots=True)
class ReportRead:
    """
    A report that was read, and proven.

    :param chunks: Its chunks, in order; their spools are private files.
    :param began: When the reading began, that of chunks which an earlier attempt had kept included; aware.
    """

    chunks: Sequence[ChunkRead[Spools]]
    began: datetime


def read_report(job: ReportExport, staging: Staging) -> ReportRead:
    """
    Read a report into private files.

    :param job: What to read.
    :param staging: Private folder; entered.
    :raises ClockifyError: it could not be read, or not be proven complete.
    """
    kept = _KeptChunks(job, staging)
    restored = kept.restored()
    reading = ChunkReads(
        job.reader,
        job.plan.window,
        job.plan.chunks,
        kept.spool,
        budget=job.budget,
        restored=restored,
        keep=kept.keep,
    )
    return ReportRead(reading.read(), kept.began)


def export_report(job: ReportExport) -> ExportResult:
    """
    Export a report.

    :param job: What to export.
    :return: What was read and published.
    :raises ClockifyNoRowsError: there are no rows, and ``on_empty`` is not ``write``.
    :raises ClockifyError: the export could not be made; nothing was published.
    """
    plan, result = job.plan, job.result()
    with job.keeper or nullcontext(), job.staging() as staging:
        chunks = read_report(job, staging).chunks
        for chunk in chunks:
            result.add(chunk.result)
        if job.keeper is not None:
            result.requests_before = job.keeper.requests_before
        if not any(chunk.result.rows for chunk in chunks):
            job.refuse_empty()
        ready: list[Ready] = []
        for number, output in enumerate(plan.outputs):
            metadata = {
                "clockify.report": job.report,
                "clockify.workspace_id": job.workspace_id,
                "clockify.window_start": output.window.start_iso,
                "clockify.window_end": output.window.end_iso,
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
        job.publish(staging, result, ready)
    return result


def export_rendered(job: RenderedExport) -> ExportResult:
    """
    Export files of the service, one request (and one for the count) per file.

    :param job: What to export.
    :return: What was published; ``rows`` as the service counts them, 0 where it does not say.
    :raises ClockifyNoRowsError: there are no rows, and ``on_empty`` is not ``write``.
    :raises ClockifyError: the export could not be made; nothing was published.
    """
    outputs, result = job.plan.outputs, job.result()
    counts: list[int | None] = []
    with job.staging() as staging:
        ready: list[Ready] = []
        for number, output in enumerate(outputs):
            if job.budget is not None:
                job.budget.begin(len(outputs) - number)
            content, rows = job.download(output.window)
            counts.append(rows)
            file = HashingFile(staging.path(f"{number}.done"))
            file.write(content)
            file.close()
            ready.append((file, output, rows or 0))
        if not any(counts) and any(rows is not None for rows in counts):
            job.refuse_empty()
        job.publish(staging, result, ready)
    return result
