# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""``make ui``: starts, has DAGs and a run, and leaves no process behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]


def processes_of(home: Path) -> list[str]:
    """Name the processes that were started with this home; children get it with their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if str(home).encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
def test_it_starts_runs_a_dag_and_stops_without_a_trace(tmp_path: Path) -> None:
    from local_airflow import LocalAirflow

    home = tmp_path / "home"
    log = tmp_path / "ui.log"
    with log.open("w") as output:
        ui = subprocess.Popen(
            [sys.executable, str(ROOT / "scripts" / "ui.py"), "--home", str(home), "--port", "0"],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "COLUMNS": "200"},
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 400
        while "Ctrl-C stops it" not in log.read_text():
            assert ui.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(1)
        url = re.search(r"http://127\.0\.0\.1:\d+(?=  \(no login)", log.read_text())
        assert url, log.read_text()
        airflow = SimpleNamespace(url=url[0], is_airflow_3=True, components=(), processes=[], env={})
        airflow.api = LocalAirflow.api.__get__(airflow)
        airflow.wait_for = LocalAirflow.wait_for.__get__(airflow)
        assert LocalAirflow.is_healthy(airflow)
        examples = {
            dag_id
            for path in (ROOT / "dags_examples").glob("*.py")
            for dag_id in re.findall(r'dag_id="(\w+)"', path.read_text(encoding="utf-8"))
        }

        def all_are_there() -> bool:
            # It is ready once one DAG is there; the others are still being read then.
            return {each["dag_id"] for each in airflow.api("GET", "dags?limit=100")["dags"]} == examples

        airflow.wait_for("the examples", all_are_there, 400)
        assert airflow.api("GET", "importErrors")["total_entries"] == 0
        run_id, state = LocalAirflow.trigger(airflow, "example_clockify_weekly_report")
        assert state == "success"
        assert list((home / "output").rglob("*.csv"))
        assert processes_of(home)
    finally:
        ui.send_signal(signal.SIGINT)
        try:
            ended = ui.wait(90)
        except subprocess.TimeoutExpired:
            os.killpg(ui.pid, signal.SIGKILL)
            raise
    assert ended == 0
    assert processes_of(home) == []
