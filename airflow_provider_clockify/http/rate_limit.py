# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""One pace of requests per workspace, shared by every thread, hook and trigger of a process, and by its processes."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_clockify.http.pace import Pace, Refusal, Turn
from airflow_provider_clockify.http.pace_files import PaceFile

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class RateLimiter:
    """
    Space requests evenly.

    Callers reserve the next free moment and wait for it themselves, so that threads and event loops can share one
    limiter.

    :param requests_per_second: Ceiling; requests start at least ``1 / requests_per_second`` seconds apart.
    :param requests_per_hour: Quota of the workspace; ``None`` when none is known.
    :param clock: Seconds; by default of the wall clock, which other processes have as well.
    :param file: Where other processes find the pace; without it this process keeps it alone.
    """

    def __init__(
        self,
        requests_per_second: float,
        requests_per_hour: int | None = None,
        clock: Callable[[], float] | None = None,
        file: PaceFile | None = None,
    ) -> None:
        self._clock = clock or time.time
        self._file = file
        self._lock = threading.Lock()
        self._ceiling = requests_per_second
        self._quota = requests_per_hour
        self._pace = Pace()

    def at_most(self, requests_per_second: float, requests_per_hour: int | None = None) -> None:
        """Lower the ceilings; connections that share a workspace obey the strictest of them."""
        with self._lock:
            self._ceiling = min(self._ceiling, requests_per_second)
            if requests_per_hour is not None:
                self._quota = min(requests_per_hour, self._quota or requests_per_hour)

    @property
    def ceiling(self) -> float:
        """Requests per second when nothing was refused."""
        return self._ceiling

    @property
    def quota(self) -> int | None:
        """Requests of an hour; ``None`` when none is known."""
        return self._quota

    def free_in(self, requests: int) -> float | None:
        """
        Tell when the quota has room for more requests.

        :param requests: How many, of which no more than the whole quota are counted.
        :return: Seconds until then, 0 when it has; ``None`` when no quota is known.
        """
        quota = self._quota
        return (
            None if quota is None else self._with_pace(lambda pace, now: pace.free_in(now, quota, requests))
        )

    def left(self) -> int | None:
        """Tell how many requests of the quota are left in this hour; ``None`` when no quota is known."""
        quota = self._quota
        return None if quota is None else self._with_pace(lambda pace, now: pace.left(now, quota))

    def reserve(self, longest: float = float("inf")) -> Turn:
        """
        Take the next free moment.

        :param longest: Longest wait in seconds that is acceptable; a moment beyond it is not taken.
        """
        return self._with_pace(lambda pace, now: pace.reserve(now, self._ceiling, self._quota, longest))

    def holds(self, turn: Turn) -> bool:
        """
        Tell whether a moment that was waited for may be used: it was taken, and no pause has begun meanwhile.

        :param turn: What :meth:`reserve` told.
        """
        if not turn.taken or turn.wait <= 0:
            return turn.taken
        return self._with_pace(lambda pace, now: pace.pauses == turn.pauses)

    def refuse(self, turn: Turn, asked: float | None) -> Refusal:
        """
        Slow down, and let nobody start a request for a while: the service refused one (429).

        :param turn: Turn of the refused request.
        :param asked: Seconds that the service asks for; ``None`` if it does not say.
        """
        return self._with_pace(
            lambda pace, now: pace.refuse(now, turn.moment, self._ceiling, asked, random.random())
        )

    def answer(self, turn: Turn) -> None:
        """
        Take note of an answer that was not a refusal.

        :param turn: Turn of its request.
        """
        # Looked at without the file first, since it seldom matters.
        if self._pace.wants_answer(turn.moment):
            self._with_pace(lambda pace, now: pace.answer(turn.moment))

    def give_back(self, turn: Turn) -> None:
        """
        Take a moment out of the count of the hour: its request never reached the service.

        :param turn: Turn of the request.
        """
        self._with_pace(lambda pace, now: pace.give_back(now, turn.moment))

    @property
    def pause_left(self) -> float:
        """Seconds that are left of the pause after a refusal; 0 without one."""
        return self._with_pace(lambda pace, now: max(0.0, pace.paused_until - now))

    def _with_pace(self, step: Callable[[Pace, float], T]) -> T:
        with self._lock:
            if self._file is None:
                return step(self._pace, self._clock())
            with self._file.held(self._pace) as pace:
                self._pace = pace
                return step(pace, self._clock())


_limiters: dict[tuple[str, str], RateLimiter] = {}
_registry_lock = threading.Lock()


def limiter_for(
    host: str, workspace: str, requests_per_second: float, requests_per_hour: int | None = None
) -> RateLimiter:
    """
    Return the limiter that this process keeps for a workspace; it shares its pace with those of other processes.

    :param host: Base URL of the service.
    :param workspace: Workspace id, or what else names the budget.
    :param requests_per_second: Ceiling of the asking connection.
    :param requests_per_hour: Quota that the asking connection knows of.
    """
    with _registry_lock:
        limiter = _limiters.get((host, workspace))
        if limiter is None:
            file = PaceFile(f"{host}\n{workspace}")
            limiter = RateLimiter(requests_per_second, requests_per_hour, file=file)
            _limiters[(host, workspace)] = limiter
        else:
            limiter.at_most(requests_per_second, requests_per_hour)
        return limiter
