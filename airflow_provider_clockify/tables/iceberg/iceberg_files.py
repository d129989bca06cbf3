# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Data files of one state of a table: written, read in streams, and rewritten without some of their rows.

The library's own ``delete`` and ``append`` would make a snapshot each, and whoever travels in time could meet the
table between two of them. So files are written here and handed to one snapshot; the library's function that writes
them (``_dataframe_to_data_files``) is not a public one, and is named in this module only.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.columns.tables import ColumnType
from airflow_provider_clockify.export.formats.parquet_files import arrow
from airflow_provider_clockify.tables.ledger import WORKSPACE
from airflow_provider_clockify.tables.statements import bounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from airflow_provider_clockify.columns.tables import Column
    from airflow_provider_clockify.tables.statements import Shape
    from airflow_provider_clockify.window import Window

# Rows of one file: more take more memory, fewer make more files.
FILE_ROWS = 20_000
# Files with no more rows are joined by the loads that touch their partition.
SMALL_ROWS = 5_000


@dataclass(slots=True)
class DataFiles:
    """
    Files of a state of a table.

    :param metadata: Metadata of the state, which may not be committed yet.
    :param io: The store of the files.
    :ivar written: Files that were written, and are not committed.
    """

    metadata: Any
    io: Any
    written: list[Any] = field(default_factory=list)

    def write(self, tables: Iterable[Any], order: Sequence[str]) -> list[Any]:
        """
        Write rows.

        :param tables: Tables of Arrow with names of our columns, of any size.
        :param order: Columns by which the rows of a file are sorted.
        :return: Files for a snapshot.
        """
        found: list[Any] = []
        # One file is written while the rows of the next one are made: libraries do the former without Python's lock.
        with ThreadPoolExecutor(1, thread_name_prefix="clockify-iceberg") as writer:
            before: Future[list[Any]] | None = None
            try:
                for rows in gathered(tables):
                    if before is not None:
                        found += before.result()
                    before = writer.submit(self._write, rows, order)
            finally:
                if before is not None:
                    found += before.result()
        return found

    def _write(self, rows: Any, order: Sequence[str]) -> list[Any]:
        from pyiceberg.io.pyarrow import _dataframe_to_data_files

        ordered = rows.sort_by([(name, "ascending") for name in order])
        found = list(_dataframe_to_data_files(self.metadata, ordered, self.io))
        self.written += found
        # What a file has taken goes back to the system, else it stays until the process ends.
        arrow().default_memory_pool().release_unused()
        return found

    def files(self, condition: Any) -> list[Any]:
        """
        Return the files that may hold rows of a condition; as scans know them.

        :param condition: Expression of Iceberg.
        """
        return list(self._scan(condition).plan_files())

    def small_beside(self, files: Iterable[Any]) -> list[Any]:
        """
        Return small files of the partitions of others, as many as fit into one file; as scans know them.

        :param files: As snapshots know them.
        """
        from pyiceberg.expressions import AlwaysTrue

        partitions = {each.partition for each in files}
        found: list[Any] = []
        left = FILE_ROWS
        for each in self.files(AlwaysTrue()) if partitions else ():
            rows = each.file.record_count
            if each.file.partition in partitions and rows <= min(SMALL_ROWS, left):
                found.append(each)
                left -= rows
        return found

    def rows(self, file: Any, columns: Sequence[str] | None = None) -> Iterator[Any]:
        """
        Return all rows of a file that are not deleted, in batches of Arrow.

        :param file: As :meth:`files` returned it.
        :param columns: Columns that are read; all by default.
        """
        from pyiceberg.expressions import AlwaysTrue
        from pyiceberg.io.pyarrow import ArrowScan

        schema = self.metadata.schema()
        wanted = schema if columns is None else schema.select(*columns)
        yield from ArrowScan(self.metadata, self.io, wanted, AlwaysTrue()).to_record_batches([file])

    def read(self, condition: Any, columns: Sequence[str]) -> Iterator[Any]:
        """
        Return the rows of a condition, in batches of Arrow, file by file.

        :param condition: Expression of Iceberg.
        :param columns: Columns that are read.
        """
        from pyiceberg.io.pyarrow import ArrowScan

        wanted = self.metadata.schema().select(*columns)
        for file in self.files(condition):
            yield from ArrowScan(self.metadata, self.io, wanted, condition).to_record_batches([file])
            arrow().default_memory_pool().release_unused()

    def remove_written(self) -> None:
        """Remove what was written and is not committed; what cannot be removed, nothing refers to."""
        for each in self.written:
            with suppress(Exception):
                self.io.delete(each.file_path)
        self.written = []

    def _scan(self, condition: Any) -> Any:
        from pyiceberg.table import DataScan

        return DataScan(table_metadata=self.metadata, io=self.io, row_filter=condition)


def gathered(tables: Iterable[Any], rows: int = FILE_ROWS) -> Iterator[Any]:
    """
    Join tables to larger ones.

    :param tables: Tables, or batches, of Arrow with the same columns.
    :param rows: Rows from which on a table is large enough.
    """
    pa = arrow()
    some: list[Any] = []
    for each in tables:
        if each.num_rows:
            some.append(pa.Table.from_batches([each]) if isinstance(each, pa.RecordBatch) else each)
        if sum(table.num_rows for table in some) >= rows:
            yield pa.concat_tables(some)
            some = []
    if some:
        yield pa.concat_tables(some)


# --- conditions, for Iceberg and for Arrow ---------------------------------------------------------------------------


def of_workspace(workspace_id: str) -> Any:
    """
    Return the condition that a row is of a workspace.

    :param workspace_id: Workspace.
    """
    from pyiceberg.expressions import EqualTo

    return EqualTo(WORKSPACE, workspace_id)


def all_of(*conditions: Any) -> Any:
    """Return the condition that all of some hold."""
    from pyiceberg.expressions import And

    return conditions[0] if len(conditions) == 1 else And(*conditions)


def any_of(*conditions: Any) -> Any:
    """Return the condition that one of some holds; of none, that there is no row."""
    from pyiceberg.expressions import AlwaysFalse, Or

    if not conditions:
        return AlwaysFalse()
    return conditions[0] if len(conditions) == 1 else Or(*conditions)


def between(name: str, low: Any, high: Any) -> Any:
    """
    Return the condition that a value lies between two, both included.

    :param name: Column.
    :param low: Lowest value.
    :param high: Highest value.
    """
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThanOrEqual

    return And(GreaterThanOrEqual(name, low), LessThanOrEqual(name, high))


def in_windows(position: Column, windows: Iterable[Window]) -> Any:
    """
    Return the condition that a row is in one of several windows.

    :param position: Column of instants, or of days.
    :param windows: Half-open windows.
    """
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan

    found = []
    for window in windows:
        start, end = (each.isoformat() for each in bounds(position, window))
        found.append(And(GreaterThanOrEqual(position.name, start), LessThan(position.name, end)))
    return any_of(*found)


def mask_of_windows(rows: Any, position: Column, windows: Iterable[Window]) -> Any:
    """
    Tell of each row whether it is in one of several windows.

    :param rows: Batch or table of Arrow.
    :param position: Column of instants, or of days.
    :param windows: Half-open windows.
    :return: Flags of Arrow, never empty ones.
    """
    pa = arrow()
    values = rows.column(position.name)
    kind = pa.timestamp("us", tz="UTC") if position.type is ColumnType.INSTANT else pa.date32()
    found = nowhere(rows)
    for window in windows:
        start, end = (pa.scalar(each, kind) for each in bounds(position, window))
        inside = pa.compute.and_(pa.compute.greater_equal(values, start), pa.compute.less(values, end))
        found = pa.compute.or_(found, pa.compute.fill_null(inside, fill_value=False))
    return found


def nowhere(rows: Any) -> Any:
    """
    Return flags of Arrow that are all unset.

    :param rows: Batch or table of Arrow.
    """
    return arrow().repeat(arrow().scalar(value=False), rows.num_rows)


def everywhere(rows: Any) -> Any:
    """
    Return flags of Arrow that are all set.

    :param rows: Batch or table of Arrow.
    """
    return arrow().repeat(arrow().scalar(value=True), rows.num_rows)


def is_in(values: Any, some: Any) -> Any:
    """
    Tell of each value whether it is one of some.

    :param values: Texts of Arrow.
    :param some: Texts of Arrow, an array.
    """
    pa = arrow()
    return pa.compute.is_in(values.cast(pa.string()), value_set=some)


def summed(shape: Shape) -> list[str]:
    """
    Return the columns that are added up.

    :param shape: What the table holds.
    """
    return [name for name in (shape.seconds, shape.amount, shape.currency) if name is not None]
