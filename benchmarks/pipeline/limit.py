# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The limit: the same pages with the same concurrency, their bytes written to the disk in any order, and nothing else.

It knows how many pages there are, reads no answer, checks and retries nothing.
"""

from __future__ import annotations

import asyncio
import os

import aiohttp
from usage import Stopwatch, peak_mb, report, specification


async def drain(given: dict) -> int:
    remaining = iter(given["bodies"])
    received = 0
    connector = aiohttp.TCPConnector(limit=given["concurrency"])
    with open(given["output"], "wb") as file:  # noqa: ASYNC230, PTH123 - a page is written faster than handed over

        async def work(session: aiohttp.ClientSession) -> None:
            nonlocal received
            for body in remaining:
                async with session.post(given["url"], data=body) as answer:
                    answer.raise_for_status()
                    received += file.write(await answer.read())

        headers = {"X-Api-Key": given["key"], "Content-Type": "application/json"}
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
            await asyncio.gather(*(work(session) for _ in range(given["concurrency"])))
        file.flush()
        os.fsync(file.fileno())
    return received


def main() -> None:
    given = specification()
    working = Stopwatch()
    received = asyncio.run(drain(given))
    report(**working.read(), bytes=received, requests=len(given["bodies"]), peak_mb=peak_mb())


if __name__ == "__main__":
    main()
