# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What the recipes of all warehouses have in common (pure).

A recipe is SQL for a warehouse that has no operator here: it loads the Parquet files that one run of an export operator
has published, and replaces what the table held of the same window. It has three parts: ``setup`` makes the table,
``load`` replaces a window, ``check`` compares the table with what the export has proven. The last two are Jinja
templates over the result of the export task, as Airflow's operators for SQL render them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_clockify.columns.list_columns import TABLES, snapshot_table
from airflow_provider_clockify.columns.tables import Column, ColumnType, column
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.tables.ledger import RUN_ID, WORKSPACE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_clockify.tables.statements import Shape, TableName

LOADED_AT = "_loaded_at"
# Files do not hold them; the load adds them.
LOAD_COLUMNS = (
    column(WORKSPACE, ColumnType.TEXT, "Workspace that the row is of."),
    column(LOADED_AT, ColumnType.INSTANT, "When the row was loaded, UTC."),
    column(RUN_ID, ColumnType.TEXT, "Run of Airflow that loaded the row."),
)
# Files of lists have it at their end.
SNAPSHOT_AT = snapshot_table(TABLES["tags"], datetime.min.replace(tzinfo=UTC)).columns[-1]
STAGE_SUFFIX = "_stage"
PARTS = ("setup", "load", "check")


class Replaced(Enum):
    """What a load replaces."""

    WINDOW_AND_IDS = "the window, and the rows that have moved into it from elsewhere"
    WINDOW = "the window"
    LIST = "all rows of the workspace"
    NOTHING = "nothing, rows that are not there yet are added"


@dataclass(frozen=True, slots=True)
class Order:
    """
    What is to be loaded.

    :param what: The report or list, for people.
    :param name: The table.
    :param shape: What the rows hold, and which columns tell window and id.
    :param location: Folder of the export as the warehouse reaches it, without a connection: ``s3://bucket/folder``.
    :param task: Id of the export task.
    """

    what: str
    name: TableName
    shape: Shape
    location: str
    task: str

    def __post_init__(self) -> None:
        """
        Check what becomes part of a template.

        :raises ClockifyConfigError: a text would end a literal or begin a template.
        """
        for parameter, text in (("location", self.location), ("task", self.task)):
            if not text or not text.isprintable() or any(each in text for each in "'\"\\`{}%"):
                raise ClockifyConfigError(
                    f"{parameter} is {text!r}: it must not be empty, nor have quotes, backslashes, braces or percent "
                    "signs."
                )

    @property
    def replaced(self) -> Replaced:
        """What a load replaces."""
        if self.shape.position is None:
            return Replaced.LIST
        if self.shape.id is not None:
            return Replaced.WINDOW_AND_IDS
        return Replaced.NOTHING if self.shape.key else Replaced.WINDOW

    @property
    def file_columns(self) -> tuple[Column, ...]:
        """The columns of the files, in their order."""
        return self.shape.columns if self.shape.position else (*self.shape.columns, SNAPSHOT_AT)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the table."""
        return (*self.file_columns, *LOAD_COLUMNS)

    @property
    def never_empty(self) -> frozenset[str]:
        """Names of columns that always have a value."""
        position = () if self.shape.position is None else (self.shape.position.name,)
        return frozenset((WORKSPACE, LOADED_AT, *position, *self.shape.key))

    @property
    def folder(self) -> str:
        """The location, with a slash at its end."""
        return self.location.rstrip("/") + "/"

    @property
    def export(self) -> str:
        """Jinja that names the result of the export task."""
        return "{%- set export = ti.xcom_pull(task_ids='" + self.task + "') %}"

    @property
    def file(self) -> str:
        """Jinja that gives the name of a published file below the location, of the loop variable ``path``."""
        return (
            "{{ path.split('" + self.folder.partition("://")[2] + "')[-1] }}"
            if "://" in self.folder
            else ("{{ path.split('" + self.folder + "')[-1] }}")
        )

    def each_file(self, text: str) -> str:
        """
        Write Jinja that repeats a text for each published file.

        :param text: Has ``FILE`` where the name of the file below the location belongs.
        """
        return "{%- for path in export['paths'] %}\n" + text.replace("FILE", self.file) + "\n{%- endfor %}"

    def file_list(self, text: str) -> str:
        """
        Write Jinja that lists all published files, with commas between them.

        :param text: Has ``FILE`` where the name of the file below the location belongs.
        """
        return self.each_file(text + "{{ '' if loop.last else ',' }}")


WORKSPACE_ID = "'{{ export['workspace_id'] }}'"
RUN = "'{{ run_id }}'"
ZONE = "'{{ export['timezone'] }}'"
START, END = "{{ export['window_start'] }}", "{{ export['window_end'] }}"
# Offsets are what every warehouse reads.
START_OFFSET, END_OFFSET = (
    "{{ export['" + each + "'] | replace('Z', '+00:00') }}" for each in ("window_start", "window_end")
)


class Warehouse(ABC):
    """How a warehouse makes and replaces a table."""

    key: ClassVar[str]
    title: ClassVar[str]
    types: ClassVar[Mapping[ColumnType, str]]
    tested: ClassVar[str]
    notes: ClassVar[Sequence[str]] = ()

    # --- words ---------------------------------------------------------------------------------------------------

    def quoted(self, name: str) -> str:
        """Quote a name."""
        return '"' + name.replace('"', '""') + '"'

    def text(self, value: str) -> str:
        """Write a literal of text."""
        return "'" + value.replace("'", "''") + "'"

    def table(self, order: Order, suffix: str = "") -> str:
        """Write the name of the table, or of one beside it."""
        schema = order.name.schema.split(".") if order.name.schema else []
        return ".".join(map(self.quoted, (*schema, order.name.table + suffix)))

    def stage(self, order: Order) -> str:
        """Write the name of the table of the files that were read last."""
        return self.table(order, STAGE_SUFFIX)

    @abstractmethod
    def instant(self, moment: str) -> str:
        """Write an instant: Jinja that becomes ISO 8601 with an offset."""

    @abstractmethod
    def local_day(self, moment: str) -> str:
        """Write the day of an instant in the zone of the export: Jinja that becomes ISO 8601 with an offset."""

    @property
    def now(self) -> str:
        """The current instant."""
        return "CURRENT_TIMESTAMP"

    def staged(self, each: Column, alias: str = "") -> str:
        """Write the value of a column, from that of the stage."""
        return alias + self.quoted(each.name)

    # --- conditions and values -----------------------------------------------------------------------------------

    def in_window(self, order: Order, alias: str = "") -> str:
        """Write the condition that a row of the table is in the window."""
        position = order.shape.position
        assert position is not None
        write = self.instant if position.type is ColumnType.INSTANT else self.local_day
        of = alias + self.quoted(position.name)
        return f"{of} >= {write(START_OFFSET)} AND {of} < {write(END_OFFSET)}"

    def of_workspace(self, alias: str = "") -> str:
        """Write the condition that a row is of the workspace."""
        return f"{alias}{self.quoted(WORKSPACE)} = {WORKSPACE_ID}"

    def values(self, order: Order) -> list[str]:
        """Write the values of a row of the table, from a row of the stage."""
        return [*map(self.staged, order.file_columns), WORKSPACE_ID, self.now, RUN]

    def names(self, order: Order) -> list[str]:
        """Write the names of the columns."""
        return [self.quoted(each.name) for each in order.columns]

    def same_key(self, order: Order, left: str, right: str) -> str:
        """Write the condition that two rows are the same."""
        keys = [f"{left}{self.quoted(each)} = {right}{self.quoted(each)}" for each in order.shape.key]
        return " AND ".join(keys)

    # --- parts ---------------------------------------------------------------------------------------------------

    def columns(self, order: Order, types: Mapping[ColumnType, str], *, comments: bool) -> str:
        """Write the definitions of the table's columns."""
        needed = order.never_empty
        return ",\n".join(
            f"    {self.quoted(each.name)} {types[each.type]}{' NOT NULL' if each.name in needed else ''}"
            + (self.comment(each) if comments else "")
            for each in order.columns
        )

    def comment(self, each: Column) -> str:
        """Write what follows the type of a column to describe it."""
        return f" COMMENT {self.text(each.description)}"

    @abstractmethod
    def setup(self, order: Order) -> list[str]:
        """Return the statements that make the table, once."""

    @abstractmethod
    def load(self, order: Order) -> list[str]:
        """Return the statements that replace a window."""

    def check(self, order: Order) -> list[str]:
        """Return the query of one row and one column: whether the table holds of the window what was exported."""
        found = ["count(*) = {{ export['rows'] }}"]
        seconds = "duration_seconds"
        if order.replaced is Replaced.WINDOW_AND_IDS and order.shape.seconds == seconds:
            found.append(f"coalesce(sum({self.quoted(seconds)}), 0) = {{{{ export['totals']['seconds'] }}}}")
        where = self.of_workspace()
        if order.replaced is not Replaced.LIST:
            where += f" AND {self.in_window(order)}"
        if order.replaced is Replaced.NOTHING:  # What the feed does not show any more stays.
            found[0] = found[0].replace(" = ", " >= ", 1)
        return [
            (
                f"{order.export}\nSELECT {' AND '.join(found)} AS {self.quoted('is_whole')}\n"
                f"FROM {self.table(order)}\nWHERE {where}"
            )
        ]


class TransactionWarehouse(Warehouse):
    """A warehouse that replaces a window by several statements in one transaction."""

    begin = "BEGIN"
    commit = "COMMIT"

    def replacement(self, order: Order) -> list[str]:
        """Return the statements that replace a window by what the stage holds."""
        table, stage = self.table(order), self.stage(order)
        gone = {
            Replaced.WINDOW_AND_IDS: [self._in_window, self._in_stage],
            Replaced.WINDOW: [self._in_window],
            Replaced.LIST: [self._anything],
            Replaced.NOTHING: [],
        }
        deletions = [
            f"DELETE FROM {table}\nWHERE {self.of_workspace()}{condition(order)}"
            for condition in gone[order.replaced]
        ]
        insert = (
            f"INSERT INTO {table} ({', '.join(self.names(order))})\n"
            f"SELECT {', '.join(self.values(order))}\nFROM {stage} AS s"
        )
        if order.replaced is Replaced.NOTHING:
            # Types of the stage may be others, so that its values are compared as they will be in the table.
            columns = {each.name: each for each in order.file_columns}
            keys = [f"t.{self.quoted(key)} = {self.staged(columns[key], 's.')}" for key in order.shape.key]
            insert += (
                f"\nWHERE NOT EXISTS (SELECT 1 FROM {table} AS t WHERE {self.of_workspace('t.')} AND "
                f"{' AND '.join(keys)})"
            )
        return [self.begin, *deletions, insert, self.commit]

    def _anything(self, order: Order) -> str:
        return ""

    def _in_window(self, order: Order) -> str:
        return f" AND {self.in_window(order)}"

    def _in_stage(self, order: Order) -> str:
        assert order.shape.id is not None
        of = self.quoted(order.shape.id)
        return f" AND {of} IN (SELECT {of} FROM {self.stage(order)})"


class MergeWarehouse(Warehouse):
    """A warehouse that replaces a window by one statement, which is a transaction of its own."""

    def merge(self, order: Order, source: str) -> str:
        """
        Return the statement that replaces a window.

        :param order: What is loaded.
        :param source: The rows of the stage, with all columns of the table.
        """
        table, names = self.table(order), self.names(order)
        has_key = order.replaced in (Replaced.WINDOW_AND_IDS, Replaced.NOTHING)
        match = f"{self.same(WORKSPACE)} AND {self.same_key(order, 't.', 's.')}" if has_key else "FALSE"
        lines = [f"MERGE INTO {table} AS t", f"USING (\n{source}\n) AS s", f"ON {match}"]
        if order.replaced is Replaced.WINDOW_AND_IDS:
            sets = ", ".join(f"{each} = s.{each}" for each in names)
            lines.append(f"WHEN MATCHED THEN UPDATE SET {sets}")
        lines.append(
            f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)}) VALUES ({', '.join(f's.{each}' for each in names)})"
        )
        if order.replaced is not Replaced.NOTHING:
            gone = self.of_workspace("t.")
            if order.replaced is not Replaced.LIST:
                gone += f" AND {self.in_window(order, 't.')}"
            lines.append(f"WHEN NOT MATCHED BY SOURCE AND {gone} THEN DELETE")
        return "\n".join(lines)

    def same(self, name: str) -> str:
        """Write the condition that a column is the same in table and stage."""
        return f"t.{self.quoted(name)} = s.{self.quoted(name)}"

    def source(self, order: Order) -> str:
        """Write the query of the stage's rows, with all columns of the table."""
        values = [
            f"        {value} AS {name}" if value != name else f"        {name}"
            for value, name in zip(self.values(order), self.names(order), strict=True)
        ]
        return "    SELECT\n" + ",\n".join(values) + f"\n    FROM {self.stage(order)}"
