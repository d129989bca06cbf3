# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Write the column tables of the documentation from the code; a test says when that is due."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from page_blocks import with_block

from airflow_provider_clockify.columns.detailed_columns import DETAILED_COLUMNS
from airflow_provider_clockify.columns.list_columns import CHANGES, TABLES, snapshot_table
from airflow_provider_clockify.columns.report_columns import (
    ATTENDANCE,
    EXPENSES,
    SUMMARY_COLUMNS,
    WEEKLY_COLUMNS,
)

DOCS = Path(__file__).resolve().parent.parent / "docs"
REPORTS = {
    "detailed": DETAILED_COLUMNS,
    "summary": SUMMARY_COLUMNS,
    "weekly": WEEKLY_COLUMNS,
    "attendance": ATTENDANCE.columns,
    "expenses": EXPENSES.columns,
    "changes": CHANGES.columns,
}
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENTITIES = {name: snapshot_table(table, NOW).columns for name, table in TABLES.items()}


def main() -> None:
    for page, tables in (("output.md", REPORTS), ("entities.md", ENTITIES)):
        text = (DOCS / page).read_text(encoding="utf-8")
        for name, columns in tables.items():
            rows = [f"| {each.name} | {each.type} | {each.description} |" for each in columns]
            table = "\n".join(["| name | type | description |", "|---|---|---|", *rows])
            text = with_block(text, page, f"<!-- columns:{name} -->\n", "\n<!-- /columns -->", table)
        (DOCS / page).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
