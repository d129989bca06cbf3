# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What an Iceberg table knows of its loads (pure).

A catalog commits one table at a time, so that a ledger beside the table could contradict it. Each workspace has a
property of the table instead, written by the commit that writes the rows: which time was read when, joined and cut so
that it stays small. Each snapshot says in its own properties what its load has read and proven; these go when the
snapshot is expired, the property stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyIncompleteError
from airflow_provider_clockify.tables.ledger import Loaded, left_of, newer_than
from airflow_provider_clockify.window import Window
from airflow_provider_clockify.window.instants import z

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from airflow_provider_clockify.tables.ledger import Sums

PREFIX = "clockify."
LOAD_ID = f"{PREFIX}load-id"
# Reads that are so much older than the newest one are forgotten, and no such load is written any more.
KEPT = timedelta(days=30)
# Windows besides the run's that a snapshot names one by one.
MAX_WINDOWS = 100


class _Read(msgspec.Struct):
    """A read as it is kept; a list has no window."""

    read_at: str
    start: str | None = None
    end: str | None = None


class _Kept(msgspec.Struct, omit_defaults=True):
    """The property as it is kept."""

    snapshot: int
    reads: list[_Read]
    first: str | None = None
    followed_until: str | None = None


@dataclass(frozen=True, slots=True)
class IcebergLedger:
    """
    What a table knows of the loads of a workspace.

    :param reads: The newest read of each time that was read in the last :data:`KEPT`; disjoint.
    :param list_read: When the newest list was read.
    :param first: First instant that was ever read.
    :param followed_until: Until when the change feeds were followed.
    """

    reads: tuple[Loaded, ...] = ()
    list_read: datetime | None = None
    first: datetime | None = None
    followed_until: datetime | None = None

    @property
    def newest(self) -> datetime | None:
        """When the newest read began."""
        moments = [each.read_at for each in self.reads]
        return max([*moments, *([self.list_read] if self.list_read else [])], default=None)

    def left(self, window: Window | None, read_at: datetime) -> list[Window] | None:
        """
        Return what no newer read has covered.

        :param window: What was read; ``None`` for a list.
        :param read_at: When; aware.
        :return: Windows; of a list ``None`` for all of it, and nothing if a newer one was loaded.
        :raises ClockifyIncompleteError: the read is so old that newer ones may be forgotten.
        """
        if self.newest is not None and read_at < self.newest - KEPT:
            raise ClockifyIncompleteError(
                f"What this load has read at {z(read_at)} is more than {KEPT.days} days older than what the table "
                "holds. Clear the task, so that it reads again."
            )
        if window is None:
            return [] if self.list_read is not None and self.list_read > read_at else None
        return left_of(window, newer_than(self.reads, read_at))

    def with_reads(
        self, reads: Sequence[tuple[Window | None, datetime]], followed_until: datetime | None
    ) -> IcebergLedger:
        """
        Return the ledger after a load.

        :param reads: Windows of the load, and when each was read.
        :param followed_until: Until when the change feeds were followed; ``None`` if they were not.
        """
        windows = [Loaded(window, read_at) for window, read_at in reads if window is not None]
        lists = [read_at for window, read_at in reads if window is None]
        list_read = max([*lists, *([self.list_read] if self.list_read else [])], default=None)
        known = [*self.reads, *windows]
        kept: list[Loaded] = []
        for number, each in enumerate(known):
            newer = [
                other.window
                for place, other in enumerate(known)
                if (other.read_at, place) > (each.read_at, number)
            ]
            kept += [Loaded(part, each.read_at) for part in left_of(each.window, newer)]
        newest = max([*(each.read_at for each in kept), *([list_read] if list_read else [])])
        starts = [each.window.start for each in windows]
        followed = [each for each in (self.followed_until, followed_until) if each is not None]
        return IcebergLedger(
            _joined(each for each in kept if each.read_at >= newest - KEPT),
            list_read,
            min([*starts, *([self.first] if self.first else [])], default=None),
            max(followed, default=None),
        )


def _joined(reads: Iterable[Loaded]) -> tuple[Loaded, ...]:
    """Join windows of one read that touch."""
    found: list[Loaded] = []
    for each in sorted(reads, key=lambda read: read.window.start):
        if found and found[-1].window.end == each.window.start and found[-1].read_at == each.read_at:
            found[-1] = Loaded(Window(found[-1].window.start, each.window.end), each.read_at)
        else:
            found.append(each)
    return tuple(found)


def ledger_key(workspace_id: str) -> str:
    """
    Return the name of the property that keeps the ledger of a workspace.

    :param workspace_id: Workspace.
    """
    return f"{PREFIX}loads.{workspace_id}"


def read_ledger(
    properties: Mapping[str, str], workspace_id: str, rolled_back: Callable[[int], bool]
) -> IcebergLedger:
    """
    Read the ledger of a workspace.

    :param properties: Properties of the table.
    :param workspace_id: Workspace.
    :param rolled_back: Tells whether the table was set back to a state before a snapshot, given its id: what was
        loaded since is no longer there.
    :return: An empty ledger if there is none.
    :raises ClockifyConfigError: somebody has changed the property to what nobody can read.
    """
    key = ledger_key(workspace_id)
    text = properties.get(key)
    if text is None:
        return IcebergLedger()
    try:
        kept = msgspec.json.decode(text, type=_Kept)
        reads = [
            (Window(_moment(each.start), _moment(each.end)) if each.start and each.end else None, each)
            for each in kept.reads
        ]
        lists = [_moment(each.read_at) for window, each in reads if window is None]
        found = IcebergLedger(
            tuple(Loaded(window, _moment(each.read_at)) for window, each in reads if window is not None),
            max(lists, default=None),
            _moment(kept.first) if kept.first else None,
            _moment(kept.followed_until) if kept.followed_until else None,
        )
    except (msgspec.MsgspecError, ValueError) as error:
        raise ClockifyConfigError(
            f"The property {key} of the table cannot be read ({type(error).__name__}): loads keep there which time was "
            "read when. Remove the property; the next load then writes it anew."
        ) from error
    return IcebergLedger() if rolled_back(kept.snapshot) else found


def ledger_text(ledger: IcebergLedger, snapshot: int) -> str:
    """
    Return the property that keeps a ledger.

    :param ledger: The ledger.
    :param snapshot: Id of the snapshot that is committed with it.
    """
    reads = [
        _Read(each.read_at.isoformat(), each.window.start_iso, each.window.end_iso) for each in ledger.reads
    ]
    if ledger.list_read is not None:
        reads.append(_Read(ledger.list_read.isoformat()))
    kept = _Kept(
        snapshot,
        reads,
        z(ledger.first) if ledger.first else None,
        ledger.followed_until.isoformat() if ledger.followed_until else None,
    )
    return msgspec.json.encode(kept).decode()


def _moment(text: str | None) -> datetime:
    moment = datetime.fromisoformat(text or "")
    if moment.tzinfo is None:
        raise ValueError("an instant without a time zone")
    return moment


@dataclass(frozen=True, slots=True)
class Told:
    """
    What a snapshot says of one window.

    :param window: Time that was read; ``None`` for a list.
    :param reason: Why.
    :param read_at: When.
    :param sums: What was read and proven.
    """

    window: Window | None
    reason: str
    read_at: datetime
    sums: Sums

    def facts(self) -> dict[str, Any]:
        """Return it as it is written down."""
        amounts = {code: f"{amount.normalize():f}" for code, amount in sorted(self.sums.amounts.items())}
        return {
            "window-start": self.window.start_iso if self.window else None,
            "window-end": self.window.end_iso if self.window else None,
            "reason": self.reason,
            "read-at": self.read_at.isoformat(),
            "rows": self.sums.rows,
            "seconds": int(self.sums.seconds),
            "amounts": amounts,
        }


def snapshot_properties(
    *, load_id: str, workspace_id: str, run_id: str, requests: int, windows: Sequence[Told]
) -> dict[str, str]:
    """
    Return the properties of a load's snapshot.

    :param load_id: Names the load.
    :param workspace_id: Workspace that was read.
    :param run_id: Run of Airflow.
    :param requests: Requests that were spent.
    :param windows: What was read: the run's window first, then days of an audit or of the feeds.
    """
    facts = {
        "load-id": load_id,
        "workspace-id": workspace_id,
        "run-id": run_id,
        "requests": requests,
        **windows[0].facts(),
    }
    others = [each.facts() for each in windows[1:]]
    if others:
        facts |= {"other-windows": others[:MAX_WINDOWS], "other-windows-count": len(others)}
    return {
        f"{PREFIX}{name}": value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in facts.items()
        if value is not None
    }
