# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""BigQuery: an external table over the files of a run, and one MERGE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_clockify.columns.tables import ColumnType
from airflow_provider_clockify.tables.ledger import WORKSPACE
from airflow_provider_clockify.tables.recipes.warehouse import MergeWarehouse, Order

if TYPE_CHECKING:
    from airflow_provider_clockify.columns.tables import Column

# What external tables have instead.
_STAGED = {ColumnType.MONEY: "NUMERIC", ColumnType.HOURS: "NUMERIC", ColumnType.JSON: "STRING"}


class BigQuery(MergeWarehouse):
    """BigQuery."""

    key = "bigquery"
    title = "Google BigQuery"
    types = {  # noqa: RUF012 - as its base declares it
        ColumnType.TEXT: "STRING",
        ColumnType.FLAG: "BOOL",
        ColumnType.WHOLE: "INT64",
        ColumnType.NUMBER: "FLOAT64",
        ColumnType.INSTANT: "TIMESTAMP",
        ColumnType.DAY: "DATE",
        ColumnType.MONEY: "NUMERIC(18, 8)",
        ColumnType.SECONDS: "INT64",
        ColumnType.HOURS: "NUMERIC(18, 6)",
        ColumnType.TEXTS: "ARRAY<STRING>",
        ColumnType.JSON: "JSON",
    }
    tested = "Parsed by sqlglot, and its MERGE run on DuckDB. Not run against the warehouse."
    notes = (
        "Give the data set, or project and data set with a point between them, as the schema.",
        "Lists of BigQuery hold no NULL: an empty text stands for it, so that ids and names keep their places.",
        "A custom field with a number that JSON of BigQuery cannot hold exactly fails the load.",
    )

    def quoted(self, name: str) -> str:
        """Quote a name."""
        return f"`{name}`"

    def text(self, value: str) -> str:
        """Write a literal of text."""
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def instant(self, moment: str) -> str:
        """Write an instant."""
        return f"TIMESTAMP '{moment}'"

    def local_day(self, moment: str) -> str:
        """Write a day."""
        return f"DATE(TIMESTAMP '{moment}', '{{{{ export['timezone'] }}}}')"

    @property
    def now(self) -> str:
        """The current instant."""
        return "CURRENT_TIMESTAMP()"

    def comment(self, each: Column) -> str:
        """Write what follows the type of a column to describe it."""
        return f" OPTIONS (description = {self.text(each.description)})"

    def staged(self, each: Column, alias: str = "") -> str:
        """Write the value of a column, from that of the external table."""
        name = alias + self.quoted(each.name)
        if each.type is ColumnType.JSON:
            return f"PARSE_JSON({name})"
        if each.type is ColumnType.TEXTS:
            return f"ARRAY(SELECT IFNULL(x, '') FROM UNNEST({name}) AS x WITH OFFSET AS n ORDER BY n)"
        if each.type in _STAGED:
            return f"CAST({name} AS {self.types[each.type]})"
        return name

    def setup(self, order: Order) -> list[str]:
        """Return the statement that makes the table."""
        clusters = [WORKSPACE, *([order.shape.id] if order.shape.id else [])]
        position = order.shape.position
        partition = ""
        if position is not None:
            of = self.quoted(position.name)
            cut = "DATE_TRUNC" if position.type is ColumnType.DAY else "TIMESTAMP_TRUNC"
            partition = f"PARTITION BY {cut}({of}, MONTH)\n"
        return [
            (
                f"CREATE TABLE {self.table(order)} (\n{self.columns(order, self.types, comments=True)}\n)\n"
                f"{partition}CLUSTER BY {', '.join(map(self.quoted, clusters))}"
            )
        ]

    def load(self, order: Order) -> list[str]:
        """Return the statements that replace a window."""
        types = {**self.types, **_STAGED}
        columns = ",\n".join(
            f"    {self.quoted(each.name)} {types[each.type]}" for each in order.file_columns
        )
        files = order.file_list(f"    '{order.folder}FILE'")
        return [
            (
                f"{order.export}\nCREATE OR REPLACE EXTERNAL TABLE {self.stage(order)} (\n{columns}\n)\n"
                f"OPTIONS (format = 'PARQUET', enable_list_inference = TRUE, uris = [{files}\n])"
            ),
            self.merge(order, self.source(order)),
            f"DROP EXTERNAL TABLE {self.stage(order)}",
        ]
