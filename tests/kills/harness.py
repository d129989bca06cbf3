# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Kill exports at random points, look at what is visible, run them again, compare byte by byte.

    python tests/kills/harness.py --kills 200

One process imports Airflow and the operators and starts two emulators, of a workspace with old and with new data. For
each round it puts the files of the old data (or nothing) in place, forks a process that exports the new data, and kills
it: a worker that is lost (SIGKILL), a task that is cancelled as Airflow 3 does it (SIGTERM, on which the task process
calls ``on_kill`` and goes on, then SIGKILL) or as Airflow 2 does it (SIGTERM, on which an exception is raised). Half of
the kills come at a random time of the whole duration, the others at a random time of one phase, so that the short ones
are hit, too.

Prints a summary for people, or with ``--json`` one for tests; the exit code is 0 only if nothing was wrong.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

START, END = "2026-11-01T00:00:00Z", "2026-11-09T00:00:00Z"
PHASES = ("start", "read", "write", "publish", "end")
BUCKET = "exports"
HINT = 0.0002  # How long to sleep between two looks at the phase of a child.

Files = dict[str, bytes]


# --- what is exported -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """An operator and its parameters; ``name`` is below the root of the target, where nothing else is."""

    name: str
    operator: str
    path: str
    parameters: dict[str, Any]


WINDOW = {"start": START, "end": END}
JOBS = [
    Job("one", "detailed", "one.jsonl", WINDOW),
    Job("days", "detailed", "days", {**WINDOW, "file_format": "parquet", "partition_by": "day"}),
    Job("packed", "detailed", "packed.csv.gz", {**WINDOW, "file_format": "csv", "compression": "gzip"}),
    Job("tasks", "entities", "tasks.jsonl", {"entity": "tasks"}),
    Job(
        "chunks", "detailed", "chunks.jsonl", {"start": "2026-07-01T00:00:00Z", "end": "2026-12-31T00:00:00Z"}
    ),
    Job("rendered", "detailed", "rendered", {**WINDOW, "file_format": "clockify_csv", "partition_by": "day"}),
]


class Task:
    """A task instance, as far as exports use it."""

    dag_id, task_id, run_id, map_index = "kills", "export", "run", -1
    try_number, max_tries = 1, 3

    def xcom_push(self, **_: Any) -> None: ...


# --- where it goes --------------------------------------------------------------------------------------------


class Disk:
    """A folder on this machine."""

    more_phases: tuple[str, ...] = ()

    def __init__(self, root: Path) -> None:
        self.root = root

    def url(self, path: str) -> str:
        return str(self.root / path)

    def put(self, files: Files) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def visible(self) -> Files:
        """Files that are not in a private folder."""
        paths = [path for path in self.root.rglob("*") if path.is_file()]
        names = {str(path.relative_to(self.root)): path for path in paths}
        return {name: path.read_bytes() for name, path in names.items() if ".clockify-" not in name}

    def litter(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob(".clockify-*"))


class S3:
    """A bucket of moto's server; publishing is where it differs from a folder."""

    more_phases = ("publish", "publish", "publish")

    def __init__(self, url: str) -> None:
        from boto3 import client

        self._client = client(
            "s3",
            endpoint_url=url,
            aws_access_key_id="access",
            aws_secret_access_key="secret",
            region_name="us-east-1",
        )
        self._client.create_bucket(Bucket=BUCKET)

    def url(self, path: str) -> str:
        return f"s3://aws_test@{BUCKET}/{path}"

    def _names(self) -> list[str]:
        return [each["Key"] for each in self._client.list_objects_v2(Bucket=BUCKET).get("Contents", ())]

    def _uploads(self) -> list[dict[str, Any]]:
        return list(self._client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ()))

    def put(self, files: Files) -> None:
        for name in self._names():
            self._client.delete_object(Bucket=BUCKET, Key=name)
        for upload in self._uploads():
            self._client.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])
        for name, content in files.items():
            self._client.put_object(Bucket=BUCKET, Key=name, Body=content)

    def visible(self) -> Files:
        names = [name for name in self._names() if ".clockify-" not in name]
        return {name: self._client.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in names}

    def litter(self) -> list[str]:
        """Private files; unfinished uploads of killed processes are for a lifecycle rule of the bucket."""
        return [name for name in self._names() if ".clockify-" in name]


# --- processes ------------------------------------------------------------------------------------------------


class Progress:
    """When each phase of a child began, in memory that parent and child share."""

    _SIZE = 8 * len(PHASES)

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, self._SIZE)

    def clear(self) -> None:
        self._memory[:] = bytes(self._SIZE)

    def enter(self, phase: str) -> None:
        at = 8 * PHASES.index(phase)
        if not any(self._memory[at : at + 8]):
            self._memory[at : at + 8] = struct.pack("d", time.monotonic())

    def times(self) -> list[float]:
        return list(struct.unpack(f"{len(PHASES)}d", self._memory[:]))

    def phase(self) -> str:
        return PHASES[max(number for number, began in enumerate(self.times()) if began or not number)]


class Terminated(BaseException):
    """As Airflow 2 raises it in a task that gets SIGTERM."""


class Child:
    """A forked process that runs an operator."""

    def __init__(
        self, run: Callable[[], None], progress: Progress, log: Path, on_term: Callable[[Any], None]
    ) -> None:
        self.progress = progress
        progress.clear()
        self.code: int | None = None
        self.pid = os.fork()
        if self.pid:
            return
        code = 1
        try:
            descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            signal.signal(signal.SIGTERM, lambda *_: on_term(None))
            progress.enter("start")
            run()
            progress.enter("end")
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            with suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def ended(self, seconds: float) -> bool:
        """Wait for the end, or so long."""
        until = time.monotonic() + seconds
        while self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > until:
                return False
            else:
                time.sleep(HINT)
        return True

    def reached(self, phase: str) -> bool:
        """Wait until a phase begins; ``False`` if the process ends before."""
        while self.progress.phase() not in PHASES[PHASES.index(phase) :]:
            if self.ended(HINT):
                return False
        return True

    def signal(self, number: int) -> None:
        if self.code is None:
            os.kill(self.pid, number)


def start_emulator(stack: ExitStack, folder: Path, seed: int, entries: int) -> dict[str, Any]:
    """Start an emulator as a process; give its Airflow connection."""
    arguments = {
        "port": 0,
        "entries": entries,
        "seed": seed,
        "projects": 6 + seed,
        "start": START,
        "end": END,
        "latency": 0.04,
        "requests-per-second": 0,
    }
    command = [sys.executable, "-m", "airflow_provider_clockify.testing"]
    command += [part for name, value in arguments.items() for part in (f"--{name}", str(value))]
    with (folder / "emulators.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    stack.callback(process.wait)
    stack.callback(process.kill)
    assert process.stdout is not None
    connection = json.loads(process.stdout.readline().split("connection=", 1)[1])
    connection["extra"].update(requests_per_second=1e6, max_retries=0)
    return connection


def start_s3(stack: ExitStack, folder: Path) -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "s3.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            env={**os.environ, "S3_UPLOAD_PART_MIN_SIZE": "1"},
            stdout=log,
            stderr=log,
        )
    stack.callback(process.wait)
    stack.callback(process.kill)
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        with suppress(OSError), urlopen(f"{url}/moto-api/"):
            return url
        time.sleep(0.1)
    raise RuntimeError(f"moto's server did not start; see {folder / 's3.log'}")


# --- rounds ---------------------------------------------------------------------------------------------------


@dataclass
class Known:
    """A job, its files from old and from new data, and how long its phases take."""

    job: Job
    old: Files
    new: Files
    times: list[float]


@dataclass
class Outcome:
    kills: int = 0
    by_phase: Counter[str] = field(default_factory=Counter)
    by_signal: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    mixed: int = 0
    with_litter: int = 0
    left_by_exception: int = 0
    with_retry: int = 0
    went_on: int = 0
    pairs: int = 0
    reruns: int = 0
    identical: int = 0
    wrong: list[str] = field(default_factory=list)


class Harness:
    def __init__(self, folder: Path, place: Disk | S3, progress: Progress) -> None:
        self.folder = folder
        self.place = place
        self.progress = progress
        self.log = folder / "exports.log"
        self.task: Task | None = None  # Outside of Airflow, there is no other try.
        self.outcome = Outcome()

    def operator(self, job: Job, conn_id: str) -> Any:
        from airflow_provider_clockify.operators.entities import ClockifyExportEntitiesOperator
        from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

        kinds = {"detailed": ClockifyDetailedReportOperator, "entities": ClockifyExportEntitiesOperator}
        return kinds[job.operator](
            task_id=job.name,
            output_path=self.place.url(job.path),
            clockify_conn_id=conn_id,
            retries=3,
            **job.parameters,
        )

    def start(self, job: Job, conn_id: str, signal_kind: str = "", progress: Progress | None = None) -> Child:
        operator = self.operator(job, conn_id)
        context = {} if self.task is None else {"ti": self.task}

        def on_term(_: Any) -> None:
            if signal_kind == "raise":
                raise Terminated
            operator.on_kill()  # And nothing else: this is what the task process of Airflow 3 does.

        return Child(lambda: operator.execute(context), progress or self.progress, self.log, on_term)

    def complete(self, job: Job, conn_id: str) -> Files:
        child = self.start(job, conn_id)
        if not child.ended(120) or child.code:
            child.signal(signal.SIGKILL)
            raise RuntimeError(f"{job.name} failed:\n{self.log.read_text()[-4000:]}")
        return self.place.visible()

    def learn(self, job: Job) -> Known:
        """Export old and new data undisturbed."""
        self.place.put({})
        old = self.complete(job, "clockify_old")
        self.place.put({})
        self.complete(job, "clockify_new")
        new = self.complete(job, "clockify_new")  # The second one is as warm as those that are killed.
        assert sorted(old) == sorted(new)
        same = [name for name in new if old[name] == new[name]]
        assert not same, f"old and new data must differ: {same}"
        return Known(job, old, new, self.progress.times())

    def kill_round(self, known: Known, chance: random.Random) -> None:
        outcome, job = self.outcome, known.job
        before = known.old if chance.random() < 0.7 else {}
        kind = chance.choices(("kill", "term", "raise"), (6, 2, 2))[0]
        self.task = chance.choice((None, Task()))
        outcome.with_retry += self.task is not None
        phase = chance.choice(("any", "read", "read", "write", "publish", *self.place.more_phases))
        self.place.put(before)
        child = self.start(job, "clockify_new", kind)
        if phase == "any":
            child.ended(chance.uniform(0, known.times[-1] - known.times[0]))
        elif child.reached(phase):
            at = PHASES.index(phase)
            child.ended(chance.uniform(0, known.times[at + 1] - known.times[at]))
        hit = self.progress.phase()
        was_running = child.code is None
        if kind == "kill":
            child.signal(signal.SIGKILL)
        else:
            child.signal(signal.SIGTERM)
            # Airflow gives a task five seconds before it kills it; any time up to there may be the last.
            if not child.ended(30 if kind == "raise" else chance.uniform(0, 0.4)):
                child.signal(signal.SIGKILL)
        assert child.ended(30), "a killed process must end"
        if was_running:
            outcome.kills += 1
            outcome.by_phase[hit] += 1
            outcome.by_signal[kind] += 1
        else:
            outcome.finished += 1
        where = f"{job.name}, {kind} during {hit}, {'over old files' if before else 'the first run'}"
        self.check_visible(where, before, known.new)
        litter = self.place.litter()
        outcome.with_litter += bool(litter)
        left = [name for name in litter if ".keep" not in name]
        # An exception may hit the clean-up itself; what it leaves is for the next run, as after a kill.
        outcome.left_by_exception += kind == "raise" and bool(left) and child.code != -signal.SIGKILL
        outcome.went_on += any(".keep" in name for name in litter)
        self.rerun(where, known)

    def check_visible(self, where: str, before: Files, new: Files) -> None:
        seen = self.place.visible()
        for name, content in seen.items():
            if content not in (before.get(name), new.get(name)):
                self.outcome.wrong.append(f"{where}: {name} is neither the old nor the new file")
        self.outcome.wrong += [f"{where}: {name} is gone" for name in sorted(set(before) - set(seen))]
        are_new = {content == new.get(name) for name, content in seen.items()}
        self.outcome.mixed += len(are_new) > 1 or bool(seen) and len(seen) < len(new)

    def rerun(self, where: str, known: Known) -> None:
        self.outcome.reruns += 1
        if self.task is not None:
            self.task.try_number += 1
        after = self.complete(known.job, "clockify_new")
        if after == known.new:
            self.outcome.identical += 1
        else:
            self.outcome.wrong.append(f"{where}: the next run wrote other files")
        left = self.place.litter() + [path.name for path in Path(tempfile.gettempdir()).glob(".clockify-*")]
        if left:
            self.outcome.wrong.append(f"{where}: the next run left {left}")
        self.task = None

    def pair_round(self, known: Known, chance: random.Random) -> None:
        """Export old and new data to the same target at the same time."""
        self.outcome.pairs += 1
        self.place.put({})
        both = [Progress(), Progress()]
        names = ["clockify_old", "clockify_new"]
        chance.shuffle(names)
        children = [self.start(known.job, names[0], "", both[0])]
        # The second one begins while the first is anywhere, and must not take its folder for a leftover.
        time.sleep(chance.uniform(0, 0.8) * (known.times[-1] - known.times[0]))
        children.append(self.start(known.job, names[1], "", both[1]))
        where = f"{known.job.name}, two at a time"
        for name, child in zip(names, children, strict=True):
            if not child.ended(120) or child.code:
                child.signal(signal.SIGKILL)
                self.outcome.wrong.append(f"{where}: {name} failed; see {self.log}")
        self.check_visible(where, known.old, known.new)
        began = {name: progress.times()[3] for name, progress in zip(names, both, strict=True)}
        ended = {name: progress.times()[4] for name, progress in zip(names, both, strict=True)}
        if 0 < ended["clockify_old"] < began["clockify_new"] and self.place.visible() != known.new:
            self.outcome.wrong.append(f"{where}: the last one did not win")
        if 0 < ended["clockify_new"] < began["clockify_old"] and self.place.visible() != known.old:
            self.outcome.wrong.append(f"{where}: the last one did not win")
        if self.place.litter():
            self.outcome.wrong.append(f"{where}: left {self.place.litter()}")


def watch_phases(progress: Progress) -> None:
    """Let exports say where they are. Children inherit it."""
    from airflow_provider_clockify.export.storage import HashingFile, Staging

    def before(owner: type, name: str, phase: str) -> None:
        original = getattr(owner, name)

        def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
            current[0].enter(phase)
            return original(self, *args, **kwargs)

        setattr(owner, name, wrapped)

    current = [progress]
    before(Staging, "__enter__", "read")
    before(HashingFile, "__init__", "write")
    before(Staging, "publish_at", "publish")
    enter = Child.__init__

    def started(self: Child, run: Any, progress: Progress, *rest: Any) -> None:
        current[0] = progress
        enter(self, run, progress, *rest)

    Child.__init__ = started  # type: ignore[method-assign]


def set_up(stack: ExitStack) -> Path:
    """Make a home for Airflow and everything else, before Airflow is imported."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clockify-kills-")))
    (folder / "tmp").mkdir()
    for name in [name for name in os.environ if name.startswith(("AIRFLOW_", "AWS_"))]:
        del os.environ[name]
    os.environ.update(
        AIRFLOW_HOME=str(folder / "airflow"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{folder}/airflow.db",
        AIRFLOW__LOGGING__BASE_LOG_FOLDER=str(folder / "logs"),
        TMPDIR=str(folder / "tmp"),
    )
    tempfile.tempdir = None
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill exports at random points.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=5, help="rounds with two exports at a time")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--entries", type=int, default=4000)
    parser.add_argument("--s3", action="store_true", help="to moto's server, instead of this machine's disk")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seed = random.randrange(2**32) if options.seed is None else options.seed
    chance = random.Random(seed)
    began = time.monotonic()
    with ExitStack() as stack:
        folder = set_up(stack)
        connections = {
            name: start_emulator(stack, folder, number, options.entries)
            for number, name in enumerate(("CLOCKIFY_OLD", "CLOCKIFY_NEW"))
        }
        if options.s3:
            from airflow_provider_clockify.export import storage

            url = start_s3(stack, folder)
            connections["AWS_TEST"] = {
                "conn_type": "aws",
                "login": "access",
                "password": "secret",
                "extra": {"endpoint_url": url, "region_name": "us-east-1"},
            }
            storage.PART_SIZE = 2**16  # Many parts of small files; real S3 wants 5 MiB, moto was told not to.
        for name, connection in connections.items():
            os.environ[f"AIRFLOW_CONN_{name}"] = json.dumps(connection)
        progress = Progress()
        watch_phases(progress)
        place = S3(url) if options.s3 else Disk(folder / "target")
        harness = Harness(folder, place, progress)
        jobs = [harness.learn(job) for job in JOBS]
        chance.shuffle(jobs)
        outcome = harness.outcome
        number = 0
        while outcome.kills < options.kills and len(outcome.wrong) < 20:
            harness.kill_round(jobs[number % len(jobs)], chance)
            number += 1
        for number in range(options.pairs):
            harness.pair_round(jobs[number % len(jobs)], chance)
    summary = {
        "seed": seed,
        "kills": outcome.kills,
        "during": dict(outcome.by_phase),
        "by": dict(outcome.by_signal),
        "ended_before": outcome.finished,
        "left_litter": outcome.with_litter,
        "left_by_exception": outcome.left_by_exception,
        "with_retry": outcome.with_retry,
        "went_on": outcome.went_on,
        "some_files_new": outcome.mixed,
        "wrong": outcome.wrong,
        "reruns": outcome.reruns,
        "identical": outcome.identical,
        "pairs": outcome.pairs,
    }
    if options.json:
        print(json.dumps(summary))
    else:
        phases = ", ".join(f"{outcome.by_phase[phase]} during {phase}" for phase in PHASES)
        print(
            f"{outcome.kills} kills ({phases}), {len(outcome.wrong)} wrong or partial files or leftovers, "
            f"{outcome.identical} of {outcome.reruns} re-runs identical, {outcome.pairs} pairs; "
            f"{outcome.with_retry} with a retry to come, of which {outcome.went_on} had parts to go on after; "
            f"{outcome.with_litter} kills and {outcome.left_by_exception} exceptions left private files, "
            f"{outcome.mixed} left some files new and some old; "
            f"seed {seed}, {time.monotonic() - began:.0f} s"
        )
        for line in outcome.wrong:
            print(f"  {line}")
    return int(bool(outcome.wrong) or outcome.identical != outcome.reruns)


if __name__ == "__main__":
    sys.exit(main())
