# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The retry policy comes back when the service says so, and meddles with nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_clockify.exceptions import (
    ClockifyBudgetError,
    ClockifyRateLimitError,
    ClockifyServerError,
)

sdk = pytest.importorskip("airflow.sdk", reason="retry policies came with Airflow 3.3")
if not hasattr(sdk, "RetryPolicy"):
    pytest.skip("retry policies came with Airflow 3.3", allow_module_level=True)

from airflow_provider_clockify.retry_policy import ClockifyRetryPolicy  # noqa: E402


def decide(error: BaseException, **how):
    return ClockifyRetryPolicy(**how).evaluate(error, 1, 3)


def test_a_limit_is_waited_for_as_long_as_the_service_asks():
    decision = decide(ClockifyRateLimitError("busy", retry_after=1800))
    assert decision.action.value == "retry"
    assert decision.retry_delay == timedelta(seconds=1801)
    assert "1800 s" in (decision.reason or "")


def test_a_budget_is_waited_for():
    decision = decide(ClockifyBudgetError("much", needed=3, quota=30, retry_after=2400.5))
    assert decision.retry_delay == timedelta(seconds=2401.5)


def test_a_limit_behind_another_error_is_found():
    try:
        try:
            raise ClockifyRateLimitError("busy", retry_after=60)
        except ClockifyRateLimitError as cause:
            raise AirflowException("wrapped") from cause
    except AirflowException as error:
        assert decide(error).retry_delay == timedelta(seconds=61)


def test_a_limit_that_does_not_say_when_gets_the_wait_of_the_policy():
    assert decide(ClockifyRateLimitError("busy")).retry_delay == timedelta(minutes=15)
    assert decide(ClockifyRateLimitError("busy"), unknown_wait=timedelta(hours=1)).retry_delay == timedelta(
        hours=1
    )
    assert decide(ClockifyRateLimitError("busy"), unknown_wait=None).retry_delay is None


@pytest.mark.parametrize("error", [ClockifyServerError("down", status=503), ValueError("other")])
def test_any_other_error_is_the_tasks_own_affair(error):
    decision = decide(error)
    assert (decision.action.value, decision.retry_delay) == ("default", None)


def test_the_policy_survives_serialisation():
    policy = ClockifyRetryPolicy(timedelta(minutes=3))
    assert ClockifyRetryPolicy.deserialize(policy.serialize()).unknown_wait == timedelta(minutes=3)
    assert ClockifyRetryPolicy.deserialize(ClockifyRetryPolicy(None).serialize()).unknown_wait is None


def test_an_operator_takes_it():
    from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

    policy = ClockifyRetryPolicy()
    operator = ClockifyDetailedReportOperator(task_id="x", output_path="/x", retries=2, retry_policy=policy)
    assert operator.retry_policy is policy
