# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The address of a report in the Clockify web app."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_clockify import links
from airflow_provider_clockify.connection import REGIONS, ClockifySettings
from airflow_provider_clockify.export.declared_reports import REPORTS
from airflow_provider_clockify.links import ClockifyReportLink, push_report_link, report_url
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
from airflow_provider_clockify.service.filters import report_filters
from airflow_provider_clockify.window import Window, parse_zone

KEY = "K3yOfSomebody"
WEEK = Window(datetime(2024, 5, 20, tzinfo=UTC), datetime(2024, 5, 27, tzinfo=UTC))


def settings(**extra: Any) -> ClockifySettings:
    return ClockifySettings.from_fields("clockify_default", password=KEY, extra={"hash_salt": KEY, **extra})


def test_the_addresses_are_those_of_the_web_apps_menu() -> None:
    bounds = "start=2024-05-20T00:00:00.000Z&end=2024-05-26T23:59:59.999Z"
    paths = {each.name: each.web_path for each in REPORTS.values() if each.web_path}
    assert {name: report_url(settings(), web_path, WEEK, {}) for name, web_path in paths.items()} == {
        "detailed": f"https://app.clockify.me/reports/detailed?{bounds}",
        "summary": f"https://app.clockify.me/reports/summary?{bounds}",
        "weekly": f"https://app.clockify.me/reports/weekly?{bounds}",
        "attendance": f"https://app.clockify.me/reports/team/attendance?{bounds}",
    }


def test_bounds_are_utc_with_milliseconds() -> None:
    zone = timezone(timedelta(hours=5, minutes=45))
    window = Window(
        datetime(2026, 3, 1, 0, 0, 0, 7_000, tzinfo=zone), datetime(2026, 3, 1, 1, 0, 0, 7_000, tzinfo=zone)
    )
    query = parse_qs(urlsplit(report_url(settings(), "detailed", window, {})).query)
    assert query == {"start": ["2026-02-28T18:15:00.007Z"], "end": ["2026-02-28T19:15:00.006Z"]}


@pytest.mark.parametrize("region", REGIONS)
def test_the_host_follows_the_region(region: str) -> None:
    host = "app" if region == "global" else region
    url = report_url(settings(region=region), "detailed", WEEK, {})
    assert url.startswith(f"https://{host}.clockify.me/reports/")


@pytest.mark.parametrize("region", ["global", "euc1"])
def test_a_subdomain_is_the_host(region: str) -> None:
    url = report_url(settings(region=region, subdomain="acme"), "detailed", WEEK, {})
    assert url.startswith("https://acme.clockify.me/reports/")


def test_filters_of_ids_are_in_the_address() -> None:
    filters = report_filters({"projects": ["p1", "p2"], "users": {"ids": ["u"], "status": "ACTIVE"}})
    query = parse_qs(urlsplit(report_url(settings(), "summary", WEEK, filters)).query)
    assert json.loads(query["filterValuesData"][0]) == {"projects": ["p1", "p2"], "users": ["u"]}
    assert json.loads(query["filterOptions"][0]) == {
        "projects": {"status": "ALL"},
        "userAndGroup": {"status": "ACTIVE"},
    }


def test_the_bounds_are_what_clocks_of_the_zone_show() -> None:
    berlin = parse_zone("Europe/Berlin")
    october = Window(datetime(2026, 9, 30, 22, tzinfo=UTC), datetime(2026, 10, 31, 23, tzinfo=UTC), berlin)
    query = parse_qs(urlsplit(report_url(settings(), "detailed", october, {})).query)
    assert query == {"start": ["2026-10-01T00:00:00.000Z"], "end": ["2026-10-31T23:59:59.999Z"]}


def test_what_the_address_cannot_say_is_left_out() -> None:
    filters = report_filters(
        {
            "billable": True,
            "description": "secret plan",
            "tags": ["t"],
            "clients": {"ids": ["c"], "contains": "DOES_NOT_CONTAIN"},
        }
    )
    assert report_url(settings(), "detailed", WEEK, filters) == report_url(settings(), "detailed", WEEK, {})


def test_the_key_is_nowhere_and_ids_cannot_break_out() -> None:
    url = report_url(settings(), "detailed", WEEK, report_filters({"projects": ['"&x=1#', "p q"]}))
    assert KEY not in url
    parts = urlsplit(url)
    assert sorted(parse_qs(parts.query)) == ["end", "filterOptions", "filterValuesData", "start"]
    assert not parts.fragment
    assert " " not in url


class Task:
    def __init__(self) -> None:
        self.pushed: dict[str, str] = {}

    def xcom_push(self, key: str, value: str) -> None:
        self.pushed[key] = value


def test_a_report_whose_address_is_not_known_has_no_link() -> None:
    task = Task()
    push_report_link({"ti": task}, REPORTS["expenses"], WEEK, settings(), {})
    assert task.pushed == {}
    push_report_link({"ti": task}, REPORTS["weekly"], WEEK, settings(), {})
    assert task.pushed == {"clockify_link": report_url(settings(), "weekly", WEEK, {})}


def test_outside_of_a_task_nothing_is_pushed() -> None:
    push_report_link({}, REPORTS["detailed"], WEEK, settings(), {})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Which task instances' XComs were asked for; each holds an address."""
    found: list[Any] = []

    class KeptInTheDatabase:
        @staticmethod
        def get_value(*, key: str, ti_key: Any) -> str:
            found.append(ti_key)
            return "https://app.clockify.me/kept"

    monkeypatch.setattr(links, "XCom", KeptInTheDatabase)
    return found


def test_a_task_that_failed_early_asks_for_no_xcom(asked: list[Any]) -> None:
    task = ClockifyDetailedReportOperator(task_id="x", output_path="/x")
    assert ClockifyReportLink().get_link(task, ti_key="key") == ""
    assert asked == []


def test_a_task_that_has_pushed_its_link_knows_it(asked: list[Any]) -> None:
    task = ClockifyDetailedReportOperator(task_id="x", output_path="/x")
    task.report_link = push_report_link({"ti": Task()}, REPORTS["detailed"], WEEK, settings(), {})
    assert ClockifyReportLink().get_link(task, ti_key="key") == report_url(settings(), "detailed", WEEK, {})
    assert asked == []


def test_who_is_not_the_task_asks_for_what_it_kept(asked: list[Any]) -> None:
    assert ClockifyReportLink().get_link(object(), ti_key="key") == "https://app.clockify.me/kept"
    assert asked == ["key"]


def test_a_task_that_goes_on_after_a_wait_and_fails_early_keeps_its_link(asked: list[Any]) -> None:
    task = ClockifyDetailedReportOperator(task_id="x", output_path="")
    with pytest.raises(AirflowFailException, match="output_path is empty"):
        task.execute_complete({}, None, {})
    assert ClockifyReportLink().get_link(task, ti_key="key") == "https://app.clockify.me/kept"
