# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.export.plan import Output, make_plan
from airflow_provider_clockify.export.result import ExportResult, PublishedFile
from airflow_provider_clockify.reading.chunk_reading import moved_entries
from airflow_provider_clockify.reading.reader import ReadResult
from airflow_provider_clockify.window import Window, expand_to_units

DAY = timedelta(days=1)
START = datetime(2026, 11, 1, tzinfo=UTC)

windows = st.builds(
    lambda start, length: Window(start.replace(tzinfo=UTC), start.replace(tzinfo=UTC) + length),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    st.timedeltas(timedelta(microseconds=1), timedelta(days=200)),
)


def tiles(pieces: list[Window], window: Window) -> bool:
    bounds = [(piece.start, piece.end) for piece in pieces]
    return bounds == sorted(bounds) and [window.start, *(end for _, end in bounds)] == [
        *(start for start, _ in bounds),
        window.end,
    ]


@given(windows)
def test_one_file_covers_exactly_the_window(window):
    plan = make_plan(window, partition_by=None, file_name="x.jsonl")
    assert (plan.window, plan.outputs, plan.partition_by) == (window, [Output(window)], None)
    assert tiles(list(plan.chunks), window)
    assert all(chunk.duration <= 31 * DAY for chunk in plan.chunks)


@given(windows, st.sampled_from(["day", "month"]))
def test_partitions_tile_whole_units_and_none_spans_two_chunks(window, unit):
    plan = make_plan(window, partition_by=unit, file_name="x.jsonl")
    assert plan.window == expand_to_units(window, unit)
    assert tiles([output.window for output in plan.outputs], plan.window)
    assert tiles(list(plan.chunks), plan.window)
    assert all(chunk.duration <= 31 * DAY for chunk in plan.chunks)
    for output in plan.outputs:
        holders = [
            chunk
            for chunk in plan.chunks
            if chunk.start < output.window.end and output.window.start < chunk.end
        ]
        assert len(holders) == 1
    assert len({output.parts for output in plan.outputs}) == len(plan.outputs)


def test_partition_folders_are_hive_style():
    plan = make_plan(Window(START, START + 2 * DAY), partition_by="day", file_name="detailed.csv.gz")
    assert [(output.key, output.parts) for output in plan.outputs] == [
        ("2026-11-01", ("dt=2026-11-01", "detailed.csv.gz")),
        ("2026-11-02", ("dt=2026-11-02", "detailed.csv.gz")),
    ]
    plan = make_plan(Window(START, START + 2 * DAY), partition_by="month", file_name="detailed.parquet")
    assert [output.parts for output in plan.outputs] == [("month=2026-11", "detailed.parquet")]
    assert plan.window == Window(START, datetime(2026, 12, 1, tzinfo=UTC))


# --- entries that moved between chunks ----------------------------------------------------------------------


def moved(chunks: list[tuple[set[str], int]]) -> list[int]:
    with TemporaryDirectory() as folder:
        files = []
        for number, (ids, order) in enumerate(chunks):
            path = Path(folder) / str(number)
            path.write_text("".join(f"{row_id}\n" for row_id in sorted(ids)))
            files.append((path, order))
        return moved_entries(files)


def naive(chunks: list[tuple[set[str], int]]) -> list[int]:
    return sorted(
        number
        for number, (ids, order) in enumerate(chunks)
        if any(order < later and ids & others for others, later in chunks)
    )


@given(
    st.lists(st.sets(st.sampled_from(["a", "ab", "b", "ba", "c", "0", "9", "10"])), max_size=5),
    st.randoms(use_true_random=False),
)
def test_outdated_chunks_are_those_that_share_an_entry_with_a_later_one(sets, random):
    orders = list(range(len(sets)))
    random.shuffle(orders)
    chunks = list(zip(sets, orders, strict=True))
    assert moved(chunks) == naive(chunks)


@pytest.mark.parametrize("chunks", [[], [({"a"}, 0)], [({"a"}, 0), ({"b"}, 1)], [(set(), 0), (set(), 1)]])
def test_nothing_moved(chunks):
    assert moved(chunks) == []


# --- the result ---------------------------------------------------------------------------------------------


def result() -> ExportResult:
    return ExportResult(Window(START, START + DAY), "detailed", "w", "jsonl", "/x")


def test_chunks_add_up():
    total = result()
    total.add(ReadResult(rows=2, seconds=Decimal(5), money={"EUR": Decimal("0.1")}, running=1))
    total.add(ReadResult(rows=3, seconds=Decimal(7), money={"EUR": Decimal("0.2"), "USD": Decimal(9)}))
    assert (total.seconds, total.running) == (12, 1)
    assert total.money == {"EUR": Decimal("0.3"), "USD": Decimal(9)}


def test_the_xcom_is_json_with_exact_money_and_no_rows():
    total = result()
    total.add(
        ReadResult(rows=1, seconds=Decimal("5400.0"), money={"USD": Decimal("1E+3"), "EUR": Decimal("0.10")})
    )
    total.files.append(PublishedFile("/x", 1, 0, "00", total.window))
    xcom = total.to_xcom()
    assert json.loads(json.dumps(xcom)) == xcom
    assert xcom == {
        "paths": ["/x"],
        "rows": 1,
        "bytes": 0,
        "sha256": {"/x": "00"},
        "window_start": "2026-11-01T00:00:00Z",
        "window_end": "2026-11-02T00:00:00Z",
        "timezone": "UTC",
        "report": "detailed",
        "workspace_id": "w",
        "requests": 0,
        "format": "jsonl",
        "totals": {
            "seconds": 5400,
            "amounts": {"EUR": "0.001", "USD": "10"},
            "running_timers": 0,
        },
    }
    assert type(xcom["totals"]["seconds"]) is int


def test_fractions_of_seconds_are_kept():
    total = result()
    total.add(ReadResult(seconds=Decimal("1.5")))
    assert total.to_xcom()["totals"]["seconds"] == 1.5


def published(number: int, output_path: str) -> ExportResult:
    """As many daily files, below a folder."""
    total = ExportResult(Window(START, START + number * DAY), "detailed", "6" * 24, "parquet", output_path)
    for day in range(number):
        window = Window(START + day * DAY, START + (day + 1) * DAY)
        path = f"{output_path}/dt={window.start:%Y-%m-%d}/detailed.parquet"
        digest = hashlib.sha256(path.encode()).hexdigest()
        total.files.append(PublishedFile(path, 1_000_000, 10**9, digest, window, is_partition=True))
    return total


def test_the_xcom_of_a_year_by_day_has_every_path_and_stays_below_48_kb():
    folder = "/lake/" + "x" * (110 - len("/lake/") - len("/dt=2026-11-01/detailed.parquet"))
    total = published(366, folder)
    assert {len(path) for path in total.paths} == {110}
    total.money = {currency: Decimal("123456789012.123456789012") for currency in ("EUR", "USD", "JPY")}
    xcom = total.to_xcom()
    assert len(json.dumps(xcom)) < 48_000
    assert xcom["paths"] == total.paths
    assert (xcom["rows"], xcom["bytes"]) == (366 * 1_000_000, 366 * 10**9)


@pytest.mark.parametrize("number", [1, 100])
def test_up_to_a_hundred_files_have_a_hash_each(number):
    total = published(number, "/lake")
    assert total.to_xcom()["sha256"] == {file.path: file.sha256 for file in total.files}


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum")
def test_more_files_have_the_hash_of_what_sha256sum_prints(tmp_path):
    total = ExportResult(None, "detailed", "w", "jsonl", str(tmp_path))
    for number in range(101):
        path = tmp_path / f"dt={number:03}" / "detailed.jsonl"
        path.parent.mkdir()
        path.write_text(f"{number}\n")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        total.files.append(PublishedFile(str(path), 1, path.stat().st_size, digest, is_partition=True))
    printed = subprocess.run(["sha256sum", *total.paths], check=True, capture_output=True).stdout
    assert total.to_xcom()["sha256"] == {str(tmp_path): hashlib.sha256(printed).hexdigest()}
