# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""From spooled rows to finished private files, in any format."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from airflow_provider_clockify.columns.tables import SCHEMA_VERSION
from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.export.formats import file_suffix, open_writer
from airflow_provider_clockify.export.storage import HashingFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from airflow_provider_clockify.columns.privacy import ColumnRules
    from airflow_provider_clockify.columns.tables import Table
    from airflow_provider_clockify.export.formats import RowWriter


@dataclass(frozen=True, slots=True)
class FileKind:
    """
    How a file is written.

    :param file_format: ``jsonl``, ``csv``, ``parquet`` or ``xlsx``.
    :param compression: ``gzip``, ``zstd`` or ``None``.
    :param rules: Columns to leave out or to hash.
    :param escape_formulas: Whether text in ``csv`` gets an apostrophe where it would be taken for a formula.
    """

    file_format: str
    compression: str | None = None
    rules: ColumnRules | None = None
    escape_formulas: bool = False

    @property
    def is_as_sent(self) -> bool:
        """Whether the file is nothing but the rows as the service sent them, one a line."""
        return self.file_format == "jsonl" and self.compression is None and self.rules is None

    @property
    def suffix(self) -> str:
        """Ending of file names."""
        return file_suffix(self.file_format, self.compression)


class OutputFile:
    """
    A private file in its final format, written from spooled rows.

    :param path: Where.
    :param kind: Its format.
    :param metadata: Facts for the file's own metadata.
    :ivar file: Its size and hash, once it is closed.
    :ivar rows: Rows written.
    """

    def __init__(self, path: Path, kind: FileKind, metadata: Mapping[str, str]) -> None:
        self.file = HashingFile(path)
        self.rows = 0
        self._kind = kind
        self._facts = {"clockify.schema_version": str(SCHEMA_VERSION), **metadata}
        self._writer: RowWriter | None = None
        self._open = ExitStack()
        self._open.enter_context(closing(self.file))

    def add(self, table: Table, spool: Path) -> None:
        """
        Append rows.

        :param table: Their table; every one of a file has the same columns.
        :param spool: One JSON object a line.
        :raises ClockifyResponseError: a value does not fit its column; report or list, row and column are named.
        """
        kind = self._kind
        table = kind.rules.table(table) if kind.rules else table
        try:
            if self._writer is None:
                self._writer = self._open.enter_context(
                    open_writer(
                        cast("IO[bytes]", self.file),
                        table.columns,
                        kind.file_format,
                        kind.compression,
                        self._facts,
                        escape_formulas=kind.escape_formulas,
                        folder=self.file.path.parent,
                    )
                )
            with spool.open("rb") as lines:
                self.rows += self._writer.write(lines, table)
        except ClockifyResponseError as error:
            raise ClockifyResponseError(f"{table.name}: {error}", operation=error.operation) from error
        except RecursionError as error:
            raise ClockifyResponseError(
                f"{table.name}: an item is nested too deeply to be written."
            ) from error

    def close(self) -> None:
        """Finish the file's format, and bring it to the disk."""
        self._open.close()
