# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Any value survives the way into a database: as a literal of a statement, and as text of COPY."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from importlib.util import find_spec
from typing import Any

import pytest
from database_servers import Postgres
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from table_databases import connector

from airflow_provider_clockify.columns.tables import ColumnType, column
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.tables.copy_text import holdable
from airflow_provider_clockify.tables.database import Database
from airflow_provider_clockify.tables.statements import Shape, TableName, quoted, stage_definition

COLUMNS = (
    column("id", ColumnType.TEXT, ""),
    column("start", ColumnType.INSTANT, ""),
    column("day", ColumnType.DAY, ""),
    column("amount", ColumnType.MONEY, ""),
    column("quantity", ColumnType.NUMBER, ""),
    column("tags", ColumnType.TEXTS, ""),
    column("fields", ColumnType.JSON, ""),
    column("flag", ColumnType.FLAG, ""),
)
SHAPE = Shape.of(COLUMNS, position="start", id_column="id")
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
instants = st.datetimes(datetime(1000, 1, 1), datetime(9999, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))
rows = st.tuples(
    texts,
    instants,
    st.none() | st.dates(date(1000, 1, 1)),
    st.none() | st.decimals(-(10**9), 10**9, places=8),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.lists(st.none() | texts, max_size=4),
    st.none()
    | st.dictionaries(texts, st.none() | texts | st.integers(-(2**53), 2**53), max_size=3).map(json.dumps),
    st.none() | st.booleans(),
)


@pytest.fixture(scope="module", params=["psycopg", "psycopg2"])
def connect(request: pytest.FixtureRequest, postgres: Postgres) -> Callable[[], Database]:
    if find_spec(request.param) is None:
        pytest.skip(f"this environment has no {request.param}")
    name = f"values_{request.param}"
    postgres.create(name)
    return connector(request.param, postgres, name)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(rows, min_size=1, max_size=5))
def test_copy_keeps_every_value(connect: Callable[[], Database], given_rows: list[tuple[Any, ...]]) -> None:
    moment = datetime(2026, 12, 1, tzinfo=UTC)
    batch = [list(values) for values in zip(*given_rows, strict=True)]
    more = [[value] * len(given_rows) for value in ("w", moment, "r")]
    with closing(connect()) as database:
        database.begin()
        database.execute(stage_definition(database.dialect, "s", SHAPE))
        database.fill("s", SHAPE, iter([[*batch, *more]]))
        columns = 'id, start, day, amount, quantity, tags, "fields"::text, flag'
        found = database.query(f"SELECT {columns} FROM s")
        database.rollback()

    def plain(row: Any) -> tuple[Any, ...]:
        fields = None if row[6] is None else json.loads(row[6])
        start = row[1].astimezone(UTC).replace(fold=0).isoformat()
        quantity = None if row[4] is None else row[4] + 0.0  # No zero below zero.
        amount = None if row[3] is None else f"{row[3] + 0:.8f}"
        return (row[0], start, row[2], amount, quantity, row[5], json.dumps(fields, sort_keys=True), row[7])

    assert sorted(map(repr, map(plain, found))) == sorted(map(repr, map(plain, given_rows)))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    value=texts | instants | st.integers(-(2**62), 2**62) | st.decimals(-(10**9), 10**9, places=8) | st.none()
)
def test_a_literal_is_the_value(connect: Callable[[], Database], value: Any) -> None:
    with closing(connect()) as database:
        ((found,),) = database.query(f"SELECT {database.dialect.literal(value)}")
        database.rollback()
    assert found == value


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.text(
        st.characters(categories=["L", "N", "P", "S"], exclude_characters="."), min_size=1, max_size=12
    )
)
def test_any_name_can_be_that_of_a_table(connect: Callable[[], Database], name: str) -> None:
    if len(name.encode()) > 50 or name in ("None", "null"):
        return
    with closing(connect()) as database:
        database.begin()
        database.execute(f"CREATE TEMP TABLE {quoted(name)} (a integer)", f"DROP TABLE {quoted(name)}")
        database.rollback()
    assert TableName(name).ledger.table == name + "_loads"


def batches(value: Any, kind: ColumnType) -> Iterator[Any]:
    columns = (column("id", ColumnType.TEXT, ""), column("x", kind, ""))
    yield columns, [["row"], [value]]


@pytest.mark.parametrize(
    ("kind", "value", "repaired"),
    [
        (ColumnType.TEXT, "a\0b", "a?b"),
        (ColumnType.TEXT, "a\ud800b", "a?b"),
        (ColumnType.TEXTS, ["x", None, "\0"], ["x", None, "?"]),
        (ColumnType.JSON, r'"\u0000"', r'"\u003f"'),
        (ColumnType.JSON, r'"\\u0000"', r'"\\u0000"'),
        (ColumnType.JSON, r'"\\\u0000"', r'"\\\u003f"'),
        (ColumnType.JSON, r'"\ud83d\ude00"', r'"\ud83d\ude00"'),
        (ColumnType.JSON, r'"\ud83d x"', r'"\u003f x"'),
        (ColumnType.JSON, r'"x \uDE00"', r'"x \u003f"'),
    ],
    ids=ascii,
)
def test_what_postgresql_cannot_hold_is_refused_or_replaced(
    kind: ColumnType, value: Any, repaired: Any
) -> None:
    ((columns, batch),) = batches(value, kind)
    assert holdable(columns, batch, "?")[1] == [repaired]
    if value == repaired:
        assert holdable(columns, batch, None) == batch
    else:
        with pytest.raises(ClockifyConfigError, match="Column x of row row"):
            holdable(columns, batch, None)
