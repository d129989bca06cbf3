# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Each recipe is a script of its dialect, and its table has our columns, types and descriptions, in order."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest
from recipe_text import rendered

from airflow_provider_clockify.columns.tables import Column, ColumnType
from airflow_provider_clockify.tables.__main__ import shapes
from airflow_provider_clockify.tables.recipes.known_recipes import RECIPES

sqlglot = pytest.importorskip("sqlglot")
exp = sqlglot.exp

DIALECTS = {name: name.partition("-")[0] for name in RECIPES}
LAKE = "s3://lake/clockify/files"
RESULT = {
    "paths": [f"s3://aws_default@lake/clockify/files/dt=2026-11-0{day}/x.parquet" for day in (1, 2)],
    "rows": 3,
    "totals": {"seconds": 5},
    "workspace_id": "w",
    "timezone": "Europe/Berlin",
    "window_start": "2026-10-31T23:00:00Z",
    "window_end": "2026-11-02T23:00:00Z",
}
OF_A_LIST = {
    **RESULT,
    "paths": ["s3://aws_default@lake/clockify/files/x.parquet"],
    "timezone": None,
    "window_start": None,
    "window_end": None,
}
# What sqlglot only takes as words: beginnings of statements.
ONLY_WORDS = {
    "bigquery": ("DROP EXTERNAL TABLE ",),
    "clickhouse": ("ALTER TABLE ", "EXCHANGE TABLES "),
    "snowflake-iceberg": ("ALTER ICEBERG TABLE ",),
}
# Our types, as sqlglot names those of a dialect.
MEANT: Mapping[ColumnType, set[str]] = {
    ColumnType.TEXT: {"TEXT", "VARCHAR", "VARCHAR(65535)"},
    ColumnType.FLAG: {"BOOLEAN"},
    ColumnType.WHOLE: {"BIGINT", "DECIMAL(19, 0)"},
    ColumnType.NUMBER: {"DOUBLE"},
    ColumnType.INSTANT: {"TIMESTAMPTZ", "TIMESTAMPLTZ(6)", "DATETIME64(6, 'UTC')"},
    ColumnType.DAY: {"DATE", "DATE32"},
    ColumnType.MONEY: {"DECIMAL(18, 8)"},
    ColumnType.SECONDS: {"BIGINT", "DECIMAL(19, 0)"},
    ColumnType.HOURS: {"DECIMAL(18, 6)"},
    ColumnType.TEXTS: {"ARRAY", "ARRAY<TEXT>", "SUPER", "ARRAY<NULLABLE(TEXT)>"},
    ColumnType.JSON: {"JSON", "VARIANT", "SUPER", "TEXT"},
}
LOADED = ("_workspace_id", "_loaded_at", "_run_id")


def script(name: str, what: str, part: str) -> str:
    result = OF_A_LIST if ":" in what else RESULT
    arguments = (what, "--recipe", name, "--location", LAKE, "--schema", "shop", "--part", part)
    return rendered(result, *arguments)


def parsed(name: str, what: str, part: str) -> list[Any]:
    found = sqlglot.parse(script(name, what, part), dialect=DIALECTS[name])
    return [each for each in found if each is not None]


@pytest.fixture(autouse=True)
def quiet_parser(caplog: pytest.LogCaptureFixture) -> None:
    """It warns of what it takes as words only; the test looks for that itself."""
    caplog.set_level(logging.ERROR, logger="sqlglot")


@pytest.mark.parametrize("part", ["setup", "load", "check"])
@pytest.mark.parametrize("what", sorted(shapes()))
@pytest.mark.parametrize("name", RECIPES)
def test_every_statement_is_one_of_the_dialect(name: str, what: str, part: str) -> None:
    statements = parsed(name, what, part)
    assert statements or (name, part) == ("snowflake-iceberg", "check")
    words = [
        each.sql(dialect=DIALECTS[name], comments=False).lstrip()
        for each in statements
        if isinstance(each, exp.Command)
    ]
    assert [each for each in words if not each.startswith(ONLY_WORDS.get(name, ()))] == []


def columns_of(what: str) -> tuple[Column, ...]:
    return shapes()[what].columns


def comments_of(name: str, what: str) -> dict[str, str]:
    """Return what a database would know of the columns."""
    found: dict[str, str] = {}
    for statement in parsed(name, what, "setup"):
        if isinstance(statement, exp.Comment):
            found[statement.this.name.lower()] = statement.expression.name
        for each in statement.find_all(exp.ColumnDef):
            for of in each.constraints:
                if isinstance(of.kind, exp.CommentColumnConstraint):
                    found[each.name.lower()] = of.kind.this.name
                if isinstance(of.kind, exp.Properties):  # OPTIONS (description = …)
                    (given,) = of.kind.expressions
                    found[each.name.lower()] = given.args["value"].name
    return found


@pytest.mark.parametrize("what", sorted(shapes()))
@pytest.mark.parametrize("name", [each for each in RECIPES if each != "snowflake-iceberg"])
def test_the_table_has_our_columns_types_and_descriptions_in_order(name: str, what: str) -> None:
    create = next(each for each in parsed(name, what, "setup") if isinstance(each, exp.Create))
    made = list(create.this.find_all(exp.ColumnDef))
    wanted = columns_of(what)
    snapshot = ("snapshot_at",) if ":" in what else ()
    assert [each.name.lower() for each in made] == [*(each.name for each in wanted), *snapshot, *LOADED]
    for column, has in zip(wanted, made, strict=False):
        kind = has.kind.copy()
        if name == "clickhouse":
            kind.set("nullable", None)
        assert kind.sql().removesuffix(" NULL") in MEANT[column.type], (column.name, kind.sql())
    comments = comments_of(name, what)
    assert {each.name: comments[each.name] for each in wanted} == {
        each.name: each.description for each in wanted
    }
    assert set(LOADED) <= set(comments)


@pytest.mark.parametrize("what", sorted(shapes()))
def test_the_view_of_an_iceberg_table_has_our_columns_and_descriptions(what: str) -> None:
    table, view = parsed("snowflake-iceberg", what, "setup")
    assert table.this.name == f"CLOCKIFY_{what.rpartition(':')[2].upper()}_ICEBERG"
    names = [each.name.lower() for each in shapes()[what].all_columns]
    assert [each.alias_or_name.lower() for each in view.this.expressions] == names
    shown = [each.find(exp.Column).name.lower() for each in view.expression.expressions]
    assert shown == names
    for column, value in zip(columns_of(what), view.expression.expressions, strict=False):
        if column.type is ColumnType.JSON:
            assert isinstance(value, exp.ParseJSON)
        else:
            assert value.to.sql() in MEANT[column.type]


@pytest.mark.parametrize("name", [each for each in RECIPES if each != "snowflake-iceberg"])
@pytest.mark.parametrize("what", sorted(shapes()))
def test_a_load_reads_the_published_files_and_no_others_and_names_no_connection(name: str, what: str) -> None:
    text = script(name, what, "load")
    result = OF_A_LIST if ":" in what else RESULT
    names = [path.rpartition("clockify/files/")[2] for path in result["paths"]]  # type: ignore[attr-defined]
    assert [text.count(each) for each in names] == [1] * len(names)
    assert "aws_default" not in text
    assert "*" not in text


@pytest.mark.parametrize("name", [each for each in RECIPES if each != "snowflake-iceberg"])
def test_days_of_the_window_are_those_of_the_zone(name: str) -> None:
    """What begins at 23:00 UTC is the next day in Berlin, and every recipe leaves that to the warehouse."""
    assert "'Europe/Berlin'" in script(name, "expenses", "load")
    assert "Berlin" not in script(name, "detailed", "load")
