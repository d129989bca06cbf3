# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Dimensions: users, projects, clients, tags and tasks, every night

One mapped task per list writes a full snapshot into the list's own folder, `dimensions/users/dt=…/`, archived things
and people who left included. Every row says when the list was read (`snapshot_at`), so that a warehouse can keep the
history.

- Needs a connection `clockify_default` and the extra `parquet`.
- Costs one request per list, and for the tasks one for each project: too many for a Free workspace with many projects.
- Writes below the Airflow variable `clockify_output` (by default `/tmp/clockify`).
"""

from __future__ import annotations

# [START howto_operator_clockify_export_entities]
import pendulum
from airflow.providers.common.compat.sdk import DAG, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.operators.entities import ClockifyExportEntitiesOperator

FOLDER = "{{ var.value.get('clockify_output', '/tmp/clockify') }}/dimensions"

with DAG(
    dag_id="example_clockify_dimensions",
    schedule=CronDataIntervalTimetable("0 4 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    export = ClockifyExportEntitiesOperator.partial(
        task_id="export_list",
        file_format="parquet",
        partition_by="day",
        max_active_tis_per_dagrun=1,
        map_index_template="{{ task.entity }}",
    ).expand_kwargs(
        [
            {"entity": entity, "output_path": f"{FOLDER}/{entity}"}
            for entity in ("users", "projects", "clients", "tags", "tasks")
        ]
    )
    # [END howto_operator_clockify_export_entities]

    @task
    def check(summaries: list[dict]) -> dict:
        """Fail unless there are five files, and somebody to have tracked the time."""
        rows = {summary["report"]: summary["rows"] for summary in summaries}
        if len(rows) != 5 or not rows["users"]:
            raise ValueError(f"expected five lists, and at least one user: {rows}")
        return rows

    check(export.output)
