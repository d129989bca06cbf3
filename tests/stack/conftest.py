# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
A whole Airflow: scheduler, triggerer, DAG processor, API server and PostgreSQL as processes, the emulator in this one.

``make test-stack`` runs it. Everything listens on free ports of the loopback interface and ends with the tests.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from database_servers import MissingServerError, Postgres, free_port
from secret_scan import ALLOWED_TABLES, Finding, Scanner

from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace

HERE = Path(__file__).parent
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = "stack" in config.option.markexpr.replace("not stack", "")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.stack)
            if not wanted:
                item.add_marker(pytest.mark.skip(reason="minutes long; make test-stack runs it"))


class Process:
    """A process of its own group, whose output goes to a file."""

    def __init__(self, name: str, command: list[str], folder: Path, env: dict[str, str], **how: Any) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=env, start_new_session=True, **how
            )

    def kill(self, number: int = signal.SIGKILL, wait: float = 30) -> None:
        """Signal the process and its children; the group's id is the process's own."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        try:
            self.process.wait(wait)
        except subprocess.TimeoutExpired:
            self.kill()

    def tail(self, lines: int = 60) -> str:
        text = self.log.read_text(errors="replace").splitlines()
        return "\n".join([f"--- {self.name} ({self.log})", *text[-lines:]])


class Stack:
    """A running Airflow, its database and the emulator that it talks to."""

    def __init__(self, folder: Path, emulator: ClockifyEmulator) -> None:
        self.folder = folder
        self.emulator = emulator
        self.processes: dict[str, Process] = {}
        self.postgres = Postgres(folder)
        self.processes["postgres"] = Process(
            "postgres", self.postgres.command, folder, self.postgres.env, **self.postgres.how
        )
        self.wait_for("PostgreSQL", self.postgres.answers, 30)
        self.postgres.create("airflow")
        self.database = self.postgres.connect("airflow")
        self.lake = folder / "lake"
        self.secrets = folder / "secrets.json"
        self.give_secrets()
        self.api_port = free_port()
        dags = folder / "dags"
        dags.mkdir()
        (dags / "stack").symlink_to(HERE / "dags", target_is_directory=True)
        example = "example_clockify_partitions.py"
        (dags / example).symlink_to(HERE.parents[1] / "dags_examples" / example)
        self.env = self._environment()
        made = subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"], env=self.env, capture_output=True, text=True
        )
        assert made.returncode == 0, made.stdout[-3000:] + made.stderr[-3000:]
        self.start("api-server")
        # A worker that gives up its first request, since the server still starts, fails its task.
        self.wait_for("the API server", self._api_answers, 180)
        for name in COMPONENTS[1:]:
            self.start(name)
        self.wait_for(
            "the DAGs", lambda: self.query("SELECT count(*) FROM dag WHERE NOT is_stale")[0][0] == 13, 120
        )
        # The example runs at once, for yesterday; the tests count requests.
        self.wait_for(
            "the first scheduled run",
            lambda: self.query(
                "SELECT 1 FROM dag_run WHERE dag_id = 'example_clockify_partitions' AND state = 'success'"
            ),
            120,
        )

    def _api_answers(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.api_port}/execution/health", timeout=10):
                return True
        except OSError:
            return False

    def _environment(self) -> dict[str, str]:
        where = f"airflow@127.0.0.1:{self.postgres.port}/airflow"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
        settings = {
            "CORE__DAGS_FOLDER": self.folder / "dags",
            "CORE__LOAD_EXAMPLES": False,
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": 3,
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
            "CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{self.api_port}/execution/",
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": True,
            "API__HOST": "127.0.0.1",
            "API__PORT": self.api_port,
            "API__WORKERS": 1,
            "API__SECRET_KEY": secrets.token_hex(16),
            "API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{where}",
            "DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"postgresql+asyncpg://{where}",
            "LOGGING__BASE_LOG_FOLDER": self.folder / "logs",
            "LOGGING__LOGGING_LEVEL": "DEBUG",  # The key must not show there either.
            "LOGGING__TRIGGER_LOG_SERVER_PORT": free_port(),
            "LOGGING__WORKER_LOG_SERVER_PORT": free_port(),
            "SCHEDULER__JOB_HEARTBEAT_SEC": 1,
            "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": 0.5,
            # Waits must end by themselves.
            "SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": 3600,
            "SECRETS__BACKEND": "file_secrets.FileSecrets",
            "SECRETS__BACKEND_KWARGS": json.dumps({"path": str(self.secrets)}),
            "TRIGGERER__JOB_HEARTBEAT_SEC": 1,
            # A killed triggerer is believed to be alive for this long.
            "TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": 5,
            "USAGE_DATA_COLLECTION__ENABLED": False,
            # Machines that run tests are busy.
            "WORKERS__EXECUTION_API_TIMEOUT": 60,
        }
        return {
            **kept,
            **{f"AIRFLOW__{name}": str(value) for name, value in settings.items()},
            "AIRFLOW_HOME": str(self.folder / "home"),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")])),
            "AIRFLOW_VAR_CLOCKIFY_OUTPUT": str(self.lake),
            "AIRFLOW_CONN_CLOCKIFY_DEFAULT": self.emulator.connection_json(requests_per_second=1000),
        }

    def start(self, name: str) -> None:
        command = [sys.executable, "-m", "airflow", name]
        self.processes[name] = Process(name, command, self.folder, self.env)

    def trigger(self, dag_id: str, run_id: str = "by_test", **conf: Any) -> None:
        """Start a run."""
        arguments = ["dags", "trigger", dag_id, "--run-id", run_id, "--conf", json.dumps(conf)]
        subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=self.env,
            check=True,
            capture_output=True,
            timeout=120,
        )

    def give_secrets(self, **fields: Any) -> None:
        """Let the secrets backend give its connection ``vault``, at once and as a whole."""
        connection = json.loads(self.emulator.connection_json(requests_per_second=1000))
        new = self.secrets.with_suffix(".new")
        new.write_text(json.dumps({"vault": {**connection, **fields}}))
        new.replace(self.secrets)

    def take_secrets(self) -> None:
        """Let the secrets backend fail."""
        self.secrets.unlink()

    def restart_triggerer(self) -> None:
        """SIGKILL, so that nothing is handed over, and a new one."""
        self.processes["triggerer"].kill()
        self.start("triggerer")

    def stop(self) -> None:
        for name in reversed(COMPONENTS):
            if name in self.processes:
                self.processes[name].kill(signal.SIGTERM, wait=10)
        if "postgres" in self.processes:
            self.processes["postgres"].kill(signal.SIGINT, wait=20)

    def look_for_key(self) -> list[Finding]:
        """Look for the key in all tables, in what the processes printed and in the logs of tasks and triggers."""
        scanner = Scanner([self.emulator.api_key])
        found: list[Finding] = []
        tables = self.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        for name in sorted({name for (name,) in tables} - ALLOWED_TABLES):
            with self.database.cursor() as cursor:
                cursor.execute(f'SELECT * FROM "{name}"')
                found += scanner.rows(f"table {name}", cursor)
        logs = [*self.folder.glob("*.log"), *(self.folder / "logs").rglob("*.log*")]
        assert [path for path in logs if "dag_id=" in str(path)], "there are no logs of tasks"
        for path in logs:
            if path.is_file():
                found += scanner.text(str(path.relative_to(self.folder)), path.read_bytes())
        return found

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.database.cursor() as cursor:
            cursor.execute(sql, values)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def wait_for(self, what: str, done: Callable[[], Any], seconds: float, pause: float = 0.2) -> Any:
        """Wait until something is true; on failure show what all processes said last."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := done():
                return found
            dead = [each for each in self.processes.values() if each.process.poll() is not None]
            if dead:
                raise AssertionError(f"{dead[0].name} ended while waiting for {what}.\n{self.report()}")
            time.sleep(pause)
        raise AssertionError(f"Waited {seconds:.0f} s in vain for {what}.\n{self.report()}")

    def report(self) -> str:
        return "\n".join(process.tail() for process in self.processes.values())

    # --- what the tests ask the database ---

    def events(self, asset: str = "new_entries") -> list[dict[str, Any]]:
        rows = self.query(
            "SELECT e.extra FROM asset_event e JOIN asset a ON a.id = e.asset_id WHERE a.name = %s ORDER BY e.id",
            asset,
        )
        extras = [json.loads(extra) if isinstance(extra, str) else extra for (extra,) in rows]
        return [extra["payload"] for extra in extras]

    def cursors(self, asset: str = "new_entries") -> list[dict[str, Any]]:
        rows = self.query(
            "SELECT s.value FROM asset_state_store s JOIN asset a ON a.id = s.asset_id WHERE a.name = %s",
            asset,
        )
        return [json.loads(value) for (value,) in rows]

    def wait_for_quiet(self) -> None:
        """Wait until all watchers have a cursor and none an event that is not confirmed."""
        assets = ("new_entries", "new_entries_too", "billable_entries")

        def quiet() -> bool:
            cursors = [self.cursors(asset) for asset in assets]
            return all(found and not any(each["pending"] for each in found) for found in cursors)

        self.wait_for("cursors without pending events", quiet, 90)

    def add_entries(self, count: int, description: str = "tracked", billable: bool = False) -> list[str]:
        workspace = self.emulator.workspace
        start = datetime(2026, 11, 2, 9, tzinfo=UTC)  # Back-dated: only their creation is new.
        with workspace.lock:
            return [
                workspace.add_entry(
                    start=start, end=start.replace(hour=10), description=description, billable=billable
                ).id
                for _ in range(count)
            ]


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    pytest.importorskip("psycopg2")
    pytest.importorskip("asyncpg")
    folder = Path(tempfile.mkdtemp(prefix="clockify-stack-"))
    folder.chmod(0o755)
    with ExitStack() as cleanup:
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        emulator = cleanup.enter_context(ClockifyEmulator(generate_workspace(entries=20)))
        found = Stack.__new__(Stack)
        found.processes = {}
        cleanup.callback(found.stop)
        try:
            Stack.__init__(found, folder, emulator)
        except MissingServerError as error:
            pytest.skip(str(error))
        except AssertionError as error:
            pytest.fail(f"{error}\n{found.report()}")
        yield found
        assert found.look_for_key() == []
