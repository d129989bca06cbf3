# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Payroll only from approved time

Every Monday the sensor waits until the timesheets of the week before are approved, then that week's billable time is
exported: what invoices and payroll are made from.

- Needs a connection `clockify_default`, a plan with approvals and a running triggerer.
- Give `user_ids` to wait for people who have not handed in their timesheet, too.
- Writes below the Airflow variable `clockify_output` (by default `/tmp/clockify`).
"""

from __future__ import annotations

# [START howto_sensor_clockify_approvals]
from datetime import timedelta

import pendulum
from airflow.providers.common.compat.sdk import DAG, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
from airflow_provider_clockify.sensors.time_entries import ClockifyApprovalSensor

with DAG(
    dag_id="example_clockify_approvals_gate",
    schedule=CronDataIntervalTimetable("0 0 * * 1", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 5, tz="UTC"),
    catchup=False,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    gate = ClockifyApprovalSensor(
        task_id="wait_for_approval",
        deferrable=True,
        poke_interval=timedelta(minutes=15),
        timeout=timedelta(days=5),
    )
    export = ClockifyDetailedReportOperator(
        task_id="export_billable_time",
        output_path="{{ var.value.get('clockify_output', '/tmp/clockify') }}"
        "/payroll/{{ data_interval_start | ds }}.csv",
        file_format="csv",
        filters={"billable": True},
    )
    gate >> export
    # [END howto_sensor_clockify_approvals]

    @task
    def check(gate: dict, summary: dict) -> int:
        """Fail unless the gate was open."""
        if not gate["approved"] or gate["pending"]:
            raise ValueError(f"exported before all was approved: {gate}")
        return summary["rows"]

    check(gate.output, export.output)
