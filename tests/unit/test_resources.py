# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.service import lists as resources
from airflow_provider_clockify.service.lists import PROJECTS, TIME_ENTRIES, USERS, WORKSPACES
from airflow_provider_clockify.window import Window

DAY = Window(datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 11, tzinfo=UTC))


def new_entry(**fields):
    given_fields = {
        "start": DAY.start,
        "end": None,
        "user_id": None,
        "description": None,
        "project_id": None,
        "clockify_task_id": None,
        "tag_ids": None,
        "billable": None,
        "entry_type": None,
        "custom_fields": None,
    }
    return resources.new_time_entry("w", **{**given_fields, **fields})


@pytest.mark.parametrize(
    ("resource", "arguments", "operation", "path"),
    [
        (WORKSPACES, {}, "getWorkspacesOfUser", "/workspaces"),
        (USERS, {"workspace_id": "w"}, "getUsersOfWorkspace", "/workspaces/w/users"),
        (PROJECTS, {"workspace_id": "w/x"}, "getProjects", "/workspaces/w%2Fx/projects"),
        (
            TIME_ENTRIES,
            {"workspace_id": "w", "user_id": "u"},
            "getTimeEntries",
            "/workspaces/w/user/u/time-entries",
        ),
    ],
)
def test_lists_are_reads_of_the_core_service(resource, arguments, operation, path):
    request = resource.request(**arguments)
    assert (request.operation, request.path) == (operation, path)
    assert (request.service, request.method, request.json, request.idempotent) == ("core", "GET", None, True)


def test_lists_that_can_be_sorted_are_read_in_an_append_only_order():
    for resource in (USERS, PROJECTS):
        assert resource.request(workspace_id="w").params == {"sort-column": "ID", "sort-order": "ASCENDING"}


def test_lists_that_ignore_paging_are_not_paged():
    assert WORKSPACES.page_size is None
    assert {resource.page_size for resource in (USERS, PROJECTS, TIME_ENTRIES)} == {5000}


def test_filters_go_under_their_names_on_the_wire():
    filters = {
        "project_id": "p",
        "account_statuses": ["LIMITED", "ACTIVE"],
        "include_roles": True,
        "status": None,
    }
    request = USERS.request(filters, workspace_id="w")
    assert request.query() == [
        ("sort-column", "ID"),
        ("sort-order", "ASCENDING"),
        ("project-id", "p"),
        ("account-statuses", "LIMITED"),
        ("account-statuses", "ACTIVE"),
        ("include-roles", "true"),
    ]


def test_sets_of_ids_are_sent_in_a_stable_order():
    request = PROJECTS.request({"clients": {"c", "a", "b"}}, workspace_id="w")
    assert request.params["clients"] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("filters", "text"),
    [
        (
            {"archive": True},
            "getProjects has no filter 'archive'. Did you mean 'archived'? It has: access, archived",
        ),
        ({"zzz": 1}, "getProjects has no filter 'zzz'. It has:"),
        ({"page-size": 5}, "getProjects has no filter 'page-size'"),
        ({"name": 1.5}, "Filter name=1.5: give text, a number, a bool or a list of texts"),
        ({"name": {"a": 1}}, "Filter name="),
        ({"clients": [1, 2]}, "Filter clients=[1, 2]"),
    ],
)
def test_wrong_filters_are_refused_with_a_hint(filters, text):
    with pytest.raises(ClockifyConfigError) as caught:
        PROJECTS.request(filters, workspace_id="w")
    assert text in str(caught.value)


def test_single_requests():
    assert resources.logged_user().path == "/user"
    assert resources.workspace("w").path == "/workspaces/w"
    request = resources.project("w", "p", hydrated=True)
    assert (request.path, request.query()) == ("/workspaces/w/projects/p", [("hydrated", "true")])


def test_time_entries_are_asked_for_fourteen_hours_wider_on_both_sides():
    filters = {"in_progress": False, **TIME_ENTRIES.bounds(DAY)}
    request = TIME_ENTRIES.request(filters, workspace_id="w", user_id="u")
    assert request.params == {
        "in-progress": False,
        "start": "2026-11-09T10:00:00Z",
        "end": "2026-11-11T14:00:01Z",
    }


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
    st.timedeltas(timedelta(microseconds=1), timedelta(days=40)),
    st.timedeltas(timedelta(hours=-14), timedelta(hours=14)),
)
def test_the_asked_range_covers_the_window_whatever_the_shift(start, length, shift):
    window = Window(start.replace(tzinfo=UTC), start.replace(tzinfo=UTC) + length)
    params = TIME_ENTRIES.request(TIME_ENTRIES.bounds(window), workspace_id="w", user_id="u").params
    first, last = (datetime.fromisoformat(params[name]) for name in ("start", "end"))
    assert first - shift <= window.start
    assert last - shift >= window.end


def test_a_new_entry_has_only_the_fields_given():
    request = new_entry()
    assert request.json == {"start": "2026-11-10T00:00:00Z"}
    assert (request.operation, request.method, request.path) == (
        "createTimeEntry",
        "POST",
        "/workspaces/w/time-entries",
    )
    assert not request.idempotent


def test_a_new_entry_for_somebody_else_is_another_operation():
    request = new_entry(user_id="u")
    assert (request.operation, request.path) == ("createForOthers", "/workspaces/w/user/u/time-entries")
    assert not request.idempotent


def test_a_new_entry_with_everything():
    zone = timezone(timedelta(hours=2))
    request = new_entry(
        start=datetime(2026, 11, 10, 2, tzinfo=zone),
        end=datetime(2026, 11, 10, 3, 0, 0, 999_999, tzinfo=zone),
        description="",
        project_id="p",
        clockify_task_id="t",
        tag_ids=[],
        billable=False,
        entry_type="BREAK",
        custom_fields={"f": None},
    )
    assert request.json == {
        "start": "2026-11-10T00:00:00Z",
        "end": "2026-11-10T01:00:00Z",
        "description": "",
        "projectId": "p",
        "taskId": "t",
        "tagIds": [],
        "billable": False,
        "type": "BREAK",
        "customFields": [{"customFieldId": "f", "sourceType": "TIMEENTRY", "value": None}],
    }


def test_custom_fields_in_the_services_own_form_are_passed_on():
    own = [{"customFieldId": "f", "sourceType": "PROJECT", "value": 1}]
    assert new_entry(custom_fields=own).json["customFields"] == own
