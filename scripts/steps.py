# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What a script does now and how far it is: a bar in a terminal, a line for each step elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console


class Steps:
    """
    The steps of something that takes longer than a few seconds.

    :param console: Where to.
    :param total: How many steps there will be.
    """

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._began = time.monotonic()
        self._bar = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description} …", markup=False),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=total)
        self._is_first = True

    def begin(self, text: str) -> None:
        """Say what is done now; what was done before is finished."""
        if not self._is_first:
            self._bar.advance(self._task)
        self._is_first = False
        self._bar.update(self._task, description=text)
        if not self._console.is_terminal:
            self._console.print(f"{time.monotonic() - self._began:4.0f} s  {text} …", soft_wrap=True)

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        self._bar.stop()
