# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What a measured process spends: wall time, CPU seconds, peak memory."""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any


class Stopwatch:
    """Wall time and CPU seconds, of this process and of those that it has waited for, from its making on."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), _cpu_seconds()

    def read(self) -> dict[str, float]:
        return {
            "wall": round(time.perf_counter() - self._wall, 4),
            "cpu": round(_cpu_seconds() - self._cpu, 4),
        }


def _cpu_seconds() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def peak_mb() -> float:
    """
    Return the largest resident memory that this process had.

    Not ``ru_maxrss``: after an exec that still counts the memory of the process which started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.M)
    assert found
    return round(int(found[1]) / 1024, 1)


def specification() -> dict[str, Any]:
    """Read what to measure, as the runner of the benchmarks wrote it."""
    return json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))


def report(**figures: Any) -> None:
    """Tell the runner; not by standard output, which libraries write to as well."""
    Path(sys.argv[2]).write_text(json.dumps(figures), encoding="utf-8")
