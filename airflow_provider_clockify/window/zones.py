# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Time zones: their names, and where their days and hours begin (pure).

Clocks are set forward and back, also at midnight, and by half an hour in places; zones change their rules, and some
have left out a whole day. Nothing here knows a rule: it asks the zone for its offset, and for the instant at which
that changes.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.window.instants import MICROSECOND, within_calendar

HOUR: Final = timedelta(hours=1)
# Names that a machine's files may answer to and that the service cannot know.
_OF_THE_MACHINE: Final = ("Factory", "localtime", "posixrules")
_OTHER_CLOCKS: Final = ("posix/", "right/")


def parse_zone(value: object, parameter: str = "timezone") -> tzinfo:
    """
    Read the name of a time zone, as a DAG author or a template wrote it.

    :param value: IANA name such as ``Europe/Berlin``, or a time zone that has one (``zoneinfo``, ``pendulum``).
    :param parameter: What the value is called, for the error message.
    :return: The zone; :data:`datetime.UTC` for ``UTC``.
    :raises ClockifyConfigError: There is no such zone; the message names those that are spelt like it.
    """
    name = zone_name(value) if isinstance(value, tzinfo) else value
    if isinstance(name, str):
        name = name.strip()
        if name == "UTC":
            return UTC
        if name not in _OF_THE_MACHINE and not name.startswith(_OTHER_CLOCKS):
            from zoneinfo import ZoneInfo

            try:
                return ZoneInfo(name)
            except (ValueError, OSError, LookupError):
                pass
    raise ClockifyConfigError(
        f"{parameter} is {value!r}, which is not the name of a time zone. {_cure(name)} Names are those of the IANA "
        f'database, for example "Europe/Berlin"; the default is "UTC".'
    )


def _cure(name: object) -> str:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    text = str(name or "").strip()
    if text[:1] in ("+", "-") or text[:3].upper() in ("UTC", "GMT"):
        return (
            "Give the place instead of an offset, since an offset knows no summer time. A zone that is two hours ahead "
            'of UTC all year is "Etc/GMT-2": its sign is the other way round.'
        )
    by_text = {each.casefold(): each for each in sorted(available_timezones().difference(_OF_THE_MACHINE))}
    # "Berlin" and "berlin" are near no whole name, but are the end of one.
    ends = [each for each in by_text if text and each.endswith("/" + text.casefold().replace(" ", "_"))]
    near = ends or get_close_matches(text.casefold().replace(" ", "_"), by_text, n=3, cutoff=0.6)
    return (
        f"Did you mean {' or '.join(repr(by_text[each]) for each in near)}?"
        if near
        else "Check its spelling."
    )


def zone_name(zone: tzinfo) -> str:
    """
    Return the name of a zone: its IANA name where it has one.

    :param zone: Any time zone.
    """
    return "UTC" if zone is UTC else str(getattr(zone, "key", None) or zone)


def offset_at(instant: datetime, zone: tzinfo) -> timedelta:
    """
    Return how far clocks of a zone are ahead of UTC at an instant.

    :param instant: Aware datetime in UTC.
    :param zone: The zone.
    """
    return instant.astimezone(zone).utcoffset() or timedelta(0)


def wall_clock(instant: datetime, zone: tzinfo) -> datetime:
    """
    Return what clocks of a zone show at an instant, as a naive datetime whose ``fold`` tells repeated times apart.

    :param instant: Aware datetime in UTC.
    :param zone: The zone.
    """
    return instant.astimezone(zone).replace(tzinfo=None)


def instant_of(clock: datetime, zone: tzinfo) -> datetime:
    """
    Return the instant, in UTC, at which clocks of a zone show a time.

    :param clock: Naive. Of a time that exists twice the one that ``fold`` says; one that is skipped is moved
        forward by the gap.
    :param zone: The zone.
    """
    offset = clock.replace(tzinfo=zone).utcoffset() or timedelta(0)
    return (clock - offset).replace(tzinfo=UTC, fold=0)


@lru_cache(maxsize=4096)
def day_start(day: date, zone: tzinfo) -> datetime:
    """
    Return the first instant, in UTC, at which clocks of a zone show a day, or a later one where that is left out.

    It is midnight, the first one if there are two, unless clocks are set forward over it.

    :param day: The day.
    :param zone: The zone.
    :raises ClockifyWindowError: The instant is outside the years 1 to 9999.
    """
    midnight = datetime.combine(day, time())
    with within_calendar(f"The start of {day} in {zone_name(zone)}"):
        found = instant_of(midnight, zone)
        if zone is UTC or wall_clock(found, zone) == midnight:
            return found
        return _change(instant_of(midnight.replace(fold=1), zone), found, zone)


def hour_start(instant: datetime, zone: tzinfo) -> datetime:
    """
    Return the start of the hour that clocks of a zone show at an instant.

    Hours begin where clocks show a full hour or are set into another one; one that they show twice is two hours, one of
    which they repeat a part lasts that much longer.

    :param instant: Aware datetime in UTC.
    :param zone: The zone.
    """
    while True:
        start = instant - _into_hour(instant, zone)
        if offset_at(start, zone) != offset_at(instant, zone):
            start = _change(start, instant, zone)
        if _begins_hour(start, zone):
            return start
        instant = start - MICROSECOND


def hour_end(instant: datetime, zone: tzinfo) -> datetime:
    """
    Return the end of the hour that clocks of a zone show at an instant; see :func:`hour_start`.

    :param instant: Aware datetime in UTC.
    :param zone: The zone.
    """
    while True:
        end = instant + (HOUR - _into_hour(instant, zone))
        if offset_at(end - MICROSECOND, zone) != offset_at(instant, zone):
            end = _change(instant, end - MICROSECOND, zone)
        if _begins_hour(end, zone):
            return end
        instant = end


def _into_hour(instant: datetime, zone: tzinfo) -> timedelta:
    clock = wall_clock(instant, zone)
    return timedelta(minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond)


def _begins_hour(instant: datetime, zone: tzinfo) -> bool:
    into = _into_hour(instant, zone)
    if not into:
        return True
    before = instant - MICROSECOND
    return wall_clock(before, zone) - _into_hour(before, zone) != wall_clock(instant, zone) - into


def _change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """Return the first instant, later than one and not later than another, at which a zone has another offset."""
    offset = offset_at(before, zone)
    while after - before > MICROSECOND:
        middle = before + (after - before) // 2
        if offset_at(middle, zone) == offset:
            before = middle
        else:
            after = middle
    return after
