# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Changes of a living workspace, read day by day from the emulator's feeds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyForbiddenError,
    ClockifyWindowError,
)
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.testing import EmulatedWorkspace
from airflow_provider_clockify.testing.exchange import EntityFeeds

START = datetime(2026, 11, 2, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def hook_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ClockifyHook]:
    """Make a hook of an emulator."""

    def make(emulator: Any, **options: Any) -> ClockifyHook:
        options = {"requests_per_second": 1000, "max_retries": 0, **options}
        monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_TEST", emulator.connection_json(**options))
        return ClockifyHook("clockify_test")

    return make


def apply(known: dict[str, Any], changes: list[dict[str, Any]]) -> None:
    for change in changes:
        if change["change"] == "deleted":
            known.pop(change["id"], None)
        else:
            document = change["document"]
            known[change["id"]] = (document["description"], document["timeInterval"]["start"])


def truth(workspace: EmulatedWorkspace) -> dict[str, Any]:
    return {
        entry.id: (entry.description, datetime.fromtimestamp(entry.start, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        for entry in workspace.entries.values()
    }


class Life:
    """Ten days of a team: new entries, edits of young and old ones, deletions, and entries made again."""

    def __init__(self, workspace: EmulatedWorkspace, seed: int) -> None:
        self.workspace = workspace
        self.random = Random(seed)

    def day(self, number: int) -> None:
        moments = [self.random.randrange(86_400) for _ in range(20)]
        # Around midnight nothing may fall between two windows.
        moments += [0, 1, 59, 86_340, 86_398, 86_399]
        for second in sorted(moments):
            self.event(START + number * DAY + second * timedelta(seconds=1))

    def event(self, at: datetime) -> None:
        ids = sorted(self.workspace.entries)
        kind = self.random.choice(("create", "create", "edit", "delete", "again"))
        if kind == "create" or not ids:
            start = at - self.random.choice((0, 1, 40)) * DAY
            self.workspace.add_entry(start=start, end=start + HOUR, description=f"made {at}", at=at)
            return
        # Mostly young ones: what is made in the evening is deleted after midnight.
        entry_id = ids[-1] if self.random.random() < 0.5 else self.random.choice(ids)
        if kind == "edit":
            self.workspace.update_entry(entry_id, description=f"edited {at}", at=at)
            return
        old = self.workspace.delete_entry(entry_id, at=at)
        if kind == "again":
            start = datetime.fromtimestamp(old.start, UTC)
            self.workspace.add_entry(start=start, end=start + HOUR, description=old.description, at=at)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize(
    "feeds",
    [
        EntityFeeds(),
        EntityFeeds(shape="envelope", page_base=1, type_key="documentCode", max_limit=3),
        EntityFeeds(shape="json_string", max_limit=7),
    ],
    ids=["array", "envelope", "string"],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_snapshot_and_ten_change_files_give_the_final_state(start_emulator, hook_of, feeds, zone, seed):
    workspace = EmulatedWorkspace()
    workspace.add_user("Ada", time_zone=zone)
    for number in range(10):
        start = START - (number + 1) * 7 * DAY
        workspace.add_entry(start=start, end=start + HOUR, description=f"old {number}", at=start)
    emulator = start_emulator(workspace, entities=feeds)
    hook = hook_of(emulator)
    known = truth(workspace)
    life = Life(workspace, seed)
    for number in range(10):
        life.day(number)
        window = START + number * DAY, START + (number + 1) * DAY
        emulator.now = window[1] + 2 * MINUTE
        changes = hook.get_entity_changes("TIME_ENTRY", *window)
        assert [c["change"] for c in changes] == sorted(
            (c["change"] for c in changes), key=["created", "updated", "deleted"].index
        )
        apply(known, changes)
    assert known == truth(workspace)
    assert emulator.count(path_contains="/user") == 1


def test_each_feed_by_itself(start_emulator, hook_of):
    workspace = EmulatedWorkspace()
    workspace.add_user("Ada")
    old, gone = (
        workspace.add_entry(start=START - DAY, end=START, at=START - DAY, description=text)
        for text in ("old", "gone")
    )
    new = workspace.add_entry(start=START, end=START + HOUR, at=START + HOUR, description="new")
    workspace.update_entry(new.id, description="newer", at=START + 2 * HOUR)
    workspace.update_entry(old.id, description="edited", at=START + 2 * HOUR)
    workspace.delete_entry(gone.id, at=START + 3 * HOUR)
    emulator = start_emulator(workspace, extra_fields={"brandNew": 1})
    hook = hook_of(emulator)
    window = START, START + DAY

    (created,) = hook.iter_entity_changes("created", "TIME_ENTRY", *window)
    assert (created["id"], created["description"], created["brandNew"]) == (new.id, "newer", 1)
    (updated,) = hook.iter_entity_changes("updated", "TIME_ENTRY", *window)
    assert (updated["id"], updated["description"]) == (old.id, "edited")
    (deleted,) = hook.iter_entity_changes("deleted", "TIME_ENTRY", *window)
    assert (deleted["id"], deleted["document"]["description"]) == (gone.id, "gone")
    assert deleted["deletedAt"] == "2026-11-02T03:00:00.000Z"


@pytest.mark.parametrize("kind", ["CLIENTS", "PROJECTS", "TAGS", "TASKS", "USER_GROUPS", "HOLIDAYS"])
def test_other_types_have_changes_too(start_emulator, hook_of, kind):
    workspace = EmulatedWorkspace()
    at = START + HOUR
    workspace.add_user("Ada", at=START - DAY)
    project = workspace.add_project("Website", at=at)
    made = {
        "CLIENTS": lambda: workspace.add_client("Globex", at=at),
        "PROJECTS": lambda: project,
        "TAGS": lambda: workspace.add_tag("night", at=at),
        "TASKS": lambda: workspace.add_task(project.id, "Design", at=at),
        "USER_GROUPS": lambda: workspace.add_user_group("Team", at=at),
        "HOLIDAYS": lambda: workspace.add_holiday("New Year", "2027-01-01", "2027-01-01", at=at),
    }[kind]()
    hook = hook_of(start_emulator(workspace))
    (change,) = hook.get_entity_changes(kind, START, START + DAY)
    assert (change["change"], change["id"], change["entity_type"]) == ("created", made.id, kind)


def test_a_quiet_window_costs_one_request_per_feed_and_piece(start_emulator, hook_of):
    workspace = EmulatedWorkspace()
    workspace.add_user("Ada", time_zone="Asia/Tokyo", at=START - DAY)
    emulator = start_emulator(workspace)
    hook = hook_of(emulator)
    for _ in range(2):
        assert hook.get_entity_changes("TIME_ENTRY", START, START + DAY) == []
    paths = [request.path.rsplit("/", 1)[-1] for request in emulator.requests]
    quiet = ["created", "updated", "deleted", "deleted", "deleted"]
    assert paths == ["user", *quiet, *quiet]


def test_wrong_calls_cost_nothing(emulator, hook_of):
    hook = hook_of(emulator)
    now = datetime.now(UTC).replace(microsecond=0)
    with pytest.raises(ClockifyConfigError, match="entity_type is 'TIME_ENTRIES'"):
        hook.iter_entity_changes("created", "TIME_ENTRIES", START - 30 * DAY, START - 29 * DAY)
    with pytest.raises(ClockifyConfigError, match="change is 'removed'"):
        hook.iter_entity_changes("removed", "TIME_ENTRY", START - 30 * DAY, START - 29 * DAY)
    with pytest.raises(ClockifyWindowError, match="or earlier"):
        hook.iter_entity_changes("created", "TIME_ENTRY", now - DAY, now - MINUTE)
    with pytest.raises(ClockifyWindowError):
        hook.get_entity_changes("TIME_ENTRY", datetime(2026, 11, 1), datetime(2026, 11, 2))
    assert emulator.requests == []


def test_a_refusal_is_an_error_and_no_empty_feed(emulator, hook_of):
    hook = hook_of(emulator)
    emulator.fail(403, match=lambda request: "/entities/" in request.path)
    with pytest.raises(ClockifyForbiddenError) as caught:
        list(hook.iter_entity_changes("updated", "TIME_ENTRY", START - 30 * DAY, START - 29 * DAY))
    assert caught.value.operation == "getCreatedEntityInfo"


def test_a_feed_that_still_shows_what_was_deleted_is_named(start_emulator, hook_of, caplog):
    workspace = EmulatedWorkspace()
    workspace.add_user("Ada")
    entry = workspace.add_entry(start=START, end=START + HOUR, at=START - HOUR)
    workspace.delete_entry(entry.id, at=START + HOUR)
    hook = hook_of(start_emulator(workspace, entities=EntityFeeds(created_lists_deleted=True)))
    (change,) = hook.get_entity_changes("TIME_ENTRY", START, START + DAY)
    assert (change["change"], change["id"]) == ("deleted", entry.id)
    assert "show entities as existing" in caplog.text
