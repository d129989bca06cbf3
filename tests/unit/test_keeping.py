# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What is kept of an interrupted export comes back whole, or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fsspec
import pytest

try:
    from airflow.sdk.io import attach
except ImportError:
    from airflow.io.store import attach

from airflow_provider_clockify.exceptions import ClockifyNoRowsError, ClockifyServerError
from airflow_provider_clockify.sinks.keeping import ABANDONED_AFTER, KEPT_FOR, Keeper
from airflow_provider_clockify.sinks.storage import Target


@pytest.fixture
def store():
    """An object store, known to Airflow."""
    filesystem = fsspec.filesystem("memory")
    attach("memory", fs=filesystem)
    yield filesystem
    filesystem.store.clear()


class DictMemory:
    def __init__(self) -> None:
        self.text: str | None = None

    def get(self) -> str | None:
        return self.text

    def set(self, text: str) -> None:
        self.text = text

    def delete(self) -> None:
        self.text = None


@pytest.fixture
def memory() -> DictMemory:
    return DictMemory()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "lake").mkdir()
    return tmp_path / "lake" / "out.jsonl"


@pytest.fixture
def attempt(memory, target):
    """Begin an attempt of one task."""

    def begin(job: str = "job", *, now: datetime | None = None, spent: int = 0, **more) -> Keeper:
        more.setdefault("memory", memory)
        clock = now or datetime.now(UTC)
        return Keeper(
            target=Target(str(target)),
            is_base=False,
            job=job,
            spent=lambda: spent,
            now=lambda: clock,
            **more,
        )

    return begin


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "0-.rows"
    path.write_bytes(b'{"id":"a"}\n')
    return path


def interrupt(keeper: Keeper) -> None:
    keeper.__exit__(ClockifyServerError, ClockifyServerError("busy", status=503), None)


def kept(target: Path) -> list[Path]:
    return sorted(target.parent.glob(".clockify-*.keep"))


def test_the_next_attempt_gets_a_part_back_as_it_was(attempt, rows, tmp_path, target):
    first = attempt(spent=3)
    first.put("0", [rows], {"rows": 1})
    interrupt(first)
    rows.unlink()
    second = attempt()
    back = tmp_path / "again" / "0-.rows"
    back.parent.mkdir()
    assert second.take("0", [back]) == {"rows": 1}
    assert back.read_bytes() == b'{"id":"a"}\n'
    assert (second.requests_before, second.parts) == (3, 1)


def test_requests_of_all_attempts_add_up(attempt, rows):
    for spent in (3, 4):
        keeper = attempt(spent=spent)
        keeper.put(str(spent), [rows], {})
        interrupt(keeper)
    assert attempt().requests_before == 7


def test_nothing_is_left_once_the_export_is_published(attempt, rows, memory, target):
    first = attempt()
    first.put("0", [rows], {})
    interrupt(first)
    with attempt():
        pass
    assert (kept(target), memory.text) == ([], None)


def test_an_export_without_rows_has_come_to_its_end(attempt, rows, memory, target):
    keeper = attempt()
    keeper.put("0", [rows], {})
    with pytest.raises(ClockifyNoRowsError), keeper:
        raise ClockifyNoRowsError("empty")
    assert (kept(target), memory.text) == ([], None)


def test_another_job_gets_nothing_and_what_was_kept_is_removed(attempt, rows, target, tmp_path):
    first = attempt("monday")
    first.put("0", [rows], {})
    interrupt(first)
    assert attempt("tuesday").take("0", [tmp_path / "0-.rows"]) is None
    assert kept(target) == []


@pytest.mark.parametrize("damage", ["changed", "gone", "longer"])
def test_a_damaged_part_is_read_again(attempt, rows, target, tmp_path, damage):
    first = attempt()
    first.put("0", [rows], {})
    first.put("1", [rows], {})
    interrupt(first)
    (folder,) = kept(target)
    file = folder / "0-.rows"
    file.unlink()
    if damage != "gone":
        file.write_bytes(b'{"id":"b"}\n' if damage == "changed" else b'{"id":"a"}\n{"id":"b"}\n')
    back = tmp_path / "0-.rows"
    second = attempt()
    assert second.take("0", [back]) is None
    assert not back.exists()
    assert second.parts == 1


def test_a_part_with_other_files_is_read_again(attempt, rows, tmp_path):
    first = attempt()
    first.put("0", [rows], {})
    interrupt(first)
    assert attempt().take("0", [tmp_path / "0-.rows", tmp_path / "0.ids"]) is None


def test_rows_that_were_read_long_ago_are_read_again(attempt, rows, tmp_path):
    now = datetime(2026, 11, 24, tzinfo=UTC)
    first = attempt(now=now)
    first.put("0", [rows], {"x": 1})
    interrupt(first)
    assert attempt(now=now + KEPT_FOR).take("0", [rows]) == {"x": 1}
    assert attempt(now=now + KEPT_FOR + timedelta(seconds=1)).take("0", [rows]) is None


def test_what_nobody_continues_is_removed_by_another_task_and_not_before_its_time(
    attempt, rows, memory, target
):
    now = datetime(2026, 11, 24, tzinfo=UTC)
    attempt(now=now).put("0", [rows], {})
    attempt(now=now + ABANDONED_AFTER, memory=DictMemory())
    assert len(kept(target)) == 1
    attempt(now=now + ABANDONED_AFTER + timedelta(seconds=1), memory=DictMemory())
    assert kept(target) == []
    assert attempt(now=now + ABANDONED_AFTER + timedelta(seconds=1)).parts == 0


def test_a_changed_file_of_this_attempt_does_not_change_what_is_kept(attempt, rows, target):
    keeper = attempt()
    keeper.put("0", [rows], {})
    rows.unlink()  # as a spool does when its chunk is read again
    rows.write_bytes(b"other\n")
    (folder,) = kept(target)
    assert (folder / "0-.rows").read_bytes() == b'{"id":"a"}\n'


def test_files_are_copied_where_there_are_no_hard_links(attempt, rows, tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    first = attempt()
    first.put("0", [rows], {})
    interrupt(first)
    rows.unlink()
    assert attempt().take("0", [rows]) == {}
    assert rows.read_bytes() == b'{"id":"a"}\n'


@pytest.mark.parametrize(
    "name", ["../victim", "/etc", "", ".clockify-20261124T000000-0123.keep/../../victim"]
)
def test_a_name_that_is_none_of_ours_is_never_followed(attempt, memory, tmp_path, name):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "manifest.json").write_text(json.dumps({"job": "x"}))
    memory.text = name
    assert attempt().parts == 0
    assert victim.exists()


def test_unreadable_notes_mean_a_new_start(attempt, rows, target, caplog):
    first = attempt()
    first.put("0", [rows], {})
    (folder,) = kept(target)
    (folder / "manifest.json").write_text("{")
    assert attempt().parts == 0
    assert kept(target) == []


def test_a_full_disk_while_keeping_does_not_fail_the_export(attempt, rows, target, monkeypatch, caplog):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    keeper = attempt()
    monkeypatch.setattr(Path, "mkdir", refuse)
    keeper.put("0", [rows], {})
    assert "cannot be kept" in caplog.text


def test_without_a_memory_nothing_is_kept(attempt, rows, target):
    keeper = attempt(memory=None)
    keeper.put("0", [rows], {})
    assert (keeper.parts, kept(target)) == (0, [])


def test_the_folder_is_for_its_owner_only(attempt, rows, target):
    attempt().put("0", [rows], {})
    (folder,) = kept(target)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_in_an_object_store_parts_lie_beside_the_object(memory, store, rows):
    where = Target("memory://bucket/lake/out.jsonl")
    keeper = Keeper(memory, where, is_base=False, job="job", spent=lambda: 1)
    keeper.put("0", [rows], {"x": 1})
    found = [name for name in store.find("/") if "lake" in name]
    assert sorted(name.rsplit("/", 1)[-1] for name in found) == ["0-.rows", "manifest.json"]
    rows.unlink()
    again = Keeper(memory, where, is_base=False, job="job", spent=lambda: 0)
    assert again.take("0", [rows]) == {"x": 1}
    assert rows.read_bytes() == b'{"id":"a"}\n'
    with again:
        pass
    assert [name for name in store.find("/") if "lake" in name] == []


def test_rows_with_hidden_columns_never_go_to_an_object_store(memory, store, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    where = Target("memory://bucket/private/out.jsonl")
    keeper = Keeper(memory, where, is_base=False, job="job", spent=lambda: 0, private=True)
    keeper.put("0", [rows], {})
    assert store.find("/") == []
    assert (tmp_path / (memory.text or "") / "0-.rows").exists()
