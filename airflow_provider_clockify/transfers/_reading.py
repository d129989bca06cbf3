# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Windows of a report, read into private files and proven, ready to be loaded together.

Each window is proven as the export of a file is. Of several windows of one load, ids that are in two of them tell that
an entry was moved while they were read: the one that was read first is read again.
"""

from __future__ import annotations

import logging
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.exceptions import ClockifyIncompleteError, ClockifyResponseError
from airflow_provider_clockify.export.declared_reports import Asked
from airflow_provider_clockify.export.formats.rows import batches
from airflow_provider_clockify.export.report_export import ReportExport, read_report
from airflow_provider_clockify.export.storage import Staging, Target
from airflow_provider_clockify.export.writing import FileKind
from airflow_provider_clockify.reading.chunk_reading import moved_entries
from airflow_provider_clockify.reading.reader import MAX_READS
from airflow_provider_clockify.service.money import in_units
from airflow_provider_clockify.tables.ledger import Sums
from airflow_provider_clockify.tables.replacing import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from airflow_provider_clockify.columns.privacy import ColumnRules
    from airflow_provider_clockify.columns.tables import Columns, Table
    from airflow_provider_clockify.export.declared_reports import DeclaredReport
    from airflow_provider_clockify.export.keeping import Keeper
    from airflow_provider_clockify.export.plan import Plan
    from airflow_provider_clockify.export.spools import Spools
    from airflow_provider_clockify.reading.budget import Budget
    from airflow_provider_clockify.reading.chunk_reading import ChunkRead
    from airflow_provider_clockify.reading.client import ClockifyClient
    from airflow_provider_clockify.tables.replacing import Reason
    from airflow_provider_clockify.window import Window

log = logging.getLogger(__name__)


def private_target() -> Target:
    """Return where rows lie until they are loaded: the worker's folder for temporary files."""
    return Target(str(Path(tempfile.gettempdir()) / "clockify-table.rows"))


@dataclass(frozen=True, slots=True)
class ReportRead:
    """
    A window that was read, and proven.

    :param chunks: Its chunks, in order; their spools are private files.
    :param began: When the reading began, that of chunks which an earlier attempt had kept included; aware.
    """

    chunks: Sequence[ChunkRead[Spools]]
    began: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    A window that a load replaces.

    :param plan: What is read of it.
    :param reason: Why.
    :param keeper: Keeps its finished chunks for the next attempt.
    """

    plan: Plan
    reason: Reason = "window"
    keeper: Keeper | None = None


@dataclass(slots=True)
class WindowReads:
    """
    Reads windows of one report; a context that removes their private files.

    :param client: Asks.
    :param workspace_id: Workspace.
    :param report: The report.
    :param groups: Its groups.
    :param rules: Columns to leave out or to hash.
    :param budget: Keeps the job within the hourly quota.
    :param fields: Gives the names of custom fields, where a value without one is met.
    :param drop_columns: Columns that are left out: their custom fields need no names.
    """

    client: ClockifyClient
    workspace_id: str
    report: DeclaredReport
    groups: Sequence[str]
    rules: ColumnRules | None
    budget: Budget
    fields: Any
    drop_columns: object = ()
    _reads: list[tuple[int, ReportRead]] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)
    _number: int = 0

    def __enter__(self) -> WindowReads:
        """Begin."""
        return self

    def __exit__(self, *error: Any) -> None:
        """Remove all private files."""
        self._stack.__exit__(*error)

    def read(self, wanted: Sequence[Wanted]) -> list[ReportRead]:
        """
        Read windows, and prove them.

        :param wanted: Disjoint windows.
        :raises ClockifyIncompleteError: one could not be proven complete, or entries keep moving between them.
        """
        self._reads = [self._read(each) for each in wanted]
        for _ in range(MAX_READS):
            outdated = self._outdated()
            if not outdated:
                return [read for _, read in self._reads]
            log.warning(
                "Entries moved between the windows while they were read; reading %d again.", len(outdated)
            )
            for number in outdated:
                self._reads[number] = self._read(wanted[number])
        if not self._outdated():
            return [read for _, read in self._reads]
        raise ClockifyIncompleteError(
            f"Entries keep moving between the {len(wanted)} windows of this load while they are read. Run again "
            "when fewer people edit them."
        )

    def parts(self, wanted: Sequence[Wanted]) -> list[Part]:
        """
        Return what was read as parts of a load.

        :param wanted: What :meth:`read` was given.
        """
        return [
            Part(
                window=each.plan.window,
                read_at=read.began,
                rows=partial(self._rows, each.plan, read),
                arrays=partial(self._rows, each.plan, read),
                expected=self._expected(read),
                reason=each.reason,
            )
            for each, (_, read) in zip(wanted, self._reads, strict=True)
        ]

    def table(self, window: Window) -> Table:
        """Return the columns of the rows of a window, without those that are left out."""
        table = self.report.named_table(self.groups, self.fields, (), self.drop_columns, window)
        return self.rules.table(table) if self.rules else table

    def _read(self, wanted: Wanted) -> tuple[int, ReportRead]:
        target = private_target()
        staging = self._stack.enter_context(Staging(target, is_base=False))
        job = ReportExport(
            self.report.name,
            self.workspace_id,
            wanted.plan,
            target,
            FileKind("jsonl", rules=self.rules),
            "write",
            self.budget,
            wanted.keeper,
            reader=self.report.reader(
                Asked(
                    self.client,
                    self.workspace_id,
                    {},
                    self.groups,
                    self.budget.first_page,
                    wanted.plan.window.zone,
                )
            ),
            table=partial(self.report.table, self.groups),
        )
        self._number += 1
        chunks, began = read_report(job, staging)
        return self._number, ReportRead(chunks, began)

    def _outdated(self) -> list[int]:
        """Find the windows that hold an id which a window read later holds, too."""
        if len(self._reads) < 2 or self.report.id_column is None:
            return []
        chunks = [
            (number, chunk.spool.ids.path, order)
            for number, (order, read) in enumerate(self._reads)
            for chunk in read.chunks
        ]
        moved = moved_entries([(path, order) for _, path, order in chunks])
        return sorted({chunks[place][0] for place in moved})

    def _expected(self, read: ReportRead) -> Sums | None:
        """Return what was proven, where the rows of the table are those of the report."""
        if self.report.id_column is None:
            return None
        results = [chunk.result for chunk in read.chunks]
        amounts: dict[str, Decimal] = {}
        for result in results:
            for code, amount in result.money.items():
                amounts[code] = amounts.get(code, Decimal(0)) + in_units(amount)
        return Sums(
            sum(result.rows for result in results),
            sum((result.seconds for result in results), Decimal(0)),
            amounts,
        )

    def _rows(self, plan: Plan, read: ReportRead, arrow: Any = None) -> Iterator[Columns]:
        for window, chunk in zip(plan.chunks, read.chunks, strict=True):
            yield from rows_of_file(chunk.spool.path(plan.outputs[0]), self.table(window), arrow)


def rows_of_file(path: Path, table: Table, arrow: Any = None) -> Iterator[Columns]:
    """
    Return the values of a private file, column by column, in batches.

    :param path: One JSON object a line.
    :param table: From items to rows.
    :param arrow: Where the columns become Arrow's: the module ``pyarrow``.
    :raises ClockifyResponseError: an item does not fit; the table is named.
    """
    try:
        with path.open("rb") as lines:
            yield from batches(lines, table, arrow)
    except ClockifyResponseError as error:
        raise ClockifyResponseError(f"{table.name}: {error}", operation=error.operation) from error


def missing_of(report: DeclaredReport) -> Mapping[str, str]:
    """
    Return what a report cannot do in a table, by parameter, each with the reason.

    :param report: The report.
    """
    found = {}
    if report.id_column is None or report.position_column != "start":
        found["audit"] = found["follow_changes"] = (
            "it compares entries of the detailed report by day; other reports are replaced window by window"
        )
    if report.name == "summary":
        found["lookback"] = (
            "sums of windows that overlap count the same time twice; give windows that follow each other"
        )
    return found
