# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Custom fields of exports: names in their JSON, columns of chosen ones, and what finding them costs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_clockify._compat import AirflowException
from airflow_provider_clockify.exceptions import ClockifyError
from airflow_provider_clockify.operators.reports import (
    ClockifyDetailedReportOperator,
    ClockifyExpenseReportOperator,
)
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace
from airflow_provider_clockify.testing.faults import Fault

START = datetime(2026, 11, 2, 8, tzinfo=UTC)
DAY = {"start": "2026-11-02T00:00:00Z", "end": "2026-11-03T00:00:00Z"}
HOUR = timedelta(hours=1)
SALT = {"hash_salt": "pepper"}


def workspace_of(*values: dict[str, Any], plan: str = "PRO") -> EmulatedWorkspace:
    """An entry an hour, each with the values of the fields that are named."""
    workspace = EmulatedWorkspace(plan=plan)
    user = workspace.add_user("Ada")
    fields = {
        "Ticket": workspace.add_custom_field("Ticket"),
        "Kilometres": workspace.add_custom_field("Kilometres", type="NUMBER"),
        "Skills": workspace.add_custom_field("Skills", type="DROPDOWN_MULTIPLE"),
        "Remote": workspace.add_custom_field("Remote", type="CHECKBOX"),
    }
    for number, named in enumerate(values):
        workspace.add_entry(
            start=START + number * HOUR,
            end=START + (number + 1) * HOUR,
            user_id=user.id,
            custom_values={fields[name].id: value for name, value in named.items()},
            at=START,
        )
    return workspace


FULL = {"Ticket": "OPS-17", "Kilometres": 12.5, "Skills": ["a", "b"], "Remote": True}
CHOSEN = {"Ticket": "text", "Kilometres": "number", "Skills": "texts", "Remote": "flag"}


@pytest.fixture
def export(start_emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    def run(emulator: ClockifyEmulator, file_format: str = "csv", extra: Any = None, **kwargs: Any) -> Any:
        connection = json.loads(emulator.connection_json(requests_per_second=1000, max_retries=0))
        connection["extra"] = {**connection["extra"], **(extra or {})}
        monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", json.dumps(connection))
        path = tmp_path / f"out.{file_format}"
        task = ClockifyDetailedReportOperator(
            task_id="t", output_path=str(path), file_format=file_format, **DAY, **kwargs
        )
        try:
            result = task.execute({})
        except (ClockifyError, AirflowException):
            assert not list(tmp_path.iterdir())
            raise
        if file_format == "csv":
            with path.open(newline="") as file:
                return result, list(csv.DictReader(file))
        if file_format == "jsonl":
            return result, [json.loads(line) for line in path.read_text().splitlines()]
        return result, pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()

    return run


def asked_for_fields(emulator: ClockifyEmulator) -> int:
    return sum(request.path.endswith("/custom-fields") for request in emulator.requests)


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_names_cost_one_request_where_there_are_values_and_none_elsewhere(
    start_emulator, export, file_format
):
    emulator = start_emulator(workspace_of(FULL, {}, {"Ticket": "OPS-18"}))
    result, rows = export(emulator, file_format)
    assert result["requests"] == len(emulator.requests) == 2
    found = [{each["name"]: each["value"] for each in json.loads(row["custom_fields"])} for row in rows]
    assert sorted(map(str, found)) == sorted(map(str, [FULL, {}, {"Ticket": "OPS-18"}]))
    (full,) = [row for row in rows if "OPS-17" in row["custom_fields"]]
    kinds = {each["name"]: each["type"] for each in json.loads(full["custom_fields"])}
    assert kinds == {
        "Ticket": "TXT",
        "Kilometres": "NUMBER",
        "Skills": "DROPDOWN_MULTIPLE",
        "Remote": "CHECKBOX",
    }

    dropped = start_emulator(workspace_of(FULL))
    for word in ("custom_fields", "customFields"):
        assert export(dropped, file_format, drop_columns=[word])[0]["requests"] == 1
    plain = start_emulator(workspace_of({}, {}))
    assert export(plain, file_format)[0]["requests"] == len(plain.requests) == 1


def test_jsonl_stays_as_sent_for_one_request(start_emulator, export):
    emulator = start_emulator(workspace_of(FULL))
    result, (row,) = export(emulator, "jsonl")
    assert result["requests"] == len(emulator.requests) == 1
    assert all(each.keys() == {"customFieldId", "value"} for each in row["customFields"])


def test_who_may_not_see_the_fields_gets_their_ids_and_a_warning(start_emulator, export, caplog):
    emulator = start_emulator(workspace_of(FULL, plan="FREE"))
    result, (row,) = export(emulator)
    assert result["requests"] == 2
    assert all(each.keys() == {"customFieldId", "value"} for each in json.loads(row["custom_fields"]))
    assert "Custom fields stay without names" in caplog.text


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
@pytest.mark.parametrize("by", ["name", "id", "text"])
def test_chosen_fields_are_typed_columns(start_emulator, export, file_format, by):
    workspace = workspace_of(FULL, {})
    emulator = start_emulator(workspace)
    ids = {each.name: each.id for each in workspace.custom_fields.values()}
    chosen: Any = {ids[key] if by == "id" else key: kind for key, kind in CHOSEN.items()}
    columns = [f"custom_field_{ids[key] if by == 'id' else key.lower()}" for key in CHOSEN]
    given = json.dumps(chosen) if by == "text" else chosen  # What a template makes of it.
    result, rows = export(emulator, file_format, custom_field_columns=given)
    assert result["requests"] == len(emulator.requests) == 2
    assert emulator.requests[0].path.endswith("/custom-fields"), "before the rows"
    found = {str([row[name] for name in columns]) for row in rows}
    if file_format == "csv":
        assert found == {str(["OPS-17", "12.5", '["a","b"]', "true"]), str(["", "", "[]", ""])}
    else:
        assert found == {str(["OPS-17", 12.5, ["a", "b"], True]), str([None, None, [], None])}
    assert list(rows[0])[-4:] == columns


def test_chosen_fields_are_there_without_values_and_without_rows(start_emulator, export):
    _, rows = export(start_emulator(workspace_of({})), custom_field_columns={"Ticket": "text"})
    assert [row["custom_field_ticket"] for row in rows] == [""]


def test_chosen_fields_can_be_hashed(start_emulator, export):
    emulator = start_emulator(workspace_of(FULL))
    _, (row,) = export(
        emulator,
        extra=SALT,
        custom_field_columns={"Ticket": "text"},
        hash_columns=["custom_field_ticket"],
        drop_columns=["custom_fields"],
    )
    assert len(row["custom_field_ticket"]) == 64
    assert "custom_fields" not in row


@pytest.mark.parametrize(
    ("kwargs", "text", "requests"),
    [
        ({"custom_field_columns": {"Tickets": "text"}}, "names 'Tickets'; custom fields of time entries", 1),
        ({"custom_field_columns": {"Skills": "text"}}, "the field is a DROPDOWN_MULTIPLE; use texts", 1),
        ({"custom_field_columns": '{"Ticket": "varchar"}'}, "the type 'varchar'; use one of text", 0),
        (
            {"custom_field_columns": {"Ticket": "text"}, "file_format": "jsonl"},
            "does not fit file_format='jsonl'",
            0,
        ),
        (
            {"custom_field_columns": {"Ticket": "text"}, "file_format": "clockify_csv"},
            "does not fit file_format='clockify_csv'",
            0,
        ),
        (
            {
                "custom_field_columns": {"Ticket": "text"},
                "hash_columns": ["custom_field_ticket"],
                "extra": SALT,
            },
            "add custom_fields to drop_columns",
            0,
        ),
        ({"drop_columns": ["custom_field_ticket"]}, "drop_columns names 'custom_field_ticket'", 0),
    ],
)
def test_what_does_not_fit_is_refused_before_the_export(start_emulator, export, kwargs, text, requests):
    emulator = start_emulator(workspace_of(FULL))
    with pytest.raises(AirflowException, match=text):
        export(emulator, **kwargs)
    assert len(emulator.requests) == asked_for_fields(emulator) == requests


def test_a_type_that_there_is_not_fails_when_the_dag_is_parsed():
    def make(chosen: Any) -> Any:
        return ClockifyDetailedReportOperator(task_id="t", output_path="/x", custom_field_columns=chosen)

    with pytest.raises(ClockifyError, match="use one of text, texts, number"):
        make({"Ticket": "varchar"})
    assert make({"Ticket": "{{ params.kind }}"}).custom_field_columns == {"Ticket": "{{ params.kind }}"}


def test_two_fields_of_one_name_are_refused_with_their_ids(start_emulator, export):
    workspace = workspace_of(FULL)
    ids = sorted([each.id for each in workspace.custom_fields.values() if each.name == "Ticket"])
    ids = sorted([*ids, workspace.add_custom_field("Ticket").id])
    emulator = start_emulator(workspace)
    with pytest.raises(AirflowException, match=f"{ids[0]}, {ids[1]}"):
        export(emulator, custom_field_columns={"Ticket": "text"})
    assert export(emulator, custom_field_columns={ids[1]: "text"})[1][0].keys() >= {f"custom_field_{ids[1]}"}


@pytest.mark.parametrize(("chosen", "spent"), [(None, 1), ({"Ticket": "text"}, 0)])
def test_the_request_counts_in_the_budget(start_emulator, export, chosen, spent):
    emulator = start_emulator(workspace_of(FULL))
    with pytest.raises(AirflowException, match="needs at least"):
        export(emulator, extra={"requests_per_hour": 1}, custom_field_columns=chosen)
    assert len(emulator.requests) == spent


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_fields_of_people_are_named_in_the_expense_report(start_emulator, monkeypatch, tmp_path, file_format):
    workspace = workspace_of()
    field = workspace.add_custom_field("Team", entity_type="USER")
    user, category = workspace.add_user("Bob"), workspace.add_expense_category("Food")
    workspace.add_expense(user_id=user.id, category_id=category.id, day="2026-11-02", total=5, at=START)

    def alter(response: Any) -> Any:
        payload = response.payload
        if isinstance(payload, dict) and "expenses" in payload:
            for each in payload["expenses"]:
                each["userCustomFields"] = [{"customFieldId": field.id, "value": "Blue"}]
        return response

    emulator = start_emulator(workspace)
    emulator.inject(Fault("fields of people", alter=alter), times=None)
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", emulator.connection_json(requests_per_second=1000))
    path = tmp_path / "out"
    task = ClockifyExpenseReportOperator(task_id="t", output_path=str(path), file_format=file_format, **DAY)
    assert task.execute({})["requests"] == 2
    if file_format == "csv":
        with path.open(newline="") as file:
            (row,) = csv.DictReader(file)
    else:
        (row,) = pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()
    assert json.loads(row["user_custom_fields"]) == [
        {"customFieldId": field.id, "value": "Blue", "name": "Team", "type": "TXT"}
    ]
