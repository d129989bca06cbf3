# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The language of the documentation, where a test can judge it: short sentences, plain words, alt texts, live anchors.

Spelling is codespell's, in ``make check``. A person reads the rest.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *ROOT.glob("docs/*.md")])
LINKED = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
# The changelog is a list of single lines.
NOT_READ_ALOUD = {"changelog.md"}
READ_ALOUD = [page for page in PAGES if page.name not in NOT_READ_ALOUD]
MOST_WORDS = 32

FORBIDDEN = (
    # Words that tell readers how easy it should be for them.
    r"simply",
    r"just",
    r"obviously",
    r"of course",
    r"trivial(ly)?",
    # Sentences without a subject, and words that are read twice.
    r"(?-i:Of (the )?report operators)",
    r"(?-i:Of all export operators)",
    r"at once a run",
    r"as of (all|the) (export|report)",
    r"to be had",
    r"in spite of",
    r"whoever",
    r"whosoever",
    r"hence",
    r"thereof",
    r"whether or no",
    r"etc\.",
    r"please",
    r"anew",
    r"belongs? into",
    r"for want of",
    r"mend(ed|s)?",
)


def ids(page: Path) -> str:
    return str(page.relative_to(ROOT))


def parsed(page: Path) -> list[Token]:
    text = page.read_text(encoding="utf-8")
    # Tables that are written from the code have sentences of the code.
    text = re.sub(r"<!-- assumptions -->.*?<!-- /assumptions -->", "", text, flags=re.S)
    return MarkdownIt("commonmark").enable("table").parse(text)


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """Yield the paragraphs, items, headings and cells of a page; what is code counts as one word."""
    line = 0
    for token in parsed(page):
        line = token.map[0] + 1 if token.map else line
        if token.type == "inline":
            words = {"code_inline": "CODE", "softbreak": " ", "hardbreak": " ", "text": None}
            parts = [words.get(each.type, "") for each in token.children or []]
            texts = [
                each.content if part is None else part
                for each, part in zip(token.children or [], parts, strict=True)
            ]
            yield line, "".join(texts)


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?])[\"”)]*\s+(?=[A-Z\"“(])", text)


@pytest.mark.parametrize("page", READ_ALOUD, ids=ids)
def test_sentences_are_short(page: Path) -> None:
    long = [
        f"{page.name}:{line}: {len(words)} words: {sentence}"
        for line, text in prose(page)
        for sentence in sentences(text)
        if len(words := re.findall(r"[\w’'%§`./:-]*\w[\w’'%§`./:-]*", sentence)) > MOST_WORDS
    ]
    assert long == []


def test_a_long_sentence_is_found() -> None:
    text = "One short sentence. " + "Words " + "go on " * 20 + "here."
    assert [len(each.split()) for each in sentences(text)] == [3, 42]


@pytest.mark.parametrize("page", READ_ALOUD, ids=ids)
def test_words_are_plain(page: Path) -> None:
    pattern = re.compile(rf"\b({'|'.join(FORBIDDEN)})(?!\w)", re.I)
    found = [
        f"{page.name}:{line}: {match[0]!r} in {text[max(0, match.start() - 30) : match.end() + 30]!r}"
        for line, text in prose(page)
        for match in pattern.finditer(text)
    ]
    assert found == []


def fragments(text: str) -> list[str]:
    """Return the beginnings of paragraphs that go on with a sentence from above a block, and of raw markup."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    found, quoted = [], 0
    for number, token in enumerate(tokens):
        quoted += {"blockquote_open": 1, "blockquote_close": -1}.get(token.type, 0)
        if token.type != "inline":
            continue
        # Quotations are messages, which may begin with any word; so may items and cells.
        alone = tokens[number - 1].type == "paragraph_open" and not tokens[number - 1].level
        if alone and not quoted and re.match(r"[a-z]", token.content):
            found.append(token.content[:60])
        written = "".join(each.content for each in token.children or [] if each.type == "text")
        if re.search(r"\*\*|`|\]\(|:(class|meth|func|ref|doc|mod|attr|exc):", written):
            found.append(written[:60])
    return found


@pytest.mark.parametrize("page", READ_ALOUD, ids=ids)
def test_paragraphs_are_sentences_without_raw_markup(page: Path) -> None:
    assert fragments(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Run this:\n\n```\nls\n```\n\nand it prints a line.", ["and it prints a line."]),
        ("**Bold** is fine, and so is `a ** b`.\n\n> the key was refused\n\n- an item\n", []),
        ("This is ** not bold **.", ["This is ** not bold **."]),
        ("See :class:`Hook` there.", ["See :class: there."]),
    ],
)
def test_fragments_are_found(text: str, found: list[str]) -> None:
    assert fragments(text) == found


@pytest.mark.parametrize("page", LINKED, ids=ids)
def test_links_to_assumptions_name_their_numbers(page: Path) -> None:
    """The number is a part of what readers click: not "[assumption](...) 7"."""
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"\[assumptions?\]\([^)]*\)\)? \d+", text, re.I) == []


@pytest.mark.parametrize("page", LINKED, ids=ids)
def test_images_say_what_they_show(page: Path) -> None:
    for token in parsed(page):
        for each in token.children or []:
            if each.type == "image":
                assert len(each.content) > 15, each.attrs["src"]
                source = str(each.attrs["src"])
                assert source.startswith("https://") or (page.parent / source).exists()


def slug(heading: str) -> str:
    """Return the anchor that code hosts and Sphinx give to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    tokens = parsed(page)
    headings = [
        "".join(each.content for each in tokens[number + 1].children or [])
        for number, token in enumerate(tokens)
        if token.type == "heading_open"
    ]
    return {slug(each) for each in headings}


@pytest.mark.parametrize("page", LINKED, ids=ids)
def test_anchors_of_links_exist(page: Path) -> None:
    missing = []
    for target, anchor in re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", page.read_text(encoding="utf-8")):
        to = (page.parent / target).resolve() if target else page
        if to.suffix == ".md" and anchor not in anchors(to):
            missing.append(f"{target}#{anchor}")
    assert missing == []


def test_diagrams_are_those_that_the_script_draws() -> None:
    """The message of a difference is: run ``make tables``."""
    spec = importlib.util.spec_from_file_location("diagrams", ROOT / "scripts" / "diagrams.py")
    assert spec is not None
    assert spec.loader is not None
    diagrams = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(diagrams)
    there = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "images").glob("*.svg")}
    assert there == {name: draw() for name, draw in diagrams.DIAGRAMS.items()}
