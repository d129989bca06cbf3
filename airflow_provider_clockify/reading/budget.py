# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Whether an export fits the workspace's hourly quota, asked before it is spent.

The first page of a report tells how many more it has, so that an export of many requests is recognised after one. What
other people and tools spend is not known here; a 429 in spite of the reckoning is handled as any other.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyBudgetError,
    ClockifyForbiddenError,
)
from airflow_provider_clockify.http.pace import FREE_REQUESTS_PER_HOUR as FREE_REQUESTS_PER_HOUR
from airflow_provider_clockify.reading.client import read_item
from airflow_provider_clockify.service.lists import workspace

if TYPE_CHECKING:
    from airflow_provider_clockify.reading.client import ClockifyClient

log = logging.getLogger(__name__)

# Plans are named FREE, or after their year: FREE_2026.
FREE_PLAN = "FREE"


@dataclass(frozen=True, slots=True)
class Need:
    """
    What an export still has to spend.

    :param part: Requests that the part in hand needs at least.
    :param after: Requests that the parts after it need at least.
    :param begun: Requests that the part in hand has spent; spent again if it is interrupted.
    :param spent: Requests that the export has spent, spent again if it is run again.
    """

    part: int
    after: int
    begun: int = 0
    spent: int = 0

    @property
    def total(self) -> int:
        """Requests that the export needs at least, from now on."""
        return self.part + self.after


def shortage(need: Need, left: int, on_budget: str) -> int | None:
    """
    Decide whether an export may go on (pure).

    :param need: What it still has to spend.
    :param left: Requests left in this hour.
    :param on_budget: ``fail``: only if all of it fits what is left. ``defer``: if the part in hand does, since what
        comes after it can wait.
    :return: ``None`` if it may, else the requests that an hour must have room for first.
    """
    if on_budget == "defer":
        return None if need.part <= left else need.part + need.begun
    return None if need.total <= left else need.total + need.spent


class Budget:
    """
    Keeps an export within the hourly quota.

    An export is a number of parts (chunks, files, parents) that are read one after the other.

    :param client: Its connection knows a quota, perhaps; its transport counts what is spent.
    :param workspace_id: Workspace, whose plan is looked up if an export needs more than a Free one has in an hour, and
        the connection names no quota (``getWorkspaceOfUser``, one request).
    :param on_budget: ``fail``, ``defer`` or ``ignore``.
    """

    def __init__(self, client: ClockifyClient, workspace_id: str, on_budget: str) -> None:
        self._client = client
        self._limiter = client.transport.limiter_of(workspace_id)
        self._workspace_id = workspace_id
        self._on_budget = on_budget
        self._plan_known = client.settings.requests_per_hour is not None
        self._after = 0

    @property
    def is_limited(self) -> bool:
        """Whether requests are counted: none may be spent on what might not be read."""
        return self._limiter.quota is not None

    @property
    def is_free(self) -> bool:
        """Whether the quota is known to be no more than the Free plan's."""
        quota = self._limiter.quota
        return quota is not None and quota <= FREE_REQUESTS_PER_HOUR

    def begin_unit(self, requests: int) -> None:
        """
        Check before the last part, which is of use only as a whole.

        :param requests: Requests that it needs.
        :raises ClockifyBudgetError: they do not fit.
        """
        self._after = 0
        self._check(self._need(requests))

    def fits(self, requests: int) -> bool:
        """
        Tell, without a request, whether :meth:`begin_unit` is known to pass.

        :param requests: Requests that the last part needs.
        """
        need = self._need(requests)
        return self._on_budget == "ignore" or (not self._must_look_up(need) and self._shortage(need) is None)

    def begin(self, parts: int) -> None:
        """
        Check before a part is begun.

        :param parts: Parts still to read, this one included; each needs at least one request.
        :raises ClockifyBudgetError: it does not fit.
        """
        self._after = parts - 1
        self._check(self._need(1, self._after))

    def first_page(self, more: int) -> None:
        """
        Check after the first page of a part.

        :param more: Pages that it still needs.
        :raises ClockifyBudgetError: they do not fit.
        """
        self._check(self._need(more, self._after, begun=1))

    def _need(self, part: int, after: int = 0, begun: int = 0) -> Need:
        return Need(part, after, begun, self._client.transport.stats.requests)

    def _check(self, need: Need) -> None:
        if self._on_budget == "ignore":
            return
        if self._must_look_up(need):
            self._look_up_plan()
        found = self._shortage(need)
        if found is None:
            return
        limiter, (short, left, quota) = self._limiter, found
        # What is waited for is the whole hour: other machines do not know what this one has spent.
        retry_after = limiter.free_in(quota if self._on_budget == "defer" else short) or 0.0
        raise ClockifyBudgetError(
            self._message(need, short, left, quota), needed=short, quota=quota, retry_after=retry_after
        )

    def _must_look_up(self, need: Need) -> bool:
        """Tell whether it matters which plan the workspace has, and nobody knows."""
        return not self._plan_known and need.spent + need.total > FREE_REQUESTS_PER_HOUR

    def _shortage(self, need: Need) -> tuple[int, int, int] | None:
        """Return what an hour must have room for first, what this one has, and what it has when it is new."""
        left, quota = self._limiter.left(), self._limiter.quota
        if left is None or quota is None:
            return None
        short = shortage(need, left, self._on_budget)
        return None if short is None else (short, left, quota)

    def _message(self, need: Need, short: int, left: int, quota: int) -> str:
        conn_id = self._client.settings.conn_id
        known = (
            f"connection {conn_id!r} allows {quota} an hour (extra.requests_per_hour)"
            if self._client.settings.requests_per_hour
            else f"workspace {self._workspace_id} is on the Free plan, which has {quota} an hour"
        )
        begin = (
            f"This export needs at least {need.total} more requests; {known}, of which {left} are left here."
        )
        if short <= quota:
            return begin + " Run again when the hour has turned, or set on_budget='defer'."
        if self._on_budget == "defer":
            return (
                f"{begin} One part of it alone needs {short}, which no hour has room for: export shorter windows, for "
                "example one run per week or day."
            )
        return (
            f"{begin} No hour has room for that: set on_budget='defer' to spread it over several, export shorter "
            "windows, or set on_budget='ignore' if the quota is larger."
        )

    def _look_up_plan(self) -> None:
        self._plan_known = True
        try:
            found = self._client.send(workspace(self._workspace_id), read_item)
        except (ClockifyForbiddenError, ClockifyBadRequestError) as error:
            log.info(
                "The plan of workspace %s cannot be seen, so no quota is known: %s", self._workspace_id, error
            )
            return
        plan = found.get("featureSubscriptionType")
        log.info("This export needs more than %d requests; the plan is %s.", FREE_REQUESTS_PER_HOUR, plan)
        if str(plan).startswith(FREE_PLAN):
            self._limiter.at_most(self._client.settings.requests_per_second, FREE_REQUESTS_PER_HOUR)
