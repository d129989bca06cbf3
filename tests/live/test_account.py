# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Three requests to the service itself, all of them reads; ``make live`` runs them after the conformance command.

They need CLOCKIFY_API_KEY, and take CLOCKIFY_REGION, CLOCKIFY_WORKSPACE_ID and CLOCKIFY_BASE_URL as that command does.
"""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime

import pytest

from airflow_provider_clockify.conformance.__main__ import settings_of
from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.reading.client import ClockifyClient
from airflow_provider_clockify.reading.report_reader import ReportReader
from airflow_provider_clockify.service.lists import WORKSPACES, logged_user
from airflow_provider_clockify.service.report_kinds import detailed
from airflow_provider_clockify.window import last_complete_unit

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not os.environ.get("CLOCKIFY_API_KEY"), reason="CLOCKIFY_API_KEY is not set"),
]


@pytest.fixture(scope="module")
def settings() -> ClockifySettings:
    return settings_of(argparse.Namespace(key_from_env=True))


@pytest.fixture(scope="module")
def client(settings: ClockifySettings) -> ClockifyClient:
    return ClockifyClient(settings)


@pytest.fixture(scope="module")
def user(client: ClockifyClient) -> dict:
    return client.get(logged_user())


def test_the_key_belongs_to_somebody(user):
    assert user["id"]
    assert user["activeWorkspace"]


def test_the_key_sees_its_workspace(client, settings, user):
    seen = {workspace["id"] for workspace in client.iterate(WORKSPACES)}
    assert (settings.workspace_id or user["activeWorkspace"]) in seen


def test_yesterday_is_read_and_proven_complete(client, settings, user):
    yesterday = last_complete_unit(datetime.now(UTC), "day")
    report = detailed(settings.workspace_id or user["activeWorkspace"], {})
    rows = list(client.iterate_report(ReportReader(client.send, report, concurrency=1), yesterday))
    ids = [row["_id"] for row in rows]
    assert len(set(ids)) == len(ids)
    assert all(datetime.fromisoformat(row["timeInterval"]["start"]) in yesterday for row in rows)
