# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Compute from the data of a workspace what grouped reports have to say, exactly and on their own ways."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_clockify.testing.workspace.data import EmulatedWorkspace
    from airflow_provider_clockify.testing.workspace.kinds import TimeEntry

Keys = tuple[str | None, ...]


@dataclass(slots=True, kw_only=True)
class GroupTruth:
    """Sums of the finished entries of one group; money is exact minor units per currency."""

    seconds: int = 0
    billable_seconds: int = 0
    entries: int = 0
    earned: dict[str, Fraction] = field(default_factory=dict)
    cost: dict[str, Fraction] = field(default_factory=dict)


def truth_summary(
    workspace: EmulatedWorkspace,
    start: datetime,
    end: datetime,
    groups: Sequence[str],
    *,
    zone: str = "UTC",
) -> dict[Keys, GroupTruth]:
    """
    Return the groups of the finished entries that start in ``[start, end)`` (aware).

    Keys have one element per group: the id of a thing (None: the entry has none), a description for
    TIMEENTRY, ``yyyy-MM-dd`` for DATE and WEEK (its Monday) and ``yyyy-MM`` for MONTH, in the given zone. An
    entry counts once per tag. No groups give one group of everything, with the key ``()``.
    """
    place = UTC if zone == "UTC" else ZoneInfo(zone)
    found: dict[Keys, GroupTruth] = {}
    with workspace.lock:
        for entry in workspace.entries.values():
            began = datetime.fromtimestamp(entry.start, UTC)
            if entry.end is None or not start <= began < end:
                continue
            local = began.astimezone(place)
            for keys in product(*(_keys(workspace, entry, local, name) for name in groups)):
                _add(found.setdefault(keys, GroupTruth()), entry)
    return found


def truth_by_user_and_project(
    workspace: EmulatedWorkspace, start: datetime, end: datetime
) -> dict[Keys, GroupTruth]:
    """Return the finished entries that start in ``[start, end)`` by pairs of user and project id."""
    return truth_summary(workspace, start, end, ("USER", "PROJECT"))


def _add(group: GroupTruth, entry: TimeEntry) -> None:
    group.seconds += entry.seconds
    group.billable_seconds += entry.seconds * entry.billable
    group.entries += 1
    for money, rate in ((group.earned, entry.hourly_rate * entry.billable), (group.cost, entry.cost_rate)):
        money[entry.currency] = money.get(entry.currency, Fraction()) + Fraction(entry.seconds * rate, 3600)


def _keys(workspace: EmulatedWorkspace, entry: TimeEntry, local: datetime, name: str) -> Iterator[str | None]:
    match name:
        case "USER":
            yield entry.user_id
        case "PROJECT":
            yield entry.project_id
        case "CLIENT":
            yield workspace.projects[entry.project_id].client_id if entry.project_id else None
        case "TASK":
            yield entry.task_id
        case "TAG":
            yield from entry.tag_ids or (None,)
        case "TIMEENTRY":
            yield entry.description
        case "DATE":
            yield local.strftime("%Y-%m-%d")
        case "WEEK":
            yield (local - timedelta(days=local.weekday())).strftime("%Y-%m-%d")
        case "MONTH":
            yield local.strftime("%Y-%m")
        case _:
            raise ValueError(f"unknown group {name!r}")
