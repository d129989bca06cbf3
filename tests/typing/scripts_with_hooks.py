# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What the methods of the hook take and return, for a type checker; see ``dag_files.py``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, assert_type

import requests

from airflow_provider_clockify.assets.clockify import asset_uri
from airflow_provider_clockify.exceptions import ClockifyApiError, ClockifyError, ClockifyRateLimitError
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.types import ApprovalResult, AssetEventExtra, TimeEntryEvent, TimeEntryResult

Item = dict[str, Any]
START, END = datetime(2026, 1, 1, tzinfo=UTC), "2026-02-01T00:00:00Z"

hook = ClockifyHook("clockify_default")
ClockifyHook(7)  # type: ignore[arg-type]
ClockifyHook(workspace_id=7)  # type: ignore[arg-type]

# --- lists --------------------------------------------------------------------------------------------------------

assert_type(hook.workspace_id, str)
assert_type(hook.get_conn(), requests.Session)
assert_type(hook.test_connection(), tuple[bool, str])
assert_type(hook.get_logged_user(), Item)
assert_type(hook.iter_users(status="ALL"), Iterator[Item])
assert_type(hook.iter_time_entries("user", start=START, end=END), Iterator[Item])
assert_type(hook.iter_tasks("project"), Iterator[Item])
assert_type(hook.iter_list("projects", archived=False), Iterator[Item])
hook.iter_tasks()  # type: ignore[call-arg]
hook.iter_user()  # type: ignore[attr-defined]

# --- reports ------------------------------------------------------------------------------------------------------

assert_type(hook.iter_detailed_report(START, END, {"billable": True}), Iterator[Item])
assert_type(hook.get_summary_report(START, END, groups=["USER"]), Item)
assert_type(hook.get_weekly_report(START, END, group="PROJECT"), Item)
assert_type(hook.download_report("detailed", START, END, "PDF"), bytes)
assert_type(hook.get_entity_changes("TIME_ENTRY", START, END), list[Item])
hook.iter_detailed_report(START)  # type: ignore[call-arg]
hook.iter_detailed_report(START, END, filter={})  # type: ignore[call-arg]
hook.get_weekly_report(START, END, group="TAG")  # type: ignore[arg-type]
hook.download_report("detailed", START, END, "DOCX")  # type: ignore[arg-type]

# --- writing and everything else ----------------------------------------------------------------------------------

assert_type(hook.create_time_entry(START, entry_type="BREAK", billable=True), Item)
hook.create_time_entry(START, entry_type="HOLIDAY")  # type: ignore[arg-type]
hook.create_time_entry(START, task_id="a")  # type: ignore[call-arg]
hook.request("PATCH", "projects/1", service="core", json={"archived": True})
hook.request("FETCH", "projects")  # type: ignore[arg-type]
hook.request("GET", "projects", service="pto")  # type: ignore[arg-type]

# --- what comes out of sensors, triggers and assets ---------------------------------------------------------------

assert_type(asset_uri("workspace", "users"), str)


def of_a_sensor(entries: TimeEntryResult, approvals: ApprovalResult) -> None:
    assert_type(entries["latest"], str | None)
    assert_type(entries["ids"], list[str])
    assert_type(approvals["pending"], list[str])
    approvals["count"]  # type: ignore[typeddict-item]


def of_an_event(payload: TimeEntryEvent, extra: AssetEventExtra) -> None:
    assert_type(payload["ids_cut"], bool)
    assert_type(extra["key"], str | None)
    assert_type(extra["rows"], int)
    payload["cut"]  # type: ignore[typeddict-item]


def of_a_failure() -> None:
    try:
        hook.get_logged_user()
    except ClockifyRateLimitError as error:
        assert_type(error.retry_after, float | None)
    except ClockifyApiError as error:
        assert_type(error.status, int)
    except ClockifyError as error:
        assert_type(error.operation, str | None)
