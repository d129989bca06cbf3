# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Find the fenced blocks of a page, with the parser that also builds the pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    notes: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def compiled(self) -> CodeType:
        """Compile a block of Python; lines keep their numbers, so that a traceback leads to the page."""
        return compile("\n" * self.line + self.text, str(self.page), "exec")


def blocks_of(page: Path) -> list[Block]:
    found, notes = [], {}
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        if token.type == "html_block":
            notes = dict(re.findall(r"<!-- (region|needs|not run|recipe): ?(.*?) -->", token.content))
            continue
        if token.type in ("fence", "code_block"):
            language = token.info.split()[0] if token.info else ""
            found.append(Block(page, (token.map or [0])[0] + 1, language, token.content, notes))
        notes = {}
    return found
