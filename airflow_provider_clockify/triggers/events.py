# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What a trigger tells its sensor: built and read in this module only.

An event crosses processes and the database, so that whatever cannot be read is a failure, never a success.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_clockify.exceptions import (
    ClockifyAuthError,
    ClockifyConfigError,
    ClockifyError,
    ClockifyResponseError,
)

SUCCESS, ERROR = "success", "error"
REFUSED_KEY = "refused_key"
FAILED = "failed"


def success_event(result: Mapping[str, Any]) -> dict[str, Any]:
    """
    Say that the wait is over.

    :param result: What the sensor returns; JSON values, and no current time, since events are compared by value.
    """
    return {"status": SUCCESS, "result": dict(result)}


def error_event(error: ClockifyError) -> dict[str, Any]:
    """
    Say that waiting on is of no use.

    :param error: The error; its text holds no secret.
    """
    kind = REFUSED_KEY if isinstance(error, ClockifyAuthError) else FAILED
    return {"status": ERROR, "kind": kind, "message": str(error)}


def read_event(event: Any) -> dict[str, Any]:
    """
    Read an event.

    :param event: What the trigger sent.
    :return: The sensor's result.
    :raises ClockifyConfigError: the trigger met an error that waiting cannot mend.
    :raises ClockifyResponseError: the event is none that a trigger of this package sends.
    """
    if isinstance(event, Mapping):
        if event.get("status") == SUCCESS and isinstance(event.get("result"), Mapping):
            return dict(event["result"])
        if event.get("status") == ERROR and isinstance(event.get("message"), str):
            raise ClockifyConfigError(event["message"])
    raise ClockifyResponseError(
        f"The trigger sent {str(event)[:200]!r}, which is no event of this package. Triggerer and workers may run "
        "different versions of it."
    )
