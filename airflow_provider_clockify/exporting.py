# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
One export from end to end: plan, read, check, write, publish.

Rows of a chunk first go to private spools, one per output file, and are only written in their final format once the
chunk is proven complete. Nothing gets a final name before everything is proven and written.
"""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from decimal import Decimal
from heapq import merge
from itertools import count, repeat
from typing import IO, TYPE_CHECKING, Any, cast

from airflow_provider_clockify.api.detailed import MAX_READS, OPERATION, DetailedReader, ReadResult
from airflow_provider_clockify.api.values import one_line
from airflow_provider_clockify.exceptions import ClockifyIncompleteError, ClockifyNoRowsError
from airflow_provider_clockify.records import DETAILED, SCHEMA_VERSION, Table
from airflow_provider_clockify.sinks.formats import open_writer
from airflow_provider_clockify.sinks.storage import HashingFile, Staging, Target
from airflow_provider_clockify.window import (
    PartitionUnit,
    Window,
    chunks,
    expand_to_units,
    partition_of,
    partitions,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from airflow_provider_clockify.api.client import ClockifyClient

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Output:
    """
    One file of an export.

    :param window: Time that the file covers.
    :param key: Partition key (``2026-11-01``); empty for an export to one file.
    :param parts: Path below the target; none for the target itself.
    """

    window: Window
    key: str = ""
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What an export will read and write.

    :param window: Time that is read; with partitions grown to whole units.
    :param chunks: Windows of at most 31 days that tile it; a partition never spans two of them.
    :param outputs: Files, in the order of time.
    :param partition_by: Unit of the partitions.
    """

    window: Window
    chunks: Sequence[Window]
    outputs: Sequence[Output]
    partition_by: PartitionUnit | None = None


def make_plan(window: Window, *, partition_by: PartitionUnit | None, file_name: str) -> Plan:
    """
    Plan an export.

    :param window: Time to export.
    :param partition_by: One file per UTC day or month, or ``None`` for one file. Each partition is replaced as a
        whole, so the window grows to whole units: a part of a day must never replace the day.
    :param file_name: Name of the file in each partition folder.
    """
    if partition_by is None:
        return Plan(window, chunks(window), [Output(window)])
    whole = expand_to_units(window, partition_by)
    outputs = [
        Output(partition.window, partition.key, (partition.name, file_name))
        for partition in partitions(whole, partition_by)
    ]
    return Plan(whole, chunks(whole, align=partition_by), outputs, partition_by)


@dataclass(slots=True)
class ExportResult:
    """
    What an export read and published.

    :param paths: Published files, in the order of time.
    :param rows: Rows in them.
    :param bytes: Their size.
    :param sha256: Hash of each file by path.
    :param window: Time they cover.
    :param report: Name of the report.
    :param workspace_id: Workspace.
    :param requests: Requests spent, retries included.
    :param format: File format.
    :param seconds: Duration of all rows, in seconds.
    :param money: Amounts in minor units per currency.
    :param running: Timers that ran when the window was read; not among the rows.
    """

    window: Window
    report: str
    workspace_id: str
    format: str
    paths: list[str] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0
    sha256: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    seconds: Decimal = Decimal(0)
    money: dict[str, Decimal] = field(default_factory=dict)
    running: int = 0

    def add(self, read: ReadResult) -> None:
        """Count a chunk in."""
        self.rows += read.rows
        self.seconds += read.seconds
        self.running += read.running
        for currency, amount in read.money.items():
            self.money[currency] = self.money.get(currency, Decimal(0)) + amount

    def to_xcom(self) -> dict[str, Any]:
        """Give the summary as JSON values; money as text, so that no digit is lost."""
        seconds = int(self.seconds) if self.seconds == int(self.seconds) else float(self.seconds)
        return {
            "paths": self.paths,
            "rows": self.rows,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "window_start": self.window.start_iso,
            "window_end": self.window.end_iso,
            "report": self.report,
            "workspace_id": self.workspace_id,
            "requests": self.requests,
            "format": self.format,
            "totals": {
                "seconds": seconds,
                "amounts_minor_units": {
                    currency: f"{amount:f}" for currency, amount in sorted(self.money.items())
                },
                "running_timers": self.running,
            },
        }


class _Spools:
    """The rows of one chunk, as lines, in one private file per output, and their ids in another."""

    def __init__(
        self, staging: Staging, name: str, outputs: Sequence[Output], unit: PartitionUnit | None
    ) -> None:
        self._unit = unit
        self._paths = {output.key: staging.path(f"{name}-{output.key}.rows") for output in outputs}
        self._files: dict[str, IO[bytes]] = {}
        self.ids = staging.path(f"{name}.ids")
        self._ids: IO[str] | None = None

    def path(self, output: Output) -> Path | None:
        return self._paths.get(output.key)

    def restart(self) -> None:
        self.close()
        self._files = {key: path.open("wb") for key, path in self._paths.items()}
        self._ids = self.ids.open("w", encoding="utf-8")

    def write(self, row_id: str, row: bytes, start: datetime) -> None:
        file = self._files[partition_of(start, self._unit) if self._unit else ""]
        file.write(one_line(row))
        if self._ids is not None:
            self._ids.write(row_id + "\n")

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}
        if self._ids is not None:
            self._ids.close()


@dataclass(frozen=True, slots=True)
class _ChunkRead:
    spools: _Spools
    result: ReadResult
    order: int


class _ChunkReads:
    """All chunks of a plan, each proven complete, and no entry in two of them."""

    def __init__(self, reader: DetailedReader, plan: Plan, staging: Staging) -> None:
        self._reader = reader
        self._plan = plan
        self._staging = staging
        self._order = count()
        self.chunks: list[_ChunkRead] = []

    def read(self) -> None:
        """
        Read every chunk.

        :raises ClockifyIncompleteError: entries keep moving between the chunks.
        """
        self.chunks = [self._read(number) for number in range(len(self._plan.chunks))]
        for _ in range(MAX_READS):
            moved = moved_entries([(chunk.spools.ids, chunk.order) for chunk in self.chunks])
            if not moved:
                return
            log.warning(
                "Entries moved between the chunks while they were read; reading %d again.", len(moved)
            )
            for number in moved:
                self.chunks[number] = self._read(number)
        raise ClockifyIncompleteError(
            f"Entries of {self._plan.window} keep moving while they are read. Nothing was published. Run again when "
            "fewer people edit this window.",
            operation=OPERATION,
        )

    def _read(self, number: int) -> _ChunkRead:
        window = self._plan.chunks[number]
        outputs = [output for output in self._plan.outputs if self._shares(output, window)]
        spools = _Spools(self._staging, str(number), outputs, self._plan.partition_by)
        try:
            result = self._reader.read(window, spools)
        finally:
            spools.close()
        if not self._reader.sorted_by_id:
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
        return _ChunkRead(spools, result, next(self._order))

    @staticmethod
    def _shares(output: Output, window: Window) -> bool:
        return output.window.start < window.end and window.start < output.window.end


def moved_entries(chunks: Sequence[tuple[Path, int]]) -> list[int]:
    """
    Find the chunks that hold an entry which a chunk read later holds, too: its start was edited in between.

    :param chunks: For each chunk the file of its ids, sorted, one a line, and when it was read (a growing number).
    :return: Numbers of the outdated chunks.
    """
    if len(chunks) < 2:
        return []
    outdated: set[int] = set()
    with ExitStack() as stack:
        files = [
            zip(stack.enter_context(path.open(encoding="utf-8")), repeat((order, number)))
            for number, (path, order) in enumerate(chunks)
        ]
        previous, read = "", (0, 0)
        for line, latest in merge(*files):
            if line == previous:
                outdated.add(min(read, latest)[1])
                read = max(read, latest)
            else:
                previous, read = line, latest
    return sorted(outdated)


def export_detailed(
    client: ClockifyClient,
    plan: Plan,
    target: Target,
    *,
    workspace_id: str,
    filters: Mapping[str, Any],
    file_format: str,
    compression: str | None,
    on_empty: str,
) -> ExportResult:
    """
    Export the detailed report.

    :param client: The connection.
    :param plan: What to read and write.
    :param target: Where to.
    :param workspace_id: Workspace.
    :param filters: What :func:`.api.reports.report_filters` returned.
    :param file_format: ``jsonl``, ``csv`` or ``parquet``.
    :param compression: ``gzip``, ``zstd`` or ``None``.
    :param on_empty: ``write`` publishes files without rows; anything else raises :class:`ClockifyNoRowsError`.
    :raises ClockifyNoRowsError: there are no rows.
    :raises ClockifyError: the export could not be made; nothing was published.
    """
    started = time.monotonic()
    before = replace(client.transport.stats)
    result = ExportResult(plan.window, DETAILED.name, workspace_id, file_format)
    reader = DetailedReader(
        client.send, workspace_id=workspace_id, filters=filters, concurrency=client.settings.max_concurrency
    )
    with Staging(target, is_base=plan.partition_by is not None) as staging:
        reads = _ChunkReads(reader, plan, staging)
        reads.read()
        for chunk in reads.chunks:
            result.add(chunk.result)
        if not result.rows and on_empty != "write":
            raise ClockifyNoRowsError(f"No time entries start in {plan.window}.")
        files: list[HashingFile] = []
        for number, output in enumerate(plan.outputs):
            spools = [path for chunk in reads.chunks if (path := chunk.spools.path(output)) is not None]
            file = HashingFile(staging.path(f"{number}.done"))
            metadata = _metadata(DETAILED, output.window, workspace_id)
            write_file(file, spools, DETAILED, file_format, compression, metadata)
            files.append(file)
        for file, output in zip(files, plan.outputs, strict=True):
            final = staging.publish(file.path, *output.parts)
            result.paths.append(final)
            result.bytes += file.size
            result.sha256[final] = file.sha256()
    stats = client.transport.stats
    result.requests = stats.requests - before.requests
    log.info(
        "Exported %d rows of %s into %d file(s), %d bytes: %d requests (%d of them retries), %.1f MB received, "
        "%.1f s waited, %.1f s in all. Running timers left out: %d.",
        result.rows,
        plan.window,
        len(result.paths),
        result.bytes,
        result.requests,
        stats.retries - before.retries,
        (stats.received - before.received) / 1e6,
        stats.waited - before.waited,
        time.monotonic() - started,
        result.running,
    )
    return result


def write_file(
    file: HashingFile,
    spools: Sequence[Path],
    table: Table,
    file_format: str,
    compression: str | None,
    metadata: Mapping[str, str],
) -> None:
    """
    Write spooled rows in their final format.

    :param file: Open private file; closed afterwards.
    :param spools: Files with one JSON object a line, in order.
    :param table: Columns.
    :param file_format: ``jsonl``, ``csv`` or ``parquet``.
    :param compression: ``gzip``, ``zstd`` or ``None``.
    :param metadata: Facts for the file's own metadata.
    """
    with open_writer(cast("IO[bytes]", file), table, file_format, compression, metadata) as writer:
        for spool in spools:
            with spool.open("rb") as lines:
                writer.write(lines)
    file.close()


def _metadata(table: Table, window: Window, workspace_id: str) -> dict[str, str]:
    return {
        "clockify.schema_version": str(SCHEMA_VERSION),
        "clockify.report": table.name,
        "clockify.workspace_id": workspace_id,
        "clockify.window_start": window.start_iso,
        "clockify.window_end": window.end_iso,
    }
