# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Exports that do not fit the hour, and exports that are interrupted: refused early, or finished later."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_clockify._compat import AirflowTaskTimeout
from airflow_provider_clockify.exceptions import (
    ClockifyBudgetError,
    ClockifyConfigError,
    ClockifyRateLimitError,
    ClockifyServerError,
)
from airflow_provider_clockify.http import rate_limit
from airflow_provider_clockify.operators import _base as base
from airflow_provider_clockify.operators.entities import (
    ClockifyEntityChangesOperator,
    ClockifyExportEntitiesOperator,
)
from airflow_provider_clockify.operators.reports import (
    ClockifyDetailedReportOperator,
    ClockifySummaryReportOperator,
    ClockifyWeeklyReportOperator,
)
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, faults, generate_workspace

YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))
NOVEMBER = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


class Task:
    """A task instance, as far as it is used: each attempt is the next try, unless it goes on after a wait."""

    dag_id, task_id, run_id, map_index = "dag", "export", "run", -1
    try_number, max_tries = 0, 5

    def xcom_push(self, **_: Any) -> None: ...


class Hour:
    """The emulator's clock, which a test turns on; it goes on by itself as well, as that of the client does."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now + time.monotonic()


@pytest.fixture
def hour() -> Hour:
    return Hour()


@pytest.fixture
def start(hour: Hour) -> Iterator[Callable[..., ClockifyEmulator]]:
    with ExitStack() as stack:

        def run(workspace: EmulatedWorkspace, **server: Any) -> ClockifyEmulator:
            return stack.enter_context(ClockifyEmulator(workspace, clock=hour, **server))

        yield run


@pytest.fixture
def free_year(start: Callable[..., ClockifyEmulator]) -> ClockifyEmulator:
    """A year on the Free plan: 12 chunks, 46 requests, more than an hour has."""
    entries = 40_000
    workspace = generate_workspace(entries=entries, users=4, start=YEAR[0], end=YEAR[1], plan="FREE")
    return start(workspace, retry_after="seconds")


@pytest.fixture
def run(
    connect: Callable[..., Path], hour: Hour, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Run a task to its end, each attempt as in a process of its own, and let the hours of its waits pass."""
    passing = SimpleNamespace(time=lambda: time.time() + hour.now - Hour.now)
    monkeypatch.setattr(rate_limit, "time", passing)

    def execute(
        emulator: ClockifyEmulator,
        kind: type[Any] = ClockifyDetailedReportOperator,
        window: tuple[datetime, datetime] = YEAR,
        *,
        output: str = "out.jsonl",
        extra: dict[str, Any] | None = None,
        task: Task | None = None,
        waits: list[timedelta] | None = None,
        **parameters: Any,
    ) -> dict[str, Any]:
        folder = connect(emulator, **{"max_retries": 0, "max_concurrency": 2, **(extra or {})})
        context: dict[str, Any] = {"data_interval_start": window[0], "data_interval_end": window[1]}
        if task is not None:
            task.try_number += 1
            context["ti"] = task
        method, arguments = "execute", {}
        while True:
            rate_limit._limiters.clear()
            operator = kind(task_id="export", retries=5, output_path=str(folder / output), **parameters)
            try:
                result: dict[str, Any] = getattr(operator, method)(context, **arguments)
                return result
            except TaskDeferred as deferred:
                moment = deferred.trigger.serialize()[1]["moment"]
                wait = moment - datetime.now(UTC)
                if waits is None or len(waits) > 60:
                    raise
                waits.append(wait)
                hour.now += wait.total_seconds()
                method, arguments = deferred.method_name, {**(deferred.kwargs or {}), "event": moment}

    return execute


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def answers(emulator: ClockifyEmulator, status: int) -> int:
    return sum(record.status == status for record in emulator.requests)


def litter(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".clockify-*")]


# --- before it is spent -------------------------------------------------------------------------------------------


def test_a_job_that_fits_no_hour_is_refused_after_its_first_page(start, run, tmp_path):
    workspace = generate_workspace(entries=31_000, start=NOVEMBER[0], end=NOVEMBER[1], plan="FREE")
    emulator = start(workspace)
    with pytest.raises(AirflowFailException) as refusal:
        run(emulator, window=NOVEMBER)
    assert isinstance(refusal.value.__context__, ClockifyBudgetError)
    assert "at least 30 more requests" in str(refusal.value)
    assert emulator.count() == 2
    assert list(tmp_path.iterdir()) == []


def test_the_plan_is_looked_up_only_for_a_job_that_a_free_hour_could_not_hold(start, run):
    big = start(generate_workspace(entries=32_000, start=NOVEMBER[0], end=NOVEMBER[1], plan="PRO"))
    assert run(big, window=NOVEMBER)["requests"] == 33
    paths = [record.path for record in big.requests]
    assert paths.count(f"/api/v1/workspaces/{big.workspace.id}") == 1
    small = start(generate_workspace(entries=9_000, start=NOVEMBER[0], end=NOVEMBER[1], plan="FREE"))
    assert run(small, window=NOVEMBER)["requests"] == 9


def test_a_known_quota_costs_no_look_up(start, run):
    emulator = start(generate_workspace(entries=9_000, start=NOVEMBER[0], end=NOVEMBER[1]))
    with pytest.raises(AirflowFailException, match=r"extra\.requests_per_hour"):
        run(emulator, window=NOVEMBER, extra={"requests_per_hour": 5})
    assert emulator.count() == 1


def test_more_files_than_an_hour_has_requests_are_refused_before_the_first(start, run):
    emulator = start(generate_workspace(entries=10))
    weeks = (datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 11, 9, tzinfo=UTC))
    with pytest.raises(AirflowFailException, match="at least 87 more requests"):
        run(emulator, ClockifyWeeklyReportOperator, weeks, extra={"requests_per_hour": 30})
    assert emulator.count() == 0


def test_what_another_task_of_the_process_has_spent_counts(start, run, connect, tmp_path):
    emulator = start(generate_workspace(entries=4_000, start=NOVEMBER[0], end=NOVEMBER[1]))
    connect(emulator, requests_per_hour=6, max_retries=0)
    context = {"data_interval_start": NOVEMBER[0], "data_interval_end": NOVEMBER[1]}

    def export() -> Any:
        path = str(tmp_path / "out.jsonl")
        return ClockifyDetailedReportOperator(task_id="export", output_path=path).execute(context)

    assert export()["requests"] == 4
    with pytest.raises(ClockifyBudgetError) as refusal:
        export()
    assert (refusal.value.needed, refusal.value.quota) == (4, 6)
    assert 3590 < (refusal.value.retry_after or 0) <= 3600
    assert emulator.count() == 5


def test_ignore_asks_nothing_and_meets_the_limit(start, run):
    workspace = generate_workspace(entries=32_000, start=NOVEMBER[0], end=NOVEMBER[1], plan="FREE")
    emulator = start(workspace, retry_after="seconds")
    with pytest.raises(ClockifyRateLimitError) as refusal:
        run(emulator, window=NOVEMBER, on_budget="ignore")
    assert not isinstance(refusal.value, ClockifyBudgetError)
    assert 3500 < refusal.value.retry_after <= 3600
    assert answers(emulator, 200) == 30


# --- waiting for the hour -------------------------------------------------------------------------------------------


def test_an_export_spread_over_hours_is_the_same_file(free_year, run, tmp_path):
    waits: list[timedelta] = []
    result = run(free_year, on_budget="defer", task=Task(), waits=waits)
    assert len(waits) >= 1
    assert all(timedelta(minutes=50) < wait <= timedelta(hours=1, seconds=2) for wait in waits)
    assert result["rows"] == 40_000
    assert result["requests"] == free_year.count()
    assert answers(free_year, 429) == 0
    assert litter(tmp_path) == []
    first = digest(tmp_path / "out.jsonl")
    free_year.workspace.plan = "PRO"
    run(free_year, output="uninterrupted.jsonl")
    assert digest(tmp_path / "uninterrupted.jsonl") == first


def test_the_quota_is_found_out_by_the_plan(free_year, run, hour):
    waits: list[timedelta] = []
    result = run(free_year, on_budget="defer", waits=waits, task=Task())
    assert answers(free_year, 429) == 0
    plan = f"/api/v1/workspaces/{free_year.workspace.id}"
    assert 1 <= [record.path for record in free_year.requests].count(plan) <= len(waits) + 1
    assert result["rows"] == 40_000


def test_a_chunk_that_no_hour_has_room_for_says_so_even_if_it_may_wait(start, run):
    workspace = generate_workspace(entries=32_000, start=NOVEMBER[0], end=NOVEMBER[1], plan="FREE")
    emulator = start(workspace)
    with pytest.raises(AirflowFailException, match="shorter windows"):
        run(emulator, window=NOVEMBER, on_budget="defer", waits=[])
    assert emulator.count() == 2


def test_a_deferrable_export_waits_for_what_the_service_asks_and_not_a_second_less(start, run, hour):
    workspace = generate_workspace(entries=4_000, start=NOVEMBER[0], end=NOVEMBER[1])
    emulator = start(workspace)
    emulator.inject(
        faults.answer(429, headers={"Retry-After": "1200"}),
        times=1,
        match=lambda record: emulator.count() == 3,
    )
    waits: list[timedelta] = []
    result = run(emulator, window=NOVEMBER, deferrable=True, waits=waits)
    assert [round(wait.total_seconds()) for wait in waits] == [1201]
    assert result["rows"] == 4_000


def test_a_wait_that_a_worker_may_hold_is_held(start, run):
    emulator = start(generate_workspace(entries=10))
    emulator.inject(faults.answer(429, headers={"Retry-After": "1"}), times=1)
    waits: list[timedelta] = []
    result = run(emulator, deferrable=True, waits=waits, extra={"max_retries": 1})
    assert (waits, result["requests"] > 1) == ([], True)


def test_how_long_a_worker_waits_is_the_connections(start, run):
    emulator = start(generate_workspace(entries=10))
    emulator.inject(faults.answer(429, headers={"Retry-After": "2"}), times=1)
    waits: list[timedelta] = []
    run(emulator, deferrable=True, waits=waits, extra={"max_retries": 1, "max_wait": 1})
    assert [round(wait.total_seconds()) for wait in waits] == [3]


def test_an_export_that_may_not_wait_fails_with_the_time(start, run):
    emulator = start(generate_workspace(entries=10))
    emulator.inject(faults.answer(429, headers={"Retry-After": "1200"}), times=1)
    with pytest.raises(ClockifyRateLimitError) as refusal:
        run(emulator, deferrable=False)
    assert refusal.value.retry_after == 1200


def test_a_limit_that_does_not_say_when_is_waited_for_but_not_for_ever(start, run):
    emulator = start(generate_workspace(entries=10))
    emulator.inject(faults.answer(429), times=None)
    waits: list[timedelta] = []
    with pytest.raises(ClockifyRateLimitError):
        run(emulator, deferrable=True, waits=waits)
    assert len(waits) == base.MAX_WAITS
    assert all(890 < wait.total_seconds() < 2703 for wait in waits)
    assert emulator.count() < base.MAX_WAITS, "some of them ended before the pause of the workspace did"


@pytest.mark.parametrize("parameters", [{"deferrable": True}, {"on_budget": "defer"}], ids=str)
def test_a_hidden_hour_costs_few_refusals_and_the_slot_is_given_up(start, run, parameters):
    # Others have spent most of it, so that it ends between pages that are asked for at the same time.
    workspace = generate_workspace(entries=9_000, start=NOVEMBER[0], end=NOVEMBER[1], plan="FREE_2026")
    emulator = start(workspace, free_requests_per_hour=5)
    with pytest.raises(TaskDeferred):
        run(emulator, window=NOVEMBER, extra={"max_retries": 5, "max_concurrency": 3}, **parameters)
    assert answers(emulator, 200) == 5
    assert 2 <= answers(emulator, 429) <= 4, "those under way together, and one that tried again"


@pytest.mark.parametrize("plan", ["FREE", "FREE_2026"])
def test_the_free_plan_is_known_by_both_names(start, run, plan):
    workspace = generate_workspace(entries=32_000, start=NOVEMBER[0], end=NOVEMBER[1], plan=plan)
    emulator = start(workspace)
    with pytest.raises(AirflowFailException, match="on the Free plan, which has 30 an hour"):
        run(emulator, window=NOVEMBER)
    assert emulator.count() == 2


def test_an_early_end_names_the_ways_to_wait(start, run):
    emulator = start(generate_workspace(entries=10))
    emulator.inject(faults.answer(429), times=None)
    with pytest.raises(ClockifyRateLimitError) as refusal:
        run(emulator, extra={"max_retries": 5, "max_wait": 1})
    for cure in ("deferrable=True", "on_budget='defer'", "ClockifyRetryPolicy"):
        assert cure in str(refusal.value)


@pytest.mark.parametrize(("minutes", "waits"), [(10, 0), (25, 1), (120, 2)])
def test_no_wait_outlasts_the_tasks_time_out(start, run, hour, monkeypatch, minutes, waits):
    emulator = start(generate_workspace(entries=10))
    emulator.inject(faults.answer(429, headers={"Retry-After": "1200"}), times=2)
    began = datetime.now(UTC)

    class Later(datetime):
        """The machine's clock goes with the emulator's."""

        @classmethod
        def now(cls, zone: Any = None) -> datetime:
            return began + timedelta(seconds=hour.now - Hour.now)

    monkeypatch.setattr(base, "datetime", Later)
    waited: list[timedelta] = []
    options: dict[str, Any] = {
        "deferrable": True,
        "waits": waited,
        "execution_timeout": timedelta(minutes=minutes),
    }
    if waits == 2:
        run(emulator, window=NOVEMBER, **options)
    else:
        with pytest.raises(AirflowTaskTimeout, match="execution_timeout"):
            run(emulator, window=NOVEMBER, **options)
    assert len(waited) == waits


def test_waits_that_bring_the_export_further_are_not_counted(free_year, run):
    # A second quota, kept by the service alone: every third request is refused, for ever.
    free_year.workspace.plan = "PRO"
    free_year.inject(
        faults.answer(429, headers={"Retry-After": "600"}),
        times=None,
        match=lambda record: free_year.count() % 9 == 8,
    )
    waits: list[timedelta] = []
    result = run(free_year, deferrable=True, waits=waits, task=Task())
    assert result["rows"] == 40_000
    assert len(waits) > 3


# --- interrupted --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "output"),
    [
        ({"file_format": "jsonl"}, "out.jsonl"),
        ({"file_format": "csv", "compression": "gzip"}, "out.csv.gz"),
        ({"file_format": "parquet", "partition_by": "month"}, "lake"),
        ({"file_format": "xlsx"}, "out.xlsx"),
        ({"file_format": "jsonl", "drop_columns": ["user_email"]}, "out.jsonl"),
    ],
)
def test_a_retry_goes_on_after_the_last_finished_chunk_and_gives_the_same_bytes(
    start, run, tmp_path, parameters, output
):
    workspace = generate_workspace(entries=6_000, start=YEAR[0], end=YEAR[1])
    emulator = start(workspace)
    run(emulator, output=f"whole/{output}", **parameters)
    whole = emulator.count()
    task = Task()
    for _ in range(2):
        emulator.reset_log()
        emulator.inject(faults.answer(503), times=1, match=lambda record: emulator.count() == 5)
        with pytest.raises(ClockifyServerError):
            run(emulator, output=f"cut/{output}", task=task, **parameters)
        emulator.clear_faults()
    emulator.reset_log()
    result = run(emulator, output=f"cut/{output}", task=task, **parameters)
    assert emulator.count() < whole * 2 / 3
    assert result["requests"] >= whole
    assert litter(tmp_path) == []
    files = {
        side: {
            str(path.relative_to(tmp_path / side)): digest(path)
            for path in (tmp_path / side).rglob("*")
            if path.is_file()
        }
        for side in ("whole", "cut")
    }
    assert files["whole"] == files["cut"]
    assert len(files["cut"]) == len(result["paths"])


def test_without_another_attempt_nothing_is_kept(start, run, tmp_path):
    emulator = start(generate_workspace(entries=600, start=YEAR[0], end=YEAR[1]))
    emulator.inject(faults.answer(503), times=1, match=lambda record: emulator.count() == 5)
    with pytest.raises(ClockifyServerError):
        run(emulator)
    assert list(tmp_path.iterdir()) == []


def test_an_entry_that_moved_to_a_later_chunk_after_the_interruption_is_exported_once(start, run, tmp_path):
    workspace = generate_workspace(entries=600, start=YEAR[0], end=YEAR[1])
    emulator = start(workspace)
    task = Task()
    emulator.inject(faults.answer(503), times=1, match=lambda record: emulator.count() == 5)
    with pytest.raises(ClockifyServerError):
        run(emulator, task=task)
    moved = workspace.truth(YEAR[0], YEAR[0] + timedelta(days=10)).ids[0]
    start_of = datetime(2026, 12, 20, 9, tzinfo=UTC)
    workspace.update_entry(moved, start=start_of, end=start_of + timedelta(hours=1))
    result = run(emulator, task=task)
    lines = (tmp_path / "out.jsonl").read_bytes().splitlines()
    assert sum(moved.encode() in line for line in lines) == 1
    assert result["rows"] == len(lines) == 600
    assert result["totals"]["seconds"] == workspace.truth(*YEAR).seconds


def test_a_key_revoked_in_mid_export_publishes_nothing_and_a_new_key_goes_on(start, run, tmp_path):
    workspace = generate_workspace(entries=600, start=YEAR[0], end=YEAR[1])
    emulator = start(workspace)
    task = Task()
    refused = {"message": "Api key does not exist", "code": 4003}
    emulator.inject(faults.answer(401, body=refused), times=1, match=lambda record: emulator.count() == 7)
    with pytest.raises(AirflowFailException):
        run(emulator, task=task)
    assert not (tmp_path / "out.jsonl").exists()
    emulator.reset_log()
    assert run(emulator, task=task)["rows"] == 600
    assert emulator.count() < 10


def test_a_task_that_is_told_to_stop_stops_at_once_and_leaves_nothing(start, connect, is_airflow_3, tmp_path):
    emulator = start(generate_workspace(entries=3_000, start=NOVEMBER[0], end=NOVEMBER[1]))
    connect(emulator, max_retries=5)
    context = {"data_interval_start": NOVEMBER[0], "data_interval_end": NOVEMBER[1]}
    operator = ClockifyDetailedReportOperator(task_id="export", output_path=str(tmp_path / "out.jsonl"))

    class Stopped(BaseException):
        """Airflow 2 raises after on_kill."""

    def on_term(*_: Any) -> None:
        operator.on_kill()
        raise Stopped

    emulator.inject(faults.hang(2), times=None, match=lambda record: emulator.count() >= 2)
    emulator.before_request(
        lambda record: os.kill(os.getpid(), signal.SIGTERM) if emulator.count() == 3 else None
    )
    before = signal.signal(signal.SIGTERM, on_term)
    try:
        with pytest.raises(SystemExit if is_airflow_3 else Stopped):
            operator.execute(context)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert list(tmp_path.iterdir()) == []


def test_a_list_per_parent_goes_on_after_the_last_parent(start, run, tmp_path):
    emulator = start(generate_workspace(entries=10, projects=20))
    parameters = {"entity": "tasks", "kind": ClockifyExportEntitiesOperator}
    run(emulator, output="whole.jsonl", **parameters)
    whole = emulator.count()
    task = Task()
    emulator.inject(faults.answer(503), times=1, match=lambda record: emulator.count() == 15)
    with pytest.raises(ClockifyServerError):
        run(emulator, task=task, **parameters)
    emulator.reset_log()
    run(emulator, task=task, **parameters)
    assert emulator.count() < whole - 10
    assert digest(tmp_path / "out.jsonl") == digest(tmp_path / "whole.jsonl")
    assert litter(tmp_path) == []


def test_a_list_per_parent_is_spread_over_hours(start, run, tmp_path):
    emulator = start(generate_workspace(entries=10, projects=50, plan="FREE"), retry_after="seconds")
    waits: list[timedelta] = []
    result = run(
        emulator,
        ClockifyExportEntitiesOperator,
        entity="tasks",
        on_budget="defer",
        waits=waits,
        task=Task(),
    )
    assert len(waits) == 1
    assert answers(emulator, 429) == 0
    assert result["requests"] == emulator.count()


def test_the_wait_for_the_feeds_to_settle_is_deferred_if_it_may_be(start, run):
    emulator = start(generate_workspace(entries=10))
    now = datetime.now(UTC).replace(microsecond=0)
    waits: list[timedelta] = []
    with pytest.raises(TaskDeferred):
        run(emulator, ClockifyEntityChangesOperator, (now - timedelta(hours=1), now), deferrable=True)
    assert emulator.count() == 0
    assert waits == []


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (ClockifyDetailedReportOperator, {}),
        (ClockifySummaryReportOperator, {}),
        (ClockifyExportEntitiesOperator, {"entity": "tags"}),
    ],
)
def test_an_unknown_way_to_deal_with_the_budget_is_refused(start, run, kind, more):
    emulator = start(generate_workspace(entries=10))
    with pytest.raises(ClockifyConfigError, match="on_budget is 'wait'"):
        run(emulator, kind, on_budget="wait", **more)
    assert emulator.count() == 0


def test_what_was_spent_is_logged_when_the_export_fails_too(start, run, caplog, capsys):
    emulator = start(generate_workspace(entries=10))
    emulator.inject(faults.answer(503), times=None)
    with caplog.at_level("INFO"), pytest.raises(ClockifyServerError):
        run(emulator, window=NOVEMBER)
    assert "Spent 1 request (0 of them retries)" in caplog.text + capsys.readouterr().out
