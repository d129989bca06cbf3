# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The clock of a group of watchers, on Airflow 3.3 and later, which tells it what was stored."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from airflow.triggers.shared_stream import SharedStreamProducer

from airflow_provider_clockify.triggers._event_stream import Looker, Tick

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from airflow.triggers.shared_stream import AdvanceItem

# After a restart the watchers of a group come one after another; those who are there share the first look.
GATHER = 2.0


class TickProducer(SharedStreamProducer):
    """
    Ticks at every interval.

    :param look: Looks for the group.
    :param poll_interval: Seconds.
    """

    def __init__(self, look: Looker, poll_interval: float) -> None:
        self._look = look
        self._poll_interval = poll_interval

    async def open_stream(self) -> AsyncIterator[tuple[Tick, Tick]]:
        """Tick."""
        await asyncio.sleep(min(GATHER, self._poll_interval))
        while True:
            tick = Tick(self._look)
            yield tick, tick
            await asyncio.sleep(self._poll_interval)
            if tick.pause > self._poll_interval:
                await asyncio.sleep(tick.pause - self._poll_interval)

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Confirm the events of ticks to their watchers, once Airflow has stored them all."""
        for item in batch:
            if item.outcome.failed == 0:
                await item.broker_payload.stored()
