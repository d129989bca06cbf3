# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""A local Clockify emulator, to try this provider and to test DAGs without an account."""

from __future__ import annotations

from airflow_provider_clockify.testing.exchange import EntityFeeds
from airflow_provider_clockify.testing.server import ClockifyEmulator
from airflow_provider_clockify.testing.workspace.data import EmulatedWorkspace
from airflow_provider_clockify.testing.workspace.generate import generate_workspace

__all__ = ["ClockifyEmulator", "EmulatedWorkspace", "EntityFeeds", "generate_workspace"]
