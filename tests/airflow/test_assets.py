# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What Airflow learns about data: the scheme is registered, lineage is collected."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat import sdk
from airflow.providers.common.compat.assets import Asset
from packaging.version import Version

from airflow_provider_clockify.operators.entities import ClockifyExportEntitiesOperator
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
from airflow_provider_clockify.testing import ClockifyEmulator

KNOWS_PARTITIONS = Version(version("apache-airflow")) >= Version("3.3")
DAY = timedelta(days=1)
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


def files_of(folder: Path, days: list[datetime]) -> list[Path]:
    return [folder / "days" / f"dt={day:%Y-%m-%d}" / "detailed.jsonl" for day in days]


def whole(month: ClockifyEmulator, start: datetime, end: datetime, path: Path, files: list[Path]) -> dict:
    """What an event says of an export as a whole."""
    return {
        "report": "detailed",
        "workspace_id": month.workspace.id,
        "key": None,
        "path": str(path),
        "files": len(files),
        "rows": len(month.workspace.truth_ids(start, end)),
        "bytes": sum(file.stat().st_size for file in files),
        "sha256": hashlib.sha256(files[0].read_bytes()).hexdigest() if len(files) == 1 else None,
        "window_start": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "window_end": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "timezone": "UTC",
    }


def of_day(month: ClockifyEmulator, day: datetime, file: Path) -> dict:
    """What an event says of one day."""
    return {**whole(month, day, day + DAY, file, [file]), "key": f"{day:%Y-%m-%dT00:00:00}"}


needs_active_assets = pytest.mark.skipif(
    version("apache-airflow").startswith("3.0."), reason="dag.test() of Airflow 3.0 knows no active assets"
)


@needs_active_assets
@pytest.mark.usefixtures("known_assets")
def test_every_replaced_partition_has_an_event_about_itself(
    run_dag: Any, connect: Any, month: ClockifyEmulator
) -> None:
    folder = connect(month)
    assert run_dag("probe_partitioned_outlets", datetime(2026, 11, 10, tzinfo=UTC)).state == "success"
    days = [datetime(2026, 11, day, tzinfo=UTC) for day in (8, 9)]
    files = files_of(folder, days)
    # Without a key for DAGs that are scheduled by the asset; none for the alias. Before 3.3 a task can add no keys.
    expected = {None: whole(month, days[0], days[1] + DAY, folder / "days", files)}
    if KNOWS_PARTITIONS:
        expected |= {
            f"{day:%Y-%m-%dT00:00:00}": of_day(month, day, file)
            for day, file in zip(days, files, strict=True)
        }
    events = events_of("probe_partitioned_outlets")
    assert len(events) == len(expected)
    assert {uri for uri, *_ in events} == {"file:///probe/partitioned"}
    assert {key: extra for _, key, extra in events} == expected


@needs_active_assets
@pytest.mark.usefixtures("known_assets")
def test_an_outlet_of_one_file_has_one_event_without_a_key(
    run_dag: Any, connect: Any, month: ClockifyEmulator
) -> None:
    folder = connect(month)
    start, end = datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC)
    assert run_dag("probe_whole_outlet", end).state == "success"
    extra = whole(month, start, end, folder / "whole.jsonl", [folder / "whole.jsonl"])
    assert events_of("probe_whole_outlet") == [("file:///probe/whole", None, extra)]


@pytest.mark.skipif(not KNOWS_PARTITIONS, reason="a task can add no partitions before Airflow 3.3")
def test_a_year_of_daily_files_makes_small_events_and_a_small_result(
    run_dag: Any, connect: Any, month: ClockifyEmulator
) -> None:
    folder = connect(month)
    end = datetime(2026, 12, 1, tzinfo=UTC)
    days = [end - number * DAY for number in range(392, 0, -1)]
    run = run_dag("probe_long_outlet", end)
    assert run.state == "success"
    assert len(json.dumps(run.results["export"]["paths"])) > 0.9 * len(json.dumps(run.results["export"]))
    events = {key: extra for _, key, extra in events_of("probe_long_outlet")}
    assert len(events) == len(days) + 1
    assert sum(len(json.dumps(extra)) for extra in events.values()) < 250_000
    for day, file in zip(days, files_of(folder, days), strict=True):
        assert events[f"{day:%Y-%m-%dT00:00:00}"] == of_day(month, day, file)


@pytest.mark.skipif(not KNOWS_PARTITIONS, reason="needs partitioned runs of Airflow 3.3")
@pytest.mark.parametrize(
    ("parameters", "key"),
    [
        ({"partition_by": "day"}, "2026-11-09T00:00:00"),
        ({"partition_by": "day"}, "2026-11-09"),
        ({}, "2026-11-09T00:00:00"),
    ],
)
def test_the_event_of_a_partitioned_run_is_about_its_partition(
    connect: Any, month: ClockifyEmulator, parameters: dict[str, Any], key: str
) -> None:
    from airflow.sdk.execution_time.context import OutletEventAccessors
    from airflow.sdk.execution_time.task_runner import _serialize_outlet_events

    folder, day = connect(month), datetime(2026, 11, 9, tzinfo=UTC)
    asset, events = Asset("file:///probe/run"), OutletEventAccessors()
    path = folder / "days" if parameters else folder / "whole.jsonl"
    operator = ClockifyDetailedReportOperator(
        task_id="export", output_path=str(path), window="day", outlets=[asset], **parameters
    )
    run = SimpleNamespace(partition_key=key, run_after=day + DAY)
    operator.execute({"outlet_events": events, "dag_run": run, "partition_date": day})
    file = files_of(folder, [day])[0] if parameters else path
    (event,) = _serialize_outlet_events(events)
    assert "partition_key" not in event  # Airflow takes the run's.
    assert event["extra"] == {**of_day(month, day, file), "key": key}
