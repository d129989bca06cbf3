# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
### One DAG, many workspaces

Exports yesterday's entries of every workspace that is named in the parameter `workspaces`, one mapped task each.
Without names it takes all that the key sees, at the cost of one request.

- Needs a connection `clockify_default` whose key is a member of all of them.
- Requests per hour are counted per workspace, so one task per workspace at a time is right; the pool of your choice
  limits them further.
- Writes below the Airflow variable `clockify_output` (by default `/tmp/clockify`).
"""

from __future__ import annotations

# [START howto_operator_clockify_many_workspaces]
import pendulum
from airflow.providers.common.compat.sdk import DAG, Param, get_current_context, task

from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

OUTPUT = "{{ var.value.get('clockify_output', '/tmp/clockify') }}/workspaces"

with DAG(
    dag_id="example_clockify_many_workspaces",
    schedule="0 2 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    params={"workspaces": Param([], type="array", items={"type": "string"}, description="Workspace ids")},
    tags=["example", "clockify"],
    doc_md=__doc__,
):

    @task
    def workspaces() -> list[str]:
        """Return the ids from the run's parameters, else of all that the key sees."""
        named = list(get_current_context()["params"]["workspaces"])
        return named or [workspace["id"] for workspace in ClockifyHook().iter_workspaces()]

    export = ClockifyDetailedReportOperator.partial(
        task_id="export_yesterday",
        output_path=OUTPUT + "/{{ task.workspace_id }}",
        window="day",
        partition_by="day",
    ).expand(workspace_id=workspaces())
    # [END howto_operator_clockify_many_workspaces]

    @task
    def check(summaries: list[dict]) -> dict:
        """Fail unless every workspace has files of its own."""
        rows = {summary["workspace_id"]: summary["rows"] for summary in summaries}
        paths = {path for summary in summaries for path in summary["paths"]}
        if len(rows) != len(list(summaries)) or len(paths) != len(rows):
            raise ValueError(f"two workspaces write to the same place: {paths}")
        return rows

    check(export.output)
