# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What is assumed about the service: the table, the requests, and how answers are judged."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from operations import OPERATIONS

from airflow_provider_clockify.conformance.answers import (
    OFFSET,
    WEEK,
    Answer,
    DoesNotHoldError,
    Found,
    NotTriedError,
    day_in_zone,
    month_of,
    week_of,
)
from airflow_provider_clockify.conformance.assumptions import ASSUMPTIONS, BY_NUMBER
from airflow_provider_clockify.conformance.judging import CHECKS, judge
from airflow_provider_clockify.conformance.list_checks import hosts, last_page, too_many_requests
from airflow_provider_clockify.conformance.reads_only import is_read
from airflow_provider_clockify.conformance.report_checks import (
    breaks,
    empty_report,
    entries_count,
    hundredths,
    hundredths_of_yen,
    page_too_large,
    running_timers,
    sorted_by_id,
    stable_pages,
    total_time,
    unrounded_durations,
)
from airflow_provider_clockify.conformance.tries import BY_NAME, MOST_REQUESTS, TRIES, needed
from airflow_provider_clockify.service.messages import ApiRequest
from airflow_provider_clockify.window import Window

ROOT = Path(__file__).parents[2]
WORKSPACE = "66b0c1a2d3e4f5a6b7c8d001"
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
REQUEST = ApiRequest("generateDetailedReport", "reports", "POST", f"/workspaces/{WORKSPACE}/reports/detailed")


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(REQUEST, status, headers, json.dumps(body).encode())


def row(
    number: int, *, start: datetime = datetime(2026, 11, 2, 8, tzinfo=UTC), **fields: Any
) -> dict[str, Any]:
    """Return a row that lasts as many seconds as its number says."""
    end = (start + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    interval = {"start": start.strftime("%Y-%m-%dT%H:%M:%SZ"), "end": end, "duration": number}
    return {"_id": f"{number:024x}", "userId": "u1", "timeInterval": interval, "type": "REGULAR", **fields}


def report(rows: list[dict[str, Any]], **totals: Any) -> Answer:
    seconds = sum(each["timeInterval"]["duration"] for each in rows)
    return answer(
        {"timeentries": rows, "totals": [{"entriesCount": len(rows), "totalTime": seconds, **totals}]}
    )


def found_with(**answers: Answer) -> Found:
    return Found(WORKSPACE, NOW, answers=dict(answers))


# --- the table ------------------------------------------------------------------------------------------------------


def test_numbers_and_names_are_unique_and_in_order():
    assert [each.number for each in ASSUMPTIONS] == list(range(1, len(ASSUMPTIONS) + 1))
    assert set(CHECKS) == {each.name for each in ASSUMPTIONS}
    assert len(CHECKS) == len(ASSUMPTIONS) == len({each.claim for each in ASSUMPTIONS})


@pytest.mark.parametrize("assumption", ASSUMPTIONS, ids=lambda each: each.name)
def test_what_depends_on_an_assumption_is_there(assumption):
    package = ROOT / "airflow_provider_clockify"
    assert [name for name in assumption.code if not (package / name).exists()] == []
    assert [name for name in assumption.pages if not (ROOT / "docs" / name).exists()] == []
    assert assumption.code
    assert assumption.pages
    assert set(assumption.tries) <= set(BY_NAME)
    for text in (assumption.claim, assumption.otherwise):
        assert text.endswith(".")


def test_all_requests_fit_into_the_hour_of_a_free_workspace():
    assert len(needed(name for each in ASSUMPTIONS for name in each.tries)) <= MOST_REQUESTS == 25
    assert len(TRIES) == len(BY_NAME) <= MOST_REQUESTS


def test_a_request_comes_after_those_that_it_needs():
    for number, each in enumerate(TRIES):
        assert set(each.needs) <= {earlier.name for earlier in TRIES[:number]}


def test_one_assumption_costs_only_what_it_needs():
    assert [each.name for each in needed(BY_NUMBER[39].tries)] == ["wrong_project"]
    assert [each.name for each in needed(BY_NUMBER[2].tries)] == ["year", "month", "second_page"]


# --- reads ----------------------------------------------------------------------------------------------------------

READ_POSTS = {
    "generateDetailedReport",
    "generateSummaryReport",
    "generateWeeklyReport",
    "generateAttendanceReport",
    "generateDetailedReportV1",
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_of_all_operations_that_we_know_only_reads_pass(operation):
    method, path = OPERATIONS[operation].call.split(" ")
    service = "reports" if "/reports/" in path else "core"
    where = path.removeprefix("/v1")
    for name in ("workspaceId", "projectId", "userId", "invoiceId", "policyId", "id"):
        where = where.replace(f"{{{name}}}", WORKSPACE)
    request = ApiRequest(operation, service, method, where, json={} if method != "GET" else None)
    assert is_read(request) is (method == "GET" or operation in READ_POSTS)


@given(
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    st.sampled_from(["core", "reports"]),
    st.text("abdeiklmnoprstuwy/%2.-", max_size=40),
)
def test_nothing_but_a_get_or_the_post_of_a_report_passes(method, service, tail):
    path = f"/workspaces/{WORKSPACE}/{tail}"
    passes = is_read(ApiRequest("anything", service, method, path, json=None if method == "GET" else {}))
    known = {"detailed", "summary", "weekly", "attendance", "expenses/detailed"}
    is_report = method == "POST" and service == "reports" and tail in {f"reports/{name}" for name in known}
    assert passes is (method == "GET" or is_report)


@pytest.mark.parametrize(
    "path", ["/shared-reports", "/reports/detailed", "/workspaces/w/reports/detailed/x", ""]
)
def test_a_post_that_only_looks_like_a_report_does_not_pass(path):
    assert not is_read(ApiRequest("anything", "reports", "POST", path, json={}))
    assert not is_read(replace(REQUEST, service="core"))
    assert not is_read(ApiRequest("a GET with a body", "core", "GET", "/user", json={"a": 1}))
    assert is_read(REQUEST)


# --- judgements -----------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 10_000), min_size=3, max_size=40, unique=True), st.booleans())
def test_the_second_page_is_the_second_half_or_the_order_is_not_stable(numbers, is_moved):
    rows = [row(number) for number in numbers]
    size = len(rows) // 2
    second = rows[size : 2 * size]
    if is_moved:
        second = rows[:size]
    found = found_with(month=report(rows), second_page=report(second, entriesCount=len(rows)))
    if is_moved:
        with pytest.raises(DoesNotHoldError, match="Page 2"):
            stable_pages(found)
    else:
        assert stable_pages(found)


@given(st.lists(st.integers(1, 10_000), min_size=3, max_size=20, unique=True))
def test_ids_are_judged_to_be_sorted_if_they_are(numbers):
    day = timedelta(days=1)
    # Later ids start earlier, so that no order by start looks the same.
    starts = {
        number: datetime(2026, 11, 28, tzinfo=UTC) - place * day
        for place, number in enumerate(sorted(numbers))
    }
    found = found_with(month=report([row(number, start=starts[number]) for number in numbers]))
    if numbers == sorted(numbers):
        assert sorted_by_id(found)
    else:
        with pytest.raises(DoesNotHoldError):
            sorted_by_id(found)


def test_an_order_that_may_be_that_of_starts_proves_nothing():
    rows = [row(number, start=datetime(2026, 11, number, tzinfo=UTC)) for number in (1, 2, 3)]
    with pytest.raises(NotTriedError, match="Add one for an earlier day"):
        sorted_by_id(found_with(month=report(rows)))


@given(
    st.lists(
        st.tuples(st.integers(1, 5000), st.booleans()),
        min_size=2,
        max_size=20,
        unique_by=lambda pair: pair[0],
    ),
    st.sampled_from(["all", "none", "half"]),
)
def test_breaks_count_wholly_or_not_at_all(entries, way):
    rows = [row(number, type="BREAK" if is_break else "REGULAR") for number, is_break in entries]
    pauses = sum(number for number, is_break in entries if is_break)
    total = sum(number for number, _ in entries) - {"all": 0, "none": pauses, "half": pauses / 2}[way]
    found = found_with(month=report(rows, totalTime=total), second_page=report(rows, totalTime=total))
    if not pauses:
        with pytest.raises(NotTriedError, match="track one"):
            breaks(found)
    elif way == "half" and pauses > 1:
        with pytest.raises(DoesNotHoldError):
            breaks(found)
        with pytest.raises(DoesNotHoldError):
            total_time(found)
    elif way != "half":
        assert breaks(found) == (
            "Breaks count with all of their seconds." if way == "all" else "Breaks count not at all."
        )
        assert total_time(found)


@pytest.mark.parametrize(("first", "second", "holds"), [(3, 3, True), (3, 2, False), (2, 2, False)])
def test_the_count_is_that_of_all_rows_on_every_page(first, second, holds):
    rows = [row(number) for number in (1, 2, 3)]
    found = found_with(
        month=report(rows, entriesCount=first), second_page=report(rows[1:2], entriesCount=second)
    )
    if holds:
        assert entries_count(found)
    else:
        with pytest.raises(DoesNotHoldError):
            entries_count(found)


@given(st.integers(1, 100_000), st.integers(-60, 60))
def test_a_rounded_duration_is_noticed(seconds, off):
    entry = row(seconds)
    entry["timeInterval"]["duration"] += off
    found = found_with(month=report([entry]))
    if off:
        with pytest.raises(DoesNotHoldError, match="1 of 1"):
            unrounded_durations(found)
    else:
        assert unrounded_durations(found)


@pytest.mark.parametrize("totals", [[None], [], None, [{"entriesCount": 0, "totalTime": 0}]])
def test_every_recorded_shape_of_an_empty_report_is_one(totals):
    body = {"timeentries": []} | ({} if totals is None else {"totals": totals})
    assert empty_report(found_with(month=report([row(1)]), empty=answer(body)))


@pytest.mark.parametrize("body", [{"totals": [None]}, {"timeentries": [], "totals": [{"entriesCount": 3}]}])
def test_other_shapes_of_an_empty_report_are_noticed(body):
    with pytest.raises(DoesNotHoldError):
        empty_report(found_with(empty=answer(body)))


@pytest.mark.parametrize(
    ("rows", "count", "holds"),
    [
        ([], 0, True),
        ([{"end": None}], 1, True),
        ([{"end": "2026-11-29T11:00:00Z"}], 1, False),
        ([], 1, False),
    ],
)
def test_running_timers_are_listed_and_counted_or_neither(rows, count, holds):
    listed = [row(1) | {"timeInterval": {**row(1)["timeInterval"], "duration": 0, **each}} for each in rows]
    found = found_with(
        running=answer([{"id": f"{1:024x}"}]), running_report=report(listed, entriesCount=count)
    )
    if holds:
        assert running_timers(found)
    else:
        with pytest.raises(DoesNotHoldError):
            running_timers(found)


@pytest.mark.parametrize(
    ("status", "message", "holds"),
    [
        (400, "too large", True),
        (400, "Page doesn't belong to Workspace", False),
        (500, "", False),
        (403, "", False),
    ],
)
def test_how_a_large_page_is_refused(status, message, holds):
    found = found_with(too_large=answer({"message": message, "code": 501}, status))
    if holds:
        assert page_too_large(found) == "It is refused: 400, code 501."
    else:
        with pytest.raises(DoesNotHoldError):
            page_too_large(found)


def test_a_missing_header_of_the_last_page_is_noticed():
    projects = [{"id": f"{number}"} for number in range(4)]
    every = replace(answer(projects), headers={"last-page": "true"})
    assert last_page(
        found_with(
            projects=every, projects_page=replace(answer(projects[1:2]), headers={"last-page": "false"})
        )
    )
    for page in (answer(projects[1:2]), replace(answer(projects[:1]), headers={"last-page": "false"})):
        with pytest.raises(DoesNotHoldError):
            last_page(found_with(projects=every, projects_page=page))


def test_hosts_are_judged_where_the_region_names_them():
    with pytest.raises(NotTriedError, match="names its own hosts"):
        hosts(found_with(user=answer({}), month=report([])))
    region = replace(
        found_with(user=answer({}), month=report([])), hosts="euc1.clockify.me and euc1.clockify.me"
    )
    assert hosts(region) == "Both services answer on euc1.clockify.me and euc1.clockify.me."
    region.answers["month"] = answer({"message": "no", "code": 4003}, 401)
    with pytest.raises(DoesNotHoldError, match="401, code 4003"):
        hosts(region)
    region.unanswered.add("month")
    with pytest.raises(DoesNotHoldError, match="was not answered"):
        hosts(region)


@pytest.mark.parametrize(
    ("header", "holds"), [("30", True), ("Sun, 29 Nov 2026 12:00:00 GMT", True), ("soon", False)]
)
def test_what_a_429_looks_like(header, holds):
    refused = Answer(REQUEST, 429, {"retry-after": header}, b'{"message":"Too many requests","code":429}')
    found = Found(WORKSPACE, NOW, refusals=[refused])
    if holds:
        assert too_many_requests(found) == "1 refusals: headers retry-after, code 429."
    else:
        with pytest.raises(DoesNotHoldError):
            too_many_requests(found)


# --- money ----------------------------------------------------------------------------------------------------------


def csv_of(cells: list[tuple[str, str]], name: str = "Billable Amount (EUR)") -> Answer:
    lines = [f'"Duration (decimal)","{name}"', *(f'"{hours}","{money}"' for hours, money in cells)]
    return Answer(REQUEST, 200, {"content-type": "text/csv"}, "\n".join(lines).encode())


def paid_row(number: int, amount: float, currency: str | None = "EUR") -> dict[str, Any]:
    return row(number * 3600, amount=amount, billable=True) | (
        {} if currency is None else {"currency": currency}
    )


@pytest.mark.parametrize("written", ["1,142.50", "1.142,50", "1142.50", "1142,50", "EUR 1142.5", "1'142.50"])
def test_a_file_of_any_locale_shows_the_factor(written):
    found = found_with(month=report([paid_row(2, 114_250)]), csv=csv_of([("2.00", written)]))
    assert hundredths(found) == "Amounts are 100 times what the CSV file shows, in 1 of 1 rows."


@pytest.mark.parametrize(("written", "factor"), [("114,250.00", 1), ("114,250", 1), ("114.25", 1000)])
def test_another_factor_is_noticed(written, factor):
    found = found_with(month=report([paid_row(2, 114_250)]), csv=csv_of([("2.00", written)]))
    with pytest.raises(DoesNotHoldError, match=f"Amounts are {factor} times"):
        hundredths(found)


def test_currencies_without_decimals_are_judged_by_themselves():
    rows = [paid_row(2, 114_250), paid_row(3, 5_000, "JPY")]
    found = found_with(month=report(rows), csv=csv_of([("2.00", "1142.50"), ("3.00", "5,000")]))
    assert hundredths(found)
    with pytest.raises(DoesNotHoldError, match="Amounts are 1 times"):
        hundredths_of_yen(found)


def test_a_file_in_another_order_proves_nothing():
    rows = [paid_row(2, 20_000), paid_row(3, 30_000)]
    found = found_with(month=report(rows), csv=csv_of([("3.00", "300.00"), ("2.00", "200.00")]))
    with pytest.raises(NotTriedError, match="do not come in the order"):
        hundredths(found)


def test_a_file_without_amounts_proves_nothing():
    found = found_with(month=report([paid_row(2, 20_000)]), csv=csv_of([("2.00", "3")], "Betrag"))
    with pytest.raises(NotTriedError, match="no column of amounts"):
        hundredths(found)


def money_of(**sums: float) -> list[dict[str, Any]]:
    return [{"currency": code, "amount": amount} for code, amount in sums.items()]


@pytest.mark.parametrize(
    ("codes", "sums", "outcome"),
    [
        (("EUR", "USD"), {"EUR": 100, "USD": 200}, "holds"),
        (("EUR", "USD"), {"EUR": 101.5, "USD": 200}, "holds"),  # Rows may be rounded.
        (("EUR", "USD"), {"EUR": 200, "USD": 100}, "does not hold"),
        (("EUR", "EUR"), {"EUR": 300, "USD": 5}, "does not hold"),
        ((None, None), {"EUR": 300}, "holds"),
        ((None, "EUR"), {"EUR": 300}, "holds"),
        ((None, None), {"EUR": 100, "USD": 200}, "could not be tried"),
    ],
)
def test_amounts_are_compared_by_currency(codes, sums, outcome):
    rows = [paid_row(number, 100 * number, code) for number, code in enumerate(codes, 1)]
    page = report(rows, totalAmountByCurrency=money_of(**sums))
    (verdict,) = judge(found_with(month=page, second_page=page), [BY_NUMBER[5]])
    assert verdict.outcome == outcome, verdict.evidence


# --- feeds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["array", "envelope", "text"])
def test_every_shape_of_a_feed_is_read(shape):
    rows: Any = [{"id": "66b0c1a2d3e4f5a6b7c8aa77", "deletedAt": "2026-11-02T08:00:00.000Z", "document": {}}]
    body = {"array": rows, "envelope": {"response": rows}, "text": json.dumps(rows)}[shape]
    (verdict,) = judge(found_with(deleted=answer(body)), [BY_NUMBER[38]])
    assert verdict.outcome == "holds"


@pytest.mark.parametrize(
    ("status", "outcome"), [(400, "does not hold"), (403, "could not be tried"), (404, "could not be tried")]
)
def test_a_plan_without_feeds_is_no_wrong_page(status, outcome):
    seconds = [0x66B0C1A2, 0x66B0C1B2, 0x66B0C1C2]
    rows = [row(1) | {"_id": f"{moment:08x}{0:016x}"} for moment in seconds]
    refused = answer({"message": "no", "code": 1}, status)
    (verdict,) = judge(found_with(month=report(rows), created=refused), [BY_NUMBER[36]])
    assert verdict.outcome == outcome


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["timeentries", "totals", "groupOne", "id", "_id", "expenses", "entities"]), inner
        )
    ),
    max_leaves=8,
)


@given(JSON, st.sampled_from([200, 400, 403, 500]))
def test_no_answer_crashes_a_judgement(body, status):
    found = found_with(**{each.name: answer(body, status) for each in TRIES})
    verdicts = judge(found, ASSUMPTIONS)
    assert [each.assumption for each in verdicts] == list(ASSUMPTIONS)
    assert all(each.evidence for each in verdicts)


def test_without_answers_nothing_is_judged():
    verdicts = judge(Found(WORKSPACE, NOW), ASSUMPTIONS)
    assert {each.outcome for each in verdicts} == {"could not be tried"}


# --- which month and week -------------------------------------------------------------------------------------------


def test_the_fullest_month_is_taken_those_of_several_currencies_first():
    def month(name: str, seconds: int, *codes: str) -> dict[str, Any]:
        amounts = [{"amountByCurrency": [{"currency": code, "amount": 1} for code in codes]}]
        return {"_id": name, "duration": seconds, "amounts": amounts}

    year = answer(
        {"groupOne": [month("2026-08", 9), month("2026-09", 5, "EUR", "USD"), month("2026-10", 7, "EUR")]}
    )
    assert month_of(found_with(year=year)) == Window(
        datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
    )
    refused = answer({"message": "31 days", "code": 501}, 400)
    window = month_of(found_with(year=refused))
    assert window.duration == timedelta(days=31)
    assert NOW in window


@given(st.lists(st.integers(0, 30 * 24 * 3600), min_size=1, max_size=30, unique=True))
def test_the_week_begins_at_midnight_in_the_other_zone_and_holds_entries(seconds):
    start = datetime(2026, 10, 1, tzinfo=UTC)
    rows = [row(number, start=start + timedelta(seconds=number)) for number in seconds]
    week = week_of(found_with(month=report(rows)))
    assert week.duration == WEEK
    local = week.start + OFFSET
    assert (local.hour, local.minute, local.second) == (0, 0, 0)
    assert day_in_zone(week.start) == local.date().isoformat()
    assert any(start + timedelta(seconds=number) in week for number in seconds)
