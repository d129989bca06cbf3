# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What was created, updated and deleted in a window, exactly, from the three feeds of entity changes.

The feeds are relative to the window that is *asked for*: what was created and updated in it is only in ``created``,
what was created and deleted in it is in none. And whether the service moves the bounds by the wall clock of the
account's zone, as it does for the lists of time entries, is assumption 37. So asking for more and cutting it down
is right only after thought. ``W = [S, E)`` is the wanted window, ``A`` what is asked, ``A'`` what the service makes
of it.

**Created and updated** carry both of their instants, so ``A`` is ``W`` with 14 h more on both sides, ``A'`` holds
``W`` wherever the bounds go, and *both* feeds are read. An entity that exists and was created or last updated in
``W`` is in one of them: in ``created`` if it was created in ``A'``, else in ``updated``. Its own instants say what it
is for ``W``: created in ``W``: ``created``; else updated in ``W``: ``updated``; else somebody else's window. Reading
``updated`` alone would miss what was created in the margin and updated in ``W``.

**Deleted** rows do not say when the entity was created, so the asked windows must do it: one that holds the deletion
and not the creation. An entity created before ``S`` and deleted in ``W`` must not be missed, even if it lived for a
minute: some asked window has to begin exactly at ``S``. The bounds of the service are either literal or wall clock of
the account's zone; so ``S`` is given both ways. These instants cut ``W`` with its margins into pieces that are asked
one by one (two pieces for an account in UTC, else three). Deletions are kept by their own instant. Should the service
follow yet another zone, only entities that were created and deleted within the same hours around ``S`` are missed.
The cuts may show entities that were created and deleted inside ``W``; whoever applies changes ignores deletions of
what it does not know. A window that overlaps earlier ones would hide the deletion of what they have shown: created in
the overlap, deleted after it. So the instant ``K`` until which changes are known already cuts like ``S``.

An entity that was restored after its deletion has a live row that is newer than the deletion, which is then left out.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from airflow_provider_clockify.exceptions import (
    ClockifyResponseError,
    ClockifyWindowError,
)
from airflow_provider_clockify.rendered import one_of
from airflow_provider_clockify.service.lists import WALL_CLOCK_MARGIN
from airflow_provider_clockify.service.messages import ApiRequest, path
from airflow_provider_clockify.service.pagination import (
    Page,
    PageSize,
    Step,
    all_items,
    last_page,
    pages,
    run,
)
from airflow_provider_clockify.service.values import at, instant
from airflow_provider_clockify.types import Change, EntityType

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from airflow_provider_clockify.service.messages import ApiResponse
    from airflow_provider_clockify.service.pagination import Send
    from airflow_provider_clockify.window import Window

    # From a feed and bounds to the rows between them.
    ReadFeed = Callable[[str, Sequence[datetime]], Iterable["Item"]]

log = logging.getLogger(__name__)

Item = dict[str, Any]

CHANGES = get_args(Change)
ENTITY_TYPES = get_args(EntityType)
# A deletion shows after about a minute (Clockify OpenAPI).
SETTLED = timedelta(minutes=2)
LONGEST = timedelta(days=30)
# No maximum is known: the first is hoped for, the second is the default.
LIMITS = (1000, 50)

_OPERATIONS = {
    "created": "getCreatedEntityInfo",
    "updated": "getUpdatedEntityInfo",
    "deleted": "getDeletedEntityInfo",
}
_INSTANTS = {
    "created": ("auditMetadata", "createdAt"),
    "updated": ("auditMetadata", "updatedAt"),
    "deleted": ("deletedAt",),
}
_SECOND = timedelta(seconds=1)


def check_changes(change: str, entity_type: str) -> None:
    """
    Check what is asked for.

    :raises ClockifyConfigError: unknown change or entity type.
    """
    one_of("change", change, CHANGES)
    one_of("entity_type", entity_type, ENTITY_TYPES)


def check_window(window: Window, now: datetime) -> None:
    """
    Check that the feeds can answer for a window.

    :param window: The window.
    :param now: Aware current time.
    :raises ClockifyWindowError: it ends less than two minutes ago, or is not cut at whole seconds.
    """
    if window.end > now - SETTLED:
        raise ClockifyWindowError(
            f"The window {window} of entity changes ends less than {SETTLED // _SECOND} s before now, and deletions "
            f"show about a minute late. End it at {(now - SETTLED).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} or earlier, or "
            "run later, and let the next window begin where this one ends."
        )
    if window.start.microsecond or window.end.microsecond:
        raise ClockifyWindowError(
            f"The feeds of entity changes know whole seconds, the window {window} does not. Give bounds without a "
            "fraction, for example those of a data interval."
        )


def iter_changes(
    send: Send,
    change: str,
    entity_type: str,
    window: Window,
    *,
    workspace_id: str,
    now: datetime,
    zone: tzinfo | None = None,
) -> Iterator[Item]:
    """
    Return what a window changed, each entity once and by time, as the service sent it, after all of it was read.

    :param send: Sends a request.
    :param change: ``created`` (created in the window), ``updated`` (created before it, last updated in it) or
        ``deleted``.
    :param entity_type: One of :data:`ENTITY_TYPES`.
    :param window: Any length; asked for in pieces of at most 30 days.
    :param workspace_id: Workspace.
    :param now: Aware current time.
    :param zone: Profile zone of the key's user; only ``deleted`` needs it.
    :raises ClockifyConfigError: unknown change or entity type.
    :raises ClockifyWindowError: the window cannot be answered, see :func:`check_window`.
    :raises ClockifyResponseError: rows do not say when they changed.
    """
    check_changes(change, entity_type)
    check_window(window, now)
    return _one_change(partial(_rows, send, workspace_id, entity_type, feed_limit()), change, window, zone)


def changes_of_window(
    send: Send,
    entity_type: str,
    window: Window,
    *,
    workspace_id: str,
    now: datetime,
    zone: tzinfo | None = None,
    known_until: datetime | None = None,
) -> list[Item]:
    """
    Read all three feeds for one window and give its changes in the order in which to apply them.

    Applied to the state at the start of the window in this order, upsert by ``id`` for ``created`` and ``updated``,
    removal by ``id`` for ``deleted`` (of unknown ids too), they give the state at its end. A document may be newer
    than the window: it is what the service held when it was read, and the later window holds the change again.

    :param known_until: Where earlier windows ended that this one overlaps.
    :return: ``{"change": str, "id": str, "changed_at": "…Z", "entity_type": str, "document": {…}}``: ``created``, then
        ``updated``, then ``deleted``, each by time. ``document`` is the row of the feed, for ``deleted`` the entity's
        last state.

    The other parameters are those of :func:`iter_changes`.
    """
    check_changes(CHANGES[0], entity_type)
    check_window(window, now)
    read = partial(_rows, send, workspace_id, entity_type, feed_limit())
    live = _live(read, window, CHANGES[:2])
    deleted = _deleted(read, window, zone, known_until)
    if any(found.last_changed <= deleted[row_id][1] for row_id, found in live.items() if row_id in deleted):
        # Then what was created and deleted between two cuts would stay, see docs/adr/0008-entity-changes.md.
        log.warning(
            "The feeds of %s show entities as existing that they show as deleted: compare the result with a snapshot.",
            entity_type,
        )
    rows = [(found.name, found.row, found.changed) for found in live.values() if found.name]
    for row_id, (row, changed) in deleted.items():
        if row_id not in live or live[row_id].last_changed <= changed:
            rows.append(("deleted", row, changed))
    rows.sort(key=lambda row: (CHANGES.index(row[0]), row[2], row[1]["id"]))
    return [
        {
            "change": name,
            "id": row["id"],
            "changed_at": _z(changed),
            "entity_type": row.get("documentType") or row.get("documentCode") or entity_type,
            "document": row.get("document", row) if name == "deleted" else row,
        }
        for name, row, changed in rows
    ]


def feed_request(
    change: str, entity_type: str, workspace_id: str, start: datetime, end: datetime
) -> ApiRequest:
    """
    Ask for one feed, without page parameters.

    :param change: ``created``, ``updated`` or ``deleted``.
    :param entity_type: Type of the entities.
    :param workspace_id: Workspace.
    :param start: First instant asked for.
    :param end: First instant after it.
    """
    return ApiRequest(
        _OPERATIONS[change],
        "core",
        "GET",
        path("workspaces", workspace_id, "entities", change),
        # A second more: whether the end belongs to the window is unknown. The start must stay where it is.
        {"type": entity_type, "start": _z(start), "end": _z(end + _SECOND)},
    )


def feed_limit() -> PageSize:
    """Return the rows that a page of a feed is asked for, for all feeds that are read together."""
    return PageSize(LIMITS[0], LIMITS[1:])


def feed_rows(
    request: ApiRequest, limit: PageSize, *, last_below: int = 1
) -> Generator[Step, Any, list[Item]]:
    """
    Read all pages of a feed; an entity that changes meanwhile may come twice.

    The first page is 0 by the description and 1 by its guide: where both are the same, the list goes on at 2. It ends
    at an empty page, since the feeds were not seen to mark their last one.

    :param request: What :func:`feed_request` built.
    :param limit: What :func:`feed_limit` gave.
    :param last_below: A page with fewer rows than these ends the feed, too.
    :return: Generator of requests, each with what reads its answer; returns the rows.
    :raises ClockifyIncompleteError: a page repeats the one before it, or the feed never ends.
    """

    def ask(page: int, size: int) -> ApiRequest:
        return request.with_values({"page": str(page), "limit": str(size)})

    return all_items(pages(limit, 0, last_below=last_below), ask, read_feed)


def read_feed(response: ApiResponse) -> Page:
    """
    Read one page of a feed: an array, ``{"response": array}``, or either as a JSON-encoded string.

    :raises ClockifyResponseError: it is none of them; an empty feed is never guessed.
    """
    answer = msgspec.json.decode(response.body)
    for _ in range(4):
        if isinstance(answer, str):
            answer = msgspec.json.decode(answer)
        elif isinstance(answer, dict) and "response" in answer:
            answer = answer["response"]
    if not isinstance(answer, list) or not all(
        isinstance(row, dict) and isinstance(row.get("id"), str) and row["id"] for row in answer
    ):
        raise ClockifyResponseError(
            "The answer of the entity changes is not a list of rows with ids; the service may have changed."
        )
    return Page(answer, last_page(response))


def cuts(start: datetime, zone: tzinfo | None) -> list[datetime]:
    """
    Return the instants to ask for so that, literal or as wall clock of the zone, one of them means the start.

    :param start: First instant of a window, UTC.
    :param zone: Profile zone of the key's user; ``None`` where it is unknown.
    """
    # In the hour that a DST change repeats, a wall clock cannot say which of the two is meant.
    wall_clock = start if zone is None else start.astimezone(zone).replace(tzinfo=UTC)
    return sorted({start, wall_clock})


def _rows(
    send: Send, workspace_id: str, entity_type: str, limit: PageSize, change: str, bounds: Sequence[datetime]
) -> Iterator[Item]:
    """Read a feed between each two neighbouring bounds, in pieces of at most 30 days."""
    for start, end in pieces(bounds):
        request = feed_request(change, entity_type, workspace_id, start, end)
        yield from run(send, feed_rows(request, limit))


@dataclass(frozen=True, slots=True)
class _Found:
    """
    An entity that exists and changed around a window.

    :param name: What it is for the window; ``None`` where it changed only outside, maybe after a deletion inside.
    :param changed: When it became that.
    """

    name: str | None
    row: Item
    changed: datetime
    last_changed: datetime


def _one_change(
    read: ReadFeed, change: str, window: Window, zone: tzinfo | None
) -> Generator[Item, None, None]:
    if change == "deleted":
        found = [(row, changed) for row, changed in _deleted(read, window, zone).values()]
    else:
        live = _live(read, window, CHANGES[:1] if change == "created" else CHANGES[:2])
        found = [(entity.row, entity.changed) for entity in live.values() if entity.name == change]
    yield from (row for row, _ in sorted(found, key=lambda pair: (pair[1], pair[0]["id"])))


def _live(read: ReadFeed, window: Window, feeds: Iterable[str]) -> dict[str, _Found]:
    found: dict[str, _Found] = {}
    for feed in feeds:
        for row in read(feed, (window.start - WALL_CLOCK_MARGIN, window.end + WALL_CLOCK_MARGIN)):
            created = instant_of(row, "created")
            # Whether an entity that was never updated has this instant is not documented.
            updated = (
                instant_of(row, "updated")
                if feed == "updated" or at(row, _INSTANTS["updated"]) is not None
                else created
            )
            last = max(created, updated)
            known = found.get(row["id"])
            if known is not None and known.last_changed > last:
                continue  # It changed again between two pages, and the newer row came first.
            if created in window:
                found[row["id"]] = _Found("created", row, created, last)
            else:
                found[row["id"]] = _Found("updated" if updated in window else None, row, updated, last)
    return found


def _deleted(
    read: ReadFeed, window: Window, zone: tzinfo | None, known_until: datetime | None = None
) -> dict[str, tuple[Item, datetime]]:
    """Return the last deletion of each entity in the window: its row and when."""
    inside = {*cuts(window.start, zone)}
    if known_until is not None and known_until in window:
        inside.update(cuts(known_until, zone))
    bounds = [window.start - WALL_CLOCK_MARGIN, *sorted(inside), window.end + WALL_CLOCK_MARGIN]
    found: dict[str, tuple[Item, datetime]] = {}
    for row in read("deleted", bounds):
        changed = instant_of(row, "deleted")
        known = found.get(row["id"])
        if changed in window and (known is None or changed >= known[1]):
            found[row["id"]] = (row, changed)
    return found


def pieces(bounds: Sequence[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Cut at the bounds, and where two of them are more than 30 days apart."""
    for start, end in pairwise(bounds):
        while end - start > LONGEST - _SECOND:
            yield start, start + LONGEST - _SECOND
            start += LONGEST - _SECOND
        if start < end:
            yield start, end


def instant_of(row: Item, *changes: str) -> datetime:
    """
    Read when an entity was created, updated or deleted.

    :param row: A row of a feed.
    :param changes: Which of them; the first that the row tells.
    :raises ClockifyResponseError: it tells none; an instant is never guessed.
    """
    text = next((found for change in changes if (found := at(row, _INSTANTS[change]))), None)
    if not isinstance(text, str):
        places = " or ".join(".".join(_INSTANTS[change]) for change in changes)
        raise ClockifyResponseError(
            f"The {changes[-1]} entity {row['id']} does not say when ({places}), so that no window of changes can be "
            "cut exactly. Use a snapshot of this list in an export, detect='started' in a sensor or watcher.",
            operation=_OPERATIONS[changes[-1]],
        )
    return instant(text, row["id"])


def _z(moment: datetime) -> str:
    fine = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    timespec = fine if moment.microsecond else "seconds"
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=timespec) + "Z"
