# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Windows are replaced as a whole: by engines that know the dialect, and by DuckDB for those that none here knows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pytest
from recipe_text import rendered

from airflow_provider_clockify.columns.tables import ColumnType
from airflow_provider_clockify.tables.__main__ import shapes
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, generate_workspace

duckdb = pytest.importorskip("duckdb")
pq = pytest.importorskip("pyarrow.parquet")
sqlglot = pytest.importorskip("sqlglot")

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
KINDS = ["detailed", "expenses", "summary", "attendance", "weekly", "changes", "list:projects", "list:users"]
TYPES = {each.name: each.type for shape in shapes().values() for each in shape.columns}


class Engine(Protocol):
    """What runs scripts and queries."""

    def run(self, script: str) -> None: ...

    def rows(self, query: str) -> list[dict[str, Any]]: ...


class DuckDbEngine:
    """Runs scripts of DuckDB."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("CREATE SCHEMA shop")
        self.connection.execute("SET TimeZone = 'Pacific/Auckland'")

    def run(self, script: str) -> None:
        self.connection.execute(script)

    def rows(self, query: str) -> list[dict[str, Any]]:
        found = self.connection.execute(query)
        names = [each[0] for each in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


class TranslatedEngine(DuckDbEngine):
    """
    Runs the scripts of a warehouse after sqlglot has translated them for DuckDB.

    What reads files is left out, since it is what differs between warehouses: the stage is filled from the same files.
    """

    def __init__(self, dialect: str) -> None:
        super().__init__()
        self.dialect = dialect
        self.files: list[str] = []

    def run(self, script: str) -> None:
        for statement in sqlglot.parse(script, dialect=self.dialect):
            if statement is None or isinstance(statement, sqlglot.exp.Alter):
                continue
            if isinstance(statement, sqlglot.exp.Copy):
                continue
            if isinstance(statement, sqlglot.exp.Command):
                assert "DROP EXTERNAL TABLE" in statement.sql(dialect=self.dialect)
                continue
            if isinstance(statement, sqlglot.exp.Create):
                if statement.kind != "TABLE":
                    continue
                if statement.this.this.name.lower().endswith("_stage"):
                    self._fill(statement)
                    continue
                statement.set("properties", None)
                for each in statement.find_all(sqlglot.exp.ColumnDef):
                    each.set("constraints", [])
            if isinstance(statement, sqlglot.exp.Drop):
                continue
            self.connection.execute(plain(statement).sql(dialect="duckdb"))

    def _fill(self, statement: Any) -> None:
        name = statement.this.this.sql(dialect="duckdb")
        files = ", ".join(f"'{each}'" for each in self.files)
        values = ", ".join(map(self._value, statement.this.find_all(sqlglot.exp.ColumnDef)))
        self.connection.execute(
            f"CREATE OR REPLACE TABLE {name} AS SELECT {values} FROM read_parquet([{files}], "
            "hive_partitioning = false)"
        )

    def _value(self, column: Any) -> str:
        value = f'"{column.name.lower()}"'
        if (
            column.kind.this is sqlglot.exp.DType.TIMESTAMP
        ):  # Without a zone: what COPY makes of an instant is UTC.
            value += " AT TIME ZONE 'UTC'"
        return f'{value} AS "{column.name}"'


def plain(statement: Any) -> Any:
    """Replace what DuckDB has under other names, and types that it lacks."""
    exp = sqlglot.exp

    def one(node: Any) -> Any:
        if isinstance(node, exp.DataType):
            if node.this in (exp.DType.SUPER, exp.DType.VARIANT, exp.DType.OBJECT):
                return exp.DataType.build("JSON", dialect="duckdb")
            if node.this is exp.DType.ARRAY and not node.expressions:
                return exp.DataType.build("VARCHAR[]", dialect="duckdb")
            if node.this in (exp.DType.TIMESTAMPLTZ, exp.DType.TIMESTAMPTZ):
                return exp.DataType.build("TIMESTAMPTZ", dialect="duckdb")
        if isinstance(node, exp.ParseJSON):
            return exp.cast(node.this, "JSON")
        return node

    return statement.transform(one)


class ClickHouseEngine:
    """Runs scripts of ClickHouse by its engine in a process."""

    def __init__(self, folder: Path) -> None:
        from chdb.session import Session

        self.session = Session(str(folder))
        self.session.query("CREATE DATABASE shop ENGINE = Atomic")

    def run(self, script: str) -> None:
        for statement in script.split(";\n"):
            if any(line and not line.startswith("--") for line in statement.splitlines()):
                self.session.query(statement)

    def rows(self, query: str) -> list[dict[str, Any]]:
        settings = (
            "SETTINGS output_format_json_quote_decimals = 1, output_format_json_quote_64bit_integers = 0"
        )
        text = str(self.session.query(f"{query} {settings}", "JSONEachRow"))
        return [json.loads(line) for line in text.splitlines()]

    def close(self) -> None:
        self.session.close()


@pytest.fixture(params=["duckdb", "clickhouse", "snowflake", "redshift", "bigquery", "databricks"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    name = request.param
    if name == "duckdb":
        made: Any = DuckDbEngine()
    elif name == "clickhouse":
        pytest.importorskip("chdb")
        made = ClickHouseEngine(tmp_path / "clickhouse")
    else:
        made = TranslatedEngine(name)
    made.recipe = name
    yield made
    if name == "clickhouse":
        made.close()


@pytest.fixture
def load(engine: Any, folder: Callable[[str], Path]) -> Callable[..., None]:
    """Load the result of an export, and let the recipe's own check look at it."""

    def run(what: str, result: dict[str, Any], *, part: str = "load") -> None:
        arguments = (what, "--recipe", engine.recipe, "--location", str(folder(what)), "--schema", "shop")
        engine.files = result["paths"]
        script = rendered(result, *arguments, "--part", part)
        if part != "check":
            engine.run(script)
            return
        text = script[script.index("SELECT") :].strip().rstrip(";")
        if isinstance(engine, TranslatedEngine):
            text = plain(sqlglot.parse_one(text, dialect=engine.dialect)).sql(dialect="duckdb")
        (row,) = engine.rows(text)
        assert list(row.values()) in ([True], [1])

    return run


def ids(engine: Any, what: str = "detailed") -> list[str]:
    name = f'shop."clockify_{what}"' if engine.recipe != "clickhouse" else f"shop.clockify_{what}"
    return sorted(row.get("id", row.get("ID")) for row in engine.rows(f"SELECT id FROM {name}"))


@pytest.fixture
def workspace() -> EmulatedWorkspace:
    return generate_workspace(entries=300, start=START, end=START + 20 * DAY, expenses=30, outside_entries=0)


@pytest.fixture
def emulator(workspace: EmulatedWorkspace) -> Iterator[ClockifyEmulator]:
    with ClockifyEmulator(workspace) as running:
        yield running


def window(first: int, last: int) -> dict[str, str]:
    """Say the window of some days of November; the last is excluded."""
    return {"start": (START + (first - 1) * DAY).isoformat(), "end": (START + (last - 1) * DAY).isoformat()}


def test_late_edits_moves_and_deletions_are_in_the_table_after_the_next_load(
    engine: Any,
    load: Callable[..., None],
    export: Callable[..., dict[str, Any]],
    emulator: ClockifyEmulator,
    workspace: EmulatedWorkspace,
) -> None:
    load("detailed", export("detailed", emulator, **window(1, 21)), part="setup")
    whole = export("detailed", emulator, **window(1, 21))
    load("detailed", whole)
    load("detailed", whole, part="check")
    before = workspace.truth_ids(START, START + 20 * DAY)
    assert ids(engine) == sorted(before) != []

    of_day = {
        number: workspace.truth_ids(START + (number - 1) * DAY, START + number * DAY)
        for number in (3, 5, 12, 13)
    }
    edited, deleted, moved_out = of_day[12][:3]
    moved_in, deleted_before = of_day[3][0], of_day[5][0]
    end = datetime.fromtimestamp(workspace.entries[edited].end or 0, UTC)
    workspace.update_entry(edited, end=end + timedelta(minutes=7), description='it\'s "later"')
    workspace.delete_entry(deleted)
    workspace.delete_entry(deleted_before)
    for moved, to in ((moved_out, 4), (moved_in, 13)):
        length = workspace.entries[moved].seconds
        begin = START + (to - 1) * DAY + timedelta(hours=9)
        workspace.update_entry(moved, start=begin, end=begin + timedelta(seconds=length))
    # A day that nobody has worked on any more is a file without rows.
    for entry in of_day[13]:
        workspace.delete_entry(entry)

    week = export("detailed", emulator, **window(10, 17))
    load("detailed", week)
    load("detailed", week, part="check")
    gone = {deleted, *of_day[13], moved_out}
    assert ids(engine) == sorted({*before} - gone)  # What moved out is in no window that was loaded since.

    whole = export("detailed", emulator, **window(1, 21))
    load("detailed", whole)
    load("detailed", whole, part="check")
    assert ids(engine) == sorted(workspace.truth_ids(START, START + 20 * DAY))


def comparable(name: str, value: Any) -> Any:
    """Return a value as engines may write it differently: numbers, instants, JSON."""
    kind = TYPES[name]
    if value is None:
        return None
    if kind in (ColumnType.MONEY, ColumnType.HOURS):
        return Decimal(str(value))
    if kind is ColumnType.INSTANT:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    if kind is ColumnType.DAY:
        return str(value)
    if kind is ColumnType.JSON or (kind is ColumnType.TEXTS and isinstance(value, str)):
        return json.loads(value)
    if kind is ColumnType.NUMBER:
        return float(value)
    return value


def of_files(result: dict[str, Any], names: list[str]) -> list[tuple[Any, ...]]:
    rows = [row for path in result["paths"] for row in pq.ParquetFile(path).read().to_pylist()]
    return sorted((tuple(comparable(name, row[name]) for name in names) for row in rows), key=repr)


@pytest.mark.parametrize("what", KINDS)
def test_the_table_has_the_values_of_the_files_and_a_repeated_load_changes_nothing(
    what: str,
    engine: Any,
    load: Callable[..., None],
    export: Callable[..., dict[str, Any]],
    emulator: ClockifyEmulator,
    workspace: EmulatedWorkspace,
) -> None:
    shape = shapes()[what]
    if engine.recipe == "databricks" and shape.id is None and not shape.key:
        pytest.skip("sqlglot does not translate REPLACE WHERE")
    times = {} if ":" in what else window(2, 9) if what == "weekly" else window(1, 21)
    if what == "changes":
        now = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        for entry in list(workspace.entries)[:5]:
            workspace.update_entry(entry, at=now, description="changed")
        times = {
            "start": (now - timedelta(hours=1)).isoformat(),
            "end": (now + timedelta(minutes=5)).isoformat(),
        }
    result = export(what, emulator, **times)
    assert result["rows"]
    load(what, result, part="setup")
    names = [each.name for each in shape.columns]
    table = f"clockify_{what.rpartition(':')[2]}"
    quoted = [f"`{each}`" if engine.recipe == "clickhouse" else f'"{each}"' for each in names]
    for _ in range(2):
        load(what, result)
        load(what, result, part="check")
        rows = engine.rows(f"SELECT {', '.join(quoted)} FROM shop.{table}")
        found = [
            tuple(comparable(name, value) for name, value in zip(names, row.values(), strict=True))
            for row in rows
        ]
        assert sorted(found, key=repr) == of_files(result, names)


def test_other_workspaces_keep_their_rows(
    engine: Any, load: Callable[..., None], export: Callable[..., dict[str, Any]], emulator: ClockifyEmulator
) -> None:
    for what, times in (("detailed", window(1, 21)), ("list:tags", {}), ("summary", window(1, 21))):
        if engine.recipe == "databricks" and what != "detailed":
            continue
        result = export(what, emulator, **times)
        load(what, result, part="setup")
        # A workspace with the same rows: only the workspace tells them apart.
        load(what, {**result, "workspace_id": "another"})
        load(what, result)
        load(what, {**result, "rows": 0, "totals": {"seconds": 0}, "workspace_id": "none"}, part="check")
        found = engine.rows(
            f"SELECT _workspace_id AS w, count(*) AS n FROM shop.clockify_{what.rpartition(':')[2]} GROUP BY 1"
        )
        assert sorted(tuple(row.values()) for row in found) == sorted(
            [(result["workspace_id"], result["rows"]), ("another", result["rows"])]
        )


def test_the_check_of_a_recipe_sees_a_row_that_is_missing(
    engine: Any, load: Callable[..., None], export: Callable[..., dict[str, Any]], emulator: ClockifyEmulator
) -> None:
    result = export("detailed", emulator, **window(1, 21))
    load("detailed", result, part="setup")
    load("detailed", result)
    with pytest.raises(AssertionError):
        load("detailed", {**result, "rows": result["rows"] + 1}, part="check")
    with pytest.raises(AssertionError):
        load("detailed", {**result, "totals": {"seconds": result["totals"]["seconds"] + 1}}, part="check")
