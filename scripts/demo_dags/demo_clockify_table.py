# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### The last three days in a table

Each run replaces the day of its interval and the two before it, in a file of DuckDB.
"""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.transfers.clockify_to_sql import ClockifyReportToSqlOperator

with DAG(
    dag_id="demo_clockify_table",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    doc_md=__doc__,
):
    ClockifyReportToSqlOperator(
        task_id="load_time_entries",
        sql_conn_id="warehouse",
        table="time_entries",
        lookback="P2D",
        # The file is the demo's own: nobody else's rows can be lost by a key that sees its owner's entries only.
        require_admin=False,
    )
