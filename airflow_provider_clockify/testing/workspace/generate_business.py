# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Generate what a workspace has besides tracked time; it changes nothing of what is there already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_clockify.testing.workspace.business import InvoiceItem
from airflow_provider_clockify.testing.workspace.times import from_epoch, iso_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_clockify.testing.workspace.data import EmulatedWorkspace

_DAY = 86_400
_CATEGORIES = (("Travel", None, None), ("Kilometres", "km", 42), ("Meals", None, None), ("Altes", None, None))
_NOTES = (None, "", "Taxi to the airport", "Rechnung für Zoë", "=1+1", "two\nlines")
_HOLIDAYS = ("New Year", "Founders' Day", "Fête nationale", "祝日", "Christmas")
_POLICIES = ("Vacation", "Sick leave", "Compensation, hours")
_STATES = ("PENDING", "APPROVED", "REJECTED", "WITHDRAWN_SUBMISSION", "WITHDRAWN_APPROVAL")

_T = TypeVar("_T")


@dataclass(slots=True, kw_only=True)
class Sizes:
    """How many of each to make. Clients, tags, tasks and groups count those that come on top."""

    clients: int = 0
    tags: int = 0
    tasks: int = 0
    user_groups: int = 0
    custom_fields: int = 0
    expenses: int = 6
    invoices: int = 4
    holidays: int = 3
    policies: int = 2
    time_off_requests: int = 4
    approval_requests: int = 4
    assignments: int = 4
    webhooks: int = 2

    def __post_init__(self) -> None:
        """Refuse negative numbers."""
        for name in self.__slots__:
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0")


def add_business(
    workspace: EmulatedWorkspace, sizes: Sizes, seed: int, first: int, last: int, latest: int | None = None
) -> None:
    """
    Add everything; what happens does so in ``[first, last)`` (epoch seconds).

    :param latest: nothing is created, changed or paid after it; None is no such limit.
    """
    maker = _Maker(workspace, Random(seed + 0x5EED), first, last, latest)
    maker.names(sizes)
    maker.expenses(sizes.expenses)
    maker.invoices(sizes.invoices)
    maker.absences(sizes)
    maker.plans(sizes)
    for number in range(sizes.webhooks):
        workspace.add_webhook(
            f"Hook {number + 1}",
            f"https://example.com/hooks/{number + 1}",
            at=maker.founded,
            auth_token=f"token-{number + 1}",
            enabled=number % 3 != 2,
        )


class _Maker:
    def __init__(
        self, workspace: EmulatedWorkspace, random: Random, first: int, last: int, latest: int | None
    ) -> None:
        self._workspace = workspace
        self._random = random
        self._first = first
        self._last = last
        self._latest = latest
        self._users = list(workspace.users.values())
        self._projects = list(workspace.projects.values())
        self.founded = datetime.fromtimestamp(first, UTC) - timedelta(days=365)

    def _below(self, bound: int) -> int:
        # Only random() is promised to give the same numbers in every version of Python.
        return int(self._random.random() * bound)

    def _pick(self, options: Sequence[_T]) -> _T:
        return options[self._below(len(options))]

    def _until_now(self, instant: int) -> datetime:
        return from_epoch(instant if self._latest is None else min(instant, self._latest))

    def _moment(self) -> int:
        return self._first + self._below(self._last - self._first)

    def _day(self) -> int:
        moment = self._moment()
        return moment - moment % _DAY

    def names(self, sizes: Sizes) -> None:
        workspace, at = self._workspace, self.founded
        for number in range(sizes.clients):
            workspace.add_client(
                f"Client {number + 1:04d}",
                at=at,
                archived=number % 9 == 8,
                email=f"client{number + 1}@example.com" if number % 3 else None,
                note=_NOTES[number % len(_NOTES)],
                cc_emails=(f"cc{number + 1}@example.com",) if number % 4 == 3 else None,
            )
        for number in range(sizes.tags):
            workspace.add_tag(f"tag-{number + 1:04d}", at=at, archived=number % 9 == 8)
        for number in range(sizes.tasks if self._projects else 0):
            workspace.add_task(
                self._projects[0].id,
                f"Task {number + 1:04d}",
                at=at,
                status="DONE" if number % 4 == 3 else "ACTIVE",
            )
        ids = [user.id for user in self._users]
        for number in range(sizes.user_groups):
            step = number % 3 + 1
            workspace.add_user_group(f"Group {number + 1:04d}", ids[::step], manager_ids=ids[:step], at=at)
        for number in range(sizes.custom_fields):
            kind = ("DROPDOWN_SINGLE", "CHECKBOX", "LINK", "DROPDOWN_MULTIPLE")[number % 4]
            workspace.add_custom_field(
                f"Field {number + 1:02d}",
                at=at,
                type=kind,
                status=("VISIBLE", "INVISIBLE", "INACTIVE")[number % 3],
                entity_type="USER" if number % 5 == 4 else "TIMEENTRY",
                allowed_values=("red", "green, or not", "") if kind.startswith("DROPDOWN") else (),
                project_defaults=((self._projects[0].id, "VISIBLE", "red"),) if self._projects else (),
            )

    def expenses(self, count: int) -> None:
        workspace = self._workspace
        categories = [
            workspace.add_expense_category(
                name, at=self.founded, unit=unit, unit_price=price, archived=name == _CATEGORIES[-1][0]
            )
            for name, unit, price in (_CATEGORIES if count else ())
        ]
        for number in range(count):
            category = None if number % 7 == 6 else self._pick(categories)
            price = category.unit_price if category else None
            quantity = 1.0 + self._below(200) if price else 1.0
            project = self._pick(self._projects) if self._projects and number % 5 != 4 else None
            tasks = [task for task in workspace.tasks.values() if project and task.project_id == project.id]
            moment = self._moment()
            file: dict[str, Any] = {}
            if number % 3 == 0:
                file = {
                    "file_id": f"{number:024x}",
                    "file_name": f"receipt {number + 1}.pdf",
                    "file_content": f"%PDF-1.4\n% receipt {number + 1}\n%%EOF\n".encode(),
                }
            workspace.add_expense(
                self._pick(self._users).id,
                at=from_epoch(moment),
                day=iso_day(moment),
                quantity=quantity,
                total=quantity * price if price else 100.0 + self._below(50_000) + self._below(2) / 2,
                category_id=category.id if category else None,
                project_id=project.id if project else None,
                task_id=self._pick(tasks).id if tasks and self._below(2) else None,
                billable=bool(self._below(2)),
                notes=self._pick(_NOTES),
                locked=number % 6 == 5,
                **file,
            )

    def invoices(self, count: int) -> None:
        clients = list(self._workspace.clients.values())
        for number in range(count):
            issued = self._day()
            items = tuple(
                InvoiceItem(
                    description=f"Work {line + 1}",
                    unit_price=100 * (1_000 + self._below(20_000)),
                    quantity=1 + self._below(9),
                )
                for line in range(1 + self._below(3))
            )
            invoice = self._workspace.add_invoice(
                self._pick(clients).id,
                issued=from_epoch(issued),
                due=from_epoch(issued + 14 * _DAY),
                at=from_epoch(issued),
                status=("UNSENT", "SENT", "OVERDUE", "VOID", "SENT", "SENT")[number % 6],
                items=items,
                tax=(0, 1_900, 550)[number % 3],
                discount=(0, 0, 250)[number % 3],
            )
            if number % 6 > 3:
                half, paid_at = invoice.amount // 2, self._until_now(issued + 5 * _DAY)
                self._workspace.add_payment(invoice.id, half, at=paid_at, note="first half")
                if number % 6 == 5:
                    self._workspace.add_payment(invoice.id, invoice.amount - half, at=paid_at)

    def absences(self, sizes: Sizes) -> None:
        workspace, ids = self._workspace, [user.id for user in self._users]
        for number in range(sizes.holidays):
            day = self._day()
            everyone = number % 3 != 2
            workspace.add_holiday(
                f"{_HOLIDAYS[number % len(_HOLIDAYS)]} {number + 1}",
                iso_day(day),
                iso_day(day + _DAY * (number % 2)),
                at=self.founded,
                annually=number % 2 == 0,
                everyone=everyone,
                user_ids=() if everyone else tuple(ids[:1]),
            )
        policies = [
            workspace.add_policy(
                f"{_POLICIES[number % len(_POLICIES)]} {number + 1}",
                at=self.founded,
                time_unit="HOURS" if number % 3 == 2 else "DAYS",
                archived=number % 6 == 5,
            )
            for number in range(sizes.policies)
        ]
        for policy in policies:
            for user_id in ids:
                workspace.add_balance(policy.id, user_id, at=self.founded, used=float(self._below(12)))
        for number in range(sizes.time_off_requests if policies else 0):
            start, user_id = self._day(), self._pick(ids)
            status = ("PENDING", "APPROVED", "REJECTED")[number % 3]
            workspace.add_time_off_request(
                user_id,
                self._pick(policies).id,
                start=from_epoch(start),
                end=from_epoch(start + _DAY * (1 + self._below(5)) - 1),
                at=from_epoch(self._moment()),
                requester_id=ids[0] if number % 5 == 4 else user_id,
                status=status,
                half_day="FIRST_HALF" if number % 7 == 6 else None,
                changed_by_id=None if status == "PENDING" else ids[0],
                note=self._pick(_NOTES),
            )

    def plans(self, sizes: Sizes) -> None:
        workspace = self._workspace
        for number in range(sizes.approval_requests):
            start = self._day()
            state = _STATES[number % len(_STATES)]
            workspace.add_approval_request(
                self._users[number % len(self._users)].id,
                start=from_epoch(start),
                end=from_epoch(start + 7 * _DAY),
                at=self._until_now(start + 7 * _DAY),
                state=state,
                type=("TIMESHEET", "TIMESHEET_AND_EXPENSE", "EXPENSE")[number % 3],
                changed_by_id=None if state == "PENDING" else self._users[0].id,
            )
        for number in range(sizes.assignments if self._projects else 0):
            start = self._day()
            workspace.add_assignment(
                self._pick(self._users).id,
                self._pick(self._projects).id,
                start=from_epoch(start),
                end=from_epoch(start + _DAY * (1 + self._below(5)) - 1),
                at=self.founded,
                hours_per_day=(8.0, 7.5, 2.25)[number % 3],
                billable=number % 2 == 0,
                published=number % 4 != 3,
            )
