# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What templates leave in parameters: text that stands for nothing, for a flag, or for a list or dict.

Jinja makes text of everything. A value that is not there becomes ``None`` or empty text, a flag ``True``, and a list
its JSON (with ``| tojson``) or what Python prints for it.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_clockify.exceptions import ClockifyConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NOTHING: Final = ("", "None", "null")
_FLAGS: Final = {"true": True, "false": False}
# Fields that have no meaning without a value, such as what native rendering makes of an XCom that is not there.
_REQUIRED: Final = ("clockify_conn_id", "entity", "entity_type", "output_path", "sql_conn_id", "table")
# Whatever reads these says it, with a cure of its own.
_OTHERS_SAY_IT: Final = ("start", "end", "since", "until", "marker")
_OPENING: Final = ("[", "{", "(")
# Deeper text is nobody's filter, and Python's parser may give up on it in its own ways.
_LONGEST_TEXT: Final = 1_000_000


def nothing_rendered(name: str, value: object) -> str:
    """
    Say that a parameter is empty, and what usually causes that.

    :param name: What the value is called.
    :param value: The value.
    """
    return (
        f"{name} is empty: its template rendered to nothing ({value!r}). Usually an XCom is not there (its task was "
        "skipped, or returned nothing), or a param, a variable or a date that this run does not have. Make the "
        "template give a value"
    )


def check_templates(task: Any) -> None:
    """
    Refuse fields of a task that rendered to nothing, texts inside lists and dicts included.

    Only the fields of this package's own classes: what a subclass adds may be empty for good reason.

    :param task: The operator or sensor, rendered.
    :raises ClockifyConfigError: a template rendered to nothing; the message names the field.
    """
    package = __name__.partition(".")[0]
    ours = next(kind for kind in type(task).__mro__ if kind.__module__.partition(".")[0] == package)
    fields = ours.template_fields  # type: ignore[attr-defined]  # every operator has some
    for field in (each for each in fields if each not in _OTHERS_SAY_IT):
        for name, value in _values(field, getattr(task, field)):
            if is_nothing(value) or (value is None and name in _REQUIRED):
                raise ClockifyConfigError(
                    f"{nothing_rendered(name, value)}, or leave {name} out where it is optional (None, not text)."
                )


def check_choices(task: Any, *, rendered: bool = False) -> None:
    """
    Refuse values that are none of the fixed choices of a task's parameters.

    Called while the DAG is parsed, where it leaves out what is not known yet, and again once everything is rendered.

    :param task: The operator or sensor; its ``choices`` name parameters and what they may be.
    :param rendered: Whether templates have been rendered.
    :raises ClockifyConfigError: the message names the parameter and the choices.
    """
    for parameter, choices in task.choices.items():
        # A class that inherits checks its own parameters once they are set.
        if parameter in vars(task):
            value = getattr(task, parameter)
            if rendered or is_final(task, parameter, value):
                one_of(parameter, value, choices)


def one_of(parameter: str, value: Any, choices: Sequence[str | None]) -> Any:
    """
    Refuse a value that is not one of a parameter's choices.

    :param parameter: What the value is called.
    :param value: The value.
    :param choices: Those that there are.
    :raises ClockifyConfigError: it is none of them; the message names the parameter and the choices.
    """
    if value not in choices:
        raise ClockifyConfigError(f"{parameter} is {value!r}; use one of {', '.join(map(str, choices))}.")
    return value


def is_final(task: Any, parameter: str, value: object) -> bool:
    """
    Tell whether a value is what the task will have, so that it can be checked while the DAG is parsed.

    A template, or the result of another task, in a templated parameter is not; after rendering it is checked again.

    :param task: The operator or sensor, in its ``__init__``.
    :param parameter: What the value is called.
    :param value: The value.
    """
    if parameter not in task.template_fields:
        return True
    if isinstance(value, str):
        return "{{" not in value and "{%" not in value
    return not hasattr(value, "resolve")


def is_nothing(value: object) -> bool:
    """
    Tell whether a value is the text that a template leaves where there is no value.

    :param value: A parameter; Python's ``None`` is not text.
    """
    return isinstance(value, str) and value.strip() in _NOTHING


def flag_of(value: Any) -> Any:
    """
    Turn the text of a flag (``True``, ``false``, …) into the flag; give anything else as it is.

    :param value: A parameter.
    """
    return _FLAGS.get(value.strip().lower(), value) if isinstance(value, str) else value


def whole_number_of(value: Any) -> Any:
    """
    Turn the text of a whole number into the number; give anything else as it is.

    :param value: A parameter.
    """
    text = value.strip() if isinstance(value, str) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else value


def container_of(name: str, value: Any) -> Any:
    """
    Turn the text of a list or dict into it; give anything else as it is.

    :param name: What the value is called.
    :param value: A parameter.
    :raises ClockifyConfigError: a value in it is missing, which would widen what is asked for.
    """
    if not isinstance(value, str) or not value.strip().startswith(_OPENING) or len(value) > _LONGEST_TEXT:
        return value
    found = _read(value.strip())
    if not isinstance(found, (list, tuple, dict)):
        return value
    for inner, each in _values(name, found):
        if each is None or is_nothing(each):
            raise ClockifyConfigError(f"{nothing_rendered(inner, each)}, or leave it out.")
    return found


def _read(text: str) -> Any:
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return None


def _values(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Go through the values inside lists and dicts, with the place of each."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _values(f"{name}[{key!r}]", each)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for number, each in enumerate(value):
            yield from _values(f"{name}[{number}]", each)
    else:
        yield name, value
