# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""All recipes by name, and their text (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_clockify.tables.recipes.bigquery_recipe import BigQuery
from airflow_provider_clockify.tables.recipes.clickhouse_recipe import ClickHouse
from airflow_provider_clockify.tables.recipes.databricks_recipe import Databricks
from airflow_provider_clockify.tables.recipes.duckdb_recipe import DuckDb
from airflow_provider_clockify.tables.recipes.redshift_recipe import Redshift
from airflow_provider_clockify.tables.recipes.snowflake_recipe import Snowflake, SnowflakeIceberg
from airflow_provider_clockify.tables.recipes.warehouse import PARTS, Order, Warehouse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ALL = (Snowflake(), SnowflakeIceberg(), BigQuery(), Redshift(), Databricks(), ClickHouse(), DuckDb())
RECIPES: Mapping[str, Warehouse] = {each.key: each for each in _ALL}

_WHEN = {
    "setup": "Once",
    "load": "Each run, as a template of Airflow, after the export task",
    "check": "Then, for SQLCheckOperator: one row, which is true if the table holds what was exported",
}


def statements(warehouse: Warehouse, order: Order, part: str) -> list[str]:
    """
    Return the statements of one part.

    :param warehouse: Of which they are.
    :param order: What is loaded.
    :param part: One of ``setup``, ``load``, ``check``.
    """
    made: list[str] = {"setup": warehouse.setup, "load": warehouse.load, "check": warehouse.check}[part](
        order
    )
    return made


def recipe(warehouse: Warehouse, order: Order, parts: Sequence[str] = PARTS) -> str:
    """
    Return the text of a recipe.

    :param warehouse: Of which it is.
    :param order: What is loaded.
    :param parts: Which parts.
    """
    lines = [
        f"{warehouse.title}: {order.what}",
        f"A load replaces {order.replaced.value}.",
        *warehouse.notes,
        warehouse.tested,
    ]
    found = ["".join(f"-- {line}\n" for line in lines)]
    for part in parts:
        made = statements(warehouse, order, part)
        if made:
            found.append(f"-- {_WHEN[part]}\n" + ";\n\n".join(made) + ";\n")
    return "\n".join(found)
