# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyConfigError,
    ClockifyForbiddenError,
    ClockifyIncompleteError,
    ClockifyResponseError,
    ClockifyWindowError,
)
from airflow_provider_clockify.reading.rendered_files import count_sheet_rows, download, split_csv
from airflow_provider_clockify.service.messages import ApiRequest, ApiResponse
from airflow_provider_clockify.testing.report_routes.report_files import (
    Table,
    csv_bytes,
    pdf_bytes,
    xlsx_bytes,
)
from airflow_provider_clockify.window import Window

DAY = Window(datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 11, tzinfo=UTC))
WEEK = Window(datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC))
HEADER = ["Name", "First\nsecond line"]


def table(first: int, last: int) -> Table:
    return Table(HEADER, [[f"row\n{n}", 'a "b", c'] for n in range(first, last)])


class Service:
    """Answers with a count of rows, and with files given page by page."""

    def __init__(self, count: int, *pages: bytes, largest: int = 1000) -> None:
        self.count = count
        self.pages = pages
        self.largest = largest
        self.asked: list[tuple[str, int, int]] = []

    def send(self, request: ApiRequest, decode: Any) -> Any:
        body = dict(request.json or {})
        paging = next((value for name, value in body.items() if name.endswith("Filter")), body)
        self.asked.append((body["exportType"], paging.get("page", 0), paging.get("pageSize", 0)))
        if body["exportType"] == "JSON":
            totals = {"entriesCount": self.count, "expensesCount": self.count}
            answer = {"timeentries": [], "totals": [totals]}
            if "expenses" in request.path:
                answer = {"expenses": [], "totals": totals}
            return decode(ApiResponse(200, {}, json.dumps(answer).encode()))
        if paging.get("pageSize", 0) > self.largest:
            raise ClockifyBadRequestError("too many", status=400)
        number = min(paging.get("page", 1), len(self.pages)) - 1
        return decode(ApiResponse(200, {"content-type": "text/plain"}, self.pages[number]))


def get(
    service: Service,
    report: str = "detailed",
    export_type: str = "CSV",
    window: Window = DAY,
    groups: Any = ("USER",),
) -> Any:
    return download(service.send, "w", report, window, {}, export_type, groups)


# --- counting -----------------------------------------------------------------------------------------------


@given(
    st.lists(st.text(st.characters(codec="utf-8")), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_rows_of_csv_are_records_whatever_their_fields_hold(texts, end, marked):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(
        [HEADER, *([each, "x"] for each in texts)]
    )
    assert len(split_csv(text.getvalue().encode("utf-8-sig" if marked else "utf-8"))[1]) == len(texts)


@pytest.mark.parametrize("content", [b"", b"a,b", b"a,b\n", b"a,b\n\n"])
def test_a_header_is_no_row(content):
    assert split_csv(content)[1] == []


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_rows_of_a_sheet_include_its_header(rows):
    assert count_sheet_rows(xlsx_bytes(table(0, rows))) == rows + 1


@pytest.mark.parametrize("content", [b"PK", b"PK\x03\x04 cut", xlsx_bytes(table(0, 3))[:-30]])
def test_what_is_no_workbook_may_have_been_cut(content):
    with pytest.raises(ClockifyResponseError, match="not a workbook; the download may have been cut"):
        count_sheet_rows(content)


def test_a_workbook_without_a_sheet_is_none():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(ClockifyResponseError, match="not a workbook"):
        count_sheet_rows(buffer.getvalue())


# --- csv ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("report", "size"), [("detailed", 1000), ("expenses", 200)])
def test_a_whole_csv_costs_its_count_and_itself(report, size):
    service = Service(5, csv_bytes(table(0, 5)))
    assert get(service, report) == (csv_bytes(table(0, 5)), 5)
    assert service.asked == [("JSON", 1, 1), ("CSV", 1, size)]


def test_a_csv_that_was_cut_at_pages_is_put_together():
    service = Service(5, csv_bytes(table(0, 2)), csv_bytes(table(2, 4)), csv_bytes(table(4, 5)))
    assert get(service) == (csv_bytes(table(0, 5)), 5)
    # With the size that the service gives, pages are counted alike, whichever size it counts by.
    assert service.asked == [("JSON", 1, 1), ("CSV", 1, 1000), ("CSV", 2, 2), ("CSV", 3, 2)]


def test_a_refused_size_of_a_csv_is_replaced_by_a_smaller_one():
    pages = [csv_bytes(table(first, min(first + 50, 120))) for first in (0, 50, 100)]
    service = Service(120, *pages, largest=50)
    assert get(service) == (csv_bytes(table(0, 120)), 120)
    assert service.asked[1:] == [
        ("CSV", 1, 1000),
        ("CSV", 1, 200),
        ("CSV", 1, 50),
        ("CSV", 2, 50),
        ("CSV", 3, 50),
    ]


def test_a_refusal_that_is_not_about_the_size_is_raised_as_it_came():
    service = Service(120, b"", largest=0)
    for export_type in ("CSV", "XLSX", "PDF"):
        with pytest.raises(ClockifyBadRequestError, match="too many"):
            get(service, "expenses", export_type)
        assert [size for _, _, size in service.asked[-3:]] == [1, 200, 50]


@pytest.mark.parametrize("length", [131_072, 131_073, 3_000_000])
def test_a_field_of_any_length_is_counted(length):
    content = csv_bytes(Table(HEADER, [["a\n" * (length // 2), "x"], ["b", "y" * length]]))
    assert get(Service(2, content)) == (content, 2)
    with pytest.raises(ClockifyIncompleteError, match="holds 2 rows, the service counts 3"):
        get(Service(3, content))


def test_an_attendance_csv_of_exactly_a_page_is_followed_by_another():
    full, rest = csv_bytes(table(0, 200)), csv_bytes(table(200, 230))
    assert get(Service(0, full, rest), "attendance") == (csv_bytes(table(0, 230)), None)
    whole = Service(0, full)  # A service that does not page its files gives the same again.
    assert get(whole, "attendance") == (full, None)
    assert whole.asked == [("CSV", 1, 200), ("CSV", 2, 200)]
    more = Service(0, csv_bytes(table(0, 201)))
    assert get(more, "attendance")[0] == csv_bytes(table(0, 201))
    assert len(more.asked) == 1
    small = [csv_bytes(table(first, min(first + 50, 120))) for first in (0, 50, 100)]
    assert get(Service(0, *small, largest=50), "attendance") == (csv_bytes(table(0, 120)), None)


def test_a_last_line_without_an_end_gets_one_before_the_next_page():
    service = Service(4, csv_bytes(table(0, 2)).rstrip(b"\n"), csv_bytes(table(2, 4)))
    assert get(service)[0] == csv_bytes(table(0, 4))


def test_a_byte_order_mark_stands_once():
    mark = b"\xef\xbb\xbf"
    service = Service(4, mark + csv_bytes(table(0, 2)), mark + csv_bytes(table(2, 4)))
    assert get(service)[0] == mark + csv_bytes(table(0, 4))


@pytest.mark.parametrize(
    ("pages", "requests"),
    [
        ([csv_bytes(table(0, 2)), csv_bytes(table(2, 4)), csv_bytes(table(4, 4))], 4),
        ([csv_bytes(table(0, 2))], 3),
    ],
    ids=["ends early", "ignores the page"],
)
def test_a_csv_that_stays_too_short_is_an_error(pages, requests):
    service = Service(5, *pages)
    with pytest.raises(
        ClockifyIncompleteError, match=r"CSV file of .* holds [24] rows, the service counts 5.*partition_by"
    ):
        get(service)
    assert len(service.asked) == requests


def test_pages_with_different_columns_are_not_put_together():
    other = csv_bytes(Table(["Other", "x"], [["a", "b"]]))
    with pytest.raises(ClockifyResponseError, match="different columns"):
        get(Service(3, csv_bytes(table(0, 2)), other))


# --- xlsx and pdf -------------------------------------------------------------------------------------------


def test_a_whole_workbook():
    service = Service(5, xlsx_bytes(table(0, 5)))
    assert get(service, export_type="XLSX") == (xlsx_bytes(table(0, 5)), 5)
    assert service.asked == [("JSON", 1, 1), ("XLSX", 1, 1000)]


def test_a_workbook_that_was_cut_is_an_error():
    with pytest.raises(ClockifyIncompleteError, match="XLSX file of .* holds 4 rows, the service counts 5"):
        get(Service(5, xlsx_bytes(table(0, 4))), export_type="XLSX")


def test_a_refused_size_of_a_workbook_is_replaced_and_its_rows_are_counted():
    whole = xlsx_bytes(table(0, 70))
    assert get(Service(70, whole, largest=200), export_type="XLSX") == (whole, 70)
    with pytest.raises(ClockifyIncompleteError, match="XLSX file of .* holds 50 rows, the service counts 70"):
        get(Service(70, xlsx_bytes(table(0, 50)), largest=50), export_type="XLSX")


@pytest.mark.parametrize(("rows", "largest", "sure"), [(199, 200, True), (200, 200, False), (50, 50, False)])
def test_an_attendance_workbook_of_exactly_a_page_may_have_been_cut(rows, largest, sure):
    service = Service(0, xlsx_bytes(table(0, rows)), largest=largest)
    if sure:
        assert get(service, "attendance", "XLSX") == (xlsx_bytes(table(0, rows)), None)
        return
    with pytest.raises(
        ClockifyIncompleteError, match=f"may end at its first page, of {rows} rows.*partition_by"
    ):
        get(service, "attendance", "XLSX")


@pytest.mark.parametrize(
    ("report", "count", "largest", "sure"),
    [
        ("detailed", 900, 1000, True),
        ("detailed", 150, 200, True),
        ("detailed", 201, 200, False),
        ("attendance", 0, 200, True),
        ("attendance", 0, 50, False),
    ],
)
def test_a_pdf_of_a_service_that_minds_the_size_of_its_page_may_have_been_cut(report, count, largest, sure):
    service = Service(count, pdf_bytes("t", table(0, 1)), largest=largest)
    if sure:
        assert get(service, report, "PDF")[0].startswith(b"%PDF")
        return
    with pytest.raises(ClockifyIncompleteError, match=f"may end at its first page, of {largest} rows"):
        get(service, report, "PDF")


def test_a_pdf_of_as_many_rows_as_fit():
    content = pdf_bytes("t", table(0, 1))
    service = Service(3000, content)
    assert get(service, export_type="PDF") == (content, 3000)


def test_a_pdf_of_more_rows_than_fit_is_not_even_asked_for():
    service = Service(3001)
    with pytest.raises(ClockifyConfigError, match="3001 rows and the service cuts PDF files after 3000"):
        get(service, export_type="PDF")
    assert service.asked == [("JSON", 1, 1)]


@pytest.mark.parametrize("report", ["summary", "weekly", "attendance"])
@pytest.mark.parametrize(
    ("export_type", "content"),
    [
        ("CSV", csv_bytes(table(0, 1))),
        ("XLSX", xlsx_bytes(table(0, 1))),
        ("PDF", pdf_bytes("t", table(0, 1))),
    ],
    ids=["csv", "xlsx", "pdf"],
)
def test_reports_that_sum_up_cost_one_request_and_have_no_count(report, export_type, content):
    service = Service(0, content)
    assert get(service, report, export_type, WEEK) == (content, None)
    assert [asked[0] for asked in service.asked] == [export_type]


@pytest.mark.parametrize(
    ("export_type", "body"),
    [
        ("CSV", b' {"code":501,"message":"no"}'),
        ("CSV", b"<html>"),
        ("CSV", b""),
        ("XLSX", b'{"code":501}'),
        ("XLSX", b""),
        ("XLSX", csv_bytes(table(0, 1))),
        ("PDF", b"PK"),
        ("PDF", b" %PDF-1.4"),
    ],
)
def test_what_is_not_the_wanted_file_is_an_error(export_type, body):
    with pytest.raises(
        ClockifyResponseError,
        match=f"asked for {export_type} and answered something else .text/plain, {len(body)} bytes",
    ):
        get(Service(0, body), "summary", export_type)


# --- refusals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"export_type": "ZIP"}, ClockifyConfigError, "export_type is 'ZIP'; use one of CSV, XLSX, PDF"),
        ({"report": "yearly"}, ClockifyConfigError, "report is 'yearly'; files exist of detailed, summary"),
        ({"report": "weekly"}, ClockifyWindowError, "exactly seven days"),
        ({"report": "weekly", "window": WEEK, "groups": ("TASK",)}, ClockifyConfigError, "group is 'TASK'"),
        (
            {"report": "attendance", "window": Window(DAY.start, DAY.start.replace(hour=1))},
            ClockifyWindowError,
            "sums up days",
        ),
    ],
)
def test_refusals_cost_no_request(arguments, kind, text):
    service = Service(0)
    with pytest.raises(kind, match=text):
        get(service, **arguments)
    assert service.asked == []


@pytest.mark.parametrize(("export_type", "has_cure"), [("CSV", True), ("XLSX", True), ("PDF", False)])
def test_the_cure_for_a_plan_without_files_is_told_where_it_applies(export_type, has_cure):
    refusal = ClockifyForbiddenError("No.", status=403, code=7, reason="r", operation="o", attempts=2)

    def send(request: ApiRequest, decode: Any) -> Any:
        raise refusal

    with pytest.raises(ClockifyForbiddenError, match=r"^No\.") as caught:
        download(send, "w", "summary", DAY, {}, export_type, ("USER",))
    error = caught.value
    assert ("need a paid plan" in str(error)) is has_cure
    assert (error.status, error.code, error.reason, error.operation, error.attempts) == (403, 7, "r", "o", 2)
