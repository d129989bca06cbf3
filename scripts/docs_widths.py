# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Look at every page of the built documentation on a telephone and on a laptop.

    python scripts/docs_widths.py [PAGE …]

Writes pictures of each page at both widths into docs/_build/looks/, one for every 1,500 pixels of its height, and names
the pages that scroll sideways, with the elements that stick out, and those that show raw markup, an empty section or a
picture that is not there. Ends with 1 if there are any.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from local_airflow import ROOT, chromium
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

HTML = ROOT / "docs" / "_build" / "html"
LOOKS = ROOT / "docs" / "_build" / "looks"
WIDTHS = (400, 1280)
# What Sphinx makes by itself, and copies of our code.
NOT_OURS = ("_modules/", "_static/", "genindex", "py-modindex", "search")
PART = 1500  # pixels of the height of a picture, and of the window

WIDER = """() => {
    const page = document.documentElement;
    if (page.scrollWidth <= page.clientWidth) return [];
    const boxed = (element) => {
        for (let each = element.parentElement; each && each !== document.body; each = each.parentElement)
            if (getComputedStyle(each).overflowX !== 'visible') return true;
        return false;
    };
    const found = [...document.querySelectorAll('main *')]
        .filter((each) => each.getBoundingClientRect().right > page.clientWidth + 1 && !boxed(each))
        .map((each) => `<${each.tagName.toLowerCase()}> ${each.textContent.trim().slice(0, 60)}`);
    return [`${page.scrollWidth} > ${page.clientWidth}`, ...found.slice(0, 5)];
}"""

# What a reader of the page should not see: markup as text, headings without anything below them, missing pictures.
BROKEN = """() => {
    const article = document.querySelector('article');
    if (!article) return ['no article'];
    const found = [];
    const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (node.parentElement.closest('pre, code, script, style, .sig')) continue;
        if (/\\*\\*|`|\\]\\(|<!--|:(class|meth|func|ref|doc|mod|attr|exc):/.test(node.data))
            found.push(`raw markup: ${node.data.trim().slice(0, 60)}`);
    }
    for (const section of article.querySelectorAll('section'))
        if (![...section.children].some((each) => !/^(H[1-6]|SPAN)$/.test(each.tagName)))
            found.push(`empty section: ${section.textContent.trim().slice(0, 60)}`);
    for (const image of article.querySelectorAll('img'))
        if (!image.naturalWidth && !/^https?:/.test(image.src)) found.push(`no picture: ${image.src}`);
    return found;
}"""


def pages(names: list[str]) -> list[Path]:
    if names:
        return [HTML / f"{name.removesuffix('.html')}.html" for name in names]
    every = sorted(HTML.rglob("*.html"))
    return [each for each in every if not str(each.relative_to(HTML)).startswith(NOT_OURS)]


def look(page: Page, path: Path, width: int) -> list[str]:
    """Take the pictures of a page, and return what makes it wider than the screen, and what is broken."""
    page.goto(path.as_uri(), wait_until="load")
    found: list[str] = page.evaluate(WIDER) + page.evaluate(BROKEN)
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    name = str(path.relative_to(HTML).with_suffix("")).replace("/", "-")
    for number, top in enumerate(range(0, height, PART), 1):
        page.evaluate(f"window.scrollTo({{top: {top}, behavior: 'instant'}})")
        page.screenshot(path=LOOKS / f"{name}-{width}-{number}.png")
    return found


def main(names: list[str]) -> int:
    path = chromium()
    if path is None:
        print(
            "Needs Chromium or Chrome, and found none. Install one, or name it: CHROMIUM=/path/to/chromium."
        )
        return 2
    LOOKS.mkdir(parents=True, exist_ok=True)
    if not names:
        for picture in LOOKS.glob("*.png"):
            picture.unlink()
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    offenders = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": PART}, color_scheme="light")
            page.set_default_timeout(60_000)
            # Nothing of the pages needs the network; what asks for it gets no answer.
            page.route("http*://**", lambda route: route.abort())
            for each in pages(names):
                found = look(page, each, width)
                if found:
                    offenders += 1
                    print(f"{each.relative_to(HTML)} at {width}: {'; '.join(found)}")
            page.close()
        browser.close()
    shown = LOOKS.relative_to(ROOT)
    print(
        f"{len(pages(names))} pages at {WIDTHS}: {offenders} scroll sideways or are broken. Pictures are in {shown}."
    )
    return 1 if offenders else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
