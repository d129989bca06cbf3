# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Attendance: who worked when, per user and day

Each run reads the last complete UTC month and writes one CSV file per day: first start, last end, time worked, breaks,
overtime, time off.

- Needs a connection `clockify_default` with the key of an admin or team manager, and the Standard plan or higher.
- Costs one request per 200 rows (users times days).
- Writes below the Airflow variable `clockify_output` (by default `/tmp/clockify`).
"""

from __future__ import annotations

# [START howto_operator_clockify_attendance_report]
import pendulum
from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_clockify.operators.reports import ClockifyAttendanceReportOperator

with DAG(
    dag_id="example_clockify_attendance",
    schedule="0 6 2 * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    export = ClockifyAttendanceReportOperator(
        task_id="export_attendance",
        output_path="{{ var.value.get('clockify_output', '/tmp/clockify') }}/attendance",
        file_format="csv",
        window="month",
        partition_by="day",
    )
    # [END howto_operator_clockify_attendance_report]

    @task
    def check(summary: dict) -> int:
        """Fail unless the month has a file for each of its days."""
        start, end = pendulum.parse(summary["window_start"]), pendulum.parse(summary["window_end"])
        if start.add(months=1) != end or len(summary["paths"]) != start.days_in_month:
            raise ValueError(f"not a month of daily files: {summary}")
        return summary["rows"]

    check(export.output)
