# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""From an Airflow connection to a database that can be loaded, and to the names of its tables elsewhere."""

from __future__ import annotations

import logging
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify._compat import BaseHook
from airflow_provider_clockify.connection import reading_connection
from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyDatabaseError,
    Entry,
    explained_by,
)
from airflow_provider_clockify.tables import looking
from airflow_provider_clockify.tables.database import first_line
from airflow_provider_clockify.tables.replacing import TableLoad, load_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime
    from typing import Unpack

    from airflow_provider_clockify.tables.database import Database
    from airflow_provider_clockify.tables.ledger import Sums
    from airflow_provider_clockify.tables.preparing import Permission
    from airflow_provider_clockify.tables.replacing import Outcome
    from airflow_provider_clockify.tables.statements import Shape, TableName
    from airflow_provider_clockify.transfers._reached import Loading
    from airflow_provider_clockify.window import Window

log = logging.getLogger(__name__)

# Another process has a file of DuckDB: how long it is waited for, and how long between two tries.
LOCKED_FOR, PAUSE = 600.0, 1.0


@dataclass(frozen=True, slots=True)
class Kind:
    """
    How databases of a connection type are reached.

    :param hook: Module and class of Airflow's hook.
    :param argument: Its argument for the connection.
    :param database: Module and name of what makes a database of its connection.
    :param extra: Extra of this package that installs what is needed.
    """

    hook: tuple[str, str]
    argument: str
    database: tuple[str, str]
    extra: str | None


KINDS: Mapping[str, Kind] = {
    "postgres": Kind(
        ("airflow.providers.postgres.hooks.postgres", "PostgresHook"),
        "postgres_conn_id",
        ("airflow_provider_clockify.tables.postgres_database", "PostgresDatabase"),
        "postgres",
    ),
    "duckdb": Kind(
        ("airflow.providers.duckdb.hooks.duckdb", "DuckDBHook"),
        "duckdb_conn_id",
        ("airflow_provider_clockify.tables.duckdb_database", "DuckDbDatabase"),
        "duckdb",
    ),
    "sqlite": Kind(
        ("airflow.providers.sqlite.hooks.sqlite", "SqliteHook"),
        "sqlite_conn_id",
        ("airflow_provider_clockify.tables.sqlite_database", "SqliteDatabase"),
        None,
    ),
    "adbc": Kind(
        ("airflow.providers.apache.arrow.hooks.adbc", "AdbcHook"),
        "adbc_conn_id",
        ("airflow_provider_clockify.tables.adbc_database", "adbc_database"),
        "adbc",
    ),
}


class TableTarget:
    """
    A database of an Airflow connection.

    :param conn_id: The connection.
    :raises ClockifyConfigError: there is no way into databases of its type, or a package is missing.
    :raises ClockifyMissingConnectionError: Airflow gave no connection.
    """

    @explained_by(Entry.TABLE)
    def __init__(self, conn_id: str) -> None:
        with reading_connection(conn_id):
            self._connection: Any = BaseHook.get_connection(conn_id)
        self.conn_id = conn_id
        self.conn_type = str(self._connection.conn_type or "")
        kind = KINDS.get(self.conn_type)
        if kind is None:
            raise ClockifyConfigError(
                f"sql_conn_id={conn_id!r} is a connection of type {self.conn_type!r}, whose hook cannot load tables "
                f"here; use one of {', '.join(KINDS)}. For any other database, export Parquet files with "
                "ClockifyDetailedReportOperator and load them with its own tools: docs/tables.md shows how."
            )
        try:
            self._hook_class = getattr(import_module(kind.hook[0]), kind.hook[1])
            self._open = getattr(import_module(kind.database[0]), kind.database[1])
            if kind.extra in ("duckdb", "adbc"):
                import_module("pyarrow")
        except ImportError as error:
            cure = (
                f"pip install 'airflow-provider-clockify[{kind.extra}]'"
                if kind.extra
                else "pip install apache-airflow-providers-sqlite"
            )
            raise ClockifyConfigError(
                f"sql_conn_id={conn_id!r} is a connection of type {self.conn_type!r}, for which {error.name} is "
                f"missing: install it with {cure}."
            ).explain(Entry.PACKAGE) from error
        self.hook: Any = self._hook_class(**{kind.argument: conn_id})

    def connect(self) -> Database:
        """
        Open a connection.

        :raises ClockifyDatabaseError: it cannot be opened.
        """
        deadline = time.monotonic() + LOCKED_FOR
        is_waiting = False
        while True:
            failure = self._try()
            if not isinstance(failure, str):
                return failure
            if not (self.conn_type == "duckdb" and "lock" in failure) or time.monotonic() > deadline:
                raise ClockifyDatabaseError(
                    f"The database of connection {self.conn_id!r} cannot be opened ({failure}). "
                    "Check the connection, and run again."
                )
            if not is_waiting:
                is_waiting = True
                log.info("Another process has the file of connection %r; waiting for it.", self.conn_id)
            time.sleep(PAUSE)

    @contextmanager
    def looking(self) -> Iterator[Database]:
        """
        Open a connection for questions: its transaction changes nothing.

        :raises ClockifyDatabaseError: it cannot be opened.
        """
        with closing(self.connect()) as database:
            database.begin()
            yield database
            database.rollback()

    def _try(self) -> Database | str:
        """Open a connection; if that cannot be, say why, without secrets."""
        try:
            found: Database = self._open(self.hook.get_conn())
            return found
        except ClockifyConfigError:
            raise
        except Exception as error:  # noqa: BLE001 - of any driver
            text = f"{type(error).__name__}: {first_line(str(error))}"
        password = getattr(self._connection, "password", None)
        return text.replace(password, "***") if password else text

    def names(self, name: TableName) -> tuple[str, str, str]:
        """
        Return the URI of a table as an asset, and its namespace and name for OpenLineage.

        :param name: Full name of the table.
        """
        host, database = self._connection.host or "", self._connection.schema or ""
        if self.conn_type == "postgres":
            place = f"{host or 'localhost'}:{self._connection.port or 5432}"
            schema = name.schema or "public"
            return (
                f"postgres://{place}/{database}/{schema}/{name.table}",
                f"postgres://{place}",
                f"{database}.{schema}.{name.table}",
            )
        if self.conn_type == "adbc":
            return f"adbc://{self.conn_id}/{name}", f"adbc://{self.conn_id}", str(name)
        path = str(Path(host).absolute()) if host else database
        return f"{self.conn_type}://{path}/{name}", f"{self.conn_type}://{path}", str(name)


@dataclass(frozen=True, slots=True)
class SqlTable:
    """
    A table of a database; a :class:`~airflow_provider_clockify.transfers._reached.ReachedTable`.

    :param target: The database.
    :param name: Full name of the table.
    :param shape: What it holds.
    :param permission: What may be created.
    :param nul_replacement: What becomes of characters that the database cannot hold.
    """

    target: TableTarget
    name: TableName
    shape: Shape
    permission: Permission
    nul_replacement: str | None = None

    @property
    def conn_id(self) -> str:
        """The connection."""
        return self.target.conn_id

    @property
    def kind(self) -> str:
        """Type of the connection."""
        return self.target.conn_type

    def __str__(self) -> str:
        """Write the full name of the table."""
        return str(self.name)

    @contextmanager
    def asking(self) -> Iterator[SqlQuestions]:
        """Ask in a transaction that changes nothing."""
        with self.target.looking() as database:
            yield SqlQuestions(database, self.name, self.shape)

    def load(self, **loading: Unpack[Loading]) -> tuple[str, Outcome]:
        """Load in one transaction; see :func:`.tables.replacing.load_table`."""
        load = TableLoad(
            self.name,
            self.shape,
            permission=self.permission,
            nul_replacement=self.nul_replacement,
            **loading,
        )
        return load.load_id, load_table(self.target.connect, load)

    def close(self) -> None:
        """Do nothing: each question and each load has a connection of its own."""

    def names(self) -> tuple[str, str, str]:
        """Return the URI of the table as an asset, and its namespace and name for OpenLineage."""
        return self.target.names(self.name)


@dataclass(frozen=True, slots=True)
class SqlQuestions:
    """
    Asks a table of a database.

    :param database: In a transaction.
    :param name: Full name of the table.
    :param shape: What it holds.
    """

    database: Database
    name: TableName
    shape: Shape

    def days(self, workspace_id: str, days: Sequence[Window]) -> dict[date, Sums]:
        """Sum the table up by day; nothing if it is not there."""
        is_there = bool(self.database.types(self.name))
        return (
            looking.table_days(self.database, self.name, self.shape, workspace_id, days) if is_there else {}
        )

    def places_of(self, workspace_id: str, ids: Iterable[str]) -> set[datetime]:
        """Return the instants at which the table has ids."""
        return looking.places_of(self.database, self.name, self.shape, workspace_id, ids)

    def followed_until(self, workspace_id: str) -> datetime | None:
        """Return until when the table knows the changes of a workspace."""
        return looking.followed_until(self.database, self.name, workspace_id)

    def first_loaded(self, workspace_id: str) -> datetime | None:
        """Return the first instant that was ever loaded of a workspace."""
        return looking.first_loaded(self.database, self.name, workspace_id)
