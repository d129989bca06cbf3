# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Parameters that operators and sensors share, for editors and type checkers (PEP 692).

Nothing imports this at run time: parsing a DAG does not pay for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping, Sequence
    from datetime import datetime, timedelta

    from airflow_provider_clockify.types import (
        Compression,
        FileFormat,
        OnBudget,
        OnEmpty,
        PartitionUnit,
        ReportFileFormat,
        SchemaChange,
        TablePartition,
        WindowMode,
    )


class TaskParameters(TypedDict, total=False):
    """Parameters of Airflow's ``BaseOperator``, of all supported versions; a test compares them."""

    task_id: Required[str]
    owner: str
    email: str | Sequence[str] | None
    email_on_retry: bool
    email_on_failure: bool
    retries: int | None
    retry_delay: timedelta | float
    retry_exponential_backoff: float
    max_retry_delay: timedelta | float | None
    retry_policy: Any
    start_date: datetime | None
    end_date: datetime | None
    depends_on_past: bool
    ignore_first_depends_on_past: bool
    wait_for_past_depends_before_skipping: bool
    wait_for_downstream: bool
    dag: Any
    params: MutableMapping[str, Any] | None
    default_args: dict[str, Any] | None
    priority_weight: int
    weight_rule: Any
    queue: str
    pool: str | None
    pool_slots: int
    sla: timedelta | None
    execution_timeout: timedelta | None
    on_execute_callback: Any
    on_failure_callback: Any
    on_success_callback: Any
    on_retry_callback: Any
    on_skipped_callback: Any
    pre_execute: Any
    post_execute: Any
    trigger_rule: str
    resources: dict[str, Any] | None
    run_as_user: str | None
    map_index_template: str | None
    max_active_tis_per_dag: int | None
    max_active_tis_per_dagrun: int | None
    executor: str | None
    executor_config: dict[str, Any] | None
    do_xcom_push: bool
    multiple_outputs: bool
    inlets: Any
    outlets: Any
    task_group: Any
    doc: str | None
    doc_md: str | None
    doc_json: str | None
    doc_yaml: str | None
    doc_rst: str | None
    task_display_name: str | None
    logger_name: str | None
    allow_nested_operators: bool
    render_template_as_native_obj: bool | None


class SensorParameters(TaskParameters, total=False):
    """Parameters of Airflow's ``BaseSensorOperator``, except ``poke_interval``."""

    timeout: timedelta | float
    soft_fail: bool
    mode: str
    exponential_backoff: bool
    max_wait: timedelta | float | None
    silent_fail: bool
    never_fail: bool


class WaitParameters(SensorParameters, total=False):
    """Parameters that our sensors share."""

    workspace_id: str | None
    clockify_conn_id: str
    deferrable: bool
    poke_interval: timedelta | float


class ReadParameters(TaskParameters, total=False):
    """Parameters of all operators that read and publish."""

    drop_columns: Sequence[str] | str
    hash_columns: Sequence[str] | str
    on_budget: OnBudget
    deferrable: bool
    resume: bool
    require_admin: bool
    workspace_id: str | None
    clockify_conn_id: str


class _ExportParameters(ReadParameters, total=False):
    """Parameters of all operators that export files."""

    output_path: Required[str]
    compression: Compression | None
    escape_formulas: bool
    on_empty: OnEmpty


class ChangesParameters(_ExportParameters, total=False):
    """Shared parameters of the operator of changes."""

    file_format: FileFormat


class ListParameters(ChangesParameters, total=False):
    """Shared parameters of the operator of lists."""

    filters: Mapping[str, Any] | str | None


class BaseReportParameters(_ExportParameters, total=False):
    """What the base of the report operators passes on."""

    file_format: ReportFileFormat
    filters: Mapping[str, Any] | str | None


class ReportParameters(BaseReportParameters, total=False):
    """Shared parameters of the report operators."""

    start: str | datetime | None
    end: str | datetime | None
    window: WindowMode
    timezone: str
    lookback: timedelta | str | None
    partition_by: PartitionUnit | None


class AnyTableParameters(ReadParameters, total=False):
    """Shared parameters of all operators that load tables."""

    table: Required[str]
    create_table: bool
    schema_change: SchemaChange


class TableParameters(AnyTableParameters, total=False):
    """Shared parameters of the operators that load tables of databases."""

    sql_conn_id: Required[str]
    schema: str | None
    nul_replacement: str | None


class IcebergParameters(AnyTableParameters, total=False):
    """Shared parameters of the operators that load Iceberg tables."""

    iceberg_conn_id: str
    partition_by: TablePartition | None
