# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""A run that leaves a key somewhere fails, although all its tests pass."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

KEY = "66b0c1a2d3e4f5a6b7c8d9e0"
ROOT = Path(__file__).parents[2]
CASES = {
    "nothing": ("", ""),
    "in a log": ('(home / "logs").mkdir(); (home / "logs" / "task.log").write_text(KEY)', "logs/task.log"),
    "in the name of a file": ('(home / KEY).write_text("")', "name of a file"),
    "in Base64": (
        'import base64; (home / "a.log").write_bytes(base64.b64encode(b"me:" + KEY.encode()))',
        "a.log: the secret (Base64)",
    ),
    "in a table": (
        "plant_row()",
        "airflow.db, table xcom, column value",
    ),
    "printed on purpose": ("print(KEY)", ""),
    "printed": ("print(KEY)", "output of test_it.py::test_it"),
    "logged": ('import logging; logging.getLogger("a").warning("%s", KEY)', "output of test_it.py::test_it"),
}


IN_TWO_PROCESSES = ["nothing", "in a log", "in a table", "printed"]


@pytest.mark.parametrize(
    ("name", "processes"), [*((name, 0) for name in CASES), *((name, 2) for name in IN_TWO_PROCESSES)]
)
def test_a_run_that_leaves_a_key_somewhere_fails(name: str, processes: int, tmp_path: Path) -> None:
    statement, place = CASES[name]
    home = tmp_path / "home"
    home.mkdir()
    mark = "@pytest.mark.prints_keys" if name == "printed on purpose" else ""
    # Of two processes, one reads the key and the other one leaves it; what is printed is looked at as it comes.
    # The key is put together, since a failing test would show its source.
    (tmp_path / "test_it.py").write_text(
        f"""
import os, pathlib, pytest, sqlite3
from airflow_provider_clockify.connection import ClockifySettings
KEY = {KEY[:12]!r} + {KEY[12:]!r}
home = pathlib.Path(os.environ["AIRFLOW_HOME"])

def plant_row():
    with sqlite3.connect(home / "airflow.db") as database:
        database.execute("CREATE TABLE xcom (value TEXT)")
        database.execute("INSERT INTO xcom VALUES (?)", ["x" * 50_000 + KEY])

{mark}
def test_it():
    {'ClockifySettings.from_fields("c", password=KEY)' if name == "printed" or not processes else "pass"}
    {statement or "pass"}

def test_another():
    ClockifySettings.from_fields("c", password=KEY)
"""
    )
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "secret_guard", "-c", os.devnull, "test_it.py"),
            *(f"--numprocesses={processes}", f"--rootdir={tmp_path}"),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "AIRFLOW_HOME": str(home),
            "PYTHONPATH": os.pathsep.join([str(ROOT / "tests/support"), str(ROOT)]),
        },
        capture_output=True,
        text=True,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == (1 if place else 0), done.stdout
    assert KEY not in done.stdout
    if place:
        assert "keys where none may be" in done.stdout
        assert place in done.stdout
    else:
        assert "No trace of 1 keys" in done.stdout
