# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What a load has done: for XCom, for the log, for assets and lineage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.assets.clockify import asset_uri
from airflow_provider_clockify.operators._lineage import collect, operator_lineage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_clockify._compat import Context
    from airflow_provider_clockify.export.result import ExportResult
    from airflow_provider_clockify.hooks.clockify import ClockifyHook
    from airflow_provider_clockify.tables.replacing import Outcome
    from airflow_provider_clockify.types import LoadSummary, ReplacedDays, TableEventExtra

# Days that the result names one by one; the log has all of them.
MAX_DAYS = 100


@dataclass(slots=True)
class LoadResult:
    """
    What a load has read and written.

    :param read: What was read of the run's window; its totals.
    :param outcome: What the load has done.
    :param table: Full name of the table.
    :param uri: Its URI.
    :param namespace: Its namespace in OpenLineage.
    :param dataset: Its name there.
    :param database: Name of the kind of database.
    :param load_id: Name of the load in the ledger.
    :param read_at: When the read of the window began, ISO 8601.
    :param replaced: Days outside of the window that were replaced.
    :param audited_days: Days that were compared.
    :param warnings: What people should know of it.
    """

    read: ExportResult
    outcome: Outcome
    table: str
    uri: str
    namespace: str
    dataset: str
    database: str
    load_id: str
    read_at: str
    replaced: list[ReplacedDays] = field(default_factory=list)
    audited_days: int = 0
    warnings: list[str] = field(default_factory=list)
    requests: int = 0
    requests_before: int = 0

    def summary(self) -> str:
        """Say in a sentence what was loaded."""
        window = f" {self.read.window}" if self.read.window else ""
        parts = [
            f"Loaded {self.outcome.rows:,} rows of {self.read.report}{window} into {self.table} ({self.database})."
        ]
        if self.audited_days:
            parts.append(f"Compared {self.audited_days} days before it.")
        if self.replaced:
            parts.append(f"Replaced {len(self.replaced)} of them.")
        if self.outcome.superseded:
            parts.append("What newer loads had read already was left as it is.")
        if self.read.running:
            parts.append(f"Running timers left out: {self.read.running}.")
        return " ".join(parts)

    def to_xcom(self) -> LoadSummary:
        """Return the result as JSON values."""
        outcome = self.outcome
        return {
            "table": self.table,
            "uri": self.uri,
            "database": self.database,
            "rows": outcome.rows,
            "window_start": self.read.window.start_iso if self.read.window else None,
            "window_end": self.read.window.end_iso if self.read.window else None,
            "report": self.read.report,
            "workspace_id": self.read.workspace_id,
            "requests": self.requests,
            "totals": self.read.totals,
            "load_id": self.load_id,
            "read_at": self.read_at,
            "created": outcome.created,
            "added_columns": list(outcome.added),
            "superseded": outcome.superseded,
            "rows_left_out": outcome.left_out,
            "audited_days": self.audited_days,
            "replaced_days": len(self.replaced),
            "replaced": self.replaced[:MAX_DAYS],
        }


def table_extra(result: LoadResult) -> TableEventExtra:
    """
    Return what an event says of a load; JSON values (pure).

    :param result: What was loaded.
    """
    return {
        "report": result.read.report,
        "workspace_id": result.read.workspace_id,
        "table": result.uri,
        "rows": result.outcome.own_rows,
        "window_start": result.read.window.start_iso if result.read.window else None,
        "window_end": result.read.window.end_iso if result.read.window else None,
        "replaced_days": len(result.replaced),
        "load_id": result.load_id,
    }


def tell_outlets(context: Context, outlets: Sequence[Any], result: LoadResult) -> None:
    """
    Attach what was loaded to the events of a task's outlets.

    :param context: Context of the task.
    :param outlets: Outlets of the task; aliases are left alone.
    :param result: What was loaded.
    """
    events = context.get("outlet_events")
    if events is None:
        return
    for outlet in outlets:
        if "Alias" not in type(outlet).__name__:
            extra: Any = events[outlet].extra
            extra.update(table_extra(result))


def tell_hook_lineage(hook: ClockifyHook, result: LoadResult) -> None:
    """
    Report input and output to Airflow's hook lineage.

    :param hook: Hook that read.
    :param result: What was loaded.
    """
    collect(hook, asset_uri(result.read.workspace_id, result.read.report), [result.uri])


def openlineage(result: LoadResult) -> Any:
    """
    Return input and output for OpenLineage, whose provider asks for them.

    :param result: What was loaded.
    """
    output = (result.namespace, result.dataset, result.outcome.rows, None)
    return operator_lineage(result.read.workspace_id, result.read.report, [output])
