# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Serve emulated workspaces over HTTP."""

from __future__ import annotations

import contextlib
import gzip
import logging
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

import msgspec

from airflow_provider_clockify.testing import control
from airflow_provider_clockify.testing.answers.report_rows import EntryRows
from airflow_provider_clockify.testing.certificates import Certificates
from airflow_provider_clockify.testing.exchange import (
    JSON,
    ApiError,
    Behaviour,
    EntityFeeds,
    Query,
    Request,
    Response,
)
from airflow_provider_clockify.testing.extra_fields import with_extra_fields
from airflow_provider_clockify.testing.faults import Fault, FaultPlan, FaultRule, Match, answer
from airflow_provider_clockify.testing.limits import RateLimits
from airflow_provider_clockify.testing.request_log import RequestLog, RequestRecord
from airflow_provider_clockify.testing.routing import (
    authenticate,
    find_route,
    open_workspace,
    options_of,
    service_of,
)
from airflow_provider_clockify.testing.switches import Switches
from airflow_provider_clockify.testing.workspace.data import EmulatedWorkspace
from airflow_provider_clockify.testing.workspace.generate import generate_workspace
from airflow_provider_clockify.testing.workspace.times import epoch_seconds

if TYPE_CHECKING:
    import ssl
    from collections import Counter
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

log = logging.getLogger(__name__)

_WITH_BODY = ("POST", "PUT", "PATCH")

Hook = Callable[[RequestRecord], None]


class ClockifyEmulator:
    """
    A local stand-in for Clockify: core at ``<url>/api/v1``, reports at ``<url>/report/v1``.

    Use it as a context manager, or call ``start`` and ``stop``. It refuses what the service refuses and has
    its traps. Leaving the context raises an error of a hook or handler that clients only saw as a 500.

    :param workspaces: one or several; default is a generated one. They may be changed while it runs.
    :param host: address to listen on; anything but loopback lets others in.
    :param port: 0 picks a free one.
    :param latency: seconds that every answer takes longer.
    :param requests_per_second: limit of each workspace (paid ones have 50), None is no limit.
    :param free_requests_per_hour: limit of each workspace on the Free plan, None is no limit.
    :param retry_after: form of ``Retry-After`` of a 429: None (absent), ``seconds`` or ``http-date``.
    :param compress: answer with gzip when the client accepts it.
    :param detailed_max_page_size: largest page of the detailed report.
    :param max_page_size: largest page of every list, report, feed and file that has pages; None is their own.
    :param oversize: ``refuse``, ``clamp`` or ``cut`` larger pages, see ``Behaviour``.
    :param report_running: show running timers in reports.
    :param weekly_refusal_status: 400 or 200, status of a weekly report that is not about 7 days.
    :param summary_levels: levels of groups that a summary has at most; those on the last one have no ``children``.
    :param csv_paged: end CSV and XLSX of the detailed report with the requested page.
    :param report_last_page_header: send ``Last-Page`` with pages of reports.
    :param last_page_header: send ``Last-Page`` with pages of lists.
    :param clock: seconds for the limits; replace it to let an hour pass.
    :param now: aware moment that the services take for now, None is the clock of this machine; see ``now``.
    :param extra_fields: fields that no client knows, added to every object in a list of an answer.
    :param entities: how the change feeds behave.
    :param switches: names of assumptions that do not hold here, see ``testing.switches``.
    :param tls: serve HTTPS, with a certificate that is made at each start and is trusted by who trusts ``ca_file``.
    """

    def __init__(
        self,
        workspaces: EmulatedWorkspace | Sequence[EmulatedWorkspace] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        latency: float = 0.0,
        requests_per_second: float | None = None,
        free_requests_per_hour: int | None = 30,
        retry_after: str | None = None,
        compress: bool = False,
        detailed_max_page_size: int = 1000,
        max_page_size: int | None = None,
        oversize: str = "refuse",
        report_running: bool = False,
        weekly_refusal_status: int = 400,
        summary_levels: int = 3,
        csv_paged: bool = True,
        report_last_page_header: bool = True,
        last_page_header: bool = True,
        clock: Callable[[], float] = time.monotonic,
        now: datetime | None = None,
        extra_fields: Mapping[str, Any] | None = None,
        entities: EntityFeeds | None = None,
        switches: Sequence[str] = (),
        tls: bool = False,
    ) -> None:
        if workspaces is None:
            workspaces = generate_workspace()
        self.workspaces = [workspaces] if isinstance(workspaces, EmulatedWorkspace) else list(workspaces)
        if not self.workspaces:
            raise ValueError("at least one workspace is needed")
        self.latency = latency
        self.compress = compress
        self.behaviour = Behaviour(
            detailed_max_page_size=detailed_max_page_size,
            max_page_size=max_page_size,
            oversize=oversize,
            report_running=report_running,
            weekly_refusal_status=weekly_refusal_status,
            summary_levels=summary_levels,
            csv_paged=csv_paged,
            report_last_page_header=report_last_page_header,
            last_page_header=last_page_header,
        )
        self.behaviour.extra_fields = dict(extra_fields or {})
        self.behaviour.entities = entities or EntityFeeds()
        self.now = now
        self.switches = Switches(switches)
        self.errors: list[Exception] = []
        self._address = (host, port)
        self._limits = RateLimits(
            per_second=requests_per_second,
            free_per_hour=free_requests_per_hour,
            retry_after=retry_after,
            clock=clock,
        )
        self._log = RequestLog()
        self._faults = FaultPlan()
        self._hooks: list[Hook] = []
        self._rows = {workspace.id: EntryRows(workspace) for workspace in self.workspaces}
        self._server: _Server | None = None
        self._tls = tls
        self._certificates: Certificates | None = None
        self.stopping = threading.Event()

    # --- life ------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Listen and serve in background threads."""
        if self._server is not None:
            raise RuntimeError("the emulator runs already")
        self.stopping.clear()
        self._server = _Server(self._address, self)
        if self._tls:
            self._certificates = Certificates(self._address[0])
            self._server.tls = self._certificates.context()
        threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.02},
            name="clockify-emulator",
            daemon=True,
        ).start()
        return self

    def stop(self) -> None:
        """Stop serving and close all connections; the log and the data stay."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            # Connections go first, so that answers that are held back never reach their clients.
            server.close_connections()
            self.stopping.set()
        if self._certificates is not None:
            self._certificates.close()
            self._certificates = None

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop, and raise the first error that happened inside the emulator."""
        self.stop()
        if self.errors and error is None:
            raise self.errors[0]

    # --- where it is -----------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Base URL, the ``host`` of an Airflow connection."""
        if self._server is None:
            raise RuntimeError("the emulator is not running")
        host, port = self._server.server_address[:2]
        return f"{'https' if self._tls else 'http'}://{host!s}:{port}"

    @property
    def ca_file(self) -> Path | None:
        """The file to trust, for example as ``REQUESTS_CA_BUNDLE`` or ``SSL_CERT_FILE``; None without TLS."""
        return self._certificates.ca_file if self._certificates else None

    @property
    def workspace(self) -> EmulatedWorkspace:
        """The first workspace."""
        return self.workspaces[0]

    @property
    def api_key(self) -> str:
        """Key of the owner of the first workspace."""
        return self.workspace.api_key

    def connection_json(self, *, api_key: str | None = None, **extra: Any) -> str:
        """
        Return an Airflow connection in its JSON form.

        :param api_key: default is the key of the owner.
        :param extra: goes into the connection's extra, next to ``workspace_id``; None leaves a key out.
        """
        merged = {"workspace_id": self.workspace.id, **extra}
        return msgspec.json.encode(
            {
                "conn_type": "clockify",
                "host": self.url,
                "password": api_key or self.api_key,
                "extra": {name: value for name, value in merged.items() if value is not None},
            }
        ).decode()

    @property
    def now(self) -> datetime | None:
        """What the services take for now, None for the clock of this machine; may be set at any time."""
        return self.behaviour.frozen_now

    @now.setter
    def now(self, moment: datetime | None) -> None:
        if moment is not None:
            epoch_seconds(moment)
        self.behaviour.frozen_now = moment

    # --- what happened ---------------------------------------------------------------------------------

    @property
    def requests(self) -> list[RequestRecord]:
        """All requests since the last reset, in order of arrival."""
        return self._log.records

    @property
    def unknown_parameters(self) -> Counter[str]:
        """Parameters that the service ignores silently: ``METHOD path?name`` or ``METHOD path body name``."""
        return self._log.unknown_parameters

    @property
    def max_concurrency(self) -> int:
        """Most requests that were handled at the same time."""
        return self._log.max_concurrency

    @property
    def peak_requests_per_second(self) -> int:
        """Most requests that arrived within one second."""
        return self._log.peak_per_second

    def count(self, service: str | None = None, path_contains: str | None = None) -> int:
        """Return the number of requests to a service (``core``, ``reports``) whose path contains a text."""
        return self._log.count(service, path_contains)

    def reset_log(self) -> None:
        """Forget the requests so far, the unknown parameters and the peaks."""
        self._log.reset()

    def reset_limits(self) -> None:
        """Fill the token buckets and begin a new hour."""
        self._limits.reset()

    # --- what shall happen -----------------------------------------------------------------------------

    def before_request(self, hook: Hook) -> Hook:
        """
        Call a function with the record of each request before it is handled; usable as a decorator.

        It may change the workspace: the request sees the change.
        """
        self._hooks.append(hook)
        return hook

    def at_request(self, number: int, happens: Callable[[], object]) -> None:
        """
        Let something happen once, just before a request is handled, for example to the workspace.

        :param number: of the request, the first being 1 since the log was reset.
        :param happens: takes nothing; what it returns is not used.
        """
        waiting = [happens]

        @self.before_request
        def hook(record: RequestRecord) -> None:
            if record.sequence == number and waiting:
                waiting.pop()()

    def fail(
        self,
        status: int = 500,
        *,
        times: int | None = 1,
        match: Match | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        execute: bool = False,
    ) -> FaultRule:
        """
        Answer the next requests with a status.

        :param times: how many requests, None is all.
        :param match: which requests; default is any.
        :param body: JSON-able or bytes; default is an error object.
        :param execute: let the request take effect before it fails.
        """
        return self.inject(
            answer(status, headers=headers, body=body, execute=execute), times=times, match=match
        )

    def inject(self, fault: Fault, *, times: int | None = 1, match: Match | None = None) -> FaultRule:
        """Let a fault of ``testing.faults`` strike the next requests; older rules go first."""
        return self._faults.add(fault, times, match)

    def clear_faults(self) -> None:
        """Forget all rules of ``fail`` and ``inject``."""
        self._faults.clear()

    # --- handling --------------------------------------------------------------------------------------

    def controls(self) -> control.Controls:
        """Return what the control endpoint may see and do."""
        facts = {
            "max_concurrency": self.max_concurrency,
            "peak_requests_per_second": self.peak_requests_per_second,
            "unknown_parameters": self.unknown_parameters,
        }
        return control.Controls(self.workspaces, self.requests, facts, self._reset, self.switches)

    def _reset(self) -> None:
        self.switches.clear()
        self.reset_log()
        self.reset_limits()
        self.clear_faults()

    def begin(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[RequestRecord, Fault]:
        """Record a request, call the hooks and choose the fault that strikes it."""
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True)
        record = self._log.begin(service_of(parts.path), method, parts.path, query, headers, body)
        try:
            for hook in self._hooks:
                hook(record)
            return record, self._faults.take(record)
        except Exception as error:
            log.exception("a hook or the match of a fault failed")
            self.errors.append(error)
            return record, answer(500)

    def handle(self, record: RequestRecord, fault: Fault) -> Response:
        """Answer a request."""
        if not fault.execute:
            return fault.alter(Response(200, {}))
        try:
            response = self._handle(record)
        except ApiError as error:
            response = error.response
        except Exception as error:
            log.exception("a handler failed")
            self.errors.append(error)
            response = Response(500, {"message": f"Emulator error: {error!r}", "code": 500})
        return fault.alter(self.switches.response(record, response))

    def finish(self, record: RequestRecord, status: int | None, sent: int) -> None:
        """Close the record of a request."""
        self._log.finish(record, status, sent)

    def _handle(self, record: RequestRecord) -> Response:
        if record.method == "OPTIONS":
            return Response(200, headers={"Allow": options_of(record.path)})
        caller, workspace = authenticate(record.headers, self.workspaces)
        record.user_id = caller.user.id
        route, path = find_route(record.method, record.path)
        if "workspaceId" in path:
            caller, workspace = open_workspace(path["workspaceId"], caller, workspace, self.workspaces)
        record.workspace_id = workspace.id
        self._limits.check(workspace.id, is_free=workspace.is_free)
        label = f"{route.method} {route.path}"
        for name in record.query.keys() - route.query:
            self._log.count_unknown(f"{label}?{name}")
        if (
            route.emulated
            and route.method in _WITH_BODY
            and record.headers.get("content-type", "").split(";")[0].strip() != JSON
        ):
            raise ApiError(415, 415, "Content-Type is not supported; send application/json")
        asked = self.switches.request(record)
        request = Request(
            path=path,
            query=Query(asked.query),
            body=asked.body,
            caller=caller,
            behaviour=self.switches.behaviour(record, self.behaviour),
            workspaces=self.workspaces,
            workspace=workspace,
            rows=self._rows[workspace.id],
            report_unknown=lambda name: self._log.count_unknown(f"{label} {name}"),
        )
        with workspace.lock:
            response = route.handler(request)
        return with_extra_fields(response, self.behaviour.extra_fields)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], emulator: ClockifyEmulator) -> None:
        self.emulator = emulator
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        self.tls: ssl.SSLContext | None = None
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer would look its own name up, which can take seconds.
        socketserver.TCPServer.server_bind(self)

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        if self.tls is not None:
            # The handshake happens when the thread of the connection reads, so that nobody else waits for it.
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        with self._connections_lock:
            left = list(self._connections)
        for connection in left:
            # Its thread wakes up with an end of file and closes it.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Expect broken connections: clients leave when they like."""
        log.debug("connection of %s broke", client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def serve(self) -> None:
        """Serve one request, whatever its verb."""
        emulator = self.server.emulator
        headers = {name.lower(): value for name, value in self.headers.items()}
        if "transfer-encoding" in headers:
            self.close_connection = True
            self._send(Response(411, {"message": "The emulator needs a Content-Length", "code": 0}))
            return
        body = self.rfile.read(int(headers.get("content-length", 0)))
        if self.path.startswith(control.PREFIX):
            self._send(control.handle(emulator.controls(), self.command, self.path, body))
            return
        record, fault = emulator.begin(self.command, self.path, headers, body)
        response = emulator.handle(record, fault)
        if emulator.latency:
            self.sleep(emulator.latency)
        head, payload = self._encode(response)
        emulator.finish(record, response.status, len(payload))
        fault.deliver(self, head, payload)

    def _send(self, response: Response) -> None:
        head, payload = self._encode(response)
        self.send(head + payload)

    def _encode(self, response: Response) -> tuple[bytes, bytes]:
        payload = response.body()
        headers = {"Date": formatdate(usegmt=True), "Content-Type": response.content_type, **response.headers}
        wanted = self.server.emulator.compress and "gzip" in self.headers.get("Accept-Encoding", "")
        if wanted and "Content-Encoding" not in headers:
            payload = gzip.compress(payload, 1)
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        headers["Content-Length"] = str(len(payload))
        lines = [f"HTTP/1.1 {response.status} {_reason(response.status)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        return head, b"" if self.command == "HEAD" else payload

    # --- the wire of faults ----------------------------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Send everything with one call, so that head and body leave together."""
        try:
            self.connection.sendall(data)
        except OSError:
            self.close_connection = True

    def close(self) -> None:
        """Close the connection after this request."""
        self.close_connection = True

    def reset(self) -> None:
        """Close the connection with a TCP reset."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The socket closes when its last file does.
        self.rfile.close()
        self.connection.close()

    def sleep(self, seconds: float) -> None:
        """Wait, unless the emulator stops."""
        self.server.emulator.stopping.wait(seconds)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet; the request log has it all."""


for _verb in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"):
    setattr(_Handler, f"do_{_verb}", _Handler.serve)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Emulated"
