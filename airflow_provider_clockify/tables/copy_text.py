# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Values as PostgreSQL's COPY reads them: text, tabs between columns (pure); and text that PostgreSQL cannot hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.columns.tables import Column, ColumnType
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.export.formats.parquet_files import DECIMALS, refuse_too_large
from airflow_provider_clockify.service.values import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from airflow_provider_clockify.columns.tables import Columns

NULL = "\\N"
# More digits than any decimal column has before the point; also a long fraction, so that it only calls for a look.
_LONG = re.compile(rf"\d{{{min(digits - scale for digits, scale in DECIMALS.values()) + 1}}}[.\t]")
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_QUOTES = str.maketrans({"\\": "\\\\", '"': '\\"'})
# In JSON text: an escaped NUL, or half of a surrogate pair; a backslash before it may itself be escaped.
_UNHOLDABLE = re.compile(
    r"(?<!\\)((?:\\\\)*)(?:\\u0000"
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
_LONE = re.compile("[\0\ud800-\udfff]")


def copy_rows(columns: Sequence[Column], batch: Columns) -> bytes:
    """
    Write rows for ``COPY … FROM STDIN (FORMAT text)``.

    :param columns: The columns.
    :param batch: Their values, column by column.
    :raises ClockifyResponseError: an amount has too many digits; row and column are named.
    """
    texts = [_texts(each.type, values) for each, values in zip(columns, batch, strict=True)]
    decimals = (given for each, given in zip(columns, texts, strict=True) if each.type in DECIMALS)
    if any(_LONG.search("\t".join([*given, ""])) for given in decimals):
        refuse_too_large(columns, batch)
    return "".join(["\t".join(row) + "\n" for row in zip(*texts, strict=True)]).encode()


def _texts(kind: ColumnType, values: Sequence[Any]) -> list[str]:
    write = _WRITERS.get(kind)
    if write is not None:
        return [NULL if value is None else write(value) for value in values]
    texts = [value for value in values if value is not None]
    if _SPECIAL.search("\x00".join(texts)):
        return [NULL if value is None else value.translate(_ESCAPES) for value in values]
    return (
        list(values) if len(texts) == len(values) else [NULL if value is None else value for value in values]
    )


def _array(values: Sequence[str | None]) -> str:
    elements = ["NULL" if each is None else f'"{each.translate(_QUOTES)}"' for each in values]
    return ("{" + ",".join(elements) + "}").translate(_ESCAPES)


def _instant(value: datetime | str) -> str:
    return value if isinstance(value, str) else value.isoformat()


def _number(value: Decimal | str) -> str:
    return value if isinstance(value, str) else f"{value:f}"


_WRITERS: Mapping[ColumnType, Callable[[Any], str]] = {
    ColumnType.FLAG: lambda value: "t" if value else "f",
    ColumnType.WHOLE: str,
    ColumnType.SECONDS: str,
    ColumnType.NUMBER: repr,
    ColumnType.INSTANT: _instant,
    ColumnType.DAY: lambda value: str(value.isoformat()),
    ColumnType.MONEY: _number,
    ColumnType.HOURS: _number,
    ColumnType.TEXTS: _array,
}


def holdable(columns: Sequence[Column], batch: Columns, replacement: str | None) -> Columns:
    """
    Return the values with text that PostgreSQL can hold: it has no NUL characters, and no halves of surrogate pairs.

    :param columns: The columns.
    :param batch: Their values, column by column.
    :param replacement: What such characters become; ``None`` to refuse them.
    :return: The same values where there are none.
    :raises ClockifyConfigError: a row has one, and there is no replacement; row and column are named.
    """
    found = list(batch)
    for number, each in enumerate(columns):
        repair = _REPAIRS.get(each.type)
        if repair is None or not _has_unholdable(each.type, batch[number]):
            continue
        if replacement is None:
            _refuse(columns, batch, number, repair)
        found[number] = [
            None if value is None else repair(value, replacement or "") for value in batch[number]
        ]
    return found


def _has_unholdable(kind: ColumnType, values: Sequence[Any]) -> bool:
    if kind is ColumnType.TEXTS:
        joined = "".join([text for texts in values if texts for text in texts if text])
    else:
        joined = "".join([value for value in values if value])
    if joined.isascii():
        return "\0" in joined or (kind is ColumnType.JSON and "\\u" in joined)
    return _LONE.search(joined) is not None or (kind is ColumnType.JSON and "\\u" in joined)


def _refuse(
    columns: Sequence[Column], batch: Columns, number: int, repair: Callable[[Any, str], Any]
) -> None:
    place = next((n for n, each in enumerate(columns) if each.name == "id"), None)
    for row, value in enumerate(batch[number]):
        if value is not None and repair(value, "") != value:
            which = f"row {shown(batch[place][row])}" if place is not None else "a row"
            raise ClockifyConfigError(
                f"Column {columns[number].name} of {which} has a NUL character or half of a surrogate pair, which "
                'PostgreSQL cannot hold. Correct it in Clockify, or set nul_replacement="\\ufffd" to have it replaced.'
            )


def _repair_json(text: str, replacement: str) -> str:
    escaped = "".join(f"\\u{ord(each):04x}" for each in replacement)
    return _UNHOLDABLE.sub(lambda match: match[1] + escaped, _LONE.sub(replacement, text))


def _repair_text(text: str, replacement: str) -> str:
    return _LONE.sub(replacement, text)


_REPAIRS: Mapping[ColumnType, Callable[[Any, str], Any]] = {
    ColumnType.TEXT: _repair_text,
    ColumnType.JSON: _repair_json,
    ColumnType.TEXTS: lambda texts, by: [None if each is None else _repair_text(each, by) for each in texts],
}
