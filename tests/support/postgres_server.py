# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""PostgreSQL's server of this machine, for tests that need a database."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from database_servers import MissingServerError, Postgres


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a server in a folder of its own, on a free port; skip the test where there is none."""
    if find_spec("psycopg2") is None:
        pytest.skip("this environment has no psycopg2")
    # Not in pytest's own folder, which every run closes to other users, such as the server's.
    with TemporaryDirectory(prefix="clockify-postgres-") as folder:
        Path(folder).chmod(0o755)
        try:
            server = Postgres(Path(folder))
        except MissingServerError as error:
            pytest.skip(str(error))
        process = subprocess.Popen(
            server.command, env=server.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **server.how
        )
        try:
            deadline = time.monotonic() + 60
            while not server.answers():
                assert time.monotonic() < deadline, "PostgreSQL did not start"
                assert process.poll() is None, "PostgreSQL ended"
                time.sleep(0.1)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
