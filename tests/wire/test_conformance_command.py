# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The command line for the first real account: options, exit status, what is printed, what is never sent."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from secret_scan import Scanner

from airflow_provider_clockify.conformance.__main__ import main
from airflow_provider_clockify.conformance.assumptions import ASSUMPTIONS, BY_NUMBER
from airflow_provider_clockify.conformance.reads_only import (
    NotAReadError,
    ReadOnlyTransport,
    RequestsSpentError,
)
from airflow_provider_clockify.conformance.running import run
from airflow_provider_clockify.conformance.tries import MOST_REQUESTS
from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.service.lists import logged_user
from airflow_provider_clockify.service.messages import ApiRequest
from airflow_provider_clockify.testing import ClockifyEmulator, faults

NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture
def in_environment(monkeypatch):
    """Put an emulator's address and key where --key-from-env looks."""

    def put(emulator: ClockifyEmulator, **other: str) -> None:
        given = {
            "API_KEY": emulator.api_key,
            "BASE_URL": emulator.url,
            "WORKSPACE_ID": emulator.workspace.id,
            **other,
        }
        for name, value in given.items():
            monkeypatch.setenv(f"CLOCKIFY_{name}", value)

    return put


def settings_of(emulator: ClockifyEmulator, **extra: Any) -> ClockifySettings:
    return ClockifySettings.from_fields(
        "first_account",
        password=emulator.api_key,
        host=emulator.url,
        extra={"workspace_id": emulator.workspace.id, "requests_per_second": 1000, **extra},
    )


def test_one_line_per_assumption_and_the_progress_beside_it(emulator, in_environment, capsys):
    in_environment(emulator)
    assert main(["--key-from-env"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    told = [line for line in lines if re.match(r" *\d+  (holds|does not hold|could not be tried) ", line)]
    assert [int(line.split()[0]) for line in told] == [each.number for each in ASSUMPTIONS]
    assert all(each.claim in line for each, line in zip(ASSUMPTIONS, told, strict=True))
    assert [line for line in told if "could not be tried" in line and "Otherwise: " not in line] == []
    assert re.fullmatch(r"\d+ holds, 0 does not hold, \d+ could not be tried; \d+ answers\.", lines[-1])
    assert err.splitlines()[0] == " 1 of 25: whom the key belongs to"


def test_what_does_not_hold_is_told_with_what_it_means(start_emulator, in_environment, capsys):
    in_environment(start_emulator(switches=["hydrated"]))
    assert main(["--key-from-env", "--only", "27,39"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "27  does not hold       hydrated=true gives" in lines[0]
    assert "have no memberships.] Otherwise: iter_projects(hydrated=True)" in lines[0]
    assert "39  holds               A project that does not exist" in lines[1]


def test_only_what_is_needed_is_asked_for(emulator, in_environment):
    in_environment(emulator)
    assert main(["--key-from-env", "--only", "40"]) == 0
    assert [record.path for record in emulator.requests] == [
        "/api/v1/workspaces/000000000000000000000001/tags"
    ]


def test_without_a_workspace_it_is_the_active_one(emulator, in_environment, monkeypatch, capsys):
    in_environment(emulator)
    monkeypatch.delenv("CLOCKIFY_WORKSPACE_ID")
    assert main(["--key-from-env", "--only", "27"]) == 0
    assert [record.path.rpartition("/")[2] for record in emulator.requests] == ["user", "projects"]


def test_verdicts_as_json(emulator, in_environment, capsys):
    in_environment(emulator)
    assert main(["--key-from-env", "--json", "--only", "24,27"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [each["number"] for each in shown["assumptions"]] == [24, 27]
    assert {"name", "claim", "standing", "outcome", "evidence", "otherwise"} <= shown["assumptions"][0].keys()


@pytest.mark.parametrize("only", ["0", "99", "x", "1,,2", ""])
def test_a_number_that_no_assumption_has_is_refused(only, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--key-from-env", "--only", only])
    assert stopped.value.code == 2
    assert "has a number that no assumption has" in capsys.readouterr().err


# --- could not run --------------------------------------------------------------------------------------------------


def test_without_a_key_it_cannot_run(monkeypatch, capsys):
    monkeypatch.delenv("CLOCKIFY_API_KEY", raising=False)
    assert main(["--key-from-env"]) == 2
    assert "CLOCKIFY_API_KEY is not set" in capsys.readouterr().err


def test_with_a_wrong_key_it_cannot_run(emulator, in_environment, capsys):
    in_environment(emulator, API_KEY="ThisKeyIsNotKnownToAnybody0123456789")
    assert main(["--key-from-env"]) == 2
    out, err = capsys.readouterr()
    assert "the key was refused (401, code 4003" in err
    assert "ThisKeyIsNotKnown" not in out + err
    assert len(emulator.requests) == 1


def test_without_a_service_it_cannot_run(emulator, in_environment, capsys, monkeypatch):
    in_environment(emulator, BASE_URL="http://127.0.0.1:9")
    monkeypatch.setattr(ReadOnlyTransport, "_wait", lambda self, seconds, abandoned: None)
    assert main(["--key-from-env"]) == 2
    assert "Could not run: " in capsys.readouterr().err


def test_a_folder_that_is_not_empty_is_not_recorded_into(emulator, in_environment, tmp_path, capsys):
    in_environment(emulator)
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["--key-from-env", "--record", str(tmp_path)]) == 2
    assert "the folder is not empty" in capsys.readouterr().err
    assert emulator.requests == []


def test_a_workspace_whose_hour_is_used_up_is_left_alone(start_emulator, monkeypatch):
    emulator = start_emulator()
    emulator.fail(429, times=None)
    waited: list[float] = []
    monkeypatch.setattr(ReadOnlyTransport, "_wait", lambda self, seconds, abandoned: waited.append(seconds))
    found = run(settings_of(emulator), ASSUMPTIONS, now=NOW, say=lambda line: None)
    assert found.answers == {}
    assert len(emulator.requests) == len(found.refusals) == 2
    assert set(found.untried.values()) == {
        "The service refuses more requests for now (429). Run again in an hour."
    }


# --- reads only -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_but_reads_leaves(emulator, method):
    transport = ReadOnlyTransport(settings_of(emulator), MOST_REQUESTS)
    where = f"/workspaces/{emulator.workspace.id}/time-entries"
    with pytest.raises(NotAReadError, match="is not a read, and was not sent"):
        transport.send(ApiRequest("change", "core", method, where, json={}), lambda response: response)
    assert emulator.requests == []


def test_repeated_requests_count(emulator, monkeypatch):
    transport = ReadOnlyTransport(settings_of(emulator), 3)
    monkeypatch.setattr(transport, "_wait", lambda seconds, abandoned: None)
    emulator.fail(503, times=2)
    transport.send(logged_user(), lambda response: response)
    with pytest.raises(RequestsSpentError, match="All of 3 requests are spent"):
        transport.send(logged_user(), lambda response: response)
    assert len(emulator.requests) == 3


def test_a_service_that_fails_now_and_then_costs_no_more_than_all_requests(start_emulator, monkeypatch):
    emulator = start_emulator(entries=60)
    monkeypatch.setattr(ReadOnlyTransport, "_wait", lambda self, seconds, abandoned: None)
    emulator.inject(faults.html_error(502), times=6, match=lambda record: record.sequence % 3 == 0)
    found = run(settings_of(emulator), ASSUMPTIONS, now=NOW, say=lambda line: None)
    assert len(emulator.requests) == MOST_REQUESTS
    spent = [name for name, why in found.untried.items() if why.startswith("All 25 requests were spent.")]
    assert spent
    assert spent[-1] == "running_report"


def test_no_redirect_is_followed(start_emulator, start_recorder, monkeypatch):
    elsewhere = start_recorder()
    emulator = start_emulator()
    emulator.inject(faults.redirect(f"{elsewhere.url}/api/v1/user"), times=None)
    run(settings_of(emulator), [BY_NUMBER[27]], now=NOW, say=lambda line: None)
    assert elsewhere.seen == []


# --- secrets --------------------------------------------------------------------------------------------------------


def test_a_process_shows_the_key_nowhere(start_emulator, tmp_path):
    emulator = start_emulator(entries=60)
    environment = {
        "CLOCKIFY_API_KEY": emulator.api_key,
        "CLOCKIFY_BASE_URL": emulator.url,
        "CLOCKIFY_WORKSPACE_ID": emulator.workspace.id,
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHONPATH": ":".join(path for path in sys.path if path),
    }
    command = [sys.executable, "-m", "airflow_provider_clockify.conformance", "--key-from-env"]
    done = subprocess.run(
        [*command, "--record", str(tmp_path / "recording")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    scanner = Scanner([emulator.api_key])
    assert (
        scanner.folder(tmp_path) + scanner.text("stdout", done.stdout) + scanner.text("stderr", done.stderr)
        == []
    )


def test_without_airflows_database_airflow_is_not_imported():
    code = (
        "import sys\n"
        "from airflow_provider_clockify.conformance.__main__ import main\n"
        "main(['--key-from-env'])\n"
        "assert not [name for name in sys.modules if name == 'airflow' or name.startswith('airflow.')], 'imported'\n"
    )
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
