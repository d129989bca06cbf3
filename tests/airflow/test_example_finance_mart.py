# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The example DAG that builds a finance mart: Airflow loads tables and runs dbt, and the sums are those of the reports.

Tests with dbt need its program: ``make test-dbt`` installs it and runs them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from postgres_server import running_postgres

from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace

PROJECT = Path(__file__).parents[2] / "dags_examples" / "dbt_clockify"
FIRST = datetime(2025, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NIGHTS = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
CENT = Decimal("0.01")

Sums = dict[tuple[str, str, str], tuple[int, Decimal]]


def test_without_dbt_the_tables_are_loaded_and_the_task_says_what_to_install(
    run_dag: Callable,
    connect: Callable,
    make_clockify_emulator: Callable,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    pytest.importorskip("airflow.providers.sqlite")
    connect(make_clockify_emulator(entries=50, start=NIGHTS[0] - 20 * DAY, end=NIGHTS[0]))
    file = tmp_path / "warehouse.sqlite"
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps({"conn_type": "sqlite", "host": str(file)}))
    monkeypatch.setenv("AIRFLOW_VAR_CLOCKIFY_DBT", str(tmp_path / "nowhere" / "dbt"))
    run = run_dag("example_clockify_finance_mart", NIGHTS[0])
    assert run.states == {
        "load_time_entries": "success",
        "load_list": "success",
        "build_mart": "failed",
        "check": "upstream_failed",
    }
    said = "".join(capfd.readouterr()) + caplog.text
    assert "set the variable clockify_dbt" in said


# --- with dbt ---------------------------------------------------------------------------------------------------


@dataclass
class Warehouse:
    """A database that Airflow loads and dbt builds in."""

    env: dict[str, str]
    connection: dict[str, Any]
    open: Callable[[], Any]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(self.open()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(query)
            return cursor.fetchall() if cursor.description else []

    def execute(self, statement: str) -> None:
        with closing(self.open()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(statement)

    def dbt(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run dbt as people do, outside of Airflow."""
        return subprocess.run(
            [os.environ["CLOCKIFY_DBT"], *arguments],
            cwd=PROJECT,
            env={
                **os.environ,
                **self.env,
                "DBT_PROFILES_DIR": ".",
                "DBT_TARGET_PATH": str(folder / "target"),
                "DBT_LOG_PATH": str(folder / "logs"),
            },
            capture_output=True,
            text=True,
        )


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Warehouse]:
    kind = request.param
    pytest.importorskip(f"airflow.providers.{kind}")
    if "CLOCKIFY_DBT" not in os.environ:
        pytest.skip("make test-dbt installs dbt and says where it is")
    monkeypatch.setenv("AIRFLOW_VAR_CLOCKIFY_DBT", os.environ["CLOCKIFY_DBT"])
    if kind == "duckdb":
        import duckdb

        file = tmp_path / "warehouse.duckdb"
        made = Warehouse({}, {"host": str(file)}, lambda: duckdb.connect(str(file)))
        yield prepared(made, kind, monkeypatch)
        return
    with running_postgres() as server:
        server.create("finance")
        of = {"host": "127.0.0.1", "port": server.port, "login": "airflow", "schema": "finance"}
        # The server trusts everybody; the word is there to see that dbt gets it.
        yield prepared(
            Warehouse({}, {**of, "password": "pass-w0rd"}, lambda: server.connect("finance")),
            kind,
            monkeypatch,
        )


def prepared(warehouse: Warehouse, kind: str, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    given = {"conn_type": kind, **warehouse.connection}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(given))
    names = {"host": "HOST", "port": "PORT", "login": "LOGIN", "schema": "SCHEMA"}
    warehouse.env = {
        "CLOCKIFY_WAREHOUSE_TYPE": kind,
        **{f"CLOCKIFY_WAREHOUSE_{name}": str(given[key]) for key, name in names.items() if key in given},
    }
    return warehouse


def of_reports(workspace: EmulatedWorkspace, end: datetime) -> Sums:
    """Ask the summary report of a year, as the service answers it: seconds and money by client, currency and month."""
    from airflow_provider_clockify.hooks.clockify import ClockifyHook

    report = ClockifyHook().get_summary_report(FIRST, end, groups=["CLIENT", "MONTH"])
    found: Sums = {}
    for client in report["groupOne"]:
        for month in client["children"]:
            (amounts,) = month["amounts"]
            by_currency = {
                each["currency"]: Decimal(str(each["amount"])) / 100 for each in amounts["amountByCurrency"]
            }
            # Seconds of a group are those of all of its currencies.
            (currency,) = by_currency
            found[client["_id"] or "", currency, month["_id"]] = (month["duration"], by_currency[currency])
    assert sum(seconds for seconds, _ in found.values()) == report["totals"][0]["totalTime"]
    assert len({month for _, _, month in found}) >= 12
    assert len({currency for _, currency, _ in found}) > 1
    return found


def of_mart(warehouse: Warehouse) -> Sums:
    rows = warehouse.rows(
        "SELECT client_id, currency, month, seconds, revenue FROM clockify_marts.mart_revenue_by_client_month"
    )
    return {
        (client or "", currency, month.strftime("%Y-%m")): (seconds, Decimal(revenue))
        for client, currency, month, seconds, revenue in rows
    }


def assert_equal_to_the_cent(found: Sums, wanted: Sums) -> None:
    assert found.keys() == wanted.keys()
    for key, (seconds, revenue) in wanted.items():
        assert found[key][0] == seconds
        assert found[key][1].quantize(CENT) == revenue.quantize(CENT), key


def edit(workspace: EmulatedWorkspace) -> Any:
    """Change what is long past: entries, and the rate of a project back to its beginning. Return the project."""
    project = next(each for each in workspace.projects.values() if each.billable and each.client_id)
    entries = list(workspace.entries.values())
    in_time = [
        each
        for each in entries
        if each.end and FIRST.timestamp() + 86_400 <= each.start < NIGHTS[0].timestamp()
    ]
    of_project = [each for each in in_time if each.project_id == project.id and each.billable]
    others = [each for each in in_time if each.project_id != project.id]
    assert len(of_project) > 20
    for each in of_project:
        workspace.update_entry(each.id, hourly_rate=12_345)
    workspace.change(project, hourly_rate=12_345, name="Renamed")
    workspace.delete_entry(others[0].id)
    longer = others[1]
    end = datetime.fromtimestamp(longer.end or 0, UTC)
    workspace.update_entry(longer.id, end=end + timedelta(minutes=17))
    moved = others[2]
    begin = datetime.fromtimestamp(moved.start, UTC) + 40 * DAY * (
        1 if moved.start < FIRST.timestamp() + 200 * 86_400 else -1
    )
    workspace.update_entry(moved.id, start=begin, end=begin + timedelta(seconds=moved.seconds))
    workspace.change(next(iter(workspace.clients.values())), name="Globex International")
    return project


@pytest.mark.dbt
def test_the_mart_equals_the_summary_report_of_a_year_after_late_edits_and_a_new_rate(
    run_dag: Callable,
    connect: Callable,
    make_clockify_emulator: Callable,
    warehouse: Warehouse,
    tmp_path: Path,
) -> None:
    emulator: ClockifyEmulator = make_clockify_emulator(
        entries=1500, start=FIRST, end=NIGHTS[0], outside_entries=0
    )
    workspace = emulator.workspace
    connect(emulator)

    assert run_dag("example_clockify_finance_mart", NIGHTS[0]).state == "success"
    before = of_reports(workspace, NIGHTS[0])
    assert_equal_to_the_cent(of_mart(warehouse), before)

    project = edit(workspace)
    run = run_dag("example_clockify_finance_mart", NIGHTS[1])
    assert run.state == "success"
    after = of_reports(workspace, NIGHTS[1])
    assert after != before
    assert_equal_to_the_cent(of_mart(warehouse), after)
    assert run.results["check"]["seconds"] > 0

    # What the lists said before is still there, and old entries have the version that was first seen.
    versions = warehouse.rows(
        "SELECT project_name, hourly_rate, valid_to IS NULL, is_latest FROM clockify_marts.dim_projects "
        f"WHERE project_id = '{project.id}' ORDER BY valid_from"
    )
    assert [row[2:] for row in versions] == [(False, False), (True, True)]
    assert versions[1][:2] == ("Renamed", Decimal("123.45"))
    assert versions[0][0] != "Renamed"
    names = warehouse.rows("SELECT DISTINCT client_name FROM clockify_marts.mart_revenue_by_client_month")
    assert ("Globex International",) in names
    assert ("Globex",) not in names

    # As if the loads that saw the old and the new rate had been in January and in May: entries have the version that
    # counted when they started, and the first one counts for all time before.
    for column, day, version in (
        ("dbt_valid_from", "2026-01-01", "name <> 'Renamed'"),
        ("dbt_valid_to", "2026-05-01", "name <> 'Renamed'"),
        ("dbt_valid_from", "2026-05-01", "name = 'Renamed'"),
    ):
        warehouse.execute(
            f"UPDATE clockify_marts.projects_history SET {column} = TIMESTAMPTZ '{day} 00:00:00+00' "
            f"WHERE id = '{project.id}' AND {version}"
        )

    # Months of another zone.
    done = warehouse.dbt("build", "--vars", "{clockify_timezone: Pacific/Auckland}", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert months(warehouse) == truth_months(workspace, ZoneInfo("Pacific/Auckland"))
    assert months(warehouse) != truth_months(workspace, ZoneInfo("UTC"))
    facts = warehouse.rows(
        "SELECT facts.time_entry_id, projects.project_name FROM clockify_marts.fct_time_entries AS facts "
        "JOIN clockify_marts.dim_projects AS projects ON projects.project_key = facts.project_key "
        f"WHERE facts.project_id = '{project.id}'"
    )
    may = datetime(2026, 5, 1, tzinfo=UTC).timestamp()
    of_project = [each for each in workspace.entries.values() if each.project_id == project.id and each.end]
    expected = {each.id: "Renamed" if each.start >= may else versions[0][0] for each in of_project}
    assert sorted(facts) == sorted(expected.items())
    assert len(set(expected.values())) == 2


def months(warehouse: Warehouse) -> dict[date, int]:
    rows = warehouse.rows(
        "SELECT month, sum(seconds) FROM clockify_marts.mart_revenue_by_client_month GROUP BY month"
    )
    return {month: int(seconds) for month, seconds in rows}


def truth_months(workspace: EmulatedWorkspace, zone: ZoneInfo) -> dict[date, int]:
    found: dict[date, int] = {}
    for entry in workspace.entries.values():
        if entry.end is not None:
            month = datetime.fromtimestamp(entry.start, zone).date().replace(day=1)
            found[month] = found.get(month, 0) + entry.seconds
    return found


def failed(output: str) -> list[str]:
    """Return the names of tests that have failed, as dbt prints them."""
    return re.findall(r"\bFAIL \d+ (\w+)", output)


# What is wrong in a source, and how the name of the test begins that says so.
BREAKS = {
    'UPDATE clockify_time_entries SET "start" = NULL WHERE id = {id}': (
        "source_not_null_clockify_clockify_time_entries__start"
    ),
    "UPDATE clockify_time_entries SET amount = coalesce(amount, 0) + 1 WHERE id = {id}": (
        "mart_adds_up_to_the_source"
    ),
    "INSERT INTO clockify_users SELECT * FROM clockify_users": "source_unique_together_clockify_clockify_users",
}
MISSING = "UPDATE clockify_time_entries SET duration_seconds = NULL WHERE id = {id}"


@pytest.mark.dbt
def test_a_broken_row_and_an_old_load_fail_the_build(
    run_dag: Callable,
    connect: Callable,
    make_clockify_emulator: Callable,
    warehouse: Warehouse,
    tmp_path: Path,
) -> None:
    emulator = make_clockify_emulator(entries=60, start=NIGHTS[0] - 20 * DAY, end=NIGHTS[0])
    connect(emulator)
    assert run_dag("example_clockify_finance_mart", NIGHTS[0]).state == "success"
    for command in (["source", "freshness"], ["build"], ["test"]):
        done = warehouse.dbt(*command, folder=tmp_path)
        assert done.returncode == 0, done.stdout
    warnings = [line for line in done.stdout.splitlines() if "WARN" in line and "WARN=0" not in line]
    assert warnings == []

    ((some,),) = warehouse.rows("SELECT min(id) FROM clockify_time_entries")
    for table in ("clockify_time_entries", "clockify_users"):
        warehouse.execute(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")
    for statement, named in BREAKS.items():
        warehouse.execute(statement.format(id=f"'{some}'"))
        done = warehouse.dbt("test", "--select", "source:clockify", folder=tmp_path)
        assert done.returncode == 1, statement
        (found,) = failed(done.stdout)
        assert found.startswith(named)
        for table in ("clockify_time_entries", "clockify_users"):
            warehouse.execute(f"DELETE FROM {table}")
            warehouse.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")
    # As the DAG runs it: what the sources may be, and the models may not, stops the build.
    warehouse.execute(MISSING.format(id=f"'{some}'"))
    done = warehouse.dbt("build", folder=tmp_path)
    assert done.returncode == 1
    assert "not_null_fct_time_entries_duration_seconds" in failed(done.stdout)
    assert "SKIP relation clockify_marts.mart_revenue_by_client_month" in done.stdout

    warehouse.execute("UPDATE clockify_time_entries_loads SET loaded_at = loaded_at - INTERVAL '3 days'")
    done = warehouse.dbt("source", "freshness", folder=tmp_path)
    assert done.returncode == 1
    assert any("ERROR STALE" in line and "time_entries_loads" in line for line in done.stdout.splitlines()), (
        done.stdout
    )
