# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Whatever is killed whenever: no entry is lost, and what comes twice is the same event."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.service.values import utc_text
from airflow_provider_clockify.watching import event_cursor
from airflow_provider_clockify.watching.event_cursor import (
    Cursor,
    Sighting,
    begin,
    closed_windows,
    confirm,
    grid,
    newest,
    observe,
)

START = datetime(2026, 11, 2, 8, tzinfo=UTC)
OVERLAP = timedelta(minutes=10)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def seen(name: str, seconds: float, key: str | None = None) -> Sighting:
    return Sighting(name, at(seconds), key or name)


class World:
    """A service that shows entries late, a triggerer that dies, and a database that does not."""

    def __init__(self, assets: int) -> None:
        self.now = 0.0
        self.entries: list[tuple[Sighting, float]] = []
        self.stores: list[dict[str, Any] | None] = [None] * assets
        self.stored_events: list[str] = []
        self.stored_but_not_confirmed = 0
        self.sent: list[dict[str, Any]] = []
        self.cursor: Cursor | None = None

    def add(self, count: int, lag: float) -> None:
        for _ in range(count):
            name = f"e{len(self.entries)}"
            # The service's instants are whole seconds.
            self.entries.append((seen(name, int(self.now)), self.now + lag))

    def visible(self, floor: datetime) -> list[Sighting]:
        return [entry for entry, shown in self.entries if shown <= self.now and entry.at >= floor]

    def keep(self, cursor: Cursor, dies_after: int | None) -> bool:
        """Write to one store after the other; tell whether the triggerer lived through it."""
        for number in range(len(self.stores)):
            if dies_after is not None and number >= dies_after:
                self.die()
                return False
            self.stores[number] = json.loads(json.dumps(cursor.to_json()))
        return True

    def die(self) -> None:
        self.cursor = None
        self.sent = []

    def look(self, dies_after: int | None = None) -> None:
        if self.cursor is None:
            copies = [Cursor.from_json(store) for store in self.stores if store is not None]
            cursor = newest(copies) or begin(at(int(self.now)))
            if not self.keep(cursor, None):
                return
            self.cursor = cursor
            self.sent += cursor.pending
        before = self.cursor
        after = observe(before, self.visible(before.floor), at(self.now), OVERLAP, "w")
        new = after.pending[len(before.pending) :]
        if new and not self.keep(after, dies_after):
            return
        self.cursor = after
        self.sent += new

    def store_events(self, confirmed_by: int | None, *, confirms: bool) -> None:
        """Airflow stores what was sent; the triggerer hears of it, or dies before or while it writes that down."""
        if self.cursor is None:
            return
        ends = {batch["window_end"] for batch in self.sent}
        self.stored_events += [json.dumps(batch, sort_keys=True) for batch in self.sent]
        self.sent = []
        if not ends:
            return
        if not confirms:
            self.stored_but_not_confirmed += 1
            self.die()
            return
        after = confirm(self.cursor, ends)
        if self.keep(after, confirmed_by):
            self.cursor = after
        elif not confirmed_by:
            self.stored_but_not_confirmed += 1


STEPS = st.one_of(
    st.tuples(st.just("add"), st.integers(1, 150), st.floats(0, 500)),
    st.tuples(st.just("wait"), st.floats(0.1, 400)),
    st.tuples(st.just("look"), st.none() | st.integers(0, 2)),
    st.tuples(st.just("store"), st.none() | st.integers(0, 2), st.booleans()),
    st.tuples(st.just("die")),
)


@settings(max_examples=300)
@given(st.integers(1, 3), st.lists(STEPS, max_size=40))
def test_no_entry_is_lost_and_only_equal_events_repeat(assets: int, steps: list[tuple[Any, ...]]) -> None:
    world = World(assets)
    world.look()  # Fixes the baseline.
    for name, *arguments in steps:
        match name:
            case "add":
                world.add(*arguments)
            case "wait":
                world.now += arguments[0]
            case "look":
                world.look(*arguments)
            case "store":
                world.store_events(arguments[0], confirms=arguments[1])
            case "die":
                world.die()
    for _ in range(3):
        world.now += 501
        world.look()
        world.store_events(None, confirms=True)

    events = [json.loads(text) for text in dict.fromkeys(world.stored_events)]
    repeated = len(world.stored_events) - len(events)
    found = Counter()
    for event in events:
        assert event["count"] >= len(event["ids"])
        assert event["ids_cut"] == (event["count"] > 100)
        inside = [entry.id for entry, _ in world.entries if event["window_start"] <= utc_text(entry.at)]
        assert set(event["ids"]) <= set(inside)
        found.update(event["ids"])
    # Each entry in one event only, however often that event came.
    assert all(times == 1 for times in found.values())
    assert sum(event["count"] for event in events) == len(world.entries)
    if not any(event["ids_cut"] for event in events):
        assert set(found) == {entry.id for entry, _ in world.entries}
    # An event comes again only if it was stored and the triggerer died before it wrote that down.
    assert bool(repeated) <= bool(world.stored_but_not_confirmed)
    ends = [event["window_end"] for event in events]
    assert len(set(ends)) == len(ends)


def test_nothing_is_pending_and_nothing_repeats_without_a_crash() -> None:
    world = World(1)
    world.look()
    for second in range(1, 30):
        world.now = second * 2.0
        world.add(3, lag=1.5)
        world.look()
        world.store_events(None, confirms=True)
    world.now += 5
    world.look()
    world.store_events(None, confirms=True)
    assert len(set(world.stored_events)) == len(world.stored_events)
    assert world.cursor is not None
    assert world.cursor.pending == ()


@pytest.mark.parametrize("written", [0, 1, 2])
def test_killed_between_the_writes_to_two_assets_the_newest_copy_counts(written: int) -> None:
    world = World(2)
    world.look()
    world.add(3, lag=0)
    world.now += 5
    world.look(dies_after=written)
    world.look()
    world.store_events(written, confirms=True)
    world.look()
    world.store_events(None, confirms=True)
    assert len(set(world.stored_events)) == 1
    assert len(world.stored_events) == (1 if written else 2)


def test_only_what_was_stored_is_confirmed() -> None:
    cursor = observe(begin(START), [seen("a", 5)], at(6), OVERLAP, "w")
    cursor = observe(cursor, [seen("b", 15)], at(16), OVERLAP, "w")
    first, second = cursor.pending
    assert confirm(cursor, {first["window_end"]}).pending == (second,)
    assert newest([cursor, confirm(cursor, set()), cursor]) == confirm(cursor, set())


def test_batches_of_one_second_have_different_ends() -> None:
    cursor = observe(begin(START), [seen("a", 5)], at(5.1), OVERLAP, "w")
    cursor = observe(cursor, [seen("b", 5)], at(5.2), OVERLAP, "w")
    first, second = cursor.pending
    assert first["window_end"] < second["window_end"]


def test_an_entry_of_the_same_second_as_the_look_is_found_by_the_next_one() -> None:
    cursor = observe(begin(START), [seen("a", 5)], at(5.5), OVERLAP, "w")
    cursor = observe(cursor, [seen("a", 5), seen("b", 5)], at(6.5), OVERLAP, "w")
    assert [batch["ids"] for batch in cursor.pending] == [["a"], ["b"]]
    first, second = cursor.pending
    assert first["window_end"] < second["window_end"]
    assert second["window_start"] == utc_text(at(5))


def test_what_was_there_before_the_baseline_does_not_count() -> None:
    cursor = observe(begin(START), [seen("old", -1), seen("new", 0)], at(60), OVERLAP, "w")
    assert [batch["ids"] for batch in cursor.pending] == [["new"]]


def test_a_change_of_a_known_entry_counts_again_by_its_key() -> None:
    cursor = observe(begin(START), [seen("a", 5, "a 5")], at(6), OVERLAP, "w")
    cursor = observe(cursor, [seen("a", 9, "a 9")], at(10), OVERLAP, "w")
    assert [batch["ids"] for batch in cursor.pending] == [["a"], ["a"]]


def test_ids_are_bounded_and_say_so() -> None:
    cursor = observe(begin(START), [seen(f"e{n:03}", n) for n in range(101)], at(200), OVERLAP, "w")
    batch = cursor.pending[0]
    assert batch["count"] == 101
    assert batch["ids"] == [f"e{n:03}" for n in range(100)]
    assert batch["ids_cut"] is True


def test_memory_is_bounded_and_forgetting_repeats_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_cursor, "MAX_SEEN", 50)
    found = [seen(f"e{n}", n) for n in range(80)]
    cursor = observe(begin(START), found, at(100), OVERLAP, "w")
    assert len(cursor.seen) == 50
    again = observe(cursor, found, at(101), OVERLAP, "w")
    assert again.pending == cursor.pending
    in_one_second = [seen(f"f{n}", 150) for n in range(80)]
    cursor = observe(again, in_one_second, at(160), OVERLAP, "w")
    assert len(cursor.seen) == 0
    assert observe(cursor, found + in_one_second, at(161), OVERLAP, "w").pending == cursor.pending
    assert observe(cursor, [seen("later", 162)], at(163), OVERLAP, "w").pending[-1]["ids"] == ["later"]


def test_what_a_full_memory_takes_stays_below_64_kb() -> None:
    found = [seen(f"{n:024x}", n % 600) for n in range(event_cursor.MAX_SEEN)]
    cursor = observe(begin(START), found, at(600), OVERLAP, "w")
    assert len(cursor.seen) == event_cursor.MAX_SEEN
    assert len(json.dumps(cursor.to_json())) < 65_535


def test_one_absurd_timestamp_does_not_stop_the_watcher() -> None:
    cursor = observe(begin(START), [seen("odd", 10**9)], at(60), OVERLAP, "w")
    cursor = observe(cursor, [seen("odd", 10**9), seen("good", 100)], at(120), OVERLAP, "w")
    assert [batch["ids"] for batch in cursor.pending] == [["odd"], ["good"]]


@pytest.mark.parametrize(
    "stored", [None, [], {}, {"version": 2}, {**begin(START).to_json(), "until": "yesterday"}]
)
def test_what_cannot_be_read_is_never_guessed(stored: Any) -> None:
    with pytest.raises(ClockifyResponseError, match="cursor of a watcher"):
        Cursor.from_json(stored)


@given(st.lists(st.integers(0, 3600), max_size=30), st.integers(0, 11), st.integers(1, 12))
def test_windows_of_fixed_places_are_the_same_whoever_cuts_them(
    seconds: list[int], first: int, count: int
) -> None:
    width = timedelta(seconds=300)
    found = [seen(f"e{n}", second) for n, second in enumerate(seconds)]
    start = grid(at(0), width)
    whole = closed_windows(found, start, start + 13 * width, width, "w")
    begins, ends = start + first * width, start + min(first + count, 13) * width
    part = closed_windows(found, begins, ends, width, "w")
    assert part == [batch for batch in whole if utc_text(begins) <= batch["window_start"] < utc_text(ends)]
    assert sum(batch["count"] for batch in whole) == len(seconds)
