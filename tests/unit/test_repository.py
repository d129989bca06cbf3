# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What a code host reads of this repository does what it says."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z0-9-]+):.*## ", MAKEFILE, re.M))
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text("utf-8")) for path in ROOT.glob(".github/workflows/*.yml")
}


def calls(workflow: str) -> list[list[str]]:
    """Return the words after each "make" of a workflow, those of its matrix included."""
    found = []
    for job in WORKFLOWS[workflow]["jobs"].values():
        matrix = job.get("strategy", {}).get("matrix", {})
        found += matrix.get("target", [each["target"] for each in matrix.get("include", [])])
        for step in job["steps"]:
            if step.get("run", "").startswith("make "):
                found.append(step["run"].removeprefix("make "))
    return [shlex.split(each) for each in found]


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_workflows_call_targets_of_the_makefile(workflow: str) -> None:
    assert calls(workflow)
    for words in calls(workflow):
        assert {word for word in words if "=" not in word} <= TARGETS


def test_the_workflow_of_a_change_does_what_ci_run_does() -> None:
    lanes = re.findall(r'"make ([^"]+)"', (ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    assert lanes
    covered = [word for words in calls("ci") for word in words]
    for lane in lanes:
        # A choice of folders is less than the workflow runs.
        assert {word for word in shlex.split(lane) if not word.startswith("TESTS=")} <= set(covered), lane


def test_hooks_before_a_commit_are_what_is_checked_later() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (own,) = config["repos"]
    assert own["repo"] == "local"
    assert {hook["entry"].removeprefix("make ") for hook in own["hooks"]} == {"check", "check-repository"}


def test_badges_are_true() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pythons = sorted(
        (each.rpartition(" ")[2] for each in project["classifiers"] if re.search(r"Python :: 3\.\d+$", each)),
        key=lambda version: int(version.split(".")[1]),
    )
    tested = re.findall(
        r"^airflow-(\d+)\.(\d+)", (ROOT / "requirements" / "versions.txt").read_text(encoding="utf-8"), re.M
    )
    first, *_, last = sorted({(int(major), int(minor)) for major, minor in tested})
    badges = dict(re.findall(r"!\[[^\]]*\]\(https://img\.shields\.io/badge/(\w+)-(\S+)-\w+\)", readme))
    assert {name: unquote(text) for name, text in badges.items()} == {
        "Airflow": f"{first[0]}.{first[1]}–{last[0]}.{last[1]}",  # noqa: RUF001 - a range
        "Python": f"{pythons[0]}–{pythons[-1]}",  # noqa: RUF001
        "License": project["license"].replace("-", "--"),
    }


def test_nobody_is_named_as_an_owner_without_having_asked_for_it() -> None:
    lines = (ROOT / ".github" / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
