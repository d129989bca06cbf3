# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.exceptions import (
    ClockifyAuthError,
    ClockifyBadRequestError,
    ClockifyIncompleteError,
    ClockifyNotFoundError,
)
from airflow_provider_clockify.reading.client import ClockifyClient
from airflow_provider_clockify.service.lists import LISTS, PROJECTS, WORKSPACES
from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse
from airflow_provider_clockify.service.pagination import Page, PageSize, pages, run, steps


def page(*ids: str | None, last: bool | None = None) -> Page:
    return Page([{} if item is None else {"id": item} for item in ids], last)


def drive(answers: list[Page], **options) -> list[int]:
    """Answer page requests in turn; give the numbers asked for."""
    asked = []
    asks = pages(PageSize(2), **options)
    ask = next(asks)
    for answer in answers:
        asked.append(ask[0])
        try:
            ask = asks.send(answer)
        except StopIteration:
            break
    else:
        asked.append(ask[0])
    return asked


def test_the_header_ends_a_list():
    assert drive([page("a", "b", last=False), page("c", "d", last=True), page("e")]) == [1, 2]


def test_an_empty_page_ends_a_list_without_header():
    assert drive([page("a", "b"), page("c"), page(), page("d")]) == [1, 2, 3]


def test_an_empty_last_page_ends_a_list():
    assert drive([page(last=True), page("a")]) == [1]


def test_a_short_page_alone_never_ends_a_list():
    assert drive([page("a"), page("b", last=False), page("c")]) == [1, 2, 3, 4]


def test_empty_page_while_header_claims_more_is_an_error():
    with pytest.raises(ClockifyIncompleteError, match="Page 2 .* is empty although"):
        drive([page("a", "b", last=False), page(last=False)])


def test_a_service_that_ignores_the_page_number_is_an_error():
    with pytest.raises(ClockifyIncompleteError, match="Page 2 repeats the page before it"):
        drive([page("a", "b"), page("a", "b")])


def test_items_without_ids_are_not_taken_for_repetitions():
    assert drive([page(None, None), page(None, None), page()]) == [1, 2, 3]


def test_items_of_reports_have_their_ids_under_another_name():
    with pytest.raises(ClockifyIncompleteError, match="repeats"):
        drive([Page([{"_id": "a"}], None), Page([{"_id": "a"}], None)])


def test_a_list_without_end_is_given_up():
    with pytest.raises(ClockifyIncompleteError, match="stopped after 3 pages"):
        drive([page(str(number)) for number in range(9)], max_pages=3)


def test_the_first_page_may_have_another_number():
    assert drive([page("a"), page()], first=0) == [0, 1]


def test_pages_0_and_1_may_be_the_same():
    assert drive([page("a", "b"), page("a", "b"), page("c"), page()], first=0) == [0, 1, 2, 3]
    with pytest.raises(ClockifyIncompleteError, match="Page 2 repeats the page before it"):
        drive([page("a"), page("b"), page("b")], first=0)


def test_a_page_below_the_services_own_size_may_end_a_list_unless_the_header_says_otherwise():
    assert drive([page("a", "b"), page("c")], last_below=2) == [1, 2]
    assert drive([page("a", last=False), page("b")], last_below=2) == [1, 2]


# --- sizes that the service does not take -----------------------------------------------------------------------


@dataclass
class Service:
    """
    Lists numbers.

    :param cap: rows that it gives at most.
    :param oversize: what it does with a larger size, as the emulator.
    :param header: whether it marks the last page.
    :param base: number of its first page; from 1 on, page 0 is the same as page 1.
    """

    total: int
    cap: int
    oversize: str = "refuse"
    header: bool = True
    base: int = 1
    asked: list[tuple[int, int]] = field(default_factory=list)

    def page(self, number: int, size: int) -> Page:
        self.asked.append((number, size))
        if size > self.cap and self.oversize == "refuse":
            raise ClockifyBadRequestError("too many", status=400)
        given = min(size, self.cap)
        start = max(number - self.base, 0) * (size if self.oversize == "cut" else given)
        rows = [{"id": str(item)} for item in range(self.total)[start : start + given]]
        return Page(rows, start + given >= self.total if self.header else None)


def read(service: Service, size: PageSize, **options: Any) -> list[str]:
    found: dict[str, None] = {}

    def take(page: Page) -> Page:
        found.update(dict.fromkeys(item["id"] for item in page.items))
        return page

    run(
        lambda request, decode: service.page(*request),
        steps(pages(size, **options), lambda *ask: ask, lambda response: response, take),  # type: ignore[arg-type, return-value]
    )
    return list(found)


services = {
    "total": st.integers(0, 700),
    "cap": st.integers(1, 400),
    "size": st.integers(1, 300),
    "oversize": st.sampled_from(["refuse", "clamp", "cut"]),
    "header": st.booleans(),
}


@settings(max_examples=300, deadline=None)
@given(**services, numbers=st.sampled_from([(1, 1), (0, 0), (0, 1)]))
def test_a_list_is_read_once_whatever_the_service_makes_of_sizes(total, cap, size, oversize, header, numbers):
    first, base = numbers
    service = Service(total, cap, oversize, header, base)
    smaller = (200, 50, 7, 1)
    accepted = PageSize(size, smaller)
    assert read(service, accepted, first=first) == [str(item) for item in range(total)]
    tried = [size, *(rows for rows in smaller if rows < size)]
    refusals = [rows for rows in tried if rows > cap] if oversize == "refuse" else []
    assert [rows for _, rows in service.asked[: len(refusals)]] == refusals
    given = min(accepted.rows, cap)
    most = max(1, -(-total // given)) + (not header) + (base != first)
    assert len(service.asked) <= len(refusals) + most
    # What is refused is learnt once.
    again = Service(total, cap, oversize, header, base)
    assert read(again, accepted, first=first) == [str(item) for item in range(total)]
    assert len(again.asked) == len(service.asked) - len(refusals)


def test_a_refusal_that_no_size_mends_is_raised_as_it_came_first():
    service = Service(9, 0)
    with pytest.raises(ClockifyBadRequestError) as refused:
        read(service, PageSize(5000))
    assert service.asked == [(1, 5000), (1, 1000), (1, 200), (1, 50)]
    first = ClockifyBadRequestError("first", status=400)
    asks = pages(PageSize(60))
    next(asks)
    assert asks.throw(first) == (1, 50)
    with pytest.raises(ClockifyBadRequestError) as refused:
        asks.throw(ClockifyBadRequestError("second", status=400))
    assert refused.value is first


@pytest.mark.parametrize(
    "error",
    [
        ClockifyNotFoundError("belongs elsewhere", status=400),
        ClockifyNotFoundError("not served", status=404),
        ClockifyBadRequestError("redirected", status=302),
        ClockifyBadRequestError("an error object", status=200),
    ],
)
def test_what_is_not_about_the_size_is_not_asked_for_again(error):
    asks = pages(PageSize(5000))
    next(asks)
    with pytest.raises(ClockifyBadRequestError) as refused:
        asks.throw(error)
    assert refused.value is error


def test_a_refusal_of_a_smaller_page_for_another_reason_ends_the_search():
    asks = pages(PageSize(5000))
    next(asks)
    asks.throw(ClockifyBadRequestError("too many", status=400))
    with pytest.raises(ClockifyAuthError):
        asks.throw(ClockifyAuthError("revoked", status=401))


def test_a_service_that_takes_no_other_size_for_its_second_page_gets_the_old_one():
    asks = pages(PageSize(5000))
    assert next(asks) == (1, 5000)
    assert asks.send(page("a", "b", last=False)) == (2, 2)
    assert asks.throw(ClockifyNotFoundError("not served", status=404)) == (2, 5000)
    assert asks.send(page("c", last=False)) == (3, 5000)
    with pytest.raises(StopIteration):
        asks.send(page("d", last=True))


@settings(max_examples=100, deadline=None)
@given(**services)
@pytest.mark.parametrize("name", ["tags", "clients"])
def test_lists_are_read_once_whatever_the_service_makes_of_sizes(name, total, cap, size, oversize, header):
    """Tags come by ascending id, so that each further page is checked against the one before it."""
    service = Service(total, cap, oversize, header)

    class Transport:
        def send(self, request, decode, abandoned=None):
            page = service.page(request.params["page"], request.params["page-size"])
            headers = {} if page.last is None else {"last-page": str(page.last).lower()}
            return decode(ApiResponse(200, headers, msgspec.json.encode(page.items)))

    client = ClockifyClient(ClockifySettings("clockify_test", "the-key"), Transport())
    resource = replace(LISTS[name], page_size=size)
    refused = oversize == "refuse" and min(size, 50) > cap
    for again in range(2):
        service.asked.clear()
        try:
            found = [item["id"] for item in client.iterate(resource, workspace_id="w")]
        except ClockifyBadRequestError:
            assert refused
            continue
        assert not refused
        assert found == [str(item) for item in range(total)]
        given = max([rows for rows in (size, 200, 50) if rows <= min(size, cap)], default=cap)
        if oversize != "refuse":
            given = min(size, cap)
        most = -(-total // given) * (2 if resource.order else 1) + 1 + (0 if again else 2)
        assert len(service.asked) <= most


@given(
    st.lists(st.integers(), unique=True, max_size=60),
    st.integers(1, 9),
    st.booleans(),
)
def test_every_item_of_a_list_at_rest_is_given_once(items, size, with_header):
    """A request per page and one between two; one more where no header marks the end."""
    asked: list[ApiRequest] = []

    class Transport:
        def send(self, request, decode, abandoned=None):
            asked.append(request)
            number, size = request.params["page"], request.params["page-size"]
            rows = [{"id": str(item)} for item in items[(number - 1) * size : number * size]]
            last = "true" if number * size >= len(items) else "false"
            headers = {"last-page": last} if with_header else {}
            return decode(ApiResponse(200, headers, msgspec.json.encode(rows)))

    client = ClockifyClient(ClockifySettings("clockify_test", "the-key"), Transport())
    resource = replace(PROJECTS, page_size=size)
    assert [item["id"] for item in client.iterate(resource, workspace_id="w")] == [
        str(item) for item in items
    ]
    pages = -(-len(items) // size)
    boundaries = max(0, pages - 1)
    assert len(asked) == boundaries + (max(1, pages) if with_header else pages + 1)
    # A page that is shorter than asked for and not marked as the last may be all that the service gives at a time.
    short = set() if with_header or not 0 < len(items) < size else {len(items)}
    assert {request.params["page-size"] for request in asked} - {1} == ({size} | short) - {1}


def test_an_item_that_moved_to_a_later_page_is_given_once(settings):
    answers = iter([[{"id": "a"}, {"id": "b"}], [{"id": "b"}, {"id": "c"}, {}], []])

    class Transport:
        def send(self, request, decode, abandoned=None):
            return decode(ApiResponse(200, {}, msgspec.json.encode(next(answers))))

    found = list(ClockifyClient(settings(), Transport()).iterate(LISTS["clients"], workspace_id="w"))
    assert found == [{"id": "a"}, {"id": "b"}, {"id": "c"}, {}]


def test_a_list_that_ignores_paging_is_asked_once(settings):
    asked = []

    class Transport:
        def send(self, request, decode, abandoned=None):
            asked.append(request)
            return decode(ApiResponse(200, {}, b'[{"id": "w"}]'))

    assert list(ClockifyClient(settings(), Transport()).iterate(WORKSPACES)) == [{"id": "w"}]
    assert [request.params for request in asked] == [{}]
