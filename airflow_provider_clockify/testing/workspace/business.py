# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Hold what a workspace has besides tracked time: expenses, invoices, absences, approvals, plans, webhooks.

Instants are epoch seconds, days are ISO dates, money is minor units.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_clockify.testing.workspace.kinds import Audit


@dataclass(slots=True, kw_only=True)
class ExpenseCategory(Audit):
    """A category of expenses; with a unit and a price, expenses are quantities of it."""

    id: str
    name: str
    unit: str | None = None
    unit_price: int | None = None
    archived: bool = False


@dataclass(slots=True, kw_only=True)
class Expense(Audit):
    """
    An expense of a user.

    :param day: ISO date.
    :param total: minor units; the service shows them as a float (observed 2026-06).
    :param file_content: the receipt.
    """

    id: str
    user_id: str
    day: str
    total: float
    quantity: float = 1.0
    category_id: str | None = None
    project_id: str | None = None
    task_id: str | None = None
    billable: bool = False
    notes: str | None = None
    file_id: str | None = None
    file_name: str | None = None
    file_content: bytes = b""
    locked: bool = False
    approval_request_id: str | None = None
    invoice_id: str | None = None


@dataclass(slots=True, kw_only=True)
class InvoiceItem:
    """
    A line of an invoice.

    :param unit_price: minor units times 100, so that ``unit_price * quantity / 100`` is the amount (observed
        2026-08).
    """

    description: str
    unit_price: int
    quantity: int = 1

    @property
    def amount(self) -> int:
        """Minor units."""
        return self.unit_price * self.quantity // 100


@dataclass(slots=True, kw_only=True)
class Payment:
    """A payment of an invoice."""

    id: str
    amount: int
    paid_at: int
    author: str
    note: str = ""


@dataclass(slots=True, kw_only=True)
class Invoice(Audit):
    """
    An invoice to a client.

    :param status: UNSENT, SENT, PAID, PARTIALLY_PAID, VOID or OVERDUE.
    :param discount: percent times 100, as both taxes (observed 2026-08).
    """

    id: str
    number: str
    client_id: str
    currency: str
    issued_at: int
    due_at: int
    user_id: str
    status: str = "UNSENT"
    items: tuple[InvoiceItem, ...] = ()
    payments: tuple[Payment, ...] = ()
    discount: int = 0
    tax: int = 0
    tax2: int = 0
    subject: str = ""
    note: str = ""
    company_id: str | None = None

    @property
    def subtotal(self) -> int:
        """Sum of the lines."""
        return sum(item.amount for item in self.items)

    @property
    def discount_amount(self) -> int:
        """Minor units taken off."""
        return self.subtotal * self.discount // 10_000

    def tax_amount(self, rate: int) -> int:
        """Return the minor units of a tax."""
        return (self.subtotal - self.discount_amount) * rate // 10_000

    @property
    def amount(self) -> int:
        """What the client owes."""
        taxes = self.tax_amount(self.tax) + self.tax_amount(self.tax2)
        return self.subtotal - self.discount_amount + taxes

    @property
    def paid(self) -> int:
        """What the client has paid."""
        return sum(payment.amount for payment in self.payments)


@dataclass(slots=True, kw_only=True)
class Holiday(Audit):
    """A holiday of some or all (``everyone``) users; days are ISO dates, both inclusive."""

    id: str
    name: str
    first_day: str
    last_day: str
    annually: bool = False
    everyone: bool = True
    user_ids: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Policy(Audit):
    """A time-off policy; its unit is DAYS or HOURS."""

    id: str
    name: str
    time_unit: str = "DAYS"
    archived: bool = False
    everyone: bool = True
    user_ids: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()
    accrual: float = 20.0
    negative: bool = False


@dataclass(slots=True, kw_only=True)
class Balance(Audit):
    """What a user has of a policy, in its unit."""

    id: str
    policy_id: str
    user_id: str
    total: float
    used: float = 0.0


@dataclass(slots=True, kw_only=True)
class TimeOffRequest(Audit):
    """
    A request for time off; ``created_at`` is what windows select (Clockify OpenAPI).

    :param status: PENDING, APPROVED or REJECTED.
    :param half_day: FIRST_HALF or SECOND_HALF of the day.
    """

    id: str
    user_id: str
    policy_id: str
    requester_id: str
    start: int
    end: int
    amount: float
    status: str = "PENDING"
    note: str | None = None
    half_day: str | None = None
    changed_by_id: str | None = None


@dataclass(slots=True, kw_only=True)
class ApprovalRequest(Audit):
    """
    A timesheet handed in; it covers the finished entries and the expenses of its owner in ``[start, end)``.

    :param state: PENDING, APPROVED, REJECTED, WITHDRAWN_SUBMISSION or WITHDRAWN_APPROVAL.
    :param type: TIMESHEET, EXPENSE or TIMESHEET_AND_EXPENSE.
    """

    id: str
    owner_id: str
    start: int
    end: int
    state: str = "PENDING"
    type: str = "TIMESHEET_AND_EXPENSE"
    note: str = ""
    changed_by_id: str | None = None


@dataclass(slots=True, kw_only=True)
class Assignment(Audit):
    """Scheduled work of a user on a project, from one instant to another."""

    id: str
    user_id: str
    project_id: str
    start: int
    end: int
    hours_per_day: float = 8.0
    task_id: str | None = None
    billable: bool = True
    note: str = ""
    start_time: str = "09:00:00"
    published: bool = True


@dataclass(slots=True, kw_only=True)
class Webhook(Audit):
    """A webhook; it is never delivered."""

    id: str
    name: str
    url: str
    event: str
    user_id: str
    source_type: str = "WORKSPACE_ID"
    sources: tuple[str, ...] = ()
    type: str = "USER_CREATED"
    auth_token: str = ""
    enabled: bool = True
