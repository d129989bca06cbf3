# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What every reader of a report is, takes and returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from types import TracebackType
    from typing import Self

    from airflow_provider_clockify.window import Window

MAX_READS = 4
# Two sums of the same fractional numbers may differ in their last digits, never by half a minor unit or second.
TOLERANCE = Decimal("0.5")


class RowSink(Protocol):
    """Where the rows of one window go."""

    def write(self, ids: Sequence[str], rows: Sequence[bytes], starts: Sequence[datetime]) -> None:
        """
        Take rows: lists of the same length.

        :param ids: Ids of the entries.
        :param rows: The JSON objects as the service sent them; bytes, or ``msgspec.Raw``.
        :param starts: Starts of the entries, aware, in UTC.
        """

    def restart(self) -> None:
        """Forget all rows taken so far: the window is read again."""


@dataclass(slots=True)
class ReadResult:
    """
    What was read and handed to the sink.

    :param rows: Rows handed over.
    :param seconds: Their duration.
    :param money: Their amounts in minor units per currency; empty where amounts are hidden.
    :param running: Timers without an end that the report held; left out.
    :param outside: Rows that the service gave although they start outside the window; left out.
    :param duplicates: Rows that came twice; left out.
    :param pages: Pages read, repeated ones included.
    :param reads: Times the window was read from its first page.
    :param users: Ids of up to two users whose rows were received.
    :param money_hidden: Whether the service showed no amounts although there are rows.
    :param rounded: By how much the rows' amounts differ from the service's sums, per currency, where no more than
        rounding to whole minor units explains it.
    :param ids: Ids of all rows received, if they came in one page.
    :param totals: The service's own sums of the window when the read was proven, as JSON values; ``None`` where it
        gives none.
    """

    rows: int = 0
    seconds: Decimal = Decimal(0)
    money: dict[str, Decimal] = field(default_factory=dict)
    running: int = 0
    outside: int = 0
    duplicates: int = 0
    pages: int = 0
    reads: int = 0
    users: set[str] = field(default_factory=set)
    money_hidden: bool = False
    rounded: dict[str, Decimal] = field(default_factory=dict)
    ids: list[str] | None = None
    totals: Any = None


class Reader:
    """
    Reads one kind of report, one window at a time; a context that ends what it has begun.

    :ivar sorted_by_id: Whether rows come in the order of their ids.
    :ivar sums_windows_up: Whether one request tells the sums of several windows together.
    """

    sorted_by_id = False
    sums_windows_up = True

    def read(self, window: Window, sink: RowSink, upcoming: Sequence[Window] = ()) -> ReadResult:
        """
        Hand all rows of the window to the sink, proven complete.

        :param window: At most as long as the report allows.
        :param sink: Takes the rows; told to restart when the data changed under the read.
        :param upcoming: Windows that will be read next, so that their first pages may be asked for in advance.
        """
        raise NotImplementedError

    def is_unchanged(self, window: Window, results: Sequence[ReadResult]) -> bool:
        """
        Ask the service whether its sums still are those of what was read; costs one request.

        :param window: The time that was read.
        :param results: What was read of it, in one or (if :attr:`sums_windows_up`) in several windows that tile it.
        :raises ClockifyBadRequestError: it gives no sums of so much time at once, as on the Free plan.
        """
        raise NotImplementedError

    def ask_unchanged(self, window: Window, results: Sequence[ReadResult]) -> Callable[[], bool]:
        """
        Ask what :meth:`is_unchanged` asks, if possible without waiting for the answer.

        :param window: The time that was read.
        :param results: What was read of it.
        :return: Waits for the answer and returns or raises what :meth:`is_unchanged` would; not after :meth:`close`.
        """
        return partial(self.is_unchanged, window, results)

    def close(self) -> None:
        """Drop what has been asked for in advance, and end all threads."""

    def __enter__(self) -> Self:
        """Begin to read."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, however the read went."""
        self.close()
