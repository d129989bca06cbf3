# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Record what clients asked for, how much at a time and how fast."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(slots=True, kw_only=True)
class RequestRecord:
    """
    One request. Moments are seconds of the monotonic clock.

    :param sequence: 1 for the first request since the log was reset.
    :param service: ``core``, ``reports`` or ``unknown``.
    :param path: whole path of the URL without the query string.
    :param headers: request headers, names in lower case.
    :param status: HTTP status of the answer, None when there was none.
    :param finished: when the answer was ready to be sent.
    :param sent: bytes of the body of the answer.
    """

    sequence: int
    service: str
    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: bytes
    started: float
    status: int | None = None
    user_id: str | None = None
    workspace_id: str | None = None
    finished: float | None = None
    sent: int = 0

    @property
    def json(self) -> Any:
        """The decoded body, None when there is none."""
        return msgspec.json.decode(self.body) if self.body else None


class RequestLog:
    """All requests since the last reset; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = 0
        self.reset()

    def reset(self) -> None:
        """Forget everything; requests that are under way are not counted again."""
        with self._lock:
            self.records: list[RequestRecord] = []
            self.unknown_parameters: Counter[str] = Counter()
            self.max_concurrency = 0
            self.peak_per_second = 0
            self._recent: deque[float] = deque()

    def begin(
        self,
        service: str,
        method: str,
        path: str,
        query: Mapping[str, Sequence[str]],
        headers: Mapping[str, str],
        body: bytes,
    ) -> RequestRecord:
        """Open the record of a request that has just been read."""
        with self._lock:
            now = time.monotonic()
            record = RequestRecord(
                sequence=len(self.records) + 1,
                service=service,
                method=method,
                path=path,
                query=query,
                headers=headers,
                body=body,
                started=now,
            )
            self.records.append(record)
            self._open += 1
            self.max_concurrency = max(self.max_concurrency, self._open)
            self._recent.append(now)
            while self._recent[0] <= now - 1:
                self._recent.popleft()
            self.peak_per_second = max(self.peak_per_second, len(self._recent))
            return record

    def finish(self, record: RequestRecord, status: int | None, sent: int) -> None:
        """Close a record just before its answer is sent, so that the receiver finds it complete."""
        with self._lock:
            record.status = status
            record.sent = sent
            record.finished = time.monotonic()
            self._open -= 1

    def count_unknown(self, name: str) -> None:
        """Count a parameter that the service would ignore without a word."""
        with self._lock:
            self.unknown_parameters[name] += 1

    def count(self, service: str | None = None, path_contains: str | None = None) -> int:
        """Return the number of requests to a service whose path contains a text."""
        with self._lock:
            return sum(
                service in (None, record.service) and (path_contains or "") in record.path
                for record in self.records
            )
