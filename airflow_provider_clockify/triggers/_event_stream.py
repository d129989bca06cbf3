# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
One look for all watchers of a workspace.

A tick says that it is time to look. It holds no entries: each watcher asks it for what lies behind its own cursor, and
equal questions are sent once. So nothing is lost with a tick that a watcher missed, because it came late or was slow.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyError
from airflow_provider_clockify.triggers._polling import is_final, prepare, transport_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airflow_provider_clockify.watching.event_rows import Rows

# Below the five minutes after which Airflow gives up a watcher that is busy with a tick.
LONGEST_LOOK = 120.0
# Nothing but a person can mend a refused key or a wrong field; somebody may, while the watcher runs on.
PAUSE_AFTER_FINAL = 900.0
# The cursors of a group differ by a little; whoever asks first, asks for all of them.
WIDER = timedelta(minutes=1)
LOOK_ERRORS = (ClockifyError, TimeoutError)


class Looker:
    """
    Looks for one group of watchers.

    :param clockify_conn_id: Connection of type ``clockify``.
    :param workspace_id: Workspace; by default the connection's, else the key's active one, which is asked once.
    :param detect: ``started``, ``created`` or ``changed``.
    """

    def __init__(self, clockify_conn_id: str, workspace_id: str | None, detect: str) -> None:
        self._clockify_conn_id = clockify_conn_id
        self._workspace_id = workspace_id
        self._detect = detect

    async def __call__(self, start: datetime, end: datetime) -> tuple[str, Rows]:
        """Return the workspace and its entries of a window."""
        from airflow_provider_clockify.service.pagination import run_async
        from airflow_provider_clockify.watching.event_rows import entries_in
        from airflow_provider_clockify.window import Window

        await prepare()
        async with asyncio.timeout(LONGEST_LOOK):
            transport = await transport_of(self._clockify_conn_id)
            workspace_id = self._workspace_id or transport.settings.workspace_id
            if not workspace_id:
                workspace_id = self._workspace_id = await self._active(transport)
            window = Window(start, end)
            rows = await run_async(transport.send, entries_in(self._detect, workspace_id, window))
            return workspace_id, rows

    async def _active(self, transport: Any) -> str:
        import msgspec

        from airflow_provider_clockify.service.lists import logged_user

        user = await transport.send(logged_user(), lambda response: msgspec.json.decode(response.body))
        active = user.get("activeWorkspace") or user.get("defaultWorkspace")
        if not active:
            raise ClockifyConfigError(
                f"Connection {self._clockify_conn_id!r} names no workspace and its key has no active one: give "
                "workspace_id."
            )
        return str(active)


class Tick:
    """
    Time to look.

    :param look: Looks at a window.
    :param at: Now.
    """

    def __init__(
        self, look: Callable[[datetime, datetime], Awaitable[tuple[str, Rows]]], at: datetime | None = None
    ) -> None:
        self.at = at or datetime.now(UTC)
        self.pause = 0.0
        self._look = look
        self._lock = asyncio.Lock()
        self._error: BaseException | None = None
        self._known: tuple[datetime, datetime, str, Rows] | None = None
        self._when_stored: list[Callable[[], Awaitable[None]]] = []

    async def entries(self, start: datetime, end: datetime) -> tuple[str, Rows]:
        """
        Return the workspace and its entries of a window, by one request for everybody who asks for no more.

        :raises ClockifyError: the look failed, for everybody.
        """
        async with self._lock:
            if self._error is not None:
                raise self._error
            known = self._known
            if known is None or start < known[0] or end != known[1]:
                try:
                    first = start - WIDER
                    known = self._known = (first, end, *await self._look(first, end))
                except LOOK_ERRORS as error:
                    self._error = error
                    self.pause = _pause(error)
                    raise
        return known[2], [row for row in known[3] if start <= row.sighting.at < end]

    def when_stored(self, confirm: Callable[[], Awaitable[None]]) -> None:
        """
        Call back when all events of this tick are stored.

        :param confirm: Must not raise.
        """
        self._when_stored.append(confirm)

    async def stored(self) -> None:
        """All events of this tick are stored."""
        while self._when_stored:
            await self._when_stored.pop(0)()


def _pause(error: BaseException) -> float:
    if isinstance(error, ClockifyError) and is_final(error):
        return PAUSE_AFTER_FINAL
    return getattr(error, "retry_after", None) or 0.0
