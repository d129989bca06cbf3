# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The time entries that a watcher's look finds, for all watchers of a workspace at once; without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.rendered import one_of
from airflow_provider_clockify.service.filters import report_filters
from airflow_provider_clockify.service.pagination import Page, PageSize, last_page
from airflow_provider_clockify.service.report_kinds import detailed_request, read_detailed
from airflow_provider_clockify.service.values import at, instant, shown, utc_text
from airflow_provider_clockify.watching.event_cursor import Sighting
from airflow_provider_clockify.watching.questions import (
    DETECT,
    changes_in,
    check_entry_filters,
    matches,
    report_rows,
)
from airflow_provider_clockify.window import Window, chunks

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from datetime import datetime

    from airflow_provider_clockify.service.messages import ApiResponse
    from airflow_provider_clockify.service.pagination import Step

# How far a look reaches back behind the last one. Deletions show about a minute late (Clockify OpenAPI). An entry may
# be reported long after its start: when its timer is stopped, or its start is set back.
OVERLAP = {
    "created": timedelta(minutes=10),
    "changed": timedelta(minutes=10),
    "started": timedelta(hours=24),
}
REPORT_ROWS = 1000


@dataclass(frozen=True, slots=True)
class EntryRow:
    """
    An entry as a look found it.

    :param sighting: Its id, instant and what makes it new.
    :param entry: Its fields, by which watchers filter.
    """

    sighting: Sighting
    entry: Mapping[str, Any]


Rows = list[EntryRow]


def check_watch(detect: str, filters: Mapping[str, Any] | None) -> dict[str, Any]:
    """
    Check what is watched.

    :return: The filters, in the service's words.
    :raises ClockifyConfigError: unknown ``detect``, or a filter that an entry cannot decide itself.
    """
    one_of("detect", detect, DETECT)
    checked = report_filters(filters)
    check_entry_filters(checked, detect, False)
    return checked


def sightings(rows: Iterable[EntryRow], filters: Mapping[str, Any]) -> list[Sighting]:
    """
    Return the entries that pass a watcher's filters.

    :param filters: What :func:`check_watch` returned.
    """
    return [row.sighting for row in rows if matches(row.entry, filters)]


def entries_in(detect: str, workspace_id: str, window: Window) -> Generator[Step, Any, Rows]:
    """
    Find the entries of a window, timers that still run included.

    :param detect: ``started``, ``created`` or ``changed``.
    :param workspace_id: Workspace.
    :param window: Of the instants that ``detect`` means.
    :return: Generator of requests, each with what reads its answer; returns the rows.
    """
    if detect == "started":
        return (yield from _started(workspace_id, window))
    found: Rows = []
    for _, moment, row in (yield from changes_in(detect, workspace_id, window)):
        key = f"{row['id']} {utc_text(moment)}" if detect == "changed" else row["id"]
        found.append(EntryRow(Sighting(row["id"], moment, key), row.get("document") or row))
    return found


def _started(workspace_id: str, window: Window) -> Generator[Step, Any, Rows]:
    found: Rows = []
    size = PageSize(REPORT_ROWS)
    for chunk in chunks(window):
        ask = partial(detailed_request, workspace_id, chunk, {})
        _, rows = yield from report_rows(size, ask, _read_report_rows, id_of=lambda row: row.sighting.id)
        found += rows
    return [row for row in found if row.sighting.at in window]


_decode_row = msgspec.json.Decoder(dict[str, Any]).decode


def _read_report_rows(response: ApiResponse) -> Page:
    report = read_detailed(response.body)
    rows: Rows = []
    for raw in report.rows:
        row = _decode_row(raw)
        row_id = row.get("_id") or row.get("id")
        if not isinstance(row_id, str):
            raise ClockifyResponseError(
                "A row of the detailed report has no id; the service may have changed."
            )
        rows.append(EntryRow(Sighting(row_id, _start(row, row_id), row_id), row))
    count = report.totals.entries_count if report.totals else None
    return Page(rows, last_page(response), count)


def _start(row: Mapping[str, Any], row_id: str) -> datetime:
    start = at(row, ("timeInterval", "start"))
    if not isinstance(start, str):
        raise ClockifyResponseError(f"The time entry {shown(row_id)} does not say when it starts.")
    return instant(start, row_id)
