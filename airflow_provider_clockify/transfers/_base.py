# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What the operators that load tables share: where to, what may be created, the way of a load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.operators._base import ClockifyReadOperator
from airflow_provider_clockify.rendered import check_choices
from airflow_provider_clockify.types import SchemaChange

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import Unpack

    from airflow_provider_clockify._compat import Context
    from airflow_provider_clockify._parameters import AnyTableParameters, ReadParameters
    from airflow_provider_clockify.export.result import ExportResult
    from airflow_provider_clockify.operators._attempts import Attempt
    from airflow_provider_clockify.tables.replacing import Mode, Part
    from airflow_provider_clockify.tables.statements import Shape
    from airflow_provider_clockify.transfers._loaded import LoadResult
    from airflow_provider_clockify.transfers._reached import ReachedTable
    from airflow_provider_clockify.types import LoadSummary


class ClockifyToTableOperator(ClockifyReadOperator):
    """
    Base of the operators that load tables; not used by itself.

    Takes the parameters of :class:`~airflow_provider_clockify.operators._base.ClockifyReadOperator`, and:

    :param table: Name of the table. (templated)
    :param create_table: Create the table if it is not there.
    :param schema_change: What to do with a table that lacks columns: ``add_columns`` adds them, empty for the rows
        that are there; ``fail`` refuses. Columns are never removed or narrowed.
    :param require_admin: True here by default: a key that sees less than everything would delete the others' rows.
    """

    template_fields: Sequence[str] = (*ClockifyReadOperator.template_fields, "table")
    choices: ClassVar[Mapping[str, Sequence[str | None]]] = {
        **ClockifyReadOperator.choices,
        "schema_change": get_args(SchemaChange),
    }
    title = "Clockify load"
    # Whether the table holds the load of this process.
    _has_loaded = False

    if TYPE_CHECKING:

        def execute(self, context: Context) -> LoadSummary:
            """Load."""

        def execute_complete(self, context: Context, event: Any, passed: dict[str, Any]) -> LoadSummary:
            """Go on after a wait."""

    def __init__(
        self,
        *,
        table: str,
        create_table: bool = True,
        schema_change: SchemaChange = "add_columns",
        **kwargs: Unpack[ReadParameters],
    ) -> None:
        kwargs.setdefault("require_admin", True)
        super().__init__(**kwargs)
        self.table = table
        self.create_table = create_table
        self.schema_change = schema_change

    def reach(self, shape: Shape) -> ReachedTable:
        """
        Reach the table, and check that it can take a load; asks nothing of Clockify.

        :param shape: What the table is to hold.
        :raises ClockifyConfigError: rights or columns are missing, or there is no way into such a table.
        """
        raise NotImplementedError

    def load(
        self,
        attempt: Attempt,
        table: ReachedTable,
        workspace_id: str,
        parts: Sequence[Part],
        read: ExportResult,
        *,
        mode: Mode = "replace",
        followed_until: datetime | None = None,
    ) -> LoadResult:
        """
        Load what was read and proven.

        :param attempt: The attempt.
        :param table: The table.
        :param workspace_id: Workspace.
        :param parts: Windows with their rows; the first is the run's.
        :param read: What was read of the run's window.
        :param mode: How rows that are there are treated.
        :param followed_until: Until when the change feeds were followed.
        """
        from airflow_provider_clockify.service.values import utc_text
        from airflow_provider_clockify.transfers._loaded import LoadResult

        stats = attempt.hook.client.transport.stats
        before = max(attempt.passed.requests, read.requests_before)
        load_id, outcome = table.load(
            workspace_id=workspace_id,
            run_id=run_name(attempt),
            parts=parts,
            mode=mode,
            requests=lambda: stats.requests + before,
            followed_until=followed_until,
        )
        self._has_loaded = True
        uri, namespace, dataset = table.names()
        return LoadResult(
            read=read,
            outcome=outcome,
            table=str(table),
            uri=uri,
            namespace=namespace,
            dataset=dataset,
            database=table.kind,
            load_id=load_id,
            read_at=utc_text(parts[0].read_at),
            warnings=read.warnings,
            requests_before=read.requests_before,
        )

    def after_failure(self, error: BaseException) -> str:
        """Say whether the table is as it was."""
        table = self._table_title()
        if self._has_loaded:
            return f"The table {table} holds the load, as a whole; running the task again loads it anew."
        if getattr(error, "is_unknown", False):
            return ""  # It says so itself.
        return f"Nothing was loaded; the table {table} is unchanged."

    def _table_title(self) -> str:
        return self.table

    def _permission(self) -> Any:
        from airflow_provider_clockify.tables.preparing import Permission

        return Permission(self.create_table, self.schema_change == "add_columns")

    def _tell(self, attempt: Attempt, result: LoadResult) -> None:
        from airflow_provider_clockify.transfers._loaded import tell_hook_lineage, tell_outlets

        tell_outlets(attempt.context, self.outlets, result)
        tell_hook_lineage(attempt.hook, result)
        self._loaded = result

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return input and output to the OpenLineage provider, which calls this after the task."""
        from airflow_provider_clockify.transfers._loaded import openlineage

        loaded = getattr(self, "_loaded", None)
        return None if loaded is None else openlineage(loaded)


class ClockifyToSqlOperator(ClockifyToTableOperator):
    r"""
    Base of the operators that load tables of databases; not used by itself.

    Takes the parameters of :class:`~airflow_provider_clockify.transfers._base.ClockifyToTableOperator`, and:

    :param sql_conn_id: Connection of type ``postgres``, ``duckdb``, ``sqlite`` or ``adbc``; each but SQLite is an extra
        of this package. (templated)
    :param table: Name of the table; its ledger is called ``<table>_loads``. (templated)
    :param schema: Its schema; by default where the database looks first. (templated)
    :param create_table: Create the table and its ledger if they are not there. Without it, an error has the statements.
    :param nul_replacement: What becomes of NUL characters, which PostgreSQL cannot hold, for example ``"\ufffd"``; by
        default a row that has one is refused by its id.
    """

    template_fields: Sequence[str] = (*ClockifyToTableOperator.template_fields, "sql_conn_id", "schema")

    def __init__(
        self,
        *,
        sql_conn_id: str,
        schema: str | None = None,
        nul_replacement: str | None = None,
        **kwargs: Unpack[AnyTableParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.sql_conn_id = sql_conn_id
        self.schema = schema
        self.nul_replacement = nul_replacement
        check_choices(self)
        if nul_replacement is not None and "\0" in nul_replacement:
            raise ClockifyConfigError(
                "nul_replacement has a NUL character itself: use another one, or leave it out."
            )

    def _table_title(self) -> str:
        return f"{self.schema}.{self.table}" if self.schema else self.table

    def reach(self, shape: Shape) -> ReachedTable:
        """Reach the table, and look at the role's rights and at its columns."""
        from airflow_provider_clockify.tables.preparing import missing
        from airflow_provider_clockify.tables.statements import TableName
        from airflow_provider_clockify.transfers._targets import SqlTable, TableTarget

        name = TableName(self.table, self.schema)
        target = TableTarget(self.sql_conn_id)
        with target.looking() as database:
            full_name = database.resolved(name)
            lacking = missing(database, full_name, shape, self._permission())
        for statement in lacking.statements:
            self.log.info("The load will run: %s", statement)
        return SqlTable(target, full_name, shape, self._permission(), self.nul_replacement)


def run_name(attempt: Attempt) -> str:
    """
    Name the run of Airflow for the rows that it writes: DAG and run.

    :param attempt: The attempt.
    """
    ti: Any = attempt.context.get("ti")
    names = [getattr(ti, name, None) for name in ("dag_id", "run_id")]
    return "/".join(each for each in names if isinstance(each, str)) or "without a run"
