# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
A whole Airflow and the emulator as processes of this machine: for ``make ui``, the browser's tests, the screenshots.

Works for Airflow 3.3 and 2.11: the interpreter tells which one. Everything listens on the loopback interface, and is
ended by the ids of its processes.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent
LOGIN = "admin"  # of 2.11; on 3.x everybody who reaches the port is an administrator


def free_port(wanted: int = 0) -> int:
    """Return the wanted port if nothing listens on it, else any that is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def chromium() -> str | None:
    """Find the machine's Chromium or Chrome."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    return os.environ.get("CHROMIUM") or next((path for name in names if (path := shutil.which(name))), None)


class Process:
    """A process of its own group, whose output goes to a file."""

    def __init__(
        self, name: str, command: list[str], folder: Path, env: Mapping[str, str], **how: Any
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                start_new_session=True,
                **how,
            )
        self.pid = self._process.pid

    @property
    def has_ended(self) -> bool:
        """Tell whether it runs no more."""
        return self._process.poll() is not None

    def signal(self, number: int) -> None:
        """Signal it and its children: the group's id is its own."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def wait(self, seconds: float) -> None:
        """Wait for its end; then end what is left of its group."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.signal(signal.SIGKILL)
        self._process.wait()

    def tail(self, lines: int = 40) -> str:
        """Return what it said last."""
        text = self.log.read_text(errors="replace").splitlines()
        return "\n".join([f"--- {self.name} ({self.log})", *text[-lines:]])


class LocalAirflow:
    """
    An Airflow with a home of its own, and an emulator that it talks to.

    :param home: Folder for the database, logs and output; may hold those of an earlier start.
    :param python: Interpreter of an environment with Airflow and this package.
    :param dags: Folder of DAG files.
    :param port: Port of the web page that is tried first.
    :param months: How many months before this one the emulated workspace has time for.
    :param entries: How many entries it has.
    :param say: Is told what happens.
    """

    def __init__(
        self,
        home: Path,
        *,
        python: str = sys.executable,
        dags: Path = ROOT / "dags_examples",
        port: int = 0,
        months: int = 3,
        entries: int = 6000,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.home = home
        self.output = home / "output"
        self._python = python
        self._months = months
        self._entries = entries
        self._say = say
        self.port = free_port(port)
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: list[Process] = []
        self.connection: dict[str, Any] = {}
        self.is_airflow_3 = not self._version().startswith("2.")
        self.components = (
            ("api-server", "scheduler", "dag-processor", "triggerer")
            if self.is_airflow_3
            else ("webserver", "scheduler", "triggerer")
        )
        self.logs = home / "processes"
        self.env = self._environment(dags)

    def _version(self) -> str:
        code = "from importlib.metadata import version; print(version('apache-airflow'))"
        return subprocess.run(
            [self._python, "-c", code], check=True, capture_output=True, text=True
        ).stdout.strip()

    def _environment(self, dags: Path) -> dict[str, str]:
        dropped = ("AIRFLOW_", "_AIRFLOW_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        settings: dict[str, Any] = {
            "CORE__DAGS_FOLDER": dags,
            "CORE__LOAD_EXAMPLES": False,
            "CORE__TEST_CONNECTION": "Enabled",
            # A busy machine takes its time; a file that is read late is no broken file.
            "CORE__DAGBAG_IMPORT_TIMEOUT": 300,
            ("DAG_PROCESSOR" if self.is_airflow_3 else "CORE") + "__DAG_FILE_PROCESSOR_TIMEOUT": 300,
            "CORE__FERNET_KEY": self._secret("fernet", base64.urlsafe_b64encode(secrets.token_bytes(32))),
            "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home}/airflow.db",
            "LOGGING__BASE_LOG_FOLDER": self.home / "logs",
            "LOGGING__TRIGGER_LOG_SERVER_PORT": free_port(),
            "LOGGING__WORKER_LOG_SERVER_PORT": free_port(),
            "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": 0.5,
            "USAGE_DATA_COLLECTION__ENABLED": False,
        }
        if self.is_airflow_3:
            settings |= {
                "CORE__EXECUTOR": "LocalExecutor",
                "CORE__PARALLELISM": 2,
                "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
                "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": True,
                "API__HOST": "127.0.0.1",
                "API__PORT": self.port,
                "API__WORKERS": 1,
                "API__SECRET_KEY": self._secret("session", secrets.token_hex(16).encode()),
                "API_AUTH__JWT_SECRET": self._secret("token", secrets.token_hex(32).encode()),
            }
        else:
            settings |= {
                "CORE__EXECUTOR": "SequentialExecutor",
                "CORE__AUTH_MANAGER": ("airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"),
                "FAB__AUTH_RATE_LIMITED": False,  # else five log-ins in 40 seconds
                "API__AUTH_BACKENDS": "airflow.providers.fab.auth_manager.api.auth.backend.basic_auth",
                "WEBSERVER__WEB_SERVER_HOST": "127.0.0.1",
                "WEBSERVER__WEB_SERVER_PORT": self.port,
                "WEBSERVER__WORKERS": 1,
                "WEBSERVER__SECRET_KEY": self._secret("session", secrets.token_hex(16).encode()),
            }
        return {
            **kept,
            **{f"AIRFLOW__{name}": str(value) for name, value in settings.items()},
            "AIRFLOW_HOME": str(self.home),
            # The executor of 2.11 starts "airflow" by its name.
            "PATH": os.pathsep.join([str(Path(self._python).absolute().parent), os.environ["PATH"]]),
            "AIRFLOW_VAR_CLOCKIFY_OUTPUT": str(self.output),
            "PYTHONUNBUFFERED": "1",
        }

    def _secret(self, name: str, new: bytes) -> str:
        """Return the secret of an earlier start, since the database was encrypted with it."""
        path = self.home / "secrets" / name
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_bytes(new)
        return path.read_text()

    def __enter__(self) -> Self:
        """Start; when that fails, end what was started and tell what it said last."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything."""
        self.stop()

    def _start(self) -> None:
        for folder in (self.home, self.output, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        self._say("the emulator, with time tracked until now")
        self.connection = self._start_emulator()
        self._say("Airflow's database (about 10 s)")
        self.run("db", "migrate")
        self._say("the connection clockify_default (about 10 s)")
        self._store_connection()
        if not self.is_airflow_3:
            self._say("a user for the web page")
            person = ["--firstname", "Ada", "--lastname", "Example", "--email", "ada@example.com"]
            self.run("users", "create", "--username", LOGIN, "--password", LOGIN, "--role", "Admin", *person)
        self._say(f"Airflow: {', '.join(self.components)} (about 30 s)")
        for name in self.components:
            command = [self._python, "-m", "airflow", name]
            self.processes.append(Process(name, command, self.logs, self.env))
        self.wait_for("Airflow's web page", self.is_healthy, 400)

    def _start_emulator(self) -> dict[str, Any]:
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        start = now.replace(day=1, hour=0)
        for _ in range(self._months):
            start = (start - timedelta(days=1)).replace(day=1)
        window = ["--start", start.isoformat(), "--end", now.isoformat()]
        return self._serve_emulator(*window, "--users", "8", "--entries", str(self._entries))

    def _serve_emulator(self, *arguments: str) -> dict[str, Any]:
        command = [self._python, "-m", "airflow_provider_clockify.testing", "--port", "0", *arguments]
        process = Process("emulator", command, self.logs, {**self.env, "PYTHONUTF8": "1"})
        self.processes.append(process)
        line = self.wait_for("the emulator", lambda: process.log.read_text(encoding="utf-8").strip(), 60)
        found: dict[str, Any] = json.loads(line.splitlines()[-1].split(" connection=", 1)[1])
        return found

    def _store_connection(self) -> None:
        """Keep it in the database, where the form finds it; the emulator's port is new at each start."""
        path = self.home / "secrets" / "connections.json"
        extra = {"region": "global", "auth_type": "api_key", **self.connection["extra"]}
        # Airflow 3.3.1 and 3.3.2 refuse to test stored connections that have no port; 0 is none to everybody.
        described = {
            **self.connection,
            "extra": json.dumps(extra),
            "description": "The emulator of make ui",
            "port": 0,
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps({"clockify_default": described}))
        self.run("connections", "import", "--overwrite", str(path))
        path.unlink()

    def stop(self) -> None:
        """End everything, by process id: ask all first, then wait, then insist."""
        for process in reversed(self.processes):
            process.signal(signal.SIGTERM)
        for process in reversed(self.processes):
            process.wait(15)
        self.processes.clear()

    def run(self, *arguments: str) -> str:
        """Run Airflow's command line."""
        done = subprocess.run(
            [self._python, "-m", "airflow", *arguments],
            env=self.env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise RuntimeError(f"airflow {' '.join(arguments[:2])} failed:\n{done.stdout[-4000:]}")
        return done.stdout

    def wait_for(self, what: str, done: Callable[[], Any], seconds: float) -> Any:
        """Wait until something is true; else tell what the processes said last."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := done():
                return found
            if ended := [process for process in self.processes if process.has_ended]:
                raise RuntimeError(f"{ended[0].name} ended while waiting for {what}.\n{ended[0].tail()}")
            time.sleep(0.3)
        tails = "\n".join(process.tail(20) for process in self.processes)
        raise RuntimeError(f"Waited {seconds:.0f} s in vain for {what}.\n{tails}")

    # --- over the REST API -------------------------------------------------------------------------------------

    def is_healthy(self) -> bool:
        """Tell whether the database and what was started are well."""
        path = "/api/v2/monitor/health" if self.is_airflow_3 else "/health"
        try:
            answer = requests.get(self.url + path, timeout=10)
            answer.raise_for_status()
            found = answer.json()
        except requests.RequestException:
            return False  # Not there yet, too slow yet, or not what it says when it is there.
        judged = {"scheduler", "dag-processor", "triggerer"}.intersection(self.components)
        parts = ["metadatabase", *(name.replace("-", "_") for name in judged)]
        return all(found.get(name, {}).get("status") == "healthy" for name in parts)

    def api(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """Ask the REST API; ``path`` is what follows the version."""
        how: dict[str, Any] = {"json": body} if body else {}
        if self.is_airflow_3:
            token = requests.get(f"{self.url}/auth/token", timeout=30).json()["access_token"]
            how["headers"] = {"Authorization": f"Bearer {token}"}
        else:
            how["auth"] = (LOGIN, LOGIN)
        base = f"{self.url}/api/v{2 if self.is_airflow_3 else 1}"
        answer = requests.request(method, f"{base}/{path}", timeout=60, **how)
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def wait_for_dags(self, seconds: float = 300) -> list[str]:
        """Wait until all DAG files are read; none may have an error."""
        files = len(list(Path(self.env["AIRFLOW__CORE__DAGS_FOLDER"]).glob("*.py")))

        def listed() -> list[str]:
            if errors := self.import_errors():
                raise RuntimeError(f"DAG files that cannot be imported: {errors}")
            # Event-driven DAGs do not exist before Airflow 3.
            found = self.dags()
            return found if len(found) >= files - (not self.is_airflow_3) else []

        found: list[str] = self.wait_for("the DAGs", listed, seconds)
        return found

    def wait_for_dag(self, dag_id: str, seconds: float = 900) -> None:
        """Wait until one DAG can be run, whatever else is still being read."""

        def is_there() -> bool:
            try:
                return dag_id in self.dags()
            except (requests.RequestException, RuntimeError):
                return False  # Busy; asked again.

        self.wait_for(f"the DAG {dag_id}", is_there, seconds)

    def dags(self) -> list[str]:
        """Return the DAGs that Airflow has read so far."""
        return sorted(dag["dag_id"] for dag in self.api("GET", "dags?limit=100")["dags"])

    def import_errors(self) -> list[dict[str, Any]]:
        """Return what Airflow says of the DAG files that it could not read."""
        found: list[dict[str, Any]] = self.api("GET", "importErrors")["import_errors"]
        return found

    def trigger(self, dag_id: str, seconds: float = 400, **conf: Any) -> tuple[str, str]:
        """Run a DAG for now and give the id and state of the run once it has ended."""
        self.api("PATCH", f"dags/{dag_id}", is_paused=False)
        body = {"conf": conf, "logical_date": datetime.now(UTC).isoformat()}
        run_id = self.api("POST", f"dags/{dag_id}/dagRuns", **body)["dag_run_id"]

        def ended() -> str | None:
            state = self.api("GET", f"dags/{dag_id}/dagRuns/{run_id}")["state"]
            return state if state in ("success", "failed") else None

        return run_id, self.wait_for(f"the run of {dag_id}", ended, seconds)
