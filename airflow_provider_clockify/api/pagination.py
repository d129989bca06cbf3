# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Paging of lists without I/O: a generator yields requests, receives pages, and knows when to stop.

The synchronous and the asynchronous client drive the same generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.exceptions import ClockifyIncompleteError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

MAX_PAGES = 100_000


@dataclass(frozen=True, slots=True)
class Page:
    """
    One page of a list.

    :param items: One dict per item, as the service sent it.
    :param last: What the ``Last-Page`` header says; ``None`` without the header.
    :param count: How many items the answer says there are: all, or those of the page.
    """

    items: list[dict[str, Any]]
    last: bool | None
    count: int | None = None


def _id_of(item: dict[str, Any]) -> Any:
    return item.get("id") or item.get("_id")


def pages(
    size: int,
    first: int = 1,
    max_pages: int = MAX_PAGES,
    id_of: Callable[[dict[str, Any]], Any] = _id_of,
) -> Generator[int, Page, None]:
    """
    Yield page numbers and receive the pages.

    Ends when the service says so, or at an empty page where it says nothing; a short page alone never ends it, since
    the service may give fewer rows than asked.

    :param size: Page size asked for, for the message.
    :param first: Number of the first page.
    :param max_pages: Cap against endless lists.
    :param id_of: Gives the id of an item, to notice a page that comes twice.
    :raises ClockifyIncompleteError: the service claims more and sends nothing, repeats a page, or never ends.
    """
    previous: list[Any] | None = None
    for number in range(first, first + max_pages):
        page = yield number
        if page.last:
            return
        if not page.items:
            if page.last is None:
                return
            raise ClockifyIncompleteError(
                f"Page {number} (of {size} rows each) is empty although the service says that more follows; "
                "run again later."
            )
        ids = [id_of(item) for item in page.items]
        if ids == previous and None not in ids:
            raise ClockifyIncompleteError(
                f"Page {number} repeats the page before it: the service ignores the page number."
            )
        previous = ids
    raise ClockifyIncompleteError(f"The list has no end: stopped after {max_pages} pages of {size} rows.")
