# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Where in an answer the value is that cannot be read (pure).

Only looked at after a decoder has refused the answer: it tells a value that will be there again from a body that was
cut on the way, and names row and field of it. What was cut is recognised by the standard library's reader, which takes
all that is odd; the slow search is for answers that are whole.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from airflow_provider_clockify.service.values import ID_PLACES, USER_PLACE

# Decoders go down one level of their own stack with each level of the answer, and Python's has 1,000.
MAX_DEPTH = 900

_TOKEN = re.compile(
    rb'"(?P<text>(?:[^"\\]++|\\.)*+)(?:"|\\?\Z)|(?P<open>[\[{])|(?P<close>[\]}])|(?P<comma>,)|(?P<colon>:)'
    rb"|(?P<constant>-?Infinity|NaN)|(?P<number>-?\d[\d.eE+-]*)",
    re.DOTALL,
)
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_LONGEST_NUMBER = 1000


class Oddity(NamedTuple):
    """
    A value that cannot be read.

    :param what: What is wrong with it.
    :param place: Keys that lead to it, for example ``timeentries[3].description``.
    :param row_id: Id of the row that holds it; ``None`` where it has none.
    """

    what: str
    place: str
    row_id: str | None


def find_oddity(body: bytes) -> Oddity | None:
    """
    Find the first value of an answer that JSON allows, or nearly allows, and that cannot be read.

    :param body: JSON, perhaps broken.
    :return: ``None`` when there is none: then the body itself is broken.
    """
    if _is_cut(body):
        return None
    stack: list[list[str | int | None]] = []  # One entry per open bracket: the key or index it is at.
    what, path, row = "", "", 0
    row_id: str | None = None
    expects_key = False
    for token in _TOKEN.finditer(body):
        kind = token.lastgroup
        if kind == "text":
            if expects_key:
                stack[-1][0] = token["text"].decode("utf-8", "replace")
                expects_key = False
                if not what and _has_half_a_pair(token["text"]):
                    what, path, row = _HALF_A_PAIR, _path(stack), _row(stack)
                continue
            keys = _keys_in_row(stack, row or _row(stack))
            # Rows of attendance have no id but a user's.
            if keys in ID_PLACES or (keys == USER_PLACE and row_id is None):
                row_id = token["text"].decode("utf-8", "replace")
            if not what and _has_half_a_pair(token["text"]):
                what, path, row = _HALF_A_PAIR, _path(stack), _row(stack)
        elif kind == "open":
            if not what and _row(stack) == len(stack) + 1:
                row_id = None  # The next row.
            stack.append([None if token["open"] == b"{" else 0])
            expects_key = token["open"] == b"{"
            if not what and len(stack) > MAX_DEPTH:
                what, path, row = (
                    f"is nested more than {MAX_DEPTH} levels deep",
                    _path(stack[:4]),
                    _row(stack),
                )
                break
        elif kind == "close":
            if not stack:
                return None
            stack.pop()
            expects_key = False
            if what and len(stack) < max(row, 1):
                break
        elif kind == "comma" and stack:
            place = stack[-1]
            if isinstance(place[0], int):
                place[0] += 1
            else:
                expects_key = True
        elif not what and kind == "constant":
            what, path, row = f"is {token['constant'].decode()}, which is no JSON", _path(stack), _row(stack)
        elif not what and kind == "number" and _is_too_long(token["number"]):
            what, path, row = f"has more than {_LONGEST_NUMBER} digits", _path(stack), _row(stack)
    return Oddity(what, path, row_id if row else None) if what else None


def _is_cut(body: bytes) -> bool:
    try:
        json.loads(body.decode("utf-8"))
    except RecursionError:
        return False
    except (UnicodeDecodeError, json.JSONDecodeError):
        return True
    except ValueError:  # A number of more digits than Python reads.
        return False
    return False


_HALF_A_PAIR = "holds half of a surrogate pair, which is no character and no file can hold"


def _row(stack: list[list[str | int | None]]) -> int:
    """Return the depth of the row's object: the one in the outermost array; 0 outside of any."""
    for depth, place in enumerate(stack, 1):
        if isinstance(place[0], int):
            return depth + 1
    return 0


def _keys_in_row(stack: list[list[str | int | None]], row: int) -> tuple[str | int | None, ...]:
    """Return the keys that lead from the row to the value; none outside of any row."""
    return tuple(place[0] for place in stack[row - 1 :]) if row else ()


def _path(stack: list[list[str | int | None]]) -> str:
    steps = (
        f"[{place[0]}]" if isinstance(place[0], int) else f".{place[0]}"
        for place in stack
        if place[0] is not None
    )
    return "".join(steps).lstrip(".")[:200]


def _is_too_long(number: bytes) -> bool:
    if len(number) > _LONGEST_NUMBER:
        return True
    _, _, exponent = number.lower().partition(b"e")
    return bool(exponent) and (len(exponent) > 5 or abs(int(exponent)) > _LONGEST_NUMBER)


def _has_half_a_pair(text: bytes) -> bool:
    if b"\\u" not in text:
        return False
    high_ends = -1
    for escape in _ESCAPE.finditer(text):
        code = int(escape[1], 16) if escape[1] else 0
        is_low = 0xDC00 <= code <= 0xDFFF
        if is_low != (high_ends == escape.start() and high_ends >= 0):
            return True
        if high_ends >= 0 and not is_low:
            return True
        high_ends = escape.end() if 0xD800 <= code <= 0xDBFF else -1
    return high_ends >= 0
