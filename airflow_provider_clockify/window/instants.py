# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Points in time and lengths of time: how they are read and written (pure)."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from airflow_provider_clockify.exceptions import ClockifyWindowError

if TYPE_CHECKING:
    from collections.abc import Iterator

MICROSECOND: Final = timedelta(microseconds=1)
DAY: Final = timedelta(days=1)

_NUMBER: Final = r"[+-]?\d{1,9}(?:[.,]\d{1,12})?"
_DURATION: Final = re.compile(
    rf"(?P<sign>[+-]?)P(?!$)(?:({_NUMBER})W)?(?:({_NUMBER})D)?(?:T(?!$)(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?",
    re.ASCII,
)
_SECONDS_OF_PARTS: Final = (604_800, 86_400, 3_600, 60, 1)
_LONGEST_DURATION: Final = 80

# What Jinja leaves behind when the templated value does not exist for this run.
RENDERED_TO_NOTHING: Final = frozenset({"", "none", "null"})


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
    try:
        return wall_clock - offset
    except OverflowError:
        raise beyond_calendar(f"{parameter}={instant.isoformat()}") from None


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
    if text.lower() in RENDERED_TO_NOTHING:
        raise rendered_to_nothing(value, parameter)
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


def rendered_to_nothing(value: object, parameter: str) -> ClockifyWindowError:
    """Return the error for a bound whose template gave no value."""
    return ClockifyWindowError(
        f"{parameter} was given but is empty ({value!r}): most likely a template rendered to nothing, because this "
        "run does not have that value: usually an XCom or a param that is not there, or a data interval. Make the "
        "template give an instant, or leave out both start and end and let window= decide."
    )


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


@contextmanager
def within_calendar(what: str) -> Iterator[None]:
    """
    Refuse instants that Python's calendar does not hold.

    :param what: What is computed, for the message.
    :raises ClockifyWindowError: it lies outside the years 1 to 9999.
    """
    try:
        yield
    except OverflowError:
        raise beyond_calendar(what) from None


def beyond_calendar(what: str) -> ClockifyWindowError:
    """Return the error for instants that Python's calendar does not hold."""
    return ClockifyWindowError(f"{what} lies outside the years 1 to 9999.")


def z(instant: datetime) -> str:
    """Return an instant in UTC as ``YYYY-MM-DDTHH:MM:SSZ``, with a fraction only where it is not zero."""
    timespec = "auto" if instant.microsecond % 1000 else "milliseconds" if instant.microsecond else "seconds"
    return instant.isoformat(timespec=timespec)[: -len("+00:00")] + "Z"


def shown_instant(instant: datetime | None) -> str:
    """Return an aware instant for a message, with its own offset and in UTC."""
    if instant is None:
        return "None"
    utc = z(to_utc(instant))
    return f"{instant.isoformat()} ({utc})" if instant.utcoffset() else utc
