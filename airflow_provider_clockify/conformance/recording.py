# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Write what the service answered, made anonymous, into a folder, and read such a folder.

One file per request: what was asked, and ``answers`` in the form of canned answers (``path``, ``method``, ``where``,
``status``, ``headers``, ``body`` or ``text``). And ``recording.json``, with what was known besides, and the verdicts.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_clockify import __version__
from airflow_provider_clockify.conformance.anonymous import Pseudonyms
from airflow_provider_clockify.conformance.answers import Answer, Found
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.service.messages import ApiRequest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from airflow_provider_clockify.conformance.judging import Verdict

INDEX = "recording.json"
# What tells two requests to one path apart.
_PAGING = ("page", "pageSize")
_TELLING = ("page-size", "type", "dateRangeStart", "dateRangeEnd", "timeZone", "exportType")
_BASES = {"core": "/api/v1", "reports": "/report/v1"}
_encode = msgspec.json.Encoder(decimal_format="number").encode


class _Asked(msgspec.Struct):
    operation: str
    service: str
    method: str
    path: str
    params: dict[str, Any]
    json: Any = None


class _Given(msgspec.Struct, omit_defaults=True):
    path: str
    method: str
    where: dict[str, Any]
    status: int
    headers: dict[str, str]
    body: msgspec.Raw = msgspec.Raw(b"null")
    text: str | None = None


class _File(msgspec.Struct):
    id: str
    title: str
    source: str
    request: _Asked
    answers: list[_Given]
    do: list[Any]


class _Index(msgspec.Struct):
    version: str
    now: str
    workspace_id: str
    hosts: str
    untried: dict[str, str]
    verdicts: list[dict[str, Any]]


def write_recording(folder: Path, found: Found, verdicts: Sequence[Verdict]) -> None:
    """
    Write a recording.

    :param folder: Where to; made if it does not exist.
    :param found: All that was found.
    :param verdicts: What became of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = Pseudonyms([*found.answers.values(), *found.refusals], _factor())
    every = [
        *found.answers.items(),
        *((f"refusal{number}", each) for number, each in enumerate(found.refusals, 1)),
    ]
    for number, (name, answer) in enumerate(every, 1):
        _write(folder / f"{number:02}-{name}.json", _file(f"{number:02}-{name}", answer, names))
    index = _Index(
        __version__,
        found.now.isoformat(),
        names.id(found.workspace_id),
        found.hosts,
        found.untried,
        [each.shown() for each in verdicts],
    )
    _write(folder / INDEX, index)


def _factor() -> Decimal:
    """Return what amounts are multiplied by: drawn anew for each recording, and told nobody."""
    return Decimal(3001 + 2 * secrets.randbelow(2999)) / 10_000


def _write(path: Path, content: msgspec.Struct) -> None:
    path.write_bytes(msgspec.json.format(_encode(content), indent=1) + b"\n")


def _file(name: str, answer: Answer, names: Pseudonyms) -> _File:
    request = answer.request
    params, body = names.asked(dict(request.params)), names.asked(request.json)
    path = names.in_path(request.path)
    where = {
        f"query.{key}": params[key] for key in (*_TELLING, "page") if isinstance(params.get(key), (str, int))
    }
    where |= {f"body.{key}": body[key] for key in (*_TELLING, *_PAGING) if key in (body or ())}
    for part, own in (body or {}).items():
        if part.endswith("Filter"):
            where |= {f"body.{part}.{key}": own[key] for key in _PAGING if key in own}
    content = names.body(answer)
    given = _Given(
        re.escape(_BASES[request.service] + path),
        request.method,
        where,
        answer.status,
        names.headers(answer),
        **({"text": content} if isinstance(content, str) else {"body": msgspec.Raw(_encode(content))}),
    )
    asked = _Asked(request.operation, request.service, request.method, path, params, body)
    return _File(
        name, request.operation, f"recorded with version {__version__}, made anonymous", asked, [given], []
    )


def read_recording(folder: Path) -> Found:
    """
    Read a recording.

    :param folder: The folder.
    :raises ClockifyConfigError: there is none, or it is broken.
    """
    try:
        index = msgspec.json.decode((folder / INDEX).read_bytes(), type=_Index)
        found = Found(
            index.workspace_id, datetime.fromisoformat(index.now), index.hosts, untried=index.untried
        )
        for path in sorted(folder.glob("[0-9][0-9]-*.json")):
            file = msgspec.json.decode(path.read_bytes(), type=_File)
            name, answer = file.id[3:], _answer(file)
            if name.startswith("refusal"):
                found.refusals.append(answer)
            else:
                found.answers[name] = answer
    except (OSError, msgspec.DecodeError, ValueError, LookupError) as error:
        raise ClockifyConfigError(
            f"--replay {folder}: it is not a recording ({error}). Name a folder that --record wrote."
        ) from error
    return found


def _answer(file: _File) -> Answer:
    asked, given = file.request, file.answers[0]
    request = ApiRequest(
        asked.operation,
        asked.service,  # type: ignore[arg-type]  # as it was written
        asked.method,  # type: ignore[arg-type]  # as it was written
        asked.path,
        asked.params,
        asked.json,
    )
    body = bytes(given.body) if given.text is None else given.text.encode()
    return Answer(request, given.status, given.headers, body)
