# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Backfill of a year, month by month

A monthly timetable with catchup makes twelve runs for 2025, and ends there. Each exports its month: one request per
1,000 entries, one file per UTC day. A run that is cleared replaces its own month and touches no other.

- Needs a connection `clockify_default` and the extra `parquet`.
- `max_active_runs=1` keeps the months one after the other. If other DAGs use the same workspace, give the task a pool
  with one slot, so that they share its requests per hour (30 on the Free plan).
- Writes below the Airflow variable `clockify_output` (by default `/tmp/clockify`).
"""

from __future__ import annotations

# [START howto_operator_clockify_backfill_year]
import pendulum
from airflow.providers.common.compat.sdk import DAG, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

with DAG(
    dag_id="example_clockify_backfill_year",
    schedule=CronDataIntervalTimetable("0 0 1 * *", timezone="UTC"),
    start_date=pendulum.datetime(2025, 1, 1, tz="UTC"),
    end_date=pendulum.datetime(2025, 12, 31, tz="UTC"),
    catchup=True,
    max_active_runs=1,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    export = ClockifyDetailedReportOperator(
        task_id="export_month",
        output_path="{{ var.value.get('clockify_output', '/tmp/clockify') }}/backfill",
        file_format="parquet",
        partition_by="day",
    )
    # [END howto_operator_clockify_backfill_year]

    @task
    def check(summary: dict) -> int:
        """Fail unless the window is one UTC month with a file for each of its days."""
        start, end = pendulum.parse(summary["window_start"]), pendulum.parse(summary["window_end"])
        if start.add(months=1) != end or len(summary["paths"]) != start.days_in_month:
            raise ValueError(f"not a month of daily files: {summary}")
        return summary["rows"]

    check(export.output)
