# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""PostgreSQL and SQLite through their ADBC drivers: rows as Arrow's columns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.columns.tables import ColumnType
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.export.formats.parquet_files import ArrowBatches
from airflow_provider_clockify.tables.database import Database, names_of
from airflow_provider_clockify.tables.postgres_database import POSTGRESQL, PostgresDatabase
from airflow_provider_clockify.tables.sqlite_database import BUSY, SQLITE, SqliteDatabase, sqlite_values
from airflow_provider_clockify.tables.statements import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_clockify.columns.tables import Columns
    from airflow_provider_clockify.tables.statements import Shape


def adbc_database(connection: Any) -> Database:
    """
    Make a database of an ADBC connection.

    :param connection: DB-API connection of ADBC, without autocommit.
    :raises ClockifyConfigError: it leads to a database whose tables cannot be loaded here.
    """
    vendor = str(connection.adbc_get_info().get("vendor_name"))
    kind = {"PostgreSQL": AdbcPostgresDatabase, "SQLite": AdbcSqliteDatabase}.get(vendor)
    if kind is None:
        connection.close()
        raise ClockifyConfigError(
            f"The ADBC driver leads to {vendor}, whose tables cannot be loaded here; PostgreSQL and SQLite can. Export "
            "Parquet files with ClockifyDetailedReportOperator and load them with its own tools: docs/tables.md shows "
            "how."
        )
    database: Database = kind(connection)
    return database


class AdbcPostgresDatabase(PostgresDatabase):
    """
    A database of PostgreSQL.

    :param connection: DB-API connection of ADBC.
    """

    # Arrow has no JSON: it is staged as text.
    dialect = replace(
        POSTGRESQL, staged_as={ColumnType.JSON: "text"}, cast={ColumnType.JSON: "CAST({} AS jsonb)"}
    )

    def __init__(self, connection: Any) -> None:
        Database.__init__(self, connection)
        self.errors = _errors()

    def fill(self, stage: str, shape: Shape, batches: Iterator[Columns]) -> None:
        """Write rows to the stage; the driver copies them in PostgreSQL's binary form."""
        for rows in ArrowBatches(shape.all_columns).tables(batches):
            self.do(lambda rows=rows: _ingest(self.connection, stage, rows))  # type: ignore[misc]
        self.analyse(stage, shape)


class AdbcSqliteDatabase(SqliteDatabase):
    """
    A file of SQLite.

    :param connection: DB-API connection of ADBC.
    """

    dialect = SQLITE

    def __init__(self, connection: Any) -> None:
        Database.__init__(self, connection)
        self.errors = _errors()
        # Else the driver begins a transaction that reads, and would have to be made one that writes.
        self.do(lambda: connection.adbc_connection.set_autocommit(True))
        self.execute(f"PRAGMA busy_timeout = {BUSY * 1000}")

    def commit(self) -> None:
        """Commit."""
        self.execute("COMMIT")

    def rollback(self) -> None:
        """Roll back what is not over by itself."""
        try:
            self._run("ROLLBACK")
        except self.errors:
            return

    def fill(self, stage: str, shape: Shape, batches: Iterator[Columns]) -> None:
        """Write rows to the stage."""
        import pyarrow as pa

        columns = shape.all_columns
        types = [_ARROW_NAMES.get(self.dialect.types[each.type], "string") for each in columns]
        schema = pa.schema(
            [
                pa.field(name, pa.type_for_alias(kind))
                for name, kind in zip(names_of(columns), types, strict=True)
            ]
        )
        marks = ", ".join("?" for _ in columns)
        insert = f"INSERT INTO {quoted(stage)} VALUES ({marks})"
        for batch in batches:
            values = [sqlite_values(each.type, given) for each, given in zip(columns, batch, strict=True)]
            arrays = [pa.array(each, of.type) for each, of in zip(values, schema, strict=True)]
            rows = pa.RecordBatch.from_arrays(arrays, schema=schema)
            self.do(lambda rows=rows: _execute_many(self.connection, insert, rows))  # type: ignore[misc]

    def is_told(self, error: Exception, state: str | None) -> bool:
        """Tell nothing but locks: the driver's errors are not told apart otherwise."""
        return self.is_conflict(error)


_ARROW_NAMES = {"INTEGER": "int64", "REAL": "float64"}


def _errors() -> tuple[type[Exception], ...]:
    import adbc_driver_manager

    return (adbc_driver_manager.Error,)


def _ingest(connection: Any, stage: str, rows: Any) -> None:
    with connection.cursor() as cursor:
        cursor.adbc_ingest(stage, rows, mode="append", temporary=True)


def _execute_many(connection: Any, statement: str, rows: Any) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)
