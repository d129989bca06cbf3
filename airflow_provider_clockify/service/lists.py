# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The lists and entities of the service, as one table: a new list is a row.

Names of operations, parameters and page parameters follow the Clockify OpenAPI description. A wrong spelling is
ignored by the service without a sign, so nothing outside this table names a parameter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyResponseError
from airflow_provider_clockify.rendered import container_of, flag_of
from airflow_provider_clockify.service.messages import ApiRequest, Method, ParamValue, Service, path
from airflow_provider_clockify.service.values import at, day_or_instant, instant, shown, window_between
from airflow_provider_clockify.window import parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from airflow_provider_clockify.window import Window

# Filters of any list that are free text, whatever it looks like.
_TEXTS = frozenset({"description", "email", "name"})
# Filters of any list that are true or false.
_FLAGS = frozenset(
    {
        "archived",
        "billable",
        "contains_client",
        "contains_group",
        "contains_user",
        "hydrated",
        "in_progress",
        "include_roles",
        "include_team_managers",
        "is_active",
        "is_template",
        "project_required",
        "strict_name_search",
        "task_required",
    }
)
# The service re-reads a bound's UTC wall clock in the account's zone (assumption 28, observed 2026-08-08); offsets
# reach from -12 h to +14 h, and this much on both sides is right whichever way the shift goes.
WALL_CLOCK_MARGIN = timedelta(hours=14)

Path = tuple[str, ...]
Item = dict[str, Any]
_BY_ID: Mapping[str, ParamValue] = {"sort-column": "ID", "sort-order": "ASCENDING"}


@dataclass(frozen=True, slots=True)
class Resource:
    """
    One list of the service.

    :param operation: Operation name of the API.
    :param parts: Path segments below the workspace; ``{name}`` stands for an argument.
    :param page_size: Rows asked for per page, the maximum of the endpoint; ``None`` where it ignores paging and
        must be asked once.
    :param filters: Filter names of this package to names on the wire.
    :param required: Filters that the service refuses to miss.
    :param instants: Filters that are points in time.
    :param choices: Values of filters that the service answers a wrong one of with a 500.
    :param durations: Where items hold ISO 8601 durations; they are turned into seconds.
    :param everything: Filters with which the list leaves nothing out, where its defaults do, or may.
    :param order: Parameters that give an append-only order, so that rows added while paging land at the end.
    :param items: Where the items lie in the answer; empty for a bare array.
    :param count: Where the answer says how many items there are. Some lists mean all, some those of the page; both
        are less than what was received only when something is missing.
    :param counts_all: Whether that is documented as the count of all; such a list needs no empty page to end.
    :param item_id: Where an item has its id.
    :param moment: Where an item has the instant that decides whether it is in a window.
    :param day: Where it has the day that does, or an instant; a day stands for its midnight UTC.
    :param period: Where it has the ``start`` and ``end`` that do, as days or instants.
    :param owner: Where it has the id of the user whose it is.
    :param smaller_pages: Page sizes for filters that make items large.
    :param page_names: Names of page and page size.
    :param method: A ``POST`` takes filters and page in its body.
    :param service: ``core`` or ``reports``.
    :param in_workspace: Whether the path begins with the workspace.
    """

    operation: str
    parts: Path
    page_size: int | None = 5000
    filters: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    instants: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    durations: tuple[Path, ...] = ()
    everything: Mapping[str, Any] = field(default_factory=dict)
    order: Mapping[str, ParamValue] = field(default_factory=dict)
    items: Path = ()
    count: Path = ()
    counts_all: bool = False
    item_id: Path = ("id",)
    moment: Path = ()
    day: Path = ()
    period: Path = ()
    owner: Path = ()
    smaller_pages: Mapping[str, int] = field(default_factory=dict)
    page_names: tuple[str, str] = ("page", "page-size")
    method: Method = "GET"
    service: Service = "core"
    in_workspace: bool = True

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the path's arguments, besides the workspace."""
        return tuple(part[1:-1] for part in self.parts if part.startswith("{"))

    def request(self, filters: Mapping[str, Any] | None = None, **arguments: str) -> ApiRequest:
        """
        Build the request of the list, without page parameters.

        :param filters: Filter values by the names of this package; ``None`` values are left out.
        :param arguments: Values for the path.
        :raises ClockifyConfigError: a filter is unknown, missing or of the wrong type.
        """
        given = {name: value for name, value in (filters or {}).items() if value is not None}
        for name in filters or {}:
            if name not in self.filters:
                raise ClockifyConfigError(_unknown_filter(self.operation, name, self.filters))
        missing = [name for name in self.required if name not in given]
        if missing:
            raise ClockifyConfigError(f"{self.operation} needs the filters {' and '.join(missing)}.")
        values: dict[str, ParamValue] = dict(self.order)
        values.update({self.filters[name]: self._value(name, value) for name, value in given.items()})
        parts = (("workspaces", "{workspace_id}") if self.in_workspace else ()) + self.parts
        where = path(*(part.format(**arguments) for part in parts))
        if self.method == "POST":
            return ApiRequest(self.operation, self.service, self.method, where, json=values)
        return ApiRequest(self.operation, self.service, self.method, where, values)

    def bounds(self, window: Window) -> dict[str, datetime]:
        """
        Return filters for the items of a window, in whichever time zone the service reads them; whole seconds.

        More than the window is asked for: keep of the answer what :meth:`is_in` accepts. Empty where the service
        ignores dates.
        """
        if "start" not in self.filters:
            return {}
        second = timedelta(seconds=1)
        return {"start": window.start - WALL_CLOCK_MARGIN, "end": window.end + WALL_CLOCK_MARGIN + second}

    def is_in(self, item: Mapping[str, Any], window: Window) -> bool:
        """
        Tell whether an item belongs to a window.

        Whether the end of a period belongs to it is not documented: one that touches the window counts.

        :raises LookupError: it does not say when it is; or TypeError, where it says it in another shape.
        :raises ClockifyResponseError: it says it, and cannot be read.
        """
        item_id = at(item, self.item_id)
        if self.moment:
            return instant(_there(item, self.moment), item_id) in window
        if self.day:
            return day_or_instant(_there(item, self.day), item_id) in window
        start, end = (
            day_or_instant(_there(item, (*self.period, name)), item_id) for name in ("start", "end")
        )
        return start < window.end and end >= window.start

    def page(self, request: ApiRequest, number: int, size: int) -> ApiRequest:
        """
        Ask for one page.

        :param request: What :meth:`request` built.
        :param number: Number of the page, from 1.
        :param size: Rows.
        """
        return request.with_values(dict(zip(self.page_names, (number, size), strict=True)))

    def rows_per_page(self, filters: Mapping[str, Any] | None = None) -> int | None:
        """Return the page size for these filters, ``None`` for a list without pages."""
        sizes = [
            size
            for name, size in self.smaller_pages.items()
            if flag_of((filters or {}).get(name)) not in (None, False, "NONE")
        ]
        return min([self.page_size, *sizes]) if self.page_size is not None else None

    def _value(self, name: str, value: Any) -> ParamValue:
        if name in self.instants:
            return _seconds(parse_instant(value, name))
        if name in self.choices and value not in self.choices[name]:
            raise ClockifyConfigError(
                f"Filter {name}={value!r} of {self.operation}: use one of {', '.join(self.choices[name])}."
            )
        if name in _FLAGS and isinstance(value, str):
            flag = flag_of(value)
            if isinstance(flag, str):
                raise ClockifyConfigError(
                    f"Filter {name}={value!r} of {self.operation}: it must be True or False."
                )
            return bool(flag)
        return param_value(
            f"Filter {name}", container_of(f"filters[{name!r}]", value) if name not in _TEXTS else value
        )


def _there(item: Any, place: Path) -> Any:
    for key in place:
        item = item[key]
    return item


def _named(*filters: str, **others: str) -> Mapping[str, str]:
    """Return names on the wire by ours: with hyphens for our underscores, but for the others."""
    return {name: name.replace("_", "-") for name in filters} | others


_ENTRY_DURATIONS: tuple[Path, ...] = (
    ("timeInterval", "duration"),
    ("project", "duration"),
    ("project", "timeEstimate", "estimate"),
    ("project", "estimate", "estimate"),
    ("task", "estimate"),
    ("task", "duration"),
)

WORKSPACES = Resource(
    "getWorkspacesOfUser", ("workspaces",), page_size=None, filters=_named("roles"), in_workspace=False
)
USERS = Resource(
    "getUsersOfWorkspace",
    ("users",),
    filters=_named(
        "email", "name", "project_id", "status", "account_statuses", "memberships", "include_roles"
    ),
    # Without them LIMITED and deleted accounts are left out (Clockify OpenAPI, which has these six).
    everything={
        "status": "ALL",
        "account_statuses": (
            "ACTIVE",
            "PENDING_EMAIL_VERIFICATION",
            "DELETED",
            "NOT_REGISTERED",
            "LIMITED",
            "LIMITED_DELETED",
        ),
    },
    order=_BY_ID,
    # A user with all memberships was seen to take 70 KB (observed 2026-05-21).
    smaller_pages={"memberships": 500},
)
PROJECTS = Resource(
    "getProjects",
    ("projects",),
    filters=_named(
        "name",
        "strict_name_search",
        "archived",
        "billable",
        "clients",
        "contains_client",
        "client_status",
        "users",
        "contains_user",
        "user_status",
        "contains_group",
        "is_template",
        "access",
        "hydrated",
        "expense_limit",
        "expense_date",
        user_groups="userGroups",
    ),
    durations=(
        ("duration",),
        ("timeEstimate", "estimate"),
        ("estimate", "estimate"),
        ("tasks", "estimate"),
        ("tasks", "duration"),
    ),
    order=_BY_ID,
    smaller_pages={"hydrated": 1000},
)
TIME_ENTRIES = Resource(
    "getTimeEntries",
    ("user", "{user_id}", "time-entries"),
    filters=_named(
        "description",
        "project",
        "task",
        "tags",
        "project_required",
        "task_required",
        "in_progress",
        "hydrated",
        "start",
        "end",
    ),
    instants=("start", "end"),
    durations=_ENTRY_DURATIONS,
    moment=("timeInterval", "start"),
)
BALANCES_OF_USER = Resource(
    "getBalancesForUser",
    ("time-off", "balance", "user", "{user_id}"),
    page_size=200,
    items=("balances",),
    count=("count",),
)

# Every list by its public name: that of the hook's method, without "iter_".
LISTS: Mapping[str, Resource] = {
    "workspaces": WORKSPACES,
    "users": USERS,
    "projects": PROJECTS,
    "time_entries": TIME_ENTRIES,
    "user_groups": Resource(
        "getUserGroups",
        ("user-groups",),
        filters=_named("project_id", "name", include_team_managers="includeTeamManagers"),
        order=_BY_ID,
    ),
    "clients": Resource("getClients", ("clients",), filters=_named("name", "archived")),
    "tasks": Resource(
        "getTasks",
        ("projects", "{project_id}", "tasks"),
        filters=_named("name", "strict_name_search", "is_active"),
        durations=(("estimate",), ("duration",)),
        order=_BY_ID,
    ),
    "tags": Resource(
        "getTags",
        ("tags",),
        filters=_named("name", "strict_name_search", "excluded_ids", "archived"),
        order=_BY_ID,
    ),
    "custom_fields": Resource(
        "ofWorkspace",
        ("custom-fields",),
        page_size=None,
        filters=_named("name", "status", "entity_type"),
    ),
    "project_custom_fields": Resource(
        "getCustomFieldsOfProject",
        ("projects", "{project_id}", "custom-fields"),
        page_size=None,
        filters=_named("status", "entity_type"),
    ),
    "in_progress_time_entries": Resource(
        "getInProgressTimeEntries",
        ("time-entries", "status", "in-progress"),
        page_size=1000,
        durations=_ENTRY_DURATIONS,
    ),
    "expenses": Resource(
        "getExpenses",
        ("expenses",),
        filters=_named("user_id"),
        day=("date",),
        items=("expenses", "expenses"),
        count=("expenses", "count"),
    ),
    "expense_categories": Resource(
        "getCategories",
        ("expenses", "categories"),
        filters=_named("name", "archived"),
        items=("categories",),
        count=("count",),
    ),
    "invoices": Resource(
        "getInvoices",
        ("invoices",),
        filters=_named("statuses"),
        order=_BY_ID,
        items=("invoices",),
        count=("total",),
        counts_all=True,
    ),
    "invoice_payments": Resource("getPaymentsForInvoice", ("invoices", "{invoice_id}", "payments")),
    # They come with the whole invoice, which is one request.
    "invoice_items": Resource("getInvoice", ("invoices", "{invoice_id}"), page_size=None, items=("items",)),
    "holidays": Resource("getHolidays", ("holidays",), page_size=None, filters=_named("assigned_to")),
    "holidays_in_period": Resource(
        "getHolidaysInPeriod",
        ("holidays", "in-period"),
        page_size=None,
        filters=_named("assigned_to", "start", "end"),
        required=("assigned_to", "start", "end"),
        instants=("start", "end"),
    ),
    "time_off_requests": Resource(
        "getTimeOffRequest",
        ("time-off", "requests"),
        method="POST",
        page_size=200,
        page_names=("page", "pageSize"),
        filters=_named("start", "end", "statuses", "users", user_groups="userGroups"),
        instants=("start", "end"),
        everything={"statuses": ("ALL",)},
        moment=("createdAt",),
        items=("requests",),
        count=("count",),
        counts_all=True,
    ),
    "time_off_policies": Resource(
        "findPoliciesForWorkspace",
        ("time-off", "policies"),
        page_size=200,
        filters=_named("name", "status"),
        everything={"status": "ALL"},
    ),
    "time_off_balances": Resource(
        "getBalancesForPolicy",
        ("time-off", "balance", "policy", "{policy_id}"),
        page_size=200,
        items=("balances",),
        count=("count",),
    ),
    "approval_requests": Resource(
        "getApprovalRequests",
        ("approval-requests",),
        # Items embed the entries and expenses of their whole period.
        page_size=200,
        filters=_named("status", "types"),
        durations=(
            ("approvedTime",),
            ("pendingTime",),
            ("trackedTime",),
            ("billableTime",),
            ("breakTime",),
            ("entries", "timeInterval", "duration"),
        ),
        order=_BY_ID,
        item_id=("approvalRequest", "id"),
        period=("approvalRequest", "dateRange"),
        owner=("approvalRequest", "owner", "userId"),
    ),
    "assignments": Resource(
        "getAllAssignments",
        ("scheduling", "assignments", "all"),
        filters=_named("name", "start", "end"),
        required=("start", "end"),
        instants=("start", "end"),
        order=_BY_ID,
        period=("period",),
    ),
    "webhooks": Resource(
        "getWebhooks",
        ("webhooks",),
        page_size=None,
        filters=_named("type"),
        # SYSTEM is in the description, and answered with a 500 (observed 2026-08).
        choices={"type": ("USER_CREATED", "ADDON")},
        items=("webhooks",),
    ),
    "shared_reports": Resource(
        "getSharedReportsV1",
        ("shared-reports",),
        service="reports",
        # No maximum is known, so its default is asked for.
        page_size=50,
        page_names=("page", "pageSize"),
        filters=_named(shared_reports_filter="sharedReportsFilter"),
        choices={"shared_reports_filter": ("ALL", "CREATED_BY_ME", "SHARED_WITH_ME", "ALL_ADMIN")},
        items=("reports",),
        count=("count",),
    ),
}


# Single items, and files, by what the hook's methods call them.
ITEMS: Mapping[str, Resource] = {
    "client": Resource("getClient", ("clients", "{client_id}"), page_size=None),
    "invoice": Resource("getInvoice", ("invoices", "{invoice_id}"), page_size=None),
    "tag": Resource("getTag", ("tags", "{tag_id}"), page_size=None),
    "task": Resource(
        "getTask",
        ("projects", "{project_id}", "tasks", "{clockify_task_id}"),
        page_size=None,
        durations=LISTS["tasks"].durations,
    ),
    "receipt": Resource("downloadFile", ("expenses", "{expense_id}", "files", "{file_id}"), page_size=None),
    "invoice_pdf": Resource(
        "exportInvoice",
        ("invoices", "{invoice_id}", "export"),
        page_size=None,
        filters={"locale": "userLocale"},
        required=("locale",),
    ),
}


def resource(name: str) -> Resource:
    """
    Find a list by its public name.

    :raises ClockifyConfigError: there is none; the message names the nearest.
    """
    if name in LISTS:
        return LISTS[name]
    close = get_close_matches(str(name), LISTS, 1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ClockifyConfigError(f"There is no list {name!r}.{hint} Use one of: {', '.join(sorted(LISTS))}.")


def chosen(
    items: Iterable[Item], found: Resource, window: Window | None, owners: Iterable[str] | None
) -> Iterator[Item]:
    """
    Return the items of a window and of some users, where the service cannot be trusted to choose them.

    :param items: Items of the list.
    :param found: The list.
    :param window: What they must be in, if anything.
    :param owners: Ids of users, whose they must be, if anybody's.
    :raises ClockifyConfigError: at once: the users are not a list.
    :raises ClockifyResponseError: an item does not say when it is, or whose.
    """
    if isinstance(owners, str):
        raise ClockifyConfigError(f"user_ids={owners!r}: give a list of ids.")
    users = None if owners is None else frozenset(owners)

    def wanted(item: Item) -> bool:
        try:
            return (users is None or _there(item, found.owner) in users) and (
                window is None or found.is_in(item, window)
            )
        except (LookupError, TypeError, AttributeError) as error:
            raise ClockifyResponseError(
                f"Item {shown(at(item, found.item_id))} does not say when it is or whose ({error!r}), so that it can "
                "neither be kept nor left out. The service may have changed; please report it."
            ) from error

    return filter(wanted, items)


def logged_user() -> ApiRequest:
    """Ask who the key belongs to: id, e-mail, active workspace, profile time zone."""
    return ApiRequest("getLoggedUser", "core", "GET", path("user"))


def workspace(workspace_id: str) -> ApiRequest:
    """Ask for one workspace."""
    return ApiRequest("getWorkspaceOfUser", "core", "GET", path("workspaces", workspace_id))


def project(workspace_id: str, project_id: str, *, hydrated: bool) -> ApiRequest:
    """Ask for one project; ``hydrated`` adds memberships, tasks and custom fields."""
    return ApiRequest(
        "getProject",
        "core",
        "GET",
        path("workspaces", workspace_id, "projects", project_id),
        {"hydrated": hydrated},
    )


def member_profile(workspace_id: str, user_id: str) -> ApiRequest:
    """Ask for the working days and the capacity of a member."""
    return ApiRequest(
        "getMemberProfile", "core", "GET", path("workspaces", workspace_id, "member-profile", user_id)
    )


def new_time_entry(
    workspace_id: str,
    *,
    start: datetime | str,
    end: datetime | str | None,
    user_id: str | None,
    description: str | None,
    project_id: str | None,
    clockify_task_id: str | None,
    tag_ids: list[str] | None,
    billable: bool | None,
    entry_type: str | None,
    custom_fields: Mapping[str, Any] | list[Mapping[str, Any]] | None,
) -> ApiRequest:
    """
    Create a time entry; never repeated after an ambiguous failure, since the service has no idempotency key.

    Custom fields go under the write key ``customFields``; the read key is accepted and dropped (observed 2026-08-08).
    """
    first = parse_instant(start, "start")
    body: dict[str, Any] = {"start": _seconds(first)}
    optional: dict[str, Any] = {
        "end": None if end is None else _seconds(window_between(first, end).end),
        "description": description,
        "projectId": project_id,
        "taskId": clockify_task_id,
        "tagIds": container_of("tag_ids", tag_ids),
        "billable": billable,
        "type": entry_type,
        "customFields": _custom_fields(container_of("custom_fields", custom_fields)),
    }
    body.update({name: value for name, value in optional.items() if value is not None})
    if user_id is None:
        where, operation = path("workspaces", workspace_id, "time-entries"), "createTimeEntry"
    else:
        where = path("workspaces", workspace_id, "user", user_id, "time-entries")
        operation = "createForOthers"
    return ApiRequest(operation, "core", "POST", where, json=body, idempotent=False)


def _custom_fields(
    values: Mapping[str, Any] | list[Mapping[str, Any]] | None,
) -> list[Mapping[str, Any]] | None:
    if values is None or isinstance(values, list):
        return values
    return [
        {"customFieldId": field_id, "sourceType": "TIMEENTRY", "value": value}
        for field_id, value in values.items()
    ]


def _seconds(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def param_value(what: str, value: Any) -> ParamValue:
    """
    Check what goes into a query.

    :param what: What the value is called in the message.
    :param value: Text, a number, a bool or several texts.
    :raises ClockifyConfigError: it is none of them.
    """
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(item, str) for item in value):
        return sorted(value) if isinstance(value, (set, frozenset)) else list(value)
    raise ClockifyConfigError(f"{what}={value!r}: give text, a number, a bool or a list of texts.")


def _unknown_filter(operation: str, name: str, known: Mapping[str, str]) -> str:
    close = get_close_matches(name, known, 1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"{operation} has no filter {name!r}.{hint} It has: {', '.join(sorted(known)) or 'none'}."
