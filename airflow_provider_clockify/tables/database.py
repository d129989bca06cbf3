# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What a database is to a load: one protocol, and what the drivers of all of them share.

A driver's error may hold values of rows: ``DETAIL: Key (email)=(…)``, ``CONTEXT: COPY stage, line 3, column …``. Its
text is told only where it is known to be about something else, and the error itself never becomes the cause of ours.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from airflow_provider_clockify.exceptions import ClockifyDatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from airflow_provider_clockify.columns.tables import Column, Columns
    from airflow_provider_clockify.tables.statements import Dialect, Shape, TableName

T = TypeVar("T")
SHOWN = 500


class Cursor(Protocol):
    """What DB-API cursors have in common."""

    def execute(self, sql: str, /) -> Any:
        """Run a statement."""

    def fetchall(self) -> Sequence[Sequence[Any]]:
        """Return all rows."""

    def close(self) -> None:
        """Close."""


class Database:
    """
    One connection to a database.

    :param connection: DB-API connection; closed by :meth:`close`.
    :ivar dialect: How the database writes things.
    :ivar errors: Classes of the driver's errors.
    :cvar takes_arrow: Whether :meth:`fill` makes Arrow's columns of all values, so that they may be its arrays before.
    """

    dialect: Dialect
    errors: tuple[type[Exception], ...]
    takes_arrow: ClassVar[bool] = False
    # Beginnings of SQLSTATEs whose message tells of objects, rights and servers, never of values.
    told: ClassVar[tuple[str, ...]] = ("08", "25", "28", "3D", "3F", "40", "42", "53", "55", "57", "58")

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    # --- what differs -----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Begin a transaction in which each statement sees what was committed before it."""
        raise NotImplementedError

    def lock(self, name: TableName) -> None:
        """
        Wait until no other load of the table runs, until the end of the transaction.

        :param name: The table.
        """
        raise NotImplementedError

    def resolved(self, name: TableName) -> TableName:
        """Return the full name of a table, where the database knows more than was given."""
        return name

    def types(self, name: TableName) -> Mapping[str, str]:
        """
        Return the types of a table's columns by name.

        :param name: The table.
        :return: Nothing if there is no such table.
        """
        raise NotImplementedError

    def unfillable(self, name: TableName, filled: Iterable[str]) -> Sequence[str]:
        """
        Return the columns that must have a value, and get none.

        :param name: The table.
        :param filled: Names of the columns that a load fills.
        """
        raise NotImplementedError

    def missing_rights(self, name: TableName, *, creates: bool, widens: bool) -> Sequence[str]:
        """
        Return what the role may not do, each with the statement that allows it.

        :param name: The table.
        :param creates: Whether the table or its ledger is to be created.
        :param widens: Whether it gets columns.
        """
        return ()

    def fill(self, stage: str, shape: Shape, batches: Iterator[Columns]) -> None:
        """
        Write rows to the stage.

        :param stage: Its name.
        :param shape: What it holds.
        :param batches: Values column by column, in the order of the shape's columns.
        """
        raise NotImplementedError

    def is_conflict(self, error: Exception) -> bool:
        """
        Tell whether a driver's error says that another transaction was quicker, so that the same works a second time.

        :param error: Of the driver.
        """
        return False

    # --- what all share ---------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Commit."""
        self.do(self.connection.commit)

    def rollback(self) -> None:
        """Roll back; a connection that is gone has done so."""
        with suppress(*self.errors):
            self.connection.rollback()

    def close(self) -> None:
        """Close the connection."""
        with suppress(*self.errors):
            self.connection.close()

    def execute(self, *statements: str) -> None:
        """
        Run statements.

        :raises ClockifyDatabaseError: the database refuses one.
        """
        for statement in statements:
            self.do(lambda statement=statement: self._run(statement))  # type: ignore[misc]

    def query(self, statement: str) -> list[Sequence[Any]]:
        """
        Run a query.

        :return: All its rows.
        :raises ClockifyDatabaseError: the database refuses it.
        """
        return self.do(lambda: self._run(statement, fetch=True))

    def do(self, call: Callable[[], T]) -> T:
        """
        Call the driver; its errors are told without values of rows.

        :raises ClockifyDatabaseError: the driver raised an error.
        """
        try:
            return call()
        except self.errors as error:
            failure = self.failure(error)
        raise failure  # Here, since within the block the driver's error would become its context.

    def failure(self, error: Exception) -> ClockifyDatabaseError:
        """
        Return our error for one of the driver's, without values of rows.

        :param error: Of the driver.
        """
        state = self.state_of(error)
        what = f"{type(error).__name__}, SQLSTATE {state}" if state else type(error).__name__
        names = self.names_in(error)
        if self.is_told(error, state):
            text = first_line(str(error))
        else:
            text = "its message may hold values of rows and is not shown here"
            if names:
                text += "; it is about " + ", ".join(names)
        return ClockifyDatabaseError(
            f"{self.dialect.name} stopped the load ({what}): {text}.",
            state=state,
            is_conflict=self.is_conflict(error),
        )

    def state_of(self, error: Exception) -> str | None:
        """Return the SQLSTATE of a driver's error; ``None`` where it has none."""
        state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        return state if isinstance(state, str) and state.isalnum() and len(state) == 5 else None

    def is_told(self, error: Exception, state: str | None) -> bool:
        """Tell whether the first line of an error's text is free of values."""
        return state is not None and state.startswith(self.told)

    def names_in(self, error: Exception) -> Sequence[str]:
        """Return the names of things that a driver's error is about."""
        facts = getattr(error, "diag", None)
        kinds = ("table", "column", "constraint")
        found = [(kind, getattr(facts, f"{kind}_name", None)) for kind in kinds]
        return [f"{kind} {name}" for kind, name in found if isinstance(name, str)]

    def _run(self, statement: str, *, fetch: bool = False) -> list[Sequence[Any]]:
        cursor: Cursor = self.connection.cursor()
        try:
            cursor.execute(statement)
            return [tuple(row) for row in cursor.fetchall()] if fetch else []
        finally:
            cursor.close()


def first_line(text: str) -> str:
    """Return the first line of a driver's text, shortened; what comes after it may hold values of rows."""
    return text.strip().split("\n", 1)[0][:SHOWN].rstrip(".")


def names_of(columns: Iterable[Column]) -> list[str]:
    """Return the names of columns."""
    return [each.name for each in columns]
