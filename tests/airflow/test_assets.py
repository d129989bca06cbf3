# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What Airflow learns about data: the scheme is registered, lineage is collected."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import pytest
from airflow.providers.common.compat import sdk
from airflow.providers.common.compat.assets import Asset
from packaging.version import Version

from airflow_provider_clockify.operators.entities import ClockifyExportEntitiesOperator
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
from airflow_provider_clockify.testing import ClockifyEmulator

KNOWS_PARTITIONS = Version(version("apache-airflow")) >= Version("3.3")
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
    if hasattr(sdk, "get_hook_lineage_collector"):
        where = "airflow.providers.common.compat.sdk"
    elif hasattr(found, "add_input_asset"):
        where = "airflow.providers.common.compat.lineage.hook"
    else:  # Airflow 2's, to which older versions of the compatibility package give the names of Airflow 3.
        where = "airflow.lineage.hook"
    monkeypatch.setattr(f"{where}.get_hook_lineage_collector", lambda: found)
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


@pytest.fixture
def known_assets(airflow_database: None, is_airflow_3: bool) -> None:
    """Tell Airflow 2 of the assets, which only Airflow 3 stores when a DAG is tested."""
    if not is_airflow_3:
        from airflow.models.dagbag import DagBag

        DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).sync_to_db()


def events_of(dag_id: str) -> list[tuple[str, str | None, dict[str, Any]]]:
    """Read the events of a DAG from the database: URI, partition key, extra."""
    try:
        from airflow.models.asset import AssetEvent, AssetModel
    except ImportError:
        from airflow.models.dataset import DatasetEvent as AssetEvent
        from airflow.models.dataset import DatasetModel as AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    of_asset = getattr(AssetEvent, "asset_id", None) or AssetEvent.dataset_id
    with create_session() as session:
        found = session.execute(
            select(AssetModel.uri, AssetEvent)
            .join(AssetModel, AssetModel.id == of_asset)
            .where(AssetEvent.source_dag_id == dag_id)
        ).all()
        return [(uri, getattr(event, "partition_key", None), dict(event.extra)) for uri, event in found]


def expected_extra(month: ClockifyEmulator, start: datetime, end: datetime, paths: list[Any]) -> dict:
    return {
        "report": "detailed",
        "workspace_id": month.workspace.id,
        "rows": len(month.workspace.truth_ids(start, end)),
        "bytes": sum(path.stat().st_size for path in paths),
        "window_start": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "window_end": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "files": len(paths),
        "paths": [str(path) for path in paths],
    }


@pytest.mark.skipif(
    version("apache-airflow").startswith("3.0."), reason="dag.test() of Airflow 3.0 knows no active assets"
)
@pytest.mark.usefixtures("known_assets")
def test_every_replaced_partition_has_an_event_that_says_what_was_exported(
    run_dag: Any, connect: Any, month: ClockifyEmulator
) -> None:
    folder = connect(month)
    assert run_dag("probe_partitioned_outlets", datetime(2026, 11, 10, tzinfo=UTC)).state == "success"
    days = [datetime(2026, 11, day, tzinfo=UTC) for day in (8, 9)]
    paths = [folder / "days" / f"dt={day:%Y-%m-%d}" / "detailed.jsonl" for day in days]
    extra = expected_extra(month, days[0], datetime(2026, 11, 10, tzinfo=UTC), paths)
    # Without a key for DAGs that are scheduled by the asset; none for the alias. Before 3.3 a task can add no keys.
    keys = ["2026-11-08T00:00:00", "2026-11-09T00:00:00", None] if KNOWS_PARTITIONS else [None]
    events = events_of("probe_partitioned_outlets")
    assert sorted(events, key=lambda event: str(event[1])) == [
        ("file:///probe/partitioned", key, extra) for key in keys
    ]


@pytest.mark.skipif(
    version("apache-airflow").startswith("3.0."), reason="dag.test() of Airflow 3.0 knows no active assets"
)
@pytest.mark.usefixtures("known_assets")
def test_an_outlet_of_one_file_has_one_event_without_a_key(
    run_dag: Any, connect: Any, month: ClockifyEmulator
) -> None:
    folder = connect(month)
    start, end = datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC)
    assert run_dag("probe_whole_outlet", end).state == "success"
    extra = expected_extra(month, start, end, [folder / "whole.jsonl"])
    assert events_of("probe_whole_outlet") == [("file:///probe/whole", None, extra)]
