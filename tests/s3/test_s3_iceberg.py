# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Iceberg tables in S3: loads, and an object store that refuses in the middle of one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from iceberg_catalogs import ENTRIES, catalog_of, load, skip_without_packages
from table_entries import entry

from airflow_provider_clockify.exceptions import ClockifyDatabaseError
from airflow_provider_clockify.tables.iceberg import iceberg_replacing
from airflow_provider_clockify.tables.iceberg.iceberg_catalog import IcebergCatalog


@pytest.fixture
def lake(s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[IcebergCatalog]:
    """A SQL catalog in a file, with tables in the bucket."""
    skip_without_packages(duckdb=False)
    catalog = catalog_of(
        {
            "extra": {
                "type": "sql",
                "uri": f"sqlite:///{tmp_path}/catalog.db",
                "warehouse": "s3://exports/lake",
                "s3.endpoint": s3.url,
                "s3.access-key-id": "access",
                "s3.secret-access-key": "secret",
                "s3.region": "us-east-1",
            }
        }
    )
    monkeypatch.setattr(iceberg_replacing, "PAUSE", 0.0)
    yield catalog
    catalog.close()


def ids(catalog: IcebergCatalog) -> list[str]:
    table = catalog.table(ENTRIES)
    assert table is not None
    return sorted(table.scan(selected_fields=("id",)).to_arrow()["id"].to_pylist())


def parquet(s3: Any) -> set[str]:
    return {name for name in s3.objects() if name.endswith(".parquet")}


def test_windows_are_replaced_in_a_bucket(s3: Any, lake: IcebergCatalog) -> None:
    load(lake, [entry(n, n * 2) for n in range(30)], 0, 60, 1)
    outcome = load(lake, [entry(1, 10), entry(2, 11)], 9, 13, 2)
    assert outcome.rows == 2
    # Days 10 and 12 had rows of their own, which are gone; of those that moved in, nothing is left where it was.
    assert ids(lake) == sorted(f"id{n}" for n in range(30) if n not in (5, 6))
    table = lake.table(ENTRIES)
    assert table is not None
    assert len(table.metadata.snapshots) == 2
    assert table.location() == "s3://exports/lake/clockify/entries"


@pytest.mark.parametrize("kind", ["create", "part 1", "complete"])
def test_a_store_that_refuses_changes_nothing(s3: Any, lake: IcebergCatalog, kind: str) -> None:
    load(lake, [entry(n, n) for n in range(6)], 0, 6, 1)
    before = lake.table(ENTRIES)
    assert before is not None
    files = parquet(s3)
    refused = []

    def refuse(seen: str) -> tuple[str, bytes] | None:
        if seen != kind:
            return None
        refused.append(seen)
        return "403 Forbidden", b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"

    s3.on_request = refuse
    with pytest.raises(ClockifyDatabaseError, match="connection 'target'"):
        load(lake, [entry(1, 1, text="new")], 0, 6, 2)
    assert refused
    s3.on_request = lambda kind: None
    after = lake.table(ENTRIES)
    assert after is not None
    assert after.metadata == before.metadata
    assert ids(lake) == [f"id{n}" for n in range(6)]
    assert parquet(s3) == files
    load(lake, [entry(1, 1, text="new")], 0, 6, 3)
    assert ids(lake) == ["id1"]
