# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Airflow in this process: a migrated database, the example DAGs, an emulator behind the default connection."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, wraps
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace

AIRFLOW_3 = not version("apache-airflow").startswith("2.")
NOVEMBER = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.airflow)


@pytest.fixture(scope="session")
def is_airflow_3() -> bool:
    return AIRFLOW_3


@pytest.fixture
def variables_outside_a_task() -> None:
    """Skip where a variable that no backend has cannot be looked up by code that no task runs."""
    if version("apache-airflow").startswith("3.0."):
        pytest.skip("Airflow 3.0 asks the supervisor of a task for variables, and this test has none")


@pytest.fixture(scope="session")
def migrated_database(run_folder: Path) -> Path:
    """Migrate a metadata database, once for all processes of the run; for copies."""
    database, unfinished = run_folder / "migrated.db", run_folder / "unfinished.db"
    with (run_folder / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not database.exists():
            subprocess.run(
                [sys.executable, "-m", "airflow", "db", "migrate"],
                check=True,
                capture_output=True,
                text=True,
                env={**os.environ, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{unfinished}"},
            )
            unfinished.rename(database)
    return database


@pytest.fixture(scope="session")
def airflow_database(migrated_database: Path) -> None:
    """Give this process a migrated metadata database."""
    mine = Path(os.environ["AIRFLOW_HOME"], "airflow.db")
    # Not by copying the file, which Airflow may have open.
    with closing(sqlite3.connect(migrated_database)) as source, closing(sqlite3.connect(mine)) as target:
        source.backup(target)
    if not AIRFLOW_3:
        # Models refer to the users' table, which only the auth manager's models define.
        import_module("airflow.providers.fab.auth_manager.models")
    home = "airflow.providers.standard.hooks" if AIRFLOW_3 else "airflow.hooks"
    _close_pipes(import_module(f"{home}.subprocess").SubprocessHook)


def _close_pipes(hook: Any) -> None:
    """
    Close what older versions leave open after a bash task.

    It would be found when the next task takes the place of this one in Airflow's handler of signals, and fail a test
    that has nothing to do with it.
    """
    run_command = hook.run_command

    @wraps(run_command)
    def closing_run_command(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return run_command(self, *args, **kwargs)
        finally:
            if self.sub_process is not None and self.sub_process.stdout is not None:
                self.sub_process.stdout.close()

    hook.run_command = closing_run_command


@pytest.fixture(scope="session")
def month() -> Iterator[ClockifyEmulator]:
    """A workspace with 20,000 entries in November 2026, its owner far from Greenwich."""
    workspace = generate_workspace(
        users=20, entries=20_000, start=NOVEMBER[0], end=NOVEMBER[1], owner_time_zone="Pacific/Auckland"
    )
    with ClockifyEmulator(workspace) as emulator:
        yield emulator


@dataclass
class Run:
    """How a DAG run ended, seen from outside."""

    state: str
    states: dict[str, str]
    tries: dict[str, int]
    results: dict[str, Any]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Path]:
    """Point the default connection at an emulator and the example DAGs' output at a folder."""

    def set_up(emulator: ClockifyEmulator, **extra: Any) -> Path:
        settings = {"requests_per_second": 1000, **extra}
        monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", emulator.connection_json(**settings))
        monkeypatch.setenv("AIRFLOW_VAR_CLOCKIFY_OUTPUT", str(tmp_path))
        emulator.reset_log()
        return tmp_path

    return set_up


@pytest.fixture(scope="session")
def run_dag(airflow_database: None, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Run a DAG for one logical date, through Airflow, and read the outcome from its database."""

    def run(dag_id: str, logical_date: datetime, **conf: Any) -> Run:
        dag = load_dag(dag_id)
        # Before each run, Airflow 3 parses the whole bundle and writes all of its DAGs: several times the run itself.
        bundle = tmp_path_factory.mktemp("bundle")
        (bundle / Path(dag.fileloc).name).symlink_to(dag.fileloc)
        local = "airflow.dag_processing.bundles.local.LocalDagBundle"
        bundles = [{"name": "dags-folder", "classpath": local, "kwargs": {"path": str(bundle)}}]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(bundles))
            dag_run = dag.test(
                run_conf=conf or None, **{"logical_date" if AIRFLOW_3 else "execution_date": logical_date}
            )
        return _outcome(dag_id, dag_run.run_id)

    return run


@pytest.fixture
def find_dag(airflow_database: None) -> Callable[[str], Any]:
    """Return a function that parses the file of a DAG, and returns the DAG."""
    return load_dag


def load_dag(dag_id: str) -> Any:
    """Parse the file of a DAG as Airflow does."""
    bag = _parse(_dag_files()[dag_id])
    return bag.dags[dag_id]


@cache
def _dag_files() -> dict[str, str]:
    """Parse the DAG folder, once; nothing in it may fail to import."""
    return {
        dag_id: dag.fileloc for dag_id, dag in _parse(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).dags.items()
    }


def _parse(path: str) -> Any:
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    bag = DagBag(path)
    assert not bag.import_errors
    return bag


def _outcome(dag_id: str, run_id: str) -> Run:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    if AIRFLOW_3:
        from airflow.models.xcom import XComModel as XCom
    else:
        from airflow.models.xcom import XCom

    def of_run(model: Any) -> Any:
        return select(model).where(model.dag_id == dag_id, model.run_id == run_id)

    with create_session() as session:
        dag_run = session.scalars(of_run(DagRun)).one()
        tasks = session.scalars(of_run(TaskInstance)).all()
        results = session.scalars(of_run(XCom).where(XCom.key == "return_value")).all()
        return Run(
            state=str(dag_run.state),
            states={task.task_id: str(task.state) for task in tasks},
            tries={task.task_id: task.try_number for task in tasks},
            results={row.task_id: XCom.deserialize_value(row) if AIRFLOW_3 else row.value for row in results},
        )
