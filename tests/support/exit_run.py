# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Read and export windows of three chunks while something happens to the read, and say which threads are left.

``exit_run.py JSON``: ``{"what": [<names of scenarios>], "how": "hook" | "operator" | "dag", "requests": [<numbers of
requests>], "folder": …}``. What it prints last is a list in JSON of what came of each read. An interpreter that does
not end then, or a read that does not, is ended with the stacks of all threads and a status of 1.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.metadata import version
from itertools import product
from typing import Any, NoReturn

from our_threads import left_over

from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, faults, generate_workspace

START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC)
ENTRIES, PAGE, LATENCY = 240, 20, 0.02
# Seconds until a thread that has been given up must be gone.
GRACE = 1.0
# Seconds for all reads, most of which Airflow's import may take, and for the interpreter to end.
ALL, EXIT = 150, 60


class TimeOut(BaseException):
    """As Airflow's own, which is no Exception."""


@dataclass
class Read:
    """
    One read.

    :param number: Number of the request that something happens at.
    """

    emulator: ClockifyEmulator
    how: str
    folder: str
    number: int

    @property
    def workspace(self) -> EmulatedWorkspace:
        return self.emulator.workspace

    def early(self) -> str:
        return self.workspace.truth_ids(START, START + timedelta(days=20))[0]

    def late(self) -> str:
        return self.workspace.truth_ids(END - timedelta(days=20), END)[0]

    def run(self) -> object:
        """Read everything."""
        if self.how == "hook":
            return sum(1 for _ in self.rows())
        if self.how == "operator":
            from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

            path = f"{self.folder}/{self.number}.jsonl"
            operator = ClockifyDetailedReportOperator(
                task_id="export", output_path=path, start=START.isoformat(), end=END.isoformat()
            )
            return operator.execute({})["rows"]
        return run_dag("probe_three_chunks")

    def rows(self) -> Any:
        from airflow_provider_clockify.hooks.clockify import ClockifyHook

        return ClockifyHook().iter_detailed_report(START, END)


def run_dag(dag_id: str) -> str:
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    if version("apache-airflow").startswith("2."):
        import_module("airflow.providers.fab.auth_manager.models")
    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    return str(bag.dags[dag_id].test().state)


def move(workspace: EmulatedWorkspace, key: str, start: datetime) -> None:
    workspace.update_entry(key, start=start, end=start + timedelta(hours=1))


def edit(change: Callable[[Read], object]) -> Callable[[Read], object]:
    """Change the data just before a request is handled."""

    def scenario(read: Read) -> object:
        read.emulator.at_request(read.number, lambda: change(read))
        return read.run()

    return scenario


def refused(read: Read) -> object:
    read.emulator.inject(faults.key_revoked(), times=None, match=faults.from_request(read.number))
    return read.run()


def failing_consumer(read: Read) -> object:
    for count, _ in enumerate(read.rows()):
        if count == 10 * read.number:
            raise ValueError("the consumer fails")
    return "read to the end"


def leaving_consumer(read: Read) -> object:
    rows = read.rows()
    for count, _ in enumerate(rows):
        if count == 10 * read.number:
            break
    rows.close()
    return "closed"


def forgetful_consumer(read: Read) -> object:
    rows = read.rows()
    return len([next(rows) for _ in range(10 * read.number)])


def told_to_stop(read: Read) -> object:
    """Airflow's supervisor and worker send SIGTERM; what a handler raises is raised in the main thread."""

    def on_term(*_: object) -> NoReturn:
        raise SystemExit("told to stop")

    signal.signal(signal.SIGTERM, on_term)
    read.emulator.at_request(read.number, lambda: os.kill(os.getpid(), signal.SIGTERM))
    outcome = read.run()
    time.sleep(0.2)  # It may come a little late.
    return outcome


def timed_out(read: Read) -> object:
    """Airflow's ``execution_timeout`` raises in the main thread, by a timer."""

    def on_alarm(*_: object) -> NoReturn:
        raise TimeOut

    signal.signal(signal.SIGALRM, on_alarm)
    read.emulator.at_request(read.number, lambda: signal.setitimer(signal.ITIMER_REAL, 0.05))
    try:
        return read.run()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def hanging_dag(read: Read) -> object:
    read.emulator.inject(faults.hang(300), times=None, match=faults.from_request(read.number))
    return run_dag("probe_timed_out")


SCENARIOS: dict[str, Callable[[Read], object]] = {
    "nothing": lambda read: read.run(),
    "deleted early": edit(lambda read: read.workspace.delete_entry(read.early())),
    "deleted late": edit(lambda read: read.workspace.delete_entry(read.late())),
    "moved later": edit(lambda read: move(read.workspace, read.early(), END - timedelta(days=3))),
    "moved earlier": edit(lambda read: move(read.workspace, read.late(), START + timedelta(days=3))),
    "key refused": refused,
    "consumer fails": failing_consumer,
    "consumer leaves": leaving_consumer,
    "consumer forgets": forgetful_consumer,
    "SIGTERM": told_to_stop,
    "time-out": timed_out,
    "time-out of a hanging request": hanging_dag,
}


def main(plan: dict[str, Any]) -> None:
    faulthandler.dump_traceback_later(ALL, exit=True)
    came: list[dict[str, Any]] = []
    known: set[threading.Thread] = set()
    for what, number in product(plan["what"], plan["requests"]):
        workspace = generate_workspace(entries=ENTRIES, start=START, end=END, running_timers=0)
        server = {"free_requests_per_hour": None, "detailed_max_page_size": PAGE, "oversize": "clamp"}
        with ClockifyEmulator(workspace, latency=LATENCY, **server) as emulator:
            os.environ["AIRFLOW_CONN_CLOCKIFY_DEFAULT"] = emulator.connection_json(
                requests_per_second=1000, max_retries=0, timeout=5
            )
            os.environ["AIRFLOW_VAR_CLOCKIFY_OUTPUT"] = f"{plan['folder']}/{what}/{number}"
            try:
                outcome = SCENARIOS[what](Read(emulator, plan["how"], plan["folder"], number))
            except BaseException as error:  # noqa: BLE001 - what is raised is what came of it
                outcome = type(error).__name__
            left = left_over(known, GRACE)
            known |= left
            threads = sorted(thread.name for thread in left)
            came.append({"what": what, "request": number, "outcome": outcome, "threads": threads})
    print(json.dumps(came), flush=True)
    faulthandler.dump_traceback_later(EXIT, exit=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
