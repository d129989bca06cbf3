# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import threading
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from airflow_provider_clockify.api import transport as transport_module
from airflow_provider_clockify.api.rate_limit import RateLimiter
from airflow_provider_clockify.api.resources import logged_user, project, workspace
from airflow_provider_clockify.api.transport import SyncTransport
from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyConfigError,
    ClockifyRateLimitError,
    ClockifyResponseError,
    ClockifyServerError,
    ClockifyTransportError,
    ClockifyWriteUnknownError,
)
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


def test_exactly_one_credential_header_is_sent(emulator, client):
    client.get(logged_user())
    (request,) = emulator.requests
    assert request.headers["x-api-key"] == emulator.api_key
    assert "x-addon-token" not in request.headers
    assert "authorization" not in request.headers
    assert request.headers["user-agent"].startswith("airflow-provider-clockify/")


def test_an_addon_token_goes_into_its_own_header(emulator, client_of):
    client = client_of(emulator, key=emulator.workspace.addon_token, auth_type="addon_token")
    client.get(workspace(emulator.workspace.id))
    (request,) = emulator.requests
    assert request.headers["x-addon-token"] == emulator.workspace.addon_token
    assert "x-api-key" not in request.headers


def test_redirects_are_not_followed_and_the_key_stays_here(emulator, client, start_recorder, time_is_mine):
    elsewhere = start_recorder()
    emulator.inject(faults.redirect(f"{elsewhere.url}/api/v1/user"), times=None)
    with pytest.raises(ClockifyBadRequestError, match="redirected to 127.0.0.1") as caught:
        client.get(logged_user())
    assert caught.value.status == 302
    assert elsewhere.seen == []
    assert len(emulator.requests) == 1
    assert time_is_mine.sleeps == []


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


def test_credentials_of_a_netrc_file_are_not_added(emulator, client, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    client.get(logged_user())
    assert "authorization" not in emulator.requests[0].headers


def test_cookies_are_not_kept(emulator, client):
    user = {"id": "u", "email": "e"}
    emulator.inject(faults.answer(200, body=user, headers={"Set-Cookie": "session=1; Path=/"}))
    client.get(logged_user())
    client.get(logged_user())
    assert "cookie" not in emulator.requests[1].headers
    assert len(client.transport.session.cookies) == 0


def test_the_proxy_of_the_environment_is_used(make_client, start_recorder, monkeypatch, free_port):
    proxy = start_recorder(body=b'{"id": "through the proxy"}')
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)
    client = make_client(f"http://127.0.0.1:{free_port}", "the-key")
    assert client.get(logged_user()) == {"id": "through the proxy"}
    assert proxy.seen[0].target == f"http://127.0.0.1:{free_port}/api/v1/user"


def test_a_compressed_answer_is_read(start_emulator, client_of):
    emulator = start_emulator(compress=True)
    assert client_of(emulator).get(logged_user())["id"] == emulator.workspace.owner.id


# --- 429 ----------------------------------------------------------------------------------------------------


def test_retry_after_in_seconds_is_obeyed_exactly(emulator, client, time_is_mine):
    emulator.fail(429, headers={"Retry-After": "17"})
    client.get(logged_user())
    assert time_is_mine.sleeps == [17.0]
    assert len(emulator.requests) == 2
    assert client.transport.stats.requests == 2
    assert client.transport.stats.retries == 1
    assert client.transport.stats.waited == 17.0


def test_retry_after_as_a_date_is_obeyed_exactly(emulator, client, time_is_mine, monkeypatch):
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)

    class FrozenDatetime(datetime):
        @classmethod
        def now(cls, tz=None):
            return now

    monkeypatch.setattr(errors_module, "datetime", FrozenDatetime)
    emulator.fail(429, headers={"Retry-After": format_datetime(now.replace(minute=2), usegmt=True)})
    client.get(logged_user())
    assert time_is_mine.sleeps == [120.0]


def test_without_retry_after_the_waits_grow_within_bounds(emulator, client, time_is_mine):
    emulator.fail(429, times=3)
    client.get(logged_user())
    assert len(time_is_mine.sleeps) == 3
    for sleep, most in zip(time_is_mine.sleeps, (1, 2, 4), strict=True):
        assert 0 < sleep <= most


@pytest.mark.parametrize("asked", ["301", "3600", "86400.5"])
def test_a_wait_too_long_to_hold_a_worker_is_reported_at_once(emulator, client, time_is_mine, asked):
    emulator.fail(429, times=None, headers={"Retry-After": asked})
    with pytest.raises(ClockifyRateLimitError, match="30 requests an hour") as caught:
        client.get(logged_user())
    assert caught.value.retry_after == float(asked)
    assert caught.value.attempts == 1
    assert len(emulator.requests) == 1
    assert time_is_mine.sleeps == []


def test_a_wait_of_the_longest_length_is_held(emulator, client, time_is_mine):
    emulator.fail(429, headers={"Retry-After": "300"})
    client.get(logged_user())
    assert time_is_mine.sleeps == [300.0]


def test_a_429_pauses_everybody_who_shares_the_workspaces_budget(emulator, client_of):
    limiter = RateLimiter(1e6, clock=lambda: 0.0)
    others: list[float] = []
    client = client_of(emulator, limiter=limiter, sleep=lambda seconds: others.append(limiter.reserve()))
    emulator.fail(429, headers={"Retry-After": "10"})
    client.get(logged_user())
    assert others[0] == 10.0


def test_a_429_without_end_is_an_error_after_the_retries(emulator, client):
    emulator.fail(429, times=None)
    with pytest.raises(ClockifyRateLimitError) as caught:
        client.get(logged_user())
    assert caught.value.retry_after is None
    assert caught.value.attempts == 4
    assert len(emulator.requests) == 4


def test_no_retries_means_one_request(emulator, client_of):
    client = client_of(emulator, policy={"max_retries": 0})
    emulator.fail(500)
    with pytest.raises(ClockifyServerError):
        client.get(logged_user())
    assert len(emulator.requests) == 1


def test_the_connections_retries_are_the_default(emulator, settings_of):
    settings = settings_of(emulator.url, max_retries=2, requests_per_second=1000)
    transport = SyncTransport(settings, sleep=lambda seconds: None)
    emulator.fail(503, times=None)
    with pytest.raises(ClockifyServerError):
        transport.send(logged_user(), lambda response: response.body)
    transport.close()
    assert len(emulator.requests) == 3


# --- reads --------------------------------------------------------------------------------------------------

BROKEN_ANSWERS = {
    "500": faults.answer(500),
    "502 HTML": HTML,
    "503": faults.answer(503, body=b""),
    "reset before": faults.reset_before(),
    "reset after": faults.reset_after(),
    "reset in the body": faults.reset_mid_body(),
    "truncated body": faults.truncate_body(),
    "invalid JSON": faults.invalid_json(),
    "empty 200": faults.empty_200(),
    "HTML 200": faults.answer(200, body=b"<html>login</html>", content_type="text/html"),
    "invalid UTF-8": faults.answer(200, body=b'{"name": "\xff\xfe"}'),
}


@pytest.mark.parametrize("fault", BROKEN_ANSWERS.values(), ids=BROKEN_ANSWERS.keys())
def test_a_read_is_repeated_until_it_succeeds(emulator, client, fault, time_is_mine):
    emulator.inject(fault, times=2)
    assert client.get(logged_user())["id"] == emulator.workspace.owner.id
    assert len(emulator.requests) == 3
    assert len(time_is_mine.sleeps) == 2


@pytest.mark.parametrize("fault", BROKEN_ANSWERS.values(), ids=BROKEN_ANSWERS.keys())
def test_a_read_that_never_succeeds_is_a_typed_error(emulator, client, fault):
    emulator.inject(fault, times=None)
    with pytest.raises((ClockifyTransportError, ClockifyServerError)) as caught:
        client.get(logged_user())
    assert not isinstance(caught.value, ClockifyWriteUnknownError)
    assert caught.value.attempts == 4
    assert caught.value.operation == "getLoggedUser"
    assert len(emulator.requests) == 4
    assert "clockify_test" in str(caught.value)
    assert emulator.api_key not in str(caught.value)


@pytest.mark.parametrize("name", ["invalid JSON", "empty 200", "HTML 200", "truncated body", "invalid UTF-8"])
def test_a_broken_body_ends_as_a_transport_error(emulator, client, name):
    emulator.inject(BROKEN_ANSWERS[name], times=None)
    with pytest.raises(ClockifyTransportError):
        client.get(logged_user())


def test_a_report_is_a_read_although_it_is_a_post(emulator, client, november):
    emulator.inject(faults.reset_after(), match=lambda record: record.service == "reports")
    emulator.inject(HTML, match=lambda record: record.service == "reports")
    rows = list(client.iterate_detailed(emulator.workspace.id, november))
    assert len(rows) == 20
    assert emulator.count("reports") == 3


def test_a_hanging_service_is_given_up_after_the_time_out_and_asked_again(emulator, client_of):
    client = client_of(emulator, timeout=0.1)
    emulator.inject(faults.hang(20))
    assert client.get(logged_user())["id"] == emulator.workspace.owner.id
    assert len(emulator.requests) == 2


def test_a_service_that_always_hangs_is_a_transport_error_that_names_the_cure(emulator, client_of):
    client = client_of(emulator, timeout=0.05, policy={"max_retries": 1})
    emulator.inject(faults.hang(20), times=None)
    with pytest.raises(ClockifyTransportError, match=r"extra\.timeout"):
        client.get(logged_user())
    assert len(emulator.requests) == 2


def test_a_host_that_refuses_connections_is_a_transport_error(make_client, free_port, time_is_mine):
    client = make_client(f"http://127.0.0.1:{free_port}", "the-key")
    with pytest.raises(ClockifyTransportError, match="no answer") as caught:
        client.get(logged_user())
    assert caught.value.attempts == 4
    assert len(time_is_mine.sleeps) == 3
    assert "the-key" not in str(caught.value)


def test_an_impossible_host_is_a_configuration_error_and_not_retried(make_client, time_is_mine):
    client = make_client("https://.example.com", "the-key")
    with pytest.raises(ClockifyConfigError, match="not a valid URL"):
        client.get(logged_user())
    assert time_is_mine.sleeps == []


def test_an_error_object_with_status_200_is_an_error(emulator, client):
    emulator.inject(faults.error_object_200("Please provide summary filter."))
    with pytest.raises(ClockifyBadRequestError, match="Please provide summary filter") as caught:
        client.get(logged_user())
    assert (caught.value.status, caught.value.code) == (200, 501)
    assert len(emulator.requests) == 1


def test_an_entity_that_has_message_and_code_among_other_fields_is_no_error(emulator, client):
    body = {"message": "hello", "code": 1, "id": "x"}
    emulator.inject(faults.answer(200, body=body))
    assert client.get(logged_user()) == body


def test_valid_json_under_a_wrong_content_type_is_accepted(emulator, client):
    emulator.inject(faults.wrong_content_type())
    assert client.get(logged_user())["id"] == emulator.workspace.owner.id
    assert len(emulator.requests) == 1


def test_an_answer_of_the_wrong_shape_is_final(emulator, client):
    emulator.inject(faults.answer(200, body=[1, 2, 3]), times=None)
    with pytest.raises(ClockifyResponseError, match="unexpected shape") as caught:
        client.get(logged_user())
    assert caught.value.operation == "getLoggedUser"
    assert len(emulator.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 415])
def test_refusals_are_final(emulator, client, status, time_is_mine):
    emulator.fail(status, times=None)
    with pytest.raises(Exception, match="clockify_test"):
        client.get(logged_user())
    assert len(emulator.requests) == 1
    assert time_is_mine.sleeps == []


def test_ids_cannot_change_the_path(emulator, client):
    with pytest.raises(ClockifyBadRequestError):
        client.get(project(emulator.workspace.id, "../../../user", hydrated=False))
    assert emulator.requests[0].path.endswith("/projects/..%2F..%2F..%2Fuser")


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
    assert client.transport.stats.requests == 3


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


def test_retries_keep_the_pace_too(emulator, client_of):
    waits: list[float] = []
    client = client_of(emulator, limiter=RateLimiter(10, clock=lambda: 0.0), sleep=waits.append)
    emulator.fail(429, headers={"Retry-After": "0"})
    client.get(logged_user())
    assert len(emulator.requests) == 2
    assert waits == pytest.approx([0.1])


def test_the_hourly_quota_of_the_connection_is_never_exceeded(emulator, client_of, time_is_mine):
    limiter = RateLimiter(1e6, 2, clock=time_is_mine.clock)
    client = client_of(emulator, limiter=limiter, requests_per_hour=2)
    for _ in range(2):
        client.get(logged_user())
    with pytest.raises(ClockifyRateLimitError, match=r"extra\.requests_per_hour") as caught:
        client.get(logged_user())
    assert caught.value.retry_after == pytest.approx(3600)
    assert caught.value.attempts == 0
    assert len(emulator.requests) == client.transport.stats.requests == 2
    time_is_mine.now += 3590
    client.get(logged_user())
    assert time_is_mine.sleeps[-1] == pytest.approx(10)


def test_the_connections_hourly_quota_reaches_its_limiter(settings_of):
    transport = SyncTransport(
        settings_of(requests_per_hour=1, workspace_id="hourly"), sleep=lambda seconds: None
    )
    assert transport._limiter.reserve(300) == 0.0
    assert transport._limiter.reserve(300) > 3000


def test_clients_of_one_workspace_share_the_strictest_pace(settings_of):
    def limiter(rate: float, workspace_id: str) -> RateLimiter:
        return SyncTransport(settings_of(requests_per_second=rate, workspace_id=workspace_id))._limiter

    first = limiter(50, "w1")
    assert limiter(2, "w1") is first
    assert first._interval == 0.5
    assert limiter(5, "w2") is not first


def test_received_bytes_and_requests_are_counted(emulator, client):
    client.get(logged_user())
    client.get(logged_user())
    stats = client.transport.stats
    assert (stats.requests, stats.retries) == (2, 0)
    assert stats.received == sum(record.sent for record in emulator.requests)


@pytest.mark.parametrize("secret_place", ["message", "html"])
def test_a_service_that_echoes_the_key_does_not_bring_it_into_the_error(
    emulator, client, secret_place, caplog
):
    key = emulator.api_key
    echo = {"message": f"bad key {key}", "code": 1} if secret_place == "message" else f"<p>{key}</p>".encode()
    emulator.inject(faults.answer(502, body=echo), times=None)
    with pytest.raises(ClockifyServerError) as caught:
        client.get(logged_user())
    assert key not in str(caught.value)
    assert key not in caught.value.reason
    assert "***" in str(caught.value)
    assert key not in caplog.text
