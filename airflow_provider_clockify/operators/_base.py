# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What all export operators share: parameters, checks before the first request, the way of an export."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Protocol, get_args

from airflow_provider_clockify import _defaults
from airflow_provider_clockify._compat import (
    ENDS_AFTER_ON_KILL,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseOperator,
    conf,
    schedule_zone,
    variable,
    wait_until,
)
from airflow_provider_clockify.airflow_errors import airflow_semantics, plain_failures
from airflow_provider_clockify.connection import DEFAULT_CONN_ID
from airflow_provider_clockify.exceptions import (
    ClockifyBudgetError,
    ClockifyNoRowsError,
    ClockifyRateLimitError,
    ClockifyWindowError,
)
from airflow_provider_clockify.operators._attempts import Attempt, Passed
from airflow_provider_clockify.rendered import check_choices, check_templates, is_final, is_nothing
from airflow_provider_clockify.types import Compression, FileFormat, OnBudget, OnEmpty, WindowMode
from airflow_provider_clockify.window import (
    RunTimes,
    Window,
    early_run_warning,
    parse_lookback,
    parse_zone,
    resolve_window,
    zone_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Unpack

    from airflow_provider_clockify._compat import Context
    from airflow_provider_clockify._parameters import ReadParameters, TaskParameters
    from airflow_provider_clockify.columns.privacy import ColumnRules
    from airflow_provider_clockify.columns.tables import Table
    from airflow_provider_clockify.export.result import ExportResult
    from airflow_provider_clockify.export.storage import Target
    from airflow_provider_clockify.export.writing import FileKind
    from airflow_provider_clockify.hooks.clockify import ClockifyHook
    from airflow_provider_clockify.types import ExportSummary, ReportFileFormat

SALT_VARIABLE = "clockify_hash_salt"

# A 429 that does not say when to come back.
UNKNOWN_WAIT = timedelta(minutes=15)
# Waits in a row that brought the export no further; then it is an error.
MAX_WAITS = 10


class Result(Protocol):
    """What an operator has published."""

    requests: int
    requests_before: int
    warnings: list[str]

    def summary(self) -> str:
        """Say in a sentence what was published."""

    def to_xcom(self) -> Any:
        """Return the result of the task, JSON values."""


class ClockifyReadOperator(BaseOperator):
    """
    Base of the operators that read and publish; not used by itself.

    :param drop_columns: Columns to leave out, in every format, for example ``("user_email",)``; a template may give the
        list as JSON text. (templated)
    :param hash_columns: Columns whose text is replaced by a hash, in every format: HMAC-SHA256 with the salt of
        ``extra.hash_salt`` of the connection, else of the Airflow variable ``clockify_hash_salt``. (templated)
    :param on_budget: What to do when the job does not fit what is left of the workspace's hourly quota (of the
        connection's ``requests_per_hour``, or of the Free plan, which is looked up once a job needs more than 30
        requests): ``fail`` before it is spent; ``defer`` until the hour turns, as often as needed, going on after the
        parts that are finished; ``ignore``.
    :param deferrable: Give the worker's slot back while the service asks for a longer wait than the connection's
        ``max_wait``, and wait in the triggerer.
    :param resume: Let a retry of the same run go on after what an interrupted attempt has proven, of an export that
        takes several parts (chunks of a month, parents of a list). A cleared task always reads everything again.
    :param require_admin: Refuse a key that is not an owner's or admin's of the workspace, at the cost of one request.
    :param workspace_id: Workspace; by default the connection's, else the key's active one. (templated)
    :param clockify_conn_id: Connection of type ``clockify``. (templated)
    """

    template_fields: Sequence[str] = ("drop_columns", "hash_columns", "workspace_id", "clockify_conn_id")
    ui_color = "#d9f2fd"
    choices: ClassVar[Mapping[str, Sequence[str | None]]] = {"on_budget": get_args(OnBudget)}
    # Of operators that may have nothing to publish.
    on_empty: OnEmpty = "write"
    title: ClassVar[str] = "Clockify export"

    def __init__(
        self,
        *,
        drop_columns: Sequence[str] | str = (),
        hash_columns: Sequence[str] | str = (),
        on_budget: OnBudget = _defaults.ON_BUDGET,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        resume: bool = True,
        require_admin: bool = _defaults.REQUIRE_ADMIN,
        workspace_id: str | None = None,
        clockify_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Unpack[TaskParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.drop_columns = drop_columns
        self.hash_columns = hash_columns
        self.on_budget = on_budget
        self.deferrable = deferrable
        self.resume = resume
        self.require_admin = require_admin
        self.workspace_id = workspace_id
        self.clockify_conn_id = clockify_conn_id
        check_choices(self)

    @plain_failures
    def execute(self, context: Context) -> Any:
        """Check everything that can be checked without a request, then export."""
        return self._attempt(context, Passed())

    @plain_failures
    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after a wait; Airflow calls this."""
        return super().resume_execution(next_method, next_kwargs, context)

    def after_failure(self, error: BaseException) -> str:
        """
        Say in sentences what a failure means for the data; what was published before it counts.

        :param error: Why the task failed.
        """
        return "Nothing was published."

    def execute_complete(self, context: Context, event: Any, passed: dict[str, Any]) -> Any:
        """
        Go on after a wait in the triggerer.

        :param context: Context of the task.
        :param event: The moment that was waited for.
        :param passed: What the attempt before the wait passed on.
        """
        self.log.info("Going on after a wait until %s.", event)
        return self._attempt(context, Passed(**passed))

    def _attempt(self, context: Context, passed: Passed) -> Any:
        # Imported here, since Airflow parses DAG files all the time and runs them elsewhere.
        from airflow_provider_clockify.hooks.clockify import ClockifyHook

        with airflow_semantics():
            check_templates(self)
            check_choices(self, rendered=True)
            hook = ClockifyHook(self.clockify_conn_id, self.workspace_id)
            hook.may_defer = self.may_wait
            attempt = Attempt(self, hook, context, passed)
            try:
                with self._log_group(self.title):
                    result = self.export(attempt)
                for warning in result.warnings:
                    self.log.warning("%s", warning)
                self.log.info("%s", result.summary())
            except ClockifyNoRowsError as error:
                if self.on_empty == "skip":
                    raise AirflowSkipException(str(error)) from error
                raise
            except ClockifyRateLimitError as error:
                self._wait_for_quota(error, attempt)
            finally:
                attempt.end(self.log)
        before = max(passed.requests, result.requests_before)
        result.requests = hook.client.transport.stats.requests + before
        self._tell(attempt, result)
        return result.to_xcom()

    @property
    def may_wait(self) -> bool:
        """Whether an attempt may end in a wait, after which another one follows."""
        return self.deferrable or self.on_budget == "defer"

    def _wait_for_quota(self, error: ClockifyRateLimitError, attempt: Attempt) -> NoReturn:
        """Free the slot until the service takes requests again, or raise the error where waiting is of no use."""
        fits = self.on_budget == "defer" and error.fits if isinstance(error, ClockifyBudgetError) else True
        passed = attempt.pass_on()
        if not (self.may_wait and fits) or passed.waits > MAX_WAITS:
            raise error
        delay = UNKNOWN_WAIT if error.retry_after is None else timedelta(seconds=error.retry_after)
        self.log.info("%s", error)
        self._check_wait(delay, passed, error)
        attempt.goes_on = True
        self.wait(delay, passed)

    @contextmanager
    def _log_group(self, title: str) -> Iterator[None]:
        """Fold the lines of the plan and the progress in the log view; warnings and the summary stay in sight."""
        self.log.info("::group::%s", title)
        try:
            yield
        finally:
            self.log.info("::endgroup::")

    def _tell(self, attempt: Attempt, result: Any) -> None:
        """Tell Airflow what was published."""
        raise NotImplementedError

    def on_kill(self) -> None:
        """
        Stop at once, so that nothing private is left behind; what is finished is kept for a retry.

        Airflow calls this on SIGTERM (the task was cancelled or its worker is going away), and after a time-out.
        """
        if ENDS_AFTER_ON_KILL or isinstance(sys.exception(), AirflowTaskTimeout):
            return
        raise SystemExit("The export was told to stop.")

    def wait(self, delay: timedelta, passed: Passed) -> NoReturn:
        """
        Free the slot, and go on after a while.

        :param delay: How long.
        :param passed: What the next attempt is told.
        """
        # A second more: clocks differ a little.
        moment = datetime.now(UTC) + delay + timedelta(seconds=1)
        self.log.info("Waiting in the triggerer until %s.", f"{moment:%Y-%m-%d %H:%M:%SZ}")
        self.defer(
            trigger=wait_until(moment),
            method_name="execute_complete",
            kwargs={"passed": asdict(passed)},
        )
        raise AssertionError("unreachable: defer raises")  # pragma: no cover

    def _check_wait(self, delay: timedelta, passed: Passed, why: ClockifyRateLimitError) -> None:
        """Refuse a wait that would outlast the task's time-out, which Airflow 3 does not apply to a deferred task."""
        limit: timedelta | None = self.execution_timeout
        if limit is not None and datetime.now(UTC) + delay > datetime.fromisoformat(passed.began) + limit:
            raise AirflowTaskTimeout(
                f"The export would wait for {delay.total_seconds() / 60:.0f} minutes, and execution_timeout ({limit}) "
                "ends before that. Give the task an execution_timeout that is longer than an hour, or none, or run it "
                "when the workspace's hour has room."
            ) from why

    def export(self, attempt: Attempt) -> Result:
        """
        Export; the part that differs between the operators.

        :param attempt: This attempt; nothing has been asked yet.
        """
        raise NotImplementedError

    def column_rules(self, hook: ClockifyHook, table: Table, *, is_flat: bool) -> ColumnRules | None:
        """
        Check which columns are left out or hashed.

        :param hook: Hook of the connection, for the salt.
        :param table: Columns that can be named.
        :param is_flat: Whether nothing but columns is published.
        """
        from airflow_provider_clockify.columns.privacy import column_rules

        return column_rules(
            table,
            drop_columns=self.drop_columns,
            hash_columns=self.hash_columns,
            salt=lambda: hook.settings.hash_salt or variable(SALT_VARIABLE),
            is_flat=is_flat,
        )

    def check_key(self, hook: ClockifyHook) -> str:
        """Resolve the workspace and, if asked to, refuse a key that is not an admin's."""
        workspace_id = hook.workspace_id
        if self.require_admin:
            hook.require_admin()
        return workspace_id


class ClockifyExportOperator(ClockifyReadOperator):
    """
    Base of the operators that export files; not used by itself.

    Takes the parameters of :class:`ClockifyReadOperator`, and:

    :param output_path: Path or URL of the file (``s3://conn@bucket/…``, ``gs://…``, ``abfs://…``, ``file://…``, or a
        plain local path). Replaced atomically. (templated)
    :param file_format: ``jsonl`` (each row exactly as the service sent it), or typed flat columns as ``csv``,
        ``parquet`` (needs the extra ``parquet``) or ``xlsx`` (a workbook; needs the extra ``xlsx``).
    :param compression: ``gzip``, ``zstd`` (for ``jsonl`` and ``csv`` with the extra ``zstd``) or ``None``; not with
        ``xlsx``.
    :param filters: Filters; a template may give the dict as JSON text. (templated)
    :param escape_formulas: Only with ``csv``: put an apostrophe before text that a spreadsheet program would take for a
        formula (that begins with ``=``, ``+``, ``-``, ``@``, tab or carriage return).
    :param on_empty: ``write`` publishes files without rows; ``skip`` skips the task, ``fail`` fails it, and both leave
        what is there.
    """

    template_fields: Sequence[str] = (
        "output_path",
        "filters",
        "drop_columns",
        "hash_columns",
        "workspace_id",
        "clockify_conn_id",
    )
    template_fields_renderers = {"filters": "json"}  # noqa: RUF012 - as Airflow declares it
    # Where this process exports to.
    _target: Target | None = None
    choices = {  # noqa: RUF012 - as its base declares it
        **ClockifyReadOperator.choices,
        "file_format": get_args(FileFormat),
        "compression": (*get_args(Compression), None),
        "on_empty": get_args(OnEmpty),
    }

    if TYPE_CHECKING:

        def execute(self, context: Context) -> ExportSummary:
            """Export."""

        def execute_complete(self, context: Context, event: Any, passed: dict[str, Any]) -> ExportSummary:
            """Go on after a wait."""

    def __init__(
        self,
        *,
        output_path: str,
        file_format: ReportFileFormat = "jsonl",
        compression: Compression | None = None,
        filters: Mapping[str, Any] | str | None = None,
        escape_formulas: bool = False,
        on_empty: OnEmpty = "write",
        **kwargs: Unpack[ReadParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.output_path = output_path
        self.file_format = file_format
        self.compression = compression
        self.filters = filters
        self.escape_formulas = escape_formulas
        self.on_empty = on_empty
        check_choices(self)

    def make_target(self) -> Target:
        """Return where the export goes, and remember it: it knows what was published, should the task fail."""
        from airflow_provider_clockify.export.storage import Target

        self._target = Target(self.output_path)
        return self._target

    def after_failure(self, error: BaseException) -> str:
        """Say what is published, and what is as it was."""
        target = self._target
        if target is None or not target.published:
            return f"Nothing was published; the files of {self.output_path} are unchanged."
        files = "1 file was" if target.published == 1 else f"{target.published} files were"
        return (
            f"{files} published to {self.output_path} before, each whole; others are unchanged. Running the task "
            "again publishes all of them."
        )

    def _tell(self, attempt: Attempt, result: ExportResult) -> None:
        from airflow_provider_clockify.operators._lineage import tell_hook_lineage, tell_outlets

        tell_outlets(attempt.context, self.outlets, result)
        tell_hook_lineage(attempt.hook, result)
        self._exported = result

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return input and outputs to the OpenLineage provider, which calls this after the task."""
        from airflow_provider_clockify.operators._lineage import openlineage

        exported = getattr(self, "_exported", None)
        return None if exported is None else openlineage(exported)

    def file_kind(self, hook: ClockifyHook, table: Table) -> FileKind:
        """
        Check and put together how files are written.

        :param hook: Hook of the connection, for the salt.
        :param table: Columns that can be named.
        """
        from airflow_provider_clockify.export.formats import check_escape, check_format
        from airflow_provider_clockify.export.writing import FileKind

        check_format(self.file_format, self.compression)
        check_escape(self.file_format, self.escape_formulas)
        rules = self.column_rules(hook, table, is_flat=self.file_format != "jsonl")
        return FileKind(self.file_format, self.compression, rules, self.escape_formulas)


class WindowMixin:
    """
    The window of a run, for operators that export a time.

    :ivar start: First instant of an explicit window, ISO 8601 with offset or ``Z``; only with ``end``. (templated)
    :ivar end: First instant after an explicit window. (templated)
    :ivar window: ``data_interval``, or ``hour``, ``day``, ``week`` (from Monday), ``month``.
    :ivar timezone: IANA name of the time zone of these units, and of those of ``partition_by``. (templated)
    :ivar lookback: How much further back the window reaches: a timedelta, or ISO 8601 text such as ``P7D``. (templated)
    """

    start: str | datetime | None
    end: str | datetime | None
    window: WindowMode
    timezone: str
    lookback: timedelta | str | None
    log: Any
    window_fields: ClassVar[Sequence[str]] = ("start", "end", "lookback", "timezone")
    window_choices: ClassVar[Mapping[str, Sequence[str | None]]] = {"window": get_args(WindowMode)}

    def _set_window(
        self,
        start: str | datetime | None,
        end: str | datetime | None,
        window: WindowMode,
        timezone: str,
        lookback: timedelta | str | None,
    ) -> None:
        """Keep the parameters of the window, to be checked together with the operator's others."""
        self.start = start
        self.end = end
        self.window = window
        self.timezone = timezone
        self.lookback = lookback

    def _check_window(self) -> None:
        """Check the time zone and the lookback while the DAG is parsed, if they are known by then."""
        if is_final(self, "timezone", self.timezone):
            parse_zone(self.timezone)
        if is_final(self, "lookback", self.lookback) and not is_nothing(self.lookback):
            parse_lookback(self.lookback)

    def resolve_window(self, context: Context, *, with_lookback: bool = True) -> Window:
        """
        Find the window of the run; costs no request.

        :param context: Context of the task.
        :param with_lookback: Whether it reaches further back.
        """
        times = run_times(context)
        by_unit = self.start is None and self.end is None and self.window != "data_interval"
        key = getattr(context.get("dag_run"), "partition_key", None)
        if by_unit and key and times.partition_date is None:
            raise ClockifyWindowError(
                f"The run has the partition key {key!r}, but this Airflow gives its tasks no partition_date (3.3 "
                "does), so that the window would be another one than the partition. Give the bounds yourself, for "
                """example start="{{ dag_run.partition_key }}Z" (of a timetable in UTC) and an end made from it, or """
                "upgrade Airflow."
            )
        zone = parse_zone(self.timezone)
        window = resolve_window(
            start=self.start,
            end=self.end,
            window=self.window,
            lookback=self.lookback if with_lookback else None,
            times=times,
            zone=zone,
        )
        warning = (
            early_run_warning(self.window, times, schedule_zone(context.get("dag")), zone)
            if by_unit
            else None
        )
        if warning:
            self.log.warning("%s", warning)
        return window

    def check_complete(self, window: Window, context: Context) -> None:
        """Refuse a partition that has not ended, and warn of any other window that has not."""
        if window.is_complete_at(datetime.now(UTC)):
            return
        partitioned = context.get("partition_date") is not None
        if partitioned and self.start is None and self.window != "data_interval":
            raise ClockifyWindowError(
                f"The {self.window} of this run's partition, {window}, is not over yet: its export would be cut short. "
                "Let the timetable name the last complete partition, for example CronPartitionTimetable("
                f'"0 0 * * *", timezone="{zone_name(window.zone)}", run_offset=-1).'
            )
        self.log.warning("The window %s is not over yet: entries may still be added to it.", window)


def run_times(context: Context) -> RunTimes:
    """
    Take the times of a run from its context; what this Airflow does not know is ``None``.

    :param context: Context of a task, of any supported Airflow version.
    """
    dag_run = context.get("dag_run")
    return RunTimes(
        data_interval_start=context.get("data_interval_start"),
        data_interval_end=context.get("data_interval_end"),
        logical_date=context.get("logical_date"),
        partition_date=context.get("partition_date"),
        run_after=getattr(dag_run, "run_after", None),
    )
