# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Time windows: from the times of a run to the exact half-open interval to export, its chunks and partitions.

Everything here is pure: no Airflow, no clock, no I/O. Every instant that comes out is a plain
:class:`datetime.datetime` in UTC, every interval is half-open ``[start, end)``. Units (hour, day, ISO week, month) are
those of one time zone, UTC by default. They begin at their first instant and tile time, whatever the time zone of the
DAG, of the machine or of the key's owner.
"""

from __future__ import annotations

from airflow_provider_clockify.types import PartitionUnit, Unit
from airflow_provider_clockify.window.cutting import Partition, chunks, partitions
from airflow_provider_clockify.window.instants import duration_seconds, parse_instant, to_utc
from airflow_provider_clockify.window.interval import Window
from airflow_provider_clockify.window.run_windows import (
    WINDOW_MODES,
    RunTimes,
    early_run_warning,
    parse_lookback,
    resolve_window,
)
from airflow_provider_clockify.window.units import (
    PARTITION_UNITS,
    UNITS,
    are_whole_days,
    calendar_days,
    expand_to_units,
    floor_to,
    in_zone,
    is_exact_days,
    is_unit_start,
    last_complete_unit,
    local_day,
    next_unit,
    partition_of,
    unit_containing,
    unit_starting_at,
)
from airflow_provider_clockify.window.zones import day_start, parse_zone, zone_name

__all__ = [
    "PARTITION_UNITS",
    "UNITS",
    "WINDOW_MODES",
    "Partition",
    "PartitionUnit",
    "RunTimes",
    "Unit",
    "Window",
    "are_whole_days",
    "calendar_days",
    "chunks",
    "day_start",
    "duration_seconds",
    "early_run_warning",
    "expand_to_units",
    "floor_to",
    "in_zone",
    "is_exact_days",
    "is_unit_start",
    "last_complete_unit",
    "local_day",
    "next_unit",
    "parse_instant",
    "parse_lookback",
    "parse_zone",
    "partition_of",
    "partitions",
    "resolve_window",
    "to_utc",
    "unit_containing",
    "unit_starting_at",
    "zone_name",
]
