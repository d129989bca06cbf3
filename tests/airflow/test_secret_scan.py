# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Example DAGs in an Airflow of their own, with all debugging on: no key in output, logs, files or database."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from secret_scan import Scanner

from airflow_provider_clockify.testing import ClockifyEmulator, faults, generate_workspace
from airflow_provider_clockify.testing.request_log import RequestRecord

KEY = 'K3y/of+the=owner"with\\odd&chars'
WRONG = "Wr0ng/k3y+that=nobody&has"
SALT = "s4lt/of+the=hashes"
AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])
pytestmark = pytest.mark.skipif(
    (3, 0) <= AIRFLOW < (3, 2),
    reason="dag.test() of Airflow 3.0 and 3.1 logs and stores other things; the scan runs before and after them",
)

RUNS = {
    "example_clockify_daily_export": "2026-11-05T00:00:00+00:00",
    "example_clockify_dimensions": "2026-11-10T04:00:00+00:00",
    "example_clockify_monthly_summary": "2026-12-03T06:00:00+00:00",
    "example_clockify_wait_then_export": "2026-11-05T00:00:00+00:00",
    "example_clockify_write_time": "2026-10-20T01:00:00+00:00",
}
# Of a time without entries; the first wait gets one.
DAYS = [datetime(2025, 1, day, tzinfo=UTC) for day in (1, 2)]
# Airflow's own line of DAG tests at DEBUG, which shows what is to be masked; a real task's leaves that out.
MASKING = re.compile(r"^.*Sending request +.*loc=supervisor\.py:\d+ msg=MaskSecret\(.*$", re.M)


@dataclass
class DebugRun:
    """What is left of the runs."""

    home: Path
    output: str
    emulator: ClockifyEmulator

    @property
    def database(self) -> Path:
        return self.home / "airflow.db"

    def count(self, table: str) -> int:
        with closing(sqlite3.connect(self.database)) as database:
            count: int = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            return count


@pytest.fixture(scope="module")
def debug_run(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[DebugRun]:
    workspace = generate_workspace(entries=400)
    workspace.owner.api_key = KEY
    with ClockifyEmulator(workspace, free_requests_per_hour=None) as emulator:

        @emulator.before_request
        def change_while_sensors_wait(record: RequestRecord) -> None:
            if len(emulator.requests) == 3:
                workspace.add_entry(start=DAYS[0], end=DAYS[0] + timedelta(hours=1))
            if len(emulator.requests) == 5:
                body = {"code": 4003, "message": f"no such key: {KEY}"}
                emulator.inject(faults.answer(401, body=body))

        yield run_all(emulator, tmp_path_factory.mktemp("debug"), migrated_database)


def run_all(emulator: ClockifyEmulator, folder: Path, migrated_database: Path) -> DebugRun:
    home = folder / "home"
    dags = home / "dags"
    dags.mkdir(parents=True)
    root = Path(__file__).parents[2]
    # Not all: before each run, Airflow 3 writes every DAG of the folder, at DEBUG.
    for source in (
        *(root / f"dags_examples/{dag_id}.py" for dag_id in RUNS),
        root / "tests/airflow/dags/waits.py",
    ):
        (dags / source.name).symlink_to(source)
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # Else the first command makes one, and what it stores itself is not encrypted yet.
        "AIRFLOW__CORE__FERNET_KEY": Fernet.generate_key().decode(),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW_VAR_CLOCKIFY_OUTPUT": str(folder / "output"),
        "HTTPX_LOG_LEVEL": "trace",
        "PYTHONASYNCIODEBUG": "1",
        "PYTHONUNBUFFERED": "1",
    }
    shutil.copy(migrated_database, home / "airflow.db")
    extra = {"requests_per_second": 1000, "max_retries": 0, "hash_salt": SALT}
    connection = json.loads(emulator.connection_json(**extra))
    wrong = {"AIRFLOW_CONN_CLOCKIFY_DEFAULT": emulator.connection_json(api_key=WRONG, **extra)}
    # In a DAG test triggers do not see connections of the database.
    right = {"AIRFLOW_CONN_CLOCKIFY_DEFAULT": emulator.connection_json(**extra)}
    runs: list[Any] = []
    for day in DAYS:
        wait = {"deferrable": True, "poke_interval": 0.1, "since": day.isoformat()}
        wait["until"] = (day + timedelta(days=1)).isoformat()
        runs.append(
            ["probe_wait", day.replace(year=2026).isoformat(), {**right, "PROBE_WAIT": json.dumps(wait)}]
        )
    runs += [[dag_id, when, {}] for dag_id, when in RUNS.items()]
    runs += [[dag_id, when.replace("T0", "T1"), wrong] for dag_id, when in RUNS.items()]
    script = root / "tests/support/debug_run.py"
    output = run([sys.executable, str(script), json.dumps({"connection": connection, "runs": runs})], env)
    return DebugRun(home, MASKING.sub("", output), emulator)


def run(command: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=500)
    output = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, Scanner([KEY, WRONG]).hide(output[-8000:])
    return output


def test_the_runs_did_what_they_should_have_and_talked_about_it(debug_run: DebugRun) -> None:
    states = re.findall(r"^RUN (\w+) (\w+)$", debug_run.output, re.M)
    assert states == [
        ("probe_wait", "success"),
        ("probe_wait", "failed"),
        *((dag_id, "success") for dag_id in RUNS),
        *((dag_id, "failed") for dag_id in RUNS),
    ]
    sent = {request.headers.get("x-api-key") for request in debug_run.emulator.requests}
    assert sent == {KEY, WRONG}
    assert len(re.findall(r"^TRIGGER \('airflow_provider_clockify\.triggers", debug_run.output, re.M)) >= 2
    for said in ("connectionpool", "receive_response_headers"):  # By urllib3 and by httpcore, at DEBUG.
        assert said in debug_run.output
    assert "no such key: ***" in debug_run.output
    assert "Traceback" in debug_run.output
    for table in (
        "connection",
        "dag_run",
        "rendered_task_instance_fields",
        "serialized_dag",
        "trigger",
        "xcom",
    ):
        assert debug_run.count(table), table


@pytest.fixture
def scanner() -> Scanner:
    return Scanner([KEY, WRONG, SALT])


def test_the_key_is_not_in_the_output(debug_run: DebugRun, scanner: Scanner) -> None:
    assert scanner.text("output", debug_run.output) == []


def test_the_key_is_in_no_table_but_that_of_connections(debug_run: DebugRun, scanner: Scanner) -> None:
    assert scanner.sqlite(debug_run.database) == []


def test_the_key_is_in_no_file(debug_run: DebugRun, scanner: Scanner) -> None:
    files = [path for path in debug_run.home.rglob("*") if path.is_file() and not path.is_symlink()]
    assert debug_run.database in files
    assert scanner.folder(debug_run.home) == []
    assert scanner.folder(debug_run.home.parent / "output") == []


# --- that the tests above can fail --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("xcom", "value"),
        ("rendered_task_instance_fields", "rendered_fields"),
        ("trigger", "kwargs"),
        ("serialized_dag", "data"),
        ("dag_run", "conf"),
        ("log", "extra"),
    ],
)
def test_a_key_in_a_table_is_found(
    table: str, column: str, debug_run: DebugRun, scanner: Scanner, tmp_path: Path
) -> None:
    copy = tmp_path / "airflow.db"
    shutil.copy(debug_run.database, copy)
    planted = json.dumps({"padding": "x" * 10_000, "headers": {"X-Api-Key": KEY}})
    with closing(sqlite3.connect(copy)) as database:
        database.execute(
            f"UPDATE {table} SET {column} = ? WHERE rowid = (SELECT min(rowid) FROM {table})", [planted]
        )
        database.commit()
    (found, *_) = scanner.sqlite(copy)
    assert found.place == f"airflow.db, table {table}, column {column}"
    assert KEY not in str(found)


def test_a_key_in_the_arguments_of_a_trigger_is_found(debug_run: DebugRun, scanner: Scanner) -> None:
    line = re.search(r"^TRIGGER .*$", debug_run.output, re.M)
    assert line
    assert scanner.text("trigger", line[0]) == []
    assert scanner.text("trigger", line[0].replace("clockify_default", KEY))
