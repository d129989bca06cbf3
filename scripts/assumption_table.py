# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Write the assumptions about the service into their page from the code; a test says when that is due."""

from __future__ import annotations

from pathlib import Path

from page_blocks import with_block

from airflow_provider_clockify.conformance.assumptions import ASSUMPTIONS, Assumption

PAGE = Path(__file__).resolve().parent.parent / "docs" / "conformance.md"
BEGIN, END = "<!-- assumptions -->\n", "\n<!-- /assumptions -->"


def item(each: Assumption) -> str:
    pages = ", ".join(f"[{page.removesuffix('.md')}]({page})" for page in each.pages)
    code = ", ".join(f"`{module}`" for module in each.code)
    return "\n".join(
        [
            f"**{each.number}. {each.claim}**",
            "",
            f"- Standing: {each.standing} ({each.source}).",
            f"- If it does not hold: {each.otherwise}",
            f"- Depends on it: {code}; {pages}.",
            f"- Name: `{each.name}`",
        ]
    )


def table() -> str:
    """Return the list of assumptions, in Markdown."""
    return "\n\n".join(map(item, ASSUMPTIONS))


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_block(text, PAGE.name, BEGIN, END, table()), encoding="utf-8")


if __name__ == "__main__":
    main()
