# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The bare loop: page after page through ``http.client``, ``msgspec`` decodes it, and each row becomes a line of a file.

It checks nothing, not even whether rows are missing. ``decode_and_write`` is its CPU without the wire. With a
concurrency it runs in as many threads, one of which decodes at a time: what any one process of Python needs at least.
"""

from __future__ import annotations

import os
import threading
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

import msgspec
from usage import Stopwatch, peak_mb, report, specification


class Bare:
    """Pages to lines of a file."""

    def __init__(self, given: dict, file) -> None:
        self._given = given
        self._url = urlsplit(given["url"])
        self._bodies = iter(given["bodies"])
        self._file = file
        self._taking, self._decoding = threading.Lock(), threading.Lock()
        self.rows = 0
        self.decoded = 0.0

    def run(self) -> None:
        headers = {"X-Api-Key": self._given["key"], "Content-Type": "application/json"}
        encode = msgspec.json.Encoder().encode_lines
        connection = HTTPConnection(self._url.netloc)
        while (body := self._next()) is not None:
            connection.request("POST", self._url.path, body, headers)
            answer = connection.getresponse()
            page = answer.read()
            assert answer.status == 200, page[:200]
            with self._decoding:
                began = time.thread_time()
                items = msgspec.json.decode(page)["timeentries"]
                self._file.write(encode(items))
                self.rows += len(items)
                del items  # Else Python's garbage collector goes through the pages of all threads.
                self.decoded += time.thread_time() - began
        connection.close()

    def _next(self) -> str | None:
        with self._taking:
            return next(self._bodies, None)


def main() -> None:
    given = specification()
    threads = given.get("concurrency", 1)
    working = Stopwatch()
    with open(given["output"], "wb") as file:  # noqa: PTH123
        bare = Bare(given, file)
        others = [threading.Thread(target=bare.run) for _ in range(threads - 1)]
        for thread in others:
            thread.start()
        bare.run()
        for thread in others:
            thread.join()
        file.flush()
        os.fsync(file.fileno())
    report(**working.read(), rows=bare.rows, decode_and_write=round(bare.decoded, 4), peak_mb=peak_mb())


if __name__ == "__main__":
    main()
