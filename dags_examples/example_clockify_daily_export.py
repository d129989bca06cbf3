# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Every day's time entries, one file per UTC day

Each run exports the entries that start in its data interval: complete, once, in UTC.

- Needs a connection `clockify_default`.
- Writes below the Airflow variable `clockify_output` (a path or an object storage URL; by default `/tmp/clockify`).
- The timetable gives every run a real interval. In Airflow 3 `schedule="@daily"` does not: such a run is a point in
  time (see `example_clockify_plain_cron`).
"""

from __future__ import annotations

# [START howto_operator_clockify_detailed_report]
import pendulum
from airflow.providers.common.compat.sdk import DAG, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

with DAG(
    dag_id="example_clockify_daily_export",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    export = ClockifyDetailedReportOperator(
        task_id="export_time_entries",
        output_path="{{ var.value.get('clockify_output', '/tmp/clockify') }}/time_entries",
        partition_by="day",
    )
    # [END howto_operator_clockify_detailed_report]

    @task
    def check(summary: dict) -> int:
        """Fail unless the files hold as many rows as the summary says."""
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        targets = [path if "://" in path else f"file://{path}" for path in summary["paths"]]
        rows = sum(ObjectStoragePath(target).read_bytes().count(b"\n") for target in targets)
        if rows != summary["rows"]:
            raise ValueError(f"{rows} rows in the files, {summary['rows']} in the summary")
        return rows

    check(export.output)
