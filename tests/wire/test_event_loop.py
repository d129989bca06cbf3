# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What a look takes of the event loop that all triggers of a triggerer share."""

from __future__ import annotations

import asyncio
import json
import time
from asyncio import events
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_clockify.testing import ClockifyEmulator, faults, generate_workspace
from airflow_provider_clockify.triggers.time_entries import ClockifyTimeEntryTrigger
from airflow_provider_clockify.watching.questions import make_question

# Seconds of CPU of the loop's own thread: other processes of the machine do not count. A look takes 1 ms, reading one
# of these answers there took two seconds.
BOUND = 0.1
SINCE = datetime(2026, 11, 2, tzinfo=UTC)
ROWS = [
    {"_id": f"{number:024x}", "description": 'a "text"', "many": list(range(200))} for number in range(950)
]
WHOLE = json.dumps({"totals": [], "timeentries": ROWS}).encode()
assert len(WHOLE) > 900_000

BODIES = {
    "of another shape": WHOLE,
    "cut": WHOLE[:-100_000],
    "cut in a text": WHOLE[: WHOLE.rindex(b"text") + 2],
    "half a character": WHOLE[:-3] + b',"x":"\\ud800"}]}',
    "open brackets": b"[" * 1_000_000,
    "open brackets and an open text": b"[" * 2_000 + b'"' + b'\\"' * 500_000,
    "escaped quotes": b'{"a":"' + b'\\"' * 500_000,
    "numbers": b"1" * 1_000_000,
    "a thousand rows": None,
}


@pytest.fixture
def trigger_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ClockifyTimeEntryTrigger]:
    def make(emulator: ClockifyEmulator) -> ClockifyTimeEntryTrigger:
        connection = emulator.connection_json(requests_per_second=1000, max_retries=0)
        monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_TEST", connection)
        question = make_question(
            workspace_id=emulator.workspace.id,
            since=SINCE,
            until=SINCE + timedelta(days=1),
            detect="started",
            min_entries=1,
            filters=None,
            include_running=False,
        )
        return ClockifyTimeEntryTrigger(
            question=asdict(question), clockify_conn_id="clockify_test", poll_interval=3600.0
        )

    return make


async def look_once(
    trigger: ClockifyTimeEntryTrigger, emulator: ClockifyEmulator, taken: list[float]
) -> None:
    """Let a trigger run until its first look is over, and note what each callback of the loop took."""
    run_callback = events.Handle._run

    def run(handle: Any) -> None:
        before = time.thread_time()
        run_callback(handle)
        taken.append(time.thread_time() - before)

    events.Handle._run = run
    try:
        outcome = asyncio.ensure_future(anext(trigger.run()))
        while not outcome.done() and not slept(trigger):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        outcome.cancel()
        await asyncio.wait([outcome])
    finally:
        events.Handle._run = run_callback
    assert emulator.count() >= 1


def slept(trigger: ClockifyTimeEntryTrigger) -> bool:
    """Tell whether the look is over: the next is an hour away."""
    from airflow_provider_clockify.triggers._polling import shared_polls

    polls = list(shared_polls()._polls.values())
    return bool(polls) and all(poll.task is None and poll.found is not None for poll in polls)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_no_answer_holds_the_loop(start_emulator, trigger_of, body):
    workspace = generate_workspace(entries=1_000, start=SINCE, end=SINCE + timedelta(days=1))
    emulator = start_emulator(workspace, compress=True)
    if body is not None:
        emulator.inject(faults.answer(200, body=body), times=None)
    trigger = trigger_of(emulator)
    taken: list[float] = []
    asyncio.run(look_once(trigger, emulator, taken))
    assert len(taken) > 5
    assert max(taken) < BOUND
