# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Load rows into PostgreSQL: this package, Airflow's ``insert_rows``, and dlt's ``merge``; then which of them are exact.

Starts PostgreSQL on a free port of the loopback interface, below a temporary folder, and ends it by process id. The
rows lie in files before the clock starts, so that no service is measured. Each load is a process of its own: first into
an empty table, then the same rows again into the full one. Ends with 1 if a target is missed or a load of this package
is not exact.

    python benchmarks/tables.py [--rows 200000] [--only clockify] [--tools .venvs/bench/bin/python] [--profile]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "benchmarks" / "pipeline")]

from usage import Stopwatch, peak_mb, report, specification  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DAY = timedelta(days=1)
MONTH = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
# What is multiplied: entries as the service sends them.
SAMPLE = 20_000
TOOLS = {
    "clockify": "this package",
    "insert_rows": "DELETE of the window, then Airflow's insert_rows(replace=True)",
    "dlt": "dlt's merge by id",
}
TARGET_RATE, TARGET_MB = 15_000, 100
# What the rows of all tools are compared by.
COMPARED = "id, extract(epoch FROM start)::bigint, duration_seconds::bigint, description, amount::numeric"
TIMES = ("start", "end")
JSON = ("tag_ids", "tag_names", "custom_fields")
PATIENCE = 60.0


# --- what is measured, in processes of their own ---------------------------------------------------------------------


class StoppedError(Exception):
    """The load was told to stop half way."""


def rows_of(step: dict[str, Any], path: Path) -> Iterator[Any]:
    """Return the lines of a file; half way, stop or wait as the step says."""
    half = step.get("half")
    with path.open("rb") as lines:
        for number, line in enumerate(lines):
            if half and number == step["rows"] // 2:
                if half == "stop":
                    raise StoppedError
                Path(half).touch()
                deadline = time.monotonic() + 2 * PATIENCE
                while Path(half).exists() and time.monotonic() < deadline:
                    time.sleep(0.05)
            yield line


def values_of(step: dict[str, Any]) -> Iterator[Any]:
    """Return the values of a step's rows as a load of this package gets them: column by column, in batches."""
    from airflow_provider_clockify.columns.detailed_columns import DETAILED
    from airflow_provider_clockify.transfers._reading import rows_of_file

    path = Path(step["raw"])
    if not step.get("half"):
        yield from rows_of_file(path, DETAILED)
        return
    for line in rows_of(step, path):
        yield DETAILED.columns_of([line])


def by_clockify(step: dict[str, Any], given: dict[str, Any]) -> None:
    """Load with this package."""
    import psycopg

    from airflow_provider_clockify.columns.detailed_columns import DETAILED
    from airflow_provider_clockify.tables.ledger import Sums
    from airflow_provider_clockify.tables.postgres_database import PostgresDatabase
    from airflow_provider_clockify.tables.replacing import Part, TableLoad, load_table
    from airflow_provider_clockify.tables.statements import Shape, TableName
    from airflow_provider_clockify.window import Window

    window = Window(*map(datetime.fromisoformat, step["window"]))
    sums = step.get("sums")
    expected = sums and Sums(
        step["rows"],
        Decimal(sums["seconds"]),
        {code: Decimal(text) for code, text in sums["amounts"].items()},
    )
    part = Part(window, datetime.fromisoformat(step["read_at"]), lambda: values_of(step), expected)
    shape = Shape.of(DETAILED.columns, position="start", id_column="id")
    load = TableLoad(TableName(step["table"], "clockify"), shape, "w", step["read_at"], [part])
    load_table(lambda: PostgresDatabase(psycopg.connect(given["address"])), load)


def by_insert_rows(step: dict[str, Any], given: dict[str, Any]) -> None:
    """Load as one would with Airflow alone, into the same table: the window is deleted, then rows are upserted."""
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    from airflow_provider_clockify.columns.detailed_columns import DETAILED
    from airflow_provider_clockify.tables.postgres_database import POSTGRESQL
    from airflow_provider_clockify.tables.statements import Shape, TableName, definitions

    os.environ["AIRFLOW_CONN_WAREHOUSE"] = given["address"].replace("postgresql", "postgres", 1)
    hook = PostgresHook("warehouse")
    name = TableName(step["table"], "insert_rows")
    shape = Shape.of(DETAILED.columns, position="start", id_column="id")
    if not hook.get_first("SELECT to_regclass(%s)", (name.sql,))[0]:
        hook.run(definitions(POSTGRESQL, name, shape))
    start, end = step["window"]
    hook.run(f"DELETE FROM {name.sql} WHERE start >= %s AND start < %s", parameters=(start, end))

    def rows() -> Iterator[tuple[Any, ...]]:
        for batch in values_of(step):
            for row in zip(*batch, strict=True):
                # The hook makes JSON of lists, which no array takes.
                yield (*(array_of(each) if isinstance(each, list) else each for each in row), *own)

    own = ("w", step["read_at"], "run")

    fields = [each.name for each in shape.all_columns]
    hook.insert_rows(
        name.sql,
        rows(),
        [f'"{each}"' for each in fields],
        replace=True,
        replace_index=['"_workspace_id"', '"id"'],
    )


def array_of(texts: Sequence[str]) -> str:
    """Return a text of PostgreSQL's arrays."""
    return "{" + ",".join(json.dumps(each, ensure_ascii=False) for each in texts) + "}"


def by_dlt(step: dict[str, Any], given: dict[str, Any]) -> None:
    """Load with dlt, rows whole, in as many processes as there are cores."""
    home = Path(tempfile.mkdtemp(dir=given["folder"]))
    os.environ.update(
        DLT_PROJECT_DIR=str(home),
        DLT_DATA_DIR=str(home / "data"),
        RUNTIME__DLTHUB_TELEMETRY="false",
        RUNTIME__LOG_LEVEL="CRITICAL",
        DATA_WRITER__FILE_MAX_ITEMS="25000",
        NORMALIZE__WORKERS=str(os.cpu_count() or 1),
    )
    import dlt
    import orjson
    from dlt.pipeline.exceptions import PipelineStepFailed

    def rows() -> Iterator[Any]:
        some = []
        for line in rows_of(step, Path(step["flat"])):
            some.append(orjson.loads(line))
            if len(some) == 1000 or step.get("half"):
                yield some
                some = []
        if some:
            yield some

    hints = {
        **{name: {"data_type": "timestamp"} for name in TIMES},
        **{name: {"data_type": "json"} for name in JSON},
        "amount": {"data_type": "decimal"},
        "duration_seconds": {"data_type": "bigint"},
    }
    resource = dlt.resource(
        rows(),
        name=step["table"],
        write_disposition="merge",
        primary_key="id",
        columns=hints,
        max_table_nesting=0,
    )
    pipeline = dlt.pipeline(
        home.name,
        pipelines_dir=str(home / "pipelines"),
        destination=dlt.destinations.postgres(given["address"]),
        dataset_name="dlt",
    )
    try:
        pipeline.run(resource)
    except PipelineStepFailed:
        if step.get("half") != "stop":
            raise
        raise StoppedError from None


def job() -> None:
    """Load the steps that the specification names, and report what they cost together."""
    given = specification()
    load = {"clockify": by_clockify, "insert_rows": by_insert_rows, "dlt": by_dlt}[given["tool"]]
    import_of(given["tool"])
    # The peak until now was that of importing.
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    before, watch = peak_mb(), Stopwatch()
    for step in given["steps"]:
        try:
            load(step, given)
        except StoppedError:
            continue
    report(**watch.read(), above=round(peak_mb() - before, 1))


def import_of(tool: str) -> None:
    """Import what a tool needs, which is not measured."""
    if tool == "dlt":
        import dlt
        import dlt.destinations.impl.postgres.postgres  # noqa: F401
        import orjson  # noqa: F401
        import psycopg2  # noqa: F401
    else:
        import psycopg  # noqa: F401

        import airflow_provider_clockify.tables.postgres_database
        import airflow_provider_clockify.tables.replacing
        import airflow_provider_clockify.transfers._reading  # noqa: F401
    if tool == "insert_rows":
        import airflow.providers.postgres.hooks.postgres  # noqa: F401


# --- the runner -------------------------------------------------------------------------------------------------------


class Bench:
    """
    The server, the files of rows, and processes that load them.

    :param folder: For everything; removed by the caller.
    :param options: Of the command line.
    """

    def __init__(self, folder: Path, options: argparse.Namespace, server: Any) -> None:
        self.folder = folder
        self.options = options
        self.server = server
        # The server asks for no password, but dlt does.
        self.address = f"postgresql://airflow:any@127.0.0.1:{server.port}/bench"
        self._number = 0

    def start(self, tool: str, *steps: dict[str, Any]) -> tuple[subprocess.Popen[bytes], Path]:
        """Start a process that loads steps."""
        self._number += 1
        given, told = (self.folder / f"{self._number}.{name}" for name in ("given", "told"))
        specified = {"tool": tool, "address": self.address, "folder": str(self.folder), "steps": steps}
        given.write_text(json.dumps(specified), encoding="utf-8")
        python = self.options.tools if tool == "dlt" else sys.executable
        command = [str(python), __file__, str(given), str(told)]
        if self.options.profile:
            command[1:1] = ["-m", "cProfile", "-s", "tottime"]
        environment = {**os.environ, "AIRFLOW_HOME": str(self.folder / "airflow"), "BENCH_TABLES_JOB": "1"}
        output = None if self.options.profile else subprocess.DEVNULL
        return subprocess.Popen(command, env=environment, stdout=output), told

    def run(self, tool: str, *steps: dict[str, Any]) -> dict[str, float]:
        """Load steps in a process, and return what it reported."""
        return self.end(*self.start(tool, *steps))

    def end(self, process: subprocess.Popen[bytes], told: Path) -> dict[str, float]:
        """Wait for a process, and return what it reported."""
        if process.wait(3600):
            raise RuntimeError("a load failed; its output is above")
        return dict(json.loads(told.read_text(encoding="utf-8")))

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the server."""
        with closing(self.server.connect("bench")) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def clear(self, tool: str) -> None:
        """Remove all that a tool has in the database."""
        with closing(self.server.connect("bench")) as connection, connection.cursor() as cursor:
            for schema in (tool, f"{tool}_staging"):
                cursor.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
            cursor.execute(f'CREATE SCHEMA "{tool}"')

    def step(self, table: str, name: str, rows: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """Write rows into the files of a step."""
        raw, flat = self.folder / f"{name}.raw", self.folder / f"{name}.flat"
        if not raw.exists():
            lines = [json.dumps(row).encode() + b"\n" for row in rows]
            raw.write_bytes(b"".join(lines))
            flat.write_bytes(b"".join(flattened(lines)))
        return {"table": table, "raw": str(raw), "flat": str(flat), "rows": len(rows), **more}


def flattened(lines: Sequence[bytes]) -> Iterator[bytes]:
    """Return rows as JSON objects of the table's columns, for dlt."""
    from airflow_provider_clockify.columns.detailed_columns import DETAILED

    names = [each.name for each in DETAILED.columns]
    for place in range(0, len(lines), 1000):
        for row in zip(*DETAILED.columns_of([b"".join(lines[place : place + 1000])]), strict=True):
            values = dict(zip(names, row, strict=True))
            values["custom_fields"] = json.loads(values["custom_fields"] or "null")
            yield json.dumps(values, default=str).encode() + b"\n"


def sample(folder: Path) -> list[bytes]:
    """Return entries of a month as the service sends them, exported from the emulator."""
    from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
    from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace

    workspace = generate_workspace(users=20, entries=SAMPLE, start=MONTH[0], end=MONTH[1])
    with ClockifyEmulator(workspace) as emulator:
        os.environ["AIRFLOW_CONN_CLOCKIFY_DEFAULT"] = emulator.connection_json(requests_per_second=1000)
        task = ClockifyDetailedReportOperator(
            task_id="export",
            start=MONTH[0].isoformat(),
            end=MONTH[1].isoformat(),
            output_path=str(folder / "sample.jsonl"),
        )
        task.execute({})
    return (folder / "sample.jsonl").read_bytes().splitlines(keepends=True)


def multiplied(bench: Bench, entries: Sequence[bytes], rows: int) -> dict[str, Any]:
    """Write as many rows as wanted into files, with ids of their own, and return the step that loads them."""
    from airflow_provider_clockify.columns.detailed_columns import DETAILED

    names = [each.name for each in DETAILED.columns]
    seconds, amounts = 0, dict[str, Decimal]()
    raw, flat = bench.folder / "all.raw", bench.folder / "all.flat"
    flat_entries = list(flattened(entries)) if "dlt" in bench.options.only else []
    with raw.open("wb") as lines, flat.open("wb") as flat_lines:
        for copy in range(-(-rows // len(entries))):
            some = entries[: rows - copy * len(entries)]
            values = dict(zip(names, DETAILED.columns_of([b"".join(some)]), strict=True))
            seconds += sum(values["duration_seconds"])
            for code, amount in zip(values["currency"], values["amount"], strict=True):
                amounts[code or ""] = amounts.get(code or "", Decimal(0)) + Decimal(amount or 0)
            for place, (line, key) in enumerate(zip(some, values["id"], strict=True)):
                new = f"{copy * len(entries) + place:024x}".encode()
                lines.write(line.replace(key.encode(), new))
                if flat_entries:
                    flat_lines.write(flat_entries[place].replace(key.encode(), new))
    sums = {
        "seconds": str(seconds),
        "amounts": {code: str(amount) for code, amount in amounts.items() if amount},
    }
    window = [each.isoformat() for each in MONTH]
    return {
        "table": "entries",
        "raw": str(raw),
        "flat": str(flat),
        "rows": rows,
        "window": window,
        "sums": sums,
    }


def measure(bench: Bench, step: dict[str, Any]) -> list[tuple[str, str, dict[str, float]]]:
    """Load the rows with each tool by turns, into an empty table and again; return the fastest turns."""
    found = []
    for turn in range(1, bench.options.turns + 1):
        for tool in bench.options.only:
            bench.clear(tool)
            for number, what in enumerate(("empty table", "full table")):
                costs = bench.run(tool, {**step, "read_at": read_at(number)})
                ((held, seconds),) = bench.query(
                    f'SELECT count(*), sum(duration_seconds)::bigint FROM "{tool}".entries'
                )
                if (held, str(seconds)) != (step["rows"], step["sums"]["seconds"]):
                    raise RuntimeError(f"{tool}: {held:,} rows with {seconds:,} s are in the table")
                found.append((tool, what, costs))
                show(f"turn {turn}", tool, what, step["rows"], costs)
    fastest: dict[tuple[str, str], dict[str, float]] = {}
    for tool, what, costs in found:
        key = tool, what
        if key not in fastest or costs["wall"] < fastest[key]["wall"]:
            fastest[key] = costs
    for (tool, what), costs in fastest.items():
        show("fastest", tool, what, step["rows"], costs)
    return [(tool, what, costs) for (tool, what), costs in fastest.items()]


def show(when: str, tool: str, what: str, rows: int, costs: dict[str, float]) -> None:
    """Print what a load has cost."""
    print(
        f"{when:8} {tool:12} {what:12} {rows / costs['wall']:9,.0f} rows/s {costs['wall']:8.1f} s "
        f"{costs['cpu']:8.1f} CPU s {costs['above']:8.1f} MB",
        flush=True,
    )


def read_at(number: int) -> str:
    """Return the moments at which reads began, one after another."""
    return (MONTH[1] + timedelta(minutes=number)).isoformat()


def scenarios(bench: Bench, entries: Sequence[bytes]) -> dict[str, dict[str, bool]]:
    """Load two days, then the second of them after something has happened; tell which tables are exact."""
    first, second = MONTH[0] + 9 * DAY, MONTH[0] + 10 * DAY
    both, day = ([each.isoformat() for each in (start, second + DAY)] for start in (first, second))
    days: dict[str, list[dict[str, Any]]] = {"old": [], "new": []}
    for row in map(json.loads, entries):
        start = datetime.fromisoformat(row["timeInterval"]["start"])
        if first <= start < second + DAY:
            days["old" if start < second else "new"].append(row)
    old, new = days["old"], days["new"]
    edited = [{**new[0], "description": "edited"}, *new[1:]]
    begin, end = second + timedelta(hours=9), second + timedelta(hours=9, seconds=600)
    moved = {
        **old[0],
        "timeInterval": {
            "start": f"{begin:%Y-%m-%dT%H:%M:%SZ}",
            "end": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            "duration": 600,
        },
    }
    # What the second day holds then, what the first day holds, and whether the load is stopped half way.
    cases: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], str | None]] = {
        "late edit": (edited, old, None),
        "moved row": ([*new, moved], old[1:], None),
        "deleted row": (new[1:], old, None),
        "emptied day": ([], old, None),
        "stopped half way": (edited, old, "stop"),
    }
    truths = {name: [*(new if half else rows), *rest] for name, (rows, rest, half) in cases.items()}
    together = "two runs at once"
    # The first and the last row are edited, so that no half of an older read can be right.
    newest = [*edited[:-1], {**new[-1], "description": "edited"}]
    truths[together] = [*newest, *old]
    right = {name: held_of(rows) for name, rows in truths.items()}
    found: dict[str, dict[str, bool]] = {name: {} for name in truths}

    def table_of(name: str) -> str:
        return name.replace(" ", "_")

    def base(name: str) -> dict[str, Any]:
        return bench.step(table_of(name), "base", [*old, *new], window=both, read_at=read_at(0))

    for tool in bench.options.only:
        steps = []
        for name, (rows, _, half) in cases.items():
            then = bench.step(table_of(name), table_of(name), rows, window=day, read_at=read_at(1), half=half)
            steps += [base(name), then]
        bench.run(tool, *steps, base(together))
        flag = bench.folder / f"{tool}.half"
        table = table_of(together)
        # The one that has read earlier waits half way until the other one has ended, or waits for its lock.
        early = bench.step(table, "early", new, window=day, read_at=read_at(1), half=str(flag))
        late = bench.step(table, "late", newest, window=day, read_at=read_at(2))
        one = bench.start(tool, early)
        wait_until(flag.exists, PATIENCE)
        other = bench.start(tool, late)
        waits = "SELECT 1 FROM pg_locks WHERE NOT granted"
        if not wait_until(
            lambda other=other, waits=waits: other[0].poll() is not None or bench.query(waits), PATIENCE
        ):
            raise RuntimeError(f"{tool}: the second of two loads at once has not ended")
        flag.unlink()
        bench.end(*one)
        bench.end(*other)
        for name in truths:
            held = bench.query(f'SELECT {COMPARED} FROM "{tool}"."{table_of(name)}"')
            found[name][tool] = sorted(held, key=repr) == sorted(right[name], key=repr)
    return found


def held_of(rows: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what a table must hold of rows of the service."""
    found = []
    for row in rows:
        start = datetime.fromisoformat(row["timeInterval"]["start"])
        amount = Decimal(str(row["amount"])) / 100
        found.append(
            (
                row["_id"],
                int(start.timestamp()),
                row["timeInterval"]["duration"],
                row["description"],
                amount.quantize(Decimal("1e-8")),
            )
        )
    return found


def wait_until(is_so: Any, seconds: float) -> bool:
    """Wait for a condition; tell whether it came true."""
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(is_so())


@contextmanager
def serving(folder: Path) -> Iterator[Any]:
    """Run a server of PostgreSQL."""
    from database_servers import Postgres

    server = Postgres(folder)
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(server.command, env=server.env, stdout=quiet, stderr=quiet, **server.how)
    try:
        if not wait_until(server.answers, 60):
            raise RuntimeError("PostgreSQL did not start")
        server.create("bench")
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def main() -> int:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000, help="rows of a month")
    parser.add_argument("--only", nargs="+", choices=TOOLS, default=list(TOOLS), help="tools to measure")
    parser.add_argument("--turns", type=int, default=2, help="how often; the fastest counts")
    parser.add_argument("--tools", type=Path, help="Python of the environment that has dlt")
    parser.add_argument("--profile", action="store_true", help="print cProfile's figures of each load")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    probe = [str(options.tools), "-c", "import dlt, orjson, psycopg2"]
    if "dlt" in options.only and (
        options.tools is None or subprocess.run(probe, capture_output=True).returncode
    ):
        print("dlt is skipped: give --tools the Python of an environment with requirements/bench.txt.")
        options.only.remove("dlt")
    folder = Path(tempfile.mkdtemp(prefix="clockify-tables-"))
    folder.chmod(0o755)  # for the user of PostgreSQL
    os.environ.update(AIRFLOW_HOME=str(folder / "airflow"), AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR")
    try:
        with serving(folder) as server:
            bench = Bench(folder, options, server)
            entries = sample(folder)
            step = multiplied(bench, entries, options.rows)
            print(f"{options.rows:,} rows of 29 columns into PostgreSQL")
            for tool in options.only:
                print(f"  {tool}: {TOOLS[tool]}")
            figures = measure(bench, step)
            exact = scenarios(bench, entries)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{'exact afterwards':18}" + "".join(f"{tool:>13}" for tool in options.only))
    for name, by_tool in exact.items():
        print(f"{name:18}" + "".join(f"{'yes' if by_tool[tool] else 'NO':>13}" for tool in options.only))
    own = [costs for tool, _, costs in figures if tool == "clockify"]
    missed = [
        costs for costs in own if options.rows / costs["wall"] < TARGET_RATE or costs["above"] > TARGET_MB
    ]
    if missed:
        print(f"\nMissed: at least {TARGET_RATE:,} rows/s, at most {TARGET_MB} MB above the start.")
    return 1 if missed or not all(each.get("clockify", True) for each in exact.values()) else 0


if __name__ == "__main__":
    sys.exit(job() if os.environ.get("BENCH_TABLES_JOB") else main())
