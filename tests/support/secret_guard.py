# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
A pytest plugin: at the end of a run, no key of a connection is in Airflow's home, and none was printed or logged.

Keys are noted where connections are read, in this process and in the connections that tests put into the environment.
Where pytest-xdist runs the tests in several processes, each passes on with its reports which keys it has noted and
where its home is, and the process that they report to does the search, for the keys of all.
A test that prints keys on purpose is marked ``prints_keys``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from secret_scan import Finding, Scanner

from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.testing import ClockifyEmulator

# Shorter keys of tests ("the-key"), and those of few letters, are words and numbers that may be anywhere.
SHORTEST, FEWEST_LETTERS = 16, 6

# Airflow's own line of DAG tests, at DEBUG as 3.0 has them, which shows what is to be masked; a real task has none.
MASKING = re.compile(r"^.*Sending request +.*msg=MaskSecret\(.*$", re.M)


class Notes:
    """Notes the keys that are used in this process, and hands them out with the reports of its tests."""

    def __init__(self, home: Path) -> None:
        self.home = str(home)
        self.keys: set[str] = set()

    def note(self, key: Any) -> None:
        if isinstance(key, str) and len(key.strip()) >= SHORTEST and len(set(key)) >= FEWEST_LETTERS:
            self.keys.add(str(key.strip()))

    def pytest_sessionstart(self) -> None:
        """Note every key of a connection from now on."""
        read, offer = ClockifySettings.from_fields, ClockifyEmulator.connection_json

        def from_fields(conn_id: str, *, password: str | None, **fields: Any) -> ClockifySettings:
            self.note(password)
            return read(conn_id, password=password, **fields)

        def connection_json(emulator: ClockifyEmulator, *, api_key: str | None = None, **extra: Any) -> str:
            self.note(api_key or emulator.api_key)
            return offer(emulator, api_key=api_key, **extra)

        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(ClockifySettings, "from_fields", staticmethod(from_fields))
        self.patch.setattr(ClockifyEmulator, "connection_json", connection_json)

    def pytest_sessionfinish(self) -> None:
        self.patch.undo()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        """Put onto a report what pytest-xdist carries from process to process: plain values."""
        report = yield
        report.clockify_home = self.home
        report.clockify_keys = sorted(self.keys)
        self.keys.clear()
        return report


class Search:
    """Looks for keys where they must not be."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.homes: set[Path] = set()
        self.findings: list[Finding] = []
        self._scanner = Scanner([])

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        """Look through what a test printed and logged."""
        # The report of a process that died has neither.
        if home := getattr(report, "clockify_home", None):
            self.homes.add(Path(home))
        new = set(getattr(report, "clockify_keys", ())) - self.keys
        self._scanner.add(new)
        self.keys |= new
        if "prints_keys" not in report.keywords:
            for text in filter(None, (report.capstdout, report.capstderr, report.caplog)):
                shown = MASKING.sub("", text) if "MaskSecret(" in text else text
                self.findings += self._scanner.text(f"output of {report.nodeid}", shown)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Look through logs and database, and fail the run that left a key there."""
        for home in sorted(self.homes):
            self.findings += self._scanner.folder(home)
        if self.findings:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what was looked for and what was found."""
        if self.findings:
            terminalreporter.section("keys where none may be", red=True)
            for finding in self.findings[:50]:
                terminalreporter.write_line(str(finding))
        elif self.keys:
            files = sum(path.is_file() for home in self.homes for path in home.rglob("*"))
            terminalreporter.write_line(
                f"No trace of {len(self.keys)} keys in {files} files of Airflow's home, its tables, and all output."
            )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "prints_keys: prints the emulator's keys on purpose")
    config.pluginmanager.register(Notes(Path(os.environ["AIRFLOW_HOME"])), "clockify-secret-notes")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Search(), "clockify-secret-search")
