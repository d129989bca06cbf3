# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyRateLimitError,
    ClockifyServerError,
    ClockifyTransportError,
    ClockifyWriteUnknownError,
)
from airflow_provider_clockify.http.rate_limit import RateLimiter
from airflow_provider_clockify.http.transport import SyncTransport
from airflow_provider_clockify.reading.report_reader import ReportReader
from airflow_provider_clockify.service.lists import logged_user, workspace
from airflow_provider_clockify.service.messages import ApiRequest
from airflow_provider_clockify.service.report_kinds import detailed
from airflow_provider_clockify.testing import ClockifyEmulator, faults, generate_workspace

HTML = faults.answer(502, body=b"<html><h1>Bad gateway</h1></html>", content_type="text/html")


@pytest.fixture
def settings_of():
    """Make settings of a connection; ``extra`` as keywords."""

    def make(host: str = "https://pace.example.com", **extra: Any) -> ClockifySettings:
        return ClockifySettings.from_fields("clockify_test", password="the-key", host=host, extra=extra)

    return make


def carries(seen: Any, key: str) -> bool:
    """Tell whether a secret is anywhere in a request."""
    return key in seen.target or key.encode() in seen.body or key in "".join(seen.headers.values())


# --- who sees the key ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_session_follows_redirects_to_other_hosts_without_the_key(
    emulator, client, start_recorder, status, monkeypatch, tmp_path
):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    elsewhere = start_recorder()
    emulator.inject(faults.redirect(f"{elsewhere.url}/landing", status))
    answer = client.transport.session.get(f"{emulator.url}/api/v1/user")
    assert answer.status_code == 200
    (seen,) = elsewhere.seen
    assert seen.target == "/landing"
    assert not carries(seen, emulator.api_key)
    assert "authorization" not in seen.headers
    assert "x-api-key" not in seen.headers


def test_the_session_passes_no_other_credential_on(emulator, client, start_recorder):
    elsewhere = start_recorder()
    emulator.inject(faults.redirect(elsewhere.url))
    session = client.transport.session
    session.get(f"{emulator.url}/api/v1/user", headers={"Authorization": "Bearer of-the-caller"})
    assert "authorization" not in elsewhere.seen[0].headers


def test_the_session_keeps_the_key_on_redirects_within_the_connections_host(emulator, client):
    emulator.inject(faults.redirect("/api/v1/workspaces"))
    answer = client.transport.session.get(f"{emulator.url}/api/v1/user")
    assert answer.status_code == 200
    assert [request.headers.get("x-api-key") for request in emulator.requests] == [emulator.api_key] * 2


def test_the_session_gives_the_key_to_no_other_host(client, emulator, start_recorder):
    elsewhere = start_recorder()
    client.transport.session.get(elsewhere.url)
    (seen,) = elsewhere.seen
    assert not carries(seen, emulator.api_key)


def test_both_services_of_a_connection_get_the_key(start_recorder, make_client):
    core, reports = start_recorder(), start_recorder()
    client = make_client(
        "https://unused.example.com",
        "the-key",
        core_url=f"{core.url}/api/v1",
        reports_url=f"{reports.url}/v1",
    )
    client.transport.session.get(f"{core.url}/api/v1/user")
    client.transport.session.get(f"{reports.url}/v1/x")
    assert [server.seen[0].headers.get("x-api-key") for server in (core, reports)] == ["the-key"] * 2


# --- 429 ----------------------------------------------------------------------------------------------------


def test_the_connections_retries_are_the_default(emulator, settings_of):
    settings = settings_of(emulator.url, max_retries=2, requests_per_second=1000)
    transport = SyncTransport(settings, sleep=lambda seconds: None)
    emulator.fail(503, times=None)
    with pytest.raises(ClockifyServerError):
        transport.send(logged_user(), lambda response: response.body)
    transport.close()
    assert len(emulator.requests) == 3


# --- reads --------------------------------------------------------------------------------------------------


def test_a_report_is_a_read_although_it_is_a_post(emulator, client, november):
    reader = ReportReader(client.send, detailed(emulator.workspace.id, {}), concurrency=1)
    emulator.inject(faults.reset_after(), match=lambda record: record.service == "reports")
    emulator.inject(HTML, match=lambda record: record.service == "reports")
    rows = list(client.iterate_report(reader, november))
    assert len(rows) == 20
    assert emulator.count("reports") == 3


# --- writes -------------------------------------------------------------------------------------------------

AMBIGUOUS = {
    "reset after it took effect": faults.reset_after(),
    "reset before it took effect": faults.reset_before(),
    "500 after it took effect": faults.answer(500, execute=True),
    "502 HTML": HTML,
    "truncated answer": faults.truncate_body(),
    "reset in the answer": faults.reset_mid_body(),
    "invalid JSON": faults.invalid_json(),
    "empty answer": faults.empty_200(),
}


@pytest.mark.parametrize("fault", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_a_write_is_never_repeated_after_an_ambiguous_failure(
    emulator, client, new_entry, fault, time_is_mine
):
    before = len(emulator.workspace.entries)
    emulator.inject(fault)
    with pytest.raises(ClockifyWriteUnknownError, match="not repeated: look in Clockify") as caught:
        client.get(new_entry(emulator.workspace.id))
    assert caught.value.operation == "createTimeEntry"
    assert caught.value.attempts == 1
    assert len(emulator.requests) == 1
    assert time_is_mine.sleeps == []
    assert len(emulator.workspace.entries) - before == int(fault.execute)


def test_a_write_that_hangs_is_not_repeated(emulator, client_of, new_entry):
    before = len(emulator.workspace.entries)
    client = client_of(emulator, timeout=0.1)
    emulator.inject(faults.hang(20))
    with pytest.raises(ClockifyWriteUnknownError):
        client.get(new_entry(emulator.workspace.id))
    assert len(emulator.requests) == 1
    assert len(emulator.workspace.entries) == before + 1


def test_a_write_is_repeated_after_429_because_it_was_refused_before_it_ran(emulator, client, new_entry):
    before = len(emulator.workspace.entries)
    emulator.fail(429, times=2, headers={"Retry-After": "1"})
    assert client.get(new_entry(emulator.workspace.id))["description"] == "made by a test"
    assert len(emulator.requests) == 3
    assert len(emulator.workspace.entries) == before + 1


def test_a_write_is_repeated_when_no_connection_was_made(
    start_emulator, make_client, new_entry, free_port, time_is_mine
):
    emulators: list[ClockifyEmulator] = []

    def open_for_business(number: int) -> None:
        if number == 2:
            emulators.append(start_emulator(port=free_port))

    time_is_mine.on_sleep = open_for_business
    twin = generate_workspace(entries=20)
    client = make_client(f"http://127.0.0.1:{free_port}", twin.api_key, twin.id)
    assert client.get(new_entry(twin.id))["description"] == "made by a test"
    (emulator,) = emulators
    assert len(emulator.requests) == 1
    # What never left is not spent.
    assert client.transport.stats.requests == 1


def test_a_write_is_repeated_when_the_proxy_cannot_be_reached(
    make_client, new_entry, monkeypatch, free_port, time_is_mine
):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port}")
    client = make_client("http://127.0.0.1:9", "the-key")
    with pytest.raises(ClockifyTransportError) as caught:
        client.get(new_entry("w"))
    assert not isinstance(caught.value, ClockifyWriteUnknownError)
    assert len(time_is_mine.sleeps) == 3


def test_a_write_is_not_repeated_when_the_proxy_breaks_after_taking_it(
    make_client, new_entry, start_recorder, monkeypatch
):
    proxy = start_recorder(broken=True)
    monkeypatch.setenv("http_proxy", proxy.url)
    client = make_client("http://127.0.0.1:9", "the-key")
    with pytest.raises(ClockifyWriteUnknownError):
        client.get(new_entry("w"))
    assert len(proxy.seen) == 1


def test_a_refused_write_is_final_and_known(emulator, client, new_entry):
    with pytest.raises(ClockifyBadRequestError, match="doesn't belong to Workspace"):
        client.get(new_entry(emulator.workspace.id, project_id="nope"))
    assert len(emulator.requests) == 1


# --- pace ---------------------------------------------------------------------------------------------------


def test_the_rate_ceiling_holds_across_threads(emulator, client_of, time_is_mine):
    # The clock stands still, so that every request but the first must wait for a moment of its own.
    frozen = RateLimiter(5, clock=lambda: 0.0)
    waits: list[float] = []
    clients = [client_of(emulator, limiter=frozen, sleep=waits.append) for _ in range(2)]
    threads = [
        threading.Thread(target=lambda c=c: [c.get(logged_user()) for _ in range(5)])
        for c in clients
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(emulator.requests) == 20
    assert sorted(waits) == pytest.approx([number / 5 for number in range(1, 20)])


def test_the_connections_hourly_quota_reaches_its_limiter(settings_of):
    transport = SyncTransport(
        settings_of(requests_per_hour=1, workspace_id="hourly"), sleep=lambda seconds: None
    )
    assert transport.limiter_of().reserve(300).wait == 0.0
    assert transport.limiter_of().reserve(300).wait > 3000


def test_clients_of_one_workspace_share_the_strictest_pace(settings_of):
    def limiter(rate: float, workspace_id: str) -> RateLimiter:
        return SyncTransport(settings_of(requests_per_second=rate, workspace_id=workspace_id)).limiter_of()

    first = limiter(50, "w1")
    assert limiter(2, "w1") is first
    assert first.ceiling == 2
    assert limiter(5, "w2") is not first


def test_each_request_keeps_the_pace_of_the_workspace_that_it_is_about(settings_of, november):
    transport = SyncTransport(settings_of("https://Proxy.example.com:443/x", workspace_id="w1"))
    same = SyncTransport(settings_of("https://proxy.example.com/x/"))

    def limiter(transport: SyncTransport, request: ApiRequest) -> RateLimiter:
        return transport.limiter_of(request.workspace_id)

    own, other = limiter(transport, workspace("w1")), limiter(transport, workspace("w2"))
    assert own is not other
    assert limiter(transport, detailed("w1", {}).request(november, 1, 1)) is own
    assert limiter(transport, logged_user()) is own
    assert limiter(same, workspace("w1")) is own
    assert limiter(same, workspace("w2")) is other
    assert limiter(same, logged_user()) not in (own, other)
    another_key = SyncTransport(replace(same.settings, api_key="another"))
    assert limiter(another_key, logged_user()) is not limiter(same, logged_user())


def test_what_is_sent_counts_for_the_workspace_that_it_is_about(emulator, settings_of):
    settings = settings_of(emulator.url, workspace_id="w1", requests_per_hour=5)
    transport = SyncTransport(replace(settings, api_key=emulator.api_key))
    transport.send(workspace(emulator.workspace.id), lambda response: response.body)
    assert transport.limiter_of(emulator.workspace.id).left() == 4
    assert transport.limiter_of("w1").left() == transport.limiter_of().left() == 5
    emulator.fail(429, headers={"Retry-After": "3600"})
    with pytest.raises(ClockifyRateLimitError):
        transport.send(workspace(emulator.workspace.id), lambda response: response.body)
    assert transport.limiter_of(emulator.workspace.id).pause_left > 3000
    assert transport.limiter_of("w1").pause_left == 0
    transport.close()


def test_received_bytes_and_requests_are_counted(emulator, client):
    client.get(logged_user())
    client.get(logged_user())
    stats = client.transport.stats
    assert (stats.requests, stats.retries) == (2, 0)
    assert stats.received == sum(record.sent for record in emulator.requests)


def test_what_never_reached_a_host_is_not_counted(make_client, free_port):
    client = make_client(f"http://127.0.0.1:{free_port}", "the-key")
    with pytest.raises(ClockifyTransportError):
        client.get(logged_user())
    assert (client.transport.stats.requests, client.transport.stats.retries) == (0, 0)


def test_waits_and_retries_are_counted(emulator, client):
    emulator.fail(429, headers={"Retry-After": "17"})
    client.get(logged_user())
    stats = client.transport.stats
    assert (stats.requests, stats.retries, stats.waited) == (2, 1, 17.0)
    assert len(client.transport.session.cookies) == 0
