# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The emulator in a process of its own, driven by JSON lines on its standard input; it ends when that closes.

``{"latency": 0.1}`` sets the latency and forgets the requests so far. ``{}`` tells what was spent since.
``{"counts": [[start, end], …]}`` counts entries, ``{"truth": [start, end]}`` hashes the ids of a perfect export.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from datetime import datetime

from airflow_provider_clockify.testing.answers import report_rows
from airflow_provider_clockify.testing.server import ClockifyEmulator
from airflow_provider_clockify.testing.workspace.generate import generate_workspace


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, required=True)
    parser.add_argument("--start", type=datetime.fromisoformat, required=True)
    parser.add_argument("--end", type=datetime.fromisoformat, required=True)
    given = parser.parse_args()
    # Everything that was served once stays encoded: the clients are to be measured.
    report_rows._KEPT_ROWS = given.entries
    report_rows._KEPT_SELECTIONS = 64
    workspace = generate_workspace(entries=given.entries, start=given.start, end=given.end, running_timers=0)
    emulator = ClockifyEmulator(workspace, requests_per_second=None)
    with emulator:
        print(emulator.connection_json(requests_per_second=100_000, max_retries=0), flush=True)
        cpu = time.process_time()
        for line in sys.stdin:
            command = json.loads(line)
            if "latency" in command:
                emulator.latency = command["latency"]
                emulator.reset_log()
                cpu = time.process_time()
            answer = {
                "cpu": time.process_time() - cpu,
                "requests": len(emulator.requests),
                "failed": sum(record.status != 200 for record in emulator.requests),
                "concurrency": emulator.max_concurrency,
            }
            if "counts" in command:
                answer["counts"] = [len(ids(workspace, *bounds)) for bounds in command["counts"]]
            if "truth" in command:
                truth = sorted(ids(workspace, *command["truth"]))
                answer["truth"] = [len(truth), hashlib.sha256("\n".join(truth).encode()).hexdigest()]
            print(json.dumps(answer), flush=True)


def ids(workspace, start: str, end: str) -> list[str]:
    return workspace.truth_ids(datetime.fromisoformat(start), datetime.fromisoformat(end))


if __name__ == "__main__":
    main()
