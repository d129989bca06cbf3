# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What editors and type checkers know is what is there; ``tests/typing`` is what they make of it."""

from __future__ import annotations

import inspect
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
from airflow_provider_clockify.transfers._base import ClockifyToSqlOperator, ClockifyToTableOperator
from airflow_provider_clockify.transfers.clockify_to_iceberg import ClockifyToIcebergOperator
from airflow_provider_clockify.window import PARTITION_UNITS, UNITS, WINDOW_MODES

ROOT = Path(__file__).resolve().parents[2]

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
    any_table = read | parameters_of(ClockifyToTableOperator.__init__)
    assert set(_parameters.AnyTableParameters.__annotations__) - task == any_table
    iceberg = any_table | parameters_of(ClockifyToIcebergOperator.__init__)
    assert set(_parameters.IcebergParameters.__annotations__) - task == iceberg
    table = any_table | parameters_of(ClockifyToSqlOperator.__init__)
    assert set(_parameters.TableParameters.__annotations__) - task == table
    report = export | parameters_of(ClockifyReportOperator.__init__)
    assert set(_parameters.ListParameters.__annotations__) - task == export
    assert set(_parameters.ChangesParameters.__annotations__) - task == export - {"filters"}
    assert set(_parameters.BaseReportParameters.__annotations__) - task == export
    assert set(_parameters.ReportParameters.__annotations__) - task == report
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
