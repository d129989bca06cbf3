# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Operators that export what the service lists: snapshots of entities, and changes of a window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, get_args

from airflow_provider_clockify import _defaults
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyWindowError
from airflow_provider_clockify.operators._base import ClockifyExportOperator, WindowMixin, run_times
from airflow_provider_clockify.operators._listing import FeedMixin
from airflow_provider_clockify.rendered import check_choices
from airflow_provider_clockify.types import Entity, EntityType, PartitionUnit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from airflow_provider_clockify._compat import Context
    from airflow_provider_clockify._parameters import ChangesParameters, ListParameters
    from airflow_provider_clockify.export.plan import Output
    from airflow_provider_clockify.export.result import ExportResult
    from airflow_provider_clockify.operators._attempts import Attempt
    from airflow_provider_clockify.types import WindowMode

__all__ = ["ClockifyEntityChangesOperator", "ClockifyExportEntitiesOperator"]


class ClockifyExportEntitiesOperator(ClockifyExportOperator):
    """
    Export a full snapshot of a list: users, projects, clients, tags, tasks of all projects, …

    ``csv``, ``parquet`` and ``xlsx`` get a column ``snapshot_at``; ``jsonl`` holds the items as the service sent them,
    durations as ISO 8601 text. Only ``project_custom_fields`` (``project_id``), ``invoice_payments`` and
    ``invoice_items`` (``invoice_id``, and the ``currency`` of the invoice) get keys more, since they do not say what
    they belong to, and ``webhooks`` are written without their secret.

    Most lists cost one request per 5,000 items. Lists that exist per parent cost one request more for each parent; the
    log says how many before: ``tasks`` and ``project_custom_fields`` per project, ``invoice_payments`` and
    ``invoice_items`` per invoice, ``time_off_balances`` per policy.

    .. seealso:: :ref:`howto/operator:ClockifyExportEntitiesOperator`

    Takes the parameters of :class:`~airflow_provider_clockify.operators._base.ClockifyExportOperator`, and:

    :param entity: Name of the list, as in the hook's ``iter_<name>``. (templated)
    :param filters: Filters of that list by the names of the hook's method, for example ``{"archived": False}``.
        Without them nothing is left out: archived and active items, and people whatever the status of their
        membership and account, so that those who left keep their names. ``assignments`` need ``start`` and ``end``.
        (templated)
    :param partition_by: ``day`` or ``month``: ``output_path`` is then a base folder, and the snapshot is
        ``dt=YYYY-MM-DD/<entity>.<format>`` (``month=YYYY-MM/…``) below it, which replaces the one of the same day or
        month. The day, of UTC, is the one that holds the run's ``partition_date``, else the end of its data interval,
        else its logical date.
    :return: Summary as of the report operators, with ``snapshot_at`` and without a window.
    :raises AirflowFailException: a parameter, the connection or the key is wrong; not retried.
    """

    template_fields: Sequence[str] = (*ClockifyExportOperator.template_fields, "entity")
    choices = {  # noqa: RUF012 - as its base declares it
        **ClockifyExportOperator.choices,
        "entity": get_args(Entity),
        "partition_by": (*get_args(PartitionUnit), None),
    }

    def __init__(
        self,
        *,
        entity: Entity | str,
        partition_by: PartitionUnit | None = None,
        **kwargs: Unpack[ListParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.entity = entity
        self.partition_by = partition_by
        check_choices(self)

    def export(self, attempt: Attempt) -> ExportResult:
        """Export the list."""
        from airflow_provider_clockify.columns.list_columns import TABLES, snapshot_table
        from airflow_provider_clockify.export.list_export import (
            ListExport,
            export_list,
            list_filters,
            list_parts,
        )
        from airflow_provider_clockify.export.plan import late_snapshot_warning
        from airflow_provider_clockify.service.values import utc_text

        hook, entity = attempt.hook, self.entity
        filters = list_filters(entity, self.filters)
        taken = datetime.now(UTC).replace(microsecond=0)
        table = snapshot_table(TABLES[entity], taken)
        kind = self.file_kind(hook, table)
        target = self.make_target()
        target.check(is_base=self.partition_by is not None)
        partition = self._partition(attempt.context, taken, entity + kind.suffix)
        workspace_id = self.check_key(hook)
        what = {"report": entity, "workspace_id": workspace_id, "filters": filters}
        keeper = attempt.keeper(target, kind, what, is_base=partition is not None)
        parts = list_parts(hook.iter_as_sent, entity, filters)
        stamp = utc_text(taken)
        self.log.info("Exporting all %s of workspace %s to %s.", entity, workspace_id, target.output_path)
        result = export_list(
            ListExport(
                report=entity,
                workspace_id=workspace_id,
                parts=parts,
                table=table,
                target=target,
                kind=kind,
                partition=partition,
                on_empty=self.on_empty,
                metadata={"clockify.snapshot_at": stamp},
                budget=attempt.budget(workspace_id),
                keeper=keeper,
            )
        )
        result.snapshot_at = stamp
        if late := late_snapshot_warning(run_times(attempt.context), self.partition_by, taken):
            result.warnings.append(late)
        narrowed = {"email", "name", "project_id"} & set(filters)
        if entity == "users" and result.rows == 1 and not narrowed:
            result.warnings.append(
                "Only one user is visible. If the workspace has more, the key may not see them: use the key of an "
                "owner or admin; require_admin=True refuses any other."
            )
        return result

    def _partition(self, context: Context, taken: datetime, file_name: str) -> Output | None:
        """Return the file of the snapshot among those of other days or months; ``None`` without ``partition_by``."""
        from airflow_provider_clockify.export.plan import snapshot_moment, snapshot_output

        if self.partition_by is None:
            return None
        times, key = run_times(context), getattr(context.get("dag_run"), "partition_key", None)
        if key and times.partition_date is None:
            raise ClockifyWindowError(
                f"The run has the partition key {key!r}, but this Airflow gives its tasks no partition_date (3.3 "
                "does), so that the snapshot would go to another partition. Leave partition_by out and put the key "
                "into output_path yourself, for example dt={{ dag_run.partition_key[:10] }}, or upgrade Airflow."
            )
        return snapshot_output(snapshot_moment(times) or taken, self.partition_by, file_name)


class ClockifyEntityChangesOperator(FeedMixin, ClockifyExportOperator):
    """
    Export what was created, updated and deleted in a window, as one change file.

    Reads the three experimental entity feeds of the service for the same window. Each row is ``{"change", "id",
    "changed_at", "entity_type", "document"}``; apply them in file order: insert or replace by id, delete by id, ignore
    deletions of unknown ids. The service lists deletions about a minute late, so a window that has just ended is waited
    for, two minutes at most. It hides the deletion of what was created in the same window: let windows follow each
    other without overlap, or overlap them by ``lookback``, which takes care of that.

    .. seealso:: :ref:`howto/operator:ClockifyEntityChangesOperator`

    Takes the parameters of :class:`~airflow_provider_clockify.operators._base.ClockifyExportOperator` except
    ``filters``, and:

    :param entity_type: For example ``TIME_ENTRY`` (default), ``PROJECTS``, ``TASKS``, ``CLIENTS``,
        ``TAGS``. (templated)
    :param start: First instant of an explicit window, ISO 8601 with offset or ``Z``; only with ``end``. (templated)
    :param end: First instant after an explicit window. (templated)
    :param window: ``data_interval``, or ``hour``, ``day``, ``week``, ``month``; as of the report operators.
    :param timezone: IANA name of the time zone of these units, for example ``Europe/Berlin``. (templated)
    :param lookback: How much further back the window reaches, into windows that have been exported before: a timedelta,
        or an ISO 8601 duration such as ``P7D`` or ``PT36H``. (templated)
    :return: Summary as of the report operators; ``totals`` stay empty.
    :raises AirflowFailException: a parameter, the connection, the key or the window is wrong; not retried.
    """

    template_fields: Sequence[str] = (
        *(field for field in ClockifyExportOperator.template_fields if field != "filters"),
        "entity_type",
        *WindowMixin.window_fields,
    )
    choices = {  # noqa: RUF012 - as its base declares it
        **ClockifyExportOperator.choices,
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
        timezone: str = _defaults.TIMEZONE,
        lookback: timedelta | str | None = None,
        **kwargs: Unpack[ChangesParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.entity_type = entity_type
        self._set_window(start, end, window, timezone, lookback)
        check_choices(self)
        self._check_window()

    def export(self, attempt: Attempt) -> ExportResult:
        """Export the changes of the run's window."""
        from airflow_provider_clockify.columns.list_columns import CHANGES
        from airflow_provider_clockify.export.list_export import ListExport, export_list

        if self.filters:
            raise ClockifyConfigError("filters do not fit: the entity feeds have none. Leave them out.")
        hook = attempt.hook
        kind = self.file_kind(hook, CHANGES)
        target = self.make_target()
        target.check(is_base=False)
        window = self.resolve_window(attempt.context)
        wait = self.checked_wait(window)
        workspace_id = self.check_key(hook)
        self.wait_until_settled(attempt, wait)
        self.log.info("Exporting changes of %s in %s to %s.", self.entity_type, window, target.output_path)
        return export_list(
            ListExport(
                report="changes",
                workspace_id=workspace_id,
                parts=[self.changes(attempt, window)],
                table=CHANGES,
                target=target,
                kind=kind,
                window=window,
                on_empty=self.on_empty,
                budget=attempt.budget(workspace_id),
            )
        )
