# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Requests and answers as plain values; nothing here touches the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import quote, unquote

Service = Literal["core", "reports"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
ParamValue = str | int | bool | Sequence[str]


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """
    One request to Clockify.

    :param operation: Operation name of the API, for messages and logs.
    :param service: ``core`` or ``reports``.
    :param method: HTTP method.
    :param path: Path below the service's base URL, already escaped (see :func:`path`).
    :param params: Query parameters; a sequence repeats the name.
    :param json: JSON body.
    :param idempotent: Whether sending it twice is harmless. True for every read, report POSTs included.
    """

    operation: str
    service: Service
    method: Method
    path: str
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    json: Any = None
    idempotent: bool = True

    @property
    def workspace_id(self) -> str | None:
        """The workspace that it is about; ``None`` where the path names none."""
        _, first, *more = self.path.split("/", 3)
        return unquote(more[0]) if first == "workspaces" and more else None

    def with_values(self, values: Mapping[str, ParamValue]) -> ApiRequest:
        """
        Copy the request with further values where it takes them: in the body of a ``POST``, else in the query.

        :param values: Names exactly as on the wire.
        """
        if self.method == "POST":
            return replace(self, json={**(self.json or {}), **values})
        return replace(self, params={**self.params, **values})

    def query(self) -> list[tuple[str, str]]:
        """Return the query as pairs of text, in a stable order."""
        pairs: list[tuple[str, str]] = []
        for name, value in self.params.items():
            if isinstance(value, bool):
                pairs.append((name, "true" if value else "false"))
            elif isinstance(value, (str, int)):
                pairs.append((name, str(value)))
            else:
                pairs.extend((name, item) for item in value)
        return pairs


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """
    An answer.

    :param status: HTTP status; decoders only get answers with 2xx.
    :param headers: Header names in lower case.
    :param body: The decoded content.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def path(*parts: str) -> str:
    """
    Build an escaped path.

    :param parts: Segments; each is escaped as a whole, so that no id can change the path.
    """
    return "/" + "/".join(quote(part, safe="") for part in parts)
