# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""One load of a list into a table, and of what else is simply listed."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.types import Entity, SnapshotMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_clockify.columns.tables import Table
    from airflow_provider_clockify.export.list_export import ListExport
    from airflow_provider_clockify.operators._attempts import Attempt
    from airflow_provider_clockify.tables.replacing import Part
    from airflow_provider_clockify.tables.statements import Shape
    from airflow_provider_clockify.transfers._base import ClockifyToTableOperator as Loader
    from airflow_provider_clockify.transfers._loaded import LoadResult
    from airflow_provider_clockify.transfers._reached import ReachedTable
    from airflow_provider_clockify.window import Window
else:  # Not one at run time: Airflow gives every operator a constructor of its own.
    Loader = object


class EntitiesToTable(Loader):
    """
    What the operators that load lists share.

    :ivar entity: Name of the list. (templated)
    :ivar mode: ``replace`` or ``append_snapshot``.
    """

    entity: Entity | str
    mode: SnapshotMode
    list_choices: ClassVar[Mapping[str, Sequence[str | None]]] = {
        "entity": get_args(Entity),
        "mode": get_args(SnapshotMode),
    }

    def export(self, attempt: Attempt) -> LoadResult:
        """Load the list."""
        from airflow_provider_clockify.columns.list_columns import TABLES
        from airflow_provider_clockify.export.list_export import list_filters, list_parts

        if self.entity == "assignments":
            raise ClockifyConfigError(
                "entity='assignments' is listed for a period only, so that no table of it could be whole: export it "
                "with ClockifyExportEntitiesOperator."
            )
        hook = attempt.hook
        filters = list_filters(self.entity, None)
        reading = ListReading(self, attempt, self.entity, TABLES[self.entity])
        shape = reading.shape(position=None)
        with closing(self.reach(shape)) as table:
            workspace_id = self.check_key(hook)
            keeper_for = {"report": self.entity, "workspace_id": workspace_id, "table": str(table)}
            self.log.info("Loading all %s of workspace %s into %s.", self.entity, workspace_id, table)
            return reading.load(
                table,
                workspace_id,
                lambda: list_parts(hook.iter_as_sent, self.entity, filters),
                mode="replace" if self.mode == "replace" else "append_snapshot",
                keeper_for=keeper_for,
            )


class ListReading:
    """Reads items that are simply listed, and loads them."""

    def __init__(self, task: Loader, attempt: Attempt, report: str, table: Table) -> None:
        rules = task.column_rules(attempt.hook, table, is_flat=True)
        self._task = task
        self._attempt = attempt
        self._report = report
        self._rules = rules
        self._table = rules.table(table) if rules else table

    def shape(self, *, position: str | None, key: Sequence[str] = ()) -> Shape:
        """Return what the table holds."""
        from airflow_provider_clockify.tables.statements import Shape

        return Shape.of(self._table.columns, position=position, id_column=None, key=key).without_sums()

    def load(
        self,
        table: ReachedTable,
        workspace_id: str,
        parts: Any,
        *,
        mode: Any,
        window: Window | None = None,
        keeper_for: dict[str, Any] | None = None,
    ) -> LoadResult:
        """Read the parts into private files, and load them."""
        from airflow_provider_clockify.export.list_export import ListExport, read_list
        from airflow_provider_clockify.export.result import ExportResult
        from airflow_provider_clockify.export.storage import Staging
        from airflow_provider_clockify.export.writing import FileKind
        from airflow_provider_clockify.tables.ledger import Sums
        from airflow_provider_clockify.tables.replacing import Part
        from airflow_provider_clockify.transfers._reading import private_target, rows_of_file

        private, kind = private_target(), FileKind("jsonl", rules=self._rules)
        keeper = self._attempt.keeper(private, kind, keeper_for, is_base=False) if keeper_for else None
        began = datetime.now(UTC)
        job: ListExport = ListExport(
            self._report,
            workspace_id,
            parts(),
            self._table,
            private,
            kind,
            window,
            budget=self._attempt.budget(workspace_id),
            keeper=keeper,
        )
        result = ExportResult(window, self._report, workspace_id, "table", str(table))
        with Staging(private, is_base=False) as staging:
            files = read_list(job, staging)
            lines = 0
            for file in files:
                with file.open("rb") as items:
                    lines += sum(1 for _ in items)

            def rows() -> Any:
                for file in files:
                    yield from rows_of_file(file, self._table)

            if keeper is not None:
                result.requests_before = keeper.requests_before
            part: Part = Part(window, began, rows, Sums(lines), "list" if window is None else "window")
            loaded = self._task.load(self._attempt, table, workspace_id, [part], result, mode=mode)
        if keeper is not None:
            keeper.forget()
        return loaded
