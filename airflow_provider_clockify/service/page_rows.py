# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The rows of a page, column by column (pure).

Exports go through millions of rows. What is done for all rows of a page in one step costs a fraction of what the same
costs row by row.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from itertools import compress
from typing import TYPE_CHECKING

from airflow_provider_clockify.service.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

# Sums are made with 28 digits, so that anything larger could not be told from what it is not.
MOST_DIGITS = 26
_LIMIT = Decimal(10) ** MOST_DIGITS


@dataclass(frozen=True, slots=True)
class PageRows:
    """
    What the proof of completeness needs of each row of a page, and the rows: lists of the same length.

    :param ids: Ids; empty where the service gave none.
    :param rows: The JSON objects as the service sent them, byte for byte; bytes, or ``msgspec.Raw``.
    :param starts: When they start, aware, in UTC.
    :param running: Whether they have no end yet.
    :param seconds: Their durations.
    :param breaks: Whether they are breaks, which the service may leave out of its total.
    :param amounts: Their amounts in minor units.
    :param currencies: The amounts' currencies; empty where the service gave none.
    :param users: Whose they are.
    """

    ids: Sequence[str]
    rows: Sequence[bytes]
    starts: Sequence[datetime]
    running: Sequence[bool]
    seconds: Sequence[Decimal | int]
    breaks: Sequence[bool]
    amounts: Sequence[Decimal]
    currencies: Sequence[str]
    users: Sequence[str | None]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.ids)

    def only(self, wanted: Iterable[bool]) -> PageRows:
        """
        Return some of the rows.

        :param wanted: For each row whether it is one of them.
        """
        flags = list(wanted)
        return PageRows(*(list(compress(getattr(self, name), flags)) for name in _COLUMNS))


_COLUMNS = tuple(column.name for column in fields(PageRows))


def summable(number: Decimal | int | None) -> bool:
    """Tell whether a sum can be proven over a number: ``"NaN"`` as text is one to the decoder, too."""
    return not number or all_summable([number])


def all_summable(numbers: Sequence[Decimal | int]) -> bool:
    """Tell the same of many numbers at once."""
    try:
        return not numbers or (min(numbers) > -_LIMIT and max(numbers) < _LIMIT)
    except InvalidOperation:  # What is not a number cannot be compared.
        return False


def not_summable(name: str, number: Decimal | int) -> str:
    """Say what is wrong with a number."""
    return f"{name} is {shown(str(number))}, no number of at most {MOST_DIGITS} digits"
