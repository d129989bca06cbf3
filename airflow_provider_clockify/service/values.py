# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""How single values of answers are read (pure)."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.exceptions import ClockifyResponseError, ClockifyWindowError
from airflow_provider_clockify.window import Window, duration_seconds, parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


# Where items have their id. Approval requests lie inside of what their list gives.
ID_PLACES = (("_id",), ("id",), ("approvalRequest", "id"))
USER_PLACE = ("userId",)
_LONGEST_SHOWN = 80

# Digits that a column of hours has in all, and after the point.
HOURS_PRECISION = 18
HOURS_SCALE = 6

_encode_exactly = msgspec.json.Encoder(decimal_format="number").encode


def shown(value: Any) -> str:
    """Return a value for a message: as one short line, however long it is."""
    text = value if isinstance(value, str) else repr(value)
    short = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
    return short if short.isprintable() else ascii(short)


def window_between(start: datetime | str, end: datetime | str) -> Window:
    """
    Return the window ``[start, end)``.

    :param start: Aware datetime, or ISO 8601 with offset.
    :param end: The same.
    :raises ClockifyWindowError: one of them cannot be read, or nothing lies between them.
    """
    return Window(parse_instant(start, "start"), parse_instant(end, "end"))


def window_if_any(start: datetime | str | None, end: datetime | str | None) -> Window | None:
    """
    Return the window ``[start, end)``, or ``None`` if neither is given.

    :raises ClockifyWindowError: only one of them is given, or as for :func:`window_between`.
    """
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise ClockifyWindowError("Give both start and end, or neither.")
    return window_between(start, end)


def instant(text: str, item_id: Any) -> datetime:
    """
    Read a timestamp, to the microsecond: what is finer is cut off, since some times come with nanoseconds.

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
        f"Item {shown(item_id)} has the time {text[:40]!a}, which is not an ISO 8601 instant with offset between "
        "the years 1 and 9999. Correct it in Clockify."
    )


def instants(texts: Sequence[str], item_ids: Sequence[Any]) -> list[datetime]:
    """
    Read many timestamps, each as :func:`instant` does.

    :param texts: ISO 8601 with offset or ``Z``.
    :param item_ids: For each the id of what it belongs to.
    """
    with suppress(ValueError):
        found = list(map(datetime.fromisoformat, texts))
        if all(each.tzinfo is UTC for each in found):
            return found
    return list(map(instant, texts, item_ids))


def utc_text(moment: datetime) -> str:
    """Write an aware instant in UTC, with ``Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def day_or_instant(text: str, item_id: Any) -> datetime:
    """
    Read a date, as its midnight UTC, or a timestamp.

    :param text: ``YYYY-MM-DD``, or what :func:`instant` takes.
    :param item_id: Id of what it belongs to, for the message.
    :return: Aware datetime in UTC.
    """
    return instant(text if "T" in text else f"{text}T00:00:00Z", item_id)


def exact_seconds(text: str) -> Decimal:
    """
    Read an ISO 8601 duration.

    :param text: For example ``PT1H30M``, or ``PT-1H-30M`` where an entry ends before it starts.
    :return: Seconds, to the last digit.
    :raises ClockifyResponseError: it is not a duration.
    """
    total = duration_seconds(text)
    if total is None:
        raise ClockifyResponseError(
            f"{text[:40]!a} is not an ISO 8601 duration of days, hours, minutes and seconds; the service may have "
            "changed."
        )
    return total


def seconds(text: str) -> int | float:
    """
    Read an ISO 8601 duration, as :func:`exact_seconds` does.

    :param text: For example ``PT1H30M``.
    :return: Seconds; whole ones as ``int``.
    """
    total = exact_seconds(text)
    whole = int(total)
    return whole if whole == total else float(total)


def hours(seconds: int) -> Decimal:
    """
    Return a duration in hours, rounded half to even at the 6th digit after the point.

    :param seconds: Whole seconds.
    """
    return Decimal(_millionths(seconds)).scaleb(-HOURS_SCALE)


# People round their time: the same few durations come again and again.
@lru_cache(maxsize=4096)
def hours_text(seconds: int) -> str:
    """
    Return the same as text.

    :param seconds: Whole seconds.
    """
    whole, rest = divmod(abs(_millionths(seconds)), 10**HOURS_SCALE)
    sign = "-" if seconds < 0 else ""
    return f"{sign}{whole}.{rest:06}".rstrip("0").rstrip(".")


def _millionths(seconds: int) -> int:
    # A second is 2500/9 of them, so that none lies half way between two.
    return (2 * 2500 * seconds + 9) // 18


def plain(number: Decimal) -> str:
    """
    Return a number as text: digits only, no exponent, no zeros at the end.

    :param number: Finite.
    """
    text = str(number)
    if "E" in text:
        text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def durations_to_seconds(item: dict[str, Any], places: Iterable[tuple[str, ...]]) -> dict[str, Any]:
    """
    Turn the ISO 8601 durations of an item into seconds, in place.

    :param item: As the service sent it.
    :param places: Keys that lead to each duration, through lists as well; absent and ``null`` ones stay as they are.
    :raises ClockifyResponseError: one is not a duration; the item is named.
    """
    for place in places:
        *parents, last = place
        for holder in _holders(item, parents):
            if isinstance(holder.get(last), str):
                try:
                    holder[last] = seconds(holder[last])
                except ClockifyResponseError as error:
                    raise ClockifyResponseError(
                        f"Item {_named(item, holder)}, {'.'.join(place)}: {error}"
                    ) from error
    return item


def _named(item: Any, holder: Any) -> str:
    """Return the id of an item, and that of what lies inside it."""
    own, inner = id_of(item), None if holder is item else id_of(holder)
    return shown(own) if inner is None else f"{shown(own)} ({shown(inner)} in it)"


def id_of(item: Any) -> Any:
    """
    Return the id of an item, for messages.

    :param item: One item of any list or report; rows of attendance have no id, but a user and a date.
    :return: ``None`` when it has none.
    """
    found = next((each for place in ID_PLACES if (each := at(item, place))), None)
    if found is None and (user := at(item, USER_PLACE)):
        day = at(item, ("date",))
        return f"{user}/{day}" if isinstance(day, str) else user
    return found


def at(item: Any, keys: Iterable[str]) -> Any:
    """Return what lies under these keys, ``None`` where a key is absent."""
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
    Return a JSON value as one line, with its line end.

    The service sends none, but JSON may hold line breaks between its tokens.

    :raises ClockifyResponseError: it is nested too deeply to be written anew.
    """
    if b"\n" not in row:
        return row + b"\n"
    try:
        return msgspec.json.format(row, indent=-1) + b"\n"
    except RecursionError as error:
        raise ClockifyResponseError(
            f"The item that begins with {row[:80]!r} is nested too deeply."
        ) from error


def lines(rows: Sequence[bytes]) -> bytes:
    """
    Return JSON values as lines, each as :func:`one_line` does.

    :param rows: Bytes, or what has some, as ``msgspec.Raw`` does.
    """
    text = b"\n".join([*rows, b""])
    return text if text.count(b"\n") == len(rows) else b"".join(one_line(bytes(row)) for row in rows)


def exact_line(item: Mapping[str, Any]) -> bytes:
    """
    Return a decoded item as one line of JSON, exact numbers included.

    :raises ClockifyResponseError: it is nested too deeply to be written.
    """
    try:
        return one_line(_encode_exactly(item))
    except RecursionError as error:
        raise ClockifyResponseError(
            f"Item {shown(id_of(item))} is nested too deeply to be written."
        ) from error
