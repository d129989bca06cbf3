# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.columns.custom_fields import (
    check_privacy,
    chosen_fields,
    column_name,
    find_fields,
    with_custom_fields,
)
from airflow_provider_clockify.columns.detailed_columns import DETAILED
from airflow_provider_clockify.columns.privacy import column_rules
from airflow_provider_clockify.columns.tables import Table
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyResponseError

KINDS = {
    "f1": ("Ticket", "TXT"),
    "f2": ("Kilometres", "NUMBER"),
    "f3": ("Remote", "CHECKBOX"),
    "f4": ("Skills", "DROPDOWN_MULTIPLE"),
    "f5": ("Cost centre", "DROPDOWN_SINGLE"),
    "f6": ("Link", "LINK"),
    "f7": ("Same", "TXT"),
    "f8": ("Same", "TXT"),
}
FIELDS = {
    key: {"id": key, "name": name, "type": kind, "entityType": "TIMEENTRY"}
    for key, (name, kind) in KINDS.items()
} | {"f9": {"id": "f9", "name": "Birthday", "type": "TXT", "entityType": "USER"}}


def entry(*values: Any) -> bytes:
    return json.dumps(
        {"_id": "e", "timeInterval": {"start": "2026-11-02T08:00:00Z"}, "customFields": list(values)}
    ).encode()


def value(field_id: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"customFieldId": field_id, "value": content, **more}


def table_of(chosen: dict[str, str] | None = None, fields: Any = FIELDS) -> Table:
    found = find_fields(chosen_fields(chosen or {}), FIELDS)
    return with_custom_fields(DETAILED, "custom_fields", None if fields is None else lambda: fields, found)


def both_ways(table: Table, *rows: bytes) -> list[dict[str, Any]]:
    """Row by row and column by column, which must be the same."""
    names = [each.name for each in table.columns]
    wanted = [dict(zip(names, values, strict=True)) for row in rows for values in table.rows(row)]
    assert table.columns_of is not None
    quick = dict(zip(names, table.columns_of(list(rows)), strict=True))
    for name in ("custom_fields", *names[len(DETAILED.columns) :]):
        assert list(quick[name]) == [row[name] for row in wanted]
    return wanted


# --- names in the JSON --------------------------------------------------------------------------------------


def test_ids_get_the_name_and_type_of_their_field_and_values_stay_as_they_are():
    (row,) = both_ways(table_of(), entry(value("f1", "OPS-17"), value("f2", 12.5), value("f4", ["a", "ü"])))
    assert row["custom_fields"] == (
        '[{"customFieldId":"f1","value":"OPS-17","name":"Ticket","type":"TXT"},'
        '{"customFieldId":"f2","value":12.5,"name":"Kilometres","type":"NUMBER"},'
        '{"customFieldId":"f4","value":["a", "\\u00fc"],"name":"Skills","type":"DROPDOWN_MULTIPLE"}]'
    )


@pytest.mark.parametrize(
    "raw",
    [
        "null",
        "[]",
        '[{"customFieldId" : "f1","name":"Old name","value":1}]',
        '[{"value": 1}]',
        '{"customFieldId":"f1"}',
        "5",
        '[{"customFieldId":5}]',
        '["customFieldId"]',
    ],
)
def test_nobody_is_asked_where_no_name_is_missing_and_the_json_keeps_its_bytes(raw):
    def refuse() -> Any:
        raise AssertionError("asked")

    table = with_custom_fields(DETAILED, "custom_fields", refuse)
    row = entry()[:-3] + raw.encode() + b"}"
    (found,) = both_ways(table, row)
    assert found["custom_fields"] == (None if raw == "null" else raw)


def test_fields_that_are_not_in_the_list_keep_their_id_alone():
    raw = '[{"customFieldId": "gone", "value": 1}]'
    assert both_ways(table_of(), entry()[:-3] + raw.encode() + b"}")[0]["custom_fields"] == raw
    mixed = both_ways(table_of(), entry(value("gone", 1), value("f1", 2)))[0]["custom_fields"]
    assert [each.get("name") for each in json.loads(mixed)] == [None, "Ticket"]


def test_without_a_list_of_fields_the_json_is_as_sent():
    raw = json.dumps([value("f1", 1)])
    assert both_ways(table_of(fields=None), entry(value("f1", 1)))[0]["custom_fields"] == raw


# --- columns ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "kind", "given", "expected"),
    [
        ("Ticket", "text", "OPS-17", "OPS-17"),
        ("Ticket", "text", "", None),
        ("Ticket", "text", 12.50, "12.5"),
        ("Ticket", "date", "2026-11-02", date(2026, 11, 2)),
        ("Ticket", "number", " 12.50", 12.5),
        ("f2", "number", 12.5, 12.5),
        ("Kilometres", "text", 7, "7"),
        ("Remote", "flag", True, True),
        ("Remote", "boolean", "false", False),
        ("Remote", "text", True, "true"),
        ("Skills", "texts", ["a", "b"], ["a", "b"]),
        ("Skills", "texts", None, []),
        ("Cost centre", "text", "4711", "4711"),
        ("Link", "text", "https://x", "https://x"),
    ],
)
def test_a_chosen_field_is_a_typed_column(key, kind, given, expected):
    field_id = next(i for i, f in FIELDS.items() if key in (i, f["name"]))
    rows = both_ways(table_of({key: kind}), entry(value(field_id, given)), entry())
    assert rows[0][column_name(key)] == expected
    assert type(rows[0][column_name(key)]) is type(expected)
    assert rows[1][column_name(key)] == ([] if kind == "texts" else None)


@pytest.mark.parametrize(
    ("key", "kind", "given"),
    [
        ("Ticket", "number", "twelve"),
        ("Ticket", "number", "NaN"),
        ("Ticket", "date", "tomorrow"),
        ("Ticket", "text", ["a"]),
        ("Remote", "flag", "yes"),
        ("Remote", "flag", 1),
        ("Kilometres", "number", True),
        ("Skills", "texts", "a"),
        ("Skills", "texts", [{}]),
    ],
)
def test_a_value_that_does_not_fit_names_row_and_column(key, kind, given):
    field_id = next(i for i, f in FIELDS.items() if f["name"] == key)
    with pytest.raises(ClockifyResponseError, match=rf"Item e.* column {column_name(key)}"):
        list(table_of({key: kind}).rows(entry(value(field_id, given))))


def test_columns_stand_at_the_end_in_the_order_of_the_parameter_whatever_the_field_is_called_later():
    chosen = chosen_fields('{"Kilometres": "number", "f1": "text", "Cost centre": "text"}')
    table = with_custom_fields(DETAILED, "custom_fields", None, chosen)
    assert [each.name for each in table.columns[len(DETAILED.columns) :]] == [
        "custom_field_kilometres",
        "custom_field_f1",
        "custom_field_cost_centre",
    ]
    assert table.columns[: len(DETAILED.columns)] == DETAILED.columns


@given(st.text(max_size=30))
def test_names_of_columns_are_snake_case(key):
    name = column_name(key)
    assert name == "" or (name.isascii() and name == name.lower() and name.replace("_", "").isalnum())
    assert not name.endswith("_")
    assert name not in {each.name for each in DETAILED.columns}


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("Cost centre", "custom_field_cost_centre"),
        ("  Überstunden (h) ", "custom_field_uberstunden_h"),
        ("PO-Number #2", "custom_field_po_number_2"),
        ("工数", ""),
    ],
)
def test_names_of_columns(key, name):
    assert column_name(key) == name


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (["Ticket"], "must be a dict"),
        ("Ticket", "must be a dict"),
        ({"Ticket": "string"}, "gives 'Ticket' the type 'string'; use one of text, texts, number"),
        ({5: "text"}, "must be a dict"),
        ({"工数": "text"}, "give the id of the field instead"),
        (
            {"Cost centre": "text", "cost-centre": "text"},
            "'Cost centre' and 'cost-centre', .* custom_field_cost_centre",
        ),
    ],
)
def test_what_cannot_be_columns_is_refused_without_a_request(given, text):
    with pytest.raises(ClockifyConfigError, match=text):
        chosen_fields(given)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"Tickets": "text"},
            "names 'Tickets'; custom fields of time entries .* 'Cost centre', 'Kilometres'",
        ),
        ({"Birthday": "text"}, "names 'Birthday'"),
        ({"Same": "text"}, "as which 2 custom fields are known: f7, f8"),
        ({"Skills": "text"}, "the field is a DROPDOWN_MULTIPLE; use texts"),
        ({"Remote": "number"}, "the field is a CHECKBOX; use flag or boolean or text"),
    ],
)
def test_what_the_workspace_does_not_have_is_refused(given, text):
    with pytest.raises(ClockifyConfigError, match=text):
        find_fields(chosen_fields(given), FIELDS)
    assert [each.id for each in find_fields(chosen_fields({"f8": "text"}), FIELDS)] == ["f8"]


# --- privacy ------------------------------------------------------------------------------------------------


def test_chosen_columns_are_hashed_and_the_services_word_drops_all_of_them():
    table = table_of({"Ticket": "text", "Kilometres": "number"})

    def rules(**names: list[str]) -> Table:
        found = column_rules(table, salt=lambda: "pepper", is_flat=True, **names)
        assert found is not None
        return found.table(table)

    row = entry(value("f1", "OPS-17"), value("f2", 3))
    hashed = rules(hash_columns=["custom_field_ticket"], drop_columns=["custom_fields"])
    names = [each.name for each in hashed.columns]
    (found,) = (dict(zip(names, values, strict=True)) for values in hashed.rows(row))
    assert "custom_fields" not in found
    assert len(found["custom_field_ticket"]) == 64
    assert found["custom_field_kilometres"] == 3
    assert hashed.columns_of is not None
    assert list(zip(*hashed.columns_of([row]), strict=True))[0][-2:] == tuple(found.values())[-2:]
    left = {each.name for each in rules(drop_columns=["customFields"]).columns}
    assert left == {each.name for each in DETAILED.columns} - {"custom_fields"}


@pytest.mark.parametrize(
    "names", [{"hash_columns": ["custom_field_ticket"]}, {"drop_columns": ("custom_field_ticket",)}]
)
def test_a_value_that_would_stay_readable_in_the_json_is_refused(names):
    chosen = chosen_fields({"Ticket": "text"})
    given = {"drop_columns": (), "hash_columns": (), **names}
    with pytest.raises(ClockifyConfigError, match="custom_field_ticket would be .* add custom_fields"):
        check_privacy(chosen, **given)
    check_privacy(chosen, (*given["drop_columns"], "custom_fields"), given["hash_columns"])
    check_privacy(chosen, "user_email", 5)
