# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Keep Iceberg tables small: expire snapshots, and join files, every week

Each load of a table leaves the state before it as a snapshot, with its files. This DAG forgets snapshots of more than a
week ago, removes the files that only they had, and joins the files of months that have many.

- Needs a connection `iceberg_default` of type `iceberg` (extra `iceberg`), whose credentials may delete files. Asks
  nothing of Clockify, so that it needs no `clockify_default`.
- Loads may run meanwhile. If a load was quicker than a task here, the task fails and is right on its retry.
"""

from __future__ import annotations

# [START howto_iceberg_maintenance]
from datetime import UTC, datetime, timedelta

import pendulum
from airflow.providers.common.compat.sdk import DAG, task
from airflow.timetables.interval import CronDataIntervalTimetable

with DAG(
    dag_id="example_clockify_iceberg_maintenance",
    schedule=CronDataIntervalTimetable("0 6 * * 0", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    default_args={"retries": 3},
    tags=["example", "clockify"],
    doc_md=__doc__,
    params={
        "tables": ["clockify.time_entries", "clockify.users", "clockify.projects", "clockify.clients"],
        "days_kept": 7,
        "many_files": 20,
    },
):

    @task
    def tables(params: dict | None = None) -> list[str]:
        """Return the tables of the run's parameters."""
        return list(params["tables"])

    @task
    def compact(name: str, params: dict | None = None) -> int:
        """Join the files of each month of a workspace that has many; return how many months that were."""
        from airflow.providers.apache.iceberg.hooks.iceberg import IcebergHook
        from pyiceberg.expressions import And, EqualTo, GreaterThanOrEqual, LessThan

        table = IcebergHook("iceberg_default").load_table(name)
        joined = 0
        for each in table.inspect.partitions().to_pylist():
            partition = each["partition"]
            if each["file_count"] <= params["many_files"] or "start_month" not in partition:
                continue
            # Months are counted since January 1970.
            year, month = divmod(partition["start_month"], 12)
            first = pendulum.datetime(1970 + year, month + 1, 1, tz="UTC")
            rows = And(
                EqualTo("_workspace_id", partition["_workspace_id"]),
                GreaterThanOrEqual("start", first.isoformat()),
                LessThan("start", first.add(months=1).isoformat()),
            )
            table.overwrite(table.scan(rows).to_arrow(), rows)
            joined += 1
        return joined

    @task
    def expire(name: str, params: dict | None = None) -> int:
        """Forget old snapshots, and remove the files that only they had; return how many files that were."""
        from airflow.providers.apache.iceberg.hooks.iceberg import IcebergHook

        def files() -> set[str]:
            """Return all files that a snapshot needs."""
            manifests = table.inspect.all_manifests()["path"].to_pylist()
            lists = [snapshot.manifest_list for snapshot in table.metadata.snapshots]
            return {*table.inspect.all_files()["file_path"].to_pylist(), *manifests, *lists}

        table = IcebergHook("iceberg_default").load_table(name)
        kept_since = datetime.now(UTC) - timedelta(days=params["days_kept"])
        before = files()
        table.maintenance.expire_snapshots().older_than(kept_since).commit()
        table.refresh()
        unused = before - files()
        for path in unused:
            table.io.delete(path)
        return len(unused)

    names = tables()
    joined, expired = compact.expand(name=names), expire.expand(name=names)
    joined >> expired
    # [END howto_iceberg_maintenance]

    @task
    def check(name: str) -> int:
        """Read every file of a table once, and return how many rows it has."""
        from airflow.providers.apache.iceberg.hooks.iceberg import IcebergHook

        table = IcebergHook("iceberg_default").load_table(name)
        column = table.schema().fields[0].name
        return sum(len(batch) for batch in table.scan(selected_fields=(column,)).to_arrow_batch_reader())

    expired >> check.expand(name=names)
