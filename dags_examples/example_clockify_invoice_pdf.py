# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### Hand-off to invoicing: a PDF of last month's hours for every client

One task looks up the active clients, one mapped task per client lets the service render the detailed report of the last
month as PDF, as people know it from the web app. Clients without time are skipped; a PDF that the service cut at 3,000
rows fails instead of being sent.

- Needs a connection `clockify_default`.
- Costs a request for the clients, and two per client: the count and the file.
- Writes below the Airflow variable `clockify_output` (by default `/tmp/clockify`).
"""

from __future__ import annotations

# [START howto_operator_clockify_invoice_pdf]
import pendulum
from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

FOLDER = "{{ var.value.get('clockify_output', '/tmp/clockify') }}/invoices/{{ run_id }}"

with DAG(
    dag_id="example_clockify_invoice_pdf",
    schedule="0 7 3 * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example", "clockify"],
    doc_md=__doc__,
):

    @task
    def clients() -> list[dict]:
        """Return what differs between the clients; ids only, since names may hold any character."""
        ids = [client["id"] for client in ClockifyHook().iter_clients(archived=False)]
        return [{"filters": {"clients": [each]}, "output_path": f"{FOLDER}/{each}.pdf"} for each in ids]

    export = ClockifyDetailedReportOperator.partial(
        task_id="export_pdf",
        file_format="pdf",
        window="month",
        on_empty="skip",
        max_active_tis_per_dagrun=1,
    ).expand_kwargs(clients())
    # [END howto_operator_clockify_invoice_pdf]

    @task(trigger_rule="none_failed")
    def check(summaries: list[dict]) -> int:
        """Fail unless every file is a PDF of last month."""
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        if len({summary["window_start"] for summary in summaries}) > 1:
            raise ValueError("the files are of different months")
        for summary in summaries:
            (path,) = summary["paths"]
            target = ObjectStoragePath(path if "://" in path else f"file://{path}")
            if not target.read_bytes().startswith(b"%PDF-"):
                raise ValueError(f"{path} is not a PDF")
        return len(summaries)

    check(export.output)
