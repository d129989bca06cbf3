# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Blocks of the documentation that are written from the code."""

from __future__ import annotations

import re


def with_block(text: str, page: str, begin: str, end: str, block: str) -> str:
    """
    Return the text of a page with another block between two marks.

    :param text: The page.
    :param page: Its name, for people.
    :param begin: The mark before the block, its line break included.
    :param end: The mark after it, with the line break before it.
    :param block: What stands between them from now on.
    """
    written, found = re.subn(
        re.escape(begin) + r".*?" + re.escape(end), lambda _: begin + block + end, text, flags=re.S
    )
    if not found:
        raise SystemExit(f"docs/{page} has no table: add {begin!r} … {end!r}.")
    return written
