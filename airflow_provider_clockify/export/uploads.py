# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Whole files into object stores.

fsspec uploads a file with ``put_file``: object stores show an object when its upload is complete, not before. s3fs
aborts an upload that fails. What a killed process leaves on S3, invisible but paid for, is for a lifecycle rule of the
bucket: only its owner knows which uploads are nobody's.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

# s3fs sends ten parts at once, by default of 50 MiB: half a gigabyte of memory. Files of two parts and more are cut.
PART_SIZE = 8 * 2**20
_MOST_PARTS = 10_000


def upload(fs: Any, private: Path, path: str) -> None:
    """
    Put a file under its final name in an object store, whole or not at all.

    :param fs: The fsspec file system.
    :param private: The finished local file.
    :param path: Path in the object store.
    """
    options = {}
    if _is_s3(fs):
        options["chunksize"] = max(PART_SIZE, -(-private.stat().st_size // _MOST_PARTS))
    fs.put_file(str(private), path, **options)


def check_reachable(fs: Any, path: str) -> None:
    """
    Ask an object store for something, where that is cheap, so that a wrong one shows before an export is made.

    :param fs: The fsspec file system.
    :param path: Path in the object store.
    :raises FileNotFoundError: the bucket does not exist.
    """
    if _is_s3(fs):
        bucket, _, _ = fs.split_path(path)
        with suppress(PermissionError):  # Some keys may only write.
            fs.call_s3("head_bucket", Bucket=bucket)


def _is_s3(fs: Any) -> bool:
    return "s3" in ([fs.protocol] if isinstance(fs.protocol, str) else fs.protocol)
