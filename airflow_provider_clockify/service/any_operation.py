# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Requests for operations that this package does not wrap, and how their answers are read (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import quote

import msgspec

from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.rendered import is_nothing, one_of
from airflow_provider_clockify.service.lists import param_value
from airflow_provider_clockify.service.messages import ApiRequest, Method, Service, path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_clockify.service.messages import ApiResponse

# What a path may hold unescaped; an escape stays as it is.
_SAFE = "/%:@!$&'()*+,;=~"


def any_request(
    workspace_id: Callable[[], str],
    method: str,
    where: str,
    *,
    service: str,
    params: Mapping[str, Any] | None,
    json: Any,
) -> ApiRequest:
    """
    Prepare the request of any operation.

    What may change something is never repeated after an unknown outcome: everything but a ``GET`` and the POSTs below
    ``reports/`` of the reports service, which are how it is asked for a report.

    :param workspace_id: Gives the workspace; asked only where the path is relative.
    :param method: HTTP method.
    :param where: Path below the workspace, or with a slash before it below the service's base.
    :param service: ``core`` or ``reports``.
    :param params: Query parameters by the service's own names; ``None`` is left out, a list repeats the name.
    :param json: JSON body.
    :raises ClockifyConfigError: one of them cannot be sent; the message names it.
    """
    verb = one_of("method", str(method).upper(), get_args(Method))
    one_of("service", service, get_args(Service))
    _check_path(where)
    try:
        msgspec.json.encode(json)
    except (TypeError, ValueError, RecursionError) as error:
        raise ClockifyConfigError(f"json cannot be written as JSON: {error}.") from error
    escaped = quote(where, safe=_SAFE)
    target = escaped if where.startswith("/") else f"{path('workspaces', workspace_id())}/{escaped}"
    return ApiRequest(
        operation=f"{verb} {where}",
        service=service,  # type: ignore[arg-type]  # one of them
        method=verb,
        path=target,
        params={
            name: param_value(f"params[{name!r}]", value)
            for name, value in (params or {}).items()
            if value is not None
        },
        json=json,
        idempotent=verb == "GET" or (verb == "POST" and service == "reports" and _asks_for_report(target)),
    )


def _check_path(where: object) -> None:
    example = 'for example "projects", or "/user" for one that belongs to no workspace'
    if not isinstance(where, str) or is_nothing(where) or where == "/":
        raise ClockifyConfigError(f"path is {where!r}; give the path of an operation, {example}.")
    if "://" in where or where.startswith("//"):
        raise ClockifyConfigError(f"path is {where!r}; give a path without the host, {example}.")
    if {"?", "#"} & set(where):
        raise ClockifyConfigError(f"path is {where!r}; give what follows ? as params.")
    if {".", ".."} & set(where.lower().replace("%2e", ".").split("/")):
        raise ClockifyConfigError(f"path is {where!r}; it must not climb with '.' or '..'.")


def _asks_for_report(target: str) -> bool:
    """Tell ``/workspaces/<id>/reports/…`` from what the reports service creates, such as shared reports."""
    parts = target.split("/")
    return parts[1:2] == ["workspaces"] and parts[3:4] == ["reports"]


def read_anything(response: ApiResponse) -> Any:
    """
    Read an answer of any operation.

    :param response: The answer.
    :return: Decoded JSON; bytes where the answer is none; ``None`` where it is empty.
    """
    if not response.body:
        return None
    if "json" in response.headers.get("content-type", "json").lower():
        return msgspec.json.decode(response.body)
    return response.body
