# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import csv
import gc
import gzip
import io
import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_clockify.columns.detailed_columns import DETAILED, DETAILED_COLUMNS
from airflow_provider_clockify.columns.tables import ColumnType, Table, column
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyResponseError
from airflow_provider_clockify.export.formats import check_format, file_suffix, open_writer, parquet_files
from airflow_provider_clockify.export.formats import rows as batching

NAMES = [column.name for column in DETAILED_COLUMNS]
METADATA = {"clockify.window_start": "2026-11-01T00:00:00Z", "clockify.schema_version": "2"}


def entry(number: int = 1, **fields: Any) -> bytes:
    row = {
        "_id": f"id{number}",
        "timeInterval": {"start": "2026-11-02T08:00:00Z", "end": "2026-11-02T09:00:00Z", "duration": 3600},
    }
    return msgspec.json.encode({**row, **fields})


def written(rows: list[bytes], file_format: str, compression: str | None = None, calls: int = 1) -> bytes:
    """Write rows, spread over some calls."""
    file = io.BytesIO()
    with open_writer(file, DETAILED.columns, file_format, compression, METADATA) as writer:
        step = -(-len(rows) // calls) or 1
        for start in range(0, len(rows) or 1, step):
            writer.write(io.BytesIO(b"".join(row + b"\n" for row in rows[start : start + step])), DETAILED)
    del writer
    assert not file.closed, "the file stays open, also when the writer is gone"
    return file.getvalue()


def csv_rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def uncompressed(data: bytes, compression: str | None) -> bytes:
    if compression == "gzip":
        return gzip.decompress(data)
    if compression == "zstd":
        return pytest.importorskip("zstandard").ZstdDecompressor().decompressobj().decompress(data)
    return data


# --- jsonl --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
def test_jsonl_is_what_the_service_sent_byte_for_byte(compression):
    if compression == "zstd":
        pytest.importorskip("zstandard")
    rows = [b'{ "_id" : "a", "x":1.50,"u":"\xc3\xbc\\u00fc" }', b'{"_id":"b","new":[]}']
    assert uncompressed(written(rows, "jsonl", compression, calls=2), compression) == b"".join(
        r + b"\n" for r in rows
    )
    assert uncompressed(written([], "jsonl", compression), compression) == b""


# --- csv ----------------------------------------------------------------------------------------------------


def test_csv_has_a_header_even_without_rows():
    assert written([], "csv") == (",".join(NAMES) + "\n").encode()


def test_csv_values_of_every_type(entry_json):
    (row,) = csv_rows(written([entry_json()], "csv"))
    assert row == {
        "id": "66b1a0c2d3e4f5a6b7c8aa01",
        "description": "Sprint planning",
        "start": "2026-11-02T08:00:00Z",
        "end": "2026-11-02T09:30:00Z",
        "duration_seconds": "5400",
        "duration_hours": "1.5",
        "billable": "true",
        "type": "REGULAR",
        "is_locked": "false",
        "user_id": "u1",
        "user_name": "Ada Example",
        "user_email": "ada@example.com",
        "project_id": "p1",
        "project_name": "Website relaunch",
        "client_id": "c1",
        "client_name": "Globex",
        "task_id": "",
        "task_name": "",
        "tag_ids": '["t1"]',
        "tag_names": '["planning"]',
        "custom_fields": '[{"customFieldId":"f1","value":"OPS-17"}]',
        "currency": "EUR",
        "amount": "142.5",
        "rate": "95",
        "earned_amount": "142.5",
        "earned_rate": "95",
        "cost_amount": "60",
        "cost_rate": "40",
        "approval_request_id": "",
        "invoicing_info": "",
    }


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), max_size=6))
@example(["a\rb", "a\nb", "a\r\nb", '"', ',"\n', "=SUM(A1)", "", " ", "\u2028", "\ufeff", "\x00", "🚀"])
def test_any_text_survives_csv(texts):
    rows = [entry(n, description=text, userName=text) for n, text in enumerate(texts)]
    data = written(rows, "csv", calls=2)
    assert [(row["description"], row["user_name"]) for row in csv_rows(data)] == [
        (text, text) for text in texts
    ]


def test_csv_ends_lines_with_a_line_feed_and_is_utf_8_without_mark():
    data = written([entry(1, description="ü")], "csv")
    assert data.startswith(b"id,description,")
    assert b"\r" not in data
    assert data.endswith(b"\n")
    assert "ü".encode() in data


def test_tag_lists_in_csv_are_json():
    tags = [{"_id": "a", "name": 'x,"y"'}, {"_id": "b", "name": "ü"}]
    (row,) = csv_rows(written([entry(tagIds=["a", "b", "c"], tags=tags)], "csv"))
    assert row["tag_names"] == r'["x,\"y\"","ü",null]'
    assert row["tag_ids"] == '["a","b","c"]'


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1e3", "10"),
        ("1E-6", "0.00000001"),
        ("1E-7", "0"),
        ("-1E-7", "0"),
        ("40055.5555555555555555555", "400.55555556"),
        ("-0.5", "-0.005"),
        ("9" * 30, "9" * 28 + ".99"),
    ],
)
def test_money_in_csv_is_plain_and_of_any_size(number, text):
    (row,) = csv_rows(written([entry()[:-1] + b',"amount":' + number.encode() + b"}"], "csv"))
    assert row["amount"] == text


def test_instants_in_csv_keep_their_fraction():
    interval = {"start": "2026-11-02T08:00:00.123Z", "end": None, "duration": None}
    (row,) = csv_rows(written([entry(timeInterval=interval)], "csv"))
    assert (row["start"], row["end"], row["duration_seconds"]) == ("2026-11-02T08:00:00.123000Z", "", "")


# --- parquet ------------------------------------------------------------------------------------------------


@pytest.fixture
def parquet() -> Any:
    return pytest.importorskip("pyarrow.parquet")


def table(parquet: Any, data: bytes) -> Any:
    return parquet.read_table(io.BytesIO(data))


def test_parquet_types_and_descriptions(parquet):
    schema = table(parquet, written([], "parquet")).schema
    assert {field.name: str(field.type) for field in schema} == {
        name: {
            "text": "string",
            "flag": "bool",
            "seconds": "int64",
            "instant": "timestamp[us, tz=UTC]",
            "money": "decimal128(18, 8)",
            "hours": "decimal128(18, 6)",
            "texts": "list<element: string>",
            "json": "string",
        }[str(each.type)]
        for name, each in zip(NAMES, DETAILED_COLUMNS, strict=True)
    }
    for field, each in zip(schema, DETAILED_COLUMNS, strict=True):
        assert field.metadata[b"description"].decode() == each.description


def test_parquet_holds_the_facts_of_the_export(parquet):
    metadata = table(parquet, written([], "parquet")).schema.metadata
    assert {key.decode(): value.decode() for key, value in metadata.items()} == METADATA


def test_parquet_values(parquet, entry_json):
    (row,) = table(parquet, written([entry_json()], "parquet")).to_pylist()
    assert row["start"] == datetime(2026, 11, 2, 8, tzinfo=UTC)
    assert (row["duration_seconds"], row["billable"], row["is_locked"]) == (5400, True, False)
    assert (row["tag_ids"], row["tag_names"]) == (["t1"], ["planning"])
    assert row["amount"] == Decimal("142.5")
    assert row["amount"].as_tuple().exponent == -8
    assert row["duration_hours"] == Decimal("1.5")
    assert row["task_id"] is row["approval_request_id"] is row["invoicing_info"] is None
    assert json.loads(row["custom_fields"]) == [{"customFieldId": "f1", "value": "OPS-17"}]


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=5))
def test_any_text_survives_parquet(texts):
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [entry(n, description=text, tagIds=[text]) for n, text in enumerate(texts)]
    found = table(parquet, written(rows, "parquet", calls=2)).to_pylist()
    assert [(row["description"], row["tag_ids"]) for row in found] == [(text, [text]) for text in texts]


@given(st.decimals(-(10**11), 10**11, allow_nan=False, places=6) | st.decimals(-1000, 1000, places=3))
def test_money_in_parquet_is_exact(amount):
    parquet = pytest.importorskip("pyarrow.parquet")
    row = entry()[:-1] + f',"amount":{amount:f}}}'.encode()
    (found,) = table(parquet, written([row], "parquet")).to_pylist()
    assert found["amount"] * 100 == amount


@pytest.mark.parametrize(
    ("number", "stored"),
    [
        ("40055.5555555555555555555", "400.55555556"),
        ("0.0000005", "0"),
        ("0.0000015", "0.00000002"),
        ("999999999999.9999994", "9999999999.99999999"),
        ("-999999999999", "-9999999999.99"),
    ],
)
def test_money_beyond_the_scale_is_rounded_half_to_even(parquet, number, stored):
    row = entry()[:-1] + f',"amount":{number}}}'.encode()
    (found,) = table(parquet, written([row], "parquet")).to_pylist()
    assert found["amount"] == Decimal(stored)


@pytest.mark.parametrize("amount", ["1000000000000", "-1e12", "999999999999.9999995", "1" * 20, "1" * 40])
def test_money_too_large_for_the_column_is_an_error_and_not_a_wrong_number(parquet, amount):
    with pytest.raises(
        ClockifyResponseError,
        match="Item id7 has more than 10 digits .* column cost_amount .* as jsonl or csv",
    ):
        written([entry(1, costAmount=5), entry(7)[:-1] + f',"costAmount":{amount}}}'.encode()], "parquet")


def test_hours_of_more_than_twelve_digits_are_an_error_too(parquet):
    interval = {"start": "2026-11-02T08:00:00Z", "end": "2026-11-02T09:00:00Z", "duration": 3600 * 10**12}
    with pytest.raises(
        ClockifyResponseError, match="Item id1 has more than 12 digits .* column duration_hours"
    ):
        written([entry(timeInterval=interval)], "parquet")
    (row,) = csv_rows(written([entry(timeInterval=interval)], "csv"))
    assert row["duration_hours"] == "1000000000000"


def test_row_groups_have_a_fixed_size(parquet, monkeypatch):
    monkeypatch.setattr(parquet_files, "ROW_GROUP_ROWS", 4)
    for rows_of_a_batch in (1, 3, 4, 7, 10):
        monkeypatch.setattr(batching, "BATCH_BYTES", rows_of_a_batch * len(entry(0) + b"\n"))
        file = parquet.ParquetFile(io.BytesIO(written([entry(n) for n in range(10)], "parquet")))
        assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [4, 4, 2]
        assert file.read().column("id").to_pylist() == [f"id{n}" for n in range(10)]


def test_rows_do_not_pile_up_in_front_of_the_garbage_collector(parquet):
    tags = [{"_id": "t1", "name": "one"}, {"_id": "t2", "name": "two"}]
    # As long as Clockify's are.
    rows = [entry(n, description=f"row {n} {'x' * 400}", tags=tags, amount=n / 7) for n in range(5_000)]
    written(rows, "parquet")
    collections = []
    gc.collect()
    gc.callbacks.append(lambda phase, info: collections.append(phase))
    try:
        written(rows, "parquet")
    finally:
        gc.callbacks.pop()
    # With batches of 5,000 rows there are more than twenty.
    assert collections.count("start") < 10


@pytest.mark.parametrize(("compression", "codec"), [(None, "SNAPPY"), ("gzip", "GZIP"), ("zstd", "ZSTD")])
def test_parquet_compresses_inside_the_file(parquet, compression, codec):
    file = parquet.ParquetFile(io.BytesIO(written([entry()], "parquet", compression)))
    assert file.metadata.row_group(0).column(0).compression == codec


# --- all of them --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
def test_the_same_rows_give_the_same_bytes_at_any_time(file_format, compression, monkeypatch):
    if compression == "zstd" and file_format != "parquet":
        pytest.importorskip("zstandard")
    if file_format == "parquet":
        pytest.importorskip("pyarrow")
    rows = [entry(n, description=f"row {n}", amount=n / 7) for n in range(500)]
    first = written(rows, file_format, compression)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert written(rows, file_format, compression) == first
    if file_format != "parquet":  # Its row groups follow the calls.
        assert uncompressed(written(rows, file_format, compression, calls=3), compression) == uncompressed(
            first, compression
        )


def test_an_error_while_writing_comes_through(tmp_path):
    for file_format in ("csv", "parquet"):
        with pytest.raises(ClockifyResponseError):
            written([entry(), entry(timeInterval={"start": "never"})], file_format)


@pytest.mark.parametrize(
    ("file_format", "compression", "suffix"),
    [
        ("jsonl", None, ".jsonl"),
        ("jsonl", "gzip", ".jsonl.gz"),
        ("jsonl", "zstd", ".jsonl.zst"),
        ("csv", "gzip", ".csv.gz"),
        ("csv", None, ".csv"),
        ("parquet", None, ".parquet"),
        ("parquet", "zstd", ".parquet"),
    ],
)
def test_file_names_end_as_their_content_does(file_format, compression, suffix):
    assert file_suffix(file_format, compression) == suffix


@pytest.mark.parametrize(
    ("file_format", "compression", "text"),
    [
        ("xml", None, "file_format is 'xml'; use one of jsonl, csv, parquet, xlsx"),
        ("CSV", None, "file_format is 'CSV'"),
        ("csv", "bzip2", "compression is 'bzip2'; csv knows gzip, zstd or None"),
        ("parquet", "snappy", "compression is 'snappy'; parquet knows gzip, zstd or None"),
        ("jsonl", "", "compression is ''"),
    ],
)
def test_unknown_formats_are_refused_with_the_choices(file_format, compression, text):
    with pytest.raises(ClockifyConfigError) as caught:
        check_format(file_format, compression)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("module", "file_format", "compression", "text"),
    [
        ("pyarrow", "parquet", None, "pip install 'airflow-provider-clockify[parquet]'"),
        ("pyarrow.parquet", "parquet", None, "needs pyarrow.parquet"),
        ("zstandard", "jsonl", "zstd", "pip install 'airflow-provider-clockify[zstd]'"),
        ("zstandard", "csv", "zstd", "compression='zstd' needs zstandard"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(monkeypatch, module, file_format, compression, text):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ClockifyConfigError) as caught:
        check_format(file_format, compression)
    assert text in str(caught.value)
    with pytest.raises(ClockifyConfigError):
        written([entry()], file_format, compression)


def test_a_value_that_is_not_of_its_column_is_an_error_of_arrow():
    arrow = pytest.importorskip("pyarrow")
    columns = (column("id", ColumnType.TEXT, ""), column("hours", ColumnType.WHOLE, ""))
    table = Table("odd", columns, lambda row: [("a", "eight")])
    with (
        pytest.raises(arrow.ArrowInvalid, match="eight"),
        open_writer(io.BytesIO(), columns, "parquet", None, {}) as writer,
    ):
        writer.write(io.BytesIO(b"{}\n"), table)


def test_formats_that_need_no_extra_do_without(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    for file_format in ("jsonl", "csv"):
        for compression in (None, "gzip"):
            check_format(file_format, compression)
            assert written([entry()], file_format, compression)
