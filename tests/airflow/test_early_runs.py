# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Runs that come before their UTC unit is over: warned of by way of the zone of the DAG's schedule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow.timetables.trigger import CronTriggerTimetable

from airflow_provider_clockify._compat import schedule_zone
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
from airflow_provider_clockify.testing import ClockifyEmulator

OCTOBER_ENDS_IN_BERLIN = datetime(2026, 10, 31, 23, tzinfo=UTC)


def dag_of(schedule: Any, zone: str) -> DAG:
    return DAG("scheduled", schedule=schedule, start_date=pendulum.datetime(2026, 1, 1, tz=zone))


SCHEDULES: dict[str, tuple[Any, str, str]] = {
    "a cron string": ("@monthly", "Europe/Berlin", "Europe/Berlin"),
    "a data interval": (CronDataIntervalTimetable("0 0 1 * *", timezone="Asia/Tokyo"), "UTC", "Asia/Tokyo"),
    "a trigger": (CronTriggerTimetable("0 0 1 * *", timezone="UTC"), "Europe/Berlin", "UTC"),
    "a time delta": (timedelta(days=1), "Asia/Kolkata", "Asia/Kolkata"),
    "nothing": (None, "Europe/Berlin", "Europe/Berlin"),
}


@pytest.mark.parametrize("case", SCHEDULES)
def test_the_zone_of_a_schedule_is_its_timetables_else_the_dags(case: str) -> None:
    schedule, of_dag, expected = SCHEDULES[case]
    assert str(schedule_zone(dag_of(schedule, of_dag))) == expected


def test_the_zone_of_a_timetable_inside_others_is_found(is_airflow_3: bool) -> None:
    if not is_airflow_3:
        pytest.skip("Airflow 2.11 has no timetable of several crons")
    kind = import_module("airflow.timetables.trigger").MultipleCronTriggerTimetable
    several = kind("0 0 * * *", "0 12 * * *", timezone="Asia/Tokyo")
    assert str(schedule_zone(dag_of(several, "UTC"))) == "Asia/Tokyo"


def test_a_zone_that_is_not_known_is_none() -> None:
    class Timetable:
        timezone = "Nowhere/Atlantis"

    class Dag:
        timetable = Timetable()
        timezone: tzinfo = ZoneInfo("Europe/Berlin")

    assert schedule_zone(Dag()) is None
    assert schedule_zone(None) is None


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture) -> Callable[[], str]:
    """Return what was logged: Airflow 3 writes to the standard output, 2.11 through the logging of Python."""
    caplog.set_level("WARNING")
    return lambda: caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("zone", "point", "start", "is_early"),
    [
        ("Europe/Berlin", OCTOBER_ENDS_IN_BERLIN, "2026-09-01T00:00:00Z", True),
        ("UTC", OCTOBER_ENDS_IN_BERLIN, "2026-09-01T00:00:00Z", False),
        ("America/New_York", datetime(2026, 11, 1, 4, tzinfo=UTC), "2026-10-01T00:00:00Z", False),
    ],
)
def test_an_export_warns_and_exports_the_last_complete_utc_unit(
    zone: str,
    point: datetime,
    start: str,
    is_early: bool,
    connect: Callable,
    month: ClockifyEmulator,
    logged: Callable[[], str],
) -> None:
    folder = connect(month)
    operator = ClockifyDetailedReportOperator(
        task_id="export", output_path=str(folder / "out.jsonl"), window="month"
    )
    result = operator.execute({"dag": dag_of("@monthly", zone), "logical_date": point})
    assert result["window_start"] == start
    assert ("2026-11-01T00:00:00+01:00 in Europe/Berlin" in logged()) == is_early


def test_with_the_time_zone_of_the_schedule_the_month_that_was_meant_is_exported(
    connect: Callable, month: ClockifyEmulator, logged: Callable[[], str]
) -> None:
    folder = connect(month)
    operator = ClockifyDetailedReportOperator(
        task_id="export", output_path=str(folder / "out.jsonl"), window="month", timezone="Europe/Berlin"
    )
    result = operator.execute(
        {"dag": dag_of("@monthly", "Europe/Berlin"), "logical_date": OCTOBER_ENDS_IN_BERLIN}
    )
    assert (result["window_start"], result["window_end"]) == ("2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")
    assert result["timezone"] == "Europe/Berlin"
    assert "was probably meant" not in logged()


def test_explicit_bounds_are_not_warned_of(
    connect: Callable, month: ClockifyEmulator, logged: Callable[[], str]
) -> None:
    folder = connect(month)
    operator = ClockifyDetailedReportOperator(
        task_id="export",
        output_path=str(folder / "out.jsonl"),
        window="month",
        start="2026-11-04T00:00:00Z",
        end="2026-11-05T00:00:00Z",
    )
    operator.execute({"dag": dag_of("@monthly", "Europe/Berlin"), "logical_date": OCTOBER_ENDS_IN_BERLIN})
    assert "was probably meant" not in logged()


def test_a_real_run_of_a_monthly_dag_in_berlin_is_warned_of(
    run_dag: Callable, connect: Callable, month: ClockifyEmulator, logged: Callable[[], str]
) -> None:
    connect(month)
    run = run_dag("probe_early_month", OCTOBER_ENDS_IN_BERLIN)
    assert run.state == "success"
    text = logged()
    assert "was probably meant" in text
    assert f"exports the UTC month [{run.results['export']['window_start']}" in text
