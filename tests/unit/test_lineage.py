# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_clockify.assets.clockify import asset_uri, sanitize_uri
from airflow_provider_clockify.export.result import ExportResult, PublishedFile
from airflow_provider_clockify.operators._lineage import (
    export_extra,
    file_extra,
    key_of,
    openlineage_name,
    own_file,
    partition_files,
    tell_outlets,
)
from airflow_provider_clockify.window import Window, day_start, parse_zone

DAY = datetime(2026, 11, 2, tzinfo=UTC)


def result_in(zone: str, first: date, days: int) -> ExportResult:
    """An export of daily files of a zone."""
    place = parse_zone(zone)
    starts = [day_start(first + timedelta(days=number), place) for number in range(days + 1)]
    result = ExportResult(Window(starts[0], starts[-1], place), "detailed", "64a1", "jsonl", "/lake")
    for start, end in pairwise(starts):
        covers = Window(start, end, place)
        result.files.append(PublishedFile("/lake/x", 1, 1, "0" * 64, covers, is_partition=True))
    return result


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/Havana"])
def test_keys_are_local_times_as_the_timetables_of_airflow_write_them(zone):
    result = result_in(zone, date(2026, 10, 31), 3)
    keys = ["2026-10-31T00:00:00", "2026-11-01T00:00:00", "2026-11-02T00:00:00"]
    assert list(partition_files(result, None, None)) == keys
    assert [key_of(file) for file in result.files] == keys
    extra = export_extra(result)
    assert extra["timezone"] == file_extra(result, result.files[0], None)["timezone"] == zone
    # Of a run of the second day; where midnight comes twice, Airflow names the second one.
    midnight = datetime(2026, 11, 1, fold=1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert list(partition_files(result, keys[1], midnight)) == keys
    assert own_file(result, keys[1], midnight) is result.files[1]
    # A key that is not the local time of its instant is written in another way, and so are the others.
    assert partition_files(result, "2026-11-01", midnight) == {}
    assert partition_files(result_in(zone, date(2026, 11, 1), 1), keys[1], midnight) == {}


def result_of(days: int, first: datetime = DAY) -> ExportResult:
    """An export of daily files; of a day that is none of its own if there are none."""
    window = Window(first, first + timedelta(days=max(days, 1)))
    result = ExportResult(window, "detailed", "64a1", "jsonl", "/lake")
    for number in range(days):
        start = first + timedelta(days=number)
        path = f"/lake/dt={start:%Y-%m-%d}/detailed.jsonl"
        covers = Window(start, start + timedelta(days=1))
        result.files.append(
            PublishedFile(path, number + 1, 100 * number, f"{number:064}", covers, is_partition=True)
        )
    return result


def one_file() -> ExportResult:
    """An export to one file that is not a partition."""
    result = result_of(0)
    result.files.append(PublishedFile("/lake/all.jsonl", 7, 900, "ab" * 32, result.window))
    return result


@pytest.mark.parametrize(
    "spelling",
    ["clockify://64a1/detailed", "clockify://64A1/Detailed/", "CLOCKIFY://64a1/detailed//"],
)
def test_an_asset_has_one_spelling(spelling):
    assert sanitize_uri(urlsplit(spelling)).geturl() == asset_uri("64a1", "detailed")


@pytest.mark.parametrize(
    "wrong",
    [
        "clockify://64a1",
        "clockify://64a1/",
        "clockify:///detailed",
        "clockify://64a1/a/b",
        "clockify://64a1/detailed?x=1",
        "clockify://64a1/detailed#x",
        "clockify://key@64a1/detailed",
        "clockify://64a1/../etc",
    ],
)
def test_what_names_no_report_of_a_workspace_is_refused(wrong):
    with pytest.raises(ValueError, match="clockify://<workspace id>/<report or list>"):
        sanitize_uri(urlsplit(wrong))


def test_the_event_of_several_files_says_what_is_true_of_all_and_stays_small():
    extra = export_extra(result_of(392))
    assert json.loads(json.dumps(extra)) == extra
    assert extra == {
        "report": "detailed",
        "workspace_id": "64a1",
        "key": None,
        "path": "/lake",
        "files": 392,
        "rows": sum(range(393)),
        "bytes": 100 * sum(range(392)),
        "sha256": None,
        "window_start": "2026-11-02T00:00:00Z",
        "window_end": "2027-11-29T00:00:00Z",
        "timezone": "UTC",
    }


@pytest.mark.parametrize(
    ("result", "key", "path", "rows"),
    [
        (one_file(), None, "/lake/all.jsonl", 7),
        (result_of(1), "2026-11-02T00:00:00", "/lake/dt=2026-11-02/detailed.jsonl", 1),
    ],
)
def test_the_event_of_one_file_is_about_this_file(result, key, path, rows):
    extra = export_extra(result)
    assert (extra["key"], extra["path"], extra["rows"], extra["files"]) == (key, path, rows, 1)
    assert extra["sha256"] == result.files[0].sha256
    assert (extra["window_start"], extra["window_end"]) == ("2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z")


def test_a_snapshot_has_no_window_and_no_key():
    snapshot = ExportResult(None, "users", "64a1", "jsonl", "/lake/users.jsonl")
    snapshot.files.append(PublishedFile("/lake/users.jsonl", 3, 30, "cd" * 32))
    extra = export_extra(snapshot)
    assert (extra["key"], extra["window_start"], extra["window_end"]) == (None, None, None)
    assert key_of(snapshot.files[0]) is None


def keys(result, run_key, run_date):
    return list(partition_files(result, run_key, run_date))


def test_every_replaced_partition_has_a_key_as_timetables_write_them():
    assert keys(result_of(2, DAY - timedelta(days=1)), "2026-11-02T00:00:00", DAY) == [
        "2026-11-01T00:00:00",
        "2026-11-02T00:00:00",
    ]
    assert keys(result_of(1), None, None) == ["2026-11-02T00:00:00"]


def test_the_runs_own_partition_needs_no_second_key():
    assert keys(result_of(1), "2026-11-02T00:00:00", DAY) == []


def test_keys_of_another_writing_are_not_mixed_with_ours():
    assert keys(result_of(2, DAY - timedelta(days=1)), "2026-11-02", DAY) == []


def test_without_partitions_there_are_no_keys():
    assert keys(one_file(), None, None) == []
    assert keys(one_file(), "2026-11-02T00:00:00", DAY) == []


@pytest.mark.parametrize(
    ("result", "run_key", "run_date", "path"),
    [
        (result_of(2), None, None, None),
        (result_of(2), "2026-11-03", DAY + timedelta(days=1), "/lake/dt=2026-11-03/detailed.jsonl"),
        (result_of(2), "the third", None, None),
        (result_of(2), "the tenth", DAY + timedelta(days=8), None),
        (result_of(1), "the second", None, "/lake/dt=2026-11-02/detailed.jsonl"),
        (one_file(), "the second", None, "/lake/all.jsonl"),
    ],
)
def test_the_file_of_a_runs_own_partition_is_known_by_its_date(result, run_key, run_date, path):
    found = own_file(result, run_key, run_date)
    assert (found and found.path) == path


class Event:
    """As Airflow 3.3's; ``sent`` is what its task runner makes of it."""

    def __init__(self) -> None:
        self.extra: dict[str, object] = {"kept": 1}
        self.partition_keys: set[str | None] = set()

    def sent(self) -> dict[str | None, dict[str, object]]:
        if not self.partition_keys:
            return {None: self.extra}
        sent = {}
        for key in self.partition_keys:
            sent[key] = self.extra
        return sent


class SomeAlias:
    """Stands for an alias, which has no event of its own."""


def told(result: ExportResult, **context: object) -> Event:
    event = Event()
    tell_outlets({"outlet_events": {"a": event}, **context}, ["a", SomeAlias()], result)
    return event


def test_every_partition_has_an_event_of_its_own_and_all_together_have_one_without_a_key():
    result = result_of(3)
    sent = told(result).sent()
    assert len(sent) == 4
    for number, file in enumerate(result.files):
        own = sent[f"2026-11-0{number + 2}T00:00:00"]
        assert (own["path"], own["rows"], own["sha256"]) == (file.path, file.rows, file.sha256)
        assert (own["window_start"], own["window_end"]) == (file.window.start_iso, file.window.end_iso)
        assert own["kept"] == 1
    assert (sent[None]["path"], sent[None]["rows"], sent[None]["files"]) == ("/lake", 6, 3)


@pytest.mark.parametrize("copy", [set, frozenset, list])
def test_who_goes_through_the_keys_first_gets_what_is_true_of_all(copy):
    event = told(result_of(3), dag_run=SimpleNamespace(partition_key=None))
    assert len(copy(event.partition_keys)) == 4
    assert (event.extra["path"], event.extra["rows"], event.extra["key"]) == ("/lake", 6, None)


def test_the_events_of_a_years_daily_files_are_small():
    sent = told(result_of(392)).sent()
    assert len(sent) == 393
    assert len(json.dumps(list(sent.values()))) < 200_000
    assert max(len(json.dumps(extra)) for extra in sent.values()) < 500


def test_a_key_that_the_author_added_is_kept():
    event = Event()
    event.partition_keys.add("europe")
    tell_outlets({"outlet_events": {"a": event}}, ["a"], result_of(1))
    assert set(event.sent()) == {"europe", "2026-11-02T00:00:00", None}


@pytest.mark.parametrize(
    ("run_key", "at_runtime"),
    [("2026-11-02T00:00:00", False), ("2026-11-02T00:00:00", True), (None, True)],
)
def test_who_makes_partitions_sends_no_event_without_a_key(run_key, at_runtime):
    event = told(
        result_of(2),
        dag_run=SimpleNamespace(partition_key=run_key),
        partition_date=DAY if run_key else None,
        dag=SimpleNamespace(timetable=SimpleNamespace(partitioned_at_runtime=at_runtime)),
    )
    assert set(event.sent()) == {"2026-11-02T00:00:00", "2026-11-03T00:00:00"}


@pytest.mark.parametrize("run_key", ["2026-11-02T00:00:00", "2026-11-02", "monday"])
def test_the_event_of_a_run_with_exactly_its_partition_is_about_it_and_has_the_runs_key(run_key):
    date = None if run_key == "monday" else DAY
    event = told(result_of(1), dag_run=SimpleNamespace(partition_key=run_key), partition_date=date)
    assert event.partition_keys == set()
    assert (event.extra["key"], event.extra["path"], event.extra["rows"]) == (
        run_key,
        "/lake/dt=2026-11-02/detailed.jsonl",
        1,
    )


def test_a_run_whose_keys_are_written_in_another_way_has_the_event_of_its_own_partition():
    result = result_of(2, DAY - timedelta(days=1))
    event = told(result, dag_run=SimpleNamespace(partition_key="02.11.2026"), partition_date=DAY)
    assert event.partition_keys == set()
    assert (event.extra["key"], event.extra["path"]) == ("02.11.2026", "/lake/dt=2026-11-02/detailed.jsonl")


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/lake/a.jsonl", ("file", "/lake/a.jsonl")),
        ("file:///lake/a.jsonl", ("file", "/lake/a.jsonl")),
        ("s3://aws_default@bucket/dt=2026-11-01/a.parquet", ("s3://bucket", "dt=2026-11-01/a.parquet")),
        ("gs://bucket/a", ("gs://bucket", "a")),
    ],
)
def test_files_are_named_as_openlineage_names_them(path, named):
    assert openlineage_name(path) == named
