# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
One load of an Iceberg table: windows replaced by one snapshot, proven before it is committed.

The rows go to new data files. Files that hold rows of the windows, or of the same ids elsewhere, are written anew
without them. All of it is one snapshot, which only this process knows at first. Its windows are read back and summed
up; only what equals what was read is committed, and the catalog takes the commit only if the table is still the one
that the load has planned with. If it is not, everything is planned again with the table as it is then.

**An older read never overwrites a newer one**: what the table's property says a newer read has covered is left as it
is, and so are rows that newer reads have found elsewhere.

**A commit whose answer is lost** is looked up: the table has the snapshot of the load, or it has not. If it arrives
later, it finds another table than it was planned with, and the catalog refuses it.
"""

from __future__ import annotations

import logging
import random
import time
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyDatabaseError,
    ClockifyIncompleteError,
)
from airflow_provider_clockify.export.formats.parquet_files import ArrowBatches, arrow, arrow_schema
from airflow_provider_clockify.tables.iceberg.iceberg_catalog import has_load, is_refusal, ledger_of
from airflow_provider_clockify.tables.iceberg.iceberg_files import (
    DataFiles,
    all_of,
    any_of,
    between,
    everywhere,
    in_windows,
    is_in,
    mask_of_windows,
    nowhere,
    of_workspace,
    summed,
)
from airflow_provider_clockify.tables.iceberg.iceberg_ledger import (
    Told,
    ledger_key,
    ledger_text,
    snapshot_properties,
)
from airflow_provider_clockify.tables.iceberg.iceberg_schema import (
    field_type,
    lacking_columns,
    ordered_by,
)
from airflow_provider_clockify.tables.iceberg.iceberg_sums import ArrowTally
from airflow_provider_clockify.tables.ledger import METADATA_COLUMNS, READ_AT, RUN_ID, WORKSPACE, Sums
from airflow_provider_clockify.tables.replacing import STEP, Load, Outcome, comparable

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from airflow_provider_clockify.columns.tables import Column
    from airflow_provider_clockify.tables.iceberg.iceberg_catalog import IcebergCatalog
    from airflow_provider_clockify.tables.iceberg.iceberg_ledger import IcebergLedger
    from airflow_provider_clockify.tables.iceberg.iceberg_schema import IcebergName
    from airflow_provider_clockify.tables.preparing import Permission
    from airflow_provider_clockify.tables.replacing import Part
    from airflow_provider_clockify.tables.statements import Shape
    from airflow_provider_clockify.window import Window

log = logging.getLogger(__name__)

# Times that a load is tried which others were quicker than; seconds before the next try, at most.
TRIES, PAUSE, MOST_PAUSE = 20, 0.2, 10.0


@dataclass(frozen=True, slots=True)
class IcebergLoad(Load):
    """
    What to load into an Iceberg table, with the mode ``replace`` or ``append_snapshot``.

    :param unit: Unit of time of the partitions of a new table.
    """

    name: IcebergName
    unit: str | None = "month"


def prepare(catalog: IcebergCatalog, name: IcebergName, shape: Shape, permission: Permission) -> Any:
    """
    Look whether a table can take a load, before anything is read.

    :param catalog: The catalog.
    :param name: The table.
    :param shape: What it is to hold.
    :param permission: What may be created.
    :return: pyiceberg's table; ``None`` if it is to be created.
    :raises ClockifyConfigError: it may not be created, or columns do not fit.
    :raises ClockifyDatabaseError: the catalog does not answer, or refuses.
    """
    table = catalog.table(name)
    if table is not None:
        lacking_columns(table.schema(), shape, name, permission)
    elif not permission.create:
        what = "table" if catalog.has_namespace(name) else "namespace"
        raise ClockifyConfigError(
            f"The catalog of connection {catalog.conn_id!r} has no {what} "
            f"{name if what == 'table' else '.'.join(name.namespace)}, and create_table is False. Create it, or set "
            "create_table=True."
        )
    return table


def load_iceberg(catalog: IcebergCatalog, load: IcebergLoad) -> Outcome:
    """
    Load.

    :param catalog: The catalog.
    :param load: What to load.
    :return: What was done; it is committed.
    :raises ClockifyIncompleteError: the table would not hold what was read; nothing was changed.
    :raises ClockifyConfigError: columns are missing or do not fit; nothing was changed.
    :raises ClockifyDatabaseError: the catalog or the store stopped it; nothing was changed, or the message says so.
    """
    unknown: tuple[ClockifyDatabaseError, Outcome] | None = None
    failure: ClockifyDatabaseError | None = None
    for number in range(1, TRIES + 1):
        table = _now(catalog, load, unknown)
        if unknown is not None and table is not None and has_load(table, load.load_id):
            log.warning(
                "The answer to the commit of the load of %s was lost; the table has its snapshot, so that it took "
                "effect.",
                load.name,
            )
            unknown[1].was_settled = True
            return unknown[1]
        with catalog.telling():
            snapshot = _Snapshot(catalog, load, table)
            outcome = snapshot.staged()
            failure = snapshot.committed()
        if failure is None:
            return outcome
        if not failure.is_conflict:
            unknown = failure, outcome
        if number < TRIES:
            log.info("Loading %s again (%d of %d): %s", load.name, number + 1, TRIES, failure)
            time.sleep(random.uniform(0, min(PAUSE * 2**number, MOST_PAUSE)))
    assert failure is not None  # the last try has not returned
    raise failure if unknown is None else _untold(load, unknown[0], failure)


def _now(
    catalog: IcebergCatalog, load: IcebergLoad, unknown: tuple[ClockifyDatabaseError, Outcome] | None
) -> Any:
    """Load the table as it is now; ``None`` if there is none."""
    try:
        return catalog.table(load.name)
    except ClockifyDatabaseError as error:
        failure = error if unknown is None else _untold(load, unknown[0], error)
    raise failure


def _untold(
    load: IcebergLoad, unknown: ClockifyDatabaseError, error: ClockifyDatabaseError
) -> ClockifyDatabaseError:
    return ClockifyDatabaseError(
        f"The answer to the commit of the load of {load.name} was lost ({unknown}), and the catalog cannot be asked "
        f"for it ({error}). The load took effect as a whole or not at all; run the task again, which is right in both "
        "cases.",
        is_unknown=True,
    )


@dataclass(slots=True)
class _Staged:
    """
    What was written of a part.

    :param part: The part.
    :param left: Windows of it that no newer read has covered; ``None`` for the whole of a list.
    :param read: Sums of all its rows.
    :param taken: Sums of those that go into the table.
    :param inside: Number of rows that are in the window.
    :param ids: Their ids, arrays of Arrow; those that do not go in included.
    """

    part: Part
    left: list[Window] | None
    read: ArrowTally
    taken: ArrowTally
    inside: int = 0
    ids: list[Any] = field(default_factory=list)

    def all_ids(self) -> Any:
        """Return the ids as one array of Arrow."""
        pa = arrow()
        if len(self.ids) > 1:
            self.ids = [pa.concat_arrays(self.ids)]
        return self.ids[0] if self.ids else pa.array([], pa.string())


class _Snapshot:
    """One try: the snapshot of a load, planned with one state of the table."""

    def __init__(self, catalog: IcebergCatalog, load: IcebergLoad, table: Any) -> None:
        self._catalog = catalog
        self._load = load
        self._shape: Shape = load.shape
        self._table = table
        self._files: DataFiles
        self._transaction: Any

    def staged(self) -> Outcome:
        """Do all but the commit."""
        try:
            return self._staged()
        except BaseException:
            self._discard()
            raise

    def committed(self) -> ClockifyDatabaseError | None:
        """
        Commit.

        :return: ``None`` if the catalog has confirmed it; an error that is a conflict if it did not take effect; else
            one of unknown outcome.
        """
        try:
            self._transaction.commit_transaction()
        except Exception as error:  # noqa: BLE001 - of any catalog
            failure, was_refused = self._catalog.failure(error), is_refusal(error)
        else:
            return None
        if not isinstance(failure, ClockifyDatabaseError) or was_refused:
            self._discard()
            raise failure
        if failure.is_conflict:
            self._discard()
        # Else the files stay: the commit may have taken effect, or still do so.
        return failure

    def _discard(self) -> None:
        files = getattr(self, "_files", None)
        if files is not None:
            files.remove_written()

    # --- what is written --------------------------------------------------------------------------------------

    def _staged(self) -> Outcome:
        load, shape, table = self._load, self._shape, self._table
        outcome = Outcome(created=table is None)
        if table is None:
            if not load.permission.create:
                prepare(self._catalog, load.name, shape, load.permission)
            self._transaction = self._catalog.creation(load.name, shape, load.unit)
            table = self._transaction._table
        else:
            self._transaction = table.transaction()
            lacking = lacking_columns(table.schema(), shape, load.name, load.permission)
            self._widen(lacking)
            outcome.added = tuple(each.name for each in lacking)
        metadata = self._transaction.table_metadata
        self._files = DataFiles(metadata, table.io)
        ledger = ledger_of(metadata, load.workspace_id)
        newer = self._newer()
        parts = [
            _Staged(each, ledger.left(each.window, each.read_at), self._tally(), self._tally())
            for each in load.parts
        ]
        with closing(self._new_rows(parts, newer)) as rows:
            added = self._files.write(rows, ordered_by(shape))
        outcome.sums = [each.read.sums for each in parts]
        for each in parts:
            self._prove_read(each)
        removed, kept = self._without_old_rows(parts, added)
        self._stage_snapshot(added + kept, removed, parts, ledger)
        self._prove_table(parts)
        outcome.rows = sum(each.taken.sums.rows for each in parts)
        outcome.own_rows = parts[0].taken.sums.rows
        outcome.left_out = sum(each.rows for each in outcome.sums) - outcome.rows
        outcome.superseded = load.mode == "replace" and any(
            each.left != ([each.part.window] if each.part.window is not None else None) for each in parts
        )
        return outcome

    def _tally(self) -> ArrowTally:
        return ArrowTally(self._shape)

    def _widen(self, lacking: Sequence[Column]) -> None:
        if not lacking:
            return
        with self._transaction.update_schema() as update:
            for each in lacking:
                update.add_column(each.name, field_type(each.type), each.description)

    def _newer(self) -> list[tuple[Any, Any]]:
        """Return ids of rows that newer reads have found, each batch with when; mostly none, by the files' bounds."""
        shape = self._shape
        if shape.id is None or self._load.mode != "replace" or self._table is None:
            return []
        from pyiceberg.expressions import GreaterThan

        oldest = min(each.read_at for each in self._load.parts)
        condition = all_of(of_workspace(self._load.workspace_id), GreaterThan(READ_AT, oldest.isoformat()))
        return [
            (rows.column(shape.id).cast(arrow().string()), rows.column(READ_AT))
            for rows in self._files.read(condition, [shape.id, READ_AT])
        ]

    def _new_rows(
        self, parts: Sequence[_Staged], newer: Sequence[tuple[Any, Any]]
    ) -> Generator[Any, None, None]:
        """Return the rows that go into the table, and count them."""
        pa, shape = arrow(), self._shape
        batches = ArrowBatches(shape.columns)
        for staged in parts:
            part = staged.part
            known = [
                ids.filter(pa.compute.greater(moments, pa.scalar(part.read_at, moments.type)))
                for ids, moments in newer
            ]
            elsewhere = pa.concat_arrays(known) if known else None

            for each in batches.tables(part.for_arrow(pa)):
                rows = self._with_metadata(each, part)
                staged.read.add(rows)
                staged.inside += self._count_inside(rows, part)
                if shape.id is not None:
                    staged.ids += rows.column(shape.id).chunks
                mask = self._is_taken(rows, staged, elsewhere)
                taken = rows if pa.compute.all(mask).as_py() else rows.filter(mask)  # A copy, else.
                staged.taken.add(taken)
                yield taken

    def _with_metadata(self, rows: Any, part: Part) -> Any:
        """Add the columns of the load, each of one value."""
        pa = arrow()
        kinds = arrow_schema(METADATA_COLUMNS, {})
        values = {WORKSPACE: self._load.workspace_id, READ_AT: part.read_at, RUN_ID: self._load.run_id}
        for each in kinds:
            rows = rows.append_column(each, pa.repeat(pa.scalar(values[each.name], each.type), rows.num_rows))
        return rows

    def _count_inside(self, rows: Any, part: Part) -> int:
        if part.window is None or self._shape.position is None:
            return int(rows.num_rows)
        inside = mask_of_windows(rows, self._shape.position, [part.window])
        return int(arrow().compute.sum(inside).as_py() or 0)

    def _is_taken(self, rows: Any, staged: _Staged, elsewhere: Any) -> Any:
        pa, shape = arrow(), self._shape
        if self._load.mode == "append_snapshot":
            return everywhere(rows)
        mask = self._is_in_place(rows, staged)
        if elsewhere is not None and len(elsewhere):
            mask = pa.compute.and_(mask, pa.compute.invert(is_in(rows.column(shape.id), elsewhere)))
        return mask

    def _is_in_place(self, rows: Any, staged: _Staged) -> Any:
        """Tell of each row whether it is in what the part replaces."""
        if staged.left is None or self._shape.position is None:
            return everywhere(rows) if staged.left != [] else nowhere(rows)
        return mask_of_windows(rows, self._shape.position, staged.left)

    def _prove_read(self, staged: _Staged) -> None:
        """Prove that what was written is what was read."""
        part, shape = staged.part, self._shape
        if part.expected is not None:
            self._compare(
                "what was written", part, staged.read.sums, comparable(part.expected, shape), step=True
            )
        outside = staged.read.sums.rows - staged.inside
        if outside:
            raise ClockifyIncompleteError(
                f"{outside:,} rows that were read for {self._load.name} are not in {part.window}. Report it."
            )
        if shape.id is not None:
            ids = staged.all_ids()
            twice = len(ids) - arrow().compute.count_distinct(ids).as_py()
            if twice:
                raise ClockifyIncompleteError(
                    f"{twice:,} ids came twice in what was read for {self._load.name}. Report it."
                )

    # --- what is replaced -------------------------------------------------------------------------------------

    def _own(self) -> Any:
        return of_workspace(self._load.workspace_id)

    def _places(self, parts: Sequence[_Staged]) -> Any:
        """Return the condition on rows that the load may touch: its windows, and the range of its ids."""
        from pyiceberg.expressions import AlwaysTrue, EqualTo

        if self._load.mode == "append_snapshot":
            return all_of(self._own(), EqualTo(RUN_ID, self._load.run_id))
        places = []
        for staged in parts:
            if staged.left is None or self._shape.position is None:
                places += [AlwaysTrue()] if staged.left != [] else []
            elif staged.left:
                places.append(in_windows(self._shape.position, staged.left))
            if self._shape.id is not None and staged.ids:
                bounds = arrow().compute.min_max(staged.all_ids()).as_py()
                places.append(between(self._shape.id, bounds["min"], bounds["max"]))
        return all_of(self._own(), any_of(*places))

    def _key_columns(self) -> list[str]:
        shape = self._shape
        if self._load.mode == "append_snapshot":
            return [WORKSPACE, RUN_ID]
        found = [WORKSPACE]
        if shape.position is not None:
            found.append(shape.position.name)
        if shape.id is not None:
            found += [shape.id, READ_AT]
        return found

    def _is_replaced(self, rows: Any, parts: Sequence[_Staged]) -> Any:
        """Tell of each row of the table whether it goes."""
        pa, shape, load = arrow(), self._shape, self._load
        own = pa.compute.equal(rows.column(WORKSPACE).cast(pa.string()), load.workspace_id)
        if load.mode == "append_snapshot":
            mine = pa.compute.equal(rows.column(RUN_ID).cast(pa.string()), load.run_id)
            return pa.compute.fill_null(pa.compute.and_(own, mine), fill_value=False)
        found = nowhere(rows)
        for staged in parts:
            found = pa.compute.or_(found, self._is_in_place(rows, staged))
            # Ids are looked up only where windows leave something: each look hashes all of them.
            if shape.id is not None and staged.ids and not pa.compute.all(found).as_py():
                moments = rows.column(READ_AT)
                is_older = pa.compute.less_equal(moments, pa.scalar(staged.part.read_at, moments.type))
                same = pa.compute.and_(is_in(rows.column(shape.id), staged.all_ids()), is_older)
                found = pa.compute.or_(found, pa.compute.fill_null(same, fill_value=False))
        return pa.compute.fill_null(pa.compute.and_(found, own), fill_value=False)

    def _without_old_rows(
        self, parts: Sequence[_Staged], added: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        """Write files anew without the rows that go; return those that are removed, and those in their place."""
        if self._table is None:
            return [], []
        whole: list[Any] = []
        pieces: list[Any] = []
        for file in self._files.files(self._places(parts)):
            goes, stays = self._fate(file, parts)
            if goes:
                (pieces if stays else whole).append(file)
        # Else each night would leave a file of the day that has just left its window.
        small = self._files.small_beside([*(each.file for each in (*whole, *pieces)), *added])
        known = {each.file.file_path for each in (*whole, *pieces)}
        pieces += [each for each in small if each.file.file_path not in known]
        kept = self._files.write(self._staying(pieces, parts), ordered_by(self._shape))
        return [each.file for each in (*whole, *pieces)], kept

    def _fate(self, file: Any, parts: Sequence[_Staged]) -> tuple[bool, bool]:
        """Tell whether some rows of a file go, and whether some stay."""
        compute = arrow().compute
        goes = stays = False
        for rows in self._files.rows(file, self._key_columns()):
            mask = self._is_replaced(rows, parts)
            goes = goes or bool(compute.any(mask).as_py())
            stays = stays or not compute.all(mask).as_py()
            if goes and stays:
                break
        return goes, stays

    def _staying(self, files: Sequence[Any], parts: Sequence[_Staged]) -> Iterator[Any]:
        compute = arrow().compute
        for file in files:
            for rows in self._files.rows(file):
                yield rows.filter(compute.invert(self._is_replaced(rows, parts)))

    def _stage_snapshot(
        self, added: Sequence[Any], removed: Sequence[Any], parts: Sequence[_Staged], ledger: IcebergLedger
    ) -> None:
        load, transaction = self._load, self._transaction
        told = [
            Told(
                each.part.window,
                each.part.reason,
                each.part.read_at,
                each.read.sums if each.part.expected is None else each.part.expected,
            )
            for each in parts
        ]
        properties = snapshot_properties(
            load_id=load.load_id,
            workspace_id=load.workspace_id,
            run_id=load.run_id,
            requests=load.requests(),
            windows=told,
        )
        with transaction.update_snapshot(snapshot_properties=properties).overwrite() as snapshot:
            for each in removed:
                snapshot.delete_data_file(each)
            for each in added:
                snapshot.append_data_file(each)
        reads = [(each.part.window, each.part.read_at) for each in parts]
        after = ledger.with_reads(reads, load.followed_until)
        transaction.set_properties({ledger_key(load.workspace_id): ledger_text(after, snapshot.snapshot_id)})

    # --- what is proven ---------------------------------------------------------------------------------------

    def _prove_table(self, parts: Sequence[_Staged]) -> None:
        """Read the snapshot that is not committed yet, and compare it with what was read."""
        shape, load, compute = self._shape, self._load, arrow().compute
        state = DataFiles(self._transaction.table_metadata, self._files.io)
        held = [ArrowTally(shape) for _ in parts]
        ids: list[Any] = []
        wanted = [shape.position.name] if shape.position is not None else []
        wanted += [shape.id] if shape.id is not None else []
        for rows in state.read(self._places(parts), [*(wanted or [WORKSPACE]), *summed(shape)]):
            inside = nowhere(rows)
            for staged, tally in zip(parts, held, strict=True):
                is_there = (
                    everywhere(rows) if load.mode == "append_snapshot" else self._is_in_place(rows, staged)
                )
                tally.add(rows.filter(is_there))
                inside = compute.or_(inside, is_there)
            if shape.id is not None:
                found = rows.column(shape.id).cast(arrow().string())
                ids.append(found.filter(inside))
                elsewhere = found.filter(compute.invert(inside))
                if len(elsewhere):  # Else no look, which hashes all ids.
                    ids += [elsewhere.filter(is_in(elsewhere, each.all_ids())) for each in parts if each.ids]
        for staged, tally in zip(parts, held, strict=True):
            self._compare(f"the table {load.name}", staged.part, tally.sums, staged.taken.sums)
        found = arrow().concat_arrays(ids) if ids else []
        twice = len(found) - (compute.count_distinct(found).as_py() if len(found) else 0)
        if twice:
            raise ClockifyIncompleteError(f"The table {load.name} would hold {twice:,} ids twice. Report it.")

    def _compare(self, what: str, part: Part, found: Sums, expected: Sums, *, step: bool = False) -> None:
        difference = found.differs_from(expected, step=STEP if step else Decimal(0))
        if difference is not None:
            of = f" of {part.window}" if part.window is not None else ""
            raise ClockifyIncompleteError(f"Iceberg: {what} holds{of} {difference}.")
