# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

DAY = datetime(2026, 11, 5, tzinfo=UTC)


@pytest.fixture
def absences(make_clockify_emulator, client):
    emulator = make_clockify_emulator(
        users=60, entries=0, holidays=60, policies=60, time_off_requests=60, projects=2
    )
    return type(client)(emulator)


# --- holidays ----------------------------------------------------------------------------------------------


def test_holidays_ignore_pages(absences):
    pages = [absences.list("holidays", page=page, page_size=2) for page in (1, 2, 99)]
    assert len(pages[0].json()) == 60
    assert pages[0].json() == pages[1].json() == pages[2].json()
    assert all("Last-Page" not in page.headers for page in pages)


def test_holidays_of_a_user(serve, empty):
    owner, employee = empty.users.values()
    group = empty.add_user_group("Staff", [employee.id])
    empty.add_holiday("All", "2026-11-05", "2026-11-05")
    empty.add_holiday("One", "2026-11-05", "2026-11-05", everyone=False, user_ids=(owner.id,))
    empty.add_holiday("Some", "2026-11-05", "2026-11-05", everyone=False, group_ids=(group.id, "gone"))
    client = serve(empty)

    def names(user):
        return [row["name"] for row in client.list("holidays", assigned_to=user.id).json()]

    assert (names(owner), names(employee)) == (["All", "One"], ["All", "Some"])


def test_holidays_in_period(serve, empty):
    owner = empty.owner.id
    empty.add_holiday("Once", "2026-11-05", "2026-11-06")
    empty.add_holiday("Yearly", "2020-12-31", "2021-01-01", annually=True)
    empty.add_holiday("Leap", "2024-02-29", "2024-02-29", annually=True)
    client = serve(empty)

    def names(start, end, user=owner):
        period = {"start": f"{start}T00:00:00.000Z", "end": f"{end}T23:59:59.999Z"}
        response = client.list("holidays/in-period", assigned_to=user, **period, page_size=1)
        assert response.status_code == 200, response.text
        assert "Last-Page" not in response.headers
        return [row["name"] for row in response.json()]

    assert names("2026-11-06", "2026-11-30") == ["Once"]
    assert names("2026-11-07", "2026-11-30") == []
    assert names("2026-01-01", "2026-01-01") == ["Yearly"]
    assert names("2027-02-01", "2027-02-28") == ["Leap"]
    assert names("2026-11-01", "2026-12-31") == ["Once", "Yearly"]


def test_holidays_in_period_refusals(absences):
    owner = absences.emulator.workspace.owner.id
    whole = {"assigned-to": owner, "start": "2026-11-01T00:00:00Z", "end": "2026-11-30T00:00:00Z"}
    for name in whole:
        response = absences.list("holidays/in-period", **{k: v for k, v in whole.items() if k != name})
        assert (response.status_code, response.json()["code"]) == (400, 3001)
        assert name in response.json()["message"]
    assert absences.list("holidays/in-period", **(whole | {"start": "x"})).json()["code"] == 3000
    unknown = absences.list("holidays/in-period", **(whole | {"assigned-to": "f" * 24}))
    assert unknown.status_code == 500


# --- time off ----------------------------------------------------------------------------------------------


def test_time_off_requests_are_listed_by_post(absences):
    path = f"{absences.workspace}/time-off/requests"
    refused = absences.get(path)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
    first = absences.post(path, {})
    assert (first.json()["count"], len(first.json()["requests"])) == (60, 50)
    assert first.headers["Last-Page"] == "false"
    assert absences.post(path, {"page": 2}).headers["Last-Page"] == "true"
    second = absences.post(path, {"page": 2}).json()["requests"]
    ids = {row["id"] for row in [*first.json()["requests"], *second]}
    assert ids == set(absences.emulator.workspace.time_off_requests)
    assert absences.post(path, {"page": 3}).json()["requests"] == []
    assert len(absences.post(path, {"page-size": 200}).json()["requests"]) == 50
    assert len(absences.post(path, {"pageSize": 200}).json()["requests"]) == 60
    for body, code in (
        ({"pageSize": 201}, 501),
        ({"page": 1001}, 501),
        ({"statuses": ["WITHDRAWN"]}, 3002),
        ({"start": "x"}, 3002),
    ):
        response = absences.post(path, body)
        assert (response.status_code, response.json()["code"]) == (400, code)


def test_time_off_requests_are_filtered(absences):
    path = f"{absences.workspace}/time-off/requests"

    def rows(**body):
        return absences.post(path, {"pageSize": 200, **body}).json()["requests"]

    assert {row["status"]["statusType"] for row in rows(statuses=["PENDING"])} == {"PENDING"}
    assert len(rows(statuses=["PENDING", "APPROVED", "REJECTED"])) == len(rows(statuses=["ALL"])) == 60
    user = rows()[0]["userId"]
    assert {row["userId"] for row in rows(users=[user])} == {user}
    engineering = next(iter(absences.emulator.workspace.user_groups.values()))
    assert {row["userId"] for row in rows(userGroups=[engineering.id])} <= set(engineering.user_ids)
    assert rows(userGroups=["f" * 24]) == []
    pending = rows(statuses=["PENDING"])[0]
    assert pending["status"]["changedAt"] is None
    assert pending["timeOffPeriod"]["period"]["start"] < pending["timeOffPeriod"]["period"]["end"]


def test_time_off_window_is_creation_in_the_zone_of_the_requester(serve, empty):
    owner, employee = empty.users.values()
    policy = empty.add_policy("Vacation")
    july = datetime(2026, 7, 1, tzinfo=UTC)
    # 23:00Z is already the next day in Belgrade and still the same day in New York.
    late = DAY + timedelta(hours=23)
    for user in (owner, employee):
        empty.add_time_off_request(user.id, policy.id, start=july, end=july, at=late)
    client = serve(empty)

    def users(first, last):
        body = {"start": f"2026-11-{first:02d}T00:00:00Z", "end": f"2026-11-{last:02d}T23:59:59Z"}
        rows = client.post(f"{client.workspace}/time-off/requests", body).json()["requests"]
        return [row["userId"] for row in rows]

    assert users(5, 5) == [employee.id]
    assert users(6, 6) == [owner.id]
    assert set(users(5, 6)) == {owner.id, employee.id}
    assert users(7, 30) == []


def test_policies_have_small_pages(absences):
    first = absences.list("time-off/policies")
    assert (len(first.json()), first.headers["Last-Page"]) == (50, "false")
    assert len(absences.list("time-off/policies", page_size=200).json()) == 60
    assert absences.list("time-off/policies", page_size=201).status_code == 400
    assert absences.list("time-off/policies", page=1001).status_code == 400
    archived = absences.list("time-off/policies", status="ARCHIVED").json()
    assert {row["archived"] for row in archived} == {True}
    active = absences.list("time-off/policies", status="ACTIVE", page_size=200).json()
    assert len(archived) + len(active) == 60
    assert len(absences.list("time-off/policies", name="sick", page_size=200).json()) == 20
    names = [
        row["name"].lower() for row in absences.list("time-off/policies", sort_order="DESCENDING").json()
    ]
    assert names == sorted(names, reverse=True)


@pytest.mark.parametrize("kind", ["policy", "user"])
def test_balances(absences, kind):
    workspace = absences.emulator.workspace
    key = next(iter(workspace.policies if kind == "policy" else workspace.users))
    path = f"time-off/balance/{kind}/{key}"
    first, second = absences.list(path), absences.list(path, page=2)
    assert (first.json()["count"], len(first.json()["balances"])) == (60, 50)
    assert (first.headers["Last-Page"], second.headers["Last-Page"]) == ("false", "true")
    rows = first.json()["balances"] + second.json()["balances"]
    assert len({row["id"] for row in rows}) == 60
    assert {row[f"{kind}Id"] for row in rows} == {key}
    assert all(row["balance"] == row["total"] - row["used"] for row in rows)
    used = [row["used"] for row in absences.list(path, sort="USED", page_size=200).json()["balances"]]
    assert used == sorted(used)
    assert absences.list(path, page_size=201).status_code == 400
    assert absences.list(path, sort="NAME").status_code == 400
    assert absences.list(f"time-off/balance/{kind}/{'f' * 24}").json()["code"] == 501
