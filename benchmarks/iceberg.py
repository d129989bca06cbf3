# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Load rows into an Iceberg table: a SQL catalog on SQLite, data files in a folder.

The rows lie in a file before the clock starts, so that no service is measured. Each load is a process of its own: first
into an empty table, then the same rows again into the full one, then one day of it. Ends with 1 if a target is missed
or the table is not what was loaded.

    python benchmarks/iceberg.py [--rows 200000] [--turns 2] [--profile]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "benchmarks" / "pipeline")]

from tables import MONTH, multiplied, read_at, sample, show  # noqa: E402
from usage import Stopwatch, peak_mb, report, specification  # noqa: E402

TARGET_RATE, TARGET_MB = 60_000, 150
NAME = "bench.entries"


def catalog_of(folder: str) -> Any:
    """Return the catalog of a folder."""
    from pyiceberg.catalog import load_catalog

    from airflow_provider_clockify.tables.iceberg.iceberg_catalog import IcebergCatalog

    opened = load_catalog(
        "bench", type="sql", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse"
    )
    return IcebergCatalog("bench", lambda: opened)


def job() -> None:
    """Load what the specification names, and report what it cost."""
    given = specification()
    from airflow_provider_clockify.columns.detailed_columns import DETAILED
    from airflow_provider_clockify.export.formats.parquet_files import arrow
    from airflow_provider_clockify.tables.iceberg.iceberg_replacing import IcebergLoad, load_iceberg
    from airflow_provider_clockify.tables.iceberg.iceberg_schema import IcebergName
    from airflow_provider_clockify.tables.ledger import Sums
    from airflow_provider_clockify.tables.replacing import Part
    from airflow_provider_clockify.tables.statements import Shape
    from airflow_provider_clockify.transfers._reading import rows_of_file
    from airflow_provider_clockify.window import Window

    arrow()
    import pyiceberg.io.pyarrow  # noqa: F401

    catalog = catalog_of(given["folder"])
    catalog.table(IcebergName.of(NAME))
    rows = partial(rows_of_file, Path(given["raw"]), DETAILED)
    sums = given.get("sums")
    part = Part(
        Window(*map(datetime.fromisoformat, given["window"])),
        datetime.fromisoformat(given["read_at"]),
        rows,
        sums
        and Sums(
            given["rows"],
            Decimal(sums["seconds"]),
            {code: Decimal(text) for code, text in sums["amounts"].items()},
        ),
        arrays=rows,
    )
    shape = Shape.of(DETAILED.columns, position="start", id_column="id")
    # The peak until now was that of importing.
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    before, watch = peak_mb(), Stopwatch()
    load_iceberg(catalog, IcebergLoad(IcebergName.of(NAME), shape, "w", given["read_at"], [part]))
    report(**watch.read(), above=round(peak_mb() - before, 1))


def run(folder: Path, step: dict[str, Any], *, profile: bool) -> dict[str, float]:
    """Load in a process, and return what it reported."""
    given, told = folder / "given", folder / "told"
    given.write_text(json.dumps(step), encoding="utf-8")
    command = [sys.executable, *(["-m", "cProfile", "-s", "tottime"] if profile else []), __file__]
    subprocess.run(
        [*command, str(given), str(told)],
        env={**os.environ, "BENCH_ICEBERG_JOB": "1"},
        stdout=None if profile else subprocess.DEVNULL,
        check=True,
    )
    return dict(json.loads(told.read_text(encoding="utf-8")))


def one_day(raw: Path, folder: Path) -> dict[str, Any]:
    """Write the rows of the tenth day into a file, and return the step that loads them."""
    begin = MONTH[0] + timedelta(days=9)
    prefix = f'"start":"{begin:%Y-%m-%d}T'.encode()
    lines = [
        line
        for line in raw.read_bytes().splitlines(keepends=True)
        if prefix in line.replace(b'"start": "', b'"start":"')
    ]
    (folder / "day.raw").write_bytes(b"".join(lines))
    window = [begin.isoformat(), (begin + timedelta(days=1)).isoformat()]
    return {"raw": str(folder / "day.raw"), "rows": len(lines), "window": window}


def main() -> int:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000, help="rows of a month")
    parser.add_argument("--turns", type=int, default=2, help="how often; the fastest counts")
    parser.add_argument("--profile", action="store_true", help="print cProfile's figures of each load")
    options = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="clockify-iceberg-"))
    os.environ.update(AIRFLOW_HOME=str(base / "airflow"), AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR")
    fastest: dict[str, dict[str, float]] = {}
    rows_of: dict[str, int] = {}
    try:
        bench: Any = SimpleNamespace(folder=base, options=SimpleNamespace(only=()))
        month = multiplied(bench, sample(base), options.rows)
        day = one_day(Path(month["raw"]), base)
        print(f"{options.rows:,} rows of 30 columns into an Iceberg table, partitioned by month")
        for turn in range(1, options.turns + 1):
            folder = base / str(turn)
            folder.mkdir()
            for number, (what, step) in enumerate(
                (("empty table", month), ("full table", month), ("one day of it", day))
            ):
                step = {**step, "folder": str(folder), "read_at": read_at(number)}
                costs = run(base, step, profile=options.profile)
                show(f"turn {turn}", "clockify", what, step["rows"], costs)
                rows_of[what] = step["rows"]
                if what not in fastest or costs["wall"] < fastest[what]["wall"]:
                    fastest[what] = costs
            table = catalog_of(str(folder)).opened().load_table(NAME)
            held = table.scan(selected_fields=("duration_seconds",)).to_arrow()
            if (held.num_rows, str(sum(held["duration_seconds"].to_pylist()))) != (
                options.rows,
                month["sums"]["seconds"],
            ):
                raise RuntimeError(f"{held.num_rows:,} rows are in the table")
            files = table.inspect.files().num_rows
            print(f"         {len(table.metadata.snapshots)} snapshots, {files} data files at the end")
    finally:
        shutil.rmtree(base, ignore_errors=True)
    for what, costs in fastest.items():
        show("fastest", "clockify", what, rows_of[what], costs)
    missed = [
        costs
        for what, costs in fastest.items()
        if costs["above"] > TARGET_MB
        or (what != "one day of it" and options.rows / costs["wall"] < TARGET_RATE)
    ]
    if missed:
        print(f"\nMissed: at least {TARGET_RATE:,} rows/s, at most {TARGET_MB} MB above the start.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(job() if os.environ.get("BENCH_ICEBERG_JOB") else main())
