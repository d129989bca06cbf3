# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from airflow_provider_clockify.columns.detailed_columns import (
    DETAILED,
    DETAILED_COLUMNS,
    entry_columns,
    entry_rows,
)
from airflow_provider_clockify.columns.tables import SCHEMA_VERSION, ColumnType
from airflow_provider_clockify.exceptions import ClockifyResponseError

MINIMAL = b'{"_id":"a","timeInterval":{"start":"2026-11-02T08:00:00Z"}}'


def flat(row: bytes) -> dict[str, object]:
    (values,) = entry_rows(row)
    return dict(zip((column.name for column in DETAILED_COLUMNS), values, strict=True))


def test_the_columns_are_a_contract():
    assert [(column.name, str(column.type)) for column in DETAILED.columns] == [
        ("id", "text"),
        ("description", "text"),
        ("start", "instant"),
        ("end", "instant"),
        ("duration_seconds", "seconds"),
        ("duration_hours", "hours"),
        ("billable", "flag"),
        ("type", "text"),
        ("is_locked", "flag"),
        ("user_id", "text"),
        ("user_name", "text"),
        ("user_email", "text"),
        ("project_id", "text"),
        ("project_name", "text"),
        ("client_id", "text"),
        ("client_name", "text"),
        ("task_id", "text"),
        ("task_name", "text"),
        ("tag_ids", "texts"),
        ("tag_names", "texts"),
        ("custom_fields", "json"),
        ("currency", "text"),
        ("amount", "money"),
        ("rate", "money"),
        ("earned_amount", "money"),
        ("earned_rate", "money"),
        ("cost_amount", "money"),
        ("cost_rate", "money"),
        ("approval_request_id", "text"),
        ("invoicing_info", "json"),
    ]
    assert SCHEMA_VERSION == 2, "columns changed: raise the version and this test together"


def test_every_column_is_described_and_money_names_its_unit():
    for column in DETAILED_COLUMNS:
        assert column.description.endswith(".")
        if column.type is ColumnType.MONEY:
            assert "units of the currency" in column.description
        if column.type is ColumnType.HOURS:
            assert "in hours" in column.description
        if column.type is ColumnType.INSTANT:
            assert "UTC" in column.description


def test_a_whole_row(entry_json):
    assert flat(entry_json()) == {
        "id": "66b1a0c2d3e4f5a6b7c8aa01",
        "description": "Sprint planning",
        "start": datetime(2026, 11, 2, 8, tzinfo=UTC),
        "end": datetime(2026, 11, 2, 9, 30, tzinfo=UTC),
        "duration_seconds": 5400,
        "duration_hours": Decimal("1.5"),
        "billable": True,
        "type": "REGULAR",
        "is_locked": False,
        "user_id": "u1",
        "user_name": "Ada Example",
        "user_email": "ada@example.com",
        "project_id": "p1",
        "project_name": "Website relaunch",
        "client_id": "c1",
        "client_name": "Globex",
        "task_id": None,
        "task_name": None,
        "tag_ids": ["t1"],
        "tag_names": ["planning"],
        "custom_fields": '[{"customFieldId":"f1","value":"OPS-17"}]',
        "currency": "EUR",
        "amount": Decimal("142.50"),
        "rate": Decimal("95"),
        "earned_amount": Decimal("142.50"),
        "earned_rate": Decimal("95"),
        "cost_amount": Decimal("60"),
        "cost_rate": Decimal("40"),
        "approval_request_id": None,
        "invoicing_info": None,
    }


def test_absent_fields_are_none_and_absent_tags_an_empty_list():
    row = flat(MINIMAL)
    assert row.pop("id") == "a"
    assert row.pop("start") == datetime(2026, 11, 2, 8, tzinfo=UTC)
    assert (row.pop("tag_ids"), row.pop("tag_names")) == ([], [])
    assert set(row.values()) == {None}


def test_null_fields_are_none(entry_json):
    nulls = dict.fromkeys(json.loads(entry_json()))
    del nulls["_id"], nulls["timeInterval"]
    row = flat(entry_json(**nulls))
    assert row["description"] is row["amount"] is row["custom_fields"] is row["billable"] is None
    assert row["tag_ids"] == []


def test_empty_ids_and_names_of_what_is_not_there_are_none_but_an_empty_description_stays(entry_json):
    names = ("projectId", "projectName", "clientId", "clientName", "taskId", "taskName")
    row = flat(entry_json(description="", **dict.fromkeys(names, "")))
    assert {row[f"{kind}_{part}"] for kind in ("project", "client", "task") for part in ("id", "name")} == {
        None
    }
    assert row["description"] == ""


def test_ids_under_their_documented_name(entry_json):
    row = flat(entry_json(_id=None, id="b", tagIds=None, tags=[{"id": "t2", "name": "x"}]))
    assert (row["id"], row["tag_ids"], row["tag_names"]) == ("b", ["t2"], ["x"])


def test_of_two_ids_the_one_of_the_live_service_counts(entry_json):
    assert flat(entry_json(_id="a", id="b"))["id"] == "a"
    several = entry_columns([entry_json(_id="a", id="b"), entry_json(_id=None, id="c")])
    assert list(several[0]) == ["a", "c"]


def test_no_tag_ids_are_no_tags_whatever_the_tags_say(entry_json):
    row = flat(entry_json(tagIds=[], tags=[{"_id": "a", "name": "A"}]))
    assert (row["tag_ids"], row["tag_names"]) == ([], [])


def test_tag_names_follow_the_order_of_the_ids(entry_json):
    tags = [{"_id": "a", "name": "A"}, {"_id": "b", "name": "B"}]
    row = flat(entry_json(tagIds=["b", "gone", "a"], tags=tags))
    assert (row["tag_ids"], row["tag_names"]) == (["b", "gone", "a"], ["B", None, "A"])


@pytest.mark.parametrize(
    ("fields", "locked"),
    [
        ({"isLocked": True}, True),
        ({"isLocked": None, "locked": True}, True),
        ({"isLocked": False, "locked": True}, False),
    ],
)
def test_the_lock_under_either_name(entry_json, fields, locked):
    assert flat(entry_json(**fields))["is_locked"] is locked


def test_times_of_any_offset_become_utc(entry_json):
    interval = {
        "start": "2026-11-03T10:15:00+12:00",
        "end": "2026-11-02T15:15:30.5-07:00",
        "duration": 5400.0,
    }
    row = flat(entry_json(timeInterval=interval))
    assert row["start"] == datetime(2026, 11, 2, 22, 15, tzinfo=UTC)
    assert row["end"] == datetime(2026, 11, 2, 22, 15, 30, 500_000, tzinfo=UTC)
    assert row["start"].tzinfo is UTC
    assert row["duration_seconds"] == 5400
    assert type(row["duration_seconds"]) is int


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("14250.0", "142.5"),
        ("40055.555555555555555555", "400.55555556"),
        ("0.1", "0.001"),
        ("1e3", "10"),
        ("-7", "-0.07"),
        ("0.0000005", "0"),
        ("0.0000015", "0.00000002"),
        ("-0.00000150000000000000000000000000000000001", "-0.00000002"),
        ("12345678901234567890.5", "123456789012345678.905"),
    ],
)
def test_money_is_in_units_of_the_currency_rounded_half_to_even_at_the_8th_digit(text, amount):
    row = b'{"_id":"a","timeInterval":{"start":"2026-11-02T08:00:00Z"},"amount":' + text.encode() + b"}"
    assert flat(row)["amount"] == Decimal(amount)
    (quick,) = dict(zip((c.name for c in DETAILED_COLUMNS), entry_columns([row]), strict=True))["amount"]
    assert Decimal(quick) == Decimal(amount)


@pytest.mark.parametrize(
    ("raw", "text"),
    [(b"[]", "[]"), (b"null", None), (b'{"a" : "\xc3\xbc"}', '{"a" : "ü"}'), (b'"null"', '"null"')],
)
def test_json_columns_hold_what_the_service_sent(raw, text):
    for name, column in ((b"customFields", "custom_fields"), (b"invoicingInfo", "invoicing_info")):
        assert flat(MINIMAL[:-1] + b',"' + name + b'":' + raw + b"}")[column] == text


def test_unknown_fields_do_not_disturb(entry_json):
    assert flat(entry_json(brandNew={"a": [1]})) == flat(entry_json())


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"billable": "yes"}, "Entry 66b1a0c2d3e4f5a6b7c8aa01 has an unexpected shape"),
        ({"amount": "twelve"}, "export it as jsonl"),
        ({"tags": {}}, "export it as jsonl"),
        ({"timeInterval": None}, "export it as jsonl"),
        (
            {"timeInterval": {"start": "2026-11-02T08:00:00Z", "duration": 1.5}},
            "not a whole number of seconds",
        ),
        ({"timeInterval": {"start": "2026-11-02T08:00:00"}}, "not an ISO 8601 instant"),
        ({"timeInterval": {"start": "2026-11-02T08:00:00Z", "end": "later"}}, "'later'"),
    ],
)
def test_what_no_column_can_hold_names_the_entry_and_the_cure(entry_json, fields, text):
    with pytest.raises(ClockifyResponseError, match="66b1a0c2d3e4f5a6b7c8aa01") as caught:
        entry_rows(entry_json(**fields))
    assert text in str(caught.value)
