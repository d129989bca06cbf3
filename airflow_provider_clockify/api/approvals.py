# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Whether every timesheet of a period is approved: the question as a value, and its answer, without I/O."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.api.resources import LISTS
from airflow_provider_clockify.api.values import instant
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyIncompleteError
from airflow_provider_clockify.window import Window, parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from datetime import datetime

    from airflow_provider_clockify.api.messages import ApiRequest, ApiResponse

APPROVED = "APPROVED"
WITHDRAWN = "WITHDRAWN_APPROVAL"
MAX_PAGES = 1000


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

    def to_json(self) -> dict[str, Any]:
        """Give the question as JSON values; :meth:`from_json` reads them."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ApprovalQuestion:
        """Read what :meth:`to_json` gave."""
        return cls(**values)

    def requests_per_look(self) -> int:
        """Give the requests that one look costs for up to 200 timesheets since the period."""
        return 1


@dataclass(frozen=True, slots=True)
class ApprovalAnswer:
    """
    What one look found.

    :param approved: Approved timesheets of the period.
    :param pending: Users with a timesheet of the period that is not approved.
    :param missing: Users asked for who handed none in.
    :param enough: Whether the wait is over.
    """

    approved: int = 0
    pending: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    enough: bool = False

    def to_xcom(self) -> dict[str, Any]:
        """Give the result of the sensor: ``{"approved": int, "pending": [str], "missing": [str]}``."""
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
    if user_ids is not None:
        texts = not isinstance(user_ids, str) and all(isinstance(each, str) for each in user_ids)
        if not texts or not user_ids:
            raise ClockifyConfigError(f"user_ids is {user_ids!r}; give a list of ids, or leave it out.")
    users = None if user_ids is None else sorted(set(user_ids))
    return ApprovalQuestion(workspace_id, window.start_iso, window.end_iso, users)


def look_at_approvals(
    question: ApprovalQuestion,
) -> Generator[tuple[ApiRequest, Callable[[ApiResponse], Any]], Any, ApprovalAnswer]:
    """
    Look once.

    The service selects approval requests neither by user nor by date (observed 2026-08-11): they are read from the
    latest start on, until one ends before the period.

    :param question: The question.
    :return: Generator of requests, each with what reads its answer; returns the :class:`ApprovalAnswer`.
    """
    from airflow_provider_clockify.api.client import read_page

    resource = LISTS["approval_requests"]
    window = Window(parse_instant(question.start, "start"), parse_instant(question.end, "end"))
    size = resource.page_size or 200
    request = resource.request(workspace_id=question.workspace_id).with_params(
        sort_column="START", sort_order="DESCENDING"
    )
    wanted = None if question.user_ids is None else set(question.user_ids)
    states: dict[str, list[str]] = {}
    for number in range(1, MAX_PAGES + 1):
        page = yield resource.page(request, number, size), lambda response: read_page(response, resource)
        before = False
        for item in page.items:
            found = item["approvalRequest"]
            start = instant(found["dateRange"]["start"], found["id"])
            end = instant(found["dateRange"]["end"], found["id"])
            before = before or end <= window.start
            user_id = found["owner"]["userId"]
            if start < window.end and window.start < end and (wanted is None or user_id in wanted):
                states.setdefault(user_id, []).append(found["status"]["state"])
        if page.last or not page.items or before:
            return _answer(states, wanted)
    raise ClockifyIncompleteError(f"The approval requests have no end: stopped after {MAX_PAGES} pages.")


def _answer(states: Mapping[str, Sequence[str]], wanted: set[str] | None) -> ApprovalAnswer:
    # A withdrawn timesheet counts as none: its owner has to hand in another.
    handed_in = {user: [state for state in found if state != WITHDRAWN] for user, found in states.items()}
    pending = sorted(user for user, found in handed_in.items() if any(state != APPROVED for state in found))
    withdrawn = {user for user, found in handed_in.items() if not found}
    missing = sorted(withdrawn | (set() if wanted is None else wanted - set(states)))
    approved = sum(state == APPROVED for found in handed_in.values() for state in found)
    return ApprovalAnswer(
        approved=approved,
        pending=tuple(pending),
        missing=tuple(missing),
        enough=bool(approved) and not pending and not missing,
    )
