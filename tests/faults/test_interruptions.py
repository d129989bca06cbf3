# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Time is edited while a window of several chunks is read, or while an interrupted export waits for its retry.

What is published equals the service's data at a moment after the last edit, or nothing is published: an entry that
moves from a chunk that is not read yet into one that was read already must not fall between the two.

``make faults`` prints what each cell came to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_clockify._compat import AirflowFailException
from airflow_provider_clockify.exceptions import ClockifyBudgetError, ClockifyIncompleteError
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace

from .attempts import (
    DAY,
    ENDS,
    START,
    Airflow,
    Rows,
    TaskInstance,
    after,
    begins_chunk,
    make_workspace,
    once,
    rows_of,
    truth,
)
from .conftest import REFUSED, RIGHT, WRONG, Cells

ROWS = "edit between chunks"


@dataclass
class Edits:
    """
    What people do to entries of an earlier chunk and of a later one.

    :param last: End of the later chunk.
    """

    workspace: EmulatedWorkspace
    last: datetime

    def __post_init__(self) -> None:
        self.early = self.workspace.truth_ids(START, START + 20 * DAY)
        self.late = self.workspace.truth_ids(self.last - 16 * DAY, self.last)

    def move(self, key: str, start: datetime) -> None:
        seconds = self.workspace.entries[key].seconds
        self.workspace.update_entry(key, start=start, end=start + timedelta(seconds=seconds))

    def delete(self, key: str) -> None:
        self.workspace.delete_entry(key)

    def create_again(self, key: str, start: datetime | None = None) -> None:
        old = self.workspace.entries[key]
        begin = start or datetime.fromtimestamp(old.start, UTC)
        self.delete(key)
        self.workspace.add_entry(
            start=begin,
            end=begin + timedelta(seconds=old.seconds),
            user_id=old.user_id,
            project_id=old.project_id,
            description=old.description,
        )

    def change_duration(self, key: str) -> None:
        old = self.workspace.entries[key]
        self.workspace.update_entry(key, end=datetime.fromtimestamp(old.end or 0, UTC) + timedelta(minutes=7))

    @property
    def in_first(self) -> datetime:
        return START + 7 * DAY + timedelta(hours=9)

    @property
    def in_last(self) -> datetime:
        return self.last - 3 * DAY + timedelta(hours=9)

    def equal_of_early(self, key: str) -> str:
        """Let a late entry last as long as an early one, and earn as much; return the early one."""
        late = self.workspace.entries[key]
        early = self.workspace.entries[self.early[2]]
        self.workspace.update_entry(
            late.id, end=datetime.fromtimestamp(late.start + early.seconds, UTC), billable=early.billable
        )
        return early.id


EDITS: dict[str, Callable[[Edits], object]] = {
    "none": lambda e: None,
    "moved to an earlier chunk": lambda e: e.move(e.late[0], e.in_first),
    "moved to a later chunk": lambda e: e.move(e.early[0], e.in_last),
    "moved both ways": lambda e: (e.move(e.late[0], e.in_first), e.move(e.early[0], e.in_last)),
    "deleted in an earlier chunk": lambda e: e.delete(e.early[1]),
    "deleted in a later chunk": lambda e: e.delete(e.late[1]),
    "added to an earlier chunk": lambda e: e.workspace.add_entry(
        start=e.in_first, end=e.in_first + timedelta(hours=1)
    ),
    "re-created at its time": lambda e: e.create_again(e.early[1]),
    "re-created in an earlier chunk": lambda e: e.create_again(e.late[0], e.in_first),
    "re-created in a later chunk": lambda e: e.create_again(e.early[0], e.in_last),
    "lasts longer, in an earlier chunk": lambda e: e.change_duration(e.early[0]),
    "moved earlier, another deleted there": lambda e: (e.move(e.late[0], e.in_first), e.delete(e.early[3])),
    "moved earlier, an equal one deleted there": lambda e: (
        e.move(e.late[1], e.in_first),
        e.delete(e.equal_of_early(e.late[1])),
    ),
    "moved earlier, another deleted later": lambda e: (e.move(e.late[0], e.in_first), e.delete(e.late[1])),
}
# All that the service sums up of a chunk is as before: the export may be as of the moment before the edit. So may one
# that was read in full before the edit.
LOOKS_THE_SAME = {"re-created at its time"}
BEFORE = "as before"

OUTPUTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "jsonl": lambda chunks: {},
    # Many daily files take their time on a disk.
    "parquet, partitions": lambda chunks: {
        "file_format": "parquet",
        "partition_by": "month" if chunks > 2 else "day",
    },
}


@dataclass(frozen=True)
class Column:
    """
    When the edit happens.

    :param chunks: How many the window has.
    :param moment: Between two chunks, between two attempts (``resumed``), or before the first or second request that is
        made after all chunks were asked for (``proof 1``, ``proof 2``), if there is one.
    :param plan: Only a paid one answers windows above 31 days.
    """

    chunks: int
    moment: str
    plan: str

    @property
    def proof(self) -> int:
        """Number of the request after all chunks, or 0."""
        return int(self.moment.removeprefix("proof")) if self.moment.startswith("proof") else 0

    def __str__(self) -> str:
        return f"{self.chunks} {self.moment}{' Free' * (self.plan == 'FREE')}"


COLUMNS = [
    *(
        Column(chunks, moment, plan)
        for plan in ("PRO", "FREE")
        for moment in ("chunks", "resumed")
        for chunks in ENDS
    ),
    *(Column(3, f"proof {number}", plan) for plan in ("PRO", "FREE") for number in (1, 2)),
]


def cases() -> Iterator[Any]:
    for edit in EDITS:
        for output in OUTPUTS:
            for column in COLUMNS:
                yield pytest.param(edit, output, column, id=f"{edit} - {output} - {column}")


@pytest.mark.parametrize(("edit", "output", "column"), cases())
def test_an_export_is_as_of_a_moment_after_the_last_edit(
    edit: str, output: str, column: Column, cells: Cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = f"{edit}, {output}", str(column)
    cells[cell] = f"{WRONG}: nothing came of it"
    cells[cell] = outcome = outcome_of(edit, output, column, Airflow(tmp_path, monkeypatch))
    assert not outcome.startswith(WRONG), outcome


def outcome_of(edit: str, output: str, column: Column, airflow: Airflow) -> str:
    """Run a cell, and say what came of it."""
    workspace = make_workspace(column.chunks, column.plan)
    window = START, ENDS[column.chunks]
    parameters = OUTPUTS[output](column.chunks)
    # What moves while the chunks are proven comes from one that may not be proven yet.
    edits = Edits(workspace, datetime(2025, 3, 1, tzinfo=UTC) if column.proof else window[1])
    before = truth(workspace, window)
    task = TaskInstance()
    if column.proof:
        when = after(begins_chunk(column.chunks - 1), column.proof)
    else:
        when = begins_chunk(max(1, column.chunks // 2))
    with ClockifyEmulator(workspace, free_requests_per_hour=None) as emulator:
        if column.moment == "resumed":
            airflow.interrupted(emulator, when, task, window, **parameters)
            EDITS[edit](edits)
            happened = [True]
            task = task.retried()
        else:
            happened = once(emulator, when, lambda: EDITS[edit](edits))
        try:
            result = airflow.attempt(emulator, task, window, **parameters)
        except (ClockifyIncompleteError, AirflowFailException) as error:
            # On a Free workspace, the hour may have no room to prove all chunks once more.
            if isinstance(error, AirflowFailException) and not isinstance(
                error.__context__, ClockifyBudgetError
            ):
                raise
            if airflow.published():
                return f"{WRONG}: {error}, and something was published"
            return f"{REFUSED}: {type(error).__name__}"
    if not happened and not column.proof:
        return f"{WRONG}: the edit did not happen"
    if airflow.litter():
        return f"{WRONG}: left behind {airflow.litter()}"
    try:
        found = rows_of(result)
    except AssertionError as wrong:
        return f"{WRONG}: {wrong}"
    return compared(
        found, before, truth(workspace, window), may_be_before=edit in LOOKS_THE_SAME or column.proof > 0
    )


def compared(found: Rows, before: Rows, after: Rows, *, may_be_before: bool) -> str:
    """Compare what was published with what is true after the edit."""
    if found == after:
        return RIGHT
    if may_be_before and found == before:
        return BEFORE
    missing, foreign = sorted(after.keys() - found.keys()), sorted(found.keys() - after.keys())
    other = sorted(key for key in after.keys() & found.keys() if after[key] != found[key])
    return f"{WRONG}: without {missing}, with {foreign}, other content of {other}"
