# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### What changed since yesterday: created, updated, deleted

Reads the entity feeds of the service and writes one change file per day and type; applied to a snapshot in order, they
keep a copy of the workspace up to date, deletions included. The feeds are experimental on the service's side.

- Needs a connection `clockify_default` with the key of an owner or admin.
- A quiet day costs about five requests per type.
- Writes below the Airflow variable `clockify_output` (by default `/tmp/clockify`); `docs/changes.md` says how to apply
  the files.
"""

from __future__ import annotations

# [START howto_operator_clockify_entity_changes]
import pendulum
from airflow.providers.common.compat.sdk import DAG, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.operators.entities import ClockifyEntityChangesOperator

OUTPUT = "{{ var.value.get('clockify_output', '/tmp/clockify') }}/changes"

with DAG(
    dag_id="example_clockify_change_feed",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    # Windows follow each other without a gap, so that every change is in one of them.
    catchup=True,
    max_active_runs=1,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    export = ClockifyEntityChangesOperator.partial(
        task_id="export_changes", map_index_template="{{ task.entity_type }}"
    ).expand_kwargs(
        [
            {
                "entity_type": entity_type,
                "output_path": f"{OUTPUT}/{entity_type.lower()}/dt={{{{ data_interval_start | ds }}}}/changes.jsonl",
            }
            for entity_type in ("TIME_ENTRY", "PROJECTS", "CLIENTS")
        ]
    )
    # [END howto_operator_clockify_entity_changes]

    @task
    def check(summaries: list[dict]) -> dict:
        """Fail unless deletions come last and no id changes twice in one file."""
        import json

        from airflow.providers.common.compat.sdk import ObjectStoragePath

        counts: dict[str, int] = {}
        for summary in summaries:
            (path,) = summary["paths"]
            target = ObjectStoragePath(path if "://" in path else f"file://{path}")
            changes = [json.loads(line) for line in target.read_bytes().splitlines()]
            kinds = [change["change"] for change in changes]
            if kinds != sorted(kinds, key=("created", "updated", "deleted").index):
                raise ValueError(f"{path} is not in the order in which to apply it")
            if len({change["id"] for change in changes}) != summary["rows"]:
                raise ValueError(f"{path} has an id twice")
            for kind in kinds:
                counts[kind] = counts.get(kind, 0) + 1
        return counts

    check(export.output)
