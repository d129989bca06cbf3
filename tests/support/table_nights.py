# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Nights of a table: people create, edit, move and delete entries of any age, and rates change behind their backs.

After each night, the table is compared with what the emulated workspace holds, as computed from its data: in all
columns inside the look-back; with ``audit`` in time and money whatever the age; with ``follow_changes`` as well, in all
columns whatever the age.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import pytest

from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace

DAY = timedelta(days=1)
FIRST = datetime(2026, 8, 1, tzinfo=UTC)
TODAY = datetime(2026, 10, 1, tzinfo=UTC)
LOOKBACK = 3
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "audited": {"audit": "P366D"},
    "followed": {"audit": "P366D", "follow_changes": True},
}
COLUMNS = (
    'id, start, "end", duration_seconds, description, billable, user_id, project_id, project_name, task_id, currency, '
    "amount, rate"
)


class Kept(Protocol):
    """A place of tables that are loaded every night."""

    def load(self, table: str, **parameters: Any) -> Any:
        """Load a table, by the parameters of the operator."""

    def held(self, table: str) -> dict[str, tuple[Any, ...]]:
        """Return what a table holds, by id, in the columns that are compared."""

    def pretend_older(self, table: str, before: datetime) -> None:
        """Make it look as if all that is loaded had been read at another time."""


def truth(workspace: Any) -> dict[str, tuple[Any, ...]]:
    """Return what a row must hold of each finished entry, from the workspace's own data."""
    found = {}
    for each in workspace.entries.values():
        if each.end is None:
            continue
        seconds = each.end - each.start
        project = workspace.projects.get(each.project_id)
        amount = Decimal(seconds * each.hourly_rate if each.billable else 0) / 3600 / 100
        found[each.id] = (
            datetime.fromtimestamp(each.start, UTC),
            datetime.fromtimestamp(each.end, UTC),
            seconds,
            each.description,
            each.billable,
            each.user_id,
            each.project_id,
            project.name if project else None,
            each.task_id,
            each.currency,
            round(amount, 8),
            Decimal(each.hourly_rate) / 100,
        )
    return found


def by_day(rows: dict[str, tuple[Any, ...]]) -> dict[Any, Any]:
    """Return seconds and amounts per day and currency; amounts to the tenth of a cent, as rows are rounded."""
    found: dict[Any, list[Any]] = {}
    for row in rows.values():
        sums = found.setdefault((row[0].date(), row[9]), [0, Decimal(0)])
        sums[0] += row[2]
        sums[1] += row[10]
    return {key: (seconds, round(money, 3)) for key, (seconds, money) in found.items() if seconds or money}


@dataclass
class People:
    """Who edits the workspace, by chance."""

    workspace: Any
    chance: random.Random

    def one_day_of_work(self, today: datetime) -> None:
        """Do what people do: most of it today, some of it to what is old."""
        chance, workspace = self.chance, self.workspace
        # The feeds show what is older than two minutes; the last night has asked until then.
        at = datetime.now(UTC) - timedelta(seconds=120)
        users, projects = list(workspace.users), [None, *workspace.projects]
        for _ in range(6):
            start = today + timedelta(minutes=chance.randrange(1440))
            workspace.add_entry(
                start=start,
                end=start + timedelta(minutes=chance.randrange(1, 300)),
                user_id=chance.choice(users),
                project_id=chance.choice(projects),
                description=f"new of {today.date()}",
                billable=chance.random() < 0.7,
                at=at,
            )
        for number in range(8):
            each = chance.choice(list(workspace.entries.values()))
            if each.end is None:
                continue
            start = datetime.fromtimestamp(each.start, UTC)
            length = timedelta(seconds=each.end - each.start)
            if number < 2:
                workspace.update_entry(each.id, at=at, description=f"edited on {today.date()}")
            elif number < 4:
                workspace.update_entry(each.id, at=at, end=start + length + timedelta(minutes=7))
            elif number < 6:  # To another day: from old to new, from new to old, out of the look-back.
                to = FIRST + chance.randrange((today - FIRST).days + 1) * DAY + timedelta(hours=9)
                workspace.update_entry(each.id, at=at, start=to, end=to + length)
            else:
                workspace.delete_entry(each.id, at=at)
        if chance.random() < 0.4:  # A day is emptied.
            day = (FIRST + chance.randrange((today - FIRST).days + 1) * DAY).date()
            for each in list(workspace.entries.values()):
                if datetime.fromtimestamp(each.start, UTC).date() == day:
                    workspace.delete_entry(each.id, at=at)
        # A rate changes back to the beginning, and no feed tells it. (Of what is not billable it changes no money, so
        # that nobody can see it there.)
        if chance.random() < 0.4:
            project, rate = chance.choice(list(workspace.projects)), chance.randrange(5000, 20000, 100)
            for each in list(workspace.entries.values()):
                if each.project_id == project and each.billable:
                    workspace.update_entry(
                        each.id, at=datetime.fromtimestamp(each.updated_at, UTC), hourly_rate=rate
                    )


def edit_long_ago(workspace: Any, start: datetime) -> None:
    """Delete an entry of the fourth day, and make one of the sixth longer: long before any look-back."""
    deleted, edited = (workspace.truth_ids(start + age * DAY, start + (age + 1) * DAY)[0] for age in (3, 5))
    workspace.delete_entry(deleted)
    end = datetime.fromtimestamp(workspace.entries[edited].end, UTC)
    workspace.update_entry(edited, end=end + timedelta(minutes=5))


def load(kept: Kept, table: str, today: datetime, **parameters: Any) -> Any:
    """Load a night of a table."""
    given = {
        "start": today.isoformat(),
        "end": (today + DAY).isoformat(),
        "lookback": f"P{LOOKBACK}D",
        **parameters,
    }
    return kept.load(table, **given)


def nights(kept: Kept, monkeypatch: pytest.MonkeyPatch, count: int, seed: int) -> list[str]:
    """Live through nights; return what was compared after each, or fail."""
    workspace = generate_workspace(users=4, entries=300, start=FIRST, end=TODAY, seed=seed)
    people = People(workspace, random.Random(seed))
    lines = []
    with ClockifyEmulator(workspace) as emulator:
        connection = emulator.connection_json(requests_per_second=1000, workspace_id=workspace.id)
        monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", connection)
        for name in VARIANTS:
            load(kept, name, TODAY, start=FIRST.isoformat(), lookback=None)
            # As if it had been some time ago: the feeds show nothing of the last two minutes.
            kept.pretend_older(name, datetime.now(UTC) - timedelta(minutes=10))
        for night in range(1, count + 1):
            today = TODAY + night * DAY
            people.one_day_of_work(today)
            time.sleep(1.1)
            requests = []
            for name, parameters in VARIANTS.items():
                emulator.reset_log()
                load(kept, name, today, **parameters)
                requests.append(len(emulator.requests))
            right = truth(workspace)
            window = today - LOOKBACK * DAY, today + DAY
            inside = {key for key, row in right.items() if window[0] <= row[0] < window[1]}
            for name in VARIANTS:
                there = kept.held(name)
                assert {k: r for k, r in there.items() if window[0] <= r[0] < window[1]} == {
                    key: right[key] for key in inside
                }, (night, name)
                if name != "plain":
                    assert by_day(there) == by_day(right), (night, name)
                if name == "followed":
                    assert there == right, night
            lines.append(
                f"night {night:2}: {len(inside):3} rows inside, {len(right):3} in all; requests: "
                + ", ".join(f"{name} {spent}" for name, spent in zip(VARIANTS, requests, strict=True))
            )
    return lines
