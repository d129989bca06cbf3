# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""A line in the log every few seconds, for reads that last longer than that."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

EVERY = 5.0


class Progress:
    """
    Says how far a read is, how fast, and how long it will take at that rate.

    :param what: What is read.
    :param pages: How many pages it has, as far as is known now.
    :param rows: How many rows.
    :param say: Takes the line.
    :param clock: Monotonic seconds.
    """

    def __init__(
        self,
        what: str,
        pages: int,
        rows: int,
        *,
        say: Callable[[str], None] = log.info,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._pages = pages
        self._rows = rows
        self._say = say
        self._clock = clock
        self._started = self._last = clock()

    def at(self, page: int, rows: int) -> None:
        """
        Note how far it is; says so if it has said nothing for a while.

        :param page: Pages taken.
        :param rows: Rows taken.
        """
        now = self._clock()
        if now - self._last < EVERY or rows <= 0:
            return
        self._last = now
        rate = rows / (now - self._started)
        remaining = max(0, self._rows - rows) / rate
        self._say(
            f"{self._what}: page {page} of {self._pages}, {rows:,} of {self._rows:,} rows, {rate:,.0f} rows/s, about "
            f"{_duration(remaining)} to go."
        )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
