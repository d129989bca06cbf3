# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Whatever goes wrong, and with every debugging switch on: the key is where it belongs and nowhere else."""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import logging
import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from secret_scan import Scanner
from servers import make_certificate, proxy_server, raw_server, tls_server
from urllib3 import HTTPConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from airflow_provider_clockify.exceptions import ClockifyError
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.http.async_transport import AsyncTransport
from airflow_provider_clockify.http.transport import SyncTransport, _silence
from airflow_provider_clockify.reading.client import read_item
from airflow_provider_clockify.service.lists import logged_user
from airflow_provider_clockify.testing import ClockifyEmulator, faults, generate_workspace
from airflow_provider_clockify.triggers._polling import transport_of

KEY = 'K3y/of+the=test"with\\odd&chars'
LOGGERS = (
    "",
    "airflow_provider_clockify",
    "asyncio",
    "h11",
    "httpcore",
    "httpcore.connection",
    "httpcore.http11",
    "httpx",
    "requests",
    "tenacity",
    "urllib3",
    "urllib3.connectionpool",
)


@pytest.fixture
def emulator(start_emulator) -> ClockifyEmulator:
    workspace = generate_workspace(entries=20)
    workspace.owner.api_key = KEY
    return start_emulator(workspace)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Turn on every debugging switch there is; gives what was printed and logged since, errors with their causes."""
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    logged = io.StringIO()
    handler = logging.StreamHandler(logged)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(pathname)s %(message)s %(args)r"))
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    yield lambda: logged.getvalue() + "".join(capfd.readouterr())
    logging.getLogger().removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


# --- the ways to ask ----------------------------------------------------------------------------------------------


def by_transport(hook: ClockifyHook) -> Any:
    return SyncTransport(hook.settings).send(logged_user(), read_item)


def by_event_loop(hook: ClockifyHook) -> Any:
    return asyncio.run(AsyncTransport(hook.settings).send(logged_user(), read_item))


def by_session(hook: ClockifyHook) -> Any:
    session = hook.get_conn()
    url = f"{hook.settings.base_url}/api/v1/user"
    answer = session.get(url, timeout=hook.settings.timeout)
    answer.raise_for_status()
    # What people print of it.
    logging.getLogger("somebody").warning("%r %r %r %r", session, session.auth, answer, answer.request)
    return answer


def by_test_button(hook: ClockifyHook) -> Any:
    success, message = hook.test_connection()
    if not success:
        raise ClockifyError(message)
    return message


def by_hook(hook: ClockifyHook) -> Any:
    return list(hook.iter_users())


WAYS = [by_transport, by_event_loop, by_session, by_test_button, by_hook]

# --- what can go wrong --------------------------------------------------------------------------------------------


@dataclass
class World:
    """Where a scenario happens."""

    emulator: ClockifyEmulator
    start_recorder: Callable[..., Any]
    setenv: Callable[[str, str], None]
    free_port: int
    folder: Path
    stack: ExitStack

    def inject(self, fault: faults.Fault) -> str:
        self.emulator.inject(fault, times=None)
        return self.emulator.url

    def elsewhere(self, **fields: Any) -> Any:
        self.others.append(self.start_recorder(**fields))
        return self.others[-1]

    def __post_init__(self) -> None:
        self.others: list[Any] = []


def echo(spell: Callable[[str], str] = str) -> bytes:
    return json.dumps({"message": f"no such key: {spell(KEY)} here", "code": 4003}).encode()


def html(status: int) -> faults.Fault:
    page = f"<html><body>{'x' * 200} Bad gateway for {KEY}</body></html>".encode()
    return faults.answer(status, body=page, content_type="text/html")


def redirect(status: int) -> Callable[[World], str]:
    return lambda world: world.inject(faults.redirect(f"{world.elsewhere().url}/landing", status))


def wrong_proxy(world: World) -> str:
    proxy = world.stack.enter_context(proxy_server(refuse=407))
    world.setenv("HTTPS_PROXY", proxy.url)
    world.others.append(proxy)
    return "https://127.0.0.1:9"


def echoing_proxy(world: World) -> str:
    # A proxy of https:// never sees the key; this one guesses it, which stands for anything that it may know.
    proxy = world.stack.enter_context(
        raw_server(lambda head: f"HTTP/1.1 503 {KEY}\r\nContent-Length: 0\r\n\r\n".encode())
    )
    world.setenv("HTTPS_PROXY", proxy.url)
    world.others.append(proxy)
    return "https://127.0.0.1:9"


def absent_proxy(world: World) -> str:
    world.setenv("HTTPS_PROXY", f"http://127.0.0.1:{world.free_port}")
    return "https://127.0.0.1:9"


def self_signed(world: World) -> str:
    server = world.stack.enter_context(tls_server(make_certificate(world.folder)))
    world.others.append(server)
    return server.url


def garbage(answer: bytes) -> Callable[[World], str]:
    def start(world: World) -> str:
        return world.stack.enter_context(raw_server(lambda head: answer)).url

    return start


SCENARIOS: dict[str, Callable[[World], str]] = {
    "success": lambda world: world.emulator.url,
    **{
        str(n): lambda world, n=n: world.inject(faults.answer(n)) for n in (400, 401, 402, 403, 404, 429, 500)
    },
    "echo in JSON": lambda world: world.inject(faults.answer(401, body=echo())),
    "echo in an error object with 200": lambda world: world.inject(faults.answer(200, body=echo())),
    "echo in a URL": lambda world: world.inject(
        faults.answer(403, body=echo(lambda key: quote(key, safe="")))
    ),
    "echo in HTML": lambda world: world.inject(html(502)),
    "echo in HTML, refused": lambda world: world.inject(html(403)),
    "echo at the cut": lambda world: world.inject(faults.answer(400, body=b"x" * 590 + KEY.encode())),
    "echo in the content type": lambda world: world.inject(
        faults.answer(200, body=b"<", content_type=f"text/{KEY}")
    ),
    "echo in broken JSON": lambda world: world.inject(faults.answer(200, body=b'{"key": "' + KEY.encode())),
    "echo in broken UTF-8": lambda world: world.inject(
        faults.answer(200, body=b'{"key": "' + KEY.encode() + b'\xff"}')
    ),
    "echo of the wrong shape": lambda world: world.inject(faults.answer(200, body=[KEY])),
    **{f"redirect {n}": redirect(n) for n in (301, 302, 303, 307, 308)},
    "redirect by the key": lambda world: world.inject(
        faults.redirect(f"http://{quote(KEY, safe='')}@127.0.0.1:9/")
    ),
    "reset before": lambda world: world.inject(faults.reset_before()),
    "reset in the body": lambda world: world.inject(faults.reset_mid_body()),
    "truncated body": lambda world: world.inject(faults.truncate_body()),
    "invalid JSON": lambda world: world.inject(faults.invalid_json()),
    "hangs": lambda world: world.inject(faults.hang(20)),
    "status line with the key": garbage(f"{KEY}\r\n\r\n".encode()),
    "version with the key": garbage(f"HTTP/{KEY} 200 OK\r\n\r\n".encode()),
    "length with the key": garbage(f"HTTP/1.1 200 OK\r\nContent-Length: {KEY}\r\n\r\n".encode()),
    "chunk with the key": garbage(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{KEY}\r\n".encode()),
    "header line with the key": garbage(f"HTTP/1.1 500 no\r\n{KEY}\r\n\r\n".encode()),
    "nobody listens": lambda world: f"http://127.0.0.1:{world.free_port}",
    "nobody listens with TLS": lambda world: f"https://127.0.0.1:{world.free_port}",
    "no TLS": lambda world: world.emulator.url.replace("http://", "https://"),
    "self-signed": self_signed,
    "impossible host": lambda world: "https://.example.com",
    "proxy refuses": wrong_proxy,
    "proxy refuses by the key": echoing_proxy,
    "proxy is absent": absent_proxy,
}
# For the session, which is the caller's, a status of 200 is a success, whatever comes with it.
FINE = {("success", way.__name__) for way in WAYS} | {
    (name, "by_session")
    for name in (
        "echo in an error object with 200",
        "echo in the content type",
        "echo in broken JSON",
        "echo in broken UTF-8",
        "echo of the wrong shape",
        "invalid JSON",
        "length with the key",
        *(f"redirect {number}" for number in (301, 302, 303, 307, 308)),
    )
}


@pytest.fixture
def world(
    emulator: ClockifyEmulator,
    start_recorder: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    free_port: int,
    tmp_path: Path,
) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(emulator, start_recorder, monkeypatch.setenv, free_port, tmp_path, stack)


def connect(world: World, monkeypatch: pytest.MonkeyPatch, url: str, **extra: Any) -> ClockifyHook:
    connection = json.loads(world.emulator.connection_json(max_retries=0, requests_per_second=1e6, **extra))
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_TEST", json.dumps({**connection, "host": url}))
    return ClockifyHook("clockify_test")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_key_is_nowhere(
    name: str, way: Callable, world: World, heard: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = connect(world, monkeypatch, SCENARIOS[name](world), timeout=0.3 if name == "hangs" else 20)
    told = ""
    try:
        way(hook)
    except Exception as error:
        logging.getLogger("somebody").exception("It failed: %r", error)
        told = f"{error!r} {error} {''.join(traceback.format_exception(error))} {vars(error)}"
    told += f"{hook!r} {vars(hook)} {hook.settings}"
    text = heard()
    scanner = Scanner([KEY])
    assert scanner.text("logs and output", text) == []
    assert scanner.text("the error", told) == []
    for other in world.others:
        reached = getattr(other, "seen", None) or getattr(other, "requests", [])
        assert scanner.text("another host", repr(reached).replace("\\\\", "\\")) == []
        if name.startswith("redirect 3"):
            assert len(reached) == (way is by_session)
    assert ("It failed" in text) is ((name, way.__name__) not in FINE)


# --- that the test above can fail ---------------------------------------------------------------------------------


def test_http_debugging_shows_the_key_of_any_other_session(emulator, heard):
    requests.get(f"{emulator.url}/api/v1/user", headers={"X-Api-Key": KEY}, timeout=20)
    found = Scanner([KEY]).text("output", heard())
    assert {each.spelling for each in found} & {"plain", "JSON-escaped", "repr"}
    assert KEY not in "".join(map(str, found))


@pytest.mark.parametrize("way", [by_transport, by_event_loop, by_session], ids=lambda way: way.__name__)
def test_the_libraries_do_log_at_debug_what_holds_no_key(emulator, heard, way, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_TEST", emulator.connection_json())
    way(ClockifyHook("clockify_test"))
    text = heard()
    library = "httpcore" if way is by_event_loop else "urllib3"
    assert re.search(rf"DEBUG {library}\S* ", text)
    assert "/api/v1/user" in text
    assert emulator.requests[0].headers["x-api-key"] == KEY


@pytest.mark.prints_keys
def test_an_error_that_quotes_the_key_is_found(heard):
    try:
        raise ValueError(quote(KEY, safe=""))
    except ValueError:
        logging.getLogger("anybody").debug("no", exc_info=True)
    assert {each.spelling for each in Scanner([KEY]).text("logs", heard())} == {"URL-encoded"}


# --- HTTP debugging -----------------------------------------------------------------------------------------------


def test_other_sessions_of_the_process_keep_their_debugging(emulator, heard, client_of):
    client_of(emulator).get(logged_user())
    assert "send:" not in heard()
    requests.get(emulator.url, timeout=20)
    assert "send: b'GET" in heard()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_http_debugging_prints_nothing_through_a_proxy(
    scheme, emulator, heard, monkeypatch, tmp_path, client_of, make_client
):
    with proxy_server() as proxy, tls_server(make_certificate(tmp_path)) as server:
        monkeypatch.setenv(f"{scheme.upper()}_PROXY", proxy.url)
        monkeypatch.setenv(f"{scheme}_proxy", proxy.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
        for _ in range(2):  # The second time the manager of the proxy is there already.
            client = client_of(emulator) if scheme == "http" else make_client(server.url, KEY)
            assert client.get(logged_user())["id"]
        assert len(proxy.requests) == 2
        assert "send:" not in heard()


def test_pools_of_another_kind_are_silent_too_and_those_of_others_stay_as_they_are(heard):
    class SocksConnection(HTTPConnection):
        """As the optional support of SOCKS proxies has one."""

    class SocksPool(HTTPConnectionPool):
        ConnectionCls = SocksConnection

    class SocksManager(PoolManager):
        kept = {"http": SocksPool}

        def __init__(self) -> None:
            super().__init__()
            self.pool_classes_by_scheme = self.kept

    manager = SocksManager()
    for _ in range(2):
        _silence(manager)
        pool = manager.connection_from_url("http://127.0.0.1:9")
        assert isinstance(pool, SocksPool)
        assert issubclass(pool.ConnectionCls, SocksConnection)
        assert pool.ConnectionCls.debuglevel == 0
    assert SocksManager.kept == {"http": SocksPool}
    assert (SocksConnection.debuglevel, HTTPSConnection.debuglevel) == (1, 1)


# --- tracebacks with local variables ------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize(
    "name", ["401", "500", "echo in JSON", "invalid JSON", "no TLS", "nobody listens with TLS"]
)
def test_tracebacks_with_local_variables_do_not_hold_the_key(name, way, world, monkeypatch):
    hook = connect(world, monkeypatch, SCENARIOS[name](world))
    try:
        way(hook)
    except Exception as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        # The body of an answer is the service's: what it echoes there is hidden in messages only.
        text = "".join(shown.format())
        assert "hook = " in text
        assert [
            each for each in Scanner([KEY]).text("traceback", text) if "no such key" not in str(each)
        ] == []
    else:
        assert (name, way.__name__) in FINE


# --- what Airflow is told to mask ---------------------------------------------------------------------------------


def masked(text: str) -> str:
    """Mask a text as Airflow masks logs."""
    try:
        from airflow.sdk._shared.secrets_masker import redact
    except ImportError:
        from airflow.utils.log.secrets_masker import redact
    return str(redact(text))


def by_loop(conn_id: str) -> str:
    return str(asyncio.run(transport_of(conn_id)).settings.api_key)


def by_settings(conn_id: str) -> str:
    return str(ClockifyHook(conn_id).settings.api_key)


FORMS: dict[str, Callable[[str], str]] = {
    "JSON": lambda key: json.dumps({"conn_type": "clockify", "password": key}),
    "JSON with spaces": lambda key: json.dumps({"conn_type": "clockify", "password": f" {key}\n"}),
    "URI": lambda key: f"clockify://:{quote(key, safe='')}@/?region=euc1",
}


@pytest.fixture(autouse=True)
def fresh_masker(monkeypatch):
    """Forget what other tests had masked: Airflow 2 masks keys of a single letter, too, wherever it stands."""
    try:
        from airflow.sdk._shared.secrets_masker import _secrets_masker
    except ImportError:
        from airflow.utils.log.secrets_masker import _secrets_masker
    masker = _secrets_masker()
    monkeypatch.setattr(masker, "patterns", set())
    monkeypatch.setattr(masker, "replacer", None)


@pytest.mark.parametrize("read", [by_settings, by_loop])
@pytest.mark.parametrize("form", FORMS)
def test_airflow_masks_the_key_that_is_sent(form, read, monkeypatch):
    key = f"Masked/k3y+{form.replace(' ', '-')}+{read.__name__}"
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_TEST", FORMS[form](key))
    assert key in masked(f"the key {key}!")
    assert read("clockify_test") == key
    assert masked(f"the key {key}!") == "the key ***!"


def test_airflow_masks_the_salt_of_hashes(monkeypatch):
    salt = "the-pepper/and+salt"
    connection = {"conn_type": "clockify", "password": KEY, "extra": {"hash_salt": salt}}
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_TEST", json.dumps(connection))
    assert ClockifyHook("clockify_test").settings.hash_salt == salt
    assert masked(f"the salt {salt}!") == "the salt ***!"
