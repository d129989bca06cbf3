# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What an Iceberg table knows of its loads: kept small, and still as if all reads had been kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyIncompleteError
from airflow_provider_clockify.tables.iceberg.iceberg_ledger import (
    KEPT,
    MAX_WINDOWS,
    IcebergLedger,
    Told,
    ledger_key,
    ledger_text,
    read_ledger,
    snapshot_properties,
)
from airflow_provider_clockify.tables.ledger import Loaded, Sums, left_of, newer_than
from airflow_provider_clockify.window import Window

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
NOW = datetime(2026, 12, 1, 12, 30, 15, 123456, tzinfo=UTC)
DAY = timedelta(days=1)
windows = st.tuples(st.integers(0, 11), st.integers(1, 6)).map(
    lambda pair: Window(BEGIN + pair[0] * DAY, BEGIN + (pair[0] + pair[1]) * DAY)
)
moments = st.integers(0, 30).map(lambda minute: NOW + timedelta(minutes=minute))
loads = st.lists(st.tuples(windows, moments), max_size=12)


def after(reads: list[tuple[Window, datetime]]) -> IcebergLedger:
    ledger = IcebergLedger()
    for each in reads:
        ledger = ledger.with_reads([each], None)
    return ledger


@given(loads, windows, moments)
def test_what_may_be_written_is_what_a_ledger_of_all_reads_would_say(
    reads: list[tuple[Window, datetime]], window: Window, read_at: datetime
) -> None:
    everything = [Loaded(each, at) for each, at in reads]
    assert after(reads).left(window, read_at) == left_of(window, newer_than(everything, read_at))


@given(loads)
def test_a_ledger_stays_small_and_survives_being_written(reads: list[tuple[Window, datetime]]) -> None:
    ledger = after(reads)
    spans = [each.window for each in ledger.reads]
    assert all(one.end <= other.start for one, other in zip(spans, spans[1:], strict=False))
    assert len(spans) <= 2 * len(reads)
    text = ledger_text(ledger, 7)
    assert read_ledger({ledger_key("w"): text}, "w", lambda _: False) == ledger
    assert read_ledger({ledger_key("w"): text}, "other", lambda _: False) == IcebergLedger()
    assert ledger.first == min((each.start for each, _ in reads), default=None)
    assert ledger.newest == max((at for _, at in reads), default=None)


@given(loads, loads)
def test_windows_of_one_load_count_as_loads_one_after_the_other(
    before: list[tuple[Window, datetime]], together: list[tuple[Window, datetime]]
) -> None:
    at_once = after(before).with_reads(together, None) if together else after(before)
    assert at_once == after([*before, *together])


def test_a_year_of_nights_takes_a_few_kilobytes() -> None:
    ledger = IcebergLedger()
    for night in range(365):
        today = BEGIN + night * DAY
        old = Window(BEGIN + (night * 7 % 300) * DAY - 400 * DAY, BEGIN + (night * 7 % 300) * DAY - 399 * DAY)
        reads = [(Window(today - 7 * DAY, today + DAY), today), (old, today)]
        ledger = ledger.with_reads(reads, today)
    assert len(ledger.reads) < 70
    assert len(ledger_text(ledger, 1)) < 9000


def test_a_read_that_is_older_than_what_is_kept_is_refused() -> None:
    ledger = IcebergLedger().with_reads([(Window(BEGIN, BEGIN + DAY), NOW)], None)
    other = Window(BEGIN + 5 * DAY, BEGIN + 6 * DAY)
    assert ledger.left(other, NOW - KEPT) == [other]
    with pytest.raises(ClockifyIncompleteError, match="more than 30 days older"):
        ledger.left(other, NOW - KEPT - timedelta(seconds=1))


def test_lists_know_the_newest_read_only() -> None:
    ledger = IcebergLedger().with_reads([(None, NOW)], None)
    ledger = read_ledger({ledger_key("w"): ledger_text(ledger, 1)}, "w", lambda _: False)
    assert ledger.left(None, NOW - timedelta(seconds=1)) == []
    assert ledger.left(None, NOW) is None
    assert ledger.with_reads([(None, NOW - DAY)], None).list_read == NOW


def test_feeds_are_never_followed_back() -> None:
    ledger = IcebergLedger().with_reads([(None, NOW)], NOW).with_reads([(None, NOW)], NOW - DAY)
    assert ledger.with_reads([(None, NOW)], None).followed_until == NOW


@pytest.mark.parametrize(
    "text", ["", "[]", '{"snapshot": 1}', '{"snapshot": 1, "reads": [{"read_at": "yesterday"}]}',
             '{"snapshot": 1, "reads": [{"read_at": "2026-11-01T00:00:00"}]}']
)  # fmt: skip
def test_what_nobody_can_read_is_an_error_that_names_the_property(text: str) -> None:
    with pytest.raises(ClockifyConfigError, match=r"property clockify\.loads\.w of the table"):
        read_ledger({"clockify.loads.w": text}, "w", lambda _: False)


def test_a_table_that_was_set_back_has_an_empty_ledger() -> None:
    text = ledger_text(IcebergLedger().with_reads([(None, NOW)], NOW), 5)
    assert read_ledger({ledger_key("w"): text}, "w", lambda snapshot: snapshot == 5) == IcebergLedger()


def test_a_snapshot_names_some_windows_and_counts_all() -> None:
    told = [
        Told(
            Window(BEGIN + n * DAY, BEGIN + (n + 1) * DAY),
            "audit" if n else "window",
            NOW,
            Sums(n, Decimal(60 * n), {"EUR": Decimal("1E+2"), "": Decimal("0.50")}),
        )
        for n in range(MAX_WINDOWS + 9)
    ]
    found = snapshot_properties(load_id="l", workspace_id="w", run_id="d/r", requests=3, windows=told)
    assert found["clockify.window-start"] == "2026-11-01T00:00:00Z"
    assert found["clockify.amounts"] == '{"":"0.5","EUR":"100"}'
    assert found["clockify.other-windows-count"] == str(MAX_WINDOWS + 8)
    assert found["clockify.other-windows"].count("window-start") == MAX_WINDOWS
    assert all(isinstance(value, str) for value in found.values())
    a_list = snapshot_properties(
        load_id="l",
        workspace_id="w",
        run_id="r",
        requests=1,
        windows=[Told(None, "list", NOW, Sums(3))],
    )
    assert "clockify.window-start" not in a_list
    assert "clockify.other-windows" not in a_list
