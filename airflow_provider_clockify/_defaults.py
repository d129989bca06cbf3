# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Defaults of parameters, which a deployment sets in the section ``clockify`` of Airflow's configuration.

Read once, where a DAG is parsed: what a DAG writes itself always wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from airflow_provider_clockify._compat import conf
from airflow_provider_clockify.get_provider_info import OPTIONS

if TYPE_CHECKING:
    from airflow_provider_clockify.types import OnBudget

_SECTION = "clockify"

TIMEZONE: str = conf.get(_SECTION, "timezone", fallback=OPTIONS["timezone"]["default"])
ON_BUDGET = cast("OnBudget", conf.get(_SECTION, "on_budget", fallback=OPTIONS["on_budget"]["default"]))
REQUIRE_ADMIN: bool = conf.getboolean(_SECTION, "require_admin", fallback=OPTIONS["require_admin"]["default"])
