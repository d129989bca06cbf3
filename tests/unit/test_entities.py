# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The flat form of lists: typed values, nothing guessed, secrets and parents."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from typing import Any

import pytest

from airflow_provider_clockify.columns.list_columns import (
    CHANGES,
    ENTITIES,
    OF_PARENT,
    PARENTS,
    SECRETS,
    TABLES,
    snapshot_table,
)
from airflow_provider_clockify.columns.privacy import ColumnRules, column_rules
from airflow_provider_clockify.columns.tables import ColumnType, Table
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyResponseError
from airflow_provider_clockify.service.lists import LISTS

TAKEN = datetime(2026, 11, 24, 6, tzinfo=UTC)
# Lines of invoices have none.
ID_OF = {"invoice_items": "invoice_id"}
every_entity = pytest.mark.parametrize("entity", ENTITIES)


def flat(table: Table, item: Any) -> dict[str, Any]:
    (values,) = table.rows(json.dumps(item).encode())
    return dict(zip((column.name for column in table.columns), values, strict=True))


# --- the tables ---------------------------------------------------------------------------------------------


def test_every_list_can_be_exported_but_those_of_one_person():
    assert set(LISTS) - set(ENTITIES) == {"time_entries", "holidays_in_period"}
    assert set(ENTITIES) <= set(LISTS)


@every_entity
def test_a_list_per_parent_says_which_parent_and_no_other_does(entity):
    arguments = LISTS[entity].arguments
    assert arguments == ((PARENTS[entity][1],) if entity in PARENTS else ())
    if entity in PARENTS:
        assert PARENTS[entity][0] in ENTITIES
        assert PARENTS[entity][1] in {column.name for column in TABLES[entity].columns}


@every_entity
def test_columns_have_one_name_each_an_id_and_a_description(entity):
    names = [column.name for column in TABLES[entity].columns]
    assert len(set(names)) == len(names)
    assert ID_OF.get(entity, "id") in names
    assert "snapshot_at" not in names
    assert all(column.description.endswith((".", "…")) and column.paths for column in TABLES[entity].columns)
    assert all(name == name.lower() for name in names)


@every_entity
def test_filters_that_leave_nothing_out_are_filters_of_the_list(entity):
    found = LISTS[entity]
    assert set(found.everything) <= set(found.filters)


def test_what_the_service_leaves_out_by_itself_is_asked_for():
    assert LISTS["users"].everything["status"] == "ALL"
    assert {"ACTIVE", "LIMITED", "DELETED"} < set(LISTS["users"].everything["account_statuses"])
    assert LISTS["time_off_policies"].everything == {"status": "ALL"}
    assert LISTS["time_off_requests"].everything == {"statuses": ("ALL",)}


def test_the_columns_of_a_change_file_are_a_contract():
    assert [(column.name, str(column.type)) for column in CHANGES.columns] == [
        ("change", "text"),
        ("id", "text"),
        ("changed_at", "instant"),
        ("entity_type", "text"),
        ("document", "json"),
    ]


# --- values -------------------------------------------------------------------------------------------------


@every_entity
def test_an_item_with_nothing_but_an_id_gives_empty_columns(entity):
    name = ID_OF.get(entity, "id")
    item = {"approvalRequest": {"id": "a"}} if entity == "approval_requests" else {name: "a"}
    found = flat(TABLES[entity], item)
    assert found.pop(name) == "a"
    types = {column.name: column.type for column in TABLES[entity].columns}
    assert found == {name: [] if types[name] is ColumnType.TEXTS else None for name in found}


@every_entity
def test_fields_that_nobody_knows_change_no_column(entity):
    item = {"approvalRequest": {"id": "a"}} if entity == "approval_requests" else {"id": "a"}
    assert flat(TABLES[entity], {**item, "brandNew": {"id": [1]}}) == flat(TABLES[entity], item)


def test_a_project_has_exact_money_seconds_and_its_members():
    found = flat(
        TABLES["projects"],
        {
            "id": "p",
            "clientId": "",
            "duration": "PT88H36M",
            "hourlyRate": {"amount": 9500.25, "currency": "EUR"},
            "costRate": None,
            "memberships": [{"userId": "u1", "hourlyRate": None}, {"userId": "u2"}],
            "estimate": {"estimate": "PT0S", "type": "AUTO"},
            "archived": False,
        },
    )
    assert found["duration_seconds"] == 88 * 3600 + 36 * 60
    assert found["hourly_rate_amount"] == Decimal("95.0025")
    assert (found["hourly_rate_currency"], found["cost_rate_amount"]) == ("EUR", None)
    assert (found["client_id"], found["archived"]) == (None, False)
    assert found["member_ids"] == ["u1", "u2"]
    assert json.loads(found["estimate"]) == {"estimate": "PT0S", "type": "AUTO"}


@pytest.mark.parametrize("text", ["2026-11-21", "2026-11-21T00:00:00Z", "2026-11-21T01:30:00+01:00"])
def test_days_come_as_dates_or_as_instants(text):
    assert flat(TABLES["invoices"], {"id": "i", "issuedDate": text})["issued_date"] == date(2026, 11, 21)


def test_expenses_are_read_with_embedded_things_and_with_ids():
    ids = {"projectId": "p", "categoryId": "c", "taskId": "t", "isLocked": True}
    embedded = {"project": {"id": "p"}, "category": {"id": "c"}, "task": {"id": "t"}, "locked": True}
    rows = [flat(TABLES["expenses"], {"id": "e", **fields}) for fields in (ids, embedded)]
    for row in rows:
        assert (row["project_id"], row["category_id"], row["task_id"]) == ("p", "c", "t")
        assert row["is_locked"] is True


@pytest.mark.parametrize(
    ("entity", "item", "column"),
    [
        ("tags", {"archived": "no"}, "archived"),
        ("clients", {"name": 5}, "name"),
        ("user_groups", {"userIds": "u1"}, "user_ids"),
        ("invoices", {"amount": "12.50"}, "amount"),
        ("invoices", {"amount": True}, "amount"),
        ("tasks", {"estimate": 1.5}, "estimate_seconds"),
    ],
)
def test_a_value_of_another_type_is_an_error_that_names_item_and_column(entity, item, column):
    with pytest.raises(ClockifyResponseError, match=f"Item x has a .* where column {column} holds"):
        flat(TABLES[entity], {"id": "x", **item})


@pytest.mark.parametrize(
    ("entity", "item"),
    [
        ("tasks", {"duration": "an hour"}),
        ("time_off_requests", {"createdAt": "2026-11-21T00:00:00"}),
        ("invoices", {"dueDate": "2026-11-21T00:00:00"}),
    ],
)
def test_durations_and_instants_are_never_guessed(entity, item):
    with pytest.raises(ClockifyResponseError):
        flat(TABLES[entity], {"id": "x", **item})


def test_every_row_of_a_snapshot_says_when_it_was_taken():
    table = snapshot_table(TABLES["tags"], TAKEN)
    assert table.columns[-1].name == "snapshot_at"
    assert flat(table, {"id": "a", "name": "night"})["snapshot_at"] == TAKEN
    assert [column.name for column in TABLES["tags"].columns] == [c.name for c in table.columns[:-1]]


# --- columns left out and hashed ----------------------------------------------------------------------------


def rules(table: Table, **columns: list[str]) -> ColumnRules:
    found = column_rules(table, **columns, salt=lambda: "salt", is_flat=False)
    assert found is not None
    return found


def changed(table: Table, item: Any, **columns: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the flat row and the line of an item under these rules."""
    edited = rules(table, **columns).table(table)
    assert edited.line is not None
    return flat(edited, item), json.loads(edited.line(json.dumps(item).encode()))


USER = {
    "id": "u",
    "email": "ada@example.com",
    "settings": {"timeZone": "UTC", "lang": "EN"},
    "memberships": [{"userId": "u", "hourlyRate": {"amount": 1}}, {"userId": "u", "hourlyRate": None}],
}


def test_dropped_and_hashed_columns_are_so_in_flat_files_and_in_lines():
    row, line = changed(TABLES["users"], USER, drop_columns=["time_zone"], hash_columns=["email"])
    assert "time_zone" not in row
    assert line["settings"] == {"lang": "EN"}
    assert row["email"] == line["email"] != "ada@example.com"
    assert len(row["email"]) == 64


def test_fields_in_the_services_words_are_taken_out_of_columns_with_json_too():
    row, line = changed(TABLES["users"], USER, drop_columns=["memberships.*.hourlyRate"])
    assert line["memberships"] == json.loads(row["memberships"]) == [{"userId": "u"}, {"userId": "u"}]
    assert row["email"] == "ada@example.com"
    row, line = changed(
        CHANGES, {"id": "e", "document": {"description": "secret"}}, hash_columns=["document.description"]
    )
    assert line["document"] == json.loads(row["document"])
    assert "secret" not in row["document"]


def test_only_text_can_be_hashed_which_is_said_before_anything_is_read():
    with pytest.raises(ClockifyConfigError, match="names document, which holds json; only text can be"):
        column_rules(CHANGES, hash_columns=["document"], salt=lambda: "salt", is_flat=False)


def test_the_secret_of_webhooks_has_no_column():
    for entity, names in SECRETS.items():
        paths = {path[0] for column in TABLES[entity].columns for path in column.paths}
        assert not paths & set(names)


def test_only_lists_per_parent_can_lack_their_parent():
    assert set(OF_PARENT) < set(PARENTS)


@pytest.mark.parametrize("sent", [1_050_000, 0, -7, "123456789012345678901234567890123456789"])
def test_the_price_of_one_is_in_the_unit_of_the_amount(sent):
    (values,) = TABLES["invoice_items"].rows(f'{{"unitPrice":{sent},"amount":{sent}}}'.encode())
    found = dict(zip((column.name for column in TABLES["invoice_items"].columns), values, strict=True))
    with localcontext(prec=60):
        assert found["unit_price"] * 100 == found["amount"]
