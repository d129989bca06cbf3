# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Makes what the tasks of ``tests/browser/dags/browser_failures.py`` fail at, and runs them: for tests and screenshots.

Keys that are wrong, revoked or refused, a host that is none, a file system without room, a database that does not
listen; all on this machine.
"""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from local_airflow import free_port

from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace
from airflow_provider_clockify.testing.faults import answer, from_request, key_revoked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local_airflow import LocalAirflow

DAG_ID = "browser_failures"
WRONG_KEY = "0" * 48
# What the log of each task has to show as it opens: the reason, and the cure.
SHOWN = {
    "wrong_key": ("the key was refused (401, code 4003", "Paste a new key, or correct region and subdomain."),
    "wrong_region": ("extra.region is 'eu1'", "use one of global, euc1, use2"),
    "unreachable_host": (
        "no answer (ConnectionError",
        "Check the network, the proxy, and the connection's host",
    ),
    "workspace_typo": ("Workspace doesn't belong to User", "Check the workspace id and the other ids"),
    "too_many_requests": (
        "the workspace's request budget is used up (429",
        "Set deferrable=True or on_budget='defer'",
    ),
    "over_budget": ("This export needs at least", "set on_budget='defer' to spread it over several"),
    "zero_interval": ("the data interval of this run has zero length", 'set window="day"'),
    "disk_full": (
        "No space left for the private files of the export",
        "Free space there, or use a shorter window.",
    ),
    "database_gone": ("cannot be opened (OperationalError", "Check the connection, and run again."),
    "revoked_key": (
        "the key was refused (401, code 4003",
        "Paste a new key, or correct region and subdomain.",
    ),
}
# And what it means for the data.
UNCHANGED = "Nothing was published; the files of"
MEANS = {
    "database_gone": "Nothing was loaded; the table time_entries is unchanged.",
    "revoked_key": "What the sensor waits for was not found; tasks that need its success do not start.",
}


@contextmanager
def failed_run(airflow: LocalAirflow) -> Iterator[str]:
    """
    Run the ten tasks until all have failed; gives the id of the run.

    :param airflow: A running Airflow that has the DAG.
    :raises RuntimeError: the file system for the full disk cannot be made.
    """
    with ExitStack() as stack:
        refusing, limited, revoking = (
            stack.enter_context(
                ClockifyEmulator(generate_workspace(entries=20, workspace_id=f"{number}" * 24))
            )
            for number in (1, 2, 3)
        )
        refusing.inject(
            answer(429, body={"message": "Too many requests"}, headers={"Retry-After": "1800"}), times=None
        )
        revoking.inject(key_revoked(), times=None, match=from_request(2))
        _connect(airflow, "wrong_key", password=WRONG_KEY)
        _connect(airflow, "wrong_region", host=None, extra={"region": "eu1"})
        _connect(
            airflow, "unreachable_host", host=f"http://127.0.0.1:{free_port()}", extra={"max_retries": 1}
        )
        _connect(airflow, "workspace_typo", extra={"workspace_id": "f" * 24})
        _connect(airflow, "too_many_requests", **_of(refusing))
        _connect(airflow, "over_budget", **_of(limited, requests_per_hour=2))
        _connect(airflow, "revoked_key", **_of(revoking))
        airflow.api(
            "POST",
            "connections",
            connection_id="clockify_gone_database",
            conn_type="postgres",
            host="127.0.0.1",
            port=free_port(),
            login="reports",
            password="not the password",
            schema="reports",
        )
        small = stack.enter_context(small_disk(airflow.home / "small disk"))
        airflow.api("POST", "variables", key="clockify_small_disk", value=str(small))
        run_id, state = airflow.trigger(DAG_ID)
        if state != "failed":
            raise RuntimeError(f"the run of {DAG_ID} ended as {state}")
        yield run_id


def _of(emulator: ClockifyEmulator, **extra: Any) -> dict[str, Any]:
    found = json.loads(emulator.connection_json(**extra))
    return {"host": found["host"], "password": found["password"], "extra": found["extra"]}


def _connect(airflow: LocalAirflow, task_id: str, **changes: Any) -> None:
    base = airflow.connection
    extra = {**base["extra"], **changes.pop("extra", {})}
    body = {"conn_type": "clockify", "host": base["host"], "password": base["password"], **changes}
    airflow.api("POST", "connections", connection_id=f"clockify_{task_id}", extra=json.dumps(extra), **body)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """
    Mount a file system with hardly any room, which takes the right to mount.

    :param folder: Where; made if need be.
    """
    folder.mkdir(exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if made.returncode:
        raise RuntimeError(f"a full disk needs the right to mount: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
