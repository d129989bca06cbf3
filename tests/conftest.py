# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What must be set before anything imports Airflow: a home of its own, nothing of the machine's."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from our_threads import left_over

pytest_plugins = ["airflow_provider_clockify.testing.pytest_plugin", "secret_guard"]

ROOT = Path(__file__).parent.parent
HOME = Path(tempfile.mkdtemp(prefix="clockify-airflow-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)

# Airflow runs what lies in its folder: the example DAGs as they are, and the DAGs that only tests need.
DAGS_FOLDER = HOME / "dags"
DAGS_FOLDER.mkdir()
(DAGS_FOLDER / "examples").symlink_to(ROOT / "dags_examples", target_is_directory=True)
(DAGS_FOLDER / "probes").symlink_to(ROOT / "tests" / "airflow" / "dags", target_is_directory=True)

for name in [name for name in os.environ if name.startswith(("AIRFLOW_", "CLOCKIFY_EMULATOR"))]:
    del os.environ[name]
os.environ.update(
    AIRFLOW_HOME=str(HOME),
    AIRFLOW__CORE__DAGS_FOLDER=str(DAGS_FOLDER),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__UNIT_TEST_MODE="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{HOME}/airflow.db",
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=str(HOME / "logs"),
    AIRFLOW__CORE__TEST_CONNECTION="Enabled",
)

# No deadline: how long an example takes depends on what else the machine does.
settings.register_profile("default", deadline=None)
# What runs before a change lands must not fail by chance; people's own runs go on looking for new examples.
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(autouse=True)
def pace_folder(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forget the pace of other tests: another emulator may listen on a port whose workspace was told to wait."""
    from airflow_provider_clockify.http import pace_files, rate_limit

    rate_limit._limiters.clear()
    folder = tmp_path_factory.mktemp("pace") / "private"
    monkeypatch.setattr(pace_files, "folder", lambda: str(folder))
    return folder


@pytest.fixture(autouse=True)
def no_thread_of_ours_is_left() -> Iterator[None]:
    """Fail a test after which a thread of this package goes on: it would keep the interpreter from ending."""
    before = set(threading.enumerate())
    yield
    assert not left_over(before, patience=5.0), "a thread of this package outlives the test"
