# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Which days an audit finds, and which it leaves alone."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.tables.auditing import (
    audited_time,
    differences,
    service_days,
    touched,
)
from airflow_provider_clockify.tables.ledger import Sums
from airflow_provider_clockify.window import Window, partitions, unit_containing

NOON = datetime(2026, 11, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TODAY = unit_containing(NOON, "day")


def differ(table: Sums | None, service: Sums | None, **more: bool) -> list[str]:
    day = TODAY.start.date()
    found = differences([TODAY], {day: table} if table else {}, {day: service} if service else {}, **more)
    return [each.why for each in found]


def eur(amount: str, seconds: int = 60, rows: int = 1) -> Sums:
    return Sums(rows, Decimal(seconds), {"EUR": Decimal(amount)})


def test_equal_days_are_left_alone() -> None:
    assert differ(None, None) == []
    assert differ(eur("1.00"), eur("1.00", rows=0)) == []
    # The last digits of binary fractions.
    assert differ(eur("1.33333333"), eur("1.3333333333333333", rows=0)) == []


@pytest.mark.parametrize(
    ("table", "service", "said"),
    [
        (eur("1", 60), eur("1", 61), "60 s in the table, 61 s in Clockify"),
        (eur("1"), eur("2"), "1.00 EUR in the table, 2.00 in Clockify"),
        (eur("1"), None, "60 s in the table, 0 s in Clockify"),
        (None, eur("1"), "0 s in the table, 60 s in Clockify"),
        (Sums(3), None, "3 rows in the table, none in Clockify"),
        (Sums(1, Decimal(60), {"": Decimal(1)}), eur("1"), "without a currency"),
        (eur("100.005", rows=100), eur("100.015"), "100.01 in Clockify|100.02 in Clockify"),
    ],
    ids=str,
)
def test_a_day_that_differs_says_how(table: Sums | None, service: Sums | None, said: str) -> None:
    (why,) = differ(table, service)
    assert any(each in why for each in said.split("|"))


def test_rounding_on_one_side_is_no_difference_and_more_than_that_is() -> None:
    # Whole cents against a sum of thirds: half a cent per row.
    assert differ(eur("10.02", rows=4), eur("10.0366")) == []
    assert differ(eur("10.02", rows=4), eur("10.0466")) != []
    # Two sums of whole cents, or two of fractions, differ by what somebody has changed.
    assert differ(eur("10.02", rows=4), eur("10.03")) != []
    assert differ(eur("10.0233", rows=4), eur("10.0333")) != []


def test_money_that_the_table_does_not_have_is_not_compared() -> None:
    assert differ(Sums(1, Decimal(60)), eur("5"), with_money=False) == []


def test_groups_of_a_summary_are_days() -> None:
    groups = [
        json.dumps({"_id": "2026-11-04", "duration": 60, "amount": 150, "currency": "EUR"}).encode(),
        json.dumps(
            {
                "name": "2026-11-05",
                "duration": 30,
                "amount": 300,
                "amounts": [
                    {
                        "type": "EARNED",
                        "amountByCurrency": [
                            {"currency": "EUR", "amount": 100},
                            {"currency": "USD", "amount": 200},
                        ],
                    }
                ],
            }
        ).encode(),
    ]
    assert service_days(groups, "EARNED") == {
        date(2026, 11, 4): Sums(0, Decimal(60), {"EUR": Decimal("1.5")}),
        date(2026, 11, 5): Sums(0, Decimal(30), {"EUR": Decimal(1), "USD": Decimal(2)}),
    }
    with pytest.raises(ClockifyResponseError, match="not a day"):
        service_days([b'{"_id": "66b0c1a2d3e4f5a6b7c8d001", "duration": 1}'], "EARNED")


instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)).map(
    lambda each: each.replace(tzinfo=UTC)
)


@given(instants, st.integers(1, 40 * 86400), st.integers(1, 60))
def test_the_audited_time_is_whole_days_before_the_window_and_leaves_no_gap(
    start: datetime, seconds: int, days: int
) -> None:
    window = Window(start, start + timedelta(seconds=seconds))
    time = audited_time(window, days * DAY)
    if time is None:
        assert window.start <= unit_containing(window.end - days * DAY, "day").start
        return
    assert time.start <= window.end - days * DAY
    assert time.end >= window.start
    assert time.end - window.start < DAY
    found = [each.window for each in partitions(time, "day")]
    assert (found[0].start, found[-1].end) == (time.start, time.end)
    assert all(one.end == other.start for one, other in zip(found, found[1:], strict=False))
    assert {each.duration for each in found} == {DAY}


def test_changes_name_ids_and_starts() -> None:
    changes = [
        {"id": "a", "document": {"timeInterval": {"start": "2026-11-04T12:00:00Z"}}},
        {"id": "b", "document": {}},
        {"id": "c", "document": None},
    ]
    assert touched(changes) == ({"a", "b", "c"}, {NOON})
