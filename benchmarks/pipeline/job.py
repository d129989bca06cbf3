# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
One export, as a task runs it: the operator's ``execute`` in a fresh process. Imports are measured apart.

With ``"idle": true`` the process stops where a task that does nothing would.
"""

from __future__ import annotations

import importlib

from usage import Stopwatch, peak_mb, report, specification

# What a task has imported before its own code runs, and what an export imports on first use.
TASK = (
    "airflow.sdk.execution_time.task_runner",
    "airflow_provider_clockify.operators.reports",
)
EXPORT = (
    "airflow.sdk.execution_time.supervisor",  # Only to find a connection outside of a task.
    "airflow_provider_clockify.hooks.clockify",
    "airflow_provider_clockify.reading.client",
    "airflow_provider_clockify.service.filters",
    "airflow_provider_clockify.reading.report_reader",
    "airflow_provider_clockify.export.report_export",
    "airflow_provider_clockify.export.declared_reports",
    "airflow_provider_clockify.columns.detailed_columns",
    "airflow_provider_clockify.columns.privacy",
    "airflow_provider_clockify.export.formats",
    "airflow_provider_clockify.export.storage",
)


def main() -> None:
    given = specification()
    importing = Stopwatch()
    for module in TASK:
        importlib.import_module(module)
    # A task loads the plugins of Airflow before its own code runs, for their listeners.
    importlib.import_module("airflow.sdk.listener").get_listener_manager()
    idle = peak_mb()
    if given.get("idle"):
        report(idle_mb=idle, peak_mb=idle)
        return
    for module in EXPORT:
        importlib.import_module(module)
    from airflow_provider_clockify.export.formats import check_format
    from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator

    check_format(
        given["file_format"], given.get("compression")
    )  # Imports what the format needs, as a task does.

    operator = ClockifyDetailedReportOperator(
        task_id="export",
        output_path=given["output"],
        file_format=given["file_format"],
        compression=given.get("compression"),
        start=given["start"],
        end=given["end"],
    )
    imports, imported = importing.read(), peak_mb()
    working = Stopwatch()
    summary = operator.execute({})
    report(
        **working.read(),
        imports=imports,
        idle_mb=idle,
        imported_mb=imported,
        peak_mb=peak_mb(),
        rows=summary["rows"],
        bytes=summary["bytes"],
        requests=summary["requests"],
    )


if __name__ == "__main__":
    main()
