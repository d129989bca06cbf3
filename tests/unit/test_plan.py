# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyWindowError
from airflow_provider_clockify.export.plan import (
    LATE_SNAPSHOT,
    Output,
    late_snapshot_warning,
    make_daily_plan,
    make_summary_plan,
    make_weekly_plan,
    snapshot_moment,
    snapshot_output,
)
from airflow_provider_clockify.window import RunTimes, Window

DAY = timedelta(days=1)
START = datetime(2026, 11, 4, tzinfo=UTC)  # A Wednesday.


def window(days: float, start: datetime = START) -> Window:
    return Window(start, start + days * DAY)


# --- reports that sum up ------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [0.5, 1, 31, 400])
def test_a_sum_is_asked_for_at_once_however_long_the_window_is(days):
    plan = make_summary_plan(window(days), partition_by=None, file_name="s.csv")
    assert plan.chunks == [window(days)]
    assert plan.outputs == [Output(window(days))]


@pytest.mark.parametrize(
    ("unit", "keys"), [("day", ["2026-11-04", "2026-11-05"]), ("month", ["2026-11"])], ids=["day", "month"]
)
def test_each_partition_of_a_sum_is_asked_for_on_its_own(unit, keys):
    plan = make_summary_plan(window(1.5), partition_by=unit, file_name="s.csv")
    assert [output.key for output in plan.outputs] == keys
    assert list(plan.chunks) == [output.window for output in plan.outputs]
    assert plan.partition_by == unit
    assert (plan.window.start, plan.window.end) == (plan.chunks[0].start, plan.chunks[-1].end)


# --- weeks --------------------------------------------------------------------------------------------------


@given(st.integers(1, 60), st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))
def test_weeks_tile_the_window_from_any_day_on(weeks, start):
    first = start.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    whole = window(7 * weeks, first)
    plan = make_weekly_plan(whole, partition_by=None, file_name="w.csv")
    assert [chunk.duration for chunk in plan.chunks] == [7 * DAY] * weeks
    assert [chunk.start for chunk in plan.chunks] == [first + 7 * n * DAY for n in range(weeks)]
    assert plan.outputs == [Output(whole)]
    assert plan.window == whole


@pytest.mark.parametrize("days", [1, 6, 6.99, 8, 13, 31])
def test_what_is_no_number_of_weeks_is_refused_with_its_length(days):
    with pytest.raises(ClockifyWindowError, match=r'exactly seven days.*the window is .*window="week"'):
        make_weekly_plan(window(days), partition_by=None, file_name="w.csv")


def test_seven_times_a_day_from_noon_on_touches_eight_days_and_is_refused():
    with pytest.raises(ClockifyWindowError, match="from midnight UTC on"):
        make_weekly_plan(window(7, START + DAY / 2), partition_by=None, file_name="w.csv")


@pytest.mark.parametrize("unit", ["day", "month"])
def test_weeks_have_no_partitions(unit):
    with pytest.raises(ClockifyConfigError, match=rf"partition_by='{unit}' does not fit the weekly report"):
        make_weekly_plan(window(7), partition_by=unit, file_name="w.csv")


# --- days ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shifted", [(0.5, 0), (0, 0.5), (0.5, 0.5)], ids=["start", "end", "both"])
def test_a_part_of_a_day_is_refused_where_rows_are_days(shifted):
    cut = Window(START + shifted[0] * DAY, START + (2 + shifted[1]) * DAY)
    with pytest.raises(ClockifyWindowError, match=r'sums up days.*begins or ends within one.*window="day"'):
        make_daily_plan(cut, partition_by=None, file_name="a.csv")


def test_partitions_grow_to_the_whole_days_that_rows_need():
    cut = Window(START + DAY / 2, START + 1.5 * DAY)
    plan = make_daily_plan(cut, partition_by="day", file_name="a.csv")
    assert plan.window == window(2)
    assert [output.parts for output in plan.outputs] == [
        ("dt=2026-11-04", "a.csv"),
        ("dt=2026-11-05", "a.csv"),
    ]


def test_long_windows_of_days_are_read_in_chunks_of_whole_days():
    plan = make_daily_plan(window(70), partition_by=None, file_name="a.csv")
    assert [chunk.duration for chunk in plan.chunks] == [31 * DAY, 31 * DAY, 8 * DAY]


# --- snapshots ----------------------------------------------------------------------------------------------

instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
# Farther east and west nobody lives.
zones = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))


@given(instants, zones, st.sampled_from(["day", "month"]))
def test_a_snapshot_lies_in_the_utc_day_or_month_of_its_moment(moment, zone, unit):
    output = snapshot_output(moment.astimezone(zone), unit, "users.csv")
    assert moment in output.window
    key = f"{moment:%Y-%m-%d}" if unit == "day" else f"{moment:%Y-%m}"
    folder = f"dt={key}" if unit == "day" else f"month={key}"
    assert (output.key, output.parts) == (key, (folder, "users.csv"))


@given(st.tuples(*[st.none() | instants] * 4), zones)
def test_the_moment_of_a_snapshot_is_what_its_run_is_named_after(found, zone):
    times = RunTimes(
        partition_date=found[0] and found[0].astimezone(zone),
        data_interval_start=found[1] and found[1] - DAY,
        data_interval_end=found[1] and found[1].astimezone(zone),
        logical_date=found[2],
        run_after=found[3],
    )
    assert snapshot_moment(times) == next((each for each in found if each), None)


def interval(days: float, end: datetime = START) -> RunTimes:
    return RunTimes(
        data_interval_start=end - days * DAY, data_interval_end=end, logical_date=end - days * DAY
    )


@pytest.mark.parametrize(
    ("times", "unit", "age", "is_late"),
    [
        (interval(1), "day", LATE_SNAPSHOT, False),
        (interval(1), "day", LATE_SNAPSHOT + DAY / 24, True),
        (interval(1), None, 30 * DAY, True),
        (interval(1), "day", -DAY, False),  # A run that was started before its time is over.
        (interval(31), "month", 31 * DAY, False),
        (interval(31), "month", 32 * DAY, True),
        (interval(0), None, 3 * DAY, True),
        (RunTimes(logical_date=START), "day", DAY, False),
        (RunTimes(logical_date=START), "day", 3 * DAY, True),
        (RunTimes(run_after=START), "day", 3 * DAY, False),
        (RunTimes(), "day", 3 * DAY, False),
        # Partitions end a day or a month after their date.
        (RunTimes(partition_date=START, run_after=START + 9 * DAY), "day", 3 * DAY, False),
        (RunTimes(partition_date=START, run_after=START + 9 * DAY), "day", 3.5 * DAY, True),
        (RunTimes(partition_date=START.replace(day=1)), "month", 25 * DAY, False),
        (RunTimes(partition_date=START.replace(day=1)), "month", 30 * DAY, True),
        (RunTimes(partition_date=START.replace(day=1)), None, 25 * DAY, False),
    ],
    ids=str,
)
def test_a_snapshot_of_a_time_long_ago_is_warned_of(times, unit, age, is_late):
    warning = late_snapshot_warning(times, unit, START + age)
    assert (warning is not None) is is_late
    if warning:
        assert "shows the list as it is now and not as it was then" in warning
        assert "catchup=False" in warning
