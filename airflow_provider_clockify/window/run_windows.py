# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""From the times of a run to the window that it exports (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, get_args

from airflow_provider_clockify.exceptions import ClockifyWindowError
from airflow_provider_clockify.types import Unit, WindowMode
from airflow_provider_clockify.window.instants import (
    RENDERED_TO_NOTHING,
    duration_seconds,
    parse_instant,
    rendered_to_nothing,
    shown_instant,
    to_utc,
    within_calendar,
    z,
)
from airflow_provider_clockify.window.interval import Window
from airflow_provider_clockify.window.units import (
    UNITS,
    floor_to,
    in_zone,
    is_unit_start,
    last_complete_unit,
    quoted,
    unit_starting_at,
)
from airflow_provider_clockify.window.zones import HOUR, day_start, instant_of, wall_clock, zone_name

WINDOW_MODES: Final[tuple[WindowMode, ...]] = get_args(WindowMode)

_CRONS: Final[dict[str, str]] = {
    "hour": "0 * * * *",
    "day": "0 0 * * *",
    "week": "0 0 * * 1",
    "month": "0 0 1 * *",
}


@dataclass(frozen=True, slots=True)
class RunTimes:
    """
    The points in time of a DAG run, as plain values; each is an aware datetime or ``None``.

    :param data_interval_start: Start of the data interval.
    :param data_interval_end: End of the data interval; equal to its start if the run is a point in time.
    :param logical_date: Logical date.
    :param partition_date: Start of the partition of a partitioned run.
    :param run_after: The earliest time at which the run may start.
    """

    data_interval_start: datetime | None = None
    data_interval_end: datetime | None = None
    logical_date: datetime | None = None
    partition_date: datetime | None = None
    run_after: datetime | None = None


def resolve_window(
    *,
    start: object = None,
    end: object = None,
    window: str = "data_interval",
    lookback: timedelta | str | None = None,
    times: RunTimes,
    zone: tzinfo = UTC,
) -> Window:
    """
    Decide which window a run exports.

    Order: explicit ``start`` and ``end``; else, by ``window``, the data interval of the run or a whole unit of the
    zone: the one that starts at the run's ``partition_date``, or, for a run without, the last complete one before the
    run's point in time (end of its data interval, else logical date, else ``run_after``). Nothing is guessed.

    The last complete unit tiles time for runs that come once per unit **of the zone**. A cron in another zone with DST
    whose local hour falls on both sides of the zone's midnight (``0 0 * * *`` in London, units of UTC) has two runs in
    one day in spring and none in another in autumn; one run cannot see that. Let the units be those of the schedule's
    zone, or use its data interval.

    :param start: Explicit start: aware datetime or ISO 8601 string with offset; ``None`` if not given.
    :param end: Explicit end, exclusive; given if and only if ``start`` is.
    :param window: One of :data:`WINDOW_MODES`.
    :param lookback: How much further back the window starts, in every mode; see :func:`parse_lookback`.
    :param times: The points in time of the run.
    :param zone: Time zone of units, and of the whole days of ``lookback``.
    :return: The window, with this zone.
    :raises ClockifyWindowError: No window follows from this; the message shows what to change.
    """
    # Both are checked in any case: a wrong setting that today's run happens not to use is still wrong.
    if window not in WINDOW_MODES:
        raise ClockifyWindowError(f"window={window!r} is unknown. Use one of: {quoted(WINDOW_MODES)}.")
    further_back = parse_lookback(lookback)

    resolved = _explicit_window(start, end)
    if resolved is None:
        if window == "data_interval":
            resolved = _data_interval_window(times, zone)
        else:
            unit: Unit = window
            resolved = _unit_window(unit, times, zone)
    first = resolved.start
    if further_back:
        with within_calendar("start minus lookback"):
            first = _reach_back(first, further_back, zone)
    return Window(first, resolved.end, zone)


def _reach_back(start: datetime, length: timedelta, zone: tzinfo) -> datetime:
    """Go back by days of the calendar, which have 23 or 25 hours at times, and by the rest of the length."""
    days = timedelta(days=length.days)
    rest = length - days
    clock = wall_clock(start, zone)
    if is_unit_start(start, "day", zone):
        return day_start(clock.date() - days, zone) - rest
    return instant_of(clock - days, zone) - rest


def parse_lookback(lookback: object) -> timedelta | None:
    """
    Read how much further back a window reaches, as a DAG author or a template wrote it.

    :param lookback: A timedelta, or an ISO 8601 duration in weeks, days, hours, minutes and seconds, such as ``P7D`` or
        ``PT36H``; not negative. ``None`` stays ``None``.
    :raises ClockifyWindowError: It is no such length; the message shows one.
    """
    if lookback is None:
        return None
    if isinstance(lookback, str):
        length = _duration(lookback)
    elif isinstance(lookback, timedelta):
        length = lookback
    else:
        raise ClockifyWindowError(
            f"lookback={lookback!r} is of type {type(lookback).__name__}. Give a timedelta, for example "
            "timedelta(days=7), or an ISO 8601 duration, for example 'P7D'."
        )
    if length < timedelta(0):
        raise ClockifyWindowError(
            f"lookback={lookback!s} is negative. Give the positive length by which the window reaches further "
            "back, for example timedelta(days=7) or 'P7D'."
        )
    return length


def _duration(lookback: str) -> timedelta:
    seconds = duration_seconds(lookback.strip())
    if seconds is None:
        raise ClockifyWindowError(
            f"lookback={lookback[:60]!r} is not an ISO 8601 duration of weeks, days, hours, minutes and seconds. Write "
            "for example 'P7D' for seven days or 'PT36H' for 36 hours; months and years have no fixed length, so "
            "write them in days."
        )
    try:
        return timedelta(microseconds=int(seconds * 1_000_000))
    except OverflowError:
        raise ClockifyWindowError(
            f"lookback={lookback[:60]!r} is longer than the calendar. Give a length such as 'P7D'."
        ) from None


def _explicit_window(start: object, end: object) -> Window | None:
    bounds = {"start": start, "end": end}
    # Before the check for "only one": an empty bound is a template problem, not a forgotten parameter.
    for parameter, value in bounds.items():
        if isinstance(value, str) and value.strip().lower() in RENDERED_TO_NOTHING:
            raise rendered_to_nothing(value, parameter)
    if start is None and end is None:
        return None
    if start is None or end is None:
        given, missing = ("end", "start") if start is None else ("start", "end")
        raise ClockifyWindowError(
            f"{given}={str(bounds[given])!r} was given without {missing}. Give both start and end, or leave "
            "out both and let window= decide."
        )
    return Window(parse_instant(start, "start"), parse_instant(end, "end"))


def _data_interval_window(times: RunTimes, zone: tzinfo) -> Window:
    if times.data_interval_start is None or times.data_interval_end is None:
        raise _no_data_interval(
            f"this run has none (data_interval_start={shown_instant(times.data_interval_start)}, "
            f"data_interval_end={shown_instant(times.data_interval_end)}), as is usual for runs that were started "
            "by hand or by an asset, and for partitioned runs",
            times,
            zone,
        )
    start = to_utc(times.data_interval_start, "data_interval_start")
    end = to_utc(times.data_interval_end, "data_interval_end")
    if start == end:
        raise _no_data_interval(
            "the data interval of this run has zero length (data_interval_start and data_interval_end are "
            f"both {z(start)}): in Airflow 3 `@daily` and plain cron strings give a run a point in time, "
            "not an interval",
            times,
            zone,
        )
    if end < start:
        raise _no_data_interval(
            f"the data interval of this run ends before it starts (data_interval_start={z(start)}, "
            f"data_interval_end={z(end)}); its timetable is broken",
            times,
            zone,
        )
    return Window(start, end)


def _no_data_interval(why: str, times: RunTimes, zone: tzinfo) -> ClockifyWindowError:
    timetable = (
        "give the DAG a timetable with data intervals, for example "
        f'schedule=CronDataIntervalTimetable("0 0 * * *", timezone="{zone_name(zone)}")'
    )
    last_day = (
        'set window="day" (or "hour", "week", "month") on the task: the last complete '
        f"{in_zone('day', zone)} before the run"
    )
    explicit = "set start= and end= on the task: ISO 8601 with offset or Z, templates are rendered"
    if times.data_interval_start is None:
        timetable += (
            " (if it has one, start this run again with a logical date: without it there is no interval)"
        )
    cures = (timetable, last_day, explicit)
    if times.partition_date is not None:
        why += f"; it is partitioned, with partition_date={shown_instant(times.partition_date)}"
        this_day = (
            'set window="day" (or "hour", "week", "month", as the partitions are) on the task: '
            f"the {in_zone('day', zone)} that starts at partition_date"
        )
        cures = (this_day, timetable, explicit)
    numbered = "; ".join(f"({number}) {cure}" for number, cure in enumerate(cures, start=1))
    return ClockifyWindowError(
        f'window="data_interval" needs a data interval with a length, but {why}. Do one of: {numbered}.'
    )


def _unit_window(unit: Unit, times: RunTimes, zone: tzinfo) -> Window:
    if times.partition_date is not None:
        partition_date = to_utc(times.partition_date, "partition_date")
        start = floor_to(partition_date, unit, zone)
        # Where midnight comes twice, Airflow names the second one (seen with 3.3.2), and the day begins at the first.
        if wall_clock(partition_date, zone) != wall_clock(start, zone):
            raise ClockifyWindowError(
                f"partition_date={shown_instant(times.partition_date)} is not the start of a {in_zone(unit, zone)}, "
                f'which window="{unit}" needs (the one before starts at {z(start)}): '
                "the partitions of this DAG are cut in another time zone or in other units. Do one of: (1) set "
                "timezone= on the task to the time zone of the DAG's timetable; (2) cut the partitions in the time "
                f'zone of the task, for example schedule=CronPartitionTimetable("{_CRONS[unit]}", '
                f'timezone="{zone_name(zone)}", run_offset=-1); (3) set the window= that fits the partitions; (4) set '
                "start= and end= on the task."
            )
        return unit_starting_at(start, unit, zone)
    point = _point_in_time(times)
    if point is not None:
        return last_complete_unit(point, unit, zone)
    raise ClockifyWindowError(
        f'window="{unit}" needs a point in time, but this run has no partition_date, data_interval_end, '
        "logical_date or run_after. Set start= and end= on the task."
    )


def _point_in_time(times: RunTimes) -> datetime | None:
    # The end of the data interval comes first, also if it has zero length: a run for an interval is about
    # time before its end, while its logical date may be the start (Airflow 2) or the end (Airflow 3).
    for parameter in ("data_interval_end", "logical_date", "run_after"):
        point: datetime | None = getattr(times, parameter)
        if point is not None:
            return to_utc(point, parameter)
    return None


def early_run_warning(
    window: str, times: RunTimes, schedule_zone: tzinfo | None, zone: tzinfo = UTC
) -> str | None:
    """
    Say that a run exports an earlier unit than was probably meant, because it comes before the unit is over.

    East of Greenwich a month, week or day begins before that of UTC: a ``@monthly`` run of 1 November in
    Europe/Berlin is 31 October 23:00 UTC, when the last complete UTC month is September. So the schedule's zone
    must explain it: its clock already shows the next unit. Of hours, only a part of one can do that (zones such
    as Asia/Kolkata). In zones to the west units begin later, and the last complete one is the one that was meant.

    :param window: As of :func:`resolve_window`, and used: neither ``start`` nor ``end`` is given.
    :param times: The points in time of the run.
    :param schedule_zone: Time zone of the schedule; ``None`` if it is not known, and then nothing is said, since any
        instant is the start of a unit somewhere.
    :param zone: Time zone of the units.
    :return: A warning for people with the cure, or ``None``.
    """
    point = _point_in_time(times)
    if window not in UNITS or times.partition_date is not None or point is None or schedule_zone is None:
        return None
    unit: Unit = window
    try:
        shown, clock = wall_clock(point, schedule_zone), wall_clock(point, zone)
        ahead = shown - clock
        # As if both were UTC, where clocks run evenly.
        own = clock.replace(tzinfo=UTC, fold=0)
        reached = own + (ahead % HOUR if unit == "hour" else ahead)
        if ahead <= timedelta(0) or floor_to(reached, unit) == floor_to(own, unit):
            return None
        exported, meant = (
            last_complete_unit(point, unit, zone),
            last_complete_unit(point, unit, schedule_zone),
        )
        cut = unit_starting_at(floor_to(point, unit, zone), unit, zone)
    except (OverflowError, ClockifyWindowError):
        return None  # At the edges of the calendar, which resolve_window() speaks of.
    name, theirs = zone_name(zone), zone_name(schedule_zone)
    local = point.astimezone(schedule_zone).isoformat()
    return (
        f'window="{unit}" exports the {in_zone(unit, zone)} {exported}. The run is at {local} in {theirs}, '
        f"the time zone of its schedule, where the {unit} {meant} is over and was probably meant; in {name} it is "
        f"{clock.isoformat()}, and the {unit} {cut} is not over. Do one of: (1) set "
        f'timezone="{theirs}" on the task, so that units are cut in the zone of the schedule; (2) give the DAG a '
        f'schedule in {name}, for example a timetable with timezone="{name}", or one that runs some hours later, when '
        f"the unit is over in {name}, too; (3) set start= and end= on the task to the bounds that are meant; (4) use a "
        'timetable with data intervals and window="data_interval".'
    )
