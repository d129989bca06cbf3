# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The example DAGs, run by Airflow against the emulator, compared with ground truth."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, generate_workspace

EXAMPLES = sorted((Path(__file__).parents[2] / "dags_examples").glob("*.py"))
NOVEMBER = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
DAY = timedelta(days=1)
AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])
# Airflow 3 starts DAGs by events; 3.2 brought partitions, and 3.3 tells tasks what day theirs is.
FIRST_SHOWN_ON = {"example_clockify_event_driven": (3, 0), "example_clockify_partitions": (3, 2)}


def ids_of(path: str | Path) -> list[str]:
    return [json.loads(line)["_id"] for line in Path(path).read_bytes().splitlines()]


def pages(rows: int) -> int:
    return max(1, -(-rows // 1000))


def test_three_daily_runs_export_every_entry_once_and_again_byte_for_byte(
    run_dag: Callable, connect: Callable, month: ClockifyEmulator
) -> None:
    folder = connect(month)
    first_bytes: dict[Path, bytes] = {}
    for attempt in range(2):
        for day in (4, 5, 6):
            start = datetime(2026, 11, day, tzinfo=UTC)
            truth = month.workspace.truth_ids(start, start + timedelta(days=1))
            month.reset_log()
            run = run_dag("example_clockify_daily_export", start + timedelta(days=1))
            assert run.state == "success"
            path = folder / "time_entries" / f"dt=2026-11-{day:02d}" / "detailed.jsonl"
            summary = run.results["export_time_entries"]
            assert summary["paths"] == [str(path)]
            ids = ids_of(path)
            assert sorted(ids) == sorted(truth)
            assert len(set(ids)) == len(ids) == summary["rows"] == run.results["check"]
            assert month.count() == summary["requests"] == pages(len(truth))
            assert month.count(path_contains="reports/detailed") == month.count()
            if attempt:
                assert path.read_bytes() == first_bytes[path]
            first_bytes[path] = path.read_bytes()
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == sorted(first_bytes)


def test_late_edits_replace_the_days_before(
    run_dag: Callable, connect: Callable, make_clockify_emulator: Callable
) -> None:
    import pyarrow.parquet as pq

    start = datetime(2026, 11, 1, tzinfo=UTC)
    emulator = make_clockify_emulator(entries=600, start=start, end=start + timedelta(days=20))
    folder = connect(emulator)
    run_date = datetime(2026, 11, 11, 3, tzinfo=UTC)
    assert run_dag("example_clockify_late_edits", run_date).state == "success"
    edited, deleted, *_ = emulator.workspace.truth_ids(
        datetime(2026, 11, 5, tzinfo=UTC), datetime(2026, 11, 6, tzinfo=UTC)
    )
    emulator.workspace.update_entry(edited, description="corrected later")
    emulator.workspace.delete_entry(deleted)
    assert run_dag("example_clockify_late_edits", run_date + timedelta(days=1)).state == "success"
    rows = pq.read_table(folder / "time_entries_parquet" / "dt=2026-11-05" / "detailed.parquet").to_pylist()
    by_id = {row["id"]: row for row in rows}
    assert by_id[edited]["description"] == "corrected later"
    assert deleted not in by_id
    assert (folder / "time_entries_parquet" / "dt=2026-11-10").is_dir()


def test_a_plain_cron_schedule_exports_the_last_complete_utc_day(
    run_dag: Callable, connect: Callable, month: ClockifyEmulator
) -> None:
    folder = connect(month)
    run = run_dag("example_clockify_plain_cron", datetime(2026, 11, 10, 2, tzinfo=UTC))
    assert run.state == "success"
    day = datetime(2026, 11, 9, tzinfo=UTC)
    assert run.results["export_yesterday"]["window_start"] == "2026-11-09T00:00:00Z"
    assert run.results["check"] == len(month.workspace.truth_ids(day, day + timedelta(days=1)))
    assert (folder / "time_entries_csv" / "dt=2026-11-09" / "detailed.csv").is_file()


def days_of(month: ClockifyEmulator, zone: str, start: datetime, end: datetime) -> dict[str, set[str]]:
    """Sort the entries of a time by the day that a calendar shows where they start."""
    found: dict[str, set[str]] = {}
    for entry_id in month.workspace.truth_ids(start, end):
        began = datetime.fromtimestamp(month.workspace.entries[entry_id].start, ZoneInfo(zone))
        found.setdefault(f"dt={began:%Y-%m-%d}", set()).add(entry_id)
    return found


def test_the_month_of_berlin_is_exported_in_days_and_sums(
    run_dag: Callable, connect: Callable, month: ClockifyEmulator
) -> None:
    folder = connect(month)
    run = run_dag("example_clockify_month_of_berlin", datetime(2026, 12, 1, 5, tzinfo=UTC))
    assert run.state == "success"
    start, end = datetime(2026, 10, 31, 23, tzinfo=UTC), datetime(2026, 11, 30, 23, tzinfo=UTC)
    days = run.results["export_days"]
    assert (days["window_start"], days["window_end"]) == ("2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z")
    assert days["timezone"] == run.results["export_sums"]["timezone"] == "Europe/Berlin"
    files = {Path(path).parent.name: set(ids_of(path)) for path in days["paths"]}
    assert files == days_of(month, "Europe/Berlin", start, end)
    assert list(files) == [f"dt=2026-11-{day:02}" for day in range(1, 31)]
    assert run.results["check"] == month.workspace.truth_seconds(start, end)
    assert (folder / "berlin_sums" / "month=2026-11" / "summary.csv").is_file()
    request = next(each for each in month.requests if "reports/summary" in each.path)
    assert request.json["timeZone"] == "Europe/Berlin"
    assert (request.json["dateRangeStart"], request.json["dateRangeEnd"]) == (
        "2026-11-01T00:00:00.000Z",
        "2026-11-30T23:59:59.999Z",
    )


@pytest.mark.parametrize(
    ("zone", "begins"),
    [
        ("America/New_York", 4),
        ("Asia/Kolkata", -5.5),
        ("Australia/Lord_Howe", -11),
        ("Pacific/Apia", -13),
    ],
)
def test_a_run_exports_the_month_of_the_place_that_it_names(
    zone: str, begins: float, run_dag: Callable, connect: Callable, month: ClockifyEmulator
) -> None:
    connect(month)
    run = run_dag("probe_month_of_a_place", datetime(2026, 12, 1, 12, tzinfo=UTC), timezone=zone)
    assert run.state == "success"
    result = run.results["export"]
    start, end = (datetime.fromisoformat(result[f"window_{bound}"]) for bound in ("start", "end"))
    assert start == NOVEMBER[0] + timedelta(hours=begins)
    files = {Path(path).parent.name: set(ids_of(path)) for path in result["paths"]}
    assert files == {**dict.fromkeys(files, set()), **days_of(month, zone, start, end)}
    assert list(files) == [f"dt=2026-11-{day:02}" for day in range(1, 31)]
    assert result["timezone"] == zone


def test_partitions_are_replaced_with_the_day_before_and_the_check_of_a_day_can_fail(
    run_dag: Callable, connect: Callable, month: ClockifyEmulator, find_dag: Callable
) -> None:
    if AIRFLOW < (3, 3):
        pytest.skip("partitions need Airflow 3.3")
    folder = connect(month)
    run = run_dag("example_clockify_partitions", datetime(2026, 11, 10, tzinfo=UTC))
    assert run.state == "success"
    paths = [folder / "time_entries_of_a_day" / f"dt=2026-11-{day:02d}" / "detailed.jsonl" for day in (8, 9)]
    assert run.results["export_day"]["paths"] == run.results["check"] == [str(path) for path in paths]
    # The full-stack test runs the DAG below with its partition; here its check must be able to fail.
    check = find_dag("example_clockify_partitions_downstream").get_task("check").python_callable
    for day, path in zip((8, 9), paths, strict=True):
        start = datetime(2026, 11, day, tzinfo=UTC)
        truth = month.workspace.truth(start, start + DAY)
        assert sorted(ids_of(path)) == sorted(truth.ids)
        day_of = {"day": f"2026-11-{day:02d}", "rows": len(truth.ids), "seconds": truth.seconds}
        assert check(f"2026-11-{day:02d}", str(folder / "time_entries_of_a_day")) == day_of
    paths[0].write_bytes(paths[1].read_bytes())
    with pytest.raises(ValueError, match="other days"):
        check("2026-11-08", str(folder / "time_entries_of_a_day"))


# --- dimensions, changes, reports, files, writing -----------------------------------------------------------------


def table(path: str | Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    return pq.read_table(path, partitioning=None).to_pylist()


@pytest.fixture
def workspace() -> EmulatedWorkspace:
    """A workspace with 400 entries in November 2026."""
    return generate_workspace(entries=400, owner_time_zone="America/New_York")


@pytest.fixture
def serve() -> Iterator[Callable[..., ClockifyEmulator]]:
    started: list[ClockifyEmulator] = []

    def start(*workspaces: EmulatedWorkspace) -> ClockifyEmulator:
        started.append(ClockifyEmulator(workspaces, free_requests_per_hour=None).start())
        return started[-1]

    yield start
    for emulator in started:
        emulator.stop()
        assert emulator.errors == []
        assert not emulator.unknown_parameters


def test_dimensions_are_snapshots_of_every_list(
    run_dag: Callable, connect: Callable, serve: Callable, workspace: EmulatedWorkspace
) -> None:
    emulator = serve(workspace)
    folder = connect(emulator)
    run = run_dag("example_clockify_dimensions", datetime(2026, 11, 10, 4, tzinfo=UTC))
    assert run.state == "success"
    for name in ("users", "projects", "clients", "tags", "tasks"):
        rows = table(folder / "dimensions" / name / "dt=2026-11-10" / f"{name}.parquet")
        truth = getattr(workspace, name)
        assert sorted((row["id"], row["name"]) for row in rows) == sorted(
            (each.id, each.name) for each in truth.values()
        )
        assert run.results["check"][name] == len(truth)
    assert emulator.count() == 5 + len(workspace.projects)


def test_the_lake_has_days_of_berlin_and_a_folder_for_each_list(
    run_dag: Callable, connect: Callable, month: ClockifyEmulator
) -> None:
    folder = connect(month) / "lake"
    run = run_dag("example_clockify_lake", datetime(2026, 11, 12, 3, tzinfo=UTC))
    assert run.state == "success"
    start, end = datetime(2026, 11, 3, 23, tzinfo=UTC), datetime(2026, 11, 11, 23, tzinfo=UTC)
    found = {
        path.parent.name: {row["id"] for row in table(path)}
        for path in (folder / "time_entries").glob("dt=*/detailed.parquet")
    }
    assert found == days_of(month, "Europe/Berlin", start, end)
    assert len(found) == 8
    for name in ("users", "projects", "clients"):
        path = folder / "dimensions" / name / "dt=2026-11-12" / f"{name}.parquet"
        assert {row["id"] for row in table(path)} == set(getattr(month.workspace, name))
        assert [each for each in path.parents[1].rglob("*") if each.is_file()] == [path]
    assert run.results["check"]["detailed"] == len(month.workspace.truth_ids(start, end))


def test_the_monthly_summary_has_the_hours_and_the_money_of_the_last_month(
    run_dag: Callable, connect: Callable, serve: Callable, workspace: EmulatedWorkspace
) -> None:
    from airflow_provider_clockify.testing.workspace.truth import truth_summary

    emulator = serve(workspace)
    folder = connect(emulator)
    run = run_dag("example_clockify_monthly_summary", datetime(2026, 12, 3, 6, tzinfo=UTC))
    assert run.state == "success"
    truth = truth_summary(workspace, *NOVEMBER, ("USER", "PROJECT"))
    rows = table(folder / "monthly_summary" / "month=2026-11" / "summary.parquet")
    assert {(r["group_1_id"], r["group_2_id"]): r["duration_seconds"] for r in rows} == {
        keys: group.seconds for keys, group in truth.items()
    }
    for row in rows:
        (earned,) = truth[row["group_1_id"], row["group_2_id"]].earned.values()
        assert Fraction(row["amount"]) == pytest.approx(earned / 100, abs=0.01)
    assert run.results["check"] == workspace.truth_seconds(*NOVEMBER)
    assert emulator.count() == 1


def test_the_weekly_report_has_a_row_per_user_and_day(
    run_dag: Callable, connect: Callable, serve: Callable, workspace: EmulatedWorkspace
) -> None:
    from airflow_provider_clockify.testing.workspace.truth import truth_summary

    emulator = serve(workspace)
    connect(emulator)
    run = run_dag("example_clockify_weekly_report", datetime(2026, 11, 16, 5, tzinfo=UTC))
    assert run.state == "success"
    (path,) = run.results["export_last_week"]["paths"]
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    monday = datetime(2026, 11, 9, tzinfo=UTC)
    truth = truth_summary(workspace, monday, monday + 7 * DAY, ("USER", "DATE"))
    assert {
        (row["group_id"], row["date"]): int(row["duration_seconds"])
        for row in rows
        if int(row["duration_seconds"])
    } == {keys: group.seconds for keys, group in truth.items()}
    assert {date.fromisoformat(row["date"]).isoweekday() for row in rows} == set(range(1, 8))
    assert run.results["check"] == len(rows)
    assert emulator.count() == 1


def test_change_files_of_two_days_hold_what_happened(
    run_dag: Callable, connect: Callable, serve: Callable, workspace: EmulatedWorkspace
) -> None:
    emulator = serve(workspace)
    folder = connect(emulator)
    noon = datetime(2026, 9, 4, 12, tzinfo=UTC)
    kept, gone = (workspace.add_entry(start=noon, end=noon + DAY, at=noon) for _ in range(2))
    client = workspace.add_client("New", at=noon)
    workspace.update_entry(kept.id, description="edited", at=noon + DAY)
    workspace.delete_entry(gone.id, at=noon + DAY)
    outcomes = []
    for day in (5, 6):
        run = run_dag("example_clockify_change_feed", datetime(2026, 9, day, tzinfo=UTC))
        assert run.state == "success"
        outcomes.append(run.results["check"])
    # The first file was made when the second day was over: it knows of neither the old text nor the deleted entry.
    assert outcomes == [{"created": 2}, {"updated": 1, "deleted": 1}]

    def changes(kind: str, day: int) -> list[tuple[str, str]]:
        path = folder / "changes" / kind / f"dt=2026-09-{day:02d}" / "changes.jsonl"
        return [
            (row["change"], row["id"])
            for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())
        ]

    assert changes("clients", 4) == [("created", client.id)]
    assert changes("time_entry", 4) == [("created", kept.id)]
    assert changes("time_entry", 5) == [("updated", kept.id), ("deleted", gone.id)]
    assert changes("projects", 5) == []


def test_every_client_with_time_gets_a_pdf_of_the_last_month(
    run_dag: Callable, connect: Callable, serve: Callable, workspace: EmulatedWorkspace
) -> None:
    idle = workspace.add_client("Idle")
    emulator = serve(workspace)
    folder = connect(emulator)
    run = run_dag("example_clockify_invoice_pdf", datetime(2026, 12, 3, 7, tzinfo=UTC))
    assert run.state == "success"
    active = [client.id for client in workspace.clients.values() if not client.archived]
    tracked = {
        workspace.projects[workspace.entries[entry_id].project_id].client_id
        for entry_id in workspace.truth_ids(*NOVEMBER)
        if workspace.entries[entry_id].project_id
    }
    wanted = {each for each in active if each in tracked}
    assert idle.id in active
    found = {path.stem: path for path in folder.rglob("*.pdf")}
    assert set(found) == wanted
    assert run.results["check"] == len(wanted)
    assert all(path.read_bytes().startswith(b"%PDF-") for path in found.values())
    asked = [r.json for r in emulator.requests if r.service == "reports"]
    assert {body["clients"]["ids"][0] for body in asked} == set(active)
    assert {body["dateRangeStart"][:10] for body in asked} == {"2026-11-01"}


@pytest.mark.parametrize("named", [True, False])
def test_every_workspace_is_exported_to_its_own_folder(
    named: bool, run_dag: Callable, connect: Callable, serve: Callable, workspace: EmulatedWorkspace
) -> None:
    others = [
        generate_workspace(entries=60, seed=number, workspace_id=f"66b0c1a2d3e4f5a6b7c8d00{number}")
        for number in (2, 3)
    ]
    for other in others:
        other.users[workspace.owner.id] = workspace.owner
    emulator = serve(workspace, *others)
    folder = connect(emulator)
    wanted = [workspace, others[0]] if named else [workspace, *others]
    conf = {"workspaces": [each.id for each in wanted]} if named else {}
    run = run_dag("example_clockify_many_workspaces", datetime(2026, 11, 11, 2, tzinfo=UTC), **conf)
    assert run.state == "success"
    day = datetime(2026, 11, 10, tzinfo=UTC)
    truth = {each.id: each.truth_ids(day, day + DAY) for each in wanted}
    assert run.results["check"] == {key: len(found) for key, found in truth.items()}
    for key, found in truth.items():
        path = folder / "workspaces" / key / "dt=2026-11-10" / "detailed.jsonl"
        assert sorted(ids_of(path)) == sorted(found)
    assert emulator.count(path_contains="reports/detailed") == len(wanted)
    assert emulator.count() == len(wanted) + (not named)


def test_the_months_of_a_backfill_tile_the_year(
    run_dag: Callable, connect: Callable, make_clockify_emulator: Callable
) -> None:
    start, end = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC)
    emulator = make_clockify_emulator(entries=300, start=start, end=end)
    folder = connect(emulator)
    for month in (2, 3, 4):
        run = run_dag("example_clockify_backfill_year", datetime(2025, month, 1, tzinfo=UTC))
        assert run.state == "success"
    files = sorted((folder / "backfill").rglob("*.parquet"))
    assert len(files) == 31 + 28 + 31
    rows = [row["id"] for path in files for row in table(path)]
    assert sorted(rows) == sorted(emulator.workspace.truth_ids(start, end))


def test_the_backfill_has_a_run_for_every_month_of_its_year(find_dag: Callable) -> None:
    from airflow.timetables.base import TimeRestriction

    dag = find_dag("example_clockify_backfill_year")
    restriction = TimeRestriction(earliest=dag.start_date, latest=dag.end_date, catchup=True)
    starts, info = [], None
    for _ in range(13):
        info = dag.timetable.next_dagrun_info(
            last_automated_data_interval=info and info.data_interval, restriction=restriction
        )
        if info is None:
            break
        starts.append((info.data_interval.start.year, info.data_interval.start.month))
    assert starts == [(2025, month) for month in range(1, 13)]


def test_time_is_written_once_however_often_the_run_is_repeated(
    run_dag: Callable, connect: Callable, serve: Callable, workspace: EmulatedWorkspace
) -> None:
    emulator = serve(workspace)
    connect(emulator)
    before = set(workspace.entries)
    night = datetime(2026, 10, 20, 1, tzinfo=UTC)
    results = []
    for _ in range(2):
        run = run_dag("example_clockify_write_time", night)
        assert run.state == "success"
        results.append(run.results["book_quarter_of_an_hour"])
    (made,) = set(workspace.entries) - before
    entry = workspace.entries[made]
    assert [result["created"] for result in results] == [True, False]
    assert {result["id"] for result in results} == {made} == {run.results["check"]}
    assert datetime.fromtimestamp(entry.start, UTC) == night
    assert entry.seconds == 900
    assert entry.user_id == workspace.owner.id
    assert entry.description.startswith("Nightly load [example_clockify_write_time/2026-10-20T01:00:00")


# --- all of them --------------------------------------------------------------------------------------------------


def test_every_example_is_run_by_a_test_and_imports(find_dag: Callable) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    run = set(re.findall(r'run_dag\(\s*"(example_\w+)"', text))
    assert run == {path.stem for path in EXAMPLES}
    for path in EXAMPLES:
        if FIRST_SHOWN_ON.get(path.stem, (2, 11)) > AIRFLOW:
            continue
        dag = find_dag(path.stem)
        assert Path(dag.fileloc).resolve() == path.resolve()
        assert set(dag.tags) == {"example", "clockify"}
        assert "check" in dag.task_ids


def paths_of(task: Any) -> list[str]:
    """Return where an export task of a DAG file writes, mapped or not; none if another task says so."""
    if hasattr(task, "expand_input"):
        given = task.expand_input.value
        each = given if isinstance(given, list) else []
        shared = task.partial_kwargs.get("output_path")
        return [one["output_path"] for one in each if "output_path" in one] or [shared] * bool(shared)
    return [task.output_path] if hasattr(task, "output_path") else []


def test_no_two_exports_of_the_examples_write_into_one_folder(find_dag: Callable) -> None:
    names = [path.stem for path in EXAMPLES if FIRST_SHOWN_ON.get(path.stem, (2, 11)) <= AIRFLOW]
    found = sorted(path for name in names for task in find_dag(name).tasks for path in paths_of(task))
    assert len(found) > 20
    assert [(one, other) for one, other in combinations(found, 2) if f"{other}/".startswith(f"{one}/")] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_can_be_shown_in_the_documentation_and_names_no_host_or_key(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    starts, ends = (re.findall(rf"# \[{mark} (howto_\w+)\]", text) for mark in ("START", "END"))
    assert starts == ends
    assert starts
    assert text.startswith("# SPDX-License-Identifier: Apache-2.0\n")
    assert "clockify_default" in text.split('"""')[1]
    text = text.replace("{{ conn.warehouse.password or '' }}", "")  # The connection's own, for dbt.
    for secret in ("http://", "https://", "password", "api_key", "host="):
        assert secret not in text
