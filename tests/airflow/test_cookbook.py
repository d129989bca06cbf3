# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The recipes of the cookbook, run in the order of the page on files that its DAG has made.

Four nights of the DAG fill the lake, with changes between them; then each block runs, and its result is compared with
the workspace itself.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from doc_blocks import ROOT, Block, blocks_of

from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace
from airflow_provider_clockify.testing.workspace.kinds import TimeEntry

# Only the newest Airflow's environment has them: constraints of older ones hold pandas back.
duckdb = pytest.importorskip("duckdb")
pytest.importorskip("pandas")
pytest.importorskip("polars")

BLOCKS = [block for block in blocks_of(ROOT / "docs" / "cookbook.md") if block.language in ("sql", "python")]
RECIPES = {block.notes["recipe"]: block for block in BLOCKS if "recipe" in block.notes}
BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)
RATES = {"EUR": "1", "USD": "0.923456", "JPY": "0.006101", "CHF": "1.061234"}
Names = Mapping[str, Mapping[str, tuple[Any, ...]]]


def cents(exact: Fraction | Decimal) -> Decimal:
    """Round as DuckDB does, and people who write bills: half a cent is a cent."""
    exact = Fraction(exact)
    return (Decimal(exact.numerator) / exact.denominator).quantize(Decimal("0.01"), ROUND_HALF_UP)


def eighth(exact: Fraction) -> Decimal:
    """Round to what columns of money hold, half to even."""
    return (round(exact * 10**8) * Decimal("1e-8")).quantize(Decimal("1e-8"))


def day_of(entry: TimeEntry) -> date:
    return datetime.fromtimestamp(entry.start, BERLIN).date()


def week_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def amount(entry: TimeEntry) -> Decimal:
    """Return the earned money of an entry as its column holds it."""
    return eighth(Fraction(entry.seconds * entry.hourly_rate * entry.billable, 360_000))


def cost(entry: TimeEntry) -> Decimal:
    return eighth(Fraction(entry.seconds * entry.cost_rate, 360_000))


@dataclass
class Lake:
    """
    What must be in the files.

    :param entries: Entries by day, as they were when the day was written last.
    :param client_names: Names of clients when the day was written last.
    :param snapshots: Names, and clients of projects, by the day of the snapshot and the list.
    :param paths: The files of time entries that the last night wrote.
    """

    emulator: ClockifyEmulator
    run_dag: Callable
    entries: dict[date, dict[str, TimeEntry]] = field(default_factory=dict)
    client_names: dict[date, dict[str, str]] = field(default_factory=dict)
    snapshots: dict[date, Names] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)

    def of_days(self, first: date, last: date) -> dict[date, dict[str, TimeEntry]]:
        found: dict[date, dict[str, TimeEntry]] = {
            first + DAY * number: {} for number in range((last - first).days + 1)
        }
        for entry in self.emulator.workspace.entries.values():
            if entry.end is not None and day_of(entry) in found:
                found[day_of(entry)][entry.id] = entry
        return found

    def night(self, morning: date) -> None:
        """Run the DAG, and note what it has to write."""
        at = datetime(morning.year, morning.month, morning.day, 4, tzinfo=BERLIN)
        run = self.run_dag("example_clockify_lake", at.astimezone(UTC))
        assert run.state == "success"
        self.paths = run.results["export_time_entries"]["paths"]
        workspace = self.emulator.workspace
        days = self.of_days(morning - 8 * DAY, morning - DAY)
        self.entries |= days
        self.client_names |= dict.fromkeys(days, {each.id: each.name for each in workspace.clients.values()})
        self.snapshots[morning] = {
            "users": {each.id: (each.name,) for each in workspace.users.values()},
            "projects": {each.id: (each.name, each.client_id) for each in workspace.projects.values()},
            "clients": {each.id: (each.name,) for each in workspace.clients.values()},
        }

    @property
    def all(self) -> dict[str, TimeEntry]:
        return {entry.id: entry for of_day in self.entries.values() for entry in of_day.values()}

    def as_of(self, kind: str, entity_id: str | None, day: date) -> tuple[Any, ...]:
        """Look into the newest snapshot of the day or before, else into the first that knows the thing."""
        known = [seen for seen in sorted(self.snapshots) if entity_id in self.snapshots[seen][kind]]
        if not known or entity_id is None:
            return (None, None)
        seen = max((each for each in known if each <= day), default=known[0])
        return self.snapshots[seen][kind][entity_id]

    def client_of(self, entry: TimeEntry) -> str | None:
        """Return the client's id; only for entries of projects that stay with their client."""
        project = self.emulator.workspace.projects.get(entry.project_id or "")
        return project.client_id if project else None


@dataclass
class Cooked:
    """What each recipe gave, and the truth when it did."""

    lake: Lake
    results: dict[str, Any]
    truths: dict[str, Any]
    folder: Path


def rename_before_the_second_night(lake: Lake) -> None:
    workspace = lake.emulator.workspace
    projects, users = list(workspace.projects.values()), list(workspace.users.values())
    clients = list(workspace.clients.values())
    workspace.change(projects[0], name="Relaunch, renamed")
    workspace.change(users[0], name="Renamed Person")
    workspace.change(clients[0], name="Globex Renamed")


def change_before_the_third_night(lake: Lake) -> None:
    workspace = lake.emulator.workspace
    clients = list(workspace.clients.values())
    workspace.change(clients[1], name="Initech, newest")
    project = workspace.add_project("Made at noon", client_id=clients[1].id)
    start = datetime(2026, 11, 10, 12, 0, 7, tzinfo=UTC)
    workspace.add_entry(start=start, end=start + timedelta(minutes=41), project_id=project.id, billable=True)


def edit_late(lake: Lake) -> None:
    """Edit, move, delete and add entries of the last days, empty a day, and edit one that is not read again."""
    workspace = lake.emulator.workspace
    edited, longer, moved, gone = list(lake.entries[date(2026, 11, 9)])[:4]
    workspace.update_entry(edited, description="corrected later")
    end = datetime.fromtimestamp(workspace.entries[longer].end or 0, UTC)
    workspace.update_entry(longer, end=end + timedelta(seconds=61))
    start = datetime(2026, 11, 12, 9, tzinfo=UTC)
    workspace.update_entry(moved, start=start, end=start + timedelta(hours=1))
    workspace.delete_entry(gone)
    for entry_id in lake.entries[date(2026, 11, 7)]:
        workspace.delete_entry(entry_id)
    late = datetime(2026, 11, 8, 23, 30, tzinfo=UTC)  # 9 November in Berlin.
    workspace.add_entry(start=late, end=late + timedelta(minutes=5))
    workspace.update_entry(next(iter(lake.entries[date(2026, 10, 30)])), description="nobody reads this")


def run_operator(operator: Any, end: datetime, folder: Path) -> dict[str, Any]:
    """Run the task of a recipe, with the test's folder for the page's."""
    assert operator.output_path.startswith("/tmp/clockify/")
    operator.output_path = operator.output_path.replace("/tmp/clockify", str(folder), 1)
    return operator.execute(
        {"data_interval_start": end - DAY, "data_interval_end": end, "logical_date": end - DAY}
    )


def cook(block: Block, connection: Any) -> Any:
    """Run a block: rows of SQL as dicts, the names of Python."""
    if block.language == "python":
        namespace: dict[str, Any] = {"__name__": "shown"}
        exec(block.compiled(), namespace)
        return namespace
    done = connection.execute(block.text)
    names = [each[0] for each in done.description]
    return [dict(zip(names, row, strict=True)) for row in done.fetchall()]


@pytest.fixture(scope="module")
def cooked(run_dag: Callable, tmp_path_factory: pytest.TempPathFactory) -> Cooked:
    folder = tmp_path_factory.mktemp("clockify")
    workspace = generate_workspace(
        entries=500,
        users=8,
        start=datetime(2026, 10, 22, tzinfo=UTC),
        end=datetime(2026, 11, 20, tzinfo=UTC),
    )
    results: dict[str, Any] = {}
    truths: dict[str, Any] = {}
    with (
        ClockifyEmulator(workspace) as emulator,
        pytest.MonkeyPatch.context() as patch,
        duckdb.connect() as connection,
    ):
        patch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", emulator.connection_json(requests_per_second=1000))
        patch.setenv("AIRFLOW_VAR_CLOCKIFY_OUTPUT", str(folder))
        patch.chdir(folder)
        lake = Lake(emulator, run_dag)
        lake.night(date(2026, 11, 5))
        rename_before_the_second_night(lake)
        lake.night(date(2026, 11, 9))
        change_before_the_third_night(lake)
        lake.night(date(2026, 11, 13))
        for name, block in RECIPES.items():
            if name == "what changed":
                edit_late(lake)
                lake.night(date(2026, 11, 14))
            truths[name] = dict(lake.entries)
            results[name] = cook(block, connection)
            if name == "load a night":
                results[name]["load"](connection, lake.paths)
                results[name] = connection.execute("SELECT id, dt, duration_seconds FROM loaded").fetchall()
            if name == "attendance":
                end = datetime(2026, 11, 14, 4, tzinfo=BERLIN)
                run_operator(results[name]["export_attendance"], end, folder)
            if name == "columns of custom fields":
                run_operator(
                    results[name]["export_tickets"], datetime(2026, 11, 14, 4, tzinfo=BERLIN), folder
                )
            if name in ("CSV", "workbook"):
                operator = results[name][f"export_{name.lower()}"]
                results[name] = run_operator(operator, datetime(2026, 12, 1, 4, tzinfo=BERLIN), folder)
        assert emulator.errors == []
        assert not emulator.unknown_parameters
    return Cooked(lake, results, truths, folder)


def entries_of(cooked: Cooked, name: str) -> list[TimeEntry]:
    return [entry for of_day in cooked.truths[name].values() for entry in of_day.values()]


def test_every_block_is_a_recipe_of_its_own_name() -> None:
    assert [str(block) for block in BLOCKS if not {"recipe", "region"} & set(block.notes)] == []
    assert len(RECIPES) == sum("recipe" in block.notes for block in BLOCKS)
    text = Path(__file__).read_text(encoding="utf-8")
    compared = text[text.index("def test_every_block") :]
    assert [name for name in RECIPES if f'"{name}"' not in compared] == []


def revenue_by_group(cooked: Cooked) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    lake = cooked.lake
    groups: dict[tuple[Any, ...], list[TimeEntry]] = defaultdict(list)
    for entry in entries_of(cooked, "revenue in DuckDB"):
        groups[f"{day_of(entry):%Y-%m}", lake.client_of(entry), entry.currency].append(entry)
    found = {}
    for (month, client, currency), of_group in groups.items():
        newest = max(day_of(entry) for entry in of_group)
        seconds = sum(entry.seconds for entry in of_group)
        found[month, client, currency] = (
            lake.client_names[newest][client] if client else None,
            seconds,
            seconds / 3600,
            sum(map(amount, of_group), Decimal(0)),
        )
    return found


@pytest.mark.parametrize("name", ["revenue in DuckDB", "revenue in pandas", "revenue in Polars"])
def test_hours_and_revenue_are_the_truth_to_the_last_digit(name: str, cooked: Cooked) -> None:
    rows = cooked.results[name]
    if name == "revenue in pandas":
        import pandas

        frame = rows["revenue"].astype(object)
        rows = frame.where(pandas.notna(frame), None).to_dict("records")
    elif name == "revenue in Polars":
        rows = rows["revenue"].to_dicts()
    found = {
        (row["month"], row["client_id"], row["currency"]): (
            row["client"],
            int(row["seconds"]),
            row["hours"],
            row["revenue"],
        )
        for row in rows
    }
    truth = revenue_by_group(cooked)
    assert found == truth
    assert len(found) == len(rows) > 8
    assert all(isinstance(revenue, Decimal) for _, _, _, revenue in found.values())
    assert {client for client, *_ in truth.values()} >= {None, "Initech, newest", "Initech, Inc."}


def test_the_view_has_each_entry_of_each_day_once(cooked: Cooked) -> None:
    assert cooked.results["entries"] == []  # A view has no rows of its own, nor has the macro.
    assert cooked.results["history"] == []
    assert sorted(row["id"] for row in cooked.results["as of the day"]) == sorted(
        entry.id for entry in entries_of(cooked, "as of the day")
    )


def test_names_are_those_of_the_day(cooked: Cooked) -> None:
    lake = cooked.lake
    # The night after has not been then.
    lake = Lake(
        lake.emulator, lake.run_dag, snapshots={k: v for k, v in lake.snapshots.items() if k.day != 14}
    )
    found = {row.pop("id"): row for row in map(dict, cooked.results["as of the day"])}
    expected = {}
    for entry in entries_of(cooked, "as of the day"):
        day = day_of(entry)
        project, client = lake.as_of("projects", entry.project_id, day)
        expected[entry.id] = {
            "dt": day,
            "duration_seconds": entry.seconds,
            "user": lake.as_of("users", entry.user_id, day)[0],
            "project": project,
            "client": lake.as_of("clients", client, day)[0],
        }
    assert found == expected
    seen = {(row["project"], row["dt"] >= date(2026, 11, 9)) for row in found.values()}
    assert {("Website relaunch", False), ("Relaunch, renamed", True), ("Made at noon", True)} <= seen
    assert ("Website relaunch", True) not in seen
    assert {"Globex", "Globex Renamed"} <= {row["client"] for row in found.values()}


def test_what_a_night_changed_is_found(cooked: Cooked) -> None:
    assert cooked.results["load everything"] == [{"Count": len(entries_of(cooked, "load everything"))}]
    old, new = (
        {entry.id: entry for entry in entries_of(cooked, name)}
        for name in ("load everything", "what changed")
    )
    expected = {}
    for entry_id in old.keys() | new.keys():
        before, after = old.get(entry_id), new.get(entry_id)
        if before == after:
            continue
        expected[entry_id] = {
            "change": "added" if before is None else "deleted" if after is None else "edited",
            "old_day": before and day_of(before),
            "new_day": after and day_of(after),
            "seconds": (after.seconds if after else 0) - (before.seconds if before else 0),
            "amount": (amount(after) if after else 0) - (amount(before) if before else 0),
        }
    found = {row.pop("id"): row for row in map(dict, cooked.results["what changed"])}
    assert found == expected
    kinds = [row["change"] for row in found.values()]
    assert kinds.count("edited") == 3
    assert kinds.count("deleted") > 3
    assert {date(2026, 11, 9), date(2026, 11, 13)} <= {
        row["new_day"] for row in found.values() if row["change"] == "added"
    }


def test_the_table_is_that_of_the_files_after_a_night(cooked: Cooked) -> None:
    rows = cooked.results["load a night"]
    assert sorted(rows) == sorted(
        (entry.id, day_of(entry), entry.seconds) for entry in entries_of(cooked, "load a night")
    )
    assert date(2026, 11, 7) not in {day for _, day, _ in rows}
    assert any("dt=2026-11-07" in path for path in cooked.lake.paths)


def people(cooked: Cooked) -> set[str]:
    users = cooked.lake.emulator.workspace.users.values()
    return {
        user.id for user in users if user.membership_status == "ACTIVE" and user.account_status == "ACTIVE"
    }


def test_everybody_has_a_capacity(cooked: Cooked) -> None:
    frame = cooked.results["capacity"]["capacity"]
    assert set(frame["user_id"]) == people(cooked)
    assert set(frame["week_seconds"]) == {5 * 8 * 3600}
    assert 3 < len(frame) < len(cooked.lake.emulator.workspace.users)


def test_utilisation_of_weeks(cooked: Cooked) -> None:
    entries = entries_of(cooked, "utilisation")
    weeks = {week_of(day_of(entry)) for entry in entries}
    seconds = dict.fromkeys(((week, user) for week in weeks for user in people(cooked)), 0)
    for entry in entries:
        key = (week_of(day_of(entry)), entry.user_id)
        if entry.type == "REGULAR" and key in seconds:
            seconds[key] += entry.seconds
    expected = [
        {
            "week": week,
            "user_id": user,
            "hours": tracked / 3600,
            "capacity_hours": 40.0,
            "utilisation": tracked / (40 * 3600),
        }
        for (week, user), tracked in sorted(seconds.items())
    ]
    assert cooked.results["utilisation"] == expected
    assert len(weeks) == 3


def test_utilisation_of_days_from_the_attendance_report(cooked: Cooked) -> None:
    assert cooked.results["attendance"]["export_attendance"].window == "day"
    seconds: dict[tuple[str, date], int] = defaultdict(int)
    for entry in entries_of(cooked, "utilisation of days"):
        if day_of(entry) >= date(2026, 11, 6):
            seconds[entry.user_id, day_of(entry)] += entry.seconds if entry.type == "REGULAR" else 0
    expected = [
        {
            "user_id": user,
            "date": day,
            "hours": worked / 3600,
            "utilisation": worked / (8 * 3600) if day.weekday() < 5 else None,
        }
        for (user, day), worked in sorted(seconds.items())
    ]
    assert cooked.results["utilisation of days"] == expected
    assert {row["utilisation"] is None for row in expected} == {True, False}


def by_currency(cooked: Cooked, name: str) -> dict[str, list[TimeEntry]]:
    found: dict[str, list[TimeEntry]] = defaultdict(list)
    for entry in entries_of(cooked, name):
        found[entry.currency].append(entry)
    return found


def test_money_is_converted_and_divided(cooked: Cooked) -> None:
    expected = []
    for currency, entries in sorted(by_currency(cooked, "money").items()):
        revenue = sum(map(amount, entries), Decimal(0))
        seconds = sum(entry.seconds for entry in entries)
        expected.append(
            {
                "currency": currency,
                "revenue": revenue,
                "profit": revenue - sum(map(cost, entries), Decimal(0)),
                "revenue_in_eur": cents(revenue * Decimal(RATES[currency])),
                "revenue_per_hour": float(cents(Fraction(revenue) * 3600 / seconds)),
            }
        )
    assert cooked.results["money"] == expected
    assert len(expected) == len(RATES)


def test_money_in_pandas_is_that_of_duckdb(cooked: Cooked) -> None:
    found = cooked.results["money in pandas"]["revenue_in_eur"].to_dict()
    assert found == {
        currency: sum(map(amount, entries), Decimal(0)) * Decimal(RATES[currency])
        for currency, entries in by_currency(cooked, "money in pandas").items()
    }
    assert all(isinstance(each, Decimal) for each in found.values())


def values(cooked: Cooked, entry: TimeEntry) -> dict[str, Any]:
    fields = cooked.lake.emulator.workspace.custom_fields
    return {fields[key].name: value for key, value in entry.custom_values}


def test_hours_per_ticket(cooked: Cooked) -> None:
    seconds: dict[str | None, int] = defaultdict(int)
    for entry in entries_of(cooked, "hours per ticket"):
        seconds[values(cooked, entry).get("Ticket")] += entry.seconds
    found = {row["ticket"]: row["seconds"] for row in cooked.results["hours per ticket"]}
    assert found == seconds
    assert len(found) > 3
    assert None in found


def test_custom_fields_have_columns(cooked: Cooked) -> None:
    assert cooked.results["columns of custom fields"]["export_tickets"].partition_by == "day"
    found = {row.pop("id"): row for row in map(dict, cooked.results["read the columns"])}
    expected = {
        entry.id: {
            "ticket": values(cooked, entry).get("Ticket"),
            "kilometres": values(cooked, entry).get("Kilometres"),
        }
        for entry in cooked.lake.entries[date(2026, 11, 13)].values()
    }
    assert found == expected
    assert any(row["ticket"] for row in found.values())
    assert any(row["kilometres"] for row in found.values())


def november(cooked: Cooked) -> dict[str, TimeEntry]:
    days = cooked.lake.of_days(date(2026, 11, 1), date(2026, 11, 30))
    return {entry.id: entry for of_day in days.values() for entry in of_day.values()}


def test_the_csv_for_finance_is_the_month_without_formulas(cooked: Cooked) -> None:
    (path,) = cooked.results["CSV"]["paths"]
    assert path == str(cooked.folder / "finance/csv/month=2026-11/detailed.csv")
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    truth = november(cooked)
    assert {key: Decimal(row["amount"]) for key, row in rows.items()} == {
        key: amount(entry) for key, entry in truth.items()
    }
    formulas = {key for key, entry in truth.items() if entry.description.startswith("=")}
    assert formulas
    assert {rows[key]["description"] for key in formulas} == {
        "'" + truth[key].description for key in formulas
    }


def test_the_workbook_for_finance_has_the_month_and_its_sums(cooked: Cooked) -> None:
    from openpyxl import load_workbook

    (path,) = cooked.results["workbook"]["paths"]
    assert path == str(cooked.folder / "finance/workbooks/month=2026-11/detailed.xlsx")
    book = load_workbook(path)
    header, *rows = book.worksheets[0].iter_rows(values_only=True)
    at = header.index("id"), header.index("amount")
    truth = november(cooked)
    assert {row[at[0]]: pytest.approx(row[at[1]], abs=1e-9) for row in rows} == {
        key: float(amount(entry)) for key, entry in truth.items()
    }
    header, *rows = book["totals"].iter_rows(values_only=True)
    named = [dict(zip(header, row, strict=True)) for row in rows]
    totals = {(row["name"], row["currency"]): row["value"] for row in named}
    assert totals["duration_seconds", None] == sum(entry.seconds for entry in truth.values())
    for currency in RATES:
        sums = sum((amount(each) for each in truth.values() if each.currency == currency), Decimal(0))
        assert totals["amount", currency] == pytest.approx(float(sums), rel=1e-12)


def test_sums_are_written_as_csv(cooked: Cooked) -> None:
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for entry in entries_of(cooked, "sums as CSV"):
        sums[f"{day_of(entry):%Y-%m}", entry.currency] += amount(entry)
    with (cooked.folder / "finance/revenue.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["month", "currency", "revenue"]
    assert rows == [[*key, str(cents(each))] for key, each in sorted(sums.items())]
    assert cooked.results["sums as CSV"] == [{"Count": len(rows)}]
