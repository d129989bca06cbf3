# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import json

import pytest

from airflow_provider_clockify._compat import AirflowSensorTimeout
from airflow_provider_clockify.exceptions import (
    ClockifyAuthError,
    ClockifyBadRequestError,
    ClockifyConfigError,
    ClockifyError,
    ClockifyForbiddenError,
    ClockifyIncompleteError,
    ClockifyMissingConnectionError,
    ClockifyResponseError,
    ClockifyWindowError,
    Entry,
)
from airflow_provider_clockify.triggers._payloads import error_event, read_event, success_event, timeout_event

RESULT = {"count": 2, "latest": "2026-11-02T08:00:00Z", "ids": ["b", "a"]}


def through_the_database(event):
    return json.loads(json.dumps(event))


def test_a_result_arrives_as_it_was_sent():
    assert read_event(through_the_database(success_event(RESULT))) == RESULT


def test_equal_results_are_equal_events():
    assert success_event(RESULT) == success_event(dict(reversed(RESULT.items())))


def test_the_end_of_a_wait_arrives_as_airflows_own():
    with pytest.raises(AirflowSensorTimeout, match="^too late$"):
        read_event(through_the_database(timeout_event("too late")))


@pytest.mark.parametrize(
    "error",
    [
        ClockifyAuthError("refused", status=401),
        ClockifyForbiddenError("refused", status=403),
        ClockifyBadRequestError("refused", status=400),
        ClockifyConfigError("refused"),
        ClockifyWindowError("refused"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_no_retry_can_mend_arrives_as_such(error):
    with pytest.raises(ClockifyConfigError, match="(?m)^refused$"):
        read_event(through_the_database(error_event(error)))


@pytest.mark.parametrize(
    "error",
    [
        ClockifyResponseError("odd"),
        ClockifyIncompleteError("odd"),
        ClockifyMissingConnectionError("odd"),
        ClockifyError("odd"),
    ],
)
def test_other_errors_leave_the_retries_to_the_task(error):
    with pytest.raises(ClockifyResponseError, match="(?m)^odd$"):
        read_event(through_the_database(error_event(error)))


@pytest.mark.parametrize(
    ("error", "entry"),
    [
        (ClockifyAuthError("refused", status=401), Entry.KEY_REFUSED),
        (ClockifyAuthError("refused", status=401, code=4019), Entry.NOT_VERIFIED),
        (ClockifyIncompleteError("odd"), Entry.INCOMPLETE),
    ],
    ids=["key", "address", "incomplete"],
)
def test_the_entry_of_the_documentation_arrives(error, entry):
    with pytest.raises(ClockifyError) as caught:
        read_event(through_the_database(error_event(error)))
    assert caught.value.entry is entry


@pytest.mark.parametrize("entry", [None, "of-a-later-version", 7])
def test_an_event_of_another_version_may_name_no_entry_that_is_known(entry):
    event = {"status": "error", "kind": "final", "message": "refused", "entry": entry}
    with pytest.raises(ClockifyConfigError, match="(?m)^refused$") as caught:
        read_event(event)
    assert caught.value.entry is Entry.PARAMETER


@pytest.mark.parametrize(
    "event",
    [
        None,
        "success",
        [],
        {},
        {"status": "success"},
        {"status": "success", "result": None},
        {"status": "success", "result": [1]},
        {"result": RESULT},
        {"status": "done", "result": RESULT},
        {"status": True, "result": RESULT},
        {"status": "error", "message": "x"},
        {"status": "error", "kind": "final"},
        {"status": "error", "kind": "final", "message": None},
        {"status": "error", "kind": "other", "message": "x"},
        {"status": "running", "kind": "final", "message": "x"},
    ],
    ids=str,
)
def test_what_is_no_event_is_a_failure_and_never_a_success(event):
    with pytest.raises(ClockifyResponseError, match="not an event of this package"):
        read_event(event)
