# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""One attempt of an export task: what it may spend, what it keeps, and what it passes on to the next."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_clockify._compat import Context
    from airflow_provider_clockify.api.budget import Budget
    from airflow_provider_clockify.exports.files import FileKind
    from airflow_provider_clockify.hooks.clockify import ClockifyHook
    from airflow_provider_clockify.sinks.keeping import Keeper, Memory
    from airflow_provider_clockify.sinks.storage import Target

_STATE_KEY = "clockify_kept_parts"
_STATE_RETENTION = timedelta(days=7)


@dataclass(slots=True)
class Passed:
    """
    What an attempt passes on to the one after its wait; JSON values.

    :param kept: Name of the folder with finished parts, where Airflow has no task state store.
    :param parts: How many are finished.
    :param waits: Waits in a row that brought no further part.
    """

    kept: str | None = None
    parts: int = 0
    waits: int = 0


@dataclass(slots=True)
class Job:
    """
    One attempt of a task.

    :param hook: Hook of the connection.
    :param context: Context of the task.
    :param on_budget: As of the operator.
    :param passed: What an attempt before a wait passed on.
    :param memory: Outlives the attempt; ``None`` if nothing does.
    :ivar goes_on: Whether another attempt follows for certain.
    """

    hook: ClockifyHook
    context: Context
    on_budget: str
    passed: Passed
    memory: Memory | None
    goes_on: bool = False
    _keeper: Keeper | None = None

    @property
    def kept_parts(self) -> int:
        """Number of parts that the next attempt need not read."""
        return self._keeper.parts if self._keeper else 0

    def budget(self, workspace_id: str) -> Budget:
        """
        Give what keeps the job within the hourly quota.

        :param workspace_id: Workspace.
        """
        from airflow_provider_clockify.api.budget import Budget

        return Budget(self.hook.client, workspace_id, self.on_budget)

    def keeper(self, target: Target, kind: FileKind, what: Mapping[str, Any], *, is_base: bool) -> Keeper:
        """
        Give what keeps finished parts for the next attempt.

        :param target: Where the export goes.
        :param kind: How its files are written.
        :param what: All that decides what is read; JSON values.
        :param is_base: Whether the target is a folder.
        """
        from airflow_provider_clockify import __version__
        from airflow_provider_clockify.sinks.keeping import Keeper

        stats = self.hook.client.transport.stats
        self._keeper = Keeper(
            self.memory,
            target,
            is_base=is_base,
            job=json.dumps({"version": __version__, **what}, sort_keys=True, default=str),
            spent=lambda: stats.requests,
            private=kind.rules is not None,
        )
        return self._keeper

    def end(self, log: Any) -> None:
        """Say what the attempt has spent, however it ended, and leave nothing that nobody will come back for."""
        if self._keeper is not None and isinstance(self.memory, _PassedMemory) and not self.goes_on:
            self._keeper.forget()
        if "client" not in vars(self.hook):
            return  # Nothing was asked.
        stats = self.hook.client.transport.stats
        log.info(
            "Spent %d %s (%d of them retries), waited %.1f s, received %.1f MB.",
            stats.requests,
            "request" if stats.requests == 1 else "requests",
            stats.retries,
            stats.waited,
            stats.received / 1e6,
        )


class _StoreMemory:
    """Airflow's task state store, which survives retries and deferrals (Airflow 3.3)."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def get(self) -> str | None:
        known = self._store.get(_STATE_KEY)
        return None if known is None else str(known)

    def set(self, text: str) -> None:
        self._store.set(_STATE_KEY, text, retention=_STATE_RETENTION)

    def delete(self) -> None:
        self._store.delete(_STATE_KEY)


class _PassedMemory:
    """What a deferral passes on; forgotten by a retry."""

    def __init__(self, passed: Passed) -> None:
        self._passed = passed

    def get(self) -> str | None:
        return self._passed.kept

    def set(self, text: str) -> None:
        self._passed.kept = text

    def delete(self) -> None:
        self._passed.kept = None


def memory_of(context: Context, passed: Passed, *, may_wait: bool) -> Memory | None:
    """
    Give what outlives the attempt.

    :param context: Context of the task.
    :param passed: What an attempt before a wait passed on.
    :param may_wait: Whether this attempt may end in a wait.
    :return: ``None`` if nothing outlives it: a retry, before Airflow 3.3.
    """
    store = context.get("task_state_store")
    if store is not None:
        return _StoreMemory(store)
    return _PassedMemory(passed) if may_wait else None
