# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Threads fetch, whoever reads decodes, and no thread is left when the reading has ended."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_clockify.exceptions import ClockifyBadRequestError, ClockifyResponseError
from airflow_provider_clockify.reading.fetching import THREAD_NAME, PagesAhead
from airflow_provider_clockify.service.messages import ApiResponse
from airflow_provider_clockify.service.report_kinds import detailed
from airflow_provider_clockify.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_clockify.service.messages import ApiRequest

LONG = 20
SIZE = 2
DAY = timedelta(days=1)
DAYS = [
    Window(datetime(2026, 11, 1, tzinfo=UTC) + number * DAY, datetime(2026, 11, 2, tzinfo=UTC) + number * DAY)
    for number in range(6)
]
REPORT = detailed("w", {})


class Service:
    """Some pages for each day; remembers who asked for what, and who decoded what."""

    def __init__(self, *pages: int) -> None:
        self.pages = dict(zip(DAYS, pages, strict=False))
        self.asked: list[tuple[int, int]] = []
        self.decoded_by: set[str] = set()
        self.lock = threading.Lock()
        self.free = threading.Event()
        self.free.set()
        self.broken: dict[tuple[int, int], list[bytes]] = {}
        self.fail: dict[tuple[int, int], Exception] = {}
        self.abandoned: list[bool] = []

    def key(self, request: ApiRequest) -> tuple[int, int]:
        body = request.json
        day = next(n for n, each in enumerate(DAYS) if body["dateRangeStart"].startswith(each.start_iso[:10]))
        return day, body["detailedFilter"]["page"]

    def send(self, request: ApiRequest, decode: Callable[[ApiResponse], Any], abandoned: Any = None) -> Any:
        key = self.key(request)
        with self.lock:
            self.asked.append(key)
        assert self.free.wait(LONG)
        self.abandoned.append(abandoned is not None and abandoned.is_set())
        if key in self.fail:
            raise self.fail[key]
        return decode(ApiResponse(200, {}, self.body(*key)))

    def body(self, day: int, page: int) -> bytes:
        if self.broken.get((day, page)):
            return self.broken[(day, page)].pop(0)
        count = self.pages[DAYS[day]] * SIZE
        rows = [
            {
                "_id": f"{day}-{number:03}",
                "timeInterval": {"start": DAYS[day].start_iso, "end": DAYS[day].start_iso, "duration": 1},
            }
            for number in range((page - 1) * SIZE, page * SIZE)
        ]
        return json.dumps({"totals": [{"entriesCount": count}], "timeentries": rows}).encode()


def ours() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith(THREAD_NAME)]


@pytest.fixture
def service() -> Service:
    return Service(3, 2, 1, 4, 1, 2)


@pytest.fixture
def pages(service: Service) -> Iterator[PagesAhead]:
    ahead = PagesAhead(service.send, REPORT, 2)
    yield ahead
    service.free.set()
    ahead.close()
    assert not ours(), "no thread outlives the reading"


def read_all(
    pages: PagesAhead, service: Service, count: int = len(DAYS), into: list[str] | None = None
) -> list[str]:
    ids = [] if into is None else into
    for number, day in enumerate(DAYS[:count]):
        pages.begin(day, SIZE, DAYS[number + 1 : count])
        first = pages.first()
        if first is None:
            first = service.send(REPORT.request(day, 1, SIZE), REPORT.decode)
        ids += first.rows.ids
        for _, page in pages.rest(first.pages(SIZE)):
            ids += page.rows.ids
    return ids


def test_every_page_of_every_window_is_read_once_and_in_order(pages, service):
    ids = read_all(pages, service)
    assert ids == sorted(ids)
    assert len(ids) == sum(service.pages.values()) * SIZE
    assert sorted(service.asked) == [
        (day, page) for day in range(6) for page in range(1, service.pages[DAYS[day]] + 1)
    ]


def test_first_pages_of_later_windows_are_on_their_way_before_their_turn(pages, service):
    pages.begin(DAYS[0], SIZE, DAYS[1:])
    service.send(REPORT.request(DAYS[0], 1, SIZE), REPORT.decode)
    assert [number for number, _ in pages.rest(3)] == [2, 3]
    assert pages.begin(DAYS[1], SIZE, DAYS[2:]) is None
    first = pages.first()
    assert first is not None
    assert first.rows.ids == ["1-000", "1-001"]
    assert service.asked.count((1, 1)) == 1


def test_nothing_of_later_windows_is_asked_for_before_the_first_page_is_known(pages, service):
    pages.begin(DAYS[0], SIZE, DAYS[1:])
    assert pages.first() is None
    assert service.asked == []


def test_what_was_fetched_of_windows_that_are_still_to_come_is_kept_when_one_is_read_again(pages, service):
    for _ in range(3):
        pages.begin(DAYS[0], SIZE, DAYS[1:3])
        first = pages.first() or service.send(REPORT.request(DAYS[0], 1, SIZE), REPORT.decode)
        assert len(list(pages.rest(first.pages(SIZE)))) == 2
    read_all(pages, service, 3)
    assert service.asked.count((1, 1)) == 1


def test_a_window_that_is_read_again_does_not_wait_for_room_that_later_windows_have_taken(pages, service):
    service.pages[DAYS[1]] = 50
    pages.begin(DAYS[0], SIZE, DAYS[1:])
    for _ in range(LONG * 100):
        list(
            pages.rest(1)
        )  # Asks for more of the next windows, once their first pages have told how many there are.
        if len(service.asked) >= 6:
            break
        time.sleep(0.01)
    pages.begin(DAYS[0], SIZE, DAYS[1:])
    assert [number for number, _ in pages.rest(3)] == [2, 3]


def test_another_page_size_drops_what_was_fetched_with_the_old_one(pages, service):
    pages.begin(DAYS[0], SIZE, DAYS[1:3])
    list(pages.rest(1))
    pages.begin(DAYS[1], SIZE + 1, DAYS[2:3])
    assert pages.first() is None


def test_a_broken_page_is_asked_for_again_by_whoever_reads(pages, service):
    service.broken[(0, 2)] = [b'{"totals": [']
    assert len(read_all(pages, service)) == sum(service.pages.values()) * SIZE
    assert service.asked.count((0, 2)) == 2


def test_a_page_that_stays_wrong_is_named_by_the_second_answer(pages, service):
    service.broken[(0, 2)] = [b'{"a": 1}', b'{"b": 1}']
    with pytest.raises(ClockifyResponseError, match="no timeentries"):
        read_all(pages, service)


def test_an_error_in_advance_shows_at_its_turn_and_not_before(pages, service):
    service.fail[(2, 1)] = ClockifyBadRequestError("no", status=400)
    ids: list[str] = []
    with pytest.raises(ClockifyBadRequestError):
        read_all(pages, service, into=ids)
    assert len(ids) == 5 * SIZE


def test_closing_while_answers_are_on_the_wire_tells_their_senders_and_leaves_no_thread(service):
    pages = PagesAhead(service.send, REPORT, 2)
    service.free.clear()
    pages.begin(DAYS[2], SIZE, DAYS[3:])
    assert list(pages.rest(1)) == []  # Which asks for the first pages of the next windows.
    for _ in range(LONG * 100):
        if len(service.asked) == 2:
            break
        time.sleep(0.01)
    release = threading.Timer(0.05, service.free.set)
    release.start()
    pages.close()
    assert not ours()
    assert service.abandoned == [True, True], "they are told, so that they ask nothing more"
    assert len(service.asked) == 2
    release.join(LONG)


def test_it_can_be_used_again_after_it_was_closed(pages, service):
    read_all(pages, service, 2)
    pages.close()
    assert not ours()
    assert len(read_all(pages, service, 3)) == 6 * SIZE
