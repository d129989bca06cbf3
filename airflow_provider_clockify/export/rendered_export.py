# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The export of files that the service renders itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_clockify.exceptions import ClockifyNoRowsError
from airflow_provider_clockify.export.result import ExportResult
from airflow_provider_clockify.export.storage import HashingFile, Staging, Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_clockify.export.plan import Output, Plan
    from airflow_provider_clockify.reading.budget import Budget
    from airflow_provider_clockify.window import Window

# file_format to export type and ending.
NATIVE_FORMATS = {
    "clockify_csv": ("CSV", ".csv"),
    "clockify_xlsx": ("XLSX", ".xlsx"),
    "pdf": ("PDF", ".pdf"),
}


@dataclass(frozen=True, slots=True)
class NativeExport:
    """
    What to export.

    :param report: Name of the report.
    :param workspace_id: Workspace.
    :param download: From a window to the file and the number of its rows, where the service says it.
    :param plan: Windows and files.
    :param target: Where to.
    :param file_format: One of :data:`NATIVE_FORMATS`.
    :param on_empty: ``write`` publishes files without rows; anything else raises.
    :param budget: Keeps the job within the hourly quota.
    """

    report: str
    workspace_id: str
    download: Callable[[Window], tuple[bytes, int | None]]
    plan: Plan
    target: Target
    file_format: str
    on_empty: str = "write"
    budget: Budget | None = None


def export_native(job: NativeExport) -> ExportResult:
    """
    Export files of the service, one request (and one for the count) per file.

    :param job: What to export.
    :return: What was published; ``rows`` as the service counts them, 0 where it does not say.
    :raises ClockifyNoRowsError: there are no rows, and ``on_empty`` is not ``write``.
    :raises ClockifyError: the export could not be made; nothing was published.
    """
    plan = job.plan
    result = ExportResult(plan.window, job.report, job.workspace_id, job.file_format, job.target.output_path)
    counted = False
    with Staging(job.target, is_base=plan.partition_by is not None) as staging:
        ready: list[tuple[HashingFile, Output, int]] = []
        for number, output in enumerate(plan.outputs):
            if job.budget is not None:
                job.budget.begin(len(plan.outputs) - number)
            content, rows = job.download(output.window)
            counted = counted or rows is not None
            file = HashingFile(staging.path(f"{number}.done"))
            file.write(content)
            file.close()
            ready.append((file, output, rows or 0))
        if job.on_empty != "write" and counted and not any(rows for *_, rows in ready):
            raise ClockifyNoRowsError(f"The {job.report} report of {plan.window} holds no rows.")
        for file, output, rows in ready:
            path = staging.publish(file.path, *output.parts)
            result.published(
                path, file, rows=rows, window=output.window, is_partition=plan.partition_by is not None
            )
    return result
