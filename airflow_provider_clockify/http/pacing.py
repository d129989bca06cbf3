# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What both transports do around the wire: the pace before a request, the reading after it, the pause in between."""

from __future__ import annotations

import gzip
import logging
import zlib
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_clockify.exceptions import ClockifyError, ClockifyRateLimitError
from airflow_provider_clockify.http.errors import (
    ceiling_reached,
    pause_too_long,
    read_answer,
)
from airflow_provider_clockify.http.hosts import plain_url, service_url
from airflow_provider_clockify.http.rate_limit import limiter_for
from airflow_provider_clockify.http.redaction import hide_in_logs, hide_secret
from airflow_provider_clockify.http.retry import policy_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tenacity import RetryCallState

    from airflow_provider_clockify.connection import ClockifySettings
    from airflow_provider_clockify.http.pace import Turn
    from airflow_provider_clockify.http.rate_limit import RateLimiter
    from airflow_provider_clockify.http.retry import RetryPolicy
    from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse

T = TypeVar("T")

log = logging.getLogger(__name__)

# extra.timeout bounds the silence between two pieces of an answer. All of it together may take this many times as
# long, so that an answer that trickles cannot hold a task for ever.
ANSWER_TIMEOUTS = 10

TOO_MANY_REQUESTS = 429
# Seconds that are waited for even by those who give up rather than wait.
A_MOMENT = 2.0

# The one content encoding that is asked for: both libraries undo it silently where its end was cut off.
ENCODING = "gzip"


class ContentEncodingError(Exception):
    """The content of an answer cannot be decompressed to its end."""


class RequestAbandonedError(Exception):
    """Nobody wants the answer any more; seen by nobody but the one who gave the request up."""


def decompress(content: bytes, encoding: str) -> bytes:
    """
    Undo the content encoding of an answer.

    :param content: As it came.
    :param encoding: What the header says.
    :raises ContentEncodingError: it is broken or cut, even if what there is of it looks well.
    """
    name = encoding.strip().lower()
    if not content or name in ("", "identity"):
        return content
    if name not in (ENCODING, "x-gzip"):
        raise ContentEncodingError(f"the answer is encoded with {encoding[:50]!r}, which was not asked for")
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise ContentEncodingError(f"the compressed answer is broken or cut: {error}") from error


class PacedTransport:
    """
    Base of the transports; sends nothing itself.

    :param settings: The connection.
    :param policy: Retry policy; by default the connection's number of retries and longest wait.
    :param limiter: Pace of all requests; by default each workspace has its own.
    """

    def __init__(
        self, settings: ClockifySettings, policy: RetryPolicy | None, limiter: RateLimiter | None
    ) -> None:
        self.settings = settings
        hide_in_logs(settings.api_key)
        self._policy = policy or policy_of(settings)
        self._only_limiter = limiter
        self._limiters: dict[str | None, RateLimiter] = {}

    def limiter_of(self, workspace_id: str | None = None) -> RateLimiter:
        """
        Return the pace of a workspace, which all connections to it share.

        :param workspace_id: Workspace; what names none counts for the connection's, else for its key.
        """
        if self._only_limiter is not None:
            return self._only_limiter
        wanted = workspace_id or self.settings.workspace_id
        limiter = self._limiters.get(wanted)
        if limiter is None:
            limiter = self._limiters[wanted] = limiter_for(
                plain_url(service_url(self.settings, "core")),
                wanted or f"key {sha256(self.settings.api_key.encode()).hexdigest()}",
                self.settings.requests_per_second,
                self.settings.requests_per_hour,
            )
        return limiter

    @property
    def _answer_timeout(self) -> float:
        """Seconds that one answer may take from the first byte of the request to the last of the body."""
        return ANSWER_TIMEOUTS * self.settings.timeout

    @contextmanager
    def _wire_errors(self, number: int) -> Iterator[None]:
        """Tell errors of an exchange which attempt it was, and hide the key in them."""
        try:
            yield
        except ClockifyError as error:
            error.attempts = number
            hide_secret(error, self.settings.api_key)
            raise

    def _reserve(self, limiter: RateLimiter, request: ApiRequest, number: int) -> Turn:
        """
        Take the next free moment, or raise an error when that is further off than one waits.

        Whoever has waited for a moment must ask :meth:`.RateLimiter.holds`, and take another one if it does not.
        """
        # Both moments stay in the count of an hour's requests: rather one too few than one too many.
        turn = limiter.reserve(self._policy.max_wait)
        if turn.taken:
            return turn
        pause = limiter.pause_left
        gives_up = turn.in_a_row >= self._policy.max_refusals and pause > A_MOMENT
        if gives_up or pause > self._policy.max_wait:
            error = pause_too_long(self.settings, request, pause, number)
            error.in_a_row = turn.in_a_row
            raise error
        if turn.wait > self._policy.max_wait:
            raise ceiling_reached(self.settings, request, limiter, turn.wait, number)
        return turn

    def _read(
        self,
        turn: Turn,
        request: ApiRequest,
        answer: ApiResponse,
        decode: Callable[[ApiResponse], T],
        number: int,
    ) -> T:
        limiter = self.limiter_of(request.workspace_id)
        if answer.status != TOO_MANY_REQUESTS:
            limiter.answer(turn)
        try:
            return read_answer(self.settings, request, answer, decode, number)
        except ClockifyRateLimitError as error:
            # Also when it is not asked again here: whoever asks next, from wherever, would be refused as well.
            error.in_a_row, error.pause = limiter.refuse(turn, error.retry_after)
            raise

    def _before_sleep(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        delay = state.next_action.sleep if state.next_action else 0.0
        log.warning(
            "Attempt %d of %d failed; next in %.1f s. %s",
            state.attempt_number,
            self._policy.max_retries + 1,
            delay,
            error,
        )
