# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Private files that hold the rows of a chunk until it is proven complete."""

from __future__ import annotations

from contextlib import ExitStack
from heapq import merge
from itertools import repeat
from typing import IO, TYPE_CHECKING

from airflow_provider_clockify.api.values import one_line
from airflow_provider_clockify.sinks.storage import HashingFile
from airflow_provider_clockify.window import partition_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from airflow_provider_clockify.exports.plan import Output
    from airflow_provider_clockify.sinks.storage import Staging
    from airflow_provider_clockify.window import PartitionUnit

# Rows are small: they are written together, once they come to so many bytes.
BLOCK = 1 << 19


class Spools:
    """
    The rows of one chunk, as lines, in one private file per output, and their ids in another.

    :param is_final: Whether the rows of an output, as they are, are the file to publish.
    :ivar plain_ids: Whether all ids are in the file as they are, and so in the order in which the rows came.
    """

    def __init__(
        self,
        staging: Staging,
        name: str,
        outputs: Sequence[Output],
        unit: PartitionUnit | None,
        *,
        is_final: bool = False,
    ) -> None:
        self._unit = unit
        self._is_final = is_final
        self._finished: dict[str, HashingFile] = {}
        self._counts: dict[str, int] = {}
        self._paths = {output.key: staging.path(f"{name}-{output.key}.rows") for output in outputs}
        self._files: dict[str, IO[bytes] | HashingFile] = {}
        self.ids = staging.path(f"{name}.ids")
        self._ids: IO[str] | None = None
        self._rows: dict[str, list[bytes]] = {}
        self._row_ids: list[str] = []
        self._waiting = 0
        self.plain_ids = True

    @property
    def paths(self) -> list[Path]:
        """All files: the rows of each output, and the ids."""
        return [*self._paths.values(), self.ids]

    def path(self, output: Output) -> Path | None:
        """Give the file of an output; ``None`` when the chunk has no part of it."""
        return self._paths.get(output.key)

    def finished(self, output: Output) -> tuple[HashingFile, int] | None:
        """
        Give the file of an output that needs no second writing, and the number of its rows.

        :return: ``None`` if it does: it has another format, or was read by an attempt before this one.
        """
        file = self._finished.get(output.key)
        return None if file is None else (file, self._counts[output.key])

    def restart(self) -> None:
        """Forget all rows: the chunk is read again."""
        for rows in self._rows.values():
            rows.clear()
        self._row_ids.clear()
        self.close()
        for path in self.paths:
            path.unlink(missing_ok=True)  # It may be the file of a kept part as well, which stays as it is.
        self._finished = (
            {key: HashingFile(path) for key, path in self._paths.items()} if self._is_final else {}
        )
        self._files = dict(self._finished) or {key: path.open("wb") for key, path in self._paths.items()}
        self._counts = dict.fromkeys(self._paths, 0)
        self._rows = {key: [] for key in self._paths}
        self._ids = self.ids.open("w", encoding="utf-8", newline="\n")
        self.plain_ids = True

    def write(self, row_id: str, row: bytes, start: datetime) -> None:
        """Take a row for the output that holds its start."""
        self._rows[partition_of(start, self._unit) if self._unit else ""].append(one_line(row))
        self._row_ids.append(row_id)
        self._waiting += len(row)
        if self._waiting >= BLOCK:
            self._flush()

    def _flush(self) -> None:
        for key, rows in self._rows.items():
            if rows:
                self._files[key].write(b"".join(rows))
                self._counts[key] += len(rows)
                rows.clear()
        if self._ids is not None:
            self._ids.writelines(self._line_of(row_id) + "\n" for row_id in self._row_ids)
        self._row_ids.clear()
        self._waiting = 0

    def _line_of(self, row_id: str) -> str:
        """Give an id as one line; line breaks and the like are escaped, which changes its place in the order."""
        if row_id.isprintable() and "\\" not in row_id:
            return row_id
        self.plain_ids = False
        return row_id.encode("unicode_escape").decode()

    def close(self) -> None:
        """Close the files; their rows stay."""
        try:
            if self._files:
                self._flush()
        finally:
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
