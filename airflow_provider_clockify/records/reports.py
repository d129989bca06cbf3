# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Summary, weekly, attendance and expense reports as flat rows (pure)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.api.reports import MAX_GROUPS
from airflow_provider_clockify.api.values import shown
from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.records.tables import (
    Column,
    ColumnType,
    Row,
    Table,
    column,
    convert,
    generic_table,
    misfit,
    parse,
    value_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_clockify.window import Window

TEXT, FLAG, INSTANT, MONEY = ColumnType.TEXT, ColumnType.FLAG, ColumnType.INSTANT, ColumnType.MONEY
SECONDS, DAY, JSON = ColumnType.SECONDS, ColumnType.DAY, ColumnType.JSON

_PERIOD = (
    column("period_start", INSTANT, "Start of the time that the row sums up, UTC."),
    column("period_end", INSTANT, "End of that time, UTC; excluded."),
)
_LEVELS = tuple("children.*." * level for level in range(MAX_GROUPS))
_GROUPS = tuple(
    each
    for number, level in enumerate(_LEVELS, 1)
    for each in (
        column(
            f"group_{number}", TEXT, f"Kind of group on level {number}, for example USER; empty if unused."
        ),
        column(
            f"group_{number}_id",
            TEXT,
            "Id of the group: of the entity, the date for DATE, JSON for TIMEENTRY.",
            copies=(f"{level}_id", f"{level}id"),
        ),
        column(
            f"group_{number}_name",
            TEXT,
            "Name of the group.",
            copies=(f"{level}name", f"{level}nameLowerCase"),
        ),
    )
)
_DURATION = column("duration_seconds", SECONDS, "Duration in seconds.", "duration")
_AMOUNT = column("amount", MONEY, "Amount that was asked for (amountShown), minor units.", "amount")
_CURRENCY = column("currency", TEXT, "Currency of the amount.", "currency", "workspaceCurrencyCode")
_AMOUNTS = column("amounts", JSON, "All amounts of the group: JSON as the service sent it.", "amounts")
_DATE = column("date", DAY, "Day, UTC.", "date")


def _repeated(of: Column, *places: str, also: Sequence[str] = ()) -> Column:
    """Give a column whose values an item repeats in places below it."""
    names = [".".join(path) for path in of.paths]
    copies = [*also, *(place + name for place in places for name in (*names, *also))]
    return replace(of, copies=tuple(tuple(copy.split(".")) for copy in copies))


SUMMARY_COLUMNS = (
    *_PERIOD,
    *_GROUPS,
    *(_repeated(each, *_LEVELS[1:]) for each in (_DURATION, _AMOUNT, _CURRENCY, _AMOUNTS)),
)

WEEKLY_COLUMNS = (
    *_PERIOD,
    column("group", TEXT, "USER or PROJECT."),
    column("group_id", TEXT, "Id of the user or project.", "_id", "id"),
    column("group_name", TEXT, "Its name.", "name", copies=("nameLowerCase",)),
    *(_repeated(each, "days.*.") for each in (_DATE, _DURATION)),
    _repeated(_AMOUNT, "days.*.", also=("amounts",)),
    _repeated(_CURRENCY, "days.*."),
)

ATTENDANCE = generic_table(
    "attendance",
    (
        column("user_id", TEXT, "Id of the user.", "userId"),
        column("user_name", TEXT, "Name of the user.", "userName"),
        column("date", DAY, "Day, UTC.", "date"),
        column("start_time", TEXT, "First start of the day, as the service sent it.", "startTime"),
        column("end_time", TEXT, "Last end of the day, as the service sent it.", "endTime"),
        column(
            "total_duration_seconds",
            SECONDS,
            "Time worked, in the service's unit (seconds).",
            "totalDuration",
        ),
        column("break_seconds", SECONDS, "Breaks, in the service's unit (seconds).", "break"),
        column("capacity_seconds", SECONDS, "Capacity, in the service's unit (seconds).", "capacity"),
        column("remaining_capacity_seconds", SECONDS, "Capacity left, same unit.", "remainingCapacity"),
        column("overtime_seconds", SECONDS, "Overtime, same unit.", "overtime"),
        column("time_off", JSON, "Time off of the day: JSON as the service sent it.", "timeOff"),
        column("has_running_entry", FLAG, "Whether a timer runs.", "hasRunningEntry"),
    ),
)

EXPENSES = generic_table(
    "expenses",
    (
        column("id", TEXT, "Id of the expense; unique in the workspace.", "_id", "id"),
        column("date", DAY, "Day of the expense, UTC.", "date"),
        column("user_id", TEXT, "Id of the user.", "userId"),
        column("user_name", TEXT, "Name of the user.", "userName"),
        column("user_email", TEXT, "E-mail of the user.", "userEmail"),
        column("project_id", TEXT, "Id of the project.", "projectId"),
        column("project_name", TEXT, "Name of the project.", "projectName"),
        column("task_id", TEXT, "Id of the task.", "taskId"),
        column("task_name", TEXT, "Name of the task.", "taskName"),
        column("category_id", TEXT, "Id of the category.", "categoryId"),
        column("category_name", TEXT, "Name of the category.", "categoryName"),
        column("category_unit", TEXT, "Unit of the category, where it has a price per unit.", "categoryUnit"),
        column(
            "category_has_unit_price",
            FLAG,
            "Whether the category has a price per unit.",
            "categoryHasUnitPrice",
        ),
        column("quantity", ColumnType.NUMBER, "Units, or 1.", "quantity"),
        column("amount", MONEY, "Amount, minor units (scale not verified against the service).", "amount"),
        column("billable", FLAG, "Whether the expense is billable.", "billable"),
        column("notes", TEXT, "Notes.", "notes"),
        column("is_locked", FLAG, "Whether it is locked against changes.", "locked", "isLocked"),
        column("approval_request_id", TEXT, "Id of the approval request it belongs to.", "approvalRequestId"),
        column("file_id", TEXT, "Id of the receipt.", "fileId"),
        column("file_name", TEXT, "File name of the receipt.", "fileName"),
        column("invoicing_info", JSON, "Invoicing state: JSON as the service sent it.", "invoicingInfo"),
    ),
)


def summary_table(groups: Sequence[str], window: Window) -> Table:
    """
    Make the table of one summary report: one row per innermost group.

    :param groups: Kinds of groups, from the outside in.
    :param window: Time that was summed up.
    """

    def rows(row: bytes) -> Iterator[Row]:
        return _leaves(parse(row), groups, (window.start, window.end))

    return Table("summary", SUMMARY_COLUMNS, rows)


def _leaves(group: Any, groups: Sequence[str], prefix: Row, level: int = 0) -> Iterator[Row]:
    here = (*prefix, groups[level], _group_id(group), _name(group, f"group_{level + 1}_name"))
    if level + 1 < len(groups):
        for child in _objects(group, "children"):
            yield from _leaves(child, groups, here, level + 1)
        return
    unused = (None,) * (3 * (MAX_GROUPS - level - 1))
    yield (*here, *unused, *(value_of(group, each) for each in (_DURATION, _AMOUNT, _CURRENCY, _AMOUNTS)))


def _objects(holder: Any, key: str) -> Sequence[Any]:
    """Give the objects that a group holds; anything else than a list of them is refused, and never skipped."""
    found = holder.get(key)
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ClockifyResponseError(
            f"The group {shown(_group_id(holder))} has {key} that are no list of objects; export it as jsonl and "
            "report it."
        )
    return found


def _name(group: Any, column_name: str) -> str | None:
    name = group.get("name")
    if name is None or isinstance(name, str):
        return name
    raise misfit(type(name).__name__, Column(column_name, TEXT, ""), _group_id(group))


def _group_id(group: Any) -> str | None:
    found = group.get("_id")
    if found is None:
        found = group.get("id")
    if found is None or isinstance(found, str):
        return found or None
    text: str = convert(found, Column("group_id", JSON, ""), None)
    return text


def weekly_table(group: str, window: Window) -> Table:
    """
    Make the table of one weekly report: one row per user or project and day.

    :param group: ``USER`` or ``PROJECT``.
    :param window: Its seven days.
    """

    def rows(row: bytes) -> Iterator[Row]:
        item = parse(row)
        who = (window.start, window.end, group, _group_id(item), _name(item, "group_name"))
        for day in _objects(item, "days"):
            currency = value_of(day, _CURRENCY) or value_of(item, _CURRENCY)
            values = (value_of(day, each) for each in (_DATE, _DURATION, _AMOUNT))
            yield (*who, *values, currency)

    return Table("weekly", WEEKLY_COLUMNS, rows)
