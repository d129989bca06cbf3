# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from dataclasses import asdict

import msgspec
import pytest

from airflow_provider_clockify.testing import generate_workspace
from airflow_provider_clockify.testing.workspace.generate_business import Sizes

NEW = (
    "expense_categories",
    "expenses",
    "invoices",
    "holidays",
    "policies",
    "balances",
    "time_off_requests",
    "approval_requests",
    "assignments",
    "webhooks",
)
OLD = ("users", "projects", "tasks", "clients", "tags", "user_groups", "custom_fields", "entries")
MANY = dict.fromkeys(Sizes.__slots__, 70)


def dump(workspace, tables) -> bytes:
    return msgspec.json.encode(
        [[asdict(entity) for entity in getattr(workspace, table).values()] for table in tables]
    )


def test_same_arguments_same_bytes():
    one, two = (generate_workspace(entries=50, **MANY) for _ in range(2))
    assert dump(one, NEW + OLD) == dump(two, NEW + OLD)
    assert dump(one, NEW) != dump(generate_workspace(entries=50, seed=8, **MANY), NEW)


def test_sizes_do_not_touch_what_else_is_made():
    plain, many = generate_workspace(entries=50), generate_workspace(entries=50, **MANY)
    assert dump(plain, ("users", "projects", "entries")) == dump(many, ("users", "projects", "entries"))
    for table in ("clients", "tags", "tasks", "user_groups", "custom_fields"):
        before, after = getattr(plain, table), getattr(many, table)
        assert len(after) == len(before) + 70
        assert list(after)[: len(before)] == list(before)


def test_sizes_are_exact():
    workspace = generate_workspace(entries=0, **MANY)
    for table in NEW[1:]:
        wanted = 70 * len(workspace.users) if table == "balances" else 70
        assert len(getattr(workspace, table)) == wanted, table
    nothing = generate_workspace(entries=0, **dict.fromkeys(Sizes.__slots__, 0))
    assert all(getattr(nothing, table) == {} for table in NEW)


def test_ids_are_unique():
    workspace = generate_workspace(entries=50, **MANY)
    ids = [key for table in NEW + OLD for key in getattr(workspace, table)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("sizes", [{"expenses": -1}, {"tasks": -5}])
def test_negative_sizes_are_refused(sizes):
    with pytest.raises(ValueError):
        generate_workspace(entries=0, **sizes)


def test_unknown_sizes_are_refused():
    with pytest.raises(TypeError):
        generate_workspace(entries=0, unicorns=1)


def test_a_workspace_without_projects_has_the_rest():
    workspace = generate_workspace(entries=3, users=1, running_timers=0, projects=0, **MANY)
    assert workspace.assignments == {}
    assert len(workspace.expenses) == 70
