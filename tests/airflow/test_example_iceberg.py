# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The example DAGs of Iceberg tables, run by Airflow: two nights of loads, then their maintenance."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from iceberg_catalogs import data_files, rows_of_files, skip_without_packages, sqlite_connection
from table_nights import edit_long_ago

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def test_the_tables_equal_the_workspace_after_each_night_and_after_maintenance(
    run_dag: Callable,
    connect: Callable,
    make_clockify_emulator: Callable,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    skip_without_packages()
    pytest.importorskip("airflow.providers.apache.iceberg.hooks.iceberg")
    emulator = make_clockify_emulator(entries=500, start=START, end=START + 20 * DAY)
    connect(emulator)
    monkeypatch.setenv("AIRFLOW_CONN_ICEBERG_DEFAULT", json.dumps(sqlite_connection(tmp_path)))

    def held(name: str, what: str) -> list:
        from pyiceberg.catalog import load_catalog

        # In catalogs of SQL, the connection is the name of the catalog.
        catalog = load_catalog("iceberg_default", **sqlite_connection(tmp_path)["extra"])
        found = rows_of_files(catalog.load_table(("clockify", name)), what)
        catalog.close()
        return found

    workspace = emulator.workspace
    for night in (18, 19):
        run = run_dag("example_clockify_iceberg", START + night * DAY)
        assert run.state == "success", run.states
        truth = workspace.truth(START - 90 * DAY, START + night * DAY)
        assert {row[0] for row in held("time_entries", "id")} == set(truth.ids)
        assert held("time_entries", "sum(duration_seconds)") == [(truth.seconds,)]
        assert {row[0] for row in held("projects", "id")} == set(workspace.projects)
        if night == 19:
            assert [each["reason"] for each in run.results["load_time_entries"]["replaced"]] == ["audit"] * 2
        edit_long_ago(workspace, START)

    before = held("time_entries", "id, start, duration_seconds, amount")
    files = data_files(tmp_path)
    run = run_dag("example_clockify_iceberg_maintenance", START + 20 * DAY, days_kept=-1, many_files=0)
    assert run.state == "success", run.states
    assert sorted(held("time_entries", "id, start, duration_seconds, amount")) == sorted(before)
    left = data_files(tmp_path)
    assert len(left) < len(files)
    # Loads go on from what the table knows.
    run = run_dag("example_clockify_iceberg", START + 19 * DAY)
    assert run.state == "success", run.states
    assert held("time_entries", "sum(duration_seconds)") == [
        (workspace.truth(START - 90 * DAY, START + 19 * DAY).seconds,)
    ]
