# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The example DAGs that wait, run by Airflow against the emulator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from airflow_provider_clockify.testing import ClockifyEmulator


def test_a_day_is_exported_once_time_is_tracked_on_it(
    run_dag: Callable, connect: Callable, month: ClockifyEmulator
) -> None:
    folder = connect(month)
    day = datetime(2026, 11, 4, tzinfo=UTC)
    truth = month.workspace.truth_ids(day, day + timedelta(days=1))
    run = run_dag("example_clockify_wait_then_export", day + timedelta(days=1))
    assert run.state == "success"
    assert run.results["wait_for_entries"]["count"] == run.results["check"] == len(truth)
    assert set(run.results["wait_for_entries"]["ids"]) < set(truth)
    assert (folder / "waited" / "dt=2026-11-04" / "detailed.jsonl").is_file()
    assert month.count() == 1 + -(-len(truth) // 1000)


def test_a_week_is_exported_once_it_is_approved(
    run_dag: Callable, connect: Callable, make_clockify_emulator: Callable
) -> None:
    emulator = make_clockify_emulator(entries=500)
    folder = connect(emulator)
    monday = datetime(2026, 11, 9, tzinfo=UTC)
    emulator.workspace.approval_requests.clear()
    emulator.workspace.add_approval_request(
        emulator.workspace.owner.id, start=monday, end=monday + timedelta(days=7), state="APPROVED"
    )
    run = run_dag("example_clockify_approvals_gate", monday + timedelta(days=7))
    assert run.state == "success"
    assert run.results["wait_for_approval"] == {"approved": 1, "pending": [], "missing": []}
    billable = [
        entry_id
        for entry_id in emulator.workspace.truth_ids(monday, monday + timedelta(days=7))
        if emulator.workspace.entries[entry_id].billable
    ]
    assert run.results["check"] == len(billable)
    assert (folder / "payroll" / "2026-11-09.csv").is_file()
