# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What editors and type checkers know: parameters and fixed choices."""

from __future__ import annotations

import inspect
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest

from airflow_provider_clockify import _parameters, types
from airflow_provider_clockify._compat import BaseOperator, BaseSensorOperator
from airflow_provider_clockify.columns.list_columns import ENTITIES
from airflow_provider_clockify.export.formats import COMPRESSIONS, FORMATS, RENDERED_FORMATS
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.operators._base import ClockifyExportOperator, ClockifyReadOperator
from airflow_provider_clockify.operators.entities import (
    ClockifyEntityChangesOperator,
    ClockifyExportEntitiesOperator,
)
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator, ClockifyReportOperator
from airflow_provider_clockify.operators.time_entries import ClockifyCreateTimeEntryOperator
from airflow_provider_clockify.sensors._base import ClockifyWaitSensor
from airflow_provider_clockify.transfers._base import ClockifyToSqlOperator
from airflow_provider_clockify.window import PARTITION_UNITS, UNITS, WINDOW_MODES

ROOT = Path(__file__).resolve().parents[2]

# Lines that end with "# wrong" must be errors, all others must not.
SNIPPET = """
from datetime import timedelta

from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.operators.entities import (
    ClockifyEntityChangesOperator,
    ClockifyExportEntitiesOperator,
)
from airflow_provider_clockify.operators.reports import (
    ClockifyDetailedReportOperator,
    ClockifySummaryReportOperator,
    ClockifyWeeklyReportOperator,
)
from airflow_provider_clockify.operators.time_entries import ClockifyCreateTimeEntryOperator
from airflow_provider_clockify.sensors.time_entries import ClockifyApprovalSensor, ClockifyTimeEntrySensor
from airflow_provider_clockify.transfers.clockify_to_sql import (
    ClockifyEntitiesToSqlOperator,
    ClockifyReportToSqlOperator,
)
from airflow_provider_clockify.types import FileFormat

ClockifyDetailedReportOperator(
    task_id="a", output_path="/a", file_format="clockify_xlsx", compression=None, partition_by="day", window="day",
    lookback="P7D", filters={"billable": True}, drop_columns=("user_email",), hash_columns="{{ params.names }}",
    on_empty="skip", on_budget="defer", reconcile=True, retries=3, retry_delay=timedelta(minutes=5), pool="clockify",
    doc_md="x", outlets=[], deferrable=True, resume=False, require_admin=True, workspace_id=None,
)
ClockifyDetailedReportOperator(task_id="a", output_path="/a", file_format="orc")  # wrong
ClockifyDetailedReportOperator(task_id="a", output_path="/a", compression="lz4")  # wrong
ClockifyDetailedReportOperator(task_id="a", output_path="/a", window="year")  # wrong
ClockifyDetailedReportOperator(task_id="a", output_path="/a", partition_by="week")  # wrong
ClockifyDetailedReportOperator(task_id="a", output_path="/a", on_empty="ignore")  # wrong
ClockifyDetailedReportOperator(task_id="a", output_path="/a", on_budget="wait")  # wrong
ClockifyDetailedReportOperator(task_id="a", output_path="/a", partion_by="day")  # wrong
ClockifyDetailedReportOperator(task_id="a", output_path="/a", columns={"drop": ["id"]})  # wrong
ClockifyDetailedReportOperator(task_id="a", output_path="/a", retrys=3)  # wrong
ClockifyDetailedReportOperator(task_id="a", output_path="/a", lookback=7)  # wrong
ClockifyDetailedReportOperator(task_id="a")  # wrong
ClockifyDetailedReportOperator(output_path="/a")  # wrong
ClockifySummaryReportOperator(task_id="a", output_path="/a", groups=("USER", "{{ params.group }}"))
ClockifySummaryReportOperator(task_id="a", output_path="/a", group="USER")  # wrong
ClockifyWeeklyReportOperator(task_id="a", output_path="/a", group="PROJECT")
ClockifyWeeklyReportOperator(task_id="a", output_path="/a", group="TAG")  # wrong
ClockifyExportEntitiesOperator(task_id="a", output_path="/a", entity="users", filters={"status": "ALL"})
ClockifyExportEntitiesOperator(task_id="a", output_path="/a", entity="{{ params.entity }}", file_format="csv")
ClockifyExportEntitiesOperator(task_id="a", output_path="/a", entity="users", file_format="pdf")  # wrong
ClockifyExportEntitiesOperator(task_id="a", output_path="/a", entity="users", start="2026-01-01T00:00:00Z")  # wrong
ClockifyEntityChangesOperator(task_id="a", output_path="/a", entity_type="TASKS", lookback="PT36H")
ClockifyEntityChangesOperator(task_id="a", output_path="/a", filters={})  # wrong
ClockifyEntityChangesOperator(task_id="a", output_path="/a", window="year")  # wrong
ClockifyReportToSqlOperator(task_id="a", sql_conn_id="b", table="c", audit="P366D", schema_change="fail", retries=1)
ClockifyReportToSqlOperator(task_id="a", sql_conn_id="b", table="c", filters={})  # wrong
ClockifyReportToSqlOperator(task_id="a", sql_conn_id="b", table="c", report="invoices")  # wrong
ClockifyReportToSqlOperator(task_id="a", sql_conn_id="b")  # wrong
ClockifyEntitiesToSqlOperator(task_id="a", sql_conn_id="b", table="c", entity="users", mode="append_snapshot")
ClockifyEntitiesToSqlOperator(task_id="a", sql_conn_id="b", table="c", entity="users", mode="merge")  # wrong
ClockifyCreateTimeEntryOperator(task_id="a", start="2026-01-01T00:00:00Z", clockify_task_id="b", entry_type="BREAK")
ClockifyCreateTimeEntryOperator(task_id="a", start="2026-01-01T00:00:00Z", entry_type="HOLIDAY")  # wrong
ClockifyTimeEntrySensor(task_id="a", detect="changed", mode="reschedule", timeout=60.0, soft_fail=True)
ClockifyTimeEntrySensor(task_id="a", detect="ended")  # wrong
ClockifyTimeEntrySensor(task_id="a", min_entry=2)  # wrong
ClockifyApprovalSensor(task_id="a", user_ids=["a"], poke_interval=60, deferrable=True)
ClockifyApprovalSensor(task_id="a", user_id="a")  # wrong
FORMAT: FileFormat = "pdf"  # wrong
"""


def test_a_wrong_choice_and_a_misspelt_parameter_are_errors_for_a_type_checker(tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api")
    file = tmp_path / "dag.py"
    file.write_text(SNIPPET)
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
    said, errors, _ = api.run([*options, "--no-error-summary", "--no-pretty", str(file)])
    assert errors == ""
    found = {int(number) for number in re.findall(r"dag\.py:(\d+): error", said)}
    marked = {n for n, line in enumerate(SNIPPET.splitlines(), 1) if line.endswith("# wrong")}
    assert found == marked, said


# --- what is declared is what is there ----------------------------------------------------------------------------


def parameters_of(function: Any) -> set[str]:
    return {
        name
        for name, each in inspect.signature(function).parameters.items()
        if each.kind is not inspect.Parameter.VAR_KEYWORD and name != "self"
    }


def test_parameters_of_airflows_own_classes_are_all_known() -> None:
    # The one that Airflow 2 has under another name, and warns of.
    task = parameters_of(BaseOperator.__init__) - {"task_concurrency"}
    known = set(_parameters.TaskParameters.__annotations__)
    assert task <= known
    assert known - task <= {"retry_policy", "render_template_as_native_obj"}
    sensor = parameters_of(BaseSensorOperator.__init__) - {"poke_interval"}
    assert set(_parameters.SensorParameters.__annotations__) == known | sensor


def test_shared_parameters_are_those_of_the_signatures() -> None:
    task = set(_parameters.TaskParameters.__annotations__)
    read = parameters_of(ClockifyReadOperator.__init__)
    export = read | parameters_of(ClockifyExportOperator.__init__)
    assert set(_parameters.ReadParameters.__annotations__) - task == read
    report = export | parameters_of(ClockifyReportOperator.__init__)
    assert set(_parameters.ListParameters.__annotations__) - task == export
    assert set(_parameters.ChangesParameters.__annotations__) - task == export - {"filters"}
    assert set(_parameters.BaseReportParameters.__annotations__) - task == export
    assert set(_parameters.ReportParameters.__annotations__) - task == report
    table = read | parameters_of(ClockifyToSqlOperator.__init__)
    assert set(_parameters.TableParameters.__annotations__) - task == table
    sensor = set(_parameters.SensorParameters.__annotations__)
    wait = set(_parameters.WaitParameters.__annotations__)
    assert wait - sensor | {"poke_interval"} == parameters_of(ClockifyWaitSensor.__init__)


def test_choices_are_those_that_the_code_knows() -> None:
    assert set(get_args(types.Entity)) == set(ENTITIES)
    assert get_args(types.FileFormat) == FORMATS
    assert get_args(types.ReportFileFormat) == (*FORMATS, *RENDERED_FORMATS)
    assert {each for known in COMPRESSIONS.values() for each in known} == set(get_args(types.Compression))
    assert get_args(types.WindowMode) == WINDOW_MODES == ("data_interval", *UNITS)
    assert get_args(types.PartitionUnit) == PARTITION_UNITS


@pytest.mark.parametrize(
    "kind",
    [
        ClockifyExportEntitiesOperator,
        ClockifyEntityChangesOperator,
        ClockifyDetailedReportOperator,
        ClockifyReportOperator,
    ],
)
def test_every_choice_belongs_to_a_parameter(kind: Any) -> None:
    known: set[str] = set()
    for each in kind.__mro__:
        known |= parameters_of(each.__init__)
    assert set(kind.choices) <= known


def test_parsing_a_dag_does_not_pay_for_annotations() -> None:
    import subprocess

    code = (
        "import airflow_provider_clockify.operators.reports, airflow_provider_clockify.sensors.time_entries, sys; "
        "assert 'airflow_provider_clockify._parameters' not in sys.modules; "
        "heavy = [m for m in sys.modules if m.startswith(('airflow_provider_clockify.service', "
        "'airflow_provider_clockify.columns', 'airflow_provider_clockify.http', 'pyarrow'))]; "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, timeout=120)


PUBLIC = [
    "assets.clockify",
    "exceptions",
    "hooks.clockify",
    "links",
    "operators.entities",
    "operators.reports",
    "operators.time_entries",
    "retry_policy",
    "sensors.time_entries",
    "triggers.time_entries",
    "types",
]


def belongs_to(name: str, value: Any, module: Any) -> bool:
    if module.__name__.endswith(".types"):
        return name[0].isupper() and name not in ("Literal", "TypedDict")
    if module.__name__.endswith(".assets.clockify"):
        return inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    return inspect.isclass(value) and value.__module__ == module.__name__ and name.startswith("Clockify")


@pytest.mark.parametrize("name", PUBLIC)
def test_what_a_public_module_exports_is_what_users_may_import(name: str) -> None:
    if name == "retry_policy":
        sdk = pytest.importorskip("airflow.sdk", reason="retry policies came with Airflow 3.3")
        if not hasattr(sdk, "RetryPolicy"):
            pytest.skip("retry policies came with Airflow 3.3")
    module = import_module(f"airflow_provider_clockify.{name}")
    public = {each for each, value in vars(module).items() if belongs_to(each, value, module)}
    assert set(module.__all__) == public
    assert len(module.__all__) == len(public)


def test_no_parameter_of_ours_is_called_as_one_of_airflows() -> None:
    # A sensor's interval is meant to be Airflow's own.
    task = set(_parameters.TaskParameters.__annotations__)
    for kind in (ClockifyReportOperator, ClockifyExportOperator, ClockifyCreateTimeEntryOperator):
        assert not parameters_of(kind.__init__) & task
    assert "task_id" not in parameters_of(ClockifyHook.create_time_entry)
