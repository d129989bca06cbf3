# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### A warehouse that equals Clockify, every night

Time entries in a table, with late edits, moves and deletions of a whole year; projects, clients, users and tags beside
it; and the feed of changes as a raw table. Each task replaces its rows in one transaction: whoever reads meanwhile sees
the old state, and then the new one.

- Needs a connection `clockify_default` with the key of an owner or admin, and a connection `warehouse` to PostgreSQL
  (extra `postgres`), DuckDB (extra `duckdb`) or SQLite.
- The role needs CREATE in the schema for the first run, TEMPORARY on the database, and SELECT, INSERT and DELETE on its
  tables.
- A quiet night costs eight requests for the entries: one for the key, one page, one for the audit of a year, five for
  the feeds.
"""

from __future__ import annotations

# [START howto_operator_clockify_report_to_sql]
from datetime import timedelta

import pendulum
from airflow.providers.common.compat.sdk import DAG, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.transfers.clockify_to_sql import (
    ClockifyEntitiesToSqlOperator,
    ClockifyEntityChangesToSqlOperator,
    ClockifyReportToSqlOperator,
)

with DAG(
    dag_id="example_clockify_tables",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    entries = ClockifyReportToSqlOperator(
        task_id="load_time_entries",
        sql_conn_id="warehouse",
        table="clockify_time_entries",
        lookback="P7D",
        audit=timedelta(days=366),
        follow_changes=True,
    )
    # [END howto_operator_clockify_report_to_sql]

    # [START howto_operator_clockify_entities_to_sql]
    dimensions = ClockifyEntitiesToSqlOperator.partial(
        task_id="load_dimension", sql_conn_id="warehouse", map_index_template="{{ task.entity }}"
    ).expand_kwargs(
        [
            {"entity": entity, "table": f"clockify_{entity}"}
            for entity in ("users", "projects", "clients", "tags")
        ]
    )
    # [END howto_operator_clockify_entities_to_sql]

    # [START howto_operator_clockify_entity_changes_to_sql]
    changes = ClockifyEntityChangesToSqlOperator(
        task_id="load_changes", sql_conn_id="warehouse", table="clockify_changes", entity_type="PROJECTS"
    )
    # [END howto_operator_clockify_entity_changes_to_sql]

    @task
    def check(loaded: dict, lists: list[dict]) -> int:
        """Fail unless the load says what it has written, and four lists are there."""
        if len(lists) != 4 or loaded["superseded"]:
            raise ValueError(f"expected four lists and a load of its own: {lists}, {loaded}")
        return loaded["rows"]

    check(entries.output, dimensions.output)
