# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Write clients, groups, custom fields, expenses, invoices, absences and plans as the core service does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.testing.answers.documents import currency_id, entry_document, tag_document
from airflow_provider_clockify.testing.workspace.times import (
    format_duration,
    format_nanoseconds,
    format_utc,
    from_epoch,
    load_zone,
)

if TYPE_CHECKING:
    from airflow_provider_clockify.testing.workspace.business import (
        ApprovalRequest,
        Assignment,
        Balance,
        Expense,
        ExpenseCategory,
        Holiday,
        Invoice,
        Policy,
        TimeOffRequest,
        Webhook,
    )
    from airflow_provider_clockify.testing.workspace.data import EmulatedWorkspace
    from airflow_provider_clockify.testing.workspace.kinds import Client, CustomField, TimeEntry, UserGroup


def client_document(workspace: EmulatedWorkspace, client: Client) -> dict[str, Any]:
    """Return a client."""
    return {
        "id": client.id,
        "name": client.name,
        "email": client.email,
        "address": client.address,
        "note": client.note,
        "archived": client.archived,
        "workspaceId": workspace.id,
        "currencyId": currency_id(workspace, client.currency),
        "currencyCode": client.currency,
        "ccEmails": client.cc_emails,
    }


def group_document(workspace: EmulatedWorkspace, group: UserGroup, *, managers: bool) -> dict[str, Any]:
    """Return a group of users."""
    people = [workspace.users[user_id] for user_id in group.manager_ids] if managers else []
    return {
        "id": group.id,
        "name": group.name,
        "workspaceId": workspace.id,
        "userIds": group.user_ids,
        "teamManagers": [{"id": person.id, "name": person.name} for person in people],
    }


def custom_field_document(workspace: EmulatedWorkspace, field: CustomField) -> dict[str, Any]:
    """Return a custom field."""
    return {
        "id": field.id,
        "name": field.name,
        "workspaceId": workspace.id,
        "type": field.type,
        "status": field.status,
        "required": field.required,
        "entityType": field.entity_type,
        "allowedValues": field.allowed_values,
        "description": field.description,
        "placeholder": None,
        "onlyAdminCanEdit": False,
        "workspaceDefaultValue": field.default_value,
        "projectDefaultValues": [
            {"projectId": project_id, "status": status, "value": value}
            for project_id, status, value in field.project_defaults
        ],
    }


def webhook_document(workspace: EmulatedWorkspace, hook: Webhook) -> dict[str, Any]:
    """Return a webhook."""
    return {
        "id": hook.id,
        "name": hook.name,
        "url": hook.url,
        "workspaceId": workspace.id,
        "userId": hook.user_id,
        "webhookEvent": hook.event,
        "triggerSourceType": hook.source_type,
        "triggerSource": hook.sources or (workspace.id,),
        "authToken": hook.auth_token,
        "enabled": hook.enabled,
        "deliveryEnabled": hook.enabled,
        "planEnabled": True,
    }


# --- expenses and invoices ---------------------------------------------------------------------------------


def category_document(workspace: EmulatedWorkspace, category: ExpenseCategory) -> dict[str, Any]:
    """Return a category of expenses."""
    return {
        "id": category.id,
        "name": category.name,
        "hasUnitPrice": category.unit_price is not None,
        "priceInCents": category.unit_price or 0,
        "unit": category.unit,
        "archived": category.archived,
        "workspaceId": workspace.id,
    }


def expense_document(workspace: EmulatedWorkspace, expense: Expense, *, embedded: bool) -> dict[str, Any]:
    """
    Return an expense: with objects in lists (``embedded``), with ids when read alone (observed 2026-07-29).

    ``total`` is minor units as a float (observed 2026-06).
    """
    document: dict[str, Any] = {
        "id": expense.id,
        "workspaceId": workspace.id,
        "userId": expense.user_id,
        "date": expense.day,
        "quantity": float(expense.quantity),
        "total": float(expense.total),
        "billable": expense.billable,
        "notes": expense.notes,
        "fileId": expense.file_id,
        "isLocked": expense.locked,
        "locked": expense.locked,
    }
    if embedded:
        category = workspace.expense_categories.get(expense.category_id or "")
        document["category"] = category_document(workspace, category) if category else None
        document["project"] = _project(workspace, expense.project_id)
        document["task"] = _task(workspace, expense.task_id)
        document["fileName"] = expense.file_name
    else:
        document["categoryId"] = expense.category_id
        document["projectId"] = expense.project_id
        document["taskId"] = expense.task_id
    return document


def _project(workspace: EmulatedWorkspace, project_id: str | None) -> dict[str, Any] | None:
    project = workspace.projects.get(project_id or "")
    if project is None:
        return None
    client = workspace.clients.get(project.client_id or "")
    return {
        "id": project.id,
        "name": project.name,
        "color": project.color,
        "clientId": client.id if client else "",
        "clientName": client.name if client else "",
    }


def _task(workspace: EmulatedWorkspace, task_id: str | None) -> dict[str, Any] | None:
    task = workspace.tasks.get(task_id or "")
    return {"id": task.id, "name": task.name} if task else None


def invoice_row(workspace: EmulatedWorkspace, invoice: Invoice) -> dict[str, Any]:
    """Return an invoice as lists show it; money is minor units (observed 2026-06)."""
    client = workspace.clients.get(invoice.client_id)
    return {
        "id": invoice.id,
        "number": invoice.number,
        "clientId": invoice.client_id,
        "clientName": client.name if client else None,
        "status": invoice.status,
        "currency": invoice.currency,
        "amount": invoice.amount,
        "balance": invoice.amount - invoice.paid,
        "paid": invoice.paid,
        "issuedDate": format_utc(invoice.issued_at),
        "dueDate": format_utc(invoice.due_at),
    }


def invoice_document(workspace: EmulatedWorkspace, invoice: Invoice) -> dict[str, Any]:
    """Return an invoice read alone: rates are percent times 100, unit prices minor units times 100."""
    client = workspace.clients.get(invoice.client_id)
    return invoice_row(workspace, invoice) | {
        "userId": invoice.user_id,
        "companyId": invoice.company_id,
        "billFrom": workspace.name,
        "clientAddress": client.address if client else None,
        "subject": invoice.subject,
        "note": invoice.note,
        "subtotal": invoice.subtotal,
        "discount": invoice.discount,
        "discountAmount": invoice.discount_amount,
        "tax": invoice.tax,
        "taxAmount": invoice.tax_amount(invoice.tax),
        "tax2": invoice.tax2,
        "tax2Amount": invoice.tax_amount(invoice.tax2),
        "taxType": "SIMPLE",
        "calculationType": "INVOICE_BASED",
        "containsImportedExpenses": False,
        "containsImportedTimes": False,
        "visibleZeroFields": [],
        "items": [
            {
                "order": number,
                "itemType": "Service",
                "description": item.description,
                "quantity": item.quantity,
                "unitPrice": item.unit_price,
                "amount": item.amount,
                "applyTaxes": "TAX1TAX2",
                "importType": "NOT_IMPORTED",
                "expenseIds": [],
                "timeEntryIds": [],
            }
            for number, item in enumerate(invoice.items)
        ],
    }


# --- absences ----------------------------------------------------------------------------------------------


def holiday_document(workspace: EmulatedWorkspace, holiday: Holiday) -> dict[str, Any]:
    """Return a holiday."""
    return {
        "id": holiday.id,
        "name": holiday.name,
        "workspaceId": workspace.id,
        "datePeriod": {"startDate": holiday.first_day, "endDate": holiday.last_day},
        "occursAnnually": holiday.annually,
        "userIds": holiday.user_ids,
        "userGroupIds": holiday.group_ids,
        "everyoneIncludingNew": holiday.everyone,
        "automaticTimeEntryCreation": False,
        "projectId": None,
        "taskId": None,
    }


def policy_document(workspace: EmulatedWorkspace, policy: Policy) -> dict[str, Any]:
    """Return a time-off policy."""
    return {
        "id": policy.id,
        "name": policy.name,
        "workspaceId": workspace.id,
        "timeUnit": policy.time_unit,
        "archived": policy.archived,
        "allowHalfDay": policy.time_unit == "DAYS",
        "allowNegativeBalance": policy.negative,
        "negativeBalance": None,
        "approve": {
            "requiresApproval": True,
            "specificMembers": False,
            "teamManagers": True,
            "userIds": [],
        },
        "automaticAccrual": {"amount": policy.accrual, "period": "YEAR", "timeUnit": policy.time_unit},
        "automaticTimeEntryCreation": {"enabled": False, "defaultEntities": None},
        "everyoneIncludingNew": policy.everyone,
        "projectId": None,
        "userIds": policy.user_ids,
        "userGroupIds": policy.group_ids,
    }


def balance_document(workspace: EmulatedWorkspace, balance: Balance) -> dict[str, Any]:
    """Return the balance of a user in a policy."""
    policy = workspace.policies.get(balance.policy_id)
    left = balance.total - balance.used
    return {
        "id": balance.id,
        "workspaceId": workspace.id,
        "userId": balance.user_id,
        "userName": workspace.users[balance.user_id].name,
        "policyId": balance.policy_id,
        "policyName": policy.name if policy else None,
        "policyArchived": policy.archived if policy else True,
        "policyTimeUnit": policy.time_unit if policy else None,
        "balance": left,
        "used": balance.used,
        "total": balance.total,
        "negativeBalanceUsed": max(0.0, -left),
        "negativeBalanceAmount": 0.0,
        "negativeBalanceLimit": False,
    }


def time_off_document(workspace: EmulatedWorkspace, request: TimeOffRequest) -> dict[str, Any]:
    """Return a request for time off."""
    user, requester = workspace.users[request.user_id], workspace.users[request.requester_id]
    policy = workspace.policies.get(request.policy_id)
    changed_by = workspace.users.get(request.changed_by_id or "")
    balance = next(
        (
            balance.total - balance.used
            for balance in workspace.balances.values()
            if (balance.user_id, balance.policy_id) == (request.user_id, request.policy_id)
        ),
        0.0,
    )
    return {
        "id": request.id,
        "workspaceId": workspace.id,
        "userId": user.id,
        "userName": user.name,
        "userEmail": user.email,
        "userTimeZone": user.time_zone,
        "policyId": request.policy_id,
        "policyName": policy.name if policy else None,
        "timeUnit": policy.time_unit if policy else None,
        "balance": balance,
        "balanceDiff": -request.amount,
        "note": request.note,
        "createdAt": format_nanoseconds(request.created_at, request.id),
        "requesterUserId": requester.id,
        "requesterUserName": requester.name,
        "status": {
            "statusType": request.status,
            "changedAt": format_nanoseconds(request.updated_at, request.id) if changed_by else None,
            "changedByUserId": changed_by.id if changed_by else None,
            "changedByUserName": changed_by.name if changed_by else None,
            "changedForUserName": user.name if changed_by else None,
            "note": None,
        },
        "timeOffPeriod": {
            "period": {"start": format_utc(request.start), "end": format_utc(request.end)},
            "halfDay": request.half_day is not None,
            "halfDayPeriod": request.half_day or "NOT_DEFINED",
            "halfDayHours": None,
        },
    }


def invoice_settings_document() -> dict[str, Any]:
    """Return what a workspace writes on its invoices; its texts are those of an English one (Clockify OpenAPI)."""
    labels = {
        "amount": "AMOUNT",
        "billFrom": "Bill from",
        "billTo": "Bill to",
        "description": "DESCRIPTION",
        "discount": "Discount",
        "dueDate": "Due date",
        "issueDate": "Issue date",
        "itemType": "ITEM TYPE",
        "notes": "Notes",
        "paid": "Paid",
        "quantity": "QUANTITY",
        "subtotal": "Subtotal",
        "tax": "Tax",
        "tax2": "Tax2",
        "total": "Total",
        "totalAmount": "Total amount",
        "unitPrice": "UNIT PRICE",
    }
    shown = dict.fromkeys(("itemType", "quantity", "tax", "tax2", "unitPrice"), True)
    return {
        "labels": labels,
        "defaults": {
            "companyId": None,
            "defaultImportExpenseItemTypeId": None,
            "defaultImportTimeItemTypeId": None,
            "dueDays": 14,
            "itemType": "Service",
            "itemTypeId": None,
            "notes": "",
            "subject": "",
            "tax": 0,
            "tax2": 0,
            "tax2Percent": 0.0,
            "taxPercent": 0.0,
            "taxType": "SIMPLE",
        },
        "exportFields": {**shown, "rtl": False, "RTL": False},
    }


# --- approvals and plans -----------------------------------------------------------------------------------


def approval_document(workspace: EmulatedWorkspace, approval: ApprovalRequest) -> dict[str, Any]:
    """Return an approval request with the entries and expenses it covers; money is minor units."""
    owner = workspace.users[approval.owner_id]
    changed_by = workspace.users.get(approval.changed_by_id or "")
    entries: list[TimeEntry] = []
    if approval.type != "EXPENSE":
        within = workspace.entries_between(approval.start * 1000, approval.end * 1000 - 1)
        entries = [entry for entry in within if entry.user_id == owner.id and entry.end is not None]
    expenses: list[Expense] = []
    if approval.type != "TIMESHEET":
        first, last = format_utc(approval.start)[:10], format_utc(approval.end - 1)[:10]
        expenses = [
            expense
            for expense in workspace.expenses.values()
            if expense.user_id == owner.id and first <= expense.day <= last
        ]
    tracked = sum(entry.seconds for entry in entries)
    billable = [entry for entry in entries if entry.billable]
    return {
        "approvalRequest": {
            "id": approval.id,
            "workspaceId": workspace.id,
            "owner": {
                "userId": owner.id,
                "userName": owner.name,
                "timeZone": owner.time_zone,
                "startOfWeek": "MONDAY",
            },
            "creator": {"userId": owner.id, "userName": owner.name, "userEmail": owner.email},
            "dateRange": {"start": format_utc(approval.start), "end": format_utc(approval.end)},
            "status": {
                "state": approval.state,
                "updatedAt": format_utc(approval.updated_at),
                "updatedBy": changed_by.id if changed_by else owner.id,
                "updatedByUserName": changed_by.name if changed_by else owner.name,
                "note": approval.note,
            },
        },
        "entries": [_approved_entry(workspace, entry, approval.id) for entry in entries],
        "expenses": [_approved_expense(workspace, expense, approval) for expense in expenses],
        "trackedTime": format_duration(tracked),
        "approvedTime": format_duration(tracked if approval.state == "APPROVED" else 0),
        "pendingTime": format_duration(tracked if approval.state == "PENDING" else 0),
        "billableTime": format_duration(sum(entry.seconds for entry in billable)),
        "breakTime": format_duration(sum(entry.seconds for entry in entries if entry.type == "BREAK")),
        "billableAmount": sum(entry.seconds * entry.hourly_rate for entry in billable) / 3600,
        "costAmount": sum(entry.seconds * entry.cost_rate for entry in entries) / 3600,
        "expenseTotal": float(sum(expense.total for expense in expenses)),
    }


def _approved_entry(workspace: EmulatedWorkspace, entry: TimeEntry, approval_id: str) -> dict[str, Any]:
    document = entry_document(workspace, entry)
    kept = (
        "id",
        "description",
        "billable",
        "type",
        "isLocked",
        "hourlyRate",
        "costRate",
    )
    zone = load_zone(workspace.users[entry.user_id].time_zone)
    interval = document["timeInterval"] | {"timeZone": workspace.users[entry.user_id].time_zone}
    for name, moment in (("Start", entry.start), ("End", entry.end or entry.start)):
        local = from_epoch(moment).astimezone(zone)
        interval[f"offset{name}"] = int((local.utcoffset() or timedelta()).total_seconds())
        interval[f"zoned{name}"] = local.strftime("%Y-%m-%dT%H:%M:%S")
    return {name: document[name] for name in kept} | {
        "timeInterval": interval,
        "customFieldValues": [
            {"customFieldId": key, "sourceType": "TIMEENTRY", "timeEntryId": entry.id, "value": value}
            for key, value in entry.custom_values
        ],
        "approvalRequestId": approval_id,
        "project": _project(workspace, entry.project_id),
        "task": _task(workspace, entry.task_id),
        "tags": [tag_document(workspace, workspace.tags[tag_id]) for tag_id in entry.tag_ids or ()],
    }


def _approved_expense(
    workspace: EmulatedWorkspace, expense: Expense, approval: ApprovalRequest
) -> dict[str, Any]:
    return expense_document(workspace, expense, embedded=True) | {
        "approvalRequestId": approval.id,
        "approvalStatus": approval.state,
        "detailedApprovalStatus": approval.state,
        "fileUrl": None,
        "currency": workspace.currency,
    }


def assignment_document(workspace: EmulatedWorkspace, assignment: Assignment) -> dict[str, Any]:
    """Return scheduled work."""
    project = workspace.projects.get(assignment.project_id)
    client = workspace.clients.get(project.client_id or "") if project else None
    task = workspace.tasks.get(assignment.task_id or "")
    return {
        "id": assignment.id,
        "workspaceId": workspace.id,
        "userId": assignment.user_id,
        "userName": workspace.users[assignment.user_id].name,
        "projectId": assignment.project_id,
        "projectName": project.name if project else None,
        "projectColor": project.color if project else None,
        "projectArchived": project.archived if project else None,
        "projectBillable": project.billable if project else None,
        "clientId": client.id if client else None,
        "clientName": client.name if client else None,
        "taskId": assignment.task_id,
        "taskName": task.name if task else None,
        "period": {"start": format_utc(assignment.start), "end": format_utc(assignment.end)},
        "hoursPerDay": assignment.hours_per_day,
        "billable": assignment.billable,
        "note": assignment.note,
        "startTime": assignment.start_time,
    }
