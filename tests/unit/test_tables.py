# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.columns.detailed_columns import DETAILED
from airflow_provider_clockify.columns.list_columns import CHANGES, TABLES, snapshot_table
from airflow_provider_clockify.columns.report_columns import (
    ATTENDANCE,
    EXPENSES,
    SUMMARY_COLUMNS,
    WEEKLY_COLUMNS,
    summary_table,
    weekly_table,
)
from airflow_provider_clockify.columns.tables import (
    Column,
    ColumnType,
    Table,
    column,
    convert,
    follow,
    generic_table,
    parse,
)
from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.window import Window

WEEK = Window(datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC))
FIXED = [DETAILED, ATTENDANCE, EXPENSES, CHANGES, *TABLES.values()]
ALL_COLUMNS = {
    **{table.name: table.columns for table in FIXED},
    "summary": SUMMARY_COLUMNS,
    "weekly": WEEKLY_COLUMNS,
}


def flat(table: Table, item: Any) -> list[dict[str, Any]]:
    names = [each.name for each in table.columns]
    raw = item if isinstance(item, bytes) else json.dumps(item).encode()
    return [dict(zip(names, row, strict=True)) for row in table.rows(raw)]


# --- all tables ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", ALL_COLUMNS.values(), ids=ALL_COLUMNS.keys())
def test_columns_have_one_name_each_in_snake_case_and_say_what_they_hold(columns):
    names = [each.name for each in columns]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and name.replace("_", "").isalnum() for name in names)
    assert all(each.description.endswith(".") for each in columns)


UNITS = {
    ColumnType.MONEY: "units of the currency",
    ColumnType.SECONDS: "seconds",
    ColumnType.HOURS: "in hours",
    ColumnType.INSTANT: "UTC",
}
# What else counts something: pieces, places in a list, hours, or what another column names.
COUNTED = ("Units", "Place", "hours", "in time_unit")


@pytest.mark.parametrize("columns", ALL_COLUMNS.values(), ids=ALL_COLUMNS.keys())
def test_every_column_names_its_unit_and_every_amount_has_a_currency_beside_it(columns):
    for number, each in enumerate(columns):
        assert UNITS.get(each.type, "") in each.description, each.name
        if each.type in (ColumnType.NUMBER, ColumnType.WHOLE):
            assert any(unit in each.description for unit in COUNTED), each.name
        if each.type is ColumnType.MONEY:
            around = {near.name for near in columns[max(number - 6, 0) : number + 2]}
            assert {"currency", each.name.replace("_amount", "_currency")} & around, each.name


@pytest.mark.parametrize("name", ["detailed", "summary", "weekly", "attendance"])
def test_every_duration_of_a_report_is_in_hours_too(name):
    columns = ALL_COLUMNS[name]
    seconds = [n for n, each in enumerate(columns) if each.type is ColumnType.SECONDS]
    assert seconds
    for number in seconds:
        hours = columns[number + 1]
        assert (hours.name, hours.type) == (
            columns[number].name.replace("seconds", "hours"),
            ColumnType.HOURS,
        )
        assert hours.paths == columns[number].paths


@pytest.mark.parametrize("table", FIXED, ids=lambda table: table.name)
def test_unknown_new_fields_change_no_row(table):
    item = {"id": "a", "timeInterval": {"start": "2026-11-02T08:00:00Z"}}
    assert flat(table, {**item, "brandNew": {"a": [1]}, "brand_new": 3}) == flat(table, item)


# --- values -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (ColumnType.TEXT, "x", "x"),
        (ColumnType.TEXT, "", None),
        (ColumnType.FLAG, False, False),
        (ColumnType.WHOLE, 3, 3),
        (ColumnType.WHOLE, Decimal("3.0"), 3),
        (ColumnType.NUMBER, Decimal("2.5"), 2.5),
        (ColumnType.INSTANT, "2026-11-03T10:15:00+12:00", datetime(2026, 11, 2, 22, 15, tzinfo=UTC)),
        (ColumnType.DAY, "2026-11-03", date(2026, 11, 3)),
        (ColumnType.DAY, "2026-11-03T00:00:00Z", date(2026, 11, 3)),
        (ColumnType.DAY, "2026-11-03T10:15:00+12:00", date(2026, 11, 2)),
        (ColumnType.MONEY, Decimal("40055.555555555555555555"), Decimal("400.55555556")),
        (ColumnType.MONEY, 7, Decimal("0.07")),
        (ColumnType.HOURS, "PT1H30M", Decimal("1.5")),
        (ColumnType.HOURS, Decimal("1.0"), Decimal("0.000278")),
        (ColumnType.HOURS, -9, Decimal("-0.0025")),
        (ColumnType.SECONDS, "PT1H30M", 5400),
        (ColumnType.SECONDS, 5400, 5400),
        (ColumnType.SECONDS, Decimal("5400.0"), 5400),
        (ColumnType.TEXTS, ["a", None, 3], ["a", None, "3"]),
        (ColumnType.JSON, {"a": Decimal("40055.555555555555555555")}, '{"a":40055.555555555555555555}'),
        (ColumnType.JSON, [], "[]"),
    ],
)
def test_values_get_the_type_of_their_column(kind, value, expected):
    converted = convert(value, Column("c", kind, "x."), "a")
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ColumnType.TEXT, 1),
        (ColumnType.FLAG, "true"),
        (ColumnType.FLAG, 1),
        (ColumnType.WHOLE, Decimal("1.5")),
        (ColumnType.WHOLE, True),
        (ColumnType.SECONDS, Decimal("0.5")),
        (ColumnType.HOURS, Decimal("0.5")),
        (ColumnType.MONEY, "12"),
        (ColumnType.NUMBER, "1"),
        (ColumnType.INSTANT, 1),
        (ColumnType.TEXTS, "a"),
        (ColumnType.TEXTS, {"a": 1}),
    ],
)
def test_what_a_column_cannot_hold_names_item_column_and_cure(kind, value):
    with pytest.raises(ClockifyResponseError, match="Item a has a .* where column c holds .*as jsonl"):
        convert(value, Column("c", kind, "x."), "a")


def test_the_first_path_that_leads_to_a_value_counts():
    table = generic_table(
        "t", [column("c", ColumnType.TEXT, "x.", "a.b", "c"), column("l", ColumnType.TEXTS, "x.", "l.*.n")]
    )
    assert list(table.rows(b'{"a":{"b":"1"},"c":"2"}')) == [("1", [])]
    assert list(table.rows(b'{"a":{"b":null},"c":"2","l":[{"n":"x"},{}]}')) == [("2", ["x", None])]
    assert list(table.rows(b'{"a":3}')) == [(None, [])]


def test_a_way_into_what_is_no_object_or_list_ends():
    assert follow({"a": 1}, ("a", "b")) is None
    assert follow({"a": {"b": 1}}, ("a", "*", "b")) is None


def test_fractions_are_read_exactly():
    assert parse(b"[40055.555555555555555555, 123456789012345678901234567890]") == [
        Decimal("40055.555555555555555555"),
        123456789012345678901234567890,
    ]


def test_a_snapshot_stamps_each_row_last():
    taken = datetime(2026, 11, 2, tzinfo=UTC)
    table = snapshot_table(TABLES["tags"], taken)
    assert table.columns[-1].name == "snapshot_at"
    assert flat(table, {"id": "a"})[0] == {**flat(TABLES["tags"], {"id": "a"})[0], "snapshot_at": taken}


# --- summary ------------------------------------------------------------------------------------------------


def group(
    group_id: Any, name: str | None, duration: Any, *children: dict[str, Any], **more: Any
) -> dict[str, Any]:
    fields = {"_id": group_id, "name": name, "duration": duration, **more}
    return {**fields, "children": list(children)} if children else fields


def test_one_group_is_one_row():
    row = group("u", "Ada", 60, amount=1.5, currency="EUR", amounts=[{"type": "EARNED", "value": 1.5}])
    assert flat(summary_table(("USER",), WEEK), row) == [
        {
            "period_start": WEEK.start,
            "period_end": WEEK.end,
            "group_1": "USER",
            "group_1_id": "u",
            "group_1_name": "Ada",
            **{f"group_{level}{part}": None for level in (2, 3) for part in ("", "_id", "_name")},
            "duration_seconds": 60,
            "duration_hours": Decimal("0.016667"),
            "amount": Decimal("0.015"),
            "currency": "EUR",
            "amounts": '[{"type":"EARNED","value":1.5}]',
        }
    ]


def test_nested_groups_are_one_row_per_innermost_group():
    inner = [group("t1", "Build", 10), group("t2", "Test", 20)]
    row = group("u", "Ada", 40, group("p", "Web", 30, *inner), group("q", "App", 10, group("t3", "Ship", 10)))
    rows = flat(summary_table(("USER", "PROJECT", "TASK"), WEEK), row)
    assert [(r["group_1_id"], r["group_2_id"], r["group_3_id"], r["duration_seconds"]) for r in rows] == [
        ("u", "p", "t1", 10),
        ("u", "p", "t2", 20),
        ("u", "q", "t3", 10),
    ]
    assert {(r["group_1"], r["group_2"], r["group_3"]) for r in rows} == {("USER", "PROJECT", "TASK")}


@pytest.mark.parametrize("children", [{}, {"children": None}, {"children": []}])
def test_a_group_without_the_children_asked_for_is_a_row_if_it_holds_anything(children):
    table = summary_table(("USER", "PROJECT"), WEEK)
    assert flat(table, {**group("u", "Ada", 0), **children}) == []
    for more in ({"duration": 60}, {"duration": -60}, {"duration": 0, "amount": 5}):
        (row,) = flat(table, {**group("u", "Ada", 0), **more, **children})
        assert (row["group_1"], row["group_1_id"], row["group_1_name"]) == ("USER", "u", "Ada")
        assert (row["group_2"], row["group_2_id"], row["group_2_name"]) == (None, None, None)
        assert row["duration_seconds"] == more["duration"]
        assert row["amount"] == (Decimal("0.05") if "amount" in more else None)


KINDS = ("USER", "PROJECT", "DATE")


@st.composite
def divided(draw: Any, level: int = 1) -> dict[str, Any]:
    """A group that is divided down to some level, and adds up."""
    below = draw(st.lists(divided(level + 1), max_size=3)) if level < len(KINDS) else []
    own = sum(each["duration"] for each in below) if below else draw(st.integers(-5000, 5000))
    return group(draw(st.text("abc", min_size=1)), "x", own, *below)


@given(divided(), st.sampled_from([KINDS[:1], KINDS[:2], KINDS]))
def test_rows_of_a_summary_add_up_to_the_group_however_deep_it_is_divided(item, kinds):
    rows = flat(summary_table(kinds, WEEK), item)
    assert sum(row["duration_seconds"] for row in rows) == item["duration"]
    for row in rows:
        known = [row[f"group_{level}"] for level in (1, 2, 3)]
        assert known == [*kinds[: 3 - known.count(None)], *[None] * known.count(None)]


def spoilt(item: dict[str, Any], seconds: int) -> bool:
    """Change the innermost group of the first branch, if there is one below the item."""
    if "children" not in item:
        return False
    if not spoilt(item["children"][0], seconds):
        item["children"][0]["duration"] += seconds
    return True


@given(divided(), st.integers(-100, 100).filter(bool))
def test_a_group_whose_children_do_not_add_up_is_refused_by_name(item, seconds):
    if spoilt(item, seconds):
        with pytest.raises(
            ClockifyResponseError, match=r"The group [abc]+ lasts .* s, its children .* as jsonl"
        ):
            flat(summary_table(KINDS, WEEK), item)


@pytest.mark.parametrize(
    ("whole", "parts", "is_fine"),
    [
        (60, [60, 60], True),
        (60, [30, 30], True),
        (60, [59], False),
        (60, [30, 29], False),
        (0, [-60, 30], True),
        (None, [30], True),
    ],
)
def test_entries_count_in_each_of_their_tags(whole, parts, is_fine):
    item = group("u", "Ada", whole, *(group(f"t{n}", "x", part) for n, part in enumerate(parts)))
    table = summary_table(("USER", "TAG"), WEEK)
    if is_fine:
        assert [row["duration_seconds"] for row in flat(table, item)] == parts
    else:
        with pytest.raises(ClockifyResponseError, match="The group u lasts 60 s"):
            flat(table, item)


def both(**more: Any) -> dict[str, Any]:
    named = [{"currency": code, "amount": 5} for code in ("EUR", "USD")]
    return {"amount": 10, "amounts": [{"type": "EARNED", "value": 10, "amountByCurrency": named}], **more}


@pytest.mark.parametrize("currency", [None, "USD", "EUR"])
def test_a_group_over_two_currencies_has_neither_amount_nor_currency(currency):
    item = group("u", "Ada", 60, **both(currency=currency, workspaceCurrencyCode="EUR"))
    (row,) = flat(summary_table(("USER",), WEEK), item)
    assert (row["amount"], row["currency"]) == (None, None)
    assert parse(row["amounts"].encode()) == both()["amounts"]


def test_a_sum_whose_parts_are_not_said_is_refused_by_name():
    below = [{"_id": code, "duration": 30, "amount": 5, "currency": code} for code in ("EUR", "USD")]
    item = group("u", "Ada", 60, *below, amount=10, currency="USD")
    with pytest.raises(
        ClockifyResponseError, match="amount of the group u adds up EUR, USD, and .* as jsonl"
    ):
        flat(summary_table(("USER",), WEEK), item)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"_id": {"USER": "u", "TIMEENTRY": "x"}}, '{"USER":"u","TIMEENTRY":"x"}'),
        ({"_id": ""}, None),
        ({"_id": None}, None),
        ({"id": "b"}, "b"),
        ({"_id": None, "id": "b"}, "b"),
    ],
)
def test_ids_of_groups_are_text_whatever_the_service_makes_of_them(found, expected):
    (row,) = flat(summary_table(("TIMEENTRY",), WEEK), {**found, "name": "x", "duration": 1})
    assert row["group_1_id"] == expected


def test_the_currency_of_the_workspace_stands_in_for_a_missing_one_but_not_for_none():
    row = {"_id": "u", "name": "Ada", "duration": 1, "amount": 5, "workspaceCurrencyCode": "EUR"}
    assert flat(summary_table(("USER",), WEEK), row)[0]["currency"] == "EUR"
    assert flat(summary_table(("USER",), WEEK), {**row, "currency": None})[0]["currency"] is None


# --- weekly -------------------------------------------------------------------------------------------------


def test_a_week_is_one_row_per_day():
    days = [
        {"date": (WEEK.start + timedelta(days=n)).date().isoformat(), "duration": n * 60, "amount": n / 2}
        for n in range(7)
    ]
    rows = flat(weekly_table("PROJECT", WEEK), {"_id": "p", "name": "Web", "currency": "EUR", "days": days})
    assert [row["date"] for row in rows] == [date(2026, 11, 9 + n) for n in range(7)]
    assert [row["duration_seconds"] for row in rows] == [n * 60 for n in range(7)]
    assert [row["duration_hours"] for row in rows[::3]] == [0, Decimal("0.05"), Decimal("0.1")]
    assert [row["amount"] for row in rows] == [Decimal(n) / 200 for n in range(7)]
    assert {(row["group"], row["group_id"], row["group_name"], row["currency"]) for row in rows} == {
        ("PROJECT", "p", "Web", "EUR")
    }
    assert {(row["period_start"], row["period_end"]) for row in rows} == {(WEEK.start, WEEK.end)}


def test_a_day_may_have_a_currency_of_its_own():
    days = [{"date": "2026-11-09", "duration": 1, "currency": "USD"}]
    (row,) = flat(weekly_table("USER", WEEK), {"_id": "u", "name": "Ada", "currency": "EUR", "days": days})
    assert row["currency"] == "USD"


@pytest.mark.parametrize("days", [None, []])
@pytest.mark.parametrize("duration", [None, 0])
def test_a_user_without_days_and_time_gives_no_row(days, duration):
    assert (
        flat(weekly_table("USER", WEEK), {"_id": "u", "name": "Ada", "days": days, "duration": duration})
        == []
    )


@pytest.mark.parametrize("days", [{}, {"days": None}, {"days": []}, {"days": [{"duration": 59}]}])
@pytest.mark.parametrize(
    "held", [{"duration": 60}, {"duration": 60, "children": [{"_id": "p", "duration": 60}]}]
)
def test_time_that_is_in_no_day_is_refused_by_name(days, held):
    with pytest.raises(ClockifyResponseError, match="The group u .*days.*as jsonl"):
        flat(weekly_table("USER", WEEK), {"_id": "u", "name": "Ada", **held, **days})


@pytest.mark.parametrize("held", [{"amount": 5}, {"children": [{"_id": "p"}]}])
def test_money_and_children_without_any_day_are_refused_by_name(held):
    with pytest.raises(ClockifyResponseError, match="The group u of the weekly report has children or money"):
        flat(weekly_table("USER", WEEK), {"_id": "u", "name": "Ada", **held})


def test_days_of_a_week_over_two_currencies_are_numbers_only_where_they_name_one():
    days = [
        {"date": "2026-11-09", "duration": 1, "amount": 3},
        {"date": "2026-11-10", "duration": 1, "amount": 3, "currency": "USD"},
        {"date": "2026-11-11", "duration": 1, **both(currency="USD")},
        {
            "date": "2026-11-12",
            "duration": 1,
            "amount": 5,
            "amounts": [{"type": "EARNED", "amountByCurrency": [{"currency": "EUR", "amount": 5}]}],
        },
    ]
    rows = flat(weekly_table("USER", WEEK), group("u", "Ada", 4, days=days, **both(currency="USD")))
    assert [(row["amount"], row["currency"]) for row in rows] == [(None, None)] * 3 + [
        (Decimal("0.05"), "EUR")
    ]
    assert [row["amounts"] is None for row in rows] == [True, True, False, False]
    assert {row["group_amounts"] for row in rows} == {
        '[{"type":"EARNED","value":10,"amountByCurrency":[{"currency":"EUR","amount":5},{"currency":"USD","amount":5}]}]'
    }


# --- attendance and expenses --------------------------------------------------------------------------------


def test_attendance_rows():
    item = {
        "userId": "u",
        "userName": "Ada",
        "date": "2026-11-09",
        "startTime": "2026-11-09T08:00:00Z",
        "endTime": None,
        "break": 1800,
        "totalDuration": 27000.0,
        "capacity": 28800,
        "remainingCapacity": 0,
        "overtime": 0,
        "timeOff": {"hours": 2},
        "hasRunningEntry": True,
    }
    (row,) = flat(ATTENDANCE, item)
    assert row == {
        "user_id": "u",
        "user_name": "Ada",
        "date": date(2026, 11, 9),
        "start_time": "2026-11-09T08:00:00Z",
        "end_time": None,
        "total_duration_seconds": 27000,
        "total_duration_hours": Decimal("7.5"),
        "break_seconds": 1800,
        "break_hours": Decimal("0.5"),
        "capacity_seconds": 28800,
        "capacity_hours": 8,
        "remaining_capacity_seconds": 0,
        "remaining_capacity_hours": 0,
        "overtime_seconds": 0,
        "overtime_hours": 0,
        "time_off": '{"hours":2}',
        "has_running_entry": True,
    }


def test_expense_rows():
    item = {
        "id": "e",
        "date": "2026-11-09T00:00:00Z",
        "amount": 1234.5,
        "quantity": 2.5,
        "locked": True,
        "notes": "",
    }
    (row,) = flat(EXPENSES, item)
    named = {name: value for name, value in row.items() if value is not None}
    assert named == {
        "id": "e",
        "date": date(2026, 11, 9),
        "amount": Decimal("12.345"),
        "quantity": 2.5,
        "is_locked": True,
    }


def test_expense_rows_as_the_service_answers_them():
    item = {
        "_id": "e",
        "currency": "USD",
        "clientId": "c",
        "clientName": "Globex",
        "isLocked": False,
        "userCustomFields": [{"customFieldId": "f", "value": None}],
    }
    (row,) = flat(EXPENSES, item)
    assert {name: value for name, value in row.items() if value is not None} == {
        "id": "e",
        "currency": "USD",
        "client_id": "c",
        "client_name": "Globex",
        "is_locked": False,
        "user_custom_fields": '[{"customFieldId":"f","value":null}]',
    }
