# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The bare loop: page after page through ``http.client``, ``msgspec`` decodes it, and each row becomes a line of a file.

It checks nothing, not even whether rows are missing. ``decode_and_write`` is its CPU without the wire.
"""

from __future__ import annotations

import os
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

import msgspec
from usage import Stopwatch, peak_mb, report, specification


def main() -> None:
    given = specification()
    url = urlsplit(given["url"])
    headers = {"X-Api-Key": given["key"], "Content-Type": "application/json"}
    encode = msgspec.json.Encoder().encode_lines
    decoding = 0.0
    rows = 0
    working = Stopwatch()
    connection = HTTPConnection(url.netloc)
    with open(given["output"], "wb") as file:  # noqa: PTH123
        for body in given["bodies"]:
            connection.request("POST", url.path, body, headers)
            answer = connection.getresponse()
            page = answer.read()
            assert answer.status == 200, page[:200]
            began = time.process_time()
            items = msgspec.json.decode(page)["timeentries"]
            file.write(encode(items))
            rows += len(items)
            decoding += time.process_time() - began
        file.flush()
        os.fsync(file.fileno())
    connection.close()
    report(**working.read(), rows=rows, decode_and_write=round(decoding, 4), peak_mb=peak_mb())


if __name__ == "__main__":
    main()
