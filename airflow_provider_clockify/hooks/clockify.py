# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The hook: from an Airflow connection to everything that Clockify lists, reports and takes."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property, partial
from typing import IO, TYPE_CHECKING, Any, get_args

from airflow_provider_clockify._compat import BaseHook, mask_secret
from airflow_provider_clockify.connection import (
    ADDON_TOKEN_AUTH,
    CONN_TYPE,
    DEFAULT_CONN_ID,
    ClockifySettings,
    reading_connection,
)
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyError
from airflow_provider_clockify.get_provider_info import FIELDS, HOOK_NAME, UI_FIELD_BEHAVIOUR
from airflow_provider_clockify.rendered import is_nothing, nothing_rendered, one_of
from airflow_provider_clockify.service.filters import report_filters
from airflow_provider_clockify.service.key_sight import (
    ADMIN_ROLES,
    active_workspace,
    check_admin,
    profile_zone,
    shown_workspace,
    sight,
)
from airflow_provider_clockify.service.lists import (
    BALANCES_OF_USER,
    PROJECTS,
    TIME_ENTRIES,
    chosen,
    logged_user,
    member_profile,
    new_time_entry,
    project,
    resource,
    workspace,
)
from airflow_provider_clockify.service.user_totals import user_totals
from airflow_provider_clockify.service.values import durations_to_seconds, window_between, window_if_any
from airflow_provider_clockify.types import WeeklyGroup
from airflow_provider_clockify.window import parse_instant

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import requests

    from airflow_provider_clockify.reading.client import ClockifyClient
    from airflow_provider_clockify.service.lists import Resource
    from airflow_provider_clockify.service.messages import ApiRequest, Method, Service
    from airflow_provider_clockify.types import Change, EntityType, EntryType, ExportType
    from airflow_provider_clockify.window import Window

__all__ = ["ClockifyHook"]

Item = dict[str, Any]


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
        settings = ClockifySettings.of(self.clockify_conn_id, connection)
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
        active = active_workspace(self._logged_user, self.clockify_conn_id)
        self.log.info(
            "No workspace id given: using %s, the active workspace of connection %r's key. Set workspace_id to save "
            "this request and to be independent of what its owner clicks.",
            active,
            self.clockify_conn_id,
        )
        return active

    def require_admin(self) -> None:
        """
        Refuse a key that is not an owner's or admin's of the workspace (``getWorkspacesOfUser``, one request).

        An add-on token passes: its rights are the add-on's.

        :raises ClockifyConfigError: the key has neither role there.
        """
        if self.settings.auth_type != ADDON_TOKEN_AUTH:
            administered = list(self.iter_workspaces(roles=list(ADMIN_ROLES)))
            check_admin(self.workspace_id, administered, self.clockify_conn_id)

    @cached_property
    def _logged_user(self) -> Item:
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
        :return: Decoded JSON; bytes where the answer is not JSON; ``None`` where it is empty.
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
        doubts = self.settings.doubts if "settings" in vars(self) else ()
        return success, " ".join((message, *doubts))

    def _test(self) -> tuple[bool, str]:
        in_connection = self.settings.workspace_id
        if self.settings.auth_type == ADDON_TOKEN_AUTH:
            found = self.client.get(workspace(self.workspace_id))
            return True, f"The add-on token works for workspace {shown_workspace(found)}."
        user = self.client.get(logged_user())
        workspaces = list(self.iter_workspaces())
        return sight(user, workspaces, self._workspace_id or in_connection, in_connection is not None)

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
        return self._item(member_profile(self.workspace_id, user_id), (("workCapacity",),))

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

        Without ``archived`` both archived and active ones are listed. Durations are in seconds, money as the service
        sends it: hundredths of the currency's unit.

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
        return self._item(project(self.workspace_id, project_id, hydrated=hydrated), PROJECTS.durations)

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
        return self._list("time_entries", filters, window_between(start, end), user_id=user_id)

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
        ``date``, at midnight UTC, in ``[start, end)``. ``total`` is as the service
        sends it: hundredths of the currency's unit.

        :param start: Aware datetime or ISO 8601 with offset; only with ``end``.
        :param end: The same; excluded.
        :param filters: ``user_id``.
        """
        return self._list("expenses", filters, window_if_any(start, end))

    def iter_expense_categories(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the categories of expenses (``getCategories``, 5,000 per request).

        Whether archived ones are listed without ``archived`` is not documented: ask for both to have all.

        :param filters: ``name`` (part), ``archived``.
        """
        return self._list("expense_categories", filters)

    def iter_invoices(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the invoices (``getInvoices``, 5,000 per request).

        Money is as the service sends it: hundredths of the currency's unit.

        :param filters: ``statuses`` (list of UNSENT, SENT, PAID, PARTIALLY_PAID, VOID, OVERDUE).
        """
        return self._list("invoices", filters)

    def iter_invoice_payments(self, invoice_id: str) -> Iterator[Item]:
        """
        Go through the payments of one invoice (``getPaymentsForInvoice``, 5,000 per request).

        Money is as the service sends it: hundredths of the currency's unit.

        :param invoice_id: Invoice.
        :raises ClockifyNotFoundError: the workspace has no such invoice.
        """
        return self._list("invoice_payments", {}, invoice_id=invoice_id)

    def iter_invoice_items(self, invoice_id: str) -> Iterator[Item]:
        """
        Go through the lines of one invoice (``getInvoice``, one request), in the currency of the invoice.

        ``amount`` is in hundredths of the currency's unit, ``unitPrice`` in hundredths of these (observed 2026-08).

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
        window = window_between(start, end)
        filters = {"assigned_to": assigned_to, "start": window.start, "end": window.end}
        return self._list("holidays_in_period", filters)

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
        return self._list("time_off_requests", filters, window_if_any(start, end))

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
        if policy_id and not user_id:
            return self._list("time_off_balances", {}, policy_id=policy_id)
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
        return self._list("approval_requests", filters, window_if_any(start, end), user_ids)

    def iter_assignments(self, start: datetime | str, end: datetime | str, **filters: Any) -> Iterator[Item]:
        """
        Go through the scheduled assignments of a period (``getAllAssignments``, 5,000 per request).

        Asks for 14 hours more on both sides, in case the service shifts these bounds by a profile's time zone, and
        keeps what has a ``period`` that overlaps ``[start, end)``.

        :param start: Aware datetime or ISO 8601 with offset.
        :param end: The same; excluded.
        :param filters: ``name`` (part).
        """
        return self._list("assignments", filters, window_between(start, end))

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
        resource(name)
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
        found = resource(name)
        if found.in_workspace:
            arguments = {"workspace_id": self.workspace_id, **arguments}
        request = found.request(filters, **arguments)
        return self.client.iterate_request(found, request, found.rows_per_page(filters), as_sent=True)

    def _list(
        self,
        name: str,
        filters: Mapping[str, Any],
        window: Window | None = None,
        owners: Iterable[str] | None = None,
        **arguments: str,
    ) -> Iterator[Item]:
        found = resource(name)
        if found.in_workspace:
            arguments["workspace_id"] = self.workspace_id
        if window is not None:
            filters = {**filters, **found.bounds(window)}
        return chosen(self.client.iterate(found, filters, **arguments), found, window, owners)

    def _item(self, request: ApiRequest, durations: Iterable[tuple[str, ...]]) -> Item:
        return durations_to_seconds(self.client.get(request), durations)

    # --- single items, and files ----------------------------------------------------------------------------------

    def get_client(self, client_id: str) -> Item:
        """
        Get one client (``getClient``, one request).

        :param client_id: Client.
        :raises ClockifyNotFoundError: the workspace has no such client.
        """
        return self._one("client", client_id=client_id)

    def get_task(self, project_id: str, clockify_task_id: str) -> Item:
        """
        Get one task (``getTask``, one request), with ``estimate`` and ``duration`` in seconds.

        :param project_id: Project of the task.
        :param clockify_task_id: Task of the project; called so wherever ``task_id`` would be Airflow's.
        :raises ClockifyNotFoundError: the project has no such task.
        """
        return self._one("task", project_id=project_id, clockify_task_id=clockify_task_id)

    def get_tag(self, tag_id: str) -> Item:
        """
        Get one tag (``getTag``, one request).

        :param tag_id: Tag.
        :raises ClockifyNotFoundError: the workspace has no such tag.
        """
        return self._one("tag", tag_id=tag_id)

    def get_invoice(self, invoice_id: str) -> Item:
        """
        Get one invoice with its lines in ``items`` (``getInvoice``, one request; a paid feature).

        Money is in hundredths of the currency's unit, ``unitPrice`` of a line in hundredths of these; ``discount``,
        ``tax`` and ``tax2`` are percent times 100 (observed 2026-08).

        :param invoice_id: Invoice.
        :raises ClockifyNotFoundError: the workspace has no such invoice.
        """
        return self._one("invoice", invoice_id=invoice_id)

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
        :raises ClockifyResponseError: the answer is not a PDF.
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

    def _one(self, name: str, **ids: str) -> Item:
        found, request = self._single(name, {}, ids)
        return self._item(request, found.durations)

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
        from airflow_provider_clockify.service.change_feeds import iter_changes

        window, now = self._settled(change, entity_type, start, end)
        return iter_changes(
            self.client.send,
            change,
            entity_type,
            window,
            workspace_id=self.workspace_id,
            now=now,
            zone=profile_zone(self._logged_user) if change == "deleted" else None,
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
        from airflow_provider_clockify.service.change_feeds import changes_of_window

        window, now = self._settled("created", entity_type, start, end)
        return changes_of_window(
            self.client.send,
            entity_type,
            window,
            workspace_id=self.workspace_id,
            now=now,
            zone=profile_zone(self._logged_user),
            known_until=None if known_until is None else parse_instant(known_until, "known_until"),
        )

    def _settled(
        self, change: str, entity_type: str, start: datetime | str, end: datetime | str
    ) -> tuple[Window, datetime]:
        """Return a window that the feeds can answer for, and the time; what is wrong is refused before a request."""
        from airflow_provider_clockify.service.change_feeds import check_changes, check_window

        window, now = window_between(start, end), datetime.now(UTC)
        check_changes(change, entity_type)
        check_window(window, now)
        return window, now

    # --- reports -------------------------------------------------------------------------------------------------

    def iter_detailed_report(
        self, start: datetime | str, end: datetime | str, filters: Mapping[str, Any] | None = None
    ) -> Iterator[Item]:
        """
        Go through all finished entries that start in ``[start, end)`` (``generateDetailedReport``, 1,000 per request).

        Rows come ordered by id within each chunk of at most 31 days, in UTC, as the service sent them: durations in
        seconds, money in hundredths of the currency's unit. No row is given before all of them are proven complete.

        :param start: Aware datetime or ISO 8601 with offset.
        :param end: The same; excluded.
        :param filters: In the service's own words, see
            :func:`~airflow_provider_clockify.service.filters.report_filters`.
        :raises ClockifyIncompleteError: the data kept changing while they were read.
        """
        return self._report_rows("detailed", start, end, filters)

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
        :return: The answer as the service sent it: ``totals``, ``groupOne`` with ``children``; durations in seconds,
            money in hundredths of the currency's unit.
        """
        from airflow_provider_clockify.service.report_kinds import summary_groups, summary_request

        checked, named = report_filters(filters, "summary"), summary_groups(groups)
        window = window_between(start, end)
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
        :return: The answer as the service sent it: ``totals``, ``groupOne`` with ``days``; durations in seconds, money
            in hundredths of the currency's unit.
        :raises ClockifyWindowError: it is not seven days.
        """
        from airflow_provider_clockify.service.report_kinds import check_week, weekly_request

        checked, named = report_filters(filters, "weekly"), one_of("group", group, get_args(WeeklyGroup))
        window = window_between(start, end)
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
        return self._report_rows("attendance", start, end, filters)

    def iter_expense_report(
        self, start: datetime | str, end: datetime | str, filters: Mapping[str, Any] | None = None
    ) -> Iterator[Item]:
        """
        Go through the expenses whose day begins in ``[start, end)`` (``generateDetailedReportV1``, 200 per request).

        :param start: Aware datetime or ISO 8601 with offset.
        :param end: The same; excluded.
        :param filters: In the service's own words.
        """
        return self._report_rows("expenses", start, end, filters)

    def _report_rows(
        self, name: str, start: datetime | str, end: datetime | str, filters: Mapping[str, Any] | None
    ) -> Iterator[Item]:
        from airflow_provider_clockify.export.declared_reports import REPORTS, Asked

        report, checked = REPORTS[name], report_filters(filters, name)
        plan = report.plan(window_between(start, end), partition_by=None, file_name="")
        reader = report.reader(Asked(self.client, self.workspace_id, checked, ()))
        return self.client.iterate_report(reader, plan.window)

    def get_user_totals(self, start: datetime | str, end: datetime | str, user_id: str) -> Item:
        """
        Get one user's time and money per project in ``[start, end)`` (``generateSummaryReport``, one request).

        The users filter of the service is not trustworthy: this groups by user, and chooses here.

        :param start: Aware datetime or ISO 8601 with offset.
        :param end: The same; excluded. A Free workspace allows 31 days.
        :param user_id: User.
        :return: ``{"user_id", "name", "seconds", "amount", "currency", "amounts", "projects": [{"id", "name",
            "seconds", "amount", "currency", "amounts"}]}``; no seconds when the user has no time there. Amounts are
            what the service sent, hundredths of the currency's unit; ``amount`` and ``currency`` are ``None`` where
            there are several currencies, ``amounts`` has each: ``{"EUR": 9900.0, "USD": 12500.0}``.
        """
        return user_totals(self.get_summary_report(start, end, ("USER", "PROJECT")), user_id)

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
        from airflow_provider_clockify.export.declared_reports import declared_report
        from airflow_provider_clockify.reading.rendered_files import download
        from airflow_provider_clockify.service.report_kinds import summary_groups

        name = declared_report(report).name
        checked = report_filters(filters, name, file=True)
        window, named = window_between(start, end), summary_groups(groups)
        send = self.client.send
        return download(send, self.workspace_id, name, window, checked, export_type, named)[0]

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
        request = new_time_entry(
            self.workspace_id,
            start=start,
            end=end,
            user_id=user_id,
            description=description,
            project_id=project_id,
            clockify_task_id=clockify_task_id,
            tag_ids=tag_ids,
            billable=billable,
            entry_type=entry_type,
            custom_fields=custom_fields,
        )
        return self._item(request, TIME_ENTRIES.durations)
