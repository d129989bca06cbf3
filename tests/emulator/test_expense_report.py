# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from airflow_provider_clockify.testing.answers.documents import currency_id
from airflow_provider_clockify.testing.workspace.generate import DEFAULT_END, DEFAULT_START

ALL = {"contains": "CONTAINS", "status": "ALL"}
NOVEMBER = {
    "dateRangeStart": "2026-11-01T00:00:00.000Z",
    "dateRangeEnd": "2026-11-30T23:59:59.999Z",
    "timeZone": "UTC",
    "sortOrder": "ASCENDING",
}


def ask(client, drop=(), **body):
    whole = {name: value for name, value in {**NOVEMBER, **body}.items() if name not in drop}
    url = f"{client.emulator.url}/report/v1{client.workspace}/reports/expenses/detailed"
    return client.session.post(url, json=whole, timeout=10)


def notes(client, **body):
    response = ask(client, **body)
    assert response.status_code == 200, response.text
    return [row["notes"] for row in response.json()["expenses"]]


@pytest.fixture
def spent(serve, empty):
    owner, employee = empty.users.values()
    globex = empty.add_client("Globex", currency="USD")
    web = empty.add_project("Web", client_id=globex.id)
    archive = empty.add_project("Archive", archived=True)
    drive = empty.add_expense_category("Kilometres", unit="km", unit_price=42)
    meals = empty.add_expense_category("Meals", archived=True)
    empty.add_expense(
        owner.id,
        day="2026-11-01",
        total=1050.5,
        quantity=25.0,
        category_id=drive.id,
        project_id=web.id,
        billable=True,
        notes="drive",
        file_id="f" * 24,
        file_name="bill.pdf",
        approval_request_id="a" * 24,
        invoice_id="b" * 24,
    )
    empty.add_expense(
        employee.id, day="2026-11-30", total=99.0, category_id=meals.id, project_id=archive.id, notes="meal"
    )
    empty.add_expense(owner.id, day="2026-11-15", total=1)
    empty.add_expense(owner.id, day="2026-10-31", total=5.0, notes="early")
    empty.add_expense(owner.id, day="2026-12-01", total=5.0, notes="late")
    client = serve(empty)
    client.known = {"owner": owner, "employee": employee, "globex": globex, "web": web, "drive": drive}
    client.known |= {"meals": meals, "archive": archive}
    return client


def test_answer_in_full(spent):
    known = spent.known
    answer = ask(spent).json()
    assert answer["totals"] == {
        "_id": "",
        "expensesCount": 3,
        "totalAmount": 1150.5,
        "totalAmountBillable": 1050.5,
        "totalAmountByCurrency": [
            {"currency": "EUR", "amount": 100.0},
            {"currency": "USD", "amount": 1050.5},
        ],
        "totalAmountBillableByCurrency": [{"currency": "USD", "amount": 1050.5}],
        "numOfCurrencies": 2,
    }
    row = answer["expenses"][0]
    assert row == {
        "_id": row["id"],
        "id": row["id"],
        "workspaceId": spent.emulator.workspace.id,
        "date": "2026-11-01T00:00:00Z",
        "time": None,
        "amount": 1050.5,
        "currency": "USD",
        "quantity": 25.0,
        "billable": True,
        "notes": "drive",
        "userId": known["owner"].id,
        "userName": "Olga Owner",
        "userEmail": "user1@example.com",
        "userStatus": "ACTIVE",
        "projectId": known["web"].id,
        "projectName": "Web",
        "projectColor": "#2196F3",
        "clientId": known["globex"].id,
        "clientName": "Globex",
        "categoryId": known["drive"].id,
        "categoryName": "Kilometres",
        "categoryUnit": "km",
        "categoryHasUnitPrice": True,
        "fileId": "f" * 24,
        "fileName": "bill.pdf",
        "approvalRequestId": "a" * 24,
        "isLocked": False,
        "locked": False,
        "userCustomFields": [],
        "reportName": None,
        "exportFields": [],
        "invoicingInfo": {"manuallyInvoiced": False, "invoiceId": "b" * 24},
    }
    bare = answer["expenses"][1]
    assert (bare["notes"], bare["projectId"], bare["categoryId"], bare["categoryHasUnitPrice"]) == (
        None,
        None,
        None,
        False,
    )
    assert "invoicingInfo" not in bare
    assert (bare["currency"], bare["clientId"], bare["clientName"]) == ("EUR", "", "")


def test_days_are_calendar_days_whatever_the_zone(spent):
    assert notes(spent, timeZone="Pacific/Auckland") == notes(spent) == ["drive", None, "meal"]


def test_nothing_found(spent):
    past = {"dateRangeStart": "2020-01-01T00:00:00Z", "dateRangeEnd": "2020-01-02T00:00:00Z"}
    assert ask(spent, **past).json() == {
        "expenses": [],
        "totals": {
            "_id": "",
            "expensesCount": 0,
            "totalAmount": 0.0,
            "totalAmountBillable": 0.0,
            "totalAmountByCurrency": [],
            "totalAmountBillableByCurrency": [],
            "numOfCurrencies": 0,
        },
        "reportName": None,
        "exportFields": [],
        "customFields": None,
    }


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"billable": True}, ["drive"]),
        ({"billable": False}, [None, "meal"]),
        ({"note": "MEA"}, ["meal"]),
        ({"withoutNote": True}, [None]),
        ({"approvalState": "APPROVED"}, ["drive"]),
        ({"invoicingState": "UNINVOICED"}, [None, "meal"]),
        ({"sortColumn": "AMOUNT"}, [None, "meal", "drive"]),
        ({"sortColumn": "AMOUNT", "sortOrder": "DESCENDING"}, ["drive", "meal", None]),
        ({"sortColumn": "USER"}, ["meal", "drive", None]),
        ({"sortColumn": "PROJECT"}, [None, "meal", "drive"]),
        ({"sortColumn": "CATEGORY"}, [None, "drive", "meal"]),
        ({"sortColumn": "ID"}, ["drive", "meal", None]),
    ],
)
def test_plain_filters_and_orders(spent, body, found):
    assert notes(spent, **body) == found


def test_filters_with_ids(spent):
    def found(name, *keys, **more):
        return notes(spent, **{name: {"ids": [spent.known[key].id for key in keys], **more}})

    assert found("users", "owner") == []
    assert found("users", "owner", **ALL) == ["drive", None]
    assert found("categories", "drive", "meals") == ["drive"]
    assert found("categories", "drive", "meals", **ALL) == ["drive", "meal"]
    assert found("projects", "archive", "web") == ["drive"]
    assert found("projects", "web", contains="DOES_NOT_CONTAIN", status="ALL") == [None, "meal"]
    assert found("clients", "globex", **ALL) == ["drive"]
    dollars = {"ids": [currency_id(spent.emulator.workspace, "USD")]}
    assert notes(spent, currency=dollars) == ["drive"]
    assert notes(spent, currency=dollars | {"contains": "DOES_NOT_CONTAIN"}) == [None, "meal"]


def test_things_that_are_gone(spent):
    workspace = spent.emulator.workspace
    workspace.delete(spent.known["web"])
    workspace.delete(spent.known["drive"])
    row = ask(spent).json()["expenses"][0]
    assert (row["projectName"], row["categoryName"]) == (None, None)
    assert notes(spent, clients={"ids": [spent.known["globex"].id], **ALL}) == []
    assert notes(spent, sortColumn="CATEGORY") == ["drive", None, "meal"]


@pytest.mark.parametrize(
    "body",
    [
        {"page": 0},
        {"pageSize": 0},
        {"pageSize": 201},
        {"sortColumn": "NOTE"},
        {"exportType": "ZIP"},
        {"dateRangeEnd": "2026-11-30"},
        {"dateRangeType": "NEXT_MONTH"},
    ],
)
def test_bad_bodies(spent, body):
    assert ask(spent, **body).status_code == 400


def test_bounds_are_required_and_a_filter_is_not(spent):
    assert ask(spent, drop=("dateRangeStart",)).status_code == 400
    assert ask(spent, expenseFilter={}).status_code == 200
    route = "POST /workspaces/{workspaceId}/reports/expenses/detailed"
    assert spent.emulator.unknown_parameters == {f"{route} body expenseFilter": 1}


def test_pages_tile_the_generated_expenses(make_clockify_emulator, client):
    emulator = make_clockify_emulator(entries=1, expenses=120)
    other = type(client)(emulator)
    truth = {
        item.id
        for item in emulator.workspace.expenses.values()
        if f"{DEFAULT_START:%F}" <= item.day <= f"{DEFAULT_END - timedelta(days=1):%F}"
    }
    assert len(truth) > 100

    def rows(page):
        return ask(other, page=page, pageSize=50).json()["expenses"]

    found = [row["id"] for page in range(1, 5) for row in rows(page)]
    assert (len(found), set(found)) == (len(truth), truth)
    assert ask(other, pageSize=1).json()["totals"]["expensesCount"] == len(truth)
    assert len(ask(other).json()["expenses"]) == 50
    assert ask(other).headers["Last-Page"] == "false"
    emulator.behaviour.report_last_page_header = False
    assert "Last-Page" not in ask(other).headers


def test_free_plan_has_no_expenses(spent):
    spent.emulator.workspace.plan = "FREE"
    assert ask(spent).status_code == 403


def test_those_who_see_less(spent):
    workspace = spent.emulator.workspace
    settings = workspace.settings
    workspace.change(settings, only_admins_see_all_time_entries=True, only_admins_see_billable_rates=True)
    assert notes(spent.as_user(spent.known["employee"])) == ["meal"]


def test_files(spent):
    rows = list(csv.DictReader(io.StringIO(ask(spent, exportType="CSV", pageSize=1).text)))
    assert rows[0] == {
        "Date": "11/01/2026",
        "User": "Olga Owner",
        "Project": "Web",
        "Category": "Kilometres",
        "Notes": "drive",
        "Billable": "Yes",
        "Amount (EUR)": "10.51",
    }
    assert len(rows) == 3
    assert ask(spent, exportType="XLSX").content.startswith(b"PK")
    response = ask(spent, exportType="PDF")
    assert response.content.startswith(b"%PDF")
    assert "Expense_11_01_2026-11_30_2026.pdf" in response.headers["Content-Disposition"]
