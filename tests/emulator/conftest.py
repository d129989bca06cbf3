# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_clockify.testing import ClockifyEmulator, EmulatedWorkspace
from airflow_provider_clockify.testing.pytest_plugin import clockify_emulator, make_clockify_emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["clockify_emulator", "make_clockify_emulator"]


class Client:
    """A plain client of one emulator, with the key of the owner unless told otherwise."""

    def __init__(self, emulator: ClockifyEmulator) -> None:
        self.emulator = emulator
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["X-Api-Key"] = emulator.api_key
        self.workspace = f"/workspaces/{emulator.workspace.id}"

    def as_user(self, user: Any) -> Client:
        other = Client(self.emulator)
        other.session.headers["X-Api-Key"] = user.api_key
        return other

    def get(self, path: str, **params: Any) -> requests.Response:
        names = {name.replace("_", "-"): value for name, value in params.items()}
        return self.session.get(f"{self.emulator.url}/api/v1{path}", params=names, timeout=10)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.session.post(f"{self.emulator.url}/api/v1{path}", json=body, timeout=10)

    def send(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(method, f"{self.emulator.url}/api/v1{path}", json=body, timeout=10)

    def list(self, path: str, **params: Any) -> requests.Response:
        """Ask for a list of the workspace."""
        return self.get(f"{self.workspace}/{path}", **params)

    def detailed(
        self, body: dict[str, Any] | None = None, /, drop: tuple[str, ...] = (), **own: Any
    ) -> requests.Response:
        """Ask for the detailed report of November 2026 in UTC; ``own`` goes into ``detailedFilter``."""
        whole = {
            "dateRangeStart": "2026-11-01T00:00:00.000Z",
            "dateRangeEnd": "2026-11-30T23:59:59.999Z",
            "timeZone": "UTC",
            "exportType": "JSON",
            "detailedFilter": {"page": 1, "pageSize": 1000, **own},
            **(body or {}),
        }
        for name in drop:
            del whole[name]
        return self.session.post(
            f"{self.emulator.url}/report/v1{self.workspace}/reports/detailed", json=whole, timeout=10
        )

    def ids(self, body: dict[str, Any] | None = None, /, **own: Any) -> list[str]:
        response = self.detailed(body, **own)
        assert response.status_code == 200, response.text
        return [row["_id"] for row in response.json()["timeentries"]]


@pytest.fixture
def client(clockify_emulator: ClockifyEmulator) -> Client:
    return Client(clockify_emulator)


@pytest.fixture
def empty() -> EmulatedWorkspace:
    """A workspace with an owner in Belgrade and an employee in New York, and nothing else."""
    workspace = EmulatedWorkspace()
    founded = datetime(2026, 1, 1, tzinfo=UTC)
    workspace.add_user("Olga Owner", at=founded, time_zone="Europe/Belgrade")
    workspace.add_user("Emil Employee", at=founded, time_zone="America/New_York")
    return workspace


@pytest.fixture
def serve() -> Iterator[Callable[..., Client]]:
    """Start emulators for given workspaces and return clients."""
    running: list[ClockifyEmulator] = []

    def start(workspaces: Any, **options: Any) -> Client:
        emulator = ClockifyEmulator(workspaces, **options).start()
        running.append(emulator)
        return Client(emulator)

    yield start
    for emulator in running:
        emulator.stop()
        assert emulator.errors == []
