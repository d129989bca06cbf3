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
    ClockifyConfigError,
    ClockifyForbiddenError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

# Running the same task again cannot mend these.
FINAL = (ClockifyConfigError, ClockifyAuthError, ClockifyForbiddenError, ClockifyBadRequestError)


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
