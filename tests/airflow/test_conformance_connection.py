# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The command for the first real account takes its connection from Airflow."""

from __future__ import annotations

import pytest

from airflow_provider_clockify.conformance.__main__ import main
from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace

pytestmark = pytest.mark.airflow


@pytest.fixture
def emulator():
    with ClockifyEmulator(generate_workspace(entries=20)) as emulator:
        yield emulator


def test_the_connection_is_airflows(emulator, monkeypatch, capsys):
    monkeypatch.setenv("AIRFLOW_CONN_FIRST_ACCOUNT", emulator.connection_json())
    assert main(["--conn-id", "first_account", "--only", "27"]) == 0
    assert "27  holds" in capsys.readouterr().out
    assert [record.path.rpartition("/")[2] for record in emulator.requests] == ["projects"]


def test_a_connection_of_another_type_cannot_be_used(emulator, monkeypatch, capsys):
    monkeypatch.setenv("AIRFLOW_CONN_FIRST_ACCOUNT", f"http://:{emulator.api_key}@localhost")
    assert main(["--conn-id", "first_account"]) == 2
    out, err = capsys.readouterr()
    assert "is of type 'http'" in err
    assert emulator.api_key not in out + err
    assert emulator.requests == []
