# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Files under their final names, whole or not at all.

Everything is first written into a private folder. Local targets keep it beside the target, on the same file system, so
that publishing is a rename; object stores get each finished file in one upload, which they show when it is complete.
The folder is locked while its process lives, so that a later export can tell and remove what a killed one left.

s3fs aborts an upload that fails. What a killed process leaves on S3, invisible but paid for, is for a lifecycle rule of
the bucket: only its owner knows which uploads are nobody's.

Errors of the file system and of the object store leave a :class:`Staging` as ``ClockifyStorageError``.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
import re
import shutil
import tempfile
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_clockify._compat import ObjectStoragePath
from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyStorageError,
    Entry,
    explained_by,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

log = logging.getLogger(__name__)

# s3fs sends ten parts at once, by default of 50 MiB: half a gigabyte of memory. Files of two parts and more are cut.
PART_SIZE = 8 * 2**20
_MOST_PARTS = 10_000

_PREFIX, _SUFFIX = ".clockify-", ".tmp"
_LOCK = "lock"

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Not the fault of a parameter, even before an export begins.
_PASSING = (*_FULL, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE)
# What to do about an error of the file system. Others, such as those of a connection, are not about files.
_CURES = {
    errno.ENOSPC: "Free space there, or use a shorter window.",
    errno.EDQUOT: "Free space there or raise the quota of the worker's user, or use a shorter window.",
    errno.EFBIG: "Raise the limit on file sizes of the worker (ulimit -f), or use a shorter window or partition_by.",
    errno.EACCES: "Give the worker's user the permission to write there.",
    errno.EPERM: "Give the worker's user the permission to write there.",
    errno.EROFS: "It is mounted read-only: mount it for writing, or use another path.",
    errno.EIO: "The disk or the network file system fails: see the system log of the worker.",
    errno.ESTALE: "The network file system lost it: run again when it is mounted anew.",
    errno.ENOENT: "It is not there any more: let nobody clean up there during an export.",
    errno.ENOTDIR: "A file is where a folder should be: move it away.",
    errno.EISDIR: "A folder is where the file should be: move it away.",
    errno.ENAMETOOLONG: "Use a shorter path.",
    errno.EMFILE: "Raise the limit on open files of the worker (ulimit -n), or use a shorter window.",
    errno.ENFILE: "The machine has too many open files.",
}


_URL_OF_A_FILE = re.compile(r"(?:file|local)://(?:[^@/]*@)?(?P<path>.*)", re.IGNORECASE | re.DOTALL)


class Target:
    """
    Where an export goes.

    :param output_path: Absolute path, or URL, as given by the user.
    :ivar published: How many files have got their final names.
    :raises ClockifyConfigError: it is empty or relative, or its scheme or credentials are unusable.
    """

    @explained_by(Entry.OUTPUT)
    def __init__(self, output_path: str) -> None:
        self.published = 0
        self.output_path = str(output_path or "").strip()
        if not self.output_path or self.output_path == "None":
            raise ClockifyConfigError(
                "output_path is empty (a template may have rendered to nothing): give a path or URL such as "
                "/data/entries.jsonl or s3://aws_default@bucket/entries.jsonl."
            )
        _check_absolute(self.output_path)
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

    @explained_by(Entry.OUTPUT)
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

    def check_reachable(self) -> None:
        """
        Let an object store answer, before anything is exported.

        :raises ClockifyConfigError: its bucket does not exist.
        :raises ClockifyStorageError: it does not answer.
        """
        if self.local is not None:
            return
        try:
            fs = self._remote.fs
            if _is_s3(fs):  # Where it is cheap.
                with suppress(PermissionError):  # Some keys may only write.
                    fs.call_s3("head_bucket", Bucket=fs.split_path(self._remote.path)[0])
        except FileNotFoundError as error:
            raise ClockifyConfigError(
                f"output_path {self.output_path!r} cannot be written ({error}): check that the bucket exists."
            ) from error
        except Exception as error:
            raise ClockifyStorageError(
                f"output_path {self.output_path!r} does not answer ({type(error).__name__}: {error}). Run again when "
                "it is reachable, or check the endpoint and credentials of its connection."
            ) from error

    def at(self, *parts: str) -> Place:
        """Return the place of a file below the target, or of the target itself."""
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
        """Return the place of another file in the same folder."""
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
        """Return the number of bytes written."""
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
            with self._file:  # Closed even where the disk is full.
                self._file.flush()
                os.fsync(self._file.fileno())

    def sha256(self) -> str:
        """Return the hash of everything written, as hexadecimal text."""
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

    @explained_by(Entry.OUTPUT)
    def __enter__(self) -> Staging:
        """Make and lock the folder; remove those that killed exports left."""
        self.target.check(is_base=self._is_base)
        try:
            self.target.check_reachable()
            self.folder, self._lock = self._make_folder()
        except OSError as error:
            self._unmake()
            if self.target.local is None or error.errno in _PASSING:
                raise self._storage_error(error) from error
            raise ClockifyConfigError(
                f"output_path {self.target.output_path!r} cannot be written ({error.strerror or error}): check the "
                "path and the permissions of the worker's user."
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """
        Remove the folder with all that was not published.

        :raises ClockifyStorageError: the file system stopped the export.
        """
        storage_error = None
        if isinstance(error, OSError) and self._is_ours(error):
            storage_error = self._storage_error(error)  # Before the folder goes, whose size it tells.
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)
        if error is not None:
            self._unmake()
        if storage_error is not None:
            raise storage_error from error

    def path(self, name: str) -> Path:
        """Return a private path."""
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
            self._upload(private, place)
        else:
            self._make_parents(place.local.parent)
            os.replace(private, place.local)
            _sync_folder(place.local.parent)
        self.target.published += 1
        return place.url

    def _upload(self, private: Path, place: Place) -> None:
        remote = ObjectStoragePath(place.url)
        try:
            options = {}
            if _is_s3(remote.fs):
                options["chunksize"] = max(PART_SIZE, -(-private.stat().st_size // _MOST_PARTS))
            remote.fs.put_file(str(private), remote.path, **options)
        except Exception as error:
            cure = "Run again when it is reachable."
            if isinstance(error, PermissionError):
                cure = "Check the credentials of its connection, and that they may write there."
            elif isinstance(error, FileNotFoundError):
                cure = "Check that the bucket or container exists."
            raise ClockifyStorageError(
                f"{place.url} could not be uploaded ({type(error).__name__}: {error}). {cure}"
            ) from error

    def _make_folder(self) -> tuple[Path, int]:
        local = self.target.local
        if local is None:
            parent = Path(tempfile.gettempdir())
        else:
            parent = local if self._is_base else local.parent
            self._make_parents(parent)
        _remove_leftovers(parent)  # First, since they may be what fills the disk.
        while True:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, suffix=_SUFFIX, dir=parent))
            try:
                lock = _lock(folder)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            if lock is not None:
                return folder, lock
            # Another export took it for a leftover in the moment before it was locked.

    def _is_ours(self, error: OSError) -> bool:
        """Tell whether an error is about the files of this export, and not of a connection or of a certificate."""
        if error.errno not in _CURES:
            return False
        if error.filename is None:
            return error.errno in _PASSING  # A write does not say where.
        names = [Path(os.fsdecode(name)) for name in (error.filename, error.filename2) if name is not None]
        if any(name.is_relative_to(self.folder) for name in names):
            return True
        target = self.target.local
        return target is not None and any(
            name.is_relative_to(target) or target.is_relative_to(name) for name in names
        )

    def _storage_error(self, error: OSError) -> ClockifyStorageError:
        url = self.target.output_path
        if error.errno in _FULL:
            where = "beside it"
            parent = self.target.local if self._is_base else self.target.local and self.target.local.parent
            if parent is None:
                where = "in the temporary folder"
                parent = Path(tempfile.gettempdir())
            what = "The file is too large" if error.errno == errno.EFBIG else "No space left"
            message = (
                f"{what} for the private files of the export to {url}, which are {where} in {parent} until they are "
                f"published ({error.strerror}). It needs more there than the {self._size() / 1e6:.1f} MB that it had "
                f"written; {_free(parent)} are free."
            )
        elif self.target.local is None and error.errno == errno.ENOENT and error.filename is None:
            # Python tries several, and takes none that it cannot write to.
            return ClockifyStorageError(
                f"There is no temporary folder with free space for the private files of the export to {url} "
                f"({error.strerror}). Free space there, or name another one with the environment variable TMPDIR of "
                "the worker."
            )
        else:
            name = error.filename2 or error.filename or url
            message = f"The export to {url} could not be written: {error.strerror} ({os.fsdecode(name)})."
        cure = _CURES.get(error.errno or 0, "")
        if self.target.local is None:
            cure += " The environment variable TMPDIR of the worker names another temporary folder."
        return ClockifyStorageError(" ".join(filter(None, (message, cure))))

    def _size(self) -> int:
        folder = getattr(self, "folder", None)
        return sum(path.stat().st_size for path in folder.iterdir()) if folder and folder.is_dir() else 0

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


def _is_s3(fs: Any) -> bool:
    return "s3" in ([fs.protocol] if isinstance(fs.protocol, str) else fs.protocol)


@contextmanager
def saved_to(to: str | os.PathLike[str] | IO[bytes]) -> Iterator[IO[bytes] | HashingFile]:
    """
    Open a file that gets its name when it is whole, or never.

    :param to: Absolute path or URL, as an ``output_path``; what is there is replaced. Or an open binary file, which
        stays open.
    :raises ClockifyConfigError: nothing can be written there.
    :raises ClockifyStorageError: the file system or the object store stopped it.
    """
    if not isinstance(to, (str, os.PathLike)):
        yield to
        return
    with Staging(Target(str(to)), is_base=False) as staging:
        with closing(HashingFile(staging.path("file.done"))) as file:
            yield file
        staging.publish(file.path)


def _check_absolute(output_path: str) -> None:
    """Refuse a path whose place depends on the directory or the home of whichever process runs the task."""
    is_url = "://" in output_path
    url_of_a_file = _URL_OF_A_FILE.fullmatch(output_path)
    if is_url and url_of_a_file is None:
        return
    path = url_of_a_file["path"] if url_of_a_file else output_path
    # The libraries below append a path with two slashes to the working directory.
    if path.startswith("/") and not (is_url and path.startswith("//")) and path.split("/", 2)[1] != "~":
        return
    raise ClockifyConfigError(
        f"output_path {output_path!r} is not absolute. The working directory and the home of a worker are arbitrary, "
        "so that nobody could tell where the files are. Give an absolute path such as /data/entries.jsonl (as a URL "
        "file:///data/entries.jsonl), or the URL of an object store such as s3://aws_default@bucket/entries.jsonl."
    )


def _lock(folder: Path) -> int | None:
    """
    Lock a private folder for the life of this process.

    :param folder: A folder just made, or one that may be a leftover.
    :return: The open lock; ``None`` when somebody else has it, or the folder is gone.
    """
    path = folder / _LOCK
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever removes a leftover holds its lock: what we locked may be gone with it.
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _remove_leftovers(parent: Path) -> None:
    """Remove private folders whose process is gone."""
    for folder in parent.glob(f"{_PREFIX}*{_SUFFIX}"):
        try:
            lock = _lock(folder)
        except OSError:
            continue  # A file, or another user's.
        if lock is None:
            continue  # At work, or being removed right now.
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
        log.info("Removed %s, left by an export that was killed.", folder)


def _free(folder: Path) -> str:
    try:
        return f"{shutil.disk_usage(folder).free / 1e6:.1f} MB"
    except OSError:
        return "an unknown number of bytes"


def _sync_folder(folder: Path) -> None:
    """Bring a rename to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
