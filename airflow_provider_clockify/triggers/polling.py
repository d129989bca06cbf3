# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
One poll for everybody who waits for the same answer.

Thousands of sensors may wait in one triggerer for the same few questions, and polls are paid from the workspace's
budget: in each event loop, triggers of equal connection, question and interval share the look, its answer and its errors.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from airflow_provider_clockify._compat import get_async_connection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Hashable

    from airflow_provider_clockify.api.async_transport import AsyncTransport
    from airflow_provider_clockify.exceptions import ClockifyError

T = TypeVar("T")

# What nobody has asked for in this many intervals is forgotten.
FORGET_AFTER = 3


@dataclass(slots=True)
class _Poll(Generic[T]):
    """The last look of one question, or the one under way."""

    task: asyncio.Task[T] | None = None
    finished: float = float("-inf")
    asked: float = field(default_factory=time.monotonic)
    interval: float = 0.0


class SharedPolls:
    """Looks of one event loop, by what they ask."""

    def __init__(self) -> None:
        self._polls: dict[Hashable, _Poll[Any]] = {}

    async def ask(self, key: Hashable, interval: float, fetch: Callable[[], Awaitable[T]]) -> T:
        """
        Get an answer that is younger than an interval: somebody's last one, the one under way, or a new one.

        :param key: What is asked; equal keys share.
        :param interval: Seconds that an answer stays good.
        :param fetch: Looks; called at most once per interval and key.
        :raises ClockifyError: what the shared look met, for everybody who shares it.
        """
        now = time.monotonic()
        self._forget(now)
        poll = self._polls.setdefault(key, _Poll())
        poll.asked, poll.interval = now, interval
        if poll.task is None or (poll.task.done() and now - poll.finished >= interval):
            poll.task = asyncio.ensure_future(_as_task(fetch))
            poll.task.add_done_callback(lambda _: _finish(poll))
        # Shielded: who stops waiting must not take the look from the others.
        found: T = await asyncio.shield(poll.task)
        return found

    def _forget(self, now: float) -> None:
        old = [
            key
            for key, poll in self._polls.items()
            if now - poll.asked > FORGET_AFTER * poll.interval and (poll.task is None or poll.task.done())
        ]
        for key in old:
            del self._polls[key]


_polls: WeakKeyDictionary[asyncio.AbstractEventLoop, SharedPolls] = WeakKeyDictionary()


def shared_polls() -> SharedPolls:
    """Give the looks of the running event loop."""
    loop = asyncio.get_running_loop()
    return _polls.setdefault(loop, SharedPolls())


async def transport_of(clockify_conn_id: str) -> AsyncTransport:
    """
    Make the transport of a connection, its lookup included, without blocking the event loop.

    :param clockify_conn_id: Connection of type ``clockify``.
    """
    from airflow_provider_clockify.api.async_transport import AsyncTransport
    from airflow_provider_clockify.hooks.clockify import settings_from

    connection = await get_async_connection(clockify_conn_id)
    return AsyncTransport(settings_from(clockify_conn_id, connection))


async def look_once(clockify_conn_id: str, generator: Generator[Any, Any, T]) -> T:
    """
    Answer a question with one look.

    :param clockify_conn_id: Connection of type ``clockify``.
    :param generator: The look, for example of :func:`~airflow_provider_clockify.api.watching.look`.
    """
    from airflow_provider_clockify.api.watching import look_async

    transport = await transport_of(clockify_conn_id)
    return await look_async(transport.send, generator)


async def _as_task(fetch: Callable[[], Awaitable[T]]) -> T:
    return await fetch()


def _finish(poll: _Poll[Any]) -> None:
    poll.finished = time.monotonic()
    if poll.task is not None and not poll.task.cancelled():
        poll.task.exception()  # Seen: an error that nobody waits for any more is no news.


def is_final(error: ClockifyError) -> bool:
    """Tell whether waiting on cannot mend an error."""
    from airflow_provider_clockify.airflow_errors import FINAL

    return isinstance(error, FINAL)
