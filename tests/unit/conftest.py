# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Level 1: pure functions, without network and without clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from airflow_provider_clockify.connection import ClockifySettings

KEY = "VerySecretKey0123456789VerySecretKey0123456789ab"


@pytest.fixture
def key() -> str:
    return KEY


@pytest.fixture
def settings() -> Callable[..., ClockifySettings]:
    """Make settings of a connection; ``extra`` as keywords."""

    def make(*, password: str | None = KEY, host: str | None = None, **extra: Any) -> ClockifySettings:
        return ClockifySettings.from_fields("clockify_test", password=password, host=host, extra=extra)

    return make


@pytest.fixture
def entry_json() -> Callable[..., bytes]:
    """Make a row of the detailed report; keywords replace its fields."""

    def make(**fields: Any) -> bytes:
        row: dict[str, Any] = {
            "_id": "66b1a0c2d3e4f5a6b7c8aa01",
            "description": "Sprint planning",
            "userId": "u1",
            "userName": "Ada Example",
            "userEmail": "ada@example.com",
            "timeInterval": {
                "start": "2026-11-02T08:00:00Z",
                "end": "2026-11-02T09:30:00Z",
                "duration": 5400,
            },
            "billable": True,
            "type": "REGULAR",
            "isLocked": False,
            "approvalRequestId": None,
            "projectId": "p1",
            "projectName": "Website relaunch",
            "clientId": "c1",
            "clientName": "Globex",
            "taskId": None,
            "taskName": None,
            "tagIds": ["t1"],
            "tags": [{"_id": "t1", "name": "planning"}],
            "customFields": [{"customFieldId": "f1", "value": "OPS-17"}],
            "amount": 14250.0,
            "rate": 9500.0,
            "earnedAmount": 14250.0,
            "earnedRate": 9500.0,
            "costAmount": 6000.0,
            "costRate": 4000.0,
            "currency": "EUR",
        }
        return msgspec.json.encode({**row, **fields})

    return make
