# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The command for the first real account, against the emulator: everything holds, and each switch is noticed."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import pytest

from airflow_provider_clockify.conformance.assumptions import ASSUMPTIONS, BY_NUMBER
from airflow_provider_clockify.conformance.judging import judge
from airflow_provider_clockify.conformance.running import run
from airflow_provider_clockify.conformance.tries import MOST_REQUESTS
from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.exceptions import ClockifyError
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, generate_workspace
from airflow_provider_clockify.testing.switches import SWITCHES
from airflow_provider_clockify.window import Window

MONTH = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)
# What an emulator cannot show of itself: it is its own host, and refuses nothing that is asked slowly.
NEVER_TRIED = {42, 43}


def make_workspace(entries: int = 1010, **more: Any) -> EmulatedWorkspace:
    """Return a workspace that has all that is needed: a full month, deletions, expenses, timers, people who left."""
    workspace = generate_workspace(
        entries=entries, users=8, start=MONTH.start, end=MONTH.end, expenses=60, **more
    )
    finished = [entry for entry in workspace.entries.values() if entry.end and entry.type == "REGULAR"]
    for entry in finished[5:15]:
        workspace.delete_entry(entry.id, at=NOW - timedelta(hours=18))
    return workspace


@pytest.fixture(scope="module")
def workspace() -> EmulatedWorkspace:
    return make_workspace()


@pytest.fixture(scope="module")
def large_workspace() -> EmulatedWorkspace:
    """Return one whose month takes two pages."""
    return make_workspace(1300)


def settings_of(emulator: ClockifyEmulator, **extra: Any) -> ClockifySettings:
    return ClockifySettings.from_fields(
        "first_account",
        password=emulator.api_key,
        host=emulator.url,
        extra={"workspace_id": emulator.workspace.id, "requests_per_second": 1000, **extra},
    )


def verdicts_of(emulator: ClockifyEmulator, *numbers: int) -> dict[int, str]:
    """Return the outcome of each assumption."""
    chosen = [BY_NUMBER[number] for number in numbers] or ASSUMPTIONS
    found = run(settings_of(emulator), chosen, now=NOW, say=lambda line: None)
    return {each.assumption.number: each.outcome for each in judge(found, chosen)}


def numbers_with(outcome: str, verdicts: dict[int, str]) -> set[int]:
    return {number for number, found in verdicts.items() if found == outcome}


READS = re.compile(
    r"GET /api/v1/.*|POST /report/v1/workspaces/\w+/reports/(detailed|summary|weekly|attendance|expenses/detailed)"
)


def test_everything_holds_in_few_requests_all_of_them_reads(start_emulator, workspace):
    emulator = start_emulator(workspace, now=NOW)
    before, began = workspace.version, time.monotonic()
    verdicts = verdicts_of(emulator)
    assert numbers_with("could not be tried", verdicts) == NEVER_TRIED
    assert numbers_with("holds", verdicts) == set(BY_NUMBER) - NEVER_TRIED
    assert len(emulator.requests) <= MOST_REQUESTS == 25
    asked = [f"{record.method} {record.path}" for record in emulator.requests]
    assert [call for call in asked if not READS.fullmatch(call)] == []
    assert workspace.version == before
    assert time.monotonic() - began < 30


def test_it_fits_the_hour_of_a_free_workspace(start_emulator):
    emulator = start_emulator(make_workspace(60, plan="FREE"), now=NOW, free_requests_per_hour=30)
    verdicts = verdicts_of(emulator)
    assert numbers_with("does not hold", verdicts) == set()
    assert 429 not in {record.status for record in emulator.requests}
    # CSV, attendance and expenses need another plan; 1,000 entries, or one over midnight, another month.
    assert numbers_with("could not be tried", verdicts) == NEVER_TRIED | {8, 18, 19, 32, 33, 34, 35, 46}


def test_an_empty_workspace_is_said_to_lack_what_it_lacks(start_emulator):
    workspace = EmulatedWorkspace()
    workspace.add_user("Ada", role="OWNER")
    emulator = start_emulator(workspace, now=NOW)
    chosen = ASSUMPTIONS
    found = run(settings_of(emulator), chosen, now=NOW, say=lambda line: None)
    verdicts = judge(found, chosen)
    assert {each.assumption.number for each in verdicts if each.outcome == "does not hold"} == set()
    lacking = [each.evidence for each in verdicts if each.outcome == "could not be tried"]
    assert len(lacking) > 30
    assert "The workspace has no time entries. Track some time." in lacking
    assert "No timer is running. Start one and run again." in lacking


# --- switches -------------------------------------------------------------------------------------------------------

Export = Literal[
    "exact",  # Ids, seconds and amounts are the truth.
    "refused",  # An error, and nothing published.
    "as reported",  # Rows are what the service reports. Nothing in its answer tells that this is not the truth.
]
# What conformance finds, and what a detailed export of a month of two pages does.
TABLE: dict[str, tuple[set[int], Export]] = {
    "sorted-by-id": ({1}, "exact"),
    "stable-pages": ({2}, "refused"),
    "entries-count": ({3}, "refused"),
    "total-time": ({4}, "refused"),
    "total-amounts": ({5}, "refused"),
    "breaks": ({4, 6}, "refused"),
    "running-timers": ({2, 3, 7, 8}, "refused"),
    "pages-of-1000": ({8}, "exact"),
    "page-too-large": ({9}, "exact"),
    "empty-report": ({7, 10}, "exact"),
    "zone-of-bounds": ({11, 13}, "refused"),
    "zone-of-groups": ({12}, "exact"),
    "inclusive-bounds": ({13}, "exact"),
    "milliseconds": ({14}, "exact"),
    "offsets": ({15}, "exact"),
    "unrounded-durations": ({16, 32}, "as reported"),
    "amount-of-a-row": ({17}, "exact"),
    "hundredths": ({18, 19, 45}, "as reported"),
    "hundredths-of-yen": ({19}, "as reported"),
    "users-filter": ({20}, "exact"),
    "people-who-left": ({21}, "as reported"),
    "custom-fields": ({22}, "exact"),
    "all-users": ({23}, "exact"),
    "lists-by-id": ({24}, "exact"),
    "last-page": ({25}, "exact"),
    "pages-of-5000": ({26}, "exact"),
    "hydrated": ({27}, "exact"),
    "entries-of-a-user": ({28}, "exact"),
    "summary-by-user": ({29}, "exact"),
    "mixed-currencies": ({30}, "exact"),
    "weekly": ({31}, "exact"),
    "attendance-seconds": ({32}, "exact"),
    "expense-hundredths": ({33}, "exact"),
    "expense-totals": ({34}, "exact"),
    "csv-pages": ({35}, "exact"),
    "feed-pages": ({36}, "exact"),
    "feed-bounds": ({37}, "exact"),
    "deleted-rows": ({38}, "exact"),
    "missing-project": ({39}, "exact"),
    "foreign-workspace": ({40}, "exact"),
    "long-ranges": ({41}, "exact"),
    "too-many-requests": ({43}, "exact"),
    "ids-of-creation": ({44}, "exact"),
    "rates-of-lists": ({45}, "exact"),
    "selected-by-start": ({14, 46}, "exact"),
}
NO_SWITCH = {"hosts"}  # An emulator is its own host.


def test_every_assumption_has_a_switch():
    assert set(TABLE) == set(SWITCHES)
    assert {each.name for each in ASSUMPTIONS} - set(SWITCHES) == NO_SWITCH
    own = {each.name: each.number for each in ASSUMPTIONS}
    assert [name for name, (numbers, _) in TABLE.items() if own[name] not in numbers] == []


@pytest.mark.parametrize("name", SWITCHES)
def test_conformance_notices_exactly_what_a_switch_concerns(start_emulator, workspace, name):
    emulator = start_emulator(workspace, now=NOW, switches=[name])
    verdicts = verdicts_of(emulator)
    assert numbers_with("does not hold", verdicts) == TABLE[name][0]
    assert len(emulator.requests) <= MOST_REQUESTS


def sums_of(rows: list[dict[str, Any]]) -> tuple[Decimal, dict[str, Decimal]]:
    money: dict[str, Decimal] = {}
    for row in rows:
        money[row["currency"]] = money.get(row["currency"], Decimal(0)) + Decimal(str(row["amount"] or 0))
    return sum((Decimal(row["timeInterval"]["duration"]) for row in rows), Decimal(0)), money


@pytest.mark.parametrize("name", SWITCHES)
def test_an_export_with_a_switch_is_exact_or_refused_and_never_wrong(
    start_emulator, client_of, large_workspace, export, rows_of, tmp_path, name
):
    emulator = start_emulator(large_workspace, now=NOW, switches=[name])
    path = tmp_path / "month.jsonl"
    truth = large_workspace.truth(MONTH.start, MONTH.end)
    try:
        export(client_of(emulator), MONTH, path)
    except ClockifyError:
        assert not path.exists()
        assert TABLE[name][1] == "refused"
        return
    rows = rows_of(path)
    seconds, money = sums_of(rows)
    ids = sorted(row["_id"] for row in rows)
    assert len(set(ids)) == len(ids)
    is_exact = (
        ids == sorted(truth.ids)
        and seconds == truth.seconds
        and all(abs(money[code] - Decimal(amount)) < 1 for code, amount in truth.amounts.items())
    )
    if TABLE[name][1] == "as reported":
        assert not is_exact
        # Nothing of it was made here: ids are true ones, and values those of the answer.
        assert set(ids) <= set(truth.ids)
    else:
        assert (is_exact, TABLE[name][1]) == (True, "exact")


def test_an_empty_window_that_counts_entries_is_refused(
    start_emulator, client_of, workspace, export, tmp_path
):
    emulator = start_emulator(workspace, now=NOW, switches=["empty-report"])
    quiet = Window(datetime(2001, 1, 1, tzinfo=UTC), datetime(2001, 1, 2, tzinfo=UTC))
    with pytest.raises(ClockifyError):
        export(client_of(emulator), quiet, tmp_path / "quiet.jsonl")
    assert list(tmp_path.iterdir()) == []
