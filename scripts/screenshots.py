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
            connections_of_3(airflow)  # before the failures, which leave connections of theirs behind
            with failed_runs.failed_run(airflow) as failed:
                failures_of_3(airflow, failed)
            run_id, state = airflow.trigger(DAG_ID)
            if state != "success":
                raise RuntimeError(f"the run of {DAG_ID} ended as {state}")
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
    with pages.open_page(960, 520) as page:
        message = pages.press_test(page, airflow, "clockify_default")
        expect(message).to_contain_text("The key belongs to")
        page.wait_for_timeout(500)
        page.screenshot(path=IMAGES / "connection-3.3-test.png")


def run_of_3(airflow: LocalAirflow, run_id: str) -> None:
    with pages.open_page(1200, 600) as page:
        pages.task_page(page, airflow, DAG_ID, run_id, TASK_ID, "details")
        expect(page.get_by_role("link", name="Clockify", exact=True)).to_be_visible()
        page.wait_for_timeout(1500)  # until nothing moves any more
        page.screenshot(path=IMAGES / "run-3.3-link.png", clip=beside_the_grid(page, TASK_ID, 600))
    with pages.open_page(1200, 500) as page:
        pages.task_page(page, airflow, DAG_ID, run_id, TASK_ID)
        expect(page.get_by_text("Spent 1 request").first).to_be_visible()
        page.keyboard.press("w")  # wraps the lines
        page.wait_for_timeout(1500)
        page.screenshot(path=IMAGES / "run-3.3-log.png", clip=beside_the_grid(page, TASK_ID, 500))


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
                clip = beside_the_grid(page, task_id, height)
                page.screenshot(path=IMAGES / "failed-3.3-log.png", clip=clip)


def beside_the_grid(page: Page, task_id: str, height: float) -> FloatRect:
    """Return the part of a task's page that is about the task: a picture of it all has letters too small to read."""
    box = page.get_by_role("heading", name=task_id).bounding_box()
    size = page.viewport_size
    if box is None or size is None:
        raise RuntimeError(f"the page of the task {task_id} shows no heading")
    left = box["x"] - 40  # its icon
    top = box["y"] - 20
    return FloatRect(x=left, y=top, width=size["width"] - left, height=height - top)


def form_of_2(airflow: LocalAirflow) -> None:
    with pages.open_page(820, 2200) as page:  # high enough not to scroll: the menu stays in place
        pages.log_in(page, airflow)
        form = pages.new_connection_2(page, airflow, "clockify_default")
        page.fill("#password", airflow.connection["password"])
        page.fill("#extra__clockify__workspace_id", airflow.connection["extra"]["workspace_id"])
        expect(form).to_be_visible()
        page.evaluate("window.scrollTo(0, 0)")
        form.screenshot(path=IMAGES / "connection-2.11.png")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
