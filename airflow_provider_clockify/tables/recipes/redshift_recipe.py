# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Redshift: COPY into a temporary table, and a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_clockify.columns.tables import ColumnType
from airflow_provider_clockify.tables.ledger import WORKSPACE
from airflow_provider_clockify.tables.recipes.warehouse import Order, TransactionWarehouse

if TYPE_CHECKING:
    from airflow_provider_clockify.columns.tables import Column

_LONGEST = "VARCHAR(65535)"
# What COPY reads from Parquet where it is not the type of the table.
_STAGED = {ColumnType.INSTANT: "TIMESTAMP", ColumnType.JSON: _LONGEST}


class Redshift(TransactionWarehouse):
    """Redshift."""

    key = "redshift"
    title = "Amazon Redshift"
    types = {  # noqa: RUF012 - as its base declares it
        ColumnType.TEXT: _LONGEST,
        ColumnType.FLAG: "BOOLEAN",
        ColumnType.WHOLE: "BIGINT",
        ColumnType.NUMBER: "DOUBLE PRECISION",
        ColumnType.INSTANT: "TIMESTAMPTZ",
        ColumnType.DAY: "DATE",
        ColumnType.MONEY: "DECIMAL(18, 8)",
        ColumnType.SECONDS: "BIGINT",
        ColumnType.HOURS: "DECIMAL(18, 6)",
        ColumnType.TEXTS: "SUPER",
        ColumnType.JSON: "SUPER",
    }
    tested = "Parsed by sqlglot, and its transaction run on DuckDB. Not run against the warehouse."
    notes = (
        "The cluster needs a default IAM role that reads the bucket.",
        "COPY fills columns by their order, and text of more than 65,535 bytes fails.",
    )

    def instant(self, moment: str) -> str:
        """Write an instant."""
        return f"TIMESTAMPTZ '{moment}'"

    def local_day(self, moment: str) -> str:
        """Write a day."""
        return f"CAST(TIMESTAMPTZ '{moment}' AT TIME ZONE '{{{{ export['timezone'] }}}}' AS DATE)"

    @property
    def now(self) -> str:
        """The current instant."""
        return "GETDATE() AT TIME ZONE 'UTC'"

    def staged(self, each: Column, alias: str = "") -> str:
        """Write the value of a column, from that of the stage."""
        name = alias + self.quoted(each.name)
        if each.type is ColumnType.INSTANT:
            return f"{name} AT TIME ZONE 'UTC'"
        return f"JSON_PARSE({name})" if each.type is ColumnType.JSON else name

    def setup(self, order: Order) -> list[str]:
        """Return the statements that make the table."""
        keys = [WORKSPACE, *([order.shape.position.name] if order.shape.position else [])]
        table = self.table(order)
        return [
            (
                f"CREATE TABLE {table} (\n{self.columns(order, self.types, comments=False)}\n)\n"
                f"COMPOUND SORTKEY ({', '.join(map(self.quoted, keys))})"
            ),
            *(
                f"COMMENT ON COLUMN {table}.{self.quoted(each.name)} IS {self.text(each.description)}"
                for each in order.columns
            ),
        ]

    def load(self, order: Order) -> list[str]:
        """Return the statements that replace a window."""
        types = {**self.types, **_STAGED}
        stage = self.quoted(order.name.table + "_stage")  # Temporary tables are in no schema.
        columns = ",\n".join(
            f"    {self.quoted(each.name)} {types[each.type]}" for each in order.file_columns
        )
        copy = f"COPY {stage} FROM '{order.folder}FILE'\nIAM_ROLE DEFAULT FORMAT AS PARQUET SERIALIZETOJSON;"
        return [
            f"{order.export}\nDROP TABLE IF EXISTS {stage}",
            f"CREATE TEMP TABLE {stage} (\n{columns}\n)",
            # The loop ends each statement by itself.
            order.each_file(copy) + "\n" + self.begin,
            *self.replacement(order)[1:],
        ]

    def stage(self, order: Order) -> str:
        """Write the name of the temporary table, which is in no schema."""
        return self.quoted(order.name.table + "_stage")
