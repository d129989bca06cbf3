# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
r"""
Rows to bytes: JSON Lines, CSV, Parquet. No storage here.

The same rows give the same bytes: column order, row order, UTF-8 and ``\n`` are fixed, and nothing in a file depends
on the time it was written at.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import re
from contextlib import contextmanager, suppress
from decimal import Decimal
from importlib import import_module
from itertools import chain
from typing import IO, TYPE_CHECKING, Any, Protocol

import msgspec

from airflow_provider_clockify.columns.tables import Column, Columns, ColumnType, Table
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyError, ClockifyResponseError
from airflow_provider_clockify.rendered import one_of
from airflow_provider_clockify.service.money import MONEY_PRECISION, MONEY_SCALE
from airflow_provider_clockify.service.values import HOURS_PRECISION, HOURS_SCALE, plain, shown, utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

FORMATS = ("jsonl", "csv", "parquet")
# Files that the service renders, and what it calls them.
RENDERED_FORMATS: Mapping[str, str] = {"clockify_csv": "CSV", "clockify_xlsx": "XLSX", "pdf": "PDF"}
COMPRESSIONS: Mapping[str, tuple[str, ...]] = {
    "jsonl": ("gzip", "zstd"),
    "csv": ("gzip", "zstd"),
    "parquet": ("gzip", "zstd"),
}
_SUFFIXES = {"gzip": ".gz", "zstd": ".zst"}

BLOCK = 1 << 20
# Some 250 entries: what is made of so many stays in the processor's cache, and calls per batch cost little.
BATCH_BYTES = 192 << 10
# As Arrow holds and encodes them, 50,000 rows take 25 MB more for a file that is 5 % smaller.
ROW_GROUP_ROWS = 20_000
# A column of text takes at most 2 GiB in Arrow, and all of it is in memory until it is written.
GROUP_BYTES = 512 << 20
# Digits in all, and after the point.
DECIMALS: Mapping[ColumnType, tuple[int, int]] = {
    ColumnType.MONEY: (MONEY_PRECISION, MONEY_SCALE),
    ColumnType.HOURS: (HOURS_PRECISION, HOURS_SCALE),
}


class RowWriter(Protocol):
    """Writes rows into an open file; the rows of several calls follow each other."""

    def write(self, lines: IO[bytes], table: Table) -> int:
        """
        Append items.

        :param lines: One JSON object a line, as the service sent it.
        :param table: From items to rows; with the columns that the writer was opened for.
        :return: Rows written.
        """

    def close(self) -> None:
        """Finish the file's format; the file object stays open."""


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


def check_escape(file_format: str, escape_formulas: bool) -> None:
    """
    Refuse to escape formulas where there are no texts that a spreadsheet program would read as such.

    :raises ClockifyConfigError: the format is not ``csv``.
    """
    if escape_formulas and file_format != "csv":
        raise ClockifyConfigError(
            f"escape_formulas does not fit file_format={file_format!r}: only in csv can text be taken for a formula. "
            "Leave it out."
        )


def check_format(file_format: str, compression: str | None) -> None:
    """
    Refuse formats that cannot be written here, before anything is asked of the service.

    :raises ClockifyConfigError: unknown format, unknown compression, or a package is missing.
    """
    one_of("file_format", file_format, FORMATS)
    allowed = COMPRESSIONS[file_format]
    if compression is not None and compression not in allowed:
        raise ClockifyConfigError(
            f"compression is {compression!r}; {file_format} knows {', '.join(allowed)} or None."
        )
    if file_format == "parquet":
        _arrow()
    elif compression == "zstd":
        _needed("zstandard", "zstd", "compression='zstd'")


def file_suffix(file_format: str, compression: str | None) -> str:
    """Return the file name ending; Parquet compresses inside the file and keeps its own."""
    inside = file_format == "parquet" or compression is None
    return f".{RENDERED_FORMATS.get(file_format, file_format).lower()}" + (
        "" if inside else _SUFFIXES[compression or ""]
    )


@contextmanager
def open_writer(
    file: IO[bytes],
    columns: Sequence[Column],
    file_format: str,
    compression: str | None,
    metadata: Mapping[str, str],
    *,
    escape_formulas: bool = False,
) -> Iterator[RowWriter]:
    """
    Open a writer on a binary file.

    :param file: Where the bytes go; not closed.
    :param columns: Columns of the rows (``jsonl`` writes rows as they came and needs none).
    :param file_format: One of :data:`FORMATS`.
    :param compression: ``gzip``, ``zstd`` or ``None``.
    :param metadata: Facts for formats that have a place for them (Parquet's file metadata).
    :param escape_formulas: Whether text in ``csv`` goes through :func:`escape_formula`.
    """
    if file_format == "parquet":
        parquet = _ParquetWriter(file, columns, compression, metadata)
        try:
            yield parquet
        finally:
            parquet.close()
        return
    with _compressed(file, compression) as target:
        writer: RowWriter = (
            _JsonLinesWriter(target)
            if file_format == "jsonl"
            else _CsvWriter(target, columns, escape_formulas=escape_formulas)
        )
        yield writer
        writer.close()


class _JsonLinesWriter:
    """One row a line, byte for byte as the service sent it."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target

    def write(self, lines: IO[bytes], table: Table) -> int:
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


class _CsvWriter:
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
        count = 0
        for columns in _batches(lines, table):
            cells = [
                values
                if text is None or (kind in _MAY_BE_TEXT and _is_text(values))
                else [None if v is None else text(v) for v in values]
                for (kind, text), values in zip(self._texts, columns, strict=True)
            ]
            self._csv.writerows(zip(*cells, strict=True))
            count += len(cells[0])
        return count

    def close(self) -> None:
        self._text.flush()
        self._text.detach()


class _ParquetWriter:
    """
    Typed columns, one row group per :data:`ROW_GROUP_ROWS` rows.

    Rows are turned into Arrow's columns in small batches, since as Python objects they take many times the memory.
    """

    def __init__(
        self,
        file: IO[bytes],
        columns: Sequence[Column],
        compression: str | None,
        metadata: Mapping[str, str],
    ) -> None:
        self._pa = _arrow()
        self._schema = arrow_schema(columns, metadata)
        self._types = [column.type for column in columns]
        self._arrow_types = self._schema.types
        self._id = next((number for number, each in enumerate(columns) if each.name == "id"), None)
        self._batches: list[Any] = []
        self._rows = self._bytes = 0
        self._writer = self._pa.parquet.ParquetWriter(file, self._schema, compression=compression or "snappy")

    def write(self, lines: IO[bytes], table: Table) -> int:
        count = 0
        for columns in _batches(lines, table):
            batch = self._pa.RecordBatch.from_arrays(self._arrays(columns), schema=self._schema)
            self._batches.append(batch)
            self._rows += batch.num_rows
            self._bytes += batch.get_total_buffer_size()  # nbytes, at a fortieth of the cost.
            count += batch.num_rows
            while self._rows >= ROW_GROUP_ROWS or self._bytes >= GROUP_BYTES:
                self._write_group()
        return count

    def _arrays(self, columns: Columns) -> Sequence[Any]:
        """Return Arrow's columns. Those that are alike are made as one array and cut: few calls instead of many."""
        alike: dict[tuple[ColumnType, bool], list[int]] = {}
        for number, (kind, values) in enumerate(zip(self._types, columns, strict=True)):
            alike.setdefault((kind, kind in _MAY_BE_TEXT and _is_text(values)), []).append(number)
        rows = len(columns[0])
        arrays: dict[int, Any] = {}
        for (kind, is_text), numbers in alike.items():
            values = list(chain.from_iterable([columns[number] for number in numbers]))
            try:
                array = self._array(values, self._arrow_types[numbers[0]], is_text=is_text)
            except self._pa.ArrowInvalid:
                if kind not in DECIMALS:
                    raise
                self._refuse_too_large(columns, numbers, *DECIMALS[kind])
                raise
            else:
                arrays |= {number: array.slice(place * rows, rows) for place, number in enumerate(numbers)}
        return [arrays[number] for number in range(len(columns))]

    def _array(self, values: Sequence[Any], of: Any, *, is_text: bool) -> Any:
        return self._pa.array(values, self._pa.string()).cast(of) if is_text else self._pa.array(values, of)

    def _refuse_too_large(self, columns: Columns, numbers: Sequence[int], precision: int, scale: int) -> None:
        """Say which value has more digits before the point than its column can hold."""
        ids = None if self._id is None else columns[self._id]
        for number in numbers:
            for row, value in enumerate(columns[number]):
                if value is not None and Decimal(value).adjusted() >= precision - scale:
                    which = f"Item {shown(ids[row])}" if ids is not None else "An item"
                    raise ClockifyResponseError(
                        f"{which} has more than {precision - scale} digits before the point where column "
                        f"{self._schema[number].name} holds {self._types[number].value} ({Decimal(value):.30e}); "
                        "export it as jsonl or csv."
                    ) from None

    def _write_group(self) -> None:
        rows = self._pa.Table.from_batches(self._batches, self._schema)
        self._writer.write_table(rows.slice(0, ROW_GROUP_ROWS), ROW_GROUP_ROWS)
        self._batches = rows.slice(ROW_GROUP_ROWS).to_batches()
        self._rows = sum(batch.num_rows for batch in self._batches)
        self._bytes = sum(batch.get_total_buffer_size() for batch in self._batches)

    def close(self) -> None:
        while self._batches:
            self._write_group()
        self._writer.close()


def arrow_schema(columns: Sequence[Column], metadata: Mapping[str, str]) -> Any:
    """
    Return the Arrow schema of a column table.

    Instants are microseconds in UTC; money is ``decimal128(18, 8)`` in units of the currency, hours are
    ``decimal128(18, 6)``: each fits into 64 bits, and times each other into 38 digits. Lists are lists of text; JSON is
    text.
    """
    pa = _arrow()
    types = {
        ColumnType.TEXT: pa.string(),
        ColumnType.FLAG: pa.bool_(),
        ColumnType.WHOLE: pa.int64(),
        ColumnType.NUMBER: pa.float64(),
        ColumnType.SECONDS: pa.int64(),
        ColumnType.DAY: pa.date32(),
        ColumnType.INSTANT: pa.timestamp("us", tz="UTC"),
        **{kind: pa.decimal128(*digits) for kind, digits in DECIMALS.items()},
        ColumnType.TEXTS: pa.list_(pa.string()),
        ColumnType.JSON: pa.string(),
    }
    fields = [
        pa.field(column.name, types[column.type], metadata={"description": column.description})
        for column in columns
    ]
    return pa.schema(fields, metadata=dict(metadata))


_MISFITS = (ClockifyError, msgspec.MsgspecError, ArithmeticError, UnicodeDecodeError, RecursionError)


def _batches(lines: IO[bytes], table: Table) -> Iterator[Columns]:
    """Return the values of lines, column by column, in batches."""
    while items := lines.readlines(BATCH_BYTES):
        columns: Columns | None = None
        if table.columns_of is not None:
            # One by one then, which finds the first item that does not fit, and says why.
            with suppress(*_MISFITS):
                columns = table.columns_of(items)
        if columns is None:
            columns = list(zip(*chain.from_iterable(map(table.rows, items)), strict=True))
        if columns:
            yield columns


def _is_text(values: Sequence[Any]) -> bool:
    """Tell whether a column has text only; its values are of one kind."""
    return isinstance(next((value for value in values if value is not None), None), str)


def _json_text(values: Sequence[str | None]) -> str:
    return msgspec.json.encode(values).decode()


# What is not here stays as it is: text, or a number that the csv module writes as Python does.
_CSV_TEXT: Mapping[ColumnType, Callable[[Any], Any]] = {
    ColumnType.FLAG: lambda value: "true" if value else "false",
    ColumnType.INSTANT: utc_text,
    ColumnType.MONEY: plain,
    ColumnType.HOURS: plain,
    ColumnType.TEXTS: _json_text,
}


# A column of these may come as the text that it becomes in csv.
_MAY_BE_TEXT = frozenset({ColumnType.INSTANT, ColumnType.MONEY, ColumnType.HOURS})


@contextmanager
def _compressed(file: IO[bytes], compression: str | None) -> Iterator[IO[bytes]]:
    if compression is None:
        yield file
    elif compression == "gzip":
        # No name and no time of writing, so that the same rows give the same bytes.
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as target:
            yield target  # type: ignore[misc]
    else:
        zstandard = _needed("zstandard", "zstd", "compression='zstd'")
        with zstandard.ZstdCompressor(level=3).stream_writer(file, closefd=False) as target:
            yield target


def _arrow() -> Any:
    # Arrow's own allocators keep what a row group has used; the system's gives it back, some 20 MB. It must be chosen
    # before the import; whoever has chosen another one keeps it.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    arrow = _needed("pyarrow", "parquet", "file_format='parquet'")
    # Arrow itself imports the second when it first changes a type, which would be in the middle of an export.
    for part in ("pyarrow.parquet", "pyarrow.compute"):
        _needed(part, "parquet", "file_format='parquet'")
    return arrow


def _needed(module: str, extra: str, parameter: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ClockifyConfigError(
            f"{parameter} needs {module}: install it with pip install 'airflow-provider-clockify[{extra}]'."
        ) from error
