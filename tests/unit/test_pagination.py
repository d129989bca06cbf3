# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.api.client import ClockifyClient
from airflow_provider_clockify.api.messages import ApiRequest, ApiResponse
from airflow_provider_clockify.api.pagination import Page, pages
from airflow_provider_clockify.api.resources import LISTS, PROJECTS, WORKSPACES
from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.exceptions import ClockifyIncompleteError


def page(*ids: str | None, last: bool | None = None) -> Page:
    return Page([{} if item is None else {"id": item} for item in ids], last)


def drive(answers: list[Page], **options) -> list[int]:
    """Answer page requests in turn; give the numbers asked for."""
    asked = []
    numbers = pages(2, **options)
    number = next(numbers)
    for answer in answers:
        asked.append(number)
        try:
            number = numbers.send(answer)
        except StopIteration:
            break
    else:
        asked.append(number)
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
    assert {request.params["page-size"] for request in asked} - {1} == {size} - {1}


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
