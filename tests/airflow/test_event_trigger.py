# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The watcher's trigger in Airflow's own shared streams, with a store that outlives it."""

from __future__ import annotations

import asyncio
import copy
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest

from airflow_provider_clockify._compat import HAS_ASSET_STATE, HAS_EVENT_TRIGGERS
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.testing import ClockifyEmulator
from airflow_provider_clockify.triggers import _event_stream as event_stream
from airflow_provider_clockify.triggers import time_entries as event_entries
from airflow_provider_clockify.triggers.time_entries import ClockifyTimeEntryEventTrigger

needs_events = pytest.mark.skipif(not HAS_EVENT_TRIGGERS, reason="Airflow 3")
needs_store = pytest.mark.skipif(not HAS_ASSET_STATE, reason="Airflow 3.3")

ARGUMENTS: dict[str, Any] = {
    "clockify_conn_id": "clockify_default",
    "workspace_id": "64a687e29ae1f428e7ebe303",
    "detect": "changed",
    "filters": {"projects": ["p1", "p2"], "billable": True},
    "poll_interval": 600,
    "since": "2026-11-01T00:00:00+00:00",
}


@pytest.mark.skipif(HAS_EVENT_TRIGGERS, reason="Airflow 2")
def test_airflow_2_says_what_to_use_instead() -> None:
    with pytest.raises(ClockifyConfigError, match="ClockifyTimeEntrySensor"):
        ClockifyTimeEntryEventTrigger()


@needs_events
@pytest.mark.parametrize("arguments", [{}, ARGUMENTS])
def test_arguments_survive_the_way_to_the_triggerer(arguments: dict[str, Any]) -> None:
    path, kwargs = ClockifyTimeEntryEventTrigger(**arguments).serialize()
    module, _, name = path.rpartition(".")
    again = getattr(import_module(module), name)(**json.loads(json.dumps(kwargs)))
    assert type(again) is ClockifyTimeEntryEventTrigger
    assert again.serialize() == (path, kwargs)
    assert copy.deepcopy(again).serialize() == (path, kwargs)
    assert kwargs == {**kwargs, **arguments}


@needs_events
def test_airflow_knows_a_watcher_of_its_database_again(airflow_database: None) -> None:
    """Else each parse of the DAG file would replace the trigger."""
    from airflow.models.trigger import Trigger
    from airflow.triggers.base import BaseEventTrigger

    filters = {"users": ("u1", "u2"), "description": "x"}
    path, kwargs = ClockifyTimeEntryEventTrigger(
        filters=filters, since=datetime(2026, 11, 1, tzinfo=UTC)
    ).serialize()
    stored = Trigger(classpath=path, kwargs=kwargs)
    assert BaseEventTrigger.hash(path, stored.kwargs) == BaseEventTrigger.hash(path, kwargs)


@needs_events
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"detect": "deleted"}, "detect is 'deleted'"),
        ({"filters": {"colour": "red"}}, "colour"),
        ({"filters": {"clients": ["c"]}}, "clients"),
        ({"workspace_id": ""}, "workspace_id is empty"),
        ({"poll_interval": 0}, "poll_interval is 0"),
        ({"since": "yesterday"}, "since"),
    ],
)
def test_wrong_parameters_fail_where_the_dag_is_parsed(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ClockifyConfigError, match=message):
        ClockifyTimeEntryEventTrigger(**arguments)


@pytest.mark.skipif(not HAS_EVENT_TRIGGERS or HAS_ASSET_STATE, reason="Airflow 3.0 to 3.2")
def test_starts_cannot_be_watched_without_a_memory() -> None:
    with pytest.raises(ClockifyConfigError, match="needs Airflow 3.3"):
        ClockifyTimeEntryEventTrigger(detect="started")


class Store:
    """What Airflow keeps for one asset."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.broken = False

    async def aget(self, key: str, default: Any = None) -> Any:
        if self.broken:
            raise RuntimeError("the API server is away")
        return json.loads(self.values[key]) if key in self.values else default

    async def aset(self, key: str, value: Any) -> None:
        if self.broken:
            raise RuntimeError("the API server is away")
        self.values[key] = json.dumps(value)

    @property
    def pending(self) -> list[Any]:
        return [batch for text in self.values.values() for batch in json.loads(text)["pending"]]


class Accessors:
    """What a trigger with some assets gets; like Airflow's, it refuses to be used as if it were one."""

    def __init__(self, *stores: Store) -> None:
        self._by_name = {f"asset{number}": store for number, store in enumerate(stores)}
        self._by_uri: dict[str, Any] = {}

    async def aget(self, key: str, default: Any = None) -> Any:
        raise ValueError(f"Task has {len(self._by_name)} concrete inlets and outlets")

    aset = aget


class Triggerer:
    """Runs watchers as Airflow does: events leave, are stored, and the streams hear of it, or it dies before."""

    def __init__(self) -> None:
        from airflow.triggers.shared_stream import SharedStreamManager

        self.streams = SharedStreamManager()
        self.stored: dict[int, list[dict[str, Any]]] = {}
        self.unconfirmed: list[int] = []
        self.tasks: list[asyncio.Task[None]] = []

    def watch(self, *stores: Store, **arguments: Any) -> list[dict[str, Any]]:
        trigger = ClockifyTimeEntryEventTrigger(poll_interval=1, **arguments)
        trigger.asset_state_store = Accessors(*stores)  # type: ignore[assignment]
        number = len(self.tasks) + 1
        self.stored[number] = []
        self.tasks.append(asyncio.ensure_future(self._run(number, trigger)))
        return self.stored[number]

    async def _run(self, number: int, trigger: Any) -> None:
        key = trigger.shared_stream_key()
        stream = self.streams.subscribe(trigger_id=number, trigger=trigger, key=key)
        async for event in trigger.filter_shared_stream(stream):
            seq = self.streams.bind_pending_event(trigger_id=number, key=key)
            assert seq is not None
            self.unconfirmed.append(seq)
            self.stored[number].append(json.loads(json.dumps(event.payload)))

    async def confirm(self) -> None:
        self.streams.confirm_persisted(self.unconfirmed)
        self.unconfirmed.clear()
        await asyncio.sleep(0.05)

    async def die(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.streams.stop_all()


@asynccontextmanager
async def triggerer() -> AsyncIterator[Triggerer]:
    found = Triggerer()
    try:
        yield found
    finally:
        await found.die()


async def until(done: Callable[[], Any], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def add(emulator: ClockifyEmulator, count: int = 1, **fields: Any) -> list[str]:
    start = datetime(2026, 11, 2, 9, tzinfo=UTC)
    return [
        emulator.workspace.add_entry(start=start, end=start + timedelta(hours=1), **fields).id
        for _ in range(count)
    ]


@pytest.fixture
def emulator(
    make_clockify_emulator: Callable, connect: Callable, monkeypatch: pytest.MonkeyPatch
) -> ClockifyEmulator:
    found: ClockifyEmulator = make_clockify_emulator(entries=10)
    connect(found)
    if HAS_ASSET_STATE:
        monkeypatch.setattr("airflow_provider_clockify.triggers._event_producer.GATHER", 0.1)

    async def connection(conn_id: str) -> Any:
        from airflow_provider_clockify._compat import BaseHook

        return await asyncio.to_thread(BaseHook.get_connection, conn_id)

    monkeypatch.setattr("airflow_provider_clockify.triggers._polling.get_async_connection", connection)
    return found


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [entry_id for event in events for entry_id in event["ids"]]


@needs_store
def test_events_say_what_is_new_and_the_cursor_outlives_the_triggerer(emulator: ClockifyEmulator) -> None:
    async def scenario() -> None:
        store = Store()
        async with triggerer() as first:
            events = first.watch(store)
            await until(lambda: store.values)
            added = add(emulator, 3)
            await until(lambda: events)
            assert ids(events) == added
            assert set(events[0]) == {"workspace_id", "count", "window_start", "window_end", "ids", "ids_cut"}
            assert events[0]["workspace_id"] == emulator.workspace.id
            assert store.pending == events
            await first.confirm()
            await until(lambda: not store.pending)
        missed = add(emulator, 2)
        async with triggerer() as second:
            events = second.watch(store)
            await until(lambda: events)
            await asyncio.sleep(1.5)
            assert ids(events) == missed

    asyncio.run(scenario())


@needs_store
def test_an_event_that_nobody_confirmed_comes_again_word_for_word(emulator: ClockifyEmulator) -> None:
    async def scenario() -> None:
        store = Store()
        async with triggerer() as first:
            events = first.watch(store)
            await until(lambda: store.values)
            add(emulator, 3)
            await until(lambda: events)
        later = add(emulator, 2)
        async with triggerer() as second:
            again = second.watch(store)
            await until(lambda: len(again) == 2)
            assert again[0] == events[0]
            assert again[1]["ids"] == later

    asyncio.run(scenario())


@needs_store
def test_assets_of_one_definition_share_a_cursor_and_the_newest_copy_counts(
    emulator: ClockifyEmulator,
) -> None:
    async def scenario() -> None:
        one, two = Store(), Store()
        async with triggerer() as first:
            events = first.watch(one)
            await until(lambda: one.values)
            add(emulator)
            await until(lambda: events)
            await first.confirm()
        async with triggerer() as second:
            events = second.watch(one, two)
            await until(lambda: two.values)
            assert one.values == two.values
            older = dict(two.values)
            added = add(emulator)
            await until(lambda: events)
            await second.confirm()
            assert ids(events) == added
        two.values = older
        async with triggerer() as third:
            events = third.watch(two, one)
            await asyncio.sleep(1.5)
            assert events == []

    asyncio.run(scenario())


@needs_store
def test_watchers_share_their_looks_and_filter_for_themselves(emulator: ClockifyEmulator) -> None:
    async def scenario() -> None:
        stores = [Store() for _ in range(5)]
        async with triggerer() as found:
            everything = [found.watch(store) for store in stores[:4]]
            billable = found.watch(stores[4], filters={"billable": True})
            await until(lambda: all(store.values for store in stores))
            emulator.reset_log()
            began = asyncio.get_running_loop().time()
            plain, paid = add(emulator), add(emulator, billable=True)
            await until(lambda: billable and all(everything))
            await asyncio.sleep(2)
            seconds = asyncio.get_running_loop().time() - began
            assert all(ids(events) == plain + paid for events in everything)
            assert ids(billable) == paid
            assert emulator.count() <= seconds + 2

    asyncio.run(scenario())


@needs_store
def test_no_event_leaves_before_it_is_remembered(emulator: ClockifyEmulator) -> None:
    async def scenario() -> None:
        store = Store()
        async with triggerer() as found:
            events = found.watch(store)
            await until(lambda: store.values)
            store.broken = True
            added = add(emulator)
            await asyncio.sleep(2.5)
            assert events == []
            store.broken = False
            await until(lambda: events)
            assert ids(events) == added

    asyncio.run(scenario())


@needs_store
def test_a_failing_service_delays_and_a_refused_key_pauses(
    emulator: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch, connect: Callable
) -> None:
    monkeypatch.setattr(event_stream, "PAUSE_AFTER_FINAL", 2.0)
    connect(emulator, max_retries=0)

    async def scenario() -> None:
        store = Store()
        async with triggerer() as found:
            events = found.watch(store)
            await until(lambda: store.values)
            emulator.fail(500, times=2)
            added = add(emulator)
            await until(lambda: events)
            emulator.fail(401, times=1)
            added += add(emulator)
            await until(lambda: len(events) == 2)
            assert ids(events) == added
            assert not any(task.done() for task in found.tasks)

    asyncio.run(scenario())


@needs_store
def test_a_missing_connection_delays_a_watcher_by_an_interval(
    emulator: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "AIRFLOW_CONN_CLOCKIFY_DEFAULT"
    value = os.environ[name]

    async def scenario() -> None:
        store = Store()
        async with triggerer() as found:
            monkeypatch.delenv(name)
            events = found.watch(store)
            await until(lambda: store.values)
            added = add(emulator)
            await asyncio.sleep(2.5)
            assert (events, emulator.count()) == ([], 0)
            monkeypatch.setenv(name, value)
            await until(lambda: events, 5)
            monkeypatch.delenv(name)
            added += add(emulator)
            await asyncio.sleep(2.5)
            monkeypatch.setenv(name, value)
            await until(lambda: len(events) == 2, 5)
            assert ids(events) == added
            assert not any(task.done() for task in found.tasks)

    asyncio.run(scenario())


@needs_events
def test_without_a_store_a_missing_connection_delays_a_watcher_by_an_interval(
    emulator: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_entries, "SETTLE", timedelta(seconds=1))
    name = "AIRFLOW_CONN_CLOCKIFY_DEFAULT"
    value = os.environ[name]
    monkeypatch.delenv(name)
    added = add(emulator)

    async def scenario() -> None:
        watch = ClockifyTimeEntryEventTrigger(poll_interval=1).run()
        event = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(2.5)
        assert not event.done()
        assert emulator.count() == 0
        monkeypatch.setenv(name, value)
        async with asyncio.timeout(10):
            assert (await event).payload["ids"] == added

    asyncio.run(scenario())


@needs_store
def test_edits_and_deletions_are_changes(emulator: ClockifyEmulator) -> None:
    emulator.behaviour.entities.deletion_delay = 0
    old = next(iter(emulator.workspace.entries))

    async def scenario() -> None:
        store = Store()
        async with triggerer() as found:
            events = found.watch(store, detect="changed")
            await until(lambda: store.values)
            emulator.workspace.update_entry(old, description="edited")
            await until(lambda: events)
            await asyncio.sleep(1)
            emulator.workspace.delete_entry(old)
            await until(lambda: len(events) == 2)
            assert ids(events) == [old, old]

    asyncio.run(scenario())


@needs_store
def test_a_start_counts_once_however_late_it_shows(emulator: ClockifyEmulator) -> None:
    async def scenario() -> None:
        store = Store()
        since = datetime.now(UTC) - timedelta(hours=3)
        async with triggerer() as found:
            events = found.watch(store, detect="started", since=since)
            await until(lambda: store.values)
            await asyncio.sleep(1.5)
            late = emulator.workspace.add_entry(
                start=since + timedelta(hours=1), end=since + timedelta(hours=2)
            )
            await until(lambda: late.id in ids(events))
            await asyncio.sleep(1.5)
            assert ids(events).count(late.id) == 1

    asyncio.run(scenario())


@needs_store
def test_who_was_away_for_days_catches_up(emulator: ClockifyEmulator) -> None:
    now = datetime.now(UTC)
    added = []
    for days in (9.5, 5, 5, 0.2):
        at = now - timedelta(days=days)
        fields = {"start": at, "end": at + timedelta(hours=1), "description": "in the meantime"}
        added.append(emulator.workspace.add_entry(at=at, **fields).id)

    async def scenario() -> None:
        async with triggerer() as found:
            filters = {"description": "in the meantime"}
            events = found.watch(Store(), since=now - timedelta(days=10), filters=filters)
            await until(lambda: len(ids(events)) >= 4, 30)
            assert ids(events) == added
            assert len(events) == 3

    asyncio.run(scenario())


@needs_events
def test_without_a_store_windows_have_fixed_places(
    emulator: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_entries, "SETTLE", timedelta(seconds=1))

    async def events_until(done: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        async with asyncio.timeout(15):
            async for event in ClockifyTimeEntryEventTrigger(poll_interval=2).run():
                events.append(event.payload)
                if done(events):
                    break
        return events

    now = datetime.now(UTC)
    old = emulator.workspace.add_entry(
        start=now - timedelta(hours=1), end=now, at=now - timedelta(minutes=30)
    ).id
    fresh = add(emulator, 2)
    first = asyncio.run(events_until(lambda events: set(fresh) <= set(ids(events))))
    second = asyncio.run(events_until(lambda events: set(fresh) <= set(ids(events))))
    assert first == second
    assert ids(first)[0] == old
    assert len({event["window_start"] for event in first}) == len(first)


@needs_events
def test_the_event_driven_example_exports_the_last_days_and_today(
    run_dag: Callable, connect: Callable, month: ClockifyEmulator
) -> None:
    """Airflow's test run happens now, whatever its logical date."""
    folder = connect(month)
    today = datetime.now(UTC).date()
    run = run_dag("example_clockify_event_driven", datetime(2026, 11, 12, tzinfo=UTC))
    assert run.state == "success"
    days = sorted(path.name for path in (folder / "time_entries_by_event").iterdir())
    assert days == [f"dt={today + timedelta(days=number - 7)}" for number in range(8)]
    assert run.results["new_ids"] == []
