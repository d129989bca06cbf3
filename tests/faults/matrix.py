# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The faults as a table: what strikes, and what each surface must make of it.

``RIGHT`` means that the result is the ground truth; ``refused(X)`` that X was raised and nothing was published. Where
both are right, an expectation has both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from typing import Any

import requests

from airflow_provider_clockify.exceptions import (
    ClockifyAuthError,
    ClockifyBadRequestError,
    ClockifyError,
    ClockifyIncompleteError,
    ClockifyRateLimitError,
    ClockifyResponseError,
    ClockifyServerError,
    ClockifyTransportError,
)
from airflow_provider_clockify.testing import faults
from airflow_provider_clockify.testing.faults import Fault, FaultRule
from airflow_provider_clockify.testing.request_log import RequestRecord

from .surfaces import DAY, END, START, World

# Says after the run whether the fault has struck.
Struck = Callable[[], bool]


@dataclass(frozen=True)
class Expectation:
    """What is right: the ground truth, these errors, or both."""

    right: bool = False
    errors: tuple[type[ClockifyError], ...] = ()

    def __or__(self, other: Expectation) -> Expectation:
        return Expectation(self.right or other.right, self.errors + other.errors)


RIGHT = Expectation(right=True)


def refused(*errors: type[ClockifyError]) -> Expectation:
    return Expectation(errors=errors)


@dataclass(frozen=True)
class Row:
    """
    A fault.

    :param arm: sets it up, and gives what tells whether it has struck.
    :param expected: of every surface that is not in ``but``.
    :param but: what other surfaces do; ``None`` where the fault makes no sense for one.
    :param server: arguments of the emulator.
    :param plan: plan of its workspace.
    """

    arm: Callable[[World], Struck]
    expected: Expectation = RIGHT
    but: Mapping[str, Expectation | None] = field(default_factory=dict)
    server: Mapping[str, Any] = field(default_factory=dict)
    plan: str = "PRO"

    def expects(self, surface: str) -> Expectation | None:
        return self.but.get(surface, self.expected)


def used(*rules: FaultRule) -> Struck:
    return lambda: all(rule.used for rule in rules)


def twice(fault: Fault) -> Callable[[World], Struck]:
    """Strike the first request, and one of those that are under way together later."""

    def arm(world: World) -> Struck:
        return used(world.emulator.inject(fault, times=2, match=lambda record: record.sequence in (1, 4)))

    return arm


def always(fault: Fault, **extra: Any) -> Callable[[World], Struck]:
    """Strike every request; ``extra`` goes into the connection."""

    def arm(world: World) -> Struck:
        world.extra |= {"max_retries": 2, **extra}
        return used(world.emulator.inject(fault, times=None))

    return arm


def burst(world: World) -> Struck:
    return used(world.emulator.fail(429, times=2))


def retry_after_date(world: World) -> Struck:
    moment = int(time.time() + 1.2)
    rule = world.emulator.fail(429, headers={"Retry-After": formatdate(moment, usegmt=True)})
    clock: list[float] = []
    world.emulator.before_request(lambda record: clock.append(time.time()))
    return lambda: rule.used == 1 and all(each >= moment for each in clock[1:])


def retry_after_seconds(world: World) -> Struck:
    rule = world.emulator.fail(429, headers={"Retry-After": "1"})

    def kept() -> bool:
        first, *later = world.emulator.requests
        return rule.used == 1 and all(record.started >= (first.finished or 0) + 1 for record in later)

    return kept


class HeldClock:
    """The clock of this machine, unless it is held."""

    held: float | None = None

    def __call__(self) -> float:
        return time.monotonic() if self.held is None else self.held

    def release(self) -> None:
        self.held = None


BUCKET_CLOCK = HeldClock()


def token_bucket(world: World) -> Struck:
    """Let so many requests come first that the bucket is empty, and stays so until one was refused."""
    BUCKET_CLOCK.held = time.monotonic()
    spend(world, 8)
    world.emulator.at_request(2, BUCKET_CLOCK.release)
    return lambda: any(record.status == 429 for record in world.emulator.requests)


def free_plan(world: World) -> Struck:
    spend(world, 29)
    world.extra |= {"max_retries": 2}
    return lambda: len(world.emulator.requests) >= 1


def spend(world: World, number: int) -> None:
    url, headers = f"{world.emulator.url}/api/v1/user", {"X-Api-Key": world.emulator.api_key}
    with requests.Session() as session:
        for _ in range(number):
            assert session.get(url, headers=headers, timeout=20).status_code == 200
    world.emulator.reset_log()


def hang_once(world: World) -> Struck:
    world.extra |= {"timeout": 0.5}
    return used(world.emulator.inject(faults.hang(60), match=lambda record: record.sequence == 1))


def redirect(world: World) -> Struck:
    return used(world.emulator.inject(faults.redirect(f"{world.elsewhere.url}/api/v1/user", 307), times=None))


def no_name(world: World) -> Struck:
    world.host = "https://clockify.invalid"
    world.extra |= {"max_retries": 1}
    return lambda: not world.emulator.requests


def revoked(world: World) -> Struck:
    return used(
        world.emulator.inject(faults.key_revoked(), times=None, match=faults.from_request(2)),
    )


def compressed(world: World) -> Struck:
    world.emulator.compress = True
    return lambda: any("gzip" in each.headers["accept-encoding"] for each in world.emulator.requests)


def between_pages(change: Callable[[World, RequestRecord], object]) -> Callable[[World], Struck]:
    """Change the data just before a second page is given, or a third file."""

    def arm(world: World) -> Struck:
        happened: list[object] = []

        @world.emulator.before_request
        def hook(record: RequestRecord) -> None:
            if not happened and (page_of(record) == 2 or "summary" in record.path and record.sequence == 3):
                happened.append(change(world, record))

        return lambda: len(happened) == 1

    return arm


def page_of(record: RequestRecord) -> int:
    if record.method == "GET":
        return int(record.query.get("page", "1")[0])
    return int(record.json.get("detailedFilter", {}).get("page", 1))


def tasks_asked_for(world: World, record: RequestRecord) -> list[Any]:
    """Return the tasks of the project that a request is about; of any, if it is about none."""
    tasks = list(world.workspace.tasks.values())
    return [task for task in tasks if f"/projects/{task.project_id}/" in record.path] or tasks


def insert(world: World, record: RequestRecord) -> None:
    w = world.workspace
    w.add_entry(start=START + DAY / 2, end=START + DAY / 2 + timedelta(hours=1))
    w.add_user("New One")
    w.add_project("New project")
    w.add_task(tasks_asked_for(world, record)[0].project_id, "New task")


def delete(world: World, record: RequestRecord) -> None:
    w = world.workspace
    w.delete_entry(min(w.truth_ids(START, END)))
    w.delete(tasks_asked_for(world, record)[0])
    used_ids = {entry.project_id for entry in w.entries.values()}
    w.delete(next(project for key, project in sorted(w.projects.items()) if key not in used_ids))


def edit(world: World, record: RequestRecord) -> None:
    w = world.workspace
    for row_id in (min(w.truth_ids(START, END)), max(w.truth_ids(START, END))):
        end = datetime.fromtimestamp(w.entries[row_id].end or 0, UTC)
        w.update_entry(row_id, end=end + timedelta(minutes=7))
    for entity in [*w.users.values(), *w.projects.values(), *tasks_asked_for(world, record)][::2]:
        w.change(entity, name=f"{entity.name} the Second")


def json_pages(record: RequestRecord) -> bool:
    return record.json is None or record.json.get("exportType", "JSON") == "JSON"


def double_row(world: World) -> Struck:
    return used(world.emulator.inject(faults.extra_row(), match=json_pages))


def foreign_row(world: World) -> Struck:
    row = {"_id": "f" * 24, "duration": 60}
    return used(world.emulator.inject(faults.extra_row(row), match=json_pages))


def null_totals(world: World) -> Struck:
    return used(world.emulator.inject(faults.null_totals(), times=None))


def cut(world: World) -> Struck:
    """Return no more than this many rows at a time, whatever is asked for."""
    world.emulator.behaviour.max_page_size = CUT
    return lambda: any(size_of(record) > CUT for record in world.emulator.requests)


def size_of(record: RequestRecord) -> int:
    """Return how many rows a request asks for; 0 where it has no pages."""
    if record.method == "GET":
        return int((record.query.get("page-size") or record.query.get("limit") or ["0"])[0])
    return int(record.json.get("detailedFilter", {}).get("pageSize", 0))


CUT = 3
BROKEN = refused(ClockifyTransportError)
BUSY = refused(ClockifyRateLimitError)
# A file that is none is not asked for again within the task.
NO_FILE = refused(ClockifyResponseError, ClockifyIncompleteError)
LISTS_AND_FEEDS = ("users", "projects", "tasks", "changes")
NOT_PAGED = {"sensor": None, "trigger": None, "changes": None}
MATRIX: dict[str, Row] = {
    "nothing": Row(lambda world: lambda: True),
    "429, a burst": Row(burst),
    "429, Retry-After in seconds": Row(retry_after_seconds),
    "429, Retry-After as a date": Row(retry_after_date),
    "429, Retry-After of an hour": Row(always(faults.answer(429, headers={"Retry-After": "3600"})), BUSY),
    "429 without end": Row(always(faults.answer(429)), BUSY),
    "429, a token bucket": Row(
        token_bucket, server={"requests_per_second": 8, "retry_after": "seconds", "clock": BUCKET_CLOCK}
    ),
    "429, Free plan: 1 of 30 left": Row(
        free_plan,
        BUSY,
        {"sensor": RIGHT, "trigger": RIGHT, "file": None},
        {"free_requests_per_hour": 30},
        "FREE",
    ),
    **{f"{status} with HTML": Row(twice(faults.html_error(status))) for status in (500, 502, 503, 504)},
    "503 without end": Row(always(faults.html_error(503)), refused(ClockifyServerError)),
    "reset before the answer": Row(twice(faults.reset_after())),
    "reset in the body": Row(twice(faults.reset_mid_body())),
    "reset without end": Row(always(faults.reset_before()), BROKEN),
    "truncated body": Row(twice(faults.truncate_body())),
    "truncated body without end": Row(always(faults.truncate_body()), BROKEN),
    "invalid JSON": Row(twice(faults.invalid_json()), RIGHT, {"file": RIGHT | NO_FILE}),
    "invalid JSON without end": Row(always(faults.invalid_json()), BROKEN),
    "200 with an error object": Row(always(faults.error_object_200()), refused(ClockifyBadRequestError)),
    "empty 200": Row(twice(faults.empty_200()), RIGHT, {"file": RIGHT | NO_FILE}),
    "empty 200 without end": Row(always(faults.empty_200()), BROKEN),
    "HTML with 200": Row(
        twice(faults.answer(200, body=b"<html>Please log in</html>", content_type="text/html")),
        RIGHT,
        {"file": RIGHT | NO_FILE},
    ),
    "wrong content type": Row(always(faults.wrong_content_type())),
    "gzip": Row(compressed),
    "gzip, cut": Row(twice(faults.cut_gzip())),
    "gzip, cut, without end": Row(always(faults.cut_gzip()), BROKEN),
    "gzip that is none": Row(twice(faults.false_gzip())),
    "chunks": Row(always(faults.chunked())),
    "chunks, cut": Row(twice(faults.chunked(cut=True))),
    "slow body": Row(twice(faults.slow_body(100_000))),
    "body that trickles": Row(always(faults.slow_body(40), timeout=0.1, max_retries=0), BROKEN),
    "hang": Row(hang_once),
    "hang without end": Row(always(faults.hang(60), timeout=0.2, max_retries=1), BROKEN),
    "redirect to another host": Row(redirect, refused(ClockifyBadRequestError)),
    "no such host": Row(no_name, BROKEN),
    "key revoked in between": Row(revoked, refused(ClockifyAuthError), {"sensor": None, "trigger": None}),
    "row inserted between pages": Row(between_pages(insert), but=NOT_PAGED),
    "row deleted between pages": Row(
        between_pages(delete),
        RIGHT,
        {
            **NOT_PAGED,
            # Nothing is ever deleted of a workspace's users here.
            "users": None,
            **dict.fromkeys(("file", "projects", "tasks"), RIGHT | refused(ClockifyIncompleteError)),
        },
    ),
    "row edited between pages": Row(between_pages(edit), but=NOT_PAGED),
    **{
        f"pages cut, counted by what is {what}": Row(
            cut, but={"summary": None}, server={"oversize": oversize}
        )
        for what, oversize in (("given", "clamp"), ("asked for", "cut"))
    },
    "a row twice on a page": Row(double_row, but={"summary": refused(ClockifyIncompleteError)}),
    "a foreign row on a page": Row(
        foreign_row,
        but={
            **dict.fromkeys(LISTS_AND_FEEDS),
            "summary": refused(ClockifyIncompleteError),
            **dict.fromkeys(("sensor", "trigger"), refused(ClockifyIncompleteError)),
        },
    ),
    "totals: [null]": Row(
        null_totals,
        RIGHT | refused(ClockifyResponseError, ClockifyIncompleteError),
        dict.fromkeys(LISTS_AND_FEEDS),
    ),
}
