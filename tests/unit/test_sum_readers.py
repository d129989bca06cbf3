# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyIncompleteError,
    ClockifyNotFoundError,
    ClockifyResponseError,
)
from airflow_provider_clockify.reading.reader import MAX_READS
from airflow_provider_clockify.reading.sum_readers import AttendanceReader, summary_reader, weekly_reader
from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse
from airflow_provider_clockify.service.report_kinds import SUMMARY
from airflow_provider_clockify.window import Window

START = datetime(2026, 11, 9, tzinfo=UTC)
WEEK = Window(START, START + timedelta(days=7))
Answer = tuple[dict[str, Any], dict[str, str]] | Exception


class Sink:
    def __init__(self) -> None:
        self.rows: list[tuple[str, bytes, datetime]] = []
        self.restarts = 0

    def write(self, ids: Sequence[str], rows: Sequence[bytes], starts: Sequence[datetime]) -> None:
        self.rows += zip(ids, rows, starts, strict=True)

    def restart(self) -> None:
        self.rows = []
        self.restarts += 1


class Script:
    """Answers one after the other; the last one again and again."""

    def __init__(self, *answers: Answer) -> None:
        self.requests: list[ApiRequest] = []
        self._answers = self._play(answers)

    @staticmethod
    def _play(answers: tuple[Answer, ...]) -> Iterator[Answer]:
        yield from answers
        while True:
            yield answers[-1]

    def send(self, request: ApiRequest, decode: Callable[[ApiResponse], Any]) -> Any:
        self.requests.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        body, headers = answer
        return decode(ApiResponse(200, headers, json.dumps(body).encode()))


@pytest.fixture
def sink() -> Sink:
    return Sink()


# --- groups -------------------------------------------------------------------------------------------------


def groups(*durations: Any, totals: Any = "sum") -> Answer:
    rows = [{"_id": f"g{n}", "name": "x", "duration": duration} for n, duration in enumerate(durations)]
    if totals == "sum":
        totals = [{"totalTime": sum(d or 0 for d in durations), "totalAmountByCurrency": []}]
    return {"groupOne": rows, "totals": totals}, {}


def test_groups_are_handed_over_as_they_came_in_one_request(sink):
    script = Script(groups(60, 30.5, None))
    result = summary_reader(script.send, "w", {}, ("USER",)).read(WEEK, sink)
    assert [json.loads(row)["_id"] for _, row, _ in sink.rows] == ["g0", "g1", "g2"]
    assert sink.rows[0][1] == b'{"_id": "g0", "name": "x", "duration": 60}'
    assert len({row_id for row_id, _, _ in sink.rows}) == 3
    assert {start for _, _, start in sink.rows} == {WEEK.start}
    assert (result.rows, result.seconds, result.pages, result.reads) == (3, Decimal("90.5"), 1, 1)
    assert sink.restarts == len(script.requests) == 1


def test_ids_of_groups_differ_between_windows_so_that_two_weeks_share_a_file(sink):
    other = Sink()
    later = Window(WEEK.end, WEEK.end + timedelta(days=7))
    for window, into in ((WEEK, sink), (later, other)):
        weekly_reader(Script(groups(1)).send, "w", {}, "USER").read(window, into)
    assert sink.rows[0][0] != other.rows[0][0]


@pytest.mark.parametrize("total", [0, 89.4, 90.5, 1000])
@pytest.mark.parametrize("report", ["summary", "weekly"])
def test_groups_that_do_not_add_up_are_an_incomplete_answer(sink, total, report):
    script = Script(groups(60, 30, totals=[{"totalTime": total}]))
    reader = (
        summary_reader(script.send, "w", {}, ("USER",))
        if report == "summary"
        else weekly_reader(script.send, "w", {}, "USER")
    )
    with pytest.raises(ClockifyIncompleteError, match=rf"last 90 s in all, the service counts {total} s"):
        reader.read(WEEK, sink)


def test_sums_may_differ_by_less_than_half_a_second(sink):
    script = Script(groups(60, 30, totals=[{"totalTime": 90.49}]))
    assert summary_reader(script.send, "w", {}, ("USER",)).read(WEEK, sink).seconds == Decimal("90.49")


@pytest.mark.parametrize(
    ("named", "adds_up"), [(("TAG",), False), (("TAG", "USER"), False), (("USER", "TAG"), True)]
)
def test_only_outermost_tags_need_not_add_up(sink, named, adds_up):
    reader = summary_reader(Script(groups(60, 30, totals=[{"totalTime": 50}])).send, "w", {}, named)
    if adds_up:
        with pytest.raises(ClockifyIncompleteError):
            reader.read(WEEK, sink)
    else:
        assert reader.read(WEEK, sink).seconds == 50


@pytest.mark.parametrize("totals", [[None], [], None])
def test_nothing_at_all(sink, totals):
    result = weekly_reader(Script(groups(totals=totals)).send, "w", {}, "USER").read(WEEK, sink)
    assert (result.rows, result.seconds, result.money, result.money_hidden) == (0, 0, {}, False)


@pytest.mark.parametrize("totals", [[None], [], None])
def test_groups_without_any_total_are_not_proven(sink, totals):
    with pytest.raises(ClockifyIncompleteError):
        weekly_reader(Script(groups(60, totals=totals)).send, "w", {}, "USER").read(WEEK, sink)


def test_a_total_after_a_null_counts(sink):
    script = Script(groups(60, totals=[None, {"totalTime": 60}]))
    assert weekly_reader(script.send, "w", {}, "USER").read(WEEK, sink).seconds == 60


def test_a_total_that_says_no_time_leaves_the_groups_own(sink):
    script = Script(groups(60, totals=[{"entriesCount": 1}]))
    assert weekly_reader(script.send, "w", {}, "USER").read(WEEK, sink).seconds == 60


@pytest.mark.parametrize(
    ("by_currency", "money", "hidden"),
    [
        (
            [{"currency": "EUR", "amount": 1.5}, {"currency": "USD", "amount": 0}],
            {"EUR": Decimal("1.5")},
            False,
        ),
        ([], {}, False),
        ({}, {}, True),
        (None, {}, True),
    ],
)
def test_money_comes_from_the_totals_and_its_absence_is_noticed(sink, by_currency, money, hidden):
    totals = [{"totalTime": 60, "totalAmountByCurrency": by_currency}]
    result = summary_reader(Script(groups(60, totals=totals)).send, "w", {}, ("USER",)).read(WEEK, sink)
    assert (result.money, result.money_hidden) == (money, hidden)


def money_groups(*kinds: dict[str, Any], totals: dict[str, Any]) -> Answer:
    rows = [{"_id": f"g{n}", "duration": 60, **kind} for n, kind in enumerate(kinds)]
    return {"groupOne": rows, "totals": [{"totalTime": 60 * len(rows), "entriesCount": 0, **totals}]}, {}


def named(**pairs: Any) -> list[dict[str, Any]]:
    return [{"currency": code or None, "amount": amount} for code, amount in pairs.items()]


def said(kind: str = "EARNED", /, **pairs: Any) -> dict[str, Any]:
    return {"amount": sum(pairs.values()), "amounts": [{"type": kind, "amountByCurrency": named(**pairs)}]}


def claimed(currency: str | None, amount: Any) -> dict[str, Any]:
    return {"amount": amount, "currency": currency, "amounts": [{"type": "EARNED", "value": 7}]}


def total(**pairs: Any) -> dict[str, Any]:
    return {"totalAmount": sum(pairs.values()), "totalAmountByCurrency": named(**pairs)}


PROVEN = {
    "per currency": ([said(EUR=100, USD=50), said(EUR=10)], total(EUR=110, USD=50)),
    "one currency each": ([claimed("EUR", 100), claimed("USD", 50)], total(EUR=100, USD=50)),
    "claims that are sums": ([claimed("USD", 100), claimed("USD", 50)], total(EUR=100, USD=50)),
    "no currency": ([claimed(None, 100), said(USD=50)], total(EUR=100, USD=50)),
    "a rounded group": ([claimed("EUR", 101)], total(EUR=100.4)),
    "negative": ([said(EUR=-100, USD=50)], total(EUR=-100, USD=50)),
    "zeros": ([said(EUR=0, USD=50), claimed("CHF", 0)], total(USD=50, EUR=0)),
}


@pytest.mark.parametrize("report", ["summary", "weekly"])
@pytest.mark.parametrize(("kinds", "totals"), PROVEN.values(), ids=PROVEN.keys())
def test_money_of_groups_that_adds_up_per_currency_is_the_services_total(sink, kinds, totals, report):
    script = Script(money_groups(*kinds, totals=totals))
    reader = (
        summary_reader(script.send, "w", {}, ("USER",))
        if report == "summary"
        else weekly_reader(script.send, "w", {}, "USER")
    )
    result = reader.read(WEEK, sink)
    assert result.money == {
        each["currency"]: Decimal(str(each["amount"]))
        for each in totals["totalAmountByCurrency"]
        if each["amount"]
    }
    assert not result.money_hidden


LOST = {
    "of one currency": (
        [said(EUR=100, USD=50), said(EUR=10)],
        total(EUR=110, USD=60),
        r"0\.5 USD, the service says 0\.6",
    ),
    "a whole currency": ([said(EUR=100)], total(EUR=100, USD=60), r"0 USD, the service says 0\.6"),
    "swapped": ([said(EUR=100, USD=50)], total(EUR=50, USD=100), r"1 EUR, the service says 0\.5; 0\.5 USD"),
    "of claims": ([claimed("EUR", 100), claimed("USD", 50)], total(EUR=100, USD=60), r"0\.5 USD"),
    "too much": ([said(EUR=100)], total(EUR=90), r"1 EUR, the service says 0\.9"),
    "beyond rounding": ([said(EUR=100), said(EUR=100)], total(EUR=198.4), "2 EUR"),
    "a total of nothing": ([said(EUR=100)], total(), "1 EUR, the service says 0"),
}


@pytest.mark.parametrize(("kinds", "totals", "text"), LOST.values(), ids=LOST.keys())
def test_money_of_groups_that_does_not_add_up_is_an_incomplete_answer(sink, kinds, totals, text):
    reader = summary_reader(Script(money_groups(*kinds, totals=totals)).send, "w", {}, ("USER",))
    with pytest.raises(ClockifyIncompleteError, match=text):
        reader.read(WEEK, sink)


def test_rounding_may_make_half_a_hundredth_of_each_entry_and_group(sink):
    for total_amount, is_fine in ((105.5, True), (105.6, False)):
        totals = {**total(EUR=total_amount), "entriesCount": 9}
        reader = summary_reader(Script(money_groups(said(EUR=100), totals=totals)).send, "w", {}, ("USER",))
        if is_fine:
            assert reader.read(WEEK, sink).money == {"EUR": Decimal("105.5")}
        else:
            with pytest.raises(ClockifyIncompleteError):
                reader.read(WEEK, sink)


def test_money_in_tags_need_not_add_up(sink):
    script = Script(money_groups(said(EUR=100), said(EUR=100), totals=total(EUR=100)))
    assert summary_reader(script.send, "w", {}, ("TAG",)).read(WEEK, sink).money == {"EUR": Decimal(100)}


@pytest.mark.parametrize(
    ("totals", "money"),
    [
        ({"totalAmount": 150}, {"EUR": 100, "USD": 50}),
        ({"totalAmount": 150, "totalAmountByCurrency": []}, {"EUR": 100, "USD": 50}),
        ({"totalAmount": 150, "amounts": said(EUR=100, USD=50)["amounts"]}, {"EUR": 100, "USD": 50}),
        ({"totalAmount": 150, "totalAmountByCurrency": [{"currency": None, "amount": 150}]}, {}),
    ],
    ids=["one sum", "empty list", "amounts", "no currency"],
)
def test_sums_per_currency_come_from_wherever_they_are_said(sink, totals, money):
    kind = claimed(None, 150) if totals.get("totalAmountByCurrency") else said(EUR=100, USD=50)
    answer = money_groups(kind, totals=totals)
    result = summary_reader(Script(answer).send, "w", {}, ("USER",)).read(WEEK, sink)
    assert result.money == money
    assert not result.money_hidden


@pytest.mark.parametrize(
    ("totals", "money"),
    [
        ({"totalAmount": 150, "numOfCurrencies": 1}, {"EUR": 150}),
        ({"totalAmount": 150, "numOfCurrencies": 2}, {}),
        ({"totalAmount": 150}, {}),
        ({}, {}),
    ],
)
def test_what_groups_claim_is_a_sum_only_where_there_is_one_currency(sink, totals, money):
    answer = money_groups(claimed("EUR", 100), claimed("EUR", 50), totals=totals)
    result = summary_reader(Script(answer).send, "w", {}, ("USER",)).read(WEEK, sink)
    assert (result.money, result.money_hidden) == (money, False)


def test_the_kind_of_amount_that_was_asked_for_is_compared(sink):
    both = {"amount": 7, "amounts": [*said(EUR=100)["amounts"], *said("COST", EUR=7)["amounts"]]}
    script = Script(money_groups(both, totals=total(EUR=7)))
    assert summary_reader(script.send, "w", {"amountShown": "COST"}, ("USER",)).read(WEEK, sink).money == {
        "EUR": Decimal(7)
    }
    with pytest.raises(ClockifyIncompleteError):
        summary_reader(script.send, "w", {}, ("USER",)).read(WEEK, sink)


@pytest.mark.parametrize("amount", [10**27, "NaN"])
def test_money_that_cannot_be_summed_up_names_its_group(sink, amount):
    group = claimed("EUR", amount) if isinstance(amount, str) else said(EUR=amount)
    with pytest.raises(ClockifyResponseError, match="id g0.*amount"):
        summary_reader(Script(money_groups(group, totals={})).send, "w", {}, ("USER",)).read(WEEK, sink)


def refusal() -> ClockifyBadRequestError:
    return ClockifyBadRequestError(
        "Refused.", status=400, code=501, reason="r", operation=SUMMARY, attempts=3
    )


def test_a_refused_sum_of_more_than_31_days_names_the_plan_and_the_cure(sink):
    window = Window(START, START + timedelta(days=31, seconds=1))
    with pytest.raises(
        ClockifyBadRequestError, match=r"(?m)^Refused\. A Free workspace .* 31 days.*partition_by='month'"
    ) as caught:
        summary_reader(Script(refusal()).send, "w", {}, ("USER",)).read(window, sink)
    error = caught.value
    assert (error.status, error.code, error.reason, error.operation, error.attempts) == (
        400,
        501,
        "r",
        SUMMARY,
        3,
    )


def test_a_refusal_of_31_days_is_about_something_else(sink):
    window = Window(START, START + timedelta(days=31))
    with pytest.raises(ClockifyBadRequestError, match=r"(?m)^Refused\.$"):
        summary_reader(Script(refusal()).send, "w", {}, ("USER",)).read(window, sink)


def test_a_workspace_that_is_not_there_is_not_about_days(sink):
    missing = ClockifyNotFoundError("Not there.", status=400)
    with pytest.raises(ClockifyNotFoundError, match=r"(?m)^Not there\.$"):
        summary_reader(Script(missing).send, "w", {}, ("USER",)).read(
            Window(START, START + timedelta(days=99)), sink
        )


# --- attendance ---------------------------------------------------------------------------------------------


def page(
    first: int, last: int, *, totals: Any = "t", header: str | None = None, day: str = "2026-11-09"
) -> Answer:
    rows = [{"userId": f"u{n:04d}", "date": day, "totalDuration": 60} for n in range(first, last)]
    return {"entities": rows, "totals": totals}, {} if header is None else {"last-page": header}


def attend(sink: Sink, *answers: Answer, window: Window = WEEK) -> tuple[Any, Script]:
    script = Script(*answers)
    return AttendanceReader(script.send, "w", {}).read(window, sink), script


def pages_of(script: Script) -> list[int]:
    return [(request.json or {})["attendanceFilter"]["page"] for request in script.requests]


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ([page(0, 0)], [1]),
        ([page(0, 3)], [1]),
        ([page(0, 200), page(0, 0)], [1, 2]),
        ([page(0, 200), page(200, 203)], [1, 2]),
        ([page(0, 200, header="true")], [1]),
        ([page(0, 200, header=" True ")], [1]),
        ([page(0, 200, header="false"), page(200, 400, header="true")], [1, 2]),
        ([page(0, 3, header="false"), page(3, 6, header="true")], [1, 2]),
    ],
)
def test_a_short_page_or_the_header_ends_the_rows(sink, answers, asked):
    result, script = attend(sink, *answers)
    assert pages_of(script) == asked
    assert result.pages == len(asked)
    assert result.rows == len(sink.rows) == sum(len(body["entities"]) for body, _ in answers)  # type: ignore[index]
    assert result.seconds == 60 * result.rows


def test_a_page_without_sums_after_the_last_row_changes_nothing(sink):
    result, script = attend(sink, page(0, 200), page(0, 0, totals=None))
    assert (result.rows, result.reads, len(script.requests)) == (200, 1, 2)


@pytest.mark.parametrize(
    "second", [page(200, 202, totals="u"), page(0, 0, totals="u"), page(200, 202, totals=None)]
)
def test_sums_that_change_between_pages_have_it_read_again(sink, second):
    result, script = attend(sink, page(0, 200), second, page(0, 200, totals="u"), page(200, 201, totals="u"))
    assert pages_of(script) == [1, 2, 1, 2]
    assert (result.rows, result.reads, sink.restarts, len(sink.rows)) == (201, 2, 2, 201)


def test_data_that_never_rest_are_not_published(sink):
    answers = [
        page(0, 200, totals=n) if n % 2 == 0 else page(200, 201, totals=n) for n in range(2 * MAX_READS)
    ]
    script = Script(*answers)
    with pytest.raises(ClockifyIncompleteError, match=f"kept changing in {MAX_READS} reads"):
        AttendanceReader(script.send, "w", {}).read(WEEK, sink)
    assert pages_of(script) == [1, 2] * MAX_READS


def test_an_empty_page_that_is_not_the_last_is_an_error(sink):
    with pytest.raises(ClockifyResponseError, match="Page 1 of generateAttendanceReport brings no new row"):
        attend(sink, page(0, 0, header="false"))


@pytest.mark.parametrize("header", [None, "false"])
def test_a_service_that_gives_the_same_page_again_and_again_is_an_error(sink, header):
    with pytest.raises(ClockifyResponseError, match="Page 2 of generateAttendanceReport brings no new row"):
        attend(sink, page(0, 200, header=header))


def test_a_row_that_moved_to_the_next_page_counts_once(sink):
    result, _ = attend(sink, page(0, 200), page(199, 202))
    assert (result.rows, result.duplicates) == (202, 1)


def test_days_outside_of_the_window_are_left_out(sink):
    result, _ = attend(sink, page(0, 3, day="2026-11-16"))
    assert (result.rows, result.outside, sink.rows) == (0, 3, [])
    result, _ = attend(sink, page(0, 2, day="2026-11-15T00:00:00Z"))
    assert (result.rows, result.outside) == (2, 0)


def test_two_users_are_remembered_and_no_more(sink):
    assert attend(sink, page(0, 1))[0].users == {"u0000"}
    assert len(attend(sink, page(0, 9))[0].users) == 2


def test_request_of_a_page():
    script = Script(page(0, 0))
    AttendanceReader(script.send, "w/x", {"billable": True}).read(WEEK, Sink())
    (request,) = script.requests
    assert request.path == "/workspaces/w%2Fx/reports/attendance"
    assert request.json == {
        "dateRangeStart": "2026-11-09T00:00:00.000Z",
        "dateRangeEnd": "2026-11-15T23:59:59.999Z",
        "timeZone": "UTC",
        "exportType": "JSON",
        "sortOrder": "ASCENDING",
        "billable": True,
        "attendanceFilter": {"page": 1, "pageSize": 200, "sortColumn": "DATE"},
    }
