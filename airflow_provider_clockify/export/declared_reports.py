# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The reports of the service, as one table: a new report is a row.

Operators and the hook take from a row whatever differs between reports; what it points at lies in the rooms below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.columns.custom_fields import with_custom_fields
from airflow_provider_clockify.columns.detailed_columns import DETAILED
from airflow_provider_clockify.columns.report_columns import (
    ATTENDANCE,
    EXPENSES,
    summary_table,
    weekly_table,
)
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.export.plan import (
    Plan,
    make_daily_plan,
    make_plan,
    make_summary_plan,
    make_weekly_plan,
)
from airflow_provider_clockify.reading.report_reader import ReportReader
from airflow_provider_clockify.reading.sum_readers import AttendanceReader, summary_reader, weekly_reader
from airflow_provider_clockify.rendered import one_of
from airflow_provider_clockify.service.report_kinds import WEEKLY_GROUPS, detailed, expenses, summary_groups

if TYPE_CHECKING:
    from datetime import tzinfo

    from airflow_provider_clockify.columns.custom_fields import ChosenField, Fields
    from airflow_provider_clockify.columns.tables import Table
    from airflow_provider_clockify.reading.client import ClockifyClient
    from airflow_provider_clockify.reading.reader import Reader
    from airflow_provider_clockify.service.report_kinds import PagedReport
    from airflow_provider_clockify.window import Window


FirstPage = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What a reader is made from.

    :param client: Sends its requests.
    :param workspace_id: Workspace.
    :param filters: What :func:`.filters.report_filters` returned for this report.
    :param groups: What the ``groups`` of the report returned.
    :param first_page: Told after the first page of a window how many more there are (it may raise).
    :param zone: Time zone of the windows, in which days without a time begin.
    """

    client: ClockifyClient
    workspace_id: str
    filters: Mapping[str, Any]
    groups: Sequence[str]
    first_page: FirstPage | None = None
    zone: tzinfo = UTC

    def paged(self, report: PagedReport) -> Reader:
        """Return the reader of a report with pages."""
        concurrency = self.client.settings.max_concurrency
        return ReportReader(self.client.send, report, concurrency=concurrency, first_page=self.first_page)


def no_groups(groups: Any) -> tuple[str, ...]:
    """
    Refuse groups of a report that has none.

    :param groups: What was given; nothing is fine.
    :raises ClockifyConfigError: groups were given.
    """
    if groups:
        raise ClockifyConfigError(f"groups is {groups!r}, and this report has no groups: leave them out.")
    return ()


@dataclass(frozen=True, slots=True)
class DeclaredReport:
    """
    One report of the service.

    :param name: Its name here, which is that of its row in ``FILTERS`` of ``service/filters.py`` as well.
    :param reader: Makes what reads it.
    :param table: From its groups and a window to the columns of that window's rows.
    :param plan: Plans the windows that are read and the files that are written, as :func:`.plan.make_plan` does;
        refuses windows that the report cannot have.
    :param groups: Checks the groups that it is asked for, and returns them as a tuple; empty for a report without.
    :param id_column: Column that tells one row from all others of the workspace, whatever window it is in; ``None``
        for reports that sum up.
    :param web_path: Path of the same report in the web app; ``None`` where it is not known.
    :param custom_fields: Column that holds values of custom fields as JSON; ``None`` for a report without.
    """

    name: str
    reader: Callable[[Asked], Reader]
    table: Callable[[Sequence[str], Window], Table]
    plan: Callable[..., Plan] = make_plan
    groups: Callable[[Any], tuple[str, ...]] = no_groups
    id_column: str | None = None
    web_path: str | None = None
    custom_fields: str | None = None

    def named_table(
        self,
        groups: Sequence[str],
        fields: Fields | None,
        chosen: Sequence[ChosenField],
        drop_columns: object,
        window: Window,
    ) -> Table:
        """
        Return the columns of a window's rows, with names of custom fields.

        :param groups: What ``groups`` returned.
        :param fields: Gives the workspace's custom fields, when a value without a name is met.
        :param chosen: Custom fields that get columns of their own.
        :param drop_columns: Columns that are left out: their custom fields need no names.
        :param window: The window.
        """
        table = self.table(groups, window)
        if self.custom_fields is None:
            return table
        return with_custom_fields(table, self.custom_fields, fields, chosen, drop_columns)


# Paths of the web app: as in its own menu (seen in public links, 2024).
REPORTS: Mapping[str, DeclaredReport] = {
    each.name: each
    for each in (
        DeclaredReport(
            "detailed",
            reader=lambda asked: asked.paged(detailed(asked.workspace_id, asked.filters)),
            table=lambda groups, window: DETAILED,
            id_column="id",
            web_path="detailed",
            custom_fields="custom_fields",
        ),
        DeclaredReport(
            "expenses",
            reader=lambda asked: asked.paged(expenses(asked.workspace_id, asked.filters, asked.zone)),
            table=lambda groups, window: EXPENSES,
            id_column="id",
            custom_fields="user_custom_fields",
        ),
        DeclaredReport(
            "summary",
            reader=lambda asked: summary_reader(
                asked.client.send, asked.workspace_id, asked.filters, asked.groups
            ),
            table=summary_table,
            plan=make_summary_plan,
            groups=summary_groups,
            web_path="summary",
        ),
        DeclaredReport(
            "weekly",
            reader=lambda asked: weekly_reader(
                asked.client.send, asked.workspace_id, asked.filters, asked.groups[0]
            ),
            table=lambda groups, window: weekly_table(groups[0], window),
            plan=make_weekly_plan,
            groups=lambda group: (one_of("group", group, WEEKLY_GROUPS),),
            web_path="weekly",
        ),
        DeclaredReport(
            "attendance",
            reader=lambda asked: AttendanceReader(asked.client.send, asked.workspace_id, asked.filters),
            table=lambda groups, window: ATTENDANCE,
            plan=make_daily_plan,
            web_path="team/attendance",
        ),
    )
}


def declared_report(name: str) -> DeclaredReport:
    """
    Find a report by its name.

    :raises ClockifyConfigError: there is none.
    """
    return REPORTS[one_of("report", name, tuple(REPORTS))]
