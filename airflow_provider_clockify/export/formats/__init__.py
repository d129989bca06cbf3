# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
r"""
Rows to bytes: JSON Lines, CSV, Parquet, workbooks. No storage here.

The same rows give the same bytes: column order, row order, UTF-8 and ``\n`` are fixed, and nothing in a file depends
on the time it was written at.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.export.formats.parquet_files import ParquetWriter, arrow, arrow_schema
from airflow_provider_clockify.export.formats.rows import RowWriter, needed
from airflow_provider_clockify.export.formats.text_files import (
    CsvWriter,
    JsonLinesWriter,
    compressed,
    escape_formula,
    unescape_formula,
)
from airflow_provider_clockify.export.formats.workbooks import WorkbookWriter, workbook_library
from airflow_provider_clockify.rendered import one_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from airflow_provider_clockify.columns.tables import Column

__all__ = [
    "COMPRESSIONS",
    "FORMATS",
    "RENDERED_FORMATS",
    "RowWriter",
    "arrow_schema",
    "check_escape",
    "check_format",
    "escape_formula",
    "file_suffix",
    "open_writer",
    "unescape_formula",
]

FORMATS = ("jsonl", "csv", "parquet", "xlsx")
# Files that the service renders, and what it calls them.
RENDERED_FORMATS: Mapping[str, str] = {"clockify_csv": "CSV", "clockify_xlsx": "XLSX", "pdf": "PDF"}
COMPRESSIONS: Mapping[str, tuple[str, ...]] = {
    "jsonl": ("gzip", "zstd"),
    "csv": ("gzip", "zstd"),
    "parquet": ("gzip", "zstd"),
    "xlsx": (),
}
_SUFFIXES = {"gzip": ".gz", "zstd": ".zst"}


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
    if compression is not None and not allowed:
        raise ClockifyConfigError(
            f"compression does not fit file_format={file_format!r}, whose files are compressed already. Leave it out."
        )
    if compression is not None and compression not in allowed:
        raise ClockifyConfigError(
            f"compression is {compression!r}; {file_format} knows {', '.join(allowed)} or None."
        )
    if file_format == "parquet":
        arrow()
    elif file_format == "xlsx":
        workbook_library()
    elif compression == "zstd":
        needed("zstandard", "zstd", "compression='zstd'")


def file_suffix(file_format: str, compression: str | None) -> str:
    """Return the file name ending; Parquet compresses inside the file and keeps its own."""
    inside = file_format == "parquet" or compression is None
    ending = f".{RENDERED_FORMATS.get(file_format, file_format).lower()}"
    return ending + ("" if inside else _SUFFIXES[compression or ""])


@contextmanager
def open_writer(
    file: IO[bytes],
    columns: Sequence[Column],
    file_format: str,
    compression: str | None,
    metadata: Mapping[str, str],
    *,
    escape_formulas: bool = False,
    folder: Path | None = None,
) -> Iterator[RowWriter]:
    """
    Open a writer on a binary file.

    :param file: Where the bytes go; not closed.
    :param columns: Columns of the rows (``jsonl`` writes rows as they came and needs none).
    :param file_format: One of :data:`FORMATS`.
    :param compression: ``gzip``, ``zstd`` or ``None``.
    :param metadata: Facts for formats that have a place for them (Parquet's file metadata, a workbook's totals).
    :param escape_formulas: Whether text in ``csv`` goes through :func:`escape_formula`.
    :param folder: Private folder for what a format needs until its file is complete.
    """
    if file_format == "xlsx":
        book = WorkbookWriter(file, columns, metadata, folder)
        try:
            yield book
            book.close()
        finally:
            book.end()
        return
    if file_format == "parquet":
        parquet = ParquetWriter(file, columns, compression, metadata)
        try:
            yield parquet
        finally:
            parquet.close()
        return
    with compressed(file, compression) as target:
        writer: RowWriter = (
            JsonLinesWriter(target)
            if file_format == "jsonl"
            else CsvWriter(target, columns, escape_formulas=escape_formulas)
        )
        yield writer
        writer.close()
