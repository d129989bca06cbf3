# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Apache Airflow provider for Clockify time tracking."""

from __future__ import annotations

__version__ = "0.1.0"
