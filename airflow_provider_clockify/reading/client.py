# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Drives requests and paging over a transport."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any, TypeVar

import msgspec

from airflow_provider_clockify.exceptions import ClockifyIncompleteError, ClockifyResponseError
from airflow_provider_clockify.http.errors import UNREADABLE, odd_value
from airflow_provider_clockify.http.transport import SyncTransport
from airflow_provider_clockify.reading.chunk_reading import ChunkReads, IdFile
from airflow_provider_clockify.service.pagination import Page, PageSize, answers, last_page, pages, steps
from airflow_provider_clockify.service.values import at, durations_to_seconds, lines
from airflow_provider_clockify.window import Window, chunks

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from airflow_provider_clockify.connection import ClockifySettings
    from airflow_provider_clockify.reading.reader import Reader
    from airflow_provider_clockify.service.lists import Resource
    from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse

T = TypeVar("T")
Item = dict[str, Any]

_decode_item = msgspec.json.Decoder(Item).decode
_decode_items = msgspec.json.Decoder(list[Item]).decode
_decode_item_exactly = msgspec.json.Decoder(Item, float_hook=Decimal).decode
_decode_items_exactly = msgspec.json.Decoder(list[Item], float_hook=Decimal).decode


class ClockifyClient:
    """
    A connection at work, without Airflow.

    :param settings: The connection.
    :param transport: By default a new one for the settings.
    """

    def __init__(self, settings: ClockifySettings, transport: SyncTransport | None = None) -> None:
        self.settings = settings
        self.transport = transport or SyncTransport(settings)
        # By operation and its own size: a list of each of 500 projects learns what is refused once.
        self._page_sizes: dict[tuple[str, int], PageSize] = {}

    def send(
        self,
        request: ApiRequest,
        decode: Callable[[ApiResponse], T],
        abandoned: threading.Event | None = None,
    ) -> T:
        """Send a request, retries included; see :meth:`SyncTransport.send`."""
        return self.transport.send(request, decode, abandoned)

    def get(self, request: ApiRequest) -> Item:
        """Send a request whose answer is one JSON object."""
        return self.send(request, read_item)

    def iterate(
        self, resource: Resource, filters: Mapping[str, Any] | None = None, **arguments: str
    ) -> Iterator[Item]:
        """
        Go through a list, page by page, as far as the caller does.

        :param resource: The list.
        :param filters: Filter values by the names of this package.
        :param arguments: Values for the path.
        """
        request = resource.request(filters, **arguments)
        return self.iterate_request(resource, request, resource.rows_per_page(filters))

    def iterate_request(
        self,
        resource: Resource,
        request: ApiRequest,
        page_size: int | None = None,
        *,
        as_sent: bool = False,
    ) -> Iterator[Item]:
        """
        Go through a list whose request is prepared; an item that moved to a later page is given once.

        :param resource: The list.
        :param request: Its request, without page parameters.
        :param page_size: Rows per page; by default the list's own. Smaller ones where the service refuses it, which
            costs a request for each size that is tried, once per client and list.
        :param as_sent: Whether items come as the service sent them: durations as ISO 8601 text, and fractional
            numbers exact, as :class:`~decimal.Decimal`. Otherwise durations come in seconds.
        :raises ClockifyIncompleteError: fewer items came than the service says there are, or items were missed since
            others were removed meanwhile. Lists by ascending id cost a request of one item per further page to tell.
        """

        def read(response: ApiResponse) -> Page:
            return read_page(response, resource, exact=as_sent)

        def id_of(item: Item) -> Any:
            found = at(item, resource.item_id)
            return repr(found) if isinstance(found, (list, dict)) else found

        durations = () if as_sent else resource.durations
        size = page_size or resource.page_size
        if size is None:
            for item in self.send(request, read).items:
                yield durations_to_seconds(item, durations)
            return
        seen: set[Any] = set()
        received = rows = 0

        def take(page: Page) -> Page:
            is_all = resource.counts_all and page.count is not None and received >= page.count
            return replace(page, last=True) if page.last is None and is_all else page

        accepted = self._page_sizes.setdefault((resource.operation, size), PageSize(size))
        asks = pages(accepted, id_of=id_of)
        for page in answers(self.send, steps(asks, partial(resource.page, request), read, take)):
            new = []
            for item in page.items:
                item_id = _compact(id_of(item))
                if item_id is None or item_id not in seen:
                    new.append(item)
                    seen.add(item_id)
            if rows and page.items and resource.order:
                # Removing an item moves the first one of the next page to the end of the page that was read already.
                boundary = self.send(resource.page(request, rows, 1), read).items
                if len(boundary) == 1 and _compact(id_of(boundary[0])) not in seen:
                    raise ClockifyIncompleteError(
                        f"Items of {resource.operation} were removed while its pages were read, so that others were "
                        "missed. Run again.",
                        operation=resource.operation,
                    )
            rows += len(page.items)
            received += len(new)
            for item in new:
                yield durations_to_seconds(item, durations)
        if page.count is not None and page.count > received:
            raise ClockifyIncompleteError(
                f"{resource.operation} gave {received} items and says that there are {page.count}: they changed while "
                "they were read, or the key does not see all of them. Run again, or use the key of an admin.",
                operation=resource.operation,
            )

    def iterate_report(self, reader: Reader, window: Window) -> Iterator[Item]:
        """
        Go through the rows of a report; no row is given before all of them are proven complete.

        :param reader: Reads the report.
        :param window: Any length; read in chunks of at most 31 days.
        """
        parts = chunks(window)
        with TemporaryDirectory(prefix="clockify-") as folder:
            reads = ChunkReads(reader, window, parts, lambda number: _FileSpool(Path(folder), number)).read()
            for chunk in reads:
                with chunk.spool.path.open("rb") as file:
                    yield from map(_decode_row, file)


class _FileSpool:
    """Rows as lines of a temporary file."""

    def __init__(self, folder: Path, number: int) -> None:
        self.path = folder / f"{number}.rows"
        self.ids = IdFile(folder / f"{number}.ids")
        self._file: IO[bytes] | None = None

    def write(self, ids: Sequence[str], rows: Sequence[bytes], starts: Sequence[datetime]) -> None:
        self.ids.write(ids)
        if self._file is not None:
            self._file.write(lines(rows))

    def restart(self) -> None:
        self.close()
        self.ids.restart()
        self._file = self.path.open("wb")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _decode_row(line: bytes) -> Item:
    try:
        return _decode_item(line)
    except UNREADABLE as error:
        raise ClockifyResponseError(
            f"A row of the report cannot be read: {odd_value(line, error)}. Correct it in Clockify, or export the "
            "report, which keeps numbers of any size."
        ) from error


def read_item(response: ApiResponse) -> Item:
    """Read an answer that is one JSON object."""
    return _decode_item(response.body)


def read_page(response: ApiResponse, resource: Resource, *, exact: bool = False) -> Page:
    """
    Read one page of a list: a bare array or an envelope, and its ``Last-Page`` header.

    :param response: The answer.
    :param resource: The list.
    :param exact: Whether fractional numbers stay exact.
    :raises ClockifyResponseError: the items are not where the list has them; an empty list is never guessed.
    """
    is_last = last_page(response)
    if not resource.items:
        return Page((_decode_items_exactly if exact else _decode_items)(response.body), is_last)
    envelope = (_decode_item_exactly if exact else _decode_item)(response.body)
    items, count = at(envelope, resource.items), at(envelope, resource.count) if resource.count else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ClockifyResponseError(
            f"The answer to {resource.operation} has no list under {'.'.join(resource.items)!r}; the service may have "
            "changed.",
            operation=resource.operation,
        )
    return Page(items, is_last, count if isinstance(count, int) else None)


def _compact(item_id: Any) -> Any:
    """Return a smaller equivalent of an id; a list of a million items remembers all of them."""
    if isinstance(item_id, str) and len(item_id) == 24:
        try:
            return bytes.fromhex(item_id)
        except ValueError:
            pass
    return item_id
