# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The detailed report as flat rows (pure)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from airflow_provider_clockify.api.values import exact_instant, shown
from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.records.tables import (
    MAX_DIGITS,
    Column,
    ColumnType,
    Row,
    Table,
    column,
    number,
    read_text,
)


class _Interval(msgspec.Struct, frozen=True, gc=False):
    start: str
    end: str | None = None
    duration: Decimal | None = None


class _Tag(msgspec.Struct, frozen=True, gc=False):
    mongo_id: str | None = msgspec.field(default=None, name="_id")
    plain_id: str | None = msgspec.field(default=None, name="id")
    name: str | None = None


class _Entry(msgspec.Struct, frozen=True, gc=False, rename="camel"):
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
    column("billable", FLAG, "Whether the entry is billable.", "billable"),
    column("type", TEXT, "REGULAR, BREAK, HOLIDAY or TIME_OFF.", "type"),
    column("is_locked", FLAG, "Whether the entry is locked against changes.", "isLocked", "locked"),
    column("user_id", TEXT, "Id of the user.", "userId"),
    column("user_name", TEXT, "Name of the user at the time of the export.", "userName"),
    column("user_email", TEXT, "E-mail of the user.", "userEmail"),
    column("project_id", TEXT, "Id of the project.", "projectId"),
    column("project_name", TEXT, "Name of the project.", "projectName"),
    column("client_id", TEXT, "Id of the project's client.", "clientId"),
    column("client_name", TEXT, "Name of the client.", "clientName"),
    column("task_id", TEXT, "Id of the task.", "taskId"),
    column("task_name", TEXT, "Name of the task.", "taskName"),
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
        "custom_fields", ColumnType.JSON, "Custom field values: JSON as the service sent it.", "customFields"
    ),
    column("currency", TEXT, "Currency of all amounts and rates of the row.", "currency"),
    column(
        "amount",
        MONEY,
        "Amount that was asked for (amountShown, by default earned), minor units.",
        "amount",
    ),
    column("rate", MONEY, "Hourly rate of amount, minor units.", "rate"),
    column("earned_amount", MONEY, "Earned amount, minor units.", "earnedAmount"),
    column("earned_rate", MONEY, "Hourly rate of earned_amount, minor units.", "earnedRate"),
    column("cost_amount", MONEY, "Cost, minor units.", "costAmount"),
    column("cost_rate", MONEY, "Hourly rate of cost_amount, minor units.", "costRate"),
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

    Absent fields, ``null`` and empty client ids become ``None``; instants are aware datetimes in UTC; money stays
    exact, in minor units.

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
    entry_id = entry.mongo_id or entry.plain_id
    interval = entry.time_interval
    tags, tag_ids, tag_names = entry.tags or (), entry.tag_ids, []
    if tag_ids is None:
        tag_ids = [tag.mongo_id or tag.plain_id or "" for tag in tags]
    if tag_ids:
        names = {tag.mongo_id or tag.plain_id: tag.name for tag in tags}
        tag_names = [names.get(tag_id) for tag_id in tag_ids]
    return (
        (
            entry_id,
            entry.description,
            read_text(exact_instant, interval.start, _START, entry_id),
            None if interval.end is None else read_text(exact_instant, interval.end, _END, entry_id),
            None if interval.duration is None else _seconds(interval.duration, entry_id),
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
            tag_names,
            _json(entry.custom_fields),
            entry.currency,
            _money(entry.amount, _AMOUNT, entry_id),
            _money(entry.rate, _RATE, entry_id),
            _money(entry.earned_amount, _EARNED_AMOUNT, entry_id),
            _money(entry.earned_rate, _EARNED_RATE, entry_id),
            _money(entry.cost_amount, _COST_AMOUNT, entry_id),
            _money(entry.cost_rate, _COST_RATE, entry_id),
            entry.approval_request_id,
            _json(entry.invoicing_info),
        ),
    )


# Digits that surely fit into 64 bits.
_SHORT = 18
_BY_NAME = {each.name: each for each in DETAILED_COLUMNS}
_START, _END, _DURATION = _BY_NAME["start"], _BY_NAME["end"], _BY_NAME["duration_seconds"]
_AMOUNT, _RATE = _BY_NAME["amount"], _BY_NAME["rate"]
_EARNED_AMOUNT, _EARNED_RATE = _BY_NAME["earned_amount"], _BY_NAME["earned_rate"]
_COST_AMOUNT, _COST_RATE = _BY_NAME["cost_amount"], _BY_NAME["cost_rate"]

DETAILED = Table("detailed", DETAILED_COLUMNS, entry_rows)


def _seconds(value: Decimal, entry_id: str | None) -> int:
    if value.is_finite() and value.adjusted() < _SHORT and (whole := int(value)) == value:
        return whole
    exact: int = number(value, _DURATION, entry_id)
    return exact


def _money(value: Decimal | None, of: Column, entry_id: str | None) -> Decimal | None:
    if value is None or (value.is_finite() and -MAX_DIGITS < value.adjusted() < MAX_DIGITS):
        return value
    exact: Decimal = number(value, of, entry_id)
    return exact


def _json(raw: msgspec.Raw) -> str | None:
    text = str(raw, "utf-8")
    return None if text == "null" else text


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
