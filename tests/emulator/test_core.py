# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

DAY = datetime(2026, 11, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


# --- credentials -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 1000),
        ({"X-Api-Key": "KEY", "X-Addon-Token": "TOKEN"}, 1000),
        ({"Authorization": "Bearer KEY"}, 1000),
        ({"X-Api-Key": "wrong"}, 4003),
        ({"X-Addon-Token": "wrong"}, 4017),
    ],
)
def test_credentials_that_are_refused(client, headers, code):
    known = {"KEY": client.emulator.api_key, "TOKEN": client.emulator.workspace.addon_token}
    client.session.headers.pop("X-Api-Key")
    for name, value in headers.items():
        client.session.headers[name] = known.get(value, value)
    response = client.get("/user")
    assert (response.status_code, response.json()["code"]) == (401, code)


def test_addon_token_opens_its_workspace_but_not_the_list(client):
    client.session.headers.pop("X-Api-Key")
    client.session.headers["X-Addon-Token"] = client.emulator.workspace.addon_token
    assert client.get(f"{client.workspace}/users").status_code == 200
    assert client.detailed().status_code == 200
    assert client.get("/workspaces").status_code == 403


def test_deactivated_member_and_foreign_workspace(client):
    inactive = next(u for u in client.emulator.workspace.users.values() if u.membership_status == "INACTIVE")
    assert client.as_user(inactive).get(f"{client.workspace}/users").status_code == 403
    response = client.get(f"/workspaces/{'f' * 24}/users")
    assert (response.status_code, response.json()["code"]) == (400, 501)
    assert "doesn't belong to" in response.json()["message"]


# --- routes ------------------------------------------------------------------------------------------------


def test_unknown_path_and_wrong_verb(client):
    response = client.get("/nothing/here")
    assert (response.status_code, response.json()["code"]) == (404, 3000)
    assert "No static resource" in response.json()["message"]
    report = f"{client.emulator.url}/report/v1{client.workspace}/reports/detailed"
    response = client.session.get(report, timeout=10)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    wrong_host = client.post(f"{client.workspace}/reports/detailed", {})
    assert (wrong_host.status_code, wrong_host.json()["code"]) == (404, 3000)


def test_json_must_be_announced_and_readable(client):
    url = f"{client.emulator.url}/api/v1{client.workspace}/time-entries"
    assert client.session.post(url, data="{}", timeout=10).status_code == 415
    headers = {"Content-Type": "application/json;charset=utf-8"}
    response = client.session.post(url, data="{", headers=headers, timeout=10)
    assert (response.status_code, response.json()["code"]) == (400, 3002)


# --- people and workspaces ---------------------------------------------------------------------------------


def test_user_tells_the_profile_zone(client):
    document = client.get("/user").json()
    assert document["settings"]["timeZone"] == "Europe/Belgrade"
    assert document["activeWorkspace"] == client.emulator.workspace.id
    assert document["memberships"] == []
    kinds = {
        m["membershipType"] for m in client.get("/user", include_memberships="true").json()["memberships"]
    }
    assert kinds == {"WORKSPACE", "PROJECT", "USERGROUP"}


def test_workspaces_are_unpaged_and_filtered_by_role(serve, empty):
    other = type(empty)(workspace_id="66b0c1a2d3e4f5a6b7c8d002", plan="FREE")
    other.users[empty.owner.id] = empty.owner
    client = serve([empty, other])
    response = client.get("/workspaces", page_size=1)
    assert [w["id"] for w in response.json()] == [empty.id, other.id]
    assert "Last-Page" not in response.headers
    assert [w["featureSubscriptionType"] for w in response.json()] == ["PRO", "FREE"]
    assert client.get("/workspaces", roles="WORKSPACE_ADMIN").json() == []
    assert len(client.get("/workspaces", roles=["WORKSPACE_ADMIN", "OWNER"]).json()) == 2
    assert client.get("/workspaces", roles="KING").status_code == 400
    employee = client.as_user(list(empty.users.values())[1])
    assert [w["id"] for w in employee.get("/workspaces").json()] == [empty.id]
    assert client.get(f"/workspaces/{other.id}").json()["id"] == other.id


def test_limited_accounts_hide_unless_asked_for(client):
    path = f"{client.workspace}/users"
    everyone = {user.id for user in client.emulator.workspace.users.values()}
    shown = {user["id"] for user in client.get(path).json()}
    hidden = everyone - shown
    assert {client.emulator.workspace.users[key].account_status for key in hidden} == {"LIMITED"}
    assert {user["id"] for user in client.get(path, status="ALL").json()} == shown
    asked = client.get(path, account_statuses="ACTIVE,LIMITED").json()
    assert {user["id"] for user in asked} == everyone


def test_deactivated_user_has_an_active_account(client):
    path = f"{client.workspace}/users"
    (user,) = client.get(path, status="INACTIVE", memberships="WORKSPACE").json()
    assert user["status"] == "ACTIVE"
    assert [m["membershipStatus"] for m in user["memberships"]] == ["INACTIVE"]
    assert all(u["memberships"] == [] for u in client.get(path).json())


def test_users_are_filtered_sorted_and_paged(client):
    path = f"{client.workspace}/users"
    by_email = [user["email"] for user in client.get(path).json()]
    assert by_email == sorted(by_email)
    backwards = client.get(path, sort_column="ID", sort_order="DESCENDING").json()
    assert [u["id"] for u in backwards] == sorted((u["id"] for u in backwards), reverse=True)
    assert [u["email"] for u in client.get(path, email="USER2@").json()] == ["user2@example.com"]
    assert [u["name"] for u in client.get(path, name="zoë").json()] == ["Zoë Müller"]
    assert client.get(path, page_size=4).headers["Last-Page"] == "true"
    pages = [client.get(path, page_size=3, page=page) for page in (1, 2, 3)]
    assert [len(page.json()) for page in pages] == [3, 1, 0]
    assert [page.headers["Last-Page"] for page in pages] == ["false", "true", "true"]


@pytest.mark.parametrize(
    "params",
    [
        {"page": 0},
        {"page": "x"},
        {"page_size": 0},
        {"page_size": 5001},
        {"sort_column": "AGE"},
        {"status": "X"},
    ],
)
def test_bad_parameters_are_refused(client, params):
    assert client.get(f"{client.workspace}/users", **params).status_code == 400


def test_wrong_page_spelling_is_ignored_but_counted(make_clockify_emulator, serve):
    emulator = make_clockify_emulator(users=60, entries=0)
    client = type(serve(emulator.workspace))(emulator)
    rows = client.session.get(
        f"{emulator.url}/api/v1{client.workspace}/users?pageSize=1000", timeout=10
    ).json()
    assert len(rows) == 50
    assert emulator.unknown_parameters == {"GET /workspaces/{workspaceId}/users?pageSize": 1}


# --- projects ----------------------------------------------------------------------------------------------


@pytest.fixture
def projects(serve, empty):
    clients = [empty.add_client("Globex", currency="USD"), empty.add_client("Old", archived=True)]
    employee = list(empty.users.values())[1]
    empty.add_project("Alpha", client_id=clients[0].id, member_ids=(employee.id,))
    empty.add_project("alpha two", client_id=clients[1].id, archived=True, billable=False)
    empty.add_project("Secret", public=False)
    empty.add_project("Template", template=True)
    return serve(empty)


def names(client, **params):
    response = client.get(f"{client.workspace}/projects", **params)
    assert response.status_code == 200, response.text
    return [project["name"] for project in response.json()]


def test_projects_without_archived_are_all(projects):
    assert names(projects) == ["Alpha", "alpha two", "Secret", "Template"]
    assert names(projects, archived="true") == ["alpha two"]
    assert names(projects, archived="false") == ["Alpha", "Secret", "Template"]


def test_project_filters(projects):
    workspace = projects.emulator.workspace
    globex, old = workspace.clients
    employee = list(workspace.users)[1]
    assert names(projects, name="ALPHA") == ["Alpha", "alpha two"]
    assert names(projects, name="Alpha", strict_name_search="true") == ["Alpha"]
    assert names(projects, billable="true") == ["Alpha", "Secret", "Template"]
    assert names(projects, billable="false") == names(projects)
    assert names(projects, clients=[globex, old]) == ["Alpha", "alpha two"]
    assert names(projects, clients=globex, contains_client="false") == ["alpha two", "Secret", "Template"]
    assert names(projects, client_status="ARCHIVED") == ["alpha two"]
    assert names(projects, users=employee) == ["Alpha"]
    assert names(projects, users=employee, contains_user="false") == ["alpha two", "Secret", "Template"]
    assert names(projects, users=employee, user_status="INACTIVE") == []
    assert names(projects, is_template="true") == ["Template"]
    assert names(projects, access="PRIVATE") == ["Secret"]
    assert names(projects, sort_column="ID", sort_order="DESCENDING")[0] == "Template"


def test_employee_sees_accessible_projects_only(projects):
    employee = projects.as_user(list(projects.emulator.workspace.users.values())[1])
    assert "Secret" not in names(employee)
    secret = next(p for p in projects.emulator.workspace.projects.values() if p.name == "Secret")
    assert employee.get(f"{projects.workspace}/projects/{secret.id}").status_code == 400


def test_hydrated_projects_and_missing_ones(projects):
    workspace = projects.emulator.workspace
    alpha = next(iter(workspace.projects.values()))
    workspace.add_task(alpha.id, "Build")
    workspace.add_entry(start=DAY, end=DAY + HOUR, project_id=alpha.id)
    plain = projects.get(f"{projects.workspace}/projects/{alpha.id}").json()
    rich = projects.get(f"{projects.workspace}/projects/{alpha.id}", hydrated="true").json()
    assert plain["duration"] == "PT1H"
    assert "tasks" not in plain
    assert [task["name"] for task in rich["tasks"]] == ["Build"]
    assert (rich["client"]["name"], rich["currency"]["code"]) == ("Globex", "USD")
    assert projects.get(f"{projects.workspace}/projects", hydrated="true").json()[0] == rich
    response = projects.get(f"{projects.workspace}/projects/{'f' * 24}")
    assert (response.status_code, response.json()["code"]) == (400, 501)
    assert response.json()["message"] == "Project doesn't belong to Workspace"
