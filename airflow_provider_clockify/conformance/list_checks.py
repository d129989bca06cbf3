# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Judge what is assumed about lists, change feeds, refusals and hosts (pure), as :mod:`.report_checks` does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.conformance.answers import (
    OFFSET,
    Answer,
    DoesNotHoldError,
    Found,
    NotTriedError,
    created,
    created_together,
    month_of,
    refusal,
)
from airflow_provider_clockify.http.retry import parse_retry_after
from airflow_provider_clockify.service.change_feeds import LIMITS as FEED_LIMITS
from airflow_provider_clockify.service.values import at

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECOND = timedelta(seconds=1)


def _rows(answer: Answer) -> list[Mapping[str, Any]]:
    rows = answer.json
    if not isinstance(rows, list):
        raise DoesNotHoldError("The answer is not a list.")
    return rows


def all_users(found: Found) -> str:
    """Judge whether the list of users holds those who left, and limited accounts."""
    users = {user["id"]: user for user in _rows(found.good("users"))}
    members = {
        each["userId"]: each.get("membershipStatus")
        for each in found.good("workspace").json.get("memberships") or ()
    }
    tracked = {row.user for row in found.report("month").rows}
    gone = {user for user, status in members.items() if status == "INACTIVE"}
    limited = {user for user, item in users.items() if item.get("status") not in ("ACTIVE", None)}
    missing = (tracked | gone) - users.keys()
    if missing:
        raise DoesNotHoldError(
            f"{len(missing)} people who left, or have entries, are not in the list of {len(users)}."
        )
    if not gone and not limited:
        raise NotTriedError("Nobody is deactivated or limited. Deactivate a member.")
    return f"{len(users)} users, {len(gone)} deactivated ones and {len(limited)} limited accounts among them."


def lists_by_id(found: Found) -> str:
    """Judge whether a list is sorted by id."""
    projects = _rows(found.good("projects"))
    ids, names = [each["id"] for each in projects], [str(each.get("name")).lower() for each in projects]
    if ids != sorted(ids):
        raise DoesNotHoldError(f"{len(ids)} projects do not come by ascending id.")
    if len(ids) < 3 or names == sorted(names):
        raise NotTriedError("Projects are too few, or were created in the order of their names. Create some.")
    return f"{len(ids)} projects come by ascending id, and not by name."


def last_page(found: Found) -> str:
    """Judge whether pages count from 1, and whether ``Last-Page`` is right."""
    every, second = found.good("projects"), found.good("projects_page")
    projects, page = _rows(every), _rows(second)
    if len(projects) < 3 or every.last_page is False:
        raise NotTriedError("The workspace has fewer than three projects, or more than 1,000. Create some.")
    if [each["id"] for each in page] != [projects[1]["id"]]:
        raise DoesNotHoldError(f"Page 2 of one row has {len(page)} rows, or not the second project.")
    said = every.last_page, second.last_page
    if None in said:
        raise DoesNotHoldError("Pages have no header Last-Page.")
    if said != (True, False):
        raise DoesNotHoldError(
            f"Last-Page is {said[0]} on the only page, and {said[1]} on the second of {len(projects)}."
        )
    return "Page 2 of one row is the second project. Last-Page says that more follow, and that none do."


def pages_of_5000(found: Found) -> str:
    """Judge whether lists accept pages of 5,000."""
    for name in ("users", "user_entries"):
        answer = found.answer(name)
        if answer.is_refusal:
            raise DoesNotHoldError(
                f"page-size=5000 of {answer.request.operation} is refused: {refusal(answer)}."
            )
        rows = len(_rows(answer))
        if answer.last_page is False and rows < int(str(answer.request.params["page-size"])):
            raise DoesNotHoldError(
                f"page-size=5000 of {answer.request.operation} gives {rows} rows, and more follow."
            )
    return "page-size=5000 is accepted by two lists."


def hydrated(found: Found) -> str:
    """Judge whether hydrated projects have their details."""
    projects = _rows(found.good("projects"))
    if not projects:
        raise NotTriedError("The workspace has no projects. Create one.")
    for name in ("tasks", "memberships", "customFields"):
        lacking = sum(not isinstance(project.get(name), list) for project in projects)
        if lacking:
            raise DoesNotHoldError(f"{lacking} of {len(projects)} projects have no {name}.")
    return f"{len(projects)} projects have tasks, memberships and customFields."


def rates_of_lists(found: Found) -> str:
    """Judge whether rates of projects are those of their entries."""
    rates = {
        project["id"]: Decimal(project["hourlyRate"]["amount"])
        for project in _rows(found.good("projects"))
        if (project.get("hourlyRate") or {}).get("amount")
    }
    pairs = [
        (rates[row.raw["projectId"]], row.rate)
        for row in found.known_rows()
        if row.rate and row.raw.get("projectId") in rates
    ]
    if not pairs:
        raise NotTriedError("No entry of the fullest month is of a project with a rate. Give a project one.")
    equal = sum(rate == own for rate, own in pairs)
    scaled = sum(own in (rate * 100, rate / 100) for rate, own in pairs)
    if scaled > equal:
        raise DoesNotHoldError(
            f"{scaled} of {len(pairs)} rates differ by a factor of 100 from that of their project."
        )
    if not equal:
        raise NotTriedError("No entry has the rate that its project has now: the rates have changed.")
    return f"{equal} of {len(pairs)} rates are those of their project."


def entries_of_a_user(found: Found) -> str:
    """Judge whether the list of a user's entries, asked with 14 hours more on both sides, holds the whole window."""
    answer = found.good("user_entries")
    entries = _rows(answer)
    ids = {entry["id"] for entry in entries}
    user = answer.request.path.split("/")[4]
    window = month_of(found)
    own = [row for row in found.known_rows() if row.user == user and row.end is not None]
    if not own:
        raise NotTriedError("That user has no entries in the fullest month. Track some time.")
    missing = sum(row.id not in ids for row in own)
    if missing and answer.last_page is not False:
        raise DoesNotHoldError(f"{missing} of {len(own)} entries of the window are not in the list.")
    outside = [
        entry for entry in entries if datetime.fromisoformat(entry["timeInterval"]["start"]) not in window
    ]
    far = [
        entry
        for entry in outside
        if not window.start - 2 * OFFSET
        <= datetime.fromisoformat(entry["timeInterval"]["start"])
        <= window.end + 2 * OFFSET + _SECOND
    ]
    if far:
        raise DoesNotHoldError(
            f"{len(far)} entries of the list start more than 28 hours outside of the window."
        )
    return f"The list holds all {len(own)} known entries of the window, and {len(outside)} around it."


def feed_pages(found: Found) -> str:
    """Judge whether page 0 of a feed is its first."""
    answer = found.answer("created")
    if answer.status == 400:
        raise DoesNotHoldError(f"Page 0 is refused: {refusal(answer)}.")
    created_together(found)
    try:
        rows = found.feed("created")
    except NotTriedError:
        if answer.is_refusal:
            raise
        raise DoesNotHoldError("Page 0 is empty, although entries were created.") from None
    moments = [str(at(row, ("auditMetadata", "createdAt"))) for row in rows]
    is_ascending = all(one <= other for one, other in pairwise(moments))
    return f"Page 0 has {len(rows)} rows, {'by ascending createdAt' if is_ascending else 'in another order'}."


def feed_bounds(found: Found) -> str:
    """Judge whether a feed gives what was created between its bounds, asked with 14 hours more on both sides."""
    rows = found.feed("created")
    first, _, last = known = created_together(found)
    moments = [datetime.fromisoformat(row["auditMetadata"]["createdAt"]) for row in rows]
    start, end = created(first) - 2 * OFFSET, created(last) + 2 * OFFSET + _SECOND
    far = sum(not start <= moment <= end for moment in moments)
    if far:
        raise DoesNotHoldError(
            f"{far} of {len(rows)} entries were created more than 14 hours outside of the bounds."
        )
    missing = sum(row.id not in {each["id"] for each in rows} for row in known)
    if missing and len(rows) >= FEED_LIMITS[-1]:
        raise NotTriedError(f"The feed gave {len(rows)} rows at a time, which were not enough.")
    if missing:
        raise DoesNotHoldError(
            f"{missing} of {len(known)} entries that were created between the bounds are missing."
        )
    return f"{len(rows)} entries were created between the bounds, {len(known)} known ones among them."


def deleted_rows(found: Found) -> str:
    """Judge the shape of rows of the feed of deletions."""
    if not found.good("deleted").json:
        raise NotTriedError(
            "No entry was deleted in the last 29 days. Delete one, and run again after a few minutes."
        )
    rows = found.feed("deleted")
    odd = sum(
        not (isinstance(row.get("document"), dict) and row.get("id") and row.get("deletedAt")) for row in rows
    )
    if odd:
        raise DoesNotHoldError(f"{odd} of {len(rows)} rows lack id, deletedAt or document.")
    for row in rows:
        datetime.fromisoformat(row["deletedAt"])
    return f"{len(rows)} rows have id, deletedAt and document."


def missing_project(found: Found) -> str:
    """Judge how a project that does not exist is refused."""
    answer = found.answer("wrong_project")
    code, message = answer.error
    if answer.status != 400 or code != 501 or "doesn't belong to" not in message:
        raise DoesNotHoldError(f"It is answered with {refusal(answer)}.")
    return f"It is refused: {refusal(answer)}."


def foreign_workspace(found: Found) -> str:
    """Judge how a workspace that the key does not see is refused."""
    answer = found.answer("wrong_workspace")
    if not answer.is_refusal:
        raise DoesNotHoldError(f"It is answered with {answer.status} and {len(answer.body)} bytes.")
    if not 400 <= answer.status < 500:
        raise DoesNotHoldError(f"It is answered with {refusal(answer)}.")
    return f"It is refused: {refusal(answer)}."


def hosts(found: Found) -> str:
    """Judge whether the hosts of the region serve the key."""
    if not found.hosts:
        raise NotTriedError("The connection names its own hosts.")
    for name in ("user", "month"):
        if name in found.unanswered:
            raise DoesNotHoldError(f"The request {name} was not answered, on {found.hosts}.")
        answer = found.answer(name)
        if answer.status in (401, 404):
            raise DoesNotHoldError(
                f"{answer.request.service} answers with {refusal(answer)}, on {found.hosts}."
            )
    return f"Both services answer on {found.hosts}."


def too_many_requests(found: Found) -> str:
    """Judge what a 429 looks like, if one came."""
    if not found.refusals:
        raise NotTriedError("No request was refused with a 429, and none was provoked.")
    seen = []
    for answer in found.refusals:
        header = answer.headers.get("retry-after")
        if header is not None and parse_retry_after(header, datetime.now(UTC)) is None:
            raise DoesNotHoldError("Retry-After is neither seconds nor a date.")
        names = sorted(name for name in answer.headers if "rate" in name or "retry" in name)
        seen.append(f"headers {', '.join(names) or 'none'}, code {answer.error[0]}")
    return f"{len(seen)} refusals: {seen[0]}."
