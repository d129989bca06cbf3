# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Files that the service renders itself: CSV, XLSX, PDF.

Their content follows the profile of the key's owner and the workspace's settings: formats, renamed labels, chosen
columns. They are made for people; for machines the package writes its own ``csv`` and ``parquet`` from JSON.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.api.reports import (
    MAX_PAGE_SIZE,
    PagedReport,
    attendance_request,
    check_week,
    check_whole_days,
    detailed,
    expenses,
    summary_request,
    weekly_group,
    weekly_request,
)
from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyForbiddenError,
    ClockifyIncompleteError,
    ClockifyResponseError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_clockify.api.messages import ApiRequest, ApiResponse
    from airflow_provider_clockify.window import Window

    Send = Callable[[ApiRequest, Callable[[ApiResponse], Any]], Any]

EXPORT_TYPES = ("CSV", "XLSX", "PDF")
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
    cut files at a page without a sign.

    :param send: Sends a request and decodes its answer, retries included.
    :param workspace_id: Workspace.
    :param report: ``detailed``, ``summary``, ``weekly``, ``attendance`` or ``expenses``.
    :param window: Time of the report.
    :param filters: What :func:`.filters.report_filters` returned for a file of this report.
    :param export_type: ``CSV``, ``XLSX`` or ``PDF``.
    :param groups: Groups of a summary; the first is the group of a weekly report.
    :return: The file, and the number of its rows where the service says it.
    :raises ClockifyIncompleteError: the file holds fewer rows than the service counts.
    :raises ClockifyForbiddenError: the plan has no such files.
    """
    if export_type not in EXPORT_TYPES:
        raise ClockifyConfigError(f"export_type is {export_type!r}; use one of {', '.join(EXPORT_TYPES)}.")
    paged = {"detailed": detailed, "expenses": expenses}.get(report)
    if paged is not None:
        return _counted(send, paged(workspace_id, filters), window, export_type)
    if report == "summary":
        request = summary_request(workspace_id, window, filters, groups)
    elif report == "weekly":
        check_week(window)
        request = weekly_request(workspace_id, window, filters, weekly_group(groups[0]))
    elif report == "attendance":
        check_whole_days(window)
        request = attendance_request(workspace_id, window, filters, 1, 200)
    else:
        raise ClockifyConfigError(
            f"report is {report!r}; files exist of detailed, summary, weekly, attendance, expenses."
        )
    return _file(send, request, export_type), None


def _counted(send: Send, report: PagedReport, window: Window, export_type: str) -> tuple[bytes, int]:
    count = send(report.request(window, 1, 1), report.decode).totals.entries_count
    if export_type == "PDF" and count > PDF_ROWS:
        raise ClockifyConfigError(
            f"The report of {window} has {count} rows and the service cuts PDF files after {PDF_ROWS}. Use a shorter "
            "window, partition_by, or another file_format.",
            operation=report.operation,
        )
    size = min(MAX_PAGE_SIZE, report.page_sizes[0])
    content = _file(send, report.request(window, 1, size), export_type)
    if export_type == "CSV":
        content, rows = _whole_csv(send, report, window, content, count, size)
    elif export_type == "XLSX":
        rows = count_sheet_rows(content) - 1
    else:
        rows = count
    if rows < count:
        raise ClockifyIncompleteError(
            f"The {export_type} file of {window} holds {rows} rows, the service counts {count}: it cut the file. Use a "
            "shorter window, partition_by, or file_format='csv', which is made from JSON.",
            operation=report.operation,
        )
    return content, count


def _whole_csv(
    send: Send, report: PagedReport, window: Window, first: bytes, count: int, size: int
) -> tuple[bytes, int]:
    """Ask for further pages of a CSV file that was cut at a page, and put them together."""
    pages, rows = [first], count_csv_rows(first)
    header = _header(first)
    while rows < count:
        page = _file(send, report.request(window, len(pages) + 1, size), "CSV")
        new = count_csv_rows(page)
        if not new or page == pages[-1]:
            break
        if _header(page) != header:
            raise ClockifyResponseError(
                "Two pages of one CSV file have different columns.", operation=report.operation
            )
        pages.append(page)
        rows += new
    rest = [page[len(header) :] for page in pages[1:]]
    joined = b"".join([first if first.endswith(b"\n") or not rest else first + b"\n", *rest])
    return joined, rows


def _file(send: Send, request: ApiRequest, export_type: str) -> bytes:
    body = {**(request.json or {}), "exportType": export_type}

    def check(response: ApiResponse) -> bytes:
        magic = _MAGIC.get(export_type)
        wrong = (
            not response.body.startswith(magic) if magic else response.body.lstrip()[:1] in (b"{", b"<", b"")
        )
        if wrong:
            raise ClockifyResponseError(
                f"{request.operation} was asked for {export_type} and answered something else "
                f"({response.headers.get('content-type', 'no content type')}, {len(response.body)} bytes).",
                operation=request.operation,
            )
        return response.body

    try:
        content: bytes = send(replace(request, json=body), check)
    except ClockifyForbiddenError as error:
        if export_type == "PDF":
            raise
        raise ClockifyForbiddenError(
            f"{error} CSV and XLSX files need a paid plan; file_format='csv' and 'parquet' are made from JSON and work "
            "on every plan that has the report.",
            status=error.status,
            code=error.code,
            reason=error.reason,
            operation=error.operation,
            attempts=error.attempts,
        ) from error
    return content


def count_csv_rows(content: bytes) -> int:
    """Count the rows of a CSV file below its header; line breaks inside fields do not count."""
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return max(0, sum(1 for row in reader if row) - 1)


def count_sheet_rows(content: bytes) -> int:
    """
    Count the rows of a workbook's first sheet, its header included.

    :raises ClockifyResponseError: it is no workbook.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            names = sorted(
                name for name in book.namelist() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)
            )
            return len(_SHEET_ROW.findall(book.read(names[0])))
    except (zipfile.BadZipFile, IndexError) as error:
        raise ClockifyResponseError(
            "The XLSX file is no workbook; the download may have been cut."
        ) from error


def _header(content: bytes) -> bytes:
    """Give the first record of a CSV file with its line end."""
    text = content.decode("utf-8-sig")
    reader = csv.reader(io.StringIO(text, newline=""))
    next(reader, None)
    lines = content.splitlines(keepends=True)
    return b"".join(lines[: reader.line_num])
