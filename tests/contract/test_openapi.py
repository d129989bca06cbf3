# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Compare what we send with Clockify's own OpenAPI description, where it is at hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_clockify.api import reports, resources
from airflow_provider_clockify.api.messages import ApiRequest
from airflow_provider_clockify.api.resources import Resource
from airflow_provider_clockify.window import Window

DESCRIPTION = Path(__file__).parents[2].parent / "shared" / "clockify.openapi.yaml"
DAY = Window(datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 11, tzinfo=UTC))
IDS = {"workspace_id": "W", "user_id": "U"}

pytestmark = pytest.mark.skipif(not DESCRIPTION.is_file(), reason="the OpenAPI description is not here")

# What we send although the description does not have it: (operation, name) and why.
KNOWN_DEVIATIONS: dict[tuple[str, str], str] = {}
LISTS = {name: value for name, value in vars(resources).items() if isinstance(value, Resource)}


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with DESCRIPTION.open(encoding="utf-8") as file:
        return yaml.load(file, loader)


@pytest.fixture(scope="module")
def operations(description) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Give method, path and details of every operation by its id."""
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
        "task_id": "t",
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
    "detailed report": reports.detailed_request("W", DAY, {}, 1, 1000),
}


@pytest.mark.parametrize("request_", SINGLE.values(), ids=SINGLE.keys())
def test_every_request_is_an_operation_of_the_description(operations, request_):
    method, path, details = operations[request_.operation]
    assert_same_place(request_, method, path)
    known = {item["name"] for item in details.get("parameters", ()) if item["in"] == "query"}
    assert unknown(request_.operation, set(request_.params), known) == set()


@pytest.mark.parametrize("resource", LISTS.values(), ids=LISTS.keys())
def test_every_list_and_its_filters_are_in_the_description(operations, resource):
    method, path, details = operations[resource.operation]
    needed = {part.strip("{}") for part in resource.parts if part.startswith("{")}
    request = resource.request(**{name: IDS.get(name, "X") for name in needed})
    assert_same_place(request, method, path)
    known = {item["name"] for item in details.get("parameters", ()) if item["in"] == "query"}
    ours = set(resource.filters.values()) | set(request.params)
    if resource.page_size is not None:
        ours |= {"page", "page-size"}
    assert unknown(resource.operation, ours, known) == set()
    if resource.page_size is None:
        assert "page-size" not in known


def test_fields_of_a_new_entry_are_in_the_description(description, operations):
    for request in (new_entry(), new_entry(user_id="U")):
        known = body_properties(description, operations[request.operation][2])
        assert unknown(request.operation, set(request.json or {}), set(known)) == set()
        item = properties(description, resolved(description, known["customFields"])["items"])
        assert set((request.json or {})["customFields"][0]) <= set(item)


def test_keys_of_the_detailed_report_are_in_the_description(description, operations):
    full = reports.report_filters(
        {
            **{
                name: ["x"]
                for name in ("clients", "projects", "tasks", "tags", "currency", "users", "userGroups")
            },
            "auditFilter": {},
        }
    )
    request = reports.detailed_request("W", DAY, full, 1, 1000)
    known = body_properties(description, operations[request.operation][2])
    body = dict(request.json or {})
    names = set(body) | (set(reports.FILTERS) - {"auditFilter"})
    assert unknown(request.operation, names, set(known)) == set()
    part = properties(description, known["detailedFilter"])
    assert unknown(request.operation, set(body["detailedFilter"]), set(part)) == set()
    for name in full:
        if name != "auditFilter":
            keys = set(properties(description, known[name]))
            assert unknown(f"{request.operation}.{name}", set(full[name]), keys) == set()


def test_enumerations_of_filters_are_those_of_the_description(description, operations):
    known = body_properties(description, operations["generateDetailedReport"][2])
    for name in ("amountShown", "approvalState", "invoicingState"):
        described = resolved(description, known[name]).get("enum")
        assert described is not None
        for value in described:
            assert reports.report_filters({name: value}) == {name: value}


def test_deviations_are_still_deviations(operations):
    for operation, _ in KNOWN_DEVIATIONS:
        assert operation.split(".")[0] in operations
