# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Every fault against every surface: the ground truth, or a typed error and nothing published.

``make faults`` prints what each cell came to.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_clockify._compat import AirflowSensorTimeout
from airflow_provider_clockify.airflow_errors import FINAL, PASSING
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyError, ClockifyResponseError
from airflow_provider_clockify.http import pace, rate_limit, retry
from airflow_provider_clockify.service import change_feeds as changes
from airflow_provider_clockify.service import report_kinds as reports
from airflow_provider_clockify.service.lists import LISTS
from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace

from .conftest import NO_SENSE, REFUSED, RIGHT, WRONG, Cells
from .matrix import MATRIX, Expectation, Row
from .surfaces import END, ENTRIES, OLD, START, SURFACES, Parts, Surface, World

ROWS = "fault"


@pytest.fixture(autouse=True)
def small_and_fast(surface: Surface, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pages small and back-offs short; what the service asks for is waited for in full."""
    monkeypatch.setattr(retry, "RetryPolicy", partial(retry.RetryPolicy, base=0.01, cap=0.05))
    monkeypatch.setattr(pace, "PAUSES", (0.05, 0.1, *pace.PAUSES[2:]))
    monkeypatch.setattr(rate_limit, "random", SimpleNamespace(random=lambda: 0.0))
    monkeypatch.setattr(reports, "MAX_PAGE_SIZE", 20)
    monkeypatch.setattr(changes, "LIMITS", (20, 10))
    for name, size in (("users", 4), ("tasks", 2), ("projects", 5000 if surface.name == "tasks" else 4)):
        monkeypatch.setitem(LISTS, name, replace(LISTS[name], page_size=size))


@pytest.fixture
def world(row: Row, surface: Surface, tmp_path: Path) -> Iterator[World]:
    """A workspace with pages of everything, and a folder that holds the files of an earlier run."""
    workspace = generate_workspace(
        users=10, projects=3, entries=ENTRIES, start=START, end=END, running_timers=1, plan=row.plan, tasks=5
    )
    for entry_id in workspace.truth_ids(START, END)[:4]:
        workspace.update_entry(entry_id, description="edited", at=END - (END - START) / 8)
    for number in range(3):
        entry = workspace.add_entry(start=START, end=START + (END - START) / 99, at=START - (END - START))
        workspace.delete_entry(entry.id, at=START + (number + 1) * (END - START) / 9)
    for number in range(6):
        spare = workspace.add_project(f"Spare {number}", at=START - 9 * (END - START))
        workspace.add_task(spare.id, "Nothing to do", at=START - 8 * (END - START))
    for path in surface.before:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(OLD)
    server = {"free_requests_per_hour": None, **row.server}
    with (
        ClockifyEmulator(workspace, **server) as emulator,
        ClockifyEmulator(generate_workspace(entries=1), free_requests_per_hour=None) as elsewhere,
    ):
        yield World(emulator, elsewhere, tmp_path)


def cases() -> Iterator[Any]:
    for fault, row in MATRIX.items():
        for surface in SURFACES.values():
            yield pytest.param(fault, row, surface, id=f"{fault} - {surface.name}")


@pytest.mark.parametrize(("fault", "row", "surface"), cases())
def test_every_fault_gives_the_truth_or_a_typed_error(
    fault: str,
    row: Row,
    surface: Surface,
    request: pytest.FixtureRequest,
    cells: Cells,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    expected = row.expects(surface.name)
    cells[fault, surface.name] = NO_SENSE
    if expected is None:
        return
    cells[fault, surface.name] = f"{WRONG}: nothing came of it"
    world: World = request.getfixturevalue("world")
    with caplog.at_level(logging.DEBUG):
        outcome = outcome_of(
            world, row, surface, as_a_wait(expected) if surface.waits else expected, monkeypatch
        )
    if world.emulator.api_key in caplog.text:
        outcome = f"{WRONG}: the key is in the log"
    cells[fault, surface.name] = outcome
    assert not outcome.startswith(WRONG), outcome


def outcome_of(
    world: World, row: Row, surface: Surface, expected: Expectation, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Run a cell, and say what came of it."""
    before, files = surface.truth(world), world.files()
    world.emulator.reset_log()
    world.emulator.reset_limits()
    world.extra = {"requests_per_second": 1000, "timeout": 20}
    if TimeoutError in expected.errors:  # Nothing else is waited for in vain.
        world.patience = 0.3
    struck = row.arm(world)
    connection = json.loads(world.emulator.connection_json(**world.extra))
    connection["host"] = world.host or connection["host"]
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", json.dumps(connection))
    try:
        found = surface.run(world)
    except AssertionError as wrong:
        return f"{WRONG}: {wrong}"
    except Exception as error:
        outcome = refusal(world, error, expected, files)
    else:
        if not struck():
            return f"{WRONG}: the fault did not strike, or a pause was not kept"
        world.emulator.clear_faults()
        world.emulator.reset_limits()
        outcome = compared(found, before, surface.truth(world))
        if outcome == RIGHT and not expected.right:
            outcome = f"{WRONG}: right, although an error was expected"
    if world.elsewhere.requests:
        return f"{WRONG}: the other host was asked"
    return outcome if struck() or outcome.startswith(WRONG) else f"{WRONG}: the fault did not strike"


def compared(found: Parts, before: Parts, after: Parts) -> str:
    """Compare each part with the truth of the moment before, or after, the data changed."""
    # What was there all the time must be there; what came or went meanwhile may be.
    if missing := before.keys() & after.keys() - found.keys():
        return f"{WRONG}: without {sorted(missing)}"
    if foreign := found.keys() - before.keys() - after.keys():
        return f"{WRONG}: with {sorted(foreign)}"
    for part, value in found.items():
        if value not in [truth[part] for truth in (before, after) if part in truth]:
            return f"{WRONG}: another content of {part or 'the result'}"
    return RIGHT


def refusal(world: World, error: Exception, expected: Expectation, files: dict[str, bytes]) -> str:
    """Say what an error comes to: it must be one of those expected, and must have left everything as it was."""
    if isinstance(error, (TimeoutError, AirflowSensorTimeout)):
        cause: BaseException = error
    else:
        cause = error if isinstance(error, ClockifyError) else error.__cause__ or error.__context__ or error
    name = type(cause).__name__
    if world.files() != files:
        return f"{WRONG}: {name}, and the files are not as they were"
    if world.emulator.api_key in str(error):
        return f"{WRONG}: {name} shows the key"
    if not isinstance(cause, expected.errors or ()):
        return f"{WRONG}: {name}: {error}"
    return f"{REFUSED}: {name}"


def as_a_wait(expected: Expectation) -> Expectation:
    """Translate what a request meets into what comes of it in a wait."""
    errors: list[type[BaseException]] = []
    for error in expected.errors:
        if issubclass(error, PASSING):
            errors += [AirflowSensorTimeout, TimeoutError]
        else:
            # An event from the triggerer carries the kind of an error, not its class.
            errors += [error, ClockifyConfigError if issubclass(error, FINAL) else ClockifyResponseError]
    return Expectation(expected.right, tuple(errors))  # type: ignore[arg-type]
