# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Many rows at once, column by column, against the same rows one by one."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_clockify.columns.detailed_columns import DETAILED, entry_columns, entry_rows
from airflow_provider_clockify.columns.privacy import column_rules
from airflow_provider_clockify.columns.tables import ColumnType, Table, as_list
from airflow_provider_clockify.exceptions import ClockifyError
from airflow_provider_clockify.export.formats import open_writer
from airflow_provider_clockify.export.formats import rows as batching
from airflow_provider_clockify.service.values import plain

RULES = column_rules(
    DETAILED,
    drop_columns=["user_email", "customFields.*.value"],
    hash_columns=["user_name", "tag_names", "description"],
    salt=lambda: "pepper",
    is_flat=True,
)
assert RULES is not None
MISFITS = (ClockifyError, msgspec.MsgspecError, UnicodeDecodeError)
TABLES = {"whole": DETAILED, "changed": RULES.table(DETAILED)}

MONEY = (
    *("0", "-0", "0.0", "-0.0", "-7", "14250.0", "40055.555555555555555555", "1e3", "1.0E7", "1E-20", "0e-7"),
    *('"12.5"', '"-0"', '" 5"', '"NaN"', '"-Infinity"', '"twelve"', "true", "[]", "{}", "[1]"),
    *("0.0000000000000000005", "0.00000000000000000050", "0.1" + "0" * 40, "12345678901234567890.5"),
    *("123456789012345678901", "9" * 39, "1e999", "1e1000", "1e-999", "1e-1000", "1e9999999999999999999"),
    *("9" * 1000, "9" * 1001, "0." + "0" * 998 + "1", "0." + "0" * 999 + "1", "1" * 5000),
)
MONEY_FIELDS = ("amount", "rate", "earnedAmount", "earnedRate", "costAmount", "costRate")
LAST_COUNTS = (*MONEY_FIELDS, "tags", "tagIds")
INSTANTS = (
    *("2026-11-02T08:00:00Z", "2026-11-02T08:00:00.5Z", "2026-11-02T08:00:00.123456Z"),
    *("2026-11-02T08:00:00.1234567Z", "2026-11-02T08:00:00.1234560Z", "2026-11-02T08:00:00+00:00"),
    *("2026-11-03T10:15:00+12:00", "2026-11-02 08:00:00Z", "2026-W45-1T08:00:00Z", "20261102T08:00:00.0Z"),
    *("2026-02-30T08:00:00Z", "2026-11-02T24:00:00Z", "2026-11-02T08:00:60Z", "0000-01-01T00:00:00Z"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+01:00", "2026-11-02T08:00:00"),
    *("\u0662026-11-02T08:00:00Z", "2026-11-02T08:00Z", "02026-11-02T08:00:0Z", "later", ""),
)
DURATIONS = (
    *("375", "0", "-0", "-1", "5400.0", "1.5", "1e3", '"375"', '"x"', '"NaN"', "true", str(10**18)),
    *(str(2**63 - 1), str(2**63), str(-(2**63)), str(-(2**63) - 1), "1" * 30, "1" * 5000),
)
TEXTS = ('""', '"null"', '"x"', '"\\n,\\"=1"', '"\\ud83d\\ude80"', '"\\ud83d"', "5", "[]")
FLAGS = ("true", "false", "0", '"yes"')
TAGS = (
    *("[]", '[{"_id":"a","name":"A"}]', '[{"id":"b","name":"B"},{"_id":"a","name":"A"}]', '[{"name":"N"}]'),
    *('[{"_id":"a","name":"A"},{"_id":"a","name":"Z"}]', '[{"_id":"a","name":null}]', "[{}]", "[null]", "{}"),
)
TAG_IDS = ("[]", '["a"]', '["b","gone","a"]', '["a","a"]', '[""]', "[null]", '"a"')
JSON = ("[]", '[{"value" : "ü"}]', '[{"value":1.50}]', '"null"', "{}", "5", "[nul]", '["')


def field(name: str, values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, bytes]]:
    raw = st.sampled_from((*values, "null")).map(str.encode)
    return raw.map(lambda value: (name, value))


PLAIN = (
    *(
        field(name, TEXTS)
        for name in ("_id", "id", "description", "userName", "projectId", "clientName", "type")
    ),
    *(field(name, FLAGS) for name in ("billable", "isLocked", "locked")),
    *(field(name, MONEY) for name in MONEY_FIELDS),
    *(field(name, JSON) for name in ("customFields", "invoicingInfo")),
    field("tags", TAGS),
    field("tagIds", TAG_IDS),
    st.sampled_from(
        [
            *((name, b'"\xff"') for name in ("description", "customFields", "amount")),
            *(("tags", b'[{"_id":"a","name":"%b"}]' % odd) for odd in (b"\xff", b"a" * 3000, b"\\n")),
        ]
    ),
)
START = b'"start":"2026-11-02T08:00:00Z"'


@st.composite
def intervals(draw: st.DrawFn) -> bytes:
    times = st.sampled_from(INSTANTS).map(lambda text: f'"{text}"') | st.sampled_from(["null", "5"])
    parts = [START]
    if draw(st.booleans()):
        name = draw(st.sampled_from(["start", "end"]))
        parts.append(f'"{name}":{draw(times)}'.encode())
    if draw(st.booleans()):
        parts.append(b'"duration":' + draw(st.sampled_from((*DURATIONS, "null"))).encode())
    return b"{" + b",".join(parts) + b"}"


@st.composite
def entries(draw: st.DrawFn) -> bytes:
    """
    An entry with some odd fields, now and then the same field twice, or no interval at all.

    Money and tags have one value: of two both ways take the last, but only one by one the first must fit as well.
    """
    odd = draw(st.lists(st.one_of(PLAIN), max_size=4))
    last = dict(odd)
    odd = [(name, last[name] if name in LAST_COUNTS else value) for name, value in odd]
    interval = draw(st.one_of(st.just(b"{" + START + b"}"), intervals()))
    fields = [("_id", b'"first"'), ("timeInterval", interval), *odd]
    if draw(st.integers(0, 30)) == 30:
        del fields[1]
    return b"{" + b",".join(b'"' + name.encode() + b'":' + value for name, value in fields) + b"}"


def entry(fields: str) -> bytes:
    return b'{"_id":"e","timeInterval":{' + START + b"}," + fields.encode() + b"}"


def file_or_error(rows: list[bytes], table: Table, file_format: str) -> bytes | tuple[type, str]:
    out = io.BytesIO()
    try:
        with open_writer(out, table.columns, file_format, None, {}) as writer:
            assert writer.write(io.BytesIO(b"".join(row + b"\n" for row in rows)), table) == len(rows)
    except MISFITS as error:
        return type(error), str(error)
    return out.getvalue()


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
@pytest.mark.parametrize("name", TABLES)
@given(rows=st.lists(entries(), min_size=1, max_size=7))
@example(rows=[entry('"amount":"x"'), entry('"billable":1')])
@example(rows=[entry('"amount":1e1000'), entry('"amount":"x"')])
@example(rows=[entry('"amount":-0'), entry('"amount":7')])
@example(rows=[entry('"amount":1.5'), entry('"amount":1e3')])
@example(rows=[entry('"amount":1.5,"amount":2')])
def test_files_and_errors_are_those_of_rows_one_by_one(name, file_format, rows):
    if file_format == "parquet":
        pytest.importorskip("pyarrow")
    table = TABLES[name]
    assert table.columns_of is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batching, "BATCH_BYTES", 200)
        assert file_or_error(rows, table, file_format) == file_or_error(
            rows, replace(table, columns_of=None), file_format
        )


ODD = (
    *(f'"timeInterval":{{"start":"{text}"}}' for text in INSTANTS),
    *(f'"timeInterval":{{"start":"2026-11-02T08:00:00Z","end":"{text}"}}' for text in INSTANTS),
    *(f'"timeInterval":{{"start":"2026-11-02T08:00:00Z","duration":{value}}}' for value in DURATIONS),
    *(f'"amount":{value}' for value in MONEY),
    *(f'"tags":{value}' for value in TAGS),
    *(f'"tagIds":{value}' for value in TAG_IDS),
    *(f'"customFields":{value}' for value in JSON),
)


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd[:60])
def test_one_odd_value_among_usual_ones(odd, file_format):
    if file_format == "parquet":
        pytest.importorskip("pyarrow")
    usual = '"timeInterval":{"start":"2026-11-02T08:00:00Z","end":"2026-11-02T08:30:00Z","duration":1800},"amount":1.5'
    rows = [entry('"amount":null'), entry(usual), entry(odd), entry(usual)]
    assert file_or_error(rows, DETAILED, file_format) == file_or_error(
        rows, replace(DETAILED, columns_of=None), file_format
    )


def comparable(kind: ColumnType, cell: Any) -> Any:
    if isinstance(cell, Decimal):
        return plain(cell)
    if isinstance(cell, str) and kind is ColumnType.INSTANT:
        cell = datetime.fromisoformat(cell)
    if isinstance(cell, datetime):
        return cell.astimezone(UTC)
    return cell


def columns_of(*rows: bytes, arrow: Any = None) -> list[Any]:
    """Return columns of rows in parts of two, by which nothing may change."""
    parts = [b"\n".join(rows[place : place + 2]) for place in range(0, len(rows), 2)]
    return [as_list(cells) for cells in entry_columns(parts, arrow)]


@pytest.mark.parametrize("kind", ["text", "arrow"])
@given(rows=st.lists(entries(), min_size=1, max_size=5))
@example(rows=[entry('"timeInterval":{"start":"2026-11-02T08:00:00Z","duration":1e15}')])
def test_columns_hold_the_values_of_rows_or_their_text(kind, rows):
    pa = pytest.importorskip("pyarrow") if kind == "arrow" else None
    misfits = (*MISFITS, pa.ArrowInvalid) if pa else MISFITS
    try:
        columns = columns_of(*rows, arrow=pa)
    except misfits:
        columns = None
    try:
        values = [entry_rows(row)[0] for row in rows]
    except MISFITS:
        values = None
    if columns is None or values is None:
        assert columns is values
        return
    found = [
        [comparable(of.type, cell) for cell in cells]
        for of, cells in zip(DETAILED.columns, columns, strict=True)
    ]
    # By their text too: 1 and True are equal.
    expected = [
        [comparable(of.type, cell) for cell in cells]
        for of, cells in zip(DETAILED.columns, zip(*values, strict=True), strict=True)
    ]
    assert found == expected
    assert repr(found) == repr(expected)


@given(
    st.lists(
        st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?", fullmatch=True)
        | st.from_regex(r"-?[1-9][0-9]{18,20}(\.[0-9]{16,19})?", fullmatch=True),
        min_size=1,
        max_size=3,
    )
)
@example(["9" * 20])
@example(["35" + "0" * 19])
@example(["9" * 38])
@example(["9" * 39])
@example(["-" + "9" * 19])
@example(["9" * 20 + "." + "9" * 18])
@example(["0." + "5" * 18])
@example(["0." + "5" * 19])
def test_money_in_parquet_is_that_of_exact_numbers(amounts):
    pytest.importorskip("pyarrow")
    rows = [entry(f'"amount":{amount}') for amount in amounts]
    assert file_or_error(rows, DETAILED, "parquet") == file_or_error(
        rows, replace(DETAILED, columns_of=None), "parquet"
    )


def test_usual_rows_are_never_read_one_by_one(entry_json):
    def refuse(row: bytes) -> Any:
        raise AssertionError(row)

    running = {"start": "2026-11-02T08:00:00Z", "end": None, "duration": None}
    odd = {"start": "2026-11-02T10:00:00+02:00", "end": "2026-11-02T08:30:00.25Z", "duration": 1800.0}
    rows = [
        entry_json(),
        entry_json(timeInterval=running, tags=None, tagIds=None, amount=None),
        entry_json(timeInterval=odd, amount=1e22, rate=-3, costRate="12.5", customFields=None),
    ]
    for table in (DETAILED, RULES.table(DETAILED)):
        written = file_or_error(rows, replace(table, rows=refuse), "csv")
        assert written == file_or_error(rows, replace(table, columns_of=None), "csv")
        assert isinstance(written, bytes)


def test_usual_rows_become_arrays_of_arrow_in_large_batches(entry_json):
    pa = pytest.importorskip("pyarrow")
    running = {"start": "2026-11-02T08:00:00Z", "end": None, "duration": None}
    rows = [entry_json(), entry_json(timeInterval=running, tags=None, tagIds=None, amount=None)] * 250
    found = list(batching.batches(io.BytesIO(b"".join(row + b"\n" for row in rows)), DETAILED, pa))
    assert len(found) == 1
    arrays = [
        of.name for of, cells in zip(DETAILED.columns, found[0], strict=True) if isinstance(cells, pa.Array)
    ]
    assert arrays == [
        of.name
        for of in DETAILED.columns
        if of.type in (ColumnType.INSTANT, ColumnType.HOURS, ColumnType.MONEY, ColumnType.TEXTS)
    ]


def test_usual_instants_and_money_stay_text(entry_json):
    columns = dict(zip([each.name for each in DETAILED.columns], columns_of(entry_json()), strict=True))
    assert columns["start"] == ["2026-11-02T08:00:00Z"]
    assert columns["duration_hours"] == ["1.5"]
    assert columns["amount"] == ["142.5"]


@pytest.mark.parametrize("digits", ["", ".5", ".1234567", ".123456789", ".999999999999"])
def test_times_of_any_precision_are_the_same_row_by_row_and_column_by_column(digits):
    usual = entry('"amount":1')
    times = (
        f'"timeInterval":{{"start":"2026-11-02T08:00:00{digits}Z","end":"2026-11-02T09:00:00{digits}+00:00"}}'
    )
    odd = entry(f'"_id":"f",{times}')
    for rows in ([odd], [usual, odd], [odd, usual]):
        written = file_or_error(rows, DETAILED, "csv")
        assert isinstance(written, bytes)
        assert written == file_or_error(rows, replace(DETAILED, columns_of=None), "csv")


@pytest.mark.parametrize("duration", ["-1", "-3600", "-3600.0", "-0", str(-(2**63))])
def test_negative_durations_are_whole_seconds_too(duration):
    row = entry(
        f'"timeInterval":{{"start":"2026-11-02T08:00:00Z","end":"2026-11-02T07:00:00Z","duration":{duration}}}'
    )
    assert columns_of(row)[4] == [int(float(duration))] == [entry_rows(row)[0][4]]


def test_a_column_of_instants_or_money_is_of_one_kind():
    rows = [entry('"amount":1.5'), entry('"amount":1e3'), entry('"amount":null')]
    columns = dict(zip([each.name for each in DETAILED.columns], columns_of(*rows), strict=True))
    assert columns["amount"] == [Decimal("0.015"), Decimal("10"), None]


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
@pytest.mark.parametrize("text", ["%s%s\n", "%s\n\n%s\n", "%s\n%s\n\n", "%s\nnull\n%s\n"])
def test_lines_that_are_not_one_entry_each_are_errors(text, file_format):
    if file_format == "parquet":
        pytest.importorskip("pyarrow")
    lines = (text % ((entry('"amount":1').decode(),) * 2)).encode()
    with (
        open_writer(io.BytesIO(), DETAILED.columns, file_format, None, {}) as writer,
        pytest.raises(ClockifyError, match="has an unexpected shape"),
    ):
        writer.write(io.BytesIO(lines), DETAILED)


def test_the_first_entry_that_does_not_fit_is_named_whatever_the_others_are():
    rows = [entry('"amount":1'), entry('"amount":"NaN"'), b'{"_id":"f"}']
    error = file_or_error(rows, DETAILED, "csv")
    assert isinstance(error, tuple)
    assert error[1].startswith("Item e has a NaN where column amount holds money")
