# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Answer the detailed report of expenses."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.testing.exchange import (
    Request,
    Response,
    Route,
    choice,
    flag,
    integer,
    require_paid,
)
from airflow_provider_clockify.testing.report_routes.report_files import Table, file_response, format_date
from airflow_provider_clockify.testing.report_routes.selection import (
    ReportQuery,
    currency_tests,
    membership_tests,
    read_report_query,
    work_tests,
)
from airflow_provider_clockify.testing.workspace.times import parse_wall_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from airflow_provider_clockify.testing.workspace.business import Expense
    from airflow_provider_clockify.testing.workspace.data import EmulatedWorkspace
    from airflow_provider_clockify.testing.workspace.kinds import Client

MAX_PAGE_SIZE = 200
_FIELDS = frozenset(
    {
        "approvalState",
        "billable",
        "categories",
        "clients",
        "currency",
        "dateRangeEnd",
        "dateRangeStart",
        "dateRangeType",
        "exportType",
        "invoicingState",
        "note",
        "page",
        "pageSize",
        "projects",
        "sortColumn",
        "sortOrder",
        "tasks",
        "timeZone",
        "userGroups",
        "userLocale",
        "users",
        "weekStart",
        "withoutNote",
        "zoomLevel",
    }
)


def expense_report(request: Request) -> Response:
    """
    Answer ``POST reports/expenses/detailed``: one page of expenses and the totals of all matching ones.

    It has no filter of its own: ``page`` and ``pageSize`` (at most 200, reported) stand at the top, and a
    request cannot hide amounts. Rows and totals have the fields of the Clockify OpenAPI and those that answers
    have besides (keys observed 2026-05-19): currencies, clients, ``_id``, ``isLocked``. Chosen where nothing was
    recorded: amounts are minor units as in the list of expenses, an expense has a calendar day, whatever the
    zone, and the currency of its project's client.
    """
    body = request.json_object(_FIELDS)
    require_paid(request, "EXPENSES")
    query = read_report_query(request, body, None, "expense", _FIELDS)
    page, size = integer(body, "page", 1), integer(body, "pageSize", 50)
    shown = request.behaviour.rows_of_page(page, size, MAX_PAGE_SIZE, "pageSize")
    key = _SORT_KEYS[choice(body, "sortColumn", tuple(_SORT_KEYS), "DATE")](request.workspace)
    tests = list(_tests(request, query, body))
    found = [item for item in request.workspace.expenses.values() if all(test(item) for test in tests)]
    found.sort(key=lambda item: (key(item), item.id), reverse=query.descending)
    if query.is_file:
        return file_response(request, query, "Expense", _table(request, found))
    workspace = request.workspace
    billable = [item for item in found if item.billable]
    by_currency = _by_currency(workspace, found)
    return Response(
        200,
        {
            "expenses": [_row(workspace, item) for item in found[shown]],
            "totals": {
                "_id": "",
                "expensesCount": len(found),
                "totalAmount": _sum(found),
                "totalAmountBillable": _sum(billable),
                "totalAmountByCurrency": by_currency,
                "totalAmountBillableByCurrency": _by_currency(workspace, billable),
                "numOfCurrencies": len(by_currency),
            },
            "reportName": None,
            "exportFields": [],
            "customFields": None,
        },
        headers=request.behaviour.last_page(shown, len(found)),
    )


def _sum(expenses: Iterable[Expense]) -> float:
    return float(sum((Fraction(item.total) for item in expenses), Fraction()))


def _by_currency(workspace: EmulatedWorkspace, expenses: Iterable[Expense]) -> list[dict[str, Any]]:
    found: dict[str, list[Expense]] = {}
    for item in expenses:
        found.setdefault(_currency(workspace, item), []).append(item)
    return [{"currency": code, "amount": _sum(items)} for code, items in sorted(found.items())]


def _currency(workspace: EmulatedWorkspace, item: Expense) -> str:
    client = _client(workspace, item)
    return client.currency if client else workspace.currency


def _client(workspace: EmulatedWorkspace, item: Expense) -> Client | None:
    project = workspace.projects.get(item.project_id or "")
    return workspace.clients.get(project.client_id or "") if project else None


def _row(workspace: EmulatedWorkspace, item: Expense) -> dict[str, Any]:
    user = workspace.users[item.user_id]
    project = workspace.projects.get(item.project_id or "")
    client = _client(workspace, item)
    category = workspace.expense_categories.get(item.category_id or "")
    row: dict[str, Any] = {
        "_id": item.id,
        "id": item.id,
        "workspaceId": workspace.id,
        "date": f"{item.day}T00:00:00Z",
        "time": None,
        "amount": float(item.total),
        "currency": _currency(workspace, item),
        "quantity": item.quantity,
        "billable": item.billable,
        "notes": item.notes,
        "userId": user.id,
        "userName": user.name,
        "userEmail": user.email,
        "userStatus": user.membership_status,
        "projectId": item.project_id,
        "projectName": project.name if project else None,
        "projectColor": project.color if project else None,
        "clientId": client.id if client else "",
        "clientName": client.name if client else "",
        "categoryId": item.category_id,
        "categoryName": category.name if category else None,
        "categoryUnit": category.unit if category else None,
        "categoryHasUnitPrice": category is not None and category.unit_price is not None,
        "fileId": item.file_id,
        "fileName": item.file_name,
        "approvalRequestId": item.approval_request_id,
        "isLocked": item.locked,
        "locked": item.locked,
        "userCustomFields": [],
        "reportName": None,
        "exportFields": [],
    }
    if item.invoice_id is not None:
        row["invoicingInfo"] = {"manuallyInvoiced": False, "invoiceId": item.invoice_id}
    return row


def _table(request: Request, expenses: Sequence[Expense]) -> Table:
    workspace, pattern = request.workspace, request.caller.user.date_format
    columns = ["Date", "User", "Project", "Category", "Notes", "Billable", f"Amount ({workspace.currency})"]
    rows: list[list[str | float]] = []
    for item in expenses:
        row = _row(workspace, item)
        rows.append(
            [
                format_date(datetime.fromisoformat(item.day), pattern),
                row["userName"] or "",
                row["projectName"] or "",
                row["categoryName"] or "",
                item.notes or "",
                "Yes" if item.billable else "No",
                round(item.total / 100, 2),
            ]
        )
    return Table(columns, rows)


def _tests(
    request: Request, query: ReportQuery, body: Mapping[str, Any]
) -> Iterable[Callable[[Expense], bool]]:
    def is_in_range(item: Expense) -> bool:
        return query.first_wall_ms <= parse_wall_clock(f"{item.day}T00:00:00") <= query.last_wall_ms

    yield is_in_range
    workspace = request.workspace
    yield from currency_tests(workspace, body, lambda item: _currency(workspace, item))
    text = body.get("note")
    if text:
        needle = str(text).casefold()
        yield lambda item: needle in (item.notes or "").casefold()
    if flag(body, "withoutNote"):
        yield lambda item: not item.notes
    categories = request.workspace.expense_categories
    yield from membership_tests(body, "categories", lambda item: item.category_id, categories)
    yield from work_tests(request, body)


def _name(table: Mapping[str, Any], key: str | None) -> str:
    return (table[key].name or "") if key is not None and key in table else ""


_SORT_KEYS: Mapping[str, Callable[[EmulatedWorkspace], Callable[[Expense], Any]]] = {
    "ID": lambda workspace: lambda item: item.id,
    "PROJECT": lambda workspace: lambda item: _name(workspace.projects, item.project_id),
    "USER": lambda workspace: lambda item: _name(workspace.users, item.user_id),
    "CATEGORY": lambda workspace: lambda item: _name(workspace.expense_categories, item.category_id),
    "DATE": lambda workspace: lambda item: date.fromisoformat(item.day),
    "AMOUNT": lambda workspace: lambda item: item.total,
}

ROUTES = (Route("reports", "POST", "/workspaces/{workspaceId}/reports/expenses/detailed", expense_report),)
