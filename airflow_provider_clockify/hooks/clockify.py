# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The hook: from an Airflow connection to everything that Clockify lists, reports and takes."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import IO, TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow_provider_clockify._compat import BaseHook, mask_secret
from airflow_provider_clockify.connection import (
    ADDON_TOKEN_AUTH,
    CONN_TYPE,
    DEFAULT_CONN_ID,
    ClockifySettings,
    doubts_of_extra,
)
from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyError,
    ClockifyMissingConnectionError,
    ClockifyResponseError,
    ClockifyWindowError,
)
from airflow_provider_clockify.get_provider_info import FIELDS, HOOK_NAME, UI_FIELD_BEHAVIOUR
from airflow_provider_clockify.rendered import is_nothing, nothing_rendered
from airflow_provider_clockify.window import Window, parse_instant

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import tzinfo

    import requests

    from airflow_provider_clockify.reading.client import ClockifyClient
    from airflow_provider_clockify.service.lists import Resource
    from airflow_provider_clockify.service.messages import ApiRequest, Method, Service
    from airflow_provider_clockify.types import Change, EntityType, EntryType, ExportType, WeeklyGroup

__all__ = ["ClockifyHook"]

Item = dict[str, Any]

log = logging.getLogger(__name__)

_doubted: set[tuple[str, tuple[str, ...]]] = set()


class ClockifyHook(BaseHook):
    """
    Talk to Clockify with the key and region of a connection.

    Lists are lazy: a page is asked for when its first item is; arguments are checked at once. Every method raises the
    errors of :mod:`airflow_provider_clockify.exceptions`.

    :param clockify_conn_id: Connection of type ``clockify``.
    :param workspace_id: Workspace; by default the connection's, else the key's active one.
    """

    conn_name_attr = "clockify_conn_id"
    default_conn_name = DEFAULT_CONN_ID
    conn_type = CONN_TYPE
    hook_name = HOOK_NAME

    def __init__(
        self, clockify_conn_id: str = DEFAULT_CONN_ID, workspace_id: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.clockify_conn_id = clockify_conn_id
        self._workspace_id = workspace_id
        self._doubts: tuple[str, ...] = ()
        # Whether its user can give its slot back, and so need not wait here for a service that refuses requests.
        self.may_defer = False

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Describe the connection form to Airflow before 3.2; later versions read the provider's metadata."""
        return {
            "hidden_fields": UI_FIELD_BEHAVIOUR["hidden-fields"],
            "relabeling": UI_FIELD_BEHAVIOUR["relabeling"],
            "placeholders": UI_FIELD_BEHAVIOUR["placeholders"],
        }

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's own fields to Airflow before 3.2; later versions read the provider's metadata."""
        from airflow_provider_clockify._form import form_widgets

        return form_widgets(FIELDS)

    @cached_property
    def settings(self) -> ClockifySettings:
        """The connection, checked."""
        with reading_connection(self.clockify_conn_id):
            connection = self.get_connection(self.clockify_conn_id)
        settings = settings_from(self.clockify_conn_id, connection)
        self._doubts = doubts_of_extra(_extra(self.clockify_conn_id, connection.extra))
        # Airflow masks the password as it is stored; the key that is sent has no spaces around it. And of an extra it
        # masks only what sounds like a secret to it.
        mask_secret(str(settings.api_key))
        if settings.hash_salt:
            mask_secret(str(settings.hash_salt))
        return settings

    @cached_property
    def client(self) -> ClockifyClient:
        """The client behind this hook, without Airflow."""
        from airflow_provider_clockify.http.retry import policy_of
        from airflow_provider_clockify.http.transport import SyncTransport
        from airflow_provider_clockify.reading.client import ClockifyClient

        policy = policy_of(self.settings, may_defer=self.may_defer)
        return ClockifyClient(self.settings, SyncTransport(self.settings, policy=policy))

    @cached_property
    def workspace_id(self) -> str:
        """
        The workspace: the hook's, else the connection's, else the key's active one.

        The last costs one request per hook (``getLoggedUser``).
        """
        if is_nothing(self._workspace_id):
            raise ClockifyConfigError(
                f"{nothing_rendered('workspace_id', self._workspace_id)}, or give None for the workspace of the "
                "connection."
            )
        known = self._workspace_id or self.settings.workspace_id
        if known:
            return known
        user = self._logged_user
        active = user.get("activeWorkspace") or user.get("defaultWorkspace")
        if not active:
            raise ClockifyConfigError(
                f"Connection {self.clockify_conn_id!r} names no workspace and its key has no active one: set "
                "extra.workspace_id."
            )
        self.log.info(
            "No workspace id given: using %s, the active workspace of connection %r's key. Set workspace_id to save "
            "this request and to be independent of what its owner clicks.",
            active,
            self.clockify_conn_id,
        )
        return str(active)

    def require_admin(self) -> None:
        """
        Refuse a key that is not an owner's or admin's of the workspace (``getWorkspacesOfUser``, one request).

        An add-on token passes: its rights are the add-on's.

        :raises ClockifyConfigError: the key has neither role there.
        """
        if self.settings.auth_type == ADDON_TOKEN_AUTH:
            return
        roles = ["OWNER", "WORKSPACE_ADMIN"]
        if self.workspace_id not in {found.get("id") for found in self.iter_workspaces(roles=roles)}:
            raise ClockifyConfigError(
                f"Connection {self.clockify_conn_id!r}: its key is neither an owner's nor an admin's of workspace "
                f"{self.workspace_id}, so that the service leaves out other people's data without an error. Use the "
                "key of an owner or admin, or leave require_admin out."
            )

    @cached_property
    def _logged_user(self) -> Item:
        from airflow_provider_clockify.service.lists import logged_user

        return self.client.get(logged_user())

    def get_conn(self) -> requests.Session:
        """
        Return an authenticated session, for what :meth:`request` cannot send.

        It sends the key to the connection's hosts and to no other. Its requests are not retried, and do not count
        against the pace.
        """
        return self.client.transport.session

    def request(
        self,
        method: Method,
        path: str,
        *,
        service: Service = "core",
        params: Mapping[str, Any] | None = None,
        json: Any = None,
    ) -> Any:
        """
        Send a request of any operation that is not wrapped, with the pace, retries and errors of all others.

        A write (anything but a ``GET`` and the POSTs below ``reports/`` of the reports service) is sent once: after a
        failure that leaves open whether it took effect,
        :class:`~airflow_provider_clockify.exceptions.ClockifyWriteUnknownError` is raised instead of a second try.
        Lists are not read to their end: this is one request, and the answer is as the service sent it.

        :param method: ``GET``, ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
        :param path: Below the workspace, for example ``projects``; with a slash before it below the base of the
            service, for example ``/user``.
        :param service: ``core`` or ``reports``.
        :param params: Query parameters by the service's own names, for example ``{"page-size": 50}``; ``None`` is left
            out, and a list repeats the name.
        :param json: JSON body.
        :return: Decoded JSON; bytes where the answer is no JSON; ``None`` where it is empty.
        :raises ClockifyConfigError: a parameter cannot be sent.
        """
        from airflow_provider_clockify.service.any_operation import any_request, read_anything

        wanted = any_request(
            lambda: self.workspace_id, method, path, service=service, params=params, json=json
        )
        return self.client.send(wanted, read_anything)

    def test_connection(self) -> tuple[bool, str]:
        """
        Tell the administrator whom the key belongs to, what it sees, and what is the default.

        :return: Success, and a sentence for people, with names in the extra that look misspelt. Costs two requests.
        """
        try:
            success, message = self._test()
        except ClockifyError as error:
            success, message = False, str(error)
        return success, " ".join((message, *self._doubts))

    def _test(self) -> tuple[bool, str]:
        from airflow_provider_clockify.service.lists import WORKSPACES, logged_user, workspace

        if self.settings.auth_type == ADDON_TOKEN_AUTH:
            found = self.client.get(workspace(self.workspace_id))
            return True, f"The add-on token works for workspace {_named(found)}."
        user = self.client.get(logged_user())
        workspaces = list(self.client.iterate(WORKSPACES))
        wanted = self._workspace_id or self.settings.workspace_id or user.get("activeWorkspace")
        default = next((item for item in workspaces if item.get("id") == wanted), None)
        owner = f"The key belongs to {user.get('name') or 'somebody without a name'} ({user.get('email')})"
        seen = ", ".join(_named(item) for item in workspaces) or "none"
        if default is None:
            return False, (
                f"{owner}, but workspace {wanted} is not among those it sees: {seen}. Correct the workspace id."
            )
        chosen = "by this connection" if self.settings.workspace_id else "its active one; none is set here"
        return True, f"{owner}. Workspaces: {seen}. Default: {_named(default)} ({chosen})."

    def get_logged_user(self) -> Item:
        """
        Get whom the key belongs to (``getLoggedUser``): ``id``, ``email``, ``activeWorkspace``, ``settings.timeZone``.

        Asked once per hook.
        """
        return dict(self._logged_user)

    # --- lists: one dict per item, lazily, page by page ----------------------------------------------------------

    def iter_workspaces(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the workspaces that the key sees (``getWorkspacesOfUser``, one request).

        :param filters: ``roles``.
        """
        return self._list("workspaces", filters)

    def iter_users(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the users of the workspace (``getUsersOfWorkspace``, 5,000 per request; 500 with memberships).

        Limited and deleted accounts are left out by the service unless ``account_statuses`` asks for them; people
        who left are only listed with ``status="ALL"``. A user deactivated here may have the ``status`` ACTIVE, which
        is that of the account: read ``membershipStatus`` in ``memberships``.

        :param filters: ``email``, ``name`` (parts), ``project_id``, ``status`` (PENDING, ACTIVE, DECLINED, INACTIVE,
            ALL), ``account_statuses`` (list), ``memberships`` (ALL, NONE, WORKSPACE, PROJECT, USERGROUP),
            ``include_roles``.
        """
        return self._list("users", filters)

    def get_member_profile(self, user_id: str) -> Item:
        """
        Get working days, week start and capacity of a member (``getMemberProfile``, one request).

        :param user_id: User.
        :return: ``workCapacity`` in seconds per working day.
        :raises ClockifyNotFoundError: the workspace has no such member.
        """
        from airflow_provider_clockify.service.lists import member_profile
        from airflow_provider_clockify.service.values import durations_to_seconds

        item = self.client.get(member_profile(self.workspace_id, user_id))
        return durations_to_seconds(item, (("workCapacity",),))

    def iter_user_groups(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the user groups with their ``userIds`` (``getUserGroups``, 5,000 per request).

        :param filters: ``name`` (part), ``project_id``, ``include_team_managers``.
        """
        return self._list("user_groups", filters)

    def iter_clients(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the clients (``getClients``, 5,000 per request), archived ones too unless ``archived`` is given.

        The service cannot sort clients by id: one that is added or renamed while they are read may be missed.

        :param filters: ``name`` (part), ``archived``.
        """
        return self._list("clients", filters)

    def iter_projects(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the projects of the workspace (``getProjects``, 5,000 per request; 1,000 hydrated).

        Without ``archived`` both archived and active ones are listed. Durations are in seconds, money in minor units.

        :param filters: ``name``, ``strict_name_search``, ``archived``, ``billable``, ``clients``, ``contains_client``,
            ``client_status``, ``users``, ``contains_user``, ``user_status``, ``user_groups``, ``contains_group``,
            ``is_template``, ``access``, ``hydrated`` (memberships, tasks, custom fields), ``expense_limit``,
            ``expense_date`` (``YYYY-MM-DD``).
        """
        return self._list("projects", filters)

    def get_project(self, project_id: str, hydrated: bool = True) -> Item:
        """
        Get one project (``getProject``).

        :param project_id: Project.
        :param hydrated: Include memberships, tasks and custom fields.
        :raises ClockifyNotFoundError: the workspace has no such project.
        """
        from airflow_provider_clockify.service.lists import PROJECTS, project
        from airflow_provider_clockify.service.values import durations_to_seconds

        item = self.client.get(project(self.workspace_id, project_id, hydrated=hydrated))
        return durations_to_seconds(item, PROJECTS.durations)

    def iter_tasks(self, project_id: str, **filters: Any) -> Iterator[Item]:
        """
        Go through the tasks of one project (``getTasks``, 5,000 per request).

        There is no list of all tasks: those of n projects cost at least n requests. ``iter_projects(hydrated=True)``
        has them too, at one request per 1,000 projects. ``estimate`` and ``duration`` are in seconds.

        :param project_id: Project.
        :param filters: ``name``, ``strict_name_search``, ``is_active``.
        :raises ClockifyNotFoundError: the workspace has no such project.
        """
        return self._list("tasks", filters, project_id=project_id)

    def iter_tags(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the tags (``getTags``, 5,000 per request), archived ones too unless ``archived`` is given.

        :param filters: ``name``, ``strict_name_search``, ``excluded_ids`` (list), ``archived``.
        """
        return self._list("tags", filters)

    def iter_custom_fields(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the custom fields of the workspace (``ofWorkspace``, one request; a paid feature).

        :param filters: ``name`` (part), ``status`` (INACTIVE, VISIBLE, INVISIBLE), ``entity_type`` (TIMEENTRY, USER).
        """
        return self._list("custom_fields", filters)

    def iter_project_custom_fields(self, project_id: str, **filters: Any) -> Iterator[Item]:
        """
        Go through the custom fields of one project (``getCustomFieldsOfProject``, one request).

        :param project_id: Project.
        :param filters: ``status``, ``entity_type``.
        """
        return self._list("project_custom_fields", filters, project_id=project_id)

    def iter_time_entries(
        self, user_id: str, start: datetime | str, end: datetime | str, **filters: Any
    ) -> Iterator[Item]:
        """
        Go through one user's entries that start in ``[start, end)`` (``getTimeEntries``, 5,000 per request).

        The service shifts these bounds by a profile's time zone; this asks for 14 hours more on both sides and
        keeps what lies inside. Running timers are included, with ``end`` and ``duration`` ``None``. For all users,
        and for proven completeness, use :meth:`iter_detailed_report`.

        :param user_id: User.
        :param start: Aware datetime or ISO 8601 with offset.
        :param end: The same; excluded.
        :param filters: ``description``, ``project``, ``task``, ``tags``, ``project_required``, ``task_required``,
            ``in_progress``, ``hydrated``.
        """
        from airflow_provider_clockify.service.lists import TIME_ENTRIES, time_entries
        from airflow_provider_clockify.service.values import instant

        window = _window(start, end)
        request = time_entries(self.workspace_id, user_id, window, filters)
        return _keep(
            self.client.iterate_request(TIME_ENTRIES, request),
            lambda item: instant(item["timeInterval"]["start"], item.get("id")) in window,
        )

    def iter_in_progress_time_entries(self) -> Iterator[Item]:
        """
        Go through the timers that run in the workspace (``getInProgressTimeEntries``, 1,000 per request).

        Shaped like :meth:`iter_time_entries`, with ``end`` and ``duration`` ``None``.
        """
        return self._list("in_progress_time_entries", {})

    def iter_expenses(
        self, start: datetime | str | None = None, end: datetime | str | None = None, **filters: Any
    ) -> Iterator[Item]:
        """
        Go through the expenses (``getExpenses``, 5,000 per request), always through all of them.

        The service ignores dates here (observed 2026-07-19): with ``start`` and ``end`` this keeps what has its
        ``date``, at midnight UTC, in ``[start, end)``. ``total`` is in minor units.

        :param start: Aware datetime or ISO 8601 with offset; only with ``end``.
        :param end: The same; excluded.
        :param filters: ``user_id``.
        """
        from airflow_provider_clockify.service.values import day_or_instant

        window = _optional_window(start, end)
        return _keep(
            self._list("expenses", filters),
            lambda item: window is None or day_or_instant(item["date"], item.get("id")) in window,
        )

    def iter_expense_categories(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the categories of expenses (``getCategories``, 5,000 per request).

        Whether archived ones are listed without ``archived`` is not documented: ask for both to have all.

        :param filters: ``name`` (part), ``archived``.
        """
        return self._list("expense_categories", filters)

    def iter_invoices(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the invoices (``getInvoices``, 5,000 per request); money is in minor units.

        :param filters: ``statuses`` (list of UNSENT, SENT, PAID, PARTIALLY_PAID, VOID, OVERDUE).
        """
        return self._list("invoices", filters)

    def iter_invoice_payments(self, invoice_id: str) -> Iterator[Item]:
        """
        Go through the payments of one invoice (``getPaymentsForInvoice``, 5,000 per request), in minor units.

        :param invoice_id: Invoice.
        :raises ClockifyNotFoundError: the workspace has no such invoice.
        """
        return self._list("invoice_payments", {}, invoice_id=invoice_id)

    def iter_invoice_items(self, invoice_id: str) -> Iterator[Item]:
        """
        Go through the lines of one invoice (``getInvoice``, one request), in the currency of the invoice.

        ``amount`` is in minor units, ``unitPrice`` in hundredths of them (observed 2026-08).

        :param invoice_id: Invoice.
        :raises ClockifyNotFoundError: the workspace has no such invoice.
        """
        return self._list("invoice_items", {}, invoice_id=invoice_id)

    def iter_holidays(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the holidays (``getHolidays``, one request); ``datePeriod`` has dates without a zone.

        :param filters: ``assigned_to`` (user).
        """
        return self._list("holidays", filters)

    def iter_holidays_in_period(
        self, assigned_to: str, start: datetime | str, end: datetime | str
    ) -> Iterator[Item]:
        """
        Go through the holidays of one user in a period (``getHolidaysInPeriod``, one request).

        :param assigned_to: User. The service answers an unknown one with a 500, which is not asked again.
        :param start: Aware datetime or ISO 8601 with offset.
        :param end: The same. Which days at the bounds count is up to the service.
        """
        window = _window(start, end)
        return self._list(
            "holidays_in_period", {"assigned_to": assigned_to, "start": window.start, "end": window.end}
        )

    def iter_time_off_requests(
        self, start: datetime | str | None = None, end: datetime | str | None = None, **filters: Any
    ) -> Iterator[Item]:
        """
        Go through the requests for time off (``getTimeOffRequest``, 200 per request).

        With ``start`` and ``end``: those that were *created* in ``[start, end)``. The service reads these bounds in the
        requester's time zone; this asks for 14 hours more on both sides and keeps what lies inside.

        :param start: Aware datetime or ISO 8601 with offset; only with ``end``.
        :param end: The same; excluded.
        :param filters: ``statuses`` (list of PENDING, APPROVED, REJECTED, ALL), ``users``, ``user_groups`` (ids).
        """
        from airflow_provider_clockify.service.lists import widened
        from airflow_provider_clockify.service.values import instant

        window = _optional_window(start, end)
        first, last = (None, None) if window is None else widened(window)
        return _keep(
            self._list("time_off_requests", {**filters, "start": first, "end": last}),
            lambda item: window is None or instant(item["createdAt"], item.get("id")) in window,
        )

    def iter_time_off_policies(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the policies of time off (``findPoliciesForWorkspace``, 200 per request; a paid feature).

        :param filters: ``name`` (part), ``status`` (ACTIVE, ARCHIVED, ALL).
        """
        return self._list("time_off_policies", filters)

    def iter_time_off_balances(
        self, policy_id: str | None = None, user_id: str | None = None
    ) -> Iterator[Item]:
        """
        Go through the balances of one policy or of one user, 200 per request.

        Reads ``getBalancesForPolicy`` or ``getBalancesForUser``. Amounts are in ``policyTimeUnit`` (DAYS, HOURS).

        :param policy_id: Policy; or
        :param user_id: user. Exactly one of them.
        """
        from airflow_provider_clockify.service.lists import BALANCES_OF_POLICY, BALANCES_OF_USER

        if policy_id and not user_id:
            return self.client.iterate(
                BALANCES_OF_POLICY, workspace_id=self.workspace_id, policy_id=policy_id
            )
        if user_id and not policy_id:
            return self.client.iterate(BALANCES_OF_USER, workspace_id=self.workspace_id, user_id=user_id)
        raise ClockifyConfigError("iter_time_off_balances needs policy_id or user_id, and not both.")

    def iter_approval_requests(
        self,
        user_ids: Iterable[str] | None = None,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
        **filters: Any,
    ) -> Iterator[Item]:
        """
        Go through the requests for approval (``getApprovalRequests``, 200 per request), always through all of them.

        The service ignores users and dates here (observed 2026-08-11): this keeps the requests of ``user_ids`` whose
        ``dateRange`` overlaps ``[start, end)``. Times are in seconds, also in the embedded ``entries``.

        :param user_ids: Owners of the requests.
        :param start: Aware datetime or ISO 8601 with offset; only with ``end``.
        :param end: The same; excluded.
        :param filters: ``status`` (PENDING, APPROVED, WITHDRAWN_APPROVAL), ``types`` (TIMESHEET, EXPENSE,
            TIMESHEET_AND_EXPENSE).
        """
        window = _optional_window(start, end)
        owners = None if user_ids is None else _ids("user_ids", user_ids)

        def wanted(item: Item) -> bool:
            request = item["approvalRequest"]
            if owners is not None and request["owner"]["userId"] not in owners:
                return False
            return window is None or _overlaps(request["dateRange"], window, request.get("id"))

        return _keep(self._list("approval_requests", filters), wanted)

    def iter_assignments(self, start: datetime | str, end: datetime | str, **filters: Any) -> Iterator[Item]:
        """
        Go through the scheduled assignments of a period (``getAllAssignments``, 5,000 per request).

        Asks for 14 hours more on both sides, in case the service shifts these bounds by a profile's time zone, and
        keeps what has a ``period`` that overlaps ``[start, end)``.

        :param start: Aware datetime or ISO 8601 with offset.
        :param end: The same; excluded.
        :param filters: ``name`` (part).
        """
        from airflow_provider_clockify.service.lists import widened

        window = _window(start, end)
        first, last = widened(window)
        return _keep(
            self._list("assignments", {**filters, "start": first, "end": last}),
            lambda item: _overlaps(item["period"], window, item.get("id")),
        )

    def iter_webhooks(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the webhooks (``getWebhooks``, one request); closed to add-ons.

        Items may hold the secret with which deliveries are signed: keep them out of logs and files.

        :param filters: ``type`` (USER_CREATED, ADDON).
        """
        return self._list("webhooks", filters)

    def iter_shared_reports(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the shared reports (``getSharedReportsV1``, 50 per request; a paid feature).

        :param filters: ``shared_reports_filter`` (ALL, CREATED_BY_ME, SHARED_WITH_ME, ALL_ADMIN).
        """
        return self._list("shared_reports", filters)

    def iter_list(self, name: str, **arguments: Any) -> Iterator[Item]:
        """
        Go through any list by its name; the same as ``iter_<name>`` with the same arguments.

        :param name: As in ``iter_<name>``, for example ``projects``.
        :param arguments: Those of that method: ids of what the list belongs to, bounds, filters.
        :raises ClockifyConfigError: there is no such list.
        """
        _resource(name)
        found: Iterator[Item] = getattr(self, f"iter_{name}")(**arguments)
        return found

    def iter_as_sent(
        self, name: str, filters: Mapping[str, Any] | None = None, **arguments: str
    ) -> Iterator[Item]:
        """
        Go through any list by its name, items as the service sent them, as exports write them.

        Durations stay ISO 8601 text, and fractional numbers exact, as :class:`~decimal.Decimal`. Nothing is chosen
        here: where the service ignores a filter or shifts bounds, use ``iter_<name>``.

        :param name: As in ``iter_<name>``, or ``time_off_balances`` (of a policy).
        :param filters: Filters by the names of that method.
        :param arguments: Ids of what the list belongs to, for example ``project_id`` for ``tasks``.
        :raises ClockifyConfigError: the list or a filter is unknown, or an id is missing.
        """
        found = _resource(name)
        if found.in_workspace:
            arguments = {"workspace_id": self.workspace_id, **arguments}
        request = found.request(filters, **arguments)
        return self.client.iterate_request(found, request, found.rows_per_page(filters), as_sent=True)

    def check_list(self, name: str, filters: Mapping[str, Any]) -> None:
        """
        Check a list's name and filters; costs no request.

        :param name: As for :meth:`iter_as_sent`.
        :param filters: The same.
        :raises ClockifyConfigError: one of them is unknown or of the wrong kind.
        """
        found = _resource(name)
        found.request(filters, workspace_id="w", **dict.fromkeys(found.arguments, "x"))

    def everything(self, name: str) -> dict[str, Any]:
        """
        Return the filters with which a list leaves nothing out; costs no request.

        :param name: As for :meth:`iter_as_sent`.
        """
        return dict(_resource(name).everything)

    def _list(self, name: str, filters: Mapping[str, Any], **arguments: str) -> Iterator[Item]:
        from airflow_provider_clockify.service.lists import LISTS

        if LISTS[name].in_workspace:
            arguments["workspace_id"] = self.workspace_id
        return self.client.iterate(LISTS[name], filters, **arguments)

    # --- single items, and files ----------------------------------------------------------------------------------

    def get_client(self, client_id: str) -> Item:
        """
        Get one client (``getClient``, one request).

        :param client_id: Client.
        :raises ClockifyNotFoundError: the workspace has no such client.
        """
        return self._item("client", client_id=client_id)

    def get_task(self, project_id: str, clockify_task_id: str) -> Item:
        """
        Get one task (``getTask``, one request), with ``estimate`` and ``duration`` in seconds.

        :param project_id: Project of the task.
        :param clockify_task_id: Task of the project; called so wherever ``task_id`` would be Airflow's.
        :raises ClockifyNotFoundError: the project has no such task.
        """
        return self._item("task", project_id=project_id, clockify_task_id=clockify_task_id)

    def get_tag(self, tag_id: str) -> Item:
        """
        Get one tag (``getTag``, one request).

        :param tag_id: Tag.
        :raises ClockifyNotFoundError: the workspace has no such tag.
        """
        return self._item("tag", tag_id=tag_id)

    def get_invoice(self, invoice_id: str) -> Item:
        """
        Get one invoice with its lines in ``items`` (``getInvoice``, one request; a paid feature).

        Money is in minor units, ``unitPrice`` of a line in hundredths of them; ``discount``, ``tax`` and ``tax2`` are
        percent times 100 (observed 2026-08).

        :param invoice_id: Invoice.
        :raises ClockifyNotFoundError: the workspace has no such invoice.
        """
        return self._item("invoice", invoice_id=invoice_id)

    def download_invoice(
        self, invoice_id: str, to: str | os.PathLike[str] | IO[bytes], *, locale: str = "en"
    ) -> int:
        """
        Save an invoice as the PDF that the service renders (``exportInvoice``, one request; a paid feature).

        :param invoice_id: Invoice.
        :param to: Absolute path, or URL as an ``output_path``, where the file appears when it is whole; or an open
            binary file.
        :param locale: Language of its labels.
        :return: Size in bytes.
        :raises ClockifyNotFoundError: the workspace has no such invoice.
        :raises ClockifyResponseError: the answer is no PDF.
        """
        return self._save("invoice_pdf", to, b"%PDF", {"locale": locale}, invoice_id=invoice_id)

    def download_receipt(self, expense_id: str, file_id: str, to: str | os.PathLike[str] | IO[bytes]) -> int:
        """
        Save the receipt of an expense as it was uploaded (``downloadFile``, one request; a paid feature).

        :param expense_id: Expense.
        :param file_id: The ``fileId`` of the expense; its name is in ``fileName``.
        :param to: Absolute path, or URL as an ``output_path``, where the file appears when it is whole; or an open
            binary file.
        :return: Size in bytes.
        :raises ClockifyNotFoundError: the workspace has no such expense, or the expense no such file.
        """
        return self._save("receipt", to, b"", {}, expense_id=expense_id, file_id=file_id)

    def _item(self, name: str, **ids: str) -> Item:
        from airflow_provider_clockify.service.values import durations_to_seconds

        found, request = self._single(name, {}, ids)
        return durations_to_seconds(self.client.get(request), found.durations)

    def _save(
        self,
        name: str,
        to: str | os.PathLike[str] | IO[bytes],
        begins: bytes,
        filters: Mapping[str, Any],
        **ids: str,
    ) -> int:
        from airflow_provider_clockify.export.storage import saved_to
        from airflow_provider_clockify.reading.rendered_files import read_document

        _, request = self._single(name, filters, ids)
        with saved_to(to) as file:
            content = self.client.send(request, partial(read_document, begins))
            file.write(content)
        return len(content)

    def _single(
        self, name: str, filters: Mapping[str, Any], ids: Mapping[str, str]
    ) -> tuple[Resource, ApiRequest]:
        from airflow_provider_clockify.service.lists import ITEMS

        for parameter, value in ids.items():
            if value is None or is_nothing(value):  # Its path would be that of a list.
                raise ClockifyConfigError(f"{parameter} is {value!r}; give an id.")
        return ITEMS[name], ITEMS[name].request(filters, workspace_id=self.workspace_id, **ids)

    # --- changes -------------------------------------------------------------------------------------------------

    def iter_entity_changes(
        self, change: Change, entity_type: EntityType, start: datetime | str, end: datetime | str
    ) -> Iterator[Item]:
        """
        Go through what was created, updated or deleted in ``[start, end)``: each entity once, as the service sent it.

        Experimental on the service's side. ``created``: created in the window, in its present state. ``updated``:
        created before it, and updated in it for the last time so far. ``deleted``: ``id``, ``deletedAt`` and, in
        ``document``, the last state. Apply all three of the same window in this order, upsert by ``id``, ignore
        deletions of unknown ids; then contiguous windows reproduce the state.

        Reads ``getCreatedEntityInfo`` (for ``updated`` as well), ``getUpdatedEntityInfo``, ``getDeletedEntityInfo``;
        each costs one request per page and one for its end, ``deleted`` is asked in two or three pieces. For
        ``deleted`` the zone of the key's user is looked up once per hook (``getLoggedUser``), since the service may
        read bounds in it.

        :param change: ``created``, ``updated`` or ``deleted``.
        :param entity_type: ``TIME_ENTRY``, ``TIME_ENTRY_CUSTOM_FIELD_VALUE``, ``TIME_ENTRY_RATE``, ``PROJECTS``,
            ``CLIENTS``, ``TAGS``, ``TASKS``, …; see
            :data:`~airflow_provider_clockify.types.EntityType`.
        :param start: Aware datetime or ISO 8601 with offset; whole seconds.
        :param end: The same; excluded; at least two minutes in the past.
        :raises ClockifyWindowError: the window ends too late.
        """
        from airflow_provider_clockify.service.change_feeds import check_changes, check_window, iter_changes

        window, now = _window(start, end), datetime.now(UTC)
        check_changes(change, entity_type)
        check_window(window, now)
        return iter_changes(
            self.client.send,
            change,
            entity_type,
            window,
            workspace_id=self.workspace_id,
            now=now,
            zone=self._profile_zone() if change == "deleted" else None,
        )

    def get_entity_changes(
        self,
        entity_type: EntityType | str,
        start: datetime | str,
        end: datetime | str,
        *,
        known_until: datetime | str | None = None,
    ) -> list[Item]:
        """
        Get all changes of ``[start, end)`` in the order in which to apply them.

        Reads the three feeds as :meth:`iter_entity_changes` does, ``created`` only once.

        :param entity_type: As there.
        :param start: Aware datetime or ISO 8601 with offset; whole seconds.
        :param end: The same; excluded; at least two minutes in the past.
        :param known_until: Where earlier windows ended that this one overlaps. The service hides the deletion of what
            was created in the same window; with this, not of what earlier windows have shown. Costs one request more,
            or two.
        :return: ``{"change": …, "id": …, "changed_at": "…Z", "entity_type": …, "document": {…}}``, see
            :func:`~airflow_provider_clockify.service.change_feeds.changes_of_window`.
        """
        from airflow_provider_clockify.service.change_feeds import (
            changes_of_window,
            check_changes,
            check_window,
        )

        window, now = _window(start, end), datetime.now(UTC)
        check_changes("created", entity_type)
        check_window(window, now)
        return changes_of_window(
            self.client.send,
            entity_type,
            window,
            workspace_id=self.workspace_id,
            now=now,
            zone=self._profile_zone(),
            known_until=None if known_until is None else parse_instant(known_until, "known_until"),
        )

    def _profile_zone(self) -> tzinfo | None:
        name = (self._logged_user.get("settings") or {}).get("timeZone")
        try:
            return ZoneInfo(name) if name else None
        except (ValueError, OSError, ZoneInfoNotFoundError):
            self.log.warning(
                "The time zone %r of the key's user is unknown here; taking bounds literally.", name
            )
            return None

    # --- reports -------------------------------------------------------------------------------------------------

    def iter_detailed_report(
        self, start: datetime | str, end: datetime | str, filters: Mapping[str, Any] | None = None
    ) -> Iterator[Item]:
        """
        Go through all finished entries that start in ``[start, end)`` (``generateDetailedReport``, 1,000 per request).

        Rows come ordered by id within each chunk of at most 31 days, in UTC, as the service sent them: durations in
        seconds, money in minor units. No row is given before all of
        them are proven complete.

        :param start: Aware datetime or ISO 8601 with offset.
        :param end: The same; excluded.
        :param filters: In the service's own words, see
            :func:`~airflow_provider_clockify.service.filters.report_filters`.
        :raises ClockifyIncompleteError: the data kept changing while they were read.
        """
        return self.client.iterate_detailed(self.workspace_id, _window(start, end), filters)

    def get_summary_report(
        self,
        start: datetime | str,
        end: datetime | str,
        groups: Sequence[str] = ("USER", "PROJECT"),
        filters: Mapping[str, Any] | None = None,
    ) -> Item:
        """
        Get the summary of ``[start, end)`` (``generateSummaryReport``, one request).

        :param start: Aware datetime or ISO 8601 with offset.
        :param end: The same; excluded. A Free workspace allows 31 days.
        :param groups: One to three of CLIENT, PROJECT, TASK, TIMEENTRY, DATE, WEEK, MONTH, USER, TAG.
        :param filters: In the service's own words.
        :return: The answer as the service sent it: ``totals``, ``groupOne`` with ``children``; seconds, minor units.
        """
        from airflow_provider_clockify.service.filters import report_filters
        from airflow_provider_clockify.service.report_kinds import summary_groups, summary_request

        checked = report_filters(filters, "summary")
        named = summary_groups(groups)
        window = _window(start, end)
        return self.client.get(summary_request(self.workspace_id, window, checked, named))

    def get_weekly_report(
        self,
        start: datetime | str,
        end: datetime | str,
        group: WeeklyGroup = "USER",
        filters: Mapping[str, Any] | None = None,
    ) -> Item:
        """
        Get the weekly report of exactly seven days (``generateWeeklyReport``, one request).

        :param start: Aware datetime or ISO 8601 with offset, midnight UTC.
        :param end: Seven days later; excluded.
        :param group: ``USER`` or ``PROJECT``.
        :param filters: In the service's own words.
        :return: The answer as the service sent it: ``totals``, ``groupOne`` with ``days``; seconds, minor units.
        :raises ClockifyWindowError: it is not seven days.
        """
        from airflow_provider_clockify.service.filters import report_filters
        from airflow_provider_clockify.service.report_kinds import check_week, weekly_group, weekly_request

        checked = report_filters(filters, "weekly")
        named = weekly_group(group)
        window = _window(start, end)
        check_week(window)
        return self.client.get(weekly_request(self.workspace_id, window, checked, named))

    def iter_attendance_report(
        self, start: datetime | str, end: datetime | str, filters: Mapping[str, Any] | None = None
    ) -> Iterator[Item]:
        """
        Go through the attendance of whole UTC days (``generateAttendanceReport``, 200 per request).

        :param start: Aware datetime or ISO 8601 with offset, midnight UTC.
        :param end: The same; excluded.
        :param filters: In the service's own words.
        :raises ClockifyWindowError: it begins or ends within a day.
        """
        from airflow_provider_clockify.reading.sum_readers import AttendanceReader
        from airflow_provider_clockify.service.filters import report_filters
        from airflow_provider_clockify.service.report_kinds import check_whole_days

        checked = report_filters(filters, "attendance")
        window = _window(start, end)
        check_whole_days(window)
        reader = AttendanceReader(self.client.send, self.workspace_id, checked)
        return self.client.iterate_report(reader, window)

    def iter_expense_report(
        self, start: datetime | str, end: datetime | str, filters: Mapping[str, Any] | None = None
    ) -> Iterator[Item]:
        """
        Go through the expenses whose day begins in ``[start, end)`` (``generateDetailedReportV1``, 200 per request).

        :param start: Aware datetime or ISO 8601 with offset.
        :param end: The same; excluded.
        :param filters: In the service's own words.
        """
        from airflow_provider_clockify.reading.report_reader import ReportReader
        from airflow_provider_clockify.service.filters import report_filters
        from airflow_provider_clockify.service.report_kinds import expenses

        report = expenses(self.workspace_id, report_filters(filters, "expenses"))
        reader = ReportReader(self.client.send, report, concurrency=self.settings.max_concurrency)
        return self.client.iterate_report(reader, _window(start, end))

    def get_user_totals(self, start: datetime | str, end: datetime | str, user_id: str) -> Item:
        """
        Get one user's time and money per project in ``[start, end)`` (``generateSummaryReport``, one request).

        The users filter of the service is not trustworthy: this groups by user, and chooses here.

        :param start: Aware datetime or ISO 8601 with offset.
        :param end: The same; excluded. A Free workspace allows 31 days.
        :param user_id: User.
        :return: ``{"user_id", "name", "seconds", "amount", "currency", "amounts", "projects": [{"id", "name",
            "seconds", "amount", "currency", "amounts"}]}``; no seconds when the user has no time there. Amounts in
            minor units; ``amount`` and ``currency`` are ``None`` where there are several currencies, ``amounts`` has
            each: ``{"EUR": 9900.0, "USD": 12500.0}``.
        """
        report = self.get_summary_report(start, end, ("USER", "PROJECT"))
        mine: list[Item] = [each for each in report["groupOne"] if each.get("_id") == user_id]
        group = mine[0] if mine else {}
        return {
            "user_id": user_id,
            "name": group.get("name"),
            "seconds": group.get("duration") or 0,
            **_money_of(group),
            "projects": [
                {
                    "id": child.get("_id"),
                    "name": child.get("name"),
                    "seconds": child.get("duration") or 0,
                    **_money_of(child),
                }
                for child in group.get("children") or ()
            ],
        }

    def download_report(
        self,
        report: str,
        start: datetime | str,
        end: datetime | str,
        export_type: ExportType = "CSV",
        *,
        groups: Sequence[str] = ("USER", "PROJECT"),
        filters: Mapping[str, Any] | None = None,
    ) -> bytes:
        """
        Get a report as a file that the service renders.

        Detailed and expense reports cost one more request, to know how many rows the file must hold.

        :param report: ``detailed``, ``summary``, ``weekly``, ``attendance`` or ``expenses``.
        :param start: Aware datetime or ISO 8601 with offset.
        :param end: The same; excluded.
        :param export_type: ``CSV``, ``XLSX`` (both on paid plans) or ``PDF`` (at most 3,000 rows).
        :param groups: Groups of a summary; the first is the group of a weekly report.
        :param filters: In the service's own words.
        :return: The file.
        :raises ClockifyIncompleteError: the service cut the file.
        """
        from airflow_provider_clockify.reading.rendered_files import download
        from airflow_provider_clockify.service.filters import FILTERS, report_filters
        from airflow_provider_clockify.service.report_kinds import summary_groups

        if report not in FILTERS:
            raise ClockifyConfigError(f"report is {report!r}; use one of {', '.join(FILTERS)}.")
        checked = report_filters(filters, report, file=True)
        window, named = _window(start, end), summary_groups(groups)
        content, _ = download(
            self.client.send, self.workspace_id, report, window, checked, export_type, named
        )
        return content

    # --- writing -------------------------------------------------------------------------------------------------

    def create_time_entry(
        self,
        start: datetime | str,
        end: datetime | str | None = None,
        *,
        user_id: str | None = None,
        description: str | None = None,
        project_id: str | None = None,
        clockify_task_id: str | None = None,
        tag_ids: list[str] | None = None,
        billable: bool | None = None,
        entry_type: EntryType | None = None,
        custom_fields: Mapping[str, Any] | list[Mapping[str, Any]] | None = None,
    ) -> Item:
        """
        Create a time entry (``createTimeEntry``; ``createForOthers`` with ``user_id``, a paid feature).

        Sent once: after a failure that leaves open whether it took effect,
        :class:`~airflow_provider_clockify.exceptions.ClockifyWriteUnknownError` is raised instead of a second try.

        :param start: Aware datetime or ISO 8601 with offset; the service keeps whole seconds.
        :param end: The same; without it a timer starts running.
        :param user_id: For somebody else than the key's owner.
        :param clockify_task_id: Task of the project; called so wherever ``task_id`` would be Airflow's.
        :param custom_fields: Values by custom field id, or the service's own list form.
        :return: The entry as created.
        """
        from airflow_provider_clockify.service.lists import TIME_ENTRIES, new_time_entry
        from airflow_provider_clockify.service.values import durations_to_seconds

        first = parse_instant(start, "start")
        last = None
        if end is not None:
            last = _window(first, end).end
        request = new_time_entry(
            self.workspace_id,
            start=first,
            end=last,
            user_id=user_id,
            description=description,
            project_id=project_id,
            clockify_task_id=clockify_task_id,
            tag_ids=tag_ids,
            billable=billable,
            entry_type=entry_type,
            custom_fields=custom_fields,
        )
        return durations_to_seconds(self.client.get(request), TIME_ENTRIES.durations)


@contextmanager
def reading_connection(conn_id: str) -> Iterator[None]:
    """
    Turn what Airflow raises while it gives a connection into one error.

    Its text names the class of Airflow's error only: a secrets backend may put anything into the text.

    :param conn_id: Connection that is read.
    :raises ClockifyMissingConnectionError: it was not given, whatever the reason.
    """
    try:
        yield
    except Exception as error:
        raise ClockifyMissingConnectionError(
            f"Airflow gave no connection {conn_id!r} ({type(error).__name__}): it does not exist, or the secrets "
            "backend that holds it does not answer. Check the id under Admin, Connections, and the secrets backend."
        ) from error


def settings_from(conn_id: str, connection: Any) -> ClockifySettings:
    """
    Read an Airflow connection; names in its extra that look misspelt are warned of, once per process.

    :param conn_id: Its id.
    :param connection: The connection, of any supported Airflow version.
    :raises ClockifyConfigError: a field is missing or wrong, or it is a connection to something else.
    :raises ClockifyMissingConnectionError: Airflow cannot decrypt it.
    """
    with reading_connection(conn_id):
        password, text = connection.password, connection.extra
    extra = _extra(conn_id, text)
    settings = ClockifySettings.from_fields(
        conn_id,
        conn_type=getattr(connection, "conn_type", None),
        password=password,
        host=connection.host,
        schema=connection.schema,
        port=connection.port,
        extra=extra,
    )
    doubts = doubts_of_extra(extra)
    # Triggers read the connection for each look.
    if doubts and (conn_id, doubts) not in _doubted:
        _doubted.add((conn_id, doubts))
        log.warning("Connection %r: %s", conn_id, " ".join(doubts))
    return settings


def _extra(conn_id: str, text: str | None) -> Mapping[str, Any]:
    # Airflow's own reader answers a broken extra with an empty one: the region would silently be the global one.
    if not text:
        return {}
    try:
        extra = json.loads(text)
    except ValueError as error:
        raise ClockifyConfigError(
            f"Connection {conn_id!r}: its extra is not valid JSON (line {getattr(error, 'lineno', '?')})."
        ) from error
    if not isinstance(extra, dict):
        raise ClockifyConfigError(f"Connection {conn_id!r}: its extra must be a JSON object.")
    return extra


def _resource(name: str) -> Resource:
    from airflow_provider_clockify.service.lists import BALANCES_OF_POLICY, resource

    return BALANCES_OF_POLICY if name == "time_off_balances" else resource(name)


def _window(start: datetime | str, end: datetime | str) -> Window:
    return Window(parse_instant(start, "start"), parse_instant(end, "end"))


def _optional_window(start: datetime | str | None, end: datetime | str | None) -> Window | None:
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise ClockifyWindowError("Give both start and end, or neither.")
    return _window(start, end)


def _overlaps(period: Mapping[str, Any], window: Window, item_id: str | None) -> bool:
    from airflow_provider_clockify.service.values import day_or_instant

    # Whether the end of such a period belongs to it is not documented: one that touches the window counts.
    return (
        day_or_instant(period["start"], item_id) < window.end
        and day_or_instant(period["end"], item_id) >= window.start
    )


def _keep(items: Iterator[Item], wanted: Callable[[Item], bool]) -> Iterator[Item]:
    from airflow_provider_clockify.service.values import shown

    for item in items:
        try:
            is_wanted = wanted(item)
        except (LookupError, TypeError, AttributeError) as error:
            raise ClockifyResponseError(
                f"Item {shown(item.get('id'))} does not say when it is or whose ({error!r}), so that it can neither be "
                "kept nor left out. The service may have changed; please report it."
            ) from error
        if is_wanted:
            yield item


def _ids(parameter: str, values: Iterable[str]) -> frozenset[str]:
    if isinstance(values, str):
        raise ClockifyConfigError(f"{parameter}={values!r}: give a list of ids.")
    return frozenset(values)


def _named(workspace: Mapping[str, Any]) -> str:
    return f"{workspace.get('name')} ({workspace.get('id')})"


def _money_of(group: Mapping[str, Any]) -> Item:
    """Return a group's money; sums over several currencies mean nothing."""
    from airflow_provider_clockify.service.money import currency_of, sums_of

    currency = currency_of(group)
    return {
        "amount": group.get("amount") if currency else None,
        "currency": currency,
        "amounts": {code: float(amount) for code, amount in sums_of(group, "EARNED").items()},
    }
