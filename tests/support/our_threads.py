# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Threads of this package that are left after a call."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection

OURS = "clockify-"
# An emulator's may serve many tests.
NOT_OURS = "clockify-emulator"


def left_over(known: Collection[threading.Thread], patience: float) -> set[threading.Thread]:
    """
    Return our threads that are still there after a while.

    :param known: Those that were there before.
    :param patience: Seconds in which those that have been given up may end.
    """
    end = time.monotonic() + patience
    while (left := _ours() - set(known)) and time.monotonic() < end:
        time.sleep(0.01)
    return left


def _ours() -> set[threading.Thread]:
    return {
        thread for thread in threading.enumerate() if thread.name.startswith(OURS) and thread.name != NOT_OURS
    }
