# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Files under their final names, whole or not at all.

Everything is first written into a private folder. Local targets keep it beside the target, on the same file system, so
that publishing is a rename; object stores get each finished file in one upload, which they show when it is complete.
The folder is locked while its process lives, so that a later export can tell and remove what a killed one left.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from airflow_provider_clockify._compat import ObjectStoragePath
from airflow_provider_clockify.exceptions import ClockifyConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

log = logging.getLogger(__name__)

_PREFIX, _SUFFIX, _UNLOCKED = ".clockify-", ".tmp", ".new"
_UNLOCKED_FOR = 3600.0
_LOCK = "lock"


class Target:
    """
    Where an export goes.

    :param output_path: Path or URL as given by the user.
    :raises ClockifyConfigError: it is empty, or its scheme or credentials are unusable.
    """

    def __init__(self, output_path: str) -> None:
        self.output_path = str(output_path or "").strip()
        if not self.output_path or self.output_path == "None":
            raise ClockifyConfigError(
                "output_path is empty (a template may have rendered to nothing): give a path or URL such as "
                "/data/entries.jsonl or s3://aws_default@bucket/entries.jsonl."
            )
        self.local: Path | None = None
        if "://" not in self.output_path:
            self.local = Path(self.output_path)
            return
        try:
            self._remote = ObjectStoragePath(self.output_path)
            protocol = self._remote.protocol
            if protocol not in ("file", "local"):
                self._remote.fs  # noqa: B018 - connects, so that a wrong connection shows before the first request
        except Exception as error:
            raise ClockifyConfigError(
                f"output_path {self.output_path!r} cannot be used ({type(error).__name__}: {error}): check its "
                "scheme, the package for it (for example apache-airflow-providers-amazon[s3fs] for s3) and the "
                "connection in it."
            ) from error
        if protocol in ("file", "local"):
            self.local = Path(self._remote.path)

    def check(self, *, is_base: bool) -> None:
        """
        Refuse a file where a folder is needed, and the other way round.

        :param is_base: Whether files go below the target, rather than into it.
        :raises ClockifyConfigError: the local target is of the wrong kind.
        """
        if self.local is None:
            return
        if is_base and self.local.is_file():
            raise ClockifyConfigError(
                f"output_path {self.output_path!r} is a file; with partition_by it must be a folder."
            )
        if not is_base and self.local.is_dir():
            raise ClockifyConfigError(
                f"output_path {self.output_path!r} is a folder; name a file in it, or set partition_by."
            )

    def at(self, *parts: str) -> Place:
        """Give the place of a file below the target, or of the target itself."""
        url = "/".join((self.output_path.rstrip("/"), *parts)) if parts else self.output_path
        return Place(url, None if self.local is None else self.local.joinpath(*parts))


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where one published file is.

    :param url: Path or URL, in the user's spelling of the target.
    :param local: The same on this machine's file system; ``None`` in an object store.
    """

    url: str
    local: Path | None

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rsplit("/", 1)[-1]

    def beside(self, name: str) -> Place:
        """Give the place of another file in the same folder."""
        head, slash, _ = self.url.rpartition("/")
        return Place(head + slash + name, None if self.local is None else self.local.with_name(name))

    @contextmanager
    def opened(self) -> Iterator[IO[bytes] | None]:
        """Open the file that is there now; ``None`` when there is none."""
        try:
            file = ObjectStoragePath(self.url).open("rb") if self.local is None else self.local.open("rb")
        except FileNotFoundError:
            yield None
            return
        with file:
            yield file


class HashingFile:
    """
    A new binary file that counts and hashes what is written to it.

    :param path: Private path.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._file: IO[bytes] = path.open("wb")
        self._hash = hashlib.sha256()

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self._file.closed

    def write(self, data: bytes) -> int:
        """Append bytes."""
        self._hash.update(data)
        self.size += len(data)
        return self._file.write(data)

    def tell(self) -> int:
        """Give the number of bytes written."""
        return self.size

    def readable(self) -> bool:
        """Say no: it only takes bytes."""
        return False

    def writable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say no: a hash cannot go back."""
        return False

    def flush(self) -> None:
        """Hand buffered bytes to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Bring the bytes to the disk and close."""
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def sha256(self) -> str:
        """Give the hash of everything written, as hexadecimal text."""
        return self._hash.hexdigest()


class Staging:
    """
    A private folder for one export, and the way from it to the final names.

    :param target: Where the export goes.
    :param is_base: Whether the target is a folder that files go below, rather than the file itself.
    :raises ClockifyConfigError: nothing can be written there.
    """

    def __init__(self, target: Target, *, is_base: bool) -> None:
        self.target = target
        self._is_base = is_base
        self._made: list[Path] = []

    def __enter__(self) -> Staging:
        """Make and lock the folder; remove those that killed exports left."""
        self.target.check(is_base=self._is_base)
        try:
            self.folder = self._make_folder()
        except OSError as error:
            self._unmake()
            raise ClockifyConfigError(
                f"output_path {self.target.output_path!r} cannot be written ({error.strerror or error}): check the "
                "path and the permissions of the worker's user."
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the folder with all that was not published."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)
        if error is not None:
            self._unmake()

    def path(self, name: str) -> Path:
        """Give a private path."""
        return self.folder / name

    def publish(self, private: Path, *parts: str) -> str:
        """
        Put a finished file under its final name, replacing what is there.

        :param private: The finished file.
        :param parts: Path below the target; none for the target itself.
        :return: The final path or URL.
        """
        return self.publish_at(private, self.target.at(*parts))

    def publish_at(self, private: Path, place: Place) -> str:
        """
        Put a finished file at a place, replacing what is there.

        :param private: The finished file.
        :param place: On the target's file system or object store.
        :return: The final path or URL.
        """
        if place.local is None:
            remote = ObjectStoragePath(place.url)
            remote.fs.put_file(str(private), remote.path)
            return place.url
        self._make_parents(place.local.parent)
        os.replace(private, place.local)
        _sync_folder(place.local.parent)
        return place.url

    def _make_folder(self) -> Path:
        local = self.target.local
        if local is None:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, suffix=_UNLOCKED))
        else:
            parent = local if self._is_base else local.parent
            self._make_parents(parent)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, suffix=_UNLOCKED, dir=parent))
        # It gets the name that others look for once it is locked, so that nobody takes it for a leftover.
        self._lock = _lock(folder)
        folder = folder.rename(folder.with_suffix(_SUFFIX))
        _remove_leftovers(folder.parent)
        return folder

    def _make_parents(self, folder: Path) -> None:
        missing: list[Path] = []
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
            self._made.append(path)

    def _unmake(self) -> None:
        for path in reversed(self._made):
            try:
                path.rmdir()
            except OSError:
                return  # Somebody else put something there.


def _lock(folder: Path) -> int:
    """Lock a private folder for the life of this process."""
    descriptor = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _remove_leftovers(parent: Path) -> None:
    """Remove private folders whose process is gone."""
    for folder in parent.glob(f"{_PREFIX}*{_UNLOCKED}"):
        # Named so for a moment only: one that is an hour old was left in that moment.
        with suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > _UNLOCKED_FOR:
                shutil.rmtree(folder, ignore_errors=True)
    for folder in parent.glob(f"{_PREFIX}*{_SUFFIX}"):
        try:
            descriptor = os.open(folder / _LOCK, os.O_RDWR)
        except OSError:
            continue  # Being made or removed right now.
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # At work.
        else:
            shutil.rmtree(folder, ignore_errors=True)
            log.info("Removed %s, left by an export that was killed.", folder)
        finally:
            os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Bring a rename to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
