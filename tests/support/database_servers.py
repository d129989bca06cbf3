# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Servers of the machine that a whole Airflow needs: PostgreSQL and Redis, each in a folder of its own.

They listen on free ports of the loopback interface. Whoever uses them starts them as processes, and so ends them.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any


class MissingServerError(RuntimeError):
    """The machine lacks a server's program."""


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def tool(name: str, package: str) -> str:
    """
    Find a program on the path, or where Debian keeps servers and the versions of PostgreSQL.

    :raises MissingServerError: it is not there; says which package has it.
    """
    folders = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    found = shutil.which(name, path=os.pathsep.join([*folders, os.environ["PATH"], "/usr/sbin"]))
    if found is None:
        raise MissingServerError(
            f"{name} was not found: install Debian's {package}, or what has it elsewhere."
        )
    return found


class Postgres:
    """A database in a folder, served by a user that is not root, which PostgreSQL refuses to be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "postgres"
        self.folder.mkdir()
        self.port = free_port()
        self.how: dict[str, Any] = {}
        if os.geteuid() == 0:
            names = {account.pw_name for account in pwd.getpwall()}
            account = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self.how = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": "/"}
        self.env = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self.folder)}
        data = self.folder / "data"
        made = subprocess.run(
            [
                tool("initdb", "postgresql"),
                *("-D", str(data), "-U", "airflow", "-A", "trust", "--no-sync", "-E", "UTF8"),
            ],
            env=self.env,
            capture_output=True,
            text=True,
            **self.how,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")
        options = (
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            f"unix_socket_directories={self.folder}",
            "fsync=off",
            "max_connections=200",
        )
        settings = [part for option in options for part in ("-c", option)]
        self.command = [tool("postgres", "postgresql"), "-D", str(data), *settings]

    def address(self, database: str) -> str:
        """Return what follows the scheme of a database's URL."""
        return f"airflow@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str) -> Any:
        """Connect to a database; each statement is a transaction."""
        import psycopg2

        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user="airflow", dbname=database, connect_timeout=5
        )
        connection.autocommit = True
        return connection

    def create(self, database: str) -> None:
        """Create a database."""
        with closing(self.connect("postgres")) as connection, connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{database}"')

    def answers(self) -> bool:
        """Tell whether it takes connections by now."""
        import psycopg2

        try:
            self.connect("postgres").close()
        except psycopg2.OperationalError:
            return False
        return True


class Redis:
    """A broker that keeps everything in memory."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.command = [
            tool("redis-server", "redis-server"),
            *("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(folder)),
            *("--save", "", "--appendonly", "no"),
        ]

    def answers(self) -> bool:
        """Tell whether it takes commands by now."""
        import redis

        try:
            with redis.Redis(host="127.0.0.1", port=self.port, socket_timeout=5) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False
