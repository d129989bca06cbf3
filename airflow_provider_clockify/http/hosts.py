# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Where a connection's two services live (Clockify OpenAPI, section "API URLs")."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_clockify import __version__
from airflow_provider_clockify.connection import ADDON_TOKEN_AUTH, GLOBAL_REGION, ClockifySettings

if TYPE_CHECKING:
    from airflow_provider_clockify.service.messages import ApiRequest, Service

USER_AGENT = f"airflow-provider-clockify/{__version__}"
KEY_HEADER = "X-Api-Key"
TOKEN_HEADER = "X-Addon-Token"  # noqa: S105 - the name of a header

CORE_PATH = "/api/v1"
REPORTS_PATH = "/report/v1"


def service_url(settings: ClockifySettings, service: Service) -> str:
    """
    Return the base URL of a service, without a trailing slash.

    Explicit URLs win, then the base URL override, then subdomain and region. The global region tells its reports
    apart by host, every other by path. A subdomain keeps the region's core host and moves the reports
    (Clockify OpenAPI); global workspaces with a subdomain use the global hosts.
    """
    explicit = settings.core_url if service == "core" else settings.reports_url
    if explicit:
        return explicit
    suffix = CORE_PATH if service == "core" else REPORTS_PATH
    if settings.base_url:
        return settings.base_url + suffix
    if settings.region == GLOBAL_REGION:
        return "https://api.clockify.me/api/v1" if service == "core" else "https://reports.api.clockify.me/v1"
    host = settings.region
    if service == "reports" and settings.subdomain:
        host = settings.subdomain
    return f"https://{host}.clockify.me{suffix}"


def request_url(settings: ClockifySettings, request: ApiRequest) -> str:
    """Return the URL of a request, without its query."""
    return service_url(settings, request.service) + request.path


def origins(settings: ClockifySettings) -> frozenset[tuple[str, str | None, int | None]]:
    """Return scheme, host and port of the places that may see the key."""
    return frozenset(origin(service_url(settings, service)) for service in ("core", "reports"))


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port of a URL; the scheme's own port counts as none."""
    parts = urlsplit(url)
    port = parts.port
    if port == {"http": 80, "https": 443}.get(parts.scheme):
        port = None
    return parts.scheme, parts.hostname, port


def plain_url(url: str) -> str:
    """Return a URL as everybody who means the same place would write it: host in lower case, no usual port."""
    scheme, host, port = origin(url)
    return f"{scheme}://{host}{'' if port is None else f':{port}'}{urlsplit(url).path.rstrip('/')}"


def credential_header(settings: ClockifySettings) -> str:
    """Return the name of the one header that carries the key; two credentials are refused."""
    return TOKEN_HEADER if settings.auth_type == ADDON_TOKEN_AUTH else KEY_HEADER
