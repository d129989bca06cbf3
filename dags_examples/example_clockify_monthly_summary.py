# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Month end for finance: hours and money per user and project

Each run sums up the last complete UTC month in one request and writes one Parquet row per user and project: hours,
amount (142.50 is 142.50 EUR) and currency. It runs on the third of the month, when late entries are in; run it again
after corrections, and the file is replaced.

- Needs a connection `clockify_default` and the extra `parquet`.
- Writes below the Airflow variable `clockify_output` (by default `/tmp/clockify`).
"""

from __future__ import annotations

# [START howto_operator_clockify_summary_report]
import pendulum
from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_clockify.operators.reports import ClockifySummaryReportOperator

with DAG(
    dag_id="example_clockify_monthly_summary",
    schedule="0 6 3 * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example", "clockify"],
    doc_md=__doc__,
):
    export = ClockifySummaryReportOperator(
        task_id="export_last_month",
        output_path="{{ var.value.get('clockify_output', '/tmp/clockify') }}/monthly_summary",
        file_format="parquet",
        groups=("USER", "PROJECT"),
        window="month",
        partition_by="month",
        on_empty="fail",
    )
    # [END howto_operator_clockify_summary_report]

    @task
    def check(summary: dict) -> int:
        """Fail unless the rows add up to the total that the service itself reported."""
        import pyarrow.parquet as pq
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        (path,) = summary["paths"]
        with ObjectStoragePath(path if "://" in path else f"file://{path}").open("rb") as file:
            seconds = sum(pq.read_table(file, columns=["duration_seconds"])["duration_seconds"].to_pylist())
        if seconds != summary["totals"]["seconds"]:
            raise ValueError(f"the rows have {seconds} s, the month {summary['totals']['seconds']} s")
        return seconds

    check(export.output)
