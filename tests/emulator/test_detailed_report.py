# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from airflow_provider_clockify.testing.workspace.generate import DEFAULT_END, DEFAULT_START

DAY = datetime(2026, 11, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALL = {"contains": "CONTAINS", "status": "ALL"}


def body(start: str, end: str, zone: str | None = "UTC"):
    return {"dateRangeStart": start, "dateRangeEnd": end, "timeZone": zone}


@pytest.fixture
def week(serve, empty):
    """Entries of the owner at 23:59:59, 00:00:00 and 12:00:00 of some days."""
    for day in range(3):
        midnight = DAY + timedelta(days=day)
        for start in (midnight - timedelta(seconds=1), midnight, midnight + 12 * HOUR):
            empty.add_entry(start=start, end=start + HOUR, billable=True, description=f"{start:%d %H:%M:%S}")
    return serve(empty)


def described(client, *args, **own):
    response = client.detailed(*args, **own)
    assert response.status_code == 200, response.text
    return [row["description"] for row in response.json()["timeentries"]]


# --- the window --------------------------------------------------------------------------------------------


def test_end_is_inclusive_and_selection_is_by_start(week):
    day = body("2026-11-05T00:00:00.000Z", "2026-11-05T23:59:59.999Z")
    assert described(week, day) == ["05 23:59:59", "05 12:00:00", "05 00:00:00"]
    closed = body("2026-11-05T00:00:00Z", "2026-11-06T00:00:00Z")
    assert described(week, closed)[0] == "06 00:00:00"
    almost = body("2026-11-05T00:00:00.001Z", "2026-11-05T23:59:58.999Z")
    assert described(week, almost) == ["05 12:00:00"]


@pytest.mark.parametrize("suffix", ["", "Z", "+05:00", "-0800"])
def test_bounds_are_wall_clock_whatever_offset_they_carry(week, suffix):
    day = body(f"2026-11-05T00:00:00.000{suffix}", f"2026-11-05T23:59:59.999{suffix}")
    assert described(week, day) == ["05 23:59:59", "05 12:00:00", "05 00:00:00"]


def test_zone_of_the_request_moves_the_window_and_the_answer(week):
    day = body("2026-11-05T00:00:00", "2026-11-05T23:59:59.999", "Pacific/Auckland")
    rows = week.detailed(day).json()["timeentries"]
    # Auckland is 13 hours ahead: its 5th begins at 11:00 UTC of the 4th.
    assert [row["timeInterval"]["start"] for row in rows] == [
        "2026-11-05T13:00:00+13:00",
        "2026-11-05T12:59:59+13:00",
    ]
    west = body("2026-11-05T00:00:00", "2026-11-05T23:59:59.999", "America/Los_Angeles")
    starts = [row["timeInterval"]["start"] for row in week.detailed(west).json()["timeentries"]]
    assert starts[0] == "2026-11-05T16:00:00-08:00"


def test_without_a_zone_the_profile_of_the_caller_decides(week):
    day = body("2026-11-05T00:00:00.000Z", "2026-11-05T23:59:59.999Z", None)
    rows = week.detailed(day).json()["timeentries"]
    assert [row["description"] for row in rows] == ["05 12:00:00", "05 00:00:00", "04 23:59:59"]
    assert rows[0]["timeInterval"]["start"] == "2026-11-05T13:00:00+01:00"
    workspace = week.emulator.workspace
    workspace.change(workspace.owner, time_zone="America/New_York")
    assert described(week, day) == ["06 00:00:00", "05 23:59:59", "05 12:00:00"]


def test_daylight_saving_time_changes_the_length_of_a_day(serve, empty):
    for hour in range(72):
        start = datetime(2026, 10, 24, tzinfo=UTC) + hour * HOUR
        empty.add_entry(start=start, end=start + HOUR)
    client = serve(empty)
    day = body("2026-10-25T00:00:00", "2026-10-25T23:59:59.999", "Europe/Belgrade")
    assert len(client.ids(day)) == 25


def test_a_bound_that_comes_twice_is_the_earlier_and_one_that_is_skipped_is_moved_forward(serve, empty):
    for quarter in range(4 * 72):
        for midnight in (datetime(2026, 10, 29, tzinfo=UTC), datetime(2026, 4, 23, tzinfo=UTC)):
            start = midnight + quarter * HOUR / 4
            empty.add_entry(start=start, end=start + HOUR, description=f"{start:%dT%H:%M}")
    client = serve(empty)
    # Cairo sets its clocks back from midnight of 30 October to 23:00, and forward from midnight of 24 April to 1:00.
    twice = body("2026-10-29T23:00:00", "2026-10-29T23:59:59.999", "Africa/Cairo")
    assert set(described(client, twice)) == {"29T20:00", "29T20:15", "29T20:30", "29T20:45"}
    after = body("2026-10-30T00:00:00", "2026-10-30T00:14:59.999", "Africa/Cairo")
    assert described(client, after) == ["29T22:00"]
    skipped = body("2026-04-24T00:15:00", "2026-04-24T01:29:59.999", "Africa/Cairo")
    assert set(described(client, skipped)) == {"23T22:15"}


def test_a_month_of_31_days_fits_the_free_plan_in_its_zone_only(serve, empty):
    empty.plan = "FREE"
    client = serve(empty)
    october = body("2026-10-01T00:00:00", "2026-10-31T23:59:59.999", "Europe/Berlin")
    assert client.detailed(october).status_code == 200
    in_utc = client.detailed(body("2026-09-30T22:00:00", "2026-10-31T22:59:59.999", "UTC"))
    assert (in_utc.status_code, in_utc.json()["code"]) == (400, 501)
    assert "31 days" in in_utc.json()["message"]


def test_utc_zones_write_z(week):
    day = body("2026-11-05T00:00:00", "2026-11-05T00:00:00", "Europe/London")
    (row,) = week.detailed(day).json()["timeentries"]
    assert row["timeInterval"] == {
        "start": "2026-11-05T00:00:00Z",
        "end": "2026-11-05T01:00:00Z",
        "duration": 3600,
    }


# --- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["dateRangeStart", "dateRangeEnd"])
def test_bounds_are_required(week, field):
    response = week.detailed(drop=(field,))
    assert (response.status_code, response.json()["code"]) == (400, 400)
    assert f"Field {field} is required" in response.json()["message"]


def test_filter_of_the_kind_is_required(week):
    response = week.detailed(drop=("detailedFilter",))
    assert (response.status_code, response.json()["code"]) == (400, 501)
    assert response.json()["message"] == "Please provide detailed filter."


@pytest.mark.parametrize(
    "change",
    [
        {"dateRangeStart": "2026-11-01"},
        {"dateRangeStart": "2026-13-01T00:00:00"},
        {"dateRangeStart": "2026-11-30T00:00:00", "dateRangeEnd": "2026-11-01T00:00:00"},
        {"timeZone": "Mars/Base"},
        {"page": 1},
        {"pageSize": 1000},
        {"sortOrder": "UP"},
        {"amountShown": "ALL"},
        {"amounts": ["ALL"]},
        {"billable": "yes"},
        {"approvalState": "MAYBE"},
        {"users": ["id"]},
        {"projects": {"ids": ["x"], "contains": "HAS"}},
        {"exportType": "ZIP"},
        {"exportType": "TOFFEE"},
        {"dateRangeType": "SOME_DAY"},
        {"customFields": [{"id": "x"}]},
        {"customFields": {"id": "x"}},
    ],
)
def test_bad_bodies(week, change):
    assert week.detailed(change).status_code == 400


@pytest.mark.parametrize(
    "own",
    [
        {"page": 0},
        {"page": "1"},
        {"pageSize": 0},
        {"pageSize": 1001},
        {"sortColumn": "COLOUR"},
        {"options": {"totals": "NO"}},
        {"auditFilter": {"duration": "8"}},
    ],
)
def test_bad_detailed_filters(week, own):
    assert week.detailed(**own).status_code == 400


def test_unknown_keys_are_tolerated_and_counted(week):
    assert week.detailed({"kioskIds": []}, **{"page-size": 5}).status_code == 200
    route = "POST /workspaces/{workspaceId}/reports/detailed"
    assert week.emulator.unknown_parameters == {
        f"{route} body kioskIds": 1,
        f"{route} body detailedFilter.page-size": 1,
    }


def test_free_plan_has_short_ranges_and_no_files(serve, empty):
    empty.plan = "FREE"
    client = serve(empty)
    assert client.detailed(body("2026-10-01T00:00:00", "2026-10-31T23:59:59.999")).status_code == 200
    assert client.detailed(body("2026-10-01T00:00:00", "2026-11-01T00:00:00.001")).status_code == 400
    assert client.detailed({"exportType": "CSV"}).status_code == 403


# --- pages -------------------------------------------------------------------------------------------------


def test_pages_tile_the_result(clockify_emulator, client):
    whole = client.ids(sortColumn="ID")
    pages = [client.ids(sortColumn="ID", page=page, pageSize=30) for page in range(1, 6)]
    assert [len(page) for page in pages] == [30, 30, 30, 10, 0]
    assert [one for page in pages for one in page] == whole
    truth = clockify_emulator.workspace.truth_ids(DEFAULT_START, DEFAULT_END)
    assert sorted(whole) == sorted(truth)


def test_page_size_is_fifty_by_default(client):
    assert len(client.detailed({"detailedFilter": {}}).json()["timeentries"]) == 50
    assert len(client.detailed({"detailedFilter": {"page-size": 1000}}).json()["timeentries"]) == 50


def test_a_clamping_service_gives_fewer_rows_without_a_word(make_clockify_emulator, client):
    emulator = make_clockify_emulator(entries=100, server={"detailed_max_page_size": 40, "oversize": "clamp"})
    other = type(client)(emulator)
    assert len(other.ids(pageSize=1000)) == 40
    assert other.detailed().json()["totals"][0]["entriesCount"] == 100
    emulator.behaviour.oversize = "refuse"
    assert other.detailed(pageSize=41).status_code == 400


@pytest.mark.parametrize("column", ["ID", "DESCRIPTION", "USER", "DURATION", "DATE", "ZONED_DATE", "NATURAL"])
def test_orders_are_total_and_reversible(client, column):
    up = client.ids({"sortOrder": "ASCENDING"}, sortColumn=column)
    down = client.ids({"sortOrder": "DESCENDING"}, sortColumn=column)
    assert up == down[::-1]
    assert len(set(up)) == 100


def test_default_order_is_newest_start_first(client):
    starts = [row["timeInterval"]["start"] for row in client.detailed().json()["timeentries"]]
    assert starts == sorted(starts, reverse=True)
    durations = [
        row["timeInterval"]["duration"]
        for row in client.detailed({"sortOrder": "ascending"}, sortColumn="DURATION").json()["timeentries"]
    ]
    assert durations == sorted(durations)


def test_rows_shift_when_data_change_between_pages(week):
    workspace = week.emulator.workspace
    first = week.ids(pageSize=4)
    workspace.add_entry(start=DAY + timedelta(days=9), end=DAY + timedelta(days=9, hours=1))
    second = week.ids(pageSize=4, page=2)
    assert second[0] == first[-1]
    workspace.delete_entry(week.ids(pageSize=1)[0])
    assert week.ids(pageSize=4) == first


def test_lists_are_remembered_per_question(mixed):
    assert len(described(mixed)) == 5
    assert len(described(mixed, auditFilter={"withoutProject": True})) == 2
    assert len(described(mixed, {"billable": True})) == 1
    assert len(described(mixed, page=2, pageSize=3)) == 2


def test_edits_reach_rows_and_totals(week):
    workspace = week.emulator.workspace
    entry_id = week.ids()[0]
    workspace.update_entry(entry_id, description="edited", end=None)
    assert entry_id not in week.ids()
    workspace.update_entry(entry_id, end=DAY + timedelta(days=8))
    assert described(week)[0] == "edited"
    workspace.change(workspace.owner, name="Renamed")
    assert {row["userName"] for row in week.detailed().json()["timeentries"]} == {"Renamed"}


# --- content -----------------------------------------------------------------------------------------------


def test_row_and_totals_in_full(serve, empty):
    globex = empty.add_client("Globex", currency="USD")
    project = empty.add_project("Web", client_id=globex.id, hourly_rate=9_500, cost_rate=4_000)
    task, tag = empty.add_task(project.id, "Build"), empty.add_tag("planning")
    field = empty.add_custom_field("Ticket")
    entry = empty.add_entry(
        start=DAY,
        end=DAY + timedelta(seconds=1_000),
        description='Sprint "planning" 🚀',
        project_id=project.id,
        task_id=task.id,
        tag_ids=[tag.id],
        billable=True,
        custom_values={field.id: "OPS-17"},
        invoice_id="66b0c1a2d3e4f5a6b7c8d9ff",
    )
    empty.add_entry(start=DAY + HOUR, end=DAY + 2 * HOUR)
    client = serve(empty)
    answer = client.detailed().json()
    assert set(answer) == {"totals", "timeentries"}
    bare, row = answer["timeentries"]
    earned, cost = 9_500 * 1_000 / 3600, 4_000 * 1_000 / 3600
    assert row == {
        "_id": entry.id,
        "description": 'Sprint "planning" 🚀',
        "userId": empty.owner.id,
        "userName": "Olga Owner",
        "userEmail": "user1@example.com",
        "timeInterval": {
            "start": "2026-11-05T00:00:00Z",
            "end": "2026-11-05T00:16:40Z",
            "duration": 1000,
        },
        "billable": True,
        "type": "REGULAR",
        "isLocked": False,
        "approvalRequestId": None,
        "projectId": project.id,
        "projectName": "Web",
        "projectColor": "#2196F3",
        "clientId": globex.id,
        "clientName": "Globex",
        "taskId": task.id,
        "taskName": "Build",
        "tagIds": [tag.id],
        "tags": [{"_id": tag.id, "name": "planning"}],
        "customFields": [{"customFieldId": field.id, "value": "OPS-17"}],
        "invoicingInfo": {"manuallyInvoiced": False, "invoiceId": "66b0c1a2d3e4f5a6b7c8d9ff"},
        "amount": earned,
        "rate": 9500.0,
        "earnedAmount": earned,
        "earnedRate": 9500.0,
        "costAmount": cost,
        "costRate": 4000.0,
        "currency": "USD",
    }
    assert (bare["projectId"], bare["clientId"], bare["clientName"], bare["tags"]) == (None, "", "", None)
    assert (bare["amount"], bare["costAmount"]) == (0.0, 2000.0)
    by_currency = [{"currency": "EUR", "amount": 0.0}, {"currency": "USD", "amount": earned}]
    assert answer["totals"] == [
        {
            "_id": "",
            "totalTime": 4600,
            "totalBillableTime": 1000,
            "entriesCount": 2,
            "totalAmount": earned,
            "numOfCurrencies": 2,
            "totalAmountByCurrency": by_currency,
            "amounts": [{"type": "EARNED", "value": earned, "amountByCurrency": by_currency}],
        }
    ]


def test_totals_cover_all_pages_exactly(client):
    workspace = client.emulator.workspace
    (totals,) = client.detailed(pageSize=1).json()["totals"]
    assert totals["entriesCount"] == 100
    assert totals["totalTime"] == workspace.truth_seconds(DEFAULT_START, DEFAULT_END)
    amounts = {item["currency"]: item["amount"] for item in totals["totalAmountByCurrency"]}
    assert amounts == workspace.truth_amounts(DEFAULT_START, DEFAULT_END)
    ids = set(workspace.truth_ids(DEFAULT_START, DEFAULT_END))
    exact = sum(
        Fraction(entry.seconds * entry.hourly_rate, 3600)
        for entry in workspace.entries.values()
        if entry.id in ids and entry.billable
    )
    assert totals["totalAmount"] == float(exact)


def test_nothing_found_and_totals_not_wanted(week):
    nothing = week.detailed(body("2020-01-01T00:00:00", "2020-01-02T00:00:00")).json()
    assert nothing == {"totals": [None], "timeentries": []}
    assert "totals" not in week.detailed(options={"totals": "EXCLUDE"}).json()


@pytest.mark.parametrize(
    ("shown", "amount", "rate"),
    [("EARNED", 5000.0, 5000.0), ("COST", 2000.0, 2000.0), ("PROFIT", 3000.0, 3000.0)],
)
def test_amount_follows_amount_shown(week, shown, amount, rate):
    answer = week.detailed({"amountShown": shown, "amounts": ["COST"]}).json()
    assert {(row["amount"], row["rate"]) for row in answer["timeentries"]} == {(amount, rate)}
    assert answer["totals"][0]["totalAmount"] == amount * 9
    kinds = {item["type"]: item["value"] for item in answer["totals"][0]["amounts"]}
    assert kinds == {shown: amount * 9, "COST": 18_000.0}


def test_hidden_amounts(week):
    answer = week.detailed({"amountShown": "HIDE_AMOUNT"}).json()
    assert (answer["totals"][0]["totalAmount"], answer["totals"][0]["totalAmountByCurrency"]) == (None, {})
    row = answer["timeentries"][0]
    assert (row["amount"], row["rate"]) == (None, None)
    assert "earnedAmount" not in row


def test_money_is_forbidden_to_those_who_may_not_see_it(week):
    workspace = week.emulator.workspace
    employee = week.as_user(list(workspace.users.values())[1])
    assert employee.detailed().status_code == 200
    workspace.change(workspace.settings, only_admins_see_billable_rates=True)
    assert employee.detailed().status_code == 403
    assert employee.detailed({"amountShown": "HIDE_AMOUNT"}).status_code == 200
    assert week.detailed().status_code == 200


@pytest.mark.parametrize(("mode", "rounded"), [("UP", 900), ("DOWN", 0), ("NEAREST", 900)])
def test_rounding_changes_durations_and_amounts(serve, empty, mode, rounded):
    empty.add_entry(start=DAY, end=DAY + timedelta(minutes=8), billable=True)
    empty.change(empty.settings, round_mode=mode)
    client = serve(empty)
    raw, answer = client.detailed().json(), client.detailed({"rounding": True}).json()
    assert raw["timeentries"][0]["timeInterval"]["duration"] == 480
    assert answer["timeentries"][0]["timeInterval"]["duration"] == rounded
    assert answer["totals"][0]["totalTime"] == rounded
    assert answer["totals"][0]["totalAmount"] == rounded * 5000 / 3600


def test_running_timers_are_absent_unless_the_service_shows_them(serve, empty):
    empty.start_timer(start=DAY)
    client = serve(empty)
    assert client.detailed().json()["totals"] == [None]
    client.emulator.behaviour.report_running = True
    answer = client.detailed().json()
    assert answer["timeentries"][0]["timeInterval"] == {
        "start": "2026-11-05T00:00:00Z",
        "end": None,
        "duration": 0,
    }
    assert answer["totals"][0]["entriesCount"] == 1


def test_employee_silently_gets_own_entries_only(week):
    workspace = week.emulator.workspace
    employee = list(workspace.users.values())[1]
    own = workspace.add_entry(start=DAY, end=DAY + HOUR, user_id=employee.id)
    assert len(week.as_user(employee).ids()) == 10
    workspace.change(workspace.settings, only_admins_see_all_time_entries=True)
    answer = week.as_user(employee).detailed().json()
    assert [row["_id"] for row in answer["timeentries"]] == [own.id]
    assert answer["totals"][0]["entriesCount"] == 1
    assert len(week.ids()) == 10


# --- filters -----------------------------------------------------------------------------------------------


@pytest.fixture
def mixed(serve, empty):
    owner, employee = empty.users.values()
    gone = empty.add_user("Gone", membership_status="INACTIVE")
    group = empty.add_user_group("Both", [employee.id, gone.id])
    active, old = empty.add_client("Active", currency="USD"), empty.add_client("Old", archived=True)
    web = empty.add_project("Web", client_id=active.id)
    archive = empty.add_project("Archive", client_id=old.id, archived=True)
    task = empty.add_task(web.id, "Build")
    tag, other = empty.add_tag("a"), empty.add_tag("b")

    def add(name, user, **fields):
        empty.add_entry(start=DAY, end=DAY + HOUR, user_id=user.id, description=name, **fields)

    add("web", owner, project_id=web.id, task_id=task.id, tag_ids=[tag.id], billable=True)
    add("archive", owner, project_id=archive.id, tag_ids=[tag.id, other.id])
    add("employee", employee, project_id=web.id, approval_request_id="a" * 24)
    add("gone", gone, invoice_id="b" * 24)
    add("", owner)
    client = serve(empty)
    client.known = {
        "owner": owner.id,
        "employee": employee.id,
        "gone": gone.id,
        "group": group.id,
        "active": active.id,
        "old": old.id,
        "web": web.id,
        "archive": archive.id,
        "task": task.id,
        "a": tag.id,
        "b": other.id,
    }
    return client


def filtered(client, name, *ids, **fields):
    given = {"ids": [client.known[key] for key in ids], **fields}
    return set(described(client, {name: given}))


def test_ids_of_users_alone_find_nothing(mixed):
    assert filtered(mixed, "users", "owner") == set()
    assert filtered(mixed, "users", "owner", contains="CONTAINS") == set()
    assert filtered(mixed, "users", "owner", **ALL) == {"web", "archive", ""}
    assert filtered(mixed, "users", "owner", contains="DOES_NOT_CONTAIN", status="ALL") == {
        "employee",
        "gone",
    }
    assert filtered(mixed, "userGroups", "group") == set()
    assert filtered(mixed, "userGroups", "group", **ALL) == {"employee", "gone"}


def test_active_status_drops_archived_and_inactive(mixed):
    assert filtered(mixed, "projects", "web", "archive", contains="CONTAINS", status="ACTIVE") == {
        "web",
        "employee",
    }
    assert filtered(mixed, "projects", "web", "archive") == {"web", "employee"}
    assert filtered(mixed, "projects", "web", "archive", **ALL) == {"web", "archive", "employee"}
    assert filtered(mixed, "projects", status="ARCHIVED") == {"archive"}
    assert filtered(mixed, "clients", "active", "old", contains="CONTAINS", status="ACTIVE") == {
        "web",
        "employee",
    }
    assert filtered(mixed, "users", "employee", "gone", contains="CONTAINS", status="ACTIVE") == {"employee"}
    assert filtered(mixed, "users", status="INACTIVE") == {"gone"}
    assert filtered(mixed, "users", status="ACTIVE_WITH_PENDING") == {"web", "archive", "employee", ""}


def test_containment(mixed):
    assert filtered(mixed, "projects", "web", contains="DOES_NOT_CONTAIN", status="ALL") == {
        "archive",
        "gone",
        "",
    }
    assert filtered(mixed, "tasks", "task", **ALL) == {"web"}
    assert filtered(mixed, "tags", "a", **ALL) == {"web", "archive"}
    assert filtered(mixed, "tags", "a", contains="CONTAINS_ONLY", status="ALL") == {"web"}
    assert filtered(mixed, "tags", "b", containedInTimeentry="DOES_NOT_CONTAIN", status="ALL") == {
        "web",
        "employee",
        "gone",
        "",
    }
    currencies = {c["code"]: c["id"] for c in mixed.get(mixed.workspace).json()["currencies"]}
    dollars = described(mixed, {"currency": {"ids": [currencies["USD"]], **ALL}})
    assert set(dollars) == {"web", "employee"}


@pytest.mark.parametrize(
    ("change", "own", "found"),
    [
        ({"billable": True}, {}, {"web"}),
        ({"billable": False}, {}, {"archive", "employee", "gone", ""}),
        ({"billable": None}, {}, {"web", "archive", "employee", "gone", ""}),
        ({"description": "WE"}, {}, {"web"}),
        ({"withoutDescription": True}, {}, {""}),
        ({"approvalState": "APPROVED"}, {}, {"employee"}),
        ({"approvalState": "UNAPPROVED"}, {}, {"web", "archive", "gone", ""}),
        ({"invoicingState": "INVOICED"}, {}, {"gone"}),
        ({}, {"auditFilter": {"withoutProject": True}}, {"gone", ""}),
        ({}, {"auditFilter": {"withoutTask": True}}, {"archive", "employee", "gone", ""}),
    ],
)
def test_plain_filters(mixed, change, own, found):
    assert set(described(mixed, change, **own)) == found


# --- speed -------------------------------------------------------------------------------------------------


def test_twenty_thousand_entries_in_twenty_requests(make_clockify_emulator, client):
    emulator = make_clockify_emulator(entries=20_000, users=20)
    other = type(client)(emulator)
    # Processor time, in which the other work of a machine does not count.
    began = time.process_time()
    found = [one for page in range(1, 21) for one in other.ids(page=page, sortColumn="ID")]
    assert time.process_time() - began < 5
    assert sorted(found) == sorted(emulator.workspace.truth_ids(DEFAULT_START, DEFAULT_END))
    assert emulator.count("reports") == 20
    began = time.process_time()
    other.detailed(page=3, sortColumn="ID")
    assert time.process_time() - began < 0.3
