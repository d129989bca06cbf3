# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Which days outside of a run's window are replaced with it: those that an audit finds, those that feeds name."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyConfigError,
    ClockifyError,
    ClockifyNotFoundError,
    ClockifyRateLimitError,
)
from airflow_provider_clockify.reading.sum_readers import FREE_LIMIT, summary_reader
from airflow_provider_clockify.service.change_feeds import SETTLED
from airflow_provider_clockify.service.report_kinds import amount_shown
from airflow_provider_clockify.tables.auditing import (
    Difference,
    audited_time,
    differences,
    service_days,
    touched,
)
from airflow_provider_clockify.tables.ledger import Sums, left_of, together
from airflow_provider_clockify.window import Window, chunks, floor_to, local_day, partitions, unit_containing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from airflow_provider_clockify.hooks.clockify import ClockifyHook
    from airflow_provider_clockify.reading.budget import Budget
    from airflow_provider_clockify.tables.statements import Shape
    from airflow_provider_clockify.transfers._reached import ReachedTable

log = logging.getLogger(__name__)

# The service sums up a year at a time.
YEAR = timedelta(days=366)
# Requests of the feeds, with the profile's time zone.
FEED_REQUESTS = 5


@dataclass(slots=True)
class OtherDays:
    """
    Days outside of the run's window.

    :param audited: Number of days that were compared.
    :param differing: Those that differ.
    :param touched: Those that feeds name.
    :param followed_until: Until when the feeds were read.
    :param warnings: What could not be asked.
    """

    audited: int = 0
    differing: list[Difference] = field(default_factory=list)
    touched: list[Difference] = field(default_factory=list)
    followed_until: datetime | None = None
    warnings: list[str] = field(default_factory=list)

    def windows(self, window: Window) -> tuple[list[Window], list[Window]]:
        """
        Return what is to be read besides the run's window: for the audit, and for the feeds; disjoint.

        :param window: Window of the run.
        """
        audit = [
            part
            for each in together([found.day for found in self.differing])
            for part in left_of(each, [window])
        ]
        changes = [
            part
            for each in together([found.day for found in self.touched])
            for part in left_of(each, [window, *audit])
        ]
        return audit, changes


@dataclass(frozen=True, slots=True)
class DayQuestions:
    """
    Asks the table and the service which days differ.

    :param hook: Hook of the connection.
    :param workspace_id: Workspace.
    :param table: The table.
    :param shape: What it holds.
    :param window: Window of the run.
    :param budget: Keeps the job within the hourly quota.
    """

    hook: ClockifyHook
    workspace_id: str
    table: ReachedTable
    shape: Shape
    window: Window
    budget: Budget

    def audit_requests(self, audit: timedelta) -> int:
        """Return how many requests an audit takes at least."""
        time = audited_time(self.window, audit)
        return 0 if time is None else len(self._pieces(time, is_free=self.budget.is_free))

    def audit(self, found: OtherDays, audit: timedelta, later: int) -> None:
        """
        Compare day by day (``generateSummaryReport``, one request per 366 days, 31 on a Free workspace).

        :param found: Gets the days that differ.
        :param audit: How far back from the end of the window.
        :param later: Requests that are needed after it.
        """
        time = audited_time(self.window, audit)
        if time is None:
            return
        days = [each.window for each in partitions(time, "day")]
        try:
            service = self._service(time, is_free=self.budget.is_free, later=later)
        except ClockifyNotFoundError:
            raise
        except ClockifyBadRequestError as error:
            if time.duration <= FREE_LIMIT:
                raise
            log.info("The service gives no sums of a year at once (%s); asking month by month.", error)
            service = self._service(time, is_free=True, later=later)
        with self.table.asking() as asked:
            table = asked.days(self.workspace_id, days)
        found.audited = len(days)
        found.differing = differences(days, table, service, with_money=self.shape.amount is not None)
        for each in found.differing:
            log.info("%s differs: %s.", local_day(each.day.start, each.day.zone), each.why)
        if self.shape.seconds is None or self.shape.amount is None:
            found.warnings.append(
                "The audit compares only what the table has: no time without duration_seconds, no money without amount "
                "and currency."
            )

    def follow(self, found: OtherDays) -> None:
        """
        Ask the three feeds which entries have changed since the last load, and on which days they are and were.

        :param found: Gets the days; a warning if the feeds fail.
        """
        until = (datetime.now(UTC) - SETTLED).replace(microsecond=0)
        with self.table.asking() as asked:
            since = asked.followed_until(self.workspace_id)
            first = asked.first_loaded(self.workspace_id)
        if since is None or first is None:
            log.info("The table has no load yet: there is nothing that changes could be followed from.")
            return
        since = since.replace(microsecond=0)
        if since >= until:
            found.followed_until = since
            return
        try:
            changes = self.hook.get_entity_changes("TIME_ENTRY", since, until)
            ids, starts = touched(changes)
        except (ClockifyRateLimitError, ClockifyConfigError):
            raise
        except ClockifyError as error:
            found.warnings.append(
                f"The change feeds could not be read ({error}), so that days which were touched since "
                f"{since.isoformat()} are not replaced by this load; the next one asks for them again. The window "
                "itself is complete."
            )
            return
        with self.table.asking() as asked:
            starts |= asked.places_of(self.workspace_id, ids)
        zone = self.window.zone
        begin = floor_to(first, "day", zone)
        days = {unit_containing(start, "day", zone) for start in starts if start >= begin}
        found.followed_until = until
        found.touched = [
            Difference(day, "entries were created, changed or deleted")
            for day in sorted(days, key=lambda each: each.start)
            if left_of(day, [self.window])
        ]
        log.info(
            "%d changes since %s touch %d days outside of the window.",
            len(changes),
            f"{since:%Y-%m-%d %H:%M:%SZ}",
            len(found.touched),
        )

    def _service(self, time: Window, *, is_free: bool, later: int) -> dict[date, Sums]:
        pieces = self._pieces(time, is_free=is_free)
        sums: dict[date, Sums] = {}
        for number, piece in enumerate(pieces):
            self.budget.begin(len(pieces) - number + later)
            sink = _Groups()
            with summary_reader(self.hook.client.send, self.workspace_id, {}, ("DATE",)) as reader:
                reader.read(piece, sink)
            sums |= service_days(sink.rows, amount_shown({}))
        return sums

    @staticmethod
    def _pieces(time: Window, *, is_free: bool) -> list[Window]:
        return chunks(time, max_days=(FREE_LIMIT if is_free else YEAR).days, align="day")


class _Groups:
    """Takes the groups of a summary."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []

    def write(self, ids: Sequence[str], rows: Sequence[bytes], starts: Sequence[datetime]) -> None:
        """Take groups."""
        self.rows += rows

    def restart(self) -> None:
        """Forget them."""
        self.rows = []
