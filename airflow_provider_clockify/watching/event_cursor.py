# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What a watcher of time entries remembers from look to look and across restarts: a state machine without I/O.

A watcher must survive being killed between any two steps. So a batch of new entries becomes part of what is remembered
*before* its event leaves (:func:`observe`; the batch is then pending), and is taken out of it only *after* the event is
known to be stored (:func:`confirm`). Who starts again sends what is still pending again, word for word:

===================================  ==================================================
killed …                             then
===================================  ==================================================
before the batch is remembered       the next look finds its entries again: no event yet
before the event is stored           the event is sent again: stored once
after it, before the confirmation    the event is sent again: stored twice, equal
after the confirmation               nothing
===================================  ==================================================

The feeds are slow and list what happened in the same second in several answers. So looks overlap, and what was found is
remembered for as long as a look may find it again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.service.values import utc_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from airflow_provider_clockify.types import TimeEntryEvent

VERSION = 1
MAX_IDS = 100
# With more than this in one overlap, the oldest are forgotten and the looks overlap less. Keeps what is remembered
# below the 64 KB that Airflow's stores take without a warning.
MAX_SEEN = 3000
# The clock of the service may be ahead, but one absurd timestamp must not stop a watcher.
MAX_AHEAD = timedelta(minutes=10)
SECOND = timedelta(seconds=1)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGEST = 12  # Characters: 48 bits.


@dataclass(frozen=True, slots=True)
class Sighting:
    """
    An entry that a look found.

    :param id: Its id.
    :param at: When it was started, created or changed, whichever is watched.
    :param key: What makes it new: the id, with changes the instant as well.
    """

    id: str
    at: datetime
    key: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """
    What a watcher remembers.

    :param until: End of the last look.
    :param floor: First instant of the next look.
    :param seen: What was found at or after the floor: digest of the key, and milliseconds since 1970.
    :param pending: Batches whose events are not known to be stored, oldest first.
    :param revision: Grows with every change, so that the newest of several copies is known.
    """

    until: datetime
    floor: datetime
    seen: Mapping[str, int] = field(default_factory=dict)
    pending: tuple[TimeEntryEvent, ...] = ()
    revision: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the cursor as JSON values; :meth:`from_json` reads them."""
        by_instant: defaultdict[str, list[str]] = defaultdict(list)
        for digest, at in self.seen.items():
            by_instant[str(at)].append(digest)
        return {
            "version": VERSION,
            "revision": self.revision,
            "until": utc_text(self.until),
            "floor": utc_text(self.floor),
            "seen": {at: "".join(digests) for at, digests in by_instant.items()},
            "pending": list(self.pending),
        }

    @classmethod
    def from_json(cls, values: Any) -> Cursor:
        """
        Read what :meth:`to_json` gave.

        :raises ClockifyResponseError: it is something else; what was found already is never guessed.
        """
        try:
            if values["version"] != VERSION:
                raise ValueError(f"version {values['version']}")
            seen = {
                text[place : place + _DIGEST]: int(at)
                for at, text in values["seen"].items()
                for place in range(0, len(text), _DIGEST)
            }
            return cls(
                until=datetime.fromisoformat(values["until"]),
                floor=datetime.fromisoformat(values["floor"]),
                seen=seen,
                pending=tuple(cast("TimeEntryEvent", dict(batch)) for batch in values["pending"]),
                revision=int(values["revision"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ClockifyResponseError(
                f"What is stored as the cursor of a watcher cannot be read ({type(error).__name__}: {error}). Another "
                "version of this package may have written it; delete it to begin anew."
            ) from error


def begin(baseline: datetime) -> Cursor:
    """
    Return the cursor of a watcher that has never looked.

    :param baseline: First instant that counts.
    """
    return Cursor(until=baseline, floor=baseline)


def newest(cursors: Iterable[Cursor]) -> Cursor | None:
    """Return the newest of several copies; a crash between two writes leaves different ones."""
    return max(cursors, key=lambda cursor: cursor.revision, default=None)


def observe(
    cursor: Cursor, found: Sequence[Sighting], until: datetime, overlap: timedelta, workspace_id: str
) -> Cursor:
    """
    Take in what a look found; new entries become a pending batch.

    :param cursor: Before the look.
    :param found: Everything found from the cursor's floor on.
    :param until: End of the look: when it was asked.
    :param overlap: How far the next look reaches back behind this one's end.
    :param workspace_id: Workspace, for the event.
    """
    new: dict[str, Sighting] = {}
    for sighting in found:
        if sighting.at >= cursor.floor and _digest(sighting) not in cursor.seen:
            known = new.setdefault(sighting.key, sighting)
            if sighting.at > known.at:
                new[sighting.key] = sighting
    ordered = sorted(new.values(), key=lambda sighting: (sighting.at, sighting.id))
    end = max(_ceil(until), cursor.until)
    pending = cursor.pending
    if ordered:
        # The window holds all of the batch, and no two batches of a watcher end at the same instant.
        end = max(
            end, cursor.until + SECOND, min(_ceil(ordered[-1].at + _MILLISECOND), _ceil(until) + MAX_AHEAD)
        )
        pending = (*pending, make_batch(ordered, min(cursor.until, ordered[0].at), end, workspace_id))
    floor = max(cursor.floor, end - overlap)
    seen = dict(cursor.seen)
    seen.update((_digest(sighting), _milliseconds(sighting.at)) for sighting in ordered)
    seen, floor = _forget(seen, floor)
    return replace(cursor, until=end, floor=floor, seen=seen, pending=pending, revision=cursor.revision + 1)


def confirm(cursor: Cursor, stored: Collection[str]) -> Cursor:
    """
    Take out batches whose events are stored.

    :param cursor: Cursor of now, which may have seen further looks.
    :param stored: ``window_end`` of each of them.
    """
    left = tuple(batch for batch in cursor.pending if batch["window_end"] not in stored)
    return replace(cursor, pending=left, revision=cursor.revision + 1)


def make_batch(
    entries: Sequence[Sighting], start: datetime, end: datetime, workspace_id: str
) -> TimeEntryEvent:
    """
    Build the payload of an event: JSON values, the same whenever it is sent.

    :param entries: Entries, oldest first.
    :param start: First instant of the window.
    :param end: First instant after it.
    :param workspace_id: Workspace.
    """
    ids = list(dict.fromkeys(sighting.id for sighting in entries))
    return {
        "workspace_id": workspace_id,
        "count": len(ids),
        "window_start": utc_text(start),
        "window_end": utc_text(end),
        "ids": ids[:MAX_IDS],
        "ids_cut": len(ids) > MAX_IDS,
    }


def closed_windows(
    found: Sequence[Sighting], start: datetime, end: datetime, width: timedelta, workspace_id: str
) -> list[TimeEntryEvent]:
    """
    Cut a time that is over into windows of fixed places: the batches for who can remember nothing.

    Whoever looks at a window again, builds the same batch again.

    :param found: Everything found in the time.
    :param start: First instant, one of :func:`grid`.
    :param end: First instant after it, one of :func:`grid`.
    :param width: Length of the windows.
    :param workspace_id: Workspace, for the events.
    """
    windows: defaultdict[datetime, dict[str, Sighting]] = defaultdict(dict)
    for sighting in found:
        if start <= sighting.at < end:
            windows[grid(sighting.at, width)].setdefault(sighting.key, sighting)
    return [
        make_batch(
            sorted(entries.values(), key=lambda sighting: (sighting.at, sighting.id)),
            first,
            first + width,
            workspace_id,
        )
        for first, entries in sorted(windows.items())
    ]


def grid(moment: datetime, width: timedelta) -> datetime:
    """Return the start of the fixed window that holds an instant."""
    return _EPOCH + (moment - _EPOCH) // width * width


def _forget(seen: Mapping[str, int], floor: datetime) -> tuple[dict[str, int], datetime]:
    """Drop what no look will find again; of too many, the oldest, and never look back at their instants."""
    first = _milliseconds(floor)
    kept = {digest: at for digest, at in seen.items() if at >= first}
    if len(kept) > MAX_SEEN:
        cut = sorted(kept.values(), reverse=True)[MAX_SEEN]
        floor = max(floor, _EPOCH + (cut + 1) * _MILLISECOND)
        kept = {digest: at for digest, at in kept.items() if at > cut}
    return kept, floor


def _digest(sighting: Sighting) -> str:
    return blake2b(sighting.key.encode(), digest_size=_DIGEST // 2).hexdigest()


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND


def _ceil(moment: datetime) -> datetime:
    """Round up to a whole second."""
    return grid(moment + SECOND - timedelta(microseconds=1), SECOND)
