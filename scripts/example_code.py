# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Write the code of the examples into the documentation; a test says when that is due.

A page asks for a region of a file in ``dags_examples/`` with ``<!-- region:FILE:NAME -->`` before a block of code.
The code stands in the page itself, so that the page can be read on a code host, too.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- region:([\w.]+):(\w+) -->\n```python\n).*?(```)", re.S)


def region(file: str, name: str) -> str:
    text = (ROOT / "dags_examples" / file).read_text(encoding="utf-8")
    found = re.search(rf"# \[START {name}\]\n(.*?)^ *# \[END {name}\]", text, re.S | re.M)
    if not found:
        raise SystemExit(f"dags_examples/{file} has no region {name}.")
    return used(dedent(found[1]))


def used(code: str) -> str:
    """Leave out the imports that only the rest of the file uses."""
    known = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}

    def names(line: re.Match[str]) -> str:
        kept = [name for name in line[2].split(", ") if name.split()[-1] in known]
        return f"{line[1]}{', '.join(kept)}\n" if kept else ""

    return re.sub(r"^(from \S+ import )([\w, ]+)\n", names, code, flags=re.M)


def main() -> None:
    for page in [ROOT / "README.md", *ROOT.glob("docs/*.md")]:
        text = page.read_text(encoding="utf-8")
        written = BLOCK.sub(lambda each: each[1] + region(each[2], each[3]) + each[4], text)
        if written != text:
            page.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
