# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""A year of five places by day and by month, against the truth that a calendar on the wall there gives."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from airflow_provider_clockify.columns.detailed_columns import DETAILED
from airflow_provider_clockify.columns.report_columns import (
    ATTENDANCE,
    EXPENSES,
    summary_table,
    weekly_table,
)
from airflow_provider_clockify.exceptions import ClockifyIncompleteError, ClockifyWindowError
from airflow_provider_clockify.export.plan import (
    Plan,
    make_daily_plan,
    make_plan,
    make_summary_plan,
    make_weekly_plan,
)
from airflow_provider_clockify.export.report_export import ReportExport, export_report
from airflow_provider_clockify.export.result import ExportResult
from airflow_provider_clockify.export.storage import Target
from airflow_provider_clockify.export.writing import FileKind
from airflow_provider_clockify.reading.client import ClockifyClient
from airflow_provider_clockify.reading.rendered_files import download
from airflow_provider_clockify.reading.report_reader import ReportReader
from airflow_provider_clockify.reading.sum_readers import AttendanceReader, summary_reader, weekly_reader
from airflow_provider_clockify.service.filters import report_filters
from airflow_provider_clockify.service.report_kinds import detailed, expenses
from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace, generate_workspace
from airflow_provider_clockify.testing.workspace.truth import truth_summary
from airflow_provider_clockify.window import Window, day_start, parse_zone

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
# In 2011 Samoa left out 30 December.
PLACES = [
    ("Europe/Berlin", 2026),
    ("America/New_York", 2026),
    ("Asia/Kolkata", 2026),
    ("Australia/Lord_Howe", 2026),
    ("Pacific/Apia", 2011),
]


@dataclass
class Place:
    """A year of a place, and time tracked there above all when days begin and clocks change."""

    name: str
    year: int
    emulator: ClockifyEmulator
    client: ClockifyClient

    @property
    def workspace(self) -> EmulatedWorkspace:
        return self.emulator.workspace

    @property
    def window(self) -> Window:
        return window_of(self.name, date(self.year, 1, 1), date(self.year + 1, 1, 1))

    def day_of(self, entry: Any) -> str:
        """Read the day of an entry off a clock and a calendar there."""
        return datetime.fromtimestamp(entry.start, ZoneInfo(self.name)).strftime("%Y-%m-%d")

    def entries(self) -> list[Any]:
        """Return the finished entries of the year there."""
        found = [entry for entry in self.workspace.entries.values() if entry.end is not None]
        return [entry for entry in found if self.day_of(entry).startswith(str(self.year))]


def window_of(name: str, first: date, last: date) -> Window:
    """From the beginning of one day to that of another."""
    zone = parse_zone(name)
    return Window(day_start(first, zone), day_start(last, zone), zone)


def changes(name: str, year: int) -> list[datetime]:
    """The hours in which the zone's offset changes."""
    zone = ZoneInfo(name)
    hours = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=number) for number in range(8760)]
    return [
        hour
        for hour in hours
        if hour.astimezone(zone).utcoffset() != (hour + timedelta(hours=1)).astimezone(zone).utcoffset()
    ]


def tracked(name: str, year: int, **parameters: Any) -> EmulatedWorkspace:
    """Make a workspace with time at the edges of every day of the zone, around each change of its clocks, and else."""
    start, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    workspace = generate_workspace(
        **{"entries": 500, "expenses": 400, "start": start, "end": end, "running_timers": 0, **parameters}
    )
    projects = sorted(workspace.projects)
    moments = [change + timedelta(minutes=15 * n) for change in changes(name, year) for n in range(-12, 13)]
    for number in range(-1, 367):
        midnight = day_start(date(year, 1, 1) + number * DAY, parse_zone(name))
        moments += [midnight - SECOND, midnight, midnight + timedelta(hours=9)]
    for number, moment in enumerate(moments):
        workspace.add_entry(
            start=moment,
            end=moment + timedelta(minutes=7 + number % 50),
            project_id=projects[number % len(projects)],
            billable=number % 3 > 0,
            at=moment,
        )
    return workspace


@pytest.fixture
def place_of(
    start_emulator: Callable[..., ClockifyEmulator], client_of: Callable[..., ClockifyClient]
) -> Any:
    def make(name: str, year: int, **parameters: Any) -> Place:
        emulator = start_emulator(tracked(name, year, **parameters))
        return Place(name, year, emulator, client_of(emulator, requests_per_second=10_000))

    return make


@pytest.fixture(params=PLACES, ids=lambda place: place[0].rpartition("/")[2])
def place(request: pytest.FixtureRequest, place_of: Callable[..., Place]) -> Place:
    return place_of(*request.param)


def export(place: Place, report: str, plan: Plan, path: Path, file_format: str = "jsonl") -> ExportResult:
    """Export a report as its operator does."""
    client, workspace_id, filters = place.client, place.workspace.id, report_filters(None, report)
    zone = plan.window.zone
    readers: dict[str, Callable[[], Any]] = {
        "detailed": lambda: ReportReader(client.send, detailed(workspace_id, filters), concurrency=2),
        "expenses": lambda: ReportReader(client.send, expenses(workspace_id, filters, zone), concurrency=2),
        "summary": lambda: summary_reader(client.send, workspace_id, filters, ("USER", "DATE")),
        "weekly": lambda: weekly_reader(client.send, workspace_id, filters, "USER"),
        "attendance": lambda: AttendanceReader(client.send, workspace_id, filters),
    }
    tables: dict[str, Callable[[Window], Any]] = {
        "detailed": lambda _: DETAILED,
        "expenses": lambda _: EXPENSES,
        "summary": lambda window: summary_table(("USER", "DATE"), window),
        "weekly": lambda window: weekly_table("USER", window),
        "attendance": lambda _: ATTENDANCE,
    }
    return export_report(
        ReportExport(
            report=report,
            workspace_id=workspace_id,
            reader=readers[report](),
            plan=plan,
            table=tables[report],
            target=Target(str(path)),
            kind=FileKind(file_format),
        )
    )


def rows_by_partition(result: ExportResult) -> dict[str, list[dict[str, Any]]]:
    """Read the files of partitions by the value in the name of their folder."""
    found = {}
    for path in map(Path, result.paths):
        found[path.parent.name.partition("=")[2]] = [
            json.loads(line) for line in path.read_bytes().splitlines()
        ]
    return found


def expected_keys(place: Place, unit: str) -> list[str]:
    """List the days or months of the year, without those that the place has left out."""
    first = date(place.year, 1, 1)
    days = [(first + number * DAY).isoformat() for number in range((date(place.year + 1, 1, 1) - first).days)]
    if place.name == "Pacific/Apia":
        days.remove("2011-12-30")
    return days if unit == "day" else sorted({day[:7] for day in days})


@pytest.mark.parametrize("unit", ["day", "month"])
def test_files_of_time_entries_are_the_days_and_months_of_the_place(place: Place, unit: Any, tmp_path: Path):
    result = export(
        place, "detailed", make_plan(place.window, partition_by=unit, file_name="d.jsonl"), tmp_path
    )
    truth: dict[str, set[str]] = {key: set() for key in expected_keys(place, unit)}
    for entry in place.entries():
        truth[place.day_of(entry)[: 10 if unit == "day" else 7]].add(entry.id)
    files = rows_by_partition(result)
    assert {key: {row["_id"] for row in rows} for key, rows in files.items()} == truth
    assert sum(map(len, files.values())) == result.rows == len(place.entries())
    assert result.to_xcom()["timezone"] == place.name
    assert (result.window.start, result.window.end) == (place.window.start, place.window.end)
    # Rows stay in UTC, and so are they asked for.
    assert all(row["timeInterval"]["start"].endswith("Z") for rows in files.values() for row in rows)
    assert {request.json["timeZone"] for request in place.emulator.requests} == {"UTC"}


def money_of(rows: list[dict[str, Any]], amounts: Callable[[dict[str, Any]], Any]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        for currency, amount in amounts(row):
            found[currency] += Decimal(str(amount))
    return {currency: amount for currency, amount in found.items() if amount}


def test_summaries_of_months_are_the_sums_of_the_files_of_time_entries(place: Place, tmp_path: Path):
    entries = rows_by_partition(
        export(
            place, "detailed", make_plan(place.window, partition_by="month", file_name="d"), tmp_path / "d"
        )
    )
    place.emulator.reset_log()
    plan = make_summary_plan(place.window, partition_by="month", file_name="s")
    result = export(place, "summary", plan, tmp_path / "s")
    months = rows_by_partition(result)
    assert sorted(months) == sorted(entries) == expected_keys(place, "month")
    assert {request.json["timeZone"] for request in place.emulator.requests[:12]} == {place.name}
    for month, users in months.items():
        rows = entries[month]
        assert sum(user["duration"] for user in users) == sum(row["timeInterval"]["duration"] for row in rows)
        of_rows = money_of(rows, lambda row: [(row["currency"], row["amount"])])
        of_users = money_of(
            users,
            lambda user: [
                (each["currency"], each["amount"]) for each in user["amounts"][0]["amountByCurrency"]
            ],
        )
        assert of_users.keys() == of_rows.keys()
        assert len(of_rows) > 1
        for currency, amount in of_rows.items():
            assert of_users[currency] == pytest.approx(amount, abs=Decimal("0.01"))
        # Groups by date are days of the place.
        window = next(each.window for each in plan.outputs if each.key == month)
        truth = truth_summary(place.workspace, window.start, window.end, ("USER", "DATE"), zone=place.name)
        found = {(user["_id"], day["_id"]): day["duration"] for user in users for day in user["children"]}
        assert found == {key: group.seconds for key, group in truth.items()}
        assert {day[:7] for _, day in found} == {month}


def test_expenses_are_in_the_files_of_their_dates(place: Place, tmp_path: Path):
    for unit, length in (("day", 10), ("month", 7)):
        plan = make_plan(place.window, partition_by=unit, file_name="e")  # type: ignore[arg-type]
        files = rows_by_partition(export(place, "expenses", plan, tmp_path / unit))
        found = Counter((key, row["date"][:10], row["_id"]) for key, rows in files.items() for row in rows)
        truth = Counter(
            (each.day[:length], each.day, each.id)
            for each in place.workspace.expenses.values()
            if each.day.startswith(str(place.year))
        )
        if place.name == "Pacific/Apia":
            # A date that the place has not had is that of its next day.
            truth = Counter(
                (("2011-12-31"[:length] if day == "2011-12-30" else key), day, row_id)
                for key, day, row_id in truth
            )
        assert found == truth
        assert sum(truth.values()) > 50


def test_expenses_of_a_part_of_a_day_are_those_of_the_dates_that_begin_in_it(
    place_of: Callable[..., Place], tmp_path: Path
):
    place = place_of("America/New_York", 2026)
    day = next(each.day for each in place.workspace.expenses.values() if each.day.startswith("2026-06"))
    midnight = day_start(date.fromisoformat(day), parse_zone(place.name))
    for start, length, dates in ((-1, 2, {day}), (0, 1, {day}), (1, 23, set()), (-23, 23, set())):
        begin = midnight + timedelta(hours=start)
        window = Window(begin, begin + timedelta(hours=length), parse_zone(place.name))
        plan = make_plan(window, partition_by=None, file_name="e")
        result = export(place, "expenses", plan, tmp_path / f"{start}.jsonl")
        rows = [json.loads(line) for line in Path(result.paths[0]).read_bytes().splitlines()]
        assert {row["date"][:10] for row in rows} == dates


def test_weeks_and_attendance_are_days_of_the_place(place: Place, tmp_path: Path):
    zone = ZoneInfo(place.name)
    for change in changes(place.name, place.year) or [datetime(place.year, 5, 1, tzinfo=UTC)]:
        day = change.astimezone(zone).date()
        monday = day - timedelta(days=day.weekday())
        week = window_of(place.name, monday, monday + 7 * DAY)
        truth = truth_summary(place.workspace, week.start, week.end, ("USER", "DATE"), zone=place.name)
        plan = make_weekly_plan(week, partition_by=None, file_name="w")
        result = export(place, "weekly", plan, tmp_path / f"{monday}.jsonl")
        rows = [json.loads(line) for line in Path(result.paths[0]).read_bytes().splitlines()]
        found = {
            (row["_id"], each["date"]): each["duration"]
            for row in rows
            for each in row["days"]
            if each["duration"]
        }
        assert found == {key: group.seconds for key, group in truth.items()}

        daily = make_daily_plan(week, partition_by="day", file_name="a")
        files = rows_by_partition(export(place, "attendance", daily, tmp_path / f"{monday}-attendance"))
        assert all(row["date"] == key for key, rows in files.items() for row in rows)
        work = {(row["userId"], row["date"]) for rows in files.values() for row in rows}
        assert work == set(truth)


def test_a_month_that_is_an_hour_too_long_is_read_in_two_parts_on_the_free_plan(
    place_of: Callable[..., Place], tmp_path: Path
):
    place = place_of("Europe/Berlin", 2026, plan="FREE")
    october = window_of(place.name, date(2026, 10, 1), date(2026, 11, 1))
    truth = {entry.id for entry in place.entries() if place.day_of(entry).startswith("2026-10")}
    for partition_by in (None, "month"):
        plan = make_plan(october, partition_by=partition_by, file_name="d")  # type: ignore[arg-type]
        assert len(plan.chunks) == 2
        result = export(place, "detailed", plan, tmp_path / str(partition_by))
        (path,) = result.paths
        rows = [json.loads(line) for line in Path(path).read_bytes().splitlines()]
        assert [row["_id"] for row in rows] == sorted(
            {row["_id"] for row in rows[:-1]} | {rows[-1]["_id"]}
        ) or (len(rows) == len({row["_id"] for row in rows}))
        assert {row["_id"] for row in rows} == truth
    # Sums are not put together from parts: by the wall clock, which the service goes by, the month has 31 days.
    summary = export(
        place, "summary", make_summary_plan(october, partition_by="month", file_name="s"), tmp_path / "s"
    )
    assert summary.seconds == result.seconds


# Clocks in Cairo are set back at midnight: the last hour of 29 October 2026 comes twice.
CAIRO = window_of("Africa/Cairo", date(2026, 10, 29), date(2026, 10, 30))


def test_sums_of_a_day_whose_last_hour_comes_twice_hold_both(place_of: Callable[..., Place], tmp_path: Path):
    place = place_of("Africa/Cairo", 2026)
    midnight = [each for each in place.workspace.entries.values() if each.start == CAIRO.end.timestamp()]
    assert CAIRO.duration == timedelta(hours=25)
    truth = truth_summary(place.workspace, CAIRO.start, CAIRO.end, ("USER", "DATE"), zone=place.name)
    assert {day for _, day in truth} == {"2026-10-29"}
    plan = make_summary_plan(CAIRO, partition_by="day", file_name="s")
    # An entry at the very end, which the service can only be asked up to, is noticed.
    with pytest.raises(ClockifyIncompleteError, match=r"Clocks in Africa/Cairo are set back at the end"):
        export(place, "summary", plan, tmp_path / "refused")
    assert not (tmp_path / "refused").exists()
    attendance = make_daily_plan(CAIRO, partition_by="day", file_name="a")
    files = rows_by_partition(export(place, "attendance", attendance, tmp_path / "a"))
    assert {(row["userId"], row["date"]) for row in files["2026-10-29"]} == set(truth)
    assert list(files) == ["2026-10-29"]
    for entry in midnight:
        place.workspace.delete_entry(entry.id)
    place.emulator.reset_log()
    rows = rows_by_partition(export(place, "summary", plan, tmp_path / "s"))["2026-10-29"]
    found = {(user["_id"], day["_id"]): day["duration"] for user in rows for day in user["children"]}
    assert found == {key: group.seconds for key, group in truth.items()}
    assert [request.json["timeZone"] for request in place.emulator.requests] == ["Africa/Cairo", "UTC"]
    with pytest.raises(ClockifyWindowError, match="Clocks in Africa/Cairo are set back at the end"):
        download(place.client.send, place.workspace.id, "summary", CAIRO, {}, "CSV", ("DATE",))


def test_groups_without_dates_are_asked_for_in_utc_where_the_zone_cannot_name_the_time(
    place_of: Callable[..., Place],
):
    place = place_of("Africa/Cairo", 2026)
    groups = ("USER",)
    rows: list[bytes] = []

    class Sink:
        def restart(self) -> None:
            rows.clear()

        def write(self, ids: Any, new: Any, starts: Any) -> None:
            rows.extend(new)

    reader = summary_reader(place.client.send, place.workspace.id, report_filters(None, "summary"), groups)
    reader.read(CAIRO, Sink())
    truth = truth_summary(place.workspace, CAIRO.start, CAIRO.end, groups)
    assert {(row["_id"],): row["duration"] for row in map(json.loads, rows)} == {
        key: group.seconds for key, group in truth.items()
    }
    assert [request.json["timeZone"] for request in place.emulator.requests] == ["UTC"]


def test_parquet_names_the_zone(place_of: Callable[..., Place], tmp_path: Path):
    parquet = pytest.importorskip("pyarrow.parquet")
    place = place_of("Asia/Kolkata", 2026)
    week = window_of(place.name, date(2026, 3, 2), date(2026, 3, 4))
    plan = make_plan(week, partition_by="day", file_name="d.parquet")
    result = export(place, "detailed", plan, tmp_path, "parquet")
    for path, day in zip(result.paths, ("2026-03-01T18:30:00Z", "2026-03-02T18:30:00Z"), strict=True):
        metadata = parquet.ParquetFile(path).schema_arrow.metadata
        assert metadata[b"clockify.timezone"] == b"Asia/Kolkata"
        assert metadata[b"clockify.window_start"] == day.encode()
        starts = parquet.read_table(path, columns=["start"]).column("start")
        assert str(starts.type.tz) == "UTC"
