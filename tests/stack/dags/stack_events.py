# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""DAGs that start by events: two assets with one watcher definition, and a third that filters."""

from __future__ import annotations

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_provider_clockify.triggers.time_entries import ClockifyTimeEntryEventTrigger

POLL = 2


def watched(name: str, **arguments: object) -> Asset:
    trigger = ClockifyTimeEntryEventTrigger(poll_interval=POLL, **arguments)
    return Asset(name, watchers=[AssetWatcher(name=name, trigger=trigger)])


new_entries = watched("new_entries")
new_entries_too = watched("new_entries_too")
billable_entries = watched("billable_entries", filters={"billable": True})

with DAG(dag_id="on_new_entries", schedule=[new_entries], max_active_runs=16):

    @task
    def ids(triggering_asset_events: dict | None = None) -> list[str]:
        """Return the ids of all events of the run."""
        return [
            entry_id
            for events in (triggering_asset_events or {}).values()
            for event in events
            for entry_id in event.extra["payload"]["ids"]
        ]

    ids()

with DAG(dag_id="on_new_entries_too", schedule=[new_entries_too], max_active_runs=16):
    EmptyOperator(task_id="nothing")

with DAG(dag_id="on_billable_entries", schedule=[billable_entries], max_active_runs=16):
    EmptyOperator(task_id="nothing")
