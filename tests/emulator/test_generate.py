# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime

import msgspec
import pytest

from airflow_provider_clockify.testing import generate_workspace
from airflow_provider_clockify.testing.workspace.generate import DEFAULT_END, DEFAULT_START

FIRST, LAST = int(DEFAULT_START.timestamp()), int(DEFAULT_END.timestamp())


def everything(workspace) -> bytes:
    tables = (workspace.users, workspace.clients, workspace.projects, workspace.tasks, workspace.tags)
    return msgspec.json.encode(
        [[asdict(entity) for entity in table.values()] for table in (*tables, workspace.entries)]
    )


def test_same_arguments_same_bytes():
    assert everything(generate_workspace(entries=500)) == everything(generate_workspace(entries=500))
    assert everything(generate_workspace(entries=500)) != everything(generate_workspace(entries=500, seed=8))


@pytest.mark.parametrize("entries", [0, 1, 2, 999])
def test_window_holds_exactly_the_entries_asked_for(entries):
    workspace = generate_workspace(entries=entries, running_timers=2, outside_entries=10)
    assert len(workspace.truth_ids(DEFAULT_START, DEFAULT_END)) == entries
    assert len(workspace.truth_ids(DEFAULT_START, DEFAULT_END, include_running=True)) == entries + 2
    assert len(workspace.entries) == entries + 2 + 10


def test_entries_sit_on_both_sides_of_the_bounds():
    starts = {entry.start for entry in generate_workspace(entries=100).entries.values()}
    assert {FIRST - 1, FIRST, LAST - 1, LAST} <= starts


def test_data_are_awkward():
    workspace = generate_workspace(entries=2000, users=8)
    entries = [entry for entry in workspace.entries.values() if entry.end is not None]
    assert any(entry.start % 86_400 == 0 for entry in entries)
    assert any(entry.start // 86_400 < entry.end // 86_400 for entry in entries)
    assert any(entry.start % 60 for entry in entries)
    assert {entry.type for entry in entries} == {"REGULAR", "BREAK"}
    assert {entry.tag_ids is None for entry in entries} == {True, False}
    assert {entry.project_id is None for entry in entries} == {True, False}
    assert {entry.task_id is None for entry in entries} == {True, False}
    assert {entry.billable for entry in entries} == {True, False}
    assert len({entry.currency for entry in entries}) > 2
    assert any(workspace.projects[e.project_id].archived for e in entries if e.project_id)
    assert any(workspace.users[entry.user_id].membership_status == "INACTIVE" for entry in entries)
    assert any(workspace.users[entry.user_id].account_status == "LIMITED" for entry in entries)
    assert any(entry.custom_values for entry in entries)
    assert any(entry.updated_at > entry.created_at for entry in entries)
    texts = {entry.description for entry in entries}
    assert "" in texts
    for sign in ("🚀", '"', ",", "\n", "\u2028"):
        assert any(sign in text for text in texts)
    for lead in "=@+-":
        assert any(text.startswith(lead) for text in texts)
    assert len({user.time_zone for user in workspace.users.values()}) == 7


def test_ids_follow_creation_and_not_start():
    entries = list(generate_workspace(entries=500).entries.values())
    ids = [entry.id for entry in sorted(entries, key=lambda entry: entry.created_at)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    by_start = [entry.id for entry in sorted(entries, key=lambda entry: entry.start)]
    assert by_start != sorted(by_start)


def test_a_window_may_be_any_aware_span():
    start, end = datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 3, 29, 0, 40, tzinfo=UTC)
    workspace = generate_workspace(entries=50, start=start, end=end)
    assert len(workspace.truth_ids(start, end)) == 50


@pytest.mark.parametrize(
    "arguments",
    [
        {"users": 0},
        {"running_timers": 6},
        {"entries": -1},
        {"end": DEFAULT_START},
        {"plan": "GOLD"},
        {"owner_time_zone": "Mars/Base"},
        {"start": datetime(2026, 11, 1)},  # noqa: DTZ001
    ],
)
def test_nonsense_is_refused(arguments):
    with pytest.raises(ValueError):
        generate_workspace(**arguments)


def test_twenty_thousand_entries_take_little_time():
    began = time.process_time()
    generate_workspace(entries=20_000, users=20)
    assert time.process_time() - began < 5
