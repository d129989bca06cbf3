# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Servers of the loopback interface that are not Clockify: one with TLS, a proxy, one that answers with any bytes."""

from __future__ import annotations

import ipaddress
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def make_certificate(folder: Path, name: str = "127.0.0.1") -> Path:
    """Make a self-signed certificate for an address of this machine; the file holds its key as well."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))]), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@dataclass
class Heard:
    """What reached a server: request lines with headers and bodies, and bytes that it only passed on."""

    url: str = ""
    requests: list[str] = field(default_factory=list)
    passed_on: bytearray = field(default_factory=bytearray)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    heard: Heard

    def hear(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.heard.requests.append(f"{self.requestline}\n{self.headers}\n{body!r}")
        return body

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@contextmanager
def _serving(handler: type[_Handler], context: ssl.SSLContext | None = None) -> Iterator[Heard]:
    heard = Heard()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (handler,), {"heard": heard}))
    server.daemon_threads = True
    server.handle_error = lambda request, address: None  # type: ignore[method-assign]
    if context:
        # Each connection shakes hands in its own thread.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    heard.url = f"http{'s' if context else ''}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def tls_server(certificate: Path, body: bytes = b'{"id": "over TLS"}') -> Iterator[Heard]:
    """Answer every request over TLS with the same body."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    class Handler(_Handler):
        def serve(self) -> None:
            self.hear()
            self.reply(200, body)

        do_GET = do_POST = serve

    with _serving(Handler, context) as heard:
        yield heard


@contextmanager
def proxy_server(refuse: int = 0) -> Iterator[Heard]:
    """
    Pass requests on, and tunnels; note what can be read of both.

    :param refuse: Status to answer everything with instead.
    """

    class Handler(_Handler):
        def do_CONNECT(self) -> None:
            self.hear()
            if refuse:
                self.reply(refuse, b"")
                return
            host, port = self.path.rsplit(":", 1)
            with socket.create_connection((host, int(port)), 10) as other:
                self.send_response(200)
                self.end_headers()
                with suppress(OSError):
                    self.relay(other)
            self.close_connection = True

        def relay(self, other: socket.socket) -> None:
            ends = {self.connection: other, other: self.connection}
            while True:
                for end in select.select([*ends], [], [], 10)[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    self.heard.passed_on += data
                    ends[end].sendall(data)

        def serve(self) -> None:
            body = self.hear()
            if refuse:
                self.reply(refuse, b"")
                return
            target = urlsplit(self.path)
            connection = HTTPConnection(target.netloc, timeout=10)
            connection.set_debuglevel(0)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            connection.request(self.command, target.path, body or None, headers)
            answer = connection.getresponse()
            self.reply(answer.status, answer.read())
            connection.close()

        do_GET = do_POST = serve

    with _serving(Handler) as heard:
        yield heard


@contextmanager
def raw_server(answer: Callable[[bytes], bytes]) -> Iterator[Heard]:
    """Answer with any bytes, made from the head of the request."""
    heard = Heard()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        heard.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        head = connection.recv(65536)
                        heard.requests.append(head.decode("latin-1"))
                        connection.sendall(answer(head))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield heard
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
