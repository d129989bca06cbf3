# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyForbiddenError,
    ClockifyIncompleteError,
    ClockifyNoRowsError,
    ClockifyNotFoundError,
    ClockifyServerError,
)
from airflow_provider_clockify.testing import EmulatedWorkspace, generate_workspace
from airflow_provider_clockify.testing.faults import Fault
from airflow_provider_clockify.testing.workspace.kinds import WorkspaceSettings
from airflow_provider_clockify.window import Window

LATER = datetime(2027, 6, 1, tzinfo=UTC)  # When late changes are made: after everything generated.
HOUR = timedelta(hours=1)


def utc(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=UTC)


def truth_of(workspace: EmulatedWorkspace, window: Window) -> list[str]:
    return sorted(workspace.truth_ids(window.start, window.end))


@pytest.fixture
def exported_ids(tmp_path, export, rows_of) -> Callable[..., list[str]]:
    """Export to JSON lines and give the ids in file order."""

    def run(client: Any, window: Window, **options: Any) -> list[str]:
        export(client, window, tmp_path / "ids.jsonl", **options)
        return [row["_id"] for row in rows_of(tmp_path / "ids.jsonl")]

    return run


# --- exact --------------------------------------------------------------------------------------------------

DST_WINDOWS = {
    "November": (utc(2026, 11, 1), utc(2026, 12, 1)),  # holds the end of DST in Los Angeles
    "one day": (utc(2026, 11, 12), utc(2026, 11, 13)),
    "end of DST in Europe": (utc(2026, 10, 24), utc(2026, 10, 27)),
    "start of DST in Europe": (utc(2026, 3, 28), utc(2026, 3, 31)),
    "start of DST in Auckland": (utc(2026, 9, 26), utc(2026, 9, 28)),
    "an hour in the middle of a DST change": (utc(2026, 11, 1, 8), utc(2026, 11, 1, 9)),
    "year's end": (utc(2026, 12, 31), utc(2027, 1, 1)),
}


@pytest.mark.parametrize("zone", ["Europe/Belgrade", "Pacific/Auckland", "America/Los_Angeles"])
@pytest.mark.parametrize("bounds", DST_WINDOWS.values(), ids=DST_WINDOWS.keys())
def test_a_window_holds_exactly_its_entries_whatever_the_owners_zone(
    start_emulator, client_of, exported_ids, zone, bounds
):
    start, end = bounds
    workspace = generate_workspace(entries=60, start=start, end=end, owner_time_zone=zone, outside_entries=40)
    emulator = start_emulator(workspace)
    ids = exported_ids(client_of(emulator), Window(start, end))
    assert ids == truth_of(workspace, Window(start, end))
    assert len(ids) == 60


def test_entries_at_the_bounds_belong_to_the_window_that_starts_with_them(
    start_emulator, client_of, exported_ids
):
    workspace = EmulatedWorkspace()
    workspace.add_user("Ada", time_zone="Europe/Belgrade")
    for start in (
        utc(2026, 11, 9, 23, 59, 59),
        utc(2026, 11, 10),
        utc(2026, 11, 10, 23, 59, 59),
        utc(2026, 11, 11),
    ):
        workspace.add_entry(start=start, end=start + HOUR, at=start)
    client = client_of(start_emulator(workspace))
    ids = list(workspace.entries)
    days = [Window(utc(2026, 11, day), utc(2026, 11, day + 1)) for day in (9, 10, 11)]
    assert [exported_ids(client, day) for day in days] == [ids[:1], ids[1:3], ids[3:]]


def test_windows_that_cut_a_second_tile_time(start_emulator, client_of, exported_ids):
    workspace = EmulatedWorkspace()
    workspace.add_user("Ada")
    for second in range(3):
        start = utc(2026, 11, 10, 0, 0, second)
        workspace.add_entry(start=start, end=start + HOUR, at=start)
    client = client_of(start_emulator(workspace))
    cuts = [utc(2026, 11, 10), utc(2026, 11, 10, 0, 0, 0, 1), utc(2026, 11, 10, 0, 0, 1, 500), LATER]
    found = [exported_ids(client, Window(*pair)) for pair in zip(cuts, cuts[1:], strict=False)]
    assert [len(ids) for ids in found] == [1, 1, 1]
    assert sum(found, []) == list(workspace.entries)


def test_contiguous_windows_export_every_entry_once(start_emulator, client_of, exported_ids, november):
    workspace = generate_workspace(entries=300, owner_time_zone="America/Los_Angeles")
    client = client_of(start_emulator(workspace))
    days = [Window(november.start + n * 24 * HOUR, november.start + (n + 1) * 24 * HOUR) for n in range(30)]
    ids = [row_id for day in days for row_id in exported_ids(client, day)]
    assert sorted(ids) == truth_of(workspace, november)


def test_rows_are_written_as_the_service_sent_them_in_order_of_id(
    emulator, client, november, tmp_path, export
):
    sent: list[bytes] = []

    def note(response: Any) -> Any:
        sent.append(response.body())
        return response

    emulator.inject(Fault("note", alter=note))
    export(client, november, tmp_path / "x.jsonl")
    body = sent[0]
    lines = (tmp_path / "x.jsonl").read_bytes().splitlines()
    rows = [line for line in lines if json.loads(line)["timeInterval"]["end"] is not None and line in body]
    assert len(rows) == len(lines) == 20
    ids = [json.loads(line)["_id"] for line in lines]
    assert ids == sorted(ids)


def test_the_request_asks_for_raw_utc_data_in_an_append_only_order(emulator, client, november, exported_ids):
    exported_ids(client, november)
    (request,) = emulator.requests
    assert request.path == f"/report/v1/workspaces/{emulator.workspace.id}/reports/detailed"
    assert request.json == {
        "dateRangeStart": "2026-11-01T00:00:00.000Z",
        "dateRangeEnd": "2026-11-30T23:59:59.999Z",
        "timeZone": "UTC",
        "exportType": "JSON",
        "sortOrder": "ASCENDING",
        "rounding": False,
        "amountShown": "EARNED",
        "detailedFilter": {
            "page": 1,
            "pageSize": 1000,
            "sortColumn": "ID",
            "options": {"totals": "CALCULATE"},
        },
    }


# --- frugal -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("entries", "requests"), [(0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2), (3000, 3)])
def test_one_request_per_thousand_entries_and_at_least_one(
    start_emulator, client_of, november, tmp_path, export, entries, requests
):
    workspace = generate_workspace(entries=entries, running_timers=0)
    emulator = start_emulator(workspace)
    result = export(client_of(emulator), november, tmp_path / "x.jsonl")
    assert result.rows == entries
    assert result.requests == len(emulator.requests) == requests
    assert all(request.service == "reports" for request in emulator.requests)


def test_a_free_workspace_exports_ninety_days_within_its_limits(start_emulator, client_of, exported_ids):
    window = Window(utc(2026, 9, 1), utc(2026, 11, 30))
    workspace = generate_workspace(entries=2_500, start=window.start, end=window.end, plan="FREE")
    emulator = start_emulator(workspace, free_requests_per_hour=30)
    assert exported_ids(client_of(emulator), window) != []
    *read, refused, _, _ = emulator.requests
    counts = []
    for request in read:
        begin, end = (
            datetime.fromisoformat(request.json[name]) for name in ("dateRangeStart", "dateRangeEnd")
        )
        assert end - begin < timedelta(days=31)
        if request.json["detailedFilter"]["page"] == 1:
            counts.append(len(workspace.truth_ids(begin, end + timedelta(milliseconds=1))))
    assert len(counts) == 3
    assert sum(counts) == 2_500
    assert len(read) == sum(max(1, -(-count // 1000)) for count in counts)
    assert refused.status == 400, (
        "that it is a Free workspace shows when the sums of ninety days are asked for"
    )


def test_ids_of_a_window_of_several_chunks_are_complete(start_emulator, client_of, exported_ids):
    window = Window(utc(2026, 9, 1), utc(2026, 11, 30))
    workspace = generate_workspace(entries=500, start=window.start, end=window.end)
    assert sorted(exported_ids(client_of(start_emulator(workspace)), window)) == truth_of(workspace, window)


def test_the_hourly_quota_of_a_free_workspace_is_met_with_an_error_and_no_file(
    start_emulator, client_of, november, tmp_path, export
):
    workspace = generate_workspace(entries=2_001, plan="FREE")
    emulator = start_emulator(workspace, free_requests_per_hour=2, retry_after="seconds")
    with pytest.raises(Exception, match="request budget is used up"):
        export(client_of(emulator, max_concurrency=1), november, tmp_path / "x.jsonl")
    assert list(tmp_path.iterdir()) == []
    assert len(emulator.requests) == 3


def test_pages_are_fetched_concurrently_but_never_more_than_allowed(
    start_emulator, client_of, november, exported_ids
):
    workspace = generate_workspace(entries=1_500)
    emulator = start_emulator(workspace, detailed_max_page_size=100, oversize="clamp", latency=0.01)
    assert exported_ids(client_of(emulator, max_concurrency=2), november) == truth_of(workspace, november)
    assert emulator.max_concurrency == 2
    assert len(emulator.requests) == 15


# --- page sizes ---------------------------------------------------------------------------------------------


def test_a_service_that_clamps_pages_is_paged_by_what_it_gives(
    start_emulator, client_of, november, exported_ids
):
    workspace = generate_workspace(entries=1_050)
    emulator = start_emulator(workspace, detailed_max_page_size=200, oversize="clamp")
    assert exported_ids(client_of(emulator), november) == truth_of(workspace, november)
    assert len(emulator.requests) == 6


@pytest.mark.parametrize(("maximum", "refused", "pages"), [(200, 1, 6), (50, 2, 21), (120, 2, 21)])
def test_a_service_that_refuses_large_pages_gets_smaller_ones(
    start_emulator, client_of, november, exported_ids, maximum, refused, pages
):
    workspace = generate_workspace(entries=1_050)
    emulator = start_emulator(workspace, detailed_max_page_size=maximum, oversize="refuse")
    assert exported_ids(client_of(emulator), november) == truth_of(workspace, november)
    assert len(emulator.requests) == refused + pages


def test_a_refusal_that_is_not_about_the_size_keeps_its_reason(emulator, client, november, tmp_path, export):
    emulator.fail(400, times=None, body={"message": "getReport: something else", "code": 501})
    with pytest.raises(ClockifyBadRequestError, match="something else"):
        export(client, november, tmp_path / "x.jsonl")
    sizes = [request.json["detailedFilter"]["pageSize"] for request in emulator.requests]
    assert sizes == [1000, 200, 50]
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_workspace_is_asked_for_once(emulator, client_of, november, tmp_path, export):
    client = client_of(emulator, workspace_id="0" * 24)
    with pytest.raises(ClockifyNotFoundError, match="Check the workspace id"):
        export(client, november, tmp_path / "x.jsonl")
    assert len(emulator.requests) == 1


# --- data that change while they are read -------------------------------------------------------------------


@pytest.fixture
def living(start_emulator, client_of) -> Callable[..., Any]:
    """Start an emulator with pages of 100 rows that calls a function before chosen report requests."""

    def start(change: Callable[[EmulatedWorkspace], object], *, before: set[int] | None, entries: int = 250):
        workspace = generate_workspace(entries=entries)
        emulator = start_emulator(workspace, detailed_max_page_size=100, oversize="clamp")

        @emulator.before_request
        def disturb(record: Any) -> None:
            if before is None or record.sequence in before:
                change(workspace)

        # One page at a time, so that the change falls between two pages.
        return emulator, client_of(emulator, max_concurrency=1)

    return start


def add_entries(number: int, at: datetime = LATER) -> Callable[[EmulatedWorkspace], None]:
    def change(workspace: EmulatedWorkspace) -> None:
        for minute in range(number):
            start = utc(2026, 11, 15) + timedelta(minutes=minute)
            workspace.add_entry(start=start, end=start + HOUR, at=at)

    return change


def first_entry(workspace: EmulatedWorkspace) -> str:
    return min(workspace.truth_ids(utc(2026, 11, 1), utc(2026, 12, 1)))


CHANGES: dict[str, Callable[[EmulatedWorkspace], object]] = {
    "1,000 entries added at the end": add_entries(1_000),
    "one entry added at the end": add_entries(1),
    "entries added with old ids": add_entries(7, utc(2025, 11, 2)),
    "an entry of page one deleted": lambda w: w.delete_entry(first_entry(w), at=LATER),
    "half a page deleted": lambda w: [w.delete_entry(first_entry(w), at=LATER) for _ in range(50)],
    "more than a page deleted": lambda w: [w.delete_entry(first_entry(w), at=LATER) for _ in range(130)],
    "everything deleted": lambda w: [
        w.delete_entry(row_id, at=LATER) for row_id in w.truth_ids(utc(2026, 11, 1), utc(2026, 12, 1))
    ],
    "an entry moved out of the window": lambda w: w.update_entry(
        first_entry(w), start=utc(2026, 12, 24), end=utc(2026, 12, 24, 1), at=LATER
    ),
    "an entry made longer": lambda w: w.update_entry(first_entry(w), end=utc(2027, 1, 1), at=LATER),
    "one deleted, one added": lambda w: (w.delete_entry(first_entry(w), at=LATER), add_entries(1)(w)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("page", [2, 3])
def test_a_change_between_pages_gives_the_state_after_it(
    living, november, tmp_path, export, rows_of, change, page
):
    emulator, client = living(change, before={page})
    result = export(client, november, tmp_path / "x.jsonl")
    rows = rows_of(tmp_path / "x.jsonl")
    workspace = emulator.workspace
    assert [row["_id"] for row in rows] == truth_of(workspace, november)
    assert {row["_id"]: row["timeInterval"]["duration"] for row in rows} == {
        row_id: workspace.entries[row_id].seconds for row_id in truth_of(workspace, november)
    }
    assert result.seconds == workspace.truth_seconds(november.start, november.end)
    assert result.requests == len(emulator.requests)


def test_entries_added_at_the_end_cost_only_the_pages_they_fill(living, november, tmp_path, export):
    emulator, client = living(add_entries(120), before={3})
    export(client, november, tmp_path / "x.jsonl")
    # 250 rows are three pages; the third is read again where it grew, and one more follows. The last row before the
    # change is asked for, to see that it is where it was.
    assert [request.json["detailedFilter"]["page"] for request in emulator.requests] == [1, 2, 3, 4, 200]


def test_data_that_never_come_to_rest_are_not_published(living, november, tmp_path, export):
    emulator, client = living(lambda w: w.delete_entry(first_entry(w), at=LATER), before=None)
    with pytest.raises(ClockifyIncompleteError, match="could not be read completely") as caught:
        export(client, november, tmp_path / "new" / "x.jsonl")
    assert "in 4 attempts" in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    assert len(emulator.requests) <= 4 * 4


@pytest.mark.parametrize("sorted_by_id", [True, False])
def test_an_entry_moved_to_a_later_chunk_while_reading_is_exported_once(
    start_emulator, client_of, exported_ids, sorted_by_id
):
    window = Window(utc(2026, 9, 1), utc(2026, 11, 30))
    workspace = generate_workspace(entries=200, start=window.start, end=window.end)
    emulator = start_emulator(workspace)
    if not sorted_by_id:
        emulator.inject(_altered(lambda answer: answer["timeentries"].reverse()), times=None)
    moving = workspace.truth_ids(window.start, window.end)[5]

    @emulator.before_request
    def move(record: Any) -> None:
        # The first chunk, which holds it, has been read (twice, where it shows that it is not sorted).
        if record.sequence == (2 if sorted_by_id else 3):
            workspace.update_entry(moving, start=utc(2026, 11, 20), end=utc(2026, 11, 20, 1), at=LATER)

    ids = exported_ids(client_of(emulator), window)
    assert sorted(ids) == truth_of(workspace, window)
    proof = 1
    assert len(emulator.requests) == (4 if sorted_by_id else 5) + proof


def _altered(change: Callable[[dict[str, Any]], None]) -> Fault:
    def alter(response: Any) -> Any:
        answer = json.loads(response.body())
        change(answer)
        return replace(response, payload=answer)

    return Fault("altered", alter=alter)


DISAGREEMENTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a higher count": lambda a: a["totals"][0].update(entriesCount=a["totals"][0]["entriesCount"] + 1),
    "a lower count": lambda a: a["totals"][0].update(entriesCount=a["totals"][0]["entriesCount"] - 1),
    "a second more": lambda a: a["totals"][0].update(totalTime=a["totals"][0]["totalTime"] + 1),
    "more money than rounding explains": lambda a: a["totals"][0]["totalAmountByCurrency"][0].update(
        amount=a["totals"][0]["totalAmountByCurrency"][0]["amount"] + a["totals"][0]["entriesCount"] / 2 + 1
    ),
    "another currency": lambda a: a["totals"][0]["totalAmountByCurrency"].append(
        {"currency": "XAU", "amount": 5.0}
    ),
    "a missing row": lambda a: a.update(timeentries=a["timeentries"][:3] + a["timeentries"][4:]),
    "a doubled row": lambda a: a["timeentries"].insert(3, a["timeentries"][3]) or a["timeentries"].pop(),
    "no rows": lambda a: a.update(timeentries=[]),
}


@pytest.mark.parametrize("change", DISAGREEMENTS.values(), ids=DISAGREEMENTS.keys())
def test_totals_that_disagree_with_the_rows_are_an_error_and_nothing_is_published(
    emulator, client, november, tmp_path, export, change
):
    (tmp_path / "x.jsonl").write_text("as it was\n")
    emulator.inject(_altered(change), times=None)
    with pytest.raises(ClockifyIncompleteError, match="could not be read completely"):
        export(client, november, tmp_path / "x.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["x.jsonl"]
    assert (tmp_path / "x.jsonl").read_text() == "as it was\n"


def test_totals_that_disagree_once_are_read_again(emulator, client, november, tmp_path, export):
    emulator.inject(_altered(DISAGREEMENTS["a second more"]))
    assert export(client, november, tmp_path / "x.jsonl").rows == 20
    assert len(emulator.requests) == 2


def test_a_service_that_does_not_sort_by_id_is_read_completely(
    start_emulator, client_of, november, tmp_path, export, rows_of
):
    workspace = generate_workspace(entries=250)
    emulator = start_emulator(workspace, detailed_max_page_size=100, oversize="clamp")

    def shuffle(answer: dict[str, Any]) -> None:
        answer["timeentries"].reverse()

    emulator.inject(_altered(shuffle), times=None)
    result = export(client_of(emulator), november, tmp_path / "x.jsonl")
    assert sorted(row["_id"] for row in rows_of(tmp_path / "x.jsonl")) == truth_of(workspace, november)
    assert result.rows == 250


# --- results ------------------------------------------------------------------------------------------------


def test_totals_of_the_result_are_those_of_the_ground_truth(emulator, client, november, tmp_path, export):
    workspace = emulator.workspace
    result = export(client, november, tmp_path / "x.jsonl").to_xcom()
    truth = workspace.truth(november.start, november.end)
    totals = result["totals"]
    assert totals["seconds"] == truth.seconds
    assert {code: float(amount) for code, amount in totals["amounts"].items()} == pytest.approx(
        {code: float(amount) / 100 for code, amount in truth.amounts.items() if amount}
    )
    assert totals["running_timers"] == 0
    data = (tmp_path / "x.jsonl").read_bytes()
    assert {name: result[name] for name in ("rows", "bytes", "paths", "sha256", "requests", "format")} == {
        "rows": 20,
        "bytes": len(data),
        "paths": [str(tmp_path / "x.jsonl")],
        "sha256": {str(tmp_path / "x.jsonl"): hashlib.sha256(data).hexdigest()},
        "requests": 1,
        "format": "jsonl",
    }
    assert (result["window_start"], result["window_end"]) == ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    assert (result["report"], result["workspace_id"]) == ("detailed", workspace.id)
    json.dumps(result)


FORMATS = [
    ("jsonl", None),
    ("jsonl", "gzip"),
    ("jsonl", "zstd"),
    ("csv", None),
    ("csv", "gzip"),
    ("csv", "zstd"),
    ("parquet", None),
    ("parquet", "gzip"),
    ("parquet", "zstd"),
]


@pytest.mark.parametrize(("file_format", "compression"), FORMATS)
def test_a_second_run_gives_the_same_bytes(
    start_emulator, client_of, november, tmp_path, export, file_format, compression
):
    if compression == "zstd" and file_format != "parquet":
        pytest.importorskip("zstandard")
    emulator = start_emulator(entries=1_200)
    results = []
    for name in ("a", "b"):
        options = {"file_format": file_format, "compression": compression}
        results.append(export(client_of(emulator), november, tmp_path / name, **options))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert [list(result.sha256.values()) for result in results] == [
        [hashlib.sha256((tmp_path / "a").read_bytes()).hexdigest()]
    ] * 2


def test_csv_parquet_and_jsonl_hold_the_same_rows(
    start_emulator, client_of, november, tmp_path, export, rows_of
):
    parquet = pytest.importorskip("pyarrow.parquet")
    emulator = start_emulator(entries=200)
    client = client_of(emulator)
    for file_format in ("jsonl", "csv", "parquet"):
        export(client, november, tmp_path / file_format, file_format=file_format)
    export(client, november, tmp_path / "csv.gz", file_format="csv", compression="gzip")
    text = (tmp_path / "csv").read_bytes()
    assert gzip.decompress((tmp_path / "csv.gz").read_bytes()) == text
    rows = rows_of(tmp_path / "jsonl")
    in_csv = list(csv.DictReader(io.StringIO(text.decode(), newline="")))
    in_parquet = parquet.read_table(tmp_path / "parquet").to_pylist()
    assert [row["id"] for row in in_csv] == [row["id"] for row in in_parquet] == [row["_id"] for row in rows]
    assert [row["description"] for row in in_csv] == [row["description"] for row in rows]
    assert [row["description"] for row in in_parquet] == [row["description"] for row in rows]
    assert sum(int(row["duration_seconds"]) for row in in_csv) == emulator.workspace.truth_seconds(
        november.start, november.end
    )
    metadata = parquet.read_schema(tmp_path / "parquet").metadata
    assert metadata[b"clockify.window_start"] == b"2026-11-01T00:00:00Z"
    assert metadata[b"clockify.window_end"] == b"2026-12-01T00:00:00Z"
    assert metadata[b"clockify.workspace_id"] == emulator.workspace.id.encode()
    assert metadata[b"clockify.schema_version"] == b"2"


def test_day_partitions_hold_their_day_and_empty_days_get_a_file(
    start_emulator, client_of, tmp_path, export, rows_of
):
    window = Window(utc(2026, 11, 1), utc(2026, 11, 11))
    workspace = generate_workspace(entries=12, start=window.start, end=window.end, outside_entries=20)
    client = client_of(start_emulator(workspace))
    result = export(client, window, tmp_path / "base", partition_by="day")
    assert result.paths == [
        str(tmp_path / "base" / f"dt=2026-11-{day:02d}" / "detailed.jsonl") for day in range(1, 11)
    ]
    assert result.requests == 1
    for day in range(1, 11):
        rows = rows_of(tmp_path / "base" / f"dt=2026-11-{day:02d}" / "detailed.jsonl")
        one_day = Window(utc(2026, 11, day), utc(2026, 11, day + 1))
        assert [row["_id"] for row in rows] == truth_of(workspace, one_day)
    assert min(path.stat().st_size for path in (tmp_path / "base").rglob("*.jsonl")) == 0
    assert not list((tmp_path / "base").glob(".*"))


def test_month_partitions_are_whole_months_even_when_the_window_is_not(
    start_emulator, client_of, tmp_path, export, rows_of
):
    year = Window(utc(2026, 10, 1), utc(2027, 1, 1))
    workspace = generate_workspace(entries=300, start=year.start, end=year.end)
    client = client_of(start_emulator(workspace))
    result = export(
        client, Window(utc(2026, 10, 20), utc(2026, 12, 5)), tmp_path / "base", partition_by="month"
    )
    assert result.window == year
    assert result.rows == 300
    for first, last in ((10, 11), (11, 12)):
        rows = rows_of(tmp_path / "base" / f"month=2026-{first}" / "detailed.jsonl")
        month = Window(utc(2026, first, 1), utc(2026, last, 1))
        assert [row["_id"] for row in rows] == truth_of(workspace, month)


def test_a_partition_is_replaced_as_a_whole_and_others_are_left_alone(
    start_emulator, client_of, tmp_path, export, rows_of
):
    workspace = generate_workspace(entries=50)
    client = client_of(start_emulator(workspace))
    days = Window(utc(2026, 11, 3), utc(2026, 11, 5))
    export(client, days, tmp_path, partition_by="day")
    fourth = (tmp_path / "dt=2026-11-04" / "detailed.jsonl").read_bytes()
    day = Window(utc(2026, 11, 3), utc(2026, 11, 4))
    for row_id in workspace.truth_ids(day.start, day.end):
        workspace.delete_entry(row_id)
    export(client, day, tmp_path, partition_by="day")
    assert rows_of(tmp_path / "dt=2026-11-03" / "detailed.jsonl") == []
    assert (tmp_path / "dt=2026-11-04" / "detailed.jsonl").read_bytes() == fourth


def test_running_timers_are_left_out_and_counted(
    start_emulator, client_of, november, tmp_path, export, rows_of
):
    workspace = generate_workspace(entries=30, running_timers=2)
    emulator = start_emulator(workspace, report_running=True)
    result = export(client_of(emulator), november, tmp_path / "x.jsonl")
    assert result.running == 2
    assert result.to_xcom()["totals"]["running_timers"] == 2
    assert [row["_id"] for row in rows_of(tmp_path / "x.jsonl")] == truth_of(workspace, november)


def test_a_timer_that_was_stopped_is_exported_by_the_next_run(
    start_emulator, client_of, november, exported_ids
):
    workspace = generate_workspace(entries=30, running_timers=1)
    client = client_of(start_emulator(workspace, report_running=True))
    timer = workspace.running_timers()[0]
    assert timer.id not in exported_ids(client, november)
    workspace.stop_timer(timer.user_id, end=utc(2026, 12, 2))
    assert timer.id in exported_ids(client, november)


def test_the_users_filter_gives_these_users_rows_inactive_ones_included(
    start_emulator, client_of, november, exported_ids
):
    workspace = generate_workspace(entries=200)
    wanted = [user.id for user in workspace.users.values() if user.membership_status == "INACTIVE"]
    ids = exported_ids(client_of(start_emulator(workspace)), november, filters={"users": wanted})
    assert ids == [
        row_id for row_id in truth_of(workspace, november) if workspace.entries[row_id].user_id in wanted
    ]
    assert ids


def test_project_and_billable_filters_reach_the_service(start_emulator, client_of, november, exported_ids):
    workspace = generate_workspace(entries=300)
    archived = [project.id for project in workspace.projects.values() if project.archived]
    filters = {"projects": archived, "billable": False}
    ids = exported_ids(client_of(start_emulator(workspace)), november, filters=filters)
    entries = workspace.entries
    assert ids == [
        row_id
        for row_id in truth_of(workspace, november)
        if entries[row_id].project_id in archived and not entries[row_id].billable
    ]
    assert ids


def test_a_key_that_may_not_see_money_is_told_the_filter_that_hides_it(
    start_emulator, client_of, november, tmp_path, export
):
    workspace = generate_workspace(entries=100)
    workspace.settings = WorkspaceSettings(
        only_admins_see_billable_rates=True, only_admins_see_all_time_entries=True
    )
    emulator = start_emulator(workspace)
    user = next(
        user
        for user in workspace.users.values()
        if user.role == "USER" and user.membership_status == "ACTIVE"
    )
    client = client_of(emulator, key=user.api_key)
    with pytest.raises(ClockifyForbiddenError, match="HIDE_AMOUNT") as caught:
        export(client, november, tmp_path / "x.jsonl")
    assert caught.value.status == 403
    assert list(tmp_path.iterdir()) == []
    result = export(
        client, november, tmp_path / "x.csv", filters={"amountShown": "HIDE_AMOUNT"}, file_format="csv"
    )
    own = [row_id for row_id in truth_of(workspace, november) if workspace.entries[row_id].user_id == user.id]
    with (tmp_path / "x.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == own
    assert result.money == {}
    assert {row["amount"] for row in rows} == {""}


@pytest.mark.parametrize("on_empty", ["skip", "fail"])
def test_an_empty_window_leaves_what_is_there_unless_asked_to_write(
    emulator, client, tmp_path, export, on_empty
):
    nothing = Window(utc(2020, 1, 1), utc(2020, 1, 2))
    path = tmp_path / "x.jsonl"
    path.write_text("as it was\n")
    with pytest.raises(ClockifyNoRowsError):
        export(client, nothing, path, on_empty=on_empty)
    assert path.read_text() == "as it was\n"
    assert export(client, nothing, path).rows == 0
    assert path.read_bytes() == b""


def test_a_failure_after_the_first_chunk_leaves_nothing(start_emulator, client_of, tmp_path, export):
    window = Window(utc(2026, 9, 1), utc(2026, 11, 30))
    emulator = start_emulator(generate_workspace(entries=100, start=window.start, end=window.end))
    emulator.fail(500, times=None, match=lambda record: record.sequence > 1)
    with pytest.raises(ClockifyServerError):
        export(client_of(emulator), window, tmp_path / "new" / "deep" / "x.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_each_export_counts_its_own_requests(emulator, client, november, tmp_path, export):
    assert [export(client, november, tmp_path / "x.jsonl").requests for _ in range(2)] == [1, 1]


def test_a_broken_page_is_asked_for_again_and_counted(emulator, client, november, tmp_path, export):
    emulator.fail(503)
    result = export(client, november, tmp_path / "x.jsonl")
    assert result.rows == 20
    assert result.requests == 2


def test_the_next_chunk_is_asked_for_while_the_last_pages_of_one_come_in(
    start_emulator, client_of, exported_ids
):
    window = Window(utc(2026, 9, 1), utc(2026, 11, 1))
    workspace = generate_workspace(entries=4_500, start=window.start, end=window.end)
    emulator = start_emulator(workspace)
    next_chunk = threading.Event()
    seen: list[bool] = []

    @emulator.before_request
    def hold(record: Any) -> None:
        first_chunk = record.json["dateRangeStart"].startswith("2026-09-01")
        if not first_chunk:
            next_chunk.set()
        elif record.json["detailedFilter"]["page"] == 3:
            seen.append(next_chunk.wait(20))

    ids = exported_ids(client_of(emulator, max_concurrency=2), window)
    assert sorted(ids) == truth_of(workspace, window)
    assert seen == [True]
    assert emulator.max_concurrency <= 2
    pages = [(each.json["dateRangeStart"], each.json["detailedFilter"]["page"]) for each in emulator.requests]
    *read, proof = pages
    assert len(read) == len(set(read))
    assert proof == read[0], "the sums of the whole window"


def test_a_counted_budget_is_not_spent_in_advance(start_emulator, client_of, export, tmp_path):
    from airflow_provider_clockify.exceptions import ClockifyServerError
    from airflow_provider_clockify.reading.budget import Budget

    window = Window(utc(2026, 9, 1), utc(2026, 11, 1))
    workspace = generate_workspace(entries=4_500, start=window.start, end=window.end)
    emulator = start_emulator(workspace)
    emulator.fail(503, times=None, match=lambda record: record.json["detailedFilter"]["page"] == 3)
    client = client_of(emulator)
    client.transport.limiter_of().at_most(1000, 30)
    with pytest.raises(ClockifyServerError):
        export(client, window, tmp_path / "out.jsonl", budget=Budget(client, workspace.id, "fail"))
    assert {each.json["dateRangeStart"][:10] for each in emulator.requests} == {"2026-09-01"}
