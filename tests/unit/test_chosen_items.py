# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Items of a window and of some users, where the service cannot be trusted to choose them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyResponseError,
    ClockifyWindowError,
)
from airflow_provider_clockify.service.lists import LISTS, chosen
from airflow_provider_clockify.service.values import window_between, window_if_any
from airflow_provider_clockify.window import Window

START = datetime(2026, 11, 9, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=30))
INSTANTS = st.datetimes(datetime(2026, 11, 8), datetime(2026, 11, 12)).map(
    lambda each: each.replace(tzinfo=UTC)
)
# An item of each list that has a window, around an instant or a period.
ITEMS: dict[str, Any] = {
    "time_entries": lambda start, end: {"id": "i", "timeInterval": {"start": start.isoformat()}},
    "time_off_requests": lambda start, end: {"id": "i", "createdAt": start.isoformat()},
    "expenses": lambda start, end: {"id": "i", "date": start.isoformat()},
    "approval_requests": lambda start, end: {
        "approvalRequest": {
            "id": "i",
            "owner": {"userId": "u"},
            "dateRange": {"start": start.isoformat(), "end": end.isoformat()},
        }
    },
    "assignments": lambda start, end: {
        "id": "i",
        "period": {"start": start.isoformat(), "end": end.isoformat()},
    },
}


@given(st.sampled_from(sorted(ITEMS)), INSTANTS, st.timedeltas(timedelta(0), timedelta(days=2)))
def test_what_is_in_the_window_is_kept_and_nothing_else(
    name: str, start: datetime, length: timedelta
) -> None:
    item = ITEMS[name](start, start + length)
    kept = list(chosen([item], LISTS[name], WINDOW, None))
    is_period = name in ("approval_requests", "assignments")
    overlaps = start < WINDOW.end and start + length >= WINDOW.start
    assert kept == ([item] if (overlaps if is_period else start in WINDOW) else [])
    assert list(chosen([item], LISTS[name], None, None)) == [item]


@pytest.mark.parametrize("name", ["approval_requests", "assignments"])
def test_a_period_that_touches_the_window_at_its_start_counts_and_at_its_end_does_not(name: str) -> None:
    before, second = WINDOW.start - timedelta(days=7), timedelta(seconds=1)
    items = [
        ITEMS[name](before, WINDOW.start - second),
        ITEMS[name](before, WINDOW.start),
        ITEMS[name](WINDOW.end - second, WINDOW.end),
        ITEMS[name](WINDOW.end, WINDOW.end + second),
    ]
    assert list(chosen(items, LISTS[name], WINDOW, None)) == items[1:3]


def test_an_expense_of_a_day_is_at_its_midnight_utc() -> None:
    days = [{"id": day, "date": day} for day in ("2026-11-08", "2026-11-09", "2026-11-10", "2026-11-11")]
    assert [each["id"] for each in chosen(days, LISTS["expenses"], WINDOW, None)] == [
        "2026-11-09",
        "2026-11-10",
    ]


def test_an_entry_of_a_day_is_no_instant() -> None:
    with pytest.raises(ClockifyResponseError, match="has the time '2026-11-09'"):
        list(
            chosen(
                [{"id": "i", "timeInterval": {"start": "2026-11-09"}}], LISTS["time_entries"], WINDOW, None
            )
        )


@pytest.mark.parametrize("name", sorted(ITEMS))
@pytest.mark.parametrize("broken", [{}, {"approvalRequest": None}, {"timeInterval": []}, {"createdAt": 7}])
def test_an_item_that_does_not_say_when_is_never_left_out_in_silence(
    name: str, broken: dict[str, Any]
) -> None:
    with pytest.raises(ClockifyResponseError, match="Item None does not say when it is or whose"):
        list(chosen([broken], LISTS[name], WINDOW, None))


def test_items_of_others_are_left_out() -> None:
    mine = ITEMS["approval_requests"](START, START)
    found = LISTS["approval_requests"]
    assert list(chosen([mine], found, None, ["u", "v"])) == [mine]
    assert list(chosen([mine], found, None, iter(["v"]))) == []
    assert list(chosen([mine], found, None, [])) == []
    with pytest.raises(ClockifyConfigError, match="user_ids='u': give a list of ids"):
        chosen([mine], found, None, "u")


@pytest.mark.parametrize("name", sorted(ITEMS))
def test_more_is_asked_for_than_the_window_where_the_service_reads_bounds(name: str) -> None:
    bounds = LISTS[name].bounds(WINDOW)
    if name in ("expenses", "approval_requests"):
        assert bounds == {}
    else:
        assert bounds["start"] + timedelta(hours=14) == WINDOW.start
        assert bounds["end"] - timedelta(hours=14) > WINDOW.end


def test_a_window_has_both_ends_or_none() -> None:
    assert window_if_any(None, None) is None
    assert window_if_any(START, "2026-11-10T06:00:00Z") == window_between(START, WINDOW.end) == WINDOW
    for one in ((START, None), (None, START)):
        with pytest.raises(ClockifyWindowError, match="Give both start and end, or neither"):
            window_if_any(*one)
