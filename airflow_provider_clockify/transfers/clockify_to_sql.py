# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Operators that keep tables of a database equal to Clockify: reports, lists, entity changes."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, get_args

from airflow_provider_clockify import _defaults
from airflow_provider_clockify.operators._base import WindowMixin
from airflow_provider_clockify.operators._listing import FeedMixin
from airflow_provider_clockify.rendered import check_choices
from airflow_provider_clockify.transfers._base import ClockifyToSqlOperator
from airflow_provider_clockify.transfers._list_load import EntitiesToTable, ListReading
from airflow_provider_clockify.transfers._report_load import ReportToTable
from airflow_provider_clockify.types import Entity, EntityType, ReportName, SnapshotMode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from typing import Unpack

    from airflow_provider_clockify._parameters import TableParameters
    from airflow_provider_clockify.operators._attempts import Attempt
    from airflow_provider_clockify.transfers._loaded import LoadResult
    from airflow_provider_clockify.types import WindowMode

__all__ = [
    "ClockifyEntitiesToSqlOperator",
    "ClockifyEntityChangesToSqlOperator",
    "ClockifyReportToSqlOperator",
]


class ClockifyReportToSqlOperator(ReportToTable, ClockifyToSqlOperator):
    """
    Keep a table equal to a report: the run's window is replaced in one transaction, and proven inside it.

    Reads and proves as the export of a file does, with the same requests. Then, in one transaction: locks the table's
    name, loads a temporary stage, deletes the workspace's window and every id of the stage, inserts, sums the window up
    again inside the database, compares with what was read, writes the ledger, commits. Anything else rolls back. A
    retry, a run beside it, a lost answer to the commit, an older run that ends later: nothing is lost, nothing comes
    twice, the newer read wins.

    .. seealso:: :ref:`howto/operator:ClockifyReportToSqlOperator`

    Takes the parameters of :class:`~airflow_provider_clockify.transfers._base.ClockifyToSqlOperator`, and:

    :param report: ``detailed`` (default), ``expenses``, ``summary``, ``weekly`` or ``attendance``.
    :param groups: Of ``summary``: one to three groups; of ``weekly``: ``USER`` or ``PROJECT``. (templated)
    :param start: First instant of an explicit window, ISO 8601 with offset or ``Z``; only with ``end``. (templated)
    :param end: First instant after an explicit window. (templated)
    :param window: ``data_interval``, or ``hour``, ``day``, ``week``, ``month``; as of the report operators.
    :param timezone: IANA name of the time zone of these units, and of the days that are compared. (templated)
    :param lookback: How much further back the window reaches, to pick up late edits: a timedelta, or an ISO 8601
        duration such as ``P7D``. (templated)
    :param audit: Of ``detailed``: how far back from the window's end each day of the table is compared with the
        service's own sums (``generateSummaryReport`` by day: one request per 366 days, 31 on a Free workspace). Days
        that differ are read and replaced in the same transaction: late edits, deletions and changed rates of any age.
        The window then begins at the midnight before it. A timedelta or an ISO 8601 duration. (templated)
    :param follow_changes: Of ``detailed``: also ask the change feeds which entries have changed since the last load,
        and replace the days that they are and were on. At least five requests; if the feeds fail, the window is loaded
        all the same, with a warning.
    :return: :class:`~airflow_provider_clockify.types.LoadSummary`, never rows.
    :raises AirflowFailException: a parameter, a connection, the key, a right or a column is wrong; not retried.
    :raises ClockifyIncompleteError: completeness could not be proven, against the service or inside the database.
    :raises ClockifyDatabaseError: the database stopped the load; nothing of it is in the table.
    """

    template_fields: Sequence[str] = (
        *ClockifyToSqlOperator.template_fields,
        *ReportToTable.report_fields,
    )
    choices = {  # noqa: RUF012 - as its base declares it
        **ClockifyToSqlOperator.choices,
        **ReportToTable.report_choices,
    }

    def __init__(
        self,
        *,
        report: ReportName = "detailed",
        groups: Sequence[str] | str | None = None,
        start: str | datetime | None = None,
        end: str | datetime | None = None,
        window: WindowMode = "data_interval",
        timezone: str = _defaults.TIMEZONE,
        lookback: timedelta | str | None = None,
        audit: timedelta | str | None = None,
        follow_changes: bool = False,
        **kwargs: Unpack[TableParameters],
    ) -> None:
        super().__init__(**kwargs)
        self._set_window(start, end, window, timezone, lookback)
        self._set_report(report, groups, audit, follow_changes=follow_changes)


class ClockifyEntitiesToSqlOperator(EntitiesToTable, ClockifyToSqlOperator):
    """
    Keep a table equal to a list: users, projects, clients, tags, tasks of all projects, …

    Reads the whole list as ``ClockifyExportEntitiesOperator`` does, archived items and people who left included, and
    replaces the workspace's rows in one transaction.

    .. seealso:: :ref:`howto/operator:ClockifyEntitiesToSqlOperator`

    Takes the parameters of :class:`~airflow_provider_clockify.transfers._base.ClockifyToSqlOperator`, and:

    :param entity: Name of the list, as in the hook's ``iter_<name>``. (templated)
    :param mode: ``replace``: the table holds the list as it was read last. ``append_snapshot``: each run adds the list
        with its ``_read_at``; a run that is repeated replaces its own.
    :return: :class:`~airflow_provider_clockify.types.LoadSummary`; without a window, and ``totals`` stay empty.
    """

    template_fields: Sequence[str] = (*ClockifyToSqlOperator.template_fields, "entity")
    choices = {  # noqa: RUF012 - as its base declares it
        **ClockifyToSqlOperator.choices,
        **EntitiesToTable.list_choices,
    }

    def __init__(
        self, *, entity: Entity | str, mode: SnapshotMode = "replace", **kwargs: Unpack[TableParameters]
    ) -> None:
        super().__init__(**kwargs)
        self.entity = entity
        self.mode = mode
        check_choices(self)


class ClockifyEntityChangesToSqlOperator(FeedMixin, ClockifyToSqlOperator):
    """
    Keep the feeds of entity changes in a table that is only appended to.

    Reads the three experimental feeds for the run's window as ``ClockifyEntityChangesOperator`` does, and adds the
    changes that are not there yet: a window may be loaded as often as you like. Rows are never changed or deleted.

    .. seealso:: :ref:`howto/operator:ClockifyEntityChangesToSqlOperator`

    Takes the parameters of :class:`~airflow_provider_clockify.transfers._base.ClockifyToSqlOperator`, and:

    :param entity_type: For example ``TIME_ENTRY`` (default), ``PROJECTS``, ``TASKS``; several may share a table.
        (templated)
    :param start: First instant of an explicit window, ISO 8601 with offset or ``Z``; only with ``end``. (templated)
    :param end: First instant after an explicit window. (templated)
    :param window: ``data_interval``, or ``hour``, ``day``, ``week``, ``month``; as of the report operators.
    :param timezone: IANA name of the time zone of these units. (templated)
    :param lookback: How much further back the window reaches, into windows that have been loaded before. (templated)
    :return: :class:`~airflow_provider_clockify.types.LoadSummary`; ``totals`` stay empty.
    """

    template_fields: Sequence[str] = (
        *ClockifyToSqlOperator.template_fields,
        "entity_type",
        *WindowMixin.window_fields,
    )
    choices = {  # noqa: RUF012 - as its base declares it
        **ClockifyToSqlOperator.choices,
        **WindowMixin.window_choices,
        "entity_type": get_args(EntityType),
    }

    def __init__(
        self,
        *,
        entity_type: EntityType | str = "TIME_ENTRY",
        start: str | datetime | None = None,
        end: str | datetime | None = None,
        window: WindowMode = "data_interval",
        timezone: str = _defaults.TIMEZONE,
        lookback: timedelta | str | None = None,
        **kwargs: Unpack[TableParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.entity_type = entity_type
        self._set_window(start, end, window, timezone, lookback)
        check_choices(self)
        self._check_window()

    def export(self, attempt: Attempt) -> LoadResult:
        """Add the changes of the run's window."""
        from airflow_provider_clockify.columns.list_columns import CHANGES
        from airflow_provider_clockify.tables.statements import FEED_KEY

        hook = attempt.hook
        reading = ListReading(self, attempt, "changes", CHANGES)
        shape = reading.shape(position="changed_at", key=FEED_KEY)
        window = self.resolve_window(attempt.context)
        wait = self.checked_wait(window)
        with closing(self.reach(shape)) as table:
            workspace_id = self.check_key(hook)
            self.wait_until_settled(attempt, wait)
            self.log.info("Loading changes of %s in %s into %s.", self.entity_type, window, table)
            return reading.load(
                table,
                workspace_id,
                lambda: [self.changes(attempt, window)],
                mode="append_new",
                window=window,
            )
