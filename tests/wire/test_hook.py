# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pendulum
import pytest

from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.exceptions import (
    ClockifyAuthError,
    ClockifyConfigError,
    ClockifyNotFoundError,
    ClockifyWindowError,
    ClockifyWriteUnknownError,
)
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.service.lists import LISTS
from airflow_provider_clockify.testing import EmulatedWorkspace, faults, generate_workspace

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
NAIVE = datetime(2026, 11, 1)


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ClockifyHook]:
    """Make a hook of a connection in an environment variable, as JSON or URI."""

    def make(connection: str, **hook: Any) -> ClockifyHook:
        monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_TEST", connection)
        return ClockifyHook("clockify_test", **hook)

    return make


@pytest.fixture
def hook(emulator, connect) -> ClockifyHook:
    return connect(emulator.connection_json(requests_per_second=1000, max_retries=0))


# --- the connection -----------------------------------------------------------------------------------------


def test_a_connection_as_json(emulator, connect):
    hook = connect(emulator.connection_json(region="eu", max_retries=2, timeout="7", requests_per_hour=30))
    settings = hook.settings
    assert settings.conn_id == "clockify_test"
    assert settings.api_key == emulator.api_key
    assert settings.base_url == emulator.url
    assert settings.workspace_id == emulator.workspace.id
    assert (settings.region, settings.max_retries, settings.timeout) == ("euc1", 2, 7.0)
    assert settings.requests_per_hour == 30


def test_a_connection_as_uri(emulator, connect):
    host = quote(emulator.url, safe="")
    key = quote(emulator.api_key, safe="")
    hook = connect(
        f"clockify://:{key}@{host}/?region=use2&workspace_id={emulator.workspace.id}&max_concurrency=2"
        "&requests_per_second=1000"
    )
    assert (hook.settings.region, hook.settings.max_concurrency) == ("use2", 2)
    assert hook.settings.base_url == emulator.url
    assert len(list(hook.iter_detailed_report(START, END))) == 20


def test_the_shortest_uri(connect):
    settings = connect("clockify://:the-key@/?region=euc1&workspace_id=w1").settings
    assert (settings.api_key, settings.region, settings.workspace_id) == ("the-key", "euc1", "w1")
    assert settings.base_url is None


def test_a_key_with_special_characters_survives_the_uri(connect):
    key = "aB+/=%&?#:@e"
    assert connect(f"clockify://:{quote(key, safe='')}@/?region=global").settings.api_key == key


@pytest.mark.parametrize("extra", ["{", "[1, 2]", '"text"', "{'region': 'euc1'}"])
def test_a_bad_extra_is_refused_instead_of_read_as_empty(connect, extra):
    class Connection:
        password, host, schema, port = "the-key", None, None, None

    Connection.extra = extra
    with pytest.raises(ClockifyConfigError, match="Connection 'clockify_test'.*extra") as caught:
        ClockifySettings.of("clockify_test", Connection)
    assert "the-key" not in str(caught.value)


def test_a_connection_without_key_is_refused_before_any_request(emulator, connect):
    hook = connect(json.dumps({"conn_type": "clockify", "host": emulator.url}))
    with pytest.raises(ClockifyConfigError, match="'clockify_test' has no API key"):
        hook.get_conn()
    assert emulator.requests == []


def test_the_session_of_get_conn_is_authenticated(emulator, hook):
    answer = hook.get_conn().get(f"{emulator.url}/api/v1/user")
    assert answer.json()["id"] == emulator.workspace.owner.id


# --- the workspace ------------------------------------------------------------------------------------------


def test_a_known_workspace_costs_nothing(emulator, connect):
    assert connect(emulator.connection_json()).workspace_id == emulator.workspace.id
    assert connect(emulator.connection_json(), workspace_id="mine").workspace_id == "mine"
    assert emulator.requests == []


def test_an_unnamed_workspace_costs_one_request_and_is_logged(emulator, connect, caplog, capsys):
    hook = connect(emulator.connection_json(workspace_id=None, requests_per_second=1000))
    with caplog.at_level(logging.INFO):
        assert [hook.workspace_id for _ in range(3)] == [emulator.workspace.id] * 3
        assert len(list(hook.iter_detailed_report(START, END))) == 20
    assert emulator.count("core", "/user") == 1
    assert len(emulator.requests) == 2
    captured = capsys.readouterr()
    text = caplog.text + captured.out + captured.err
    assert f"using {emulator.workspace.id}, the active workspace" in text
    assert emulator.api_key not in text


def test_a_key_without_active_workspace_is_told_what_to_set(emulator, connect):
    emulator.inject(faults.answer(200, body={"id": "u", "activeWorkspace": None}))
    with pytest.raises(ClockifyConfigError, match=r"extra\.workspace_id"):
        connect(emulator.connection_json(workspace_id=None)).workspace_id  # noqa: B018


# --- the Test button ----------------------------------------------------------------------------------------


def test_a_good_connection_tells_whose_key_it_is_and_which_workspace(emulator, hook):
    ok, text = hook.test_connection()
    owner, workspace = emulator.workspace.owner, emulator.workspace
    assert ok
    assert text == (
        f"The key belongs to {owner.name} ({owner.email}). Workspaces: {workspace.name} ({workspace.id}). "
        f"Default: {workspace.name} ({workspace.id}) (by this connection)."
    )
    assert len(emulator.requests) == 2


def test_a_connection_without_workspace_tells_the_active_one(emulator, connect):
    ok, text = connect(emulator.connection_json(workspace_id=None)).test_connection()
    assert ok
    assert "its active one; none is set here" in text


def test_a_bad_key_gives_reason_and_cure(emulator, connect):
    ok, text = connect(emulator.connection_json(api_key="bad-key")).test_connection()
    assert not ok
    assert "the key was refused (401, code 4003: Api key does not exist)" in text
    assert f"another region or subdomain than the connection's (host {emulator.url})" in text
    assert "bad-key" not in text
    assert len(emulator.requests) == 1


def test_a_bad_workspace_is_not_a_success(emulator, connect):
    ok, text = connect(emulator.connection_json(workspace_id="nope")).test_connection()
    assert not ok
    assert "workspace nope is not among those it sees" in text
    assert emulator.workspace.id in text


def test_a_misspelt_extra_is_named_by_the_test_and_warned_of_once(emulator, connect, caplog, capsys):
    connection = json.loads(emulator.connection_json())
    connection["extra"] |= {"requests_per_hours": 12345, "extra__clockify__region": "mars", "team": "x"}
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            ok, text = connect(json.dumps(connection)).test_connection()
            assert ok
    assert "'requests_per_hours', which is not read; rename it to 'requests_per_hour'" in text
    assert "'extra__clockify__region'" in text
    captured = capsys.readouterr()
    logged = caplog.text or captured.out + captured.err  # Airflow 2.11 writes to both.
    assert logged.count("'requests_per_hours', which is not read") == 1
    for value in ("12345", "mars", "team"):
        assert value not in text
        assert value not in logged


def test_a_misspelt_extra_is_named_by_a_test_that_fails(emulator, connect):
    connection = json.loads(emulator.connection_json(api_key="bad-key"))
    connection["extra"]["Region"] = "euc1"
    ok, text = connect(json.dumps(connection)).test_connection()
    assert not ok
    assert "401" in text
    assert "'Region', which is not read" in text


@pytest.mark.parametrize(
    "connection", ["http://:the-key@api.clockify.me/", '{"conn_type": "generic", "password": "the-key"}']
)
def test_a_connection_of_another_type_is_refused_before_any_request(emulator, connect, connection):
    hook = connect(connection)
    with pytest.raises(
        ClockifyConfigError, match=r"'clockify_test' is of type '(http|generic)', not 'clockify'"
    ):
        hook.get_logged_user()
    ok, text = hook.test_connection()
    assert not ok
    assert "not 'clockify'" in text
    assert emulator.requests == []


def test_a_connection_without_a_type_is_read(emulator, connect):
    connection = json.loads(emulator.connection_json())
    del connection["conn_type"]
    assert connect(json.dumps(connection)).get_logged_user()["id"] == emulator.workspace.owner.id


def test_an_addon_token_is_tested_on_its_workspace(emulator, connect):
    token = emulator.workspace.addon_token
    ok, text = connect(emulator.connection_json(api_key=token, auth_type="addon_token")).test_connection()
    assert ok
    assert text == (
        f"The add-on token works for workspace {emulator.workspace.name} ({emulator.workspace.id})."
    )


def test_a_bad_setting_is_an_answer_and_no_exception(emulator, connect):
    ok, text = connect(emulator.connection_json(region="mars")).test_connection()
    assert not ok
    assert "extra.region is 'mars'" in text
    assert "use one of global, euc1" in text


def test_a_service_that_does_not_answer_is_an_answer(connect, free_port):
    connection = {
        "conn_type": "clockify",
        "password": "k",
        "host": f"http://127.0.0.1:{free_port}",
        "extra": {"max_retries": 0},
    }
    ok, text = connect(json.dumps(connection)).test_connection()
    assert not ok
    assert "no answer" in text
    assert f"host http://127.0.0.1:{free_port}" in text


# --- lists --------------------------------------------------------------------------------------------------


def test_nothing_is_asked_before_the_first_item(emulator, hook):
    lists = [
        hook.iter_workspaces(),
        hook.iter_users(),
        hook.iter_projects(),
        hook.iter_time_entries(emulator.workspace.owner.id, START, END),
        hook.iter_detailed_report(START, END),
    ]
    assert emulator.requests == []
    for number, items in enumerate(lists, start=1):
        next(items)
        assert len(emulator.requests) == number


def arguments_of(emulator, name: str) -> dict[str, Any]:
    """Return what a list needs."""
    workspace = emulator.workspace
    needed: dict[str, dict[str, Any]] = {
        "tasks": {"project_id": next(iter(workspace.projects))},
        "project_custom_fields": {"project_id": next(iter(workspace.projects))},
        "invoice_items": {"invoice_id": next(iter(workspace.invoices))},
        "invoice_payments": {"invoice_id": next(iter(workspace.invoices))},
        "time_entries": {"user_id": workspace.owner.id, "start": START, "end": END},
        "holidays_in_period": {"assigned_to": workspace.owner.id, "start": START, "end": END},
        "assignments": {"start": START, "end": END},
        "time_off_balances": {"user_id": workspace.owner.id},
    }
    return needed.get(name, {})


ALL_LISTS = sorted(LISTS)


@pytest.mark.parametrize("name", ALL_LISTS)
def test_a_list_by_its_name_is_that_list(start_emulator, connect, name):
    sizes = {"invoices": 2, "expenses": 3, "approval_requests": 2, "assignments": 2, "holidays": 2}
    emulator = start_emulator(generate_workspace(entries=20, plan="ENTERPRISE", **sizes))
    hook = connect(emulator.connection_json(requests_per_second=1000, max_retries=0))
    arguments = arguments_of(emulator, name)
    by_method = list(getattr(hook, f"iter_{name}")(**arguments))
    asked = [(request.path, request.query) for request in emulator.requests]
    emulator.requests.clear()
    assert list(hook.iter_list(name, **arguments)) == by_method
    assert [(request.path, request.query) for request in emulator.requests] == asked


@pytest.mark.parametrize("name", ["project", "list", "detailed_report", "", "__init__"])
def test_what_is_no_list_is_refused_at_once(emulator, hook, name):
    with pytest.raises(ClockifyConfigError, match="There is no list"):
        hook.iter_list(name)
    with pytest.raises(ClockifyConfigError, match="There is no list"):
        hook.iter_as_sent(name)
    assert emulator.count() == 0


@pytest.mark.parametrize("name", ALL_LISTS)
def test_filters_are_checked_when_a_list_is_called(emulator, hook, name):
    arguments = {"invoice_id": "x"} if name.startswith("invoice_") else arguments_of(emulator, name)
    # What takes no filters says so as every function does.
    for call in (getattr(hook, f"iter_{name}"), lambda **more: hook.iter_list(name, **more)):
        with pytest.raises((ClockifyConfigError, TypeError), match="nosuchfilter"):
            call(**arguments, nosuchfilter=True)
    with pytest.raises(ClockifyConfigError, match="nosuchfilter"):
        hook.iter_as_sent(
            name,
            {"nosuchfilter": True},
            **dict.fromkeys(("project_id", "invoice_id", "user_id", "policy_id"), "x"),
        )
    assert emulator.count() == 0


def test_bounds_are_checked_when_a_method_is_called(emulator, hook):
    owner = emulator.workspace.owner.id
    for call in (
        lambda start, end: hook.iter_time_entries(owner, start, end),
        lambda start, end: hook.iter_holidays_in_period(owner, start, end),
        hook.iter_expenses,
        hook.iter_time_off_requests,
        hook.iter_assignments,
        lambda start, end: hook.iter_approval_requests(None, start, end),
        hook.iter_detailed_report,
        hook.iter_expense_report,
        hook.iter_attendance_report,
        lambda start, end: hook.iter_entity_changes("created", "TASKS", start, end),
    ):
        for bounds in ((NAIVE, END), (START, NAIVE), (END, START)):
            with pytest.raises(ClockifyWindowError):
                call(*bounds)
    for report in (hook.iter_detailed_report, hook.iter_expense_report, hook.iter_attendance_report):
        with pytest.raises(ClockifyConfigError, match="nosuchfilter"):
            report(START, END, {"nosuchfilter": True})
    with pytest.raises(ClockifyConfigError, match="change is 'made'"):
        hook.iter_entity_changes("made", "TASKS", START, END)
    with pytest.raises(ClockifyConfigError, match="policy_id or user_id"):
        hook.iter_time_off_balances()
    assert emulator.count() == 0


def test_lists_ask_for_the_next_page_only_when_it_is_needed(start_emulator, connect, monkeypatch):
    emulator = start_emulator(generate_workspace(entries=0, projects=25))
    hook = connect(emulator.connection_json(requests_per_second=1000))
    pages = []
    original = hook.client.send

    def small_pages(request, decode):
        if request.params["page-size"] == 1:  # What lies between two pages.
            return original(request, decode)
        pages.append(request.params["page"])
        return original(request.with_values({"page-size": 10}), decode)

    monkeypatch.setattr(hook.client, "send", small_pages)
    projects = hook.iter_projects()
    for _ in range(10):
        next(projects)
    assert pages == [1]
    assert len(list(projects)) == 15
    assert pages == [1, 2, 3]


def test_workspaces(emulator, hook):
    assert [item["id"] for item in hook.iter_workspaces()] == [emulator.workspace.id]
    assert list(hook.iter_workspaces(roles=["WORKSPACE_ADMIN"])) == []
    assert len(emulator.requests) == 2


def test_users_and_their_filters(emulator, hook):
    users = emulator.workspace.users.values()
    seen = [user.id for user in users if user.account_status == "ACTIVE"]
    assert [item["id"] for item in hook.iter_users()] == sorted(seen)
    everybody = hook.iter_users(status="ALL", account_statuses=["ACTIVE", "LIMITED"], memberships="WORKSPACE")
    assert [item["id"] for item in everybody] == sorted(user.id for user in users)
    assert [item["id"] for item in hook.iter_users(email=emulator.workspace.owner.email)] == [
        emulator.workspace.owner.id
    ]


def test_projects_with_durations_in_seconds(emulator, hook):
    workspace = emulator.workspace
    tracked: dict[str, int] = {}
    for entry in workspace.entries.values():
        tracked[entry.project_id or ""] = tracked.get(entry.project_id or "", 0) + entry.seconds
    projects = {item["id"]: item for item in hook.iter_projects(hydrated=True)}
    assert projects.keys() == workspace.projects.keys()
    assert {key: item["duration"] for key, item in projects.items()} == {
        key: tracked.get(key, 0) for key in projects
    }


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"archived": True}, lambda p: p.archived),
        ({"archived": False}, lambda p: not p.archived),
        ({"billable": True}, lambda p: p.billable),
        ({"name": "Internal", "strict_name_search": True}, lambda p: p.name == "Internal"),
        ({"name": "intern"}, lambda p: "intern" in p.name.lower()),
        ({"access": "PRIVATE"}, lambda p: not p.public),
    ],
)
def test_project_filters_reach_the_service(emulator, hook, filters, wanted):
    projects = emulator.workspace.projects.values()
    expected = sorted(project.id for project in projects if wanted(project))
    assert [item["id"] for item in hook.iter_projects(**filters)] == expected
    assert 0 < len(expected) < len(projects)


def test_several_ids_repeat_the_parameter(emulator, hook):
    ids = [client.id for client in emulator.workspace.clients.values()][:2]
    found = {item["id"] for item in hook.iter_projects(clients=ids)}
    assert emulator.requests[0].query["clients"] == ids
    assert found == {p.id for p in emulator.workspace.projects.values() if p.client_id in ids}


def test_an_unknown_filter_is_refused_with_a_hint(emulator, hook):
    with pytest.raises(ClockifyConfigError, match="Did you mean 'archived'"):
        hook.iter_projects(archive=True)
    assert emulator.requests == []


def test_one_project(emulator, hook):
    project = next(iter(emulator.workspace.projects.values()))
    item = hook.get_project(project.id)
    assert item["name"] == project.name
    assert "tasks" in item
    assert isinstance(item["duration"], int)
    assert "tasks" not in hook.get_project(project.id, hydrated=False)
    with pytest.raises(ClockifyNotFoundError):
        hook.get_project("66b0c1a2d3e4f5a6b7c8dead")


# --- time entries -------------------------------------------------------------------------------------------

FAR_ZONES = ["Pacific/Kiritimati", "Pacific/Niue", "Europe/Belgrade", "America/Los_Angeles", "UTC"]


@pytest.mark.parametrize("zone", FAR_ZONES)
def test_time_entries_of_an_exact_utc_window_in_spite_of_far_zones(start_emulator, connect, zone):
    workspace = EmulatedWorkspace()
    user = workspace.add_user("Ada", time_zone=zone)
    window = (datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 11, tzinfo=UTC))
    for hours in (-26, -14, -12, -1, -0.0003, 0, 0.5, 12, 23.9997, 24, 24.0003, 25, 38):
        start = window[0] + timedelta(seconds=round(hours * 3600))
        workspace.add_entry(start=start, end=start + timedelta(minutes=5))
    hook = connect(start_emulator(workspace).connection_json(requests_per_second=1000))
    ids = [item["id"] for item in hook.iter_time_entries(user.id, *window)]
    assert sorted(ids) == sorted(workspace.truth_ids(*window))
    assert len(ids) == 4


def test_time_entries_have_durations_in_seconds_and_running_ones_none(start_emulator, connect):
    workspace = EmulatedWorkspace()
    user = workspace.add_user("Ada")
    workspace.add_entry(start=START, end=START + timedelta(minutes=90))
    workspace.add_entry(start=START + timedelta(hours=5))
    hook = connect(start_emulator(workspace).connection_json(requests_per_second=1000))
    running, finished = hook.iter_time_entries(user.id, START, END)
    assert finished["timeInterval"]["duration"] == 5400
    assert (running["timeInterval"]["end"], running["timeInterval"]["duration"]) == (None, None)
    assert len(list(hook.iter_time_entries(user.id, START, END, in_progress=False))) == 1


def test_the_detailed_report_gives_each_entry_once_in_utc(emulator, hook):
    rows = list(hook.iter_detailed_report("2026-11-01T01:00:00+01:00", pendulum.instance(END)))
    assert [row["_id"] for row in rows] == sorted(emulator.workspace.truth_ids(START, END))
    assert all(row["timeInterval"]["start"].endswith("Z") for row in rows)
    assert all(isinstance(row["timeInterval"]["duration"], int) for row in rows)


def test_the_detailed_report_takes_filters_and_refuses_wrong_ones(emulator, hook):
    rows = list(hook.iter_detailed_report(START, END, {"billable": True}))
    assert 0 < len(rows) < 20
    assert all(row["billable"] for row in rows)
    with pytest.raises(ClockifyConfigError, match="Did you mean 'billable'"):
        list(hook.iter_detailed_report(START, END, {"bilable": True}))


@pytest.mark.parametrize(
    "bounds", [(NAIVE, END), (START, NAIVE), ("2026-11-01T00:00:00", END), ("2026-11-01", END)]
)
def test_naive_times_are_refused_everywhere(emulator, hook, bounds):
    owner = emulator.workspace.owner.id
    with pytest.raises(ClockifyWindowError):
        list(hook.iter_time_entries(owner, *bounds))
    with pytest.raises(ClockifyWindowError):
        list(hook.iter_detailed_report(*bounds))
    with pytest.raises(ClockifyWindowError):
        hook.create_time_entry(*bounds)
    assert emulator.requests == []


def test_an_entry_is_created_with_all_its_fields(emulator, hook):
    workspace = emulator.workspace
    project = next(
        p for p in workspace.projects.values() if any(t.project_id == p.id for t in workspace.tasks.values())
    )
    task = next(t for t in workspace.tasks.values() if t.project_id == project.id)
    tag = next(iter(workspace.tags))
    field = next(iter(workspace.custom_fields))
    item = hook.create_time_entry(
        "2026-11-03T09:00:00+01:00",
        datetime(2026, 11, 3, 9, 30, tzinfo=UTC),
        description="written by a test",
        project_id=project.id,
        clockify_task_id=task.id,
        tag_ids=[tag],
        billable=True,
        entry_type="REGULAR",
        custom_fields={field: "OPS-1"},
    )
    entry = workspace.entries[item["id"]]
    assert item["timeInterval"] == {
        "start": "2026-11-03T08:00:00Z",
        "end": "2026-11-03T09:30:00Z",
        "duration": 5400,
    }
    assert (entry.description, entry.project_id, entry.task_id) == ("written by a test", project.id, task.id)
    assert (entry.tag_ids, entry.billable, entry.type) == ((tag,), True, "REGULAR")
    assert entry.custom_values == ((field, "OPS-1"),)
    assert emulator.requests[0].json["customFields"] == [
        {"customFieldId": field, "sourceType": "TIMEENTRY", "value": "OPS-1"}
    ]


def test_an_entry_for_somebody_else_and_a_running_timer(emulator, hook):
    users = list(emulator.workspace.users.values())
    item = hook.create_time_entry(START, START + timedelta(hours=1), user_id=users[1].id)
    assert emulator.workspace.entries[item["id"]].user_id == users[1].id
    running = hook.create_time_entry(datetime(2026, 12, 5, tzinfo=UTC), description="runs")
    assert emulator.workspace.entries[running["id"]].end is None
    assert "end" not in emulator.requests[-1].json


def test_an_entry_that_ends_before_it_starts_is_refused_before_any_request(emulator, hook):
    with pytest.raises(ClockifyWindowError):
        hook.create_time_entry(END, START)
    assert emulator.requests == []


def test_a_creation_of_unknown_outcome_is_not_repeated(emulator, connect):
    hook = connect(emulator.connection_json(requests_per_second=1000, max_retries=5))
    emulator.inject(faults.reset_after())
    with pytest.raises(ClockifyWriteUnknownError):
        hook.create_time_entry(START, START + timedelta(hours=1))
    assert len(emulator.requests) == 1


def test_a_refused_key_stops_a_list_at_its_first_item(emulator, connect):
    items = connect(emulator.connection_json(api_key="bad-key")).iter_users()
    with pytest.raises(ClockifyAuthError, match="'clockify_test'"):
        next(items)
