# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Hold the things that a Clockify workspace consists of. Instants are epoch seconds, money is minor units."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ADMIN_ROLES = frozenset({"OWNER", "ADMIN"})

# The middle bytes of a MongoDB object id stand for the machine and process that made it.
_ID_MACHINE = 0xC10C_1F1E00


class ObjectIds:
    """Make object ids: 24 lower-case hex characters, strictly increasing, the same in every run."""

    def __init__(self) -> None:
        self._last_instant = 0
        self._counter = 0

    def next(self, instant: int) -> str:
        """
        Return the next id: 4 bytes of time, 5 constant bytes, 3 bytes of counter.

        An instant (epoch seconds) before that of the previous id is lifted to it, to keep the order.
        """
        self._last_instant = max(self._last_instant, instant)
        self._counter += 1
        if self._counter > 0xFF_FFFF:
            self._counter = 0
            self._last_instant += 1
        return f"{self._last_instant:08x}{_ID_MACHINE:010x}{self._counter:06x}"


@dataclass(slots=True, kw_only=True)
class Audit:
    """When something was created and last changed (epoch seconds); the raw material of change feeds."""

    created_at: int = 0
    updated_at: int = 0


@dataclass(slots=True, kw_only=True)
class User(Audit):
    """
    A member of the workspace.

    :param role: OWNER, ADMIN or USER.
    :param membership_status: PENDING, ACTIVE, DECLINED or INACTIVE; a deactivated member stays ACTIVE as an
        account (Clockify help centre).
    :param account_status: ACTIVE, PENDING_EMAIL_VERIFICATION, NOT_REGISTERED, LIMITED or DELETED.
    :param hourly_rate: minor units per hour, None inherits the rate of the workspace.
    :param date_format: of the files of reports, made of YYYY, MM and DD.
    :param custom_values: pairs of custom-field id and value.
    :param time_format: HOUR24 or HOUR12, of the files of reports.
    """

    id: str
    name: str | None
    email: str
    api_key: str
    time_zone: str = "UTC"
    role: str = "USER"
    membership_status: str = "ACTIVE"
    account_status: str = "ACTIVE"
    hourly_rate: int | None = None
    cost_rate: int | None = None
    date_format: str = "MM/DD/YYYY"
    custom_values: tuple[tuple[str, Any], ...] = ()
    time_format: str = "HOUR24"


@dataclass(slots=True, kw_only=True)
class Client(Audit):
    """A client; projects are billed in its currency (code such as ``EUR``)."""

    id: str
    name: str
    currency: str
    archived: bool = False
    email: str | None = None
    address: str | None = None
    note: str | None = None
    cc_emails: tuple[str, ...] | None = None


@dataclass(slots=True, kw_only=True)
class Project(Audit):
    """A project; a private one (``public=False``) is visible to its members and to administrators."""

    id: str
    name: str
    client_id: str | None = None
    billable: bool = True
    public: bool = True
    template: bool = False
    archived: bool = False
    color: str = "#2196F3"
    note: str = ""
    hourly_rate: int | None = None
    cost_rate: int | None = None
    member_ids: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Task(Audit):
    """A task of one project; status is ACTIVE or DONE."""

    id: str
    project_id: str
    name: str
    status: str = "ACTIVE"
    billable: bool = True
    assignee_ids: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()
    estimate_seconds: int | None = None


@dataclass(slots=True, kw_only=True)
class Tag(Audit):
    """A tag of the workspace."""

    id: str
    name: str
    archived: bool = False


@dataclass(slots=True, kw_only=True)
class UserGroup(Audit):
    """A group of users, and the team managers in charge of them."""

    id: str
    name: str
    user_ids: tuple[str, ...] = ()
    manager_ids: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class CustomField(Audit):
    """
    A custom field of time entries; type is TXT, NUMBER, DROPDOWN_SINGLE, CHECKBOX, LINK, ...

    :param project_defaults: project id, status and value of each project that differs from the workspace.
    """

    id: str
    name: str
    type: str = "TXT"
    status: str = "VISIBLE"
    required: bool = False
    entity_type: str = "TIMEENTRY"
    allowed_values: tuple[str, ...] = ()
    description: str | None = None
    default_value: Any = None
    project_defaults: tuple[tuple[str, str, Any], ...] = ()


@dataclass(slots=True, kw_only=True)
class TimeEntry(Audit):
    """
    A time entry. Treat it as a value: a workspace replaces the object when the entry changes.

    :param start: epoch seconds, UTC.
    :param end: epoch seconds, UTC; None is a running timer.
    :param tag_ids: None and an empty tuple both mean no tags, the service shows both.
    :param hourly_rate: minor units per hour that were valid at the start of the entry.
    :param custom_values: pairs of custom-field id and value.
    """

    id: str
    user_id: str
    start: int
    end: int | None
    description: str = ""
    project_id: str | None = None
    task_id: str | None = None
    tag_ids: tuple[str, ...] | None = None
    billable: bool = False
    type: str = "REGULAR"
    locked: bool = False
    hourly_rate: int = 0
    cost_rate: int = 0
    currency: str = "EUR"
    custom_values: tuple[tuple[str, Any], ...] = ()
    approval_request_id: str | None = None
    invoice_id: str | None = None

    @property
    def seconds(self) -> int:
        """Duration in seconds, 0 while the timer runs."""
        return 0 if self.end is None else self.end - self.start


@dataclass(slots=True, kw_only=True)
class SharedReport(Audit):
    """
    A saved report that its author shows to people and groups; type is DETAILED, SUMMARY, WEEKLY, ...

    :param filter: the body of the report that was saved.
    """

    id: str
    name: str
    author_id: str
    type: str = "DETAILED"
    public: bool = False
    fixed_date: bool = False
    user_ids: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()
    filter: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class WorkspaceSettings:
    """
    Settings of the workspace that change what its services answer.

    :param only_admins_see_all_time_entries: other keys silently get their owner's entries only.
    :param only_admins_see_billable_rates: other keys get 403 for a report with amounts.
    :param only_admins_create_projects: other keys get 403 for a new project or client; so with tags and tasks.
    :param round_mode: UP, DOWN or NEAREST; used by reports that ask for ``rounding``.
    """

    only_admins_see_all_time_entries: bool = False
    only_admins_see_billable_rates: bool = False
    only_admins_create_projects: bool = False
    only_admins_create_tags: bool = False
    only_admins_create_tasks: bool = False
    time_rounding_in_reports: bool = False
    round_mode: str = "NEAREST"
    round_minutes: int = 15
    force_projects: bool = False
    force_tasks: bool = False
    force_tags: bool = False
    force_description: bool = False


@dataclass(slots=True, kw_only=True)
class Deletion:
    """A row of the deletion bin: what was deleted, when (epoch seconds), and its last state."""

    id: str
    document_type: str
    deleted_at: int
    document: Any


@dataclass(slots=True, kw_only=True)
class Truth:
    """The finished entries of a window, known from the data and not from the service."""

    ids: list[str]
    seconds: int
    amounts: Mapping[str, float] = field(default_factory=dict)
