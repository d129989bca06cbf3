# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenacity import RetryCallState, Retrying

from airflow_provider_clockify import exceptions
from airflow_provider_clockify.http.retry import DETERMINISTIC_500, RetryPolicy, parse_retry_after

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def rate_limit(retry_after: float | None) -> exceptions.ClockifyRateLimitError:
    return exceptions.ClockifyRateLimitError("slow down", retry_after=retry_after)


def api(kind: type[exceptions.ClockifyApiError], status: int, operation: str = "x") -> Exception:
    return kind("no", status=status, operation=operation)


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (rate_limit(None), True),
        (rate_limit(0.0), True),
        (rate_limit(300.0), True),
        (rate_limit(300.1), False),
        (rate_limit(float("inf")), False),
        (api(exceptions.ClockifyServerError, 500), True),
        (api(exceptions.ClockifyServerError, 503), True),
        (exceptions.ClockifyTransportError("cut"), True),
        (exceptions.ClockifyWriteUnknownError("who knows"), False),
        (api(exceptions.ClockifyBadRequestError, 400), False),
        (api(exceptions.ClockifyNotFoundError, 400), False),
        (api(exceptions.ClockifyAuthError, 401), False),
        (api(exceptions.ClockifyForbiddenError, 403), False),
        (exceptions.ClockifyResponseError("odd"), False),
        (exceptions.ClockifyConfigError("wrong"), False),
        (exceptions.ClockifyIncompleteError("moving"), False),
        (ValueError("a bug"), False),
        (KeyboardInterrupt(), False),
    ]
    + [(api(exceptions.ClockifyServerError, 500, name), False) for name in sorted(DETERMINISTIC_500)]
    + [(api(exceptions.ClockifyServerError, 502, name), True) for name in sorted(DETERMINISTIC_500)],
    ids=repr,
)
def test_what_is_sent_again(error, retryable):
    assert RetryPolicy(3).retryable(error) is retryable


def state_after(error: Exception, attempt: int) -> RetryCallState:
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = attempt
    state.set_exception((type(error), error, None))
    return state


@given(st.integers(1, 40))
def test_back_off_grows_up_to_its_cap(attempt):
    policy = RetryPolicy(50, base=0.5, cap=20)
    wait = policy.wait(state_after(exceptions.ClockifyTransportError("cut"), attempt))
    assert 0 <= wait <= min(20, 0.5 * 2 ** (attempt - 1))


@given(st.integers(1, 10), st.floats(0, 300))
def test_the_wait_that_the_service_asks_for_is_taken_exactly(attempt, seconds):
    assert RetryPolicy(5, cap=1).wait(state_after(rate_limit(seconds), attempt)) == seconds


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_the_last_error_is_raised_after_the_retries(retries):
    sleeps: list[float] = []
    calls = []

    def fail():
        calls.append(len(calls))
        raise exceptions.ClockifyTransportError(f"attempt {len(calls)}")

    with pytest.raises(exceptions.ClockifyTransportError, match=f"attempt {retries + 1}"):
        Retrying(sleep=sleeps.append, **RetryPolicy(retries).tenacity(lambda state: None))(fail)
    assert (len(calls), len(sleeps)) == (retries + 1, retries)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("-5", None),
        ("1e3", None),
        ("soon", None),
        ("٣", None),
        (".", None),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30.0),
        ("Tue, 24 Nov 2026 13:00:30 +0100", 30.0),
        ("Tue, 24 Nov 2026 12:00:30 -0000", 30.0),
        ("Tuesday, 24-Nov-26 12:00:30 GMT", 30.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("Tue, 24 Nov 2026 25:00:00 GMT", None),
    ],
)
def test_retry_after_in_all_its_forms(header, seconds):
    assert parse_retry_after(header, NOW) == seconds


@given(st.integers(0, 10**6))
def test_a_retry_after_date_is_the_seconds_until_then(seconds):
    moment = NOW + timedelta(seconds=seconds)
    assert parse_retry_after(format_datetime(moment, usegmt=True), NOW) == seconds


@given(
    st.text(max_size=40)
    | st.from_regex(r"\A(Mon, )?\d{1,3} [A-Z][a-z]{2} \d{1,9} \d{1,9}:\d{1,3}(:\d{1,3})? ?[+-]?\d{0,12}\Z")
    | st.from_regex(r"\A[0-9.]{1,400}\Z")
)
def test_any_retry_after_gives_seconds_or_nothing(text):
    seconds = parse_retry_after(text, NOW)
    assert seconds is None or seconds >= 0
