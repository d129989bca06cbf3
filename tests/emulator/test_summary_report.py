# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from airflow_provider_clockify.testing.workspace.generate import DEFAULT_END, DEFAULT_START
from airflow_provider_clockify.testing.workspace.truth import truth_by_user_and_project, truth_summary

DAY = datetime(2026, 11, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


def summary(client, groups, body=None, /, **own):
    response = client.report("summary", body, groups=groups, **own)
    assert response.status_code == 200, response.text
    return response.json()


def leaves(rows, depth, path=()):
    """Return the groups of the last level by their keys; objects of keys give their last one."""
    found = {}
    for row in rows:
        key = list(row["_id"].values())[-1] if isinstance(row["_id"], dict) else row["_id"]
        inner = (*path, key or None)
        if len(inner) == depth:
            assert "children" not in row
            assert inner not in found
            found[inner] = row
        else:
            found |= leaves(row["children"], depth, inner)
    return found


# --- agreement with the truth ------------------------------------------------------------------------------

KINDS = ("CLIENT", "PROJECT", "TASK", "TIMEENTRY", "DATE", "WEEK", "MONTH", "USER", "TAG")


@pytest.mark.parametrize(
    "groups",
    [[kind] for kind in KINDS]
    + [list(pair) for pair in permutations(("USER", "PROJECT", "TAG", "DATE"), 2)]
    + [["CLIENT", "PROJECT", "TIMEENTRY"], ["USER", "DATE", "TAG"], ["TIMEENTRY", "USER", "WEEK"]],
    ids="-".join,
)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland"])
def test_groups_agree_with_the_data(client, groups, zone):
    answer = summary(client, groups, {"timeZone": zone, "amounts": ["COST"]})
    shift = datetime(2026, 11, 1, 13, tzinfo=UTC) - DEFAULT_START if zone != "UTC" else timedelta(0)
    workspace = client.emulator.workspace
    truth = truth_summary(workspace, DEFAULT_START - shift, DEFAULT_END - shift, groups, zone=zone)
    # An empty description is "", as is the client of those without one.
    expected = {tuple(key or None for key in keys): group for keys, group in truth.items()}
    rows = leaves(answer["groupOne"], len(groups))
    assert rows.keys() == expected.keys()
    for keys, group in expected.items():
        row = rows[keys]
        assert row["duration"] == group.seconds
        assert row["amount"] == float(sum(group.earned.values()))
        for amount, money in zip(row["amounts"], (group.earned, group.cost), strict=True):
            assert amount["value"] == float(sum(money.values()))
            assert {item["currency"]: item["amount"] for item in amount["amountByCurrency"]} == {
                code: float(value) for code, value in money.items()
            }
        assert row["currency"] == (next(iter(group.earned)) if len(group.earned) == 1 else None)
        assert row["workspaceCurrencyCode"] == "EUR"


def test_parents_sum_up_their_children(client):
    answer = summary(client, ["USER", "PROJECT", "TASK"])
    for user in answer["groupOne"]:
        assert user["duration"] == sum(project["duration"] for project in user["children"])
        for project in user["children"]:
            assert project["duration"] == sum(task["duration"] for task in project["children"])
    assert answer["totals"][0]["totalTime"] == sum(user["duration"] for user in answer["groupOne"])
    assert answer["groupTotals"] == {
        "groupOneTotalCount": len(answer["groupOne"]),
        "groupTwoTotalCount": sum(len(user["children"]) for user in answer["groupOne"]),
    }


def test_totals_are_those_of_the_detailed_report(client):
    body = {"amountShown": "PROFIT", "amounts": ["COST", "EARNED"]}
    totals = summary(client, ["USER"], body)["totals"]
    assert totals == client.detailed(body).json()["totals"]
    assert totals[0]["numOfCurrencies"] > 1


def test_truth_by_user_and_project(client):
    workspace = client.emulator.workspace
    truth = truth_by_user_and_project(workspace, DEFAULT_START, DEFAULT_END)
    assert sum(group.seconds for group in truth.values()) == workspace.truth_seconds(
        DEFAULT_START, DEFAULT_END
    )
    (whole,) = truth_summary(workspace, DEFAULT_START, DEFAULT_END, ()).values()
    assert whole.entries == 100
    assert {code: float(value) for code, value in whole.earned.items()} == workspace.truth_amounts(
        DEFAULT_START, DEFAULT_END
    )
    with pytest.raises(ValueError, match="unknown group"):
        truth_summary(workspace, DEFAULT_START, DEFAULT_END, ("COLOUR",))


# --- shapes ------------------------------------------------------------------------------------------------


@pytest.fixture
def small(serve, empty):
    """Two entries with a project, one without anything, of two people."""
    owner, employee = empty.users.values()
    globex = empty.add_client("Globex", currency="USD")
    web = empty.add_project("Web", client_id=globex.id)
    task, a, b = empty.add_task(web.id, "Build"), empty.add_tag("A"), empty.add_tag("B")
    empty.add_entry(
        start=DAY,
        end=DAY + timedelta(seconds=1000),
        project_id=web.id,
        task_id=task.id,
        tag_ids=[a.id, b.id],
        description="Same",
        billable=True,
    )
    empty.add_entry(
        start=DAY + HOUR,
        end=DAY + 2 * HOUR,
        project_id=web.id,
        user_id=employee.id,
        description="Same",
        billable=True,
    )
    empty.add_entry(start=DAY - HOUR, end=DAY + HOUR, description="Late", tag_ids=())
    client = serve(empty)
    client.known = {"owner": owner, "employee": employee, "globex": globex, "web": web, "task": task, "A": a}
    return client


def test_answer_in_full(small):
    known = small.known
    earned = 5_000 * 1_000 / 3600
    answer = summary(small, ["PROJECT", "USER"], {"users": {"ids": [known["owner"].id]}})
    # Ids of people without the rest of the filter match nobody.
    assert answer == {
        "totals": [None],
        "donutChart": [],
        "groupTotals": {"groupOneTotalCount": 0, "groupTwoTotalCount": 0},
        "groupOne": [],
    }
    answer = summary(
        small,
        ["PROJECT", "USER"],
        {"users": {"ids": [known["owner"].id], "contains": "CONTAINS", "status": "ALL"}},
    )
    assert answer["groupTotals"] == {"groupOneTotalCount": 2, "groupTwoTotalCount": 2}
    nothing, web = answer["groupOne"]
    assert (nothing["_id"], nothing["name"], nothing["clientName"]) == (None, "(no project)", "")
    amounts = [
        {"type": "EARNED", "value": earned, "amountByCurrency": [{"currency": "USD", "amount": earned}]}
    ]
    sums = {
        "duration": 1000,
        "amount": earned,
        "amounts": amounts,
        "currency": "USD",
        "workspaceCurrencyCode": "EUR",
    }
    assert web == {
        "_id": known["web"].id,
        "name": "Web",
        "clientName": "Globex",
        "color": "#2196F3",
        "nameLowerCase": "web",
        **sums,
        "children": [
            {"_id": known["owner"].id, "name": "Olga Owner", "nameLowerCase": "olga owner", **sums},
        ],
    }


def test_equal_descriptions_merge_under_an_object_of_keys(small):
    rows = summary(small, ["PROJECT", "TIMEENTRY"])["groupOne"]
    assert [(row["_id"], row["duration"]) for row in rows[1]["children"]] == [
        ({"PROJECT": small.known["web"].id, "TIMEENTRY": "Same"}, 4600)
    ]
    flat = summary(small, ["TIMEENTRY"])["groupOne"]
    assert [(row["_id"], row["name"], row["duration"]) for row in flat] == [
        ({"TIMEENTRY": "Late"}, "Late", 7200),
        ({"TIMEENTRY": "Same"}, "Same", 4600),
    ]


def test_an_entry_with_two_tags_counts_twice(small):
    answer = summary(small, ["TAG"])
    assert [(row["name"], row["duration"]) for row in answer["groupOne"]] == [
        ("(no tag)", 10_800),
        ("A", 1000),
        ("B", 1000),
    ]
    assert answer["totals"][0]["totalTime"] == 11_800


@pytest.mark.parametrize(
    ("group", "key", "name"),
    [
        ("CLIENT", "", "(no client)"),
        ("PROJECT", None, "(no project)"),
        ("TASK", None, "(no task)"),
        ("TAG", None, "(no tag)"),
    ],
)
def test_entries_without_a_thing_have_a_group_of_their_own(small, group, key, name):
    row = summary(small, [group])["groupOne"][0]
    assert (row["_id"], row["name"]) == (key, name)


def test_time_is_put_on_the_start_day_in_the_zone_of_the_request(small):
    assert [row["_id"] for row in summary(small, ["DATE"])["groupOne"]] == ["2026-11-04", "2026-11-05"]
    east = summary(small, ["DATE"], {"timeZone": "Europe/Belgrade"})["groupOne"]
    assert [(row["_id"], row["name"], row["duration"]) for row in east] == [
        ("2026-11-05", "2026-11-05", 11_800)
    ]


def test_weeks_and_months(small):
    (week,) = summary(small, ["WEEK"])["groupOne"]
    assert (week["_id"], week["name"]) == ("2026-11-02", "2026-11-02 - 2026-11-08")
    (week,) = summary(small, ["WEEK"], {"weekStart": "SUNDAY"})["groupOne"]
    assert week["_id"] == "2026-11-01"
    (month,) = summary(small, ["MONTH"])["groupOne"]
    assert month["_id"] == "2026-11"


def test_a_person_without_a_name(serve, empty):
    empty.change(empty.owner, name=None)
    empty.add_entry(start=DAY, end=DAY + HOUR)
    (row,) = summary(serve(empty), ["USER"])["groupOne"]
    assert (row["_id"], row["name"], row["nameLowerCase"]) == (empty.owner.id, None, None)


def test_charts(small):
    by_project = summary(small, ["USER"], summaryChartType="PROJECT")["donutChart"]
    assert [(part["_id"], part["totalTime"]) for part in by_project] == [
        (None, 7200),
        (small.known["web"].id, 4600),
    ]
    kinds = summary(small, ["USER"], summaryChartType="BILLABILITY")["donutChart"]
    earned = 5_000 * 4_600 / 3600
    assert kinds[1] == {
        "_id": "BILLABLE",
        "totalTime": 4600,
        "totalBillableTime": 4600,
        "totalAmount": earned,
        "earned": earned,
    }


# --- order -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["GROUP", "DURATION", "AMOUNT", "EARNED", "COST", "PROFIT"])
def test_orders_are_reversible(client, column):
    up = summary(client, ["PROJECT"], sortColumn=column)["groupOne"]
    down = summary(client, ["PROJECT"], {"sortOrder": "DESCENDING"}, sortColumn=column)["groupOne"]
    assert up == down[::-1]
    values = {"DURATION": "duration", "AMOUNT": "amount", "EARNED": "amount", "GROUP": "nameLowerCase"}
    if column in values:
        found = [row[values[column]] for row in up]
        assert found == sorted(found)


def test_default_order_is_descending_by_group(client):
    response = client.report("summary", drop=("sortOrder",), groups=["USER"])
    names = [row["nameLowerCase"] or "" for row in response.json()["groupOne"]]
    assert names == sorted(names, reverse=True)


# --- refusals and options ----------------------------------------------------------------------------------


def test_filter_and_bounds_are_required(small):
    response = small.report("summary", drop=("summaryFilter",))
    assert (response.status_code, response.json()) == (
        400,
        {"message": "Please provide summary filter.", "code": 501},
    )
    assert small.report("summary", drop=("dateRangeStart",), groups=["USER"]).status_code == 400


@pytest.mark.parametrize("groups", [[], ["USER"] * 4, None, "USER"])
def test_one_to_three_groups(small, groups):
    assert small.report("summary", groups=groups).status_code == 400


@pytest.mark.parametrize("name", ["COLOUR", "USER_GROUP", "", 5])
def test_unknown_groups(small, name):
    response = small.report("summary", groups=["USER", name])
    assert (response.status_code, response.json()) == (400, {"message": "Invalid group name", "code": 501})


@pytest.mark.parametrize(
    ("change", "own"),
    [
        ({"page": 1}, {}),
        ({"exportType": "ZIP"}, {}),
        ({"weekStart": "NEVER"}, {}),
        ({"dateRangeEnd": "2026-11-30"}, {}),
        ({}, {"sortColumn": "DATE"}),
        ({}, {"summaryChartType": "PIE"}),
    ],
)
def test_bad_bodies(small, change, own):
    assert small.report("summary", change, groups=["USER"], **own).status_code == 400


def test_lower_case_names_and_unknown_keys_are_tolerated(small):
    assert len(summary(small, ["project", "timeentry"], page=2)["groupOne"]) == 2
    route = "POST /workspaces/{workspaceId}/reports/summary"
    assert small.emulator.unknown_parameters == {f"{route} body summaryFilter.page": 1}


def test_a_page_is_not_a_thing(make_clockify_emulator, client):
    emulator = make_clockify_emulator(entries=1500)
    other = type(client)(emulator)
    rows = summary(other, ["DATE", "TIMEENTRY", "USER"])["groupOne"]
    assert sum(row["duration"] for row in rows) == emulator.workspace.truth_seconds(
        DEFAULT_START, DEFAULT_END
    )


def test_free_plan_has_short_ranges(small):
    small.emulator.workspace.plan = "FREE"
    assert small.report("summary", groups=["USER"]).status_code == 200
    long = {"dateRangeEnd": "2026-12-02T00:00:00.001Z"}
    assert small.report("summary", long, groups=["USER"]).status_code == 400


def test_money_can_be_hidden_and_may_have_to_be(small):
    workspace = small.emulator.workspace
    answer = summary(small, ["PROJECT"], {"amountShown": "HIDE_AMOUNT"}, summaryChartType="PROJECT")
    row = answer["groupOne"][0]
    assert (row["amount"], row["amounts"]) == (None, [])
    assert "currency" not in row
    assert answer["totals"][0]["totalAmount"] is None
    assert answer["donutChart"][0]["totalAmount"] is None
    workspace.change(workspace.settings, only_admins_see_billable_rates=True)
    employee = small.as_user(small.known["employee"])
    assert employee.report("summary", groups=["USER"]).status_code == 403
    summary(employee, ["USER"], {"amountShown": "HIDE_AMOUNT"}, sortColumn="AMOUNT")


def test_employee_silently_gets_own_time_only(small):
    workspace = small.emulator.workspace
    workspace.change(workspace.settings, only_admins_see_all_time_entries=True)
    answer = summary(small.as_user(small.known["employee"]), ["USER"])
    assert [row["_id"] for row in answer["groupOne"]] == [small.known["employee"].id]
    assert answer["totals"][0]["totalTime"] == 3600


def test_running_timers_count_with_zero_seconds_if_the_service_shows_them(serve, empty):
    empty.start_timer(start=DAY)
    client = serve(empty)
    assert summary(client, ["USER"])["totals"] == [None]
    client.emulator.behaviour.report_running = True
    answer = summary(client, ["USER"])
    assert (answer["groupOne"][0]["duration"], answer["totals"][0]["entriesCount"]) == (0, 1)


def test_rounding(serve, empty):
    for number in range(2):
        start = DAY + number * HOUR
        empty.add_entry(start=start, end=start + timedelta(minutes=8), billable=True)
    (row,) = summary(serve(empty), ["USER"], {"rounding": True})["groupOne"]
    assert (row["duration"], row["amount"]) == (1800, 2500.0)


def test_unknown_fields_may_be_in_every_row(small):
    small.emulator.behaviour.extra_fields = {"brandNew": [1]}
    for row in summary(small, ["PROJECT", "USER"])["groupOne"]:
        assert row["brandNew"] == [1]
        assert all(child["brandNew"] == [1] for child in row["children"])
    assert {tuple(row["brandNew"]) for row in small.detailed().json()["timeentries"]} == {(1,)}
    small.emulator.behaviour.extra_fields = {}
    assert "brandNew" not in small.detailed().json()["timeentries"][0]
