# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""``ClockifyHook.request``: any operation, as carefully as those that are wrapped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from airflow_provider_clockify.exceptions import (
    ClockifyAuthError,
    ClockifyBadRequestError,
    ClockifyConfigError,
    ClockifyNotFoundError,
    ClockifyServerError,
    ClockifyTransportError,
    ClockifyWriteUnknownError,
)
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.http.retry import RetryPolicy
from airflow_provider_clockify.http.transport import SyncTransport
from airflow_provider_clockify.reading.client import ClockifyClient
from airflow_provider_clockify.testing import faults

RETRIES = 3
WINDOW = {"dateRangeStart": "2026-11-01T00:00:00Z", "dateRangeEnd": "2026-11-30T00:00:00Z"}
DETAILED = {**WINDOW, "detailedFilter": {"page": 1, "pageSize": 5}}
ENTRY = {"start": "2026-12-03T08:00:00Z", "end": "2026-12-03T09:00:00Z", "description": "written once"}


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ClockifyHook]:
    """Make a hook that retries without waiting."""

    def hook_of(connection: str) -> ClockifyHook:
        monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_TEST", connection)
        hook = ClockifyHook("clockify_test")
        policy = RetryPolicy(max_retries=RETRIES)
        transport = SyncTransport(hook.settings, policy=policy, sleep=lambda seconds: None)
        hook.client = ClockifyClient(hook.settings, transport)
        return hook

    return hook_of


@pytest.fixture
def hook(emulator, make) -> ClockifyHook:
    return make(emulator.connection_json(requests_per_second=1000))


def written(emulator: Any) -> list[str]:
    return [each.id for each in emulator.workspace.entries.values() if each.description == "written once"]


def test_a_path_is_below_the_workspace_or_with_a_slash_below_the_base(emulator, hook):
    projects = hook.request("GET", "projects", params={"page-size": 3, "archived": None})
    assert len(projects) == 3
    assert {each["id"] for each in projects} <= set(emulator.workspace.projects)
    assert hook.request("get", "/user")["email"] == hook.get_logged_user()["email"]
    first = emulator.requests[0]
    assert first.path == f"/api/v1/workspaces/{emulator.workspace.id}/projects"
    assert first.query == {"page-size": ["3"]}


def test_reports_have_a_base_of_their_own(emulator, hook):
    report = hook.request("POST", "reports/detailed", service="reports", json=DETAILED)
    assert len(report["timeentries"]) == 5
    assert emulator.requests[0].path == f"/report/v1/workspaces/{emulator.workspace.id}/reports/detailed"


def test_a_path_with_a_slash_needs_no_workspace(emulator, make):
    hook = make(emulator.connection_json(workspace_id=None))
    assert hook.request("GET", "/workspaces")[0]["id"]
    assert emulator.count() == 1


def test_a_list_repeats_the_name_and_a_flag_is_lower_case(emulator, hook):
    users = list(emulator.workspace.users)[:2]
    hook.request("GET", "projects", params={"users": users, "archived": False, "page": 1})
    assert emulator.requests[0].query == {"users": users, "archived": ["false"], "page": ["1"]}


def test_what_must_be_escaped_in_a_path_is(start_recorder, make):
    recorder = start_recorder()
    hook = make(f"clockify://:{'k' * 48}@/?workspace_id=w&core_url={quote(recorder.url, safe='')}")
    hook.request("GET", "tags/a b/ü/c%2Fd")
    assert recorder.seen[0].target == "/workspaces/w/tags/a%20b/%C3%BC/c%2Fd"


@pytest.mark.parametrize(
    ("status", "headers", "body", "result"),
    [
        (200, {"Content-Type": "application/json"}, b'[{"a": 1.5}]', [{"a": 1.5}]),
        (200, {"Content-Type": "application/problem+json;charset=utf-8"}, b'"x"', "x"),
        (200, {}, b'{"a": null}', {"a": None}),
        (200, {"Content-Type": "application/pdf"}, b"%PDF-1.7", b"%PDF-1.7"),
        (200, {"Content-Type": "text/csv"}, b"a,b\n", b"a,b\n"),
        (200, {"Content-Type": "application/json"}, b"", None),
        (204, {}, b"", None),
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_answers_are_json_or_bytes_or_none(start_recorder, make, method, status, headers, body, result):
    recorder = start_recorder(status=status, headers=headers, body=body)
    hook = make(f"clockify://:{'k' * 48}@/?workspace_id=w&core_url={quote(recorder.url, safe='')}")
    assert hook.request(method, "things/1") == result
    assert len(recorder.seen) == 1


# --- reads are repeated, writes are not -----------------------------------------------------------------------------

FAILURES = [faults.reset_after(), faults.answer(502, execute=True), faults.reset_mid_body()]


@pytest.mark.parametrize(
    "fault",
    [*FAILURES, faults.answer(503), faults.answer(429, headers={"Retry-After": "0"})],
    ids=lambda fault: fault.name,
)
@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("GET", "projects", {}),
        ("POST", "reports/detailed", {"service": "reports", "json": DETAILED}),
    ],
)
def test_reads_are_repeated(emulator, hook, fault, method, path, more):
    emulator.inject(fault, times=2)
    assert hook.request(method, path, **more)
    assert emulator.count() == 3


@pytest.mark.parametrize("fault", FAILURES, ids=lambda fault: fault.name)
def test_a_write_is_never_repeated_after_an_unknown_outcome(emulator, hook, fault):
    emulator.inject(fault)
    with pytest.raises(ClockifyWriteUnknownError, match=r"POST time-entries.*not repeated") as caught:
        hook.request("POST", "time-entries", json=ENTRY)
    assert emulator.count() == 1
    assert len(written(emulator)) == 1
    assert caught.value.operation == "POST time-entries"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("service", ["core", "reports"])
def test_every_write_is_sent_once(start_recorder, make, method, service):
    recorder = start_recorder(broken=True)
    url = quote(recorder.url, safe="")
    hook = make(f"clockify://:{'k' * 48}@/?workspace_id=w&core_url={url}&reports_url={url}")
    for path in ("shared-reports", "/reports/detailed", "time-entries/reports"):
        recorder.seen.clear()
        with pytest.raises(ClockifyWriteUnknownError):
            hook.request(method, path, service=service, json={"name": "x"})
        assert len(recorder.seen) == 1


def test_a_write_that_was_refused_for_its_pace_is_sent_again(emulator, hook):
    emulator.fail(429, headers={"Retry-After": "1"})
    hook.request("POST", "time-entries", json=ENTRY)
    assert len(written(emulator)) == 1
    assert emulator.count() == 2


def test_an_entry_is_written_changed_and_deleted(emulator, hook):
    made = hook.request("POST", "time-entries", json=ENTRY)
    path = f"time-entries/{made['id']}"
    changed = hook.request("PUT", path, json={**ENTRY, "description": "changed"})
    assert changed["description"] == "changed"
    assert hook.request("DELETE", path) is None
    assert made["id"] not in emulator.workspace.entries


# --- errors ---------------------------------------------------------------------------------------------------------


def test_errors_are_those_of_all_requests(emulator, hook):
    with pytest.raises(ClockifyNotFoundError, match="GET projects/64"):
        hook.request("GET", "projects/64a687e29ae1f428e7ebe303")
    emulator.fail(400)
    with pytest.raises(ClockifyBadRequestError):
        hook.request("GET", "tags")
    emulator.fail(500, times=None)
    with pytest.raises(ClockifyServerError):
        hook.request("GET", "tags")
    emulator.clear_faults()
    before = emulator.count()
    emulator.inject(faults.reset_after(), times=None)
    with pytest.raises(ClockifyTransportError):
        hook.request("GET", "tags")
    assert emulator.count() == before + RETRIES + 1


def test_no_error_holds_the_key(emulator, make, caplog):
    key = "q" * 48
    hook = make(emulator.connection_json(api_key=key, requests_per_second=1000))
    emulator.fail(400, body={"message": f"no such thing {key}", "code": 1}, times=1)
    for path in ("tags", "tags"):
        with pytest.raises((ClockifyAuthError, ClockifyBadRequestError)) as caught:
            hook.request("GET", path)
        assert key not in str(caught.value)
    assert key not in caplog.text


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (("FETCH", "tags"), "method is 'FETCH'; use one of GET, POST, PUT, PATCH, DELETE"),
        (("GET", ""), "path is ''; give the path of an operation, for example"),
        (("GET", "None"), "path is 'None'"),
        (("GET", None), "path is None"),
        (("GET", "/"), "path is '/'"),
        (("GET", "https://api.clockify.me/api/v1/user"), "without the host"),
        (("GET", "//evil.example/user"), "without the host"),
        (("GET", "tags?page=2"), "give what follows . as params"),
        (("GET", "tags/../../other"), "must not climb"),
        (("GET", "/workspaces/%2E%2e/x"), "must not climb"),
    ],
    ids=str,
)
def test_what_is_no_request_costs_none(emulator, hook, call, text):
    with pytest.raises(ClockifyConfigError, match=text):
        hook.request(*call)
    assert emulator.count() == 0


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"service": "pto"}, "service is 'pto'; use one of core, reports"),
        ({"params": {"page": 1.5}}, r"params\['page'\]=1.5: give text, a number"),
        ({"params": {"page": {"a": 1}}}, r"params\['page'\]="),
        ({"json": {"a": object}}, "json cannot be written as JSON"),
    ],
    ids=str,
)
def test_what_cannot_be_sent_costs_no_request(emulator, hook, more, text):
    with pytest.raises(ClockifyConfigError, match=text):
        hook.request("POST", "tags", **more)
    assert emulator.count() == 0
