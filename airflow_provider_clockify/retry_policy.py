# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""A retry policy that comes back when Clockify accepts requests again (Airflow 3.3 and later)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

try:
    from airflow.sdk import RetryDecision, RetryPolicy
except ImportError as error:
    raise ImportError(
        "Retry policies came with Airflow 3.3; use retries and retry_delay of the task."
    ) from error

from airflow_provider_clockify.exceptions import ClockifyRateLimitError

if TYPE_CHECKING:
    from airflow_provider_clockify._compat import Context

__all__ = ["ClockifyRetryPolicy"]


class ClockifyRetryPolicy(RetryPolicy):
    """
    Retry a task at the moment that the service, or the quota of the connection, allows.

    Looks for a :class:`~airflow_provider_clockify.exceptions.ClockifyRateLimitError` in the error and its causes; every
    other error is retried as the task says. The number of retries stays the task's::

        ClockifyDetailedReportOperator(..., retries=3, retry_policy=ClockifyRetryPolicy())

    :param unknown_wait: Delay when the service does not say when to come back; ``None`` is the task's own
        ``retry_delay``.
    """

    def __init__(self, unknown_wait: timedelta | None = timedelta(minutes=15)) -> None:
        self.unknown_wait = unknown_wait

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        """
        Decide about one failure.

        :param exception: Why the task failed.
        :param try_number: Number of the try, from 1.
        :param max_tries: Tries that the task may have.
        :param context: Context of the task.
        :return: A retry after the wait that was asked for; else what the task says.
        """
        error: BaseException | None = exception
        while error is not None and not isinstance(error, ClockifyRateLimitError):
            error = error.__cause__ or error.__context__
        if error is None:
            return RetryDecision.default()
        if error.retry_after is None:
            return RetryDecision.retry(
                self.unknown_wait, "Clockify: too many requests; it does not say until when"
            )
        # A second more: clocks differ a little.
        delay = timedelta(seconds=error.retry_after + 1)
        return RetryDecision.retry(delay, f"Clockify accepts requests again in {error.retry_after:.0f} s")

    def serialize(self) -> dict[str, Any]:
        """Return the policy as JSON values."""
        wait = None if self.unknown_wait is None else self.unknown_wait.total_seconds()
        return {"__type": "ClockifyRetryPolicy", "unknown_wait": wait}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> ClockifyRetryPolicy:
        """Read :meth:`serialize`."""
        wait = data["unknown_wait"]
        return cls(None if wait is None else timedelta(seconds=wait))
