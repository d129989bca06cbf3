# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Looks are driven by a fake service and compared with a model that counts entries one by one."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyConfigError,
    ClockifyIncompleteError,
    ClockifyNotFoundError,
    ClockifyResponseError,
    ClockifyServerError,
    ClockifyWindowError,
)
from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse
from airflow_provider_clockify.service.pagination import run, run_async
from airflow_provider_clockify.watching.questions import (
    MAX_IDS,
    Question,
    look,
    make_question,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SINCE = datetime(2026, 11, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class Entry:
    """An entry of the model; instants in hours from ``SINCE``."""

    number: int
    start: float = 1
    created: float = 1
    updated: float | None = None
    deleted: float | None = None
    running: bool = False
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"e{self.number:04}"

    def document(self) -> dict[str, Any]:
        end = None if self.running else z(self.start + 1)
        audit = {"createdAt": z(self.created), "updatedAt": z(self.changed)}
        interval = {"start": z(self.start), "end": end}
        return {"id": self.id, "timeInterval": interval, "auditMetadata": audit, **self.fields}

    @property
    def changed(self) -> float:
        return self.created if self.updated is None else self.updated


def z(hours: float) -> str:
    return (SINCE + hours * HOUR).isoformat().replace("+00:00", "Z")


def parse(text: str) -> float:
    return (datetime.fromisoformat(text) - SINCE) / HOUR


@dataclass
class Service:
    """Answers reports, timers and feeds from entries; knows no filter."""

    entries: list[Entry]
    report_running: bool = False
    page_base: int = 0
    max_limit: int = 10_000
    cap: int = 10_000
    oversize: str = "clamp"
    header: bool = False
    shape: str = "array"
    asked: list[ApiRequest] = field(default_factory=list)
    refuse_limit: bool = False

    def send(self, request: ApiRequest, decode: Any) -> Any:
        self.asked.append(request)
        query = dict(request.query())
        if request.service == "reports":
            return decode(ApiResponse(200, {}, self.report(dict(request.json or {}))))
        if request.path.endswith("in-progress"):
            running = [entry.document() for entry in self.entries if entry.running and entry.deleted is None]
            shown = self.rows_of_page(int(query["page"]), int(query["page-size"]))
            headers = {"last-page": str(shown.stop >= len(running)).lower()} if self.header else {}
            return decode(ApiResponse(200, headers, dump(running[shown])))
        if self.refuse_limit and query["limit"] != "50":
            raise ClockifyBadRequestError("limit", status=400)
        return decode(ApiResponse(200, {}, self.feed(request.path.rsplit("/", 1)[1], query)))

    def rows_of_page(self, page: int, size: int) -> slice:
        if size > self.cap and self.oversize == "refuse":
            raise ClockifyBadRequestError("too many", status=400)
        given = min(size, self.cap)
        start = (page - 1) * (size if self.oversize == "cut" else given)
        return slice(start, start + given)

    def report(self, body: dict[str, Any]) -> bytes:
        assert body["timeZone"] == "UTC"
        first, last = parse(body["dateRangeStart"]), parse(body["dateRangeEnd"])
        found = [
            entry
            for entry in self.entries
            if first <= entry.start <= last
            and entry.deleted is None
            and (self.report_running or not entry.running)
        ]
        assert (body["sortOrder"], body["detailedFilter"]["sortColumn"]) == ("DESCENDING", "DATE")
        found.sort(key=lambda entry: (entry.start, entry.id), reverse=True)
        asked = body["detailedFilter"]
        rows = [entry.document() for entry in found[self.rows_of_page(asked["page"], asked["pageSize"])]]
        totals = [{"entriesCount": len(found)}] if found else [None]
        return dump({"totals": totals, "timeentries": [{**row, "_id": row.pop("id")} for row in rows]})

    def feed(self, name: str, query: dict[str, str]) -> bytes:
        assert query["type"] == "TIME_ENTRY"
        first, last = parse(query["start"]), parse(query["end"])
        assert last - first <= 30 * 24
        rows = []
        for entry in self.entries:
            created_inside = first <= entry.created <= last
            if name == "deleted":
                if entry.deleted is not None and first <= entry.deleted <= last and not created_inside:
                    row = {"id": entry.id, "deletedAt": z(entry.deleted), "document": entry.document()}
                    rows.append((entry.deleted, row))
            elif entry.deleted is None:
                inside = created_inside if name == "created" else first <= entry.changed <= last
                if inside and (name == "created" or not created_inside):
                    rows.append((entry.changed, entry.document()))
        rows.sort(key=lambda row: (row[0], row[1]["id"]))
        limit, page = min(int(query["limit"]), self.max_limit), int(query["page"])
        shown = self.rows_of_page(max(page - self.page_base, 0) + 1, limit)
        answer: Any = [row for _, row in rows[shown]]
        if self.shape == "envelope":
            answer = {"response": answer}
        elif self.shape == "json_string":
            answer = json.dumps(answer)
        return dump(answer)


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def ask(**changes: Any) -> Question:
    given = {
        "workspace_id": "w",
        "since": SINCE,
        "until": None,
        "detect": "started",
        "min_entries": 1,
        "filters": None,
        "include_running": False,
    }
    return make_question(**{**given, **changes})


def answer_of(service: Service, question: Question, now: datetime = NOW) -> Any:
    return run(service.send, look(question, now))


def model(entries: list[Entry], question: Question) -> list[tuple[float, str]]:
    """Return instant and id of each entry that counts, the latest first."""
    last = parse(question.until) if question.until else float("inf")
    first = parse(question.since)
    found = []
    for entry in entries:
        if question.detect == "changed" and entry.deleted is not None:
            moment = entry.deleted
            if entry.created >= first:
                continue  # The feeds leave out what came and went.
        elif entry.deleted is not None or (entry.running and not question.include_running):
            continue
        else:
            moments = {"started": entry.start, "created": entry.created, "changed": entry.changed}
            moment = moments[question.detect]
        if first <= moment < last:
            found.append((moment, entry.id))
    return sorted(found, reverse=True)


def entry_of(number: int, drawn: tuple[int, int, int, int, int]) -> Entry:
    start, created, updated, deleted, running = drawn
    created_at = created / 4 - 40
    return Entry(
        number,
        start=start / 4 - 40,
        created=created_at,
        updated=min(created_at + updated, 60) if updated else None,
        deleted=min(created_at + deleted, 60) if deleted > 0 else None,
        running=running == 0,
    )


numbers = st.tuples(
    st.integers(0, 400), st.integers(0, 400), st.integers(0, 50), st.integers(-100, 50), st.integers(0, 4)
)
worlds = st.lists(numbers, max_size=120).map(
    lambda rows: [entry_of(number, drawn) for number, drawn in enumerate(rows)]
)


@settings(max_examples=80, deadline=None)
@given(
    entries=worlds,
    detect=st.sampled_from(["started", "created", "changed"]),
    until=st.none() | st.integers(1, 60),
    first=st.integers(-10, 0),
    min_entries=st.integers(1, 150),
    include_running=st.booleans(),
    report_running=st.booleans(),
    page_base=st.integers(0, 1),
    max_limit=st.sampled_from([50, 70, 10_000]),
    cap=st.sampled_from([50, 60, 110, 10_000]),
    oversize=st.sampled_from(["refuse", "clamp", "cut"]),
    header=st.booleans(),
    shape=st.sampled_from(["array", "envelope", "json_string"]),
)
def test_every_answer_equals_a_count_one_by_one(
    entries,
    detect,
    until,
    first,
    min_entries,
    include_running,
    report_running,
    page_base,
    max_limit,
    cap,
    oversize,
    header,
    shape,
):
    # Timers that a report shows are seen among its newest entries only.
    report_running = report_running and len(entries) <= MAX_IDS
    question = ask(
        since=SINCE + first * HOUR,
        until=None if until is None else SINCE + until * HOUR,
        detect=detect,
        min_entries=min_entries,
        include_running=include_running,
    )
    service = Service(
        entries,
        report_running=report_running,
        page_base=page_base,
        max_limit=max_limit,
        cap=cap,
        oversize=oversize,
        header=header,
        shape=shape,
    )
    found = answer_of(service, question)
    expected = model(entries, question)
    assert found.count == len(expected)
    assert list(found.ids) == [entry_id for _, entry_id in expected[:MAX_IDS]]
    assert found.latest == (z(expected[0][0]) if expected else None)
    assert found.enough == (len(expected) >= min_entries)
    assert found.to_xcom() == {"count": found.count, "latest": found.latest, "ids": list(found.ids)}
    assert asyncio.run(run_async(later(service.send), look(question, NOW))) == found


def later(send: Any) -> Any:
    async def send_later(request: ApiRequest, decode: Any) -> Any:
        await asyncio.sleep(0)
        return send(request, decode)

    return send_later


# --- what a look costs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "cost"),
    [
        ({}, 1),
        ({"include_running": True}, 2),
        ({"detect": "created"}, 1),
        ({"detect": "changed"}, 3),
        ({"since": NOW - timedelta(days=40)}, 2),
        ({"since": NOW - timedelta(days=40), "detect": "created"}, 2),
        ({"since": NOW - timedelta(days=40), "detect": "changed"}, 6),
        ({"since": NOW - timedelta(days=40), "until": NOW - timedelta(days=35)}, 1),
    ],
)
@pytest.mark.parametrize("entries", [0, 49])
def test_a_look_costs_what_it_promises(changes, cost, entries):
    service = Service([Entry(number, created=number / 100) for number in range(entries)])
    question = ask(**changes)
    answer_of(service, question)
    assert len(service.asked) == question.requests_per_look(NOW) == cost


def test_only_a_page_as_long_as_the_services_own_is_followed_by_another():
    service = Service([Entry(number) for number in range(50)])
    answer_of(service, ask(detect="created"))
    assert [dict(request.query())["page"] for request in service.asked] == ["0", "1"]
    # All that there is, or all that the service gives at a time: the next page begins behind it in both cases.
    assert [dict(request.query())["limit"] for request in service.asked] == ["1000", "50"]


@pytest.mark.parametrize("oversize", ["refuse", "clamp", "cut"])
def test_the_newest_entries_are_found_however_many_the_service_gives_at_a_time(oversize):
    entries = [Entry(number, start=number / 10) for number in range(300)]
    service = Service(entries, cap=50, oversize=oversize)
    question = ask(until=SINCE + 40 * HOUR)
    found = answer_of(service, question)
    assert (found.count, len(found.ids)) == (300, MAX_IDS)
    assert found == answer_of(Service(entries), question)
    assert len(service.asked) == (3 if oversize == "refuse" else 2)


def test_a_report_is_asked_for_no_more_rows_than_the_answer_shows():
    service = Service([])
    answer_of(service, ask())
    (request,) = service.asked
    assert request.json["detailedFilter"]["pageSize"] == MAX_IDS


def test_more_timers_than_a_page_holds_are_all_counted():
    service = Service([Entry(number, running=True) for number in range(1001)])
    assert answer_of(service, ask(include_running=True)).count == 1001
    assert len(service.asked) == 3


def test_a_refused_page_size_falls_back_to_the_services_own():
    service = Service([Entry(number) for number in range(60)], refuse_limit=True)
    assert answer_of(service, ask(detect="created")).count == 60
    assert [dict(request.query())["limit"] for request in service.asked] == ["1000", "50", "50"]
    found = asyncio.run(run_async(later(service.send), look(ask(detect="created"), NOW)))
    assert found.count == 60


@pytest.mark.parametrize(
    "error",
    [
        ClockifyBadRequestError("no", status=400),
        ClockifyNotFoundError("no", status=404),
        ClockifyServerError("no", status=500),
    ],
)
@pytest.mark.parametrize("detect", ["started", "created"])
def test_refusals_and_failures_reach_the_caller(error, detect):
    asked = []

    def send(request: ApiRequest, decode: Any) -> Any:
        asked.append(request)
        raise error

    with pytest.raises(type(error)):
        run(send, look(ask(detect=detect), NOW))
    with pytest.raises(type(error)):
        asyncio.run(run_async(later(send), look(ask(detect=detect), NOW)))
    tries = 2 if type(error) is ClockifyBadRequestError else 1
    assert len(asked) == 2 * tries


def test_a_feed_that_ignores_page_numbers_is_an_error():
    service = Service([Entry(number) for number in range(60)])
    service.page_base = 10**9
    with pytest.raises(ClockifyIncompleteError, match="repeats"):
        answer_of(service, ask(detect="created"))


# --- what counts ------------------------------------------------------------------------------------------------


def test_a_deleted_entry_of_the_hours_before_the_wait_counts_as_changed():
    assert answer_of(Service([Entry(1, created=-3, deleted=2)]), ask(detect="changed")).ids == ("e0001",)


def test_a_fraction_of_a_second_lets_nothing_in_that_started_before():
    question = ask(since=SINCE + timedelta(microseconds=300))
    assert answer_of(Service([Entry(1, start=0)]), question).count == 0
    assert answer_of(Service([Entry(1, start=1)]), question).count == 1


def test_without_an_end_entries_dated_a_day_ahead_count():
    ahead = (NOW - SINCE) / HOUR
    assert answer_of(Service([Entry(1, start=ahead + 23)]), ask()).count == 1
    assert answer_of(Service([Entry(1, start=ahead + 24)]), ask()).count == 0


def test_a_wait_for_the_future_begins_there():
    question = ask(since=NOW + timedelta(days=3))
    start = (NOW - SINCE) / HOUR + 72
    assert answer_of(Service([Entry(1, start=start - 0.25)]), question).count == 0
    assert answer_of(Service([Entry(1, start=start)]), question).count == 1


ENTRY = {
    "userId": "u1",
    "projectId": "p1",
    "taskId": "k1",
    "tagIds": ["t1", "t2"],
    "billable": True,
    "description": "Sprint Planning",
}


@pytest.mark.parametrize(
    ("filters", "fits"),
    [
        ({"users": ["u1", "u2"]}, True),
        ({"users": ["u2"]}, False),
        ({"projects": ["p1"]}, True),
        ({"projects": ["p2"]}, False),
        ({"tasks": ["k1"]}, True),
        ({"tasks": ["k2"]}, False),
        ({"tags": ["t2", "t9"]}, True),
        ({"tags": ["t9"]}, False),
        ({"billable": True}, True),
        ({"billable": False}, False),
        ({"description": "planning"}, True),
        ({"description": "review"}, False),
        ({"users": ["u1"], "billable": False}, False),
        ({"users": ["u1"], "projects": ["p1"]}, True),
        ({"users": {"ids": ["u1"], "contains": "CONTAINS", "status": "ALL"}}, True),
    ],
)
@pytest.mark.parametrize(
    "changes",
    [
        {"detect": "created"},
        {"detect": "changed"},
        {"detect": "started", "include_running": True},
    ],
    ids=str,
)
def test_filters_are_decided_from_the_entries(filters, fits, changes):
    running = "include_running" in changes
    service = Service([Entry(1, running=running, fields=ENTRY)])
    assert answer_of(service, ask(filters=filters, **changes)).count == fits


def test_filters_fit_the_last_state_of_a_deleted_entry():
    service = Service([Entry(1, created=-30, deleted=2, fields=ENTRY)])
    assert answer_of(service, ask(detect="changed", filters={"users": ["u1"]})).count == 1
    assert answer_of(service, ask(detect="changed", filters={"users": ["u2"]})).count == 0


def test_entries_without_the_field_fit_no_filter_of_it():
    service = Service([Entry(1)])
    for filters in ({"users": ["u"]}, {"tags": ["t"]}, {"description": "x"}, {"billable": True}):
        assert answer_of(service, ask(detect="created", filters=filters)).count == 0
    assert answer_of(service, ask(detect="created", filters={"billable": False})).count == 1


def test_filters_of_the_report_go_to_the_service():
    service = Service([])
    answer_of(service, ask(filters={"clients": ["c1"], "billable": True}))
    (request,) = service.asked
    assert request.json["clients"]["ids"] == ["c1"]
    assert request.json["billable"] is True


@pytest.mark.parametrize(
    "filters",
    [
        {"clients": ["c1"]},
        {"userGroups": ["g1"]},
        {"users": {"ids": ["u1"], "contains": "DOES_NOT_CONTAIN"}},
        {"users": {"ids": ["u1"], "status": "ACTIVE"}},
        {"tags": {"ids": ["t1"], "containedInTimeentry": "CONTAINS_ONLY"}},
        {"withoutDescription": True},
    ],
    ids=str,
)
def test_filters_that_entries_cannot_decide_are_refused_where_they_must(filters):
    ask(filters=filters)
    for changes in ({"detect": "created"}, {"detect": "changed"}, {"include_running": True}):
        with pytest.raises(ClockifyConfigError, match=r"does not fit (detect='|include_running=True)"):
            ask(filters=filters, **changes)


# --- answers of other shapes ------------------------------------------------------------------------------------


def send_back(answer: Any) -> Any:
    return lambda request, decode: decode(ApiResponse(200, {}, dump(answer)))


@pytest.mark.parametrize(
    "row",
    [
        {"id": "e1"},
        {"id": "e1", "auditMetadata": None},
        {"id": "e1", "auditMetadata": {"createdAt": None}},
        {"id": "e1", "auditMetadata": {"createdAt": "2026-11-18T00:00:00"}},
    ],
    ids=str,
)
def test_a_change_without_an_instant_is_an_error_and_not_a_guess(row):
    with pytest.raises(ClockifyResponseError, match="e1"):
        run(send_back([row]), look(ask(detect="created"), NOW))


def test_a_report_without_its_count_is_an_error_and_not_a_guess():
    row = {"_id": "e1", "timeInterval": {"start": z(1), "end": z(2)}}
    with pytest.raises(ClockifyResponseError, match="entriesCount"):
        run(send_back({"timeentries": [row]}), look(ask(), NOW))


@pytest.mark.parametrize("totals", [[None], [], None])
def test_a_report_with_nothing_in_it_counts_nothing(totals):
    found = run(send_back({"totals": totals, "timeEntries": []}), look(ask(), NOW))
    assert (found.count, found.latest, found.ids, found.enough) == (0, None, (), False)


# --- the question -----------------------------------------------------------------------------------------------


def test_a_question_survives_as_json_and_asks_the_same():
    question = ask(
        until="2026-11-20T02:00:00+02:00", detect="changed", min_entries=3, filters={"users": ["u1"]}
    )
    again = Question(**json.loads(json.dumps(asdict(question))))
    assert again == question
    assert (again.since, again.until) == ("2026-11-18T00:00:00Z", "2026-11-20T00:00:00Z")


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"detect": "ended"}, ClockifyConfigError, "detect is 'ended'; use one of started, created, changed"),
        ({"min_entries": 0}, ClockifyConfigError, "min_entries is 0"),
        ({"min_entries": True}, ClockifyConfigError, "min_entries is True"),
        ({"min_entries": "3"}, ClockifyConfigError, "min_entries is '3'"),
        ({"since": "2026-11-18T00:00:00"}, ClockifyWindowError, "since"),
        ({"since": ""}, ClockifyWindowError, "since"),
        ({"until": "None"}, ClockifyWindowError, "until"),
        ({"until": SINCE}, ClockifyWindowError, "end"),
        ({"filters": {"proyects": ["x"]}}, ClockifyConfigError, "Did you mean 'projects'"),
    ],
)
def test_a_wrong_question_is_named(changes, error, text):
    with pytest.raises(error, match=text):
        ask(**changes)
