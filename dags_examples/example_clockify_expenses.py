# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Month end for finance: the expenses of the last month

Each run exports the expenses of the last complete UTC month into one Parquet file. Run again, it replaces that file.

- Needs a connection `clockify_default`, a paid plan and the extra `parquet`.
- Costs one request per 200 expenses.
- Writes below the Airflow variable `clockify_output` (by default `/tmp/clockify`).
"""

from __future__ import annotations

# [START howto_operator_clockify_expense_report]
import pendulum
from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_clockify.operators.reports import ClockifyExpenseReportOperator

with DAG(
    dag_id="example_clockify_expenses",
    schedule="0 6 3 * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    export = ClockifyExpenseReportOperator(
        task_id="export_expenses",
        output_path="{{ var.value.get('clockify_output', '/tmp/clockify') }}/expenses",
        file_format="parquet",
        window="month",
        partition_by="month",
    )
    # [END howto_operator_clockify_expense_report]

    @task
    def check(summary: dict) -> int:
        """Fail unless the window is one UTC month in one file."""
        start, end = pendulum.parse(summary["window_start"]), pendulum.parse(summary["window_end"])
        if start.add(months=1) != end or len(summary["paths"]) != 1:
            raise ValueError(f"not one file of a month: {summary}")
        return summary["rows"]

    check(export.output)
