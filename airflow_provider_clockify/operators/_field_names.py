# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What the workspace's custom fields are called, asked for once, and only where it is needed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.exceptions import (
    ClockifyBadRequestError,
    ClockifyForbiddenError,
    ClockifyNotFoundError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_clockify.hooks.clockify import ClockifyHook
    from airflow_provider_clockify.reading.budget import Budget

log = logging.getLogger(__name__)


class CustomFields:
    """
    The custom fields of a workspace (``ofWorkspace``, one request).

    :param hook: Hook of the connection.
    :param budget: Keeps the job within the hourly quota.
    """

    def __init__(self, hook: ClockifyHook, budget: Budget) -> None:
        self._hook = hook
        self._budget = budget
        self._fields: Mapping[str, Mapping[str, Any]] | None = None

    def ask(self, more_parts: int) -> Mapping[str, Mapping[str, Any]]:
        """
        Return the fields by id, before the export is read.

        :param more_parts: Parts of the export that are read afterwards, each at the cost of at least one request.
        :raises ClockifyBudgetError: all of it does not fit.
        """
        self._budget.begin(1 + more_parts)
        self._fields = self._read()
        return self._fields

    def __call__(self) -> Mapping[str, Mapping[str, Any]]:
        """
        Return the fields by id, after the export was read; none where the key or the plan does not show them.

        :raises ClockifyBudgetError: the request does not fit.
        """
        if self._fields is None:
            self._budget.begin_unit(1)
            try:
                self._fields = self._read()
            except (ClockifyForbiddenError, ClockifyNotFoundError, ClockifyBadRequestError) as error:
                log.warning("Custom fields stay without names, only with their ids: %s", error)
                self._fields = {}
        return self._fields

    def _read(self) -> dict[str, Mapping[str, Any]]:
        return {str(field["id"]): field for field in self._hook.iter_custom_fields()}
