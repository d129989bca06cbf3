# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
One poll for everybody who waits for the same answer.

Thousands of sensors may wait in one triggerer for the same few questions, and polls are paid from the workspace's
budget: in each event loop, triggers of equal connection and question share the look, its answer and its errors.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar
from weakref import WeakKeyDictionary

from airflow_provider_clockify._compat import get_async_connection, mask_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Hashable

    from airflow_provider_clockify.exceptions import ClockifyError
    from airflow_provider_clockify.http.async_transport import AsyncTransport

T = TypeVar("T")

# What nobody has asked for in this many intervals is forgotten.
FORGET_AFTER = 3
# Seconds between two searches for it.
SWEEP = 60.0
# Seconds after which a secrets backend is believed not to answer.
LONGEST_READ = 60.0


@dataclass(slots=True)
class _Poll(Generic[T]):
    """
    The last look of one question, and the one under way.

    Of a finished look only the outcome is kept: a task would keep its event loop, too.
    """

    task: asyncio.Task[T] | None = None
    waiting: int = 0
    finished: float = float("-inf")
    found: Callable[[], T] | None = None
    asked: float = 0.0
    interval: float = 0.0


class SharedPolls:
    """
    Looks of one event loop, by what they ask.

    :param clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._polls: dict[Hashable, _Poll[Any]] = {}
        self._next_sweep = float("-inf")

    async def ask(self, key: Hashable, interval: float, fetch: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """
        Get an answer that is younger than an interval: somebody's last one, the one under way, or a new one.

        :param key: What is asked; equal keys share.
        :param interval: Seconds that an answer stays good.
        :param fetch: Looks; called at most once per interval and key.
        :raises ClockifyError: what the shared look met, for everybody who shares it.
        """
        now = self._clock()
        self._forget(now)
        poll = self._polls.setdefault(key, _Poll())
        poll.asked, poll.interval = now, max(poll.interval, interval)
        if poll.task is None:
            if poll.found is not None and now - poll.finished < interval:
                found: T = poll.found()
                return found
            poll.task = asyncio.get_running_loop().create_task(fetch())
            poll.task.add_done_callback(partial(self._finish, poll))
        task = poll.task
        poll.waiting += 1
        try:
            # Shielded: who stops waiting must not take the look from the others.
            found = await asyncio.shield(task)
        except asyncio.CancelledError:
            if poll.waiting == 1 and poll.task is task:
                poll.task = None
                task.cancel()  # There are no others.
            raise
        finally:
            poll.waiting -= 1
        return found

    def _finish(self, poll: _Poll[Any], task: asyncio.Task[Any]) -> None:
        if poll.task is task:
            poll.task = None
        if task.cancelled():
            return
        error = task.exception()
        poll.finished = self._clock()
        poll.found = partial(_raise, error) if error is not None else partial(_give, task.result())

    def _forget(self, now: float) -> None:
        if now < self._next_sweep:
            return
        self._next_sweep = now + SWEEP
        old = [
            key
            for key, poll in self._polls.items()
            if poll.task is None and now - poll.asked > FORGET_AFTER * poll.interval
        ]
        for key in old:
            del self._polls[key]


def _give(found: T) -> T:
    return found


def _raise(error: BaseException) -> NoReturn:
    raise error.with_traceback(None)


_polls: WeakKeyDictionary[asyncio.AbstractEventLoop, SharedPolls] = WeakKeyDictionary()


def shared_polls() -> SharedPolls:
    """Return the looks of the running event loop."""
    loop = asyncio.get_running_loop()
    return _polls.setdefault(loop, SharedPolls())


async def prepare() -> None:
    """Load what looks need, which takes some hundred milliseconds the first time, beside the event loop."""
    await asyncio.to_thread(_load)


def _load() -> None:
    for module in ("http.async_transport", "watching.questions", "watching.approvals"):
        import_module(f"airflow_provider_clockify.{module}")


async def transport_of(clockify_conn_id: str) -> AsyncTransport:
    """
    Make the transport of a connection, its lookup included, without blocking the event loop.

    :param clockify_conn_id: Connection of type ``clockify``.
    :raises ClockifyMissingConnectionError: Airflow did not give it, or not in time.
    """
    from airflow_provider_clockify.connection import ClockifySettings, reading_connection
    from airflow_provider_clockify.http.async_transport import AsyncTransport

    with reading_connection(clockify_conn_id):
        async with asyncio.timeout(LONGEST_READ):
            connection = await get_async_connection(clockify_conn_id)
    settings = ClockifySettings.of(clockify_conn_id, connection)
    if settings.api_key != connection.password:
        # Airflow masks the password as it is stored. In a thread, since it may tell another process.
        await asyncio.to_thread(mask_secret, str(settings.api_key))
    return AsyncTransport(settings)


async def look_once(clockify_conn_id: str, generator: Generator[Any, Any, T]) -> T:
    """
    Answer a question with one look.

    :param clockify_conn_id: Connection of type ``clockify``.
    :param generator: The look, for example of :func:`~airflow_provider_clockify.watching.questions.look`.
    """
    from airflow_provider_clockify.service.pagination import run_async

    transport = await transport_of(clockify_conn_id)
    return await run_async(transport.send, generator)


def is_final(error: ClockifyError) -> bool:
    """Tell whether waiting on cannot cure an error."""
    from airflow_provider_clockify.airflow_errors import FINAL

    return isinstance(error, FINAL)
