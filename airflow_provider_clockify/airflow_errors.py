# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""From the package's errors to Airflow's semantics of failing, in one place."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_clockify._compat import AirflowFailException
from airflow_provider_clockify.exceptions import (
    ClockifyAuthError,
    ClockifyBadRequestError,
    ClockifyBudgetError,
    ClockifyConfigError,
    ClockifyForbiddenError,
    ClockifyMissingConnectionError,
    ClockifyRateLimitError,
    ClockifyServerError,
    ClockifyTransportError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_clockify.exceptions import ClockifyError

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
