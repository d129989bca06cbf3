# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Errors of the package.

::

    ClockifyError
    ├── ClockifyConfigError (ValueError)      a parameter or connection field is wrong; trying again cannot help
    │   └── ClockifyWindowError               no usable time window for this run
    ├── ClockifyMissingConnectionError        Airflow gave no connection, maybe only for the moment
    ├── ClockifyTransportError                no usable answer: connection, timeout, broken body
    │   └── ClockifyWriteUnknownError         a write was sent, and nobody knows whether it took effect
    ├── ClockifyApiError                      the service answered with an error
    │   ├── ClockifyBadRequestError           400 and other 4xx, a redirect, 2xx with an error object
    │   │   └── ClockifyNotFoundError         404, or 400 "doesn't belong to Workspace"
    │   ├── ClockifyAuthError                 401
    │   ├── ClockifyForbiddenError            402, 403, 406
    │   ├── ClockifyRateLimitError            429; ``retry_after`` in seconds where the service named it
    │   │   └── ClockifyBudgetError           the job does not fit what is left of the hourly quota
    │   └── ClockifyServerError               5xx
    ├── ClockifyResponseError                 an answer of unexpected shape
    ├── ClockifyIncompleteError               completeness of a read could not be proven; nothing is published
    ├── ClockifyStorageError                  the disk or object store stopped an export; running again may help
    └── ClockifyNoRowsError                   there is nothing to export, and on_empty="fail"

No module of this package decides anything by the text of these errors: the facts are attributes.
"""

from __future__ import annotations

__all__ = [
    "ClockifyApiError",
    "ClockifyAuthError",
    "ClockifyBadRequestError",
    "ClockifyBudgetError",
    "ClockifyConfigError",
    "ClockifyError",
    "ClockifyForbiddenError",
    "ClockifyIncompleteError",
    "ClockifyMissingConnectionError",
    "ClockifyNoRowsError",
    "ClockifyNotFoundError",
    "ClockifyRateLimitError",
    "ClockifyResponseError",
    "ClockifyServerError",
    "ClockifyStorageError",
    "ClockifyTransportError",
    "ClockifyWindowError",
    "ClockifyWriteUnknownError",
]


class ClockifyError(Exception):
    """
    Base of all errors of this package.

    :param message: What happened and what to change; never contains the key.
    :param operation: Operation name of the Clockify API, where a request was involved.
    :param attempts: How many times the request was sent.
    """

    def __init__(self, message: str, *, operation: str | None = None, attempts: int = 0) -> None:
        super().__init__(message)
        self.operation = operation
        self.attempts = attempts

    def advise(self, advice: str) -> None:
        """Add what to change to the message."""
        self.args = (f"{self} {advice}",)


class ClockifyConfigError(ClockifyError, ValueError):
    """A parameter or a connection field is wrong; trying again cannot help."""


class ClockifyWindowError(ClockifyConfigError):
    """The run gives no usable time window."""


class ClockifyMissingConnectionError(ClockifyError):
    """
    Airflow gave no connection.

    To whoever asks Airflow for it, a secrets backend that does not answer looks like a connection that does not exist,
    so that trying again may help.
    """


class ClockifyTransportError(ClockifyError):
    """No usable answer arrived: name resolution, connection, time-out or a broken body."""


class ClockifyWriteUnknownError(ClockifyTransportError):
    """A write was sent and its outcome is unknown; it is never repeated blindly."""


class ClockifyApiError(ClockifyError):
    """
    The service answered with an error.

    :param status: HTTP status.
    :param code: ``code`` of the error body, unrelated to the HTTP status.
    :param reason: ``message`` of the error body, shortened.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: int | None = None,
        reason: str = "",
        operation: str | None = None,
        attempts: int = 1,
    ) -> None:
        super().__init__(message, operation=operation, attempts=attempts)
        self.status = status
        self.code = code
        self.reason = reason


class ClockifyBadRequestError(ClockifyApiError):
    """The service refused the request as wrong (4xx, an error object with 2xx), or redirected it."""


class ClockifyNotFoundError(ClockifyBadRequestError):
    """The entity does not exist in the workspace (400 with body code 501, or 404)."""


class ClockifyAuthError(ClockifyApiError):
    """The key was refused (401)."""


class ClockifyForbiddenError(ClockifyApiError):
    """The key's role or the workspace's plan does not allow it, or the workspace is suspended (402, 403, 406)."""


class ClockifyRateLimitError(ClockifyApiError):
    """
    The request budget is used up (429).

    :param retry_after: Seconds after which the service accepts requests again, where it said so.
    :ivar in_a_row: Refusals of the workspace in a row that did not say so, this one included.
    :ivar pause: Seconds that nothing is sent to the workspace from here after this refusal.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 429,
        code: int | None = None,
        reason: str = "",
        operation: str | None = None,
        attempts: int = 1,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(
            message, status=status, code=code, reason=reason, operation=operation, attempts=attempts
        )
        self.retry_after = retry_after
        self.in_a_row = 0
        self.pause = 0.0


class ClockifyBudgetError(ClockifyRateLimitError):
    """
    What a job needs does not fit the workspace's hourly quota; told before it is spent.

    :param needed: Requests that the job needs at least, of those not yet spent.
    :param quota: Requests that the workspace has per hour.
    :param retry_after: Seconds until the quota has room for them, as far as this process knows.
    """

    def __init__(self, message: str, *, needed: int, quota: int, retry_after: float) -> None:
        super().__init__(message, reason="hourly quota", attempts=0, retry_after=retry_after)
        self.needed = needed
        self.quota = quota

    @property
    def fits(self) -> bool:
        """Whether an hour of its own has room for it."""
        return self.needed <= self.quota


class ClockifyServerError(ClockifyApiError):
    """The service failed (5xx)."""


class ClockifyResponseError(ClockifyError):
    """An answer has an unexpected shape; the message names the operation and the field."""


class ClockifyIncompleteError(ClockifyError):
    """A read could not be proven complete, so nothing was published."""


class ClockifyStorageError(ClockifyError):
    """The disk is full, or the target cannot be written or does not answer; no file is half there."""


class ClockifyNoRowsError(ClockifyError):
    """The window holds no rows, and the export was asked not to write an empty file."""
