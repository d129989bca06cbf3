# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Find the route of a request and the person behind its credentials."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from airflow_provider_clockify.testing.core_routes import (
    absence,
    approval_writes,
    core,
    entity_changes,
    finance,
    planning,
    work_writes,
)
from airflow_provider_clockify.testing.core_routes import entry_routes as time_entries
from airflow_provider_clockify.testing.core_routes import list_routes as lists
from airflow_provider_clockify.testing.core_routes.known_operations import KNOWN
from airflow_provider_clockify.testing.exchange import ApiError, Caller, Route, domain_error
from airflow_provider_clockify.testing.report_routes import report_requests as reports

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_clockify.testing.workspace.data import EmulatedWorkspace

# A new endpoint is a function and a row in the ROUTES of its module. At the end stand the operations that Clockify
# has and that are not emulated, which say so.
ROUTES: tuple[Route, ...] = (
    core.ROUTES
    + time_entries.ROUTES
    + lists.ROUTES
    + finance.ROUTES
    + absence.ROUTES
    + planning.ROUTES
    + work_writes.ROUTES
    + approval_writes.ROUTES
    + entity_changes.ROUTES
    + reports.ROUTES
    + KNOWN
)

# Core and reports share a host, as on regional and subdomain workspaces (Clockify OpenAPI).
BASES = {"core": "/api/v1", "reports": "/report/v1"}


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))


def _table() -> Mapping[int, Sequence[tuple[Route, re.Pattern[str]]]]:
    """Return the routes by their number of segments; fixed ones (invoices/settings) stand before variable ones."""
    table: dict[int, list[tuple[Route, re.Pattern[str]]]] = defaultdict(list)
    for route in sorted(ROUTES, key=lambda route: ["{" in part for part in route.path.split("/")]):
        path = BASES[route.service] + route.path
        table[path.count("/")].append((route, _pattern(path)))
    return table


_TABLE = _table()


def service_of(path: str) -> str:
    """Return the service that a path belongs to, ``unknown`` for paths outside of both."""
    return next((name for name, base in BASES.items() if path.startswith(f"{base}/")), "unknown")


def find_route(method: str, path: str) -> tuple[Route, Mapping[str, str]]:
    """
    Return the route of a request and the variable parts of its path; HEAD has those of GET.

    Several slashes count as one where nothing fits otherwise: clients that put a slash between a base with one at its
    end and a path with one at its beginning work with the service, too.

    :raises ApiError: 404 code 3000 for a path that is not served, 405 with ``Allow`` for the wrong verb
        (observed 2026-05 and 2026-08-01).
    """
    fitting = _fitting(path) or (_fitting(re.sub("//+", "/", path)) if "//" in path else [])
    if not fitting:
        raise ApiError(404, 3000, f"No static resource {path.lstrip('/')}.")
    wanted = "GET" if method == "HEAD" else method
    for route, match in fitting:
        if route.method == wanted:
            return route, match.groupdict()
    raise ApiError(
        405, 405, f"Request method '{method}' is not supported", {"Allow": ", ".join(_verbs(fitting))}
    )


def options_of(path: str) -> str:
    """
    Return the ``Allow`` of an OPTIONS request, which needs no key.

    :raises ApiError: 404 code 3000 for a path that is not served.
    """
    fitting = _fitting(re.sub("//+", "/", path))
    if not fitting:
        raise ApiError(404, 3000, f"No static resource {path.lstrip('/')}.")
    verbs = _verbs(fitting)
    return ", ".join([*verbs, *(["HEAD"] if "GET" in verbs else []), "OPTIONS"])


def _fitting(path: str) -> list[tuple[Route, re.Match[str]]]:
    here = _TABLE.get(path.count("/"), ())
    return [(route, match) for route, pattern in here if (match := pattern.fullmatch(path))]


def _verbs(fitting: Sequence[tuple[Route, re.Match[str]]]) -> list[str]:
    return sorted({route.method for route, _ in fitting})


def authenticate(
    headers: Mapping[str, str], workspaces: Sequence[EmulatedWorkspace]
) -> tuple[Caller, EmulatedWorkspace]:
    """
    Return the caller and the caller's active workspace.

    :raises ApiError: 401 with code 1000 (none or both headers; a Bearer token counts as none), 4003 (unknown
        key) or 4017 (unknown add-on token), as observed 2026-08-08.
    """
    key, token = headers.get("x-api-key"), headers.get("x-addon-token")
    if (key is None) is (token is None):
        raise ApiError(401, 1000, "Multiple or none auth tokens present")
    if token is not None:
        for workspace in workspaces:
            if workspace.addon_token == token:
                return Caller(workspace.owner, addon=True), workspace
        raise ApiError(401, 4017, "Token is not valid")
    homes = [
        (user, workspace)
        for workspace in workspaces
        for user in list(workspace.users.values())
        if user.api_key == key
    ]
    if not homes:
        raise ApiError(401, 4003, "Api key does not exist")
    user, workspace = next((home for home in homes if home[0].membership_status == "ACTIVE"), homes[0])
    return Caller(user), workspace


def open_workspace(
    workspace_id: str, caller: Caller, home: EmulatedWorkspace, workspaces: Sequence[EmulatedWorkspace]
) -> tuple[Caller, EmulatedWorkspace]:
    """
    Return the workspace of a path and the caller as its member.

    :raises ApiError: 400/501 for a workspace that does not exist or is foreign, 403 for a deactivated member.
    """
    for workspace in workspaces:
        if workspace.id != workspace_id:
            continue
        if caller.addon and workspace is home:
            return caller, workspace
        member = workspace.users.get(caller.user.id)
        if caller.addon or member is None:
            break
        if member.membership_status != "ACTIVE":
            raise ApiError(403, 403, "Access denied")
        return Caller(member), workspace
    raise domain_error("Workspace doesn't belong to User")
