# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Summary, weekly, attendance and expense reports as flat rows (pure)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.columns.tables import (
    PEOPLE_AND_PROJECTS,
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
from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.service.money import currencies_of, currency_of, is_mixed, pairs_of
from airflow_provider_clockify.service.report_kinds import MAX_GROUPS
from airflow_provider_clockify.service.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_clockify.window import Window

TEXT, FLAG, INSTANT, MONEY = ColumnType.TEXT, ColumnType.FLAG, ColumnType.INSTANT, ColumnType.MONEY
SECONDS, HOURS, DAY, JSON = ColumnType.SECONDS, ColumnType.HOURS, ColumnType.DAY, ColumnType.JSON


def _both(name: str, what: str, path: str) -> tuple[Column, Column]:
    """Return the columns of a duration: in seconds, and in hours."""
    return (
        column(f"{name}_seconds", SECONDS, f"{what} in seconds.", path),
        column(f"{name}_hours", HOURS, f"{what} in hours, rounded half to even at the 6th digit.", path),
    )


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
_DURATION, _HOURS = _both("duration", "Duration", "duration")
_AMOUNT = column(
    "amount",
    MONEY,
    "Amount that was asked for (amountShown), units of the currency; empty where it adds up several currencies.",
    "amount",
)
_CURRENCY = column(
    "currency",
    TEXT,
    "Currency of the amount; empty where there are several.",
    "currency",
    "workspaceCurrencyCode",
)
_AMOUNTS = column(
    "amounts",
    JSON,
    "All amounts of the group, per currency: JSON as the service sent it, in hundredths.",
    "amounts",
)
_DATE = column("date", DAY, "Day, in the time zone of the export.", "date")


# Where an item repeats the values of its groups and days.
_BELOW = tuple(".".join(["children.*"] * level) for level in range(1, MAX_GROUPS))
_DAYS = ("days.*", "children.*", "children.*.days.*")


def _repeated(of: Column, *places: str) -> Column:
    """Return a column whose values an item repeats in places below it."""
    return replace(of, copies=tuple((*place.split("."), *path) for place in places for path in of.paths))


SUMMARY_COLUMNS = (
    *_PERIOD,
    *_GROUPS,
    *(_repeated(each, *_BELOW) for each in (_DURATION, _HOURS, _AMOUNT, _CURRENCY, _AMOUNTS)),
)

WEEKLY_COLUMNS = (
    *_PERIOD,
    column("group", TEXT, "USER or PROJECT."),
    column("group_id", TEXT, "Id of the user or project.", "_id", "id"),
    column("group_name", TEXT, "Its name.", "name", copies=("nameLowerCase",)),
    *(_repeated(each, *_DAYS) for each in (_DATE, _DURATION, _HOURS, _AMOUNT, _CURRENCY)),
    column(
        "amounts",
        JSON,
        "All amounts of the day, where they are given: JSON as the service sent it, in hundredths.",
        "days.*.amounts",
    ),
    column(
        "group_amounts",
        JSON,
        "All amounts of the group in the week, per currency: JSON as the service sent it, in hundredths; the same on "
        "each day.",
        "amounts",
        copies=("children.*.amounts", "children.*.days.*.amounts"),
    ),
)

ATTENDANCE = generic_table(
    "attendance",
    (
        column("user_id", TEXT, "Id of the user.", "userId"),
        column("user_name", TEXT, "Name of the user.", "userName"),
        column("date", DAY, "Day, in the time zone of the export.", "date"),
        column("start_time", TEXT, "First start of the day, as the service sent it.", "startTime"),
        column("end_time", TEXT, "Last end of the day, as the service sent it.", "endTime"),
        *_both("total_duration", "Time worked", "totalDuration"),
        *_both("break", "Breaks", "break"),
        *_both("capacity", "Capacity", "capacity"),
        *_both("remaining_capacity", "Capacity left", "remainingCapacity"),
        *_both("overtime", "Overtime", "overtime"),
        column(
            "time_off",
            JSON,
            "Time off of the day: JSON as sent, in seconds (assumption 32).",
            "timeOff",
        ),
        column("has_running_entry", FLAG, "Whether a timer runs.", "hasRunningEntry"),
    ),
)

EXPENSES = generic_table(
    "expenses",
    (
        column("id", TEXT, "Id of the expense; unique in the workspace.", "_id", "id"),
        column("date", DAY, "Day of the expense; it has no time zone.", "date"),
        *PEOPLE_AND_PROJECTS,
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
        column("currency", TEXT, "Currency of the amount.", "currency"),
        column(
            "amount",
            MONEY,
            "Amount, units of the currency (assumption 33).",
            "amount",
        ),
        column("billable", FLAG, "Whether the expense is billable.", "billable"),
        column("notes", TEXT, "Notes.", "notes"),
        column("is_locked", FLAG, "Whether it is locked against changes.", "isLocked", "locked"),
        column("approval_request_id", TEXT, "Id of the approval request it belongs to.", "approvalRequestId"),
        column("file_id", TEXT, "Id of the receipt.", "fileId"),
        column("file_name", TEXT, "File name of the receipt.", "fileName"),
        column(
            "user_custom_fields",
            JSON,
            "Custom field values of the user: JSON as sent, with names and types.",
            "userCustomFields",
        ),
        column("invoicing_info", JSON, "Invoicing state: JSON as the service sent it.", "invoicingInfo"),
    ),
)


def summary_table(groups: Sequence[str], window: Window) -> Table:
    """
    Make the table of one summary report: one row per innermost group, or per group that the service does not divide.

    :param groups: Kinds of groups, from the outside in.
    :param window: Time that was summed up.
    """

    def rows(row: bytes) -> Iterator[Row]:
        return _innermost(parse(row), groups, (window.start, window.end))

    return Table("summary", SUMMARY_COLUMNS, rows)


def _innermost(group: Any, groups: Sequence[str], prefix: Row, level: int = 0) -> Iterator[Row]:
    here = (*prefix, groups[level], _group_id(group), _name(group, f"group_{level + 1}_name"))
    children = _objects(group, "children") if level + 1 < len(groups) else ()
    if children:
        _check_time(group, "children", children, may_overlap=groups[level + 1] == "TAG")
        for child in children:
            yield from _innermost(child, groups, here, level + 1)
        return
    duration, hours = value_of(group, _DURATION), value_of(group, _HOURS)
    amount, currency = _money(group)
    amounts = value_of(group, _AMOUNTS)
    if level + 1 < len(groups) and not (duration or value_of(group, _AMOUNT)):
        return  # Nothing to divide.
    unused = (None,) * (3 * (MAX_GROUPS - level - 1))
    yield (*here, *unused, duration, hours, amount, currency, amounts)


def _check_time(group: Any, what: str, parts: Sequence[Any], *, may_overlap: bool = False) -> None:
    """
    Refuse a group whose rows would not add up to its time.

    :param group: The group.
    :param what: Name of its parts.
    :param parts: Groups or days, each of which becomes rows.
    :param may_overlap: Whether an entry may be in several parts, as it is in the groups of its tags.
    """
    whole = value_of(group, _DURATION)
    times = [value_of(part, _DURATION) or 0 for part in parts]
    if (
        whole is None
        or whole == sum(times)
        or (may_overlap and (sum(times) > whole or min(times, default=0) < 0))
    ):
        return
    raise ClockifyResponseError(
        f"The group {shown(_group_id(group) or _name(group, 'name'))} lasts {whole} s, its {what} {sum(times)} s in "
        "all: rows of them would lose or add time. Export it as jsonl and report it."
    )


def _money(group: Any) -> tuple[Any, str | None]:
    """
    Return amount and currency of a row; nothing where the amount adds up several currencies.

    :raises ClockifyResponseError: there are several, and the group does not say how much of each.
    """
    amount, _ = value_of(group, _AMOUNT), value_of(group, _CURRENCY)  # Read to refuse what is neither.
    if not is_mixed(group):
        return amount, currency_of(group)
    if not pairs_of(group.get("amounts")):
        raise ClockifyResponseError(
            f"The amount of the group {shown(_group_id(group))} adds up {', '.join(sorted(currencies_of(group)))}, and "
            "the group does not say how much of each; export it as jsonl and report it."
        )
    return None, None


def _objects(holder: Any, key: str) -> Sequence[Any]:
    """Return the objects that a group holds; anything else than a list of them is refused, and never skipped."""
    found = holder.get(key)
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ClockifyResponseError(
            f"The group {shown(_group_id(holder))} has {key} that are not a list of objects; export it as jsonl and "
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
        days = _objects(item, "days")
        if not days and (_objects(item, "children") or value_of(item, _AMOUNT)):
            raise ClockifyResponseError(
                f"The group {shown(_group_id(item))} of the weekly report has children or money, and no days: no row "
                "of a day can hold them. Export it as jsonl and report it."
            )
        _check_time(item, "days", days)
        _, currency = _money(item)
        is_summed_up = is_mixed(item)
        amounts_of_week = value_of(item, _AMOUNTS)
        for day in days:
            amount, own = _money(day)
            if not currencies_of(day):  # Then the day is in the currencies of the week.
                amount, own = (None, None) if is_summed_up else (amount, own or currency)
            yield (
                *who,
                value_of(day, _DATE),
                value_of(day, _DURATION),
                value_of(day, _HOURS),
                amount,
                own,
                value_of(day, _AMOUNTS),
                amounts_of_week,
            )

    return Table("weekly", WEEKLY_COLUMNS, rows)
