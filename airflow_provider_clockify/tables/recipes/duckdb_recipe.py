# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""DuckDB, and with it MotherDuck and DuckLake: the files are read where they are, in a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_clockify.columns.tables import ColumnType
from airflow_provider_clockify.tables.duckdb_database import DUCKDB
from airflow_provider_clockify.tables.recipes.warehouse import Order, TransactionWarehouse

if TYPE_CHECKING:
    from airflow_provider_clockify.columns.tables import Column


class DuckDb(TransactionWarehouse):
    """DuckDB."""

    key = "duckdb"
    title = "DuckDB (MotherDuck, DuckLake)"
    types = DUCKDB.types
    tested = "Run on DuckDB over exported files. Not run against MotherDuck."
    notes = (
        "For a file of DuckDB the operators of docs/tables.md are the simpler way; this is for what they do not reach.",
    )
    begin = "BEGIN TRANSACTION"

    def instant(self, moment: str) -> str:
        """Write an instant."""
        return f"TIMESTAMPTZ '{moment}'"

    def local_day(self, moment: str) -> str:
        """Write a day."""
        return f"CAST(TIMESTAMPTZ '{moment}' AT TIME ZONE '{{{{ export['timezone'] }}}}' AS DATE)"

    def stage(self, order: Order) -> str:
        """Write the name of the temporary table, which is in no schema."""
        return self.quoted(order.name.table + "_stage")

    def staged(self, each: Column, alias: str = "") -> str:
        """Write the value of a column, from that of the stage."""
        name = alias + self.quoted(each.name)
        return f"CAST({name} AS JSON)" if each.type is ColumnType.JSON else name

    def setup(self, order: Order) -> list[str]:
        """Return the statements that make the table."""
        table = self.table(order)
        return [
            f"CREATE TABLE {table} (\n{self.columns(order, self.types, comments=False)}\n)",
            *(
                f"COMMENT ON COLUMN {table}.{self.quoted(each.name)} IS {self.text(each.description)}"
                for each in order.columns
            ),
        ]

    def load(self, order: Order) -> list[str]:
        """Return the statements that replace a window."""
        names = ", ".join(self.quoted(each.name) for each in order.file_columns)
        files = order.file_list(f"    '{order.folder}FILE'")
        return [
            (
                f"{order.export}\nCREATE OR REPLACE TEMP TABLE {self.stage(order)} AS\nSELECT {names}\n"
                f"FROM read_parquet([{files}\n], hive_partitioning = false)"
            ),
            *self.replacement(order),
            f"DROP TABLE {self.stage(order)}",
        ]
