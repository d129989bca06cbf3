# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Chunks that are each exact, of a time in which entries move between them: all of one moment, or an error."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_clockify.exceptions import ClockifyBadRequestError, ClockifyIncompleteError
from airflow_provider_clockify.reading.chunk_reading import ChunkRead, ChunkReads, IdFile
from airflow_provider_clockify.reading.proof import add_up
from airflow_provider_clockify.reading.reader import MAX_READS, Reader, ReadResult
from airflow_provider_clockify.service.report_kinds import CurrencyAmount, Totals
from airflow_provider_clockify.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

MONTH = timedelta(days=31)
START = datetime(2026, 1, 1, tzinfo=UTC)
Entries = dict[str, int]  # From the id to the number of the chunk that its start lies in.


def parts(count: int) -> list[Window]:
    return [Window(START + n * MONTH, START + (n + 1) * MONTH) for n in range(count)]


@dataclass
class Living(Reader):
    """
    A report over entries that change before the n-th request; every state has a duration of its own.

    :param free: Whether the service refuses sums of more than one chunk.
    :param ahead: Whether sums can be asked for in advance.
    """

    chunks: list[Window]
    entries: Entries
    changes: dict[int, Callable[[Entries], None]] = field(default_factory=dict)
    free: bool = False
    ahead: bool = False
    requests: int = 0
    states: list[Entries] = field(default_factory=list)
    sorted_by_id: bool = True

    def _request(self) -> None:
        self.requests += 1
        if self.requests in self.changes:
            self.changes[self.requests](self.entries)
        self.states.append(dict(self.entries))

    def totals(self, number: int | None = None) -> Totals:
        ids = [each for each, chunk in self.entries.items() if number in (None, chunk)]
        return Totals(entries_count=len(ids), total_time=Decimal(sum(weight(each) for each in ids)))

    def read(self, window: Window, sink: Any, upcoming: Sequence[Window] = ()) -> ReadResult:
        self._request()
        number = self.chunks.index(window)
        ids = sorted(each for each, chunk in self.entries.items() if chunk == number)
        sink.restart()
        sink.write(ids, [b"{}"] * len(ids), [window.start] * len(ids))
        return ReadResult(rows=len(ids), totals=msgspec.to_builtins(self.totals(number)))

    def is_unchanged(self, window: Window, results: Sequence[ReadResult]) -> bool:
        self._request()
        if window in self.chunks:
            return add_up(results, self.totals(self.chunks.index(window)), running=False)
        if self.free:
            raise ClockifyBadRequestError("At most 31 days.", status=400)
        return add_up(results, self.totals(), running=False)

    def ask_unchanged(self, window: Window, results: Sequence[ReadResult]) -> Callable[[], bool]:
        if not self.ahead:
            return super().ask_unchanged(window, results)
        try:
            answer = self.is_unchanged(window, results)
        except ClockifyBadRequestError as error:
            return partial(refuse, error)
        return lambda: answer


def refuse(error: Exception) -> bool:
    raise error


def weight(entry_id: str) -> int:
    return 2 ** int(entry_id[1:])


class Spool:
    def __init__(self, path: Path) -> None:
        self.ids = IdFile(path)

    def write(self, ids: Sequence[str], rows: Sequence[bytes], starts: Sequence[datetime]) -> None:
        self.ids.write(ids)

    def restart(self) -> None:
        self.ids.restart()

    def close(self) -> None: ...


def read(reader: Living, folder: Path, **options: Any) -> list[Entries]:
    window = Window(reader.chunks[0].start, reader.chunks[-1].end)
    reading = ChunkReads(
        reader, window, reader.chunks, lambda n: Spool(folder / f"{reader.requests}-{n}"), **options
    )
    return [
        dict.fromkeys(chunk.spool.ids.path.read_text().split(), n) for n, chunk in enumerate(reading.read())
    ]


def merged(chunks: list[Entries]) -> Entries:
    assert sum(map(len, chunks)) == len({each for chunk in chunks for each in chunk}), (
        "no entry is there twice"
    )
    return {entry: number for chunk in chunks for entry, number in chunk.items()}


def move(entry: str, to: int) -> Callable[[Entries], None]:
    return lambda entries: entries.update({entry: to})


def delete(entry: str) -> Callable[[Entries], None]:
    return lambda entries: entries.pop(entry, None) and None


ENTRIES = {"e0": 0, "e1": 0, "e2": 1, "e3": 1, "e4": 2, "e5": 2}


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        move("e4", 0),
        move("e0", 2),
        delete("e0"),
        delete("e5"),
        lambda e: e.update(e6=0),
        lambda e: e.update(e6=2),
    ],
    ids=[
        "to an earlier chunk",
        "to a later chunk",
        "deleted before",
        "deleted after",
        "new before",
        "new after",
    ],
)
@pytest.mark.parametrize("when", [1, 2, 3])
@pytest.mark.parametrize("ahead", [False, True])
def test_an_edit_while_chunks_are_read_is_in_the_result_as_it_ends(tmp_path, change, when, free, ahead):
    reader = Living(parts(3), dict(ENTRIES), {when: change}, free, ahead)
    found = merged(read(reader, tmp_path))
    assert found in reader.states
    assert found == reader.entries


@pytest.mark.parametrize(("free", "requests"), [(False, 3 + 1), (True, 3 + 1 + 2)])
@pytest.mark.parametrize("ahead", [False, True])
def test_what_the_proof_of_several_chunks_costs(tmp_path, free, requests, ahead):
    reader = Living(parts(3), dict(ENTRIES), free=free, ahead=ahead)
    read(reader, tmp_path)
    assert reader.requests == requests


def test_one_chunk_needs_no_further_proof(tmp_path):
    reader = Living(parts(1), {"e0": 0})
    read(reader, tmp_path)
    assert reader.requests == 1


class Free:
    """A quota that is known to be the Free plan's."""

    is_free = is_limited = True

    def __init__(self, *, room: bool = True) -> None:
        self.asked: list[tuple[str, int]] = []
        self.room = room

    def fits(self, number: int) -> bool:
        return self.room

    def begin(self, number: int) -> None:
        self.asked.append(("begin", number))

    def begin_unit(self, number: int) -> None:
        self.asked.append(("unit", number))


def test_a_free_workspace_is_not_asked_for_what_it_refuses_and_the_budget_knows_what_the_proof_costs(
    tmp_path,
):
    reader, budget = Living(parts(3), dict(ENTRIES), free=True), Free()
    read(reader, tmp_path, budget=budget)
    assert reader.requests == 3 + 2
    assert budget.asked == [("begin", 5), ("begin", 4), ("begin", 3), ("unit", 2)]


@pytest.mark.parametrize(("room", "when_kept"), [(True, [1, 2, 4]), (False, [1, 2, 3])])
def test_the_proof_is_asked_for_before_the_last_chunk_is_kept_if_it_is_known_to_fit(
    tmp_path, room, when_kept
):
    reader, budget, kept = Living(parts(3), dict(ENTRIES), ahead=True), Free(room=room), []
    budget.is_free = False
    read(reader, tmp_path, budget=budget, keep=lambda _, __: kept.append(reader.requests))
    assert kept == when_kept
    assert reader.requests == 4
    assert (("unit", 1) in budget.asked) is not room


def test_restless_data_are_an_error_after_a_few_reads_of_which_the_last_is_checked_too(tmp_path):
    def restless(rounds: int) -> Living:
        # Each round: the sums of the whole time, those of the chunk that was not read last, and that chunk again.
        changes = {
            3 + 3 * number: lambda entries, number=number: entries.update({f"e{7 + number}": number % 2})
            for number in range(rounds)
        }
        return Living(parts(2), {"e0": 0, "e1": 1}, changes)

    with pytest.raises(ClockifyIncompleteError, match="do not fit together"):
        read(restless(MAX_READS + 1), tmp_path)
    calm = restless(MAX_READS)
    assert merged(read(calm, tmp_path)) == calm.entries


@given(
    count=st.integers(2, 4),
    start=st.lists(st.integers(0, 3), min_size=1, max_size=8),
    edits=st.dictionaries(
        st.integers(1, 14), st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers(0, 3))), max_size=6
    ),
    free=st.booleans(),
    ahead=st.booleans(),
    kept=st.integers(0, 3),
)
@settings(max_examples=300, deadline=None)
def test_whatever_is_edited_the_chunks_are_of_one_moment_or_refused(
    tmp_path_factory, count, start, edits, free, ahead, kept
):
    folder = tmp_path_factory.mktemp("chunks")
    entries = {f"e{n}": chunk % count for n, chunk in enumerate(start)}
    made = [len(start)]
    edited: set[str] = set()

    def edit(which: int, to: int | None) -> Callable[[Entries], None]:
        def change(living: Entries) -> None:
            # Sums of each chunk, all that a Free workspace gives, prove nothing of what is edited twice meanwhile.
            known = sorted(living.keys() - edited) if free else sorted(living)
            if known and (to is None or which < 5):
                edited.add(known[which % len(known)])
            if to is None and known:
                living.pop(known[which % len(known)])
            elif which < 5 and known:
                living[known[which % len(known)]] = (to or 0) % count
            else:
                living[f"e{made[0]}"] = (to or 0) % count
                edited.add(f"e{made[0]}")
                made[0] += 1

        return change

    reader = Living(parts(count), entries, {n: edit(*each) for n, each in edits.items()}, free, ahead)
    attempts: dict[int, ChunkRead[Any]] = {}

    class KilledError(Exception):
        pass

    def keep(number: int, chunk: ChunkRead[Any]) -> None:
        attempts[number] = chunk
        if len(attempts) == kept:
            raise KilledError

    try:
        try:
            found = read(reader, folder, keep=keep)
        except KilledError:
            found = read(reader, folder, restored=attempts)
    except ClockifyIncompleteError:
        return
    assert merged(found) in reader.states


def totals(count: int | None, seconds: Any = None, **money: Any) -> Totals:
    amounts = [CurrencyAmount(currency, Decimal(str(amount))) for currency, amount in money.items()]
    return Totals(
        entries_count=count,
        total_time=None if seconds is None else Decimal(str(seconds)),
        total_amount_by_currency=amounts if money else {},
    )


def was_read(totals: Totals) -> ReadResult:
    return ReadResult(totals=msgspec.to_builtins(totals))


@pytest.mark.parametrize(
    ("before", "now", "running", "same"),
    [
        (totals(3, 60), totals(3, 60), False, True),
        (totals(3, 60), totals(4, 60), False, False),
        (totals(3, 60), totals(3, 61), False, False),
        (totals(3, 60), totals(3, 61), True, True),
        (totals(3, 60), totals(4, 60), True, False),
        (totals(3, 60), totals(3), False, True),
        (totals(3, 60, EUR=5), totals(3, 60, EUR=5), False, True),
        (totals(3, 60, EUR=5), totals(3, 60, EUR=6), False, False),
        (totals(3, 60, EUR=5), totals(3, 60, USD=5), False, False),
        (totals(3, 60, EUR=5), totals(3, 60), False, True),
    ],
)
def test_sums_of_one_window_at_two_moments(before, now, running, same):
    assert add_up([was_read(before)], now, running=running) is same


@pytest.mark.parametrize(
    ("each", "whole", "running", "fits"),
    [
        ([totals(1, 60), totals(2, 30)], totals(3, 90), False, True),
        ([totals(1, 60), totals(2, 30)], totals(2, 90), False, False),
        ([totals(1, 60), totals(2, 30)], totals(3, 91), False, False),
        ([totals(1, 60), totals(2, 30)], totals(3, 95), True, True),
        ([totals(1, 60, EUR=5), totals(2, 30, USD=7)], totals(3, 90, EUR=5, USD=7), False, True),
        ([totals(1, 60, EUR=5), totals(2, 30, EUR=7)], totals(3, 90, EUR=14), False, False),
        ([totals(1, 60, EUR="5.4"), totals(2, 30, EUR="7.4")], totals(3, 90, EUR=12), False, True),
        ([totals(1, 60, EUR=5), totals(0, 0)], totals(1, 60, EUR=5), False, True),
        ([totals(1, 60, EUR=5), totals(0, 0)], totals(1, 60, EUR=7), False, False),
    ],
)
def test_sums_of_several_windows_and_of_their_whole_time(each, whole, running, fits):
    assert add_up(list(map(was_read, each)), whole, running=running) is fits
