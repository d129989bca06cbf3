# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Waits in every mode, through Airflow, against the emulator: the same ends in the same way."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from itertools import count, cycle
from threading import Timer
from typing import Any

import pytest

from airflow_provider_clockify._compat import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
)
from airflow_provider_clockify.exceptions import ClockifyMissingConnectionError
from airflow_provider_clockify.sensors.time_entries import ClockifyApprovalSensor, ClockifyTimeEntrySensor
from airflow_provider_clockify.testing import ClockifyEmulator, faults
from airflow_provider_clockify.testing.request_log import RequestRecord
from airflow_provider_clockify.triggers._payloads import read_event
from airflow_provider_clockify.triggers.time_entries import ClockifyApprovalTrigger, ClockifyTimeEntryTrigger

HOUR = timedelta(hours=1)
MODES = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}
# How a deferral that lasted too long is told to a task: Airflow 3, and 2.11.
TIMED_OUT = ("Trigger timeout", "Trigger/execution timeout")
# Runs of the last weeks: a look at more than a month costs more than a request.
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
dates = cycle([TODAY - timedelta(days=number) for number in range(2, 22)])


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> dict[str, Any]:
    return MODES[request.param]


@pytest.fixture
def emulator(make_clockify_emulator: Callable, connect: Callable) -> ClockifyEmulator:
    """An empty workspace, asked without retries of requests."""
    emulator = make_clockify_emulator(entries=0, server={"free_requests_per_hour": None})
    for entry_id in list(emulator.workspace.entries):
        emulator.workspace.delete_entry(entry_id)
    emulator.workspace.deletion_bin.clear()
    connect(emulator, max_retries=0)
    return emulator


@pytest.fixture
def wait(run_dag: Callable, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Run a sensor with parameters; gives the state of its task, its tries and its result."""

    def run(**parameters: Any) -> tuple[str, int, Any]:
        if parameters.get("mode") == "reschedule" and version("apache-airflow").startswith("3.0."):
            pytest.skip("dag.test() of Airflow 3.0 gives its own sensor a text where that wants a time")
        logical_date = parameters.pop("at", None) or next(dates)
        monkeypatch.setenv("PROBE_WAIT", json.dumps(parameters))
        outcome = run_dag("probe_wait", logical_date)
        return outcome.states["wait"], outcome.tries["wait"], outcome.results.get("wait")

    return run


@pytest.fixture
def at_request(emulator: ClockifyEmulator) -> Callable:
    """Let something happen just before a request of that number (from 1) is answered."""

    def plan(number: int, happens: Callable[[], Any]) -> None:
        @emulator.before_request
        def hook(record: RequestRecord) -> None:
            if len(emulator.requests) == number:
                happens()

    return plan


def track(emulator: ClockifyEmulator, start: datetime, **fields: Any) -> str:
    return emulator.workspace.add_entry(start=start, end=start + HOUR, **fields).id


# --- time entries, all modes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("detect", ["started", "created", "changed"])
def test_a_wait_ends_with_the_entry_that_arrives_meanwhile(
    detect: str, mode: dict, wait: Callable, emulator: ClockifyEmulator, at_request: Callable
) -> None:
    since = datetime.now(UTC).replace(microsecond=0) - HOUR
    made: list[str] = []
    track(emulator, since - 5 * HOUR, at=since - 4 * HOUR)
    per_look = 3 if detect == "changed" else 1
    at_request(2 * per_look + 1, lambda: made.append(track(emulator, since, at=since + HOUR / 2)))
    state, tries, result = wait(since=since.isoformat(), detect=detect, **mode)
    assert (state, tries) == ("success", 1)
    instant = since if detect == "started" else since + HOUR / 2
    assert result == {"count": 1, "latest": instant.isoformat().replace("+00:00", "Z"), "ids": made}
    assert emulator.count() == 3 * per_look


def test_a_wait_that_is_over_costs_one_request(
    mode: dict, wait: Callable, emulator: ClockifyEmulator
) -> None:
    start = next(dates)
    ids = [track(emulator, start - timedelta(days=1) + number * HOUR) for number in range(3)]
    state, _, result = wait(at=start, min_entries=3, **mode)
    assert state == "success"
    assert result["ids"] == ids[::-1]
    assert emulator.count() == 1


def test_a_key_that_is_revoked_meanwhile_ends_the_wait_without_retries(
    mode: dict, wait: Callable, emulator: ClockifyEmulator, at_request: Callable
) -> None:
    at_request(2, lambda: emulator.fail(401, times=None))
    assert wait(retries=2, **mode) == ("failed", 1, None)
    assert emulator.count() == 2


def test_a_key_that_is_refused_at_once_ends_the_wait_without_retries(
    mode: dict, wait: Callable, emulator: ClockifyEmulator
) -> None:
    emulator.fail(401, times=None)
    assert wait(retries=2, **mode) == ("failed", 1, None)
    assert emulator.count() == 1


FAILURES = {
    "429": faults.answer(429, headers={"Retry-After": "1"}),
    "503": faults.answer(503),
    "reset": faults.reset_before(),
    "broken": faults.invalid_json(),
}


@pytest.mark.parametrize("fault", FAILURES.values(), ids=FAILURES.keys())
@pytest.mark.parametrize("first", [1, 2])
def test_what_passes_by_itself_only_delays_the_wait(
    first: int, fault: Any, mode: dict, wait: Callable, emulator: ClockifyEmulator, at_request: Callable
) -> None:
    start = next(dates)
    at_request(first, lambda: emulator.inject(fault, times=2))
    at_request(first + 2, lambda: track(emulator, start))
    state, tries, result = wait(at=start, **mode)
    assert (state, tries, result["count"]) == ("success", 1, 1)
    assert emulator.count() == first + 2


@pytest.mark.parametrize("first", [1, 2])
def test_an_answer_of_unknown_shape_fails_the_task_unless_silent_fail(
    first: int, mode: dict, wait: Callable, emulator: ClockifyEmulator, at_request: Callable
) -> None:
    odd = faults.answer(200, body={"timeentries": "none"})
    at_request(first, lambda: emulator.inject(odd, times=1))
    assert wait(**mode)[0] == "failed"
    emulator.reset_log()
    emulator.clear_faults()
    start = next(dates)
    at_request(first + 1, lambda: track(emulator, start))
    state, _, result = wait(at=start, silent_fail=True, **mode)
    assert (state, result["count"]) == ("success", 1)


def test_silent_fail_does_not_wait_with_a_refused_key(
    mode: dict, wait: Callable, emulator: ClockifyEmulator, at_request: Callable
) -> None:
    at_request(2, lambda: emulator.fail(401, times=None))
    assert wait(silent_fail=True, **mode)[0] == "failed"
    assert emulator.count() == 2


# What waiting cannot mend: nobody but a person can.
FINAL: dict[str, Callable[[ClockifyEmulator], Any]] = {
    "refused key": lambda emulator: emulator.fail(401, times=None),
    "missing permission": lambda emulator: emulator.fail(403, times=None),
    "wrong request": lambda emulator: emulator.fail(400, times=None),
    "unknown shape": lambda emulator: emulator.inject(
        faults.answer(200, body={"timeentries": 1}), times=None
    ),
}


@pytest.mark.parametrize("first", [1, 2])
@pytest.mark.parametrize("case", FINAL)
def test_soft_fail_hides_no_error_that_waiting_cannot_mend(
    case: str, first: int, mode: dict, wait: Callable, emulator: ClockifyEmulator, at_request: Callable
) -> None:
    at_request(first, lambda: FINAL[case](emulator))
    assert wait(soft_fail=True, **mode) == ("failed", 1, None)


def test_soft_fail_hides_no_wrong_parameter(mode: dict, wait: Callable, emulator: ClockifyEmulator) -> None:
    assert wait(min_entries=0, soft_fail=True, retries=2, **mode) == ("failed", 1, None)
    assert wait(sensor="approvals", user_ids=[], soft_fail=True, retries=2, **mode) == ("failed", 1, None)
    assert emulator.count() == 0


@pytest.mark.parametrize("first", [1, 2])
def test_never_fail_skips_after_a_refused_key(
    first: int, mode: dict, wait: Callable, emulator: ClockifyEmulator, at_request: Callable
) -> None:
    at_request(first, lambda: emulator.fail(401, times=None))
    assert wait(never_fail=True, **mode)[0] == "skipped"


@pytest.mark.parametrize("first", [1, 2])
def test_never_fail_skips_after_other_errors_too(
    first: int, mode: dict, wait: Callable, emulator: ClockifyEmulator, at_request: Callable
) -> None:
    at_request(first, lambda: emulator.inject(faults.answer(200, body={"timeentries": 1}), times=None))
    assert wait(never_fail=True, **mode)[0] == "skipped"


@pytest.fixture
def errors(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect what a sensor logs as errors."""
    said: list[str] = []
    log = ClockifyTimeEntrySensor(task_id="wait").log
    monkeypatch.setattr(log, "error", lambda message, *values: said.append(message % values), raising=False)
    monkeypatch.setattr(ClockifyTimeEntrySensor, "log", log)
    return said


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"soft_fail": True}, "The task fails in spite of soft_fail, which is for time-outs. "),
        ({"never_fail": True}, "never_fail skips the task, but waiting cannot mend this: "),
        ({}, "What the sensor waits for was not found; tasks that need its success do not start."),
    ],
    ids=["soft_fail", "never_fail", "neither"],
)
@pytest.mark.parametrize("where", ["poke", "deferrable"])
def test_an_error_that_ends_a_wait_is_logged_once_with_its_cure(
    where: str, parameters: dict, text: str, emulator: ClockifyEmulator, errors: list[str]
) -> None:
    emulator.fail(401, times=None)
    sensor = ClockifyTimeEntrySensor(task_id="wait", since=TODAY, **parameters, **MODES[where])
    ends = AirflowSkipException if "never_fail" in parameters else AirflowFailException
    with pytest.raises(ends):
        sensor.execute({})
    (said,) = (" ".join(each.split()) for each in errors)
    assert text in said
    assert "the key was refused" in said
    assert "Paste a new key, or correct region and subdomain." in said


@pytest.mark.parametrize("kind", ["final", "failed"])
@pytest.mark.parametrize(
    ("parameters", "skips"), [({"soft_fail": True}, False), ({"never_fail": True}, True), ({}, False)]
)
def test_what_a_trigger_met_is_logged_as_an_error_and_not_hidden(
    parameters: dict, skips: bool, kind: str, errors: list[str]
) -> None:
    sensor = ClockifyTimeEntrySensor(task_id="wait", deferrable=True, **parameters)
    event = {"status": "error", "kind": kind, "message": "Make a new key."}
    with pytest.raises(Exception, match="Make a new key.") as caught:
        sensor.resume_execution("execute_complete", {"event": event}, {})
    assert isinstance(caught.value, AirflowSkipException) == skips
    assert isinstance(caught.value, AirflowFailException) == (not skips and kind == "final")
    (said,) = errors
    assert "Make a new key." in said
    assert ("in spite of soft_fail" in said) is ("soft_fail" in parameters)


@pytest.mark.parametrize(
    ("parameters", "state"), [({}, "failed"), ({"soft_fail": True}, "skipped"), ({"never_fail": True}, None)]
)
def test_a_wait_that_lasts_too_long_is_not_retried(
    parameters: dict, state: str | None, mode: dict, wait: Callable, emulator: ClockifyEmulator
) -> None:
    # Airflow's never_fail is about errors of a look, of which a deferred wait has none that Airflow sees.
    expected = state or ("skipped" if "deferrable" in mode else "failed")
    assert wait(timeout=0.05, retries=2, **parameters, **mode)[:2] == (expected, 1)
    assert emulator.count() >= 1


def test_a_gate_that_stays_shut_is_not_retried(
    mode: dict, wait: Callable, emulator: ClockifyEmulator, approvals: dict
) -> None:
    hand_in(emulator, emulator.workspace.owner.id)
    assert wait(timeout=0.3, retries=2, **approvals, **mode)[:2] == ("failed", 1)
    assert wait(timeout=0.3, retries=2, soft_fail=True, **approvals, **mode)[:2] == ("skipped", 1)


def test_a_deferred_wait_ends_although_the_service_fails_or_sleeps(
    wait: Callable, emulator: ClockifyEmulator, at_request: Callable
) -> None:
    at_request(2, lambda: emulator.inject(faults.hang(20), times=None))
    began = time.monotonic()
    assert wait(timeout=1, soft_fail=True, **MODES["deferrable"])[:2] == ("skipped", 1)
    assert time.monotonic() - began < 15
    emulator.clear_faults()
    emulator.reset_log()
    at_request(2, lambda: emulator.fail(429, headers={"Retry-After": "1000"}, times=None))
    assert wait(timeout=1, retries=2, **MODES["deferrable"])[:2] == ("failed", 1)


# --- a connection that blinks -----------------------------------------------------------------------------------


@pytest.fixture
def blink(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable]:
    """Take the connection away, for some seconds or for good."""
    name = "AIRFLOW_CONN_CLOCKIFY_DEFAULT"
    timers = []

    def take(seconds: float | None = None) -> None:
        value = os.environ[name]
        monkeypatch.delenv(name)
        if seconds is not None:
            timers.append(Timer(seconds, os.environ.__setitem__, (name, value)))
            timers[-1].start()

    yield take
    for timer in timers:
        timer.join()


@pytest.mark.parametrize("where", ["reschedule", "deferrable"])
@pytest.mark.parametrize("parameters", [{}, {"soft_fail": True}], ids=str)
def test_a_connection_that_is_missing_for_a_moment_only_delays_the_wait(
    parameters: dict,
    where: str,
    wait: Callable,
    emulator: ClockifyEmulator,
    at_request: Callable,
    blink: Callable,
    capfd: pytest.CaptureFixture,
    caplog: pytest.LogCaptureFixture,
) -> None:
    start = next(dates)

    def happens() -> None:
        blink(2.5)
        track(emulator, start)

    at_request(2, happens)
    emulator.inject(faults.answer(503), times=2)
    state, tries, result = wait(at=start, poke_interval=0.2, **parameters, **MODES[where])
    assert (state, tries, result["count"]) == ("success", 1, 1)
    assert emulator.count() == 3
    assert "Airflow gave no connection 'clockify_default'" in "".join(capfd.readouterr()) + caplog.text


def test_a_connection_that_stays_away_ends_the_wait_at_its_deadline(
    wait: Callable, emulator: ClockifyEmulator, at_request: Callable, blink: Callable
) -> None:
    at_request(1, blink)
    assert wait(timeout=1, retries=2, **MODES["deferrable"])[:2] == ("failed", 1)
    assert emulator.count() == 1


@pytest.mark.parametrize("parameters", [{}, {"soft_fail": True}], ids=str)
def test_a_connection_that_never_was_there_fails_the_first_look_with_the_cure(
    parameters: dict, mode: dict, wait: Callable, emulator: ClockifyEmulator, blink: Callable
) -> None:
    blink()
    assert wait(**parameters, **mode)[0] == "failed"
    sensor = ClockifyTimeEntrySensor(task_id="wait", since=TODAY, workspace_id="w", **parameters, **mode)
    with pytest.raises(ClockifyMissingConnectionError, match="Check the id under Admin, Connections"):
        sensor.poke({})
    assert emulator.count() == 0


@pytest.mark.parametrize("text", TIMED_OUT)
@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({}, AirflowSensorTimeout),
        ({"soft_fail": True}, AirflowSkipException),
        ({"never_fail": True}, AirflowSkipException),
    ],
)
def test_a_deferred_wait_that_lasts_too_long_ends_the_same(
    parameters: dict, error: type, text: str, is_airflow_3: bool
) -> None:
    if is_airflow_3 != (text == TIMED_OUT[0]):
        pytest.skip("Airflow 3 and 2 end such a wait with different errors; the other's is not expected here")
    sensor = ClockifyTimeEntrySensor(task_id="wait", deferrable=True, **parameters)
    with pytest.raises(error):
        sensor.resume_execution("__fail__", {"error": text}, {})


def test_a_trigger_that_broke_is_no_time_out() -> None:
    sensor = ClockifyTimeEntrySensor(task_id="wait", deferrable=True)
    with pytest.raises(Exception, match="Trigger failure") as caught:
        sensor.resume_execution("__fail__", {"error": "Trigger failure", "traceback": ["boom"]}, {})
    assert not isinstance(caught.value, AirflowSensorTimeout)


@pytest.mark.parametrize("where", ["poke", "reschedule"])
@pytest.mark.parametrize(("soft_fail", "state"), [(False, "failed"), (True, "skipped")])
def test_a_service_that_wants_a_longer_wait_than_the_sensor_has_is_not_asked_again(
    soft_fail: bool, state: str, where: str, wait: Callable, emulator: ClockifyEmulator
) -> None:
    emulator.fail(429, headers={"Retry-After": "1000"}, times=None)
    assert wait(timeout=500, retries=2, soft_fail=soft_fail, **MODES[where])[:2] == (state, 1)
    assert emulator.count() == 1


@pytest.mark.parametrize("where", ["poke", "reschedule"])
def test_the_next_poke_comes_when_the_service_allows_it(
    where: str, emulator: ClockifyEmulator, is_airflow_3: bool
) -> None:
    emulator.fail(429, headers={"Retry-After": "1000"})
    sensor = ClockifyTimeEntrySensor(task_id="wait", since=TODAY, poke_interval=300, **MODES[where])
    started: Any = 0.0 if where == "poke" else datetime.now(UTC)
    assert not sensor.poke({})
    assert sensor._get_next_poke_interval(started, lambda: 1.0, 1) == 1000
    assert not sensor.poke({})  # Somebody asks all the same.
    assert emulator.count() == 1
    assert 990 < sensor._get_next_poke_interval(started, lambda: 1.0, 2) <= 1000


WRONG: dict[str, dict[str, Any]] = {
    "min_entries": {"min_entries": 0},
    "since": {"since": "yesterday"},
    "until": {"since": "2026-11-02T00:00:00Z", "until": "2026-11-01T00:00:00Z"},
    "filters": {"filters": {"proyects": ["x"]}},
    "filters of feeds": {"detect": "created", "filters": {"clients": ["x"]}},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_parameter_costs_no_request(
    case: str, mode: dict, emulator: ClockifyEmulator, connect: Callable
) -> None:
    connect(emulator, workspace_id=None)
    sensor = ClockifyTimeEntrySensor(task_id="wait", **{"since": TODAY, **WRONG[case]}, **mode)
    with pytest.raises(AirflowFailException):
        sensor.poke({})
    assert emulator.count() == 0


def test_a_choice_is_checked_by_each_look_too(emulator: ClockifyEmulator, connect: Callable) -> None:
    connect(emulator, workspace_id=None)
    sensor = ClockifyTimeEntrySensor(task_id="wait", since=TODAY)
    sensor.detect = "ended"
    with pytest.raises(AirflowFailException, match="detect is 'ended'; use one of started, created, changed"):
        sensor.poke({})
    assert emulator.count() == 0


def test_a_wrong_parameter_fails_the_task_without_retries(
    mode: dict, wait: Callable, emulator: ClockifyEmulator
) -> None:
    assert wait(min_entries=0, retries=2, **mode) == ("failed", 1, None)
    assert emulator.count() == 0


def test_a_run_without_any_date_must_be_told_since(emulator: ClockifyEmulator) -> None:
    with pytest.raises(AirflowFailException, match="give since="):
        ClockifyTimeEntrySensor(task_id="wait").poke({})


def test_without_a_workspace_id_it_is_looked_up_once(
    mode: dict, wait: Callable, emulator: ClockifyEmulator, connect: Callable
) -> None:
    connect(emulator, workspace_id=None, max_retries=0)
    start = next(dates)
    track(emulator, start)
    assert wait(at=start, **mode)[0] == "success"
    assert [request.path.rsplit("/", 1)[1] for request in emulator.requests] == ["user", "detailed"]


def test_all_parameters_reach_the_question(emulator: ClockifyEmulator) -> None:
    given = {
        "since": "2026-11-01T00:00:00Z",
        "until": "2026-11-03T00:00:00Z",
        "detect": "changed",
        "min_entries": 4,
        "filters": {"billable": True},
        "include_running": True,
    }
    sensor = ClockifyTimeEntrySensor(task_id="wait", **given)
    asked = asdict(sensor.question({}))
    assert {name: asked[name] for name in given} == given
    assert set(sensor.template_fields) == {"since", "until", "filters", "workspace_id", "clockify_conn_id"}
    assert sensor.poke_interval == 300


def test_the_time_since_follows_from_the_run_and_not_from_the_clock() -> None:
    first, second, third = (datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2, 3))
    run = type("Run", (), {"run_after": third})()
    sensor = ClockifyTimeEntrySensor(task_id="wait")
    contexts = [
        {"data_interval_start": first, "logical_date": second, "dag_run": run},
        {"logical_date": second, "dag_run": run},
        {"data_interval_start": None, "logical_date": None, "dag_run": run},
    ]
    assert [sensor.question(context).since[:10] for context in contexts] == [
        "2026-11-01",
        "2026-11-02",
        "2026-11-03",
    ]


# --- budget -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "parameters", "text"),
    [
        ({}, {}, None),
        ({}, {"poke_interval": 120}, None),
        ({}, {"poke_interval": 60}, "about 60 requests an hour; all that a Free workspace has is 30"),
        ({}, {"detect": "changed"}, "Raise poke_interval to 360 s"),
        ({"requests_per_hour": 100}, {"poke_interval": 30}, "this workspace's quota is 100"),
        ({"requests_per_hour": 1000}, {"poke_interval": 30}, None),
    ],
    ids=str,
)
def test_a_wait_that_a_free_workspace_cannot_pay_is_warned_of_once(
    extra: dict,
    parameters: dict,
    text: str | None,
    emulator: ClockifyEmulator,
    connect: Callable,
    caplog: pytest.LogCaptureFixture,
) -> None:
    connect(emulator, max_retries=0, **extra)
    since = datetime.now(UTC) - HOUR
    sensor = ClockifyTimeEntrySensor(task_id="wait", since=since, **parameters)
    warnings: list[str] = []
    sensor.log.warning = lambda message, *values: warnings.append(message % values)  # type: ignore[method-assign]
    try:
        for _ in range(2):
            sensor.poke({})
    finally:
        del sensor.log.warning
    assert len(warnings) == (text is not None)
    assert text is None or text in warnings[0]


# --- triggers ---------------------------------------------------------------------------------------------------


def trigger_of(sensor: Any, context: dict | None = None) -> Any:
    """Return the trigger that a sensor defers with, as a triggerer gets it."""
    from airflow.providers.common.compat.sdk import TaskDeferred

    with pytest.raises(TaskDeferred) as caught:
        sensor.execute(context or {})
    assert caught.value.method_name == "execute_complete"
    assert caught.value.timeout == timedelta(seconds=sensor.timeout)
    left = datetime.fromisoformat(caught.value.trigger.deadline) - datetime.now(UTC)
    assert timedelta(0) <= caught.value.timeout - left < timedelta(seconds=30)
    return again(caught.value.trigger)


def again(trigger: Any) -> Any:
    """Write a trigger to the database and read it."""
    try:
        from airflow.sdk.module_loading import import_string
    except ImportError:
        from airflow.utils.module_loading import import_string
    path, arguments = trigger.serialize()
    copy = import_string(path)(**json.loads(json.dumps(arguments)))
    assert copy.serialize() == (path, arguments)
    return copy


SENSORS: dict[str, tuple[type, dict[str, Any], type]] = {
    "time entries": (
        ClockifyTimeEntrySensor,
        {"since": datetime(2026, 11, 1, tzinfo=UTC), "filters": {"users": ["u"]}},
        ClockifyTimeEntryTrigger,
    ),
    "approvals": (
        ClockifyApprovalSensor,
        {"start": "2026-11-01T00:00:00Z", "end": "2026-11-08T00:00:00Z", "user_ids": ("u",)},
        ClockifyApprovalTrigger,
    ),
}


@pytest.mark.parametrize("case", SENSORS)
def test_a_trigger_survives_the_database_and_holds_no_secret(case: str, emulator: ClockifyEmulator) -> None:
    kind, parameters, trigger_kind = SENSORS[case]
    sensor = kind(task_id="wait", deferrable=True, poke_interval=60, silent_fail=True, **parameters)
    before = datetime.now(UTC)
    trigger = trigger_of(sensor)
    assert type(trigger) is trigger_kind
    arguments = trigger.serialize()[1]
    assert emulator.api_key not in json.dumps(arguments)
    assert arguments["question"]["workspace_id"] == emulator.workspace.id
    assert (arguments["poll_interval"], arguments["silent_fail"]) == (60, True)
    wait = datetime.fromisoformat(arguments["first_look"]) - before
    assert timedelta(seconds=60) <= wait < timedelta(seconds=120)


def test_a_trigger_first_looks_when_the_service_allows_it(emulator: ClockifyEmulator) -> None:
    emulator.fail(429, headers={"Retry-After": "1000"})
    trigger = trigger_of(ClockifyTimeEntrySensor(task_id="wait", deferrable=True, since=TODAY))
    wait = datetime.fromisoformat(trigger.first_look) - datetime.now(UTC)
    assert timedelta(seconds=900) < wait <= timedelta(seconds=1000)


def test_a_restarted_trigger_asks_the_same_question(emulator: ClockifyEmulator) -> None:
    start = TODAY
    sensor = ClockifyTimeEntrySensor(task_id="wait", deferrable=True, since=start, poke_interval=0)
    trigger = trigger_of(sensor)
    entry = track(emulator, start)
    events = [asyncio.run(first_event(again(trigger))) for _ in range(3)]
    assert events[0] == events[1] == events[2]
    assert read_event(events[0].payload)["ids"] == [entry]
    bodies = [request.json for request in emulator.requests]
    assert {body["dateRangeStart"] for body in bodies} == {f"{TODAY:%Y-%m-%d}T00:00:00.000Z"}


async def first_event(trigger: Any) -> Any:
    return await anext(trigger.run())


def test_who_defers_without_a_workspace_while_the_service_fails_leaves_it_to_the_retries(
    emulator: ClockifyEmulator, connect: Callable
) -> None:
    connect(emulator, workspace_id=None, max_retries=0)
    emulator.fail(503, times=None)
    sensor = ClockifyTimeEntrySensor(task_id="wait", since=TODAY, deferrable=True)
    with pytest.raises(Exception, match="the service failed") as caught:
        sensor.execute({})
    assert not isinstance(caught.value, AirflowFailException)


def test_a_task_that_is_killed_while_deferred_leaves_nothing_behind(emulator: ClockifyEmulator) -> None:
    trigger = trigger_of(ClockifyTimeEntrySensor(task_id="w", deferrable=True, since=TODAY, poke_interval=0))
    emulator.reset_log()
    emulator.inject(faults.hang(20))

    async def scenario() -> None:
        task = asyncio.create_task(first_event(trigger))
        while not emulator.requests:  # noqa: ASYNC110 - the emulator lives in other threads
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(5):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


def test_triggers_of_one_question_share_its_requests(emulator: ClockifyEmulator) -> None:
    start = TODAY
    sensor = ClockifyTimeEntrySensor(task_id="wait", deferrable=True, since=start, poke_interval=0)
    trigger = trigger_of(sensor)
    trigger.poll_interval = 0.2
    emulator.reset_log()
    looks = count(1)

    @emulator.before_request
    def hook(record: RequestRecord) -> None:
        if next(looks) == 3:
            track(emulator, start)

    async def scenario() -> list[Any]:
        return await asyncio.gather(*(first_event(again(trigger)) for _ in range(50)))

    events = asyncio.run(scenario())
    assert len({json.dumps(event.payload) for event in events}) == 1
    assert emulator.count() == 3


@pytest.mark.parametrize("seconds", ["900", "3600"])
def test_a_trigger_asks_nobody_before_the_service_allows_it(seconds: str, emulator: ClockifyEmulator) -> None:
    trigger = trigger_of(ClockifyTimeEntrySensor(task_id="w", deferrable=True, since=TODAY, poke_interval=0))
    emulator.reset_log()
    emulator.fail(429, headers={"Retry-After": seconds})

    async def scenario() -> None:
        tasks = [asyncio.create_task(first_event(again(trigger))) for _ in range(3)]
        while not emulator.requests:  # noqa: ASYNC110 - the emulator lives in other threads
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        tasks.append(asyncio.create_task(first_event(again(trigger))))
        await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(scenario())
    assert emulator.count() == 1


# --- approvals --------------------------------------------------------------------------------------------------

WEEK = (datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC))


def hand_in(emulator: ClockifyEmulator, user_id: str, state: str = "PENDING") -> Any:
    return emulator.workspace.add_approval_request(
        user_id, start=WEEK[0], end=WEEK[1], state=state, type="TIMESHEET"
    )


@pytest.fixture
def approvals(emulator: ClockifyEmulator) -> dict[str, Any]:
    emulator.workspace.approval_requests.clear()
    return {"sensor": "approvals", "start": WEEK[0].isoformat(), "end": WEEK[1].isoformat()}


def test_the_gate_opens_with_the_last_approval(
    mode: dict, wait: Callable, emulator: ClockifyEmulator, at_request: Callable, approvals: dict
) -> None:
    users = list(emulator.workspace.users)[:2]
    hand_in(emulator, users[0], "APPROVED")
    sheet = hand_in(emulator, users[1])
    at_request(3, lambda: emulator.workspace.change(sheet, state="APPROVED"))
    state, tries, result = wait(**approvals, **mode)
    assert (state, tries) == ("success", 1)
    assert result == {"approved": 2, "pending": [], "missing": []}
    assert emulator.count() == 3


def test_the_gate_waits_for_users_who_handed_nothing_in(
    mode: dict, wait: Callable, emulator: ClockifyEmulator, at_request: Callable, approvals: dict
) -> None:
    users = list(emulator.workspace.users)[:2]
    hand_in(emulator, users[0], "APPROVED")
    at_request(2, lambda: hand_in(emulator, users[1], "APPROVED"))
    state, _, result = wait(user_ids=users, **approvals, **mode)
    assert (state, result["approved"]) == ("success", 2)
    assert emulator.count() == 2


def test_the_gate_stays_shut_for_a_revoked_key(
    mode: dict, wait: Callable, emulator: ClockifyEmulator, at_request: Callable, approvals: dict
) -> None:
    at_request(2, lambda: emulator.fail(401, times=None))
    assert wait(retries=2, **approvals, **mode) == ("failed", 1, None)
    assert emulator.count() == 2


def test_the_gate_outlasts_a_failing_service(
    mode: dict, wait: Callable, emulator: ClockifyEmulator, at_request: Callable, approvals: dict
) -> None:
    hand_in(emulator, emulator.workspace.owner.id, "APPROVED")
    emulator.fail(503, times=2)
    assert wait(**approvals, **mode)[:2] == ("success", 1)
    assert emulator.count() == 3


@pytest.mark.parametrize("parameters", [{}, {"start": "x"}, {"user_ids": []}, {"end": WEEK[0].isoformat()}])
def test_a_wrong_gate_costs_no_request(
    parameters: dict, mode: dict, emulator: ClockifyEmulator, connect: Callable
) -> None:
    connect(emulator, workspace_id=None)
    bounds = {"start": WEEK[0].isoformat(), "end": WEEK[1].isoformat()} if parameters else {}
    sensor = ClockifyApprovalSensor(task_id="wait", **{**bounds, **parameters}, **mode)
    with pytest.raises(AirflowFailException):
        sensor.poke({})
    assert emulator.count() == 0


def test_the_period_of_the_gate_is_that_of_the_run() -> None:
    sensor = ClockifyApprovalSensor(task_id="wait")
    asked = sensor.question({"data_interval_start": WEEK[0], "data_interval_end": WEEK[1]})
    assert (asked.start, asked.end) == ("2026-11-09T00:00:00Z", "2026-11-16T00:00:00Z")
    with pytest.raises(ValueError, match="CronDataIntervalTimetable"):
        sensor.question({"data_interval_start": WEEK[0], "data_interval_end": WEEK[0]})
