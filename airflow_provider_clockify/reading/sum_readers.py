# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Read the reports that the service sums up itself: summary, weekly, attendance."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyIncompleteError,
    ClockifyNotFoundError,
    ClockifyResponseError,
)
from airflow_provider_clockify.reading.proof import add_up, same_sums
from airflow_provider_clockify.reading.reader import MAX_READS, TOLERANCE, Reader, ReadResult
from airflow_provider_clockify.service.money import added_up, text_in_units
from airflow_provider_clockify.service.pagination import SMALLER_SIZES, PageSize, pages, run, steps
from airflow_provider_clockify.service.report_kinds import (
    ATTENDANCE,
    SMALL_PAGE_SIZE,
    AttendancePage,
    Group,
    GroupReport,
    GroupTotals,
    amount_shown,
    attendance_request,
    by_calendar,
    read_attendance,
    read_groups,
    summary_request,
    weekly_request,
)
from airflow_provider_clockify.service.values import day_or_instant
from airflow_provider_clockify.window import day_start, local_day, zone_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, tzinfo

    from airflow_provider_clockify.reading.reader import RowSink
    from airflow_provider_clockify.service.messages import ApiRequest
    from airflow_provider_clockify.service.pagination import Send
    from airflow_provider_clockify.window import Window

log = logging.getLogger(__name__)

_NOTHING = Decimal(0)

FREE_LIMIT = timedelta(days=31)


class GroupReader(Reader):
    """
    Reads summary or weekly reports: one request a window, whose groups must add up to the service's total.

    :param send: Sends a request and decodes its answer, retries included.
    :param request: From a window to the request.
    :param shown: Kind of amount that is asked for.
    :param whole: From the time of several windows to the request for their sums; ``None`` if no request has so much.
    :param exact: From a window to the request for its sums in UTC, where the bounds that a request in its zone has may
        be an instant off; ``None`` where requests are exact anyway.
    :param one_group_each: Whether every entry is in one group only; an entry with two tags is in two.
    """

    def __init__(
        self,
        send: Send,
        request: Callable[[Window], ApiRequest],
        *,
        shown: str,
        whole: Callable[[Window], ApiRequest] | None = None,
        exact: Callable[[Window], ApiRequest] | None = None,
        one_group_each: bool = True,
    ) -> None:
        self._send = send
        self._request = request
        self._shown = shown
        self._whole = whole
        self.sums_windows_up = whole is not None
        self._exact = exact
        self._one_group_each = one_group_each

    def read(self, window: Window, sink: RowSink, upcoming: Sequence[Window] = ()) -> ReadResult:
        """
        Hand the outermost groups of the window to the sink, as the service sent them.

        :param window: Time to sum up.
        :param sink: Takes the groups; the start of each is the window's.
        :param upcoming: Not asked for in advance.
        :raises ClockifyIncompleteError: the groups do not add up to the service's total.
        """
        sink.restart()
        request = self._request(window)
        report: GroupReport = self._ask(request, window)
        seconds = sum((group.duration or Decimal(0) for group, _ in report.groups), Decimal(0))
        sink.write(
            [f"{window.start_iso}/{number:06d}" for number in range(len(report.groups))],
            [raw for _, raw in report.groups],
            [window.start] * len(report.groups),
        )
        total = report.totals.total_time
        if self._one_group_each and total is not None and abs(total - seconds) >= TOLERANCE:
            raise ClockifyIncompleteError(
                f"The groups of {window} last {seconds} s in all, the service counts {total} s: the answer is not "
                "complete. Run again, or report it if it stays.",
                operation=request.operation,
            )
        if self._exact is not None and window.ends_in_repetition:
            self._prove_end(window, report.totals, self._exact(window))
        money = report.totals.money_of(self._shown)
        groups = [(group, group.money_of(self._shown)) for group, _ in report.groups]
        if self._one_group_each:
            money = self._proven_money(window, request, report.totals, groups)
        return ReadResult(
            rows=len(report.groups),
            seconds=total if total is not None else seconds,
            # Amounts of unknown, perhaps different currencies are never added up.
            money={code: amount for code, amount in (money or {}).items() if code},
            pages=1,
            reads=1,
            money_hidden=bool(groups)
            and money is None
            and report.totals.total_amount is None
            and all(group.amount is None for group, _ in groups),
            totals=msgspec.to_builtins(report.totals),
        )

    def _prove_end(self, window: Window, totals: GroupTotals, request: ApiRequest) -> None:
        """
        Compare with the sums of the exact time, since the end was asked for as an instant that may be included.

        :raises ClockifyIncompleteError: they differ.
        """
        exact: GroupReport = self._send(request, read_groups)
        # Time of running timers grows; where the service counts entries, their number tells enough.
        if not same_sums([totals], exact.totals, running=totals.entries_count is not None):
            raise ClockifyIncompleteError(
                f"Clocks in {zone_name(window.zone)} are set back at the end of {window}, where the service can only "
                "be asked up to its very end, and the sums are not those of the window: an entry may start just then. "
                "Use a window of more days, such as a month, or groups without dates.",
                operation=request.operation,
            )

    def _proven_money(
        self,
        window: Window,
        request: ApiRequest,
        totals: GroupTotals,
        groups: Sequence[tuple[Group, dict[str, Decimal] | None]],
    ) -> dict[str, Decimal] | None:
        """
        Compare the groups' money with the service's total, currency by currency, where both are given.

        :return: The total, or else the groups' sums; ``None`` where neither is given.
        :raises ClockifyIncompleteError: they differ by more than rounding makes of it.
        """
        total = totals.money_of(self._shown)
        if any(money is None and group.amount is None for group, money in groups):
            return total  # Groups without money, such as hidden one, tell nothing.
        # What a group of several currencies names as its own is not known: without its sums per currency, a
        # difference in one of them proves nothing.
        is_sure = all(money is not None or not group.amount for group, money in groups)
        pairs: list[tuple[str, Decimal]] = []
        for group, money in groups:
            if money is not None:
                pairs += money.items()
            elif group.amount:
                pairs.append((group.currency if isinstance(group.currency, str) else "", group.amount))
        own = added_up(pairs)
        if total is None:
            return own if own and (is_sure or totals.num_of_currencies == 1) else None
        # Entries may be rounded before they are added up, and so may groups.
        tolerance = TOLERANCE * ((totals.entries_count or 0) + len(groups) + 1)
        differing = sorted(
            code
            for code in {*own, *total}
            if abs(own.get(code, Decimal(0)) - total.get(code, Decimal(0))) > tolerance
        )
        if not differing or (not is_sure and abs(_sum(own) - _sum(total)) <= tolerance):
            return total
        said = "; ".join(
            f"{text_in_units(own.get(code, _NOTHING))} {code or 'without currency'}, the service says "
            f"{text_in_units(total.get(code, _NOTHING))}"
            for code in differing
        )
        raise ClockifyIncompleteError(
            f"The groups of {window} amount to {said}: the answer is not complete. Run again, "
            "or report it if it stays.",
            operation=request.operation,
        )

    def is_unchanged(self, window: Window, results: Sequence[ReadResult]) -> bool:
        """
        Ask the service whether it still counts as many entries as when they were read; costs one request.

        :param window: The time that was read.
        :param results: What was read of it, in one window or in several that tile it.
        :raises ClockifyBadRequestError: it gives no sums of so much time at once, as on the Free plan.
        """
        now: GroupReport = self._send((self._whole or self._request)(window), read_groups)
        # Groups do not tell whether timers run, whose time grows.
        return add_up(results, now.totals, running=True)

    def _ask(self, request: ApiRequest, window: Window) -> Any:
        try:
            return self._send(request, read_groups)
        except ClockifyBadRequestError as error:
            if window.duration > FREE_LIMIT and not isinstance(error, ClockifyNotFoundError):
                error.advise(
                    f"A Free workspace sums up at most {FREE_LIMIT.days} days at a time: use a shorter window, or "
                    "partition_by='month'."
                )
            raise


def _sum(money: Mapping[str, Decimal]) -> Decimal:
    return sum(money.values(), Decimal(0))


def summary_reader(
    send: Send, workspace_id: str, filters: Mapping[str, Any], groups: Sequence[str]
) -> GroupReader:
    """
    Read summary reports.

    :param send: Sends a request and decodes its answer, retries included.
    :param workspace_id: Workspace.
    :param filters: What :func:`.filters.report_filters` returned.
    :param groups: What :func:`.report_kinds.summary_groups` returned.
    """
    whole = _all_sums(workspace_id, filters)
    return GroupReader(
        send,
        lambda window: summary_request(workspace_id, window, filters, groups),
        shown=amount_shown(filters),
        whole=whole,
        exact=whole if by_calendar(groups) else None,
        one_group_each=groups[0] != "TAG",
    )


def weekly_reader(send: Send, workspace_id: str, filters: Mapping[str, Any], group: str) -> GroupReader:
    """
    Read weekly reports; each window must be exactly seven days.

    :param send: Sends a request and decodes its answer, retries included.
    :param workspace_id: Workspace.
    :param filters: What :func:`.filters.report_filters` returned.
    :param group: ``USER`` or ``PROJECT``.
    """
    return GroupReader(
        send,
        lambda window: weekly_request(workspace_id, window, filters, group),
        shown=amount_shown(filters),
        exact=_all_sums(workspace_id, filters),
    )


def _all_sums(workspace_id: str, filters: Mapping[str, Any]) -> Callable[[Window], ApiRequest]:
    """Return the requests for the sums of windows: those of all groups are the same, however many groups there are."""
    return lambda window: summary_request(workspace_id, window.in_utc(), filters, ("MONTH",))


class _ChangedError(Exception):
    """The data changed between two pages."""


class AttendanceReader(Reader):
    """
    Reads attendance reports: one row per user and day, 200 per request.

    Where the service does not say which page is the last, one that is shorter than asked for is it only if the sums
    speak of no more rows, or, where they do not tell, if it has fewer rows than the service gives by default. Sums that
    change between pages have it read again.

    :param send: Sends a request and decodes its answer, retries included.
    :param workspace_id: Workspace.
    :param filters: What :func:`.filters.report_filters` returned for ``attendance``.
    """

    # What sums of several windows consist of is not documented.
    sums_windows_up = False

    def __init__(self, send: Send, workspace_id: str, filters: Mapping[str, Any]) -> None:
        self._send = send
        self._workspace_id = workspace_id
        self._filters = filters
        self._size = PageSize(SMALL_PAGE_SIZE)

    def read(self, window: Window, sink: RowSink, upcoming: Sequence[Window] = ()) -> ReadResult:
        """
        Hand the rows of all days of the window to the sink.

        :param window: At most 31 whole days of its zone: a row is a day.
        :param sink: Takes the rows; told to restart when the data changed under the read.
        :param upcoming: Not asked for in advance.
        :raises ClockifyIncompleteError: the data kept changing.
        """
        for number in range(1, MAX_READS + 1):
            sink.restart()
            try:
                result = self._read_once(window, sink)
            except _ChangedError:
                log.warning(
                    "The attendance of %s changed while it was read; read %d of %d.",
                    window,
                    number,
                    MAX_READS,
                )
            else:
                result.reads = number
                return result
        raise ClockifyIncompleteError(
            f"The attendance of {window} kept changing in {MAX_READS} reads. Run again later.",
            operation=ATTENDANCE,
        )

    def is_unchanged(self, window: Window, results: Sequence[ReadResult]) -> bool:
        """
        Ask the service whether the days still have the sums that they had when they were read; costs one request.

        :param window: At most 31 days.
        :param results: What was read; without sums, or while timers ran, nothing can be told.
        """
        (result,) = results
        if result.totals is None:
            return True
        request = attendance_request(self._workspace_id, window, self._filters, 1, 1)
        page: AttendancePage = self._send(request, read_attendance)
        return bool(page.totals == result.totals)

    def _read_once(self, window: Window, sink: RowSink) -> ReadResult:
        result = ReadResult()
        timers_run = False
        seen: set[str] = set()
        totals: Any = None
        received = Decimal(0)
        asked = 0

        def request(number: int, size: int) -> ApiRequest:
            nonlocal asked
            asked = size
            return attendance_request(self._workspace_id, window, self._filters, number, size)

        def take(page: AttendancePage) -> AttendancePage:
            nonlocal timers_run, totals, received
            result.pages += 1
            # An empty page may have no sums; any others tell that rows moved.
            if result.pages > 1 and (page.items or page.totals) and page.totals != totals:
                raise _ChangedError
            totals, known = page.totals, len(seen)
            ids: list[str] = []
            rows: list[bytes] = []
            days: list[datetime] = []
            for facts, raw in page.items:
                day = _day(facts.date, facts.user_id, window.zone)
                row_id = f"{facts.user_id}/{facts.date}"
                if row_id in seen:
                    result.duplicates += 1
                    continue
                seen.add(row_id)
                received += facts.total_duration or Decimal(0)
                if day not in window:
                    result.outside += 1
                else:
                    ids.append(row_id)
                    rows.append(raw)
                    days.append(day)
                    result.seconds += facts.total_duration or Decimal(0)
                    if len(result.users) < 2:
                        result.users.add(facts.user_id)
                timers_run = timers_run or bool(facts.has_running_entry)
            if page.items or page.totals is not None:  # An empty page may have none.
                result.totals = None if timers_run else page.totals
            sink.write(ids, rows, days)
            result.rows += len(rows)
            last = page.last
            if last is None and 0 < len(page.items) < asked:
                last = _is_last(page, len(seen), received)
            if len(seen) == known and not last and (page.items or page.last is False):
                raise ClockifyResponseError(
                    f"Page {result.pages} of {ATTENDANCE} brings no new row although more should follow.",
                    operation=ATTENDANCE,
                )
            return replace(page, last=last)

        asks = pages(self._size, id_of=lambda row: (row[0].user_id, row[0].date))
        run(self._send, steps(asks, request, read_attendance, take))
        return result


def _is_last(page: AttendancePage, rows: int, seconds: Decimal) -> bool | None:
    """
    Tell whether a page that is shorter than asked for is the last, if only the sums can tell.

    :param page: The page.
    :param rows: Distinct rows received so far.
    :param seconds: Their duration.
    :return: ``None`` where the next page has to tell.
    """
    sums = page.totals if isinstance(page.totals, dict) else {}
    count, total = sums.get("entitiesCount"), sums.get("totalDuration")
    if isinstance(count, int):
        return True if rows >= count else None
    if isinstance(total, (int, float)) and abs(Decimal(total) - seconds) >= TOLERANCE:
        return None
    return True if len(page.items) < SMALLER_SIZES[-1] else None


def _day(text: str, user_id: str, zone: tzinfo) -> datetime:
    """Return the start of a row's day; of an instant, that of the day which it is in the zone."""
    try:
        day = day_or_instant(text, user_id)
        if zone is UTC:
            return day
        return day_start(local_day(day, zone) if "T" in text else day.date(), zone)
    except ClockifyResponseError as error:
        raise ClockifyResponseError(
            f"{ATTENDANCE}, date of a user's row: {error}", operation=ATTENDANCE
        ) from error
