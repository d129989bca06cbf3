# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What a flat file looks like: typed columns, and how items become rows of them (pure).

Column tables are the contract of ``csv`` and ``parquet`` files: names, types and order change only together with
:data:`SCHEMA_VERSION`. Fields that no column holds are never lost in ``jsonl``.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.service.money import HUNDREDTHS, for_column
from airflow_provider_clockify.service.values import exact_seconds, hours, id_of, instant, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SCHEMA_VERSION = 2

Row = tuple[Any, ...]
Columns = Sequence[Sequence[Any]]
T = TypeVar("T")

# Digits of a number before and after the point: what has more was never money or time, only a way to fill memory.
MAX_DIGITS = 1000
# Longer numbers are read one by one.
MONEY_TEXT_LENGTH = 20
_WHOLE_BITS = 63

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode_exactly = msgspec.json.Encoder(decimal_format="number").encode


class ColumnType(StrEnum):
    """Types of columns; how each format writes them is in :mod:`.export.formats`."""

    TEXT = "text"
    FLAG = "flag"
    WHOLE = "whole"
    NUMBER = "number"
    INSTANT = "instant"
    DAY = "day"
    MONEY = "money"
    SECONDS = "seconds"
    HOURS = "hours"
    TEXTS = "texts"
    JSON = "json"


# Both are made from what the service gives as a duration.
_DURATIONS = frozenset({ColumnType.SECONDS, ColumnType.HOURS})


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
    :param shift: Digits by which the point of money moves, from what the service gives to units of the currency.
    """

    name: str
    type: ColumnType
    description: str
    paths: tuple[tuple[str, ...], ...] = ()
    copies: tuple[tuple[str, ...], ...] = ()
    shift: int = HUNDREDTHS


class ColumnsOf(Protocol):
    """From the JSON of many items, one row each, to their values."""

    def __call__(self, parts: Sequence[bytes], arrow: Any = None, /) -> Columns:
        """
        Return the values, column by column.

        :param parts: Lines, each the JSON of an item; at least one in each part.
        :param arrow: Where the columns become Arrow's: the module ``pyarrow``. Columns may be its arrays then.
        :raises Exception: an item does not fit.
        """


@dataclass(frozen=True, slots=True)
class Table:
    """
    The flat form of one kind of item.

    :param name: Name of the report or list.
    :param columns: Columns in file order.
    :param rows: From the JSON of one item to its rows, values in column order. Most items are one row.
    :param line: From the JSON of one item to what ``jsonl`` holds of it; ``None`` where that is the item as it came.
    :param columns_of: From the JSON of many items to their values column by column: quicker than ``rows``, which is
        asked where this raises anything. A column of instants, money or hours may be text, as ``csv`` has it, if all
        of it is. ``None`` where there is only ``rows``.
    """

    name: str
    columns: tuple[Column, ...]
    rows: Callable[[bytes], Iterable[Row]]
    line: Callable[[bytes], bytes] | None = None
    columns_of: ColumnsOf | None = None


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


def lines_of(part: bytes) -> list[bytes]:
    """
    Return the lines of some text, with their ends.

    :param part: At least one line; the end of the last may be missing.
    """
    return io.BytesIO(part).readlines()


def number_of_lines(part: bytes) -> int:
    """
    Count the lines of some text.

    :param part: At least one line; the end of the last may be missing.
    """
    return part.count(b"\n") + (not part.endswith(b"\n"))


def as_list(values: Sequence[Any]) -> Sequence[Any]:
    """
    Return a column's values as Python's.

    :param values: Values, or an array of Arrow.
    """
    return values if isinstance(values, (list, tuple)) else list(values.to_pylist())  # type: ignore[attr-defined]


def _keys(paths: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(path.split(".")) for path in paths)


# Of time entries and of expenses.
PEOPLE_AND_PROJECTS = (
    column("user_id", ColumnType.TEXT, "Id of the user.", "userId"),
    column("user_name", ColumnType.TEXT, "Name of the user at the time of the export.", "userName"),
    column("user_email", ColumnType.TEXT, "E-mail of the user.", "userEmail"),
    column("project_id", ColumnType.TEXT, "Id of the project.", "projectId"),
    column("project_name", ColumnType.TEXT, "Name of the project.", "projectName"),
    column("client_id", ColumnType.TEXT, "Id of the project's client.", "clientId"),
    column("client_name", ColumnType.TEXT, "Name of the client.", "clientName"),
    column("task_id", ColumnType.TEXT, "Id of the task.", "taskId"),
    column("task_name", ColumnType.TEXT, "Name of the task.", "taskName"),
)


def parse(row: bytes) -> Any:
    """
    Read one JSON value; fractional numbers stay exact, as :class:`~decimal.Decimal`.

    :raises ClockifyResponseError: it is nested too deeply, or has a number that nothing can hold.
    """
    try:
        return _decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidOperation) as error:
        raise ClockifyResponseError(
            f"The item that begins with {row[:80]!r} cannot be read: {error}."
        ) from error


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
            return convert(found, of, id_of(item))
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
    Convert a JSON value to the type of a column.

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
    if kind is ColumnType.TEXTS and isinstance(value, list):
        for element in value:
            if not (element is None or isinstance(element, (str, int))) or isinstance(element, bool):
                raise misfit(f"{type(element).__name__} in a list", of, item_id)
        return [None if element is None else str(element) for element in value]
    if kind is ColumnType.INSTANT and isinstance(value, str):
        return read_text(instant, value, of, item_id)
    if kind is ColumnType.DAY and isinstance(value, str):
        return read_text(_day, value, of, item_id)
    if kind in _DURATIONS and isinstance(value, str):
        value = read_text(lambda text, _: exact_seconds(text), value, of, item_id)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return number(value, of, item_id)
    raise misfit(type(value).__name__, of, item_id)


def read_text(read: Callable[[str, Any], T], text: str, of: Column, item_id: Any) -> T:
    """
    Read a value that comes as text.

    :param read: Reads it; takes the text and the id of the item.
    :param text: The text.
    :param of: The column.
    :param item_id: Id of the item.
    :raises ClockifyResponseError: it cannot be read; the column is named.
    """
    try:
        return read(text, item_id)
    except ClockifyResponseError as error:
        raise ClockifyResponseError(f"Item {shown(item_id)}, column {of.name}: {error}") from error


def _day(text: str, item_id: Any) -> date:
    try:
        return date.fromisoformat(text) if len(text) == len("YYYY-MM-DD") else instant(text, item_id).date()
    except ValueError as error:
        raise ClockifyResponseError(f"{text[:40]!a} is not a day between the years 1 and 9999.") from error


def number(value: float | Decimal, of: Column, item_id: Any) -> Any:
    """
    Return a number the type of a column, if it stays the same number.

    :param value: A finite number, or text of one that came as a number.
    :param of: The column.
    :param item_id: Id of the item, for the message.
    :raises ClockifyResponseError: the column cannot hold it.
    """
    kind = of.type
    exact = Decimal(value)
    if not exact.is_finite():
        raise misfit(str(exact), of, item_id)
    if abs(exact.adjusted()) >= MAX_DIGITS:
        raise misfit(f"number of more than {MAX_DIGITS} digits", of, item_id)
    if kind is ColumnType.MONEY:
        return for_column(exact, of.shift)
    if kind is ColumnType.NUMBER:
        as_float = _float(exact)
        if as_float is None:
            raise misfit("number too large for double precision", of, item_id)
        return as_float
    if kind is ColumnType.WHOLE or kind in _DURATIONS:
        whole = int(exact)
        if whole != exact:
            unit = " of seconds" if kind in _DURATIONS else ""
            raise misfit(f"{shown(str(exact))}, which is not a whole number{unit},", of, item_id)
        if not -(1 << _WHOLE_BITS) <= whole < 1 << _WHOLE_BITS:
            raise misfit("whole number of more than 64 bits", of, item_id)
        return hours(whole) if kind is ColumnType.HOURS else whole
    raise misfit("number", of, item_id)


def _float(exact: Decimal) -> float | None:
    try:
        value = float(exact)
    except OverflowError:
        return None
    # What rounds to zero is lost as much as what becomes infinite.
    return None if value in (float("inf"), float("-inf")) or (exact and not value) else value


def misfit(what: str, of: Column, item_id: Any) -> ClockifyResponseError:
    """
    Return the error for a value that a column cannot hold.

    :param what: What the value is.
    :param of: The column.
    :param item_id: Id of the item.
    """
    return ClockifyResponseError(
        f"Item {shown(item_id)} has a {what} where column {of.name} holds {of.type.value}; export it as jsonl and "
        "report it."
    )
