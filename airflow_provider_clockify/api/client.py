# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Drives requests and paging over a transport."""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, TypeVar

import msgspec

from airflow_provider_clockify.api.filters import report_filters
from airflow_provider_clockify.api.pagination import Page, pages
from airflow_provider_clockify.api.report_reader import ReportReader
from airflow_provider_clockify.api.reports import detailed
from airflow_provider_clockify.api.transport import SyncTransport
from airflow_provider_clockify.api.values import durations_to_seconds, one_line
from airflow_provider_clockify.window import Window, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from airflow_provider_clockify.api.messages import ApiRequest, ApiResponse
    from airflow_provider_clockify.api.resources import Resource
    from airflow_provider_clockify.connection import ClockifySettings

T = TypeVar("T")
Item = dict[str, Any]

_decode_item = msgspec.json.Decoder(Item).decode
_decode_items = msgspec.json.Decoder(list[Item]).decode


class ClockifyClient:
    """
    A connection at work, without Airflow.

    :param settings: The connection.
    :param transport: By default a new one for the settings.
    """

    def __init__(self, settings: ClockifySettings, transport: SyncTransport | None = None) -> None:
        self.settings = settings
        self.transport = transport or SyncTransport(settings)

    def send(self, request: ApiRequest, decode: Callable[[ApiResponse], T]) -> T:
        """Send a request, retries included; see :meth:`SyncTransport.send`."""
        return self.transport.send(request, decode)

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
        return self.iterate_request(resource, resource.request(filters, **arguments))

    def iterate_request(self, resource: Resource, request: ApiRequest) -> Iterator[Item]:
        """
        Go through a list whose request is prepared; an item that moved to a later page is given once.

        :param resource: The list.
        :param request: Its request, without page parameters.
        """
        if resource.page_size is None:
            for item in self.send(request, read_page).items:
                yield durations_to_seconds(item, resource.durations)
            return
        seen: set[str] = set()
        size = resource.page_size
        numbers = pages(size)
        number = next(numbers)
        while True:
            page = self.send(request.with_params(page=number, page_size=size), read_page)
            for item in page.items:
                item_id = item.get("id")
                if item_id is None or item_id not in seen:
                    if item_id is not None:
                        seen.add(item_id)
                    yield durations_to_seconds(item, resource.durations)
            try:
                number = numbers.send(page)
            except StopIteration:
                return

    def iterate_detailed(
        self, workspace_id: str, window: Window, filters: Mapping[str, Any] | None = None
    ) -> Iterator[Item]:
        """
        Go through the finished entries of a window; no row is given before its chunk is proven complete.

        :param workspace_id: Workspace.
        :param window: Any length; read in chunks of at most 31 days.
        :param filters: In the service's own words.
        :raises ClockifyIncompleteError: completeness could not be proven.
        """
        report = detailed(workspace_id, report_filters(filters))
        reader = ReportReader(self.send, report, concurrency=self.settings.max_concurrency)
        for chunk in chunks(window):
            with TemporaryFile() as file:
                reader.read(chunk, _FileSink(file))
                file.seek(0)
                yield from map(_decode_item, file)


class _FileSink:
    """Rows as lines of a temporary file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, row_id: str, row: bytes, start: datetime) -> None:
        self._file.write(one_line(row))

    def restart(self) -> None:
        self._file.seek(0)
        self._file.truncate()


def read_item(response: ApiResponse) -> Item:
    """Read an answer that is one JSON object."""
    return _decode_item(response.body)


def read_page(response: ApiResponse) -> Page:
    """Read an answer that is a JSON array of objects, and its ``Last-Page`` header."""
    last = response.headers.get("last-page")
    return Page(_decode_items(response.body), None if last is None else last.strip().lower() == "true")
