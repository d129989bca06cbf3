# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Whether a table can take a load, asked before anything is read: rights, columns, and what is still to be created."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_clockify.exceptions import ClockifyConfigError, Entry, explained_by
from airflow_provider_clockify.tables.database import names_of
from airflow_provider_clockify.tables.ledger import LEDGER_COLUMNS, METADATA_COLUMNS
from airflow_provider_clockify.tables.statements import (
    ledger_definition,
    misfits,
    new_columns,
    table_definition,
)

if TYPE_CHECKING:
    from airflow_provider_clockify.tables.database import Database
    from airflow_provider_clockify.tables.statements import Shape, TableName


@dataclass(frozen=True, slots=True)
class Permission:
    """
    What a load may do to a table's definition.

    :param create: Whether it creates the table and its ledger.
    :param widen: Whether it adds columns.
    """

    create: bool = True
    widen: bool = True


@dataclass(frozen=True, slots=True)
class Missing:
    """
    What a table still lacks.

    :param statements: What creates it.
    :param columns: Names of the columns that are to be added.
    :param table: Whether the table itself is to be created.
    """

    statements: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    table: bool = False


@explained_by(Entry.TABLE)
def missing(database: Database, name: TableName, shape: Shape, permission: Permission) -> Missing:
    """
    Find out what a table lacks, and refuse what cannot be mended here.

    :param database: In a transaction.
    :param name: Full name of the table.
    :param shape: What it is to hold.
    :param permission: What may be created.
    :raises ClockifyConfigError: a right is missing, columns do not fit, or may not be created; says what to run.
    """
    dialect = database.dialect
    there, ledger = database.types(name), database.types(name.ledger)
    lacking = [each for each in shape.all_columns if each.name not in there] if there else []
    rights = database.missing_rights(
        name,
        creates=permission.create and not (there and ledger),
        widens=permission.widen and bool(lacking),
    )
    if rights:
        raise ClockifyConfigError(
            f"{dialect.name}: the role of the connection may not load into {name}. It cannot "
            + "; it cannot ".join(rights)
            + ". Nothing was asked of Clockify."
        )
    statements: list[str] = []
    if not there:
        statements += table_definition(dialect, name, shape)
    if not ledger:
        statements.append(ledger_definition(dialect, name))
    if statements and not permission.create:
        absent = [str(each) for each, found in ((name, there), (name.ledger, ledger)) if not found]
        raise ClockifyConfigError(
            f"{dialect.name} has no table {' and no table '.join(absent)}, and create_table is False. Create what is "
            "missing, or set create_table=True:\n\n" + ";\n".join(statements) + ";"
        )
    additions = new_columns(dialect, name, lacking)
    if lacking:
        known = set(names_of(METADATA_COLUMNS))
        own = [each.name for each in lacking if each.name in known]
        if own:
            raise ClockifyConfigError(
                f"The table {name} is there and has no column {', '.join(own)}: it was not made by a load. Name "
                "another table, or rename the one that is there."
            )
        if not permission.widen:
            raise ClockifyConfigError(
                f'The table {name} has no column {", ".join(names_of(lacking))}, and schema_change is "fail". Leave '
                'them out with drop_columns, set schema_change="add_columns", or run:\n\n'
                + ";\n".join(additions)
                + ";"
            )
    if there:
        wrong = misfits(dialect, shape.all_columns, there)
        unfillable = database.unfillable(name, names_of(shape.all_columns))
        if wrong or unfillable:
            wrong += [f"{each} must have a value, and no load gives it one" for each in unfillable]
            raise ClockifyConfigError(
                f"The table {name} cannot hold the rows: {'; '.join(wrong)}. Change these columns, leave them out with "
                "drop_columns, or name another table."
            )
    if ledger:
        absent = [each.name for each in LEDGER_COLUMNS if each.name not in ledger]
        if absent:
            raise ClockifyConfigError(
                f"The table {name.ledger} is there and is not a ledger of loads: it has no column {', '.join(absent)}. "
                "Rename it, or name another table."
            )
    return Missing((*statements, *additions), tuple(names_of(lacking)), not there)
