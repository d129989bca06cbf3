# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Writing time: book a quarter of an hour for each nightly run

The service has no idempotency key. With `marker`, the task looks for its own entry before it writes, so that retries
and cleared runs do not book the time twice. The marker is the same in every try and differs between runs.

- Needs a connection `clockify_default`; the entry belongs to the owner of its key.
- Costs three requests: whose key it is, the search, the entry.
"""

from __future__ import annotations

# [START howto_operator_clockify_create_time_entry]
import pendulum
from airflow.providers.common.compat.sdk import DAG, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.operators.time_entries import ClockifyCreateTimeEntryOperator

with DAG(
    dag_id="example_clockify_write_time",
    schedule=CronDataIntervalTimetable("0 1 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    write = ClockifyCreateTimeEntryOperator(
        task_id="book_quarter_of_an_hour",
        start="{{ data_interval_end.isoformat() }}",
        end="{{ data_interval_end.add(minutes=15).isoformat() }}",
        description="Nightly load",
        marker="{{ dag.dag_id }}/{{ data_interval_end | ts }}",
    )
    # [END howto_operator_clockify_create_time_entry]

    @task
    def check(entry: dict) -> str:
        """Fail unless the workspace has exactly one entry with the marker."""
        from airflow_provider_clockify.hooks.clockify import ClockifyHook

        hook = ClockifyHook(workspace_id=entry["workspace_id"])
        start = pendulum.parse(entry["start"])
        entries = hook.iter_time_entries(hook.get_logged_user()["id"], start, start.add(seconds=1))
        marked = [each["id"] for each in entries if f"[{entry['marker']}]" in each["description"]]
        if marked != [entry["id"]]:
            raise ValueError(f"expected one entry with the marker {entry['marker']}, found {marked}")
        return entry["id"]

    check(write.output)
