# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Look for secrets where none may be: in texts, folders, tables.

Knows nothing of the package: a shared mistake would find itself innocent.
"""

from __future__ import annotations

import base64
import html
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

CONTEXT = 60
# Where Airflow keeps connections.
ALLOWED_TABLES = frozenset({"connection"})


class Finding(NamedTuple):
    """A secret where none may be; the context has it hidden."""

    place: str
    spelling: str
    context: str

    def __str__(self) -> str:
        return f"{self.place}: the secret ({self.spelling}) in …{self.context}…"


class Scanner:
    """
    Find secrets however they are spelt.

    :param secrets: What to look for; each at least eight characters long.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self.names: dict[bytes, str] = {}
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Look for more secrets."""
        for secret in secrets:
            assert len(secret) >= 8, "a shorter secret would be found by chance"
            for name, spelling in spellings(secret):
                self.names.setdefault(spelling, name)

    def text(self, place: str, text: str | bytes) -> list[Finding]:
        """Look through a text."""
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else bytes(text)
        if pattern := self._pattern_of(data):
            return [self._finding(place, data, match, pattern) for match in pattern.finditer(data)]
        return []

    def hide(self, text: str) -> str:
        """Return a text without the secrets, to be shown."""
        data = text.encode("utf-8", "surrogateescape")
        pattern = self._pattern_of(data)
        return pattern.sub(b"***", data).decode("utf-8", "replace") if pattern else text

    def _pattern_of(self, data: bytes) -> re.Pattern[bytes] | None:
        """Return a pattern of the spellings in a text. One of all is thirty times as slow as so many searches."""
        present = sorted((each for each in self.names if each in data), key=len, reverse=True)
        return re.compile(b"|".join(map(re.escape, present))) if present else None

    def _finding(
        self, place: str, data: bytes, match: re.Match[bytes], pattern: re.Pattern[bytes]
    ) -> Finding:
        around = [data[max(match.start() - CONTEXT, 0) : match.start()], data[match.end() :][:CONTEXT]]
        before, after = (pattern.sub(b"***", part).decode("utf-8", "replace") for part in around)
        return Finding(place, self.names[match[0]], f"{before}***{after}")

    def folder(self, folder: Path) -> list[Finding]:
        """Look through all files, their names, and the tables of SQLite databases."""
        found: list[Finding] = []
        for path in sorted(folder.rglob("*")):
            place = str(path.relative_to(folder))
            found += self.text("name of a file", place)
            if path.is_symlink() or not path.is_file():
                continue
            with path.open("rb") as file:
                data = file.read()
            found += self.text(place, data)
            if data.startswith(b"SQLite format 3\0"):
                found += self.sqlite(path)
        return found

    def sqlite(self, path: Path, allowed: frozenset[str] = ALLOWED_TABLES) -> list[Finding]:
        """Look through all tables but the allowed ones: a long value lies in pieces in the file."""
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            database.text_factory = bytes
            names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            found: list[Finding] = []
            for name in sorted(name.decode() for (name,) in names):
                if name not in allowed:
                    cursor = database.execute(f'SELECT * FROM "{name}"')
                    found += self.rows(f"{path.name}, table {name}", cursor)
            return found

    def rows(self, place: str, cursor: Any) -> list[Finding]:
        """Look through what a database cursor gives."""
        columns = [column[0] for column in cursor.description]
        return [
            finding
            for row in cursor
            for column, value in zip(columns, row, strict=True)
            for finding in self.text(f"{place}, column {column}", _bytes(value))
        ]


def _bytes(value: Any) -> bytes:
    if value is None:
        return b""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    return json.dumps(value, default=str, ensure_ascii=False).encode()


def spellings(secret: str) -> Iterator[tuple[str, bytes]]:
    """Return the ways in which a secret may be written, with their names."""
    raw = secret.encode()
    yield "plain", raw
    for safe in ("", "/"):
        yield "URL-encoded", quote(secret, safe=safe).encode()
        yield "URL-encoded", re.sub("%..", lambda m: m[0].lower(), quote(secret, safe=safe)).encode()
    in_json = json.dumps(secret)[1:-1]
    yield "JSON-escaped", in_json.encode()
    yield "JSON-escaped", in_json.replace("/", "\\/").encode()
    yield "JSON-escaped twice", json.dumps(in_json)[1:-1].encode()
    yield "HTML-escaped", html.escape(secret).encode()
    yield "repr", repr(secret)[1:-1].encode()
    yield "hexadecimal", raw.hex().encode()
    yield "hexadecimal", raw.hex().upper().encode()
    # In the middle of a longer Base64 text it may begin at three positions; its edges depend on its neighbours.
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"x" * before + raw)
            yield "Base64", encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
    yield "UTF-16", secret.encode("utf-16-le")
