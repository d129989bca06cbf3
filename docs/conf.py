# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Sphinx: the pages of this folder, and the reference from the docstrings. "make docs" builds it."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))
# Airflow writes its configuration where it is imported first; not into the home of whoever builds.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="clockify-docs-"))
os.environ.setdefault("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite:////dev/null")

from airflow_provider_clockify import __version__

project = "Airflow provider for Clockify"
author = "the airflow_provider_clockify contributors"
copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
nitpicky = True
smartquotes_action = "De"  # dashes and ellipses; messages and values are quoted as they are written
# Names of other libraries: their inventories lie on the network, which a build does not need. And types of the package
# that are not part of the reference, in signatures of what is.
nitpick_ignore_regex = [
    (r"py:.*", r"(airflow|asyncio|collections|datetime|decimal|os|_thread|requests|typing)\..*"),
    (
        r"py:.*",
        r"airflow_provider_clockify\.(service|http|reading|watching|columns|export|tables|testing|transfers\._\w+|window)\..*",
    ),
    (
        r"py:class",
        r"datetime|timedelta|Entry|Path|Item|ClockifyClient|Mapping\[str|Callable\[\[\]|Compression|Method|Service|\w+Parameters",
    ),
    (r"py:exc", r"AirflowFailException|AirflowSensorTimeout|AirflowSkipException"),
    (r"py:data", r"REGIONS|ERRORS_PAGE"),
]

myst_enable_extensions = ["colon_fence", "attrs_inline"]
myst_heading_anchors = 4  # the anchors that code hosts give, so that the same links work in both places
myst_links_external_new_tab = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
# The list of contents is too narrow for the name of the class before each method, and a line for a long signature.
toc_object_entries_show_parents = "hide"
python_maximum_signature_line_length = 80

html_theme = "sphinx_book_theme"
html_title = f"{project} {version}"
html_static_path = ["_static"]
html_css_files = ["clockify.css"]
html_theme_options = {
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "home_page_in_toc": False,
    "navbar_persistent": [],  # its search field stands in the sidebar already
    "use_download_button": False,
    "use_fullscreen_button": False,
}
html_show_sourcelink = False
html_show_copyright = False
html_copy_source = False


def _read(app: Sphinx, docname: str, source: list[str]) -> None:
    """
    Turn what code hosts understand into what Sphinx does, so that the pages can be read in both.

    ``<a id="howto/operator:X"></a>`` becomes the label that docstrings refer to; links to the files above this folder
    become links to the pages made from them, or plain text.
    """
    text = re.sub(r'^<a id="(howto/[\w:]+)"></a>$', r"(\1)=", source[0], flags=re.M)
    # "[errors.md](errors.md)" gets the title of the page.
    text = re.sub(r"\[[\w-]+\.md\]\(([\w/-]+\.md(#[\w-]+)?)\)", r"[](\1)", text)
    text = re.sub(r"\]\((?:\.\./)+CHANGELOG\.md\)", "](project:/changelog.md)", text)
    text = re.sub(r"\]\((?:\.\./)+README\.md\)", "](project:/index.md)", text)
    text = re.sub(r"\[([^\]]+)\]\((?:\.\./)+[A-Z_]+\.md(?:#[\w-]+)?\)", r"\1", text)
    if docname == "index":
        # Its lists name topics by pattern. One without a page is no mistake, but a warning that cannot be suppressed.
        text = re.sub(
            r"^[a-z-]+\*\n",
            lambda topic: topic[0] if any(HERE.glob(f"{topic[0].strip()}.md")) else "",
            text,
            flags=re.M,
        )
    source[0] = text


def _signature(
    app: Sphinx,
    what: str,
    name: str,
    obj: object,
    options: object,
    signature: str | None,
    returns: str | None,
) -> tuple[str | None, str | None]:
    """Leave out functions that are defaults: what Python prints for them is no Python, so Sphinx would not read it."""
    return signature and re.sub(r"<(built-in )?function [^<>]*>", "...", signature), returns


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", _read)
    app.connect("autodoc-process-signature", _signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
