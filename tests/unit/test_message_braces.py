# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import ast
from pathlib import Path

import pytest

import airflow_provider_clockify

MODULES = sorted(Path(airflow_provider_clockify.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_no_text_shows_the_doubled_braces_of_an_f_string(module: Path) -> None:
    texts = [node.value for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Constant)]
    assert [text for text in texts if isinstance(text, str) and ("{{{{" in text or "}}}}" in text)] == []
