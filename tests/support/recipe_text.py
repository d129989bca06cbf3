# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Recipes of warehouses, as Airflow renders them after an export task."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import Any

import jinja2

from airflow_provider_clockify.tables.__main__ import main


def rendered(result: Mapping[str, Any], *arguments: str) -> str:
    """Print what the arguments ask for, and render it with the result of an export."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        assert main(arguments) == 0

    class TaskInstance:
        def xcom_pull(self, *, task_ids: str) -> Mapping[str, Any]:
            assert task_ids == "export_time_entries"
            return result

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    return environment.from_string(printed.getvalue()).render(ti=TaskInstance(), run_id="scheduled__2026")
