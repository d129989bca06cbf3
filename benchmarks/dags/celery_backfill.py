# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""For ``../celery_backfill.py``: a mapped task for each month of a year, and of its first four months."""

from __future__ import annotations

import pendulum
from airflow.sdk import DAG

from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

MONTHS = [pendulum.datetime(2025, month, 1, tz="UTC") for month in range(1, 13)]

for count in (12, 4):
    with DAG(dag_id=f"backfill_{count}_months", schedule=None, catchup=False):
        ClockifyDetailedReportOperator.partial(
            task_id="export_month",
            output_path="{{ dag_run.conf['output_path'] }}",
            file_format="parquet",
            partition_by="day",
            pool="clockify_benchmark",
        ).expand_kwargs(
            [{"start": month.isoformat(), "end": month.add(months=1).isoformat()} for month in MONTHS[:count]]
        )
