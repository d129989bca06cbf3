# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Pages of one report that are asked for at the same time: they pause together, and end together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import pytest

from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.exceptions import (
    ClockifyAuthError,
    ClockifyError,
    ClockifyResponseError,
    ClockifyServerError,
)
from airflow_provider_clockify.reading.client import ClockifyClient
from airflow_provider_clockify.testing import ClockifyEmulator, faults, generate_workspace
from airflow_provider_clockify.testing.request_log import RequestRecord

LONG = "4"


@pytest.fixture
def emulator(start_emulator: Callable[..., ClockifyEmulator]) -> ClockifyEmulator:
    """Eight pages of 50 rows."""
    workspace = generate_workspace(entries=400, running_timers=0)
    return start_emulator(workspace, detailed_max_page_size=50, oversize="clamp")


@pytest.fixture
def client_of() -> Iterator[Callable[..., ClockifyClient]]:
    """Make clients that really wait."""
    made: list[ClockifyClient] = []

    def make(emulator: ClockifyEmulator, **extra: Any) -> ClockifyClient:
        settings = ClockifySettings.from_fields(
            "clockify_test",
            password=emulator.api_key,
            host=emulator.url,
            extra={"workspace_id": emulator.workspace.id, "max_concurrency": 3, "timeout": 20, **extra},
        )
        made.append(ClockifyClient(settings))
        return made[-1]

    yield make
    for client in made:
        client.transport.close()


def page_of(record: RequestRecord) -> int:
    return int(record.json["detailedFilter"]["page"])


def of_page(number: int) -> Callable[[RequestRecord], bool]:
    return lambda record: page_of(record) == number


def in_flight() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("clockify-page")]


def hold_until(emulator: ClockifyEmulator, page: int, other: int) -> None:
    """Answer a page only once another one has its answer."""

    @emulator.before_request
    def wait(record: RequestRecord) -> None:
        while page_of(record) == page and not any(
            page_of(each) == other and each.finished for each in emulator.requests
        ):
            time.sleep(0.01)


FAILURES = {
    "a refused page": (faults.key_revoked(), ClockifyAuthError),
    "a page that cannot be read": (faults.extra_row({"_id": ""}), ClockifyResponseError),
}


@pytest.mark.parametrize("waits_for", ["the service", "its turn"])
@pytest.mark.parametrize(("fault", "error"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failed_page_ends_the_others_and_nothing_is_sent_after_it(
    emulator, client_of, export, november, tmp_path, fault, error, waits_for
):
    emulator.inject(fault, times=None, match=of_page(2))
    if waits_for == "the service":
        hold_until(emulator, page=2, other=3)
        emulator.fail(429, headers={"Retry-After": LONG}, times=None, match=of_page(3))
        client = client_of(emulator, requests_per_second=1000, max_retries=1)
    else:
        # The third page would be asked for ten seconds after the second.
        client = client_of(emulator, requests_per_second=0.1)
        limiter = client.transport.limiter_of()
        limiter._ceiling = 1e9
        emulator.at_request(2, lambda: setattr(limiter, "_ceiling", 0.1))
        emulator.at_request(2, lambda: limiter.refuse(limiter.reserve(), 10.0))
    with pytest.raises(error) as caught:
        export(client, november, tmp_path / "out.jsonl")
    # Not only once the error, and with it the frames that it came through, are gone.
    assert caught.tb is not None
    assert in_flight() == []
    assert {page_of(record) for record in emulator.requests} <= set(range(1, 1 + 1 + 2 * 3))
    assert sum(page_of(record) == 3 for record in emulator.requests) <= 1
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_fails_for_good_ends_with_its_own_retries_only(
    emulator, client_of, export, november, tmp_path
):
    emulator.fail(503, times=None, match=of_page(2))
    emulator.fail(429, headers={"Retry-After": "0"}, times=None, match=of_page(3))
    with pytest.raises(ClockifyError) as caught:
        export(client_of(emulator, requests_per_second=1000, max_retries=1), november, tmp_path / "out.jsonl")
    assert isinstance(caught.value, ClockifyServerError)
    assert in_flight() == []
    assert sum(page_of(record) == 2 for record in emulator.requests) == 2


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_after_a_429_no_page_is_asked_for_before_the_time_that_the_service_names(
    emulator, client_of, export, november, tmp_path, form, rows_of
):
    clock: dict[int, float] = {}

    @emulator.before_request
    def note(record: RequestRecord) -> None:
        clock[record.sequence] = time.time()

    moment = int(time.time()) + 3
    header = "2" if form == "seconds" else formatdate(moment, usegmt=True)
    emulator.fail(429, headers={"Retry-After": header}, match=of_page(2))
    # Slow enough for other pages to wait for their turn when the second is refused.
    result = export(client_of(emulator, requests_per_second=5), november, tmp_path / "out.jsonl")
    refused = next(record for record in emulator.requests if record.status == 429)
    later = emulator.requests[refused.sequence :]
    assert len(later) == 7
    if form == "seconds":
        assert all(record.started >= refused.finished + 2 for record in later)
    else:
        assert all(clock[record.sequence] >= moment for record in later)
    assert result.rows == len(rows_of(tmp_path / "out.jsonl")) == 400
