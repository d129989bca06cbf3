# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Private files that hold the rows of a chunk until it is proven complete."""

from __future__ import annotations

from bisect import bisect_right
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING

from airflow_provider_clockify.export.storage import HashingFile
from airflow_provider_clockify.reading.chunk_reading import IdFile
from airflow_provider_clockify.service.values import lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from airflow_provider_clockify.export.plan import Output
    from airflow_provider_clockify.export.storage import Staging


class Spools:
    """
    The rows of one chunk, as lines, in one private file per output, and their ids in another.

    :param staging: Private folder of the export.
    :param name: Begins the names of the files.
    :param outputs: Files that hold a part of the chunk, in the order of time.
    :param is_final: Whether the rows of an output, as they are, are the file to publish.
    :ivar ids: Their ids.
    """

    def __init__(
        self,
        staging: Staging,
        name: str,
        outputs: Sequence[Output],
        *,
        is_final: bool = False,
    ) -> None:
        self.outputs = outputs
        self._starts = [output.window.start for output in outputs]
        self._keys = [output.key for output in outputs]
        self._is_final = is_final
        self._finished: dict[str, HashingFile] = {}
        self._counts: dict[str, int] = {}
        self._paths = {output.key: staging.path(f"{name}-{output.key}.rows") for output in outputs}
        self._files: dict[str, IO[bytes] | HashingFile] = {}
        self.ids = IdFile(staging.path(f"{name}.ids"))

    @property
    def paths(self) -> list[Path]:
        """All files: the rows of each output, and the ids."""
        return [*self._paths.values(), self.ids.path]

    def __contains__(self, output: Output) -> bool:
        """Tell whether an output has a part of the chunk."""
        return output.key in self._paths

    def path(self, output: Output) -> Path:
        """Return the file of one of the outputs."""
        return self._paths[output.key]

    def finished(self, output: Output) -> tuple[HashingFile, int] | None:
        """
        Return the file of an output that needs no second writing, and the number of its rows.

        :return: ``None`` if it does: it has another format, or was read by an attempt before this one.
        """
        file = self._finished.get(output.key)
        return None if file is None else (file, self._counts[output.key])

    def restart(self) -> None:
        """Forget all rows: the chunk is read again."""
        self.close()
        for path in self.paths:
            path.unlink(missing_ok=True)  # It may be the file of a kept part as well, which stays as it is.
        # One after the other: those before one that cannot be opened are closed.
        for key, path in self._paths.items():
            self._files[key] = HashingFile(path) if self._is_final else path.open("wb")
        self._finished = {key: file for key, file in self._files.items() if isinstance(file, HashingFile)}
        self._counts = dict.fromkeys(self._paths, 0)
        self.ids.restart()

    def write(self, ids: Sequence[str], rows: Sequence[bytes], starts: Sequence[datetime]) -> None:
        """Take rows, each for the output that holds its start."""
        for key, part in self._by_output(rows, starts).items():
            self._files[key].write(lines(part))
            self._counts[key] += len(part)
        self.ids.write(ids)

    def _by_output(self, rows: Sequence[bytes], starts: Sequence[datetime]) -> Mapping[str, Sequence[bytes]]:
        if len(self._keys) == 1:
            return {self._keys[0]: rows}
        parts: dict[str, list[bytes]] = {}
        for row, start in zip(rows, starts, strict=True):
            parts.setdefault(self._keys[bisect_right(self._starts, start) - 1], []).append(row)
        return parts

    def close(self) -> None:
        """Close the files; their rows stay."""
        files, self._files = self._files, {}
        with ExitStack() as stack:  # All of them, even where one cannot be written to its end.
            for file in files.values():
                stack.callback(file.close)
