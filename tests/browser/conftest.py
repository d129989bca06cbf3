# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Airflow's own pages in a real browser, with the emulator behind them.

``make test-browser`` runs it. Airflow, emulator and browser are processes of this machine and end with the tests.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = "browser" in config.option.markexpr.replace("not browser", "")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not wanted:
                item.add_marker(pytest.mark.skip(reason="minutes long; make test-browser runs it"))


def python_of_airflow_2() -> str:
    """Find the interpreter with Airflow 2.11, which cannot be in the environment of the tests."""
    found = sorted((ROOT / ".venvs").glob("airflow-2.*/bin/python"))
    path = os.environ.get("PYTHON_OF_AIRFLOW_2") or (str(found[-1]) if found else None)
    if path is None:
        pytest.fail(
            "No environment with Airflow 2.11: make test-browser makes one, or name PYTHON_OF_AIRFLOW_2."
        )
    return path


def running(folder: Path, **how: Any) -> Iterator[Any]:
    from local_airflow import LocalAirflow

    with LocalAirflow(folder, dags=HERE / "dags", months=1, entries=1500, **how) as airflow:
        yield airflow


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A running Airflow 3.3."""
    yield from running(tmp_path_factory.mktemp("airflow-3"))


@pytest.fixture(scope="module")
def airflow_2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A running Airflow 2.11."""
    yield from running(tmp_path_factory.mktemp("airflow-2"), python=python_of_airflow_2())


@pytest.fixture
def page() -> Iterator[Any]:
    """A page of the machine's browser."""
    pytest.importorskip("playwright")
    from airflow_pages import NO_CHROMIUM, open_page
    from local_airflow import chromium

    if chromium() is None:
        pytest.fail(NO_CHROMIUM)
    with open_page() as opened:
        yield opened
