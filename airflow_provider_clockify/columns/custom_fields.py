# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Custom fields in typed tables: names where only ids come, and columns of chosen fields (pure).

Reports give values of custom fields as ``{"customFieldId", "value"}``. What the ids mean is in the list of the
workspace's custom fields (``ofWorkspace``), which is asked for by whoever calls this, and only when it is needed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.columns.tables import (
    Column,
    Columns,
    ColumnType,
    Row,
    Table,
    convert,
    parse,
)
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.rendered import container_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    # Custom fields by id, as the service lists them; asked for once at most.
    Fields = Callable[[], Mapping[str, Mapping[str, Any]]]

PREFIX = "custom_field_"

# What a column may be called in a DAG, and what it is then.
TYPES: Mapping[str, ColumnType] = {
    "text": ColumnType.TEXT,
    "texts": ColumnType.TEXTS,
    "number": ColumnType.NUMBER,
    "flag": ColumnType.FLAG,
    "boolean": ColumnType.FLAG,
    "date": ColumnType.DAY,
}

# Which columns can hold the values of which kind of field. Kinds that are not here may be anything.
_FITTING: Mapping[str, tuple[str, ...]] = {
    "TXT": ("text", "number", "date"),
    "NUMBER": ("number", "text"),
    "DROPDOWN_SINGLE": ("text", "number", "date"),
    "DROPDOWN_MULTIPLE": ("texts",),
    "CHECKBOX": ("flag", "boolean", "text"),
    "LINK": ("text",),
}

# Keys under which a value comes with the name of its field.
_NAMES = {"name", "customFieldName"}

_decode_values = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode
_decode_text = msgspec.json.Decoder(str).decode
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class ChosenField:
    """
    A custom field that gets a column of its own.

    :param key: Its name or id, as the DAG says it.
    :param kind: Type of the column, one of :data:`TYPES`.
    :param id: Its id; empty until it was found.
    """

    key: str
    kind: str
    id: str = ""

    @property
    def column(self) -> Column:
        """The column; it has the same name whatever the service calls the field later."""
        return Column(
            column_name(self.key),
            TYPES[self.kind],
            f"Custom field {self.key!r}.",
            (("customFields",),),
        )


def column_name(key: str) -> str:
    """
    Return the name of the column of a custom field; empty where the key has no letters or digits of ASCII.

    :param key: Name or id of the field: ``Cost centre`` becomes ``custom_field_cost_centre``.
    """
    plain = unicodedata.normalize("NFKD", key).encode("ascii", "ignore").decode().lower()
    rest = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    return PREFIX + rest if rest else ""


def chosen_fields(given: object) -> tuple[ChosenField, ...]:
    """
    Read ``custom_field_columns``; costs no request.

    :param given: ``{name or id: type}``, or what a template made of it.
    :raises ClockifyConfigError: it is something else, a type is unknown, or two columns would have one name.
    """
    fields = container_of("custom_field_columns", given)
    if fields is None:
        return ()
    if not isinstance(fields, Mapping) or not all(isinstance(key, str) for key in fields):
        raise ClockifyConfigError(
            f"custom_field_columns is {fields!r}; it must be a dict of names or ids of custom fields and types, for "
            'example {"Ticket": "text"}.'
        )
    found: dict[str, ChosenField] = {}
    for key, kind in fields.items():
        if kind not in TYPES:
            raise ClockifyConfigError(
                f"custom_field_columns gives {key!r} the type {kind!r}; use one of {', '.join(TYPES)}."
            )
        name = column_name(key)
        if not name:
            raise ClockifyConfigError(
                f"custom_field_columns names {key!r}, which has no letter or digit for the name of a column; give the "
                "id of the field instead."
            )
        if name in found:
            raise ClockifyConfigError(
                f"custom_field_columns names {found[name].key!r} and {key!r}, whose columns would both be called "
                f"{name}; give the id of one of them instead."
            )
        found[name] = ChosenField(key, kind)
    return tuple(found.values())


def check_privacy(chosen: Sequence[ChosenField], drop_columns: object, hash_columns: object) -> None:
    """
    Refuse to hash or drop the column of a custom field whose value stays readable in ``custom_fields``.

    :param chosen: Fields that get a column.
    :param drop_columns: As of the operator.
    :param hash_columns: As of the operator.
    :raises ClockifyConfigError: it would.
    """
    named = _names("drop_columns", drop_columns) | _names("hash_columns", hash_columns)
    hidden = sorted(each.column.name for each in chosen if each.column.name in named)
    if hidden and _names("drop_columns", drop_columns).isdisjoint(("custom_fields", "customFields")):
        raise ClockifyConfigError(
            f"{', '.join(hidden)} would be hashed or dropped, but the value would stay readable in the column "
            "custom_fields: add custom_fields to drop_columns."
        )


def _names(parameter: str, given: object) -> frozenset[str]:
    names = container_of(parameter, given)
    return frozenset(names) if isinstance(names, (list, tuple)) else frozenset()


def find_fields(
    chosen: Iterable[ChosenField], fields: Mapping[str, Mapping[str, Any]]
) -> tuple[ChosenField, ...]:
    """
    Find the ids of chosen fields.

    :param chosen: As the DAG names them.
    :param fields: The workspace's custom fields by id.
    :raises ClockifyConfigError: there is no such field, there are several, or the column cannot hold its values.
    """
    of_entries = {key: each for key, each in fields.items() if each.get("entityType") != "USER"}
    return tuple(_found(each, of_entries) for each in chosen)


def _found(field: ChosenField, fields: Mapping[str, Mapping[str, Any]]) -> ChosenField:
    ids = [field.key] if field.key in fields else [i for i, f in fields.items() if f.get("name") == field.key]
    if not ids:
        has = ", ".join(sorted(repr(each.get("name")) for each in fields.values())) or "none"
        raise ClockifyConfigError(
            f"custom_field_columns names {field.key!r}; custom fields of time entries in this workspace are: {has}."
        )
    if len(ids) > 1:
        raise ClockifyConfigError(
            f"custom_field_columns names {field.key!r}, as which {len(ids)} custom fields are known: "
            f"{', '.join(sorted(ids))}. Give the id of the one that is meant."
        )
    (own,) = ids
    fitting = _FITTING.get(str(fields[own].get("type")), tuple(TYPES))
    if field.kind not in fitting:
        raise ClockifyConfigError(
            f"custom_field_columns gives {field.key!r} the type {field.kind!r}, but the field is a "
            f"{fields[own]['type']}; use {' or '.join(fitting)}."
        )
    return replace(field, id=own)


def with_custom_fields(
    table: Table,
    column: str,
    fields: Fields | None,
    chosen: Sequence[ChosenField] = (),
    drop_columns: object = (),
) -> Table:
    """
    Name the custom fields of a table, and add columns of chosen ones.

    :param table: The table.
    :param column: Its column with the values of custom fields, as JSON.
    :param fields: Gives the workspace's custom fields; asked at the first value without a name. ``None`` leaves the
        JSON as it is.
    :param chosen: Fields that get a column, at the end of the table, in this order.
    :param drop_columns: As of the operator: of JSON that is left out, nobody is asked for the names.
    """
    names = [each.name for each in table.columns]
    place, ids = names.index(column), names.index("id")
    if _drops(drop_columns, table.columns[place]):
        fields = None
    columns = [each.column for each in chosen]

    def values_of(text: str | None, item_id: Any) -> Row:
        if text is None or not chosen:
            return (None,) * len(chosen)
        given = _values_by_id(text)
        return tuple(
            _cell(given.get(field.id), of, item_id) for field, of in zip(chosen, columns, strict=True)
        )

    def rows(row: bytes) -> Iterator[Row]:
        for values in table.rows(row):
            text = values[place]
            named = _named(text, fields)
            yield (*values[:place], named, *values[place + 1 :], *values_of(text, values[ids]))

    quick = table.columns_of

    def columns_of(parts: Sequence[bytes], arrow: Any = None, /) -> Columns:
        assert quick is not None
        values = list(quick(parts, arrow))
        texts, item_ids = values[place], values[ids]
        if fields is not None:
            values[place] = [_named(text, fields) for text in texts]
        # Of no column, zip would ask for the nothing of each row.
        return [*values, *zip(*map(values_of, texts, item_ids), strict=True)] if columns else values

    return Table(
        table.name,
        (*table.columns, *columns),
        rows,
        table.line,
        None if quick is None else columns_of,
    )


def _drops(drop_columns: object, column: Column) -> bool:
    words = (column.name, *map(".".join, column.paths))
    return not _names("drop_columns", drop_columns).isdisjoint(words)


def _named(text: str | None, fields: Fields | None) -> str | None:
    """Return JSON with ``name`` and ``type`` beside each id that comes without a name."""
    if fields is None or text is None or '"customFieldId"' not in text:
        return text
    try:
        values = _decode_values(text)
        missing = [
            (each, _decode_text(each["customFieldId"]))
            for each in values
            if "customFieldId" in each and not _NAMES & each.keys()
        ]
    except msgspec.DecodeError:
        return text  # Something else than values of custom fields; it stays as it came.
    if not missing:
        return text
    known = fields()
    for each, field_id in missing:
        if field := known.get(field_id):
            each |= {key: msgspec.Raw(_encode(field.get(key))) for key in ("name", "type")}
    return _encode(values).decode() if any(field_id in known for _, field_id in missing) else text


def _values_by_id(text: str) -> dict[str, Any]:
    """Return the values of custom fields; of a field that is there twice, the last."""
    values = parse(text.encode())
    return {
        each["customFieldId"]: each.get("value")
        for each in (values if isinstance(values, list) else ())
        if isinstance(each, dict) and isinstance(each.get("customFieldId"), str)
    }


def _cell(value: Any, of: Column, item_id: Any) -> Any:
    if value is None or value == "":
        return [] if of.type is ColumnType.TEXTS else None
    if of.type is ColumnType.TEXT and isinstance(value, (bool, int, float, Decimal)):
        return convert(value, replace(of, type=ColumnType.JSON), item_id)
    if of.type is ColumnType.NUMBER and isinstance(value, str):
        value = _number(value)
    if of.type is ColumnType.FLAG and value in ("true", "false"):
        value = value == "true"
    return convert(value, of, item_id)


def _number(text: str) -> Any:
    """Return the number that a text is; the text itself where it is none."""
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        return text
    return found if found.is_finite() else text
