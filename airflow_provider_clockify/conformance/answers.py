# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What the service answered, as plain values, and what the tries and judgements need of it (pure)."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.http.errors import is_error_object, read_error_body
from airflow_provider_clockify.service.change_feeds import read_feed
from airflow_provider_clockify.service.messages import ApiResponse
from airflow_provider_clockify.service.values import instant
from airflow_provider_clockify.window import Window, next_unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_clockify.service.messages import ApiRequest

PAGE = 1000
# Half a second, or half of the smallest part of money: what rounding may make of one value.
HALF = Decimal("0.5")
# Fourteen hours ahead of UTC all year: what is read in another zone than this shows.
ZONE = "Pacific/Kiritimati"
OFFSET = timedelta(hours=14)
DAY = timedelta(days=1)
WEEK = 7 * DAY
# Currencies whose unit has no hundredths (ISO 4217).
WITHOUT_DECIMALS = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)

_MONTH = re.compile(r"(\d{4})-(\d{2})")
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class NotTriedError(Exception):
    """Something could not be tried; the text says why, and how to make what lacks."""


class DoesNotHoldError(Exception):
    """An answer is not as assumed; the text says what was seen."""


@dataclass(frozen=True)
class Answer:
    """
    One answer of the service, whatever its status.

    :param request: What was asked.
    :param status: HTTP status.
    :param headers: Header names in lower case.
    :param body: The decoded content.
    """

    request: ApiRequest
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_refusal(self) -> bool:
        """Whether it is an error, in disguise as well."""
        return not 200 <= self.status < 300 or is_error_object(self.body)

    @cached_property
    def json(self) -> Any:
        """The decoded body; numbers with a fraction are exact."""
        return _decode(self.body)

    @cached_property
    def report(self) -> Report:
        """The answer as a page of the detailed report."""
        return Report(self)

    @property
    def error(self) -> tuple[int | None, str]:
        """Code and message of a refusal."""
        return read_error_body(self.body)

    @property
    def last_page(self) -> bool | None:
        """What ``Last-Page`` says; ``None`` without it."""
        said = self.headers.get("last-page")
        return None if said is None else said.strip().lower() == "true"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the detailed report, as far as it is looked at."""

    id: str
    user: str
    start: datetime
    end: datetime | None
    seconds: Decimal
    amount: Decimal | None
    rate: Decimal | None
    currency: str
    is_break: bool
    billable: bool
    raw: Mapping[str, Any]


class Report:
    """
    A page of the detailed report.

    :param answer: The answer.
    :raises DoesNotHoldError: it has another shape than any that was recorded.
    """

    def __init__(self, answer: Answer) -> None:
        body = answer.json
        rows = body.get("timeentries", body.get("timeEntries")) if isinstance(body, dict) else None
        if not isinstance(rows, list):
            raise DoesNotHoldError("The answer has no timeentries.")
        self.rows = [_row(raw) for raw in rows]
        totals = body.get("totals") or [None]
        self.totals: Mapping[str, Any] = totals[0] or {}
        count = self.totals.get("entriesCount")
        self.count = count if isinstance(count, int) else None
        if self.count is None and not rows:
            self.count = 0

    @property
    def is_complete(self) -> bool:
        """Whether it holds all rows that there are."""
        return self.count is not None and self.count == len(self.rows)

    def money(self) -> dict[str, Decimal] | None:
        """Return the service's sums per currency that are not zero; ``None`` where amounts are hidden."""
        given = self.totals.get("totalAmountByCurrency")
        if not isinstance(given, list):
            return None
        return {each["currency"]: Decimal(each["amount"]) for each in given if each["amount"]}


def _row(raw: Mapping[str, Any]) -> Row:
    row_id = raw.get("_id") or raw["id"]
    interval = raw["timeInterval"]
    end = interval.get("end")
    return Row(
        id=row_id,
        user=raw["userId"],
        start=instant(interval["start"], row_id),
        end=None if end is None else instant(end, row_id),
        seconds=Decimal(interval.get("duration") or 0),
        amount=_number(raw.get("amount")),
        rate=_number(raw.get("rate")),
        currency=raw.get("currency") or "",
        is_break=raw.get("type") == "BREAK",
        billable=bool(raw.get("billable")),
        raw=raw,
    )


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


@dataclass
class Found:
    """
    All that is known so far.

    :param workspace_id: The workspace.
    :param now: Aware current time.
    :param hosts: Hosts of both services; empty where the connection replaces them.
    :param answers: Answers by the name of their try.
    :param untried: Why a try was not made, by its name.
    :param unanswered: Names of tries that got no answer, so that a host may be wrong.
    :param refusals: Answers with the status 429.
    """

    workspace_id: str
    now: datetime
    hosts: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    untried: dict[str, str] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)
    refusals: list[Answer] = field(default_factory=list)

    def answer(self, name: str) -> Answer:
        """
        Return the answer of a try, good or bad.

        :raises NotTriedError: there is none.
        """
        if name not in self.answers:
            raise NotTriedError(self.untried.get(name, f"The request {name} was not sent."))
        return self.answers[name]

    def good(self, name: str) -> Answer:
        """
        Return the good answer of a try.

        :raises NotTriedError: there is none, or the service refused it.
        """
        answer = self.answer(name)
        if answer.is_refusal:
            cure = (
                " The plan lacks it, or the key's role: use that of an owner or admin."
                if answer.status == 403
                else ""
            )
            raise NotTriedError(f"The service refused the request {name}: {refusal(answer)}.{cure}")
        return answer

    def report(self, name: str) -> Report:
        """Return the page of the detailed report that a try gave."""
        return self.good(name).report

    def feed(self, name: str) -> Sequence[Mapping[str, Any]]:
        """
        Return the rows of the page of a change feed that a try gave.

        :raises NotTriedError: there is none, the service refused it, or it is empty.
        """
        answer = self.good(name)
        rows = read_feed(ApiResponse(answer.status, answer.headers, answer.body)).items
        if not rows:
            raise NotTriedError(f"The feed gave no row to the request {name}.")
        return rows

    def complete_reports(self, *names: str) -> list[Report]:
        """
        Return those of the named pages that hold all rows there are.

        :raises NotTriedError: there is none.
        """
        tried = [self.report(name) for name in names if name in self.answers]
        found = [report for report in tried if report.is_complete and report.rows]
        if not found:
            raise NotTriedError("No window with up to 1,000 entries was seen. Track some time.")
        return found

    def known_rows(self) -> list[Row]:
        """
        Return the rows of the fullest month, as far as its first page has them.

        :raises NotTriedError: there are none.
        """
        rows = self.report("month").rows
        if not rows:
            raise NotTriedError("The workspace has no time entries. Track some time.")
        return rows

    def week_rows(self) -> list[Row]:
        """
        Return the finished rows of the week in the other zone, but those that only reach into it, if they are all.

        :raises NotTriedError: they are not, or there are none.
        """
        week = self.report("week")
        if not week.is_complete:
            raise NotTriedError("The week has more than 1,000 entries, which are not all read here.")
        window = week_of(self)
        rows = [row for row in week.rows if row.end is not None and not reaches_into(row, window)]
        if not rows:
            raise NotTriedError("The week has no entries. Track some time.")
        return rows


def odd_currencies(own: Mapping[str, Decimal], said: Mapping[str, Decimal], rows: int) -> list[str]:
    """
    Return the currencies in which two sums differ by more than rounding explains.

    :param own: Sums of rows; those that name no currency count for the only one there is.
    :param said: Sums that the service says.
    :param rows: How many rows there are, each of which may have been rounded.
    :raises NotTriedError: rows name no currency, and there are several.
    """
    sums = {code: amount for code, amount in own.items() if amount}
    if "" in sums and len(said) > 1:
        raise NotTriedError("Rows do not name their currency, and the totals have several.")
    for code in said if "" in sums else ():
        sums[code] = sums.get(code, Decimal(0)) + sums.pop("")
    zero = Decimal(0)
    return [
        code
        for code in {*sums, *said}
        if abs(sums.get(code, zero) - said.get(code, zero)) > HALF * (rows + 1)
    ]


def refusal(answer: Answer) -> str:
    """Return status and code of a refusal; its message may quote what was sent, and is left out."""
    code = answer.error[0]
    return f"{answer.status}" + ("" if code is None else f", code {code}")


def month_of(found: Found) -> Window:
    """
    Return the month with most tracked time of the last year, those with several currencies first.

    :param found: With the answer of ``year``; without a good one it is the last 31 days.
    """
    year = found.answers.get("year")
    if year is not None and not year.is_refusal:
        months = [
            (len(_currencies(group)) > 1, Decimal(group.get("duration") or 0), named)
            for group in year.json.get("groupOne", ())
            if (named := _MONTH.match(str(group.get("_id")))) and group.get("duration")
        ]
        if months:
            _, _, named = max(months, key=lambda month: month[:2])
            start = datetime(int(named[1]), int(named[2]), 1, tzinfo=UTC)
            return Window(start, next_unit(start, "month"))
    end = found.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + DAY
    return Window(end - 31 * DAY, end)


def _currencies(group: Mapping[str, Any]) -> set[str]:
    return {
        each["currency"]
        for kind in group.get("amounts") or ()
        for each in kind.get("amountByCurrency") or ()
        if each.get("amount")
    }


def week_of(found: Found) -> Window:
    """
    Return seven days from midnight in :data:`ZONE` on, chosen so that they show in which zone bounds are read.

    :param found: With the answer of ``month``.
    :raises NotTriedError: there are no rows.
    """
    starts = sorted(row.start for row in found.known_rows())
    first = starts[0].replace(hour=0, minute=0, second=0, microsecond=0) - OFFSET
    days = [first + number * DAY for number in range((starts[-1] - first).days + 1)]
    weeks = [Window(day, day + WEEK) for day in days[: max(1, len(days) - 6)]]

    def inside(window: Window) -> int:
        return bisect_left(starts, window.end) - bisect_left(starts, window.start)

    def worth(week: Window) -> tuple[bool, int]:
        return all(map(inside, _edges(week))), min(inside(week), PAGE)

    return max(weeks, key=worth)


def _edges(week: Window) -> tuple[Window, Window]:
    """Return what belongs to a week only in its zone, and what would only in UTC."""
    return Window(week.start, week.start + OFFSET), Window(week.end, week.end + OFFSET)


def shows_zone(week: Window, rows: Sequence[Row]) -> bool:
    """Tell whether some known row lies where a week in UTC would have it differently."""
    return any(row.start in edge for edge in _edges(week) for row in rows)


def reaches_into(row: Row, window: Window) -> bool:
    """Tell whether an entry starts before a window and ends in it, or later."""
    return row.start < window.start and row.end is not None and row.end > window.start


def anchor_of(found: Found) -> tuple[Row, Row]:
    """
    Return two rows of one user, the earlier first: bounds of a report that show what belongs to it.

    :param found: With the answer of ``month``.
    :raises NotTriedError: there are no two such rows.
    """
    by_user: dict[str, list[Row]] = defaultdict(list)
    for row in found.known_rows():
        if row.end is not None:
            by_user[row.user].append(row)
    users = [sorted(rows, key=lambda row: row.start) for rows in by_user.values()]
    pairs = [rows for rows in users if rows[0].start < rows[-1].start]
    if not pairs:
        raise NotTriedError("Nobody has two time entries in the fullest month. Track some time.")
    rows = max(pairs, key=len)
    # A bound within a minute shows whether seconds count.
    odd = [row for row in rows[1:] if row.start.second and row.start > rows[0].start]
    last = odd[-1] if odd else rows[-1]
    return max((row for row in rows if row.start == rows[0].start), key=lambda row: row.id), last


def lone_start(found: Found) -> datetime:
    """
    Return when an entry starts: the millisecond after it begins a window without entries.

    :param found: With the answer of ``month``.
    """
    starts = [row.start for row in found.known_rows() if not row.start.microsecond]
    if not starts:
        raise NotTriedError("No entry of the fullest month starts at a full second.")
    return max(starts, key=lambda start: (start.second != 0, start))


def deactivated(found: Found) -> list[str]:
    """
    Return the ids of members who were deactivated, those with known rows first.

    :param found: With the answers of ``workspace`` and ``month``.
    """
    members = found.good("workspace").json.get("memberships") or ()
    gone = [each["userId"] for each in members if each.get("membershipStatus") == "INACTIVE"]
    with_rows = {row.user for row in found.known_rows()}
    return sorted(gone, key=lambda user: user not in with_rows)


def created_together(found: Found) -> tuple[Row, Row, Row]:
    """
    Return three known rows that were created one after the other, by their ids, in as short a time as possible.

    :param found: With the answer of ``month``.
    :raises NotTriedError: there are no three.
    """
    rows = sorted(found.known_rows(), key=lambda row: row.id)
    moments = [created(row) for row in rows]
    # Neither the row before them nor the one after was created in the same second.
    apart = [one < other for one, other in pairwise(moments)]
    triples = [
        (rows[place], rows[place + 1], rows[place + 2])
        for place in range(len(rows) - 2)
        if all(apart[max(place - 1, 0) : place + 3])
    ]
    if not triples:
        raise NotTriedError(
            "No three entries of the fullest month were created at different times. Track some time."
        )
    return min(triples, key=lambda triple: created(triple[2]) - created(triple[0]))


def created(row: Row) -> datetime:
    """
    Return the second with which an id begins.

    :raises NotTriedError: it is no such id.
    """
    try:
        return datetime.fromtimestamp(int(row.id[:8], 16), UTC)
    except (ValueError, OverflowError) as error:
        raise NotTriedError("Ids do not begin with a time.") from error


def day_in_zone(moment: datetime) -> str:
    """Return the day of an instant in :data:`ZONE`."""
    return (moment + OFFSET).date().isoformat()
