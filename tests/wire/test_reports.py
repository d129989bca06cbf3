# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Reports of the hook against the emulator; what they become as files is in tests/airflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import product
from typing import Any

import pytest

from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyConfigError,
    ClockifyForbiddenError,
    ClockifyIncompleteError,
    ClockifyResponseError,
    ClockifyWindowError,
)
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, generate_workspace
from airflow_provider_clockify.testing.faults import Fault
from airflow_provider_clockify.testing.workspace.kinds import WorkspaceSettings
from airflow_provider_clockify.testing.workspace.truth import truth_summary

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
MONDAY = datetime(2026, 11, 9, tzinfo=UTC)
DAY = timedelta(days=1)
LATER = datetime(2027, 6, 1, tzinfo=UTC)
GROUPS = ("USER", "PROJECT", "CLIENT", "TASK", "TAG", "TIMEENTRY", "DATE", "WEEK", "MONTH")


@pytest.fixture
def hook_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ClockifyHook]:
    """Make a hook of an emulator, by default with its owner's key; nothing is tried again."""

    def make(emulator: ClockifyEmulator, **extra: Any) -> ClockifyHook:
        settings = {"requests_per_second": 1e6, "max_retries": 0, "max_concurrency": 1, **extra}
        monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_TEST", emulator.connection_json(**settings))
        return ClockifyHook("clockify_test")

    return make


@pytest.fixture
def hook(emulator: ClockifyEmulator, hook_of: Callable[..., ClockifyHook]) -> ClockifyHook:
    return hook_of(emulator)


@pytest.fixture
def member(
    start_emulator: Callable[..., ClockifyEmulator], hook_of: Callable[..., ClockifyHook]
) -> Callable[..., Any]:
    """Start an emulator with changed settings and give it with the hook of a plain member."""

    def make(**settings: bool) -> tuple[ClockifyEmulator, ClockifyHook]:
        workspace = generate_workspace(entries=200)
        workspace.settings = WorkspaceSettings(**settings)
        emulator = start_emulator(workspace)
        user = next(
            user
            for user in workspace.users.values()
            if user.role == "USER" and user.membership_status == "ACTIVE"
        )
        return emulator, hook_of(emulator, api_key=user.api_key)

    return make


def leaves(groups: list[dict[str, Any]], keys: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return innermost groups by the ids on the way to them."""
    found = {}
    for group in groups:
        here = (*keys, group["_id"] or None)
        children = group.get("children")
        found.update(leaves(children, here) if children is not None else {here: group})
    return found


# --- summary ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "groups",
    [
        *((each,) for each in GROUPS if each != "TIMEENTRY"),
        ("USER", "PROJECT"),
        ("TAG", "USER"),
        ("CLIENT", "PROJECT", "TASK"),
        ("USER", "DATE", "TAG"),
    ],
    ids="-".join,
)
def test_a_summary_equals_the_truth_in_one_request(start_emulator, hook_of, groups):
    emulator = start_emulator(generate_workspace(entries=300))
    report = hook_of(emulator).get_summary_report(START, END, groups)
    truth = truth_summary(emulator.workspace, START, END, groups)
    found = leaves(report["groupOne"])
    assert {key: group["duration"] for key, group in found.items()} == {
        key: group.seconds for key, group in truth.items()
    }
    for key, group in found.items():
        assert group["amount"] == pytest.approx(float(sum(truth[key].earned.values())))
    assert len(emulator.requests) == 1


def test_groups_of_entries_have_objects_as_ids(hook, emulator):
    report = hook.get_summary_report(START, END, ("USER", "TIMEENTRY"))
    truth = truth_summary(emulator.workspace, START, END, ("USER", "TIMEENTRY"))
    ids = [child["_id"] for group in report["groupOne"] for child in group["children"]]
    assert {(each["USER"], each["TIMEENTRY"]) for each in ids} == set(truth)


def test_the_request_of_a_summary(hook, emulator):
    hook.get_summary_report(START, END, ("USER", "TAG"), {"users": ["u"], "billable": True})
    (request,) = emulator.requests
    assert request.path.endswith("/reports/summary")
    assert request.json == {
        "dateRangeStart": "2026-11-01T00:00:00.000Z",
        "dateRangeEnd": "2026-11-30T23:59:59.999Z",
        "timeZone": "UTC",
        "exportType": "JSON",
        "sortOrder": "ASCENDING",
        "rounding": False,
        "amountShown": "EARNED",
        "users": {"ids": ["u"], "contains": "CONTAINS", "status": "ALL"},
        "billable": True,
        "summaryFilter": {"groups": ["USER", "TAG"], "sortColumn": "GROUP"},
    }


def test_an_empty_summary(hook, emulator):
    report = hook.get_summary_report(LATER, LATER + DAY)
    assert (report["totals"], report["groupOne"]) == ([None], [])
    assert len(emulator.requests) == 1


def test_a_long_summary_is_refused_on_the_free_plan_and_given_on_a_paid_one(start_emulator, hook_of):
    free = start_emulator(generate_workspace(entries=20, plan="FREE"))
    with pytest.raises(ClockifyBadRequestError, match="31 days"):
        hook_of(free).get_summary_report(START, START + 32 * DAY)
    assert len(free.requests) == 1
    assert hook_of(free).get_summary_report(START, START + 31 * DAY)["groupOne"] != []
    paid = start_emulator(generate_workspace(entries=20))
    assert hook_of(paid).get_summary_report(START - 300 * DAY, END)["groupOne"] != []


# --- weekly -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["USER", "PROJECT"])
@pytest.mark.parametrize("start", [MONDAY, MONDAY + 2 * DAY], ids=["Monday", "Wednesday"])
def test_a_week_equals_the_truth_in_one_request(start_emulator, hook_of, group, start):
    emulator = start_emulator(generate_workspace(entries=300))
    report = hook_of(emulator).get_weekly_report(start, start + 7 * DAY, group)
    truth = truth_summary(emulator.workspace, start, start + 7 * DAY, (group, "DATE"))
    found = {
        (row["_id"], day["date"]): day["duration"]
        for row in report["groupOne"]
        for day in row["days"]
        if day["duration"]
    }
    assert found == {key: each.seconds for key, each in truth.items()}
    (request,) = emulator.requests
    assert request.json["weeklyFilter"] == {"group": group, "subgroup": "TIME"}


@pytest.mark.parametrize(
    ("start", "days"),
    [(MONDAY, 6), (MONDAY, 8), (MONDAY, 14), (MONDAY + DAY / 2, 7), (MONDAY, 7 - 1 / 86400)],
    ids=["6", "8", "14", "from noon", "a second short"],
)
def test_what_is_no_week_costs_no_request(hook, emulator, start, days):
    with pytest.raises(ClockifyWindowError, match="needs exactly seven days from midnight UTC on"):
        hook.get_weekly_report(start, start + days * DAY)
    assert emulator.requests == []


def test_a_refusal_with_status_200_is_a_refusal(start_emulator, hook_of):
    emulator = start_emulator(weekly_refusal_status=200)
    emulator.fail(200, body={"code": 501, "message": "Please select date range of exactly 7 days"})
    with pytest.raises(ClockifyBadRequestError, match="exactly 7 days"):
        hook_of(emulator).get_weekly_report(MONDAY, MONDAY + 7 * DAY)
    assert len(emulator.requests) == 1


# --- attendance ---------------------------------------------------------------------------------------------


def days_of(workspace: EmulatedWorkspace, start: datetime, end: datetime) -> set[tuple[str, str]]:
    """Users and days with time, running timers included."""
    return {
        (entry.user_id, datetime.fromtimestamp(entry.start, UTC).date().isoformat())
        for entry in workspace.entries.values()
        if start.timestamp() <= entry.start < end.timestamp()
    }


@pytest.mark.parametrize("header", [False, True])
def test_attendance_of_several_pages(start_emulator, hook_of, header):
    emulator = start_emulator(generate_workspace(users=20, entries=1500), report_last_page_header=header)
    rows = list(hook_of(emulator).iter_attendance_report(START, END))
    expected = days_of(emulator.workspace, START, END)
    assert {(row["userId"], row["date"]) for row in rows} == expected
    assert len(rows) == len(expected) > 400
    assert len(emulator.requests) == len(rows) // 200 + 1
    assert [request.json["attendanceFilter"]["page"] for request in emulator.requests] == [1, 2, 3]


@pytest.mark.parametrize(("header", "requests"), [(False, 2), (True, 1)])
def test_a_full_last_page_costs_one_more_without_the_header(start_emulator, hook_of, header, requests):
    workspace = EmulatedWorkspace(plan="PRO")
    for number in range(20):
        user = workspace.add_user(f"User {number}")
        for day in range(10):
            start = START + day * DAY + timedelta(hours=8)
            workspace.add_entry(user_id=user.id, start=start, end=start + timedelta(hours=1), at=start)
    emulator = start_emulator(workspace, report_last_page_header=header)
    assert len(list(hook_of(emulator).iter_attendance_report(START, END))) == 200
    assert len(emulator.requests) == requests


def test_attendance_is_lazy_and_reads_long_windows_in_chunks(start_emulator, hook_of):
    emulator = start_emulator(generate_workspace(entries=100, users=2))
    rows = hook_of(emulator).iter_attendance_report(START, START + 62 * DAY)
    assert emulator.requests == []
    next(rows)  # Given when all of it is proven.
    list(rows)
    assert [request.json["dateRangeStart"] for request in emulator.requests] == [
        "2026-11-01T00:00:00.000Z",
        "2026-12-02T00:00:00.000Z",
    ]


@pytest.mark.parametrize(("start", "end"), [(START + DAY / 24, END), (START, END - DAY / 24)])
def test_attendance_of_a_part_of_a_day_costs_no_request(hook, emulator, start, end):
    with pytest.raises(ClockifyWindowError, match="sums up days"):
        hook.iter_attendance_report(start, end)
    assert emulator.requests == []


@pytest.mark.parametrize("change", ["added", "deleted"])
def test_attendance_that_changes_between_pages_is_read_again(start_emulator, hook_of, change):
    workspace = EmulatedWorkspace(plan="PRO")
    entries = []
    for number in range(21):
        user = workspace.add_user(f"User {number}")
        for day in range(10):
            start = START + (day + 1) * DAY + timedelta(hours=8)
            entries.append(
                workspace.add_entry(user_id=user.id, start=start, end=start + timedelta(hours=1), at=start)
            )
    emulator = start_emulator(workspace)

    @emulator.before_request
    def disturb(record: Any) -> None:
        if record.sequence == 2 and change == "added":
            at = START + timedelta(hours=8)
            workspace.add_entry(start=at, end=at + timedelta(hours=1), at=LATER)
        elif record.sequence == 2:
            for entry in entries[:10]:
                workspace.delete_entry(entry.id, at=LATER)

    rows = list(hook_of(emulator).iter_attendance_report(START, END))
    assert {(row["userId"], row["date"]) for row in rows} == days_of(workspace, START, END)
    assert len(rows) == (211 if change == "added" else 200)
    # The first page of the second reading is its last, if there are but 200 days left.
    assert len(emulator.requests) == (4 if change == "added" else 3)


@pytest.mark.parametrize("plan", ["FREE", "BASIC"])
def test_attendance_needs_a_plan(start_emulator, hook_of, plan):
    emulator = start_emulator(generate_workspace(entries=5, plan=plan))
    with pytest.raises(ClockifyForbiddenError, match="403"):
        list(hook_of(emulator).iter_attendance_report(START, END))
    assert len(emulator.requests) == 1


def test_attendance_needs_a_role(member):
    emulator, hook = member()
    with pytest.raises(ClockifyForbiddenError, match="403"):
        list(hook.iter_attendance_report(START, END))
    assert len(emulator.requests) == 1


# --- expenses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expenses", [0, 6, 200, 450])
def test_expenses_cost_one_request_per_two_hundred(start_emulator, hook_of, expenses):
    emulator = start_emulator(generate_workspace(entries=5, expenses=expenses))
    rows = list(hook_of(emulator).iter_expense_report(START, END))
    wanted = sorted(
        key
        for key, item in emulator.workspace.expenses.items()
        if START.date().isoformat() <= item.day < END.date().isoformat()
    )
    assert [row["id"] for row in rows] == wanted
    assert len(emulator.requests) == max(1, -(-len(wanted) // 200))


@pytest.fixture
def spender() -> EmulatedWorkspace:
    """A workspace with 350 expenses on the first and 100 on the last day of November, and one on each side."""
    workspace = EmulatedWorkspace(plan="PRO")
    user = workspace.add_user("Ada")
    for number in range(450):
        day = "2026-11-01" if number < 350 else "2026-11-30"
        workspace.add_expense(user.id, day=day, total=100.0 + number, notes=f"n{number}", at=START)
    for day in ("2026-10-31", "2026-12-01"):
        workspace.add_expense(user.id, day=day, total=7.0, at=START)
    return workspace


def test_an_expense_belongs_to_the_window_that_holds_midnight_of_its_day(start_emulator, hook_of, spender):
    emulator = start_emulator(spender)
    hook = hook_of(emulator)
    assert len(list(hook.iter_expense_report(START, END))) == 450
    assert len(emulator.requests) == 3
    assert len(list(hook.iter_expense_report(START, START + DAY / 2))) == 350
    assert list(hook.iter_expense_report(START + DAY / 2, START + DAY)) == []
    assert len(list(hook.iter_expense_report(END - DAY, END))) == 100


def test_the_request_of_a_page_of_expenses(start_emulator, hook_of, spender):
    emulator = start_emulator(spender)
    list(
        hook_of(emulator).iter_expense_report(
            END - DAY, END, {"note": "n", "categories": ["c"], "billable": False}
        )
    )
    (request,) = emulator.requests
    assert request.json == {
        "dateRangeStart": "2026-11-30T00:00:00.000Z",
        "dateRangeEnd": "2026-11-30T23:59:59.999Z",
        "timeZone": "UTC",
        "exportType": "JSON",
        "sortOrder": "ASCENDING",
        "note": "n",
        "categories": {"ids": ["c"], "contains": "CONTAINS", "status": "ALL"},
        "billable": False,
        "sortColumn": "ID",
        "page": 1,
        "pageSize": 200,
    }


@pytest.mark.parametrize("change", ["added", "deleted", "amount"])
def test_expenses_that_change_between_pages_come_each_once_as_they_are_in_the_end(
    start_emulator, hook_of, spender, change
):
    emulator = start_emulator(spender)
    first = next(iter(spender.expenses.values()))

    @emulator.before_request
    def disturb(record: Any) -> None:
        if record.sequence != 2:
            return
        if change == "added":
            spender.add_expense(spender.owner.id, day="2026-11-15", total=5.0, at=LATER)
        elif change == "deleted":
            spender.delete(first, at=LATER)
        else:
            first.total += 1000

    rows = {row["id"]: row["amount"] for row in hook_of(emulator).iter_expense_report(START, END)}
    assert rows == {
        key: item.total for key, item in spender.expenses.items() if "2026-11-01" <= item.day <= "2026-11-30"
    }
    # The last page is asked again, where additions land, and the last row before the change, whether it is still there.
    # Anything else has all pages read again.
    assert (
        len(emulator.requests) == {"added": 3 + 1 + 1, "deleted": 3 + 1 + 1 + 3, "amount": 3 + 1 + 3}[change]
    )


def without_currencies(totals: dict[str, Any]) -> dict[str, Any]:
    """The totals as the description has them."""
    return {name: value for name, value in totals.items() if "Currenc" not in name}


def plus_more_than_rounding(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(totals: dict[str, Any]) -> dict[str, Any]:
        found = totals[name]
        more = (
            [{**each, "amount": each["amount"] + 1000} for each in found]
            if isinstance(found, list)
            else found + 1000
        )
        return {**totals, name: more}

    return change


@pytest.mark.parametrize(
    "totals",
    [
        plus_more_than_rounding("expensesCount"),
        plus_more_than_rounding("totalAmountByCurrency"),
        lambda totals: plus_more_than_rounding("totalAmount")(without_currencies(totals)),
    ],
    ids=["count", "per currency", "one sum"],
)
@pytest.mark.parametrize("fields", [(), ("currency",)], ids=["as answered", "without currency"])
def test_expenses_that_do_not_add_up_are_not_given(start_emulator, hook_of, spender, totals, fields):
    def alter(response: Any) -> Any:
        answer = response.payload
        rows = [{key: row[key] for key in row if key not in fields} for row in answer["expenses"]]
        return replace(response, payload={**answer, "expenses": rows, "totals": totals(answer["totals"])})

    emulator = start_emulator(spender)
    emulator.inject(Fault("wrong totals", alter=alter), times=None)
    with pytest.raises(ClockifyIncompleteError, match="could not be read completely in 4 attempts"):
        list(hook_of(emulator).iter_expense_report(END - DAY, END))


def test_expenses_without_a_count_are_not_given(start_emulator, hook_of):
    emulator = start_emulator(generate_workspace(entries=5))
    emulator.fail(200, body={"expenses": [{"id": "a", "date": "2026-11-01", "userId": "u"}]})
    with pytest.raises(ClockifyResponseError, match="has no expensesCount, so its completeness"):
        list(hook_of(emulator).iter_expense_report(START, END))
    assert len(emulator.requests) == 1


def test_days_of_expenses_may_come_without_a_time(start_emulator, hook_of):
    emulator = start_emulator(generate_workspace(entries=5))
    rows = [{"id": each, "date": f"2026-11-{day}", "userId": "u"} for each, day in (("a", "01"), ("b", "02"))]
    emulator.fail(200, body={"expenses": rows, "totals": {"expensesCount": 2, "totalAmount": 0}})
    assert [row["id"] for row in hook_of(emulator).iter_expense_report(START, START + DAY)] == ["a"]


def test_expenses_are_lazy_and_refused_on_the_free_plan(start_emulator, hook_of):
    emulator = start_emulator(generate_workspace(entries=5, plan="FREE"))
    rows = hook_of(emulator).iter_expense_report(START, END)
    assert emulator.requests == []
    with pytest.raises(ClockifyForbiddenError, match="403"):
        next(rows)
    assert len(emulator.requests) == 1


# --- one user's totals --------------------------------------------------------------------------------------


def in_floats(amounts: dict[str, Any]) -> dict[str, float]:
    return {code: float(amount) for code, amount in amounts.items()}


def test_totals_of_a_user_are_the_truth_in_one_request(start_emulator, hook_of):
    emulator = start_emulator(generate_workspace(entries=300))
    workspace = emulator.workspace
    truth = truth_summary(workspace, START, END, ("USER", "PROJECT"))
    user_id = next(iter(workspace.users))
    found = hook_of(emulator).get_user_totals(START, END, user_id)
    mine = {key[1]: group for key, group in truth.items() if key[0] == user_id}
    assert {each["id"]: each["seconds"] for each in found["projects"]} == {
        k: g.seconds for k, g in mine.items()
    }
    assert found["seconds"] == sum(group.seconds for group in mine.values())
    assert found["name"] == workspace.users[user_id].name
    assert {each["name"] for each in found["projects"]} == {
        workspace.projects[key].name if key else "(no project)" for key in mine
    }
    currencies = {currency for group in mine.values() for currency, earned in group.earned.items() if earned}
    assert len(currencies) > 1
    assert found["amount"] is None, "a sum of several currencies means nothing"
    assert found["currency"] is None
    everything: dict[str, Fraction] = {}
    for each in found["projects"]:
        earned = {code: amount for code, amount in mine[each["id"]].earned.items() if amount}
        assert in_floats(each["amounts"]) == pytest.approx(in_floats(earned))
        if len(earned) == 1:
            assert (each["currency"], each["amount"]) == (
                next(iter(earned)),
                each["amounts"][next(iter(earned))],
            )
        for code, amount in earned.items():
            everything[code] = everything.get(code, 0) + amount
    assert in_floats(found["amounts"]) == pytest.approx(in_floats(everything))
    (request,) = emulator.requests
    assert "users" not in request.json
    assert request.json["summaryFilter"]["groups"] == ["USER", "PROJECT"]


def test_totals_of_somebody_without_time_are_zeros(hook):
    assert hook.get_user_totals(START, END, "f" * 24) == {
        "user_id": "f" * 24,
        "name": None,
        "seconds": 0,
        "amount": None,
        "currency": None,
        "amounts": {},
        "projects": [],
    }


# --- who may see what ---------------------------------------------------------------------------------------

CALLS: dict[str, Callable[..., Any]] = {
    "summary": lambda hook, **more: hook.get_summary_report(MONDAY, MONDAY + 7 * DAY, **more),
    "weekly": lambda hook, **more: hook.get_weekly_report(MONDAY, MONDAY + 7 * DAY, **more),
    "attendance": lambda hook, **more: list(hook.iter_attendance_report(MONDAY, MONDAY + 7 * DAY, **more)),
    "expenses": lambda hook, **more: list(hook.iter_expense_report(MONDAY, MONDAY + 7 * DAY, **more)),
    "detailed": lambda hook, **more: list(hook.iter_detailed_report(MONDAY, MONDAY + 7 * DAY, **more)),
}


@pytest.mark.parametrize("report", ["summary", "weekly", "detailed"])
def test_a_key_that_may_not_see_money_is_refused_unless_it_asks_for_none(member, report):
    emulator, hook = member(only_admins_see_billable_rates=True)
    with pytest.raises(ClockifyForbiddenError, match="403"):
        CALLS[report](hook)
    assert len(emulator.requests) == 1
    assert CALLS[report](hook, filters={"amountShown": "HIDE_AMOUNT"})
    assert len(emulator.requests) == 2


def test_a_members_summary_holds_its_own_time_only(member):
    emulator, hook = member(only_admins_see_all_time_entries=True)
    report = hook.get_summary_report(START, END, ("USER",))
    assert {group["_id"] for group in report["groupOne"]} == {emulator.requests[0].user_id}


# --- filters ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("report", "name", "text"),
    [
        ("expenses", "description", "filters['description'] is unknown"),
        ("expenses", "amountShown", "is unknown"),
        ("expenses", "tags", "is unknown"),
        ("attendance", "amountShown", "is unknown"),
        ("attendance", "userCustomFields", "is unknown. Did you mean 'customFields'"),
        ("summary", "categories", "is unknown"),
        ("summary", "auditFilter", "is unknown"),
        ("summary", "summaryFilter", "what sets it is groups"),
        ("weekly", "note", "is unknown"),
        ("weekly", "weekStart", "is unknown"),
        ("weekly", "weeklyFilter", "what sets it is group"),
    ],
)
def test_a_filter_that_the_report_does_not_have_costs_no_request(hook, emulator, report, name, text):
    with pytest.raises(ClockifyConfigError) as caught:
        CALLS[report](hook, filters={name: "x"})
    assert text in str(caught.value)
    assert emulator.requests == []


@pytest.mark.parametrize("report", CALLS)
def test_a_filter_on_people_narrows_every_report(start_emulator, hook_of, report):
    workspace = generate_workspace(entries=300, expenses=100)
    wanted = list(workspace.users)[1]
    emulator = start_emulator(workspace)
    found = CALLS[report](hook_of(emulator), filters={"users": [wanted]})
    rows = found["groupOne"] if isinstance(found, dict) else found
    key = "_id" if isinstance(found, dict) else "userId"
    groups = {row[key] for row in rows}
    assert groups == {wanted}


@pytest.mark.parametrize("report", CALLS)
def test_unknown_new_fields_are_kept(start_emulator, hook_of, report):
    emulator = start_emulator(
        generate_workspace(entries=100, expenses=100), extra_fields={"brandNew": {"a": 1}}
    )
    found = CALLS[report](hook_of(emulator))
    rows = found["groupOne"] if isinstance(found, dict) else found
    assert rows
    assert all(row["brandNew"] == {"a": 1} for row in rows)


@pytest.mark.parametrize(
    ("method", "arguments"),
    list(
        product(
            ["get_summary_report", "get_weekly_report", "iter_attendance_report", "iter_expense_report"],
            [(datetime(2026, 11, 1), END), ("2026-11-01", END), (END, START), (START, START)],
        )
    ),
    ids=str,
)
def test_unusable_bounds_cost_no_request(hook, emulator, method, arguments):
    with pytest.raises(ClockifyWindowError):
        getattr(hook, method)(*arguments)
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("groups", "text"),
    [
        ((), "groups is ()"),
        (("USER",) * 2, "one to 3 different groups"),
        (("USER", "PROJECT", "TASK", "DATE"), "one to 3 different groups"),
        (("USERS",), "groups names 'USERS'; the service groups by CLIENT"),
        ("user", "groups names 'user'"),
        (None, "groups is None"),
    ],
)
def test_wrong_groups_cost_no_request(hook, emulator, groups, text):
    with pytest.raises(ClockifyConfigError) as caught:
        hook.get_summary_report(START, END, groups)
    assert text in str(caught.value)
    with pytest.raises(ClockifyConfigError, match="use one of USER, PROJECT"):
        hook.get_weekly_report(MONDAY, MONDAY + 7 * DAY, "TASK")
    assert emulator.requests == []
