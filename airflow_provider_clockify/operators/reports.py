# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Operators that export reports over a run's window, in UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.links import ClockifyReportLink, push_report_link
from airflow_provider_clockify.operators._base import ClockifyExportOperator, WindowMixin
from airflow_provider_clockify.rendered import check_choices, container_of, is_final, one_of
from airflow_provider_clockify.types import PartitionUnit, ReportFileFormat, SummaryGroup, WeeklyGroup

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime, timedelta
    from typing import Unpack

    from airflow_provider_clockify._compat import Context
    from airflow_provider_clockify._parameters import BaseReportParameters, ReportParameters
    from airflow_provider_clockify.columns.tables import Table
    from airflow_provider_clockify.export.plan import Plan
    from airflow_provider_clockify.export.result import ExportResult
    from airflow_provider_clockify.operators._attempts import Job
    from airflow_provider_clockify.reading.budget import Budget
    from airflow_provider_clockify.reading.client import ClockifyClient
    from airflow_provider_clockify.reading.reader import Reader
    from airflow_provider_clockify.types import ExportSummary, WindowMode
    from airflow_provider_clockify.window import Window

__all__ = [
    "ClockifyAttendanceReportOperator",
    "ClockifyDetailedReportOperator",
    "ClockifyExpenseReportOperator",
    "ClockifyReportOperator",
    "ClockifySummaryReportOperator",
    "ClockifyWeeklyReportOperator",
]


class ClockifyReportOperator(WindowMixin, ClockifyExportOperator):
    """
    Base of the report operators; not used by itself.

    Takes the parameters of :class:`~airflow_provider_clockify.operators._base.ClockifyExportOperator`, and:

    :param output_path: With ``partition_by`` the base folder. (templated)
    :param file_format: Also ``clockify_csv``, ``clockify_xlsx`` and ``pdf``: files that the service renders itself, as
        people know them from the web app. Their columns follow the profile of the key's owner.
    :param start: First instant of an explicit window, ISO 8601 with offset or ``Z``; only with ``end``. (templated)
    :param end: First instant after an explicit window. (templated)
    :param window: ``data_interval``, or ``hour``, ``day``, ``week`` (from Monday), ``month``: the last complete UTC
        unit before the run's point in time, or the one that starts at its ``partition_date``.
    :param lookback: How much further back the window reaches, to pick up late edits: a timedelta, or an ISO 8601
        duration such as ``P7D`` or ``PT36H``. (templated)
    :param partition_by: ``day`` or ``month``: one file per UTC unit, in ``dt=YYYY-MM-DD/`` or ``month=YYYY-MM/`` below
        ``output_path``, each replaced as a whole, empty ones included. The window grows to whole units.
    :param filters: The report's filters in the service's own words, for example
        ``{"projects": ["64a…"], "billable": True}``; lists of ids are expanded to the full form. (templated)
    :return: Summary, never rows: ``{"paths": [str], "rows": int, "bytes": int, "sha256": {path: str}, "window_start":
        "…Z", "window_end": "…Z", "report": str, "workspace_id": str, "requests": int, "format": str, "totals":
        {"seconds": int, "amounts_minor_units": {currency: str}, "running_timers": int}}``.
    :raises AirflowFailException: a parameter, the connection, the key or the window is wrong; not retried.
    :raises ClockifyIncompleteError: completeness could not be proven.
    :raises ClockifyTransportError: no usable answer within the connection's retries.
    """

    template_fields: Sequence[str] = (*ClockifyExportOperator.template_fields, "start", "end", "lookback")
    operator_extra_links: Collection[Any] = (ClockifyReportLink(),)
    report: ClassVar[str]
    choices = {  # noqa: RUF012 - as its base declares it
        **ClockifyExportOperator.choices,
        **WindowMixin.window_choices,
        "file_format": get_args(ReportFileFormat),
        "partition_by": (*get_args(PartitionUnit), None),
    }
    # The address behind the button, as far as this process knows; None if an earlier one has pushed it.
    report_link: str | None = ""

    def __init__(
        self,
        *,
        start: str | datetime | None = None,
        end: str | datetime | None = None,
        window: WindowMode = "data_interval",
        lookback: timedelta | str | None = None,
        partition_by: PartitionUnit | None = None,
        **kwargs: Unpack[BaseReportParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.start = start
        self.end = end
        self.window = window
        self.lookback = lookback
        self.partition_by = partition_by
        check_choices(self)
        self._check_lookback()

    def execute_complete(self, context: Context, event: Any, passed: dict[str, Any]) -> ExportSummary:
        """Go on after a wait in the triggerer, before which the button was made."""
        self.report_link = None
        return super().execute_complete(context, event, passed)

    def export(self, job: Job) -> ExportResult:
        """Export the report of the run's window."""
        from airflow_provider_clockify.export.rendered_export import NATIVE_FORMATS
        from airflow_provider_clockify.export.report_export import ReportExport, export_report
        from airflow_provider_clockify.export.storage import Target
        from airflow_provider_clockify.service.filters import report_filters

        hook, context = job.hook, job.context
        self.check()
        native = self.file_format in NATIVE_FORMATS
        partition_by = self.partition_by
        filters = report_filters(self.filters, self.report, file=native)
        target = Target(self.output_path)
        target.check(is_base=partition_by is not None)
        window = self.resolve_window(context)
        self.report_link = push_report_link(context, self.report, window, hook.settings, filters)
        if native:
            return self._export_native(job, window, partition_by, filters, target)
        kind = self.file_kind(hook, self.table(window))
        plan = self.plan(window, partition_by, self.report + kind.suffix)
        self.check_complete(plan.window, context)
        self.check_kind(kind)
        workspace_id = self.check_key(hook)
        self._log_plan(workspace_id, plan, target.output_path)
        budget = job.budget(workspace_id)
        what = {
            "report": self.report,
            "workspace_id": workspace_id,
            "chunks": [str(chunk) for chunk in plan.chunks],
            "partition_by": partition_by,
            "filters": filters,
            "groups": self.checked_groups(),
        }
        result = export_report(
            ReportExport(
                report=self.report,
                workspace_id=workspace_id,
                reader=self.reader(hook.client, workspace_id, filters, budget),
                plan=plan,
                table=self.table,
                target=target,
                kind=kind,
                on_empty=self.on_empty,
                reconcile=self.reconciles(),
                budget=budget,
                keeper=job.keeper(target, kind, what, is_base=partition_by is not None),
            )
        )
        result.check_sight(filters)
        return result

    def check(self) -> None:
        """Check parameters of one report; costs no request."""

    def check_kind(self, kind: Any) -> None:
        """Check what a report asks of its files; costs no request."""

    def reconciles(self) -> bool:
        """Tell whether the export writes tombstones."""
        return False

    def plan(self, window: Window, partition_by: PartitionUnit | None, file_name: str) -> Plan:
        """Plan chunks and files."""
        from airflow_provider_clockify.export.plan import make_plan

        return make_plan(window, partition_by=partition_by, file_name=file_name)

    def reader(
        self, client: ClockifyClient, workspace_id: str, filters: Mapping[str, Any], budget: Budget
    ) -> Reader:
        """Return what reads this report."""
        raise NotImplementedError

    def table(self, window: Window) -> Table:
        """Return the columns of the file of a window."""
        raise NotImplementedError

    def checked_groups(self) -> tuple[str, ...]:
        """Return the groups of a report that has some."""
        return ()

    def _log_plan(self, workspace_id: str, plan: Plan, output_path: str) -> None:
        self.log.info(
            "Exporting the %s report of workspace %s for %s: %d chunk(s), %d file(s), %s to %s.",
            self.report,
            workspace_id,
            plan.window,
            len(plan.chunks),
            len(plan.outputs),
            self.file_format,
            output_path,
        )

    def _export_native(
        self,
        job: Job,
        window: Window,
        partition_by: PartitionUnit | None,
        filters: Mapping[str, Any],
        target: Any,
    ) -> ExportResult:
        from airflow_provider_clockify.export.rendered_export import (
            NATIVE_FORMATS,
            NativeExport,
            export_native,
        )
        from airflow_provider_clockify.reading.rendered_files import download

        for name in ("compression", "drop_columns", "hash_columns", "escape_formulas", "reconcile"):
            if getattr(self, name, None):
                raise ClockifyConfigError(
                    f"{name} does not fit file_format={self.file_format!r}, a file that the service renders; use "
                    "jsonl, csv or parquet."
                )
        export_type, suffix = NATIVE_FORMATS[self.file_format]
        plan = self.plan(window, partition_by, self.report + suffix)
        self.check_complete(plan.window, job.context)
        if len(plan.outputs) == 1 and self.report == "weekly" and len(plan.chunks) > 1:
            raise ClockifyConfigError("A weekly file of Clockify holds one week: use a window of seven days.")
        workspace_id = self.check_key(job.hook)
        self._log_plan(workspace_id, plan, target.output_path)
        return export_native(
            NativeExport(
                report=self.report,
                workspace_id=workspace_id,
                download=lambda each: download(
                    job.hook.client.send,
                    workspace_id,
                    self.report,
                    each,
                    filters,
                    export_type,
                    self.checked_groups(),
                ),
                plan=plan,
                target=target,
                file_format=self.file_format,
                on_empty=self.on_empty,
                budget=job.budget(workspace_id),
            )
        )


class ClockifyDetailedReportOperator(ClockifyReportOperator):
    """
    Export the time entries that start in a window to files: complete, once, in UTC.

    Reads ``generateDetailedReport`` with one request per 1,000 entries (at least one per 31 days), proves the result
    against the service's own count and sums, and publishes atomically: the files under ``output_path`` are whole, or
    as they were before. Running timers are left out and counted in the result; they are exported once they have
    ended, by the window that holds their start (see ``lookback``).

    .. seealso:: :ref:`howto/operator:ClockifyDetailedReportOperator`

    Takes the parameters of :class:`ClockifyReportOperator`, and:

    :param reconcile: Compare with the files of the last export of the same window, and write the ids that are gone to
        ``_<file>.tombstones.jsonl`` beside each (``id``, ``deleted_detected_at``). The summary gets ``deleted``: how
        many there are.
    """

    report = "detailed"

    def __init__(self, *, reconcile: bool = False, **kwargs: Unpack[ReportParameters]) -> None:
        super().__init__(**kwargs)
        self.reconcile = reconcile

    def check_kind(self, kind: Any) -> None:
        """Refuse to reconcile without ids."""
        if self.reconcile:
            from airflow_provider_clockify.export.tombstones import check_reconcile

            check_reconcile(kind)

    def reconciles(self) -> bool:
        """Tell whether the export writes tombstones."""
        return self.reconcile

    def reader(
        self, client: ClockifyClient, workspace_id: str, filters: Mapping[str, Any], budget: Budget
    ) -> Reader:
        """Return what reads this report."""
        from airflow_provider_clockify.reading.report_reader import ReportReader
        from airflow_provider_clockify.service.report_kinds import detailed

        return ReportReader(
            client.send,
            detailed(workspace_id, filters),
            concurrency=client.settings.max_concurrency,
            first_page=budget.first_page,
        )

    def table(self, window: Window) -> Table:
        """Return the columns of the file of a window."""
        from airflow_provider_clockify.columns.detailed_columns import DETAILED

        return DETAILED


class ClockifyExpenseReportOperator(ClockifyReportOperator):
    """
    Export the expenses of a window to files: complete, once.

    Reads ``generateDetailedReportV1`` with one request per 200 expenses (at least one per 31 days), and proves the
    result against the service's own count and sum. An expense belongs to the window that holds midnight UTC of its day.

    .. seealso:: :ref:`howto/operator:ClockifyExpenseReportOperator`

    Takes the parameters of :class:`ClockifyReportOperator`.
    """

    report = "expenses"
    operator_extra_links = ()  # The web app's address of this report is not known.

    def reader(
        self, client: ClockifyClient, workspace_id: str, filters: Mapping[str, Any], budget: Budget
    ) -> Reader:
        """Return what reads this report."""
        from airflow_provider_clockify.reading.report_reader import ReportReader
        from airflow_provider_clockify.service.report_kinds import expenses

        return ReportReader(
            client.send,
            expenses(workspace_id, filters),
            concurrency=client.settings.max_concurrency,
            first_page=budget.first_page,
        )

    def table(self, window: Window) -> Table:
        """Return the columns of the file of a window."""
        from airflow_provider_clockify.columns.report_columns import EXPENSES

        return EXPENSES


class ClockifySummaryReportOperator(ClockifyReportOperator):
    """
    Export the summary report of a window: time and money per user, project, day, …

    One request (``generateSummaryReport``) per file: the window, or each partition. ``jsonl`` holds the outermost
    groups as the service sent them, with their children; ``csv`` and ``parquet`` hold one row per innermost group.
    A Free workspace sums up at most 31 days at a time.

    .. seealso:: :ref:`howto/operator:ClockifySummaryReportOperator`

    Takes the parameters of :class:`ClockifyReportOperator`, and:

    :param groups: One to three of CLIENT, PROJECT, TASK, TIMEENTRY, DATE, WEEK, MONTH, USER, TAG, from the
        outside in. With TAG an entry counts in each of its tags. (templated)
    """

    report = "summary"
    template_fields: Sequence[str] = (*ClockifyReportOperator.template_fields, "groups")

    def __init__(
        self,
        *,
        groups: Sequence[SummaryGroup | str] | str = ("USER", "PROJECT"),
        **kwargs: Unpack[ReportParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.groups = groups
        if is_final(self, "groups", groups):
            named = container_of("groups", groups)
            for group in (named,) if isinstance(named, str) else named:
                if is_final(self, "groups", group):
                    one_of("groups", group, get_args(SummaryGroup))

    def check(self) -> None:
        """Check the groups."""
        self.checked_groups()

    def checked_groups(self) -> tuple[str, ...]:
        """Return the groups, checked."""
        from airflow_provider_clockify.service.report_kinds import summary_groups

        return summary_groups(self.groups)

    def plan(self, window: Window, partition_by: PartitionUnit | None, file_name: str) -> Plan:
        """Plan one request per file."""
        from airflow_provider_clockify.export.plan import make_summary_plan

        return make_summary_plan(window, partition_by=partition_by, file_name=file_name)

    def reader(
        self, client: ClockifyClient, workspace_id: str, filters: Mapping[str, Any], budget: Budget
    ) -> Reader:
        """Return what reads this report."""
        from airflow_provider_clockify.reading.sum_readers import summary_reader

        return summary_reader(client.send, workspace_id, filters, self.checked_groups())

    def table(self, window: Window) -> Table:
        """Return the columns of the file of a window."""
        from airflow_provider_clockify.columns.report_columns import summary_table

        return summary_table(self.checked_groups(), window)


class ClockifyWeeklyReportOperator(ClockifyReportOperator):
    """
    Export weekly reports: time and money per user or project and day.

    One request (``generateWeeklyReport``) per seven days; the window must be whole weeks from midnight UTC on, for
    example ``window="week"``. ``jsonl`` holds users or projects as the service sent them; ``csv`` and ``parquet`` hold
    one row per user or project and day.

    .. seealso:: :ref:`howto/operator:ClockifyWeeklyReportOperator`

    Takes the parameters of :class:`ClockifyReportOperator` except ``partition_by``, and:

    :param group: ``USER`` or ``PROJECT``.
    """

    report = "weekly"
    choices = {**ClockifyReportOperator.choices, "group": get_args(WeeklyGroup)}  # noqa: RUF012

    def __init__(self, *, group: WeeklyGroup = "USER", **kwargs: Unpack[ReportParameters]) -> None:
        super().__init__(**kwargs)
        self.group = group
        check_choices(self)

    def check(self) -> None:
        """Check the group."""
        self.checked_groups()

    def checked_groups(self) -> tuple[str, ...]:
        """Return the group, checked."""
        from airflow_provider_clockify.service.report_kinds import weekly_group

        return (weekly_group(self.group),)

    def plan(self, window: Window, partition_by: PartitionUnit | None, file_name: str) -> Plan:
        """Plan one request per week."""
        from airflow_provider_clockify.export.plan import make_weekly_plan

        return make_weekly_plan(window, partition_by=partition_by, file_name=file_name)

    def reader(
        self, client: ClockifyClient, workspace_id: str, filters: Mapping[str, Any], budget: Budget
    ) -> Reader:
        """Return what reads this report."""
        from airflow_provider_clockify.reading.sum_readers import weekly_reader

        return weekly_reader(client.send, workspace_id, filters, self.group)

    def table(self, window: Window) -> Table:
        """Return the columns of the file of a window."""
        from airflow_provider_clockify.columns.report_columns import weekly_table

        return weekly_table(self.group, window)


class ClockifyAttendanceReportOperator(ClockifyReportOperator):
    """
    Export the attendance report: one row per user and day (Standard plan and up; admins and team managers).

    Reads ``generateAttendanceReport`` with one request per 200 rows (at least one per 31 days). The window must be
    whole UTC days.

    .. seealso:: :ref:`howto/operator:ClockifyAttendanceReportOperator`

    Takes the parameters of :class:`ClockifyReportOperator`.
    """

    report = "attendance"

    def plan(self, window: Window, partition_by: PartitionUnit | None, file_name: str) -> Plan:
        """Plan whole days."""
        from airflow_provider_clockify.export.plan import make_daily_plan

        return make_daily_plan(window, partition_by=partition_by, file_name=file_name)

    def reader(
        self, client: ClockifyClient, workspace_id: str, filters: Mapping[str, Any], budget: Budget
    ) -> Reader:
        """Return what reads this report."""
        from airflow_provider_clockify.reading.sum_readers import AttendanceReader

        return AttendanceReader(client.send, workspace_id, filters)

    def table(self, window: Window) -> Table:
        """Return the columns of the file of a window."""
        from airflow_provider_clockify.columns.report_columns import ATTENDANCE

        return ATTENDANCE
