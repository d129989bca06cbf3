# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Requests and responses of the emulated services, and the strict reading of their parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.testing.workspace.kinds import ADMIN_ROLES, User

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from airflow_provider_clockify.testing.answers.report_rows import EntryRows
    from airflow_provider_clockify.testing.workspace.data import EmulatedWorkspace

JSON = "application/json"
OVERSIZE = ("refuse", "clamp", "cut")


class ApiError(Exception):
    """An answer with an error body ``{"message": ..., "code": N}``; the code is not the HTTP status."""

    def __init__(
        self, status: int, code: int, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.response = Response(status, {"message": message, "code": code}, headers=dict(headers or {}))


def domain_error(message: str) -> ApiError:
    """Return the 400/501 of the services for broken rules and missing entities (observed 2026-08-08)."""
    return ApiError(400, 501, message)


def conversion_error(name: str, value: object) -> ApiError:
    """Return the 400/3000 for a query parameter of the wrong type (observed 2026-08-08)."""
    return ApiError(400, 3000, f"Method parameter '{name}': Failed to convert value: {value}")


def unreadable_body(detail: str) -> ApiError:
    """Return the 400/3002 for an unreadable body or an unknown enum value in it (observed 2026-08)."""
    return ApiError(400, 3002, detail)


def not_emulated(what: str) -> ApiError:
    """Return an answer that the service never gives, a 501: something exists there, and not here."""
    return ApiError(501, 0, f"{what} exists at Clockify and is not emulated")


@dataclass(slots=True)
class Response:
    """An answer: JSON-able payload, or bytes that are sent as they are."""

    status: int = 200
    payload: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON

    def body(self) -> bytes:
        """Return the bytes to send."""
        if isinstance(self.payload, bytes):
            return self.payload
        return b"" if self.payload is None else msgspec.json.encode(self.payload)


@dataclass(slots=True)
class Caller:
    """Who asks: the owner of an API key, or an add-on that acts for the owner of one workspace."""

    user: User
    addon: bool = False

    @property
    def is_admin(self) -> bool:
        """Whether the caller may see everything."""
        return self.addon or self.user.role in ADMIN_ROLES


@dataclass(slots=True, kw_only=True)
class EntityFeeds:
    """
    How the experimental change feeds behave; sources disagree about most of it.

    :param shape: of the answer: ``array`` (observed 2026-08-08), ``envelope`` (``{"response": [...]}``) or
        ``json_string`` (both in the Clockify OpenAPI).
    :param page_base: 0 (Clockify OpenAPI), or 1: pages 0 and 1 are the same (the guide's examples use 1).
    :param type_key: ``documentType`` (guide) or ``documentCode`` (schema).
    :param deletion_delay: seconds until a deletion shows; about a minute in the Clockify OpenAPI.
    :param created_lists_deleted: ``created`` and ``updated`` still show what was deleted later (not known).
    :param max_limit: larger limits are cut to this without a word, None is no maximum.
    """

    shape: str = "array"
    page_base: int = 0
    type_key: str = "documentType"
    deletion_delay: float = 60.0
    created_lists_deleted: bool = False
    max_limit: int | None = None

    def __post_init__(self) -> None:
        """Refuse unknown values."""
        for name, options in (
            ("shape", ("array", "envelope", "json_string")),
            ("page_base", (0, 1)),
            ("type_key", ("documentType", "documentCode")),
        ):
            if getattr(self, name) not in options:
                raise ValueError(f"{name} of the entity feeds must be one of {options}")


@dataclass(slots=True, kw_only=True)
class Behaviour:
    """
    How the service behaves where sources disagree or nothing was recorded.

    :param detailed_max_page_size: of the detailed report; 1000 in the Clockify help centre, 200 in
        reports of trials.
    :param max_page_size: of every list, report, feed and file that has pages, where its own maximum is larger;
        ``page-size=5000`` of lists was answered with 400 (reported 2021-09, 2022-07) and with 200 rows (reported 2022).
    :param oversize: what happens to a larger page size: ``refuse`` (400), ``clamp`` (fewer rows, no word; pages are
        counted by the rows that are given) or ``cut`` (the same, but pages are counted by the size that was asked
        for, so that the next page begins behind rows that nobody got). Which of the last two is not known.
    :param last_page_header: send ``Last-Page`` with core lists (observed on 18 of them).
    :param report_running: show running timers in reports, with ``end: null`` and duration 0.
    :param select_overlapping: the detailed report holds what reaches into its range, too.
    :param weekly_refusal_status: of a weekly report that is not about 7 days: 400 (observed 2026-08-07) or
        200 with the same error object (observed 2026-05-12).
    :param summary_levels: levels of groups that a summary has at most; groups on the last one have no ``children``,
        though they were asked for (guards of three clients say that this happens).
    :param csv_paged: whether CSV and XLSX of the detailed report end with the requested page; sources
        disagree, and the web app exports everything.
    :param report_last_page_header: send ``Last-Page`` with reports that have pages (observed 2026-05 of the detailed
        and the expense report, and of requests for time off).
    :param frozen_now: what the service takes for now, None is the clock of this machine.
    :param extra_fields: unknown fields that every object in a list of an answer has in addition.
    :param entities: how the change feeds behave.
    """

    detailed_max_page_size: int = 1000
    max_page_size: int | None = None
    oversize: str = "refuse"
    last_page_header: bool = True
    report_running: bool = False
    select_overlapping: bool = False
    weekly_refusal_status: int = 400
    summary_levels: int = 3
    csv_paged: bool = True
    report_last_page_header: bool = True
    frozen_now: datetime | None = None
    extra_fields: Mapping[str, Any] = field(default_factory=dict)
    entities: EntityFeeds = field(default_factory=lambda: EntityFeeds())

    def now(self) -> datetime:
        """Return what the service takes for now."""
        return self.frozen_now or datetime.now(UTC)

    def __post_init__(self) -> None:
        """Refuse unknown values."""
        if self.oversize not in OVERSIZE:
            raise ValueError(f"oversize must be one of {OVERSIZE}")
        if self.max_page_size is not None and self.max_page_size < 1:
            raise ValueError("max_page_size must be at least 1")
        if self.weekly_refusal_status not in (400, 200):
            raise ValueError("weekly_refusal_status must be 400 or 200")

    def rows_of_page(self, number: int, size: int, maximum: int, name: str) -> slice:
        """
        Return which rows are on a page, counted from 1.

        :param maximum: of the list itself.
        :param name: of the size's parameter, for the refusal.
        """
        if number < 1:
            raise domain_error("page must be greater than or equal to 1")
        if size < 1:
            raise domain_error(f"{name} must be greater than or equal to 1")
        maximum = min(maximum, self.max_page_size or maximum)
        if size > maximum and self.oversize == "refuse":
            raise domain_error(f"{name} must be less than or equal to {maximum}")
        given = min(size, maximum)
        start = (number - 1) * (size if self.oversize == "cut" else given)
        return slice(start, start + given)

    def last_page(self, rows: slice, total: int) -> dict[str, str]:
        """Return the header of one page of a report, if the service sends it."""
        return _last_page(rows, total) if self.report_last_page_header else {}


def _last_page(rows: slice, total: int) -> dict[str, str]:
    return {"Last-Page": "true" if rows.stop >= total else "false"}


class Query:
    """The query string; reading a value of the wrong type is a 400 as in the service."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = values

    def text(self, name: str) -> str | None:
        """Return the first value, None when it is absent or empty."""
        values = self._values.get(name)
        return (values[0] or None) if values else None

    def many(self, name: str) -> list[str]:
        """Return the values of a parameter that is repeated; commas separate values too."""
        return [part for value in self._values.get(name, ()) for part in value.split(",") if part]

    def flag(self, name: str) -> bool | None:
        """Return true or false, None when it is absent."""
        value = self.text(name)
        if value is None:
            return None
        if value.lower() not in ("true", "false"):
            raise conversion_error(name, value)
        return value.lower() == "true"

    def choice(self, name: str, options: Collection[str], default: str) -> str:
        """Return one of the options."""
        value = self.text(name)
        if value is None:
            return default
        if value not in options:
            raise conversion_error(name, value)
        return value

    def integer(self, name: str, default: int) -> int:
        """Return a whole number."""
        value = self.text(name)
        if value is None:
            return default
        try:
            return int(value)
        except ValueError:
            raise conversion_error(name, value) from None


@dataclass(slots=True, kw_only=True)
class Request:
    """A request on its way to the handler of its route."""

    path: Mapping[str, str]
    query: Query
    body: bytes
    caller: Caller
    behaviour: Behaviour
    workspaces: Sequence[EmulatedWorkspace]
    workspace: EmulatedWorkspace
    rows: EntryRows
    report_unknown: Callable[[str], None]

    def json_object(self, known: Collection[str]) -> dict[str, Any]:
        """
        Return the JSON object of the body.

        Unknown keys are tolerated as the service does, and reported to the emulator's ``unknown_parameters``.
        """
        try:
            decoded = msgspec.json.decode(self.body)
        except msgspec.DecodeError as error:
            raise unreadable_body(f"Failed to read request: {error}") from None
        if not isinstance(decoded, dict):
            raise unreadable_body("Failed to read request: a JSON object is expected")
        for name in decoded:
            if name not in known:
                self.report_unknown(f"body {name}")
        return decoded

    def page(
        self, items: Sequence[Any], render: Callable[[Any], Any], *, size: int = 50, maximum: int = 5000
    ) -> Response:
        """
        Return one page of a core list as a bare array, with the header ``Last-Page``.

        Pages count from 1. A page past the end is an empty array and a last page (observed 2026-08).
        """
        rows = self.behaviour.rows_of_page(
            self.query.integer("page", 1), self.query.integer("page-size", size), maximum, "page-size"
        )
        headers = _last_page(rows, len(items)) if self.behaviour.last_page_header else {}
        return Response(200, [render(row) for row in items[rows]], headers=headers)


@dataclass(slots=True, frozen=True)
class Route:
    """
    A row of the route table.

    :param service: ``core`` or ``reports``.
    :param path: path below the base of the service; ``{name}`` stands for one segment. ``{workspaceId}`` is
        resolved before the handler runs.
    :param query: names of the query parameters that the service knows.
    :param emulated: False for what only says that it is not.
    """

    service: str
    method: str
    path: str
    handler: Callable[[Request], Response]
    query: frozenset[str] = frozenset()
    emulated: bool = True


def choice(body: Mapping[str, Any], name: str, options: Collection[str], default: str) -> str:
    """Return an enum value of a body in upper case; lower case is accepted as public scripts do."""
    value = body.get(name)
    if value is None:
        return default
    text = value.upper() if isinstance(value, str) else ""
    if text not in options:
        raise unreadable_body(f"{name}: {value!r} is not one of the values accepted: {list(options)}")
    return text


def flag(body: Mapping[str, Any], name: str) -> bool | None:
    """Return a boolean of a body, None when it is absent or null."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise unreadable_body(f"{name}: {value!r} is not a boolean")
    return value


def integer(body: Mapping[str, Any], name: str, default: int) -> int:
    """Return a whole number of a body."""
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise unreadable_body(f"{name}: {value!r} is not a whole number")
    return value


def require_paid(request: Request, feature: str) -> None:
    """Refuse what the Free plan lacks with a 403 (reported, not confirmed)."""
    if request.workspace.is_free:
        raise ApiError(403, 403, f"{feature} is not available on the Free plan")
