# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The pace of a workspace in a small file, so that the processes of one machine keep it together.

Best effort, and never in the way: whatever is wrong with folder, lock or content, the pace is kept by the process
alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import stat
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_clockify.http.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

# Whoever holds the lock does so for some 0.1 ms, unless the machine has stopped them. Nobody waits longer than this.
LOCK_PATIENCE = 0.04
LOCK_PAUSE = 0.000_5
MOST_BYTES = 64 * 1024
STALE_AFTER = 2 * 3600.0
# Changes when the meaning of the content does: another version's file is another file.
_FORM = "pace 1"
_SUFFIX = ".pace"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Pace).decode


def folder() -> str:
    """Return the folder of this user's files; whether it exists is not looked at."""
    return f"{tempfile.gettempdir()}/airflow-provider-clockify-{os.geteuid()}"


class PaceFile:
    """
    A file with the pace of one workspace.

    :param what: What names the workspace and its service. Only a hash of it becomes visible.
    """

    def __init__(self, what: str) -> None:
        self._name = hashlib.sha256(f"{_FORM}\n{what}".encode()).hexdigest()[:40] + _SUFFIX
        self._has_told = False

    @contextmanager
    def held(self, known: Pace) -> Iterator[Pace]:
        """
        Hold the file: read it, let the caller change the pace, and write it.

        :param known: What this process knows; taken where the file tells nothing.
        :return: The pace to change. It is kept in the file if that is possible.
        """
        try:
            file = self._open()
        except OSError as error:
            self._tell(error)
            yield known
            return
        try:
            pace = self._read(file, known)
            yield pace
            # A full disk, or a foreign number that no file can hold; the next one who can write will.
            with suppress(OSError, OverflowError):
                content = _encode(pace)
                os.pwrite(file, content, 0)
                os.ftruncate(file, len(content))
        finally:
            os.close(file)  # Which ends the lock.

    def _open(self) -> int:
        place = folder()
        try:
            found = os.lstat(place)
        except FileNotFoundError:
            Path(place).mkdir(mode=0o700, exist_ok=True)
            found = os.lstat(place)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise PermissionError(f"{place} is not a private folder of this user")
        # Opened anew each time: a lock belongs to an open file, which forked processes would share.
        file = os.open(f"{place}/{self._name}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _lock(file)
        except BaseException:
            os.close(file)
            raise
        return file

    def _read(self, file: int, known: Pace) -> Pace:
        content = os.pread(file, MOST_BYTES, 0)
        if not content:
            _sweep()
            return known
        try:
            return _decode(content)
        except msgspec.MsgspecError:
            return known  # Half of one, from a process that was killed.

    def _tell(self, error: OSError) -> None:
        level = logging.DEBUG if isinstance(error, BlockingIOError) else logging.INFO
        if not self._has_told:
            self._has_told = level == logging.INFO
            log.log(level, "This process keeps the pace of its requests by itself: %s.", error)


def _lock(file: int) -> None:
    end = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(LOCK_PAUSE)


def _sweep() -> None:
    """Remove the files that nobody has used for long."""
    before = time.time() - STALE_AFTER
    with suppress(OSError), os.scandir(folder()) as found:
        for each in found:
            with suppress(OSError):
                if each.name.endswith(_SUFFIX) and each.stat(follow_symlinks=False).st_mtime < before:
                    os.unlink(each.path)  # noqa: PTH108 - it is no Path
