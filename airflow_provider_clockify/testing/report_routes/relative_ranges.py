# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Find the days that a relative range of a report is about."""

from __future__ import annotations

from datetime import date, timedelta

RANGE_TYPES = (
    "ABSOLUTE",
    "TODAY",
    "YESTERDAY",
    "THIS_WEEK",
    "LAST_WEEK",
    "PAST_TWO_WEEKS",
    "THIS_MONTH",
    "LAST_MONTH",
    "THIS_YEAR",
    "LAST_YEAR",
)
WEEK_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_DAY = timedelta(days=1)


def relative_range(kind: str, today: date, week_start: str) -> tuple[date, date]:
    """
    Return the first day of a range and the day after its last one.

    Units are whole, also where they are not over; PAST_TWO_WEEKS are the two weeks before this one. Nobody recorded
    either.

    :param kind: any of ``RANGE_TYPES`` but ABSOLUTE.
    :param today: in the zone of the report.
    :param week_start: the day on which weeks begin.
    """
    monday = today - _DAY * ((today.weekday() - WEEK_DAYS.index(week_start)) % 7)
    month = today.replace(day=1)
    next_month = (month + 31 * _DAY).replace(day=1)
    year = today.replace(month=1, day=1)
    match kind:
        case "TODAY":
            return today, today + _DAY
        case "YESTERDAY":
            return today - _DAY, today
        case "THIS_WEEK":
            return monday, monday + 7 * _DAY
        case "LAST_WEEK":
            return monday - 7 * _DAY, monday
        case "PAST_TWO_WEEKS":
            return monday - 14 * _DAY, monday
        case "THIS_MONTH":
            return month, next_month
        case "LAST_MONTH":
            return (month - _DAY).replace(day=1), month
        case "THIS_YEAR":
            return year, year.replace(year=year.year + 1)
        case "LAST_YEAR":
            return year.replace(year=year.year - 1), year
    raise ValueError(f"unknown range {kind!r}")


def midnight_ms(day: date) -> int:
    """Return the beginning of a day as wall-clock milliseconds since 1970-01-01T00:00:00."""
    return (day - date(1970, 1, 1)) // timedelta(milliseconds=1)
