# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What is compared of rows of Arrow: their number, time, and money per currency, batch by batch."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.export.formats.parquet_files import arrow
from airflow_provider_clockify.tables.ledger import Sums

if TYPE_CHECKING:
    from airflow_provider_clockify.tables.statements import Shape


class ArrowTally:
    """
    Adds rows up, all together or by a key.

    :param shape: What the rows hold.
    """

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._found: dict[Any, list[Any]] = {}

    def add(self, rows: Any, keys: Any = None) -> None:
        """
        Count rows in.

        :param rows: Batch or table of Arrow, with the columns that are added up.
        :param keys: A key of each row, an array of Arrow; ``None`` for one sum of all.
        """
        if not rows.num_rows:
            return
        pa, shape = arrow(), self._shape
        columns: dict[str, Any] = {
            "key": pa.repeat(pa.scalar(0), rows.num_rows) if keys is None else keys,
            "currency": (
                pa.compute.fill_null(rows.column(shape.currency).cast(pa.string()), "")
                if shape.currency
                else pa.repeat(pa.scalar(""), rows.num_rows)
            ),
        }
        wanted: list[Any] = [([], "count_all")]
        if shape.seconds:
            columns["seconds"] = rows.column(shape.seconds)
            wanted.append(("seconds", "sum"))
        if shape.amount:
            columns["amount"] = rows.column(shape.amount)
            wanted.append(("amount", "sum"))
        groups = pa.table(columns).group_by(["key", "currency"]).aggregate(wanted)
        for group in groups.to_pylist():
            sums = self._found.setdefault(group["key"], [0, Decimal(0), {}])
            sums[0] += group["count_all"]
            sums[1] += group.get("seconds_sum") or 0
            money = group.get("amount_sum")
            if money:
                code = group["currency"]
                sums[2][code] = sums[2].get(code, Decimal(0)) + money

    @property
    def sums(self) -> Sums:
        """All together."""
        found = Sums()
        for each in self.by_key.values():
            found = plus(found, each)
        return found

    @property
    def by_key(self) -> dict[Any, Sums]:
        """By key."""
        return {
            key: Sums(rows, Decimal(seconds), {code: amount for code, amount in money.items() if amount})
            for key, (rows, seconds, money) in self._found.items()
        }


def plus(one: Sums, other: Sums) -> Sums:
    """
    Add two sums (pure).

    :param one: The one.
    :param other: The other.
    """
    codes = {*one.amounts, *other.amounts}
    nothing = Decimal(0)
    amounts = {code: one.amounts.get(code, nothing) + other.amounts.get(code, nothing) for code in codes}
    return Sums(
        one.rows + other.rows,
        one.seconds + other.seconds,
        {code: amount for code, amount in amounts.items() if amount},
    )
