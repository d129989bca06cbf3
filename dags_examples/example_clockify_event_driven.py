# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Event-driven: load when time is tracked

A watcher in the triggerer looks for new time entries every five minutes. If there are any, back-dated ones included,
this DAG runs and replaces the files of the last seven days and of today. Nothing runs while nobody tracks time.

- Needs Airflow 3 (on Airflow 2, this file has no DAG) and a connection `clockify_default`.
- Writes below the Airflow variable `clockify_output` (by default `/tmp/clockify`).
"""

from __future__ import annotations

# [START howto_trigger_clockify_event_driven]
import pendulum

from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
from airflow_provider_clockify.triggers.time_entries import ClockifyTimeEntryEventTrigger

try:
    from airflow.sdk import DAG, Asset, AssetWatcher, task
except ImportError:
    DAG = None  # Airflow 2 starts no DAGs by events.

if DAG is not None:
    new_time_entries = Asset(
        "clockify_new_time_entries",
        watchers=[AssetWatcher(name="clockify", trigger=ClockifyTimeEntryEventTrigger(detect="created"))],
    )

    with DAG(
        dag_id="example_clockify_event_driven",
        schedule=[new_time_entries],
        start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
        max_active_runs=1,
        tags=["example", "clockify"],
        doc_md=__doc__,
    ):

        @task
        def new_ids(triggering_asset_events: dict | None = None) -> list[str]:
            """Return the ids of the entries that started this run; an event that came twice counts once."""
            batches = {
                event.extra["payload"]["window_end"]: event.extra["payload"]["ids"]
                for events in (triggering_asset_events or {}).values()
                for event in events
                if event.extra.get("from_trigger")
            }
            return [entry_id for ids in batches.values() for entry_id in ids]

        # The same files again: a run that comes twice does no harm.
        export = ClockifyDetailedReportOperator(
            task_id="export_last_days",
            output_path="{{ var.value.get('clockify_output', '/tmp/clockify') }}/time_entries_by_event",
            start="{{ (dag_run.run_after - macros.timedelta(days=7)).strftime('%Y-%m-%dT00:00:00Z') }}",
            end="{{ (dag_run.run_after + macros.timedelta(days=1)).strftime('%Y-%m-%dT00:00:00Z') }}",
            partition_by="day",
        )
        # [END howto_trigger_clockify_event_driven]

        @task
        def check(summary: dict) -> int:
            """Fail unless there is one file per day, seven before today and today's."""
            if len(summary["paths"]) != 8:
                raise ValueError(f"expected 8 daily files, got {summary['paths']}")
            return summary["rows"]

        new_ids() >> export
        check(export.output)
