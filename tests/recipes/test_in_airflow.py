# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Airflow's operators for SQL render recipes, split them into statements and run them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_clockify.tables.__main__ import main, shapes
from airflow_provider_clockify.tables.recipes.known_recipes import RECIPES, statements
from airflow_provider_clockify.tables.recipes.warehouse import Order
from airflow_provider_clockify.tables.statements import TableName
from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace

sql = pytest.importorskip("airflow.providers.common.sql.operators.sql")
hooks = pytest.importorskip("airflow.providers.common.sql.hooks.sql")


@pytest.mark.parametrize("what", ["detailed", "changes", "summary", "list:projects"])
@pytest.mark.parametrize("name", RECIPES)
def test_airflow_finds_the_statements_of_a_script(name: str, what: str) -> None:
    order = Order(what, TableName("t", "s"), shapes()[what], "s3://lake/files", "export")
    for part in ("setup", "load"):
        made = statements(RECIPES[name], order, part)
        printed = [f"-- words; with 'signs'\n{each}" for each in made]
        # A loop is not rendered here: its one statement stands for all.
        loops = sum(each.count(";") for each in made if "{%- for" in each)
        assert len(hooks.DbApiHook.split_sql_string(";\n\n".join(printed) + ";\n")) == len(made) + loops


def test_operators_load_and_check_a_table(
    export: Callable[..., dict[str, Any]],
    folder: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("airflow.providers.duckdb")
    file = tmp_path / "warehouse.duckdb"
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps({"conn_type": "duckdb", "host": str(file)}))
    start = datetime(2026, 11, 1, tzinfo=UTC)
    with ClockifyEmulator(
        generate_workspace(entries=80, start=start, end=start + timedelta(days=5))
    ) as emulator:
        window = {"start": start.isoformat(), "end": (start + timedelta(days=5)).isoformat()}
        result = export("detailed", emulator, **window)

    class TaskInstance:
        def xcom_pull(self, *, task_ids: str) -> dict[str, Any]:
            return {"export_time_entries": result}[task_ids]

    def execute(part: str) -> None:
        printed = io.StringIO()
        with redirect_stdout(printed):
            main(["detailed", "--recipe", "duckdb", "--location", str(folder("detailed")), "--part", part])
        more = {} if part == "check" else {"split_statements": True, "autocommit": True}
        operator = sql.SQLCheckOperator if part == "check" else sql.SQLExecuteQueryOperator
        task = operator(task_id=part, conn_id="warehouse", sql=printed.getvalue(), **more)
        task.render_template_fields({"ti": TaskInstance(), "run_id": "manual__1"})
        task.execute({})

    for part in ("setup", "load", "check", "load", "check"):
        execute(part)
    with duckdb.connect(str(file)) as connection:
        assert connection.execute("SELECT count(*) FROM clockify_detailed").fetchall() == [(80,)]
        connection.execute("DELETE FROM clockify_detailed WHERE id = (SELECT min(id) FROM clockify_detailed)")
    with pytest.raises(Exception, match="Test failed"):
        execute("check")
