# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Any sequence of loads, in whichever order they are committed: nothing twice, and at each instant the newest read of it.

A history of edits is made first. Loads read windows of it at moments, and are committed in any order. What the table
must hold follows from the history alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from iceberg_catalogs import (
    ENTRIES,
    catalog_of,
    load,
    rows_of_files,
    skip_without_packages,
    sqlite_connection,
)
from table_databases import rows_of
from table_entries import BEGIN, DAY, Entry, a_load, entry

from airflow_provider_clockify.tables.ledger import Loaded, left_of, newer_than, together
from airflow_provider_clockify.tables.replacing import load_table
from airflow_provider_clockify.tables.sqlite_database import SqliteDatabase
from airflow_provider_clockify.window import Window

DAYS = 6
IDS = 4
# An edit puts an entry on a day, or deletes it.
edits = st.lists(st.tuples(st.integers(0, IDS - 1), st.none() | st.integers(0, DAYS - 1)), max_size=12)
spans = st.tuples(st.integers(0, DAYS - 1), st.integers(1, DAYS)).map(
    lambda pair: (pair[0], min(DAYS, pair[0] + pair[1]))
)


def states(history: list[tuple[int, int | None]]) -> list[dict[int, tuple[int, int]]]:
    """Return the state after each edit: day and number of the edit, by id."""
    found: list[dict[int, tuple[int, int]]] = [{}]
    for number, (key, day) in enumerate(history, 1):
        state = dict(found[-1])
        state.pop(key, None)
        if day is not None:
            state[key] = (day, number)
        found.append(state)
    return found


def rows(state: dict[int, tuple[int, int]]) -> list[Entry]:
    return [entry(key, day + 0.5, seconds=60 + edit) for key, (day, edit) in state.items()]


Done = list[tuple[list[Entry], int, int, int]]


def in_sqlite(done: Done) -> list[tuple[str, datetime, int]]:
    """Load into SQLite; return what is there."""
    with TemporaryDirectory() as folder:

        def connect() -> SqliteDatabase:
            return SqliteDatabase(sqlite3.connect(Path(folder) / "t.sqlite"))

        for each in done:
            load_table(connect, a_load(*each, workspace="w"))
        found = rows_of(connect, "SELECT id, start, duration_seconds FROM entries")
    return [(key, datetime.fromisoformat(start), seconds) for key, start, seconds in found]


def in_iceberg(done: Done) -> list[tuple[str, datetime, int]]:
    """Load into a table of a SQL catalog in SQLite; return what DuckDB reads from its files."""
    with TemporaryDirectory() as folder:
        catalog = catalog_of(sqlite_connection(Path(folder)))
        for each in done:
            load(catalog, *each, workspace="w")
        table = catalog.table(ENTRIES)
        assert table is not None
        found = rows_of_files(table, "id, start, duration_seconds")
        catalog.close()
    return found


LOADS = st.lists(st.tuples(st.integers(0, 12), spans), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=edits, loads=LOADS, data=st.data())
def test_the_newest_read_of_each_day_wins(history: Any, loads: Any, data: st.DataObject) -> None:
    newest_reads_win(in_sqlite, history, loads, data)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=edits, loads=LOADS, data=st.data())
def test_the_newest_read_of_each_day_wins_in_iceberg(history: Any, loads: Any, data: st.DataObject) -> None:
    skip_without_packages()
    newest_reads_win(in_iceberg, history, loads, data)


@pytest.mark.tables
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=edits, loads=LOADS, data=st.data())
def test_the_newest_read_of_each_day_wins_in_iceberg_again_and_again(
    history: Any, loads: Any, data: st.DataObject
) -> None:
    skip_without_packages()
    newest_reads_win(in_iceberg, history, loads, data)


def newest_reads_win(
    loaded: Callable[[Done], list[tuple[str, datetime, int]]],
    history: list[tuple[int, int | None]],
    loads: list[tuple[int, tuple[int, int]]],
    data: st.DataObject,
) -> None:
    """Load in any order, and compare with what follows from the history."""
    by_time = states(history)
    # Each reads at a moment of its own; two reads of one state are two moments.
    reads = [
        (moment, number, span)
        for number, (moment, span) in enumerate(sorted((min(at, len(history)), span) for at, span in loads))
    ]
    order = data.draw(st.permutations(reads))
    in_order = data.draw(st.booleans())
    found = loaded(
        [
            (rows(by_time[moment]), first, last, number)
            for moment, number, (first, last) in (reads if in_order else order)
        ]
    )

    held = {int(key[2:]): (round((start - BEGIN) / DAY - 0.5), seconds - 60) for key, start, seconds in found}
    assert len(held) == len(found), "an id is there twice"
    for day in range(DAYS):
        covering = [(number, moment) for moment, number, (first, last) in reads if first <= day < last]
        there = {(key, edit) for key, (at, edit) in held.items() if at == day}
        if not covering:
            assert not there
            continue
        newest, moment = max(covering)
        read = {(key, edit) for key, (at, edit) in by_time[moment].items() if at == day}
        elsewhere = {
            key
            for later, number, (first, last) in reads
            if number > newest
            for key, (at, _) in by_time[later].items()
            if first <= at < last
        }
        assert there <= read
        assert {each for each in read if each[0] not in elsewhere} <= there
        if in_order:
            # A newer read that has seen the id on another day has taken it away from this one.
            assert there == {each for each in read if each[0] not in elsewhere}


windows = spans.map(lambda span: Window(BEGIN + span[0] * DAY, BEGIN + span[1] * DAY))


@given(windows, st.lists(windows, max_size=5))
def test_what_is_left_of_a_window_and_what_covers_it_tile_it(window: Window, covered: list[Window]) -> None:
    left = left_of(window, covered)

    def days(of: Iterable[Window]) -> set[int]:
        return {n for n in range(DAYS + 1) if any(BEGIN + n * DAY in each for each in of)}

    assert days(left) == days([window]) - days(covered)
    assert sum((each.duration for each in left), timedelta(0)) == DAY * len(days(left))
    assert all(
        one.end < other.start or one.end == other.start for one, other in zip(left, left[1:], strict=False)
    )
    joined = together([window, *covered])
    assert days(joined) == days([window, *covered])
    assert all(one.end < other.start for one, other in zip(joined, joined[1:], strict=False))


@given(st.lists(st.tuples(windows, st.integers(0, 5)), max_size=5), st.integers(0, 5))
def test_only_later_reads_are_newer(loads: list[tuple[Window, int]], read_at: int) -> None:
    def moment(minute: int) -> datetime:
        return datetime(2026, 12, 1, tzinfo=UTC) + timedelta(minutes=minute)

    found = newer_than([Loaded(window, moment(at)) for window, at in loads], moment(read_at))

    assert found == [window for window, at in loads if at > read_at]
