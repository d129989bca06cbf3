# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_clockify.testing.workspace.truth import truth_summary

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAYS = [f"2026-11-{day:02d}" for day in range(2, 9)]


def span(start="2026-11-02T00:00:00.000Z", end="2026-11-08T23:59:59.999Z", **more):
    return {"dateRangeStart": start, "dateRangeEnd": end, **more}


def weekly(client, group="USER", body=None):
    response = client.report("weekly", body or span(), group=group, subgroup="TIME")
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize(
    "end",
    ["2026-11-08T23:59:59Z", "2026-11-08T23:59:59.999Z", "2026-11-08T23:59:59", "2026-11-09T00:00:00.000Z"],
)
def test_seven_days_are_accepted(client, end):
    days = [day["date"] for day in weekly(client, body=span(end=end))["totalsByDay"]]
    assert days == DAYS


@pytest.mark.parametrize(
    "end",
    [
        "2026-11-07T23:59:59.999Z",
        "2026-11-08T00:00:00Z",
        "2026-11-08T23:59:58.999Z",
        "2026-11-09T00:00:00.001Z",
        "2026-11-09T23:59:59.999Z",
        "2026-11-15T23:59:59.999Z",
        "2026-12-02T23:59:59.999Z",
    ],
)
@pytest.mark.parametrize("status", [400, 200])
def test_other_ranges_are_refused(client, end, status):
    client.emulator.behaviour.weekly_refusal_status = status
    response = client.report("weekly", span(end=end), group="USER", subgroup="TIME")
    assert response.status_code == status
    assert response.json() == {
        "code": 501,
        "message": "Please select date range of exactly 7 days for weekly report",
    }


def test_the_option_knows_two_statuses(serve, empty):
    with pytest.raises(ValueError, match="weekly_refusal_status"):
        serve(empty, weekly_refusal_status=500)


@pytest.mark.parametrize("group", ["USER", "PROJECT"])
def test_days_agree_with_the_data(client, group):
    answer = weekly(client, group)
    end = MONDAY + timedelta(days=7)
    truth = truth_summary(client.emulator.workspace, MONDAY, end, (group, "DATE"))
    found = {
        (row["_id"], day["date"]): (day["duration"], day["amount"])
        for row in answer["groupOne"]
        for day in row["days"]
        if day["duration"]
    }
    assert found == {keys: (part.seconds, float(sum(part.earned.values()))) for keys, part in truth.items()}
    for row in answer["groupOne"]:
        assert [day["date"] for day in row["days"]] == DAYS
        assert row["duration"] == sum(day["duration"] for day in row["days"])
    assert answer["totals"][0]["totalTime"] == sum(day["duration"] for day in answer["totalsByDay"])
    totals = client.detailed(span()).json()["totals"]
    assert answer["totals"] == totals


def test_answer_in_full(serve, empty):
    owner, employee = empty.users.values()
    empty.add_user("Gone", membership_status="INACTIVE")
    empty.add_entry(start=MONDAY, end=MONDAY + HOUR, billable=True)
    answer = weekly(serve(empty))
    totals, rows = answer.pop("totals"), answer.pop("groupOne")
    zeros = [{"date": day, "duration": 0, "amount": 0} for day in DAYS[1:]]
    days = [{"date": "2026-11-02", "duration": 3600, "amount": 5000.0}, *zeros]
    assert answer == {
        "totalsByDay": days,
        "usersWithoutTime": [
            {
                "id": employee.id,
                "name": "Emil Employee",
                "email": "user2@example.com",
                "timeZone": "America/New_York",
                "weekStart": "MONDAY",
                "dateFormat": "MM/DD/YYYY",
                "timeFormat": "HOUR24",
            }
        ],
        "includeUsersWithoutTime": True,
        "decimalFormat": False,
        "trackTimeDownToSeconds": True,
    }
    assert totals[0]["entriesCount"] == 1
    by_currency = [{"currency": "EUR", "amount": 5000.0}]
    assert rows == [
        {
            "_id": owner.id,
            "name": "Olga Owner",
            "nameLowerCase": "olga owner",
            "duration": 3600,
            "amount": 5000.0,
            "amounts": [{"type": "EARNED", "value": 5000.0, "amountByCurrency": by_currency}],
            "currency": "EUR",
            "workspaceCurrencyCode": "EUR",
            "days": days,
        }
    ]


def test_empty_weeks_have_null_totals(client):
    answer = weekly(client, "PROJECT", span("2020-01-06T00:00:00", "2020-01-12T23:59:59"))
    assert (answer["totals"], answer["groupOne"]) == ([None], [])
    assert (answer["usersWithoutTime"], answer["includeUsersWithoutTime"]) == ([], False)
    assert [day["duration"] for day in answer["totalsByDay"]] == [0] * 7


def test_the_first_instant_of_the_eighth_day_is_not_part_of_the_week(serve, empty):
    for start in (MONDAY + timedelta(days=7), MONDAY + timedelta(days=7, seconds=-1)):
        empty.add_entry(start=start, end=start + HOUR)
    answer = weekly(serve(empty), body=span(end="2026-11-09T00:00:00Z"))
    assert answer["totals"][0]["entriesCount"] == 1
    assert answer["totalsByDay"][6]["duration"] == 3600


def test_days_are_those_of_the_zone_of_the_request(serve, empty):
    for hour in range(24 * 9):
        start = datetime(2026, 10, 19, tzinfo=UTC) + hour * HOUR
        empty.add_entry(start=start, end=start + HOUR)
    body = span("2026-10-19T00:00:00", "2026-10-25T23:59:59", timeZone="Europe/Belgrade")
    days = weekly(serve(empty), body=body)["totalsByDay"]
    # The first two hours of Belgrade's Monday are Sunday in UTC; its Sunday has 25 hours.
    assert [day["duration"] // 3600 for day in days] == [22, 24, 24, 24, 24, 24, 25]


def test_filter_is_required(client):
    response = client.report("weekly", span(), drop=("weeklyFilter",))
    assert (response.status_code, response.json()["message"]) == (400, "Please provide weekly filter.")


@pytest.mark.parametrize("own", [{"group": "CLIENT"}, {"group": "USER", "subgroup": "DAY"}])
def test_bad_filters(client, own):
    assert client.report("weekly", span(), **own).status_code == 400


def test_hidden_amounts_and_unknown_fields(client):
    client.emulator.behaviour.extra_fields = {"brandNew": None}
    answer = weekly(client, body=span(amountShown="HIDE_AMOUNT"))
    row = answer["groupOne"][0]
    assert (row["amount"], row["amounts"], row["days"][0]["amount"]) == (None, [], None)
    assert row["brandNew"] is None
    assert answer["totalsByDay"][0]["amount"] is None


def test_employee_silently_gets_own_time_only(client):
    workspace = client.emulator.workspace
    workspace.change(workspace.settings, only_admins_see_all_time_entries=True)
    employee = next(
        user
        for user in workspace.users.values()
        if user.role == "USER" and user.membership_status == "ACTIVE"
    )
    answer = weekly(client.as_user(employee))
    assert {row["_id"] for row in answer["groupOne"]} <= {employee.id}
    assert {user["id"] for user in answer["usersWithoutTime"]} <= {employee.id}


def test_orders(client):
    up = weekly(client, "PROJECT")["groupOne"]
    assert weekly(client, "PROJECT", span(sortOrder="DESCENDING"))["groupOne"] == up[::-1]
