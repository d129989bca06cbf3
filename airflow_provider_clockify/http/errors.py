# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""From an error answer to a typed error that says what happened and what to change (pure)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import DecimalException
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from airflow_provider_clockify.connection import ADDON_TOKEN_AUTH, ClockifySettings
from airflow_provider_clockify.exceptions import (
    ClockifyApiError,
    ClockifyAuthError,
    ClockifyBadRequestError,
    ClockifyConfigError,
    ClockifyForbiddenError,
    ClockifyNotFoundError,
    ClockifyRateLimitError,
    ClockifyResponseError,
    ClockifyServerError,
    ClockifyTransportError,
    ClockifyWriteUnknownError,
)
from airflow_provider_clockify.http.hosts import service_url
from airflow_provider_clockify.http.redaction import without_secret
from airflow_provider_clockify.http.retry import DETERMINISTIC_500, parse_retry_after
from airflow_provider_clockify.service.values import at, id_of, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_clockify.http.rate_limit import RateLimiter
    from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse

T = TypeVar("T")
REASON_LENGTH = 300
_RATE_LIMIT_CURE = (
    "Set deferrable=True or on_budget='defer' on an export, which then waits in the triggerer, or let its retries wait "
    "with ClockifyRetryPolicy; and set extra.requests_per_hour and extra.requests_per_second of the connection to what "
    "the plan allows."
)
# What decoders raise for bytes that are not JSON, or for JSON that nobody can read.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, DecimalException)
# Where msgspec says that a value is, as far as the row: ``$.timeentries[3].timeInterval``, ``$[...][3][...]``.
_ROW = re.compile(r"at `\$([^`]*?)\[(\d+)\]")


class ErrorBody(msgspec.Struct):
    """``{"message": text, "code": number}``, unrelated to the HTTP status (observed 2026-08-08)."""

    message: Any = ""
    code: Any = None


def read_error_body(body: bytes, secret: str = "") -> tuple[int | None, str]:
    """
    Read code and message of an error body.

    :param body: Content of the answer.
    :param secret: Text to hide; before anything is cut, so that no part of it is left at the cut.
    :return: The code, and the message as one short line. Bodies of another kind (a proxy's HTML, nothing) give
        ``None`` and what text there is.
    """
    try:
        answer = msgspec.json.decode(body, type=ErrorBody)
    except UNREADABLE:
        text = without_secret(body.decode("utf-8", "replace"), secret)
        return None, _one_line(text[: 2 * REASON_LENGTH])
    code = answer.code if isinstance(answer.code, int) and not isinstance(answer.code, bool) else None
    return code, _one_line(without_secret(answer.message, secret) if isinstance(answer.message, str) else "")


def is_error_object(body: bytes) -> bool:
    """
    Tell whether a 2xx body is a refusal in disguise.

    The weekly report was seen to answer 200 with an error object (observed 2026-05-12).
    """
    if len(body) > 10_000 or not body.lstrip().startswith(b"{"):
        return False
    try:
        answer = msgspec.json.decode(body)
    except UNREADABLE:
        return False
    return isinstance(answer, dict) and set(answer) == {"message", "code"}


def error_from_answer(
    settings: ClockifySettings,
    request: ApiRequest,
    answer: ApiResponse,
    *,
    now: datetime,
    attempts: int = 1,
) -> ClockifyApiError:
    """
    Name an error answer.

    :param settings: The connection, for the message; its key is removed from what the service echoed.
    :param request: What was asked.
    :param answer: The answer; a 2xx with an error object counts as a refusal.
    :param now: Aware current time, for a ``Retry-After`` date.
    :param attempts: How many times the request was sent.
    """
    status, headers = answer.status, answer.headers
    code, reason = read_error_body(answer.body, settings.api_key)
    host = urlsplit(service_url(settings, request.service)).netloc
    seen = f"{status}" + (f", code {code}" if code is not None else "") + (f": {reason}" if reason else "")
    where = f"Connection {settings.conn_id!r}, {request.operation} on {host}"
    facts: dict[str, Any] = {
        "status": status,
        "code": code,
        "reason": reason,
        "operation": request.operation,
        "attempts": attempts,
    }
    if status == 401:
        return ClockifyAuthError(
            f"{where}: the key was refused ({seen}). {_auth_cure(settings, code)}", **facts
        )
    if status in (402, 403, 406):
        advice = _SUSPENDED_CURE if status == 406 else _forbidden_cure(settings, request, code)
        return ClockifyForbiddenError(f"{where}: not allowed ({seen}). {advice}", **facts)
    if status == 429:
        retry_after = parse_retry_after(headers.get("retry-after"), now)
        wait = (
            "and the service does not say until when"
            if retry_after is None
            else f"and it accepts requests again in {retry_after:.0f} s"
        )
        return ClockifyRateLimitError(
            f"{where}: the workspace's request budget is used up ({seen}), {wait}. A Free workspace has 30 requests "
            f"an hour for everybody. {_RATE_LIMIT_CURE}",
            retry_after=retry_after,
            **facts,
        )
    if status >= 500:
        cure = DETERMINISTIC_500.get(request.operation) if status == 500 else None
        return ClockifyServerError(
            f"{where}: the service failed ({seen}). {cure or 'Nothing to change here; run again later.'}",
            **facts,
        )
    if 300 <= status < 400:
        place = without_secret(headers.get("location", ""), settings.api_key)
        target = urlsplit(place).netloc or "another place"
        return ClockifyBadRequestError(
            f"{where}: redirected to {target} ({status}). The key is never sent on; check host, region and URLs of "
            "the connection.",
            **facts,
        )
    if status == 404:
        return ClockifyNotFoundError(
            f"{where}: not served there ({seen}). Check region, subdomain, host and URLs of the connection; a region "
            "has its own hosts.",
            **facts,
        )
    if "belong to" in reason.lower():
        return ClockifyNotFoundError(
            f"{where}: not found ({seen}). Check the workspace id and the other ids: deleted, foreign and mistyped "
            "ids all get this answer.",
            **facts,
        )
    return ClockifyBadRequestError(f"{where}: refused ({seen}). Check the parameters of the call.", **facts)


def read_answer(
    settings: ClockifySettings,
    request: ApiRequest,
    answer: ApiResponse,
    decode: Callable[[ApiResponse], T],
    attempts: int,
) -> T:
    """
    Read an answer, or name what is wrong with it; the same for every transport.

    :param settings: The connection.
    :param request: What was asked.
    :param answer: The answer.
    :param decode: Reads a good one.
    :param attempts: How many times the request was sent.
    :raises ClockifyApiError: the service answered with an error.
    :raises ClockifyResponseError: the answer has an unexpected shape.
    :raises ClockifyTransportError: the answer is broken.
    """
    if not 200 <= answer.status < 300 or is_error_object(answer.body):
        refusal = error_from_answer(settings, request, answer, now=datetime.now(UTC), attempts=attempts)
        if isinstance(refusal, ClockifyServerError) and not request.idempotent:
            raise unknown_outcome(settings, request, f"status {answer.status}", attempts) from refusal
        raise refusal
    try:
        return decode(answer)
    except UNREADABLE as error:
        raise _unreadable(settings, request, answer, error, attempts) from error
    except ClockifyResponseError as error:
        # Decoders of rows know the row, not what was asked.
        error.operation = error.operation or request.operation
        error.attempts = attempts
        raise


def _unreadable(
    settings: ClockifySettings, request: ApiRequest, answer: ApiResponse, error: Exception, attempts: int
) -> ClockifyResponseError | ClockifyTransportError:
    """Tell an answer that will look the same again from one that was broken on its way, which is worth a retry."""
    where = f"Connection {settings.conn_id!r}: the answer to {request.operation}"
    facts: dict[str, Any] = {"operation": request.operation, "attempts": attempts}
    wrong_shape = isinstance(error, msgspec.ValidationError)
    if not request.idempotent and not wrong_shape:
        return unknown_outcome(settings, request, "a broken answer", attempts)
    odd = odd_value(answer.body, error)
    if odd is not None:
        found = "has an unexpected shape" if wrong_shape else "cannot be read"
        return ClockifyResponseError(
            f"{where} {found}: {without_secret(odd, settings.api_key)}. Correct it in Clockify or leave the row out "
            "with a filter; if it looks right there, the service may have changed: please report it.",
            **facts,
        )
    content_type = without_secret(answer.headers.get("content-type", "no content type"), settings.api_key)
    return ClockifyTransportError(
        f"{where} is broken ({error}; {len(answer.body)} bytes, {content_type}). A proxy may have cut or replaced it.",
        **facts,
    )


def odd_value(body: bytes, error: Exception) -> str | None:
    """
    Say which value of an answer cannot be read, and why.

    :param body: The answer, or one row of it, that was refused.
    :param error: Why the decoder refused it.
    :return: Row and field, as far as they can be told; ``None`` when it is not even nearly JSON, so broken on its way.
    """
    try:
        # It takes what is odd, even NaN and halves of surrogate pairs.
        answer = json.loads(body.decode("utf-8"), parse_int=str, parse_float=str)
    except RecursionError:
        return f"a row is nested too deeply ({error}); shorter windows or filters show which"
    except ValueError:
        return str(error) if isinstance(error, msgspec.ValidationError) else None
    if isinstance(error, DecimalException):
        return "a number has an exponent that nothing can hold"
    if isinstance(error, msgspec.ValidationError):
        return f"{_row_name(_row_at(answer, str(error)))}{error}"
    for row in (*chain.from_iterable(_lists(answer)), answer):
        for name, value in row.items() if isinstance(row, dict) else ():
            try:
                json.dumps({name: value}, ensure_ascii=False, allow_nan=False).encode()
            except (ValueError, RecursionError) as odd:
                return f"{_row_name(row)}{shown(name)} holds what no file can hold ({odd})"
    return None


def _row_at(answer: Any, message: str) -> Any:
    place = _ROW.search(message)
    if place is None:
        return answer  # A row of a report, on its own.
    way, number = place[1], int(place[2])
    if "[...]" in way:  # A key that msgspec does not name.
        lists = list(_lists(answer))
        found = lists[0] if len(lists) == 1 else None
    else:
        found = at(answer, way.strip(".").split(".")) if way else answer
    return found[number] if isinstance(found, list) and number < len(found) else None


def _lists(answer: Any, depth: int = 2) -> Iterator[list[Any]]:
    """Go through the lists of an answer, which is one or has some in an envelope."""
    if isinstance(answer, list):
        yield answer
    elif isinstance(answer, dict) and depth:
        for each in answer.values():
            yield from _lists(each, depth - 1)


def _row_name(row: Any) -> str:
    row_id = id_of(row)
    return "" if row_id is None else f"row {shown(row_id)}, "


def invalid_url(settings: ClockifySettings, request: ApiRequest) -> ClockifyConfigError:
    """
    Name a host that no URL can have.

    :param settings: The connection.
    :param request: What was to be asked.
    """
    return ClockifyConfigError(
        f"Connection {settings.conn_id!r}, {request.operation}: the connection's host is not a valid URL.",
        operation=request.operation,
    )


def no_answer(
    settings: ClockifySettings, request: ApiRequest, kind: str, cause: str, *, never_sent: bool
) -> ClockifyTransportError:
    """
    Name a request that got no answer.

    :param settings: The connection.
    :param request: What was asked.
    :param kind: Class name of the library's error.
    :param cause: What it says.
    :param never_sent: Whether it failed before a byte of it left.
    """
    if not request.idempotent and not never_sent:
        return unknown_outcome(settings, request, kind)
    said = without_secret(cause, settings.api_key)[:REASON_LENGTH]
    error = ClockifyTransportError(
        f"Connection {settings.conn_id!r}, {request.operation}: no answer ({kind}: {said}). Check the network, the "
        f"proxy, and the connection's {_place(settings)} and extra.timeout.",
        operation=request.operation,
    )
    error.never_sent = never_sent
    return error


def answer_too_slow(
    settings: ClockifySettings, request: ApiRequest, seconds: float
) -> ClockifyTransportError:
    """
    Name an answer that arrives, but too slowly.

    :param settings: The connection.
    :param request: What was asked.
    :param seconds: How long it may take in all.
    """
    if not request.idempotent:
        return unknown_outcome(settings, request, f"no whole answer within {seconds:g} s")
    return ClockifyTransportError(
        f"Connection {settings.conn_id!r}, {request.operation}: the answer was not complete after {seconds:g} s, ten "
        f"times extra.timeout ({settings.timeout:g} s). Check the network and the proxy, or raise extra.timeout of the "
        "connection.",
        operation=request.operation,
    )


def pause_too_long(
    settings: ClockifySettings, request: ApiRequest, wait: float, attempts: int
) -> ClockifyRateLimitError:
    """
    Name a request that is not sent, because the pause after a refusal is longer than one waits.

    :param settings: The connection.
    :param request: What was to be asked.
    :param wait: Seconds until the end of the pause.
    :param attempts: Number of this attempt.
    """
    return ClockifyRateLimitError(
        f"Connection {settings.conn_id!r}: not sending {request.operation}: the service refused an earlier request "
        f"from this machine (429), and nothing is sent to the workspace for another {wait:.0f} s. {_RATE_LIMIT_CURE}",
        reason="pause after a refusal",
        operation=request.operation,
        attempts=attempts - 1,
        retry_after=wait,
    )


def ceiling_reached(
    settings: ClockifySettings, request: ApiRequest, limiter: RateLimiter, wait: float, attempts: int
) -> ClockifyRateLimitError:
    """
    Name a request that is not sent, because the connection allows no more for longer than one waits.

    :param settings: The connection.
    :param request: What was to be asked.
    :param limiter: Pace of the workspace.
    :param wait: Seconds until it may be sent.
    :param attempts: Number of this attempt.
    """
    return ClockifyRateLimitError(
        f"Connection {settings.conn_id!r}: not sending {request.operation}: what is allowed for the workspace "
        f"(extra.requests_per_hour {limiter.quota}, extra.requests_per_second {limiter.ceiling:g}) is used up by this "
        f"machine for another {wait:.0f} s. Run later, narrow the window, or raise the numbers if the plan allows "
        "more.",
        reason="ceiling of the connection",
        operation=request.operation,
        attempts=attempts - 1,
        retry_after=wait,
    )


def unknown_outcome(
    settings: ClockifySettings, request: ApiRequest, what: str, attempts: int = 0
) -> ClockifyWriteUnknownError:
    """
    Name a write that was sent and whose outcome nobody knows.

    :param settings: The connection.
    :param request: What was asked.
    :param what: What came back instead of an answer.
    :param attempts: How many times the request was sent.
    """
    return ClockifyWriteUnknownError(
        f"Connection {settings.conn_id!r}: {request.operation} was sent and got {what}. Whether it took effect is "
        "unknown, so it is not repeated: look in Clockify before you run it again.",
        operation=request.operation,
        attempts=attempts,
    )


# What Clockify's own browser extension reads into the codes of 401 and 403 (its source, 2026-05-14).
_SUSPENDED = 406
_NO_VALID_TOKEN = (4017, 4023)
_SUSPENDED_CURE = (
    "Clockify answers so where the workspace or the user is suspended: the workspace's owner has to settle that with "
    "Clockify's support. Another key of the same workspace does not help if the workspace is."
)
_AUTH_CURES = {
    1000: "No credential, or two, arrived: a proxy on the way may drop or add headers.",
    4019: (
        "The e-mail address of the key's owner is not verified: log in to Clockify as the owner, verify the address, "
        "and run again; the key stays as it is."
    ),
    _SUSPENDED: _SUSPENDED_CURE,
}
_FORBIDDEN_CURES = {
    1003: "The time entry is locked: an admin has to unlock it, or withdraw its approval, before it can be changed.",
    4030: (
        "Manual time tracking is disabled in the workspace, so that time entries can only be made with the timer: an "
        "admin can allow it in the workspace's settings."
    ),
    _SUSPENDED: _SUSPENDED_CURE,
}


def _auth_cure(settings: ClockifySettings, code: int | None) -> str:
    if code in _AUTH_CURES:
        return _AUTH_CURES[code]
    if settings.auth_type == ADDON_TOKEN_AUTH:
        return (
            "Paste the token of an installed add-on, or set extra.auth_type to api_key if it is a user's key."
        )
    if code in _NO_VALID_TOKEN:
        return (
            "The key is not valid, or not any more: replace it with one that is made anew in the profile of its owner, "
            "or set extra.auth_type to addon_token if it is an add-on's token."
        )
    return (
        "The key is mistyped, deleted, or belongs to another region or subdomain than the connection's "
        f"({_place(settings)}): keys work only where they were made. Paste a new key, or correct region and subdomain."
    )


def _place(settings: ClockifySettings) -> str:
    """Say what decides where requests go."""
    if settings.base_url:
        return f"host {settings.base_url}"
    return f"region {settings.region}" + (f", subdomain {settings.subdomain}" if settings.subdomain else "")


def _forbidden_cure(settings: ClockifySettings, request: ApiRequest, code: int | None) -> str:
    if code in _FORBIDDEN_CURES:
        return _FORBIDDEN_CURES[code]
    if code in _NO_VALID_TOKEN:
        return _auth_cure(settings, code)
    cure = "The key's role or the workspace's plan lacks it: use the key of an owner or admin"
    if "amountShown" in (request.json or {}):
        cure += ', or, if only amounts are hidden from it, filters={"amountShown": "HIDE_AMOUNT"}'
    return cure + "."


def _one_line(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= REASON_LENGTH else line[:REASON_LENGTH] + "…"
