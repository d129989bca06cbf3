# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Keep the expenses, invoices, absences, approvals, plans and webhooks of one emulated workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_clockify.testing.workspace.business import (
    ApprovalRequest,
    Assignment,
    Balance,
    Expense,
    ExpenseCategory,
    Holiday,
    Invoice,
    Payment,
    Policy,
    TimeOffRequest,
    Webhook,
)
from airflow_provider_clockify.testing.workspace.kinds import Audit, ObjectIds
from airflow_provider_clockify.testing.workspace.times import epoch_seconds

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from datetime import datetime

    from airflow_provider_clockify.testing.workspace.kinds import Client, Project, User

_R = TypeVar("_R", bound=Audit)


class BusinessData:
    """
    The part of a workspace that is not tracked time.

    Everything is added with ``at``, the moment of its creation (None: now), and the fields of its class;
    ``change`` and ``delete`` of the workspace do the rest.
    """

    lock: threading.RLock
    users: dict[str, User]
    clients: dict[str, Client]
    projects: dict[str, Project]
    version: int
    _ids: ObjectIds

    def __init__(self) -> None:
        self.expense_categories: dict[str, ExpenseCategory] = {}
        self.expenses: dict[str, Expense] = {}
        self.invoices: dict[str, Invoice] = {}
        self.holidays: dict[str, Holiday] = {}
        self.policies: dict[str, Policy] = {}
        self.balances: dict[str, Balance] = {}
        self.time_off_requests: dict[str, TimeOffRequest] = {}
        self.approval_requests: dict[str, ApprovalRequest] = {}
        self.assignments: dict[str, Assignment] = {}
        self.webhooks: dict[str, Webhook] = {}

    def add_expense_category(
        self, name: str, *, at: datetime | None = None, **fields: Any
    ) -> ExpenseCategory:
        """Add a category of expenses."""
        return self._record(self.expense_categories, ExpenseCategory, at, name=name, **fields)

    def add_expense(self, user_id: str, *, at: datetime | None = None, **fields: Any) -> Expense:
        """Add an expense of a user; ``day`` and ``total`` are required."""
        return self._record(self.expenses, Expense, at, user_id=self.users[user_id].id, **fields)

    def add_invoice(
        self,
        client_id: str,
        *,
        issued: datetime,
        due: datetime,
        at: datetime | None = None,
        **fields: Any,
    ) -> Invoice:
        """Add an invoice to a client, in its currency; number and author have defaults."""
        fields.setdefault("number", f"{len(self.invoices) + 1:05d}")
        fields.setdefault("user_id", next(iter(self.users)))
        fields.setdefault("currency", self.clients[client_id].currency)
        return self._record(
            self.invoices,
            Invoice,
            at,
            client_id=client_id,
            issued_at=epoch_seconds(issued),
            due_at=epoch_seconds(due),
            **fields,
        )

    def add_payment(
        self, invoice_id: str, amount: int, *, at: datetime | None = None, note: str = ""
    ) -> Payment:
        """Add a payment to an invoice, which becomes paid or partially paid."""
        with self.lock:
            invoice, instant = self.invoices[invoice_id], epoch_seconds(at)
            author = self.users[invoice.user_id].name or ""
            payment = Payment(
                id=self._ids.next(instant), amount=amount, paid_at=instant, author=author, note=note
            )
            invoice.payments = (*invoice.payments, payment)
            invoice.status = "PAID" if invoice.paid >= invoice.amount else "PARTIALLY_PAID"
            invoice.updated_at = instant
            self.version += 1
            return payment

    def add_holiday(
        self, name: str, first_day: str, last_day: str, *, at: datetime | None = None, **fields: Any
    ) -> Holiday:
        """Add a holiday from one ISO date to another, both inclusive."""
        return self._record(
            self.holidays, Holiday, at, name=name, first_day=first_day, last_day=last_day, **fields
        )

    def add_policy(self, name: str, *, at: datetime | None = None, **fields: Any) -> Policy:
        """Add a time-off policy."""
        return self._record(self.policies, Policy, at, name=name, **fields)

    def add_balance(
        self, policy_id: str, user_id: str, *, at: datetime | None = None, **fields: Any
    ) -> Balance:
        """Return a user a balance of a policy; ``total`` defaults to what the policy grants."""
        fields.setdefault("total", self.policies[policy_id].accrual)
        return self._record(
            self.balances, Balance, at, policy_id=policy_id, user_id=self.users[user_id].id, **fields
        )

    def add_time_off_request(
        self,
        user_id: str,
        policy_id: str,
        *,
        start: datetime,
        end: datetime,
        at: datetime | None = None,
        **fields: Any,
    ) -> TimeOffRequest:
        """Add a request for time off, made by the user unless ``requester_id`` says otherwise."""
        first, last = epoch_seconds(start), epoch_seconds(end)
        fields.setdefault("requester_id", user_id)
        fields.setdefault("amount", float(-(-(last - first) // 86_400)))
        return self._record(
            self.time_off_requests,
            TimeOffRequest,
            at,
            user_id=self.users[user_id].id,
            policy_id=self.policies[policy_id].id,
            start=first,
            end=last,
            **fields,
        )

    def add_approval_request(
        self, owner_id: str, *, start: datetime, end: datetime, at: datetime | None = None, **fields: Any
    ) -> ApprovalRequest:
        """Hand in the time of a user for approval."""
        return self._record(
            self.approval_requests,
            ApprovalRequest,
            at,
            owner_id=self.users[owner_id].id,
            start=epoch_seconds(start),
            end=epoch_seconds(end),
            **fields,
        )

    def add_assignment(
        self,
        user_id: str,
        project_id: str,
        *,
        start: datetime,
        end: datetime,
        at: datetime | None = None,
        **fields: Any,
    ) -> Assignment:
        """Schedule work of a user on a project."""
        return self._record(
            self.assignments,
            Assignment,
            at,
            user_id=self.users[user_id].id,
            project_id=self.projects[project_id].id,
            start=epoch_seconds(start),
            end=epoch_seconds(end),
            **fields,
        )

    def add_webhook(self, name: str, url: str, *, at: datetime | None = None, **fields: Any) -> Webhook:
        """Add a webhook, by default for new time entries."""
        fields.setdefault("user_id", next(iter(self.users)))
        fields.setdefault("event", "NEW_TIME_ENTRY")
        return self._record(self.webhooks, Webhook, at, name=name, url=url, **fields)

    def _record(
        self, table: dict[str, _R], kind: Callable[..., _R], at: datetime | None, **fields: Any
    ) -> _R:
        with self.lock:
            instant = epoch_seconds(at)
            record_id = self._ids.next(instant)
            table[record_id] = kind(id=record_id, created_at=instant, updated_at=instant, **fields)
            self.version += 1
            return table[record_id]
