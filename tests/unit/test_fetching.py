# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Answers are fetched by workers and decoded by whoever waits for them; nobody waits for somebody who has left."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_clockify.api.fetching import Fetched
from airflow_provider_clockify.api.messages import ApiResponse
from airflow_provider_clockify.api.pacing import RequestAbandonedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONG = 20


class TimeOut(BaseException):
    """As Airflow's own, which is no Exception, so that nobody takes it for a failed request."""


def answer(body: bytes) -> ApiResponse:
    return ApiResponse(200, {}, body)


class Sender:
    """Gives one answer after another until one can be decoded."""

    def __init__(self, *bodies: bytes) -> None:
        self.bodies = list(bodies)
        self.free = threading.Event()
        self.free.set()
        self.errors: list[BaseException] = []
        self.done = threading.Event()

    def __call__(self, decode: Callable[[ApiResponse], Any], abandoned: Any = None) -> Any:
        assert self.free.wait(LONG)
        try:
            while True:
                try:
                    return decode(answer(self.bodies.pop(0)))
                except ValueError as error:
                    self.errors.append(error)
                    if not self.bodies:
                        raise
        except RequestAbandonedError as error:
            self.errors.append(error)
            raise
        finally:
            self.done.set()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as workers:
        yield workers


def decode(response: ApiResponse) -> tuple[int, str]:
    return int(response.body), threading.current_thread().name


def test_an_answer_is_decoded_by_the_thread_that_waits(pool):
    fetched = Fetched(pool, Sender(b"7"), decode)
    assert fetched.wait() == (7, threading.current_thread().name)


def test_what_was_decoded_is_freed_without_the_garbage_collector(pool):
    class Decoded:
        pass

    gc.disable()
    try:
        fetched = Fetched(pool, Sender(b"7"), lambda _: Decoded())
        left = weakref.ref(fetched.wait())
        del fetched
        pool.submit(int).result()  # Each worker forgets its last task when it has another one.
        pool.submit(int).result()
        for _ in range(LONG * 100):
            if left() is None:
                break
            time.sleep(0.01)
        assert left() is None
    finally:
        gc.enable()


def test_nothing_is_decoded_before_somebody_waits(pool):
    decoded = []
    one, other = (
        Fetched(pool, Sender(body), lambda each: decoded.append(each.body)) for body in (b"1", b"2")
    )
    other.wait()
    assert decoded == [b"2"]
    one.wait()
    assert decoded == [b"2", b"1"]


def test_a_broken_answer_is_fetched_again_by_its_sender(pool):
    sender = Sender(b"broken", b"broken too", b"8")
    assert Fetched(pool, sender, decode).wait()[0] == 8
    assert [type(error) for error in sender.errors] == [ValueError, ValueError]


def test_the_last_error_of_the_sender_is_raised(pool):
    with pytest.raises(ValueError, match="never"):
        Fetched(pool, Sender(b"broken", b"never"), decode).wait()


def test_whoever_is_abandoned_with_an_answer_in_hand_goes_on(pool):
    arrived = threading.Event()
    sender = Sender(b"7")

    def send(decode: Callable[[ApiResponse], Any], abandoned: Any = None) -> Any:
        def handing(response: ApiResponse) -> Any:
            arrived.set()
            return decode(response)

        return sender(handing, abandoned)

    fetched = Fetched(pool, send, decode)
    assert arrived.wait(LONG)
    fetched.abandon()
    assert sender.done.wait(LONG)
    assert [type(error) for error in sender.errors] == [RequestAbandonedError]


def test_an_answer_that_arrives_after_it_was_abandoned_is_not_waited_with(pool):
    sender = Sender(b"7")
    sender.free.clear()
    given: list[threading.Event] = []

    def send(decode: Callable[[ApiResponse], Any], abandoned: Any = None) -> Any:
        given.append(abandoned)
        return sender(decode, abandoned)

    fetched = Fetched(pool, send, decode)
    fetched.abandon()
    sender.free.set()
    assert sender.done.wait(LONG)
    assert given[0].is_set(), "the sender is told, so that it asks nothing more"
    assert [type(error) for error in sender.errors] == [RequestAbandonedError]


@pytest.mark.parametrize("answers", [1, 2])
def test_a_time_out_while_decoding_reaches_who_waits_and_frees_the_sender(pool, answers):
    sender = Sender(*[b"broken"] * (answers - 1), b"7")

    def slow(response: ApiResponse) -> int:
        if response.body == b"7":
            raise TimeOut
        return int(response.body)

    with pytest.raises(TimeOut):
        Fetched(pool, sender, slow).wait()
    assert sender.done.wait(LONG)
    assert type(sender.errors[-1]) is RequestAbandonedError


def test_a_time_out_while_nothing_has_arrived_frees_the_sender(pool, monkeypatch):
    sender = Sender(b"7")
    sender.free.clear()
    fetched = Fetched(pool, sender, decode)

    class Interrupted:
        def __init__(self, queue: Any) -> None:
            self.put, self.empty = queue.put, queue.empty

        def get(self) -> Any:
            raise TimeOut

    monkeypatch.setattr(fetched, "_arrived", Interrupted(fetched._arrived))
    with pytest.raises(TimeOut):
        fetched.wait()
    sender.free.set()
    assert sender.done.wait(LONG)
    assert type(sender.errors[-1]) is RequestAbandonedError
