# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Keep the key out of texts that others wrote: the service's errors, the HTTP libraries' exceptions and logs."""

from __future__ import annotations

import json
import logging
import threading
from functools import lru_cache
from typing import Any, cast
from urllib.parse import quote

MASK = "***"
# They log what they cannot read, and at DEBUG the headers of answers.
LOGGERS = (
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.proxy",
    "httpcore.socks",
    "httpx",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.response",
)


def without_secret(text: str, secret: str) -> str:
    """
    Hide a secret in a text: as it is, escaped for URLs or JSON, and as Python shows it.

    :param text: Any text; give it before it is cut, so that no part of the secret is left at the cut.
    :param secret: What to hide; an empty one hides nothing.
    """
    for spelling in _spellings(secret):
        text = text.replace(spelling, MASK)
    return text


def hide_secret(error: BaseException, secret: str) -> None:
    """
    Hide a secret in the texts of an exception and of everything that it was caused by, in place.

    HTTP libraries quote what they could not read, and a broken service or proxy may have sent back what it got.

    :param error: The exception.
    :param secret: What to hide.
    """
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, BaseException):
            args = tuple(_hidden(each, secret) for each in found.args)
            if args != found.args:
                found.args = args
            if isinstance(found, OSError) and found.strerror is not None:  # Shown instead of the arguments.
                found.strerror = cast("Any", _hidden(found.strerror, secret))
            for name, value in vars(found).items():
                if isinstance(value, (str, bytes, bytearray)):
                    setattr(found, name, _hidden(value, secret))
            waiting += [found.__cause__, found.__context__, *found.args, *vars(found).values()]


class _HideSecrets(logging.Filter):
    """Hides secrets in records before any handler sees them; Airflow masks only what its own handlers write."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: frozenset[str] = frozenset()

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        hidden = said
        for secret in self.secrets:
            hidden = without_secret(hidden, secret)
            if record.exc_info and record.exc_info[1]:
                hide_secret(record.exc_info[1], secret)
        if hidden != said:
            record.msg, record.args = hidden, None
        return True


_filter = _HideSecrets()
_adding = threading.Lock()


def hide_in_logs(secret: str) -> None:
    """
    Hide a secret in what the HTTP libraries log, for the rest of the process.

    :param secret: What to hide.
    """
    with _adding:
        _filter.secrets |= {secret}
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_filter)  # Once, however often it is added.


def _hidden(value: object, secret: str) -> object:
    if isinstance(value, str):
        return without_secret(value, secret)
    if isinstance(value, (bytes, bytearray)):
        text = bytes(value).decode("latin-1")
        hidden = without_secret(text, secret)
        return value if hidden == text else hidden.encode("latin-1")
    return value


@lru_cache(maxsize=32)
def _spellings(secret: str) -> tuple[str, ...]:
    """
    Return the spellings in which HTTP libraries and services print a key, the longest first.

    One may be a part of another. Keys of Clockify consist of letters, digits, ``-``, ``_`` and ``.``, and look the
    same in all of them.
    """
    plain = str(secret)
    found = {plain, quote(plain, safe=""), quote(plain), json.dumps(plain)[1:-1], repr(plain)[1:-1]}
    return tuple(sorted(found - {""}, key=len, reverse=True))
