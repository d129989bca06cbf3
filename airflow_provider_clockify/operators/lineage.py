# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What an export tells Airflow about data: asset events, hook lineage, OpenLineage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_clockify.assets.clockify import SCHEME, asset_uri

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow_provider_clockify._compat import Context
    from airflow_provider_clockify.exports.result import ExportResult
    from airflow_provider_clockify.hooks.clockify import ClockifyHook

# An event is for people and for decisions; the whole list is in the task's result.
MAX_PATHS = 100
# As Airflow's CronPartitionTimetable and its mappers write them, unless told otherwise.
KEY_FORMAT = "%Y-%m-%dT%H:%M:%S"


def event_extra(result: ExportResult) -> dict[str, Any]:
    """
    Give what an asset event says of an export; JSON values (pure).

    :param result: What was published.
    """
    return {
        "report": result.report,
        "workspace_id": result.workspace_id,
        "rows": result.rows,
        "bytes": result.bytes,
        "window_start": result.window.start_iso if result.window else None,
        "window_end": result.window.end_iso if result.window else None,
        "files": len(result.paths),
        "paths": result.paths[:MAX_PATHS],
    }


def partition_keys(starts: Sequence[datetime], run_key: str | None, run_date: datetime | None) -> list[str]:
    """
    Give the keys of the partitions that an export has replaced (pure).

    :param starts: First instant of each, UTC.
    :param run_key: Partition key of the run, if it has one.
    :param run_date: And the instant that it stands for.
    :return: One key for each; none if the run's own key says it already, or is written in a way that cannot be known
        for the others.
    """
    if run_key is not None and (run_date is None or f"{run_date:{KEY_FORMAT}}" != run_key):
        return []
    keys = [f"{start:{KEY_FORMAT}}" for start in starts]
    return [] if keys == [run_key] else keys


def tell_outlets(context: Context, outlets: Sequence[Any], result: ExportResult) -> None:
    """
    Attach what was exported to the events of a task's outlets, and the partitions (Airflow 3.3).

    An event with a key wakes only DAGs that are scheduled by partitions. A run without a partition therefore sends one
    without a key, too, for DAGs that are scheduled by the asset; unless its DAG says that it makes partitions.

    :param context: Context of the task.
    :param outlets: Outlets of the task; aliases are left alone.
    :param result: What was published.
    """
    events = context.get("outlet_events")
    if events is None:
        return
    run_key = getattr(context.get("dag_run"), "partition_key", None)
    keys = partition_keys(result.partitions, run_key, context.get("partition_date"))
    timetable = getattr(context.get("dag"), "timetable", None)
    for_all = run_key is None and not getattr(timetable, "partitioned_at_runtime", False)
    for outlet in outlets:
        if "Alias" in type(outlet).__name__:
            continue
        event: Any = events[outlet]
        event.extra.update(event_extra(result))
        if keys and hasattr(event, "add_partitions"):
            event.add_partitions(keys)
            if for_all:
                event.partition_keys.add(None)


def tell_hook_lineage(hook: ClockifyHook, result: ExportResult) -> None:
    """
    Report input and outputs to Airflow's hook lineage.

    :param hook: Hook that read.
    :param result: What was published.
    """
    from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector

    collector = get_hook_lineage_collector()
    collector.add_input_asset(hook, uri=asset_uri(result.workspace_id, result.report))
    for path in result.paths:
        collector.add_output_asset(hook, uri=path if "://" in path else f"file://{Path(path).absolute()}")


def openlineage_name(path: str) -> tuple[str, str]:
    """
    Name a file as OpenLineage does (pure): namespace and name.

    :param path: Local path, or URL whose user is an Airflow connection id.
    """
    if "://" not in path:
        return "file", str(Path(path).absolute())
    parts = urlsplit(path)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme in ("file", "local"):
        return "file", parts.path
    return f"{parts.scheme}://{host}", parts.path.lstrip("/")


def openlineage(result: ExportResult) -> Any:
    """
    Give input and outputs for OpenLineage, whose provider asks for them.

    :param result: What was published.
    """
    from airflow.providers.common.compat.openlineage.facet import (
        Dataset,
        OutputDataset,
        OutputStatisticsOutputDatasetFacet,
    )
    from airflow.providers.openlineage.extractors import OperatorLineage

    # Rows are counted over all files.
    statistics = {
        "outputStatistics": OutputStatisticsOutputDatasetFacet(rowCount=result.rows, size=result.bytes)
    }
    facets = statistics if len(result.paths) == 1 else {}
    return OperatorLineage(
        inputs=[Dataset(namespace=f"{SCHEME}://{result.workspace_id}", name=result.report)],
        outputs=[
            OutputDataset(namespace=namespace, name=name, outputFacets=facets)
            for namespace, name in map(openlineage_name, result.paths)
        ],
    )
