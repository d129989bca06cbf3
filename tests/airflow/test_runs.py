# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What runs do at the edges: no interval, long windows, nothing to export, a refused key."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airflow_provider_clockify.testing import ClockifyEmulator


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_point_in_time_run_fails_before_any_request_and_names_the_cures(
    run_dag: Callable,
    connect: Callable,
    month: ClockifyEmulator,
    is_airflow_3: bool,
    capfd: pytest.CaptureFixture,
) -> None:
    folder = connect(month)
    run = run_dag("probe_point_in_time", datetime(2026, 11, 5, tzinfo=UTC))
    if not is_airflow_3:  # Before Airflow 3 a cron string gives a real interval.
        assert run.state == "success"
        return
    assert run.states == {"export": "failed"}
    out, err = capfd.readouterr()
    shown = re.sub(r"\x1b\[[\d;]*m", "", out + err)  # 3.0 shows it in colours
    for cure in ("CronDataIntervalTimetable", 'window="day"', "start="):
        assert cure in shown
    assert month.count() == 0
    assert files_below(folder) == []


def test_a_ninety_day_window_is_read_in_chunks_within_one_task(
    run_dag: Callable, connect: Callable, make_clockify_emulator: Callable
) -> None:
    start, end = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC)
    emulator = make_clockify_emulator(
        entries=6000, start=start, end=end, plan="FREE", owner_time_zone="Pacific/Auckland"
    )
    folder = connect(emulator)
    run = run_dag("probe_quarter", datetime(2026, 11, 30, tzinfo=UTC))
    assert run.state == "success"
    rows = [json.loads(line) for line in (folder / "entries.jsonl").read_bytes().splitlines()]
    truth = emulator.workspace.truth_ids(start, end)
    billable = {entry_id for entry_id in truth if emulator.workspace.entries[entry_id].billable}
    assert {row["_id"] for row in rows} == billable
    assert len(rows) == len(billable)
    refused, proof = 1, 2  # A Free workspace gives no sums of ninety days at once.
    assert run.results["export"]["requests"] == emulator.count()
    assert emulator.count() <= 3 + len(billable) // 1000 + refused + proof


def test_on_empty_skip_skips_the_task_and_writes_nothing(
    run_dag: Callable, connect: Callable, month: ClockifyEmulator
) -> None:
    folder = connect(month)
    run = run_dag("probe_skip", datetime(2026, 10, 5, tzinfo=UTC))
    assert run.states == {"export": "skipped"}
    assert list(folder.iterdir()) == []


def test_a_refused_key_fails_the_task_without_its_retries(
    run_dag: Callable, connect: Callable, month: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = connect(month)
    wrong = month.connection_json(api_key="0" * 48, requests_per_second=1000)
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", wrong)
    run = run_dag("probe_one_file", datetime(2026, 11, 5, tzinfo=UTC))
    assert run.states == {"export": "failed"}
    assert month.count() == 1
    assert files_below(folder) == []


def test_a_passing_fault_of_the_service_is_survived_by_the_request_retries(
    run_dag: Callable, connect: Callable, month: ClockifyEmulator
) -> None:
    folder = connect(month)
    month.fail(status=429, times=1, headers={"Retry-After": "0"})
    run = run_dag("probe_one_file", datetime(2026, 11, 6, tzinfo=UTC))
    assert run.state == "success"
    day = datetime(2026, 11, 5, tzinfo=UTC)
    rows = [json.loads(line) for line in (folder / "2026-11-05.jsonl").read_bytes().splitlines()]
    assert {row["_id"] for row in rows} == set(month.workspace.truth_ids(day, day + timedelta(days=1)))
