# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The file by which processes share a pace: what it does, and that nothing about it can hold or fail anybody."""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from airflow_provider_clockify.http import pace_files
from airflow_provider_clockify.http.pace_files import STALE_AFTER, PaceFile
from airflow_provider_clockify.http.rate_limit import RateLimiter

WHAT = "https://api.example.com/api/v1\n64a1b2c3d4e5f60718293a4b"


def limiter(rate: float = 10, quota: int | None = None, what: str = WHAT) -> RateLimiter:
    """Make a limiter as another process would."""
    return RateLimiter(rate, quota, file=PaceFile(what))


def only_file(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def test_two_processes_take_turns(pace_folder):
    one, two = limiter(), limiter()
    moments = [each.reserve().moment for each in (one, two, one, two)]
    assert [late - early for early, late in zip(moments, moments[1:], strict=False)] == pytest.approx(
        [0.1] * 3, abs=0.03
    )


def test_other_workspaces_have_their_own():
    one, two = limiter(0.01), limiter(0.01, what=WHAT + "x")
    assert one.reserve().wait == two.reserve().wait == 0.0
    assert one.reserve().wait > 90


def test_a_quota_and_a_pause_are_shared():
    one, two = limiter(1e6, 3), limiter(1e6, 3)
    for each in (one, two, one):
        turn = each.reserve()
    assert (one.left(), two.left()) == (0, 0)
    assert two.free_in(1) == pytest.approx(3600, abs=5)
    one.refuse(turn, 7200.0)
    assert two.pause_left == pytest.approx(7200, abs=5)
    assert not two.holds(turn._replace(wait=1.0))


def test_a_good_answer_of_one_sets_the_other_free():
    one, two = limiter(1e6), limiter(1e6)
    refused = one.refuse(one.reserve(), None)
    assert two.pause_left == pytest.approx(refused.pause, abs=1)
    trial = two.reserve()
    assert not trial.taken
    two.answer(trial)
    assert one.reserve().taken


def test_processes_at_the_same_time_never_share_a_moment(pace_folder):
    code = (
        "import sys\n"
        "from airflow_provider_clockify.http import pace_files\n"
        "from airflow_provider_clockify.http.rate_limit import RateLimiter\n"
        "pace_files.folder = lambda: sys.argv[1]\n"
        "pace_files.LOCK_PATIENCE = 60.0\n"
        f"limiter = RateLimiter(1000, 10**6, file=pace_files.PaceFile({WHAT!r}))\n"
        "print([limiter.reserve().moment for _ in range(100)])\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, pace_folder], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    moments = sorted(float(each) for p in processes for each in p.communicate()[0].strip("[]\n").split(","))
    assert len(moments) == 400
    assert min(late - early for early, late in zip(moments, moments[1:], strict=False)) > 0.0009


def test_neither_key_nor_workspace_nor_host_is_on_the_disk(pace_folder):
    limiter(what=WHAT + "\nVerySecretKey").reserve()
    found = only_file(pace_folder)
    for secret in ("VerySecretKey", "64a1b2c3d4e5f60718293a4b", "example"):
        assert secret not in found.name
        assert secret.encode() not in found.read_bytes()
    assert pace_folder.stat().st_mode & 0o777 == 0o700
    assert found.stat().st_mode & 0o777 == 0o600


# --- nothing about it is in the way ----------------------------------------------------------------------------


def keeps_its_own_pace() -> None:
    alone = limiter(0.01)
    assert alone.reserve().wait == 0.0
    assert 90 < alone.reserve().wait <= 100


def others_folder(folder: Path) -> None:
    folder.mkdir(mode=0o755)


def a_link(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(folder.parent / "elsewhere")


def a_file(folder: Path) -> None:
    folder.write_text("")


def no_parent(folder: Path) -> None:
    folder.parent.rmdir()


@pytest.mark.parametrize("spoil", [others_folder, a_link, a_file, no_parent], ids=lambda each: each.__name__)
def test_an_unusable_folder_leaves_each_process_to_itself_and_says_so_once(pace_folder, spoil, caplog):
    spoil(pace_folder)
    with caplog.at_level(logging.DEBUG, pace_files.__name__):
        keeps_its_own_pace()
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "by itself" in caplog.text
    assert not pace_folder.is_dir() or list(pace_folder.iterdir()) == []


def test_a_folder_of_somebody_else_is_not_used(pace_folder, monkeypatch, caplog):
    pace_folder.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: pace_folder.stat().st_uid + 1)
    keeps_its_own_pace()
    assert list(pace_folder.iterdir()) == []


def test_a_linked_file_is_not_followed(pace_folder, tmp_path):
    limiter().reserve()
    found = only_file(pace_folder)
    (tmp_path / "precious").write_bytes(b"precious")
    found.unlink()
    found.symlink_to(tmp_path / "precious")
    keeps_its_own_pace()
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_a_lock_that_is_held_for_long_is_not_waited_for(pace_folder, monkeypatch):
    monkeypatch.setattr(pace_files, "LOCK_PATIENCE", 0.01)
    limiter().reserve()
    with only_file(pace_folder).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        keeps_its_own_pace()


def test_a_full_disk_is_no_error(pace_folder, monkeypatch):
    def full(*args: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    keeps_its_own_pace()


@pytest.mark.parametrize(
    "content", [b"", b"\x00", b"{}", b"\xff" * 100, b"\x99" + b"\xc0" * 9, b"x" * 70_000]
)
def test_a_foreign_or_half_written_file_begins_anew(pace_folder, content):
    limiter().reserve()
    found = only_file(pace_folder)
    whole = found.read_bytes()
    for spoilt in (content, whole[: len(whole) // 2], whole + b"more"):
        found.write_bytes(spoilt)
        assert limiter(0.01).reserve().wait == 0.0
        assert limiter(0.01).reserve().wait > 90, "and it is shared again"


def test_what_the_process_knows_outlives_the_file(pace_folder):
    known = limiter(0.01)
    known.reserve()
    only_file(pace_folder).unlink()
    assert known.reserve().wait > 90


def test_stale_files_go_when_a_new_one_is_made(pace_folder):
    limiter(what="old").reserve()
    old = only_file(pace_folder)
    limiter(what="young").reserve()
    (pace_folder / "other").write_text("not ours")
    past = time.time() - STALE_AFTER - 60
    for each in (old, pace_folder / "other"):
        os.utime(each, (past, past))
    limiter(what="new").reserve()
    assert not old.exists()
    assert len(list(pace_folder.iterdir())) == 3


def test_threads_and_processes_together(pace_folder):
    limiters = [limiter(1000) for _ in range(2)]
    moments: list[float] = []
    threads = [
        threading.Thread(target=lambda each=each: moments.extend(each.reserve().moment for _ in range(50)))
        for each in limiters
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(moments) == 100
