# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from math import inf, nan

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_clockify.http.pace import (
    FREE_REQUESTS_PER_HOUR,
    HOUR,
    LEAST,
    LONGEST,
    MOST_MARKS,
    PAUSES,
    RISE_AFTER,
    TRIAL,
    Pace,
    Refusal,
)

NOW = 1_790_000_000.0


def refused(pace: Pace, now: float, *, sent: float | None = None, asked: float | None = None) -> Refusal:
    return pace.refuse(now, now if sent is None else sent, 8.0, asked, 0.0)


# --- the pace halves and recovers -----------------------------------------------------------------------------


def test_each_refusal_halves_the_pace_down_to_a_floor():
    pace = Pace()
    rates = []
    for number in range(8):
        refused(pace, NOW + number, asked=0.0)
        rates.append(pace.rate(NOW + number, 8.0))
    assert rates == [4.0, 2.0, 1.0, 0.5, *[8.0 * LEAST] * 4]


def test_refusals_of_requests_that_were_under_way_together_count_once():
    pace = Pace()
    first = refused(pace, NOW + 1.0, sent=NOW)
    late = refused(pace, NOW + 1.5, sent=NOW + 0.9)
    assert (first.in_a_row, late.in_a_row) == (1, 1)
    assert late.pause == pytest.approx(first.pause - 0.5)
    assert pace.rate(NOW + 2, 8.0) == 4.0
    assert refused(pace, NOW + 4.0, sent=NOW + 3.5).in_a_row == 2


def test_the_pace_recovers_by_a_tenth_of_the_ceiling_at_a_time():
    pace = Pace()
    refused(pace, NOW, asked=0.0)
    steps = [pace.rate(NOW + number * RISE_AFTER, 8.0) for number in range(8)]
    assert steps == pytest.approx([4.0, 4.8, 5.6, 6.4, 7.2, 8.0, 8.0, 8.0])
    assert pace.rate(NOW + 0.99 * RISE_AFTER, 8.0) == 4.0


def test_the_halved_pace_is_the_one_that_turns_keep():
    pace = Pace()
    refused(pace, NOW, asked=0.0)
    turns = [pace.reserve(NOW, 8.0, None, inf).wait for _ in range(4)]
    assert turns == pytest.approx([0.0, 0.25, 0.5, 0.75])


# --- pauses -----------------------------------------------------------------------------------------------------


def test_a_pause_that_the_service_asks_for_holds_everybody_and_never_shortens_another():
    pace = Pace()
    assert refused(pace, NOW, asked=30.0) == Refusal(0, 30.0)
    assert refused(pace, NOW, asked=5.0) == Refusal(0, 30.0)
    turns = [pace.reserve(NOW, 8.0, None, inf) for _ in range(2)]
    assert turns[0].wait == 30.0
    assert turns[1].wait > 30.0
    assert all(turn.taken for turn in turns)
    assert pace.reserve(NOW + 60, 8.0, None, inf).wait == 0.0


def test_without_a_word_when_to_come_back_pauses_grow_and_one_request_tries():
    pace, now = Pace(), NOW
    for number, pause in enumerate([*PAUSES, PAUSES[-1]], 1):
        assert refused(pace, now) == Refusal(number, pause)
        held = pace.reserve(now, 8.0, None, inf)
        assert (held.taken, held.wait) == (False, pause)
        now += pause
        trial = pace.reserve(now, 8.0, None, inf)
        assert (trial.taken, trial.wait) == (True, 0.0)
        others = pace.reserve(now + 0.1, 8.0, None, inf)
        assert not others.taken
        assert 0 < others.wait < 1
        now += 0.2


def test_a_good_answer_sets_the_others_free_and_what_was_under_way_does_not():
    pace = Pace()
    refused(pace, NOW)
    pace.answer(NOW - 1)
    assert pace.in_a_row == 1
    now = NOW + PAUSES[0]
    trial = pace.reserve(now, 8.0, None, inf)
    pace.answer(trial.moment)
    assert pace.in_a_row == 0
    assert pace.reserve(now + 0.01, 8.0, None, inf).taken


def test_a_trial_that_never_answers_does_not_hold_the_others_for_ever():
    pace = Pace()
    refused(pace, NOW)
    now = NOW + PAUSES[0]
    assert pace.reserve(now, 8.0, None, inf).taken
    assert not pace.reserve(now + 0.9 * TRIAL, 8.0, None, inf).taken
    assert pace.reserve(now + 1.1 * TRIAL, 8.0, None, inf).taken


@settings(deadline=None)
@given(st.integers(1, 40), st.floats(0.005, 3.0), st.floats(0, 1))
def test_an_hour_without_budget_costs_few_refusals_however_many_ask(askers, latency, jitter):
    """Everybody asks whenever they may; each request is refused after its latency."""
    pace = Pace()
    free_at, sent = [NOW] * askers, 0
    under_way: list[tuple[float, float]] = []
    while True:
        asker = min(range(askers), key=free_at.__getitem__)
        now = free_at[asker]
        while under_way and under_way[0][0] <= now:
            answered, moment = under_way.pop(0)
            pace.refuse(answered, moment, 10.0, None, jitter)
        if now > NOW + HOUR:
            break
        turn = pace.reserve(now, 10.0, None, 300.0)
        if turn.taken and turn.wait == 0:
            sent += 1
            under_way.append((now + latency, now))
            free_at[asker] = now + latency
        else:
            free_at[asker] = now + min(turn.wait, 60.0)
    assert sent <= 5 + latency / TRIAL


# --- the cliff of a Free workspace's hour, where no quota is known ------------------------------------------------


def spend(pace: Pace, requests: int, quota: int | None = None) -> None:
    for _ in range(requests):
        assert pace.reserve(NOW, 1e6, quota, inf).taken


def test_the_first_request_beyond_a_free_hour_goes_alone_until_it_is_answered():
    pace = Pace()
    spend(pace, FREE_REQUESTS_PER_HOUR)
    first = pace.reserve(NOW + 1, 1e6, None, inf)
    assert first.taken
    assert not pace.reserve(NOW + 1.01, 1e6, None, inf).taken
    assert not pace.wants_answer(NOW)
    assert pace.wants_answer(first.moment)
    pace.answer(first.moment)
    assert not pace.wants_answer(first.moment)
    for number in range(100):
        assert pace.reserve(NOW + 2 + number, 1e6, None, inf).taken


def test_a_refused_trial_is_over():
    pace = Pace()
    spend(pace, FREE_REQUESTS_PER_HOUR)
    first = pace.reserve(NOW + 1, 1e6, None, inf)
    pace.refuse(NOW + 1.1, first.moment, 1e6, None, 0.0)
    assert pace.reserve(NOW + 1.2 + PAUSES[0], 1e6, None, inf).taken


def test_an_hour_later_it_is_doubtful_again():
    pace = Pace()
    spend(pace, FREE_REQUESTS_PER_HOUR)
    pace.answer(pace.reserve(NOW + 1, 1e6, None, inf).moment)
    for number in range(FREE_REQUESTS_PER_HOUR + 1):
        assert pace.reserve(NOW + 2 * HOUR + number / 100, 1e6, None, inf).taken
    assert not pace.reserve(NOW + 2 * HOUR + 1, 1e6, None, inf).taken


def test_a_known_quota_leaves_no_doubt():
    pace = Pace()
    spend(pace, 100, quota=1_000)


# --- the quota of an hour ----------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 2_000), st.lists(st.floats(0, 20), min_size=1, max_size=200))
def test_no_hour_has_more_requests_than_its_quota(quota, gaps):
    pace, now, sent = Pace(), NOW, []
    for gap in gaps * (1 + quota // len(gaps)):
        now += gap
        if pace.reserve(now, 1e6, quota, 0.0).taken:
            sent.append(now)
    for index, moment in enumerate(sent[quota:]):
        assert moment - sent[index] >= HOUR - 1e-3


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 600), st.data())
def test_what_never_reached_the_service_is_not_counted(requests, data):
    pace = Pace()
    moments = [pace.reserve(NOW, 1e6, 10**6, inf).moment for _ in range(requests)]
    unsent = data.draw(st.lists(st.sampled_from(moments), unique=True))
    for moment in unsent:
        pace.give_back(NOW + 1, moment)
    assert pace.left(NOW + 1, 10**6) == 10**6 - requests + len(unsent)
    assert all(count > 0 for _, count in pace.marks)


def test_what_is_given_back_after_its_hour_takes_nothing_from_later_requests():
    pace = Pace()
    early = pace.reserve(NOW, 1e6, 100, inf).moment
    pace.reserve(NOW + HOUR, 1e6, 100, inf)
    pace.give_back(NOW + HOUR + 1, early)
    assert pace.left(NOW + HOUR + 1, 100) == 99


def test_a_trial_that_never_left_does_not_hold_the_others():
    pace = Pace()
    spend(pace, FREE_REQUESTS_PER_HOUR)
    trial = pace.reserve(NOW + 1, 1e6, None, inf)
    assert not pace.reserve(NOW + 1, 1e6, None, inf).taken
    pace.give_back(NOW + 1, trial.moment)
    assert pace.reserve(NOW + 1, 1e6, None, inf).taken


def test_many_requests_take_little_room():
    pace = Pace()
    for number in range(20_000):
        pace.reserve(NOW + number / 10, 1e6, 10**6, inf)
    assert len(pace.marks) <= MOST_MARKS
    assert sum(count for _, count in pace.marks) == 20_000
    assert len(msgspec.msgpack.encode(pace)) < 8_000


# --- what cannot be true ------------------------------------------------------------------------------------------

ODD = [nan, inf, NOW + LONGEST + 1, 1e300]


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("field", ["seen", "next_free", "paused_until", "slowed", "tried", "marks"])
def test_moments_that_cannot_be_true_are_forgotten(field, value):
    pace = Pace(seen=NOW)
    setattr(pace, field, [(value, 1)] if field == "marks" else value)
    turn = pace.reserve(NOW, 8.0, 30, inf)
    assert (turn.wait, turn.taken) == (0.0, True)


@pytest.mark.parametrize("value", [nan, 0.0, -1.0])
def test_a_rate_that_is_none_is_forgotten(value):
    assert Pace(slowed=NOW, slowed_to=value).reserve(NOW, 8.0, None, inf).taken


def test_a_clock_that_is_set_back_does_not_hold_anybody():
    pace = Pace()
    refused(pace, NOW + 86_400, asked=600.0)
    assert pace.reserve(NOW, 8.0, None, inf).wait == 0.0


moments = st.floats() | st.floats(NOW - 2 * HOUR, NOW + 2 * HOUR)
paces = st.builds(
    Pace,
    seen=moments,
    next_free=moments,
    paused_until=moments,
    pauses=st.integers(),
    in_a_row=st.integers(),
    slowed=moments,
    slowed_to=st.floats(),
    tried=moments,
    marks=st.lists(st.tuples(moments, st.integers(-5, 5)), max_size=5),
)


@given(paces, st.floats(0.01, 1e6), st.none() | st.integers(1, 100))
def test_whatever_a_file_holds_the_wait_is_a_number_that_ends(pace, ceiling, quota):
    turn = pace.reserve(NOW, ceiling, quota, 300.0)
    assert 0 <= turn.wait <= LONGEST + HOUR + 1
    refusal = pace.refuse(NOW + 1, turn.moment, ceiling, None, 0.5)
    assert 0 <= refusal.pause <= LONGEST
    assert 0 < pace.rate(NOW + 1, ceiling) <= ceiling
    pace.answer(NOW + 2)
    assert pace.reserve(NOW + 2 * LONGEST, ceiling, None, 300.0).taken
