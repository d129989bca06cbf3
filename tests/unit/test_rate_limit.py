# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.http.rate_limit import RateLimiter, limiter_for


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_first_request_waits_for_nothing_and_the_next_for_their_turn():
    limiter = RateLimiter(4, clock=Clock())
    assert [limiter.reserve().wait for _ in range(4)] == [0.0, 0.25, 0.5, 0.75]


def test_idle_time_is_not_saved_up():
    clock = Clock()
    limiter = RateLimiter(4, clock=clock)
    limiter.reserve()
    clock.now += 1_000
    assert [limiter.reserve().wait for _ in range(3)] == [0.0, 0.25, 0.5]


@given(
    st.floats(0.5, 100),
    st.lists(st.floats(0, 1), min_size=1, max_size=50),
)
def test_requests_start_at_least_an_interval_apart(rate, pauses):
    clock = Clock()
    clock.now = 0.0
    limiter = RateLimiter(rate, clock=clock)
    starts = []
    for pause in pauses:
        clock.now += pause
        starts.append(limiter.reserve().moment)
    for earlier, later in zip(starts, starts[1:], strict=False):
        assert later - earlier >= 1 / rate - 1e-9


def test_threads_never_share_a_moment():
    limiter = RateLimiter(10, 10**6, clock=Clock())
    taken: list[float] = []
    threads = [
        threading.Thread(
            target=lambda: [taken.append(limiter.reserve().moment - Clock.now) for _ in range(50)]
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == pytest.approx([number / 10 for number in range(400)])


def test_the_ceiling_can_only_be_lowered():
    limiter = RateLimiter(10, clock=Clock())
    limiter.at_most(2)
    limiter.at_most(50)
    assert [limiter.reserve().wait for _ in range(2)] == [0.0, 0.5]


def test_a_process_keeps_one_limiter_per_workspace_and_host():
    one = limiter_for("https://one.example.com", "w", 10)
    assert limiter_for("https://one.example.com", "w", 5) is one
    assert limiter_for("https://one.example.com", "v", 5) is not one
    assert limiter_for("https://two.example.com", "w", 5) is not one
    one.reserve()
    assert one.reserve().wait == pytest.approx(0.2, abs=0.05)


def test_the_hourly_quota_is_kept_over_any_hour() -> None:
    now = 0.0
    limiter = RateLimiter(1000.0, 3, clock=lambda: now)
    assert [limiter.reserve().wait for _ in range(3)] == pytest.approx([0.0, 0.001, 0.002])
    assert limiter.reserve(longest=300.0).wait == pytest.approx(3600.0)
    now = 3599.0
    assert limiter.reserve(longest=300.0).wait == pytest.approx(1.0)
    now = 3600.1
    assert limiter.reserve().wait == 0.0


def test_the_strictest_hourly_quota_of_a_workspace_counts() -> None:
    limiter = RateLimiter(1000.0, clock=lambda: 0.0)
    limiter.at_most(1000.0, 2)
    limiter.at_most(1000.0, 5)
    limiter.reserve()
    limiter.reserve()
    assert limiter.reserve(longest=300.0).wait > 300.0
