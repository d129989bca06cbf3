# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
One load: windows of a table replaced in one transaction, and proven inside it.

The table's name is locked, the rows go to a temporary stage, and what the stage holds is compared with what was read.
Then the windows are emptied, rows of the same ids are deleted wherever they are, the stage is copied, and the windows
of the table are summed up again. Whatever differs rolls back. The ledger gets a row per window, and with the commit
everybody sees all of it at once.

**An older read never overwrites a newer one.** What the ledger says a newer read has covered is left as it is, and a
staged row is left out where the table has the same id of a newer read. At each instant, the table holds what the
newest read of that instant found.

**A commit whose answer is lost** is looked up: the ledger has the load, or it has not.
"""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import msgspec

from airflow_provider_clockify.exceptions import ClockifyDatabaseError, ClockifyIncompleteError
from airflow_provider_clockify.export.formats.parquet_files import arrow
from airflow_provider_clockify.tables.copy_text import holdable
from airflow_provider_clockify.tables.ledger import (
    RUN_ID,
    WORKSPACE,
    Loaded,
    Sums,
    left_of,
    newer_than,
)
from airflow_provider_clockify.tables.preparing import Permission, missing
from airflow_provider_clockify.tables.statements import (
    delete_ids,
    in_windows,
    insert,
    ledger_insert,
    not_newer_elsewhere,
    of_workspace,
    quoted,
    stage_definition,
    sums,
)
from airflow_provider_clockify.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from airflow_provider_clockify.columns.tables import Columns
    from airflow_provider_clockify.tables.database import Database
    from airflow_provider_clockify.tables.statements import Shape, TableName

log = logging.getLogger(__name__)

# Half of the last digit that a column of money has.
STEP = Decimal("0.000000005")
# Times that a load is tried which others were quicker than, and seconds between.
TRIES, PAUSE = 20, 0.5

Reason = Literal["window", "audit", "changes", "list"]
#: ``replace``: the windows, or of a list all rows of the workspace. ``append_snapshot``: what this run has written.
#: ``append_new``: nothing; rows that are there stay, and only others are added.
Mode = Literal["replace", "append_snapshot", "append_new"]


ALLOWED = Permission()


@dataclass(frozen=True, slots=True)
class Part:
    """
    One window of a load.

    :param window: Time that was read; ``None`` for a list.
    :param read_at: When its read began; aware.
    :param rows: Gives the values of the rows, column by column, in batches; may be called again.
    :param expected: What was read and proven against the service; ``None`` where the rows do not add up to it.
    :param reason: Why it was read.
    :param arrays: The same as ``rows`` where columns become Arrow's; takes the module ``pyarrow``, and may give its
        arrays.
    """

    window: Window | None
    read_at: datetime
    rows: Callable[[], Iterator[Columns]]
    expected: Sums | None = None
    reason: Reason = "window"
    arrays: Callable[[Any], Iterator[Columns]] | None = None

    def for_arrow(self, arrow: Any) -> Iterator[Columns]:
        """
        Return the values of the rows as ``arrays`` gives them, or else ``rows``.

        :param arrow: The module ``pyarrow``.
        """
        return self.rows() if self.arrays is None else self.arrays(arrow)


@dataclass(frozen=True, slots=True)
class Load:
    """
    What to load, whatever keeps the table.

    :param name: The table.
    :param shape: What it holds.
    :param workspace_id: Workspace that was read.
    :param run_id: Run of Airflow.
    :param parts: Its windows, disjoint; or one part without a window.
    :param mode: How rows that are there are treated.
    :param permission: What may be created.
    :param requests: Returns the requests that were spent so far.
    :param followed_until: Until when the change feeds were followed.
    :param load_id: Names the load where the table remembers it.
    """

    name: Any
    shape: Shape
    workspace_id: str
    run_id: str
    parts: Sequence[Part]
    mode: Mode = "replace"
    permission: Permission = ALLOWED
    requests: Callable[[], int] = lambda: 0
    followed_until: datetime | None = None
    load_id: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True, slots=True)
class TableLoad(Load):
    """
    What to load into a table of a database.

    :param nul_replacement: What becomes of characters that the database cannot hold; ``None`` refuses them.
    """

    name: TableName
    nul_replacement: str | None = None


@dataclass(slots=True)
class Outcome:
    """
    What a load has done.

    :param rows: Rows that it has written.
    :param own_rows: Those of its first part: the run's window.
    :param sums: What was read of each part.
    :param left_out: Rows that were left out, since a newer read knows better.
    :param superseded: Windows, or parts of them, that newer reads have covered.
    :param created: Whether the table was created.
    :param added: Columns that were added.
    :param was_settled: Whether the answer to the commit was lost, and the ledger told that it took effect.
    """

    rows: int = 0
    own_rows: int = 0
    sums: list[Sums] = field(default_factory=list)
    left_out: int = 0
    superseded: bool = False
    created: bool = False
    added: tuple[str, ...] = ()
    was_settled: bool = False


def load_table(connect: Callable[[], Database], load: TableLoad) -> Outcome:
    """
    Load.

    :param connect: Opens a connection.
    :param load: What to load.
    :return: What was done; it is committed.
    :raises ClockifyIncompleteError: the table would not hold what was read; nothing was changed.
    :raises ClockifyConfigError: rights or columns are missing, or a text cannot be held; nothing was changed.
    :raises ClockifyDatabaseError: the database stopped it; nothing was changed, or the message says so.
    """
    for number in range(1, TRIES + 1):
        database = connect()
        try:
            return _load_once(connect, database, load)
        except ClockifyDatabaseError as error:
            if not error.is_conflict or number == TRIES:
                raise
            log.info("Another load of %s was quicker; trying again (%d of %d).", load.name, number, TRIES)
        finally:
            database.close()
        time.sleep(PAUSE)
    raise AssertionError("unreachable: the last try raises")  # pragma: no cover


def _load_once(connect: Callable[[], Database], database: Database, load: TableLoad) -> Outcome:
    try:
        database.begin()
        outcome = _Replacement(database, load).run()
    except BaseException:
        database.rollback()
        raise
    try:
        database.commit()
    except ClockifyDatabaseError as error:
        if error.is_conflict:
            database.rollback()
            raise
        database.close()
        if not _was_committed(connect, load, error):
            raise
        log.warning(
            "The answer to the commit of the load of %s was lost; its ledger has the load, so that it took effect.",
            load.name,
        )
        outcome.was_settled = True
    return outcome


def _was_committed(connect: Callable[[], Database], load: TableLoad, failure: ClockifyDatabaseError) -> bool:
    """Look the load up in the ledger, after the transaction that wrote it has ended."""
    try:
        database = connect()
        try:
            database.begin()
            name = database.resolved(load.name)
            database.lock(name)
            if not database.types(name.ledger):
                return False
            ((found,),) = database.query(
                f"SELECT count(*) FROM {name.ledger.sql} WHERE load_id = {database.dialect.literal(load.load_id)}"
            )
            database.rollback()
            return bool(found)
        finally:
            database.close()
    except ClockifyDatabaseError as error:
        raise ClockifyDatabaseError(
            f"The answer to the commit of the load of {load.name} was lost ({failure}), and the database cannot be "
            f"asked for it ({error}). The load took effect as a whole or not at all; run the task again, which is "
            "right in both cases.",
            is_unknown=True,
        ) from None


class _Replacement:
    """One load inside its transaction."""

    def __init__(self, database: Database, load: TableLoad) -> None:
        self._database = database
        self._dialect = database.dialect
        self._load = load
        self._shape: Shape = load.shape
        self._name = database.resolved(load.name)
        self._stage = f"clockify_stage_{load.load_id[:12]}"
        self._own = of_workspace(self._dialect, self._shape, load.workspace_id)

    def run(self) -> Outcome:
        """Do all but the commit."""
        load, database = self._load, self._database
        database.lock(self._name)
        lacking = missing(database, self._name, self._shape, load.permission)
        database.execute(*lacking.statements)
        database.execute(stage_definition(self._dialect, self._stage, self._shape))
        outcome = Outcome(created=lacking.table, added=() if lacking.table else lacking.columns)
        outcome.sums = self._fill()
        if load.mode == "replace":
            self._replace(outcome)
        else:
            self._append(outcome)
        self._write_ledger(outcome)
        database.execute(f"DROP TABLE {quoted(self._stage)}")
        return outcome

    # --- the stage --------------------------------------------------------------------------------------------

    def _fill(self) -> list[Sums]:
        """Fill the stage, and prove that it holds what was read."""
        tallies = [_Tally(self._shape) for _ in self._load.parts]
        # Closes the file of the rows, whatever stops the load.
        with closing(self._batches(tallies)) as batches:
            self._database.fill(self._stage, self._shape, batches)
        found = []
        for part, tally in zip(self._load.parts, tallies, strict=True):
            staged = self._sums(quoted(self._stage), self._in_part(part))
            # Where it was not proven what the rows add up to, they have to add up to what was sent.
            expected = tally.sums if part.expected is None else comparable(part.expected, self._shape)
            self._compare("the stage", part, staged, expected, STEP)
            found.append(staged)
        ((rows,),) = self._database.query(f"SELECT count(*) FROM {quoted(self._stage)}")
        inside = sum(each.rows for each in found)
        if int(rows) != inside:
            raise ClockifyIncompleteError(
                f"{int(rows):,} rows were staged for {self._load.name}, {inside:,} of them in the windows that were "
                "read. Report it."
            )
        return found

    def _batches(self, tallies: Sequence[_Tally]) -> Generator[Columns, None, None]:
        load = self._load
        for part, tally in zip(load.parts, tallies, strict=True):
            # What is added up here, is added up of Python's values.
            is_for_arrow = self._database.takes_arrow and part.expected is not None
            for batch in part.for_arrow(arrow()) if is_for_arrow else part.rows():
                values = batch
                if not self._dialect.takes_nul:
                    values = holdable(self._shape.columns, batch, load.nul_replacement)
                if part.expected is None:
                    tally.add(values)
                rows = len(values[0])
                yield [
                    *values,
                    [load.workspace_id] * rows,
                    [part.read_at] * rows,
                    [load.run_id] * rows,
                ]

    def _in_part(self, part: Part, windows: Sequence[Window] | None = None) -> str:
        if part.window is None or self._shape.position is None:
            return "(1 = 1)"
        return in_windows(self._dialect, self._shape.position, [part.window] if windows is None else windows)

    # --- the table --------------------------------------------------------------------------------------------

    def _replace(self, outcome: Outcome) -> None:
        database, load, name = self._database, self._load, self._name
        left = [self._left_of(part) for part in load.parts]
        outcome.superseded = any(
            windows != ([part.window] if part.window is not None else None)
            for part, windows in zip(load.parts, left, strict=True)
        )
        newest = not_newer_elsewhere(name, self._stage, self._shape)
        taken = [
            f"{self._in_part(part, windows)} AND {newest}"
            for part, windows in zip(load.parts, left, strict=True)
            if windows != []
        ]
        # Before anything is deleted: what is newer stays, so that this is what will be copied.
        wanted = [self._sums(quoted(self._stage), where) for where in taken]
        outcome.left_out = sum(each.rows for each in outcome.sums) - sum(each.rows for each in wanted)
        places = [
            self._in_part(part, windows)
            for part, windows in zip(load.parts, left, strict=True)
            if windows != []
        ]
        for place in places:
            database.execute(f"DELETE FROM {name.sql} WHERE {self._own} AND {place}")
        if self._shape.id is not None:
            database.execute(delete_ids(self._dialect, name, self._stage, self._shape, load.workspace_id))
        if taken:
            where = " OR ".join(f"({each})" for each in taken)
            database.execute(insert(self._dialect, name, self._stage, self._shape, where))
        parts = [part for part, windows in zip(load.parts, left, strict=True) if windows != []]
        for part, place, expected in zip(parts, places, wanted, strict=True):
            held = self._sums(name.sql, f"{self._own} AND {place}")
            self._compare(f"the table {name}", part, held, expected)
            outcome.rows += held.rows
            if part is load.parts[0]:
                outcome.own_rows = held.rows
        self._check_once()

    def _left_of(self, part: Part) -> list[Window] | None:
        """Return what of a part no newer read has covered; ``None`` for the whole of a list."""
        loads = self._newer(part)
        if part.window is None:
            return [] if loads else None
        return left_of(part.window, [each for each in loads if each is not None])

    def _newer(self, part: Part) -> list[Window | None]:
        """Return the windows of newer reads."""
        literal, text = self._dialect.literal, self._dialect.instant_text
        scope = self._shape.scope[1] if self._shape.scope else ""
        where = [
            f"{quoted(WORKSPACE)} = {literal(self._load.workspace_id)}",
            f"scope = {literal(scope)}",
            f"read_at > {literal(part.read_at)}",
        ]
        if part.window is not None:
            where += [
                f"window_start < {literal(part.window.end)}",
                f"window_end > {literal(part.window.start)}",
            ]
        else:
            where.append("window_start IS NULL")
        columns = ", ".join(text.format(each) for each in ("window_start", "window_end", "read_at"))
        rows = self._database.query(
            f"SELECT {columns} FROM {self._name.ledger.sql} WHERE {' AND '.join(where)}"
        )
        if part.window is None:
            return [None for _ in rows]
        loads = [Loaded(Window(instant_of(a), instant_of(b)), instant_of(c)) for a, b, c in rows]
        return list(newer_than(loads, part.read_at))

    def _append(self, outcome: Outcome) -> None:
        load, database, name = self._load, self._database, self._name
        stage = quoted(self._stage)
        if load.mode == "append_snapshot":
            mine = f"{self._own} AND {quoted(RUN_ID)} = {self._dialect.literal(load.run_id)}"
            database.execute(f"DELETE FROM {name.sql} WHERE {mine}")
            where = "(1 = 1)"
        else:
            mine = self._own
            same = " AND ".join(
                f"t.{quoted(each)} = {stage}.{quoted(each)}" for each in (WORKSPACE, *self._shape.key)
            )
            where = f"NOT EXISTS (SELECT 1 FROM {name.sql} AS t WHERE {same})"
        before = self._sums(name.sql, mine)
        new = self._sums(stage, where)
        database.execute(insert(self._dialect, name, self._stage, self._shape, where))
        held = self._sums(name.sql, mine)
        expected = Sums(before.rows + new.rows, before.seconds + new.seconds, held.amounts)
        self._compare(f"the table {name}", load.parts[0], held, expected)
        outcome.rows = outcome.own_rows = new.rows
        outcome.left_out = sum(each.rows for each in outcome.sums) - new.rows

    def _check_once(self) -> None:
        """Make sure that no id is there twice, where no key of the table does."""
        if self._shape.id is None or self._dialect.has_key:
            return
        of = quoted(self._shape.id)
        ((twice,),) = self._database.query(
            f"SELECT count(*) FROM (SELECT {of} FROM {self._name.sql} WHERE {self._own} AND {of} IN "
            f"(SELECT {of} FROM {quoted(self._stage)}) GROUP BY {of} HAVING count(*) > 1) AS twice"
        )
        if twice:
            raise ClockifyIncompleteError(f"The table {self._name} would hold {twice} ids twice. Report it.")

    # --- what is compared -------------------------------------------------------------------------------------

    def _sums(self, table: str, where: str) -> Sums:
        return read_sums(self._database, self._database.query(sums(self._dialect, table, self._shape, where)))

    def _compare(
        self, what: str, part: Part, found: Sums, expected: Sums, step: Decimal = Decimal(0)
    ) -> None:
        difference = found.differs_from(expected, step=step)
        if difference is not None:
            of = f" of {part.window}" if part.window is not None else ""
            raise ClockifyIncompleteError(
                f"{self._dialect.name}: {what} holds{of} {difference}. Rolled back. A "
                "trigger, a rule or another program may change rows while they are loaded."
            )

    def _write_ledger(self, outcome: Outcome) -> None:
        load = self._load
        for part, found in zip(load.parts, outcome.sums, strict=True):
            proven = found if part.expected is None else part.expected
            amounts = {code: f"{amount.normalize():f}" for code, amount in sorted(proven.amounts.items())}
            values: dict[str, Any] = {
                "load_id": load.load_id,
                WORKSPACE: load.workspace_id,
                "scope": self._shape.scope[1] if self._shape.scope else "",
                "window_start": part.window.start if part.window else None,
                "window_end": part.window.end if part.window else None,
                "reason": part.reason,
                "read_at": part.read_at,
                RUN_ID: load.run_id,
                "rows": proven.rows,
                "seconds": int(proven.seconds),
                "amounts": msgspec.json.encode(amounts).decode(),
                "requests": load.requests(),
                "followed_until": load.followed_until,
                "loaded_at": datetime.now(UTC),
            }
            self._database.execute(ledger_insert(self._dialect, self._name, values))


def comparable(expected: Sums, shape: Shape) -> Sums:
    """
    Return of what was read what the columns of a table can tell (pure).

    :param expected: What was read.
    :param shape: What the table holds.
    """
    return Sums(
        expected.rows,
        expected.seconds if shape.seconds else Decimal(0),
        {code: amount for code, amount in expected.amounts.items() if amount} if shape.amount else {},
    )


class _Tally:
    """What was sent to the stage, added up here."""

    def __init__(self, shape: Shape) -> None:
        places = {each.name: number for number, each in enumerate(shape.columns)}
        self._seconds = places.get(shape.seconds or "")
        self._amount = places.get(shape.amount or "")
        self._currency = places.get(shape.currency or "")
        self._rows = 0
        self._time = 0
        self._money: dict[str, Decimal] = {}

    def add(self, batch: Columns) -> None:
        """Count a batch in."""
        self._rows += len(batch[0])
        if self._seconds is not None:
            self._time += sum(value for value in batch[self._seconds] if value is not None)
        if self._amount is not None and self._currency is not None:
            for code, amount in zip(batch[self._currency], batch[self._amount], strict=True):
                if amount is not None:
                    key = code or ""
                    self._money[key] = self._money.get(key, Decimal(0)) + Decimal(amount)

    @property
    def sums(self) -> Sums:
        """What was added up; nothing of currencies that add up to nothing."""
        return Sums(self._rows, Decimal(self._time), {c: a for c, a in self._money.items() if a})


def read_sums(database: Database, rows: Sequence[Sequence[Any]]) -> Sums:
    """
    Read the answer to :func:`.statements.sums`.

    :param database: That gave it.
    :param rows: Currency, rows, seconds, amount.
    """
    amounts = {str(row[0]): as_money(database, row[3]) for row in rows}
    return Sums(
        sum(int(row[1]) for row in rows),
        sum((Decimal(str(row[2])) for row in rows), Decimal(0)),
        {code: amount for code, amount in amounts.items() if amount},
    )


def as_money(database: Database, value: Any) -> Decimal:
    """
    Read a sum of money.

    :param database: That gave it.
    :param value: As it came; ``None`` for nothing.
    """
    return Decimal(str(value or 0)).scaleb(-database.dialect.money_scale)


def instant_of(text: str) -> datetime:
    """
    Read an instant that :attr:`.statements.Dialect.instant_text` gave.

    :param text: ISO 8601 with ``Z``.
    """
    return datetime.fromisoformat(text)
