# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Operators that keep Iceberg tables equal to Clockify: reports and lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from airflow_provider_clockify import _defaults
from airflow_provider_clockify.rendered import check_choices
from airflow_provider_clockify.transfers._base import ClockifyToTableOperator
from airflow_provider_clockify.transfers._list_load import EntitiesToTable
from airflow_provider_clockify.transfers._report_load import ReportToTable
from airflow_provider_clockify.types import Entity, ReportName, SnapshotMode, TablePartition

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from typing import Unpack

    from airflow_provider_clockify._parameters import AnyTableParameters, IcebergParameters
    from airflow_provider_clockify.tables.statements import Shape
    from airflow_provider_clockify.transfers._reached import ReachedTable
    from airflow_provider_clockify.types import WindowMode

__all__ = ["ClockifyEntitiesToIcebergOperator", "ClockifyReportToIcebergOperator"]


class ClockifyToIcebergOperator(ClockifyToTableOperator):
    """
    Base of the operators that load Iceberg tables; not used by itself.

    Takes the parameters of :class:`~airflow_provider_clockify.transfers._base.ClockifyToTableOperator`, and:

    :param iceberg_conn_id: Connection of type ``iceberg``. (templated)
    :param table: Namespace and table, such as ``clockify.time_entries``. (templated)
    :param create_table: Create namespace and table if they are not there.
    :param partition_by: Unit of time, in UTC, by which a new table is partitioned: ``year``, ``month`` (default) or
        ``day``; ``None`` for none. A table that is there keeps its partitions. Workspaces are always apart.
    """

    template_fields: Sequence[str] = (*ClockifyToTableOperator.template_fields, "iceberg_conn_id")
    choices = {  # noqa: RUF012 - as its base declares it
        **ClockifyToTableOperator.choices,
        "partition_by": (None, *get_args(TablePartition)),
    }

    def __init__(
        self,
        *,
        iceberg_conn_id: str = "iceberg_default",
        partition_by: TablePartition | None = "month",
        **kwargs: Unpack[AnyTableParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.iceberg_conn_id = iceberg_conn_id
        self.partition_by = partition_by
        check_choices(self)

    def reach(self, shape: Shape) -> ReachedTable:
        """Reach the table, and look at its columns."""
        from airflow_provider_clockify.tables.iceberg.iceberg_schema import IcebergName
        from airflow_provider_clockify.transfers._catalogs import reach_iceberg

        name = IcebergName.of(self.table)
        return reach_iceberg(self.iceberg_conn_id, name, shape, self._permission(), self.partition_by)


class ClockifyReportToIcebergOperator(ReportToTable, ClockifyToIcebergOperator):
    """
    Keep an Iceberg table equal to a report: the run's window is replaced by one snapshot, proven before its commit.

    Reads and proves as the export of a file does, with the same requests. Then writes new data files, and anew those
    that hold rows of the window or of the same entries elsewhere; reads the snapshot back before anybody else sees it;
    and commits it in one step if count, seconds and amounts per currency are those that were read. A retry, a run
    beside it, a lost answer to the commit, an older run that ends later: nothing is lost, nothing comes twice, the
    newer read wins.

    .. seealso:: :ref:`howto/operator:ClockifyReportToIcebergOperator`

    Takes the parameters of
    :class:`~airflow_provider_clockify.transfers.clockify_to_iceberg.ClockifyToIcebergOperator`, and:

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
        that differ are read and replaced in the same commit. The window then begins at the midnight before it. A
        timedelta or an ISO 8601 duration. (templated)
    :param follow_changes: Of ``detailed``: also ask the change feeds which entries have changed since the last load,
        and replace the days that they are and were on. At least five requests; if the feeds fail, the window is loaded
        all the same, with a warning.
    :return: :class:`~airflow_provider_clockify.types.LoadSummary`, never rows.
    :raises AirflowFailException: a parameter, a connection, the key or a column is wrong; not retried.
    :raises ClockifyIncompleteError: completeness could not be proven, against the service or in the new snapshot.
    :raises ClockifyDatabaseError: the catalog or the store stopped the load; nothing of it is in the table.
    """

    template_fields: Sequence[str] = (
        *ClockifyToIcebergOperator.template_fields,
        *ReportToTable.report_fields,
    )
    choices = {  # noqa: RUF012 - as its base declares it
        **ClockifyToIcebergOperator.choices,
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
        **kwargs: Unpack[IcebergParameters],
    ) -> None:
        super().__init__(**kwargs)
        self._set_window(start, end, window, timezone, lookback)
        self._set_report(report, groups, audit, follow_changes=follow_changes)


class ClockifyEntitiesToIcebergOperator(EntitiesToTable, ClockifyToIcebergOperator):
    """
    Keep an Iceberg table equal to a list: users, projects, clients, tags, tasks of all projects, …

    Reads the whole list as ``ClockifyExportEntitiesOperator`` does, archived items and people who left included, and
    replaces the workspace's rows by one snapshot.

    .. seealso:: :ref:`howto/operator:ClockifyEntitiesToIcebergOperator`

    Takes the parameters of
    :class:`~airflow_provider_clockify.transfers.clockify_to_iceberg.ClockifyToIcebergOperator`, and:

    :param entity: Name of the list, as in the hook's ``iter_<name>``. (templated)
    :param mode: ``replace``: the table holds the list as it was read last. ``append_snapshot``: each run adds the list
        with its ``_read_at``; a run that is repeated replaces its own.
    :return: :class:`~airflow_provider_clockify.types.LoadSummary`; without a window, and ``totals`` stay empty.
    """

    template_fields: Sequence[str] = (*ClockifyToIcebergOperator.template_fields, "entity")
    choices = {  # noqa: RUF012 - as its base declares it
        **ClockifyToIcebergOperator.choices,
        **EntitiesToTable.list_choices,
    }

    def __init__(
        self, *, entity: Entity | str, mode: SnapshotMode = "replace", **kwargs: Unpack[IcebergParameters]
    ) -> None:
        super().__init__(**kwargs)
        self.entity = entity
        self.mode = mode
        check_choices(self)
