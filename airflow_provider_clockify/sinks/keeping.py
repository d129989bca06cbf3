# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Finished parts of an unfinished export, kept for the next attempt of the same task.

An attempt that is killed, fails or gives its slot back leaves its proven rows in a folder beside the target,
``.clockify-<time>-<random>.keep``, with a manifest of sizes and hashes. What outlives the attempt is the folder's name,
in Airflow's task state store or in a deferral's arguments. What is too old, incomplete or changed is read again:
keeping saves requests, and decides nothing.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from airflow_provider_clockify._compat import ObjectStoragePath
from airflow_provider_clockify.exceptions import ClockifyNoRowsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    from airflow_provider_clockify.sinks.storage import Target

log = logging.getLogger(__name__)

# Rows read longer ago are read again; folders of attempts that nobody continues are removed after three times that.
KEPT_FOR = timedelta(hours=24)
ABANDONED_AFTER = 3 * KEPT_FOR

_NAME = re.compile(r"\.clockify-(\d{8}T\d{6})-[0-9a-f]{16}\.keep")
_TIME = "%Y%m%dT%H%M%S"
_MANIFEST = "manifest.json"


class Memory(Protocol):
    """What outlives an attempt of a task: one short text."""

    def get(self) -> str | None:
        """Give the text, if there is one."""

    def set(self, text: str) -> None:
        """Replace it."""

    def delete(self) -> None:
        """Forget it."""


class _File(msgspec.Struct, frozen=True):
    size: int
    sha256: str


class _Part(msgspec.Struct, frozen=True):
    read_at: datetime
    files: dict[str, _File]
    facts: Any


class _Manifest(msgspec.Struct):
    job: str
    requests: int = 0
    parts: dict[str, _Part] = msgspec.field(default_factory=dict)


class Keeper:
    """
    Keeps finished parts of one export, and brings them back.

    :param memory: Outlives the attempt; ``None`` keeps nothing.
    :param target: Where the export goes.
    :param is_base: Whether the target is a folder.
    :param job: What is exported, as text; parts of another job are not brought back.
    :param spent: Gives the requests that this attempt has spent so far.
    :param private: Whether the rows hold columns that the export hides; they never go to an object store.
    :param now: Gives the aware current time.
    """

    def __init__(
        self,
        memory: Memory | None,
        target: Target,
        *,
        is_base: bool,
        job: str,
        spent: Callable[[], int],
        private: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._memory = memory
        self._home = _home(target, is_base=is_base, private=private)
        self._spent = spent
        self._now = now
        self._manifest = _Manifest(hashlib.sha256(job.encode()).hexdigest())
        self._folder: _Folder | None = None
        if memory is not None:
            self._open(memory)
        self.requests_before = self._manifest.requests

    @property
    def parts(self) -> int:
        """Number of parts that are kept."""
        return len(self._manifest.parts)

    def take(self, part: str, paths: Sequence[Path]) -> Any:
        """
        Bring a part back.

        :param part: Its name.
        :param paths: Where its files go; they are known by their names.
        :return: What :meth:`put` was told of it; ``None`` when it is to be read again.
        """
        kept = self._manifest.parts.get(part)
        if kept is None or self._folder is None:
            return None
        if self._now() - kept.read_at <= KEPT_FOR and kept.files.keys() == {path.name for path in paths}:
            try:
                for path in paths:
                    self._folder.fetch(path.name, path)
                    if _fingerprint(path) != kept.files[path.name]:
                        raise ValueError(f"{path.name} has changed")
            except Exception as error:  # noqa: BLE001 - of any storage
                # What cannot be brought back is read again.
                log.warning("Part %s of the last attempt cannot be used (%s); reading it again.", part, error)
            else:
                return kept.facts
        for path in paths:
            path.unlink(missing_ok=True)
        del self._manifest.parts[part]
        return None

    def put(self, part: str, paths: Sequence[Path], facts: Any) -> None:
        """
        Keep a part.

        :param part: Its name.
        :param paths: Its finished files; they are not changed any more.
        :param facts: JSON values.
        """
        if self._memory is None:
            return
        try:
            if self._folder is None:
                name = f".clockify-{self._now():{_TIME}}-{secrets.token_hex(8)}.keep"
                self._memory.set(name)  # First, so that whatever happens next, somebody knows of the folder.
                self._folder = self._home.folder(name, create=True)
            for path in paths:
                self._folder.keep(path)
            files = {path.name: _fingerprint(path) for path in paths}
            self._manifest.parts[part] = _Part(self._now(), files, facts)
            self._save()
        except Exception as error:  # noqa: BLE001 - of any storage
            # The export itself is well: an attempt after this one reads more.
            log.warning(
                "Part %s cannot be kept for a later attempt (%s: %s).", part, type(error).__name__, error
            )

    def __enter__(self) -> Keeper:
        """Begin the export."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Forget everything if the export has come to its end; else write down what has been spent so far."""
        try:
            if error is None or isinstance(error, ClockifyNoRowsError):
                self.forget()
            else:
                self._save()
        except Exception as problem:  # noqa: BLE001 - of any storage
            # The export has succeeded, or failed for a reason of its own.
            log.warning(
                "What is kept for a later attempt is not in order (%s: %s).", type(problem).__name__, problem
            )

    def _save(self) -> None:
        if self._folder is not None:
            self._manifest.requests = self.requests_before + self._spent()
            self._folder.write(_MANIFEST, msgspec.json.encode(self._manifest))

    def forget(self) -> None:
        """Remove everything that is kept."""
        if self._folder is not None:
            self._folder.remove()
            self._folder = None
        if self._memory is not None:
            self._memory.delete()

    def _open(self, memory: Memory) -> None:
        for name in self._home.names():
            made = _made(name)
            if made is not None and self._now() - made > ABANDONED_AFTER and name != memory.get():
                self._home.folder(name).remove()
                log.info("Removed %s, left by an attempt that nobody continued.", name)
        known = memory.get()
        # A name and nothing else: whoever can write it must not be able to point anywhere.
        if known is None or _NAME.fullmatch(known) is None:
            return
        folder = self._home.folder(known)
        manifest = None
        try:
            manifest = msgspec.json.decode(folder.read(_MANIFEST), type=_Manifest)
        except FileNotFoundError:
            pass  # The attempt ended before it had finished a part.
        except msgspec.DecodeError as error:
            log.warning("The last attempt's notes cannot be read (%s); starting anew.", error)
        if manifest is None or manifest.job != self._manifest.job:
            folder.remove()
            return
        self._manifest, self._folder = manifest, folder
        log.info(
            "Going on after %d finished part(s) of an earlier attempt, which spent %d requests.",
            len(manifest.parts),
            manifest.requests,
        )


class _Folder(Protocol):
    def keep(self, path: Path) -> None:
        """Keep a file under its name."""

    def fetch(self, name: str, path: Path) -> None:
        """Bring a kept file back."""

    def read(self, name: str) -> bytes:
        """Read a small file."""

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, whole or not at all."""

    def remove(self) -> None:
        """Remove the folder."""


class _Home(Protocol):
    def names(self) -> Iterable[str]:
        """List what is there."""

    def folder(self, name: str, *, create: bool = False) -> _Folder:
        """Give a folder."""


@dataclass(frozen=True, slots=True)
class _LocalFolder:
    path: Path

    def keep(self, path: Path) -> None:
        _link(path, self.path / path.name)

    def fetch(self, name: str, path: Path) -> None:
        _link(self.path / name, path)

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        new = self.path / f"{name}.new"
        new.write_bytes(content)
        os.replace(new, self.path / name)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _LocalHome:
    path: Path

    def names(self) -> Iterable[str]:
        return [path.name for path in self.path.glob(".clockify-*.keep")]

    def folder(self, name: str, *, create: bool = False) -> _LocalFolder:
        path = self.path / name
        if create:
            path.mkdir(mode=0o700, parents=True)
        return _LocalFolder(path)


@dataclass(frozen=True, slots=True)
class _RemoteFolder:
    path: Any

    def keep(self, path: Path) -> None:
        remote = self.path / path.name
        remote.fs.put_file(str(path), remote.path)

    def fetch(self, name: str, path: Path) -> None:
        remote = self.path / name
        remote.fs.get_file(remote.path, str(path))

    def read(self, name: str) -> bytes:
        content: bytes = (self.path / name).read_bytes()
        return content

    def write(self, name: str, content: bytes) -> None:
        (self.path / name).write_bytes(content)  # Object stores replace an object as a whole.

    def remove(self) -> None:
        with suppress(FileNotFoundError):
            self.path.fs.rm(self.path.path, recursive=True)


@dataclass(frozen=True, slots=True)
class _RemoteHome:
    path: Any

    def names(self) -> Iterable[str]:
        try:
            found = self.path.fs.ls(self.path.path, detail=False)
        except FileNotFoundError:
            return []
        return [name for each in found if _NAME.fullmatch(name := str(each).rstrip("/").rsplit("/", 1)[-1])]

    def folder(self, name: str, *, create: bool = False) -> _RemoteFolder:
        return _RemoteFolder(self.path / name)


def _home(target: Target, *, is_base: bool, private: bool) -> _Home:
    if target.local is not None:
        return _LocalHome(target.local if is_base else target.local.parent)
    if private:
        return _LocalHome(Path(tempfile.gettempdir()))
    path = ObjectStoragePath(target.output_path)
    return _RemoteHome(path if is_base else path.parent)


def _link(source: Path, destination: Path) -> None:
    destination.unlink(missing_ok=True)
    try:
        os.link(source, destination)
    except OSError:  # Another file system, or one without hard links.
        shutil.copyfile(source, destination)


def _fingerprint(path: Path) -> _File:
    with path.open("rb") as file:
        return _File(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _made(name: str) -> datetime | None:
    match = _NAME.fullmatch(name)
    return None if match is None else datetime.strptime(match[1], _TIME).replace(tzinfo=UTC)
