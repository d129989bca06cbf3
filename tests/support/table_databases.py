# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Connections to databases of tests, by driver."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

from airflow_provider_clockify.tables.database import Database

# What each needs of an environment.
DRIVERS = {
    "psycopg": ("psycopg",),
    "psycopg2": ("psycopg2",),
    "duckdb": ("duckdb", "pyarrow"),
    "sqlite": (),
    "adbc-postgresql": ("adbc_driver_postgresql", "pyarrow"),
    "adbc-sqlite": ("adbc_driver_sqlite", "pyarrow"),
}


def connector(kind: str, where: Any, database: str = "") -> Callable[[], Database]:
    """Return what opens connections of a driver."""
    if kind == "psycopg":
        import psycopg

        from airflow_provider_clockify.tables.postgres_database import PostgresDatabase

        return lambda: PostgresDatabase(
            psycopg.connect(f"host=127.0.0.1 port={where.port} user=airflow dbname={database}")
        )
    if kind == "psycopg2":
        import psycopg2

        from airflow_provider_clockify.tables.postgres_database import PostgresDatabase

        return lambda: PostgresDatabase(
            psycopg2.connect(host="127.0.0.1", port=where.port, user="airflow", dbname=database)
        )
    if kind == "duckdb":
        import duckdb

        from airflow_provider_clockify.tables.duckdb_database import DuckDbDatabase

        return lambda: DuckDbDatabase(duckdb.connect(str(where / "test.duckdb")))
    if kind == "sqlite":
        import sqlite3

        from airflow_provider_clockify.tables.sqlite_database import SqliteDatabase

        return lambda: SqliteDatabase(sqlite3.connect(where / "test.sqlite", check_same_thread=False))
    from airflow_provider_clockify.tables.adbc_database import adbc_database

    if kind == "adbc-postgresql":
        import adbc_driver_postgresql.dbapi

        uri = f"postgresql://airflow@127.0.0.1:{where.port}/{database}"
        return lambda: adbc_database(adbc_driver_postgresql.dbapi.connect(uri))
    import adbc_driver_sqlite.dbapi

    return lambda: adbc_database(adbc_driver_sqlite.dbapi.connect(str(where / "test.sqlite")))


def rows_of(connect: Callable[[], Database], query: str) -> list[Any]:
    """Return the rows of a query."""
    with closing(connect()) as database:
        database.begin()
        found = database.query(query)
        database.rollback()
        return found
