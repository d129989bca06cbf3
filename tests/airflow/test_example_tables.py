# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The example DAG that loads tables, run by Airflow for two nights with edits of any age between them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from table_nights import edit_long_ago

pytest.importorskip("airflow.providers.sqlite")

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def test_the_tables_equal_the_workspace_after_each_night(
    run_dag: Callable,
    connect: Callable,
    make_clockify_emulator: Callable,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    emulator = make_clockify_emulator(entries=500, start=START, end=START + 20 * DAY)
    connect(emulator)
    file = tmp_path / "warehouse.sqlite"
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps({"conn_type": "sqlite", "host": str(file)}))

    def rows(query: str) -> list[Any]:
        with closing(sqlite3.connect(file)) as connection:
            return connection.execute(query).fetchall()

    workspace = emulator.workspace
    for night in (18, 19):
        run = run_dag("example_clockify_tables", START + night * DAY)
        assert run.state == "success", run.states
        truth = workspace.truth(START - 90 * DAY, START + night * DAY)
        assert {row[0] for row in rows("SELECT id FROM clockify_time_entries")} == set(truth.ids)
        assert rows("SELECT sum(duration_seconds) FROM clockify_time_entries") == [(truth.seconds,)]
        if night == 19:
            assert [each["reason"] for each in run.results["load_time_entries"]["replaced"]] == ["audit"] * 2
        edit_long_ago(workspace, START)


def test_dimensions_are_whole(
    run_dag: Callable,
    connect: Callable,
    make_clockify_emulator: Callable,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    emulator = make_clockify_emulator(entries=10)
    connect(emulator)
    file = tmp_path / "warehouse.sqlite"
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps({"conn_type": "sqlite", "host": str(file)}))
    run = run_dag("example_clockify_table_dimensions", START)
    assert run.state == "success", run.states
    with closing(sqlite3.connect(file)) as connection:
        ids = {row[0] for row in connection.execute("SELECT id FROM clockify_projects")}
    assert ids == set(emulator.workspace.projects)
