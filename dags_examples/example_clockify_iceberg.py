# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Time entries and dimensions in Iceberg tables that equal Clockify, every night

Each run replaces the last eight days, and whatever differs in the year before: late edits, moved and deleted entries,
changed rates. A run is one snapshot of the table: engines that read it see the old state, and then the new one.

- Needs a connection `clockify_default` with the key of an owner or admin, and a connection `iceberg_default` of type
  `iceberg` (extra `iceberg`).
- A quiet night costs eight requests for the entries: one for the key, one page, one for the audit of a year, five for
  the feeds; and two for each list.
"""

from __future__ import annotations

# [START howto_operator_clockify_report_to_iceberg]
from datetime import timedelta

import pendulum
from airflow.providers.common.compat.sdk import DAG, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.transfers.clockify_to_iceberg import (
    ClockifyEntitiesToIcebergOperator,
    ClockifyReportToIcebergOperator,
)

with DAG(
    dag_id="example_clockify_iceberg",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    entries = ClockifyReportToIcebergOperator(
        task_id="load_time_entries",
        table="clockify.time_entries",
        lookback="P7D",
        audit=timedelta(days=366),
        follow_changes=True,
    )

    lists = ClockifyEntitiesToIcebergOperator.partial(
        task_id="load_list", max_active_tis_per_dagrun=1, map_index_template="{{ task.entity }}"
    ).expand_kwargs(
        [{"entity": entity, "table": f"clockify.{entity}"} for entity in ("users", "projects", "clients")]
    )
    # [END howto_operator_clockify_report_to_iceberg]

    @task
    def check(loaded: dict, dimensions: list[dict]) -> int:
        """Fail if a newer run has covered this one's window, or if nobody is there who could have tracked the time."""
        rows = {each["report"]: each["rows"] for each in dimensions}
        if loaded["superseded"] or not rows["users"]:
            raise ValueError(f"not what was expected: {loaded}, {rows}")
        return loaded["rows"]

    check(entries.output, lists.output)
