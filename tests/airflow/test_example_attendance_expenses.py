# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The example DAGs of attendance and expenses, run by Airflow against the emulator, compared with ground truth."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

NOVEMBER = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


def test_attendance_has_a_file_per_day_with_everybodys_time(
    run_dag: Callable, connect: Callable, make_clockify_emulator: Callable
) -> None:
    emulator = make_clockify_emulator(entries=300)
    folder = connect(emulator)
    run = run_dag("example_clockify_attendance", datetime(2026, 12, 2, 6, tzinfo=UTC))
    assert run.state == "success"
    worked: Counter[date] = Counter()
    for number in range(30):
        day = date(2026, 11, 1) + timedelta(days=number)
        with (folder / "attendance" / f"dt={day}" / "attendance.csv").open(
            encoding="utf-8", newline=""
        ) as file:
            for row in csv.DictReader(file):
                assert row["date"] == str(day)
                worked[day] += int(row["total_duration_seconds"] or 0)
    assert len(list(folder.rglob("*.csv"))) == 30
    breaks = sum(
        entry.seconds
        for entry in map(emulator.workspace.entries.__getitem__, emulator.workspace.truth_ids(*NOVEMBER))
        if entry.type == "BREAK"
    )
    assert sum(worked.values()) == emulator.workspace.truth_seconds(*NOVEMBER) - breaks
    assert run.results["check"] == run.results["export_attendance"]["rows"] > 0


def test_expenses_of_the_last_month_are_in_one_file(
    run_dag: Callable, connect: Callable, make_clockify_emulator: Callable
) -> None:
    import pyarrow.parquet as pq

    emulator = make_clockify_emulator(entries=20, expenses=40)
    folder = connect(emulator)
    run = run_dag("example_clockify_expenses", datetime(2026, 12, 3, 6, tzinfo=UTC))
    assert run.state == "success"
    rows = pq.read_table(folder / "expenses" / "month=2026-11" / "expenses.parquet").to_pylist()
    truth = [
        each.id
        for each in emulator.workspace.expenses.values()
        if date(2026, 11, 1) <= date.fromisoformat(each.day) < date(2026, 12, 1)
    ]
    assert sorted(row["id"] for row in rows) == sorted(truth)
    assert run.results["check"] == len(truth) > 0
