# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""One sensor, with the parameters that a test put into the environment."""

from __future__ import annotations

import json
import os
from datetime import timedelta

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.sensors.time_entries import ClockifyApprovalSensor, ClockifyTimeEntrySensor

SENSORS = {"time_entries": ClockifyTimeEntrySensor, "approvals": ClockifyApprovalSensor}

with DAG(
    "probe_wait",
    schedule=CronDataIntervalTimetable("0 0 * * *", "UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
):
    parameters = json.loads(os.environ.get("PROBE_WAIT", "{}"))
    SENSORS[parameters.pop("sensor", "time_entries")](
        task_id="wait", **{"poke_interval": 0.1, "retry_delay": timedelta(0), **parameters}
    )
