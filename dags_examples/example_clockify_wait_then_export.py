# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Wait until time is tracked, then export it

The sensor waits in the triggerer, at one request every five minutes, until the day of the run has a finished time
entry. Then the day is exported. A day without any fails after twelve hours.

- Needs a connection `clockify_default` and a running triggerer.
- Writes below the Airflow variable `clockify_output` (by default `/tmp/clockify`).
"""

from __future__ import annotations

# [START howto_sensor_clockify_time_entries]
from datetime import timedelta

import pendulum
from airflow.providers.common.compat.sdk import DAG, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
from airflow_provider_clockify.sensors.time_entries import ClockifyTimeEntrySensor

with DAG(
    dag_id="example_clockify_wait_then_export",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    wait = ClockifyTimeEntrySensor(
        task_id="wait_for_entries",
        since="{{ data_interval_start.isoformat() }}",
        until="{{ data_interval_end.isoformat() }}",
        deferrable=True,
        timeout=timedelta(hours=12),
    )
    export = ClockifyDetailedReportOperator(
        task_id="export_time_entries",
        output_path="{{ var.value.get('clockify_output', '/tmp/clockify') }}/waited",
        partition_by="day",
    )
    wait >> export
    # [END howto_sensor_clockify_time_entries]

    @task
    def check(found: dict, summary: dict) -> int:
        """Fail unless the export has all that the sensor saw."""
        if summary["rows"] < found["count"]:
            raise ValueError(f"the sensor saw {found['count']} entries, the export has {summary['rows']}")
        return summary["rows"]

    check(wait.output, export.output)
