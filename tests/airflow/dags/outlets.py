# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Exports with outlets, and DAGs that wait for them; only tests run them."""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.common.compat.assets import Asset, AssetAlias
from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

OUTPUT = "{{ var.value.get('clockify_output') }}"
PARTITIONED = Asset("file:///probe/partitioned")
WHOLE = Asset("file:///probe/whole")
LONG = Asset("file:///probe/long")


def daily(dag_id: str) -> DAG:
    return DAG(
        dag_id,
        schedule=CronDataIntervalTimetable("0 0 * * *", "UTC"),
        start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
        catchup=False,
    )


with daily("probe_partitioned_outlets"):
    ClockifyDetailedReportOperator(
        task_id="export",
        output_path=OUTPUT + "/days",
        partition_by="day",
        lookback=timedelta(days=1),
        outlets=[PARTITIONED, AssetAlias("probe_alias")],
    )

with daily("probe_whole_outlet"):
    ClockifyDetailedReportOperator(task_id="export", output_path=OUTPUT + "/whole.jsonl", outlets=[WHOLE])

with daily("probe_long_outlet"):
    ClockifyDetailedReportOperator(
        task_id="export",
        output_path=OUTPUT + "/days",
        partition_by="day",
        lookback=timedelta(days=391),
        outlets=[LONG],
    )
