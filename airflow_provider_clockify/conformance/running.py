# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Sends the tries, one after the other, and collects what is found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_clockify.conformance.answers import DoesNotHoldError, Found, NotTriedError
from airflow_provider_clockify.conformance.judging import SHAPE
from airflow_provider_clockify.conformance.reads_only import ReadOnlyTransport, RequestsSpentError
from airflow_provider_clockify.conformance.tries import BY_NAME, MOST_REQUESTS, NOBODY, needed
from airflow_provider_clockify.exceptions import (
    ClockifyApiError,
    ClockifyAuthError,
    ClockifyConfigError,
    ClockifyRateLimitError,
    ClockifyTransportError,
)
from airflow_provider_clockify.http.hosts import service_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from airflow_provider_clockify.conformance.assumptions import Assumption
    from airflow_provider_clockify.conformance.tries import Try
    from airflow_provider_clockify.connection import ClockifySettings
    from airflow_provider_clockify.service.messages import Service

TOO_MANY = 429
_REFUSED = "The service refuses more requests for now (429). Run again in an hour."
_REFUSED_ELSEWHERE = "The service refused this request with a 429."


def run(
    settings: ClockifySettings,
    assumptions: Iterable[Assumption],
    *,
    now: datetime,
    say: Callable[[str], None],
) -> Found:
    """
    Ask the service what is needed to judge assumptions; at most 25 requests, all of them reads.

    :param settings: The connection; without a workspace, the key's active one is used.
    :param assumptions: Which.
    :param now: Aware current time.
    :param say: Takes a line of progress before each request.
    :raises ClockifyAuthError: the key was refused.
    :raises ClockifyTransportError: the service cannot be reached.
    :raises ClockifyConfigError: no workspace is known.
    """
    tries = needed(name for assumption in assumptions for name in assumption.tries)
    found = Found(settings.workspace_id or "", now, hosts_of(settings))
    if not found.workspace_id and tries:
        tries = [BY_NAME["user"], *(each for each in tries if each.name != "user")]
    transport = ReadOnlyTransport(settings, MOST_REQUESTS)
    try:
        for number, each in enumerate(tries, 1):
            if _REFUSED in found.untried.values():
                found.untried[each.name] = _REFUSED
                continue
            say(f"{number:2} of {len(tries)}: {each.asks}")
            _try(transport, each, found)
            if not found.workspace_id:
                found.workspace_id = _active_workspace(settings, found)
    finally:
        transport.close()
    found.refusals = [answer for answer in transport.answers if answer.status == TOO_MANY]
    return found


def hosts_of(settings: ClockifySettings) -> str:
    """
    Return the hosts that the region names, without the name of a subdomain; empty where the connection replaces them.

    :param settings: The connection.
    """
    if settings.base_url or settings.core_url or settings.reports_url:
        return ""
    services: tuple[Service, ...] = ("core", "reports")
    hosts = [urlsplit(service_url(settings, service)).netloc for service in services]
    return " and ".join(re.sub(rf"^{settings.subdomain}\.", "<subdomain>.", host) for host in hosts)


def _try(transport: ReadOnlyTransport, each: Try, found: Found) -> None:
    try:
        request = each.request(found)
    except (NotTriedError, DoesNotHoldError) as error:
        found.untried[each.name] = str(error)
        return
    except SHAPE as error:
        found.untried[each.name] = (
            f"An answer that it needs has a shape that is not known ({type(error).__name__})."
        )
        return
    before = len(transport.answers)
    try:
        transport.send(request, lambda response: response)
    except ClockifyTransportError as error:
        # With nothing known, nothing can be said; later, others may still be answered.
        if not found.answers:
            raise
        found.unanswered.add(each.name)
        found.untried[each.name] = f"The request {each.name} was not answered ({type(error).__name__})."
    except RequestsSpentError:
        found.untried[each.name] = (
            f"All {MOST_REQUESTS} requests were spent. Run again with --only and this number."
        )
    except ClockifyRateLimitError:
        found.untried[each.name] = _REFUSED if request.workspace_id != NOBODY else _REFUSED_ELSEWHERE
    except ClockifyAuthError:
        if not found.answers:
            raise
    except ClockifyApiError:
        pass  # A refusal is an answer, too.
    if len(transport.answers) > before and each.name not in found.untried:
        found.answers[each.name] = transport.answers[-1]


def _active_workspace(settings: ClockifySettings, found: Found) -> str:
    user = found.good("user").json
    active = user.get("activeWorkspace") or user.get("defaultWorkspace")
    if not active:
        raise ClockifyConfigError(
            f"Connection {settings.conn_id!r} names no workspace and its key has no active one: set one."
        )
    return str(active)
