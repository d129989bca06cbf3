# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Whole files into object stores, and nothing left of uploads that did not end.

fsspec uploads a file with ``put_file``: object stores show an object when its upload is complete, not before. S3 keeps
the parts of a large upload that nobody completed, invisible but paid for, until somebody aborts it. s3fs aborts an
upload that fails; what a killed process leaves, and parts that arrive after an abort, are aborted here. Other stores
forget by themselves.
"""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

# s3fs sends ten parts at once, by default of 50 MiB: half a gigabyte of memory. Files of two parts and more are cut.
PART_SIZE = 8 * 2**20
_MOST_PARTS = 10_000
# Two exports of one object at a time may take each other's upload for a leftover.
_TRIES = 5


def upload(fs: Any, private: Path, path: str) -> None:
    """
    Put a file under its final name in an object store, whole or not at all.

    :param fs: The fsspec file system.
    :param private: The finished local file.
    :param path: Path in the object store.
    """
    if not _is_s3(fs):
        fs.put_file(str(private), path)
        return
    part_size = max(PART_SIZE, -(-private.stat().st_size // _MOST_PARTS))
    abort_unfinished(fs, path)
    for left in reversed(range(_TRIES)):
        try:
            fs.put_file(str(private), path, chunksize=part_size)
            return
        except FileNotFoundError:
            # The upload is gone: another export of the same object aborted it. Or the bucket is, or our own file.
            abort_unfinished(fs, path)
            if not left or not private.exists():
                raise
        except BaseException:
            abort_unfinished(fs, path)
            raise


def check_reachable(fs: Any, path: str) -> None:
    """
    Ask an object store for something, where that is cheap, so that a wrong one shows before an export is made.

    :param fs: The fsspec file system.
    :param path: Path in the object store.
    :raises FileNotFoundError: the bucket does not exist.
    """
    if _is_s3(fs):
        _unfinished(fs, path)


def abort_unfinished(fs: Any, path: str) -> int:
    """
    Abort all uploads to an object of S3 that were begun and not completed.

    :param fs: The S3 file system of s3fs.
    :param path: Path of the object.
    :return: How many there were.
    """
    bucket, key, _ = fs.split_path(path)
    aborted = 0
    try:
        for upload_id in _unfinished(fs, path):
            try:
                fs.abort_mpu(bucket, key, upload_id)
            except FileNotFoundError:
                continue  # It ended in between.
            aborted += 1
    except Exception:
        # Never the reason why an export fails: the file is what counts. What is wrong will stop the upload, too.
        log.warning(
            "Unfinished uploads to %s cannot be aborted. Let the bucket expire them with a lifecycle rule.",
            path,
            exc_info=True,
        )
    if aborted:
        log.info("Aborted %d unfinished upload(s) to %s.", aborted, path)
    return aborted


def _unfinished(fs: Any, path: str) -> list[str]:
    # The function of s3fs for it lists the whole bucket, and of that the first thousand.
    bucket, key, _ = fs.split_path(path)
    found: list[str] = []
    marker: dict[str, str] = {}
    while True:
        try:
            page = fs.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=key, **marker)
        except OSError as error:
            # Some keys may not ask for it, some stores do not know it.
            if not isinstance(error, PermissionError) and error.errno != errno.ENOSYS:
                raise
            log.info("Unfinished uploads to %s cannot be listed (%s).", path, error)
            return found
        found += [each["UploadId"] for each in page.get("Uploads") or () if each["Key"] == key]
        if not page.get("IsTruncated"):
            return found
        marker = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}


def _is_s3(fs: Any) -> bool:
    return "s3" in ([fs.protocol] if isinstance(fs.protocol, str) else fs.protocol)
