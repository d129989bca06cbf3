# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Deletions, found by comparing a file with the one it replaces.

Reports know nothing of deletions. What the last export of the same window held and the new one does not, was deleted or
moved to another window. Each such id goes into ``_<file>.tombstones.jsonl`` beside the file, as
``{"id": …, "deleted_detected_at": …}``, and stays there until it is back in the window. Query engines skip names that
begin with an underscore.
"""

from __future__ import annotations

import gzip
import io
import json
import logging
import zlib
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from itertools import islice
from typing import IO, TYPE_CHECKING

import msgspec

from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.export.formats import unescape_formula
from airflow_provider_clockify.export.storage import HashingFile
from airflow_provider_clockify.reading.csv_records import fields, records
from airflow_provider_clockify.service.values import utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from airflow_provider_clockify.export.storage import Staging
    from airflow_provider_clockify.export.writing import FileKind

log = logging.getLogger(__name__)


def tombstone_name(file_name: str) -> str:
    """Name the tombstone file of an export file."""
    return f"_{file_name}.tombstones.jsonl"


def tombstones(
    before: Iterable[str], after: Iterable[str], known: Mapping[str, str], now: datetime
) -> dict[str, str]:
    """
    Find what is gone (pure).

    :param before: Ids of the last export.
    :param after: Ids of the new one.
    :param known: Tombstones so far: when each id was found missing.
    :param now: Aware time of this comparison.
    :return: Tombstones from now on, in the order of ids; an id that is back has none.
    """
    there = set(after)
    detected = utc_text(now.replace(microsecond=0))
    gone = {**dict.fromkeys(before, detected), **known}
    return {each: gone[each] for each in sorted(gone) if each not in there}


def write_tombstones(staging: Staging, parts: tuple[str, ...], new: Path, kind: FileKind) -> int:
    """
    Publish the tombstones of one file, before the file itself.

    If the process ends in between, the next export finds the same deletions again and keeps the time they were found
    at.

    :param staging: Private folder of the export, which holds the new file and knows where it will go.
    :param parts: Final path of the file below the target.
    :param new: The finished private file.
    :param kind: Its format; the last export must have the same.
    :return: Ids that are gone, earlier ones included.
    """
    place = staging.target.at(*parts)
    beside = place.beside(tombstone_name(place.name))
    before: list[str] = []
    known: dict[str, str] = {}
    with place.opened() as last:
        if last is not None:
            before = _old_ids(last, kind, place.url)
    with beside.opened() as last:
        if last is not None:
            rows = (json.loads(line) for line in last)
            known = {row["id"]: row["deleted_detected_at"] for row in rows}
    with new.open("rb") as file:
        gone = tombstones(before, read_ids(file, kind), known, datetime.now(UTC))
    if not gone and not known:
        return 0
    private = HashingFile(new.with_suffix(".tombstones"))
    for each, detected in gone.items():
        line = json.dumps({"id": each, "deleted_detected_at": detected}, separators=(",", ":"))
        private.write(line.encode() + b"\n")
    private.close()
    staging.publish_at(private.path, beside)
    new_ones = len(set(gone) - set(known))
    if new_ones:
        log.info("%d rows of the last export are gone; tombstones are in %s.", new_ones, beside.url)
    return len(gone)


def _old_ids(file: IO[bytes], kind: FileKind, url: str) -> list[str]:
    unreadable = [LookupError, ValueError, EOFError, gzip.BadGzipFile, zlib.error]
    if kind.compression == "zstd":
        unreadable.append(import_module("zstandard").ZstdError)
    try:
        return list(read_ids(file, kind))
    except tuple(unreadable) as error:
        raise ClockifyConfigError(
            f"reconcile cannot read the ids of {url} ({type(error).__name__}): the last export there had another "
            "format, or no ids. Use another output_path, or export once without reconcile."
        ) from error


def read_ids(file: IO[bytes], kind: FileKind) -> Iterator[str]:
    """
    Read the ids of an export file.

    :param file: Open file.
    :param kind: Its format.
    """
    if kind.file_format == "parquet":
        parquet = import_module("pyarrow.parquet").ParquetFile(file)
        for batch in parquet.iter_batches(columns=["id"]):
            yield from batch.column(0).to_pylist()
        return
    with _plain(file, kind.compression) as plain:
        if kind.file_format == "jsonl":
            for line in plain:
                yield _id_of(line)
        else:
            rows = records(plain)
            position = list(fields(next(rows, b"id"))).index(b"id")
            for row in rows:
                field = next(islice(fields(row), position, None), None)
                if field is None:
                    raise LookupError("a row has no id")
                text = field.decode()
                yield unescape_formula(text) if kind.escape_formulas else text


class _Ids(msgspec.Struct, frozen=True):
    mongo_id: str | None = msgspec.field(default=None, name="_id")
    plain_id: str | None = msgspec.field(default=None, name="id")


_decode_ids = msgspec.json.Decoder(_Ids).decode


def _id_of(line: bytes) -> str:
    """Read the id alone: whatever else a row may hold cannot be in the way."""
    row = _decode_ids(line)
    found = row.mongo_id or row.plain_id
    if not found:
        raise LookupError("a row has no id")
    return found


def check_reconcile(kind: FileKind) -> None:
    """
    Refuse what leaves no ids to compare.

    :raises ClockifyConfigError: the id is dropped or hashed, or the format is one that is only written.
    """
    if kind.file_format == "xlsx":
        raise ClockifyConfigError(
            "reconcile does not fit file_format='xlsx': a workbook is for people, and is not read again. Use jsonl, "
            "csv or parquet."
        )
    if kind.rules and "id" in kind.rules.drop | kind.rules.hashed:
        raise ClockifyConfigError("reconcile compares ids: leave the column id as it is.")


@contextmanager
def _plain(file: IO[bytes], compression: str | None) -> Iterator[IO[bytes]]:
    if compression == "gzip":
        with gzip.GzipFile(fileobj=file) as plain:
            yield plain  # type: ignore[misc]
    elif compression == "zstd":
        with import_module("zstandard").ZstdDecompressor().stream_reader(file, closefd=False) as reader:
            yield io.BufferedReader(reader)
    else:
        yield file
