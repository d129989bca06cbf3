# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Writes of clients, tags, projects, tasks, several time entries and approvals, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.testing.core_routes.approval_writes import period_of

DAY = datetime(2026, 11, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def plain(serve, empty):
    client = serve(empty, now=DAY + 12 * HOUR)
    client.owner, client.employee = empty.users.values()
    return client


def send(client, method, where, body=None):
    return client.send(method, f"{client.workspace}/{where}", body)


def refused(response, status, code):
    return (response.status_code, response.json()["code"]) == (status, code)


def same_where_both_have_it(first, second):
    """Answers to writes have some fields more, and some less, than those to reads."""
    both = first.keys() & second.keys()
    return len(both) > 3 and all(first[name] == second[name] for name in both)


WORDS = {
    "clients": {"name": "Globex", "email": "a@example.com", "address": "Here", "note": "n"},
    "tags": {"name": "planning"},
    "projects": {"name": "Web", "billable": True, "isPublic": True, "color": "#00ff00", "note": "n"},
    "tasks": {"name": "Build", "estimate": "PT1H30M", "billable": True, "status": "ACTIVE"},
}


@pytest.fixture
def place(plain, empty):
    """Where things of a kind are; tasks have a project."""
    project = empty.add_project("Of tasks", at=DAY)

    def path(kind):
        return f"projects/{project.id}/tasks" if kind == "tasks" else kind

    return path


@pytest.mark.parametrize("kind", WORDS)
def test_life(plain, empty, place, kind):
    made = send(plain, "POST", place(kind), WORDS[kind])
    assert made.status_code == 201, made.text
    row = made.json()
    same = {"isPublic": "public"}
    assert {name: row[same.get(name, name)] for name in WORDS[kind]} == WORDS[kind]
    one = f"{place(kind)}/{row['id']}"
    read = plain.list(one).json()
    assert same_where_both_have_it(read, row)
    assert read in plain.list(place(kind)).json()

    changed = send(plain, "PUT", one, {"name": "Other"})
    assert (changed.status_code, changed.json()["name"]) == (200, "Other")
    assert same_where_both_have_it(plain.list(one).json(), changed.json())

    if kind in ("clients", "projects"):
        active = send(plain, "DELETE", one)
        assert refused(active, 400, 501)
        assert "Cannot delete an active" in active.json()["message"]
        assert send(plain, "PUT", one, {"archived": True}).json()["archived"] is True
    last = plain.list(one).json()
    gone = send(plain, "DELETE", one)
    assert gone.status_code == 200
    assert same_where_both_have_it(last, gone.json())
    assert refused(plain.list(one), 400, 501)
    assert refused(send(plain, "PUT", one, {"name": "x y"}), 400, 501)
    assert empty.deletion_bin[-1].document.id == row["id"]


@pytest.mark.parametrize("kind", WORDS)
def test_names(plain, place, kind):
    assert refused(send(plain, "POST", place(kind), {}), 400, 501)
    assert refused(send(plain, "POST", place(kind), {"name": "  "}), 400, 501)
    assert refused(send(plain, "POST", place(kind), {"name": 5}), 400, 3002)
    most = {"projects": 250, "tasks": 1000}.get(kind, 100)
    assert refused(send(plain, "POST", place(kind), {"name": "x" * (most + 1)}), 400, 501)
    first = send(plain, "POST", place(kind), {"name": "x" * most}).json()
    again = send(plain, "POST", place(kind), {"name": "X" * most})
    assert refused(again, 400, 501)
    assert "already exists" in again.json()["message"]
    other = send(plain, "POST", place(kind), {"name": "other"}).json()
    assert refused(send(plain, "PUT", f"{place(kind)}/{other['id']}", {"name": "x" * most}), 400, 501)
    assert send(plain, "PUT", f"{place(kind)}/{first['id']}", {"name": "x" * most}).status_code == 200


@pytest.mark.parametrize(("kind", "setting"), [("clients", "projects"), *((k, k) for k in list(WORDS)[1:])])
def test_who_may(plain, empty, place, kind, setting):
    other = plain.as_user(plain.employee)
    made = send(other, "POST", place(kind), {"name": "Mine", "isPublic": True})
    assert made.status_code == 201
    empty.change(empty.settings, **{f"only_admins_create_{setting}": True})
    one = f"{place(kind)}/{made.json()['id']}"
    assert refused(send(other, "POST", place(kind), {"name": "More"}), 403, 403)
    assert refused(send(other, "PUT", one, {"name": "Less"}), 403, 403)
    assert refused(send(other, "DELETE", one), 403, 403)
    settings = plain.get(plain.workspace).json()["workspaceSettings"]
    word = "ProjectsAndClients" if setting == "projects" else setting.title()
    assert settings["entityCreationPermissions"][f"whoCanCreate{word}"] == "ADMINS"
    assert settings[f"onlyAdminsCreate{setting[:-1].title()}"] is True


# --- what is special --------------------------------------------------------------------------------------------------


def test_put_clears_what_a_client_had(plain, empty):
    usd = empty.add_client("Initech", currency="USD", cc_emails=("b@example.com",), email="a@example.com")
    row = send(plain, "PUT", f"clients/{usd.id}", {"name": "Initech"}).json()
    assert (row["ccEmails"], row["email"], usd.currency) == (None, None, "USD")
    euros = plain.get(plain.workspace).json()["currencies"][0]
    row = send(plain, "PUT", f"clients/{usd.id}", {"currencyId": euros["id"], "ccEmails": ["c@d.e"]}).json()
    assert (row["name"], usd.currency, row["ccEmails"]) == ("Initech", "EUR", ["c@d.e"])
    assert refused(send(plain, "PUT", f"clients/{usd.id}", {"currencyId": "x"}), 400, 501)
    assert refused(send(plain, "PUT", f"clients/{usd.id}", {"ccEmails": ["x"] * 4}), 400, 501)


def test_archiving_a_client_takes_projects_and_tasks_along(plain, empty):
    client, other = empty.add_client("Globex"), empty.add_client("Other")
    project, spared = (
        empty.add_project("Web", client_id=client.id),
        empty.add_project("Shop", client_id=other.id),
    )
    task = empty.add_task(project.id, "Build")
    send(plain, "PUT", f"clients/{client.id}", {"archived": True})
    assert (project.archived, task.status) == (False, "ACTIVE")
    query = "archive-projects=true&mark-tasks-as-done=true"
    send(plain, "PUT", f"clients/{client.id}?{query}", {"archived": True})
    assert (project.archived, task.status, spared.archived) == (True, "DONE", False)


def test_a_tag_without_archived_is_active_again(plain, empty):
    tag = empty.add_tag("old", archived=True)
    assert send(plain, "PUT", f"tags/{tag.id}", {"name": "old"}).json()["archived"] is False


def test_a_project_with_everything(plain, empty):
    client = empty.add_client("Initech", currency="USD")
    body = {
        "name": "Web",
        "clientId": client.id,
        "hourlyRate": {"amount": 9500},
        "costRate": {"amount": 4000},
        "memberships": [{"userId": plain.employee.id}],
        "tasks": [{"name": "Build", "assigneeIds": [plain.employee.id]}],
    }
    row = send(plain, "POST", "projects", body).json()
    assert (row["clientName"], row["public"], row["billable"]) == ("Initech", False, False)
    assert row["hourlyRate"] == {"amount": 9500, "currency": "USD"}
    assert [each["userId"] for each in row["memberships"]] == [plain.employee.id]
    (task,) = plain.list(f"projects/{row['id']}/tasks").json()
    assert (task["name"], task["assigneeIds"]) == ("Build", [plain.employee.id])
    # Another client may have a project of the same name.
    assert send(plain, "POST", "projects", {"name": "Web"}).status_code == 201
    entry = send(
        plain,
        "POST",
        "time-entries",
        {"start": "2026-11-05T08:00:00Z", "end": "2026-11-05T09:00:00Z", "projectId": row["id"]},
    )
    read = plain.list(f"time-entries/{entry.json()['id']}").json()
    assert read["hourlyRate"] == {"amount": 9500, "currency": "USD"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "x"}, 501),
        ({"clientId": "f" * 24}, 501),
        ({"color": "red"}, 501),
        ({"hourlyRate": 5}, 3002),
        ({"billable": "yes"}, 3002),
        ({"memberships": [{"userId": "f" * 24}]}, 501),
        ({"memberships": [{}]}, 501),
        ({"tasks": [{"name": ""}]}, 501),
    ],
)
def test_refusals_of_projects(plain, empty, body, code):
    assert refused(send(plain, "POST", "projects", {"name": "Web", **body}), 400, code)
    assert empty.projects == {}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"estimate": "long"}, 3002),
        ({"status": "ALL"}, 3002),
        ({"assigneeIds": ["f" * 24]}, 501),
        ({"assigneeIds": "me"}, 3002),
        ({"userGroupIds": ["f" * 24]}, 501),
    ],
)
def test_refusals_of_tasks(plain, place, body, code):
    assert refused(send(plain, "POST", place("tasks"), {"name": "Build", **body}), 400, code)


def test_members_and_templates(plain, empty):
    group = empty.add_user_group("Team")
    project = empty.add_project("Web", member_ids=(plain.owner.id,))
    where = f"projects/{project.id}/memberships"
    added = send(
        plain, "POST", where, {"userIds": [plain.employee.id], "userGroups": {"ids": [group.id]}}
    ).json()
    assert [row["userId"] for row in added["memberships"]] == [plain.owner.id, plain.employee.id]
    assert project.group_ids == (group.id,)
    left = send(plain, "POST", where, {"userIds": [plain.owner.id], "remove": True}).json()
    assert [row["userId"] for row in left["memberships"]] == [plain.employee.id]
    only = send(plain, "PATCH", where, {"memberships": [{"userId": plain.owner.id}]}).json()
    assert [row["userId"] for row in only["memberships"]] == [plain.owner.id]
    assert refused(send(plain, "PATCH", where, {}), 400, 501)
    assert refused(send(plain, "POST", where, {"userIds": ["x"]}), 400, 501)
    template = send(plain, "PATCH", f"projects/{project.id}/template", {"isTemplate": True})
    assert template.json()["template"] is True
    other = plain.as_user(plain.employee)
    for method, path in (("POST", where), ("PATCH", where), ("PATCH", f"projects/{project.id}/template")):
        assert refused(send(other, method, path, {}), 403, 403)


def test_deleting_a_project_keeps_its_time(plain, empty):
    project = empty.add_project("Web", archived=True)
    entry = empty.add_entry(start=DAY, end=DAY + HOUR, project_id=project.id)
    send(plain, "DELETE", f"projects/{project.id}")
    assert empty.entries[entry.id].project_id is None


# --- several time entries ---------------------------------------------------------------------------------------------


@pytest.fixture
def three(plain, empty):
    plain.entries = [
        empty.add_entry(start=DAY + n * HOUR, end=DAY + (n + 1) * HOUR, description=f"{n}", at=DAY)
        for n in range(3)
    ]
    return plain


def test_replace_several(three, empty):
    first, second, third = three.entries
    where = f"user/{three.owner.id}/time-entries"
    bodies = [
        {"id": entry.id, "start": "2026-11-04T08:00:00Z", "end": "2026-11-04T09:00:00Z", "description": "new"}
        for entry in (first, second)
    ]
    rows = send(three, "PUT", f"{where}?hydrated=true", bodies).json()
    assert [(row["id"], row["description"]) for row in rows] == [(first.id, "new"), (second.id, "new")]
    assert rows[0]["user"]["id"] == three.owner.id
    bad = [{**bodies[0], "description": "bad"}, {"id": "f" * 24, "start": "2026-11-04T08:00:00Z"}]
    assert refused(send(three, "PUT", where, bad), 400, 501)
    assert empty.entries[first.id].description == "new"
    assert refused(send(three, "PUT", where, {"id": 1}), 400, 3002)
    other = f"user/{three.employee.id}/time-entries"
    assert refused(send(three, "PUT", other, bodies), 400, 501)
    assert empty.entries[third.id] is third


def test_delete_several(three, empty):
    first, second, third = (entry.id for entry in three.entries)
    where = f"user/{three.owner.id}/time-entries"
    assert refused(send(three, "DELETE", where), 400, 3001)
    assert refused(send(three, "DELETE", f"{where}?time-entry-ids={first}&time-entry-ids=x"), 400, 501)
    assert len(empty.entries) == 3
    rows = send(three, "DELETE", f"{where}?time-entry-ids={first}&time-entry-ids={third}").json()
    assert [row["id"] for row in rows] == [first, third]
    assert list(empty.entries) == [second]
    other = f"user/{three.employee.id}/time-entries"
    assert refused(send(three, "DELETE", f"{other}?time-entry-ids={second}"), 400, 501)


def test_duplicate(three, empty):
    first = three.entries[0]
    made = send(three, "POST", f"user/{three.owner.id}/time-entries/{first.id}/duplicate", {})
    assert made.status_code == 201
    row, other = made.json(), three.list(f"time-entries/{first.id}").json()
    assert row.pop("id") != other.pop("id")
    assert same_where_both_have_it(row, other)
    foreign = f"user/{three.employee.id}/time-entries/{first.id}/duplicate"
    assert refused(send(three, "POST", foreign, {}), 400, 501)


# --- approvals --------------------------------------------------------------------------------------------------------

WEEK = {"period": "WEEKLY", "periodStart": "2026-11-04T00:00:00Z"}


def test_life_of_an_approval(three, empty):
    employee = three.as_user(three.employee)
    entry = empty.add_entry(start=DAY, end=DAY + HOUR, user_id=three.employee.id, billable=True)
    made = send(employee, "POST", "approval-requests", WEEK)
    assert made.status_code == 201, made.text
    row = made.json()
    # New York's week.
    assert row["dateRange"] == {"start": "2026-11-02T05:00:00Z", "end": "2026-11-09T05:00:00Z"}
    assert (row["owner"]["userId"], row["status"]["state"]) == (three.employee.id, "PENDING")
    assert refused(send(employee, "POST", "approval-requests", WEEK), 400, 501)
    one = f"approval-requests/{row['id']}"
    assert refused(send(employee, "PATCH", one, {"state": "APPROVED"}), 403, 403)
    assert refused(send(three, "PATCH", one, {"state": "WITHDRAWN_APPROVAL"}), 400, 501)
    assert refused(send(three, "PATCH", one, {"state": "DONE"}), 400, 3002)
    assert refused(send(three, "PATCH", one, {}), 400, 501)

    approved = send(three, "PATCH", one, {"state": "APPROVED", "note": "fine"}).json()
    assert (approved["status"]["state"], approved["status"]["note"]) == ("APPROVED", "fine")
    assert approved["status"]["updatedBy"] == three.owner.id
    (report,) = three.detailed({"approvalState": "APPROVED"}).json()["timeentries"]
    assert (report["_id"], report["approvalRequestId"], report["isLocked"]) == (entry.id, row["id"], True)
    (listed,) = three.list("approval-requests").json()
    assert (listed["approvalRequest"], listed["approvedTime"]) == (approved, "PT1H")
    change = {"start": "2026-11-05T00:00:00Z", "end": "2026-11-05T01:00:00Z"}
    assert refused(send(three, "PUT", f"time-entries/{entry.id}", change), 400, 501)
    assert refused(send(three, "DELETE", f"time-entries/{entry.id}"), 400, 501)

    assert send(three, "PATCH", one, {"state": "WITHDRAWN_APPROVAL"}).status_code == 200
    assert send(three, "PUT", f"time-entries/{entry.id}", change).status_code == 200
    again = f"approval-requests/users/{three.employee.id}/resubmit-entries-for-approval"
    assert send(three, "POST", again, WEEK).json()["id"] == row["id"]
    assert refused(send(three, "POST", again, WEEK), 400, 501)
    withdrawn = send(employee, "PATCH", one, {"state": "WITHDRAWN_SUBMISSION"}).json()
    assert withdrawn["status"]["state"] == "WITHDRAWN_SUBMISSION"
    resubmitted = send(employee, "POST", "approval-requests/resubmit-entries-for-approval", WEEK)
    assert resubmitted.json()["status"]["state"] == "PENDING"


def test_approvals_of_others(three, empty):
    where = f"approval-requests/users/{three.employee.id}"
    month = {"period": "MONTHLY", "periodStart": "2026-11-15T00:00:00Z"}
    assert send(three, "POST", where, month).json()["owner"]["userId"] == three.employee.id
    assert refused(
        send(three.as_user(three.employee), "POST", f"approval-requests/users/{three.owner.id}", month),
        403,
        403,
    )
    assert refused(send(three, "POST", where, {}), 400, 501)
    assert refused(send(three, "POST", where, {"periodStart": "x"}), 400, 3002)
    assert refused(send(three, "POST", where, {**month, "period": "DAILY"}), 400, 3002)
    assert refused(send(three, "PATCH", f"approval-requests/{'f' * 24}", {"state": "APPROVED"}), 400, 501)
    empty.plan = "FREE"
    assert refused(send(three, "POST", where, WEEK), 403, 403)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
    st.sampled_from(["UTC", "America/New_York", "Pacific/Kiritimati", "Europe/Belgrade"]),
)
def test_periods_tile_time(naive, name):
    moment, zone = naive.replace(tzinfo=UTC), ZoneInfo(name)
    for kind, days in (("WEEKLY", {7}), ("SEMI_MONTHLY", {13, 14, 15, 16}), ("MONTHLY", {28, 29, 30, 31})):
        start, end = period_of(kind, moment, zone)
        assert start <= moment < end
        assert start.hour == end.hour == 0
        assert (end.date() - start.date()).days in days
        assert period_of(kind, end, zone)[0] == end
        assert period_of(kind, end - timedelta(seconds=1), zone) == (start, end)


def test_semi_months():
    first = period_of("SEMI_MONTHLY", DAY, UTC)
    second = period_of("SEMI_MONTHLY", datetime(2026, 2, 16, tzinfo=UTC), UTC)
    assert [each.day for each in first] == [1, 16]
    assert [(each.month, each.day) for each in second] == [(2, 16), (3, 1)]
