# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Many deferred sensors in one triggerer: how many requests they cost, and how long they hold up its event loop.

Runs Airflow's own ``TriggerRunner`` (3.3 or later) with triggers as sensors defer them, against the emulator in a
process of its own. Only the supervisor of the triggerer is replaced: a function in this process hands out triggers and
connections.

    python benchmarks/thousand_sensors.py [--sensors 1000] [--questions 10] [--interval 5] [--seconds 30]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

HOME = tempfile.mkdtemp(prefix="clockify-benchmark-")
os.environ.update(
    AIRFLOW_HOME=HOME,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{HOME}/airflow.db",
    _AIRFLOW_PROCESS_CONTEXT="client",
)

SINCE = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--sensors", type=int, default=1000)
    parser.add_argument("--questions", type=int, default=10, help="distinct ones among the sensors")
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between two looks")
    parser.add_argument(
        "--bare", action="store_true", help="Airflow's own TimeDeltaTrigger instead, to compare"
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="how long to measure")
    return parser.parse_args()


def start_emulator() -> tuple[subprocess.Popen[str], dict]:
    command = [
        sys.executable,
        "-m",
        "airflow_provider_clockify.testing",
        "--plan",
        "PRO",
        "--entries",
        "5000",
    ]
    emulator = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    line = emulator.stdout.readline()
    return emulator, json.loads(line.partition("connection=")[2])


def question_of(number: int, workspace_id: str) -> dict:
    """Return one of several questions of every kind; nothing that the emulator has answers it."""
    from airflow_provider_clockify.watching.questions import make_question

    return make_question(
        workspace_id=workspace_id,
        since=SINCE + timedelta(minutes=number),
        until=None,
        detect=("started", "created", "started", "changed")[number % 4],
        min_entries=10**6,
        filters=None,
        include_running=False,
    ).to_json()


class Ticker:
    """
    Notices how late an event loop wakes it up, and how much of that were collections of Python's garbage.

    A full collection goes through all that the process ever imported, mostly Airflow, whatever the triggers do.
    """

    def __init__(self) -> None:
        self.stalls: list[float] = []
        self.without_collections: list[float] = []
        self._collecting = 0.0
        self._began = 0.0
        gc.callbacks.append(self._on_collection)

    def _on_collection(self, phase: str, info: dict) -> None:
        if phase == "start":
            self._began = time.monotonic()
        else:
            self._collecting += time.monotonic() - self._began

    async def run(self) -> None:
        while True:
            before, collecting = time.monotonic(), self._collecting
            await asyncio.sleep(0.005)
            late = time.monotonic() - before - 0.005
            self.stalls.append(late)
            self.without_collections.append(late - (self._collecting - collecting))


async def measure(given: argparse.Namespace, connection: dict) -> None:
    from airflow.executors.workloads import RunTrigger
    from airflow.jobs.triggerer_job_runner import TriggerRunner, messages
    from airflow.models.trigger import Trigger
    from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import ConnectionResult, GetConnection

    from airflow_provider_clockify.triggers.time_entries import ClockifyTimeEntryTrigger

    lookups = warnings = 0
    to_create = []
    for number in range(given.sensors):
        question = question_of(number % given.questions, connection["extra"]["workspace_id"])
        if given.bare:
            path, values = TimeDeltaTrigger(timedelta(days=1)).serialize()
        else:
            path, values = ClockifyTimeEntryTrigger(question, "clockify_default", given.interval).serialize()
        to_create.append(
            RunTrigger(id=number + 1, classpath=path, encrypted_kwargs=Trigger.encrypt_kwargs(values))
        )

    class Supervisor:
        """Stands for the process that owns the database."""

        _reader_task = None

        async def asend(self, message: object) -> object:
            nonlocal lookups, to_create
            await asyncio.sleep(0.002)
            if isinstance(message, messages.TriggerStateChanges):
                assert not message.failures, message.failures[0]
                given_out, to_create = to_create, []
                return messages.TriggerStateSync(to_create=given_out, to_cancel=set())
            if isinstance(message, GetConnection):
                lookups += 1
                fields = {"login": None, "schema": None, "port": None} | connection
                extra = json.dumps({**connection["extra"], "requests_per_second": 50, "max_retries": 0})
                return ConnectionResult(conn_id=message.conn_id, **{**fields, "extra": extra})
            return None

    class Runner(TriggerRunner):
        async def init_comms(self) -> None:
            self.comms_decoder = task_runner.SUPERVISOR_COMMS = Supervisor()
            self.comms_decoder._reader_task = asyncio.create_task(asyncio.Event().wait())

    class Log:
        """Writes what the runner logs to a file, as a triggerer does, and counts the warnings of blocked loops."""

        def __getattr__(self, name: str) -> object:
            def write(event: str, *values: object, **more: object) -> None:
                nonlocal warnings
                warnings += "was blocked for" in event
                logging.getLogger("runner").info("%s %s %s", event, values, more)

            async def awrite(event: str, *values: object, **more: object) -> None:
                write(event, *values, **more)

            return awrite if name in ("ainfo", "awarning", "aerror", "aexception") else write

    runner = Runner()
    runner.log = Log()
    ticker = Ticker()
    ticking = asyncio.create_task(ticker.run())
    running = asyncio.create_task(runner.arun())
    cpu, began = time.process_time(), time.monotonic()
    while len(runner.triggers) < given.sensors:  # noqa: ASYNC110 - the runner has no event for it
        await asyncio.sleep(0.05)
    started = time.monotonic() - began
    at_start, ticker.stalls, ticker.without_collections = ticker.without_collections, [], []
    before, looked_up = await requests_of(connection), lookups
    cpu_start = time.process_time()
    await asyncio.sleep(given.seconds)
    requests, looked_up = await requests_of(connection) - before, lookups - looked_up
    cpu_end = time.process_time()
    assert len(runner.triggers) == given.sensors
    stalls = sorted(ticker.stalls)
    ticking.cancel()
    for details in runner.triggers.values():
        details["task"].cancel()
    runner.stop = True
    runner._stop_event.set()
    await running
    looks = given.seconds / given.interval
    kinds = [question_of(number, "w") for number in range(given.questions)]
    per_look = sum({"started": 1, "created": 1, "changed": 3}[kind["detect"]] for kind in kinds)
    lines = {
        "sensors": f"{given.sensors}, {given.questions} distinct questions",
        "all running after": f"{started:.2f} s, longest stall meanwhile {max(at_start) * 1e3:.0f} ms",
        "requests per minute": f"{requests * 60 / given.seconds:.0f}",
        "  bound by the questions": f"{per_look * (looks + 1) * 60 / given.seconds:.0f}",
        "  one wait each": f"{given.sensors * per_look / given.questions * 60 / given.interval:.0f}",
        "connection lookups/minute": f"{looked_up * 60 / given.seconds:.0f}",
        "longest stall of the loop": f"{max(ticker.without_collections) * 1e3:.0f} ms",
        "  with garbage collection": f"{stalls[-1] * 1e3:.0f} ms",
        "  in 99.9 % of wake-ups": f"{stalls[len(stalls) * 999 // 1000] * 1e3:.0f} ms",
        "CPU": f"{cpu_start - cpu:.2f} s to start, {cpu_end - cpu_start:.2f} s meanwhile",
        "blocked-loop warnings": str(warnings),
    }
    for name, value in lines.items():
        print(f"{name:26} {value}")


async def requests_of(connection: dict) -> int:
    def read() -> int:
        with urllib.request.urlopen(connection["host"] + "/__emulator__/stats") as answer:
            return json.load(answer)["requests"]

    return await asyncio.to_thread(read)


def main() -> None:
    given = arguments()
    logging.basicConfig(filename=Path(HOME) / "triggerer.log", level=logging.INFO, force=True)
    emulator, connection = start_emulator()
    try:
        asyncio.run(measure(given, connection))
    finally:
        emulator.terminate()
        emulator.wait()


if __name__ == "__main__":
    main()
