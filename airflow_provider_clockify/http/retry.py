# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
When a request is sent again, and after how long: one policy for the synchronous and the asynchronous transport.

tenacity drives the attempts; this module holds the facts it is given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from tenacity import RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from airflow_provider_clockify.connection import DEFAULT_MAX_WAIT
from airflow_provider_clockify.exceptions import (
    ClockifyRateLimitError,
    ClockifyServerError,
    ClockifyTransportError,
    ClockifyWriteUnknownError,
)
from airflow_provider_clockify.http.pace import LONGEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_clockify.connection import ClockifySettings

# Asked of a service that is well, these fail for good (observed 2026-08); a second attempt only spends budget.
DETERMINISTIC_500 = {
    "getHolidaysInPeriod": "It answers so for an unknown user: check assigned_to.",
    "getWebhooks": "It answers so for a wrong type.",
    "getSharedReportsV1": "It answers so for a wrong shared_reports_filter.",
}


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """
    How often and how long.

    :param max_retries: Attempts after the first.
    :param base: Seconds that the first back-off may take; each further one may take twice as long.
    :param cap: Seconds that any back-off may take. A wait that the service asks for is never shortened.
    :param max_wait: Longest wait in seconds that a worker holds its slot for; a longer one is reported instead.
    :param max_refusals: After so many refusals (429) in a row that do not say when to come back, one gives up: a Free
        workspace's may last an hour.
    """

    max_retries: int
    base: float = 1.0
    cap: float = 60.0
    max_wait: float = DEFAULT_MAX_WAIT
    max_refusals: int = 3

    def retryable(self, error: BaseException) -> bool:
        """
        Decide whether the failed request may be sent again.

        A write whose outcome is unknown arrives as :class:`ClockifyWriteUnknownError` and is never repeated.
        """
        if isinstance(error, ClockifyRateLimitError):
            return error.in_a_row < self.max_refusals and _asked(error) <= self.max_wait
        if isinstance(error, ClockifyServerError):
            return not (error.status == 500 and error.operation in DETERMINISTIC_500)
        return isinstance(error, ClockifyTransportError) and not isinstance(error, ClockifyWriteUnknownError)

    def wait(self, state: RetryCallState) -> float:
        """Return the seconds until the next attempt: the pause of a refusal, else back-off with jitter."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, ClockifyRateLimitError):
            return _asked(error)
        return wait_random_exponential(multiplier=self.base, max=self.cap)(state)

    def tenacity(self, before_sleep: Callable[[RetryCallState], Any]) -> dict[str, Any]:
        """
        Return the arguments that make tenacity follow this policy.

        :param before_sleep: Called between two attempts.
        """
        return {
            "retry": retry_if_exception(self.retryable),
            "wait": self.wait,
            "stop": stop_after_attempt(self.max_retries + 1),
            "before_sleep": before_sleep,
            "reraise": True,
        }


def policy_of(settings: ClockifySettings, *, may_defer: bool = False) -> RetryPolicy:
    """
    Return the policy of a connection.

    :param settings: The connection.
    :param may_defer: Whether its user can wait elsewhere for as long as needed, and so gives up earlier.
    """
    policy = RetryPolicy(settings.max_retries, max_wait=settings.max_wait)
    return replace(policy, max_refusals=2) if may_defer else policy


def _asked(error: ClockifyRateLimitError) -> float:
    """Return the seconds that a refusal asks for, or that the workspace pauses after it if it does not say."""
    return error.pause if error.retry_after is None else error.retry_after


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """
    Read a ``Retry-After`` header.

    :param value: Seconds or an HTTP date (RFC 9110, section 10.2.3).
    :param now: Aware current time, for the date form.
    :return: Seconds, not below 0; ``None`` when the header is absent, unreadable, or asks for more than a month.
    """
    text = (value or "").strip()
    if not text:
        return None
    if text.isascii() and text.replace(".", "", 1).isdigit():
        seconds = float(text)
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = max(0.0, (moment - now).total_seconds())
    return seconds if seconds <= LONGEST else None
