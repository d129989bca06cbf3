# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Attempts of an export task as Airflow runs them, one after another, and what they publish."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_clockify.exceptions import ClockifyServerError
from airflow_provider_clockify.http import rate_limit
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, faults
from airflow_provider_clockify.testing.request_log import RequestRecord

START, DAY = datetime(2025, 1, 1, tzinfo=UTC), timedelta(days=1)
# Chunks of at most 31 days: as many as months, whether they are cut at months or not.
ENDS = {2: datetime(2025, 3, 1, tzinfo=UTC), 3: datetime(2025, 4, 1, tzinfo=UTC), 12: START + 365 * DAY}
RETRIES = 2
LONG = 20.0

# Id to start (epoch seconds) and duration (seconds).
Rows = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class TaskInstance:
    """As much of Airflow's as an export may look at."""

    dag_id: str = "exports"
    task_id: str = "export"
    run_id: str = "scheduled__2026-01-01"
    map_index: int = -1
    try_number: int = 1
    max_tries: int = RETRIES

    def xcom_push(self, key: str, value: Any) -> None:
        """Take what a button is made of."""

    def retried(self) -> TaskInstance:
        return replace(self, try_number=self.try_number + 1)

    def cleared(self) -> TaskInstance:
        """As Airflow does it: the tries go on counting, and the last one moves away."""
        return replace(self, try_number=self.try_number + 1, max_tries=self.try_number + RETRIES)


class Store:
    """Airflow's task state store (3.3), as far as an export may use it."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        self.values[key] = value

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


@dataclass
class Airflow:
    """
    Runs attempts, each as in a process of its own, and keeps what Airflow keeps between them.

    :param folder: Where the files go.
    :param monkeypatch: Sets the connection.
    """

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    stores: dict[tuple[str, str, str, int], Store] = field(default_factory=dict)

    def attempt(
        self,
        emulator: ClockifyEmulator,
        task: TaskInstance,
        window: tuple[datetime, datetime],
        kind: type[Any] = ClockifyDetailedReportOperator,
        *,
        api_key: str | None = None,
        extra: dict[str, Any] | None = None,
        output: str = "out",
        **parameters: Any,
    ) -> dict[str, Any]:
        """Run one attempt; its error is raised."""
        rate_limit._limiters.clear()
        settings = {"requests_per_second": 1000, "timeout": 20, "max_retries": 0, **(extra or {})}
        connection = emulator.connection_json(api_key=api_key, **settings)
        self.monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", connection)
        identity = (task.dag_id, task.task_id, task.run_id, task.map_index)
        context: dict[str, Any] = {
            "data_interval_start": window[0],
            "data_interval_end": window[1],
            "logical_date": window[0],
            "run_id": task.run_id,
            "dag_run": SimpleNamespace(run_id=task.run_id, dag_id=task.dag_id),
            "ti": task,
            "task_instance": task,
            "task_state_store": self.stores.setdefault(identity, Store()),
        }
        operator = kind(
            task_id=task.task_id, output_path=str(self.folder / output), retries=RETRIES, **parameters
        )
        result: dict[str, Any] = operator.execute(context)
        return result

    def interrupted(
        self, emulator: ClockifyEmulator, cut: Callable[[RequestRecord], bool], *how: Any, **more: Any
    ) -> None:
        """Run an attempt that a request ends which the service does not answer."""
        emulator.inject(faults.answer(503), times=None, match=cut)
        with pytest.raises(ClockifyServerError):
            self.attempt(emulator, *how, **more)
        emulator.clear_faults()
        assert self.published() == {}, "an interrupted attempt published something"

    def published(self) -> dict[str, bytes]:
        """What lies in the folder and is neither hidden nor in a hidden folder."""
        return {
            name: path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and "/." not in (name := f"/{path.relative_to(self.folder)}")
        }

    def litter(self) -> list[str]:
        """What lies there for a next attempt, or was left behind."""
        return [str(path.relative_to(self.folder)) for path in self.folder.rglob(".clockify-*")]


def begins_chunk(number: int) -> Callable[[RequestRecord], bool]:
    """Match requests for a chunk from that one on, the first being 0; those for the whole window are none."""
    # Cut at months or every 31 days: a chunk begins at the first of a month, or within the days after it.
    first = f"{datetime(2025, number + 1, 1, tzinfo=UTC):%Y-%m-%d}"

    def match(record: RequestRecord) -> bool:
        body = record.json if record.method == "POST" else None
        return str((body or {}).get("dateRangeStart", "")) >= first

    return match


def after(first: Callable[[RequestRecord], bool], number: int) -> Callable[[RequestRecord], bool]:
    """Match so many requests after the first one that matches."""
    seen: list[int] = []

    def match(record: RequestRecord) -> bool:
        if seen:
            return record.sequence >= seen[0] + number
        if first(record):
            seen.append(record.sequence)
        return False

    return match


def once(
    emulator: ClockifyEmulator, when: Callable[[RequestRecord], bool], happens: Callable[[], object]
) -> list[bool]:
    """Let something happen once, when all that was asked before is answered; the list tells whether it has."""
    happened: list[bool] = []
    lock = threading.Lock()

    @emulator.before_request
    def hook(record: RequestRecord) -> None:
        with lock:
            if happened or not when(record):
                return
            before = [each for each in emulator.requests if each.sequence < record.sequence]
            patience = threading.Event()
            for _ in range(int(LONG / 0.005)):
                if all(each.finished for each in before):
                    break
                patience.wait(0.005)
            happens()
            happened.append(True)

    return happened


def make_workspace(chunks: int, plan: str) -> EmulatedWorkspace:
    """Some entries in each month; durations differ, but for two of each month."""
    workspace = EmulatedWorkspace(plan=plan)
    owner = workspace.add_user("Owner")
    member = workspace.add_user("Member")
    project = workspace.add_project("Project")
    founded = START - 400 * DAY
    for month in range(1, chunks + 1):
        for number, day in enumerate((2, 5, 9, 13, 17, 21, 26)):
            begin = datetime(2025, month, day, 8, tzinfo=UTC)
            minutes = 480 if number < 2 else 20 * number + month
            workspace.add_entry(
                start=begin,
                end=begin + timedelta(minutes=minutes),
                user_id=(member if number % 3 else owner).id,
                project_id=project.id,
                description=f"Entry {number} of month {month}",
                at=founded + timedelta(hours=len(workspace.entries)),
            )
    return workspace


def truth(workspace: EmulatedWorkspace, window: tuple[datetime, datetime]) -> Rows:
    return {
        key: (workspace.entries[key].start, workspace.entries[key].seconds)
        for key in workspace.truth_ids(*window)
    }


def rows_of(result: dict[str, Any]) -> Rows:
    """Read what was published; files and summary must agree, and each row lie in the file of its partition."""
    found: Rows = {}
    for path in map(Path, result["paths"]):
        for key, start, seconds in _read(path):
            assert key not in found, f"{key} is there twice"
            begin = datetime.fromtimestamp(start, UTC)
            assert path.parent.name in _folders(begin) or "=" not in path.parent.name, f"{key} is in {path}"
            found[key] = (start, seconds)
    assert result["rows"] == len(found), "the summary counts other rows"
    assert result["totals"]["seconds"] == sum(seconds for _, seconds in found.values()), "other totals"
    return found


def _folders(begin: datetime) -> Sequence[str]:
    return (f"dt={begin:%Y-%m-%d}", f"month={begin:%Y-%m}")


def _read(path: Path) -> list[tuple[str, int, int]]:
    content = path.read_bytes()
    if content[:4] != b"PAR1":
        rows = map(json.loads, content.splitlines())
        return [
            (
                row["_id"],
                int(datetime.fromisoformat(row["timeInterval"]["start"]).timestamp()),
                int(row["timeInterval"]["duration"]),
            )
            for row in rows
        ]
    import pyarrow.parquet

    table = pyarrow.parquet.ParquetFile(path).read(columns=["id", "start", "duration_seconds"])
    return [
        (row["id"], int(row["start"].timestamp()), int(row["duration_seconds"])) for row in table.to_pylist()
    ]
