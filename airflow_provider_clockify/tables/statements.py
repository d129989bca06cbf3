# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
SQL of all databases: how tables are made and widened, how a window is replaced and summed up (pure).

What differs between databases is a :class:`Dialect`. Values are written as literals, each by its type: the same
statements then serve drivers with different markers for parameters, or with none.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.columns.tables import Column, ColumnType
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.tables.ledger import (
    LEDGER_COLUMNS,
    LEDGER_SUFFIX,
    METADATA_COLUMNS,
    READ_AT,
    WORKSPACE,
)
from airflow_provider_clockify.window import is_unit_start, local_day, next_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import tzinfo

    from airflow_provider_clockify.window import Window

# PostgreSQL cuts longer names off, without an error.
INDEX_SUFFIX = "_at_idx"
MAX_NAME = 63 - max(len(LEDGER_SUFFIX), len(INDEX_SUFFIX))
# What tells one row of the feeds of changes from all others.
FEED_KEY = ("entity_type", "change", "id", "changed_at")


@dataclass(frozen=True, slots=True)
class Dialect:
    """
    How a database writes things.

    :param name: Its name, for people.
    :param types: Its types of columns.
    :param also: Other types that hold the same values, in a table that somebody else made.
    :param typed_literals: Whether instants and days are literals of types of their own, rather than text.
    :param has_key: Whether tables get a primary key. DuckDB refuses to delete and insert a key in one transaction.
    :param stage: Creates the temporary stage, given its name and columns.
    :param staged_as: Types of the stage where they differ from those of the table.
    :param cast: From the name of a staged column to the value for the table, where they differ.
    :param sum_money: From the name of a column of money to its exact sum.
    :param money_scale: Digits after the point in that sum, where it comes as a whole number.
    :param takes_nul: Whether text may have NUL characters.
    :param instant_text: From an instant to its text in UTC, which drivers give back as it is.
    """

    name: str
    types: Mapping[ColumnType, str]
    also: Mapping[ColumnType, frozenset[str]] = field(default_factory=dict)
    typed_literals: bool = True
    has_key: bool = True
    stage: str = "CREATE TEMP TABLE {name} ({columns})"
    staged_as: Mapping[ColumnType, str] = field(default_factory=dict)
    cast: Mapping[ColumnType, str] = field(default_factory=dict)
    sum_money: str = "sum({})"
    money_scale: int = 0
    takes_nul: bool = True
    instant_text: str = "{}"

    def literal(self, value: Any) -> str:
        """
        Write a value.

        :param value: ``None``, text, a number, an aware instant or a day.
        :raises ClockifyConfigError: text that no database takes.
        """
        if value is None:
            return "NULL"
        if isinstance(value, datetime):
            moment = value.astimezone(UTC)
            if self.typed_literals:
                return f"TIMESTAMPTZ '{moment:%Y-%m-%d %H:%M:%S.%f}+00'"
            return f"'{sortable(moment)}'"
        if isinstance(value, date):
            return f"DATE '{value.isoformat()}'" if self.typed_literals else f"'{value.isoformat()}'"
        if isinstance(value, (int, Decimal)):
            return f"{value:f}" if isinstance(value, Decimal) else str(int(value))
        if "\0" in value:
            raise ClockifyConfigError("A value has a NUL character, which no database takes here.")
        return "'" + str(value).replace("'", "''") + "'"


def sortable(moment: datetime) -> str:
    """
    Write an instant as text that sorts as instants do, for databases without a type for it.

    :param moment: Aware instant.
    """
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z".rjust(27, "0")


@dataclass(frozen=True, slots=True)
class TableName:
    """
    A table, and its ledger beside it.

    :param table: Name of the table.
    :param schema: Its schema; ``None`` for where the database looks first.
    """

    table: str
    schema: str | None = None

    def __post_init__(self) -> None:
        """
        Check the names.

        :raises ClockifyConfigError: one is empty, too long or has characters that no name has.
        """
        for parameter, name in (("table", self.table), ("schema", self.schema)):
            if name is None:
                continue
            if not name.strip() or name in ("None", "null"):
                raise ClockifyConfigError(
                    f"{parameter} is {name!r} (a template may have rendered to nothing): give the name of a "
                    f"{parameter}."
                )
            if not name.isprintable() or len(name.encode()) > MAX_NAME:
                raise ClockifyConfigError(
                    f"{parameter} is {name!r}: use at most {MAX_NAME} printable characters, since the names of the "
                    "ledger and the index are made of it."
                )
        if "." in self.table:
            raise ClockifyConfigError(
                f"table is {self.table!r}: give the schema by the parameter schema, and the table's own name here."
            )

    @property
    def ledger(self) -> TableName:
        """The table of its loads."""
        made = object.__new__(TableName)
        object.__setattr__(made, "table", self.table + LEDGER_SUFFIX)
        object.__setattr__(made, "schema", self.schema)
        return made

    def __str__(self) -> str:
        """Write the name for people."""
        return f"{self.schema}.{self.table}" if self.schema else self.table

    @property
    def sql(self) -> str:
        """The name as SQL has it."""
        return f"{quoted(self.schema)}.{quoted(self.table)}" if self.schema else quoted(self.table)


def quoted(name: str) -> str:
    """Quote a name."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Shape:
    """
    What a table holds.

    :param columns: Columns of the rows, in order; those of the load come after them.
    :param position: Column that tells which window a row is in; ``None`` for a list.
    :param id: Column that tells one row from all others of the workspace, wherever it is; ``None`` if there is none.
    :param seconds: Column of durations that are summed up.
    :param amount: Column of money that is summed up, by ``currency``.
    :param currency: Column of the currency.
    :param scope: Column and value that all rows of a load share, where a table holds loads of several kinds.
    :param key: Columns that tell one row of a workspace from all others, in the whole table.
    """

    columns: tuple[Column, ...]
    position: Column | None = None
    id: str | None = None
    seconds: str | None = None
    amount: str | None = None
    currency: str | None = None
    scope: tuple[str, str] | None = None
    key: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        columns: Sequence[Column],
        *,
        position: str | None,
        id_column: str | None,
        scope: tuple[str, str] | None = None,
        key: Sequence[str] = (),
    ) -> Shape:
        """
        Find the parts of a table in its columns.

        :param columns: Columns of the rows.
        :param position: Name of the column that tells the window.
        :param id_column: Name of the column of the id.
        :param scope: As of the shape.
        :param key: As of the shape; by default the id.
        :raises ClockifyConfigError: a column that is needed was left out.
        """
        by_name = {each.name: each for each in columns}
        for needed in (position, id_column, *key):
            if needed is not None and needed not in by_name:
                raise ClockifyConfigError(
                    f"drop_columns leaves out {needed}, by which rows are replaced: keep it."
                )
        has_money = "amount" in by_name and "currency" in by_name
        seconds = next((each.name for each in columns if each.type is ColumnType.SECONDS), None)
        return cls(
            tuple(columns),
            by_name[position] if position else None,
            id_column,
            seconds,
            "amount" if has_money else None,
            "currency" if has_money else None,
            scope,
            tuple(key) or ((id_column,) if id_column else ()),
        )

    def without_sums(self) -> Shape:
        """Return the same of rows whose durations and amounts belong to nothing that adds up."""
        return replace(self, seconds=None, amount=None, currency=None)

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """The columns of the rows, and those of the load."""
        return (*self.columns, *METADATA_COLUMNS)


# --- definitions -----------------------------------------------------------------------------------------------------


def definitions(dialect: Dialect, name: TableName, shape: Shape) -> list[str]:
    """
    Return the statements that create a table with its index, and its ledger.

    :param dialect: Of the database.
    :param name: The table.
    :param shape: What it holds.
    """
    return [*table_definition(dialect, name, shape), ledger_definition(dialect, name)]


def table_definition(dialect: Dialect, name: TableName, shape: Shape) -> list[str]:
    """
    Return the statements that create a table and its index.

    :param dialect: Of the database.
    :param name: The table.
    :param shape: What it holds.
    """
    key = (WORKSPACE, *shape.key) if shape.key and dialect.has_key else ()
    needed = {WORKSPACE, READ_AT, *key}
    lines = [
        f"    {quoted(each.name)} {dialect.types[each.type]}{' NOT NULL' if each.name in needed else ''}"
        for each in shape.all_columns
    ]
    if key:
        lines.append(f"    PRIMARY KEY ({', '.join(map(quoted, key))})")
    found = [f"CREATE TABLE {name.sql} (\n" + ",\n".join(lines) + "\n)"]
    if shape.position is not None and dialect.has_key:
        index = quoted(name.table + INDEX_SUFFIX)
        if dialect.typed_literals:
            found.append(
                f"CREATE INDEX {index} ON {name.sql} ({quoted(WORKSPACE)}, {quoted(shape.position.name)})"
            )
        else:  # SQLite names the schema of the index instead.
            where = f"{quoted(name.schema)}." if name.schema else ""
            found.append(
                f"CREATE INDEX {where}{index} ON {quoted(name.table)} "
                f"({quoted(WORKSPACE)}, {quoted(shape.position.name)})"
            )
    return found


def ledger_definition(dialect: Dialect, name: TableName) -> str:
    """
    Return the statement that creates the ledger of a table.

    :param dialect: Of the database.
    :param name: The table.
    """
    lines = [f"    {quoted(each.name)} {dialect.types[each.type]}" for each in LEDGER_COLUMNS]
    return f"CREATE TABLE {name.ledger.sql} (\n" + ",\n".join(lines) + "\n)"


def new_columns(dialect: Dialect, name: TableName, columns: Iterable[Column]) -> list[str]:
    """
    Return the statements that widen a table; rows that are there have nothing in the new columns.

    :param dialect: Of the database.
    :param name: The table.
    :param columns: The new columns.
    """
    return [
        f"ALTER TABLE {name.sql} ADD COLUMN {quoted(each.name)} {dialect.types[each.type]}"
        for each in columns
    ]


def misfits(dialect: Dialect, columns: Iterable[Column], there: Mapping[str, str]) -> list[str]:
    """
    Return what of a table's columns cannot hold our values, for people.

    :param dialect: Of the database.
    :param columns: Columns that are wanted.
    :param there: Types by name, as the database gives them.
    """
    found = []
    for each in columns:
        has = there.get(each.name)
        if has is None:
            continue
        wanted = dialect.types[each.type]
        if _plain_type(has) != _plain_type(wanted) and _plain_type(has) not in dialect.also.get(
            each.type, ()
        ):
            found.append(f"{each.name} is {has} instead of {wanted}")
    return found


def _plain_type(text: str) -> str:
    plain = text.lower().replace(", ", ",").strip()
    return "timestamptz" if plain == "timestamp with time zone" else plain


# --- one load --------------------------------------------------------------------------------------------------------


def stage_definition(dialect: Dialect, stage: str, shape: Shape) -> str:
    """
    Return the statement that creates the temporary stage.

    :param dialect: Of the database.
    :param stage: Its name.
    :param shape: What it holds.
    """
    columns = ", ".join(
        f"{quoted(each.name)} {dialect.staged_as.get(each.type, dialect.types[each.type])}"
        for each in shape.all_columns
    )
    return dialect.stage.format(name=quoted(stage), columns=columns)


def in_windows(dialect: Dialect, position: Column, windows: Sequence[Window], table: str = "") -> str:
    """
    Return the condition that a row is in one of several windows.

    :param dialect: Of the database.
    :param position: Column of instants, or of days, which count as the midnight of the window's zone.
    :param windows: Half-open windows; none for no row.
    :param table: Name of the table, with a point, where there are several.
    """
    of = table + quoted(position.name)
    found = []
    for window in windows:
        start, end = bounds(position, window)
        found.append(f"({of} >= {dialect.literal(start)} AND {of} < {dialect.literal(end)})")
    return f"({' OR '.join(found)})" if found else "(1 = 0)"


def bounds(position: Column, window: Window) -> tuple[datetime | date, datetime | date]:
    """
    Return the bounds of a window in the type of a column.

    :param position: Column of instants, or of days.
    :param window: Half-open window.
    """
    if position.type is ColumnType.INSTANT:
        return window.start, window.end
    return _first_day(window.start, window.zone), _first_day(window.end, window.zone)


def _first_day(moment: datetime, zone: tzinfo) -> date:
    """Return the first day of a zone that begins at or after an instant."""
    return local_day(moment if is_unit_start(moment, "day", zone) else next_unit(moment, "day", zone), zone)


def of_workspace(dialect: Dialect, shape: Shape, workspace_id: str, table: str = "") -> str:
    """
    Return the condition that a row is of a workspace, and of the load's kind.

    :param dialect: Of the database.
    :param shape: What the table holds.
    :param workspace_id: Workspace.
    :param table: Name of the table, with a point, where there are several.
    """
    found = f"{table}{quoted(WORKSPACE)} = {dialect.literal(workspace_id)}"
    if shape.scope is not None:
        column, value = shape.scope
        found += f" AND {table}{quoted(column)} = {dialect.literal(value)}"
    return found


def not_newer_elsewhere(name: TableName, stage: str, shape: Shape) -> str:
    """
    Return the condition on staged rows that the table holds nothing newer of the same id.

    :param name: The table.
    :param stage: Name of the stage.
    :param shape: What they hold.
    """
    if shape.id is None:
        return "(1 = 1)"
    s, i, w, r = quoted(stage), quoted(shape.id), quoted(WORKSPACE), quoted(READ_AT)
    return f"NOT EXISTS (SELECT 1 FROM {name.sql} AS t WHERE t.{w} = {s}.{w} AND t.{i} = {s}.{i} AND t.{r} > {s}.{r})"


def delete_ids(dialect: Dialect, name: TableName, stage: str, shape: Shape, workspace_id: str) -> str:
    """
    Return the statement that deletes what older reads have found of the staged ids, wherever it is.

    :param dialect: Of the database.
    :param name: The table.
    :param stage: Name of the stage.
    :param shape: What they hold; with an id.
    :param workspace_id: Workspace.
    """
    assert shape.id is not None
    s, t, i, r = quoted(stage), quoted(name.table), quoted(shape.id), quoted(READ_AT)
    return (
        f"DELETE FROM {name.sql} WHERE {of_workspace(dialect, shape, workspace_id)} AND EXISTS "
        f"(SELECT 1 FROM {s} AS s WHERE s.{i} = {t}.{i} AND s.{r} >= {t}.{r})"
    )


def insert(dialect: Dialect, name: TableName, stage: str, shape: Shape, where: str) -> str:
    """
    Return the statement that copies staged rows into the table.

    :param dialect: Of the database.
    :param name: The table.
    :param stage: Name of the stage.
    :param shape: What they hold.
    :param where: Condition on staged rows.
    """
    names = ", ".join(quoted(each.name) for each in shape.all_columns)
    values = ", ".join(
        dialect.cast.get(each.type, "{}").format(quoted(each.name)) for each in shape.all_columns
    )
    return f"INSERT INTO {name.sql} ({names}) SELECT {values} FROM {quoted(stage)} WHERE {where}"


def sums(dialect: Dialect, table: str, shape: Shape, where: str) -> str:
    """
    Return the query of what is compared: currency, rows, seconds, amount, a row per currency.

    :param dialect: Of the database.
    :param table: Name as SQL has it.
    :param shape: What it holds.
    :param where: Condition.
    """
    currency = f"coalesce({quoted(shape.currency)}, '')" if shape.currency else "''"
    seconds = f"coalesce(sum({quoted(shape.seconds)}), 0)" if shape.seconds else "0"
    amount = dialect.sum_money.format(quoted(shape.amount)) if shape.amount else "0"
    return f"SELECT {currency}, count(*), {seconds}, {amount} FROM {table} WHERE {where} GROUP BY 1"


def day_sums(
    dialect: Dialect, name: TableName, shape: Shape, workspace_id: str, days: Sequence[Window]
) -> str:
    """
    Return the query of the sums of several days: number of the day, currency, rows, seconds, amount.

    :param dialect: Of the database.
    :param name: The table.
    :param shape: What it holds; with a position.
    :param workspace_id: Workspace.
    :param days: The days; at least one.
    """
    position = shape.position
    assert position is not None
    rows: list[str] = []
    for number, day in enumerate(days):
        start, end = bounds(position, day)
        first = " AS n", " AS a", " AS b"
        n, a, b = first if not rows else ("", "", "")
        rows.append(f"SELECT {number}{n}, {dialect.literal(start)}{a}, {dialect.literal(end)}{b}")
    currency = f"coalesce(t.{quoted(shape.currency)}, '')" if shape.currency else "''"
    seconds = f"coalesce(sum(t.{quoted(shape.seconds)}), 0)" if shape.seconds else "0"
    amount = dialect.sum_money.format("t." + quoted(shape.amount)) if shape.amount else "0"
    at = "t." + quoted(position.name)
    return (
        f"SELECT d.n, {currency}, count(*), {seconds}, {amount} FROM ({' UNION ALL '.join(rows)}) AS d "
        f"JOIN {name.sql} AS t ON {at} >= d.a AND {at} < d.b AND {of_workspace(dialect, shape, workspace_id, 't.')} "
        "GROUP BY 1, 2"
    )


def ledger_insert(dialect: Dialect, name: TableName, values: Mapping[str, Any]) -> str:
    """
    Return the statement that writes a row of the ledger.

    :param dialect: Of the database.
    :param name: The table.
    :param values: Value of each column of the ledger.
    """
    names = ", ".join(quoted(each.name) for each in LEDGER_COLUMNS)
    literals = ", ".join(dialect.literal(values[each.name]) for each in LEDGER_COLUMNS)
    return f"INSERT INTO {name.ledger.sql} ({names}) VALUES ({literals})"
