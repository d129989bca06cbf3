# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""An export with filters, and one whose key is refused, to be looked at in a browser."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

OUTPUT = "{{ var.value.clockify_output }}/{{ dag.dag_id }}"

with DAG(
    dag_id="browser_export",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
):
    ClockifyDetailedReportOperator(
        task_id="export",
        output_path=OUTPUT,
        partition_by="day",
        filters={
            "billable": True,
            "projects": ["{{ dag_run.conf.get('project', '64a1b2c3d4e5f60718293a4b') }}"],
        },
    )
    ClockifyDetailedReportOperator(
        task_id="refused",
        output_path=OUTPUT,
        partition_by="day",
        clockify_conn_id="clockify_refused",
    )
