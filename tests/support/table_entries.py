# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Small tables of entries, and loads of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from table_databases import rows_of

from airflow_provider_clockify.columns.tables import Columns, ColumnType, column
from airflow_provider_clockify.tables.database import Database
from airflow_provider_clockify.tables.ledger import Sums
from airflow_provider_clockify.tables.replacing import Part, TableLoad
from airflow_provider_clockify.tables.statements import Shape, TableName
from airflow_provider_clockify.window import Window

DAY = timedelta(days=1)
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
NAME = TableName("entries")
COLUMNS = (
    column("id", ColumnType.TEXT, ""),
    column("description", ColumnType.TEXT, ""),
    column("start", ColumnType.INSTANT, ""),
    column("duration_seconds", ColumnType.SECONDS, ""),
    column("billable", ColumnType.FLAG, ""),
    column("quantity", ColumnType.NUMBER, ""),
    column("day", ColumnType.DAY, ""),
    column("tag_names", ColumnType.TEXTS, ""),
    column("custom_fields", ColumnType.JSON, ""),
    column("currency", ColumnType.TEXT, ""),
    column("amount", ColumnType.MONEY, ""),
)
SHAPE = Shape.of(COLUMNS, position="start", id_column="id")

Entry = tuple[str, datetime, int, str]


def values(entries: Sequence[Entry]) -> Callable[[], Iterator[Columns]]:
    """Give entries in batches of two: id, start, seconds, description."""

    def batches() -> Iterator[Columns]:
        for place in range(0, len(entries), 2):
            some = entries[place : place + 2]
            rows = [
                (
                    key,
                    text,
                    start,
                    seconds,
                    None if seconds % 2 else bool(seconds % 3),
                    seconds / 3,
                    start.date(),
                    ['a"b', "c\\d", None, "{x},\t"] if seconds % 2 else [],
                    '{"a": [1, "\\\\u0000", "x\\ny"]}',
                    "EUR" if seconds % 5 else None,
                    Decimal(seconds) / 8,
                )
                for key, start, seconds, text in some
            ]
            yield list(zip(*rows, strict=True))

    return batches


def expected(entries: Sequence[Entry]) -> Sums:
    amounts: dict[str, Decimal] = {}
    for _, _, seconds, _ in entries:
        code = "EUR" if seconds % 5 else ""
        amounts[code] = amounts.get(code, Decimal(0)) + Decimal(seconds) / 8
    return Sums(len(entries), Decimal(sum(seconds for _, _, seconds, _ in entries)), amounts)


def a_load(
    entries: Sequence[Entry], first: int, last: int, read_at: int, workspace: str = "w'1", **more: Any
) -> TableLoad:
    """Load the days from the first to before the last, read at a minute of December."""
    window = Window(BEGIN + first * DAY, BEGIN + last * DAY)
    inside = [entry for entry in entries if entry[1] in window]
    moment = datetime(2026, 12, 1, tzinfo=UTC) + timedelta(minutes=read_at)
    part = Part(window, moment, values(inside), more.pop("sums", expected(inside)))
    return TableLoad(NAME, SHAPE, workspace, f"run {read_at}%?", [part], **more)


def entry(number: int, day: float, seconds: int = 60, text: str = "x") -> Entry:
    return (f"id{number}", BEGIN + day * DAY, seconds, text)


def held(connect: Callable[[], Database], what: str = "id") -> list[Any]:
    return sorted(row[0] for row in rows_of(connect, f'SELECT {what} FROM "entries"'))
