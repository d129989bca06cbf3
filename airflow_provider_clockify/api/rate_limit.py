# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""One pace of requests per workspace and process, shared by every thread, hook and trigger in it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class RateLimiter:
    """
    Space requests evenly.

    Callers reserve the next free moment and wait for it themselves, so that threads and event loops can share one
    limiter.

    :param requests_per_second: Ceiling; requests start at least ``1 / requests_per_second`` seconds apart.
    :param clock: Monotonic seconds.
    """

    def __init__(self, requests_per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._interval = 1.0 / requests_per_second
        self._next_free = float("-inf")

    def at_most(self, requests_per_second: float) -> None:
        """Lower the ceiling; connections that share a workspace obey the strictest of them."""
        with self._lock:
            self._interval = max(self._interval, 1.0 / requests_per_second)

    def reserve(self) -> float:
        """
        Take the next free moment.

        :return: Seconds to wait for it; 0 when it is now.
        """
        with self._lock:
            now = self._clock()
            moment = max(now, self._next_free)
            self._next_free = moment + self._interval
            return moment - now

    def pause(self, seconds: float) -> None:
        """Let nobody start a request for that many seconds: the service asked this workspace to slow down."""
        with self._lock:
            self._next_free = max(self._next_free, self._clock() + seconds)


_limiters: dict[tuple[str, str], RateLimiter] = {}
_registry_lock = threading.Lock()


def limiter_for(host: str, workspace: str, requests_per_second: float) -> RateLimiter:
    """
    Give the limiter that this process keeps for a workspace.

    :param host: Base URL of the service.
    :param workspace: Workspace id, or what else names the budget.
    :param requests_per_second: Ceiling of the asking connection.
    """
    with _registry_lock:
        limiter = _limiters.get((host, workspace))
        if limiter is None:
            limiter = _limiters[(host, workspace)] = RateLimiter(requests_per_second)
        else:
            limiter.at_most(requests_per_second)
        return limiter
