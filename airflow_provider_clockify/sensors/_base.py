# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What the sensors share: one question, asked by a worker or by a triggerer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify._compat import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
    deferral_timed_out,
    was_rescheduled,
)
from airflow_provider_clockify.airflow_errors import airflow_semantics, may_wait, plain_failures
from airflow_provider_clockify.connection import DEFAULT_CONN_ID
from airflow_provider_clockify.exceptions import ClockifyError, ClockifyMissingConnectionError
from airflow_provider_clockify.rendered import check_templates

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from typing import Unpack

    from airflow_provider_clockify._compat import BaseTrigger, Context
    from airflow_provider_clockify._parameters import SensorParameters
    from airflow_provider_clockify.hooks.clockify import ClockifyHook


class ClockifyWaitSensor(BaseSensorOperator):
    """
    Base of the sensors; not used by itself.

    ``soft_fail`` skips the task when the wait times out, and never for an error that waiting cannot cure.

    :param workspace_id: Workspace; by default the connection's, else the key's active one. (templated)
    :param clockify_conn_id: Connection of type ``clockify``. (templated)
    :param deferrable: Wait in the triggerer instead of a worker.
    :param poke_interval: Seconds between two looks; each costs requests of the workspace's budget.
    """

    template_fields: Sequence[str] = ("workspace_id", "clockify_conn_id")
    ui_color = "#e3f6e1"
    # Whether the task fails although soft_fail is set.
    _in_spite = False

    def __init__(
        self,
        *,
        workspace_id: str | None = None,
        clockify_conn_id: str = DEFAULT_CONN_ID,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: timedelta | float = 300.0,
        **kwargs: Unpack[SensorParameters],
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.workspace_id = workspace_id
        self.clockify_conn_id = clockify_conn_id
        self.deferrable = deferrable

    def question(self, context: Context) -> Any:
        """
        Fix what is waited for, in no workspace yet; must not depend on when it is called.

        :param context: Context of the task.
        """
        raise NotImplementedError

    def look(self, question: Any) -> Generator[Any, Any, Any]:
        """Return one look at the question."""
        raise NotImplementedError

    def trigger(self, question: Any, first_look: str, deadline: str | None = None) -> BaseTrigger:
        """Return the trigger that asks the question, from an instant on and until a deadline."""
        raise NotImplementedError

    @plain_failures
    def execute(self, context: Context) -> Any:
        """Look until the answer is enough; Airflow calls this."""
        return super().execute(context)

    def after_failure(self, error: BaseException) -> str:
        """
        Say what a failure means for the tasks that come next.

        :param error: Why the task failed.
        """
        in_spite = "The task fails in spite of soft_fail, which is for time-outs. " if self._in_spite else ""
        return f"{in_spite}What the sensor waits for was not found; tasks that need its success do not start."

    def poke(self, context: Context) -> PokeReturnValue:
        """
        Look once; what may pass by itself is logged and waited for.

        If deferrable, the first look also is the last one here: the wait goes on in the triggerer.
        """
        try:
            return self._look_once(context)
        except AirflowFailException as error:
            self._say_what_ends_it(error)
            # Airflow reads it next, of this task's own copy of the operator, and would skip the task.
            self.soft_fail = False
            raise

    def _look_once(self, context: Context) -> PokeReturnValue:
        from airflow_provider_clockify.service.pagination import run

        self._pause = self.poke_interval
        with airflow_semantics():
            check_templates(self)
            question = self.question(context)
            hook = self._hook()
            try:
                question = replace(question, workspace_id=hook.workspace_id)
                self._warn_of_budget(hook, question)
                answer = run(hook.client.send, self.look(question))
            except ClockifyError as error:
                if not may_wait(error, self.silent_fail) or (self.deferrable and not question.workspace_id):
                    raise
                if isinstance(error, ClockifyMissingConnectionError) and not self._has_waited(context):
                    raise  # It never was there, as far as this task knows.
                self._pause = max(self._pause, getattr(error, "retry_after", None) or 0.0)
                self.log.warning("Looking again in %.0f s. %s", self._pause, error)
            else:
                self.log.info("Found %s.", answer.to_xcom())
                if answer.enough:
                    return PokeReturnValue(is_done=True, xcom_value=answer.to_xcom())
        if self.deferrable:
            now, timeout = datetime.now(UTC), timedelta(seconds=self.timeout)
            first_look = now + timedelta(seconds=self._pause)
            self.defer(
                trigger=self.trigger(question, first_look.isoformat(), (now + timeout).isoformat()),
                method_name="execute_complete",
                timeout=timeout,
            )
        return PokeReturnValue(is_done=False)

    def execute_complete(self, context: Context, event: Any) -> dict[str, Any]:
        """
        Read what the trigger found.

        :param context: Context of the task.
        :param event: What the trigger sent.
        """
        from airflow_provider_clockify.triggers._payloads import read_event

        with airflow_semantics():
            result = read_event(event)
        self.log.info("The wait is over: %s", result)
        return result

    @plain_failures
    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """
        End a deferred wait as the other modes end theirs, whatever Airflow's version.

        The method of Airflow's sensors is passed over: it lets ``soft_fail`` hide every error.
        """
        try:
            return super(BaseSensorOperator, self).resume_execution(next_method, next_kwargs, context)
        except AirflowSkipException:
            raise
        except Exception as error:
            message = str(error)
            if late := deferral_timed_out(next_method, next_kwargs):
                message = f"The wait has lasted longer than its timeout of {self.timeout:.0f} s ({error})."
            timed_out = late or isinstance(error, AirflowSensorTimeout)
            if not timed_out:
                self._say_what_ends_it(error)
            if self.never_fail or (self.soft_fail and timed_out):
                raise AirflowSkipException(message) from error
            if late:
                raise AirflowSensorTimeout(message) from error
            raise

    def _say_what_ends_it(self, error: Exception) -> None:
        """Tell of an error that soft_fail, if Airflow were asked, or never_fail would hide."""
        if self.soft_fail:
            self._in_spite = True
        elif self.never_fail:
            self.log.error("never_fail skips the task, but waiting cannot mend this: %s", error)

    def _has_waited(self, context: Context) -> bool:
        return self.reschedule and was_rescheduled(context)

    def _get_next_poke_interval(
        self, started_at: datetime | float, run_duration: Callable[[], float], poke_count: int
    ) -> float:
        # Airflow asks this in poke and in reschedule mode how long to wait. The service may want more than usual.
        usual: float = super()._get_next_poke_interval(started_at, run_duration, poke_count)
        if self._pause <= max(usual, self.poke_interval):
            return usual
        if run_duration() + self._pause > self.timeout:
            message = (
                f"The service accepts no request for {self._pause:.0f} s, and the wait may last {self.timeout:.0f} s: "
                "it has timed out."
            )
            raise (AirflowSkipException if self.soft_fail else AirflowSensorTimeout)(message)
        return self._pause

    def _hook(self) -> ClockifyHook:
        from airflow_provider_clockify.hooks.clockify import ClockifyHook

        known = getattr(self, "_known_hook", None)
        if known is None:
            known = self._known_hook = ClockifyHook(self.clockify_conn_id, self.workspace_id)
        return known

    def _warn_of_budget(self, hook: ClockifyHook, question: Any) -> None:
        from airflow_provider_clockify.reading.budget import FREE_REQUESTS_PER_HOUR

        if getattr(self, "_warned", False):
            return
        quota = hook.settings.requests_per_hour or FREE_REQUESTS_PER_HOUR
        self._warned = True
        per_look = question.requests_per_look(datetime.now(UTC))
        spent = per_look * 3600 / max(self.poke_interval, 0.001)
        if spent > quota:
            known = (
                "this workspace's quota"
                if hook.settings.requests_per_hour
                else "all that a Free workspace has"
            )
            self.log.warning(
                "A look every %.0f s costs about %.0f requests an hour; %s is %d, for everybody. Raise poke_interval "
                "to %.0f s or more.",
                self.poke_interval,
                spent,
                known,
                quota,
                per_look * 3600 / quota,
            )
