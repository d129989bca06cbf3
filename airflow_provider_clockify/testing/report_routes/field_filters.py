# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Choose time entries by their custom fields and by those of their people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.testing.exchange import choice, domain_error, flag, unreadable_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airflow_provider_clockify.testing.workspace.data import EmulatedWorkspace
    from airflow_provider_clockify.testing.workspace.kinds import CustomField, TimeEntry

_TYPES = ("TXT", "NUMBER", "DROPDOWN_SINGLE", "DROPDOWN_MULTIPLE", "CHECKBOX", "LINK")
_NUMBER: Mapping[str, Callable[[float, float], bool]] = {
    "EQUAL": lambda value, limit: value == limit,
    "GREATER_THAN": lambda value, limit: value > limit,
    "LESS_THAN": lambda value, limit: value < limit,
}
_EMPTY: tuple[Any, ...] = (None, "", [], ())


def field_tests(
    workspace: EmulatedWorkspace, body: Mapping[str, Any]
) -> Iterable[Callable[[TimeEntry], bool]]:
    """
    Yield the tests of ``customFields`` and ``userCustomFields``; an entry has to pass all of them (Clockify OpenAPI).

    What nobody recorded: texts and links contain the value, whatever its case; a dropdown has it, or one of several; a
    field that the workspace does not have is a 400/501.
    """
    users = workspace.users
    for given in _filters(body, "customFields"):
        yield _test(workspace, given, lambda entry: entry.custom_values)
    for given in _filters(body, "userCustomFields"):
        yield _test(workspace, given, lambda entry: users[entry.user_id].custom_values)


def _filters(body: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    given = body.get(name) or []
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise unreadable_body(f"{name}: an array of objects is expected")
    return given


def _test(
    workspace: EmulatedWorkspace,
    given: Mapping[str, Any],
    values_of: Callable[[TimeEntry], Iterable[tuple[str, Any]]],
) -> Callable[[TimeEntry], bool]:
    field = workspace.custom_fields.get(str(given.get("id")))
    if field is None:
        raise domain_error("Custom field doesn't belong to Workspace")
    key = field.id
    choice(given, "type", _TYPES, field.type)
    empty, wanted = flag(given, "isEmpty"), given.get("value")
    if empty or wanted in _EMPTY:
        # Without a value to look for it asks only whether there is one.
        return lambda entry: (dict(values_of(entry)).get(key) in _EMPTY) is bool(empty)
    fits = _comparison(field, given, wanted)

    def test(entry: TimeEntry) -> bool:
        value = dict(values_of(entry)).get(key)
        return value not in _EMPTY and fits(value)

    return test


def _comparison(field: CustomField, given: Mapping[str, Any], wanted: Any) -> Callable[[Any], bool]:
    if field.type == "NUMBER":
        compare = _NUMBER[choice(given, "numberCondition", _NUMBER, "EQUAL")]
        try:
            limit = float(wanted)
        except (TypeError, ValueError):
            raise unreadable_body(f"value: {wanted!r} is not a number") from None
        return lambda value: compare(float(value), limit)
    if field.type.startswith("DROPDOWN"):
        options = frozenset(wanted if isinstance(wanted, list) else [wanted])
        return lambda value: bool(options & frozenset(value if isinstance(value, (list, tuple)) else [value]))
    if field.type == "CHECKBOX":
        return lambda value: str(value).lower() == str(wanted).lower()
    needle = str(wanted).casefold()
    return lambda value: needle in str(value).casefold()
