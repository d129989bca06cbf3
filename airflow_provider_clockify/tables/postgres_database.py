# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""PostgreSQL, with psycopg 3 or psycopg2: advisory locks, COPY."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.columns.tables import ColumnType
from airflow_provider_clockify.tables.copy_text import copy_rows
from airflow_provider_clockify.tables.database import Database, names_of
from airflow_provider_clockify.tables.ledger import READ_AT, WORKSPACE
from airflow_provider_clockify.tables.statements import Dialect, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airflow_provider_clockify.columns.tables import Columns
    from airflow_provider_clockify.tables.statements import Shape, TableName

POSTGRESQL = Dialect(
    name="PostgreSQL",
    types={
        ColumnType.TEXT: "text",
        ColumnType.FLAG: "boolean",
        ColumnType.WHOLE: "bigint",
        ColumnType.NUMBER: "double precision",
        ColumnType.INSTANT: "timestamptz",
        ColumnType.DAY: "date",
        ColumnType.MONEY: "numeric(18, 8)",
        ColumnType.SECONDS: "bigint",
        ColumnType.HOURS: "numeric(18, 6)",
        ColumnType.TEXTS: "text[]",
        ColumnType.JSON: "jsonb",
    },
    also={
        ColumnType.MONEY: frozenset({"numeric"}),
        ColumnType.HOURS: frozenset({"numeric"}),
        ColumnType.JSON: frozenset({"json"}),
        ColumnType.SECONDS: frozenset({"numeric"}),
        ColumnType.WHOLE: frozenset({"numeric"}),
    },
    stage="CREATE TEMP TABLE {name} ({columns}) ON COMMIT DROP",
    takes_nul=False,
    instant_text="""to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
)
BLOCK = 1 << 20


class PostgresDatabase(Database):
    """
    A database of PostgreSQL.

    All that a load leaves in the session ends with the transaction (lock, stage, settings), so that a pool which gives
    the session to others after each transaction, such as pgbouncer, can be between.

    :param connection: Of psycopg 3 or psycopg2.
    """

    dialect = POSTGRESQL
    # Errors of the driver itself, about a connection that is gone.
    _gone: tuple[type[Exception], ...] = ()

    errors: tuple[type[Exception], ...]

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._is_psycopg_3 = not hasattr(connection, "get_dsn_parameters")
        if self._is_psycopg_3:
            import psycopg

            connection.prepare_threshold = None  # A pool may give each transaction another session.
            self.errors, self._gone = (psycopg.Error,), (psycopg.OperationalError,)
        else:
            import psycopg2

            self.errors, self._gone = (psycopg2.Error,), (psycopg2.OperationalError,)

    def begin(self) -> None:
        """Begin; the driver begins with the first statement."""
        self.execute(
            "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
            "SET LOCAL standard_conforming_strings = on",
        )

    def lock(self, name: TableName) -> None:
        """Take the advisory lock of the table's name."""
        self.execute(f"SELECT pg_advisory_xact_lock({lock_key(str(name))})")

    def resolved(self, name: TableName) -> TableName:
        """Return the name with its schema, so that the session's search path has no say in it."""
        if name.schema is not None:
            return name
        ((schema,),) = self.query("SELECT current_schema()")
        return name if schema is None else replace(name, schema=str(schema))

    def types(self, name: TableName) -> Mapping[str, str]:
        """Return the types of a table's columns by name."""
        rows = self.query(
            f"SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = {self._oid(name)} "
            "AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        return {str(column): str(kind) for column, kind in rows}

    def unfillable(self, name: TableName, filled: Iterable[str]) -> Sequence[str]:
        """Return the columns that must have a value, and get none."""
        rows = self.query(
            f"SELECT attname FROM pg_attribute WHERE attrelid = {self._oid(name)} AND attnum > 0 "
            "AND NOT attisdropped AND attnotnull AND NOT atthasdef AND attidentity = ''"
        )
        return sorted({str(column) for (column,) in rows} - set(filled))

    def missing_rights(self, name: TableName, *, creates: bool, widens: bool) -> Sequence[str]:
        """Return what the role may not do."""
        ((role, database, is_standby),) = self.query(
            "SELECT current_user, current_database(), pg_is_in_recovery()"
        )
        schema = name.schema
        if is_standby:
            return ["write at all: the server is a standby; use the connection of the primary"]
        if schema is None:
            return ["see any schema: set the parameter schema, or the role's search_path"]
        to = quoted(role)
        if not self._is("EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = {})", schema):
            return [f"use the schema {schema}, which does not exist: CREATE SCHEMA {quoted(schema)}"]
        found = []
        if not self._is("has_schema_privilege({}, 'USAGE')", schema):
            found.append(f"use the schema {schema}: GRANT USAGE ON SCHEMA {quoted(schema)} TO {to}")
        if creates and not self._is("has_schema_privilege({}, 'CREATE')", schema):
            found.append(f"create tables there: GRANT CREATE ON SCHEMA {quoted(schema)} TO {to}")
        if not self._is("has_database_privilege({}, 'TEMP')", database):
            found.append(f"create temporary tables: GRANT TEMPORARY ON DATABASE {quoted(database)} TO {to}")
        for table, rights in ((name, ("SELECT", "INSERT", "DELETE")), (name.ledger, ("SELECT", "INSERT"))):
            if not self.types(table):
                continue
            lacking = [
                each
                for each in rights
                if not self._is("has_table_privilege(" + self._oid(table) + ", {})", each)
            ]
            if lacking:
                what = ", ".join(lacking)
                found.append(f"{what} on {table}: GRANT {what} ON {table.sql} TO {to}")
        if widens and not self._is(
            f"(SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = {self._oid(name)})"
        ):
            found.append(f"add columns to {name}, which its owner may: ALTER TABLE {name.sql} OWNER TO {to}")
        return found

    def fill(self, stage: str, shape: Shape, batches: Iterator[Columns]) -> None:
        """Write rows to the stage with COPY, and let the planner know how many there are."""
        columns = ", ".join(map(quoted, names_of(shape.all_columns)))
        copy = f"COPY {quoted(stage)} ({columns}) FROM STDIN (FORMAT text, ENCODING 'UTF8')"
        blocks = (copy_rows(shape.all_columns, batch) for batch in batches)
        if self._is_psycopg_3:
            self._copy(copy, blocks)
        else:
            self._copy_expert(copy, blocks)
        self.analyse(stage, shape)

    def analyse(self, stage: str, shape: Shape) -> None:
        """Let the planner know how many rows a stage has, and of the columns that rows are found by."""
        names = [WORKSPACE, READ_AT, *(name for name in (shape.id, *shape.key) if name)]
        if shape.position is not None:
            names.append(shape.position.name)
        self.execute(f"ANALYZE {quoted(stage)} ({', '.join(map(quoted, dict.fromkeys(names)))})")

    def is_told(self, error: Exception, state: str | None) -> bool:
        """Tell what is about objects and rights, and what the driver itself says of a connection that is gone."""
        return super().is_told(error, state) or (state is None and isinstance(error, self._gone))

    def is_conflict(self, error: Exception) -> bool:
        """Tell whether the server ended the transaction in favour of another one."""
        return self.state_of(error) in ("40001", "40P01")

    def _copy(self, copy: str, blocks: Iterator[bytes]) -> None:
        with self.connection.cursor() as cursor:
            manager = cursor.copy(copy)
            target = self.do(manager.__enter__)
            try:
                for block in blocks:
                    self.do(lambda block=block: target.write(block))  # type: ignore[misc]
            except BaseException:
                # The transaction is rolled back: what the server says to that is of no interest.
                self._end(manager)
                raise
            self.do(lambda: manager.__exit__(None, None, None))

    def _end(self, manager: Any) -> None:
        with suppress(*self.errors):
            manager.__exit__(RuntimeError, RuntimeError("the load was stopped"), None)

    def _copy_expert(self, copy: str, blocks: Iterator[bytes]) -> None:
        source = _Source(blocks)
        cursor = self.connection.cursor()
        try:
            self.do(lambda: cursor.copy_expert(copy, source, BLOCK))
        except Exception:
            if source.error is None:
                raise
        finally:
            cursor.close()
        if source.error is not None:  # The driver has made an error of its own of it.
            raise source.error

    def _is(self, condition: str, *names: str) -> bool:
        ((value,),) = self.query("SELECT " + condition.format(*map(self.dialect.literal, names)))
        return bool(value)

    def _oid(self, name: TableName) -> str:
        """Return the query of a table's number; unlike ``to_regclass`` it needs no right to the schema."""
        schema = "current_schema()" if name.schema is None else self.dialect.literal(name.schema)
        return (
            "(SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            f"WHERE n.nspname = {schema} AND c.relname = {self.dialect.literal(name.table)} "
            "AND c.relkind IN ('r', 'p'))"
        )


class _Source:
    """Blocks as a file that can be read, for psycopg2."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._left = b""
        self.error: BaseException | None = None

    def read(self, size: int) -> bytes:
        """Return at most so many bytes; none at the end."""
        try:
            while not self._left:
                self._left = next(self._blocks)
        except StopIteration:
            return b""
        except BaseException as error:
            self.error = error
            raise
        block, self._left = self._left[:size], self._left[size:]
        return block


def lock_key(name: str) -> int:
    """
    Return the key of the advisory lock of a table (pure).

    :param name: Schema and name.
    """
    digest = hashlib.sha256(f"airflow-provider-clockify:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
