# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Compare what we send with what Clockify's API takes.

That is in ``operations.py``, as far as we use it. Where ``CLOCKIFY_OPENAPI`` names a copy of Clockify's own OpenAPI
description, the table is compared with it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from operations import OPERATIONS

from airflow_provider_clockify.reading import rendered_files as files
from airflow_provider_clockify.service import filters
from airflow_provider_clockify.service import lists as resources
from airflow_provider_clockify.service import report_kinds as reports
from airflow_provider_clockify.service.lists import ITEMS, LISTS, Resource
from airflow_provider_clockify.service.messages import ApiRequest
from airflow_provider_clockify.window import Window

DAY = Window(datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 11, tzinfo=UTC))
WEEK = Window(datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC))

# What we send although the OpenAPI description does not have it: (operation, name) and why.
KNOWN_DEVIATIONS: dict[tuple[str, str], str] = {
    ("getApprovalRequests", "types"): "accepted by the service (observed 2026-08)",
    ("getSharedReportsV1", "ALL_ADMIN"): "accepted by the service (observed 2026-08)",
}
ALL_LISTS: dict[str, Resource] = {
    **LISTS,
    **{f"one {name}": each for name, each in ITEMS.items()},
    "balances of a user": resources.BALANCES_OF_USER,
}
# What a filter of instants, of numbers and of choices takes; all others take text.
SAMPLES: dict[str, Any] = {
    "start": DAY.start,
    "end": DAY.end,
    "type": "ADDON",
    "shared_reports_filter": "ALL",
}

REPORTS: dict[str, ApiRequest] = {
    "detailed": reports.detailed_request("W", DAY, {}, 1, 1000),
    "summary": reports.summary_request("W", DAY, {}, ("USER", "PROJECT")),
    "weekly": reports.weekly_request("W", WEEK, {}, "USER"),
    "attendance": reports.attendance_request("W", DAY, {}, 1, 200),
    "expenses": reports.expenses("W", {}).request(DAY, 1, 200),
}
# Our groups beyond those of the OpenAPI description: accepted by the service all the same (observed 2026-08).
GROUPS_BEYOND = {"USER", "TAG"}


def unknown(operation: str, names: set[str], known: set[str]) -> set[str]:
    return {name for name in names - known if (operation, name) not in KNOWN_DEVIATIONS}


def choices_of(operation: str, name: str) -> list[str]:
    """Return the choices of a query parameter; none if it takes anything."""
    return OPERATIONS[operation].query[name].split()


def assert_same_place(request: ApiRequest) -> None:
    """Their path has names where ours has values, and begins with the version."""
    method, path = OPERATIONS[request.operation].call.split()
    ours, theirs = request.path.split("/"), path.removeprefix("/v1").split("/")
    assert request.method == method
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine == other or other.startswith("{")


def new_entry(**fields: Any) -> ApiRequest:
    given: dict[str, Any] = {
        "end": DAY.end,
        "user_id": None,
        "description": "d",
        "project_id": "p",
        "clockify_task_id": "t",
        "tag_ids": ["g"],
        "billable": True,
        "entry_type": "REGULAR",
        "custom_fields": {"f": 1},
    }
    return resources.new_time_entry("W", start=DAY.start, **{**given, **fields})


SINGLE = {
    "logged user": resources.logged_user(),
    "workspace": resources.workspace("W"),
    "project": resources.project("W", "P", hydrated=True),
    "new entry": new_entry(),
    "new entry for others": new_entry(user_id="U"),
    "member profile": resources.member_profile("W", "U"),
}


@pytest.mark.parametrize("request_", [*SINGLE.values(), *REPORTS.values()], ids=[*SINGLE, *REPORTS])
def test_every_request_is_a_known_operation(request_):
    assert_same_place(request_)
    known = set(OPERATIONS[request_.operation].query)
    assert unknown(request_.operation, set(request_.params), known) == set()


@pytest.mark.parametrize("resource", ALL_LISTS.values(), ids=ALL_LISTS.keys())
def test_every_list_its_filters_and_its_paging_are_known(resource):
    operation = OPERATIONS[resource.operation]
    given = {
        name: SAMPLES.get(name, "true" if name in resources._FLAGS else "x") for name in resource.filters
    }
    request = resource.request(given, workspace_id="W", **dict.fromkeys(resource.arguments, "X"))
    assert_same_place(request)
    if resource.page_size is not None:
        request = resource.page(request, 1, resource.page_size)
    assert unknown(resource.operation, set(request.params), set(operation.query)) == set()
    assert unknown(resource.operation, set(request.json or {}), set(operation.body)) == set()


@pytest.mark.parametrize("resource", ALL_LISTS.values(), ids=ALL_LISTS.keys())
def test_choices_and_orders_of_lists_are_theirs(resource):
    for name, values in resource.choices.items():
        known = OPERATIONS[resource.operation].query.get(resource.filters[name], "").split()
        assert unknown(resource.operation, set(values), set(known or values)) == set()
    for name, value in resource.order.items():
        assert value in (choices_of(resource.operation, name) or [value])


@pytest.mark.parametrize("user_id", [None, "U"])
def test_fields_of_a_new_entry_are_known(user_id):
    request = new_entry(user_id=user_id)
    assert_known(request.json, OPERATIONS[request.operation].body, request.operation)


def full_filters(report: str, *, file: bool = False) -> dict[str, Any]:
    """Every filter of a report, in the form that is sent."""
    samples: dict[str, Any] = {
        **dict.fromkeys(filters._ID_FILTERS, ["x"]),
        **{name: values[0] for name, values in filters._CHOICES.items()},
        **dict.fromkeys(filters._BOOLEANS, True),
        **dict.fromkeys(filters._TEXTS, "x"),
        "amounts": ["EARNED"],
        "customFields": [],
        "userCustomFields": [],
        "auditFilter": {"withoutProject": True},
    }
    known = filters.FILTERS[report]
    if file:
        known += filters._RENDERING_OF_EXPENSES if report == "expenses" else filters._RENDERING
    return filters.report_filters({name: samples[name] for name in known}, report, file=file)


def full_request(report: str, *, file: bool = False) -> ApiRequest:
    given = full_filters(report, file=file)
    make: dict[str, Callable[[], ApiRequest]] = {
        "detailed": lambda: reports.detailed_request("W", DAY, given, 1, 1000),
        "summary": lambda: reports.summary_request("W", DAY, given, ("USER", "PROJECT")),
        "weekly": lambda: reports.weekly_request("W", WEEK, given, "USER"),
        "attendance": lambda: reports.attendance_request("W", DAY, given, 1, 200),
        "expenses": lambda: reports.expenses("W", given).request(DAY, 1, 200),
    }
    return make[report]()


def assert_known(value: Any, known: Any, where: str) -> None:
    """Every key, however deep, and every value of a choice is known."""
    if isinstance(known, dict):
        assert unknown(where, set(value), set(known)) == set()
        for name, item in value.items():
            assert_known(item, known[name], f"{where}.{name}")
    elif isinstance(known, list):
        for item in value:
            assert_known(item, known[0], where)
    elif known and not where.endswith("summaryFilter.groups"):
        assert value in known.split(), where


@pytest.mark.parametrize("file", [False, True], ids=["json", "file"])
@pytest.mark.parametrize("report", REPORTS)
def test_every_key_and_choice_of_a_report_is_known(report, file):
    request = full_request(report, file=file)
    assert_known(request.json, OPERATIONS[request.operation].body, request.operation)


@pytest.mark.parametrize("report", REPORTS)
def test_required_keys_of_a_report_are_sent(report):
    request = REPORTS[report]
    assert set(OPERATIONS[request.operation].required.split()) <= set(request.json or {})


@pytest.mark.parametrize("report", REPORTS)
def test_every_choice_passes_our_checks(report):
    known = OPERATIONS[REPORTS[report].operation].body
    checked = 0
    for name in set(filters._CHOICES) & set(known):
        if name not in filters.FILTERS[report] and name not in filters._RENDERING:
            continue
        for value in known[name].split():
            assert filters.report_filters({name: value}, report, file=True) == {name: value}
            checked += 1
    for name in set(filters._ID_FILTERS) & set(filters.FILTERS[report]):
        for key in set(known[name]) - {"ids"}:
            for value in known[name][key].split():
                full = filters.report_filters({name: {"ids": ["x"], key: value}}, report)
                assert full[name][key] == value
                checked += 1
    assert checked > 20


def test_groups_are_theirs_and_two_more():
    theirs = set(OPERATIONS[reports.SUMMARY].body["summaryFilter"]["groups"][0].split())
    assert set(reports.GROUPS) == theirs | GROUPS_BEYOND
    assert not theirs & GROUPS_BEYOND
    assert set(reports.WEEKLY_GROUPS) == set(OPERATIONS[reports.WEEKLY].body["weeklyFilter"]["group"].split())


def test_files_that_we_ask_for_are_export_types():
    for request in REPORTS.values():
        known = OPERATIONS[request.operation].body["exportType"].split()
        assert set(files.EXPORT_TYPES) | {"JSON"} <= set(known)


# --- the table against Clockify's description -------------------------------------------------------------------


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    if not (path := os.environ.get("CLOCKIFY_OPENAPI")):
        pytest.skip("CLOCKIFY_OPENAPI names no OpenAPI description")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with Path(path).open(encoding="utf-8") as file:
        return yaml.load(file, loader)


@pytest.fixture(scope="module")
def described(description) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return call and details of every operation by its id."""
    return {
        details["operationId"]: (f"{method.upper()} {path}", details)
        for path, methods in description["paths"].items()
        for method, details in methods.items()
        if isinstance(details, dict) and "operationId" in details
    }


def resolved(description: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        target: Any = description
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    return schema


def properties(description: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    schema = resolved(description, schema)
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", ()):
        found.update(properties(description, part))
    return found


def assert_described(description: dict[str, Any], known: Any, schema: dict[str, Any], where: str) -> None:
    """Every name of the table is in the schema, and every choice of the one is a choice of the other."""
    schema = resolved(description, schema)
    if isinstance(known, dict):
        parts = properties(description, schema)
        assert set(known) - set(parts) == set(), where
        for name, item in known.items():
            assert_described(description, item, parts[name], f"{where}.{name}")
    elif isinstance(known, list):
        assert_described(description, known[0], schema["items"], where)
    else:
        assert sorted(known.split()) == sorted(schema.get("enum", ())), where


def test_the_table_is_as_described(description, described):
    for name, operation in OPERATIONS.items():
        call, details = described[name]
        assert operation.call == call
        parameters = {item["name"]: item for item in details.get("parameters", ()) if item["in"] == "query"}
        for parameter, choices in operation.query.items():
            assert_described(description, choices, parameters[parameter]["schema"], f"{name}.{parameter}")
        if operation.body:
            body = resolved(description, details["requestBody"])["content"]["application/json"]["schema"]
            assert_described(description, operation.body, body, name)
            assert set(operation.required.split()) == set(resolved(description, body).get("required", ()))


def test_lists_are_described_as_json_and_those_without_pages_have_none(described):
    for name, resource in ALL_LISTS.items():
        _, details = described[resource.operation]
        assert details["responses"]["200"]["content"].keys() & {"application/json", "*/*"}, name
        if resource.page_size is None:
            in_query = {item["name"] for item in details.get("parameters", ())}
            assert not in_query & {"page-size", "pageSize"}, name


def test_deviations_are_still_deviations(description, described):
    for operation, name in KNOWN_DEVIATIONS:
        parameters = described[operation][1]["parameters"]
        known = {item["name"] for item in parameters}
        known |= {
            value for item in parameters for value in resolved(description, item["schema"]).get("enum", ())
        }
        assert name not in known
