# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""One load after the other, into every database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from table_databases import rows_of
from table_entries import BEGIN, COLUMNS, DAY, NAME, a_load, entry, expected, held, values

from airflow_provider_clockify.columns.tables import Columns
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyIncompleteError
from airflow_provider_clockify.tables.database import Database
from airflow_provider_clockify.tables.ledger import Sums
from airflow_provider_clockify.tables.preparing import Permission
from airflow_provider_clockify.tables.replacing import Outcome, Part, TableLoad, load_table
from airflow_provider_clockify.tables.statements import Shape, TableName
from airflow_provider_clockify.window import Window


def test_every_value_comes_back(connect: Callable[[], Database]) -> None:
    texts = ["", "tab\tand\\back\nslash\r", "'quote\" $1 %s ?", "ünï💥", "\\N", "\\."]
    entries = [entry(n, n / 4, 61 + n, text) for n, text in enumerate(texts)]

    outcome = load_table(connect, a_load(entries, 0, 3, 1))

    assert outcome.rows == len(entries)
    assert outcome.created
    found = rows_of(connect, "SELECT description, duration_seconds FROM entries ORDER BY duration_seconds")
    assert found == [(text, 61 + n) for n, text in enumerate(texts)]
    with closing(connect()) as database:
        is_sqlite = database.dialect.name == "SQLite"
    ((day, amount, ws, run),) = rows_of(
        connect, "SELECT day, amount, _workspace_id, _run_id FROM entries WHERE id = 'id1'"
    )
    assert (day if is_sqlite else str(day)) == "2026-11-01"
    assert Decimal(str(amount)) == Decimal("7.75")
    assert (ws, run) == ("w'1", "run 1%?")
    if not is_sqlite:
        ((tags, fields),) = rows_of(
            connect,
            "SELECT tag_names, CAST(custom_fields AS VARCHAR) FROM entries WHERE id = 'id0'",
        )
        assert list(tags) == ['a"b', "c\\d", None, "{x},\t"]
        assert '"\\\\u0000"' in fields
    ledger = rows_of(connect, 'SELECT "rows", seconds, amounts FROM entries_loads')
    assert len(ledger) == 1
    assert ledger[0][:2] == (6, sum(61 + n for n in range(6)))


def test_a_window_is_replaced_as_a_whole(connect: Callable[[], Database]) -> None:
    old = [entry(n, n) for n in range(6)]
    load_table(connect, a_load(old, 0, 6, 1))
    load_table(connect, a_load([entry(1, 1)], 0, 6, 1, workspace="another"))

    # One deleted, one moved into the window, one moved out of it (which this read cannot see), one new, one edited.
    new = [old[0], ("id2", BEGIN + 2 * DAY, 99, "edited"), entry(5, 3), entry(9, 2.5), entry(4, 7)]
    outcome = load_table(connect, a_load(new, 1, 4, 2))

    assert outcome.rows == 3
    assert outcome.left_out == 0
    assert not outcome.superseded
    where = "WHERE _workspace_id = 'w''1'"
    found = {
        row[0]: row[1:]
        for row in rows_of(connect, f"SELECT id, duration_seconds, _run_id FROM entries {where}")
    }
    assert found == {
        "id0": (60, "run 1%?"),
        "id2": (99, "run 2%?"),
        "id9": (60, "run 2%?"),
        "id5": (60, "run 2%?"),  # Moved into the window: gone from its old place, which is outside of it.
        "id4": (60, "run 1%?"),
    }
    assert rows_of(connect, "SELECT id FROM entries WHERE _workspace_id = 'another'") == [("id1",)]


def test_an_emptied_window_is_emptied(connect: Callable[[], Database]) -> None:
    load_table(connect, a_load([entry(n, n) for n in range(3)], 0, 3, 1))

    outcome = load_table(connect, a_load([], 1, 3, 2))

    assert outcome.rows == 0
    assert held(connect) == ["id0"]


def test_an_older_read_writes_only_what_no_newer_one_has_covered(connect: Callable[[], Database]) -> None:
    load_table(connect, a_load([entry(1, 1), entry(2, 2), entry(7, 2.5)], 1, 3, read_at=5))

    # As it was before: 1 elsewhere, 7 still on day 0 and 2 on day 4.
    older = [entry(0, 0), entry(7, 0.5), entry(8, 1.5), entry(2, 4), entry(5, 5)]
    outcome = load_table(connect, a_load(older, 0, 6, read_at=3))

    assert outcome.superseded
    assert sorted(rows_of(connect, "SELECT id, _run_id FROM entries")) == [
        ("id0", "run 3%?"),
        ("id1", "run 5%?"),
        ("id2", "run 5%?"),
        ("id5", "run 3%?"),
        ("id7", "run 5%?"),
    ]
    assert outcome.rows == 2
    assert outcome.left_out == 3


def test_what_differs_from_the_read_is_rolled_back(connect: Callable[[], Database]) -> None:
    load_table(connect, a_load([entry(0, 0)], 0, 3, 1))
    entries = [entry(1, 1), entry(2, 2)]
    right = expected(entries)
    for wrong, said in (
        (Sums(3, right.seconds, right.amounts), "2 rows instead of 3"),
        (Sums(2, right.seconds + 1, right.amounts), "seconds instead of"),
        (Sums(2, right.seconds, {"": Decimal("15.01")}), "instead of 15.01"),
    ):
        with pytest.raises(ClockifyIncompleteError, match=said):
            load_table(connect, a_load(entries, 0, 3, 2, sums=wrong))

    assert held(connect) == ["id0"]
    assert len(rows_of(connect, "SELECT load_id FROM entries_loads")) == 1


def test_columns_are_added_or_refused(connect: Callable[[], Database]) -> None:
    narrow = Shape.of(
        [each for each in COLUMNS if each.name not in ("description", "tag_names")],
        position="start",
        id_column="id",
    )
    first = a_load([], 0, 1, 1)
    load_table(
        connect,
        TableLoad(NAME, narrow, "w", "r", [Part(first.parts[0].window, first.parts[0].read_at, values([]))]),
    )
    with pytest.raises(
        ClockifyConfigError, match=r"no column description, tag_names(.|\n)*ADD COLUMN \"description\""
    ):
        load_table(connect, a_load([entry(1, 0)], 0, 1, 2, permission=Permission(widen=False)))

    outcome = load_table(connect, a_load([entry(1, 0)], 0, 1, 3))

    assert outcome.added == ("description", "tag_names")
    assert held(connect, "description") == ["x"]


def test_a_table_that_may_not_be_created_is_named_with_its_definition(
    connect: Callable[[], Database],
) -> None:
    with pytest.raises(
        ClockifyConfigError, match=r"no table .*entries and no table .*entries_loads"
    ) as caught:
        load_table(connect, a_load([], 0, 1, 1, permission=Permission(create=False)))
    statements = str(caught.value).split("\n\n", 1)[1]
    database = connect()
    database.begin()
    database.execute(*filter(str.strip, statements.split(";")))
    database.commit()
    database.close()

    outcome = load_table(connect, a_load([entry(1, 0)], 0, 1, 1, permission=Permission(create=False)))

    assert outcome.rows == 1
    assert not outcome.created


def test_a_table_of_somebody_else_is_refused(connect: Callable[[], Database]) -> None:
    database = connect()
    database.begin()
    database.execute("CREATE TABLE entries (id integer, amount integer)")
    database.commit()
    database.close()
    with pytest.raises(ClockifyConfigError, match="not made by a load"):
        load_table(connect, a_load([entry(1, 0)], 0, 1, 1))


def test_a_list_is_replaced_and_appended(connect: Callable[[], Database]) -> None:
    columns = COLUMNS[:2]
    shape = Shape.of(columns, position=None, id_column="id")
    keys = {"append_snapshot": (), "append_new": ("id",)}

    def load(ids: Sequence[str], minute: int, mode: Any, run: str = "run", table: str = "people") -> Outcome:
        def rows() -> Iterator[Columns]:
            if ids:
                yield [list(ids), [None] * len(ids)]

        of = shape if mode == "replace" else Shape.of(columns, position=None, id_column=None, key=keys[mode])
        part = Part(None, BEGIN + timedelta(minutes=minute), rows, Sums(len(ids)), "list")
        return load_table(connect, TableLoad(TableName(table), of, "w", run, [part], mode))

    load("ab", 1, "replace")
    load("bc", 3, "replace")
    assert load("xyz", 2, "replace").superseded
    assert sorted(rows_of(connect, "SELECT id FROM people")) == [("b",), ("c",)]

    for run, ids in (("one", "ab"), ("two", "abc"), ("two", "ac")):
        load(ids, 1, "append_snapshot", run, "history")
    assert sorted(rows_of(connect, "SELECT _run_id, id FROM history")) == [
        ("one", "a"),
        ("one", "b"),
        ("two", "a"),
        ("two", "c"),
    ]
    for ids, new in (("ab", 2), ("bc", 1), ("abc", 0)):
        assert load(ids, 1, "append_new", table="feed").rows == new
    assert sorted(rows_of(connect, "SELECT id FROM feed")) == [("a",), ("b",), ("c",)]


def test_days_count_as_their_midnight(connect: Callable[[], Database]) -> None:
    columns = [each for each in COLUMNS if each.name in ("id", "day")]
    shape = Shape.of(columns, position="day", id_column=None)

    def load(days: Sequence[int], start: datetime, end: datetime, minute: int) -> None:
        def rows() -> Iterator[Columns]:
            if days:
                yield [[f"d{n}" for n in days], [date(2026, 11, n) for n in days]]

        part = Part(Window(start, end), BEGIN + timedelta(minutes=minute), rows, Sums(len(days)))
        load_table(connect, TableLoad(NAME, shape, "w", "r", [part]))

    hour = timedelta(hours=1)
    load([1, 2, 3], BEGIN, BEGIN + 3 * DAY, 1)
    load([3], BEGIN + DAY + hour, BEGIN + 2 * DAY + hour, 2)
    assert held(connect) == ["d1", "d2", "d3"]
    load([], BEGIN + DAY, BEGIN + DAY + hour, 3)
    assert held(connect) == ["d1", "d3"]
