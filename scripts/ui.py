# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Airflow in a browser: the example DAGs, the emulator behind them, and a connection that works.

What it keeps lies below ``.ui/`` (``make clean`` removes it); a second start finds the runs of the first. Ctrl-C ends
everything it started.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from local_airflow import ROOT, LocalAirflow
from rich.console import Console
from steps import Steps

FIRST_DAG = "example_clockify_daily_export"
# What a start says, to show how far it is: the emulator, the database, the connection, the processes, the DAG.
STEPS = 5
console = Console(highlight=False)


def main() -> int:
    parser = argparse.ArgumentParser(description="Airflow with the example DAGs and an emulated workspace.")
    parser.add_argument("--home", type=Path, default=ROOT / ".ui", help="where it keeps its data")
    parser.add_argument("--port", type=int, default=8080, help="another one if that is taken")
    options = parser.parse_args()
    finish = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop(finish))
    steps = Steps(console, STEPS)
    airflow = LocalAirflow(
        options.home.resolve(), port=options.port, say=lambda text: steps.begin(f"starting {text}")
    )
    try:
        with ExitStack() as started:
            with steps:
                started.enter_context(airflow)
                steps.begin(f"reading the example DAGs, {FIRST_DAG} first")
                airflow.wait_for_dag(FIRST_DAG)
                # One DAG has a run to look at; the others wait for somebody to switch them on.
                airflow.api("PATCH", f"dags/{FIRST_DAG}", is_paused=False)
            show(airflow)
            while not finish.wait(2):
                if ended := [process for process in airflow.processes if process.has_ended]:
                    console.print(ended[0].tail(), markup=False)
                    return 1
    except KeyboardInterrupt:
        pass
    console.print("Stopped.")
    return 0


def stop(finish: threading.Event) -> None:
    """End the wait; during the start there is none, and the start is given up."""
    if finish.is_set():
        return
    finish.set()
    raise KeyboardInterrupt


def show(airflow: LocalAirflow) -> None:
    console.rule("[bold]Airflow is up")
    console.print(f"[bold]{airflow.url}[/]  (no login; the other example DAGs appear one by one)")
    console.print(f"  a run with its link, log and summary: {airflow.url}/dags/{FIRST_DAG}")
    console.print(f"  the connection and its Test button:   {airflow.url}/connections")
    console.print(f"  what the runs write:                  {airflow.output}", soft_wrap=True)
    console.print(f"  the emulated workspace:               {airflow.connection['host']}")
    console.print("Ctrl-C stops it. Data stay for the next start; make clean removes them.")


if __name__ == "__main__":
    sys.exit(main())
