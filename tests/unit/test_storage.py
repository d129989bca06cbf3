# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

try:
    from airflow.sdk.io import attach
except ImportError:  # Airflow 2
    from airflow.io.store import attach

from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyStorageError
from airflow_provider_clockify.export import storage
from airflow_provider_clockify.export.storage import HashingFile, Staging, Target


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def stage(path: Path, data: bytes, *, is_base: bool = False, parts: tuple[str, ...] = ()) -> str:
    with Staging(Target(str(path)), is_base=is_base) as staging:
        staging.path("x").write_bytes(data)
        return staging.publish(staging.path("x"), *parts)


# --- publishing ---------------------------------------------------------------------------------------------


def test_nothing_is_visible_under_the_final_name_before_it_is_published(tmp_path):
    final = tmp_path / "out.jsonl"
    with Staging(Target(str(final)), is_base=False) as staging:
        staging.path("x").write_bytes(b"half")
        assert not final.exists()
        assert [path.name.startswith(".clockify-") for path in tmp_path.iterdir()] == [True]
        assert staging.publish(staging.path("x")) == str(final)
        assert final.read_bytes() == b"half"
    assert everything(tmp_path) == ["out.jsonl"]


def test_the_old_file_is_whole_until_it_is_replaced(tmp_path):
    final = tmp_path / "out.jsonl"
    final.write_bytes(b"old")
    with Staging(Target(str(final)), is_base=False) as staging:
        staging.path("x").write_bytes(b"new")
        assert final.read_bytes() == b"old"
        reader = final.open("rb")
        staging.publish(staging.path("x"))
        assert reader.read() == b"old", "whoever reads the old file keeps it"
        reader.close()
    assert final.read_bytes() == b"new"


def test_the_private_folder_is_on_the_same_file_system_and_hidden(tmp_path):
    with Staging(Target(str(tmp_path / "out.jsonl")), is_base=False) as staging:
        assert staging.folder.parent == tmp_path
        assert staging.folder.name.startswith(".")
        assert staging.folder.stat().st_mode & 0o077 == 0, "rows are private before they are published"


def test_folders_are_made_as_needed(tmp_path):
    assert stage(tmp_path / "a" / "b" / "out.jsonl", b"x") == str(tmp_path / "a" / "b" / "out.jsonl")
    stage(tmp_path / "base", b"y", is_base=True, parts=("dt=2026-11-01", "detailed.jsonl"))
    assert everything(tmp_path) == [
        "a",
        "a/b",
        "a/b/out.jsonl",
        "base",
        "base/dt=2026-11-01",
        "base/dt=2026-11-01/detailed.jsonl",
    ]


def fail_while_writing(output_path: str, *, is_base: bool = False, touch: Path | None = None) -> None:
    with Staging(Target(output_path), is_base=is_base) as staging:
        staging.path("x").write_bytes(b"x")
        if touch is not None:
            touch.write_bytes(b"x")
        raise ZeroDivisionError


def test_an_exception_leaves_nothing_not_even_folders(tmp_path):
    (tmp_path / "there").mkdir()
    for path, is_base in (("there/new/deep/out.jsonl", False), ("there/base/deeper", True)):
        with pytest.raises(ZeroDivisionError):
            fail_while_writing(str(tmp_path / path), is_base=is_base)
    assert everything(tmp_path) == ["there"]


def test_an_exception_spares_what_others_put_into_the_new_folders(tmp_path):
    with pytest.raises(ZeroDivisionError):
        fail_while_writing(str(tmp_path / "a" / "b" / "out.jsonl"), touch=tmp_path / "a" / "theirs")
    assert everything(tmp_path) == ["a", "a/theirs"]


def test_a_failed_publication_leaves_no_empty_partition(tmp_path):
    base = tmp_path / "base"
    (base / "dt=2026-11-02" / "detailed.jsonl").mkdir(parents=True)
    with pytest.raises(ClockifyStorageError), Staging(Target(str(base)), is_base=True) as staging:  # noqa: PT012
        staging.path("x").write_bytes(b"x")
        with pytest.raises(OSError):
            staging.publish(staging.path("x"), "dt=2026-11-02", "detailed.jsonl")
        staging.publish(staging.path("gone"), "dt=2026-11-03", "detailed.jsonl")
    assert everything(base) == ["dt=2026-11-02", "dt=2026-11-02/detailed.jsonl"]


# --- leftovers ----------------------------------------------------------------------------------------------

EXPORT_THAT_HANGS = """
import sys, time
from airflow_provider_clockify.export.storage import Staging, Target
with Staging(Target(sys.argv[1]), is_base=False) as staging:
    staging.path("x").write_bytes(b"half of it")
    print(staging.folder, flush=True)
    time.sleep(60)
"""


def hanging_export(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", EXPORT_THAT_HANGS, str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def folder_of(process: subprocess.Popen[str]) -> Path:
    """Wait until an export has its private folder."""
    assert process.stdout is not None
    return Path(next(line.strip() for line in process.stdout if "/.clockify-" in line))


def test_a_killed_export_is_cleaned_up_by_the_next_but_a_living_one_is_left_alone(tmp_path):
    killed, living = (hanging_export(tmp_path / "out.jsonl") for _ in range(2))
    try:
        dead, alive = folder_of(killed), folder_of(living)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert dead.exists(), "nobody cleans up after SIGKILL"
        stage(tmp_path / "out.jsonl", b"next")
        assert not dead.exists()
        assert (alive / "x").read_bytes() == b"half of it"
        assert (tmp_path / "out.jsonl").read_bytes() == b"next"
    finally:
        for process in (killed, living):
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
    stage(tmp_path / "out.jsonl", b"last")
    assert everything(tmp_path) == ["out.jsonl"]


def test_two_exports_of_one_process_do_not_disturb_each_other(tmp_path):
    with Staging(Target(str(tmp_path / "a")), is_base=False) as first:
        first.path("x").write_bytes(b"first")
        stage(tmp_path / "b", b"second")
        first.publish(first.path("x"))
    assert (tmp_path / "a").read_bytes() == b"first"
    assert (tmp_path / "b").read_bytes() == b"second"


def test_other_hidden_files_are_left_alone(tmp_path):
    for name in (".clockify-notes", ".other.tmp", ".clockify-x.tmp.txt"):
        (tmp_path / name).mkdir()
    (tmp_path / ".clockify-file.tmp").write_bytes(b"a file")
    before = everything(tmp_path)
    stage(tmp_path / "out", b"x")
    assert everything(tmp_path) == sorted([*before, "out"])


@pytest.mark.parametrize("with_lock", [True, False], ids=("unlocked", "without a lock"))
def test_a_folder_left_at_any_moment_is_removed_at_once(tmp_path, with_lock):
    dead = tmp_path / ".clockify-dead.tmp"
    dead.mkdir()
    (dead / "rows").write_bytes(b"half of it")
    if with_lock:
        (dead / "lock").touch()
    stage(tmp_path / "out", b"x")
    assert everything(tmp_path) == ["out"]


def test_a_folder_taken_for_a_leftover_before_it_was_locked_is_replaced(tmp_path, monkeypatch):
    """Remove the first folder between the moment it is made and the moment it is locked."""
    make, made = tempfile.mkdtemp, []

    def make_and_lose(**options: Any) -> str:
        made.append(make(**options))
        if len(made) == 1:
            storage._remove_leftovers(tmp_path)
            assert not Path(made[0]).exists()
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", make_and_lose)
    stage(tmp_path / "out", b"x")
    assert len(made) == 2
    assert everything(tmp_path) == ["out"]


def test_a_lock_that_is_removed_while_it_is_taken_does_not_count(tmp_path, monkeypatch):
    folder = tmp_path / ".clockify-x.tmp"
    folder.mkdir()
    real = fcntl.flock

    def lose(descriptor: int, how: int) -> None:
        real(descriptor, how)
        (folder / "lock").unlink()
        (folder / "lock").touch()

    monkeypatch.setattr(fcntl, "flock", lose)
    assert storage._lock(folder) is None


# --- what cannot be written ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "   ", "None", None])
def test_an_empty_path_is_refused(path):
    with pytest.raises(
        ClockifyConfigError, match="output_path is empty .a template may have rendered to nothing"
    ):
        Target(path)


@pytest.mark.parametrize(
    "path",
    [
        "entries.jsonl",
        "./out/entries.jsonl",
        "../entries.jsonl",
        "~/entries.jsonl",
        "~",
        "~airflow/entries.jsonl",
        "/~/entries.jsonl",
        "$HOME/entries.jsonl",
        "C:\\data\\entries.jsonl",
        "s3:/bucket/entries.jsonl",
        "file:/data/entries.jsonl",
        "file://entries.jsonl",
        "file://data/entries.jsonl",
        "file://./entries.jsonl",
        "file://~/entries.jsonl",
        "file:///~/entries.jsonl",
        "file:////data/entries.jsonl",
        "file://localhost/entries.jsonl",
        "file://conn@data/entries.jsonl",
        "FILE://data/entries.jsonl",
        "local://entries.jsonl",
    ],
)
def test_a_path_that_is_not_absolute_is_refused_with_the_cure(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ClockifyConfigError, match="is not absolute") as caught:
        Target(path)
    assert repr(path) in str(caught.value)
    for cure in ("/data/entries.jsonl", "file:///data/entries.jsonl", "s3://"):
        assert cure in str(caught.value)
    assert everything(tmp_path) == []


@pytest.mark.parametrize(
    ("url", "path"),
    [("file:///data/x", "/data/x"), ("file://conn@/data/x", "/data/x"), ("local:///data/~/x", "/data/~/x")],
)
def test_an_absolute_url_of_a_file_is_that_file(url, path):
    assert Target(url).local == Path(path)


@pytest.mark.parametrize("url", ["memory://bucket/x", "memory://~/x"])
def test_the_url_of_an_object_store_is_no_path(url):
    attach("memory", fs=fsspec.filesystem("memory"))
    assert Target(url).local is None


@pytest.mark.parametrize("path", ["nosuchscheme://bucket/x", "s3://no_such_connection@bucket/x"])
def test_an_unusable_url_is_refused_before_the_first_request(path):
    with pytest.raises(ClockifyConfigError, match="output_path .* cannot be used") as caught:
        Target(path)
    assert path in str(caught.value)
    assert "check its scheme, the package for it" in str(caught.value)


def test_a_folder_where_a_file_is_meant(tmp_path):
    with pytest.raises(ClockifyConfigError, match="is a folder; name a file in it, or set partition_by"):
        stage(tmp_path, b"x")
    assert everything(tmp_path) == []


def test_a_file_where_a_folder_is_meant(tmp_path):
    (tmp_path / "base").write_bytes(b"x")
    with pytest.raises(ClockifyConfigError, match="is a file; with partition_by it must be a folder"):
        stage(tmp_path / "base", b"x", is_base=True, parts=("dt=1", "y"))
    assert (tmp_path / "base").read_bytes() == b"x"


@pytest.mark.parametrize("is_base", [True, False])
def test_a_path_below_a_file_cannot_be_written(tmp_path, is_base):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(
        ClockifyConfigError, match="cannot be written .*check the path and the permissions"
    ) as caught:
        stage(tmp_path / "file" / "new" / "out.jsonl", b"x", is_base=is_base, parts=("p",) if is_base else ())
    assert str(tmp_path / "file" / "new" / "out.jsonl") in str(caught.value)
    assert everything(tmp_path) == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_cannot_be_written(tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(ClockifyConfigError, match="cannot be written"):
        stage(locked / "out.jsonl", b"x")


@pytest.mark.parametrize("is_base", [True, False])
@pytest.mark.parametrize("then", ["write", "publish"])
def test_a_target_folder_that_is_removed_during_the_export(tmp_path, is_base, then):
    base = tmp_path / "base"
    target, parts = (base, ("dt=1", "out")) if is_base else (base / "out", ())
    with pytest.raises(ClockifyStorageError, match="could not be written: No such file .*not there any more"):  # noqa: PT012
        with Staging(Target(str(target)), is_base=is_base) as staging:
            staging.path("x").write_bytes(b"x")
            shutil.rmtree(base)
            if then == "write":
                staging.path("y").write_bytes(b"y")
            staging.publish(staging.path("x"), *parts)
    assert everything(tmp_path) == []


def test_a_folder_that_turns_up_where_the_file_should_be(tmp_path):
    final = tmp_path / "out"
    with pytest.raises(ClockifyStorageError, match="Is a directory .*A folder is where the file should be"):  # noqa: PT012
        with Staging(Target(str(final)), is_base=False) as staging:
            staging.path("x").write_bytes(b"x")
            final.mkdir()
            staging.publish(staging.path("x"))
    assert everything(tmp_path) == ["out"]


def test_a_failure_between_two_files_says_how_many_are_there(tmp_path):
    base = tmp_path / "base"
    target = Target(str(base))
    with pytest.raises(ClockifyStorageError):  # noqa: PT012
        with Staging(target, is_base=True) as staging:
            for name in ("x", "y"):
                staging.path(name).write_bytes(b"x")
            staging.publish(staging.path("x"), "x")
            (base / "y").mkdir()
            staging.publish(staging.path("y"), "y")
    assert target.published == 1
    assert everything(base) == ["x", "y"]


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
        PermissionError(errno.EACCES, "Permission denied", "/etc/ssl/private/key.pem"),
        FileNotFoundError(errno.ENOENT, "No such file or directory"),
        OSError("Could not find a suitable TLS CA certificate bundle"),
    ],
)
def test_errors_that_are_not_about_the_files_stay_what_they_are(tmp_path, error):
    with pytest.raises(OSError) as caught, Staging(Target(str(tmp_path / "out")), is_base=False):
        raise error
    assert caught.value is error


class Broken(MemoryFileSystem):
    """A store that takes nothing."""

    cachable = False

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def put_file(self, *args: Any, **kwargs: Any) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        (PermissionError("Access Denied"), "Check the credentials of its connection"),
        (FileNotFoundError("no bucket"), "Check that the bucket or container exists"),
        (RuntimeError("slow down"), "Run again when it is reachable"),
    ],
)
def test_a_refused_upload_says_what_to_check(error, cure):
    name = type(error).__name__.lower()
    url = f"memory://{name}@bucket/out"
    attach("memory", conn_id=name, fs=Broken(error))
    with pytest.raises(ClockifyStorageError, match=cure) as caught:  # noqa: PT012
        with Staging(Target(url), is_base=False) as staging:
            staging.path("x").write_bytes(b"x")
            staging.publish(staging.path("x"))
    assert f"{url} could not be uploaded" in str(caught.value)
    assert str(error) in str(caught.value)
    assert caught.value.__cause__ is error
    assert not staging.folder.exists()


# --- paths and files ----------------------------------------------------------------------------------------


def test_file_urls_are_local_paths_in_the_users_spelling(tmp_path):
    url = f"file://{tmp_path}/out.jsonl"
    assert Target(url).local == tmp_path / "out.jsonl"
    assert stage_url(url) == url
    assert (tmp_path / "out.jsonl").read_bytes() == b"x"


def stage_url(url: str) -> str:
    with Staging(Target(url), is_base=False) as staging:
        staging.path("x").write_bytes(b"x")
        return staging.publish(staging.path("x"))


def test_other_file_systems_get_whole_files():
    store = fsspec.filesystem("memory")
    attach("memory", fs=store)
    with pytest.raises(ZeroDivisionError):
        fail_while_writing("memory://bucket/failed.jsonl")
    with Staging(Target("memory://bucket/base"), is_base=True) as staging:
        staging.path("x").write_bytes(b"whole")
        final = staging.publish(staging.path("x"), "dt=2026-11-01", "detailed.jsonl")
        folder = staging.folder
    assert final == "memory://bucket/base/dt=2026-11-01/detailed.jsonl"
    assert not folder.exists()
    published = {
        path: store.cat_file(path) for path in store.find("/") if "detailed" in path or "failed" in path
    }
    assert list(published.values()) == [b"whole"]
    assert next(iter(published)).endswith("base/dt=2026-11-01/detailed.jsonl")


@pytest.mark.parametrize(
    ("path", "parts", "child"),
    [
        ("/data/out", (), "/data/out"),
        ("/data/out/", ("a", "b"), "/data/out/a/b"),
        ("/s3x", ("a",), "/s3x/a"),
        (" /data/out ", (), "/data/out"),
    ],
)
def test_children_of_a_target(path, parts, child):
    assert Target(path).at(*parts).url == child


def test_a_hashing_file_knows_size_and_hash_of_what_it_got(tmp_path):
    file = HashingFile(tmp_path / "x")
    assert [file.write(part) for part in (b"abc", b"", b"defg")] == [3, 0, 4]
    assert (file.tell(), file.size, file.closed) == (7, 7, False)
    assert (file.readable(), file.writable(), file.seekable()) == (False, True, False)
    file.flush()
    assert (tmp_path / "x").read_bytes() == b"abcdefg"
    file.close()
    file.close()
    assert file.closed
    assert file.sha256() == hashlib.sha256(b"abcdefg").hexdigest()
