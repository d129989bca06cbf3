# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### A lake: time entries by day of Berlin, and what they refer to, every night

Each run replaces the Parquet files of the last eight days, so that late edits arrive, and adds a snapshot of users,
projects and clients. Each list has a folder of its own: `lake/time_entries/dt=…/`, `lake/dimensions/users/dt=…/`. The
cookbook reads these files with DuckDB, pandas and Polars.

- Needs a connection `clockify_default` and the extra `parquet`.
- Costs one request per 1,000 entries of the eight days, and one per 5,000 items of each list.
- Writes below the Airflow variable `clockify_output` (by default `/tmp/clockify`).
"""

from __future__ import annotations

# [START howto_cookbook_lake]
import pendulum
from airflow.providers.common.compat.sdk import DAG, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.operators.entities import ClockifyExportEntitiesOperator
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

LAKE = "{{ var.value.get('clockify_output', '/tmp/clockify') }}/lake"

with DAG(
    dag_id="example_clockify_lake",
    schedule=CronDataIntervalTimetable("0 4 * * *", timezone="Europe/Berlin"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Berlin"),
    catchup=False,
    max_active_runs=1,
    default_args={"file_format": "parquet", "partition_by": "day"},
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    entries = ClockifyDetailedReportOperator(
        task_id="export_time_entries",
        output_path=f"{LAKE}/time_entries",
        window="day",
        timezone="Europe/Berlin",
        lookback="P7D",
    )
    lists = ClockifyExportEntitiesOperator.partial(
        task_id="export_list",
        max_active_tis_per_dagrun=1,
        map_index_template="{{ task.entity }}",
    ).expand_kwargs(
        [
            {"entity": entity, "output_path": f"{LAKE}/dimensions/{entity}"}
            for entity in ("users", "projects", "clients")
        ]
    )
    # [END howto_cookbook_lake]

    @task
    def check(entries: dict, lists: list[dict]) -> dict:
        """Fail unless there is a file for each of eight days, and one for each list."""
        found = {each["report"]: len(each["paths"]) for each in (entries, *lists)}
        if found != {"detailed": 8, "users": 1, "projects": 1, "clients": 1}:
            raise ValueError(f"expected the files of eight days and of three lists: {found}")
        return {each["report"]: each["rows"] for each in (entries, *lists)}

    check(entries.output, lists.output)
