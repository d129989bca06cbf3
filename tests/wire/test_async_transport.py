# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What both transports do: one table of scenarios, so that they cannot drift apart."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

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
from airflow_provider_clockify.http import errors as errors_module
from airflow_provider_clockify.http import pacing
from airflow_provider_clockify.http.async_transport import AsyncTransport, _read_bundle, _tls_context
from airflow_provider_clockify.http.pace import PAUSES
from airflow_provider_clockify.http.rate_limit import RateLimiter
from airflow_provider_clockify.http.retry import RetryPolicy
from airflow_provider_clockify.reading.client import read_item
from airflow_provider_clockify.service.lists import logged_user, project, workspace
from airflow_provider_clockify.service.messages import ApiRequest
from airflow_provider_clockify.testing import faults


class InALoop:
    """A client that sends each request from an event loop."""

    def __init__(self, transport: AsyncTransport) -> None:
        self.transport = transport

    def get(self, request: ApiRequest) -> Any:
        return asyncio.run(self.transport.send(request, read_item))


@pytest.fixture(params=["synchronous", "asynchronous"])
def make_client(request: pytest.FixtureRequest, make_client: Callable, time_is_mine: Any) -> Callable:
    """Make clients of either kind that never really wait; arguments as those of the synchronous ones."""
    if request.param == "synchronous":
        return make_client

    def make(
        url: str,
        key: str,
        workspace_id: str | None = None,
        *,
        policy: dict[str, Any] | None = None,
        limiter: RateLimiter | None = None,
        sleep: Callable[[float], None] | None = None,
        **extra: Any,
    ) -> InALoop:
        async def wait(seconds: float) -> None:
            (sleep or time_is_mine.sleep)(seconds)

        settings = ClockifySettings.from_fields(
            "clockify_test",
            password=key,
            host=url,
            extra={"workspace_id": workspace_id, "requests_per_second": 1e6, "timeout": 20, **extra},
        )
        return InALoop(
            AsyncTransport(
                settings,
                policy=RetryPolicy(**{"max_retries": 3, **(policy or {})}),
                limiter=limiter or RateLimiter(settings.requests_per_second, clock=time_is_mine.clock),
                sleep=wait,
            )
        )

    return make


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


def test_an_answer_in_chunks_is_read(emulator, client):
    emulator.inject(faults.chunked())
    assert client.get(logged_user())["id"] == emulator.workspace.owner.id
    assert len(emulator.requests) == 1


@pytest.fixture
def impatient(monkeypatch):
    """Return an answer a second in all, and much more for each of its pieces."""
    monkeypatch.setattr(pacing, "ANSWER_TIMEOUTS", 0.05)


def test_an_answer_that_trickles_is_given_up_after_a_time_and_asked_for_again(emulator, client, impatient):
    emulator.inject(faults.slow_body(40))
    assert client.get(logged_user())["id"] == emulator.workspace.owner.id
    assert len(emulator.requests) == 2


def test_an_answer_that_always_trickles_is_an_error_that_names_the_time(emulator, client_of, impatient):
    emulator.inject(faults.slow_body(40), times=None)
    client = client_of(emulator, policy={"max_retries": 0})
    with pytest.raises(ClockifyTransportError, match=r"not complete after 1 s.*extra\.timeout \(20 s\)"):
        client.get(logged_user())


def test_a_write_whose_answer_trickles_is_not_repeated(emulator, client, new_entry, impatient):
    before = len(emulator.workspace.entries)
    emulator.inject(faults.slow_body(40), times=None)
    with pytest.raises(ClockifyWriteUnknownError, match="no whole answer within 1 s"):
        client.get(new_entry(emulator.workspace.id))
    assert len(emulator.workspace.entries) == before + 1


def test_an_answer_may_take_ten_times_the_time_out_of_its_pieces():
    assert loop_transport("https://slow.example.com", timeout=7)._answer_timeout == 70


def test_retry_after_in_seconds_is_obeyed_exactly(emulator, client, time_is_mine):
    emulator.fail(429, headers={"Retry-After": "17"})
    client.get(logged_user())
    assert time_is_mine.sleeps == [17.0]
    assert len(emulator.requests) == 2


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
    emulator.fail(429, times=2)
    client.get(logged_user())
    assert len(time_is_mine.sleeps) == 2
    for sleep, least in zip(time_is_mine.sleeps, PAUSES, strict=False):
        assert least <= sleep <= least + 1


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
    client = client_of(emulator, limiter=limiter, sleep=lambda seconds: others.append(limiter.reserve().wait))
    emulator.fail(429, headers={"Retry-After": "10"})
    client.get(logged_user())
    assert others[0] == 10.0


def test_a_pause_holds_for_those_who_wait_for_their_moment_already(emulator, client_of):
    limiter = RateLimiter(10, clock=lambda: 0.0)
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            limiter.refuse(other, 5.0)  # Another thread is refused meanwhile.

    other = limiter.reserve()
    client_of(emulator, limiter=limiter, sleep=sleep).get(logged_user())
    assert waits == pytest.approx([0.1, 5.0])
    assert len(emulator.requests) == 1


def test_a_429_without_end_is_an_error_after_the_retries(emulator, client):
    emulator.fail(429, times=None)
    with pytest.raises(ClockifyRateLimitError) as caught:
        client.get(logged_user())
    assert caught.value.retry_after is None
    assert caught.value.attempts == 3
    assert len(emulator.requests) == 3


def test_who_can_wait_elsewhere_gives_up_after_the_second_refusal(emulator, client_of):
    client = client_of(emulator, policy={"max_refusals": 2})
    emulator.fail(429, times=None)
    with pytest.raises(ClockifyRateLimitError) as caught:
        client.get(logged_user())
    assert (caught.value.retry_after, caught.value.in_a_row) == (None, 2)
    assert len(emulator.requests) == 2


def test_refusals_before_a_good_answer_do_not_add_up(emulator, client, time_is_mine):
    for _ in range(4):
        emulator.fail(429, times=1)
        client.get(logged_user())
    assert len(emulator.requests) == 8
    assert max(time_is_mine.sleeps) < PAUSES[1]


def test_once_refused_for_good_nobody_asks_before_the_pause_is_over(emulator, client, time_is_mine):
    emulator.fail(429, times=None)
    for _ in range(5):
        with pytest.raises(ClockifyRateLimitError):
            client.get(logged_user())
    assert len(emulator.requests) == 3
    time_is_mine.now += PAUSES[2] + 1
    with pytest.raises(ClockifyRateLimitError):
        client.get(logged_user())
    assert len(emulator.requests) == 4


def test_no_retries_means_one_request(emulator, client_of):
    client = client_of(emulator, policy={"max_retries": 0})
    emulator.fail(500)
    with pytest.raises(ClockifyServerError):
        client.get(logged_user())
    assert len(emulator.requests) == 1


BROKEN_ANSWERS = {
    "500": faults.answer(500),
    "502 HTML": faults.answer(502, body=b"<html><h1>Bad gateway</h1></html>", content_type="text/html"),
    "503": faults.answer(503, body=b""),
    "reset before": faults.reset_before(),
    "reset after": faults.reset_after(),
    "reset in the body": faults.reset_mid_body(),
    "truncated body": faults.truncate_body(),
    "invalid JSON": faults.invalid_json(),
    "empty 200": faults.empty_200(),
    "cut chunks": faults.chunked(cut=True),
    "cut gzip": faults.cut_gzip(),
    "false gzip": faults.false_gzip(),
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


def test_a_host_that_refuses_connections_spends_no_requests(make_client, free_port):
    client = make_client(f"http://127.0.0.1:{free_port}", "the-key", limiter=RateLimiter(1e6, 30))
    with pytest.raises(ClockifyTransportError) as caught:
        client.get(logged_user())
    assert caught.value.never_sent
    assert client.transport.limiter_of(None).left() == 30


def test_a_request_that_gets_no_answer_was_spent(emulator, client_of):
    client = client_of(emulator, limiter=RateLimiter(1e6, 30))
    emulator.inject(faults.reset_after(), times=None)
    with pytest.raises(ClockifyTransportError) as caught:
        client.get(logged_user())
    assert not caught.value.never_sent
    assert client.transport.limiter_of(None).left() == 30 - len(emulator.requests)


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
    with pytest.raises(
        ClockifyRateLimitError, match=r"what is allowed.*requests_per_hour 2.*is used up by this machine"
    ) as caught:
        client.get(logged_user())
    assert "429" not in str(caught.value)
    assert caught.value.retry_after == pytest.approx(3600)
    assert caught.value.attempts == 0
    assert len(emulator.requests) == 2
    time_is_mine.now += 3590
    client.get(logged_user())
    assert time_is_mine.sleeps[-1] == pytest.approx(10)


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


def test_after_a_wait_too_long_to_hold_nobody_is_asked_before_its_end(emulator, client, time_is_mine):
    emulator.fail(429, headers={"Retry-After": "3600"})
    with pytest.raises(ClockifyRateLimitError, match="budget is used up"):
        client.get(logged_user())
    with pytest.raises(
        ClockifyRateLimitError, match=r"refused an earlier request.*another 3600 s.*deferrable"
    ) as caught:
        client.get(logged_user())
    assert "what is allowed" not in str(caught.value)
    assert (caught.value.attempts, caught.value.retry_after) == (0, 3600)
    assert len(emulator.requests) == 1
    time_is_mine.now += 3500
    client.get(logged_user())
    assert time_is_mine.sleeps == [pytest.approx(100)]


def test_a_port_that_speaks_no_http_is_a_transport_error(make_client, start_recorder):
    recorder = start_recorder(broken=True)
    with pytest.raises(ClockifyTransportError, match="no answer"):
        make_client(recorder.url, "the-key").get(logged_user())
    assert len(recorder.seen) == 4


# --- the asynchronous one only -------------------------------------------------------------------------------


def loop_transport(url: str, **extra: Any) -> AsyncTransport:
    settings = ClockifySettings.from_fields("clockify_test", password="the-key", host=url, extra=extra)
    return AsyncTransport(settings)


def test_transports_of_one_workspace_share_the_pace_of_the_process():
    first = loop_transport("https://pace.example.com", workspace_id="shared", requests_per_second=7)
    second = loop_transport("https://pace.example.com", workspace_id="shared")
    other = loop_transport("https://pace.example.com", workspace_id="other")
    assert first.limiter_of() is second.limiter_of()
    assert first.limiter_of() is not other.limiter_of()


def test_cancelling_a_request_ends_it(emulator):
    emulator.inject(faults.hang(20))

    async def scenario() -> None:
        transport = loop_transport(emulator.url)
        task = asyncio.create_task(transport.send(logged_user(), read_item))
        while not emulator.requests:  # noqa: ASYNC110 - the emulator lives in other threads
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_of_certificates_that_cannot_be_read_is_named(monkeypatch, tmp_path, variable):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, str(tmp_path / "none.pem"))
    with pytest.raises(ClockifyConfigError, match=r"clockify_test.*none\.pem"):
        asyncio.run(loop_transport("https://localhost:9").send(logged_user(), read_item))


def test_certificates_are_read_once_from_a_file_or_a_folder(monkeypatch, tmp_path):
    _read_bundle.cache_clear()
    contexts = [_tls_context("c") for _ in range(3)]
    assert len({id(context) for context in contexts}) == 1
    assert contexts[0].verify_mode is ssl.CERT_REQUIRED
    assert contexts[0].check_hostname
    assert contexts[0].get_ca_certs()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    assert _tls_context("c") is not contexts[0]


# --- the log of the HTTP library ------------------------------------------------------------------------------


def lines_of_httpx(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(each.levelname, each.getMessage()) for each in caplog.records if each.name == "httpx"]


def look_twice_beside_another(emulator: Any) -> None:
    """Send two requests of ours, and in the same loop at the same time one of somebody else."""
    settings = ClockifySettings.from_fields(
        "clockify_test", password=emulator.api_key, host=emulator.url, extra={"requests_per_second": 1e6}
    )

    async def somebody_else() -> None:
        async with httpx.AsyncClient() as client:
            await client.get(f"{emulator.url}/somebody-else")

    async def run() -> None:
        transport = AsyncTransport(settings)
        await asyncio.gather(
            transport.send(logged_user(), read_item),
            somebody_else(),
            transport.send(logged_user(), read_item),
        )
        await somebody_else()

    asyncio.run(run())


def test_a_look_writes_no_line_of_the_http_library_and_others_keep_theirs(emulator, caplog):
    with caplog.at_level(logging.INFO, logger="httpx"):
        look_twice_beside_another(emulator)
    lines = lines_of_httpx(caplog)
    assert [level for level, _ in lines] == ["INFO", "INFO"]
    assert all("/somebody-else" in text for _, text in lines)


def test_who_debugs_still_sees_the_line_of_a_look(emulator, caplog):
    with caplog.at_level(logging.DEBUG, logger="httpx"):
        look_twice_beside_another(emulator)
    looks = [(level, text) for level, text in lines_of_httpx(caplog) if "/api/v1/user" in text]
    assert [level for level, _ in looks] == ["DEBUG", "DEBUG"]
    assert all("HTTP Request: GET" in text for _, text in looks)
