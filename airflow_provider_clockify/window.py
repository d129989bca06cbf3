# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Time windows: from the times of a run to the exact half-open interval to export, its chunks and partitions.

Everything here is pure: no Airflow, no clock, no I/O. Every instant that comes out is a plain
:class:`datetime.datetime` in UTC, every interval is half-open ``[start, end)``, every unit (hour, day, ISO
week, month) is a unit of UTC. So the windows of contiguous runs tile time whatever the time zone of the DAG,
of the machine or of the key's owner, and no day has 23 or 25 hours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final, get_args

from airflow_provider_clockify.exceptions import ClockifyWindowError
from airflow_provider_clockify.types import PartitionUnit, Unit, WindowMode

__all__ = [
    "PARTITION_UNITS",
    "WINDOW_MODES",
    "Partition",
    "PartitionUnit",
    "RunTimes",
    "Unit",
    "Window",
    "chunks",
    "duration_seconds",
    "early_run_warning",
    "expand_to_units",
    "floor_to",
    "is_exact_days",
    "is_unit_start",
    "last_complete_unit",
    "next_unit",
    "parse_instant",
    "parse_lookback",
    "partition_of",
    "partitions",
    "resolve_window",
    "to_utc",
    "unit_starting_at",
]

UNITS: Final[tuple[Unit, ...]] = get_args(Unit)
PARTITION_UNITS: Final[tuple[PartitionUnit, ...]] = get_args(PartitionUnit)
WINDOW_MODES: Final[tuple[WindowMode, ...]] = get_args(WindowMode)

_MICROSECOND: Final = timedelta(microseconds=1)
_MILLISECOND: Final = timedelta(milliseconds=1)
_DAY: Final = timedelta(days=1)
_FIXED_LENGTH: Final[dict[str, timedelta]] = {
    "hour": timedelta(hours=1),
    "day": _DAY,
    "week": timedelta(days=7),
}
_NUMBER: Final = r"[+-]?\d{1,9}(?:[.,]\d{1,12})?"
_DURATION: Final = re.compile(
    rf"(?P<sign>[+-]?)P(?!$)(?:({_NUMBER})W)?(?:({_NUMBER})D)?(?:T(?!$)(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?",
    re.ASCII,
)
_SECONDS_OF_PARTS: Final = (604_800, 86_400, 3_600, 60, 1)
_LONGEST_DURATION: Final = 80
_FARTHEST_EAST: Final = timedelta(hours=14)
_LONGEST_UNIT_DAYS: Final[dict[str, int]] = {"hour": 1, "day": 1, "week": 7, "month": 31}
_PARTITION_DIRECTORY: Final[dict[str, str]] = {"day": "dt", "month": "month"}
_KEY_LENGTH: Final[dict[str, int]] = {"day": len("YYYY-MM-DD"), "month": len("YYYY-MM")}

# What Jinja leaves behind when the templated value does not exist for this run.
_RENDERED_TO_NOTHING: Final = frozenset({"", "none", "null"})


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """
    A half-open interval ``[start, end)`` of time.

    :param start: First instant inside; any aware datetime, kept as UTC.
    :param end: First instant after; any aware datetime, kept as UTC.
    :raises ClockifyWindowError: A bound is naive or no datetime, or ``end`` is not after ``start``.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        start, end = to_utc(self.start, "start"), to_utc(self.end, "end")
        # Compared only once both are UTC: two datetimes that share a time zone compare by wall clock, which
        # is wrong in the hour that a DST change repeats.
        if end <= start:
            raise ClockifyWindowError(
                f"A time window must end after it starts, but start={_z(start)} and end={_z(end)}. The "
                "window is half-open: for one day give its midnight as start and the next midnight as end."
            )
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "end", end)

    def __contains__(self, instant: datetime) -> bool:
        """
        Tell whether an aware instant of any time zone lies in ``[start, end)``.

        :raises ClockifyWindowError: The instant is naive or no datetime.
        """
        try:
            return self.start <= instant < self.end
        except TypeError:
            to_utc(instant, "instant")
            raise

    def __str__(self) -> str:
        return f"[{self.start_iso}, {self.end_iso})"

    def overlaps(self, other: Window) -> bool:
        """Tell whether some instant lies in both windows."""
        return self.start < other.end and other.start < self.end

    @property
    def duration(self) -> timedelta:
        """Elapsed time from start to end; always positive."""
        return self.end - self.start

    @property
    def start_iso(self) -> str:
        """``YYYY-MM-DDTHH:MM:SSZ``, with a fraction only where it is not zero."""
        return _z(self.start)

    @property
    def end_iso(self) -> str:
        """``YYYY-MM-DDTHH:MM:SSZ``, with a fraction only where it is not zero."""
        return _z(self.end)

    def report_bounds(self) -> tuple[str, str]:
        """
        Return ``dateRangeStart`` and ``dateRangeEnd`` of a report, both ``YYYY-MM-DDTHH:MM:SS.mmmZ``.

        The reports service reads an inclusive end with millisecond precision: the bounds are the millisecond
        that contains the start and the last millisecond that begins before the end. They cover every instant
        of the window and, if the window is not cut at whole milliseconds, up to a millisecond more, so
        whoever reads the report keeps only rows that are ``in`` the window. To be sent together with
        ``timeZone: "UTC"``.
        """
        first = _floor_to_millisecond(self.start)
        last = _floor_to_millisecond(self.end - _MICROSECOND)
        return _z_millis(first), _z_millis(last)

    def is_complete_at(self, instant: datetime) -> bool:
        """
        Tell whether the window lies wholly before an aware instant, so that no time can start in it any more.

        :raises ClockifyWindowError: The instant is naive or no datetime.
        """
        return self.end <= to_utc(instant, "instant")


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


@dataclass(frozen=True, slots=True)
class Partition:
    """
    One UTC day or month of an export that is stored in one file.

    :param window: The whole unit.
    :param key: ``YYYY-MM-DD`` or ``YYYY-MM``, equal to :func:`partition_of` of each instant of the window.
    :param name: Name of the folder, Hive-style: ``dt=YYYY-MM-DD`` or ``month=YYYY-MM``.
    """

    window: Window
    key: str
    name: str


# --- instants -----------------------------------------------------------------------------------------------


def to_utc(instant: datetime, parameter: str = "instant") -> datetime:
    """
    Return an aware datetime (a pendulum one too) as a plain :class:`datetime.datetime` in UTC.

    :param instant: Aware datetime of any time zone.
    :param parameter: What the value is called in the error message.
    :raises ClockifyWindowError: The value is naive, no datetime, or outside the years 1 to 9999 in UTC.
    """
    if type(instant) is datetime and instant.tzinfo is UTC and not instant.fold:
        return instant
    if not isinstance(instant, datetime):
        raise ClockifyWindowError(f"{parameter} must be an aware datetime, got {instant!r}.")
    offset = instant.utcoffset()
    if offset is None:
        raise ClockifyWindowError(
            f"{parameter}={instant.isoformat()!r} has no time zone, so it names no point in time. Give an "
            "aware datetime, for example pendulum.datetime(2026, 11, 1, tz='UTC')."
        )
    # Rebuilt field by field, because astimezone() of a pendulum datetime gives a pendulum datetime again:
    # slower in every comparison, and different in repr and pickle.
    wall_clock = datetime(
        instant.year,
        instant.month,
        instant.day,
        instant.hour,
        instant.minute,
        instant.second,
        instant.microsecond,
        tzinfo=UTC,
    )
    return _shift(wall_clock, -offset, parameter)


def parse_instant(value: object, parameter: str) -> datetime:
    """
    Read one bound of a window, as a DAG author or a template wrote it.

    :param value: Aware datetime (a pendulum one too), or an ISO 8601 string of date, time and ``Z`` or a UTC
        offset; ``T`` or one space between date and time, white space around the string is ignored.
    :param parameter: Name of the parameter, for the error message.
    :return: The instant in UTC.
    :raises ClockifyWindowError: The value names no point in time; the message names parameter, value and
        cure.
    """
    if isinstance(value, datetime):
        return to_utc(value, parameter)
    if isinstance(value, date):
        raise _date_only(value.isoformat(), value, parameter)
    if not isinstance(value, str):
        raise ClockifyWindowError(
            f"{parameter}={value!r} is of type {type(value).__name__}. Give an aware datetime or an ISO "
            "8601 string with an offset or Z, for example '2026-11-01T00:00:00Z'."
        )
    text = value.strip()
    if text.lower() in _RENDERED_TO_NOTHING:
        raise _rendered_to_nothing(value, parameter)
    day = _date_or_none(text)
    if day is not None:
        raise _date_only(day.isoformat(), value, parameter)
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = None
    # fromisoformat() takes any character as separator; here anything but these two is a mistake.
    if parsed is None or not ("T" in text or " " in text):
        raise ClockifyWindowError(
            f"{parameter}={value!r} is not an ISO 8601 date and time. Write it with an offset or Z, for "
            "example '2026-11-01T00:00:00Z' or '2026-11-01T02:00:00+02:00'."
        )
    if parsed.utcoffset() is None:
        raise ClockifyWindowError(
            f"{parameter}={value!r} has no UTC offset, so it names no point in time. Append Z for UTC, or "
            f"an offset: '{parsed.isoformat()}Z'. In a template use "
            "'{{ data_interval_start.isoformat() }}', which has one."
        )
    return to_utc(parsed, parameter)


def _date_or_none(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _date_only(day: str, value: object, parameter: str) -> ClockifyWindowError:
    return ClockifyWindowError(
        f"{parameter}={str(value)!r} is a date without a time, and whose midnight is meant is not said. "
        f"Write the instant: '{day}T00:00:00Z' for midnight UTC (in a template '{{{{ ds }}}}T00:00:00Z'). "
        "The end of a window is exclusive: for one whole day it is the next midnight."
    )


def _rendered_to_nothing(value: object, parameter: str) -> ClockifyWindowError:
    return ClockifyWindowError(
        f"{parameter} was given but is empty ({value!r}): most likely a template rendered to nothing, because this "
        "run does not have that value: usually an XCom or a param that is not there, or a data interval. Make the "
        "template give an instant, or leave out both start and end and let window= decide."
    )


# --- units --------------------------------------------------------------------------------------------------


def floor_to(instant: datetime, unit: Unit) -> datetime:
    """
    Return the start of the UTC unit that contains an instant; weeks start on Monday (ISO).

    :param instant: Aware datetime of any time zone.
    :param unit: ``hour``, ``day``, ``week`` or ``month``.
    :raises ClockifyWindowError: The instant is naive, or the unit unknown.
    """
    utc = to_utc(instant)
    if unit == "hour":
        return utc.replace(minute=0, second=0, microsecond=0)
    midnight = utc.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "day":
        return midnight
    if unit == "week":
        # Never before year 1: 0001-01-01 is a Monday.
        return midnight - timedelta(days=midnight.weekday())
    if unit == "month":
        return midnight.replace(day=1)
    raise _unknown_unit(unit, UNITS)


def next_unit(instant: datetime, unit: Unit) -> datetime:
    """
    Return the first start of a UTC unit strictly after an instant.

    :param instant: Aware datetime of any time zone.
    :param unit: ``hour``, ``day``, ``week`` or ``month``.
    :raises ClockifyWindowError: The instant is naive, the unit unknown, or the result after the year 9999.
    """
    start = floor_to(instant, unit)
    if unit == "month":
        # Day 1 plus 31 days is in the following month for every length of month.
        return _shift(start, timedelta(days=31), "the end of the month").replace(day=1)
    return _shift(start, _FIXED_LENGTH[unit], f"the end of the {unit}")


def is_unit_start(instant: datetime, unit: Unit) -> bool:
    """
    Tell whether an aware instant is exactly the start of a UTC unit.

    :raises ClockifyWindowError: The instant is naive, or the unit unknown.
    """
    return floor_to(instant, unit) == to_utc(instant)


def unit_starting_at(instant: datetime, unit: Unit) -> Window:
    """
    Return the UTC unit that starts exactly at an instant.

    :raises ClockifyWindowError: The instant is naive or no start of a unit, or the unit unknown.
    """
    if not is_unit_start(instant, unit):
        raise ClockifyWindowError(f"{_z(to_utc(instant))} is not the start of a UTC {unit}.")
    return Window(to_utc(instant), next_unit(instant, unit))


def last_complete_unit(point: datetime, unit: Unit) -> Window:
    """
    Return the last UTC unit that is over at a point in time; at midnight, that is the day that just ended.

    :param point: Aware datetime of any time zone.
    :param unit: ``hour``, ``day``, ``week`` or ``month``.
    :raises ClockifyWindowError: The point is naive, the unit unknown, or the result before the year 1.
    """
    end = floor_to(point, unit)
    return Window(floor_to(_shift(end, -_MICROSECOND, f"the {unit} before {_z(end)}"), unit), end)


def expand_to_units(window: Window, unit: Unit) -> Window:
    """
    Grow a window outward to the smallest one that is made of whole UTC units.

    A partitioned export needs this, because the file of a partition is always replaced as a whole: written
    from a window that covers only part of the unit, it would lose the rows of the rest.

    :raises ClockifyWindowError: The unit is unknown, or the result ends after the year 9999.
    """
    end = window.end if is_unit_start(window.end, unit) else next_unit(window.end, unit)
    return Window(floor_to(window.start, unit), end)


def is_exact_days(window: Window, n: int) -> bool:
    """
    Tell whether a window is exactly ``n`` whole UTC days, midnight to midnight.

    A weekly report takes nothing but 7, and counts calendar days: 168 hours from noon would touch eight.
    """
    return window.duration == n * _DAY and is_unit_start(window.start, "day")


# --- from a run to its window -------------------------------------------------------------------------------


def resolve_window(
    *,
    start: object = None,
    end: object = None,
    window: str = "data_interval",
    lookback: timedelta | str | None = None,
    times: RunTimes,
) -> Window:
    """
    Decide which window a run exports.

    Order: explicit ``start`` and ``end``; else, by ``window``, the data interval of the run or a whole UTC
    unit: the one that starts at the run's ``partition_date``, or, for a run without, the last complete one
    before the run's point in time (end of its data interval, else logical date, else ``run_after``). Nothing
    is guessed.

    The last complete unit tiles time for runs that come once per **UTC** unit. A cron in a time zone with DST
    whose local hour falls on both sides of midnight UTC (``0 0 * * *`` in London) has two runs in one UTC day
    in spring and none in another in autumn; one run cannot see that. Run such a DAG in UTC, or use its data
    interval.

    :param start: Explicit start: aware datetime or ISO 8601 string with offset; ``None`` if not given.
    :param end: Explicit end, exclusive; given if and only if ``start`` is.
    :param window: One of :data:`WINDOW_MODES`.
    :param lookback: How much further back the window starts, in every mode; see :func:`parse_lookback`.
    :param times: The points in time of the run.
    :return: The window, in UTC.
    :raises ClockifyWindowError: No window follows from this; the message shows what to change.
    """
    # Both are checked in any case: a wrong setting that today's run happens not to use is still wrong.
    if window not in WINDOW_MODES:
        raise ClockifyWindowError(f"window={window!r} is unknown. Use one of: {_quoted(WINDOW_MODES)}.")
    further_back = parse_lookback(lookback)

    resolved = _explicit_window(start, end)
    if resolved is None:
        if window == "data_interval":
            resolved = _data_interval_window(times)
        else:
            unit: Unit = window
            resolved = _unit_window(unit, times)
    if further_back:
        resolved = Window(_shift(resolved.start, -further_back, "start minus lookback"), resolved.end)
    return resolved


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


def duration_seconds(text: str) -> Decimal | None:
    """
    Read an ISO 8601 duration of weeks, days, hours, minutes and seconds.

    :param text: For example ``P7D`` or ``PT1H30M``. A minus stands before the whole, before single parts, or both:
        ``PT-1H-30M`` is what Java makes of an end before the start.
    :return: Seconds, to the last digit; ``None`` if it is no such duration. What one in years lasts would be a guess.
    """
    found = _DURATION.fullmatch(text) if len(text) <= _LONGEST_DURATION else None
    if found is None:
        return None
    sign, *parts = found.groups()
    total = sum(
        (
            Decimal(part.replace(",", ".")) * each
            for part, each in zip(parts, _SECONDS_OF_PARTS, strict=True)
            if part
        ),
        Decimal(0),
    )
    return -total if sign == "-" else total


def _explicit_window(start: object, end: object) -> Window | None:
    bounds = {"start": start, "end": end}
    # Before the check for "only one": an empty bound is a template problem, not a forgotten parameter.
    for parameter, value in bounds.items():
        if isinstance(value, str) and value.strip().lower() in _RENDERED_TO_NOTHING:
            raise _rendered_to_nothing(value, parameter)
    if start is None and end is None:
        return None
    if start is None or end is None:
        given, missing = ("end", "start") if start is None else ("start", "end")
        raise ClockifyWindowError(
            f"{given}={str(bounds[given])!r} was given without {missing}. Give both start and end, or leave "
            "out both and let window= decide."
        )
    return Window(parse_instant(start, "start"), parse_instant(end, "end"))


def _data_interval_window(times: RunTimes) -> Window:
    if times.data_interval_start is None or times.data_interval_end is None:
        raise _no_data_interval(
            f"this run has none (data_interval_start={_shown(times.data_interval_start)}, "
            f"data_interval_end={_shown(times.data_interval_end)}), as is usual for runs that were started "
            "by hand or by an asset, and for partitioned runs",
            times,
        )
    start = to_utc(times.data_interval_start, "data_interval_start")
    end = to_utc(times.data_interval_end, "data_interval_end")
    if start == end:
        raise _no_data_interval(
            "the data interval of this run has zero length (data_interval_start and data_interval_end are "
            f"both {_z(start)}): in Airflow 3 `@daily` and plain cron strings give a run a point in time, "
            "not an interval",
            times,
        )
    if end < start:
        raise _no_data_interval(
            f"the data interval of this run ends before it starts (data_interval_start={_z(start)}, "
            f"data_interval_end={_z(end)}); its timetable is broken",
            times,
        )
    return Window(start, end)


def _no_data_interval(why: str, times: RunTimes) -> ClockifyWindowError:
    timetable = (
        "give the DAG a timetable with data intervals, for example "
        'schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC")'
    )
    last_day = (
        'set window="day" (or "hour", "week", "month") on the task: the last complete UTC day before the run'
    )
    explicit = "set start= and end= on the task: ISO 8601 with offset or Z, templates are rendered"
    if times.data_interval_start is None:
        timetable += (
            " (if it has one, start this run again with a logical date: without it there is no interval)"
        )
    cures = (timetable, last_day, explicit)
    if times.partition_date is not None:
        why += f"; it is partitioned, with partition_date={_shown(times.partition_date)}"
        this_day = (
            'set window="day" (or "hour", "week", "month", as the partitions are) on the task: '
            "the UTC day that starts at partition_date"
        )
        cures = (this_day, timetable, explicit)
    numbered = "; ".join(f"({number}) {cure}" for number, cure in enumerate(cures, start=1))
    return ClockifyWindowError(
        f'window="data_interval" needs a data interval with a length, but {why}. Do one of: {numbered}.'
    )


def _unit_window(unit: Unit, times: RunTimes) -> Window:
    if times.partition_date is not None:
        partition_date = to_utc(times.partition_date, "partition_date")
        if not is_unit_start(partition_date, unit):
            cron = {"hour": "0 * * * *", "day": "0 0 * * *", "week": "0 0 * * 1", "month": "0 0 1 * *"}[unit]
            raise ClockifyWindowError(
                f"partition_date={_shown(times.partition_date)} is not the start of a UTC {unit}, which "
                f'window="{unit}" needs (the one before starts at {_z(floor_to(partition_date, unit))}): '
                "the partitions of this DAG are cut in another time zone or in other units. Do one of: (1) "
                f'cut them in UTC, for example schedule=CronPartitionTimetable("{cron}", timezone="UTC", '
                "run_offset=-1); (2) set the window= that fits the partitions; (3) set start= and end= on "
                "the task."
            )
        return unit_starting_at(partition_date, unit)
    point = _point_in_time(times)
    if point is not None:
        return last_complete_unit(point, unit)
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


# --- a run that comes before its unit is over ----------------------------------------------------------------


def early_run_warning(window: str, times: RunTimes, zone: tzinfo | None) -> str | None:
    """
    Say that a run exports an earlier unit than was probably meant, because it comes before the UTC unit is over.

    East of Greenwich a month, week or day begins before that of UTC: a ``@monthly`` run of 1 November in
    Europe/Berlin is 31 October 23:00 UTC, when the last complete UTC month is September. So the schedule's zone
    must explain it: its clock already shows the next unit. Of hours, only a part of one can do that (zones such
    as Asia/Kolkata). West of Greenwich units begin later, and the last complete one is the one that was meant.

    :param window: As of :func:`resolve_window`, and used: neither ``start`` nor ``end`` is given.
    :param times: The points in time of the run.
    :param zone: Time zone of the schedule; ``None`` if it is not known, and then nothing is said, since any
        instant is the start of a unit somewhere.
    :return: A warning for people with the cure, or ``None``.
    """
    point = _point_in_time(times)
    if window not in UNITS or times.partition_date is not None or point is None or zone is None:
        return None
    unit = window
    try:
        local = point.astimezone(zone)
        offset = local.utcoffset() or timedelta(0)
        ahead = offset % _FIXED_LENGTH["hour"] if unit == "hour" else offset
        began = floor_to(point, unit)
        if not timedelta(0) < offset <= _FARTHEST_EAST or floor_to(point + ahead, unit) == began:
            return None
        exported, cut = last_complete_unit(point, unit), unit_starting_at(began, unit)
        clock = last_complete_unit(local.replace(tzinfo=UTC), unit)
        meant = Window(clock.start - _offset_of(clock.start, zone), clock.end - _offset_of(clock.end, zone))
    except (OverflowError, ClockifyWindowError):
        return None  # At the edges of the calendar, which resolve_window() speaks of.
    return (
        f'window="{unit}" exports the UTC {unit} {exported}. The run is at {local.isoformat()} in {zone}, the time '
        f"zone of its schedule, where the {unit} {meant} is over and was probably meant; in UTC it is {_z(point)}, "
        f"and the {unit} {cut} is not over. {_EARLY_RUN_CURE}"
    )


_EARLY_RUN_CURE: Final = (
    'Units are cut in UTC. Do one of: (1) give the DAG a schedule in UTC, for example a timetable with timezone="UTC", '
    "or one that runs some hours later, when the unit is over in UTC, too; (2) set start= and end= on the task to the "
    'bounds that are meant; (3) use a timetable with data intervals and window="data_interval".'
)


def _offset_of(wall_clock: datetime, zone: tzinfo) -> timedelta:
    return wall_clock.replace(tzinfo=zone).utcoffset() or timedelta(0)


# --- cutting a window ---------------------------------------------------------------------------------------


def chunks(window: Window, *, max_days: int = 31, align: Unit | None = None) -> list[Window]:
    """
    Cut a window into as few pieces as possible that one report may cover each.

    The reports of a Free workspace refuse bounds that are more than 31 days (of 24 hours) apart.

    :param window: What to cut.
    :param max_days: Greatest length of a piece, in days of 24 hours.
    :param align: Cut only at the starts of this UTC unit; ``None``, ``"hour"`` and ``"day"`` all mean at UTC
        midnights.
    :return: Pieces in order of time that tile the window exactly; the first and the last may start and end
        anywhere.
    :raises ClockifyWindowError: ``max_days`` is no positive number of days, or shorter than the longest
        ``align`` unit.
    """
    unit: Unit = "day" if align is None or align == "hour" else align
    if unit not in UNITS:
        raise _unknown_unit(unit, UNITS)
    if isinstance(max_days, bool) or not isinstance(max_days, int) or not 1 <= max_days <= timedelta.max.days:
        raise ClockifyWindowError(f"max_days={max_days!r} must be a whole number of days, at least 1.")
    if max_days < _LONGEST_UNIT_DAYS[unit]:
        raise ClockifyWindowError(
            f'max_days={max_days} is too short for align="{unit}": a {unit} has up to '
            f'{_LONGEST_UNIT_DAYS[unit]} days. Raise max_days or use align="day".'
        )
    limit = timedelta(days=max_days)
    pieces = []
    start = window.start
    while window.end - start > limit:
        # The latest cut allowed. It always advances: no unit is longer than the limit.
        cut = floor_to(start + limit, unit)
        pieces.append(Window(start, cut))
        start = cut
    pieces.append(Window(start, window.end))
    return pieces


def partitions(window: Window, unit: PartitionUnit) -> list[Partition]:
    """
    List the partitions of a window that is made of whole UTC days or months.

    :param window: Whole units; see :func:`expand_to_units`.
    :param unit: ``day`` or ``month``.
    :return: Partitions in order of time that tile the window exactly.
    :raises ClockifyWindowError: The window cuts a unit in two, or the unit is unknown.
    """
    if unit not in PARTITION_UNITS:
        raise _unknown_unit(unit, PARTITION_UNITS)
    whole = expand_to_units(window, unit)
    if whole != window:
        raise ClockifyWindowError(
            f"The window {window} is not made of whole UTC {unit}s, so its first or last partition would be "
            f'replaced by a part of itself. Expand it first: expand_to_units(window, "{unit}") gives '
            f"{whole}."
        )
    result = []
    start = window.start
    while start < window.end:
        end = next_unit(start, unit)
        key = partition_of(start, unit)
        result.append(Partition(Window(start, end), key, f"{_PARTITION_DIRECTORY[unit]}={key}"))
        start = end
    return result


def partition_of(instant: datetime, unit: PartitionUnit) -> str:
    """
    Return the key of the UTC partition that contains an instant: ``YYYY-MM-DD`` or ``YYYY-MM``.

    :param instant: Aware datetime of any time zone.
    :param unit: ``day`` or ``month``.
    :raises ClockifyWindowError: The instant is naive, or the unit unknown.
    """
    # Called for every row: a slice of isoformat() is several times faster than strftime(), and pads the year.
    if unit not in _KEY_LENGTH:
        raise _unknown_unit(unit, PARTITION_UNITS)
    return to_utc(instant).isoformat()[: _KEY_LENGTH[unit]]


# --- small things -------------------------------------------------------------------------------------------


def _shift(instant: datetime, delta: timedelta, what: str) -> datetime:
    try:
        return instant + delta
    except OverflowError:
        raise ClockifyWindowError(
            f"{what} lies outside the years 1 to 9999 ({_z(instant)} shifted by {delta})."
        ) from None


def _floor_to_millisecond(instant: datetime) -> datetime:
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def _z(instant: datetime) -> str:
    timespec = "auto" if instant.microsecond % 1000 else "milliseconds" if instant.microsecond else "seconds"
    return instant.isoformat(timespec=timespec)[: -len("+00:00")] + "Z"


def _z_millis(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def _shown(instant: datetime | None) -> str:
    if instant is None:
        return "None"
    utc = _z(to_utc(instant))
    return f"{instant.isoformat()} ({utc})" if instant.utcoffset() else utc


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _unknown_unit(unit: object, allowed: tuple[str, ...]) -> ClockifyWindowError:
    return ClockifyWindowError(f"The unit {unit!r} is unknown. Use one of: {_quoted(allowed)}.")
