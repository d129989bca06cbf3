# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Loads of an Iceberg table killed at random steps, and several at once: the current snapshot is a whole one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from iceberg_catalogs import postgres_connection, skip_without_packages, sqlite_connection
from iceberg_trials import kill_loads, loads_at_once


@pytest.fixture(params=["sqlite", "postgres"])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    skip_without_packages()
    if request.param == "sqlite":
        return sqlite_connection(tmp_path)
    server = request.getfixturevalue("postgres")
    return postgres_connection(server, request.getfixturevalue("postgres_database"), tmp_path)


def test_some_kills_leave_the_old_or_the_new_state(connection: dict[str, Any]) -> None:
    kill_loads(connection, 2, seed=3)


@pytest.mark.tables
def test_many_kills_leave_the_old_or_the_new_state(connection: dict[str, Any]) -> None:
    new, old = kill_loads(connection, 50, seed=int(time.time()))
    print(f"\niceberg: 50 killed; {new} had taken effect, {old} had not")
    assert old
    assert new


def test_loads_at_once_are_exact(connection: dict[str, Any]) -> None:
    assert loads_at_once(connection, 2, seed=11) == 1 + 2 * 4


@pytest.mark.tables
def test_many_loads_at_once_are_exact(connection: dict[str, Any]) -> None:
    assert loads_at_once(connection, 25, seed=int(time.time())) == 1 + 25 * 4
