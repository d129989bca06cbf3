# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Units of every time zone there is, across every change of its clocks from 2000 to 2040."""

from __future__ import annotations

import itertools
import zoneinfo
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from typing import Any

import pendulum
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyWindowError
from airflow_provider_clockify.export.plan import make_plan, make_weekly_plan
from airflow_provider_clockify.window import (
    RunTimes,
    Window,
    chunks,
    day_start,
    early_run_warning,
    expand_to_units,
    floor_to,
    is_exact_days,
    is_unit_start,
    last_complete_unit,
    next_unit,
    parse_zone,
    partition_of,
    partitions,
    resolve_window,
    unit_starting_at,
    zone_name,
)

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
US = timedelta(microseconds=1)
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
NAMES = sorted(zoneinfo.available_timezones() - {"Factory", "localtime"})
UNITS = ("hour", "day", "week", "month")
# Until 2011 clocks were set back one minute after midnight there: an hour of the day before came once more.
BACK_OVER_MIDNIGHT = {"America/St_Johns", "Canada/Newfoundland", "America/Goose_Bay", "America/Moncton"}


def z(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


def utc(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=UTC)  # type: ignore[arg-type, misc]


@cache
def changes(name: str) -> tuple[datetime, ...]:
    """Find the instants at which the offset of a zone changes, by looking at it every other day and then closer."""
    zone, found = z(name), []
    marks = [FIRST + number * 2 * DAY for number in range((LAST - FIRST) // (2 * DAY))]
    offsets = [mark.astimezone(zone).utcoffset() for mark in marks]
    for number in range(1, len(marks)):
        if offsets[number] != offsets[number - 1]:
            low, high = marks[number - 1], marks[number]
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // timedelta(seconds=2) * timedelta(seconds=1)
                low, high = (
                    (middle, high)
                    if middle.astimezone(zone).utcoffset() == offsets[number - 1]
                    else (low, middle)
                )
            found.append(high)
    return tuple(found)


def label(instant: datetime, unit: str, zone: Any) -> Any:
    """Name the unit that a clock on the wall and a calendar beside it show, from their fields only."""
    clock = instant.astimezone(zone)
    names: dict[str, Any] = {
        "hour": (clock.date(), clock.hour),
        "day": clock.date(),
        "week": tuple(clock.isocalendar()[:2]),
        "month": (clock.year, clock.month),
    }
    return names[unit]


zones = st.sampled_from(
    ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe")
    + ("Pacific/Apia", "America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo", "America/Havana", "Asia/Amman")
) | st.sampled_from(NAMES)
units = st.sampled_from(UNITS)
calendar_units = st.sampled_from(("day", "week", "month"))
partition_units = st.sampled_from(("day", "month"))


@st.composite
def zoned(draw: Any) -> tuple[str, datetime]:
    """Draw a zone and an instant, at most of the time near a change of its clocks."""
    name = draw(zones)
    around = draw(st.sampled_from((*changes(name), None)))
    if around is None:
        return name, draw(st.datetimes(datetime(2000, 1, 8), datetime(2039, 12, 1), timezones=st.just(UTC)))
    away = draw(
        st.sampled_from((timedelta(0), -US, US)) | st.timedeltas(timedelta(hours=-30), timedelta(hours=30))
    )
    return name, around + away


def assert_tiles(pieces: list[Window], whole: Window) -> None:
    assert (pieces[0].start, pieces[-1].end) == (whole.start, whole.end)
    assert all(left.end == right.start for left, right in itertools.pairwise(pieces))


# --- units --------------------------------------------------------------------------------------------------


@given(zoned(), units)
@example(("Pacific/Apia", utc(2011, 12, 30, 9, 59)), "day")
@example(("Pacific/Apia", utc(2011, 12, 30, 10)), "day")
@example(("Australia/Lord_Howe", utc(2026, 4, 4, 15, 10)), "hour")
@example(("America/St_Johns", utc(2006, 10, 29, 2, 45)), "day")
@settings(deadline=None, max_examples=400)
def test_every_instant_is_in_one_unit_that_ends_where_the_next_begins(where, unit):
    name, instant = where
    zone = z(name)
    start, end = floor_to(instant, unit, zone), next_unit(instant, unit, zone)
    assert start <= instant < end
    assert start.tzinfo is end.tzinfo is UTC
    assert floor_to(start, unit, zone) == floor_to(end - US, unit, zone) == start
    assert next_unit(start, unit, zone) == next_unit(end - US, unit, zone) == end
    assert is_unit_start(start, unit, zone)
    assert is_unit_start(end, unit, zone)
    assert unit_starting_at(start, unit, zone) == last_complete_unit(end, unit, zone) == Window(start, end)
    assert last_complete_unit(end - US, unit, zone).end == start


@given(zoned(), units)
@settings(deadline=None, max_examples=400)
def test_a_unit_is_what_clock_and_calendar_show(where, unit):
    name, instant = where
    assume(name not in BACK_OVER_MIDNIGHT)
    zone = z(name)
    start, end = floor_to(instant, unit, zone), next_unit(instant, unit, zone)
    for inside in (start, start + (end - start) / 3, instant, end - US):
        assert label(inside, unit, zone) == label(start, unit, zone)
    if unit != "hour":  # An hour that is shown twice is two hours.
        assert label(start - US, unit, zone) < label(start, unit, zone) < label(end, unit, zone)


def test_every_day_and_month_of_every_zone_begins_at_its_first_instant():
    """All zones, all their changes: the days around each, one after the other, hold nothing of another day."""
    seen = set()
    for name in NAMES:
        if name in BACK_OVER_MIDNIGHT or changes(name) in seen:
            continue
        seen.add(changes(name))
        zone = z(name)
        for change in changes(name):
            start = floor_to(change - DAY, "day", zone)
            while start < change + DAY:
                end = next_unit(start, "day", zone)
                shown = start.astimezone(zone).date()
                assert (end - US).astimezone(zone).date() == shown, (name, start)
                assert (start - US).astimezone(zone).date() < shown, (name, start)
                assert end.astimezone(zone).date() > shown
                assert floor_to(change, "day", zone) <= change
                start = end
    assert len(seen) > 100


@pytest.mark.parametrize(
    ("name", "instant", "start", "hours"),
    [
        ("Europe/Berlin", utc(2026, 3, 29, 12), utc(2026, 3, 28, 23), 23),
        ("Europe/Berlin", utc(2026, 10, 25, 12), utc(2026, 10, 24, 22), 25),
        ("Australia/Lord_Howe", utc(2026, 4, 4, 20), utc(2026, 4, 4, 13), 24.5),
        ("Australia/Lord_Howe", utc(2026, 10, 3, 20), utc(2026, 10, 3, 13, 30), 23.5),
        ("Asia/Kathmandu", utc(2026, 3, 29, 12), utc(2026, 3, 28, 18, 15), 24),
        # Midnight does not exist: the day begins at one o'clock.
        ("America/Sao_Paulo", utc(2018, 11, 4, 12), utc(2018, 11, 4, 3), 23),
        ("Asia/Beirut", utc(2026, 3, 29, 12), utc(2026, 3, 28, 22), 23),
        ("Africa/Cairo", utc(2026, 4, 24, 12), utc(2026, 4, 23, 22), 23),
        # Midnight exists twice: the day begins at the first.
        ("America/Havana", utc(2026, 11, 1, 12), utc(2026, 11, 1, 4), 25),
        ("Atlantic/Azores", utc(2026, 10, 25, 12), utc(2026, 10, 25, 0), 25),
        # The last hour of a day comes twice.
        ("Africa/Cairo", utc(2026, 10, 29, 12), utc(2026, 10, 28, 21), 25),
        # 30 December 2011 is left out.
        ("Pacific/Apia", utc(2011, 12, 30, 9), utc(2011, 12, 29, 10), 24),
        ("Pacific/Apia", utc(2011, 12, 30, 11), utc(2011, 12, 30, 10), 24),
    ],
)
def test_days_around_a_change(name, instant, start, hours):
    found = unit_starting_at(floor_to(instant, "day", z(name)), "day", z(name))
    assert found == Window(start, start + timedelta(hours=hours))
    assert found.zone is z(name)


def test_hours_of_zones_that_are_off_by_a_part_of_one_and_of_one_that_is_set_back_by_half():
    assert floor_to(utc(2026, 11, 4, 6, 40), "hour", z("Asia/Kolkata")) == utc(2026, 11, 4, 6, 30)
    assert floor_to(utc(2026, 11, 4, 6, 10), "hour", z("Asia/Kathmandu")) == utc(2026, 11, 4, 5, 15)
    # Two o'clock becomes half past one: the hour from one on lasts 90 minutes.
    assert unit_starting_at(utc(2026, 4, 4, 14), "hour", z("Australia/Lord_Howe")).duration == 1.5 * HOUR
    # Three o'clock becomes two: two hours, as long as any.
    berlin = [floor_to(utc(2026, 10, 25, 0, 30) + n * HOUR, "hour", z("Europe/Berlin")) for n in range(3)]
    assert berlin == [utc(2026, 10, 25, n) for n in range(3)]


def test_a_midnight_that_lies_inside_of_what_is_left_out():
    """In 1919 Toronto went from 23:30 on 30 March to 0:30 on the 31st."""
    toronto = z("America/Toronto")
    assert day_start(date(1919, 3, 31), toronto) == utc(1919, 3, 31, 4, 30)
    assert floor_to(utc(1919, 3, 31, 4, 29), "day", toronto) == utc(1919, 3, 30, 5)
    assert floor_to(utc(1919, 3, 31, 4, 45), "day", toronto) == utc(1919, 3, 31, 4, 30)
    assert floor_to(utc(1919, 3, 31, 4, 45), "hour", toronto) == utc(1919, 3, 31, 4, 30)


def test_a_day_that_was_left_out_has_no_partition():
    apia = z("Pacific/Apia")
    week = Window(utc(2011, 12, 28, 10), utc(2012, 1, 1, 10), apia)
    assert [each.key for each in partitions(week, "day")] == [
        "2011-12-28",
        "2011-12-29",
        "2011-12-31",
        "2012-01-01",
    ]
    assert day_start(date(2011, 12, 30), apia) == day_start(date(2011, 12, 31), apia)


def test_an_hour_that_comes_again_after_midnight_stays_with_the_day_that_has_begun():
    newfoundland = z("America/St_Johns")
    assert floor_to(utc(2006, 10, 29, 3), "day", newfoundland) == utc(2006, 10, 29, 2, 30)
    assert utc(2006, 10, 29, 3).astimezone(newfoundland).date() == date(2006, 10, 28)
    assert partition_of(utc(2006, 10, 29, 3), "day", newfoundland) == "2006-10-29"


# --- partitions, chunks, windows of runs ----------------------------------------------------------------------


@given(zoned(), st.timedeltas(US, 80 * DAY), partition_units)
@settings(deadline=None, max_examples=200)
def test_partitions_tile_and_hold_each_instant_once(where, length, unit):
    name, instant = where
    zone = z(name)
    whole = expand_to_units(Window(instant, instant + length, zone), unit)
    parts = partitions(whole, unit)
    assert_tiles([part.window for part in parts], whole)
    assert len({part.key for part in parts}) == len(parts)
    assert [part.key for part in parts] == sorted(part.key for part in parts)
    assert all(part.window.zone is zone for part in parts)
    (home,) = [part for part in parts if instant in part.window]
    assert home.key == partition_of(instant, unit, zone)
    if name not in BACK_OVER_MIDNIGHT:
        assert home.key == instant.astimezone(zone).strftime("%Y-%m-%d" if unit == "day" else "%Y-%m")


@given(zoned(), st.timedeltas(US, 400 * DAY), st.sampled_from((None, *UNITS)), st.integers(31, 40))
@settings(deadline=None, max_examples=200)
def test_chunks_tile_within_the_limit_with_cuts_at_units_that_fit(where, length, align, max_days):
    name, instant = where
    window = Window(instant, instant + length, z(name))
    pieces = chunks(window, align=align, max_days=max_days)
    assert_tiles(pieces, window)
    unit = align if align in ("week", "month") else "day"
    for left, right in itertools.pairwise(pieces):
        assert left.duration <= timedelta(days=max_days)
        assert is_unit_start(left.end, "day", window.zone)
        if not is_unit_start(left.end, unit, window.zone):  # Only inside of what is too long itself.
            whole = unit_starting_at(floor_to(left.end, unit, window.zone), unit, window.zone)
            assert whole.duration > timedelta(days=max_days)
        assert right.zone is window.zone


@given(zones, st.integers(2000, 2039))
@settings(deadline=None, max_examples=100)
def test_the_months_of_a_year_fit_a_free_workspace_and_tile_it(name, year):
    zone = z(name)
    whole = Window(day_start(date(year, 1, 1), zone), day_start(date(year + 1, 1, 1), zone), zone)
    plan = make_plan(whole, partition_by="month", file_name="x")
    assert plan.window == whole
    assert [output.key for output in plan.outputs] == [f"{year}-{month:02}" for month in range(1, 13)]
    assert_tiles(list(plan.chunks), whole)
    for chunk in plan.chunks:
        first, last = (datetime.fromisoformat(bound) for bound in chunk.report_bounds())
        assert last - first <= timedelta(days=31)
    for output in plan.outputs:
        if output.window.is_in_repetition:
            continue
        first, last = (datetime.fromisoformat(bound) for bound in output.window.local_bounds())
        assert last - first < timedelta(days=31)  # As a wall clock shows it, no month is longer.


def test_october_in_berlin_is_an_hour_too_long_for_one_request():
    berlin = z("Europe/Berlin")
    october = Window(utc(2026, 9, 30, 22), utc(2026, 10, 31, 23), berlin)
    assert october.duration == 31 * DAY + HOUR
    assert chunks(october, align="month") == [
        Window(utc(2026, 9, 30, 22), utc(2026, 10, 30, 23)),
        Window(utc(2026, 10, 30, 23), utc(2026, 10, 31, 23)),
    ]
    assert chunks(Window(utc(2026, 7, 31, 22), utc(2026, 8, 31, 22), berlin), align="month") == [
        Window(utc(2026, 7, 31, 22), utc(2026, 8, 31, 22))
    ]


def test_a_chunk_shorter_than_the_longest_day_is_cut_at_hours():
    day = Window(utc(2026, 10, 24, 22), utc(2026, 10, 25, 23), z("Europe/Berlin"))
    assert [piece.duration for piece in chunks(day, max_days=1)] == [DAY, HOUR]


@given(zoned(), units, st.integers(2, 6), st.booleans())
@settings(deadline=None, max_examples=200)
def test_one_run_per_unit_of_the_zone_exports_each_unit_once(where, unit, runs, partitioned):
    name, instant = where
    zone = z(name)
    starts = [floor_to(instant, unit, zone)]
    for _ in range(runs):
        starts.append(next_unit(starts[-1], unit, zone))
    found = [
        resolve_window(
            window=unit,
            zone=zone,
            times=RunTimes(partition_date=start.astimezone(zone)) if partitioned else RunTimes(run_after=end),
        )
        for start, end in itertools.pairwise(starts)
    ]
    assert found == [Window(start, end) for start, end in itertools.pairwise(starts)]
    assert {each.zone for each in found} == {zone}


@given(zoned(), st.integers(0, 40), calendar_units)
@settings(deadline=None, max_examples=200)
def test_a_lookback_of_days_reaches_back_by_days_of_the_calendar(where, days, unit):
    name, instant = where
    zone = z(name)
    times = RunTimes(run_after=instant)
    plain = resolve_window(window=unit, zone=zone, times=times)
    wide = resolve_window(window=unit, zone=zone, times=times, lookback=timedelta(days=days))
    assert wide.end == plain.end
    assert is_unit_start(wide.start, "day", zone)
    first = plain.start.astimezone(zone).date()
    assert wide.start == day_start(first - timedelta(days=days), zone)


def test_a_lookback_from_and_to_a_day_that_begins_at_one_o_clock():
    cairo = z("Africa/Cairo")
    for run_after, start in (
        (utc(2026, 4, 24, 21), utc(2026, 4, 22, 22)),
        (utc(2026, 4, 25, 21), utc(2026, 4, 23, 22)),
    ):
        found = resolve_window(window="day", zone=cairo, times=RunTimes(run_after=run_after), lookback="P1D")
        assert found == Window(start, run_after)


def test_a_lookback_across_a_change_of_clocks():
    berlin = z("Europe/Berlin")
    times = RunTimes(run_after=utc(2026, 10, 25, 23))
    day = resolve_window(window="day", zone=berlin, times=times, lookback="P1DT2H")
    assert day == Window(utc(2026, 10, 23, 20), utc(2026, 10, 25, 23))
    explicit = resolve_window(
        start="2026-10-26T12:00:00+01:00",
        end="2026-10-27T00:00:00Z",
        lookback="P2D",
        zone=berlin,
        times=times,
    )
    assert explicit.start == utc(2026, 10, 24, 10)  # Noon again.


@given(zoned())
@settings(deadline=None, max_examples=100)
def test_a_data_interval_is_taken_as_it_is_whatever_the_zone(where):
    name, instant = where
    found = resolve_window(
        zone=z(name), times=RunTimes(data_interval_start=instant, data_interval_end=instant + HOUR)
    )
    assert (found, found.zone) == (Window(instant, instant + HOUR), z(name))


@pytest.mark.parametrize("unit", UNITS)
def test_a_partition_of_another_zone_is_refused_with_the_cure(unit):
    with pytest.raises(ClockifyWindowError) as caught:
        resolve_window(
            window=unit, zone=z("Europe/Berlin"), times=RunTimes(partition_date=utc(2026, 11, 2, 0, 30))
        )
    for text in (f"{unit} in Europe/Berlin", "set timezone= on the task", 'timezone="Europe/Berlin"'):
        assert text in str(caught.value)


@pytest.mark.parametrize(
    ("name", "midnight"),
    [("America/Havana", utc(2026, 11, 1, 5)), ("Atlantic/Azores", utc(2026, 10, 25, 1))],
)
def test_a_partition_that_is_named_by_its_second_midnight_is_the_whole_day(name, midnight):
    """So does CronPartitionTimetable of Airflow 3.3.2."""
    found = resolve_window(window="day", zone=z(name), times=RunTimes(partition_date=midnight))
    assert found == Window(midnight - HOUR, midnight + DAY)


@pytest.mark.parametrize("lookback", [None, timedelta(weeks=1)])
@pytest.mark.parametrize("monday", [date(2026, 10, 19), date(2026, 3, 23), date(2026, 6, 1)])
def test_weeks_of_a_zone_are_seven_days_of_the_calendar(monday, lookback):
    berlin = z("Europe/Berlin")
    end = day_start(monday + timedelta(days=7), berlin)
    window = resolve_window(
        window="week", zone=berlin, times=RunTimes(run_after=end + HOUR), lookback=lookback
    )
    plan = make_weekly_plan(window, partition_by=None, file_name="x")
    assert len(plan.chunks) == (2 if lookback else 1)
    assert plan.chunks[-1] == Window(day_start(monday, berlin), end)
    assert all(is_exact_days(chunk, 7) and chunk.zone is berlin for chunk in plan.chunks)
    assert_tiles(list(plan.chunks), window)
    with pytest.raises(ClockifyWindowError, match="from midnight Europe/Berlin on"):
        make_weekly_plan(
            Window(window.start + HOUR, window.end + HOUR, berlin), partition_by=None, file_name=""
        )


# --- bounds of reports ----------------------------------------------------------------------------------------


def read_as_java(text: str, zone: Any) -> datetime:
    """Read a bound as the service does: the earlier of two instants, and moved forward out of a gap."""
    clock = datetime.fromisoformat(text).replace(tzinfo=None)
    return (clock - clock.replace(tzinfo=zone).utcoffset()).replace(tzinfo=UTC)


@given(zoned(), units)
@settings(deadline=None, max_examples=400)
def test_local_bounds_mean_the_window_to_the_service(where, unit):
    name, instant = where
    zone = z(name)
    window = last_complete_unit(instant, unit, zone)
    try:
        first, last = (read_as_java(bound, zone) for bound in window.local_bounds())
    except ClockifyWindowError as error:
        assert "show this time twice" in str(error)  # noqa: PT017
        assert unit == "hour"
        assert window.is_in_repetition
        return
    assert first == window.start
    assert last == (window.end if window.ends_in_repetition else window.end - timedelta(milliseconds=1))


def test_the_zone_does_not_tell_windows_of_one_time_apart():
    here, there = (Window(utc(2026, 11, 1), utc(2026, 11, 2), zone) for zone in (UTC, z("Europe/Berlin")))
    assert here == there
    assert hash(here) == hash(there)
    assert here.local_bounds() == here.report_bounds() == there.report_bounds()
    assert there.local_bounds() == ("2026-11-01T01:00:00.000Z", "2026-11-02T00:59:59.999Z")
    assert there.in_utc().zone is UTC


# --- names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_zone_is_found_by_its_name(name):
    assert zone_name(parse_zone(name)) == name


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("UTC", "UTC"),
        (" Europe/Berlin\n", "Europe/Berlin"),
        (UTC, "UTC"),
        (z("Asia/Kolkata"), "Asia/Kolkata"),
        (pendulum.timezone("Pacific/Apia"), "Pacific/Apia"),
        (pendulum.timezone("UTC"), "UTC"),
        ("Etc/GMT-2", "Etc/GMT-2"),
    ],
)
def test_zones_and_names_are_taken(value, name):
    assert zone_name(parse_zone(value)) == name
    if name == "UTC":
        assert parse_zone(value) is UTC


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("Europe/Berln", ["Did you mean 'Europe/Berlin'"]),
        ("europe/berlin", ["Did you mean 'Europe/Berlin'"]),
        ("Berlin", ["Did you mean 'Europe/Berlin'?"]),
        ("new york", ["Did you mean 'America/New_York'"]),
        ("+02:00", ["the place instead of an offset", "Etc/GMT-2"]),
        ("UTC+2", ["the place instead of an offset"]),
        (timezone(HOUR), ["the place instead of an offset"]),
        ("CEST", ["is not the name"]),
        ("", ["''"]),
        ("zzzzzzzz", ["Check its spelling"]),
        ("../etc/passwd", ["is not the name"]),
        ("/etc/localtime", ["is not the name"]),
        ("Europe", ["is not the name"]),
        ("a\0b", ["is not the name"]),
        ("localtime", ["is not the name"]),
        ("right/Europe/Berlin", ["is not the name"]),
        (None, ["timezone is None"]),
        (2, ["timezone is 2"]),
    ],
)
def test_what_is_no_zone_is_refused_with_its_value_and_what_may_be_meant(value, texts):
    with pytest.raises(ClockifyConfigError, match="which is not the name of a time zone") as caught:
        parse_zone(value)
    for text in (*texts, '"Europe/Berlin"', '"UTC"'):
        assert text in str(caught.value)


@given(st.text(max_size=30))
@settings(deadline=None, max_examples=50)
def test_no_text_raises_anything_else(text):
    try:
        parse_zone(text)
    except ClockifyConfigError as error:
        assert "timezone is" in str(error)  # noqa: PT017


# --- a run that comes before its unit is over -----------------------------------------------------------------


@given(zoned(), units)
@settings(deadline=None, max_examples=100)
def test_nothing_is_warned_of_if_units_are_those_of_the_schedule(where, unit):
    name, instant = where
    assert early_run_warning(unit, RunTimes(run_after=instant), z(name), z(name)) is None


def test_the_warning_names_the_time_zone_as_the_cure():
    times = RunTimes(run_after=utc(2026, 10, 31, 23))
    warning = early_run_warning("month", times, z("Europe/Berlin"))
    assert '(1) set timezone="Europe/Berlin" on the task' in warning
    assert str(last_complete_unit(utc(2026, 10, 31, 23), "month", z("Europe/Berlin"))) in warning
    assert early_run_warning("month", times, z("Europe/Berlin"), z("Europe/Paris")) is None
    # A schedule in Tokyo, units of Berlin: it is midnight in Tokyo, and afternoon in Berlin.
    tokyo = RunTimes(run_after=utc(2026, 10, 31, 15))
    warning = early_run_warning("month", tokyo, z("Asia/Tokyo"), z("Europe/Berlin"))
    assert "exports the month in Europe/Berlin [2026-08-31T22:00:00Z, 2026-09-30T22:00:00Z)" in warning
    assert 'timezone="Asia/Tokyo"' in warning
    assert early_run_warning("month", tokyo, z("Europe/Berlin"), z("Asia/Tokyo")) is None
