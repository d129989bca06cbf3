# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Snapshots of every list and change files of every type, compared with what the emulator holds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from openpyxl import load_workbook

from airflow_provider_clockify.columns.list_columns import ENTITIES, TABLES
from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyForbiddenError,
    ClockifyNoRowsError,
    ClockifyServerError,
    ClockifyWindowError,
)
from airflow_provider_clockify.export import list_export
from airflow_provider_clockify.hooks import clockify as hook_module
from airflow_provider_clockify.operators import _listing as operator_module
from airflow_provider_clockify.operators.entities import (
    ClockifyEntityChangesOperator,
    ClockifyExportEntitiesOperator,
)
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, faults, generate_workspace
from airflow_provider_clockify.testing.exchange import EntityFeeds
from airflow_provider_clockify.testing.workspace.kinds import WorkspaceSettings
from airflow_provider_clockify.testing.workspace.times import format_nanoseconds

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
Rows = list[dict[str, Any]]

SIZES = {
    "expenses": 9,
    "invoices": 6,
    "holidays": 3,
    "policies": 6,
    "time_off_requests": 7,
    "approval_requests": 6,
    "assignments": 4,
    "webhooks": 3,
    "custom_fields": 5,
    "tasks": 3,
}
PERIOD = {"start": "2026-10-01T00:00:00Z", "end": "2027-01-01T00:00:00Z"}
FILTERS: dict[str, dict[str, Any]] = {
    "assignments": PERIOD,
    "shared_reports": {"shared_reports_filter": "ALL_ADMIN"},
    "user_groups": {"include_team_managers": True},
    "users": {"memberships": "WORKSPACE", "include_roles": True},
}
PAID = {
    "assignments",
    "custom_fields",
    "expense_categories",
    "expenses",
    "invoice_items",
    "invoice_payments",
    "invoices",
    "project_custom_fields",
    "shared_reports",
    "time_off_balances",
    "time_off_policies",
    "time_off_requests",
}
every_entity = pytest.mark.parametrize("entity", ENTITIES)


@pytest.fixture(scope="module")
def rich() -> Iterator[ClockifyEmulator]:
    """A workspace with something in every list."""
    workspace = generate_workspace(entries=40, users=8, projects=4, **SIZES)
    with ClockifyEmulator(workspace, free_requests_per_hour=None) as emulator:
        yield emulator


@pytest.fixture
def serve() -> Iterator[Callable[..., ClockifyEmulator]]:
    """Serve a workspace."""
    started: list[ClockifyEmulator] = []

    def start(workspace: EmulatedWorkspace, **server: Any) -> ClockifyEmulator:
        server.setdefault("free_requests_per_hour", None)
        started.append(ClockifyEmulator(workspace, **server).start())
        return started[-1]

    yield start
    for emulator in started:
        emulator.stop()
        assert emulator.errors == []


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What snapshots warn of; Airflow's own loggers do not reach pytest."""
    said: list[str] = []

    class Log:
        def warning(self, text: str, *values: object) -> None:
            if "cannot be called outside" not in text:  # Airflow itself.
                said.append(text % values)

        def __getattr__(self, name: str) -> Callable[..., None]:
            return lambda *values, **more: None

    monkeypatch.setattr(ClockifyExportEntitiesOperator, "log", Log())
    return said


@pytest.fixture
def snapshot(connect: Callable) -> Callable[..., dict[str, Any]]:
    """Export a list of an emulator."""

    def run(emulator: ClockifyEmulator, entity: str, connection: Any = None, **parameters: Any) -> Any:
        folder = connect(emulator, **(connection or {}))
        parameters.setdefault("filters", FILTERS.get(entity))
        arguments = {"output_path": str(folder / "out"), "entity": entity, **parameters}
        return ClockifyExportEntitiesOperator(task_id="export", **arguments).execute({})

    return run


@pytest.fixture
def changes(connect: Callable) -> Callable[..., dict[str, Any]]:
    """Export the changes of a day."""

    def run(emulator: ClockifyEmulator, start: datetime, end: datetime, /, **parameters: Any) -> Any:
        folder = connect(emulator)
        arguments = {"output_path": str(folder / "out"), **parameters}
        context = {"data_interval_start": start, "data_interval_end": end, "logical_date": start}
        return ClockifyEntityChangesOperator(task_id="export", **arguments).execute(context)

    return run


def lines(summary: dict[str, Any]) -> Rows:
    return [json.loads(line) for line in Path(summary["paths"][0]).read_bytes().splitlines()]


def parquet(summary: dict[str, Any]) -> Rows:
    import pyarrow.parquet as pq

    return pq.read_table(summary["paths"][0]).to_pylist()


def csv_rows(summary: dict[str, Any]) -> Rows:
    with Path(summary["paths"][0]).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- what the emulator holds, in our columns ------------------------------------------------------------------


class Json:
    """A value that a column holds as JSON text."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and json.loads(other) == self.value

    def __repr__(self) -> str:
        return f"Json({self.value!r})"


def at(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def rate(name: str, amount: int | None, currency: str) -> dict[str, Any]:
    known = amount is not None
    return {
        f"{name}_amount": Decimal(amount) / 100 if known else None,
        f"{name}_currency": currency if known else None,
    }


def custom_field(w: EmulatedWorkspace, field: Any) -> dict[str, Any]:
    return {
        "id": field.id,
        "name": field.name,
        "workspace_id": w.id,
        "type": field.type,
        "status": field.status,
        "entity_type": field.entity_type,
        "required": field.required,
        "description": field.description,
        "allowed_values": list(field.allowed_values),
        "workspace_default_value": None,
        "project_default_values": Json(
            [{"projectId": p, "status": s, "value": v} for p, s, v in field.project_defaults]
        ),
    }


def entry(w: EmulatedWorkspace, item: Any) -> dict[str, Any]:
    return {
        "id": item.id,
        "description": item.description or None,
        "start": at(item.start),
        "end": None,
        "duration_seconds": None,
        "billable": item.billable,
        "type": item.type,
        "is_locked": item.locked,
        "user_id": item.user_id,
        "project_id": item.project_id,
        "task_id": item.task_id,
        "tag_ids": list(item.tag_ids or ()),
        "custom_fields": Json(
            [
                {
                    "customFieldId": key,
                    "timeEntryId": item.id,
                    "name": w.custom_fields[key].name,
                    "type": w.custom_fields[key].type,
                    "value": value,
                }
                for key, value in item.custom_values
            ]
        ),
        **rate("hourly_rate", item.hourly_rate, item.currency),
        **rate("cost_rate", item.cost_rate, item.currency),
    }


def membership(w: EmulatedWorkspace, user_id: str, target: str, kind: str, currency: str) -> dict[str, Any]:
    user = w.users[user_id]
    own = kind == "WORKSPACE"

    def money(amount: int | None) -> Any:
        return {"amount": amount, "currency": currency} if own and amount is not None else None

    return {
        "userId": user_id,
        "hourlyRate": money(user.hourly_rate),
        "costRate": money(user.cost_rate),
        "targetId": target,
        "membershipType": kind,
        "membershipStatus": user.membership_status if own else "ACTIVE",
    }


def project(w: EmulatedWorkspace, item: Any) -> dict[str, Any]:
    client = w.clients.get(item.client_id or "")
    currency = client.currency if client else w.currency
    tracked = sum(e.seconds for e in w.entries.values() if e.project_id == item.id)
    auto = {"estimate": "PT0S", "type": "AUTO"}
    return {
        "id": item.id,
        "name": item.name,
        "archived": item.archived,
        "workspace_id": w.id,
        "client_id": item.client_id,
        "client_name": client.name if client else None,
        "billable": item.billable,
        "public": item.public,
        "template": item.template,
        "color": item.color,
        "note": item.note or None,
        "duration_seconds": tracked,
        **rate("hourly_rate", item.hourly_rate, currency),
        **rate("cost_rate", item.cost_rate, currency),
        "estimate": Json(auto),
        "time_estimate": Json({**auto, "active": False, "includeNonBillable": True}),
        "budget_estimate": None,
        "member_ids": list(item.member_ids),
        "memberships": Json([membership(w, u, item.id, "PROJECT", currency) for u in item.member_ids]),
        "custom_fields": None,
    }


def task(w: EmulatedWorkspace, item: Any) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name,
        "project_id": item.project_id,
        "status": item.status,
        "billable": item.billable,
        "assignee_ids": list(item.assignee_ids),
        "user_group_ids": list(item.group_ids),
        "estimate_seconds": item.estimate_seconds or 0,
        "duration_seconds": None,
        **rate("hourly_rate", None, ""),
        **rate("cost_rate", None, ""),
        "budget_estimate": None,
    }


def user(w: EmulatedWorkspace, item: Any) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name,
        "email": item.email,
        "status": item.account_status,
        "active_workspace": w.id,
        "default_workspace": w.id,
        "time_zone": item.time_zone,
        "week_start": "MONDAY",
        "custom_fields": Json([]),
        "memberships": Json([membership(w, item.id, w.id, "WORKSPACE", w.currency)]),
        "roles": Json([] if item.role == "USER" else [{"role": item.role}]),
    }


def expense(w: EmulatedWorkspace, item: Any) -> dict[str, Any]:
    return {
        "id": item.id,
        "date": date.fromisoformat(item.day),
        "user_id": item.user_id,
        "project_id": item.project_id,
        "project_name": w.projects[item.project_id].name if item.project_id else None,
        "task_id": item.task_id,
        "category_id": item.category_id,
        "category_name": w.expense_categories[item.category_id].name if item.category_id else None,
        "quantity": float(item.quantity),
        "currency": None,
        "total": Decimal(str(item.total)) / 100,
        "billable": item.billable,
        "is_locked": item.locked,
        "notes": item.notes or None,
        "file_id": item.file_id,
        "file_name": item.file_name,
    }


def approval(w: EmulatedWorkspace, item: Any) -> dict[str, Any]:
    timed = item.type != "EXPENSE"
    entries = [
        e
        for e in sorted(w.entries.values(), key=lambda e: (e.start, e.id))
        if timed and e.user_id == item.owner_id and e.end is not None and item.start <= e.start < item.end
    ]
    first, last = at(item.start).date().isoformat(), at(item.end - 1).date().isoformat()
    spent = [
        e.total
        for e in w.expenses.values()
        if item.type != "TIMESHEET" and e.user_id == item.owner_id and first <= e.day <= last
    ]
    tracked = sum(e.seconds for e in entries)
    return {
        "id": item.id,
        "state": item.state,
        "user_id": item.owner_id,
        "user_name": w.users[item.owner_id].name,
        "start": at(item.start),
        "end": at(item.end),
        "updated_at": at(item.updated_at),
        "updated_by": item.changed_by_id or item.owner_id,
        "tracked_seconds": tracked,
        "approved_seconds": tracked if item.state == "APPROVED" else 0,
        "pending_seconds": tracked if item.state == "PENDING" else 0,
        "billable_seconds": sum(e.seconds for e in entries if e.billable),
        "break_seconds": sum(e.seconds for e in entries if e.type == "BREAK"),
        "currency": None,
        "billable_amount": pytest.approx(
            Decimal(sum(e.seconds * e.hourly_rate for e in entries if e.billable)) / 360_000,
            abs=Decimal("1e-8"),
        ),
        "cost_amount": pytest.approx(
            Decimal(sum(e.seconds * e.cost_rate for e in entries)) / 360_000, abs=Decimal("1e-8")
        ),
        "expense_total": Decimal(str(float(sum(spent)))) / 100,
        "entry_ids": [e.id for e in entries],
    }


def time_off(w: EmulatedWorkspace, item: Any) -> dict[str, Any]:
    owner, policy = w.users[item.user_id], w.policies[item.policy_id]
    return {
        "id": item.id,
        "user_id": owner.id,
        "user_name": owner.name,
        "user_email": owner.email,
        "policy_id": policy.id,
        "policy_name": policy.name,
        "status": item.status,
        "time_unit": policy.time_unit,
        "start": at(item.start),
        "end": at(item.end),
        "half_day": item.half_day is not None,
        "balance_diff": -float(item.amount),
        # The service has nanoseconds; columns have microseconds.
        "created_at": datetime.fromisoformat(format_nanoseconds(item.created_at, item.id)[:26] + "+00:00"),
        "note": item.note or None,
    }


def assignment(w: EmulatedWorkspace, item: Any) -> dict[str, Any]:
    return {
        "id": item.id,
        "workspace_id": w.id,
        "user_id": item.user_id,
        "user_name": w.users[item.user_id].name,
        "project_id": item.project_id,
        "project_name": w.projects[item.project_id].name,
        "client_id": w.projects[item.project_id].client_id,
        "task_id": item.task_id,
        "start": at(item.start),
        "end": at(item.end),
        "hours_per_day": float(item.hours_per_day),
        "billable": item.billable,
        "published": item.published,
        "note": item.note or None,
    }


def policy(w: EmulatedWorkspace, item: Any) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name,
        "archived": item.archived,
        "workspace_id": w.id,
        "time_unit": item.time_unit,
        "everyone_including_new": item.everyone,
        "user_ids": list(item.user_ids),
        "user_group_ids": list(item.group_ids),
        "allow_negative_balance": item.negative,
        "allow_half_day": item.time_unit == "DAYS",
    }


def invoice(w: EmulatedWorkspace, item: Any) -> dict[str, Any]:
    return {
        "id": item.id,
        "number": item.number,
        "client_id": item.client_id,
        "client_name": w.clients[item.client_id].name,
        "status": item.status,
        "currency": item.currency,
        "amount": Decimal(item.amount) / 100,
        "balance": Decimal(item.amount - item.paid) / 100,
        "paid": Decimal(item.paid) / 100,
        "issued_date": at(item.issued_at).date(),
        "due_date": at(item.due_at).date(),
    }


def client(w: EmulatedWorkspace, item: Any) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name,
        "archived": item.archived,
        "workspace_id": w.id,
        "email": item.email,
        "address": item.address,
        "note": item.note or None,
        "currency_id": w.id[:18] + item.currency.encode().hex(),
        "currency_code": item.currency,
        "cc_emails": list(item.cc_emails or ()),
    }


def workspace_row(w: EmulatedWorkspace) -> dict[str, Any]:
    return {
        "id": w.id,
        "name": w.name,
        "subdomain": None,
        "plan": "PRO",
        **rate("hourly_rate", 5_000, "EUR"),
        **rate("cost_rate", 2_000, "EUR"),
    }


TRUTH: dict[str, Callable[[EmulatedWorkspace], Rows]] = {
    "workspaces": lambda w: [workspace_row(w)],
    "users": lambda w: [user(w, each) for each in w.users.values()],
    "user_groups": lambda w: [
        {
            "id": each.id,
            "name": each.name,
            "workspace_id": w.id,
            "user_ids": list(each.user_ids),
            "team_manager_ids": list(each.manager_ids),
        }
        for each in w.user_groups.values()
    ],
    "clients": lambda w: [client(w, each) for each in w.clients.values()],
    "projects": lambda w: [project(w, each) for each in w.projects.values()],
    "tasks": lambda w: [task(w, each) for each in w.tasks.values()],
    "tags": lambda w: [
        {"id": each.id, "name": each.name, "archived": each.archived, "workspace_id": w.id}
        for each in w.tags.values()
    ],
    "custom_fields": lambda w: [custom_field(w, each) for each in w.custom_fields.values()],
    "project_custom_fields": lambda w: [
        {**custom_field(w, each), "project_id": project_id}
        for project_id in w.projects
        for each in w.custom_fields.values()
        if each.entity_type == "TIMEENTRY"
    ],
    "in_progress_time_entries": lambda w: [entry(w, each) for each in w.running_timers()],
    "expenses": lambda w: [expense(w, each) for each in w.expenses.values()],
    "expense_categories": lambda w: [
        {
            "id": each.id,
            "name": each.name,
            "archived": each.archived,
            "workspace_id": w.id,
            "has_unit_price": each.unit_price is not None,
            "unit": each.unit,
            "currency": None,
            "price": Decimal(each.unit_price or 0) / 100,
        }
        for each in w.expense_categories.values()
    ],
    "invoices": lambda w: [invoice(w, each) for each in w.invoices.values()],
    "invoice_items": lambda w: [
        {
            "invoice_id": each.id,
            "order": number,
            "item_type": "Service",
            "description": item.description,
            "quantity": float(item.quantity),
            "unit_price": Decimal(item.unit_price).scaleb(-4),
            "amount": Decimal(item.amount) / 100,
            "currency": each.currency,
            "apply_taxes": "TAX1TAX2",
            "import_type": "NOT_IMPORTED",
            "time_entry_ids": [],
            "expense_ids": [],
        }
        for each in w.invoices.values()
        for number, item in enumerate(each.items)
    ],
    "invoice_payments": lambda w: [
        {
            "id": paid.id,
            "invoice_id": each.id,
            "currency": each.currency,
            "amount": Decimal(paid.amount) / 100,
            "date": at(paid.paid_at).date(),
            "author": paid.author or None,
            "note": paid.note or None,
        }
        for each in w.invoices.values()
        for paid in each.payments
    ],
    "holidays": lambda w: [
        {
            "id": each.id,
            "name": each.name,
            "workspace_id": w.id,
            "start_date": date.fromisoformat(each.first_day),
            "end_date": date.fromisoformat(each.last_day),
            "occurs_annually": each.annually,
            "everyone_including_new": each.everyone,
            "user_ids": list(each.user_ids),
            "user_group_ids": list(each.group_ids),
            "project_id": None,
            "task_id": None,
        }
        for each in w.holidays.values()
    ],
    "time_off_requests": lambda w: [time_off(w, each) for each in w.time_off_requests.values()],
    "time_off_policies": lambda w: [policy(w, each) for each in w.policies.values()],
    "time_off_balances": lambda w: [
        {
            "id": each.id,
            "user_id": each.user_id,
            "user_name": w.users[each.user_id].name,
            "policy_id": each.policy_id,
            "policy_name": w.policies[each.policy_id].name,
            "time_unit": w.policies[each.policy_id].time_unit,
            "balance": each.total - each.used,
            "used": each.used,
            "total": each.total,
        }
        for each in w.balances.values()
    ],
    "approval_requests": lambda w: [approval(w, each) for each in w.approval_requests.values()],
    "assignments": lambda w: [assignment(w, each) for each in w.assignments.values()],
    "webhooks": lambda w: [
        {
            "id": each.id,
            "name": each.name,
            "workspace_id": w.id,
            "event": each.event,
            "enabled": each.enabled,
            "user_id": each.user_id,
        }
        for each in w.webhooks.values()
    ],
    "shared_reports": lambda w: [
        {
            "id": each.id,
            "name": each.name,
            "type": each.type,
            "is_public": each.public,
            "fixed_date": each.fixed_date,
            "author": Json(each.author_id),
        }
        for each in w.shared_reports.values()
    ],
}


def key(row: dict[str, Any]) -> tuple[str, str]:
    return row.get("id") or f"{row['invoice_id']} {row['order']}", row.get("project_id") or ""


def in_order(rows: Rows) -> Rows:
    return sorted(rows, key=key)


def csv_text(value: Any) -> Any:
    """Say independently how a value stands in a CSV file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if value.microsecond else "%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, list):
        return Json(value)
    if isinstance(value, Json) or "approx" in type(value).__name__.lower():
        return value
    if isinstance(value, Decimal):
        whole, _, rest = f"{value:f}".partition(".")
        return f"{whole}.{rest.rstrip('0')}".rstrip(".")
    return str(value)


# --- snapshots: every list, every format ----------------------------------------------------------------------


def requests_for(entity: str, w: EmulatedWorkspace) -> int:
    """Say what a list costs: one request, and one for each parent."""
    parents = {
        "tasks": len(w.projects),
        "project_custom_fields": len(w.projects),
        "invoice_items": len(w.invoices),
        "invoice_payments": len(w.invoices),
        "time_off_balances": len(w.policies),
    }
    # Shared reports have no Last-Page: an empty page ends them.
    return 2 if entity == "shared_reports" else 1 + parents.get(entity, 0)


def test_every_list_has_its_ground_truth_here() -> None:
    assert set(TRUTH) == set(ENTITIES)


@every_entity
def test_a_parquet_snapshot_holds_the_workspace_typed(
    entity: str, rich: ClockifyEmulator, snapshot: Callable
) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    summary = snapshot(rich, entity, file_format="parquet")
    found, wanted = in_order(parquet(summary)), in_order(TRUTH[entity](rich.workspace))
    assert wanted
    assert len(found) == len(wanted) == summary["rows"]
    stamps = {row.pop("snapshot_at") for row in found}
    assert len(stamps) == 1
    taken = stamps.pop()
    assert before <= taken <= datetime.now(UTC)
    assert summary["snapshot_at"] == taken.strftime("%Y-%m-%dT%H:%M:%SZ")
    for row, truth in zip(found, wanted, strict=True):
        assert {name: row[name] for name in truth} == truth
        if entity != "workspaces":  # Its settings are long, and compared as lines.
            assert set(row) == set(truth)
    assert summary["report"] == entity
    assert (summary["window_start"], summary["window_end"]) == (None, None)
    assert summary["requests"] == rich.count() == requests_for(entity, rich.workspace)


@every_entity
def test_a_csv_snapshot_holds_the_same(entity: str, rich: ClockifyEmulator, snapshot: Callable) -> None:
    summary = snapshot(rich, entity, file_format="csv")
    found, wanted = in_order(csv_rows(summary)), in_order(TRUTH[entity](rich.workspace))
    assert len(found) == len(wanted)
    for row, truth in zip(found, wanted, strict=True):
        assert row.pop("snapshot_at") == summary["snapshot_at"]
        for name, value in truth.items():
            text = csv_text(value)
            if "approx" in type(text).__name__.lower():
                assert Decimal(row[name]) == text
            else:
                assert text == row[name], name
    header = Path(summary["paths"][0]).read_text(encoding="utf-8").splitlines()[0]
    assert header.split(",") == [*(column.name for column in TABLES[entity].columns), "snapshot_at"]


@every_entity
def test_a_workbook_of_a_snapshot_holds_the_same(
    entity: str, rich: ClockifyEmulator, snapshot: Callable
) -> None:
    summary = snapshot(rich, entity, file_format="xlsx")
    header, *values = load_workbook(io.BytesIO(Path(summary["paths"][0]).read_bytes()))[entity].values
    found = in_order([dict(zip(header, row, strict=True)) for row in values])
    wanted = in_order(TRUTH[entity](rich.workspace))
    assert len(found) == len(wanted) == summary["rows"]
    for row, truth in zip(found, wanted, strict=True):
        assert row.pop("snapshot_at").isoformat() + "Z" == summary["snapshot_at"]
        for name, value in truth.items():
            if isinstance(value, datetime):
                assert abs(row[name].replace(tzinfo=UTC) - value) <= timedelta(milliseconds=1), name
            elif isinstance(value, date):
                assert row[name].date() == value, name
            elif isinstance(value, list):
                assert json.loads(row[name]) == value, name
            elif isinstance(value, Decimal | float):
                assert row[name] == pytest.approx(float(value)), name
            elif "approx" in type(value).__name__.lower():
                assert Decimal(str(row[name])) == value, name
            else:
                assert row[name] == value, name


@every_entity
def test_a_jsonl_snapshot_holds_the_items_as_the_service_sent_them(
    entity: str, rich: ClockifyEmulator, snapshot: Callable
) -> None:
    summary = snapshot(rich, entity)
    found = lines(summary)
    sent: Rows = []
    for record in list(rich.requests):
        sent += items_of(rich, record)
    parents = sent[: len(sent) - len(found)]  # Asked for first.
    sent = sent[len(parents) :]
    own = {
        "project_custom_fields": {"project_id": "id"},
        "invoice_payments": {"invoice_id": "id", "currency": "currency"},
        "invoice_items": {"invoice_id": "id", "currency": "currency"},
    }.get(entity, {})
    for row, item in zip(found, sent, strict=True):
        belongs = {name: row.pop(key) for key, name in own.items()}
        assert not own or belongs in [{name: parent[name] for name in own.values()} for parent in parents]
        if entity == "webhooks":
            assert item.pop("authToken").startswith("token-")
        assert row == item
        assert list(row) == list(item)
    assert summary["rows"] == len(found) == len(TRUTH[entity](rich.workspace))


def items_of(emulator: ClockifyEmulator, record: Any) -> Rows:
    """Ask the emulator the same again, without the provider."""
    import urllib.request

    query = "&".join(f"{name}={value}" for name, values in record.query.items() for value in values)
    request = urllib.request.Request(
        f"{emulator.url}{record.path}?{query}",
        data=record.body or None,
        headers={"X-Api-Key": emulator.api_key, "Content-Type": "application/json"},
        method=record.method,
    )
    with urllib.request.urlopen(request) as response:
        answer = json.loads(response.read())
    while isinstance(answer, dict):
        answer = next(
            answer[name]
            for name in (
                "expenses",
                "categories",
                "invoices",
                "requests",
                "balances",
                "webhooks",
                "reports",
                "items",
            )
            if name in answer
        )
    return answer


def test_durations_stay_iso_text_in_jsonl(rich: ClockifyEmulator, snapshot: Callable) -> None:
    durations = [row["duration"] for row in lines(snapshot(rich, "projects"))]
    assert durations
    assert all(duration.startswith("PT") for duration in durations)
    assert all(row["estimate"] == "PT0S" for row in lines(snapshot(rich, "tasks")))


@every_entity
def test_fields_that_nobody_knows_are_kept_in_jsonl_and_harmless_elsewhere(
    entity: str, rich: ClockifyEmulator, snapshot: Callable
) -> None:
    plain = parquet(snapshot(rich, entity, file_format="parquet"))
    rich.behaviour.extra_fields = {"brandNew": {"nested": [1]}}
    try:
        assert all(row["brandNew"] == {"nested": [1]} for row in lines(snapshot(rich, entity)))
        wide = parquet(snapshot(rich, entity, file_format="parquet"))
    finally:
        rich.behaviour.extra_fields = {}
    jsons = {column.name for column in TABLES[entity].columns if column.type == "json"} | {"snapshot_at"}
    for row, other in zip(in_order(plain), in_order(wide), strict=True):
        assert {n: v for n, v in row.items() if n not in jsons} == {
            n: v for n, v in other.items() if n not in jsons
        }


@every_entity
@pytest.mark.parametrize("file_format", ["jsonl", "csv", "parquet", "xlsx"])
def test_an_empty_list_gives_a_file_with_its_columns(
    entity: str, file_format: str, snapshot: Callable, serve: Callable
) -> None:
    workspace = EmulatedWorkspace()
    workspace.add_user("Ada")
    emulator = serve(workspace)
    summary = snapshot(emulator, entity, file_format=file_format)
    only = {"users": 1, "workspaces": 1}.get(entity, 0)
    assert summary["rows"] == only
    content = Path(summary["paths"][0]).read_bytes()
    assert emulator.count() == summary["requests"] == 1
    names = [*(column.name for column in TABLES[entity].columns), "snapshot_at"]
    if file_format == "jsonl":
        assert content.count(b"\n") == only
    elif file_format == "csv":
        assert content.splitlines()[0].decode() == ",".join(names)
    elif file_format == "xlsx":
        book = load_workbook(io.BytesIO(Path(summary["paths"][0]).read_bytes()))
        assert [cell.value for cell in book[entity][1]] == names
        facts = {row[0]: row[2] for row in book["totals"].values}
        assert facts["snapshot_at"].isoformat() + "Z" == summary["snapshot_at"]
        assert facts["report"] == entity
    else:
        import pyarrow.parquet as pq

        schema = pq.read_schema(summary["paths"][0])
        assert schema.names == names
        assert schema.metadata[b"clockify.snapshot_at"].decode() == summary["snapshot_at"]
        assert schema.metadata[b"clockify.report"].decode() == entity


# --- snapshots: one of each day or month ------------------------------------------------------------------------


def run_of(day: datetime, **more: Any) -> dict[str, Any]:
    """The context of the run of a day."""
    return {"data_interval_start": day - DAY, "data_interval_end": day, "logical_date": day - DAY, **more}


@pytest.fixture
def partitioned(connect: Callable, rich: ClockifyEmulator) -> Callable[..., Any]:
    """Export partitioned snapshots; the summary, and the operator for its warnings."""

    def run(context: dict[str, Any], **parameters: Any) -> Any:
        folder = connect(rich)
        arguments = {
            "output_path": str(folder / "tags"),
            "entity": "tags",
            "file_format": "parquet",
            "partition_by": "day",
            **parameters,
        }
        return ClockifyExportEntitiesOperator(task_id="export", **arguments).execute(context)

    return run


@pytest.mark.parametrize(
    ("context", "unit", "place"),
    [
        (run_of(datetime(2026, 11, 10, tzinfo=UTC)), "day", "dt=2026-11-10"),
        (run_of(datetime(2026, 11, 10, 4, tzinfo=UTC)), "day", "dt=2026-11-10"),
        (run_of(datetime(2026, 11, 10, 4, tzinfo=UTC)), "month", "month=2026-11"),
        # 9 November, 23:30 UTC.
        (run_of(datetime(2026, 11, 10, 0, 30, tzinfo=timezone(HOUR))), "day", "dt=2026-11-09"),
        ({"logical_date": datetime(2026, 11, 10, 4, tzinfo=UTC)}, "day", "dt=2026-11-10"),
        ({"partition_date": datetime(2026, 11, 9, tzinfo=UTC)}, "day", "dt=2026-11-09"),
    ],
    ids=str,
)
def test_a_snapshot_has_the_partition_of_its_run(
    partitioned: Callable,
    rich: ClockifyEmulator,
    tmp_path: Path,
    context: dict[str, Any],
    unit: Any,
    place: str,
) -> None:
    name = f"tags.{'csv' if unit == 'month' else 'parquet'}"
    summary = partitioned(context, partition_by=unit, file_format=name[5:])
    assert summary["paths"] == [str(tmp_path / "tags" / place / name)]
    assert summary["rows"] == len(rich.workspace.tags)
    assert (summary["window_start"], summary["window_end"]) == (None, None)
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*")} == {
        Path("tags"),
        Path("tags") / place,
        Path("tags") / place / name,
    }


def test_a_run_without_any_time_is_of_today(partitioned: Callable) -> None:
    summary = partitioned({})
    assert Path(summary["paths"][0]).parent.name == f"dt={summary['snapshot_at'][:10]}"


def test_a_later_snapshot_replaces_that_of_its_day_alone(partitioned: Callable, tmp_path: Path) -> None:
    first, second = datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 11, tzinfo=UTC)
    for day in (first, second):
        partitioned(run_of(day))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    partitioned(run_of(second))
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert {path.parent.name for path in before if before[path] != after[path]} == {"dt=2026-11-11"}
    assert len(before) == len(after) == 2


@pytest.mark.parametrize("partition_by", [None, "day"])
def test_a_backfill_of_snapshots_warns(partitioned: Callable, warned: list[str], partition_by: Any) -> None:
    now = datetime.now(UTC)
    partitioned(run_of(now), partition_by=partition_by)
    assert warned == []
    partitioned(run_of(now - 10 * DAY - HOUR), partition_by=partition_by)
    (warning,) = warned
    assert "10 days ago" in warning
    assert "as it is now and not as it was then" in warning


def test_the_event_of_a_partitioned_snapshot_says_which(partitioned: Callable) -> None:
    from airflow_provider_clockify.operators import _lineage

    seen = []
    patch = pytest.MonkeyPatch()
    patch.setattr(_lineage, "tell_outlets", lambda context, outlets, result: seen.append(result))
    with patch.context():
        partitioned(run_of(datetime(2026, 11, 10, tzinfo=UTC)))
    patch.undo()
    (result,) = seen
    assert _lineage.key_of(result.files[0]) == "2026-11-10T00:00:00"
    assert _lineage.export_extra(result)["window_end"] == "2026-11-11T00:00:00Z"


def test_a_partition_key_without_its_date_is_refused_before_the_first_request(
    partitioned: Callable, rich: ClockifyEmulator
) -> None:
    with pytest.raises(
        AirflowFailException, match=r"partition key '2026-11-09'.*partition_date.*output_path"
    ):
        partitioned({"dag_run": SimpleNamespace(partition_key="2026-11-09", run_after=START)})
    assert rich.count() == 0


def test_partitions_need_a_folder_and_known_units(partitioned: Callable, tmp_path: Path) -> None:
    (tmp_path / "tags").write_text("a file")
    with pytest.raises(AirflowFailException, match="with partition_by it must be a folder"):
        partitioned(run_of(START))
    with pytest.raises(ValueError, match="partition_by is 'week'; use one of day, month"):
        partitioned(run_of(START), partition_by="week")


def test_an_interrupted_partitioned_snapshot_goes_on(
    connect: Callable, serve: Callable, tmp_path: Path
) -> None:
    workspace = generate_workspace(entries=5, projects=6, tasks=4)
    emulator = serve(workspace)
    connect(emulator, max_retries=0)
    ti = SimpleNamespace(
        dag_id="d", task_id="export", run_id="r", map_index=-1, try_number=1, max_tries=1, xcom_push=print
    )
    operator = ClockifyExportEntitiesOperator(
        task_id="export", entity="tasks", output_path=str(tmp_path / "tasks"), partition_by="day", retries=1
    )
    context = run_of(datetime(2026, 11, 10, tzinfo=UTC), ti=ti)
    emulator.inject(faults.answer(503), times=1, match=faults.from_request(4))
    with pytest.raises(ClockifyServerError):
        operator.execute(context)
    kept = [path for path in (tmp_path / "tasks").iterdir() if path.suffix == ".keep"]
    assert len(kept) == 1
    emulator.clear_faults()
    emulator.reset_log()
    ti.try_number = 2
    summary = operator.execute(context)
    assert (
        emulator.count() == 1 + len(workspace.projects) - 2
    )  # The list of projects, and those not read yet.
    assert summary["rows"] == len(workspace.tasks)
    assert [path.name for path in (tmp_path / "tasks").iterdir()] == ["dt=2026-11-10"]


# --- snapshots: who and what is in them -----------------------------------------------------------------------


def test_people_who_left_are_in_the_snapshot(rich: ClockifyEmulator, snapshot: Callable) -> None:
    workspace = rich.workspace
    left = {u.id for u in workspace.users.values() if u.membership_status == "INACTIVE"}
    limited = {u.id for u in workspace.users.values() if u.account_status == "LIMITED"}
    assert left
    assert limited
    assert {row["id"] for row in lines(snapshot(rich, "users"))} == set(workspace.users)
    assert rich.requests[-1].query["status"] == ["ALL"]
    active = {row["id"] for row in lines(snapshot(rich, "users", filters={"status": "ACTIVE"}))}
    assert active == set(workspace.users) - left
    known = snapshot(rich, "users", filters={"account_statuses": None})
    assert {row["id"] for row in lines(known)} == set(workspace.users) - limited


def test_archived_things_are_in_the_snapshot_unless_filtered(
    rich: ClockifyEmulator, snapshot: Callable
) -> None:
    workspace = rich.workspace
    archived = {policy.id for policy in workspace.policies.values() if policy.archived}
    assert archived
    assert {row["id"] for row in lines(snapshot(rich, "time_off_policies"))} == set(workspace.policies)
    assert {row["policyId"] for row in lines(snapshot(rich, "time_off_balances"))} == set(workspace.policies)
    active = lines(snapshot(rich, "time_off_policies", filters={"status": "ACTIVE"}))
    assert {row["id"] for row in active} == set(workspace.policies) - archived
    tags = lines(snapshot(rich, "tags", filters={"archived": False}))
    assert {row["id"] for row in tags} == {tag.id for tag in workspace.tags.values() if not tag.archived}


def test_a_fan_out_says_what_it_costs_before_it_spends_it(
    rich: ClockifyEmulator, snapshot: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, int]] = []

    class Log:
        def info(self, text: str, *values: Any) -> None:
            said.append((text % values, rich.count()))

    monkeypatch.setattr(list_export, "log", Log())
    summary = snapshot(rich, "tasks")
    # Only the list of projects was asked for when it was said.
    assert ("tasks are listed for each of 4 projects: at least 4 requests.", 1) in said
    assert summary["requests"] == 5


def test_filters_of_a_fan_out_go_to_each_of_its_lists(rich: ClockifyEmulator, snapshot: Callable) -> None:
    found = lines(snapshot(rich, "tasks", filters={"is_active": False}))
    assert {row["status"] for row in found} == {"DONE"}
    assert [request.query.get("is-active") for request in rich.requests] == [None, *[["false"]] * 4]


def test_assignments_are_those_that_overlap_the_period(rich: ClockifyEmulator, snapshot: Callable) -> None:
    chosen = sorted(rich.workspace.assignments.values(), key=lambda each: each.start)[1]
    period = {"start": at(chosen.start).isoformat(), "end": (at(chosen.start) + HOUR).isoformat()}
    found = {row["id"] for row in lines(snapshot(rich, "assignments", filters=period))}
    assert chosen.id in found
    # The service may shift the bounds by a profile's zone: more is asked for, and cut down here.
    (asked,) = rich.requests
    assert datetime.fromisoformat(asked.query["start"][0]) <= at(chosen.start) - 14 * HOUR
    assert datetime.fromisoformat(asked.query["end"][0]) >= at(chosen.start) + 15 * HOUR
    assert found == {
        each.id
        for each in rich.workspace.assignments.values()
        if each.start < chosen.start + 3600 and each.end >= chosen.start
    }


def test_lists_of_several_pages_are_whole(snapshot: Callable, serve: Callable) -> None:
    workspace = EmulatedWorkspace()
    workspace.add_user("Ada")
    made = {workspace.add_tag(f"tag {number}").id for number in range(5_001)}
    emulator = serve(workspace)
    summary = snapshot(emulator, "tags", compression="gzip")
    assert summary["requests"] == emulator.count() == 3  # The third for the item between the pages.
    import gzip

    found = [
        json.loads(line) for line in gzip.decompress(Path(summary["paths"][0]).read_bytes()).splitlines()
    ]
    assert {row["id"] for row in found} == made
    assert len(found) == len(made)


def test_a_key_without_rights_gets_less_without_an_error_and_require_admin_refuses_it(
    snapshot: Callable, serve: Callable, connect: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = generate_workspace(entries=10, **SIZES)
    workspace.settings = WorkspaceSettings(only_admins_see_all_time_entries=True)
    member = next(u for u in workspace.users.values() if u.role == "USER" and u.membership_status == "ACTIVE")
    emulator = serve(workspace)
    folder = connect(emulator)
    monkeypatch.setenv(
        "AIRFLOW_CONN_MEMBER", emulator.connection_json(api_key=member.api_key, requests_per_second=1000)
    )
    arguments = {
        "task_id": "export",
        "entity": "approval_requests",
        "output_path": str(folder / "out"),
        "clockify_conn_id": "member",
    }
    summary = ClockifyExportEntitiesOperator(**arguments).execute({})
    assert {row["approvalRequest"]["owner"]["userId"] for row in lines(summary)} <= {member.id}
    assert summary["rows"] < len(workspace.approval_requests)
    content = (folder / "out").read_bytes()
    with pytest.raises(AirflowFailException, match="neither an owner's nor an admin's"):
        ClockifyExportEntitiesOperator(**arguments, require_admin=True).execute({})
    assert (folder / "out").read_bytes() == content


@pytest.mark.parametrize("entity", sorted(PAID))
def test_the_free_plan_is_named_with_the_cure_and_nothing_is_written(
    entity: str, snapshot: Callable, serve: Callable, tmp_path: Path
) -> None:
    workspace = generate_workspace(entries=1, projects=1, plan="FREE", **SIZES)
    with pytest.raises(AirflowFailException, match=r"403.*plan") as caught:
        snapshot(serve(workspace), entity)
    assert isinstance(caught.value.__context__, ClockifyForbiddenError)
    assert list(tmp_path.iterdir()) == []


def test_lists_of_the_free_plan_are_all_others(snapshot: Callable, serve: Callable) -> None:
    emulator = serve(generate_workspace(entries=1, projects=1, plan="FREE", **SIZES))
    for entity in sorted(set(ENTITIES) - PAID):
        assert snapshot(emulator, entity)["rows"] > 0


# --- snapshots: wrong calls -----------------------------------------------------------------------------------

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "misspelt filter": ({"filters": {"achived": True}}, r"no filter 'achived'. Did you mean 'archived'"),
    "filter of another list": ({"entity": "tasks", "filters": {"archived": True}}, r"no filter 'archived'"),
    "filter without a name": ({"entity": "invoice_payments", "filters": {"name": "x"}}, r"It has: none"),
    "filters as text": ({"filters": "archived"}, r"filters must be a dict, not str"),
    "filter of a wrong kind": ({"filters": {"name": 1.5}}, r"Filter name=1.5: give text"),
    "value that gives a 500": ({"entity": "webhooks", "filters": {"type": "SYSTEM"}}, r"USER_CREATED, ADDON"),
    "no period": ({"entity": "assignments", "filters": None}, r"needs the filters start and end"),
    "naive period": (
        {"entity": "assignments", "filters": {"start": "2026-11-01T00:00:00", "end": "2026-12-01T00:00:00"}},
        r"start.*(offset|Z)",
    ),
    "unknown column": ({"drop_columns": ["user_name"]}, r"drop_columns names 'user_name'"),
    "hash of no text": ({"hash_columns": ["archived"]}, r"only text can be hashed"),
    "hash without salt": ({"hash_columns": ["name"]}, r"needs a secret salt"),
    "no output path": ({"output_path": ""}, r"output_path is empty"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_parameter_costs_no_request_and_is_named_with_its_cure(
    case: str,
    rich: ClockifyEmulator,
    snapshot: Callable,
    tmp_path: Path,
    airflow_database: None,
    request: pytest.FixtureRequest,
) -> None:
    if case == "hash without salt":
        request.getfixturevalue("variables_outside_a_task")
    parameters, text = WRONG[case]
    with pytest.raises(AirflowFailException, match=text) as caught:
        snapshot(
            rich,
            parameters.get("entity", "tags"),
            {"workspace_id": None},
            **{name: value for name, value in parameters.items() if name != "entity"},
        )
    assert isinstance(caught.value.__context__, ClockifyConfigError)
    assert rich.count() == 0
    assert list(tmp_path.iterdir()) == []


def test_on_empty_skips_or_fails_and_leaves_what_is_there(
    snapshot: Callable, serve: Callable, tmp_path: Path
) -> None:
    workspace = EmulatedWorkspace()
    workspace.add_user("Ada")
    emulator = serve(workspace)
    (tmp_path / "out").write_text("yesterday's\n")
    with pytest.raises(AirflowSkipException, match="no tags to export"):
        snapshot(emulator, "tags", on_empty="skip")
    with pytest.raises(ClockifyNoRowsError, match="no tags to export"):
        snapshot(emulator, "tags", on_empty="fail")
    assert (tmp_path / "out").read_text() == "yesterday's\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert snapshot(emulator, "tags")["rows"] == 0


def test_a_list_that_breaks_half_way_leaves_what_is_there(
    rich: ClockifyEmulator, snapshot: Callable, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("yesterday's\n")
    last = list(rich.workspace.projects)[-1]
    rich.fail(403, times=None, match=lambda request: last in request.path)
    try:
        with pytest.raises(AirflowFailException, match="403"):
            snapshot(rich, "tasks")
    finally:
        rich.clear_faults()
    assert (tmp_path / "out").read_text() == "yesterday's\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


# --- snapshots: columns ---------------------------------------------------------------------------------------


def test_columns_are_left_out_and_hashed_in_every_format(rich: ClockifyEmulator, snapshot: Callable) -> None:
    columns = {"drop_columns": ["name", "snapshot_at"], "hash_columns": ["email"]}
    salt = {"hash_salt": "pepper"}
    rows = {
        "parquet": parquet(snapshot(rich, "users", salt, **columns, file_format="parquet")),
        "csv": csv_rows(snapshot(rich, "users", salt, **columns, file_format="csv")),
    }
    # Only lines have fields that no column holds.
    more = {**columns, "drop_columns": [*columns["drop_columns"], "settings.theme"]}
    found = lines(snapshot(rich, "users", salt, **more))
    hashes = {row["id"]: row["email"] for row in found}
    for row in found:
        assert "name" not in row
        assert "theme" not in row["settings"]
        assert row["settings"]["lang"] == "EN"
        assert len(row["email"]) == 64
    for name in ("parquet", "csv"):
        assert {row["id"]: row["email"] for row in rows[name]} == hashes
        assert not {"name", "snapshot_at"} & set(rows[name][0])
    other = lines(snapshot(rich, "users", {"hash_salt": "salt"}, **columns))
    assert not set(hashes.values()) & {row["email"] for row in other}


def test_secrets_of_webhooks_reach_no_file(rich: ClockifyEmulator, snapshot: Callable) -> None:
    for file_format in ("jsonl", "csv", "parquet"):
        summary = snapshot(rich, "webhooks", file_format=file_format)
        assert b"token-" not in Path(summary["paths"][0]).read_bytes()


# --- changes --------------------------------------------------------------------------------------------------

# What each type of the feeds calls its things here, and how to make, change and delete one.
TYPES = {
    "CLIENTS": lambda w, at: w.add_client("Globex", at=at),
    "PROJECTS": lambda w, at: w.add_project("Website", at=at),
    "TAGS": lambda w, at: w.add_tag("night", at=at),
    "TASKS": lambda w, at: w.add_task(next(iter(w.projects)), "Design", at=at),
    "USER_GROUPS": lambda w, at: w.add_user_group("Team", at=at),
    "HOLIDAYS": lambda w, at: w.add_holiday("New Year", "2027-01-01", "2027-01-01", at=at),
    "PTO_POLICY": lambda w, at: w.add_policy("Vacation", at=at),
    "INVOICES": lambda w, at: w.add_invoice(next(iter(w.clients)), issued=at, due=at, at=at),
    "SCHEDULED_ASSIGNMENT": lambda w, at: w.add_assignment(
        w.owner.id, next(iter(w.projects)), start=at, end=at + HOUR, at=at
    ),
    "TIME_OFF_REQUEST": lambda w, at: w.add_time_off_request(
        w.owner.id, next(iter(w.policies)), start=at, end=at + DAY, at=at
    ),
    "APPROVAL_REQUESTS": lambda w, at: w.add_approval_request(w.owner.id, start=at, end=at + DAY, at=at),
    "TIME_ENTRY": lambda w, at: w.add_entry(start=at, end=at + HOUR, at=at),
    "CUSTOM_FIELDS": lambda w, at: w.add_custom_field("Ticket", at=at),
    "USER": lambda w, at: w.add_user("Bob", at=at),
}
FOREVER = {"CUSTOM_FIELDS", "USER"}  # The emulator deletes none of them.
FEEDS = {
    "array": EntityFeeds(),
    "envelope": EntityFeeds(shape="envelope", page_base=1, type_key="documentCode", max_limit=3),
    "string": EntityFeeds(shape="json_string", max_limit=7),
}


def a_team() -> EmulatedWorkspace:
    """Make a workspace in which nothing happened on the day of the tests."""
    workspace = EmulatedWorkspace()
    before = START - 9 * DAY
    workspace.add_user("Ada", at=before)
    workspace.add_client("Initech", at=before)
    workspace.add_project("Old", at=before)
    workspace.add_policy("Old", at=before)
    return workspace


@pytest.mark.parametrize("feeds", FEEDS)
@pytest.mark.parametrize("entity_type", TYPES)
def test_a_change_file_has_what_was_created_updated_and_deleted(
    entity_type: str, feeds: str, serve: Callable, changes: Callable
) -> None:
    workspace = a_team()
    emulator = serve(workspace, entities=FEEDS[feeds])
    make = TYPES[entity_type]
    old, gone = make(workspace, START - DAY), make(workspace, START - DAY)
    new = make(workspace, START)
    make(workspace, START + DAY)  # Belongs to the next window.
    if entity_type == "TIME_ENTRY":
        workspace.update_entry(old.id, description="edited", at=START + 2 * HOUR)
        workspace.delete_entry(gone.id, at=START + 3 * HOUR)
    else:
        workspace.change(old, at=START + 2 * HOUR)
        if entity_type not in FOREVER:
            workspace.delete(gone, at=START + 3 * HOUR)
    summary = changes(emulator, START, START + DAY, entity_type=entity_type)
    wanted = [
        ("created", new.id, "2026-11-01T00:00:00Z"),
        ("updated", old.id, "2026-11-01T02:00:00Z"),
        ("deleted", gone.id, "2026-11-01T03:00:00Z"),
    ]
    found = lines(summary)
    assert [(row["change"], row["id"], row["changed_at"]) for row in found] == (
        wanted[:2] if entity_type in FOREVER else wanted
    )
    assert {row["entity_type"] for row in found} == {entity_type}
    assert all(row["document"]["id"] == row["id"] for row in found)
    assert summary["rows"] == len(found)
    assert (summary["window_start"], summary["window_end"]) == (
        "2026-11-01T00:00:00Z",
        "2026-11-02T00:00:00Z",
    )
    assert summary["requests"] == emulator.count()


def test_change_files_have_typed_columns_and_the_whole_document(serve: Callable, changes: Callable) -> None:
    workspace = a_team()
    emulator = serve(workspace, extra_fields={"brandNew": 1})
    made = workspace.add_entry(start=START, end=START + HOUR, description="a, b\n😀", at=START + HOUR)
    summary = changes(emulator, START, START + DAY, file_format="parquet")
    (row,) = parquet(summary)
    document = json.loads(row.pop("document"))
    assert row == {
        "change": "created",
        "id": made.id,
        "changed_at": START + HOUR,
        "entity_type": "TIME_ENTRY",
    }
    assert (document["description"], document["brandNew"]) == ("a, b\n😀", 1)
    assert document["timeInterval"]["duration"] == "PT1H"
    import pyarrow.parquet as pq

    facts = pq.read_schema(summary["paths"][0]).metadata
    assert facts[b"clockify.window_start"] == b"2026-11-01T00:00:00Z"
    assert facts[b"clockify.window_end"] == b"2026-11-02T00:00:00Z"
    (text,) = csv_rows(changes(emulator, START, START + DAY, file_format="csv"))
    assert text["changed_at"] == "2026-11-01T01:00:00Z"
    assert json.loads(text["document"]) == document
    assert lines(changes(emulator, START, START + DAY))[0]["document"] == document


@pytest.mark.parametrize("file_format", ["jsonl", "csv", "parquet", "xlsx"])
def test_a_quiet_window_gives_an_empty_file(file_format: str, serve: Callable, changes: Callable) -> None:
    summary = changes(serve(a_team()), START, START + DAY, file_format=file_format)
    assert summary["rows"] == 0
    content = Path(summary["paths"][0]).read_bytes()
    if file_format == "jsonl":
        assert content == b""
    if file_format == "csv":
        assert content == b"change,id,changed_at,entity_type,document\n"
    with pytest.raises(AirflowSkipException):
        changes(serve(a_team()), START, START + DAY, on_empty="skip")
    with pytest.raises(ClockifyNoRowsError):
        changes(serve(a_team()), START, START + DAY, on_empty="fail")


@pytest.mark.parametrize("lookback", [2 * DAY, "P2D", "PT48H"], ids=str)
def test_a_lookback_reads_the_days_before_again(
    serve: Callable, changes: Callable, lookback: timedelta | str
) -> None:
    workspace = a_team()
    emulator = serve(workspace)
    made = [workspace.add_entry(start=START, end=END, at=START + number * DAY).id for number in range(4)]
    summary = changes(emulator, START + 3 * DAY, START + 4 * DAY, lookback=lookback)
    assert [row["id"] for row in lines(summary)] == made[1:]
    assert summary["window_start"] == "2026-11-02T00:00:00Z"


def test_an_explicit_window_and_a_unit_are_windows_too(serve: Callable, changes: Callable) -> None:
    workspace = a_team()
    emulator = serve(workspace)
    made = workspace.add_entry(start=START, end=END, at=START + HOUR).id
    bounds = {"start": "2026-11-01T02:00:00+01:00", "end": "2026-11-01T03:00:00+01:00"}
    assert [row["id"] for row in lines(changes(emulator, END, END, **bounds))] == [made]
    by_day = changes(emulator, START + 30 * HOUR, START + 30 * HOUR, window="day")
    assert by_day["window_start"] == "2026-11-01T00:00:00Z"
    assert [row["id"] for row in lines(by_day)] == [made]


def test_a_day_of_a_zone_and_the_day_before_across_a_change_of_clocks(
    serve: Callable, changes: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[datetime | None] = []
    read = hook_module.ClockifyHook.get_entity_changes

    def noted(hook: Any, *arguments: Any, known_until: datetime | None = None) -> Any:
        known.append(known_until)
        return read(hook, *arguments, known_until=known_until)

    monkeypatch.setattr(hook_module.ClockifyHook, "get_entity_changes", noted)
    workspace = a_team()
    emulator = serve(workspace)
    before, midnight = datetime(2026, 10, 23, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)
    made = [
        workspace.add_entry(start=before, end=END, at=at).id for at in (before, midnight - SECOND, midnight)
    ]
    summary = changes(
        emulator, midnight + HOUR, midnight + HOUR, window="day", timezone="Europe/Berlin", lookback="P1D"
    )
    assert [row["id"] for row in lines(summary)] == made[:2]
    # 25 October has 25 hours there, and was the only day that had not been exported before.
    assert known == [datetime(2026, 10, 24, 22, tzinfo=UTC)]
    assert (summary["window_start"], summary["window_end"]) == (
        "2026-10-23T22:00:00Z",
        "2026-10-25T23:00:00Z",
    )
    assert summary["timezone"] == "Europe/Berlin"


def test_a_window_longer_than_thirty_days_is_asked_in_pieces(serve: Callable, changes: Callable) -> None:
    workspace = a_team()
    emulator = serve(workspace)
    made = [workspace.add_tag(f"t{day}", at=START - 60 * DAY + day * DAY).id for day in range(61)]
    summary = changes(emulator, START - 60 * DAY, START + DAY, entity_type="TAGS")
    assert [row["id"] for row in lines(summary)] == made
    feeds = [request for request in emulator.requests if "/entities/" in request.path]
    for request in feeds:
        bounds = [datetime.fromisoformat(request.query[name][0]) for name in ("start", "end")]
        assert bounds[1] - bounds[0] <= 30 * DAY


# --- changes: time --------------------------------------------------------------------------------------------


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.slept: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds * SECOND
        self.on_sleep()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], Clock]:
    """Set the time of operator and hook."""

    def set_to(now: datetime) -> Clock:
        mine = Clock(now)

        class Now(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:
                return mine.now.astimezone(tz)

        monkeypatch.setattr(operator_module, "datetime", Now)
        monkeypatch.setattr(operator_module, "time", mine)
        monkeypatch.setattr(hook_module, "datetime", Now)
        return mine

    return set_to


def test_a_window_that_has_just_ended_is_waited_for(
    serve: Callable, changes: Callable, clock: Callable
) -> None:
    workspace = a_team()
    gone = workspace.add_entry(start=START, end=START + HOUR, at=START - DAY)
    workspace.delete_entry(gone.id, at=START + DAY - SECOND)
    emulator = serve(workspace)
    mine = clock(START + DAY + 20 * SECOND)
    emulator.now = mine.now  # The deletion does not show yet.

    def later() -> None:
        assert emulator.count() == 0
        emulator.now = mine.now

    mine.on_sleep = later
    summary = changes(emulator, START, START + DAY)
    assert [row["id"] for row in lines(summary)] == [gone.id]
    (slept,) = mine.slept
    assert 100 <= slept <= 102


@pytest.mark.parametrize("late", [timedelta(0), SECOND, 119 * SECOND, 120 * SECOND, 121 * SECOND, HOUR])
def test_the_wait_ends_when_two_minutes_have_passed(
    serve: Callable, changes: Callable, clock: Callable, late: timedelta
) -> None:
    mine = clock(START + DAY + late)
    assert changes(serve(a_team()), START, START + DAY)["rows"] == 0
    assert mine.now >= START + DAY + 120 * SECOND
    assert sum(mine.slept) <= max(0, 121 - late.total_seconds())
    assert bool(mine.slept) is (late < 120 * SECOND)


def test_a_clock_that_is_set_back_a_little_while_waiting_does_no_harm(
    serve: Callable, changes: Callable, clock: Callable
) -> None:
    mine = clock(START + DAY)

    def back() -> None:
        mine.now -= timedelta(milliseconds=300)

    mine.on_sleep = back
    assert changes(serve(a_team()), START, START + DAY)["rows"] == 0


WRONG_CHANGES: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "filters": ({"filters": {"archived": True}}, ClockifyConfigError, r"filters do not fit"),
    "future": (
        {"start": "2026-11-02T00:00:00Z", "end": "2026-11-02T00:00:31Z"},
        ClockifyWindowError,
        r"End it at 2026-11-01T23:58:30Z or earlier",
    ),
    "fraction": (
        {"start": "2026-11-01T00:00:00.500Z", "end": "2026-11-01T06:00:00Z"},
        ClockifyWindowError,
        r"whole seconds",
    ),
    "column": ({"drop_columns": ["user_id"]}, ClockifyConfigError, r"changes has change, changed_at"),
}


@pytest.mark.parametrize("case", WRONG_CHANGES)
def test_wrong_changes_are_refused_before_any_wait_or_request(
    case: str, serve: Callable, connect: Callable, clock: Callable
) -> None:
    parameters, kind, text = WRONG_CHANGES[case]
    emulator = serve(a_team())
    folder = connect(emulator, workspace_id=None)
    mine = clock(START + DAY + 30 * SECOND)
    context = {
        "data_interval_start": START,
        "data_interval_end": START + DAY,
        "logical_date": START,
    }
    operator = ClockifyEntityChangesOperator(
        task_id="export", output_path=str(folder / "out"), require_admin=True, **parameters
    )
    with pytest.raises(AirflowFailException, match=text) as caught:
        operator.execute(context)
    assert isinstance(caught.value.__context__, kind)
    assert mine.slept == []
    assert emulator.count() == 0


def test_a_run_without_an_interval_is_refused_with_the_cures(serve: Callable, changes: Callable) -> None:
    emulator = serve(a_team())
    with pytest.raises(AirflowFailException, match='CronDataIntervalTimetable(.|\n)*window="day"'):
        changes(emulator, START, START)
    assert emulator.count() == 0


def test_a_refused_feed_fails_the_task_and_writes_nothing(
    serve: Callable, changes: Callable, tmp_path: Path
) -> None:
    emulator = serve(a_team())
    emulator.fail(403, match=lambda request: "/entities/deleted" in request.path)
    with pytest.raises(AirflowFailException, match="403"):
        changes(emulator, START, START + DAY)
    assert list(tmp_path.iterdir()) == []


def test_documents_are_left_out_or_changed_inside_on_request(serve: Callable, changes: Callable) -> None:
    workspace = a_team()
    emulator = serve(workspace)
    workspace.add_entry(start=START, end=START + HOUR, description="secret", at=START + HOUR)
    drop = ["document.description"]
    for file_format in ("jsonl", "csv", "parquet"):
        summary = changes(emulator, START, START + DAY, drop_columns=drop, file_format=file_format)
        assert b"secret" not in Path(summary["paths"][0]).read_bytes()
        assert b"timeInterval" in Path(summary["paths"][0]).read_bytes()
    (row,) = lines(changes(emulator, START, START + DAY, drop_columns=["document"]))
    assert set(row) == {"change", "id", "changed_at", "entity_type"}


@pytest.mark.parametrize(("people", "is_named"), [(1, True), (3, False)])
def test_a_single_visible_user_is_named_in_the_log(
    people: int, is_named: bool, serve: Callable, snapshot: Callable, warned: list[str]
) -> None:
    emulator = serve(generate_workspace(users=people, entries=1, running_timers=0))
    assert snapshot(emulator, "users")["rows"] == people
    assert any("Only one user is visible" in text for text in warned) is is_named
