# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import pytest


def shared(client, **params):
    url = f"{client.emulator.url}/report/v1{client.workspace}/shared-reports"
    return client.session.get(url, params=params, timeout=10)


def names(client, **params):
    response = shared(client, **params)
    assert response.status_code == 200, response.text
    return [report["name"] for report in response.json()["reports"]]


@pytest.fixture
def saved(serve, empty):
    owner, employee = empty.users.values()
    group = empty.add_user_group("All", [owner.id, employee.id])
    empty.add_shared_report("mine", owner.id, type="SUMMARY")
    empty.add_shared_report("shown", owner.id, user_ids=(employee.id,), group_ids=(group.id,), public=True)
    empty.add_shared_report("theirs", employee.id)
    return serve(empty)


def test_row_in_full(saved):
    owner, employee = saved.emulator.workspace.users.values()
    (group,) = saved.emulator.workspace.user_groups.values()
    saved.emulator.behaviour.extra_fields = {"brandNew": 1}
    answer = shared(saved).json()
    assert answer["count"] == 2
    report = answer["reports"][1]
    assert report == {
        "id": report["id"],
        "name": "shown",
        "type": "DETAILED",
        "link": f"https://app.clockify.me/shared/{report['id']}",
        "isPublic": True,
        "fixedDate": False,
        "reportAuthor": owner.id,
        "visibleToUsers": [{"id": employee.id, "name": "Emil Employee", "brandNew": 1}],
        "visibleToUserGroups": [{"id": group.id, "name": "All", "brandNew": 1}],
        "brandNew": 1,
    }


def test_filters(saved):
    employee = saved.as_user(list(saved.emulator.workspace.users.values())[1])
    assert names(saved, sharedReportsFilter="ALL") == ["mine", "shown"]
    assert names(saved, sharedReportsFilter="ALL_ADMIN") == ["mine", "shown", "theirs"]
    assert names(saved, sharedReportsFilter="CREATED_BY_ME") == ["mine", "shown"]
    assert names(saved, sharedReportsFilter="SHARED_WITH_ME") == []
    assert names(employee) == ["shown", "theirs"]
    assert names(employee, sharedReportsFilter="SHARED_WITH_ME") == ["shown"]
    assert names(employee, sharedReportsFilter="ALL_ADMIN") == ["shown", "theirs"]


def test_an_unknown_filter_is_a_server_error(saved):
    assert shared(saved, sharedReportsFilter="EVERYTHING").status_code == 500


def test_pages_are_camel_case(serve, empty):
    for number in range(60):
        empty.add_shared_report(str(number), empty.owner.id)
    client = serve(empty)
    assert [len(names(client, page=page, pageSize=25)) for page in (1, 2, 3, 4)] == [25, 25, 10, 0]
    assert len(names(client, **{"page-size": 10})) == 50
    route = "GET /workspaces/{workspaceId}/shared-reports"
    assert client.emulator.unknown_parameters == {f"{route}?page-size": 1}
    assert shared(client, page=0).status_code == 400
    assert shared(client, pageSize=10).json()["count"] == 60


def test_paid_plans_only(saved):
    saved.emulator.workspace.plan = "FREE"
    assert shared(saved).status_code == 403


def test_generated_workspaces_have_some(client):
    assert names(client) == ["Monthly hours", "Team week", "Für mich"]
    assert len(names(client, sharedReportsFilter="ALL_ADMIN")) == 4
    workspace = client.emulator.workspace
    workspace.delete(next(iter(workspace.user_groups.values())))
    assert shared(client).json()["reports"][1]["visibleToUserGroups"] == []
