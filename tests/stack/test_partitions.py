# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""A downstream DAG runs for each day that was exported, and again after a late edit; seen from the database."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

pytestmark = pytest.mark.stack

UPSTREAM, DOWNSTREAM = "example_clockify_partitions", "example_clockify_partitions_downstream"
DAY = timedelta(days=1)


def start_run(stack: Any, dag_id: str, partition: datetime | None = None, **conf: str) -> str:
    """Start a run through the REST API; the command line knows no partition keys."""
    api = f"http://127.0.0.1:{stack.api_port}"
    token = requests.get(f"{api}/auth/token", timeout=30).json()["access_token"]
    answer = requests.post(
        f"{api}/api/v2/dags/{dag_id}/dagRuns",
        json={
            "logical_date": None,
            "conf": conf,
            "partition_key": partition and f"{partition:%Y-%m-%dT%H:%M:%S}",
        },
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    run_id: str = answer.json()["dag_run_id"]
    return run_id


def wait_for_run(stack: Any, dag_id: str, run_id: str) -> None:
    def state() -> str:
        found: str = stack.query(
            "SELECT state FROM dag_run WHERE dag_id = %s AND run_id = %s", dag_id, run_id
        )[0][0]
        assert found != "failed", stack.report()
        return found

    stack.wait_for(f"{run_id} of {dag_id}", lambda: state() == "success", 120)


def runs_by_key(stack: Any, dag_id: str, *days: datetime) -> list[tuple[str, str, str, Any]]:
    """List the runs of some days, oldest first: key, state, instant of the partition, result."""
    rows = stack.query(
        "SELECT r.partition_key, r.state, r.partition_date, x.value FROM dag_run r LEFT JOIN xcom x ON "
        "x.dag_id = r.dag_id AND x.run_id = r.run_id AND x.key = 'return_value' "
        "WHERE r.dag_id = %s AND r.partition_key = ANY(%s) ORDER BY r.id",
        dag_id,
        [f"{day:%Y-%m-%d}" for day in days],
    )
    return [
        (key, state, date.astimezone(UTC).isoformat(), json.loads(value) if isinstance(value, str) else value)
        for key, state, date, value in rows
    ]


def wait_for_days(stack: Any, dag_id: str, days: list[datetime], counts: range) -> list[tuple[Any, ...]]:
    """Wait until every day has a run and nothing is queued; then there must be as many runs as expected."""

    def done() -> bool:
        states = [state for _, state, *_ in runs_by_key(stack, dag_id, *days)]
        assert "failed" not in states, stack.report()
        pending = stack.query(
            "SELECT 1 FROM asset_partition_dag_run WHERE target_dag_id = %s AND created_dag_run_id IS NULL",
            dag_id,
        )
        return len(states) >= counts.start and set(states) == {"success"} and not pending

    stack.wait_for(f"{counts.start} runs of {dag_id}", done, 180)
    found = runs_by_key(stack, dag_id, *days)
    assert len(found) in counts
    return found


def expected(stack: Any, day: datetime) -> tuple[str, str, str, dict[str, Any]]:
    """A succeeded run of a day, with what the emulator holds now."""
    truth = stack.emulator.workspace.truth(day, day + DAY)
    key = f"{day:%Y-%m-%d}"
    return key, "success", day.isoformat(), {"day": key, "rows": len(truth.ids), "seconds": truth.seconds}


def fill(stack: Any, first: datetime, days: int) -> list[datetime]:
    """Track a different amount of time on each day."""
    found = [first + number * DAY for number in range(days)]
    workspace = stack.emulator.workspace
    with workspace.lock:
        for number, day in enumerate(found):
            for hour in range(number + 2):
                start = day + timedelta(hours=hour)
                workspace.add_entry(start=start, end=start + timedelta(minutes=10 + number))
    return found


def test_each_day_has_a_run_of_its_own_and_a_late_edit_another(stack: Any) -> None:
    sunday, monday, tuesday = days = fill(stack, datetime(2026, 3, 8, tzinfo=UTC), 3)
    run_id = start_run(stack, UPSTREAM, monday)
    wait_for_run(stack, UPSTREAM, run_id)
    first = wait_for_days(stack, DOWNSTREAM, days, range(2, 3))
    assert sorted(first) == [expected(stack, sunday), expected(stack, monday)]

    # People correct Monday on Tuesday: one entry is longer, one is gone, one is new.
    workspace = stack.emulator.workspace
    with workspace.lock:
        longer, gone, *_ = workspace.truth_ids(monday, tuesday)
        entry = workspace.entries[longer]
        workspace.update_entry(longer, end=datetime.fromtimestamp(entry.start, UTC) + timedelta(minutes=55))
        workspace.delete_entry(gone)
        for minutes in (7, 9):
            start = monday + timedelta(hours=20, minutes=minutes)
            workspace.add_entry(start=start, end=start + timedelta(minutes=minutes))
    was = {key: result for key, _, _, result in first}
    now = expected(stack, monday)
    assert now[3]["rows"] == was["2026-03-09"]["rows"] + 1
    assert now[3]["seconds"] != was["2026-03-09"]["seconds"]

    wait_for_run(stack, UPSTREAM, start_run(stack, UPSTREAM, tuesday))
    again = wait_for_days(stack, DOWNSTREAM, days, range(4, 5))
    assert again[:2] == first
    assert sorted(again[2:]) == [now, expected(stack, tuesday)]

    # The events say the same as the files, and each woke one run.
    events = stack.query(
        "SELECT e.partition_key, e.extra, (SELECT count(*) FROM dagrun_asset_event d WHERE d.event_id = e.id) "
        "FROM asset_event e WHERE e.source_dag_id = %s AND e.source_run_id = %s ORDER BY 1",
        UPSTREAM,
        run_id,
    )
    assert [(key, woken) for key, _, woken in events] == [
        ("2026-03-08T00:00:00", 1),
        ("2026-03-09T00:00:00", 1),
    ]
    folder = stack.lake / "time_entries_of_a_day"
    for key, extra, _ in events:
        extra = json.loads(extra) if isinstance(extra, str) else extra
        day = datetime.fromisoformat(key)
        assert extra["key"] == key
        assert extra["path"] == str(folder / f"dt={day:%Y-%m-%d}" / "detailed.jsonl")
        assert extra["rows"] == was[f"{day:%Y-%m-%d}"]["rows"]
        assert extra["window_start"] == f"{key}Z"
        assert extra["window_end"] == f"{day + DAY:%Y-%m-%dT%H:%M:%SZ}"


def test_a_backfill_of_partitions_wakes_every_day(stack: Any) -> None:
    days = fill(stack, datetime(2026, 3, 14, tzinfo=UTC), 4)
    bounds = ["--from-date", f"{days[1]:%Y-%m-%d}", "--to-date", f"{days[3]:%Y-%m-%d}"]
    subprocess.run(
        [sys.executable, "-m", "airflow", "backfill", "create", "--dag-id", UPSTREAM, *bounds],
        env=stack.env,
        check=True,
        capture_output=True,
        timeout=120,
    )

    def upstream_runs() -> list[tuple[str, str]]:
        return stack.query(
            "SELECT partition_key, state FROM dag_run WHERE dag_id = %s AND run_type = 'backfill' ORDER BY 1",
            UPSTREAM,
        )

    wanted = [(f"{day:%Y-%m-%dT%H:%M:%S}", "success") for day in days[1:]]
    stack.wait_for("the backfill", lambda: upstream_runs() == wanted, 180)

    # A day that is replaced again before its run begins has one run for both; the data are the same.
    found = wait_for_days(stack, DOWNSTREAM, days, range(4, 7))
    assert {key for key, *_ in found} == {f"{day:%Y-%m-%d}" for day in days}
    for run in found:
        assert run == expected(stack, datetime.fromisoformat(run[2]))


def test_a_run_without_a_partition_wakes_both_kinds_of_dags(stack: Any) -> None:
    days = fill(stack, datetime(2026, 3, 20, tzinfo=UTC), 3)
    bounds = {"start": days[0].isoformat(), "end": (days[2] + DAY).isoformat()}
    wait_for_run(stack, "export_days", start_run(stack, "export_days", **bounds))
    found = wait_for_days(stack, "on_each_day", days, range(3, 4))
    assert Counter(key for key, *_ in found) == Counter(f"{day:%Y-%m-%d}" for day in days)
    assert [datetime.fromisoformat(date) for _, _, date, _ in sorted(found, key=lambda run: run[0])] == days
    for _, _, date, result in found:
        assert datetime.fromisoformat(result["partition_date"]) == datetime.fromisoformat(date)

    def plain() -> list[tuple[str, Any]]:
        return stack.query("SELECT run_id, partition_key FROM dag_run WHERE dag_id = 'on_any_day'")

    stack.wait_for("the run that waits for the asset", plain, 60)
    ((run_id, key),) = plain()
    assert key is None
    wait_for_run(stack, "on_any_day", run_id)
    ((value,),) = stack.query("SELECT value FROM xcom WHERE dag_id = 'on_any_day' AND key = 'return_value'")
    rows = json.loads(value) if isinstance(value, str) else value
    workspace = stack.emulator.workspace
    whole = len(workspace.truth_ids(days[0], days[2] + DAY))
    of_days = Counter(len(workspace.truth_ids(day, day + DAY)) for day in days)
    assert whole in rows
    # Those of the events with keys that are written before the one without one belong to the run as well.
    assert not Counter(rows) - of_days - Counter([whole])
