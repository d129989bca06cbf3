# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Other programs that speak Iceberg: SeaweedFS, with a REST catalog and S3, and DuckDB with its own reader of Iceberg.

They are in an environment of their own, ``.venvs/iceberg-tools``, which ``make test-iceberg`` makes.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from database_servers import free_port

TOOLS = Path(__file__).resolve().parents[2] / ".venvs" / "iceberg-tools" / "bin"
KEY, SECRET = "clockify-tests", "clockify-tests-secret"
BUCKET, ACCOUNT = "tables", "000000000000"
PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port",
    "s3.port.grpc",
    "s3.port.iceberg",
)
READ = """
import json, pathlib, sys
import duckdb
packages = pathlib.Path(duckdb.__file__).parents[1]
with duckdb.connect(config={"allow_unsigned_extensions": "true"}) as connection:
    for name in ("avro", "iceberg"):
        (file,) = (packages / f"duckdb_extension_{name}").rglob("*.duckdb_extension")
        connection.execute(f"LOAD '{file}'")
    query = sys.argv[2].replace("TABLE", "iceberg_scan('" + sys.argv[1].replace("'", "''") + "')")
    print(json.dumps(connection.execute(query).fetchall(), default=str))
"""


def tool(name: str) -> Path:
    """Return a program of the environment, or skip."""
    found = TOOLS / name
    if not found.exists():
        pytest.skip("there is no .venvs/iceberg-tools; make test-iceberg makes it")
    return found


def read_by_duckdb(metadata: str, query: str) -> list[list[Any]]:
    """Let DuckDB's own reader of Iceberg answer a query; ``TABLE`` in it is the table of a file of metadata."""
    path = metadata.removeprefix("file://")
    done = subprocess.run(
        [str(tool("python")), "-c", READ, path, query], capture_output=True, text=True, check=True
    )
    found: list[list[Any]] = json.loads(done.stdout)
    return found


@contextmanager
def rest_catalog(folder: Path) -> Iterator[dict[str, Any]]:
    """Run SeaweedFS, and return an Airflow connection to its REST catalog."""
    weed = str(tool("weed"))
    ports = {name: free_port() for name in PORTS}
    credentials = [{"accessKey": KEY, "secretKey": SECRET}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    config = folder / "s3.json"
    config.write_text(
        json.dumps({"identities": [{"name": "tests", "credentials": credentials, "actions": actions}]})
    )
    (folder / "seaweed").mkdir()
    output = folder / "weed.log"
    with output.open("wb") as log:
        process = subprocess.Popen(
            [
                weed,
                "server",
                f"-dir={folder / 'seaweed'}",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                "-filer",
                "-s3",
                f"-s3.config={config}",
                "-s3.port.lance=0",
                "-master.telemetry=false",
                "-master.volumeSizeLimitMB=64",
                *(f"-{name}={port}" for name, port in ports.items()),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
    try:
        create = f"s3tables.bucket -create -name {BUCKET} -account {ACCOUNT}\n"
        master = f"{ports['master.port']}.{ports['master.port.grpc']}"
        deadline = time.monotonic() + 90
        while True:
            assert process.poll() is None, output.read_text(errors="replace")[-2000:]
            if b"Start Iceberg REST Catalog Server" in output.read_bytes():
                shell = subprocess.run(
                    [weed, "shell", f"-master=127.0.0.1:{master}"],
                    input=create,
                    capture_output=True,
                    text=True,
                    timeout=60,
                    cwd=folder,
                )
                if "arn:aws:s3tables" in shell.stdout + shell.stderr:
                    break
            assert time.monotonic() < deadline, output.read_text(errors="replace")[-2000:]
            time.sleep(0.5)
        yield {
            "conn_type": "iceberg",
            "host": f"http://127.0.0.1:{ports['s3.port.iceberg']}",
            "login": KEY,
            "password": SECRET,
            "extra": {
                "warehouse": f"s3://{BUCKET}",
                "s3.endpoint": f"http://127.0.0.1:{ports['s3.port']}",
                "s3.access-key-id": KEY,
                "s3.secret-access-key": SECRET,
                "s3.region": "us-east-1",
                "oauth2-server-uri": f"http://127.0.0.1:{ports['s3.port.iceberg']}/v1/oauth/tokens",
            },
        }
    finally:
        process.terminate()
        process.wait(30)
