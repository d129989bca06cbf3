# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zlib import crc32

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyIncompleteError,
    ClockifyNotFoundError,
    ClockifyResponseError,
)
from airflow_provider_clockify.reading.fetching import PAGES_AHEAD
from airflow_provider_clockify.reading.reader import MAX_READS, ReadResult
from airflow_provider_clockify.reading.report_reader import ReportReader
from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse
from airflow_provider_clockify.service.report_kinds import detailed
from airflow_provider_clockify.window import Window

WINDOW = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
INSIDE, OUTSIDE = "2026-11-01T08:00:00Z", "2026-11-02T00:00:00Z"


class Sink:
    """Keeps rows as the spools of an export do."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.restarts = 0

    def write(self, ids: Sequence[str], rows: Sequence[bytes], starts: Sequence[datetime]) -> None:
        for row_id, row, start in zip(ids, rows, starts, strict=True):
            decoded = json.loads(bytes(row))
            assert decoded["_id"] == row_id
            assert start in WINDOW
            self.rows.append(decoded)

    def restart(self) -> None:
        self.rows.clear()
        self.restarts += 1

    @property
    def ids(self) -> list[str]:
        return [row["_id"] for row in self.rows]


@dataclass
class Service:
    """
    The detailed report over a list that changes: pages by offset, totals over all that matches.

    :param maximum: Rows that a page has at most, whatever is asked for.
    :param refuses: Larger pages are refused instead.
    :param telling: Sums of durations tell exactly what is in them; for up to 90 states of entries, which is as far as
        decimal numbers of 28 digits reach.
    :param alike: All entries last equally long, so that sums tell no more than the count.
    :param order: What the rows are sorted by; the client asks for ids.
    :param before: Changes before the n-th request.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    maximum: int = 1000
    refuses: bool = False
    telling: bool = False
    alike: bool = False
    order: Callable[[dict[str, Any]], Any] = lambda row: row["_id"]  # noqa: E731
    before: dict[int, list[Callable[[], None]]] = field(default_factory=dict)
    alter: Callable[[int, dict[str, Any]], None] = lambda number, answer: None  # noqa: E731
    requests: list[ApiRequest] = field(default_factory=list)
    made: int = 0

    def __post_init__(self) -> None:
        self.lock = threading.Lock()

    def row(self, row_id: str, start: str = INSIDE, **fields: Any) -> dict[str, Any]:
        """
        Make a state of an entry.

        With ``telling`` each has a duration that is a power of two of its own, so that a sum of durations tells
        exactly which states are in it.
        """
        self.made += 1
        interval = {
            "start": start,
            "end": start,
            "duration": 2**self.made if self.telling else 60 + self.made * (not self.alike),
        }
        return {"_id": row_id, "timeInterval": interval, **fields}

    def fill(self, number: int) -> Service:
        self.rows += [self.row(f"{index:06d}") for index in range(number)]
        return self

    def send(self, request: ApiRequest, decode: Callable[[ApiResponse], Any], abandoned: Any = None) -> Any:
        with self.lock:
            self.requests.append(request)
            number = len(self.requests)
            for change in self.before.get(number, ()):
                change()
            answer = self.answer(request)
            self.alter(number, answer)
        return decode(ApiResponse(200, {}, json.dumps(answer).encode()))

    def answer(self, request: ApiRequest) -> dict[str, Any]:
        part = request.json["detailedFilter"]
        if self.refuses and part["pageSize"] > self.maximum:
            raise ClockifyBadRequestError("page size", status=400)
        size = min(part["pageSize"], self.maximum)
        rows = sorted(self.rows, key=self.order)
        return {"totals": self.totals(), "timeentries": rows[(part["page"] - 1) * size : part["page"] * size]}

    def totals(self) -> list[dict[str, Any] | None]:
        if not self.rows:
            return [None]
        money: dict[str, Any] = {}
        for row in self.rows:
            if row.get("currency"):
                money[row["currency"]] = money.get(row["currency"], 0) + row["amount"]
        amounts = [{"currency": currency, "amount": amount} for currency, amount in money.items()]
        total = sum(row["timeInterval"]["duration"] for row in self.rows)
        return [
            {
                "entriesCount": len(self.rows),
                "totalTime": total,
                "totalAmountByCurrency": amounts if money else {},
            }
        ]


def reader_of(
    send: Any, *, concurrency: int = 1, page_size: int = 1000, filters: dict[str, Any] | None = None
) -> ReportReader:
    report = detailed("w", filters or {})
    return ReportReader(send, replace(report, page_size=page_size), concurrency=concurrency)


def read(
    service: Service, *, concurrency: int = 1, page_size: int = 1000, filters: dict[str, Any] | None = None
) -> tuple[Sink, ReadResult]:
    sink = Sink()
    reader = reader_of(service.send, concurrency=concurrency, page_size=page_size, filters=filters)
    return sink, reader.read(WINDOW, sink)


# --- at rest ------------------------------------------------------------------------------------------------


@given(
    number=st.integers(0, 120),
    size=st.integers(1, 40),
    maximum=st.integers(1, 60),
    concurrency=st.integers(1, 4),
)
@settings(deadline=None)
def test_a_list_at_rest_is_read_once_with_the_fewest_requests(number, size, maximum, concurrency):
    service = Service(maximum=maximum).fill(number)
    sink, result = read(service, concurrency=concurrency, page_size=size)
    assert sink.rows == service.rows
    assert len(service.requests) == result.pages == max(1, -(-number // min(size, maximum)))
    assert (result.reads, result.duplicates, result.outside, result.running) == (1, 0, 0, 0)
    assert result.rows == number
    assert result.seconds == sum(row["timeInterval"]["duration"] for row in service.rows)


@given(number=st.integers(0, 80), size=st.integers(1, 20), seed=st.randoms(use_true_random=False))
@settings(deadline=None)
def test_a_service_that_sorts_otherwise_is_read_completely(number, size, seed):
    service = Service(maximum=size).fill(number)
    places = {row["_id"]: seed.random() for row in service.rows}
    service.order = lambda row: places[row["_id"]]
    sink, _ = read(service)
    assert sorted(sink.ids) == [row["_id"] for row in service.rows]
    # One more read where the order shows within a page, two where it shows only between pages.
    assert len(service.requests) <= 3 * max(1, -(-number // size))


def test_once_seen_unsorted_stays_known_for_the_next_window():
    service = Service(maximum=5).fill(12)
    service.order = lambda row: -int(row["_id"])
    reader = reader_of(service.send)
    assert reader.sorted_by_id
    reader.read(WINDOW, Sink())
    assert not reader.sorted_by_id
    assert len(service.requests) == 1 + 3, "the first page shows it"
    before = len(service.requests)
    sink = Sink()
    reader.read(WINDOW, sink)
    assert len(sink.ids) == 12
    assert len(service.requests) - before == 3


def test_a_refused_page_size_is_replaced_once_for_all_pages():
    service = Service(maximum=200, refuses=True).fill(450)
    sink, result = read(service)
    assert len(sink.ids) == 450
    assert [request.json["detailedFilter"]["pageSize"] for request in service.requests] == [
        1000,
        200,
        200,
        200,
    ]
    assert result.pages == 3


def test_a_refused_page_size_is_not_tried_again_for_the_next_window():
    service = Service(maximum=200, refuses=True).fill(3)
    reader = reader_of(service.send)
    reader.read(WINDOW, Sink())
    reader.read(WINDOW, Sink())
    assert [request.json["detailedFilter"]["pageSize"] for request in service.requests] == [1000, 200, 200]


def test_a_refusal_that_no_page_size_mends_is_raised_as_it_came():
    service = Service(maximum=1, refuses=True).fill(2)
    with pytest.raises(ClockifyBadRequestError, match="page size"):
        read(service)
    assert [request.json["detailedFilter"]["pageSize"] for request in service.requests] == [1000, 200, 50]


def test_a_missing_workspace_is_not_taken_for_a_refused_page_size():
    requests = []

    def send(request: ApiRequest, decode: Any, abandoned: Any = None) -> Any:
        requests.append(request)
        raise ClockifyNotFoundError("no such workspace", status=400)

    reader = reader_of(send)
    with pytest.raises(ClockifyNotFoundError):
        reader.read(WINDOW, Sink())
    assert len(requests) == 1


def test_never_more_pages_are_asked_for_than_allowed():
    service = Service(maximum=5).fill(100)
    at_once, most = [0], [0]
    lock, original = threading.Lock(), service.send

    def send(request: ApiRequest, decode: Any, abandoned: Any = None) -> Any:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        try:
            return original(request, decode)
        finally:
            with lock:
                at_once[0] -= 1

    service.send = send  # type: ignore[method-assign]
    sink, _ = read(service, concurrency=3)
    assert len(sink.ids) == 100
    assert most[0] <= 3 + 1  # One page may be waiting to be decoded; the transport keeps it off the wire.


def test_pages_are_not_fetched_further_ahead_than_allowed():
    service = Service(maximum=5).fill(100)
    too_far = threading.Event()
    original = service.send

    def send(request: ApiRequest, decode: Any, abandoned: Any = None) -> Any:
        if request.json["detailedFilter"]["page"] > 1 + PAGES_AHEAD * 2:
            too_far.set()
        return original(request, decode)

    class SlowSink(Sink):
        def write(self, ids: Sequence[str], rows: Sequence[bytes], starts: Sequence[datetime]) -> None:
            if "000005" in ids:  # Page two, which is all that has been taken so far.
                assert not too_far.wait(0.2)
            super().write(ids, rows, starts)

    sink = SlowSink()
    reader_of(send, concurrency=2, page_size=5).read(WINDOW, sink)
    assert len(sink.ids) == 100


def test_an_error_on_a_later_page_is_raised_as_it_came():
    service = Service(maximum=5).fill(30)

    def fail() -> None:
        raise ClockifyResponseError("page four is odd")

    service.before = {4: [fail]}
    with pytest.raises(ClockifyResponseError, match="page four is odd"):
        read(service, concurrency=2)


# --- in motion ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """A change before the n-th request; ``place`` picks an entry as a fraction of the list."""

    before: int
    kind: str
    place: float
    number: int = 1


changes = st.lists(
    st.builds(
        Change,
        before=st.integers(2, 14),
        kind=st.sampled_from(["append", "insert", "delete", "edit", "swap"]),
        place=st.floats(0, 1, exclude_max=True),
        number=st.integers(1, 8),
    ),
    max_size=6,
)


def apply(service: Service, change: Change) -> None:
    for _ in range(change.number):
        rows = service.rows
        picked = int(change.place * len(rows))
        service_id = f"{service.made:06d}"
        if change.kind in ("delete", "swap") and rows:
            del rows[min(picked, len(rows) - 1)]
        if change.kind in ("append", "swap"):
            rows.append(service.row(f"9{service_id}"))
        elif change.kind == "insert":  # An old entry whose start was edited into the window.
            before = rows[picked]["_id"] if rows else "5"
            rows.append(service.row(f"{before}-{service_id}"))
        elif change.kind == "edit" and rows:
            rows[picked] = service.row(rows[picked]["_id"])


@given(
    number=st.integers(0, 40),
    maximum=st.integers(1, 12),
    concurrency=st.sampled_from([1, 1, 3]),
    planned=changes,
    shuffled=st.booleans(),
)
@example(number=9, maximum=3, concurrency=1, planned=[Change(2, "swap", 0.0)], shuffled=False)
@example(number=9, maximum=3, concurrency=1, planned=[Change(3, "insert", 0.0, 7)], shuffled=False)
@example(number=9, maximum=3, concurrency=1, planned=[Change(2, "delete", 0.0, 9)], shuffled=False)
@example(number=6, maximum=3, concurrency=1, planned=[Change(2, "edit", 0.0)], shuffled=False)
@settings(deadline=None, max_examples=250)
def test_a_list_in_motion_gives_one_of_its_states_or_an_error(
    number, maximum, concurrency, planned, shuffled
):
    service = Service(maximum=maximum, telling=True).fill(number)
    if shuffled:
        service.order = lambda row: (crc32(row["_id"].encode()) % 7, row["_id"])
    states: list[list[dict[str, Any]]] = [list(service.rows)]

    def step(change: Change) -> Callable[[], None]:
        def run() -> None:
            apply(service, change)
            states.append(list(service.rows))

        return run

    for change in planned:
        service.before.setdefault(change.before, []).append(step(change))
    try:
        sink, result = read(service, concurrency=concurrency)
    except ClockifyIncompleteError:
        assert planned, "a list at rest is never incomplete"
        return
    assert len(set(sink.ids)) == len(sink.ids) == result.rows
    found = sorted(sink.rows, key=lambda row: row["_id"])
    assert found in [sorted(state, key=lambda row: row["_id"]) for state in states]
    last = service.requests[-1].json["detailedFilter"]
    if concurrency == 1 and maximum > 1 and last["pageSize"] > 1:
        # One page at a time, and the proof is made against the last page: the state is that of the last request,
        # unless that one only looked whether a row is where it was.
        assert found == sorted(service.rows, key=lambda row: row["_id"])


@given(
    number=st.integers(1, 40),
    maximum=st.integers(1, 12),
    concurrency=st.sampled_from([1, 1, 3]),
    planned=st.dictionaries(
        st.integers(2, 14),
        st.one_of(
            st.tuples(st.just("append"), st.just(0.0), st.integers(1, 8)),
            st.tuples(st.just("delete"), st.floats(0, 1, exclude_max=True), st.integers(1, 8)),
            # More new ones than removed ones, so that the count alone looks like new ones.
            st.tuples(st.just("both"), st.floats(0, 1, exclude_max=True), st.integers(1, 4)),
        ),
        max_size=5,
    ),
)
@example(number=9, maximum=3, concurrency=1, planned={2: ("delete", 0.0, 1)})
@example(number=9, maximum=3, concurrency=1, planned={3: ("both", 0.0, 1)})
@settings(deadline=None, max_examples=250)
def test_entries_that_are_all_equally_long_are_missed_no_more_than_others(
    number, maximum, concurrency, planned
):
    service = Service(maximum=maximum, alike=True).fill(number)
    states = [[row["_id"] for row in service.rows]]

    def step(kind: str, place: float, many: int) -> Callable[[], None]:
        def run() -> None:
            if kind in ("delete", "both"):
                apply(service, Change(0, "delete", place, many))
            if kind in ("append", "both"):
                apply(service, Change(0, "append", place, many + (kind == "both")))
            states.append(sorted(row["_id"] for row in service.rows))

        return run

    service.before = {before: [step(*change)] for before, change in planned.items()}
    try:
        sink, _ = read(service, concurrency=concurrency)
    except ClockifyIncompleteError:
        assert planned, "a list at rest is never incomplete"
        return
    assert sink.ids in states


@given(
    number=st.integers(1, 60), maximum=st.integers(1, 12), added=st.integers(1, 40), before=st.integers(2, 6)
)
@settings(deadline=None)
def test_what_is_added_at_the_end_costs_only_the_pages_it_fills(number, maximum, added, before):
    service = Service(maximum=maximum).fill(number)
    service.before = {before: [lambda: apply(service, Change(before, "append", 0, added))]}
    sink, result = read(service, page_size=maximum)
    assert sink.ids == sorted(row["_id"] for row in service.rows)
    assert result.reads == 1
    pages = -(-len(service.rows) // maximum)
    seam = 1
    assert len(service.requests) <= pages + 1 + seam


def test_a_last_page_that_was_fetched_before_rows_were_added_is_read_again():
    service = Service(maximum=10).fill(25)
    last_is_read = threading.Event()
    original = service.send

    def send(request: ApiRequest, decode: Any, abandoned: Any = None) -> Any:
        page = request.json["detailedFilter"]["page"]
        if page == 2:
            assert last_is_read.wait(5)
            apply(service, Change(0, "append", 0, 3))

        def arrived(response: ApiResponse) -> Any:
            if page == 3:
                last_is_read.set()
            return decode(response)

        return original(request, arrived)

    service.send = send  # type: ignore[method-assign]
    sink, result = read(service, concurrency=2)
    assert sink.ids == sorted(row["_id"] for row in service.rows)
    assert result.reads == 1
    pages = [request.json["detailedFilter"]["page"] for request in service.requests]
    assert pages[:4] == [1, 3, 2, 3]
    assert pages[4:] == [10, 20], "whether the rows at the two seams are where they were"


def test_the_tail_is_read_no_further_than_the_service_counts():
    service = Service(maximum=10).fill(25)
    service.before = {3: [lambda: apply(service, Change(0, "append", 0, 15))]}
    sink, _ = read(service)
    assert len(sink.ids) == 40
    seam = 20  # The last row before the change still has its place.
    assert [request.json["detailedFilter"]["page"] for request in service.requests] == [1, 2, 3, 4, seam]


def test_rows_pushed_back_by_more_than_a_page_are_not_taken_for_another_order():
    service = Service(maximum=10).fill(30)
    service.before = {3: [lambda: apply(service, Change(0, "insert", 0.0, 11))]}
    sink = Sink()
    reader = reader_of(service.send)
    reader.read(WINDOW, sink)
    assert len(sink.ids) == 41
    assert reader.sorted_by_id


def test_a_list_that_became_shorter_is_read_anew_at_once():
    service = Service(maximum=10).fill(50)
    service.before = {3: [lambda: apply(service, Change(0, "delete", 0.0, 30))]}
    sink, _ = read(service)
    assert sink.rows == service.rows
    assert [request.json["detailedFilter"]["page"] for request in service.requests] == [1, 2, 3, 4, 5, 1, 2]


def test_a_change_in_the_middle_costs_one_more_read():
    service = Service(maximum=10).fill(50)
    service.before = {3: [lambda: apply(service, Change(3, "delete", 0.0))]}
    sink, result = read(service)
    assert sink.rows == service.rows
    assert result.reads == 2
    assert sink.restarts == 2
    assert result.pages == len(service.requests) == 11


def test_restless_data_are_given_up_with_a_cure_after_a_few_reads():
    service = Service(maximum=10).fill(50)
    service.before = {number: [lambda: apply(service, Change(0, "swap", 0.0))] for number in range(1, 99)}
    with pytest.raises(ClockifyIncompleteError, match=r"Run again when fewer") as caught:
        read(service)
    assert f"in {MAX_READS} attempts" in str(caught.value)
    assert "2026-11-01T00:00:00Z to 2026-11-02T00:00:00Z" in str(caught.value)
    assert len(service.requests) <= MAX_READS * 6


def test_rows_that_come_twice_are_written_once_and_counted():
    service = Service(maximum=10).fill(25)

    def double(number: int, answer: dict[str, Any]) -> None:
        if number == 2:  # A fixed bug of the service once gave an extra row on page two.
            answer["timeentries"].insert(0, service.rows[9])

    service.alter = double
    sink, result = read(service)
    assert sink.rows == service.rows
    assert result.duplicates == 1


# --- the proof ----------------------------------------------------------------------------------------------


def wrong(change: Callable[[dict[str, Any]], object]) -> Callable[[int, dict[str, Any]], None]:
    return lambda number, answer: change(answer["totals"][0]) and None


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda t: t.update(entriesCount=6), "5 distinct rows received, the service counts 6"),
        (lambda t: t.update(entriesCount=4), "5 distinct rows received, the service counts 4"),
        (lambda t: t.update(totalTime=t["totalTime"] + 1), "the service counts"),
        (lambda t: t.update(totalTime=t["totalTime"] - 1), "the service counts"),
        (
            lambda t: t.update(totalAmountByCurrency=[{"currency": "EUR", "amount": 497}]),
            "the service says 4.97 EUR",
        ),
        (
            lambda t: t.update(totalAmountByCurrency=[{"currency": "USD", "amount": 500}]),
            "the service says 5 USD",
        ),
        (lambda t: t.update(totalAmountByCurrency=[]), "the service says nothing"),
    ],
)
def test_figures_that_disagree_are_named(change, text):
    service = Service()
    service.rows = [service.row(str(number), amount=100, currency="EUR") for number in range(5)]
    service.alter = wrong(change)
    with pytest.raises(ClockifyIncompleteError) as caught:
        read(service)
    assert text in str(caught.value)


@pytest.mark.parametrize("totals", [{}, [], None])
def test_amounts_that_the_service_does_not_show_prove_nothing(totals):
    service = Service()
    service.rows = [service.row(str(number)) for number in range(5)]
    service.alter = wrong(lambda t: t.update(totalAmountByCurrency=totals))
    _, result = read(service)
    assert result.money == {}


def test_time_that_the_service_does_not_show_proves_nothing():
    service = Service().fill(5)
    service.alter = wrong(lambda t: t.update(totalTime=None))
    assert read(service)[1].rows == 5


def test_fractions_of_sums_may_differ_in_their_last_digits():
    service = Service()
    service.rows = [service.row(str(n), amount=40055.5555555555, currency="EUR") for n in range(9)]
    service.alter = wrong(
        lambda t: t.update(totalAmountByCurrency=[{"currency": "EUR", "amount": 360499.9999999999}])
    )
    _, result = read(service)
    assert result.money == {"EUR": Decimal("40055.5555555555") * 9}


def test_money_is_summed_per_currency_and_exactly():
    service = Service()
    amounts = [("EUR", 0.1), ("EUR", 0.2), ("USD", 14250.0), ("EUR", -0.3), ("CHF", 0.0)]
    service.rows = [service.row(str(n), amount=a, currency=c) for n, (c, a) in enumerate(amounts)]
    _, result = read(service)
    assert result.money == {"EUR": Decimal("0.0"), "USD": Decimal("14250.0")}


def test_rows_without_currency_are_in_the_workspaces_only_one():
    service = Service()
    service.rows = [service.row("1", amount=5), service.row("2", amount=7, currency="EUR")]
    service.alter = wrong(lambda t: t.update(totalAmountByCurrency=[{"currency": "EUR", "amount": 12}]))
    assert read(service)[1].rows == 2
    service.alter = wrong(lambda t: t.update(totalAmountByCurrency=[{"currency": "EUR", "amount": 14}]))
    with pytest.raises(ClockifyIncompleteError):
        read(service)


@given(
    st.lists(st.integers(0, 10**6).map(lambda each: Decimal(each) / 1000), min_size=1, max_size=30),
    st.sampled_from(["rows", "total"]),
)
@settings(deadline=None)
def test_rounding_of_either_rows_or_their_sum_is_no_missing_row_and_is_reported(amounts, rounded):
    service = Service()
    exact = sum(amounts)
    shown = [round(each) for each in amounts] if rounded == "rows" else amounts
    service.rows = [service.row(f"{n:03}", amount=float(a), currency="EUR") for n, a in enumerate(shown)]
    total = exact if rounded == "rows" else round(exact)
    service.alter = wrong(
        lambda t: t.update(totalAmountByCurrency=[{"currency": "EUR", "amount": float(total)}])
    )
    _, result = read(service)
    assert result.rows == len(amounts)
    assert len(service.requests) == 1, "nothing is read again"
    differs = abs(Decimal(sum(shown)) - Decimal(total))
    assert set(result.rounded) == ({"EUR"} if differs >= Decimal("0.5") else set())


def test_rounding_is_allowed_for_the_rows_of_its_own_currency_only():
    service = Service()
    rows = [("EUR", 100)] * 9 + [("USD", 100)]
    service.rows = [service.row(str(n), amount=a, currency=c) for n, (c, a) in enumerate(rows)]
    for off, dollars in ((0, 100.5), (4, 100), (0, 99.5)):
        totals = [{"currency": "EUR", "amount": 900 + off}, {"currency": "USD", "amount": dollars}]
        service.alter = wrong(lambda t, totals=totals: t.update(totalAmountByCurrency=totals))
        assert read(service)[1].rows == 10
    service.alter = wrong(
        lambda t: t.update(
            totalAmountByCurrency=[{"currency": "EUR", "amount": 900}, {"currency": "USD", "amount": 101}]
        )
    )
    with pytest.raises(ClockifyIncompleteError, match=r"1\.01 USD"):
        read(service)


@pytest.mark.parametrize("counted", [True, False])
def test_breaks_may_or_may_not_count_into_the_services_total(counted):
    service = Service().fill(4)
    service.rows[2]["type"] = "BREAK"
    pause = 0 if counted else service.rows[2]["timeInterval"]["duration"]
    service.alter = wrong(lambda t: t.update(totalTime=t["totalTime"] - pause))
    assert read(service)[1].rows == 4


def test_running_timers_are_left_out_and_their_time_so_far_is_no_difference():
    service = Service().fill(4)
    service.rows[1]["timeInterval"].update(end=None, duration=None)
    service.totals = lambda: [{"entriesCount": 4, "totalTime": 10**9}]  # type: ignore[method-assign]
    sink, result = read(service)
    assert sink.ids == ["000000", "000002", "000003"]
    assert (result.rows, result.running) == (3, 1)
    assert result.seconds == sum(row["timeInterval"]["duration"] for row in sink.rows)


def test_rows_outside_of_the_window_are_left_out_but_belong_to_the_proof():
    service = Service()
    service.rows = [
        service.row("1"),
        service.row("2", OUTSIDE),
        service.row("3", "2026-11-02T01:00:00+02:00"),
        service.row("4", "2026-10-31T23:59:59.999Z"),
        service.row("5", "2026-11-01T00:00:00Z"),
    ]
    sink, result = read(service)
    assert sink.ids == ["1", "3", "5"]
    assert (result.rows, result.outside) == (3, 2)


BEFORE, AFTER = "2026-10-31T21:00:00Z", "2026-11-02T00:00:02Z"


@pytest.mark.parametrize("strays", [[BEFORE], [AFTER, AFTER]], ids=["before", "after"])
def test_a_window_that_was_moved_is_an_error(strays):
    service = Service()
    service.rows = [service.row(str(number), start) for number, start in enumerate([INSIDE, *strays])]
    with pytest.raises(ClockifyResponseError, match="reads the bounds in another time zone than UTC"):
        read(service)


def test_a_window_that_was_widened_is_none():
    service = Service()
    service.rows = [service.row(str(number), start) for number, start in enumerate([INSIDE, BEFORE, AFTER])]
    assert read(service)[1].rows == 1


def test_an_entry_that_reaches_into_the_window_is_left_out_without_an_error():
    service = Service()
    service.rows = [service.row("1"), service.row("2", "2026-10-31T23:59:30Z")]  # It lasts a minute.
    sink, result = read(service)
    assert (sink.ids, result.outside) == (["1"], 1)


def test_a_row_of_another_user_than_asked_for_is_an_error():
    service = Service()
    service.rows = [service.row("1", userId="u1"), service.row("2", userId="u2")]
    users = {"users": {"ids": ["u1"], "contains": "CONTAINS", "status": "ALL"}}
    with pytest.raises(ClockifyResponseError, match="gave 2 of user u2, whom filters"):
        read(service, filters=users)
    others = {"users": {"ids": ["u3"], "contains": "DOES_NOT_CONTAIN", "status": "ALL"}}
    assert read(service, filters=others)[1].rows == 2


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_row_without_id_is_an_error_wherever_it_stands(number):
    service = Service().fill(3)
    service.alter = lambda _, answer: answer["timeentries"].__setitem__(
        number, {**answer["timeentries"][number], "_id": None}
    )
    with pytest.raises(ClockifyResponseError, match="has no id"):
        read(service)


def test_an_id_under_its_documented_name_is_read():
    service = Service()
    row = service.row("x")
    service.alter = lambda _, answer: answer.update(timeentries=[{**row, "id": row["_id"], "_id": None}])
    service.rows = [row]
    written: list[str] = []

    class Ids(Sink):
        def write(self, ids: Sequence[str], rows: Sequence[bytes], starts: Sequence[datetime]) -> None:
            written.extend(ids)

    reader_of(service.send).read(WINDOW, Ids())
    assert written == ["x"]


def test_an_answer_without_count_cannot_be_proven():
    service = Service().fill(3)
    service.alter = lambda _, answer: answer.update(totals=[{"totalTime": 5}])
    with pytest.raises(ClockifyResponseError, match="no entriesCount"):
        read(service)


@pytest.mark.parametrize("totals", [[None], [], None])
def test_nothing_found_in_all_its_forms_is_an_empty_result(totals):
    service = Service()
    service.alter = lambda _, answer: answer.update(totals=totals)
    sink, result = read(service)
    assert sink.ids == []
    assert (result.rows, result.seconds, result.money, result.pages) == (0, 0, {}, 1)


def test_an_empty_page_while_the_service_counts_rows_is_an_error():
    service = Service().fill(5)
    service.alter = lambda _, answer: answer.update(timeentries=[])
    with pytest.raises(ClockifyIncompleteError, match="an empty first page, the service counts 5"):
        read(service)
    assert len(service.requests) == MAX_READS


def test_all_requests_ask_for_the_same_window_and_filters():
    service = Service(maximum=10).fill(35)
    read(service, filters={"billable": True})
    bodies = [dict(request.json) for request in service.requests]
    parts = [body.pop("detailedFilter") for body in bodies]
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["billable"] is True
    assert [part["page"] for part in parts] == [1, 2, 3, 4]
    assert timedelta(days=1) - timedelta(milliseconds=1) == datetime.fromisoformat(
        bodies[0]["dateRangeEnd"]
    ) - datetime.fromisoformat(bodies[0]["dateRangeStart"])
