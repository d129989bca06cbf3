# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Print the statements that create a table, for those who create tables by hand.

::

    python -m airflow_provider_clockify.tables detailed --table time_entries --schema clockify
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_clockify.columns.detailed_columns import DETAILED
from airflow_provider_clockify.columns.list_columns import CHANGES, TABLES
from airflow_provider_clockify.columns.report_columns import ATTENDANCE, EXPENSES, summary_table, weekly_table
from airflow_provider_clockify.tables.duckdb_database import DUCKDB
from airflow_provider_clockify.tables.postgres_database import POSTGRESQL
from airflow_provider_clockify.tables.sqlite_database import SQLITE
from airflow_provider_clockify.tables.statements import FEED_KEY, Shape, TableName, definitions
from airflow_provider_clockify.window import unit_starting_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DIALECTS = {"postgresql": POSTGRESQL, "duckdb": DUCKDB, "sqlite": SQLITE}


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
    known = shapes()
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_clockify.tables",
        description="Print the statements that create a table.",
    )
    parser.add_argument(
        "what", choices=sorted(known), help="a report, 'changes', or list:NAME", metavar="WHAT"
    )
    parser.add_argument("--table", help="its name; by default clockify_WHAT")
    parser.add_argument("--schema", help="its schema")
    parser.add_argument("--database", choices=DIALECTS, default="postgresql")
    given = parser.parse_args(arguments)
    name = TableName(given.table or f"clockify_{given.what.rpartition(':')[2]}", given.schema)
    statements = definitions(DIALECTS[given.database], name, known[given.what])
    sys.stdout.write(";\n\n".join(statements) + ";\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
