# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.http.pace import HOUR
from airflow_provider_clockify.http.rate_limit import RateLimiter
from airflow_provider_clockify.reading.budget import Need, shortage

numbers = st.integers(0, 100)
needs = st.builds(Need, st.integers(1, 100), numbers, st.integers(0, 1), numbers)


@given(needs, numbers)
def test_fail_lets_through_exactly_what_fits_as_a_whole(need, left):
    assert (shortage(need, left, "fail") is None) == (need.part + need.after <= left)


@given(needs, numbers)
def test_what_is_run_again_needs_room_for_what_it_has_spent_too(need, left):
    short = shortage(need, left, "fail")
    assert short is None or short == need.total + need.spent


@given(needs, numbers)
def test_defer_lets_through_a_part_that_fits_whatever_comes_after(need, left):
    assert (shortage(need, left, "defer") is None) == (need.part <= left)


@given(needs, numbers)
def test_a_part_that_waits_needs_room_for_what_it_has_begun_too(need, left):
    short = shortage(need, left, "defer")
    assert short is None or short == need.part + need.begun


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_without_a_quota_nothing_is_known():
    limiter = RateLimiter(10)
    assert (limiter.quota, limiter.left(), limiter.free_in(5)) == (None, None, None)


def test_a_quota_that_becomes_known_later_counts_what_was_spent_before():
    clock = Clock()
    limiter = RateLimiter(10, clock=clock)
    for _ in range(7):
        limiter.reserve()
    limiter.at_most(10, 30)
    assert limiter.left() == 23
    assert limiter.free_in(23) == 0.0
    assert limiter.free_in(24) == HOUR


@given(st.integers(1, 40), st.lists(st.floats(0, 400), max_size=60), st.integers(1, 60))
def test_after_the_wait_there_is_room_and_a_moment_before_there_is_not(quota, pauses, requests):
    clock = Clock()
    limiter = RateLimiter(1e6, quota, clock=clock)
    for pause in pauses:
        clock.now += pause
        limiter.reserve(0)  # what must wait is not sent
    wait = limiter.free_in(requests)
    wanted = min(requests, quota)
    if wait:
        clock.now += wait - 1e-3
        assert limiter.left() < wanted
        clock.now += 2e-3
    assert limiter.left() >= wanted
