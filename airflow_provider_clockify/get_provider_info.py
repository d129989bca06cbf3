# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What Airflow learns of this package without importing the rest of it, the connection form included.

The form is described once, here: Airflow 3.2 and later draw it from the metadata, earlier ones ask the hook, which
reads the same tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from airflow_provider_clockify import __version__
from airflow_provider_clockify.connection import (
    AUTH_TYPES,
    CONN_TYPE,
    DEFAULT_MAX_CONCURRENCY,
    DEFAULT_MAX_RETRIES,
    DEFAULT_MAX_WAIT,
    DEFAULT_REQUESTS_PER_SECOND,
    DEFAULT_TIMEOUT,
    REGIONS,
)

PACKAGE_NAME = "airflow-provider-clockify"
HOOK_NAME = "Clockify"
HOOK_CLASS = "airflow_provider_clockify.hooks.clockify.ClockifyHook"
LINK_CLASS = "airflow_provider_clockify.links.ClockifyReportLink"
_DOCS_URL = "https://docs.clockify.me/"


@dataclass(frozen=True, slots=True)
class FormField:
    """
    One field of the connection form that is kept in the connection's extra.

    :param name: Key in the extra.
    :param label: What people read beside it.
    :param type: JSON type.
    :param description: What it is for, below it.
    :param default: Value that the form starts with.
    :param choices: Values of a drop-down.
    :param choice_labels: What people read for each of them.
    :param minimum: Least number.
    :param secret: Whether it is masked.
    """

    name: str
    label: str
    type: Literal["string", "integer", "number"]
    description: str
    default: str | int | float | None = None
    choices: tuple[str, ...] = ()
    choice_labels: tuple[str, ...] = ()
    minimum: float | None = None
    secret: bool = False

    def labelled_choices(self) -> list[tuple[str, str]]:
        """Return the values of a drop-down with what people read for them."""
        return list(zip(self.choices, self.choice_labels, strict=True))

    def schema(self) -> dict[str, Any]:
        """Return the field as the JSON schema that Airflow 3.2 and later draw it from."""
        schema: dict[str, Any] = {"type": [self.type, "null"]}
        if self.default is not None:
            schema["default"] = self.default
        if self.choices:
            schema["enum"] = list(self.choices)
            schema["values_display"] = dict(self.labelled_choices())
        if self.minimum is not None:
            schema["minimum"] = self.minimum
        if self.secret:
            schema["format"] = "password"
        return schema


FIELDS = (
    FormField(
        "region",
        "Region",
        "string",
        "Where Clockify stores the workspace. Most workspaces are global. Others have the region in the address of "
        "the web app, for example euc1.clockify.me.",
        default=REGIONS[0],
        choices=REGIONS,
        choice_labels=(
            "Global",
            "EU, Germany (euc1)",
            "USA (use2)",
            "UK (euw2)",
            "Australia (apse2)",
            "Developer environment (developer)",
        ),
    ),
    FormField(
        "workspace_id",
        "Workspace ID",
        "string",
        "24 characters, from the address of the workspace's settings page: 64a1b2c3d4e5f60718293a4b. If the field is "
        "empty, the key's active workspace is used, which costs one request per task.",
    ),
    FormField(
        "auth_type",
        "Auth type",
        "string",
        "What you pasted as API key: the key of a user, or the token of an installed add-on.",
        default=AUTH_TYPES[0],
        choices=AUTH_TYPES,
        choice_labels=("API key", "Add-on token"),
    ),
    FormField(
        "subdomain",
        "Subdomain",
        "string",
        "Only for workspaces with an address of their own: acme for acme.clockify.me. Make the key "
        "inside that subdomain.",
    ),
    FormField(
        "requests_per_second",
        "Requests per second",
        "number",
        "The most requests per second to a workspace, of all processes of a machine together.",
        default=DEFAULT_REQUESTS_PER_SECOND,
        minimum=0.001,
    ),
    FormField(
        "requests_per_hour",
        "Requests per hour",
        "integer",
        "The quota of the workspace, 30 on the Free plan. If the field is empty, no quota is kept.",
        minimum=1,
    ),
    FormField(
        "max_concurrency",
        "Max concurrency",
        "integer",
        "The most requests that a task sends at the same time.",
        default=DEFAULT_MAX_CONCURRENCY,
        minimum=1,
    ),
    FormField(
        "timeout",
        "Timeout",
        "number",
        "Seconds to connect, and to wait for each piece of an answer.",
        default=DEFAULT_TIMEOUT,
        minimum=0.001,
    ),
    FormField(
        "max_retries",
        "Max retries",
        "integer",
        "How often a request is sent again after the first time.",
        default=DEFAULT_MAX_RETRIES,
        minimum=0,
    ),
    FormField(
        "max_wait",
        "Max wait",
        "number",
        "Seconds that a worker waits for the service or the quota before the task fails, or is deferred.",
        default=DEFAULT_MAX_WAIT,
        minimum=0.001,
    ),
    FormField(
        "hash_salt",
        "Hash salt",
        "string",
        "The secret with which hash_columns are hashed. Keep it, because another one gives other hashes.",
        secret=True,
    ),
)

UI_FIELD_BEHAVIOUR: dict[str, Any] = {
    "hidden-fields": ["login", "schema", "port"],
    "relabeling": {"password": "API key", "host": "Base URL override"},
    "placeholders": {
        "password": "from Clockify: Preferences, Advanced, Manage API keys",
        "host": "empty; or that of a proxy, such as https://proxy.example.com",
        # Only forms before Airflow 3 show those of the extra's fields.
        "workspace_id": "64a1b2c3d4e5f60718293a4b",
        "subdomain": "acme",
        "requests_per_hour": "30",
    },
}


_ASSET_URIS = {
    "schemes": ["clockify"],
    "handler": "airflow_provider_clockify.assets.clockify.sanitize_uri",
    "to_openlineage_converter": "airflow_provider_clockify.assets.clockify.convert_asset_to_openlineage",
    "factory": "airflow_provider_clockify.assets.clockify.create_asset",
}


# Defaults of parameters of operators, for a whole deployment: [clockify] in airflow.cfg, AIRFLOW__CLOCKIFY__….
OPTIONS: dict[str, dict[str, Any]] = {
    "timezone": {
        "description": "The zone in which operators cut days, weeks and months where a DAG names none.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "Europe/Berlin",
        "default": "UTC",
    },
    "on_budget": {
        "description": "What exports do where a DAG does not say it, and the job does not fit what is left of the "
        "workspace's hourly quota: fail, defer or ignore.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "defer",
        "default": "fail",
    },
    "require_admin": {
        "description": "Whether exports refuse a key that is not an owner's or admin's, where a DAG does not say it. "
        "Tables always do by default.",
        "version_added": "0.1.0",
        "type": "boolean",
        "example": "True",
        "default": "False",
    },
}

# What the transfers load into, by the name of the integration of Airflow's own provider; module and page.
_TRANSFERS = (
    ("PostgreSQL", "clockify_to_sql", "tables"),
    ("DuckDB", "clockify_to_sql", "tables"),
    ("SQLite", "clockify_to_sql", "tables"),
    ("Apache Arrow", "clockify_to_sql", "tables"),
    ("Apache Iceberg", "clockify_to_iceberg", "iceberg"),
)


def get_provider_info() -> dict[str, Any]:
    """Return the provider metadata; the entry point ``apache_airflow_provider`` leads here."""
    integration = "Clockify"
    return {
        "package-name": PACKAGE_NAME,
        "name": "Clockify",
        "description": "Time entries, reports and dimensions of Clockify workspaces: exact, in UTC, re-runnable.",
        "versions": [__version__],
        "integrations": [
            {"integration-name": integration, "external-doc-url": _DOCS_URL, "tags": ["service"]}
        ],
        "hooks": [
            {
                "integration-name": integration,
                "python-modules": ["airflow_provider_clockify.hooks.clockify"],
            }
        ],
        "operators": [
            {
                "integration-name": integration,
                "python-modules": [
                    "airflow_provider_clockify.operators.entities",
                    "airflow_provider_clockify.operators.reports",
                    "airflow_provider_clockify.operators.time_entries",
                ],
            }
        ],
        "sensors": [
            {
                "integration-name": integration,
                "python-modules": ["airflow_provider_clockify.sensors.time_entries"],
            }
        ],
        "triggers": [
            {
                "integration-name": integration,
                "python-modules": ["airflow_provider_clockify.triggers.time_entries"],
            }
        ],
        "transfers": [
            {
                "source-integration-name": integration,
                "target-integration-name": target,
                "python-module": f"airflow_provider_clockify.transfers.{module}",
                "how-to-guide": f"/docs/{page}.md",
            }
            for target, module, page in _TRANSFERS
        ],
        "config": {
            "clockify": {
                "description": "Defaults of parameters of Clockify's operators.",
                "options": OPTIONS,
            }
        },
        # Airflow 2.11 reads the second name.
        "asset-uris": [_ASSET_URIS],
        "dataset-uris": [_ASSET_URIS],
        "extra-links": [LINK_CLASS],
        "connection-types": [
            {
                "connection-type": CONN_TYPE,
                "hook-class-name": HOOK_CLASS,
                "hook-name": HOOK_NAME,
                "conn-fields": {
                    field.name: {
                        "label": field.label,
                        "description": field.description,
                        "schema": field.schema(),
                    }
                    for field in FIELDS
                },
                "ui-field-behaviour": UI_FIELD_BEHAVIOUR,
            }
        ],
    }
