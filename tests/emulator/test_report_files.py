# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from airflow_provider_clockify.testing import faults
from airflow_provider_clockify.testing.workspace.truth import truth_summary

DAY = datetime(2026, 11, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEEK = {"dateRangeStart": "2026-11-02T00:00:00.000Z", "dateRangeEnd": "2026-11-08T23:59:59.999Z"}
KINDS = {
    "detailed": {"page": 1, "pageSize": 1000},
    "summary": {"groups": ["PROJECT", "USER"]},
    "weekly": {"group": "USER", "subgroup": "TIME"},
    "attendance": {"page": 1, "pageSize": 10},
}
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def export(client, kind, export_type, body=None, /, **own):
    asked = {"exportType": export_type, **(body or {})}
    return client.report(kind, asked, **{**KINDS[kind], **own})


def csv_rows(response):
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.content.decode(), newline="")))


def xlsx_rows(response):
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            ElementTree.fromstring(archive.read(name))
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    return [
        [
            cell.findtext(f"{SHEET}v") or cell.findtext(f"{SHEET}is/{SHEET}t") or ""
            for cell in row.findall(f"{SHEET}c")
        ]
        for row in sheet.iter(f"{SHEET}row")
    ]


def pdf_lines(content):
    """Return the lines of a PDF of the emulator after a check of its cross-reference table."""
    assert content.startswith(b"%PDF-")
    assert content.endswith(b"%%EOF\n")
    start = int(content.rsplit(b"startxref\n", 1)[1].split()[0])
    assert content[start : start + 4] == b"xref"
    entries = re.findall(rb"(\d{10}) 00000 n ", content[start:])
    for number, offset in enumerate(entries, 1):
        assert content[int(offset) :].startswith(b"%d 0 obj" % number)
    for length, stream in re.findall(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", content, re.S):
        assert int(length) == len(stream)
    return re.findall(rb"^\((.*)\) Tj T\*$", content, re.M)


# --- all kinds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("export_type", "content_type", "magic"),
    [
        ("CSV", "text/csv", b'"'),
        ("XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK\x03\x04"),
        ("PDF", "application/pdf", b"%PDF"),
        ("csv", "text/csv", b'"'),
    ],
)
def test_the_body_is_the_file(client, kind, export_type, content_type, magic):
    response = export(client, kind, export_type, WEEK)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == content_type
    assert response.content.startswith(magic)
    assert response.headers["Content-Disposition"] == (
        f'attachment; filename="Clockify_Time_Report_{kind.title()}_11_02_2026-11_08_2026'
        f'.{export_type.lower()}"'
    )


@pytest.mark.parametrize("kind", KINDS)
def test_all_files_of_a_kind_have_the_same_rows(client, kind):
    rows = csv_rows(export(client, kind, "CSV", WEEK))
    lines = xlsx_rows(export(client, kind, "XLSX", WEEK))
    assert lines[0] == list(rows[0])
    assert len(lines) == len(rows) + 1 > 2
    assert len(pdf_lines(export(client, kind, "PDF", WEEK).content)) == len(rows) + 2


@pytest.mark.parametrize("kind", KINDS)
def test_other_export_types(client, kind):
    assert export(client, kind, "ZIP", WEEK).status_code == 400
    assert export(client, kind, "JSON_V1", WEEK).json() == export(client, kind, "JSON", WEEK).json()


@pytest.mark.parametrize("kind", ["detailed", "summary", "weekly"])
def test_free_plan_has_pdf_only(client, kind):
    client.emulator.workspace.plan = "FREE"
    found = {name: export(client, kind, name, WEEK).status_code for name in ("CSV", "XLSX", "PDF", "JSON")}
    assert found == {"CSV": 403, "XLSX": 403, "PDF": 200, "JSON": 200}


@pytest.mark.parametrize("export_type", ["CSV", "XLSX", "PDF"])
def test_nothing_found_gives_headers_only(client, export_type):
    past = {"dateRangeStart": "2020-01-06T00:00:00", "dateRangeEnd": "2020-01-12T23:59:59"}
    for kind in KINDS:
        assert export(client, kind, export_type, past).status_code == 200
    assert csv_rows(export(client, "detailed", "CSV", past)) == []


def test_an_error_may_come_as_a_file(client):
    client.emulator.inject(faults.error_object_as_file("No, sorry"))
    response = export(client, "detailed", "XLSX")
    assert (response.status_code, response.json()) == (200, {"code": 501, "message": "No, sorry"})
    assert "spreadsheet" in response.headers["Content-Type"]
    assert response.headers["Content-Disposition"].endswith('.xlsx"')
    client.emulator.inject(faults.error_object_200())
    assert export(client, "detailed", "CSV").headers["Content-Type"] == "application/json"


# --- detailed ----------------------------------------------------------------------------------------------


@pytest.fixture
def one(serve, empty):
    globex = empty.add_client("Globex", currency="USD")
    project = empty.add_project("=Web", client_id=globex.id, hourly_rate=9_500, cost_rate=4_000)
    task, a, b = empty.add_task(project.id, "Build"), empty.add_tag("a"), empty.add_tag("b")
    field = empty.add_custom_field("Ticket")
    empty.add_entry(
        start=DAY + 13 * HOUR,
        end=DAY + 13 * HOUR + timedelta(seconds=1000),
        description='Said "hi",\nthen\x0bleft <b> 🚀',
        project_id=project.id,
        task_id=task.id,
        tag_ids=[a.id, b.id],
        billable=True,
        custom_values={field.id: "OPS-17"},
    )
    return serve(empty)


def test_detailed_row_in_full(one):
    (row,) = csv_rows(export(one, "detailed", "CSV"))
    assert row == {
        "Project": "=Web",
        "Client": "Globex",
        "Description": 'Said "hi",\nthen\x0bleft <b> 🚀',
        "Task": "Build",
        "User": "Olga Owner",
        "Email": "user1@example.com",
        "Tags": "a, b",
        "Billable": "Yes",
        "Start Date": "11/05/2026",
        "Start Time": "13:00:00",
        "End Date": "11/05/2026",
        "End Time": "13:16:40",
        "Duration (h)": "00:16:40",
        "Duration (decimal)": "0.28",
        "Billable Rate (USD)": "95.00",
        "Billable Amount (USD)": "26.39",
        "Ticket": "OPS-17",
    }
    head, line = xlsx_rows(export(one, "detailed", "XLSX"))
    assert line[head.index("Description")] == 'Said "hi",\nthenleft <b> 🚀'
    assert line[head.index("Billable Amount (USD)")] == "26.39"


def test_files_follow_the_profile_of_the_caller(one):
    workspace = one.emulator.workspace
    workspace.change(workspace.owner, date_format="DD.MM.YYYY", time_format="HOUR12")
    response = export(one, "detailed", "CSV", {"timeZone": None})
    (row,) = csv_rows(response)
    assert (row["Start Date"], row["Start Time"]) == ("05.11.2026", "02:00:00 PM")
    assert "01.11.2026-30.11.2026.csv" in response.headers["Content-Disposition"]
    settings = one.get("/user").json()["settings"]
    assert (settings["dateFormat"], settings["timeFormat"]) == ("DD.MM.YYYY", "HOUR12")


def test_columns_of_money_follow_the_request_and_the_rows(one):
    workspace = one.emulator.workspace
    workspace.add_entry(start=DAY, end=DAY + HOUR, billable=True)
    asked = {"amountShown": "COST", "amounts": ["PROFIT"]}
    rows = csv_rows(export(one, "detailed", "CSV", asked))
    # Two currencies: the header names that of the workspace, whatever the rows are in.
    assert [name for name in rows[0] if "(EUR)" in name] == [
        "Cost Rate (EUR)",
        "Cost Amount (EUR)",
        "Profit Rate (EUR)",
        "Profit Amount (EUR)",
    ]
    assert {row["Profit Amount (EUR)"] for row in rows} == {"30.00", "15.28"}
    hidden = csv_rows(export(one, "detailed", "CSV", {"amountShown": "HIDE_AMOUNT"}))
    assert not any("Amount" in name or "Rate" in name for name in hidden[0])


def test_running_timers_have_no_end(serve, empty):
    empty.start_timer(start=DAY)
    client = serve(empty, report_running=True)
    (row,) = csv_rows(export(client, "detailed", "CSV"))
    assert (row["End Date"], row["End Time"], row["Duration (h)"]) == ("", "", "00:00:00")


@pytest.mark.parametrize("export_type", ["CSV", "XLSX"])
def test_files_end_with_the_page_unless_they_have_everything(client, export_type):
    def count(**own):
        response = export(client, "detailed", export_type, **own)
        return len(csv_rows(response)) if export_type == "CSV" else len(xlsx_rows(response)) - 1

    assert [count(page=page, pageSize=60) for page in (1, 2, 3)] == [60, 40, 0]
    client.emulator.behaviour.csv_paged = False
    assert [count(page=page, pageSize=60) for page in (1, 2)] == [100, 100]


def test_a_pdf_ends_after_three_thousand_rows(make_clockify_emulator, client):
    emulator = make_clockify_emulator(entries=3100)
    other = type(client)(emulator)
    assert other.detailed(pageSize=1).json()["totals"][0]["entriesCount"] == 3100
    lines = pdf_lines(export(other, "detailed", "PDF", pageSize=10).content)
    assert len(lines) == 3002


# --- other kinds -------------------------------------------------------------------------------------------


def test_summary_has_a_row_per_last_group(client):
    rows = csv_rows(export(client, "summary", "CSV", {"amounts": ["COST"]}, groups=["USER", "DATE"]))
    assert list(rows[0]) == [
        "User",
        "Date",
        "Time (h)",
        "Time (decimal)",
        "Amount (EUR)",
        "Cost (EUR)",
    ]
    start = datetime(2026, 11, 1, tzinfo=UTC)
    truth = truth_summary(client.emulator.workspace, start, start + timedelta(days=30), ("USER", "DATE"))
    assert len(rows) == len(truth)


def test_weekly_has_a_column_per_day(client):
    rows = csv_rows(export(client, "weekly", "CSV", WEEK))
    days = [f"2026-11-{day:02d}" for day in range(2, 9)]
    assert list(rows[0]) == ["User", *days, "Total (h)", "Amount (EUR)"]
    hidden = csv_rows(export(client, "weekly", "CSV", {**WEEK, "amountShown": "HIDE_AMOUNT"}))
    assert list(hidden[0]) == ["User", *days, "Total (h)"]


def test_weekly_files_need_seven_days_too(client):
    assert export(client, "weekly", "CSV").status_code == 400


def test_attendance_has_all_days(client):
    rows = csv_rows(export(client, "attendance", "CSV"))
    count = export(client, "attendance", "JSON").json()["totals"]["entitiesCount"]
    assert len(rows) == count > 10
