# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Run DAGs in an Airflow of their own, with all that makes it and the HTTP libraries talk.

``debug_run.py JSON``: ``{"connection": {…}, "runs": [[dag id, logical date, {variable: value}], …]}``. The connection
is stored in the database; one that a run's environment holds wins over it.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import sys
from datetime import datetime
from importlib import import_module
from importlib.metadata import version
from typing import Any

http.client.HTTPConnection.debuglevel = 1
AIRFLOW_3 = not version("apache-airflow").startswith("2.")
TALKERS = (
    "",
    "airflow",
    "airflow_provider_clockify",
    "asyncio",
    "h11",
    "httpcore",
    "httpx",
    "requests",
    "urllib3",
)


def main(plan: dict[str, Any]) -> None:
    from airflow.models import Connection
    from airflow.utils.session import create_session

    if not AIRFLOW_3:
        import_module("airflow.providers.fab.auth_manager.models")
    extra = json.dumps(plan["connection"].pop("extra"))
    with create_session() as session:
        session.add(Connection(conn_id="clockify_default", extra=extra, **plan["connection"]))
    triggers = note_triggers()
    before = dict(os.environ)
    for dag_id, logical_date, variables in plan["runs"]:
        os.environ.update(variables)
        bag = dag_bag()
        for name in TALKERS:  # Each run sets up logging anew.
            logging.getLogger(name).setLevel(logging.DEBUG)
        when = datetime.fromisoformat(logical_date)
        run = bag.dags[dag_id].test(**{"logical_date" if AIRFLOW_3 else "execution_date": when})
        print(f"RUN {dag_id} {run.state}", flush=True)
        os.environ.clear()
        os.environ.update(before)
    store(triggers)
    if not AIRFLOW_3:
        from airflow.models.serialized_dag import SerializedDagModel

        for dag_id in {dag_id for dag_id, *_ in plan["runs"]}:
            SerializedDagModel.write_dag(bag.dags[dag_id])


def dag_bag() -> Any:
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    assert not bag.import_errors, bag.import_errors
    return bag


def note_triggers() -> list[Any]:
    """Note what sensors hand over when they defer."""
    from airflow_provider_clockify.sensors._base import ClockifyWaitSensor

    noted: list[Any] = []
    defer = ClockifyWaitSensor.defer

    def note(self: Any, *, trigger: Any, **how: Any) -> None:
        noted.append(trigger)
        defer(self, trigger=trigger, **how)

    ClockifyWaitSensor.defer = note
    return noted


def store(triggers: list[Any]) -> None:
    """Store triggers as a scheduler would, which DAG tests do not, and show their arguments."""
    from airflow.models.trigger import Trigger
    from airflow.utils.session import create_session

    from airflow_provider_clockify.triggers.time_entries import ClockifyTimeEntryEventTrigger

    if AIRFLOW_3:
        triggers = [*triggers, ClockifyTimeEntryEventTrigger(filters={"billable": True})]
    with create_session() as session:
        for trigger in triggers:
            print("TRIGGER", trigger.serialize(), flush=True)
            session.add(Trigger.from_object(trigger))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
