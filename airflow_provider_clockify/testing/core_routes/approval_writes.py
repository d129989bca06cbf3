# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Submit, approve, reject and withdraw timesheets.

States and periods are those of the Clockify OpenAPI. Which change is allowed from where follows from what the states
are called: nobody recorded a refusal.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from airflow_provider_clockify.testing.answers.business_documents import approval_document
from airflow_provider_clockify.testing.core_routes.common import W, is_own, path_user, require, sees
from airflow_provider_clockify.testing.exchange import (
    Request,
    Response,
    Route,
    choice,
    domain_error,
    require_paid,
    unreadable_body,
)
from airflow_provider_clockify.testing.workspace.times import from_epoch, load_zone, parse_instant

if TYPE_CHECKING:
    from airflow_provider_clockify.testing.workspace.business import ApprovalRequest
    from airflow_provider_clockify.testing.workspace.kinds import User

_STATES = ("PENDING", "APPROVED", "WITHDRAWN_SUBMISSION", "WITHDRAWN_APPROVAL", "REJECTED")
_PERIODS = ("WEEKLY", "SEMI_MONTHLY", "MONTHLY")
# What a request may become, and whether its owner may do that.
_CHANGES = {
    ("PENDING", "APPROVED"): False,
    ("PENDING", "REJECTED"): False,
    ("PENDING", "WITHDRAWN_SUBMISSION"): True,
    ("APPROVED", "WITHDRAWN_APPROVAL"): False,
}


def submit(request: Request) -> Response:
    """Answer ``POST W/approval-requests``: the caller's own time of a period, with 201."""
    return _submit(request, request.caller.user)


def submit_for(request: Request) -> Response:
    """Answer ``POST W/approval-requests/users/{userId}``: for others only by administrators."""
    return _submit(request, _person(request))


def resubmit(request: Request) -> Response:
    """Answer ``POST W/approval-requests/resubmit-entries-for-approval``."""
    return _resubmit(request, request.caller.user)


def resubmit_for(request: Request) -> Response:
    """Answer ``POST W/approval-requests/users/{userId}/resubmit-entries-for-approval``."""
    return _resubmit(request, _person(request))


def change_state(request: Request) -> Response:
    """
    Answer ``PATCH W/approval-requests/{approvalRequestId}``: approve, reject or withdraw.

    Entries of an approved request are locked and have its id, which reports show.
    """
    require_paid(request, "APPROVAL")
    workspace, caller, at = request.workspace, request.caller, request.behaviour.now()
    approval = workspace.approval_requests.get(request.path["approvalRequestId"])
    if approval is None or not sees(request, approval.owner_id):
        raise domain_error("Approval request doesn't belong to Workspace")
    body = request.json_object({"note", "state"})
    if body.get("state") is None:
        raise domain_error("state must not be null")
    state = choice(body, "state", _STATES, "")
    if (approval.state, state) not in _CHANGES:
        raise domain_error(f"Approval request cannot be changed from {approval.state} to {state}")
    own = _CHANGES[approval.state, state] and approval.owner_id == caller.user.id
    require(allowed=own or caller.is_admin)
    workspace.change(
        approval, at=at, state=state, note=str(body.get("note") or ""), changed_by_id=caller.user.id
    )
    if state in ("APPROVED", "WITHDRAWN_APPROVAL"):
        _mark(request, approval, approved=state == "APPROVED")
    return _answer(request, approval, 200)


def _mark(request: Request, approval: ApprovalRequest, *, approved: bool) -> None:
    workspace = request.workspace
    found = list(workspace.entries_between(approval.start * 1000, approval.end * 1000 - 1))
    for entry in found:
        if entry.user_id == approval.owner_id and entry.end is not None:
            key = approval.id if approved else None
            workspace.update_entry(
                entry.id, at=request.behaviour.now(), approval_request_id=key, locked=approved
            )


def _person(request: Request) -> User:
    user = path_user(request)
    require(allowed=is_own(request, user.id))
    return user


def _submit(request: Request, user: User) -> Response:
    require_paid(request, "APPROVAL")
    start, end = _period(request, user)
    if any(row.state in ("PENDING", "APPROVED") for row in _of_period(request, user, start)):
        raise domain_error("An approval request for this period exists already")
    approval = request.workspace.add_approval_request(
        user.id, start=start, end=end, at=request.behaviour.now()
    )
    return _answer(request, approval, 201)


def _resubmit(request: Request, user: User) -> Response:
    require_paid(request, "APPROVAL")
    start, _ = _period(request, user)
    found = [row for row in _of_period(request, user, start) if row.state not in ("PENDING", "APPROVED")]
    if not found:
        raise domain_error("There is no approval request of this period to submit again")
    request.workspace.change(found[-1], at=request.behaviour.now(), state="PENDING", changed_by_id=None)
    return _answer(request, found[-1], 200)


def _of_period(request: Request, user: User, start: datetime) -> list[ApprovalRequest]:
    instant = int(start.timestamp())
    rows = request.workspace.approval_requests.values()
    return [row for row in rows if row.owner_id == user.id and row.start == instant]


def _answer(request: Request, approval: ApprovalRequest, status: int) -> Response:
    return Response(status, approval_document(request.workspace, approval)["approvalRequest"])


def _period(request: Request, user: User) -> tuple[datetime, datetime]:
    body = request.json_object({"period", "periodStart"})
    if not body.get("periodStart"):
        raise domain_error("periodStart must not be blank")
    kind = choice(body, "period", _PERIODS, "WEEKLY")
    try:
        moment = from_epoch(parse_instant(str(body["periodStart"])))
    except ValueError as error:
        raise unreadable_body(f"periodStart: {error}") from None
    return period_of(kind, moment, load_zone(user.time_zone))


def period_of(kind: str, moment: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """
    Return the period of a timesheet that a moment lies in, from its first instant to that of the next one.

    :param kind: WEEKLY (from Monday), SEMI_MONTHLY (from the 1st and the 16th) or MONTHLY.
    :param zone: whose midnights count.
    """
    day = moment.astimezone(zone).date()
    if kind == "WEEKLY":
        first = day - timedelta(days=day.weekday())
        behind = first + timedelta(days=7)
    else:
        first = day.replace(day=16 if kind == "SEMI_MONTHLY" and day.day > 15 else 1)
        next_month = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
        behind = first.replace(day=16) if kind == "SEMI_MONTHLY" and first.day == 1 else next_month
    midnights = [datetime(each.year, each.month, each.day, tzinfo=zone) for each in (first, behind)]
    return midnights[0], midnights[1]


_OF_USER = f"{W}/approval-requests/users/{{userId}}"
_AGAIN = "resubmit-entries-for-approval"

ROUTES = (
    Route("core", "POST", f"{W}/approval-requests", submit),
    Route("core", "POST", f"{W}/approval-requests/{_AGAIN}", resubmit),
    Route("core", "POST", _OF_USER, submit_for),
    Route("core", "POST", f"{_OF_USER}/{_AGAIN}", resubmit_for),
    Route("core", "PATCH", f"{W}/approval-requests/{{approvalRequestId}}", change_state),
)
