# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Deferred waits in a whole Airflow: a secrets backend that fails, a key that is refused, a deadline."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.stack

BLINK = 10.0
TIMEOUT = timedelta(seconds=60)  # of the sensors in short_waits


def start(stack: Any, dag_id: str) -> None:
    stack.trigger(dag_id, since=datetime.now(UTC).isoformat(timespec="seconds"))


def tasks(stack: Any, dag_id: str) -> list[dict[str, Any]]:
    columns = ("task_id", "map_index", "state", "try_number", "start_date", "end_date")
    rows = stack.query(
        f"SELECT {', '.join(columns)} FROM task_instance WHERE dag_id = %s ORDER BY task_id, map_index",  # noqa: S608
        dag_id,
    )
    return [dict(zip(columns, row, strict=True)) for row in rows]


def states(stack: Any, dag_id: str) -> set[str]:
    return {task["state"] for task in tasks(stack, dag_id)}


def log_of(stack: Any, dag_id: str, task_id: str, map_index: int = -1) -> list[dict[str, Any]]:
    """Return what a task and its trigger have logged."""
    folder = next((Path(stack.folder) / "logs" / f"dag_id={dag_id}").glob(f"run_id=*/task_id={task_id}"))
    if map_index >= 0:
        folder /= f"map_index={map_index}"
    lines = [line for path in sorted(folder.glob("*.log*")) for line in path.read_text().splitlines()]
    return [json.loads(line) for line in lines if line.startswith("{")]


def said(stack: Any, level: str, *where: Any) -> list[str]:
    return [str(line["event"]) for line in log_of(stack, *where) if line.get("level") == level]


def test_twenty_waits_outlast_a_secrets_backend_that_fails_for_ten_seconds(stack: Any) -> None:
    stack.give_secrets()
    start(stack, "many_waits")
    stack.wait_for("20 deferred sensors", lambda: states(stack, "many_waits") == {"deferred"}, 900)
    assert len(tasks(stack, "many_waits")) == 20

    stack.take_secrets()
    began = time.monotonic()

    def warned() -> bool:
        return all(
            any("Airflow gave no connection 'vault'" in text for text in said(stack, "warning", *where))
            for where in (("many_waits", "wait", number) for number in range(20))
        )

    stack.wait_for("a warning of each trigger", warned, 60, pause=1)
    time.sleep(max(0.0, BLINK - (time.monotonic() - began)))
    assert states(stack, "many_waits") == {"deferred"}
    stack.give_secrets()

    awaited = [stack.add_entries(1, f"vault {number:02}") for number in range(20)]
    stack.wait_for("the waits to end", lambda: states(stack, "many_waits") == {"success"}, 900)
    assert [task["try_number"] for task in tasks(stack, "many_waits")] == [1] * 20
    rows = stack.query(
        "SELECT value FROM xcom WHERE dag_id = 'many_waits' AND key = 'return_value' ORDER BY map_index"
    )
    results = [json.loads(value) if isinstance(value, str) else value for (value,) in rows]
    assert [result["ids"] for result in results] == awaited


def test_a_key_that_is_refused_meanwhile_fails_in_spite_of_soft_fail_and_says_the_cure(stack: Any) -> None:
    stack.give_secrets()
    start(stack, "refused_waits")
    stack.wait_for("deferred sensors", lambda: states(stack, "refused_waits") == {"deferred"}, 300)
    stack.give_secrets(password="RevokedKey0123456789RevokedKey0123456789Revoked0")  # noqa: S106
    stack.wait_for("the waits to fail", lambda: states(stack, "refused_waits") == {"failed"}, 300)
    stack.give_secrets()
    assert [task["try_number"] for task in tasks(stack, "refused_waits")] == [1, 1]
    hidden = [
        " ".join(text.split())
        for text in said(stack, "error", "refused_waits", "soft")
        if "The task fails in spite of soft_fail" in text
    ]
    assert len(hidden) == 1
    assert "the key was refused (401" in hidden[0]
    assert "keys work only where they were made" in hidden[0]


def test_a_deferred_wait_ends_at_its_deadline_although_the_triggerer_restarts(stack: Any) -> None:
    stack.give_secrets()
    start(stack, "short_waits")
    stack.wait_for("deferred sensors", lambda: states(stack, "short_waits") == {"deferred"}, 300)
    time.sleep(TIMEOUT.total_seconds() / 2)
    stack.restart_triggerer()
    restarted = datetime.now(UTC)

    def ended() -> bool:
        return states(stack, "short_waits") == {"failed", "skipped"}

    # Airflow's own check of deferred tasks comes once an hour here.
    stack.wait_for("the end of the waits", ended, 300)
    by_id = {task["task_id"]: task for task in tasks(stack, "short_waits")}
    assert (by_id["wait"]["state"], by_id["soft"]["state"]) == ("failed", "skipped")
    for task_id, task in by_id.items():
        assert task["try_number"] == 1
        lines = log_of(stack, "short_waits", task_id)
        assert "The wait has lasted as long as the sensor's timeout allows." in json.dumps(lines)
        (fired,) = (
            datetime.fromisoformat(line["timestamp"])
            for line in lines
            if line["event"] == "Trigger fired event"
        )
        assert task["start_date"] + TIMEOUT < fired < restarted + TIMEOUT
