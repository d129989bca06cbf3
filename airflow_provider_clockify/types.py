# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Types for annotations: the fixed choices of parameters.

Importing this costs next to nothing, and nothing else of the package is imported with it.
"""

from __future__ import annotations

from typing import Literal

__all__ = [
    "Change",
    "Compression",
    "Detect",
    "Entity",
    "EntityType",
    "EntryType",
    "ExportType",
    "FileFormat",
    "OnBudget",
    "OnEmpty",
    "PartitionUnit",
    "ReportFileFormat",
    "SummaryGroup",
    "Unit",
    "WeeklyGroup",
    "WindowMode",
]

#: Formats that this package writes.
FileFormat = Literal["jsonl", "csv", "parquet"]
#: The same, and the files that the service renders.
ReportFileFormat = Literal["jsonl", "csv", "parquet", "clockify_csv", "xlsx", "pdf"]
Compression = Literal["gzip", "zstd"]
#: What an export without rows does.
OnEmpty = Literal["write", "skip", "fail"]
#: What an export does that does not fit the hourly quota.
OnBudget = Literal["fail", "defer", "ignore"]
#: Units of UTC.
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
