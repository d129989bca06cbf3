# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Run other people's clients against the emulator, and compare what each got with the truth.

    python tests/clients/harness.py --python .venvs/clients/bin/python --mcp FOLDER --node FOLDER

The truth is what the emulated workspace holds. What a client gets wrong is a finding and is printed. The exit code is 1
when the emulator was at fault, which is: it failed, refused a verb, or said of something that a client needs that it is
not emulated. So it is when a client did not run to its end, since all of them do.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, generate_workspace

HERE = Path(__file__).parent
START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
SIZES = {"users": 12, "projects": 60, "entries": 2600, "clients": 56, "tags": 55, "tasks": 70}
WHOLE = "as a whole"
# Asks without looking at the variables that say whom to trust.
OWN_TRUST = ("tap-clockify",)
TRUST = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
PYTHON = (
    "airbyte-cdk",
    "clockify-api-client",
    "clockify-export",
    "clockify-mcp-server",
    "clockify-python-115",
    "clockify-sdk",
    "clockify-timesheet",
    "clockifyclient",
    "dlt",
    "tap-clockify",
)
NOT_RUN = {
    "n8n": "its nodes are one package of hundreds of services, and the trigger runs only inside n8n",
    "clockify-unofficial-sdk": "needs Python 3.14",
    "source-clockify of Airbyte": "needs an older airbyte-cdk; a manifest of ours does the same",
}


@dataclass(frozen=True)
class Finding:
    """One thing that a client asked, and how it compares."""

    client: str
    asked: str
    got: str
    truth: str
    verdict: str


# --- the truth --------------------------------------------------------------------------------------------------------


def entries(workspace: EmulatedWorkspace, user_id: str | None = None, *, whole: bool = False) -> list[str]:
    """Return the finished entries of the month, or of all time, of everybody or of one user."""
    first, last = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    found = workspace.truth_ids(*((first, last) if whole else (START, END)))
    return [key for key in found if user_id in (None, workspace.entries[key].user_id)]


def since(workspace: EmulatedWorkspace) -> list[str]:
    return workspace.truth_ids(START, datetime(2100, 1, 1, tzinfo=UTC))


def tasks(workspace: EmulatedWorkspace, project_id: str | None = None) -> list[str]:
    return [key for key, task in workspace.tasks.items() if project_id in (None, task.project_id)]


TRUTH: Mapping[str, Callable[[EmulatedWorkspace], Sequence[str]]] = {
    "projects": lambda workspace: list(workspace.projects),
    "active projects": lambda w: [key for key, project in w.projects.items() if not project.archived],
    "clients": lambda workspace: list(workspace.clients),
    "tags": lambda workspace: list(workspace.tags),
    "users": lambda workspace: list(workspace.users),
    "tasks": lambda workspace: tasks(workspace, next(iter(workspace.projects))),
    "all tasks": tasks,
    "entries": entries,
    "entries since": since,
    "own entries": lambda workspace: entries(workspace, workspace.owner.id),
    "own entries of all time": lambda workspace: entries(workspace, workspace.owner.id, whole=True),
}


def judge(
    workspace: EmulatedWorkspace, truths: Mapping[str, Any], answer: Mapping[str, Any]
) -> tuple[str, str, str]:
    """Return what a client got, what was true before it wrote anything, and a verdict."""
    question = answer["question"]
    if "error" in answer:
        return answer["error"][:90], "", "failed"
    match question:
        case "seconds":
            truth, got = truths["seconds"], answer["number"]
            return f"{got} s", f"{truth} s", "right" if got == truth else f"off by {got - truth} s"
        case "reads":
            return "an answer", "", "right"
        case "created entry":
            entry = workspace.entries.get(answer["ids"][0])
            start = datetime(2026, 11, 10, 8, tzinfo=UTC).timestamp()
            fits = entry is not None and (entry.start, entry.seconds, entry.description) == (
                start,
                3600,
                "made",
            )
            return "an id", "08:00 to 09:00 UTC", "right" if fits else "another entry"
        case "created tag":
            tag = workspace.tags.get(answer["ids"][0])
            return "an id", "a tag", "right" if tag is not None and tag.name == "made" else "another tag"
        case "deleted project" | "deleted tag":
            there = answer["ids"][0] in workspace.projects | workspace.tags
            return "no error", "deleted", "still there" if there else "right"
        case "approved request":
            approval = workspace.approval_requests.get(answer["ids"][0])
            state = approval.state if approval is not None else "none"
            return "an id", "APPROVED", "right" if state == "APPROVED" else state
    return compare(workspace, answer["ids"], truths[question])


def compare(workspace: EmulatedWorkspace, given: Sequence[str], truth: Sequence[str]) -> tuple[str, str, str]:
    """Compare ids; running timers are in no truth, and no mistake."""
    running = {entry.id for entry in workspace.running_timers()}
    counted = Counter(key for key in given if key not in running)
    wanted = set(truth)
    missing, surplus = len(wanted - counted.keys()), len(counted.keys() - wanted)
    double = sum(counted.values()) - len(counted)
    words = [(missing, "missing"), (surplus, "of another time or kind"), (double, "twice")]
    verdict = ", ".join(f"{number} {word}" for number, word in words if number) or "right"
    return str(sum(counted.values())), str(len(wanted)), verdict


# --- running ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """What one client said, and where the emulator was at fault."""

    findings: list[Finding]
    faults: list[str]
    refusals: list[str]


def describe(emulator: ClockifyEmulator) -> str:
    workspace = emulator.workspace
    return json.dumps(
        {
            "url": emulator.url,
            "key": emulator.api_key,
            "workspace": workspace.id,
            "owner": workspace.owner.id,
            "project": next(iter(workspace.projects)),
            "start": f"{START:%FT%TZ}",
            "end": f"{END:%FT%TZ}",
            "last": "2026-11-30T23:59:59Z",
        }
    )


def run(client: str, command: Sequence[str], paths: Sequence[Path] = ()) -> Run:
    """Run one client against an emulator of its own: over TLS, since some insist on it."""
    with ClockifyEmulator(generate_workspace(**SIZES), tls=client not in OWN_TRUST) as emulator:
        workspace = emulator.workspace
        truths: dict[str, Any] = {name: truth(workspace) for name, truth in TRUTH.items()}
        truths["seconds"] = workspace.truth_seconds(START, END)
        environment = {
            name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
        }
        if emulator.ca_file is not None:
            environment |= dict.fromkeys(TRUST, str(emulator.ca_file))
        environment["PYTHONPATH"] = os.pathsep.join(map(str, paths))
        environment |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "DO_NOT_TRACK": "1"}
        done = subprocess.run(
            command,
            input=describe(emulator),
            capture_output=True,
            text=True,
            env=environment,
            timeout=300,
            check=False,
        )
        answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"asked"')]
        findings = [Finding(client, answer["asked"], *judge(workspace, truths, answer)) for answer in answers]
        if done.returncode != 0 or not answers:
            last = (done.stderr.strip().splitlines() or ["no output"])[-1]
            findings.append(Finding(client, WHOLE, last[:90], "", "failed"))
        faults = [f"{client}: {error!r}" for error in emulator.errors]
        faults += [f"{client} did not run to its end" for each in findings if each.asked == WHOLE]
        emulator.errors.clear()
        seen: Counter[tuple[int, str]] = Counter()
        for request in emulator.requests:
            path = re.sub(r"[0-9a-f]{24}", "…", request.path)
            if request.status is None or request.status >= 400:
                seen[request.status or 0, f"{request.method} {path}"] += 1
        faults += [f"{client}: {code} {what}" for code, what in seen if code >= 500 or code == 405]
        refusals = [
            f"{client}: {code} {what} ({n} times)"
            for (code, what), n in seen.items()
            if code < 500 and code != 405
        ]
        return Run(findings, faults, refusals)


def table(findings: Sequence[Finding]) -> str:
    """Return the findings as a table of text."""
    head = ("client", "what it asked", "got", "truth", "verdict")
    rows = [head, *((f.client, f.asked, f.got, f.truth, f.verdict) for f in findings)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all, print the table, and say whether the emulator was at fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--python", required=True, help="interpreter of the clients' environment")
    parser.add_argument("--mcp", type=Path, required=True, help="folder with clockify-mcp-server")
    parser.add_argument("--node", type=Path, required=True, help="folder with node_modules")
    parser.add_argument("--only", nargs="+", default=[], help="names of clients")
    options = parser.parse_args(arguments)
    runs, missing = [], dict(NOT_RUN)
    for client in PYTHON:
        if not options.only or client in options.only:
            # Two clients bring a package of the same name.
            paths = [options.mcp] if client == "clockify-mcp-server" else []
            runs.append(run(client, [options.python, str(HERE / "drivers.py"), client], paths))
    if not options.only or "clockify-ts" in options.only:
        node = shutil.which("node")
        if node is None or not (options.node / "node_modules" / "clockify-ts").is_dir():
            missing["clockify-ts"] = "node or npm is missing on this machine, or it could not be installed"
        else:
            command = [node, str(HERE / "clockify_ts.cjs"), str(options.node.resolve())]
            runs.append(run("clockify-ts", command))
    findings = [finding for each in runs for finding in each.findings]
    print(table(findings))
    print("\nNot run:")
    for name, reason in missing.items():
        print(f"  {name}: {reason}")
    print("\nWhat the emulator refused, as the service is thought to:")
    for line in [line for each in runs for line in each.refusals] or ["nothing"]:
        print(f"  {line}")
    faults = [fault for each in runs for fault in each.faults]
    print("\nWhat fails this run:")
    for line in faults or ["nothing"]:
        print(f"  {line}")
    right = sum(finding.verdict == "right" for finding in findings)
    print(f"\n{len(findings)} questions of {len(runs)} clients: {right} answers are right.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
