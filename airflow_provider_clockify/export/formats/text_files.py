# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""JSON Lines and CSV, as they are or compressed."""

from __future__ import annotations

import csv
import gzip
import io
import re
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_clockify.columns.tables import Column, ColumnType, Table
from airflow_provider_clockify.export.formats.rows import (
    BLOCK,
    MAY_BE_TEXT,
    batches,
    holds_text,
    json_text,
    needed,
)
from airflow_provider_clockify.service.values import plain, utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

# What spreadsheet programs take for the beginning of a formula, after OWASP's page on CSV injection. Text that has
# apostrophes before it gets one more, so that taking one off gives back every text.
_FORMULA = re.compile("'*[=+\\-@\t\r]")
_ESCAPED_FORMULA = re.compile("'+[=+\\-@\t\r]")


def escape_formula(text: str) -> str:
    """Return text that no spreadsheet program takes for a formula: with an apostrophe before what looks like one."""
    return "'" + text if _FORMULA.match(text) else text


def unescape_formula(text: str) -> str:
    """Undo :func:`escape_formula`."""
    return text[1:] if _ESCAPED_FORMULA.match(text) else text


class JsonLinesWriter:
    """One row a line, byte for byte as the service sent it."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target

    def write(self, lines: IO[bytes], table: Table) -> int:
        """Append items; see :meth:`.RowWriter.write`."""
        if table.line is not None:
            return self._changed(lines, table.line)
        rows = 0
        while block := lines.read(BLOCK):
            rows += block.count(b"\n")
            self._target.write(block)
        return rows

    def _changed(self, lines: IO[bytes], line: Callable[[bytes], bytes]) -> int:
        rows = 0
        for each in lines:
            self._target.write(line(each.rstrip(b"\n")) + b"\n")
            rows += 1
        return rows

    def close(self) -> None:
        """Nothing to finish."""


class _LineFeeds:
    r"""Takes CSV rows that end with ``\r\n``, one per call, and ends them with ``\n``."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._write = text.write

    def write(self, row: str) -> int:
        return self._write(row[:-2] + "\n")


class CsvWriter:
    r"""RFC 4180 with a header line, UTF-8, ``\n``; ``None`` is an empty field."""

    def __init__(
        self, target: IO[bytes], columns: Sequence[Column], *, escape_formulas: bool = False
    ) -> None:
        texts = {**_CSV_TEXT, ColumnType.TEXT: escape_formula} if escape_formulas else _CSV_TEXT
        self._texts = [(column.type, texts.get(column.type)) for column in columns]
        self._text = io.TextIOWrapper(target, encoding="utf-8", newline="", write_through=False)
        # Before Python 3.13 only line breaks that are part of the terminator get quotes.
        self._csv = csv.writer(_LineFeeds(self._text), lineterminator="\r\n")
        self._csv.writerow([column.name for column in columns])

    def write(self, lines: IO[bytes], table: Table) -> int:
        """Append items; see :meth:`.RowWriter.write`."""
        count = 0
        for columns in batches(lines, table):
            cells = [
                values
                if text is None or (kind in MAY_BE_TEXT and holds_text(values))
                else [None if v is None else text(v) for v in values]
                for (kind, text), values in zip(self._texts, columns, strict=True)
            ]
            self._csv.writerows(zip(*cells, strict=True))
            count += len(cells[0])
        return count

    def close(self) -> None:
        """Finish the file's format; the file object stays open."""
        self._text.flush()
        self._text.detach()


# What is not here stays as it is: text, or a number that the csv module writes as Python does.
_CSV_TEXT: Mapping[ColumnType, Callable[[Any], Any]] = {
    ColumnType.FLAG: lambda value: "true" if value else "false",
    ColumnType.INSTANT: utc_text,
    ColumnType.MONEY: plain,
    ColumnType.HOURS: plain,
    ColumnType.TEXTS: json_text,
}


@contextmanager
def compressed(file: IO[bytes], compression: str | None) -> Iterator[IO[bytes]]:
    """Compress what is written to a file, or leave it as it is; the file stays open."""
    if compression is None:
        yield file
    elif compression == "gzip":
        # No name and no time of writing, so that the same rows give the same bytes.
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as target:
            yield target  # type: ignore[misc]
    else:
        zstandard = needed("zstandard", "zstd", "compression='zstd'")
        with zstandard.ZstdCompressor(level=3).stream_writer(file, closefd=False) as target:
            yield target
