# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What we use of Clockify's API, as facts: operations, and the names and choices that we send (Clockify OpenAPI).

The names of choices are separated by spaces. In bodies an empty text is a value that may be anything, ``[…]`` a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Operation:
    """One operation: its call, what we send in the query and in the body, and what the body must have."""

    call: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    required: str = ""


def _names(names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), "")


_IN = "/v1/workspaces/{workspaceId}"
_PAGES = _names("page page-size")
_ORDER = "ASCENDING DESCENDING"
_BY_ID = {"sort-column": "ID NAME", "sort-order": _ORDER}

_CONTAINS = "CONTAINS DOES_NOT_CONTAIN CONTAINS_ONLY"
_ENTITIES = {"ids": [""], "contains": _CONTAINS, "status": "ACTIVE ARCHIVED ALL"}
_PEOPLE = {**_ENTITIES, "status": "ALL ACTIVE_WITH_PENDING ACTIVE PENDING INACTIVE"}
_AMOUNTS = "EARNED COST PROFIT HIDE_AMOUNT EXPORT"
_FIELDS = [_names("id isEmpty value")]
# What every report takes, that of expenses included.
_OF_REPORTS: dict[str, Any] = {
    **_names("dateRangeStart dateRangeEnd timeZone billable userLocale"),
    "approvalState": "APPROVED UNAPPROVED ALL",
    "clients": _ENTITIES,
    "currency": _ENTITIES,
    "dateRangeType": "ABSOLUTE TODAY YESTERDAY THIS_WEEK LAST_WEEK PAST_TWO_WEEKS THIS_MONTH LAST_MONTH THIS_YEAR "
    "LAST_YEAR",
    "exportType": "JSON JSON_V1 PDF CSV XLSX ZIP",
    "invoicingState": "INVOICED UNINVOICED ALL",
    "projects": _ENTITIES,
    "sortOrder": _ORDER,
    "tasks": _ENTITIES,
    "userGroups": _PEOPLE,
    "users": _PEOPLE,
    "weekStart": "MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY SUNDAY",
    "zoomLevel": "WEEK MONTH YEAR",
}
_OF_TIME: dict[str, Any] = {
    **_OF_REPORTS,
    **_names("archived dateFormat description rounding timeFormat withoutDescription"),
    "amountShown": _AMOUNTS,
    "amounts": [_AMOUNTS],
    "customFields": _FIELDS,
    "tags": {**_ENTITIES, "containedInTimeentry": _CONTAINS},
}
_WITH_USER_FIELDS: dict[str, Any] = {**_OF_TIME, "userCustomFields": _FIELDS}
_NEW_ENTRY: dict[str, Any] = {
    **_names("billable description end projectId start taskId"),
    "customFields": [{**_names("customFieldId value"), "sourceType": "WORKSPACE PROJECT TIMEENTRY"}],
    "tagIds": [""],
    "type": "REGULAR BREAK",
}

OPERATIONS: dict[str, Operation] = {
    "createForOthers": Operation(f"POST {_IN}/user/{{userId}}/time-entries", body=_NEW_ENTRY),
    "createTimeEntry": Operation(f"POST {_IN}/time-entries", body=_NEW_ENTRY),
    "findPoliciesForWorkspace": Operation(
        f"GET {_IN}/time-off/policies", {**_PAGES, "name": "", "status": "ACTIVE ARCHIVED ALL"}
    ),
    "generateAttendanceReport": Operation(
        f"POST {_IN}/reports/attendance",
        body={
            **_OF_TIME,
            "attendanceFilter": {
                **_names("page pageSize"),
                "sortColumn": "USER DATE START END BREAK WORK CAPACITY OVERTIME TIME_OFF",
            },
        },
        required="attendanceFilter dateRangeEnd dateRangeStart",
    ),
    "generateDetailedReport": Operation(
        f"POST {_IN}/reports/detailed",
        body={
            **_WITH_USER_FIELDS,
            "detailedFilter": {
                **_names("page pageSize"),
                "auditFilter": _names("duration durationShorter withoutProject withoutTask"),
                "options": {"totals": "CALCULATE EXCLUDE"},
                "sortColumn": "ID DESCRIPTION USER DURATION DATE ZONED_DATE NATURAL USER_DATE",
            },
        },
        required="dateRangeEnd dateRangeStart detailedFilter",
    ),
    "generateDetailedReportV1": Operation(
        f"POST {_IN}/reports/expenses/detailed",
        body={
            **_OF_REPORTS,
            **_names("note page pageSize withoutNote"),
            "categories": _ENTITIES,
            "sortColumn": "ID PROJECT USER CATEGORY DATE AMOUNT",
        },
        required="dateRangeEnd dateRangeStart",
    ),
    "generateSummaryReport": Operation(
        f"POST {_IN}/reports/summary",
        body={
            **_WITH_USER_FIELDS,
            "summaryFilter": {
                "groups": ["CLIENT PROJECT DATE WEEK MONTH TASK TIMEENTRY"],
                "sortColumn": "GROUP DURATION AMOUNT EARNED COST PROFIT",
                "summaryChartType": "BILLABILITY PROJECT",
            },
        },
        required="dateRangeEnd dateRangeStart summaryFilter",
    ),
    "generateWeeklyReport": Operation(
        f"POST {_IN}/reports/weekly",
        body={**_WITH_USER_FIELDS, "weeklyFilter": {"group": "USER PROJECT", "subgroup": "TIME"}},
        required="dateRangeEnd dateRangeStart weeklyFilter",
    ),
    "getAllAssignments": Operation(
        f"GET {_IN}/scheduling/assignments/all",
        {**_PAGES, **_names("end name start"), "sort-column": "PROJECT USER ID", "sort-order": _ORDER},
    ),
    "getApprovalRequests": Operation(
        f"GET {_IN}/approval-requests",
        {
            **_PAGES,
            "status": "PENDING APPROVED WITHDRAWN_APPROVAL",
            "sort-column": "ID USER_ID START UPDATED_AT",
            "sort-order": _ORDER,
        },
    ),
    "getBalancesForPolicy": Operation(f"GET {_IN}/time-off/balance/policy/{{policyId}}", _PAGES),
    "getBalancesForUser": Operation(f"GET {_IN}/time-off/balance/user/{{userId}}", _PAGES),
    "getCategories": Operation(f"GET {_IN}/expenses/categories", {**_PAGES, **_names("archived name")}),
    "downloadFile": Operation(f"GET {_IN}/expenses/{{expenseId}}/files/{{fileId}}"),
    "exportInvoice": Operation(f"GET {_IN}/invoices/{{invoiceId}}/export", _names("userLocale")),
    "getClient": Operation(f"GET {_IN}/clients/{{id}}"),
    "getInvoice": Operation(f"GET {_IN}/invoices/{{invoiceId}}"),
    "getTag": Operation(f"GET {_IN}/tags/{{id}}"),
    "getTask": Operation(f"GET {_IN}/projects/{{projectId}}/tasks/{{taskId}}"),
    "getClients": Operation(f"GET {_IN}/clients", {**_PAGES, **_names("archived name")}),
    "getCustomFieldsOfProject": Operation(
        f"GET {_IN}/projects/{{projectId}}/custom-fields",
        {**_names("entity-type"), "status": "INACTIVE VISIBLE INVISIBLE"},
    ),
    "getExpenses": Operation(f"GET {_IN}/expenses", {**_PAGES, **_names("user-id")}),
    "getHolidays": Operation(f"GET {_IN}/holidays", _names("assigned-to")),
    "getHolidaysInPeriod": Operation(f"GET {_IN}/holidays/in-period", _names("assigned-to end start")),
    "getInProgressTimeEntries": Operation(f"GET {_IN}/time-entries/status/in-progress", _PAGES),
    "getInvoices": Operation(
        f"GET {_IN}/invoices",
        {
            **_PAGES,
            "statuses": "UNSENT SENT PAID PARTIALLY_PAID VOID OVERDUE",
            "sort-column": "ID CLIENT DUE_ON ISSUE_DATE AMOUNT BALANCE",
            "sort-order": _ORDER,
        },
    ),
    "getLoggedUser": Operation("GET /v1/user"),
    "getMemberProfile": Operation(f"GET {_IN}/member-profile/{{userId}}"),
    "getPaymentsForInvoice": Operation(f"GET {_IN}/invoices/{{invoiceId}}/payments", _PAGES),
    "getProject": Operation(f"GET {_IN}/projects/{{projectId}}", _names("hydrated")),
    "getProjects": Operation(
        f"GET {_IN}/projects",
        {
            **_PAGES,
            **_names(
                "archived billable clients contains-client contains-group contains-user expense-date "
                "expense-limit hydrated is-template name strict-name-search userGroups users"
            ),
            "client-status": "ACTIVE ARCHIVED ALL",
            "user-status": "PENDING ACTIVE DECLINED INACTIVE ALL",
            "sort-column": "ID NAME CLIENT_NAME DURATION BUDGET PROGRESS",
            "sort-order": _ORDER,
            "access": "PUBLIC PRIVATE",
        },
    ),
    "getSharedReportsV1": Operation(
        f"GET {_IN}/shared-reports",
        {**_names("page pageSize"), "sharedReportsFilter": "ALL CREATED_BY_ME SHARED_WITH_ME"},
    ),
    "getTags": Operation(
        f"GET {_IN}/tags", {**_PAGES, **_BY_ID, **_names("archived excluded-ids name strict-name-search")}
    ),
    "getTasks": Operation(
        f"GET {_IN}/projects/{{projectId}}/tasks",
        {**_PAGES, **_BY_ID, **_names("is-active name strict-name-search")},
    ),
    "getTimeEntries": Operation(
        f"GET {_IN}/user/{{userId}}/time-entries",
        {
            **_PAGES,
            **_names(
                "description end hydrated in-progress project project-required start tags task task-required"
            ),
        },
    ),
    "getTimeOffRequest": Operation(
        f"POST {_IN}/time-off/requests",
        body={
            **_names("end page pageSize start"),
            "statuses": ["PENDING APPROVED REJECTED ALL"],
            "userGroups": [""],
            "users": [""],
        },
    ),
    "getUserGroups": Operation(
        f"GET {_IN}/user-groups", {**_PAGES, **_BY_ID, **_names("includeTeamManagers name project-id")}
    ),
    "getUsersOfWorkspace": Operation(
        f"GET {_IN}/users",
        {
            **_PAGES,
            **_names("account-statuses email include-roles name project-id"),
            "status": "PENDING ACTIVE DECLINED INACTIVE ALL",
            "sort-column": "ID EMAIL NAME NAME_LOWERCASE ACCESS HOURLYRATE COSTRATE",
            "sort-order": _ORDER,
            "memberships": "ALL NONE WORKSPACE PROJECT USERGROUP",
        },
    ),
    "getWebhooks": Operation(f"GET {_IN}/webhooks", {"type": "USER_CREATED SYSTEM ADDON"}),
    "getWorkspaceOfUser": Operation(f"GET {_IN}"),
    "getWorkspacesOfUser": Operation(
        "GET /v1/workspaces", {"roles": "WORKSPACE_ADMIN OWNER TEAM_MANAGER PROJECT_MANAGER"}
    ),
    "ofWorkspace": Operation(
        f"GET {_IN}/custom-fields", {**_names("entity-type name"), "status": "INACTIVE VISIBLE INVISIBLE"}
    ),
}
