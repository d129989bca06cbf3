# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
How long looks of a trigger hold the event loop that all triggers share.

Each case runs in a fresh process: it loads what triggers load beforehand, looks twice at the emulator, and prints the
longest callbacks of the loop: by the clock on the wall, which also counts what other processes of the machine take, and
by the CPU of the loop's thread. The first look pays for what libraries load late.
"""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import time
from asyncio import events
from datetime import UTC, datetime, timedelta

from airflow_provider_clockify.testing import ClockifyEmulator, faults, generate_workspace

START = datetime(2026, 11, 1, tzinfo=UTC)


def row(number: int) -> dict:
    return {
        "_id": f"{number:024x}",
        "description": 'a "quoted" text, ' * 20,
        "timeInterval": {"start": "2026-11-02T08:00:00Z", "end": "2026-11-02T09:00:00Z", "duration": 3600},
        "customFields": [{"customFieldId": f"{number:x}", "value": "x"}] * 3,
    }


ROWS = [row(number) for number in range(1_600)]
WHOLE = json.dumps({"totals": [], "timeentries": ROWS}).encode()
CASES = {
    "a page of 1000 rows": None,
    "a page of 1000 rows, compressed": None,
    "1 MB of other shape": WHOLE,
    "1 MB, cut": WHOLE[:-100_000],
    "1 MB, half a character": WHOLE[:-3] + b',"x":"\\ud800"}]}',
    "1 MB of open brackets": b"[" * 1_000_000,
    "1 MB of escaped quotes": b'{"a":"' + b'\\"' * 500_000,
    "1 MB of HTML, status 502": b"<html>" + b"<p>Bad gateway</p>" * 55_000,
}


def main() -> None:
    for name, body in CASES.items():
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        process = multiprocessing.get_context("spawn").Process(target=measure, args=(theirs, name, body))
        process.start()
        first, later, end = ours.recv()
        process.join()
        print(
            f"{name:34} first look {first[0]:6.1f} ms ({first[1]:5.1f} ms CPU), later {later[0]:6.1f} ms "
            f"({later[1]:5.1f} ms CPU); {end}",
            flush=True,
        )


def measure(pipe, name: str, body: bytes | None) -> None:
    logging.disable(logging.CRITICAL)
    workspace = generate_workspace(entries=1_000, start=START, end=START + timedelta(days=28))
    with ClockifyEmulator(workspace, compress="compressed" in name) as emulator:
        if body is not None:
            status = 502 if "502" in name else 200
            emulator.inject(faults.answer(status, body=body, content_type="application/json"), times=None)
        connection = json.loads(emulator.connection_json(requests_per_second=1e6, max_retries=0))
        pipe.send(asyncio.run(looks(connection, workspace.id)))


async def looks(connection: dict, workspace_id: str) -> tuple[list[float], list[float], str]:
    from airflow_provider_clockify.triggers._polling import prepare

    await prepare()
    from airflow_provider_clockify.connection import ClockifySettings
    from airflow_provider_clockify.exceptions import ClockifyError
    from airflow_provider_clockify.http.async_transport import AsyncTransport
    from airflow_provider_clockify.service.report_kinds import detailed
    from airflow_provider_clockify.window import Window

    settings = ClockifySettings.from_fields(
        "bench", password=connection["password"], host=connection["host"], extra=connection["extra"]
    )
    report = detailed(workspace_id, {})
    request = report.request(Window(START, START + timedelta(days=28)), 1, 1_000)
    transport = AsyncTransport(settings)
    longest = []
    for _ in range(2):
        with Callbacks() as taken:
            try:
                page = await transport.send(request, report.decode)
                end = f"{len(page.rows)} rows"
            except ClockifyError as error:
                end = type(error).__name__
            await asyncio.sleep(0)
        longest.append([1e3 * max(each) for each in zip(*taken, strict=True)])
    return (*longest, end)


class Callbacks:
    """Take the seconds that each callback of the event loop takes: on the wall, and of CPU."""

    def __enter__(self) -> list[tuple[float, float]]:
        self._run, taken = events.Handle._run, [(0.0, 0.0)]

        def run(handle):
            before, cpu = time.perf_counter(), time.thread_time()
            self._run(handle)
            taken.append((time.perf_counter() - before, time.thread_time() - cpu))

        events.Handle._run = run
        return taken

    def __exit__(self, *error) -> None:
        events.Handle._run = self._run


if __name__ == "__main__":
    main()
