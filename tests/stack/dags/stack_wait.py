# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""A DAG that waits in the triggerer for one entry."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_clockify.sensors.time_entries import ClockifyTimeEntrySensor

with DAG(dag_id="wait_for_entry", schedule=None):
    ClockifyTimeEntrySensor(
        task_id="wait",
        since="{{ dag_run.conf['since'] }}",
        detect="created",
        filters={"description": "the awaited one"},
        deferrable=True,
        poke_interval=1,
        timeout=300,
    )
