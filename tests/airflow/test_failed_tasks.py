# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What the log of a failed task says last, for every kind of task: through Airflow, and case by case."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_clockify._compat import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTerminated,
    AirflowTaskTimeout,
)
from airflow_provider_clockify.exceptions import (
    ClockifyAuthError,
    ClockifyDatabaseError,
    ClockifyNoRowsError,
    ClockifyRateLimitError,
    ClockifyStorageError,
    ClockifyWriteUnknownError,
)
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
from airflow_provider_clockify.operators.time_entries import ClockifyCreateTimeEntryOperator
from airflow_provider_clockify.sensors.time_entries import ClockifyTimeEntrySensor
from airflow_provider_clockify.testing import ClockifyEmulator, faults
from airflow_provider_clockify.transfers.clockify_to_sql import ClockifyReportToSqlOperator

DAY = {"start": "2026-11-04T00:00:00Z", "end": "2026-11-05T00:00:00Z"}
THREE_DAYS = {"start": "2026-11-04T00:00:00Z", "end": "2026-11-07T00:00:00Z", "partition_by": "day"}
LOGICAL = datetime(2026, 11, 5, tzinfo=UTC)
REASON = "the key was refused (401, code 4003: Api key does not exist)."
CURE = "Paste a new key, or correct region and subdomain."
SEE = "See docs/errors.md#the-key-was-refused."
UNFOUND = "What the sensor waits for was not found; tasks that need its success do not start."
# Our files in a traceback, in the forms in which Airflow writes it.
FRAMES = re.compile(r'File "[^"]*airflow_provider_clockify/([^"]+)"')


@pytest.fixture
def emulator(make_clockify_emulator: Callable, connect: Callable, monkeypatch: Any, tmp_path: Path) -> Any:
    emulator = make_clockify_emulator(
        entries=200, start=datetime(2026, 11, 1, tzinfo=UTC), end=datetime(2026, 12, 1, tzinfo=UTC)
    )
    connect(emulator, max_retries=0)
    target = {"conn_type": "sqlite", "host": str(tmp_path / "target.sqlite")}
    monkeypatch.setenv("AIRFLOW_CONN_FAILURES_TARGET", json.dumps(target))
    return emulator


# --- through Airflow ----------------------------------------------------------------------------------------------


def shown(capfd: pytest.CaptureFixture, caplog: pytest.LogCaptureFixture) -> str:
    """What a run has printed, on one line and without colours."""
    text = "".join(capfd.readouterr())
    return " ".join(re.sub(r"\x1b\[[\d;]*m", "", text or caplog.text).split())


def test_every_operator_says_what_happened_what_it_means_and_what_to_change(
    run_dag: Callable,
    emulator: ClockifyEmulator,
    tmp_path: Path,
    is_airflow_3: bool,
    capfd: Any,
    caplog: Any,
) -> None:
    pytest.importorskip("airflow.providers.sqlite")
    emulator.inject(faults.key_revoked(), times=None)
    run = run_dag("probe_failures", LOGICAL)
    assert set(run.states.values()) == {"failed"}
    log = shown(capfd, caplog)
    data = [
        f"Nothing was published; the files of {tmp_path}/report.jsonl are unchanged.",
        f"Nothing was published; the files of {tmp_path}/tags.csv are unchanged.",
        "No time entry was written.",
        "Nothing was loaded; the table rows is unchanged.",
        "Nothing was loaded; the table rows is unchanged.",
    ]
    for sentence in data:
        assert re.search(rf"{re.escape(CURE)} {re.escape(sentence)} {re.escape(SEE)}", log), sentence
    if is_airflow_3:  # Airflow 2 shows the log of a DAG test more than once.
        assert log.count(SEE) == log.count("Task failed with exception") == len(data)
    assert set(FRAMES.findall(log)) == {"airflow_errors.py"}
    assert "direct cause of the following" not in log
    assert emulator.api_key not in log
    # Nothing of ours comes after it.
    assert "Spent" not in log[log.rindex(SEE) :]


@pytest.mark.parametrize("where", ["poke", "deferrable", "trigger"])
def test_every_way_to_wait_says_so_too(
    where: str,
    run_dag: Callable,
    emulator: ClockifyEmulator,
    is_airflow_3: bool,
    monkeypatch: Any,
    capfd: Any,
    caplog: Any,
) -> None:
    parameters = {"min_entries": 1_000_000, "since": DAY["start"], "until": DAY["end"]}
    monkeypatch.setenv("PROBE_WAIT", json.dumps({**parameters, "deferrable": where != "poke"}))
    # The first look is the worker's.
    emulator.inject(faults.key_revoked(), times=None, match=faults.from_request(1 + (where == "trigger")))
    assert run_dag("probe_wait", LOGICAL).states == {"wait": "failed"}
    log = shown(capfd, caplog)
    assert f"{CURE} {UNFOUND} {SEE}" in log
    if is_airflow_3:  # Airflow 2 shows the log of a DAG test more than once.
        assert log.count(SEE) == 1
    if "--- Logging error ---" not in log:  # Airflow 2 may keep the streams of the test before.
        assert set(FRAMES.findall(log)) == {"airflow_errors.py"}
    assert emulator.count() == 1 + (where == "trigger")


# --- case by case -------------------------------------------------------------------------------------------------


class Said(logging.Handler):
    """Records of tasks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def error(self) -> str:
        """The only error, on one line."""
        (record,) = [each for each in self.records if each.levelno >= logging.ERROR]
        assert self.records[-1] is record, "something came after it"
        assert record.exc_info is None
        return " ".join(record.getMessage().split())


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Said:
    """Collect what tasks log, whatever Airflow's loggers are."""
    logger, handler = logging.Logger("tasks", logging.DEBUG), Said()  # noqa: LOG001 - nobody else has it
    logger.addHandler(handler)
    for kind in (
        ClockifyDetailedReportOperator,
        ClockifyCreateTimeEntryOperator,
        ClockifyTimeEntrySensor,
        ClockifyReportToSqlOperator,
    ):
        monkeypatch.setattr(kind, "log", logger)
    return handler


def export(folder: Path, **parameters: Any) -> ClockifyDetailedReportOperator:
    given: dict[str, Any] = {"output_path": str(folder / "out"), **DAY, **parameters}
    return ClockifyDetailedReportOperator(task_id="export", **given)


def test_types_stay_and_causes_are_within_reach_but_only_logged_for_debugging(
    emulator: ClockifyEmulator, tmp_path: Path, said: Said
) -> None:
    emulator.inject(faults.key_revoked(), times=None)
    with pytest.raises(AirflowFailException) as caught:
        export(tmp_path).execute({})
    assert REASON in said.error
    assert type(caught.value.__context__) is ClockifyAuthError
    assert caught.value.__cause__ is None
    assert Path(caught.traceback[-1].path).name == "airflow_errors.py"
    debug = [each for each in said.records if each.levelno == logging.DEBUG and each.exc_info]
    (error,) = [each.exc_info[1] for each in debug if each.exc_info]
    assert error is caught.value
    assert emulator.api_key not in " ".join(logging.Formatter().format(each) for each in said.records)


def test_an_error_that_airflow_retries_keeps_its_type(
    emulator: ClockifyEmulator, tmp_path: Path, said: Said
) -> None:
    emulator.fail(429, times=None, headers={"Retry-After": "1800"})
    with pytest.raises(ClockifyRateLimitError) as caught:
        export(tmp_path).execute({})
    assert caught.value.retry_after == 1800
    assert "it accepts requests again in 1800 s" in said.error
    assert said.error.endswith("See docs/errors.md#the-request-budget-is-used-up.")


def test_what_was_published_before_is_not_called_unchanged(
    emulator: ClockifyEmulator, tmp_path: Path, said: Said
) -> None:
    base = tmp_path / "out"
    (base / "dt=2026-11-05" / "detailed.jsonl").mkdir(parents=True)
    with pytest.raises(ClockifyStorageError, match="A folder is where the file should be"):
        export(tmp_path, **THREE_DAYS).execute({})
    assert (base / "dt=2026-11-04" / "detailed.jsonl").is_file()
    assert f"1 file was published to {base} before, each whole; others are unchanged." in said.error
    assert "Nothing was published" not in said.error


def test_a_skipped_task_and_a_wait_are_no_failures(
    emulator: ClockifyEmulator, tmp_path: Path, said: Said
) -> None:
    empty = {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}
    with pytest.raises(AirflowSkipException):
        export(tmp_path, on_empty="skip", **empty).execute({})
    emulator.fail(429, times=None, headers={"Retry-After": "1800"})
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - Airflow's TaskDeferred, which is no Exception
        export(tmp_path, deferrable=True).execute({})
    assert type(caught.value).__name__ == "TaskDeferred"
    assert not [each for each in said.records if each.levelno >= logging.ERROR]


def test_no_rows(emulator: ClockifyEmulator, tmp_path: Path, said: Said) -> None:
    empty = {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}
    with pytest.raises(ClockifyNoRowsError):
        export(tmp_path, on_empty="fail", **empty).execute({})
    assert said.error.endswith("are unchanged. See docs/errors.md#there-are-no-rows.")


def test_what_nobody_expects_keeps_its_traceback(
    emulator: ClockifyEmulator, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = export(tmp_path)

    def broken(attempt: Any) -> Any:
        return {}["missing"]

    monkeypatch.setattr(task, "export", broken)
    with pytest.raises(KeyError) as caught:
        task.execute({})
    assert "an error that this provider does not expect (KeyError: 'missing')" in said.error
    assert "Nothing was published" in said.error
    assert "broken" in [each.name for each in caught.traceback]


def test_a_task_that_takes_too_long(
    emulator: ClockifyEmulator, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = export(tmp_path, execution_timeout=timedelta(minutes=10))

    def slow(attempt: Any) -> Any:
        raise AirflowTaskTimeout("Timeout, PID: 1")

    monkeypatch.setattr(task, "export", slow)
    with pytest.raises(AirflowTaskTimeout):
        task.execute({})
    assert said.error.startswith(
        "The task took longer than its execution_timeout of 0:10:00. Give it a longer one"
    )
    assert said.error.endswith("See docs/errors.md#the-task-timed-out.")


@pytest.mark.parametrize("how", ["our on_kill", "Airflow 2"])
def test_a_task_that_is_told_to_stop(
    emulator: ClockifyEmulator, tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    task = export(tmp_path)
    # Airflow 2 raises its own after on_kill.
    monkeypatch.setattr("airflow_provider_clockify.operators._base.ENDS_AFTER_ON_KILL", how == "Airflow 2")

    def stop(record: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    def on_term(*_: Any) -> None:
        task.on_kill()
        raise AirflowTaskTerminated("Task received SIGTERM signal")

    before = signal.signal(signal.SIGTERM, on_term)
    try:
        emulator.before_request(stop)
        with pytest.raises((SystemExit, AirflowTaskTerminated)) as caught:
            task.execute({})
    finally:
        signal.signal(signal.SIGTERM, before)
    assert isinstance(caught.value, SystemExit) is (how == "our on_kill")
    assert said.error.startswith("The task was told to stop (SIGTERM). Somebody changed its state")
    assert "Nothing was published" in said.error
    assert said.error.endswith("See docs/errors.md#the-task-was-told-to-stop.")
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_holds_the_load_is_not_called_unchanged(
    emulator: ClockifyEmulator, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("airflow.providers.sqlite")
    task = ClockifyReportToSqlOperator(task_id="load", sql_conn_id="failures_target", table="rows", **DAY)

    def broken(*_: Any) -> None:
        raise AirflowException("no events today")

    monkeypatch.setattr(task, "_tell", broken)
    with pytest.raises(AirflowException, match="no events today"):
        task.execute({})
    assert "The table rows holds the load, as a whole" in said.error
    assert "unchanged" not in said.error


def test_a_commit_of_unknown_outcome_is_not_called_unchanged() -> None:
    task = ClockifyReportToSqlOperator(
        task_id="load", sql_conn_id="failures_target", schema="lake", table="rows", **DAY
    )
    assert task.after_failure(ClockifyDatabaseError("The answer was lost.", is_unknown=True)) == ""
    assert (
        task.after_failure(ClockifyDatabaseError("Gone."))
        == "Nothing was loaded; the table lake.rows is unchanged."
    )


@pytest.mark.parametrize("marker", [None, "here"])
def test_a_write_of_unknown_outcome_is_not_called_unwritten(
    marker: str | None, emulator: ClockifyEmulator, said: Said
) -> None:
    is_write = "/time-entries"
    emulator.inject(
        faults.reset_after(), times=None, match=lambda each: each.method == "POST" and is_write in each.path
    )
    task = ClockifyCreateTimeEntryOperator(task_id="write", marker=marker, **DAY)
    with pytest.raises(ClockifyWriteUnknownError if marker else AirflowFailException):
        task.execute({})
    assert "Whether it took effect is unknown" in said.error
    assert "No time entry was written" not in said.error
    assert said.error.endswith("See docs/errors.md#the-outcome-of-a-write-is-unknown.")


def test_a_wait_that_times_out(emulator: ClockifyEmulator, said: Said) -> None:
    sensor = ClockifyTimeEntrySensor(
        task_id="wait", since=DAY["start"], until=DAY["end"], min_entries=10**6, timeout=0, poke_interval=0
    )
    with pytest.raises(AirflowSensorTimeout):
        sensor.execute({})
    assert said.error.startswith("The wait timed out. ")
    assert said.error.endswith(f"{UNFOUND} See docs/errors.md#the-wait-timed-out.")
