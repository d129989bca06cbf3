# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Loads killed at random moments: the table is in the old or the new state, never between, and the next load works."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from killed_loads import kill_after, time_of
from table_databases import DRIVERS, connector, rows_of
from table_entries import a_load, entry

from airflow_provider_clockify.exceptions import ClockifyDatabaseError
from airflow_provider_clockify.tables.database import Database
from airflow_provider_clockify.tables.replacing import load_table

SUPPORT = Path(__file__).parents[1] / "support"
ROWS = 3000
CHILD = """
import sys
# Else DuckDB takes the process for somebody at a terminal, and shows the progress of what takes long.
sys.modules["__main__"].__file__ = "child.py"
sys.path[:0] = [{support!r}]
from pathlib import Path
from types import SimpleNamespace
from table_databases import connector
from table_entries import a_load, entry
from airflow_provider_clockify.tables.replacing import load_table
kind, where, database, read_at = sys.argv[1:]
place = SimpleNamespace(port=int(where)) if where.isdigit() else Path(where)
entries = [entry(n, n * 6 / {rows}, seconds=60 + int(read_at)) for n in range({rows})]
load = a_load(entries, 0, 6, int(read_at))
print("ready", flush=True)
load_table(connector(kind, place, database), load)
print("done", flush=True)
"""


@pytest.fixture(params=["psycopg", "psycopg2", "duckdb", "sqlite"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Any, str]:
    kind = request.param
    if missing := [module for module in DRIVERS[kind] if find_spec(module) is None]:
        pytest.skip(f"this environment has no {', '.join(missing)}")
    if kind.startswith("psycopg"):
        return kind, request.getfixturevalue("postgres"), request.getfixturevalue("postgres_database")
    return kind, tmp_path, ""


def opened(connect: Callable[[], Database]) -> Callable[[], Database]:
    """Wait for what a killed process leaves: its file is free a moment later."""

    def patient() -> Database:
        for _ in range(50):
            try:
                return connect()
            except Exception:
                time.sleep(0.1)
        return connect()

    return patient


def state(connect: Callable[[], Database]) -> tuple[set[int], int, int]:
    """Return the edits that the table holds, its rows, and its loads."""
    found = rows_of(connect, "SELECT duration_seconds FROM entries")
    ((loads,),) = rows_of(connect, "SELECT count(*) FROM entries_loads")
    return {seconds - 60 for (seconds,) in found}, len(found), int(loads)


def kill_loads(place: tuple[str, Any, str], kills: int, seed: int) -> tuple[int, int]:
    """Kill loads; return how many of them had taken effect, and how many had not."""
    kind, where, database = place
    connect = opened(connector(kind, where, database))
    load_table(connect, a_load([entry(n, n * 6 / ROWS, seconds=60) for n in range(ROWS)], 0, 6, 0))
    chance = random.Random(seed)
    command = [sys.executable, "-c", CHILD.format(support=str(SUPPORT), rows=ROWS), kind]
    arguments = [str(getattr(where, "port", where)), database]
    took = time_of([*command, *arguments, "1"])
    new = old = 0
    latest = loads = 1
    loads = 2
    for number in range(2, kills + 2):
        kill_after([*command, *arguments, str(number)], chance.uniform(0, took * 1.1))
        edits, rows, there = state(connect)
        assert rows == ROWS
        if edits == {number}:
            new, latest, loads = new + 1, number, loads + 1
        else:
            old += 1
        assert (edits, there) == ({latest}, loads)
    load_table(connect, a_load([entry(n, n * 6 / ROWS, seconds=99) for n in range(ROWS)], 0, 6, kills + 2))
    assert state(connect) == ({39}, ROWS, loads + 1)
    return new, old


def test_some_kills_leave_the_old_or_the_new_state(place: tuple[str, Any, str]) -> None:
    kill_loads(place, 3, seed=3)


@pytest.mark.tables
def test_many_kills_leave_the_old_or_the_new_state(place: tuple[str, Any, str]) -> None:
    new, old = kill_loads(place, 30, seed=int(time.time()))
    print(f"\n{place[0]}: 30 killed; {new} had taken effect, {old} had not")
    assert old
    assert new


@pytest.mark.tables
def test_backends_that_are_ended_leave_the_old_or_the_new_state(
    postgres: Any, postgres_database: str
) -> None:
    kind = "psycopg"
    connect = connector(kind, postgres, postgres_database)
    load_table(connect, a_load([entry(n, n * 6 / ROWS, seconds=60) for n in range(ROWS)], 0, 6, 0))
    chance, latest, failed = random.Random(5), 0, 0
    command = [sys.executable, "-c", CHILD.format(support=str(SUPPORT), rows=ROWS), kind]
    took = time_of([*command, str(postgres.port), postgres_database, "1"])
    latest = 1
    for number in range(2, 22):
        arguments = [str(postgres.port), postgres_database, str(number)]
        with subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout
            assert child.stderr
            assert child.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0.2, 1) * took)
            rows_of(
                connect,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                "AND datname = current_database()",
            )
            is_done = child.stdout.readline() == "done\n"
            error = child.stderr.read()
        failed += not is_done
        assert is_done or ClockifyDatabaseError.__name__ in error
        edits, rows, _ = state(connect)
        latest = number if is_done else latest
        assert (edits, rows) == ({latest}, ROWS)
    assert failed
