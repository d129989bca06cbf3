# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The table of reports: its rows are whole, and operators, filters and links are theirs."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyWindowError
from airflow_provider_clockify.export.declared_reports import REPORTS, Asked, declared_report
from airflow_provider_clockify.links import ClockifyReportLink
from airflow_provider_clockify.operators import reports
from airflow_provider_clockify.operators.reports import ClockifyReportOperator
from airflow_provider_clockify.reading.client import ClockifyClient
from airflow_provider_clockify.reading.reader import Reader
from airflow_provider_clockify.service.filters import FILTERS, report_filters
from airflow_provider_clockify.window import Window

DAY = timedelta(days=1)
WEEK = Window(datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC))
OPERATORS = {
    found.report: found
    for found in vars(reports).values()
    if inspect.isclass(found) and issubclass(found, ClockifyReportOperator) and hasattr(found, "report")
}
GROUPS = {"summary": ("USER", "TAG"), "weekly": "PROJECT"}
every_report = pytest.mark.parametrize("name", REPORTS)


class Transport:
    """Takes no request."""


def client() -> Any:
    settings = ClockifySettings.from_fields("c", password="k", extra={"workspace_id": "w"})
    return ClockifyClient(settings, Transport())  # type: ignore[arg-type]


def test_each_report_has_filters_and_an_operator_and_there_are_no_others() -> None:
    assert set(REPORTS) == set(FILTERS) == set(OPERATORS)
    assert all(name == report.name for name, report in REPORTS.items())


@every_report
def test_a_row_makes_a_reader_and_a_table(name: str) -> None:
    report = REPORTS[name]
    groups = report.groups(GROUPS.get(name))
    reader = report.reader(Asked(client(), "w", report_filters(None, name), groups))
    assert isinstance(reader, Reader)
    table = report.table(groups, WEEK)
    assert table.name == name
    assert report.id_column is None or report.id_column in {each.name for each in table.columns}


def test_rows_with_ids_are_those_of_the_reports_that_do_not_sum_up() -> None:
    assert {name for name, report in REPORTS.items() if report.id_column} == {"detailed", "expenses"}


@every_report
def test_an_operator_has_a_button_exactly_where_the_address_is_known(name: str) -> None:
    links = [type(each) for each in OPERATORS[name].operator_extra_links]
    assert links == ([ClockifyReportLink] if REPORTS[name].web_path else [])


@every_report
def test_an_operator_takes_groups_exactly_where_the_report_has_some(name: str) -> None:
    own = set(inspect.signature(OPERATORS[name].__init__).parameters) & {"group", "groups"}
    parameter = OPERATORS[name].groups_parameter
    assert own == ({parameter} if parameter else set())
    if parameter:
        default = inspect.signature(OPERATORS[name].__init__).parameters[parameter].default
        assert REPORTS[name].groups(default)
    else:
        assert REPORTS[name].groups(None) == ()
        with pytest.raises(ClockifyConfigError, match="has no groups"):
            REPORTS[name].groups(("USER",))


@every_report
def test_only_a_report_with_ids_can_be_reconciled(name: str) -> None:
    takes_it = "reconcile" in inspect.signature(OPERATORS[name].__init__).parameters
    assert not takes_it or REPORTS[name].id_column


@pytest.mark.parametrize(("name", "days"), [("weekly", 6), ("attendance", 0.5), ("weekly", 7.5)])
def test_a_plan_refuses_windows_that_its_report_cannot_have(name: str, days: float) -> None:
    window = Window(WEEK.start, WEEK.start + days * DAY)
    with pytest.raises(ClockifyWindowError):
        REPORTS[name].plan(window, partition_by=None, file_name="x")
    assert REPORTS["detailed"].plan(window, partition_by=None, file_name="x").chunks == [window]


@pytest.mark.parametrize("name", ["Detailed", "", "projects"])
def test_an_unknown_report_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(ClockifyConfigError, match=f"report is '{name}'; use one of detailed, expenses"):
        declared_report(name)
