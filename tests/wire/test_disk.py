# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Exports that the disk stops: real file systems that are full or read-only, real limits."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import fsspec
import pytest

try:
    from airflow.sdk.io import attach
except ImportError:  # Airflow 2
    from airflow.io.store import attach

from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyStorageError
from airflow_provider_clockify.testing import generate_workspace

KIBIBYTE = 1024


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mount small file systems of their own."""
    with ExitStack() as stack:

        def mount(**options: Any) -> Path:
            folder = tmp_path / "small"
            folder.mkdir()
            chosen = ",".join(f"{name}={value}" for name, value in options.items())
            command = ["mount", "-t", "tmpfs", "-o", chosen, "tmpfs", str(folder)]
            try:
                made = subprocess.run(command, capture_output=True, text=True)
            except OSError as error:
                pytest.skip(f"needs mount ({error})")
            if made.returncode:
                pytest.skip(f"needs the right to mount ({made.stderr.strip()})")
            stack.callback(subprocess.run, ["umount", "-l", str(folder)], check=True)
            return folder

        yield mount


@pytest.fixture
def small_client(start_emulator, client_of):
    return client_of(start_emulator(generate_workspace(entries=400)))


@pytest.fixture
def whole_size(tmp_path, small_client, export, november) -> int:
    """The size of the export, which its spool has, too."""
    return export(small_client, november, tmp_path / "whole.jsonl").bytes


def names_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("share", "file_format", "phase"),
    [(0.5, "jsonl", "while it reads"), (1.2, "csv", "while it writes the file")],
    ids=("read", "write"),
)
def test_a_full_disk_stops_an_export_and_leaves_what_was_there(
    mounted, small_client, whole_size, export, november, share, file_format, phase
):
    folder = mounted(size=f"{int(whole_size * share / KIBIBYTE)}k")
    (folder / "out.jsonl").write_bytes(b"the old file")
    with pytest.raises(ClockifyStorageError, match="^No space left for the private files") as caught:
        export(small_client, november, folder / "out.jsonl", file_format=file_format)
    text = str(caught.value)
    assert f"which are beside it in {folder} until they are published" in text, phase
    assert "It needs more there than the 0." in text
    assert "MB are free. Free space there, or use a shorter window." in text
    assert isinstance(caught.value.__cause__, OSError)
    assert names_in(folder) == ["out.jsonl"]
    assert (folder / "out.jsonl").read_bytes() == b"the old file"


def test_an_export_that_just_fits(mounted, small_client, whole_size, export, november):
    folder = mounted(size=f"{int(whole_size * 2.5 / KIBIBYTE)}k")
    assert export(small_client, november, folder / "out.jsonl").bytes == whole_size
    assert names_in(folder) == ["out.jsonl"]


def test_partitions_stopped_by_a_full_disk_leave_no_folders(
    mounted, small_client, whole_size, export, november
):
    folder = mounted(size=f"{int(whole_size * 0.7 / KIBIBYTE)}k")
    with pytest.raises(ClockifyStorageError, match="No space left .* beside it "):
        export(small_client, november, folder / "base", partition_by="day")
    assert names_in(folder) == []


def test_a_disk_filled_by_a_killed_export_is_freed_by_the_next(
    mounted, small_client, whole_size, export, november
):
    folder = mounted(size=f"{int(whole_size * 2.5 / KIBIBYTE)}k")
    dead = folder / ".clockify-dead.tmp"
    dead.mkdir()
    (dead / "lock").touch()
    with (dead / "rows").open("wb", buffering=0) as file:
        while os.statvfs(folder).f_bavail:
            file.write(bytes(KIBIBYTE))
    export(small_client, november, folder / "out.jsonl")
    assert names_in(folder) == ["out.jsonl"]


def test_a_disk_without_room_for_a_folder(mounted, small_client, export, november):
    folder = mounted(size="1m", nr_inodes=2)
    (folder / "out.jsonl").write_bytes(b"the old file")
    requests = small_client.transport.stats.requests
    with pytest.raises(ClockifyStorageError, match="No space left "):
        export(small_client, november, folder / "out.jsonl")
    assert small_client.transport.stats.requests == requests, "before the first request"
    assert names_in(folder) == ["out.jsonl"]


def test_a_full_temporary_folder_of_an_export_to_an_object_store(
    mounted, small_client, whole_size, export, november, monkeypatch
):
    folder = mounted(size=f"{int(whole_size / 2 / KIBIBYTE)}k")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    store = fsspec.filesystem("memory")
    attach("memory", fs=store)
    with pytest.raises(ClockifyStorageError, match="No space left .* in the temporary folder") as caught:
        export(small_client, november, "memory://bucket/out-of-space.jsonl")
    assert str(folder) in str(caught.value)
    assert "The environment variable TMPDIR of the worker names another temporary folder" in str(caught.value)
    assert names_in(folder) == []
    assert not [path for path in store.find("/") if "out-of-space" in path]


def test_no_temporary_folder_that_takes_anything(
    mounted, small_client, export, november, tmp_path, monkeypatch
):
    folder = mounted(size="4k")
    (folder / "full").write_bytes(bytes(4 * KIBIBYTE))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(folder)])
    attach("memory", fs=fsspec.filesystem("memory"))
    requests = small_client.transport.stats.requests
    with pytest.raises(ClockifyStorageError, match="There is no temporary folder with free space .*TMPDIR"):
        export(small_client, november, "memory://bucket/out-of-space.jsonl")
    assert small_client.transport.stats.requests == requests
    assert export(small_client, november, tmp_path / "out.jsonl").bytes, "local exports need none"


def test_a_read_only_disk_is_refused_before_the_first_request(mounted, small_client, export, november):
    folder = mounted(size="1m")
    (folder / "out.jsonl").write_bytes(b"the old file")
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    requests = small_client.transport.stats.requests
    with pytest.raises(ClockifyConfigError, match="cannot be written .Read-only file system.*permissions"):
        export(small_client, november, folder / "out.jsonl")
    assert small_client.transport.stats.requests == requests
    assert (folder / "out.jsonl").read_bytes() == b"the old file"


LIMITED = """
import resource, sys
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
operator = ClockifyDetailedReportOperator(
    task_id="limited", output_path=sys.argv[1], start="2026-11-01T00:00:00Z", end="2026-12-01T00:00:00Z"
)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    operator.execute({})
except Exception as error:
    print(f"RAISED {type(error).__name__}: {error}")
else:
    print("RAISED nothing")
"""


def test_a_limit_on_file_sizes_fails_the_task_in_a_way_that_may_be_retried(tmp_path, start_emulator):
    emulator = start_emulator(generate_workspace(entries=400))
    target = tmp_path / "target"
    target.mkdir()
    (target / "out.jsonl").write_bytes(b"the old file")
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, str(target / "out.jsonl"), str(100 * KIBIBYTE)],
        env={
            **os.environ,
            "AIRFLOW_CONN_CLOCKIFY_DEFAULT": emulator.connection_json(),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite://",
        },
        capture_output=True,
        text=True,
    )
    (raised,) = [line for line in ended.stdout.splitlines() if line.startswith("RAISED")] or [ended.stderr]
    assert raised.startswith(
        "RAISED ClockifyStorageError: The file is too large for the private files of the"
    )
    assert "Raise the limit on file sizes of the worker (ulimit -f), or use a shorter window" in raised
    assert names_in(target) == ["out.jsonl"]
    assert (target / "out.jsonl").read_bytes() == b"the old file"
