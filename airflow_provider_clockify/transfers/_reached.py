# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What an operator needs of a table that it has reached, whatever keeps the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager
    from datetime import date, datetime
    from typing import Unpack

    from airflow_provider_clockify.tables.ledger import Sums
    from airflow_provider_clockify.tables.replacing import Mode, Outcome, Part
    from airflow_provider_clockify.window import Window


class TableQuestions(Protocol):
    """What a table is asked before a load."""

    def days(self, workspace_id: str, days: Sequence[Window]) -> dict[date, Sums]:
        """
        Sum the table up by day.

        :param workspace_id: Workspace.
        :param days: Days of one zone that follow each other.
        :return: Sums by day; days without rows are not there.
        """

    def places_of(self, workspace_id: str, ids: Iterable[str]) -> set[datetime]:
        """
        Return the instants at which the table has ids.

        :param workspace_id: Workspace.
        :param ids: The ids.
        """

    def followed_until(self, workspace_id: str) -> datetime | None:
        """
        Return until when the table knows the changes of a workspace.

        :param workspace_id: Workspace.
        :return: ``None`` without a load.
        """

    def first_loaded(self, workspace_id: str) -> datetime | None:
        """
        Return the first instant that was ever loaded of a workspace.

        :param workspace_id: Workspace.
        :return: ``None`` without a load.
        """


class Loading(TypedDict):
    """
    What is loaded: what an operator knows of a :class:`~airflow_provider_clockify.tables.replacing.Load`.

    :param workspace_id: Workspace that was read.
    :param run_id: Run of Airflow.
    :param parts: Windows with their rows; the first is the run's.
    :param mode: How rows that are there are treated.
    :param requests: Returns the requests that were spent so far.
    :param followed_until: Until when the change feeds were followed.
    """

    workspace_id: str
    run_id: str
    parts: Sequence[Part]
    mode: Mode
    requests: Callable[[], int]
    followed_until: datetime | None


class ReachedTable(Protocol):
    """A table of an Airflow connection, found fit for a load."""

    @property
    def conn_id(self) -> str:
        """The connection."""

    @property
    def kind(self) -> str:
        """Name of what keeps the table."""

    def __str__(self) -> str:
        """Write the full name of the table."""

    def asking(self) -> AbstractContextManager[TableQuestions]:
        """Ask one state of the table; changes nothing."""

    def load(self, **loading: Unpack[Loading]) -> tuple[str, Outcome]:
        """
        Load.

        :return: Name of the load, and what was done.
        """

    def close(self) -> None:
        """Close what was opened for more than one question."""

    def names(self) -> tuple[str, str, str]:
        """Return the URI of the table as an asset, and its namespace and name for OpenLineage."""
