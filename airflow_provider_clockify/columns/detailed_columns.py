# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The detailed report as flat rows (pure)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec
from msgspec.structs import astuple

from airflow_provider_clockify.columns import arrow_columns
from airflow_provider_clockify.columns.tables import (
    MONEY_TEXT_LENGTH,
    PEOPLE_AND_PROJECTS,
    Column,
    Columns,
    ColumnType,
    Row,
    Table,
    column,
    number,
    read_text,
)
from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.service.money import text_for_column
from airflow_provider_clockify.service.values import hours, hours_text, instant, shown

Ids = Sequence[str | None]
# Ids of an entry's tags, and their names.
Tags = tuple[list[str], list[str | None]]

_NULL = msgspec.Raw(b"null")


class _Tag(msgspec.Struct, frozen=True, gc=False):
    mongo_id: str | None = msgspec.field(default=None, name="_id")
    plain_id: str | None = msgspec.field(default=None, name="id")
    name: str | None = None


class _Entry(msgspec.Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """What both ways of reading an entry have in common: fields are called as the columns that they fill."""

    mongo_id: str | None = msgspec.field(default=None, name="_id")
    plain_id: str | None = msgspec.field(default=None, name="id")
    description: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    user_email: str | None = None
    project_id: str | None = None
    project_name: str | None = None
    client_id: str | None = None
    client_name: str | None = None
    task_id: str | None = None
    task_name: str | None = None
    billable: bool | None = None
    type: str | None = None
    is_locked: bool | None = None
    locked: bool | None = None
    approval_request_id: str | None = None
    invoicing_info: msgspec.Raw = _NULL
    custom_fields: msgspec.Raw = _NULL
    currency: str | None = None


class _Interval(msgspec.Struct, frozen=True, gc=False):
    start: str
    end: str | None = None
    duration: Decimal | None = None


class _ExactEntry(_Entry, frozen=True, gc=False, kw_only=True, rename="camel"):
    """An entry with every value read; what cannot be read is an error that names the field."""

    tags: list[_Tag] | None = None
    tag_ids: list[str] | None = None
    time_interval: _Interval
    amount: Decimal | None = None
    rate: Decimal | None = None
    earned_amount: Decimal | None = None
    earned_rate: Decimal | None = None
    cost_amount: Decimal | None = None
    cost_rate: Decimal | None = None


class _QuickInterval(msgspec.Struct, frozen=True, gc=False):
    start: str
    end: str | None = None
    duration: int | Decimal | None = None


class _QuickEntry(_Entry, frozen=True, gc=False, kw_only=True, rename="camel"):
    """
    The same entry with its tags and its money as they came: to make objects of them takes half of the reading.

    Of a field that is there twice, the last counts, as everywhere; the first may be anything.
    """

    tags: msgspec.Raw = _NULL
    tag_ids: msgspec.Raw = _NULL
    time_interval: _QuickInterval
    amount: msgspec.Raw = _NULL
    rate: msgspec.Raw = _NULL
    earned_amount: msgspec.Raw = _NULL
    earned_rate: msgspec.Raw = _NULL
    cost_amount: msgspec.Raw = _NULL
    cost_rate: msgspec.Raw = _NULL


_decode_entry = msgspec.json.Decoder(_ExactEntry).decode
_decode_lines = msgspec.json.Decoder(_QuickEntry).decode_lines
_decode_tags = msgspec.json.Decoder(list[_Tag] | None).decode
_decode_tag_ids = msgspec.json.Decoder(list[str] | None).decode
_decode_money = msgspec.json.Decoder(Decimal | None).decode
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

TEXT, FLAG, INSTANT, MONEY = ColumnType.TEXT, ColumnType.FLAG, ColumnType.INSTANT, ColumnType.MONEY

DETAILED_COLUMNS = (
    column("id", TEXT, "Id of the time entry; unique in the workspace.", "_id", "id"),
    column("description", TEXT, "Description; may hold any character, line breaks included.", "description"),
    column("start", INSTANT, "Start, UTC.", "timeInterval.start", copies=("timeInterval.zonedStart",)),
    column("end", INSTANT, "End, UTC.", "timeInterval.end", copies=("timeInterval.zonedEnd",)),
    column(
        "duration_seconds",
        ColumnType.SECONDS,
        "Duration in seconds, as the service counts it.",
        "timeInterval.duration",
    ),
    column(
        "duration_hours",
        ColumnType.HOURS,
        "Duration in hours, rounded half to even at the 6th digit.",
        "timeInterval.duration",
    ),
    column("billable", FLAG, "Whether the entry is billable.", "billable"),
    column("type", TEXT, "REGULAR, BREAK, HOLIDAY or TIME_OFF.", "type"),
    column("is_locked", FLAG, "Whether the entry is locked against changes.", "isLocked", "locked"),
    *PEOPLE_AND_PROJECTS,
    column(
        "tag_ids",
        ColumnType.TEXTS,
        "Ids of the tags, in the service's order.",
        "tagIds",
        "tags.*._id",
        copies=("tags.*.id",),
    ),
    column("tag_names", ColumnType.TEXTS, "Names of the tags, in the order of tag_ids.", "tags.*.name"),
    column(
        "custom_fields",
        ColumnType.JSON,
        "Custom field values: JSON as sent, with names and types.",
        "customFields",
    ),
    column("currency", TEXT, "Currency of all amounts and rates of the row.", "currency"),
    column(
        "amount",
        MONEY,
        "Amount that was asked for (amountShown, by default earned), units of the currency.",
        "amount",
    ),
    column("rate", MONEY, "Rate per hour of amount, units of the currency.", "rate"),
    column("earned_amount", MONEY, "Earned amount, units of the currency.", "earnedAmount"),
    column("earned_rate", MONEY, "Rate per hour of earned_amount, units of the currency.", "earnedRate"),
    column("cost_amount", MONEY, "Cost, units of the currency.", "costAmount"),
    column("cost_rate", MONEY, "Rate per hour of cost_amount, units of the currency.", "costRate"),
    column(
        "approval_request_id", TEXT, "Id of the approval request the entry belongs to.", "approvalRequestId"
    ),
    column(
        "invoicing_info", ColumnType.JSON, "Invoicing state: JSON as the service sent it.", "invoicingInfo"
    ),
)


def entry_rows(row: bytes) -> tuple[Row]:
    """
    Flatten a row of the detailed report.

    Does by hand what a generic table does by paths: this is the one table of millions of rows.

    Absent fields, ``null`` and empty client ids become ``None``; instants are aware datetimes in UTC; money is
    in units of the currency.

    :param row: JSON object of ``generateDetailedReport``.
    :return: One row of values, in the order of :data:`DETAILED_COLUMNS`.
    :raises ClockifyResponseError: a field has a type that no column can hold.
    """
    try:
        entry = _decode_entry(row)
    except _UNREADABLE as error:
        raise ClockifyResponseError(
            f"Entry {_id_of(row)} has an unexpected shape that no column can hold ({error}); export it as jsonl and "
            "report it."
        ) from error
    (values,) = zip(*_columns(_fields([entry]), _ONE_BY_ONE), strict=True)
    return (values,)


def entry_columns(parts: Sequence[bytes], arrow: Any = None) -> Columns:
    """
    Flatten many rows of the detailed report at once: the values of :func:`entry_rows`, column by column.

    Hours are text, and so are instants and money where all of a column can be had in the form that ``csv`` files have.

    :param parts: JSON objects of ``generateDetailedReport``, one a line; at least one in each part.
    :param arrow: Where the columns become Arrow's: the module ``pyarrow``, with ``pyarrow.compute``. Then instants,
        hours, money and tags are its arrays, where all of a column can be had as exactly as one by one.
    :raises Exception: one of them does not fit; :func:`entry_rows` says which and why.
    """
    # Part by part, so that what is made of one stays in the processor's cache.
    came: dict[str, list[Any]] = {}
    for part in parts:
        for name, values in _fields(_decode_lines(part)).items():
            came.setdefault(name, []).extend(values)
    return _columns(came, _as_texts() if arrow is None else _as_arrays(arrow))


def _fields(entries: Sequence[_Entry]) -> dict[str, Sequence[Any]]:
    """Return the values of entries, field by field."""
    return dict(zip(entries[0].__struct_fields__, zip(*map(astuple, entries), strict=True), strict=True))


def _columns(came: Mapping[str, Sequence[Any]], ways: _Ways) -> Columns:
    """Return the values of entries in the order of :data:`DETAILED_COLUMNS`."""
    ids: Ids = came["mongo_id"]
    if not all(ids):
        ids = [a or b for a, b in zip(ids, came["plain_id"], strict=True)]
    intervals = came["time_interval"]
    durations = ways.seconds([interval.duration for interval in intervals], ids)
    tag_ids, tag_names = ways.tags(came["tags"], came["tag_ids"])
    made = {
        "id": ids,
        "start": ways.instants([interval.start for interval in intervals], _START, ids),
        "end": ways.instants([interval.end for interval in intervals], _END, ids),
        "duration_seconds": durations,
        "duration_hours": ways.hours(durations),
        "is_locked": [b if a is None else a for a, b in zip(came["is_locked"], came["locked"], strict=True)],
        "tag_ids": tag_ids,
        "tag_names": tag_names,
    }

    def values_of(of: Column) -> Sequence[Any]:
        if of.name in made:
            return made[of.name]
        values = came[of.name]
        if of.type is MONEY:
            return ways.money(values, of, ids)
        if of.type is ColumnType.JSON:
            return _texts(values)
        return _filled(values) if of.name in _NEVER_EMPTY else values

    return tuple(map(values_of, DETAILED_COLUMNS))


# Tags of more text are not kept to be known again.
_LONG_TAGS = 2000
# Digits that surely fit into 64 bits.
_SHORT = 18
_BY_NAME = {each.name: each for each in DETAILED_COLUMNS}
_START, _END, _DURATION = _BY_NAME["start"], _BY_NAME["end"], _BY_NAME["duration_seconds"]
# Entries without a project may have empty texts there.
_NEVER_EMPTY = frozenset(f"{of}_{part}" for of in ("project", "client", "task") for part in ("id", "name"))

DETAILED = Table("detailed", DETAILED_COLUMNS, entry_rows, columns_of=entry_columns)


def _filled(values: Sequence[str | None]) -> Sequence[str | None]:
    return [value or None for value in values] if "" in values else values


def _tags(tags: Sequence[list[_Tag] | None], tag_ids: Sequence[list[str] | None]) -> Columns:
    return _in_two(map(_tags_of_one, tags, tag_ids))


def _tags_of_one(tags: list[_Tag] | None, tag_ids: list[str] | None) -> Tags:
    names = {tag.mongo_id or tag.plain_id: tag.name for tag in tags or ()}
    if tag_ids is None:
        tag_ids = [tag.mongo_id or tag.plain_id or "" for tag in tags or ()]
    return tag_ids, list(map(names.get, tag_ids))


def _raw_tags(tags: Sequence[msgspec.Raw], tag_ids: Sequence[msgspec.Raw]) -> Columns:
    texts = _split(tags), _split(tag_ids)
    are_short = max(map(len, chain(*texts))) < _LONG_TAGS
    return _in_two(map(_known_tags if are_short else _read_tags, *texts))


def _in_two(tags: Iterable[Tags]) -> Columns:
    return tuple(zip(*tags, strict=True))


def _read_tags(tags: str, tag_ids: str) -> Tags:
    return _tags_of_one(_decode_tags(tags), _decode_tag_ids(tag_ids))


# People use the same few tags again and again. Rows share what is given for them: nobody changes it.
_known_tags = lru_cache(maxsize=256)(_read_tags)


def _split(raws: Sequence[msgspec.Raw]) -> list[str]:
    """Return text: of all at once, which takes half of the time. Lines were read, so that none has a line feed."""
    return str(b"\n".join(raws), "utf-8").split("\n")


def _texts(raws: Sequence[msgspec.Raw]) -> list[str | None]:
    return _nulls(_split(raws))


def _nulls(texts: list[str]) -> list[str | None]:
    return [None if text == "null" else text for text in texts]


def _instants(texts: Sequence[str | None], of: Column, ids: Ids) -> list[datetime | None]:
    return [
        None if text is None else read_text(instant, text, of, entry_id)
        for text, entry_id in zip(texts, ids, strict=True)
    ]


def _instant_texts(texts: list[str | None], of: Column, ids: Ids) -> Sequence[Any]:
    known = [text for text in texts if text is not None]
    joined = "".join(known)
    marks = joined.encode().translate(None, b"0123456789")
    # What reads as an instant has each field in full. Python 3.14 knows an hour 24, and writes it as the next day.
    if marks == b"--T::Z" * len(known) and "T24" not in joined:
        with suppress(ValueError):
            deque(map(datetime.fromisoformat, known), maxlen=0)
            return texts
    return _instants(texts, of, ids)


def _seconds(values: Sequence[Decimal | None], ids: Ids) -> list[int | None]:
    return [
        None if value is None else _whole(value, entry_id)
        for value, entry_id in zip(values, ids, strict=True)
    ]


def _whole(value: Decimal, entry_id: str | None) -> int:
    if value.is_finite() and value.adjusted() < _SHORT and (whole := int(value)) == value:
        return whole
    exact: int = number(value, _DURATION, entry_id)
    return exact


def _whole_seconds(values: Sequence[Any], ids: Ids) -> Sequence[Any]:
    known = [value for value in values if value is not None]
    if set(map(type, known)) <= {int} and max(map(abs, known), default=0) < 10**_SHORT:
        return values
    return _seconds([None if value is None else Decimal(value) for value in values], ids)


def _money(values: Sequence[Decimal | None], of: Column, ids: Ids) -> list[Decimal | None]:
    return [
        None if value is None else number(value, of, entry_id)
        for value, entry_id in zip(values, ids, strict=True)
    ]


def _money_texts(joined: bytes, raws: Sequence[msgspec.Raw], of: Column, ids: Ids) -> Sequence[Any]:
    words = joined.translate(None, b"0123456789.-\n")
    if not words.replace(b"null", b""):
        texts = joined.decode().split("\n")
        if max(map(len, texts)) <= MONEY_TEXT_LENGTH:
            if not words:
                return list(map(text_for_column, texts))
            return [None if text == "null" else text_for_column(text) for text in texts]
    return _money(list(map(_decode_money, raws)), of, ids)


@dataclass(frozen=True, slots=True)
class _Ways:
    """How columns are made of what came, each of all its values."""

    tags: Callable[[Sequence[Any], Sequence[Any]], Columns]
    instants: Callable[[list[str | None], Column, Ids], Sequence[Any]]
    seconds: Callable[[list[Any], Ids], Sequence[Any]]
    hours: Callable[[Sequence[int | None]], Sequence[Any]]
    money: Callable[[Sequence[Any], Column, Ids], Sequence[Any]]


def _hours_by(hours_of: Callable[[int], Any]) -> Callable[[Sequence[int | None]], Sequence[Any]]:
    return lambda values: [None if value is None else hours_of(value) for value in values]


def _once(
    money: Callable[[bytes, Sequence[msgspec.Raw], Column, Ids], Sequence[Any]],
) -> Callable[[Sequence[msgspec.Raw], Column, Ids], Sequence[Any]]:
    """Make columns that are the same only once: what was asked for is mostly what was earned."""
    known: dict[bytes, Sequence[Any]] = {}

    def money_of(raws: Sequence[msgspec.Raw], of: Column, ids: Ids) -> Sequence[Any]:
        joined = b"\n".join(raws)
        if joined not in known:
            known[joined] = money(joined, raws, of, ids)
        return known[joined]

    return money_of


_ONE_BY_ONE = _Ways(_tags, _instants, _seconds, _hours_by(hours), _money)


def _as_texts() -> _Ways:
    """Return how columns become text, where that would be exact."""
    return _Ways(_raw_tags, _instant_texts, _whole_seconds, _hours_by(hours_text), _once(_money_texts))


def _as_arrays(pa: Any) -> _Ways:
    """Return how columns become arrays of Arrow; or text, where that would not be exact."""
    texts = _as_texts()

    def tags_of(tags: Sequence[msgspec.Raw], tag_ids: Sequence[msgspec.Raw]) -> Columns:
        some, places = arrow_columns.pairs(pa, b"\n".join(tags), b"\n".join(tag_ids))
        return [
            pa.array(values, pa.list_(pa.string())).take(places)
            for values in _in_two(_read_tags(*pair) for pair in some)
        ]

    def instants_of(given: list[str | None], of: Column, ids: Ids) -> Sequence[Any]:
        found = arrow_columns.instants(pa, given)
        return texts.instants(given, of, ids) if found is None else found

    def hours_of(seconds: Sequence[int | None]) -> Sequence[Any]:
        found = arrow_columns.hours(pa, seconds)
        return texts.hours(seconds) if found is None else found

    def money_of(joined: bytes, raws: Sequence[msgspec.Raw], of: Column, ids: Ids) -> Sequence[Any]:
        found = arrow_columns.money(pa, joined, of.shift)
        return _money_texts(joined, raws, of, ids) if found is None else found

    return _Ways(tags_of, instants_of, _whole_seconds, hours_of, _once(money_of))


class _Named(msgspec.Struct, frozen=True):
    mongo_id: Any = msgspec.field(default=None, name="_id")
    plain_id: Any = msgspec.field(default=None, name="id")


_decode_named = msgspec.json.Decoder(_Named).decode


def _id_of(row: bytes) -> str:
    try:
        named = _decode_named(row)
    except _UNREADABLE:
        return f"that begins with {row[:80]!r}"
    return shown(named.mongo_id or named.plain_id)
