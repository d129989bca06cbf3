# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""A recording holds nothing personal, keeps what proofs need, and is a test case for all readers."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from secret_scan import Scanner

from airflow_provider_clockify.conformance.__main__ import main
from airflow_provider_clockify.conformance.anonymous import Pseudonyms
from airflow_provider_clockify.conformance.answers import Answer, Found
from airflow_provider_clockify.conformance.assumptions import ASSUMPTIONS
from airflow_provider_clockify.conformance.judging import Verdict, judge
from airflow_provider_clockify.conformance.recording import INDEX, read_recording, write_recording
from airflow_provider_clockify.conformance.replay import read_all
from airflow_provider_clockify.conformance.running import run
from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.service.messages import ApiRequest
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, generate_workspace

START, END = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
NOW = END + timedelta(hours=6)
# What may be the same before and after: times, durations, words of the API, time zones, colours.
HARMLESS = re.compile(
    r"|\d{4}-\d\d(-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?)?"
    r"|PT[0-9HMS.-]+|[A-Z0-9_]{2,}|[A-Z][a-z]+/[A-Za-z_]+|UTC|#[0-9A-Fa-f]{6}"
)
PERSONAL_KEYS = re.compile(
    r"name|email|description|note|address|subject|url|picture|value|image|message", re.I
)
MONEY_KEYS = re.compile(r"amount|rate|total$|price|balance|paid|cost", re.I)
PLAIN_TOTALS = {"totalTime", "totalBillableTime", "totalDuration"}


@pytest.fixture(scope="module")
def workspace() -> EmulatedWorkspace:
    workspace = generate_workspace(entries=330, users=8, start=START, end=END, expenses=30)
    for entry in [entry for entry in workspace.entries.values() if entry.end][5:9]:
        workspace.delete_entry(entry.id, at=NOW - timedelta(hours=18))
    return workspace


@pytest.fixture(scope="module")
def found(workspace: EmulatedWorkspace) -> Found:
    with ClockifyEmulator(workspace, now=NOW) as emulator:
        settings = ClockifySettings.from_fields(
            "recorded", password=emulator.api_key, host=emulator.url, extra={"workspace_id": workspace.id}
        )
        return run(settings, ASSUMPTIONS, now=NOW, say=lambda line: None)


@pytest.fixture(scope="module")
def verdicts(found: Found) -> list[Verdict]:
    return judge(found, ASSUMPTIONS)


@pytest.fixture(scope="module")
def recording(found: Found, verdicts: list[Verdict], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recording")
    write_recording(folder, found, verdicts)
    return folder


def leaves(value: Any, path: str = "", key: str = "") -> Iterator[tuple[str, str, Any]]:
    """Give path, key and value of everything that is not an object or list."""
    if isinstance(value, Mapping):
        for number, (name, each) in enumerate(value.items()):
            yield from leaves(each, f"{path}/{number}", name)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from leaves(each, f"{path}/{number}", key)
    else:
        yield path, key, value


def pairs(found: Found, recording: Path) -> Iterator[tuple[str, Any, Any]]:
    """Give key, original and replacement of every leaf of every good JSON answer."""
    recorded = read_recording(recording).answers
    for name, answer in found.answers.items():
        if name == "csv" or answer.is_refusal:
            continue
        before, after = list(leaves(answer.json)), list(leaves(recorded[name].json))
        assert [path for path, _, _ in before] == [path for path, _, _ in after], name
        yield from ((key, old, new) for (_, key, old), (_, _, new) in zip(before, after, strict=True))


def test_every_text_that_stays_is_harmless(found, recording):
    kept = {(key, old) for key, old, new in pairs(found, recording) if isinstance(old, str) and old == new}
    assert {old for _, old in kept if not HARMLESS.fullmatch(old)} == set()
    assert {
        (key, old) for key, old in kept if old and PERSONAL_KEYS.search(key) and not old[:4].isdigit()
    } == set()
    assert len(kept) > 50


def test_the_same_original_has_the_same_replacement_and_another_has_another(found, recording):
    there: dict[Any, Any] = {}
    back: dict[Any, Any] = {}
    for _, old, new in pairs(found, recording):
        if isinstance(old, str) and old != new:
            assert there.setdefault(old, new) == new
            assert back.setdefault(new, old) == old
    assert len(there) > 300
    ids = {old: new for old, new in there.items() if re.fullmatch("[0-9a-f]{24}", old)}
    assert [ids[old] for old in sorted(ids)] == sorted(ids.values())
    assert all(re.fullmatch("[0-9a-f]{24}", new) and new[:8] == old[:8] for old, new in ids.items())
    mails = {new for old, new in there.items() if "@" in old and " " not in old}
    assert all(re.fullmatch(r"person\d+@example\.com", new) for new in mails if "@" in new)


def test_amounts_are_other_ones_in_the_same_proportion(found, recording):
    factors = set()
    for key, old, new in pairs(found, recording):
        if isinstance(old, (int, Decimal)) and not isinstance(old, bool) and old:
            if MONEY_KEYS.search(key) and key not in PLAIN_TOTALS:
                assert old != new, key
                factors.add(round(Decimal(new) / Decimal(old), 6))
            elif old == new:
                assert re.search(
                    r"time|duration|count|quantity|break|capacity|overtime|off|currencies", key, re.I
                ), key
    assert len(factors) == 1
    assert 0 < factors.pop() < 1


def personal_values(workspace: EmulatedWorkspace, key: str) -> set[str]:
    """Return everything that people wrote or are called, from the data and not from answers."""
    values = {key, workspace.id, workspace.name}
    for user in workspace.users.values():
        values |= {user.id, user.email, user.name or "", user.api_key}
    for table in (
        workspace.clients,
        workspace.projects,
        workspace.tasks,
        workspace.tags,
        workspace.custom_fields,
    ):
        for each in table.values():
            values |= {each.id, each.name}
    for entry in workspace.entries.values():
        values |= {entry.id, entry.description, *(str(value) for _, value in entry.custom_values)}
    for expense in workspace.expenses.values():
        values |= {expense.id, expense.notes or "", expense.file_name or ""}
    return {value for value in values if value.strip()}


def test_no_original_value_survives(workspace, recording, emulator):
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(recording.iterdir()))
    cells = {
        str(value)
        for path in recording.glob("*.json")
        for _, _, value in leaves(json.loads(path.read_text()))
    }
    cells |= {
        cell
        for line in csv.reader(io.StringIO(read_recording(recording).answers["csv"].body.decode()))
        for cell in line
    }
    values = personal_values(workspace, workspace.users[next(iter(workspace.users))].api_key)
    assert len(values) > 400
    words = {value for value in values if value.isdigit() and len(value) < 5}  # A number is in many places.
    assert {value for value in values - words if value in cells} == set()
    assert {value for value in values - words if len(value) > 6 and value in text} == set()


def test_the_key_is_neither_recorded_nor_printed(start_emulator, workspace, tmp_path, monkeypatch, capfd):
    emulator = start_emulator(workspace, now=NOW)
    monkeypatch.setenv("CLOCKIFY_API_KEY", emulator.api_key)
    monkeypatch.setenv("CLOCKIFY_BASE_URL", emulator.url)
    assert main(["--key-from-env", "--record", str(tmp_path / "recording"), "--only", "1,39,42"]) == 0
    out, err = capfd.readouterr()
    scanner = Scanner([emulator.api_key])
    assert scanner.folder(tmp_path) + scanner.text("stdout", out) + scanner.text("stderr", err) == []
    assert (tmp_path / "recording" / INDEX).exists()


# --- replay ---------------------------------------------------------------------------------------------------------


def test_a_recording_is_judged_as_the_account_was(verdicts, recording):
    again = judge(read_recording(recording), ASSUMPTIONS)
    assert [(each.assumption.name, each.outcome) for each in again] == [
        (each.assumption.name, each.outcome) for each in verdicts
    ]
    assert sum(each.outcome == "holds" for each in again) > 35


def test_all_readers_take_a_recording(recording):
    reads = read_all(read_recording(recording))
    assert [(read.name, read.what) for read in reads if not read.is_good] == []
    operations = {read.name.split(" ")[0] for read in reads}
    assert operations == {
        "generateDetailedReport",
        "generateSummaryReport",
        "generateWeeklyReport",
        "generateAttendanceReport",
        "generateDetailedReportV1",
        "getUsersOfWorkspace",
        "getProjects",
        "getExpenses",
        "getTimeEntries",
        "getInProgressTimeEntries",
        "getCreatedEntityInfo",
        "getDeletedEntityInfo",
    }


def test_a_reader_that_refuses_a_recording_is_told(found, verdicts, tmp_path, capsys):
    body = json.loads(found.answers["week"].body)
    body["totals"][0]["totalTime"] += 100
    broken = replace(
        found,
        answers={**found.answers, "week": replace(found.answers["week"], body=json.dumps(body).encode())},
    )
    write_recording(tmp_path, broken, verdicts)
    assert main(["--replay", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "refused             generateDetailedReport (week): ClockifyIncompleteError" in out


def test_pages_that_were_not_recorded_are_said_to_follow(found, verdicts, tmp_path):
    body = json.loads(found.answers["week"].body)
    body["totals"][0]["entriesCount"] += 1000
    longer = replace(found.answers["week"], body=json.dumps(body).encode())
    write_recording(tmp_path, replace(found, answers={"week": longer}), verdicts)
    (read,) = read_all(read_recording(tmp_path))
    assert (read.is_good, read.what) == (
        True,
        "the first page is read; more pages follow, which are not recorded",
    )


def test_replay_needs_no_network(recording, monkeypatch, capsys):
    def no_network(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr("socket.socket.connect", no_network)
    assert main(["--replay", str(recording), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert len(shown["assumptions"]) == len(ASSUMPTIONS)
    assert all(read["good"] for read in shown["reads"])


@pytest.mark.parametrize("content", [None, b"{", b"{}"])
def test_a_folder_that_is_no_recording_is_refused(tmp_path, capsys, content):
    if content is not None:
        (tmp_path / INDEX).write_bytes(content)
    assert main(["--replay", str(tmp_path)]) == 2
    assert "it is not a recording" in capsys.readouterr().err


def test_a_recording_has_the_form_of_canned_answers(recording):
    for path in recording.glob("[0-9]*.json"):
        case = json.loads(path.read_text())
        (given,) = case["answers"]
        assert case["id"] == path.stem
        assert re.fullmatch(given["path"], re.sub(r"\\(.)", r"\1", given["path"]))
        assert given["method"] == case["request"]["method"]
        assert ("body" in given) is not ("text" in given)
        asked = {"query": case["request"]["params"], "body": case["request"]["json"]}
        for place, value in given["where"].items():
            found: Any = asked
            for name in place.split(".", 1)[0:1] + place.split(".")[1:]:
                found = found[name]
            assert found == value


# --- texts that are not in the emulator's answers -------------------------------------------------------------------


def one(body: Any, status: int = 200, content_type: str = "application/json") -> Answer:
    request = ApiRequest("getTags", "core", "GET", "/workspaces/66b0c1a2d3e4f5a6b7c8d001/tags")
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(request, status, {"content-type": content_type, "set-cookie": "a=b"}, content)


@pytest.mark.parametrize(
    "value",
    [
        {"name": "ADA"},
        {"userName": "PT"},
        {"type": "Ada Example"},
        {"timeZone": "Ada Example"},
        {"color": "Ada"},
        {"status": {"note": "ADA"}},
        {"unknown": "Ada"},
        {"list": ["Ada", ["Eve"]]},
        {"deep": {"phone": 49301234567}},
        {"value": 12.5},
    ],
    ids=str,
)
def test_what_is_not_known_to_be_harmless_is_replaced(value):
    answer = one(value)
    shown = Pseudonyms([answer], Decimal("0.5")).body(answer)
    for (_, _, old), (_, _, new) in zip(leaves(value), leaves(shown), strict=True):
        assert old != new


@pytest.mark.parametrize("key", ["Ada Example", "ada@example.com", "Ada", "f6b0c1a2d3e4f5a6b7c8d001"])
def test_keys_that_are_no_words_of_the_api_are_replaced(key):
    answer = one({"byUser": {key: {"duration": 5}}, "userId": key})
    shown = Pseudonyms([answer], Decimal("0.5")).body(answer)
    assert shown == {"byUser": {shown["userId"]: {"duration": 5}}, "userId": shown["userId"]}
    assert shown["userId"] != key


def test_a_refusal_keeps_its_words_and_not_what_it_quotes():
    answer = one(
        {
            "message": "Tag 'Secret Client' doesn't belong to Workspace 66b0c1a2d3e4f5a6b7c8d001, ask ada@example.com",
            "code": 501,
        },
        400,
    )
    shown = Pseudonyms([answer], Decimal("0.5")).body(answer)
    assert shown["code"] == 501
    assert "doesn't belong to Workspace" in shown["message"]
    for secret in ("Secret Client", "66b0c1a2d3e4f5a6b7c8d001", "ada@example.com"):
        assert secret not in shown["message"]
    assert Pseudonyms([answer], Decimal("0.5")).headers(answer) == {"content-type": "application/json"}


def test_columns_of_a_file_that_are_not_known_are_replaced():
    text = (
        b'"User","Start Date","Birthday","Billable Amount (EUR)","Fee (EUR)"\n'
        b'"Ada","11/02/2026","1/2/1980","1,142.50","9.99"\n'
    )
    answer = one(text, content_type="text/csv")
    shown = Pseudonyms([answer], Decimal("0.5")).body(answer)
    header, line = csv.reader(io.StringIO(shown))
    assert (header[0], header[1], header[3]) == ("User", "Start Date", "Billable Amount (EUR)")
    assert (line[1], line[3]) == ("11/02/2026", "571.25")
    assert {"Birthday", "Fee (EUR)"}.isdisjoint(header)
    assert {"Ada", "1/2/1980", "9.99"}.isdisjoint(line)
