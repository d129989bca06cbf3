# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""moto's S3 server behind a real socket, with eyes and hands on the requests."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PART_SIZE = 2**16
BUCKET = "exports"

os.environ["S3_UPLOAD_PART_MIN_SIZE"] = "1"  # Read by moto when it is imported; real S3 wants 5 MiB.


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.s3)


def error_answer(status: str, code: str) -> tuple[str, bytes]:
    return status, f"<Error><Code>{code}</Code><Message>{code} by the test</Message></Error>".encode()


@dataclass
class Server:
    """
    ``on_request`` sees each request as ``part 2``, ``create``, ``complete``, ``abort``, ``list``, ``put`` or its
    method, before the server does, and may answer in its place.
    """

    url: str = ""
    client: Any = None
    seen: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    checksums: dict[str, str] = field(
        default_factory=dict
    )  # Kind of the request to the header that announces one.
    on_request: Callable[[str], tuple[str, bytes] | None] = lambda kind: None

    def uploads(self) -> list[str]:
        answer = self.client.list_multipart_uploads(Bucket=BUCKET)
        return sorted(each["Key"] for each in answer.get("Uploads", ()))

    def objects(self) -> dict[str, bytes]:
        names = [each["Key"] for each in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", ())]
        return {name: self.client.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in names}

    def begin_upload(self, key: str, *, parts: int = 1) -> None:
        """Begin what a killed process leaves."""
        upload = self.client.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
        for number in range(1, parts + 1):
            self.client.upload_part(
                Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=number, Body=b"x" * PART_SIZE
            )


def kind_of(environ: dict[str, Any]) -> str:
    method, query = environ["REQUEST_METHOD"], environ.get("QUERY_STRING", "")
    if "uploadId" in query:
        if method == "PUT":
            number = query.split("partNumber=", 1)[1].split("&")[0]
            return f"part {number}"
        return {"POST": "complete", "DELETE": "abort"}.get(method, method)
    if "uploads" in query:
        return "create" if method == "POST" else "list"
    return method.lower()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Start an empty server with one bucket, and the connection ``aws_test`` to it."""
    from boto3 import client
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    from airflow_provider_clockify.export import storage

    server = Server()
    application = DomainDispatcherApplication(create_backend_app)

    def watched(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        agent = environ.get("HTTP_USER_AGENT", "")
        if "observer" not in agent and not environ["PATH_INFO"].startswith("/moto-api"):
            kind = kind_of(environ)
            server.seen.append(kind)
            server.queries.append(environ.get("QUERY_STRING", ""))
            for name in environ:
                if name.startswith(("HTTP_X_AMZ_CHECKSUM_", "HTTP_X_AMZ_TRAILER")):
                    server.checksums[kind] = name
            if (answer := server.on_request(kind)) is not None:
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                status, body = answer
                start_response(
                    status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
                )
                # What follows the head of an answer to HEAD would be taken for the next answer.
                return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
        return application(environ, start_response)

    http = make_server("127.0.0.1", 0, watched, threaded=True)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_port}"
    from botocore.config import Config

    server.client = client(
        "s3",
        endpoint_url=server.url,
        aws_access_key_id="access",
        aws_secret_access_key="secret",
        region_name="us-east-1",
        config=Config(user_agent="observer"),
    )
    server.client.create_bucket(Bucket=BUCKET)
    connection = {
        "conn_type": "aws",
        "login": "access",
        "password": "secret",
        "extra": {"endpoint_url": server.url, "region_name": "us-east-1"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_AWS_TEST", json.dumps(connection))
    monkeypatch.setattr(storage, "PART_SIZE", PART_SIZE)
    forget_stores(monkeypatch)
    yield server
    from moto.backends import get_backend

    http.shutdown()
    http.server_close()
    thread.join()
    get_backend("s3").reset()


def forget_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Airflow and fsspec make new clients: the last ones are of another server."""
    from airflow.sdk.io import store
    from s3fs import S3FileSystem

    monkeypatch.setattr(store, "_STORE_CACHE", {})
    S3FileSystem.clear_instance_cache()
