# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The speed, memory and requests of an export, against what limits them, in one run and against the emulator.

    python benchmarks/pipeline [--full] [--only grid,rival,year,cpu,memory] [--profile] [--plot file.png]

Run it with an interpreter that has Airflow and this package; ``--tools`` names one with ``requirements/bench.txt``.
Every measurement is a fresh process. What is compared is measured by turns, and what counts is the fastest turn of
each: noise only adds. Every file is compared with the emulator's ground truth, outside the measured time.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from figures import Figures, plot

from airflow_provider_clockify.service.filters import report_filters
from airflow_provider_clockify.service.report_kinds import MAX_PAGE_SIZE, detailed_request
from airflow_provider_clockify.window import Window, chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"
START = datetime(2025, 10, 1, tzinfo=UTC)
MONTH, YEAR = timedelta(days=31), timedelta(days=365)
LATENCIES = (0, 20, 100)
CONCURRENCIES = (1, 3, 8)
PARTS = ("grid", "rival", "year", "cpu", "memory")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/pipeline", description=__doc__.splitlines()[1])
    parser.add_argument(
        "--entries", type=int, default=200_000, help="of the grid; with --full 1,000,000 follow"
    )
    parser.add_argument(
        "--rival-entries", type=int, default=50_000, help="of the grid with dlt, which is slow"
    )
    parser.add_argument("--full", action="store_true", help="also the grid of 1,000,000 entries")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--turns", type=int, default=3, help="of each short measurement")
    parser.add_argument("--tools", default=sys.executable, help="interpreter with requirements/bench.txt")
    parser.add_argument(
        "--profile", action="store_true", help="sample where exports spend their CPU (py-spy)"
    )
    parser.add_argument("--plot", type=Path, help="also draw the grid into this file")
    given = parser.parse_args()
    given.only = given.only.split(",")
    if unknown := set(given.only) - set(PARTS):
        parser.error(f"--only knows {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")
    return given


class Emulator:
    """The emulator's process, with entries spread evenly over a time."""

    def __init__(self, entries: int, length: timedelta) -> None:
        self.window = Window(START, START + length)
        command = [sys.executable, str(HERE / "emulator.py"), "--entries", str(entries)]
        command += ["--start", self.window.start_iso, "--end", self.window.end_iso]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.connection = json.loads(self._process.stdout.readline())
        self.workspace_id = self.connection["extra"]["workspace_id"]
        self.entries = entries

    def ask(self, **command: Any) -> dict[str, Any]:
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def stop(self) -> None:
        self._process.stdin.close()
        self._process.wait()

    def access(self, window: Window) -> dict[str, Any]:
        """Return what a client needs that drains the pages of a window: where, key, and the body of each request."""
        parts = chunks(window)
        counts = self.ask(counts=[[part.start_iso, part.end_iso] for part in parts])["counts"]
        filters = report_filters(None)
        requests = [
            detailed_request(self.workspace_id, part, filters, page, MAX_PAGE_SIZE)
            for part, count in zip(parts, counts, strict=True)
            for page in range(1, max(1, -(-count // MAX_PAGE_SIZE)) + 1)
        ]
        base = f"{self.connection['host']}/report/v1"
        return {
            "base_url": base + "/",
            "path": requests[0].path.lstrip("/"),
            "url": f"{base}/{requests[0].path.lstrip('/')}",
            "key": self.connection["password"],
            "bodies": [msgspec.json.encode(request.json).decode() for request in requests],
        }


@contextmanager
def serving(entries: int, length: timedelta) -> Iterator[Emulator]:
    say(f"generating {entries:,} entries")
    emulator = Emulator(entries, length)
    try:
        yield emulator
    finally:
        emulator.stop()


class Bench:
    """Runs measurements, each in its own process and folder."""

    def __init__(self, given: argparse.Namespace, home: Path) -> None:
        self._given = given
        self._home = home
        self._truths: dict[tuple[int, str], list[Any]] = {}

    def _measure(
        self, python: str, script: str, specification: dict[str, Any], environment: dict[str, str]
    ) -> dict[str, Any]:
        folder = Path(tempfile.mkdtemp(dir=self._home))
        asked, answered = folder / "asked.json", folder / "answered.json"
        asked.write_text(json.dumps(specification), encoding="utf-8")
        command = [python, str(HERE / script), str(asked), str(answered)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{script} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return json.loads(answered.read_text(encoding="utf-8"))

    def job(self, emulator: Emulator, window: Window, concurrency: int, **more: Any) -> dict[str, Any]:
        """Measure an export."""
        file_format = more.setdefault("file_format", "jsonl")
        output = self._home / f"export.{file_format}"
        connection = dict(emulator.connection)
        connection["extra"] = {**connection["extra"], "max_concurrency": concurrency}
        specification = {"output": str(output), "start": window.start_iso, "end": window.end_iso, **more}
        found = self._measure(
            sys.executable,
            "job.py",
            specification,
            {**airflow_environment(self._home), "AIRFLOW_CONN_CLOCKIFY_DEFAULT": json.dumps(connection)},
        )
        if not more.get("idle"):
            self._check(emulator, window, READERS[file_format](output))
        return found

    def limit(self, access: dict[str, Any], concurrency: int) -> dict[str, Any]:
        """Measure the limit."""
        specification = {**access, "concurrency": concurrency, "output": str(self._home / "limit.bin")}
        return self._measure(self._given.tools, "limit.py", specification, dict(os.environ))

    def bare(self, access: dict[str, Any], concurrency: int = 1) -> dict[str, Any]:
        """Measure the bare loop."""
        specification = {**access, "output": str(self._home / "bare.jsonl"), "concurrency": concurrency}
        return self._measure(sys.executable, "bare.py", specification, dict(os.environ))

    def rival(self, emulator: Emulator, access: dict[str, Any], concurrency: int) -> dict[str, Any]:
        """Measure the rival."""
        folder = Path(tempfile.mkdtemp(dir=self._home))
        bodies = rival_bodies(emulator.window, concurrency)
        specification = {**access, "bodies": bodies, "folder": str(folder), "concurrency": concurrency}
        found = self._measure(self._given.tools, "rival.py", specification, dict(os.environ))
        files = sorted((folder / "out").glob("clockify/detailed/*.jsonl"))
        self._check(emulator, emulator.window, (each for file in files for each in json_ids(file)))
        shutil.rmtree(folder)
        return found

    def _check(self, emulator: Emulator, window: Window, found: Iterable[str]) -> None:
        key = (emulator.entries, str(window))
        if key not in self._truths:
            self._truths[key] = emulator.ask(truth=[window.start_iso, window.end_iso])["truth"]
        ids = sorted(found)
        got = [len(ids), hashlib.sha256("\n".join(ids).encode()).hexdigest()]
        if got != self._truths[key]:
            raise SystemExit(
                f"The rows are not the ground truth: {got[0]} instead of {self._truths[key][0]}."
            )

    def profile(self, emulator: Emulator, window: Window, concurrency: int, file_format: str) -> list[Any]:
        """Sample an export 250 times a second where it holds the interpreter; give the shares of functions."""
        spy = str(Path(self._given.tools).parent / "py-spy")
        connection = dict(emulator.connection)
        connection["extra"] = {**connection["extra"], "max_concurrency": concurrency}
        asked, stacks = self._home / "profiled.json", self._home / "stacks.txt"
        output = self._home / f"profiled.{file_format}"
        specification = {"output": str(output), "start": window.start_iso, "end": window.end_iso}
        asked.write_text(json.dumps({**specification, "file_format": file_format}), encoding="utf-8")
        command = [spy, "record", "--rate", "250", "--gil", "--function", "--format", "raw"]
        command += ["--output", str(stacks), "--", sys.executable, str(HERE / "job.py"), str(asked)]
        subprocess.run(
            [*command, str(self._home / "profiled.out")],
            env={**airflow_environment(self._home), "AIRFLOW_CONN_CLOCKIFY_DEFAULT": json.dumps(connection)},
            capture_output=True,
            check=True,
        )
        return shares(stacks.read_text(encoding="utf-8").splitlines())


def shares(stacks: Iterable[str]) -> list[tuple[str, float]]:
    """Return the share of samples in each innermost function of an export, largest first."""
    counts: dict[str, int] = {}
    for line in stacks:
        stack, _, number = line.rpartition(" ")
        frames = stack.split(";")
        if not any(
            frame.startswith(("ClockifyExportOperator.execute ", "Thread._bootstrap ")) for frame in frames
        ):
            continue  # Imports.
        counts[frames[-1]] = counts.get(frames[-1], 0) + int(number)
    total = sum(counts.values())
    return sorted(((name, count / total) for name, count in counts.items()), key=lambda item: -item[1])


def airflow_environment(home: Path) -> dict[str, str]:
    return {
        **os.environ,
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "_AIRFLOW_PROCESS_CONTEXT": "client",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(HERE.parent.parent), os.environ.get("PYTHONPATH")))),
    }


def rival_bodies(window: Window, concurrency: int) -> list[dict[str, Any]]:
    """Cut a window into as many parts as there shall be requests at the same time; give the body of each."""
    step = (window.end - window.start) / concurrency
    parts = [
        Window(window.start + number * step, window.start + (number + 1) * step)
        for number in range(concurrency)
    ]
    parts[-1] = Window(parts[-1].start, window.end)
    requests = (detailed_request("", part, report_filters(None), 1, MAX_PAGE_SIZE) for part in parts)
    return [request.json for request in requests]


def json_ids(path: Path) -> Iterator[str]:
    class WithId(msgspec.Struct):
        id: str = msgspec.field(name="_id")

    decode = msgspec.json.Decoder(WithId).decode
    with path.open("rb") as start:
        is_gzip = start.read(2) == b"\x1f\x8b"
    with gzip.open(path) if is_gzip else path.open("rb") as lines:
        for line in lines:
            yield decode(line).id


def csv_ids(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            yield row["id"]


def parquet_ids(path: Path) -> Iterator[str]:
    from pyarrow import parquet

    yield from parquet.read_table(path, columns=["id"])["id"].to_pylist()


READERS = {"jsonl": json_ids, "csv": csv_ids, "parquet": parquet_ids}


def say(text: str) -> None:
    print(f"# {datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


def fastest(turns: list[dict[str, Any]], by: str = "wall") -> dict[str, Any]:
    return min(turns, key=lambda turn: turn[by])


def grid(
    bench: Bench, emulator: Emulator, given: argparse.Namespace, with_rival: bool
) -> list[dict[str, Any]]:
    """Measure export, limit and rival at every latency and concurrency."""
    access = emulator.access(emulator.window)
    say("warming the emulator up")
    bench.limit(access, 1)
    if with_rival:  # Its parts of the window are questions of their own, which the emulator remembers.
        bodies = [
            body for concurrency in CONCURRENCIES for body in rival_bodies(emulator.window, concurrency)
        ]
        bench.limit({**access, "bodies": [json.dumps(body) for body in bodies]}, 1)
    cells = []
    for latency in LATENCIES:
        for concurrency in CONCURRENCIES:
            say(f"{emulator.entries:,} entries, {latency} ms, concurrency {concurrency}")
            long = latency / 1000 * len(access["bodies"]) / concurrency > 10
            turns: dict[str, list[dict[str, Any]]] = {"limit": [], "bare": [], "export": [], "rival": []}
            for _ in range(1 if long or with_rival else given.turns):
                measures = {
                    "limit": lambda: bench.limit(access, concurrency),  # noqa: B023 - called right away
                    "bare": lambda: bench.bare(access, concurrency),  # noqa: B023
                    "export": lambda: bench.job(emulator, emulator.window, concurrency),  # noqa: B023
                }
                if with_rival and not turns["rival"]:
                    measures["rival"] = lambda: bench.rival(emulator, access, concurrency)  # noqa: B023
                for name, measure in measures.items():
                    emulator.ask(latency=latency / 1000)
                    found = measure()
                    served = emulator.ask()
                    assert not served["failed"], served
                    turns[name].append({**found, "served": served})
            cell = {name: fastest(found) for name, found in turns.items() if found}
            cells.append(
                {"latency": latency, "concurrency": concurrency, "entries": emulator.entries, **cell}
            )
    emulator.ask(latency=0)
    return cells


def by_turns(measures: dict[str, Any], turns: int, by: str) -> dict[str, dict[str, Any]]:
    """Measure several things by turns; give the best turn of each."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in measures}
    for _ in range(turns):
        for name, measure in measures.items():
            found[name].append(measure())
    return {name: fastest(each, by) for name, each in found.items()}


def main() -> None:
    given = arguments()
    figures = Figures(
        {
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "load_at_start": round(os.getloadavg()[0], 2),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    )
    with tempfile.TemporaryDirectory(prefix="clockify-benchmark-") as name:
        bench = Bench(given, Path(name))
        measure(bench, given, figures)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "pipeline.json").write_text(json.dumps(figures.found, indent=1), encoding="utf-8")
    text = figures.markdown()
    (RESULTS / "pipeline.md").write_text(text, encoding="utf-8")
    print(text)
    if given.plot:
        data, script = RESULTS / "pipeline.json", HERE / "figures.py"
        if given.tools == sys.executable:
            plot(figures.found, given.plot)
        else:
            subprocess.run([given.tools, str(script), str(data), str(given.plot)], check=True)


def measure(bench: Bench, given: argparse.Namespace, figures: Figures) -> None:
    found = figures.found
    if {"grid", "cpu"} & set(given.only) or given.profile:
        with serving(given.entries, MONTH) as emulator:
            access = emulator.access(emulator.window)
            window = emulator.window
            if "grid" in given.only:
                found["grid"] = grid(bench, emulator, given, with_rival=False)
            else:
                bench.limit(access, 3)
            if "cpu" in given.only:
                say("CPU of each format")
                measures: dict[str, Any] = {"bare": lambda: bench.bare(access)}
                for kind in READERS:
                    measures[kind] = lambda kind=kind: bench.job(emulator, window, 3, file_format=kind)
                measures["jsonl.gz"] = lambda: bench.job(emulator, window, 3, compression="gzip")
                found["cpu"] = {"entries": given.entries, **by_turns(measures, given.turns, "cpu")}
            if given.profile:
                say("profiles")
                found["profiles"] = {kind: bench.profile(emulator, window, 3, kind)[:14] for kind in READERS}
    if "rival" in given.only:
        with serving(given.rival_entries, MONTH) as emulator:
            found["rival"] = grid(bench, emulator, given, with_rival=True)
    if "year" in given.only:
        with serving(given.entries, YEAR) as emulator:
            access = emulator.access(emulator.window)
            bench.limit(access, 8)
            emulator.ask(latency=0.1)
            say("a year in twelve chunks")
            measures = {
                "limit": lambda: bench.limit(access, 8),
                "export": lambda: bench.job(emulator, emulator.window, 8),
            }
            found["year"] = {"pages": len(access["bodies"]), **by_turns(measures, given.turns, "wall")}
    if "memory" in given.only or given.full:
        million = 1_000_000
        with serving(million, MONTH) as emulator:
            if "memory" in given.only:
                say("memory")
                tenth = Window(START, START + MONTH / 10)
                found["memory"] = {"idle": bench.job(emulator, tenth, 3, idle=True)}
                for kind in READERS:
                    found["memory"][kind] = {
                        "100k": bench.job(emulator, tenth, 3, file_format=kind),
                        "1M": bench.job(emulator, emulator.window, 3, file_format=kind),
                    }
            if given.full:
                found["grid_million"] = grid(bench, emulator, given, with_rival=False)


if __name__ == "__main__":
    main()
