# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Columns left out or hashed, in every format (pure).

A column is named as in the flat table, or by its field in the service's own words; in ``jsonl`` that takes the field,
and what repeats it, out of the row, and every other value of the row keeps its bytes. There, fields that no column
holds can be named in the service's own words too.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.columns.tables import Columns, ColumnType, Row, Table, as_list, lines_of
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.rendered import container_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str | list[str | None] | None).decode
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class ColumnRules:
    """
    What to leave out and what to hash.

    :param drop: Names of columns, or of fields that no column holds.
    :param hashed: The same, for text that stays comparable without being readable.
    :param salt: Key of the hash.
    """

    drop: frozenset[str]
    hashed: frozenset[str]
    salt: bytes

    def table(self, table: Table) -> Table:
        """Return the table without the dropped columns, and with hashes in place of text; ``jsonl`` likewise."""
        keep = [number for number, each in enumerate(table.columns) if each.name not in self.drop]
        hashed = {number for number, each in enumerate(table.columns) if each.name in self.hashed}

        # A field in the service's words may lie inside a column, for example one that holds JSON.
        known = {each.name for each in table.columns}
        inside = self._edits(table, self.drop - known, self.hashed - known)
        is_edited = not known.issuperset(self.drop | self.hashed)

        def rows(row: bytes) -> Iterator[Row]:
            for values in table.rows(inside(row)):
                yield tuple(self._hash_value(values[n]) if n in hashed else values[n] for n in keep)

        quick = table.columns_of

        def columns_of(parts: Sequence[bytes], arrow: Any = None, /) -> Columns:
            assert quick is not None
            if is_edited:
                parts = [
                    b"\n".join([inside(line.rstrip(b"\n")) for line in lines_of(part)]) for part in parts
                ]
            values = quick(parts, arrow)
            return [
                list(map(self._hash_value, as_list(values[n]))) if n in hashed else values[n] for n in keep
            ]

        return Table(
            table.name,
            tuple(table.columns[number] for number in keep),
            rows,
            self._edits(table, self.drop, self.hashed),
            None if quick is None else columns_of,
        )

    def _edits(self, table: Table, drop: Iterable[str], hashed: Iterable[str]) -> Callable[[bytes], bytes]:
        """Return the function that takes these fields out of a row of JSON, or hashes them in it."""
        out = [path for name in sorted(drop) for path in _paths(table, name)]
        to_hash = [(path, self._hash_json(name)) for name in sorted(hashed) for path in _paths(table, name)]

        def change(row: bytes) -> bytes:
            raw: bytes = row
            for path in out:
                raw = _edit(raw, path, None)
            for path, hash_field in to_hash:
                raw = _edit(raw, path, hash_field)
            return raw

        return change

    def _hash_value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._hash_value(element) for element in value]
        return self._hash(value) if isinstance(value, str) else value

    def _hash_json(self, name: str) -> Callable[[bytes], bytes]:
        def hash_field(raw: bytes) -> bytes:
            try:
                value = _decode_text(raw)
            except msgspec.ValidationError as error:
                raise ClockifyConfigError(
                    f"hash_columns names {name}, which is not always text ({error}); only text can be hashed."
                ) from error
            return _encode(self._hash_value(value))

        return hash_field

    def _hash(self, text: str) -> str:
        return hmac.new(self.salt, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def column_rules(
    table: Table,
    *,
    drop_columns: object = (),
    hash_columns: object = (),
    salt: Callable[[], str | None],
    is_flat: bool,
) -> ColumnRules | None:
    """
    Check ``drop_columns`` and ``hash_columns`` of an operator.

    :param table: Table whose columns can be named.
    :param drop_columns: Names to leave out, or what a template made of such a list.
    :param hash_columns: The same, of names whose text is hashed.
    :param salt: Gives the key of the hash; asked only where something is to be hashed.
    :param is_flat: Whether the file holds columns and nothing else.
    :return: ``None`` when nothing is to change.
    :raises ClockifyConfigError: no list, unknown names, a column to hash that holds no text, or no salt.
    """
    drop = _names(table, "drop_columns", drop_columns, is_flat=is_flat)
    hashed = _names(table, "hash_columns", hash_columns, is_flat=is_flat)
    if both := drop & hashed:
        raise ClockifyConfigError(
            f"drop_columns and hash_columns both name {', '.join(sorted(both))}; choose one of them."
        )
    if drop.issuperset(each.name for each in table.columns):
        raise ClockifyConfigError("drop_columns leaves no column; name fewer.")
    for each in table.columns:
        if each.name in hashed and each.type not in (ColumnType.TEXT, ColumnType.TEXTS):
            raise ClockifyConfigError(
                f"hash_columns names {each.name}, which holds {each.type.value}; only text can be hashed."
            )
    key = salt() if hashed else None
    if hashed and not key:
        raise ClockifyConfigError(
            "hash_columns needs a secret salt: set extra.hash_salt of the connection, or the Airflow variable "
            "clockify_hash_salt."
        )
    if not drop and not hashed:
        return None
    return ColumnRules(drop, hashed, (key or "").encode())


def _names(table: Table, parameter: str, given: object, *, is_flat: bool) -> frozenset[str]:
    if given is None:
        return frozenset()
    names = container_of(parameter, given)
    if (
        isinstance(names, str)
        or not isinstance(names, Sequence)
        or not all(isinstance(n, str) for n in names)
    ):
        raise ClockifyConfigError(f"{parameter} is {names!r}; it must be a list of names.")
    known: dict[str, set[str]] = {}
    for each in table.columns:
        for word in (each.name, *map(".".join, each.paths)):
            known.setdefault(word, set()).add(each.name)
    for name in names:
        # A name in the service's words is camel case or dotted; a misspelt column would leave the data in.
        if name not in known and not _lies_in_json(table, name) and (is_flat or "_" in name or not name):
            has = ", ".join(sorted(each.name for each in table.columns))
            more = "" if is_flat else ", and fields in the service's own words"
            raise ClockifyConfigError(f"{parameter} names {name!r}; {table.name} has {has}{more}.")
    return frozenset(chain.from_iterable(known.get(name, {name}) for name in names))


def _lies_in_json(table: Table, name: str) -> bool:
    """Tell whether a dotted name leads into a column that holds JSON."""
    parts = tuple(name.split("."))
    return any(
        len(parts) > len(path) and parts[: len(path)] == path
        for each in table.columns
        if each.type is ColumnType.JSON
        for path in each.paths
    )


def _paths(table: Table, name: str) -> Sequence[tuple[str, ...]]:
    for each in table.columns:
        if each.name == name:
            return (*each.paths, *each.copies)
    return (tuple(name.split(".")),)


def _edit(raw: bytes, path: Sequence[str], change: Callable[[bytes], bytes] | None) -> bytes:
    """Change the value at a path, or take it out; all other values keep their bytes."""
    first = raw.lstrip()[:1]
    if not path:
        return raw if change is None else change(raw)
    key, rest = path[0], path[1:]
    if key == "*":
        if first != b"[":
            return raw
        return bytes(_encode([msgspec.Raw(_edit(bytes(each), rest, change)) for each in _decode_list(raw)]))
    if first != b"{":
        return raw
    fields = _decode_object(raw)
    if key not in fields:
        return raw
    if not rest and change is None:
        del fields[key]
    else:
        fields[key] = msgspec.Raw(_edit(bytes(fields[key]), rest, change))
    return bytes(_encode(fields))
