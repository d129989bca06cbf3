# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What a table holds, as its ledger tells it: which time was read when, and what a load may still write (pure).

The ledger of a table has a row for every window that was loaded. At each instant the table holds what the newest read
of that instant found. So a load writes its window without the parts that a newer read has covered, and leaves out rows
whose id a newer read has found elsewhere; see :mod:`.replacing`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from airflow_provider_clockify.columns.tables import ColumnType, column
from airflow_provider_clockify.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

WORKSPACE, READ_AT, RUN_ID = "_workspace_id", "_read_at", "_run_id"

METADATA_COLUMNS = (
    column(WORKSPACE, ColumnType.TEXT, "Workspace that the row is of."),
    column(READ_AT, ColumnType.INSTANT, "When the load that wrote the row began to read, UTC."),
    column(RUN_ID, ColumnType.TEXT, "Run of Airflow that wrote the row."),
)

LEDGER_SUFFIX = "_loads"
LEDGER_COLUMNS = (
    column("load_id", ColumnType.TEXT, "Id of the load; one load may have several windows."),
    column(WORKSPACE, ColumnType.TEXT, "Workspace that was read."),
    column("scope", ColumnType.TEXT, "What else tells loads apart: the entity type of a feed; else empty."),
    column("window_start", ColumnType.INSTANT, "First instant that was read, UTC; empty for a list."),
    column("window_end", ColumnType.INSTANT, "First instant after it."),
    column("reason", ColumnType.TEXT, "Why it was read: window, audit, changes or list."),
    column("read_at", ColumnType.INSTANT, "When the read began, UTC."),
    column(RUN_ID, ColumnType.TEXT, "Run of Airflow."),
    column("rows", ColumnType.WHOLE, "Rows that were read and proven."),
    column("seconds", ColumnType.SECONDS, "Their duration in seconds."),
    column("amounts", ColumnType.JSON, "Their amounts per currency, in units of the currency."),
    column("requests", ColumnType.WHOLE, "Requests that the load has spent."),
    column("followed_until", ColumnType.INSTANT, "Until when the change feeds were followed, UTC."),
    column("loaded_at", ColumnType.INSTANT, "When the row was written, UTC."),
)


@dataclass(frozen=True, slots=True)
class Sums:
    """
    What is compared of rows.

    :param rows: Their number.
    :param seconds: Their duration.
    :param amounts: Their amounts per currency, in units of the currency; by ``""`` those without one.
    """

    rows: int = 0
    seconds: Decimal = Decimal(0)
    amounts: Mapping[str, Decimal] = field(default_factory=dict)

    def differs_from(self, other: Sums, *, step: Decimal = Decimal(0)) -> str | None:
        """
        Say what differs (pure).

        :param other: What is expected.
        :param step: How much a row's amount may differ through the rounding of a column.
        :return: ``None`` if nothing does.
        """
        found = []
        if self.rows != other.rows:
            found.append(f"{self.rows:,} rows instead of {other.rows:,}")
        if self.seconds != other.seconds:
            found.append(f"{self.seconds:f} seconds instead of {other.seconds:f}")
        nothing = Decimal(0)
        for currency in sorted({*self.amounts, *other.amounts}):
            own, wanted = self.amounts.get(currency, nothing), other.amounts.get(currency, nothing)
            if abs(own - wanted) > step * max(self.rows, other.rows):
                found.append(f"{own:f} {currency or 'without a currency'} instead of {wanted:f}")
        return ", ".join(found) or None


@dataclass(frozen=True, slots=True)
class Loaded:
    """
    A window of the ledger.

    :param window: Time that was read.
    :param read_at: When.
    """

    window: Window
    read_at: datetime


def newer_than(loads: Iterable[Loaded], read_at: datetime) -> list[Window]:
    """
    Return the windows of loads that were read later.

    :param loads: Rows of the ledger.
    :param read_at: When the load in question began to read; aware.
    """
    return [load.window for load in loads if load.read_at > read_at]


def left_of(window: Window, covered: Iterable[Window]) -> list[Window]:
    """
    Return what is left of a window without the parts that others cover, in the order of time.

    :param window: The window.
    :param covered: Half-open windows, in any order; they may overlap each other.
    """
    left = []
    begin = window.start
    for other in sorted(covered, key=lambda each: each.start):
        if other.start > begin and begin < window.end:
            left.append(Window(begin, min(other.start, window.end), window.zone))
        begin = max(begin, other.end)
    if begin < window.end:
        left.append(Window(begin, window.end, window.zone))
    return left


def together(windows: Sequence[Window]) -> list[Window]:
    """
    Join windows that touch or overlap, in the order of time.

    :param windows: Half-open windows, in any order.
    """
    joined: list[Window] = []
    for each in sorted(windows, key=lambda window: window.start):
        if joined and each.start <= joined[-1].end:
            joined[-1] = Window(joined[-1].start, max(joined[-1].end, each.end), each.zone)
        else:
            joined.append(each)
    return joined
