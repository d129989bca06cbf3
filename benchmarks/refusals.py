# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
How many requests are refused when many processes share a workspace's limits.

Processes are forked like those of Airflow's executors, and run real operators and clients against the emulator in a
process of its own. ``hour``: sixteen exports of three requests each on a Free workspace, which has 30 an hour; time
passes faster, for everybody. ``second``: six processes that ask as fast as their connection allows, six requests a
second each, of a workspace that allows ten. "apart": each process with a temporary folder of its own, as if on another
machine.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_clockify.exceptions import ClockifyError
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.http import rate_limit, transport
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
from airflow_provider_clockify.service.lists import workspace as workspace_request
from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace

FORK = multiprocessing.get_context("fork")
START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
BEGUN = time.time()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["hour", "second"], choices=["hour", "second"])
    parser.add_argument("--tasks", type=int, default=16)
    parser.add_argument("--speed", type=float, default=60.0, help="how much faster an hour passes")
    parser.add_argument("--seconds", type=float, default=90.0, help="how long the processes ask")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if "hour" in given.what:
        for quota in (30, None):
            for deferrable in (True, False):
                for apart in (False, True):
                    print(hour(given, quota, deferrable=deferrable, apart=apart), flush=True)
    if "second" in given.what:
        for apart in (False, True):
            print(second(given, apart=apart), flush=True)


# --- the limit of an hour ------------------------------------------------------------------------------------


def hour(given: argparse.Namespace, quota: int | None, *, deferrable: bool, apart: bool) -> str:
    with (
        emulator("FREE_2026", given.speed, entries=2_500) as (connection, stats),
        tempfile.TemporaryDirectory() as home,
    ):
        connection["extra"].update(requests_per_hour=quota)
        os.environ["AIRFLOW_CONN_CLOCKIFY_DEFAULT"] = json.dumps(connection)
        run_all(given.tasks, export_task, home, apart, given.speed, deferrable)
        ends = Counter(path.read_text() for path in Path(home).glob("*.end"))
        seen = stats()
    refused = [moment for moment, status in seen if status == 429]
    first = sum(moment <= 3600 for moment in refused)
    return (
        f"hour, requests_per_hour={quota}, {'deferrable' if deferrable else 'not deferrable'}, "
        f"{'apart' if apart else 'together'}: {first} refused in the first hour, {len(refused)} in all, "
        f"{len(seen) - len(refused)} answered within {seen[-1][0] / 60:.0f} minutes; "
        + ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))
    )


def export_task(number: int, home: str, speed: float, deferrable: bool) -> None:
    rate_limit.time = SimpleNamespace(time=lambda: BEGUN + (time.time() - BEGUN) * speed)
    transport.SyncTransport._wait = lambda self, seconds, abandoned: time.sleep(max(0.0, seconds) / speed)
    operator = ClockifyDetailedReportOperator(
        task_id=f"export_{number}",
        output_path=f"{home}/{number}.jsonl",
        start=START.isoformat(),
        end=END.isoformat(),
        deferrable=deferrable,
        on_budget="defer" if deferrable else "fail",
    )
    method, arguments = "execute", {}
    while True:
        try:
            getattr(operator, method)({}, **arguments)
            end = "done"
            break
        except TaskDeferred as deferred:
            moment = deferred.trigger.serialize()[1]["moment"]
            time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()) / speed)
            method, arguments = deferred.method_name, {**(deferred.kwargs or {}), "event": moment}
        except Exception as error:  # noqa: BLE001 - what a task ends with is what is counted
            end = type(error).__name__
            break
    Path(home, f"{number}.end").write_text(end)


# --- the limit of a second -----------------------------------------------------------------------------------


def second(given: argparse.Namespace, *, apart: bool) -> str:
    limit = {"requests_per_second": 10}
    with emulator("PRO", 1.0, **limit) as (connection, stats), tempfile.TemporaryDirectory() as home:
        connection["extra"].update(requests_per_second=6)
        os.environ["AIRFLOW_CONN_CLOCKIFY_DEFAULT"] = json.dumps(connection)
        run_all(6, asking_task, home, apart, given.seconds)
        seen = stats()
    refused = sum(status == 429 for _, status in seen)
    return (
        f"second, {'apart' if apart else 'together'}: {refused} of {len(seen)} requests refused "
        f"({100 * refused / len(seen):.1f} %), {(len(seen) - refused) / given.seconds:.1f} answered a second"
    )


def asking_task(number: int, home: str, seconds: float) -> None:
    hook = ClockifyHook()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            hook.client.get(workspace_request(hook.workspace_id))
        except ClockifyError:
            break  # It gave up.


# --- processes -----------------------------------------------------------------------------------------------


def run_all(tasks, target, home, apart, *arguments) -> None:
    processes = []
    for number in range(tasks):
        folder = Path(home, f"machine{number if apart else 0}")
        folder.mkdir(exist_ok=True)
        processes.append(FORK.Process(target=run_one, args=(folder, target, number, home, *arguments)))
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def run_one(folder: Path, target, number: int, home: str, *arguments) -> None:
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 - the log of a task
    tempfile.tempdir = str(folder)
    target(number, home, *arguments)


@contextmanager
def emulator(plan: str, speed: float, *, entries: int = 10, **limits):
    """Start an emulator in a process of its own: its connection, and what moments and statuses it has seen."""
    ours, theirs = FORK.Pipe()
    process = FORK.Process(target=serve, args=(theirs, plan, speed, entries, limits))
    process.start()
    try:
        yield json.loads(ours.recv()), lambda: (ours.send("stats"), ours.recv())[1]
    finally:
        ours.send("end")
        process.join()


def serve(pipe, plan: str, speed: float, entries: int, limits) -> None:
    workspace = generate_workspace(entries=entries, plan=plan, start=START, end=END, running_timers=0)
    begun = time.monotonic()
    with ClockifyEmulator(workspace, clock=lambda: (time.monotonic() - begun) * speed, **limits) as running:
        pipe.send(running.connection_json())
        while pipe.recv() != "end":
            first = min(record.started for record in running.requests)
            pipe.send([((record.started - first) * speed, record.status) for record in running.requests])


if __name__ == "__main__":
    main()
