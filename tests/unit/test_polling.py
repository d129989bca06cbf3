# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from airflow_provider_clockify.exceptions import ClockifyServerError
from airflow_provider_clockify.triggers._polling import FORGET_AFTER, SWEEP, SharedPolls, shared_polls


class Service:
    """Answers with the number of the look; waits while it is closed."""

    def __init__(self) -> None:
        self.looks = 0
        self.ended = 0
        self.cancelled = 0
        self.open = asyncio.Event()
        self.open.set()
        self.error: Exception | None = None

    async def look(self) -> int:
        self.looks += 1
        number = self.looks
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.ended += 1
        if self.error:
            raise self.error
        return number


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def run(scenario):
    async def inside() -> None:
        clock = Clock()
        await scenario(SharedPolls(clock), Service(), clock)
        for _ in range(3):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(inside())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_thousand_askers_cost_one_look_per_interval():
    async def scenario(polls, service, clock):
        for interval in range(1, 4):
            found = await asyncio.gather(*(polls.ask("q", 60, service.look) for _ in range(1000)))
            assert found == [interval] * 1000
            assert service.looks == interval
            clock.now += 59.9
            assert await polls.ask("q", 60, service.look) == interval
            clock.now += 0.1

    run(scenario)


def test_a_look_under_way_is_shared_however_long_it_takes():
    async def scenario(polls, service, clock):
        service.open.clear()
        first = asyncio.create_task(polls.ask("q", 60, service.look))
        await settle()
        clock.now += 1000
        second = asyncio.create_task(polls.ask("q", 60, service.look))
        await settle()
        service.open.set()
        assert await asyncio.gather(first, second) == [1, 1]
        clock.now += 59
        assert await polls.ask("q", 60, service.look) == 1  # It counts from the end of the look.

    run(scenario)


def test_other_questions_have_looks_of_their_own():
    async def scenario(polls, service, clock):
        assert await polls.ask("a", 60, service.look) == 1
        assert await polls.ask("b", 60, service.look) == 2
        assert await polls.ask("a", 60, service.look) == 1

    run(scenario)


def test_who_asks_more_often_looks_for_those_who_ask_less_often():
    async def scenario(polls, service, clock):
        assert await polls.ask("q", 300, service.look) == 1
        clock.now += 60
        assert await polls.ask("q", 60, service.look) == 2
        clock.now += 250
        assert await polls.ask("q", 300, service.look) == 2

    run(scenario)


def test_who_stops_waiting_does_not_take_the_look_from_the_others():
    async def scenario(polls, service, clock):
        service.open.clear()
        tasks = [asyncio.create_task(polls.ask("q", 60, service.look)) for _ in range(3)]
        await settle()
        tasks[0].cancel()
        await settle()
        service.open.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(found[0], asyncio.CancelledError)
        assert found[1:] == [1, 1]
        assert service.cancelled == 0

    run(scenario)


def test_a_look_that_nobody_waits_for_any_more_ends():
    async def scenario(polls, service, clock):
        service.open.clear()
        tasks = [asyncio.create_task(polls.ask("q", 60, service.look)) for _ in range(3)]
        await settle()
        for task in tasks:
            task.cancel()
        await settle()
        assert service.cancelled == 1
        service.open.set()
        assert await polls.ask("q", 60, service.look) == 2

    run(scenario)


def test_who_asks_while_an_abandoned_look_ends_gets_a_new_one():
    async def scenario(polls, service, clock):
        service.open.clear()
        task = asyncio.create_task(polls.ask("q", 60, service.look))
        await settle()
        task.cancel()
        await asyncio.sleep(0)
        service.open.set()
        assert await polls.ask("q", 60, service.look) == 2

    run(scenario)


def test_everybody_gets_the_error_and_asks_again_after_an_interval():
    async def scenario(polls, service, clock):
        service.error = ClockifyServerError("down", status=503)
        found = await asyncio.gather(
            *(polls.ask("q", 60, service.look) for _ in range(10)), return_exceptions=True
        )
        assert found == [service.error] * 10
        with pytest.raises(ClockifyServerError, match="down"):
            await polls.ask("q", 60, service.look)
        assert service.looks == 1
        service.error = None
        clock.now += 60
        assert await polls.ask("q", 60, service.look) == 2

    run(scenario)


def test_a_shared_error_does_not_grow_with_those_who_meet_it():
    async def scenario(polls, service, clock):
        service.error = ClockifyServerError("down", status=503)
        lengths = set()
        for _ in range(5):
            with pytest.raises(ClockifyServerError) as caught:
                await polls.ask("q", 60, service.look)
            lengths.add(len(caught.traceback))
        assert len(lengths) <= 2

    run(scenario)


def test_an_error_that_nobody_waits_for_is_no_news(caplog):
    async def scenario(polls, service, clock):
        service.open.clear()
        service.error = ClockifyServerError("down", status=503)
        task = asyncio.create_task(polls.ask("q", 60, service.look))
        await settle()
        service.open.set()
        task.cancel()
        await settle()

    run(scenario)
    gc.collect()
    assert "never retrieved" not in caplog.text


def test_what_nobody_asks_for_is_forgotten():
    async def scenario(polls, service, clock):
        for number in range(100):
            await polls.ask(number, 60, service.look)
        clock.now += FORGET_AFTER * 60 + SWEEP + 1
        await polls.ask("q", 60, service.look)
        assert list(polls._polls) == ["q"]

    run(scenario)


def test_what_is_asked_for_rarely_is_not_forgotten_between_two_looks():
    async def scenario(polls, service, clock):
        await polls.ask("rare", 3600, service.look)
        for _ in range(50):
            clock.now += 70
            await polls.ask("often", 60, service.look)
        looks = service.looks
        await polls.ask("rare", 3600, service.look)
        assert service.looks == looks

    run(scenario)


def test_a_question_is_not_forgotten_while_its_look_is_under_way():
    async def scenario(polls, service, clock):
        service.open.clear()
        first = asyncio.create_task(polls.ask("slow", 1, service.look))
        await settle()
        clock.now += 10_000
        other = asyncio.create_task(polls.ask("other", 1, service.look))
        await settle()
        second = asyncio.create_task(polls.ask("slow", 1, service.look))
        await settle()
        service.open.set()
        assert await asyncio.gather(first, second) == [1, 1]
        await other

    run(scenario)


def test_each_event_loop_has_its_own_looks_and_takes_them_along():
    seen = []

    async def once() -> None:
        assert shared_polls() is shared_polls()
        service = Service()
        assert await shared_polls().ask("q", 60, service.look) == 1
        seen.append(weakref.ref(shared_polls()))

    for _ in range(2):
        asyncio.run(once())
    gc.collect()
    assert [reference() for reference in seen] == [None, None]
