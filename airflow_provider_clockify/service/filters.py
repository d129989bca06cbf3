# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Filters of reports: checked, and expanded to the full form that the service understands (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.rendered import container_of, flag_of, one_of, whole_number_of

_ID_STATUSES = ("ACTIVE", "ARCHIVED", "ALL")
_USER_STATUSES = ("ALL", "ACTIVE_WITH_PENDING", "ACTIVE", "PENDING", "INACTIVE")
_CONTAINS = ("CONTAINS", "DOES_NOT_CONTAIN", "CONTAINS_ONLY")
_ID_FILTERS = {
    "clients": _ID_STATUSES,
    "projects": _ID_STATUSES,
    "tasks": _ID_STATUSES,
    "tags": _ID_STATUSES,
    "currency": _ID_STATUSES,
    "categories": _ID_STATUSES,
    "users": _USER_STATUSES,
    "userGroups": _USER_STATUSES,
}
_AMOUNTS = ("EARNED", "COST", "PROFIT", "HIDE_AMOUNT", "EXPORT")
_CHOICES = {
    "amountShown": _AMOUNTS,
    "approvalState": ("APPROVED", "UNAPPROVED", "ALL"),
    "invoicingState": ("INVOICED", "UNINVOICED", "ALL"),
    "weekStart": ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"),
    "zoomLevel": ("WEEK", "MONTH", "YEAR"),
}
_BOOLEANS = ("billable", "withoutDescription", "withoutNote", "rounding", "archived")
_LISTS = ("amounts", "customFields", "userCustomFields")
_AUDIT_FLAGS = ("durationShorter", "withoutProject", "withoutTask")
_TEXTS = ("description", "note", "dateFormat", "timeFormat", "userLocale")

_COMMON = (
    *(name for name in _ID_FILTERS if name != "categories"),
    "amountShown",
    "approvalState",
    "invoicingState",
    "billable",
    "withoutDescription",
    "rounding",
    "archived",
    *_LISTS,
    "description",
)
# What only changes how a file looks; without effect on data.
_RENDERING = ("dateFormat", "timeFormat", "userLocale", "weekStart", "zoomLevel")
_RENDERING_OF_EXPENSES = ("userLocale", "weekStart", "zoomLevel")
FILTERS: Mapping[str, tuple[str, ...]] = {
    "detailed": (*_COMMON, "auditFilter"),
    "summary": _COMMON,
    "weekly": _COMMON,
    "attendance": tuple(
        name for name in _COMMON if name not in ("userCustomFields", "amountShown", "amounts")
    ),
    "expenses": (
        "approvalState",
        "invoicingState",
        "billable",
        "note",
        "withoutNote",
        "categories",
        "clients",
        "projects",
        "tasks",
        "users",
        "userGroups",
        "currency",
    ),
}
_OURS = {
    "dateRangeStart": "start",
    "dateRangeEnd": "end",
    "dateRangeType": "window",
    "timeZone": "nothing: reports are always read in UTC",
    "exportType": "file_format",
    "sortOrder": "nothing: rows are always sorted by id",
    "detailedFilter": "nothing: paging is done for you",
    "summaryFilter": "groups",
    "weeklyFilter": "group",
    "attendanceFilter": "nothing: paging is done for you",
    "page": "nothing: paging is done for you",
    "pageSize": "nothing: paging is done for you",
}


def read_filters(filters: Mapping[str, Any] | str | None) -> dict[str, Any]:
    """
    Read filters, which a template may have made text of.

    :param filters: A dict, or text that is a JSON object.
    :return: A new dict.
    :raises ClockifyConfigError: it is something else, or text in which a value is missing.
    """
    found = {} if filters is None else container_of("filters", filters)
    if isinstance(found, Mapping):
        return dict(found)
    hint = (
        ": the text is not a JSON object such as '{\"billable\": true}'. In a template, '| tojson' makes one of a dict"
        if isinstance(filters, str)
        else ""
    )
    raise ClockifyConfigError(f"filters must be a dict, not {type(filters).__name__}{hint}.")


def report_filters(
    filters: Mapping[str, Any] | str | None, report: str = "detailed", *, file: bool = False
) -> dict[str, Any]:
    """
    Check filters in the service's own words and expand lists of ids.

    A list of ids becomes ``{"ids": […], "contains": "CONTAINS", "status": "ALL"}``: with ids alone the users filter
    comes back empty, and any other status silently drops entries of archived projects and inactive people.

    Text that a template made of a flag, a list or the whole dict is read as what it stands for.

    :param filters: For example ``{"projects": ["…"], "billable": True}``; or a JSON object as text.
    :param report: Report that they are for; not every report has every filter.
    :param file: Whether the service renders a file, whose look some keys change.
    :return: A new dict, ready for the request body.
    :raises ClockifyConfigError: a key is unknown or set elsewhere, or a value is of the wrong kind.
    """
    given = read_filters(filters)
    known = FILTERS[report]
    if file:
        known += _RENDERING_OF_EXPENSES if report == "expenses" else _RENDERING
    return {name: _filter(name, value, known) for name, value in given.items() if value is not None}


def user_ids(filters: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the ids that every row's user must be one of; ``None`` without such a filter."""
    users = filters.get("users")
    if isinstance(users, Mapping) and users.get("contains") == "CONTAINS" and users.get("ids"):
        return frozenset(users["ids"])
    return None


def _filter(name: str, value: Any, known: Sequence[str]) -> Any:
    if name in _OURS:
        raise ClockifyConfigError(f"filters[{name!r}] is not a filter; what sets it is {_OURS[name]}.")
    if name not in known:
        close = get_close_matches(str(name), known, 1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        raise ClockifyConfigError(
            f"filters[{name!r}] is unknown. {hint}The service knows: {', '.join(sorted(known))}."
        )
    if name in _ID_FILTERS:
        return _id_filter(name, value)
    if name in _CHOICES:
        return _choice(name, value, _CHOICES[name])
    if name in _BOOLEANS:
        return _flag(f"filters[{name!r}]", value)
    if name in _LISTS:
        value = container_of(f"filters[{name!r}]", value)
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise ClockifyConfigError(f"filters[{name!r}] is {value!r}; it must be a list.")
        return [_choice(name, item, _AMOUNTS) if name == "amounts" else _custom_field(item) for item in value]
    if name in _TEXTS and not isinstance(value, str):
        raise ClockifyConfigError(f"filters[{name!r}] is {value!r}; it must be text.")
    if name == "auditFilter":
        return _audit_filter(container_of(f"filters[{name!r}]", value))
    return value


def _flag(where: str, value: Any) -> bool:
    flag = flag_of(value)
    if not isinstance(flag, bool):
        raise ClockifyConfigError(f"{where} is {value!r}; it must be True or False.")
    return flag


def _audit_filter(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ClockifyConfigError(f"filters['auditFilter'] is {value!r}; it must be a dict.")
    return {
        name: _flag(f"filters['auditFilter'][{name!r}]", each)
        if name in _AUDIT_FLAGS
        else whole_number_of(each)
        for name, each in value.items()
    }


def _custom_field(value: Any) -> Any:
    """Return the filter of one custom field, whose own value may be anything, with its flag."""
    if not isinstance(value, Mapping) or "isEmpty" not in value:
        return value
    return {**value, "isEmpty": _flag("isEmpty of a custom field's filter", value["isEmpty"])}


def _choice(name: str, value: Any, allowed: Sequence[str]) -> str:
    return str(one_of(f"filters[{name!r}]", value, allowed))


def _id_filter(name: str, value: Any) -> dict[str, Any]:
    where = f"filters[{name!r}]"
    value = container_of(where, value)
    given = dict(value) if isinstance(value, Mapping) else {"ids": value}
    known = ["ids", "contains", "status", *(["containedInTimeentry"] if name == "tags" else [])]
    unknown = set(given) - set(known)
    if unknown:
        raise ClockifyConfigError(
            f"filters[{name!r}] has unknown keys {sorted(unknown)}; it may have {', '.join(known)}."
        )
    ids = container_of(where, given.get("ids"))
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
