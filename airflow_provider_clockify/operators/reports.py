# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Operators that export reports over a run's window, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify._compat import AirflowSkipException, BaseOperator
from airflow_provider_clockify.airflow_errors import airflow_semantics
from airflow_provider_clockify.connection import DEFAULT_CONN_ID
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyNoRowsError, ClockifyWindowError
from airflow_provider_clockify.window import PARTITION_UNITS, RunTimes, Window, resolve_window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_clockify._compat import Context

ON_EMPTY = ("write", "skip", "fail")


class ClockifyDetailedReportOperator(BaseOperator):
    """
    Export the time entries that start in a window to files: complete, once, in UTC.

    Reads ``generateDetailedReport`` with one request per 1,000 entries (at least one per 31 days), proves the result
    against the service's own count and sums, and publishes atomically: the files under ``output_path`` are whole, or
    as they were before. Running timers are left out and counted in the result; they are exported once they have
    ended, by the window that holds their start (see ``lookback``).

    .. seealso:: :ref:`howto/operator:ClockifyDetailedReportOperator`

    :param output_path: Path or URL of the file (``s3://conn@bucket/…``, ``gs://…``, ``abfs://…``, ``file://…``, or a
        plain local path); the base folder with ``partition_by``. Replaced atomically. (templated)
    :param file_format: ``jsonl`` (each row exactly as the service sent it), ``csv`` or ``parquet`` (typed flat
        columns; needs the extra ``parquet``).
    :param compression: ``gzip``, ``zstd`` (for ``jsonl`` and ``csv`` with the extra ``zstd``) or ``None``.
    :param start: First instant of an explicit window, ISO 8601 with offset or ``Z``; only with ``end``. (templated)
    :param end: First instant after an explicit window. (templated)
    :param window: ``data_interval``, or ``hour``, ``day``, ``week`` (from Monday), ``month``: the last complete UTC
        unit before the run's point in time, or the one that starts at its ``partition_date``.
    :param lookback: How much further back the window reaches, to pick up late edits.
    :param partition_by: ``day`` or ``month``: one file per UTC unit, in ``dt=YYYY-MM-DD/`` or ``month=YYYY-MM/`` below
        ``output_path``, each replaced as a whole, empty ones included. The window grows to whole units.
    :param filters: The report's filters in the service's own words, for example
        ``{"projects": ["64a…"], "billable": True}``; lists of ids are expanded to the full form. (templated)
    :param on_empty: ``write`` publishes files without rows; ``skip`` skips the task, ``fail`` fails it, and both leave
        what is there.
    :param workspace_id: Workspace; by default the connection's, else the key's active one. (templated)
    :param clockify_conn_id: Connection of type ``clockify``. (templated)
    :return: Summary, never rows: ``{"paths": [str], "rows": int, "bytes": int, "sha256": {path: str}, "window_start":
        "…Z", "window_end": "…Z", "report": "detailed", "workspace_id": str, "requests": int, "format": str, "totals":
        {"seconds": int, "amounts_minor_units": {currency: str}, "running_timers": int}}``.
    :raises AirflowFailException: a parameter, the connection, the key or the window is wrong; not retried.
    :raises ClockifyIncompleteError: the entries kept changing while they were read.
    :raises ClockifyTransportError: no usable answer within the connection's retries.
    """

    template_fields: Sequence[str] = (
        "output_path",
        "start",
        "end",
        "filters",
        "workspace_id",
        "clockify_conn_id",
    )
    template_fields_renderers = {"filters": "json"}  # noqa: RUF012 - as Airflow declares it
    ui_color = "#d9f2fd"

    def __init__(
        self,
        *,
        output_path: str,
        file_format: str = "jsonl",
        compression: str | None = None,
        start: str | datetime | None = None,
        end: str | datetime | None = None,
        window: str = "data_interval",
        lookback: timedelta | None = None,
        partition_by: str | None = None,
        filters: Mapping[str, Any] | None = None,
        on_empty: str = "write",
        workspace_id: str | None = None,
        clockify_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.output_path = output_path
        self.file_format = file_format
        self.compression = compression
        self.start = start
        self.end = end
        self.window = window
        self.lookback = lookback
        self.partition_by = partition_by
        self.filters = filters
        self.on_empty = on_empty
        self.workspace_id = workspace_id
        self.clockify_conn_id = clockify_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Check everything that can be checked without a request, then export."""
        # Imported here, since Airflow parses DAG files all the time and runs them elsewhere.
        from airflow_provider_clockify.api.filters import report_filters
        from airflow_provider_clockify.exporting import export_detailed, make_plan
        from airflow_provider_clockify.hooks.clockify import ClockifyHook
        from airflow_provider_clockify.sinks.formats import check_format, file_suffix
        from airflow_provider_clockify.sinks.storage import Target

        with airflow_semantics():
            check_format(self.file_format, self.compression)
            on_empty = _one_of("on_empty", self.on_empty, ON_EMPTY)
            partition_by = (
                None
                if self.partition_by is None
                else _one_of("partition_by", self.partition_by, PARTITION_UNITS)
            )
            filters = report_filters(self.filters)
            target = Target(self.output_path)
            target.check(is_base=partition_by is not None)
            plan = make_plan(
                self._resolve_window(context),
                partition_by=partition_by,
                file_name="detailed" + file_suffix(self.file_format, self.compression),
            )
            self._check_complete(plan.window, context)
            hook = ClockifyHook(self.clockify_conn_id, self.workspace_id or None)
            workspace_id = hook.workspace_id
            self.log.info(
                "Exporting the time entries of workspace %s that start in %s: %d chunk(s), %d file(s), %s to %s.",
                workspace_id,
                plan.window,
                len(plan.chunks),
                len(plan.outputs),
                self.file_format,
                target.output_path,
            )
            try:
                result = export_detailed(
                    hook.client,
                    plan,
                    target,
                    workspace_id=workspace_id,
                    filters=filters,
                    file_format=self.file_format,
                    compression=self.compression,
                    on_empty=on_empty,
                )
            except ClockifyNoRowsError as error:
                if on_empty == "skip":
                    raise AirflowSkipException(str(error)) from error
                raise
        if not result.rows and "users" in filters:
            self.log.warning(
                "No rows with filters['users']. The service is known to answer empty where its users filter fails: "
                "compare with an export without it."
            )
        return {**result.to_xcom(), "requests": hook.client.transport.stats.requests}

    def _resolve_window(self, context: Context) -> Window:
        times = run_times(context)
        by_unit = self.start is None and self.end is None and self.window != "data_interval"
        key = getattr(context.get("dag_run"), "partition_key", None)
        if by_unit and key and times.partition_date is None:
            raise ClockifyWindowError(
                f"The run has the partition key {key!r}, but this Airflow gives its tasks no partition_date (3.3 "
                "does), so that the window would be another one than the partition. Give the bounds yourself, for "
                """example start="{{ dag_run.partition_key }}Z" and an end made from it, or upgrade Airflow."""
            )
        return resolve_window(
            start=self.start, end=self.end, window=self.window, lookback=self.lookback, times=times
        )

    def _check_complete(self, window: Window, context: Context) -> None:
        """Refuse a partition that has not ended, and warn of any other window that has not."""
        if window.is_complete_at(datetime.now(UTC)):
            return
        partitioned = context.get("partition_date") is not None
        if partitioned and self.start is None and self.window != "data_interval":
            raise ClockifyWindowError(
                f"The {self.window} of this run's partition, {window}, is not over yet: its export would be cut short. "
                "Let the timetable name the last complete partition, for example CronPartitionTimetable("
                '"0 0 * * *", timezone="UTC", run_offset=-1).'
            )
        self.log.warning("The window %s is not over yet: entries may still be added to it.", window)


def run_times(context: Context) -> RunTimes:
    """
    Take the times of a run from its context; what this Airflow does not know is ``None``.

    :param context: Context of a task, of any supported Airflow version.
    """
    dag_run = context.get("dag_run")
    return RunTimes(
        data_interval_start=context.get("data_interval_start"),
        data_interval_end=context.get("data_interval_end"),
        logical_date=context.get("logical_date"),
        partition_date=context.get("partition_date"),
        run_after=getattr(dag_run, "run_after", None),
    )


def _one_of(parameter: str, value: Any, allowed: Sequence[str]) -> Any:
    if value not in allowed:
        raise ClockifyConfigError(f"{parameter} is {value!r}; use one of {', '.join(allowed)}.")
    return value
