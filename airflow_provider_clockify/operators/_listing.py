# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Which items of a list, and which changes of a window, the operators read that publish them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.exceptions import ClockifyResponseError
from airflow_provider_clockify.operators._base import WindowMixin
from airflow_provider_clockify.window import parse_lookback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_clockify.export.list_export import Part
    from airflow_provider_clockify.hooks.clockify import ClockifyHook
    from airflow_provider_clockify.operators._attempts import Attempt
    from airflow_provider_clockify.types import EntityType
    from airflow_provider_clockify.window import Window


class ListMixin:
    """
    Which items of a list are read, for operators that take one whole.

    :ivar filters: Filters of the list by the names of the hook's method.
    """

    filters: Mapping[str, Any] | str | None
    log: Any

    def checked_filters(self, hook: ClockifyHook, entity: str) -> dict[str, Any]:
        """Return the filters, with those without which the list would leave something out."""
        from airflow_provider_clockify.service.filters import read_filters

        filters = {**hook.everything(entity), **read_filters(self.filters)}
        hook.check_list(entity, filters)
        return filters

    def parts(self, hook: ClockifyHook, entity: str, filters: Mapping[str, Any]) -> list[Part]:
        """Return what is read: the whole list, or the items of each parent."""
        from airflow_provider_clockify.columns.list_columns import PARENTS, WITHOUT_PARENT
        from airflow_provider_clockify.export.list_export import Part

        if entity not in PARENTS:
            return [Part("items", partial(self._items, hook, entity, filters))]
        parents, argument = PARENTS[entity]
        ids: list[str] = [
            parent.get("id", "") for parent in hook.iter_as_sent(parents, hook.everything(parents))
        ]
        if not all(isinstance(each, str) and each for each in ids):
            raise ClockifyResponseError(
                f"One of the {parents} has no id, so that its {entity} cannot be listed; the service may have "
                "changed."
            )
        self.log.info(
            "%s are listed for each of %d %s: at least %d requests.", entity, len(ids), parents, len(ids)
        )
        own = entity in WITHOUT_PARENT
        parts = [
            Part(
                # By its id: what is kept for a later attempt must not depend on how many parents come before it.
                parent_id if parent_id.isalnum() else parent_id.encode().hex(),
                partial(
                    _items_of,
                    hook,
                    entity,
                    filters,
                    {argument: parent_id},
                    {argument: parent_id} if own else {},
                ),
            )
            for parent_id in ids
        ]
        return parts or [Part("none", tuple)]

    def _items(
        self, hook: ClockifyHook, entity: str, filters: Mapping[str, Any]
    ) -> Iterator[Mapping[str, Any]]:
        from airflow_provider_clockify.columns.list_columns import SECRETS

        if entity == "assignments":
            # The one list of a period: the service may shift its bounds.
            yield from hook.iter_assignments(**filters)
            return
        secrets = SECRETS.get(entity, ())
        for item in hook.iter_as_sent(entity, filters):
            yield {name: value for name, value in item.items() if name not in secrets}


def _items_of(
    hook: ClockifyHook,
    entity: str,
    filters: Mapping[str, Any],
    parent: Mapping[str, str],
    own: Mapping[str, str],
) -> Iterator[Mapping[str, Any]]:
    """Go through the items of one parent; ``own`` are keys that they get because they do not name it."""
    for item in hook.iter_as_sent(entity, filters, **parent):
        yield {**item, **own}


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

    def changes(self, hook: ClockifyHook, window: Window) -> Part:
        """Return what is read: the changes of a window."""
        from airflow_provider_clockify.export.list_export import Part

        lookback = parse_lookback(self.lookback)
        return Part(
            "items",
            lambda: hook.get_entity_changes(
                self.entity_type,
                window.start,
                window.end,
                known_until=window.start + lookback if lookback else None,
            ),
        )
