# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Which changes of a window the operators read that publish them, and how long they wait for them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_clockify.operators._base import WindowMixin

if TYPE_CHECKING:
    from airflow_provider_clockify.export.list_export import Part
    from airflow_provider_clockify.operators._attempts import Attempt
    from airflow_provider_clockify.types import EntityType
    from airflow_provider_clockify.window import Window


class FeedMixin(WindowMixin):
    """
    What a window has changed, for operators that publish it.

    :ivar entity_type: For example ``TIME_ENTRY``.
    :ivar deferrable: Whether waits happen in the triggerer.
    """

    entity_type: EntityType | str
    deferrable: bool

    def checked_wait(self, window: Window) -> timedelta:
        """
        Return how long the feeds take to settle; a scheduled run begins when its window ends.

        Whatever the feeds would refuse is refused here, before the wait.
        """
        from airflow_provider_clockify.service.change_feeds import SETTLED, check_changes, check_window

        check_changes("created", self.entity_type)
        now, settled = datetime.now(UTC), window.end + SETTLED
        check_window(window, max(now, settled) if window.end <= now else now)
        # A second more: the machine's clock may be set back a little meanwhile.
        return settled - now + timedelta(seconds=1) if now < settled else timedelta(0)

    def wait_until_settled(self, attempt: Attempt, wait: timedelta) -> None:
        """Wait until the feeds show the deletions of the window."""
        if wait > timedelta(0):
            self.log.info("Waiting %.0f s: deletions show about a minute late.", wait.total_seconds())
            if self.deferrable:
                self.wait(wait, attempt.passed)  # type: ignore[attr-defined]  # of every reading operator
            time.sleep(wait.total_seconds())

    def changes(self, attempt: Attempt, window: Window) -> Part:
        """Return what is read: the changes of a window."""
        from airflow_provider_clockify.export.list_export import Part

        known_until = (
            self.resolve_window(attempt.context, with_lookback=False).start if self.lookback else None
        )
        return Part(
            "items",
            lambda: attempt.hook.get_entity_changes(
                self.entity_type, window.start, window.end, known_until=known_until
            ),
        )
