# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from airflow_provider_clockify.assets.clockify import asset_uri, sanitize_uri
from airflow_provider_clockify.exports.result import ExportResult
from airflow_provider_clockify.operators.lineage import (
    MAX_PATHS,
    event_extra,
    openlineage_name,
    partition_keys,
    tell_outlets,
)
from airflow_provider_clockify.window import Window

DAY = datetime(2026, 11, 2, tzinfo=UTC)


def result_of(paths: list[str], days: int = 0) -> ExportResult:
    result = ExportResult(Window(DAY, DAY + timedelta(days=1)), "detailed", "64a1", "jsonl", paths=paths)
    result.rows, result.bytes = 7, 900
    result.partitions = [DAY + timedelta(days=day) for day in range(days)]
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


def test_an_event_says_what_was_exported_and_stays_small():
    extra = event_extra(result_of([f"/lake/{number}.jsonl" for number in range(500)]))
    assert json.loads(json.dumps(extra)) == extra
    assert (extra["rows"], extra["files"], len(extra["paths"])) == (7, 500, MAX_PATHS)
    assert (extra["window_start"], extra["window_end"]) == ("2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z")


def test_every_replaced_partition_has_a_key_as_timetables_write_them():
    assert partition_keys([DAY - timedelta(days=1), DAY], "2026-11-02T00:00:00", DAY) == [
        "2026-11-01T00:00:00",
        "2026-11-02T00:00:00",
    ]
    assert partition_keys([DAY], None, None) == ["2026-11-02T00:00:00"]


def test_the_runs_own_partition_needs_no_second_key():
    assert partition_keys([DAY], "2026-11-02T00:00:00", DAY) == []


def test_keys_of_another_writing_are_not_mixed_with_ours():
    assert partition_keys([DAY - timedelta(days=1), DAY], "2026-11-02", DAY) == []


def test_without_partitions_there_are_no_keys():
    assert partition_keys([], None, None) == []
    assert partition_keys([], "2026-11-02T00:00:00", DAY) == []


class Event:
    def __init__(self) -> None:
        self.extra: dict[str, object] = {"kept": 1}
        self.partition_keys: set[str | None] = set()

    def add_partitions(self, keys: list[str]) -> None:
        self.partition_keys.update(keys)


class SomeAlias:
    """Stands for an alias, which has no event of its own."""


def test_outlets_get_facts_and_partitions_and_aliases_nothing():
    events = {"a": Event(), "b": Event()}
    tell_outlets({"outlet_events": events}, ["a", "b", SomeAlias()], result_of(["/lake/x"], days=2))
    for event in events.values():
        assert event.extra["rows"] == 7
        assert event.extra["kept"] == 1
        assert event.partition_keys == {"2026-11-02T00:00:00", "2026-11-03T00:00:00", None}


@pytest.mark.parametrize(
    ("run_key", "at_runtime"),
    [("2026-11-02T00:00:00", False), ("2026-11-02T00:00:00", True), (None, True)],
)
def test_who_makes_partitions_sends_no_event_without_a_key(run_key, at_runtime):
    event = Event()
    context = {
        "outlet_events": {"a": event},
        "dag_run": SimpleNamespace(partition_key=run_key),
        "partition_date": DAY if run_key else None,
        "dag": SimpleNamespace(timetable=SimpleNamespace(partitioned_at_runtime=at_runtime)),
    }
    tell_outlets(context, ["a"], result_of(["/lake/x"], days=2))
    assert event.partition_keys == {"2026-11-02T00:00:00", "2026-11-03T00:00:00"}


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
