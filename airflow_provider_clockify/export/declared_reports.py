# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The reports of the service, as one table: a new report is a row.

Operators and the hook take from a row whatever differs between reports; what it points at lies in the rooms below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
    from airflow_provider_clockify.columns.custom_fields import ChosenField, Fields
    from airflow_provider_clockify.columns.tables import Table
    from airflow_provider_clockify.reading.client import ClockifyClient
    from airflow_provider_clockify.reading.reader import Reader
    from airflow_provider_clockify.service.report_kinds import PagedReport
    from airflow_provider_clockify.window import Window


FirstPage = Callable[[int], None]
MakeReader = Callable[["ClockifyClient", str, Mapping[str, Any], Sequence[str], FirstPage | None], "Reader"]


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
    :param reader: Makes what reads it, from the client, the id of the workspace, what :func:`.filters.report_filters`
        returned for this report, what ``groups`` returned, and what is told after the first page of a window how many
        more there are (it may raise; ``None`` for nothing).
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
    reader: MakeReader
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


def _paged(report: Callable[[str, Mapping[str, Any]], PagedReport]) -> MakeReader:
    return lambda client, workspace_id, filters, _, first_page: ReportReader(
        client.send,
        report(workspace_id, filters),
        concurrency=client.settings.max_concurrency,
        first_page=first_page,
    )


# Paths of the web app: as in its own menu (seen in public links, 2024).
REPORTS: Mapping[str, DeclaredReport] = {
    each.name: each
    for each in (
        DeclaredReport(
            "detailed",
            reader=_paged(detailed),
            table=lambda groups, window: DETAILED,
            id_column="id",
            web_path="detailed",
            custom_fields="custom_fields",
        ),
        DeclaredReport(
            "expenses",
            reader=_paged(expenses),
            table=lambda groups, window: EXPENSES,
            id_column="id",
            custom_fields="user_custom_fields",
        ),
        DeclaredReport(
            "summary",
            reader=lambda client, workspace_id, filters, groups, _: summary_reader(
                client.send, workspace_id, filters, groups
            ),
            table=summary_table,
            plan=make_summary_plan,
            groups=summary_groups,
            web_path="summary",
        ),
        DeclaredReport(
            "weekly",
            reader=lambda client, workspace_id, filters, groups, _: weekly_reader(
                client.send, workspace_id, filters, groups[0]
            ),
            table=lambda groups, window: weekly_table(groups[0], window),
            plan=make_weekly_plan,
            groups=lambda group: (one_of("group", group, WEEKLY_GROUPS),),
            web_path="weekly",
        ),
        DeclaredReport(
            "attendance",
            reader=lambda client, workspace_id, filters, *_: AttendanceReader(
                client.send, workspace_id, filters
            ),
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
