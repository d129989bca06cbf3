# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The operators that load Iceberg tables: what they refuse and when, what they cost, what they tell."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from iceberg_catalogs import (
    catalog_of,
    pretend_older,
    rows_of_files,
    skip_without_packages,
    sqlite_connection,
)
from table_operators import connect_as_member, imported_by
from typed_dicts import assert_fits

from airflow_provider_clockify._compat import AirflowFailException
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyError
from airflow_provider_clockify.tables.iceberg import iceberg_catalog
from airflow_provider_clockify.tables.iceberg.iceberg_schema import IcebergName
from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace
from airflow_provider_clockify.transfers import _catalogs
from airflow_provider_clockify.transfers._catalogs import CatalogTarget
from airflow_provider_clockify.transfers._loaded import table_extra
from airflow_provider_clockify.transfers.clockify_to_iceberg import (
    ClockifyEntitiesToIcebergOperator,
    ClockifyReportToIcebergOperator,
)
from airflow_provider_clockify.types import LoadSummary

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)
WINDOW = {"start": "2026-11-10T00:00:00Z", "end": "2026-11-20T00:00:00Z"}


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ClockifyEmulator]:
    skip_without_packages()
    pytest.importorskip("airflow.providers.apache.iceberg.hooks.iceberg")
    workspace = generate_workspace(users=4, entries=400, start=START, end=END, plan="ENTERPRISE")
    with ClockifyEmulator(workspace) as running:
        monkeypatch.setenv(
            "AIRFLOW_CONN_CLOCKIFY_DEFAULT",
            running.connection_json(requests_per_second=1000, workspace_id=workspace.id, max_retries=0),
        )
        monkeypatch.setenv("AIRFLOW_CONN_TARGET", json.dumps(sqlite_connection(tmp_path)))
        yield running


def report(**parameters: Any) -> ClockifyReportToIcebergOperator:
    given: dict[str, Any] = {
        "task_id": "load",
        "iceberg_conn_id": "target",
        "table": "clockify.entries",
        **WINDOW,
    }
    return ClockifyReportToIcebergOperator(**{**given, **parameters})


def table_of(tmp_path: Path, name: str = "entries") -> Any:
    catalog = catalog_of(sqlite_connection(tmp_path))
    found = catalog.table(IcebergName(("clockify",), name))
    catalog.close()
    return found


# --- refused before anything is asked of Clockify -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"report": "expenses", "audit": "P30D"}, "audit does not fit report='expenses'"),
        ({"report": "summary", "lookback": "P7D"}, "count the same time twice"),
        ({"drop_columns": ["start"]}, "drop_columns leaves out start"),
        ({"table": "entries"}, "give namespace and table"),
        ({"create_table": False}, "no namespace clockify, and create_table is False"),
        ({"iceberg_conn_id": "elsewhere"}, "type 'postgres': create one of type 'iceberg'"),
        ({"iceberg_conn_id": "unreachable"}, r"connection 'unreachable'.*refused"),
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_before_the_first_request(
    emulator: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, Any], said: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ELSEWHERE", "postgres://host/db")
    nowhere = {
        "conn_type": "iceberg",
        "host": "http://127.0.0.1:1",
        "login": "me",
        "password": "hunter2hunter2",
    }
    monkeypatch.setenv("AIRFLOW_CONN_UNREACHABLE", json.dumps(nowhere))
    with pytest.raises((AirflowFailException, ClockifyError), match=said) as caught:
        report(**parameters).execute({})
    assert "hunter2" not in str(caught.value)
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"report": "invoices"}, "report is 'invoices'"),
        ({"schema_change": "replace"}, "schema_change"),
        ({"partition_by": "week"}, "partition_by"),
        ({"audit": "a year"}, "audit is 'a year'"),
    ],
    ids=str,
)
def test_what_is_wrong_in_any_case_is_refused_when_the_dag_is_parsed(
    parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises((ClockifyConfigError, AirflowFailException), match=said):
        report(**parameters)


def test_filters_are_not_taken() -> None:
    with pytest.raises(Exception, match="filters"):
        report(filters={"billable": True})


@pytest.mark.parametrize(
    "missing", ["pyiceberg", "pyarrow", "airflow.providers.apache.iceberg.hooks.iceberg"]
)
def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    def without(name: str) -> Any:
        if name == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return importlib.import_module(name)

    def needed(module: str, extra: str, parameter: str) -> Any:
        if module == missing:
            raise ClockifyConfigError(
                f"{parameter} needs {module}: pip install 'airflow-provider-clockify[{extra}]'"
            )

    monkeypatch.setenv("AIRFLOW_CONN_TARGET", json.dumps({"conn_type": "iceberg"}))
    monkeypatch.setattr(_catalogs, "import_module", without)
    monkeypatch.setattr(iceberg_catalog, "needed", needed)
    with pytest.raises(ClockifyConfigError, match=r"airflow-provider-clockify\[iceberg\]"):
        CatalogTarget("target")


def test_a_dag_file_parses_without_the_packages() -> None:
    code = (
        "from airflow_provider_clockify.transfers.clockify_to_iceberg import ClockifyReportToIcebergOperator\n"
        "ClockifyReportToIcebergOperator(task_id='a', table='b.c', audit='P366D')"
    )
    modules = (
        "pyiceberg",
        "pyarrow",
        "airflow.providers.apache.iceberg.hooks",
        "airflow_provider_clockify.tables",
        "airflow_provider_clockify.export",
    )
    assert imported_by(code, modules) == "[]"


def test_a_key_that_sees_only_its_owners_data_is_refused(
    emulator: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect_as_member(emulator, monkeypatch)
    with pytest.raises(AirflowFailException, match="neither an owner's nor an admin's"):
        report().execute({})


# --- what is loaded -----------------------------------------------------------------------------------------------


def test_the_result_says_what_was_loaded(emulator: ClockifyEmulator, tmp_path: Path) -> None:
    task = report()
    result = task.execute({})

    assert_fits(result, LoadSummary)
    truth = emulator.workspace.truth(*(datetime.fromisoformat(each) for each in WINDOW.values()))
    table = table_of(tmp_path)
    assert rows_of_files(table, "count(*), sum(duration_seconds)") == [(len(truth.ids), truth.seconds)]
    assert result["rows"] == len(truth.ids)
    assert result["totals"]["seconds"] == truth.seconds
    assert result["requests"] == len(emulator.requests) == 3
    assert (result["database"], result["table"]) == ("iceberg", "clockify.entries")
    told = table.current_snapshot().summary.additional_properties
    assert told["clockify.load-id"] == result["load_id"]
    assert json.loads(told["clockify.amounts"]) == result["totals"]["amounts"]
    assert int(told["clockify.requests"]) == 3
    assert all(each.doc for each in table.schema().fields)
    lineage = task._loaded
    assert (lineage.uri, lineage.namespace, lineage.dataset) == (
        "iceberg://target/clockify.entries",
        "iceberg://target",
        "clockify.entries",
    )


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("expenses", {}),
        ("summary", {"groups": ["PROJECT", "DATE"]}),
        ("weekly", {"start": "2026-11-02T00:00:00Z", "end": "2026-11-16T00:00:00Z", "groups": "PROJECT"}),
        ("attendance", {}),
    ],
)
def test_every_report_can_be_loaded_again_and_again(
    emulator: ClockifyEmulator, tmp_path: Path, name: str, more: dict[str, Any]
) -> None:
    found = []
    for _ in range(2):
        assert report(report=name, table=f"clockify.{name}", **more).execute({})["rows"]
        rows = table_of(tmp_path, name).scan().to_arrow().drop_columns(["_read_at", "_run_id"])
        found.append(sorted(map(str, rows.to_pylist())))
    assert found[0] == found[1]


@pytest.mark.parametrize("entity", ["projects", "users", "tasks", "holidays"])
def test_lists_are_replaced(emulator: ClockifyEmulator, tmp_path: Path, entity: str) -> None:
    def load() -> Any:
        return ClockifyEntitiesToIcebergOperator(
            task_id="load", iceberg_conn_id="target", table=f"clockify.{entity}", entity=entity
        ).execute({})

    first = load()
    assert_fits(first, LoadSummary)
    if entity == "projects":
        emulator.workspace.add_project("New")
    second = load()
    assert second["rows"] == first["rows"] + (entity == "projects")
    assert rows_of_files(table_of(tmp_path, entity), "count(*)") == [(second["rows"],)]


def test_columns_are_left_out_and_hashed(
    emulator: ClockifyEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_CLOCKIFY_HASH_SALT", "salt")
    report(drop_columns=["user_name", "amount"], hash_columns=["user_email"]).execute({})
    table = table_of(tmp_path)
    emails = {each for (each,) in rows_of_files(table, "DISTINCT user_email")}
    assert emails
    assert all(len(each) == 64 for each in emails if each)
    assert not {each.name for each in table.schema().fields} & {"user_name", "amount"}


# --- days outside of the window -----------------------------------------------------------------------------------


def test_an_audit_costs_a_request_and_replaces_what_differs(
    emulator: ClockifyEmulator, tmp_path: Path
) -> None:
    report(start="2026-10-20T00:00:00Z").execute({})
    workspace, day = emulator.workspace, START + timedelta(days=3)
    victim = workspace.truth_ids(day, day + timedelta(days=1))[0]
    workspace.delete_entry(victim)
    emulator.reset_log()

    task = report(audit=timedelta(days=366))
    result = task.execute({})

    assert [(each["window_start"], each["reason"]) for each in result["replaced"]] == [
        ("2026-11-04T00:00:00Z", "audit")
    ]
    # The event is about the window alone.
    inside = emulator.workspace.truth_ids(
        *(datetime.fromisoformat(WINDOW[name]) for name in ("start", "end"))
    )
    assert table_extra(task._loaded)["rows"] == len(inside) < result["rows"]
    assert rows_of_files(table_of(tmp_path), "id", where=f"id = '{victim}'") == []
    assert emulator.count(path_contains="reports/summary") == 1
    assert emulator.count(path_contains="reports/detailed") == 2
    told = table_of(tmp_path).current_snapshot().summary.additional_properties
    assert json.loads(told["clockify.other-windows"])[0]["window-start"] == "2026-11-04T00:00:00Z"
    assert report(audit="P366D").execute({})["replaced"] == []


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"])
def test_an_audit_sums_days_of_a_zone(emulator: ClockifyEmulator, zone: str) -> None:
    window = {"start": "2026-11-15T00:00:00Z", "timezone": zone}
    report(start="2026-10-20T00:00:00Z").execute({})
    result = report(**window, audit="P60D").execute({})
    assert result["audited_days"] > 30
    assert result["replaced"] == []


def test_changes_of_feeds_name_the_days(emulator: ClockifyEmulator, tmp_path: Path) -> None:
    report(start="2026-11-01T00:00:00Z").execute({})
    catalog = catalog_of(sqlite_connection(tmp_path))
    workspace = emulator.workspace
    pretend_older(
        catalog, IcebergName.of("clockify.entries"), workspace.id, datetime.now(UTC) - timedelta(minutes=30)
    )
    catalog.close()
    day = START + timedelta(days=3)
    edited = workspace.truth_ids(day, day + timedelta(days=1))[0]
    workspace.update_entry(edited, at=datetime.now(UTC) - timedelta(minutes=10), description="years later")

    result = report(follow_changes=True).execute({})

    assert [(each["window_start"][:10], each["reason"]) for each in result["replaced"]] == [
        ("2026-11-04", "changes")
    ]
    found = rows_of_files(table_of(tmp_path), "description", where=f"id = '{edited}'")
    assert found == [("years later",)]


def test_a_retry_goes_on_with_what_was_read(emulator: ClockifyEmulator, tmp_path: Path) -> None:
    parameters = {"start": "2026-09-01T00:00:00Z", "end": "2026-11-20T00:00:00Z", "retries": 1}
    ti = SimpleNamespace(
        dag_id="d",
        task_id="load",
        run_id="r",
        map_index=-1,
        try_number=1,
        max_tries=1,
        xcom_push=lambda **_: None,
    )
    context: Any = {"ti": ti}
    emulator.fail(500, match=lambda record: b"2026-11-02T" in record.body and "detailed" in record.path)
    with pytest.raises(ClockifyError):
        report(**parameters).execute(context)
    assert table_of(tmp_path) is None
    emulator.reset_log()
    ti.try_number = 2
    result = report(**parameters).execute(context)

    chunks = [each for each in emulator.requests if b'"page":1,' in each.body and "detailed" in each.path]
    assert len(chunks) == 2  # The last chunk, and the sums of all; the first two chunks were kept.
    assert rows_of_files(table_of(tmp_path), "count(*)") == [(result["rows"],)]
    assert rows_of_files(table_of(tmp_path), "DISTINCT _run_id") == [("d/r",)]


def test_lineage_names_the_table(emulator: ClockifyEmulator) -> None:
    task = report()
    result = task.execute({})
    if find_spec("airflow.providers.openlineage") is None:
        pytest.skip("this environment has no openlineage")
    lineage = task.get_openlineage_facets_on_complete(None)
    assert lineage.outputs[0].name == "clockify.entries"
    assert lineage.outputs[0].outputFacets["outputStatistics"].rowCount == result["rows"]
