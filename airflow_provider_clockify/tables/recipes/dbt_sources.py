# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""dbt's sources: tables and their ledgers as YAML, with descriptions, tests and freshness (pure)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_clockify.tables.ledger import LEDGER_COLUMNS, READ_AT, WORKSPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_clockify.columns.tables import Column
    from airflow_provider_clockify.tables.statements import Shape, TableName

# Where a database looks first, which is where the operators create tables without a schema.
_SCHEMA = "{{ var('clockify_schema', 'main' if target.type == 'duckdb' else 'public') }}"
# A daily load that failed twice in a row.
_WARN_HOURS, _ERROR_HOURS = 30, 54


class Source(NamedTuple):
    """
    A table that the operators keep.

    :param what: The report or list, for people.
    :param name: The table; all sources are in the schema of the first.
    :param shape: What it holds.
    """

    what: str
    name: TableName
    shape: Shape


def dbt_sources(sources: Sequence[Source]) -> str:
    """
    Return the YAML of the source ``clockify``, for dbt 1.10.5 or newer.

    Its tests of keys are those of the generic test ``unique_together``, which takes names of columns.

    :param sources: The tables, at least one.
    """
    lines = [
        "version: 2",
        "",
        "sources:",
        "  - name: clockify",
        f"    description: {_text('Tables that Airflow keeps equal to Clockify, and the ledgers of their loads.')}",
        f"    schema: {_text(sources[0].name.schema or _SCHEMA)}",
        "    tables:",
    ]
    for source in sources:
        lines += [*_table(source), *_ledger(source)]
    return "\n".join(lines) + "\n"


def _table(source: Source) -> Iterable[str]:
    shape = source.shape
    has_id = any(each.name == "id" for each in shape.columns)
    key = shape.key or (("id",) if has_id else ())
    needed = {WORKSPACE, READ_AT, *key, *((shape.position.name,) if shape.position else ())}
    yield f"      - name: {source.name.table}"
    yield f"        description: {_text(f'Clockify: {source.what}.')}"
    if key:
        yield "        data_tests:"
        yield "          - unique_together:"
        yield "              arguments:"
        yield f"                columns: [{', '.join(map(_text, (WORKSPACE, *key)))}]"
    yield from _columns(shape.all_columns, needed)


def _ledger(source: Source) -> Iterable[str]:
    yield f"      - name: {source.name.ledger.table}"
    yield f"        description: {_text(f'Loads of {source.name.table}, a row for each window.')}"
    yield "        config:"
    # Not of the rows themselves: a window without entries is loaded, too.
    yield "          loaded_at_field: loaded_at"
    yield "          freshness:"
    yield f"            warn_after: {{count: {_WARN_HOURS}, period: hour}}"
    yield f"            error_after: {{count: {_ERROR_HOURS}, period: hour}}"
    yield from _columns(LEDGER_COLUMNS, {"load_id", WORKSPACE, "read_at", "loaded_at"})


def _columns(columns: Sequence[Column], needed: set[str]) -> Iterable[str]:
    yield "        columns:"
    for each in columns:
        yield f"          - name: {_text(each.name)}"
        yield f"            description: {_text(each.description)}"
        if each.name in ("start", "end", "group", "order"):  # Words of SQL.
            yield "            quote: true"
        if each.name in needed:
            yield "            data_tests: [not_null]"


def _text(value: str) -> str:
    """Write a text as YAML, which takes what JSON takes."""
    return json.dumps(value, ensure_ascii=False)
