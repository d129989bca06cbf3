# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Every Monday: the week before, per user and day

The weekly report of the service wants exactly seven days; `window="week"` is the last complete week from Monday to
Monday, UTC. One request, one CSV row per user and day.

- Needs a connection `clockify_default`.
- Writes below the Airflow variable `clockify_output` (by default `/tmp/clockify`).
"""

from __future__ import annotations

# [START howto_operator_clockify_weekly_report]
import pendulum
from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_clockify.operators.reports import ClockifyWeeklyReportOperator

with DAG(
    dag_id="example_clockify_weekly_report",
    schedule="0 5 * * 1",
    start_date=pendulum.datetime(2026, 1, 5, tz="UTC"),
    catchup=False,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    export = ClockifyWeeklyReportOperator(
        task_id="export_last_week",
        output_path="{{ var.value.get('clockify_output', '/tmp/clockify') }}/weekly/{{ run_id }}.csv",
        file_format="csv",
        group="USER",
        window="week",
    )
    # [END howto_operator_clockify_weekly_report]

    @task
    def check(summary: dict) -> int:
        """Fail unless the window is a week from Monday on, and every user has seven rows."""
        start, end = pendulum.parse(summary["window_start"]), pendulum.parse(summary["window_end"])
        if start.isoweekday() != 1 or (end - start).days != 7 or summary["rows"] % 7:
            raise ValueError(f"not a week per user: {summary}")
        return summary["rows"]

    check(export.output)
