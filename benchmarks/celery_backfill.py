# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
A year's backfill as mapped tasks on CeleryExecutor: one worker against two, and the service's ceiling held by a pool.

Starts PostgreSQL, Redis, the emulator, Airflow and Celery workers on free ports of the loopback interface, below a
temporary folder, and ends all of them by process id, whatever happens. Every export is compared with the emulator's
ground truth, and requests per second are the emulator's own count. Ends with 1 if a target is missed.

    python benchmarks/celery_backfill.py [--entries 120000] [--latency 0.4] [--ceiling 6] [--keep]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import statistics
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests" / "support")]

from database_servers import MissingServerError, Postgres, Redis  # noqa: E402
from local_airflow import LocalAirflow, Process  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

POOL = "clockify_benchmark"
SLOTS = 2
NO_POOL = 100  # slots that limit nothing
# Small pages, so that a task is a long row of requests, as it is for a workspace with many more entries.
PAGE_SIZE = 200
TARGET_RATIO = 1.7
YEAR = datetime(2025, 1, 1, tzinfo=UTC)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--entries", type=int, default=120_000, help="time entries of the year")
    parser.add_argument("--latency", type=float, default=0.4, help="seconds that the service takes longer")
    parser.add_argument("--ceiling", type=float, default=6, help="requests per second of the workspace")
    parser.add_argument("--keep", action="store_true", help="leave the temporary folder, with all logs")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it otherwise
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))

    folder = Path(tempfile.mkdtemp(prefix="clockify-celery-"))
    folder.chmod(0o755)  # for the user of PostgreSQL
    airflow: CeleryAirflow | None = None
    try:
        airflow = CeleryAirflow(folder, options)
        with airflow:
            runs = measure(airflow)
    except KeyboardInterrupt:
        print("Stopped; everything that was started has ended.", file=sys.stderr)
        return 130
    except MissingServerError as error:
        print(error, file=sys.stderr)
        return 2
    except RuntimeError as error:
        print(error, file=sys.stderr)
        if airflow:
            print(airflow.tails(), file=sys.stderr)
        return 1
    finally:
        if options.keep:
            print(f"Kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return report(runs, options)


@dataclass
class Run:
    """One run of the DAG, and what the emulator and the database know of it."""

    name: str
    tasks: int
    task_slots: int
    wall: float
    executing: list[float]
    by_worker: list[int]
    most_at_once: int
    stats: dict[str, Any]
    busy: float
    load: float
    rows: int
    wrong: list[str]

    @property
    def peak(self) -> int:
        peak: int = self.stats["peak_requests_per_second"]
        return peak

    @property
    def refused(self) -> int:
        """Requests that came too fast."""
        return int(self.stats["by_status"].get("429", 0))

    @property
    def between(self) -> float:
        """Seconds per task in which its slot of a worker did not execute: scheduling, queue, start and end."""
        return (self.wall * self.task_slots - sum(self.executing)) / self.tasks


class CeleryAirflow(LocalAirflow):
    """An Airflow whose tasks run in Celery workers, with its database, its broker and the emulator."""

    def __init__(self, home: Path, options: argparse.Namespace) -> None:
        self._options = options
        self.database = Postgres(home)
        self.broker = Redis(home)
        super().__init__(home, dags=ROOT / "benchmarks" / "dags", say=say)
        self.components = ("api-server", "scheduler", "dag-processor")
        address = self.database.address("airflow")
        settings = {
            "CORE__EXECUTOR": "CeleryExecutor",
            "CORE__PARALLELISM": 16,
            "CELERY__BROKER_URL": self.broker.url,
            "CELERY__RESULT_BACKEND": f"db+postgresql+psycopg2://{address}",
            "DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{address}",
            "DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"postgresql+asyncpg://{address}",
            "SCHEDULER__JOB_HEARTBEAT_SEC": 1,
        }
        self.env |= {f"AIRFLOW__{name}": str(value) for name, value in settings.items()}

    def _start(self) -> None:
        self.logs.mkdir()
        say("PostgreSQL and Redis")
        how, env = self.database.how, self.database.env
        self.processes.append(Process("postgres", self.database.command, self.logs, env, **how))
        self.processes.append(Process("redis", self.broker.command, self.logs, dict(os.environ)))
        self.wait_for("PostgreSQL", self.database.answers, 60)
        self.wait_for("Redis", self.broker.answers, 30)
        self.database.create("airflow")

        say(f"the emulator, with {self._options.entries:,} entries of {YEAR:%Y}")
        connection = self._serve_emulator(
            *("--start", YEAR.isoformat(), "--end", YEAR.replace(year=YEAR.year + 1).isoformat()),
            *("--entries", str(self._options.entries), "--users", "40", "--projects", "20"),
            *("--latency", str(self._options.latency), "--detailed-max-page-size", str(PAGE_SIZE)),
            *("--requests-per-second", str(self._options.ceiling)),
        )
        self.emulator_url = connection["host"]
        connection["extra"] |= {
            "requests_per_second": self._options.ceiling / SLOTS,
            "max_concurrency": 1,
        }
        self.env["AIRFLOW_CONN_CLOCKIFY_DEFAULT"] = json_text(connection)

        say("Airflow's database")
        self.run("db", "migrate")
        say(f"Airflow: {', '.join(self.components)}")
        for name in self.components:
            command = [self._python, "-m", "airflow", name]
            self.processes.append(Process(name, command, self.logs, self.env))
        self.wait_for("Airflow", self.is_healthy, 400)
        for count in (12, 4):
            self.wait_for("the DAGs", lambda count=count: self.has_dag(f"backfill_{count}_months"), 200)
        self.run("pools", "set", POOL, str(SLOTS), "The ceiling of the workspace")

    def has_dag(self, dag_id: str) -> bool:
        return any(dag["dag_id"] == dag_id for dag in self.api("GET", "dags")["dags"])

    def stop(self) -> None:
        """End everything; a second Ctrl-C does not keep it from that."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        super().stop()

    def set_pool(self, slots: int) -> None:
        self.api("PATCH", f"pools/{POOL}", pool=POOL, slots=slots, include_deferred=False)

    def start_workers(self, run: str, workers: int, processes: int) -> list[Process]:
        started = []
        for number in range(1, workers + 1):
            name = f"{run.replace(' ', '_')}-worker{number}"
            command = [self._python, "-m", "airflow", "celery", "worker", "--celery-hostname", name]
            command += ["--concurrency", str(processes), "--pid", str(self.home / f"{name}.pid")]
            # The pace of requests is kept in the temporary folder: each worker stands for a machine of its own.
            temporary = self.home / f"{name}-tmp"
            temporary.mkdir()
            env = {**self.env, "TMPDIR": str(temporary)}
            started.append(Process(name, [*command, "--skip-serve-logs"], self.logs, env))
        self.processes += started
        self.wait_for(
            "the workers", lambda: all(" ready." in each.log.read_text("utf-8") for each in started), 200
        )
        return started

    def stop_workers(self, workers: Sequence[Process]) -> None:
        for worker in workers:
            worker.signal(signal.SIGTERM)
        for worker in workers:
            worker.wait(30)
            self.processes.remove(worker)

    def emulator(self, method: str, path: str) -> Any:
        answer = requests.request(method, f"{self.emulator_url}/__emulator__/{path}", timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        # PostgreSQL does not end before its connections do.
        with closing(self.database.connect("airflow")) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def tails(self) -> str:
        """Return what all processes and the youngest logs of tasks said last."""
        tasks = sorted((self.home / "logs").rglob("attempt=*.log"), key=lambda path: path.stat().st_mtime)
        paths = [*sorted(self.logs.glob("*.log")), *tasks[-2:]]
        return "\n".join(
            f"--- {path.name}\n" + "\n".join(path.read_text("utf-8", "replace").splitlines()[-15:])
            for path in paths
        )


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def json_text(value: Any) -> str:
    import msgspec

    return msgspec.json.encode(value).decode()


def measure(airflow: CeleryAirflow) -> list[Run]:
    return [
        run(airflow, "1 worker", workers=1, processes=1, slots=SLOTS, months=12),
        run(airflow, "2 workers", workers=2, processes=1, slots=SLOTS, months=12),
        # Four processes could run four tasks; only the pool says how many do.
        run(airflow, "2 x 2, pool", workers=2, processes=2, slots=SLOTS, months=4),
        run(airflow, "2 x 2, no pool", workers=2, processes=2, slots=NO_POOL, months=4),
    ]


def run(airflow: CeleryAirflow, name: str, *, workers: int, processes: int, slots: int, months: int) -> Run:
    import psutil

    say(f"{name}: {months} months, {workers} x {processes} processes, pool of {slots}")
    airflow.set_pool(slots)
    started = airflow.start_workers(name, workers, processes)
    output = airflow.output / re.sub(r"\W+", "_", name)
    dag_id = f"backfill_{months}_months"
    airflow.emulator("POST", "reset")
    before = psutil.cpu_times()
    run_id, state = airflow.trigger(dag_id, 1800, output_path=str(output))
    after, load = psutil.cpu_times(), os.getloadavg()[0]
    stats = airflow.emulator("GET", "stats")
    airflow.stop_workers(started)
    if state != "success":
        raise RuntimeError(f"The run {name!r} ended as {state}.")

    begun, ended = airflow.query(
        "SELECT start_date, end_date FROM dag_run WHERE dag_id = %s AND run_id = %s", dag_id, run_id
    )[0]
    tasks = airflow.query(
        "SELECT start_date, end_date FROM task_instance WHERE dag_id = %s AND run_id = %s", dag_id, run_id
    )
    moments = sorted(chain.from_iterable(((start, 1), (end, -1)) for start, end in tasks))
    at_once = [sum(step for _, step in moments[: number + 1]) for number in range(len(moments))]
    spent = sum(after) - sum(before)
    found = Run(
        name=name,
        tasks=len(tasks),
        task_slots=min(workers * processes, slots),
        wall=(ended - begun).total_seconds(),
        executing=[(end - start).total_seconds() for start, end in tasks],
        by_worker=[worker.log.read_text("utf-8").count(" received") for worker in started],
        most_at_once=max(at_once),
        stats=stats,
        busy=1 - (after.idle - before.idle) / spent,
        load=load,
        rows=0,
        wrong=[],
    )
    compare(airflow, output, months, found)
    say(f"{name}: {found.wall:.0f} s, peak {found.peak} requests/s, {found.rows:,} rows")
    shutil.rmtree(output)
    return found


def compare(airflow: CeleryAirflow, output: Path, months: int, found: Run) -> None:
    """Compare every file with the ground truth of its day, and the whole with that of the whole window."""
    import pyarrow.parquet as pq

    end = YEAR.replace(year=YEAR.year + 1) if months == 12 else YEAR.replace(month=months + 1)
    truth = airflow.emulator("GET", f"truth?start={instant(YEAR)}&end={instant(end)}")
    expected = {
        output / f"dt={YEAR + timedelta(days=number):%Y-%m-%d}" / "detailed.parquet"
        for number in range((end - YEAR).days)
    }
    files = {path for path in output.rglob("*") if path.is_file()}
    if files != expected:
        found.wrong.append(f"files: {sorted(map(str, files ^ expected))[:4]} too many or missing")
    ids: list[str] = []
    seconds = 0
    for path in sorted(files & expected):
        day = datetime.fromisoformat(path.parent.name.removeprefix("dt=")).replace(tzinfo=UTC)
        of_day = airflow.emulator("GET", f"truth?start={instant(day)}&end={instant(day + timedelta(days=1))}")
        rows = pq.read_table(path, columns=["id", "duration_seconds"]).to_pydict()
        if sorted(rows["id"]) != sorted(of_day["ids"]) or sum(rows["duration_seconds"]) != of_day["seconds"]:
            found.wrong.append(f"{path.parent.name} differs")
        ids += rows["id"]
        seconds += sum(rows["duration_seconds"])
    found.rows = len(ids)
    if sorted(ids) != sorted(truth["ids"]) or len(set(ids)) != len(ids) or seconds != truth["seconds"]:
        found.wrong.append(
            f"{len(ids)} rows and {seconds} s differ from {truth['count']} and {truth['seconds']}"
        )


def instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def report(runs: Sequence[Run], options: argparse.Namespace) -> int:
    heads = (
        "seconds",
        "a task",
        "between",
        "tasks of each worker",
        "at once",
        "peak/s",
        "429",
        "rows",
        "truth",
    )
    widths = (9, 8, 9, 22, 9, 8, 6, 10, 8)
    print(f"\n{'':<16}" + "".join(f"{head:>{width}}" for head, width in zip(heads, widths, strict=True)))
    for each in runs:
        cells = (
            f"{each.wall:.1f}",
            f"{statistics.median(each.executing):.1f}",
            f"{each.between:.1f}",
            " + ".join(map(str, each.by_worker)),
            each.most_at_once,
            each.peak,
            each.refused,
            f"{each.rows:,}",
            "DIFFERS" if each.wrong else "equal",
        )
        print(
            f"{each.name:<16}"
            + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        )
    print("processors busy, load: " + ", ".join(f"{each.busy:.0%} {each.load:.1f}" for each in runs))

    one, two, pooled, unpooled = runs
    ratio = one.wall / two.wall
    ceiling = options.ceiling
    missed = [f"{each.name}: {what}" for each in runs for what in each.wrong]
    missed += [
        f"{each.name}: {each.peak} requests in a second, {each.refused} refused"
        for each in (one, two, pooled)
        if each.peak > ceiling or each.refused
    ]
    if ratio < TARGET_RATIO:
        missed.append(f"two workers are {ratio:.2f} times as fast")
    if not all(two.by_worker):
        missed.append("one of the two workers had nothing to do")
    if pooled.most_at_once > SLOTS:
        missed.append(f"{pooled.most_at_once} tasks at once in a pool of {SLOTS}")
    if unpooled.peak <= ceiling:
        missed.append("without the pool the ceiling holds as well, so that nothing is shown")
    print(
        f"Two workers are {ratio:.2f} times as fast as one (target {TARGET_RATIO}). Ceiling {ceiling:g} requests/s: "
        f"{max(one.peak, two.peak, pooled.peak)} with the pool, {unpooled.peak} without."
    )
    for line in missed:
        print(f"MISSED: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
