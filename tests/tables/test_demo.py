# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The demo: files, then a table that equals the workspace after a late edit and a deletion."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    pytest.importorskip("airflow.providers.duckdb")
    monkeypatch.syspath_prepend(str(SCRIPTS))
    monkeypatch.delitem(sys.modules, "demo", raising=False)
    import demo

    monkeypatch.setattr(demo, "HOME", tmp_path / "airflow")
    monkeypatch.setattr(demo, "OUTPUT", tmp_path / "output")
    monkeypatch.setattr(demo, "console", Console(width=80, highlight=False))
    monkeypatch.delenv("CLOCKIFY_API_KEY", raising=False)
    return demo


@pytest.mark.tables
def test_the_demo_ends_with_a_table_that_equals_the_workspace(
    demo: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.main() == 0

    shown = capsys.readouterr().out
    # What does not fit is cut, and its border is missing.
    assert all(line.endswith(("│", "┃")) for line in shown.splitlines() if line.startswith(("│", "┃")))
    assert max(map(len, shown.splitlines())) <= 80
    assert "equal, none missing, none twice" in " ".join(shown.split())
    assert "equal after each run" in " ".join(shown.split())


@pytest.mark.tables
def test_the_demo_tells_that_a_table_differs(
    demo: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The second run does nothing, so that the table is as it was before the edits.
    loads = []

    def test(airflow: object, dag_id: str, day: object, shown: str) -> None:
        if dag_id == demo.LOAD:
            loads.append(day)
            if len(loads) == 2:
                return
        real(airflow, dag_id, day, shown)

    real = demo.Airflow.test
    monkeypatch.setattr(demo.Airflow, "test", test)

    assert demo.main() == 1
    assert "NOT EQUAL" in capsys.readouterr().out
