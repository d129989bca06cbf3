# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.api.values import durations_to_seconds, instant, one_line, seconds
from airflow_provider_clockify.exceptions import ClockifyResponseError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-02T08:00:00Z", datetime(2026, 11, 2, 8, tzinfo=UTC)),
        ("2026-11-02T08:00:00.250Z", datetime(2026, 11, 2, 8, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-11-03T10:15:00+12:00", datetime(2026, 11, 2, 22, 15, tzinfo=UTC)),
        ("2026-11-02T15:15:00-07:00", datetime(2026, 11, 2, 22, 15, tzinfo=UTC)),
    ],
)
def test_instants_are_read_with_their_offset(text, value):
    assert instant(text, "x") == value
    assert instant(text, "x").tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-02",
        "2026-11-02T08:00:00",
        "tomorrow",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_what_names_no_instant_is_never_guessed(text):
    with pytest.raises(ClockifyResponseError, match="Item e1 has the time .*Correct it in Clockify"):
        instant(text, "e1")


@given(
    st.datetimes(datetime(1000, 1, 1), datetime(9000, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
)
def test_an_instant_is_the_same_in_every_offset(moment, minutes):
    utc = moment.replace(tzinfo=UTC)
    local = utc.astimezone(timezone(timedelta(minutes=minutes)))
    assert instant(local.isoformat(), None) == utc


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("PT1H30M", 5400),
        ("PT88H36M", 318_960),
        ("PT0S", 0),
        ("PT59S", 59),
        ("P1DT1S", 86_401),
        ("PT1.5S", 1.5),
        ("PT25H", 90_000),
    ],
)
def test_durations_become_seconds(text, value):
    assert seconds(text) == value
    assert type(seconds(text)) is type(value)


@pytest.mark.parametrize("text", ["", "1h", "5400", "2026-11-02T08:00:00Z", "P"])
def test_what_is_no_duration_is_an_error(text):
    with pytest.raises(ClockifyResponseError, match="no ISO 8601 duration"):
        seconds(text)


def test_durations_of_items_are_replaced_in_place_where_they_are_text():
    item = {"duration": "PT1H", "estimate": {"estimate": "PT2H", "type": "AUTO"}, "other": "PT3H", "no": None}
    places = [("duration",), ("estimate", "estimate"), ("timeEstimate", "estimate"), ("no", "way"), ("no",)]
    assert durations_to_seconds(item, places) is item
    assert item == {
        "duration": 3600,
        "estimate": {"estimate": 7200, "type": "AUTO"},
        "other": "PT3H",
        "no": None,
    }


@pytest.mark.parametrize("value", [None, 5400, 1.5])
def test_durations_that_are_no_text_stay(value):
    assert durations_to_seconds({"duration": value}, [("duration",)]) == {"duration": value}


def test_a_row_without_line_breaks_is_kept_byte_for_byte():
    row = b'{ "a" : 1.0,"b":"x\\ny" }'
    assert one_line(row) == row + b"\n"


@given(
    st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), st.lists, max_leaves=8)
)
def test_any_json_becomes_one_line(value):
    for indent in (None, 2):
        line = one_line(json.dumps({"value": value}, indent=indent).encode())
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert json.loads(line) == {"value": value}
