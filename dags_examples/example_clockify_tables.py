# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Time entries in a table that equals Clockify, every night

Each run replaces the last eight days, and whatever differs in the year before: late edits, moved and deleted entries,
changed rates. It does so in one transaction: whoever reads meanwhile sees the old state, and then the new one.

- Needs a connection `clockify_default` with the key of an owner or admin, and a connection `warehouse` to PostgreSQL
  (extra `postgres`), DuckDB (extra `duckdb`) or SQLite.
- The role needs CREATE in the schema for the first run, TEMPORARY on the database, and SELECT, INSERT and DELETE on its
  tables.
- A quiet night costs eight requests: one for the key, one page, one for the audit of a year, five for the feeds.
"""

from __future__ import annotations

# [START howto_operator_clockify_report_to_sql]
from datetime import timedelta

import pendulum
from airflow.providers.common.compat.sdk import DAG, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.transfers.clockify_to_sql import ClockifyReportToSqlOperator

with DAG(
    dag_id="example_clockify_tables",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    load = ClockifyReportToSqlOperator(
        task_id="load_time_entries",
        sql_conn_id="warehouse",
        table="clockify_time_entries",
        lookback="P7D",
        audit=timedelta(days=366),
        follow_changes=True,
    )
    # [END howto_operator_clockify_report_to_sql]

    @task
    def check(loaded: dict) -> int:
        """Fail if a newer run has covered this one's window."""
        if loaded["superseded"]:
            raise ValueError(f"a newer run has loaded this window: {loaded}")
        return loaded["rows"]

    check(load.output)
