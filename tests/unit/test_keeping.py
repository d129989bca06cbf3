# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What is kept of an interrupted export comes back whole, to the same job, or not at all."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem

try:
    from airflow.sdk.io import attach
except ImportError:
    from airflow.io.store import attach

from airflow_provider_clockify.exceptions import ClockifyNoRowsError, ClockifyServerError
from airflow_provider_clockify.export.keeping import ABANDONED_AFTER, KEPT_FOR, Keeper, KeptJob
from airflow_provider_clockify.export.storage import Target
from airflow_provider_clockify.operators._attempts import Tries


@pytest.fixture
def store():
    """An object store, known to Airflow."""
    filesystem = fsspec.filesystem("memory")
    attach("memory", fs=filesystem)
    yield filesystem
    filesystem.store.clear()


@pytest.fixture(params=["lake", "a lake", "l#k%20é?"])
def target(request, tmp_path: Path) -> Path:
    return tmp_path / request.param / "out.jsonl"


@pytest.fixture
def attempt(target):
    """Begin an attempt of one task."""

    def begin(
        job: str = "job",
        *,
        goes_on: bool = True,
        is_private: bool = False,
        now: datetime | None = None,
        spent: int = 0,
        where: str | None = None,
    ) -> Keeper:
        clock = now or datetime.now(UTC)
        return Keeper(
            Target(where or str(target)),
            is_base=False,
            job=KeptJob(job, goes_on, is_private),
            spent=lambda: spent,
            now=lambda: clock,
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


def test_the_next_attempt_gets_a_part_back_as_it_was(attempt, rows, tmp_path):
    first = attempt(goes_on=False, spent=3)
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
    first = attempt(goes_on=False, spent=3)
    first.put("0", [rows], {})
    second = attempt(spent=4)
    second.take("0", [rows])
    second.put("1", [rows], {})
    third = attempt()
    third.take("0", [rows])
    third.take("1", [rows])
    assert third.requests_before == 7


def test_the_first_attempt_looks_at_nothing(attempt, rows, target, monkeypatch):
    first = attempt(goes_on=False)
    first.put("0", [rows], {"of": "another"})
    monkeypatch.setattr(LocalFileSystem, "ls", lambda *_, **__: pytest.fail("nothing is looked for"))
    assert attempt(goes_on=False).take("0", [rows]) is None


def test_nothing_is_left_once_the_export_is_published(attempt, rows, target):
    first = attempt(goes_on=False)
    first.put("0", [rows], {})
    interrupt(first)
    with attempt():
        pass
    assert kept(target) == []


def test_an_export_without_rows_has_come_to_its_end(attempt, rows, target):
    keeper = attempt()
    keeper.put("0", [rows], {})
    with pytest.raises(ClockifyNoRowsError), keeper:
        raise ClockifyNoRowsError("empty")
    assert kept(target) == []


def test_another_job_gets_nothing_and_takes_nothing_away(attempt, rows, target, tmp_path):
    attempt("monday").put("0", [rows], {})
    assert attempt("tuesday").take("0", [tmp_path / "other.rows"]) is None
    assert len(kept(target)) == 1
    assert attempt("monday").take("0", [rows]) == {}


@pytest.mark.parametrize("damage", ["changed", "gone", "longer"])
def test_a_damaged_part_is_read_again(attempt, rows, target, tmp_path, damage):
    attempt().put("0", [rows], {})
    (folder,) = kept(target)
    file = folder / "0-.rows"
    file.unlink()
    if damage != "gone":
        file.write_bytes(b'{"id":"b"}\n' if damage == "changed" else b'{"id":"a"}\n{"id":"b"}\n')
    second = attempt()
    back = tmp_path / "0-.rows"
    assert second.take("0", [back]) is None
    assert not back.exists()
    assert second.parts == 0


def test_a_part_whose_note_was_not_written_was_not_finished(attempt, rows, target):
    attempt().put("0", [rows], {})
    (folder,) = kept(target)
    (folder / "0.json").unlink()
    assert attempt().take("0", [rows]) is None


def test_an_unreadable_note_means_to_read_again(attempt, rows, target, caplog):
    attempt().put("0", [rows], {})
    (folder,) = kept(target)
    (folder / "0.json").write_text(json.dumps({"job": "x"}))
    assert attempt().take("0", [rows]) is None
    assert "is read again" in caplog.text


def test_a_part_with_other_files_is_read_again(attempt, rows, tmp_path):
    attempt().put("0", [rows], {})
    assert attempt().take("0", [tmp_path / "0-.rows", tmp_path / "0.ids"]) is None


def test_rows_that_were_read_long_ago_are_read_again(attempt, rows, tmp_path):
    now = datetime(2026, 11, 24, tzinfo=UTC)
    attempt(now=now).put("0", [rows], {"x": 1})
    assert attempt(now=now + KEPT_FOR).take("0", [rows]) == {"x": 1}
    assert attempt(now=now + KEPT_FOR + timedelta(seconds=1)).take("0", [rows]) is None


def test_what_nobody_continues_is_removed_by_another_task_and_not_before_its_time(attempt, rows, target):
    now = datetime(2026, 11, 24, tzinfo=UTC)
    attempt(now=now).put("0", [rows], {})
    attempt("other", now=now + ABANDONED_AFTER).put("0", [rows], {})
    assert len(kept(target)) == 2
    attempt("third", now=now + ABANDONED_AFTER + timedelta(seconds=1)).put("0", [rows], {})
    assert len(kept(target)) == 2
    assert attempt(now=now + ABANDONED_AFTER).take("0", [rows]) is None


def test_a_changed_file_of_this_attempt_does_not_change_what_is_kept(attempt, rows, target):
    attempt().put("0", [rows], {})
    rows.unlink()  # as a spool does when its chunk is read again
    rows.write_bytes(b"other\n")
    (folder,) = kept(target)
    assert (folder / "0-.rows").read_bytes() == b'{"id":"a"}\n'


@pytest.mark.parametrize("way", ["put_file", "ls"])
def test_a_target_that_lets_nothing_be_kept_does_not_fail_the_export(
    attempt, rows, target, monkeypatch, caplog, way
):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("AccessDenied")

    target.parent.mkdir()
    keeper = attempt(goes_on=False)
    monkeypatch.setattr(LocalFileSystem, way, refuse)
    with keeper:
        for number in range(3):
            keeper.put(f"{number}", [rows], {})
    assert keeper.parts == 0
    assert caplog.text.count("are not kept") == 1, "said once"


def test_a_target_that_cannot_be_listed_is_read_from_again(attempt, rows, monkeypatch, caplog):
    attempt().put("0", [rows], {})

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("AccessDenied")

    monkeypatch.setattr(LocalFileSystem, "ls", refuse)
    assert attempt().take("0", [rows]) is None
    assert "everything is read again" in caplog.text


def test_what_cannot_be_removed_does_not_fail_a_published_export(attempt, rows, monkeypatch, caplog):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("AccessDenied")

    with attempt() as keeper:
        keeper.put("0", [rows], {})
        monkeypatch.setattr(LocalFileSystem, "rm", refuse)
    assert "could not be removed" in caplog.text


def test_the_folder_is_for_its_owner_only(attempt, rows, target):
    attempt().put("0", [rows], {})
    (folder,) = kept(target)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_in_an_object_store_parts_lie_beside_the_object(store, attempt, rows):
    where = "memory://bucket/lake/out.jsonl"
    attempt(where=where).put("0", [rows], {"x": 1})
    found = [name for name in store.find("/") if "lake" in name]
    assert sorted(name.rsplit("/", 1)[-1] for name in found) == ["0-.rows", "0.json"]
    rows.unlink()
    again = attempt(where=where)
    assert again.take("0", [rows]) == {"x": 1}
    assert rows.read_bytes() == b'{"id":"a"}\n'
    with again:
        pass
    assert [name for name in store.find("/") if "lake" in name] == []


def test_rows_with_hidden_columns_never_go_to_an_object_store(store, attempt, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    attempt(where="memory://bucket/private/out.jsonl", is_private=True).put("0", [rows], {})
    assert store.find("/") == []
    assert len(list(tmp_path.glob(".clockify-*.keep/0-.rows"))) == 1


# --- which attempt it is --------------------------------------------------------------------------------------------


def context(number: int, last: int, clears: int | None = 0, **names: object) -> dict[str, object]:
    ti = {"dag_id": "d", "task_id": "t", "run_id": "r", "map_index": -1, **names}
    run = SimpleNamespace() if clears is None else SimpleNamespace(clear_number=clears)
    return {"ti": SimpleNamespace(try_number=number, max_tries=last, **ti), "dag_run": run}


@pytest.mark.parametrize(
    ("number", "last", "retries", "is_first", "is_last"),
    [
        (1, 0, 0, True, True),
        (1, 3, 3, True, False),
        (2, 3, 3, False, False),
        (4, 3, 3, False, True),
        # Cleared after the second try: Airflow adds the tries before to max_tries.
        (3, 5, 3, True, False),
        (4, 5, 3, False, False),
        (6, 5, 3, False, True),
    ],
)
def test_a_retry_is_told_from_a_cleared_task(number, last, retries, is_first, is_last):
    tries = Tries.of(context(number, last), retries)
    assert (tries.is_first, tries.is_last) == (is_first, is_last)


def test_only_the_same_try_of_the_same_run_shares_what_is_kept():
    base = Tries.of(context(2, 3), 3).run
    others = [
        context(2, 5),
        context(2, 3, clears=1),
        context(2, 3, run_id="other"),
        context(2, 3, task_id="other"),
        context(2, 3, dag_id="other"),
        context(2, 3, map_index=1),
    ]
    assert Tries.of(context(3, 3), 3).run == base, "another try of the same run"
    assert all(Tries.of(other, 3).run != base for other in others)
    assert Tries.of(context(2, 3, clears=None), 3).run is not None


@pytest.mark.parametrize("outside", [{}, {"ti": SimpleNamespace()}, {"ti": SimpleNamespace(try_number=1)}])
def test_outside_of_a_run_there_is_one_attempt(outside):
    assert Tries.of(outside, 3) == Tries(None, is_first=True, is_last=True)
