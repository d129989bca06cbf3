# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Answer the summary report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_clockify.testing.answers.report_rows import report_totals
from airflow_provider_clockify.testing.exchange import Request, Response, Route, choice, domain_error
from airflow_provider_clockify.testing.report_routes.relative_ranges import WEEK_DAYS
from airflow_provider_clockify.testing.report_routes.report_files import (
    Table,
    file_response,
    hours,
    money_header,
)
from airflow_provider_clockify.testing.report_routes.report_groups import (
    Group,
    GroupKind,
    Key,
    Sums,
    group_entries,
    group_kinds,
    sum_fields,
)
from airflow_provider_clockify.testing.report_routes.selection import (
    COMMON_FIELDS,
    ReportQuery,
    read_report_query,
    select,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_clockify.testing.workspace.kinds import TimeEntry

MAX_GROUPS = 3
_KEYS = frozenset({"groups", "sortColumn", "summaryChartType"})
_SORT_COLUMNS = ("GROUP", "DURATION", "AMOUNT", "EARNED", "COST", "PROFIT")


def summary_report(request: Request) -> Response:
    """
    Answer ``POST reports/summary``: everything at once, in one to three levels of groups.

    ``donutChart`` stands where the Clockify OpenAPI says ``chart`` (observed 2026-08); its elements are
    chosen here, and it is empty unless ``summaryChartType`` asks for one.
    """
    body = request.json_object(COMMON_FIELDS | {"summaryFilter"})
    query = read_report_query(request, body, "summaryFilter", "summary")
    own: dict[str, Any] = body["summaryFilter"]
    for name in own.keys() - _KEYS:
        request.report_unknown(f"body summaryFilter.{name}")
    workspace = request.workspace
    kinds = group_kinds(workspace, query.zone, choice(body, "weekStart", WEEK_DAYS, "MONDAY"))
    names = _groups(own, kinds)
    column = choice(own, "sortColumn", _SORT_COLUMNS, "GROUP")
    chart = choice(own, "summaryChartType", ("BILLABILITY", "PROJECT", "NONE"), "NONE")
    entries = select(request, query, {})
    root = group_entries(workspace, entries, query.rounding, [kinds[name] for name in names])
    writer = _Writer(request, query, names, [kinds[name] for name in names], column)
    if query.is_file:
        return file_response(request, query, "Summary", writer.table(root))
    return Response(
        200,
        {
            "totals": report_totals(entries, query.style, workspace.settings),
            "donutChart": _chart(request, query, entries, chart),
            "groupTotals": {
                "groupOneTotalCount": len(root.children),
                "groupTwoTotalCount": sum(len(group.children) for group in root.children.values()),
            },
            "groupOne": writer.rows(root),
        },
    )


def _groups(own: dict[str, Any], kinds: Iterable[str]) -> list[str]:
    given = own.get("groups")
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_GROUPS:
        raise domain_error(f"Number of groups must be between 1 and {MAX_GROUPS}")
    # Lower case works in public scripts (reported).
    names = [name.upper() if isinstance(name, str) else "" for name in given]
    if not set(names) <= set(kinds):
        raise domain_error("Invalid group name")
    return names


class _Row(NamedTuple):
    fields: dict[str, Any]
    group: Group


class _Writer:
    def __init__(
        self,
        request: Request,
        query: ReportQuery,
        names: Sequence[str],
        kinds: Sequence[GroupKind],
        column: str,
    ) -> None:
        self._request = request
        self._query = query
        self._names = names
        self._kinds = kinds
        self._column = column

    def rows(self, group: Group, path: tuple[Key, ...] = ()) -> list[dict[str, Any]]:
        """Return the groups in a group, and theirs in ``children``; the last level has no such key."""
        level = len(path)
        found = []
        for key, row in self._sorted(group, level):
            fields, child = row
            inner = (*path, key)
            if self._names[level] == "TIMEENTRY":
                # An object of the keys down to here, in which equal descriptions merge (reported).
                fields["_id"] = dict(zip(self._names, inner, strict=False))
            name = fields["name"]
            fields["nameLowerCase"] = None if name is None else name.lower()
            fields |= sum_fields(self._request.workspace, child.sums, self._query)
            if level + 1 < min(len(self._kinds), self._request.behaviour.summary_levels):
                fields["children"] = self.rows(child, inner)
            found.append(fields)
        return found

    def _sorted(self, group: Group, level: int) -> list[tuple[Key, _Row]]:
        kind = self._kinds[level]
        named = [(key, _Row(kind.describe(key), child)) for key, child in group.children.items()]
        return sorted(named, key=self._rank, reverse=self._query.descending)

    def _rank(self, item: tuple[Key, _Row]) -> tuple[Any, str, str]:
        key, (fields, group) = item
        name = (fields["name"] or "").lower()
        return (self._value(group.sums), name, key or "")

    def _value(self, sums: Sums) -> float:
        if self._column == "GROUP":
            return 0
        if self._column == "DURATION":
            return sums.seconds
        shown = self._query.amount_types[0]
        kind = shown if self._column == "AMOUNT" else self._column
        return 0 if kind == "HIDE_AMOUNT" else sums.amount(kind)

    def table(self, root: Group) -> Table:
        """Return a row per group of the last level."""
        query = self._query
        kinds = [kind for kind in query.amount_types if kind != "HIDE_AMOUNT"]
        code = money_header(self._request.workspace, root.sums.money)
        columns = [_COLUMNS[name] for name in self._names] + ["Time (h)", "Time (decimal)"]
        columns += [f"{_AMOUNTS[kind]} ({code})" for kind in kinds]
        rows: list[list[str | float]] = []

        def walk(group: Group, names: list[str | float]) -> None:
            for _, (fields, child) in self._sorted(group, len(names)):
                inner = [*names, fields["name"] or ""]
                if child.children:
                    walk(child, inner)
                    continue
                amounts = [round(child.sums.amount(kind) / 100, 2) for kind in kinds]
                seconds = child.sums.seconds
                rows.append([*inner, hours(seconds), round(seconds / 3600, 2), *amounts])

        walk(root, [])
        return Table(columns, rows)


_COLUMNS = {
    "CLIENT": "Client",
    "PROJECT": "Project",
    "TASK": "Task",
    "TAG": "Tag",
    "USER": "User",
    "TIMEENTRY": "Description",
    "DATE": "Date",
    "WEEK": "Week",
    "MONTH": "Month",
}
_AMOUNTS = {"EARNED": "Amount", "COST": "Cost", "PROFIT": "Profit", "EXPORT": "Amount"}


def _chart(
    request: Request, query: ReportQuery, entries: Sequence[TimeEntry], kind: str
) -> list[dict[str, Any]]:
    if kind == "NONE":
        return []
    by_project = GroupKind(lambda entry: (entry.project_id,), lambda key: {"_id": key})
    by_billability = GroupKind(
        lambda entry: ("BILLABLE" if entry.billable else "NON_BILLABLE",), lambda key: {"_id": key}
    )
    chosen = by_project if kind == "PROJECT" else by_billability
    root = group_entries(request.workspace, entries, query.rounding, [chosen])
    hidden = query.amount_types[0] == "HIDE_AMOUNT"
    return [
        {
            **chosen.describe(key),
            "totalTime": group.sums.seconds,
            "totalBillableTime": group.sums.billable_seconds,
            "totalAmount": None if hidden else group.sums.amount(query.amount_types[0]),
            "earned": None if hidden else group.sums.amount("EARNED"),
        }
        for key, group in root.children.items()
    ]


ROUTES = (Route("reports", "POST", "/workspaces/{workspaceId}/reports/summary", summary_report),)
