# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Write time entries as the table of the detailed report's files."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_clockify.testing.answers.report_rows import exact_amount, rate_of, rounded_seconds
from airflow_provider_clockify.testing.report_routes.report_files import (
    Row,
    Table,
    format_date,
    hours,
    money_header,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_clockify.testing.exchange import Request
    from airflow_provider_clockify.testing.report_routes.selection import ReportQuery
    from airflow_provider_clockify.testing.workspace.kinds import TimeEntry, User

_COLUMNS = (
    "Project",
    "Client",
    "Description",
    "Task",
    "User",
    "Email",
    "Tags",
    "Billable",
    "Start Date",
    "Start Time",
    "End Date",
    "End Time",
    "Duration (h)",
    "Duration (decimal)",
)
_MONEY = {"EARNED": "Billable", "COST": "Cost", "PROFIT": "Profit", "EXPORT": "Billable"}


def detailed_table(request: Request, query: ReportQuery, entries: Sequence[TimeEntry]) -> Table:
    """
    Return a row per entry, with moments in the zone of the request and money in major units.

    Formats of date and time are those of the caller's profile, headers name a currency (Clockify help
    centre). That it is the currency of the rows, or of the workspace when there are several, is chosen here.
    """
    workspace = request.workspace
    kinds = [kind for kind in query.amount_types if kind != "HIDE_AMOUNT"]
    code = money_header(workspace, {entry.currency for entry in entries})
    fields = [field for field in workspace.custom_fields.values() if field.entity_type == "TIMEENTRY"]
    columns = [*_COLUMNS]
    for kind in kinds:
        columns += [f"{_MONEY[kind]} Rate ({code})", f"{_MONEY[kind]} Amount ({code})"]
    columns += [field.name for field in fields]
    rows: list[Row] = []
    for entry in entries:
        seconds = rounded_seconds(entry, query.rounding, workspace.settings)
        row = _own_cells(request, query, entry, seconds)
        for kind in kinds:
            row.append(round(rate_of(kind, entry) / 100, 2))
            row.append(round(exact_amount(kind, entry, seconds) / 360_000, 2))
        values = dict(entry.custom_values)
        row += [str(values.get(field.id, "")) for field in fields]
        rows.append(row)
    return Table(columns, rows)


def _own_cells(request: Request, query: ReportQuery, entry: TimeEntry, seconds: int) -> Row:
    workspace, reader = request.workspace, request.caller.user
    project = workspace.projects[entry.project_id] if entry.project_id else None
    client = workspace.clients[project.client_id] if project and project.client_id else None
    person = workspace.users[entry.user_id]
    start = datetime.fromtimestamp(entry.start, query.zone)
    end = None if entry.end is None else datetime.fromtimestamp(entry.end, query.zone)
    return [
        project.name if project else "",
        client.name if client else "",
        entry.description,
        workspace.tasks[entry.task_id].name if entry.task_id else "",
        person.name or "",
        person.email,
        ", ".join(workspace.tags[tag_id].name for tag_id in entry.tag_ids or ()),
        "Yes" if entry.billable else "No",
        format_date(start, reader.date_format),
        format_time(start, reader),
        format_date(end, reader.date_format) if end else "",
        format_time(end, reader) if end else "",
        hours(seconds),
        round(seconds / 3600, 2),
    ]


def format_time(moment: datetime, reader: User) -> str:
    """Write a time of day in the format of a profile."""
    return moment.strftime("%H:%M:%S" if reader.time_format == "HOUR24" else "%I:%M:%S %p")
