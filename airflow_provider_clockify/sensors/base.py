# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What the sensors share: one question, asked by a worker or by a triggerer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify._compat import (
    AirflowFailException,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)
from airflow_provider_clockify.airflow_errors import airflow_semantics
from airflow_provider_clockify.connection import DEFAULT_CONN_ID
from airflow_provider_clockify.exceptions import (
    ClockifyRateLimitError,
    ClockifyServerError,
    ClockifyTransportError,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from airflow_provider_clockify._compat import BaseTrigger, Context
    from airflow_provider_clockify.hooks.clockify import ClockifyHook

FREE_REQUESTS_PER_HOUR = 30
# These pass: the wait goes on until its own deadline.
PASSING = (ClockifyRateLimitError, ClockifyServerError, ClockifyTransportError)


class ClockifyWaitSensor(BaseSensorOperator):
    """
    Base of the sensors; not used by itself.

    :param workspace_id: Workspace; by default the connection's, else the key's active one. (templated)
    :param clockify_conn_id: Connection of type ``clockify``. (templated)
    :param deferrable: Wait in the triggerer instead of a worker.
    :param poke_interval: Seconds between two looks; each costs requests of the workspace's budget.
    """

    template_fields: Sequence[str] = ("workspace_id", "clockify_conn_id")
    ui_color = "#e3f6e1"

    def __init__(
        self,
        *,
        workspace_id: str | None = None,
        clockify_conn_id: str = DEFAULT_CONN_ID,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: timedelta | float = 300.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.workspace_id = workspace_id
        self.clockify_conn_id = clockify_conn_id
        self.deferrable = deferrable

    def question(self, workspace_id: str, context: Context) -> Any:
        """
        Fix what is waited for; must not depend on when it is called.

        :param workspace_id: Workspace.
        :param context: Context of the task.
        """
        raise NotImplementedError

    def look(self, question: Any) -> Generator[Any, Any, Any]:
        """Give one look at the question."""
        raise NotImplementedError

    def trigger(self, question: Any) -> BaseTrigger:
        """Give the trigger that asks the question."""
        raise NotImplementedError

    def execute(self, context: Context) -> Any:
        """Wait here, or look once and wait in the triggerer."""
        if not self.deferrable:
            return super().execute(context)
        try:
            found = self.poke(context)
        except AirflowFailException as error:
            # In the other modes, the base class does this.
            if self.soft_fail or getattr(self, "never_fail", False):
                raise AirflowSkipException(str(error)) from error
            raise
        if found.is_done:
            return found.xcom_value
        self.defer(
            trigger=self.trigger(self._asked),
            method_name="execute_complete",
            timeout=timedelta(seconds=self.timeout),
        )
        return None

    def execute_complete(self, context: Context, event: Any) -> dict[str, Any]:
        """
        Read what the trigger found.

        :param context: Context of the task.
        :param event: What the trigger sent.
        """
        from airflow_provider_clockify.triggers.events import read_event

        with airflow_semantics():
            result = read_event(event)
        self.log.info("The wait is over: %s", result)
        return result

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once; what may pass by itself is logged and waited for."""
        from airflow_provider_clockify.api.watching import look_now

        with airflow_semantics():
            hook = self._hook()
            self._asked = self.question(hook.workspace_id, context)
            self._warn_of_budget(hook)
            try:
                answer = look_now(hook.client.send, self.look(self._asked))
            except PASSING as error:
                self.log.warning("Looking again at the next poke. %s", error)
                return PokeReturnValue(is_done=False)
        self.log.info("Found %s.", answer.to_xcom())
        return PokeReturnValue(is_done=answer.enough, xcom_value=answer.to_xcom())

    def _hook(self) -> ClockifyHook:
        from airflow_provider_clockify.hooks.clockify import ClockifyHook

        known = getattr(self, "_known_hook", None)
        if known is None:
            known = self._known_hook = ClockifyHook(self.clockify_conn_id, self.workspace_id or None)
        return known

    def _warn_of_budget(self, hook: ClockifyHook) -> None:
        if getattr(self, "_warned", False):
            return
        self._warned = True
        quota = hook.settings.requests_per_hour or FREE_REQUESTS_PER_HOUR
        spent = self._asked.requests_per_look() * 3600 / max(self.poke_interval, 0.001)
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
                self._asked.requests_per_look() * 3600 / quota,
            )
