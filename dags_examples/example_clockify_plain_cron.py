# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### A plain cron schedule: the last complete UTC day

In Airflow 3 a cron string or `@daily` gives each run a point in time instead of an interval. `window="day"` exports the
last complete UTC day before that point, whatever Airflow's version; a run started by hand exports yesterday.

- Needs a connection `clockify_default`.
- Writes below the Airflow variable `clockify_output` (by default `/tmp/clockify`).
"""

from __future__ import annotations

# [START howto_operator_clockify_plain_cron]
import pendulum
from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

with DAG(
    dag_id="example_clockify_plain_cron",
    schedule="0 2 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    export = ClockifyDetailedReportOperator(
        task_id="export_yesterday",
        output_path="{{ var.value.get('clockify_output', '/tmp/clockify') }}/time_entries_csv",
        file_format="csv",
        window="day",
        partition_by="day",
    )
    # [END howto_operator_clockify_plain_cron]

    @task
    def check(summary: dict) -> int:
        """Fail unless the window is one UTC day."""
        start, end = pendulum.parse(summary["window_start"]), pendulum.parse(summary["window_end"])
        if (end - start).total_seconds() != 86_400 or start.time() != pendulum.Time(0):
            raise ValueError(f"not a UTC day: {summary['window_start']} to {summary['window_end']}")
        return summary["rows"]

    check(export.output)
