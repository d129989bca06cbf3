# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Real results and events are what ``airflow_provider_clockify.types`` says of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typed_dicts import assert_fits

from airflow_provider_clockify.operators._lineage import export_extra
from airflow_provider_clockify.operators.entities import (
    ClockifyEntityChangesOperator,
    ClockifyExportEntitiesOperator,
)
from airflow_provider_clockify.operators.reports import (
    ClockifyAttendanceReportOperator,
    ClockifyDetailedReportOperator,
    ClockifyExpenseReportOperator,
    ClockifySummaryReportOperator,
    ClockifyWeeklyReportOperator,
)
from airflow_provider_clockify.operators.time_entries import ClockifyCreateTimeEntryOperator
from airflow_provider_clockify.sensors.time_entries import ClockifyApprovalSensor, ClockifyTimeEntrySensor
from airflow_provider_clockify.testing import generate_workspace
from airflow_provider_clockify.types import (
    ApprovalResult,
    AssetEventExtra,
    ExportSummary,
    TimeEntryEvent,
    TimeEntryResult,
    WrittenTimeEntry,
)
from airflow_provider_clockify.watching.event_cursor import Cursor, Sighting, observe

BOUNDS = {"start": "2026-11-02T00:00:00Z", "end": "2026-11-09T00:00:00Z"}
EXPORTS: list[tuple[Any, dict[str, Any]]] = [
    (ClockifyDetailedReportOperator, {**BOUNDS, "partition_by": "day"}),
    (ClockifyDetailedReportOperator, {**BOUNDS, "reconcile": True}),
    (ClockifySummaryReportOperator, BOUNDS),
    (ClockifyWeeklyReportOperator, BOUNDS),
    (ClockifyAttendanceReportOperator, BOUNDS),
    (ClockifyExpenseReportOperator, BOUNDS),
    (ClockifyDetailedReportOperator, {**BOUNDS, "file_format": "pdf"}),
    (ClockifyExportEntitiesOperator, {"entity": "users"}),
    (ClockifyEntityChangesOperator, BOUNDS),
]


@pytest.fixture
def connected(start_emulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    emulator = start_emulator(generate_workspace(entries=200, plan="ENTERPRISE", approval_requests=3))
    connection = emulator.connection_json(requests_per_second=1000, max_retries=0)
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", connection)
    return emulator


@pytest.mark.parametrize(("operator", "parameters"), EXPORTS, ids=str)
def test_the_result_of_an_export(connected, tmp_path: Path, operator, parameters):
    task = operator(task_id="export", output_path=str(tmp_path / "out"), **parameters)
    result = task.execute({})
    assert_fits(result, ExportSummary)
    assert ("deleted" in result) is bool(parameters.get("reconcile"))
    assert ("snapshot_at" in result) is (operator is ClockifyExportEntitiesOperator)
    assert_fits(export_extra(task._exported), AssetEventExtra)


@pytest.mark.parametrize("end", [None, "2026-12-03T09:00:00Z"])
def test_the_result_of_a_written_entry(connected, end):
    task = ClockifyCreateTimeEntryOperator(task_id="write", start="2026-12-03T08:00:00Z", end=end, marker="m")
    assert_fits(task.execute({}), WrittenTimeEntry)


def test_the_results_of_the_sensors(connected):
    found = ClockifyTimeEntrySensor(task_id="wait", since=BOUNDS["start"]).poke({})
    assert_fits(found.xcom_value, TimeEntryResult)
    from airflow_provider_clockify.watching.approvals import ApprovalAnswer

    assert_fits(ApprovalAnswer(1, ("a",), ("b",)).to_xcom(), ApprovalResult)
    assert ClockifyApprovalSensor(task_id="wait", **BOUNDS).poke({}) is not None


def test_the_payload_of_an_event():
    start = datetime(2026, 11, 2, tzinfo=UTC)
    cursor = Cursor(start, start)
    found = [Sighting("a", start + timedelta(seconds=5), "a")]
    after = observe(cursor, found, start + timedelta(minutes=5), timedelta(minutes=2), "w")
    assert len(after.pending) == 1
    assert_fits(after.pending[0], TimeEntryEvent)
    assert_fits(Cursor.from_json(after.to_json()).pending[0], TimeEntryEvent)


def test_a_key_too_many_and_one_too_few_are_noticed():
    good = {"count": 1, "latest": None, "ids": ["a"]}
    assert_fits(good, TimeEntryResult)
    for bad in (
        {**good, "more": 1},
        {"count": 1, "latest": None},
        {**good, "ids": [1]},
        {**good, "count": True},
    ):
        with pytest.raises(AssertionError):
            assert_fits(bad, TimeEntryResult)
