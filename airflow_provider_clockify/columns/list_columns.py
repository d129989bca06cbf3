# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Lists of the service as flat rows (pure). Money is in units of its currency, durations in seconds, times in UTC."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_clockify.columns.tables import Column, ColumnType, Row, Table, column, generic_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

TEXT, FLAG, INSTANT, MONEY = ColumnType.TEXT, ColumnType.FLAG, ColumnType.INSTANT, ColumnType.MONEY
SECONDS, WHOLE, TEXTS, JSON = ColumnType.SECONDS, ColumnType.WHOLE, ColumnType.TEXTS, ColumnType.JSON
DAY, NUMBER = ColumnType.DAY, ColumnType.NUMBER

_ID = column("id", TEXT, "Id; unique in the workspace.", "id", "_id")
_NAME = column("name", TEXT, "Name.", "name")
_ARCHIVED = column("archived", FLAG, "Whether it is archived.", "archived")
_WORKSPACE = column("workspace_id", TEXT, "Id of the workspace.", "workspaceId")


def _rate(name: str, path: str, what: str) -> tuple[Column, Column]:
    return (
        column(f"{name}_amount", MONEY, f"{what} per hour, units of the currency.", f"{path}.amount"),
        column(f"{name}_currency", TEXT, f"Currency of {name}_amount.", f"{path}.currency"),
    )


_ENTRY = (
    column("id", TEXT, "Id of the time entry; unique in the workspace.", "id"),
    column("description", TEXT, "Description.", "description"),
    column("start", INSTANT, "Start, UTC.", "timeInterval.start"),
    column("end", INSTANT, "End, UTC; empty while the timer runs.", "timeInterval.end"),
    column("duration_seconds", SECONDS, "Duration in seconds.", "timeInterval.duration"),
    column("billable", FLAG, "Whether the entry is billable.", "billable"),
    column("type", TEXT, "REGULAR, BREAK, HOLIDAY or TIME_OFF.", "type"),
    column("is_locked", FLAG, "Whether the entry is locked against changes.", "isLocked"),
    column("user_id", TEXT, "Id of the user.", "userId"),
    column("project_id", TEXT, "Id of the project.", "projectId"),
    column("task_id", TEXT, "Id of the task.", "taskId"),
    column("tag_ids", TEXTS, "Ids of the tags.", "tagIds"),
    column("custom_fields", JSON, "Custom field values: JSON as the service sent it.", "customFieldValues"),
    *_rate("hourly_rate", "hourlyRate", "Billable rate"),
    *_rate("cost_rate", "costRate", "Cost rate"),
)

_COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "workspaces": (
        _ID,
        _NAME,
        column("subdomain", TEXT, "Subdomain.", "subdomain.name"),
        column("plan", TEXT, "Subscription type.", "featureSubscriptionType"),
        column("features", TEXTS, "Flags of the plan.", "features"),
        *_rate("hourly_rate", "hourlyRate", "Default billable rate"),
        *_rate("cost_rate", "costRate", "Default cost rate"),
        column("currencies", JSON, "Currencies: JSON as the service sent it.", "currencies"),
        column("settings", JSON, "Settings: JSON as the service sent it.", "workspaceSettings"),
    ),
    "users": (
        _ID,
        _NAME,
        column("email", TEXT, "E-mail.", "email"),
        column("status", TEXT, "Status of the account, not of the membership.", "status"),
        column("active_workspace", TEXT, "Id of the active workspace.", "activeWorkspace"),
        column("default_workspace", TEXT, "Id of the default workspace.", "defaultWorkspace"),
        column("time_zone", TEXT, "Profile time zone, IANA name.", "settings.timeZone"),
        column("week_start", TEXT, "First day of the week.", "settings.weekStart"),
        column("custom_fields", JSON, "User custom fields: JSON as the service sent it.", "customFields"),
        column(
            "memberships",
            JSON,
            "Memberships, where asked for: JSON as sent, rates in hundredths.",
            "memberships",
        ),
        column("roles", JSON, "Roles, where they were asked for: JSON.", "roles"),
    ),
    "user_groups": (
        _ID,
        _NAME,
        _WORKSPACE,
        column("user_ids", TEXTS, "Ids of the members.", "userIds"),
        column("team_manager_ids", TEXTS, "Ids of the team managers, where asked for.", "teamManagers.*.id"),
    ),
    "clients": (
        _ID,
        _NAME,
        _ARCHIVED,
        _WORKSPACE,
        column("email", TEXT, "E-mail.", "email"),
        column("address", TEXT, "Address.", "address"),
        column("note", TEXT, "Note.", "note"),
        column("currency_id", TEXT, "Id of the currency.", "currencyId"),
        column("currency_code", TEXT, "Code of the currency.", "currencyCode"),
        column("cc_emails", TEXTS, "Further e-mails.", "ccEmails"),
    ),
    "projects": (
        _ID,
        _NAME,
        _ARCHIVED,
        _WORKSPACE,
        column("client_id", TEXT, "Id of the client.", "clientId"),
        column("client_name", TEXT, "Name of the client.", "clientName"),
        column("billable", FLAG, "Whether new entries are billable.", "billable"),
        column("public", FLAG, "Whether everybody sees it.", "public"),
        column("template", FLAG, "Whether it is a template.", "template"),
        column("color", TEXT, "Colour.", "color"),
        column("note", TEXT, "Note.", "note"),
        column("duration_seconds", SECONDS, "Time tracked so far, in seconds.", "duration"),
        *_rate("hourly_rate", "hourlyRate", "Billable rate"),
        *_rate("cost_rate", "costRate", "Cost rate"),
        column("estimate", JSON, "Estimate: JSON as sent, durations as the service writes them.", "estimate"),
        column(
            "time_estimate",
            JSON,
            "Time estimate: JSON as sent, durations as the service writes them.",
            "timeEstimate",
        ),
        column(
            "budget_estimate",
            JSON,
            "Budget estimate: JSON as sent, money in hundredths.",
            "budgetEstimate",
        ),
        column("member_ids", TEXTS, "Ids of members, where the service gave them.", "memberships.*.userId"),
        column(
            "memberships",
            JSON,
            "Memberships: JSON as sent, rates in hundredths.",
            "memberships",
        ),
        column("custom_fields", JSON, "Custom fields, if hydrated: JSON.", "customFields"),
    ),
    "tasks": (
        _ID,
        _NAME,
        column("project_id", TEXT, "Id of the project.", "projectId"),
        column("status", TEXT, "ACTIVE or DONE.", "status"),
        column("billable", FLAG, "Whether new entries are billable.", "billable"),
        column("assignee_ids", TEXTS, "Ids of the assignees.", "assigneeIds"),
        column("user_group_ids", TEXTS, "Ids of assigned groups.", "userGroupIds"),
        column("estimate_seconds", SECONDS, "Estimate in seconds.", "estimate"),
        column("duration_seconds", SECONDS, "Time tracked so far, in seconds.", "duration"),
        *_rate("hourly_rate", "hourlyRate", "Billable rate"),
        *_rate("cost_rate", "costRate", "Cost rate"),
        column(
            "budget_estimate",
            JSON,
            "Budget estimate: JSON as sent, money in hundredths.",
            "budgetEstimate",
        ),
    ),
    "tags": (_ID, _NAME, _ARCHIVED, _WORKSPACE),
    "custom_fields": (
        _ID,
        _NAME,
        _WORKSPACE,
        column("type", TEXT, "TXT, NUMBER, DROPDOWN_SINGLE and others.", "type"),
        column("status", TEXT, "VISIBLE, INVISIBLE or INACTIVE.", "status"),
        column("entity_type", TEXT, "TIMEENTRY or USER.", "entityType"),
        column("required", FLAG, "Whether a value is required.", "required"),
        column("description", TEXT, "Description.", "description"),
        column("allowed_values", TEXTS, "Values of a drop-down.", "allowedValues"),
        column("workspace_default_value", JSON, "Default value: JSON.", "workspaceDefaultValue"),
        column("project_default_values", JSON, "Default values per project: JSON.", "projectDefaultValues"),
    ),
    "in_progress_time_entries": _ENTRY,
    "expenses": (
        _ID,
        column("date", DAY, "Day of the expense.", "date"),
        column("user_id", TEXT, "Id of the user.", "userId"),
        column("project_id", TEXT, "Id of the project.", "project.id", "projectId"),
        column("project_name", TEXT, "Name of the project.", "project.name"),
        column("task_id", TEXT, "Id of the task.", "task.id", "taskId"),
        column("category_id", TEXT, "Id of the category.", "category.id", "categoryId"),
        column("category_name", TEXT, "Name of the category.", "category.name"),
        column("quantity", NUMBER, "Units, or 1.", "quantity"),
        column("currency", TEXT, "Currency of total; empty as long as the service names none.", "currency"),
        column("total", MONEY, "Amount, units of the currency.", "total"),
        column("billable", FLAG, "Whether the expense is billable.", "billable"),
        column("is_locked", FLAG, "Whether it is locked against changes.", "locked", "isLocked"),
        column("notes", TEXT, "Notes.", "notes"),
        column("file_id", TEXT, "Id of the receipt.", "fileId"),
        column("file_name", TEXT, "File name of the receipt.", "fileName"),
    ),
    "expense_categories": (
        _ID,
        _NAME,
        _ARCHIVED,
        _WORKSPACE,
        column("has_unit_price", FLAG, "Whether it has a price per unit.", "hasUnitPrice"),
        column("unit", TEXT, "Unit.", "unit"),
        column("currency", TEXT, "Currency of price; empty as long as the service names none.", "currency"),
        column("price", MONEY, "Price per unit, units of the currency.", "priceInCents"),
    ),
    "invoices": (
        _ID,
        column("number", TEXT, "Number of the invoice.", "number"),
        column("client_id", TEXT, "Id of the client.", "clientId"),
        column("client_name", TEXT, "Name of the client.", "clientName"),
        column("status", TEXT, "UNSENT, SENT, PAID, PARTIALLY_PAID, VOID or OVERDUE.", "status"),
        column("currency", TEXT, "Currency of all amounts.", "currency"),
        column("amount", MONEY, "Amount, units of the currency.", "amount"),
        column("balance", MONEY, "Open amount, units of the currency.", "balance"),
        column("paid", MONEY, "Paid amount, units of the currency.", "paid"),
        column("issued_date", DAY, "Day of issue.", "issuedDate"),
        column("due_date", DAY, "Day when it is due.", "dueDate"),
    ),
    "invoice_items": (
        column("invoice_id", TEXT, "Id of the invoice that was asked for.", "invoice_id"),
        column("order", WHOLE, "Place in the invoice, from 0.", "order"),
        column("item_type", TEXT, "Type of the item.", "itemType"),
        column("description", TEXT, "Description.", "description"),
        column("quantity", NUMBER, "Units of the item, each at unit_price.", "quantity"),
        # Hundredths of hundredths (observed 2026-08).
        replace(column("unit_price", MONEY, "Price of one, units of the currency.", "unitPrice"), shift=-4),
        column("amount", MONEY, "Amount, units of the currency.", "amount"),
        column("currency", TEXT, "Currency of the invoice.", "currency"),
        column("apply_taxes", TEXT, "Which of the invoice's taxes apply.", "applyTaxes"),
        column("import_type", TEXT, "What it was made from.", "importType"),
        column("time_entry_ids", TEXTS, "Ids of the time entries that it was made from.", "timeEntryIds"),
        column("expense_ids", TEXTS, "Ids of the expenses that it was made from.", "expenseIds"),
    ),
    "invoice_payments": (
        _ID,
        column("invoice_id", TEXT, "Id of the invoice that was asked for.", "invoice_id"),
        column("currency", TEXT, "Currency of the invoice.", "currency"),
        column("amount", MONEY, "Amount, units of the currency.", "amount"),
        column("date", DAY, "Day of payment.", "date"),
        column("author", TEXT, "Who entered it.", "author"),
        column("note", TEXT, "Note.", "note"),
    ),
    "holidays": (
        _ID,
        _NAME,
        _WORKSPACE,
        column("start_date", DAY, "First day.", "datePeriod.startDate"),
        column("end_date", DAY, "Last day.", "datePeriod.endDate"),
        column("occurs_annually", FLAG, "Whether it comes back every year.", "occursAnnually"),
        column("everyone_including_new", FLAG, "Whether it is everybody's.", "everyoneIncludingNew"),
        column("user_ids", TEXTS, "Ids of users.", "userIds"),
        column("user_group_ids", TEXTS, "Ids of groups.", "userGroupIds"),
        column("project_id", TEXT, "Project of automatic entries.", "projectId"),
        column("task_id", TEXT, "Task of automatic entries.", "taskId"),
    ),
    "time_off_requests": (
        _ID,
        column("user_id", TEXT, "Id of the user.", "userId"),
        column("user_name", TEXT, "Name of the user.", "userName"),
        column("user_email", TEXT, "E-mail of the user.", "userEmail"),
        column("policy_id", TEXT, "Id of the policy.", "policyId"),
        column("policy_name", TEXT, "Name of the policy.", "policyName"),
        column("status", TEXT, "PENDING, APPROVED or REJECTED.", "status.statusType"),
        column("time_unit", TEXT, "DAYS or HOURS.", "timeUnit"),
        column("start", INSTANT, "Start of the time off, UTC.", "timeOffPeriod.period.start"),
        column("end", INSTANT, "End of the time off, UTC.", "timeOffPeriod.period.end"),
        column("half_day", FLAG, "Whether it is half a day.", "timeOffPeriod.halfDay"),
        column("balance_diff", NUMBER, "Change of the balance, in time_unit.", "balanceDiff"),
        column("created_at", INSTANT, "When it was asked for, UTC.", "createdAt"),
        column("note", TEXT, "Note.", "note"),
    ),
    "time_off_policies": (
        _ID,
        _NAME,
        _ARCHIVED,
        _WORKSPACE,
        column("time_unit", TEXT, "DAYS or HOURS.", "timeUnit"),
        column("everyone_including_new", FLAG, "Whether it is everybody's.", "everyoneIncludingNew"),
        column("user_ids", TEXTS, "Ids of users.", "users.ids", "userIds"),
        column("user_group_ids", TEXTS, "Ids of groups.", "userGroups.ids", "userGroupIds"),
        column(
            "allow_negative_balance", FLAG, "Whether the balance may be negative.", "allowNegativeBalance"
        ),
        column("allow_half_day", FLAG, "Whether half days can be asked for.", "allowHalfDay"),
    ),
    "time_off_balances": (
        _ID,
        column("user_id", TEXT, "Id of the user.", "userId"),
        column("user_name", TEXT, "Name of the user.", "userName"),
        column("policy_id", TEXT, "Id of the policy.", "policyId"),
        column("policy_name", TEXT, "Name of the policy.", "policyName"),
        column("time_unit", TEXT, "DAYS or HOURS.", "policyTimeUnit"),
        column("balance", NUMBER, "What is left, in time_unit.", "balance"),
        column("used", NUMBER, "What was used, in time_unit.", "used"),
        column("total", NUMBER, "What there is in all, in time_unit.", "total"),
    ),
    "approval_requests": (
        column("id", TEXT, "Id; unique in the workspace.", "approvalRequest.id"),
        column("state", TEXT, "PENDING, APPROVED or WITHDRAWN_APPROVAL.", "approvalRequest.status.state"),
        column("user_id", TEXT, "Id of the owner.", "approvalRequest.owner.userId"),
        column("user_name", TEXT, "Name of the owner.", "approvalRequest.owner.userName"),
        column("start", INSTANT, "Start of the period, UTC.", "approvalRequest.dateRange.start"),
        column("end", INSTANT, "End of the period, UTC.", "approvalRequest.dateRange.end"),
        column("updated_at", INSTANT, "When the state changed, UTC.", "approvalRequest.status.updatedAt"),
        column("updated_by", TEXT, "Who changed it.", "approvalRequest.status.updatedBy"),
        column("tracked_seconds", SECONDS, "Tracked time in seconds.", "trackedTime"),
        column("approved_seconds", SECONDS, "Approved time in seconds.", "approvedTime"),
        column("pending_seconds", SECONDS, "Pending time in seconds.", "pendingTime"),
        column("billable_seconds", SECONDS, "Billable time in seconds.", "billableTime"),
        column("break_seconds", SECONDS, "Breaks in seconds.", "breakTime"),
        column(
            "currency", TEXT, "Currency of the amounts; empty as long as the service names none.", "currency"
        ),
        column("billable_amount", MONEY, "Billable amount, units of the currency.", "billableAmount"),
        column("cost_amount", MONEY, "Cost, units of the currency.", "costAmount"),
        column("expense_total", MONEY, "Expenses, units of the currency.", "expenseTotal"),
        column("entry_ids", TEXTS, "Ids of the time entries.", "entries.*.id"),
    ),
    "assignments": (
        _ID,
        _WORKSPACE,
        column("user_id", TEXT, "Id of the user.", "userId"),
        column("user_name", TEXT, "Name of the user.", "userName"),
        column("project_id", TEXT, "Id of the project.", "projectId"),
        column("project_name", TEXT, "Name of the project.", "projectName"),
        column("client_id", TEXT, "Id of the client.", "clientId"),
        column("task_id", TEXT, "Id of the task.", "taskId"),
        column("start", INSTANT, "Start of the period, UTC.", "period.start"),
        column("end", INSTANT, "End of the period, UTC.", "period.end"),
        column("hours_per_day", NUMBER, "Planned hours per day.", "hoursPerDay"),
        column("billable", FLAG, "Whether it is billable.", "billable"),
        column("published", FLAG, "Whether it is published.", "published"),
        column("note", TEXT, "Note.", "note"),
    ),
    "webhooks": (
        _ID,
        _NAME,
        _WORKSPACE,
        column("event", TEXT, "Event that calls it.", "webhookEvent"),
        column("enabled", FLAG, "Whether it is called.", "enabled"),
        column("user_id", TEXT, "Id of its owner.", "userId"),
    ),
    "shared_reports": (
        _ID,
        _NAME,
        column("type", TEXT, "Kind of report.", "type"),
        column("is_public", FLAG, "Whether everybody with the link sees it.", "isPublic"),
        column("fixed_date", FLAG, "Whether its dates are fixed.", "fixedDate"),
        column("author", JSON, "Author: JSON as the service sent it.", "reportAuthor"),
    ),
}

# What an entity is listed for each of, and the argument of its list.
PARENTS: Mapping[str, tuple[str, str]] = {
    "tasks": ("projects", "project_id"),
    "project_custom_fields": ("projects", "project_id"),
    "invoice_items": ("invoices", "invoice_id"),
    "invoice_payments": ("invoices", "invoice_id"),
    "time_off_balances": ("time_off_policies", "policy_id"),
}

# Items of these do not say which parent they belong to, nor in which currency they are: they get fields of it.
OF_PARENT: Mapping[str, Mapping[str, str]] = {
    "invoice_items": {"invoice_id": "id", "currency": "currency"},
    "invoice_payments": {"invoice_id": "id", "currency": "currency"},
    "project_custom_fields": {"project_id": "id"},
}

# Fields that are never written to a file: the secret with which deliveries are signed.
SECRETS: Mapping[str, tuple[str, ...]] = {"webhooks": ("authToken",)}

_FIELDS_OF_PROJECT = (
    column("project_id", TEXT, "Id of the project that was asked for.", "project_id"),
    *_COLUMNS["custom_fields"],
)


TABLES: Mapping[str, Table] = {
    name: generic_table(name, columns)
    for name, columns in {**_COLUMNS, "project_custom_fields": _FIELDS_OF_PROJECT}.items()
}
ENTITIES = tuple(sorted(TABLES))

CHANGES = generic_table(
    "changes",
    (
        column("change", TEXT, "created, updated or deleted.", "change"),
        column("id", TEXT, "Id of what changed.", "id"),
        column("changed_at", INSTANT, "When, UTC.", "changed_at"),
        column("entity_type", TEXT, "Kind of entity, for example TIME_ENTRY.", "entity_type"),
        column(
            "document",
            JSON,
            "The state after the change (before it, if deleted): JSON as sent.",
            "document",
        ),
    ),
)


def snapshot_table(table: Table, taken: datetime) -> Table:
    """
    Add the time of a snapshot to every row.

    :param table: Table of the entity.
    :param taken: When the list was read, UTC.
    """
    stamp = column("snapshot_at", INSTANT, "When the list was read, UTC.")

    def rows(row: bytes) -> Iterator[Row]:
        return ((*values, taken) for values in table.rows(row))

    return Table(table.name, (*table.columns, stamp), rows, table.line)
