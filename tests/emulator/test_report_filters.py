# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Filters of reports on custom fields, durations and relative ranges."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.testing.report_routes.relative_ranges import (
    RANGE_TYPES,
    WEEK_DAYS,
    midnight_ms,
    relative_range,
)

DAY = datetime(2026, 11, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


# --- custom fields ----------------------------------------------------------------------------------------------------


@pytest.fixture
def fielded(serve, empty):
    owner, employee = empty.users.values()
    ticket = empty.add_custom_field("Ticket")
    distance = empty.add_custom_field("Kilometres", type="NUMBER")
    color = empty.add_custom_field("Colour", type="DROPDOWN_MULTIPLE")
    done = empty.add_custom_field("Done", type="CHECKBOX")
    grade = empty.add_custom_field("Grade", entity_type="USER")
    empty.change(employee, custom_values=((grade.id, "senior"),))
    for name, values, user in (
        ("none", {}, owner),
        ("one", {ticket.id: "OPS-1", distance.id: 5, color.id: ["red", "blue"], done.id: True}, owner),
        ("two", {ticket.id: "ops-22", distance.id: 50, color.id: ["green"], done.id: False}, employee),
        ("blank", {ticket.id: ""}, owner),
    ):
        empty.add_entry(start=DAY, end=DAY + HOUR, description=name, custom_values=values, user_id=user.id)
    client = serve(empty)
    client.known = {"ticket": ticket, "distance": distance, "color": color, "done": done, "grade": grade}
    return client


def found(client, *filters, name="customFields"):
    whole = [{"id": client.known[key].id, **more} for key, more in filters]
    response = client.detailed({name: whole})
    assert response.status_code == 200, response.text
    return sorted(row["description"] for row in response.json()["timeentries"])


@pytest.mark.parametrize(
    ("key", "asked", "expected"),
    [
        ("ticket", {"value": "OPS-"}, ["one", "two"]),
        ("ticket", {"value": "22", "type": "TXT"}, ["two"]),
        ("ticket", {"isEmpty": True}, ["blank", "none"]),
        ("ticket", {"isEmpty": False}, ["one", "two"]),
        ("ticket", {}, ["one", "two"]),
        ("distance", {"value": 5}, ["one"]),
        ("distance", {"value": "5", "numberCondition": "EQUAL"}, ["one"]),
        ("distance", {"value": 5, "numberCondition": "GREATER_THAN"}, ["two"]),
        ("distance", {"value": 50, "numberCondition": "LESS_THAN"}, ["one"]),
        ("color", {"value": "red"}, ["one"]),
        ("color", {"value": ["red", "green"]}, ["one", "two"]),
        ("color", {"value": ["grey"]}, []),
        ("done", {"value": True}, ["one"]),
        ("done", {"value": "false"}, ["two"]),
    ],
)
def test_custom_fields(fielded, key, asked, expected):
    assert found(fielded, (key, asked)) == expected


def test_all_custom_fields_have_to_fit(fielded):
    assert found(fielded, ("ticket", {"value": "ops"}), ("distance", {"value": 50})) == ["two"]
    assert found(fielded, ("ticket", {"value": "ops-1"}), ("distance", {"value": 50})) == []


def test_fields_of_people(fielded):
    assert found(fielded, ("grade", {"value": "senior"}), name="userCustomFields") == ["two"]
    assert found(fielded, ("grade", {"isEmpty": True}), name="userCustomFields") == ["blank", "none", "one"]
    employee = list(fielded.emulator.workspace.users)[1]
    (field,) = fielded.list("users", name="Emil").json()[0]["customFields"]
    assert (field["customFieldName"], field["value"], field["userId"]) == ("Grade", "senior", employee)
    profile = fielded.list(f"member-profile/{employee}").json()
    assert [row["value"] for row in profile["userCustomFieldValues"]] == ["senior"]


@pytest.mark.parametrize("kind", ["summary", "weekly", "attendance"])
def test_other_reports_have_the_filter_too(fielded, kind):
    own = {
        "summary": {"groups": ["PROJECT"]},
        "weekly": {"group": "PROJECT", "subgroup": "TIME"},
        "attendance": {},
    }[kind]
    week = {
        "dateRangeStart": "2026-11-02T00:00:00Z",
        "dateRangeEnd": "2026-11-08T23:59:59Z",
        "customFields": [{"id": fielded.known["ticket"].id, "value": "OPS-1"}],
    }
    answer = fielded.report(kind, week, **own).json()
    totals = answer["totals"] if kind == "attendance" else answer["totals"][0]
    assert totals.get("totalTime", totals.get("totalDuration")) == 3600


@pytest.mark.parametrize(
    ("key", "asked", "code"),
    [
        ("distance", {"value": "far"}, 3002),
        ("distance", {"value": 1, "numberCondition": "ABOUT"}, 3002),
        ("ticket", {"value": "x", "type": "POEM"}, 3002),
        ("ticket", {"id": "f" * 24}, 501),
        ("ticket", {"isEmpty": "no"}, 3002),
    ],
)
def test_refusals(fielded, key, asked, code):
    response = fielded.detailed({"customFields": [{"id": fielded.known[key].id, **asked}]})
    assert (response.status_code, response.json()["code"]) == (400, code)


def test_duration_of_audits(serve, empty):
    for hours in (1, 2, 3):
        empty.add_entry(start=DAY, end=DAY + hours * HOUR, description=str(hours))
    client = serve(empty)

    def asked(**audit):
        rows = client.detailed(auditFilter=audit).json()["timeentries"]
        return sorted(row["description"] for row in rows)

    assert asked(duration=2) == asked(duration=2, durationShorter=False) == ["3"]
    assert asked(duration=2, durationShorter=True) == ["1"]
    assert asked(durationShorter=True) == ["1", "2", "3"]


# --- relative ranges --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "first", "behind"),
    [
        ("TODAY", "2026-03-01", "2026-03-02"),
        ("YESTERDAY", "2026-02-28", "2026-03-01"),
        ("THIS_WEEK", "2026-02-23", "2026-03-02"),
        ("LAST_WEEK", "2026-02-16", "2026-02-23"),
        ("PAST_TWO_WEEKS", "2026-02-09", "2026-02-23"),
        ("THIS_MONTH", "2026-03-01", "2026-04-01"),
        ("LAST_MONTH", "2026-02-01", "2026-03-01"),
        ("THIS_YEAR", "2026-01-01", "2027-01-01"),
        ("LAST_YEAR", "2025-01-01", "2026-01-01"),
    ],
)
def test_ranges_of_a_sunday(kind, first, behind):
    range_ = relative_range(kind, date(2026, 3, 1), "MONDAY")
    assert range_ == (date.fromisoformat(first), date.fromisoformat(behind))


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)), st.sampled_from(WEEK_DAYS))
def test_ranges_fit_together(today, week_start):
    ranges = {kind: relative_range(kind, today, week_start) for kind in RANGE_TYPES[1:]}
    assert ranges["YESTERDAY"][1] == ranges["TODAY"][0] == today
    for unit in ("WEEK", "MONTH", "YEAR"):
        this, last = ranges[f"THIS_{unit}"], ranges[f"LAST_{unit}"]
        assert this[0] <= today < this[1]
        assert last[1] == this[0]
    assert ranges["THIS_WEEK"][0].weekday() == WEEK_DAYS.index(week_start)
    assert (ranges["THIS_WEEK"][1] - ranges["PAST_TWO_WEEKS"][0]).days == 21
    assert {ranges[f"{word}_MONTH"][0].day for word in ("THIS", "LAST")} == {1}
    assert (midnight_ms(ranges["TODAY"][1]) - midnight_ms(today)) == 86_400_000


def test_reports_of_relative_ranges(serve, empty):
    now = datetime(2026, 11, 5, 22, 30, tzinfo=UTC)
    for start in (DAY - HOUR, DAY, DAY + 23 * HOUR):
        empty.add_entry(start=start, end=start + HOUR, description=f"{start:%d %H}", at=DAY)
    client = serve(empty, now=now)

    def asked(kind, **more):
        rows = client.detailed({"dateRangeType": kind, **more}).json()["timeentries"]
        return sorted(row["description"] for row in rows)

    assert asked("TODAY") == ["05 00", "05 23"]
    assert asked("YESTERDAY") == ["04 23"]
    # It is the sixth in Belgrade after 23:00 UTC, and there the fifth begins an hour earlier.
    assert asked("TODAY", timeZone="Europe/Belgrade") == ["04 23", "05 00"]
    assert asked("THIS_MONTH") == ["04 23", "05 00", "05 23"]
    assert asked("LAST_MONTH") == []
    client.emulator.now = now + 24 * HOUR
    assert asked("YESTERDAY") == ["05 00", "05 23"]
