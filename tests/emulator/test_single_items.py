# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Things that are read alone: policies, webhooks, settings, shared reports, totals of plans."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

DAY = datetime(2026, 11, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"}


@pytest.mark.parametrize("where", ["time-off/policies", "webhooks", "clients", "tags"])
def test_a_single_item_is_a_row_of_its_list(client, where):
    rows = client.list(where).json()
    rows = rows["webhooks"] if where == "webhooks" else rows
    assert rows
    for row in rows:
        assert client.list(f"{where}/{row['id']}").json() == row
    missing = client.list(f"{where}/{'f' * 24}")
    assert (missing.status_code, missing.json()["code"]) == (400, 501)
    assert "doesn't belong to Workspace" in missing.json()["message"]


def test_webhooks_are_closed_to_addons(client):
    (hook, *_) = client.emulator.workspace.webhooks
    del client.session.headers["X-Api-Key"]
    client.session.headers["X-Addon-Token"] = client.emulator.workspace.addon_token
    assert client.list(f"webhooks/{hook}").status_code == 403


def test_free_plan(serve, empty):
    empty.plan = "FREE"
    client = serve(empty)
    for where in ("invoices/settings", f"time-off/policies/{'f' * 24}"):
        assert client.list(where).status_code == 403


# --- plans ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def planned(serve, empty):
    owner, employee = empty.users.values()
    web, other = empty.add_project("Web"), empty.add_project("Other")
    group = empty.add_user_group("Team", [employee.id])
    for user, project, hours, published in (
        (owner, web, 8.0, True),
        (employee, web, 2.0, False),
        (employee, other, 4.0, True),
    ):
        empty.add_assignment(
            user.id, project.id, start=DAY, end=DAY + 24 * HOUR, hours_per_day=hours, published=published
        )
    client = serve(empty)
    client.known = {"owner": owner, "employee": employee, "web": web, "other": other, "group": group}
    return client


def test_totals_of_a_project_are_a_row_of_all(planned):
    path = "scheduling/assignments/projects/totals"
    rows = planned.post(f"{planned.workspace}/{path}", WINDOW).json()
    assert [(row["projectName"], row["totalHours"]) for row in rows] == [("Web", 10.0), ("Other", 4.0)]
    for row in rows:
        assert planned.list(f"{path}/{row['projectId']}", **WINDOW).json() == row
    assert planned.list(f"{path}/{rows[0]['projectId']}").json()["code"] == 3001
    assert planned.list(f"{path}/{'f' * 24}", **WINDOW).json()["code"] == 501


def totals(planned, **body):
    path = f"{planned.workspace}/scheduling/assignments/user-filter/totals"
    response = planned.post(path, WINDOW | body)
    assert response.status_code == 200, response.text
    return {
        row["userId"]: sum(day["totalHours"] for day in row["totalHoursPerDay"]) for row in response.json()
    }


def test_totals_of_people(planned):
    owner, employee = planned.known["owner"].id, planned.known["employee"].id
    assert totals(planned) == {owner: 8.0, employee: 6.0}
    assert totals(planned, statusFilter="PUBLISHED") == {owner: 8.0, employee: 4.0}
    assert totals(planned, statusFilter="UNPUBLISHED") == {owner: 0, employee: 2.0}
    assert totals(planned, userFilter={"ids": [owner]}) == {owner: 8.0}
    assert totals(planned, userFilter={"ids": [owner], "contains": "DOES_NOT_CONTAIN"}) == {employee: 6.0}
    assert totals(planned, userGroupFilter={"ids": [planned.known["group"].id]}) == {employee: 6.0}
    assert totals(planned, userFilter={"status": "INACTIVE"}) == {}
    assert totals(planned, search="olga") == {owner: 8.0}
    assert totals(planned, pageSize=1, page=2) == {employee: 6.0}
    single = planned.list(f"scheduling/assignments/users/{owner}/totals", **WINDOW).json()
    assert sum(day["totalHours"] for day in single["totalHoursPerDay"]) == 8.0


# --- shared reports ---------------------------------------------------------------------------------------------------


def shared(client, report_id, **query):
    url = f"{client.emulator.url}/report/v1/shared-reports/{report_id}"
    return client.session.get(url, params=query, timeout=10)


@pytest.fixture
def saved(serve, empty):
    owner, employee = empty.users.values()
    project = empty.add_project("Web")
    empty.add_entry(start=DAY, end=DAY + HOUR, project_id=project.id)
    empty.add_entry(start=DAY + 24 * HOUR, end=DAY + 26 * HOUR, user_id=employee.id)
    empty.add_expense(owner.id, day="2026-11-02", total=100.0)
    return serve(empty)


RANGE = {
    "dateRangeStart": "2026-11-02T00:00:00Z",
    "dateRangeEnd": "2026-11-08T23:59:59.999Z",
    "timeZone": "UTC",
}


@pytest.mark.parametrize(
    ("kind", "part", "own"),
    [
        ("SUMMARY", "summaryFilter", {"groups": ["USER"]}),
        ("DETAILED", "detailedFilter", {"pageSize": 1}),
        ("WEEKLY", "weeklyFilter", {"group": "PROJECT", "subgroup": "TIME"}),
        ("ATTENDANCE", "attendanceFilter", {}),
    ],
)
def test_a_shared_report_is_the_report_with_its_filter(saved, kind, part, own):
    workspace = saved.emulator.workspace
    report = workspace.add_shared_report("Saved", workspace.owner.id, type=kind, filter=RANGE | {part: own})
    answer = shared(saved, report.id).json()
    assert answer.pop("filters") == RANGE | {part: own}
    asked = saved.report(kind.lower(), RANGE | {"sortOrder": "DESCENDING"}, **own)
    assert answer == asked.json()


def test_the_query_of_a_shared_report_counts_before_its_filter(saved):
    workspace = saved.emulator.workspace
    report = workspace.add_shared_report("Saved", workspace.owner.id, filter=RANGE)
    assert len(shared(saved, report.id).json()["timeentries"]) == 2
    assert len(shared(saved, report.id, pageSize=1).json()["timeentries"]) == 1
    first = shared(saved, report.id, sortColumn="DURATION", sortOrder="ASCENDING").json()["timeentries"][0]
    assert first["timeInterval"]["duration"] == 3600
    day = {"dateRangeStart": "2026-11-02T00:00:00Z", "dateRangeEnd": "2026-11-02T23:59:59Z"}
    assert len(shared(saved, report.id, **day).json()["timeentries"]) == 1
    assert shared(saved, report.id, exportType="CSV").headers["Content-Type"] == "text/csv"
    assert shared(saved, report.id, pageSize="x").json()["code"] == 3000


def test_expenses_are_shared_too(saved):
    workspace = saved.emulator.workspace
    report = workspace.add_shared_report("Money", workspace.owner.id, type="EXPENSE_DETAILED", filter=RANGE)
    assert shared(saved, report.id).json()["totals"]["totalAmount"] == 100.0
    assert shared(saved, report.id, pageSize=1, page=2).json()["expenses"] == []


def test_shared_reports_that_cannot_be_seen(saved):
    workspace = saved.emulator.workspace
    owner, employee = workspace.users.values()
    own = workspace.add_shared_report("Own", owner.id, filter=RANGE)
    shown = workspace.add_shared_report("Shown", owner.id, filter=RANGE, user_ids=(employee.id,))
    public = workspace.add_shared_report("Public", owner.id, filter=RANGE, public=True)
    other = saved.as_user(employee)
    assert shared(other, own.id).json()["code"] == 501
    assert shared(other, shown.id).status_code == shared(other, public.id).status_code == 200
    assert shared(saved, "f" * 24).json()["code"] == 501
    strange = workspace.add_shared_report("Team", owner.id, type="TEAM_FULL")
    assert shared(saved, strange.id).status_code == 501
    workspace.plan = "FREE"
    assert shared(saved, own.id).status_code == 403


def test_generated_shared_reports_can_be_read(client):
    for report in client.emulator.workspace.shared_reports.values():
        # November has no week's length.
        expected = 400 if report.type == "WEEKLY" else 200
        assert shared(client, report.id).status_code == expected
    week = {"dateRangeStart": RANGE["dateRangeStart"], "dateRangeEnd": RANGE["dateRangeEnd"]}
    weekly = next(r for r in client.emulator.workspace.shared_reports.values() if r.type == "WEEKLY")
    assert shared(client, weekly.id, **week).status_code == 200
