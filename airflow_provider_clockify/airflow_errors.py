# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Where errors of the package meet Airflow: which of them fail a task for good, and what the log of the task says.

Whoever opens the log of a failed task sees its end. So the last line that this package logs is one ERROR with what
happened, what it means for the data and what to change, and the traceback that Airflow puts below it is short: the
error leaves the package from one place, without its causes. They are logged before, at DEBUG.
"""

from __future__ import annotations

import textwrap
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from airflow_provider_clockify._compat import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTerminated,
    AirflowTaskTimeout,
)
from airflow_provider_clockify.exceptions import (
    ERRORS_PAGE,
    ClockifyAuthError,
    ClockifyBadRequestError,
    ClockifyBudgetError,
    ClockifyConfigError,
    ClockifyError,
    ClockifyForbiddenError,
    ClockifyMissingConnectionError,
    ClockifyRateLimitError,
    ClockifyServerError,
    ClockifyTransportError,
    Entry,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
P = ParamSpec("P")

# What fits beside the grid on a page of Airflow 3 that is 1280 pixels wide, which does not wrap lines; and how much of
# the first line its time and level take.
LINE, FIRST = 108, 32
# Running the same task again cannot mend these.
FINAL = (ClockifyConfigError, ClockifyAuthError, ClockifyForbiddenError, ClockifyBadRequestError)
# These pass by themselves: who waits goes on waiting.
PASSING = (
    ClockifyRateLimitError,
    ClockifyServerError,
    ClockifyTransportError,
    ClockifyMissingConnectionError,
)


def may_wait(error: ClockifyError, silent_fail: bool) -> bool:
    """
    Decide whether a wait goes on after an error; the same in worker and triggerer.

    :param error: What a look met.
    :param silent_fail: As Airflow's sensors have it: go on after any error but a final one.
    """
    return isinstance(error, PASSING) or (silent_fail and not isinstance(error, FINAL))


@contextmanager
def airflow_semantics() -> Iterator[None]:
    """
    Fail the task without retries where trying again cannot help; let everything else pass.

    :raises AirflowFailException: with the error as its cause and the error's text as its own.
    """
    try:
        yield
    except FINAL as error:
        raise AirflowFailException(str(error)) from error
    except ClockifyBudgetError as error:
        if error.fits:
            raise
        raise AirflowFailException(str(error)) from error


class Failing(Protocol):
    """What the log of a failed task is told by its operator."""

    @property
    def log(self) -> Any:
        """The task's logger."""

    @property
    def execution_timeout(self) -> Any:
        """How long the task may take."""

    def after_failure(self, error: BaseException) -> str:
        """
        Say in sentences what a failure means for the data.

        :param error: Why the task failed.
        """


S = TypeVar("S", bound=Failing)


def plain_failures(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """
    Let a method that Airflow calls of a task end in one plain ERROR line when it fails, and in a short traceback.

    The types of errors stay what they are. What the package did not expect keeps its whole traceback.

    :param method: ``execute`` or ``resume_execution`` of an operator or sensor.
    """

    @wraps(method)
    def called(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(self, *args, **kwargs)
        except (AirflowSkipException, AirflowRescheduleException):
            raise
        except (Exception, AirflowTaskTimeout, *_STOPPED) as error:
            ours = _ours(error)
            text = failure_text(error, self.after_failure(ours or error), self.execution_timeout)
            if ours is None and not isinstance(error, _EXPLAINED):
                self.log.error("%s", text)  # noqa: TRY400 - Airflow logs the traceback
                raise
            self.log.debug("What led to the failure of the task:", exc_info=error)
            self.log.error("%s", text)  # noqa: TRY400
            # Its causes stay within reach, as the context of the error, and out of the log.
            raise error.with_traceback(None) from None

    return called


# What ends a task that receives SIGTERM: our own on_kill on Airflow 3, and Airflow 2.
_STOPPED = (SystemExit, AirflowTaskTerminated)
_EXPLAINED = (AirflowSensorTimeout, AirflowTaskTimeout, *_STOPPED)


def failure_text(error: BaseException, data: str, execution_timeout: Any = None) -> str:
    """
    Put together what the log says of a failed task (pure): what happened and what to change, the data, where to read.

    :param error: Why the task failed.
    :param data: What it means for the data, in sentences.
    :param execution_timeout: Of the task.
    :return: Lines of no more than what a log page shows.
    """
    ours = _ours(error)
    if ours is not None:
        reason, entry = str(error), ours.entry
    elif isinstance(error, AirflowSensorTimeout):
        reason, entry = f"The wait timed out. {error}", Entry.WAIT_TIMED_OUT
        reason += " Give the sensor a longer timeout, or look in Clockify whether what it waits for can come."
    elif isinstance(error, AirflowTaskTimeout):
        reason, entry = (
            f"The task took longer than its execution_timeout of {execution_timeout}.",
            Entry.TASK_TIMED_OUT,
        )
        reason += " Give it a longer one, or less to read: a shorter window, or fewer columns."
    elif isinstance(error, _STOPPED):
        reason, entry = "The task was told to stop (SIGTERM).", Entry.TASK_STOPPED
        reason += " Somebody changed its state, or its worker went away. Clear the task to run it again."
    else:
        said = " ".join(str(error).split())[:500]
        entry = Entry.SOMETHING_ELSE
        reason = (
            f"The task failed with an error that this provider does not expect ({type(error).__name__}: {said}). The "
            "traceback below says where; if that is in airflow_provider_clockify, please report it."
        )
    paragraphs = [*reason.splitlines(), data, f"See {ERRORS_PAGE}#{entry}."]
    first, *others = (found for each in paragraphs if (found := " ".join(each.split())))
    lines = textwrap.wrap("x" * FIRST + first, LINE, break_long_words=False, break_on_hyphens=False)
    lines[0] = lines[0][FIRST:]
    for each in others:
        lines += textwrap.wrap(each, LINE, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)


def _ours(error: BaseException) -> ClockifyError | None:
    """Return the error of this package that an error is, or was made of."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, ClockifyError):
        found = found.__cause__
    return found
