# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Questions to a table before a load: its sums by day, where ids are, what its ledger knows."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from airflow_provider_clockify.columns.tables import ColumnType
from airflow_provider_clockify.tables.ledger import WORKSPACE, Sums
from airflow_provider_clockify.tables.replacing import as_money, instant_of
from airflow_provider_clockify.tables.statements import day_sums, of_workspace, quoted
from airflow_provider_clockify.window import local_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from airflow_provider_clockify.tables.database import Database
    from airflow_provider_clockify.tables.statements import Shape, TableName
    from airflow_provider_clockify.window import Window

# Values of one statement.
MANY = 300


def table_days(
    database: Database, name: TableName, shape: Shape, workspace_id: str, days: Sequence[Window]
) -> dict[date, Sums]:
    """
    Sum a table up by day.

    :param database: In a transaction.
    :param name: Full name of the table; it is there.
    :param shape: What it holds.
    :param workspace_id: Workspace.
    :param days: Days of one zone.
    :return: Sums by day; days without rows are not there.
    """
    found: dict[date, Sums] = {}
    for place in range(0, len(days), MANY):
        some = days[place : place + MANY]
        for number, code, rows, seconds, amount in database.query(
            day_sums(database.dialect, name, shape, workspace_id, some)
        ):
            day = local_day(some[int(number)].start, some[int(number)].zone)
            before = found.get(day, Sums())
            money = as_money(database, amount)
            found[day] = Sums(
                before.rows + int(rows),
                before.seconds + Decimal(str(seconds)),
                {**before.amounts, str(code): money} if money else before.amounts,
            )
    return found


def places_of(
    database: Database, name: TableName, shape: Shape, workspace_id: str, ids: Iterable[str]
) -> set[datetime]:
    """
    Return the instants at which a table has ids.

    :param database: In a transaction.
    :param name: Full name of the table; it is there.
    :param shape: What it holds; with an id, and a position of instants.
    :param workspace_id: Workspace.
    :param ids: The ids.
    """
    position = shape.position
    assert position is not None
    assert position.type is ColumnType.INSTANT
    assert shape.id is not None
    text = database.dialect.instant_text.format(quoted(position.name))
    own = of_workspace(database.dialect, shape, workspace_id)
    found: set[datetime] = set()
    known = sorted(ids)
    for place in range(0, len(known), MANY):
        some = ", ".join(map(database.dialect.literal, known[place : place + MANY]))
        rows = database.query(
            f"SELECT DISTINCT {text} FROM {name.sql} WHERE {own} AND {quoted(shape.id)} IN ({some})"
        )
        found |= {instant_of(moment) for (moment,) in rows if moment is not None}
    return found


def followed_until(database: Database, name: TableName, workspace_id: str) -> datetime | None:
    """
    Return until when a table knows the changes of a workspace.

    :param database: In a transaction.
    :param name: Full name of the table.
    :param workspace_id: Workspace.
    :return: Where the feeds were followed to; before the first time, when the last load began to read; ``None``
        without a load.
    """
    if not database.types(name.ledger):
        return None
    text = database.dialect.instant_text
    columns = ", ".join(text.format(each) for each in ("max(followed_until)", "max(read_at)"))
    ((followed, read),) = database.query(
        f"SELECT {columns} FROM {name.ledger.sql} WHERE {quoted(WORKSPACE)} = "
        f"{database.dialect.literal(workspace_id)}"
    )
    last = followed or read
    return None if last is None else instant_of(last)


def first_loaded(database: Database, name: TableName, workspace_id: str) -> datetime | None:
    """
    Return the first instant that was ever loaded of a workspace.

    :param database: In a transaction.
    :param name: Full name of the table.
    :param workspace_id: Workspace.
    :return: ``None`` without a load.
    """
    if not database.types(name.ledger):
        return None
    ((first,),) = database.query(
        f"SELECT {database.dialect.instant_text.format('min(window_start)')} FROM {name.ledger.sql} WHERE "
        f"{quoted(WORKSPACE)} = {database.dialect.literal(workspace_id)}"
    )
    return None if first is None else instant_of(first)
