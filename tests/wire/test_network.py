# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What lies between: TLS is verified, plain HTTP stays on this machine, the environment's proxies are used."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from operator import attrgetter
from typing import Any

import pytest
from secret_scan import Scanner
from servers import make_certificate, proxy_server, tls_server

from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyServerError,
    ClockifyTransportError,
)
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.http.async_transport import AsyncTransport
from airflow_provider_clockify.http.transport import SyncTransport
from airflow_provider_clockify.reading.client import read_item
from airflow_provider_clockify.service.lists import logged_user
from airflow_provider_clockify.service.messages import ApiRequest

KEY = "66b0c1a2d3e4f5a6b7c8d9e0"
PASSWORD = "the-password-of-the-proxy"


@pytest.fixture(autouse=True)
def no_authorities_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def hook_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ClockifyHook]:
    def make(url: str, **extra: Any) -> ClockifyHook:
        extra = {"workspace_id": "w", "requests_per_second": 1e6, "max_retries": 0, "timeout": 20, **extra}
        connection = {"conn_type": "clockify", "password": KEY, "host": url, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_TEST", json.dumps(connection))
        return ClockifyHook("clockify_test")

    return make


def synchronous(hook: ClockifyHook) -> Any:
    return SyncTransport(hook.settings).send(logged_user(), read_item)


def asynchronous(hook: ClockifyHook) -> Any:
    return asyncio.run(AsyncTransport(hook.settings).send(logged_user(), read_item))


@pytest.fixture(params=[synchronous, asynchronous])
def ask(request: pytest.FixtureRequest) -> Callable[[ClockifyHook], Any]:
    return request.param


# --- TLS ----------------------------------------------------------------------------------------------------------


def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_key_is_sent(
    ask, hook_of, stack, tmp_path
):
    server = stack.enter_context(tls_server(make_certificate(tmp_path)))
    with pytest.raises(ClockifyTransportError, match=r"no answer .*(?i:certificate.verify.failed)"):
        ask(hook_of(server.url))
    assert server.requests == []


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_own_authority_is_trusted_by_the_variables_of_requests(
    ask, hook_of, stack, tmp_path, monkeypatch, variable
):
    certificate = make_certificate(tmp_path)
    server = stack.enter_context(tls_server(certificate))
    monkeypatch.setenv(variable, str(certificate))
    assert ask(hook_of(server.url)) == {"id": "over TLS"}
    assert KEY in server.requests[0]


def test_a_certificate_of_another_host_is_refused(ask, hook_of, stack, tmp_path, monkeypatch):
    certificate = make_certificate(tmp_path, "127.0.0.2")
    server = stack.enter_context(tls_server(certificate))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with pytest.raises(ClockifyTransportError, match="no answer"):
        ask(hook_of(server.url))
    assert server.requests == []


def test_the_session_verifies_too(hook_of, stack, tmp_path):
    server = stack.enter_context(tls_server(make_certificate(tmp_path)))
    session = hook_of(server.url).get_conn()
    assert session.verify is True
    with pytest.raises(OSError, match=r"(?i)certificate.verify.failed"):
        session.get(f"{server.url}/api/v1/user", timeout=20)
    assert server.requests == []


def test_the_test_button_says_that_the_certificate_is_not_trusted(hook_of, stack, tmp_path):
    server = stack.enter_context(tls_server(make_certificate(tmp_path)))
    success, message = hook_of(server.url).test_connection()
    assert not success
    assert "certificate" in message.lower()


# --- plain HTTP ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["http://clockify.example.com", "http://192.0.2.7:8088", "http://localhost.example.com"]
)
def test_plain_http_to_another_machine_needs_the_opt_in(ask, hook_of, url, stack, monkeypatch):
    proxy = stack.enter_context(proxy_server(refuse=502))  # So that nothing leaves this machine.
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)
    with pytest.raises(ClockifyConfigError, match="allow_insecure_http"):
        ask(hook_of(url))
    assert proxy.requests == []
    with pytest.raises(Exception, match="502"):
        ask(hook_of(url, allow_insecure_http=True))
    assert len(proxy.requests) == 1


def test_the_session_does_not_give_the_key_to_the_same_host_without_tls(hook_of, start_recorder):
    plain = start_recorder()
    session = hook_of(plain.url.replace("http://", "https://")).get_conn()
    session.get(f"{plain.url}/api/v1/user", timeout=20)
    assert "x-api-key" not in plain.seen[0].headers


# --- proxies ------------------------------------------------------------------------------------------------------


@pytest.fixture
def through(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Start a proxy and name it in the environment."""

    def start(*variables: str, user: str = "", **proxy: Any) -> Any:
        heard = stack.enter_context(proxy_server(**proxy))
        for name in variables:
            monkeypatch.setenv(name, heard.url.replace("//", f"//{user}"))
        return heard

    return start


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_the_proxy_of_the_environment_gets_a_tunnel_and_never_the_key(
    ask, hook_of, stack, through, tmp_path, monkeypatch, variable
):
    certificate = make_certificate(tmp_path)
    server = stack.enter_context(tls_server(certificate))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    proxy = through(variable)
    assert ask(hook_of(server.url)) == {"id": "over TLS"}
    assert [line.split()[:2] for line in proxy.requests] == [["CONNECT", server.url[8:]]]
    assert len(proxy.passed_on) > 500
    assert Scanner([KEY]).text("proxy", "".join(proxy.requests)) == []
    assert Scanner([KEY]).text("proxy", bytes(proxy.passed_on)) == []
    assert KEY in server.requests[0]


def test_the_certificate_is_verified_through_a_proxy_too(ask, hook_of, stack, through, tmp_path):
    server = stack.enter_context(tls_server(make_certificate(tmp_path)))
    proxy = through("HTTPS_PROXY")
    with pytest.raises(ClockifyTransportError, match=r"(?i)certificate.verify.failed"):
        ask(hook_of(server.url))
    assert len(proxy.requests) == 1
    assert server.requests == []


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
def test_plain_http_of_this_machine_goes_through_the_proxy_too(
    ask, hook_of, emulator, through, variable, monkeypatch
):
    emulator.workspace.owner.api_key = KEY
    proxy = through(variable)
    assert ask(hook_of(emulator.url))["id"] == emulator.workspace.owner.id
    assert proxy.requests[0].startswith(f"GET {emulator.url}/api/v1/user HTTP/1.1")
    # Which is why the page on security says to except it.
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    assert ask(hook_of(emulator.url))["id"] == emulator.workspace.owner.id
    assert len(proxy.requests) == 1
    assert len(emulator.requests) == 2


def test_each_host_has_its_own_proxy_and_exceptions(hook_of, start_recorder, through, monkeypatch):
    core, reports = start_recorder(), start_recorder()
    proxy = through("HTTP_PROXY", refuse=502)
    monkeypatch.setenv("NO_PROXY", "localhost")
    here = core.url.replace("127.0.0.1", "localhost")
    transport = SyncTransport(hook_of(here, reports_url=f"{reports.url}/v1").settings)
    for _ in range(2):
        transport.send(ApiRequest("getUser", "core", "GET", "/v1/user"), attrgetter("status"))
        with pytest.raises(ClockifyServerError):
            transport.send(ApiRequest("getReport", "reports", "GET", "/report"), attrgetter("status"))
    assert (len(core.seen), len(reports.seen), len(proxy.requests)) == (2, 0, 2)


@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_exceptions_from_the_proxy_are_kept(ask, hook_of, stack, through, tmp_path, monkeypatch, variable):
    certificate = make_certificate(tmp_path)
    server = stack.enter_context(tls_server(certificate))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv(variable, "example.com,127.0.0.1")
    proxy = through("HTTPS_PROXY")
    assert ask(hook_of(server.url)) == {"id": "over TLS"}
    assert proxy.requests == []


def test_the_password_of_a_proxy_goes_to_the_proxy_and_is_not_shown(ask, hook_of, through, caplog):
    proxy = through("HTTPS_PROXY", user=f"me:{PASSWORD}@", refuse=407)
    caplog.set_level("DEBUG")
    with pytest.raises(ClockifyTransportError, match="407") as caught:
        ask(hook_of("https://127.0.0.1:9"))
    scanner = Scanner([PASSWORD])
    assert scanner.text("proxy", proxy.requests[0])
    assert scanner.text("error", repr(caught.value) + caplog.text) == []
