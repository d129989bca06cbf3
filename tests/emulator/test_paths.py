# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Which paths are served, how verbs are answered, and what operations say that are not emulated."""

from __future__ import annotations

import re
import socket
from urllib.parse import urlsplit

import pytest

from airflow_provider_clockify.testing.core_routes.known_operations import KNOWN
from airflow_provider_clockify.testing.routing import BASES, ROUTES, find_route

EMULATED = [route for route in ROUTES if route.emulated]
# Not in Clockify's OpenAPI description, and answered by the service all the same (observed 2026-08-05).
BEYOND = {("POST", "/workspaces/{}/time-entries/batch")}


def shape(route):
    return route.method, re.sub(r"\{\w+\}", "{}", route.path)


# --- slashes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["/api/v1//user", "//api//v1/user", "/api/v1/user"])
def test_several_slashes_count_as_one(client, where):
    response = client.session.get(client.emulator.url + where, timeout=10)
    assert (response.status_code, response.json()["id"]) == (200, client.emulator.workspace.owner.id)


def test_a_path_after_a_base_with_a_slash_is_served(client):
    base = f"{client.emulator.url}/report/v1/"
    body = {
        "dateRangeStart": "2026-11-01T00:00:00Z",
        "dateRangeEnd": "2026-11-30T23:59:59Z",
        "timeZone": "UTC",
        "detailedFilter": {},
    }
    response = client.session.post(f"{base}{client.workspace}/reports/detailed", json=body, timeout=10)
    assert response.json()["totals"][0]["entriesCount"] == 100
    listed = client.get(f"/{client.workspace}//tags")
    assert [row["id"] for row in listed.json()] == [row["id"] for row in client.list("tags").json()]


def test_slashes_do_not_make_other_paths_known(client):
    response = client.get(f"{client.workspace}//nothing")
    assert (response.status_code, response.json()["code"]) == (404, 3000)


# --- operations that are not emulated ---------------------------------------------------------------------------------


def test_every_emulated_operation_is_one_of_clockifys():
    known = {(route.service, *shape(route)) for route in KNOWN}
    unknown = {shape(route) for route in EMULATED if (route.service, *shape(route)) not in known}
    assert unknown == BEYOND


def test_every_operation_of_clockify_is_emulated_or_says_that_it_is_not(client):
    names = {"workspaceId": client.emulator.workspace.id}
    emulated = 0
    for route in KNOWN:
        path = BASES[route.service] + re.sub(r"\{(\w+)\}", lambda m: names.get(m[1], "f" * 24), route.path)
        found, _ = find_route(route.method, path)
        response = client.session.request(route.method, client.emulator.url + path, json={}, timeout=10)
        if not found.emulated:
            assert (response.status_code, response.json()["code"]) == (501, 0), route.path
            assert response.json()["message"].endswith("exists at Clockify and is not emulated")
        else:
            emulated += 1
            assert shape(found) == shape(route)
            # 404 is the answer to a timer that does not run.
            stops = shape(route) == ("PATCH", "/workspaces/{}/user/{}/time-entries")
            assert stops or response.status_code not in (404, 405, 500, 501), (route, response.text)
    assert emulated > 80


def test_what_is_not_emulated_is_told_apart_from_what_does_not_exist(client):
    known = client.send("POST", f"{client.workspace}/holidays", {})
    assert (known.status_code, known.json()) == (
        501,
        {"message": "POST W/holidays exists at Clockify and is not emulated", "code": 0},
    )
    unknown = client.get(f"{client.workspace}/unicorns")
    assert (unknown.status_code, unknown.json()["code"]) == (404, 3000)
    verb = client.send("PATCH", f"{client.workspace}/holidays", {})
    assert (verb.status_code, verb.headers["Allow"]) == (405, "GET, POST")


def test_a_form_is_not_taken_for_a_mistake_where_nothing_is_emulated(client):
    url = f"{client.emulator.url}/api/v1{client.workspace}"
    form = {"amount": (None, "12.5"), "file": ("bill.pdf", b"%PDF")}
    assert client.session.post(f"{url}/expenses", files=form, timeout=10).status_code == 501
    assert client.session.post(f"{url}/projects", files=form, timeout=10).status_code == 415


def test_settings_are_no_invoice(client):
    answer = client.list("invoices/settings").json()
    assert set(answer) == {"defaults", "exportFields", "labels"}
    assert client.send("PUT", f"{client.workspace}/invoices/settings", {}).status_code == 501


def test_key_comes_first(client):
    client.session.headers["X-Api-Key"] = "wrong"
    assert client.send("POST", f"{client.workspace}/holidays", {}).status_code == 401


# --- verbs ------------------------------------------------------------------------------------------------------------


def test_head_has_the_headers_of_get_and_no_body(client):
    url = f"{client.emulator.url}/api/v1{client.workspace}/tags"
    get, head = client.session.get(url, timeout=10), client.session.head(url, timeout=10)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Length", "Content-Type", "Last-Page"):
        assert head.headers[name] == get.headers[name]
    assert client.session.get(url, timeout=10).json() == get.json()  # The connection is still in step.
    missing = client.session.head(f"{client.emulator.url}/api/v1{client.workspace}/unicorns", timeout=10)
    assert (missing.status_code, missing.content) == (404, b"")


def test_options_needs_no_key(client):
    del client.session.headers["X-Api-Key"]
    base = f"{client.emulator.url}/api/v1{client.workspace}"
    response = client.session.options(f"{base}/tags", timeout=10)
    assert (response.status_code, response.headers["Allow"], response.content) == (
        200,
        "GET, POST, HEAD, OPTIONS",
        b"",
    )
    reads = client.session.options(f"{base}/entities/created", timeout=10)
    assert reads.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert client.session.options(f"{base}/unicorns", timeout=10).status_code == 404


# --- the wire ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "last"), [(1, b"false"), (3, b"true")])
def test_last_page_is_spelt_as_on_the_wire(client, page, last):
    where = urlsplit(client.emulator.url)
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        lines = [
            f"GET /api/v1{client.workspace}/tags?page={page}&page-size=2 HTTP/1.1",
            "Host: emulator",
            f"X-Api-Key: {client.emulator.api_key}",
            "Connection: close",
        ]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b"\r\nLast-Page: " + last + b"\r\n" in answer
