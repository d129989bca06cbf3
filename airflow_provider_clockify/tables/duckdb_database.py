# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""DuckDB: rows through Arrow, without a copy of them in Python."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.columns.tables import ColumnType
from airflow_provider_clockify.export.formats.parquet_files import ArrowBatches
from airflow_provider_clockify.tables.database import Database
from airflow_provider_clockify.tables.statements import Dialect, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airflow_provider_clockify.columns.tables import Columns
    from airflow_provider_clockify.tables.statements import Shape, TableName

DUCKDB = Dialect(
    name="DuckDB",
    types={
        ColumnType.TEXT: "VARCHAR",
        ColumnType.FLAG: "BOOLEAN",
        ColumnType.WHOLE: "BIGINT",
        ColumnType.NUMBER: "DOUBLE",
        ColumnType.INSTANT: "TIMESTAMP WITH TIME ZONE",
        ColumnType.DAY: "DATE",
        ColumnType.MONEY: "DECIMAL(18,8)",
        ColumnType.SECONDS: "BIGINT",
        ColumnType.HOURS: "DECIMAL(18,6)",
        ColumnType.TEXTS: "VARCHAR[]",
        ColumnType.JSON: "JSON",
    },
    also={ColumnType.JSON: frozenset({"varchar"})},
    has_key=False,
    staged_as={ColumnType.JSON: "VARCHAR"},
    instant_text="strftime({} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')",
)


class DuckDbDatabase(Database):
    """
    A file of DuckDB, which one process has at a time.

    :param connection: Of the module ``duckdb``.
    """

    dialect = DUCKDB
    takes_arrow = True

    def __init__(self, connection: Any) -> None:
        import duckdb

        super().__init__(connection)
        self.errors = (duckdb.Error,)
        self._told = (
            duckdb.CatalogException,
            duckdb.BinderException,
            duckdb.ParserException,
            duckdb.IOException,
            duckdb.TransactionException,
            duckdb.PermissionException,
        )
        self._conflict = duckdb.TransactionException

    def begin(self) -> None:
        """Begin."""
        self.execute("BEGIN TRANSACTION")

    def lock(self, name: TableName) -> None:
        """Do nothing: no other process has the file, and what other threads do conflicts, and is tried again."""

    def types(self, name: TableName) -> Mapping[str, str]:
        """Return the types of a table's columns by name."""
        return {str(column): str(kind) for column, kind, *_ in self._info(name)}

    def unfillable(self, name: TableName, filled: Iterable[str]) -> Sequence[str]:
        """Return the columns that must have a value, and get none."""
        needed = {str(row[0]) for row in self._info(name) if not row[2] and row[3] is None}
        return sorted(needed - set(filled))

    def missing_rights(self, name: TableName, *, creates: bool, widens: bool) -> Sequence[str]:
        """Return that a database in memory keeps nothing, or that it was opened to be read."""
        ((path, read_only),) = self.query(
            "SELECT path, readonly FROM duckdb_databases() WHERE database_name = current_database()"
        )
        if read_only:
            return ["write at all: the connection opens it with read_only"]
        if path is None:
            return ["keep a table: the database is in memory; give the connection the path of a file (host)"]
        return ()

    def fill(self, stage: str, shape: Shape, batches: Iterator[Columns]) -> None:
        """Write rows to the stage; each batch is one insert from Arrow."""
        arrow = ArrowBatches(shape.all_columns)
        view = "clockify_rows"
        for batch in arrow.tables(batches):
            self.do(lambda batch=batch: self.connection.register(view, batch))  # type: ignore[misc]
            self.execute(f"INSERT INTO {quoted(stage)} SELECT * FROM {view}")
            self.do(lambda: self.connection.unregister(view))

    def commit(self) -> None:
        """Commit."""
        self.execute("COMMIT")

    def rollback(self) -> None:
        """Roll back what is not over by itself."""
        with suppress(*self.errors):
            self.connection.execute("ROLLBACK")

    def is_told(self, error: Exception, state: str | None) -> bool:
        """Tell what is not about values of rows."""
        return isinstance(error, self._told)

    def is_conflict(self, error: Exception) -> bool:
        """Tell whether another transaction was quicker."""
        return isinstance(error, self._conflict)

    def _run(self, statement: str, *, fetch: bool = False) -> list[Sequence[Any]]:
        # A cursor of DuckDB is a connection of its own, which sees nothing of the transaction.
        found = self.connection.execute(statement)
        return list(found.fetchall()) if fetch else []

    def _info(self, name: TableName) -> list[Sequence[Any]]:
        where = (
            "schema_name = current_schema()"
            if name.schema is None
            else f"schema_name = {self.dialect.literal(name.schema)}"
        )
        return self.query(
            "SELECT column_name, data_type, is_nullable, column_default FROM duckdb_columns() WHERE database_name = "
            f"current_database() AND {where} AND table_name = {self.dialect.literal(name.table)} ORDER BY column_index"
        )
