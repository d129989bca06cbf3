# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Files of the service, through the hook."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyConfigError,
    ClockifyForbiddenError,
    ClockifyIncompleteError,
    ClockifyResponseError,
    ClockifyWindowError,
)
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.reading.rendered_files import count_sheet_rows, split_csv
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, faults, generate_workspace

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
MONDAY = datetime(2026, 11, 9, tzinfo=UTC)
WEEK = (MONDAY, MONDAY + timedelta(days=7))
REPORTS = ("detailed", "summary", "weekly", "attendance", "expenses")
COUNTED = ("detailed", "expenses")
MAGIC = {"CSV": b'"', "XLSX": b"PK\x03\x04", "PDF": b"%PDF-"}


@pytest.fixture
def hook_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ClockifyHook]:
    def make(emulator: ClockifyEmulator, **extra: Any) -> ClockifyHook:
        settings = {"requests_per_second": 1e6, "max_retries": 0, **extra}
        monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_TEST", emulator.connection_json(**settings))
        return ClockifyHook("clockify_test")

    return make


@pytest.mark.parametrize("export_type", MAGIC)
@pytest.mark.parametrize("report", REPORTS)
def test_every_report_comes_as_every_file(start_emulator, hook_of, report, export_type):
    emulator = start_emulator(generate_workspace(entries=100, expenses=100))
    content = hook_of(emulator).download_report(report, *WEEK, export_type)
    assert content.startswith(MAGIC[export_type])
    asked = [request.json["exportType"] for request in emulator.requests]
    assert asked == (["JSON", export_type] if report in COUNTED else [export_type])
    assert {request.json["timeZone"] for request in emulator.requests} == {"UTC"}


def test_rows_with_line_breaks_inside_are_counted_as_the_service_counts_them(start_emulator, hook_of):
    workspace = generate_workspace(entries=300)
    assert any("\n" in entry.description for entry in workspace.entries.values())
    emulator = start_emulator(workspace)
    hook = hook_of(emulator)
    assert len(split_csv(hook.download_report("detailed", START, END))[1]) == 300
    assert count_sheet_rows(hook.download_report("detailed", START, END, "XLSX")) == 301


def test_a_csv_cut_at_pages_is_put_together(start_emulator, hook_of):
    emulator = start_emulator(generate_workspace(entries=2_100, running_timers=0))
    content = hook_of(emulator).download_report("detailed", START, END)
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert len(rows) == 2_101
    assert rows.count(rows[0]) == 1
    whole = start_emulator(generate_workspace(entries=2_100, running_timers=0), csv_paged=False)
    assert hook_of(whole).download_report("detailed", START, END) == content
    pages = [request.json["detailedFilter"]["page"] for request in emulator.requests]
    assert pages == [1, 1, 2, 3]
    assert len(whole.requests) == 2


def test_a_workbook_cut_at_a_page_is_an_error(start_emulator, hook_of):
    emulator = start_emulator(generate_workspace(entries=1_001, running_timers=0))
    with pytest.raises(ClockifyIncompleteError, match="holds 1000 rows, the service counts 1001"):
        hook_of(emulator).download_report("detailed", START, END, "XLSX")
    assert len(emulator.requests) == 2


def test_a_pdf_longer_than_the_service_makes_them_costs_only_its_count(start_emulator, hook_of):
    emulator = start_emulator(generate_workspace(entries=3_001, running_timers=0))
    with pytest.raises(ClockifyConfigError, match="3001 rows and the service cuts PDF files after 3000"):
        hook_of(emulator).download_report("detailed", START, END, "PDF")
    assert len(emulator.requests) == 1


@pytest.mark.parametrize("export_type", MAGIC)
def test_an_empty_report_is_a_file_all_the_same(start_emulator, hook_of, export_type):
    emulator = start_emulator(generate_workspace(entries=0, running_timers=0, outside_entries=0))
    content = hook_of(emulator).download_report("detailed", START, END, export_type)
    assert content.startswith(MAGIC[export_type])
    assert len(emulator.requests) == 2


@pytest.mark.parametrize("export_type", ["CSV", "XLSX"])
@pytest.mark.parametrize("report", ["detailed", "summary", "weekly"])
def test_a_plan_without_files_is_named_with_its_cure(start_emulator, hook_of, report, export_type):
    emulator = start_emulator(generate_workspace(entries=10, plan="FREE"))
    with pytest.raises(
        ClockifyForbiddenError, match=r"need a paid plan; file_format='csv', 'parquet' and 'xlsx'"
    ):
        hook_of(emulator).download_report(report, *WEEK, export_type)
    assert hook_of(emulator).download_report(report, *WEEK, "PDF").startswith(b"%PDF")


@pytest.mark.parametrize("export_type", MAGIC)
def test_an_error_object_under_the_name_of_a_file_is_an_error(start_emulator, hook_of, export_type):
    emulator = start_emulator(generate_workspace(entries=10))
    emulator.inject(faults.error_object_as_file("Broken export"), times=None)
    with pytest.raises((ClockifyBadRequestError, ClockifyResponseError)):
        hook_of(emulator).download_report("summary", START, END, export_type)
    assert len(emulator.requests) == 1


@pytest.mark.parametrize("export_type", MAGIC)
def test_another_file_than_the_wanted_one_is_an_error(start_emulator, hook_of, export_type):
    emulator = start_emulator(generate_workspace(entries=10))
    emulator.inject(faults.answer(200, body=b"<html>Sorry</html>", content_type="text/html"), times=None)
    with pytest.raises(ClockifyResponseError, match=f"asked for {export_type} and answered something else"):
        hook_of(emulator).download_report("summary", START, END, export_type)


def test_rendering_keys_are_sent_where_the_report_has_them(start_emulator, hook_of):
    emulator = start_emulator(generate_workspace(entries=10))
    hook = hook_of(emulator)
    look = {"dateFormat": "DD/MM/YYYY", "timeFormat": "HOUR24", "userLocale": "de", "weekStart": "SUNDAY"}
    for report in REPORTS:
        given = {k: v for k, v in look.items() if report != "expenses" or k in ("userLocale", "weekStart")}
        hook.download_report(report, *WEEK, "PDF", filters=given)
        assert given.items() <= emulator.requests[-1].json.items()
    with pytest.raises(ClockifyConfigError, match=r"filters\['dateFormat'\] is unknown"):
        hook.download_report("expenses", *WEEK, "PDF", filters={"dateFormat": "x"})
    with pytest.raises(ClockifyConfigError, match=r"filters\['weekStart'\] is 'sunday'; use one of MONDAY"):
        hook.download_report("summary", *WEEK, "PDF", filters={"weekStart": "sunday"})


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        (("yearly", *WEEK), ClockifyConfigError, "report is 'yearly'; use one of detailed"),
        (("detailed", *WEEK, "ZIP"), ClockifyConfigError, "export_type is 'ZIP'"),
        (("detailed", *WEEK, "csv"), ClockifyConfigError, "export_type is 'csv'"),
        (("weekly", START, END), ClockifyWindowError, "exactly seven days"),
        (("attendance", START, START + timedelta(hours=1)), ClockifyWindowError, "sums up days"),
        (("summary", datetime(2026, 11, 1), END), ClockifyWindowError, "start"),
    ],
)
def test_refusals_cost_no_request(start_emulator, hook_of, arguments, kind, text):
    emulator = start_emulator()
    with pytest.raises(kind, match=text):
        hook_of(emulator).download_report(*arguments)
    assert emulator.requests == []


def test_groups_of_files(start_emulator, hook_of):
    emulator = start_emulator(generate_workspace(entries=10))
    hook = hook_of(emulator)
    hook.download_report("summary", *WEEK, groups=("TAG", "DATE"))
    assert emulator.requests[-1].json["summaryFilter"]["groups"] == ["TAG", "DATE"]
    hook.download_report("weekly", *WEEK, groups=("PROJECT",))
    assert emulator.requests[-1].json["weeklyFilter"]["group"] == "PROJECT"
    with pytest.raises(ClockifyConfigError, match="group is 'TAG'"):
        hook.download_report("weekly", *WEEK, groups=("TAG",))


def test_expenses_of_several_pages_come_as_one_csv(start_emulator, hook_of):
    workspace = EmulatedWorkspace(plan="PRO")
    user = workspace.add_user("Ada")
    for number in range(450):
        workspace.add_expense(user.id, day="2026-11-10", total=float(number), notes="a\nb", at=START)
    emulator = start_emulator(workspace)
    assert len(split_csv(hook_of(emulator).download_report("expenses", START, END))[1]) == 450
    assert len(emulator.requests) == 2
