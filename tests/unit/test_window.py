# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import copy
import itertools
import pickle
import subprocess
import sys
import zoneinfo
from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pendulum
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from airflow_provider_clockify import window as window_module
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyWindowError
from airflow_provider_clockify.window import (
    PARTITION_UNITS,
    WINDOW_MODES,
    Partition,
    RunTimes,
    Window,
    chunks,
    early_run_warning,
    expand_to_units,
    floor_to,
    is_exact_days,
    is_unit_start,
    last_complete_unit,
    next_unit,
    parse_instant,
    parse_lookback,
    partition_of,
    partitions,
    resolve_window,
    to_utc,
    unit_starting_at,
)

UNITS = ("hour", "day", "week", "month")
DAY = timedelta(days=1)
MS = timedelta(milliseconds=1)
US = timedelta(microseconds=1)
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")

# Zones with every kind of trouble: no DST, DST in both hemispheres, half-hour DST, changes at midnight,
# offsets of 45 minutes and of more than 12 hours, a skipped day, and offsets on both sides of UTC.
ZONES = sorted(zoneinfo.available_timezones() - {"Factory", "localtime"})
TRICKY_ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Atlantic/Azores",
    "Africa/Casablanca",
)


def utc(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=UTC)  # type: ignore[arg-type, misc]


def window_of(start: datetime, length: timedelta) -> Window:
    return Window(start, start + length)


zones = st.one_of(st.sampled_from(TRICKY_ZONES), st.sampled_from(ZONES)).map(zoneinfo.ZoneInfo)

# Around the edges that break calendars, and everywhere else.
EDGES = (
    utc(2024, 2, 28),
    utc(2024, 2, 29),
    utc(2024, 3, 1),
    utc(2025, 2, 28),
    utc(2000, 2, 29),
    utc(2100, 2, 28),
    utc(2026, 1, 1),
    utc(2020, 12, 31),
    utc(2026, 3, 29, 1),
    utc(2026, 10, 25, 1),
    utc(2026, 3, 8, 7),
    utc(2026, 11, 1, 6),
    utc(2011, 12, 30, 10),
)
anywhere = st.datetimes(datetime(1990, 1, 1), datetime(2110, 1, 1), timezones=st.just(UTC))
near_edges = st.builds(
    lambda edge, micros: edge + timedelta(microseconds=micros),
    st.sampled_from(EDGES),
    st.sampled_from((0, 0, 1, -1, 999, -1000))
    | st.integers(-3 * 86_400_000_000, 3 * 86_400_000_000)
    | st.integers(-72, 72).map(lambda hours: hours * 3_600_000_000),
)
instants = anywhere | near_edges
zoned_instants = st.builds(lambda instant, zone: instant.astimezone(zone), instants, zones)

lengths = (
    st.sampled_from(
        (US, MS, timedelta(hours=1), DAY, 30 * DAY, 31 * DAY, 31 * DAY + US, 31 * DAY - US, 62 * DAY)
    )
    | st.timedeltas(US, timedelta(days=800))
    | st.integers(1, 800).map(lambda days: days * DAY)
)
windows = st.builds(window_of, instants | instants.map(lambda i: floor_to(i, "day")), lengths)
units = st.sampled_from(UNITS)
partition_units = st.sampled_from(PARTITION_UNITS)


def unit_start_by_definition(instant: datetime, unit: str) -> datetime:
    """Written unlike the code under test, from the calendar fields."""
    year, month, day, hour = instant.utctimetuple()[:4]
    if unit == "hour":
        return utc(year, month, day, hour)
    if unit == "day":
        return utc(year, month, day)
    if unit == "month":
        return utc(year, month, 1)
    monday = date.fromisocalendar(*date(year, month, day).isocalendar()[:2], 1)
    return utc(monday.year, monday.month, monday.day)


def assert_tiles(pieces: list[Window], whole: Window) -> None:
    assert pieces[0].start == whole.start
    assert pieces[-1].end == whole.end
    for left, right in itertools.pairwise(pieces):
        assert left.end == right.start


# --- Window -------------------------------------------------------------------------------------------------


@given(instants, lengths, zones, zones)
@example(utc(2026, 10, 25, 0, 30), timedelta(hours=1), BERLIN, BERLIN)
@example(utc(2026, 10, 25, 0, 59, 59), timedelta(seconds=1), BERLIN, BERLIN)
def test_window_is_the_same_in_every_zone(start, length, zone, other_zone):
    window = Window(start.astimezone(zone), (start + length).astimezone(other_zone))
    assert window == Window(start, start + length)
    assert window.start.tzinfo is UTC
    assert window.end.tzinfo is UTC
    assert type(window.start) is type(window.end) is datetime
    assert window.duration == length
    assert hash(window) == hash(Window(start, start + length))


@given(instants, st.timedeltas(timedelta(0), timedelta(days=900)), zones)
@example(utc(2026, 10, 25, 1, 0), timedelta(minutes=30), BERLIN)
def test_window_refuses_an_end_that_is_not_after_the_start(end, surplus, zone):
    with pytest.raises(ClockifyWindowError, match="must end after it starts"):
        Window((end + surplus).astimezone(zone), end.astimezone(zone))


@given(windows, zones)
def test_contains_is_half_open_in_every_zone(window, zone):
    inside = (window.start, window.end - US, window.start + window.duration / 2)
    outside = (window.start - US, window.end, window.end + DAY)
    assert all(instant.astimezone(zone) in window for instant in inside)
    assert not any(instant.astimezone(zone) in window for instant in outside)


def test_contains_tells_the_two_hours_of_a_dst_change_apart():
    window = Window(utc(2026, 10, 25, 0), utc(2026, 10, 25, 1))
    assert datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=0) in window
    assert datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1) not in window


def test_contains_takes_pendulum():
    window = Window(pendulum.datetime(2026, 11, 1), pendulum.datetime(2026, 11, 2))
    assert pendulum.datetime(2026, 11, 1, 12) in window
    assert pendulum.datetime(2026, 11, 2, 0, 30, tz="Europe/Berlin") in window
    assert pendulum.datetime(2026, 11, 1, 0, 30, tz="Europe/Berlin") not in window


@pytest.mark.parametrize(
    "instant", [datetime(2026, 11, 1, 12), date(2026, 11, 1), "2026-11-01T12:00:00Z", None]
)
def test_contains_refuses_what_is_no_instant(instant):
    window = Window(utc(2026, 11, 1), utc(2026, 11, 2))
    with pytest.raises(ClockifyWindowError):
        assert instant in window
    with pytest.raises(ClockifyWindowError):
        assert instant not in window


@pytest.mark.parametrize("bound", [datetime(2026, 11, 1), date(2026, 11, 1), "2026-11-01T00:00:00Z", None, 0])
@pytest.mark.parametrize("which", ["start", "end"])
def test_window_refuses_bounds_that_are_no_instants(bound, which):
    bounds: dict[str, Any] = {"start": utc(2026, 10, 1), "end": utc(2026, 12, 1), which: bound}
    with pytest.raises(ClockifyWindowError, match=which):
        Window(**bounds)


def test_window_refuses_instants_that_utc_cannot_hold():
    last = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))
    with pytest.raises(ClockifyWindowError, match="years 1 to 9999"):
        Window(utc(9999, 12, 31), last)


def test_window_is_a_value():
    window = Window(utc(2026, 11, 1), utc(2026, 11, 2))
    assert pickle.loads(pickle.dumps(window)) == window == copy.deepcopy(window)
    assert {window, copy.copy(window)} == {window}
    with pytest.raises(FrozenInstanceError):
        window.start = utc(2026, 1, 1)  # type: ignore[misc]
    assert sorted([Window(utc(2026, 11, 2), utc(2026, 11, 3)), window])[0] is window
    assert str(window) == "[2026-11-01T00:00:00Z, 2026-11-02T00:00:00Z)"


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (utc(2026, 11, 1), "2026-11-01T00:00:00Z"),
        (utc(2026, 11, 1, 1, 2, 3, 500_000), "2026-11-01T01:02:03.500Z"),
        (utc(2026, 11, 1, 1, 2, 3, 1), "2026-11-01T01:02:03.000001Z"),
        (datetime(2026, 11, 1, tzinfo=BERLIN), "2026-10-31T23:00:00Z"),
    ],
)
def test_iso_has_a_fraction_only_if_it_is_not_zero(instant, text):
    window = Window(instant, instant + DAY)
    assert window.start_iso == text
    assert Window(instant - DAY, instant).end_iso == text


@given(windows)
def test_iso_can_be_read_back(window):
    assert Window(parse_instant(window.start_iso, "start"), parse_instant(window.end_iso, "end")) == window


def test_is_complete_at():
    window = Window(utc(2026, 11, 1), utc(2026, 11, 2))
    assert not window.is_complete_at(utc(2026, 11, 2) - US)
    assert window.is_complete_at(utc(2026, 11, 2))
    assert window.is_complete_at(datetime(2026, 11, 2, 1, tzinfo=BERLIN))
    assert not window.is_complete_at(datetime(2026, 11, 2, 0, 59, tzinfo=BERLIN))
    with pytest.raises(ClockifyWindowError):
        window.is_complete_at(datetime(2026, 11, 3))


# --- report bounds ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "bounds"),
    [
        (utc(2026, 11, 1), utc(2026, 11, 2), ("2026-11-01T00:00:00.000Z", "2026-11-01T23:59:59.999Z")),
        (utc(2026, 11, 1), utc(2026, 11, 1) + MS, ("2026-11-01T00:00:00.000Z", "2026-11-01T00:00:00.000Z")),
        (utc(2026, 11, 1) + US, utc(2026, 11, 1) + 2 * US, ("2026-11-01T00:00:00.000Z",) * 2),
        (
            utc(2026, 11, 1, 0, 0, 0, 1_999),
            utc(2026, 11, 1, 0, 0, 0, 3_001),
            ("2026-11-01T00:00:00.001Z", "2026-11-01T00:00:00.003Z"),
        ),
        (
            utc(2026, 11, 1),
            utc(2026, 11, 1, 0, 0, 0, 2_999),
            ("2026-11-01T00:00:00.000Z", "2026-11-01T00:00:00.002Z"),
        ),
        (utc(9, 1, 1), utc(9, 1, 2), ("0009-01-01T00:00:00.000Z", "0009-01-01T23:59:59.999Z")),
    ],
)
def test_report_bounds(start, end, bounds):
    assert Window(start, end).report_bounds() == bounds


@given(windows)
def test_report_bounds_cover_every_instant_and_less_than_a_millisecond_more(window):
    texts = window.report_bounds()
    first, last = (datetime.fromisoformat(text) for text in texts)
    assert all(len(text) == len("2026-11-01T00:00:00.000Z") and text.endswith("Z") for text in texts)
    assert first <= window.start < first + MS
    # Inclusive at the end: the service compares at millisecond precision.
    assert last < window.end <= last + MS
    assert first <= last


@given(windows, st.lists(st.floats(0, 1), max_size=6))
def test_report_bounds_of_contiguous_windows_neither_overlap_nor_leave_a_millisecond(window, cuts):
    def to_ms(instant: datetime) -> datetime:
        return instant.replace(microsecond=instant.microsecond // 1000 * 1000)

    marks = sorted({to_ms(window.start + cut * window.duration) for cut in [0.0, *cuts, 1.0]})
    assume(len(marks) > 1)
    tiles = [Window(start, end) for start, end in itertools.pairwise(marks)]
    for left, right in itertools.pairwise(tiles):
        end_of_left = datetime.fromisoformat(left.report_bounds()[1])
        start_of_right = datetime.fromisoformat(right.report_bounds()[0])
        assert start_of_right - end_of_left == MS


# --- units --------------------------------------------------------------------------------------------------


@given(zoned_instants, units)
@example(datetime(2026, 10, 25, 2, 0, tzinfo=BERLIN, fold=1), "hour")
def test_units_follow_the_utc_calendar(instant, unit):
    start, end = floor_to(instant, unit), next_unit(instant, unit)
    assert start == unit_start_by_definition(instant, unit)
    assert start <= instant < end
    assert end == unit_start_by_definition(end, unit)
    assert unit_start_by_definition(end - US, unit) == start
    assert next_unit(start, unit) == end
    assert floor_to(start, unit) == start
    assert start.tzinfo is UTC
    assert type(start) is datetime
    assert is_unit_start(start, unit)
    # In UTC, because == of two zones is always false in the hour that a DST change repeats (PEP 495).
    assert is_unit_start(instant, unit) == (instant.astimezone(UTC) == start)
    assert unit_starting_at(start.astimezone(instant.tzinfo), unit) == Window(start, end)


@given(zoned_instants, units)
def test_last_complete_unit_ends_at_or_before_the_point_and_the_next_one_does_not(point, unit):
    window = last_complete_unit(point, unit)
    assert window.end <= point < next_unit(window.end, unit)
    assert window.start == unit_start_by_definition(window.end - US, unit)
    assert window.end == unit_start_by_definition(point, unit)
    assert window.is_complete_at(point)


@pytest.mark.parametrize(
    ("point", "unit", "start", "end"),
    [
        (utc(2026, 11, 2), "day", utc(2026, 11, 1), utc(2026, 11, 2)),
        (utc(2026, 11, 2) - US, "day", utc(2026, 10, 31), utc(2026, 11, 1)),
        (utc(2026, 11, 2, 5, 30), "hour", utc(2026, 11, 2, 4), utc(2026, 11, 2, 5)),
        (utc(2026, 11, 2), "week", utc(2026, 10, 26), utc(2026, 11, 2)),
        (utc(2026, 11, 1, 23), "week", utc(2026, 10, 19), utc(2026, 10, 26)),
        (utc(2026, 1, 1), "week", utc(2025, 12, 22), utc(2025, 12, 29)),
        (utc(2026, 1, 1), "month", utc(2025, 12, 1), utc(2026, 1, 1)),
        (utc(2024, 3, 31, 12), "month", utc(2024, 2, 1), utc(2024, 3, 1)),
        (utc(2024, 3, 1), "day", utc(2024, 2, 29), utc(2024, 3, 1)),
        (datetime(2026, 11, 2, 0, 30, tzinfo=BERLIN), "day", utc(2026, 10, 31), utc(2026, 11, 1)),
    ],
)
def test_last_complete_unit(point, unit, start, end):
    assert last_complete_unit(point, unit) == Window(start, end)


@pytest.mark.parametrize("unit", ["year", "", "Day", None, "data_interval"])
def test_unknown_units_are_refused_with_the_allowed_ones(unit):
    window = Window(utc(2026, 11, 1), utc(2026, 11, 2))
    calls = [
        lambda: floor_to(utc(2026, 11, 1), unit),
        lambda: next_unit(utc(2026, 11, 1), unit),
        lambda: is_unit_start(utc(2026, 11, 1), unit),
        lambda: unit_starting_at(utc(2026, 11, 1), unit),
        lambda: last_complete_unit(utc(2026, 11, 1), unit),
        lambda: expand_to_units(window, unit),
        lambda: partitions(window, unit),
        lambda: partition_of(utc(2026, 11, 1), unit),
    ]
    if unit is not None:
        calls.append(lambda: chunks(window, align=unit))
    for call in calls:
        with pytest.raises(ClockifyWindowError, match=r'"day".*"month"') as caught:
            call()
        assert repr(unit) in str(caught.value)


@pytest.mark.parametrize("unit", ["hour", "week"])
def test_partitions_are_days_or_months_only(unit):
    with pytest.raises(ClockifyWindowError, match='Use one of: "day", "month"'):
        partitions(Window(utc(2026, 11, 2), utc(2026, 11, 9)), unit)
    with pytest.raises(ClockifyWindowError, match='Use one of: "day", "month"'):
        partition_of(utc(2026, 11, 2), unit)


def test_unit_starting_at_refuses_other_instants():
    with pytest.raises(ClockifyWindowError, match=r"2026-11-01T01:00:00Z is not the start of a UTC day"):
        unit_starting_at(utc(2026, 11, 1, 1), "day")


@pytest.mark.parametrize("unit", UNITS)
def test_units_at_the_ends_of_the_calendar_are_refused_not_wrong(unit):
    with pytest.raises(ClockifyWindowError, match="years 1 to 9999"):
        next_unit(utc(9999, 12, 31, 23), unit)
    with pytest.raises(ClockifyWindowError, match="years 1 to 9999"):
        last_complete_unit(utc(1, 1, 1), unit)
    assert floor_to(utc(1, 1, 1), unit) == utc(1, 1, 1)


def test_constants():
    assert PARTITION_UNITS == ("day", "month")
    assert WINDOW_MODES == ("data_interval", "hour", "day", "week", "month")


# --- parse_instant ------------------------------------------------------------------------------------------


@given(zoned_instants)
def test_parse_instant_round_trip(instant):
    expected = instant.astimezone(UTC)
    for value in (
        instant,
        instant.isoformat(),
        str(instant),
        f" {instant.isoformat()}\n",
        expected.isoformat(),
    ):
        parsed = parse_instant(value, "start")
        assert parsed == expected
        assert parsed.tzinfo is UTC
        assert type(parsed) is datetime
    assert parse_instant(expected.isoformat().replace("+00:00", "Z"), "start") == expected


@given(instants, st.sampled_from(TRICKY_ZONES))
def test_parse_instant_takes_pendulum(instant, zone):
    value = pendulum.instance(instant).in_timezone(zone)
    for given_value in (value, value.isoformat(), str(value)):
        parsed = parse_instant(given_value, "start")
        assert parsed == instant
        assert type(parsed) is datetime


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-01T00:00:00Z", utc(2026, 11, 1)),
        ("2026-11-01 00:00:00+00:00", utc(2026, 11, 1)),
        ("2026-11-01T00:00Z", utc(2026, 11, 1)),
        ("2026-11-01T00:00:00.250-03:30", utc(2026, 11, 1, 3, 30, 0, 250_000)),
        ("20261101T000000+0000", utc(2026, 11, 1)),
        ("2026-11-01T02:00:00+02:00", utc(2026, 11, 1)),
        ("2026-W45-1T00:00:00Z", utc(2026, 11, 2)),
    ],
)
def test_parse_instant_accepts(text, expected):
    assert parse_instant(text, "start") == expected


@pytest.mark.parametrize(
    ("value", "cures"),
    [
        (datetime(2026, 11, 1), ["no time zone", "2026-11-01T00:00:00", "pendulum.datetime"]),
        (date(2026, 11, 1), ["date without a time", "2026-11-01", "2026-11-01T00:00:00Z", "exclusive"]),
        ("2026-11-01", ["date without a time", "'2026-11-01T00:00:00Z'", "{{ ds }}T00:00:00Z", "exclusive"]),
        ("20261101", ["date without a time", "'20261101'", "'2026-11-01T00:00:00Z'"]),
        (
            "2026-11-01T00:00:00",
            ["no UTC offset", "'2026-11-01T00:00:00Z'", "{{ data_interval_start.isoformat() }}"],
        ),
        ("2026-11-01 08:00", ["no UTC offset", "'2026-11-01 08:00'", "'2026-11-01T08:00:00Z'"]),
        ("20261101T000000", ["no UTC offset", "'20261101T000000'", "Append Z"]),
        ("yesterday", ["not an ISO 8601", "'yesterday'", "offset or Z", "'2026-11-01T00:00:00Z'"]),
        ("2026-02-29T00:00:00Z", ["not an ISO 8601", "'2026-02-29T00:00:00Z'"]),
        ("2026-11-01T00:00:00 00:00", ["not an ISO 8601"]),
        ("2026-11-01x00:00:00Z", ["not an ISO 8601"]),
        ("01/11/2026 00:00", ["not an ISO 8601"]),
        ("{{ data_interval_start }}", ["not an ISO 8601", "{{ data_interval_start }}"]),
        ("", ["empty", "template", "window="]),
        ("None", ["empty", "'None'"]),
        (1793491200, ["type int", "1793491200", "'2026-11-01T00:00:00Z'"]),
        (None, ["type NoneType"]),
        (timedelta(days=1), ["type timedelta"]),
        ("0001-01-01T00:00:00+01:00", ["years 1 to 9999"]),
    ],
)
@pytest.mark.parametrize("parameter", ["start", "end", "since"])
def test_parse_instant_refuses_with_parameter_value_and_cure(value, cures, parameter):
    with pytest.raises(ClockifyWindowError) as caught:
        parse_instant(value, parameter)
    message = str(caught.value)
    assert message.startswith(parameter)
    for cure in cures:
        assert cure in message
    assert "{{{" not in message
    assert "}}}" not in message
    assert isinstance(caught.value, ClockifyConfigError)
    assert isinstance(caught.value, ValueError)


@given(st.text(max_size=40))
def test_parse_instant_never_raises_anything_else(text):
    try:
        assert parse_instant(text, "start").tzinfo is UTC
    except ClockifyWindowError as error:
        assert "start" in str(error)  # noqa: PT017


def test_to_utc_drops_fold_and_subclass():
    assert to_utc(datetime(2026, 11, 1, tzinfo=UTC, fold=1)).fold == 0
    assert type(to_utc(pendulum.datetime(2026, 11, 1))) is datetime
    instant = utc(2026, 11, 1)
    assert to_utc(instant) is instant


# --- resolve_window -----------------------------------------------------------------------------------------

FULL = RunTimes(
    data_interval_start=utc(2026, 11, 3),
    data_interval_end=utc(2026, 11, 4),
    logical_date=utc(2026, 11, 5, 12),
    partition_date=utc(2026, 11, 7),
    run_after=utc(2026, 11, 9, 12),
)


def run(**fields: datetime | None) -> RunTimes:
    return RunTimes(**fields)


def test_resolve_order():
    assert resolve_window(
        start="2026-01-01T00:00:00Z", end=pendulum.datetime(2026, 1, 5), window="month", times=FULL
    ) == Window(utc(2026, 1, 1), utc(2026, 1, 5))
    assert resolve_window(times=FULL) == Window(utc(2026, 11, 3), utc(2026, 11, 4))
    assert resolve_window(window="day", times=FULL) == Window(utc(2026, 11, 7), utc(2026, 11, 8))
    no_partition = RunTimes(
        FULL.data_interval_start, FULL.data_interval_end, FULL.logical_date, None, FULL.run_after
    )
    assert resolve_window(window="day", times=no_partition) == Window(utc(2026, 11, 3), utc(2026, 11, 4))
    by_logical_date = run(logical_date=FULL.logical_date, run_after=FULL.run_after)
    assert resolve_window(window="day", times=by_logical_date) == Window(utc(2026, 11, 4), utc(2026, 11, 5))
    assert resolve_window(window="day", times=run(run_after=FULL.run_after)) == Window(
        utc(2026, 11, 8), utc(2026, 11, 9)
    )


@given(windows, zones, st.sampled_from(WINDOW_MODES))
def test_explicit_bounds_win_in_every_mode(window, zone, mode):
    start, end = window.start.astimezone(zone), window.end.astimezone(zone)
    for times in (RunTimes(), FULL):
        assert resolve_window(start=start, end=end, window=mode, times=times) == window
        assert resolve_window(start=start.isoformat(), end=str(end), window=mode, times=times) == window


@given(windows, zones)
def test_data_interval_is_taken_as_it_is(window, zone):
    times = run(
        data_interval_start=window.start.astimezone(zone), data_interval_end=window.end.astimezone(zone)
    )
    assert resolve_window(times=times) == window


@given(units, zoned_instants, zones)
def test_zero_length_interval_is_a_point(unit, point, zone):
    times = run(
        data_interval_start=point, data_interval_end=point.astimezone(zone), run_after=point + 40 * DAY
    )
    assert resolve_window(window=unit, times=times) == last_complete_unit(point, unit)


@given(units, zoned_instants)
def test_partition_date_is_the_start_of_its_unit(unit, instant):
    start = floor_to(instant, unit).astimezone(instant.tzinfo)
    window = resolve_window(window=unit, times=run(partition_date=start, run_after=instant + 40 * DAY))
    assert window == Window(start, next_unit(start, unit))


@given(
    units,
    instants,
    zones,
    st.lists(st.timedeltas(timedelta(0), timedelta(hours=1) - US), min_size=3, max_size=15),
    st.sampled_from(("data_interval_end", "logical_date", "run_after", "partition_date")),
)
def test_unit_windows_of_consecutive_runs_tile_time(unit, instant, zone, delays, kind):
    """One run per unit, on time or a little late, its points given in any zone."""
    point = floor_to(instant, unit)
    tiles = []
    for delay in delays:
        if kind == "partition_date":
            times = run(partition_date=point.astimezone(zone), run_after=point + delay)
        else:
            late = (point + delay).astimezone(zone)
            times = run(
                **{kind: late}, **({"data_interval_start": late} if kind == "data_interval_end" else {})
            )
        tiles.append(resolve_window(window=unit, times=times))
        point = next_unit(point, unit)
    assert_tiles(tiles, Window(tiles[0].start, tiles[-1].end))
    assert len(set(tiles)) == len(tiles)
    assert all(next_unit(tile.start, unit) == tile.end for tile in tiles)


@given(
    st.sampled_from(TRICKY_ZONES).map(zoneinfo.ZoneInfo) | zones,
    st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)),
    st.integers(3, 12),
)
@example(zoneinfo.ZoneInfo("Europe/London"), datetime(2026, 3, 27), 5)
@example(zoneinfo.ZoneInfo("America/Sao_Paulo"), datetime(2018, 11, 2), 5)
def test_data_intervals_of_local_days_tile_time_across_dst(zone, first, days):
    """A timetable in a local zone gives days of 23 to 25 hours: none of them is lost, none comes twice."""
    midnights = [
        (first.replace(hour=0, minute=0, second=0, microsecond=0) + n * DAY) for n in range(days + 1)
    ]
    marks = [midnight.replace(tzinfo=zone) for midnight in midnights]
    assume(all(a.astimezone(UTC) < b.astimezone(UTC) for a, b in itertools.pairwise(marks)))
    tiles = [
        resolve_window(times=run(data_interval_start=start, data_interval_end=end))
        for start, end in itertools.pairwise(marks)
    ]
    assert_tiles(tiles, Window(marks[0], marks[-1]))


def test_unit_window_of_a_local_cron_across_midnight_utc_is_a_documented_trap():
    """One run cannot see its neighbours: pinned here so that the documentation stays true."""
    london = zoneinfo.ZoneInfo("Europe/London")
    autumn = [
        resolve_window(window="day", times=run(run_after=datetime(2026, 10, day, tzinfo=london)))
        for day in (25, 26)
    ]
    assert autumn == [
        Window(utc(2026, 10, 23), utc(2026, 10, 24)),
        Window(utc(2026, 10, 25), utc(2026, 10, 26)),
    ]
    assert "DST" in (resolve_window.__doc__ or "")


def point(instant: datetime) -> RunTimes:
    return RunTimes(data_interval_start=instant, data_interval_end=instant, logical_date=instant)


# Each run is at the first instant of a unit of the zone, or somewhat later.
EARLY = [
    # @monthly: 1 November 00:00 in Berlin.
    ("month", "Europe/Berlin", utc(2026, 10, 31, 23), ("[2026-09-01T00:00:00Z, 2026-10-01T00:00:00Z)",)),
    ("month", "Asia/Tokyo", utc(2026, 10, 31, 21), ("[2026-09-30T15:00:00Z, 2026-10-31T15:00:00Z)",)),
    ("month", "Pacific/Kiritimati", utc(2026, 2, 28, 10), ("[2026-01-01T00:00:00Z, 2026-02-01T00:00:00Z)",)),
    ("week", "Europe/Berlin", utc(2026, 7, 5, 22), ("[2026-06-22T00:00:00Z, 2026-06-29T00:00:00Z)",)),
    ("day", "Europe/London", utc(2026, 3, 29, 23), ("[2026-03-28T00:00:00Z, 2026-03-29T00:00:00Z)",)),
    ("day", "Pacific/Auckland", utc(2026, 11, 4, 11), ("[2026-11-03T11:00:00Z, 2026-11-04T11:00:00Z)",)),
    ("hour", "Asia/Kolkata", utc(2026, 11, 4, 6, 30), ("[2026-11-04T05:30:00Z, 2026-11-04T06:30:00Z)",)),
    ("hour", "Asia/Kathmandu", utc(2026, 11, 4, 6, 15), ("[2026-11-04T05:15:00Z, 2026-11-04T06:15:00Z)",)),
]


@pytest.mark.parametrize(("unit", "zone", "instant", "facts"), EARLY)
def test_a_run_before_its_utc_unit_is_over_says_what_it_exports_what_was_meant_and_the_cure(
    unit, zone, instant, facts
):
    warning = early_run_warning(unit, point(instant), zoneinfo.ZoneInfo(zone))
    exported = resolve_window(window=unit, times=point(instant))
    for fact in (
        f'window="{unit}"',
        str(exported),
        zone,
        *facts,
        'timezone="UTC"',
        "start= and end=",
        "data_interval",
        "was probably meant",
    ):
        assert fact in warning


@pytest.mark.parametrize(
    ("unit", "zone", "instant"),
    [
        ("month", "Europe/Berlin", utc(2026, 11, 1)),
        ("month", "Europe/Berlin", utc(2026, 10, 31, 22, 59)),
        ("month", "Europe/Berlin", utc(2026, 11, 1, 2)),
        ("month", "America/New_York", utc(2026, 11, 1, 4)),
        ("month", "America/New_York", utc(2026, 10, 31, 23)),
        ("month", "UTC", utc(2026, 10, 31, 23)),
        ("week", "Europe/Berlin", utc(2026, 10, 31, 23)),  # A Saturday.
        ("day", "Pacific/Honolulu", utc(2026, 10, 31, 10)),
        ("hour", "Europe/Berlin", utc(2026, 10, 31, 23)),
        ("hour", "Asia/Kolkata", utc(2026, 10, 31, 23)),
        ("hour", "America/St_Johns", utc(2026, 10, 31, 23, 30)),
    ],
)
def test_a_run_that_gets_the_unit_that_was_meant_is_not_warned_of(unit, zone, instant):
    assert early_run_warning(unit, point(instant), zoneinfo.ZoneInfo(zone)) is None


@given(instants, units)
def test_without_a_zone_or_in_utc_nothing_is_warned_of(instant, unit):
    for zone in (None, UTC, zoneinfo.ZoneInfo("UTC"), pendulum.timezone("UTC"), pendulum.FixedTimezone(0)):
        assert early_run_warning(unit, point(instant), zone) is None


@given(instants, units, zones)
def test_a_run_is_warned_of_only_within_14_hours_before_a_unit_of_an_eastern_zone(instant, unit, zone):
    times = point(instant)
    if early_run_warning(unit, times, zone) is not None:
        assert next_unit(instant, unit) - instant <= timedelta(hours=14)
        assert instant.astimezone(zone).utcoffset() > timedelta(0)


@given(instants, st.sampled_from(("day", "week", "month")), zones)
def test_a_run_is_warned_of_exactly_when_the_clock_of_its_zone_shows_the_next_unit(instant, unit, zone):
    assume(2 < instant.year < 9998)
    wall_clock = instant.astimezone(zone).replace(tzinfo=UTC)
    is_next = floor_to(wall_clock, unit) > floor_to(instant, unit)
    assert (early_run_warning(unit, point(instant), zone) is not None) == is_next


def test_only_a_window_by_unit_without_a_partition_is_warned_of():
    times = point(utc(2026, 10, 31, 23))
    assert early_run_warning("data_interval", times, BERLIN) is None
    partitioned = RunTimes(partition_date=utc(2026, 10, 1), run_after=utc(2026, 10, 31, 23))
    assert early_run_warning("month", partitioned, BERLIN) is None
    assert early_run_warning("month", RunTimes(), BERLIN) is None
    assert early_run_warning("month", RunTimes(run_after=utc(2026, 10, 31, 23)), BERLIN) is not None
    assert early_run_warning("month", times, pendulum.timezone("Europe/Berlin")) is not None
    assert early_run_warning("month", times, timezone(timedelta(hours=1))) is not None


@given(st.sampled_from(WINDOW_MODES), st.timedeltas(timedelta(0), timedelta(days=400)))
def test_lookback_moves_the_start_only(mode, lookback):
    plain = resolve_window(window=mode, times=RunTimes(FULL.data_interval_start, FULL.data_interval_end))
    wide = resolve_window(
        window=mode, lookback=lookback, times=RunTimes(FULL.data_interval_start, FULL.data_interval_end)
    )
    assert wide == Window(plain.start - lookback, plain.end)


def test_lookback_applies_to_explicit_bounds_and_partitions():
    week = timedelta(days=7)
    explicit = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z"}
    assert resolve_window(**explicit, lookback=week, times=RunTimes()) == Window(
        utc(2026, 10, 25), utc(2026, 11, 2)
    )
    assert resolve_window(window="day", lookback=week, times=run(partition_date=utc(2026, 11, 1))) == Window(
        utc(2026, 10, 25), utc(2026, 11, 2)
    )
    assert resolve_window(lookback=pendulum.duration(days=7), times=FULL).start == utc(2026, 10, 27)
    assert resolve_window(lookback=timedelta(0), times=FULL) == resolve_window(times=FULL)


TIMETABLE_CURE = 'schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC")'
THREE_CURES = (TIMETABLE_CURE, 'window="day"', "start= and end=")
POINT = utc(2026, 11, 2)


@pytest.mark.parametrize(
    ("times", "facts"),
    [
        (
            run(data_interval_start=POINT, data_interval_end=POINT),
            ["zero length", "2026-11-02T00:00:00Z", "@daily"],
        ),
        (
            run(data_interval_start=POINT, data_interval_end=POINT.astimezone(BERLIN)),
            ["zero length", "point in time"],
        ),
        (RunTimes(), ["has none", "data_interval_start=None", "by hand", "asset"]),
        (run(logical_date=POINT, run_after=POINT), ["has none"]),
        (run(data_interval_end=POINT), ["has none", "data_interval_end=2026-11-02T00:00:00Z"]),
        (run(data_interval_start=POINT), ["has none", "data_interval_start=2026-11-02T00:00:00Z"]),
        (run(data_interval_start=POINT, data_interval_end=POINT - US), ["ends before it starts"]),
    ],
)
def test_no_data_interval_shows_why_and_the_three_cures(times, facts):
    with pytest.raises(ClockifyWindowError) as caught:
        resolve_window(times=times)
    message = str(caught.value)
    assert message.startswith('window="data_interval" needs a data interval')
    for expected in (*facts, *THREE_CURES):
        assert expected in message
    assert message.index(TIMETABLE_CURE) < message.index('window="day"') < message.index("start= and end=")
    assert "partition_date" not in message
    assert ("with a logical date" in message) == (times.data_interval_start is None)
    assert [f"({n})" in message for n in (1, 2, 3, 4)] == [True, True, True, False]


@pytest.mark.parametrize("interval", [(None, None), (POINT, POINT)])
def test_no_data_interval_of_a_partitioned_run_names_the_unit_first(interval):
    with pytest.raises(ClockifyWindowError) as caught:
        resolve_window(times=RunTimes(*interval, partition_date=utc(2026, 11, 1)))
    message = str(caught.value)
    assert "partition_date=2026-11-01T00:00:00Z" in message
    assert all(cure in message for cure in THREE_CURES)
    assert (
        message.index('(1) set window="day"')
        < message.index(TIMETABLE_CURE)
        < message.index("start= and end=")
    )
    assert "starts at partition_date" in message


@pytest.mark.parametrize(
    ("partition_date", "unit", "facts"),
    [
        (
            datetime(2026, 11, 1, tzinfo=BERLIN),
            "day",
            [
                "2026-11-01T00:00:00+01:00 (2026-10-31T23:00:00Z)",
                "UTC day",
                '"0 0 * * *"',
                "another time zone",
            ],
        ),
        (
            utc(2026, 11, 3),
            "week",
            ["2026-11-03T00:00:00Z", "UTC week", "2026-11-02T00:00:00Z", '"0 0 * * 1"'],
        ),
        (utc(2026, 11, 3), "month", ["UTC month", "2026-11-01T00:00:00Z", '"0 0 1 * *"']),
        (utc(2026, 11, 3, 4, 30), "hour", ["UTC hour", '"0 * * * *"']),
        (utc(2026, 11, 3) + US, "day", ["2026-11-03T00:00:00.000001Z"]),
    ],
)
def test_partition_date_inside_a_unit_is_refused(partition_date, unit, facts):
    with pytest.raises(ClockifyWindowError) as caught:
        resolve_window(window=unit, times=run(partition_date=partition_date, run_after=POINT))
    message = str(caught.value)
    for expected in (
        *facts,
        f'window="{unit}"',
        "CronPartitionTimetable(",
        'timezone="UTC"',
        "start= and end=",
        "partition_date=",
    ):
        assert expected in message


@pytest.mark.parametrize("unit", UNITS)
def test_no_point_in_time_is_refused(unit):
    for times in (RunTimes(), run(data_interval_start=POINT)):
        with pytest.raises(ClockifyWindowError) as caught:
            resolve_window(window=unit, times=times)
        for expected in (f'window="{unit}"', "logical_date", "run_after", "start= and end="):
            assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        (
            {"start": "2026-11-01T00:00:00Z"},
            ["start='2026-11-01T00:00:00Z'", "without end", "both start and end"],
        ),
        ({"end": utc(2026, 11, 1)}, ["end='2026-11-01", "without start", "both start and end"]),
        ({"start": "", "end": "2026-11-01T00:00:00Z"}, ["start was given but is empty ('')", "template"]),
        (
            {"start": "2026-11-01T00:00:00Z", "end": " \n"},
            ["end was given but is empty", "template", "window="],
        ),
        ({"start": "None", "end": "None"}, ["start was given but is empty ('None')", "template"]),
        ({"start": ""}, ["start was given but is empty"]),
        ({"end": "None"}, ["end was given but is empty"]),
        ({"start": "2026-11-01", "end": "2026-11-02"}, ["start='2026-11-01' is a date"]),
        ({"start": "2026-11-01T00:00:00Z", "end": "2026-11-02"}, ["end='2026-11-02' is a date"]),
        ({"start": "2026-11-01T00:00:00", "end": "2026-11-02T00:00:00Z"}, ["start=", "no UTC offset"]),
        ({"start": "2026-11-01T00:00:00Z", "end": datetime(2026, 11, 2)}, ["end=", "no time zone"]),
        (
            {"start": "2026-11-02T00:00:00Z", "end": "2026-11-02T01:00:00+01:00"},
            ["must end after", "half-open"],
        ),
        (
            {"start": "2026-11-02T00:00:00Z", "end": "2026-11-01T00:00:00Z"},
            ["start=2026-11-02", "end=2026-11-01"],
        ),
        ({"start": 0, "end": 0}, ["start=0", "type int"]),
        ({"start": False, "end": False}, ["start=False"]),
    ],
)
@pytest.mark.parametrize("mode", WINDOW_MODES)
def test_bad_explicit_bounds_are_refused_although_the_run_has_an_interval(bounds, expected, mode):
    with pytest.raises(ClockifyWindowError) as caught:
        resolve_window(**bounds, window=mode, times=FULL)
    for text in expected:
        assert text in str(caught.value)


@pytest.mark.parametrize("mode", ["year", "", "DAY", "data-interval", None])
@pytest.mark.parametrize("bounds", [{}, {"start": utc(2026, 11, 1), "end": utc(2026, 11, 2)}])
def test_unknown_window_lists_the_allowed_ones(mode, bounds):
    with pytest.raises(ClockifyWindowError) as caught:
        resolve_window(**bounds, window=mode, times=FULL)
    assert f"window={mode!r}" in str(caught.value)
    assert all(f'"{allowed}"' in str(caught.value) for allowed in WINDOW_MODES)


@pytest.mark.parametrize(
    ("lookback", "expected"),
    [
        (timedelta(days=-1), ["lookback=", "negative", "timedelta(days=7)"]),
        (-US, ["lookback=", "negative"]),
        (7, ["lookback=7", "type int", "timedelta(days=7)"]),
        (0, ["lookback=0", "type int"]),
        ("7 days", ["lookback='7 days'", "'P7D'", "'PT36H'"]),
        ("7 days, 0:00:00", ["'P7D'"]),
        ("", ["lookback=''", "'P7D'"]),
        ("P", ["lookback='P'"]),
        ("PT", ["lookback='PT'"]),
        ("P7", ["lookback='P7'"]),
        ("7", ["lookback='7'"]),
        ("p7d", ["lookback='p7d'", "'P7D'"]),
        ("P1M", ["lookback='P1M'", "months and years have no fixed length"]),
        ("P1Y", ["write them in days"]),
        ("-P7D", ["lookback=-P7D is negative", "'P7D'"]),
        ("P-7D", ["lookback=P-7D is negative"]),
        ("P999999999W", ["longer than the calendar"]),
        ("P7D" * 100, ["is not an ISO 8601 duration"]),
        (False, ["type bool"]),
    ],
)
@pytest.mark.parametrize("bounds", [{}, {"start": utc(2026, 11, 1), "end": utc(2026, 11, 2)}])
def test_bad_lookback_is_refused(lookback, expected, bounds):
    with pytest.raises(ClockifyWindowError) as caught:
        resolve_window(**bounds, lookback=lookback, times=FULL)
    for text in expected:
        assert text in str(caught.value)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("P7D", timedelta(days=7)),
        (" PT36H\n", timedelta(hours=36)),
        ("P1W", timedelta(days=7)),
        ("P1DT12H", timedelta(hours=36)),
        ("PT1H30M15.5S", timedelta(hours=1, minutes=30, seconds=15.5)),
        ("P0D", timedelta(0)),
        ("P0,5D", timedelta(hours=12)),
    ],
)
def test_lookback_as_text_is_the_length_it_names(text, length):
    assert parse_lookback(text) == length
    assert resolve_window(lookback=text, times=FULL) == resolve_window(lookback=length, times=FULL)


@given(st.timedeltas(timedelta(0), timedelta(days=3000)))
def test_the_iso_text_of_a_length_is_read_as_that_length(length):
    seconds = length.seconds + length.microseconds / 1_000_000
    assert parse_lookback(f"P{length.days}DT{seconds:.6f}S") == length
    assert parse_lookback(length) == length


def test_lookback_beyond_the_calendar_is_refused():
    with pytest.raises(ClockifyWindowError, match="start minus lookback"):
        resolve_window(lookback=timedelta(days=3000 * 365), times=FULL)


def test_naive_run_times_are_refused_by_name():
    naive = datetime(2026, 11, 1)
    for field, mode in (
        ("partition_date", "day"),
        ("data_interval_end", "day"),
        ("logical_date", "day"),
        ("run_after", "day"),
    ):
        with pytest.raises(ClockifyWindowError, match=field):
            resolve_window(window=mode, times=run(**{field: naive}))
    with pytest.raises(ClockifyWindowError, match="data_interval_start"):
        resolve_window(times=run(data_interval_start=naive, data_interval_end=POINT))


# --- chunks -------------------------------------------------------------------------------------------------


@given(windows, st.integers(1, 40), st.sampled_from((None, *UNITS)))
def test_chunks_tile_exactly_within_the_limit_with_cuts_at_units(window, max_days, align):
    cut_unit = align if align in ("week", "month") else "day"
    assume(max_days >= {"day": 1, "week": 7, "month": 31}[cut_unit])
    pieces = chunks(window, max_days=max_days, align=align)
    assert_tiles(pieces, window)
    assert pieces == sorted(set(pieces))
    assert all(piece.duration <= timedelta(days=max_days) for piece in pieces)
    for piece in pieces[:-1]:
        assert unit_start_by_definition(piece.end, cut_unit) == piece.end
        # Greedy, hence as few as possible: the next cut would be too far.
        assert next_unit(piece.end, cut_unit) - piece.start > timedelta(days=max_days)
    if len(pieces) > 1:
        assert window.end - pieces[-2].start > timedelta(days=max_days)


@given(windows)
def test_chunks_fit_a_report_of_a_free_workspace(window):
    for piece in chunks(window):
        first, last = (datetime.fromisoformat(text) for text in piece.report_bounds())
        assert last - first <= timedelta(days=31)
        assert piece.duration <= timedelta(hours=31 * 24)
    assert chunks(window) == chunks(window, align="day") == chunks(window, max_days=31, align=None)


@given(windows, st.floats(0, 1), partition_units)
def test_every_instant_belongs_to_exactly_one_chunk_and_partition(window, where, unit):
    instant = min(window.start + where * window.duration, window.end - US)
    assert sum(instant in piece for piece in chunks(window)) == 1
    assert sum(instant in piece for piece in chunks(window, align="month")) == 1
    homes = [part for part in partitions(expand_to_units(window, unit), unit) if instant in part.window]
    assert [part.key for part in homes] == [partition_of(instant, unit)]


@pytest.mark.parametrize(
    ("start", "end", "align", "cuts"),
    [
        (utc(2026, 1, 1), utc(2026, 2, 1), None, []),
        (utc(2026, 1, 1), utc(2026, 2, 1) + US, None, [utc(2026, 2, 1)]),
        (utc(2026, 1, 1, 12), utc(2026, 2, 1, 12), None, []),
        (utc(2026, 1, 1, 12), utc(2026, 2, 1, 12) + US, None, [utc(2026, 2, 1)]),
        (utc(2026, 1, 1), utc(2026, 4, 1), None, [utc(2026, 2, 1), utc(2026, 3, 4)]),
        (utc(2026, 1, 1), utc(2026, 4, 1), "month", [utc(2026, 2, 1), utc(2026, 3, 1)]),
        (utc(2026, 1, 15), utc(2026, 3, 10), "month", [utc(2026, 2, 1), utc(2026, 3, 1)]),
        (utc(2024, 2, 1), utc(2024, 4, 1), "month", [utc(2024, 3, 1)]),
        (utc(2026, 1, 31, 12), utc(2026, 3, 20), "month", [utc(2026, 3, 1)]),
        (utc(2026, 1, 1), utc(2026, 2, 10), "week", [utc(2026, 1, 26)]),
    ],
)
def test_chunks(start, end, align, cuts):
    pieces = chunks(Window(start, end), align=align)
    assert [piece.end for piece in pieces[:-1]] == cuts
    assert_tiles(pieces, Window(start, end))


@pytest.mark.parametrize("max_days", [0, -1, 1.5, True, None, "31", 10**12])
def test_chunks_refuse_a_senseless_limit(max_days):
    with pytest.raises(ClockifyWindowError, match="max_days="):
        chunks(Window(utc(2026, 1, 1), utc(2026, 4, 1)), max_days=max_days)


@pytest.mark.parametrize(("max_days", "align"), [(30, "month"), (6, "week")])
def test_chunks_refuse_a_limit_shorter_than_the_unit(max_days, align):
    with pytest.raises(ClockifyWindowError, match=f'too short for align="{align}"'):
        chunks(Window(utc(2026, 1, 1), utc(2026, 1, 2)), max_days=max_days, align=align)


def test_chunks_of_the_whole_calendar():
    everything = Window(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    assert_tiles(chunks(everything), everything)
    assert chunks(everything, max_days=timedelta.max.days) == [everything]


# --- partitions ---------------------------------------------------------------------------------------------


@given(windows, partition_units)
def test_partitions_tile_exactly(window, unit):
    whole = expand_to_units(window, unit)
    parts = partitions(whole, unit)
    assert_tiles([part.window for part in parts], whole)
    assert len({part.key for part in parts}) == len(parts)
    for part in parts:
        assert part.window == unit_starting_at(part.window.start, unit)
        assert part.key == partition_of(part.window.start, unit) == partition_of(part.window.end - US, unit)
        assert part.key != partition_of(part.window.end, unit)
        assert part.name == f"{'dt' if unit == 'day' else 'month'}={part.key}"
    assert [part.key for part in parts] == sorted(part.key for part in parts)


@given(windows, partition_units)
def test_partitions_refuse_a_window_that_cuts_one(window, unit):
    whole = expand_to_units(window, unit)
    assume(whole != window)
    with pytest.raises(ClockifyWindowError) as caught:
        partitions(window, unit)
    assert str(window) in str(caught.value)
    assert f'expand_to_units(window, "{unit}") gives {whole}' in str(caught.value)


@given(windows, units)
def test_expand_to_units_is_the_smallest_superset(window, unit):
    whole = expand_to_units(window, unit)
    assert whole.start <= window.start < next_unit(whole.start, unit)
    assert whole.end >= window.end
    assert unit_start_by_definition(whole.start, unit) == whole.start
    assert unit_start_by_definition(whole.end, unit) == whole.end
    # One unit less at the end would cut the window.
    assert unit_start_by_definition(whole.end - US, unit) < window.end
    assert expand_to_units(whole, unit) == whole


@given(zoned_instants)
def test_partition_of_follows_the_utc_calendar(instant):
    expected = instant.astimezone(UTC)
    assert partition_of(instant, "day") == expected.strftime("%Y-%m-%d")
    assert partition_of(instant, "month") == expected.strftime("%Y-%m")


def test_partition_of_takes_pendulum_and_refuses_naive():
    assert partition_of(pendulum.datetime(2026, 11, 1, 0, 30, tz="Europe/Berlin"), "day") == "2026-10-31"
    assert partition_of(pendulum.datetime(2026, 11, 1), "month") == "2026-11"
    assert partition_of(utc(9, 1, 2), "day") == "0009-01-02"
    with pytest.raises(ClockifyWindowError):
        partition_of(datetime(2026, 11, 1), "day")


def test_partitions():
    assert partitions(Window(utc(2024, 2, 28), utc(2024, 3, 2)), "day") == [
        Partition(Window(utc(2024, 2, 28), utc(2024, 2, 29)), "2024-02-28", "dt=2024-02-28"),
        Partition(Window(utc(2024, 2, 29), utc(2024, 3, 1)), "2024-02-29", "dt=2024-02-29"),
        Partition(Window(utc(2024, 3, 1), utc(2024, 3, 2)), "2024-03-01", "dt=2024-03-01"),
    ]
    assert partitions(Window(utc(2026, 12, 1), utc(2027, 2, 1)), "month") == [
        Partition(Window(utc(2026, 12, 1), utc(2027, 1, 1)), "2026-12", "month=2026-12"),
        Partition(Window(utc(2027, 1, 1), utc(2027, 2, 1)), "2027-01", "month=2027-01"),
    ]


@pytest.mark.parametrize(
    ("start", "length", "n", "expected"),
    [
        (utc(2026, 11, 2), 7 * DAY, 7, True),
        (utc(2026, 11, 4), 7 * DAY, 7, True),
        (utc(2026, 11, 2), 7 * DAY - US, 7, False),
        (utc(2026, 11, 2), 8 * DAY, 7, False),
        (utc(2026, 11, 2, 12), 7 * DAY, 7, False),
        (datetime(2026, 11, 2, tzinfo=BERLIN).astimezone(UTC), 7 * DAY, 7, False),
        (utc(2026, 11, 2), DAY, 1, True),
    ],
)
def test_is_exact_days(start, length, n, expected):
    assert is_exact_days(window_of(start, length), n) is expected


# --- the module ---------------------------------------------------------------------------------------------


def test_importing_the_module_is_cheap():
    code = (
        "import sys; import airflow_provider_clockify.window; "
        "print([m for m in ('airflow', 'pendulum', 'requests', 'zoneinfo') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_public_names_exist():
    assert all(hasattr(window_module, name) for name in window_module.__all__)
