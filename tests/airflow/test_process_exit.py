# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Whatever happens to a read, its threads end with it, and the interpreter ends when its script does.

Each test is a process of its own that reads windows of three chunks again and again, while entries are edited, the key
is refused, the consumer leaves, or the task is told to stop.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[1] / "support" / "exit_run.py"
# Seconds; the script ends itself long before, and says where its threads were.
LIMIT = 300
EDITS = ["nothing", "deleted early", "deleted late", "moved later", "moved earlier"]
# A read has twelve requests: four pages of each chunk.
REQUESTS = range(2, 12)


def reads(what: Sequence[str], how: str, folder: Path, requests: Iterable[int]) -> dict[str, set[Any]]:
    """Run reads in a process, which must end, as must all threads; return what came of each kind of read."""
    plan = json.dumps({"what": what, "how": how, "folder": str(folder), "requests": list(requests)})
    command = [sys.executable, str(SCRIPT), plan]
    process = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    assert process.returncode == 0, process.stdout[-2000:] + process.stderr[-8000:]
    found = json.loads(process.stdout.splitlines()[-1])
    assert [read for read in found if read["threads"]] == []
    return {name: {read["outcome"] for read in found if read["what"] == name} for name in what}


@pytest.mark.parametrize("how", ["hook", "operator"])
def test_a_script_ends_in_spite_of_edits_and_refusals(how: str, tmp_path: Path) -> None:
    came = reads([*EDITS, "key refused"], how, tmp_path, (2, 3, 5, 6, 9))
    assert came.pop("key refused") <= {"ClockifyAuthError", "AirflowFailException"}
    assert came.pop("nothing") == {240}
    for edit, outcomes in came.items():
        # What is deleted after the last request is still there.
        assert outcomes <= ({239, 240} if edit.startswith("deleted") else {240}), edit


def test_a_script_ends_whose_consumer_does_not_read_on(tmp_path: Path) -> None:
    assert reads(["consumer fails", "consumer leaves", "consumer forgets"], "hook", tmp_path, (2, 8, 9)) == {
        "consumer fails": {"ValueError"},
        "consumer leaves": {"closed"},
        "consumer forgets": {20, 80, 90},
    }


@pytest.mark.parametrize("how", ["hook", "operator"])
@pytest.mark.parametrize(("what", "error"), [("SIGTERM", "SystemExit"), ("time-out", "TimeOut")])
def test_a_script_ends_that_is_told_to_stop(what: str, error: str, how: str, tmp_path: Path) -> None:
    came = reads([what], how, tmp_path, REQUESTS)
    # At the last requests it may come too late.
    assert error in came[what]
    assert came[what] <= {error, 240}


@pytest.mark.usefixtures("airflow_database")
def test_a_dag_test_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Without the examples, which Airflow 3 would parse before each run.
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(Path(__file__).parent / "dags"))
    what = ["nothing", "deleted early", "moved later", "key refused", "time-out of a hanging request"]
    came = reads(what, "dag", tmp_path, [3, 5])
    # Airflow 2 lets it through, out of dag.test().
    assert came.pop("time-out of a hanging request") in ({"failed"}, {"AirflowTaskTimeout"})
    assert came == {
        "nothing": {"success"},
        "deleted early": {"success"},
        "moved later": {"success"},
        "key refused": {"failed"},
    }
