# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Read the body that all reports share and choose the time entries it asks for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.testing.answers.documents import currency_id
from airflow_provider_clockify.testing.answers.report_rows import Style
from airflow_provider_clockify.testing.exchange import (
    ApiError,
    Request,
    choice,
    domain_error,
    flag,
    integer,
    unreadable_body,
)
from airflow_provider_clockify.testing.report_routes.field_filters import field_tests
from airflow_provider_clockify.testing.report_routes.relative_ranges import (
    RANGE_TYPES,
    WEEK_DAYS,
    midnight_ms,
    relative_range,
)
from airflow_provider_clockify.testing.workspace.kinds import TimeEntry
from airflow_provider_clockify.testing.workspace.times import load_zone, parse_wall_clock, wall_clock_in_zone

if TYPE_CHECKING:
    from datetime import tzinfo

    from airflow_provider_clockify.testing.workspace.data import EmulatedWorkspace

COMMON_FIELDS = frozenset(
    {
        "amountShown",
        "amounts",
        "approvalState",
        "archived",
        "billable",
        "clients",
        "currency",
        "customFields",
        "dateFormat",
        "dateRangeEnd",
        "dateRangeStart",
        "dateRangeType",
        "description",
        "exportType",
        "invoicingState",
        "projects",
        "rounding",
        "sortOrder",
        "tags",
        "tasks",
        "timeFormat",
        "timeZone",
        "userCustomFields",
        "userGroups",
        "userLocale",
        "users",
        "weekStart",
        "withoutDescription",
        "zoomLevel",
    }
)
AMOUNT_TYPES = ("EARNED", "COST", "PROFIT", "HIDE_AMOUNT", "EXPORT")
_CONTAINS = ("CONTAINS", "DOES_NOT_CONTAIN", "CONTAINS_ONLY")
_ENTITY_STATUS = ("ACTIVE", "ARCHIVED", "ALL")
_USER_STATUS = ("ALL", "ACTIVE_WITH_PENDING", "ACTIVE", "PENDING", "INACTIVE")
_FILE_TYPES = ("CSV", "XLSX", "PDF")
_EXPORT_TYPES = ("JSON", "JSON_V1", *_FILE_TYPES, "ZIP")
_FREE_RANGE_MS = 31 * 86_400_000

Predicate = Callable[[TimeEntry], bool]
# Of anything with the people, projects and states that entries have.
WorkPredicate = Callable[[Any], bool]


@dataclass(slots=True, kw_only=True)
class ReportQuery:
    """
    What a report request asks for, apart from the filter of its kind.

    :param first_ms: first instant of the range, epoch milliseconds.
    :param last_ms: last instant of the range, inclusive.
    :param first_wall_ms: the given start as wall clock, milliseconds since 1970-01-01T00:00:00.
    :param last_wall_ms: the given end as wall clock.
    :param zone: zone in which the bounds were read and in which timestamps are written.
    :param amount_types: the first one is ``amountShown``.
    """

    first_ms: int
    last_ms: int
    first_wall_ms: int
    last_wall_ms: int
    zone: tzinfo
    descending: bool
    rounding: bool
    export_type: str
    amount_types: tuple[str, ...]
    body: dict[str, Any]

    @property
    def is_file(self) -> bool:
        """Whether a file is wanted instead of JSON."""
        return self.export_type in _FILE_TYPES

    @property
    def style(self) -> Style:
        """The style in which the answer is wanted."""
        return Style(self.zone, self.rounding, self.amount_types)


def read_report_query(
    request: Request,
    body: dict[str, Any],
    filter_name: str | None,
    label: str,
    known: Collection[str] = COMMON_FIELDS,
) -> ReportQuery:
    """
    Check the common part of a report body and that the filter of the kind, if it has one, is there.

    Bounds are wall clock in ``timeZone``, by default the profile zone of the caller; a ``Z`` or an offset in
    them does not count (observed 2026-08-08). Chosen where nothing was recorded: a bound that clocks of the zone
    show twice means the earlier instant, and one that they skip is moved forward by the gap, as ``ZonedDateTime``
    of Java does; the 31 days of Free (Clockify OpenAPI) are counted between the bounds as they are written, so
    that a month of 31 days fits in any zone; a relative ``dateRangeType`` counts, and not the bounds, which are
    required nevertheless. CSV and XLSX need a paid plan (Clockify help centre 2026), ZIP
    timed out in trials (reported) and is refused here, and JSON_V1 is taken for JSON.

    :param known: fields that the report has in common with the others.
    """
    bounds = [_bound(body, name) for name in ("dateRangeStart", "dateRangeEnd")]
    range_type = choice(body, "dateRangeType", RANGE_TYPES, "ABSOLUTE")
    if filter_name is not None:
        if not isinstance(body.get(filter_name), dict):
            raise domain_error(f"Please provide {label} filter.")
        for name in ("page", "pageSize"):
            if name in body:
                raise domain_error(f"{name} is not a field of the {label} report but of its {filter_name}")
    zone_name = body.get("timeZone") or request.caller.user.time_zone
    try:
        zone = load_zone(str(zone_name))
    except ValueError as error:
        raise unreadable_body(str(error)) from None
    if range_type != "ABSOLUTE":
        today = request.behaviour.now().astimezone(zone).date()
        first, behind = relative_range(range_type, today, choice(body, "weekStart", WEEK_DAYS, "MONDAY"))
        bounds = [midnight_ms(first), midnight_ms(behind) - 1]
    if bounds[0] > bounds[1]:
        raise domain_error("Start date must be before end date")
    if request.workspace.is_free and bounds[1] - bounds[0] > _FREE_RANGE_MS:
        raise domain_error("Date range is limited to 31 days on the Free plan")
    export_type = choice(body, "exportType", _EXPORT_TYPES, "JSON")
    if request.workspace.is_free and export_type in ("CSV", "XLSX"):
        raise ApiError(403, 403, f"{export_type} export is not available on the Free plan")
    if export_type == "ZIP":
        raise domain_error("ZIP export is not supported for this report")
    return ReportQuery(
        first_ms=wall_clock_in_zone(bounds[0], zone),
        last_ms=wall_clock_in_zone(bounds[1], zone),
        first_wall_ms=bounds[0],
        last_wall_ms=bounds[1],
        zone=zone,
        descending=choice(body, "sortOrder", ("ASCENDING", "DESCENDING"), "DESCENDING") == "DESCENDING",
        rounding=flag(body, "rounding") or False,
        export_type=export_type,
        amount_types=_amount_types(request, body) if "amountShown" in known else ("HIDE_AMOUNT",),
        body=body,
    )


def _bound(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if value in (None, ""):
        raise ApiError(400, 400, f"getReport.request.{name}: Field {name} is required")
    try:
        return parse_wall_clock(str(value))
    except ValueError as error:
        raise unreadable_body(f"{name}: {error}") from None


def _amount_types(request: Request, body: Mapping[str, Any]) -> tuple[str, ...]:
    shown = choice(body, "amountShown", AMOUNT_TYPES, "EARNED")
    extra = body.get("amounts") or []
    if not isinstance(extra, list) or any(item not in AMOUNT_TYPES for item in extra):
        raise unreadable_body(f"amounts: not one of the values accepted: {list(AMOUNT_TYPES)}")
    wanted = tuple(dict.fromkeys((shown, *extra)))
    hidden = request.workspace.settings.only_admins_see_billable_rates and not request.caller.is_admin
    if hidden and wanted != ("HIDE_AMOUNT",):
        raise ApiError(403, 403, "You don't have permission to see amounts")
    return wanted


def select(
    request: Request, query: ReportQuery, audit: Mapping[str, Any], *, running: bool = False
) -> list[TimeEntry]:
    """
    Return the entries that start in the range and pass all filters, oldest start first.

    Selection is by the start of the entry, the end bound is inclusive with millisecond precision. A caller
    who is no administrator silently gets the own entries only when the workspace says so.

    :param audit: the ``auditFilter`` of the detailed report, empty for other reports.
    :param running: include running timers even if the service does not show them in most reports.
    """
    running = running or request.behaviour.report_running
    entries: Iterable[TimeEntry] = request.workspace.entries_between(query.first_ms, query.last_ms)
    if request.behaviour.select_overlapping:
        earlier = request.workspace.entries_between(0, query.first_ms - 1)
        entries = chain((each for each in earlier if each.end and each.end * 1000 > query.first_ms), entries)
    for test in _tests(request, query.body, audit):
        entries = filter(test, entries)
    if not running:
        entries = (entry for entry in entries if entry.end is not None)
    return list(entries)


def _tests(request: Request, body: Mapping[str, Any], audit: Mapping[str, Any]) -> Iterable[Predicate]:
    yield from work_tests(request, body)
    text = body.get("description")
    if text:
        needle = str(text).casefold()
        yield lambda entry: needle in entry.description.casefold()
    if flag(body, "withoutDescription"):
        yield lambda entry: not entry.description
    if flag(audit, "withoutProject"):
        yield lambda entry: entry.project_id is None
    if flag(audit, "withoutTask"):
        yield lambda entry: entry.task_id is None
    workspace = request.workspace
    limit = integer(audit, "duration", 0) * 3600
    if limit:
        # Its unit is not documented; the web app asks for hours.
        shorter = flag(audit, "durationShorter") or False
        yield lambda entry: entry.seconds < limit if shorter else entry.seconds > limit
    yield from field_tests(workspace, body)
    yield from currency_tests(workspace, body, lambda entry: entry.currency)
    tags = _filter(body, "tags")
    if tags is not None:
        yield from _membership(tags, lambda entry: frozenset(entry.tag_ids or ()), _archived(workspace.tags))


def work_tests(request: Request, body: Mapping[str, Any]) -> Iterable[WorkPredicate]:
    """Yield the tests that reports of time and of expenses share: who sees what, and the common filters."""
    workspace = request.workspace
    if workspace.settings.only_admins_see_all_time_entries and not request.caller.is_admin:
        own = request.caller.user.id
        yield lambda entry: entry.user_id == own
    billable = flag(body, "billable")
    if billable is not None:
        yield lambda entry: entry.billable is billable
    approval = choice(body, "approvalState", ("APPROVED", "UNAPPROVED", "ALL"), "ALL")
    if approval != "ALL":
        yield lambda entry: (entry.approval_request_id is not None) is (approval == "APPROVED")
    invoicing = choice(body, "invoicingState", ("INVOICED", "UNINVOICED", "ALL"), "ALL")
    if invoicing != "ALL":
        yield lambda entry: (entry.invoice_id is not None) is (invoicing == "INVOICED")
    yield from _entity_tests(workspace, body)
    yield from _user_tests(workspace, body)


def membership_tests(
    body: Mapping[str, Any], name: str, key_of: Callable[[Any], str | None], table: Mapping[str, Any]
) -> Iterable[WorkPredicate]:
    """Yield the tests of the ``{ids, contains, status}`` filter on things that may be archived."""
    given = _filter(body, name)
    if given is not None:
        yield from _membership(given, _one_key(key_of), _archived(table))


def currency_tests(
    workspace: EmulatedWorkspace, body: Mapping[str, Any], code_of: Callable[[Any], str]
) -> Iterable[WorkPredicate]:
    """Yield the tests of the filter ``currency``, whose ids are those of the currencies of the workspace."""
    given = _filter(body, "currency")
    if given is not None:
        key_of = _one_key(lambda entry: currency_id(workspace, code_of(entry)))
        yield from _membership(given, key_of, frozenset())


def _archived(table: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(key for key, entity in table.items() if entity.archived)


def _entity_tests(workspace: EmulatedWorkspace, body: Mapping[str, Any]) -> Iterable[WorkPredicate]:
    def client_of(entry: Any) -> str | None:
        project = workspace.projects.get(entry.project_id or "")
        return project.client_id if project else None

    yield from membership_tests(body, "projects", lambda entry: entry.project_id, workspace.projects)
    yield from membership_tests(body, "clients", client_of, workspace.clients)
    given = _filter(body, "tasks")
    if given is not None:
        done = frozenset(task.id for task in workspace.tasks.values() if task.status == "DONE")
        yield from _membership(given, _one_key(lambda entry: entry.task_id), done)


def _filter(body: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    given = body.get(name)
    if given is None:
        return None
    ids = given.get("ids") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not (ids is None or isinstance(ids, list)):
        raise unreadable_body(f"{name}: an object with ids, contains and status is expected")
    return given


def _one_key(key_of: Callable[[Any], str | None]) -> Callable[[Any], frozenset[str]]:
    def keys_of(entry: Any) -> frozenset[str]:
        key = key_of(entry)
        return frozenset() if key is None else frozenset({key})

    return keys_of


def _membership(
    given: Mapping[str, Any], keys_of: Callable[[Any], frozenset[str]], inactive: frozenset[str]
) -> Iterable[WorkPredicate]:
    """
    Yield the tests of one ``{ids, contains, status}`` filter.

    Without a status archived things count as not asked for: their entries drop out without a word.
    """
    status = choice(given, "status", _ENTITY_STATUS, "ACTIVE")
    if status == "ACTIVE":
        yield lambda entry: not keys_of(entry) & inactive
    elif status == "ARCHIVED":
        yield lambda entry: bool(keys_of(entry) & inactive)
    mode = choice(given, "contains", _CONTAINS, "CONTAINS")
    mode = choice(given, "containedInTimeentry", _CONTAINS, mode)
    ids = frozenset(given.get("ids") or ())
    if not ids:
        return
    if mode == "CONTAINS":
        yield lambda entry: bool(keys_of(entry) & ids)
    elif mode == "DOES_NOT_CONTAIN":
        yield lambda entry: not keys_of(entry) & ids
    else:
        yield lambda entry: bool(keys_of(entry)) and keys_of(entry) <= ids


def _user_tests(workspace: EmulatedWorkspace, body: Mapping[str, Any]) -> Iterable[WorkPredicate]:
    users = _filter(body, "users")
    if users is not None:
        yield from _people(workspace, users, frozenset(users.get("ids") or ()))
    groups = _filter(body, "userGroups")
    if groups is not None:
        members = [
            workspace.user_groups[group_id].user_ids
            for group_id in groups.get("ids") or ()
            if group_id in workspace.user_groups
        ]
        yield from _people(workspace, groups, frozenset(user for ids in members for user in ids))


def _people(
    workspace: EmulatedWorkspace, given: Mapping[str, Any], members: frozenset[str]
) -> Iterable[WorkPredicate]:
    """Yield the tests of a filter on people; ids without ``contains`` and ``status`` match nobody."""
    if given.get("ids") and not (given.get("contains") and given.get("status")):
        yield lambda entry: False
        return
    status = choice(given, "status", _USER_STATUS, "ACTIVE")
    accepted = {"ALL": None, "ACTIVE_WITH_PENDING": ("ACTIVE", "PENDING")}.get(status, (status,))
    if accepted is not None:
        shown = frozenset(user.id for user in workspace.users.values() if user.membership_status in accepted)
        yield lambda entry: entry.user_id in shown
    mode = choice(given, "contains", _CONTAINS, "CONTAINS")
    if given.get("ids"):
        yield lambda entry: (entry.user_id in members) is (mode != "DOES_NOT_CONTAIN")
