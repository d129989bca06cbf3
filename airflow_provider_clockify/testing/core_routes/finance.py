# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Answer requests to the core service about expenses and invoices."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.testing.answers.business_documents import (
    category_document,
    expense_document,
    invoice_document,
    invoice_row,
    invoice_settings_document,
)
from airflow_provider_clockify.testing.answers.pdf_documents import pdf_document
from airflow_provider_clockify.testing.core_routes.common import (
    PAGING,
    SORTING,
    W,
    body_page,
    enveloped,
    required,
    sees,
)
from airflow_provider_clockify.testing.core_routes.core import SORT_ORDERS, contains, in_order
from airflow_provider_clockify.testing.exchange import (
    Request,
    Response,
    Route,
    choice,
    conversion_error,
    domain_error,
    flag,
    integer,
    require_paid,
    unreadable_body,
)
from airflow_provider_clockify.testing.workspace.times import format_utc, iso_day, parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airflow_provider_clockify.testing.workspace.business import Expense, Invoice

_INVOICE_STATUSES = ("UNSENT", "SENT", "PAID", "PARTIALLY_PAID", "VOID", "OVERDUE")


def list_expenses(request: Request) -> Response:
    """
    Answer ``GET W/expenses``, newest day first, in its double envelope.

    ``start`` and ``end`` are ignored (observed 2026-07-19), rows embed objects and have no ids of category,
    project and task (observed 2026-07-29). Totals are those of the rows of the page.
    """
    require_paid(request, "EXPENSES")
    workspace, user_id = request.workspace, request.query.text("user-id")
    found = [
        expense
        for expense in workspace.expenses.values()
        if sees(request, expense.user_id) and user_id in (None, expense.user_id)
    ]
    found.sort(key=lambda expense: (expense.day, expense.id), reverse=True)
    page = request.page(found, lambda expense: expense)

    def wrap(rows: list[Expense]) -> dict[str, Any]:
        days, weeks = _day_totals(rows)
        documents = [expense_document(workspace, expense, embedded=True) for expense in rows]
        return {
            "expenses": {"expenses": documents, "count": len(found)},
            "dailyTotals": days,
            "weeklyTotals": weeks,
        }

    return enveloped(page, wrap)


def _day_totals(rows: Iterable[Expense]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    by_day: dict[str, float] = defaultdict(float)
    by_week: dict[str, float] = defaultdict(float)
    for expense in rows:
        day = date.fromisoformat(expense.day)
        by_day[expense.day] += expense.total
        by_week[(day - timedelta(days=day.weekday())).isoformat()] += expense.total
    days = [
        {"date": day, "dateAsInstant": f"{day}T00:00:00Z", "total": total}
        for day, total in sorted(by_day.items(), reverse=True)
    ]
    return days, [{"date": day, "total": total} for day, total in sorted(by_week.items(), reverse=True)]


def get_expense(request: Request) -> Response:
    """Answer ``GET W/expenses/{expenseId}``, with ids and without objects (observed 2026-07-29)."""
    require_paid(request, "EXPENSES")
    expense = request.workspace.expenses.get(request.path["expenseId"])
    if expense is None or not sees(request, expense.user_id):
        raise domain_error("Expense doesn't belong to Workspace")
    return Response(200, expense_document(request.workspace, expense, embedded=False))


def get_receipt(request: Request) -> Response:
    """
    Answer ``GET W/expenses/{expenseId}/files/{fileId}`` with the file as it was uploaded (Clockify OpenAPI).

    Its content type, and the refusal of another file's id, are assumed.
    """
    require_paid(request, "EXPENSES")
    expense = request.workspace.expenses.get(request.path["expenseId"])
    if expense is None or not sees(request, expense.user_id):
        raise domain_error("Expense doesn't belong to Workspace")
    if expense.file_id != request.path["fileId"]:
        raise domain_error("File doesn't belong to Expense")
    return Response(200, expense.file_content, content_type="application/octet-stream")


def list_expense_categories(request: Request) -> Response:
    """Answer ``GET W/expenses/categories``; ``count`` is the number of rows of this page (Clockify OpenAPI)."""
    require_paid(request, "EXPENSES")
    query, workspace = request.query, request.workspace
    name, archived = query.text("name"), query.flag("archived")
    found = [
        category
        for category in workspace.expense_categories.values()
        if contains(category.name, name) and (archived is None or category.archived is archived)
    ]
    ordered = in_order(found, query, {"NAME": lambda category: category.name.lower()}, "NAME")
    page = request.page(ordered, lambda category: category_document(workspace, category))
    return enveloped(page, lambda rows: {"count": len(rows), "categories": rows})


def list_invoices(request: Request) -> Response:
    """Answer ``GET W/invoices``: ``{"total", "invoices"}``, money in minor units (observed 2026-06)."""
    require_paid(request, "INVOICING")
    query, workspace = request.query, request.workspace
    statuses = query.many("statuses")
    for status in statuses:
        if status not in _INVOICE_STATUSES:
            raise conversion_error("statuses", status)
    found = [invoice for invoice in workspace.invoices.values() if not statuses or invoice.status in statuses]
    page = request.page(
        in_order(found, query, _columns(request), "ID"), lambda invoice: invoice_row(workspace, invoice)
    )
    return enveloped(page, lambda rows: {"total": len(found), "invoices": rows})


def filter_invoices(request: Request) -> Response:
    """Answer ``POST W/invoices/info``: the list of invoices with its filters in the body (Clockify OpenAPI)."""
    require_paid(request, "INVOICING")
    body, workspace = request.json_object(_INVOICES_INFO), request.workspace
    tests = list(_invoice_tests(request, body))
    found = [invoice for invoice in workspace.invoices.values() if all(test(invoice) for test in tests)]
    columns = _columns(request)
    key = columns[choice(body, "sortColumn", columns, "ID")]
    descending = choice(body, "sortOrder", SORT_ORDERS, "ASCENDING") == "DESCENDING"
    found.sort(key=lambda invoice: (key(invoice), invoice.id), reverse=descending)
    now = int(request.behaviour.now().timestamp())

    def render(invoice: Invoice) -> dict[str, Any]:
        open_days = max(0, (now - invoice.due_at) // 86_400)
        return invoice_row(workspace, invoice) | {
            "billFrom": workspace.name,
            "daysOverdue": open_days if invoice.status == "OVERDUE" else None,
            "visibleZeroFields": [],
        }

    rows = [render(invoice) for invoice in body_page(request, body, found)]
    return Response(200, {"total": len(found), "invoices": rows})


def get_invoice(request: Request) -> Response:
    """Answer ``GET W/invoices/{invoiceId}``; rates and unit prices are hundredths (observed 2026-08)."""
    return Response(200, invoice_document(request.workspace, _invoice(request)))


def get_invoice_settings(request: Request) -> Response:
    """Answer ``GET W/invoices/settings``: labels, defaults and fields of new invoices (Clockify OpenAPI)."""
    require_paid(request, "INVOICING")
    return Response(200, invoice_settings_document())


def export_invoice(request: Request) -> Response:
    """Answer ``GET W/invoices/{invoiceId}/export``, which needs ``userLocale``, with a PDF (Clockify OpenAPI)."""
    invoice, locale = _invoice(request), required(request, "userLocale")
    lines = [f"Invoice {invoice.number} ({locale})", f"{invoice.currency} {invoice.amount / 100:.2f}"]
    lines += [f"{item.quantity} x {item.description}: {item.amount / 100:.2f}" for item in invoice.items]
    return Response(200, pdf_document(lines), content_type="application/pdf")


def list_payments(request: Request) -> Response:
    """Answer ``GET W/invoices/{invoiceId}/payments``, paged like the lists (observed 2026-08-07)."""
    return request.page(
        _invoice(request).payments,
        lambda payment: {
            "id": payment.id,
            "amount": payment.amount,
            "date": format_utc(payment.paid_at),
            "author": payment.author,
            "note": payment.note,
        },
    )


def _invoice(request: Request) -> Invoice:
    require_paid(request, "INVOICING")
    invoice = request.workspace.invoices.get(request.path["invoiceId"])
    if invoice is None:
        raise domain_error("Invoice doesn't belong to Workspace")
    return invoice


def _columns(request: Request) -> Mapping[str, Callable[[Invoice], Any]]:
    clients = request.workspace.clients
    return {
        "ID": lambda invoice: invoice.id,
        "CLIENT": lambda invoice: clients[invoice.client_id].name if invoice.client_id in clients else "",
        "DUE_ON": lambda invoice: invoice.due_at,
        "ISSUE_DATE": lambda invoice: invoice.issued_at,
        "AMOUNT": lambda invoice: invoice.amount,
        "BALANCE": lambda invoice: invoice.amount - invoice.paid,
    }


def _invoice_tests(request: Request, body: Mapping[str, Any]) -> Iterable[Callable[[Invoice], bool]]:
    statuses = body.get("statuses") or []
    for status in statuses:
        choice({"statuses": status}, "statuses", _INVOICE_STATUSES, "")
    if statuses:
        yield lambda invoice: invoice.status in statuses
    number, strict = body.get("invoiceNumber"), flag(body, "strictSearch") or False
    if number:
        yield lambda invoice: contains(invoice.number, str(number), strict=strict)
    for suffix, value_of in (
        ("Amount", lambda invoice: invoice.amount),
        ("Balance", lambda invoice: invoice.amount - invoice.paid),
    ):
        yield from _limits(body, suffix, value_of)
    yield from _ids(body, "clients", lambda invoice: invoice.client_id)
    yield from _ids(body, "companies", lambda invoice: invoice.company_id)
    status = choice(body.get("clients") or {}, "status", ("ACTIVE", "ARCHIVED", "ALL"), "ALL")
    if status != "ALL":
        fitting = {c.id for c in request.workspace.clients.values() if c.archived is (status == "ARCHIVED")}
        yield lambda invoice: invoice.client_id in fitting
    issued = body.get("issueDate") or {}
    first, last = (_day(issued, name) for name in ("issue-date-start", "issue-date-end"))
    yield lambda invoice: (first or "") <= iso_day(invoice.issued_at) <= (last or "9999")


def _limits(
    body: Mapping[str, Any], suffix: str, value_of: Callable[[Invoice], int]
) -> Iterable[Callable[[Invoice], bool]]:
    exact, above, below = (f"{word}{suffix}" for word in ("exact", "greaterThan", "lessThan"))
    if body.get(exact) is not None:
        wanted = integer(body, exact, 0)
        yield lambda invoice: value_of(invoice) == wanted
    if body.get(above) is not None:
        least = integer(body, above, 0)
        yield lambda invoice: value_of(invoice) > least
    if body.get(below) is not None:
        most = integer(body, below, 0)
        yield lambda invoice: value_of(invoice) < most


def _ids(
    body: Mapping[str, Any], name: str, key_of: Callable[[Invoice], str | None]
) -> Iterable[Callable[[Invoice], bool]]:
    given = body.get(name) or {}
    ids = given.get("ids") or []
    wanted = choice(given, "contains", ("CONTAINS", "DOES_NOT_CONTAIN", "CONTAINS_ONLY"), "CONTAINS")
    if ids:
        yield lambda invoice: (key_of(invoice) in ids) is (wanted != "DOES_NOT_CONTAIN")


def _day(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if not value:
        return None
    try:
        return iso_day(parse_instant(str(value) if "T" in str(value) else f"{value}T00:00:00Z"))
    except ValueError as error:
        raise unreadable_body(f"{name}: {error}") from None


_INVOICES_INFO = frozenset(
    {
        "clients",
        "companies",
        "exactAmount",
        "exactBalance",
        "greaterThanAmount",
        "greaterThanBalance",
        "invoiceNumber",
        "issueDate",
        "lessThanAmount",
        "lessThanBalance",
        "page",
        "pageSize",
        "sortColumn",
        "sortOrder",
        "statuses",
        "strictSearch",
    }
)

ROUTES = (
    Route("core", "GET", f"{W}/expenses", list_expenses, PAGING | {"user-id"}),
    Route(
        "core",
        "GET",
        f"{W}/expenses/categories",
        list_expense_categories,
        PAGING | SORTING | {"archived", "name"},
    ),
    Route("core", "GET", f"{W}/expenses/{{expenseId}}", get_expense),
    Route("core", "GET", f"{W}/expenses/{{expenseId}}/files/{{fileId}}", get_receipt),
    Route("core", "GET", f"{W}/invoices", list_invoices, PAGING | SORTING | {"statuses"}),
    Route("core", "POST", f"{W}/invoices/info", filter_invoices),
    Route("core", "GET", f"{W}/invoices/settings", get_invoice_settings),
    Route("core", "GET", f"{W}/invoices/{{invoiceId}}", get_invoice),
    Route("core", "GET", f"{W}/invoices/{{invoiceId}}/export", export_invoice, frozenset({"userLocale"})),
    Route("core", "GET", f"{W}/invoices/{{invoiceId}}/payments", list_payments, PAGING),
)
