# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Loads in processes that say ``ready`` before and ``done`` after, so that they can be timed and killed."""

from __future__ import annotations

import subprocess
import time


def time_of(command: list[str]) -> float:
    """Return how long a load takes that nobody kills."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
        began = time.monotonic()
        assert child.stdout.readline() == "done\n"
        return time.monotonic() - began


def kill_after(command: list[str], seconds: float) -> None:
    """Kill a load so long after it has begun."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
        time.sleep(seconds)
        child.kill()
