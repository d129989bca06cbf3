# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The hook: from an Airflow connection to everything that Clockify lists, reports and takes."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify._compat import BaseHook
from airflow_provider_clockify.connection import (
    ADDON_TOKEN_AUTH,
    CONN_TYPE,
    DEFAULT_CONN_ID,
    ClockifySettings,
)
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyError
from airflow_provider_clockify.get_provider_info import FIELDS, HOOK_NAME, UI_FIELD_BEHAVIOUR
from airflow_provider_clockify.window import Window, parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    import requests

    from airflow_provider_clockify.api.client import ClockifyClient

Item = dict[str, Any]


class ClockifyHook(BaseHook):
    """
    Talk to Clockify with the key and region of a connection.

    Lists are lazy: a page is asked for when its first item is. Every method raises the errors of
    :mod:`airflow_provider_clockify.exceptions`.

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
        """Give the form's own fields to Airflow before 3.2; later versions read the provider's metadata."""
        from airflow_provider_clockify._form import form_widgets

        return form_widgets(FIELDS)

    @cached_property
    def settings(self) -> ClockifySettings:
        """The connection, checked."""
        connection = self.get_connection(self.clockify_conn_id)
        return settings_from(self.clockify_conn_id, connection)

    @cached_property
    def client(self) -> ClockifyClient:
        """The client behind this hook, without Airflow."""
        from airflow_provider_clockify.api.client import ClockifyClient

        return ClockifyClient(self.settings)

    @cached_property
    def workspace_id(self) -> str:
        """
        The workspace: the hook's, else the connection's, else the key's active one.

        The last costs one request per hook (``getLoggedUser``).
        """
        known = self._workspace_id or self.settings.workspace_id
        if known:
            return known
        from airflow_provider_clockify.api.resources import logged_user

        user = self.client.get(logged_user())
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
                f"{self.workspace_id}, so that the service leaves out other people's data without an error. Use the key "
                "of an owner or admin, or leave require_admin out."
            )

    def get_conn(self) -> requests.Session:
        """
        Give an authenticated session, for what the hook does not wrap.

        It sends the key to the connection's hosts and to no other. Its requests are not retried, and do not count
        against the pace.
        """
        return self.client.transport.session

    def test_connection(self) -> tuple[bool, str]:
        """
        Tell the administrator whom the key belongs to, what it sees, and what is the default.

        :return: Success, and a sentence for people. Costs two requests.
        """
        from airflow_provider_clockify.api.resources import WORKSPACES, logged_user, workspace

        try:
            if self.settings.auth_type == ADDON_TOKEN_AUTH:
                found = self.client.get(workspace(self.workspace_id))
                return True, f"The add-on token works for workspace {_named(found)}."
            user = self.client.get(logged_user())
            workspaces = list(self.client.iterate(WORKSPACES))
        except ClockifyError as error:
            return False, str(error)
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

    def iter_workspaces(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the workspaces that the key sees (``getWorkspacesOfUser``, one request).

        :param filters: ``roles``.
        """
        from airflow_provider_clockify.api.resources import WORKSPACES

        return self.client.iterate(WORKSPACES, filters)

    def iter_users(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the users of the workspace (``getUsersOfWorkspace``, 5,000 per request).

        Limited and deleted accounts are left out by the service unless ``account_statuses`` asks for them; people
        who left are only listed with ``status="ALL"``.

        :param filters: ``email``, ``name`` (parts), ``project_id``, ``status`` (PENDING, ACTIVE, DECLINED, INACTIVE,
            ALL), ``account_statuses`` (list), ``memberships`` (ALL, NONE, WORKSPACE, PROJECT, USERGROUP),
            ``include_roles``.
        """
        from airflow_provider_clockify.api.resources import USERS

        return self.client.iterate(USERS, filters, workspace_id=self.workspace_id)

    def iter_projects(self, **filters: Any) -> Iterator[Item]:
        """
        Go through the projects of the workspace (``getProjects``, 5,000 per request).

        Without ``archived`` both archived and active ones are listed. Durations are in seconds, money in minor units.

        :param filters: ``name``, ``strict_name_search``, ``archived``, ``billable``, ``clients``, ``contains_client``,
            ``client_status``, ``users``, ``contains_user``, ``user_status``, ``user_groups``, ``contains_group``,
            ``is_template``, ``access``, ``hydrated`` (memberships, tasks, custom fields), ``expense_limit``,
            ``expense_date``.
        """
        from airflow_provider_clockify.api.resources import PROJECTS

        return self.client.iterate(PROJECTS, filters, workspace_id=self.workspace_id)

    def get_project(self, project_id: str, hydrated: bool = True) -> Item:
        """
        Get one project (``getProject``).

        :param project_id: Project.
        :param hydrated: Include memberships, tasks and custom fields.
        :raises ClockifyNotFoundError: the workspace has no such project.
        """
        from airflow_provider_clockify.api.resources import PROJECTS, project
        from airflow_provider_clockify.api.values import durations_to_seconds

        item = self.client.get(project(self.workspace_id, project_id, hydrated=hydrated))
        return durations_to_seconds(item, PROJECTS.durations)

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
        from airflow_provider_clockify.api.resources import TIME_ENTRIES, time_entries
        from airflow_provider_clockify.api.values import instant

        window = _window(start, end)
        request = time_entries(self.workspace_id, user_id, window, filters)
        for item in self.client.iterate_request(TIME_ENTRIES, request):
            if instant(item["timeInterval"]["start"], item.get("id")) in window:
                yield item

    def iter_detailed_report(
        self, start: datetime | str, end: datetime | str, filters: Mapping[str, Any] | None = None
    ) -> Iterator[Item]:
        """
        Go through all finished entries that start in ``[start, end)`` (``generateDetailedReport``, 1,000 per request).

        Rows come ordered by id within each chunk of at most 31 days, in UTC, as the service sent them: durations in
        seconds, money in minor units. No row is given before its chunk is proven complete.

        :param start: Aware datetime or ISO 8601 with offset.
        :param end: The same; excluded.
        :param filters: In the service's own words, see :func:`~airflow_provider_clockify.api.filters.report_filters`.
        :raises ClockifyIncompleteError: the data kept changing while they were read.
        """
        return self.client.iterate_detailed(self.workspace_id, _window(start, end), filters)

    def create_time_entry(
        self,
        start: datetime | str,
        end: datetime | str | None = None,
        *,
        user_id: str | None = None,
        description: str | None = None,
        project_id: str | None = None,
        task_id: str | None = None,
        tag_ids: list[str] | None = None,
        billable: bool | None = None,
        entry_type: str | None = None,
        custom_fields: Mapping[str, Any] | list[Mapping[str, Any]] | None = None,
    ) -> Item:
        """
        Create a time entry (``createTimeEntry``; ``createForOthers`` with ``user_id``, a paid feature).

        Sent once: after a failure that leaves open whether it took effect,
        :class:`~airflow_provider_clockify.exceptions.ClockifyWriteUnknownError` is raised instead of a second try.

        :param start: Aware datetime or ISO 8601 with offset; the service keeps whole seconds.
        :param end: The same; without it a timer starts running.
        :param user_id: For somebody else than the key's owner.
        :param custom_fields: Values by custom field id, or the service's own list form.
        :return: The entry as created.
        """
        from airflow_provider_clockify.api.resources import TIME_ENTRIES, new_time_entry
        from airflow_provider_clockify.api.values import durations_to_seconds

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
            task_id=task_id,
            tag_ids=tag_ids,
            billable=billable,
            entry_type=entry_type,
            custom_fields=custom_fields,
        )
        return durations_to_seconds(self.client.get(request), TIME_ENTRIES.durations)


def settings_from(conn_id: str, connection: Any) -> ClockifySettings:
    """
    Read an Airflow connection.

    :param conn_id: Its id.
    :param connection: The connection, of any supported Airflow version.
    :raises ClockifyConfigError: a field is missing or wrong.
    """
    return ClockifySettings.from_fields(
        conn_id,
        password=connection.password,
        host=connection.host,
        schema=connection.schema,
        port=connection.port,
        extra=_extra(conn_id, connection.extra),
    )


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


def _window(start: datetime | str, end: datetime | str) -> Window:
    return Window(parse_instant(start, "start"), parse_instant(end, "end"))


def _named(workspace: Mapping[str, Any]) -> str:
    return f"{workspace.get('name')} ({workspace.get('id')})"
