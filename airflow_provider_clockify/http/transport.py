# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The wire, synchronous: authentication, time-outs, pace, retries, and the step from HTTP answers to typed errors.

The only module that knows ``requests``.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
import requests
import urllib3
from requests.adapters import HTTPAdapter
from tenacity import Retrying

from airflow_provider_clockify.exceptions import ClockifyTransportError
from airflow_provider_clockify.http.errors import answer_too_slow, invalid_url, no_answer
from airflow_provider_clockify.http.hosts import (
    USER_AGENT,
    credential_header,
    origin,
    origins,
    request_url,
)
from airflow_provider_clockify.http.pacing import (
    ENCODING,
    TOO_MANY_REQUESTS,
    ContentEncodingError,
    PacedTransport,
    RequestAbandonedError,
    decompress,
)
from airflow_provider_clockify.http.redaction import hide_secret
from airflow_provider_clockify.service.messages import ApiResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_provider_clockify.connection import ClockifySettings
    from airflow_provider_clockify.http.pace import Turn
    from airflow_provider_clockify.http.rate_limit import RateLimiter
    from airflow_provider_clockify.http.retry import RetryPolicy
    from airflow_provider_clockify.service.messages import ApiRequest

T = TypeVar("T")

log = logging.getLogger(__name__)

PIECE = 128 * 1024


@dataclass(slots=True)
class TransportStats:
    """
    What the requests of one client cost.

    :param requests: Requests sent, repeated ones included.
    :param retries: How many of them were repetitions.
    :param waited: Seconds waited for the pace and between attempts, summed over threads.
    :param received: Bytes of content received, after decompression.
    """

    requests: int = 0
    retries: int = 0
    waited: float = 0.0
    received: int = 0


class _Silent:
    """What a connection gets mixed in that must not print; wins over what is set on ``HTTPConnection``."""

    debuglevel = 0


class SilentAdapter(HTTPAdapter):
    """
    An adapter whose connections print nothing when HTTP debugging is on.

    ``http.client.HTTPConnection.debuglevel`` makes every connection of the process print what it sends, the key
    included, past all logging and masking. The loggers of urllib3 go on telling method, path and status.
    """

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        _silence(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """Return the pools of a proxy."""
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        _silence(manager)
        return manager


def _silence(manager: Any) -> None:
    # The manager's own mapping may be that of its module or class, which everybody else uses.
    manager.pool_classes_by_scheme = {
        scheme: _silent_pool(pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }


@lru_cache(maxsize=16)
def _silent_pool(pool: type[Any]) -> type[Any]:
    connection = pool.ConnectionCls
    if issubclass(connection, _Silent):
        return pool
    silent = type(connection.__name__, (_Silent, connection), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": silent})


class ClockifySession(requests.Session):
    """
    A session that gives the key to the connection's own hosts and to nothing else.

    :param settings: The connection.
    """

    def __init__(self, settings: ClockifySettings) -> None:
        super().__init__()
        self._origins = origins(settings)
        self._header = credential_header(settings)
        self._key = settings.api_key
        # An own auth also keeps credentials of a .netrc file out: Clockify refuses two credentials.
        self.auth = self._authenticate
        self.headers["User-Agent"] = f"{USER_AGENT} {requests.utils.default_user_agent()}"
        self.headers["Accept"] = "application/json"
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = SilentAdapter(pool_connections=2, pool_maxsize=max(settings.max_concurrency, 1))
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request; no error of it quotes the key, whatever the other side sent back."""
        try:
            return super().send(request, **kwargs)
        except requests.exceptions.RequestException as error:
            hide_secret(error, self._key)
            raise

    def _authenticate(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        if origin(prepared.url or "") in self._origins:
            prepared.headers[self._header] = self._key
        return prepared

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Take the key off a redirected request; it is added again only for the connection's own hosts."""
        prepared_request.headers.pop(self._header, None)
        prepared_request.headers.pop("Authorization", None)
        self._authenticate(prepared_request)


class SyncTransport(PacedTransport):
    """
    Send requests one at a time per calling thread; safe to share between threads.

    :param settings: The connection.
    :param policy: Retry policy; by default the connection's number of retries.
    :param limiter: Pace of all requests; by default each workspace has its own.
    :param sleep: Waits, for the pace and between attempts; by default until the time is over or the request is given
        up.
    """

    def __init__(
        self,
        settings: ClockifySettings,
        *,
        policy: RetryPolicy | None = None,
        limiter: RateLimiter | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        super().__init__(settings, policy, limiter)
        self.stats = TransportStats()
        self.session = ClockifySession(settings)
        self._environments: dict[tuple[str, str | None, int | None], Mapping[str, Any]] = {}
        self._sleep = sleep
        self._lock = threading.Lock()
        # While one answer is decoded, another thread may use the wire.
        self._wire = threading.BoundedSemaphore(settings.max_concurrency)

    def send(
        self,
        request: ApiRequest,
        decode: Callable[[ApiResponse], T],
        abandoned: threading.Event | None = None,
    ) -> T:
        """
        Send a request until it succeeds, its errors are final, or the retries are used up.

        :param request: What to ask.
        :param decode: Reads the answer. A broken body (``msgspec.DecodeError``) counts as no answer and is retried;
            a body of the wrong shape (``msgspec.ValidationError``) is final.
        :param abandoned: Once it is set, nothing more is sent or waited for; only what is on the wire is awaited, to
            its next piece.
        :raises ClockifyApiError: the service answered with an error.
        :raises ClockifyTransportError: no usable answer arrived.
        :raises ClockifyResponseError: the answer has an unexpected shape.
        :raises RequestAbandonedError: the request was given up.
        """
        given_up = abandoned or threading.Event()
        retrying = Retrying(
            sleep=lambda seconds: self._wait(seconds, given_up), **self._policy.tenacity(self._before_sleep)
        )
        for attempt in retrying:
            with attempt:
                number = attempt.retry_state.attempt_number
                return self._attempt(request, decode, number, given_up)
        raise AssertionError("unreachable: tenacity re-raises the last error")  # pragma: no cover

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    def _wait(self, seconds: float, abandoned: threading.Event) -> None:
        if seconds > 0 and not abandoned.is_set():
            with self._lock:
                self.stats.waited += seconds
            if self._sleep is None:
                abandoned.wait(seconds)
            else:
                self._sleep(seconds)
        _check(abandoned)

    def _await_turn(self, request: ApiRequest, number: int, abandoned: threading.Event) -> Turn:
        limiter = self.limiter_of(request.workspace_id)
        while True:
            turn = self._reserve(limiter, request, number)
            self._wait(turn.wait, abandoned)
            if limiter.holds(turn):
                return turn

    def _attempt(
        self,
        request: ApiRequest,
        decode: Callable[[ApiResponse], T],
        number: int,
        abandoned: threading.Event,
    ) -> T:
        # The turn comes after the wire, so that nobody who waits for the wire goes on with a turn from before a pause.
        with self._wire:
            turn = self._await_turn(request, number, abandoned)
            with self._lock:
                self.stats.requests += 1
                self.stats.retries += number > 1
            with self._wire_errors(number), self._only_what_was_sent(request, turn, number):
                answer = self._exchange(request, abandoned)
            with self._lock:
                self.stats.received += len(answer.body)
            if answer.status == TOO_MANY_REQUESTS:  # Whoever takes the wire next must know of it.
                return self._read(turn, request, answer, decode, number)
        return self._read(turn, request, answer, decode, number)

    @contextmanager
    def _only_what_was_sent(self, request: ApiRequest, turn: Turn, number: int) -> Iterator[None]:
        """Count no request that never reached the service."""
        try:
            yield
        except ClockifyTransportError as error:
            if error.never_sent:
                self.limiter_of(request.workspace_id).give_back(turn)
                with self._lock:
                    self.stats.requests -= 1
                    self.stats.retries -= number > 1
            raise

    def _exchange(self, request: ApiRequest, abandoned: threading.Event) -> ApiResponse:
        deadline = time.monotonic() + self._answer_timeout
        try:
            prepared = self.session.prepare_request(
                requests.Request(
                    request.method,
                    request_url(self.settings, request),
                    params=cast("Any", request.query()),
                    data=msgspec.json.encode(request.json) if request.json is not None else None,
                    headers={"Content-Type": "application/json", "Accept-Encoding": ENCODING},
                )
            )
            with self.session.send(
                prepared,
                timeout=(self.settings.timeout, self.settings.timeout),
                allow_redirects=False,
                **self._environment(prepared.url or ""),
            ) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                pieces: list[bytes] = []
                # read1 gives what has arrived; any other way to read waits until a piece is full.
                while piece := response.raw.read1(PIECE, decode_content=False):
                    pieces.append(piece)
                    _check(abandoned)
                    if time.monotonic() > deadline:
                        raise answer_too_slow(self.settings, request, self._answer_timeout)
                body = decompress(b"".join(pieces), headers.get("content-encoding", ""))
        except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema) as error:
            raise invalid_url(self.settings, request) from error
        except requests.exceptions.RequestException as error:
            raise no_answer(
                self.settings, request, type(error).__name__, _cause(error), never_sent=_never_sent(error)
            ) from error
        except (urllib3.exceptions.HTTPError, ContentEncodingError) as error:
            raise no_answer(
                self.settings, request, type(error).__name__, str(error), never_sent=False
            ) from error
        return ApiResponse(response.status_code, headers, body)

    def _environment(self, url: str) -> Mapping[str, Any]:
        """Return proxies and certificates for a host: looked up once, since that takes a quarter of a request's CPU."""
        host = origin(url)
        if host not in self._environments:
            self._environments[host] = self.session.merge_environment_settings(url, {}, True, None, None)
        return self._environments[host]


def _check(abandoned: threading.Event) -> None:
    if abandoned.is_set():
        raise RequestAbandonedError


def _never_sent(error: requests.exceptions.RequestException) -> bool:
    """Tell whether the request failed before a byte of it left (no connection was made)."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    # A proxy error may also be a connection that the proxy broke after it had taken the request.
    reason = getattr(reason, "original_error", reason)
    # urllib3 names a connection that was never made; everything else may have reached the service.
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError")


def _cause(error: requests.exceptions.RequestException) -> str:
    cause = error.args[0] if error.args else error
    return str(getattr(cause, "reason", cause))[:300]
