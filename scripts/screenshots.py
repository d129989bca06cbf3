# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Write the pictures of the documentation, docs/images/*.png, from running Airflows of both versions.

Pictures of the logs of failed tasks, of which the documentation shows one, go to docs/_build/failed-runs.

    python scripts/screenshots.py PYTHON_OF_AIRFLOW_2
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import airflow_pages as pages
import failed_runs
from local_airflow import ROOT, LocalAirflow
from playwright.sync_api import FloatRect, expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES = ROOT / "docs" / "images"
FAILURES = ROOT / "docs" / "_build" / "failed-runs"
# Of the failures, the one that the documentation shows.
SHOWN_FAILURE = "wrong_key"
DAG_ID = "example_clockify_daily_export"
TASK_ID = "export_time_entries"
LIMIT = 300_000  # bytes


def main(python_of_airflow_2: str) -> int:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="clockify-pictures-") as folder:
        dags = Path(folder, "dags")
        shutil.copytree(ROOT / "dags_examples", dags)
        shutil.copy(ROOT / "tests" / "browser" / "dags" / f"{failed_runs.DAG_ID}.py", dags)
        with LocalAirflow(Path(folder, "airflow-3"), dags=dags, say=print) as airflow:
            airflow.wait_for_dags()
            with failed_runs.failed_run(airflow) as failed:
                failures_of_3(airflow, failed)
            run_id, state = airflow.trigger(DAG_ID)
            if state != "success":
                raise RuntimeError(f"the run of {DAG_ID} ended as {state}")
            connections_of_3(airflow)
            run_of_3(airflow, run_id)
        with LocalAirflow(Path(folder, "airflow-2"), python=python_of_airflow_2, say=print) as airflow:
            form_of_2(airflow)
    for path in sorted(IMAGES.glob("*.png")):
        size = path.stat().st_size
        print(f"{path.relative_to(ROOT)}  {size:,} bytes")
        if size > LIMIT:
            raise RuntimeError(f"{path.name} has {size:,} bytes; crop it to less than {LIMIT:,}")
    return 0


def connections_of_3(airflow: LocalAirflow) -> None:
    with pages.open_page(1200, 2000) as page:
        form = pages.new_connection(page, airflow, "clockify_default")
        form.get_by_role("textbox", name="API key").fill("x" * 48)
        page.wait_for_timeout(500)  # the part unfolds
        form.screenshot(path=IMAGES / "connection-3.3.png")
        pages.extra_fields(form)
        form.locator("[name=element_workspace_id]").fill(airflow.connection["extra"]["workspace_id"])
        page.wait_for_timeout(500)
        form.screenshot(path=IMAGES / "connection-3.3-fields.png")
    with pages.open_page(1200, 560) as page:
        message = pages.press_test(page, airflow, "clockify_default")
        expect(message).to_contain_text("The key belongs to")
        page.wait_for_timeout(500)
        page.screenshot(path=IMAGES / "connection-3.3-test.png")


def run_of_3(airflow: LocalAirflow, run_id: str) -> None:
    with pages.open_page(1300, 600) as page:
        pages.task_page(page, airflow, DAG_ID, run_id, TASK_ID, "details")
        expect(page.get_by_role("link", name="Clockify", exact=True)).to_be_visible()
        settled(page, "run-3.3-link.png")
    with pages.open_page(1500, 520) as page:
        pages.task_page(page, airflow, DAG_ID, run_id, TASK_ID)
        expect(page.get_by_text("Spent 1 request").first).to_be_visible()
        settled(page, "run-3.3-log.png")


def failures_of_3(airflow: LocalAirflow, run_id: str) -> None:
    """Take pictures of logs as they open."""
    FAILURES.mkdir(parents=True, exist_ok=True)
    with pages.open_page(1280, 800) as page:
        for task_id in failed_runs.SHOWN:
            pages.log_as_it_opens(page, airflow, failed_runs.DAG_ID, run_id, task_id)
            page.screenshot(path=FAILURES / f"{task_id}.png")
            print((FAILURES / f"{task_id}.png").relative_to(ROOT))
            if task_id == SHOWN_FAILURE:
                # As far as the traceback, which shows folders of this machine.
                box = page.get_by_text("Task failed with exception").first.bounding_box()
                height = box["y"] + box["height"] + 4 if box else 800
                clip = FloatRect(x=0, y=0, width=1280, height=height)
                page.screenshot(path=IMAGES / "failed-3.3-log.png", clip=clip)


def form_of_2(airflow: LocalAirflow) -> None:
    with pages.open_page(1200, 2100) as page:  # high enough not to scroll: the menu stays in place
        pages.log_in(page, airflow)
        form = pages.new_connection_2(page, airflow, "clockify_default")
        page.fill("#host", airflow.connection["host"])
        page.fill("#password", airflow.connection["password"])
        page.fill("#extra__clockify__workspace_id", airflow.connection["extra"]["workspace_id"])
        expect(pages.press_test_2(page)).to_contain_text("The key belongs to")
        expect(form).to_be_visible()
        page.evaluate("window.scrollTo(0, 0)")
        page.screenshot(path=IMAGES / "connection-2.11.png")


def settled(page: Page, name: str) -> None:
    """Take the picture once nothing moves any more."""
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
