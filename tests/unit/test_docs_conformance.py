# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The page on the first real account says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from airflow_provider_clockify.conformance.__main__ import _parser
from airflow_provider_clockify.conformance.assumptions import ASSUMPTIONS, BY_NUMBER
from airflow_provider_clockify.conformance.tries import MOST_REQUESTS
from airflow_provider_clockify.testing.switches import SWITCHES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")


def test_the_list_of_assumptions_is_the_codes() -> None:
    """The message of a difference is: run ``make tables``."""
    found = re.findall(
        r"^\*\*(\d+)\. (.*)\*\*\n\n- Standing: (\w+) \((.*)\)\.\n- If it does not hold: (.*)\n"
        r"- Depends on it: (.*?); (.*)\.\n- Name: `([\w-]+)`$",
        PAGE,
        re.M,
    )
    assert [(*each[:6], re.findall(r"\]\(([\w-]+\.md)\)", each[6]), each[7]) for each in found] == [
        (
            str(each.number),
            each.claim,
            each.standing,
            each.source,
            each.otherwise,
            ", ".join(f"`{module}`" for module in each.code),
            list(each.pages),
            each.name,
        )
        for each in ASSUMPTIONS
    ]


def test_the_options_of_the_command_are_those_on_its_page() -> None:
    there = {
        option for action in _parser()._actions for option in action.option_strings if option.startswith("--")
    }
    shown = set(re.findall(r"^\| `(--[a-z-]+)", PAGE, re.M))
    assert there - shown == {"--help", "--version"}
    assert shown <= there


def test_the_number_of_requests_is_that_of_the_code() -> None:
    assert f"At most {MOST_REQUESTS} requests" in PAGE


def test_numbers_of_assumptions_in_pages_and_code_exist() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("airflow_provider_clockify/**/*.py")]
    pattern = re.compile(
        r"[Aa]ssumptions?\]?(?:\(conformance\.md[^)]*\))? (\d+)(?: (?:and|to) (\d+))?(?: to (\d+))?"
    )
    named = {
        int(number)
        for page in pages
        for found in pattern.findall(page.read_text(encoding="utf-8"))
        for number in found
        if number
    }
    assert len(named) > 8
    assert named <= set(BY_NUMBER)


def test_every_page_that_depends_on_an_assumption_exists_and_every_switch_is_offered() -> None:
    assert [page for each in ASSUMPTIONS for page in each.pages if not (ROOT / "docs" / page).exists()] == []
    assert {each.name for each in ASSUMPTIONS} - set(SWITCHES) == {"hosts"}
    assert "Only `hosts` has none" in PAGE


def test_the_environment_variables_are_those_on_the_page() -> None:
    code = (ROOT / "airflow_provider_clockify" / "conformance" / "__main__.py").read_text(encoding="utf-8")
    assert set(re.findall(r"CLOCKIFY_[A-Z_]+", code)) == set(re.findall(r"CLOCKIFY_[A-Z_]+", PAGE))
