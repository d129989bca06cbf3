# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What Airflow learns about data: the scheme is registered, lineage is collected."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.providers.common.compat.assets import Asset

from airflow_provider_clockify.operators.entities import ClockifyExportEntitiesOperator
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
from airflow_provider_clockify.testing import ClockifyEmulator

WINDOW = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC))


@pytest.fixture
def exported(connect: Any, month: ClockifyEmulator) -> Any:
    def run(
        kind: type[Any] = ClockifyDetailedReportOperator, **parameters: Any
    ) -> tuple[Any, dict[str, Any]]:
        folder = connect(month)
        parameters.setdefault("output_path", str(folder / "out"))
        operator = kind(task_id="export", **parameters)
        context = {"data_interval_start": WINDOW[0], "data_interval_end": WINDOW[1]}
        return operator, operator.execute(context)

    return run


def test_airflow_normalises_the_scheme() -> None:
    assert Asset("clockify://64A1B2/Detailed/").uri == "clockify://64a1b2/detailed"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Collect as if somebody would read it; else Airflow's collector does nothing."""
    try:
        from airflow.sdk.lineage import HookLineageCollector
    except ImportError:
        from airflow.lineage.hook import HookLineageCollector
    found = HookLineageCollector()
    monkeypatch.setattr("airflow.providers.common.compat.sdk.get_hook_lineage_collector", lambda: found)
    return found


def test_input_and_outputs_are_in_the_hook_lineage(
    exported: Any, month: ClockifyEmulator, tmp_path: Any, collector: Any
) -> None:
    exported(partition_by="day")
    collected = collector.collected_assets
    inputs = [lineage.asset.uri for lineage in collected.inputs]
    outputs = [lineage.asset.uri for lineage in collected.outputs]
    assert f"clockify://{month.workspace.id}/detailed" in inputs
    for day in ("2026-11-01", "2026-11-02"):
        assert f"file://{tmp_path}/out/dt={day}/detailed.jsonl" in outputs
    assert len(outputs) == 2


def test_openlineage_gets_the_same(exported: Any, month: ClockifyEmulator, tmp_path: Any) -> None:
    pytest.importorskip("airflow.providers.openlineage", reason="the OpenLineage provider is not installed")
    operator, result = exported()
    lineage = operator.get_openlineage_facets_on_complete(None)
    assert [(each.namespace, each.name) for each in lineage.inputs] == [
        (f"clockify://{month.workspace.id}", "detailed")
    ]
    (output,) = lineage.outputs
    assert (output.namespace, output.name) == ("file", str(tmp_path / "out"))
    assert output.outputFacets["outputStatistics"].rowCount == result["rows"]
    operator, _ = exported(ClockifyExportEntitiesOperator, entity="tags")
    assert operator.get_openlineage_facets_on_complete(None).inputs[0].name == "tags"


def test_before_an_export_there_is_no_lineage(tmp_path: Any) -> None:
    operator = ClockifyDetailedReportOperator(task_id="export", output_path=str(tmp_path / "out"))
    assert operator.get_openlineage_facets_on_complete(None) is None
