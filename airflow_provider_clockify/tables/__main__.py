# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Print the statements that create a table, for those who create tables by hand; recipes for warehouses; dbt's sources.

::

    python -m airflow_provider_clockify.tables detailed --table time_entries --schema clockify
    python -m airflow_provider_clockify.tables detailed --recipe snowflake --location s3://lake/clockify/time_entries
    python -m airflow_provider_clockify.tables detailed=clockify_time_entries list:users --recipe dbt
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_clockify.columns.detailed_columns import DETAILED
from airflow_provider_clockify.columns.list_columns import CHANGES, TABLES
from airflow_provider_clockify.columns.report_columns import ATTENDANCE, EXPENSES, summary_table, weekly_table
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.tables.duckdb_database import DUCKDB
from airflow_provider_clockify.tables.postgres_database import POSTGRESQL
from airflow_provider_clockify.tables.recipes.dbt_sources import Source, dbt_sources
from airflow_provider_clockify.tables.recipes.known_recipes import RECIPES, recipe
from airflow_provider_clockify.tables.recipes.warehouse import PARTS, Order
from airflow_provider_clockify.tables.sqlite_database import SQLITE
from airflow_provider_clockify.tables.statements import FEED_KEY, Shape, TableName, definitions
from airflow_provider_clockify.window import unit_starting_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DIALECTS = {"postgresql": POSTGRESQL, "duckdb": DUCKDB, "sqlite": SQLITE}
DBT = "dbt"


def shapes() -> Mapping[str, Shape]:
    """Return what the table of every report and list holds, with all of its columns."""
    week = unit_starting_at(datetime(2026, 11, 2, tzinfo=UTC), "week")
    return {
        "detailed": Shape.of(DETAILED.columns, position="start", id_column="id"),
        "expenses": Shape.of(EXPENSES.columns, position="date", id_column="id"),
        "summary": Shape.of(summary_table(("USER",), week).columns, position="period_start", id_column=None),
        "weekly": Shape.of(weekly_table("USER", week).columns, position="date", id_column=None),
        "attendance": Shape.of(ATTENDANCE.columns, position="date", id_column=None),
        "changes": Shape.of(CHANGES.columns, position="changed_at", id_column=None, key=FEED_KEY),
        **{
            # The report of expenses and their list are two tables.
            f"list:{name}": Shape.of(table.columns, position=None, id_column=None)
            for name, table in TABLES.items()
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Print the statements.

    :param arguments: Of the command line.
    :return: Exit code.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.table and len(given.what) > 1:
        parser.error("--table fits one WHAT only: write WHAT=TABLE for each of them")
    if given.recipe is None and (given.location or given.part):
        parser.error("--location and --part belong to a --recipe")
    known = shapes()
    try:
        wanted = [
            (what, TableName(given.table or table or f"clockify_{what.rpartition(':')[2]}", given.schema))
            for what, table in given.what
        ]
        texts = [_text(given, what, name, known[what]) for what, name in wanted]
        if given.recipe == DBT:
            texts = [dbt_sources([Source(_title(what), name, known[what]) for what, name in wanted])]
    except ClockifyConfigError as error:
        parser.error(str(error))
    sys.stdout.write("\n".join(texts))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_clockify.tables",
        description="Print the statements that create tables, recipes for warehouses, and dbt's sources.",
    )
    parser.add_argument(
        "what", nargs="+", type=_what, help="a report, 'changes', or list:NAME; or WHAT=TABLE", metavar="WHAT"
    )
    parser.add_argument("--table", help="its name; by default clockify_WHAT")
    parser.add_argument("--schema", help="its schema")
    parser.add_argument("--database", choices=DIALECTS, default="postgresql")
    parser.add_argument(
        "--recipe",
        choices=(*RECIPES, DBT),
        help="print how exported Parquet files come into a warehouse, or the sources of dbt",
    )
    parser.add_argument(
        "--location", help="of a recipe: the folder of the export as the warehouse reaches it, s3://…"
    )
    parser.add_argument("--task", default="export_time_entries", help="of a recipe: id of the export task")
    parser.add_argument("--part", choices=PARTS, help="of a recipe: this part only, for a file of its own")
    return parser


def _what(text: str) -> tuple[str, str | None]:
    """Return what is meant, and the name of its table if there is one."""
    what, _, table = text.partition("=")
    if what not in shapes():
        raise argparse.ArgumentTypeError(f"{what!r} is none of {', '.join(sorted(shapes()))}")
    return what, table or None


def _text(given: argparse.Namespace, what: str, name: TableName, shape: Shape) -> str:
    if given.recipe in (None, DBT):
        return ";\n\n".join(definitions(DIALECTS[given.database], name, shape)) + ";\n"
    if not given.location:
        raise ClockifyConfigError("A recipe needs --location, where the files are.")
    order = Order(_title(what), name, shape, given.location, given.task)
    return recipe(RECIPES[given.recipe], order, (given.part,) if given.part else PARTS)


def _title(what: str) -> str:
    kind, _, name = what.rpartition(":")
    if kind:
        return f"the list of {name.replace('_', ' ')}"
    return "the feed of changes" if what == "changes" else f"the {what} report"


if __name__ == "__main__":
    sys.exit(main())
