# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Report requests and how to read their answers (pure). Money is in minor units, durations in seconds."""

from __future__ import annotations

from codecs import utf_8_decode
from dataclasses import dataclass
from datetime import UTC, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import msgspec

from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyResponseError,
    ClockifyWindowError,
)
from airflow_provider_clockify.rendered import container_of
from airflow_provider_clockify.service.filters import user_ids
from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse, path
from airflow_provider_clockify.service.money import by_currency, pairs_of
from airflow_provider_clockify.service.page_rows import PageRows, all_summable, not_summable, summable
from airflow_provider_clockify.service.pagination import Page, last_page
from airflow_provider_clockify.service.values import instants, shown
from airflow_provider_clockify.types import SummaryGroup, WeeklyGroup
from airflow_provider_clockify.window import (
    are_whole_days,
    day_start,
    is_exact_days,
    local_day,
    zone_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, tzinfo

    from airflow_provider_clockify.window import Window

Facts = TypeVar("Facts")

MAX_PAGE_SIZE = 1000
SMALL_PAGE_SIZE = 200

GROUPS = get_args(SummaryGroup)
CALENDAR_GROUPS = frozenset({"DATE", "WEEK", "MONTH"})
WEEKLY_GROUPS = get_args(WeeklyGroup)
MAX_GROUPS = 3

DETAILED = "generateDetailedReport"
SUMMARY = "generateSummaryReport"
WEEKLY = "generateWeeklyReport"
ATTENDANCE = "generateAttendanceReport"
EXPENSES = "generateDetailedReportV1"

_ZERO = Decimal(0)
_TEXT_PIECE = 8192


class _Sums(msgspec.Struct, frozen=True, rename="camel"):
    """What has numbers that are added up or compared, also under ``amounts``, per currency."""

    def __post_init__(self) -> None:
        """Refuse numbers that no sum can be proven over."""
        numbers = [
            (name, getattr(self, field))
            for name, field in zip(self.__struct_encode_fields__, self.__struct_fields__, strict=True)
        ]
        per_currency = pairs_of(getattr(self, "amounts", None))
        numbers += [(f"amount in {code or 'no currency'}", amount) for code, amount in per_currency]
        for name, number in numbers:
            if isinstance(number, Decimal) and not summable(number):
                raise ValueError(not_summable(name, number))


class CurrencyAmount(_Sums, frozen=True):
    """Minor units of one currency."""

    currency: str | None = None
    amount: Decimal | None = None


class Totals(_Sums, frozen=True):
    """
    The service's own sums over everything that matches, not only over the page.

    Durations in seconds. ``total_amount_by_currency`` is a list, or an empty object when amounts are hidden.
    """

    entries_count: int | None = None
    total_time: Decimal | None = None
    total_billable_time: Decimal | None = None
    total_amount_by_currency: list[CurrencyAmount] | dict[str, Any] | None = None

    def money(self) -> dict[str, Decimal] | None:
        """Return the sums per currency that are not zero; ``None`` when the service shows no money."""
        if not isinstance(self.total_amount_by_currency, list):
            return None
        return {item.currency or "": item.amount for item in self.total_amount_by_currency if item.amount}


NOTHING = Totals(entries_count=0, total_time=Decimal(0), total_billable_time=Decimal(0))


class DetailedPage(msgspec.Struct, frozen=True):
    """
    One page of the detailed report.

    :param totals: Sums over the whole report; ``None`` when the service gave none.
    :param rows: The rows as the service sent them, byte for byte.
    """

    totals: Totals | None
    rows: list[msgspec.Raw]


class _DetailedAnswer(msgspec.Struct, frozen=True):
    # The key is lower case in reality and camel case in some texts; reading only one of them reads "no data".
    totals: list[Totals | None] | None = None
    timeentries: list[msgspec.Raw] | None = None
    timeEntries: list[msgspec.Raw] | None = None  # noqa: N815 - a name on the wire


_decode_detailed = msgspec.json.Decoder(_DetailedAnswer).decode


def _text(body: bytes) -> bytes:
    """
    Refuse a body that is not UTF-8: decoders do not look into what they only pass on.

    :raises UnicodeDecodeError: it is not.
    """
    if not body.isascii():
        place, view = 0, memoryview(body)
        # In small pieces, which stay in the processor's cache, it takes a third of the time.
        while place < len(body):
            is_last = place + _TEXT_PIECE >= len(body)
            place += utf_8_decode(view[place : place + _TEXT_PIECE], "strict", is_last)[1]
    return body


def read_detailed(body: bytes) -> DetailedPage:
    """
    Read a page of the detailed report.

    :param body: The answer to ``generateDetailedReport``.
    :raises ClockifyResponseError: the answer holds no list of entries.
    """
    answer = _decode_detailed(body)
    rows = answer.timeentries if answer.timeentries is not None else answer.timeEntries
    if rows is None:
        raise ClockifyResponseError(
            "The answer to generateDetailedReport has no timeentries; the service may have changed.",
            operation="generateDetailedReport",
        )
    totals = answer.totals[0] if answer.totals else None
    if totals is None and not rows:
        totals = NOTHING  # ``[null]``, ``[]`` and nothing at all are how the service says zero.
    return DetailedPage(totals, rows)


class ReportPage(msgspec.Struct, frozen=True):
    """
    One page of a paged report.

    :param totals: The service's sums over the whole report.
    :param rows: The rows, and what the proof needs of them.
    """

    totals: Totals
    rows: PageRows

    def pages(self, size: int) -> int:
        """
        Return how many pages there are, as this one says; 1 if it is shorter than asked for.

        :param size: Rows per page.
        """
        count = self.totals.entries_count or 0
        return 1 if len(self.rows) < min(size, count) else max(1, -(-count // size))


@dataclass(frozen=True, slots=True)
class PagedReport:
    """
    How one paged report is asked and read.

    :param operation: Operation name of the API.
    :param page_size: Rows of a page to begin with.
    :param request: From window, page number (from 1) and page size to the request.
    :param decode: From an answer to its page.
    :param users: Ids that every row's user must be one of; ``None`` without such a filter.
    """

    operation: str
    page_size: int
    request: Callable[[Window, int, int], ApiRequest]
    decode: Callable[[ApiResponse], ReportPage]
    users: frozenset[str] | None = None


def detailed(workspace_id: str, filters: Mapping[str, Any]) -> PagedReport:
    """
    Describe the detailed report.

    :param workspace_id: Workspace.
    :param filters: What :func:`.filters.report_filters` returned.
    """

    def request(window: Window, page: int, size: int) -> ApiRequest:
        return detailed_request(workspace_id, window, filters, page, size)

    return PagedReport(DETAILED, MAX_PAGE_SIZE, request, _detailed_page, user_ids(filters))


class _Interval(msgspec.Struct, frozen=True, gc=False):
    start: str
    end: str | None = None
    duration: int | Decimal | None = None


class _Entry(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    time_interval: _Interval
    mongo_id: str | None = msgspec.field(default=None, name="_id")
    plain_id: str | None = msgspec.field(default=None, name="id")
    user_id: str | None = None
    type: str | None = None
    amount: Decimal | None = None
    currency: str | None = None


class _Entries(msgspec.Struct, frozen=True):
    timeentries: list[_Entry] | None = None
    timeEntries: list[_Entry] | None = None  # noqa: N815 - a name on the wire


_decode_entry = msgspec.json.Decoder(_Entry).decode
_decode_entries = msgspec.json.Decoder(_Entries).decode


def _detailed_page(response: ApiResponse) -> ReportPage:
    page = read_detailed(response.body)
    if page.totals is None or page.totals.entries_count is None:
        raise _no_count(DETAILED, "entriesCount")
    entries = _read_entries(_text(response.body), page.rows)
    ids = [entry.mongo_id or entry.plain_id or "" for entry in entries]
    intervals = [entry.time_interval for entry in entries]
    found = PageRows(
        ids=ids,
        rows=page.rows,
        starts=_starts(DETAILED, [interval.start for interval in intervals], ids),
        running=[interval.end is None for interval in intervals],
        seconds=[interval.duration or 0 for interval in intervals],
        breaks=[entry.type == "BREAK" for entry in entries],
        amounts=[entry.amount or _ZERO for entry in entries],
        currencies=[entry.currency or "" for entry in entries],
        users=[entry.user_id for entry in entries],
    )
    return ReportPage(page.totals, _checked(DETAILED, found))


def _read_entries(body: bytes, rows: Sequence[msgspec.Raw]) -> Sequence[_Entry]:
    """Read what is needed of all rows in one step, or else row by row, to name the one that cannot be read."""
    try:
        answer = _decode_entries(body)
    except msgspec.ValidationError:
        return [entry for entry, _ in _rows(DETAILED, _decode_entry, rows)]
    return (answer.timeentries if answer.timeentries is not None else answer.timeEntries) or ()


def _starts(operation: str, texts: Sequence[str], ids: Sequence[str]) -> Sequence[datetime]:
    try:
        return instants(texts, ids)
    except ClockifyResponseError as error:
        raise ClockifyResponseError(f"{operation}, start of a row: {error}", operation=operation) from error


def _checked(operation: str, page: PageRows) -> PageRows:
    """
    Refuse rows that no sum can be proven over.

    :raises ClockifyResponseError: one is not a number, or too large; its row is named.
    """
    for name, numbers in (("duration", page.seconds), ("amount", page.amounts)):
        if not all_summable(numbers):
            place, number = next(
                (place, number) for place, number in enumerate(numbers) if not summable(number)
            )
            raise _odd_row(operation, place, page.rows[place], not_summable(name, number))
    return page


def _rows(
    operation: str, read: Callable[[bytes], Facts], rows: Sequence[msgspec.Raw]
) -> list[tuple[Facts, bytes]]:
    """
    Read what is needed of each row of a text.

    :raises ClockifyResponseError: a row has another shape; it is named.
    """
    found: list[tuple[Facts, bytes]] = []
    try:
        for raw in rows:
            row = bytes(raw)
            found.append((read(row), row))
    except msgspec.ValidationError as error:
        raise _odd_row(operation, len(found), rows[len(found)], str(error)) from error
    return found


def _odd_row(operation: str, number: int, row: bytes, what: str) -> ClockifyResponseError:
    return ClockifyResponseError(
        f"Row {number} of the answer to {operation} ({_name_of(row)}) has an unexpected shape: {what}. Correct it in "
        "Clockify, or report it if it looks right there.",
        operation=operation,
    )


class _Named(msgspec.Struct, frozen=True):
    mongo_id: Any = msgspec.field(default=None, name="_id")
    plain_id: Any = msgspec.field(default=None, name="id")
    user_id: Any = msgspec.field(default=None, name="userId")


_decode_named = msgspec.json.Decoder(_Named, strict=False).decode


def _name_of(raw: bytes) -> str:
    try:
        named = _decode_named(raw)
    except msgspec.ValidationError:
        return "no object, or without a readable id"
    row_id = named.mongo_id or named.plain_id
    return f"id {shown(row_id)}" if row_id else f"of user {shown(named.user_id)}"


def _no_count(operation: str, key: str) -> ClockifyResponseError:
    return ClockifyResponseError(
        f"The answer to {operation} has no {key}, so its completeness cannot be proven; the service may have changed.",
        operation=operation,
    )


def detailed_request(
    workspace_id: str, window: Window, filters: Mapping[str, Any], page: int, page_size: int
) -> ApiRequest:
    """
    Ask for one page of the detailed report, in UTC, oldest id first.

    New entries get higher ids, so that what is added while paging lands on the last page.

    :param workspace_id: Workspace.
    :param window: At most 31 days.
    :param filters: What :func:`report_filters` returned.
    :param page: Page number, from 1.
    :param page_size: Rows per page, at most :data:`MAX_PAGE_SIZE`.
    """
    common = {name: value for name, value in filters.items() if name != "auditFilter"}
    detailed: dict[str, Any] = {
        "page": page,
        "pageSize": page_size,
        "sortColumn": "ID",
        "options": {"totals": "CALCULATE"},
    }
    if "auditFilter" in filters:
        detailed["auditFilter"] = filters["auditFilter"]
    return _post(
        DETAILED, workspace_id, "detailed", _utc_body(window, _of_money(common)), detailedFilter=detailed
    )


def _body(bounds: tuple[str, str], zone: tzinfo, filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what all reports share: the window as wall clock of a zone, oldest first."""
    start, end = bounds
    return {
        "dateRangeStart": start,
        "dateRangeEnd": end,
        "timeZone": zone_name(zone),
        "exportType": "JSON",
        "sortOrder": "ASCENDING",
        **filters,
    }


def _utc_body(window: Window, filters: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return what reports share that give rows with instants, in UTC whatever the zone of the window.

    Only so are both bounds exact, also in an hour that clocks show twice, and no other release of the rules of time
    zones on the service's side can move them. Rows go to the days of the window's zone here, by their start.
    """
    return _body(window.report_bounds(), UTC, filters)


def _zone_body(window: Window, filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what reports share that the service sums up by day: its days are those of the request's zone."""
    return _body(window.local_bounds(), window.zone, filters)


def _of_money(filters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add what reports of time and money share: raw durations, earned amounts."""
    return {"rounding": False, **filters, "amountShown": amount_shown(filters)}


def amount_shown(filters: Mapping[str, Any]) -> str:
    """
    Return the kind of amount that a report of time is asked for.

    :param filters: What :func:`.filters.report_filters` returned.
    """
    return str(filters.get("amountShown", "EARNED"))


def _post(operation: str, workspace_id: str, kind: str, body: Mapping[str, Any], **more: Any) -> ApiRequest:
    where = path("workspaces", workspace_id, "reports", *kind.split("/"))
    return ApiRequest(operation, "reports", "POST", where, json={**body, **more})


def expenses(workspace_id: str, filters: Mapping[str, Any], zone: tzinfo = UTC) -> PagedReport:
    """
    Describe the expense report.

    An expense has a date and no time of day. It counts as one of the start of that day in the zone; the service is
    asked for dates, as midnights of UTC, so that no zone can move them.

    :param workspace_id: Workspace.
    :param filters: What :func:`.filters.report_filters` returned for ``expenses``.
    :param zone: Time zone of the days.
    """

    def request(window: Window, page: int, size: int) -> ApiRequest:
        body = _body(_date_bounds(window, zone), UTC, filters)
        paging = {"sortColumn": "ID", "page": page, "pageSize": size}
        return _post(EXPENSES, workspace_id, "expenses/detailed", body, **paging)

    return PagedReport(EXPENSES, SMALL_PAGE_SIZE, request, partial(_expense_page, zone), user_ids(filters))


def _date_bounds(window: Window, zone: tzinfo) -> tuple[str, str]:
    """Return the bounds of the dates that a window touches; the reader keeps those that begin in it."""
    if zone is UTC:
        return window.report_bounds()
    first, last = local_day(window.start, zone), local_day(window.end - timedelta(microseconds=1), zone)
    return f"{first}T00:00:00.000Z", f"{last}T23:59:59.999Z"


class _Expense(_Sums, frozen=True):
    date: str
    plain_id: str | None = msgspec.field(default=None, name="id")
    mongo_id: str | None = msgspec.field(default=None, name="_id")
    user_id: str | None = None
    amount: Decimal | None = None
    currency: str | None = None


class _ExpenseTotals(_Sums, frozen=True):
    expenses_count: int | None = None
    total_amount: Decimal | None = None
    total_amount_by_currency: list[CurrencyAmount] | dict[str, Any] | None = None


class _ExpenseAnswer(msgspec.Struct, frozen=True):
    expenses: list[msgspec.Raw]
    totals: _ExpenseTotals | None = None


_decode_expense = msgspec.json.Decoder(_Expense).decode
_decode_expense_answer = msgspec.json.Decoder(_ExpenseAnswer).decode


def _expense_page(zone: tzinfo, response: ApiResponse) -> ReportPage:
    answer = _decode_expense_answer(_text(response.body))
    totals = answer.totals or (_ExpenseTotals(0, Decimal(0)) if not answer.expenses else _ExpenseTotals())
    if totals.expenses_count is None:
        raise _no_count(EXPENSES, "expensesCount")
    # The description knows one sum over all currencies, live answers have them one by one.
    amounts = totals.total_amount_by_currency
    if not amounts:
        amounts = None if totals.total_amount is None else [CurrencyAmount("", totals.total_amount)]
    # Rows that name none are in the only currency there is.
    only = (amounts[0].currency or "") if isinstance(amounts, list) and len(amounts) == 1 else ""
    rows = _rows(EXPENSES, _decode_expense, answer.expenses)
    ids = [expense.plain_id or expense.mongo_id or "" for expense, _ in rows]
    days = [expense.date if "T" in expense.date else f"{expense.date}T00:00:00Z" for expense, _ in rows]
    starts = _starts(EXPENSES, days, ids)
    if zone is not UTC:
        starts = [day_start(start.date(), zone) for start in starts]
    found = PageRows(
        ids=ids,
        rows=[raw for _, raw in rows],
        starts=starts,
        running=[False] * len(rows),
        seconds=[_ZERO] * len(rows),
        breaks=[False] * len(rows),
        amounts=[expense.amount or _ZERO for expense, _ in rows],
        currencies=[expense.currency or only for expense, _ in rows],
        users=[expense.user_id for expense, _ in rows],
    )
    return ReportPage(Totals(totals.expenses_count, total_amount_by_currency=amounts), found)


class GroupTotals(Totals, frozen=True):
    """The service's own sums over all groups; per currency in one of two places, or in none."""

    total_amount: Decimal | None = None
    amounts: Any = None
    num_of_currencies: Any = None

    def money_of(self, shown: str) -> dict[str, Decimal] | None:
        """
        Return the sums per currency that are not zero; ``None`` when the service does not give them.

        :param shown: Kind of amount that was asked for.
        """
        listed = self.total_amount_by_currency
        if isinstance(listed, list) and (listed or not self.total_amount):
            return self.money()
        return by_currency({"amounts": self.amounts}, shown)


class Group(_Sums, frozen=True):
    """What the proof needs of an outermost group."""

    duration: Decimal | None = None
    amount: Decimal | None = None
    currency: Any = None
    amounts: Any = None

    def money_of(self, shown: str) -> dict[str, Decimal] | None:
        """
        Return the group's sums per currency; ``None`` where it does not give them.

        :param shown: Kind of amount that was asked for.
        """
        return by_currency({"amounts": self.amounts}, shown)


class GroupReport(msgspec.Struct, frozen=True):
    """
    A summary or weekly report.

    :param totals: The service's sums; zeros when nothing matches.
    :param groups: The outermost groups: what the proof needs of each, and each as the service sent it.
    """

    totals: GroupTotals
    groups: list[tuple[Group, bytes]]


class _GroupAnswer(msgspec.Struct, frozen=True, rename="camel"):
    group_one: list[msgspec.Raw]
    totals: list[GroupTotals | None] | None = None


_decode_group = msgspec.json.Decoder(Group, float_hook=Decimal).decode
_decode_groups = msgspec.json.Decoder(_GroupAnswer, float_hook=Decimal).decode


def read_groups(response: ApiResponse) -> GroupReport:
    """Read the answer to ``generateSummaryReport`` or ``generateWeeklyReport``."""
    answer = _decode_groups(_text(response.body))
    totals = next((each for each in answer.totals or () if each is not None), _NO_GROUPS)
    return GroupReport(totals, _rows("a report of groups", _decode_group, answer.group_one))


_NO_GROUPS = GroupTotals(0, Decimal(0), Decimal(0))


def summary_request(
    workspace_id: str, window: Window, filters: Mapping[str, Any], groups: Sequence[str]
) -> ApiRequest:
    """
    Ask for the summary report; it is not paged.

    :param workspace_id: Workspace.
    :param window: Time to sum up, in whose zone groups by date are days; Free workspaces allow 31 days.
    :param filters: What :func:`.filters.report_filters` returned.
    :param groups: What :func:`summary_groups` returned.
    """
    summary = {"groups": list(groups), "sortColumn": "GROUP"}
    if window.is_in_repetition and not by_calendar(groups):
        window = window.in_utc()  # No group depends on the zone, in which the service cannot be asked for it.
    body = _zone_body(window, _of_money(filters))
    return _post(SUMMARY, workspace_id, "summary", body, summaryFilter=summary)


def by_calendar(groups: Sequence[str]) -> bool:
    """
    Tell whether groups depend on the time zone of the request.

    :param groups: What :func:`summary_groups` returned.
    """
    return not CALENDAR_GROUPS.isdisjoint(groups)


def summary_groups(groups: Any) -> tuple[str, ...]:
    """
    Check the groups of a summary.

    :param groups: One to three of :data:`GROUPS`, from the outside in.
    :raises ClockifyConfigError: too many, too few, twice the same, or unknown.
    """
    groups = container_of("groups", groups)
    named = (groups,) if isinstance(groups, str) else tuple(groups or ())
    if not 1 <= len(named) <= MAX_GROUPS or len(set(named)) != len(named):
        raise ClockifyConfigError(
            f"groups is {groups!r}; the service nests one to {MAX_GROUPS} different groups of {', '.join(GROUPS)}."
        )
    for group in named:
        if group not in GROUPS:
            raise ClockifyConfigError(f"groups names {group!r}; the service groups by {', '.join(GROUPS)}.")
    return named


def check_week(window: Window) -> None:
    """
    Refuse what a weekly report cannot cover.

    :raises ClockifyWindowError: it is not seven days of its zone.
    """
    if not is_exact_days(window, 7):
        raise ClockifyWindowError(
            f"The weekly report needs exactly seven days from midnight {zone_name(window.zone)} on; {window} lasts "
            f"{window.duration}."
        )


def check_whole_days(window: Window) -> None:
    """
    Refuse what an attendance report cannot cover: a part of a day would give a part of its sums.

    :raises ClockifyWindowError: the window begins or ends within a day of its zone.
    """
    if not are_whole_days(window):
        raise ClockifyWindowError(
            f'The attendance report sums up days; the window {window} begins or ends within one. Use window="day", or '
            f"bounds at midnight {zone_name(window.zone)}."
        )


def weekly_request(workspace_id: str, window: Window, filters: Mapping[str, Any], group: str) -> ApiRequest:
    """
    Ask for the weekly report; it is not paged.

    :param workspace_id: Workspace.
    :param window: Exactly seven days of its zone; the service refuses anything else on every plan (observed
        2026-08-07).
    :param filters: What :func:`.filters.report_filters` returned.
    :param group: One of :data:`WEEKLY_GROUPS`.
    """
    weekly = {"group": group, "subgroup": "TIME"}
    return _post(WEEKLY, workspace_id, "weekly", _zone_body(window, _of_money(filters)), weeklyFilter=weekly)


def attendance_request(
    workspace_id: str, window: Window, filters: Mapping[str, Any], page: int, page_size: int
) -> ApiRequest:
    """
    Ask for one page of the attendance report: one row per user and day.

    :param workspace_id: Workspace.
    :param window: At most 31 days.
    :param filters: What :func:`.filters.report_filters` returned for ``attendance``.
    :param page: Page number, from 1.
    :param page_size: At most 200 rows.
    """
    attendance = {"page": page, "pageSize": page_size, "sortColumn": "DATE"}
    return _post(
        ATTENDANCE, workspace_id, "attendance", _zone_body(window, filters), attendanceFilter=attendance
    )


@dataclass(frozen=True, slots=True)
class AttendancePage(Page):
    """
    One page of the attendance report; its items are what a reader needs of each row, and the row as it was sent.

    :param totals: The service's sums, as it sent them; they change when the data do.
    """

    totals: Any = None


class AttendanceFacts(_Sums, frozen=True):
    """Whose row it is, and of which day."""

    user_id: str
    date: str
    total_duration: Decimal | None = None
    has_running_entry: bool | None = None


class _AttendanceAnswer(msgspec.Struct, frozen=True):
    entities: list[msgspec.Raw]
    totals: Any = None


_decode_attendance = msgspec.json.Decoder(_AttendanceAnswer).decode
_decode_facts = msgspec.json.Decoder(AttendanceFacts).decode


def read_attendance(response: ApiResponse) -> AttendancePage:
    """Read a page of ``generateAttendanceReport``."""
    answer = _decode_attendance(_text(response.body))
    rows = _rows(ATTENDANCE, _decode_facts, answer.entities)
    return AttendancePage(rows, last_page(response), totals=answer.totals)
