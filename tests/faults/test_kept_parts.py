# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What an interrupted export kept: only the retry of the same task in the same run goes on after it.

All else reads everything again: parts that were read with another key, host, filter or version must never meet. Between
the attempts, every entry of the first chunk gets another description, which no count or sum shows: a part that is read
again has the new one, a kept part the old one.

``make faults`` prints what each cell came to.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import airflow_provider_clockify
from airflow_provider_clockify.operators.entities import ClockifyExportEntitiesOperator
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, generate_workspace
from airflow_provider_clockify.testing.request_log import RequestRecord

from .attempts import (
    DAY,
    ENDS,
    START,
    Airflow,
    Rows,
    TaskInstance,
    begins_chunk,
    make_workspace,
    rows_of,
    truth,
)
from .conftest import WRONG, Cells

ROWS = "kept parts"
WINDOW = START, ENDS[3]
FIRST, BETWEEN, LAST = "as of the first attempt", "as of the one between", "as of the last"
GOES_ON, READ_ANEW = "goes on", "read anew"

OUTPUTS: dict[str, dict[str, Any]] = {
    "jsonl": {},
    "parquet, partitions": {"file_format": "parquet", "partition_by": "month"},
}


@dataclass
class World:
    """
    Attempts of a task, all but the last of them interrupted.

    :param output: What all are given.
    :ivar first: What all but the last are given besides.
    :ivar more: What the last is given besides.
    :ivar window: Of the last.
    :ivar only: Users whose entries the last may see; ``None`` for all.
    :ivar kept_text: What the first chunk said when it was read by the attempt that the last may go on after.
    """

    airflow: Airflow
    stack: ExitStack
    output: dict[str, Any]
    task: TaskInstance = field(default_factory=TaskInstance)
    first: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    window: tuple[datetime, datetime] = WINDOW
    only: set[str] | None = None
    kept_text: str = FIRST

    def __post_init__(self) -> None:
        self.workspace = make_workspace(3, "PRO")
        self.workspace.settings.only_admins_see_all_time_entries = True
        self.owner, self.member = self.workspace.users.values()
        self.other = EmulatedWorkspace(workspace_id="66b0c1a2d3e4f5a6b7c8d0ff")
        self.other.add_user("Owner", api_key=self.workspace.api_key)
        for day in range(90):
            self.other.add_entry(
                start=START + day * DAY, end=START + day * DAY + DAY / 24, description="Other"
            )
        self.emulator = self.start(self.workspace, self.other)

    def start(self, *workspaces: EmulatedWorkspace) -> ClockifyEmulator:
        return self.stack.enter_context(ClockifyEmulator(workspaces, free_requests_per_hour=None))

    def stamp(self, text: str) -> None:
        """Describe all entries of the first chunk."""
        for key in self.workspace.truth_ids(START, START + 31 * DAY):
            self.workspace.update_entry(key, description=text)

    def truth(self) -> Rows:
        """What the last attempt must publish."""
        entries = self.workspace.entries
        rows = truth(self.workspace, self.window)
        return {
            key: row for key, row in rows.items() if self.only is None or entries[key].user_id in self.only
        }

    def interrupt(self) -> None:
        """Run an attempt that ends when the last chunk is asked for."""
        self.airflow.interrupted(
            self.emulator, begins_chunk(2), self.task, WINDOW, **self.output, **self.first
        )

    def kept(self) -> list[Path]:
        """Files that the first attempt left for the next."""
        return [path for name in self.airflow.litter() for path in (self.airflow.folder / name).rglob("*")]


Change = Callable[[World], object]


def another_task(**identity: Any) -> Change:
    def change(world: World) -> None:
        world.task = replace(world.task.retried(), **identity)

    return change


def with_other(**parameters: Any) -> Change:
    def change(world: World) -> None:
        world.more |= parameters
        world.task = world.task.retried()

    return change


def retried(world: World) -> None:
    world.task = world.task.retried()


def retried_twice(world: World) -> None:
    retried(world)
    world.interrupt()
    retried(world)


def retried_after_a_clear(world: World) -> None:
    cleared(world)
    world.stamp(BETWEEN)
    world.kept_text = BETWEEN
    world.interrupt()
    retried(world)


def cleared(world: World) -> None:
    world.task = world.task.cleared()


def cleared_after_retries(world: World) -> None:
    retried_twice(world)
    cleared(world)


def another_host(world: World) -> None:
    world.workspace = make_workspace(3, "PRO")
    world.emulator = world.start(world.workspace)
    retried(world)


def another_workspace(world: World) -> None:
    world.workspace = world.other
    world.more["workspace_id"] = world.other.id
    retried(world)


def another_version(world: World) -> None:
    world.airflow.monkeypatch.setattr(airflow_provider_clockify, "__version__", "99.0.0")
    retried(world)


def key_of_member(world: World) -> None:
    world.first["api_key"] = world.member.api_key


def members_key(world: World) -> None:
    world.more["api_key"] = world.member.api_key
    world.only = {world.member.id}
    retried(world)


def filter_of_owner(world: World) -> None:
    world.first["filters"] = {"users": [world.owner.id]}


def owners_filter(world: World) -> None:
    world.more["filters"] = {"users": [world.owner.id]}
    world.only = {world.owner.id}
    retried(world)


def a_longer_window(world: World) -> None:
    world.window = (START - DAY, WINDOW[1])
    retried(world)


def another_format(world: World) -> None:
    world.more["file_format"] = "jsonl" if "file_format" in world.output else "parquet"
    retried(world)


def damaged(how: Callable[[Path], object]) -> Change:
    def change(world: World) -> None:
        files = [path for path in world.kept() if path.is_file()]
        assert files, "nothing was kept"
        for path in files:
            how(path)
        retried(world)

    return change


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    if content:
        content[len(content) // 2] ^= 1
        path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@dataclass(frozen=True)
class Row:
    """
    How the last attempt comes about.

    :param change: What happens between the first attempt and the last.
    :param expected: What the last may make of what is kept.
    :param begin: What is special about the first attempt.
    """

    change: Change
    expected: tuple[str, ...] = (READ_ANEW,)
    begin: Change = lambda world: None  # noqa: E731


CASES: dict[str, Row] = {
    "a retry": Row(retried, (GOES_ON,)),
    "a retry of a retry": Row(retried_twice, (GOES_ON,)),
    "a retry after the task was cleared": Row(retried_after_a_clear, (GOES_ON,)),
    "cleared": Row(cleared),
    "cleared after a retry": Row(cleared_after_retries),
    "a retry with resume=False": Row(with_other(resume=False)),
    "a first try once more": Row(lambda world: None),
    "another run": Row(another_task(run_id="scheduled__2026-01-02")),
    "another task": Row(another_task(task_id="export_again")),
    "another DAG": Row(another_task(dag_id="other_exports")),
    "another mapped task": Row(another_task(map_index=4)),
    "a member's key, then the owner's": Row(retried, begin=key_of_member),
    "the owner's key, then a member's": Row(members_key),
    "another host": Row(another_host),
    "another workspace": Row(another_workspace),
    "other filters": Row(owners_filter),
    "fewer filters": Row(retried, begin=filter_of_owner),
    # Rows are kept as the service sent them.
    "other columns": Row(with_other(drop_columns=["user_email"]), (GOES_ON, READ_ANEW)),
    "another format": Row(another_format, (GOES_ON, READ_ANEW)),
    "a longer window": Row(a_longer_window),
    "another version": Row(another_version),
    "a flipped bit in what is kept": Row(damaged(flip)),
    "cut short": Row(damaged(cut)),
    "removed": Row(damaged(Path.unlink)),
}


@pytest.mark.parametrize(
    ("case", "output"),
    [pytest.param(case, output, id=f"{case} - {output}") for case in CASES for output in OUTPUTS],
)
def test_only_a_retry_of_the_same_task_and_run_goes_on(
    case: str, output: str, cells: Cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells[case, output] = f"{WRONG}: nothing came of it"
    with ExitStack() as stack:
        world = World(Airflow(tmp_path, monkeypatch), stack, OUTPUTS[output])
        cells[case, output] = outcome = outcome_of(world, CASES[case])
    assert not outcome.startswith(WRONG), outcome


def outcome_of(world: World, row: Row) -> str:
    """Run a cell, and say what came of it."""
    row.begin(world)
    world.stamp(FIRST)
    world.interrupt()
    row.change(world)
    world.stamp(LAST)
    try:
        result = world.airflow.attempt(
            world.emulator, world.task, world.window, **{**world.output, **world.more}
        )
    except Exception as error:  # Whatever is kept, and whatever it is worth, an export must not fail for it.
        return f"{WRONG}: {type(error).__name__}: {error}"
    try:
        found = rows_of(result)
    except AssertionError as wrong:
        return f"{WRONG}: {wrong}"
    if found != (expected := world.truth()):
        return f"{WRONG}: {len(found)} rows, expected {len(expected)}"
    texts = descriptions(result) & {FIRST, BETWEEN, LAST}
    came = {(world.kept_text,): GOES_ON, (LAST,): READ_ANEW}.get(tuple(texts))
    return came if came in row.expected and came else f"{WRONG}: {sorted(texts)}"


def descriptions(result: dict[str, Any]) -> set[str]:
    texts: set[str] = set()
    for path in map(Path, result["paths"]):
        content = path.read_bytes()
        if content[:4] == b"PAR1":
            import pyarrow.parquet

            texts.update(pyarrow.parquet.ParquetFile(path).read(columns=["description"])[0].to_pylist())
        else:
            texts.update(json.loads(line)["description"] for line in content.splitlines())
    return texts


def test_a_retry_asks_less_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        world = World(Airflow(tmp_path, monkeypatch), stack, {})
        world.airflow.attempt(world.emulator, world.task, WINDOW, output="whole")
        whole = world.emulator.count()
        (tmp_path / "whole").unlink()
        world.interrupt()
        assert world.airflow.litter() != []
        world.emulator.reset_log()
        world.airflow.attempt(world.emulator, world.task.retried(), WINDOW)
        assert world.emulator.count() < whole
        assert world.airflow.litter() == []


def test_without_resuming_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        world = World(Airflow(tmp_path, monkeypatch), stack, {"resume": False})
        world.interrupt()
        assert world.airflow.litter() == []


# --- lists of parents -------------------------------------------------------------------------------------------------


def add_parent(world: EmulatedWorkspace, *, first: bool) -> None:
    at = START - 4000 * DAY if first else None
    project = world.add_project("A new one", at=at)
    world.add_task(project.id, "Its task", at=at)


def delete_parent(number: int) -> Callable[[EmulatedWorkspace], None]:
    def change(workspace: EmulatedWorkspace) -> None:
        workspace.delete(workspace.projects[sorted(workspace.projects)[number]])

    return change


def swap(workspace: EmulatedWorkspace) -> None:
    """As many as before, and others."""
    delete_parent(0)(workspace)
    add_parent(workspace, first=False)


def no_change(workspace: EmulatedWorkspace) -> None:
    """Leave everything."""


PARENTS: dict[str, Callable[[EmulatedWorkspace], None]] = {
    "parents as before": no_change,
    "a parent deleted that was read": delete_parent(1),
    "the first parent deleted": delete_parent(0),
    "a parent deleted that was not read": delete_parent(-1),
    "a parent added before all": lambda workspace: add_parent(workspace, first=True),
    "a parent added after all": lambda workspace: add_parent(workspace, first=False),
    "one deleted, one added": swap,
}
LISTS = ("tasks", "project_custom_fields")


def parents_cases() -> Iterator[Any]:
    for case in PARENTS:
        for entity in LISTS:
            yield pytest.param(case, entity, id=f"{case} - {entity}")


@pytest.mark.parametrize(("case", "entity"), parents_cases())
def test_a_list_of_parents_is_the_one_of_now(
    case: str, entity: str, cells: Cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells[case, entity] = f"{WRONG}: nothing came of it"
    cells[case, entity] = outcome = list_outcome(entity, PARENTS[case], Airflow(tmp_path, monkeypatch))
    assert not outcome.startswith(WRONG), outcome


def list_outcome(entity: str, change: Callable[[EmulatedWorkspace], None], airflow: Airflow) -> str:
    """Run a cell of a list, and say what came of it."""
    workspace = generate_workspace(entries=5, projects=8, tasks=6, custom_fields=4)
    task = TaskInstance()
    how = (WINDOW, ClockifyExportEntitiesOperator)

    def sixth_parent(record: RequestRecord) -> bool:
        return record.sequence >= 7

    with ClockifyEmulator(workspace, free_requests_per_hour=None) as emulator:
        airflow.interrupted(emulator, sixth_parent, task, *how, entity=entity)
        change(workspace)
        emulator.reset_log()
        try:
            airflow.attempt(emulator, task.retried(), *how, entity=entity)
        except Exception as error:
            return f"{WRONG}: {type(error).__name__}: {error}"
        asked = emulator.count()
        emulator.reset_log()
        another = replace(task, run_id="another run")
        airflow.attempt(emulator, another, *how, entity=entity, output="whole")
        whole = emulator.count()
    found, expected = ((airflow.folder / name).read_bytes() for name in ("out", "whole"))
    if found != expected:
        return f"{WRONG}: {len(found.splitlines())} lines, expected {len(expected.splitlines())}"
    if entity == "tasks" and {json.loads(line)["id"] for line in found.splitlines()} != set(workspace.tasks):
        return f"{WRONG}: other tasks than there are"
    return GOES_ON if asked < whole else READ_ANEW


def test_a_list_of_parents_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list_outcome("tasks", no_change, Airflow(tmp_path, monkeypatch)) == GOES_ON
