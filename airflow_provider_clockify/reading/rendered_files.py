# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Files that the service renders itself: CSV, XLSX, PDF.

Their content follows the profile of the key's owner and the workspace's settings: formats, renamed labels, chosen
columns. They are made for people; for machines the package writes its own ``csv`` and ``parquet`` from JSON.
"""

from __future__ import annotations

import io
import re
import zipfile
from codecs import BOM_UTF8
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyForbiddenError,
    ClockifyIncompleteError,
    ClockifyResponseError,
    ClockifyWindowError,
)
from airflow_provider_clockify.reading.csv_records import records
from airflow_provider_clockify.rendered import one_of
from airflow_provider_clockify.service.pagination import Page, PageSize, first_page, pages, run, steps
from airflow_provider_clockify.service.report_kinds import (
    SMALL_PAGE_SIZE,
    WEEKLY_GROUPS,
    attendance_request,
    check_week,
    check_whole_days,
    detailed,
    expenses,
    summary_request,
    weekly_request,
)
from airflow_provider_clockify.types import ExportType
from airflow_provider_clockify.window import zone_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse
    from airflow_provider_clockify.service.pagination import Send
    from airflow_provider_clockify.window import Window

EXPORT_TYPES = get_args(ExportType)
# A PDF is cut after this many rows (Clockify help centre).
PDF_ROWS = 3000

_MAGIC = {"XLSX": b"PK", "PDF": b"%PDF"}
_SHEET_ROW = re.compile(rb"<row[ >/]")


def download(
    send: Send,
    workspace_id: str,
    report: str,
    window: Window,
    filters: Mapping[str, Any],
    export_type: str,
    groups: Sequence[str],
) -> tuple[bytes, int | None]:
    """
    Get a report as a file of the service.

    Detailed and expense reports cost one more request, for the number of rows that the file must hold: the service may
    cut files at a page without a sign. A CSV file that was cut is put together from its pages; others are refused.

    :param send: Sends a request and decodes its answer, retries included.
    :param workspace_id: Workspace.
    :param report: ``detailed``, ``summary``, ``weekly``, ``attendance`` or ``expenses``.
    :param window: Time of the report.
    :param filters: What :func:`.filters.report_filters` returned for a file of this report.
    :param export_type: ``CSV``, ``XLSX`` or ``PDF``.
    :param groups: Groups of a summary; the first is the group of a weekly report.
    :return: The file, and the number of its rows where the service says it.
    :raises ClockifyIncompleteError: the file holds fewer rows than the service counts, or may do so.
    :raises ClockifyForbiddenError: the plan has no such files.
    """
    one_of("export_type", export_type, EXPORT_TYPES)
    files = _for_files(send, export_type)
    if report in ("detailed", "expenses"):
        described = (
            detailed(workspace_id, filters)
            if report == "detailed"
            else expenses(workspace_id, filters, window.zone)
        )
        count = send(described.request(window, 1, 1), described.decode).totals.entries_count or 0
        if export_type == "PDF" and count > PDF_ROWS:
            raise ClockifyConfigError(
                f"The report of {window} has {count} rows and the service cuts PDF files after {PDF_ROWS}. Use a "
                "shorter window, partition_by, or another file_format.",
                operation=described.operation,
            )
        page_request = partial(described.request, window)
        return _paged_file(files, page_request, described.page_size, window, export_type, count), count
    if window.ends_in_repetition:
        raise ClockifyWindowError(
            f"Clocks in {zone_name(window.zone)} are set back at the end of {window}: the service cannot be asked for "
            "a file that ends there. Use a longer window, or file_format='csv', which is made from JSON."
        )
    if report == "attendance":
        check_whole_days(window)
        page_request = partial(attendance_request, workspace_id, window, filters)
        return _paged_file(files, page_request, SMALL_PAGE_SIZE, window, export_type, None), None
    if report == "summary":
        request = summary_request(workspace_id, window, filters, groups)
    elif report == "weekly":
        check_week(window)
        request = weekly_request(workspace_id, window, filters, one_of("group", groups[0], WEEKLY_GROUPS))
    else:
        raise ClockifyConfigError(
            f"report is {report!r}; files exist of detailed, summary, weekly, attendance, expenses."
        )
    read = partial(_read_file, request.operation, export_type)
    return files(request, read), None


def _paged_file(
    send: Send,
    request: Callable[[int, int], ApiRequest],
    asked: int,
    window: Window,
    export_type: str,
    count: int | None,
) -> bytes:
    """
    Get a file that the service may end at a page.

    :param send: What :func:`_for_files` gave.
    :param request: From number and size of a page to its request.
    :param asked: Rows of a page to begin with.
    :param window: Time of the report, for the message.
    :param count: Rows that the file must hold; ``None`` where the service does not say. Then exactly as many rows as
        a page holds may be a page of more.
    """
    size = PageSize(asked)
    operation = request(1, asked).operation
    if export_type == "CSV":
        joined = _JoinedCsv(request, count)
        read = partial(_read_csv, operation)
        run(send, steps(pages(size, id_of=bytes), joined.request, read, joined.take))
        content, rows, cut = joined.content(), joined.rows, False
    else:
        content = run(send, steps(first_page(size), request, partial(_read_file, operation, export_type)))
        if export_type == "XLSX":
            rows = count_sheet_rows(content) - 1
            cut = count is None and rows == size.rows
        else:
            # Its rows cannot be counted; a service that minds the size of its page may end it there.
            rows = count or 0
            cut = size.rows < asked and (count is None or count > size.rows)
    if count is not None and rows < count:
        raise ClockifyIncompleteError(
            f"The {export_type} file of {window} holds {rows} rows, the service counts {count}: it cut the file. Use a "
            "shorter window, partition_by, or file_format='csv', which is made from JSON.",
            operation=operation,
        )
    if cut:
        raise ClockifyIncompleteError(
            f"The {export_type} file of {window} may end at its first page, of {size.rows} rows: nothing tells whether "
            "it is complete. Use a shorter window, partition_by, or file_format='csv', which is made from JSON.",
            operation=operation,
        )
    return content


@dataclass(frozen=True, slots=True)
class _CsvPage(Page):
    """
    A page of a CSV file; its items are records.

    :param header: Record with the names of the columns.
    :param content: All of it.
    """

    header: bytes = b""
    content: bytes = b""


class _JoinedCsv:
    """
    Puts the pages of a CSV file together.

    :param request: From number and size of a page to its request.
    :param count: Rows that it must hold; ``None`` where nobody says.
    """

    def __init__(self, request: Callable[[int, int], ApiRequest], count: int | None) -> None:
        self._request = request
        self._count = count
        self._asked = 0
        self._pages: list[_CsvPage] = []
        self.rows = 0

    def request(self, number: int, rows: int) -> ApiRequest:
        """Ask for a page."""
        self._asked = rows
        return self._request(number, rows)

    def take(self, page: _CsvPage) -> _CsvPage:
        """Take a page, and tell whether it is the last."""
        if self._pages and page.header != self._pages[0].header:
            raise ClockifyResponseError(
                "Two pages of one CSV file have different columns.", operation=self._request(1, 1).operation
            )
        if self._pages and page.content == self._pages[-1].content:
            return replace(page, last=True)  # The service does not page its files.
        self._pages.append(page)
        self.rows += len(page.items)
        is_last = len(page.items) != self._asked if self._count is None else self.rows >= self._count
        return replace(page, last=True if is_last else None)

    def content(self) -> bytes:
        """Return the whole file, with one header."""
        first, *others = self._pages
        if not others:
            return first.content
        end = b"" if first.content.endswith(b"\n") else b"\n"
        return b"".join([first.content, end, *(record for page in others for record in page.items)])


def _for_files(send: Send, export_type: str) -> Send:
    """Ask for a file where JSON was meant, and name the plan when it has no such files."""

    def send_for_file(request: ApiRequest, decode: Callable[[ApiResponse], Any]) -> Any:
        try:
            return send(request.with_values({"exportType": export_type}), decode)
        except ClockifyForbiddenError as error:
            if export_type != "PDF":
                error.advise(
                    "CSV and XLSX files need a paid plan; file_format='csv', 'parquet' and 'xlsx' are made from JSON "
                    "and work on every plan that has the report."
                )
            raise

    return send_for_file


def _read_file(operation: str, export_type: str, response: ApiResponse) -> bytes:
    magic = _MAGIC.get(export_type)
    wrong = not response.body.startswith(magic) if magic else response.body.lstrip()[:1] in (b"{", b"<", b"")
    if wrong:
        raise ClockifyResponseError(
            f"{operation} was asked for {export_type} and answered something else "
            f"({response.headers.get('content-type', 'no content type')}, {len(response.body)} bytes).",
            operation=operation,
        )
    return response.body


def read_document(begins: bytes, response: ApiResponse) -> bytes:
    """
    Read an answer that is a file.

    The Clockify OpenAPI only says "string, format byte", which is base64; what is recorded of other files is bytes.
    Both are taken.

    :param begins: What the file begins with; nothing where it may be any.
    :param response: The answer.
    :return: The file.
    :raises ClockifyResponseError: it is empty, or another kind of file.
    """
    kind = response.headers.get("content-type", "no content type")
    content = response.body
    if "json" in kind.lower():
        content = msgspec.json.decode(content, type=bytes)
    if not content or not content.startswith(begins):
        raise ClockifyResponseError(
            f"A file was asked for and something else was answered ({kind}, {len(content)} bytes)."
        )
    return content


def _read_csv(operation: str, response: ApiResponse) -> _CsvPage:
    content = _read_file(operation, "CSV", response)
    header, rows = split_csv(content)
    return _CsvPage(rows, None, header=header, content=content)


def split_csv(content: bytes) -> tuple[bytes, list[bytes]]:
    """
    Take a CSV file apart.

    :return: Its header and the records below, with their ends; line breaks inside fields end no record.
    """
    text = content.removeprefix(BOM_UTF8)
    found = records(text.splitlines(keepends=True))
    header = next(found, b"")
    return header, list(found)


def count_sheet_rows(content: bytes) -> int:
    """
    Count the rows of a workbook's first sheet, its header included.

    :raises ClockifyResponseError: it is not a workbook.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            names = sorted(
                name for name in book.namelist() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)
            )
            return len(_SHEET_ROW.findall(book.read(names[0])))
    except (zipfile.BadZipFile, IndexError) as error:
        raise ClockifyResponseError(
            "The XLSX file is not a workbook; the download may have been cut."
        ) from error
