# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Operators that keep tables of a database equal to Clockify: reports, lists, entity changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.operators._base import WindowMixin
from airflow_provider_clockify.operators._listing import FeedMixin
from airflow_provider_clockify.rendered import check_choices, is_final, is_nothing
from airflow_provider_clockify.transfers._base import ClockifyToSqlOperator
from airflow_provider_clockify.types import Entity, EntityType, ReportName, SnapshotMode
from airflow_provider_clockify.window import Window, floor_to, parse_lookback, zone_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from airflow_provider_clockify._parameters import TableParameters
    from airflow_provider_clockify.columns.tables import Table
    from airflow_provider_clockify.export.declared_reports import DeclaredReport
    from airflow_provider_clockify.export.list_export import ListExport
    from airflow_provider_clockify.export.plan import Plan
    from airflow_provider_clockify.operators._attempts import Attempt
    from airflow_provider_clockify.reading.budget import Budget
    from airflow_provider_clockify.tables.replacing import Part
    from airflow_provider_clockify.tables.statements import Shape, TableName
    from airflow_provider_clockify.transfers._days import OtherDays
    from airflow_provider_clockify.transfers._loaded import LoadResult
    from airflow_provider_clockify.transfers._reading import WindowReads
    from airflow_provider_clockify.transfers._targets import TableTarget
    from airflow_provider_clockify.types import WindowMode

__all__ = [
    "ClockifyEntitiesToSqlOperator",
    "ClockifyEntityChangesToSqlOperator",
    "ClockifyReportToSqlOperator",
]


class ClockifyReportToSqlOperator(WindowMixin, ClockifyToSqlOperator):
    """
    Keep a table equal to a report: the run's window is replaced in one transaction, and proven inside it.

    Reads and proves as the export of a file does, with the same requests. Then, in one transaction: locks the table's
    name, loads a temporary stage, deletes the workspace's window and every id of the stage, inserts, sums the window up
    again inside the database, compares with what was read, writes the ledger, commits. Anything else rolls back. A
    retry, a run beside it, a lost answer to the commit, an older run that ends later: nothing is lost, nothing comes
    twice, the newer read wins.

    .. seealso:: :ref:`howto/operator:ClockifyReportToSqlOperator`

    Takes the parameters of :class:`~airflow_provider_clockify.transfers._base.ClockifyToSqlOperator`, and:

    :param report: ``detailed`` (default), ``expenses``, ``summary``, ``weekly`` or ``attendance``.
    :param groups: Of ``summary``: one to three groups; of ``weekly``: ``USER`` or ``PROJECT``. (templated)
    :param start: First instant of an explicit window, ISO 8601 with offset or ``Z``; only with ``end``. (templated)
    :param end: First instant after an explicit window. (templated)
    :param window: ``data_interval``, or ``hour``, ``day``, ``week``, ``month``; as of the report operators.
    :param timezone: IANA name of the time zone of these units, and of the days that are compared. (templated)
    :param lookback: How much further back the window reaches, to pick up late edits: a timedelta, or an ISO 8601
        duration such as ``P7D``. (templated)
    :param audit: Of ``detailed``: how far back from the window's end each day of the table is compared with the
        service's own sums (``generateSummaryReport`` by day: one request per 366 days, 31 on a Free workspace). Days
        that differ are read and replaced in the same transaction: late edits, deletions and changed rates of any age.
        The window then begins at the midnight before it. A timedelta or an ISO 8601 duration. (templated)
    :param follow_changes: Of ``detailed``: also ask the change feeds which entries have changed since the last load,
        and replace the days that they are and were on. At least five requests; if the feeds fail, the window is loaded
        all the same, with a warning.
    :return: :class:`~airflow_provider_clockify.types.LoadSummary`, never rows.
    :raises AirflowFailException: a parameter, a connection, the key, a right or a column is wrong; not retried.
    :raises ClockifyIncompleteError: completeness could not be proven, against the service or inside the database.
    :raises ClockifyDatabaseError: the database stopped the load; nothing of it is in the table.
    """

    template_fields: Sequence[str] = (
        *ClockifyToSqlOperator.template_fields,
        "groups",
        *WindowMixin.window_fields,
        "audit",
    )
    choices = {  # noqa: RUF012 - as its base declares it
        **ClockifyToSqlOperator.choices,
        **WindowMixin.window_choices,
        "report": get_args(ReportName),
    }

    def __init__(
        self,
        *,
        report: ReportName = "detailed",
        groups: Sequence[str] | str | None = None,
        start: str | datetime | None = None,
        end: str | datetime | None = None,
        window: WindowMode = "data_interval",
        timezone: str = "UTC",
        lookback: timedelta | str | None = None,
        audit: timedelta | str | None = None,
        follow_changes: bool = False,
        **kwargs: Unpack[TableParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.report = report
        self.groups = groups
        self._set_window(start, end, window, timezone, lookback)
        self.audit = audit
        self.follow_changes = follow_changes
        check_choices(self)
        self._check_window()
        if is_final(self, "audit", audit) and not is_nothing(audit):
            audited(audit)

    def export(self, attempt: Attempt) -> LoadResult:
        """Load the report of the run's window."""
        from airflow_provider_clockify.export.declared_reports import declared_report
        from airflow_provider_clockify.tables.statements import Shape

        report = declared_report(self.report)
        groups = report.groups(self.groups or _DEFAULT_GROUPS.get(report.name))
        audit = audited(self.audit)
        self._check_report(report, audit)
        window = self.resolve_window(attempt.context)
        if audit:
            # Days are compared as a whole, so that none may be half in the window.
            window = Window(floor_to(window.start, "day", window.zone), window.end, window.zone)
        table = report.named_table(groups, None, (), self.drop_columns, window)
        rules = self.column_rules(attempt.hook, table, is_flat=True)
        shape = Shape.of(
            (rules.table(table) if rules else table).columns,
            position=report.position_column,
            id_column=report.id_column,
        )
        if rules and rules.hashed & {report.id_column, "currency"}:
            raise ClockifyConfigError(
                f"hash_columns names {', '.join(sorted(rules.hashed & {report.id_column, 'currency'}))}: rows are "
                "replaced and proven by it. Leave it as it is."
            )
        plan = report.plan(window, partition_by=None, file_name=report.name)
        self.check_complete(plan.window, attempt.context)
        target, name = self.open_target(shape)
        workspace_id = self.check_key(attempt.hook)
        load = _ReportLoad(self, attempt, report, groups, rules, shape, plan, target, name, workspace_id)
        return load.run(audit, follows=self.follow_changes)

    def _check_report(self, report: DeclaredReport, audit: timedelta | None) -> None:
        from airflow_provider_clockify.transfers._reading import missing_of

        given = {
            "audit": audit,
            "follow_changes": self.follow_changes,
            "lookback": parse_lookback(self.lookback),
        }
        for parameter, why in missing_of(report).items():
            if given[parameter]:
                raise ClockifyConfigError(
                    f"{parameter} does not fit report={report.name!r}: {why}. Leave it out."
                )


class _ReportLoad:
    """One load of a report, with the days outside of its window."""

    def __init__(
        self,
        task: ClockifyReportToSqlOperator,
        attempt: Attempt,
        report: DeclaredReport,
        groups: Sequence[str],
        rules: Any,
        shape: Shape,
        plan: Plan,
        target: TableTarget,
        name: TableName,
        workspace_id: str,
    ) -> None:
        self._task = task
        self._attempt = attempt
        self._report = report
        self._groups = groups
        self._rules = rules
        self._shape = shape
        self._plan = plan
        self._target = target
        self._name = name
        self._workspace_id = workspace_id
        self._budget: Budget = attempt.budget(workspace_id)

    def run(self, audit: timedelta | None, *, follows: bool) -> LoadResult:
        """Ask which other days differ, read all windows, load them together."""
        from airflow_provider_clockify.export.result import ExportResult
        from airflow_provider_clockify.operators._field_names import CustomFields
        from airflow_provider_clockify.transfers._reading import WindowReads

        others = self._other_days(audit, follows=follows)
        hook, plan = self._attempt.hook, self._plan
        result = ExportResult(plan.window, self._report.name, self._workspace_id, "table", str(self._name))
        with WindowReads(
            hook.client,
            self._workspace_id,
            self._report,
            self._groups,
            self._rules,
            self._budget,
            CustomFields(hook, self._budget),
            self._task.drop_columns,
        ) as reads:
            wanted = self._wanted(others)
            read = reads.read(wanted)
            for chunk in read[0].chunks:
                result.add(chunk.result)
            if wanted[0].keeper is not None:
                result.requests_before = wanted[0].keeper.requests_before
            result.check_sight({})
            loaded = self._load(reads, wanted, result, others)
        if wanted[0].keeper is not None:
            wanted[0].keeper.forget()
        return loaded

    def _other_days(self, audit: timedelta | None, *, follows: bool) -> OtherDays:
        """Say what the load costs, and find the days outside of the window that differ."""
        from airflow_provider_clockify.transfers._days import FEED_REQUESTS, DayQuestions, OtherDays

        found = OtherDays()
        questions = DayQuestions(
            self._attempt.hook,
            self._workspace_id,
            self._target,
            self._name,
            self._shape,
            self._plan.window,
            self._budget,
        )
        chunks = len(self._plan.chunks)
        for_audit = questions.audit_requests(audit) if audit else 0
        for_feeds = FEED_REQUESTS if follows else 0
        self._task.log.info(
            "Loading the %s report of workspace %s for %s into %s (%s): at least %d request(s) for the window%s%s.",
            self._report.name,
            self._workspace_id,
            self._plan.window,
            self._name,
            self._target.conn_type,
            chunks,
            f", {for_audit} for the audit of {audit}, and one or more for each run of days that differ"
            if for_audit
            else "",
            f", {for_feeds} or more for the change feeds" if follows else "",
        )
        if audit:
            questions.audit(found, audit, chunks + for_feeds)
        if follows:
            self._budget.begin(chunks + for_feeds)
            questions.follow(found)
        return found

    def _wanted(self, others: OtherDays) -> list[Any]:
        """Return the windows to read: the run's first."""
        from airflow_provider_clockify.export.writing import FileKind
        from airflow_provider_clockify.transfers._reading import Wanted, private_target

        what = {
            "report": self._report.name,
            "workspace_id": self._workspace_id,
            "chunks": [str(chunk) for chunk in self._plan.chunks],
            "groups": self._groups,
            "timezone": zone_name(self._plan.window.zone),
            "table": str(self._name),
            "connection": self._target.conn_id,
        }
        keeper = self._attempt.keeper(
            private_target(), FileKind("jsonl", rules=self._rules), what, is_base=False
        )
        audit, changes = others.windows(self._plan.window)
        make = partial(self._report.plan, partition_by=None, file_name=self._report.name)
        return [
            Wanted(self._plan, "window", keeper),
            *(Wanted(make(each), "audit") for each in audit),
            *(Wanted(make(each), "changes") for each in changes),
        ]

    def _load(self, reads: WindowReads, wanted: Sequence[Any], result: Any, others: OtherDays) -> LoadResult:
        loaded = self._task.load(
            self._attempt,
            self._target,
            self._name,
            self._shape,
            self._workspace_id,
            reads.parts(wanted),
            result,
            followed_until=others.followed_until,
        )
        loaded.audited_days = others.audited
        loaded.warnings += others.warnings
        for reason, days in (("audit", others.differing), ("changes", others.touched)):
            loaded.replaced += [
                {
                    "window_start": each.day.start_iso,
                    "window_end": each.day.end_iso,
                    "reason": reason,
                    "why": each.why,
                }
                for each in days
            ]
        return loaded


class ClockifyEntitiesToSqlOperator(ClockifyToSqlOperator):
    """
    Keep a table equal to a list: users, projects, clients, tags, tasks of all projects, …

    Reads the whole list as ``ClockifyExportEntitiesOperator`` does, archived items and people who left included, and
    replaces the workspace's rows in one transaction.

    .. seealso:: :ref:`howto/operator:ClockifyEntitiesToSqlOperator`

    Takes the parameters of :class:`~airflow_provider_clockify.transfers._base.ClockifyToSqlOperator`, and:

    :param entity: Name of the list, as in the hook's ``iter_<name>``. (templated)
    :param mode: ``replace``: the table holds the list as it was read last. ``append_snapshot``: each run adds the list
        with its ``_read_at``; a run that is repeated replaces its own.
    :return: :class:`~airflow_provider_clockify.types.LoadSummary`; without a window, and ``totals`` stay empty.
    """

    template_fields: Sequence[str] = (*ClockifyToSqlOperator.template_fields, "entity")
    choices = {  # noqa: RUF012 - as its base declares it
        **ClockifyToSqlOperator.choices,
        "entity": get_args(Entity),
        "mode": get_args(SnapshotMode),
    }

    def __init__(
        self, *, entity: Entity | str, mode: SnapshotMode = "replace", **kwargs: Unpack[TableParameters]
    ) -> None:
        super().__init__(**kwargs)
        self.entity = entity
        self.mode = mode
        check_choices(self)

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
        reading = _ListReading(self, attempt, self.entity, TABLES[self.entity])
        shape = reading.shape(position=None)
        target, name = self.open_target(shape)
        workspace_id = self.check_key(hook)
        keeper_for = {"report": self.entity, "workspace_id": workspace_id, "table": str(name)}
        self.log.info("Loading all %s of workspace %s into %s.", self.entity, workspace_id, name)
        return reading.load(
            target,
            name,
            shape,
            workspace_id,
            lambda: list_parts(hook.iter_as_sent, self.entity, filters),
            mode="replace" if self.mode == "replace" else "append_snapshot",
            keeper_for=keeper_for,
        )


class ClockifyEntityChangesToSqlOperator(FeedMixin, ClockifyToSqlOperator):
    """
    Keep the feeds of entity changes in a table that is only appended to.

    Reads the three experimental feeds for the run's window as ``ClockifyEntityChangesOperator`` does, and adds the
    changes that are not there yet: a window may be loaded as often as you like. Rows are never changed or deleted.

    .. seealso:: :ref:`howto/operator:ClockifyEntityChangesToSqlOperator`

    Takes the parameters of :class:`~airflow_provider_clockify.transfers._base.ClockifyToSqlOperator`, and:

    :param entity_type: For example ``TIME_ENTRY`` (default), ``PROJECTS``, ``TASKS``; several may share a table.
        (templated)
    :param start: First instant of an explicit window, ISO 8601 with offset or ``Z``; only with ``end``. (templated)
    :param end: First instant after an explicit window. (templated)
    :param window: ``data_interval``, or ``hour``, ``day``, ``week``, ``month``; as of the report operators.
    :param timezone: IANA name of the time zone of these units. (templated)
    :param lookback: How much further back the window reaches, into windows that have been loaded before. (templated)
    :return: :class:`~airflow_provider_clockify.types.LoadSummary`; ``totals`` stay empty.
    """

    template_fields: Sequence[str] = (
        *ClockifyToSqlOperator.template_fields,
        "entity_type",
        *WindowMixin.window_fields,
    )
    choices = {  # noqa: RUF012 - as its base declares it
        **ClockifyToSqlOperator.choices,
        **WindowMixin.window_choices,
        "entity_type": get_args(EntityType),
    }

    def __init__(
        self,
        *,
        entity_type: EntityType | str = "TIME_ENTRY",
        start: str | datetime | None = None,
        end: str | datetime | None = None,
        window: WindowMode = "data_interval",
        timezone: str = "UTC",
        lookback: timedelta | str | None = None,
        **kwargs: Unpack[TableParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.entity_type = entity_type
        self._set_window(start, end, window, timezone, lookback)
        check_choices(self)
        self._check_window()

    def export(self, attempt: Attempt) -> LoadResult:
        """Add the changes of the run's window."""
        from airflow_provider_clockify.columns.list_columns import CHANGES
        from airflow_provider_clockify.tables.statements import FEED_KEY

        hook = attempt.hook
        reading = _ListReading(self, attempt, "changes", CHANGES)
        shape = reading.shape(position="changed_at", key=FEED_KEY)
        window = self.resolve_window(attempt.context)
        wait = self.checked_wait(window)
        target, name = self.open_target(shape)
        workspace_id = self.check_key(hook)
        self.wait_until_settled(attempt, wait)
        self.log.info("Loading changes of %s in %s into %s.", self.entity_type, window, name)
        return reading.load(
            target,
            name,
            shape,
            workspace_id,
            lambda: [self.changes(attempt, window)],
            mode="append_new",
            window=window,
        )


class _ListReading:
    """Reads items that are simply listed, and loads them."""

    def __init__(self, task: ClockifyToSqlOperator, attempt: Attempt, report: str, table: Table) -> None:
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
        target: TableTarget,
        name: TableName,
        shape: Shape,
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
        result = ExportResult(window, self._report, workspace_id, "table", str(name))
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
            loaded = self._task.load(
                self._attempt, target, name, shape, workspace_id, [part], result, mode=mode
            )
        if keeper is not None:
            keeper.forget()
        return loaded


_DEFAULT_GROUPS = {"summary": ("USER", "PROJECT"), "weekly": "USER"}


def audited(audit: object) -> timedelta | None:
    """
    Read how far back an audit reaches.

    :param audit: A timedelta, an ISO 8601 duration such as ``P366D``, or nothing.
    :raises ClockifyConfigError: it is neither, or shorter than a day.
    """
    try:
        found = parse_lookback(audit)
    except ClockifyConfigError as error:
        raise ClockifyConfigError(
            f"audit is {audit!r}: give a timedelta such as timedelta(days=366), or an ISO 8601 duration such as "
            "'P366D'."
        ) from error
    if found is not None and found < timedelta(days=1):
        raise ClockifyConfigError(f"audit is {audit!r}: it compares whole days, so give one day or more.")
    return found
