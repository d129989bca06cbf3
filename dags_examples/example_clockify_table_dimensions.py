# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Dimensions in tables: users, projects, clients and tags, every night

One mapped task per list replaces a table, archived things and people who left included.

- Needs a connection `clockify_default` with the key of an owner or admin, and a connection `warehouse` to PostgreSQL
  (extra `postgres`), DuckDB (extra `duckdb`) or SQLite.
- Costs two requests per list: one for the key, one for the list.
"""

from __future__ import annotations

# [START howto_operator_clockify_entities_to_sql]
import pendulum
from airflow.providers.common.compat.sdk import DAG, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.transfers.clockify_to_sql import ClockifyEntitiesToSqlOperator

with DAG(
    dag_id="example_clockify_table_dimensions",
    schedule=CronDataIntervalTimetable("0 4 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    load = ClockifyEntitiesToSqlOperator.partial(
        task_id="load_list",
        sql_conn_id="warehouse",
        max_active_tis_per_dagrun=1,
        map_index_template="{{ task.entity }}",
    ).expand_kwargs(
        [
            {"entity": entity, "table": f"clockify_{entity}"}
            for entity in ("users", "projects", "clients", "tags")
        ]
    )
    # [END howto_operator_clockify_entities_to_sql]

    @task
    def check(loaded: list[dict]) -> dict:
        """Fail unless four lists are there, and somebody to have tracked the time."""
        rows = {each["report"]: each["rows"] for each in loaded}
        if len(rows) != 4 or not rows["users"]:
            raise ValueError(f"expected four lists, and at least one user: {rows}")
        return rows

    check(load.output)
