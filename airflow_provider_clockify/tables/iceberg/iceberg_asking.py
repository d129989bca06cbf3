# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Questions to an Iceberg table before a load: its sums by day, where ids are, what its ledger knows."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.export.formats.parquet_files import arrow
from airflow_provider_clockify.tables.iceberg.iceberg_catalog import ledger_of
from airflow_provider_clockify.tables.iceberg.iceberg_files import (
    DataFiles,
    all_of,
    between,
    in_windows,
    is_in,
    of_workspace,
    summed,
)
from airflow_provider_clockify.tables.iceberg.iceberg_sums import ArrowTally, plus
from airflow_provider_clockify.tables.ledger import Sums, together
from airflow_provider_clockify.window import local_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from airflow_provider_clockify.tables.iceberg.iceberg_catalog import IcebergCatalog
    from airflow_provider_clockify.tables.statements import Shape
    from airflow_provider_clockify.window import Window

# Midnights of all time zones are multiples of it, so that no such stretch lies in two days.
QUARTER = 15


@dataclass(frozen=True, slots=True)
class IcebergQuestions:
    """
    Asks one state of a table.

    :param catalog: Its catalog.
    :param table: pyiceberg's table; ``None`` if there is none yet.
    :param shape: What it holds.
    """

    catalog: IcebergCatalog
    table: Any
    shape: Shape

    def days(self, workspace_id: str, days: Sequence[Window]) -> dict[date, Sums]:
        """
        Sum the table up by day.

        :param workspace_id: Workspace.
        :param days: Days of one zone that follow each other.
        :return: Sums by day; days without rows are not there.
        """
        position = self.shape.position
        if self.table is None or position is None or not self._has_columns():
            return {}
        pa = arrow()
        tally = ArrowTally(self.shape)
        condition = all_of(of_workspace(workspace_id), in_windows(position, together(days)))
        with self.catalog.telling():
            for rows in self._files().read(condition, [position.name, *summed(self.shape)]):
                quarters = pa.compute.floor_temporal(
                    rows.column(position.name), multiple=QUARTER, unit="minute"
                )
                tally.add(rows, quarters)
        starts = [day.start for day in days]
        found: dict[date, Sums] = {}
        for moment, sums in tally.by_key.items():
            day = days[bisect_right(starts, moment.astimezone(UTC)) - 1]
            of = local_day(day.start, day.zone)
            found[of] = plus(found.get(of, Sums()), sums)
        return found

    def places_of(self, workspace_id: str, ids: Iterable[str]) -> set[datetime]:
        """
        Return the instants at which the table has ids.

        :param workspace_id: Workspace.
        :param ids: The ids.
        """
        position, known = self.shape.position, sorted(ids)
        if self.table is None or position is None or self.shape.id is None or not known:
            return set()
        wanted = arrow().array(known, arrow().string())
        condition = all_of(of_workspace(workspace_id), between(self.shape.id, known[0], known[-1]))
        found: set[datetime] = set()
        with self.catalog.telling():
            for rows in self._files().read(condition, [self.shape.id, position.name]):
                some = rows.filter(is_in(rows.column(self.shape.id), wanted))
                found |= {each for each in some.column(position.name).to_pylist() if each is not None}
        return found

    def followed_until(self, workspace_id: str) -> datetime | None:
        """
        Return until when the table knows the changes of a workspace.

        :param workspace_id: Workspace.
        :return: Where the feeds were followed to; before the first time, when the last load began to read; ``None``
            without a load.
        """
        if self.table is None:
            return None
        ledger = ledger_of(self.table.metadata, workspace_id)
        return ledger.followed_until or ledger.newest

    def first_loaded(self, workspace_id: str) -> datetime | None:
        """
        Return the first instant that was ever loaded of a workspace.

        :param workspace_id: Workspace.
        :return: ``None`` without a load.
        """
        return None if self.table is None else ledger_of(self.table.metadata, workspace_id).first

    def _files(self) -> DataFiles:
        return DataFiles(self.table.metadata, self.table.io)

    def _has_columns(self) -> bool:
        """Tell whether the table has what is added up: a column that is to be added has nothing in it yet."""
        names = {each.name for each in self.table.schema().fields}
        return names.issuperset(summed(self.shape))
