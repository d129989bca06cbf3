# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Write tables as the files that the service renders: CSV, XLSX and PDF, smallest forms that programs open."""

from __future__ import annotations

import csv
import html
import io
import re
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_clockify.testing.answers.pdf_documents import pdf_document
from airflow_provider_clockify.testing.exchange import Request, Response

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from airflow_provider_clockify.testing.report_routes.selection import ReportQuery
    from airflow_provider_clockify.testing.workspace.data import EmulatedWorkspace

PDF_ROWS = 3000
CONTENT_TYPES = {
    "CSV": "text/csv",
    "XLSX": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "PDF": "application/pdf",
}

Row = list[str | float]

# What XML 1.0 cannot hold.
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Table(NamedTuple):
    """Names of columns and rows of texts and numbers."""

    columns: Sequence[str]
    rows: Sequence[Row]


def file_response(request: Request, query: ReportQuery, kind: str, table: Table) -> Response:
    """
    Answer with a file, whose name has the kind and the range in the caller's date format.

    The body of the response is the file, there is no job to wait for (Clockify OpenAPI). A PDF ends after
    3000 rows without a word (Clockify help centre).
    """
    extension = query.export_type.lower()
    date_format = request.caller.user.date_format
    first, last = (
        format_date(datetime.fromtimestamp(wall_ms // 1000, UTC), date_format).replace("/", "_")
        for wall_ms in (query.first_wall_ms, query.last_wall_ms)
    )
    title = f"Clockify_Time_Report_{kind}_{first}-{last}"
    if query.export_type == "CSV":
        payload = csv_bytes(table)
    elif query.export_type == "XLSX":
        payload = xlsx_bytes(table)
    else:
        payload = pdf_bytes(title, Table(table.columns, table.rows[:PDF_ROWS]))
    return Response(
        200,
        payload,
        headers={"Content-Disposition": f'attachment; filename="{title}.{extension}"'},
        content_type=CONTENT_TYPES[query.export_type],
    )


def hours(seconds: int) -> str:
    """Write a duration as ``hh:mm:ss``."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def money_header(workspace: EmulatedWorkspace, codes: Collection[str]) -> str:
    """Return the currency of a column of money: that of all rows, or that of the workspace."""
    return next(iter(codes)) if len(codes) == 1 else workspace.currency


def format_date(moment: datetime, pattern: str) -> str:
    """Write a date in the format of a profile, such as ``MM/DD/YYYY``."""
    for token, value in (
        ("YYYY", f"{moment.year:04d}"),
        ("MM", f"{moment.month:02d}"),
        ("DD", f"{moment.day:02d}"),
    ):
        pattern = pattern.replace(token, value)
    return pattern


def _text(cell: str | float) -> str:
    return cell if isinstance(cell, str) else f"{cell:.2f}"


def csv_bytes(table: Table) -> bytes:
    """Return UTF-8 without a mark, all cells quoted."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([_text(cell) for cell in row] for row in table.rows)
    return buffer.getvalue().encode()


_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/'
    'vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/'
    'vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
    'officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="Report" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
    'relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
    'relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


def xlsx_bytes(table: Table) -> bytes:
    """Return a workbook of one sheet; numbers are numbers, all else is text."""
    lines: list[Row] = [list(table.columns), *table.rows]
    body = "".join(
        f'<row r="{number}">{"".join(_cell(cell) for cell in row)}</row>'
        for number, row in enumerate(lines, 1)
    )
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{body}</sheetData></worksheet>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in {**_PARTS, "xl/worksheets/sheet1.xml": sheet}.items():
            # A fixed time: the same table gives the same bytes.
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + part)
    return buffer.getvalue()


def _cell(cell: str | float) -> str:
    if not isinstance(cell, str):
        return f"<c><v>{cell}</v></c>"
    text = html.escape(_NO_XML.sub("", cell), quote=False)
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def pdf_bytes(title: str, table: Table) -> bytes:
    """Return a document of plain lines, one per row."""
    lines = [title, " | ".join(table.columns)]
    lines += [" | ".join(_text(cell) for cell in row) for row in table.rows]
    return pdf_document(lines)
