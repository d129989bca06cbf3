# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Nights of Iceberg tables; see ``table_nights``. Each run makes one snapshot, and no more.

``make test-tables`` does thirty nights and prints the table of results.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from iceberg_catalogs import (
    catalog_of,
    postgres_connection,
    pretend_older,
    rows_of_files,
    skip_without_packages,
    sqlite_connection,
)
from table_nights import COLUMNS, VARIANTS, nights

from airflow_provider_clockify.tables.iceberg.iceberg_catalog import IcebergCatalog
from airflow_provider_clockify.tables.iceberg.iceberg_schema import IcebergName
from airflow_provider_clockify.transfers.clockify_to_iceberg import ClockifyReportToIcebergOperator


@dataclass
class KeptInCatalog:
    """Tables of a catalog, read back by DuckDB from their data files."""

    catalog: IcebergCatalog
    runs: dict[str, int] = field(default_factory=dict)
    workspace_id: str = ""

    def load(self, table: str, **parameters: Any) -> Any:
        task = ClockifyReportToIcebergOperator(
            task_id="load",
            iceberg_conn_id="target",
            table=f"clockify.{table}",
            require_admin=False,
            **parameters,
        )
        result = task.execute({})
        self.runs[table] = self.runs.get(table, 0) + 1
        self.workspace_id = result["workspace_id"]
        snapshots = self._table(table).metadata.snapshots
        told = [each.summary.additional_properties.get("clockify.load-id") for each in snapshots]
        assert len([each for each in told if each]) == self.runs[table], "one snapshot a run"
        assert told[-1] == result["load_id"]
        return result

    def held(self, table: str) -> dict[str, tuple[Any, ...]]:
        rows = rows_of_files(self._table(table), COLUMNS)
        found = {row[0]: row[1:] for row in rows}
        assert len(found) == len(rows), "an id is there twice"
        return found

    def pretend_older(self, table: str, before: datetime) -> None:
        pretend_older(self.catalog, IcebergName(("clockify",), table), self.workspace_id, before)

    def _table(self, table: str) -> Any:
        return self.catalog.opened().load_table(("clockify", table))


@pytest.fixture(params=["sqlite", "postgres"])
def kept(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[KeptInCatalog]:
    skip_without_packages()
    pytest.importorskip("airflow.providers.apache.iceberg.hooks.iceberg")
    if request.param == "sqlite":
        connection = sqlite_connection(tmp_path)
    else:
        server = request.getfixturevalue("postgres")
        connection = postgres_connection(server, request.getfixturevalue("postgres_database"), tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_TARGET", json.dumps(connection))
    catalog = catalog_of(connection)
    yield KeptInCatalog(catalog)
    catalog.close()


def test_the_table_is_right_after_each_of_some_nights(
    kept: KeptInCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights(kept, monkeypatch, 3, seed=7)
    assert kept.runs == dict.fromkeys(VARIANTS, 4)


@pytest.mark.tables
def test_the_table_is_right_after_each_of_thirty_nights(
    kept: KeptInCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    print("\n" + "\n".join(["iceberg", *nights(kept, monkeypatch, 30, seed=int(time.time()))]))
