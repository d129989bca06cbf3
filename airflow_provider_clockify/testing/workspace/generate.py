# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Generate workspaces full of the awkward data that real ones have; same arguments, same bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_clockify.testing.workspace.data import EmulatedWorkspace
from airflow_provider_clockify.testing.workspace.generate_business import Sizes, add_business
from airflow_provider_clockify.testing.workspace.kinds import CustomField, Project, Tag, Task, TimeEntry, User
from airflow_provider_clockify.testing.workspace.times import epoch_seconds, format_utc

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_WORKSPACE_ID = "66b0c1a2d3e4f5a6b7c8d001"
DEFAULT_START = datetime(2026, 11, 1, tzinfo=UTC)
DEFAULT_END = datetime(2026, 12, 1, tzinfo=UTC)

_DAY = 86_400
_ZONES = (
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Auckland",
    "UTC",
    "America/Los_Angeles",
    "Europe/Belgrade",
    "Pacific/Kiritimati",
    "Pacific/Niue",
)
_NAMES = ("Ada Example", "Zoë Müller", "Иван Петров", "山田 太郎", "O'Neil, Sam", 'José "Pepe" Díaz')
_CLIENTS = (
    ("Globex", "EUR"),
    ("Initech, Inc.", "USD"),
    ("株式会社サンプル", "JPY"),
    ("Müller & Söhne", "CHF"),
)
_PROJECTS = ("Website relaunch", "Internal", "Suivi qualité", "=Formula", "Data, lake", "Почта")
_DESCRIPTIONS = (
    "Sprint planning",
    "Code review",
    "Customer call",
    "Bug hunt",
    "",
    "Überstunden für Zoë",
    "Ship it 🚀👩‍💻",
    'Said "hello", twice',
    "a, b; c\td",
    "first line\nsecond line\r\nthird",
    "=SUM(A1:A9)",
    "@mention",
    "+1 review",
    "-minus",
    "会議",
    "back\\slash / slash </script>",
    "zero\u200bwidth \u2028 separator",
)
_BREAK_DESCRIPTION = "Lunch"

# How far before and after the window the extra entries start (seconds from its start or end): next to the
# bounds and as far as any time zone can shift them.
_BEFORE = (-1, -3_600, -2 * 3_600, -12 * 3_600, -14 * 3_600)
_AFTER = (0, 1, 3_600, 11 * 3_600, 13 * 3_600)

_T = TypeVar("_T")


def recent_window(now: datetime) -> tuple[datetime, datetime]:
    """
    Return what the command line generates by default: from midnight UTC thirty days ago until now.

    :param now: aware; its seconds are cut off, so that what began within this minute has passed.
    """
    end = now.astimezone(UTC).replace(second=0, microsecond=0)
    return end.replace(hour=0, minute=0) - timedelta(days=30), end


def generate_workspace(
    *,
    users: int = 5,
    projects: int = 8,
    entries: int = 1000,
    start: datetime = DEFAULT_START,
    end: datetime = DEFAULT_END,
    seed: int = 7,
    owner_time_zone: str = "Europe/Belgrade",
    plan: str = "PRO",
    workspace_id: str = DEFAULT_WORKSPACE_ID,
    running_timers: int | None = None,
    outside_entries: int = 10,
    now: datetime | None = None,
    **sizes: int,
) -> EmulatedWorkspace:
    """
    Return a workspace with the given numbers of things; nothing in it depends on the clock of this machine.

    ``truth_ids(start, end)`` of the result has exactly ``entries`` ids. Among them are entries that start at
    midnight UTC, span midnight, are breaks, belong to archived projects and to deactivated users, or have
    neither project nor tags. Ids follow the moments of creation, and people record time late, so they are not
    in the order of the starts.

    :param users: at least 1; the first is the owner, the second an ADMIN, every seventh is deactivated, the
        last one of four or more is a LIMITED account.
    :param entries: finished entries that start in ``[start, end)``.
    :param start: aware; first instant of the window.
    :param end: aware; first instant after the window.
    :param owner_time_zone: IANA name of the profile zone of the owner.
    :param running_timers: entries without an end, at most one per user, that start in the window; None is 2, or 1 if
        there is but one user.
    :param outside_entries: finished entries just before ``start`` and at or just after ``end``; they tell a
        correct window from a shifted or a closed one.
    :param now: aware; nothing starts, ends, is created or changed after it, and the first entry starts at noon UTC of
        the day before, if that lies in the window. None knows no now.
    :param sizes: numbers of other things, fields of ``Sizes`` in the module ``generate_business``: expenses,
        invoices, holidays, ...; they change nothing of what the other arguments make.
    """
    business = Sizes(**sizes)
    first, last = epoch_seconds(start), epoch_seconds(end)
    if users < 1 or projects < 0 or entries < 0 or outside_entries < 0:
        raise ValueError("users must be at least 1, the other numbers at least 0")
    running_timers = min(2, users) if running_timers is None else running_timers
    if not 0 <= running_timers <= users:
        raise ValueError("running_timers must be between 0 and the number of users, who have one timer each")
    if last <= first:
        raise ValueError("end must be after start")
    latest = None if now is None else epoch_seconds(now)
    if latest is not None and last > latest:
        raise ValueError("end must not be after now")
    workspace = EmulatedWorkspace(workspace_id=workspace_id, plan=plan)
    maker = _Maker(workspace, Random(seed), first, last, latest)
    maker.people(users, owner_time_zone)
    maker.things(projects)
    workspace.load_entries(maker.time_entries(entries, running_timers, outside_entries))
    add_business(workspace, business, seed, first, last, latest)
    maker.shared_reports()
    return workspace


class _Maker:
    def __init__(
        self, workspace: EmulatedWorkspace, random: Random, first: int, last: int, latest: int | None
    ) -> None:
        self._workspace = workspace
        self._random = random
        self._first = first
        self._last = last
        self._latest = latest
        self._founded = datetime.fromtimestamp(first, UTC) - timedelta(days=365)
        self._users: list[User] = []
        self._projects: list[Project] = []
        self._tasks: dict[str, list[Task]] = {}
        self._tags: list[Tag] = []
        self._fields: list[CustomField] = []

    def _below(self, bound: int) -> int:
        # Only random() is promised to give the same numbers in every version of Python.
        return int(self._random.random() * bound)

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _pick(self, options: Sequence[_T]) -> _T:
        return options[self._below(len(options))]

    def people(self, count: int, owner_time_zone: str) -> None:
        for number in range(count):
            deactivated = number % 7 == 3
            limited = count >= 4 and number == count - 1
            name = _NAMES[number % len(_NAMES)]
            self._users.append(
                self._workspace.add_user(
                    None if limited else name if number < len(_NAMES) else f"{name} {number + 1}",
                    at=self._founded,
                    time_zone=_ZONES[(number - 1) % len(_ZONES)] if number else owner_time_zone,
                    role=("OWNER", "ADMIN")[number] if number < 2 else "USER",
                    membership_status="INACTIVE" if deactivated else "ACTIVE",
                    account_status="LIMITED" if limited else "ACTIVE",
                    hourly_rate=(None, 3_333, 9_500, 12_050)[number % 4],
                    cost_rate=(None, 1_999, 4_000)[number % 3],
                )
            )
        ids = [user.id for user in self._users]
        self._workspace.add_user_group("Engineering", ids[::2], at=self._founded)
        self._workspace.add_user_group("Everyone", ids, at=self._founded)

    def things(self, projects: int) -> None:
        workspace, at = self._workspace, self._founded
        clients = [
            workspace.add_client(name, at=at, currency=currency, archived=name == _CLIENTS[-1][0])
            for name, currency in _CLIENTS
        ]
        self._tags = [
            workspace.add_tag(name, at=at, archived=name == "old")
            for name in ("planning", "on-site", "überstunden", "old", "a,b")
        ]
        self._fields = [
            workspace.add_custom_field("Ticket", at=at),
            workspace.add_custom_field("Kilometres", at=at, type="NUMBER"),
        ]
        for number in range(projects):
            name = _PROJECTS[number % len(_PROJECTS)]
            project = workspace.add_project(
                name if number < len(_PROJECTS) else f"{name} {number + 1}",
                at=at,
                client_id=None if number % 5 == 1 else clients[number % len(clients)].id,
                billable=number % 3 != 1,
                public=number % 4 != 2,
                archived=number % 6 == 4,
                hourly_rate=(None, 9_500, 7_777)[number % 3],
                member_ids=tuple(user.id for user in self._users[number % 2 :: 2]),
            )
            self._projects.append(project)
            self._tasks[project.id] = [
                workspace.add_task(project.id, task, at=at, status="DONE" if task == "Setup" else "ACTIVE")
                for task in (("Build", "Review", "Setup") if number % 3 != 1 else ())
            ]

    def shared_reports(self) -> None:
        """Make reports that the owner shows to somebody, to a group and to nobody, and one of somebody else."""
        owner, other = self._users[0], self._users[-1]
        groups = tuple(self._workspace.user_groups)[:1]
        whole = {
            "dateRangeStart": format_utc(self._first),
            "dateRangeEnd": f"{format_utc(self._last - 1)[:-1]}.999Z",
        }
        for name, author, fields in (
            ("Monthly hours", owner, {"type": "SUMMARY", "user_ids": (other.id,)}),
            ("Team week", owner, {"type": "WEEKLY", "group_ids": groups, "public": True}),
            ("Für mich", owner, {"fixed_date": True}),
            ("=Theirs", other, {"type": "EXPENSE_DETAILED"}),
        ):
            self._workspace.add_shared_report(name, author.id, at=self._founded, filter=whole, **fields)

    def time_entries(self, finished: int, running: int, outside: int) -> list[TimeEntry]:
        made = [self._entry(self._start(number, finished)) for number in range(finished)]
        for number in range(outside):
            side, step = number % 2, number // 2
            offsets, bound = ((_BEFORE, self._first), (_AFTER, self._last))[side]
            turn, position = divmod(step, len(offsets))
            drift = turn * _DAY * (1 if side else -1)
            start = bound + offsets[position] + drift
            if self._latest is None or start < self._latest:
                made.append(self._entry(start))
        for number in range(running):
            entry = self._entry(max(self._first, self._last - 1_800 - number * 50_000))
            entry.user_id = self._users[number].id
            entry.end = None
            entry.type = "REGULAR"
            entry.created_at = entry.updated_at = entry.start
            made.append(entry)
        made.sort(key=lambda entry: entry.created_at)
        return made

    def _start(self, number: int, total: int) -> int:
        span = self._last - self._first
        if self._latest is not None:
            yesterday = self._latest - self._latest % _DAY - _DAY // 2
            if number == 0 and self._first <= yesterday < self._last:
                return yesterday
            number -= 1
            total -= 1
        if number == 0:
            return self._first
        if number == total - 1:
            return self._last - 1
        moment = self._first + self._below(span)
        if number % 25 == 1:
            midnight = moment - moment % _DAY
            return midnight if midnight >= self._first else moment
        if number % 25 == 2:
            late = moment - moment % _DAY + _DAY - 1 - self._below(1_800)
            return late if self._first <= late < self._last else moment
        # Most people start at full five minutes, timers at any second.
        rounded = moment - moment % 300
        return rounded if self._chance(0.6) and rounded >= self._first else moment

    def _entry(self, start: int) -> TimeEntry:
        user = self._pick(self._users)
        pause = self._chance(0.04)
        project = self._pick(self._projects) if self._projects and not pause and self._chance(0.9) else None
        tasks = self._tasks[project.id] if project else []
        hourly_rate, cost_rate, currency = self._workspace.rates(user, project.id if project else None)
        duration = 60 * (5 + self._below(180)) if self._chance(0.6) else 1 + self._below(14_400)
        end = self._until_now(start + duration)
        # A fifth is written down late: hours or days after the work.
        created = self._until_now(end + (self._below(6 * _DAY) if self._chance(0.2) else self._below(120)))
        return TimeEntry(
            id="",
            user_id=user.id,
            start=start,
            end=end,
            description=_BREAK_DESCRIPTION if pause else self._pick(_DESCRIPTIONS),
            project_id=project.id if project else None,
            task_id=self._pick(tasks).id if tasks and self._chance(0.5) else None,
            tag_ids=self._some_tags(),
            billable=project is not None and project.billable and self._chance(0.9),
            type="BREAK" if pause else "REGULAR",
            locked=self._chance(0.1),
            hourly_rate=hourly_rate,
            cost_rate=cost_rate,
            currency=currency,
            custom_values=self._some_values(),
            created_at=created,
            updated_at=self._until_now(created + (self._below(3 * _DAY) if self._chance(0.1) else 0)),
        )

    def _until_now(self, instant: int) -> int:
        return instant if self._latest is None else min(instant, self._latest)

    def _some_tags(self) -> tuple[str, ...] | None:
        if self._chance(0.3):
            return None
        first, second = self._pick(self._tags).id, self._pick(self._tags).id
        return (
            () if self._chance(0.2) else (first,) if self._chance(0.7) or first == second else (first, second)
        )

    def _some_values(self) -> tuple[tuple[str, object], ...]:
        if self._chance(0.7):
            return ()
        return ((self._fields[0].id, f"OPS-{self._below(500)}"), (self._fields[1].id, self._below(90)))
