# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Types for annotations: the fixed choices of parameters, results of tasks, payloads of events.

Importing this costs next to nothing, and nothing else of the package is imported with it.
"""

from __future__ import annotations

from typing import Literal, TypedDict

__all__ = [
    "ApprovalResult",
    "AssetEventExtra",
    "Change",
    "Compression",
    "Detect",
    "Entity",
    "EntityType",
    "EntryType",
    "ExportSummary",
    "ExportTotals",
    "ExportType",
    "FileFormat",
    "LoadSummary",
    "OnBudget",
    "OnEmpty",
    "PartitionUnit",
    "ReplacedDays",
    "ReportFileFormat",
    "ReportName",
    "SchemaChange",
    "SnapshotMode",
    "SummaryGroup",
    "TableEventExtra",
    "TablePartition",
    "TimeEntryEvent",
    "TimeEntryResult",
    "Unit",
    "WeeklyGroup",
    "WindowMode",
    "WrittenTimeEntry",
]

#: Formats that this package writes.
FileFormat = Literal["jsonl", "csv", "parquet", "xlsx"]
#: The same, and the files that the service renders.
ReportFileFormat = Literal["jsonl", "csv", "parquet", "xlsx", "clockify_csv", "clockify_xlsx", "pdf"]
Compression = Literal["gzip", "zstd"]
#: Reports that can be loaded into tables.
ReportName = Literal["detailed", "expenses", "summary", "weekly", "attendance"]
#: What a load does with a table that lacks columns.
SchemaChange = Literal["add_columns", "fail"]
#: Units of time that Iceberg tables are partitioned by, in UTC.
TablePartition = Literal["year", "month", "day"]
#: What a load of a list does with what is there.
SnapshotMode = Literal["replace", "append_snapshot"]
#: What an export without rows does.
OnEmpty = Literal["write", "skip", "fail"]
#: What an export does that does not fit the hourly quota.
OnBudget = Literal["fail", "defer", "ignore"]
#: Units of a time zone.
Unit = Literal["hour", "day", "week", "month"]
#: Units that one file may hold.
PartitionUnit = Literal["day", "month"]
#: Where the window of a run comes from.
WindowMode = Literal["data_interval", "hour", "day", "week", "month"]
#: Which entries are new to a sensor or trigger.
Detect = Literal["started", "created", "changed"]
#: Groups of a summary report.
SummaryGroup = Literal["CLIENT", "PROJECT", "TASK", "TIMEENTRY", "DATE", "WEEK", "MONTH", "USER", "TAG"]
#: Groups of a weekly report.
WeeklyGroup = Literal["USER", "PROJECT"]
#: Files that the service renders, in its own words.
ExportType = Literal["CSV", "XLSX", "PDF"]
#: Kinds of time entries that can be written.
EntryType = Literal["REGULAR", "BREAK"]
#: The three feeds of entity changes.
Change = Literal["created", "updated", "deleted"]
#: What the feeds of entity changes know. The first eight are in their description; the service accepts the others as
#: well (observed 2026-08).
EntityType = Literal[
    "CLIENTS",
    "PROJECTS",
    "TAGS",
    "TASKS",
    "SCHEDULED_ASSIGNMENT",
    "TIME_ENTRY",
    "TIME_ENTRY_RATE",
    "TIME_ENTRY_CUSTOM_FIELD_VALUE",
    "APPROVAL_REQUESTS",
    "BALANCE",
    "CUSTOM_FIELDS",
    "HOLIDAYS",
    "INVOICES",
    "PTO_POLICY",
    "TIME_OFF_REQUEST",
    "USER",
    "USER_GROUPS",
]
#: Lists that can be exported.
Entity = Literal[
    "approval_requests",
    "assignments",
    "clients",
    "custom_fields",
    "expense_categories",
    "expenses",
    "holidays",
    "in_progress_time_entries",
    "invoice_items",
    "invoice_payments",
    "invoices",
    "project_custom_fields",
    "projects",
    "shared_reports",
    "tags",
    "tasks",
    "time_off_balances",
    "time_off_policies",
    "time_off_requests",
    "user_groups",
    "users",
    "webhooks",
    "workspaces",
]


class ExportTotals(TypedDict):
    """Sums over the rows of an export."""

    #: Duration of all rows.
    seconds: int | float
    #: Amounts by currency, in units of the currency, as text, so that no digit is lost.
    amounts: dict[str, str]
    #: Timers that ran when the window was read; not among the rows.
    running_timers: int


class _ExportFacts(TypedDict):
    """What every export says."""

    paths: list[str]
    rows: int
    bytes: int
    #: Hash by path; of more than 100 files one hash by ``output_path``.
    sha256: dict[str, str]
    #: First instant of what was read, UTC; ``None`` of a list.
    window_start: str | None
    #: First instant after it.
    window_end: str | None
    #: Time zone of its units and of the service's days; ``None`` of a list.
    timezone: str | None
    report: str
    workspace_id: str
    #: Requests sent, repeated ones included.
    requests: int
    format: str
    totals: ExportTotals


class ExportSummary(_ExportFacts, total=False):
    """Result (XCom) of the export operators; never rows."""

    #: When a list was read, UTC; only of lists.
    snapshot_at: str
    #: Ids in the tombstones; only with ``reconcile``.
    deleted: int


class AssetEventExtra(TypedDict):
    """Extra of the asset events of exports."""

    report: str
    workspace_id: str
    #: Key of the partition, where the event is about one.
    key: str | None
    #: The file, or the folder of several.
    path: str
    files: int
    rows: int
    bytes: int
    #: ``None`` of several files.
    sha256: str | None
    window_start: str | None
    window_end: str | None
    #: Time zone in which the window was cut; ``None`` without a window.
    timezone: str | None


class ReplacedDays(TypedDict):
    """Days outside of a run's window that a load has replaced."""

    window_start: str
    window_end: str
    #: ``audit`` or ``changes``.
    reason: str
    #: What differed.
    why: str


class LoadSummary(TypedDict):
    """Result (XCom) of the operators that load tables; never rows."""

    #: Schema and name.
    table: str
    uri: str
    #: Kind of database.
    database: str
    #: Rows written, those of replaced days included.
    rows: int
    #: First instant of the run's window, UTC; ``None`` of a list.
    window_start: str | None
    window_end: str | None
    report: str
    workspace_id: str
    #: Requests sent, repeated ones included.
    requests: int
    #: Sums over the rows of the window.
    totals: ExportTotals
    #: Name of the load in the ledger.
    load_id: str
    #: When the read of the window began, UTC.
    read_at: str
    #: Whether the load has created the table.
    created: bool
    added_columns: list[str]
    #: Whether newer loads have covered a part of the window, which was left as it is.
    superseded: bool
    #: Rows that were left out, since newer loads know better.
    rows_left_out: int
    #: Days that ``audit`` has compared.
    audited_days: int
    replaced_days: int
    #: Up to 100 of them.
    replaced: list[ReplacedDays]


class TableEventExtra(TypedDict):
    """Extra of the asset events of loads."""

    report: str
    workspace_id: str
    #: URI of the table.
    table: str
    #: Rows of the run's window; not those of other days that were replaced.
    rows: int
    window_start: str | None
    window_end: str | None
    replaced_days: int
    load_id: str


class WrittenTimeEntry(TypedDict):
    """Result (XCom) of ``ClockifyCreateTimeEntryOperator``."""

    id: str
    #: False where an entry with the marker was there already.
    created: bool
    start: str
    #: ``None`` of a timer that runs.
    end: str | None
    marker: str | None
    workspace_id: str


class TimeEntryResult(TypedDict):
    """Result (XCom) of ``ClockifyTimeEntrySensor``."""

    count: int
    #: Latest of their instants, UTC.
    latest: str | None
    #: Up to 100 of them, the latest first.
    ids: list[str]


class ApprovalResult(TypedDict):
    """Result (XCom) of ``ClockifyApprovalSensor``."""

    #: Approved timesheets of the period.
    approved: int
    #: Users whose timesheet is not approved.
    pending: list[str]
    #: Users who handed none in, or whose timesheet was withdrawn or rejected.
    missing: list[str]


class TimeEntryEvent(TypedDict):
    """Payload of the events of ``ClockifyTimeEntryEventTrigger``."""

    workspace_id: str
    count: int
    window_start: str
    window_end: str
    #: Up to 100 of them, the oldest first.
    ids: list[str]
    #: Whether there are more.
    ids_cut: bool
