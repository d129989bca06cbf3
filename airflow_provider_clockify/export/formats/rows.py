# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What the formats share: rows of JSON as typed columns, batch by batch, and packages that may be missing."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from itertools import chain
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from airflow_provider_clockify.columns.tables import Columns, ColumnType, Table, lines_of, number_of_lines
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyError, Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

T = TypeVar("T")

BLOCK = 1 << 20
# Some 250 entries: what is made of so many stays in the processor's cache, and calls per batch cost little.
BATCH_BYTES = 192 << 10
# Three times as many where Arrow makes columns of them. More takes more memory, and no less time.
ARROW_BYTES = 400 << 10

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


def batches(lines: IO[bytes], table: Table, arrow: Any = None) -> Iterator[Columns]:
    """
    Return the values of lines, column by column, in batches.

    :param lines: One JSON object a line.
    :param table: From items to rows.
    :param arrow: Where the columns become Arrow's: the module ``pyarrow``. Columns may be its arrays then, and batches
        are larger, since its calls cost more than Python's and less for each row.
    """
    return (columns for columns, _ in blocks(lines, table, lambda columns: columns, arrow))


def blocks(
    lines: IO[bytes], table: Table, make: Callable[[Columns], T], arrow: Any = None
) -> Iterator[tuple[T, Sequence[int]]]:
    """
    Return what is made of the values of lines, and how many rows are in each of the batches that it is made of.

    :param lines: One JSON object a line.
    :param table: From items to rows.
    :param make: Makes it of values, column by column. What raises an error is tried again with less.
    :param arrow: As of :func:`batches`.
    """
    if table.columns_of is None:
        while items := lines.readlines(BATCH_BYTES):
            yield from _one_by_one(items, table, make)
        return
    while parts := list(_parts(lines, 0 if arrow is None else ARROW_BYTES)):
        counts = list(map(number_of_lines, parts))
        made = None
        # One by one then, which finds the first item that does not fit, and says why.
        with suppress(*_MISFITS, *([] if arrow is None else [arrow.ArrowInvalid])):
            columns = table.columns_of(parts, arrow)
            if len(columns[0]) == sum(counts):
                made = make(columns)
        if made is not None:
            yield made, counts
        else:
            for part in parts:
                yield from _one_by_one(lines_of(part), table, make)


def _parts(lines: IO[bytes], size: int) -> Iterator[bytes]:
    """Read a batch, and more until there is so much."""
    while part := lines.read(BATCH_BYTES):
        if not part.endswith(b"\n"):
            part += lines.readline()
        yield part
        size -= len(part)
        if size <= 0:
            return


def _one_by_one(
    items: Iterable[bytes], table: Table, make: Callable[[Columns], T]
) -> Iterator[tuple[T, Sequence[int]]]:
    if columns := list(zip(*chain.from_iterable(map(table.rows, items)), strict=True)):
        yield make(columns), [len(columns[0])]


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
