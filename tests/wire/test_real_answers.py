# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What recordings of the service hold, through whole exports and back from their files."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from airflow.exceptions import AirflowException
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_clockify.exceptions import ClockifyError, ClockifyIncompleteError, ClockifyResponseError
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.operators.entities import ClockifyExportEntitiesOperator
from airflow_provider_clockify.operators.reports import (
    ClockifyDetailedReportOperator,
    ClockifyExpenseReportOperator,
    ClockifySummaryReportOperator,
    ClockifyWeeklyReportOperator,
)
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace
from airflow_provider_clockify.testing.faults import Fault

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEK = {"start": MONDAY.isoformat(), "end": (MONDAY + 7 * DAY).isoformat()}
FLAT = ("csv", "parquet")
Export = Callable[..., tuple[dict[str, Any], list[dict[str, Any]]]]


def read(path: Path) -> list[dict[str, Any]]:
    """Rows of a file as other people read them; an empty cell of a CSV is None."""
    if path.suffix == ".parquet":
        import pyarrow.parquet

        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
        return rows
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with path.open(newline="") as file:
        return [{name: cell or None for name, cell in row.items()} for row in csv.DictReader(file)]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def make(emulator: ClockifyEmulator, max_retries: int = 0) -> None:
        connection = emulator.connection_json(requests_per_second=1000, max_retries=max_retries)
        monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", connection)

    return make


@pytest.fixture
def export(connect, tmp_path: Path) -> Export:
    """Export and read back; without an export there is no file."""

    def run(emulator: ClockifyEmulator, operator: Any, file_format: str, **kwargs: Any) -> Any:
        connect(emulator)
        path = tmp_path / f"out.{file_format}"
        task = operator(task_id="t", output_path=str(path), file_format=file_format, **kwargs)
        try:
            result = task.execute({})
        except (ClockifyError, AirflowException):
            assert not list(tmp_path.iterdir())
            raise
        return result, read(path)

    return run


def altered(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Fault:
    """Answers that were changed on their way."""
    return Fault("altered", alter=lambda response: replace(response, payload=change(response.payload)))


def amounts_of(result: dict[str, Any]) -> dict[str, Decimal]:
    return {code: Decimal(amount) for code, amount in result["totals"]["amounts"].items()}


def number(cell: Any) -> Decimal:
    return Decimal(cell or 0)


# --- expenses in several currencies ------------------------------------------------------------------------------


CODES = ("EUR", "USD", "CHF")


@pytest.fixture
def travellers() -> EmulatedWorkspace:
    """More than a page of expenses in three currencies."""
    workspace = EmulatedWorkspace()
    user = workspace.add_user("Ada")
    projects: list[str | None] = [None]
    for code in CODES[1:]:
        client = workspace.add_client(f"Client {code}", currency=code)
        projects.append(workspace.add_project(f"In {code}", client_id=client.id).id)
    for count in range(250):
        workspace.add_expense(
            user.id, day="2026-11-05", total=100.25 + count, project_id=projects[count % 3], at=MONDAY
        )
    return workspace


def in_one_sum(totals: dict[str, Any]) -> dict[str, Any]:
    """The totals as the description has them."""
    return {name: value for name, value in totals.items() if "Currenc" not in name}


def in_one_currency(totals: dict[str, Any]) -> dict[str, Any]:
    return {**totals, "totalAmountByCurrency": [{"currency": "EUR", "amount": totals["totalAmount"]}]}


@pytest.mark.parametrize(
    ("totals", "without", "row_codes", "codes"),
    [
        (dict, (), CODES, CODES),
        (in_one_sum, (), CODES, CODES),
        (dict, ("currency",), [None], ()),
        (in_one_sum, ("currency", "clientId", "_id", "isLocked", "userCustomFields"), [None], ()),
        (in_one_currency, ("currency", "id", "locked"), [None], ["EUR"]),
    ],
    ids=["as answered", "one sum", "rows without currency", "as described", "one currency"],
)
@pytest.mark.parametrize("file_format", FLAT)
def test_money_of_expenses_is_per_currency_where_the_service_says_it(
    start_emulator, export, travellers, totals, without, row_codes, codes, file_format
):
    def change(answer: dict[str, Any]) -> dict[str, Any]:
        rows = [{key: row[key] for key in row if key not in without} for row in answer["expenses"]]
        return {**answer, "expenses": rows, "totals": totals(answer["totals"])}

    emulator = start_emulator(travellers)
    emulator.inject(altered(change), times=None)
    result, rows = export(emulator, ClockifyExpenseReportOperator, file_format, **WEEK)
    sums = {
        code: sum(Decimal("100.25") + n for n in range(250) if CODES[n % 3] == code) / 100 for code in CODES
    }
    whole = sum(sums.values())
    assert amounts_of(result) == (sums if len(codes) > 1 else dict.fromkeys(codes, whole))
    assert {row["currency"] for row in rows} == set(row_codes)
    for code in row_codes:
        assert sum(number(row["amount"]) for row in rows if row["currency"] == code) == (
            sums[code] if code else whole
        )
    assert len({row["id"] for row in rows}) == 250
    assert len(emulator.requests) == 2
    assert {row["is_locked"] for row in rows} <= {"false", False}
    assert {row["client_name"] for row in rows} == {None, "Client USD", "Client CHF"}
    assert {row["user_custom_fields"] for row in rows} == {None if "userCustomFields" in without else "[]"}


# --- groups over several currencies ------------------------------------------------------------------------------


@pytest.fixture
def consultants() -> EmulatedWorkspace:
    """Ada works in EUR and USD, Bob in EUR only, Cy in EUR and unbilled in USD."""
    workspace = EmulatedWorkspace()
    people = [workspace.add_user(name, hourly_rate=10_000) for name in ("Ada", "Bob", "Cy")]
    client = workspace.add_client("Globex", currency="USD")
    projects = [
        workspace.add_project("Home", hourly_rate=9_900),
        workspace.add_project("Abroad", client_id=client.id, hourly_rate=12_500),
    ]
    for day, (user, project, billable) in product(
        range(5), [(0, 0, True), (0, 1, True), (1, 0, True), (2, 0, True), (2, 1, False)]
    ):
        start = MONDAY + day * DAY + (user * 2 + project) * HOUR
        workspace.add_entry(
            start=start,
            end=start + HOUR,
            user_id=people[user].id,
            project_id=projects[project].id,
            billable=billable,
            at=start,
        )
    return workspace


EARNED = {"Ada": {"EUR": 49_500.0, "USD": 62_500.0}, "Bob": {"EUR": 49_500.0}, "Cy": {"EUR": 49_500.0}}


def earned_in(text: str) -> dict[str, float]:
    """Money per currency of a cell with amounts."""
    (kind,) = [each for each in json.loads(text) if each["type"] == "EARNED"]
    return {each["currency"]: each["amount"] for each in kind["amountByCurrency"] if each["amount"]}


def claims_usd(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "groupOne": [{**group, "currency": "USD"} for group in answer["groupOne"]]}


@pytest.mark.parametrize("change", [dict, claims_usd], ids=["no currency", "claims USD"])
@pytest.mark.parametrize("file_format", FLAT)
def test_a_summary_over_several_currencies_is_never_one_number(
    start_emulator, export, consultants, change, file_format
):
    emulator = start_emulator(consultants)
    emulator.inject(altered(change), times=None)
    result, rows = export(emulator, ClockifySummaryReportOperator, file_format, groups=["USER"], **WEEK)
    assert amounts_of(result) == {"EUR": 1485, "USD": 625}
    found = {row["group_1_name"]: row for row in rows}
    assert {name: earned_in(row["amounts"]) for name, row in found.items()} == EARNED
    assert (found["Ada"]["currency"], found["Ada"]["amount"]) == (None, None)
    for name in ("Bob", "Cy"):
        assert (found[name]["currency"], number(found[name]["amount"])) == ("EUR", 495)


@pytest.mark.parametrize("file_format", FLAT)
def test_days_of_several_currencies_are_never_one_number(start_emulator, export, consultants, file_format):
    result, rows = export(start_emulator(consultants), ClockifyWeeklyReportOperator, file_format, **WEEK)
    assert amounts_of(result) == {"EUR": 1485, "USD": 625}
    assert len(rows) == 21
    for row in rows:
        assert earned_in(row["group_amounts"]) == EARNED[row["group_name"]]
        if row["group_name"] == "Ada":
            assert (row["currency"], row["amount"]) == (None, None)
        else:
            assert row["currency"] == "EUR"
    assert sum(number(row["amount"]) for row in rows) == 990


@pytest.mark.parametrize("file_format", FLAT)
def test_a_day_that_names_its_currencies_counts_before_its_week(
    start_emulator, export, consultants, file_format
):
    def change(answer: dict[str, Any]) -> dict[str, Any]:
        groups = [group for group in answer["groupOne"] if group["name"] == "Ada"]
        for place, day in enumerate(groups[0]["days"]):
            pairs = [("EUR", 9_900), ("USD", 12_500)][: 1 + place % 2]
            named = [{"currency": code, "amount": amount} for code, amount in pairs]
            day["amounts"] = [{"type": "EARNED", "amountByCurrency": named}]
            day["amount"] = sum(amount for _, amount in pairs)
        totals = [
            {
                **answer["totals"][0],
                "totalTime": groups[0]["duration"],
                "totalAmountByCurrency": {},
                "amounts": [],
            }
        ]
        return {**answer, "groupOne": groups, "totals": totals}

    emulator = start_emulator(consultants)
    emulator.inject(altered(change), times=None)
    _, rows = export(emulator, ClockifyWeeklyReportOperator, file_format, **WEEK)
    assert [row["currency"] for row in rows] == ["EUR", None] * 3 + ["EUR"]
    assert [row["amount"] is None for row in rows] == [False, True] * 3 + [False]
    assert earned_in(rows[1]["amounts"]) == {"EUR": 9_900, "USD": 12_500}


@pytest.mark.parametrize("operator", [ClockifySummaryReportOperator, ClockifyWeeklyReportOperator])
@pytest.mark.parametrize("lost", ["a currency", "a group's money"])
def test_groups_whose_money_does_not_add_up_are_incomplete(
    start_emulator, export, consultants, operator, lost
):
    def change(answer: dict[str, Any]) -> dict[str, Any]:
        group = answer["groupOne"][0 if lost == "a currency" else 1]
        (kind,) = group["amounts"]
        kind["amountByCurrency"] = [
            each for each in kind["amountByCurrency"] if each["currency"] != "EUR"
        ] + [{"currency": "EUR", "amount": 0}]
        return answer

    emulator = start_emulator(consultants)
    emulator.inject(altered(change), times=None)
    kwargs = {"groups": ["USER"]} if operator is ClockifySummaryReportOperator else {}
    with pytest.raises(
        ClockifyIncompleteError, match=r"amount to 990 EUR, the service says 1485: the answer"
    ):
        export(emulator, operator, "jsonl", **WEEK, **kwargs)


# --- groups that are not divided ---------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("groups", [["USER"], ["USER", "PROJECT"], ["USER", "PROJECT", "DATE"]])
@pytest.mark.parametrize("file_format", FLAT)
def test_a_group_without_the_level_below_is_a_row_of_its_own(
    start_emulator, export, consultants, groups, levels, file_format
):
    emulator = start_emulator(consultants, summary_levels=levels)
    result, rows = export(emulator, ClockifySummaryReportOperator, file_format, groups=groups, **WEEK)
    depth = min(levels, len(groups))
    assert result["totals"]["seconds"] == sum(int(row["duration_seconds"]) for row in rows) == 25 * 3600
    per_user = dict.fromkeys(EARNED, 0)
    for row in rows:
        per_user[row["group_1_name"]] += int(row["duration_seconds"])
        known = [row[f"group_{level}"] for level in (1, 2, 3)]
        assert known == groups[:depth] + [None] * (3 - depth)
        assert all(
            row[f"group_{level}{part}"] is None for level in range(depth + 1, 4) for part in ("_id", "_name")
        )
    assert per_user == {"Ada": 36_000, "Bob": 18_000, "Cy": 36_000}


def cut(level: int, what: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Take a part out of the first group of a level."""

    def change(answer: dict[str, Any]) -> dict[str, Any]:
        group = answer["groupOne"][0]
        for _ in range(level - 1):
            group = group["children"][0]
        if what == "all":
            group["children"] = []
        elif what == "key":
            del group["children"]
        elif what == "one":
            group["children"].pop()
        elif what == "more":
            group["children"].append(group["children"][0])
        return answer

    return change


@pytest.mark.parametrize("what", ["all", "key", "one", "more"])
@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("file_format", FLAT)
def test_the_rows_of_every_group_add_up_to_it_or_the_group_is_named(
    start_emulator, export, consultants, level, what, file_format
):
    emulator = start_emulator(consultants)
    emulator.inject(altered(cut(level, what)), times=None)
    kwargs = {"groups": ["USER", "PROJECT", "DATE"], **WEEK}
    if what in ("all", "key"):
        _, rows = export(emulator, ClockifySummaryReportOperator, file_format, **kwargs)
        assert sum(int(row["duration_seconds"]) for row in rows) == 25 * 3600
        return
    with pytest.raises(
        ClockifyResponseError, match=r"The group \w+ lasts \d+ s, its children \d+ s"
    ) as caught:
        export(emulator, ClockifySummaryReportOperator, file_format, **kwargs)
    named = consultants.users if level == 1 else consultants.projects
    assert any(each in str(caught.value) for each in named)


@pytest.mark.parametrize("file_format", FLAT)
def test_tags_below_a_group_may_be_more_than_it_and_never_less(start_emulator, export, file_format):
    workspace = EmulatedWorkspace()
    user = workspace.add_user("Ada")
    tags = [workspace.add_tag(name).id for name in ("one", "two")]
    workspace.add_entry(start=MONDAY, end=MONDAY + HOUR, user_id=user.id, tag_ids=tags, at=MONDAY)
    emulator = start_emulator(workspace)
    kwargs = {"groups": ["USER", "TAG"], **WEEK}
    _, rows = export(emulator, ClockifySummaryReportOperator, file_format, **kwargs)
    assert [int(row["duration_seconds"]) for row in rows] == [3600, 3600]


def test_tags_below_a_group_that_are_less_than_it_are_refused(start_emulator, export):
    workspace = EmulatedWorkspace()
    user = workspace.add_user("Ada")
    for place in range(2):
        start, tag = MONDAY + place * HOUR, workspace.add_tag(f"{place}")
        workspace.add_entry(start=start, end=start + HOUR, user_id=user.id, tag_ids=[tag.id], at=start)
    emulator = start_emulator(workspace)
    emulator.inject(altered(cut(1, "one")), times=None)
    with pytest.raises(ClockifyResponseError, match=f"The group {user.id} lasts 7200 s, its children 3600 s"):
        export(emulator, ClockifySummaryReportOperator, "csv", groups=["USER", "TAG"], **WEEK)


@pytest.mark.parametrize(
    "change",
    [
        lambda group: group.pop("days"),
        lambda group: group.update(days=[]),
        lambda group: group.update(children=[{**group, "_id": "p"}], days=None),
        lambda group: group.update(children=[{**group, "_id": "p"}], days=None, duration=None, amount=None),
        lambda group: group["days"].pop(0),
        lambda group: group["days"].append(group["days"][0]),
    ],
    ids=["no days", "empty", "below children", "below children, no sum", "a day less", "a day twice"],
)
@pytest.mark.parametrize("file_format", [*FLAT, "jsonl"])
def test_days_that_do_not_add_up_to_their_group_name_it(
    start_emulator, export, consultants, change, file_format
):
    def alter(answer: dict[str, Any]) -> dict[str, Any]:
        first = answer["groupOne"][0]
        time = first["duration"]
        change(first)
        totals = {**answer["totals"][0], "totalAmountByCurrency": {}, "amounts": []}
        if first["duration"] is None:
            totals["totalTime"] -= time
        return {**answer, "totals": [totals]}

    emulator = start_emulator(consultants)
    emulator.inject(altered(alter), times=None)
    if file_format == "jsonl":
        assert len(export(emulator, ClockifyWeeklyReportOperator, file_format, **WEEK)[1]) == 3
        return
    ada = next(user for user in consultants.users.values() if user.name == "Ada")
    with pytest.raises(ClockifyResponseError, match=f"The group {ada.id} .*days.*jsonl"):
        export(emulator, ClockifyWeeklyReportOperator, file_format, **WEEK)


# --- times -------------------------------------------------------------------------------------------------------


@pytest.fixture
def absent() -> EmulatedWorkspace:
    workspace = EmulatedWorkspace()
    user = workspace.add_user("Ada")
    policy = workspace.add_policy("Vacation")
    for place in range(5):
        start = MONDAY + place * DAY
        workspace.add_time_off_request(user.id, policy.id, start=start, end=start + DAY, at=start)
    return workspace


@pytest.mark.parametrize("file_format", [*FLAT, "jsonl"])
def test_times_with_nanoseconds_are_cut_to_microseconds(start_emulator, export, absent, file_format):
    emulator = start_emulator(absent)
    _, rows = export(emulator, ClockifyExportEntitiesOperator, file_format, entity="time_off_requests")
    sent = {each["id"]: each["createdAt"] for each in ClockifyHook().iter_time_off_requests()}
    assert len(sent) == len(rows) == 5
    assert all(len(text) == len("2026-11-02T08:00:00.123456789Z") for text in sent.values())
    for row in rows:
        text = sent[row["id"]]
        if file_format == "jsonl":
            assert row["createdAt"] == text
        elif file_format == "csv":
            fraction = text[20:26] if text[20:26] != "000000" else ""
            assert row["created_at"] == text[:19] + (f".{fraction}" if fraction else "") + "Z"
        else:
            assert row["created_at"] == datetime.fromisoformat(text[:26] + "+00:00")


# --- entries that end before they start --------------------------------------------------------------------------


@pytest.fixture
def backwards() -> EmulatedWorkspace:
    """Two entries that end before they start among others that do not."""
    workspace = EmulatedWorkspace()
    user = workspace.add_user("Ada")
    project = workspace.add_project("Web", hourly_rate=9_000)
    for place, minutes in enumerate((60, -90, 30, -60)):
        start = MONDAY + place * DAY + 12 * HOUR
        workspace.add_entry(
            start=start,
            end=start + timedelta(minutes=minutes),
            user_id=user.id,
            project_id=project.id,
            billable=True,
            at=start,
        )
    return workspace


@pytest.mark.parametrize("file_format", [*FLAT, "jsonl"])
@pytest.mark.parametrize("report", ["detailed", "summary", "weekly"])
def test_negative_time_and_money_are_data_in_reports(start_emulator, export, backwards, report, file_format):
    operator, more = {
        "detailed": (ClockifyDetailedReportOperator, {}),
        "summary": (ClockifySummaryReportOperator, {"groups": ["USER", "PROJECT", "DATE"]}),
        "weekly": (ClockifyWeeklyReportOperator, {}),
    }[report]
    result, rows = export(start_emulator(backwards), operator, file_format, **WEEK, **more)
    assert result["totals"]["seconds"] == -3600
    assert amounts_of(result) == {"EUR": -90}
    if file_format != "jsonl":
        by_day: dict[str, int] = {}
        for row in rows:
            day = str(row.get("date") or row.get("group_3_id") or row.get("start"))[:10]
            by_day[day] = by_day.get(day, 0) + int(row["duration_seconds"])
        found = [by_day.get(date(2026, 11, 2 + place).isoformat()) for place in range(4)]
        assert found == [3600, -5400, 1800, -3600]
        assert sum(number(row["amount"]) for row in rows) == -90


def test_negative_durations_are_data_in_lists_and_their_tables(start_emulator, connect, export, backwards):
    emulator = start_emulator(backwards)
    connect(emulator)
    hook = ClockifyHook()
    (user,) = [user for user in backwards.users.values() if user.name == "Ada"]
    found = list(hook.iter_time_entries(user.id, MONDAY, MONDAY + 7 * DAY))
    assert sorted(each["timeInterval"]["duration"] for each in found) == [-5400, -3600, 1800, 3600]
    for file_format in FLAT:
        _, (project,) = export(emulator, ClockifyExportEntitiesOperator, file_format, entity="projects")
        assert int(project["duration_seconds"]) == -3600


# --- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (401, 4019, "address of the key's owner is not verified"),
        (401, 4017, "replace it with one that is made anew"),
        (401, 4023, "replace it with one that is made anew"),
        (401, 406, "the workspace or the user is suspended"),
        (403, 406, "the workspace or the user is suspended"),
        (403, 4017, "replace it with one that is made anew"),
        (406, 406, "the workspace or the user is suspended"),
        (406, None, "the workspace or the user is suspended"),
    ],
)
def test_refusals_are_final_and_say_what_helps(start_emulator, connect, export, status, code, advice):
    emulator = start_emulator()
    connect(emulator, max_retries=3)
    emulator.fail(status, body={"message": "The service's own words", "code": code}, times=None)
    works, text = ClockifyHook().test_connection()
    assert not works
    for each in (advice, "The service's own words", str(status)):
        assert each in text
    assert len(emulator.requests) == 1, "a refusal is not tried again"
    with pytest.raises(AirflowFailException, match=advice):
        export(emulator, ClockifyDetailedReportOperator, "jsonl", **WEEK)
    assert len(emulator.requests) == 2


def test_a_refused_value_names_the_approval_request_that_holds_it(start_emulator, export):
    emulator = start_emulator(entries=1)
    item = {
        "approvalRequest": {"id": "a" * 24, "status": {"state": "PENDING", "updatedAt": "yesterday"}},
        "entries": [{"id": "b" * 24}],
    }
    emulator.fail(200, body=[item], times=None, headers={"Last-Page": "true"})
    with pytest.raises(ClockifyResponseError, match=f"Item {'a' * 24}, column updated_at"):
        export(emulator, ClockifyExportEntitiesOperator, "csv", entity="approval_requests")
    item["approvalRequest"]["status"]["updatedAt"] = "2026-11-02T08:00:00.123456789Z"
    item["trackedTime"] = "an hour"
    with pytest.raises(
        ClockifyResponseError, match=f"Item {'a' * 24}, trackedTime: 'an hour' is not an ISO 8601"
    ):
        list(ClockifyHook().iter_approval_requests())
