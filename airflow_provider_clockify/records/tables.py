# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What a flat file looks like: typed columns, and how items become rows of them (pure).

Column tables are the contract of ``csv`` and ``parquet`` files: names, types and order change only together with
:data:`SCHEMA_VERSION`. Fields that no column holds are never lost in ``jsonl``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.api.values import instant, seconds
from airflow_provider_clockify.exceptions import ClockifyResponseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SCHEMA_VERSION = 1

Row = tuple[Any, ...]

_encode_exactly = msgspec.json.Encoder(decimal_format="number").encode


class ColumnType(StrEnum):
    """Types of columns; how each format writes them is in :mod:`.sinks.formats`."""

    TEXT = "text"
    FLAG = "flag"
    WHOLE = "whole"
    NUMBER = "number"
    INSTANT = "instant"
    DAY = "day"
    MONEY = "money"
    SECONDS = "seconds"
    TEXTS = "texts"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Column:
    """
    One column.

    :param name: Name in the file.
    :param type: Its type.
    :param description: What it holds, with unit; shown in the documentation and in Parquet's field metadata.
    :param paths: Where the value is in an item, keys from the outside in; the first path that leads to a value
        counts. ``*`` goes through a list. None where the value is computed.
    :param copies: Where else an item says the same, or what the value is made of; left out and hashed with it.
    """

    name: str
    type: ColumnType
    description: str
    paths: tuple[tuple[str, ...], ...] = ()
    copies: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """
    The flat form of one kind of item.

    :param name: Name of the report or list.
    :param columns: Columns in file order.
    :param rows: From the JSON of one item to its rows, values in column order. Most items are one row.
    :param line: From the JSON of one item to what ``jsonl`` holds of it; ``None`` where that is the item as it came.
    """

    name: str
    columns: tuple[Column, ...]
    rows: Callable[[bytes], Iterable[Row]]
    line: Callable[[bytes], bytes] | None = None


def column(name: str, kind: ColumnType, description: str, *paths: str, copies: Iterable[str] = ()) -> Column:
    """
    Describe a column.

    :param name: Name in the file.
    :param kind: Its type.
    :param description: What it holds, with unit.
    :param paths: Where the value is in an item, as dotted keys; the first that leads to a value counts.
    :param copies: Where else an item says the same, as dotted keys.
    """
    return Column(name, kind, description, _keys(paths), _keys(copies))


def _keys(paths: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(path.split(".")) for path in paths)


def parse(row: bytes) -> Any:
    """Read one JSON value; fractional numbers stay exact, as :class:`~decimal.Decimal`."""
    return json.loads(row, parse_float=Decimal)


def generic_table(name: str, columns: Sequence[Column]) -> Table:
    """
    Make a table whose values are found by the columns' paths.

    :param name: Name of the report or list.
    :param columns: Columns, each with a path.
    """
    fixed = tuple(columns)

    def rows(row: bytes) -> Iterable[Row]:
        item = parse(row)
        return (tuple(value_of(item, each) for each in fixed),)

    return Table(name, fixed, rows)


def value_of(item: Any, of: Column) -> Any:
    """
    Find a column's value in an item and give it the column's type.

    :param item: As :func:`parse` read it.
    :param of: The column.
    :return: ``None`` when no path leads to a value.
    :raises ClockifyResponseError: the value has a type that the column cannot hold.
    """
    for path in of.paths:
        found = follow(item, path)
        if found is not None:
            item_id = item.get("_id") or item.get("id") if isinstance(item, dict) else None
            return convert(found, of, item_id)
    return [] if of.type is ColumnType.TEXTS else None


def follow(item: Any, path: Sequence[str]) -> Any:
    """
    Follow keys into a JSON value.

    :param item: The value.
    :param path: Keys; ``*`` goes through a list and gives a list.
    :return: ``None`` when the way ends early.
    """
    for position, key in enumerate(path):
        if key == "*":
            if not isinstance(item, list):
                return None
            return [follow(element, path[position + 1 :]) for element in item]
        if not isinstance(item, dict):
            return None
        item = item.get(key)
    return item


def convert(value: Any, of: Column, item_id: Any) -> Any:
    """
    Give a JSON value the type of a column.

    :param value: Not ``None``.
    :param of: The column.
    :param item_id: Id of the item, for the message.
    :raises ClockifyResponseError: the value does not fit.
    """
    kind = of.type
    if kind is ColumnType.JSON:
        return _encode_exactly(value).decode()
    if kind is ColumnType.TEXT and isinstance(value, str):
        return value or None
    if kind is ColumnType.FLAG and isinstance(value, bool):
        return value
    if kind is ColumnType.INSTANT and isinstance(value, str):
        return instant(value, item_id)
    if kind is ColumnType.DAY and isinstance(value, str):
        return (
            date.fromisoformat(value) if len(value) == len("YYYY-MM-DD") else instant(value, item_id).date()
        )
    if kind is ColumnType.SECONDS and isinstance(value, str):
        value = seconds(value)
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        if kind is ColumnType.MONEY:
            return Decimal(value)
        if kind is ColumnType.NUMBER:
            return float(value)
        if kind in (ColumnType.WHOLE, ColumnType.SECONDS) and int(value) == value:
            return int(value)
    if kind is ColumnType.TEXTS and isinstance(value, list):
        return [None if element is None else str(element) for element in value]
    raise ClockifyResponseError(
        f"Item {item_id} has a {type(value).__name__} where column {of.name} holds {kind.value}; export it as jsonl "
        "and report it."
    )
