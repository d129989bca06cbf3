# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The code in README and documentation runs.

Blocks are found by the parser that also builds the pages. Each language has a check, and a language or a command
without one fails. A comment before a block says what is special about it:

- ``<!-- region:FILE:NAME -->``: a copy of an example DAG, compared and run by other tests;
- ``<!-- needs: Airflow X.Y -->``: only runs from that version on;
- ``<!-- recipe: NAME -->``: of the cookbook, whose test runs it and compares its result;
- ``<!-- not run: why -->``: is not run.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from datetime import date
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from doc_blocks import ROOT, Block, blocks_of
from packaging.requirements import Requirement

from airflow_provider_clockify.conformance.__main__ import _parser as conformance_parser
from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.get_provider_info import OPTIONS
from airflow_provider_clockify.tables.__main__ import main as print_tables
from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace
from airflow_provider_clockify.testing.__main__ import _parser as emulator_parser
from airflow_provider_clockify.transfers._targets import KINDS as DATABASES

PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("docs/adr/*.md"))]
AIRFLOW = tuple(int(number) for number in re.findall(r"\d+", version("apache-airflow"))[:2])
EXTRA_FIELDS = {
    name for name in ClockifySettings.__dataclass_fields__ if name not in ("conn_id", "api_key", "base_url")
} | {"allow_insecure_http"}


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def of(*languages: str) -> list[Block]:
    return [
        block
        for block in BLOCKS
        if block.language in languages and not {"region", "recipe", "not run"} & set(block.notes)
    ]


def skip_unless_there(need: str | None) -> None:
    name, _, least = (need or "Airflow 2.11").partition(" ")
    assert name == "Airflow"
    if tuple(map(int, least.split("."))) > AIRFLOW:
        pytest.skip(f"needs {need}")


# --- that nothing escapes -----------------------------------------------------------------------------------------

CHECKED = {"python", "console", "json", "yaml"}
# Shown output, and what Sphinx itself checks.
PROSE = {"text", "{toctree}", "{include}"}


def test_every_block_has_a_language_with_a_check() -> None:
    assert {
        str(block): block.language for block in BLOCKS if block.language not in CHECKED | PROSE | {"sql"}
    } == {}


def test_few_blocks_are_not_run() -> None:
    found = [(block.page.name, block.language) for block in BLOCKS if "not run" in block.notes]
    assert found == [
        ("changes.md", "sql"),
        ("finance-mart.md", "console"),
        ("iceberg.md", "sql"),
        ("migration.md", "python"),
        ("tables.md", "sql"),
    ]
    assert all(len(block.notes["not run"]) > 20 for block in BLOCKS if "not run" in block.notes)


def test_sql_is_run_or_says_why_not() -> None:
    assert of("sql") == []


def test_recipes_are_on_the_page_whose_test_runs_them() -> None:
    assert {block.page.name for block in BLOCKS if "recipe" in block.notes} == {"cookbook.md"}


# --- Python -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def emulator() -> Any:
    with ClockifyEmulator(generate_workspace(entries=60)) as emulator:
        yield emulator
        assert emulator.errors == []
        assert not emulator.unknown_parameters


@pytest.fixture
def connected(
    emulator: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> ClockifyEmulator:
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", emulator.connection_json(requests_per_second=1000))
    monkeypatch.chdir(tmp_path)
    emulator.reset_log()
    return emulator


def execute(block: Block) -> dict[str, Any]:
    """Run a block as a module of its own."""
    skip_unless_there(block.notes.get("needs"))
    namespace: dict[str, Any] = {"__name__": "shown", "__doc__": None}
    exec(block.compiled(), namespace)
    return namespace


SNIPPETS = [block for block in of("python") if "DAG(" not in block.text and block.page.name != "testing.md"]
DAG_FILES = [block for block in of("python") if "DAG(" in block.text]


@pytest.mark.parametrize("block", SNIPPETS, ids=str)
def test_snippets_run(block: Block, connected: ClockifyEmulator, airflow_database: None) -> None:
    namespace = execute(block)
    calls_the_hook = "hook." in block.text
    assert (connected.count() > 0) is calls_the_hook
    assert set(namespace) - {"__name__", "__doc__", "__builtins__"}


@pytest.mark.parametrize("block", DAG_FILES, ids=str)
def test_dag_files_are_parsed_by_airflow(block: Block, airflow_database: None, tmp_path: Path) -> None:
    skip_unless_there(block.notes.get("needs"))
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    (tmp_path / "shown.py").write_text(block.text, encoding="utf-8")
    bag = DagBag(str(tmp_path))
    assert not bag.import_errors
    assert [dag_id for dag_id, dag in bag.dags.items() if dag.tasks]


def snippet(page: str, name: str) -> Callable[..., Any]:
    (block,) = (block for block in of("python") if block.page.name == page and f"def {name}(" in block.text)
    return execute(block)[name]


def test_the_hash_of_the_page_on_privacy_is_that_of_the_files() -> None:
    from airflow_provider_clockify.columns.detailed_columns import DETAILED
    from airflow_provider_clockify.columns.privacy import column_rules

    rules = column_rules(DETAILED, hash_columns=["user_email"], salt=lambda: "pepper", is_flat=True)
    assert snippet("privacy.md", "hashed")("ada@example.com", "pepper") == rules._hash("ada@example.com")


def test_changes_are_applied_as_the_page_shows(tmp_path: Path) -> None:
    changes = [
        {"change": "created", "id": "a", "document": {"n": 1}},
        {"change": "updated", "id": "b", "document": {"n": 2}},
        {"change": "deleted", "id": "c", "document": {"n": 3}},
        {"change": "deleted", "id": "unknown", "document": {}},
    ]
    path = tmp_path / "changes.jsonl"
    path.write_text("".join(json.dumps(change) + "\n" for change in changes), encoding="utf-8")
    state = {"b": {"n": 0}, "c": {"n": 0}}
    snippet("changes.md", "apply_changes")(state, path)
    assert state == {"a": {"n": 1}, "b": {"n": 2}}


def test_the_task_of_the_migration_page_counts_the_hours(connected: ClockifyEmulator) -> None:
    from datetime import UTC, datetime

    days = datetime(2026, 11, 3, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC)
    hours = snippet("migration.md", "hours_by_user").function(*(day.isoformat() for day in days))
    assert sum(hours.values()) * 3600 == pytest.approx(connected.workspace.truth_seconds(*days))
    assert hours


@pytest.mark.skipif(
    AIRFLOW < (3, 2), reason="earlier versions keep DagBag elsewhere; the page says so of Airflow 2"
)
def test_the_complete_example_of_the_testing_kit_passes(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    files = dict(re.findall(r"^`([\w/]+\.py)`:\n\n```python\n(.*?)```", text, re.S | re.M))
    assert sorted(files) == ["dags/clockify_daily.py", "tests/conftest.py", "tests/test_clockify_daily.py"]
    for name, code in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(code, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


# --- data ---------------------------------------------------------------------------------------------------------


def check_extra(extra: Mapping[str, Any]) -> None:
    assert set(extra) <= EXTRA_FIELDS


@pytest.mark.parametrize("block", of("json"), ids=str)
def test_json_is_json_and_an_extra_is_one_that_is_accepted(block: Block) -> None:
    found = json.loads(block.text)
    if "region" in found:
        check_extra(found)
        ClockifySettings.from_fields("shown", password="KEY", extra=found)


@pytest.mark.parametrize("block", of("yaml"), ids=str)
def test_yaml_is_yaml(block: Block) -> None:
    assert yaml.safe_load(block.text)


# --- commands -----------------------------------------------------------------------------------------------------


def connection(value: str) -> ClockifySettings:
    """Read a connection as Airflow does, from JSON or URI, and as the hook does."""
    from airflow.models.connection import Connection

    if value.startswith("{"):
        given = json.loads(value)
        found = Connection(conn_id="shown", **{**given, "extra": json.dumps(given.get("extra") or {})})
    else:
        found = Connection(conn_id="shown", uri=value)
    assert found.conn_type == "clockify"
    check_extra(found.extra_dejson)
    return ClockifySettings.from_fields(
        "shown",
        password=found.password,
        host=found.host,
        schema=found.schema,
        port=found.port,
        extra=found.extra_dejson,
    )


def check_make(words: list[str]) -> None:
    targets = re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert [word for word in words[1:] if "=" not in word and word not in targets] == []


def check_pip(words: list[str]) -> None:
    assert words[1] == "install"
    for word in words[2:]:
        if word.startswith("-"):
            continue
        # A dot is this repository, perhaps with extras: ".[parquet]".
        wanted = Requirement(re.sub(r"^\.(?=\[|$)", "airflow-provider-clockify", word))
        try:
            here = metadata(wanted.name)
        except PackageNotFoundError:  # What only the environment of the S3 tests has.
            groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
            named = {known.name: known.extras for known in map(Requirement, groups["s3"])}
            assert wanted.extras == named[wanted.name]
            continue
        assert wanted.specifier.contains(here["Version"], prereleases=True) or AIRFLOW < (3, 3)
        assert wanted.extras <= set(here.get_all("Provides-Extra") or [])


def check_python(words: list[str]) -> None:
    if words[1:3] == ["-m", "airflow_provider_clockify.testing"]:
        emulator_parser().parse_args(words[3:])
    elif words[1:3] == ["-m", "airflow_provider_clockify.tables"]:
        assert print_tables(words[3:]) == 0
    elif words[1:3] == ["-m", "airflow_provider_clockify.conformance"]:
        conformance_parser().parse_args(words[3:])
    else:
        assert words[1:3] in (["-m", "venv"], ["-m", "pytest"])


def check_airflow(words: list[str]) -> None:
    from airflow.cli.cli_parser import get_parser

    parsed = get_parser().parse_args(words[1:])
    for opened in filter(lambda value: hasattr(value, "close"), vars(parsed).values()):
        opened.close()
    if words[1:3] == ["connections", "add"]:
        given = {"conn_type": parsed.conn_type, "password": parsed.conn_password}
        extra = json.loads(parsed.conn_extra or "{}")
        connection(parsed.conn_uri or parsed.conn_json or json.dumps({**given, "extra": extra}))
    if words[1:3] == ["dags", "test"]:
        assert any(
            f'dag_id="{parsed.dag_id}"' in each.read_text("utf-8") for each in ROOT.glob("dags_examples/*.py")
        )


def check_curl(words: list[str]) -> None:
    """Ask an emulator of this test instead of the reader's."""
    asked = urlsplit(words[1])
    assert asked.netloc == "127.0.0.1:8088"
    with ClockifyEmulator(generate_workspace(entries=20)) as emulator:
        answer = requests.get(f"{emulator.url}{asked.path}?{asked.query}", timeout=10)
    assert answer.ok
    assert isinstance(answer.json()["count"], int)


def check_export(words: list[str]) -> None:
    for word in words[1:]:
        name, _, value = word.partition("=")
        if name.startswith("AIRFLOW_CONN_CLOCKIFY"):
            connection(value)
        elif name.startswith("AIRFLOW_CONN_"):
            assert json.loads(value)["conn_type"] in DATABASES
        elif name.startswith("AIRFLOW__"):
            from airflow.configuration import conf

            _, section, key = name.split("__")
            # Airflow 2.11 knows a provider's section only once its manager has looked for providers.
            assert (
                key.lower() in OPTIONS
                if section == "CLOCKIFY"
                # Some options have no default.
                else key.lower() in conf.configuration_description[section.lower()]["options"]
                or conf.has_option(section.lower(), key.lower())
            )
        else:
            assert name in ("AIRFLOW_HOME", "CLOCKIFY_API_KEY", "CLOCKIFY_REGION")


COMMANDS: Mapping[str, Callable[[list[str]], None]] = {
    "make": check_make,
    "pip": check_pip,
    "python": check_python,
    "python3": check_python,
    "airflow": check_airflow,
    "export": check_export,
    # Of the shell itself, on paths that the commands before them make.
    ".": lambda words: None,
    "mkdir": lambda words: None,
    "ls": lambda words: None,
    "head": lambda words: None,
    "wc": lambda words: None,
    "rm": lambda words: None,
    "tar": lambda words: None,
    "curl": check_curl,
}


ASSIGNMENT = re.compile(r"(\w+)=\$\((python -c .*)\)")


@functools.cache
def variables(page: Path) -> Mapping[str, str]:
    """Return what the commands of a page keep in variables of the shell: a day, counted by Python."""
    found = {"PWD": "/the/folder/of/the/reader"}
    for line in (line for block in of("console") if block.page == page for line in block.text.splitlines()):
        if kept := ASSIGNMENT.fullmatch(line):
            command = [sys.executable, *shlex.split(kept[2])[1:]]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found[kept[1]] = date.fromisoformat(done.stdout.strip()).isoformat()
    return found


@pytest.mark.parametrize("block", of("console"), ids=str)
def test_commands_exist_with_these_arguments(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_unless_there(block.notes.get("needs"))
    monkeypatch.chdir(tmp_path)  # Airflow's parser makes the files that it will write.
    for line in block.text.replace("\\\n", " ").splitlines():
        if ASSIGNMENT.fullmatch(line):
            assert variables(block.page)
            continue
        # A variable that no command of the page sets is an error.
        words = shlex.split(Template(line).substitute(variables(block.page)), comments=True)
        if words:
            assert words[0] in COMMANDS, f"no check for {line}"
            COMMANDS[words[0]](words)
