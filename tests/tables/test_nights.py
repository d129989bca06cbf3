# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Nights of a table: people create, edit, move and delete entries of any age, and rates change behind their backs.

After each night, the table is compared with what the emulated workspace holds, as computed from its data: in all
columns inside the look-back; with ``audit`` in time and money whatever the age; with ``follow_changes`` as well, in all
columns whatever the age. ``make test-tables`` does thirty nights and prints the table of results.
"""

from __future__ import annotations

import json
import random
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from table_databases import DRIVERS, rows_of

from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace
from airflow_provider_clockify.transfers._targets import TableTarget
from airflow_provider_clockify.transfers.clockify_to_sql import ClockifyReportToSqlOperator

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


def held(target: TableTarget, table: str) -> dict[str, tuple[Any, ...]]:
    """Return what a table holds."""
    with closing(target.connect()) as database:
        is_sqlite = database.dialect.name == "SQLite"
        text = database.dialect.instant_text
        columns = COLUMNS.replace(' start, "end"', f" {text.format('start')}, " + text.format('"end"'))
        found = rows_of(target.connect, f"SELECT {columns} FROM {table}") if is_sqlite else None
        if found is None:
            database.begin()
            found = database.query(f"SELECT {columns} FROM {table}")
            database.rollback()
    return {
        row[0]: (
            datetime.fromisoformat(row[1]),
            datetime.fromisoformat(row[2]),
            row[3],
            row[4],
            bool(row[5]),
            *row[6:11],
            Decimal(str(row[11])),
            Decimal(str(row[12])),
        )
        for row in found
    }


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


@pytest.fixture(params=["psycopg", "duckdb", "sqlite"])
def target(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TableTarget:
    kind = request.param
    if missing := [module for module in DRIVERS[kind] if find_spec(module) is None]:
        pytest.skip(f"this environment has no {', '.join(missing)}")
    if kind == "psycopg":
        pytest.importorskip("airflow.providers.postgres")
        server, database = request.getfixturevalue("postgres"), request.getfixturevalue("postgres_database")
        connection = {
            "conn_type": "postgres",
            "host": "127.0.0.1",
            "port": server.port,
            "login": "airflow",
            "schema": database,
        }
    else:
        pytest.importorskip(f"airflow.providers.{kind}")
        connection = {"conn_type": kind, "host": str(tmp_path / "nights")}
    monkeypatch.setenv("AIRFLOW_CONN_TARGET", json.dumps(connection))
    return TableTarget("target")


def load(table: str, today: datetime, **parameters: Any) -> Any:
    given = {
        "start": today.isoformat(),
        "end": (today + DAY).isoformat(),
        "lookback": f"P{LOOKBACK}D",
        **parameters,
    }
    task = ClockifyReportToSqlOperator(
        task_id="load", sql_conn_id="target", table=table, require_admin=False, **given
    )
    return task.execute({})


def nights(target: TableTarget, monkeypatch: pytest.MonkeyPatch, count: int, seed: int) -> list[str]:
    """Live through nights; return what was compared after each, or fail."""
    workspace = generate_workspace(users=4, entries=300, start=FIRST, end=TODAY, seed=seed)
    people = People(workspace, random.Random(seed))
    lines = []
    with ClockifyEmulator(workspace) as emulator:
        connection = emulator.connection_json(requests_per_second=1000, workspace_id=workspace.id)
        monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", connection)
        for name in VARIANTS:
            load(name, TODAY, start=FIRST.isoformat(), lookback=None)
            # As if it had been some time ago: the feeds show nothing of the last two minutes.
            with closing(target.connect()) as database:
                before = database.dialect.literal(datetime.now(UTC) - timedelta(minutes=10))
                database.begin()
                database.execute(
                    f"UPDATE {name}_loads SET read_at = {before}", f"UPDATE {name} SET _read_at = {before}"
                )
                database.commit()
        for night in range(1, count + 1):
            today = TODAY + night * DAY
            people.one_day_of_work(today)
            time.sleep(1.1)
            requests = []
            for name, parameters in VARIANTS.items():
                emulator.reset_log()
                load(name, today, **parameters)
                requests.append(len(emulator.requests))
            right = truth(workspace)
            window = today - LOOKBACK * DAY, today + DAY
            inside = {key for key, row in right.items() if window[0] <= row[0] < window[1]}
            for name in VARIANTS:
                there = held(target, name)
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


def test_the_table_is_right_after_each_of_some_nights(
    target: TableTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights(target, monkeypatch, 4, seed=7)


@pytest.mark.tables
def test_the_table_is_right_after_each_of_thirty_nights(
    target: TableTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    print("\n" + "\n".join([target.conn_type, *nights(target, monkeypatch, 30, seed=int(time.time()))]))
