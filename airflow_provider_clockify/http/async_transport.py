# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The wire, asynchronous: what the event loop of a triggerer sends.

Follows the same retry policy, pace and errors as the synchronous transport. The only module that knows ``httpx``, which
every supported Airflow brings.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import threading
from contextlib import suppress
from contextvars import ContextVar
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import certifi
import httpx
import msgspec
from tenacity import AsyncRetrying

from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyTransportError
from airflow_provider_clockify.http.errors import answer_too_slow, invalid_url, no_answer
from airflow_provider_clockify.http.hosts import (
    USER_AGENT,
    credential_header,
    request_url,
)
from airflow_provider_clockify.http.pacing import ENCODING, ContentEncodingError, PacedTransport, decompress
from airflow_provider_clockify.service.messages import ApiResponse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airflow_provider_clockify.connection import ClockifySettings
    from airflow_provider_clockify.http.pace import Turn
    from airflow_provider_clockify.http.rate_limit import RateLimiter
    from airflow_provider_clockify.http.retry import RetryPolicy
    from airflow_provider_clockify.service.messages import ApiRequest

T = TypeVar("T")

log = logging.getLogger(__name__)

_is_ours: ContextVar[bool] = ContextVar("clockify_request", default=False)
_reading = threading.Lock()
# What httpx loads with its first request, a tenth of a second in which the event loop would stand still.
_LOADED_LATE = (
    "anyio._backends._asyncio",
    "anyio.abc",
    "anyio.streams.tls",
    "anyio.to_thread",
    "encodings.idna",
    "httpcore",
    "sniffio",
)
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class _LowerOurs(logging.Filter):
    """
    Lower the library's line about each request from INFO to DEBUG, for requests of this module alone.

    A waiting triggerer would fill its log with them. The library's logger belongs to the whole process.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record of a request of ours, and tell whether it is still wanted."""
        if _is_ours.get() and record.levelno == logging.INFO:
            record.levelno, record.levelname = logging.DEBUG, "DEBUG"
            return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)
        return True


logging.getLogger("httpx").addFilter(_LowerOurs())


class AsyncTransport(PacedTransport):
    """
    Send requests from an event loop, without blocking it.

    :param settings: The connection.
    :param policy: Retry policy; by default the connection's number of retries.
    :param limiter: Pace of all requests; by default each workspace has its own.
    :param sleep: Waits, for the pace and between attempts.
    """

    def __init__(
        self,
        settings: ClockifySettings,
        *,
        policy: RetryPolicy | None = None,
        limiter: RateLimiter | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(settings, policy, limiter)
        self._sleep = sleep

    async def send(self, request: ApiRequest, decode: Callable[[ApiResponse], T]) -> T:
        """
        Send a request until it succeeds, its errors are final, or the retries are used up.

        :param request: What to ask.
        :param decode: Reads the answer, as in :meth:`.transport.SyncTransport.send`.
        :raises ClockifyError: as there.
        """
        retrying = AsyncRetrying(sleep=self._wait, **self._policy.tenacity(self._before_sleep))
        async for attempt in retrying:
            with attempt:
                return await self._attempt(request, decode, attempt.retry_state.attempt_number)
        raise AssertionError("unreachable: tenacity re-raises the last error")  # pragma: no cover

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            await self._sleep(seconds)

    async def _await_turn(self, request: ApiRequest, number: int) -> Turn:
        limiter = self.limiter_of(request.workspace_id)
        while True:
            # In a thread, since the pace is kept in a file.
            turn = await asyncio.to_thread(self._reserve, limiter, request, number)
            await self._wait(turn.wait)
            if await asyncio.to_thread(limiter.holds, turn):
                return turn

    async def _attempt(self, request: ApiRequest, decode: Callable[[ApiResponse], T], number: int) -> T:
        turn = await self._await_turn(request, number)
        with self._wire_errors(number):
            try:
                answer = await self._exchange(request)
            except ClockifyTransportError as error:
                if error.never_sent:
                    await asyncio.to_thread(self.limiter_of(request.workspace_id).give_back, turn)
                raise
        # Reading a large or a broken answer takes longer than the other triggers of the loop should wait.
        return await asyncio.to_thread(self._read, turn, request, answer, decode, number)

    async def _exchange(self, request: ApiRequest) -> ApiResponse:
        url = request_url(self.settings, request)
        try:
            # httpx takes an impossible name for an unknown one.
            (urlsplit(url).hostname or "").encode("idna")
        except UnicodeError as error:
            raise invalid_url(self.settings, request) from error
        # Certificates and late imports take tens of milliseconds, which would stall every other trigger.
        context = await asyncio.to_thread(_tls_context, self.settings.conn_id)
        before = _is_ours.set(True)
        try:
            # Polls are minutes apart: a connection of their own each, closed after it, and no cookies kept.
            async with (
                asyncio.timeout(self._answer_timeout),
                httpx.AsyncClient(verify=context, timeout=self.settings.timeout) as client,
                client.stream(
                    request.method,
                    url,
                    params=httpx.QueryParams(tuple(request.query())),
                    content=msgspec.json.encode(request.json) if request.json is not None else None,
                    headers={
                        credential_header(self.settings): self.settings.api_key,
                        "Content-Type": "application/json",
                        "Accept": "application/json",
                        "Accept-Encoding": ENCODING,
                        "User-Agent": USER_AGENT,
                    },
                    follow_redirects=False,
                ) as response,
            ):
                headers = {name.lower(): value for name, value in response.headers.items()}
                content = b"".join([piece async for piece in response.aiter_raw()])
                encoding = headers.get("content-encoding", "")
                body = await asyncio.to_thread(decompress, content, encoding)
        except TimeoutError as error:
            raise answer_too_slow(self.settings, request, self._answer_timeout) from error
        except httpx.InvalidURL as error:
            raise invalid_url(self.settings, request) from error
        except (httpx.HTTPError, ContentEncodingError) as error:
            sent = not isinstance(error, _NEVER_SENT)
            raise no_answer(
                self.settings, request, type(error).__name__, str(error), never_sent=not sent
            ) from error
        finally:
            _is_ours.reset(before)
        return ApiResponse(response.status_code, headers, body)


def _tls_context(conn_id: str) -> ssl.SSLContext:
    _load_what_is_late()
    # The same bundles that the synchronous transport honours.
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or certifi.where()
    try:
        with _reading:  # Many looks begin at once; one of them reads.
            return _read_bundle(bundle)
    except OSError as error:  # ssl.SSLError is one.
        raise ClockifyConfigError(
            f"Connection {conn_id!r}: the certificates of REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, {bundle!r}, cannot be "
            f"read ({error})."
        ) from error


@lru_cache(maxsize=1)
def _load_what_is_late() -> None:
    for name in _LOADED_LATE:
        with suppress(ImportError):  # Another version may do without.
            import_module(name)


@lru_cache(maxsize=4)
def _read_bundle(bundle: str) -> ssl.SSLContext:
    if Path(bundle).is_dir():
        return ssl.create_default_context(capath=bundle)
    return ssl.create_default_context(cafile=bundle)
