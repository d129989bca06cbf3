# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Group time entries as the summary and the weekly report do, with exact sums."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_clockify.testing.answers.report_rows import exact_amount, rounded_seconds
from airflow_provider_clockify.testing.report_routes.relative_ranges import WEEK_DAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from airflow_provider_clockify.testing.report_routes.selection import ReportQuery
    from airflow_provider_clockify.testing.workspace.data import EmulatedWorkspace
    from airflow_provider_clockify.testing.workspace.kinds import TimeEntry


Key = str | None


@dataclass(slots=True)
class Sums:
    """Sums over time entries; money is minor units times 3600 per currency, as pairs of earned and cost."""

    seconds: int = 0
    billable_seconds: int = 0
    money: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, entry: TimeEntry, seconds: int) -> None:
        """Add an entry with its duration, which may be rounded."""
        self.seconds += seconds
        self.billable_seconds += seconds if entry.billable else 0
        earned, cost = self.money.get(entry.currency, (0, 0))
        self.money[entry.currency] = (
            earned + exact_amount("EARNED", entry, seconds),
            cost + exact_amount("COST", entry, seconds),
        )

    def amounts(self, kind: str) -> dict[str, float]:
        """Return minor units per currency."""
        return {code: self._units(kind, code) / 3600 for code in sorted(self.money)}

    def amount(self, kind: str) -> float:
        """Return minor units added up over all currencies, as the service does."""
        return sum(self._units(kind, code) for code in self.money) / 3600

    def _units(self, kind: str, code: str) -> int:
        earned, cost = self.money[code]
        return {"COST": cost, "PROFIT": earned - cost}.get(kind, earned)


def shown_amount(sums: Sums, query: ReportQuery) -> float | None:
    """Return the amount that the request wants to see, None when it is hidden."""
    shown = query.amount_types[0]
    return None if shown == "HIDE_AMOUNT" else sums.amount(shown)


def sum_fields(workspace: EmulatedWorkspace, sums: Sums, query: ReportQuery) -> dict[str, Any]:
    """
    Return duration (seconds) and money (minor units) of a group.

    What ``currency`` says about a group of several currencies was not recorded: here it is null then.
    """
    kinds = [kind for kind in query.amount_types if kind != "HIDE_AMOUNT"]
    fields: dict[str, Any] = {
        "duration": sums.seconds,
        "amount": shown_amount(sums, query),
        "amounts": [
            {
                "type": kind,
                "value": sums.amount(kind),
                "amountByCurrency": [
                    {"currency": code, "amount": amount} for code, amount in sums.amounts(kind).items()
                ],
            }
            for kind in kinds
        ],
    }
    if kinds:
        fields["currency"] = next(iter(sums.money)) if len(sums.money) == 1 else None
        fields["workspaceCurrencyCode"] = workspace.currency
    return fields


@dataclass(slots=True)
class Group:
    """A group of entries and the groups in it, by key."""

    sums: Sums = field(default_factory=Sums)
    children: dict[Key, Group] = field(default_factory=dict)


class GroupKind(NamedTuple):
    """
    A way to group.

    :param keys_of: the groups that an entry belongs to: several tags, one of everything else.
    :param describe: ``_id``, ``name`` and further fields of a group.
    """

    keys_of: Callable[[TimeEntry], Sequence[Key]]
    describe: Callable[[Key], dict[str, Any]]


def group_entries(
    workspace: EmulatedWorkspace, entries: Iterable[TimeEntry], rounding: bool, kinds: Sequence[GroupKind]
) -> Group:
    """Return a group of everything with the groups of the first kind in it, and so on."""
    root = Group()
    for entry in entries:
        seconds = rounded_seconds(entry, rounding, workspace.settings)
        root.sums.add(entry, seconds)
        nodes = [root]
        for kind in kinds:
            keys = kind.keys_of(entry)
            nodes = [node.children.setdefault(key, Group()) for node in nodes for key in keys]
            for node in nodes:
                node.sums.add(entry, seconds)
    return root


def group_kinds(workspace: EmulatedWorkspace, zone: tzinfo, week_start: str) -> Mapping[str, GroupKind]:
    """
    Return all kinds of groups.

    USER and TAG are missing in the Clockify OpenAPI but accepted (observed 2026-08). Time counts for the day
    on which the entry starts in the zone of the request. Not documented and chosen here: entries without a
    project, task or tag are in a group with ``_id`` null, those without a client in one with ``_id`` "", as
    rows of the detailed report write both; weeks have the date of their first day, months ``yyyy-MM``.
    """
    first_day = WEEK_DAYS.index(week_start)
    projects, clients = workspace.projects, workspace.clients

    def day(entry: TimeEntry) -> date:
        return datetime.fromtimestamp(entry.start, zone).date()

    def week(entry: TimeEntry) -> str:
        start = day(entry)
        return (start - timedelta(days=(start.weekday() - first_day) % 7)).isoformat()

    def client_of(entry: TimeEntry) -> str:
        return (projects[entry.project_id].client_id if entry.project_id else None) or ""

    def named(names: Mapping[str, Any], missing: str) -> Callable[[Key], dict[str, Any]]:
        return lambda key: {"_id": key, "name": names[key].name if key else missing}

    def project_fields(key: Key) -> dict[str, Any]:
        project = projects[key] if key else None
        client = clients[project.client_id] if project and project.client_id else None
        return {
            "_id": key,
            "name": project.name if project else "(no project)",
            "clientName": client.name if client else "",
            "color": project.color if project else None,
        }

    return {
        "CLIENT": GroupKind(lambda entry: (client_of(entry),), named(clients, "(no client)")),
        "PROJECT": GroupKind(lambda entry: (entry.project_id,), project_fields),
        "TASK": GroupKind(lambda entry: (entry.task_id,), named(workspace.tasks, "(no task)")),
        "TAG": GroupKind(lambda entry: entry.tag_ids or (None,), named(workspace.tags, "(no tag)")),
        "USER": GroupKind(lambda entry: (entry.user_id,), named(workspace.users, "")),
        "TIMEENTRY": GroupKind(lambda entry: (entry.description,), _same_name),
        "DATE": GroupKind(lambda entry: (day(entry).isoformat(),), _same_name),
        "WEEK": GroupKind(lambda entry: (week(entry),), _week_fields),
        "MONTH": GroupKind(lambda entry: (day(entry).isoformat()[:7],), _same_name),
    }


def _same_name(key: Key) -> dict[str, Any]:
    return {"_id": key, "name": key}


def _week_fields(key: Key) -> dict[str, Any]:
    last = date.fromisoformat(key or "") + timedelta(days=6)
    return {"_id": key, "name": f"{key} - {last.isoformat()}"}
