# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.columns.list_columns import TABLES
from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.service.lists import LISTS
from airflow_provider_clockify.service.values import (
    ID_PLACES,
    durations_to_seconds,
    exact_seconds,
    id_of,
    instant,
    one_line,
    seconds,
)


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


@pytest.mark.parametrize("digits", [7, 8, 9, 12, 40])
@pytest.mark.parametrize("offset", ["Z", "+05:30", "-07:00"])
def test_what_is_finer_than_a_microsecond_is_cut_off_never_rounded(digits, offset):
    text = f"2024-05-21T18:15:59.{'9' * digits}{offset}"
    assert instant(text, "x") == datetime.fromisoformat(f"2024-05-21T18:15:59.999999{offset}")


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
        ("P1W", 604_800),
        ("P0D", 0),
        ("PT-1H", -3600),
        ("PT-1H-30M", -5400),
        ("PT-1H30M", -1800),
        ("-PT1H", -3600),
        ("-PT1H30M", -5400),
        ("-PT-1H", 3600),
        ("+PT1H", 3600),
        ("PT-0.5S", -0.5),
        ("PT-0S", 0),
        ("P-1DT-2H", -93_600),
        ("PT0.000000001S", 1e-9),
        ("PT0,25S", 0.25),
        ("PT1.000000000S", 1),
    ],
)
def test_durations_become_seconds(text, value):
    assert seconds(text) == value
    assert type(seconds(text)) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1h",
        "5400",
        "2026-11-02T08:00:00Z",
        "P",
        "PT",
        "-P",
        "P1DT",
        "PT--1H",
        "PT1H-",
        "PT1M1H",
        "PT1H1H",
        "P1Y",
        "P1M",
        "PT1",
        "PT1H\n",
        "PT٣H",
        "PT1234567890H",
        "PT" + "0" * 100 + "1H",
    ],
)
def test_what_is_no_duration_is_an_error(text):
    with pytest.raises(ClockifyResponseError, match="not an ISO 8601 duration"):
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


def duration_text(parts):
    return "".join(f"{number}{letter}" for number, letter in zip(parts, "HMS", strict=True) if number) or "0S"


@given(
    st.lists(st.integers(-999_999_999, 999_999_999), min_size=3, max_size=3), st.sampled_from(["", "-", "+"])
)
def test_a_duration_is_the_sum_of_its_parts_with_their_signs(parts, sign):
    total = sum(number * each for number, each in zip(parts, (3600, 60, 1), strict=True))
    assert seconds(f"{sign}PT{duration_text(parts)}") == (-total if sign == "-" else total)


@given(st.integers(-(10**15), 10**15))
def test_durations_are_exact_to_the_nanosecond(nanoseconds):
    text = f"PT{Decimal(nanoseconds).scaleb(-9):f}S"
    assert exact_seconds(text) == Decimal(nanoseconds).scaleb(-9)


@pytest.mark.parametrize(
    ("item", "named"),
    [
        ({"id": "e1", "duration": "soon"}, "Item e1, duration: 'soon' is no"),
        ({"_id": "e2", "duration": "PT"}, "Item e2, duration: 'PT' is no"),
        (
            {"approvalRequest": {"id": "a1"}, "entries": [{"id": "e1", "timeInterval": {"duration": "1h"}}]},
            "Item a1, entries.timeInterval.duration: '1h' is no",
        ),
    ],
)
def test_a_refused_duration_names_its_item(item, named):
    places = [("duration",), ("entries", "timeInterval", "duration")]
    with pytest.raises(ClockifyResponseError, match=f"^{re.escape(named)}"):
        durations_to_seconds(item, places)


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


@pytest.mark.parametrize(
    ("item", "named"),
    [
        ({"_id": "a", "id": "b", "userId": "u"}, "a"),
        ({"id": "b", "userId": "u"}, "b"),
        ({"approvalRequest": {"id": "c"}, "userId": "u"}, "c"),
        ({"userId": "u", "date": "2026-11-02"}, "u/2026-11-02"),
        ({"userId": "u"}, "u"),
        ({"_id": "", "id": "b"}, "b"),
        ({}, None),
        ("text", None),
    ],
)
def test_an_item_is_named_by_where_its_kind_has_its_id(item, named):
    assert id_of(item) == named


def test_every_list_has_its_ids_where_messages_look_for_them():
    assert {each.item_id for each in LISTS.values()} <= set(ID_PLACES)
    ids = {
        path
        for table in TABLES.values()
        for each in table.columns
        if each.name == "id"
        for path in each.paths
    }
    assert ids == set(ID_PLACES)
