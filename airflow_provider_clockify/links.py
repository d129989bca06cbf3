# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The button of a task that opens the same report in the Clockify web app.

The address is put together before the first request and kept in XCom, so that it is there when the export failed. It
holds times and ids, and never the key.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow_provider_clockify._compat import BaseOperatorLink, XCom
from airflow_provider_clockify.connection import GLOBAL_REGION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from airflow_provider_clockify._compat import Context
    from airflow_provider_clockify.connection import ClockifySettings
    from airflow_provider_clockify.export.declared_reports import DeclaredReport
    from airflow_provider_clockify.window import Window

__all__ = ["ClockifyReportLink"]

LINK_KEY = "clockify_link"

# The filters that public links were seen with.
_FILTERS = ("clients", "projects", "users")


class ClockifyReportLink(BaseOperatorLink):
    """Opens the report of a task's window in the Clockify web app."""

    name = "Clockify"
    xcom_key = LINK_KEY

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """
        Return the address that the task pushed; empty when it had none.

        Airflow 3 asks in the process of the task, at its end, and logs an error for an XCom that is not there: so the
        operator itself is asked first.

        :param operator: The task's operator.
        :param ti_key: The task instance.
        """
        known = getattr(operator, "report_link", None)
        return str(XCom.get_value(key=LINK_KEY, ti_key=ti_key) or "") if known is None else str(known)


def push_report_link(
    context: Context,
    report: DeclaredReport,
    window: Window,
    settings: ClockifySettings,
    filters: Mapping[str, Any],
) -> str:
    """
    Keep the address of a report for the button; nothing where no task runs.

    :param context: Context of the task.
    :param report: The report.
    :param window: The run's window.
    :param settings: The connection.
    :param filters: Filters in their full form.
    :return: The address; empty where nothing is kept.
    """
    task_instance: Any = context.get("ti")
    if task_instance is None or report.web_path is None:
        return ""
    url = report_url(settings, report.web_path, window, filters)
    task_instance.xcom_push(key=LINK_KEY, value=url)
    return url


def report_url(settings: ClockifySettings, web_path: str, window: Window, filters: Mapping[str, Any]) -> str:
    """
    Return the address of a report in the web app.

    It shows the workspace that is open there, and takes the bounds for times of its user's profile, both included: they
    are those of the window's zone, so that somebody whose profile has this zone sees just what was exported.
    A filter that public links were not seen with is left out: the page then shows more than the export.

    :param settings: The connection, for region and subdomain.
    :param web_path: As the report's row has it, see :class:`.declared_reports.DeclaredReport`.
    :param window: The window.
    :param filters: Filters in their full form.
    """
    chosen = {
        name: each for name in _FILTERS if (each := filters.get(name)) and each["contains"] == "CONTAINS"
    }
    last = window.end - timedelta(milliseconds=1)
    query = {
        name: _bound(each.astimezone(window.zone)) for name, each in (("start", window.start), ("end", last))
    }
    if chosen:
        query["filterValuesData"] = _compact({name: each["ids"] for name, each in chosen.items()})
        query["filterOptions"] = _compact(
            {
                "userAndGroup" if name == "users" else name: {"status": each["status"]}
                for name, each in chosen.items()
            }
        )
    return f"https://{_web_host(settings)}/reports/{web_path}?{urlencode(query, safe=':')}"


def _web_host(settings: ClockifySettings) -> str:
    """Return the web app's host; that of a region is its API's, and not verified."""
    if settings.subdomain:
        return f"{settings.subdomain}.clockify.me"
    return "app.clockify.me" if settings.region == GLOBAL_REGION else f"{settings.region}.clockify.me"


def _bound(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03}Z"


def _compact(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))
