# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Random workspaces, windows and settings: what an export holds is the emulator's ground truth."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

from airflow_provider_clockify.columns.detailed_columns import DETAILED
from airflow_provider_clockify.connection import ClockifySettings
from airflow_provider_clockify.export.formats import escape_formula, unescape_formula
from airflow_provider_clockify.export.plan import make_plan
from airflow_provider_clockify.export.report_export import ReportExport, export_report
from airflow_provider_clockify.export.storage import Target
from airflow_provider_clockify.export.writing import FileKind
from airflow_provider_clockify.http.rate_limit import RateLimiter
from airflow_provider_clockify.http.transport import SyncTransport
from airflow_provider_clockify.reading.client import ClockifyClient
from airflow_provider_clockify.reading.report_reader import ReportReader
from airflow_provider_clockify.service.filters import report_filters
from airflow_provider_clockify.service.report_kinds import detailed
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace
from airflow_provider_clockify.window import Window

CENTRE = datetime(2026, 10, 25, tzinfo=UTC)  # The end of DST in Europe, and near that of America.
ZONES = [
    "UTC",
    "Europe/Belgrade",
    "Pacific/Auckland",
    "America/Los_Angeles",
    "Asia/Kathmandu",
    "Pacific/Apia",
]
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["=1+1", "'=1", "\r\n", "\x00", "\u2028", '"', ",", "\ufeff", "", "\t", "-"]
)
SECONDS = st.integers(-40 * 86_400, 40 * 86_400)


@st.composite
def workspaces(draw: st.DrawFn) -> EmulatedWorkspace:
    """A small workspace: odd names, entries of every kind around the centre."""
    workspace = EmulatedWorkspace()
    users = [
        workspace.add_user(draw(TEXTS), time_zone=draw(st.sampled_from(ZONES)))
        for _ in range(draw(st.integers(1, 3)))
    ]
    client = workspace.add_client(draw(TEXTS), currency=draw(st.sampled_from(["EUR", "USD"])))
    projects = [workspace.add_project(draw(TEXTS), client_id=each) for each in (None, client.id)]
    tags = [workspace.add_tag(draw(TEXTS)).id for _ in range(2)]
    fields = [workspace.add_custom_field(draw(TEXTS)).id]
    for offset in draw(st.lists(SECONDS, max_size=14)):
        start = CENTRE + timedelta(seconds=offset)
        length = draw(st.integers(0, 200_000) | st.none())
        workspace.add_entry(
            start=start,
            end=None if length is None else start + timedelta(seconds=length),
            at=CENTRE + timedelta(seconds=draw(SECONDS)),
            user_id=draw(st.sampled_from(users)).id,
            description=draw(TEXTS),
            project_id=draw(st.sampled_from([None, *(project.id for project in projects)])),
            tag_ids=draw(st.sampled_from([None, [], tags[:1], tags])),
            billable=draw(st.booleans()),
            type=draw(st.sampled_from(["REGULAR", "BREAK"])),
            hourly_rate=draw(st.integers(0, 10**7)),
            custom_values=draw(st.sampled_from([(), ((fields[0], "=x\n"),), ((fields[0], 5),)])),
        )
    return workspace


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start = CENTRE + timedelta(seconds=draw(SECONDS))
    return Window(start, start + timedelta(seconds=draw(st.integers(1, 70 * 86_400))))


def client_of(emulator: ClockifyEmulator, concurrency: int) -> ClockifyClient:
    connection = ClockifySettings.from_fields(
        "fuzz",
        password=emulator.api_key,
        host=emulator.url,
        extra={"workspace_id": emulator.workspace.id, "max_concurrency": concurrency, "timeout": 20},
    )
    limiter = RateLimiter(1e6)
    return ClockifyClient(connection, SyncTransport(connection, limiter=limiter, sleep=lambda _: None))


def rows_of(path: str, file_format: str) -> list[dict[str, Any]]:
    """Read what a test compares with other people's readers, under the names of the columns."""
    data = Path(path).read_bytes()
    if file_format == "jsonl":
        items = [json.loads(line, parse_float=Decimal) for line in data.split(b"\n")[:-1]]
        return [
            {
                "id": item["_id"],
                "description": item["description"],
                "user_name": item["userName"],
                "start": datetime.fromisoformat(item["timeInterval"]["start"]),
                "duration_seconds": item["timeInterval"]["duration"],
                "tag_ids": [tag["_id"] for tag in item["tags"] or ()],
                "custom_fields": item["customFields"],
            }
            for item in items
        ]
    if file_format == "csv":
        items = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
        return [
            {
                **item,
                "start": datetime.fromisoformat(item["start"]),
                "duration_seconds": int(item["duration_seconds"]),
                "tag_ids": json.loads(item["tag_ids"]),
                "custom_fields": json.loads(item["custom_fields"]),
            }
            for item in items
        ]
    if file_format == "xlsx":
        header, *rows = load_workbook(io.BytesIO(data)).worksheets[0].values
        items = [
            {
                name: unescape(cell) if isinstance(cell, str) else cell
                for name, cell in zip(header, row, strict=True)
            }
            for row in rows
        ]
        return [
            {
                **item,
                "start": item["start"].replace(tzinfo=UTC),
                "tag_ids": json.loads(item["tag_ids"]),
                "custom_fields": json.loads(item["custom_fields"]),
            }
            for item in items
        ]
    import pyarrow.parquet

    items = pyarrow.parquet.read_table(io.BytesIO(data)).to_pylist()
    return [{**item, "custom_fields": json.loads(item["custom_fields"])} for item in items]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    workspace=workspaces(),
    window=windows(),
    partition_by=st.sampled_from([None, "day", "month"]),
    file_format=st.sampled_from(["jsonl", "csv", "parquet", "xlsx"]),
    page_size=st.sampled_from([1, 2, 7, 1000]),
    oversize=st.sampled_from(["refuse", "clamp"]),
    concurrency=st.integers(1, 4),
    running=st.booleans(),
    billable=st.sampled_from([None, True, False]),
)
def test_an_export_is_the_truth(
    workspace, window, partition_by, file_format, page_size, oversize, concurrency, running, billable
):
    # A refused page size has fixed smaller ones to fall back to, which such a service would refuse as well.
    oversize = oversize if page_size == 1000 else "clamp"
    emulator = ClockifyEmulator(
        workspace,
        free_requests_per_hour=None,
        detailed_max_page_size=page_size,
        oversize=oversize,
        report_running=running,
    )
    filters = report_filters({} if billable is None else {"billable": billable})
    with emulator, TemporaryDirectory() as folder:
        client = client_of(emulator, concurrency)
        kind = FileKind(file_format)
        plan = make_plan(window, partition_by=partition_by, file_name="file" + kind.suffix)
        result = export_report(
            ReportExport(
                report="detailed",
                workspace_id=workspace.id,
                reader=ReportReader(client.send, detailed(workspace.id, filters), concurrency=concurrency),
                plan=plan,
                table=lambda _: DETAILED,
                target=Target(f"{folder}/out"),
                kind=kind,
            )
        )
        client.transport.close()
        rows = [row for path in result.paths for row in rows_of(path, file_format)]
        wanted = [
            entry
            for entry in workspace.entries.values()
            if entry.end is not None
            and entry.id in set(workspace.truth_ids(plan.window.start, plan.window.end))
            and billable in (None, entry.billable)
        ]
    assert dict(emulator.unknown_parameters) == {}
    assert sorted(row["id"] for row in rows) == sorted(entry.id for entry in wanted)
    assert result.rows == len(wanted)
    assert result.seconds == sum(entry.seconds for entry in wanted)
    by_id = {row["id"]: row for row in rows}
    for entry in wanted:
        row = by_id[entry.id]
        assert row["description"] == entry.description
        assert row["user_name"] == workspace.users[entry.user_id].name
        assert row["start"] == datetime.fromtimestamp(entry.start, UTC)
        assert row["duration_seconds"] == entry.seconds
        assert row["tag_ids"] == list(entry.tag_ids or ())
        assert row["custom_fields"] == [
            {"customFieldId": key, "value": value} for key, value in entry.custom_values
        ]


@given(TEXTS | st.text(st.sampled_from("'=+-@\t\rx"), max_size=6))
def test_escaped_formulas_are_none_and_come_back(text):
    escaped = escape_formula(text)
    assert not escaped.startswith(tuple("=+-@\t\r"))
    assert unescape_formula(escaped) == text
    assert escaped in (text, f"'{text}")


@given(st.text(st.sampled_from("'=+-@\t\rx"), max_size=5), st.text(st.sampled_from("'=+-@\t\rx"), max_size=5))
def test_no_two_texts_are_escaped_alike(one, other):
    assert (escape_formula(one) == escape_formula(other)) is (one == other)
