# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Convert between instants (epoch seconds, UTC) and the ways in which Clockify writes time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zlib import crc32
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DURATION = re.compile(r"PT(?=.)(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?\d+)S)?", re.ASCII)
_LOCAL_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)


def epoch_seconds(moment: datetime | None) -> int:
    """
    Return the whole seconds since 1970-01-01T00:00:00Z of an aware moment, or of now when it is None.

    Clockify stores and shows whole seconds, so fractions are cut.
    """
    if moment is None:
        moment = datetime.now(UTC)
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(f"{moment!r} has no time zone; pass an aware datetime")
    return (moment - _EPOCH) // timedelta(seconds=1)


def from_epoch(seconds: int) -> datetime:
    """Return the aware UTC datetime of an instant given in epoch seconds."""
    return datetime.fromtimestamp(seconds, UTC)


@lru_cache(maxsize=8192)
def _utc_day(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).strftime("%Y-%m-%d")


@lru_cache(maxsize=86_400)
def _utc_time(second_of_day: int) -> str:
    minute, second = divmod(second_of_day, 60)
    return f"T{minute // 60:02d}:{minute % 60:02d}:{second:02d}Z"


def format_utc(seconds: int) -> str:
    """Write an instant (epoch seconds) as ``yyyy-MM-ddTHH:mm:ssZ``, as the core service does."""
    # Cached halves: this runs twice per row of every report.
    return _utc_day(seconds // 86_400) + _utc_time(seconds % 86_400)


def format_nanoseconds(seconds: int, record_id: str) -> str:
    """
    Write an instant (epoch seconds) with a fraction of nine digits, as times of time-off requests have (2024-05).

    :param record_id: what the fraction is made of: no recording says more about it than that it is there.
    """
    return f"{format_utc(seconds)[:-1]}.{crc32(record_id.encode()) % 1_000_000_000:09d}Z"


def format_zoned(seconds: int, zone: tzinfo) -> str:
    """
    Write an instant (epoch seconds) with the offset that the zone has at that instant.

    A zero offset is written as ``Z``, every other one as ``+hh:mm`` (observed 2026-08-08 on the reports
    service).
    """
    text = datetime.fromtimestamp(seconds, zone).isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def format_duration(seconds: int) -> str:
    """
    Write seconds as the ISO 8601 duration of the core service: ``PT1H30M``, ``PT45S``, ``PT0S``.

    Less than nothing has a minus before each part (Clockify help centre, 2025-06-27): ``PT-1H-30M``.
    """
    minus = "-" if seconds < 0 else ""
    hours, rest = divmod(abs(seconds), 3_600)
    minutes, rest = divmod(rest, 60)
    parts = [
        f"{minus}{amount}{unit}" for amount, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if amount
    ]
    return "PT" + ("".join(parts) or "0S")


def parse_duration(text: str) -> int:
    """
    Read an ISO 8601 duration of hours, minutes and seconds as seconds.

    :raises ValueError: when it is anything else.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"Text '{text}' cannot be parsed to a Duration")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3_600 + minutes * 60 + seconds


def parse_instant(text: str) -> int:
    """
    Read a core timestamp as epoch seconds; an offset is honoured, ``Z`` or none mean UTC.

    :raises ValueError: when the text is not ``yyyy-MM-ddTHH:mm:ss`` with an optional fraction and offset.
    """
    wall_ms, offset = _split_local_time(text)
    return wall_ms // 1000 - offset


def parse_wall_clock(text: str) -> int:
    """
    Read a report bound as wall-clock milliseconds since 1970-01-01T00:00:00; ``Z`` and offsets do not count.

    :raises ValueError: when the text is not ``yyyy-MM-ddTHH:mm:ss`` with an optional fraction and offset.
    """
    return _split_local_time(text)[0]


def _split_local_time(text: str) -> tuple[int, int]:
    match = _LOCAL_TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"Text '{text}' could not be parsed")
    written, fraction, offset = match.groups()
    wall = (datetime.fromisoformat(written).replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
    wall += int((fraction or "0")[:3].ljust(3, "0"))
    if offset in (None, "Z"):
        return wall, 0
    digits = offset[1:].replace(":", "")
    seconds = int(digits[:2]) * 3_600 + int(digits[2:]) * 60
    return wall, seconds if offset[0] == "+" else -seconds


def wall_clock_in_zone(wall_ms: int, zone: tzinfo) -> int:
    """
    Return the instant (epoch milliseconds) at which clocks of the zone show the given wall clock.

    A time that exists twice means the earlier instant, one that is skipped is moved forward by the gap.
    """
    seconds, fraction = divmod(wall_ms, 1000)
    local = (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=zone)
    offset = local.utcoffset()
    if offset is None:
        raise ValueError(f"{zone!r} has no offsets")
    return (seconds - offset // timedelta(seconds=1)) * 1000 + fraction


@lru_cache(maxsize=1024)
def load_zone(name: str) -> tzinfo:
    """
    Return the zone with an IANA name.

    :raises ValueError: when the name is unknown.
    """
    if name in ("UTC", "Z"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"Unknown time-zone ID: {name}") from error


def iso_day(instant: int) -> str:
    """Return the UTC day of an instant as ISO date."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d")
