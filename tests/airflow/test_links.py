# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The button "Clockify" of a task, as Airflow finds it: from the serialized DAG and the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_clockify.operators import reports
from airflow_provider_clockify.testing import ClockifyEmulator

DAY = datetime(2026, 11, 5, tzinfo=UTC)
OF_THE_DAY = (
    "https://app.clockify.me/reports/detailed?start=2026-11-04T00:00:00.000Z&end=2026-11-04T23:59:59.999Z"
)


def links_of(dag: Any, task_id: str) -> list[str | None]:
    """Ask as the web server does: of the deserialized operator, for each task instance of the last run."""
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.serialization import serialized_objects
    from airflow.utils.session import create_session
    from sqlalchemy import select

    kind = getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG
    kind._load_operator_extra_links = True  # The scheduler's part of a run switches it off for its process.
    operator = kind.from_dict(kind.to_dict(dag)).get_task(task_id)
    assert list(operator.extra_links) == ["Clockify"]
    with create_session() as session:
        runs = select(DagRun.run_id).where(DagRun.dag_id == dag.dag_id).order_by(DagRun.id.desc())
        run_id = session.scalars(runs).first()
        instances = select(TaskInstance).where(
            TaskInstance.dag_id == dag.dag_id,
            TaskInstance.task_id == task_id,
            TaskInstance.run_id == run_id,
        )
        found = session.scalars(instances.order_by(TaskInstance.map_index)).all()
        return [operator.get_extra_links(each, "Clockify") for each in found]


def test_a_run_leads_to_the_same_report_in_the_web_app(
    run_dag: Callable, find_dag: Callable, connect: Callable, month: ClockifyEmulator
) -> None:
    connect(month)
    assert run_dag("probe_one_file", DAY).state == "success"
    assert links_of(find_dag("probe_one_file"), "export") == [OF_THE_DAY]


def test_a_failed_run_has_the_link_too(
    run_dag: Callable,
    find_dag: Callable,
    connect: Callable,
    month: ClockifyEmulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connect(month)
    wrong = month.connection_json(api_key="0" * 48, region="euc1")
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", wrong)
    assert run_dag("probe_one_file", DAY).states == {"export": "failed"}
    (link,) = links_of(find_dag("probe_one_file"), "export")
    assert link == OF_THE_DAY.replace("app.", "euc1.")


def test_a_run_without_a_window_has_no_link(
    run_dag: Callable,
    find_dag: Callable,
    connect: Callable,
    month: ClockifyEmulator,
    is_airflow_3: bool,
    capfd: pytest.CaptureFixture,
) -> None:
    if not is_airflow_3:
        pytest.skip("a cron string gives a window before Airflow 3")
    connect(month)
    assert run_dag("probe_point_in_time", DAY).states == {"export": "failed"}
    logged = "".join(capfd.readouterr())
    assert "needs a data interval" in logged
    assert "XCom not found" not in logged
    assert links_of(find_dag("probe_point_in_time"), "export") == [""]


def test_each_mapped_task_has_its_own_link(
    run_dag: Callable, find_dag: Callable, connect: Callable, make_clockify_emulator: Callable
) -> None:
    emulator = make_clockify_emulator(entries=300)
    connect(emulator)
    assert run_dag("example_clockify_invoice_pdf", datetime(2026, 12, 3, tzinfo=UTC)).state == "success"
    found = links_of(find_dag("example_clockify_invoice_pdf"), "export_pdf")
    clients = sorted(each.id for each in emulator.workspace.clients.values() if not each.archived)
    assert len(clients) > 1
    assert sorted(id for link in found for id in clients if f"%22{id}%22" in link) == clients
    assert len(found) == len(clients)


def test_all_reports_but_one_have_the_button() -> None:
    operators = {
        name: kind
        for name, kind in vars(reports).items()
        if name.startswith("Clockify") and name.endswith("ReportOperator")
    }
    without = [name for name, kind in operators.items() if not kind.operator_extra_links]
    assert len(operators) == 6
    assert without == ["ClockifyExpenseReportOperator"]
