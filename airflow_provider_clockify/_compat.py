# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
What differs between the supported versions of Airflow (2.11 and 3.x), in one place.

Most of it is the compatibility layer that the Airflow community keeps: the same names from ``airflow.sdk`` on 3.x and
from their former homes on 2.11.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import tzinfo
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow.providers.common.compat.connection import get_async_connection
from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseHook,
    BaseOperator,
    BaseOperatorLink,
    BaseSensorOperator,
    Context,
    ObjectStoragePath,
    PokeReturnValue,
    Variable,
    XCom,
)
from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from datetime import datetime

try:
    from airflow.triggers.base import BaseEventTrigger
except ImportError:  # Airflow 2
    BaseEventTrigger = BaseTrigger  # type: ignore[assignment,misc,unused-ignore]

__all__ = [
    "ENDS_AFTER_ON_KILL",
    "HAS_ASSET_STATE",
    "HAS_EVENT_TRIGGERS",
    "AirflowException",
    "AirflowFailException",
    "AirflowRescheduleException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "AirflowTaskTerminated",
    "AirflowTaskTimeout",
    "BaseEventTrigger",
    "BaseHook",
    "BaseOperator",
    "BaseOperatorLink",
    "BaseSensorOperator",
    "BaseTrigger",
    "Context",
    "ObjectStoragePath",
    "PokeReturnValue",
    "TriggerEvent",
    "XCom",
    "conf",
    "deferral_timed_out",
    "get_async_connection",
    "mask_secret",
    "schedule_zone",
    "variable",
    "wait_until",
    "was_rescheduled",
]


def _first_of(name: str, *modules: str) -> Any:
    for module in modules:
        with suppress(ImportError, AttributeError):
            return getattr(import_module(module), name)
    raise ImportError(f"No module of {', '.join(modules)} has {name}.")


# The compatibility layer has these two only in versions that the constraints of older Airflows do not allow.
conf = _first_of("conf", "airflow.sdk.configuration", "airflow.configuration")
mask_secret = _first_of(
    "mask_secret",
    "airflow.sdk.log",
    "airflow.sdk.execution_time.secrets_masker",
    "airflow.utils.log.secrets_masker",
)

AirflowTaskTimeout = _first_of("AirflowTaskTimeout", "airflow.sdk.exceptions", "airflow.exceptions")
AirflowTaskTerminated = _first_of("AirflowTaskTerminated", "airflow.sdk.exceptions", "airflow.exceptions")
AirflowRescheduleException = _first_of(
    "AirflowRescheduleException", "airflow.sdk.exceptions", "airflow.exceptions"
)

# Airflow 2 ends a task after its on_kill by itself.
ENDS_AFTER_ON_KILL = BaseEventTrigger is BaseTrigger

# Airflow 3: a trigger may schedule DAGs. 3.3: it may remember something, and be told what was stored.
HAS_EVENT_TRIGGERS = BaseEventTrigger is not BaseTrigger
HAS_ASSET_STATE = hasattr(BaseEventTrigger, "shared_stream_key")


def variable(key: str) -> str | None:
    """Read an Airflow variable; ``None`` when there is none. Airflow 3 renamed the default's parameter."""
    default: Any = {"default" if "default" in signature(Variable.get).parameters else "default_var": None}
    value = Variable.get(key, **default)
    return None if value is None else str(value)


def schedule_zone(dag: Any) -> tzinfo | None:
    """
    Find the time zone that a DAG is scheduled in: its timetable's, else its own.

    :param dag: The DAG of a task's context; Airflow has no common way to ask a timetable, or one around others.
    :return: ``None`` if there is no DAG, or its zone is unknown here.
    """
    timetable = getattr(dag, "timetable", None)
    several: Any = getattr(timetable, "timetables", None) or getattr(timetable, "_timetables", None)
    for each in (timetable, getattr(timetable, "timetable", None), *(several or ()), dag):
        zone = getattr(each, "timezone", None) or getattr(each, "_timezone", None)
        if isinstance(zone, str):
            with suppress(ValueError, OSError, LookupError):
                zone = ZoneInfo(zone)
        if zone is not None:
            return zone if isinstance(zone, tzinfo) else None
    return None


def wait_until(moment: datetime) -> BaseTrigger:
    """
    Return Airflow's own trigger for a moment, which few tasks ever need.

    Airflow 3 keeps it in the standard provider, which it requires; 2.11 has it itself.
    """
    trigger = _first_of(
        "DateTimeTrigger", "airflow.providers.standard.triggers.temporal", "airflow.triggers.temporal"
    )
    made: BaseTrigger = trigger(moment=moment)
    return made


def was_rescheduled(context: Context) -> bool:
    """Tell whether this try of a task has waited in reschedule mode before."""
    task_instance: Any = context.get("ti")
    if task_instance is None:
        return False
    if not ENDS_AFTER_ON_KILL:
        return task_instance.get_first_reschedule_date(context) is not None
    from airflow.models.taskreschedule import TaskReschedule
    from airflow.utils.session import create_session

    with create_session() as session:
        earlier = TaskReschedule.stmt_for_task_instance(task_instance)
        return session.scalars(earlier).first() is not None


def deferral_timed_out(next_method: str, next_kwargs: dict[str, Any] | None) -> bool:
    """
    Tell whether a task resumes because its deferral lasted too long.

    Airflow 3 gives sensors a time-out then; 2.11 an error like any other, for which the task's retries would apply.
    """
    return next_method == "__fail__" and "timeout" in str((next_kwargs or {}).get("error", "")).lower()
