# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What both transports do around the wire: the pace before a request, the reading after it, the pause in between."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_clockify.api.endpoints import service_url
from airflow_provider_clockify.api.errors import ceiling_reached, read_answer
from airflow_provider_clockify.api.rate_limit import RateLimiter, limiter_for
from airflow_provider_clockify.api.redaction import hide_in_logs
from airflow_provider_clockify.api.retry import RetryPolicy
from airflow_provider_clockify.exceptions import ClockifyRateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenacity import RetryCallState

    from airflow_provider_clockify.api.messages import ApiRequest, ApiResponse
    from airflow_provider_clockify.connection import ClockifySettings

T = TypeVar("T")

log = logging.getLogger(__name__)


class PacedTransport:
    """
    Base of the transports; sends nothing itself.

    :param settings: The connection.
    :param policy: Retry policy; by default the connection's number of retries and longest wait.
    :param limiter: Pace of the workspace; by default the one that this process keeps for it.
    :ivar limiter: That pace.
    """

    def __init__(
        self, settings: ClockifySettings, policy: RetryPolicy | None, limiter: RateLimiter | None
    ) -> None:
        self.settings = settings
        hide_in_logs(settings.api_key)
        self._policy = policy or RetryPolicy(settings.max_retries, max_wait=settings.max_wait)
        self.limiter = limiter or limiter_for(
            service_url(settings, "core"),
            settings.workspace_id or settings.conn_id,
            settings.requests_per_second,
            settings.requests_per_hour,
        )

    def _reserve(self, request: ApiRequest, number: int) -> float:
        """Take the next free moment: seconds to wait for it, or an error when that is longer than one waits."""
        wait = self.limiter.reserve(self._policy.max_wait)
        if wait > self._policy.max_wait:
            raise ceiling_reached(self.settings, request, wait, number)
        return wait

    def _read(
        self,
        request: ApiRequest,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        decode: Callable[[ApiResponse], T],
        number: int,
    ) -> T:
        try:
            return read_answer(self.settings, request, status, headers, body, decode, number)
        except ClockifyRateLimitError as error:
            # Also when it is not asked again here: whoever asks next, from wherever, would be refused as well.
            self.limiter.pause(error.retry_after or 0.0)
            raise

    def _before_sleep(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        delay = state.next_action.sleep if state.next_action else 0.0
        if isinstance(error, ClockifyRateLimitError):
            self.limiter.pause(delay)
        log.warning(
            "Attempt %d of %d failed; next in %.1f s. %s",
            state.attempt_number,
            self._policy.max_retries + 1,
            delay,
            error,
        )
