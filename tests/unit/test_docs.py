# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The documentation says what the code does, where a test can tell."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest

from airflow_provider_clockify.columns.detailed_columns import DETAILED_COLUMNS
from airflow_provider_clockify.columns.list_columns import CHANGES, PARENTS, TABLES, snapshot_table
from airflow_provider_clockify.columns.report_columns import (
    ATTENDANCE,
    EXPENSES,
    SUMMARY_COLUMNS,
    WEEKLY_COLUMNS,
)
from airflow_provider_clockify.columns.tables import Column
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.operators import entities as entity_operators
from airflow_provider_clockify.operators import reports as report_operators
from airflow_provider_clockify.operators import time_entries as time_entry_operators
from airflow_provider_clockify.sensors.time_entries import ClockifyApprovalSensor, ClockifyTimeEntrySensor
from airflow_provider_clockify.service.lists import LISTS
from airflow_provider_clockify.testing.__main__ import _parser as emulator_parser
from airflow_provider_clockify.transfers import clockify_to_iceberg
from airflow_provider_clockify.transfers import clockify_to_sql as transfers
from airflow_provider_clockify.triggers.time_entries import ClockifyTimeEntryEventTrigger

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
NOW = datetime(2026, 11, 4, tzinfo=UTC)

COLUMNS: Mapping[str, Sequence[Column]] = {
    "detailed": DETAILED_COLUMNS,
    "summary": SUMMARY_COLUMNS,
    "weekly": WEEKLY_COLUMNS,
    "attendance": ATTENDANCE.columns,
    # The list of the same name is another table, of the page on entities.
    "expenses": EXPENSES.columns,
    "changes": CHANGES.columns,
}
ENTITY_COLUMNS = {name: snapshot_table(table, NOW).columns for name, table in TABLES.items()}
OPERATOR_MODULES = (entity_operators, report_operators, time_entry_operators)
OPERATORS = sorted(
    name
    for module in OPERATOR_MODULES
    for name, found in vars(module).items()
    if inspect.isclass(found) and found.__module__ == module.__name__ and name != "ClockifyReportOperator"
)
# What Airflow asks of a hook, and what only the operators use.
HOOK_PLUMBING = {
    "get_connection_form_widgets",
    "get_ui_field_behaviour",
}
HOOK_METHODS = sorted(
    name
    for name, found in vars(ClockifyHook).items()
    if not name.startswith("_") and inspect.isfunction(found) and name not in HOOK_PLUMBING
)


def doc(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def table(columns: Sequence[Column]) -> list[str]:
    rows = [f"| {each.name} | {each.type} | {each.description} |" for each in columns]
    return ["| name | type | description |", "|---|---|---|", *rows]


def documented(page: str) -> dict[str, list[str]]:
    found = re.findall(r"<!-- columns:(\w+) -->\n(.*?)<!-- /columns -->", doc(page), re.S)
    assert len(dict(found)) == len(found), "a table is there twice"
    return {name: text.splitlines() for name, text in found}


@pytest.mark.parametrize(
    ("page", "tables"), [("output.md", COLUMNS), ("entities.md", ENTITY_COLUMNS)], ids=["reports", "entities"]
)
def test_the_column_tables_are_the_codes(page: str, tables: Mapping[str, Sequence[Column]]) -> None:
    assert documented(page) == {name: table(columns) for name, columns in tables.items()}


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_has_a_section_where_its_docstring_points(operator: str) -> None:
    assert f'<a id="howto/operator:{operator}"></a>\n\n## {operator}\n' in doc("operators.md")


def parameters(shown: type) -> dict[str, inspect.Parameter]:
    """Return the parameters that this package adds to Airflow's, by the constructors of a class and its bases."""
    ours = [each for each in shown.__mro__ if each.__module__.startswith("airflow_provider_clockify.")]
    constructors = [vars(each)["__init__"] for each in ours if "__init__" in vars(each)]
    return {
        name: parameter
        for constructor in constructors
        for name, parameter in inspect.signature(constructor).parameters.items()
        if name not in ("self", "args", "kwargs")
    }


SHOWN_CLASSES = [
    *(
        ("operators.md", getattr(module, name))
        for module in OPERATOR_MODULES
        for name in OPERATORS
        if hasattr(module, name)
    ),
    *(("tables.md", getattr(transfers, name)) for name in transfers.__all__),
    *(("iceberg.md", getattr(clockify_to_iceberg, name)) for name in clockify_to_iceberg.__all__),
    ("sensors.md", ClockifyTimeEntrySensor),
    ("sensors.md", ClockifyApprovalSensor),
    ("events.md", ClockifyTimeEntryEventTrigger),
]


@pytest.mark.parametrize(("page", "shown"), SHOWN_CLASSES, ids=lambda each: getattr(each, "__name__", each))
def test_every_parameter_is_on_its_page(page: str, shown: type) -> None:
    assert {name for name in parameters(shown) if f"`{name}`" not in doc(page)} == set()


def test_the_shared_parameters_have_the_defaults_of_the_code() -> None:
    rows = re.findall(
        r"^\| `(\w+)`(?: T)? \| `([^`]+)` \|", doc("operators.md").split("\n### The button")[0], re.M
    )
    found = parameters(report_operators.ClockifyDetailedReportOperator)
    assert len(rows) >= 9
    assert {name: ast.literal_eval(default) for name, default in rows} == {
        name: found[name].default for name, _ in rows
    }


def test_the_options_of_the_emulator_are_those_on_its_page() -> None:
    shown = set(re.findall(r"--[a-z][a-z-]+", doc("testing.md")))
    there = {option for action in emulator_parser()._actions for option in action.option_strings}
    assert shown - there == set()


def hook_rows() -> dict[str, list[str]]:
    rows = re.findall(r"^\| `(\w+)(?:\([^`]*)?` \|(.*)\|$", doc("hook.md"), re.M)
    return {name: [cell.strip() for cell in cells.split(" | ")] for name, cells in rows}


def test_every_method_of_the_hook_is_in_its_table() -> None:
    assert sorted(hook_rows()) == HOOK_METHODS


@pytest.mark.parametrize("name", sorted(LISTS))
def test_the_table_of_the_hook_has_the_operations_and_page_sizes_of_the_lists(name: str) -> None:
    resource = LISTS[name]
    operation, page_size = hook_rows()[f"iter_{name}"][:2]
    assert f"`{resource.operation}`" in operation.split(", ")
    sizes = [size for size in (resource.page_size, *resource.smaller_pages.values()) if size]
    assert [int(size.replace(",", "")) for size in re.findall(r"[\d,]*\d", page_size)] == sizes
    assert bool(sizes) is not (page_size == "none")


def test_the_page_on_entities_names_the_lists_that_need_one_request_per_parent() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", doc("entities.md"), re.M)
    assert dict(rows) == {name: parents for name, (parents, _) in PARENTS.items()}


def test_every_region_of_the_examples_is_shown_somewhere() -> None:
    shown = {(file, region) for file, region, _ in regions()}
    there = {
        (path.name, region)
        for path in (ROOT / "dags_examples").glob("*.py")
        for region in re.findall(r"# \[START (\w+)\]", path.read_text(encoding="utf-8"))
    }
    assert shown == there


TABLE_OPERATORS = sorted(transfers.__all__)
LABELLED = {
    "events.md": ["howto/trigger:ClockifyTimeEntryEventTrigger"],
    "iceberg.md": [f"howto/operator:{operator}" for operator in sorted(clockify_to_iceberg.__all__)],
    "operators.md": [f"howto/operator:{operator}" for operator in OPERATORS],
    "sensors.md": ["howto/sensor:ClockifyApprovalSensor", "howto/sensor:ClockifyTimeEntrySensor"],
    "tables.md": [f"howto/operator:{operator}" for operator in TABLE_OPERATORS],
}


@pytest.mark.parametrize("page", LABELLED)
def test_docstrings_and_pages_have_the_same_labels(page: str) -> None:
    text = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "airflow_provider_clockify").rglob("*.py")
    )
    kind = LABELLED[page][0].split(":")[0]
    same_kind = sorted(
        label for labels in LABELLED.values() for label in labels if label.startswith(f"{kind}:")
    )
    assert sorted(re.findall(r'<a id="(howto/[\w:]+)"></a>', doc(page))) == sorted(LABELLED[page])
    assert sorted(re.findall(rf"\.\. seealso:: :ref:`({kind}:\w+)`", text)) == same_kind


def regions() -> list[tuple[str, str, str]]:
    pattern = r"<!-- region:([\w.]+):(\w+) -->\n```python\n(.*?)```"
    return [found for page in PAGES for found in re.findall(pattern, page.read_text(encoding="utf-8"), re.S)]


@pytest.mark.parametrize(("file", "region", "shown"), regions(), ids=lambda text: text[:40])
def test_shown_examples_are_those_that_the_tests_run(file: str, region: str, shown: str) -> None:
    text = (ROOT / "dags_examples" / file).read_text(encoding="utf-8")
    found = re.search(rf"# \[START {region}\]\n(.*?)^ *# \[END {region}\]", text, re.S | re.M)
    assert found
    source = dedent(found[1])
    assert _but_imports(shown) == _but_imports(source)
    used = {node.id for node in ast.walk(ast.parse(shown)) if isinstance(node, ast.Name)}
    assert _imports(shown) == {each for each in _imports(source) if each[1] in used}, "make tables mends it"


def _but_imports(code: str) -> list[str]:
    return [line for line in code.splitlines() if not line.startswith("from ")]


def _imports(code: str) -> set[tuple[str | None, str]]:
    return {
        (node.module, each.asname or each.name)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom)
        for each in node.names
    }


def test_the_module_map_names_every_module() -> None:
    package = ROOT / "airflow_provider_clockify"
    modules = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if path.name != "__init__.py" and path.parts[len(package.parts)] != "testing"
    }
    listed = re.findall(r"^\| `([\w/]+\.py)` \|", doc("development.md"), re.M)
    assert sorted(listed) == sorted(modules)


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target
