# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""A task that writes time: once, also when nobody knows whether it was written."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_clockify._compat import AirflowFailException
from airflow_provider_clockify.exceptions import ClockifyServerError, ClockifyWriteUnknownError
from airflow_provider_clockify.operators.time_entries import ClockifyCreateTimeEntryOperator
from airflow_provider_clockify.testing import faults

START, END = "2026-12-03T08:00:00Z", "2026-12-03T09:30:00+00:00"
MARKER = "billing/manual__2026-12-03T00:00:00+00:00"


@pytest.fixture
def create(emulator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Run the task once, as one try of it."""
    connection = emulator.connection_json(requests_per_second=1000, max_retries=2)
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_TEST", connection)

    def run(**parameters: Any) -> dict[str, Any]:
        defaults = {"start": START, "end": END, "description": "Invoice run"}
        operator = ClockifyCreateTimeEntryOperator(
            task_id="write", clockify_conn_id="clockify_test", **{**defaults, **parameters}
        )
        return operator.execute({})

    return run


def written(emulator: Any, text: str = "Invoice run") -> list[str]:
    return [entry.id for entry in emulator.workspace.entries.values() if text in entry.description]


def test_an_entry_is_written_with_one_request(emulator, create):
    result = create()
    assert result == {
        "id": written(emulator)[0],
        "created": True,
        "start": "2026-12-03T08:00:00Z",
        "end": "2026-12-03T09:30:00Z",
        "marker": None,
        "workspace_id": emulator.workspace.id,
    }
    assert json.loads(json.dumps(result)) == result
    assert len(emulator.requests) == 1
    assert emulator.requests[0].json["description"] == "Invoice run"


def test_a_marker_is_appended_and_found_again(emulator, create):
    first = create(marker=MARKER)
    entry = emulator.workspace.entries[first["id"]]
    assert entry.description == f"Invoice run [{MARKER}]"
    second = create(marker=MARKER)
    assert (first["created"], second["created"]) == (True, False)
    assert {key: first[key] for key in first if key != "created"} == {
        key: second[key] for key in second if key != "created"
    }
    methods = [request.method for request in emulator.requests]
    assert methods == ["GET", "GET", "POST", "GET", "GET"]


@pytest.mark.parametrize(
    "fault", [faults.reset_after(), faults.answer(502, execute=True), faults.empty_200()]
)
def test_a_retry_after_an_unknown_outcome_finds_what_was_written(emulator, create, fault):
    emulator.inject(fault, match=lambda request: request.method == "POST")
    with pytest.raises(ClockifyWriteUnknownError):
        create(marker=MARKER)
    assert len(written(emulator)) == 1
    assert create(marker=MARKER)["created"] is False
    assert len(written(emulator)) == 1


@pytest.mark.parametrize("fault", [faults.reset_before(), faults.answer(502, execute=False)])
def test_a_retry_after_an_unknown_outcome_writes_what_was_not(emulator, create, fault):
    emulator.inject(fault, match=lambda request: request.method == "POST")
    with pytest.raises(ClockifyWriteUnknownError):
        create(marker=MARKER)
    assert written(emulator) == []
    assert create(marker=MARKER)["created"] is True
    assert len(written(emulator)) == 1


def test_without_a_marker_an_unknown_outcome_is_final(emulator, create):
    emulator.inject(faults.reset_after())
    with pytest.raises(AirflowFailException, match="Set marker= on the task"):
        create()
    assert len(emulator.requests) == 1


def test_nothing_is_written_when_the_search_fails(emulator, create):
    emulator.fail(500, times=None, match=lambda request: "time-entries" in request.path)
    with pytest.raises(ClockifyServerError):
        create(marker=MARKER, user_id=emulator.workspace.owner.id)
    assert {request.method for request in emulator.requests} == {"GET"}


def test_an_entry_that_somebody_moved_is_found_up_to_14_hours_away(emulator, create):
    entry_id = create(marker=MARKER)["id"]
    moved = datetime(2026, 12, 3, 8, tzinfo=UTC) - timedelta(hours=13, minutes=59)
    emulator.workspace.update_entry(entry_id, start=moved, end=moved + timedelta(hours=1))
    assert create(marker=MARKER)["id"] == entry_id


def test_a_marker_is_not_found_in_a_longer_one(emulator, create):
    assert create(marker="run1")["created"]
    assert create(marker="run11")["created"]
    assert create(marker="run1")["created"] is False
    assert len(written(emulator)) == 2


def test_a_running_timer_for_somebody_else_is_found_among_theirs(emulator, create):
    other = next(
        user
        for user in emulator.workspace.users.values()
        if user.id != emulator.workspace.owner.id and user.membership_status == "ACTIVE"
    )
    first = create(user_id=other.id, end=None, marker=MARKER)
    assert first["end"] is None
    assert emulator.workspace.entries[first["id"]].user_id == other.id
    assert create(user_id=other.id, end=None, marker=MARKER)["created"] is False
    assert [request.path for request in emulator.requests if request.path.endswith("/user")] == []


@pytest.mark.parametrize("marker", ["", " a", "a ", "a]b", "[a", "a\nb", "x" * 201])
def test_markers_that_cannot_be_told_apart_are_refused(emulator, create, marker):
    with pytest.raises(AirflowFailException, match="square brackets"):
        create(marker=marker)
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"start": "2026-12-03T08:00:00"}, "start"),
        ({"end": "2026-12-03T07:00:00Z"}, "must end after it starts"),
        ({"end": "2026-12-03T07:00:00Z", "marker": MARKER}, "must end after it starts"),
        ({"end": ""}, "end"),
        ({"user_id": ""}, "user_id is empty"),
        ({"project_id": ""}, "project_id is empty"),
        ({"description": "x" * 2_960, "marker": MARKER}, "Clockify takes 3000"),
    ],
)
def test_wrong_parameters_fail_for_good_before_any_request(emulator, create, wrong, message):
    with pytest.raises(AirflowFailException, match=message):
        create(**wrong)
    assert emulator.requests == []


def test_an_unknown_project_fails_for_good(emulator, create):
    with pytest.raises(AirflowFailException, match="not found"):
        create(project_id="66b0c1a2d3e4f5a6b7c8dead")


def test_all_fields_reach_the_service_and_airflows_own_task_id_stays(emulator, create):
    workspace = emulator.workspace
    task = next(iter(workspace.tasks.values()))
    tag, custom = next(iter(workspace.tags)), next(iter(workspace.custom_fields))
    result = create(
        project_id=task.project_id,
        clockify_task_id=task.id,
        tag_ids=[tag],
        billable=True,
        entry_type="REGULAR",
        custom_fields={custom: "OPS-1"},
    )
    entry = workspace.entries[result["id"]]
    assert (entry.project_id, entry.task_id, entry.tag_ids) == (task.project_id, task.id, (tag,))
    assert (entry.billable, entry.custom_values) == (True, ((custom, "OPS-1"),))


def test_every_templated_field_exists():
    operator = ClockifyCreateTimeEntryOperator(task_id="write", start=START, clockify_task_id="t")
    assert operator.task_id == "write"
    assert all(hasattr(operator, name) for name in operator.template_fields)
