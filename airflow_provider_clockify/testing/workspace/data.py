# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Keep the data of one emulated workspace; it may change while servers read it."""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, TypeVar

from airflow_provider_clockify.testing.workspace.business import (
    ApprovalRequest,
    Assignment,
    Expense,
    ExpenseCategory,
    Holiday,
    Invoice,
    Policy,
    TimeOffRequest,
    Webhook,
)
from airflow_provider_clockify.testing.workspace.business_data import BusinessData
from airflow_provider_clockify.testing.workspace.entry_parts import EntryRate, FieldValue, PartChanges
from airflow_provider_clockify.testing.workspace.kinds import (
    Audit,
    Client,
    CustomField,
    Deletion,
    ObjectIds,
    Project,
    SharedReport,
    Tag,
    Task,
    TimeEntry,
    Truth,
    User,
    UserGroup,
    WorkspaceSettings,
)
from airflow_provider_clockify.testing.workspace.times import epoch_seconds, from_epoch, load_zone

PLANS = ("FREE", "FREE_2026", "BASIC", "STANDARD", "PRO", "ENTERPRISE")
DEFAULT_HOURLY_RATE = 5_000
DEFAULT_COST_RATE = 2_000

_E = TypeVar("_E", bound=Audit)


def _by_start(entry: TimeEntry) -> tuple[int, str]:
    return (entry.start, entry.id)


class EmulatedWorkspace(BusinessData):
    """
    A workspace that can be changed from any thread while an emulator serves it.

    Hold ``lock`` to read several things as of one moment; each method takes it by itself. ``version`` grows
    with every change, ``names_version`` with every change of anything but time entries. All instants that go
    in are aware datetimes (None: now); all that are stored are epoch seconds. The first user is the owner.

    :param plan: one of FREE, FREE_2026, BASIC, STANDARD, PRO, ENTERPRISE.
    :param currency: code of the default currency.
    :param addon_token: value of ``X-Addon-Token`` that opens this workspace with the rights of its owner.
    """

    def __init__(
        self,
        *,
        workspace_id: str = "66b0c1a2d3e4f5a6b7c8d001",
        name: str = "Emulated workspace",
        plan: str = "PRO",
        currency: str = "EUR",
        settings: WorkspaceSettings | None = None,
        addon_token: str | None = None,
    ) -> None:
        if plan not in PLANS:
            raise ValueError(f"unknown plan {plan!r}; known are {', '.join(PLANS)}")
        super().__init__()
        self.id = workspace_id
        self.name = name
        self.plan = plan
        self.currency = currency
        self.settings = settings or WorkspaceSettings()
        self.addon_token = addon_token or f"addon-token-of-{workspace_id}"
        self.lock = threading.RLock()
        self.version = 0
        self.names_version = 0
        self.users: dict[str, User] = {}
        self.clients: dict[str, Client] = {}
        self.projects: dict[str, Project] = {}
        self.tasks: dict[str, Task] = {}
        self.tags: dict[str, Tag] = {}
        self.user_groups: dict[str, UserGroup] = {}
        self.custom_fields: dict[str, CustomField] = {}
        self.entries: dict[str, TimeEntry] = {}
        self.shared_reports: dict[str, SharedReport] = {}
        self.deletion_bin: list[Deletion] = []
        self._ids = ObjectIds()
        self._parts = PartChanges()
        self._ordered: list[TimeEntry] = []
        self._running: dict[str, TimeEntry] = {}

    # --- people and things -----------------------------------------------------------------------------

    @property
    def is_free(self) -> bool:
        """Whether it is on the Free plan, by its old or its new name (recordings 2026)."""
        return self.plan.startswith("FREE")

    @property
    def owner(self) -> User:
        """The user who was added first."""
        return next(iter(self.users.values()))

    @property
    def api_key(self) -> str:
        """The key of the owner, which sees everything."""
        return self.owner.api_key

    def add_user(self, name: str | None, *, at: datetime | None = None, **fields: Any) -> User:
        """Add a member; the first one is the owner unless a role is given."""
        with self.lock:
            instant = epoch_seconds(at)
            user_id = self._ids.next(instant)
            number = len(self.users) + 1
            fields.setdefault("role", "USER" if self.users else "OWNER")
            fields.setdefault("email", f"user{number}@example.com")
            fields.setdefault("api_key", f"{user_id}{self.id}")
            load_zone(fields.get("time_zone", "UTC"))
            user = User(id=user_id, name=name, created_at=instant, updated_at=instant, **fields)
            return self._add(self.users, user_id, user)

    def add_client(self, name: str, *, at: datetime | None = None, **fields: Any) -> Client:
        """Add a client; its currency is that of the workspace unless given."""
        with self.lock:
            instant = epoch_seconds(at)
            fields.setdefault("currency", self.currency)
            client = Client(
                id=self._ids.next(instant), name=name, created_at=instant, updated_at=instant, **fields
            )
            return self._add(self.clients, client.id, client)

    def add_project(self, name: str, *, at: datetime | None = None, **fields: Any) -> Project:
        """Add a project, by default public, billable and without a client."""
        with self.lock:
            instant = epoch_seconds(at)
            project = Project(
                id=self._ids.next(instant), name=name, created_at=instant, updated_at=instant, **fields
            )
            return self._add(self.projects, project.id, project)

    def add_task(self, project_id: str, name: str, *, at: datetime | None = None, **fields: Any) -> Task:
        """Add a task to a project."""
        with self.lock:
            instant = epoch_seconds(at)
            task = Task(
                id=self._ids.next(instant),
                project_id=self.projects[project_id].id,
                name=name,
                created_at=instant,
                updated_at=instant,
                **fields,
            )
            return self._add(self.tasks, task.id, task)

    def add_tag(self, name: str, *, at: datetime | None = None, **fields: Any) -> Tag:
        """Add a tag."""
        with self.lock:
            instant = epoch_seconds(at)
            tag = Tag(id=self._ids.next(instant), name=name, created_at=instant, updated_at=instant, **fields)
            return self._add(self.tags, tag.id, tag)

    def add_user_group(
        self,
        name: str,
        user_ids: Iterable[str] = (),
        *,
        manager_ids: Iterable[str] = (),
        at: datetime | None = None,
    ) -> UserGroup:
        """Add a group of users."""
        with self.lock:
            instant = epoch_seconds(at)
            group = UserGroup(
                id=self._ids.next(instant),
                name=name,
                user_ids=tuple(user_ids),
                manager_ids=tuple(manager_ids),
                created_at=instant,
                updated_at=instant,
            )
            return self._add(self.user_groups, group.id, group)

    def add_custom_field(self, name: str, *, at: datetime | None = None, **fields: Any) -> CustomField:
        """Add a custom field of time entries, by default a text."""
        with self.lock:
            instant = epoch_seconds(at)
            custom_field = CustomField(
                id=self._ids.next(instant), name=name, created_at=instant, updated_at=instant, **fields
            )
            return self._add(self.custom_fields, custom_field.id, custom_field)

    def add_shared_report(
        self, name: str, author_id: str, *, at: datetime | None = None, **fields: Any
    ) -> SharedReport:
        """Save a report of a user and show it to others."""
        with self.lock:
            instant = epoch_seconds(at)
            report = SharedReport(
                id=self._ids.next(instant),
                name=name,
                author_id=self.users[author_id].id,
                created_at=instant,
                updated_at=instant,
                **fields,
            )
            return self._add(self.shared_reports, report.id, report)

    def _add(self, table: dict[str, _E], entity_id: str, entity: _E) -> _E:
        table[entity_id] = entity
        self._touch_names()
        return entity

    def _touch_names(self) -> None:
        self.version += 1
        self.names_version += 1

    def change(
        self, entity: Audit | WorkspaceSettings, *, at: datetime | None = None, **changes: Any
    ) -> None:
        """
        Change fields of a user, client, project, task, tag, group, custom field or of the settings.

        Time entries have ``update_entry``.
        """
        if isinstance(entity, TimeEntry):
            raise TypeError("time entries are changed with update_entry()")
        with self.lock:
            for name, value in changes.items():
                getattr(entity, name)
                setattr(entity, name, value)
            if isinstance(entity, Audit):
                entity.updated_at = epoch_seconds(at)
            self._touch_names()

    def delete(self, entity: Audit, *, at: datetime | None = None) -> None:
        """
        Move anything but users and time entries to the deletion bin.

        What referred to it loses the reference and counts as changed at the same moment; the tasks of a
        project go with it. Time entries have ``delete_entry``.
        """
        with self.lock:
            document_type, table = self._table_of(entity)
            keys = [key for key, value in table.items() if value is entity]
            if not keys:
                raise KeyError(document_type)
            self._release(entity, at)
            del table[keys[0]]
            self._bury(document_type, entity, at)
            self._touch_names()

    def _table_of(self, entity: Audit) -> tuple[str, dict[str, Any]]:
        tables: dict[type[Audit], tuple[str, dict[str, Any]]] = {
            Client: ("CLIENTS", self.clients),
            Project: ("PROJECTS", self.projects),
            Task: ("TASKS", self.tasks),
            Tag: ("TAGS", self.tags),
            UserGroup: ("USER_GROUPS", self.user_groups),
            ExpenseCategory: ("EXPENSE_CATEGORIES", self.expense_categories),
            Expense: ("EXPENSES", self.expenses),
            Invoice: ("INVOICES", self.invoices),
            Holiday: ("HOLIDAYS", self.holidays),
            Policy: ("PTO_POLICY", self.policies),
            TimeOffRequest: ("TIME_OFF_REQUEST", self.time_off_requests),
            ApprovalRequest: ("APPROVAL_REQUESTS", self.approval_requests),
            Assignment: ("SCHEDULED_ASSIGNMENT", self.assignments),
            Webhook: ("WEBHOOKS", self.webhooks),
        }
        if type(entity) not in tables:
            raise TypeError(f"a {type(entity).__name__} cannot be deleted this way")
        return tables[type(entity)]

    def _release(self, entity: Audit, at: datetime | None) -> None:
        entries = list(self.entries.values())
        match entity:
            case Client():
                for project in self.projects.values():
                    if project.client_id == entity.id:
                        self.change(project, at=at, client_id=None)
            case Project():
                for task in [task for task in self.tasks.values() if task.project_id == entity.id]:
                    self.delete(task, at=at)
                for entry in entries:
                    if entry.project_id == entity.id:
                        self.update_entry(entry.id, at=at, project_id=None, task_id=None)
            case Task():
                for entry in entries:
                    if entry.task_id == entity.id:
                        self.update_entry(entry.id, at=at, task_id=None)
            case Tag():
                for entry in entries:
                    if entity.id in (entry.tag_ids or ()):
                        kept = [tag for tag in entry.tag_ids or () if tag != entity.id]
                        self.update_entry(entry.id, at=at, tag_ids=kept)

    def _bury(self, document_type: str, document: Audit, at: datetime | None) -> None:
        instant = epoch_seconds(at)
        self.deletion_bin.append(
            Deletion(
                id=self._ids.next(instant),
                document_type=document_type,
                deleted_at=instant,
                document=document,
            )
        )

    # --- time entries ----------------------------------------------------------------------------------

    def add_entry(
        self,
        *,
        start: datetime,
        end: datetime | None = None,
        user_id: str | None = None,
        at: datetime | None = None,
        **fields: Any,
    ) -> TimeEntry:
        """
        Add a time entry and return it; without an end it is a running timer.

        Its end may lie before its start, as that of some entries does: then its duration and amounts are negative.
        Nobody recorded which request makes such an entry, so none does here.

        :param user_id: default is the owner.
        :param at: when it is created, default now; its id follows from this and not from the start.
        :param fields: other fields of TimeEntry; rates and currency default to those of project and user.
        """
        with self.lock:
            user = self.users[user_id] if user_id else self.owner
            instant = epoch_seconds(at)
            hourly_rate, cost_rate, currency = self.rates(user, fields.get("project_id"))
            fields.setdefault("hourly_rate", hourly_rate)
            fields.setdefault("cost_rate", cost_rate)
            fields.setdefault("currency", currency)
            entry = TimeEntry(
                id=self._ids.next(instant),
                user_id=user.id,
                start=epoch_seconds(start),
                end=None if end is None else epoch_seconds(end),
                created_at=instant,
                updated_at=instant,
                **_as_stored(fields),
            )
            self._check(entry)
            self._link(entry)
            return entry

    def load_entries(self, entries: Iterable[TimeEntry]) -> None:
        """Add many ready-made entries at once, in creation order; each gets a new id."""
        with self.lock:
            for entry in entries:
                entry.id = self._ids.next(entry.created_at)
                self.entries[entry.id] = entry
                if entry.end is None:
                    self._running[entry.id] = entry
            self._ordered = sorted(self.entries.values(), key=_by_start)
            self.version += 1

    def update_entry(self, entry_id: str, *, at: datetime | None = None, **changes: Any) -> TimeEntry:
        """Change fields of an entry (``start`` and ``end`` as aware datetimes) and return its new state."""
        with self.lock:
            old = self.entries[entry_id]
            changes = _as_stored(changes)
            if "start" in changes:
                changes["start"] = epoch_seconds(changes["start"])
            if changes.get("end") is not None:
                changes["end"] = epoch_seconds(changes["end"])
            new = replace(old, updated_at=epoch_seconds(at), **changes)
            self._check(new)
            self._unlink(old)
            self._link(new)
            for value in self._parts.note(old, new, new.updated_at):
                self._bury("TIME_ENTRY_CUSTOM_FIELD_VALUE", value, at)
            return new

    def delete_entry(self, entry_id: str, *, at: datetime | None = None) -> TimeEntry:
        """Move an entry to the deletion bin and return its last state."""
        with self.lock:
            entry = self.entries[entry_id]
            self._unlink(entry)
            self._bury("TIME_ENTRY", entry, at)
            for value in self._parts.values([entry]).values():
                self._bury("TIME_ENTRY_CUSTOM_FIELD_VALUE", value, at)
            return entry

    def restore_entry(self, entry_id: str, *, at: datetime | None = None) -> TimeEntry:
        """
        Take an entry out of the deletion bin, with its id, and return it.

        That it counts as updated then is assumed. The bin keeps its row, as nothing is known of it.

        :raises LookupError: it was never deleted, or is there.
        """
        with self.lock:
            found = [
                row
                for row in self.deletion_bin
                if row.document_type == "TIME_ENTRY" and row.document.id == entry_id
            ]
            if not found or entry_id in self.entries:
                raise LookupError(f"no deleted entry {entry_id}")
            entry: TimeEntry = replace(found[-1].document, updated_at=epoch_seconds(at))
            self._check(entry)
            self._link(entry)
            return entry

    def start_timer(
        self,
        user_id: str | None = None,
        *,
        start: datetime | None = None,
        at: datetime | None = None,
        **fields: Any,
    ) -> TimeEntry:
        """Start a timer now or at the given instant; one that already runs for the user is stopped there."""
        with self.lock:
            user = self.users[user_id] if user_id else self.owner
            begin = start if start is not None else at
            if begin is None:
                begin = datetime.now(UTC)
            running = self.running_timer(user.id)
            if running is not None:
                self.update_entry(running.id, at=at, end=max(begin, from_epoch(running.start)))
            return self.add_entry(start=begin, user_id=user.id, at=at, **fields)

    def stop_timer(
        self, user_id: str | None = None, *, end: datetime | None = None, at: datetime | None = None
    ) -> TimeEntry:
        """
        Stop the running timer of a user, now or at the given instant.

        :raises LookupError: when no timer runs.
        """
        with self.lock:
            user = self.users[user_id] if user_id else self.owner
            running = self.running_timer(user.id)
            if running is None:
                raise LookupError(f"no timer of user {user.id} is running")
            moment = end if end is not None else at
            return self.update_entry(running.id, at=at, end=moment or datetime.now(UTC))

    def running_timers(self) -> list[TimeEntry]:
        """Return all running timers, oldest start first."""
        with self.lock:
            return sorted(self._running.values(), key=_by_start)

    def running_timer(self, user_id: str) -> TimeEntry | None:
        """Return the running timer of a user, if there is one."""
        with self.lock:
            return next((entry for entry in self.running_timers() if entry.user_id == user_id), None)

    def _link(self, entry: TimeEntry) -> None:
        insort(self._ordered, entry, key=_by_start)
        self.entries[entry.id] = entry
        if entry.end is None:
            self._running[entry.id] = entry
        self.version += 1

    def _unlink(self, entry: TimeEntry) -> None:
        del self.entries[entry.id]
        self._running.pop(entry.id, None)
        self.version += 1
        del self._ordered[bisect_left(self._ordered, _by_start(entry), key=_by_start)]

    def _check(self, entry: TimeEntry) -> None:
        for value, table in ((entry.project_id, self.projects), (entry.task_id, self.tasks)):
            if value is not None and value not in table:
                raise KeyError(value)
        for tag_id in entry.tag_ids or ():
            if tag_id not in self.tags:
                raise KeyError(tag_id)

    def rates(self, user: User, project_id: str | None) -> tuple[int, int, str]:
        """
        Return hourly rate, cost rate (minor units) and currency code of new entries.

        The rate of the project beats that of the user, which beats that of the workspace.
        """
        project = self.projects[project_id] if project_id else None
        hourly, cost = DEFAULT_HOURLY_RATE, DEFAULT_COST_RATE
        for level in (user, project):
            if level is not None:
                hourly = hourly if level.hourly_rate is None else level.hourly_rate
                cost = cost if level.cost_rate is None else level.cost_rate
        client = self.clients[project.client_id] if project and project.client_id else None
        return hourly, cost, client.currency if client else self.currency

    def entry_rates(self) -> Mapping[str, EntryRate]:
        """Return the rates of all entries, by ids of their own."""
        with self.lock:
            return self._parts.rates(self.entries.values())

    def field_values(self) -> Mapping[str, FieldValue]:
        """Return the custom field values of all entries, by ids of their own."""
        with self.lock:
            return self._parts.values(self.entries.values())

    # --- reading ---------------------------------------------------------------------------------------

    def entries_between(self, first_ms: int, last_ms: int) -> Iterator[TimeEntry]:
        """Yield entries that start in ``[first, last]`` (epoch milliseconds, UTC), oldest start first."""
        low = bisect_left(self._ordered, -(-first_ms // 1000), key=lambda entry: entry.start)
        high = bisect_left(self._ordered, last_ms // 1000 + 1, key=lambda entry: entry.start)
        return iter(self._ordered[low:high])

    def truth(self, start: datetime, end: datetime, *, include_running: bool = False) -> Truth:
        """
        Return what a perfect export of ``[start, end)`` (by start of the entry, UTC) contains.

        Ids are in order of start. Amounts are the earned minor units per currency; they are summed exactly
        and converted to float once.
        """
        first, last = epoch_seconds(start) * 1000, epoch_seconds(end) * 1000 - 1
        with self.lock:
            entries = [
                entry
                for entry in self.entries_between(first, last)
                if include_running or entry.end is not None
            ]
        earned: dict[str, int] = defaultdict(int)
        for entry in entries:
            earned[entry.currency] += entry.seconds * entry.hourly_rate if entry.billable else 0
        return Truth(
            ids=[entry.id for entry in entries],
            seconds=sum(entry.seconds for entry in entries),
            amounts={code: float(Fraction(total, 3600)) for code, total in sorted(earned.items())},
        )

    def truth_ids(self, start: datetime, end: datetime, include_running: bool = False) -> list[str]:
        """Return the ids of the entries that start in ``[start, end)``, oldest start first."""
        return self.truth(start, end, include_running=include_running).ids

    def truth_seconds(self, start: datetime, end: datetime) -> int:
        """Return the summed duration in seconds of the finished entries that start in ``[start, end)``."""
        return self.truth(start, end).seconds

    def truth_amounts(self, start: datetime, end: datetime) -> Mapping[str, float]:
        """Return earned minor units per currency of the finished entries that start in ``[start, end)``."""
        return self.truth(start, end).amounts


def _as_stored(fields: dict[str, Any]) -> dict[str, Any]:
    stored = dict(fields)
    if stored.get("tag_ids") is not None:
        stored["tag_ids"] = tuple(stored["tag_ids"])
    if "custom_values" in stored:
        pairs = stored["custom_values"]
        stored["custom_values"] = tuple(pairs.items() if isinstance(pairs, Mapping) else pairs)
    return stored
