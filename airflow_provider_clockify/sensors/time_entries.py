# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Sensors for tracked time and its approval."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow_provider_clockify.exceptions import ClockifyWindowError
from airflow_provider_clockify.rendered import check_choices
from airflow_provider_clockify.sensors._base import ClockifyWaitSensor
from airflow_provider_clockify.types import Detect

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from typing import Unpack

    from airflow_provider_clockify._compat import BaseTrigger, Context
    from airflow_provider_clockify._parameters import WaitParameters

__all__ = ["ClockifyApprovalSensor", "ClockifyTimeEntrySensor"]


class ClockifyTimeEntrySensor(ClockifyWaitSensor):
    """
    Wait until at least ``min_entries`` time entries exist that are new since an instant.

    ``detect="started"`` counts entries whose start lies in ``[since, until)`` by the reports service: one request a
    look. ``created`` and ``changed`` count by the entity feeds what was created, or created, last edited or deleted,
    in that time, back-dated entries included: one and three requests a look. The answer is the same in poke,
    reschedule and deferrable mode. A refused key ends the wait; a used-up budget, a failing service or network only
    delay it.

    .. seealso:: :ref:`howto/sensor:ClockifyTimeEntrySensor`

    Takes the parameters of :class:`~airflow_provider_clockify.sensors._base.ClockifyWaitSensor`, and:

    :param since: First instant, ISO 8601 with offset or ``Z``; by default the start of the run's data interval, else
        the run's own point in time. (templated)
    :param until: First instant after; by default none (entries dated more than a day ahead do not count). (templated)
    :param detect: ``started``, ``created`` or ``changed``.
    :param min_entries: How many are enough.
    :param filters: In the service's own words; with ``created``, ``changed`` and ``include_running`` only users,
        projects, tasks, tags, billable and description. (templated)
    :param include_running: Let running timers count; with ``started`` one request a look more.
    :return: ``{"count": int, "latest": "…Z", "ids": [up to 100]}``.
    :raises AirflowFailException: a parameter, the connection or the key is wrong; not retried.
    """

    template_fields: Sequence[str] = (*ClockifyWaitSensor.template_fields, "since", "until", "filters")
    template_fields_renderers = {"filters": "json"}  # noqa: RUF012 - as Airflow declares it
    choices: ClassVar[Mapping[str, Sequence[str | None]]] = {"detect": get_args(Detect)}

    def __init__(
        self,
        *,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        detect: Detect = "started",
        min_entries: int = 1,
        filters: Mapping[str, Any] | str | None = None,
        include_running: bool = False,
        **kwargs: Unpack[WaitParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.since = since
        self.until = until
        self.detect = detect
        self.min_entries = min_entries
        self.filters = filters
        self.include_running = include_running
        check_choices(self)

    def question(self, context: Context) -> Any:
        """Fix what is waited for."""
        from airflow_provider_clockify.watching.questions import make_question

        since = self.since
        if since is None:
            since = context.get("data_interval_start") or context.get("logical_date")
        if since is None:
            since = getattr(context.get("dag_run"), "run_after", None)
        if since is None:
            raise ClockifyWindowError("The run has no data interval and no date: give since= to the sensor.")
        return make_question(
            workspace_id="",
            since=since,
            until=self.until,
            detect=self.detect,
            min_entries=self.min_entries,
            filters=self.filters,
            include_running=self.include_running,
        )

    def look(self, question: Any) -> Generator[Any, Any, Any]:
        """Return one look at the question."""
        from airflow_provider_clockify.watching.questions import look

        return look(question, datetime.now(UTC))

    def trigger(self, question: Any, first_look: str, deadline: str | None = None) -> BaseTrigger:
        """Return the trigger that asks the question, from an instant on and until a deadline."""
        from airflow_provider_clockify.triggers.time_entries import ClockifyTimeEntryTrigger

        return ClockifyTimeEntryTrigger(
            asdict(question),
            self.clockify_conn_id,
            self.poke_interval,
            first_look,
            self.silent_fail,
            deadline,
        )


class ClockifyApprovalSensor(ClockifyWaitSensor):
    """
    Wait until every timesheet of a period is approved: the gate before payroll and invoicing.

    Done when at least one timesheet of the period is approved, none is pending, and none was withdrawn or rejected
    without another in its place. With ``user_ids``, each of them must have an approved one; without, people who handed
    none in are not known to the service. One request a look for up to 200 timesheets.

    .. seealso:: :ref:`howto/sensor:ClockifyApprovalSensor`

    Takes the parameters of :class:`~airflow_provider_clockify.sensors._base.ClockifyWaitSensor`, and:

    :param start: First instant of the period, ISO 8601 with offset or ``Z``; by default the start of the run's data
        interval. (templated)
    :param end: First instant after it; by default that of the run's data interval. (templated)
    :param user_ids: Users who must have an approved timesheet. (templated)
    :return: ``{"approved": int, "pending": [user id], "missing": [user id]}``.
    :raises AirflowFailException: a parameter, the connection or the key is wrong; not retried.
    """

    template_fields: Sequence[str] = (*ClockifyWaitSensor.template_fields, "start", "end", "user_ids")

    def __init__(
        self,
        *,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
        user_ids: Sequence[str] | str | None = None,
        **kwargs: Unpack[WaitParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.start = start
        self.end = end
        self.user_ids = user_ids

    def question(self, context: Context) -> Any:
        """Fix what is waited for."""
        from airflow_provider_clockify.watching.approvals import make_approval_question

        start = self.start if self.start is not None else context.get("data_interval_start")
        end = self.end if self.end is not None else context.get("data_interval_end")
        if start is None or end is None or start == end:
            raise ClockifyWindowError(
                "The run has no data interval that could be the period: give start= and end= to the sensor, or use a "
                'timetable such as CronDataIntervalTimetable("0 0 * * 1", timezone="UTC").'
            )
        return make_approval_question(workspace_id="", start=start, end=end, user_ids=self.user_ids)

    def look(self, question: Any) -> Generator[Any, Any, Any]:
        """Return one look at the question."""
        from airflow_provider_clockify.watching.approvals import look_at_approvals

        return look_at_approvals(question)

    def trigger(self, question: Any, first_look: str, deadline: str | None = None) -> BaseTrigger:
        """Return the trigger that asks the question, from an instant on and until a deadline."""
        from airflow_provider_clockify.triggers.time_entries import ClockifyApprovalTrigger

        return ClockifyApprovalTrigger(
            asdict(question),
            self.clockify_conn_id,
            self.poke_interval,
            first_look,
            self.silent_fail,
            deadline,
        )
