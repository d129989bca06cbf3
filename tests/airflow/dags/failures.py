# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""One task of each kind that fails when the key is refused; only tests run them."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_clockify.operators.entities import ClockifyExportEntitiesOperator
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
from airflow_provider_clockify.operators.time_entries import ClockifyCreateTimeEntryOperator
from airflow_provider_clockify.transfers.clockify_to_sql import (
    ClockifyEntitiesToSqlOperator,
    ClockifyReportToSqlOperator,
)

OUTPUT = "{{ var.value.get('clockify_output') }}"
DAY = {"start": "2026-11-04T00:00:00Z", "end": "2026-11-05T00:00:00Z"}
TABLE = {"sql_conn_id": "failures_target", "table": "rows"}

with DAG("probe_failures", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False):
    ClockifyDetailedReportOperator(task_id="report", output_path=f"{OUTPUT}/report.jsonl", **DAY)
    ClockifyExportEntitiesOperator(task_id="entities", entity="tags", output_path=f"{OUTPUT}/tags.csv")
    ClockifyCreateTimeEntryOperator(task_id="write", **DAY)
    ClockifyReportToSqlOperator(task_id="report_table", **TABLE, **DAY)
    ClockifyEntitiesToSqlOperator(task_id="entity_table", entity="tags", **TABLE)
