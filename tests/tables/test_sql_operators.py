# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The operators that load tables: what they refuse and when, what they cost, what they tell."""

from __future__ import annotations

import importlib
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from table_operators import connect_as_member, imported_by
from typed_dicts import assert_fits

from airflow_provider_clockify._compat import AirflowFailException
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyError
from airflow_provider_clockify.tables.statements import TableName
from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace
from airflow_provider_clockify.transfers import _targets
from airflow_provider_clockify.transfers._loaded import table_extra
from airflow_provider_clockify.transfers._targets import TableTarget
from airflow_provider_clockify.transfers.clockify_to_sql import (
    ClockifyEntitiesToSqlOperator,
    ClockifyEntityChangesToSqlOperator,
    ClockifyReportToSqlOperator,
)
from airflow_provider_clockify.types import LoadSummary, TableEventExtra

pytest.importorskip("airflow.providers.sqlite")

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)
WINDOW = {"start": "2026-11-10T00:00:00Z", "end": "2026-11-20T00:00:00Z"}


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    workspace = generate_workspace(users=4, entries=400, start=START, end=END, plan="ENTERPRISE")
    with ClockifyEmulator(workspace) as running:
        monkeypatch.setenv(
            "AIRFLOW_CONN_CLOCKIFY_DEFAULT",
            running.connection_json(requests_per_second=1000, workspace_id=workspace.id, max_retries=0),
        )
        target = {"conn_type": "sqlite", "host": str(tmp_path / "target.sqlite")}
        monkeypatch.setenv("AIRFLOW_CONN_TARGET", json.dumps(target))
        yield running


def report(**parameters: Any) -> ClockifyReportToSqlOperator:
    given: dict[str, Any] = {"task_id": "load", "sql_conn_id": "target", "table": "entries", **WINDOW}
    return ClockifyReportToSqlOperator(**{**given, **parameters})


def rows(query: str) -> list[Any]:
    with closing(TableTarget("target").connect()) as database:
        return database.query(query)


# --- refused before anything is asked of Clockify -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"report": "expenses", "audit": "P30D"}, "audit does not fit report='expenses'"),
        ({"report": "summary", "follow_changes": True}, "follow_changes does not fit"),
        (
            {"report": "summary", "lookback": "P7D"},
            "lookback does not fit report='summary'.*count the same time twice",
        ),
        ({"drop_columns": ["start"]}, "drop_columns leaves out start"),
        ({"drop_columns": ["id"]}, "drop_columns leaves out id"),
        ({"hash_columns": ["id"]}, "hash_columns names id.*replaced and proven"),
        ({"groups": ["USER"]}, "no groups"),
        ({"table": "shop.entries"}, "parameter schema"),
        ({"table": "x" * 60}, "at most 56"),
        ({"table": "None"}, "table is empty"),
        ({"create_table": False}, r"no table entries and no table entries_loads(.|\n)*CREATE TABLE"),
        (
            {"sql_conn_id": "elsewhere"},
            "type 'mysql', whose hook cannot load tables.*Parquet.*docs/tables.md",
        ),
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_before_the_first_request(
    emulator: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, Any], said: str
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_CLOCKIFY_HASH_SALT", "salt")
    monkeypatch.setenv("AIRFLOW_CONN_ELSEWHERE", "mysql://host/db")
    with pytest.raises(AirflowFailException, match=said):
        report(**parameters).execute({})
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"report": "invoices"}, "report is 'invoices'"),
        ({"schema_change": "replace"}, "schema_change"),
        ({"audit": "a year"}, "audit is 'a year'"),
        ({"audit": timedelta(hours=3)}, "whole days"),
        ({"nul_replacement": "\0"}, "nul_replacement"),
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


@pytest.mark.parametrize("conn_type", ["postgres", "duckdb", "adbc"])
def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch, conn_type: str) -> None:
    def without(name: str) -> Any:
        if name.startswith("airflow.providers"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return importlib.import_module(name)

    monkeypatch.setenv("AIRFLOW_CONN_TARGET", json.dumps({"conn_type": conn_type}))
    monkeypatch.setattr(_targets, "import_module", without)
    with pytest.raises(ClockifyConfigError, match=rf"airflow-provider-clockify\[{conn_type}\]"):
        TableTarget("target")


def test_a_dag_file_parses_without_any_driver() -> None:
    code = (
        "from airflow_provider_clockify.transfers.clockify_to_sql import ClockifyReportToSqlOperator\n"
        "ClockifyReportToSqlOperator(task_id='a', sql_conn_id='b', table='c', audit='P366D')"
    )
    modules = (
        "duckdb",
        "psycopg",
        "psycopg2",
        "pyarrow",
        "adbc_driver_manager",
        "requests_mock",
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


def test_the_result_says_what_was_loaded(emulator: ClockifyEmulator) -> None:
    task = report()
    result = task.execute({})

    assert_fits(result, LoadSummary)
    assert_fits(table_extra(task._loaded), TableEventExtra)
    truth = emulator.workspace.truth(*(datetime.fromisoformat(each) for each in WINDOW.values()))
    assert result["rows"] == len(truth.ids) == rows("SELECT count(*) FROM entries")[0][0]
    assert result["totals"]["seconds"] == truth.seconds
    # Whether the key is an admin's, a page, and the names of custom fields, which rows of this workspace lack.
    assert result["requests"] == len(emulator.requests) == 3
    ((load_id, loaded, seconds, amounts, requests),) = rows(
        'SELECT load_id, "rows", seconds, amounts, requests FROM entries_loads'
    )
    assert (load_id, loaded, seconds, requests) == (result["load_id"], len(truth.ids), truth.seconds, 3)
    assert json.loads(amounts) == result["totals"]["amounts"]


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
    emulator: ClockifyEmulator, name: str, more: dict[str, Any]
) -> None:
    found = []
    for _ in range(2):
        assert report(report=name, table=name, **more).execute({})["rows"]
        found.append(sorted(map(str, rows(f"SELECT * FROM {name}"))))
    strip = [[line.rsplit(", ", 2)[0] for line in each] for each in found]
    assert strip[0] == strip[1]


@pytest.mark.parametrize("entity", ["projects", "users", "tasks", "project_custom_fields", "holidays"])
def test_lists_are_replaced(emulator: ClockifyEmulator, entity: str) -> None:
    def load() -> Any:
        return ClockifyEntitiesToSqlOperator(
            task_id="load", sql_conn_id="target", table=entity, entity=entity
        ).execute({})

    first = load()
    assert_fits(first, LoadSummary)
    if entity == "projects":
        emulator.workspace.add_project("New")
    assert (
        load()["rows"]
        == rows(f"SELECT count(*) FROM {entity}")[0][0]
        == first["rows"] + (entity == "projects")
    )


def test_changes_are_added_once(emulator: ClockifyEmulator) -> None:
    def load(entity_type: str) -> Any:
        return ClockifyEntityChangesToSqlOperator(
            task_id="load",
            sql_conn_id="target",
            table="feed",
            entity_type=entity_type,
            start="2026-11-01T00:00:00Z",
            end="2026-11-21T00:00:00Z",
        ).execute({})

    first = load("TIME_ENTRY")
    assert first["rows"] == rows("SELECT count(*) FROM feed")[0][0] > 0
    again = load("TIME_ENTRY")
    assert (again["rows"], again["rows_left_out"]) == (0, first["rows"])
    emulator.workspace.add_tag("new", at=START + timedelta(days=1))
    assert load("TAGS")["rows"] == 1


def test_columns_are_left_out_and_hashed(emulator: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_CLOCKIFY_HASH_SALT", "salt")
    report(drop_columns=["user_name", "amount"], hash_columns=["user_email"]).execute({})
    emails = {each for (each,) in rows("SELECT DISTINCT user_email FROM entries")}
    assert emails
    assert all(len(each) == 64 for each in emails if each)
    names = {row[1] for row in rows("PRAGMA table_info(entries)")}
    assert not names & {"user_name", "amount"}


# --- days outside of the window -----------------------------------------------------------------------------------


def test_an_audit_costs_a_request_and_replaces_what_differs(emulator: ClockifyEmulator) -> None:
    report(start="2026-10-20T00:00:00Z").execute({})
    workspace = emulator.workspace
    day = START + timedelta(days=3)
    victim = workspace.truth_ids(day, day + timedelta(days=1))[0]
    workspace.delete_entry(victim)
    emulator.reset_log()

    task = report(audit=timedelta(days=366))
    result = task.execute({})

    assert [(each["window_start"], each["reason"]) for each in result["replaced"]] == [
        ("2026-11-04T00:00:00Z", "audit")
    ]
    # The event is about the window alone.
    inside = workspace.truth_ids(*(datetime.fromisoformat(WINDOW[name]) for name in ("start", "end")))
    assert table_extra(task._loaded)["rows"] == len(inside) < result["rows"]
    assert "in the table" in result["replaced"][0]["why"]
    assert rows(f"SELECT 1 FROM entries WHERE id = '{victim}'") == []
    assert result["audited_days"] == 366 - 10
    assert emulator.count(path_contains="reports/summary") == 1
    assert emulator.count(path_contains="reports/detailed") == 2
    emulator.reset_log()
    assert report(audit="P366D").execute({})["replaced"] == []
    assert len(emulator.requests) == 4


def test_a_window_within_a_day_is_audited_without_a_rest(emulator: ClockifyEmulator) -> None:
    for hour in (9, 10):
        window = {"start": f"2026-11-10T{hour:02}:00:00Z", "end": f"2026-11-10T{hour + 1:02}:00:00Z"}
        result = report(**window, audit="P30D").execute({})
    # The second run finds nothing to replace, although the day is not whole yet.
    assert result["replaced"] == []
    assert result["window_start"] == "2026-11-10T00:00:00Z"


def test_a_free_workspace_is_audited_month_by_month(
    monkeypatch: pytest.MonkeyPatch, emulator: ClockifyEmulator
) -> None:
    emulator.workspace.plan = "FREE"
    emulator.reset_limits()
    result = report(audit="P90D", on_budget="ignore").execute({})
    asked = emulator.count(path_contains="reports/summary")
    assert result["audited_days"] == 80
    assert asked in (3, 4)  # Where the plan is not known before, a whole year is tried once.


def test_changes_of_feeds_name_the_days(emulator: ClockifyEmulator) -> None:
    report(start="2026-11-01T00:00:00Z").execute({})
    with closing(TableTarget("target").connect()) as database:
        database.begin()
        before = database.dialect.literal(datetime.now(UTC) - timedelta(minutes=30))
        database.execute(
            f"UPDATE entries_loads SET read_at = {before}", f"UPDATE entries SET _read_at = {before}"
        )
        database.commit()
    workspace, at = emulator.workspace, datetime.now(UTC) - timedelta(minutes=10)
    day = START + timedelta(days=3)
    edited = workspace.truth_ids(day, day + timedelta(days=1))[0]
    workspace.update_entry(edited, at=at, description="years later")

    result = report(follow_changes=True).execute({})

    assert [(each["window_start"][:10], each["reason"]) for each in result["replaced"]] == [
        ("2026-11-04", "changes")
    ]
    assert rows(f"SELECT description FROM entries WHERE id = '{edited}'") == [("years later",)]
    assert rows("SELECT count(*) FROM entries_loads WHERE followed_until IS NOT NULL") == [(2,)]


def test_a_feed_that_fails_is_a_warning_and_the_window_is_loaded(
    emulator: ClockifyEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    report().execute({})
    with closing(TableTarget("target").connect()) as database:
        database.begin()
        before = database.dialect.literal(datetime.now(UTC) - timedelta(minutes=30))
        database.execute(
            f"UPDATE entries_loads SET read_at = {before}", f"UPDATE entries SET _read_at = {before}"
        )
        database.commit()
    emulator.fail(403, times=None, match=lambda record: "entities/" in record.path)
    task = report(follow_changes=True)

    result = task.execute({})

    assert result["rows"] > 0
    assert any("change feeds could not be read" in each for each in task._loaded.warnings)
    assert rows("SELECT count(*) FROM entries_loads WHERE followed_until IS NOT NULL") == [(0,)]


# --- in Airflow ---------------------------------------------------------------------------------------------------


def test_assets_and_lineage_name_the_table(emulator: ClockifyEmulator, tmp_path: Path) -> None:
    outlet = SimpleNamespace()
    events: dict[int, Any] = {}

    class Events:
        def __getitem__(self, key: Any) -> Any:
            return events.setdefault(id(key), SimpleNamespace(extra={"mine": 1}))

    task = report(outlets=[])
    task.outlets = [outlet]
    context: Any = {"outlet_events": Events()}
    result = task.execute(context)

    extra = events[id(outlet)].extra
    uri = f"sqlite://{tmp_path / 'target.sqlite'}/entries"
    assert (extra["mine"], extra["table"], extra["rows"]) == (1, uri, result["rows"])
    if find_spec("airflow.providers.openlineage") is None:
        return
    lineage = task.get_openlineage_facets_on_complete(None)
    assert lineage.outputs[0].name == "entries"
    assert lineage.outputs[0].outputFacets["outputStatistics"].rowCount == result["rows"]


def test_a_postgres_table_has_airflows_own_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("airflow.providers.postgres")
    pytest.importorskip("psycopg2")
    monkeypatch.setenv("AIRFLOW_CONN_TARGET", "postgres://me:secret@db:5433/shop")
    assert TableTarget("target").names(TableName("entries", "clockify")) == (
        "postgres://db:5433/shop/clockify/entries",
        "postgres://db:5433",
        "shop.clockify.entries",
    )


def test_a_database_that_cannot_be_reached_is_an_error_without_the_password(
    emulator: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("airflow.providers.postgres")
    pytest.importorskip("psycopg2")
    monkeypatch.setenv("AIRFLOW_CONN_TARGET", "postgres://me:hunter2@127.0.0.1:1/shop")
    with pytest.raises(ClockifyError, match="cannot be opened") as caught:
        report().execute({})
    assert "hunter2" not in str(caught.value)
    assert emulator.requests == []


def test_a_duckdb_in_memory_is_refused(emulator: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("airflow.providers.duckdb")
    monkeypatch.setenv("AIRFLOW_CONN_TARGET", json.dumps({"conn_type": "duckdb"}))
    with pytest.raises(AirflowFailException, match="in memory.*path of a file"):
        report().execute({})


def test_a_retry_goes_on_with_what_was_read(emulator: ClockifyEmulator) -> None:
    """A load of several chunks keeps them for the next attempt, as the export of a file does."""
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
    with closing(TableTarget("target").connect()) as database:
        assert database.types(TableName("entries")) == {}
    emulator.reset_log()
    ti.try_number = 2
    result = report(**parameters).execute(context)

    chunks = [each for each in emulator.requests if b'"page":1,' in each.body and "detailed" in each.path]
    assert len(chunks) == 2  # The last chunk, and the sums of all; the first two chunks were kept.
    assert result["rows"] == rows("SELECT count(*) FROM entries")[0][0] > 0
    assert rows("SELECT DISTINCT _run_id FROM entries") == [("d/r",)]
