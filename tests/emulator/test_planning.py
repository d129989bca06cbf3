# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

DAY = datetime(2026, 11, 5, tzinfo=UTC)
ONE = timedelta(days=1)
HOUR = timedelta(hours=1)
NOVEMBER = {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"}


@pytest.fixture
def plans(make_clockify_emulator, client):
    return type(client)(make_clockify_emulator(entries=50, approval_requests=60, assignments=60, projects=60))


# --- approvals ---------------------------------------------------------------------------------------------


def test_approval_requests_are_paged_and_ignore_users_and_dates(plans):
    first, second = plans.list("approval-requests"), plans.list("approval-requests", page=2)
    assert (len(first.json()), len(second.json())) == (50, 10)
    assert (first.headers["Last-Page"], second.headers["Last-Page"]) == ("false", "true")
    ids = {row["approvalRequest"]["id"] for row in [*first.json(), *second.json()]}
    assert ids == set(plans.emulator.workspace.approval_requests)
    narrowed = plans.list("approval-requests", user_id="f" * 24, start="2020-01-01T00:00:00Z")
    assert narrowed.json() == first.json()
    assert sum(plans.emulator.unknown_parameters.values()) == 2


def test_approval_requests_know_three_states(plans):
    def states(**params):
        rows = plans.list("approval-requests", page_size=100, **params).json()
        return {row["approvalRequest"]["status"]["state"] for row in rows}

    everything = {"PENDING", "APPROVED", "REJECTED", "WITHDRAWN_SUBMISSION", "WITHDRAWN_APPROVAL"}
    assert states() == everything
    for state in ("PENDING", "APPROVED", "WITHDRAWN_APPROVAL"):
        assert states(status=state) == {state}
    for state in ("REJECTED", "WITHDRAWN_SUBMISSION"):
        assert plans.list("approval-requests", status=state).status_code == 400
    assert plans.list("approval-requests", types="EXPENSE", page_size=100).json()
    assert plans.list("approval-requests", types="X").json()["code"] == 3000
    rows = plans.list("approval-requests", sort_column="ID", sort_order="DESCENDING").json()
    ids = [row["approvalRequest"]["id"] for row in rows]
    assert ids == sorted(ids, reverse=True)


def test_an_approval_request_covers_entries_and_expenses(serve, empty):
    project = empty.add_project("Web", hourly_rate=6_000)
    owner, employee = empty.users.values()
    inside = empty.add_entry(start=DAY, end=DAY + HOUR, project_id=project.id, billable=True)
    pause = empty.add_entry(start=DAY + HOUR, end=DAY + HOUR * 1.5, type="BREAK")
    empty.add_entry(start=DAY + 7 * ONE, end=DAY + 8 * ONE)
    empty.start_timer(start=DAY + 2 * HOUR)
    empty.add_entry(start=DAY, end=DAY + HOUR, user_id=employee.id)
    expense = empty.add_expense(owner.id, day="2026-11-11", total=12.5)
    empty.add_expense(owner.id, day="2026-11-12", total=1.0)
    empty.add_approval_request(owner.id, start=DAY, end=DAY + 7 * ONE, at=DAY, state="APPROVED")
    client = serve(empty)
    (row,) = client.list("approval-requests").json()
    assert [entry["id"] for entry in row["entries"]] == [inside.id, pause.id]
    assert [item["id"] for item in row["expenses"]] == [expense.id]
    assert (row["trackedTime"], row["approvedTime"], row["pendingTime"]) == ("PT1H30M", "PT1H30M", "PT0S")
    assert (row["billableTime"], row["breakTime"]) == ("PT1H", "PT30M")
    assert (row["billableAmount"], row["expenseTotal"]) == (6_000.0, 12.5)
    assert row["entries"][0]["project"]["name"] == "Web"
    empty.change(empty.settings, only_admins_see_all_time_entries=True)
    assert client.as_user(employee).list("approval-requests").json() == []


# --- scheduling --------------------------------------------------------------------------------------------


def test_assignments_need_a_window(plans):
    for name in NOVEMBER:
        window = {key: value for key, value in NOVEMBER.items() if key != name}
        response = plans.list("scheduling/assignments/all", **window)
        assert (response.status_code, response.json()["code"]) == (400, 3001)
    assert plans.list("scheduling/assignments/all", start="x", end="y").json()["code"] == 3000
    first = plans.list("scheduling/assignments/all", **NOVEMBER)
    second = plans.list("scheduling/assignments/all", page=2, **NOVEMBER)
    assert (len(first.json()), first.headers["Last-Page"]) == (50, "false")
    assert len({row["id"] for row in [*first.json(), *second.json()]}) == 60
    assert plans.list("scheduling/assignments/all", **NOVEMBER, sort_column="X").status_code == 400
    empty = {"start": "2020-01-01T00:00:00Z", "end": "2020-02-01T00:00:00Z"}
    assert plans.list("scheduling/assignments/all", **empty).json() == []


@pytest.fixture
def scheduled(serve, empty):
    owner, employee = empty.users.values()
    web, shop = empty.add_project("Web"), empty.add_project("Shop")
    empty.add_assignment(owner.id, web.id, start=DAY, end=DAY + 2 * ONE, hours_per_day=6.0)
    empty.add_assignment(owner.id, shop.id, start=DAY, end=DAY + ONE, hours_per_day=2.0, published=False)
    return serve(empty)


def test_assignments_touch_the_window(scheduled):
    def names(start, end, **params):
        window = {"start": f"{start}T00:00:00Z", "end": f"{end}T00:00:00Z"}
        rows = scheduled.list("scheduling/assignments/all", **window, **params).json()
        return sorted(row["projectName"] for row in rows)

    assert names("2026-11-01", "2026-11-30") == ["Shop", "Web"]
    assert names("2026-11-01", "2026-11-30", name="web") == ["Web"]
    assert names("2026-11-07", "2026-11-08") == ["Web"]
    assert names("2026-11-01", "2026-11-04") == []


def test_totals_of_a_user_are_an_empty_body_when_there_is_nothing(scheduled):
    owner, employee = scheduled.emulator.workspace.users.values()
    path = "scheduling/assignments/users/{}/totals"
    nothing = scheduled.list(path.format(employee.id), **NOVEMBER)
    assert (nothing.status_code, nothing.content) == (200, b"")
    some = scheduled.list(path.format(owner.id), **NOVEMBER).json()
    assert some["totalHoursPerDay"] == [
        {"date": "2026-11-05T00:00:00Z", "totalHours": 8.0},
        {"date": "2026-11-06T00:00:00Z", "totalHours": 6.0},
    ]
    assert scheduled.list(path.format(owner.id), start=NOVEMBER["start"]).json()["code"] == 3001
    assert scheduled.list(path.format("f" * 24), **NOVEMBER).json()["code"] == 501


def test_totals_of_projects_page_in_the_body(plans, scheduled):
    path = "/scheduling/assignments/projects/totals"
    rows = scheduled.post(scheduled.workspace + path, NOVEMBER)
    assert {row["projectName"]: row["totalHours"] for row in rows.json()} == {"Web": 12.0, "Shop": 2.0}
    published = scheduled.post(scheduled.workspace + path, {**NOVEMBER, "statusFilter": "PUBLISHED"}).json()
    assert [row["projectName"] for row in published] == ["Web"]
    assert len(scheduled.post(scheduled.workspace + path, {**NOVEMBER, "search": "SHO"}).json()) == 1
    for body, code in (
        ({}, 501),
        ({"start": NOVEMBER["start"]}, 501),
        ({**NOVEMBER, "start": "x"}, 3002),
        ({**NOVEMBER, "pageSize": 201}, 501),
        ({**NOVEMBER, "statusFilter": "X"}, 3002),
    ):
        assert scheduled.post(scheduled.workspace + path, body).json()["code"] == code
    many = plans.post(plans.workspace + path, {**NOVEMBER, "pageSize": 200}).json()
    some = plans.post(plans.workspace + path, {**NOVEMBER, "pageSize": 5, "page": 2}).json()
    assert some == many[5:10]
    assert plans.post(plans.workspace + path, {**NOVEMBER, "page-size": 5}).json() == many[:50]
