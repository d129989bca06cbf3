# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""One load of a report into a table, with the days outside of its window."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.operators._base import WindowMixin
from airflow_provider_clockify.rendered import check_choices, is_final, is_nothing
from airflow_provider_clockify.types import ReportName
from airflow_provider_clockify.window import Window, floor_to, parse_lookback, zone_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_clockify.export.declared_reports import DeclaredReport
    from airflow_provider_clockify.export.plan import Plan
    from airflow_provider_clockify.operators._attempts import Attempt
    from airflow_provider_clockify.reading.budget import Budget
    from airflow_provider_clockify.tables.statements import Shape
    from airflow_provider_clockify.transfers._base import ClockifyToTableOperator as Loader
    from airflow_provider_clockify.transfers._days import OtherDays
    from airflow_provider_clockify.transfers._loaded import LoadResult
    from airflow_provider_clockify.transfers._reached import ReachedTable
    from airflow_provider_clockify.transfers._reading import WindowReads
else:  # Not one at run time: Airflow gives every operator a constructor of its own.
    Loader = object


class ReportToTable(WindowMixin, Loader):
    """
    What the operators that load reports share: which report, and which days besides the run's window.

    :ivar report: Name of the report.
    :ivar groups: Its groups, where it has some. (templated)
    :ivar audit: How far back days are compared with the service's sums. (templated)
    :ivar follow_changes: Whether the change feeds are asked which days were touched.
    """

    report: ReportName
    groups: Sequence[str] | str | None
    audit: timedelta | str | None
    follow_changes: bool
    report_fields: ClassVar[Sequence[str]] = ("groups", *WindowMixin.window_fields, "audit")
    report_choices: ClassVar[Mapping[str, Sequence[str | None]]] = {
        **WindowMixin.window_choices,
        "report": get_args(ReportName),
    }

    def _set_report(
        self,
        report: ReportName,
        groups: Sequence[str] | str | None,
        audit: timedelta | str | None,
        *,
        follow_changes: bool,
    ) -> None:
        """Keep the parameters of the report and check them, with those of the window."""
        self.report = report
        self.groups = groups
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
        columns = report.named_table(groups, None, (), self.drop_columns, window)
        rules = self.column_rules(attempt.hook, columns, is_flat=True)
        shape = Shape.of(
            (rules.table(columns) if rules else columns).columns,
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
        with closing(self.reach(shape)) as table:
            workspace_id = self.check_key(attempt.hook)
            load = _ReportLoad(self, attempt, report, groups, rules, shape, plan, table, workspace_id)
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
        task: ReportToTable,
        attempt: Attempt,
        report: DeclaredReport,
        groups: Sequence[str],
        rules: Any,
        shape: Shape,
        plan: Plan,
        table: ReachedTable,
        workspace_id: str,
    ) -> None:
        self._task = task
        self._attempt = attempt
        self._report = report
        self._groups = groups
        self._rules = rules
        self._shape = shape
        self._plan = plan
        self._table = table
        self._workspace_id = workspace_id
        self._budget: Budget = attempt.budget(workspace_id)

    def run(self, audit: timedelta | None, *, follows: bool) -> LoadResult:
        """Ask which other days differ, read all windows, load them together."""
        from airflow_provider_clockify.export.result import ExportResult
        from airflow_provider_clockify.operators._field_names import CustomFields
        from airflow_provider_clockify.transfers._reading import WindowReads

        others = self._other_days(audit, follows=follows)
        hook, plan = self._attempt.hook, self._plan
        result = ExportResult(plan.window, self._report.name, self._workspace_id, "table", str(self._table))
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
            self._table,
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
            self._table,
            self._table.kind,
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
            "table": str(self._table),
            "connection": self._table.conn_id,
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
            self._table,
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
