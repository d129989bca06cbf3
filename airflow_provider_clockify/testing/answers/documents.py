# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Write the things of a workspace as the core service does. Money is minor units, instants are UTC ``Z``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.testing.workspace.data import (
    DEFAULT_COST_RATE,
    DEFAULT_HOURLY_RATE,
    EmulatedWorkspace,
)
from airflow_provider_clockify.testing.workspace.times import format_duration, format_utc

if TYPE_CHECKING:
    from airflow_provider_clockify.testing.workspace.kinds import Project, Tag, Task, TimeEntry, User

_PAID_FEATURES = (
    "ADD_TIME_FOR_OTHERS",
    "ATTENDANCE_REPORT",
    "CSV_EXPORT",
    "CUSTOM_FIELDS",
    "SHARED_REPORTS",
    "UNLIMITED_REPORTS",
    "XLSX_EXPORT",
)
_FREE_FEATURES = ("ONE_MONTH_RANGE_REPORTS",)
# What nothing here depends on, as a new account has it.
_USER_SETTINGS = {
    "weekStart": "MONDAY",
    "lang": "EN",
    "theme": "DEFAULT",
    "myStartOfDay": "09:00",
    "dashboardSelection": "ME",
    "dashboardViewType": "PROJECT",
    "projectListCollapse": 50,
    "summaryReportSettings": {"group": "Project", "subgroup": "Time Entry"},
    **dict.fromkeys(
        (
            "alerts",
            "approval",
            "invoiceReminders",
            "longRunning",
            "onboarding",
            "pto",
            "reminders",
            "scheduledReports",
            "scheduling",
            "weeklyUpdates",
        ),
        True,
    ),
    **dict.fromkeys(
        (
            "collapseAllProjectLists",
            "dashboardPinToTop",
            "groupSimilarEntriesDisabled",
            "isCompactViewOn",
            "multiFactorEnabled",
            "projectPickerTaskFilter",
            "sendNewsletter",
            "showOnlyWorkingDays",
            "timeTrackingManual",
        ),
        False,
    ),
}
_WORKSPACE_SETTINGS = {
    "adminOnlyPages": [],
    "automaticLock": None,
    "currencyFormat": "CURRENCY_SPACE_VALUE",
    "durationFormat": "FULL",
    "lockTimeEntries": None,
    "lockTimeZone": None,
    "numberFormat": "COMMA_PERIOD",
    "projectGroupingLabel": "client",
    "projectLabel": "project",
    "taskLabel": "task",
    "timeTrackingMode": "DEFAULT",
    "workingDays": ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"],
    **dict.fromkeys(
        (
            "activeBillableHours",
            "canSeeTimeSheet",
            "canSeeTracker",
            "defaultBillableProjects",
            "isProjectPublicByDefault",
            "projectFavorites",
            "trackTimeDownToSecond",
        ),
        True,
    ),
    **dict.fromkeys(
        (
            "multiFactorEnabled",
            "onlyAdminsCanChangeBillableStatus",
            "onlyAdminsSeeDashboard",
            "onlyAdminsSeePublicProjectsEntries",
            "projectPickerSpecialFilter",
        ),
        False,
    ),
}


def _rate(amount: int | None, currency: str) -> dict[str, Any] | None:
    return None if amount is None else {"amount": amount, "currency": currency}


def user_document(workspace: EmulatedWorkspace, user: User) -> dict[str, Any]:
    """Return a user without memberships; ``settings`` is null for those who never finished sign-up."""
    signed_up = user.account_status != "NOT_REGISTERED"
    settings = {
        **_USER_SETTINGS,
        "timeZone": user.time_zone,
        "dateFormat": user.date_format,
        "timeFormat": user.time_format,
    }
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "memberships": [],
        "profilePicture": "https://img.clockify.me/no-user-image.png",
        "activeWorkspace": workspace.id,
        "defaultWorkspace": workspace.id,
        "settings": settings if signed_up else None,
        "status": user.account_status,
        "customFields": user_fields(workspace, user),
    }


def user_fields(workspace: EmulatedWorkspace, user: User) -> list[dict[str, Any]]:
    """Return the custom fields of a user that have a value."""
    fields = workspace.custom_fields
    return [
        {
            "customFieldId": key,
            "customFieldName": fields[key].name,
            "customFieldType": fields[key].type,
            "userId": user.id,
            "value": value,
        }
        for key, value in user.custom_values
        if key in fields
    ]


def _membership(user: User, target_id: str, kind: str, currency: str, status: str) -> dict[str, Any]:
    own = kind == "WORKSPACE"
    return {
        "userId": user.id,
        "hourlyRate": _rate(user.hourly_rate, currency) if own else None,
        "costRate": _rate(user.cost_rate, currency) if own else None,
        "targetId": target_id,
        "membershipType": kind,
        "membershipStatus": status,
    }


def membership_documents(workspace: EmulatedWorkspace, user: User, kind: str) -> list[dict[str, Any]]:
    """Return the memberships of a user; kind is ALL, NONE, WORKSPACE, PROJECT or USERGROUP."""
    found: list[tuple[str, str, str]] = [("WORKSPACE", workspace.id, user.membership_status)]
    found += [("PROJECT", p.id, "ACTIVE") for p in workspace.projects.values() if user.id in p.member_ids]
    found += [("USERGROUP", g.id, "ACTIVE") for g in workspace.user_groups.values() if user.id in g.user_ids]
    return [
        _membership(user, target_id, name, workspace.currency, status)
        for name, target_id, status in found
        if kind in ("ALL", name)
    ]


def workspace_document(workspace: EmulatedWorkspace) -> dict[str, Any]:
    """Return a workspace with the memberships of all its users."""
    settings = workspace.settings
    codes = {workspace.currency, *(client.currency for client in workspace.clients.values())}
    rounding = {"UP": "Round up to", "DOWN": "Round down to", "NEAREST": "Round to nearest"}
    return {
        "id": workspace.id,
        "name": workspace.name,
        "hourlyRate": _rate(DEFAULT_HOURLY_RATE, workspace.currency),
        "costRate": _rate(DEFAULT_COST_RATE, workspace.currency),
        "currencies": [
            {"id": currency_id(workspace, code), "code": code, "isDefault": code == workspace.currency}
            for code in sorted(codes)
        ],
        "memberships": [
            _membership(user, workspace.id, "WORKSPACE", workspace.currency, user.membership_status)
            for user in workspace.users.values()
        ],
        "workspaceSettings": {
            **_WORKSPACE_SETTINGS,
            "timeRoundingInReports": settings.time_rounding_in_reports,
            "round": {
                "round": rounding[settings.round_mode],
                "minutes": str(settings.round_minutes),
            },
            "forceProjects": settings.force_projects,
            "forceTasks": settings.force_tasks,
            "forceTags": settings.force_tags,
            "forceDescription": settings.force_description,
            "onlyAdminsSeeAllTimeEntries": settings.only_admins_see_all_time_entries,
            "onlyAdminsSeeBillableRates": settings.only_admins_see_billable_rates,
            "onlyAdminsCreateProject": settings.only_admins_create_projects,
            "onlyAdminsCreateTag": settings.only_admins_create_tags,
            "onlyAdminsCreateTask": settings.only_admins_create_tasks,
            "entityCreationPermissions": {
                "whoCanCreateProjectsAndClients": _creators(settings.only_admins_create_projects),
                "whoCanCreateTags": _creators(settings.only_admins_create_tags),
                "whoCanCreateTasks": _creators(settings.only_admins_create_tasks),
            },
        },
        "features": list(_FREE_FEATURES if workspace.is_free else _PAID_FEATURES),
        "featureSubscriptionType": workspace.plan,
        "subdomain": {"name": None, "enabled": False},
        "imageUrl": "",
        "cakeOrganizationId": currency_id(workspace, "org"),
    }


def _creators(only_admins: bool) -> str:
    return "ADMINS" if only_admins else "EVERYONE"


def project_document(
    workspace: EmulatedWorkspace, project: Project, *, seconds: int, hydrated: bool
) -> dict[str, Any]:
    """
    Return a project; ``hydrated`` adds client, tasks, custom fields and currency.

    Memberships are there in both forms, as in a sample of 2023; other sources want ``hydrated`` for them.

    :param seconds: time tracked on the project; written as an ISO duration (observed 2023).
    """
    client = workspace.clients.get(project.client_id or "")
    currency = client.currency if client else workspace.currency
    document: dict[str, Any] = {
        "id": project.id,
        "name": project.name,
        "clientId": client.id if client else "",
        "clientName": client.name if client else "",
        "workspaceId": workspace.id,
        "billable": project.billable,
        "public": project.public,
        "template": project.template,
        "archived": project.archived,
        "color": project.color,
        "note": project.note,
        "duration": format_duration(seconds),
        "hourlyRate": _rate(project.hourly_rate, currency),
        "costRate": _rate(project.cost_rate, currency),
        "estimate": {"estimate": "PT0S", "type": "AUTO"},
        "timeEstimate": {
            "estimate": "PT0S",
            "type": "AUTO",
            "resetOption": None,
            "active": False,
            "includeNonBillable": True,
        },
        "budgetEstimate": None,
        "memberships": [
            _membership(workspace.users[user_id], project.id, "PROJECT", currency, "ACTIVE")
            for user_id in project.member_ids
        ],
    }
    if hydrated:
        document |= {
            "client": {"id": client.id, "name": client.name, "archived": client.archived} if client else None,
            "tasks": [
                task_document(task) for task in workspace.tasks.values() if task.project_id == project.id
            ],
            "customFields": [],
            "currency": {"id": currency_id(workspace, currency), "code": currency},
            "favorite": False,
            "expenses": [],
        }
    return document


def task_document(task: Task) -> dict[str, Any]:
    """Return a task."""
    return {
        "id": task.id,
        "name": task.name,
        "projectId": task.project_id,
        "status": task.status,
        "assigneeId": None,
        "assigneeIds": list(task.assignee_ids),
        "userGroupIds": list(task.group_ids),
        "estimate": format_duration(task.estimate_seconds or 0),
        "duration": None,
        "billable": task.billable,
        "hourlyRate": None,
        "costRate": None,
        "budgetEstimate": None,
    }


def tag_document(workspace: EmulatedWorkspace, tag: Tag) -> dict[str, Any]:
    """Return a tag."""
    return {"id": tag.id, "name": tag.name, "workspaceId": workspace.id, "archived": tag.archived}


def entry_document(
    workspace: EmulatedWorkspace, entry: TimeEntry, *, hydrated: bool = False
) -> dict[str, Any]:
    """Return a time entry; ``hydrated`` embeds the things behind its ids (observed 2026-08-07)."""
    fields = workspace.custom_fields
    document: dict[str, Any] = {
        "id": entry.id,
        "description": entry.description,
        "userId": entry.user_id,
        "workspaceId": workspace.id,
        "projectId": entry.project_id,
        "taskId": entry.task_id,
        "tagIds": entry.tag_ids,
        "billable": entry.billable,
        "type": entry.type,
        "isLocked": entry.locked,
        "kioskId": None,
        "timeInterval": {
            "start": format_utc(entry.start),
            "end": None if entry.end is None else format_utc(entry.end),
            "duration": None if entry.end is None else format_duration(entry.seconds),
        },
        "hourlyRate": _rate(entry.hourly_rate, entry.currency),
        "costRate": _rate(entry.cost_rate, entry.currency),
        "customFieldValues": [
            {
                "customFieldId": key,
                "timeEntryId": entry.id,
                "name": fields[key].name,
                "type": fields[key].type,
                "value": value,
            }
            for key, value in entry.custom_values
        ],
    }
    if hydrated:
        project = workspace.projects.get(entry.project_id or "")
        task = workspace.tasks.get(entry.task_id or "")
        document |= {
            "project": project_document(workspace, project, seconds=0, hydrated=False) if project else None,
            "task": task_document(task) if task else None,
            "tags": [tag_document(workspace, workspace.tags[tag]) for tag in entry.tag_ids or ()],
            "user": user_document(workspace, workspace.users[entry.user_id]),
            "kiosk": None,
        }
    return document


def written_entry(workspace: EmulatedWorkspace, entry: TimeEntry) -> dict[str, Any]:
    """Return a time entry as writes answer it: without rates (Clockify OpenAPI)."""
    document = entry_document(workspace, entry)
    return {name: value for name, value in document.items() if name not in ("hourlyRate", "costRate")}


def written_project(workspace: EmulatedWorkspace, project: Project, *, seconds: int) -> dict[str, Any]:
    """Return a project as writes answer it, which say some things twice (Clockify OpenAPI)."""
    return project_document(workspace, project, seconds=seconds, hydrated=False) | {
        "isPublic": project.public,
        "isTemplate": project.template,
        "estimateReset": None,
    }


def currency_id(workspace: EmulatedWorkspace, code: str) -> str:
    """Return the id that the workspace gives to a currency code."""
    return workspace.id[:18] + code.encode().hex()
