# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Ten tasks that fail, each for another reason; ``scripts/failed_runs.py`` makes what they fail at."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
from airflow_provider_clockify.sensors.time_entries import ClockifyTimeEntrySensor
from airflow_provider_clockify.transfers.clockify_to_sql import ClockifyReportToSqlOperator

START = pendulum.datetime(2026, 1, 1, tz="UTC")
OUTPUT = "{{ var.value.clockify_output }}/{{ task.task_id }}"


def export(task_id: str, **parameters: object) -> None:
    """Add an export of the day before, by a connection with the name of the task."""
    wanted = {
        "output_path": OUTPUT,
        "window": "day",
        "partition_by": "day",
        "clockify_conn_id": f"clockify_{task_id}",
    }
    ClockifyDetailedReportOperator(task_id=task_id, **{**wanted, **parameters})


with DAG("browser_failures", schedule=None, start_date=START, catchup=False, max_active_tasks=2):
    export("wrong_key")
    export("wrong_region")
    export("unreachable_host")
    export("workspace_typo")
    export("too_many_requests")
    export("over_budget", start="2025-11-01T00:00:00Z", end="2026-05-01T00:00:00Z")
    export("zero_interval", window="data_interval", clockify_conn_id="clockify_default")
    export(
        "disk_full",
        output_path="{{ var.value.clockify_small_disk }}/entries.jsonl",
        window="month",
        partition_by=None,
        clockify_conn_id="clockify_default",
    )
    ClockifyReportToSqlOperator(
        task_id="database_gone",
        sql_conn_id="clockify_gone_database",
        table="time_entries",
        window="day",
    )
    ClockifyTimeEntrySensor(
        task_id="revoked_key",
        clockify_conn_id="clockify_revoked_key",
        since="{{ macros.datetime.now().strftime('%Y-%m-%dT00:00:00Z') }}",
        min_entries=1_000_000,
        deferrable=True,
        poke_interval=2,
    )
