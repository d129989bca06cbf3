# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What the tests of the operators that load tables share, whatever keeps the table."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from airflow_provider_clockify.testing import ClockifyEmulator


def imported_by(code: str, modules: Sequence[str]) -> str:
    """Run code as a DAG file is parsed, in a process of its own; return which of some modules it has imported."""
    look = f"import sys\n{code}\nprint([each for each in {tuple(modules)!r} if each in sys.modules])\n"
    found = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    return found.stdout.splitlines()[-1]


def connect_as_member(emulator: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the default connection have the key of somebody who is neither owner nor admin."""
    workspace = emulator.workspace
    user = next(each for each in workspace.users.values() if each.role == "USER")
    user.api_key = "k" * 48
    connection = json.loads(emulator.connection_json(requests_per_second=1000, workspace_id=workspace.id))
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", json.dumps({**connection, "password": user.api_key}))
