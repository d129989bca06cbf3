# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Catalogs of Iceberg for tests, loads of small tables into them, and what their files hold, as DuckDB reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from table_entries import NAME, SHAPE, a_load

from airflow_provider_clockify.tables.iceberg.iceberg_catalog import IcebergCatalog
from airflow_provider_clockify.tables.iceberg.iceberg_ledger import ledger_key
from airflow_provider_clockify.tables.iceberg.iceberg_replacing import IcebergLoad, load_iceberg
from airflow_provider_clockify.tables.iceberg.iceberg_schema import IcebergName
from airflow_provider_clockify.tables.replacing import Outcome

ENTRIES = IcebergName(("clockify",), NAME.table)


def skip_without_packages(*, sql: bool = True) -> None:
    """Skip where there is no Iceberg, or no SQLAlchemy that its SQL catalogs need."""
    for module in ("pyiceberg", "pyarrow", "duckdb"):
        if find_spec(module) is None:
            pytest.skip(f"this environment has no {module}")
    if sql:
        import sqlalchemy

        if sqlalchemy.__version__.startswith("1."):
            pytest.skip("SQL catalogs of pyiceberg need SQLAlchemy 2, and Airflow 2.11 has 1.4")


def sqlite_connection(folder: Path) -> dict[str, Any]:
    """Return an Airflow connection to a SQL catalog in a file, with tables in a folder."""
    return {
        "conn_type": "iceberg",
        "extra": {
            "type": "sql",
            "uri": f"sqlite:///{folder}/catalog.db",
            "warehouse": f"file://{folder}/warehouse",
        },
    }


def postgres_connection(server: Any, database: str, folder: Path) -> dict[str, Any]:
    """Return an Airflow connection to a SQL catalog in PostgreSQL, with tables in a folder."""
    uri = f"postgresql+psycopg2://{server.address(database)}"
    return {
        "conn_type": "iceberg",
        "extra": {"type": "sql", "uri": uri, "warehouse": f"file://{folder}/warehouse"},
    }


def opened(connection: dict[str, Any]) -> Any:
    """Open pyiceberg's catalog as Airflow's hook does, for a connection that is called ``target``."""
    from pyiceberg.catalog import load_catalog

    properties = dict(connection["extra"])
    if "host" in connection:
        properties["uri"] = connection["host"]
    properties.setdefault("type", "rest")
    if connection.get("login"):
        properties["credential"] = f"{connection['login']}:{connection['password']}"
    return load_catalog("target", **properties)


def catalog_of(connection: dict[str, Any]) -> IcebergCatalog:
    """Return a catalog; opened once."""
    found = opened(connection)
    return IcebergCatalog("target", lambda: found)


def iceberg_load(
    entries: Sequence[Any],
    first: int,
    last: int,
    read_at: int,
    workspace: str = "w'1",
    *,
    name: IcebergName = ENTRIES,
    shape: Any = SHAPE,
    **more: Any,
) -> IcebergLoad:
    """Load the days from the first to before the last, read at a minute of December."""
    sums = {"sums": more.pop("sums")} if "sums" in more else {}
    made = a_load(entries, first, last, read_at, workspace, **sums)
    return IcebergLoad(name, shape, workspace, made.run_id, made.parts, **more)


def load(catalog: IcebergCatalog, *arguments: Any, **more: Any) -> Outcome:
    """Make a load, and load it."""
    return load_iceberg(catalog, iceberg_load(*arguments, **more))


def files_of(table: Any, snapshot: int | None = None) -> list[str]:
    """Return the addresses of the data files of a snapshot; no other file takes part."""
    tasks = list(table.scan(snapshot_id=snapshot).plan_files())
    assert not any(task.delete_files for task in tasks)
    return [task.file.file_path.removeprefix("file://") for task in tasks]


def rows_of_files(table: Any, what: str, *, where: str = "TRUE", snapshot: int | None = None) -> list[Any]:
    """Return rows of a snapshot, read by DuckDB from its data files."""
    import duckdb

    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        paths = files_of(table, snapshot)
        for number, each in enumerate(paths):
            if "://" in each:  # Of an object store, for which DuckDB needs more than itself.
                local = Path(folder, f"{number}.parquet")
                with table.io.new_input(each).open() as file:
                    local.write_bytes(file.read())
                paths[number] = str(local)
        if not paths:
            return []
        query = f"SELECT {what} FROM read_parquet({paths!r}, union_by_name=true) WHERE {where}"
        return connection.execute(query).fetchall()


def held(catalog: IcebergCatalog, what: str = "id", name: IcebergName = ENTRIES) -> list[Any]:
    """Return the values of a column, sorted."""
    table = catalog.table(name)
    assert table is not None
    return sorted(row[0] for row in rows_of_files(table, what))


def data_files(folder: Path) -> set[Path]:
    """Return all Parquet files below a folder, whether a table knows them or not."""
    return set(folder.rglob("*.parquet"))


def pretend_older(catalog: IcebergCatalog, name: IcebergName, workspace_id: str, before: datetime) -> None:
    """Make it look as if all that is loaded had been read at another time."""
    import pyarrow as pa
    from pyiceberg.expressions import AlwaysTrue

    table = catalog.table(name)
    assert table is not None
    key = ledger_key(workspace_id)
    ledger = json.loads(table.metadata.properties[key])
    for each in ledger["reads"]:
        each["read_at"] = before.isoformat()
    rows = table.scan().to_arrow()
    place = rows.schema.get_field_index("_read_at")
    kind = rows.schema.field(place)
    rows = rows.set_column(place, kind, pa.array([before] * rows.num_rows, kind.type))
    with table.transaction() as transaction:
        transaction.overwrite(rows, overwrite_filter=AlwaysTrue())
        transaction.set_properties({key: json.dumps(ledger)})
