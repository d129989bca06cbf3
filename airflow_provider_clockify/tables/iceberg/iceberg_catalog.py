# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
A catalog of Iceberg as a load needs it, and its errors.

Errors may come from the catalog, from the store of the files, from Arrow. Only the classes whose texts tell of tables,
files and servers are passed on with their text; those of Arrow may hold values of rows.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyDatabaseError, ClockifyError
from airflow_provider_clockify.export.formats.rows import needed
from airflow_provider_clockify.tables.database import first_line
from airflow_provider_clockify.tables.iceberg.iceberg_ledger import LOAD_ID, IcebergLedger, read_ledger
from airflow_provider_clockify.tables.iceberg.iceberg_schema import (
    NEW_TABLE,
    IcebergName,
    iceberg_schema,
    partition_spec,
    sort_order,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_clockify.tables.statements import Shape

# Modules whose errors tell of tables, files and servers.
TOLD = ("pyiceberg", "sqlalchemy", "requests", "urllib3", "botocore", "s3fs", "fsspec", "sqlite3", "psycopg2")
# The catalog's own attempts to commit: none, since what a load may write depends on what is there.
RETRIES = "commit.retry.num-retries"


@dataclass(frozen=True, slots=True)
class IcebergCatalog:
    """
    A catalog.

    :param conn_id: Connection of Airflow, for messages.
    :param opened: Returns pyiceberg's catalog.
    :param secret: What no message may hold.
    """

    conn_id: str
    opened: Callable[[], Any]
    secret: str | None = None

    def table(self, name: IcebergName) -> Any | None:
        """
        Load a table as it is now.

        :param name: The table.
        :return: pyiceberg's table; ``None`` if there is none.
        :raises ClockifyDatabaseError: the catalog does not answer, or refuses.
        """
        from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

        with self.telling():
            try:
                found = self.opened().load_table(name.identifier)
            except (NoSuchTableError, NoSuchNamespaceError):
                return None
            # Only here, in memory: what conflicts is read and planned again by the load, not merged by the library.
            found.metadata = found.metadata.model_copy(
                update={"properties": {**found.metadata.properties, RETRIES: "0"}}
            )
            return found

    def has_namespace(self, name: IcebergName) -> bool:
        """
        Tell whether the namespace of a table is there.

        :param name: The table.
        :raises ClockifyDatabaseError: the catalog does not answer, or refuses.
        """
        from pyiceberg.exceptions import NoSuchNamespaceError

        with self.telling():
            try:
                self.opened().load_namespace_properties(name.namespace)
            except NoSuchNamespaceError:
                return False
            return True

    def creation(self, name: IcebergName, shape: Shape, unit: str | None) -> Any:
        """
        Begin a transaction that creates a table; its namespace is created at once, if it is not there.

        :param name: The table.
        :param shape: What it holds.
        :param unit: Unit of time of its partitions.
        :return: pyiceberg's transaction.
        """
        with self.telling():
            catalog = self.opened()
            catalog.create_namespace_if_not_exists(name.namespace)
            schema = iceberg_schema(shape)
            return catalog.create_table_transaction(
                name.identifier,
                schema,
                partition_spec=partition_spec(schema, shape, unit),
                sort_order=sort_order(schema, shape),
                properties=NEW_TABLE,
            )

    def close(self) -> None:
        """Close what the catalog has opened."""
        close = getattr(self.opened(), "close", None)
        if close is not None:
            close()

    @contextmanager
    def telling(self) -> Iterator[None]:
        """
        Turn the errors of libraries into ours, without values of rows and without secrets.

        :raises ClockifyDatabaseError: one was raised; it says so if only somebody else was quicker.
        """
        try:
            yield
        except ClockifyError:
            raise
        except Exception as error:  # noqa: BLE001 - of a catalog, a store, Arrow
            failure = self.failure(error)
        else:
            return
        raise failure  # Here, since within the block the library's error would become its context.

    def failure(self, error: Exception) -> ClockifyError:
        """
        Return our error for one of a library.

        :param error: The library's.
        """
        kind = type(error)
        is_told = kind.__module__.split(".")[0] in TOLD or isinstance(error, OSError)
        text = (
            first_line(str(error)) if is_told else "its message may hold values of rows and is not shown here"
        )
        if self.secret:
            text = text.replace(self.secret, "***")
        if isinstance(error, ModuleNotFoundError):
            return ClockifyConfigError(
                f"The catalog of connection {self.conn_id!r} needs {error.name}, which is not installed: install what "
                "pyiceberg needs for it."
            )
        return ClockifyDatabaseError(
            f"Iceberg (connection {self.conn_id!r}) stopped the load ({kind.__name__}): {text}. Nothing of it is in "
            "the table.",
            is_conflict=is_conflict(error),
        )


def is_conflict(error: Exception) -> bool:
    """
    Tell whether somebody else was quicker, so that nothing was committed.

    :param error: Of a commit.
    """
    from pyiceberg.exceptions import CommitFailedException, TableAlreadyExistsError, ValidationException

    return isinstance(error, (CommitFailedException, TableAlreadyExistsError, ValidationException))


def is_refusal(error: Exception) -> bool:
    """
    Tell whether the catalog has refused a commit, so that trying again cannot help.

    :param error: Of a commit.
    """
    from pyiceberg.exceptions import BadRequestError, ForbiddenError, OAuthError, UnauthorizedError

    return isinstance(error, (BadRequestError, ForbiddenError, OAuthError, UnauthorizedError))


def has_load(table: Any, load_id: str) -> bool:
    """
    Tell whether a table has the snapshot of a load.

    :param table: pyiceberg's table.
    :param load_id: Name of the load.
    """
    return any(_property(each, LOAD_ID) == load_id for each in table.metadata.snapshots)


def _property(snapshot: Any, name: str) -> str | None:
    found: str | None = snapshot.summary.additional_properties.get(name) if snapshot.summary else None
    return found


def ledger_of(metadata: Any, workspace_id: str) -> IcebergLedger:
    """
    Return what a table knows of the loads of a workspace.

    :param metadata: Its metadata.
    :param workspace_id: Workspace.
    """
    parents = {each.snapshot_id: each.parent_snapshot_id for each in metadata.snapshots}

    def rolled_back(snapshot: int) -> bool:
        if snapshot not in parents:  # Expired, since it lies so far back.
            return False
        at: int | None = metadata.current_snapshot_id
        while at is not None and at != snapshot:
            at = parents.get(at)
        return at is None

    return read_ledger(metadata.properties, workspace_id, rolled_back)


def packages(conn_id: str) -> None:
    """
    Import what Iceberg needs.

    :param conn_id: The connection, for the message.
    :raises ClockifyConfigError: a package is missing; names the extra.
    """
    for module in ("pyiceberg", "pyarrow"):
        needed(module, "iceberg", f"iceberg_conn_id={conn_id!r}")
