# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Records of CSV files, whatever the length of their fields.

Python's module csv refuses fields above 128 KiB, a limit that can only be lifted for the whole process. Here records
are only found, and taken apart on demand; both as that module does it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A quote is one only at the beginning of a field; inside quotes, two of them stand for one.
_FIELD = rb'(?:"(?:[^"]++|"")*+"[^,]*+|(?!")[^,]*+)'
_FIELDS = re.compile(rb"%b(?:,%b)*+" % (_FIELD, _FIELD))
_REST_OF_QUOTED = re.compile(rb'(?:[^"]++|"")*+"[^,]*+(?:,%b)*+' % _FIELD)
_ONE_FIELD = re.compile(_FIELD)
_QUOTED = re.compile(rb'"((?:[^"]++|"")*+)"(.*)', re.DOTALL)


def records(lines: Iterable[bytes]) -> Iterator[bytes]:
    """
    Put the lines of each record together; blank lines are left out, line ends are kept.

    :param lines: Lines with their ends.
    """
    record: list[bytes] = []
    for line in lines:
        if not record and not line.strip(b"\r\n"):
            continue
        found = (_REST_OF_QUOTED if record else _FIELDS).match(line)
        record.append(line)
        # What does not match to the end has a field whose quotes go on in the next line.
        if found is not None and found.end() == len(line):
            yield b"".join(record)
            record = []
    if record:
        yield b"".join(record)


def fields(record: bytes) -> Iterator[bytes]:
    """
    Take a record apart, as far as the caller does.

    :param record: What :func:`records` gave.
    """
    start = 0
    while start <= len(record):
        found = _ONE_FIELD.match(record, start)
        if found is None:  # Its quotes stay open to the end of the file.
            yield record[start + 1 :].replace(b'""', b'"')
            return
        quoted = _QUOTED.match(found[0])
        inside, outside = (b"", found[0]) if quoted is None else quoted.groups()
        yield inside.replace(b'""', b'"') + outside.rstrip(b"\r\n")
        start = found.end() + 1
