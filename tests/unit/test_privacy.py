# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.columns.detailed_columns import DETAILED
from airflow_provider_clockify.columns.list_columns import TABLES
from airflow_provider_clockify.columns.privacy import ColumnRules, column_rules
from airflow_provider_clockify.columns.report_columns import EXPENSES, summary_table, weekly_table
from airflow_provider_clockify.columns.tables import Table
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.window import Window

SALT = "pepper"
WEEK = Window(datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC))


def rules(
    columns: Any, table: Table = DETAILED, *, salt: str | None = SALT, is_flat: bool = False
) -> ColumnRules:
    made = column_rules(table, **columns, salt=lambda: salt, is_flat=is_flat)
    assert made is not None
    return made


def line(columns: Any, row: bytes, table: Table = DETAILED) -> bytes:
    change = rules(columns, table).table(table).line
    assert change is not None
    return change(row)


def digest(text: str) -> str:
    return hmac.new(SALT.encode(), text.encode(), hashlib.sha256).hexdigest()


def flat(columns: Any, row: bytes, table: Table = DETAILED) -> dict[str, Any]:
    changed = rules(columns, table, is_flat=True).table(table)
    (values,) = changed.rows(row)
    return dict(zip([each.name for each in changed.columns], values, strict=True))


# --- leave out ----------------------------------------------------------------------------------------------


def test_a_dropped_column_is_no_column(entry_json):
    row = flat({"drop_columns": ["user_email", "amount"]}, entry_json())
    whole = flat({"drop_columns": ["currency"]}, entry_json())
    assert "user_email" not in row
    assert row == {n: v for n, v in {**whole, "currency": "EUR"}.items() if n not in ("user_email", "amount")}


def test_other_fields_of_a_line_keep_their_bytes():
    row = (
        b'{"_id":"a","userEmail":"x@y","big":123456789012345678901234567890,"f":1.10,"e":1E5,"u":"\\u00fc/"}'
    )
    kept = b'{"_id":"a","big":123456789012345678901234567890,"f":1.10,"e":1E5,"u":"\\u00fc/"}'
    assert line({"drop_columns": ["user_email"]}, row) == kept


def test_nested_values_next_to_a_dropped_one_keep_their_bytes():
    row = b'{"tags":[{"_id":"t","name":"n","w":1.0},{"name":"m","w":2E1},7],"timeInterval":{"start":"s","x":1.50}}'
    assert line({"drop_columns": ["tag_names"]}, row) == (
        b'{"tags":[{"_id":"t","w":1.0},{"w":2E1},7],"timeInterval":{"start":"s","x":1.50}}'
    )
    assert b'"timeInterval":{"x":1.50}' in line({"drop_columns": ["start"]}, row)


@pytest.mark.parametrize("name", ["tag_ids", "tagIds"])
def test_ids_of_tags_go_from_every_place(name):
    row = b'{"tagIds":["t1"],"tags":[{"_id":"t1","id":"t1","name":"n"}]}'
    assert line({"drop_columns": [name]}, row) == b'{"tags":[{"name":"n"}]}'


@pytest.mark.parametrize("row", [b"{}", b'{"tags":null}', b'{"tags":{"name":"x"}}', b'{"tags":[null,"x"]}'])
def test_what_is_not_there_is_not_missed(row):
    assert json.loads(line({"drop_columns": ["tag_names", "user_email"]}, row)) == json.loads(row)


def test_a_field_that_no_column_holds_goes_under_its_own_name():
    row = b'{"projectColor":"#fff","a":{"b":1,"c":2},"l":[{"x":1,"y":2}]}'
    dropped = line({"drop_columns": ["projectColor", "a.b", "l.*.x"]}, row)
    assert dropped == b'{"a":{"c":2},"l":[{"y":2}]}'


@pytest.mark.parametrize("name", ["user_email", "userEmail"])
@pytest.mark.parametrize("is_flat", [True, False])
def test_a_column_goes_by_either_name_in_every_format(entry_json, name, is_flat):
    changed = rules({"drop_columns": [name]}, is_flat=is_flat).table(DETAILED)
    assert "user_email" not in [each.name for each in changed.columns]
    assert changed.line is not None
    assert b"ada@example.com" not in changed.line(entry_json())


# --- hash ---------------------------------------------------------------------------------------------------


def test_hashes_are_keyed_and_the_same_in_every_format(entry_json):
    columns = {"hash_columns": ["user_email", "tag_names", "tag_ids"]}
    row = flat(columns, entry_json())
    sent = json.loads(line(columns, entry_json()))
    assert row["user_email"] == sent["userEmail"] == digest("ada@example.com")
    assert row["tag_names"] == [sent["tags"][0]["name"]] == [digest("planning")]
    assert row["tag_ids"] == sent["tagIds"] == [sent["tags"][0]["_id"]] == [digest("t1")]


def test_another_salt_gives_another_hash(entry_json):
    other = column_rules(DETAILED, hash_columns=["user_name"], salt=lambda: "salt", is_flat=False)
    assert other is not None
    change = other.table(DETAILED).line
    assert change is not None
    assert change(entry_json()) != line({"hash_columns": ["user_name"]}, entry_json())


def test_nothing_stays_nothing_and_text_of_any_kind_is_hashed(entry_json):
    odd = 'ü\n"\u2028🚀'
    row = flat({"hash_columns": ["user_name", "task_name"]}, entry_json(userName=odd))
    assert (row["user_name"], row["task_name"]) == (digest(odd), None)
    sent = json.loads(line({"hash_columns": ["user_name", "task_name"]}, entry_json(userName=odd)))
    assert (sent["userName"], sent["taskName"]) == (digest(odd), None)


@pytest.mark.parametrize("name", ["amount", "billable", "start", "custom_fields", "duration_seconds"])
def test_only_text_can_be_hashed(name):
    with pytest.raises(ClockifyConfigError, match=rf"hash_columns names {name}, which holds"):
        rules({"hash_columns": [name]}).table(DETAILED)


@pytest.mark.parametrize("value", [b"7", b"1.5", b'{"a":"secret"}', b'[{"a":"secret"}]', b"true"])
def test_a_field_that_turns_out_to_be_no_text_is_refused_rather_than_left_readable(value):
    with pytest.raises(ClockifyConfigError, match="names projectColor, which is not always text"):
        line({"hash_columns": ["projectColor"]}, b'{"projectColor":' + value + b"}")


# --- groups and weeks ---------------------------------------------------------------------------------------

PLAIN = json.dumps(
    {
        "_id": "ID1",
        "name": "Name1",
        "nameLowerCase": "name1",
        "duration": 111,
        "amount": 222.5,
        "amounts": [{"type": "EARNED", "value": 222.5}],
        "currency": "EUR",
        "workspaceCurrencyCode": "EUR",
        "children": [
            {
                "_id": "ID2",
                "name": "Name2",
                "nameLowerCase": "name2",
                "duration": 111,
                "amount": 222.5,
                "amounts": [{"type": "EARNED", "value": 222.5}],
                "currency": "EUR",
                "children": [
                    {"id": "ID3", "name": "Name3", "nameLowerCase": "name3", "duration": 111, "amount": 222.5}
                ],
            }
        ],
        "days": [
            {
                "date": "2026-11-09",
                "duration": 111,
                "amount": 222.5,
                "currency": "EUR",
                "amounts": [{"type": "EARNED", "value": 222.5}],
            }
        ],
    }
).encode()


@pytest.mark.parametrize(
    ("drop", "gone"),
    [
        (["group_1_id"], ["ID1"]),
        (["group_2_id"], ["ID2"]),
        (["group_3_id"], ["ID3"]),
        (["group_1_name"], ["Name1", "name1"]),
        (["group_2_name"], ["Name2", "name2"]),
        (["group_3_name"], ["Name3", "name3"]),
        (["amount", "amounts"], ["EARNED"]),
        (["currency", "amounts"], []),
    ],
)
def test_a_dropped_column_of_a_summary_is_in_no_level_of_its_lines(drop, gone):
    table = summary_table(("CLIENT", "PROJECT", "TASK"), WEEK)
    row = json.loads(PLAIN)
    del row["days"]
    text = line({"drop_columns": drop}, json.dumps(row).encode(), table).decode()
    assert not [each for each in gone if f'"{each}"' in text]
    if "amount" in drop:
        assert "222.5" not in text
    if "currency" in drop:
        assert "EUR" not in text
    if "group_1_id" in drop:
        assert "ID2" in text


def test_the_duration_of_a_summary_goes_from_every_level():
    row = json.loads(PLAIN)
    del row["days"]
    assert b"111" not in line(
        {"drop_columns": ["duration_seconds"]}, json.dumps(row).encode(), summary_table(("USER",), WEEK)
    )


@pytest.mark.parametrize(
    ("drop", "gone"),
    [
        (["group_name"], "ame1"),
        (["group_id"], "ID1"),
        (["date"], "2026-11-09"),
        (["duration_seconds"], "111"),
        (["amount", "amounts", "group_amounts"], "222.5"),
        (["amounts", "group_amounts"], "EARNED"),
        (["currency"], "EUR"),
    ],
)
def test_a_dropped_column_of_a_week_is_in_no_day_of_its_lines(drop, gone):
    row = json.loads(PLAIN)
    row["children"] = [{"days": row["days"], **row["days"][0]}]
    text = line({"drop_columns": drop}, json.dumps(row).encode(), weekly_table("USER", WEEK)).decode()
    assert gone not in text
    assert "days" in text


@given(
    st.sets(st.sampled_from([each.name for each in DETAILED.columns]), min_size=1, max_size=5),
    st.sampled_from([json.dumps, str]),
)
def test_text_that_a_template_made_of_a_list_is_the_list(names, text_of):
    given_list = column_rules(DETAILED, drop_columns=sorted(names), salt=lambda: None, is_flat=True)
    assert (
        column_rules(DETAILED, drop_columns=text_of(sorted(names)), salt=lambda: None, is_flat=True)
        == given_list
    )


# --- refusals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "nothing",
    [{}, {"drop_columns": []}, {"drop_columns": None, "hash_columns": ()}, {"hash_columns": "[]"}],
    ids=str,
)
def test_nothing_to_change(nothing):
    assert column_rules(DETAILED, **nothing, salt=lambda: None, is_flat=False) is None


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"drop_columns": "user_email"}, "drop_columns is 'user_email'; it must be a list of names"),
        ({"drop_columns": [1]}, "drop_columns is [1]; it must be a list"),
        ({"drop_columns": {"user_email"}}, "it must be a list"),
        (
            {"hash_columns": {"user_email": "sha1"}},
            "hash_columns is {'user_email': 'sha1'}; it must be a list",
        ),
        ({"hash_columns": '{"user_email": 1}'}, "hash_columns is {'user_email': 1}; it must be a list"),
        ({"drop_columns": "user_email, id"}, "drop_columns is 'user_email, id'; it must be a list"),
        (
            {"drop_columns": '["user_email", null]'},
            "drop_columns[1] is empty: its template rendered to nothing",
        ),
        ({"drop_columns": ["user_mail"]}, "drop_columns names 'user_mail'; detailed has amount, approval"),
        ({"hash_columns": [""]}, "hash_columns names ''"),
        (
            {"drop_columns": ["user_email"], "hash_columns": ["user_email"]},
            "drop_columns and hash_columns both name user_email",
        ),
        (
            {"drop_columns": ["userEmail"], "hash_columns": ["user_email"]},
            "drop_columns and hash_columns both name user_email",
        ),
        ({"drop_columns": [each.name for each in DETAILED.columns]}, "leaves no column"),
    ],
    ids=str,
)
def test_refusals_name_the_mistake(columns, text):
    with pytest.raises(ClockifyConfigError) as caught:
        column_rules(DETAILED, **columns, salt=lambda: SALT, is_flat=False)
    assert text in str(caught.value)


@pytest.mark.parametrize("name", ["useremail", "tags", "timeInterval", "projectColor"])
def test_a_flat_file_knows_only_columns(name):
    with pytest.raises(ClockifyConfigError, match=rf"(?m)names '{name}'; detailed has [^,]+,[^']*$"):
        column_rules(DETAILED, drop_columns=[name], salt=lambda: SALT, is_flat=True)


@pytest.mark.parametrize("salt", [None, ""])
def test_a_hash_without_a_salt_is_refused_with_both_cures(salt):
    with pytest.raises(ClockifyConfigError, match="extra.hash_salt.*variable clockify_hash_salt"):
        column_rules(DETAILED, hash_columns=["user_email"], salt=lambda: salt, is_flat=False)


def test_the_salt_is_asked_for_only_where_something_is_hashed():
    def never() -> str:
        raise AssertionError("asked for the salt")

    assert column_rules(DETAILED, drop_columns=["user_email"], salt=never, is_flat=False) is not None


# --- properties ---------------------------------------------------------------------------------------------

TEXT_COLUMNS = [each.name for each in EXPENSES.columns if each.type == "text"]
SECRET = st.text(st.characters(codec="utf-8"), min_size=1).map(lambda text: f"secret-{text}")


@given(st.data())
def test_what_is_dropped_or_hashed_occurs_nowhere_and_all_else_is_as_it_was(data):
    names = data.draw(st.lists(st.sampled_from(TEXT_COLUMNS), unique=True, min_size=1, max_size=6))
    cut = data.draw(st.integers(0, len(names)))
    columns = {"drop_columns": names[:cut], "hash_columns": names[cut:]}
    fields = {path[0]: each.name for each in EXPENSES.columns for path in each.paths}
    item: dict[str, Any] = {
        field: data.draw(SECRET) for field, name in fields.items() if name in TEXT_COLUMNS
    }
    item["extra"] = data.draw(
        st.recursive(st.integers() | st.floats(allow_nan=False, allow_infinity=False), st.lists, max_leaves=5)
    )
    changed = json.loads(line(columns, json.dumps(item).encode(), EXPENSES))
    for field, value in item.items():
        name = fields.get(field)
        if name in columns["drop_columns"]:
            assert field not in changed
        elif name in columns["hash_columns"]:
            assert changed[field] == digest(value)
        else:
            assert changed[field] == value


@given(st.sampled_from(sorted(TABLES)), st.data())
def test_tables_of_all_lists_lose_exactly_the_dropped_columns(name, data):
    table = TABLES[name]
    names = [each.name for each in table.columns]
    drop = data.draw(st.lists(st.sampled_from(names), unique=True, min_size=1, max_size=len(names) - 1))
    changed = rules({"drop_columns": drop}, table).table(table)
    assert [each.name for each in changed.columns] == [each for each in names if each not in drop]
    assert all(len(values) == len(changed.columns) for values in changed.rows(b'{"id":"a"}'))
