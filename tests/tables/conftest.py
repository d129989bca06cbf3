# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Databases for tests of tables: PostgreSQL's server of this machine, DuckDB and SQLite in files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from database_servers import Postgres
from postgres_server import running_postgres
from table_databases import DRIVERS, connector

from airflow_provider_clockify.tables.database import Database


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server in a folder of its own, on a free port."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_database(postgres: Postgres, request: pytest.FixtureRequest) -> str:
    """A new, empty database."""
    name = f"test_{abs(hash(request.node.nodeid)) % 10**12}_{time.monotonic_ns()}"
    postgres.create(name)
    return name


@pytest.fixture(params=list(DRIVERS))
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Database]:
    """Open a connection to an empty database, of every driver."""
    kind = request.param
    missing = [module for module in DRIVERS[kind] if find_spec(module) is None]
    if missing:
        pytest.skip(f"this environment has no {', '.join(missing)}")
    if "postgresql" in kind or kind.startswith("psycopg"):
        server = request.getfixturevalue("postgres")
        return connector(kind, server, request.getfixturevalue("postgres_database"))
    return connector(kind, tmp_path)
