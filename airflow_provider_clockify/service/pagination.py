# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Pages of a list, feed or report without I/O: which page to ask for next, of how many rows, and when the last was read.

How many rows the service gives at a time is not certain: a size that is documented has been refused with a 400
(reported 2021-09, 2022-07), and cut to 200 rows without a word (reported 2022). Both are read on with smaller pages:

- A refused first page is asked for with the smaller sizes. No documented code tells a refused size from another
  mistake, so that what no smaller page mends is raised as it came.
- A first page with fewer rows than were asked for is either the only one, or the service gives no more at a time. Then
  it counts its pages either by what it gives or by what was asked for. So the second page is asked for with the size
  that was given: there the two agree.

Generators yield what to ask for, and receive the pages; a refusal is thrown into them. The synchronous and the
asynchronous client drive the same generators.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyIncompleteError,
    ClockifyNotFoundError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence

    from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse

    # Sends a request and reads its answer, retries included.
    Send = Callable[[ApiRequest, Callable[[ApiResponse], Any]], Any]
    AsyncSend = Callable[[ApiRequest, Callable[[ApiResponse], Any]], Awaitable[Any]]

log = logging.getLogger(__name__)

MAX_PAGES = 100_000
# The largest of them are maxima that are documented for one list or another; the smallest is the service's default.
SMALLER_SIZES = (1000, 200, 50)

P = TypeVar("P")
R = TypeVar("R")
# Number and size of a page.
Ask = tuple[int, int]
Step = tuple["ApiRequest", "Callable[[ApiResponse], Any]"]


@dataclass(frozen=True, slots=True)
class Page:
    """
    One page of a list.

    :param items: Mostly one dict per item, as the service sent it.
    :param last: What the ``Last-Page`` header says; ``None`` without the header.
    :param count: How many items the answer says there are: all, or those of the page.
    """

    items: Sequence[Any]
    last: bool | None
    count: int | None = None


@dataclass(slots=True)
class PageSize:
    """
    How many rows a page of a list is asked for; smaller after a refusal, for all reads with the same object.

    :param rows: Rows asked for.
    :param smaller: Sizes to try when it is refused, in this order; larger ones are passed over.
    """

    rows: int
    smaller: Sequence[int] = SMALLER_SIZES


def last_page(response: ApiResponse) -> bool | None:
    """Read the ``Last-Page`` header of a page; ``None`` without one."""
    said = response.headers.get("last-page")
    return None if said is None else said.strip().lower() == "true"


def may_be_the_size(error: ClockifyBadRequestError) -> bool:
    """Tell whether a refusal of a page may be about its size: a 400, unless it says that an id is wrong."""
    return error.status == 400 and not isinstance(error, ClockifyNotFoundError)


def first_page(size: PageSize, number: int = 1) -> Generator[Ask, Any, Any]:
    """
    Ask for the first page of a list, with smaller sizes where it is refused; returns the page.

    :param size: The size to begin with; keeps the one that was accepted.
    :param number: Number of the first page.
    :raises ClockifyBadRequestError: the first refusal, if no smaller page is accepted.
    """
    try:
        return (yield number, size.rows)
    except ClockifyBadRequestError as error:
        if not may_be_the_size(error):
            raise
        for rows in size.smaller:
            if rows >= size.rows:
                continue
            try:
                page = yield number, rows
            except ClockifyBadRequestError:
                continue
            log.warning("The service refused pages of %d rows; continuing with %d.", size.rows, rows)
            size.rows = rows
            return page
        raise


def _id_of(item: dict[str, Any]) -> Any:
    return item.get("id") or item.get("_id")


def pages(
    size: PageSize,
    first: int = 1,
    *,
    last_below: int = 1,
    max_pages: int = MAX_PAGES,
    id_of: Callable[[Any], Any] = _id_of,
) -> Generator[Ask, Page, None]:
    """
    Ask for all pages of a list.

    Ends when the service says so, or, where it says nothing, at an empty page; a short page alone never ends it, since
    the service may give fewer rows than asked for.

    :param size: The size to begin with; keeps the one that was accepted.
    :param first: Number of the first page. From 0 on, page 1 may be the same as page 0: sources disagree on which of
        the two is the first.
    :param last_below: Where the service does not say which page is the last, one with fewer rows than these ends the
        list, too.
    :param max_pages: Cap against endless lists.
    :param id_of: Gives the id of an item, to notice a page that comes twice.
    :raises ClockifyBadRequestError: the service refuses the list, whatever the size of its pages.
    :raises ClockifyIncompleteError: the service claims more and sends nothing, repeats a page, or never ends.
    """
    page: Page = yield from first_page(size, first)
    rows = size.rows
    previous: list[Any] | None = None
    for number in count(first):
        if page.last or (page.last is None and len(page.items) < last_below):
            return
        if not page.items:
            raise ClockifyIncompleteError(
                f"Page {number} (of {rows} rows each) is empty although the service says that more follows; "
                "run again later."
            )
        ids = [id_of(item) for item in page.items]
        if ids == previous and None not in ids:
            if (first, number) != (0, 1):
                raise ClockifyIncompleteError(
                    f"Page {number} repeats the page before it: the service ignores the page number."
                )
        elif number == first + 1 and rows < size.rows:
            log.warning(
                "The service gives %d rows a page, not %d; continuing with that size.", rows, size.rows
            )
        previous = ids
        if number + 1 == first + max_pages:
            raise ClockifyIncompleteError(
                f"The list has no end: stopped after {max_pages} pages of {rows} rows."
            )
        if number == first and len(page.items) < rows:
            page, rows = yield from _second_page(number + 1, rows, len(page.items))
        else:
            page = yield number + 1, rows


def _second_page(number: int, asked: int, given: int) -> Generator[Ask, Page, tuple[Page, int]]:
    """Ask for a page with the size that was given; with the old one, if that is refused."""
    try:
        page = yield number, given
    except ClockifyBadRequestError:
        return (yield number, asked), asked
    return page, given


def steps(
    asks: Generator[Ask, Any, R],
    request: Callable[[int, int], ApiRequest],
    decode: Callable[[ApiResponse], P],
    take: Callable[[P], P] = lambda page: page,
) -> Generator[Step, Any, R]:
    """
    Make requests of what is asked for.

    :param asks: What :func:`pages` or :func:`first_page` gave.
    :param request: From number and size of a page to its request.
    :param decode: Reads the answer.
    :param take: Takes each page; what it returns decides whether the list ends.
    :return: Generator of requests, each with what reads its answer.
    """
    try:
        ask = next(asks)
        while True:
            try:
                page: P = yield request(*ask), decode
            except ClockifyBadRequestError as error:
                ask = asks.throw(error)
            else:
                ask = asks.send(take(page))
    except StopIteration as end:
        result: R = end.value
        return result


def all_items(
    asks: Generator[Ask, Page, Any],
    request: Callable[[int, int], ApiRequest],
    decode: Callable[[ApiResponse], Page],
) -> Generator[Step, Any, list[Any]]:
    """
    Read all pages of a list; what moves to a later page meanwhile comes twice.

    :param asks: What :func:`pages` gave.
    :param request: From number and size of a page to its request.
    :param decode: Reads the answer.
    :return: Generator of requests, each with what reads its answer; returns the items.
    """
    items: list[Any] = []

    def take(page: Page) -> Page:
        items.extend(page.items)
        return page

    yield from steps(asks, request, decode, take)
    return items


def answers(send: Send, generator: Generator[Step, Any, R]) -> Generator[Any, None, R]:
    """
    Drive a generator of requests synchronously, as far as the caller goes on.

    :param send: Sends a request and reads its answer, retries included.
    :param generator: What :func:`steps` gave, or made of it.
    :return: Generator of the answers, each before the generator takes it.
    """
    try:
        step = next(generator)
        while True:
            try:
                found = send(*step)
            except ClockifyBadRequestError as error:
                step = generator.throw(error)  # It may know another way to ask.
            else:
                yield found
                step = generator.send(found)
    except StopIteration as end:
        result: R = end.value
        return result


def run(send: Send, generator: Generator[Step, Any, R]) -> R:
    """
    Drive a generator of requests synchronously to its end.

    :param send: Sends a request and reads its answer, retries included.
    :param generator: What :func:`steps` gave, or made of it.
    """
    found = answers(send, generator)
    while True:
        try:
            next(found)
        except StopIteration as end:
            result: R = end.value
            return result


async def run_async(send: AsyncSend, generator: Generator[Step, Any, R]) -> R:
    """
    Drive a generator of requests in an event loop to its end.

    :param send: Sends a request and reads its answer, retries included.
    :param generator: What :func:`steps` gave, or made of it.
    """
    try:
        step = next(generator)
        while True:
            try:
                found = await send(*step)
            except ClockifyBadRequestError as error:
                step = generator.throw(error)
            else:
                step = generator.send(found)
    except StopIteration as end:
        result: R = end.value
        return result
