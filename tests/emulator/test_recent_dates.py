# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What the command line generates without dates: data of the last days, on any day."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_clockify.testing.__main__ import _parser, _window
from airflow_provider_clockify.testing.workspace.generate import generate_workspace, recent_window

DAY = timedelta(days=1)
# Weekdays and weekends, the first day of a year and of a month, leap days, the days after them, change of clocks.
DATES = [
    "2026-11-27",
    "2026-11-28",
    "2026-11-29",
    "2026-11-30",
    "2027-01-01",
    "2027-01-02",
    "2028-02-29",
    "2028-03-01",
    "2027-03-01",
    "2027-03-28",
    "2026-10-25",
    "2100-03-01",
]


def generated(now, entries=60, **fields):
    start, end = recent_window(now)
    return generate_workspace(start=start, end=end, now=end, entries=entries, projects=4, **fields)


def assert_is_recent(now, **fields):
    workspace = generated(now, **fields)
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert workspace.truth_ids(midnight - DAY, midnight) != []
    limit = now.timestamp()
    for entry in workspace.entries.values():
        assert max(entry.start, entry.end or 0, entry.created_at, entry.updated_at) <= limit
    tables = [value for value in vars(workspace).values() if isinstance(value, dict)]
    things = [thing for table in tables for thing in table.values() if hasattr(thing, "created_at")]
    assert {type(thing).__name__ for thing in things} >= {"ApprovalRequest", "Expense", "Invoice", "User"}
    assert max(max(thing.created_at, thing.updated_at) for thing in things) <= limit
    assert all(payment.paid_at <= limit for row in workspace.invoices.values() for payment in row.payments)
    return workspace


@pytest.mark.parametrize("time", ["00:00:00", "00:00:30", "00:01:00", "12:00:00", "23:59:59"])
@pytest.mark.parametrize("date", DATES)
def test_yesterday_has_rows_on_any_date(date, time):
    assert_is_recent(datetime.fromisoformat(f"{date}T{time}+00:00"))


@settings(max_examples=40, deadline=None)
@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2099, 12, 31)),
    st.integers(-14, 14),
    st.integers(1, 40),
    st.integers(1, 4),
)
def test_yesterday_has_rows_at_any_moment(naive, hours, entries, users):
    now = naive.replace(tzinfo=timezone(timedelta(hours=hours)))
    workspace = assert_is_recent(now, entries=entries, users=users)
    assert len(workspace.truth_ids(*recent_window(now))) == entries


def test_the_window_is_thirty_days_and_today():
    start, end = recent_window(datetime(2028, 3, 30, 10, 20, 30, 5, tzinfo=UTC))
    assert (start.isoformat(), end.isoformat()) == ("2028-02-29T00:00:00+00:00", "2028-03-30T10:20:00+00:00")


def test_data_behind_now_are_refused():
    start, end = recent_window(datetime(2026, 11, 29, tzinfo=UTC))
    with pytest.raises(ValueError, match="now"):
        generate_workspace(start=start, end=end, now=end - DAY)


@pytest.mark.parametrize(
    ("arguments", "start", "end", "now"),
    [
        (["--start", "2026-11-01", "--end", "2026-12-01"], "2026-11-01", "2026-12-01", None),
        (["--start", "2026-11-01"], "2026-11-01", "2026-12-01", None),
        (["--end", "2026-12-01"], "2026-11-01", "2026-12-01", None),
        (["--now", "2026-12-05"], "2026-11-05", "2026-12-05", "2026-12-05"),
    ],
)
def test_arguments_fix_the_dates(arguments, start, end, now):
    found = _window(_parser().parse_args(arguments))
    assert [each and f"{each:%F}" for each in found] == [start, end, now]


def test_without_arguments_it_is_today():
    start, end, now = _window(_parser().parse_args([]))
    assert end == now
    assert timedelta() <= datetime.now(UTC) - end < timedelta(minutes=5)
    assert timedelta(days=30) <= end - start < timedelta(days=31)


# --- the command line -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["--users", "1"], ["--users", "1", "--tls"]], ids=["http", "https"])
def test_one_user_and_yesterdays_rows_over_the_wire(arguments):
    command = [sys.executable, "-m", "airflow_provider_clockify.testing", "--port", "0", *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            facts, connection = process.stdout.readline().split(" connection=")
            known = dict(pair.split("=", 1) for pair in facts.split())
            assert json.loads(connection)["host"] == known["url"]
            assert known["url"].startswith("https://") is ("--tls" in arguments)
            yesterday = datetime.now(UTC).date() - DAY
            body = {
                "dateRangeStart": f"{yesterday}T00:00:00.000Z",
                "dateRangeEnd": f"{yesterday}T23:59:59.999Z",
                "timeZone": "UTC",
                "detailedFilter": {"pageSize": 1000},
            }
            answer = requests.post(
                f"{known['url']}/report/v1/workspaces/{known['workspace_id']}/reports/detailed",
                json=body,
                headers={"X-Api-Key": known["key"]},
                timeout=10,
                verify=known.get("ca_file", True),
            ).json()
            assert answer["totals"][0]["entriesCount"] == len(answer["timeentries"]) > 0
            assert len({row["userId"] for row in answer["timeentries"]}) == 1
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert "ca_file" not in known or not Path(known["ca_file"]).exists()
