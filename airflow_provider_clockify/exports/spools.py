# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Private files that hold the rows of a chunk until it is proven complete."""

from __future__ import annotations

from contextlib import ExitStack
from heapq import merge
from itertools import repeat
from typing import IO, TYPE_CHECKING

from airflow_provider_clockify.api.values import one_line
from airflow_provider_clockify.window import partition_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from airflow_provider_clockify.exports.plan import Output
    from airflow_provider_clockify.sinks.storage import Staging
    from airflow_provider_clockify.window import PartitionUnit

# Rows are small, and each file of a chunk has a buffer: at most 31 of days.
BUFFER = 1 << 16


class Spools:
    """
    The rows of one chunk, as lines, in one private file per output, and their ids in another.

    :ivar plain_ids: Whether all ids are in the file as they are, and so in the order in which the rows came.
    """

    def __init__(
        self, staging: Staging, name: str, outputs: Sequence[Output], unit: PartitionUnit | None
    ) -> None:
        self._unit = unit
        self._paths = {output.key: staging.path(f"{name}-{output.key}.rows") for output in outputs}
        self._files: dict[str, IO[bytes]] = {}
        self.ids = staging.path(f"{name}.ids")
        self._ids: IO[str] | None = None
        self.plain_ids = True

    @property
    def paths(self) -> list[Path]:
        """All files: the rows of each output, and the ids."""
        return [*self._paths.values(), self.ids]

    def path(self, output: Output) -> Path | None:
        """Give the file of an output; ``None`` when the chunk has no part of it."""
        return self._paths.get(output.key)

    def restart(self) -> None:
        """Forget all rows: the chunk is read again."""
        self.close()
        for path in self.paths:
            path.unlink(missing_ok=True)  # It may be the file of a kept part as well, which stays as it is.
        self._files = {key: path.open("wb", BUFFER) for key, path in self._paths.items()}
        self._ids = self.ids.open("w", encoding="utf-8", newline="\n")
        self.plain_ids = True

    def write(self, row_id: str, row: bytes, start: datetime) -> None:
        """Take a row for the output that holds its start."""
        file = self._files[partition_of(start, self._unit) if self._unit else ""]
        file.write(one_line(row))
        if self._ids is not None:
            self._ids.write(self._line_of(row_id) + "\n")

    def _line_of(self, row_id: str) -> str:
        """Give an id as one line; line breaks and the like are escaped, which changes its place in the order."""
        if row_id.isprintable() and "\\" not in row_id:
            return row_id
        self.plain_ids = False
        return row_id.encode("unicode_escape").decode()

    def close(self) -> None:
        """Close the files; their rows stay."""
        for file in self._files.values():
            file.close()
        self._files = {}
        if self._ids is not None:
            self._ids.close()


def moved_entries(chunks: Sequence[tuple[Path, int]]) -> list[int]:
    """
    Find the chunks that hold an entry which a chunk read later holds, too: its start was edited in between.

    :param chunks: For each chunk the file of its ids, sorted, one a line, and when it was read (a growing number).
    :return: Numbers of the outdated chunks.
    """
    if len(chunks) < 2:
        return []
    outdated: set[int] = set()
    with ExitStack() as stack:
        files = [
            zip(stack.enter_context(path.open(encoding="utf-8")), repeat((order, number)))
            for number, (path, order) in enumerate(chunks)
        ]
        previous, read = "", (0, 0)
        for line, latest in merge(*files):
            if line == previous:
                outdated.add(min(read, latest)[1])
                read = max(read, latest)
            else:
                previous, read = line, latest
    return sorted(outdated)
