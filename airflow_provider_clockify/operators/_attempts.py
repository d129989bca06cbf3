# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""One attempt of an export task: what it may spend, what it keeps, and what it passes on to the next."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_clockify._compat import Context
    from airflow_provider_clockify.export.keeping import Keeper
    from airflow_provider_clockify.export.storage import Target
    from airflow_provider_clockify.export.writing import FileKind
    from airflow_provider_clockify.hooks.clockify import ClockifyHook
    from airflow_provider_clockify.reading.budget import Budget
    from airflow_provider_clockify.types import OnBudget


@dataclass(slots=True)
class Passed:
    """
    What an attempt passes on to the one after its wait; JSON values.

    :param parts: How many parts are finished.
    :param waits: Waits in a row that brought no further part; 0 before the first.
    :param requests: Requests spent so far.
    :param began: When the first attempt began, ISO 8601.
    """

    parts: int = 0
    waits: int = 0
    requests: int = 0
    began: str = field(default_factory=lambda: datetime.now(UTC).isoformat())


@dataclass(frozen=True, slots=True)
class Tries:
    """
    Where an attempt stands among those of its task run.

    A cleared task reads everything again: Airflow raises ``max_tries`` by the tries before, and counts how often a run
    was cleared.

    :param run: Names the task run, and tells what came before a clear from what comes after it; ``None`` outside of a
        run.
    :param is_first: Whether no try since the last clear came before this one.
    :param is_last: Whether Airflow tries no more after this one.
    """

    run: tuple[Any, ...] | None = None
    is_first: bool = True
    is_last: bool = True

    @classmethod
    def of(cls, context: Context, retries: int) -> Tries:
        """
        Read them from the context of a task.

        :param context: The context, of any supported Airflow version.
        :param retries: Retries of the task.
        """
        ti = context.get("ti")
        number, last = getattr(ti, "try_number", None), getattr(ti, "max_tries", None)
        if not isinstance(number, int) or not isinstance(last, int):
            return cls()
        names = [getattr(ti, name, None) for name in ("dag_id", "task_id", "run_id", "map_index")]
        clears = getattr(context.get("dag_run"), "clear_number", None)
        return cls((*names, last, clears), number <= last - retries + 1, number > last)


class Attempted(Protocol):
    """What an attempt has to know of its operator."""

    on_budget: OnBudget
    resume: bool
    retries: Any

    @property
    def may_wait(self) -> bool:
        """Whether the task may give up its slot, and go on later."""


class Attempt:
    """
    One attempt of an export task.

    :param task: The operator.
    :param hook: Hook of the connection.
    :param context: Context of the task.
    :param passed: What an attempt before a wait passed on.
    :ivar goes_on: Whether another attempt follows for certain.
    """

    def __init__(self, task: Attempted, hook: ClockifyHook, context: Context, passed: Passed) -> None:
        self.hook = hook
        self.context = context
        self.passed = passed
        self.goes_on = False
        self._task = task
        self._tries = Tries.of(context, task.retries or 0)
        self._keeper: Keeper | None = None

    def budget(self, workspace_id: str) -> Budget:
        """
        Return what keeps the export within the hourly quota.

        :param workspace_id: Workspace.
        """
        from airflow_provider_clockify.reading.budget import Budget

        return Budget(self.hook.client, workspace_id, self._task.on_budget)

    def pass_on(self) -> Passed:
        """Return what the attempt after a wait is told."""
        before, kept = self.passed, self._keeper.parts if self._keeper else 0
        return Passed(
            max(kept, before.parts),
            before.waits + 1 if kept <= before.parts else 1,
            before.requests + self.hook.client.transport.stats.requests,
            before.began,
        )

    def keeper(
        self, target: Target, kind: FileKind, what: Mapping[str, Any], *, is_base: bool
    ) -> Keeper | None:
        """
        Return what keeps finished parts for the next attempt.

        :param target: Where the export goes.
        :param kind: How its files are written.
        :param what: All that decides what is read; JSON values.
        :param is_base: Whether the target is a folder.
        :return: ``None`` if no attempt comes before or after this one.
        """
        goes_on = bool(self.passed.waits) or not self._tries.is_first
        if not self._task.resume or self._tries.run is None:
            return None
        if self._tries.is_last and not (goes_on or self._task.may_wait):
            return None
        from airflow_provider_clockify import __version__
        from airflow_provider_clockify.export.keeping import Keeper, KeptJob
        from airflow_provider_clockify.http.hosts import service_url

        settings = self.hook.settings
        identity = {
            "version": __version__,
            "run": self._tries.run,
            "output_path": target.output_path,
            "key": hashlib.sha256(settings.api_key.encode()).hexdigest(),
            "auth_type": settings.auth_type,
            "services": [service_url(settings, service) for service in ("core", "reports")],
            **what,
        }
        stats = self.hook.client.transport.stats
        self._keeper = Keeper(
            target,
            is_base=is_base,
            job=KeptJob(
                json.dumps(identity, sort_keys=True, default=str),
                goes_on=goes_on,
                is_private=kind.rules is not None,
            ),
            spent=lambda: stats.requests,
        )
        return self._keeper

    def end(self, log: Any) -> None:
        """Say what the attempt has spent, however it ended, and leave nothing that nobody will come back for."""
        if self._keeper is not None and self._tries.is_last and not self.goes_on:
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
