# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_clockify.testing.workspace.generate import DEFAULT_END, DEFAULT_START
from airflow_provider_clockify.testing.workspace.truth import truth_summary

THURSDAY = datetime(2026, 11, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


def attendance(client, body=None, /, **own):
    response = client.report("attendance", body, **own)
    assert response.status_code == 200, response.text
    return response.json()


def values(client, *names, **own):
    return [tuple(row[name] for name in names) for row in attendance(client, **own)["entities"]]


@pytest.fixture
def office(serve, empty):
    """Olga: 10 hours with a break on Thursday, 2 on Saturday, holiday on Friday; Emil: a running timer."""
    employee = list(empty.users.values())[1]
    for start, length, kind in ((8, 4, "REGULAR"), (12, 1, "BREAK"), (13, 6, "REGULAR")):
        begin = THURSDAY + start * HOUR
        empty.add_entry(start=begin, end=begin + length * HOUR, type=kind)
    empty.add_entry(start=THURSDAY + 32 * HOUR, end=THURSDAY + 40 * HOUR, type="HOLIDAY")
    empty.add_entry(start=THURSDAY + 56 * HOUR, end=THURSDAY + 58 * HOUR)
    empty.add_entry(start=THURSDAY + 7 * HOUR, end=THURSDAY + 10 * HOUR, user_id=employee.id)
    empty.start_timer(employee.id, start=THURSDAY + 11 * HOUR)
    return serve(empty)


def test_answer_in_full(office):
    owner = office.emulator.workspace.owner
    answer = attendance(office, sortColumn="USER")
    emil, thursday, friday, saturday = answer["entities"]
    image = {"imageUrl": "https://img.clockify.me/no-user-image.png"}
    assert thursday == {
        "userId": owner.id,
        "userName": "Olga Owner",
        "date": "2026-11-05",
        "startTime": "2026-11-05T08:00:00Z",
        "endTime": "2026-11-05T19:00:00Z",
        "break": 3600,
        "totalDuration": 36_000,
        "capacity": 28_800,
        "remainingCapacity": 0,
        "overtime": 7200,
        "timeOff": 0,
        "hasRunningEntry": False,
        **image,
    }
    assert (friday["totalDuration"], friday["timeOff"], friday["remainingCapacity"]) == (0, 28_800, 0)
    assert (saturday["capacity"], saturday["overtime"]) == (0, 7200)
    assert (emil["endTime"], emil["hasRunningEntry"], emil["totalDuration"]) == (None, True, 10_800)
    assert (emil["remainingCapacity"], emil["overtime"]) == (18_000, 0)
    assert answer["totals"] == {
        "entitiesCount": 4,
        "break": 3600,
        "totalDuration": 54_000,
        "capacity": 86_400,
        "remainingCapacity": 18_000,
        "overtime": 14_400,
        "timeOff": 28_800,
    }


def test_rows_agree_with_the_data(client):
    workspace = client.emulator.workspace
    truth = truth_summary(workspace, DEFAULT_START, DEFAULT_END, ("USER", "DATE"))
    rows = attendance(client, pageSize=200)["entities"]
    found = {(row["userId"], row["date"]): row["break"] + row["totalDuration"] for row in rows}
    assert {key: seconds for key, seconds in found.items() if seconds} == {
        key: group.seconds for key, group in truth.items()
    }
    assert sum(row["hasRunningEntry"] for row in rows) == 2


def test_pages_tile_the_result(client):
    whole = values(client, "userId", "date", pageSize=200)
    pages = [values(client, "userId", "date", page=page, pageSize=25) for page in range(1, 6)]
    assert sum(pages, []) == whole
    assert attendance(client, pageSize=1)["totals"]["entitiesCount"] == len(whole)
    assert len(values(client, "date")) == 50


@pytest.mark.parametrize("own", [{"pageSize": 201}, {"pageSize": 0}, {"page": 0}, {"sortColumn": "ID"}])
def test_bad_pages_and_orders(client, own):
    assert client.report("attendance", **own).status_code == 400


def test_days_are_those_of_the_zone_of_the_request(office):
    rows = attendance(office, {"timeZone": "Pacific/Auckland"})["entities"]
    olga = [row for row in rows if row["userName"] == "Olga Owner"]
    assert (olga[0]["date"], olga[0]["startTime"]) == ("2026-11-05", "2026-11-05T21:00:00+13:00")
    assert olga[1]["date"] == "2026-11-06"


@pytest.mark.parametrize("plan", ["FREE", "BASIC"])
def test_small_plans_have_no_attendance(office, plan):
    office.emulator.workspace.plan = plan
    assert office.report("attendance").status_code == 403


def test_only_administrators_see_attendance(office):
    workspace = office.emulator.workspace
    employee = list(workspace.users.values())[1]
    assert office.as_user(employee).report("attendance").status_code == 403
    workspace.change(employee, role="ADMIN")
    assert office.as_user(employee).report("attendance").status_code == 200


def test_filter_is_required(office):
    response = office.report("attendance", drop=("attendanceFilter",))
    assert (response.status_code, response.json()["message"]) == (400, "Please provide attendance filter.")


@pytest.mark.parametrize(
    ("name", "comparison", "value", "days"),
    [
        ("workFilters", "EXACTLY", "1000", ["05"]),
        ("workFilters", "SMALLER_THAN", "300", ["06", "07"]),
        ("breakFilters", "LARGER_THAN", "99", ["05"]),
        ("capacityFilters", "EXACTLY", "0", ["07"]),
        ("overtimeFilters", "LARGER_THAN", "0", ["05", "07"]),
        ("startFilters", "EXACTLY", "07:00", ["05"]),
        ("startFilters", "LARGER_THAN", "07:59", ["05", "06", "07"]),
        ("endFilters", "SMALLER_THAN", "17:00", ["06", "07"]),
    ],
)
def test_comparisons(office, name, comparison, value, days):
    given = {name: [{"filtrationType": comparison, "value": value}]}
    assert [date[-2:] for (date,) in values(office, "date", **given)] == days


def test_time_off(office):
    assert values(office, "date", hasTimeOff=True) == [("2026-11-06",)]
    assert len(values(office, "date", hasTimeOff=False)) == 3


@pytest.mark.parametrize(
    "own",
    [
        {"workFilters": [{"value": "7.5"}]},
        {"startFilters": [{"value": "7"}]},
        {"endFilters": ["17:00"]},
        {"breakFilters": [{"filtrationType": "ABOUT", "value": "1"}]},
    ],
)
def test_bad_comparisons(office, own):
    assert office.report("attendance", **own).status_code == 400


@pytest.mark.parametrize(
    "column", ["USER", "DATE", "START", "END", "BREAK", "WORK", "CAPACITY", "OVERTIME", "TIME_OFF"]
)
def test_orders_are_total_and_reversible(client, column):
    up = attendance(client, sortColumn=column, pageSize=200)["entities"]
    down = attendance(client, {"sortOrder": "DESCENDING"}, sortColumn=column, pageSize=200)["entities"]
    assert up == down[::-1]


def test_unknown_fields_and_keys(office):
    office.emulator.behaviour.extra_fields = {"brandNew": 1}
    assert values(office, "brandNew", **{"page-size": 1}) == [(1,)] * 4
    route = "POST /workspaces/{workspaceId}/reports/attendance"
    assert office.emulator.unknown_parameters == {f"{route} body attendanceFilter.page-size": 1}


@pytest.mark.parametrize("kind", ["attendance", "detailed"])
def test_last_page_header_is_an_option(client, kind):
    flags = [client.report(kind, page=page, pageSize=50).headers["Last-Page"] for page in (1, 2, 3)]
    assert flags == ["false", "true", "true"]
    client.emulator.behaviour.report_last_page_header = False
    assert "Last-Page" not in client.report(kind, pageSize=50).headers
