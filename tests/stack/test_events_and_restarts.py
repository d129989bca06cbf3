# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""A triggerer is killed while it waits and watches; seen from the database, nothing is lost and nothing doubled."""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

pytestmark = pytest.mark.stack


def ids_of(events: list[dict[str, Any]]) -> list[str]:
    return [entry_id for event in events for entry_id in event["ids"]]


def runs(stack: Any, dag_id: str, state: str = "success") -> int:
    count: int = stack.query("SELECT count(*) FROM dag_run WHERE dag_id = %s AND state = %s", dag_id, state)[
        0
    ][0]
    return count


def test_a_wait_survives_the_death_of_its_triggerer_and_ends_once_at_the_right_entry(stack: Any) -> None:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    stack.trigger("wait_for_entry", since=since)

    def task() -> dict[str, Any]:
        rows = stack.query(
            "SELECT state, trigger_id, try_number FROM task_instance WHERE dag_id = 'wait_for_entry'"
        )
        return dict(zip(("state", "trigger_id", "try_number"), rows[0], strict=True)) if rows else {}

    stack.wait_for("the sensor to be deferred", lambda: task().get("state") == "deferred", 90)
    stack.add_entries(1, "another one")
    trigger_id = task()["trigger_id"]
    stack.emulator.reset_log()
    stack.wait_for("a look of the triggerer", lambda: stack.emulator.count() > 3, 60)
    stack.restart_triggerer()
    assert task()["state"] == "deferred"
    (awaited,) = stack.add_entries(1, "the awaited one")
    stack.wait_for("the wait to end", lambda: task()["state"] == "success", 120)

    (value,) = stack.query("SELECT value FROM xcom WHERE dag_id = 'wait_for_entry' AND key = 'return_value'")[
        0
    ]
    result = json.loads(value) if isinstance(value, str) else value
    assert (result["count"], result["ids"]) == (1, [awaited])
    assert task()["try_number"] == 1
    stack.wait_for("the run to end", lambda: runs(stack, "wait_for_entry") == 1, 60)
    stack.wait_for(
        "the trigger to be gone",
        lambda: stack.query("SELECT 1 FROM trigger WHERE id = %s", trigger_id) == [],
        30,
    )


def test_a_dag_runs_once_for_each_batch_although_the_triggerer_is_killed(stack: Any) -> None:
    stack.wait_for_quiet()
    events_before = len(stack.events())
    billable_before = len(stack.events("billable_entries"))
    began = time.monotonic()
    added: list[str] = []
    for number in range(20):
        added += stack.add_entries(10, billable=number % 4 == 0)
        if number == 9:
            stack.restart_triggerer()
        expected = events_before + number + 1
        stack.wait_for(f"the event of batch {number}", lambda: len(stack.events()) >= expected, 90)  # noqa: B023
        if number == 8:
            stack.wait_for_quiet()
    stack.wait_for_quiet()
    events = stack.events()[events_before:]
    print(f"{len(events)} events of 20 batches in {time.monotonic() - began:.0f} s")

    assert Counter(ids_of(events)) == Counter(added)
    assert [event["count"] for event in events] == [10] * 20
    assert stack.events("new_entries_too")[-20:] == events
    billable = stack.events("billable_entries")[billable_before:]
    assert Counter(ids_of(billable)) == Counter(
        entry_id for number, event in enumerate(events) if number % 4 == 0 for entry_id in event["ids"]
    )
    # Two assets of one definition share one trigger.
    assert stack.query("SELECT count(*) FROM trigger")[0][0] == 2

    every = len(stack.events())
    stack.wait_for("the runs", lambda: runs(stack, "on_new_entries") == every, 120)
    per_run = stack.query(
        "SELECT d.dag_run_id, count(*) FROM dagrun_asset_event d JOIN dag_run r ON r.id = d.dag_run_id "
        "WHERE r.dag_id = 'on_new_entries' GROUP BY 1"
    )
    assert [count for _, count in per_run] == [1] * every
    results = stack.query("SELECT value FROM xcom WHERE dag_id = 'on_new_entries' AND key = 'return_value'")
    seen = Counter(
        entry_id
        for (value,) in results
        for entry_id in (json.loads(value) if isinstance(value, str) else value)
    )
    assert seen == Counter(ids_of(stack.events()))
    assert max(seen.values()) == 1


def test_killed_right_after_an_event_was_stored_the_triggerer_sends_the_same_event_again(stack: Any) -> None:
    stack.wait_for_quiet()
    first = len(stack.events())
    added: list[str] = []
    replays = 0
    for _ in range(4):  # The worst moment is about a second long; it may be missed.
        before = len(stack.events())
        added += stack.add_entries(5)
        stack.wait_for("the event", lambda: len(stack.events()) > before, 60, pause=0.01)  # noqa: B023
        stack.processes["triggerer"].kill()
        unconfirmed = any(cursor["pending"] for cursor in stack.cursors())
        stack.start("triggerer")
        added += stack.add_entries(5)
        expected = before + 2 + unconfirmed
        stack.wait_for("the next event", lambda: len(stack.events()) >= expected, 90)  # noqa: B023
        stack.wait_for_quiet()
        events = stack.events()[before:]
        assert len(events) == 2 + unconfirmed
        if unconfirmed:
            assert events[0] == events[1]
            replays += 1
            break
    assert replays == 1
    distinct = {event["window_end"]: event for event in stack.events()[first:]}
    assert Counter(ids_of(list(distinct.values()))) == Counter(added)


def test_watchers_of_one_workspace_share_one_look(stack: Any) -> None:
    stack.wait_for_quiet()
    stack.emulator.reset_log()
    began = time.monotonic()
    time.sleep(20)
    looks = stack.emulator.count(path_contains="entities/created")
    seconds = time.monotonic() - began
    # At 2 s, of two triggers; a look costs one page for each 1,000 entries of the last day and one more.
    assert seconds / 4 < looks <= 2 * (seconds / 2 + 2)
