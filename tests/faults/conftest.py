# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Collects what every cell came to, and prints the tables."""

from __future__ import annotations

import pytest

Cells = dict[tuple[str, str], str]
# By what the rows of a table are.
TABLES = pytest.StashKey[dict[str, Cells]]()
NO_SENSE = "-"
RIGHT, WRONG, REFUSED = "right", "WRONG", "refused"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLES] = {}


@pytest.fixture
def cells(request: pytest.FixtureRequest) -> Cells:
    """What the cells of the module's table came to, by row and column."""
    return request.config.stash[TABLES].setdefault(request.module.ROWS, {})


def pytest_report_teststatus(
    report: pytest.CollectReport | pytest.TestReport, config: pytest.Config
) -> tuple[str, str, str] | None:
    if config.get_verbosity() <= -2 and report.passed:  # The table says it all.
        return "passed", "", ""
    return None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for rows, cells in config.stash.get(TABLES, {}).items():
        terminalreporter.ensure_newline()
        for line in table(rows, cells):
            terminalreporter.write_line(line)


def table(first: str, cells: Cells) -> list[str]:
    """Return the table, what is wrong in full, and a last line with the sums."""
    faults = list(dict.fromkeys(fault for fault, _ in cells))
    surfaces = list(dict.fromkeys(surface for _, surface in cells))
    wrong = [
        f"{fault}, {surface}: {outcome}"
        for (fault, surface), outcome in cells.items()
        if outcome.startswith(WRONG)
    ]
    rows = [[first, *surfaces]]
    rows += [[fault, *(short(cells.get((fault, each), NO_SENSE)) for each in surfaces)] for fault in faults]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    told = [outcome for outcome in cells.values() if outcome != NO_SENSE]
    refused = sum(outcome.startswith(REFUSED) for outcome in told)
    right = len(told) - refused - len(wrong)
    total = f"{len(told)} cells: {right} right, {refused} refused, {len(wrong)} wrong"
    return [lines[0], "-" * max(map(len, lines)), *lines[1:], *wrong, total]


def short(outcome: str) -> str:
    """Leave out why a cell is wrong."""
    return WRONG if outcome.startswith(WRONG) else outcome
