# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The same form, Test button and link on the web server of Airflow 2.11."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import pytest

pages = pytest.importorskip("airflow_pages")
from playwright.sync_api import expect  # noqa: E402

REGIONS = ["global", "euc1", "use2", "euw2", "apse2", "developer"]


@pytest.fixture
def admin(airflow_2: Any, page: Any) -> Any:
    pages.log_in(page, airflow_2)
    return page


def fill(airflow: Any, page: Any, conn_id: str, **changes: str) -> Any:
    form = pages.new_connection_2(page, airflow, conn_id)
    values = {"host": airflow.connection["host"], "password": airflow.connection["password"], **changes}
    for name, value in values.items():
        page.fill(f"#{name}", value)
    page.fill("#extra__clockify__max_retries", "0")
    return form


def test_the_form_has_what_clockify_needs_and_nothing_else(airflow_2: Any, admin: Any) -> None:
    form = pages.new_connection_2(admin, airflow_2, "unused")
    expect(admin.locator("#password")).to_have_attribute("type", "password")
    expect(admin.locator("#password")).to_have_attribute("placeholder", re.compile("Manage API keys"))
    for name in ("login", "port", "schema"):
        expect(admin.locator(f"#{name}")).to_be_hidden()
    for name, values in (("region", REGIONS), ("auth_type", ["api_key", "addon_token"])):
        options = form.locator(f"select#extra__clockify__{name} option")
        assert [each.get_attribute("value") for each in options.all()] == values
    assert form.locator("#extra__clockify__region").input_value() == "global"
    for name, example in (("workspace_id", "64a1b2c3d4e5f60718293a4b"), ("subdomain", "acme")):
        expect(admin.locator(f"#extra__clockify__{name}")).to_have_attribute("placeholder", example)
    for description in ("Where Clockify stores the workspace", "30 on the Free plan", "acme.clockify.me"):
        expect(form.get_by_text(description)).to_be_visible()
    expect(admin.locator("#extra__clockify__requests_per_second")).to_have_value("10")
    expect(admin.locator("#extra__clockify__hash_salt")).to_have_attribute("type", "password")


def test_what_is_saved_is_there_again_with_the_key_masked(airflow_2: Any, admin: Any) -> None:
    fill(airflow_2, admin, "saved")
    admin.select_option("#extra__clockify__region", label="UK (euw2)")
    admin.fill("#extra__clockify__requests_per_hour", "30")
    admin.get_by_role("button", name="Save").click()
    admin.wait_for_url(lambda url: "/connection/add" not in url)
    extra = json.loads(pages.stored(airflow_2, "saved")["extra"])
    assert (extra["region"], extra["auth_type"], extra["requests_per_hour"]) == ("euw2", "api_key", 30)

    admin.goto(f"{airflow_2.url}/connection/list/")
    row = admin.get_by_role("row").filter(has_text="saved")
    row.locator("a[href*='/connection/edit/']").first.click()
    expect(admin.locator("#extra__clockify__region")).to_have_value("euw2")
    expect(admin.locator("#extra__clockify__requests_per_hour")).to_have_value("30")
    expect(admin.locator("#password")).to_have_attribute("type", "password")
    assert airflow_2.connection["password"] not in admin.content()


def test_the_test_button_names_the_owner_and_the_workspaces(airflow_2: Any, admin: Any) -> None:
    fill(airflow_2, admin, "tested")
    message = pages.press_test_2(admin)
    expect(message).to_contain_text("The key belongs to Ada Example (user1@example.com).")
    expect(message).to_contain_text("Workspaces: Emulated workspace")


def test_the_test_button_names_reason_and_cure_of_a_wrong_key(airflow_2: Any, admin: Any) -> None:
    fill(airflow_2, admin, "wrong_key", password="0" * 48)
    message = pages.press_test_2(admin)
    expect(message).to_contain_text("the key was refused (401, code 4003")
    expect(message).to_contain_text("belongs to another region or subdomain")


def test_the_test_button_names_a_wrong_workspace_and_those_there_are(airflow_2: Any, admin: Any) -> None:
    fill(airflow_2, admin, "wrong_workspace", extra__clockify__workspace_id="f" * 24)
    message = pages.press_test_2(admin)
    expect(message).to_contain_text(f"workspace {'f' * 24} is not among those it sees: Emulated workspace")
    expect(message).not_to_contain_text("which is not read")


def test_the_button_of_a_run_leads_to_its_report(airflow_2: Any, admin: Any) -> None:
    airflow_2.wait_for_dags()
    refused = {"conn_type": "clockify", "host": airflow_2.connection["host"], "password": "0" * 48}
    airflow_2.api("POST", "connections", connection_id="clockify_refused", **refused)
    run_id, state = airflow_2.trigger("browser_export")
    assert state == "failed"
    for task in ("export", "refused"):
        admin.goto(f"{airflow_2.url}/dags/browser_export/grid?dag_run_id={quote(run_id)}&task_id={task}")
        expect(admin.get_by_role("link", name="Clockify", exact=True)).to_have_attribute(
            "href", re.compile(r"^https://app\.clockify\.me/reports/detailed\?start=.*T00:00:00\.000Z&end=")
        )
