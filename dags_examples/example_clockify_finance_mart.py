# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### From tracked time to revenue by client and month, in one DAG

Each run makes the tables equal to Clockify, lets dbt build and test the project in `dbt_clockify/` beside this file,
and asks Clockify itself for the sums of the year: if one second or one amount differs, the run fails.

- Needs a connection `clockify_default` with the key of an owner or admin, and a connection `warehouse` to PostgreSQL
  (extra `postgres`) or to a file of DuckDB (extra `duckdb`).
- Needs dbt with the adapter of that database, in an environment of its own: set the Airflow variable `clockify_dbt` to
  its program, for example `/opt/dbt/bin/dbt`.
- A quiet night costs 15 requests: eight for the time entries, two for each list, one for the check.
"""

from __future__ import annotations

# [START howto_finance_mart]
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pendulum
from airflow.providers.common.compat.sdk import DAG, BaseHook, task
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.transfers.clockify_to_sql import (
    ClockifyEntitiesToSqlOperator,
    ClockifyReportToSqlOperator,
)

PROJECT = Path(__file__).parent / "dbt_clockify"
YEAR = timedelta(days=365)

with DAG(
    dag_id="example_clockify_finance_mart",
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    load_entries = ClockifyReportToSqlOperator(
        task_id="load_time_entries",
        sql_conn_id="warehouse",
        table="clockify_time_entries",
        lookback="P7D",
        audit=YEAR,
        follow_changes=True,
    )
    load_lists = ClockifyEntitiesToSqlOperator.partial(
        task_id="load_list",
        sql_conn_id="warehouse",
        max_active_tis_per_dagrun=1,
        map_index_template="{{ task.entity }}",
    ).expand_kwargs(
        [{"entity": entity, "table": f"clockify_{entity}"} for entity in ("users", "projects", "clients")]
    )

    @task.bash(
        cwd=str(PROJECT),
        append_env=True,
        env={
            "DBT": "{{ var.value.get('clockify_dbt', 'dbt') }}",
            # The outputs of profiles.yml are called as the types of connections are.
            "CLOCKIFY_WAREHOUSE_TYPE": "{{ conn.warehouse.conn_type }}",
            "CLOCKIFY_WAREHOUSE_HOST": "{{ conn.warehouse.host }}",
            "CLOCKIFY_WAREHOUSE_PORT": "{{ conn.warehouse.port or 5432 }}",
            "CLOCKIFY_WAREHOUSE_LOGIN": "{{ conn.warehouse.login or '' }}",
            "CLOCKIFY_WAREHOUSE_SCHEMA": "{{ conn.warehouse.schema or '' }}",
            "DBT_ENV_SECRET_CLOCKIFY_WAREHOUSE": "{{ conn.warehouse.password or '' }}",
        },
    )
    def build_mart() -> str:
        """Build and test: sources, history, facts, mart."""
        return """
        set -eu
        command -v "$DBT" >&2 || { echo "dbt was not found as '$DBT': set the variable clockify_dbt." >&2; exit 1; }
        work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
        export DBT_PROFILES_DIR=. DBT_TARGET_PATH="$work/target" DBT_LOG_PATH="$work/logs"
        "$DBT" source freshness
        "$DBT" build
        """

    built = build_mart()
    load_entries >> load_lists >> built
    # [END howto_finance_mart]

    @task
    def check(loaded: dict) -> dict:
        """Fail unless the mart's facts of a year add up to what Clockify's own summary report says."""
        from airflow_provider_clockify.hooks.clockify import ClockifyHook

        end = datetime.fromisoformat(loaded["window_end"])
        start = (end - YEAR).replace(hour=0, minute=0, second=0, microsecond=0)
        totals = ClockifyHook().get_summary_report(start, end, groups=["CLIENT"])["totals"]
        wanted = {
            each["currency"]: Decimal(str(each["amount"])) / 100
            for total in totals or ()
            for each in total["totalAmountByCurrency"] or ()
        }
        rows = (
            BaseHook.get_connection("warehouse")
            .get_hook()
            .get_records(
                "SELECT currency, sum(duration_seconds), sum(revenue), count(*) "  # noqa: S608 - both are instants
                "FROM clockify_marts.fct_time_entries "
                f"WHERE started_at >= TIMESTAMPTZ '{start.isoformat()}' "
                f"AND started_at < TIMESTAMPTZ '{end.isoformat()}' GROUP BY currency"
            )
        )
        seconds = int(sum(row[1] for row in rows))
        tracked = sum(total["totalTime"] or 0 for total in totals or ())
        if seconds != tracked:
            raise ValueError(f"the mart has {seconds} seconds, Clockify {tracked}")
        entries = sum(row[3] for row in rows)
        revenue = {row[0]: row[2] for row in rows}
        for currency in {*wanted, *revenue}:
            found, said = revenue.get(currency, Decimal(0)), wanted.get(currency, Decimal(0))
            # Where the service rounds amounts, it is by half a cent per entry.
            if abs(found - said) > Decimal("0.005") * entries:
                raise ValueError(f"the mart has {found} {currency}, Clockify {said}")
        return {"seconds": seconds, "revenue": {each: str(amount) for each, amount in revenue.items()}}

    built >> check(load_entries.output)
