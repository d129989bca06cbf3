# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""A long export, whose process the test kills."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

with DAG("killed_export", schedule=None):
    ClockifyDetailedReportOperator(
        task_id="export",
        output_path="{{ dag_run.conf['output_path'] }}",
        start="2025-11-01T00:00:00Z",
        end="2026-11-01T00:00:00Z",
        retries=1,
        retry_delay=timedelta(seconds=1),
    )
