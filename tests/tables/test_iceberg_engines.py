# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Iceberg tables and other programs: a REST catalog with an object store, and DuckDB's own reader of Iceberg.

``make test-iceberg`` installs them into an environment of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from iceberg_catalogs import (
    ENTRIES,
    catalog_of,
    iceberg_load,
    load,
    rows_of_files,
    skip_without_packages,
    sqlite_connection,
)
from iceberg_servers import SECRET, read_by_duckdb, rest_catalog
from iceberg_trials import KeptInCatalog, kill_loads, loads_at_once
from table_entries import SHAPE, entry
from table_nights import VARIANTS, nights

from airflow_provider_clockify.exceptions import ClockifyDatabaseError
from airflow_provider_clockify.tables.iceberg.iceberg_catalog import IcebergCatalog
from airflow_provider_clockify.tables.iceberg.iceberg_replacing import load_iceberg, prepare
from airflow_provider_clockify.tables.preparing import Permission

pytestmark = pytest.mark.tables


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, Any]]:
    skip_without_packages(sql=False)
    with TemporaryDirectory(prefix="clockify-rest-") as folder, rest_catalog(Path(folder)) as connection:
        yield connection


@pytest.fixture
def rest(server: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[IcebergCatalog]:
    monkeypatch.setenv("AIRFLOW_CONN_TARGET", json.dumps(server))
    catalog = catalog_of(server)
    if catalog.table(ENTRIES) is not None:
        catalog.opened().purge_table(ENTRIES.identifier)
    yield catalog
    catalog.close()


def test_a_rest_catalog_holds_what_was_loaded(rest: IcebergCatalog) -> None:
    assert load(rest, [entry(n, n * 3) for n in range(20)], 0, 60, 1).created
    assert load(rest, [entry(7, 2, text="moved"), entry(1, 3)], 2, 5, 2).rows == 2
    table = rest.table(ENTRIES)
    assert table is not None
    assert table.location().startswith("s3://")
    assert sorted(rows_of_files(table, "id")) == sorted((f"id{n}",) for n in range(20))
    assert len(table.metadata.snapshots) == 2
    assert load(rest, [entry(1, 3, text="older")], 2, 5, 1).superseded


def test_nights_in_a_rest_catalog(rest: IcebergCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptInCatalog(rest)
    print("\n" + "\n".join(["iceberg, REST", *nights(kept, monkeypatch, 4, seed=5)]))
    assert kept.runs == dict.fromkeys(VARIANTS, 5)


def test_loads_at_once_in_a_rest_catalog(rest: IcebergCatalog, server: dict[str, Any]) -> None:
    assert loads_at_once(server, 5, seed=3) == 1 + 5 * 4


def test_kills_in_a_rest_catalog(rest: IcebergCatalog, server: dict[str, Any]) -> None:
    new, old = kill_loads(server, 10, seed=4)
    print(f"\niceberg, REST: 10 killed; {new} had taken effect, {old} had not")


def test_a_rest_catalog_that_refuses_the_credential_tells_no_secret(server: dict[str, Any]) -> None:
    wrong = f"{SECRET}-wrong"

    def opened() -> Any:
        return catalog_of({**server, "password": wrong}).opened()

    with pytest.raises(ClockifyDatabaseError) as caught:
        prepare(IcebergCatalog("target", opened, wrong), ENTRIES, SHAPE, Permission())
    assert SECRET not in str(caught.value)


def test_duckdb_reads_the_same_from_the_tables_own_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_without_packages()
    connection = sqlite_connection(tmp_path)
    monkeypatch.setenv("AIRFLOW_CONN_TARGET", json.dumps(connection))
    catalog = catalog_of(connection)
    nights(KeptInCatalog(catalog), monkeypatch, 3, seed=9)
    for name in VARIANTS:
        table = catalog.opened().load_table(("clockify", name))
        for what in (
            "count(*)::BIGINT, sum(duration_seconds)::BIGINT, count(DISTINCT id)::BIGINT",
            "currency, sum(amount)::VARCHAR, count(*)::BIGINT",
            "id, start::VARCHAR, description, amount::VARCHAR, len(tag_ids)::BIGINT, _workspace_id",
        ):
            group = " GROUP BY currency" if what.startswith("currency") else ""
            ours = rows_of_files(table, what, where=f"TRUE{group}")
            theirs = read_by_duckdb(table.metadata_location, f"SELECT {what} FROM TABLE WHERE TRUE{group}")
            assert sorted(map(list, ours), key=str) == sorted(theirs, key=str)
    catalog.close()


def test_duckdb_reads_an_evolved_table(tmp_path: Path) -> None:
    from airflow_provider_clockify.columns.tables import ColumnType, column
    from airflow_provider_clockify.tables.statements import Shape

    skip_without_packages()
    catalog = catalog_of(sqlite_connection(tmp_path))
    load(catalog, [entry(1, 1), entry(2, 2)], 0, 3, 1)
    wider = Shape.of((*SHAPE.columns, column("extra", ColumnType.TEXT, "")), position="start", id_column="id")
    more = iceberg_load([entry(2, 2)], 2, 3, 2).parts[0]

    def rows() -> Iterator[Any]:
        for batch in more.rows():
            yield [*batch, ["new"] * len(batch[0])]

    from dataclasses import replace

    wide = replace(iceberg_load([], 2, 3, 2, shape=wider), parts=[replace(more, rows=rows)])
    load_iceberg(catalog, wide)
    table = catalog.table(ENTRIES)
    assert table is not None
    found = read_by_duckdb(table.metadata_location, "SELECT id, extra FROM TABLE ORDER BY id")
    assert found == [["id1", None], ["id2", "new"]]
    catalog.close()
