# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Export three consecutive days with the example DAG, then keep them in a DuckDB table, and show what landed.

Both run through Airflow, against the emulator: between two loads of the table somebody edits an entry there and deletes
another. With CLOCKIFY_API_KEY set, against Clockify (CLOCKIFY_REGION, CLOCKIFY_WORKSPACE_ID optional), without edits.
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
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from steps import Steps

from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venvs" / "demo-airflow"
OUTPUT = ROOT / "demo-output"
EXPORT = "example_clockify_daily_export"
LOAD = "demo_clockify_table"
DAYS = 3
console = Console(width=min(Console().width, 80), highlight=False)
# Of a table's row: start and seconds as whole numbers, currency, amount.
Held = dict[str, tuple[int, int, str | None, Decimal]]


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
        console.rule("[bold]Clockify provider: three daily runs, and a table")
        console.print(source.title)
        # Airflow's database, a run for each day, and one or two loads of the table.
        steps = stack.enter_context(Steps(console, 1 + DAYS + (1 if source.emulator is None else 2)))
        airflow = Airflow(source, steps)
        steps.begin("Preparing Airflow's database")
        airflow.run("db", "migrate")
        for day in source.days:
            airflow.test(EXPORT, day, "Exported ")
        is_right = show_files(source)
        return 0 if is_right & show_table(source, airflow) else 1


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

    def __init__(self, source: Source, steps: Steps) -> None:
        self._steps = steps
        for folder in (HOME, OUTPUT):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self._secrets = source.secrets
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        self._environment = {
            **inherited,
            "AIRFLOW_HOME": str(HOME),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW_CONN_CLOCKIFY_DEFAULT": source.connection,
            "AIRFLOW_VAR_CLOCKIFY_OUTPUT": str(OUTPUT),
            "AIRFLOW_CONN_WAREHOUSE": json.dumps({"conn_type": "duckdb", "host": str(warehouse())}),
        }

    def test(self, dag_id: str, day: datetime, shown: str) -> None:
        """Run a DAG for a day, and show the lines of its log that begin with a word."""
        date = f"{day + timedelta(days=1):%Y-%m-%d}"
        self._steps.begin(f"airflow dags test {dag_id} {date}")
        folder = ROOT / ("scripts/demo_dags" if dag_id == LOAD else "dags_examples")
        log = self.run("dags", "test", dag_id, date, AIRFLOW__CORE__DAGS_FOLDER=str(folder))
        if console.is_terminal:  # Elsewhere the step has said it.
            console.print(f"[bold]airflow dags test {dag_id} {date}")
        for line in log.splitlines():
            if shown in line:
                console.print("  " + line[line.index(shown) :].split(" [airflow")[0], style="green")

    def run(self, *arguments: str, **environment: str) -> str:
        """Run a command of Airflow; return its output."""
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env={**self._environment, **environment},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if done.returncode:
            text = done.stdout
            for secret in self._secrets:
                text = text.replace(secret, "***")
            console.print(text, markup=False)
            raise SystemExit(f"airflow {' '.join(arguments)} failed; its output is above.")
        return done.stdout


def warehouse() -> Path:
    """Return where the table is."""
    return OUTPUT / "warehouse.duckdb"


def show_files(source: Source) -> bool:
    """Show files, rows and the comparison with what the workspace holds."""
    files = Table(title="What landed")
    for name in ("file", "rows", "bytes"):
        files.add_column(name, justify="left" if name == "file" else "right")
    rows: list[dict] = []
    for path in sorted(OUTPUT.rglob("*.jsonl")):
        found = [json.loads(line) for line in path.read_bytes().splitlines()]
        files.add_row(str(path.relative_to(OUTPUT.parent)), f"{len(found):,}", f"{path.stat().st_size:,}")
        rows += found
    console.print(files)
    sample = Table(title="A few rows")
    for name, width in (("start, UTC", 16), ("s", 5), ("user", 14), ("project", 16), ("amount", 12)):
        sample.add_column(name, overflow="ellipsis", no_wrap=True, width=width)
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
        return True
    truth = source.emulator.workspace.truth_ids(source.days[0], source.days[-1] + timedelta(days=1))
    ids = [row["_id"] for row in rows]
    equal = sorted(ids) == sorted(truth)
    console.print(
        f"{len(ids):,} rows, {len(set(ids)):,} distinct ids, {len(truth):,} entries in the workspace "
        "for these days: "
        + ("[bold green]equal, none missing, none twice." if equal else "[bold red]NOT EQUAL.")
    )
    console.print(f"Requests that the emulator counted: {source.emulator.count()}.")
    return equal


def show_table(source: Source, airflow: Airflow) -> bool:
    """Load the three days into a table, again after edits, and compare it with what the workspace holds."""
    console.rule("[bold]The same three days in a table of DuckDB")
    airflow.test(LOAD, source.days[-1], "Loaded ")
    if source.emulator is None:
        show_sums({"table": held()})
        return True
    workspace = source.emulator.workspace
    before = truth_of(workspace, source.days)
    first = held()
    edited, deleted = sorted(before)[:2]
    workspace.update_entry(edited, end=datetime.fromtimestamp(workspace.entries[edited].end + 45 * 60, UTC))
    workspace.delete_entry(deleted)
    console.print("In Clockify, somebody makes an entry 45 minutes longer and deletes another one.")
    airflow.test(LOAD, source.days[-1], "Loaded ")
    truth, second = truth_of(workspace, source.days), held()
    show_sums({"table, first run": first, "table, second run": second, "workspace now": truth})
    equal = first == before and second == truth and truth != before
    console.print(
        "The table and the workspace, row by row: "
        + ("[bold green]equal after each run." if equal else "[bold red]NOT EQUAL.")
    )
    return equal


def held() -> Held:
    """Return what the table holds."""
    import duckdb

    with duckdb.connect(str(warehouse()), read_only=True) as database:
        rows = database.execute(
            "SELECT id, epoch(start)::BIGINT, duration_seconds, currency, amount FROM time_entries"
        ).fetchall()
    found: Held = {key: tuple(row) for key, *row in rows}
    assert len(found) == len(rows), "an id is there twice"
    return found


def truth_of(workspace: Any, days: list[datetime]) -> Held:
    """Return what the table has to hold, from the workspace's own data; running timers are not in it."""
    start, end = days[0].timestamp(), (days[-1] + timedelta(days=1)).timestamp()
    found: Held = {}
    for each in workspace.entries.values():
        if each.end is None or not start <= each.start < end:
            continue
        seconds = each.end - each.start
        amount = Decimal(seconds * each.hourly_rate if each.billable else 0) / 3600 / 100
        found[each.id] = (each.start, seconds, each.currency, round(amount, 8))
    return found


def show_sums(columns: dict[str, Held]) -> None:
    """Show rows, seconds and amounts per currency, side by side."""
    sums: dict[str, dict[str, str]] = {}
    for name, rows in columns.items():
        found: dict[str, Decimal] = {}
        for _, _, currency, amount in rows.values():
            found[currency or ""] = found.get(currency or "", Decimal(0)) + (amount or 0)
        sums[name] = {
            "rows": f"{len(rows):,}",
            "seconds": f"{sum(row[1] for row in rows.values()):,}",
            **{f"amount, {code}": f"{amount:,.2f}" for code, amount in sorted(found.items())},
        }
    table = Table()
    table.add_column("")
    for name in sums:
        table.add_column(name, justify="right")
    for label in dict.fromkeys(label for each in sums.values() for label in each):
        table.add_row(label, *(each.get(label, "") for each in sums.values()))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
