# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Compare what the emulator answers with what Clockify's API does, field by field.

That is in ``answer_fields.py``. Where ``CLOCKIFY_OPENAPI`` names a copy of Clockify's own OpenAPI description, the
table is compared with it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from answer_fields import ANSWERS, Fields, read_fields

from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, generate_workspace

NOVEMBER = {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"}
RANGE = {"dateRangeStart": "2026-11-01T00:00:00Z", "dateRangeEnd": "2026-11-30T23:59:59.999Z"}
WEEK = {"dateRangeStart": "2026-11-02T00:00:00Z", "dateRangeEnd": "2026-11-08T23:59:59.999Z"}
HOUR = {"start": "2026-11-10T08:00:00Z", "end": "2026-11-10T09:00:00Z"}

Ask = Callable[..., Any]


class Asker:
    """Asks one emulator for one answer of every operation."""

    def __init__(self, emulator: ClockifyEmulator) -> None:
        self.emulator = emulator
        self.workspace: EmulatedWorkspace = emulator.workspace
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["X-Api-Key"] = emulator.api_key

    def ask(self, method: str, where: str, body: Any = None, *, base: str = "core", **query: Any) -> Any:
        """Ask below the workspace, or from the root where the path begins with a slash."""
        root = {"core": "/api/v1", "reports": "/report/v1"}[base]
        path = where if where.startswith("/") else f"/workspaces/{self.workspace.id}/{where}".rstrip("/")
        names = {name.replace("_", "-"): value for name, value in query.items()}
        response = self.session.request(
            method, f"{self.emulator.url}{root}{path}", json=body, params=names, timeout=10
        )
        assert response.status_code in (200, 201), (method, where, response.text)
        return response.json()

    def get(self, where: str, **query: Any) -> Any:
        return self.ask("GET", where, **query)

    def report(self, where: str, body: dict[str, Any]) -> Any:
        return self.ask("POST", f"reports/{where}", body, base="reports")


def first(table: dict[str, Any]) -> str:
    return next(iter(table))


def fresh_tag(ask: Asker) -> str:
    return str(ask.ask("POST", "tags", {"name": f"tag {len(ask.workspace.tags)}"})["id"])


def fresh_client(ask: Asker) -> str:
    return str(ask.ask("POST", "clients", {"name": f"client {len(ask.workspace.clients)}"})["id"])


def fresh_project(ask: Asker, **fields: Any) -> str:
    body = {"name": f"project {len(ask.workspace.projects)}", **fields}
    return str(ask.ask("POST", "projects", body)["id"])


def fresh_task(ask: Asker) -> str:
    where = f"projects/{first(ask.workspace.projects)}/tasks"
    made = ask.ask("POST", where, {"name": f"task {len(ask.workspace.tasks)}"})
    return f"{where}/{made['id']}"


def fresh_entry(ask: Asker) -> str:
    return str(ask.ask("POST", "time-entries", HOUR)["id"])


def archived(ask: Asker, where: str) -> str:
    ask.ask("PUT", where, {"archived": True})
    return where


def fresh_approval(ask: Asker, month: int) -> str:
    body = {"period": "MONTHLY", "periodStart": f"2026-{month:02d}-01T00:00:00Z"}
    return str(ask.ask("POST", "approval-requests", body)["id"])


def stopped(ask: Asker) -> Any:
    ask.ask("POST", "time-entries", {"start": HOUR["start"]})
    return ask.ask("PATCH", f"user/{ask.workspace.owner.id}/time-entries", {"end": HOUR["end"]})


def resubmitted(ask: Asker) -> Any:
    approval = fresh_approval(ask, 3)
    ask.ask("PATCH", f"approval-requests/{approval}", {"state": "REJECTED"})
    body = {"period": "MONTHLY", "periodStart": "2026-03-01T00:00:00Z"}
    return ask.ask("POST", "approval-requests/resubmit-entries-for-approval", body)


def mine(ask: Asker) -> str:
    return f"user/{ask.workspace.owner.id}/time-entries"


CALLS: dict[str, Callable[[Asker], Any]] = {
    "addUsersToProject": lambda a: a.ask("POST", f"projects/{fresh_project(a)}/memberships", {"userIds": []}),
    "createApprrovalRequest": lambda a: a.ask(
        "POST", "approval-requests", {"periodStart": "2026-01-05T12:00:00Z"}
    ),
    "createClient": lambda a: a.ask("POST", "clients", {"name": "New"}),
    "createForOthers": lambda a: a.ask("POST", f"user/{list(a.workspace.users)[1]}/time-entries", HOUR),
    "createNewProject": lambda a: a.ask(
        "POST", "projects", {"name": "New", "memberships": [{"userId": a.workspace.owner.id}]}
    ),
    "createNewTag": lambda a: a.ask("POST", "tags", {"name": "new"}),
    "createTask": lambda a: a.ask("POST", f"projects/{first(a.workspace.projects)}/tasks", {"name": "New"}),
    "createTimeEntry": lambda a: a.ask("POST", "time-entries", HOUR),
    "deleteClient": lambda a: a.ask("DELETE", archived(a, f"clients/{fresh_client(a)}")),
    "deleteMany": lambda a: a.ask("DELETE", mine(a), time_entry_ids=fresh_entry(a)),
    "deleteProject": lambda a: a.ask("DELETE", archived(a, f"projects/{fresh_project(a)}")),
    "deleteTag": lambda a: a.ask("DELETE", f"tags/{fresh_tag(a)}"),
    "deleteTask": lambda a: a.ask("DELETE", fresh_task(a)),
    "duplicateTimeEntry": lambda a: a.ask("POST", f"{mine(a)}/{fresh_entry(a)}/duplicate", {}),
    "filterUsersOfWorkspace": lambda a: a.ask("POST", "users/info", {"memberships": "ALL"}),
    "findPoliciesForWorkspace": lambda a: a.get("time-off/policies"),
    "generateAttendanceReport": lambda a: a.report("attendance", {**RANGE, "attendanceFilter": {}}),
    "generateDetailedReport": lambda a: a.report("detailed", {**RANGE, "detailedFilter": {"pageSize": 200}}),
    "generateDetailedReportV1": lambda a: a.report("expenses/detailed", RANGE),
    "generateSharedReportV1": lambda a: a.ask(
        "GET", f"/shared-reports/{first(a.workspace.shared_reports)}", base="reports"
    ),
    "generateSummaryReport": lambda a: a.report(
        "summary", {**RANGE, "summaryFilter": {"groups": ["PROJECT", "TASK"]}}
    ),
    "generateWeeklyReport": lambda a: a.report(
        "weekly", {**WEEK, "weeklyFilter": {"group": "USER", "subgroup": "TIME"}}
    ),
    "getAllAssignments": lambda a: a.get("scheduling/assignments/all", **NOVEMBER),
    "getApprovalRequests": lambda a: a.get("approval-requests"),
    "getBalancesForPolicy": lambda a: a.get(f"time-off/balance/policy/{first(a.workspace.policies)}"),
    "getBalancesForUser": lambda a: a.get(f"time-off/balance/user/{a.workspace.owner.id}"),
    "getCategories": lambda a: a.get("expenses/categories"),
    "getClient": lambda a: a.get(f"clients/{first(a.workspace.clients)}"),
    "getClients": lambda a: a.get("clients"),
    "getCustomFieldsOfProject": lambda a: a.get(f"projects/{first(a.workspace.projects)}/custom-fields"),
    "getExpense": lambda a: a.get(f"expenses/{first(a.workspace.expenses)}"),
    "getExpenses": lambda a: a.get("expenses"),
    "getFilteredProjectTotals": lambda a: a.ask("POST", "scheduling/assignments/projects/totals", NOVEMBER),
    "getHolidays": lambda a: a.get("holidays"),
    "getHolidaysInPeriod": lambda a: a.get(
        "holidays/in-period", assigned_to=a.workspace.owner.id, **NOVEMBER
    ),
    "getInProgressTimeEntries": lambda a: a.get("time-entries/status/in-progress"),
    "getInvoice": lambda a: a.get(f"invoices/{first(a.workspace.invoices)}"),
    "getInvoiceSettings": lambda a: a.get("invoices/settings"),
    "getInvoices": lambda a: a.get("invoices"),
    "getInvoicesInfo": lambda a: a.ask("POST", "invoices/info", {}),
    "getLoggedUser": lambda a: a.get("/user", include_memberships="true"),
    "getManagersOfUser": lambda a: a.get(f"users/{a.workspace.owner.id}/managers"),
    "getMemberProfile": lambda a: a.get(f"member-profile/{a.workspace.owner.id}"),
    "getPaymentsForInvoice": lambda a: a.get(
        f"invoices/{next(key for key, row in a.workspace.invoices.items() if row.payments)}/payments"
    ),
    "getPolicy": lambda a: a.get(f"time-off/policies/{first(a.workspace.policies)}"),
    "getProject": lambda a: a.get(f"projects/{first(a.workspace.projects)}"),
    "getProjectTotalsForSingleProject": lambda a: a.get(
        f"scheduling/assignments/projects/totals/{first(a.workspace.projects)}", **NOVEMBER
    ),
    "getProjects": lambda a: a.get("projects"),
    "getSharedReportsV1": lambda a: a.ask("GET", "shared-reports", base="reports"),
    "getTag": lambda a: a.get(f"tags/{first(a.workspace.tags)}"),
    "getTags": lambda a: a.get("tags"),
    "getTask": lambda a: a.get(fresh_task(a)),
    "getTasks": lambda a: a.get(f"projects/{first(a.workspace.projects)}/tasks"),
    "getTimeEntries": lambda a: a.get(mine(a)),
    "getTimeEntry": lambda a: a.get(f"time-entries/{first(a.workspace.entries)}"),
    "getTimeOffRequest": lambda a: a.ask("POST", "time-off/requests", {}),
    "getUserGroups": lambda a: a.get("user-groups", includeTeamManagers="true"),
    "getUserTotals": lambda a: a.ask("POST", "scheduling/assignments/user-filter/totals", NOVEMBER),
    "getUserTotalsForSingleUser": lambda a: a.get(
        f"scheduling/assignments/users/{first(planned(a))}/totals", **NOVEMBER
    ),
    "getUsersOfWorkspace": lambda a: a.get("users", memberships="ALL"),
    "getWebhook": lambda a: a.get(f"webhooks/{first(a.workspace.webhooks)}"),
    "getWebhooks": lambda a: a.get("webhooks"),
    "getWorkspaceOfUser": lambda a: a.get(""),
    "getWorkspacesOfUser": lambda a: a.get("/workspaces"),
    "ofWorkspace": lambda a: a.get("custom-fields"),
    "replaceMany": lambda a: a.ask("PUT", mine(a), [{"id": fresh_entry(a), **HOUR}]),
    "resubmitApprovalRequest": resubmitted,
    "stopRunningTimeEntry": stopped,
    "updateApprovalStatus": lambda a: a.ask(
        "PATCH", f"approval-requests/{fresh_approval(a, 5)}", {"state": "APPROVED"}
    ),
    "updateClient": lambda a: a.ask("PUT", f"clients/{fresh_client(a)}", {"note": "x"}),
    "updateIsProjectTemplate": lambda a: a.ask(
        "PATCH", f"projects/{fresh_project(a)}/template", {"isTemplate": True}
    ),
    "updateMemberships": lambda a: a.ask(
        "PATCH",
        f"projects/{fresh_project(a)}/memberships",
        {"memberships": [{"userId": a.workspace.owner.id}]},
    ),
    "updateProject": lambda a: a.ask("PUT", f"projects/{fresh_project(a)}", {"note": "x"}),
    "updateTag": lambda a: a.ask("PUT", f"tags/{fresh_tag(a)}", {"archived": True}),
    "updateTask": lambda a: a.ask("PUT", fresh_task(a), {"name": "Changed"}),
    "updateTimeEntry": lambda a: a.ask("PUT", f"time-entries/{fresh_entry(a)}", HOUR),
}


def planned(ask: Asker) -> dict[str, Any]:
    return {row.user_id: row for row in ask.workspace.assignments.values()}


@pytest.fixture(scope="module")
def asker() -> Iterator[Asker]:
    workspace = generate_workspace(
        entries=150,
        projects=6,
        user_groups=3,
        custom_fields=5,
        approval_requests=6,
        expenses=20,
        invoices=8,
        tasks=3,
    )
    grade = workspace.add_custom_field("Grade", entity_type="USER")
    workspace.change(workspace.owner, custom_values=((grade.id, "senior"),))
    moment = datetime(2026, 11, 4, tzinfo=UTC)
    for user in workspace.users.values():
        project = first(workspace.projects)
        workspace.add_assignment(user.id, project, start=moment, end=moment + timedelta(days=1))
    with ClockifyEmulator(workspace) as emulator:
        yield Asker(emulator)


def differences(fields: Fields | None, value: Any, where: str, seen: set[str]) -> Iterator[str]:
    """Yield where an answer has fields that it should not have, or lacks some; ``seen`` gets what it has."""
    if isinstance(value, list):
        for each in value:
            yield from differences(fields, each, where, seen)
    elif fields is not None and isinstance(value, dict):
        yield from (f"{where}.{name} is no field" for name in value.keys() - fields.keys())
        missing = fields.keys() - value.keys() - fields.optional
        yield from (f"{where}.{name} is missing" for name in missing)
        for name in value.keys() & fields.keys():
            seen.add(f"{where}.{name}")
            yield from differences(fields[name], value[name], f"{where}.{name}", seen)


def below(fields: Fields, where: str) -> Iterator[str]:
    for name, inner in fields.items():
        if name not in fields.optional:
            yield f"{where}.{name}"
            if inner is not None:
                yield from below(inner, f"{where}.{name}")


# What is null or empty in every answer of the emulator, so that its fields cannot be compared.
NEVER_THERE = (
    "budgetEstimate",
    "automaticLock",
    "milestones",
    "assignments",
    "projectDefaultValues",
    "hourlyRate",
    "costRate",
    "customFields",
    "customFieldValues",
    "memberships",
    "usersWithoutTime",
    "teamManagers",
    "tags",
)


@pytest.mark.parametrize("operation", ANSWERS)
def test_the_emulator_answers_with_exactly_the_fields_of_the_service(asker, operation):
    fields = read_fields(ANSWERS[operation], without="-")
    seen: set[str] = set()
    answer = CALLS[operation](asker)
    assert answer, "there is nothing to compare"
    assert sorted(set(differences(fields, answer, "", seen))) == []
    compared = {name for name in below(fields, "") if not any(f".{n}." in name for n in NEVER_THERE)}
    assert compared - seen == set()


def test_every_call_is_in_the_table():
    assert CALLS.keys() == ANSWERS.keys()


# --- the table and the description ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    name = os.environ.get("CLOCKIFY_OPENAPI")
    if not name:
        pytest.skip("CLOCKIFY_OPENAPI names no OpenAPI description")
    yaml = pytest.importorskip("yaml")
    text = Path(name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def resolved(description: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return resolved(description, schema["items"]) if schema.get("type") == "array" else schema


def assert_described(description: dict[str, Any], fields: Fields, schema: dict[str, Any], where: str) -> None:
    described = resolved(description, schema).get("properties", {})
    assert set(fields) == set(described), where
    for name, inner in fields.items():
        if inner:
            assert_described(description, inner, described[name], f"{where}.{name}")


@pytest.mark.parametrize("operation", ANSWERS)
def test_the_table_is_as_described(description, operation):
    (details,) = (
        details
        for methods in description["paths"].values()
        for details in methods.values()
        if isinstance(details, dict) and details.get("operationId") == operation
    )
    (answer,) = (found for found in details["responses"].values() if "content" in found)
    (content,) = answer["content"].values()
    fields = read_fields(ANSWERS[operation], without="+")
    assert_described(description, fields, content["schema"], operation)
