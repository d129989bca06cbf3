# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Make an emulator fail on purpose: refusals, nonsense answers and broken connections."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import msgspec

from airflow_provider_clockify.testing.exchange import JSON, Response
from airflow_provider_clockify.testing.request_log import RequestRecord

Match = Callable[[RequestRecord], bool]


class Wire(Protocol):
    """The client's connection, as far as faults touch it."""

    def send(self, data: bytes) -> None:
        """Send bytes at once."""

    def close(self) -> None:
        """End the connection in the orderly way after this request."""

    def reset(self) -> None:
        """Tear the connection down (TCP RST)."""

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than the emulator runs."""


def _deliver(wire: Wire, head: bytes, body: bytes) -> None:
    wire.send(head + body)


def _unchanged(response: Response) -> Response:
    return response


@dataclass(frozen=True, slots=True)
class Fault:
    """
    A way to fail.

    :param execute: whether the request takes effect before it fails; matters for writes.
    :param alter: makes the answer that is sent instead.
    :param deliver: sends the head and the body of the answer.
    """

    name: str
    execute: bool = True
    alter: Callable[[Response], Response] = _unchanged
    deliver: Callable[[Wire, bytes, bytes], None] = _deliver


NO_FAULT = Fault("none")


def answer(
    status: int,
    *,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    content_type: str = JSON,
    execute: bool = False,
) -> Fault:
    """
    Answer with a status; without a body the message names it.

    :param body: JSON-able, or bytes that are sent as they are.
    :param execute: let the request take effect first, so that only its answer is lost.
    """
    payload = {"message": f"Emulated failure {status}", "code": status} if body is None else body
    response = Response(status, payload, headers=dict(headers or {}), content_type=content_type)
    return Fault(f"answer {status}", execute=execute, alter=lambda _: response)


def html_error(status: int = 502) -> Fault:
    """Answer as a gateway in front of the service does: with a page for people."""
    page = f"<html><head><title>{status}</title></head><body><h1>{status} Bad Gateway</h1></body></html>"
    return replace(
        answer(status, body=page.encode(), content_type="text/html; charset=utf-8"), name=f"html {status}"
    )


def key_revoked() -> Fault:
    """Refuse the key, as a workspace does whose owner has just deleted it; with :func:`from_request`, in mid-export."""
    return replace(answer(401, body={"message": "Api key does not exist", "code": 4003}), name="key_revoked")


def reset_before() -> Fault:
    """Reset the connection without executing the request."""
    return Fault("reset_before", execute=False, deliver=lambda wire, head, body: wire.reset())


def reset_after() -> Fault:
    """Execute the request, then reset the connection before a byte of the answer."""
    return Fault("reset_after", deliver=lambda wire, head, body: wire.reset())


def reset_mid_body() -> Fault:
    """Send the head and half of the body, then reset the connection."""

    def deliver(wire: Wire, head: bytes, body: bytes) -> None:
        wire.send(head + body[: len(body) // 2])
        # A reset discards what the client has not read yet.
        wire.sleep(0.05)
        wire.reset()

    return Fault("reset_mid_body", deliver=deliver)


def truncate_body() -> Fault:
    """Announce the whole body, send half of it and close the connection in the orderly way."""

    def deliver(wire: Wire, head: bytes, body: bytes) -> None:
        wire.send(head + body[: len(body) // 2])
        wire.close()

    return Fault("truncate_body", deliver=deliver)


def hang(seconds: float) -> Fault:
    """Execute the request and keep the client waiting before a correct answer."""

    def deliver(wire: Wire, head: bytes, body: bytes) -> None:
        wire.sleep(seconds)
        wire.send(head + body)

    return Fault("hang", deliver=deliver)


def slow_body(bytes_per_second: float) -> Fault:
    """Send a correct answer with its body trickling."""

    def deliver(wire: Wire, head: bytes, body: bytes) -> None:
        wire.send(head)
        step = max(1, int(bytes_per_second / 20))
        for position in range(0, len(body), step):
            wire.sleep(step / bytes_per_second)
            wire.send(body[position : position + step])

    return Fault("slow_body", deliver=deliver)


def redirect(location: str, status: int = 302) -> Fault:
    """Send the client somewhere else."""
    return Fault(
        "redirect", execute=False, alter=lambda _: Response(status, None, headers={"Location": location})
    )


def wrong_content_type(content_type: str = "text/html; charset=utf-8") -> Fault:
    """Send a correct answer under another content type."""
    return Fault("wrong_content_type", alter=lambda response: replace(response, content_type=content_type))


def invalid_json() -> Fault:
    """Cut a correct answer in half, with a content length that fits."""

    def alter(response: Response) -> Response:
        body = response.body()
        return replace(response, payload=body[: len(body) // 2] or b"{")

    return Fault("invalid_json", alter=alter)


def empty_200() -> Fault:
    """Answer 200 without a body."""
    return Fault("empty_200", alter=lambda _: Response(200, b""))


def error_object_200(message: str = "Emulated refusal", code: int = 501) -> Fault:
    """Answer 200 with an error object, as once recorded for the weekly report (2026-05-12)."""
    return Fault("error_object_200", alter=lambda _: Response(200, {"code": code, "message": message}))


def cut_gzip() -> Fault:
    """Compress a correct answer and leave its last bytes out, with a content length that fits."""
    return _compressed("cut_gzip", lambda body: gzip.compress(body, 1)[:-9])


def false_gzip() -> Fault:
    """Send a correct answer as it is, and say that it is compressed."""
    return _compressed("false_gzip", lambda body: body)


def _compressed(name: str, pack: Callable[[bytes], bytes]) -> Fault:
    def alter(response: Response) -> Response:
        headers = {**response.headers, "Content-Encoding": "gzip"}
        return replace(response, payload=pack(response.body()), headers=headers)

    return Fault(name, alter=alter)


def chunked(*, cut: bool = False) -> Fault:
    """
    Send a correct answer in two chunks, without saying its length.

    :param cut: end the connection in the orderly way after the first.
    """

    def deliver(wire: Wire, head: bytes, body: bytes) -> None:
        head = re.sub(rb"Content-Length: \d+", b"Transfer-Encoding: chunked", head)
        half = len(body) // 2 + 1
        chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part]
        wire.send(head + (chunks[0] if cut and chunks else b"".join(chunks) + b"0\r\n\r\n"))
        if cut:
            wire.close()

    return Fault("cut_chunks" if cut else "chunked", deliver=deliver)


def extra_row(row: Mapping[str, Any] | None = None) -> Fault:
    """
    Append a row to the page of a list or report that is answered in JSON.

    :param row: fields that are unlike those of the page's last row; without, that row comes twice.
    """

    def alter(page: Any) -> None:
        rows = page if isinstance(page, list) else _rows_of(page)
        if rows:
            rows.append({**rows[-1], **(row or {})})

    return _rewritten("extra_row", alter)


def null_totals() -> Fault:
    """Send ``totals: [null]`` with the rows of a report, which the service does where there are none."""

    def alter(page: Any) -> None:
        if isinstance(page, dict) and "totals" in page:
            page["totals"] = [None]

    return _rewritten("null_totals", alter)


def _rows_of(page: Mapping[str, Any]) -> list[Any]:
    lists = [value for name, value in page.items() if name != "totals" and isinstance(value, list)]
    return next((each for each in lists if each and isinstance(each[0], dict)), [])


def _rewritten(name: str, alter: Callable[[Any], None]) -> Fault:
    def rewrite(response: Response) -> Response:
        if response.content_type != JSON or response.status != 200:
            return response
        page = msgspec.json.decode(response.body())
        alter(page)
        return replace(response, payload=page)

    return Fault(name, alter=rewrite)


def error_object_as_file(message: str = "Emulated refusal", code: int = 501) -> Fault:
    """Answer 200 with an error object under the content type and file name of the wanted file."""
    error = {"code": code, "message": message}
    return Fault("error_object_as_file", alter=lambda response: replace(response, status=200, payload=error))


def from_request(number: int) -> Match:
    """Match the requests from that one on, the first being 1 since the log was reset."""
    return lambda record: record.sequence >= number


@dataclass(slots=True)
class FaultRule:
    """A fault that waits for its requests; ``used`` tells how often it struck."""

    fault: Fault
    times: int | None
    match: Match | None
    used: int = 0


@dataclass(slots=True)
class FaultPlan:
    """The rules of an emulator, the oldest first."""

    rules: list[FaultRule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault, times: int | None, match: Match | None) -> FaultRule:
        """Add a rule; ``times=None`` is for ever."""
        rule = FaultRule(fault, times, match)
        with self._lock:
            self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Forget all rules."""
        with self._lock:
            self.rules.clear()

    def take(self, record: RequestRecord) -> Fault:
        """Return the fault of the first rule that fits the request and is not used up."""
        with self._lock:
            for rule in self.rules:
                if (rule.times is None or rule.used < rule.times) and (
                    rule.match is None or rule.match(record)
                ):
                    rule.used += 1
                    return rule.fault
        return NO_FAULT
