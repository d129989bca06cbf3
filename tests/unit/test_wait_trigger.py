# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""How long a trigger waits, and what it outlasts; without Airflow around it and without a service."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from airflow_provider_clockify._compat import AirflowException, AirflowSensorTimeout
from airflow_provider_clockify.exceptions import (
    ClockifyAuthError,
    ClockifyConfigError,
    ClockifyMissingConnectionError,
    ClockifyRateLimitError,
    ClockifyServerError,
)
from airflow_provider_clockify.triggers import _event_stream as event_stream
from airflow_provider_clockify.triggers import _polling as polling
from airflow_provider_clockify.triggers._payloads import read_event
from airflow_provider_clockify.triggers.time_entries import ClockifyApprovalTrigger, ClockifyTimeEntryTrigger

ENOUGH = SimpleNamespace(enough=True, to_xcom=lambda: {"count": 1})
TOO_FEW = SimpleNamespace(enough=False)
ARGUMENTS = {"question": {"q": 1}, "clockify_conn_id": "vault", "poll_interval": 0.01}


def seconds_from_now(seconds, zone=UTC):
    return (datetime.now(zone) + timedelta(seconds=seconds)).isoformat()


class Looks:
    """Answers looks one after the other, the last answer for ever; an exception is raised, ``None`` never comes."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.count = 0
        self.cancelled = 0

    async def __call__(self):
        answer = self.answers[min(self.count, len(self.answers) - 1)]
        self.count += 1
        if answer is None:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if isinstance(answer, Exception):
            raise answer
        return answer


def within(scenario, seconds=20):
    """Run a coroutine function; what never ends is a failure."""

    async def limited():
        async with asyncio.timeout(seconds):
            return await scenario()

    return asyncio.run(limited())


def run(looks, kind=ClockifyTimeEntryTrigger, **arguments):
    """Run a trigger to its end; gives its event and the seconds that took."""

    async def inside():
        trigger = kind(**{**ARGUMENTS, **arguments})
        trigger._fetch = looks
        began = time.monotonic()
        events = [event async for event in trigger.run()]
        took = time.monotonic() - began
        for _ in range(5):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        (event,) = events
        return json.loads(json.dumps(event.payload)), took

    return within(inside)


# --- the deadline -----------------------------------------------------------------------------------------------

BERLIN = timezone(timedelta(hours=1))


@pytest.mark.parametrize("kind", [ClockifyTimeEntryTrigger, ClockifyApprovalTrigger])
@pytest.mark.parametrize("zone", [UTC, BERLIN], ids=["UTC", "+01:00"])
@pytest.mark.parametrize("interval", [0.0, 0.01, 3600.0])
def test_a_wait_in_vain_ends_at_its_deadline(kind, zone, interval):
    looks = Looks(TOO_FEW)
    event, took = run(looks, kind, deadline=seconds_from_now(0.3, zone), poll_interval=interval)
    with pytest.raises(AirflowSensorTimeout, match=r"as long as the sensor's timeout allows\.$"):
        read_event(event)
    assert 0.2 < took < 3
    assert looks.count == 1 if interval == 3600 else looks.count > 1


PAUSES = {
    "a look without an answer": {"looks": [None]},
    "a long Retry-After": {"looks": [ClockifyRateLimitError("too many", retry_after=3600.0)]},
    "a service that fails": {"looks": [ClockifyServerError("down", status=503)]},
    "a first look that is late": {"looks": [TOO_FEW], "first_look": 3600},
}


@pytest.mark.parametrize("case", PAUSES)
def test_the_deadline_holds_whatever_the_trigger_is_doing(case):
    looks = Looks(*PAUSES[case]["looks"])
    first_look = PAUSES[case].get("first_look")
    arguments = {"first_look": seconds_from_now(first_look)} if first_look else {}
    event, took = run(looks, deadline=seconds_from_now(0.3), **arguments)
    assert event["status"] == "timeout"
    assert took < 3
    assert looks.cancelled == (PAUSES[case]["looks"] == [None])


def test_a_restarted_triggerer_does_not_restart_the_clock():
    looks = Looks(ENOUGH)
    event, took = run(looks, deadline=seconds_from_now(-60), first_look=seconds_from_now(-3600))
    assert event["status"] == "timeout"
    assert (looks.count, took < 1) == (0, True)


def test_two_waits_for_the_same_end_each_at_its_own_deadline():
    async def inside():
        looks = Looks(None)
        triggers = [
            ClockifyTimeEntryTrigger(**ARGUMENTS, deadline=seconds_from_now(wait)) for wait in (0.1, 2.0)
        ]
        for trigger in triggers:
            trigger._fetch = looks
        tasks = [asyncio.create_task(anext(trigger.run())) for trigger in triggers]
        await tasks[0]
        assert not tasks[1].done()
        assert looks.cancelled == 0  # The other one still waits for the look that they share.
        await tasks[1]
        assert (looks.count, looks.cancelled) == (1, 1)

    within(inside)


def test_what_is_found_before_the_deadline_counts():
    event, _ = run(Looks(TOO_FEW, TOO_FEW, ENOUGH), deadline=seconds_from_now(60))
    assert read_event(event) == {"count": 1}


def test_the_time_out_says_why_the_last_look_failed():
    late = run(Looks(ClockifyServerError("down", status=503)), deadline=seconds_from_now(0.1))[0]
    with pytest.raises(AirflowSensorTimeout, match=r"allows\. The last look failed: down$"):
        read_event(late)
    answers = [ClockifyServerError("down", status=503), TOO_FEW]
    assert "down" not in run(Looks(*answers), deadline=seconds_from_now(0.3))[0]["message"]


def test_a_time_out_of_something_else_is_not_taken_for_the_deadline():
    with pytest.raises(TimeoutError, match="else"):
        run(Looks(TimeoutError("else")), deadline=seconds_from_now(60))


@pytest.mark.parametrize("kind", [ClockifyTimeEntryTrigger, ClockifyApprovalTrigger])
def test_what_a_version_without_deadlines_has_stored_still_waits(kind):
    stored = {**ARGUMENTS, "first_look": seconds_from_now(-1), "silent_fail": False}
    assert kind(**stored).serialize()[1] == {**stored, "deadline": None}
    assert run(Looks(TOO_FEW, TOO_FEW, ENOUGH), kind, **stored)[0]["status"] == "success"


# --- the connection ---------------------------------------------------------------------------------------------

SECRET = "text-of-the-backend"
BLINKS = {
    "missing": AirflowException(SECRET),
    "backend without a network": OSError(SECRET),
    "backend that is sealed": RuntimeError(SECRET),
    "backend without the entry": KeyError(SECRET),
    "backend that cannot be loaded": ImportError(SECRET),
    "backend that may not": PermissionError(SECRET),
    "backend that is slow": TimeoutError(SECRET),
}


def connection(**fields):
    return SimpleNamespace(
        **{"password": "k" * 48, "host": None, "schema": None, "port": None, "extra": None, **fields}
    )


@pytest.fixture
def backend(monkeypatch):
    """Return connections one after the other, the last one for ever; an exception is raised, ``None`` never comes."""

    def plan(*answers):
        looks = Looks(*answers)

        async def give(conn_id):
            assert conn_id == "vault"
            return await looks()

        monkeypatch.setattr(polling, "get_async_connection", give)
        return looks

    return plan


class Looking(ClockifyTimeEntryTrigger):
    async def _fetch(self):
        await polling.transport_of(self.clockify_conn_id)
        return ENOUGH


def wait_with(backend_looks, **arguments):
    async def inside():
        return (await anext(Looking(**{**ARGUMENTS, **arguments}).run())).payload, backend_looks.count

    return within(inside)


@pytest.fixture
def warnings(monkeypatch):
    """Collect the warnings of triggers, whose log is Airflow's."""
    said = []
    log = SimpleNamespace(warning=lambda message, *values: said.append(message % values))
    monkeypatch.setattr(Looking, "log", log)
    return said


@pytest.mark.parametrize("blink", BLINKS.values(), ids=BLINKS.keys())
def test_a_connection_that_is_missing_for_a_moment_only_delays_the_wait(blink, backend, warnings):
    event, reads = wait_with(backend(blink, blink, connection()))
    assert (event["status"], reads) == ("success", 3)
    assert len(warnings) == 2
    for said in warnings:
        assert "Airflow gave no connection 'vault'" in said
        assert type(blink).__name__ in said
        assert "Check the id under Admin, Connections, and the secrets backend." in said
        assert SECRET not in said


def test_a_backend_that_never_answers_only_delays_the_wait(backend, warnings, monkeypatch):
    monkeypatch.setattr(polling, "LONGEST_READ", 0.05)
    looks = backend(None, connection())
    assert wait_with(looks)[0]["status"] == "success"
    assert looks.cancelled == 1
    assert "TimeoutError" in warnings[0]


def test_a_connection_that_cannot_be_decrypted_is_none(backend, warnings):
    class Locked(SimpleNamespace):
        @property
        def password(self):
            raise ValueError(SECRET)

    assert wait_with(backend(Locked(extra=None), connection()))[0]["status"] == "success"
    assert len(warnings) == 1


def test_a_connection_that_stays_away_ends_the_wait_at_its_deadline(backend, warnings):
    event, reads = wait_with(backend(OSError()), deadline=seconds_from_now(0.2))
    assert event["status"] == "timeout"
    assert "Airflow gave no connection 'vault'" in event["message"]
    assert len(warnings) > 1
    assert reads - len(warnings) in (0, 1), "the deadline may cut the last look short"


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": ""},
        {"password": "two words"},
        {"extra": '{"region": "moon"}'},
        {"extra": "{"},
        {"extra": "[]"},
        {"extra": '{"timeout": "soon"}'},
        {"host": "http://example.com"},
    ],
    ids=str,
)
def test_a_connection_with_wrong_content_ends_the_wait(wrong, backend, warnings):
    event, reads = wait_with(backend(OSError(), connection(**wrong)))
    with pytest.raises(ClockifyConfigError, match="vault"):
        read_event(event)
    assert (reads, len(warnings)) == (2, 1)


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (ClockifyMissingConnectionError("gone"), 0.0),
        (ClockifyServerError("down", status=503), 0.0),
        (ClockifyRateLimitError("slow", retry_after=77.0), 77.0),
        (TimeoutError(), 0.0),
        (ClockifyConfigError("wrong"), event_stream.PAUSE_AFTER_FINAL),
        (ClockifyAuthError("refused", status=401), event_stream.PAUSE_AFTER_FINAL),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_watcher_waits_long_only_for_what_a_person_must_mend(error, pause):
    async def fail(start, end):
        raise error

    async def inside():
        tick = event_stream.Tick(fail)
        with pytest.raises(type(error)):
            await tick.entries(tick.at, tick.at)
        return tick.pause

    assert asyncio.run(inside()) == pause


def test_looks_of_a_watcher_meet_our_error_when_the_connection_is_missing(backend, caplog):
    backend(RuntimeError(SECRET))
    look = event_stream.Looker("vault", "w", "created")
    now = datetime.now(UTC)
    with caplog.at_level(logging.DEBUG), pytest.raises(event_stream.LOOK_ERRORS, match="gave no connection"):
        asyncio.run(look(now - timedelta(minutes=5), now))
    assert SECRET not in caplog.text
