# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""From an error answer to a typed error that says what happened and what to change (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from airflow_provider_clockify.api.endpoints import service_url
from airflow_provider_clockify.api.retry import DETERMINISTIC_500, parse_retry_after
from airflow_provider_clockify.connection import ADDON_TOKEN_AUTH, ClockifySettings
from airflow_provider_clockify.exceptions import (
    ClockifyApiError,
    ClockifyAuthError,
    ClockifyBadRequestError,
    ClockifyForbiddenError,
    ClockifyNotFoundError,
    ClockifyRateLimitError,
    ClockifyServerError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from airflow_provider_clockify.api.messages import ApiRequest

REASON_LENGTH = 300


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
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = _without(secret, body.decode("utf-8", "replace"))
        return None, _one_line(text[: 2 * REASON_LENGTH])
    code = answer.code if isinstance(answer.code, int) and not isinstance(answer.code, bool) else None
    return code, _one_line(_without(secret, answer.message) if isinstance(answer.message, str) else "")


def is_error_object(body: bytes) -> bool:
    """
    Tell whether a 2xx body is a refusal in disguise.

    The weekly report was seen to answer 200 with an error object (observed 2026-05-12).
    """
    if len(body) > 10_000 or not body.lstrip().startswith(b"{"):
        return False
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return isinstance(answer, dict) and set(answer) == {"message", "code"}


def error_from_answer(
    settings: ClockifySettings,
    request: ApiRequest,
    *,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    attempts: int = 1,
) -> ClockifyApiError:
    """
    Name an error answer.

    :param settings: The connection, for the message; its key is removed from what the service echoed.
    :param request: What was asked.
    :param status: HTTP status of the answer; a 2xx with an error object counts as a refusal.
    :param headers: Header names in lower case.
    :param body: Content of the answer.
    :param now: Aware current time, for a ``Retry-After`` date.
    :param attempts: How many times the request was sent.
    """
    code, reason = read_error_body(body, settings.api_key)
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
    if status in (402, 403):
        return ClockifyForbiddenError(f"{where}: not allowed ({seen}). {_forbidden_cure(request)}", **facts)
    if status == 429:
        retry_after = parse_retry_after(headers.get("retry-after"), now)
        wait = f"; it accepts requests again in {retry_after:.0f} s" if retry_after is not None else ""
        return ClockifyRateLimitError(
            f"{where}: the workspace's request budget is used up ({seen}){wait}. A Free workspace has 30 requests "
            "an hour for everybody; set extra.requests_per_second and extra.requests_per_hour of the connection "
            "to what the plan allows, or run later.",
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
        target = urlsplit(headers.get("location", "")).netloc or "another place"
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


def _auth_cure(settings: ClockifySettings, code: int | None) -> str:
    if code == 1000:
        return "No credential, or two, arrived: a proxy on the way may drop or add headers."
    if settings.auth_type == ADDON_TOKEN_AUTH or code == 4017:
        return (
            "Paste the token of an installed add-on, or set extra.auth_type to api_key if it is a user's key."
        )
    place = f"region {settings.region}" + (f", subdomain {settings.subdomain}" if settings.subdomain else "")
    return (
        f"The key is mistyped, deleted, or belongs to another region or subdomain than the connection's ({place}): "
        "keys work only where they were made."
    )


def _forbidden_cure(request: ApiRequest) -> str:
    cure = "The key's role or the workspace's plan lacks it: use the key of an owner or admin"
    if request.service == "reports":
        cure += ', or, if only amounts are hidden from it, filters={"amountShown": "HIDE_AMOUNT"}'
    return cure + "."


def _without(secret: str, text: str) -> str:
    return text.replace(secret, "***") if secret else text


def _one_line(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= REASON_LENGTH else line[:REASON_LENGTH] + "…"
