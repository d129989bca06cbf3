# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The rules by which a newcomer finds a module: see docs/development.md."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import airflow_provider_clockify

PACKAGE = Path(airflow_provider_clockify.__file__).parent
# Users import from these, by the names of their subjects, as from Airflow's own providers.
PUBLIC = {"operators", "sensors", "transfers", "triggers", "hooks", "assets"}
MOST = 12


def modules() -> list[Path]:
    return [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if not path.name.startswith("__")]


def test_no_two_modules_have_the_same_name() -> None:
    by_name: dict[str, list[str]] = defaultdict(list)
    for path in modules():
        if path.parts[0] not in PUBLIC:
            by_name[path.name].append(str(path))
    assert {name: found for name, found in by_name.items() if len(found) > 1} == {}


def test_private_helpers_have_names_of_their_own_too() -> None:
    private = [path for path in modules() if path.parts[0] in PUBLIC and path.name.startswith("_")]
    others = {path.stem for path in modules() if path.parts[0] not in PUBLIC}
    assert [str(path) for path in private if path.stem.lstrip("_") in others] == []


def test_no_folder_is_too_large_to_be_overlooked() -> None:
    by_folder: dict[Path, int] = defaultdict(int)
    for path in modules():
        by_folder[path.parent] += 1
    assert {str(folder): count for folder, count in by_folder.items() if count > MOST} == {}


def test_every_room_says_what_it_is() -> None:
    rooms = {path.parent for path in modules()} - {Path()}
    silent = [str(room) for room in rooms if '"""' not in (PACKAGE / room / "__init__.py").read_text()]
    assert set(silent) <= PUBLIC


def test_docstrings_say_what_is_returned() -> None:
    """Airflow's own docstrings begin with "Return"; "Give" leaves open who gets what."""
    found = [
        f"{path}:{number}"
        for path in modules()
        for number, line in enumerate((PACKAGE / path).read_text(encoding="utf-8").splitlines(), 1)
        if re.match(r'\s*("""|)Give ', line)
    ]
    assert found == []
