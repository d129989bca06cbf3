# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Run the example DAG of the daily export for three consecutive days, through Airflow, and show what landed.

Against the emulator; with CLOCKIFY_API_KEY set, against Clockify (CLOCKIFY_REGION, CLOCKIFY_WORKSPACE_ID optional).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venvs" / "demo-airflow"
OUTPUT = ROOT / "demo-output"
DAG_ID = "example_clockify_daily_export"
DAYS = 3
console = Console(width=min(Console().width, 140), highlight=False)


@dataclass
class Source:
    """Where the entries come from."""

    connection: str
    days: list[datetime]
    title: str
    emulator: ClockifyEmulator | None = None
    secrets: list[str] = field(default_factory=list)


def main() -> int:
    with ExitStack() as stack:
        source = live() if os.environ.get("CLOCKIFY_API_KEY") else emulated(stack)
        console.rule("[bold]Clockify provider: three daily runs")
        console.print(source.title)
        airflow = Airflow(source)
        console.print("Preparing Airflow's database (about 10 s) …")
        airflow.run("db", "migrate")
        for day in source.days:
            console.print(
                f"[bold]airflow dags test {DAG_ID} {day + timedelta(days=1):%Y-%m-%d}[/] (about 10 s) …"
            )
            log = airflow.run("dags", "test", DAG_ID, f"{day + timedelta(days=1):%Y-%m-%d}")
            for line in log.splitlines():
                if "Exported " in line:
                    console.print("  " + line[line.index("Exported ") :].split(" [airflow")[0], style="green")
        return show(source)


def emulated(stack: ExitStack) -> Source:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    workspace = generate_workspace(
        users=20, entries=20_000, start=start, end=datetime(2026, 12, 1, tzinfo=UTC)
    )
    emulator = stack.enter_context(ClockifyEmulator(workspace))
    return Source(
        connection=emulator.connection_json(),
        days=[start + timedelta(days=number) for number in range(3, 3 + DAYS)],
        title=f"Emulated workspace: {len(workspace.users)} users, 20,000 entries in November 2026, at {emulator.url}",
        emulator=emulator,
    )


def live() -> Source:
    key = os.environ["CLOCKIFY_API_KEY"]
    extra = {
        "region": os.environ.get("CLOCKIFY_REGION"),
        "workspace_id": os.environ.get("CLOCKIFY_WORKSPACE_ID"),
    }
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Source(
        connection=json.dumps({"conn_type": "clockify", "password": key, "extra": extra}),
        days=[today - timedelta(days=number) for number in range(DAYS, 0, -1)],
        title="Your Clockify workspace, the last three complete UTC days",
        secrets=[key],
    )


class Airflow:
    """The command line of an Airflow with a home of its own."""

    def __init__(self, source: Source) -> None:
        for folder in (HOME, OUTPUT):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self._secrets = source.secrets
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        self._environment = {
            **inherited,
            "AIRFLOW_HOME": str(HOME),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags_examples"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW_CONN_CLOCKIFY_DEFAULT": source.connection,
            "AIRFLOW_VAR_CLOCKIFY_OUTPUT": str(OUTPUT),
        }

    def run(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "airflow", *arguments]
        done = subprocess.run(
            command, env=self._environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if done.returncode:
            text = done.stdout
            for secret in self._secrets:
                text = text.replace(secret, "***")
            console.print(text, markup=False)
            raise SystemExit(f"airflow {' '.join(arguments)} failed; its output is above.")
        return done.stdout


def show(source: Source) -> int:
    """Show files, rows and the comparison with what the workspace holds."""
    files = Table(title="What landed")
    for name in ("file", "rows", "bytes"):
        files.add_column(name, justify="left" if name == "file" else "right")
    rows: list[dict] = []
    for path in sorted(OUTPUT.rglob("*.jsonl")):
        found = [json.loads(line) for line in path.read_bytes().splitlines()]
        files.add_row(str(path.relative_to(ROOT)), f"{len(found):,}", f"{path.stat().st_size:,}")
        rows += found
    console.print(files)
    sample = Table(title="A few rows")
    for name, width in (("start, UTC", 16), ("s", 5), ("user", 12), ("project", 12), ("amount", 12)):
        sample.add_column(name, overflow="ellipsis", no_wrap=True, min_width=width)
    for row in rows[:: max(1, len(rows) // 6)][:6]:
        interval = row["timeInterval"]
        sample.add_row(
            interval["start"][:16].replace("T", " "),
            str(interval["duration"]),
            row.get("userName") or "",
            row.get("projectName") or "",
            f"{(row.get('amount') or 0) / 100:.2f} {row.get('currency') or ''}",
        )
    console.print(sample)
    if source.emulator is None:
        return 0
    truth = source.emulator.workspace.truth_ids(source.days[0], source.days[-1] + timedelta(days=1))
    ids = [row["_id"] for row in rows]
    equal = sorted(ids) == sorted(truth)
    console.print(
        f"{len(ids):,} rows, {len(set(ids)):,} distinct ids, {len(truth):,} entries in the workspace for these days: "
        + ("[bold green]equal, none missing, none twice." if equal else "[bold red]NOT EQUAL.")
    )
    console.print(f"Requests that the emulator counted: {source.emulator.count()}.")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
