# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What is driven through the faults: tasks as a worker runs them, a trigger as a triggerer does.

A surface runs against an emulator and gives what it published or answered in a form that can be compared with the
same form of the emulator's own data, part by part.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from airflow_provider_clockify.airflow_errors import airflow_semantics
from airflow_provider_clockify.operators.entities import (
    ClockifyEntityChangesOperator,
    ClockifyExportEntitiesOperator,
)
from airflow_provider_clockify.operators.reports import (
    ClockifyDetailedReportOperator,
    ClockifySummaryReportOperator,
)
from airflow_provider_clockify.sensors.time_entries import ClockifyTimeEntrySensor
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace
from airflow_provider_clockify.testing.workspace.truth import truth_summary
from airflow_provider_clockify.triggers._payloads import read_event

START, END, DAY = datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 6, tzinfo=UTC), timedelta(days=1)
DAYS = [START + number * DAY for number in range((END - START).days)]
ENTRIES = 90
OLD = b"as it was before\n"
# By part: the file of a day, or everything.
Parts = dict[str, Any]


@dataclass
class World:
    """
    One cell: an emulator, another host, a folder, and a connection between them.

    :param extra: extra of the connection.
    :param host: of the connection, where it is not the emulator's.
    :param patience: seconds that a wait may last.
    """

    emulator: ClockifyEmulator
    elsewhere: ClockifyEmulator
    folder: Path
    extra: dict[str, Any] = field(default_factory=dict)
    host: str | None = None
    patience: float = 30.0

    @property
    def workspace(self) -> EmulatedWorkspace:
        return self.emulator.workspace

    def files(self) -> dict[str, bytes]:
        """Everything that lies in the folder, hidden things and empty folders included."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes() if path.is_file() else b"a folder"
            for path in sorted(self.folder.rglob("*"))
        }


@dataclass(frozen=True)
class Surface:
    """
    Something that asks the service.

    :param run: does it, and gives what it published or answered.
    :param truth: the same from the emulator's data.
    :param waits: whether what passes by itself only delays it, to the end of its own time.
    :param single: whether it costs one request only.
    :param before: files that lie there already, by their paths.
    """

    name: str
    run: Callable[[World], Parts]
    truth: Callable[[World], Parts]
    waits: bool = False
    single: bool = False
    before: tuple[str, ...] = ("out",)


CONTEXT: dict[str, Any] = {"data_interval_start": START, "data_interval_end": END, "logical_date": START}


def execute(world: World, operator: type[Any], **parameters: Any) -> dict[str, Any]:
    """Run an operator's task; its summary must agree with the files."""
    task = operator(task_id="export", output_path=str(world.folder / "out"), **parameters)
    result: dict[str, Any] = task.execute(dict(CONTEXT))
    published = {str(Path(path).relative_to(world.folder)) for path in result["paths"]}
    folders = {str(parent) for path in published for parent in Path(path).parents} - {"."}
    assert set(world.files()) == published | folders, "something else lies beside the files"
    return result


def lines(world: World) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (world.folder / "out").read_bytes().splitlines()]


def day_of(path: str) -> str:
    return Path(path).parent.name.removeprefix("dt=")


def in_hundredths(amounts: dict[str, str]) -> dict[str, Decimal]:
    """As the workspace's truth has money."""
    return {currency: Decimal(amount) * 100 for currency, amount in amounts.items()}


def rounded(money: Any) -> dict[str, float]:
    return {currency: round(float(amount), 3) for currency, amount in money.items() if amount}


# --- detailed report ------------------------------------------------------------------------------------------


def run_detailed(world: World) -> Parts:
    result = execute(world, ClockifyDetailedReportOperator)
    rows = lines(world)
    assert result["rows"] == len(rows)
    seconds = {row["_id"]: int(row["timeInterval"]["duration"]) for row in rows}
    assert len(seconds) == len(rows), "a row is there twice"
    totals = result["totals"]
    return {"": (seconds, totals["seconds"], rounded(in_hundredths(totals["amounts"])))}


def truth_detailed(world: World) -> Parts:
    w = world.workspace
    seconds = {row_id: w.entries[row_id].seconds for row_id in w.truth_ids(START, END)}
    return {"": (seconds, sum(seconds.values()), rounded(w.truth_amounts(START, END)))}


def run_days(world: World) -> Parts:
    import pyarrow.parquet

    result = execute(world, ClockifyDetailedReportOperator, file_format="parquet", partition_by="day")
    return {
        day_of(path): sorted(
            (row["id"], row["duration_seconds"])
            for row in pyarrow.parquet.ParquetFile(path).read().to_pylist()
        )
        for path in result["paths"]
    }


def truth_days(world: World) -> Parts:
    w = world.workspace
    return {
        f"{day:%Y-%m-%d}": sorted((key, w.entries[key].seconds) for key in w.truth_ids(day, day + DAY))
        for day in DAYS
    }


def run_rendered(world: World) -> Parts:
    execute(world, ClockifyDetailedReportOperator, file_format="clockify_csv")
    return csv_parts((world.folder / "out").read_bytes())


def csv_parts(content: bytes) -> Parts:
    """Return each row of a file of the service by what no edit here changes; pages of it may be of two moments."""
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    description, user, day, begin = (
        rows[0].index(name) for name in ("Description", "User", "Start Date", "Start Time")
    )
    found: Parts = {"header": rows[0]}
    for row in rows[1:]:
        found.setdefault(f"{row[user]}, {row[day]} {row[begin]}: {row[description]}", []).append(row)
    return found


def truth_rendered(world: World) -> Parts:
    """Ask for the whole file at once, with a plain client; it must hold as many rows as the data."""
    world.emulator.behaviour.csv_paged = False
    body = {
        "dateRangeStart": f"{START:%Y-%m-%dT%H:%M:%S.000Z}",
        "dateRangeEnd": f"{END - timedelta(seconds=1):%Y-%m-%dT%H:%M:%S.999Z}",
        "timeZone": "UTC",
        "sortOrder": "ASCENDING",
        "exportType": "CSV",
        "detailedFilter": {"page": 1, "pageSize": 1000, "sortColumn": "ID"},
    }
    url = f"{world.emulator.url}/report/v1/workspaces/{world.workspace.id}/reports/detailed"
    answer = requests.post(url, json=body, headers={"X-Api-Key": world.emulator.api_key}, timeout=20)
    world.emulator.behaviour.csv_paged = True
    parts = csv_parts(answer.content)
    assert sum(map(len, parts.values())) == len(world.workspace.truth_ids(START, END)) + len(parts["header"])
    return parts


# --- summary --------------------------------------------------------------------------------------------------


def run_summary(world: World) -> Parts:
    result = execute(world, ClockifySummaryReportOperator, file_format="csv", partition_by="day")
    found: Parts = {}
    for path in result["paths"]:
        with Path(path).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        found[day_of(path)] = sorted(
            (row["group_1_id"], row["group_2_id"], int(row["duration_seconds"])) for row in rows
        )
    return found


def truth_of_summary(world: World) -> Parts:
    return {
        f"{day:%Y-%m-%d}": sorted(
            (user, project or "", group.seconds)
            for (user, project), group in truth_summary(
                world.workspace, day, day + DAY, ("USER", "PROJECT")
            ).items()
        )
        for day in DAYS
    }


# --- lists ----------------------------------------------------------------------------------------------------


def run_list(entity: str) -> Callable[[World], Parts]:
    def run(world: World) -> Parts:
        execute(world, ClockifyExportEntitiesOperator, entity=entity)
        rows = lines(world)
        found = {row["id"]: row["name"] for row in rows}
        assert len(found) == len(rows), "an item is there twice"
        return found

    return run


def truth_users(world: World) -> Parts:
    return {user.id: user.name for user in world.workspace.users.values()}


def truth_projects(world: World) -> Parts:
    return {project.id: project.name for project in world.workspace.projects.values()}


def truth_tasks(world: World) -> Parts:
    return {task.id: task.name for task in world.workspace.tasks.values()}


def run_changes(world: World) -> Parts:
    execute(world, ClockifyEntityChangesOperator, entity_type="TIME_ENTRY")
    rows = lines(world)
    found = {(row["change"], row["id"]): row["changed_at"] for row in rows}
    assert len(found) == len(rows), "a change is there twice"
    return {"": found}


def truth_changes(world: World) -> Parts:
    first, last = int(START.timestamp()), int(END.timestamp())

    def z(epoch: float) -> str:
        return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%dT%H:%M:%SZ}"

    found = {}
    for entry in world.workspace.entries.values():
        if first <= entry.created_at < last:
            found["created", entry.id] = z(entry.created_at)
        elif first <= entry.updated_at < last:
            found["updated", entry.id] = z(entry.updated_at)
    for grave in world.workspace.deletion_bin:
        if first <= grave.deleted_at < last:
            found["deleted", grave.document.id] = z(grave.deleted_at)
    return {"": found}


# --- waits ----------------------------------------------------------------------------------------------------


def sensor(world: World, **more: Any) -> ClockifyTimeEntrySensor:
    return ClockifyTimeEntrySensor(
        task_id="wait",
        since=START,
        until=END,
        min_entries=ENTRIES,
        poke_interval=0.05,
        timeout=world.patience,
        **more,
    )


def run_sensor(world: World) -> Parts:
    answer = sensor(world).execute(dict(CONTEXT))
    return {"": (answer["count"], sorted(answer["ids"]))}


def run_trigger(world: World) -> Parts:
    waiting = sensor(world, deferrable=True)
    question = replace(waiting.question(CONTEXT), workspace_id=world.workspace.id)
    trigger = waiting.trigger(question, datetime.now(UTC).isoformat())

    async def first_event() -> Any:
        event = asyncio.ensure_future(anext(trigger.run()))
        # A busy machine may take its time until the first request; patience begins with it.
        while not (event.done() or world.emulator.requests or world.host):  # noqa: ASYNC110 - other threads
            await asyncio.sleep(0.01)
        async with asyncio.timeout(world.patience):  # The wait has no deadline here.
            return await event

    event = asyncio.run(first_event())
    with airflow_semantics():
        answer = read_event(event.payload)
    return {"": (answer["count"], sorted(answer["ids"]))}


def truth_wait(world: World) -> Parts:
    ids = sorted(world.workspace.truth_ids(START, END))
    return {"": (len(ids), ids)}


DAY_FILES = tuple(f"out/dt={day:%Y-%m-%d}/detailed.parquet" for day in DAYS)
SUMMARY_FILES = tuple(f"out/dt={day:%Y-%m-%d}/summary.csv" for day in DAYS)
SURFACES = {
    surface.name: surface
    for surface in (
        Surface("detailed", run_detailed, truth_detailed),
        Surface("days", run_days, truth_days, before=DAY_FILES[:2]),
        Surface("summary", run_summary, truth_of_summary, before=SUMMARY_FILES[:2]),
        Surface("file", run_rendered, truth_rendered),
        Surface("users", run_list("users"), truth_users),
        Surface("projects", run_list("projects"), truth_projects),
        Surface("tasks", run_list("tasks"), truth_tasks),
        Surface("changes", run_changes, truth_changes),
        Surface("sensor", run_sensor, truth_wait, waits=True, single=True, before=()),
        Surface("trigger", run_trigger, truth_wait, waits=True, single=True, before=()),
    )
}
