# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Triggers that wait for tracked time, and for its approval, without a worker."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from airflow_provider_clockify._compat import BaseTrigger, TriggerEvent
from airflow_provider_clockify.airflow_errors import may_wait
from airflow_provider_clockify.exceptions import ClockifyError
from airflow_provider_clockify.triggers.event_entries import ClockifyTimeEntryEventTrigger
from airflow_provider_clockify.triggers.events import error_event, success_event
from airflow_provider_clockify.triggers.polling import look_once, prepare, shared_polls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Mapping

__all__ = ["ClockifyApprovalTrigger", "ClockifyTimeEntryEventTrigger", "ClockifyTimeEntryTrigger"]


SPREAD = 0.1


class _Answer(Protocol):
    @property
    def enough(self) -> bool: ...

    def to_xcom(self) -> dict[str, Any]: ...


class _WaitTrigger(BaseTrigger):
    """
    Ask a question until the answer is enough.

    It only looks, so that it may be restarted or doubled at any time. Triggers in one triggerer that ask the same share
    their requests. A refused key and other errors that waiting cannot mend end the wait; a used-up budget, a failing
    service or network only delay it. The end of the wait is the task's own deadline, which Airflow keeps.
    """

    kind: ClassVar[str]

    def __init__(
        self,
        question: Mapping[str, Any],
        clockify_conn_id: str,
        poll_interval: float,
        first_look: str | None = None,
        silent_fail: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.question = dict(question)
        self.clockify_conn_id = clockify_conn_id
        self.poll_interval = poll_interval
        self.first_look = first_look
        self.silent_fail = silent_fail

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give class path and arguments: JSON values, and no secret among them."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "question": self.question,
                "clockify_conn_id": self.clockify_conn_id,
                "poll_interval": self.poll_interval,
                "first_look": self.first_look,
                "silent_fail": self.silent_fail,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, sleep, and look again."""
        key = (self.kind, self.clockify_conn_id, json.dumps(self.question, sort_keys=True))
        if self.first_look is not None:
            wait = datetime.fromisoformat(self.first_look) - datetime.now(UTC)
            await asyncio.sleep(max(wait.total_seconds(), 0.0))
        while True:
            pause = self.poll_interval
            try:
                answer = await shared_polls().ask(key, self.poll_interval, self._fetch)
            except ClockifyError as error:
                if not may_wait(error, self.silent_fail):
                    yield TriggerEvent(error_event(error))
                    return
                pause = max(pause, getattr(error, "retry_after", None) or 0.0)
                self.log.warning("Looking again in %.0f s. %s", pause, error)
            else:
                if answer.enough:
                    yield TriggerEvent(success_event(answer.to_xcom()))
                    return
            # A thousand triggers that share a look must not all wake up in the same moment.
            await asyncio.sleep(pause * random.uniform(1, 1 + SPREAD))

    async def _fetch(self) -> _Answer:
        await prepare()
        return await look_once(self.clockify_conn_id, self.look())

    def look(self) -> Generator[Any, Any, _Answer]:
        """Give one look at the question."""
        raise NotImplementedError


class ClockifyTimeEntryTrigger(_WaitTrigger):
    """
    Wait until enough time entries exist.

    :param question: :meth:`airflow_provider_clockify.api.watching.Question.to_json`.
    :param clockify_conn_id: Connection of type ``clockify``.
    :param poll_interval: Seconds between two looks.
    :param first_look: Instant before which it does not look, ISO 8601; its sensor has just done so.
    :param silent_fail: Go on after any error but one that running the task again cannot mend.
    """

    kind = "time_entries"

    def look(self) -> Generator[Any, Any, _Answer]:
        """Give one look at the question."""
        from airflow_provider_clockify.api.watching import Question, look

        return look(Question.from_json(self.question), datetime.now(UTC))


class ClockifyApprovalTrigger(_WaitTrigger):
    """
    Wait until every timesheet of a period is approved.

    :param question: :meth:`airflow_provider_clockify.api.approvals.ApprovalQuestion.to_json`.
    :param clockify_conn_id: Connection of type ``clockify``.
    :param poll_interval: Seconds between two looks.
    :param first_look: Instant before which it does not look, ISO 8601; its sensor has just done so.
    :param silent_fail: Go on after any error but one that running the task again cannot mend.
    """

    kind = "approvals"

    def look(self) -> Generator[Any, Any, _Answer]:
        """Give one look at the question."""
        from airflow_provider_clockify.api.approvals import ApprovalQuestion, look_at_approvals

        return look_at_approvals(ApprovalQuestion.from_json(self.question))
