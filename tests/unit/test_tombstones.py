# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify.columns.privacy import ColumnRules
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.export.storage import Staging, Target
from airflow_provider_clockify.export.tombstones import (
    check_reconcile,
    read_ids,
    tombstone_name,
    tombstones,
    write_tombstones,
)
from airflow_provider_clockify.export.writing import FileKind

NOON = datetime(2026, 11, 10, 12, 0, 0, 500_000, tzinfo=UTC)
IDS = st.sets(st.sampled_from("abcdef"))


def encoded(ids: list[str], kind: FileKind) -> bytes:
    """Write a minimal export file."""
    if kind.file_format == "parquet":
        import pyarrow
        import pyarrow.parquet

        sink = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.table({"id": ids, "description": ids}), sink)
        return sink.getvalue()
    if kind.file_format == "jsonl":
        plain = b"".join(
            json.dumps({"_id": each, "description": "a\u2028b"}).encode() + b"\n" for each in ids
        )
    else:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(
            [["description", "id"], *(["a\nb", each] for each in ids)]
        )
        plain = text.getvalue().encode()
    if kind.compression == "gzip":
        return gzip.compress(plain, mtime=0)
    if kind.compression == "zstd":
        import zstandard

        return zstandard.compress(plain)
    return plain


KINDS = [
    FileKind(file_format, compression)
    for file_format, compressions in (
        ("jsonl", (None, "gzip", "zstd")),
        ("csv", (None, "gzip", "zstd")),
        ("parquet", (None,)),
    )
    for compression in compressions
]


# --- what is gone -------------------------------------------------------------------------------------------


@given(IDS, IDS, IDS)
def test_tombstones_are_what_was_there_or_known_gone_and_is_not_there_now(before, after, known):
    found = tombstones(before, after, dict.fromkeys(known, "earlier"), NOON)
    assert list(found) == sorted((before | known) - after)
    assert {each for each, when in found.items() if when == "earlier"} == known - after


def test_the_time_of_detection_is_utc_in_whole_seconds():
    east = NOON.astimezone(timezone(timedelta(hours=12)))
    assert tombstones(["a"], [], {}, east) == {"a": "2026-11-10T12:00:00Z"}


@given(st.lists(IDS, min_size=1, max_size=6))
def test_over_many_runs_each_tombstone_keeps_the_time_it_was_first_found_at(runs):
    known: dict[str, str] = {}
    before: set[str] = set()
    since: dict[str, int] = {}
    for number, after in enumerate(runs):
        known = tombstones(before, after, known, NOON + timedelta(hours=number))
        since = {each: since.get(each, number) for each in (before | set(since)) - after}
        times = {
            each: f"2026-11-{10 + (12 + n) // 24}T{(12 + n) % 24:02d}:00:00Z" for each, n in since.items()
        }
        assert known == times
        before = after


# --- ids of files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.suffix)
def test_ids_are_read_from_every_format(kind):
    assert list(read_ids(io.BytesIO(encoded(["b", "a"], kind)), kind)) == ["b", "a"]
    assert list(read_ids(io.BytesIO(encoded([], kind)), kind)) == []


def test_ids_under_their_documented_name():
    assert list(read_ids(io.BytesIO(b'{"id":"a"}\n{"_id":null,"id":"b"}\n'), FileKind("jsonl"))) == ["a", "b"]


# --- publication --------------------------------------------------------------------------------------------


@pytest.fixture
def compare(tmp_path: Path) -> Callable[..., tuple[int, Any]]:
    """Compare a new file with what is at the target; publish both unless told to crash in between."""

    def run(ids: list[str], kind: FileKind = KINDS[0], *, crash: bool = False) -> tuple[int, Any]:
        target = Target(str(tmp_path / ("x" + kind.suffix)))
        beside = tmp_path / tombstone_name(target.at().name)
        with Staging(target, is_base=False) as staging:
            new = staging.path("0.done")
            new.write_bytes(encoded(ids, kind))
            count = write_tombstones(staging, (), new, kind)
            if not crash:
                staging.publish(new)
        if not beside.exists():
            return count, None
        return count, {
            row["id"]: row["deleted_detected_at"]
            for row in map(json.loads, beside.read_text().split("\n")[:-1])
        }

    return run


def freeze(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return moment

    monkeypatch.setattr("airflow_provider_clockify.export.tombstones.datetime", Clock)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.suffix)
def test_what_the_new_file_does_not_hold_any_more_becomes_a_tombstone(compare, monkeypatch, kind):
    freeze(monkeypatch, NOON)
    assert compare(["a", "b", "c"], kind) == (0, None)
    assert compare(["b"], kind) == (2, dict.fromkeys("ac", "2026-11-10T12:00:00Z"))


def test_repeated_runs_keep_the_time_and_a_row_that_is_back_loses_its_tombstone(compare, monkeypatch):
    freeze(monkeypatch, NOON)
    compare(["a", "b", "c"])
    compare(["c"])
    freeze(monkeypatch, NOON + timedelta(hours=1))
    assert compare([]) == (3, {**dict.fromkeys("ab", "2026-11-10T12:00:00Z"), "c": "2026-11-10T13:00:00Z"})
    assert compare(["b"]) == (2, {"a": "2026-11-10T12:00:00Z", "c": "2026-11-10T13:00:00Z"})
    assert compare(["a", "b", "c"]) == (0, {})


def test_a_crash_before_the_file_is_published_finds_the_same_again(compare, monkeypatch):
    freeze(monkeypatch, NOON)
    compare(["a", "b"])
    assert compare(["b"], crash=True) == (1, {"a": "2026-11-10T12:00:00Z"})
    freeze(monkeypatch, NOON + timedelta(hours=1))
    assert compare(["b"]) == (1, {"a": "2026-11-10T12:00:00Z"})


def test_a_crash_of_the_run_that_has_a_row_again_leaves_it_without_a_tombstone(compare):
    compare(["a"])
    compare([])
    assert compare(["a"], crash=True) == (0, {})
    assert compare(["a"]) == (0, {})


def test_an_unchanged_window_leaves_no_file_beside_it(compare, tmp_path):
    compare(["a"])
    compare(["a", "b"])
    assert [path.name for path in tmp_path.iterdir()] == ["x.jsonl"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"id,description\na,b\n", FileKind("jsonl")),
        (encoded(["a"], FileKind("jsonl", "gzip")), FileKind("jsonl")),
        (b'{"description":"x"}\n', FileKind("jsonl")),
        (encoded(["a"], FileKind("jsonl")), FileKind("csv")),
        (b"a,b\n1,2\n", FileKind("csv")),
        (encoded(["a"], FileKind("jsonl")), FileKind("jsonl", "gzip")),
        (encoded(["a"], FileKind("jsonl", "gzip"))[:-4], FileKind("jsonl", "gzip")),
        (encoded(["a"], FileKind("jsonl")), FileKind("csv", "zstd")),
        (encoded(["a"], FileKind("csv")), FileKind("parquet")),
    ],
    ids=str,
)
def test_a_last_export_that_cannot_be_compared_is_refused_with_the_cure(tmp_path, content, kind):
    path = tmp_path / "x"
    path.write_bytes(content)
    with Staging(Target(str(path)), is_base=False) as staging:
        new = staging.path("new")
        new.write_bytes(encoded([], kind))
        with pytest.raises(ClockifyConfigError, match=r"cannot read the ids of .*x \(.*another output_path"):
            write_tombstones(staging, (), new, kind)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "rules",
    [ColumnRules(frozenset({"id"}), frozenset(), b""), ColumnRules(frozenset(), frozenset({"id"}), b"s")],
)
def test_without_ids_there_is_nothing_to_compare(rules):
    with pytest.raises(ClockifyConfigError, match="leave the column id as it is"):
        check_reconcile(FileKind("csv", rules=rules))


def test_other_columns_may_go():
    check_reconcile(FileKind("csv", rules=ColumnRules(frozenset({"user_id"}), frozenset(), b"")))
    check_reconcile(FileKind("csv"))
