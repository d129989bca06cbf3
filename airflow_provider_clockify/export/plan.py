# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What an export will read and write: chunks and files (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyWindowError
from airflow_provider_clockify.service.report_kinds import check_whole_days
from airflow_provider_clockify.window import (
    PartitionUnit,
    Window,
    are_whole_days,
    calendar_days,
    chunks,
    day_start,
    expand_to_units,
    local_day,
    next_unit,
    partitions,
    to_utc,
    unit_containing,
    zone_name,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow_provider_clockify.window import RunTimes

WEEK_DAYS = 7
# A snapshot that is taken longer after the end of its run's time than this, and than that time is long, comes late.
LATE_SNAPSHOT = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Output:
    """
    One file of an export.

    :param window: Time that the file covers.
    :param key: Partition key (``2026-11-01``); empty for an export to one file.
    :param parts: Path below the target; none for the target itself.
    """

    window: Window
    key: str = ""
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What an export will read and write.

    :param window: Time that is read; with partitions grown to whole units. Its zone is that of the units.
    :param chunks: Windows of at most 31 days that tile it. A partition spans two of them only if it is longer itself: a
        month of 31 days in which clocks were set back.
    :param outputs: Files, in the order of time.
    :param partition_by: Unit of the partitions.
    """

    window: Window
    chunks: Sequence[Window]
    outputs: Sequence[Output]
    partition_by: PartitionUnit | None = None


def make_plan(window: Window, *, partition_by: PartitionUnit | None, file_name: str) -> Plan:
    """
    Plan an export.

    :param window: Time to export.
    :param partition_by: One file per day or month of the window's zone, or ``None`` for one file. Each partition is
        replaced as a whole, so the window grows to whole units: a part of a day must never replace the day.
    :param file_name: Name of the file in each partition folder.
    """
    if partition_by is None:
        return Plan(window, chunks(window), [Output(window)])
    whole = expand_to_units(window, partition_by)
    outputs = [
        Output(partition.window, partition.key, (partition.name, file_name))
        for partition in partitions(whole, partition_by)
    ]
    return Plan(whole, chunks(whole, align=partition_by), outputs, partition_by)


def make_summary_plan(window: Window, *, partition_by: PartitionUnit | None, file_name: str) -> Plan:
    """
    Plan the export of a report that sums up: one request per file, since sums cannot be put together from parts.

    :param window: Time to export.
    :param partition_by: As in :func:`make_plan`.
    :param file_name: Name of the file in each partition folder.
    """
    plan = make_plan(window, partition_by=partition_by, file_name=file_name)
    return Plan(plan.window, [output.window for output in plan.outputs], plan.outputs, partition_by)


def make_weekly_plan(window: Window, *, partition_by: PartitionUnit | None, file_name: str) -> Plan:
    """
    Plan the export of weekly reports: one request per seven days.

    :param window: Whole weeks, from any day of its zone on.
    :param partition_by: Must be ``None``: days and months are not made of weeks.
    :param file_name: Not needed; the weeks share one file.
    :raises ClockifyConfigError: partitions were asked for.
    :raises ClockifyWindowError: the window is not a number of whole weeks.
    """
    if partition_by is not None:
        raise ClockifyConfigError(
            f"partition_by={partition_by!r} does not fit the weekly report: days and months are not made of weeks. "
            "Leave it out, or export the detailed report."
        )
    zone = window.zone
    weeks, rest = divmod(calendar_days(window), WEEK_DAYS)
    if rest or not are_whole_days(window):
        raise ClockifyWindowError(
            f"The weekly report needs exactly seven days, or a multiple, from midnight {zone_name(zone)} on; "
            f'the window is {window} ({window.duration}). Use window="week", or start and end that are whole weeks '
            "apart."
        )
    first = local_day(window.start, zone)
    starts = [day_start(first + timedelta(days=WEEK_DAYS * week), zone) for week in range(weeks + 1)]
    return Plan(window, [Window(start, end, zone) for start, end in pairwise(starts)], [Output(window)])


def make_daily_plan(window: Window, *, partition_by: PartitionUnit | None, file_name: str) -> Plan:
    """
    Plan the export of a report whose rows are days: a part of a day would give a part of its sums.

    :param window: Whole days of its zone.
    :param partition_by: As in :func:`make_plan`.
    :param file_name: Name of the file in each partition folder.
    :raises ClockifyWindowError: the window begins or ends within a day.
    """
    plan = make_plan(window, partition_by=partition_by, file_name=file_name)
    check_whole_days(plan.window)
    return plan


def snapshot_moment(times: RunTimes) -> datetime | None:
    """
    Return the moment whose UTC day or month a snapshot belongs to.

    That is what the run is named after: its ``partition_date``, so that the snapshot lies beside the facts of the same
    partition; for a run without, the end of its data interval, since that is when it is taken; else its logical date,
    else the time from which on it may run.

    :param times: The points in time of the run.
    :return: In UTC; ``None`` for a run that has none.
    """
    found = (times.partition_date, times.data_interval_end, times.logical_date, times.run_after)
    return next((to_utc(each) for each in found if each is not None), None)


def snapshot_output(moment: datetime, unit: PartitionUnit, file_name: str) -> Output:
    """
    Return the file of a snapshot among those of other days or months.

    :param moment: What :func:`snapshot_moment` returned, or when the list is read.
    :param unit: ``day`` or ``month``, of UTC.
    :param file_name: Name of the file in the folder of its partition.
    """
    (partition,) = partitions(unit_containing(moment, unit), unit)
    return Output(partition.window, partition.key, (partition.name, file_name))


def late_snapshot_warning(times: RunTimes, unit: PartitionUnit | None, now: datetime) -> str | None:
    """
    Say that a snapshot does not show the time that its run is for, as in a backfill.

    :param times: The points in time of the run.
    :param unit: Unit of the partitions; the time of a partition of unknown length is taken for a month.
    :param now: When the list is read; aware.
    :return: A warning for people with the cure; ``None`` for a run whose time ended no longer ago than
        :data:`LATE_SNAPSHOT` or its own length, and for one that has no time.
    """
    length = timedelta(0)
    if times.partition_date is not None:
        end = next_unit(times.partition_date, unit or "month")
    elif times.data_interval_end is not None:
        end = to_utc(times.data_interval_end)
        if times.data_interval_start is not None:
            length = end - to_utc(times.data_interval_start)
    elif times.logical_date is not None:
        end = to_utc(times.logical_date)
    else:
        return None
    age = to_utc(now) - end
    if age <= max(LATE_SNAPSHOT, length):
        return None
    return (
        f"The run is for a time that ended at {end:%Y-%m-%dT%H:%M:%SZ}, {age.days} days ago, and the service only "
        "knows its lists as they are now: this snapshot shows the list as it is now and not as it was then. Take "
        "snapshots with catchup=False and leave their tasks out of backfills, or read snapshot_at and not the name of "
        "the folder."
    )
