# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What is done for all rows of a page in one step gives what doing it row by row gives."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.export.plan import Output
from airflow_provider_clockify.export.spools import Spools
from airflow_provider_clockify.export.storage import Staging, Target
from airflow_provider_clockify.reading.chunk_reading import moved_entries
from airflow_provider_clockify.reading.reader import ReadResult
from airflow_provider_clockify.reading.report_reader import ReportReader
from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse
from airflow_provider_clockify.service.page_rows import PageRows, all_summable, summable
from airflow_provider_clockify.service.report_kinds import detailed, expenses, read_attendance, read_groups
from airflow_provider_clockify.service.values import instant, instants, lines, one_line
from airflow_provider_clockify.window import Window

WINDOW = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))

ENTRIES = st.lists(
    st.fixed_dictionaries(
        {
            "_id": st.text("abc\\é\n", min_size=1, max_size=3),
            "hour": st.integers(-2, 26),
            "offset": st.sampled_from([0, 0, 0, 5, -11]),
            "end": st.sampled_from([True, True, True, False]),
            "duration": st.one_of(st.none(), st.integers(0, 5000)),
            "type": st.sampled_from(["REGULAR", "BREAK", None]),
            "amount": st.one_of(st.none(), st.integers(-50, 5000)),
            "currency": st.sampled_from(["EUR", "USD", None]),
            "userId": st.sampled_from(["u1", "u2", "u3", None]),
        }
    ),
    unique_by=itemgetter("_id"),
    min_size=1,
    max_size=12,
)


def on_the_wire(entry: dict[str, Any]) -> dict[str, Any]:
    fields = dict(entry)
    zone = timezone(timedelta(hours=fields.pop("offset")))
    start = (WINDOW.start + timedelta(hours=fields.pop("hour"))).astimezone(zone).isoformat()
    end = start if fields.pop("end") else None
    return {**fields, "timeInterval": {"start": start, "end": end, "duration": fields.pop("duration")}}


class Sink:
    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes, datetime]] = []

    def write(self, ids: Any, rows: Any, starts: Any) -> None:
        assert ids, "nothing is handed over"
        self.taken += zip(ids, map(bytes, rows), starts, strict=True)

    def restart(self) -> None:
        self.taken = []


def read(entries: list[dict[str, Any]], size: int, users: list[str] | None = None) -> tuple[Sink, ReadResult]:
    """Read them as a service gives them that has so many rows a page."""
    intervals = [entry["timeInterval"] for entry in entries]
    # The service may count the time that open timers have run so far.
    is_open = any(
        each["end"] is None and datetime.fromisoformat(each["start"]) in WINDOW for each in intervals
    )
    total = sum(each["duration"] or 0 for each in intervals) + is_open * 1000
    totals = {"entriesCount": len(entries), "totalTime": total}

    def send(request: ApiRequest, decode: Any, abandoned: Any = None) -> Any:
        page = request.json["detailedFilter"]["page"]
        body = {"totals": [totals], "timeentries": entries[(page - 1) * size : page * size]}
        return decode(ApiResponse(200, {}, msgspec.json.encode(body)))

    sink = Sink()
    filters = {"users": {"ids": users, "contains": "CONTAINS"}} if users else {}
    return sink, ReportReader(send, detailed("w", filters), concurrency=1).read(WINDOW, sink)


@given(ENTRIES, st.booleans())
@settings(deadline=None)
def test_a_page_of_many_rows_is_read_as_many_pages_of_one(entries, is_sorted):
    rows = [
        on_the_wire(entry) for entry in (sorted(entries, key=itemgetter("_id")) if is_sorted else entries)
    ]
    try:
        one, expected = read(rows, 1)
    except ClockifyResponseError as error:  # All rows from outside come from one side: the window was moved.
        with pytest.raises(ClockifyResponseError, match=re.escape(str(error))):
            read(rows, 1000)
        return
    many, found = read(rows, 1000)
    assert many.taken == one.taken
    expected.pages = expected.reads = found.pages = found.reads = 0
    assert found.ids == [row["_id"] for row in rows]
    expected.ids = found.ids = None  # Known only if they are on one page.
    assert found == expected
    wanted = {
        row["_id"]: row
        for row in rows
        if row["timeInterval"]["end"] and datetime.fromisoformat(row["timeInterval"]["start"]) in WINDOW
    }
    assert {row_id: msgspec.json.decode(row) for row_id, row, _ in many.taken} == wanted
    assert all(start.tzinfo is UTC for _, _, start in many.taken)
    assert found.rows == len(wanted)
    inside = [row for row in rows if datetime.fromisoformat(row["timeInterval"]["start"]) in WINDOW]
    assert (found.outside, found.running) == (len(rows) - len(inside), len(inside) - len(wanted))
    assert found.seconds == sum(row["timeInterval"]["duration"] or 0 for row in wanted.values())
    for currency in ("EUR", "USD"):
        amounts = [row["amount"] or 0 for row in wanted.values() if row["currency"] == currency]
        assert found.money.get(currency, 0) == sum(amounts)
    assert len(found.users) == min(2, len({row["userId"] for row in rows} - {None}))


def plain(number: int) -> dict[str, Any]:
    return {"_id": f"e{number}", "hour": 3, "offset": 0, "end": True, "duration": 1, "userId": f"u{number}"}


@pytest.mark.parametrize("size", [1, 1000])
def test_the_row_of_a_user_that_was_not_asked_for_is_named(size):
    rows = [on_the_wire(entry) for entry in map(plain, range(4))]
    with pytest.raises(ClockifyResponseError, match="gave e2 of user u2"):
        read(rows, size, users=["u0", "u1", "u3"])


@pytest.mark.parametrize(("field", "place"), [("duration", ("timeInterval",)), ("amount", ())])
@pytest.mark.parametrize("number", ["NaN", "-Infinity", "sNaN", 10**26])
def test_the_row_with_a_number_that_no_sum_can_be_proven_over_is_named(number, field, place):
    rows = [on_the_wire(entry) for entry in map(plain, range(3))]
    holder = rows[1]["timeInterval"] if place else rows[1]
    holder[field] = number
    body = msgspec.json.encode({"totals": [{"entriesCount": 3}], "timeentries": rows})
    with pytest.raises(ClockifyResponseError, match=rf"Row 1 .*id e1\).*{field} is {number}, no number"):
        detailed("w", {}).decode(ApiResponse(200, {}, body))


@pytest.mark.parametrize(
    ("decode", "answer"),
    [
        (detailed("w", {}).decode, {"totals": [{"entriesCount": 1}], "timeentries": [on_the_wire(plain(1))]}),
        (
            expenses("w", {}).decode,
            {"totals": {"expensesCount": 1}, "expenses": [{"id": "x", "date": "2026-11-01"}]},
        ),
        (read_groups, {"groupOne": [{"duration": 1}]}),
        (read_attendance, {"entities": [{"userId": "u", "date": "2026-11-01"}]}),
    ],
    ids=["detailed", "expenses", "groups", "attendance"],
)
def test_text_that_is_not_utf_8_is_no_answer(decode, answer):
    rows = next(value for name, value in answer.items() if name != "totals")
    rows[0]["note"] = "here"
    body = msgspec.json.encode(answer)
    decode(ApiResponse(200, {}, body))
    with pytest.raises(UnicodeDecodeError):
        decode(ApiResponse(200, {}, body.replace(b"here", b"h\xffre")))


def test_expenses_begin_with_their_day_and_count_with_their_amount():
    rows = [
        {"id": "x1", "date": "2026-11-01", "amount": 1250.5},
        {"id": "x2", "date": "2026-11-01T08:00:00+02:00"},
    ]
    body = msgspec.json.encode({"totals": {"expensesCount": 2, "totalAmount": 1250.5}, "expenses": rows})
    page = expenses("w", {}).decode(ApiResponse(200, {}, body))
    assert page.rows.starts == [datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)]
    assert page.rows.amounts == [Decimal("1250.5"), 0]
    assert [msgspec.json.decode(row) for row in page.rows.rows] == rows


@given(st.lists(st.tuples(st.text(), st.booleans())))
def test_some_of_the_rows_are_the_same_in_every_column(pairs):
    texts = [text for text, _ in pairs]
    page = PageRows(*[texts] * len(PageRows.__slots__))
    kept = page.only(wanted for _, wanted in pairs)
    expected = [text for text, wanted in pairs if wanted]
    assert len(kept) == len(expected)
    assert all(getattr(kept, name) == expected for name in PageRows.__slots__)


@given(st.lists(st.decimals() | st.decimals(-(10**27), 10**27), max_size=5))
@example([Decimal("sNaN")])
@example([Decimal("NaN")])
@example([Decimal(10) ** 26])
@example([-(Decimal(10) ** 26), Decimal(0)])
@example([Decimal(10) ** 26 - 1, 1 - Decimal(10) ** 26])
def test_many_numbers_can_be_summed_if_each_can(numbers):
    assert all_summable(numbers) == all(map(summable, numbers))


TIMES = st.sampled_from(
    [
        "2026-11-01T08:00:00Z",
        "2026-11-01T08:00:00.5+02:00",
        "2026-11-01T08:00:00",
        "soon",
        "0001-01-01T00:00:00+05:00",
    ]
)


@given(st.lists(TIMES, max_size=4))
def test_many_times_are_read_as_each_is(texts):
    def outcome(read: Any) -> Any:
        try:
            return read()
        except ClockifyResponseError as error:
            return str(error)

    ids = [f"e{number}" for number in range(len(texts))]
    found = outcome(lambda: instants(texts, ids))
    assert found == outcome(lambda: list(map(instant, texts, ids)))
    assert isinstance(found, str) or all(value.tzinfo is UTC for value in found)


@given(st.lists(st.sampled_from([b'{"a":1}', b'{"a":\n1}', b"{\n\n}", b'"\\n"']), max_size=5))
def test_many_rows_are_lines_as_each_is(rows):
    assert lines(rows) == b"".join(map(one_line, rows))
    assert lines([msgspec.Raw(row) for row in rows]) == lines(rows)


@given(st.lists(st.sampled_from(["a", "é", "b\\", "c\nd", "e\u2028", "x"]), unique=True, min_size=1))
@settings(deadline=None)
def test_an_id_is_found_again_whatever_ids_are_beside_it(tmp_path_factory, ids):
    folder: Path = tmp_path_factory.mktemp("spools")
    output = Output(WINDOW)
    with Staging(Target(str(folder / "out")), is_base=False) as staging:
        files = []
        for name, chunk in (("0", ids), ("1", ids[:1])):
            spools = Spools(staging, name, [output])
            spools.restart()
            spools.write(chunk, [b"{}"] * len(chunk), [WINDOW.start] * len(chunk))
            spools.close()
            spools.ids.close()
            spools.ids.put_in_order(came_in_order=chunk == sorted(chunk))
            text = spools.ids.path.read_text(encoding="utf-8").splitlines(keepends=True)
            assert len(text) == len(chunk)
            assert text == sorted(text)
            files.append(spools.ids.path)
        assert moved_entries([(files[0], 0), (files[1], 1)]) == [0]
