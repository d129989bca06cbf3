# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""From an Airflow connection to a catalog of Iceberg, and to a table of it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify._compat import BaseHook
from airflow_provider_clockify.connection import reading_connection
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.tables.iceberg.iceberg_asking import IcebergQuestions
from airflow_provider_clockify.tables.iceberg.iceberg_catalog import IcebergCatalog, packages
from airflow_provider_clockify.tables.iceberg.iceberg_replacing import IcebergLoad, load_iceberg, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

    from airflow_provider_clockify.tables.iceberg.iceberg_schema import IcebergName
    from airflow_provider_clockify.tables.preparing import Permission
    from airflow_provider_clockify.tables.replacing import Outcome
    from airflow_provider_clockify.tables.statements import Shape
    from airflow_provider_clockify.transfers._reached import Loading

CONN_TYPE = "iceberg"


class CatalogTarget:
    """
    A catalog of an Airflow connection.

    :param conn_id: The connection, of type ``iceberg``.
    :raises ClockifyConfigError: it is of another type, or a package is missing.
    :raises ClockifyMissingConnectionError: Airflow gave no connection.
    """

    def __init__(self, conn_id: str) -> None:
        with reading_connection(conn_id):
            connection: Any = BaseHook.get_connection(conn_id)
        self.conn_id = conn_id
        if connection.conn_type != CONN_TYPE:
            raise ClockifyConfigError(
                f"iceberg_conn_id={conn_id!r} is a connection of type {connection.conn_type!r}: create one of type "
                f"{CONN_TYPE!r}; docs/iceberg.md shows how. Tables of databases are loaded with "
                "ClockifyReportToSqlOperator."
            )
        packages(conn_id)
        try:
            hook = import_module("airflow.providers.apache.iceberg.hooks.iceberg").IcebergHook
        except ImportError as error:
            raise ClockifyConfigError(
                f"iceberg_conn_id={conn_id!r} needs {error.name}: install it with pip install "
                "'airflow-provider-clockify[iceberg]'."
            ) from error
        self._hook: Any = hook(iceberg_conn_id=conn_id)
        self.catalog = IcebergCatalog(conn_id, lambda: self._opened, connection.password or None)

    @cached_property
    def _opened(self) -> Any:
        return self._hook.get_conn()


@dataclass(frozen=True, slots=True)
class IcebergTable:
    """
    A table of a catalog; a :class:`~airflow_provider_clockify.transfers._reached.ReachedTable`.

    :param catalog: The catalog.
    :param name: The table.
    :param shape: What it holds.
    :param permission: What may be created.
    :param unit: Unit of time of the partitions of a new table.
    """

    catalog: IcebergCatalog
    name: IcebergName
    shape: Shape
    permission: Permission
    unit: str | None

    @property
    def conn_id(self) -> str:
        """The connection."""
        return self.catalog.conn_id

    @property
    def kind(self) -> str:
        """Name of what keeps the table."""
        return CONN_TYPE

    def __str__(self) -> str:
        """Write the full name of the table."""
        return str(self.name)

    @contextmanager
    def asking(self) -> Iterator[IcebergQuestions]:
        """Ask the table as it is now."""
        yield IcebergQuestions(self.catalog, self.catalog.table(self.name), self.shape)

    def load(self, **loading: Unpack[Loading]) -> tuple[str, Outcome]:
        """Load in one snapshot; see :func:`.iceberg_replacing.load_iceberg`."""
        load = IcebergLoad(self.name, self.shape, permission=self.permission, unit=self.unit, **loading)
        return load.load_id, load_iceberg(self.catalog, load)

    def close(self) -> None:
        """Close the catalog."""
        self.catalog.close()

    def names(self) -> tuple[str, str, str]:
        """Return the URI of the table as an asset, and its namespace and name for OpenLineage."""
        return f"iceberg://{self.conn_id}/{self.name}", f"iceberg://{self.conn_id}", str(self.name)


def reach_iceberg(
    conn_id: str, name: IcebergName, shape: Shape, permission: Permission, unit: str | None
) -> IcebergTable:
    """
    Reach a table, and look whether it can take a load.

    :param conn_id: The connection.
    :param name: The table.
    :param shape: What it is to hold.
    :param permission: What may be created.
    :param unit: Unit of time of the partitions of a new table.
    :raises ClockifyConfigError: the connection or the columns do not fit, or something is missing.
    """
    target = CatalogTarget(conn_id)
    prepare(target.catalog, name, shape, permission)
    return IcebergTable(target.catalog, name, shape, permission, unit)
