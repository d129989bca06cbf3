# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_clockify.testing.workspace.kinds import ObjectIds

DAY = datetime(2026, 11, 5, tzinfo=UTC)
NEXT = DAY + timedelta(days=1)
HOUR = timedelta(hours=1)


def test_object_ids_increase_strictly_even_when_the_clock_goes_back():
    ids = ObjectIds()
    made = [ids.next(instant) for instant in (100, 100, 50, 101, 2)]
    assert made == sorted(set(made))
    assert all(len(one) == 24 and one == one.lower() and int(one, 16) >= 0 for one in made)


def test_object_ids_survive_a_full_counter():
    ids = ObjectIds()
    ids._counter = 0xFF_FFFE
    made = [ids.next(100) for _ in range(4)]
    assert made == sorted(set(made))


def test_window_of_truth_is_half_open_and_by_start(empty):
    before = empty.add_entry(start=DAY - timedelta(seconds=1), end=DAY + HOUR)
    first = empty.add_entry(start=DAY, end=DAY + HOUR)
    last = empty.add_entry(start=NEXT - timedelta(seconds=1), end=NEXT + HOUR)
    after = empty.add_entry(start=NEXT, end=NEXT + HOUR)
    assert empty.truth_ids(DAY, NEXT) == [first.id, last.id]
    assert {before.id, after.id}.isdisjoint(empty.truth_ids(DAY, NEXT))
    assert empty.truth_seconds(DAY, NEXT) == 3600 + 3601


def test_truth_leaves_running_timers_out_unless_asked(empty):
    timer = empty.start_timer(start=DAY)
    assert empty.truth_ids(DAY, NEXT) == []
    assert empty.truth_ids(DAY, NEXT, include_running=True) == [timer.id]
    empty.stop_timer(end=DAY + HOUR)
    assert empty.truth_ids(DAY, NEXT) == [timer.id]
    assert empty.truth_seconds(DAY, NEXT) == 3600


def test_truth_amounts_are_exact_per_currency_and_only_billable(empty):
    client = empty.add_client("Initech", currency="USD")
    project = empty.add_project("Web", client_id=client.id, hourly_rate=3_333)
    for _ in range(3):
        empty.add_entry(start=DAY, end=DAY + timedelta(seconds=1200), project_id=project.id, billable=True)
    empty.add_entry(start=DAY, end=DAY + HOUR, billable=True)
    empty.add_entry(start=DAY, end=DAY + HOUR, billable=False)
    assert empty.truth_amounts(DAY, NEXT) == {"EUR": 5000.0, "USD": 3333.0}


def test_moved_and_deleted_entries_leave_the_window_and_are_audited(empty):
    moved = empty.add_entry(start=DAY, end=DAY + HOUR, at=DAY)
    gone = empty.add_entry(start=DAY, end=DAY + HOUR, at=DAY)
    version = empty.version
    new = empty.update_entry(moved.id, start=NEXT, end=NEXT + HOUR, at=NEXT)
    empty.delete_entry(gone.id, at=NEXT)
    assert empty.version > version
    assert empty.truth_ids(DAY, NEXT) == []
    assert (new.created_at, new.updated_at) == (int(DAY.timestamp()), int(NEXT.timestamp()))
    (deletion,) = empty.deletion_bin
    assert (deletion.document.id, deletion.deleted_at) == (gone.id, int(NEXT.timestamp()))


def test_one_timer_per_user(empty):
    first = empty.start_timer(start=DAY)
    second = empty.start_timer(start=DAY + HOUR)
    assert empty.entries[first.id].seconds == 3600
    assert [entry.id for entry in empty.running_timers()] == [second.id]
    empty.stop_timer(end=DAY + 2 * HOUR)
    with pytest.raises(LookupError):
        empty.stop_timer()


@pytest.mark.parametrize(
    "fields",
    [{"project_id": "f" * 24}, {"tag_ids": ["f" * 24]}, {"task_id": "f" * 24}],
)
def test_dangling_references_are_refused(empty, fields):
    with pytest.raises(KeyError):
        empty.add_entry(start=DAY, end=DAY + HOUR, **fields)
    assert empty.entries == {}


def test_naive_moments_are_refused(empty):
    with pytest.raises(ValueError, match="time zone"):
        empty.add_entry(start=datetime(2026, 11, 5), end=DAY)  # noqa: DTZ001


def test_an_entry_may_end_before_it_starts(empty):
    entry = empty.add_entry(start=NEXT, end=DAY, at=NEXT)
    assert entry.seconds == (DAY - NEXT).total_seconds() < 0
    assert empty.truth_seconds(NEXT, NEXT + (NEXT - DAY)) == entry.seconds


def test_change_refuses_fields_that_do_not_exist(empty):
    with pytest.raises(AttributeError):
        empty.change(empty.owner, timezone="UTC")
    empty.change(empty.owner, time_zone="UTC")
    assert empty.owner.time_zone == "UTC"
