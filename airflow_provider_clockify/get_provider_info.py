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
    :param minimum: Least number.
    :param secret: Whether it is masked.
    """

    name: str
    label: str
    type: Literal["string", "integer", "number"]
    description: str
    default: str | int | float | None = None
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    secret: bool = False

    def schema(self) -> dict[str, Any]:
        """Give the field as the JSON schema that Airflow 3.2 and later draw it from."""
        schema: dict[str, Any] = {"type": [self.type, "null"]}
        if self.default is not None:
            schema["default"] = self.default
        if self.choices:
            schema["enum"] = list(self.choices)
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
        "Where the workspace's data live. The address of the Clockify web app tells: app.clockify.me is global, "
        "euc1.clockify.me is euc1 (Germany), use2 the USA, euw2 the UK, apse2 Australia.",
        default=REGIONS[0],
        choices=REGIONS,
    ),
    FormField(
        "workspace_id",
        "Workspace ID",
        "string",
        "Default workspace of hook, operators and sensor: the 24 characters in the address of the workspace's "
        "settings page. Empty: the key's active workspace, at the cost of one request per task.",
    ),
    FormField(
        "subdomain",
        "Subdomain",
        "string",
        "Only for workspaces at <subdomain>.clockify.me: the part before the first dot. Their keys are made in the "
        "profile settings inside that subdomain.",
    ),
    FormField(
        "auth_type",
        "Auth type",
        "string",
        "api_key for the key of a user, addon_token for the token of an installed add-on.",
        default=AUTH_TYPES[0],
        choices=AUTH_TYPES,
    ),
    FormField(
        "requests_per_second",
        "Requests per second",
        "number",
        "Ceiling kept on this side, per worker process.",
        default=DEFAULT_REQUESTS_PER_SECOND,
        minimum=0.001,
    ),
    FormField(
        "requests_per_hour",
        "Requests per hour",
        "integer",
        "Quota of the whole workspace; a Free workspace has 30. Empty: none known.",
        minimum=1,
    ),
    FormField(
        "max_concurrency",
        "Max concurrency",
        "integer",
        "Parallel requests per task.",
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
        "Attempts after the first, per request.",
        default=DEFAULT_MAX_RETRIES,
        minimum=0,
    ),
    FormField(
        "hash_salt",
        "Hash salt",
        "string",
        "Secret key for columns that exports hash. Keep it: another one gives other hashes.",
        secret=True,
    ),
)

UI_FIELD_BEHAVIOUR: dict[str, Any] = {
    "hidden-fields": ["login", "schema", "port"],
    "relabeling": {"password": "API key", "host": "Base URL override"},
    "placeholders": {
        "password": "Clockify: Preferences, Advanced, Manage API keys",
        "host": "empty for Clockify itself; https://proxy.example.com for a proxy or emulator",
        "workspace_id": "64a1b2c3d4e5f60718293a4b",
        "subdomain": "acme",
    },
}


def get_provider_info() -> dict[str, Any]:
    """Give the provider metadata; the entry point ``apache_airflow_provider`` leads here."""
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
