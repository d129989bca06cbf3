# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""SQLite: for trials, and for a table in a file."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.columns.tables import ColumnType
from airflow_provider_clockify.service.values import instant
from airflow_provider_clockify.tables.database import Database
from airflow_provider_clockify.tables.statements import Dialect, quoted, sortable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from airflow_provider_clockify.columns.tables import Columns
    from airflow_provider_clockify.tables.statements import Shape, TableName

# SQLite has neither decimals nor instants: text keeps every digit, sorts as instants do, and adds up as numbers.
SQLITE = Dialect(
    name="SQLite",
    types={
        ColumnType.TEXT: "TEXT",
        ColumnType.FLAG: "INTEGER",
        ColumnType.WHOLE: "INTEGER",
        ColumnType.NUMBER: "REAL",
        ColumnType.INSTANT: "TEXT",
        ColumnType.DAY: "TEXT",
        ColumnType.MONEY: "TEXT",
        ColumnType.SECONDS: "INTEGER",
        ColumnType.HOURS: "TEXT",
        ColumnType.TEXTS: "TEXT",
        ColumnType.JSON: "TEXT",
    },
    typed_literals=False,
    # Money always has eight digits after the point, so that whole numbers add up exactly.
    sum_money="sum(CAST(replace({}, '.', '') AS INTEGER))",
    money_scale=8,
)
# Seconds to wait for another load of the file.
BUSY = 600


class SqliteDatabase(Database):
    """
    A file of SQLite.

    :param connection: Of the module ``sqlite3``.
    """

    dialect = SQLITE
    errors: tuple[type[Exception], ...] = (sqlite3.Error,)

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        connection.isolation_level = None  # Transactions begin and end where we say.
        self.execute(f"PRAGMA busy_timeout = {BUSY * 1000}")

    def begin(self) -> None:
        """Begin, and wait until no other connection writes."""
        self.execute("BEGIN IMMEDIATE")

    def lock(self, name: TableName) -> None:
        """Do nothing more: the transaction has locked the file."""

    def types(self, name: TableName) -> Mapping[str, str]:
        """Return the types of a table's columns by name."""
        return {str(column): str(kind) for _, column, kind, *_ in self._info(name)}

    def unfillable(self, name: TableName, filled: Iterable[str]) -> Sequence[str]:
        """Return the columns that must have a value, and get none."""
        needed = {str(row[1]) for row in self._info(name) if row[3] and row[4] is None}
        return sorted(needed - set(filled))

    def fill(self, stage: str, shape: Shape, batches: Iterator[Columns]) -> None:
        """Write rows to the stage."""
        columns = shape.all_columns
        marks = ", ".join("?" for _ in columns)
        insert = f"INSERT INTO {quoted(stage)} VALUES ({marks})"
        for batch in batches:
            values = [sqlite_values(each.type, given) for each, given in zip(columns, batch, strict=True)]
            rows = list(zip(*values, strict=True))
            self.do(lambda rows=rows: self.connection.executemany(insert, rows))  # type: ignore[misc]

    def is_told(self, error: Exception, state: str | None) -> bool:
        """Tell what is not about rows: locks, disks, permissions, and statements, which hold no values of rows."""
        return isinstance(error, sqlite3.OperationalError)

    def is_conflict(self, error: Exception) -> bool:
        """Tell whether another connection has the file."""
        return "locked" in str(error)

    def _info(self, name: TableName) -> list[Sequence[Any]]:
        of = f"{quoted(name.schema)}." if name.schema else ""
        return self.query(f"PRAGMA {of}table_info({quoted(name.table)})")


def sqlite_values(kind: ColumnType, values: Sequence[Any]) -> Sequence[Any]:
    """
    Return values as SQLite holds them.

    :param kind: Type of their column.
    :param values: The values.
    """
    write = _WRITERS.get(kind)
    return values if write is None else [None if value is None else write(value) for value in values]


def money_text(value: Decimal | str) -> str:
    """Write money with eight digits after the point."""
    return f"{Decimal(value):.8f}"


def _instant_text(value: datetime | str) -> str:
    return sortable(instant(value, None) if isinstance(value, str) else value)


def _day_text(value: date) -> str:
    return value.isoformat()


_WRITERS: Mapping[ColumnType, Callable[[Any], Any]] = {
    ColumnType.FLAG: int,
    ColumnType.INSTANT: _instant_text,
    ColumnType.DAY: _day_text,
    ColumnType.MONEY: money_text,
    ColumnType.HOURS: str,
    ColumnType.TEXTS: lambda texts: msgspec.json.encode(texts).decode(),
}
