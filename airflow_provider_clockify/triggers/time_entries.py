# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Triggers that wait for tracked time, and for its approval, without a worker."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from airflow_provider_clockify._compat import BaseTrigger, TriggerEvent
from airflow_provider_clockify.exceptions import ClockifyError
from airflow_provider_clockify.triggers.event_entries import ClockifyTimeEntryEventTrigger
from airflow_provider_clockify.triggers.events import error_event, success_event
from airflow_provider_clockify.triggers.polling import is_final, look_once, shared_polls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Mapping

__all__ = ["ClockifyApprovalTrigger", "ClockifyTimeEntryEventTrigger", "ClockifyTimeEntryTrigger"]


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

    def __init__(self, question: Mapping[str, Any], clockify_conn_id: str, poll_interval: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.question = dict(question)
        self.clockify_conn_id = clockify_conn_id
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give class path and arguments: JSON values, and no secret among them."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "question": self.question,
                "clockify_conn_id": self.clockify_conn_id,
                "poll_interval": self.poll_interval,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, sleep, and look again."""
        key = (
            self.kind,
            self.clockify_conn_id,
            json.dumps(self.question, sort_keys=True),
            self.poll_interval,
        )
        while True:
            pause = self.poll_interval
            try:
                answer = await shared_polls().ask(key, self.poll_interval, self._fetch)
            except ClockifyError as error:
                if is_final(error):
                    yield TriggerEvent(error_event(error))
                    return
                pause = max(pause, getattr(error, "retry_after", None) or 0.0)
                self.log.warning("Looking again in %.0f s. %s", pause, error)
            else:
                if answer.enough:
                    yield TriggerEvent(success_event(answer.to_xcom()))
                    return
            await asyncio.sleep(pause)

    async def _fetch(self) -> _Answer:
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
    """

    kind = "approvals"

    def look(self) -> Generator[Any, Any, _Answer]:
        """Give one look at the question."""
        from airflow_provider_clockify.api.approvals import ApprovalQuestion, look_at_approvals

        return look_at_approvals(ApprovalQuestion.from_json(self.question))
