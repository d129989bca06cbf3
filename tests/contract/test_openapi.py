# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Compare what we send with Clockify's own OpenAPI description, where it is at hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_clockify.reading import rendered_files as files
from airflow_provider_clockify.service import filters
from airflow_provider_clockify.service import lists as resources
from airflow_provider_clockify.service import report_kinds as reports
from airflow_provider_clockify.service.lists import LISTS, Resource
from airflow_provider_clockify.service.messages import ApiRequest
from airflow_provider_clockify.window import Window

DESCRIPTION = Path(__file__).parents[2].parent / "shared" / "clockify.openapi.yaml"
DAY = Window(datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 11, tzinfo=UTC))
WEEK = Window(datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC))

pytestmark = pytest.mark.skipif(not DESCRIPTION.is_file(), reason="the OpenAPI description is not here")

# What we send although the description does not have it: (operation, name) and why.
KNOWN_DEVIATIONS: dict[tuple[str, str], str] = {
    ("getApprovalRequests", "types"): "accepted by the service (observed 2026-08)",
    ("getSharedReportsV1", "ALL_ADMIN"): "accepted by the service (observed 2026-08)",
}
ALL_LISTS: dict[str, Resource] = {
    **LISTS,
    "balances of a policy": resources.BALANCES_OF_POLICY,
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
# Our groups beyond the description: accepted by the service all the same (observed 2026-08).
GROUPS_BEYOND = {"USER", "TAG"}


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with DESCRIPTION.open(encoding="utf-8") as file:
        return yaml.load(file, loader)


@pytest.fixture(scope="module")
def operations(description) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return method, path and details of every operation by its id."""
    return {
        details["operationId"]: (method.upper(), path, details)
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


def body_properties(description: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    content = resolved(description, operation["requestBody"])["content"]
    return properties(description, content["application/json"]["schema"])


def unknown(operation: str, names: set[str], known: set[str]) -> set[str]:
    return {name for name in names - known if (operation, name) not in KNOWN_DEVIATIONS}


def assert_same_place(request: ApiRequest, method: str, path: str) -> None:
    """The description's path has names where ours has values, and begins with the version."""
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
    "time entries": resources.time_entries("W", "U", DAY),
    "new entry": new_entry(),
    "new entry for others": new_entry(user_id="U"),
    "member profile": resources.member_profile("W", "U"),
}


@pytest.mark.parametrize("request_", [*SINGLE.values(), *REPORTS.values()], ids=[*SINGLE, *REPORTS])
def test_every_request_is_an_operation_of_the_description(operations, request_):
    method, path, details = operations[request_.operation]
    assert_same_place(request_, method, path)
    known = {item["name"] for item in details.get("parameters", ()) if item["in"] == "query"}
    assert unknown(request_.operation, set(request_.params), known) == set()


@pytest.mark.parametrize("resource", ALL_LISTS.values(), ids=ALL_LISTS.keys())
def test_every_list_its_filters_and_its_paging_are_in_the_description(description, operations, resource):
    method, path, details = operations[resource.operation]
    given = {
        name: SAMPLES.get(name, "true" if name in resources._FLAGS else "x") for name in resource.filters
    }
    request = resource.request(given, workspace_id="W", **dict.fromkeys(resource.arguments, "X"))
    assert_same_place(request, method, path)
    assert (details["responses"]["200"]["content"].keys()) & {"application/json", "*/*"}
    if resource.page_size is not None:
        request = resource.page(request, 1, resource.page_size)
    in_query = {item["name"] for item in details.get("parameters", ()) if item["in"] == "query"}
    assert unknown(resource.operation, set(request.params), in_query) == set()
    if method == "POST":
        in_body = set(body_properties(description, details))
        assert unknown(resource.operation, set(request.json or {}), in_body) == set()
    if resource.page_size is None:
        assert not in_query & {"page-size", "pageSize"}


@pytest.mark.parametrize("resource", ALL_LISTS.values(), ids=ALL_LISTS.keys())
def test_choices_and_orders_of_lists_are_those_of_the_description(description, operations, resource):
    parameters = {item["name"]: item for item in operations[resource.operation][2].get("parameters", ())}

    def described(name: str) -> list[str] | None:
        found = resolved(description, parameters[name]["schema"])
        return found.get("enum")

    for name, values in resource.choices.items():
        known = set(described(resource.filters[name]) or values)
        assert unknown(resource.operation, set(values), known) == set()
    for name, value in resource.order.items():
        assert value in (described(name) or [value])


def test_fields_of_a_new_entry_are_in_the_description(description, operations):
    for request in (new_entry(), new_entry(user_id="U")):
        known = body_properties(description, operations[request.operation][2])
        assert unknown(request.operation, set(request.json or {}), set(known)) == set()
        item = properties(description, resolved(description, known["customFields"])["items"])
        assert set((request.json or {})["customFields"][0]) <= set(item)


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


def assert_described(description: dict[str, Any], value: Any, schema: dict[str, Any], where: str) -> None:
    """Every key, however deep, and every value of an enumeration stands in the schema."""
    schema = resolved(description, schema)
    if isinstance(value, dict):
        known = properties(description, schema)
        assert unknown(where, set(value), set(known)) == set()
        for name, item in value.items():
            assert_described(description, item, known[name], f"{where}.{name}")
    elif isinstance(value, list):
        for item in value:
            assert_described(description, item, schema["items"], where)
    elif "enum" in schema and not where.endswith("summaryFilter.groups"):
        assert value in schema["enum"], where


@pytest.mark.parametrize("file", [False, True], ids=["json", "file"])
@pytest.mark.parametrize("report", REPORTS)
def test_every_key_and_choice_of_a_report_is_in_the_description(description, operations, report, file):
    request = full_request(report, file=file)
    content = resolved(description, operations[request.operation][2]["requestBody"])["content"]
    assert_described(description, request.json, content["application/json"]["schema"], request.operation)


@pytest.mark.parametrize("report", REPORTS)
def test_required_keys_of_a_report_are_sent(description, operations, report):
    request = REPORTS[report]
    content = resolved(description, operations[request.operation][2]["requestBody"])["content"]
    required = resolved(description, content["application/json"]["schema"]).get("required", [])
    assert set(required) <= set(request.json or {})


@pytest.mark.parametrize("report", REPORTS)
def test_every_value_that_the_description_allows_passes_our_checks(description, operations, report):
    known = body_properties(description, operations[REPORTS[report].operation][2])
    for name in set(filters._CHOICES) & set(known):
        if name not in filters.FILTERS[report] and name not in filters._RENDERING:
            continue
        for value in resolved(description, known[name])["enum"]:
            assert filters.report_filters({name: value}, report, file=True) == {name: value}
    for name in set(filters._ID_FILTERS) & set(filters.FILTERS[report]):
        part = properties(description, known[name])
        for key in {"contains", "status", "containedInTimeentry"} & set(part):
            for value in resolved(description, part[key])["enum"]:
                full = filters.report_filters({name: {"ids": ["x"], key: value}}, report)
                assert full[name][key] == value


def test_groups_are_those_of_the_description_and_two_more(description, operations):
    known = body_properties(description, operations[reports.SUMMARY][2])
    part = properties(description, known["summaryFilter"])
    described = set(resolved(description, resolved(description, part["groups"])["items"])["enum"])
    assert set(reports.GROUPS) == described | GROUPS_BEYOND
    assert not described & GROUPS_BEYOND
    known = body_properties(description, operations[reports.WEEKLY][2])
    part = properties(description, known["weeklyFilter"])
    assert set(reports.WEEKLY_GROUPS) == set(resolved(description, part["group"])["enum"])


def test_files_that_we_ask_for_are_export_types_of_the_description(description, operations):
    for request in REPORTS.values():
        known = body_properties(description, operations[request.operation][2])
        assert set(files.EXPORT_TYPES) | {"JSON"} <= set(resolved(description, known["exportType"])["enum"])


def test_deviations_are_still_deviations(description, operations):
    for operation, name in KNOWN_DEVIATIONS:
        parameters = operations[operation][2]["parameters"]
        known = {item["name"] for item in parameters}
        known |= {
            value for item in parameters for value in resolved(description, item["schema"]).get("enum", ())
        }
        assert name not in known
