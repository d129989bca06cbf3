# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Several windows that tile a longer time, each proven on its own, and then all of them together.

Each chunk is exact as of the moment it was read. An entry whose start is edited meanwhile can still be in two of them,
or, moved to one that was read already, in none. So after the last chunk, ids that are in two are looked for, and the
service is asked for its sums again: of the whole time with one request, or, where the plan does not allow so long a
time, of each chunk but the one read last. What differs is read again, and then everything is compared again, until
there is one moment at which all chunks were as they were read. (Sums of chunks are of several moments: an entry that
is moved twice while they are asked for could escape them. Sums of the whole time are of one.)
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Generic, Protocol, TypeVar

from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyIncompleteError,
    ClockifyNotFoundError,
)
from airflow_provider_clockify.reading.reader import MAX_READS, Reader, ReadResult, RowSink

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from airflow_provider_clockify.window import Window

log = logging.getLogger(__name__)

# Bytes of each chunk's ids that are compared at a time, some 2,500 ids.
BLOCK = 64 * 1024


class IdFile:
    """
    The ids of a chunk in a private file, one a line.

    :param path: Where.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None
        self._plain = True

    def restart(self) -> None:
        """Forget all ids."""
        self.close()
        self.path.unlink(missing_ok=True)
        self._file = self.path.open("w", encoding="utf-8", newline="\n")
        self._plain = True

    def write(self, ids: Sequence[str]) -> None:
        """Take ids; line breaks and the like in them are escaped, which changes their place in the order."""
        if not _is_line("".join(ids)):
            self._plain = False
            ids = [row_id if _is_line(row_id) else row_id.encode("unicode_escape").decode() for row_id in ids]
        if self._file is not None:
            self._file.write("\n".join([*ids, ""]))

    def close(self) -> None:
        """Close the file; the ids stay."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def put_in_order(self, *, came_in_order: bool) -> None:
        """
        Sort the ids of the closed file.

        :param came_in_order: Whether they were sorted when they came.
        """
        if not (came_in_order and self._plain):
            lines = sorted(self.path.read_text(encoding="utf-8").splitlines(keepends=True))
            self.path.write_text("".join(lines), encoding="utf-8")


def _is_line(text: str) -> bool:
    return text.isprintable() and "\\" not in text


class Spool(RowSink, Protocol):
    """Takes the rows of one chunk, and their ids."""

    @property
    def ids(self) -> IdFile:
        """The ids."""

    def close(self) -> None:
        """Close the files of the rows; the rows stay."""


class Allowance(Protocol):
    """Keeps the requests of an export within a quota."""

    @property
    def is_free(self) -> bool:
        """Whether the quota is known to be no more than the Free plan's."""

    @property
    def is_limited(self) -> bool:
        """Whether requests are counted, so that none may be spent on what might not be read."""

    def begin(self, parts: int) -> None:
        """Check before one of several parts, of at least one request each."""

    def begin_unit(self, requests: int) -> None:
        """Check before requests that are of use only together."""

    def fits(self, requests: int) -> bool:
        """Whether that check is known to pass."""


AnySpool = TypeVar("AnySpool", bound=Spool)


@dataclass(frozen=True, slots=True)
class ChunkRead(Generic[AnySpool]):
    """
    A chunk that was read and proven.

    :param spool: Its rows.
    :param result: What was read.
    :param order: Grows with each read of any chunk.
    """

    spool: AnySpool
    result: ReadResult
    order: int


class ChunkReads(Generic[AnySpool]):
    """
    Reads the chunks of a window.

    :param reader: Reads the report.
    :param window: The whole time.
    :param chunks: Windows that tile it.
    :param spool: From the number of a chunk to an empty spool for it.
    :param budget: Asked before each chunk whether it, and what comes after it, may be spent.
    :param restored: What an earlier attempt has read, by the number of the chunk.
    :param keep: Told of each chunk that was read.
    """

    def __init__(
        self,
        reader: Reader,
        window: Window,
        chunks: Sequence[Window],
        spool: Callable[[int], AnySpool],
        *,
        budget: Allowance | None = None,
        restored: Mapping[int, ChunkRead[AnySpool]] | None = None,
        keep: Callable[[int, ChunkRead[AnySpool]], None] = lambda _, __: None,
    ) -> None:
        self._reader = reader
        self._window = window
        self._chunks = chunks
        self._spool = spool
        self._budget = budget
        self._restored = restored or {}
        self._keep = keep
        self._order = max((chunk.order for chunk in self._restored.values()), default=-1) + 1
        # Known to be refused on the Free plan; otherwise tried once.
        self._whole_at_once = reader.sums_windows_up and (budget is None or not budget.is_free)
        self._asked: Callable[[], bool] | None = None
        self.reads: list[ChunkRead[AnySpool]] = []

    def read(self) -> list[ChunkRead[AnySpool]]:
        """
        Read every chunk, and prove all of them together.

        :return: The chunks, in order.
        :raises ClockifyIncompleteError: the data kept changing.
        """
        with self._reader:
            missing = [number for number in range(len(self._chunks)) if number not in self._restored]
            for number in range(len(self._chunks)):
                chunk = self._restored.get(number)
                if chunk is None:
                    missing.remove(number)
                    chunk = self._read(number, missing)
                self.reads.append(chunk)
            for _ in range(MAX_READS):
                outdated = self._outdated()
                if not outdated:
                    return self.reads
                for number in outdated:
                    self.reads[number] = self._read(number, ())
            if not self._outdated():
                return self.reads
        raise ClockifyIncompleteError(
            f"The data of {self._window} keep changing while they are read, so that its {len(self._chunks)} parts do "
            "not fit together. Run again when fewer people edit this window."
        )

    def _proof(self) -> int:
        """Return how many requests it takes to prove all chunks together."""
        others = len(self._chunks) - 1
        return min(others, 1) if self._whole_at_once else others

    def _read(self, number: int, later: Sequence[int]) -> ChunkRead[AnySpool]:
        may_look_ahead = True
        if self._budget is not None:
            self._budget.begin(1 + len(later) + self._proof())
            may_look_ahead = not self._budget.is_limited
        window = self._chunks[number]
        spool = self._spool(number)
        upcoming = [self._chunks[each] for each in later] if may_look_ahead else []
        try:
            result = self._reader.read(window, spool, upcoming)
        finally:
            with closing(spool.ids):
                spool.close()
        spool.ids.put_in_order(came_in_order=self._reader.sorted_by_id)
        log.info(
            "Read %s (%d of %d): %d rows in %d pages.",
            window,
            number + 1,
            len(self._chunks),
            result.rows,
            result.pages,
        )
        chunk = ChunkRead(spool, result, self._order)
        self._order += 1
        if number == len(self.reads) == len(self._chunks) - 1:
            self._ask_ahead([*self.reads, chunk])
        self._keep(number, chunk)
        return chunk

    def _ask_ahead(self, reads: Sequence[ChunkRead[AnySpool]]) -> None:
        """Ask for the sums of all chunks, which are read now, while the last one is kept and written."""
        fits = self._budget is None or self._budget.fits(1)
        if len(reads) > 1 and self._whole_at_once and fits and not _moved(reads):
            self._asked = self._ask(reads)

    def _ask(self, reads: Sequence[ChunkRead[AnySpool]]) -> Callable[[], bool]:
        """Ask whether the sums of the whole time still are those of all chunks."""
        return self._reader.ask_unchanged(self._window, [chunk.result for chunk in reads])

    def _outdated(self) -> Sequence[int]:
        """Find the chunks that have to be read again."""
        if len(self.reads) < 2:
            return ()
        asked, self._asked = self._asked, None
        if asked is None:
            moved = _moved(self.reads)
            if moved:
                log.warning(
                    "Entries moved between the chunks while they were read; reading %d again.", len(moved)
                )
                return moved
            if self._budget is not None:
                self._budget.begin_unit(self._proof())
        if self._whole_at_once:
            try:
                is_unchanged = asked or self._ask(self.reads)
                if is_unchanged():
                    return ()
            except ClockifyNotFoundError:
                raise
            except ClockifyBadRequestError as error:
                log.info("The service gives no sums of %s at once: %s", self._window, error)
                self._whole_at_once = False
                if self._budget is not None:
                    self._budget.begin_unit(self._proof())
        last = max(range(len(self.reads)), key=lambda number: self.reads[number].order)
        changed = [
            number
            for number, chunk in enumerate(self.reads)
            if number != last and not self._reader.is_unchanged(self._chunks[number], [chunk.result])
        ]
        if self._whole_at_once and not changed:
            changed = [last]
        if changed:
            log.warning(
                "The data changed while the chunks were read; reading %d of %d again.",
                len(changed),
                len(self.reads),
            )
        return changed


def _moved(reads: Sequence[ChunkRead[AnySpool]]) -> list[int]:
    return moved_entries([(chunk.spool.ids.path, chunk.order) for chunk in reads])


def moved_entries(chunks: Sequence[tuple[Path, int]]) -> list[int]:
    """
    Find the chunks that hold an entry which a chunk read later holds, too: its start was edited in between.

    :param chunks: For each chunk the file of its ids, sorted, one a line, and when it was read (a growing number).
    :return: Numbers of the outdated chunks.
    """
    outdated: set[int] = set()
    orders = [(order, number) for number, (_, order) in enumerate(chunks)]
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("rb")) for path, _ in chunks]
        blocks = [file.readlines(BLOCK) for file in files]
        while any(blocks):
            # What comes until the first of the blocks ends stands in these blocks, whichever file has it.
            end = min(block[-1] for block in blocks if block)
            places = [bisect_right(block, end) for block in blocks]
            heads = [block[:place] for block, place in zip(blocks, places, strict=True)]
            if len(set().union(*heads)) < sum(places):
                latest: dict[bytes, tuple[int, int]] = {}
                for read, head in zip(orders, heads, strict=True):
                    for line in head:
                        known = latest.setdefault(line, read)
                        if known != read:
                            outdated.add(min(known, read)[1])
                            latest[line] = max(known, read)
            blocks = [
                block[place:] or file.readlines(BLOCK)
                for block, place, file in zip(blocks, places, files, strict=True)
            ]
    return sorted(outdated)
