# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The export of a report from end to end: read, check, write, publish.

Rows of a chunk first go to private spools, one per output file, and are only written in their final format once the
chunk is proven complete. Nothing gets a final name before everything is proven and written. Of several chunks, each
proven one is kept for the next attempt, should this one be interrupted.
"""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import msgspec

from airflow_provider_clockify.api.report_reader import MAX_READS, ReadResult, ReportReader
from airflow_provider_clockify.exceptions import ClockifyIncompleteError, ClockifyNoRowsError
from airflow_provider_clockify.exports.files import FileKind, write_file
from airflow_provider_clockify.exports.result import ExportResult
from airflow_provider_clockify.exports.spools import Spools, moved_entries
from airflow_provider_clockify.exports.tombstones import write_tombstones
from airflow_provider_clockify.sinks.storage import HashingFile, Staging, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_clockify.api.budget import Budget
    from airflow_provider_clockify.api.report_reader import RowSink
    from airflow_provider_clockify.exports.plan import Output, Plan
    from airflow_provider_clockify.records.tables import Table
    from airflow_provider_clockify.sinks.keeping import Keeper
    from airflow_provider_clockify.window import Window

log = logging.getLogger(__name__)

# Seconds that a thread may keep the interpreter while others want it.
HANDOFF = 0.0005


class Reader(Protocol):
    """Reads one kind of report, one window at a time."""

    sorted_by_id: bool

    def read(self, window: Window, sink: RowSink) -> ReadResult:
        """Hand all rows of the window to the sink, proven complete."""


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


@dataclass(frozen=True, slots=True)
class _ChunkRead:
    spools: Spools
    result: ReadResult
    order: int


class _ChunkReads:
    """All chunks of a plan, each proven complete, and no entry in two of them."""

    def __init__(self, job: ReportExport, staging: Staging) -> None:
        self._reader = job.reader
        self._plan = job.plan
        self._budget = job.budget
        # One chunk has nothing to go on after.
        self._keeper = job.keeper if len(job.plan.chunks) > 1 else None
        self._staging = staging
        self._order = 0
        # Rows that stay as they came need no second writing, if no file is put together from several chunks.
        self._is_final = job.kind.is_as_sent and (
            len(job.plan.chunks) == 1 or job.plan.partition_by is not None
        )
        self.chunks: list[_ChunkRead] = []

    def read(self) -> None:
        """
        Read every chunk.

        :raises ClockifyIncompleteError: entries keep moving between the chunks.
        """
        kept = [self._take(number) for number in range(len(self._plan.chunks))]
        self._order = max((chunk.order for chunk in kept if chunk), default=-1) + 1
        missing = [number for number, chunk in enumerate(kept) if chunk is None]
        following = dict(pairwise(missing))
        try:
            for number, chunk in enumerate(kept):
                if chunk is None:
                    self._announce(following.get(number))
                    chunk = self._read(number, len(missing) - missing.index(number))
                self.chunks.append(chunk)
        finally:
            if isinstance(self._reader, ReportReader):
                self._reader.give_up()
        for _ in range(MAX_READS):
            moved = moved_entries([(chunk.spools.ids, chunk.order) for chunk in self.chunks])
            if not moved:
                return
            log.warning(
                "Entries moved between the chunks while they were read; reading %d again.", len(moved)
            )
            for number in moved:
                self.chunks[number] = self._read(number, 1)
        raise ClockifyIncompleteError(
            f"Rows of {self._plan.window} keep moving while they are read. Nothing was published. Run again when "
            "fewer people edit this window."
        )

    def _announce(self, number: int | None) -> None:
        if isinstance(self._reader, ReportReader):
            is_free = self._budget is None or not self._budget.is_limited
            self._reader.announce(self._plan.chunks[number] if number is not None and is_free else None)

    def _spools(self, number: int) -> Spools:
        window = self._plan.chunks[number]
        outputs = [output for output in self._plan.outputs if self._shares(output, window)]
        return Spools(self._staging, str(number), outputs, self._plan.partition_by, is_final=self._is_final)

    def _take(self, number: int) -> _ChunkRead | None:
        spools = self._spools(number)
        facts = self._keeper.take(str(number), spools.paths) if self._keeper else None
        if facts is None:
            return None
        return _ChunkRead(spools, msgspec.convert(facts["result"], ReadResult), facts["order"])

    def _read(self, number: int, parts: int) -> _ChunkRead:
        if self._budget is not None:
            self._budget.begin(parts)
        window = self._plan.chunks[number]
        spools = self._spools(number)
        try:
            result = self._reader.read(window, spools)
        finally:
            spools.close()
        if not self._reader.sorted_by_id or not spools.plain_ids:
            lines = sorted(spools.ids.read_text(encoding="utf-8").splitlines(keepends=True))
            spools.ids.write_text("".join(lines), encoding="utf-8")
        log.info(
            "Read %s (%d of %d): %d rows in %d pages.",
            window,
            number + 1,
            len(self._plan.chunks),
            result.rows,
            result.pages,
        )
        chunk = _ChunkRead(spools, result, self._order)
        self._order += 1
        if self._keeper is not None:
            facts = {"result": msgspec.to_builtins(result), "order": chunk.order}
            self._keeper.put(str(number), spools.paths, facts)
        return chunk

    @staticmethod
    def _shares(output: Output, window: Window) -> bool:
        return output.window.start < window.end and window.start < output.window.end


@contextmanager
def _quick_handoff() -> Iterator[None]:
    """
    Let threads that have something from the wire run sooner.

    While one thread decodes, the others wait for the interpreter, 5 ms each time by default: as long as for a quick
    service (docs/performance.md). The setting is the process's, which is a task's own.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, HANDOFF))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


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
    if job.keeper is not None:
        result.requests_before = job.keeper.requests_before
    with job.keeper or nullcontext(), Staging(job.target, is_base=plan.partition_by is not None) as staging:
        reads = _ChunkReads(job, staging)
        with _quick_handoff():
            reads.read()
        for chunk in reads.chunks:
            result.add(chunk.result)
        if job.on_empty != "write" and not any(chunk.result.rows for chunk in reads.chunks):
            raise ClockifyNoRowsError(f"The {job.report} report of {plan.window} holds no rows.")
        ready: list[tuple[HashingFile, Output, int]] = []
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
                for window, chunk in zip(plan.chunks, reads.chunks, strict=True)
                if (spool := chunk.spools.path(output)) is not None
            ]
            finished = next(
                (found for chunk in reads.chunks if (found := chunk.spools.finished(output))), None
            )
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
            result.more["deleted"] = sum(deleted)
        for file, output, rows in ready:
            path = staging.publish(file.path, *output.parts)
            result.published(
                path, file, rows=rows, window=output.window, is_partition=plan.partition_by is not None
            )
    return result
