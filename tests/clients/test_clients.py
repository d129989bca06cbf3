# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Whether the comparison of other people's clients sees what they get wrong, and where the emulator is at fault."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_clockify.testing import EmulatedWorkspace
from tests.clients import harness

DAY = datetime(2026, 11, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)

# Asks for a path, and says that the workspace has no project.
SCRIPT = """
import json, ssl, sys, urllib.error, urllib.request
given = json.load(sys.stdin)
url = f"{given['url']}/api/v1/workspaces/{given['workspace']}/" + sys.argv[1]
request = urllib.request.Request(url, method=sys.argv[2], headers={"X-Api-Key": given["key"]})
try:
    urllib.request.urlopen(request, context=ssl.create_default_context())
except urllib.error.HTTPError as error:
    error.close()
print(json.dumps({"asked": "projects", "question": "projects", "ids": []}))
"""


@pytest.fixture
def workspace():
    made = EmulatedWorkspace()
    made.add_user("Olga")
    return made


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ("ab", "right"),
        ("abt", "right"),
        ("a", "1 missing"),
        ("abb", "1 twice"),
        ("abx", "1 of another time or kind"),
        ("axx", "1 missing, 1 of another time or kind, 1 twice"),
    ],
)
def test_comparison(workspace, given, verdict):
    timer = workspace.start_timer(start=DAY).id
    ids = [timer if letter == "t" else letter for letter in given]
    assert harness.compare(workspace, ids, ["a", "b"])[2] == verdict


def test_what_was_made_is_looked_at(workspace):
    made = workspace.add_entry(
        start=datetime(2026, 11, 10, 8, tzinfo=UTC),
        end=datetime(2026, 11, 10, 9, tzinfo=UTC),
        description="made",
    )
    other = workspace.add_entry(start=DAY, end=DAY + HOUR, description="made")

    def verdict(question, **answer):
        return harness.judge(workspace, {"seconds": 10}, {"question": question, **answer})[2]

    assert verdict("created entry", ids=[made.id]) == "right"
    assert verdict("created entry", ids=[other.id]) == verdict("created entry", ids=["x"]) == "another entry"
    project = workspace.add_project("Web")
    assert verdict("deleted project", ids=[project.id]) == "still there"
    assert verdict("deleted project", ids=["x"]) == "right"
    assert verdict("seconds", number=10) == "right"
    assert verdict("seconds", number=8) == "off by -2 s"
    assert verdict("projects", error="ValueError") == "failed"


@pytest.mark.parametrize(
    ("path", "method", "faults", "refusals"),
    [
        ("projects", "GET", 0, 0),
        ("projects/x", "GET", 0, 1),
        ("unicorns", "GET", 0, 1),
        ("holidays", "POST", 1, 0),
        ("projects/x/tasks", "PATCH", 1, 0),
    ],
)
def test_faults_are_told_from_refusals(path, method, faults, refusals):
    result = harness.run("a client", [sys.executable, "-c", SCRIPT, path, method])
    assert [finding.verdict for finding in result.findings] == ["60 missing"]
    assert (len(result.faults), len(result.refusals)) == (faults, refusals)


def test_a_client_that_breaks_fails_the_run():
    result = harness.run("a client", [sys.executable, "-c", "raise SystemExit('broken')"])
    assert (result.findings[0].got, result.findings[0].verdict) == ("broken", "failed")
    assert result.faults == ["a client did not run to its end"]


def test_the_packages_of_the_list_are_pinned():
    folder = harness.HERE.parents[1] / "requirements"
    names = {
        line.split("==")[0]
        for name in ("clients.txt", "clients-mcp.txt")
        for line in (folder / name).read_text(encoding="utf-8").splitlines()
    }
    assert set(harness.PYTHON) <= names
    assert list(json.loads((harness.HERE / "package.json").read_text())["dependencies"]) == ["clockify-ts"]
