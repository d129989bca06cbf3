# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyConfigError,
    ClockifyIncompleteError,
    ClockifyWindowError,
)
from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse
from airflow_provider_clockify.service.pagination import run
from airflow_provider_clockify.watching.approvals import (
    PAGE_SIZE,
    ApprovalQuestion,
    look_at_approvals,
    make_approval_question,
)

MONDAY = datetime(2026, 11, 9, tzinfo=UTC)
WEEK = timedelta(days=7)
STATES = ("PENDING", "APPROVED", "REJECTED", "WITHDRAWN_SUBMISSION", "WITHDRAWN_APPROVAL", "NEW_STATE")


def sheet(user: str, state: str, week: float = 0, weeks: float = 1, shift: float = 0) -> dict[str, Any]:
    """Make a timesheet; weeks from ``MONDAY``, and by how many hours its owner's zone shifts it."""
    start = MONDAY + week * WEEK + timedelta(hours=shift)
    return {
        "approvalRequest": {
            "id": f"{user}-{week}-{state}",
            "owner": {"userId": user, "userName": user},
            "dateRange": {"start": start.isoformat(), "end": (start + weeks * WEEK).isoformat()},
            "status": {"state": state, "note": None},
        },
        "entries": [{"id": "e"}],
    }


class Service:
    """Gives timesheets from the latest start on, in pages."""

    def __init__(
        self,
        sheets: list[dict[str, Any]],
        *,
        page: int = PAGE_SIZE,
        header: bool = True,
        oversize: str = "clamp",
    ) -> None:
        self.sheets = sorted(
            sheets, key=lambda row: row["approvalRequest"]["dateRange"]["start"], reverse=True
        )
        for number, row in enumerate(self.sheets):
            row["approvalRequest"]["id"] = f"a{number}"
        self.page = page
        self.header = header
        self.oversize = oversize
        self.asked: list[dict[str, Any]] = []

    def send(self, request: ApiRequest, decode: Any) -> Any:
        self.asked.append(dict(request.params))
        number, size = int(request.params["page"]), int(request.params["page-size"])
        if size > self.page and self.oversize == "refuse":
            raise ClockifyBadRequestError("too many", status=400)
        given = min(size, self.page)
        start = (number - 1) * (size if self.oversize == "cut" else given)
        rows = self.sheets[start : start + given]
        last = str(start + given >= len(self.sheets)).lower()
        return decode(ApiResponse(200, {"last-page": last} if self.header else {}, json.dumps(rows).encode()))


def ask(users: list[str] | None = None, weeks: float = 1) -> ApprovalQuestion:
    return make_approval_question(workspace_id="w", start=MONDAY, end=MONDAY + weeks * WEEK, user_ids=users)


def answer_of(service: Service, question: ApprovalQuestion) -> tuple[int, tuple, tuple, bool]:
    found = run(service.send, look_at_approvals(question))
    assert found.to_xcom() == {
        "approved": found.approved,
        "pending": list(found.pending),
        "missing": list(found.missing),
    }
    return found.approved, found.pending, found.missing, found.enough


@pytest.mark.parametrize(
    ("sheets", "users", "expected"),
    [
        ([], None, (0, (), (), False)),
        ([], ["a"], (0, (), ("a",), False)),
        ([sheet("a", "APPROVED")], None, (1, (), (), True)),
        ([sheet("a", "APPROVED"), sheet("b", "PENDING")], None, (1, ("b",), (), False)),
        ([sheet("a", "APPROVED"), sheet("b", "PENDING")], ["a"], (1, (), (), True)),
        ([sheet("a", "APPROVED")], ["a", "b"], (1, (), ("b",), False)),
        ([sheet("a", "APPROVED"), sheet("b", "NEW_STATE")], None, (1, ("b",), (), False)),
        ([sheet("a", "APPROVED"), sheet("b", "REJECTED")], None, (1, (), ("b",), False)),
        ([sheet("a", "APPROVED"), sheet("b", "WITHDRAWN_APPROVAL")], None, (1, (), ("b",), False)),
        ([sheet("a", "APPROVED"), sheet("b", "WITHDRAWN_SUBMISSION")], None, (1, (), ("b",), False)),
        # Another one in its place.
        ([sheet("a", "APPROVED"), sheet("a", "REJECTED")], None, (1, (), (), True)),
        ([sheet("a", "PENDING"), sheet("a", "REJECTED")], None, (0, ("a",), (), False)),
        # The neighbours, also where a time zone lets them reach into the period.
        ([sheet("a", "APPROVED", week=-1), sheet("a", "APPROVED", week=1)], None, (0, (), (), False)),
        ([sheet("a", "APPROVED", week=-1, shift=12)], ["a"], (0, (), ("a",), False)),
        (
            [sheet("a", "APPROVED", shift=-14), sheet("a", "PENDING", week=1, shift=-14)],
            None,
            (1, (), (), True),
        ),
    ],
    ids=str,
)
def test_the_gate_opens_when_all_is_approved(sheets, users, expected):
    assert answer_of(Service(sheets), ask(users)) == expected


def test_each_timesheet_of_a_longer_period_counts_for_itself():
    sheets = [sheet("a", "APPROVED"), sheet("a", "REJECTED", week=1)]
    assert answer_of(Service(sheets), ask(weeks=2)) == (1, (), ("a",), False)
    sheets.append(sheet("a", "APPROVED", week=1))
    assert answer_of(Service(sheets), ask(weeks=2)) == (2, (), (), True)


def test_a_period_of_a_day_belongs_to_the_timesheet_of_its_week():
    sheets = [sheet("a", "APPROVED", shift=-11), sheet("a", "PENDING", week=-1, shift=-11)]
    assert answer_of(Service(sheets), ask(weeks=1 / 7)) == (1, (), (), True)


def test_one_request_answers_for_two_hundred_timesheets():
    service = Service([sheet(f"u{number:03}", "APPROVED") for number in range(PAGE_SIZE)])
    question = ask()
    assert answer_of(service, question)[0] == PAGE_SIZE
    assert len(service.asked) == question.requests_per_look(MONDAY) == 1
    assert service.asked[0] == {
        "sort-column": "START",
        "sort-order": "DESCENDING",
        "types": ("TIMESHEET", "TIMESHEET_AND_EXPENSE"),
        "page": 1,
        "page-size": PAGE_SIZE,
    }


@pytest.mark.parametrize("oversize", ["refuse", "clamp", "cut"])
def test_timesheets_are_counted_however_many_the_service_gives_at_a_time(oversize):
    sheets = [sheet(f"u{number:03}", "APPROVED") for number in range(170)]
    service = Service(sheets, page=50, oversize=oversize)
    assert answer_of(service, ask()) == (170, (), (), True)
    refused = [(1, 200)] if oversize == "refuse" else []
    first = [(1, 50)] if oversize == "refuse" else [(1, 200)]
    sizes = [(asked["page"], asked["page-size"]) for asked in service.asked]
    assert sizes == [*refused, *first, (2, 50), (3, 50), (4, 50)]


def test_a_timesheet_that_moved_to_a_later_page_counts_once():
    service = Service([sheet(f"u{number}", "APPROVED") for number in range(6)], page=3)

    def send(request: ApiRequest, decode: Any) -> Any:
        found = service.send(request, decode)
        if len(service.asked) == 1:
            service.sheets.insert(0, sheet("new", "APPROVED"))
        return found

    assert run(send, look_at_approvals(ask())).approved == 6


def test_older_timesheets_are_not_read():
    sheets = [sheet("a", "APPROVED", week=-week) for week in range(100)]
    service = Service(sheets, page=4)
    assert answer_of(service, ask())[0] == 1
    assert len(service.asked) == 2


def test_a_timesheet_of_a_month_behind_those_of_weeks_is_not_missed():
    sheets = [sheet("a", "APPROVED", week=-week) for week in range(3)]
    sheets.append(sheet("b", "PENDING", week=-3, weeks=4.3))
    assert answer_of(Service(sheets, page=2), ask()) == (1, ("b",), (), False)


def test_a_service_that_does_not_sort_is_read_to_its_end():
    service = Service([], page=2)
    service.sheets = [
        sheet("a", "APPROVED"),
        sheet("a", "APPROVED", week=-9),
        sheet("b", "APPROVED", week=-20),
    ]
    service.sheets += [sheet("b", "APPROVED", week=-3), sheet("c", "PENDING")]
    service.sheets[0], service.sheets[1] = service.sheets[1], service.sheets[0]
    assert answer_of(service, ask()) == (1, ("c",), (), False)


def test_without_a_header_an_empty_page_is_the_end():
    service = Service([sheet("a", "APPROVED")], header=False)
    assert answer_of(service, ask())[3]
    assert len(service.asked) == 2


def test_a_list_without_end_is_an_error():
    row = sheet("a", "APPROVED", week=1)
    with pytest.raises(ClockifyIncompleteError, match="Page 2 repeats the page before it"):
        run(
            lambda request, decode: decode(ApiResponse(200, {}, json.dumps([row]).encode())),
            look_at_approvals(ask()),
        )


@settings(max_examples=150, deadline=None)
@given(
    drawn=st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(STATES), st.integers(-6, 3)), max_size=25
    ),
    users=st.none() | st.lists(st.sampled_from("abcd"), min_size=1, max_size=3),
    weeks=st.integers(1, 3),
    page=st.integers(1, 7),
    header=st.booleans(),
    oversize=st.sampled_from(["clamp", "cut"]),
)
def test_any_answer_equals_a_count_one_by_one(drawn, users, weeks, page, header, oversize):
    sheets = [sheet(user, state, week) for user, state, week in drawn]
    by_range: dict[tuple[str, int], list[str]] = {}
    for user, state, week in drawn:
        if 0 <= week < weeks and (users is None or user in users):
            by_range.setdefault((user, week), []).append(state)
    standing = {
        place: [s for s in states if s in ("PENDING", "APPROVED", "NEW_STATE")]
        for place, states in by_range.items()
    }
    pending = {user for (user, _), states in standing.items() if set(states) - {"APPROVED"}}
    missing = {user for (user, _), states in standing.items() if not states}
    missing |= set(users or ()) - {user for user, _ in standing}
    approved = sum(states.count("APPROVED") for states in standing.values())
    expected = (approved, tuple(sorted(pending)), tuple(sorted(missing)))
    enough = approved > 0 and not pending and not missing
    service = Service(sheets, page=page, header=header, oversize=oversize)
    assert answer_of(service, ask(users, weeks)) == (*expected, enough)


def test_a_question_survives_as_json():
    question = ask(["b", "a", "b"])
    assert ApprovalQuestion(**json.loads(json.dumps(asdict(question)))) == question
    assert question.user_ids == ["a", "b"]


@pytest.mark.parametrize("users", ["u1", [], [1], [None]])
def test_wrong_users_are_named(users):
    with pytest.raises(ClockifyConfigError, match="user_ids"):
        ask(users)


def test_a_period_that_ends_before_it_starts_is_refused():
    with pytest.raises(ClockifyWindowError):
        make_approval_question(workspace_id="w", start=MONDAY, end=MONDAY, user_ids=None)
