# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Whether every timesheet of a period is approved: the question as a value, and its answer, without I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.rendered import container_of
from airflow_provider_clockify.service.lists import LISTS, WALL_CLOCK_MARGIN
from airflow_provider_clockify.service.pagination import Page, PageSize, Step, last_page, pages, steps
from airflow_provider_clockify.service.values import instant
from airflow_provider_clockify.window import Window, parse_instant

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from airflow_provider_clockify.service.messages import ApiResponse
    from airflow_provider_clockify.types import ApprovalResult

APPROVED = "APPROVED"
# Any other state, an unknown one too, waits for somebody.
HANDED_BACK = ("REJECTED", "WITHDRAWN_APPROVAL", "WITHDRAWN_SUBMISSION")
TYPES = ("TIMESHEET", "TIMESHEET_AND_EXPENSE")
# Timesheets of a month and a time zone; a workspace may have changed from months to weeks.
LONGEST_PERIOD = timedelta(days=32)
PAGE_SIZE = 200

_States = dict[str, dict[tuple[datetime, datetime], list[str]]]


@dataclass(frozen=True, slots=True)
class ApprovalQuestion:
    """
    Whose timesheets of which time must be approved, in JSON values.

    :param workspace_id: Workspace.
    :param start: First instant of the period, ISO 8601 with offset.
    :param end: First instant after it.
    :param user_ids: Users who must have an approved timesheet; ``None`` for everybody who handed one in.
    """

    workspace_id: str
    start: str
    end: str
    user_ids: list[str] | None = None

    def requests_per_look(self, now: datetime) -> int:
        """Return the requests that one look costs for up to 200 timesheets since a month before the period."""
        return 1


@dataclass(frozen=True, slots=True)
class ApprovalAnswer:
    """
    What one look found.

    :param approved: Approved timesheets of the period.
    :param pending: Users with a timesheet of the period that is not approved.
    :param missing: Users asked for who handed none in, and users whose timesheet was withdrawn or rejected.
    :param enough: Whether the wait is over.
    """

    approved: int = 0
    pending: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    enough: bool = False

    def to_xcom(self) -> ApprovalResult:
        """Return the result of the sensor: ``{"approved": int, "pending": [str], "missing": [str]}``."""
        return {"approved": self.approved, "pending": list(self.pending), "missing": list(self.missing)}


def make_approval_question(
    *,
    workspace_id: str,
    start: datetime | str,
    end: datetime | str,
    user_ids: Sequence[str] | None,
) -> ApprovalQuestion:
    """
    Check and fix a question.

    :raises ClockifyConfigError: a parameter is wrong; the message names it.
    """
    window = Window(parse_instant(start, "start"), parse_instant(end, "end"))
    user_ids = container_of("user_ids", user_ids)
    if user_ids is not None:
        texts = not isinstance(user_ids, str) and all(isinstance(each, str) for each in user_ids)
        if not texts or not user_ids:
            raise ClockifyConfigError(f"user_ids is {user_ids!r}; give a list of ids, or leave it out.")
    users = None if user_ids is None else sorted(set(user_ids))
    return ApprovalQuestion(workspace_id, window.start_iso, window.end_iso, users)


def look_at_approvals(question: ApprovalQuestion) -> Generator[Step, Any, ApprovalAnswer]:
    """
    Look once.

    The service selects approval requests neither by user nor by date (observed 2026-08-11): they are read from the
    latest start on, until they begin so long before the period that none can reach into it.

    :param question: The question.
    :return: Generator of requests, each with what reads its answer; returns the :class:`ApprovalAnswer`.
    """
    resource = LISTS["approval_requests"]
    window = Window(parse_instant(question.start, "start"), parse_instant(question.end, "end"))
    request = resource.request(workspace_id=question.workspace_id).with_values(
        {"sort-column": "START", "sort-order": "DESCENDING", "types": TYPES}
    )
    wanted = None if question.user_ids is None else set(question.user_ids)
    states: _States = {}
    seen: set[str] = set()
    previous = datetime.max.replace(tzinfo=UTC)
    sorted_so_far = True

    def take(page: Page) -> Page:
        nonlocal previous, sorted_so_far
        for sheet in page.items:
            start, end = instant(sheet.dates.start, sheet.id), instant(sheet.dates.end, sheet.id)
            sorted_so_far, previous = sorted_so_far and start <= previous, start
            if sheet.id in seen:
                continue  # It moved to a later page.
            seen.add(sheet.id)
            if _belongs(start, end, window) and (wanted is None or sheet.owner.user_id in wanted):
                dates = states.setdefault(sheet.owner.user_id, {})
                dates.setdefault((start, end), []).append(sheet.status.state)
        before = sorted_so_far and previous <= window.start - LONGEST_PERIOD
        return replace(page, last=True) if before else page

    asks = pages(PageSize(PAGE_SIZE), id_of=lambda sheet: sheet.id)
    yield from steps(asks, partial(resource.page, request), _read_page, take)
    return _answer(states, wanted)


class _Owner(msgspec.Struct, frozen=True, rename="camel"):
    user_id: str


class _Dates(msgspec.Struct, frozen=True):
    start: str
    end: str


class _Status(msgspec.Struct, frozen=True):
    state: str


class _Timesheet(msgspec.Struct, frozen=True):
    id: str
    owner: _Owner
    status: _Status
    dates: _Dates = msgspec.field(name="dateRange")


class _Item(msgspec.Struct, frozen=True):
    approval_request: _Timesheet = msgspec.field(name="approvalRequest")


# Items embed the entries of their whole period: only what is needed is decoded, or a full page would hold up an event
# loop.
_decode_items = msgspec.json.Decoder(list[_Item]).decode


def _read_page(response: ApiResponse) -> Page:
    return Page([item.approval_request for item in _decode_items(response.body)], last_page(response))


def _belongs(start: datetime, end: datetime, window: Window) -> bool:
    """Tell a timesheet of the period from its neighbours, which a time zone lets reach into it by some hours."""
    overlap = min(end, window.end) - max(start, window.start)
    return overlap > min(WALL_CLOCK_MARGIN, window.duration / 2)


def _answer(states: _States, wanted: set[str] | None) -> ApprovalAnswer:
    approved, pending, missing = 0, set(), (wanted or set()) - set(states)
    for user, sheets in states.items():
        for found in sheets.values():
            # Handed back or withdrawn counts as not handed in: its owner has to hand in another.
            standing = [state for state in found if state not in HANDED_BACK]
            approved += standing.count(APPROVED)
            if not standing:
                missing.add(user)
            elif any(state != APPROVED for state in standing):
                pending.add(user)
    return ApprovalAnswer(
        approved=approved,
        pending=tuple(sorted(pending)),
        missing=tuple(sorted(missing)),
        enough=bool(approved) and not pending and not missing,
    )
