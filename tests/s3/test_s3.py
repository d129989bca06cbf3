# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Publishing into S3: whole objects or none, and what fails is aborted."""

from __future__ import annotations

import json
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyStorageError
from airflow_provider_clockify.export import storage
from airflow_provider_clockify.export.storage import Staging, Target

URL = "s3://aws_test@exports/out.jsonl"
PART = 2**16
BIG = b"".join(b"%08d\n" % number for number in range(4 * PART // 9))  # Four parts.
DENIED = ("403 Forbidden", b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
MULTIPART = ["create", "part 1", "part 2", "part 3", "part 4", "complete"]


def publish(content: bytes, url: str = URL, *parts: str) -> Path:
    """Publish; give the private folder, which must be gone."""
    with Staging(Target(url), is_base=bool(parts)) as staging:
        staging.path("x").write_bytes(content)
        staging.publish(staging.path("x"), *parts)
    return staging.folder


def uploading(seen: list[str]) -> list[str]:
    return sorted(kind for kind in seen if kind not in ("list", "head", "get"))


# --- whole objects ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"small", BIG], ids=("empty", "small", "parts"))
def test_an_object_is_what_was_written(s3, content):
    folder = publish(content)
    assert s3.objects() == {"out.jsonl": content}
    assert s3.uploads() == []
    assert not folder.exists()
    assert uploading(s3.seen) == (sorted(MULTIPART) if content is BIG else ["put"])


def test_files_below_a_base(s3):
    publish(b"x", "s3://aws_test@exports/base/", "dt=2026-11-01", "detailed.jsonl")
    assert s3.objects() == {"base/dt=2026-11-01/detailed.jsonl": b"x"}


def test_the_old_object_is_visible_until_the_new_one_is_complete(s3):
    publish(b"old")
    visible: dict[str, Any] = {}
    s3.on_request = lambda kind: visible.update({kind: s3.objects()})
    publish(BIG)
    assert set(MULTIPART) <= set(visible)
    assert all(objects == {"out.jsonl": b"old"} for objects in visible.values())
    s3.on_request = lambda kind: None
    assert s3.objects() == {"out.jsonl": BIG}


def test_the_last_export_can_be_read(s3):
    place = Target(URL).at()
    with place.opened() as file:
        assert file is None
    publish(BIG)
    with place.opened() as file:
        assert file is not None
        assert file.read() == BIG


def test_a_large_file_has_no_more_parts_than_s3_takes(s3, monkeypatch):
    monkeypatch.setattr(storage, "_MOST_PARTS", 3)
    publish(BIG)
    assert s3.objects() == {"out.jsonl": BIG}
    assert "part 4" not in s3.seen
    assert "part 3" in s3.seen


def test_uploads_carry_checksums_that_the_server_compares(s3):
    """This is why nothing asks for the object afterwards: what does not arrive as it was sent is refused."""
    publish(b"small")
    publish(BIG)
    assert {"put", "part 1", "part 2", "part 3", "part 4"} <= set(s3.checksums), s3.checksums


# --- failures -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failing", ["create", "part 1", "part 3", "complete"])
def test_an_upload_that_fails_is_aborted_and_the_old_object_stays(s3, failing):
    publish(b"old")
    s3.on_request = lambda kind: DENIED if kind == failing else None
    with pytest.raises(ClockifyStorageError, match="could not be uploaded .PermissionError: ") as caught:
        publish(BIG)
    assert URL in str(caught.value)
    assert "Check the credentials of its connection, and that they may write there" in str(caught.value)
    assert s3.uploads() == []
    assert s3.objects() == {"out.jsonl": b"old"}


def test_a_failure_between_two_objects_leaves_each_whole(s3):
    target = Target("s3://aws_test@exports/base")
    with pytest.raises(ClockifyStorageError, match="could not be uploaded"):  # noqa: PT012
        with Staging(target, is_base=True) as staging:
            for name in ("1", "2"):
                staging.path(name).write_bytes(BIG)
                staging.publish(staging.path(name), name)
                s3.on_request = lambda kind: DENIED if kind == "part 2" else None
    assert target.published == 1
    assert s3.objects() == {"base/1": BIG}
    assert s3.uploads() == []


def test_a_signal_in_the_middle_of_an_upload_leaves_no_half_object(s3):
    class Stopped(BaseException):
        pass

    def stop(*_: Any) -> None:
        raise Stopped

    publish(b"old")
    s3.on_request = lambda kind: (
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1) if kind == "part 2" else None
    )
    before = signal.signal(signal.SIGUSR1, stop)
    try:
        with pytest.raises(Stopped):
            publish(BIG)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert "part 2" in s3.seen
    # The thread of s3fs goes on for as long as the process lives.
    assert s3.objects() in ({"out.jsonl": b"old"}, {"out.jsonl": BIG})


def test_a_bucket_that_does_not_exist_is_refused_at_once(s3):
    with pytest.raises(ClockifyConfigError, match="cannot be written .*check that the bucket exists"):
        with Staging(Target("s3://aws_test@nowhere/out.jsonl"), is_base=False):
            raise AssertionError("the export must not begin")


def test_a_bucket_that_goes_away_during_the_export(s3):
    with pytest.raises(ClockifyStorageError, match="Check that the bucket or container exists"):  # noqa: PT012
        with Staging(Target(URL), is_base=False) as staging:
            staging.path("x").write_bytes(b"x")
            s3.client.delete_bucket(Bucket="exports")
            staging.publish(staging.path("x"))


def test_a_server_that_does_not_answer_is_an_error_that_may_pass(s3, monkeypatch):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{probe.getsockname()[1]}"  # Bound, and nobody listens.
        connection = {"conn_type": "aws", "login": "access", "password": "secret"}
        connection["extra"] = json.dumps({"endpoint_url": endpoint, "region_name": "us-east-1"})
        monkeypatch.setenv("AIRFLOW_CONN_AWS_TEST", json.dumps(connection))
        with pytest.raises(ClockifyStorageError, match="does not answer .*check the endpoint"):
            publish(b"x")


def test_a_key_that_may_only_write_can_export(s3):
    s3.on_request = lambda kind: DENIED if kind in ("head", "list", "get") else None
    publish(BIG)
    assert s3.objects() == {"out.jsonl": BIG}


@pytest.mark.parametrize("content", [b"small", BIG], ids=("small", "parts"))
def test_uploads_that_others_began_are_left_alone(s3, content):
    """Whose they are cannot be known: another export of the same object may be under way."""
    for key in ("out.jsonl", "out.jsonl", "other"):
        s3.begin_upload(key)
    publish(content)
    assert s3.uploads() == ["other", "out.jsonl", "out.jsonl"]
    assert s3.objects() == {"out.jsonl": content}
    assert "abort" not in s3.seen
