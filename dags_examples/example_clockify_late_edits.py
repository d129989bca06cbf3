# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Late edits: read the last week again every night

People correct yesterday's entries tomorrow. Each run reads its own day and the seven before it in one export (still one
request per 1,000 entries) and replaces each day's Parquet file as a whole, so that edits and deletions arrive, too.

- Needs a connection `clockify_default` and the extra `parquet`.
- Writes below the Airflow variable `clockify_output` (by default `/tmp/clockify`).
"""

from __future__ import annotations

# [START howto_operator_clockify_late_edits]
from datetime import timedelta

import pendulum
from airflow.providers.common.compat.sdk import DAG, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

with DAG(
    dag_id="example_clockify_late_edits",
    schedule=CronDataIntervalTimetable("0 3 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    export = ClockifyDetailedReportOperator(
        task_id="export_last_days",
        output_path="{{ var.value.get('clockify_output', '/tmp/clockify') }}/time_entries_parquet",
        file_format="parquet",
        window="day",
        lookback=timedelta(days=7),
        partition_by="day",
    )
    # [END howto_operator_clockify_late_edits]

    @task
    def check(summary: dict) -> int:
        """Fail unless there is one file per day, the window's own and the seven before it."""
        if len(summary["paths"]) != 8:
            raise ValueError(f"expected 8 daily files, got {summary['paths']}")
        return len(summary["paths"])

    check(export.output)
