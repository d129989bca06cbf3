# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What a DAG author may write, and what a type checker refuses.

Nothing runs this; ``mypy`` reads it, as a part of ``make check``. A comment that names an error which is none is an
error itself.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import assert_type

from airflow_provider_clockify.operators.entities import (
    ClockifyEntityChangesOperator,
    ClockifyExportEntitiesOperator,
)
from airflow_provider_clockify.operators.reports import (
    ClockifyDetailedReportOperator,
    ClockifyExpenseReportOperator,
    ClockifySummaryReportOperator,
    ClockifyWeeklyReportOperator,
)
from airflow_provider_clockify.operators.time_entries import ClockifyCreateTimeEntryOperator
from airflow_provider_clockify.sensors.time_entries import ClockifyApprovalSensor, ClockifyTimeEntrySensor
from airflow_provider_clockify.transfers.clockify_to_iceberg import (
    ClockifyEntitiesToIcebergOperator,
    ClockifyReportToIcebergOperator,
)
from airflow_provider_clockify.transfers.clockify_to_sql import (
    ClockifyEntitiesToSqlOperator,
    ClockifyEntityChangesToSqlOperator,
    ClockifyReportToSqlOperator,
)
from airflow_provider_clockify.triggers.time_entries import ClockifyTimeEntryEventTrigger
from airflow_provider_clockify.types import (
    Detect,
    Entity,
    ExportSummary,
    FileFormat,
    LoadSummary,
    ReplacedDays,
    ReportFileFormat,
    WrittenTimeEntry,
)

# --- reports ------------------------------------------------------------------------------------------------------

ClockifyDetailedReportOperator(
    task_id="a",
    output_path="/a",
    file_format="clockify_xlsx",
    compression=None,
    partition_by="day",
    window="day",
    lookback="P7D",
    filters={"billable": True},
    drop_columns=("user_email",),
    hash_columns="{{ params.names }}",
    on_empty="skip",
    on_budget="defer",
    reconcile=True,
    retries=3,
    retry_delay=timedelta(minutes=5),
    pool="clockify",
    doc_md="x",
    outlets=[],
    deferrable=True,
    resume=False,
    require_admin=True,
    workspace_id=None,
)
ClockifyDetailedReportOperator(task_id="a", output_path="/a", file_format="orc")  # type: ignore[arg-type]
ClockifyDetailedReportOperator(task_id="a", output_path="/a", compression="lz4")  # type: ignore[arg-type]
ClockifyDetailedReportOperator(task_id="a", output_path="/a", window="year")  # type: ignore[arg-type]
ClockifyDetailedReportOperator(task_id="a", output_path="/a", partition_by="week")  # type: ignore[arg-type]
ClockifyDetailedReportOperator(task_id="a", output_path="/a", on_empty="ignore")  # type: ignore[arg-type]
ClockifyDetailedReportOperator(task_id="a", output_path="/a", on_budget="wait")  # type: ignore[arg-type]
ClockifyDetailedReportOperator(task_id="a", output_path="/a", partion_by="day")  # type: ignore[call-arg]
ClockifyDetailedReportOperator(task_id="a", output_path="/a", columns={"drop": ["id"]})  # type: ignore[call-arg]
ClockifyDetailedReportOperator(task_id="a", output_path="/a", retrys=3)  # type: ignore[call-arg]
ClockifyDetailedReportOperator(task_id="a", output_path="/a", lookback=7)  # type: ignore[arg-type]
ClockifyDetailedReportOperator(task_id="a")  # type: ignore[call-arg]
ClockifyDetailedReportOperator(output_path="/a")  # type: ignore[call-arg]
ClockifySummaryReportOperator(task_id="a", output_path="/a", groups=("USER", "{{ params.group }}"))
ClockifySummaryReportOperator(task_id="a", output_path="/a", group="USER")  # type: ignore[call-arg]
ClockifyWeeklyReportOperator(task_id="a", output_path="/a", group="PROJECT")
ClockifyWeeklyReportOperator(task_id="a", output_path="/a", group="TAG")  # type: ignore[arg-type]
ClockifyExpenseReportOperator(task_id="a", output_path="/a", start=datetime(2026, 1, 1, tzinfo=UTC))
ClockifyExpenseReportOperator(task_id="a", output_path="/a", start=20260101)  # type: ignore[arg-type]

# --- lists and changes --------------------------------------------------------------------------------------------

ClockifyExportEntitiesOperator(task_id="a", output_path="/a", entity="users", filters={"status": "ALL"})
ClockifyExportEntitiesOperator(task_id="a", output_path="/a", entity="{{ params.entity }}", file_format="csv")
ClockifyExportEntitiesOperator(task_id="a", output_path="/a")  # type: ignore[call-arg]
ClockifyExportEntitiesOperator(task_id="a", output_path="/a", entity="users", file_format="pdf")  # type: ignore[arg-type]
ClockifyExportEntitiesOperator(task_id="a", output_path="/a", entity="users", start="2026")  # type: ignore[call-arg]
ClockifyEntityChangesOperator(task_id="a", output_path="/a", entity_type="TASKS", lookback="PT36H")
ClockifyEntityChangesOperator(task_id="a", output_path="/a", filters={})  # type: ignore[call-arg]
ClockifyEntityChangesOperator(task_id="a", output_path="/a", window="year")  # type: ignore[arg-type]

# --- tables -------------------------------------------------------------------------------------------------------

ClockifyReportToSqlOperator(task_id="a", sql_conn_id="b", table="c", audit="P366D", schema_change="fail")
ClockifyReportToSqlOperator(task_id="a", sql_conn_id="b", table="c", filters={})  # type: ignore[call-arg]
ClockifyReportToSqlOperator(task_id="a", sql_conn_id="b", table="c", report="x")  # type: ignore[arg-type]
ClockifyReportToSqlOperator(task_id="a", sql_conn_id="b")  # type: ignore[call-arg]
ClockifyEntitiesToSqlOperator(task_id="a", sql_conn_id="b", table="c", entity="users", mode="append_snapshot")
ClockifyEntitiesToSqlOperator(task_id="a", sql_conn_id="b", table="c", entity="tags", mode="x")  # type: ignore[arg-type]
ClockifyEntityChangesToSqlOperator(task_id="a", sql_conn_id="b", table="c", window="x")  # type: ignore[arg-type]
ClockifyReportToIcebergOperator(task_id="a", table="b.c", partition_by="day", follow_changes=True)
ClockifyReportToIcebergOperator(task_id="a", table="b.c", partition_by="week")  # type: ignore[arg-type]
ClockifyReportToIcebergOperator(task_id="a", table="b.c", schema="x")  # type: ignore[call-arg]
ClockifyReportToIcebergOperator(task_id="a", iceberg_conn_id="b")  # type: ignore[call-arg]
ClockifyEntitiesToIcebergOperator(task_id="a", table="b.c", entity="users", partition_by=None)

# --- writing, waiting, watching -----------------------------------------------------------------------------------

ClockifyCreateTimeEntryOperator(
    task_id="a", start="2026-01-01T00:00:00Z", clockify_task_id="b", entry_type="BREAK"
)
ClockifyCreateTimeEntryOperator(task_id="a", start="2026", entry_type="HOLIDAY")  # type: ignore[arg-type]
ClockifyTimeEntrySensor(task_id="a", detect="changed", mode="reschedule", timeout=60.0, soft_fail=True)
ClockifyTimeEntrySensor(task_id="a", detect="ended")  # type: ignore[arg-type]
ClockifyTimeEntrySensor(task_id="a", min_entry=2)  # type: ignore[call-arg]
ClockifyApprovalSensor(task_id="a", user_ids=["a"], poke_interval=60, deferrable=True)
ClockifyApprovalSensor(task_id="a", user_id="a")  # type: ignore[call-arg]
ClockifyTimeEntryEventTrigger(detect="started", poll_interval=60, since="2026-01-01T00:00:00Z")
ClockifyTimeEntryEventTrigger(detect="ended")  # type: ignore[arg-type]
ClockifyTimeEntryEventTrigger(interval=60)  # type: ignore[call-arg]

# --- what tasks return --------------------------------------------------------------------------------------------

summary = ClockifyDetailedReportOperator(task_id="a", output_path="/a").execute({})
assert_type(summary, ExportSummary)
assert_type(summary["paths"], list[str])
assert_type(summary["rows"], int)
assert_type(summary["sha256"], dict[str, str])
assert_type(summary["window_start"], str | None)
assert_type(summary["totals"]["seconds"], int | float)
assert_type(summary["totals"]["amounts"], dict[str, str])
assert_type(summary.get("snapshot_at"), str | None)
summary["path"]  # type: ignore[typeddict-item]
snapshot = ClockifyExportEntitiesOperator(task_id="a", output_path="/a", entity="users").execute({})
assert_type(snapshot, ExportSummary)
loaded = ClockifyReportToSqlOperator(task_id="a", sql_conn_id="b", table="c").execute({})
assert_type(loaded, LoadSummary)
assert_type(loaded["replaced"], list[ReplacedDays])
assert_type(ClockifyReportToIcebergOperator(task_id="a", table="b.c").execute({}), LoadSummary)
written = ClockifyCreateTimeEntryOperator(task_id="a", start="2026-01-01T00:00:00Z").execute({})
assert_type(written, WrittenTimeEntry)
assert_type(written["created"], bool)
assert_type(written["end"], str | None)

# --- choices ------------------------------------------------------------------------------------------------------

FORMAT: FileFormat = "parquet"
RENDERED: FileFormat = "pdf"  # type: ignore[assignment]
REPORT: ReportFileFormat = FORMAT
NARROW: FileFormat = REPORT  # type: ignore[assignment]
WIDE: ReportFileFormat = "clockify_csv"
LIST: Entity = "user"  # type: ignore[assignment]
WATCHED: Detect = "ended"  # type: ignore[assignment]
