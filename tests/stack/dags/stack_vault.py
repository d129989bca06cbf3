# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""DAGs that wait in the triggerer with a connection from a secrets backend."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_clockify.sensors.time_entries import ClockifyTimeEntrySensor

WAIT = {
    "clockify_conn_id": "vault",
    "since": "{{ dag_run.conf['since'] }}",
    "detect": "created",
    "deferrable": True,
    "retries": 2,
}

with DAG(dag_id="many_waits", schedule=None, max_active_tasks=20):
    ClockifyTimeEntrySensor.partial(task_id="wait", poke_interval=3, timeout=3600, **WAIT).expand(
        filters=[{"description": f"vault {number:02}"} for number in range(20)]
    )

with DAG(dag_id="refused_waits", schedule=None):
    for name, parameters in {"wait": {}, "soft": {"soft_fail": True}}.items():
        ClockifyTimeEntrySensor(
            task_id=name,
            filters={"description": "never"},
            poke_interval=2,
            timeout=3600,
            **parameters,
            **WAIT,
        )

with DAG(dag_id="short_waits", schedule=None):
    for name, parameters in {"wait": {}, "soft": {"soft_fail": True}}.items():
        ClockifyTimeEntrySensor(
            task_id=name, filters={"description": "never"}, poke_interval=2, timeout=60, **parameters, **WAIT
        )
