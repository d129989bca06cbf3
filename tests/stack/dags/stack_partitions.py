# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""An export of days by a run that has no partition, and who waits for it: by partitions, and by the asset."""

from __future__ import annotations

from airflow.sdk import DAG, Asset, PartitionedAssetTimetable, StartOfDayMapper, task

from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

days = Asset("days_without_a_run_key")

with DAG("export_days", schedule=None):
    ClockifyDetailedReportOperator(
        task_id="export",
        output_path="{{ var.value.clockify_output }}/days",
        start="{{ dag_run.conf['start'] }}",
        end="{{ dag_run.conf['end'] }}",
        partition_by="day",
        outlets=[days],
    )

with DAG(
    "on_each_day",
    schedule=PartitionedAssetTimetable(assets=days, default_partition_mapper=StartOfDayMapper()),
    max_active_runs=1,
):

    @task
    def when(partition_date: object = None) -> dict[str, str]:
        """Return the instant that the partition stands for."""
        return {"partition_date": str(partition_date)}

    when()

with DAG("on_any_day", schedule=[days], max_active_runs=1):

    @task
    def rows(triggering_asset_events: dict | None = None) -> list[int]:
        """Return the rows of each event."""
        return [
            event.extra["rows"] for events in (triggering_asset_events or {}).values() for event in events
        ]

    rows()
