# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What the triggers behind the sensors share: a question that is asked until its answer is enough."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from airflow_provider_clockify._compat import BaseTrigger, TriggerEvent
from airflow_provider_clockify.airflow_errors import may_wait
from airflow_provider_clockify.exceptions import ClockifyError
from airflow_provider_clockify.triggers._payloads import error_event, success_event, timeout_event
from airflow_provider_clockify.triggers._polling import look_once, prepare, shared_polls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Mapping

SPREAD = 0.1


class Answer(Protocol):
    @property
    def enough(self) -> bool: ...

    def to_xcom(self) -> Mapping[str, Any]: ...


class WaitTrigger(BaseTrigger):
    """
    Ask a question until the answer is enough.

    It only looks, so that it may be restarted or doubled at any time. Triggers in one triggerer that ask the same share
    their requests. A refused key and other errors that waiting cannot cure end the wait; a used-up budget, a failing
    service or network, and a connection that is missing for the moment only delay it. It ends by itself at its
    deadline, which nobody else keeps in ``dag.test()``.
    """

    kind: ClassVar[str]

    def __init__(
        self,
        question: Mapping[str, Any],
        clockify_conn_id: str,
        poll_interval: float,
        first_look: str | None = None,
        silent_fail: bool = False,
        deadline: str | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.question = dict(question)
        self.clockify_conn_id = clockify_conn_id
        self.poll_interval = poll_interval
        self.first_look = first_look
        self.silent_fail = silent_fail
        self.deadline = deadline

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class path and arguments: JSON values, and no secret among them."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "question": self.question,
                "clockify_conn_id": self.clockify_conn_id,
                "poll_interval": self.poll_interval,
                "first_look": self.first_look,
                "silent_fail": self.silent_fail,
                "deadline": self.deadline,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, sleep, and look again, until the deadline."""
        key = (self.kind, self.clockify_conn_id, json.dumps(self.question, sort_keys=True))
        trouble = ""
        over = await self._sleep(_until(self.first_look) or 0.0)
        while not over:
            pause = self.poll_interval
            try:
                async with asyncio.timeout(_until(self.deadline)) as limit:
                    answer = await shared_polls().ask(key, self.poll_interval, self._fetch)
            except TimeoutError:
                if not limit.expired():
                    raise
                break
            except ClockifyError as error:
                if not may_wait(error, self.silent_fail):
                    yield TriggerEvent(error_event(error))
                    return
                pause = max(pause, getattr(error, "retry_after", None) or 0.0)
                trouble = f" The last look failed: {error}"
                self.log.warning("Looking again in %.0f s. %s", pause, error)
            else:
                if answer.enough:
                    yield TriggerEvent(success_event(answer.to_xcom()))
                    return
                trouble = ""
            # A thousand triggers that share a look must not all wake up in the same moment.
            over = await self._sleep(pause * random.uniform(1, 1 + SPREAD))
        yield TriggerEvent(
            timeout_event(f"The wait has lasted as long as the sensor's timeout allows.{trouble}")
        )

    async def _sleep(self, seconds: float) -> bool:
        """Sleep, but not beyond the deadline; tell whether that has come."""
        left = _until(self.deadline)
        if left is None or seconds < left:
            await asyncio.sleep(seconds)
            return False
        await asyncio.sleep(left)
        return True

    async def _fetch(self) -> Answer:
        await prepare()
        return await look_once(self.clockify_conn_id, self.look())

    def look(self) -> Generator[Any, Any, Answer]:
        """Return one look at the question."""
        raise NotImplementedError


def _until(instant: str | None) -> float | None:
    """Return the seconds from now to an instant, none below zero; ``None`` without an instant."""
    if instant is None:
        return None
    return max((datetime.fromisoformat(instant) - datetime.now(UTC)).total_seconds(), 0.0)
