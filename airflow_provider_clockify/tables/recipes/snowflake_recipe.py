# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Snowflake: COPY from a stage into a temporary table, and a transaction; or tables of an Iceberg catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow_provider_clockify.columns.tables import ColumnType
from airflow_provider_clockify.tables.recipes.warehouse import Order, TransactionWarehouse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_clockify.columns.tables import Column

_TYPES = {
    ColumnType.TEXT: "VARCHAR",
    ColumnType.FLAG: "BOOLEAN",
    ColumnType.WHOLE: "NUMBER(19, 0)",
    ColumnType.NUMBER: "DOUBLE",
    ColumnType.INSTANT: "TIMESTAMP_LTZ(6)",
    ColumnType.DAY: "DATE",
    ColumnType.MONEY: "NUMBER(18, 8)",
    ColumnType.SECONDS: "NUMBER(19, 0)",
    ColumnType.HOURS: "NUMBER(18, 6)",
    ColumnType.TEXTS: "ARRAY",
    ColumnType.JSON: "VARIANT",
}
UTC = "ALTER SESSION SET TIMEZONE = 'UTC'"


class Snowflake(TransactionWarehouse):
    """Snowflake's own tables."""

    key = "snowflake"
    title = "Snowflake"
    types = _TYPES
    tested = "Parsed by sqlglot, and its transaction run on DuckDB. Not run against the warehouse."
    notes: ClassVar[Sequence[str]] = (
        "Put your storage integration in place of CLOCKIFY_LAKE.",
        'COPY takes at most 1,000 files: 1,000 days, or any time with partition_by="month".',
        "Names are upper case, so that queries need quotes only for words such as START and END.",
    )
    begin = "BEGIN TRANSACTION"

    def quoted(self, name: str) -> str:
        """Quote a name in upper case, as Snowflake reads names without quotes."""
        return super().quoted(name.upper())

    def instant(self, moment: str) -> str:
        """Write an instant."""
        return f"'{moment}'::TIMESTAMP_LTZ"

    def local_day(self, moment: str) -> str:
        """Write a day."""
        return (
            "CONVERT_TIMEZONE('UTC', '{{ export['timezone'] }}', "
            f"'{moment}'::TIMESTAMP_LTZ::TIMESTAMP_NTZ)::DATE"
        )

    @property
    def now(self) -> str:
        """The current instant."""
        return "CURRENT_TIMESTAMP()"

    def setup(self, order: Order) -> list[str]:
        """Return the statements that make the table and the stage of the files."""
        return [
            f"CREATE TABLE {self.table(order)} (\n{self.columns(order, self.types, comments=True)}\n)",
            f"CREATE STAGE {self.table(order, '_files')}\nURL = '{order.folder}'\nSTORAGE_INTEGRATION = CLOCKIFY_LAKE",
        ]

    def load(self, order: Order) -> list[str]:
        """Return the statements that replace a window."""
        files = order.file_list("    'FILE'")
        values = ",\n".join(f"        {self._read(each)}" for each in order.file_columns)
        staged = ",\n".join(
            f"    {self.quoted(each.name)} {self.types[each.type]}" for each in order.file_columns
        )
        names = ", ".join(self.quoted(each.name) for each in order.file_columns)
        return [
            f"{order.export}\n{UTC}",
            f"CREATE OR REPLACE TEMPORARY TABLE {self.stage(order)} (\n{staged}\n)",
            (
                f"COPY INTO {self.stage(order)} ({names})\nFROM (\n    SELECT\n{values}\n"
                f"    FROM @{self.table(order, '_files')}\n)\nFILES = ({files}\n)\n"
                "FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)"
            ),
            *self.replacement(order),
            f"DROP TABLE {self.stage(order)}",
        ]

    def _read(self, each: Column) -> str:
        """Write the value of a column in a file."""
        value = f'$1:"{each.name}"'
        if each.type is ColumnType.JSON:  # Files hold it as text.
            return f"PARSE_JSON({value}::VARCHAR)"
        return f"{value}::{self.types[each.type]}"


class SnowflakeIceberg(Snowflake):
    """Tables that an Iceberg catalog shares with Snowflake: nothing is loaded."""

    key = "snowflake-iceberg"
    title = "Snowflake, a table of an Iceberg catalog"
    tested = "Parsed by sqlglot. Not run against the warehouse."
    notes = (
        "Put your external volume and your catalog integration in place of CLOCKIFY_LAKE and CLOCKIFY_CATALOG.",
        "Who writes the Iceberg table replaces its windows, and has proven them. Each commit is seen as a whole.",
        "The view expects names in upper case: see with DESCRIBE TABLE how Snowflake spells those of your catalog.",
    )

    def setup(self, order: Order) -> list[str]:
        """Return the statements that show a table of the catalog, with types and comments."""
        lake = self.table(order, "_iceberg")
        columns = order.shape.all_columns
        comments = ",\n".join(f"    {self.quoted(each.name)}{self.comment(each)}" for each in columns)
        values = ",\n".join(f"    {self._seen(each)}" for each in columns)
        return [
            (
                f"CREATE ICEBERG TABLE {lake}\nEXTERNAL_VOLUME = 'CLOCKIFY_LAKE'\nCATALOG = 'CLOCKIFY_CATALOG'\n"
                f"CATALOG_TABLE_NAME = {self.text(order.name.table)}"
            ),
            f"CREATE VIEW {self.table(order)} (\n{comments}\n) AS\nSELECT\n{values}\nFROM {lake}",
        ]

    def load(self, order: Order) -> list[str]:
        """Return the statement that shows the newest commit, where the catalog is not asked by itself."""
        return [f"ALTER ICEBERG TABLE {self.table(order, '_iceberg')} REFRESH"]

    def check(self, order: Order) -> list[str]:
        """Return nothing: the writer proves its commits."""
        return []

    def _seen(self, each: Column) -> str:
        name = self.quoted(each.name)
        if each.type is ColumnType.JSON:
            return f"PARSE_JSON({name})"
        return f"{name}::{self.types[each.type]}"
