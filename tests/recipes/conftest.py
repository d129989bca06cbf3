# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Exports into files, for the recipes that load them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

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
from airflow_provider_clockify.testing import ClockifyEmulator

OPERATORS: Mapping[str, tuple[Any, Mapping[str, Any]]] = {
    "detailed": (ClockifyDetailedReportOperator, {"partition_by": "day"}),
    "expenses": (ClockifyExpenseReportOperator, {"partition_by": "day"}),
    "summary": (ClockifySummaryReportOperator, {"groups": ["PROJECT", "USER"], "partition_by": "day"}),
    "attendance": (ClockifyAttendanceReportOperator, {"partition_by": "day"}),
    "weekly": (ClockifyWeeklyReportOperator, {"group": "USER"}),
    "changes": (ClockifyEntityChangesOperator, {"entity_type": "TIME_ENTRY"}),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.recipes)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str], Path]:
    """Say where the files of a report or list are."""
    return lambda what: tmp_path / what.replace(":", "_")


@pytest.fixture
def export(monkeypatch: pytest.MonkeyPatch, folder: Callable[[str], Path]) -> Callable[..., dict[str, Any]]:
    """Export a report or a list as Parquet, and return the result of the task."""

    def run(what: str, emulator: ClockifyEmulator, **more: Any) -> dict[str, Any]:
        connection = emulator.connection_json(requests_per_second=1000)
        monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", connection)
        kind, _, entity = what.rpartition(":")
        operator, own = (ClockifyExportEntitiesOperator, {"entity": entity}) if kind else OPERATORS[what]
        path = folder(what) if "partition_by" in own else folder(what) / "all.parquet"
        task = operator(task_id="export", output_path=str(path), file_format="parquet", **own, **more)
        result: dict[str, Any] = task.execute({})
        return result

    return run
