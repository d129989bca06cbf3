# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""An export is killed in the middle by SIGKILL; its retry goes on after the finished chunks."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_clockify.testing import faults

pytestmark = pytest.mark.stack


def test_a_killed_export_goes_on_where_it_was(stack: Any) -> None:
    folder = Path(stack.folder) / "exports"
    output = folder / "entries.jsonl"
    workspace = stack.emulator.workspace
    start, end = datetime(2025, 11, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
    with workspace.lock:
        for month in range(1, 11):
            at = datetime(2026, month, 5, 9, tzinfo=UTC)
            workspace.add_entry(start=at, end=at.replace(hour=17), description=f"month {month}")

    reports: list[str] = []
    stack.emulator.before_request(
        lambda record: reports.append(record.path) if record.path.endswith("/reports/detailed") else None
    )
    stack.emulator.inject(
        faults.hang(1.0), times=None, match=lambda record: record.path.endswith("/reports/detailed")
    )
    stack.trigger("killed_export", output_path=str(output))

    def task() -> tuple[Any, ...]:
        rows = stack.query("SELECT state, pid, try_number FROM task_instance WHERE dag_id = 'killed_export'")
        return rows[0] if rows else (None, None, None)

    stack.wait_for("four chunks", lambda: len(reports) >= 5, 120)
    assert task()[0] == "running"
    os.kill(task()[1], signal.SIGKILL)
    assert not output.exists()
    first_try = len(reports)
    stack.wait_for("the retry to succeed", lambda: task()[0] == "success", 180)
    stack.emulator.clear_faults()

    assert task()[2] == 2
    chunks, proof = 12, 1
    assert len(reports) - first_try < chunks - 2 + proof, "the retry read everything again"
    truth = workspace.truth(start, end)
    rows = [json.loads(line) for line in output.read_bytes().splitlines()]
    assert sorted(row["_id"] for row in rows) == sorted(truth.ids)
    assert sum(row["timeInterval"]["duration"] for row in rows) == truth.seconds
    assert [path.name for path in folder.iterdir()] == [output.name]
