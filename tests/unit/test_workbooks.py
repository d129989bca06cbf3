# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Workbooks, read back with a library that did not write them."""

from __future__ import annotations

import gc
import io
import sys
import tracemalloc
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_clockify.columns.detailed_columns import DETAILED
from airflow_provider_clockify.columns.privacy import column_rules
from airflow_provider_clockify.columns.tables import ColumnType, Table, column
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyResponseError
from airflow_provider_clockify.export.formats import check_escape, check_format, open_writer, workbooks
from airflow_provider_clockify.export.formats.workbooks import Sums, cell_number

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("xlsxwriter")
from openpyxl.utils.escape import unescape  # noqa: E402

METADATA = {
    "clockify.schema_version": "1",
    "clockify.report": "detailed",
    "clockify.workspace_id": "w1",
    "clockify.window_start": "2026-11-01T00:00:00Z",
    "clockify.window_end": "2026-12-01T00:00:00Z",
}


def entry(number: int = 1, **fields: Any) -> bytes:
    row = {
        "_id": f"id{number}",
        "timeInterval": {"start": "2026-11-02T08:00:00Z", "end": "2026-11-02T09:00:00Z", "duration": 3600},
    }
    return msgspec.json.encode({**row, **fields})


def written(rows: list[bytes], table: Table = DETAILED, folder: Path | None = None) -> bytes:
    file = io.BytesIO()
    with open_writer(file, table.columns, "xlsx", None, METADATA, folder=folder) as writer:
        assert writer.write(io.BytesIO(b"".join(row + b"\n" for row in rows)), table) == len(rows)
    assert not file.closed
    return file.getvalue()


def book(data: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data))


def cells(data: bytes, sheet: str = "detailed") -> list[dict[str, Any]]:
    header, *rows = book(data)[sheet].iter_rows()
    return [{name.value: cell for name, cell in zip(header, row, strict=True)} for row in rows]


def values(data: bytes, sheet: str = "detailed") -> list[dict[str, Any]]:
    return [{name: cell.value for name, cell in row.items()} for row in cells(data, sheet)]


def totals(data: bytes) -> dict[tuple[str, str | None], Any]:
    return {(row["name"], row["currency"]): row["value"] for row in values(data, "totals")}


def table_of(kind: ColumnType, *found: Any) -> Table:
    """A table of one column that holds these values, and ids."""
    columns = (column("id", ColumnType.TEXT, ""), column("it", kind, ""))
    return Table("odd", columns, lambda row: [(f"i{int(row)}", found[int(row)])])


def alone(kind: ColumnType, value: Any) -> Any:
    """The cell that a value becomes."""
    return cells(written([b"0"], table_of(kind, value)))[0]["it"]


# --- cells --------------------------------------------------------------------------------------------------


def test_values_of_every_type(entry_json):
    (row,) = values(written([entry_json()]))
    assert row == {
        "id": "66b1a0c2d3e4f5a6b7c8aa01",
        "description": "Sprint planning",
        "start": datetime(2026, 11, 2, 8),
        "end": datetime(2026, 11, 2, 9, 30),
        "duration_seconds": 5400,
        "duration_hours": 1.5,
        "billable": True,
        "type": "REGULAR",
        "is_locked": False,
        "user_id": "u1",
        "user_name": "Ada Example",
        "user_email": "ada@example.com",
        "project_id": "p1",
        "project_name": "Website relaunch",
        "client_id": "c1",
        "client_name": "Globex",
        "task_id": None,
        "task_name": None,
        "tag_ids": '["t1"]',
        "tag_names": '["planning"]',
        "custom_fields": '[{"customFieldId":"f1","value":"OPS-17"}]',
        "currency": "EUR",
        **{name: value for name, value in row.items() if name.endswith(("amount", "rate"))},
        "approval_request_id": None,
        "invoicing_info": None,
    }
    exact = next(iter(DETAILED.rows(entry_json())))
    for each, value in zip(DETAILED.columns, exact, strict=True):
        if each.type is ColumnType.MONEY:
            assert row[each.name] == pytest.approx(float(value))
            assert isinstance(row[each.name], int | float)


def test_cells_are_formatted_and_the_header_stays_in_sight():
    data = written([entry(amount=12.5, currency="EUR")])
    (row,) = cells(data)
    assert row["start"].number_format == "yyyy-mm-dd hh:mm:ss"
    assert row["amount"].number_format == "#,##0.00######"
    assert alone(ColumnType.DAY, date(2026, 11, 2)).number_format == "yyyy-mm-dd"
    sheets = list(book(data))
    assert [sheet.title for sheet in sheets] == ["detailed", "totals"]
    assert [sheet.freeze_panes for sheet in sheets] == ["A2", "A2"]
    assert all(cell.font.bold for sheet in sheets for cell in sheet[1])
    assert sheets[0].column_dimensions["C"].width >= len("2026-11-02 08:00:00")


def test_a_workbook_without_rows_has_its_header_and_its_totals():
    data = written([])
    assert [cell.value for cell in book(data)["detailed"][1]] == [each.name for each in DETAILED.columns]
    assert totals(data)["rows", None] == 0


@settings(max_examples=30)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), min_size=1, max_size=6))
@example(["=1+1", "+1", "-1", "@x", "{=1}", "http://a.example/", "mailto:a@example.com", "internal:a!A1"])
@example(["<r>", "<r></r>", "<r><t>x</t></r>", "</r>", "<r>&</r>", "<r>\x01</r>", "<r> </r>"])
@example(
    ["_x0041_", "\x00", "\r\n", "\t", "\x1f", "\ufffe", "\uffff", " a ", "\ufeff", "🚀", "1", "TRUE", "#N/A"]
)
def test_any_text_survives_as_text(texts):
    table = table_of(ColumnType.TEXT, *texts)
    rows = cells(written([str(n).encode() for n in range(len(texts))], table))
    assert [unescape(row["it"].value or "").replace("\r\n", "\n") for row in rows] == [
        text.replace("\r\n", "\n") for text in texts
    ]
    assert {row["it"].data_type for row in rows if row["it"].value} <= {"s", "inlineStr"}
    assert all(row["it"].hyperlink is None for row in rows)


@settings(max_examples=30)
@given(st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 31, 23, 59, 59)))
def test_instants_are_dates_to_the_millisecond(moment):
    found = alone(ColumnType.INSTANT, moment.replace(tzinfo=UTC))
    assert found.is_date
    assert abs(found.value - moment) <= timedelta(milliseconds=1)


def test_an_instant_may_come_as_text():
    assert alone(ColumnType.INSTANT, "2026-11-02T08:00:00.5Z").value == datetime(
        2026, 11, 2, 8, 0, 0, 500_000
    )


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (ColumnType.INSTANT, datetime(1900, 2, 28, 23, 59, tzinfo=UTC), "1900-02-28T23:59:00Z"),
        (ColumnType.DAY, date(1, 1, 1), "0001-01-01"),
    ],
)
def test_what_excel_has_no_date_for_is_text(kind, value, text):
    assert alone(kind, value).value == text


@settings(max_examples=30)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**14), max_value=10**14, places=1))
def test_money_of_fifteen_digits_is_exact(amount):
    found = alone(ColumnType.MONEY, amount)
    assert found.data_type == "n"
    assert Decimal(str(found.value or 0)) == amount


@pytest.mark.parametrize("value", [Decimal("1e400"), Decimal("-1e400"), Decimal("1e-400")])
def test_numbers_that_no_cell_holds_are_refused_with_item_and_column(value):
    assert cell_number(value) is None
    with pytest.raises(
        ClockifyResponseError, match=r"Item i0 has a value in column it .*drop_columns=\('it',\)"
    ):
        alone(ColumnType.MONEY, value)


@pytest.mark.parametrize("letter", ["x", "🚀"])
def test_text_that_no_cell_holds_is_refused_and_never_cut(letter):
    units = len(letter.encode("utf-16-le")) // 2
    longest = letter * (32_767 // units)
    assert alone(ColumnType.TEXT, longest).value == longest
    with pytest.raises(ClockifyResponseError, match=r"Item i0 .* column it .*32,767 characters.*parquet"):
        alone(ColumnType.JSON, longest + letter)


def test_more_rows_than_a_sheet_has_are_refused_with_the_cure(monkeypatch):
    monkeypatch.setattr(workbooks, "MOST_ROWS", 4)
    assert len(values(written([entry(n) for n in range(3)]))) == 3
    with pytest.raises(ClockifyConfigError, match=r"at most 3 rows.*partition_by.*parquet"):
        written([entry(n) for n in range(4)])


# --- totals -------------------------------------------------------------------------------------------------


def test_totals_say_what_the_file_is_and_add_up_per_currency():
    rows = [
        entry(1, amount=1050, rate=700, currency="EUR", costAmount=10),
        entry(2, amount=0.1, rate=700, currency="USD"),
        entry(3, amount=0.2, rate=700, currency="USD"),
        entry(4, amount=7),
        entry(5),
    ]
    data = written(rows)
    exact = [
        dict(zip([each.name for each in DETAILED.columns], row, strict=True))
        for each in rows
        for row in DETAILED.rows(each)
    ]
    by_currency = {
        code: float(
            sum(row["amount"] for row in exact if row["currency"] == code and row["amount"] is not None)
        )
        for code in ("EUR", "USD", None)
    }
    assert totals(data) == {
        ("schema_version", None): "1",
        ("report", None): "detailed",
        ("workspace_id", None): "w1",
        ("window_start", None): datetime(2026, 11, 1),
        ("window_end", None): datetime(2026, 12, 1),
        ("rows", None): 5,
        ("duration_seconds", None): 18_000,
        ("amount", None): by_currency[None],
        ("amount", "EUR"): by_currency["EUR"],
        ("amount", "USD"): by_currency["USD"],
        ("cost_amount", "EUR"): float(exact[0]["cost_amount"]),
    }
    hours = {row["name"]: row["hours"] for row in values(data, "totals")}
    assert hours["duration_seconds"] == 5


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["EUR", "USD", None]),
            st.none() | st.decimals(-1000, 1000, places=3),
            st.none() | st.integers(-(10**6), 10**6),
        )
    ),
    st.integers(1, 5),
)
def test_sums_do_not_depend_on_how_the_rows_come(rows, size):
    columns = (
        column("currency", ColumnType.TEXT, ""),
        column("amount", ColumnType.MONEY, ""),
        column("hourly_rate_amount", ColumnType.MONEY, ""),
        column("unit_price", ColumnType.MONEY, ""),
        column("duration_seconds", ColumnType.SECONDS, ""),
    )
    sums = Sums(columns)
    for start in range(0, len(rows), size):
        part = [(code, money, money, money, seconds) for code, money, seconds in rows[start : start + size]]
        sums.add(list(zip(*part, strict=True)))
    assert sums.rows == len(rows)
    assert sums.seconds == {"duration_seconds": sum(seconds or 0 for *_, seconds in rows)}
    expected: dict[tuple[str, str], Decimal] = {}
    for code, money, _ in rows:
        if money is not None:
            expected["amount", code or ""] = expected.get(("amount", code or ""), Decimal(0)) + money
    assert sums.amounts == expected


def test_money_without_a_currency_beside_it_is_not_added_up():
    columns = (column("total", ColumnType.MONEY, ""),)
    sums = Sums(columns)
    sums.add([[Decimal(1), Decimal(2)]])
    assert sums.amounts == {}


def test_what_is_dropped_is_not_in_the_totals_either():
    rules = column_rules(
        DETAILED,
        drop_columns=("amount", "duration_seconds"),
        hash_columns=("user_name",),
        salt=lambda: "salt",
        is_flat=True,
    )
    assert rules is not None
    data = written([entry(amount=1, currency="EUR", userName="Ada")], rules.table(DETAILED))
    (row,) = values(data)
    assert "amount" not in row
    assert len(row["user_name"]) == 64
    assert {name for name, _ in totals(data)} & {"amount", "duration_seconds"} == set()


# --- files --------------------------------------------------------------------------------------------------


def test_the_same_rows_give_the_same_bytes(monkeypatch, tmp_path):
    rows = [entry(n, description=f"row {n}", amount=n / 7, currency="EUR") for n in range(300)]
    first = written(rows)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    assert written(rows, folder=tmp_path) == first
    with zipfile.ZipFile(io.BytesIO(first)) as parts:
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 31, 0, 0, 0)}
        assert b"2000-01-01T00:00:00Z" in parts.read("docProps/core.xml")


def test_nothing_stays_in_the_private_folder(tmp_path):
    written([entry()], folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_writing_comes_through_and_no_workbook_is_made():
    file = io.BytesIO()
    with (
        pytest.raises(ClockifyResponseError),
        open_writer(file, DETAILED.columns, "xlsx", None, METADATA) as writer,
    ):
        writer.write(io.BytesIO(entry(timeInterval={"start": "never"}) + b"\n"), DETAILED)
    assert file.getvalue() == b""


class Full(io.RawIOBase):
    """A disk that is full."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_full_disk_is_the_error_of_the_disk():
    with pytest.raises(OSError, match="No space left") as caught:  # noqa: SIM117
        with open_writer(Full(), DETAILED.columns, "xlsx", None, METADATA) as writer:
            writer.write(io.BytesIO(entry() + b"\n"), DETAILED)
    assert caught.value.errno == 28
    del caught
    gc.collect()  # The archive would write its end once more.


def test_what_does_not_fit_is_refused_with_a_message(monkeypatch):
    with pytest.raises(ClockifyConfigError, match="compression does not fit file_format='xlsx'"):
        check_format("xlsx", "gzip")
    with pytest.raises(ClockifyConfigError, match="escape_formulas does not fit file_format='xlsx'"):
        check_escape("xlsx", escape_formulas=True)
    check_format("xlsx", None)
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(ClockifyConfigError, match=r"needs xlsxwriter.*airflow-provider-clockify\[xlsx\]"):
        check_format("xlsx", None)


def peak_of(rows: int, folder: Path) -> int:
    """The most memory that writing some rows takes."""
    spool = folder / "spool"
    spool.write_bytes(b"".join(entry(n, description=f"row {n}" * 20) + b"\n" for n in range(rows)))
    with (
        (folder / "book").open("wb") as file,
        spool.open("rb") as lines,
        open_writer(file, DETAILED.columns, "xlsx", None, METADATA, folder=folder) as writer,
    ):
        gc.collect()
        tracemalloc.start()
        try:
            assert writer.write(lines, DETAILED) == rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def test_memory_does_not_grow_with_the_rows(tmp_path):
    assert peak_of(6_000, tmp_path) < 1.3 * peak_of(2_000, tmp_path)
