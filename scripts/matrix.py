# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Run the Airflow-level tests on every supported Airflow and Python, and show a table at the end.

``python scripts/matrix.py [LINE …]``, a line being ``3.1.8``, ``3.1.8:3.12``, ``lowest``, with every test and not only
those of Airflow ``3.1.8:3.12:all``, or with the quick ones among these ``3.1.8:3.12:core``. Without one: all lines.
Needs nothing but the standard library.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ROOT / "requirements" / "versions.txt"
# Discovery, form, links, runs of every example, bad input, event trigger: what differs between versions, in a minute.
CORE = [
    f"tests/airflow/test_{name}.py"
    for name in ("bad_input", "event_trigger", "example_dags", "links", "provider", "retry_policy", "runs")
]
# As in the Makefile, which passes WORKERS on.
PARALLEL = [f"--numprocesses={os.environ.get('WORKERS', '4')}", "--dist=worksteal"]
TESTS = {"": "Airflow", "core": "core", "all": "every"}
FOR_OTHER_TARGETS = ("-s3", "-celery")  # have their own make targets


@dataclass
class Line:
    """One Airflow with one Python, and how its tests ended."""

    name: str
    python: str
    tests: str = ""
    outcome: str = ""
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)


def main(wanted: Sequence[str]) -> int:
    lines = chosen(all_lines(), wanted)
    for line in lines:
        interpreter = find_interpreter(line.python)
        if interpreter is None:
            line.outcome = "no interpreter"
        else:
            run(line, interpreter)
    print_table(lines)
    # Whoever names a line wants it run; whoever names none takes what the machine has.
    bad = {"failed", "no environment"} | ({"no interpreter"} if wanted else set())
    if all(line.outcome == "no interpreter" for line in lines):
        print("Nothing was tested: no interpreter was found.")
        return 1
    return int(any(line.outcome in bad for line in lines))


def all_lines() -> list[Line]:
    rows = (
        row.split() for row in VERSIONS.read_text(encoding="utf-8").splitlines() if not row.startswith("#")
    )
    return [
        Line(name, python)
        for name, _, _, *pythons in rows
        for python in pythons
        if not name.endswith(FOR_OTHER_TARGETS)
    ]


def chosen(lines: Sequence[Line], wanted: Sequence[str]) -> list[Line]:
    """
    Pick lines by name, in the order in which they were named.

    :raises SystemExit: for a line that does not exist.
    """
    if not wanted:
        return list(lines)
    picked = []
    for text in wanted:
        name, _, rest = text.partition(":")
        python, _, tests = rest.partition(":")
        found = [
            Line(line.name, line.python, tests)
            for line in lines
            if line.name in (name, f"airflow-{name}") and python in ("", line.python)
        ]
        if not found or tests not in TESTS:
            known = " ".join(f"{line.name.removeprefix('airflow-')}:{line.python}" for line in lines)
            raise SystemExit(f"There is no line {text}; use one of {known}, or add ':all' or ':core'.")
        picked += found
    return picked


def find_interpreter(minor: str) -> str | None:
    """Find a Python on the path, among pyenv's, or through uv; never download one."""
    for candidate in candidates(minor):
        check = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
        try:
            done = subprocess.run([candidate, "-c", check], capture_output=True, text=True, cwd="/")
        except OSError:
            continue
        if done.returncode == 0 and done.stdout.strip() == minor:
            return candidate
    return None


def candidates(minor: str) -> Iterator[str]:
    for name in (f"python{minor}", "python3"):
        if path := shutil.which(name):
            yield path
    if pyenv := shutil.which("pyenv"):
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True).stdout.strip()
        yield from map(str, sorted(Path(root).glob(f"versions/{minor}.*/bin/python"), reverse=True))
    if uv := shutil.which("uv"):
        command = [uv, "python", "find", "--no-python-downloads", minor]
        if path := subprocess.run(command, capture_output=True, text=True).stdout.strip():
            yield path


def run(line: Line, interpreter: str) -> None:
    """Make the environment if it is not there, and run the tests in it."""
    what = f"{TESTS[line.tests]} tests"
    print(f"== {line.name}, Python {line.python}: {what}", flush=True)
    folder = Path(".venvs") / f"{line.name}-py{line.python}"
    began = time.monotonic()
    if subprocess.run(["scripts/environment.sh", line.name, interpreter, str(folder)], cwd=ROOT).returncode:
        line.outcome = "no environment"
        return
    with TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        level = {"all": [], "core": CORE}.get(line.tests, ["-m", "airflow and not stack"])
        command = [
            folder / "bin" / "python",
            "-m",
            "pytest",
            "-q",
            *PARALLEL,
            f"--junit-xml={report}",
            *level,
        ]
        # What pytest makes of the tests is kept, whatever the machine says.
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""})
        line.counts = read_counts(report)
    line.seconds = time.monotonic() - began
    line.outcome = "passed" if done.returncode == 0 and line.counts.get("passed") else "failed"


def read_counts(report: Path) -> dict[str, int]:
    """Read from pytest's report how many tests ended how."""
    if not report.is_file():
        return {}
    (suite,) = ElementTree.parse(report).getroot().iter("testsuite")
    tests, skipped, failed, errors = (
        int(suite.get(name, 0)) for name in ("tests", "skipped", "failures", "errors")
    )
    return {"passed": tests - skipped - failed - errors, "failed": failed + errors, "skipped": skipped}


def print_table(lines: Sequence[Line]) -> None:
    kinds = ("passed", "failed", "skipped")
    heads = "".join(f"{head:>9}" for head in (*kinds, "seconds"))
    print(f"\n{'environment':<16}{'Python':<8}{'tests':<9}{'outcome':<16}{heads}")
    for line in lines:
        counts = "".join(f"{line.counts.get(kind, '-'):>9}" for kind in kinds)
        tests = TESTS[line.tests]
        print(f"{line.name:<16}{line.python:<8}{tests:<9}{line.outcome:<16}{counts}{line.seconds:>9.0f}")
    passed, failed, skipped = (sum(line.counts.get(kind, 0) for line in lines) for kind in kinds)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
