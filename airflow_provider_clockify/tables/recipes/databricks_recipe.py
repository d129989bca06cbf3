# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Databricks: COPY INTO a stage, then one MERGE, or INSERT with REPLACE WHERE where rows have no id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_clockify.columns.tables import ColumnType
from airflow_provider_clockify.tables.ledger import WORKSPACE
from airflow_provider_clockify.tables.recipes.warehouse import MergeWarehouse, Order, Replaced

if TYPE_CHECKING:
    from airflow_provider_clockify.columns.tables import Column


class Databricks(MergeWarehouse):
    """Databricks, with Delta tables."""

    key = "databricks"
    title = "Databricks"
    types = {  # noqa: RUF012 - as its base declares it
        ColumnType.TEXT: "STRING",
        ColumnType.FLAG: "BOOLEAN",
        ColumnType.WHOLE: "BIGINT",
        ColumnType.NUMBER: "DOUBLE",
        ColumnType.INSTANT: "TIMESTAMP",
        ColumnType.DAY: "DATE",
        ColumnType.MONEY: "DECIMAL(18, 8)",
        ColumnType.SECONDS: "BIGINT",
        ColumnType.HOURS: "DECIMAL(18, 6)",
        ColumnType.TEXTS: "ARRAY<STRING>",
        ColumnType.JSON: "VARIANT",
    }
    tested = "Parsed by sqlglot, and its MERGE run on DuckDB. Not run against the warehouse."
    notes = (
        "VARIANT and CLUSTER BY need Databricks Runtime 15.3 or newer.",
        'COPY INTO takes at most 1,000 files: 1,000 days, or any time with partition_by="month".',
    )

    def quoted(self, name: str) -> str:
        """Quote a name."""
        return "`" + name.replace("`", "``") + "`"

    def text(self, value: str) -> str:
        """Write a literal of text."""
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def instant(self, moment: str) -> str:
        """Write an instant."""
        return f"TIMESTAMP '{moment}'"

    def local_day(self, moment: str) -> str:
        """Write a day."""
        return (
            f"CAST(CONVERT_TIMEZONE('UTC', '{{{{ export['timezone'] }}}}', "
            f"TIMESTAMP_NTZ '{moment.replace('+00:00', '')}') AS DATE)"
        )

    @property
    def now(self) -> str:
        """The current instant."""
        return "CURRENT_TIMESTAMP()"

    def staged(self, each: Column, alias: str = "") -> str:
        """Write the value of a column, from that of the stage."""
        name = alias + self.quoted(each.name)
        return f"PARSE_JSON({name})" if each.type is ColumnType.JSON else name

    def setup(self, order: Order) -> list[str]:
        """Return the statement that makes the table."""
        clusters = [WORKSPACE, *([order.shape.position.name] if order.shape.position else [])]
        return [
            (
                f"CREATE TABLE {self.table(order)} (\n{self.columns(order, self.types, comments=True)}\n)\n"
                f"CLUSTER BY ({', '.join(map(self.quoted, clusters))})"
            )
        ]

    def load(self, order: Order) -> list[str]:
        """Return the statements that replace a window."""
        types = {**self.types, ColumnType.JSON: "STRING"}
        columns = ",\n".join(
            f"    {self.quoted(each.name)} {types[each.type]}" for each in order.file_columns
        )
        names = ", ".join(self.quoted(each.name) for each in order.file_columns)
        files = order.file_list("    'FILE'")
        return [
            f"{order.export}\nCREATE OR REPLACE TABLE {self.stage(order)} (\n{columns}\n)",
            (
                f"COPY INTO {self.stage(order)}\nFROM (SELECT {names} FROM '{order.folder}')\nFILEFORMAT = PARQUET\n"
                f"FILES = ({files}\n)\nCOPY_OPTIONS ('force' = 'true')"
            ),
            self._replace(order),
            f"DROP TABLE {self.stage(order)}",
        ]

    def _replace(self, order: Order) -> str:
        """Return the statement that replaces a window."""
        if order.replaced in (Replaced.WINDOW_AND_IDS, Replaced.NOTHING):
            return self.merge(order, self.source(order))
        where = self.of_workspace()
        if order.replaced is Replaced.WINDOW:
            where += f" AND {self.in_window(order)}"
        return f"INSERT INTO {self.table(order)}\nREPLACE WHERE {where}\n{self.source(order)}"
