# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What the command prints of recipes and of dbt's sources; `make test-recipes` parses and runs it."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.tables.__main__ import main, shapes
from airflow_provider_clockify.tables.ledger import LEDGER_COLUMNS
from airflow_provider_clockify.tables.recipes.dbt_sources import Source, dbt_sources
from airflow_provider_clockify.tables.recipes.known_recipes import RECIPES, recipe, statements
from airflow_provider_clockify.tables.recipes.warehouse import PARTS, Order, Replaced
from airflow_provider_clockify.tables.statements import TableName

ROOT = Path(__file__).parents[2]
LAKE = ("--location", "s3://lake/files")


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("recipe_pages")


def order(what: str = "detailed", location: str = "s3://lake/files", task: str = "export") -> Order:
    return Order(what, TableName("t"), shapes()[what], location, task)


def test_the_page_has_the_recipes_of_the_code(pages: ModuleType) -> None:
    """The message of a difference is: run ``make tables``."""
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    found = dict(re.findall(r"<!-- made:(\w+) -->\n(.*?)\n<!-- /made -->", text, re.S))
    assert found == pages.blocks()


def test_the_sources_of_the_dbt_project_are_those_of_the_code(pages: ModuleType) -> None:
    """The message of a difference is: run ``make tables``."""
    assert pages.SOURCES.read_text(encoding="utf-8") == pages.sources()


@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_says_first_what_was_tried(name: str) -> None:
    head = recipe(RECIPES[name], order()).split("\n\n")[0]
    assert all(line.startswith("-- ") for line in head.splitlines())
    runs_here = name in ("clickhouse", "duckdb")
    assert ("Not run against the warehouse." in head) is not runs_here
    assert ("-- Run on " in head) is runs_here


@pytest.mark.parametrize(
    ("what", "replaced"),
    [
        ("detailed", Replaced.WINDOW_AND_IDS),
        ("expenses", Replaced.WINDOW_AND_IDS),
        ("summary", Replaced.WINDOW),
        ("weekly", Replaced.WINDOW),
        ("attendance", Replaced.WINDOW),
        ("changes", Replaced.NOTHING),
        ("list:users", Replaced.LIST),
    ],
)
def test_what_a_load_replaces_follows_from_the_columns(what: str, replaced: Replaced) -> None:
    assert order(what).replaced is replaced


@pytest.mark.parametrize("what", ["detailed", "expenses", "summary", "changes", "list:tags"])
@pytest.mark.parametrize("name", RECIPES)
def test_one_part_is_printed_alone(name: str, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    for part in PARTS:
        assert main([what, "--recipe", name, *LAKE, "--part", part, "--task", "mine"]) == 0
        text = capsys.readouterr().out
        table = TableName(f"clockify_{what.rpartition(':')[2]}")
        made = statements(RECIPES[name], Order(what, table, shapes()[what], "s3://lake/files", "mine"), part)
        assert text.endswith(";\n\n".join(made) + ";\n") or (not made and text.startswith("-- "))
        assert ("task_ids='mine'" in text) is (part != "setup" and name != "snowflake-iceberg")
        assert bool(made) is not (name == "snowflake-iceberg" and part == "check")


@pytest.mark.parametrize(
    "text", ["", "s3://a'b", "s3://{{ x }}", 's3://a"b', "s3://a\nb", "s3://a\\b", "s3://a%b"]
)
def test_a_location_that_would_end_a_literal_or_begin_a_template_is_refused(text: str) -> None:
    with pytest.raises(ClockifyConfigError, match="location"):
        order(location=text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["detailed", "--recipe", "snowflake"], "needs --location"),
        (["detailed", "--location", "s3://x"], "belong to a --recipe"),
        (["detailed", "--part", "load"], "belong to a --recipe"),
        (["detailed", "list:users", "--table", "t"], "write WHAT=TABLE"),
        (["nothing"], "'nothing' is none of attendance, changes, detailed"),
        (["detailed", "--recipe", "oracle", *LAKE], "invalid choice"),
        (["detailed=a.b", "--recipe", "dbt"], "give the schema by the parameter schema"),
        (["detailed", "--recipe", "snowflake", "--location", "a'b"], "it must not be empty, nor have quotes"),
    ],
)
def test_wrong_arguments_are_refused_by_name(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_several_tables_are_printed_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detailed=entries", "list:users"]) == 0
    tables = re.findall(r'CREATE TABLE "(\w+)"', capsys.readouterr().out)
    assert tables == ["entries", "entries_loads", "clockify_users", "clockify_users_loads"]


@pytest.mark.parametrize("what", sorted(shapes()))
def test_sources_of_dbt_have_the_columns_descriptions_and_keys_of_the_table(what: str) -> None:
    shape = shapes()[what]
    (source,) = yaml.safe_load(dbt_sources([Source('a "report": x', TableName("t", "s"), shape)]))["sources"]
    table, ledger = source["tables"]
    assert (source["schema"], table["name"], ledger["name"]) == ("s", "t", "t_loads")
    for made, columns in ((table, shape.all_columns), (ledger, LEDGER_COLUMNS)):
        assert [(each["name"], each["description"]) for each in made["columns"]] == [
            (each.name, each.description) for each in columns
        ]
    never_empty = {each["name"] for each in table["columns"] if "not_null" in each.get("data_tests", ())}
    assert {"_workspace_id", "_read_at", *shape.key} <= never_empty
    if shape.key:
        (test,) = table["data_tests"]
        assert test["unique_together"]["arguments"]["columns"] == ["_workspace_id", *shape.key]
    assert ledger["config"]["loaded_at_field"] == "loaded_at"


def test_the_page_names_the_hours_after_which_a_load_is_old() -> None:
    text = (ROOT / "docs" / "finance-mart.md").read_text(encoding="utf-8")
    found = yaml.safe_load(dbt_sources([Source("x", TableName("t"), shapes()["detailed"])]))
    freshness = found["sources"][0]["tables"][1]["config"]["freshness"]
    hours = [freshness[each]["count"] for each in ("error_after", "warn_after")]
    assert f"older than {hours[0]} hours, and with a warning one older than {hours[1]}" in text
