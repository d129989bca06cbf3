# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""One load after the other into Iceberg tables: SQL catalogs in SQLite and PostgreSQL, read back by DuckDB."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from iceberg_catalogs import (
    ENTRIES,
    catalog_of,
    data_files,
    files_of,
    held,
    iceberg_load,
    load,
    postgres_connection,
    rows_of_files,
    skip_without_packages,
    sqlite_connection,
)
from table_entries import BEGIN, COLUMNS, DAY, SHAPE, entry, expected, values

from airflow_provider_clockify.columns.tables import ColumnType, column
from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyDatabaseError,
    ClockifyIncompleteError,
)
from airflow_provider_clockify.tables.iceberg import iceberg_files, iceberg_replacing
from airflow_provider_clockify.tables.iceberg.iceberg_catalog import IcebergCatalog, ledger_of
from airflow_provider_clockify.tables.iceberg.iceberg_ledger import ledger_key
from airflow_provider_clockify.tables.iceberg.iceberg_replacing import IcebergLoad, load_iceberg, prepare
from airflow_provider_clockify.tables.iceberg.iceberg_schema import IcebergName, iceberg_schema
from airflow_provider_clockify.tables.preparing import Permission
from airflow_provider_clockify.tables.replacing import Part
from airflow_provider_clockify.tables.statements import Shape
from airflow_provider_clockify.window import Window


@pytest.fixture(params=["sqlite", "postgres"])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    skip_without_packages()
    if request.param == "sqlite":
        return sqlite_connection(tmp_path)
    server = request.getfixturevalue("postgres")
    return postgres_connection(server, request.getfixturevalue("postgres_database"), tmp_path)


@pytest.fixture
def catalog(connection: dict[str, Any]) -> Iterator[IcebergCatalog]:
    found = catalog_of(connection)
    yield found
    found.close()


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[IcebergCatalog]:
    """A catalog in SQLite, where what is tested does not depend on it."""
    skip_without_packages()
    found = catalog_of(sqlite_connection(tmp_path))
    yield found
    found.close()


def table_of(catalog: IcebergCatalog) -> Any:
    table = catalog.table(ENTRIES)
    assert table is not None
    return table


# --- what a table holds -------------------------------------------------------------------------------------------


def test_every_value_comes_back(catalog: IcebergCatalog) -> None:
    texts = ["", "tab\tand\\back\nslash\r", "'quote\" $1 %s ?", "ünï💥", "nul\0inside", "\\N"]
    entries = [entry(n, n / 4, 61 + n, text) for n, text in enumerate(texts)]

    outcome = load(catalog, entries, 0, 3, 1)

    assert (outcome.rows, outcome.created) == (len(entries), True)
    table = table_of(catalog)
    found = rows_of_files(table, "description, duration_seconds")
    assert sorted(found, key=lambda row: row[1]) == [(text, 61 + n) for n, text in enumerate(texts)]
    ((start, day, amount, tags, fields, workspace, read_at, run),) = rows_of_files(
        table,
        "start, day, amount, tag_names, custom_fields, _workspace_id, _read_at, _run_id",
        where="id = 'id0'",
    )
    assert start.astimezone(UTC) == BEGIN
    assert (day, amount, tags) == (date(2026, 11, 1), Decimal("7.625"), ['a"b', "c\\d", None, "{x},\t"])
    assert json.loads(fields)["a"][0] == 1
    assert (workspace, run) == ("w'1", "run 1%?")
    assert read_at.astimezone(UTC) == datetime(2026, 12, 1, 0, 1, tzinfo=UTC)


def test_a_new_table_is_described(lake: IcebergCatalog) -> None:
    described = replace(
        SHAPE, columns=tuple(replace(each, description=each.name.upper()) for each in COLUMNS)
    )
    load_iceberg(lake, iceberg_load([entry(1, 1)], 0, 3, 1, shape=described))

    table = table_of(lake)
    schema = table.schema()
    names = [each.name for each in described.all_columns]
    assert [each.name for each in schema.fields] == names
    assert [each.field_id for each in schema.fields] == list(range(1, len(names) + 1))
    assert [each.doc for each in schema.fields][: len(COLUMNS)] == [each.name.upper() for each in COLUMNS]
    assert schema == iceberg_schema(described), "the catalog keeps our field ids"
    assert schema.identifier_field_names() == {"_workspace_id", "id"}
    assert {each.name for each in schema.fields if each.required} == {"_workspace_id", "_read_at", "id"}
    assert str(schema.find_field("amount").field_type) == "decimal(18, 8)"
    assert str(schema.find_field("start").field_type) == "timestamptz"
    assert str(schema.find_field("tag_names").field_type) == "list<string>"
    assert [(each.name, str(each.transform)) for each in table.spec().fields] == [
        ("_workspace_id", "identity"),
        ("start_month", "month"),
    ]
    assert [each.source_id for each in table.sort_order().fields] == [schema.find_field("start").field_id]


@pytest.mark.parametrize("unit", ["year", "month", "day", None])
def test_files_are_sorted_and_lie_in_partitions(lake: IcebergCatalog, unit: str | None) -> None:
    entries = [entry(n, (n * 7) % 45) for n in range(40)]
    load(lake, entries, 0, 45, 1, unit=unit)
    load(lake, entries, 10, 20, 2)

    table = table_of(lake)
    assert held(lake) == sorted(each[0] for each in entries)
    months = set()
    for path in files_of(table):
        import pyarrow.parquet as pq

        starts = pq.read_table(path)["start"].to_pylist()
        assert starts == sorted(starts)
        months.add(tuple(sorted({each.strftime("%Y-%m") for each in starts})))
    assert (("2026-11", "2026-12") in months) is (unit in ("year", None))


def test_a_window_is_replaced_as_a_whole(catalog: IcebergCatalog) -> None:
    load(catalog, [entry(n, n) for n in range(6)], 0, 6, 1)
    load(catalog, [entry(1, 1)], 0, 6, 1, workspace="another")

    outcome = load(catalog, [entry(2, 2, text="edited"), entry(9, 3)], 2, 4, 2)

    assert outcome.rows == 2
    own = rows_of_files(table_of(catalog), "id, description", where="_workspace_id = 'w''1'")
    assert sorted(own) == [
        ("id0", "x"),
        ("id1", "x"),
        ("id2", "edited"),
        ("id4", "x"),
        ("id5", "x"),
        ("id9", "x"),
    ]
    assert rows_of_files(table_of(catalog), "id", where="_workspace_id = 'another'") == [("id1",)]
    outcome = load(catalog, [], 0, 6, 3)
    assert outcome.rows == 0
    assert held(catalog) == ["id1"]


def test_entries_that_moved_in_are_deleted_where_they_were(catalog: IcebergCatalog) -> None:
    """From the next month's partition, in whose file other rows stay."""
    load(catalog, [entry(n, 20 + n) for n in range(20)], 0, 60, 1)
    load(catalog, [entry(15, 2, seconds=77), entry(16, 2)], 0, 3, 2)

    assert held(catalog) == sorted(f"id{n}" for n in range(20))
    assert rows_of_files(table_of(catalog), "duration_seconds", where="id = 'id15'") == [(77,)]


# --- who read later -----------------------------------------------------------------------------------------------


def test_an_older_read_that_ends_later_writes_nothing_of_what_a_newer_has_covered(
    catalog: IcebergCatalog,
) -> None:
    load(catalog, [entry(1, 1, text="newer"), entry(3, 3, text="newer")], 1, 4, 5)
    before = rows_of_files(table_of(catalog), "id, description, _read_at")

    outcome = load(catalog, [entry(1, 1, text="older"), entry(2, 2, text="older")], 1, 4, 4)

    assert (outcome.rows, outcome.left_out, outcome.superseded) == (0, 2, True)
    assert (outcome.rows, outcome.left_out, outcome.superseded) == (0, 2, True)
    assert rows_of_files(table_of(catalog), "id, description, _read_at") == before
    outcome = load(catalog, [entry(n, n, text="older") for n in range(6)], 0, 6, 3)
    assert (outcome.rows, outcome.left_out, outcome.superseded) == (3, 3, True)
    found = dict(rows_of_files(table_of(catalog), "id, description"))
    assert found == {"id0": "older", "id1": "newer", "id3": "newer", "id4": "older", "id5": "older"}


def test_a_row_that_a_newer_read_has_found_elsewhere_is_left_out(lake: IcebergCatalog) -> None:
    load(lake, [entry(1, 9, text="moved")], 8, 10, 5)
    outcome = load(lake, [entry(1, 1, text="before"), entry(2, 1)], 0, 3, 4)
    assert (outcome.rows, outcome.left_out) == (1, 1)
    assert sorted(rows_of_files(table_of(lake), "id, description")) == [("id1", "moved"), ("id2", "x")]


def test_the_ledger_stays_when_snapshots_are_expired(lake: IcebergCatalog) -> None:
    load(lake, [entry(1, 1, text="newer")], 0, 3, 5)
    load(lake, [entry(5, 5)], 4, 6, 6)
    table_of(lake).maintenance.expire_snapshots().older_than(datetime.now(UTC) + DAY).commit()
    assert len(table_of(lake).metadata.snapshots) == 1

    assert load(lake, [entry(1, 1, text="older")], 0, 3, 4).superseded
    assert rows_of_files(table_of(lake), "description", where="id = 'id1'") == [("newer",)]


def test_a_table_that_was_set_back_forgets_what_came_later(lake: IcebergCatalog) -> None:
    load(lake, [entry(1, 1, text="first")], 0, 3, 1)
    first = table_of(lake).current_snapshot().snapshot_id
    load(lake, [entry(1, 1, text="second")], 0, 3, 5)
    table_of(lake).manage_snapshots().set_current_snapshot(snapshot_id=first).commit()

    assert ledger_of(table_of(lake).metadata, "w'1").reads == ()
    assert not load(lake, [entry(1, 1, text="third")], 0, 3, 4).superseded
    assert held(lake, "description") == ["third"]


def test_a_read_that_is_too_old_to_be_compared_is_refused(lake: IcebergCatalog) -> None:
    load(lake, [entry(1, 1)], 0, 3, 60 * 24 * 31)
    with pytest.raises(ClockifyIncompleteError, match="more than 30 days older"):
        load(lake, [entry(2, 5)], 4, 6, 1)
    assert held(lake) == ["id1"]


# --- one commit, proven before it ---------------------------------------------------------------------------------


def test_each_load_is_one_snapshot_that_says_what_was_loaded(lake: IcebergCatalog) -> None:
    states = []
    for number in range(1, 5):
        entries = [entry(n, n / 10, text=str(number)) for n in range(10 * number)]
        load(lake, entries, 0, 4, number)
        states.append(len(entries))
    table = table_of(lake)
    assert len(table.metadata.snapshots) == len(table.metadata.snapshot_log) == 4
    # Whoever travels in time meets whole states only.
    for each, count in zip(table.metadata.snapshot_log, states, strict=True):
        assert rows_of_files(table, "count(*)", snapshot=each.snapshot_id) == [(count,)]
    told = table.current_snapshot().summary.additional_properties
    right = expected(entries)
    assert told["clockify.workspace-id"] == "w'1"
    assert told["clockify.run-id"] == "run 4%?"
    assert (told["clockify.window-start"], told["clockify.window-end"]) == (
        "2026-11-01T00:00:00Z",
        "2026-11-05T00:00:00Z",
    )
    assert told["clockify.read-at"] == "2026-12-01T00:04:00+00:00"
    assert int(told["clockify.rows"]) == right.rows == 40
    assert int(told["clockify.seconds"]) == right.seconds
    amounts = {code: Decimal(text) for code, text in json.loads(told["clockify.amounts"]).items()}
    assert amounts == {code: amount for code, amount in right.amounts.items() if amount}


def test_what_is_lost_on_the_way_is_not_committed(
    lake: IcebergCatalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    load(lake, [entry(n, n) for n in range(6)], 0, 6, 1)
    before, files = table_of(lake).metadata, data_files(tmp_path)
    write = iceberg_files.DataFiles.write

    def forgetful(self: Any, tables: Any, order: Any) -> list[Any]:
        return write(self, tables, order)[1:]

    monkeypatch.setattr(iceberg_files.DataFiles, "write", forgetful)
    with pytest.raises(ClockifyIncompleteError, match="0 rows instead of 2"):
        load(lake, [entry(1, 1, text="new"), entry(2, 2)], 1, 3, 2)
    assert table_of(lake).metadata == before
    assert data_files(tmp_path) == files, "files of a load that failed are removed"


def test_rows_that_would_survive_by_mistake_are_not_committed(
    lake: IcebergCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(lake, [entry(n, n) for n in range(6)], 0, 6, 1)
    before = table_of(lake).metadata
    monkeypatch.setattr(iceberg_replacing._Snapshot, "_without_old_rows", lambda self, parts, added: ([], []))
    with pytest.raises(ClockifyIncompleteError, match="4 rows instead of 2"):
        load(lake, [entry(1, 1, text="new"), entry(2, 2)], 1, 3, 2)
    with pytest.raises(ClockifyIncompleteError, match="1 ids twice"):
        load(lake, [entry(1, 9)], 8, 10, 2)
    assert table_of(lake).metadata == before


def test_what_was_not_proven_is_not_committed(lake: IcebergCatalog, tmp_path: Path) -> None:
    entries = [entry(1, 1), entry(2, 2)]
    with pytest.raises(ClockifyIncompleteError, match="what was written holds.*120 seconds instead of 121"):
        load(lake, entries, 0, 3, 1, sums=replace(expected(entries), seconds=Decimal(121)))
    assert lake.table(ENTRIES) is None
    assert data_files(tmp_path) == set()
    with pytest.raises(ClockifyIncompleteError, match="1 ids came twice"):
        load(lake, [entry(1, 1), entry(1, 2)], 0, 3, 1)
    outside = Part(
        Window(BEGIN, BEGIN + DAY), datetime(2026, 12, 1, tzinfo=UTC), values(entries), expected(entries)
    )
    with pytest.raises(ClockifyIncompleteError, match=r"2 rows.*are not in \[2026-11-01"):
        load_iceberg(lake, IcebergLoad(ENTRIES, SHAPE, "w", "r", [outside]))


# --- others at the same time --------------------------------------------------------------------------------------


def before_the_commit(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any], times: int = 1) -> None:
    """Do something between what a load has planned and its commit."""
    commit = iceberg_replacing._Snapshot.committed
    left = [times]

    def disturbed(self: Any) -> Any:
        if left[0] > 0:
            left[0] -= 1
            act()
        return commit(self)

    monkeypatch.setattr(iceberg_replacing._Snapshot, "committed", disturbed)
    monkeypatch.setattr(iceberg_replacing, "PAUSE", 0.0)


def test_a_load_beside_it_is_not_lost_and_nothing_comes_twice(
    catalog: IcebergCatalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The other one has read later, and found an entry of ours on a day of its own."""
    load(catalog, [entry(n, n) for n in range(10)], 0, 10, 1)
    before_the_commit(monkeypatch, lambda: load(catalog, [entry(1, 6, text="moved"), entry(6, 6)], 5, 8, 3))

    outcome = load(catalog, [entry(1, 1), entry(2, 2, text="edited"), entry(8, 2)], 0, 4, 2)

    assert (outcome.rows, outcome.left_out) == (2, 1)
    found = sorted(rows_of_files(table_of(catalog), "id, description"))
    assert found == [
        ("id1", "moved"),
        ("id2", "edited"),
        ("id4", "x"),
        ("id6", "x"),
        ("id8", "x"),
        ("id9", "x"),
    ]
    assert len(table_of(catalog).metadata.snapshots) == 3
    table = table_of(catalog)
    known = {Path(path) for each in table.metadata.snapshots for path in files_of(table, each.snapshot_id)}
    assert data_files(tmp_path) == known, "files of the try that was refused are removed"


def test_the_library_never_merges_a_commit_into_another_state(
    lake: IcebergCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a table asks for less isolation, it would: the two loads share no file, but an entry."""
    load(lake, [entry(9, 40)], 40, 41, 1)
    with table_of(lake).transaction() as transaction:
        levels = dict.fromkeys(("delete", "update"), "snapshot")
        transaction.set_properties({f"write.{each}.isolation-level": level for each, level in levels.items()})
    before_the_commit(monkeypatch, lambda: load(lake, [entry(1, 70, text="moved")], 70, 75, 3))
    outcome = load(lake, [entry(1, 1), entry(2, 2)], 0, 4, 2)
    assert (outcome.rows, outcome.left_out) == (1, 1)
    assert held(lake) == ["id1", "id2", "id9"]


def test_of_two_loads_of_one_window_the_newer_read_wins(
    catalog: IcebergCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(catalog, [entry(1, 1)], 0, 3, 1)
    before_the_commit(monkeypatch, lambda: load(catalog, [entry(1, 1, text="newer")], 0, 3, 3))
    assert load(catalog, [entry(1, 1, text="older"), entry(2, 2)], 0, 3, 2).superseded
    assert rows_of_files(table_of(catalog), "id, description") == [("id1", "newer")]

    before_the_commit(monkeypatch, lambda: load(catalog, [entry(1, 1, text="older")], 0, 3, 4))
    assert not load(catalog, [entry(1, 1, text="newest")], 0, 3, 5).superseded
    assert rows_of_files(table_of(catalog), "id, description") == [("id1", "newest")]


def test_two_loads_that_create_the_table_both_take_effect(
    catalog: IcebergCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_the_commit(monkeypatch, lambda: load(catalog, [entry(5, 5)], 5, 6, 3))
    outcome = load(catalog, [entry(1, 1)], 0, 3, 2)
    assert not outcome.created
    assert held(catalog) == ["id1", "id5"]


def test_a_load_that_never_is_quick_enough_says_so(
    lake: IcebergCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(lake, [entry(1, 1)], 0, 3, 1)
    monkeypatch.setattr(iceberg_replacing, "TRIES", 3)
    later = iter(range(10, 99))
    commit = iceberg_replacing._Snapshot.committed
    busy = [False]

    def always_disturbed(self: Any) -> Any:
        if not busy[0]:
            busy[0] = True
            load(lake, [entry(7, 7)], 7, 8, next(later))
            busy[0] = False
        return commit(self)

    monkeypatch.setattr(iceberg_replacing._Snapshot, "committed", always_disturbed)
    monkeypatch.setattr(iceberg_replacing, "PAUSE", 0.0)
    with pytest.raises(ClockifyDatabaseError, match="Nothing of it is in the table") as caught:
        load(lake, [entry(2, 2)], 0, 3, 2)
    assert caught.value.is_conflict
    assert held(lake) == ["id1", "id7"]


class LostAnswers:
    """Catalogs whose answers to commits get lost."""

    def __init__(self, catalog: IcebergCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
        self.catalog = catalog
        self.takes_effect = True
        self.left = 1
        self.later: list[Callable[[], Any]] = []
        kind = type(catalog.opened())
        commit = kind.commit_table
        monkeypatch.setattr(iceberg_replacing, "PAUSE", 0.0)

        def commit_table(this: Any, *given: Any, **more: Any) -> Any:
            from pyiceberg.exceptions import CommitStateUnknownException

            if self.left <= 0:
                return commit(this, *given, **more)
            self.left -= 1
            if self.takes_effect:
                commit(this, *given, **more)
            else:
                self.later.append(lambda: commit(this, *given, **more))
            raise CommitStateUnknownException("504: the gateway gave up")

        monkeypatch.setattr(kind, "commit_table", commit_table)


@pytest.mark.parametrize("is_new", [True, False])
def test_a_commit_whose_answer_is_lost_is_looked_up(
    lake: IcebergCatalog, monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    if not is_new:
        load(lake, [entry(1, 1), entry(5, 5)], 0, 6, 1)
    answers = LostAnswers(lake, monkeypatch)
    outcome = load(lake, [entry(2, 2)], 0, 3, 2)
    assert outcome.was_settled
    assert answers.left == 0
    assert held(lake) == (["id2"] if is_new else ["id2", "id5"])
    assert len(table_of(lake).metadata.snapshots) == (1 if is_new else 2)


def test_a_commit_that_arrives_after_the_next_try_is_refused(
    lake: IcebergCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyiceberg.exceptions import CommitFailedException

    load(lake, [entry(1, 1), entry(5, 5)], 0, 6, 1)
    answers = LostAnswers(lake, monkeypatch)
    answers.takes_effect = False
    outcome = load(lake, [entry(2, 2)], 0, 3, 2)
    assert not outcome.was_settled
    assert held(lake) == ["id2", "id5"]
    with pytest.raises(CommitFailedException):
        answers.later[0]()
    assert held(lake) == ["id2", "id5"]


def test_a_catalog_that_stays_away_after_a_commit_says_that_both_is_possible(
    lake: IcebergCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(lake, [entry(1, 1)], 0, 6, 1)
    answers = LostAnswers(lake, monkeypatch)
    kind, load_table = type(lake.opened()), type(lake.opened()).load_table

    def gone(this: Any, identifier: Any) -> Any:
        if answers.left == 0:
            raise ConnectionError("connection refused")
        return load_table(this, identifier)

    monkeypatch.setattr(kind, "load_table", gone)
    answers.takes_effect = False
    with pytest.raises(ClockifyDatabaseError, match="was lost.*as a whole or not at all") as caught:
        load(lake, [entry(2, 2)], 0, 3, 2)
    assert caught.value.is_unknown


def test_what_the_catalog_forbids_is_not_tried_again(
    lake: IcebergCatalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from pyiceberg.exceptions import ForbiddenError

    load(lake, [entry(1, 1)], 0, 6, 1)
    files, asked = data_files(tmp_path), []

    def commit_table(this: Any, *given: Any, **more: Any) -> Any:
        asked.append(1)
        raise ForbiddenError("403: this principal may only read")

    monkeypatch.setattr(type(lake.opened()), "commit_table", commit_table)
    with pytest.raises(ClockifyDatabaseError, match="ForbiddenError.*may only read"):
        load(lake, [entry(2, 2)], 0, 3, 2)
    assert len(asked) == 1
    assert data_files(tmp_path) == files


# --- tables that are there ----------------------------------------------------------------------------------------


def wider() -> Shape:
    return Shape.of((*COLUMNS, column("extra", ColumnType.TEXTS, "More.")), position="start", id_column="id")


def wide_part(number: int, read_at: int) -> Part:
    part = iceberg_load([entry(number, number)], number, number + 1, read_at).parts[0]

    def rows() -> Iterator[Any]:
        for batch in part.rows():
            yield [*batch, [["a", "b"]] * len(batch[0])]

    return replace(part, rows=rows)


def test_columns_are_added_in_the_same_commit(catalog: IcebergCatalog) -> None:
    load(catalog, [entry(1, 1), entry(2, 2)], 0, 3, 1)
    outcome = load_iceberg(catalog, IcebergLoad(ENTRIES, wider(), "w'1", "run", [wide_part(2, 2)]))

    assert outcome.added == ("extra",)
    table = table_of(catalog)
    field = table.schema().find_field("extra")
    assert (field.required, field.doc, str(field.field_type)) == (False, "More.", "list<string>")
    assert len(table.metadata.snapshots) == 2
    assert len({each.field_id for each in table.schema().fields}) == len(table.schema().fields)
    assert sorted(rows_of_files(table, "id, extra")) == [("id1", None), ("id2", ["a", "b"])]
    # Fewer columns again: what is not loaded is empty.
    load(catalog, [entry(2, 2)], 2, 3, 3)
    assert [row["extra"] for row in table_of(catalog).scan().to_arrow().to_pylist()] in (
        [None, None],
        [[], None],
    )


@pytest.mark.parametrize(
    ("change", "permission", "said"),
    [
        ("wider", Permission(widen=False), r'no column extra, and schema_change is "fail"'),
        ("type", Permission(), "amount is double instead of decimal"),
        (
            "foreign",
            Permission(),
            "has no column _workspace_id, _read_at, _run_id: it was not made by a load",
        ),
        ("needed", Permission(), "mine must have a value, and no load gives it one"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_before_anything_is_read(
    lake: IcebergCatalog, change: str, permission: Permission, said: str
) -> None:
    from pyiceberg.schema import Schema
    from pyiceberg.types import DoubleType, NestedField, StringType

    shape = wider() if change == "wider" else SHAPE
    schema = iceberg_schema(SHAPE)
    fields = list(schema.fields)
    if change == "type":
        fields = [
            NestedField(each.field_id, each.name, DoubleType(), required=False)
            if each.name == "amount"
            else each
            for each in fields
        ]
    if change == "foreign":
        fields = fields[: len(COLUMNS)]
    if change == "needed":
        fields.append(NestedField(99, "mine", StringType(), required=True))
    lake.opened().create_namespace(ENTRIES.namespace)
    lake.opened().create_table(ENTRIES.identifier, Schema(*fields))
    with pytest.raises(ClockifyConfigError, match=said):
        prepare(lake, ENTRIES, shape, permission)
    with pytest.raises(ClockifyConfigError, match=said):
        load_iceberg(lake, replace(iceberg_load([entry(1, 1)], 0, 3, 1, shape=shape), permission=permission))


def test_nothing_is_created_without_permission(lake: IcebergCatalog) -> None:
    denied = Permission(create=False)
    with pytest.raises(ClockifyConfigError, match="no namespace clockify, and create_table is False"):
        prepare(lake, ENTRIES, SHAPE, denied)
    lake.opened().create_namespace("clockify")
    with pytest.raises(ClockifyConfigError, match=r"no table clockify\.entries"):
        load(lake, [entry(1, 1)], 0, 3, 1, permission=denied)
    assert lake.table(ENTRIES) is None


def test_tables_of_others_with_columns_and_partitions_of_their_own_are_loaded(lake: IcebergCatalog) -> None:
    from pyiceberg.schema import Schema
    from pyiceberg.types import DecimalType, NestedField, StringType

    fields = [
        NestedField(each.field_id, each.name, DecimalType(38, 8), required=False)
        if each.name == "amount"
        else each
        for each in iceberg_schema(SHAPE).fields
    ]
    lake.opened().create_namespace(ENTRIES.namespace)
    lake.opened().create_table(
        ENTRIES.identifier, Schema(*fields, NestedField(99, "mine", StringType(), required=False))
    )
    load(lake, [entry(n, n) for n in range(6)], 0, 6, 1)
    assert load(lake, [entry(3, 3, seconds=80)], 2, 5, 2).rows == 1
    assert sorted(rows_of_files(table_of(lake), "id, amount, mine")) == [
        ("id0", Decimal("7.5"), None),
        ("id1", Decimal("7.5"), None),
        ("id3", Decimal(10), None),
        ("id5", Decimal("7.5"), None),
    ]


def test_a_file_that_compaction_has_made_is_rewritten_piece_by_piece(
    lake: IcebergCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iceberg_files, "FILE_ROWS", 7)
    entries = [entry(n, n / 10) for n in range(200)]
    load(lake, entries, 0, 20, 1)
    table = table_of(lake)
    table.overwrite(table.scan().to_arrow())
    assert len(files_of(table_of(lake))) == 1
    load(lake, entries[:95], 9, 11, 2)
    assert held(lake) == sorted([f"id{n}" for n in range(95)] + [f"id{n}" for n in range(110, 200)])


def test_nightly_loads_leave_few_files(lake: IcebergCatalog) -> None:
    """Each night replaces three days, and the day that leaves its window joins the others."""
    entries = [entry(n, n / 10) for n in range(290)]
    for night in range(3, 29):
        load(lake, entries[: night * 10], night - 3, night, night)
    assert held(lake) == sorted(f"id{n}" for n in range(280))
    assert len(files_of(table_of(lake))) <= 2


def test_a_ledger_that_somebody_has_broken_is_named(lake: IcebergCatalog) -> None:
    load(lake, [entry(1, 1)], 0, 3, 1)
    with table_of(lake).transaction() as transaction:
        transaction.set_properties({ledger_key("w'1"): "{"})
    with pytest.raises(
        ClockifyConfigError, match=r"property clockify\.loads\.w'1 of the table cannot be read"
    ):
        load(lake, [entry(1, 1)], 0, 3, 2)


# --- lists --------------------------------------------------------------------------------------------------------

LIST = Shape.of(COLUMNS, position=None, id_column=None).without_sums()


def load_list(catalog: IcebergCatalog, ids: list[int], read_at: int, mode: Any, run: str = "run") -> Any:
    moment = datetime(2026, 12, 1, tzinfo=UTC) + timedelta(minutes=read_at)
    entries = [entry(number, number) for number in ids]
    part = Part(None, moment, values(entries), replace(expected(entries), amounts={}), "list")
    return load_iceberg(catalog, IcebergLoad(ENTRIES, LIST, "w", run, [part], mode))


def test_lists_are_replaced(catalog: IcebergCatalog) -> None:
    load_list(catalog, [1, 2, 3], 1, "replace")
    assert load_list(catalog, [2, 4], 3, "replace").rows == 2
    outcome = load_list(catalog, [9], 2, "replace")
    assert (outcome.rows, outcome.left_out, outcome.superseded) == (0, 1, True)
    assert held(catalog) == ["id2", "id4"]
    assert [each.name for each in table_of(catalog).spec().fields] == ["_workspace_id"]


def test_snapshots_of_lists_are_added_and_replace_their_own(catalog: IcebergCatalog) -> None:
    for run, read_at, ids in (("a", 1, [1, 2]), ("b", 2, [2]), ("a", 3, [1, 5])):
        assert load_list(catalog, ids, read_at, "append_snapshot", run).rows == len(ids)
    found = sorted(rows_of_files(table_of(catalog), "_run_id, id"))
    assert found == [("a", "id1"), ("a", "id5"), ("b", "id2")]


@pytest.mark.parametrize("name", ["entries", "", "None", "clockify.", ".entries", "a..b"])
def test_a_name_without_namespace_is_refused(name: str) -> None:
    with pytest.raises(ClockifyConfigError, match="give namespace and table"):
        IcebergName.of(name)


def test_a_name_may_have_several_levels() -> None:
    assert IcebergName.of("lake.clockify.entries") == IcebergName(("lake", "clockify"), "entries")
