# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What is tried with every catalog of Iceberg: nights, loads that are killed, several loads at once."""

from __future__ import annotations

import json
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from iceberg_catalogs import ENTRIES, catalog_of, load, pretend_older, rows_of_files
from killed_loads import kill_after, time_of
from table_entries import BEGIN, DAY, entry
from table_nights import COLUMNS

from airflow_provider_clockify.tables.iceberg.iceberg_catalog import IcebergCatalog
from airflow_provider_clockify.tables.iceberg.iceberg_schema import IcebergName
from airflow_provider_clockify.transfers.clockify_to_iceberg import ClockifyReportToIcebergOperator

SUPPORT = Path(__file__).parent
ROWS = 3000
CHILD = """
import json, sys
sys.path[:0] = [{support!r}]
from iceberg_catalogs import catalog_of, iceberg_load
from table_entries import entry
from airflow_provider_clockify.tables.iceberg.iceberg_replacing import load_iceberg
import airflow_provider_clockify.export.formats.parquet_files as files
files.arrow()
import pyiceberg.io.pyarrow
catalog = catalog_of(json.loads(sys.argv[1]))
read_at = int(sys.argv[2])
entries = [entry(n, n * 50 / {rows}, seconds=60 + read_at) for n in range({rows})]
load = iceberg_load(entries, 0, 50, read_at)
print("ready", flush=True)
load_iceberg(catalog, load)
print("done", flush=True)
"""


@dataclass
class KeptInCatalog:
    """Tables of a catalog, read back by DuckDB from their data files."""

    catalog: IcebergCatalog
    runs: dict[str, int] = field(default_factory=dict)
    workspace_id: str = ""

    def load(self, table: str, **parameters: Any) -> Any:
        task = ClockifyReportToIcebergOperator(
            task_id="load",
            iceberg_conn_id="target",
            table=f"clockify.{table}",
            require_admin=False,
            **parameters,
        )
        result = task.execute({})
        self.runs[table] = self.runs.get(table, 0) + 1
        self.workspace_id = result["workspace_id"]
        snapshots = self._table(table).metadata.snapshots
        told = [each.summary.additional_properties.get("clockify.load-id") for each in snapshots]
        assert len([each for each in told if each]) == self.runs[table], "one snapshot a run"
        assert told[-1] == result["load_id"]
        return result

    def held(self, table: str) -> dict[str, tuple[Any, ...]]:
        rows = rows_of_files(self._table(table), COLUMNS)
        found = {row[0]: row[1:] for row in rows}
        assert len(found) == len(rows), "an id is there twice"
        return found

    def pretend_older(self, table: str, before: datetime) -> None:
        pretend_older(self.catalog, IcebergName(("clockify",), table), self.workspace_id, before)

    def _table(self, table: str) -> Any:
        return self.catalog.opened().load_table(("clockify", table))


def command(connection: dict[str, Any], read_at: int) -> list[str]:
    code = CHILD.format(support=str(SUPPORT), rows=ROWS)
    return [sys.executable, "-c", code, json.dumps(connection), str(read_at)]


def state(connection: dict[str, Any]) -> tuple[set[int], int, int]:
    """Return the edits that the rows of the current snapshot have, their number, and how many loads it comes from."""
    catalog = catalog_of(connection)
    try:
        table = catalog.table(ENTRIES)
        assert table is not None
        found = rows_of_files(table, "duration_seconds, id")
        assert len({key for _, key in found}) == len(found)
        return {seconds - 60 for seconds, _ in found}, len(found), len(table.metadata.snapshots)
    finally:
        catalog.close()


def kill_loads(connection: dict[str, Any], kills: int, seed: int) -> tuple[int, int]:
    """Kill loads; return how many of them had taken effect, and how many had not."""
    chance = random.Random(seed)
    time_of(command(connection, 0))
    took = time_of(command(connection, 1))
    latest, snapshots, new = 1, 2, 0
    for number in range(2, kills + 2):
        kill_after(command(connection, number), chance.uniform(0, took * 1.2))
        edits, rows, there = state(connection)
        if edits == {number}:
            new, latest, snapshots = new + 1, number, snapshots + 1
        assert (edits, rows, there) == ({latest}, ROWS, snapshots)
    time_of(command(connection, kills + 2))
    assert state(connection) == ({kills + 2}, ROWS, snapshots + 1)
    return new, kills - new


def loads_at_once(connection: dict[str, Any], rounds: int, seed: int) -> int:
    """
    Let three loads run at once, again and again; compare with what the newest read of each day found.

    Entries move between the days of the three, so that each deletes rows of the others.
    """
    chance = random.Random(seed)
    opened = [catalog_of(connection) for _ in range(3)]
    load(opened[0], [entry(n, n % 12) for n in range(48)], 0, 12, 0)
    day_of = {n: n % 12 for n in range(48)}
    read_at = 0
    for _ in range(rounds):
        wanted = []
        for _ in range(3):
            first = chance.randrange(10)
            last = first + chance.randint(1, 12 - first)
            for n in chance.sample(sorted(day_of), 6):
                day_of[n] = chance.randrange(12)
            read_at += 1
            there = [entry(n, day + 0.5, text=str(read_at)) for n, day in sorted(day_of.items())]
            wanted.append((there, first, last, read_at))
        chance.shuffle(wanted)
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda each: load(each[0], *each[1]), zip(opened, wanted, strict=True)))
        table = opened[0].table(ENTRIES)
        assert table is not None
        held = {
            int(key[2:]): (int(day), text)
            for key, day, text in rows_of_files(
                table, "id, date_diff('day', TIMESTAMPTZ '2026-11-01 00:00:00+00', start), description"
            )
        }
        assert len(held) == len(rows_of_files(table, "id"))
        for number, newest in enumerate(newest_reads(wanted)):
            if newest is None:
                continue
            entries, _, _, at = newest
            read = {int(key[2:]): number for key, moment, *_ in entries if day_number(moment) == number}
            # What a still newer read has found on another day is there, or went with that.
            later = {
                int(key[2:])
                for others, first, last, other_at in wanted
                if other_at > at
                for key, moment, *_ in others
                if first <= day_number(moment) < last
            }
            there = {key for key, (day, _) in held.items() if day == number}
            assert there <= set(read)
            assert set(read) - later <= there
            assert all(held[key][1] == str(at) for key in there)
        # All days are read once more, as one load, so that the next round begins with the truth.
        read_at += 1
        load(opened[0], [entry(n, day + 0.5, text=str(read_at)) for n, day in day_of.items()], 0, 12, read_at)
        table = opened[0].table(ENTRIES)
        assert table is not None
        assert sorted(rows_of_files(table, "id")) == sorted((f"id{n}",) for n in day_of)
    snapshots = len(table.metadata.snapshots)
    for each in opened:
        each.close()
    return snapshots


def day_number(moment: Any) -> int:
    return int((moment - BEGIN) / DAY)


def newest_reads(wanted: list[Any]) -> list[Any]:
    """Return the newest read of each day; ``None`` where there is none."""
    return [
        max((each for each in wanted if each[1] <= day < each[2]), key=lambda each: each[3], default=None)
        for day in range(12)
    ]
