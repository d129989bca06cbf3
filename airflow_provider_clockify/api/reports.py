# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Report requests and how to read their answers (pure). Money is in minor units, durations in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify.api.messages import ApiRequest, path
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyResponseError

if TYPE_CHECKING:
    from airflow_provider_clockify.window import Window

MAX_PAGE_SIZE = 1000
# Sizes to fall back to when the service refuses the larger one; 200 is what others report as its maximum.
PAGE_SIZES = (MAX_PAGE_SIZE, 200, 50)

_ID_STATUSES = ("ACTIVE", "ARCHIVED", "ALL")
_USER_STATUSES = ("ALL", "ACTIVE_WITH_PENDING", "ACTIVE", "PENDING", "INACTIVE")
_CONTAINS = ("CONTAINS", "DOES_NOT_CONTAIN", "CONTAINS_ONLY")
_ID_FILTERS = {
    "clients": _ID_STATUSES,
    "projects": _ID_STATUSES,
    "tasks": _ID_STATUSES,
    "tags": _ID_STATUSES,
    "currency": _ID_STATUSES,
    "users": _USER_STATUSES,
    "userGroups": _USER_STATUSES,
}
_AMOUNTS = ("EARNED", "COST", "PROFIT", "HIDE_AMOUNT", "EXPORT")
_CHOICES = {
    "amountShown": _AMOUNTS,
    "approvalState": ("APPROVED", "UNAPPROVED", "ALL"),
    "invoicingState": ("INVOICED", "UNINVOICED", "ALL"),
}
_BOOLEANS = ("billable", "withoutDescription", "rounding", "archived")
_LISTS = ("amounts", "customFields", "userCustomFields")
_OTHER = ("description", "auditFilter")
FILTERS = (*_ID_FILTERS, *_CHOICES, *_BOOLEANS, *_LISTS, *_OTHER)
_OURS = {
    "dateRangeStart": "start",
    "dateRangeEnd": "end",
    "dateRangeType": "window",
    "timeZone": "nothing: reports are always read in UTC",
    "exportType": "file_format",
    "sortOrder": "nothing: rows are always sorted by id",
    "detailedFilter": "nothing: paging is done for you",
    "page": "nothing: paging is done for you",
    "pageSize": "nothing: paging is done for you",
}


class CurrencyAmount(msgspec.Struct, frozen=True):
    """Minor units of one currency."""

    currency: str | None = None
    amount: Decimal | None = None


class Totals(msgspec.Struct, frozen=True, rename="camel"):
    """
    The service's own sums over everything that matches, not only over the page.

    Durations in seconds. ``total_amount_by_currency`` is a list, or an empty object when amounts are hidden.
    """

    entries_count: int | None = None
    total_time: Decimal | None = None
    total_billable_time: Decimal | None = None
    total_amount_by_currency: list[CurrencyAmount] | dict[str, Any] | None = None

    def money(self) -> dict[str, Decimal] | None:
        """Give the sums per currency that are not zero; ``None`` when the service shows no money."""
        if not isinstance(self.total_amount_by_currency, list):
            return None
        return {item.currency or "": item.amount for item in self.total_amount_by_currency if item.amount}


NOTHING = Totals(entries_count=0, total_time=Decimal(0), total_billable_time=Decimal(0))


class DetailedPage(msgspec.Struct, frozen=True):
    """
    One page of the detailed report.

    :param totals: Sums over the whole report; ``None`` when the service gave none.
    :param rows: The rows as the service sent them, byte for byte.
    """

    totals: Totals | None
    rows: list[msgspec.Raw]


class _DetailedAnswer(msgspec.Struct, frozen=True):
    # The key is lower case in reality and camel case in some texts; reading only one of them reads "no data".
    totals: list[Totals | None] | None = None
    timeentries: list[msgspec.Raw] | None = None
    timeEntries: list[msgspec.Raw] | None = None  # noqa: N815 - a name on the wire


_decode_detailed = msgspec.json.Decoder(_DetailedAnswer).decode


def read_detailed(body: bytes) -> DetailedPage:
    """
    Read a page of the detailed report.

    :param body: The answer to ``generateDetailedReport``.
    :raises ClockifyResponseError: the answer holds no list of entries.
    """
    answer = _decode_detailed(body)
    rows = answer.timeentries if answer.timeentries is not None else answer.timeEntries
    if rows is None:
        raise ClockifyResponseError(
            "The answer to generateDetailedReport has no timeentries; the service may have changed.",
            operation="generateDetailedReport",
        )
    totals = answer.totals[0] if answer.totals else None
    if totals is None and not rows:
        totals = NOTHING  # ``[null]``, ``[]`` and nothing at all are how the service says zero.
    return DetailedPage(totals, rows)


def detailed_request(
    workspace_id: str, window: Window, filters: Mapping[str, Any], page: int, page_size: int
) -> ApiRequest:
    """
    Ask for one page of the detailed report, in UTC, oldest id first.

    New entries get higher ids, so that what is added while paging lands on the last page.

    :param workspace_id: Workspace.
    :param window: At most 31 days.
    :param filters: What :func:`report_filters` returned.
    :param page: Page number, from 1.
    :param page_size: Rows per page, at most :data:`MAX_PAGE_SIZE`.
    """
    start, end = window.report_bounds()
    common = {name: value for name, value in filters.items() if name != "auditFilter"}
    detailed: dict[str, Any] = {
        "page": page,
        "pageSize": page_size,
        "sortColumn": "ID",
        "options": {"totals": "CALCULATE"},
    }
    if "auditFilter" in filters:
        detailed["auditFilter"] = filters["auditFilter"]
    body: dict[str, Any] = {
        "dateRangeStart": start,
        "dateRangeEnd": end,
        "timeZone": "UTC",
        "exportType": "JSON",
        "sortOrder": "ASCENDING",
        "rounding": False,
        "amountShown": "EARNED",
        **common,
        "detailedFilter": detailed,
    }
    return ApiRequest(
        "generateDetailedReport",
        "reports",
        "POST",
        path("workspaces", workspace_id, "reports", "detailed"),
        json=body,
    )


def report_filters(filters: Mapping[str, Any] | None) -> dict[str, Any]:
    """
    Check filters in the service's own words and expand lists of ids.

    A list of ids becomes ``{"ids": […], "contains": "CONTAINS", "status": "ALL"}``: with ids alone the users filter
    comes back empty, and any other status silently drops entries of archived projects and inactive people.

    :param filters: For example ``{"projects": ["…"], "billable": True}``.
    :return: A new dict, ready for the request body.
    :raises ClockifyConfigError: a key is unknown or set elsewhere, or a value is of the wrong kind.
    """
    if filters is None:
        return {}
    if not isinstance(filters, Mapping):
        raise ClockifyConfigError(f"filters must be a dict, not {type(filters).__name__}.")
    return {name: _filter(name, value) for name, value in filters.items() if value is not None}


def user_ids(filters: Mapping[str, Any]) -> frozenset[str] | None:
    """Give the ids that every row's user must be one of; ``None`` without such a filter."""
    users = filters.get("users")
    if isinstance(users, Mapping) and users.get("contains") == "CONTAINS" and users.get("ids"):
        return frozenset(users["ids"])
    return None


def _filter(name: str, value: Any) -> Any:
    if name in _OURS:
        raise ClockifyConfigError(f"filters[{name!r}] is not a filter; what sets it is {_OURS[name]}.")
    if name not in FILTERS:
        close = get_close_matches(str(name), FILTERS, 1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        raise ClockifyConfigError(
            f"filters[{name!r}] is unknown. {hint}The service knows: {', '.join(sorted(FILTERS))}."
        )
    if name in _ID_FILTERS:
        return _id_filter(name, value)
    if name in _CHOICES:
        return _choice(name, value, _CHOICES[name])
    if name in _BOOLEANS and not isinstance(value, bool):
        raise ClockifyConfigError(f"filters[{name!r}] is {value!r}; it must be True or False.")
    if name in _LISTS:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise ClockifyConfigError(f"filters[{name!r}] is {value!r}; it must be a list.")
        return [_choice(name, item, _AMOUNTS) for item in value] if name == "amounts" else list(value)
    if name == "description" and not isinstance(value, str):
        raise ClockifyConfigError(f"filters[{name!r}] is {value!r}; it must be text.")
    if name == "auditFilter" and not isinstance(value, Mapping):
        raise ClockifyConfigError(f"filters[{name!r}] is {value!r}; it must be a dict.")
    return value


def _choice(name: str, value: Any, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise ClockifyConfigError(f"filters[{name!r}] is {value!r}; use one of {', '.join(allowed)}.")
    return str(value)


def _id_filter(name: str, value: Any) -> dict[str, Any]:
    given = dict(value) if isinstance(value, Mapping) else {"ids": value}
    unknown = set(given) - {"ids", "contains", "status", "containedInTimeentry"}
    if unknown:
        raise ClockifyConfigError(
            f"filters[{name!r}] has unknown keys {sorted(unknown)}; it may have ids, contains and status."
        )
    ids = given.get("ids")
    if (
        isinstance(ids, str)
        or not isinstance(ids, Sequence)
        or not all(isinstance(i, str) and i for i in ids)
    ):
        raise ClockifyConfigError(f"filters[{name!r}] must be a list of ids, not {ids!r}.")
    if not ids:
        raise ClockifyConfigError(
            f"filters[{name!r}] is an empty list, which the service would read as no filter at all; leave it out."
        )
    expanded = {
        **given,
        "ids": list(ids),
        "contains": _choice(f"{name}.contains", given.get("contains", "CONTAINS"), _CONTAINS),
        "status": _choice(f"{name}.status", given.get("status", "ALL"), _ID_FILTERS[name]),
    }
    if name == "tags":
        contained = given.get("containedInTimeentry", expanded["contains"])
        expanded["containedInTimeentry"] = _choice("tags.containedInTimeentry", contained, _CONTAINS)
    return expanded
