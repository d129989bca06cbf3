# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""DAGs that show what users may run into; only tests run them."""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

OUTPUT = "{{ var.value.get('clockify_output') }}"
START = pendulum.datetime(2026, 1, 1, tz="UTC")

with DAG("probe_point_in_time", schedule="@daily", start_date=START, catchup=False):
    ClockifyDetailedReportOperator(
        task_id="export", output_path=OUTPUT + "/entries.jsonl", retries=2, retry_delay=timedelta(0)
    )

with DAG("probe_quarter", schedule=None, start_date=START, catchup=False):
    ClockifyDetailedReportOperator(
        task_id="export",
        output_path=OUTPUT + "/entries.jsonl",
        start="{{ '2026-09-01T00:00:00Z' }}",
        end="{{ '2026-11-30T00:00:00+00:00' }}",
        filters={"billable": True, "rounding": "{{ 1 > 2 }}"},
    )

with DAG(
    "probe_skip", schedule=CronDataIntervalTimetable("0 0 * * *", "UTC"), start_date=START, catchup=False
):
    ClockifyDetailedReportOperator(task_id="export", output_path=OUTPUT + "/entries.jsonl", on_empty="skip")

with DAG(
    "probe_one_file", schedule=CronDataIntervalTimetable("0 0 * * *", "UTC"), start_date=START, catchup=False
):
    ClockifyDetailedReportOperator(
        task_id="export",
        output_path=OUTPUT + "/{{ data_interval_start | ds }}.jsonl",
        retries=1,
        retry_delay=timedelta(0),
    )

# Renders what the run was given; what is missing there renders to None.
with DAG("probe_rendered", schedule=None, start_date=START, catchup=False):
    ClockifyDetailedReportOperator(
        task_id="export",
        output_path=OUTPUT + "/rendered.jsonl",
        start="2026-11-04T00:00:00Z",
        end="2026-11-05T00:00:00Z",
        workspace_id="{{ dag_run.conf.get('workspace_id') }}",
        filters="{{ dag_run.conf.get('filters') }}",
        retries=2,
        retry_delay=timedelta(0),
    )

# At 00:00 in Berlin the month of UTC is not over.
with DAG(
    "probe_early_month",
    schedule="@monthly",
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Berlin"),
    catchup=False,
):
    ClockifyDetailedReportOperator(task_id="export", output_path=OUTPUT + "/month.jsonl", window="month")

# A month of the place that the run names.
with DAG("probe_month_of_a_place", schedule=None, start_date=START, catchup=False):
    ClockifyDetailedReportOperator(
        task_id="export",
        output_path=OUTPUT + "/days",
        window="month",
        timezone="{{ dag_run.conf['timezone'] }}",
        partition_by="day",
    )

THREE_CHUNKS = {"start": "2025-01-01T00:00:00Z", "end": "2025-04-01T00:00:00Z"}

with DAG("probe_three_chunks", schedule=None, start_date=START, catchup=False):
    ClockifyDetailedReportOperator(task_id="export", output_path=OUTPUT + "/entries.jsonl", **THREE_CHUNKS)

with DAG("probe_timed_out", schedule=None, start_date=START, catchup=False):
    ClockifyDetailedReportOperator(
        task_id="export",
        output_path=OUTPUT + "/entries.jsonl",
        execution_timeout=timedelta(seconds=2),
        **THREE_CHUNKS,
    )
