# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import pytest

from airflow_provider_clockify.testing import generate_workspace


@pytest.fixture
def lists(make_clockify_emulator, client):
    """A client of a workspace with more than one page of everything."""
    emulator = make_clockify_emulator(
        users=8,
        entries=20,
        clients=60,
        tags=60,
        tasks=60,
        user_groups=60,
        custom_fields=60,
        webhooks=60,
    )
    return type(client)(emulator)


@pytest.fixture
def project(lists):
    return next(iter(lists.emulator.workspace.projects.values()))


def collect(client, path, **params):
    """Read all pages by the header and return the rows."""
    rows, page = [], 1
    while True:
        response = client.list(path, page=page, **params)
        assert response.status_code == 200, response.text
        rows += response.json()
        if response.headers["Last-Page"] == "true":
            return rows
        page += 1


@pytest.mark.parametrize(
    ("path", "total"),
    [("clients", 64), ("tags", 65), ("projects/{project}/tasks", 63), ("user-groups", 62)],
)
def test_lists_page_by_page_size_and_tell_the_last_page(lists, project, path, total):
    path = path.format(project=project.id)
    first = lists.list(path)
    assert (len(first.json()), first.headers["Last-Page"]) == (50, "false")
    rows = collect(lists, path, page_size=7)
    assert len({row["id"] for row in rows}) == len(rows) == total
    past = lists.list(path, page=99)
    assert (past.json(), past.headers["Last-Page"]) == ([], "true")
    assert len(lists.list(path, page_size=5000).json()) == total
    for refused in ({"page_size": 5001}, {"page_size": 0}, {"page": 0}, {"sort_column": "AGE"}):
        assert lists.list(path, **refused).status_code == 400
    assert len(lists.list(path, pageSize=5000).json()) == 50
    assert sum(lists.emulator.unknown_parameters.values()) == 1


def test_clients_have_both_states_unless_asked(lists):
    everyone = collect(lists, "clients")
    archived = collect(lists, "clients", archived="true")
    active = collect(lists, "clients", archived="false")
    assert archived
    assert len(everyone) == len(archived) + len(active)
    assert [row["name"] for row in lists.list("clients", name="GLOB").json()] == ["Globex"]
    (globex,) = lists.list("clients", name="Globex").json()
    assert (globex["currencyCode"], globex["ccEmails"]) == ("EUR", None)
    assert {type(row["ccEmails"]) for row in everyone} == {type(None), list}
    names = [row["name"].lower() for row in everyone]
    assert names == sorted(names)
    assert lists.list("clients", archived="maybe").json()["code"] == 3000


def test_tags_are_filtered(lists):
    everyone = {row["id"] for row in collect(lists, "tags")}
    archived = {row["id"] for row in collect(lists, "tags", archived="true")}
    assert everyone - archived == {row["id"] for row in collect(lists, "tags", archived="false")}
    assert len(lists.list("tags", name="TAG-000").json()) == 9
    assert lists.list("tags", name="tag-000", strict_name_search="true").json() == []
    (row,) = lists.list("tags", name="tag-0001", strict_name_search="true").json()
    assert set(row) == {"id", "name", "archived", "workspaceId"}
    left = collect(lists, "tags", excluded_ids=row["id"])
    assert row["id"] not in {tag["id"] for tag in left}
    by_id = [tag["id"] for tag in collect(lists, "tags", sort_column="ID")]
    assert by_id == sorted(by_id)


def test_tasks_of_a_project(lists, project):
    path = f"projects/{project.id}/tasks"
    everyone = collect(lists, path)
    active, done = (collect(lists, path, is_active=flag) for flag in ("true", "false"))
    assert ({row["status"] for row in active}, {row["status"] for row in done}) == ({"ACTIVE"}, {"DONE"})
    assert len(everyone) == len(active) + len(done)
    assert [row["name"] for row in lists.list(path, name="Build", strict_name_search="true").json()] == [
        "Build"
    ]
    assert lists.list(path, is_active="x").json()["code"] == 3000
    assert lists.list(f"projects/{'f' * 24}/tasks").json()["code"] == 501


def test_tasks_of_an_inaccessible_project_are_not_there(serve, empty):
    secret = empty.add_project("Secret", public=False)
    client = serve(empty)
    employee = client.as_user(list(empty.users.values())[1])
    assert client.list(f"projects/{secret.id}/tasks").status_code == 200
    for tail in ("", "/tasks", "/custom-fields"):
        response = employee.list(f"projects/{secret.id}{tail}")
        assert (response.status_code, response.json()["code"]) == (400, 501)


def test_user_groups(lists, project):
    workspace = lists.emulator.workspace
    group = next(iter(workspace.user_groups.values()))
    workspace.change(project, group_ids=(group.id,))
    (row,) = lists.list("user-groups", project_id=project.id).json()
    assert (row["id"], row["teamManagers"]) == (group.id, [])
    assert lists.list("user-groups", project_id="f" * 24).json() == []
    (row,) = lists.list("user-groups", name="group 0002", includeTeamManagers="true").json()
    assert [manager["name"] for manager in row["teamManagers"]] == ["Ada Example", "Zoë Müller"]
    single = lists.list(f"user-groups/{group.id}")
    assert (single.status_code, single.headers["Allow"]) == (405, "DELETE, PUT")
    for method in ("PUT", "DELETE"):
        assert lists.send(method, f"{lists.workspace}/user-groups/{group.id}", {}).json()["code"] == 0


@pytest.mark.parametrize("path", ["custom-fields", "projects/{project}/custom-fields"])
def test_custom_fields_ignore_pages(lists, project, path):
    path = path.format(project=project.id)
    pages = [lists.list(path, page=page, page_size=2) for page in (1, 2, 99)]
    assert pages[0].json() == pages[1].json() == pages[2].json()
    assert len(pages[0].json()) > 49
    assert all("Last-Page" not in page.headers for page in pages)
    assert sum(lists.emulator.unknown_parameters.values()) == 6


def test_custom_fields_are_filtered(lists, project):
    fields = lists.list("custom-fields").json()
    users = lists.list("custom-fields", entity_type="USER").json()
    assert {row["entityType"] for row in users} == {"USER"}
    inactive = lists.list("custom-fields", status="INACTIVE").json()
    assert 0 < len(inactive) < len(fields)
    assert lists.list("custom-fields", status="ACTIVE").status_code == 400
    assert [row["name"] for row in lists.list("custom-fields", name="ticket").json()] == ["Ticket"]
    # A project that overrides the status shows the field under its own.
    own = lists.list(f"projects/{project.id}/custom-fields", status="VISIBLE").json()
    assert len(own) == 50
    assert own[-1]["projectDefaultValues"] == [{"projectId": project.id, "status": "VISIBLE", "value": "red"}]


def test_webhooks_are_unpaged_and_closed_to_addons(lists):
    response = lists.list("webhooks", page_size=1)
    assert response.json()["workspaceWebhookCount"] == len(response.json()["webhooks"]) == 60
    assert "Last-Page" not in response.headers
    assert len(lists.list("webhooks", type="USER_CREATED").json()["webhooks"]) == 60
    assert lists.list("webhooks", type="ADDON").json() == {"workspaceWebhookCount": 60, "webhooks": []}
    assert lists.list("webhooks", type="SYSTEM").status_code == 500
    assert lists.list("webhooks", type="OTHER").status_code == 400
    del lists.session.headers["X-Api-Key"]
    lists.session.headers["X-Addon-Token"] = lists.emulator.workspace.addon_token
    assert lists.list("webhooks").status_code == 403
    assert lists.list("tags").status_code == 200


def test_users_info_filters_by_body(lists):
    path = f"{lists.workspace}/users/info"

    def ids(**body):
        response = lists.post(path, body)
        assert response.status_code == 200, response.text
        return [row["id"] for row in response.json()]

    assert ids() == [row["id"] for row in lists.list("users").json()]
    assert "Last-Page" not in lists.post(path, {}).headers
    workspace = lists.emulator.workspace
    limited = next(user for user in workspace.users.values() if user.account_status == "LIMITED")
    assert ids(accountStatuses=["LIMITED"]) == [limited.id]
    assert ids(roles=["OWNER"]) == [workspace.owner.id]
    assert len(ids(roles=["OWNER", "WORKSPACE_ADMIN"])) == 2
    assert ids(roles=["PROJECT_MANAGER"]) == []
    engineering = next(iter(workspace.user_groups.values()))
    assert set(ids(userGroups=[engineering.id])) <= set(engineering.user_ids)
    assert ids(email="USER2@") == ids(name="zoë", pageSize=1)
    assert ids(page=2, pageSize=3) == ids()[3:6]
    assert len(ids(**{"page-size": 1})) == len(ids())
    assert ids(sortColumn="ID", sortOrder="DESCENDING") == sorted(ids(), reverse=True)
    rows = lists.post(path, {"memberships": "WORKSPACE", "includeRoles": True}).json()
    assert rows[0]["memberships"]
    assert rows[0]["roles"] == [{"role": "OWNER"}]
    for refused in ({"status": "X"}, {"roles": ["KING"]}, {"memberships": "X"}, {"page": "1"}):
        assert lists.post(path, refused).json()["code"] == 3002
    assert lists.post(path, {"page": 0}).json()["code"] == 501


def test_managers_and_member_profile(lists):
    workspace = lists.emulator.workspace
    last = list(workspace.users.values())[-2]
    rows = collect(lists, f"users/{last.id}/managers", page_size=1)
    assert len(rows) >= 1
    assert {row["id"] for row in rows} <= {user.id for user in list(workspace.users.values())[:3]}
    profile = lists.list(f"member-profile/{last.id}").json()
    assert (profile["weekStart"], profile["workCapacity"]) == ("MONDAY", "PT8H")
    for path in (f"users/{'f' * 24}/managers", f"member-profile/{'f' * 24}"):
        assert lists.list(path).json()["code"] == 501


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "custom-fields"),
        ("GET", "projects/PROJECT/custom-fields"),
        ("GET", "expenses"),
        ("GET", "expenses/ID"),
        ("GET", "expenses/categories"),
        ("GET", "invoices"),
        ("GET", "invoices/ID"),
        ("GET", "invoices/ID/payments"),
        ("POST", "invoices/info"),
        ("POST", "time-off/requests"),
        ("GET", "time-off/policies"),
        ("GET", "time-off/balance/policy/ID"),
        ("GET", "time-off/balance/user/ID"),
        ("GET", "scheduling/assignments/all"),
        ("GET", "scheduling/assignments/users/ID/totals"),
        ("POST", "scheduling/assignments/projects/totals"),
    ],
)
def test_what_the_free_plan_lacks(serve, method, path):
    client = serve(generate_workspace(entries=0, plan="FREE"))
    response = client.send(method, f"{client.workspace}/{path}", {} if method == "POST" else None)
    assert (response.status_code, response.json()["code"]) == (403, 403)
    assert client.list("tags").status_code == 200
    assert client.list("holidays").status_code == 200


def test_extra_fields_are_on_every_item(serve):
    extra = {"somethingNew": {"deep": [1, None]}}
    client = serve(generate_workspace(entries=30), extra_fields=extra)

    def has(row):
        return row["somethingNew"] == extra["somethingNew"]

    owner = client.emulator.workspace.owner.id
    paths = (
        "clients",
        "tags",
        "projects",
        "users",
        "holidays",
        "custom-fields",
        f"user/{owner}/time-entries",
    )
    for path in paths:
        rows = client.list(path).json()
        assert rows
        assert all(has(row) for row in rows), path
    assert all(has(row) for row in client.list("expenses").json()["expenses"]["expenses"])
    assert all(has(row) for row in client.list("invoices").json()["invoices"])
    assert all(has(row) for row in client.list("webhooks").json()["webhooks"])
    report = client.detailed().json()
    assert len(report["timeentries"]) == 30
    assert all(has(row) for row in report["timeentries"])
    assert "somethingNew" not in client.get("/user").json()
    assert client.get("/workspaces").json()[0]["somethingNew"] == extra["somethingNew"]
    assert client.get("/nothing").json().keys() == {"message", "code"}
    assert client.detailed(
        {"dateRangeStart": "2020-01-01T00:00:00", "dateRangeEnd": "2020-01-02T00:00:00"}
    ).json()["totals"] == [None]


@pytest.mark.parametrize("path", ["clients", "tags", "projects/{project}/tasks"])
def test_one_item_is_as_in_its_list_and_a_missing_one_a_501(lists, project, path):
    path = path.format(project=project.id)
    for row in lists.list(path).json()[:3]:
        assert lists.list(f"{path}/{row['id']}").json() == row
    missing = lists.list(f"{path}/{'f' * 24}")
    assert (missing.status_code, missing.json()["code"]) == (400, 501)
    assert "doesn't belong to" in missing.json()["message"]
