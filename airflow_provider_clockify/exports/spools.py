# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Private files that hold the rows of a chunk until it is proven complete."""

from __future__ import annotations

from contextlib import ExitStack
from heapq import merge
from itertools import repeat
from typing import IO, TYPE_CHECKING

from airflow_provider_clockify.api.values import lines
from airflow_provider_clockify.sinks.storage import HashingFile
from airflow_provider_clockify.window import partition_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from airflow_provider_clockify.exports.plan import Output
    from airflow_provider_clockify.sinks.storage import Staging
    from airflow_provider_clockify.window import PartitionUnit


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
        self.close()
        for path in self.paths:
            path.unlink(missing_ok=True)  # It may be the file of a kept part as well, which stays as it is.
        self._finished = (
            {key: HashingFile(path) for key, path in self._paths.items()} if self._is_final else {}
        )
        self._files = dict(self._finished) or {key: path.open("wb") for key, path in self._paths.items()}
        self._counts = dict.fromkeys(self._paths, 0)
        self._ids = self.ids.open("w", encoding="utf-8", newline="\n")
        self.plain_ids = True

    def write(self, ids: Sequence[str], rows: Sequence[bytes], starts: Sequence[datetime]) -> None:
        """Take rows, each for the output that holds its start."""
        for key, part in self._by_output(rows, starts).items():
            self._files[key].write(lines(part))
            self._counts[key] += len(part)
        assert self._ids is not None
        self._ids.write(self._id_lines(ids))

    def _by_output(self, rows: Sequence[bytes], starts: Sequence[datetime]) -> Mapping[str, Sequence[bytes]]:
        if self._unit is None:
            return {"": rows}
        parts: dict[str, list[bytes]] = {}
        for row, start in zip(rows, starts, strict=True):
            parts.setdefault(partition_of(start, self._unit), []).append(row)
        return parts

    def _id_lines(self, ids: Sequence[str]) -> str:
        """Give ids as lines; line breaks and the like in them are escaped, which changes their place in the order."""
        if not _is_line("".join(ids)):
            self.plain_ids = False
            ids = [row_id if _is_line(row_id) else row_id.encode("unicode_escape").decode() for row_id in ids]
        return "\n".join([*ids, ""])

    def close(self) -> None:
        """Close the files; their rows stay."""
        for file in self._files.values():
            file.close()
        self._files = {}
        if self._ids is not None:
            self._ids.close()


def _is_line(text: str) -> bool:
    return text.isprintable() and "\\" not in text


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
