# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What the package does wrong without failing, fails the test that meets it: see filterwarnings in pyproject.toml."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Each is run as if it stood in a module: the second word.
CODE = {
    "a deprecation": ("ours", "import warnings; warnings.warn('old', DeprecationWarning)"),
    "a deprecated call": ("ours", "import locale; locale.getdefaultlocale()"),
    "a socket left open": ("ours", "import socket; socket.socket()"),
    "a file left open": ("ours", "open(__import__('os').devnull)"),
    "a socket in a circle": (
        "ours",
        "import gc, socket; circle = [socket.socket()]; circle.append(circle); del circle; gc.collect()",
    ),
    "a file left open by others": ("others", "open(__import__('os').devnull)"),
    "a deprecation of others": ("others", "import warnings; warnings.warn('old', DeprecationWarning)"),
    "a deprecated call of others": ("others", "import locale; locale.getdefaultlocale()"),
}
ALLOWED = {"a deprecation of others", "a deprecated call of others"}


def test_warnings_of_this_package_and_what_is_left_open_fail_a_test(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        f"""
import pytest

@pytest.mark.parametrize("name", {CODE!r})
def test(name):
    whose, code = {CODE!r}[name]
    module = {{"ours": "airflow_provider_clockify.window", "others": "somebody.elses"}}[whose]
    exec(compile(code, module, "exec"), {{"__name__": module}})
"""
    )
    options = [
        "-q",
        "-rpf",
        "-p",
        "no:cacheprovider",
        "-c",
        str(ROOT / "pyproject.toml"),
        "--rootdir",
        str(tmp_path),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_it.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    found = re.findall(r"^(PASSED|FAILED) \S*test_it\.py::test\[(.*?)\]", done.stdout, re.M)
    ended = {name: how for how, name in found}
    assert ended == {name: "PASSED" if name in ALLOWED else "FAILED" for name in CODE}, done.stdout
