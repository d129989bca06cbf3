# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Write time entries and their sums as the reports service does, quickly enough for large pages."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from airflow_provider_clockify.testing.workspace.times import format_utc, format_zoned

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_clockify.testing.workspace.data import EmulatedWorkspace
    from airflow_provider_clockify.testing.workspace.kinds import TimeEntry, WorkspaceSettings

# Encoded rows take about 1 kB each; lists of a selection 8 bytes per entry.
_KEPT_ROWS = 200_000
_KEPT_SELECTIONS = 16


class Style(NamedTuple):
    """Everything but the data that decides how a row looks."""

    zone: tzinfo
    rounding: bool
    amount_types: tuple[str, ...]


def rounded_seconds(entry: TimeEntry, rounding: bool, settings: WorkspaceSettings) -> int:
    """Return the duration in seconds, rounded as the workspace says when rounding is asked for."""
    if not rounding:
        return entry.seconds
    step = settings.round_minutes * 60
    shift = {"UP": step - 1, "DOWN": 0, "NEAREST": step // 2}[settings.round_mode]
    return (entry.seconds + shift) // step * step


def exact_amount(kind: str, entry: TimeEntry, seconds: int) -> int:
    """Return minor units times 3600, exactly; only billable time is earned, all time costs."""
    earned = seconds * entry.hourly_rate if entry.billable else 0
    if kind == "COST":
        return seconds * entry.cost_rate
    return earned - seconds * entry.cost_rate if kind == "PROFIT" else earned


def report_totals(entries: Sequence[TimeEntry], style: Style, settings: WorkspaceSettings) -> list[Any]:
    """
    Return the ``totals`` of a report: an array of one object, or of null when nothing was found.

    Sums are exact until the final conversion to a float. ``totalAmount`` adds up minor units of different
    currencies, as the service does.
    """
    if not entries:
        return [None]
    total = billable = 0
    kinds = [kind for kind in style.amount_types if kind != "HIDE_AMOUNT"]
    sums: dict[str, dict[str, int]] = {kind: defaultdict(int) for kind in kinds}
    for entry in entries:
        seconds = rounded_seconds(entry, style.rounding, settings)
        total += seconds
        billable += seconds if entry.billable else 0
        for kind in kinds:
            sums[kind][entry.currency] += exact_amount(kind, entry, seconds)
    by_currency = {
        kind: [{"currency": code, "amount": value / 3600} for code, value in sorted(values.items())]
        for kind, values in sums.items()
    }
    shown = style.amount_types[0]
    row = {
        "_id": "",
        "totalTime": total,
        "totalBillableTime": billable,
        "entriesCount": len(entries),
        "totalAmount": sum(sums[shown].values()) / 3600 if shown in sums else None,
        "numOfCurrencies": len({entry.currency for entry in entries}),
        "totalAmountByCurrency": by_currency.get(shown, {}),
        "amounts": [
            {"type": kind, "value": sum(sums[kind].values()) / 3600, "amountByCurrency": by_currency[kind]}
            for kind in kinds
        ],
    }
    return [row]


class RowEncoder:
    """
    Write the rows of a detailed report in one style.

    What rows share (person, project, tags) is encoded once and spliced in, which halves the time per row.
    """

    def __init__(self, workspace: EmulatedWorkspace, style: Style) -> None:
        self._workspace = workspace
        self._style = style
        self._people: dict[str, bytes] = {}
        self._work: dict[tuple[str | None, str | None], bytes] = {}
        self._tags: dict[tuple[str, ...] | None, bytes] = {}

    def encode(self, entry: TimeEntry) -> bytes:
        """Return the JSON of one row."""
        person = self._people.get(entry.user_id)
        if person is None:
            person = self._people[entry.user_id] = _fragment(self._person(entry.user_id))
        work_key = (entry.project_id, entry.task_id)
        work = self._work.get(work_key)
        if work is None:
            work = self._work[work_key] = _fragment(self._work_fields(*work_key))
        tags = self._tags.get(entry.tag_ids)
        if tags is None:
            tags = self._tags[entry.tag_ids] = _fragment(self._tag_fields(entry.tag_ids))
        return b"".join((b"{", person, work, tags, msgspec.json.encode(self._own_fields(entry))[1:]))

    def _own_fields(self, entry: TimeEntry) -> dict[str, Any]:
        style = self._style
        seconds = rounded_seconds(entry, style.rounding, self._workspace.settings)
        row: dict[str, Any] = {
            "_id": entry.id,
            "description": entry.description,
            "timeInterval": {
                "start": self._moment(entry.start),
                "end": None if entry.end is None else self._moment(entry.end),
                "duration": seconds,
            },
            "billable": entry.billable,
            "type": entry.type,
            "isLocked": entry.locked,
            "approvalRequestId": entry.approval_request_id,
            "customFields": [{"customFieldId": key, "value": value} for key, value in entry.custom_values],
        }
        if entry.invoice_id is not None:
            row["invoicingInfo"] = {"manuallyInvoiced": False, "invoiceId": entry.invoice_id}
        shown = style.amount_types[0]
        if shown == "HIDE_AMOUNT":
            row["amount"] = row["rate"] = None
        else:
            row["amount"] = exact_amount(shown, entry, seconds) / 3600
            row["rate"] = float(rate_of(shown, entry))
        if style.amount_types != ("HIDE_AMOUNT",):
            row["earnedAmount"] = exact_amount("EARNED", entry, seconds) / 3600
            row["earnedRate"] = float(entry.hourly_rate)
            row["costAmount"] = exact_amount("COST", entry, seconds) / 3600
            row["costRate"] = float(entry.cost_rate)
            row["currency"] = entry.currency
        return row

    def _moment(self, instant: int) -> str:
        zone = self._style.zone
        return format_utc(instant) if zone is UTC else format_zoned(instant, zone)

    def _person(self, user_id: str) -> dict[str, Any]:
        user = self._workspace.users[user_id]
        return {"userId": user.id, "userName": user.name, "userEmail": user.email}

    def _work_fields(self, project_id: str | None, task_id: str | None) -> dict[str, Any]:
        workspace = self._workspace
        project = workspace.projects[project_id] if project_id else None
        client = workspace.clients[project.client_id] if project and project.client_id else None
        return {
            "projectId": project_id,
            "projectName": project.name if project else None,
            "projectColor": project.color if project else None,
            "clientId": client.id if client else "",
            "clientName": client.name if client else "",
            "taskId": task_id,
            "taskName": workspace.tasks[task_id].name if task_id else None,
        }

    def _tag_fields(self, tag_ids: tuple[str, ...] | None) -> dict[str, Any]:
        if tag_ids is None:
            return {"tagIds": None, "tags": None}
        tags = [self._workspace.tags[tag_id] for tag_id in tag_ids]
        return {"tagIds": tag_ids, "tags": [{"_id": tag.id, "name": tag.name} for tag in tags]}


def _fragment(fields: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(fields)[1:-1] + b","


def rate_of(kind: str, entry: TimeEntry) -> int:
    """Return minor units per hour."""
    if kind == "COST":
        return entry.cost_rate
    return entry.hourly_rate - entry.cost_rate if kind == "PROFIT" else entry.hourly_rate


class EntryRows:
    """
    Remember, for one workspace, what was selected and encoded since its last change.

    Not locked: callers hold the lock of the workspace.
    """

    def __init__(self, workspace: EmulatedWorkspace) -> None:
        self._workspace = workspace
        self._version = -1
        self._selections: OrderedDict[bytes, tuple[list[TimeEntry], bytes]] = OrderedDict()
        self._project_seconds: dict[str, int] | None = None
        self._style: tuple[Style, int] | None = None
        self._encoder: RowEncoder | None = None
        self._encoded: dict[str, tuple[TimeEntry, bytes]] = {}

    def selection(
        self,
        question: bytes,
        find: Callable[[], list[TimeEntry]],
        total: Callable[[Sequence[TimeEntry]], bytes],
    ) -> tuple[list[TimeEntry], bytes]:
        """Return the found entries and their encoded totals, computed once per question and version."""
        self._forget_outdated()
        known = self._selections.get(question)
        if known is None:
            entries = find()
            known = (entries, total(entries))
            self._selections[question] = known
            if len(self._selections) > _KEPT_SELECTIONS:
                self._selections.popitem(last=False)
        return known

    def seconds_by_project(self) -> Mapping[str, int]:
        """Return the tracked seconds of each project that has finished entries."""
        self._forget_outdated()
        if self._project_seconds is None:
            self._project_seconds = defaultdict(int)
            for entry in self._workspace.entries.values():
                if entry.project_id is not None:
                    self._project_seconds[entry.project_id] += entry.seconds
        return self._project_seconds

    def _forget_outdated(self) -> None:
        if self._version != self._workspace.version:
            self._version = self._workspace.version
            self._selections.clear()
            self._project_seconds = None

    def encoded(self, entries: Sequence[TimeEntry], style: Style) -> list[bytes]:
        """Return the JSON of each entry; rows of the style used last are remembered."""
        workspace = self._workspace
        current = (style, workspace.names_version)
        if self._encoder is None or self._style != current or len(self._encoded) > _KEPT_ROWS:
            self._style = current
            self._encoder = RowEncoder(workspace, style)
            self._encoded.clear()
        lines = []
        for entry in entries:
            known = self._encoded.get(entry.id)
            # An edit replaces the entry, so a row is valid for this very object only.
            if known is None or known[0] is not entry:
                known = (entry, self._encoder.encode(entry))
                self._encoded[entry.id] = known
            lines.append(known[1])
        return lines
