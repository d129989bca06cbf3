# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Whole columns as arrays of Arrow, as exact as one value after the other (pure).

Arrow reads more spellings than Python does, and rounds or overflows where Python says so. So each function looks at all
of a column first, and returns ``None`` if some of it is not in the one form that both read alike. ``pyarrow`` is an
extra: callers hand it over as ``pa``, with ``pyarrow.compute`` imported.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.columns.tables import MONEY_TEXT_LENGTH
from airflow_provider_clockify.service.money import HUNDREDTHS, MONEY_PRECISION, MONEY_SCALE
from airflow_provider_clockify.service.values import HOURS_PRECISION, HOURS_SCALE

if TYPE_CHECKING:
    from collections.abc import Sequence

_DIGITS = b"0123456789"
_INSTANT = "2026-11-02T08:00:00Z"
_MARKS = [(place, mark) for place, mark in enumerate(_INSTANT) if not mark.isdigit()]
_FIRST_YEAR = -62_135_596_800_000_000  # 0001-01-01, in microseconds
# Digits that an amount has before the point at most, and after it, if its text has no more than MONEY_TEXT_LENGTH
# characters; together they are what Arrow's decimals have room for.
_PRECISION, _SCALE = 38, MONEY_TEXT_LENGTH - len("0.")
# Amounts of such length have no more digits after the point than the column.
_SHORT_MONEY = MONEY_SCALE + HUNDREDTHS + len("0.")
# Seconds of so many digits fit into a column of hours, and so does what is reckoned with.
_MOST_SECONDS = 10**15


def instants(pa: Any, texts: Sequence[str | None]) -> Any:
    """
    Read timestamps.

    :param pa: The module ``pyarrow``.
    :param texts: Texts.
    :return: An array of instants, to the microsecond; ``None`` if one is not of the form ``YYYY-MM-DDTHH:MM:SSZ``.
    """
    known = [text for text in texts if text is not None]
    joined = "".join(known)
    if known and (
        set(map(len, known)) != {len(_INSTANT)}
        or any(joined[place :: len(_INSTANT)] != mark * len(known) for place, mark in _MARKS)
        or len(joined.encode("utf-8", "surrogatepass").translate(None, _DIGITS)) != len(_MARKS) * len(known)
    ):
        return None
    with suppress(pa.ArrowInvalid):
        found = pa.array(texts, pa.string()).cast(pa.timestamp("us", tz="UTC"))
        first = pa.compute.min(found.view(pa.int64())).as_py()
        if first is None or first >= _FIRST_YEAR:
            return found
    return None


def hours(pa: Any, seconds: Sequence[int | None]) -> Any:
    """
    Return durations in hours, rounded half to even at the 6th digit after the point.

    :param pa: The module ``pyarrow``.
    :param seconds: Whole seconds, of 64 bits.
    :return: An array of decimals; ``None`` if one is too large.
    """
    compute = pa.compute
    given = pa.array(seconds, pa.int64())
    bounds = compute.min_max(given).as_py()
    if bounds["min"] is not None and not -_MOST_SECONDS < bounds["min"] <= bounds["max"] < _MOST_SECONDS:
        return None
    # A second is 2500/9 millionths of an hour, so that none lies half way between two. Arrow cuts off towards zero.
    half = compute.if_else(compute.less(given, 0), -4, 4)
    millionths = compute.divide(compute.add(compute.multiply(given, 2500), half), 9)
    return _scaled(pa, millionths.cast(pa.decimal128(19, 0)), HOURS_PRECISION, HOURS_SCALE)


def money(pa: Any, joined: bytes, shift: int) -> Any:
    """
    Return amounts as columns hold them: rounded half to even at the 8th digit after the point.

    :param pa: The module ``pyarrow``.
    :param joined: JSON values, with line feeds between them.
    :param shift: Digits by which the point moves.
    :return: An array of decimals; ``None`` if one is no plain number or ``null``, or has too many digits.
    """
    compute = pa.compute
    words = joined.translate(None, _DIGITS + b".-\n")
    if words.replace(b"null", b""):
        return None
    kind = pa.decimal128(MONEY_PRECISION, MONEY_SCALE)
    with suppress(pa.ArrowInvalid):
        texts = _split(pa, joined)
        if words:
            texts = compute.if_else(compute.equal(texts, "null"), pa.scalar(None, pa.string()), texts)
        longest = compute.max(compute.binary_length(texts)).as_py() or 0
        if longest > MONEY_TEXT_LENGTH:
            return None
        exact = _scaled(pa, texts.cast(pa.decimal128(_PRECISION, _SCALE)), _PRECISION, _SCALE - shift)
        if longest > _SHORT_MONEY:
            exact = compute.round(exact, ndigits=MONEY_SCALE, round_mode="half_to_even")
        return exact.cast(kind)
    return None


def pairs(pa: Any, ones: bytes, others: bytes) -> tuple[list[list[str]], Any]:
    """
    Find out which pairs of JSON values there are.

    :param pa: The module ``pyarrow``.
    :param ones: JSON values, with line feeds between them.
    :param others: As many.
    :return: Each pair once; and for each of those that were given, which of them it is.
    """
    joined = pa.compute.binary_join_element_wise(_split(pa, ones), _split(pa, others), "\n")
    found = joined.dictionary_encode()
    return [text.split("\n") for text in found.dictionary.to_pylist()], found.indices


def _split(pa: Any, joined: bytes) -> Any:
    """Return lines as an array of texts."""
    # Not copied: as an array of one text it would be, into memory that is new each time.
    ends = pa.py_buffer(struct.pack("=ii", 0, len(joined)))
    whole = pa.Array.from_buffers(pa.string(), 1, [None, ends, pa.py_buffer(joined)])
    whole.validate(full=True)
    return pa.compute.split_pattern(whole, "\n").flatten()


def _scaled(pa: Any, values: Any, precision: int, scale: int) -> Any:
    """Return decimals with the point elsewhere: the digits are the same."""
    return pa.Array.from_buffers(
        pa.decimal128(precision, scale), len(values), values.buffers(), offset=values.offset
    )
