# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Errors of the package.

::

    ClockifyError
    ├── ClockifyConfigError (ValueError)      a parameter or connection field is wrong
    │   └── ClockifyWindowError               no usable time window for this run
    ├── ClockifyMissingConnectionError        Airflow gave no connection, maybe only for the moment
    ├── ClockifyTransportError                no usable answer: connection, timeout, broken body
    │   └── ClockifyWriteUnknownError         a write was sent, and nobody knows whether it took effect
    ├── ClockifyApiError                      the service answered with an error
    │   ├── ClockifyBadRequestError           400 and other 4xx, a redirect, 2xx with an error object
    │   │   └── ClockifyNotFoundError         404, or 400 "doesn't belong to Workspace"
    │   ├── ClockifyAuthError                 401
    │   ├── ClockifyForbiddenError            402, 403, 406
    │   ├── ClockifyRateLimitError            429; has retry_after, in seconds
    │   │   └── ClockifyBudgetError           the job does not fit what is left of the hourly quota
    │   └── ClockifyServerError               5xx
    ├── ClockifyResponseError                 an answer of unexpected shape
    ├── ClockifyIncompleteError               a read could not be proven complete
    ├── ClockifyStorageError                  the disk or object store stopped an export
    ├── ClockifyDatabaseError                 the database stopped a load and rolled it back
    └── ClockifyNoRowsError                   there is nothing to export, and on_empty="fail"

The facts of an error are attributes. No module of this package decides anything by the text of an error.
"""

from __future__ import annotations

from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

__all__ = [
    "ClockifyApiError",
    "ClockifyAuthError",
    "ClockifyBadRequestError",
    "ClockifyBudgetError",
    "ClockifyConfigError",
    "ClockifyDatabaseError",
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


#: Page of the documentation that explains each error, under the heading that :class:`Entry` names.
ERRORS_PAGE = "docs/errors.md"


class Entry(StrEnum):
    """Headings of :data:`ERRORS_PAGE`, as the anchors that they have."""

    NO_CONNECTION = "airflow-gave-no-connection"
    CONNECTION_FIELD = "a-field-of-the-connection-is-wrong"
    KEY_REFUSED = "the-key-was-refused"
    KEY_NOT_ARRIVED = "the-key-did-not-arrive"
    NOT_VERIFIED = "the-e-mail-address-is-not-verified"
    SUSPENDED = "the-workspace-or-the-user-is-suspended"
    NOT_ALLOWED = "the-key-may-not-do-this"
    NOT_FOUND = "an-id-was-not-found"
    NOT_SERVED = "the-address-is-not-served"
    REDIRECTED = "the-service-redirects"
    REFUSED = "the-request-was-refused"
    NO_ANSWER = "no-answer"
    WRITE_UNKNOWN = "the-outcome-of-a-write-is-unknown"
    SERVICE_FAILED = "the-service-failed"
    BUDGET_USED_UP = "the-request-budget-is-used-up"
    OVER_BUDGET = "the-job-does-not-fit-the-hourly-quota"
    PARAMETER = "a-parameter-is-wrong"
    WINDOW = "the-run-has-no-usable-window"
    PACKAGE = "a-package-is-missing"
    OUTPUT = "the-output-path-cannot-be-used"
    TABLE = "the-table-cannot-take-the-load"
    INCOMPLETE = "the-read-is-not-proven-complete"
    ANSWER = "an-answer-has-an-unexpected-shape"
    NO_ROWS = "there-are-no-rows"
    STORAGE = "the-disk-or-the-object-store-stopped-the-export"
    DATABASE = "the-database-stopped-the-load"
    WAIT_TIMED_OUT = "the-wait-timed-out"
    TASK_TIMED_OUT = "the-task-timed-out"
    TASK_STOPPED = "the-task-was-told-to-stop"
    SOMETHING_ELSE = "something-else-failed"


class ClockifyError(Exception):
    """
    Base of all errors of this package.

    :param message: What happened and what to change; never contains the key.
    :param operation: Operation name of the Clockify API, where a request was involved.
    :param attempts: How many times the request was sent.
    :ivar entry: Heading of the documentation's page that explains it.
    """

    entry: Entry = Entry.SOMETHING_ELSE

    def __init__(self, message: str, *, operation: str | None = None, attempts: int = 0) -> None:
        super().__init__(message)
        self.operation = operation
        self.attempts = attempts
        self.__notes__ = [f"See {self.see}."]

    @property
    def see(self) -> str:
        """Where the documentation explains it."""
        return f"{ERRORS_PAGE}#{self.entry}"

    def explain(self, entry: Entry) -> Self:
        """Name the heading that explains it, where the class alone does not tell."""
        self.entry = entry
        self.__notes__ = [f"See {self.see}."]
        return self

    def advise(self, advice: str) -> None:
        """Add what to change to the message."""
        self.args = (f"{self} {advice}",)


class ClockifyConfigError(ClockifyError, ValueError):
    """A parameter or a connection field is wrong; trying again cannot help."""

    entry = Entry.PARAMETER


class ClockifyWindowError(ClockifyConfigError):
    """The run gives no usable time window."""

    entry = Entry.WINDOW


class ClockifyMissingConnectionError(ClockifyError):
    """
    Airflow gave no connection.

    To whoever asks Airflow for it, a secrets backend that does not answer looks like a connection that does not exist,
    so that trying again may help.
    """

    entry = Entry.NO_CONNECTION


class ClockifyTransportError(ClockifyError):
    """
    No usable answer arrived: name resolution, connection, time-out or a broken body.

    :ivar never_sent: Whether no connection was made, so that no request was spent.
    """

    entry = Entry.NO_ANSWER
    never_sent = False


class ClockifyWriteUnknownError(ClockifyTransportError):
    """A write was sent and its outcome is unknown; it is never repeated blindly."""

    entry = Entry.WRITE_UNKNOWN


class ClockifyApiError(ClockifyError):
    """
    The service answered with an error.

    :param status: HTTP status.
    :param code: ``code`` of the error body, unrelated to the HTTP status.
    :param reason: ``message`` of the error body, shortened.
    """

    _by_status: ClassVar[Mapping[int, Entry]] = {}
    _by_code: ClassVar[Mapping[int, Entry]] = {}

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
        self.explain(self._by_status.get(status) or self._by_code.get(code or 0) or type(self).entry)
        self.status = status
        self.code = code
        self.reason = reason


class ClockifyBadRequestError(ClockifyApiError):
    """The service refused the request as wrong (4xx, an error object with 2xx), or redirected it."""

    entry = Entry.REFUSED
    _by_status: ClassVar[Mapping[int, Entry]] = dict.fromkeys(range(300, 400), Entry.REDIRECTED)


class ClockifyNotFoundError(ClockifyBadRequestError):
    """The entity does not exist in the workspace (400 with body code 501, or 404)."""

    entry = Entry.NOT_FOUND
    _by_status: ClassVar[Mapping[int, Entry]] = {404: Entry.NOT_SERVED}


class ClockifyAuthError(ClockifyApiError):
    """The key was refused (401)."""

    entry = Entry.KEY_REFUSED
    _by_code: ClassVar[Mapping[int, Entry]] = {
        406: Entry.SUSPENDED,
        1000: Entry.KEY_NOT_ARRIVED,
        4019: Entry.NOT_VERIFIED,
    }


class ClockifyForbiddenError(ClockifyApiError):
    """The key's role or the workspace's plan does not allow it, or the workspace is suspended (402, 403, 406)."""

    entry = Entry.NOT_ALLOWED
    _by_status: ClassVar[Mapping[int, Entry]] = {406: Entry.SUSPENDED}
    _by_code: ClassVar[Mapping[int, Entry]] = {
        406: Entry.SUSPENDED,
        4017: Entry.KEY_REFUSED,
        4023: Entry.KEY_REFUSED,
    }


class ClockifyRateLimitError(ClockifyApiError):
    """
    The request budget is used up (429).

    :param retry_after: Seconds after which the service accepts requests again, where it said so.
    :ivar in_a_row: Refusals of the workspace in a row that did not say so, this one included.
    :ivar pause: Seconds that nothing is sent to the workspace from here after this refusal.
    """

    entry = Entry.BUDGET_USED_UP

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

    entry = Entry.OVER_BUDGET

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

    entry = Entry.SERVICE_FAILED


class ClockifyResponseError(ClockifyError):
    """An answer has an unexpected shape; the message names the operation and the field."""

    entry = Entry.ANSWER


class ClockifyIncompleteError(ClockifyError):
    """A read could not be proven complete, so nothing was published."""

    entry = Entry.INCOMPLETE


class ClockifyStorageError(ClockifyError):
    """The disk is full, or the target cannot be written or does not answer; no file is half there."""

    entry = Entry.STORAGE


class ClockifyDatabaseError(ClockifyError):
    """
    The database stopped a load; nothing of it is in the table.

    :param state: SQLSTATE, where the driver gives one.
    :param is_conflict: Whether another transaction was quicker, so that the same load works a second time.
    :param is_unknown: Whether nobody knows if the load took effect; as a whole or not at all, in any case.
    """

    entry = Entry.DATABASE

    def __init__(
        self,
        message: str,
        *,
        state: str | None = None,
        is_conflict: bool = False,
        is_unknown: bool = False,
    ) -> None:
        super().__init__(message)
        self.state = state
        self.is_conflict = is_conflict
        self.is_unknown = is_unknown


class ClockifyNoRowsError(ClockifyError):
    """The window holds no rows, and the export was asked not to write an empty file."""

    entry = Entry.NO_ROWS


@contextmanager
def explained_by(entry: Entry) -> Iterator[None]:
    """
    Let a heading explain what a block or function finds wrong with parameters, more closely than the class does.

    :param entry: The heading.
    """
    try:
        yield
    except ClockifyConfigError as error:
        if error.entry is Entry.PARAMETER:
            error.explain(entry)
        raise
