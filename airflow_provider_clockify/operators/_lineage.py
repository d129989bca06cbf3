# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What an export tells Airflow about data: asset events, hook lineage, OpenLineage."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_clockify.assets.clockify import SCHEME, asset_uri
from airflow_provider_clockify.window import zone_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime, tzinfo

    from airflow_provider_clockify._compat import Context
    from airflow_provider_clockify.export.result import ExportResult, PublishedFile
    from airflow_provider_clockify.hooks.clockify import ClockifyHook
    from airflow_provider_clockify.types import AssetEventExtra

# As Airflow's CronPartitionTimetable and its mappers write them, unless told otherwise.
KEY_FORMAT = "%Y-%m-%dT%H:%M:%S"


class KeyedExtras(set["str | None"]):
    """
    Partition keys of an outlet's events, each with an ``extra`` of its own.

    Airflow 3.3 makes one event for each key while it goes through the keys, and reads ``extra`` anew for each; it has
    no other place for what is true of one partition only. Whoever goes through the keys without reading ``extra``
    meanwhile gets what is true of all of them.

    :param event: Airflow's accessor of the outlet's events.
    :param extras: From each key to what its event says besides what the task's author has put there.
    """

    def __init__(self, event: Any, extras: Mapping[str | None, AssetEventExtra]) -> None:
        # A key that the task's author has added keeps the common extra.
        super().__init__([*event.partition_keys, *extras])
        self._event = event
        self._extras = extras

    def __iter__(self) -> Iterator[str | None]:
        common = self._event.extra
        try:
            for key in sorted(super().__iter__(), key=lambda key: (key is None, key)):
                own = self._extras.get(key)
                self._event.extra = common if own is None else {**common, **own}
                yield key
        finally:
            self._event.extra = common


def key_of(file: PublishedFile) -> str | None:
    """
    Return the key of the partition that a file is, as Airflow writes it (pure): the local time of its start.

    :param file: A published file.
    :return: ``None`` if it is none.
    """
    return written_key(file.window.start, file.window.zone) if file.is_partition and file.window else None


def written_key(instant: datetime, zone: tzinfo) -> str:
    """
    Write an instant as ``CronPartitionTimetable`` writes keys, which does so in its own time zone (pure).

    :param instant: Aware datetime.
    :param zone: Time zone of the partitions.
    """
    return f"{instant.astimezone(zone):{KEY_FORMAT}}"


def file_extra(result: ExportResult, file: PublishedFile, key: str | None) -> AssetEventExtra:
    """
    Return what an event says of one file; JSON values (pure).

    :param result: What was published.
    :param file: The file.
    :param key: Key of its partition, if it has one.
    """
    return _extra(result, file, key, file.path, 1, file.sha256)


def export_extra(result: ExportResult) -> AssetEventExtra:
    """
    Return what an event says of a whole export; JSON values (pure).

    :param result: What was published: of one file all that :func:`file_extra` says; of several what they have in
        common, the folder, and the sums.
    """
    if len(result.files) == 1:
        return file_extra(result, result.files[0], key_of(result.files[0]))
    return _extra(result, result, None, result.output_path, len(result.files), None)


def _extra(
    result: ExportResult,
    part: ExportResult | PublishedFile,
    key: str | None,
    path: str,
    files: int,
    sha256: str | None,
) -> AssetEventExtra:
    return {
        "report": result.report,
        "workspace_id": result.workspace_id,
        "key": key,
        "path": path,
        "files": files,
        "rows": part.rows,
        "bytes": part.bytes,
        "sha256": sha256,
        "window_start": part.window.start_iso if part.window else None,
        "window_end": part.window.end_iso if part.window else None,
        "timezone": zone_name(part.window.zone) if part.window else None,
    }


def own_file(result: ExportResult, run_key: str | None, run_date: datetime | None) -> PublishedFile | None:
    """
    Return the file of the run's own partition (pure).

    :param result: What was published.
    :param run_key: Partition key of the run, if it has one.
    :param run_date: And the instant that it stands for.
    :return: ``None`` if that cannot be known.
    """
    if run_key is None:
        return None
    if len(result.files) == 1:
        return result.files[0]
    return next(
        (
            file
            for file in result.files
            if file.is_partition and file.window and run_date and run_date in file.window
        ),
        None,
    )


def partition_files(
    result: ExportResult, run_key: str | None, run_date: datetime | None
) -> dict[str, PublishedFile]:
    """
    Return the partitions that need events with keys of their own (pure).

    :param result: What was published.
    :param run_key: Partition key of the run, if it has one.
    :param run_date: And the instant that it stands for.
    :return: Files by key; none if the run's own key says it already, or is written in a way that cannot be known for
        the others.
    """
    zone = result.window.zone if result.window else UTC
    if run_key is not None and (run_date is None or written_key(run_date, zone) != run_key):
        return {}
    found = {key: file for file in result.files if (key := key_of(file)) is not None}
    return {} if list(found) == [run_key] else found


def tell_outlets(context: Context, outlets: Sequence[Any], result: ExportResult) -> None:
    """
    Attach what was exported to the events of a task's outlets, partition by partition (Airflow 3.3).

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
    run_date = context.get("partition_date")
    whole = export_extra(result)
    keyed: dict[str | None, AssetEventExtra] = {
        key: file_extra(result, file, key) for key, file in partition_files(result, run_key, run_date).items()
    }
    if not keyed and (own := own_file(result, run_key, run_date)) is not None:
        whole = file_extra(result, own, run_key)
    timetable = getattr(context.get("dag"), "timetable", None)
    if keyed and run_key is None and not getattr(timetable, "partitioned_at_runtime", False):
        keyed[None] = whole
    for outlet in outlets:
        if "Alias" in type(outlet).__name__:
            continue
        event: Any = events[outlet]
        event.extra.update(whole)
        if keyed and hasattr(event, "partition_keys"):
            event.partition_keys = KeyedExtras(event, keyed)


def tell_hook_lineage(hook: ClockifyHook, result: ExportResult) -> None:
    """
    Report input and outputs to Airflow's hook lineage.

    :param hook: Hook that read.
    :param result: What was published.
    """
    uris = [path if "://" in path else f"file://{Path(path).absolute()}" for path in result.paths]
    collect(hook, asset_uri(result.workspace_id, result.report), uris)


def collect(hook: ClockifyHook, source: str, outputs: Sequence[str]) -> None:
    """
    Report to Airflow's hook lineage.

    :param hook: Hook that read.
    :param source: URI of what was read.
    :param outputs: URIs of what was written.
    """
    from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector

    collector = get_hook_lineage_collector()
    collector.add_input_asset(hook, uri=source)
    for uri in outputs:
        collector.add_output_asset(hook, uri=uri)


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
    Return input and outputs for OpenLineage, whose provider asks for them.

    :param result: What was published.
    """
    outputs = [(*openlineage_name(file.path), file.rows, file.bytes) for file in result.files]
    return operator_lineage(result.workspace_id, result.report, outputs)


def operator_lineage(
    workspace_id: str, report: str, outputs: Sequence[tuple[str, str, int, int | None]]
) -> Any:
    """
    Return input and outputs as OpenLineage's provider wants them.

    :param workspace_id: Workspace that was read.
    :param report: Report or list that was read.
    :param outputs: Namespace, name, rows, and bytes where they are known, of each dataset that was written.
    """
    from airflow.providers.common.compat.openlineage.facet import (
        Dataset,
        OutputDataset,
        OutputStatisticsOutputDatasetFacet,
    )
    from airflow.providers.openlineage.extractors import OperatorLineage

    return OperatorLineage(
        inputs=[Dataset(namespace=f"{SCHEME}://{workspace_id}", name=report)],
        outputs=[
            OutputDataset(
                namespace=namespace,
                name=name,
                outputFacets={
                    "outputStatistics": OutputStatisticsOutputDatasetFacet(rowCount=rows, size=size)
                },
            )
            for namespace, name, rows, size in outputs
        ],
    )
