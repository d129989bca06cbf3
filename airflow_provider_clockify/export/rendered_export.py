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
NATIVE_FORMATS = {"clockify_csv": ("CSV", ".csv"), "xlsx": ("XLSX", ".xlsx"), "pdf": ("PDF", ".pdf")}


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
    :param budget: Keeps the export within the hourly quota.
    """

    report: str
    workspace_id: str
    download: Callable[[Window], tuple[bytes, int | None]]
    plan: Plan
    target: Target
    file_format: str
    on_empty: str = "write"
    budget: Budget | None = None


def export_native(export: NativeExport) -> ExportResult:
    """
    Export files of the service, one request (and one for the count) per file.

    :param export: What to export.
    :return: What was published; ``rows`` as the service counts them, 0 where it does not say.
    :raises ClockifyNoRowsError: there are no rows, and ``on_empty`` is not ``write``.
    :raises ClockifyError: the export could not be made; nothing was published.
    """
    plan = export.plan
    result = ExportResult(
        plan.window, export.report, export.workspace_id, export.file_format, export.target.output_path
    )
    counted = False
    with Staging(export.target, is_base=plan.partition_by is not None) as staging:
        ready: list[tuple[HashingFile, Output, int]] = []
        for number, output in enumerate(plan.outputs):
            if export.budget is not None:
                export.budget.begin(len(plan.outputs) - number)
            content, rows = export.download(output.window)
            counted = counted or rows is not None
            file = HashingFile(staging.path(f"{number}.done"))
            file.write(content)
            file.close()
            ready.append((file, output, rows or 0))
        if export.on_empty != "write" and counted and not any(rows for *_, rows in ready):
            raise ClockifyNoRowsError(f"The {export.report} report of {plan.window} holds no rows.")
        for file, output, rows in ready:
            path = staging.publish(file.path, *output.parts)
            result.published(
                path, file, rows=rows, window=output.window, is_partition=plan.partition_by is not None
            )
    return result
