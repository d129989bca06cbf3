# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What a trigger tells its sensor: built and read in this module only.

An event crosses processes and the database, so that whatever cannot be read is a failure, never a success.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_clockify._compat import AirflowSensorTimeout
from airflow_provider_clockify.airflow_errors import FINAL as FINAL_ERRORS
from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyError,
    ClockifyResponseError,
    Entry,
)

SUCCESS, ERROR, TIMEOUT = "success", "error", "timeout"
# Whether the task's retries apply.
FINAL, FAILED = "final", "failed"


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
    kind = FINAL if isinstance(error, FINAL_ERRORS) else FAILED
    return {"status": ERROR, "kind": kind, "message": str(error), "entry": str(error.entry)}


def timeout_event(message: str) -> dict[str, Any]:
    """
    Say that the deadline has come.

    :param message: What was waited for in vain; no secret, and no current time.
    """
    return {"status": TIMEOUT, "message": message}


def read_event(event: Any) -> dict[str, Any]:
    """
    Read an event.

    :param event: What the trigger sent.
    :return: The sensor's result.
    :raises AirflowSensorTimeout: the deadline has come.
    :raises ClockifyConfigError: the trigger met an error that running the task again cannot cure.
    :raises ClockifyResponseError: it met another one, or the event is none that a trigger of this package sends.
    """
    if isinstance(event, Mapping):
        match dict(event):
            case {"status": "success", "result": Mapping() as result}:
                return dict(result)
            case {"status": "timeout", "message": str(message)}:
                raise AirflowSensorTimeout(message)
            case {"status": "error", "kind": "final" | "failed" as kind, "message": str(message)}:
                error = (ClockifyConfigError if kind == FINAL else ClockifyResponseError)(message)
                # Triggers of an earlier version do not name it.
                entry = event.get("entry")
                raise error.explain(Entry(entry)) if entry in list(Entry) else error
    raise ClockifyResponseError(
        f"The trigger sent {str(event)[:200]!r}, which is not an event of this package. Triggerer and workers may run "
        "different versions of it."
    )
