# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Odd values through whole exports: read back by other readers exactly as they were, or refused by name."""

from __future__ import annotations

import csv
import gzip
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyError,
    ClockifyResponseError,
    ClockifyTransportError,
)
from airflow_provider_clockify.export.writing import FileKind
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, generate_workspace
from airflow_provider_clockify.testing.faults import Fault
from airflow_provider_clockify.window import Window

START = datetime(2026, 11, 2, 8, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONTH = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
PAST = Window(datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC))  # Changes are of the past.
FORMATS = ("jsonl", "csv", "parquet")
MEGABYTES = 10 << 20

# All that is known to trip readers and writers of text.
ODD_TEXTS = [
    *(chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))),
    *(f"a{chr(code)}b" for code in range(0x20)),
    "\u2028",
    "a\u2029b",
    "\ufeffmark",
    "\u202eoverride\u2066isolate\u2069",
    "\ufffd\ufffe\uffff",
    "\U0001f680\U0010ffff",
    "e\u0301\u200d\u200b",
    "\\ud800 as text",
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "'=1",
    '"',
    "'",
    ",",
    ";",
    "\r\n",
    "\n\r",
    "NULL",
    "null",
    "NaN",
    "1e5",
    "0001",
    "true",
    " leading and trailing ",
    "\\",
    '\\"',
    "\\n",
    "<script>",
]


# --- independent readers ------------------------------------------------------------------------------------


def read_back(path: Path, file_format: str, compression: str | None) -> list[dict[str, Any]]:
    """Read a file with what other people read it with."""
    if file_format == "parquet":
        import pyarrow.parquet

        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
        return rows
    data = gzip.decompress(path.read_bytes()) if compression else path.read_bytes()
    if file_format == "jsonl":
        lines = data.split(b"\n")
        assert lines.pop() == b""
        return [json.loads(line, parse_float=str, parse_int=str) for line in lines]
    limit = csv.field_size_limit(sys.maxsize)
    try:
        return list(csv.DictReader(_lines(data.decode("utf-8"))))
    finally:
        csv.field_size_limit(limit)


def _lines(text: str) -> Iterator[str]:
    """Cut at line feeds only, as a file opened with ``newline=""`` and RFC 4180 do."""
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start : end + 1]
        start = end + 1


@pytest.fixture
def hook_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[ClockifyEmulator], ClockifyHook]:
    def make(emulator: ClockifyEmulator) -> ClockifyHook:
        connection = emulator.connection_json(requests_per_second=1000, max_retries=0)
        monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_TEST", connection)
        return ClockifyHook("clockify_test")

    return make


def only_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def assert_refused(error: ClockifyError, folder: Path, names: tuple[str, ...]) -> None:
    """A typed error that names everything, and not a byte published."""
    assert not only_files(folder)
    for name in names:
        assert name in str(error), f"{name} is not in: {error}"
    assert len(str(error)) < 2_000, "a message is not a place for megabytes"


# --- the detailed report: one odd value in the middle of three rows ------------------------------------------

REFUSED = object()


@dataclass(frozen=True)
class Odd:
    """
    One hostile value.

    :param field: Field of the row, or the way to it.
    :param raw: JSON text of the value.
    :param column: Column that holds it.
    :param jsonl: Whether ``jsonl`` keeps it; else the answer is refused whatever the format.
    :param csv: Text in ``csv``, or :data:`REFUSED`.
    :param parquet: Value in ``parquet``, or :data:`REFUSED`.
    :param named: What a refusal calls the field.
    :param totals: Totals that fit it.
    :param row_id: Id of the row, if it is the odd value.
    :param row_named: Whether a refusal can name the row; no reader gets to it past too many levels.
    """

    field: tuple[str, ...]
    raw: bytes
    column: str
    jsonl: bool = True
    csv: Any = REFUSED
    parquet: Any = REFUSED
    named: str = ""
    totals: dict[str, bytes] = field(default_factory=dict)
    row_id: str | None = None
    row_named: bool = True


def text_of(value: str) -> bytes:
    return json.dumps(value).encode()


def kept(field_name: str, column: str, value: str, raw: bytes | None = None) -> Odd:
    return Odd((field_name,), raw or text_of(value), column, csv=value, parquet=value)


def odd_end(text: str) -> Odd:
    return Odd(("timeInterval", "end"), text_of(text), "end", named="column end")


def odd_rate(raw: bytes, **more: Any) -> Odd:
    return Odd(("rate",), raw, "rate", named="rate", **more)


def odd_id(row_id: str) -> Odd:
    return Odd(("_id",), text_of(row_id), "id", csv=row_id, parquet=row_id, row_id=row_id)


DEEP = b"[" * 500 + b'"bottom"' + b"]" * 500
# More than any Python's recursion: from 3.12 on the limit is the machine's stack.
TOO_DEEP = b"[" * 200_000 + b"]" * 200_000
TAGS = [{"_id": f"{number:024x}", "name": f"tag, {number}"} for number in range(5_000)]
FIELDS = json.dumps([{"customFieldId": f"{number:x}", "value": "x" * 50} for number in range(5_000)])
COMPACT = {"ensure_ascii": False, "separators": (",", ":")}

CASES: dict[str, Odd] = {
    "10 MB description": kept("description", "description", "é" + "x" * MEGABYTES),
    "empty description": kept("description", "description", ""),
    "escaped and plain controls": kept(
        "description", "description", "".join(ODD_TEXTS), msgspec.json.encode("".join(ODD_TEXTS))
    ),
    "high half of a pair": Odd(("description",), b'"a\\ud800z"', "", jsonl=False, named="description"),
    "low half of a pair": Odd(("description",), b'"\\udc00"', "", jsonl=False, named="description"),
    "halves in the wrong order": Odd(("userName",), b'"\\ude00\\ud83d"', "", jsonl=False, named="userName"),
    "half a pair in an unknown field": Odd(("new",), b'{"a":["\\ud83d!"]}', "", jsonl=False, named="new"),
    "500 levels": Odd(("customFields",), DEEP, "custom_fields", csv=DEEP.decode(), parquet=DEEP.decode()),
    "200,000 levels": Odd(("customFields",), TOO_DEEP, "", jsonl=False, named="too deeply", row_named=False),
    "200,000 levels in an unknown field": Odd(
        ("new",), TOO_DEEP, "", jsonl=False, named="too deeply", row_named=False
    ),
    "many custom fields": Odd(
        ("customFields",), FIELDS.encode(), "custom_fields", csv=FIELDS, parquet=FIELDS
    ),
    "null custom fields": Odd(("customFields",), b"null", "custom_fields", csv="", parquet=None),
    "integer beyond 64 bits": odd_rate(b"18446744073709551617", csv="184467440737095516.17"),
    "more digits than money has": odd_rate(b"1e12", csv="10000000000"),
    "as many digits as money has": odd_rate(
        b"-999999999999.999999", csv="-9999999999.99999999", parquet=Decimal("-9999999999.99999999")
    ),
    "400 digits": odd_rate(b"9" * 400, csv="9" * 398 + ".99"),
    "401 digits by exponent": odd_rate(b"1e400", csv="1" + "0" * 398),
    "5,000 digits": odd_rate(b"9" * 5_000),
    "400 decimals": odd_rate(b"1e-400", csv="0", parquet=Decimal(0)),
    "exponent of a gigabyte": odd_rate(b"1e999999999"),
    "negative exponent of a gigabyte": odd_rate(b"1e-999999999"),
    "exponent beyond decimal": odd_rate(b"1e99999999999999999999"),
    "negative zero": odd_rate(b"-0.0", csv="0", parquet=Decimal(0)),
    "NaN": Odd(("rate",), b"NaN", "", jsonl=False, named="rate"),
    "Infinity": Odd(("new",), b"[Infinity]", "", jsonl=False, named="new"),
    "-Infinity": Odd(("amount",), b"-Infinity", "", jsonl=False, named="amount"),
    "NaN as text in a rate": odd_rate(b'"NaN"'),
    "NaN as text in an amount": Odd(("amount",), b'"NaN"', "", jsonl=False, named="amount"),
    "Infinity as text in an amount": Odd(("amount",), b'"-Infinity"', "", jsonl=False, named="amount"),
    "an amount beyond any sum": Odd(("amount",), b"1e26", "", jsonl=False, named="amount"),
    "an amount of a gigabyte": Odd(("amount",), b"1e999999999", "", jsonl=False, named="amount"),
    "a duration beyond 64 bits": Odd(
        ("timeInterval", "duration"),
        b"9223372036854775808",
        "duration_seconds",
        named="duration_seconds",
        totals={"totalTime": b"9223372036854783008"},
    ),
    "a duration of a gigabyte": Odd(
        ("timeInterval", "duration"), b"1e999999999", "", jsonl=False, named="duration"
    ),
    "the year 10000": odd_end("10000-01-01T00:00:00Z"),
    "the year 0": odd_end("0000-12-31T23:59:59Z"),
    "before the year 1 in UTC": odd_end("0001-01-01T00:00:00+14:00"),
    "after the year 9999 in UTC": odd_end("9999-12-31T23:59:59-14:00"),
    "a leap second": odd_end("2026-12-31T23:59:60Z"),
    **{
        f"a time with {len(digits)} decimals": Odd(
            ("timeInterval", "end"),
            text_of(f"2026-11-02T09:00:00.{digits}Z"),
            "end",
            csv="2026-11-02T09:00:00.123456Z",
            parquet=datetime(2026, 11, 2, 9, 0, 0, 123456, UTC),
        )
        for digits in ("1234567", "123456789", "123456000", "123456999999")
    },
    "nanoseconds of a start": Odd(
        ("timeInterval", "start"),
        b'"2026-11-02T09:00:00.999999999Z"',
        "start",
        csv="2026-11-02T09:00:00.999999Z",
        parquet=datetime(2026, 11, 2, 9, 0, 0, 999999, UTC),
    ),
    "no offset": odd_end("2026-11-02T09:00:00"),
    "an empty end": odd_end(""),
    "a start that no window can hold": Odd(
        ("timeInterval", "start"), b'"10000-01-01T00:00:00Z"', "", jsonl=False, named="10000-01-01"
    ),
    "5,000 tags": Odd(
        ("tags",),
        json.dumps(TAGS).encode(),
        "tag_names",
        csv=json.dumps([tag["name"] for tag in TAGS], **COMPACT),
        parquet=[tag["name"] for tag in TAGS],
    ),
    "null among tags": Odd(("tags",), b"[null]", "", named="tags"),
    "no interval": Odd(("timeInterval",), b"null", "", jsonl=False, named="timeInterval"),
    "an interval that is a list": Odd(("timeInterval",), b"[]", "", jsonl=False, named="timeInterval"),
    "a number for a text": Odd(("description",), b"5", "", named="description"),
    "a text for a flag": Odd(("billable",), b'"yes"', "", named="billable"),
    "an object for a text": Odd(("userName",), b'{"a":1}', "", named="userName"),
    "a list for a user": Odd(("userId",), b"[]", "", jsonl=False, named="userId"),
    "the same key twice": Odd(
        ("description",),
        b'"first","description":"last"',
        "description",
        csv="last",
        parquet="last",
    ),
    "an id of 100,000 characters": odd_id("9" * 100_000),
    "an id with a line feed": odd_id("9\n9"),
    "an id with a carriage return": odd_id("9\r9"),
    "an id with a line separator": odd_id("9\u20289"),
    "an id with quote and comma": odd_id('9",9'),
    "an id with NUL": odd_id("9\x009"),
    "an id with a backslash": odd_id("9\\n9"),
    "an id that is no formula": odd_id("=9"),
}


def three_rows() -> EmulatedWorkspace:
    workspace = EmulatedWorkspace()
    workspace.add_user("Ada")
    tag = workspace.add_tag("tag")
    for number in range(3):
        start = START + number * HOUR
        workspace.add_entry(
            start=start, end=start + HOUR, at=start, description=f"{number}", tag_ids=[tag.id]
        )
    return workspace


def put(value: bytes, way: tuple[str, ...], raw: bytes) -> bytes:
    """Put JSON text under a way of keys; everything else keeps its bytes, and nothing is checked."""
    fields = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
    inner = raw if len(way) == 1 else put(bytes(fields[way[0]]), way[1:], raw)
    fields[way[0]] = msgspec.Raw(inner)
    return msgspec.json.encode(fields)


def spoil(odd: Odd, sent: list[bytes]) -> Fault:
    """Change the second row of the report, and remember what was sent."""

    def alter(response: Any) -> Any:
        answer = msgspec.json.decode(response.body(), type=dict[str, msgspec.Raw])
        rows = [bytes(row) for row in msgspec.json.decode(answer["timeentries"], type=list[msgspec.Raw])]
        if odd.field == ("tags",):
            rows[1] = put(rows[1], ("tagIds",), b"null")
        rows[1] = put(rows[1], odd.field, odd.raw)
        totals = bytes(answer["totals"])[1:-1]
        for name, raw in odd.totals.items():
            totals = put(totals, (name,), raw)
        sent[:] = rows
        response.payload = b'{"totals":[' + totals + b'],"timeentries":[' + b",".join(rows) + b"]}"
        return response

    return Fault("odd value", alter=alter)


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("odd", CASES.values(), ids=CASES.keys())
def test_an_odd_value_is_kept_exactly_or_refused_by_name(
    odd, file_format, compression, start_emulator, client_of, export, tmp_path
):
    workspace = three_rows()
    emulator = start_emulator(workspace)
    row_id = list(workspace.entries)[1]
    sent: list[bytes] = []
    emulator.inject(spoil(odd, sent), times=None)
    client, path = client_of(emulator), tmp_path / "out" / "file"
    path.parent.mkdir()
    expected = {"jsonl": None if odd.jsonl else REFUSED, "csv": odd.csv, "parquet": odd.parquet}[file_format]

    if expected is REFUSED:
        with pytest.raises(ClockifyError) as caught:
            export(client, MONTH, path, file_format=file_format, compression=compression)
        assert_refused(caught.value, path.parent, (row_id if odd.row_named else "", odd.named))
        assert "etailed" in str(caught.value), "report or operation"
        assert len(emulator.requests) == 1, "what is odd will be odd again: it is not asked for twice"
        return

    result = export(client, MONTH, path, file_format=file_format, compression=compression)
    assert result.rows == 3
    json.dumps(result.to_xcom())
    rows = read_back(path, file_format, compression)
    assert len(rows) == 3
    if file_format == "jsonl":
        data = gzip.decompress(path.read_bytes()) if compression else path.read_bytes()
        assert sorted(data.split(b"\n")[:-1]) == sorted(sent)
        assert len([row for row in rows if row["_id"] == (odd.row_id or row_id)]) == 1
        return
    (row,) = [row for row in rows if row["id"] == (odd.row_id or row_id)]
    assert row[odd.column] == expected


def test_bytes_that_are_no_utf_8_are_a_broken_answer_wherever_they_stand(
    start_emulator, client_of, export, tmp_path
):
    for number, name in enumerate(("description", "new")):
        emulator = start_emulator(three_rows())
        emulator.inject(spoil(Odd((name,), b'"\xff"', ""), []), times=None)
        for file_format in FORMATS:
            with pytest.raises(ClockifyTransportError, match="generateDetailedReport is broken"):
                export(client_of(emulator), MONTH, tmp_path / f"{number}", file_format=file_format)
    assert not only_files(tmp_path)


# --- texts of real entries ------------------------------------------------------------------------------------


@pytest.fixture
def odd_workspace() -> EmulatedWorkspace:
    """Entries whose descriptions, and a user, project, task and tags whose names are odd."""
    workspace = EmulatedWorkspace()
    user = workspace.add_user("Ada\r\n\x00\u2028,\"=1+1'")
    client = workspace.add_client("=client\ttab")
    project = workspace.add_project("\u202eproject\x1f", client_id=client.id)
    task = workspace.add_task(project.id, '-task"\n')
    tags = [workspace.add_tag(f"tag {text}") for text in ODD_TEXTS]
    for number, text in enumerate(ODD_TEXTS):
        start = START + number * HOUR
        workspace.add_entry(
            start=start,
            end=start + HOUR,
            at=start,
            user_id=user.id,
            description=text,
            project_id=project.id,
            task_id=task.id,
            tag_ids=[tags[number].id, tags[-1].id],
        )
    return workspace


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("partition_by", [None, "day"])
def test_texts_of_entries_come_back_exactly(
    odd_workspace, file_format, compression, partition_by, start_emulator, client_of, export, tmp_path
):
    client = client_of(start_emulator(odd_workspace))
    result = export(
        client,
        MONTH,
        tmp_path / "out",
        file_format=file_format,
        compression=compression,
        partition_by=partition_by,
    )
    rows = [row for path in result.paths for row in read_back(Path(path), file_format, compression)]
    assert [row["description"] for row in rows] == ODD_TEXTS
    user = odd_workspace.owner.name
    name = "userName" if file_format == "jsonl" else "user_name"
    assert {row[name] for row in rows} == {user}
    if file_format == "jsonl":
        return
    assert {row["project_name"] for row in rows} == {"\u202eproject\x1f"}
    assert {row["client_name"] for row in rows} == {"=client\ttab"}
    assert {row["task_name"] for row in rows} == {'-task"\n'}
    names = [row["tag_names"] if file_format == "parquet" else json.loads(row["tag_names"]) for row in rows]
    assert names == [[f"tag {text}", f"tag {ODD_TEXTS[-1]}"] for text in ODD_TEXTS]


@pytest.mark.parametrize("file_format", FORMATS)
def test_large_and_odd_rows_are_reconciled(
    file_format, odd_workspace, start_emulator, client_of, export, tmp_path
):
    start = START + 300 * HOUR
    odd_workspace.add_entry(start=start, end=start + HOUR, at=start, description="x" * 500_000)
    client, path = client_of(start_emulator(odd_workspace)), tmp_path / "file"
    export(client, MONTH, path, file_format=file_format, reconcile=True)
    gone = next(iter(odd_workspace.entries))
    odd_workspace.delete_entry(gone)
    result = export(client, MONTH, path, file_format=file_format, reconcile=True)
    assert result.to_xcom()["deleted"] == 1
    (tombstone,) = (tmp_path / "_file.tombstones.jsonl").read_bytes().splitlines()
    assert json.loads(tombstone)["id"] == gone
    assert csv.field_size_limit() == 131_072, "a limit of the whole process stays as it is"


@pytest.mark.parametrize("row_id", ["=1\n2", "a\rb", "\u2028", "x\\ny"])
def test_a_moved_entry_with_an_odd_id_is_still_noticed_once(
    row_id, start_emulator, client_of, export, tmp_path, rows_of
):
    """Two chunks that show the same entry: the earlier one is read again, whatever the id looks like."""
    workspace = generate_workspace(entries=4)
    emulator = start_emulator(workspace)
    entry = max(workspace.entries.values(), key=lambda each: each.id)
    first = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))

    def alter(response: Any) -> Any:
        response.payload = response.body().replace(text_of(entry.id), text_of(row_id))
        return response

    emulator.inject(Fault("other id", alter=alter), times=None)

    @emulator.before_request
    def move(record: Any) -> None:
        if record.sequence == 1:
            workspace.update_entry(entry.id, start=START - 20 * DAY, end=START - 20 * DAY + HOUR)
        if record.sequence == 2:
            workspace.update_entry(entry.id, start=START, end=START + HOUR)

    export(client_of(emulator), first, tmp_path / "file")
    ids = [row["_id"] for row in rows_of(tmp_path / "file")]
    assert ids.count(row_id) == 1
    assert len(emulator.requests) == 3 + 1


@pytest.mark.parametrize("count", [10**18, 10**400])
def test_an_absurd_count_is_not_asked_for_to_its_end(count, start_emulator, client_of, export, tmp_path):
    workspace = generate_workspace(entries=1_000)
    emulator = start_emulator(workspace)

    def alter(response: Any) -> Any:
        response.payload = response.body().replace(b'"entriesCount":1000', b'"entriesCount":%d' % count)
        return response

    emulator.inject(Fault("absurd", alter=alter), times=None)
    with pytest.raises(ClockifyError, match="could not be read completely"):
        export(client_of(emulator), MONTH, tmp_path / "file")
    assert len(emulator.requests) < 60
    assert not only_files(tmp_path)


# --- formulas ---------------------------------------------------------------------------------------------------


def unescaped(text: str) -> str:
    """As docs/output.md says it is undone."""
    return re.sub(r"^'('*[=+\-@\t\r])", r"\1", text)


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_escaped_formulas_change_nothing_but_texts_that_look_like_one(
    odd_workspace, compression, start_emulator, client_of, export, tmp_path
):
    client = client_of(start_emulator(odd_workspace))
    files = {}
    for escape in (False, True):
        kind = FileKind("csv", compression, escape_formulas=escape)
        export(client, MONTH, tmp_path / f"{escape}", kind=kind)
        files[escape] = read_back(tmp_path / f"{escape}", "csv", compression)
    changed = {row["description"] for row in files[True]} - set(ODD_TEXTS)
    dangerous = [text for text in ODD_TEXTS if text[:1] in tuple("=+-@\t\r") or text == "'=1"]
    assert changed == {f"'{text}" for text in dangerous}
    assert len(dangerous) >= 8
    assert all(cell[:1] not in tuple("=+-@\t\r") for row in files[True] for cell in row.values() if cell)
    assert {row["client_name"] for row in files[True]} == {"'=client\ttab"}
    undone = [
        {name: unescaped(cell) if name in TEXT_COLUMNS else cell for name, cell in row.items()}
        for row in files[True]
    ]
    assert undone == files[False]


TEXT_COLUMNS = ("description", "user_name", "client_name", "project_name", "task_name", "user_email")


def test_reconcile_copes_with_escaped_ids(start_emulator, client_of, export, tmp_path):
    workspace = three_rows()
    emulator = start_emulator(workspace)
    emulator.inject(spoil(odd_id("=9"), []), times=None)
    client, kind = client_of(emulator), FileKind("csv", escape_formulas=True)
    for _ in range(2):
        result = export(client, MONTH, tmp_path / "file", kind=kind, reconcile=True)
        assert result.to_xcom()["deleted"] == 0
    assert [row["id"] for row in read_back(tmp_path / "file", "csv", None)].count("'=9") == 1
    emulator.clear_faults()
    result = export(client, MONTH, tmp_path / "file", kind=kind, reconcile=True)
    tombstone = json.loads((tmp_path / "_file.tombstones.jsonl").read_bytes())
    assert (result.to_xcom()["deleted"], tombstone["id"]) == (1, "=9")


# --- the other exports ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """
    An export of another kind.

    :param where: Key of the list in the answer; ``None`` for a bare list.
    :param text: Field of text, and its column.
    :param number: Field of money or time, and its column.
    :param flat: Whether ``csv`` and ``parquet`` have one row per item.
    """

    where: str | None
    text: tuple[tuple[str, ...], str]
    number: tuple[tuple[str, ...], str]


KINDS = {
    "users": Kind(None, (("name",), "name"), (("settings", "timeZone"), "time_zone")),
    "projects": Kind(None, (("note",), "note"), (("duration",), "duration_seconds")),
    "tags": Kind(None, (("name",), "name"), (("archived",), "archived")),
    "custom_fields": Kind(None, (("name",), "name"), (("required",), "required")),
    "changes": Kind(None, (("description",), "document"), (("id",), "id")),
    "expenses": Kind("expenses", (("notes",), "notes"), (("quantity",), "quantity")),
    "summary": Kind("groupOne", (("name",), "group_1_name"), (("amount",), "amount")),
    "weekly": Kind("groupOne", (("name",), "group_name"), (("name",), "group_name")),
    "attendance": Kind("entities", (("userName",), "user_name"), (("overtime",), "overtime_seconds")),
}


@pytest.fixture
def run_export(hook_of, tmp_path) -> Callable[..., Path]:
    """Export anything of a generated workspace whose first item is changed; give the file."""

    def run(emulator: ClockifyEmulator, name: str, file_format: str, **options: Any) -> Path:
        from airflow_provider_clockify.operators import reports
        from airflow_provider_clockify.operators._attempts import Attempt, Passed
        from airflow_provider_clockify.operators.entities import (
            ClockifyEntityChangesOperator,
            ClockifyExportEntitiesOperator,
        )

        path = tmp_path / "out" / f"file.{file_format}"
        path.parent.mkdir(exist_ok=True)
        common = {"task_id": "t", "output_path": str(path), "file_format": file_format, **options}
        bounds = {"start": MONTH.start.isoformat(), "end": MONTH.end.isoformat()}
        operators: dict[str, Callable[[], Any]] = {
            "changes": lambda: ClockifyEntityChangesOperator(
                start=PAST.start.isoformat(), end=PAST.end.isoformat(), **common
            ),
            "expenses": lambda: reports.ClockifyExpenseReportOperator(**bounds, **common),
            "summary": lambda: reports.ClockifySummaryReportOperator(groups=("USER",), **bounds, **common),
            "weekly": lambda: reports.ClockifyWeeklyReportOperator(
                group="USER", start="2026-11-02T00:00:00Z", end="2026-11-09T00:00:00Z", **common
            ),
            "attendance": lambda: reports.ClockifyAttendanceReportOperator(
                start="2026-11-02T00:00:00Z", end="2026-11-09T00:00:00Z", **common
            ),
        }
        operator = operators.get(name, lambda: ClockifyExportEntitiesOperator(entity=name, **common))()
        operator.export(Attempt(operator, hook_of(emulator), {}, Passed()))
        return path

    return run


@pytest.fixture
def spoiled(start_emulator) -> Callable[..., tuple[ClockifyEmulator, list[str]]]:
    """Start an emulator that changes the first item of each list; give it and the id of that item."""

    def start(
        name: str, way: tuple[str, ...], raw: bytes, **server: Any
    ) -> tuple[ClockifyEmulator, list[str]]:
        kind, ids = KINDS[name], []
        window = PAST if name == "changes" else MONTH
        emulator = start_emulator(
            generate_workspace(
                entries=10, expenses=3, custom_fields=2, start=window.start, end=window.end, plan="PRO"
            ),
            **server,
        )

        def alter(response: Any) -> Any:
            body = response.body()
            if kind.where is None and not body.startswith(b"["):
                return response  # Whose key it is.
            if kind.where is None:
                items = [bytes(each) for each in msgspec.json.decode(body, type=list[msgspec.Raw])]
            else:
                answer = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
                items = [bytes(e) for e in msgspec.json.decode(answer[kind.where], type=list[msgspec.Raw])]
            if not items:
                return response
            first = msgspec.json.decode(items[0])
            ids.append(first.get("_id") or first.get("id") or first["userId"])
            items[0] = put(items[0], way, raw)
            listed = b"[" + b",".join(items) + b"]"
            if kind.where is not None:
                answer[kind.where] = msgspec.Raw(listed)
                listed = msgspec.json.encode(answer)
            response.payload = listed
            return response

        emulator.inject(Fault("odd value", alter=alter), times=None)
        return emulator, ids

    return start


def flat_values(rows: list[dict[str, Any]], column: str) -> list[Any]:
    return [row[column] for row in rows]


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("name", KINDS)
def test_other_exports_keep_odd_texts(name, file_format, spoiled, run_export):
    (way, column), text = KINDS[name].text, "".join(ODD_TEXTS) + "x" * 300_000
    emulator, _ = spoiled(name, way, msgspec.json.encode(text))
    rows = read_back(run_export(emulator, name, file_format), file_format, None)
    if name == "changes":
        documents = [
            row["document"] if file_format == "jsonl" else json.loads(row["document"]) for row in rows
        ]
        assert text in [document.get("description") for document in documents]
    elif file_format == "jsonl":
        assert text in [row[way[0]] for row in rows]
    else:
        assert text in flat_values(rows, column)


@pytest.mark.parametrize(
    "raw", [b'"a\\ud83d"', b"NaN", b"[-Infinity]", TOO_DEEP], ids=lambda raw: raw[:12].decode()
)
@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("name", KINDS)
def test_other_exports_refuse_what_cannot_be_read_by_name(
    name, raw, file_format, spoiled, run_export, tmp_path
):
    way, _ = KINDS[name].text
    emulator, ids = spoiled(name, way, raw)
    with pytest.raises(ClockifyError) as caught:
        run_export(emulator, name, file_format)
    operation = {
        "changes": "EntityInfo",
        "custom_fields": "ofWorkspace",
        "expenses": "DetailedReportV1",
    }.get(name, name.rstrip("s"))
    assert operation.lower() in str(caught.value).lower()
    assert_refused(caught.value, tmp_path / "out", ("too deeply",) if raw is TOO_DEEP else (ids[0], way[0]))
    assert "Correct it in Clockify" in str(caught.value)
    assert type(caught.value) is ClockifyResponseError


@pytest.mark.parametrize("raw", [b'{"a":1}', b"[1]", b"5", b"true"], ids=lambda raw: raw.decode())
@pytest.mark.parametrize("file_format", ["csv", "parquet"])
@pytest.mark.parametrize("name", [name for name in KINDS if name != "changes"])
def test_other_exports_refuse_wrong_types_in_columns_and_keep_them_in_jsonl(
    name, raw, file_format, spoiled, run_export, tmp_path
):
    way, column = KINDS[name].text
    emulator, ids = spoiled(name, way, raw)
    with pytest.raises(ClockifyError) as caught:
        run_export(emulator, name, file_format)
    assert_refused(caught.value, tmp_path / "out", (ids[-1], column, name))
    rows = read_back(run_export(emulator, name, "jsonl"), "jsonl", None)
    assert json.loads(raw, parse_int=str) in [row[way[0]] for row in rows]


@pytest.mark.parametrize(
    ("name", "way", "raw", "column"),
    [
        ("projects", ("duration",), b'"PT99999999999999999999S"', "duration_seconds"),
        ("projects", ("duration",), b'"P1Y"', "duration_seconds"),
        ("projects", ("duration",), b'"2026-01-01/P1D"', "duration_seconds"),
        ("projects", ("duration",), b"9223372036854775808", "duration_seconds"),
        ("projects", ("hourlyRate",), b'{"amount":1e999999999}', "hourly_rate_amount"),
        ("expenses", ("quantity",), b"1e400", "quantity"),
        ("expenses", ("quantity",), b"1e-400", "quantity"),
        ("expenses", ("quantity",), b"9" * 400, "quantity"),
        ("attendance", ("overtime",), b"1e30", "overtime_seconds"),
        ("attendance", ("overtime",), b"0.5", "overtime_seconds"),
        ("summary", ("duration",), b'"PT1H"', "duration"),
        ("summary", ("amount",), b"1e1000", "amount"),
        ("weekly", ("days",), b"[null]", "days"),
        ("weekly", ("days",), b'{"a":1}', "days"),
    ],
)
@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_other_exports_refuse_numbers_that_do_not_fit(
    name, way, raw, column, file_format, spoiled, run_export, tmp_path
):
    emulator, ids = spoiled(name, way, raw)
    with pytest.raises(ClockifyError) as caught:
        run_export(emulator, name, file_format)
    assert_refused(caught.value, tmp_path / "out", (ids[0], column))


@pytest.mark.parametrize("number", ["1e400", "123456789012345678901234567890.5", "1e-400", "9" * 400, "-0.0"])
def test_lists_keep_every_number_exactly_in_jsonl(number, spoiled, run_export):
    emulator, _ = spoiled("projects", ("hourlyRate",), b'{"amount":' + number.encode() + b"}")
    path = run_export(emulator, "projects", "jsonl")
    rows = [
        json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in path.read_bytes().splitlines()
    ]
    assert Decimal(number) in [row["hourlyRate"]["amount"] for row in rows if row.get("hourlyRate")]


@pytest.mark.parametrize("item_id", [b"[1]", b'{"a":1}', b"5"])
def test_ids_of_changes_that_are_no_text_are_refused(item_id, spoiled, run_export, tmp_path):
    emulator, _ = spoiled("changes", ("id",), item_id)
    with pytest.raises(ClockifyResponseError, match="not a list of rows with ids"):
        run_export(emulator, "changes", "jsonl")
    assert not only_files(tmp_path)


@pytest.mark.parametrize("name", KINDS)
def test_formulas_are_escaped_in_every_csv(name, spoiled, run_export):
    (way, column), text = KINDS[name].text, "=1+1"
    emulator, _ = spoiled(name, way, text_of(text))
    rows = read_back(run_export(emulator, name, "csv", escape_formulas=True), "csv", None)
    if name == "changes":
        assert not [row for row in rows if row["document"].startswith("'")]
    else:
        assert "'=1+1" in flat_values(rows, column)


@pytest.mark.parametrize("file_format", ["jsonl", "parquet", "xlsx", "clockify_csv", "clockify_xlsx", "pdf"])
def test_formulas_cannot_be_escaped_elsewhere(file_format, start_emulator, run_export, tmp_path):
    emulator = start_emulator()
    with pytest.raises(ClockifyConfigError, match="escape_formulas does not fit"):
        run_export(emulator, "summary", file_format, escape_formulas=True)
    assert emulator.requests == []


@pytest.mark.parametrize("period", [b"null", b"{}", b"[]", b'{"start":5,"end":5}', b'"2026"'])
def test_what_does_not_say_when_it_is_is_neither_kept_nor_left_out(period, start_emulator, hook_of):
    emulator = start_emulator(generate_workspace(entries=10, assignments=5, plan="PRO"))

    def alter(response: Any) -> Any:
        rows = [bytes(row) for row in msgspec.json.decode(response.body(), type=list[msgspec.Raw])]
        name = ("timeInterval",) if b"timeInterval" in rows[0] else ("period",)
        response.payload = b"[" + b",".join([put(rows[0], name, period), *rows[1:]]) + b"]"
        return response

    emulator.inject(Fault("no period", alter=alter), times=None)
    hook = hook_of(emulator)
    user = emulator.workspace.entries[min(emulator.workspace.entries)].user_id
    for items in (
        hook.iter_time_entries(user, MONTH.start, MONTH.end),
        hook.iter_assignments(MONTH.start, MONTH.end),
    ):
        with pytest.raises(ClockifyResponseError, match="Item "):
            list(items)


@pytest.mark.parametrize("project_id", [b"null", b"5", b'""', b"[]"])
def test_parents_without_an_id_are_refused(project_id, spoiled, run_export, tmp_path):
    emulator, _ = spoiled("projects", ("id",), project_id)
    with pytest.raises(ClockifyResponseError, match="One of the projects has no id"):
        run_export(emulator, "tasks", "jsonl")
    assert not only_files(tmp_path)
