# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""A half-open interval of time, and how reports are asked for it (pure)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from airflow_provider_clockify.exceptions import ClockifyWindowError
from airflow_provider_clockify.window.instants import MICROSECOND, to_utc, z
from airflow_provider_clockify.window.zones import wall_clock, zone_name


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """
    A half-open interval ``[start, end)`` of time.

    :param start: First instant inside; any aware datetime, kept as UTC.
    :param end: First instant after; any aware datetime, kept as UTC.
    :param zone: Time zone in which units of the window are cut, and in which the service is asked to group days.
        Windows of the same time are equal, whatever their zone.
    :raises ClockifyWindowError: A bound is naive or no datetime, or ``end`` is not after ``start``.
    """

    start: datetime
    end: datetime
    zone: tzinfo = field(default=UTC, compare=False, repr=False)

    def __post_init__(self) -> None:
        start, end = to_utc(self.start, "start"), to_utc(self.end, "end")
        # Compared only once both are UTC: two datetimes that share a time zone compare by wall clock, which
        # is wrong in the hour that a DST change repeats.
        if end <= start:
            raise ClockifyWindowError(
                f"A time window must end after it starts, but start={z(start)} and end={z(end)}. The "
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
        return z(self.start)

    @property
    def end_iso(self) -> str:
        """``YYYY-MM-DDTHH:MM:SSZ``, with a fraction only where it is not zero."""
        return z(self.end)

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
        last = _floor_to_millisecond(self.end - MICROSECOND)
        return _millis(first), _millis(last)

    def local_bounds(self) -> tuple[str, str]:
        """
        Return ``dateRangeStart`` and ``dateRangeEnd`` of a report that is asked in the window's zone.

        As :meth:`report_bounds`, to be sent together with ``timeZone``: the wall clock of the zone, although a ``Z``
        follows, which the service does not mind (observed 2026-08-08). Of a time that clocks show twice the service can
        only be asked for one, the earlier as Java reads it: so the bound of a window that :attr:`ends_in_repetition` is
        its end itself.

        :raises ClockifyWindowError: A bound is a time that clocks of the zone show for the second time.
        """
        first = wall_clock(_floor_to_millisecond(self.start), self.zone)
        last = wall_clock(_floor_to_millisecond(self.end - MICROSECOND), self.zone)
        if last.fold:
            last = wall_clock(self.end, self.zone)
        for bound in (first, last):
            if bound.fold:
                raise ClockifyWindowError(
                    f"The window {self} begins or ends at {bound.isoformat(' ', 'seconds')} in {zone_name(self.zone)}, "
                    "where clocks are set back and show this time twice: the service cannot be asked for the second "
                    'one. Let the window begin and end with whole days, or use timezone="UTC".'
                )
        return _millis(first), _millis(last)

    @property
    def ends_in_repetition(self) -> bool:
        """Whether the last millisecond is a time that clocks of the zone show for the second time."""
        return bool(wall_clock(self.end - MICROSECOND, self.zone).fold)

    @property
    def is_in_repetition(self) -> bool:
        """Whether the start or the last millisecond is a time that clocks of the zone show for the second time."""
        return self.ends_in_repetition or bool(wall_clock(self.start, self.zone).fold)

    def in_utc(self) -> Window:
        """Return the same time, with units of UTC."""
        return Window(self.start, self.end)

    def is_complete_at(self, instant: datetime) -> bool:
        """
        Tell whether the window lies wholly before an aware instant, so that no time can start in it any more.

        :raises ClockifyWindowError: The instant is naive or no datetime.
        """
        return self.end <= to_utc(instant, "instant")


def _floor_to_millisecond(instant: datetime) -> datetime:
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def _millis(instant: datetime) -> str:
    return f"{instant.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
