# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Answers that are fetched by other threads, and decoded by the one that waits for them, when it does.

Python runs one thread at a time. Threads that all decode take the interpreter and the processor's caches from each
other, and what they have decoded lies in memory until its turn. Bytes that wait cost next to nothing.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

from airflow_provider_clockify.api.pacing import RequestAbandonedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from airflow_provider_clockify.api.messages import ApiResponse

T = TypeVar("T")


class _Arrived(Generic[T]):
    """An answer whose thread waits for what it says."""

    def __init__(self, response: ApiResponse) -> None:
        self.response = response
        self.decoded: Future[T] = Future()

    def decode(self, decode: Callable[[ApiResponse], T]) -> None:
        try:
            self.decoded.set_result(decode(self.response))
        except Exception as error:  # noqa: BLE001 - raised where the answer was asked for
            self.decoded.set_exception(error)
        except BaseException:  # Meant for the thread that waits, for example a task's time-out.
            self.decoded.set_exception(RequestAbandonedError())
            raise


def _end(arrived: SimpleQueue[_Arrived[T] | None], _: Future[T]) -> None:
    arrived.put(None)


class Fetched(Generic[T]):
    """
    An answer on its way.

    :param pool: Whose thread fetches it.
    :param send: Sends the request, retries included, unless and until it is given up; called there.
    :param decode: Reads the answer; called by :meth:`wait`.
    """

    def __init__(
        self,
        pool: Executor,
        send: Callable[[Callable[[ApiResponse], T], threading.Event], T],
        decode: Callable[[ApiResponse], T],
    ) -> None:
        self._decode = decode
        self._arrived: SimpleQueue[_Arrived[T] | None] = SimpleQueue()
        self._abandoned = threading.Event()
        self._lock = threading.Lock()
        self._outcome = pool.submit(send, self._hand_over, self._abandoned)
        # Not by way of self: in a circle, answers would live until Python's garbage collector comes round.
        self._outcome.add_done_callback(partial(_end, self._arrived))

    def _hand_over(self, response: ApiResponse) -> T:
        arrived: _Arrived[T] = _Arrived(response)
        with self._lock:
            if self._abandoned.is_set():
                raise RequestAbandonedError
            self._arrived.put(arrived)
        return arrived.decoded.result()

    def wait(self) -> T:
        """
        Wait for the answer, and decode it.

        :return: What it says; the error of the request is raised.
        """
        try:
            while (arrived := self._arrived.get()) is not None:
                arrived.decode(self._decode)
                del arrived  # Else its answer lives on while the next one is awaited.
        except BaseException:  # Its thread must not wait for somebody who has left.
            self.abandon()
            raise
        return self._outcome.result()

    def abandon(self) -> None:
        """Give it up: nothing more is sent; what is on the wire is awaited by its own thread, to its next piece."""
        with self._lock:
            self._abandoned.set()
            while not self._arrived.empty():
                if (arrived := self._arrived.get()) is not None:
                    arrived.decoded.set_exception(RequestAbandonedError())
