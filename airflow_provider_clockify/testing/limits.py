# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Refuse requests that come too fast, as the services do."""

from __future__ import annotations

import math
import threading
from collections import deque
from email.utils import formatdate
from time import time
from typing import TYPE_CHECKING

from airflow_provider_clockify.testing.exchange import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR = 3_600.0
RETRY_AFTER_FORMS = (None, "seconds", "http-date")


class TokenBucket:
    """Allow a number of requests per second; one second's worth may come at once."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._size = max(1.0, rate)
        self._tokens = self._size
        self._filled = clock()

    def take(self) -> float:
        """Take a token and return 0, or return the seconds until there is one."""
        now = self._clock()
        self._tokens = min(self._size, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate


class HourlyQuota:
    """Allow a number of requests in any hour."""

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._taken: deque[float] = deque()

    def take(self) -> float:
        """Count a request and return 0, or return the seconds until one is allowed again."""
        now = self._clock()
        while self._taken and self._taken[0] <= now - HOUR:
            self._taken.popleft()
        if len(self._taken) < self._limit:
            self._taken.append(now)
            return 0.0
        return self._taken[0] + HOUR - now if self._taken else HOUR


class RateLimits:
    """
    The limits of each workspace, shared by all its keys and users (Clockify help centre 2026).

    :param per_second: for every workspace; None is no limit.
    :param free_per_hour: for workspaces on the Free plan; None is no limit.
    :param retry_after: form of the header ``Retry-After`` of a 429: None (no header; nobody saw one),
        ``seconds`` or ``http-date``.
    """

    def __init__(
        self,
        *,
        per_second: float | None,
        free_per_hour: int | None,
        retry_after: str | None,
        clock: Callable[[], float],
    ) -> None:
        if retry_after not in RETRY_AFTER_FORMS:
            raise ValueError("retry_after must be None, 'seconds' or 'http-date'")
        self._per_second = per_second
        self._free_per_hour = free_per_hour
        self._retry_after = retry_after
        self._clock = clock
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Start with full buckets and an unused hour."""
        with self._lock:
            self._buckets: dict[str, TokenBucket] = {}
            self._quotas: dict[str, HourlyQuota] = {}

    def check(self, workspace_id: str, *, is_free: bool) -> None:
        """
        Count a request for a workspace.

        :raises ApiError: 429 when it is one too many.
        """
        with self._lock:
            wait = 0.0
            if self._per_second is not None:
                bucket = self._buckets.setdefault(workspace_id, TokenBucket(self._per_second, self._clock))
                wait = bucket.take()
            if not wait and is_free and self._free_per_hour is not None:
                quota = self._quotas.setdefault(workspace_id, HourlyQuota(self._free_per_hour, self._clock))
                wait = quota.take()
        if wait:
            raise ApiError(429, 429, "Too many requests", self._headers(wait))

    def _headers(self, wait: float) -> dict[str, str]:
        if self._retry_after is None:
            return {}
        seconds = math.ceil(wait)
        if self._retry_after == "seconds":
            return {"Retry-After": str(seconds)}
        return {"Retry-After": formatdate(math.ceil(time()) + seconds, usegmt=True)}
