# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The example DAGs, run by Airflow against the emulator, compared with ground truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow_provider_clockify.testing import ClockifyEmulator


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
