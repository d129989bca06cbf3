# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Airflow finds the provider, its connection type and its form."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module, resources
from importlib.metadata import entry_points, version

import jsonschema
import pytest

from airflow_provider_clockify import __version__
from airflow_provider_clockify.get_provider_info import FIELDS, PACKAGE_NAME, get_provider_info
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
from airflow_provider_clockify.testing import ClockifyEmulator

FIELD_NAMES = [field.name for field in FIELDS]


def test_the_entry_point_leads_to_the_metadata() -> None:
    (found,) = [
        point for point in entry_points(group="apache_airflow_provider") if point.dist.name == PACKAGE_NAME
    ]
    assert found.load()() == get_provider_info()
    assert found.dist.version == __version__


def test_the_metadata_fit_airflows_schema() -> None:
    schema = json.loads((resources.files("airflow") / "provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_every_dotted_path_of_the_metadata_can_be_imported() -> None:
    info = get_provider_info()
    for kind in ("hooks", "operators", "sensors", "triggers", "transfers"):
        for entry in info[kind]:
            # A transfer is of one module.
            for module in entry.get("python-modules") or [entry["python-module"]]:
                import_module(module)
    for connection in info["connection-types"]:
        module, _, name = connection["hook-class-name"].rpartition(".")
        hook = getattr(import_module(module), name)
        assert hook.conn_type == connection["connection-type"]
        assert hook.hook_name == connection["hook-name"]
    for path in info["extra-links"]:
        module, _, name = path.rpartition(".")
        assert getattr(import_module(module), name).name == "Clockify"


def test_airflow_lists_the_provider() -> None:
    command = [sys.executable, "-m", "airflow", "providers", "list", "--output", "json"]
    out = subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ)).stdout
    rows = json.loads(out[out.index("[{") : out.rindex("]") + 1])
    assert {row["package_name"]: row["version"] for row in rows}[PACKAGE_NAME] == __version__


def test_the_connection_form_has_every_field() -> None:
    airflow = tuple(map(int, version("apache-airflow").split(".")[:2]))
    if airflow >= (3, 0):
        from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

        (form,) = [meta for meta in HookMetaService.hook_meta_data() if meta.connection_type == "clockify"]
        assert form.hook_name == "Clockify"
        assert list(form.extra_fields) == FIELD_NAMES
        for name, choices in (
            ("region", ["global", "euc1", "use2", "euw2", "apse2", "developer"]),
            ("auth_type", ["api_key", "addon_token"]),
        ):
            assert form.extra_fields[name]["schema"]["enum"] == choices
            assert form.extra_fields[name]["value"] == choices[0]
        assert form.standard_fields.password.title == "API key"
        assert form.standard_fields.host.title == "Base URL override"
        assert form.standard_fields.login.hidden
        assert form.standard_fields.port.hidden
        assert form.standard_fields.url_schema.hidden
    else:
        from airflow.providers_manager import ProvidersManager

        manager = ProvidersManager()
        widgets = [name for name in manager.connection_form_widgets if name.startswith("extra__clockify__")]
        assert sorted(widgets) == sorted(f"extra__clockify__{name}" for name in FIELD_NAMES)
        behaviour = manager.field_behaviours["clockify"]
        assert behaviour["relabeling"]["password"] == "API key"
        assert behaviour["hidden_fields"] == ["login", "schema", "port"]


@pytest.mark.parametrize("form", ["json", "uri"])
def test_the_test_button_names_owner_and_workspaces(
    form: str, month: ClockifyEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.providers.common.compat.sdk import Connection

    text = month.connection_json()
    if form == "uri":
        text = Connection(conn_id="x", **_fields(text)).get_uri()
        assert text.startswith("clockify://")
    monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_DEFAULT", text)
    worked, message = ClockifyHook().test_connection()
    assert worked
    assert month.workspace.owner.email in message
    assert month.workspace.id in message


def _fields(text: str) -> dict:
    fields = json.loads(text)
    fields["extra"] = json.dumps(fields["extra"])
    return fields


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("TIMEZONE", "Europe/Berlin", "Europe/Berlin"),
        ("ON_BUDGET", "defer", "defer"),
        ("REQUIRE_ADMIN", "True", "True"),
        ("ON_BUDGET", "wait", "refused"),
        ("TIMEZONE", "Berlin", "refused"),
    ],
)
def test_a_deployment_sets_defaults_in_its_configuration(setting: str, value: str, expected: str) -> None:
    code = f"""
from airflow_provider_clockify.operators.reports import ClockifyDetailedReportOperator
def made(**given):
    return ClockifyDetailedReportOperator(task_id="export", output_path="/tmp/x.jsonl", **given).{setting.lower()}
try:
    print("is", made())
except Exception as error:
    assert {value!r} in str(error), error
    print("is refused")
given = {{"timezone": "Asia/Tokyo", "on_budget": "ignore", "require_admin": False}}
assert made(**given) == given["{setting.lower()}"]
"""
    env = {**os.environ, f"AIRFLOW__CLOCKIFY__{setting}": value}
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, env=env)
    assert f"is {expected}" in done.stdout, done.stdout + done.stderr


def test_every_documented_option_is_a_default_of_a_parameter() -> None:
    operator = ClockifyDetailedReportOperator(task_id="export", output_path="/tmp/x.jsonl")
    for name, option in get_provider_info()["config"]["clockify"]["options"].items():
        assert str(getattr(operator, name)) == option["default"], name
