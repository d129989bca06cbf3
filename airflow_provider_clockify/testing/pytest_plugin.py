# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Provide pytest with a Clockify emulator.

Put ``pytest_plugins = ["airflow_provider_clockify.testing.pytest_plugin"]`` into the top ``conftest.py``.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_clockify.testing.server import ClockifyEmulator
from airflow_provider_clockify.testing.workspace.generate import generate_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def make_clockify_emulator() -> Iterator[Callable[..., ClockifyEmulator]]:
    """
    Return a function that starts emulators; they stop after the test.

    Takes arguments of ``generate_workspace`` and, as dict ``server``, those of ``ClockifyEmulator``.
    """
    with ExitStack() as stack:

        def make(*, server: dict[str, Any] | None = None, **workspace: Any) -> ClockifyEmulator:
            return stack.enter_context(ClockifyEmulator(generate_workspace(**workspace), **(server or {})))

        yield make


@pytest.fixture
def clockify_emulator(make_clockify_emulator: Callable[..., ClockifyEmulator]) -> ClockifyEmulator:
    """Return a running emulator with a small workspace: 5 users and 100 time entries in November 2026."""
    return make_clockify_emulator(entries=100)
