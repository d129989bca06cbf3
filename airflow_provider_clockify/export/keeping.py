# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Finished parts of an unfinished export, kept for the next attempt of the same task run.

An attempt that is killed, fails or gives its slot back leaves its proven rows in a folder beside the target,
``.clockify-<time>-<job>.keep``, where ``<job>`` is a hash of all that decides which rows are read: what is exported,
with which key, from where, by which version, and for which run of which task, as often as it was cleared. Whatever
differs has another name, so that nothing can be taken for what it is not. Each part is a few files and, written last,
a note of their sizes and hashes. What is missing, damaged or too old is read again.

Keeping saves requests and decides nothing: without the permission to list, write or delete there, an export works as
well, and says once that nothing is kept.
"""

from __future__ import annotations

import hashlib
import logging
import re
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify._compat import ObjectStoragePath
from airflow_provider_clockify.exceptions import ClockifyNoRowsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from airflow_provider_clockify.export.storage import Target

log = logging.getLogger(__name__)

# Rows read longer ago are read again; folders of attempts that nobody continues are removed after three times that.
KEPT_FOR = timedelta(hours=24)
ABANDONED_AFTER = 3 * KEPT_FOR

_NAME = re.compile(r"\.clockify-(\d{8}T\d{6})-([0-9a-f]{32})\.keep")
_TIME = "%Y%m%dT%H%M%S"


class _File(msgspec.Struct, frozen=True):
    size: int
    sha256: str


class _Note(msgspec.Struct, frozen=True):
    """
    What is known of a part.

    :param read_at: When it was finished.
    :param requests: Requests that this attempt and those before it had spent by then.
    :param files: Its files by name.
    :param facts: What the export wants to know again.
    """

    read_at: datetime
    requests: int
    files: dict[str, _File]
    facts: Any


@dataclass(frozen=True, slots=True)
class KeptJob:
    """
    What an attempt exports, and what it may expect.

    :param identity: All that decides which rows are read, as text.
    :param goes_on: Whether an attempt before this one may have left something.
    :param is_private: Whether the rows hold columns that the export hides; they never go to an object store.
    """

    identity: str
    goes_on: bool
    is_private: bool = False


class Keeper:
    """
    Keeps finished parts of one export, and brings them back.

    :param target: Where the export goes.
    :param is_base: Whether the target is a folder.
    :param job: What is exported.
    :param spent: Returns the requests that this attempt has spent so far.
    :param now: Returns the aware current time.
    :ivar parts: Number of parts that need not be read again.
    :ivar requests_before: Requests of the attempts before this one whose parts were brought back.
    """

    def __init__(
        self,
        target: Target,
        *,
        is_base: bool,
        job: KeptJob,
        spent: Callable[[], int],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._home = _home(target, is_base=is_base, is_private=job.is_private)
        self._job = hashlib.sha256(job.identity.encode()).hexdigest()[:32]
        self._spent = spent
        self._now = now
        self._works = True
        self._folder: Any = None
        self._read_at: list[datetime] = []
        self.parts = 0
        self.requests_before = 0
        if job.goes_on:
            self._find()

    def take(self, part: str, paths: Sequence[Path]) -> Any:
        """
        Bring a part back.

        :param part: Its name.
        :param paths: Where its files go; they are known by their names.
        :return: What :meth:`put` was told of it; ``None`` when it is to be read again.
        """
        if self._folder is None:
            return None
        note = None
        with (
            self._unless_storage_fails(f"Part {part} of an earlier attempt cannot be used; it is read again"),
            suppress(FileNotFoundError),  # It was not finished.
        ):
            note = self._copied(part, paths)
        if note is None:
            for path in paths:
                path.unlink(missing_ok=True)
            return None
        self.parts += 1
        self.requests_before = max(self.requests_before, note.requests)
        self._read_at.append(note.read_at)
        return note.facts

    def _copied(self, part: str, paths: Sequence[Path]) -> _Note:
        note = msgspec.json.decode((self._folder / f"{part}.json").read_bytes(), type=_Note)
        if self._now() - note.read_at > KEPT_FOR:
            raise ValueError(f"it was read at {note.read_at:%Y-%m-%d %H:%M:%SZ}, too long ago")
        for path in paths:
            remote = self._folder / path.name
            remote.fs.get_file(remote.path, str(path))
        if {path.name: _fingerprint(path) for path in paths} != note.files:
            raise ValueError("its files have changed")
        return note

    def say(self, parts: int) -> None:
        """
        Log how many parts were brought back, and how old they are.

        :param parts: Number of parts of the export.
        """
        if self._read_at:
            log.info(
                "Going on after %d of %d parts, which earlier attempts of this task run have read: the first %s ago, "
                "the last %s ago.",
                len(self._read_at),
                parts,
                _ago(self._now() - min(self._read_at)),
                _ago(self._now() - max(self._read_at)),
            )

    def put(self, part: str, paths: Sequence[Path], facts: Any) -> None:
        """
        Keep a part.

        :param part: Its name.
        :param paths: Its finished files; they are not changed any more.
        :param facts: JSON values.
        """
        if not self._works:
            return
        with self._unless_storage_fails(
            "Finished parts are not kept for a later attempt; the export goes on"
        ):
            self._works = False
            if self._folder is None:
                self._remove_abandoned()
                self._folder = self._make()
            for path in paths:
                remote = self._folder / path.name
                remote.fs.put_file(str(path), remote.path)
            files = {path.name: _fingerprint(path) for path in paths}
            note = _Note(self._now(), self.requests_before + self._spent(), files, facts)
            (self._folder / f"{part}.json").write_bytes(msgspec.json.encode(note))
            self.parts += 1
            self._works = True

    def forget(self) -> None:
        """Remove everything that is kept."""
        folder, self._folder = self._folder, None
        if folder is not None:
            with self._unless_storage_fails(f"{folder} could not be removed; it is not used again"):
                folder.fs.rm(folder.path, recursive=True)

    def __enter__(self) -> Keeper:
        """Begin the export."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove everything if the export has come to its end."""
        if error is None or isinstance(error, ClockifyNoRowsError):
            self.forget()

    @contextmanager
    def _unless_storage_fails(self, what_then: str) -> Iterator[None]:
        """Log what an error of the storage means, whichever storage it is, instead of raising it."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - of any storage
            log.warning("%s (%s: %s).", what_then, type(error).__name__, error)

    def _find(self) -> None:
        with self._unless_storage_fails(
            "What an earlier attempt may have kept cannot be looked for; everything is read again"
        ):
            found = [name for name, _, job in self._names() if job == self._job]
            if found:
                self._folder = self._home / max(found)

    def _names(self) -> Iterator[tuple[str, datetime, str]]:
        """Go through the folders at the target: name, when it was made, and for which job."""
        try:
            names = self._home.fs.ls(self._home.path, detail=False)
        except FileNotFoundError:
            return
        for each in names:
            name = str(each).rstrip("/").rsplit("/", 1)[-1]
            if match := _NAME.fullmatch(name):
                yield name, datetime.strptime(match[1], _TIME).replace(tzinfo=UTC), match[2]

    def _make(self) -> Any:
        folder = self._home / f".clockify-{self._now():{_TIME}}-{self._job}.keep"
        if folder.protocol in ("", "file", "local"):  # An object store has no folders.
            path = Path(folder.path)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir(mode=0o700)
        return folder

    def _remove_abandoned(self) -> None:
        for name, made, _ in list(self._names()):
            if self._now() - made > ABANDONED_AFTER:
                folder = self._home / name
                folder.fs.rm(folder.path, recursive=True)
                log.info("Removed %s, left by an attempt that nobody continued.", folder)


def _home(target: Target, *, is_base: bool, is_private: bool) -> Any:
    if target.local is not None:
        local = target.local if is_base else target.local.parent
        return ObjectStoragePath(str(local.absolute()))
    if is_private:
        return ObjectStoragePath(tempfile.gettempdir())
    path = ObjectStoragePath(target.output_path)
    return path if is_base else path.parent


def _fingerprint(path: Path) -> _File:
    with path.open("rb") as file:
        return _File(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _ago(age: timedelta) -> str:
    minutes = round(age.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
