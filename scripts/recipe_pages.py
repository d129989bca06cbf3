# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Write the recipes of warehouses and dbt's sources from the code; a test says when that is due."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path

from page_blocks import with_block

from airflow_provider_clockify.columns.tables import ColumnType
from airflow_provider_clockify.tables.__main__ import main as printed_to_stdout
from airflow_provider_clockify.tables.recipes.known_recipes import RECIPES

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "recipes.md"
SOURCES = ROOT / "dags_examples" / "dbt_clockify" / "models" / "staging" / "clockify_sources.yml"

SHOWN = "detailed --table time_entries --recipe snowflake --location s3://lake/clockify/time_entries"
TABLES = "detailed=clockify_time_entries list:users list:projects list:clients"
_LICENSE = "# SPDX-License-Identifier: Apache-2.0\n# Copyright the airflow_provider_clockify contributors\n"


def printed(arguments: str) -> str:
    """Return what the command prints."""
    output = io.StringIO()
    with redirect_stdout(output):
        printed_to_stdout(arguments.split())
    return output.getvalue()


def warehouses() -> str:
    """Return the table of warehouses, in Markdown."""
    rows = [f"| {each.title} | `{name}` | {each.tested} |" for name, each in RECIPES.items()]
    return "\n".join(["| Warehouse | `--recipe` | What was tried |", "|---|---|---|", *rows])


def types() -> str:
    """Return the table of types, in Markdown."""
    shown = [each for name, each in RECIPES.items() if "-" not in name]
    head = ["In the file", *(each.title.partition(" (")[0] for each in shown)]
    rows = [[kind.value, *(f"`{each.types[kind]}`" for each in shown)] for kind in ColumnType]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def notes() -> str:
    """Return what to know of each warehouse, in Markdown."""
    return "\n".join(f"- **{each.title}**: {' '.join(each.notes)}" for each in RECIPES.values())


def blocks() -> dict[str, str]:
    """Return the blocks of the page by name."""
    shown = printed(f"{SHOWN} --part load")
    return {
        "warehouses": warehouses(),
        "types": types(),
        "notes": notes(),
        # Highlighters know SQL or Jinja, and not one in the other.
        "shown": f"```text\n{shown}```",
    }


def sources() -> str:
    """Return dbt's sources of the example."""
    command = f"python -m airflow_provider_clockify.tables {TABLES} --recipe dbt"
    return f"{_LICENSE}#\n# {command}\n{printed(f'{TABLES} --recipe dbt')}"


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, block in blocks().items():
        text = with_block(text, PAGE.name, f"<!-- made:{name} -->\n", "\n<!-- /made -->", block)
    PAGE.write_text(text, encoding="utf-8")
    SOURCES.write_text(sources(), encoding="utf-8")


if __name__ == "__main__":
    main()
