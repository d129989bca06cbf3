# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""How single values of answers are read (pure)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pendulum

from airflow_provider_clockify.exceptions import ClockifyResponseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def instant(text: str, item_id: str | None) -> datetime:
    """
    Read a timestamp.

    :param text: ISO 8601 with offset or ``Z``. Never cut its date out as text: the offset may move the day.
    :param item_id: Id of what it belongs to, for the message.
    :return: Aware datetime in UTC.
    :raises ClockifyResponseError: it cannot be read or has no offset; an instant is never guessed.
    """
    try:
        value = datetime.fromisoformat(text)
        if value.tzinfo is UTC:
            return value
        if value.tzinfo is not None:
            return value.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ClockifyResponseError(
        f"Item {item_id} has the time {text[:40]!r}, which is no ISO 8601 instant with offset between the years 1 and "
        "9999. Correct it in Clockify."
    )


def day_or_instant(text: str, item_id: str | None) -> datetime:
    """
    Read a date, as its midnight UTC, or a timestamp.

    :param text: ``YYYY-MM-DD``, or what :func:`instant` takes.
    :param item_id: Id of what it belongs to, for the message.
    :return: Aware datetime in UTC.
    """
    return instant(text if "T" in text else f"{text}T00:00:00Z", item_id)


def seconds(text: str) -> int | float:
    """
    Read an ISO 8601 duration.

    :param text: For example ``PT1H30M``.
    :return: Seconds; whole ones as ``int``.
    :raises ClockifyResponseError: it is no duration.
    """
    try:
        value = pendulum.parse(text)
    except ValueError:
        value = None
    if not isinstance(value, pendulum.Duration):
        raise ClockifyResponseError(f"{text[:40]!r} is no ISO 8601 duration; the service may have changed.")
    total = value.total_seconds()
    return int(total) if total.is_integer() else total


def durations_to_seconds(item: dict[str, Any], places: Iterable[tuple[str, ...]]) -> dict[str, Any]:
    """
    Turn the ISO 8601 durations of an item into seconds, in place.

    :param item: As the service sent it.
    :param places: Keys that lead to each duration, through lists as well; absent and ``null`` ones stay as they are.
    """
    for *parents, last in places:
        for holder in _holders(item, parents):
            if isinstance(holder.get(last), str):
                holder[last] = seconds(holder[last])
    return item


def at(item: Any, keys: Iterable[str]) -> Any:
    """Give what lies under these keys, ``None`` where a key is absent."""
    for key in keys:
        item = item.get(key) if isinstance(item, dict) else None
    return item


def _holders(value: Any, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for item in value:
            yield from _holders(item, keys)
    elif isinstance(value, dict):
        if keys:
            yield from _holders(value.get(keys[0]), keys[1:])
        else:
            yield value


def one_line(row: bytes) -> bytes:
    """
    Give a JSON value as one line, with its line end.

    The service sends none, but JSON may hold line breaks between its tokens.
    """
    return (row if b"\n" not in row else msgspec.json.format(row, indent=-1)) + b"\n"
