# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Workbooks for spreadsheet programs (``xlsx``), by XlsxWriter, in memory that does not grow with the rows.

One sheet has the rows, in typed cells below a header that stays in sight. Text is written as text, never as a formula.
The sheet ``totals`` says what the file is, and adds up what adds up: seconds, and amounts per currency.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_clockify.columns.tables import Column, Columns, ColumnType, Table
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyResponseError
from airflow_provider_clockify.export.formats.rows import batches, holds_text, json_text, needed
from airflow_provider_clockify.service.values import shown, utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

# Limits of Excel (Microsoft, "Excel specifications and limits"); the header is one of the rows. Text is counted in
# UTF-16 units. Dates before March 1900 have other serial numbers there than elsewhere: Excel has a 29 February 1900.
MOST_ROWS = 1_048_576
MOST_TEXT = 32_767
FIRST_DAY = date(1900, 3, 1)

TOTALS = "totals"
_SHEET_NAME = 31
_METADATA = "clockify."
# A workbook says when it was made; the same rows must give the same bytes.
_MADE = datetime(2000, 1, 1, tzinfo=UTC)

_NUMBER_FORMATS = {
    ColumnType.INSTANT: "yyyy-mm-dd hh:mm:ss",
    ColumnType.DAY: "yyyy-mm-dd",
    ColumnType.MONEY: "#,##0.00######",
    ColumnType.HOURS: "#,##0.00####",
}
_HOURS = "#,##0.00"
_WIDTH = 14
_WIDTHS = {ColumnType.INSTANT: 20, ColumnType.TEXT: 26, ColumnType.TEXTS: 30, ColumnType.JSON: 30}
# Money per hour or per unit: its sum means nothing.
_PER_UNIT = re.compile(r"(^|_)(rate|price)(_|$)")


def workbook_library() -> Any:
    """Import XlsxWriter."""
    return needed("xlsxwriter", "xlsx", "file_format='xlsx'")


class Sums:
    """
    Adds up the columns whose sums mean something: seconds, and money that stands beside its currency (pure).

    :param columns: Columns of the rows; what was dropped is not added up.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        names = [each.name for each in columns]
        self._currency = names.index("currency") if "currency" in names else None
        self._seconds = [n for n, each in enumerate(columns) if each.type is ColumnType.SECONDS]
        self._money = [
            n
            for n, each in enumerate(columns)
            if each.type is ColumnType.MONEY
            and self._currency is not None
            and not _PER_UNIT.search(each.name)
        ]
        self._names = names
        self.rows = 0
        self.seconds = {names[n]: 0 for n in self._seconds}
        self.amounts: dict[tuple[str, str], Decimal] = defaultdict(Decimal)

    def add(self, columns: Columns) -> None:
        """
        Count rows in.

        :param columns: Their values, column by column; money may be text.
        """
        self.rows += len(columns[0])
        for number in self._seconds:
            self.seconds[self._names[number]] += sum(value for value in columns[number] if value is not None)
        for number in self._money:
            for amount, currency in zip(columns[number], columns[self._currency or 0], strict=True):
                if amount is not None:
                    self.amounts[self._names[number], currency or ""] += Decimal(amount)


class _Sink:
    """
    Takes the bytes of an archive until it is given up; it writes its end once more when it is collected.

    :param file: Where they go.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file: IO[bytes] | None = file

    def write(self, data: bytes) -> int:
        return len(data) if self._file is None else self._file.write(data)

    def tell(self) -> int:
        return 0 if self._file is None else self._file.tell()

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def give_up(self) -> None:
        self._file = None


class WorkbookWriter:
    """
    Writes rows into a workbook, whose file is put together when it is closed.

    :param file: Where the bytes go.
    :param columns: Columns of the rows.
    :param metadata: What the sheet of totals says besides them.
    :param folder: Private folder for the sheets until then; by default the machine's temporary folder.
    """

    def __init__(
        self,
        file: IO[bytes],
        columns: Sequence[Column],
        metadata: Mapping[str, str],
        folder: Path | None = None,
    ) -> None:
        self._library = workbook_library()
        options = {"constant_memory": True, "tmpdir": None if folder is None else str(folder)}
        self._sink = _Sink(file)
        self._book = self._library.Workbook(self._sink, options)
        self._book.use_zip64()
        self._book.set_properties({"created": _MADE})
        self._bold = self._book.add_format({"bold": True})
        self._formats = {
            kind: self._book.add_format({"num_format": text}) for kind, text in _NUMBER_FORMATS.items()
        }
        self._columns = columns
        self._metadata = metadata
        self._id = next((number for number, each in enumerate(columns) if each.name == "id"), None)
        self._sums = Sums(columns)
        name = metadata.get(f"{_METADATA}report", "rows")[:_SHEET_NAME]
        self._sheet = self._book.add_worksheet(name, _plain_text_sheet(self._library))
        self._begin(
            self._sheet,
            [(each.name, max(_WIDTHS.get(each.type, _WIDTH), len(each.name) + 2)) for each in columns],
        )
        self._writers = [self._writer_of(each) for each in columns]

    def write(self, lines: IO[bytes], table: Table) -> int:
        """Append items; see :meth:`.RowWriter.write`."""
        before = self._sums.rows
        for columns in batches(lines, table):
            first = self._sums.rows + 1
            self._sums.add(columns)
            if self._sums.rows >= MOST_ROWS:
                raise ClockifyConfigError(
                    f"file_format='xlsx' holds at most {MOST_ROWS - 1:,} rows, and {table.name} has more. Use "
                    "partition_by or a shorter window, or file_format='parquet' or 'csv'."
                )
            typed = [
                [None if value is None else instant_of(value) for value in values]
                if each.type is ColumnType.INSTANT and holds_text(values)
                else values
                for each, values in zip(self._columns, columns, strict=True)
            ]
            for row, values in enumerate(zip(*typed, strict=True), first):
                for number, value in enumerate(values):
                    if value is not None and not self._writers[number](row, number, value):
                        raise self._misfit(self._columns[number], values)
        return self._sums.rows - before

    def close(self) -> None:
        """Finish the file's format; the file object stays open."""
        self._write_totals()
        try:
            self._book.close()
        except self._library.exceptions.FileCreateError as error:
            raise error.args[0] from None  # The disk's own error.

    def end(self) -> None:
        """Close what is open; a workbook that was not put together by then never is."""
        self._sink.give_up()
        for sheet in self._book.worksheets():
            sheet.row_data_fh.close()

    def _begin(self, sheet: Any, columns: Sequence[tuple[str, int]]) -> None:
        sheet.freeze_panes(1, 0)
        for number, (name, width) in enumerate(columns):
            sheet.set_column(number, number, width)
            sheet.write_string(0, number, name, self._bold)

    def _writer_of(self, column: Column) -> Callable[[int, int, Any], bool]:
        """Return what writes a value of a column into a cell, and says no where no cell can hold it."""
        sheet, style = self._sheet, self._formats.get(column.type)
        kind = column.type

        def number(row: int, place: int, value: Any) -> bool:
            found = cell_number(value)
            return found is not None and sheet.write_number(row, place, found, style) == 0

        def text(row: int, place: int, value: str) -> bool:
            if len(value) > MOST_TEXT // 2 and len(value.encode("utf-16-le")) > 2 * MOST_TEXT:
                return False
            return bool(sheet.write_string(row, place, value) == 0)

        def moment(row: int, place: int, value: date) -> bool:
            day = value.date() if isinstance(value, datetime) else value
            if day < FIRST_DAY:
                return text(row, place, utc_text(value) if isinstance(value, datetime) else value.isoformat())
            plain = value.replace(tzinfo=None) if isinstance(value, datetime) else value
            return bool(sheet.write_datetime(row, place, plain, style) == 0)

        if kind is ColumnType.FLAG:
            return lambda row, place, value: bool(sheet.write_boolean(row, place, value) == 0)
        if kind in (ColumnType.INSTANT, ColumnType.DAY):
            return moment
        if kind is ColumnType.TEXTS:
            return lambda row, place, value: text(row, place, json_text(value))
        if kind in (ColumnType.TEXT, ColumnType.JSON):
            return text
        return number

    def _misfit(self, column: Column, values: Sequence[Any]) -> ClockifyResponseError:
        which = "An item" if self._id is None else f"Item {shown(values[self._id])}"
        return ClockifyResponseError(
            f"{which} has a value in column {column.name} that no cell of a workbook can hold: text of more than "
            f"{MOST_TEXT:,} characters, or a number beyond double precision. Leave it out with "
            f"drop_columns=({column.name!r},), or use file_format='parquet' or 'csv'."
        )

    def _write_totals(self) -> None:
        sheet = self._book.add_worksheet(TOTALS)
        self._begin(sheet, [("name", 26), ("currency", 10), ("value", 26), ("hours", 14)])
        hours = self._book.add_format({"num_format": _HOURS})
        moment, money = self._formats[ColumnType.INSTANT], self._formats[ColumnType.MONEY]
        row = 0
        for name, fact in self._metadata.items():
            row += 1
            sheet.write_string(row, 0, name.removeprefix(_METADATA))
            if name.endswith(("_start", "_end", "_at")):
                sheet.write_datetime(row, 2, instant_of(fact).replace(tzinfo=None), moment)
            else:
                sheet.write_string(row, 2, fact)
        row += 1
        sheet.write_string(row, 0, "rows")
        sheet.write_number(row, 2, self._sums.rows)
        for name, seconds in self._sums.seconds.items():
            row += 1
            sheet.write_string(row, 0, name)
            sheet.write_number(row, 2, seconds)
            sheet.write_number(row, 3, seconds / 3600, hours)
        for (name, currency), amount in sorted(self._sums.amounts.items()):
            row += 1
            sheet.write_string(row, 0, name)
            if currency:
                sheet.write_string(row, 1, currency)
            sheet.write_number(row, 2, cell_number(amount), money)


def _plain_text_sheet(library: Any) -> Any:
    """
    Return XlsxWriter's class of sheets for text in one font.

    XlsxWriter takes text that begins with ``<r>`` and ends with ``</r>`` for its own markup of text in several fonts,
    and writes it into the file as it is.
    """

    class PlainTextSheet(library.worksheet.Worksheet):  # type: ignore[misc]
        def _xml_rich_inline_string(self, string: str, attributes: Any = ()) -> None:
            self._xml_inline_string(string, False, attributes)

    return PlainTextSheet


def cell_number(value: float | Decimal | str) -> float | None:
    """
    Return a number as cells hold it, in double precision; Excel shows 15 digits of it.

    :param value: The number, or its text.
    :return: ``None`` where it would become infinite, or zero though it is not.
    """
    exact = Decimal(value)
    try:
        found = float(exact)
    except OverflowError:
        return None
    return None if found in (float("inf"), float("-inf")) or (exact and not found) else found


def instant_of(value: datetime | str) -> datetime:
    """Read an instant that may be ISO 8601 text with ``Z``."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
