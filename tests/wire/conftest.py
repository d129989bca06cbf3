# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Level 2: the client against real sockets, with time that tests own."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.http.rate_limit import RateLimiter
from airflow_provider_clockify.http.retry import RetryPolicy
from airflow_provider_clockify.http.transport import SyncTransport
from airflow_provider_clockify.reading.client import ClockifyClient
from airflow_provider_clockify.service.lists import new_time_entry
from airflow_provider_clockify.service.messages import ApiRequest
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, generate_workspace
from airflow_provider_clockify.window import Window

MAX_RETRIES = 3


class FakeTime:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.sleeps: list[float] = []
        self.on_sleep: Callable[[int], None] = lambda number: None
        self._lock = threading.Lock()

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds
            self.sleeps.append(seconds)
            number = len(self.sleeps)
        self.on_sleep(number)


@dataclass
class Seen:
    """A request that the recorder received; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Recorder:
    """
    A second server that is not Clockify: it notes what reaches it and answers the same to all.

    ``broken`` makes it tear the connection down after it has read the request.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    broken: bool = False
    seen: list[Seen] = field(default_factory=list)
    url: str = ""


def _recorder_handler(recorder: Recorder) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            recorder.seen.append(Seen(self.command, self.path, headers, body))
            if recorder.broken:
                self.close_connection = True
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.rfile.close()
                self.connection.close()
                return
            self.send_response(recorder.status)
            for name, value in {"Content-Length": str(len(recorder.body)), **recorder.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(recorder.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_CONNECT = serve

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    return Handler


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep proxies and credentials of the developer's machine out."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("NETRC", os.devnull)


@pytest.fixture
def time_is_mine() -> FakeTime:
    return FakeTime()


@pytest.fixture
def start_emulator() -> Iterator[Callable[..., ClockifyEmulator]]:
    """Start emulators; afterwards none may have met a parameter that the service would silently ignore."""
    started: list[ClockifyEmulator] = []
    with ExitStack() as stack:

        def start(
            workspace: EmulatedWorkspace | list[EmulatedWorkspace] | None = None,
            *,
            entries: int = 20,
            **server: Any,
        ) -> ClockifyEmulator:
            server.setdefault("free_requests_per_hour", None)
            emulator = ClockifyEmulator(workspace or generate_workspace(entries=entries), **server)
            started.append(emulator)
            return stack.enter_context(emulator)

        yield start
        assert [dict(emulator.unknown_parameters) for emulator in started] == [{}] * len(started)


@pytest.fixture
def emulator(start_emulator: Callable[..., ClockifyEmulator]) -> ClockifyEmulator:
    return start_emulator()


@pytest.fixture
def start_recorder() -> Iterator[Callable[..., Recorder]]:
    with ExitStack() as stack:

        def start(**fields: Any) -> Recorder:
            recorder = Recorder(**fields)
            server = ThreadingHTTPServer(("127.0.0.1", 0), _recorder_handler(recorder))
            server.daemon_threads = True
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            recorder.url = f"http://127.0.0.1:{server.server_address[1]}"
            return recorder

        yield start


@pytest.fixture
def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def make_client(time_is_mine: FakeTime) -> Iterator[Callable[..., ClockifyClient]]:
    """
    Make clients that never really wait.

    ``extra`` goes into the connection's extra, ``policy`` into the retry policy.
    """
    with ExitStack() as stack:

        def make(
            url: str,
            key: str,
            workspace_id: str | None = None,
            *,
            policy: dict[str, Any] | None = None,
            limiter: RateLimiter | None = None,
            sleep: Callable[[float], None] | None = None,
            **extra: Any,
        ) -> ClockifyClient:
            settings = ClockifySettings.from_fields(
                "clockify_test",
                password=key,
                host=url,
                extra={"workspace_id": workspace_id, "requests_per_second": 1e6, "timeout": 20, **extra},
            )
            transport = SyncTransport(
                settings,
                policy=RetryPolicy(**{"max_retries": MAX_RETRIES, **(policy or {})}),
                limiter=limiter or RateLimiter(settings.requests_per_second, clock=time_is_mine.clock),
                sleep=sleep or time_is_mine.sleep,
            )
            stack.callback(transport.close)
            return ClockifyClient(settings, transport)

        yield make


@pytest.fixture
def client_of(make_client: Callable[..., ClockifyClient]) -> Callable[..., ClockifyClient]:
    """Make a client of an emulator, by default with its owner's key and workspace."""

    def make(emulator: ClockifyEmulator, *, key: str | None = None, **options: Any) -> ClockifyClient:
        options.setdefault("workspace_id", emulator.workspace.id)
        return make_client(emulator.url, key or emulator.api_key, **options)

    return make


@pytest.fixture
def client(emulator: ClockifyEmulator, client_of: Callable[..., ClockifyClient]) -> ClockifyClient:
    return client_of(emulator)


@pytest.fixture
def new_entry() -> Callable[..., ApiRequest]:
    """Build the request that creates a time entry of an hour."""

    def build(workspace_id: str, **fields: Any) -> ApiRequest:
        given = {
            "start": datetime(2026, 11, 3, 8, tzinfo=UTC),
            "end": datetime(2026, 11, 3, 9, tzinfo=UTC),
            "user_id": None,
            "description": "made by a test",
            "project_id": None,
            "clockify_task_id": None,
            "tag_ids": None,
            "billable": None,
            "entry_type": None,
            "custom_fields": None,
        }
        return new_time_entry(workspace_id, **{**given, **fields})

    return build


@pytest.fixture
def november() -> Window:
    return Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


@pytest.fixture
def export() -> Callable[..., Any]:
    """Export a window of the client's workspace to a path."""
    from airflow_provider_clockify.columns.detailed_columns import DETAILED
    from airflow_provider_clockify.export.plan import make_plan
    from airflow_provider_clockify.export.report_export import ReportExport, export_report
    from airflow_provider_clockify.export.result import ExportResult
    from airflow_provider_clockify.export.storage import Target
    from airflow_provider_clockify.export.writing import FileKind
    from airflow_provider_clockify.reading.report_reader import ReportReader
    from airflow_provider_clockify.service.filters import report_filters
    from airflow_provider_clockify.service.report_kinds import detailed

    def run(
        client: ClockifyClient,
        window: Window,
        path: Path,
        *,
        file_format: str = "jsonl",
        compression: str | None = None,
        partition_by: Any = None,
        filters: dict[str, Any] | None = None,
        on_empty: str = "write",
        kind: FileKind | None = None,
        **more: Any,
    ) -> ExportResult:
        kind = kind or FileKind(file_format, compression)
        workspace_id = client.settings.workspace_id or ""
        before = client.transport.stats.requests
        report = detailed(workspace_id, report_filters(filters))
        result = export_report(
            ReportExport(
                report="detailed",
                workspace_id=workspace_id,
                reader=ReportReader(client.send, report, concurrency=client.settings.max_concurrency),
                plan=make_plan(window, partition_by=partition_by, file_name="detailed" + kind.suffix),
                table=lambda _: DETAILED,
                target=Target(str(path)),
                kind=kind,
                on_empty=on_empty,
                **more,
            )
        )
        result.requests = client.transport.stats.requests - before
        return result

    return run


@pytest.fixture
def rows_of() -> Callable[[Path], list[dict[str, Any]]]:
    """Read a file of JSON lines."""

    def read(path: Path) -> list[dict[str, Any]]:
        return [json.loads(line) for line in path.read_bytes().splitlines()]

    return read
