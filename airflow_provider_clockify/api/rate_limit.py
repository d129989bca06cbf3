# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""One pace of requests per workspace and process, shared by every thread, hook and trigger in it."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


HOUR = 3600.0
# Requests that are remembered at least, in case a quota becomes known later.
REMEMBERED = 1000


class RateLimiter:
    """
    Space requests evenly.

    Callers reserve the next free moment and wait for it themselves, so that threads and event loops can share one
    limiter.

    :param requests_per_second: Ceiling; requests start at least ``1 / requests_per_second`` seconds apart.
    :param requests_per_hour: Quota of the workspace, as far as this process spends it; ``None`` when none is known.
    :param clock: Monotonic seconds.
    """

    def __init__(
        self,
        requests_per_second: float,
        requests_per_hour: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._interval = 1.0 / requests_per_second
        self._next_free = float("-inf")
        self._paused_until = float("-inf")
        self._pauses = 0
        self._hourly = requests_per_hour
        self._moments: deque[float] = deque(maxlen=max(REMEMBERED, requests_per_hour or 0))

    def at_most(self, requests_per_second: float, requests_per_hour: int | None = None) -> None:
        """Lower the ceilings; connections that share a workspace obey the strictest of them."""
        with self._lock:
            self._interval = max(self._interval, 1.0 / requests_per_second)
            if requests_per_hour is not None:
                self._hourly = min(requests_per_hour, self._hourly or requests_per_hour)
                self._moments = deque(self._moments, maxlen=max(REMEMBERED, self._hourly))

    @property
    def quota(self) -> int | None:
        """Requests of an hour; ``None`` when none is known."""
        return self._hourly

    def free_in(self, requests: int) -> float | None:
        """
        Tell when the quota has room for more requests.

        :param requests: How many, of which no more than the whole quota are counted.
        :return: Seconds until then, 0 when it has; ``None`` when no quota is known.
        """
        with self._lock:
            if self._hourly is None:
                return None
            now = self._clock()
            spent = [moment for moment in self._moments if moment > now - HOUR]
            too_many = min(requests, self._hourly) + len(spent) - self._hourly
            return max(0.0, spent[too_many - 1] + HOUR - now) if too_many > 0 else 0.0

    def left(self) -> int | None:
        """Tell how many requests of the quota are left in this hour; ``None`` when no quota is known."""
        with self._lock:
            if self._hourly is None:
                return None
            hour_ago = self._clock() - HOUR
            return max(0, self._hourly - sum(moment > hour_ago for moment in self._moments))

    def reserve(self, longest: float = float("inf")) -> float:
        """
        Take the next free moment.

        :param longest: Longest wait in seconds that is acceptable; a moment beyond it is not taken.
        :return: Seconds to wait for it; 0 when it is now, more than ``longest`` when it was not taken.
        """
        with self._lock:
            now = self._clock()
            moment = max(now, self._next_free)
            if self._hourly is not None and len(self._moments) >= self._hourly:
                moment = max(moment, self._moments[-self._hourly] + HOUR)
            wait = moment - now
            if wait <= longest:
                self._next_free = moment + self._interval
                self._moments.append(moment)
            return wait

    def pause(self, seconds: float) -> None:
        """
        Let nobody start a request for that many seconds: the service asked this workspace to slow down.

        It also holds for those who wait for a moment that they took before; see :attr:`pauses`.
        """
        if seconds <= 0:
            return
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)
            self._next_free = max(self._next_free, self._paused_until)
            self._pauses += 1

    @property
    def pauses(self) -> int:
        """How often the service has asked for a pause: who waited meanwhile has to take another moment."""
        with self._lock:
            return self._pauses

    @property
    def pause_left(self) -> float:
        """Seconds that are left of the pause that the service asked for; 0 without one."""
        with self._lock:
            return max(0.0, self._paused_until - self._clock())


_limiters: dict[tuple[str, str], RateLimiter] = {}
_registry_lock = threading.Lock()


def limiter_for(
    host: str, workspace: str, requests_per_second: float, requests_per_hour: int | None = None
) -> RateLimiter:
    """
    Give the limiter that this process keeps for a workspace.

    :param host: Base URL of the service.
    :param workspace: Workspace id, or what else names the budget.
    :param requests_per_second: Ceiling of the asking connection.
    :param requests_per_hour: Quota that the asking connection knows of.
    """
    with _registry_lock:
        limiter = _limiters.get((host, workspace))
        if limiter is None:
            limiter = _limiters[(host, workspace)] = RateLimiter(requests_per_second, requests_per_hour)
        else:
            limiter.at_most(requests_per_second, requests_per_hour)
        return limiter
