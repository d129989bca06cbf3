# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""From spooled rows to finished private files, in any format."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from airflow_provider_clockify.columns.tables import SCHEMA_VERSION
from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.export.formats import file_suffix, open_writer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from airflow_provider_clockify.columns.privacy import ColumnRules
    from airflow_provider_clockify.columns.tables import Table
    from airflow_provider_clockify.export.storage import HashingFile


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


def write_file(
    file: HashingFile, parts: Sequence[tuple[Table, Path]], kind: FileKind, metadata: Mapping[str, str]
) -> int:
    """
    Write spooled rows in their final format.

    :param file: Open private file; closed afterwards.
    :param parts: Spools with one JSON object a line, in order, each with the table of its rows. All tables have the
        same columns.
    :param kind: Format of the file.
    :param metadata: Facts for the file's own metadata.
    :return: Rows written.
    :raises ClockifyResponseError: a value does not fit its column; report or list, row and column are named.
    """
    rows = 0
    tables = [kind.rules.table(table) if kind.rules else table for table, _ in parts]
    facts = {"clockify.schema_version": str(SCHEMA_VERSION), **metadata}
    columns = tables[0].columns
    try:
        with (
            closing(file),
            open_writer(
                cast("IO[bytes]", file),
                columns,
                kind.file_format,
                kind.compression,
                facts,
                escape_formulas=kind.escape_formulas,
                folder=file.path.parent,
            ) as writer,
        ):
            for table, (_, spool) in zip(tables, parts, strict=True):
                with spool.open("rb") as lines:
                    rows += writer.write(lines, table)
    except ClockifyResponseError as error:
        raise ClockifyResponseError(f"{tables[0].name}: {error}", operation=error.operation) from error
    except RecursionError as error:
        raise ClockifyResponseError(
            f"{tables[0].name}: an item is nested too deeply to be written."
        ) from error
    return rows
