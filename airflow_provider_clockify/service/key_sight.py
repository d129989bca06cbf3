# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What a key sees: whose it is, its workspaces, its time zone (pure)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from airflow_provider_clockify.exceptions import ClockifyConfigError, Entry, explained_by

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo

Item = dict[str, Any]

log = logging.getLogger(__name__)

ADMIN_ROLES = ("OWNER", "WORKSPACE_ADMIN")


def shown_workspace(workspace: Mapping[str, Any]) -> str:
    """Return name and id of a workspace, for people."""
    return f"{workspace.get('name')} ({workspace.get('id')})"


def sight(user: Item, workspaces: Sequence[Item], wanted: str | None, is_set: bool) -> tuple[bool, str]:
    """
    Say whom a key belongs to, what it sees, and what is the default.

    :param user: The answer of ``getLoggedUser``.
    :param workspaces: Those that the key sees.
    :param wanted: Workspace that was asked for; ``None`` for the user's active one.
    :param is_set: Whether the connection names it.
    :return: Whether the workspace is among them, and a sentence for people.
    """
    wanted = wanted or user.get("activeWorkspace")
    default = next((item for item in workspaces if item.get("id") == wanted), None)
    owner = f"The key belongs to {user.get('name') or 'somebody without a name'} ({user.get('email')})"
    seen = ", ".join(map(shown_workspace, workspaces)) or "none"
    if default is None:
        return False, (
            f"{owner}, but workspace {wanted} is not among those it sees: {seen}. Correct the workspace id."
        )
    chosen = "by this connection" if is_set else "its active one; none is set here"
    return True, f"{owner}. Workspaces: {seen}. Default: {shown_workspace(default)} ({chosen})."


def active_workspace(user: Item, conn_id: str) -> str:
    """
    Return the workspace that a user last worked in.

    :param user: The answer of ``getLoggedUser``.
    :param conn_id: Connection whose key it is, for the message.
    :raises ClockifyConfigError: there is none.
    """
    active = user.get("activeWorkspace") or user.get("defaultWorkspace")
    if not active:
        raise ClockifyConfigError(
            f"Connection {conn_id!r} names no workspace and its key has no active one: set extra.workspace_id."
        )
    return str(active)


@explained_by(Entry.NOT_ALLOWED)
def check_admin(workspace_id: str, administered: Sequence[Item], conn_id: str) -> None:
    """
    Refuse a key that is not an owner's or admin's of a workspace.

    :param workspace_id: The workspace.
    :param administered: Workspaces in which the key has one of :data:`ADMIN_ROLES`.
    :param conn_id: Connection whose key it is, for the message.
    :raises ClockifyConfigError: it is none of them.
    """
    if workspace_id not in {found.get("id") for found in administered}:
        raise ClockifyConfigError(
            f"Connection {conn_id!r}: its key is neither an owner's nor an admin's of workspace {workspace_id}, so "
            "that the service leaves out other people's data without an error. Use the key of an owner or admin, or "
            "leave require_admin out."
        )


def profile_zone(user: Item) -> tzinfo | None:
    """
    Return the time zone of a user's profile; ``None`` where it has none, or none that is known here.

    :param user: The answer of ``getLoggedUser``.
    """
    name = (user.get("settings") or {}).get("timeZone")
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, ZoneInfoNotFoundError):
        log.warning("The time zone %r of the key's user is unknown here; taking bounds literally.", name)
        return None
