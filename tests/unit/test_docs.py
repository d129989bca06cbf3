# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The documentation says what the code does, where a test can tell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_clockify.records.detailed import DETAILED_COLUMNS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_the_column_table_of_the_detailed_report_is_the_codes() -> None:
    text = (ROOT / "docs" / "output.md").read_text()
    found = re.search(r"<!-- columns:detailed -->\n(.*?)<!-- /columns -->", text, re.S)
    assert found
    rows = [f"| {each.name} | {each.type} | {each.description} |" for each in DETAILED_COLUMNS]
    assert found[1].splitlines() == ["| name | type | description |", "|---|---|---|", *rows]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target
