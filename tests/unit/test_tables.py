# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.records.detailed import DETAILED
from airflow_provider_clockify.records.entities import CHANGES, TABLES, snapshot_table
from airflow_provider_clockify.records.reports import (
    ATTENDANCE,
    EXPENSES,
    SUMMARY_COLUMNS,
    WEEKLY_COLUMNS,
    summary_table,
    weekly_table,
)
from airflow_provider_clockify.records.tables import (
    Column,
    ColumnType,
    Table,
    column,
    convert,
    follow,
    generic_table,
    parse,
)
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
        (ColumnType.MONEY, Decimal("40055.555555555555555555"), Decimal("40055.555555555555555555")),
        (ColumnType.MONEY, 7, Decimal(7)),
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
            "amount": Decimal("1.5"),
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


def test_a_group_without_the_children_asked_for_gives_no_row():
    assert flat(summary_table(("USER", "PROJECT"), WEEK), {"_id": "u", "name": "Ada", "duration": 0}) == []


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
    assert [row["amount"] for row in rows] == [Decimal(n) / 2 for n in range(7)]
    assert {(row["group"], row["group_id"], row["group_name"], row["currency"]) for row in rows} == {
        ("PROJECT", "p", "Web", "EUR")
    }
    assert {(row["period_start"], row["period_end"]) for row in rows} == {(WEEK.start, WEEK.end)}


def test_a_day_may_have_a_currency_of_its_own():
    days = [{"date": "2026-11-09", "duration": 1, "currency": "USD"}]
    (row,) = flat(weekly_table("USER", WEEK), {"_id": "u", "name": "Ada", "currency": "EUR", "days": days})
    assert row["currency"] == "USD"


@pytest.mark.parametrize("days", [None, []])
def test_a_user_without_days_gives_no_row(days):
    assert flat(weekly_table("USER", WEEK), {"_id": "u", "name": "Ada", "days": days}) == []


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
        "break_seconds": 1800,
        "capacity_seconds": 28800,
        "remaining_capacity_seconds": 0,
        "overtime_seconds": 0,
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
        "amount": Decimal("1234.5"),
        "quantity": 2.5,
        "is_locked": True,
    }
