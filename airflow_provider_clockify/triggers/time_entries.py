# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Triggers that wait for tracked time and for its approval without a worker, and one that starts DAGs."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify._compat import (
    HAS_ASSET_STATE,
    HAS_EVENT_TRIGGERS,
    BaseEventTrigger,
    TriggerEvent,
)
from airflow_provider_clockify.connection import DEFAULT_CONN_ID
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.triggers._event_stream import LONGEST_LOOK, LOOK_ERRORS, Looker, Tick
from airflow_provider_clockify.triggers._waiting import WaitTrigger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Hashable, Mapping

    from airflow.triggers.shared_stream import SharedStreamProducer

    from airflow_provider_clockify.triggers._waiting import Answer
    from airflow_provider_clockify.types import Detect, TimeEntryEvent
    from airflow_provider_clockify.watching.event_cursor import Cursor

__all__ = ["ClockifyApprovalTrigger", "ClockifyTimeEntryEventTrigger", "ClockifyTimeEntryTrigger"]

# Who was away for long reads the time in between in pieces, so that each of them is kept.
PIECE = timedelta(days=1)
# The clock of the service may be ahead.
AHEAD = timedelta(hours=1)
KEEP_EVERY = timedelta(hours=1)
# Without a store: how long a window is left to settle, and how far back a start reaches.
SETTLE = timedelta(minutes=2)
REPLAY = timedelta(hours=1)


class ClockifyTimeEntryTrigger(WaitTrigger):
    """
    Wait until enough time entries exist.

    :param question: Fields of :class:`airflow_provider_clockify.watching.questions.Question`.
    :param clockify_conn_id: Connection of type ``clockify``.
    :param poll_interval: Seconds between two looks.
    :param first_look: Instant before which it does not look, ISO 8601; its sensor has just done so.
    :param silent_fail: Go on after any error but one that running the task again cannot cure.
    :param deadline: Instant at which the wait times out, ISO 8601, whatever is restarted; by default none.
    """

    kind = "time_entries"

    def look(self) -> Generator[Any, Any, Answer]:
        """Return one look at the question."""
        from airflow_provider_clockify.watching.questions import Question, look

        return look(Question(**self.question), datetime.now(UTC))


class ClockifyApprovalTrigger(WaitTrigger):
    """
    Wait until every timesheet of a period is approved.

    :param question: Fields of :class:`airflow_provider_clockify.watching.approvals.ApprovalQuestion`.
    :param clockify_conn_id: Connection of type ``clockify``.
    :param poll_interval: Seconds between two looks.
    :param first_look: Instant before which it does not look, ISO 8601; its sensor has just done so.
    :param silent_fail: Go on after any error but one that running the task again cannot cure.
    :param deadline: Instant at which the wait times out, ISO 8601, whatever is restarted; by default none.
    """

    kind = "approvals"

    def look(self) -> Generator[Any, Any, Answer]:
        """Return one look at the question."""
        from airflow_provider_clockify.watching.approvals import ApprovalQuestion, look_at_approvals

        return look_at_approvals(ApprovalQuestion(**self.question))


class ClockifyTimeEntryEventTrigger(BaseEventTrigger):
    """
    Start DAGs when time is tracked: the trigger of an ``AssetWatcher``, on Airflow 3.

    Each look that finds new entries makes one event, with the payload ``{"workspace_id", "count", "window_start",
    "window_end", "ids", "ids_cut"}``: up to 100 ids, the oldest first. Watchers of the same connection, workspace,
    ``detect`` and interval share their looks.

    On Airflow 3.3 and later, a cursor in the asset's state store makes sure that no entry is lost, whatever is killed,
    and that none comes twice, except when the triggerer dies within about two seconds after an event was stored: then
    that event comes again, equal in every byte. On 3.0 to 3.2, nothing can be remembered: each start of the triggerer
    repeats the events of the last hour, equal in every byte. See ``docs/events.md``.

    .. seealso:: :ref:`howto/trigger:ClockifyTimeEntryEventTrigger`

    :param clockify_conn_id: Connection of type ``clockify``.
    :param workspace_id: Workspace; by default the connection's, else the key's active one.
    :param detect: ``created``; ``changed`` (created, edited or deleted); or, from Airflow 3.3 on, ``started`` (an entry
        that started in the last 24 hours, as soon as the report shows it). Back-dated entries are found by the first
        two only. Running timers count.
    :param filters: By users, projects, tasks, tags, billable and description.
    :param poll_interval: Seconds between two looks; each costs requests of the workspace's budget.
    :param since: First instant that counts, ISO 8601 with offset or ``Z``; by default when the watcher first runs.
    :raises ClockifyConfigError: a parameter is wrong, or this is Airflow 2.
    """

    def __init__(
        self,
        clockify_conn_id: str = DEFAULT_CONN_ID,
        workspace_id: str | None = None,
        detect: Detect = "created",
        filters: Mapping[str, Any] | None = None,
        poll_interval: float = 300.0,
        since: datetime | str | None = None,
    ) -> None:
        from airflow_provider_clockify.rendered import is_nothing
        from airflow_provider_clockify.watching.event_rows import check_watch
        from airflow_provider_clockify.window import parse_instant

        if not HAS_EVENT_TRIGGERS:
            raise ClockifyConfigError(
                "Starting DAGs by events needs Airflow 3. On Airflow 2, let a DAG begin with ClockifyTimeEntrySensor."
            )
        super().__init__()  # type: ignore[no-untyped-call]
        self._filters = check_watch(detect, filters)
        if detect == "started" and not HAS_ASSET_STATE:
            raise ClockifyConfigError(
                'detect="started" must remember what was found, which needs Airflow 3.3. Use "created".'
            )
        if is_nothing(workspace_id):
            raise ClockifyConfigError(
                f"workspace_id is empty ({workspace_id!r}): give an id, or None for the workspace of the connection."
            )
        if isinstance(poll_interval, bool) or not poll_interval >= 1:
            raise ClockifyConfigError(f"poll_interval is {poll_interval!r}; it must be at least 1 second.")
        # The service's instants are whole seconds.
        self._since = None if since is None else parse_instant(since, "since").replace(microsecond=0)
        self.clockify_conn_id = clockify_conn_id
        self.workspace_id = workspace_id
        self.detect = detect
        # In the form in which they come back from the database, by which Airflow knows a watcher again.
        self.filters = None if filters is None else json.loads(json.dumps(filters))
        self.poll_interval = poll_interval
        self.since = None if self._since is None else self._since.isoformat()
        self._cursor: Cursor | None = None
        self._kept: Cursor | None = None
        self._sent: set[str] = set()
        self._writing = asyncio.Lock()

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class path and arguments: JSON values, and no secret among them."""
        return _path(type(self)), {
            "clockify_conn_id": self.clockify_conn_id,
            "workspace_id": self.workspace_id,
            "detect": self.detect,
            "filters": self.filters,
            "poll_interval": self.poll_interval,
            "since": self.since,
        }

    # --- Airflow 3.3 and later: one look for all, a store, and word of what was stored ---

    def shared_stream_key(self) -> Hashable:
        """Return what watchers share a look by."""
        return (
            _path(type(self)),
            self.clockify_conn_id,
            self.workspace_id,
            self.detect,
            float(self.poll_interval),
        )

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> SharedStreamProducer:
        """Make the clock of a group; only uses what :meth:`shared_stream_key` has."""
        from airflow_provider_clockify.triggers._event_producer import TickProducer

        look = Looker(kwargs["clockify_conn_id"], kwargs["workspace_id"], kwargs["detect"])
        return TickProducer(look, kwargs["poll_interval"])

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Tick]) -> AsyncIterator[TriggerEvent]:
        """Look at every tick; new entries are remembered as pending, then sent, then confirmed."""
        await self._load()
        async for tick in shared_stream:
            began = time.monotonic()
            if self._cursor is None and not await self._load():
                continue
            # At first: of a triggerer that died. Whether it is stored, there is no way to ask.
            for event in self._send(tick, self._unsent()):
                yield event
            while await self._look(tick):
                for event in self._send(tick, self._unsent()):
                    yield event
                if self._up_to_date(tick) or time.monotonic() - began > LONGEST_LOOK:
                    break

    def _send(self, tick: Tick, batches: tuple[TimeEntryEvent, ...]) -> list[TriggerEvent]:
        ends = {batch["window_end"] for batch in batches}
        self._sent |= ends
        if ends:
            tick.when_stored(lambda: self._confirm(ends))
        return [TriggerEvent(batch) for batch in batches]

    def _unsent(self) -> tuple[TimeEntryEvent, ...]:
        pending = self._cursor.pending if self._cursor else ()
        return tuple(batch for batch in pending if batch["window_end"] not in self._sent)

    def _up_to_date(self, tick: Tick) -> bool:
        return self._cursor is None or self._cursor.until >= tick.at

    async def _look(self, tick: Tick) -> bool:
        """Look from the cursor on; tell whether the cursor has moved."""
        from airflow_provider_clockify.watching.event_cursor import observe
        from airflow_provider_clockify.watching.event_rows import OVERLAP, sightings

        assert self._cursor is not None
        now = max(tick.at, self._cursor.until)
        behind = self._cursor.until + PIECE < now
        until = self._cursor.until + PIECE if behind else now
        # What the service dates ahead of this clock was created, but has not started.
        last = until if behind else tick.at + (timedelta(0) if self.detect == "started" else AHEAD)
        if self._cursor.floor >= last:
            return False  # Nothing counts yet.
        try:
            workspace_id, rows = await tick.entries(self._cursor.floor, last)
        except LOOK_ERRORS as error:
            self.log.warning("Looking again later. %s: %s", type(error).__name__, error)
            return False
        async with self._writing:
            before = self._cursor
            found = sightings(rows, self._filters)
            after = observe(before, found, until, OVERLAP[self.detect], workspace_id)
            is_new = len(after.pending) > len(before.pending)
            old = self._kept is None or after.until - self._kept.until > KEEP_EVERY
            # What is not remembered must not be sent: the event would come again, in another batch.
            if (is_new or old) and not await self._keep(after):
                return False
            self._cursor = after
        return True

    async def _load(self) -> bool:
        """Read the cursor, or fix the baseline in a new one; tell whether that worked."""
        from airflow_provider_clockify.watching.event_cursor import Cursor, begin, newest

        found = []
        try:
            for store in self._stores():
                stored = await store.aget(self._key())
                if stored is not None:
                    found.append(Cursor.from_json(stored))
        except Exception:  # The store's errors are of many kinds, and none may end the watch.
            self.log.exception("Cannot read the cursor; trying again at the next look.")
            return False
        cursor = newest(found) or begin(self._since or datetime.now(UTC).replace(microsecond=0))
        # Also gives a copy to assets that have joined since.
        if not await self._keep(cursor):
            return False
        self._cursor = cursor
        return True

    async def _confirm(self, ends: set[str]) -> None:
        """Take batches out of what is pending: Airflow has stored their events."""
        from airflow_provider_clockify.watching.event_cursor import confirm

        async with self._writing:
            assert self._cursor is not None
            self._cursor = confirm(self._cursor, ends)
            self._sent -= ends
            # If this fails, the next write says it; until then a restart sends the events again.
            await self._keep(self._cursor)

    async def _keep(self, cursor: Cursor) -> bool:
        """Write the cursor to the stores of all assets; tell whether one of them has it."""
        stores = self._stores()
        value = cursor.to_json()
        kept = not stores
        for store in stores:
            try:
                await store.aset(self._key(), value)
                kept = True
            except Exception:
                self.log.exception("Cannot keep the cursor in %r.", store)
        if kept:
            self._kept = cursor
        return kept

    def _stores(self) -> list[Any]:
        """
        Return the store of each watched asset.

        Assets that are watched with the same arguments share one trigger, and the accessor of all its assets refuses to
        be used as if it were one.
        """
        accessors = self.asset_state_store
        if accessors is None:
            return []
        by_asset = [
            store for place in ("_by_name", "_by_uri") for store in getattr(accessors, place, {}).values()
        ]
        return by_asset or [accessors]

    def _key(self) -> str:
        """Name the cursor: an asset may have several watchers, and a new interval is no new question."""
        question = [self.clockify_conn_id, self.workspace_id, self.detect, self._filters, self.since]
        digest = sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
        return f"clockify_time_entries_{digest[:16]}"

    # --- Airflow 3.0 to 3.2: nothing to remember in ---

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look at windows of fixed places, so that a repeated event is the same event."""
        from airflow_provider_clockify.triggers._polling import shared_polls
        from airflow_provider_clockify.watching.event_cursor import closed_windows, grid
        from airflow_provider_clockify.watching.event_rows import sightings

        look = Looker(self.clockify_conn_id, self.workspace_id, self.detect)
        width = timedelta(seconds=self.poll_interval)
        reach = datetime.now(UTC) - REPLAY
        start = grid(max(reach, self._since or reach), width)
        while True:
            end = grid(datetime.now(UTC) - SETTLE, width)
            pause = 0.0
            if end > start:
                tick = Tick(look)
                key = (self.shared_stream_key(), start, end)
                try:
                    workspace_id, rows = await shared_polls().ask(
                        key, self.poll_interval, partial(tick.entries, start, end)
                    )
                except LOOK_ERRORS as error:
                    self.log.warning("Looking again later. %s: %s", type(error).__name__, error)
                    pause = max(self.poll_interval, tick.pause)
                else:
                    found = [
                        sighting
                        for sighting in sightings(rows, self._filters)
                        if self._since is None or sighting.at >= self._since
                    ]
                    for batch in closed_windows(found, start, end, width, workspace_id):
                        yield TriggerEvent(batch)
                    start = end
            now = datetime.now(UTC)
            due = grid(now - SETTLE, width) + width + SETTLE
            await asyncio.sleep(max(pause, (due - now).total_seconds(), 0.1))


def _path(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
