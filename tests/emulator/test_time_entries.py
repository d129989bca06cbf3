# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

DAY = datetime(2026, 11, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def hourly(serve, empty):
    """One entry of the owner at each full hour of three days around DAY."""
    for hour in range(-24, 48):
        empty.add_entry(start=DAY + hour * HOUR, end=DAY + hour * HOUR + timedelta(minutes=30))
    return serve(empty)


def starts(client, user=None, **params):
    user = user or client.emulator.workspace.owner
    params.setdefault("page_size", 5000)
    response = client.get(f"{client.workspace}/user/{user.id}/time-entries", **params)
    assert response.status_code == 200, response.text
    return [row["timeInterval"]["start"] for row in response.json()]


def test_window_is_shifted_by_the_zone_of_the_caller(hourly):
    found = starts(hourly, start="2026-11-05T00:00:00Z", end="2026-11-05T23:59:59Z")
    # Belgrade is one hour ahead of UTC in November.
    assert found == [stamp(DAY - HOUR + hour * HOUR) for hour in range(23, -1, -1)]


def test_offsets_are_honoured_before_the_shift(hourly):
    plain = starts(hourly, start="2026-11-05T00:00:00Z", end="2026-11-05T05:00:00Z")
    assert plain == starts(hourly, start="2026-11-05T02:00:00+02:00", end="2026-11-05T07:00:00+02:00")


def test_it_is_the_caller_whose_zone_counts(hourly):
    owner, employee = hourly.emulator.workspace.users.values()
    assert employee.time_zone == "America/New_York"
    found = starts(hourly.as_user(employee), owner, start="2026-11-05T00:00:00Z", end="2026-11-05T00:00:00Z")
    assert found == ["2026-11-05T05:00:00Z"]


def test_the_shift_follows_daylight_saving_time(hourly):
    hourly.emulator.workspace.add_entry(
        start=datetime(2026, 7, 1, 0, tzinfo=UTC), end=datetime(2026, 7, 1, 1, tzinfo=UTC)
    )
    assert starts(hourly, start="2026-07-01T02:00:00Z", end="2026-07-01T02:00:00Z") == [
        "2026-07-01T00:00:00Z"
    ]


def test_entries_look_like_the_core_service(serve, empty):
    project = empty.add_project("Web")
    task = empty.add_task(project.id, "Build")
    tag, field = empty.add_tag("planning"), empty.add_custom_field("Ticket")
    empty.add_entry(
        start=DAY,
        end=DAY + timedelta(hours=1, minutes=30, seconds=5),
        project_id=project.id,
        task_id=task.id,
        tag_ids=[tag.id],
        custom_values={field.id: "OPS-17"},
    )
    timer = empty.start_timer(start=DAY + 2 * HOUR)
    client = serve(empty)
    path = f"{client.workspace}/user/{empty.owner.id}/time-entries"
    running, done = client.get(path).json()
    assert running["timeInterval"] == {"start": "2026-11-05T02:00:00Z", "end": None, "duration": None}
    assert done["timeInterval"]["duration"] == "PT1H30M5S"
    assert done["customFieldValues"][0]["value"] == "OPS-17"
    assert done["hourlyRate"] == {"amount": 5000, "currency": "EUR"}
    assert (done["tagIds"], running["tagIds"]) == ([tag.id], None)
    assert "project" not in done
    rich = client.get(path, hydrated="true").json()[1]
    assert (rich["project"]["id"], rich["task"]["id"], rich["tags"][0]["name"]) == (
        project.id,
        task.id,
        "planning",
    )
    assert client.get(f"{client.workspace}/time-entries/{timer.id}").json() == running


def test_filters(serve, empty):
    project, tag = empty.add_project("Web"), empty.add_tag("planning")
    task = empty.add_task(project.id, "Build")
    with_project = empty.add_entry(
        start=DAY, end=DAY + HOUR, project_id=project.id, task_id=task.id, description="Über uns"
    )
    with_tag = empty.add_entry(start=DAY + HOUR, end=DAY + 2 * HOUR, tag_ids=[tag.id])
    timer = empty.start_timer(start=DAY + 3 * HOUR)
    client = serve(empty)

    def found(**params):
        rows = client.get(f"{client.workspace}/user/{empty.owner.id}/time-entries", **params).json()
        return [row["id"] for row in rows]

    assert found() == [timer.id, with_tag.id, with_project.id]
    assert found(project=project.id) == found(task=task.id) == found(description="über") == [with_project.id]
    assert found(project_required="true") == found(task_required="true") == [with_project.id]
    assert found(tags=[tag.id, "f" * 24]) == [with_tag.id]
    assert found(in_progress="true") == [timer.id]
    assert found(in_progress="false") == [with_tag.id, with_project.id]
    assert found(get_week_before="2026-11-06T00:00:00Z") == [with_project.id]
    assert found(page_size=1, page=2) == [with_tag.id]
    assert found(page_size=1, page=4) == []


def test_refusals(hourly):
    path = f"{hourly.workspace}/user/{hourly.emulator.workspace.owner.id}/time-entries"
    assert hourly.get(path, start="yesterday").status_code == 400
    assert hourly.get(path, in_progress="maybe").json()["code"] == 3000
    assert hourly.get(path, page_size=5001).status_code == 400
    for missing in (f"user/{'f' * 24}/time-entries", f"time-entries/{'f' * 24}"):
        response = hourly.get(f"{hourly.workspace}/{missing}")
        assert (response.status_code, response.json()["code"]) == (400, 501)


def test_in_progress_pages_are_small(make_clockify_emulator, client):
    emulator = make_clockify_emulator(users=14, entries=0, running_timers=12)
    client = type(client)(emulator)
    path = f"{client.workspace}/time-entries/status/in-progress"
    first = client.get(path)
    assert (len(first.json()), first.headers["Last-Page"]) == (10, "false")
    assert len(client.get(path, page=2).json()) == 2
    assert len(client.get(path, page_size=1000).json()) == 12
    assert client.get(path, page_size=1001).status_code == 400


def test_employee_sees_own_entries_only_when_the_workspace_says_so(hourly):
    workspace = hourly.emulator.workspace
    owner, employee = workspace.users.values()
    timer = workspace.start_timer(start=DAY)
    caller = hourly.as_user(employee)
    running = f"{hourly.workspace}/time-entries/status/in-progress"
    assert starts(caller, owner)
    assert len(caller.get(running).json()) == 1
    workspace.change(workspace.settings, only_admins_see_all_time_entries=True)
    assert starts(caller, owner) == []
    assert caller.get(running).json() == []
    assert caller.get(f"{hourly.workspace}/time-entries/{timer.id}").status_code == 400
    assert starts(hourly, owner)


# --- writing -----------------------------------------------------------------------------------------------


def test_create_takes_instants_literally(serve, empty):
    client = serve(empty)
    body = {"start": "2026-11-05T08:00:00Z", "end": "2026-11-05T10:30:00+01:00", "description": "New"}
    response = client.post(f"{client.workspace}/time-entries", body)
    assert response.status_code == 201
    assert response.json()["timeInterval"] == {
        "start": "2026-11-05T08:00:00Z",
        "end": "2026-11-05T09:30:00Z",
        "duration": "PT1H30M",
    }
    assert (response.json()["userId"], response.json()["billable"]) == (empty.owner.id, False)
    again = client.post(f"{client.workspace}/time-entries", body)
    assert again.json()["id"] != response.json()["id"]


def test_create_without_end_is_a_timer(serve, empty):
    client = serve(empty)
    first = client.post(f"{client.workspace}/time-entries", {"start": "2026-11-05T08:00:00Z"}).json()
    client.post(f"{client.workspace}/time-entries", {"start": "2026-11-05T09:00:00Z"})
    assert first["timeInterval"]["end"] is None
    assert empty.entries[first["id"]].seconds == 3600
    assert len(empty.running_timers()) == 1


def test_custom_field_values_are_dropped_without_a_word(serve, empty):
    field = empty.add_custom_field("Ticket")
    client = serve(empty)
    values = [{"customFieldId": field.id, "value": "OPS-1"}]
    body = {"start": "2026-11-05T08:00:00Z", "end": "2026-11-05T09:00:00Z"}
    path = f"{client.workspace}/time-entries"
    kept = client.post(path, {**body, "customFields": values})
    dropped = client.post(path, {**body, "customFieldValues": values})
    assert [value["value"] for value in kept.json()["customFieldValues"]] == ["OPS-1"]
    assert (dropped.status_code, dropped.json()["customFieldValues"]) == (201, [])
    label = "POST /workspaces/{workspaceId}/time-entries body customFieldValues"
    assert client.emulator.unknown_parameters == {label: 1}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"start": None}, 501),
        ({"start": "2026-11-05"}, 3002),
        ({"end": "2026-11-05T07:00:00Z"}, 501),
        ({"projectId": "f" * 24}, 501),
        ({"taskId": "f" * 24}, 501),
        ({"tagIds": ["f" * 24]}, 501),
        ({"customFields": [{"customFieldId": "f" * 24}]}, 501),
        ({"type": "HOLIDAY"}, 3002),
        ({"description": "x" * 3001}, 501),
    ],
)
def test_create_refusals(serve, empty, change, code):
    client = serve(empty)
    body = {"start": "2026-11-05T08:00:00Z", "end": "2026-11-05T09:00:00Z", **change}
    response = client.post(f"{client.workspace}/time-entries", body)
    assert (response.status_code, response.json()["code"]) == (400, code)
    assert empty.entries == {}


def test_archived_project_is_accepted_and_required_fields_are_demanded(serve, empty):
    project = empty.add_project("Old", archived=True)
    client = serve(empty)
    path, body = f"{client.workspace}/time-entries", {"start": "2026-11-05T08:00:00Z"}
    assert client.post(path, {**body, "projectId": project.id}).status_code == 201
    empty.change(empty.settings, force_projects=True)
    assert client.post(path, body).status_code == 400


def test_create_for_others_needs_an_admin_and_a_paid_plan(serve, empty):
    client = serve(empty)
    owner, employee = empty.users.values()
    body = {"start": "2026-11-05T08:00:00Z", "end": "2026-11-05T09:00:00Z"}
    path = f"{client.workspace}/user/{employee.id}/time-entries"
    response = client.post(path, body)
    assert (response.status_code, response.json()["userId"]) == (201, employee.id)
    foreign = f"{client.workspace}/user/{owner.id}/time-entries"
    assert client.as_user(employee).post(foreign, body).status_code == 403
    assert client.as_user(employee).post(path, body).status_code == 201
    empty.plan = "FREE"
    assert client.post(path, body).status_code == 403


def test_replacing_clears_what_is_left_out(serve, empty):
    project = empty.add_project("Web", hourly_rate=9_500)
    tag, field = empty.add_tag("on-site"), empty.add_custom_field("Ticket")
    entry = empty.add_entry(
        start=DAY,
        end=DAY + HOUR,
        description="Old",
        project_id=project.id,
        tag_ids=[tag.id],
        billable=True,
        custom_values={field.id: "OPS-1"},
    )
    client = serve(empty)
    path = f"{client.workspace}/time-entries/{entry.id}"
    body = {"start": "2026-11-06T08:00:00Z", "end": "2026-11-06T09:00:00Z"}
    response = client.send("PUT", path, {**body, "projectId": project.id, "tagIds": [tag.id]})
    assert response.status_code == 200
    assert (response.json()["projectId"], response.json()["tagIds"]) == (project.id, [tag.id])
    assert (response.json()["description"], response.json()["customFieldValues"]) == ("", [])
    row = client.send("PUT", path, body).json()
    assert (row["projectId"], row["tagIds"], row["billable"]) == (None, None, False)
    read = client.get(path).json()
    # Answers to writes have no rates.
    assert (read.pop("hourlyRate")["amount"], read.pop("costRate")["amount"]) == (5_000, 2_000)
    assert read == row
    assert row["timeInterval"]["start"] == body["start"]
    assert client.send("PUT", path, {"start": body["start"]}).json()["timeInterval"]["end"] is None
    other = empty.add_entry(start=DAY, end=DAY + HOUR)
    running = client.send("PUT", f"{client.workspace}/time-entries/{other.id}", {"start": body["start"]})
    assert (running.status_code, running.json()["code"]) == (400, 501)


def test_replace_and_delete_refusals(serve, empty):
    owner, employee = empty.users.values()
    entry = empty.add_entry(start=DAY, end=DAY + HOUR)
    client = serve(empty)
    path = f"{client.workspace}/time-entries/{entry.id}"
    body = {"start": "2026-11-05T08:00:00Z", "end": "2026-11-05T09:00:00Z"}
    for change, code in (
        ({"start": None}, 501),
        ({"end": "2026-11-05T07:00:00Z"}, 501),
        ({"projectId": "f" * 24}, 501),
        ({"type": "HOLIDAY"}, 3002),
    ):
        assert client.send("PUT", path, {**body, **change}).json()["code"] == code
    for method in ("PUT", "DELETE"):
        missing = client.send(method, f"{client.workspace}/time-entries/{'f' * 24}", body)
        assert (missing.status_code, missing.json()["code"]) == (400, 501)
        assert client.as_user(employee).send(method, path, body).status_code == 403
    empty.change(empty.settings, only_admins_see_all_time_entries=True)
    assert client.as_user(employee).send("DELETE", path).status_code == 400
    assert empty.entries[entry.id] is entry


def test_delete_moves_to_the_bin(serve, empty):
    entry = empty.add_entry(start=DAY, end=DAY + HOUR)
    client = serve(empty)
    path = f"{client.workspace}/time-entries/{entry.id}"
    response = client.send("DELETE", path)
    assert (response.status_code, response.content) == (204, b"")
    assert client.get(path).json()["code"] == client.send("DELETE", path).json()["code"] == 501
    assert [row.document for row in empty.deletion_bin] == [entry]


def test_stop_timer(serve, empty):
    owner, employee = empty.users.values()
    client = serve(empty)
    path = f"{client.workspace}/user/{owner.id}/time-entries"
    nothing = client.send("PATCH", path, {"end": "2026-11-05T09:00:00Z"})
    assert (nothing.status_code, nothing.json()["code"]) == (404, 404)
    assert "Currently running time entry doesn't exist" in nothing.json()["message"]
    timer = empty.start_timer(start=DAY)
    assert client.as_user(employee).send("PATCH", path, {"end": "2026-11-05T09:00:00Z"}).status_code == 403
    assert client.send("PATCH", path, {}).json()["code"] == 501
    assert client.send("PATCH", path, {"end": "2026-11-04T09:00:00Z"}).json()["code"] == 501
    assert client.send("PATCH", path, {"end": "soon"}).json()["code"] == 3002
    stopped = client.send("PATCH", path, {"end": "2026-11-05T09:00:00Z"})
    assert (stopped.status_code, stopped.json()["id"]) == (200, timer.id)
    assert stopped.json()["timeInterval"]["duration"] == "PT9H"


# --- several at once ---------------------------------------------------------------------------------------


def test_batch(serve, empty):
    owner, employee = empty.users.values()
    first = empty.add_entry(start=DAY, end=DAY + HOUR)
    second = empty.add_entry(start=DAY, end=DAY + HOUR, user_id=employee.id)
    client = serve(empty)
    path = f"{client.workspace}/time-entries/batch"

    def ids(caller, **body):
        response = caller.post(path, {"timeEntryIds": [second.id, first.id, "f" * 24, first.id], **body})
        assert response.status_code == 200, response.text
        return [row["id"] for row in response.json()]

    assert ids(client) == [second.id, first.id]
    rows = client.post(path, {"timeEntryIds": [first.id], "hydrated": True}).json()
    assert rows[0]["user"]["id"] == owner.id
    for body, code in (
        ({}, 501),
        ({"timeEntryIds": []}, 501),
        ({"timeEntryIds": [first.id], "hydrated": 1}, 3002),
    ):
        assert client.post(path, body).json()["code"] == code
    empty.change(empty.settings, only_admins_see_all_time_entries=True)
    assert ids(client.as_user(employee)) == [second.id]
