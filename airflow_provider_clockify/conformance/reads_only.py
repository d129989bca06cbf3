# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""A transport that lets nothing but reads leave, no more than so many of them, and keeps the answers."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_clockify.conformance.answers import Answer
from airflow_provider_clockify.exceptions import ClockifyError
from airflow_provider_clockify.http.retry import policy_of
from airflow_provider_clockify.http.transport import SyncTransport

if TYPE_CHECKING:
    import threading

    from airflow_provider_clockify.connection import ClockifySettings
    from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse

# The reports service is asked for a report by POST.
_REPORTS = re.compile(
    r"/workspaces/[0-9A-Za-z]+/reports/(detailed|summary|weekly|attendance|expenses/detailed)"
)
# Somebody sits before the screen.
_LONGEST_WAIT = 60.0
_RETRIES = 2


class NotAReadError(ClockifyError):
    """A request could change something, and was not sent."""


class RequestsSpentError(ClockifyError):
    """No more requests are sent."""


def is_read(request: ApiRequest) -> bool:
    """
    Tell whether a request can change nothing: a ``GET``, or the ``POST`` that asks for a report.

    :param request: Any request.
    """
    if request.method == "GET":
        return request.json is None
    return (
        request.method == "POST" and request.service == "reports" and bool(_REPORTS.fullmatch(request.path))
    )


class ReadOnlyTransport(SyncTransport):
    """
    Send reads, with the package's own pace, retries and errors.

    :param settings: The connection.
    :param most: Requests that may be sent, repeated ones included.
    :ivar answers: All answers, in their order.
    """

    def __init__(self, settings: ClockifySettings, most: int) -> None:
        policy = policy_of(
            replace(
                settings,
                max_retries=min(settings.max_retries, _RETRIES),
                max_wait=min(settings.max_wait, _LONGEST_WAIT),
            ),
            may_defer=True,
        )
        super().__init__(settings, policy=policy)
        self._most = most
        self._sent = 0
        self.answers: list[Answer] = []

    def _exchange(self, request: ApiRequest, abandoned: threading.Event) -> ApiResponse:
        """Put a request on the wire, if it is a read."""
        if not is_read(request):
            raise NotAReadError(
                f"{request.operation} ({request.method}) is not a read, and was not sent.",
                operation=request.operation,
            )
        if self._sent >= self._most:
            raise RequestsSpentError(f"All of {self._most} requests are spent.", operation=request.operation)
        self._sent += 1
        response = super()._exchange(request, abandoned)
        self.answers.append(Answer(request, response.status, response.headers, response.body))
        return response
