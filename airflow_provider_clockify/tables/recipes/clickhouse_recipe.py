# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
ClickHouse: a copy of the table is changed, and takes its place.

``REPLACE PARTITION`` replaces one partition at a time, and an entry that moves to another month is in two of them; a
``ReplacingMergeTree`` never forgets what was deleted. A copy shares the files of the table, so that it costs nothing;
``EXCHANGE TABLES`` shows the whole window at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_clockify.columns.tables import ColumnType
from airflow_provider_clockify.tables.ledger import WORKSPACE
from airflow_provider_clockify.tables.recipes.warehouse import Order, Replaced, Warehouse

if TYPE_CHECKING:
    from airflow_provider_clockify.columns.tables import Column

NEXT_SUFFIX = "_next"


class ClickHouse(Warehouse):
    """ClickHouse, in a database with the engine Atomic, which is the default."""

    key = "clickhouse"
    title = "ClickHouse"
    types = {  # noqa: RUF012 - as its base declares it
        ColumnType.TEXT: "String",
        ColumnType.FLAG: "Bool",
        ColumnType.WHOLE: "Int64",
        ColumnType.NUMBER: "Float64",
        ColumnType.INSTANT: "DateTime64(6, 'UTC')",
        ColumnType.DAY: "Date32",
        ColumnType.MONEY: "Decimal(18, 8)",
        ColumnType.SECONDS: "Int64",
        ColumnType.HOURS: "Decimal(18, 6)",
        ColumnType.TEXTS: "Array(Nullable(String))",
        ColumnType.JSON: "String",
    }
    tested = "Run on the engine of ClickHouse (chDB) over files, read by file(). Not tried: s3(), replicated tables."
    notes = (
        "JSON is text, for JSONExtractString and others: the type JSON takes objects, and custom fields are a list.",
        "What others write to the table between ATTACH and EXCHANGE is lost: let one run follow the other.",
    )

    def quoted(self, name: str) -> str:
        """Quote a name."""
        return "`" + name.replace("`", "``") + "`"

    def instant(self, moment: str) -> str:
        """Write an instant."""
        return f"parseDateTime64BestEffort('{moment}', 6, 'UTC')"

    def local_day(self, moment: str) -> str:
        """Write a day."""
        return f"toDate32({self.instant(moment)}, '{{{{ export['timezone'] }}}}')"

    @property
    def now(self) -> str:
        """The current instant."""
        return "now64(6, 'UTC')"

    def setup(self, order: Order) -> list[str]:
        """Return the statement that makes the table."""
        position = order.shape.position
        keys = [WORKSPACE, *([position.name] if position else [])]
        partition = f"PARTITION BY toYYYYMM({self.quoted(position.name)})\n" if position else ""
        return [
            (
                f"CREATE TABLE {self.table(order)} (\n{self._columns(order, order.columns)}\n)\nENGINE = MergeTree\n"
                f"{partition}ORDER BY ({', '.join(map(self.quoted, keys))})"
            )
        ]

    def load(self, order: Order) -> list[str]:
        """Return the statements that replace a window."""
        table, stage, following = self.table(order), self.stage(order), self.table(order, NEXT_SUFFIX)
        names = ", ".join(self.quoted(each.name) for each in order.file_columns)
        function = "s3" if "://" in order.location else "file"
        read = f"INSERT INTO {stage}\nSELECT {names}\nFROM {function}('{order.folder}FILE', 'Parquet');"
        insert = (
            f"INSERT INTO {following} ({', '.join(self.names(order))})\nSELECT {', '.join(self.values(order))}\n"
            f"FROM {stage}"
        )
        if order.replaced is Replaced.NOTHING:
            key = ", ".join(map(self.quoted, order.shape.key))
            insert += f"\nWHERE ({key}) NOT IN (SELECT {key} FROM {table} WHERE {self.of_workspace()})"
        return [
            f"{order.export}\nDROP TABLE IF EXISTS {stage}",
            f"DROP TABLE IF EXISTS {following}",
            (
                f"CREATE TABLE {stage} (\n{self._columns(order, order.file_columns)}\n)\nENGINE = MergeTree\n"
                "ORDER BY tuple()"
            ),
            # The loop ends each statement by itself.
            f"{order.each_file(read)}\nCREATE TABLE {following} AS {table}",
            f"ALTER TABLE {following} ATTACH PARTITION ALL FROM {table}",
            *(f"DELETE FROM {following}\nWHERE {condition}" for condition in self._gone(order)),
            insert,
            f"EXCHANGE TABLES {table} AND {following}",
            f"DROP TABLE {following}",
            f"DROP TABLE {stage}",
        ]

    def _gone(self, order: Order) -> list[str]:
        """Return the conditions of rows that are replaced."""
        if order.replaced is Replaced.NOTHING:
            return []
        if order.replaced is Replaced.LIST:
            return [self.of_workspace()]
        found = [f"{self.of_workspace()} AND {self.in_window(order)}"]
        if order.shape.id is not None:
            of = self.quoted(order.shape.id)
            found.append(f"{self.of_workspace()} AND {of} IN (SELECT {of} FROM {self.stage(order)})")
        return found

    def _columns(self, order: Order, columns: tuple[Column, ...]) -> str:
        return ",\n".join(
            f"    {self.quoted(each.name)} {self._type(order, each)}{self.comment(each)}" for each in columns
        )

    def _type(self, order: Order, each: Column) -> str:
        plain = self.types[each.type]
        is_plain = each.name in order.never_empty or each.type is ColumnType.TEXTS
        return plain if is_plain else f"Nullable({plain})"
