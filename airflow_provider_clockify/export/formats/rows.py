# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What the formats share: rows of JSON as typed columns, batch by batch, and packages that may be missing."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from itertools import chain
from typing import IO, TYPE_CHECKING, Any, Protocol

import msgspec

from airflow_provider_clockify.columns.tables import Columns, ColumnType, Table
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyError, Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BLOCK = 1 << 20
# Some 250 entries: what is made of so many stays in the processor's cache, and calls per batch cost little.
BATCH_BYTES = 192 << 10

# A column of these may come as the text that it becomes in csv.
MAY_BE_TEXT = frozenset({ColumnType.INSTANT, ColumnType.MONEY, ColumnType.HOURS})


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


_MISFITS = (ClockifyError, msgspec.MsgspecError, ArithmeticError, UnicodeDecodeError, RecursionError)


def batches(lines: IO[bytes], table: Table) -> Iterator[Columns]:
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


def holds_text(values: Sequence[Any]) -> bool:
    """Tell whether a column has text only; its values are of one kind."""
    return isinstance(next((value for value in values if value is not None), None), str)


def json_text(values: Sequence[str | None]) -> str:
    """Return a list of texts as JSON."""
    return msgspec.json.encode(values).decode()


def needed(module: str, extra: str, parameter: str) -> Any:
    """
    Import a package that an extra brings.

    :param module: Its name.
    :param extra: The extra of this package.
    :param parameter: What the user asked for, as they wrote it.
    :raises ClockifyConfigError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ClockifyConfigError(
            f"{parameter} needs {module}: install it with pip install 'airflow-provider-clockify[{extra}]'."
        ).explain(Entry.PACKAGE) from error
