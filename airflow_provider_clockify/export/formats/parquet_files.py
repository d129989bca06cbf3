# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Parquet, by Arrow."""

from __future__ import annotations

import os
from decimal import Decimal
from itertools import chain
from types import MappingProxyType
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_clockify.columns.tables import Column, Columns, ColumnType, Table, as_list
from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.export.formats.rows import MAY_BE_TEXT, blocks, holds_text, needed
from airflow_provider_clockify.service.money import MONEY_PRECISION, MONEY_SCALE
from airflow_provider_clockify.service.values import HOURS_PRECISION, HOURS_SCALE, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

# As Arrow holds and encodes them, 50,000 rows take 25 MB more for a file that is 5 % smaller.
ROW_GROUP_ROWS = 20_000
# A column of text takes at most 2 GiB in Arrow, and all of it is in memory until it is written.
GROUP_BYTES = 512 << 20
# Digits in all, and after the point.
DECIMALS: Mapping[ColumnType, tuple[int, int]] = {
    ColumnType.MONEY: (MONEY_PRECISION, MONEY_SCALE),
    ColumnType.HOURS: (HOURS_PRECISION, HOURS_SCALE),
}


class ArrowBatches:
    """
    Rows as Arrow's columns: made in small batches, since as Python objects they take many times the memory.

    :param columns: The columns.
    :param metadata: Facts for the schema.
    :ivar schema: Arrow's schema of them.
    """

    def __init__(self, columns: Sequence[Column], metadata: Mapping[str, str] = MappingProxyType({})) -> None:
        self._pa = arrow()
        self.schema = arrow_schema(columns, metadata)
        self._columns = columns
        self._types = [column.type for column in columns]
        self._arrow_types = self.schema.types

    def batch(self, columns: Columns) -> Any:
        """
        Return a record batch.

        :param columns: Values, column by column.
        :raises ClockifyResponseError: an amount has too many digits; row and column are named.
        """
        return self._pa.RecordBatch.from_arrays(self._arrays(columns), schema=self.schema)

    def tables(self, rows: Iterable[Columns]) -> Iterator[Any]:
        """
        Return tables of Arrow, each of some :data:`ROW_GROUP_ROWS` rows.

        :param rows: Values, column by column, in batches.
        """
        found: list[Any] = []
        count = size = 0
        for columns in rows:
            batch = self.batch(columns)
            found.append(batch)
            count += batch.num_rows
            size += batch.get_total_buffer_size()  # Once each: it looks at every buffer.
            if count >= ROW_GROUP_ROWS or size >= GROUP_BYTES:
                yield self._pa.Table.from_batches(found, self.schema)
                found, count, size = [], 0, 0
        if found:
            yield self._pa.Table.from_batches(found, self.schema)

    def _arrays(self, columns: Columns) -> Sequence[Any]:
        """Return Arrow's columns. Those that are alike are made as one array and cut: few calls instead of many."""
        arrays: dict[int, Any] = {}
        alike: dict[tuple[ColumnType, bool], list[int]] = {}
        for number, (kind, values) in enumerate(zip(self._types, columns, strict=True)):
            if isinstance(values, self._pa.Array):
                arrays[number] = values
            else:
                alike.setdefault((kind, kind in MAY_BE_TEXT and holds_text(values)), []).append(number)
        rows = len(columns[0])
        for (kind, is_text), numbers in alike.items():
            values = list(chain.from_iterable([columns[number] for number in numbers]))
            try:
                array = self._array(values, self._arrow_types[numbers[0]], is_text=is_text)
            except self._pa.ArrowInvalid:
                if kind not in DECIMALS:
                    raise
                refuse_too_large(self._columns, list(map(as_list, columns)))
                raise
            else:
                arrays |= {number: array.slice(place * rows, rows) for place, number in enumerate(numbers)}
        return [arrays[number] for number in range(len(columns))]

    def _array(self, values: Sequence[Any], of: Any, *, is_text: bool) -> Any:
        return self._pa.array(values, self._pa.string()).cast(of) if is_text else self._pa.array(values, of)


def refuse_too_large(columns: Sequence[Column], values: Columns) -> None:
    """
    Say which value has more digits before the point than its column can hold (pure).

    :param columns: The columns.
    :param values: Their values, column by column; decimals, or their texts.
    :raises ClockifyResponseError: there is one; row and column are named, the value is not.
    """
    ids = next((given for each, given in zip(columns, values, strict=True) if each.name == "id"), None)
    for each, given in zip(columns, values, strict=True):
        if each.type not in DECIMALS:
            continue
        precision, scale = DECIMALS[each.type]
        for row, value in enumerate(given):
            if value is not None and Decimal(value).adjusted() >= precision - scale:
                which = f"Item {shown(ids[row])}" if ids is not None else "An item"
                raise ClockifyResponseError(
                    f"{which} has more than {precision - scale} digits before the point where column {each.name} "
                    f"holds {each.type.value}; export it as jsonl or csv."
                ) from None


class ParquetWriter:
    """Typed columns, one row group per :data:`ROW_GROUP_ROWS` rows."""

    def __init__(
        self,
        file: IO[bytes],
        columns: Sequence[Column],
        compression: str | None,
        metadata: Mapping[str, str],
    ) -> None:
        self._pa = arrow()
        self._arrow = ArrowBatches(columns, metadata)
        self._schema = self._arrow.schema
        self._batches: list[Any] = []
        self._rows = self._bytes = 0
        self._writer = self._pa.parquet.ParquetWriter(file, self._schema, compression=compression or "snappy")

    def write(self, lines: IO[bytes], table: Table) -> int:
        """Append items; see :meth:`.RowWriter.write`."""
        rows = 0
        for block, counts in blocks(lines, table, self._arrow.batch, self._pa):
            size = block.get_total_buffer_size()  # nbytes, at a fortieth of the cost.
            end = 0
            # In the same pieces as ever: where Arrow's encoder begins a new page depends on them.
            for count in counts:
                start, end = end, end + count
                self._batches.append(block.slice(start, count))
                self._rows += count
                self._bytes += size * count // block.num_rows
                while self._rows >= ROW_GROUP_ROWS or self._bytes >= GROUP_BYTES:
                    self._write_group()
            rows += end
        return rows

    def _write_group(self) -> None:
        rows = self._pa.Table.from_batches(self._batches, self._schema)
        self._writer.write_table(rows.slice(0, ROW_GROUP_ROWS), ROW_GROUP_ROWS)
        self._batches = rows.slice(ROW_GROUP_ROWS).to_batches()
        self._rows = sum(batch.num_rows for batch in self._batches)
        self._bytes = sum(batch.get_total_buffer_size() for batch in self._batches)

    def close(self) -> None:
        """Finish the file's format; the file object stays open."""
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
    pa = arrow()
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


def arrow() -> Any:
    """Import Arrow with all that writing takes."""
    # Arrow's own allocators keep what a row group has used; the system's gives it back, some 20 MB. It must be chosen
    # before the import; whoever has chosen another one keeps it.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    arrow = needed("pyarrow", "parquet", "file_format='parquet'")
    # Arrow itself imports the second when it first changes a type, which would be in the middle of an export.
    for part in ("pyarrow.parquet", "pyarrow.compute"):
        needed(part, "parquet", "file_format='parquet'")
    return arrow
