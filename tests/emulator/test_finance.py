# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_clockify.testing.workspace.business import InvoiceItem

DAY = datetime(2026, 11, 5, tzinfo=UTC)


@pytest.fixture
def money(make_clockify_emulator, client):
    return type(client)(make_clockify_emulator(entries=0, expenses=60, invoices=60))


# --- expenses ----------------------------------------------------------------------------------------------


def test_expenses_come_in_a_double_envelope(money):
    first = money.list("expenses")
    body = first.json()
    assert set(body) == {"expenses", "dailyTotals", "weeklyTotals"}
    assert (len(body["expenses"]["expenses"]), body["expenses"]["count"]) == (50, 60)
    assert first.headers["Last-Page"] == "false"
    second = money.list("expenses", page=2)
    assert (len(second.json()["expenses"]["expenses"]), second.headers["Last-Page"]) == (10, "true")
    rows = [*body["expenses"]["expenses"], *second.json()["expenses"]["expenses"]]
    assert {row["id"] for row in rows} == set(money.emulator.workspace.expenses)
    days = [row["date"] for row in rows]
    assert days == sorted(days, reverse=True)
    assert sum(day["total"] for day in body["dailyTotals"]) == sum(r["total"] for r in rows[:50])
    assert sum(week["total"] for week in body["weeklyTotals"]) == sum(r["total"] for r in rows[:50])
    past = money.list("expenses", page=9)
    assert (past.json()["expenses"]["expenses"], past.headers["Last-Page"]) == ([], "true")


def test_expenses_ignore_dates_and_know_users(money):
    everyone = money.list("expenses").json()
    dated = money.list("expenses", start="2026-11-10T00:00:00Z", end="2026-11-11T00:00:00Z").json()
    assert dated == everyone
    assert set(money.emulator.unknown_parameters) == {
        f"GET /workspaces/{{workspaceId}}/expenses?{name}" for name in ("start", "end")
    }
    owner = money.emulator.workspace.owner.id
    own = money.list("expenses", user_id=owner).json()["expenses"]
    assert {row["userId"] for row in own["expenses"]} == {owner}
    assert 0 < own["count"] < 60


def test_expense_rows_embed_objects_and_one_expense_has_ids(money):
    row = next(
        r for r in money.list("expenses").json()["expenses"]["expenses"] if r["project"] and r["category"]
    )
    one = money.list(f"expenses/{row['id']}").json()
    assert {"categoryId", "projectId", "taskId"}.isdisjoint(row)
    assert {"category", "project", "task", "fileName"}.isdisjoint(one)
    assert (one["projectId"], one["categoryId"]) == (row["project"]["id"], row["category"]["id"])
    assert b'"total":%d.' % int(row["total"]) in money.list(f"expenses/{row['id']}").content
    missing = money.list(f"expenses/{'f' * 24}")
    assert (missing.status_code, missing.json()["code"]) == (400, 501)


def test_generated_expenses_have_nulls(money):
    rows = money.list("expenses", page_size=100).json()["expenses"]["expenses"]
    for name in ("category", "project", "task", "fileId", "fileName", "notes"):
        assert {row[name] is None for row in rows} == {True, False}, name


def test_categories_count_what_is_returned(money):
    body = money.list("expenses/categories", page_size=3)
    assert (body.json()["count"], len(body.json()["categories"])) == (3, 3)
    assert body.headers["Last-Page"] == "false"
    archived = money.list("expenses/categories", archived="true").json()["categories"]
    assert [row["name"] for row in archived] == ["Altes"]
    (priced,) = money.list("expenses/categories", name="kilo").json()["categories"]
    assert (priced["hasUnitPrice"], priced["priceInCents"], priced["unit"]) == (True, 42, "km")
    assert money.list("expenses/categories", sort_column="ID").status_code == 400


def test_employee_sees_own_expenses_only_when_the_workspace_says_so(serve, empty):
    owner, employee = empty.users.values()
    foreign = empty.add_expense(owner.id, day="2026-11-05", total=100.0)
    own = empty.add_expense(employee.id, day="2026-11-05", total=50.5)
    client = serve(empty).as_user(employee)
    assert client.list("expenses").json()["expenses"]["count"] == 2
    empty.change(empty.settings, only_admins_see_all_time_entries=True)
    rows = client.list("expenses").json()["expenses"]["expenses"]
    assert [row["id"] for row in rows] == [own.id]
    assert client.list(f"expenses/{foreign.id}").status_code == 400


def test_a_receipt_is_bytes_of_its_own_expense(money):
    with_file = [e for e in money.emulator.workspace.expenses.values() if e.file_id]
    for expense in with_file[:3]:
        answer = money.list(f"expenses/{expense.id}/files/{expense.file_id}")
        assert (answer.status_code, answer.content) == (200, expense.file_content)
        assert answer.headers["Content-Type"] == "application/octet-stream"
    first, second = with_file[:2]
    for path in (f"{first.id}/files/{second.file_id}", f"{'f' * 24}/files/{first.file_id}"):
        assert money.list(f"expenses/{path}").json()["code"] == 501


# --- invoices ----------------------------------------------------------------------------------------------


def test_invoices_are_enveloped_and_paged(money):
    first, second = money.list("invoices"), money.list("invoices", page=2)
    assert (first.json()["total"], second.json()["total"]) == (60, 60)
    assert (first.headers["Last-Page"], second.headers["Last-Page"]) == ("false", "true")
    rows = [*first.json()["invoices"], *second.json()["invoices"]]
    assert {row["id"] for row in rows} == set(money.emulator.workspace.invoices)
    assert all(row["balance"] == row["amount"] - row["paid"] for row in rows)
    assert {row["status"] for row in rows} == {"UNSENT", "SENT", "OVERDUE", "VOID", "PARTIALLY_PAID", "PAID"}
    some = money.list("invoices", statuses=["PAID", "VOID"]).json()
    assert {row["status"] for row in some["invoices"]} == {"PAID", "VOID"}
    assert some["total"] == 20
    assert money.list("invoices", statuses="LOST").json()["code"] == 3000
    amounts = [row["amount"] for row in money.list("invoices", sort_column="AMOUNT").json()["invoices"]]
    assert amounts == sorted(amounts)


@pytest.fixture
def invoice(empty):
    client = empty.add_client("Initech", currency="USD")
    return empty.add_invoice(
        client.id,
        issued=DAY,
        due=DAY + timedelta(days=14),
        at=DAY,
        items=(InvoiceItem(description="Work", unit_price=500_000, quantity=3),),
        discount=1_000,
        tax=2_000,
        tax2=500,
        status="OVERDUE",
    )


def test_invoice_detail_has_hundredths(serve, empty, invoice):
    client = serve(empty)
    body = client.list(f"invoices/{invoice.id}").json()
    assert (body["subtotal"], body["discountAmount"], body["taxAmount"], body["tax2Amount"]) == (
        15_000,
        1_500,
        2_700,
        675,
    )
    assert body["amount"] == 16_875
    (item,) = body["items"]
    assert item["amount"] == item["unitPrice"] * item["quantity"] / 100
    assert (body["tax"], body["currency"], body["clientName"]) == (2_000, "USD", "Initech")
    assert client.list(f"invoices/{'f' * 24}").json()["code"] == 501
    assert client.list(f"invoices/{'f' * 24}/payments").json()["code"] == 501


def test_an_invoice_is_exported_as_pdf_in_a_language(serve, empty, invoice):
    client = serve(empty)
    answer = client.list(f"invoices/{invoice.id}/export", userLocale="fr")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert answer.content.rstrip().endswith(b"%%EOF")
    assert f"Invoice {invoice.number} \\(fr\\)".encode() in answer.content
    assert client.list(f"invoices/{invoice.id}/export").json()["code"] == 3001
    assert client.list(f"invoices/{'f' * 24}/export", userLocale="fr").json()["code"] == 501


def test_payments_are_paged_and_settle(serve, empty, invoice):
    client = serve(empty)
    path = f"invoices/{invoice.id}/payments"
    assert client.list(path).json() == []
    empty.add_payment(invoice.id, 6_875, at=DAY)
    assert client.list("invoices").json()["invoices"][0]["status"] == "PARTIALLY_PAID"
    empty.add_payment(invoice.id, 10_000, at=DAY, note="rest")
    row = client.list("invoices").json()["invoices"][0]
    assert (row["status"], row["paid"], row["balance"]) == ("PAID", 16_875, 0)
    page = client.list(path, page_size=1)
    assert (page.json()[0]["amount"], page.headers["Last-Page"]) == (6_875, "false")
    assert client.list(path, page=2, page_size=1).json()[0]["note"] == "rest"


def test_invoices_info_filters_by_body(serve, empty, invoice):
    other = empty.add_client("Old", archived=True)
    empty.add_invoice(other.id, issued=DAY + timedelta(days=10), due=DAY + timedelta(days=24), at=DAY)
    client = serve(empty, now=DAY + timedelta(days=20))
    path = f"{client.workspace}/invoices/info"

    def numbers(**body):
        response = client.post(path, body)
        assert response.status_code == 200, response.text
        assert response.json()["total"] >= len(response.json()["invoices"])
        return [row["number"] for row in response.json()["invoices"]]

    assert numbers() == ["00001", "00002"]
    assert numbers(sortColumn="AMOUNT") == ["00002", "00001"]
    assert numbers(pageSize=1, page=2) == ["00002"]
    assert numbers(invoiceNumber="2") == ["00002"]
    assert numbers(invoiceNumber="2", strictSearch=True) == []
    assert numbers(statuses=["OVERDUE"]) == ["00001"]
    assert numbers(greaterThanAmount=0) == ["00001"]
    assert numbers(lessThanBalance=1) == ["00002"]
    assert numbers(exactAmount=16_875) == ["00001"]
    assert numbers(clients={"ids": [other.id]}) == ["00002"]
    assert numbers(clients={"ids": [other.id], "contains": "DOES_NOT_CONTAIN"}) == ["00001"]
    assert numbers(clients={"status": "ARCHIVED"}) == ["00002"]
    assert numbers(companies={"ids": ["x"]}) == []
    assert numbers(issueDate={"issue-date-start": "2026-11-06"}) == ["00002"]
    assert numbers(issueDate={"issue-date-end": "2026-11-05T23:59:59Z"}) == ["00001"]
    assert client.post(path, {}).json()["invoices"][0]["daysOverdue"] == 6
    for refused in (
        {"statuses": ["LOST"]},
        {"sortColumn": "X"},
        {"issueDate": {"issue-date-start": "soon"}},
        {"exactAmount": "1"},
    ):
        assert client.post(path, refused).json()["code"] == 3002
