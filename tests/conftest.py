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

# A run has a folder, and each process of it that runs tests (each worker of pytest-xdist) has Airflow's home in there.
_OF_RUN = "CLOCKIFY_TESTS_RUN"
if "PYTEST_XDIST_WORKER" in os.environ and _OF_RUN in os.environ:
    RUN = Path(os.environ[_OF_RUN])
else:
    RUN = Path(tempfile.mkdtemp(prefix="clockify-airflow-"))
    RUN.chmod(0o711)  # A database server runs as another user, and has its folder in there.
    atexit.register(shutil.rmtree, RUN, ignore_errors=True)
    os.environ[_OF_RUN] = str(RUN)
HOME = RUN / os.environ.get("PYTEST_XDIST_WORKER", "home")
HOME.mkdir()

# Programs that tests start keep the pace of a workspace in a folder of their own, not in the machine's: an emulator of
# an earlier test, or of a colleague, may have had the same port and told the same workspace to wait.
tempfile.gettempdir()  # Remembers that of this process.
os.environ["TMPDIR"] = str(RUN / f"{HOME.name}-tmp")
Path(os.environ["TMPDIR"]).mkdir()

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
    # Airflow writes from several threads; on a busy machine, the five seconds that SQLite waits may be too few.
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{HOME}/airflow.db?timeout=60",
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=str(HOME / "logs"),
    AIRFLOW__CORE__TEST_CONNECTION="Enabled",
)

# No deadline: how long an example takes depends on what else the machine does.
settings.register_profile("default", deadline=None)
# What runs before a change lands must not fail by chance; people's own runs go on looking for new examples.
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names of tests that are others in the next process, which pytest-xdist could only be puzzled by."""
    if found := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        raise pytest.UsageError(f"These ids name objects by their addresses; give ids= others: {found[:5]}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say of tests that ran once more (``--reruns``) why they failed before."""
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.section(f"failed before it ran once more: {report.nodeid}")
        terminalreporter.line(report.longreprtext)


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """Return the folder that all processes of the run have in common."""
    return RUN


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
    assert not left_over(before, patience=30.0), "a thread of this package outlives the test"
