# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
From an item as the service sent it to a flat row with typed columns (pure).

The column tables are the contract of ``csv`` and ``parquet`` files: names, types and order change only together with
:data:`SCHEMA_VERSION`. Fields that no column holds are never lost in ``jsonl``.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.api.values import instant
from airflow_provider_clockify.exceptions import ClockifyResponseError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SCHEMA_VERSION = 1


class ColumnType(StrEnum):
    """Types of columns; how each format writes them is in :mod:`.sinks.formats`."""

    TEXT = "text"
    FLAG = "flag"
    WHOLE = "whole"
    INSTANT = "instant"
    MONEY = "money"
    TEXTS = "texts"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Column:
    """
    One column.

    :param name: Name in the file.
    :param type: Its type.
    :param description: What it holds, with unit; shown in the documentation and in Parquet's field metadata.
    """

    name: str
    type: ColumnType
    description: str


@dataclass(frozen=True, slots=True)
class Table:
    """
    The flat form of one kind of item.

    :param name: Name of the report or list.
    :param columns: Columns in file order.
    :param flatten: From the JSON of one item to its values, in column order.
    """

    name: str
    columns: tuple[Column, ...]
    flatten: Callable[[bytes], tuple[Any, ...]]


class _Interval(msgspec.Struct, frozen=True):
    start: str
    end: str | None = None
    duration: Decimal | None = None


class _Tag(msgspec.Struct, frozen=True):
    mongo_id: str | None = msgspec.field(default=None, name="_id")
    plain_id: str | None = msgspec.field(default=None, name="id")
    name: str | None = None


class _Entry(msgspec.Struct, frozen=True, rename="camel"):
    time_interval: _Interval
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
    tags: list[_Tag] | None = None
    tag_ids: list[str] | None = None
    billable: bool | None = None
    type: str | None = None
    is_locked: bool | None = None
    locked: bool | None = None
    approval_request_id: str | None = None
    invoicing_info: msgspec.Raw = msgspec.Raw(b"null")
    custom_fields: msgspec.Raw = msgspec.Raw(b"null")
    amount: Decimal | None = None
    rate: Decimal | None = None
    earned_amount: Decimal | None = None
    earned_rate: Decimal | None = None
    cost_amount: Decimal | None = None
    cost_rate: Decimal | None = None
    currency: str | None = None


_decode_entry = msgspec.json.Decoder(_Entry).decode
_TEXT, _INSTANT, _MONEY = ColumnType.TEXT, ColumnType.INSTANT, ColumnType.MONEY

DETAILED_COLUMNS = (
    Column("id", _TEXT, "Id of the time entry; unique in the workspace."),
    Column("description", _TEXT, "Description; may hold any character, line breaks included."),
    Column("start", _INSTANT, "Start, UTC."),
    Column("end", _INSTANT, "End, UTC."),
    Column("duration_seconds", ColumnType.WHOLE, "Duration in seconds, as the service counts it."),
    Column("billable", ColumnType.FLAG, "Whether the entry is billable."),
    Column("type", _TEXT, "REGULAR, BREAK, HOLIDAY or TIME_OFF."),
    Column("is_locked", ColumnType.FLAG, "Whether the entry is locked against changes."),
    Column("user_id", _TEXT, "Id of the user."),
    Column("user_name", _TEXT, "Name of the user at the time of the export."),
    Column("user_email", _TEXT, "E-mail of the user."),
    Column("project_id", _TEXT, "Id of the project."),
    Column("project_name", _TEXT, "Name of the project."),
    Column("client_id", _TEXT, "Id of the project's client."),
    Column("client_name", _TEXT, "Name of the client."),
    Column("task_id", _TEXT, "Id of the task."),
    Column("task_name", _TEXT, "Name of the task."),
    Column("tag_ids", ColumnType.TEXTS, "Ids of the tags, in the service's order."),
    Column("tag_names", ColumnType.TEXTS, "Names of the tags, in the order of tag_ids."),
    Column("custom_fields", ColumnType.JSON, "Custom field values: JSON as the service sent it."),
    Column("currency", _TEXT, "Currency of all amounts and rates of the row."),
    Column("amount", _MONEY, "Amount that was asked for (amountShown, by default earned), minor units."),
    Column("rate", _MONEY, "Hourly rate of amount, minor units."),
    Column("earned_amount", _MONEY, "Earned amount, minor units."),
    Column("earned_rate", _MONEY, "Hourly rate of earned_amount, minor units."),
    Column("cost_amount", _MONEY, "Cost, minor units."),
    Column("cost_rate", _MONEY, "Hourly rate of cost_amount, minor units."),
    Column("approval_request_id", _TEXT, "Id of the approval request the entry belongs to."),
    Column("invoicing_info", ColumnType.JSON, "Invoicing state: JSON as the service sent it."),
)


def flatten_entry(row: bytes) -> tuple[Any, ...]:
    """
    Flatten a row of the detailed report.

    Absent fields, ``null`` and empty client ids become ``None``; instants are aware datetimes in UTC; money stays
    exact, in minor units.

    :param row: JSON object of ``generateDetailedReport``.
    :return: Values in the order of :data:`DETAILED_COLUMNS`.
    :raises ClockifyResponseError: a field has a type that no column can hold.
    """
    try:
        entry = _decode_entry(row)
    except msgspec.ValidationError as error:
        raise ClockifyResponseError(
            f"Entry {_id_of(row)} has an unexpected shape that no column can hold ({error}); export it as jsonl and "
            "report it."
        ) from error
    entry_id = entry.mongo_id or entry.plain_id
    interval = entry.time_interval
    tags = entry.tags or []
    tag_ids = entry.tag_ids
    if tag_ids is None:
        tag_ids = [tag.mongo_id or tag.plain_id or "" for tag in tags]
    names = {tag.mongo_id or tag.plain_id: tag.name for tag in tags}
    return (
        entry_id,
        entry.description,
        instant(interval.start, entry_id),
        instant(interval.end, entry_id) if interval.end is not None else None,
        _whole(interval.duration, entry_id),
        entry.billable,
        entry.type,
        entry.is_locked if entry.is_locked is not None else entry.locked,
        entry.user_id,
        entry.user_name,
        entry.user_email,
        entry.project_id or None,
        entry.project_name or None,
        entry.client_id or None,
        entry.client_name or None,
        entry.task_id or None,
        entry.task_name or None,
        tag_ids,
        [names.get(tag_id) for tag_id in tag_ids],
        _json(entry.custom_fields),
        entry.currency,
        entry.amount,
        entry.rate,
        entry.earned_amount,
        entry.earned_rate,
        entry.cost_amount,
        entry.cost_rate,
        entry.approval_request_id,
        _json(entry.invoicing_info),
    )


DETAILED = Table("detailed", DETAILED_COLUMNS, flatten_entry)
TABLES: Mapping[str, Table] = {table.name: table for table in (DETAILED,)}


def _whole(value: Decimal | None, entry_id: str | None) -> int | None:
    if value is None:
        return None
    whole = int(value)
    if whole != value:
        raise ClockifyResponseError(
            f"Entry {entry_id} lasts {value} s, which is no whole number of seconds; export it as jsonl."
        )
    return whole


def _json(raw: msgspec.Raw) -> str | None:
    text = bytes(raw).decode()
    return None if text == "null" else text


def _id_of(row: bytes) -> Any:
    item = msgspec.json.decode(row)
    return item.get("_id") or item.get("id") if isinstance(item, dict) else None
