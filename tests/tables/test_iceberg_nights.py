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
from pathlib import Path

import pytest
from iceberg_catalogs import catalog_of, postgres_connection, skip_without_packages, sqlite_connection
from iceberg_trials import KeptInCatalog
from table_nights import VARIANTS, nights


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
