# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Looks over the wire, synchronous and asynchronous, against what the emulator holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_clockify.http.async_transport import AsyncTransport
from airflow_provider_clockify.reading.client import ClockifyClient
from airflow_provider_clockify.service.pagination import run, run_async
from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace
from airflow_provider_clockify.testing.exchange import EntityFeeds
from airflow_provider_clockify.watching.approvals import look_at_approvals, make_approval_question
from airflow_provider_clockify.watching.questions import Answer, look, make_question

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SINCE = datetime(2026, 11, 10, tzinfo=UTC)
UNTIL = datetime(2026, 11, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(params=["Europe/Belgrade", "Pacific/Auckland", "America/Los_Angeles"])
def month(request: pytest.FixtureRequest, start_emulator: Callable) -> ClockifyEmulator:
    workspace = generate_workspace(entries=1500, owner_time_zone=request.param)
    return start_emulator(workspace, now=NOW)


@pytest.fixture
def ask(client_of: Callable) -> Callable[..., Answer]:
    """Ask both ways; the answer must be the same, and the requests what was promised."""

    def both(emulator: ClockifyEmulator, cost: int | None = None, **changes: Any) -> Answer:
        given = {
            "workspace_id": emulator.workspace.id,
            "since": SINCE,
            "until": UNTIL,
            "detect": "started",
            "min_entries": 1,
            "filters": None,
            "include_running": False,
        }
        question = make_question(**{**given, **changes})
        client: ClockifyClient = client_of(emulator)
        emulator.reset_log()
        found = run(client.send, look(question, NOW))
        asked = [(each.method, each.path, each.query, each.json) for each in emulator.requests]
        emulator.reset_log()
        transport = AsyncTransport(client.settings)
        assert asyncio.run(run_async(transport.send, look(question, NOW))) == found
        assert [(each.method, each.path, each.query, each.json) for each in emulator.requests] == asked
        assert emulator.unknown_parameters == {}
        if cost is not None:
            assert len(asked) == cost
        assert found.enough == (found.count >= question.min_entries)
        return found

    return both


def truth(emulator: ClockifyEmulator, fits: Callable[[Any], bool] = lambda entry: True) -> list[str]:
    found = [emulator.workspace.entries[each] for each in emulator.workspace.truth_ids(SINCE, UNTIL)]
    return [
        each.id for each in sorted(found, key=lambda each: (each.start, each.id), reverse=True) if fits(each)
    ]


def test_entries_that_started_are_those_of_the_truth(ask, month):
    expected = truth(month)
    found = ask(month, cost=1, min_entries=len(expected))
    assert (found.count, list(found.ids), found.enough) == (len(expected), expected[:100], True)
    assert not ask(month, cost=1, min_entries=len(expected) + 1).enough


def some(month: ClockifyEmulator, name: str) -> Any:
    """Return a value that some of the entries have."""
    values = [getattr(month.workspace.entries[each], name) for each in truth(month)]
    return next(value for value in values if value)


@pytest.mark.parametrize("filtered", ["users", "projects", "tasks", "clients", "tags", "billable", "text"])
@pytest.mark.parametrize("detect", ["started", "created", "changed"])
def test_filters_keep_the_same_entries_however_they_are_found(ask, month, filtered, detect):
    workspace = month.workspace
    if filtered == "clients" and detect != "started":
        pytest.skip("entries do not know their client")
    project = some(month, "project_id")
    project = next(
        (
            found
            for each in truth(month)
            if (found := workspace.entries[each].project_id) and workspace.projects[found].client_id
        ),
        project,
    )
    cases: dict[str, tuple[dict[str, Any], Callable[[Any], bool]]] = {
        "users": ({"users": [some(month, "user_id")]}, lambda each: each.user_id == some(month, "user_id")),
        "projects": ({"projects": [project]}, lambda each: each.project_id == project),
        "tasks": ({"tasks": [some(month, "task_id")]}, lambda each: each.task_id == some(month, "task_id")),
        "clients": (
            {"clients": [workspace.projects[project].client_id]},
            lambda each: (
                each.project_id
                and workspace.projects[each.project_id].client_id == workspace.projects[project].client_id
            ),
        ),
        "tags": (
            {"tags": [some(month, "tag_ids")[0]]},
            lambda each: some(month, "tag_ids")[0] in (each.tag_ids or ()),
        ),
        "billable": ({"billable": True}, lambda each: each.billable),
        "text": (
            {"description": some(month, "description")[1:5].upper()},
            lambda each: some(month, "description")[1:5].lower() in each.description.lower(),
        ),
    }
    filters, fits = cases[filtered]
    if detect == "started":
        expected = truth(month, fits)
    else:
        first, last = SINCE.timestamp(), UNTIL.timestamp()
        moment = "created_at" if detect == "created" else "updated_at"
        expected = [
            each.id
            for each in workspace.entries.values()
            if first <= getattr(each, moment) < last and each.end is not None and fits(each)
        ]
    found = ask(month, detect=detect, filters=filters)
    assert found.count == len(expected) > 0
    assert set(found.ids) <= set(expected)


def test_back_dated_and_late_edited_entries_are_found_by_the_feeds_only(ask, start_emulator):
    emulator = start_emulator(generate_workspace(entries=0), now=NOW)
    workspace = emulator.workspace
    for entry_id in list(workspace.entries):
        workspace.delete_entry(entry_id, at=SINCE - 90 * 24 * HOUR)
    before = SINCE - 50 * HOUR
    old = workspace.add_entry(start=before, end=before + HOUR, at=before)
    doomed = workspace.add_entry(start=before, end=before + HOUR, at=SINCE - HOUR)
    back_dated = workspace.add_entry(start=before, end=before + HOUR, at=SINCE + HOUR)
    workspace.update_entry(old.id, at=SINCE + 2 * HOUR, description="corrected")
    workspace.delete_entry(doomed.id, at=SINCE + 3 * HOUR)
    assert ask(emulator, cost=1).count == 0
    assert ask(emulator, cost=1, detect="created").ids == (back_dated.id,)
    assert ask(emulator, cost=3, detect="changed").ids == (doomed.id, old.id, back_dated.id)


@pytest.mark.parametrize("shown", [False, True])
def test_timers_count_only_on_demand(ask, start_emulator, shown):
    emulator = start_emulator(generate_workspace(entries=30), now=NOW, report_running=shown)
    finished = ask(emulator, cost=1).count
    emulator.workspace.start_timer(start=SINCE + HOUR, at=SINCE + HOUR)
    assert ask(emulator, cost=1).count == finished
    assert ask(emulator, cost=2, include_running=True).count == finished + 1
    for detect in ("created", "changed"):
        without = ask(emulator, detect=detect).count
        assert ask(emulator, detect=detect, include_running=True).count == without + 1


@pytest.mark.parametrize("shape", ["array", "envelope", "json_string"])
@pytest.mark.parametrize("page_base", [0, 1])
@pytest.mark.parametrize("max_limit", [None, 50])
def test_feeds_of_every_shape_are_read_to_their_end(ask, start_emulator, shape, page_base, max_limit):
    feeds = EntityFeeds(shape=shape, page_base=page_base, max_limit=max_limit)
    emulator = start_emulator(generate_workspace(entries=2000), now=NOW, entities=feeds)
    first, last = SINCE.timestamp(), UNTIL.timestamp()
    expected = [
        each.id
        for each in emulator.workspace.entries.values()
        if first <= each.created_at < last and each.end is not None
    ]
    assert ask(emulator, detect="created").count == len(expected) > 50


def test_approvals_are_read_the_same_way(start_emulator, client_of):
    emulator = start_emulator(generate_workspace(entries=50))
    emulator.workspace.approval_requests.clear()
    users = list(emulator.workspace.users)
    for number, user in enumerate(users):
        emulator.workspace.add_approval_request(
            user, start=SINCE, end=SINCE + 7 * 24 * HOUR, state="PENDING" if number == 1 else "APPROVED"
        )
        emulator.workspace.add_approval_request(
            user, start=SINCE, end=SINCE + 7 * 24 * HOUR, state="PENDING", type="EXPENSE"
        )
    question = make_approval_question(
        workspace_id=emulator.workspace.id, start=SINCE, end=SINCE + 7 * 24 * HOUR, user_ids=None
    )
    client = client_of(emulator)
    found = run(client.send, look_at_approvals(question))
    assert (found.approved, found.pending, found.enough) == (len(users) - 1, (users[1],), False)
    transport = AsyncTransport(client.settings)
    assert asyncio.run(run_async(transport.send, look_at_approvals(question))) == found
    assert len(emulator.requests) == 2
