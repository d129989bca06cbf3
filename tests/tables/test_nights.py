# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Nights of tables in databases; see ``table_nights``.

``make test-tables`` does thirty nights and prints the table of results.
"""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from table_databases import DRIVERS, rows_of
from table_nights import COLUMNS, nights

from airflow_provider_clockify.transfers._targets import TableTarget
from airflow_provider_clockify.transfers.clockify_to_sql import ClockifyReportToSqlOperator


@dataclass
class KeptInDatabase:
    """Tables of a database."""

    target: TableTarget

    def load(self, table: str, **parameters: Any) -> Any:
        task = ClockifyReportToSqlOperator(
            task_id="load", sql_conn_id="target", table=table, require_admin=False, **parameters
        )
        return task.execute({})

    def held(self, table: str) -> dict[str, tuple[Any, ...]]:
        """Return what a table holds."""
        with closing(self.target.connect()) as database:
            is_sqlite = database.dialect.name == "SQLite"
            text = database.dialect.instant_text
            columns = COLUMNS.replace(' start, "end"', f" {text.format('start')}, " + text.format('"end"'))
            found = rows_of(self.target.connect, f"SELECT {columns} FROM {table}") if is_sqlite else None
            if found is None:
                database.begin()
                found = database.query(f"SELECT {columns} FROM {table}")
                database.rollback()
        return {
            row[0]: (
                datetime.fromisoformat(row[1]),
                datetime.fromisoformat(row[2]),
                row[3],
                row[4],
                bool(row[5]),
                *row[6:11],
                Decimal(str(row[11])),
                Decimal(str(row[12])),
            )
            for row in found
        }

    def pretend_older(self, table: str, before: datetime) -> None:
        with closing(self.target.connect()) as database:
            moment = database.dialect.literal(before)
            database.begin()
            database.execute(
                f"UPDATE {table}_loads SET read_at = {moment}", f"UPDATE {table} SET _read_at = {moment}"
            )
            database.commit()


@pytest.fixture(params=["psycopg", "duckdb", "sqlite"])
def target(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TableTarget:
    kind = request.param
    if missing := [module for module in DRIVERS[kind] if find_spec(module) is None]:
        pytest.skip(f"this environment has no {', '.join(missing)}")
    if kind == "psycopg":
        pytest.importorskip("airflow.providers.postgres")
        server, database = request.getfixturevalue("postgres"), request.getfixturevalue("postgres_database")
        connection = {
            "conn_type": "postgres",
            "host": "127.0.0.1",
            "port": server.port,
            "login": "airflow",
            "schema": database,
        }
    else:
        pytest.importorskip(f"airflow.providers.{kind}")
        connection = {"conn_type": kind, "host": str(tmp_path / "nights")}
    monkeypatch.setenv("AIRFLOW_CONN_TARGET", json.dumps(connection))
    return TableTarget("target")


def test_the_table_is_right_after_each_of_some_nights(
    target: TableTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights(KeptInDatabase(target), monkeypatch, 4, seed=7)


@pytest.mark.tables
def test_the_table_is_right_after_each_of_thirty_nights(
    target: TableTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    print(
        "\n"
        + "\n".join(
            [target.conn_type, *nights(KeptInDatabase(target), monkeypatch, 30, seed=int(time.time()))]
        )
    )
