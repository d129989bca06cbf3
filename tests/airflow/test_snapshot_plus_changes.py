# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
A snapshot and the change files of ten days give the state that the workspace has in the end.

``apply_changes`` is the reference of how a change file is applied; docs/changes.md says the same in words and SQL.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from airflow_provider_clockify.operators.entities import (
    ClockifyEntityChangesOperator,
    ClockifyExportEntitiesOperator,
)
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace
from airflow_provider_clockify.testing.exchange import EntityFeeds

# In New York and Belgrade the clocks change in this time.
START = datetime(2026, 3, 4, tzinfo=UTC)
DAY, HOUR, MINUTE, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
KINDS = {"CLIENTS": "clients", "PROJECTS": "projects", "TASKS": "tasks", "TAGS": "tags"}

State = dict[str, Any]


def apply_changes(state: State, path: Path) -> None:
    """Apply a change file, in file order: insert or replace by id, delete by id, ignore unknown deletes."""
    for line in path.read_bytes().splitlines():
        change = json.loads(line)
        if change["change"] == "deleted":
            state.pop(change["id"], None)
        else:
            state[change["id"]] = change["document"]


# --- what counts as the same ------------------------------------------------------------------------------------


def fields(item: Any, *names: str) -> dict[str, Any]:
    return {name: item[name] for name in names}


def as_entry(document: Any) -> dict[str, Any]:
    """Return of an entry what report rows, list items and documents of the feeds all have."""
    interval = document["timeInterval"]
    return {
        "start": interval["start"],
        "end": interval["end"],
        "tags": sorted(document["tagIds"] or ()),
        **fields(document, "description", "userId", "projectId", "taskId", "billable", "type"),
    }


def as_thing(document: Any) -> dict[str, Any]:
    """Leave out what the service derives from other things, which changes without a change of this one."""
    derived = {"auditMetadata", "documentType", "documentCode", "duration", "clientName"}
    return {name: value for name, value in document.items() if name not in derived}


def entries_of(workspace: EmulatedWorkspace) -> State:
    def text(epoch: int | None) -> str | None:
        return (
            None if epoch is None else datetime.fromtimestamp(epoch, UTC).isoformat().replace("+00:00", "Z")
        )

    return {
        entry.id: {
            "start": text(entry.start),
            "end": text(entry.end),
            "tags": sorted(entry.tag_ids or ()),
            "description": entry.description,
            "userId": entry.user_id,
            "projectId": entry.project_id,
            "taskId": entry.task_id,
            "billable": entry.billable,
            "type": entry.type,
        }
        for entry in workspace.entries.values()
    }


# --- ten days of a team -----------------------------------------------------------------------------------------


class Life:
    """New entries, edits of young and old ones, moves, deletions, restores, things that come and go, timers."""

    def __init__(self, workspace: EmulatedWorkspace, seed: int) -> None:
        self.workspace = workspace
        self.random = Random(seed)
        self.done: dict[str, int] = {}

    def day(self, number: int) -> None:
        seconds = [self.random.randrange(86_400) for _ in range(30)]
        # Around midnight nothing may fall between two windows.
        seconds += [0, 0, 1, 59, 60, 86_340, 86_398, 86_399, 86_399]
        for second in sorted(seconds):
            self.event(START + number * DAY + second * SECOND)

    def event(self, at: datetime) -> None:
        events = (
            self.create,
            self.create,
            self.edit,
            self.edit,
            self.move,
            self.delete,
            self.again,
            self.restore,
            self.timer,
            self.thing,
            self.rename,
            self.drop,
        )
        event = self.random.choice(events)
        event(at)
        self.done[event.__name__] = self.done.get(event.__name__, 0) + 1

    def entry(self) -> Any:
        # Mostly young ones: what is made in the evening is deleted after midnight.
        ids = sorted(self.workspace.entries)
        return self.workspace.entries[ids[-1] if self.random.random() < 0.5 else self.random.choice(ids)]

    def some(self, table: dict[str, Any]) -> str | None:
        return self.random.choice([None, *table])

    def place(self) -> dict[str, Any]:
        project_id = self.some(self.workspace.projects)
        tasks = [task.id for task in self.workspace.tasks.values() if task.project_id == project_id]
        return {"project_id": project_id, "task_id": self.random.choice([None, *tasks])}

    def create(self, at: datetime) -> None:
        start = at - self.random.choice((0, 1, 40)) * DAY
        tag = self.some(self.workspace.tags)
        self.workspace.add_entry(
            start=start,
            end=start + HOUR,
            user_id=self.random.choice(list(self.workspace.users)),
            description=f"made {at}",
            tag_ids=None if tag is None else [tag],
            at=at,
            **self.place(),
        )

    def edit(self, at: datetime) -> None:
        entry = self.entry()
        self.workspace.update_entry(entry.id, at=at, description=f"edited {at}", billable=not entry.billable)

    def move(self, at: datetime) -> None:
        entry = self.entry()
        days = self.random.choice((-33, -1, 1)) if entry.end else -1
        start = datetime.fromtimestamp(entry.start, UTC) + days * DAY
        end = None if entry.end is None else datetime.fromtimestamp(entry.end, UTC) + days * DAY
        self.workspace.update_entry(entry.id, at=at, start=start, end=end, **self.place())

    def delete(self, at: datetime) -> None:
        self.workspace.delete_entry(self.entry().id, at=at)

    def again(self, at: datetime) -> None:
        old = self.workspace.delete_entry(self.entry().id, at=at)
        start = datetime.fromtimestamp(old.start, UTC)
        self.workspace.add_entry(start=start, end=start + HOUR, description=old.description, at=at)

    def restore(self, at: datetime) -> None:
        workspace = self.workspace
        for row in reversed(workspace.deletion_bin):
            old = row.document
            if (
                row.document_type == "TIME_ENTRY"
                and old.id not in workspace.entries
                and {None, *workspace.projects} >= {old.project_id}
                and {None, *workspace.tasks} >= {old.task_id}
                and set(workspace.tags) >= set(old.tag_ids or ())
            ):
                workspace.restore_entry(old.id, at=at)
                return

    def timer(self, at: datetime) -> None:
        if self.workspace.running_timer(self.workspace.owner.id):
            self.workspace.stop_timer(at=at)
        else:
            self.workspace.start_timer(at=at, description=f"timer {at}")

    def thing(self, at: datetime) -> None:
        workspace = self.workspace
        project = workspace.add_project(f"P {at}", at=at, client_id=self.some(workspace.clients))
        workspace.add_task(project.id, f"T {at}", at=at)
        self.random.choice((workspace.add_tag, workspace.add_client))(f"N {at}", at=at)

    def any_thing(self) -> Any:
        table = self.random.choice([getattr(self.workspace, name) for name in KINDS.values()])
        things = sorted(table.values(), key=lambda thing: thing.id)
        if not things:
            return None
        return things[-1] if self.random.random() < 0.5 else self.random.choice(things)

    def rename(self, at: datetime) -> None:
        thing = self.any_thing()
        if thing is not None:
            self.workspace.change(thing, at=at, name=f"renamed {at}")

    def drop(self, at: datetime) -> None:
        thing = self.any_thing()
        if thing is not None:
            self.workspace.delete(thing, at=at)


def a_team(zone: str, seed: int) -> tuple[EmulatedWorkspace, Life]:
    """Make a workspace with a past."""
    workspace = EmulatedWorkspace()
    past = START - 60 * DAY
    for name in ("Ada", "Bob"):
        workspace.add_user(name, time_zone=zone, at=past)
    for number in range(3):
        client = workspace.add_client(f"Client {number}", at=past)
        project = workspace.add_project(f"Project {number}", client_id=client.id, at=past)
        workspace.add_task(project.id, f"Task {number}", at=past)
        workspace.add_tag(f"Tag {number}", at=past)
    life = Life(workspace, seed)
    for number in range(12):
        life.create(START - (number + 1) * 3 * DAY)
    workspace.start_timer(at=START - HOUR, description="over midnight")
    return workspace, life


# --- the exports --------------------------------------------------------------------------------------------------


class Exports:
    """The operators, as a DAG would use them."""

    def __init__(self, emulator: ClockifyEmulator, folder: Path) -> None:
        self.emulator = emulator
        self.folder = folder

    def _rows(self, operator: Any, **context: Any) -> list[Any]:
        (path,) = operator.execute(context)["paths"]
        return [json.loads(line) for line in Path(path).read_bytes().splitlines()]

    def snapshot(self) -> dict[str, State]:
        """Take the state of everything: entries from the report, timers from their list, the rest from lists."""
        report = ClockifyDetailedReportOperator(
            task_id="report",
            output_path=str(self.folder / "report.jsonl"),
            start=(START - 400 * DAY).isoformat(),
            end=(START + 60 * DAY).isoformat(),
        )
        # The report says entry by entry what documents say, and calls the id otherwise.
        states = {"TIME_ENTRY": {row["_id"]: row for row in self._rows(report)}}
        for kind, entity in {"TIME_ENTRY": "in_progress_time_entries", **KINDS}.items():
            listed = ClockifyExportEntitiesOperator(
                task_id="snapshot", entity=entity, output_path=str(self.folder / f"{entity}.jsonl")
            )
            states.setdefault(kind, {}).update({row["id"]: row for row in self._rows(listed)})
        return states

    def changes(self, kind: str, number: int, **window: Any) -> Path:
        """Export the changes of one day."""
        path = self.folder / f"changes/{kind}/dt={number:02d}.jsonl"
        ClockifyEntityChangesOperator(
            task_id="changes", entity_type=kind, output_path=str(path), **window
        ).execute(
            {
                "data_interval_start": START + number * DAY,
                "data_interval_end": START + (number + 1) * DAY,
                "logical_date": START + number * DAY,
            }
        )
        return path


def assert_same(states: dict[str, State], workspace: EmulatedWorkspace, exports: Exports) -> None:
    assert {key: as_entry(item) for key, item in states["TIME_ENTRY"].items()} == entries_of(workspace)
    final = exports.snapshot()
    for kind, table in KINDS.items():
        assert set(states[kind]) == set(getattr(workspace, table))
        assert {key: as_thing(item) for key, item in states[kind].items()} == {
            key: as_thing(item) for key, item in final[kind].items()
        }


FEEDS = {
    "array": EntityFeeds(),
    "envelope": EntityFeeds(shape="envelope", page_base=1, type_key="documentCode", max_limit=3),
    "string": EntityFeeds(shape="json_string", max_limit=7),
}


@pytest.fixture
def exports_of(connect: Callable) -> Callable[..., Any]:
    def make(emulator: ClockifyEmulator) -> Exports:
        return Exports(emulator, connect(emulator))

    return make


def serve(workspace: EmulatedWorkspace, feeds: EntityFeeds | None = None) -> ClockifyEmulator:
    return ClockifyEmulator(workspace, free_requests_per_hour=None, entities=feeds)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("feeds", FEEDS)
def test_a_snapshot_and_the_change_files_of_ten_days_give_the_final_state(
    exports_of: Callable, feeds: str, zone: str
) -> None:
    workspace, life = a_team(zone, seed=len(zone))
    with serve(workspace, FEEDS[feeds]) as emulator:
        exports = exports_of(emulator)
        emulator.now = START
        states = exports.snapshot()
        assert {key: as_entry(item) for key, item in states["TIME_ENTRY"].items()} == entries_of(workspace)
        for number in range(10):
            life.day(number)
            emulator.now = START + (number + 1) * DAY + 2 * MINUTE
            for kind, state in states.items():
                apply_changes(state, exports.changes(kind, number))
            assert {key: as_entry(item) for key, item in states["TIME_ENTRY"].items()} == entries_of(
                workspace
            )
        assert len(life.done) == 10  # Every kind of event took place; two are in the list twice.
        assert min(life.done.values()) > 5
        assert_same(states, workspace, exports)


@pytest.mark.parametrize("seed", range(2))
def test_change_files_that_are_all_made_at_the_end_give_the_final_state_too(
    exports_of: Callable, seed: int
) -> None:
    """A backfill: documents are then newer than their windows, and much that was deleted never shows."""
    workspace, life = a_team("Europe/Belgrade", seed)
    with serve(workspace) as emulator:
        exports = exports_of(emulator)
        emulator.now = START
        states = exports.snapshot()
        for number in range(10):
            life.day(number)
        emulator.now = START + 10 * DAY + 2 * MINUTE
        for number in range(10):
            for kind, state in states.items():
                apply_changes(state, exports.changes(kind, number))
        assert_same(states, workspace, exports)


@pytest.mark.parametrize("lookback", [HOUR, DAY, 3 * DAY], ids=str)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_windows_that_overlap_and_files_that_are_applied_twice_change_nothing(
    exports_of: Callable, zone: str, lookback: timedelta
) -> None:
    workspace, life = a_team(zone, seed=5)
    with serve(workspace) as emulator:
        exports = exports_of(emulator)
        emulator.now = START
        states = exports.snapshot()
        for number in range(10):
            life.day(number)
            emulator.now = START + (number + 1) * DAY + 2 * MINUTE
            for kind, state in states.items():
                path = exports.changes(kind, number, lookback=lookback)
                apply_changes(state, path)
                apply_changes(state, path)
        assert_same(states, workspace, exports)


def test_a_snapshot_taken_in_the_middle_of_a_day_is_where_the_first_window_begins(
    exports_of: Callable,
) -> None:
    """From midnight on, it would hide the deletion of what was created before the snapshot, on the same day."""
    workspace, life = a_team("UTC", seed=6)
    with serve(workspace) as emulator:
        exports = exports_of(emulator)
        noon = START + 12 * HOUR
        made = {text: workspace.add_entry(start=START, description=text, at=START + HOUR) for text in "ab"}
        emulator.now = noon
        states = exports.snapshot()
        workspace.delete_entry(made["a"].id, at=noon)
        workspace.delete_entry(made["b"].id, at=noon + HOUR)
        for number in range(1, 10):
            life.day(number)
        emulator.now = START + 10 * DAY + 2 * MINUTE
        for number in range(10):
            for kind, state in states.items():
                first = {"start": noon.isoformat(), "end": (START + DAY).isoformat()} if number == 0 else {}
                apply_changes(state, exports.changes(kind, number, **first))
        assert_same(states, workspace, exports)


def test_without_the_deletions_the_state_would_be_wrong(exports_of: Callable) -> None:
    """The days above hold what they claim to test."""
    workspace, life = a_team("UTC", seed=7)
    with serve(workspace) as emulator:
        exports = exports_of(emulator)
        emulator.now = START
        state = exports.snapshot()["TIME_ENTRY"]
        kinds: dict[str, int] = {}
        for number in range(10):
            life.day(number)
            emulator.now = START + (number + 1) * DAY + 2 * MINUTE
            for line in exports.changes("TIME_ENTRY", number).read_bytes().splitlines():
                change = json.loads(line)
                kinds[change["change"]] = kinds.get(change["change"], 0) + 1
                if change["change"] != "deleted":
                    state[change["id"]] = change["document"]
        assert set(state) > set(workspace.entries)
        assert min(kinds[name] for name in ("created", "updated", "deleted")) > 10
