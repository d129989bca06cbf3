# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import pytest

from airflow_provider_clockify.exceptions import (
    ClockifyAuthError,
    ClockifyBadRequestError,
    ClockifyForbiddenError,
    ClockifyNotFoundError,
)
from airflow_provider_clockify.reading.report_reader import ReportReader
from airflow_provider_clockify.service.lists import PROJECTS, WORKSPACES, logged_user, project, workspace
from airflow_provider_clockify.service.report_kinds import detailed


def check(error, emulator, status, code, operation, cure):
    """An error has the facts as attributes, names connection, operation and cure, and never shows the key."""
    assert (error.status, error.code, error.operation, error.attempts) == (status, code, operation, 1)
    text = str(error)
    assert text.startswith(f"Connection 'clockify_test', {operation} on 127.0.0.1:")
    assert cure in text
    assert emulator.api_key not in text
    assert len(emulator.requests) == 1


def test_an_unknown_key_is_4003(emulator, client_of):
    with pytest.raises(ClockifyAuthError) as caught:
        client_of(emulator, key="wrong", region="eu", subdomain="acme").get(logged_user())
    check(caught.value, emulator, 401, 4003, "getLoggedUser", "belongs to another region or subdomain")
    assert f"(host {emulator.url})" in str(caught.value)
    assert caught.value.reason == "Api key does not exist"
    assert "wrong" not in str(caught.value)


def test_an_unknown_addon_token_is_4017(emulator, client_of):
    client = client_of(emulator, key="wrong-token", auth_type="addon_token")
    with pytest.raises(ClockifyAuthError) as caught:
        client.get(workspace(emulator.workspace.id))
    check(caught.value, emulator, 401, 4017, "getWorkspaceOfUser", "set extra.auth_type to api_key")


def test_a_key_where_a_token_is_expected_names_the_setting(emulator, client_of):
    client = client_of(emulator, auth_type="addon_token")
    with pytest.raises(ClockifyAuthError) as caught:
        client.get(logged_user())
    check(caught.value, emulator, 401, 4017, "getLoggedUser", "set extra.auth_type to api_key")


def test_a_credential_that_does_not_arrive_is_1000(emulator, client):
    client.transport.session.auth = None
    client.transport.session.trust_env = False
    with pytest.raises(ClockifyAuthError) as caught:
        client.get(logged_user())
    check(caught.value, emulator, 401, 1000, "getLoggedUser", "a proxy on the way may drop or add headers")


def test_two_credentials_are_1000(emulator, client):
    client.transport.session.headers["X-Addon-Token"] = "another"
    with pytest.raises(ClockifyAuthError) as caught:
        client.get(logged_user())
    check(caught.value, emulator, 401, 1000, "getLoggedUser", "No credential, or two, arrived")


def test_a_forbidden_list_names_role_and_plan(emulator, client_of):
    client = client_of(emulator, key=emulator.workspace.addon_token, auth_type="addon_token")
    with pytest.raises(ClockifyForbiddenError) as caught:
        list(client.iterate(WORKSPACES))
    check(caught.value, emulator, 403, 403, "getWorkspacesOfUser", "use the key of an owner or admin")
    assert "HIDE_AMOUNT" not in str(caught.value)


def test_a_deactivated_members_key_is_forbidden(emulator, client_of):
    gone = next(u for u in emulator.workspace.users.values() if u.membership_status == "INACTIVE")
    with pytest.raises(ClockifyForbiddenError) as caught:
        list(client_of(emulator, key=gone.api_key).iterate(PROJECTS, workspace_id=emulator.workspace.id))
    check(caught.value, emulator, 403, 403, "getProjects", "role or the workspace's plan")


def test_an_unknown_workspace_is_not_found_although_it_is_a_400(emulator, client):
    with pytest.raises(ClockifyNotFoundError) as caught:
        client.get(workspace("66b0c1a2d3e4f5a6b7c8dead"))
    check(caught.value, emulator, 400, 501, "getWorkspaceOfUser", "Check the workspace id")


def test_an_unknown_project_is_not_found(emulator, client):
    with pytest.raises(ClockifyNotFoundError) as caught:
        client.get(project(emulator.workspace.id, "66b0c1a2d3e4f5a6b7c8dead", hydrated=True))
    check(caught.value, emulator, 400, 501, "getProject", "deleted, foreign and mistyped ids")


def test_a_wrong_host_is_a_404_that_names_region_and_urls(emulator, client_of, november):
    client = client_of(emulator, reports_url=f"{emulator.url}/api/v1")
    reader = ReportReader(client.send, detailed(emulator.workspace.id, {}), concurrency=1)
    with pytest.raises(ClockifyNotFoundError) as caught:
        list(client.iterate_report(reader, november))
    check(
        caught.value, emulator, 404, 3000, "generateDetailedReport", "Check region, subdomain, host and URLs"
    )


def test_a_wrong_parameter_is_a_bad_request_with_the_services_reason(emulator, client):
    request = PROJECTS.request(workspace_id=emulator.workspace.id).with_values({"is-template": "perhaps"})
    with pytest.raises(ClockifyBadRequestError, match="is-template") as caught:
        client.send(request, bytes)
    assert not isinstance(caught.value, ClockifyNotFoundError)
    check(caught.value, emulator, 400, 3000, "getProjects", "Check the parameters")
