# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""A service that refuses the pages that are asked for, or cuts them: everything is read to its end, once."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyIncompleteError,
    ClockifyNotFoundError,
)
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.http.async_transport import AsyncTransport
from airflow_provider_clockify.reading.rendered_files import count_sheet_rows
from airflow_provider_clockify.service.pagination import run, run_async
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, faults, generate_workspace
from airflow_provider_clockify.watching.approvals import look_at_approvals, make_approval_question
from airflow_provider_clockify.watching.event_rows import entries_in
from airflow_provider_clockify.watching.questions import look, make_question
from airflow_provider_clockify.window import Window

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CAP = 50
HowPagesAreKept = dict[str, Any]


@pytest.fixture(params=[False, True], ids=["no header", "header"])
def marks(request: pytest.FixtureRequest) -> HowPagesAreKept:
    """Say whether last pages are marked."""
    return {"last_page_header": request.param, "report_last_page_header": request.param}


@pytest.fixture(params=["refuse", "clamp", "cut"])
def oversize(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def hook_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ClockifyHook]:
    def make(emulator: ClockifyEmulator, **extra: Any) -> ClockifyHook:
        settings = {"requests_per_second": 1e6, "max_retries": 0, **extra}
        monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_TEST", emulator.connection_json(**settings))
        return ClockifyHook("clockify_test")

    return make


@pytest.fixture
def capped(start_emulator: Callable, marks: HowPagesAreKept, oversize: str) -> Callable:
    def start(workspace: EmulatedWorkspace, **options: Any) -> ClockifyEmulator:
        emulator: ClockifyEmulator = start_emulator(
            workspace, **{"max_page_size": CAP, "oversize": oversize, **marks, **options}
        )
        return emulator

    return start


def refusals(emulator: ClockifyEmulator) -> int:
    return sum(record.status == 400 for record in emulator.requests)


# --- lists --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("total", [50, 51, 170])
@pytest.mark.parametrize("name", ["clients", "tags", "expenses", "time_off_requests", "approval_requests"])
def test_lists(name, total, capped, hook_of):
    workspace = generate_workspace(entries=20, users=2, projects=2, **{name: total})
    emulator = capped(workspace)
    found = [
        item["approvalRequest"]["id"] if name == "approval_requests" else item["id"]
        for item in hook_of(emulator).iter_as_sent(name)
    ]
    expected = getattr(workspace, name)
    assert sorted(found) == sorted(expected)
    assert len(expected) >= total
    pages = -(-len(expected) // CAP)
    assert len(emulator.requests) - refusals(emulator) <= 2 * pages + 1
    assert refusals(emulator) <= 3


def test_timers(capped, hook_of):
    workspace = generate_workspace(entries=10, users=120, running_timers=110)
    found = [item["id"] for item in hook_of(capped(workspace)).iter_in_progress_time_entries()]
    assert sorted(found) == sorted(entry.id for entry in workspace.running_timers())
    assert len(found) == 110


def test_what_is_refused_is_learnt_once_for_the_tasks_of_all_projects(start_emulator, hook_of):
    workspace = generate_workspace(entries=10, projects=12, tasks=160)
    emulator = start_emulator(workspace, max_page_size=200)
    hook = hook_of(emulator)
    found = [task["id"] for project in workspace.projects for task in hook.iter_tasks(project)]
    assert sorted(found) == sorted(workspace.tasks)
    assert [record.query["page-size"] for record in emulator.requests if record.status == 400] == [
        ["5000"],
        ["1000"],
    ]
    assert len(emulator.requests) == 2 + len(workspace.projects)


def test_a_refusal_that_is_not_about_the_size_is_raised_as_it_came_first(start_emulator, hook_of):
    emulator = start_emulator(generate_workspace(entries=1))
    rules = [
        emulator.inject(faults.answer(400, body={"code": 501, "message": f"refusal {number}"}))
        for number in range(4)
    ]
    with pytest.raises(ClockifyBadRequestError, match="refusal 0"):
        list(hook_of(emulator).iter_tags())
    assert [rule.used for rule in rules] == [1, 1, 1, 1]
    assert [record.query["page-size"] for record in emulator.requests] == [
        ["5000"],
        ["1000"],
        ["200"],
        ["50"],
    ]


def test_a_wrong_id_is_not_asked_for_again(start_emulator, hook_of):
    emulator = start_emulator(generate_workspace(entries=1))
    with pytest.raises(ClockifyNotFoundError):
        list(hook_of(emulator).iter_tasks("66b0c1a2d3e4f5a6b7c8d9ff"))
    assert len(emulator.requests) == 1


# --- reports ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cap", [50, 100])
def test_reports(cap, capped, hook_of):
    workspace = generate_workspace(users=20, entries=900, expenses=170)
    emulator = capped(workspace, max_page_size=cap)
    hook = hook_of(emulator)
    rows = [row["_id"] for row in hook.iter_detailed_report(START, END)]
    assert sorted(rows) == sorted(workspace.truth_ids(START, END))
    days = [(row["userId"], row["date"]) for row in hook.iter_attendance_report(START, END)]
    expected = {
        (entry.user_id, datetime.fromtimestamp(entry.start, UTC).date().isoformat())
        for entry in workspace.entries.values()
        if START.timestamp() <= entry.start < END.timestamp()
    }
    assert (len(days), set(days)) == (len(expected), expected)
    assert len(days) > 2 * cap
    spent = [row["id"] for row in hook.iter_expense_report(START, END)]
    assert len(spent) == len(set(spent)) > 2 * cap or cap == 100


@pytest.mark.parametrize("rows", [49, 50, 51, 100, 149])
@pytest.mark.parametrize("header", [False, True])
def test_the_attendance_of_a_service_that_cuts_costs_a_request_per_page(
    start_emulator, hook_of, rows, header
):
    workspace = EmulatedWorkspace(plan="PRO")
    for number in range(rows):
        user = workspace.add_user(f"User {number}")
        workspace.add_entry(user_id=user.id, start=START + HOUR, end=START + 2 * HOUR, at=START)
    emulator = start_emulator(workspace, max_page_size=50, oversize="cut", report_last_page_header=header)
    assert len(list(hook_of(emulator).iter_attendance_report(START, END))) == rows
    unmarked = not header and rows == 100  # A full page may be followed by another.
    assert len(emulator.requests) == -(-rows // 50) + unmarked


# --- changes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", [0, 1])
def test_feeds(base, capped, hook_of):
    workspace = generate_workspace(entries=600, running_timers=0)
    emulator = capped(workspace, now=END + 60 * DAY)
    emulator.behaviour.entities.page_base = base
    until = START + 20 * DAY
    found = [
        row["id"] for row in hook_of(emulator).iter_entity_changes("created", "TIME_ENTRY", START, until)
    ]
    expected = [
        entry.id
        for entry in workspace.entries.values()
        if START.timestamp() <= entry.created_at < until.timestamp()
    ]
    assert sorted(found) == sorted(expected)
    assert len(found) > 200
    assert refusals(emulator) <= 1


# --- watchers -----------------------------------------------------------------------------------------------


def both(client: Any, make: Callable[[], Any]) -> Any:
    """Drive a look in both ways."""
    found = run(client.send, make())
    transport = AsyncTransport(client.settings)
    assert asyncio.run(run_async(transport.send, make())) == found
    return found


@pytest.mark.parametrize("detect", ["started", "created", "changed"])
def test_the_entries_that_a_watcher_finds(detect, capped, client_of):
    workspace = generate_workspace(entries=900, running_timers=0)
    emulator = capped(workspace, now=END + DAY)
    window = Window(START, START + 20 * DAY)
    rows = both(client_of(emulator), lambda: entries_in(detect, workspace.id, window))
    moment = {"started": "start", "created": "created_at", "changed": "updated_at"}[detect]
    first, last = window.start.timestamp(), window.end.timestamp()
    expected = [entry.id for entry in workspace.entries.values() if first <= getattr(entry, moment) < last]
    assert sorted({row.sighting.id for row in rows}) == sorted(expected)
    assert len(expected) > 400
    if detect == "started":
        assert len(rows) == len(expected)


@pytest.mark.parametrize("detect", ["started", "created"])
@pytest.mark.parametrize("running", [False, True])
def test_the_entries_that_a_sensor_counts(detect, running, capped, start_emulator, client_of):
    workspace = generate_workspace(entries=900, users=70, running_timers=60)
    now = END + DAY
    question = make_question(
        workspace_id=workspace.id,
        since=START,
        until=END,
        detect=detect,
        min_entries=900,
        filters=None,
        include_running=running,
    )
    emulator = capped(workspace, now=now)
    found = both(client_of(emulator), lambda: look(question, now))
    assert found == run(client_of(start_emulator(workspace, now=now)).send, look(question, now))
    assert len(found.ids) == 100
    if detect == "started":
        assert found.count == len(workspace.truth_ids(START, END)) + (60 if running else 0)


def test_the_timesheets_that_an_approval_sensor_counts(capped, client_of):
    workspace = EmulatedWorkspace(plan="PRO")
    users = [workspace.add_user(f"User {number}") for number in range(130)]
    for user in users:
        workspace.add_approval_request(user.id, start=START, end=START + 7 * DAY, state="APPROVED")
    emulator = capped(workspace)
    question = make_approval_question(
        workspace_id=workspace.id, start=START, end=START + 7 * DAY, user_ids=[user.id for user in users]
    )
    found = both(client_of(emulator), lambda: look_at_approvals(question))
    assert (found.approved, found.enough) == (130, True)


# --- files --------------------------------------------------------------------------------------------------


def test_a_csv_file_is_put_together(capped, hook_of):
    workspace = generate_workspace(entries=230, running_timers=0)
    emulator = capped(workspace)
    content = hook_of(emulator).download_report("detailed", START, END)
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert len(rows) == 231
    assert rows.count(rows[0]) == 1
    emulator.behaviour.max_page_size = None
    assert hook_of(emulator).download_report("detailed", START, END) == content


def test_a_workbook_is_whole_or_refused_with_the_cure(capped, hook_of):
    few, many = (
        generate_workspace(entries=50, running_timers=0),
        generate_workspace(entries=51, running_timers=0),
    )
    assert count_sheet_rows(hook_of(capped(few)).download_report("detailed", START, END, "XLSX")) == 51
    with pytest.raises(ClockifyIncompleteError, match=r"holds 50 rows, the service counts 51.*partition_by"):
        hook_of(capped(many)).download_report("detailed", START, END, "XLSX")


def test_files_that_the_service_does_not_page_are_taken_whole_whichever_size_it_accepts(
    start_emulator, hook_of
):
    workspace = generate_workspace(entries=230, running_timers=0)
    emulator = start_emulator(workspace, max_page_size=CAP, csv_paged=False)
    hook = hook_of(emulator)
    assert count_sheet_rows(hook.download_report("detailed", START, END, "XLSX")) == 231
    assert len(list(csv.reader(io.StringIO(hook.download_report("detailed", START, END).decode())))) > 230
    with pytest.raises(ClockifyIncompleteError, match="may end at its first page"):
        hook.download_report("detailed", START, END, "PDF")


def test_a_csv_file_with_a_field_of_megabytes_is_counted(start_emulator, hook_of):
    workspace = EmulatedWorkspace(plan="PRO")
    user = workspace.add_user("Ada")
    for number in range(3):
        start = START + number * DAY
        workspace.add_entry(
            user_id=user.id, start=start, end=start + HOUR, at=start, description='long "one"\n' * 100_000
        )
    limit = csv.field_size_limit()
    content = hook_of(start_emulator(workspace)).download_report("detailed", START, END)
    assert len(content) > 3_000_000
    assert csv.field_size_limit() == limit
