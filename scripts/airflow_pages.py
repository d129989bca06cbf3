# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The pages of Airflow that show something of this provider, in a real browser: for tests and screenshots."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from local_airflow import LOGIN, LocalAirflow, chromium
from playwright.sync_api import Locator, Page, expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_CHROMIUM = (
    "Needs Chromium or Chrome, and found none. Install one (Debian: apt-get install chromium), or name it: "
    "CHROMIUM=/path/to/chromium."
)
# The machine may be busy with the Airflow that is looked at.
PATIENCE = 60_000


@contextmanager
def open_page(width: int = 1280, height: int = 1900) -> Iterator[Page]:
    """Open a page of the machine's browser, in English and UTC."""
    path = chromium()
    if path is None:
        raise RuntimeError(NO_CHROMIUM)
    # Chromium's sandbox refuses to run as root; here it only shows pages of this machine.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        page = browser.new_page(
            viewport={"width": width, "height": height},
            color_scheme="light",
            locale="en-US",
            timezone_id="UTC",
        )
        page.set_default_timeout(PATIENCE)
        try:
            yield page
        finally:
            browser.close()


# --- Airflow 3 -----------------------------------------------------------------------------------------------------


def new_connection(page: Page, airflow: LocalAirflow, conn_id: str) -> Locator:
    """Open the form for a new connection and choose "Clockify"; gives the form."""
    page.goto(f"{airflow.url}/connections")
    page.get_by_role("button", name="Add Connection").click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Connection ID").fill(conn_id)
    form.get_by_role("combobox", name="Connection Type").fill("clock")
    page.get_by_role("option", name="Clockify", exact=True).click()
    expect(form.get_by_role("textbox", name="API key")).to_be_visible()
    return form


def connection_row(page: Page, airflow: LocalAirflow, conn_id: str) -> Locator:
    """Open the list of connections; gives the row of one."""
    page.goto(f"{airflow.url}/connections")
    cell = page.get_by_role("cell", name=conn_id, exact=True)
    return page.get_by_role("row").filter(has=cell)


def edit_connection(page: Page, airflow: LocalAirflow, conn_id: str) -> Locator:
    """Open the form of a stored connection; gives the form."""
    connection_row(page, airflow, conn_id).get_by_role("button", name="Edit Connection").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_role("textbox", name="API key")).to_be_visible()
    return form


def extra_fields(form: Locator) -> None:
    """Open the part of the form with the provider's own fields."""
    form.get_by_role("button", name="Extra Fields", exact=True).click()
    expect(form.get_by_role("combobox", name="Region")).to_be_visible()


def options_of(page: Page, form: Locator, name: str) -> list[str]:
    """Open a drop-down of the form, read what it offers, and close it."""
    field = form.get_by_role("combobox", name=name)
    field.click()
    expect(page.get_by_role("option").first).to_be_visible()
    found = page.get_by_role("option").all_inner_texts()
    field.blur()
    return found


def press_test(page: Page, airflow: LocalAirflow, conn_id: str) -> Locator:
    """Press Test in the list of connections; gives the message that appears for a few seconds."""
    connection_row(page, airflow, conn_id).get_by_role("button", name="Test Connection").click()
    message = page.get_by_role("region", name="Notifications").get_by_role("status").first
    expect(message).to_be_visible()
    return message


def task_page(
    page: Page, airflow: LocalAirflow, dag_id: str, run_id: str, task_id: str, tab: str = ""
) -> None:
    """Open a tab of a task of a run."""
    page.goto(f"{airflow.url}/dags/{dag_id}/runs/{run_id}/tasks/{task_id}/{tab}".rstrip("/"))
    expect(page.get_by_role("heading", name=task_id)).to_be_visible()


def log_as_it_opens(page: Page, airflow: LocalAirflow, dag_id: str, run_id: str, task_id: str) -> str:
    """Open the log of a task; gives the text that can be seen of it without scrolling, wrapping or unfolding."""
    task_page(page, airflow, dag_id, run_id, task_id)
    expect(page.get_by_text("Task failed with exception").first).to_be_visible()
    page.wait_for_timeout(1500)  # it scrolls to its end
    found: str = page.evaluate(_SEEN)
    return " ".join(found.split())


# Characters whose middle is what the browser shows at that point: neither cut, nor covered, nor outside of the window.
_SEEN = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  let seen = '';
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (let i = 0; i < node.length; i += 1) {
      range.setStart(node, i);
      range.setEnd(node, i + 1);
      const box = range.getBoundingClientRect();
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      if (!box.width || x < 0 || y < 0 || x > innerWidth || y > innerHeight) {
        if (/\\s/.test(node.data[i])) seen += ' ';
        continue;
      }
      const top = document.elementFromPoint(x, y);
      if (top === node.parentElement) seen += node.data[i];
    }
    seen += ' ';
  }
  return seen;
}"""


# --- Airflow 2.11 --------------------------------------------------------------------------------------------------


def log_in(page: Page, airflow: LocalAirflow) -> None:
    """Log in to the web server of 2.11."""
    page.goto(f"{airflow.url}/login/")
    page.fill("#username", LOGIN)
    page.fill("#password", LOGIN)
    page.click("input[type=submit]")
    expect(page.get_by_role("link", name="Admin")).to_be_visible()


def new_connection_2(page: Page, airflow: LocalAirflow, conn_id: str) -> Locator:
    """Open the form of 2.11 for a new connection and choose "Clockify"; gives the form."""
    page.goto(f"{airflow.url}/connection/add")
    page.fill("#conn_id", conn_id)
    page.get_by_role("row").filter(has_text="Connection Type").locator(".select2-selection").click()
    # The field above the list does not get the focus in every browser.
    page.locator(".select2-results__option").filter(has_text=re.compile("^Clockify$")).click()
    form = page.locator("#model_form")
    expect(form.get_by_label("Region")).to_be_visible()
    return form


def press_test_2(page: Page) -> Locator:
    """Press Test on the form of 2.11; gives the message."""
    with page.expect_response(lambda answer: "connections/test" in answer.url):
        page.click("#test-connection")
    message = page.locator(".container .alert").first
    expect(message).to_be_visible()
    return message


def stored(airflow: LocalAirflow, conn_id: str) -> dict[str, Any]:
    """Read a connection over the REST API."""
    return airflow.api("GET", f"connections/{conn_id}")
