# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### The month of a company in Berlin: every time entry by day, and the hours of each project

Days and months are Berlin's: a file of a day holds what was started between two midnights there, and the sums are those
that people in Berlin see in Clockify. Instants in the rows stay UTC.

The run is at six o'clock in Berlin on the first of the month, in summer and in winter. One task writes a file per day,
the other sums up the month; the last one fails unless both agree.

- Needs a connection `clockify_default`.
- Writes below the Airflow variable `clockify_output` (by default `/tmp/clockify`).
"""

from __future__ import annotations

# [START howto_operator_clockify_timezone]
import pendulum
from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_clockify.operators.reports import (
    ClockifyDetailedReportOperator,
    ClockifySummaryReportOperator,
)

with DAG(
    dag_id="example_clockify_month_of_berlin",
    schedule="0 6 1 * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Berlin"),
    catchup=False,
    default_args={"window": "month", "timezone": "Europe/Berlin"},
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    days = ClockifyDetailedReportOperator(
        task_id="export_days",
        output_path="{{ var.value.get('clockify_output', '/tmp/clockify') }}/berlin_days",
        partition_by="day",
    )
    sums = ClockifySummaryReportOperator(
        task_id="export_sums",
        output_path="{{ var.value.get('clockify_output', '/tmp/clockify') }}/berlin_sums",
        file_format="csv",
        groups=("PROJECT", "DATE"),
        partition_by="month",
    )
    # [END howto_operator_clockify_timezone]

    @task
    def check(days: dict, sums: dict) -> float:
        """Fail unless the days and the sums have the same time."""
        if days["totals"]["seconds"] != sums["totals"]["seconds"]:
            raise ValueError(
                f"the days have {days['totals']['seconds']} s, the sums {sums['totals']['seconds']} s"
            )
        return days["totals"]["seconds"]

    check(days.output, sums.output)
