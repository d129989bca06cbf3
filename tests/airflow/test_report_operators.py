# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Report operators from a context to published files: what is in them, what they cost, what they refuse."""

from __future__ import annotations

import csv
import gzip
import hashlib
import hmac
import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import fsspec
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

try:
    from airflow.sdk.io import attach
except ImportError:
    from airflow.io.store import attach

from airflow_provider_clockify.exceptions import ClockifyIncompleteError
from airflow_provider_clockify.operators.entities import (
    ClockifyEntityChangesOperator,
    ClockifyExportEntitiesOperator,
)
from airflow_provider_clockify.operators.reports import (
    ClockifyAttendanceReportOperator,
    ClockifyDetailedReportOperator,
    ClockifyExpenseReportOperator,
    ClockifyReportOperator,
    ClockifySummaryReportOperator,
    ClockifyWeeklyReportOperator,
)
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, faults, generate_workspace
from airflow_provider_clockify.testing.workspace.kinds import WorkspaceSettings
from airflow_provider_clockify.testing.workspace.truth import truth_summary

NOVEMBER = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
MONDAY = datetime(2026, 11, 9, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = (MONDAY, MONDAY + 7 * DAY)
LATER = datetime(2027, 6, 1, tzinfo=UTC)
SALT = "pepper"
OPERATORS: dict[str, type[ClockifyReportOperator]] = {
    "detailed": ClockifyDetailedReportOperator,
    "summary": ClockifySummaryReportOperator,
    "weekly": ClockifyWeeklyReportOperator,
    "attendance": ClockifyAttendanceReportOperator,
    "expenses": ClockifyExpenseReportOperator,
}


@pytest.fixture
def start() -> Iterator[Callable[..., ClockifyEmulator]]:
    """Start emulators; afterwards none may have met a parameter that the service would silently ignore."""
    with ExitStack() as stack:
        started: list[ClockifyEmulator] = []

        def run(workspace: EmulatedWorkspace | None = None, **server: Any) -> ClockifyEmulator:
            server.setdefault("free_requests_per_hour", None)
            workspace = workspace or generate_workspace(entries=150, expenses=100)
            started.append(stack.enter_context(ClockifyEmulator(workspace, **server)))
            return started[-1]

        yield run
        assert [dict(each.unknown_parameters) for each in started] == [{}] * len(started)


@pytest.fixture
def emulator(start: Callable[..., ClockifyEmulator]) -> ClockifyEmulator:
    return start()


@pytest.fixture
def export(connect: Callable[..., Path]) -> Callable[..., dict[str, Any]]:
    """Execute an operator over a window; ``extra`` goes into the connection."""

    def run(
        emulator: ClockifyEmulator,
        operator: str | type[Any],
        window: tuple[datetime, datetime] = WEEK,
        *,
        output: str = "out",
        extra: dict[str, Any] | None = None,
        **parameters: Any,
    ) -> dict[str, Any]:
        folder = connect(emulator, **{"max_retries": 0, **(extra or {})})
        kind = OPERATORS[operator] if isinstance(operator, str) else operator
        path = output if "://" in output else str(folder / output)
        context = {
            "data_interval_start": window[0],
            "data_interval_end": window[1],
            "logical_date": window[0],
        }
        result: dict[str, Any] = kind(task_id="export", output_path=path, **parameters).execute(context)
        return result

    return run


def member_of(workspace: EmulatedWorkspace) -> Any:
    return next(u for u in workspace.users.values() if u.role == "USER" and u.membership_status == "ACTIVE")


def lines_of(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(line) for path in result["paths"] for line in Path(path).read_bytes().splitlines()]


def flat_rows(result: dict[str, Any]) -> list[dict[str, str]]:
    """Read CSV or Parquet; values as text."""
    found: list[dict[str, str]] = []
    for path in result["paths"]:
        if result["format"] == "parquet":
            import pyarrow.parquet

            rows = pyarrow.parquet.ParquetFile(path).read().to_pylist()
            found += [{k: "" if v is None else str(v) for k, v in row.items()} for row in rows]
        else:
            with Path(path).open(encoding="utf-8", newline="") as file:
                found += list(csv.DictReader(file))
    return found


# --- summary ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
@pytest.mark.parametrize(
    "groups", [("USER",), ("USER", "PROJECT"), ("CLIENT", "PROJECT", "TAG")], ids="-".join
)
def test_flat_rows_of_a_summary_are_the_truth(emulator, export, groups, file_format):
    result = export(emulator, "summary", NOVEMBER, groups=groups, file_format=file_format)
    rows = flat_rows(result)
    truth = truth_summary(emulator.workspace, *NOVEMBER, groups)
    found = {tuple(row[f"group_{n}_id"] for n in range(1, len(groups) + 1)): row for row in rows}
    assert {key: int(row["duration_seconds"]) for key, row in found.items()} == {
        tuple(part or "" for part in key): group.seconds for key, group in truth.items()
    }
    assert {tuple(row[f"group_{n}"] for n in (1, 2, 3)) for row in rows} == {(*groups, "", "")[:3]}
    assert result["rows"] == len(rows) == len(truth)
    assert result["totals"]["seconds"] == emulator.workspace.truth_seconds(*NOVEMBER)
    assert result["requests"] == emulator.count() == 1
    assert (result["report"], result["window_start"]) == ("summary", "2026-11-01T00:00:00Z")


def test_lines_of_a_summary_are_the_outermost_groups(emulator, export):
    result = export(emulator, "summary", NOVEMBER, groups=["USER", "TIMEENTRY"])
    rows = lines_of(result)
    users = truth_summary(emulator.workspace, *NOVEMBER, ("USER",))
    assert {(row["_id"],): row["duration"] for row in rows} == {
        key: each.seconds for key, each in users.items()
    }
    assert all(isinstance(child["_id"], dict) for row in rows for child in row["children"])
    money = {code: float(amount) * 100 for code, amount in result["totals"]["amounts"].items()}
    truth = {code: amount for code, amount in emulator.workspace.truth_amounts(*NOVEMBER).items() if amount}
    assert money == pytest.approx(truth)


@pytest.mark.parametrize(("unit", "files"), [("day", 7), ("month", 1)])
def test_partitions_of_a_summary_cost_one_request_per_file(emulator, export, unit, files):
    result = export(emulator, "summary", partition_by=unit, file_format="csv")
    assert len(result["paths"]) == files
    proof = files > 1  # That all of them together are of one moment.
    assert result["requests"] == emulator.count() == files + proof
    for path, request in zip(result["paths"], emulator.requests[:files], strict=True):
        begin = datetime.fromisoformat(request.json["dateRangeStart"])
        end = datetime.fromisoformat(request.json["dateRangeEnd"]) + timedelta(milliseconds=1)
        rows = flat_rows({"paths": [path], "format": "csv"})
        truth = truth_summary(emulator.workspace, begin, end, ("USER", "PROJECT"))
        assert sum(int(row["duration_seconds"]) for row in rows) == sum(
            each.seconds for each in truth.values()
        )
        assert f"{begin:%Y-%m}" in path
        assert {datetime.fromisoformat(row["period_start"]) for row in rows} == {begin}


def test_a_long_summary_of_a_free_workspace_is_refused_with_the_cure_that_works(start, export):
    emulator = start(generate_workspace(entries=50, plan="FREE"))
    window = (NOVEMBER[0], NOVEMBER[0] + 40 * DAY)
    with pytest.raises(AirflowFailException, match=r"at most 31 days at a time.*partition_by='month'"):
        export(emulator, "summary", window)
    assert emulator.count() == 1
    months, refused, proof = 2, 1, 1
    parts = export(emulator, "summary", window, partition_by="month", output="parts")
    assert parts["requests"] == months + refused + proof


def test_groups_that_do_not_add_up_are_not_published(emulator, export, tmp_path):
    body = {"groupOne": [{"_id": "a", "duration": 60}], "totals": [{"totalTime": 120}]}
    emulator.inject(faults.answer(200, body=body))
    with pytest.raises(ClockifyIncompleteError, match="last 60 s in all, the service counts 120 s"):
        export(emulator, "summary")
    assert list(tmp_path.iterdir()) == []


# --- weekly -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "weeks", "proof"), [(7, 1, 0), (14, 2, 1)])
@pytest.mark.parametrize("group", ["USER", "PROJECT"])
def test_weeks_are_the_truth_at_one_request_each(emulator, export, days, weeks, proof, group):
    window = (MONDAY, MONDAY + days * DAY)
    result = export(emulator, "weekly", window, group=group, file_format="csv")
    truth = truth_summary(emulator.workspace, *window, (group, "DATE"))
    rows = flat_rows(result)
    assert {
        (r["group_id"] or None, r["date"]): int(r["duration_seconds"])
        for r in rows
        if r["duration_seconds"] != "0"
    } == {key: each.seconds for key, each in truth.items()}
    assert result["requests"] == emulator.count() == weeks + proof
    assert {row["period_start"] for row in rows} == {
        f"{MONDAY + n * 7 * DAY:%Y-%m-%dT00:00:00Z}" for n in range(weeks)
    }
    assert result["rows"] == len(rows) == 7 * len({(row["group_id"], row["period_start"]) for row in rows})


@pytest.mark.parametrize(
    ("window", "parameters", "text"),
    [
        ((MONDAY, MONDAY + 6 * DAY), {}, "exactly seven days"),
        ((MONDAY, MONDAY + 8 * DAY), {}, 'exactly seven days.*window="week"'),
        ((MONDAY + DAY / 2, MONDAY + 7.5 * DAY), {}, "from midnight UTC"),
        (WEEK, {"partition_by": "day"}, "does not fit the weekly report"),
        ((MONDAY, MONDAY + 14 * DAY), {"file_format": "pdf"}, "needs exactly seven days"),
    ],
)
def test_what_is_no_week_costs_no_request(emulator, export, window, parameters, text):
    with pytest.raises(AirflowFailException, match=text):
        export(emulator, "weekly", window, **parameters)
    assert emulator.count() == 0


def test_a_refused_week_with_status_200_fails_the_task(emulator, export):
    emulator.inject(faults.error_object_200("exactly 7 days"))
    with pytest.raises(AirflowFailException, match="exactly 7 days"):
        export(emulator, "weekly")
    assert emulator.count() == 1


def test_an_empty_week_with_totals_of_null(emulator, export):
    result = export(emulator, "weekly", (LATER - 1 * DAY, LATER + 6 * DAY))
    assert (result["rows"], result["totals"]["seconds"], lines_of(result)) == (0, 0, [])
    with pytest.raises(AirflowSkipException):
        export(emulator, "weekly", (LATER - 1 * DAY, LATER + 6 * DAY), on_empty="skip", output="other")


# --- attendance and expenses --------------------------------------------------------------------------------


def test_attendance_in_all_formats(emulator, export):
    jsonl = export(emulator, "attendance", NOVEMBER, output="a.jsonl")
    rows = lines_of(jsonl)
    truth = {
        (entry.user_id, datetime.fromtimestamp(entry.start, UTC).date().isoformat())
        for entry in emulator.workspace.entries.values()
        if NOVEMBER[0].timestamp() <= entry.start < NOVEMBER[1].timestamp()
    }
    assert {(row["userId"], row["date"]) for row in rows} == truth
    assert jsonl["rows"] == len(truth)
    assert jsonl["totals"]["seconds"] == sum(row["totalDuration"] for row in rows)
    for file_format in ("csv", "parquet"):
        flat = flat_rows(
            export(emulator, "attendance", NOVEMBER, output=file_format, file_format=file_format)
        )
        assert [(row["user_id"], row["date"]) for row in flat] == [
            (row["userId"], row["date"]) for row in rows
        ]
    assert emulator.count() == 1


def test_attendance_of_a_part_of_a_day_costs_no_request(emulator, export):
    with pytest.raises(AirflowFailException, match="sums up days"):
        export(emulator, "attendance", (MONDAY, MONDAY + DAY / 2))
    assert emulator.count() == 0
    assert len(export(emulator, "attendance", (MONDAY, MONDAY + DAY / 2), partition_by="day")["paths"]) == 1


def test_expenses_in_all_formats(emulator, export):
    workspace = emulator.workspace
    wanted = {key: item for key, item in workspace.expenses.items() if item.day.startswith("2026-11")}
    rows = lines_of(export(emulator, "expenses", NOVEMBER, output="e.jsonl"))
    assert {row["id"]: row["amount"] for row in rows} == {key: item.total for key, item in wanted.items()}
    for file_format in ("csv", "parquet"):
        result = export(emulator, "expenses", NOVEMBER, output=file_format, file_format=file_format)
        flat = {row["id"]: row for row in flat_rows(result)}
        assert {key: row["date"] for key, row in flat.items()} == {
            key: item.day for key, item in wanted.items()
        }
        assert {key: float(row["amount"]) for key, row in flat.items()} == pytest.approx(
            {key: item.total / 100 for key, item in wanted.items()}
        )
        sums: dict[str, float] = {}
        for row in flat.values():
            item = wanted[row["id"]]
            currency = workspace.rates(workspace.users[item.user_id], item.project_id)[2]
            assert row["currency"] == currency
            sums[currency] = sums.get(currency, 0) + item.total / 100
        assert len(sums) > 1
        found = {code: float(text) for code, text in result["totals"]["amounts"].items()}
        assert found == pytest.approx(sums), "amounts of different currencies are never added up"
    assert emulator.count() == max(1, -(-len(wanted) // 200))


# --- files of the service -----------------------------------------------------------------------------------

RENDERED = {"clockify_csv": b'"', "clockify_xlsx": b"PK", "pdf": b"%PDF"}


@pytest.mark.parametrize("file_format", RENDERED)
@pytest.mark.parametrize("report", OPERATORS)
def test_files_of_the_service(emulator, export, report, file_format):
    result = export(emulator, report, file_format=file_format)
    content = Path(result["paths"][0]).read_bytes()
    counted = report in ("detailed", "expenses")
    assert content.startswith(RENDERED[file_format])
    assert result["sha256"] == {result["paths"][0]: hashlib.sha256(content).hexdigest()}
    assert (result["bytes"], result["format"]) == (len(content), file_format)
    assert result["requests"] == emulator.count() == (2 if counted else 1)
    if report == "detailed":
        assert result["rows"] == len(emulator.workspace.truth_ids(*WEEK))


def test_partitioned_files_of_the_service(emulator, export, tmp_path):
    result = export(emulator, "detailed", file_format="pdf", partition_by="day")
    assert [Path(path).relative_to(tmp_path / "out").as_posix() for path in result["paths"]] == [
        f"dt=2026-11-{day:02d}/detailed.pdf" for day in range(9, 16)
    ]
    assert result["requests"] == 14
    assert result["rows"] == len(emulator.workspace.truth_ids(*WEEK)) > 0


@pytest.mark.parametrize(
    "name", ["compression", "drop_columns", "hash_columns", "escape_formulas", "reconcile"]
)
@pytest.mark.parametrize("file_format", RENDERED)
def test_what_does_not_fit_a_file_of_the_service_costs_no_request(emulator, export, file_format, name):
    values = {"compression": "gzip", "drop_columns": ["user_email"], "hash_columns": ["user_email"]}
    value = values.get(name, True)
    with pytest.raises(AirflowFailException, match=f"{name} does not fit file_format='{file_format}'"):
        export(emulator, "detailed", file_format=file_format, **{name: value})
    assert emulator.count() == 0


def test_an_empty_file_of_the_service_is_written_skipped_or_failed(emulator, export):
    empty = (LATER, LATER + DAY)
    assert export(emulator, "detailed", empty, file_format="pdf")["rows"] == 0
    with pytest.raises(AirflowSkipException, match="holds no rows"):
        export(emulator, "detailed", empty, file_format="pdf", on_empty="skip")


def test_a_file_whose_rows_the_service_does_not_count_is_never_taken_for_empty(emulator, export):
    assert len(export(emulator, "summary", file_format="pdf", on_empty="fail")["paths"]) == 1


def test_a_plan_without_files_fails_the_task_with_the_cure(start, export, tmp_path):
    emulator = start(generate_workspace(entries=10, plan="FREE"))
    with pytest.raises(AirflowFailException, match="file_format='csv', 'parquet' and 'xlsx'"):
        export(emulator, "detailed", file_format="clockify_csv")
    assert list(tmp_path.iterdir()) == []


# --- workbooks ----------------------------------------------------------------------------------------------


def sheet(path: str, name: str) -> list[dict[str, Any]]:
    header, *rows = load_workbook(io.BytesIO(Path(path).read_bytes()))[name].values
    texts = [[unescape(each) if isinstance(each, str) else each for each in row] for row in rows]
    return [dict(zip(header, row, strict=True)) for row in texts]


@pytest.mark.parametrize("report", OPERATORS)
def test_a_workbook_holds_the_rows_of_the_other_flat_files_on_every_plan(start, export, report):
    import pyarrow.parquet as pq

    plan = "FREE" if report in ("detailed", "summary", "weekly") else "PRO"
    emulator = start(generate_workspace(entries=300, expenses=40, plan=plan))
    wanted = pq.read_table(export(emulator, report, file_format="parquet")["paths"][0]).to_pylist()
    result = export(emulator, report, file_format="xlsx")
    (path,) = result["paths"]
    rows = sheet(path, report)
    assert result["rows"] == len(rows) == len(wanted) > 0
    for row, other in zip(rows, wanted, strict=True):
        assert list(row) == list(other)
        for name, value in other.items():
            if isinstance(value, datetime):
                assert row[name].replace(tzinfo=UTC) - value < timedelta(milliseconds=1), name
            elif isinstance(value, list):
                assert json.loads(row[name]) == value, name
            elif isinstance(value, Decimal):
                assert row[name] == pytest.approx(float(value)), name
            elif isinstance(value, date):
                assert row[name].date() == value, name
            else:
                assert row[name] == value, name
    totals = {(row["name"], row["currency"]): row["value"] for row in sheet(path, "totals")}
    assert totals["report", None] == report
    assert totals["workspace_id", None] == emulator.workspace.id
    assert totals["window_start", None].isoformat() + "Z" == result["window_start"]
    assert totals["window_end", None].isoformat() + "Z" == result["window_end"]
    assert totals["rows", None] == result["rows"]
    if report == "detailed":
        assert totals["duration_seconds", None] == result["totals"]["seconds"]
        amounts = {
            currency: value for (name, currency), value in totals.items() if name == "amount" and currency
        }
        assert amounts == pytest.approx(
            {code: float(text) for code, text in result["totals"]["amounts"].items()}
        )
    assert export(emulator, report, file_format="xlsx")["sha256"] == result["sha256"], "the same bytes again"


def test_a_workbook_of_each_day_has_the_totals_of_its_day(emulator, export):
    result = export(emulator, "detailed", file_format="xlsx", partition_by="day")
    assert len(result["paths"]) == 7
    seconds = 0
    for number, path in enumerate(result["paths"]):
        assert path.endswith(f"dt=2026-11-{9 + number:02d}/detailed.xlsx")
        rows = sheet(path, "detailed")
        totals = {row["name"]: row["value"] for row in sheet(path, "totals")}
        assert totals["window_start"] == datetime(2026, 11, 9 + number)
        assert totals["rows"] == len(rows)
        assert totals["duration_seconds"] == sum(row["duration_seconds"] for row in rows)
        seconds += totals["duration_seconds"]
    assert seconds == result["totals"]["seconds"] > 0


def test_a_workbook_of_too_many_rows_is_not_published(emulator, export, tmp_path, monkeypatch):
    from airflow_provider_clockify.export.formats import workbooks

    result = export(emulator, "detailed", file_format="xlsx")
    before = Path(result["paths"][0]).read_bytes()
    monkeypatch.setattr(workbooks, "MOST_ROWS", result["rows"])
    with pytest.raises(AirflowFailException, match="Use partition_by"):
        export(emulator, "detailed", file_format="xlsx")
    assert Path(result["paths"][0]).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [Path(result["paths"][0]).name]


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"compression": "gzip"}, "compression does not fit file_format='xlsx'"),
        ({"escape_formulas": True}, "escape_formulas does not fit file_format='xlsx'"),
        ({"reconcile": True}, "reconcile does not fit file_format='xlsx'"),
    ],
)
def test_what_does_not_fit_a_workbook_costs_no_request(emulator, export, parameters, text):
    with pytest.raises(AirflowFailException, match=text):
        export(emulator, "detailed", file_format="xlsx", **parameters)
    assert emulator.count() == 0


# --- columns ------------------------------------------------------------------------------------------------

PRIVATE: dict[str, tuple[list[str], list[str]]] = {
    "detailed": (["user_email", "userName", "tag_names"], ["user_id"]),
    "summary": (["group_1_name"], ["group_1_id"]),
    "weekly": (["group_name"], ["group_id"]),
    "attendance": (["userName"], ["user_id"]),
    "expenses": (["user_email", "user_name"], ["user_id"]),
}


def hashed(text: str) -> str:
    return hmac.new(SALT.encode(), text.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize("file_format", ["jsonl", "csv", "parquet", "xlsx"])
@pytest.mark.parametrize("report", OPERATORS)
def test_what_is_dropped_or_hashed_is_in_no_file(start, export, report, file_format):
    workspace = EmulatedWorkspace(plan="PRO")
    tag = workspace.add_tag("Secret Tag")
    users = [workspace.add_user(f"Secret Person {n}", email=f"secret{n}@example.com") for n in range(3)]
    for user in users:
        workspace.add_entry(user_id=user.id, start=MONDAY, end=MONDAY + DAY / 24, tag_ids=[tag.id], at=MONDAY)
        workspace.add_expense(user.id, day="2026-11-09", total=5.0, at=MONDAY)
    drop, hashes = PRIVATE[report]
    result = export(
        start(workspace),
        report,
        file_format=file_format,
        drop_columns=drop,
        hash_columns=hashes,
        extra={"hash_salt": SALT},
    )
    (path,) = result["paths"]
    content = Path(path).read_bytes()
    if file_format == "parquet":
        import pyarrow.parquet

        content += repr(pyarrow.parquet.ParquetFile(path).read().to_pylist()).encode()
    if file_format == "xlsx":
        content += repr(
            [list(sheet.values) for sheet in load_workbook(io.BytesIO(Path(path).read_bytes()))]
        ).encode()
    assert b"secret" not in content.lower()
    for user in users:
        assert user.id.encode() not in content
        assert hashed(user.id).encode() in content


def test_columns_of_entities_and_changes(emulator, export):
    users = export(
        emulator,
        ClockifyExportEntitiesOperator,
        entity="users",
        drop_columns=["email"],
        hash_columns=["id"],
        extra={"hash_salt": SALT},
    )
    content = Path(users["paths"][0]).read_text(encoding="utf-8")
    assert "@example.com" not in content
    assert {json.loads(line)["id"] for line in content.splitlines()} >= {
        hashed(user.id) for user in emulator.workspace.users.values() if user.account_status == "ACTIVE"
    }
    changes = export(
        emulator,
        ClockifyEntityChangesOperator,
        (datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 9, tzinfo=UTC)),
        drop_columns=("document",),
        output="changes",
    )
    assert changes["rows"] > 0
    assert all("document" not in row for row in lines_of(changes))


def test_the_salt_of_the_airflow_variable_serves_where_the_connection_has_none(emulator, export, monkeypatch):
    hashes = ["user_email"]
    monkeypatch.setenv("AIRFLOW_VAR_CLOCKIFY_HASH_SALT", SALT)
    emails = {hashed(user.email) for user in emulator.workspace.users.values()}
    assert {row["userEmail"] for row in lines_of(export(emulator, "detailed", hash_columns=hashes))} <= emails
    other = lines_of(export(emulator, "detailed", hash_columns=hashes, extra={"hash_salt": "own"}))
    assert not {row["userEmail"] for row in other} & emails


def test_a_hash_without_a_salt_costs_no_request(emulator, export, airflow_database, variables_outside_a_task):
    with pytest.raises(AirflowFailException, match=r"extra.hash_salt.*clockify_hash_salt"):
        export(emulator, "detailed", hash_columns=["user_email"])
    assert emulator.count() == 0


@pytest.mark.parametrize("report", OPERATORS)
@pytest.mark.parametrize("name", ["drop_columns", "hash_columns"])
@pytest.mark.parametrize("given", [["user_mail"], "user_email", {"user_email": "sha1"}], ids=str)
def test_wrong_columns_cost_no_request(emulator, export, report, name, given):
    with pytest.raises(AirflowFailException, match=name):
        export(emulator, report, **{name: given})
    assert emulator.count() == 0


@pytest.mark.parametrize(
    "given", ["{{ hidden | tojson }}", "{{ hidden }}", ("user_email", "{{ hidden[1] }}")], ids=str
)
def test_columns_may_come_from_a_template(emulator, export, given):
    operator = ClockifyDetailedReportOperator(
        task_id="export", output_path="/tmp/x", drop_columns=given, hash_columns=given
    )
    operator.render_template_fields({"hidden": ["user_email", "description"]})
    for name in ("drop_columns", "hash_columns"):
        rendered = {name: getattr(operator, name)}
        rows = lines_of(export(emulator, "detailed", extra={"hash_salt": SALT}, **rendered))
        hidden = [{row.get("userEmail"), row.get("description")} for row in rows]
        assert rows
        assert not [each for each in hidden if any(text and len(text) != 64 for text in each)]


@pytest.mark.parametrize("name", ["drop_columns", "hash_columns"])
@pytest.mark.parametrize("given", ["", "None", ["user_email", ""]], ids=str)
def test_columns_that_render_to_nothing_hide_nothing_and_fail(emulator, export, name, given):
    with pytest.raises(AirflowFailException, match=rf"{name}.* is empty: its template rendered to nothing"):
        export(emulator, "detailed", extra={"hash_salt": SALT}, **{name: given})
    assert emulator.count() == 0


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_a_field_that_no_column_holds_is_refused_where_only_columns_are_written(
    emulator, export, file_format
):
    names = ["projectColor"]
    with pytest.raises(AirflowFailException, match="names 'projectColor'"):
        export(emulator, "detailed", file_format=file_format, drop_columns=names)
    assert emulator.count() == 0
    rows = lines_of(export(emulator, "detailed", drop_columns=names))
    assert rows
    assert not [row for row in rows if "projectColor" in row]


# --- reconcile ----------------------------------------------------------------------------------------------


def tombstones_of(folder: Path) -> dict[str, str]:
    (path,) = folder.glob("_*.tombstones.jsonl")
    return {row["id"]: row["deleted_detected_at"] for row in map(json.loads, path.read_text().splitlines())}


@pytest.mark.parametrize(
    ("file_format", "compression"),
    [("jsonl", None), ("jsonl", "gzip"), ("csv", None), ("csv", "zstd"), ("parquet", None)],
)
def test_what_is_gone_from_the_window_gets_a_tombstone(emulator, export, tmp_path, file_format, compression):
    workspace = emulator.workspace
    how = {"file_format": file_format, "compression": compression, "reconcile": True}
    assert export(emulator, "detailed", **how)["deleted"] == 0
    deleted, moved, *_ = workspace.truth_ids(*WEEK)
    workspace.delete_entry(deleted, at=LATER)
    length = timedelta(seconds=workspace.entries[moved].seconds)
    workspace.update_entry(moved, start=WEEK[1], end=WEEK[1] + length, at=LATER)
    assert export(emulator, "detailed", **how)["deleted"] == 2
    first = tombstones_of(tmp_path)
    assert set(first) == {deleted, moved}
    names = file_format != "jsonl"  # Of custom fields.
    assert export(emulator, "detailed", **how)["requests"] == 1 + names
    assert tombstones_of(tmp_path) == first
    workspace.update_entry(moved, start=WEEK[0], end=WEEK[0] + length, at=LATER)
    assert export(emulator, "detailed", **how)["deleted"] == 1
    assert tombstones_of(tmp_path) == {deleted: first[deleted]}


def test_each_partition_has_tombstones_of_its_own(emulator, export, tmp_path):
    workspace = emulator.workspace
    how = {"partition_by": "day", "reconcile": True}
    export(emulator, "detailed", **how)
    (gone,) = workspace.truth_ids(MONDAY, MONDAY + DAY)[:1]
    workspace.delete_entry(gone, at=LATER)
    result = export(emulator, "detailed", **how)
    assert result["deleted"] == 1
    assert set(tombstones_of(tmp_path / "out" / "dt=2026-11-09")) == {gone}
    assert len(list(tmp_path.rglob("*.tombstones.jsonl"))) == 1


def test_a_crash_between_tombstones_and_data_loses_neither(emulator, export, tmp_path, monkeypatch):
    from airflow_provider_clockify.export.storage import Staging

    workspace = emulator.workspace
    export(emulator, "detailed", reconcile=True)
    before = (tmp_path / "out").read_bytes()
    gone = workspace.truth_ids(*WEEK)[0]
    workspace.delete_entry(gone, at=LATER)

    def crash(*_: Any) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Staging, "publish", crash)
        with pytest.raises(KeyboardInterrupt):
            export(emulator, "detailed", reconcile=True)
    first = tombstones_of(tmp_path)
    assert set(first) == {gone}
    assert (tmp_path / "out").read_bytes() == before
    assert export(emulator, "detailed", reconcile=True)["deleted"] == 1
    assert tombstones_of(tmp_path) == first


def test_tombstones_in_an_object_store(emulator, export):
    store = fsspec.filesystem("memory")
    attach("memory", fs=store)
    url = "memory://bucket/reconcile/out.jsonl.gz"
    how = {"output": url, "reconcile": True, "compression": "gzip"}
    try:
        assert export(emulator, "detailed", **how)["deleted"] == 0
        gone = emulator.workspace.truth_ids(*WEEK)[0]
        emulator.workspace.delete_entry(gone, at=LATER)
        assert export(emulator, "detailed", **how)["deleted"] == 1
        (data, beside) = sorted(path for path in store.find("/") if "reconcile" in path)[::-1]
        assert beside.endswith("/_out.jsonl.gz.tombstones.jsonl")
        assert json.loads(store.cat_file(beside))["id"] == gone
        rows = gzip.decompress(store.cat_file(data)).splitlines()
        assert gone not in {json.loads(row)["_id"] for row in rows}
    finally:
        store.rm("/", recursive=True)


@pytest.mark.parametrize(
    "columns", [{"drop_columns": ["id"]}, {"hash_columns": ["id"]}, {"drop_columns": ["_id"]}], ids=str
)
def test_reconcile_needs_ids_and_says_so_before_the_first_request(emulator, export, columns):
    with pytest.raises(AirflowFailException, match="reconcile compares ids"):
        export(emulator, "detailed", reconcile=True, **columns, extra={"hash_salt": SALT})
    assert emulator.count() == 0


def test_another_format_at_the_same_path_is_refused_with_the_cure(emulator, export, tmp_path):
    export(emulator, "detailed", reconcile=True)
    before = (tmp_path / "out").read_bytes()
    with pytest.raises(AirflowFailException, match="reconcile cannot read the ids of .*out"):
        export(emulator, "detailed", reconcile=True, file_format="csv")
    assert (tmp_path / "out").read_bytes() == before


# --- who sees what ------------------------------------------------------------------------------------------


@pytest.fixture
def restricted(start: Callable[..., ClockifyEmulator]) -> Callable[..., tuple[ClockifyEmulator, str]]:
    """Start an emulator with such settings, and give the key of a plain member."""

    def run(**settings: bool) -> tuple[ClockifyEmulator, str]:
        workspace = generate_workspace(entries=150)
        workspace.settings = WorkspaceSettings(**settings)
        return start(workspace), member_of(workspace).api_key

    return run


def test_rows_of_one_user_only_are_named_in_the_log(restricted, export, connect, warned, monkeypatch):
    emulator, key = restricted(only_admins_see_all_time_entries=True)
    export_as(emulator, key, connect, monkeypatch)
    assert warned() == ["All rows are of one user"]
    assert emulator.count() == 1


def export_as(emulator: ClockifyEmulator, key: str, connect: Any, monkeypatch: Any, **parameters: Any) -> Any:
    folder = connect(emulator)
    extra = {"requests_per_second": 1000, "max_retries": 0}
    extra.update(parameters.pop("extra", {}))
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", emulator.connection_json(api_key=key, **extra))
    context = {
        "data_interval_start": NOVEMBER[0],
        "data_interval_end": NOVEMBER[1],
        "logical_date": NOVEMBER[0],
    }
    operator = ClockifyDetailedReportOperator(task_id="export", output_path=str(folder / "out"), **parameters)
    return operator.execute(context)


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """Return what the operators warned of; Airflow's own loggers do not reach pytest."""
    messages: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    logger, handler = logging.getLogger("tests.report_operators"), Handler(logging.WARNING)
    logger.addHandler(handler)
    monkeypatch.setattr(ClockifyReportOperator, "log", logger)
    texts = ("All rows are of one user", "shows no amounts", "No rows with filters")
    yield lambda: [text for message in messages for text in texts if text in message]
    logger.removeHandler(handler)


def test_a_full_export_warns_of_nothing(emulator, export, warned):
    for report in OPERATORS:
        export(emulator, report, NOVEMBER if report != "weekly" else WEEK, output=report)
    assert warned() == []


def test_hidden_money_is_named_in_the_log(emulator, export, warned):
    body = {
        "timeentries": [
            {
                "_id": "a",
                "userId": "u",
                "timeInterval": {
                    "start": "2026-11-09T00:00:00Z",
                    "end": "2026-11-09T00:01:00Z",
                    "duration": 60,
                },
            },
            {
                "_id": "b",
                "userId": "v",
                "timeInterval": {
                    "start": "2026-11-09T00:00:00Z",
                    "end": "2026-11-09T00:01:00Z",
                    "duration": 60,
                },
            },
        ],
        "totals": [{"entriesCount": 2, "totalTime": 120, "totalAmount": None, "totalAmountByCurrency": {}}],
    }
    emulator.inject(faults.answer(200, body=body), times=2)
    export(emulator, "detailed")
    assert warned() == ["shows no amounts"]
    export(emulator, "detailed", filters={"amountShown": "HIDE_AMOUNT"})
    assert warned() == ["shows no amounts"]


@pytest.mark.parametrize("name", ["users", "userGroups"])
def test_an_empty_answer_to_a_filter_on_people_is_named_in_the_log(emulator, export, warned, name):
    assert export(emulator, "detailed", filters={name: ["f" * 24]})["rows"] == 0
    assert warned() == ["No rows with filters"]


def test_an_empty_window_without_filters_is_no_surprise(emulator, export, warned):
    assert export(emulator, "detailed", (LATER, LATER + DAY))["rows"] == 0
    assert warned() == []


def test_one_wanted_user_is_no_surprise(emulator, export, warned):
    user_id = next(iter(emulator.workspace.users))
    assert export(emulator, "detailed", NOVEMBER, filters={"users": [user_id]})["rows"] > 0
    assert warned() == []


@pytest.mark.parametrize("report", OPERATORS)
def test_the_key_of_an_admin_passes_for_one_request_more(emulator, export, report):
    result = export(emulator, report, require_admin=True)
    assert result["requests"] == emulator.count() == 2
    assert emulator.count("core", "/workspaces") == 1


def test_an_admin_need_not_be_the_owner(emulator, connect, monkeypatch):
    admin = next(user for user in emulator.workspace.users.values() if user.role == "ADMIN")
    assert export_as(emulator, admin.api_key, connect, monkeypatch, require_admin=True)["requests"] == 2


def test_the_key_of_a_member_is_refused_for_one_request(restricted, connect, monkeypatch, tmp_path):
    emulator, key = restricted()
    with pytest.raises(AirflowFailException, match="neither an owner's nor an admin's.*require_admin"):
        export_as(emulator, key, connect, monkeypatch, require_admin=True)
    assert emulator.count() == emulator.count("core") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_token_of_an_addon_passes_without_a_request(emulator, connect, monkeypatch):
    token = emulator.workspace.addon_token
    result = export_as(
        emulator, token, connect, monkeypatch, require_admin=True, extra={"auth_type": "addon_token"}
    )
    assert result["requests"] == emulator.count() == 1


# --- what all share -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("report", OPERATORS)
def test_unknown_new_fields_stay_in_lines_and_change_no_flat_file(start, export, report, file_format):
    def content(**server: Any) -> bytes:
        workspace = generate_workspace(entries=150, expenses=100)
        result = export(start(workspace, **server), report, file_format=file_format)
        assert result["rows"] > 0
        return Path(result["paths"][0]).read_bytes()

    plain, more = content(), content(extra_fields={"brandNew": {"a": [1]}})
    if file_format == "jsonl":
        assert all(json.loads(line)["brandNew"] == {"a": [1]} for line in more.splitlines())
    elif report in ("summary", "weekly", "detailed") and file_format == "csv":
        # Columns of JSON hold what the service sent, new fields included.
        json_columns = {"amounts", "group_amounts", "custom_fields"}
        without = [
            [
                {k: v for k, v in row.items() if k not in json_columns}
                for row in csv.DictReader(io.StringIO(each.decode()))
            ]
            for each in (plain, more)
        ]
        assert without[0] == without[1]
    elif report not in ("summary", "weekly", "detailed"):
        assert more == plain


@pytest.mark.parametrize("report", OPERATORS)
def test_a_filter_that_the_report_does_not_have_costs_no_request(emulator, export, report):
    wrong = "categories" if report != "expenses" else "tags"
    with pytest.raises(AirflowFailException, match=rf"filters\['{wrong}'\] is unknown"):
        export(emulator, report, filters={wrong: ["x"]})
    assert emulator.count() == 0


@pytest.mark.parametrize("groups", [[], ["USER"] * 2, ["USER", "PROJECT", "TASK", "DATE"]], ids=str)
def test_wrong_groups_cost_no_request(emulator, export, groups):
    with pytest.raises(AirflowFailException, match="groups"):
        export(emulator, "summary", groups=groups)
    assert emulator.count() == 0
