# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Operators that export reports over a run's window."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow_provider_clockify import _defaults
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.links import ClockifyReportLink, push_report_link
from airflow_provider_clockify.operators._base import ClockifyExportOperator, WindowMixin
from airflow_provider_clockify.rendered import check_choices, container_of, is_final, one_of
from airflow_provider_clockify.types import PartitionUnit, ReportFileFormat, SummaryGroup, WeeklyGroup
from airflow_provider_clockify.window import zone_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime, timedelta
    from typing import Unpack

    from airflow_provider_clockify._compat import Context
    from airflow_provider_clockify._parameters import BaseReportParameters, ReportParameters
    from airflow_provider_clockify.columns.custom_fields import ChosenField
    from airflow_provider_clockify.columns.tables import Table
    from airflow_provider_clockify.export.result import ExportResult
    from airflow_provider_clockify.export.writing import FileKind
    from airflow_provider_clockify.hooks.clockify import ClockifyHook
    from airflow_provider_clockify.operators._attempts import Attempt
    from airflow_provider_clockify.types import WindowMode

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
    :param window: ``data_interval``, or ``hour``, ``day``, ``week`` (from Monday), ``month``: the last complete unit of
        ``timezone`` before the run's point in time, or the one that starts at its ``partition_date``.
    :param timezone: IANA name of the time zone in which the units of ``window`` and ``partition_by`` are cut, and in
        which the service groups days, for example ``Europe/Berlin``. Instants in the output stay UTC. (templated)
    :param lookback: How much further back the window reaches, to pick up late edits: a timedelta, or an ISO 8601
        duration such as ``P7D`` or ``PT36H``. (templated)
    :param partition_by: ``day`` or ``month``: one file per unit of ``timezone``, in ``dt=YYYY-MM-DD/`` or
        ``month=YYYY-MM/`` below ``output_path``, each replaced as a whole, empty ones included. The window grows to
        whole units.
    :param filters: The report's filters in the service's own words, for example
        ``{"projects": ["64a…"], "billable": True}``; lists of ids are expanded to the full form. (templated)
    :return: Summary, never rows: ``{"paths": [str], "rows": int, "bytes": int, "sha256": {path: str}, "window_start":
        "…Z", "window_end": "…Z", "timezone": str, "report": str, "workspace_id": str, "requests": int, "format": str,
        "totals": {"seconds": int, "amounts": {currency: str}, "running_timers": int}}``.
    :raises AirflowFailException: a parameter, the connection, the key or the window is wrong; not retried.
    :raises ClockifyIncompleteError: completeness could not be proven.
    :raises ClockifyTransportError: no usable answer within the connection's retries.
    """

    template_fields: Sequence[str] = (
        *ClockifyExportOperator.template_fields,
        *WindowMixin.window_fields,
    )
    operator_extra_links: Collection[Any] = (ClockifyReportLink(),)
    #: Name of its row in the table of reports.
    report: ClassVar[str]
    #: Parameter that holds the groups, of a report that has some.
    groups_parameter: ClassVar[str | None] = None
    reconcile = False
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
        timezone: str = _defaults.TIMEZONE,
        lookback: timedelta | str | None = None,
        partition_by: PartitionUnit | None = None,
        **kwargs: Unpack[BaseReportParameters],
    ) -> None:
        super().__init__(**kwargs)
        self._set_window(start, end, window, timezone, lookback)
        self.partition_by = partition_by
        check_choices(self)
        self._check_window()

    def execute_complete(self, context: Context, event: Any, passed: dict[str, Any]) -> Any:
        """Go on after a wait in the triggerer, before which the button was made."""
        self.report_link = None
        return super().execute_complete(context, event, passed)

    def export(self, attempt: Attempt) -> ExportResult:
        """Export the report of the run's window."""
        from airflow_provider_clockify.columns.custom_fields import find_fields
        from airflow_provider_clockify.export.declared_reports import REPORTS, Asked
        from airflow_provider_clockify.export.formats import RENDERED_FORMATS
        from airflow_provider_clockify.export.report_export import RenderedExport, ReportExport, export_report
        from airflow_provider_clockify.operators._field_names import CustomFields
        from airflow_provider_clockify.reading.rendered_files import download
        from airflow_provider_clockify.service.filters import report_filters

        report, hook, is_base = REPORTS[self.report], attempt.hook, self.partition_by is not None
        groups = report.groups(getattr(self, self.groups_parameter) if self.groups_parameter else None)
        export_type = RENDERED_FORMATS.get(self.file_format)
        filters = report_filters(self.filters, report.name, file=export_type is not None)
        target = self.make_target()
        target.check(is_base=is_base)
        window = self.resolve_window(attempt.context)
        self.report_link = push_report_link(attempt.context, report, window, hook.settings, filters)
        chosen = self.chosen_fields()
        kind = self.file_kind(hook, report.named_table(groups, None, chosen, self.drop_columns, window))
        plan = report.plan(window, partition_by=self.partition_by, file_name=report.name + kind.suffix)
        self.check_complete(plan.window, attempt.context)
        workspace_id = self.check_key(hook)
        self.log.info(
            "Exporting the %s report of workspace %s for %s: %d chunk(s), %d file(s), %s to %s.",
            report.name,
            workspace_id,
            plan.window,
            len(plan.chunks),
            len(plan.outputs),
            self.file_format,
            target.output_path,
        )
        budget = attempt.budget(workspace_id)
        common = (report.name, workspace_id, plan, target, kind, self.on_empty, budget)
        if export_type:
            send = hook.client.send
            return export_report(
                RenderedExport(
                    *common,
                    download=lambda each: download(
                        send, workspace_id, report.name, each, filters, export_type, groups
                    ),
                )
            )
        fields = CustomFields(hook, budget)
        if chosen:
            chosen = find_fields(chosen, fields.ask(len(plan.chunks)))
        what = {
            "report": report.name,
            "workspace_id": workspace_id,
            "chunks": [str(chunk) for chunk in plan.chunks],
            "timezone": zone_name(plan.window.zone),
            "partition_by": self.partition_by,
            "filters": filters,
            "groups": groups,
        }
        result = export_report(
            ReportExport(
                *common,
                reader=report.reader(
                    Asked(hook.client, workspace_id, filters, groups, budget.first_page, window.zone)
                ),
                table=partial(report.named_table, groups, fields, chosen, self.drop_columns),
                reconcile=self.reconcile,
                keeper=attempt.keeper(target, kind, what, is_base=is_base),
            )
        )
        result.check_sight(filters)
        return result

    def chosen_fields(self) -> Sequence[ChosenField]:
        """Return which custom fields get columns of their own, checked; costs no request."""
        return ()

    def file_kind(self, hook: ClockifyHook, table: Table) -> FileKind:
        """Check and put together how files are written, those that the service renders included."""
        from airflow_provider_clockify.export.formats import RENDERED_FORMATS
        from airflow_provider_clockify.export.tombstones import check_reconcile
        from airflow_provider_clockify.export.writing import FileKind

        if self.file_format in RENDERED_FORMATS:
            for name in ("compression", "drop_columns", "hash_columns", "escape_formulas", "reconcile"):
                if getattr(self, name):
                    raise ClockifyConfigError(
                        f"{name} does not fit file_format={self.file_format!r}, a file that the service renders; use "
                        "jsonl, csv or parquet."
                    )
            return FileKind(self.file_format)
        kind = super().file_kind(hook, table)
        if self.reconcile:
            check_reconcile(kind)
        return kind


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
    :param custom_field_columns: Custom fields that get a typed column of their own, by name or id: ``{"Ticket": "text",
        "Cost centre": "text"}`` makes ``custom_field_ticket`` and ``custom_field_cost_centre``. Types are ``text``,
        ``texts`` (of a drop-down with several choices), ``number``, ``flag`` (or ``boolean``) and ``date``. Not with
        ``jsonl``. Costs one request, which finds the fields before the rows are read. (templated)
    """

    report = "detailed"
    template_fields: Sequence[str] = (*ClockifyReportOperator.template_fields, "custom_field_columns")

    def __init__(
        self,
        *,
        reconcile: bool = False,
        custom_field_columns: Mapping[str, str] | str | None = None,
        **kwargs: Unpack[ReportParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.reconcile = reconcile
        self.custom_field_columns = custom_field_columns
        known = custom_field_columns.items() if isinstance(custom_field_columns, dict) else ()
        if known and all(is_final(self, "custom_field_columns", each) for pair in known for each in pair):
            self._read_fields()

    def _read_fields(self) -> Sequence[ChosenField]:
        from airflow_provider_clockify.columns.custom_fields import chosen_fields

        return chosen_fields(self.custom_field_columns)

    def chosen_fields(self) -> Sequence[ChosenField]:
        """Return which custom fields get columns of their own, checked; costs no request."""
        from airflow_provider_clockify.columns.custom_fields import check_privacy
        from airflow_provider_clockify.export.formats import RENDERED_FORMATS

        chosen = self._read_fields()
        if chosen and self.file_format in ("jsonl", *RENDERED_FORMATS):
            raise ClockifyConfigError(
                f"custom_field_columns does not fit file_format={self.file_format!r}, whose content is the service's: "
                "use csv or parquet. In jsonl the values are in customFields, as the service sent them."
            )
        check_privacy(chosen, self.drop_columns, self.hash_columns)
        return chosen


class ClockifyExpenseReportOperator(ClockifyReportOperator):
    """
    Export the expenses of a window to files: complete, once.

    Reads ``generateDetailedReportV1`` with one request per 200 expenses (at least one per 31 days), and proves the
    result against the service's own count and sum. An expense has a date and no time of day: it belongs to the window
    that holds the beginning of that day in ``timezone``.

    .. seealso:: :ref:`howto/operator:ClockifyExpenseReportOperator`

    Takes the parameters of :class:`ClockifyReportOperator`.
    """

    report = "expenses"
    operator_extra_links = ()  # The web app's address of this report is not known.


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
    groups_parameter = "groups"
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


class ClockifyWeeklyReportOperator(ClockifyReportOperator):
    """
    Export weekly reports: time and money per user or project and day.

    One request (``generateWeeklyReport``) per seven days; the window must be whole weeks from a midnight of
    ``timezone`` on, for example ``window="week"``. ``jsonl`` holds users or projects as the service sent them; ``csv``
    and ``parquet`` hold one row per user or project and day.

    .. seealso:: :ref:`howto/operator:ClockifyWeeklyReportOperator`

    Takes the parameters of :class:`ClockifyReportOperator` except ``partition_by``, and:

    :param group: ``USER`` or ``PROJECT``.
    """

    report = "weekly"
    groups_parameter = "group"
    choices = {**ClockifyReportOperator.choices, "group": get_args(WeeklyGroup)}  # noqa: RUF012

    def __init__(self, *, group: WeeklyGroup = "USER", **kwargs: Unpack[ReportParameters]) -> None:
        super().__init__(**kwargs)
        self.group = group
        check_choices(self)


class ClockifyAttendanceReportOperator(ClockifyReportOperator):
    """
    Export the attendance report: one row per user and day (Standard plan and up; admins and team managers).

    Reads ``generateAttendanceReport`` with one request per 200 rows (at least one per 31 days). The window must be
    whole days of ``timezone``.

    .. seealso:: :ref:`howto/operator:ClockifyAttendanceReportOperator`

    Takes the parameters of :class:`ClockifyReportOperator`.
    """

    report = "attendance"
