# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Partitions: one downstream run for each day that was exported

Each run exports the day of its partition and the day before it, for late edits. The asset event of every day carries
the day's partition key, so that the second DAG runs once for each of them and reads that day's file only.

- Needs Airflow 3.3 (on Airflow before 3.2, this file has no DAG) and a connection `clockify_default`.
- Writes below the Airflow variable `clockify_output` (by default `/tmp/clockify`).
"""

from __future__ import annotations

# [START howto_operator_clockify_partitions]
import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pendulum

from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

try:
    from airflow.sdk import (
        DAG,
        Asset,
        CronPartitionTimetable,
        PartitionedAssetTimetable,
        StartOfDayMapper,
        task,
    )
except ImportError:
    DAG = None  # This Airflow knows no partitions.

FOLDER = "{{ var.value.get('clockify_output', '/tmp/clockify') }}/time_entries_of_a_day"

if DAG is not None:
    time_entries_of_a_day = Asset("clockify_time_entries_of_a_day")

    with DAG(
        dag_id="example_clockify_partitions",
        # The run at midnight has the day that just ended as its partition.
        schedule=CronPartitionTimetable("0 0 * * *", timezone="UTC", run_offset=-1),
        start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
        catchup=False,
        max_active_runs=1,
        tags=["example", "clockify"],
        doc_md=__doc__,
    ):
        export = ClockifyDetailedReportOperator(
            task_id="export_day",
            output_path=FOLDER,
            window="day",
            lookback=timedelta(days=1),
            partition_by="day",
            outlets=[time_entries_of_a_day],
        )

        @task(task_id="check")
        def check_files(summary: dict) -> list[str]:
            """Fail unless there is one file for the day and one for the day before it."""
            if len(summary["paths"]) != 2:
                raise ValueError(f"expected 2 daily files, got {summary['paths']}")
            return summary["paths"]

        check_files(export.output)

    with DAG(
        dag_id="example_clockify_partitions_downstream",
        # From 2026-11-04T00:00:00 to 2026-11-04; gives the run a partition_date, too.
        schedule=PartitionedAssetTimetable(
            assets=time_entries_of_a_day, default_partition_mapper=StartOfDayMapper()
        ),
        start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
        catchup=False,
        max_active_runs=1,
        tags=["example", "clockify"],
    ):

        @task
        def check(day: str, folder: str) -> dict:
            """Read the file of one day; fail if it has entries of other days, or one twice."""
            path = Path(folder) / f"dt={day}" / "detailed.jsonl"
            rows = [json.loads(line) for line in path.read_bytes().splitlines()]
            days = Counter(
                pendulum.parse(row["timeInterval"]["start"]).in_timezone("UTC").to_date_string()
                for row in rows
            )
            if set(days) - {day}:
                raise ValueError(f"{path} has entries of other days: {dict(days)}")
            if len({row["_id"] for row in rows}) != len(rows):
                raise ValueError(f"{path} has an entry twice")
            seconds = sum(row["timeInterval"]["duration"] for row in rows)
            return {"day": day, "rows": len(rows), "seconds": seconds}

        check("{{ dag_run.partition_key }}", FOLDER)
# [END howto_operator_clockify_partitions]
